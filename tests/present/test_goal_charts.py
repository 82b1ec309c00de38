"""Goals, coverage and the close curve as pictures: their words, their states, their empty forms."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.close_curve import accumulate_curve, build_close_curve
from helpers.analyses.coverage_words import say_next_starts, say_to_go
from helpers.present.charts.close_curve import draw_close_curve
from helpers.present.charts.coverage import draw_coverage
from helpers.present.charts.coverage_page import show_coverage, show_next_starts, show_pipeline
from helpers.present.charts.goal_matrix import SIGNS, draw_goal_matrix
from helpers.present.charts.goal_page import show_curve, show_goals, show_stages, show_timing
from tests.analyses.test_coverage import AS_OF, make_small
from tests.analyses.test_goal_review import make_targets, review


def make_grid():
    rows = [
        ("leads", "Leads", "count", "Q3 2026", 0, 0, 1650.0, 1553.0, 1600.0, 0.0, "missed"),
        ("leads", "Leads", "count", "Q4 2026", 1, 0, 1725.0, None, 1600.0, 0.13, "goal"),
        ("revenue_won", "Closed revenue", "currency", "Q3 2026", 0, 1, 2e6, 2.1e6, 2e6, 1.0, "reached"),
        ("revenue_won", "Closed revenue", "currency", "Q4 2026", 1, 1, 2.4e6, None, 2e6, 0.001, "out of reach"),
    ]
    columns = ["kpi", "label", "unit", "period", "column", "row", "goal", "actual", "expected", "probability", "state"]
    return pd.DataFrame(rows, columns=columns)


def make_past():
    return pd.DataFrame(
        {"label": ["Leads"], "row": [0], "needed": [1.2], "lowest": [0.8], "highest": [1.1], "is_beyond": [True]}
    )


def make_curve():
    counts = pd.DataFrame(
        {"cohort": ["A", "A", "B"], "age": [0, 1, 0], "n": 10, "won": [1, 2, 3], "is_complete": [True, True, False]}
    )
    return accumulate_curve(build_close_curve(counts))


def test_every_state_has_a_word_beside_its_colour():
    assert all(word for _, word in SIGNS.values())
    text = repr(draw_goal_matrix(make_grid(), make_past(), title="Q4 is unlikely", currency="EUR"))
    assert "○ was 1,553" in text and "● was €2.10 M" in text
    assert "set · 13 %" in text and "× out of reach" in text


def test_grid_lists_every_cell_as_text_and_never_writes_nan():
    shown = draw_goal_matrix(make_grid(), make_past().head(0), title="Q4 is unlikely")
    assert len(shown.text.splitlines()) == 5
    assert "nan" not in shown.text.lower() and "NaN" not in shown.svg


def test_close_curve_leaves_the_unfinished_age_out_of_its_average_and_says_so():
    shown = draw_close_curve(make_curve(), title="10 % are won at once")
    assert "left out of the average" in shown.subtitle
    assert "0.1" in shown.text and "<svg" in shown.svg


def test_coverage_shows_its_three_numbers_per_period():
    from helpers.analyses.coverage_review import review_coverage

    found = review_coverage(make_small(), as_of=AS_OF)
    shown = show_coverage(found, currency="USD")
    assert "Q1 2026" in shown.text and "Q3 2026" in shown.text
    assert "Coverage × conversion = attainment." in shown.subtitle
    assert "<svg" in shown.svg and "NaN" not in shown.svg


def test_pages_of_a_real_review_are_drawn():
    found = review(targets=make_targets())
    for shown in (
        show_goals(found, currency="USD"),
        show_curve(found, accumulate_curve(found.curve)),
        show_timing(found),
        show_stages(found),
    ):
        assert shown.title and shown.text
        assert "NaN" not in (shown.svg or shown.html)


def test_what_is_missing_is_said_in_words_with_a_next_step():
    from helpers.analyses.coverage_review import review_coverage
    from helpers.analyses.goal_review import review_goals
    from helpers.engine.cells import build_cells
    from tests.companies import make_company

    company = make_company({"cost": pd.DataFrame({"date": ["2026-01-01"], "channel": ["Web"], "amount": [5.0]})})
    found = review_goals(company, build_cells(company, as_of=date(2026, 3, 31)), as_of=date(2026, 3, 31))
    for shown in (
        show_goals(found),
        show_curve(found, accumulate_curve(found.curve)),
        show_timing(found),
        show_stages(found),
        show_coverage(review_coverage(company, as_of=date(2026, 3, 31))),
    ):
        assert "not available" in shown.title or "can't be told" in shown.title
        assert "Next step" in shown.text


def test_what_coverage_is_missing_for_is_said_once_and_what_rests_on_it_shows_nothing():
    from helpers.analyses.coverage_review import review_coverage
    from helpers.analyses.source_forecast_review import review_source_forecasts
    from helpers.analyses.source_goals import review_source_goals
    from helpers.periods import period_of
    from helpers.present.allocation_view import show_source_goals
    from helpers.present.source_forecast_view import show_source_forecasts
    from tests.companies import make_company

    company, day = make_company({"session": pd.DataFrame({"date": ["2026-05-01"], "sessions": [10]})}), AS_OF
    found = review_coverage(company, as_of=day)
    said = show_coverage(found)
    assert "nothing that rests on it" in said.title and "starts of the next periods" in said.text
    assert found.coverage.reason in said.text and found.coverage.cure in said.text
    for silent in (
        show_pipeline(found, period_of(day, "quarter")),
        show_next_starts(found),
        show_source_goals(review_source_goals(company, found.coverage, as_of=day)),
        show_source_forecasts(review_source_forecasts(company, found.coverage, as_of=day)),
    ):
        assert list(silent) == []


@pytest.mark.parametrize(
    "draw",
    [
        lambda: draw_goal_matrix(make_grid().head(0), make_past(), title="x"),
        lambda: draw_close_curve(make_curve().head(0), title="x"),
        lambda: draw_coverage(pd.DataFrame(), title="x"),
    ],
)
def test_nothing_to_draw__error(draw):
    with pytest.raises(ValueError, match="Show a message instead"):
        draw()


def test_the_page_tells_the_pipeline_week_by_week_and_how_the_next_periods_start():
    from helpers.analyses.coverage_review import review_coverage
    from helpers.periods import period_of

    found = review_coverage(make_small(), as_of=date(2026, 2, 28))
    shown = show_pipeline(found, period_of(date(2026, 2, 28), "quarter"), currency="USD")
    assert [each.title[:8] for each in shown] == ["Of $600 ", "After 8 "]
    assert "Q1 2026" in shown[1].title and "NaN" not in shown[1].svg
    starts = show_next_starts(review_coverage(make_small(), as_of=AS_OF), currency="USD")
    assert "All sources" in starts.text and "Event" in starts.text


def test_to_go_of_a_period_that_is_over_is_read_where_something_could_still_be_changed():
    rows = [(3, 4.0, 3.0, 10.0), (9, 5.0, 7.0, 10.0), (12, 0.2, 9.0, 10.0), (13, 0.1, None, 10.0)]
    weeks = pd.DataFrame(rows, columns=["week", "to_go_coverage", "needed_to_go", "bookings"])
    assert say_to_go(weeks, "Q3") == (
        "After 9 weeks Q3 had 5.0× of what was left to book in its pipeline; earlier periods needed 7.0× from there on"
    )
    runs = weeks.assign(bookings=float("nan")).head(3)
    assert say_to_go(runs, "Q3").startswith("After 12 weeks Q3 had 0.2×")


@pytest.mark.parametrize(
    ("short", "said"),
    [
        ([-5.0, -1.0], "Each of the next 2 periods starts with enough pipeline for its target"),
        ([5.0, -1.0], "Q1 starts $5 of pipeline short of its target"),
        ([5.0, 7.0], "All of the next 2 periods start short of pipeline, Q2 the most: by $7"),
        ([None, None], "What each source brings to the starts of the next periods"),
    ],
)
def test_the_next_starts_are_put_into_words(short, said):
    starts = pd.DataFrame({"source": "all", "period_start": [1, 2], "short": pd.Series(short, dtype=float)})
    assert say_next_starts(starts, {1: "Q1", 2: "Q2"}, currency="USD") == said
