"""Pace, from deals laid by hand: every quarter wins 10 of its 40 in its first half; the first one teaches nothing."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.goal_pace import (
    COURSE_COLUMNS,
    PACE_COLUMNS,
    find_pace,
    list_rest,
    measure_pace,
    say_pace,
    say_volumes,
    trace_pace,
)
from tests.companies import make_company

QUARTERS = [*(pd.Timestamp(f"{year}-{month:02}-01") for year in (2025, 2026) for month in (1, 4, 7, 10))]


def make_deals(quarters=6, running=()):
    """Per quarter from 2025 on: 10 won on day 20 and 30 on day 85, one deal each; ``running``: (day, amount)."""
    rows = []
    for start in QUARTERS[:quarters]:
        rows += [(start, start + pd.Timedelta(days=19), 10.0), (start, start + pd.Timedelta(days=84), 30.0)]
    start = QUARTERS[quarters]
    rows += [(start, start + pd.Timedelta(days=day - 1), amount) for day, amount in running]
    deals = pd.DataFrame(rows, columns=["created_at", "closed_at", "amount"])
    return deals.assign(id=[str(i) for i in range(len(deals))], stage="Closed Won")


def make_matrix(start, goal=80.0, *, kpis=("revenue_won",), locked=True, grain="quarter"):
    rows = [{"kpi": kpi, "grain": grain, "period_start": start, "goal": goal, "locked": locked} for kpi in kpis]
    return pd.DataFrame(rows).assign(dimension="all", slice="all", actual=np.nan, expected=np.nan)


def pace(as_of, deals, matrix, **options):
    company = make_company({"deal": deals}, latest_event=as_of)
    return measure_pace(company, matrix, as_of=as_of, **options), company


@pytest.mark.parametrize(
    ("came", "status"), [(21.0, "ahead"), (20.0, "on pace"), (19.0, "behind")], ids=["ahead", "on pace", "behind"]
)
def test_by_the_middle_a_quarter_of_the_goal_should_be_there(came, status):
    """Every quarter had 10 of 40 by its middle: of a goal of 80 that is 20, not the calendar's 40."""
    found, _ = pace(date(2026, 8, 15), make_deals(running=[(5, came)]), make_matrix(QUARTERS[6]))
    row = found.iloc[0]
    assert list(found.columns) == PACE_COLUMNS
    assert (row["goal"], row["actual_to_date"], row["expected_by_now"]) == (80.0, came, 20.0)
    assert (row["low"], row["high"], row["periods"], row["status"]) == (20.0, 20.0, 5, status)
    assert row["basis"] == "course of 5 earlier quarters" and row["share_by_now"] == 0.25
    assert list_rest(found) == {"revenue_won": 0.75}


def test_the_range_is_that_of_earlier_periods():
    deals = make_deals(running=[(5, 20.0)])
    # Of the quarters' first wins one was 2 and one 26, of 32 and of 56 in all.
    deals.loc[[2, 4], "amount"] = [2.0, 26.0]
    row = pace(date(2026, 8, 15), deals, make_matrix(QUARTERS[6], goal=100.0))[0].iloc[0]
    shares = np.array([2 / 32, 26 / 56, 0.25, 0.25, 0.25])
    assert row["expected_by_now"] == pytest.approx(100 * shares.mean())
    assert (row["low"], row["high"]) == pytest.approx(tuple(100 * np.quantile(shares, [0.1, 0.9])))


def test_too_few_periods_take_an_even_course_and_say_so():
    found, _ = pace(date(2025, 11, 15), make_deals(3, running=[(5, 40.0)]), make_matrix(QUARTERS[3], goal=92.0))
    row = found.iloc[0]
    assert row["expected_by_now"] == 46.0 and np.isnan(row["low"]) and row["periods"] == 2
    assert row["basis"] == "even course over the days: only 2 earlier quarters could tell it"
    assert row["status"] == "behind"
    assert "even course by then" in say_pace(found, as_of=date(2025, 11, 15))


def test_on_a_period_s_last_day_it_is_told_to_its_end():
    as_of = date(2026, 6, 30)
    found, company = pace(as_of, make_deals(), make_matrix(QUARTERS[5]))
    row = found.iloc[0]
    assert (row["actual_to_date"], row["expected_by_now"], row["status"]) == (40.0, 80.0, "behind")
    assert list_rest(found) == {}
    said = say_pace(found, as_of=as_of)
    assert said == "Q2 2026 closed at 50 % of its closed revenue goal: $40 of $80; Q3 2026 begins tomorrow"
    course = trace_pace(company, make_matrix(QUARTERS[5]), as_of=as_of)
    assert len(course) == 92 and course["actual"].notna().all() and course["expected"].iloc[-1] == 80.0


