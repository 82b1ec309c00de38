"""Where wins come from and what every stage needs, as pictures: their words, their numbers, their empty forms."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.goal_timing import plan_creation, summarise_timing
from helpers.analyses.stage_plan import lay_out_stages, say_stages
from helpers.present.charts.goal_timing import draw_stage_plan, draw_timing
from tests.analyses.test_goal_timing import Q
from tests.analyses.test_stage_plan import DELTA, INFINITE, Q1, Q2, Q3, Q4, Q5, plan
from tests.companies import make_company

COMPANY = make_company({"deal": [{"id": "a", "created_at": "2026-01-01", "stage": "Proposal"}]})


def make_landing(wanted=18.0):
    timing = plan_creation({Q[2]: wanted}, [0.0, 0.2], {Q[1]: 60.0}, {Q[2]: 80.0}, as_of=date(2026, 6, 30), most=120.0)
    return summarise_timing(timing, {Q[2]: wanted}).assign(label="Q3 2026")


def make_late():
    """2,000 MQLs of Q1 would be needed for Q4's 50 wins, 1,000 exist."""
    expected = {"opportunity": {Q3: 100.0}, "mql": {Q2: 1000.0}}
    frame, _ = plan({Q4: 50.0}, DELTA, {"mql": {Q1: 1000.0}}, expected, best_ever_factor=INFINITE)
    return lay_out_stages(frame, COMPANY)


def test_a_shortfall_is_drawn_with_the_day_it_went_out_of_reach():
    shown = draw_timing(make_landing(), title="Q3 misses 6 of 18 deals")
    assert "out of reach since 15 May 2026" in shown.text
    assert "beyond the best period ever" in shown.text and "<svg" in shown.svg
    assert "nan" not in shown.text.lower() and "NaT" not in shown.text


def test_a_goal_never_within_reach_is_said_to_be_that():
    assert "never within reach" in draw_timing(make_landing(900.0), title="Q3 is out of reach").text


def test_a_goal_that_what_exists_meets_has_no_shortfall_part():
    shown = draw_timing(make_landing(12.0), title="Q3 is covered")
    assert "out of reach" not in shown.text
    assert "beyond the best period ever" not in str(shown.spec)


def test_every_state_of_a_stage_has_a_word_beside_its_colour():
    text = draw_stage_plan(make_late(), title="Too late").text
    assert "× has 1,000 · 31 Mar" in text and "× 25 reachable" in text
    assert "100 reachable" in text  # opportunities that the MQLs of the first quarter allow


def test_sentence_names_the_stage_that_is_missing_and_since_when():
    said = say_stages(make_late())
    assert said == (
        "Q4 2026 can reach 25 of the 50 won deals wanted; "
        "since 31 Mar 2026 it is too late for the 1,000 MQLs that Q1 2026 lacks"
    )


def test_sentence_of_a_goal_within_reach_says_who_has_to_beat_expectation():
    expected = {"opportunity": {Q4: 100.0}, "mql": {Q2: 1000.0}}
    frame, _ = plan({Q5: 50.0}, DELTA, {}, expected, best_ever_factor=INFINITE)
    said = say_stages(lay_out_stages(frame, COMPANY))
    assert said == "Q2 2026 needs 2,000 MQLs by 30 Jun 2026, where 1,000 are expected"
    calm, _ = plan({Q5: 20.0}, DELTA, {}, expected)
    assert say_stages(lay_out_stages(calm, COMPANY)) == "What is expected of every stage suffices for the goals"
    assert say_stages(lay_out_stages(calm, COMPANY).iloc[:0]) == ""


def test_stages_stand_down_the_funnel_and_periods_along_time():
    laid = make_late()
    assert laid.sort_values("row")["label"].unique().tolist() == ["MQLs", "Opportunities", "Won deals"]
    assert laid.sort_values("column")["period"].unique().tolist() == ["Q1 2026", "Q3 2026", "Q4 2026"]


@pytest.mark.parametrize("draw", [draw_timing, draw_stage_plan])
def test_nothing_to_draw__error(draw):
    with pytest.raises(ValueError, match="Show a message instead"):
        draw(pd.DataFrame(), title="Nothing")
