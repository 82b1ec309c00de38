"""Patterns of coverage on companies planted with each of them, and the published series."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.coverage import attain, measure_coverage
from helpers.analyses.coverage_composition import explain_composition, measure_composition
from helpers.analyses.coverage_patterns import (
    detect_floating_bar,
    detect_over_ask,
    detect_slide,
    measure_bar,
    name_pattern,
)
from helpers.analyses.coverage_review import review_coverage, tabulate_next_starts
from helpers.analyses.coverage_words import say_pattern, say_slide
from helpers.analyses.pipeline_series import read_this_next_all
from helpers.engine.cells import build_cells
from helpers.model.goal import load_goal_rules
from helpers.periods import period_of
from tests.analyses.test_coverage import AS_OF, at, make_small
from tests.companies import make_company

QUARTER = period_of(date(2026, 4, 1), "quarter")
DEALS = ["id", "created_at", "closed_at", "stage", "amount", "type", "source", "owner"]


def plant(deals, moves=(), **options):
    """Ten deals of 100 due in Q2 2026 and two due in Q3, owned by Ann; ``deals`` override or follow, by id."""
    rows = {f"D{i}": [f"D{i}", "2026-01-10", "2026-06-20", "Proposal", 100.0, "new", "Web", "Ann"] for i in range(10)}
    rows |= {f"N{i}": [f"N{i}", "2026-01-10", "2026-08-20", "Proposal", 100.0, "new", "Web", "Ann"] for i in range(2)}
    rows |= {row[0]: row for row in deals}
    history = pd.DataFrame(
        [("D0", "2026-02-01", "closed_at", "2026-06-19", "2026-06-20"), *moves],
        columns=["deal_id", "changed_at", "field", "old", "new"],
    )
    table = pd.DataFrame(list(rows.values()), columns=DEALS)
    return make_company({"deal": table, "deal_history": history}, latest_event=date(2026, 5, 31), **options)


def slip(n):
    rows = [[f"D{i}", "2026-01-10", "2026-08-01", "Proposal", 100.0, "new", "Web", "Ann"] for i in range(1, n + 1)]
    return rows, [(f"D{i}", "2026-05-10", "closed_at", "2026-06-20", "2026-08-01") for i in range(1, n + 1)]


def close(n, stage):
    rows = [[f"D{i}", "2026-01-10", "2026-05-10", stage, 100.0, "new", "Web", "Ann"] for i in range(1, n + 1)]
    return rows, [(f"D{i}", "2026-05-10", "closed_at", "2026-06-20", "2026-05-10") for i in range(1, n + 1)]


def build(n):
    return [[f"B{i}", "2026-05-01", "2026-09-01", "Proposal", 100.0, "new", "Web", "Ann"] for i in range(n)], []


PLANTED = {
    "slips": (slip(4), (600, 600, 1200, 0), (0, 0, 400, 600)),
    "losses": (close(4, "Closed Lost"), (600, 200, 800, 0), (0, 400, 0, 600)),
    "wins": (close(4, "Closed Won"), (600, 200, 800, 400), (400, 0, 0, 600)),
    "being_built": (build(5), (1000, 700, 1700, 0), (0, 0, 0, 1000)),
    "steady": (([], []), (1000, 200, 1200, 0), (0, 0, 0, 1000)),
}


@pytest.mark.parametrize("pattern", list(PLANTED))
def test_each_planted_pattern_is_named_with_its_amounts(pattern):
    (deals, moves), totals, became = PLANTED[pattern]
    series = read_this_next_all(plant(deals, moves), as_of=date(2026, 5, 31))
    first, last = series.iloc[0], series.iloc[-1]
    assert (first["this_period"], first["next_period"], first["all_open"]) == (1000, 200, 1200)
    assert tuple(last[["this_period", "next_period", "all_open", "booked"]]) == totals
    assert tuple(last[["won", "lost", "slipped", "still_due"]]) == became
    assert name_pattern(first, last)["pattern"] == pattern


def test_slips_while_new_pipeline_is_built_are_told_from_slips_alone():
    (slipped, moves), (built, _) = slip(4), build(5)
    series = read_this_next_all(plant(slipped + built, moves), as_of=date(2026, 5, 31))
    assert name_pattern(series.iloc[0], series.iloc[-1])["pattern"] == "slips_while_being_built"


def test_losses_replaced_by_new_deals_are_not_called_slips_in_words():
    """The totals alone read this down, next up, all flat; the deals say that nothing slipped."""
    (lost, moves), (built, _) = close(4, "Closed Lost"), build(4)
    company = plant(lost + built, moves)
    series = read_this_next_all(company, as_of=date(2026, 5, 31))
    assert name_pattern(series.iloc[0], series.iloc[-1])["pattern"] == "slips"
    said = say_pattern(series, "Q2 2026", company, load_goal_rules()).headline
    assert "40 % lost" in said and "look like slips, yet deal by deal most of what left was lost" in said


def test_what_was_due_at_the_start_is_accounted_for_in_every_week():
    series = read_this_next_all(make_small(), as_of=AS_OF, back=1)
    parts = series[["won", "lost", "slipped", "still_due"]].sum(axis=1)
    np.testing.assert_allclose(parts, series["due_at_start"])
    assert series.groupby("period_start")["due_at_start"].first().tolist() == [600.0, 380.0]
    ends = series.groupby("period_start")[["won", "lost", "slipped"]].last().to_numpy().tolist()
    assert ends == [[100.0, 200.0, 300.0], [380.0, 0.0, 0.0]]


PUBLISHED = pd.DataFrame(
    {"coverage": [3.1, 2.96, 2.82, 2.68, 2.54, 2.4], "conversion": [1.09 / 3.1, 0.34, 0.34, 0.34, 0.34, 0.34]}
)


def test_the_published_slide_is_found_and_said_with_its_numbers():
    """109 % at 3.1× needs a conversion of 35 %; 34 % would make 105 %. 2.4× at 34 % makes 82 %."""
    starts = PUBLISHED.assign(attainment=PUBLISHED["coverage"] * PUBLISHED["conversion"])
    assert round(1.09 / 3.1, 2) == 0.35 and round(attain(3.1, 0.34), 3) == 1.054
    found = detect_slide(starts)
    assert found["periods"] == 6
    assert (found["coverage_before"], found["coverage_after"]) == (3.1, 2.4)
    assert (round(found["attainment_before"], 2), round(found["attainment_after"], 3)) == (1.09, 0.816)
    said = say_slide(found).headline
    assert "from 3.1× to 2.4× over 6 periods while conversion held at 34 %" in said
    assert "from 109 % to 82 %" in said


def test_a_fall_of_coverage_with_another_conversion_is_no_slide():
    starts = PUBLISHED.assign(conversion=1 / PUBLISHED["coverage"], attainment=1.0)
    assert detect_slide(starts) is None
    assert detect_slide(PUBLISHED.iloc[::-1].assign(attainment=1.0)) is None


def test_over_ask_pools_periods_by_their_pipeline_as_needed_coverage_does():
    """1,000 converts 10 %, 100 converts 50 %: 1,100 ÷ 150 = 7.3×, not the 3.3× of the mean rate."""
    starts = pd.DataFrame(
        {"open_pipeline": [1000.0, 100.0], "bookings": [100.0, 50.0], "coverage": [10.0, 2.0], "attainment": [1.0, 1.0]}
    )
    assert detect_over_ask(9.0, starts)["needed"] == pytest.approx(1100 / 150)
    assert detect_over_ask(5.0, starts) is None


def make_cohorts(counts, wins):
    """One cohort of deals per quarter from Q1 2025; wins come 30 days after creation, the others stay open."""
    rows = []
    for quarter, (n, won) in enumerate(zip(counts, wins, strict=True)):
        start = period_of(date(2025, 1, 1), "quarter").previous(-quarter).start
        for i in range(n):
            closed = pd.Timestamp(start) + pd.Timedelta(days=30)
            stage = "Closed Won" if i < won else "Proposal"
            rows.append((f"{quarter}-{i}", start, closed, stage, 100.0, "new"))
    return make_company({"deal": pd.DataFrame(rows, columns=DEALS[:6])}, latest_event=date(2026, 7, 31))


@pytest.mark.parametrize(
    ("counts", "wins", "direction"),
    [
        pytest.param([100] * 5 + [200], [30] * 6, "lowered", id="twice the deals, as many wins"),
        pytest.param([100] * 5 + [50], [30] * 6, "raised", id="half the deals, as many wins"),
        pytest.param([100] * 5 + [200], [30] * 5 + [60], None, id="twice the deals and wins"),
        pytest.param([100] * 5 + [102], [30] * 5 + [12], None, id="a lower rate at the same bar"),
        pytest.param([10] * 5 + [13], [3] * 6, None, id="too few deals to tell"),
    ],
)
def test_the_bar_floats_where_deals_move_and_wins_do_not(counts, wins, direction):
    bar = measure_bar(make_cohorts(counts, wins), as_of=date(2026, 7, 31))
    assert bar["n"].tolist() == counts and bar["won"].tolist() == wins and set(bar["days"]) == {30}
    found = detect_floating_bar(bar)
    assert (found and found["direction"]) == direction


def test_a_cohort_too_young_for_its_wins_is_left_out_of_the_bar():
    """Wins take 30 days, so the deals of April to June can be judged from 30 July on."""
    company = make_cohorts([10] * 6, [5] * 6)
    assert len(measure_bar(company, as_of=date(2026, 7, 29))) == 5
    assert len(measure_bar(company, as_of=date(2026, 7, 30))) == 6


def make_mixed(change):
    """Ten deals a quarter over three quarters; the good part wins always, the other never; their mix turns in the last.

    Source: Event wins. Size: small deals win. Age: deals created in the quarter before win.
    """
    rows, history = [], []
    for number in range(3):
        quarter = period_of(date(2025, 10, 1), "quarter").previous(-number)
        good = 2 if number == 2 else 8
        for i in range(10):
            wins = i < good
            source = "Event" if change == "source" and wins else "Web"
            amount = (10.0 if wins else 100.0) if change == "size" else 50.0
            age = (20 if wins else 200) if change == "age" else 60
            created = pd.Timestamp(quarter.start) - pd.Timedelta(days=age)
            due = pd.Timestamp(quarter.start) + pd.Timedelta(days=40)
            rows.append((f"{number}-{i}", created, due, "Closed Won" if wins else "Closed Lost", amount, "new", source))
            history.append((f"{number}-{i}", created, "closed_at", due - pd.Timedelta(days=1), due))
    history = pd.DataFrame(history, columns=["deal_id", "changed_at", "field", "old", "new"])
    return make_company({"deal": pd.DataFrame(rows, columns=DEALS[:7]), "deal_history": history}, latest_event=AS_OF)


@pytest.mark.parametrize("change", ["source", "size", "age"])
def test_a_planted_change_of_composition_is_found_in_its_own_dimension(change):
    periods = [period_of(date(2025, 10, 1), "quarter").previous(-n) for n in range(3)]
    parts = measure_composition(make_mixed(change), periods, as_of=AS_OF)
    found = explain_composition(parts, pd.Timestamp("2026-04-01")).set_index("dimension")
    np.testing.assert_allclose(found["mix"] + found["rate"] + found["outside"], found["change"])
    assert found.index[0] == change
    assert found.loc[change, "explained"] == pytest.approx(1.0)
    others = found.drop(index=change)
    assert (others["explained"] < 0.5).all()
    sums = parts.groupby(["dimension", "period_start"])[["open_pipeline", "bookings"]].sum().unstack(0)
    for column in ("open_pipeline", "bookings"):
        assert (sums[column].nunique(axis=1) == 1).all(), "every dimension adds up to the same pipeline"


def test_bookings_split_by_where_they_stood_at_the_reading():
    """Q1: of 600 due, A 100 is booked from the pipeline; D 50 was created within. Q2: C and E from 380 due."""
    coverage = measure_coverage(make_small(), as_of=AS_OF)
    first, second = at(coverage.weeks, "2026-01-01"), at(coverage.weeks, "2026-04-01")
    names = ["from_pipeline", "pulled_in", "created_within"]
    assert first[names].tolist() == [100.0, 0.0, 50.0]
    assert second[names].tolist() == [380.0, 0.0, 0.0]
    assert coverage.create_and_close == pytest.approx(50 / 530)
    assert coverage.win_rate_on_hand == pytest.approx(480 / 980)
    assert second["needed_create_and_close"] == pytest.approx((1 - 50 / 150) / (100 / 600))
    assert at(coverage.weeks, "2026-07-01")["needed_create_and_close"] == pytest.approx((1 - 50 / 530) / (480 / 980))


def test_a_deal_pulled_in_from_a_later_period_is_told_from_one_created_within():
    row = ["N0", "2026-01-10", "2026-05-20", "Closed Won", 100.0, "new", "Web", "Ann"]
    company = plant([row], [("N0", "2026-05-01", "closed_at", "2026-08-20", "2026-05-20")])
    table = measure_coverage(company, as_of=date(2026, 6, 30)).weeks
    assert at(table, "2026-04-01")[["from_pipeline", "pulled_in", "created_within"]].tolist() == [0.0, 100.0, 0.0]
    assert at(table, "2026-04-01", week=5)["from_pipeline"] == 100.0


def test_needed_to_go_is_what_was_open_over_what_was_booked_from_then_on():
    """Week 9 of Q1: 250 open, A's 100 booked, D's 50 still to come: Q2 needs 250 / 50 = 5 in its week 9."""
    table = measure_coverage(make_small(), as_of=AS_OF).weeks
    assert at(table, "2026-04-01", week=9)["needed_to_go"] == pytest.approx(5.0)
    assert at(table, "2026-04-01")["needed_to_go"] == at(table, "2026-04-01")["needed_coverage"]


def test_every_booking_of_a_period_stands_in_one_part_at_every_week():
    weeks = measure_coverage(make_small(), as_of=AS_OF).weeks
    ended = weeks[weeks["bookings"].notna()]
    parts = ended[["booked_before", "from_pipeline", "pulled_in", "created_within"]].sum(axis=1)
    np.testing.assert_allclose(parts, ended["bookings"])


def test_week_three_is_read_on_the_evening_of_day_21():
    """A deal created on day 21 is in; one created on day 22 is not."""
    rows = [
        ["X", "2026-04-21", "2026-06-20", "Proposal", 7.0, "new", "Web", "Ann"],
        ["Y", "2026-04-22", "2026-06-20", "Proposal", 5.0, "new", "Web", "Ann"],
    ]
    table = measure_coverage(plant(rows), as_of=date(2026, 5, 31)).table
    assert at(table, "2026-04-01", week=3)["open_pipeline"] == 1007.0


def make_targets(*goals):
    rows = [("revenue_won", grain, pd.Timestamp(start), "all", "all", goal) for grain, start, goal in goals]
    return pd.DataFrame(rows, columns=["kpi", "grain", "period_start", "dimension", "slice", "goal"])


@pytest.mark.parametrize(
    ("goals", "expected"),
    [
        pytest.param([("year", "2026-01-01", 800.0)], [200.0, 200.0, 200.0], id="one goal for the year"),
        pytest.param(
            [("year", "2026-01-01", 800.0), ("quarter", "2026-01-01", 500.0)], [500.0, 100.0, 100.0], id="what is left"
        ),
        pytest.param([("month", f"2026-0{m}-01", 10.0 * m) for m in range(1, 7)], [60.0, 150.0, np.nan], id="months"),
        pytest.param([("month", "2026-01-01", 10.0)], [np.nan] * 3, id="a month alone makes no quarter"),
    ],
)
def test_targets_follow_from_whatever_length_was_typed(goals, expected):
    company = make_small(targets=make_targets(*goals))
    table = measure_coverage(company, as_of=AS_OF).table
    found = [at(table, start)["target"] for start in ("2026-01-01", "2026-04-01", "2026-07-01")]
    np.testing.assert_allclose(found, expected)


def test_the_kpi_of_coverage_takes_the_same_targets_as_the_page():
    company = make_small(targets=make_targets(("year", "2026-01-01", 800.0)))
    cells = build_cells(company, kpis=["starting_coverage"], as_of=AS_OF)
    whole = cells[cells["dimension"] == "all"].set_index("period_start")["value"]
    assert whole[pd.Timestamp("2026-01-01")] == pytest.approx(600 / 200)
    assert whole[pd.Timestamp("2026-04-01")] == pytest.approx(380 / 200)


def test_next_starts_per_source_add_up_to_the_company():
    coverage = measure_coverage(make_small(), as_of=AS_OF)
    found = tabulate_next_starts(coverage)
    assert found["period_start"].nunique() == 4
    first = found[found["period_start"] == pd.Timestamp("2026-07-01")].set_index("source")
    assert first.loc["all", "forecast_coverage"] == pytest.approx(500 / 400)
    assert first.drop(index="all")["forecast_coverage"].sum() == pytest.approx(500 / 400)
    assert first.loc["all", "short"] == pytest.approx(980 / 530 * 400 - 500)


def test_the_review_says_what_became_of_the_pipeline_due_at_the_start():
    headlines = [finding.headline for finding in review_coverage(make_small(), as_of=AS_OF).findings]
    assert any(text.startswith("Of $380 due at the start of Q2 2026, 100 % won") for text in headlines), headlines


def replay(company, evening):
    """Open new business on an evening, deal by deal: (due, amount), from the deals and their history alone."""
    moves = company.tables["deal_history"].sort_values("changed_at")
    found = []
    for deal in company.tables["deal"].to_dict("records"):
        is_closed = deal["stage"].startswith("Closed") and deal["closed_at"] <= evening
        if deal["created_at"] > evening or is_closed or deal["type"] == "renewal":
            continue
        mine = moves[moves["deal_id"] == deal["id"]]
        before, after = (mine[side] for side in (mine["changed_at"] <= evening, mine["changed_at"] > evening))
        due = before["new"].iloc[-1] if len(before) else after["old"].iloc[0] if len(after) else deal["closed_at"]
        found.append((pd.Timestamp(due), deal["amount"]))
    return found


def test_every_reading_equals_the_deals_replayed_to_that_evening():
    company = make_small()
    for row in read_this_next_all(company, as_of=AS_OF, back=1).to_dict("records"):
        deals = replay(company, row["day"])
        for name, lag in (("this_period", 0), ("next_period", -1)):
            period = period_of(row["period_start"].date(), "quarter").previous(lag)
            due = [amount for day, amount in deals if period.start <= day.date() <= period.end]
            assert row[name] == sum(due), (row["day"], name)
        assert (row["all_open"], row["n_all"]) == (sum(amount for _, amount in deals), len(deals))


def test_who_asks_for_five_times_where_four_make_plan_is_answered_with_both_numbers():
    """Four quarters start with 400 against a target of 100, and a quarter of it is won."""
    rows, history = [], []
    for back in range(4):
        quarter = period_of(date(2026, 4, 1), "quarter").previous(back)
        for i in range(4):
            created = pd.Timestamp(quarter.start) - pd.Timedelta(days=20)
            due = pd.Timestamp(quarter.start) + pd.Timedelta(days=40)
            stage = "Closed Lost" if i else "Closed Won"
            rows.append((f"{back}-{i}", created, due, stage, 100.0, "new"))
            history.append((f"{back}-{i}", created, "closed_at", due - pd.Timedelta(days=1), due))
    tables = {
        "deal": pd.DataFrame(rows, columns=DEALS[:6]),
        "deal_history": pd.DataFrame(history, columns=["deal_id", "changed_at", "field", "old", "new"]),
    }
    goals = [("year", "2025-01-01", 400.0), ("year", "2026-01-01", 400.0)]
    company = make_company(tables, targets=make_targets(*goals), latest_event=AS_OF)
    said = [finding.headline for finding in review_coverage(company, as_of=AS_OF, asked=5.0).findings]
    assert (
        "Sales asks for 5.0× coverage, yet 4.0× makes plan: in 4 of 4 periods plan was made with less than is asked"
        in said
    )
    calm = [finding.headline for finding in review_coverage(company, as_of=AS_OF, asked=4.0).findings]
    assert not any("Sales asks" in text for text in calm)