@pytest.mark.parametrize(
    ("came", "status"),
    [(99.0, "on pace"), (95.0, "on pace"), (94.0, "behind"), (106.0, "ahead")],
    ids=["99 of 100", "95 of 100", "94 of 100", "106 of 100"],
)
def test_a_period_that_is_over_is_judged_with_the_tolerance_of_the_rules(came, status):
    deals = make_deals(5, running=[(5, came)])
    found, _ = pace(date(2026, 6, 30), deals, make_matrix(QUARTERS[5], goal=100.0))
    assert found.iloc[0]["status"] == status
    said = say_volumes(found)
    missed = "The only volume missed its goal of Q2 2026 by more than 5 %"
    assert said == (missed if status == "behind" else "No volume missed its goal of Q2 2026 by more than 5 %")


def test_the_course_is_cumulative_by_day_and_blank_ahead():
    as_of = date(2026, 8, 15)
    company = make_company({"deal": make_deals(running=[(5, 7.0), (5, 1.0), (40, 4.0)])}, latest_event=as_of)
    course = trace_pace(company, make_matrix(QUARTERS[6]), as_of=as_of)
    assert list(course.columns) == COURSE_COLUMNS and len(course) == 93
    at = course.set_index("day")["actual"]
    assert at[[0, 4, 5, 39, 40, 46]].tolist() == [0, 0, 8, 8, 12, 12] and at[47:].isna().all()
    assert course["expected"].is_monotonic_increasing and course["expected"].iloc[-1] == 80.0
    assert (course["low"] <= course["expected"]).all() and (course["expected"] <= course["high"]).all()


def test_volumes_count_records_on_their_own_days():
    as_of = date(2026, 8, 15)
    matrix = make_matrix(QUARTERS[6], goal=4.0, kpis=("opportunities", "deals_won"))
    found, _ = pace(as_of, make_deals(running=[(5, 7.0), (40, 4.0)]), matrix)
    at = found.set_index("kpi")
    # Both deals of a quarter are created on its first day; one of the two wins comes in its first half.
    assert at.loc["opportunities", ["actual_to_date", "expected_by_now"]].tolist() == [2.0, 4.0]
    assert at.loc["deals_won", ["actual_to_date", "expected_by_now"]].tolist() == [2.0, 2.0]
    assert say_volumes(found) == "1 of 2 volumes was behind its pace in Q3 2026: opportunities"


def test_a_finding_carries_money_and_evidence_and_needs_a_goal_of_people():
    as_of = date(2026, 8, 15)
    found, _ = pace(as_of, make_deals(running=[(5, 12.0)]), make_matrix(QUARTERS[6]))
    finding = find_pace(found, as_of=as_of)[0]
    assert (finding.money, finding.severity, finding.evidence["n"]) == (-8.0, "bad", 5)
    nobody, _ = pace(as_of, make_deals(), make_matrix(QUARTERS[6], locked=False))
    assert find_pace(nobody, as_of=as_of) == []
    assert "expectation of $80" in say_pace(nobody, as_of=as_of)


def test_a_company_without_goals_or_dated_records_has_no_pace():
    as_of = date(2026, 8, 15)
    found, company = pace(as_of, make_deals(), make_matrix(QUARTERS[2]))
    assert found.empty and say_pace(found, as_of=as_of) == "" and find_pace(found, as_of=as_of) == []
    assert trace_pace(company, make_matrix(QUARTERS[2]), as_of=as_of).empty
    matrix = make_matrix(QUARTERS[6], kpis=("sessions", "leads"))
    assert measure_pace(company, matrix, as_of=as_of).empty


def test_fiscal_periods_of_the_company_count():
    as_of = date(2026, 8, 15)
    company = make_company({"deal": make_deals()}, latest_event=as_of, fiscal_year_start=2)
    found = measure_pace(company, make_matrix(pd.Timestamp("2026-08-01")), as_of=as_of)
    assert found["period_start"].tolist() == [pd.Timestamp("2026-08-01")] and found.attrs["day"] == 15
