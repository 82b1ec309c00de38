"""From wins wanted back to the stages before, on lags made by hand."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.close_curve import build_close_curve, find_deadline
from helpers.analyses.stage_plan import STAGE_PLAN_COLUMNS, plan_stages
from helpers.analyses.step_lags import chain_steps, count_entered, measure_step_lags
from helpers.errors import QuestionError
from helpers.periods import period_of
from tests.analyses.test_step_lags import AS_OF as DELTA_DAY
from tests.analyses.test_step_lags import make_delta

INFINITE = float("inf")


def lay_quarters(start=1):
    return [period_of(date(2026, 1 + (start - 1), 1), "quarter", start).previous(-n) for n in range(-2, 6)]


PAST2, PAST1, Q1, Q2, Q3, Q4, Q5, Q6 = lay_quarters()


def make_lags(**steps):
    """One pooled lag per step, such as ``mql_opportunity=[0, 0, 0.1]``."""
    frames = []
    for name, shares in steps.items():
        first, last = name.split("_")
        counts = pd.DataFrame({"cohort": "c", "age": range(len(shares)), "n": 1000, "won": [1000 * s for s in shares]})
        frame = build_close_curve(counts).rename(columns={"won": "reached"})
        frames.append(
            frame.assign(step=f"{first}_to_{last}", from_stage=first, to_stage=last, dimension="all", slice="all")
        )
    return pd.concat(frames, ignore_index=True)


def plan(wanted, lags, created, expected, as_of=date(2026, 3, 31), **options):
    found = plan_stages(wanted, lags, created, expected, as_of=as_of, **options)
    return found, found.assign(day=found["creation_period"].dt.date).set_index(["stage", "day"])


DELTA = make_lags(mql_opportunity=[0, 0, 0.1], opportunity_won=[0, 0.25])


def test_wins_wanted_become_mqls_exactly_three_quarters_earlier():
    """
    Q1 2027 (Q5) wants 50 wins: 200 opportunities a quarter before at 25 %, 2,000 MQLs two quarters before that at 10 %.
    """
    expected = {"opportunity": {Q4: 100.0}, "mql": {Q2: 1000.0, Q3: 1000.0}}
    _, by = plan({Q5: 50.0}, DELTA, {}, expected, best_ever_factor=INFINITE)
    assert by.loc[("opportunity", Q4.start), "needed"] == pytest.approx(200, rel=1e-4)
    assert by.loc[("mql", Q2.start), "needed"] == pytest.approx(2000, rel=1e-4)
    assert ("mql", Q3.start) not in by.index
    assert by.loc[("won", Q5.start), "reachable"] == pytest.approx(50)
    assert by.loc[("mql", Q2.start), "status"] == "open"
    # Whoever becomes an MQL after the second quarter no longer wins by the end of the fifth: 1 + 2 quarters earlier.
    assert by.loc[("mql", Q2.start), "too_late_since"].date() == Q2.end


def test_mqls_of_a_quarter_that_is_over_are_too_late_since_its_last_day():
    """
    Q2 runs from 1 Apr; Q4 wants 50 wins, so 200 opportunities in Q3 and 2,000 MQLs in Q1, which is over with 1,000.
    """
    created = {"mql": {Q1: 1000.0}}
    expected = {"opportunity": {Q3: 100.0}, "mql": {Q2: 1000.0}}
    _, by = plan({Q4: 50.0}, DELTA, created, expected, best_ever_factor=INFINITE)
    mqls = by.loc[("mql", Q1.start)]
    assert mqls["status"] == "too late" and mqls["exists"] == mqls["reachable"] == 1000
    assert mqls["needed"] == pytest.approx(2000, rel=1e-4)
    assert mqls["too_late_since"].date() == Q1.end == date(2026, 3, 31)
    assert by.loc[("opportunity", Q3.start), "reachable"] == pytest.approx(100)
    assert by.loc[("won", Q4.start), "reachable"] == pytest.approx(25)


def test_what_comes_without_the_stage_before_stays_as_expected():
    """150 opportunities are expected, 100 of them from 1,000 MQLs: 50 more need 500 MQLs more, not 2,000 in all."""
    expected = {"opportunity": {Q4: 150.0}, "mql": {Q2: 1000.0}}
    _, by = plan({Q5: 50.0}, DELTA, {}, expected, best_ever_factor=INFINITE)
    assert by.loc[("mql", Q2.start), "needed"] == pytest.approx(1500, rel=1e-4)


def test_expectation_that_suffices_leaves_every_stage_alone():
    expected = {"opportunity": {Q4: 100.0}, "mql": {Q2: 1000.0}}
    frame, by = plan({Q5: 20.0}, DELTA, {}, expected)
    assert by.loc[("mql", Q2.start), "needed"] == pytest.approx(1000)
    assert by.loc[("opportunity", Q4.start), "needed"] == pytest.approx(100)
    assert list(frame.columns) == STAGE_PLAN_COLUMNS


def test_more_than_the_best_ever_is_asked_of_no_period_ahead():
    """
    The best quarter had 120 opportunities. Of 50 wins in Q4, Q3 can bring at most 120 × 25 % = 30.
    """
    lags = make_lags(opportunity_won=[0, 0.25])
    _, by = plan({Q4: 50.0}, lags, {"opportunity": {Q1: 120.0}}, {"opportunity": {Q3: 100.0}})
    assert by.loc[("opportunity", Q3.start), "needed"] == pytest.approx(120, rel=1e-3)
    assert by.loc[("won", Q4.start), "reachable"] == pytest.approx(30, rel=1e-3)


def test_more_than_the_best_ever_is_asked_of_no_period_that_is_over_either():
    """Q3 wants 90 wins of the opportunities of Q2, which was over with 100; the best quarter had 120 (30 wins)."""
    lags = make_lags(opportunity_won=[0, 0.25])
    created = {"opportunity": {Q1: 120.0, Q2: 100.0}}
    _, by = plan({Q3: 90.0}, lags, created, {"opportunity": {Q3: 100.0}}, as_of=Q2.end)
    row = by.loc[("opportunity", Q2.start)]
    assert row["needed"] == pytest.approx(120, rel=1e-3) and row["status"] == "too late" and row["reachable"] == 100
    assert by.loc[("won", Q3.start), "reachable"] == pytest.approx(25)


def test_the_last_useful_day_is_that_of_the_chained_lag():
    first, second = [0.1, 0.2], [0.2, 0.1]
    lags = make_lags(mql_opportunity=first, opportunity_won=second)
    expected = {"opportunity": {Q2: 100.0, Q3: 100.0}, "mql": {Q2: 500.0, Q3: 500.0}}
    _, by = plan({Q3: 40.0}, lags, {}, expected, best_ever_factor=INFINITE)
    by_hand = [0.1 * 0.2, 0.1 * 0.1 + 0.2 * 0.2, 0.2 * 0.1]
    assert chain_steps(first, second) == pytest.approx(by_hand)
    assert by.loc[("mql", Q3.start), "too_late_since"].date() == find_deadline(Q3, by_hand)
    assert by.loc[("won", Q3.start), "too_late_since"].date() == find_deadline(Q3, second)


@pytest.mark.parametrize("start", [1, 2])
def test_hand_made_records_are_planned_in_the_companys_own_fiscal_quarters(start):
    """Half of the MQLs are an opportunity two quarters later, half of those are won one quarter after that."""
    company = make_delta(fiscal_year_start=start)
    lags = measure_step_lags(company, as_of=DELTA_DAY)
    now = period_of(DELTA_DAY, "quarter", start)
    ahead = [now.previous(-n) for n in range(0 if start == 2 else 1, 6)]
    expected = {stage: dict.fromkeys(ahead, n) for stage, n in {"mql": 4.0, "opportunity": 2.0, "lead": 4.0}.items()}
    created = count_entered(lags, fiscal_year_start=start)
    goal = ahead[4]
    _, by = plan({goal: 2.0}, lags, created, expected, as_of=DELTA_DAY, best_ever_factor=INFINITE)
    assert by.loc[("opportunity", goal.previous(1).start), "needed"] == pytest.approx(4, rel=1e-3)
    assert by.loc[("mql", goal.previous(3).start), "needed"] == pytest.approx(8, rel=1e-3)
    assert by.loc[("lead", goal.previous(3).start), "needed"] == pytest.approx(8, rel=1e-3)


def test_raising_a_rate_never_raises_what_is_needed_upstream():
    expected = {"opportunity": {Q4: 100.0}, "mql": {Q2: 1000.0}}
    needed = []
    for rate in (0.2, 0.25, 0.3):
        lags = make_lags(mql_opportunity=[0, 0, 0.1], opportunity_won=[0, rate])
        _, by = plan({Q5: 50.0}, lags, {}, expected, best_ever_factor=INFINITE)
        needed.append(by.loc[("mql", Q2.start), "needed"])
    assert needed == sorted(needed, reverse=True)


def test_the_running_quarter_counts_with_what_it_has_brought():
    """On 15 May 60 of the 100 opportunities of Q2 exist; Q3 wants 40 wins, so 160 must be created in all."""
    lags = make_lags(opportunity_won=[0, 0.25])
    created, expected = {"opportunity": {Q2: 60.0}}, {"opportunity": {Q2: 100.0, Q3: 100.0}}
    _, by = plan({Q3: 40.0}, lags, created, expected, as_of=date(2026, 5, 15), best_ever_factor=INFINITE)
    row = by.loc[("opportunity", Q2.start)]
    assert row["exists"] == 60 and row["needed"] == pytest.approx(160, rel=1e-3) and row["status"] == "open"


def test_two_ways_to_one_stage__error():
    lags = make_lags(mql_opportunity=[0.1], sql_opportunity=[0.2], opportunity_won=[0.1])
    with pytest.raises(QuestionError, match="lead to 'opportunity'"):
        plan({Q4: 1.0}, lags, {}, {})


def test_nothing_wanted_or_no_lag_gives_no_rows():
    assert plan_stages({}, DELTA, {}, {}, as_of=date(2026, 3, 31)).empty
    assert plan_stages({Q4: 1.0}, DELTA.iloc[:0], {}, {}, as_of=date(2026, 3, 31)).empty
