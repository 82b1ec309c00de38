"""Measurement and milieu: what is not dated, counted twice, on another scale, or outside the company."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.five_m import EVIDENCE, NO_SIGN, UNTESTED, gather_evidence, has_milieu
from helpers.analyses.gap import explain_gap
from helpers.analyses.leaves import GapLeaves
from tests.analyses.five_m_cases import (
    AS_OF,
    BEFORE,
    NOW,
    ask,
    is_late,
    make_contacts,
    make_deals,
    make_question,
)

CAUSE = {
    "rank": 1, "step": "opportunities", "effect": "rate",
    "slice": "region=North", "slice_json": '{"region": ["North"]}',
    "contribution": -10.0, "low": -14.0, "high": -6.0, "n_actual": 20.0, "n_expected": 40.0, "q_value": 1e-5,
    "verdict": "cause", "lens": "creation", "statement": "Leads → opportunities in North: 20 instead of 40",
}  # fmt: skip


def make_leaves(*steps: str) -> GapLeaves:
    """Leaves of which only the steps matter."""
    frame = pd.DataFrame({f"{step}_{side}": [100.0] for step in steps for side in ("expected", "actual")})
    return GapLeaves("creation", frame, ("region",), steps, {step: step for step in steps})


def test_steps_up_to_the_result_without_dates_are_named_with_their_field() -> None:
    row = ask({"contact": make_contacts(), "deal": make_deals()}, "undated_steps")
    assert (
        row["verdict"] == EVIDENCE
        and "MQLs, SQLs" in row["statement"]
        and "the contact's MQL date and SQL date" in row["statement"]
    )
    assert row["confidence"] == "low"


def test_a_result_whose_steps_are_all_dated_is_no_sign_whatever_comes_after_it() -> None:
    contacts = make_contacts()
    contacts = contacts.assign(mql_at=contacts["created_at"], sql_at=contacts["opportunity_at"])
    row = ask({"contact": contacts, "deal": make_deals()}, "undated_steps")
    assert row["verdict"] == NO_SIGN and "which this result doesn't hang on" in row["statement"]


def test_a_cause_in_a_step_over_undated_stages_says_that_the_step_is_too_coarse() -> None:
    causes, leaves = pd.DataFrame([CAUSE]), {"creation": make_leaves("leads", "opportunities")}
    contacts = make_contacts()
    row = ask({"contact": contacts}, "coarse_step", causes=causes, leaves=leaves)
    assert row["verdict"] == EVIDENCE and "nobody dates MQLs, SQLs in between" in row["statement"]
    late_north = contacts[is_late(contacts["created_at"]) & (contacts["region"] == "North")]
    assert set(json.loads(row["records"])) == set(late_north["id"])
    assert ask({"contact": contacts}, "coarse_step")["verdict"] == NO_SIGN


def make_goals(**more) -> pd.DataFrame:
    """One goal of the period."""
    goal = {"kpi": "revenue_won", "grain": "quarter", "period_start": pd.Timestamp(NOW.start), "dimension": "all",
            "slice": "all", "goal": 1.0}  # fmt: skip
    return pd.DataFrame([{**goal, **more}])


def test_goals_are_missed_for_the_period_and_for_slices() -> None:
    tables = {"deal": make_deals()}
    whole, part = make_goals(), make_goals(dimension="region", slice="North")
    assert "No goal is written down" in ask(tables, "missing_goals")["statement"]
    assert ask(tables, "missing_goals", targets=whole)["verdict"] == EVIDENCE
    assert ask(tables, "missing_goals", targets=pd.concat([whole, part]))["verdict"] == NO_SIGN


def test_blank_partitions_of_closed_revenue_are_told_with_their_deals() -> None:
    deals = make_deals()
    deals["region"] = deals["region"].where(deals["region"] != "North")
    row = ask({"deal": deals}, "undeclared_blanks")
    blank = deals[deals["region"].isna() & is_late(deals["closed_at"]) & (deals["stage"] == "Closed Won")]
    assert row["verdict"] == EVIDENCE and set(json.loads(row["records"])) == set(blank["id"])
    assert ask({"deal": make_deals()}, "undeclared_blanks")["verdict"] == NO_SIGN


def test_deals_imported_twice_in_the_period_are_found() -> None:
    deals = make_deals()
    late = deals[is_late(deals["closed_at"])].sample(30, random_state=1)
    twice = pd.concat([deals, late.assign(id=late["id"] + "x")], ignore_index=True)
    row = ask({"deal": twice}, "double_counted")
    assert row["verdict"] == EVIDENCE and set(json.loads(row["records"])) == set(late["id"] + "x")
    won = late.loc[late["stage"] == "Closed Won", "amount"].sum()
    assert won > 0 and "counted twice" in row["statement"]
    assert ask({"deal": deals}, "double_counted")["verdict"] == NO_SIGN
    assert ask({"deal": make_deals(40)}, "double_counted")["verdict"] == UNTESTED


@pytest.mark.parametrize("factor", [0.001, 100.0])
def test_amounts_of_one_region_on_another_scale_are_found(factor: float) -> None:
    deals = make_deals()
    wrong = is_late(deals["closed_at"]) & (deals["region"] == "West")
    deals["amount"] = np.where(wrong, deals["amount"] * factor, deals["amount"])
    row = ask({"deal": deals}, "mis_scaled")
    assert row["verdict"] == EVIDENCE and row["slice"] == "region=West"
    assert (row["money"] < 0) == (factor < 1)
    doubled = make_deals(amount=lambda frame: 9000.0 * np.where(is_late(frame["closed_at"]), 2, 1))
    assert ask({"deal": doubled}, "mis_scaled")["verdict"] == NO_SIGN


def test_without_answers_definitions_and_gut_can_not_be_tested() -> None:
    for cause in ("definitions", "gut_against_crm", "icp_fit"):
        row = ask({"deal": make_deals()}, cause)
        assert row["verdict"] == UNTESTED and "survey" in row["statement"]


def test_milieu_is_asked_about_only_where_it_is_switched_on() -> None:
    tables = {"deal": make_deals()}
    assert "milieu" not in set(gather_evidence(make_question(tables))["m"])
    assert "milieu" in set(gather_evidence(make_question(tables, milieu=True))["m"])


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, EVIDENCE),
        ({"high": 1.02}, NO_SIGN),
        ({"ratio": 0.99}, NO_SIGN),
        ({"ratio": 1.4, "high": 1.6}, NO_SIGN),
        ({"is_everywhere": False}, NO_SIGN),
    ],
    ids=["fell", "may be luck", "hardly", "rose", "only in places"],
)
def test_what_fell_alike_in_all_slices_points_outside(change: dict, verdict: str) -> None:
    row = {"lens": "closing", "step": "deals_won", "effect": "rate", "ratio": 0.6, "low": 0.5, "high": 0.7,
           "contribution": -30.0, "is_everywhere": True}  # fmt: skip
    told = ask({"deal": make_deals()}, "market", milieu=True, moved=pd.DataFrame([row | change]))
    assert told["verdict"] == verdict
    if verdict == EVIDENCE:
        assert "(rate) by 40 %" in told["statement"] and pd.isna(told["money"])
    assert ask({"deal": make_deals()}, "market", milieu=True)["verdict"] == UNTESTED


@pytest.mark.parametrize("where", ["all", "West"])
def test_win_rates_that_fall_in_every_slice_are_a_market_and_those_of_one_slice_are_not(where: str) -> None:
    def chance(frame: pd.DataFrame) -> np.ndarray:
        falls = is_late(frame["closed_at"]) & (frame["region"].eq("West") | (where == "all"))
        return np.where(falls, 0.2, 0.5)

    question = make_question({"deal": make_deals(3000, chance=chance)}, milieu=True)
    assert has_milieu(question.company) and not has_milieu(make_question({}).company)
    periods = [*question.expected, NOW]
    gap = explain_gap(question.company, period=NOW, compared=NOW.previous(), history=periods, as_of=AS_OF)
    row = gap.five_m.set_index("cause").loc["market"]
    assert row["verdict"] == (EVIDENCE if where == "all" else NO_SIGN)
    assert ("Fell everywhere alike: deals won (rate)" in row["statement"]) == (where == "all")


def sell_over_years(summer: float) -> pd.DataFrame:
    """Three years of deals; each third quarter has a share of the others' number."""
    deals = pd.concat(
        [
            make_deals(1200, seed=year)
            .assign(id=lambda frame, y=year: frame["id"] + f"-{y}")
            .pipe(
                lambda frame, y=year: frame.assign(
                    created_at=frame["created_at"] - pd.DateOffset(years=2025 - y),
                    closed_at=frame["closed_at"] - pd.DateOffset(years=2025 - y),
                )
            )
            for year in (2023, 2024, 2025)
        ],
        ignore_index=True,
    )
    rng = np.random.default_rng(1)
    return deals[(deals["closed_at"].dt.quarter != 3) | (rng.random(len(deals)) < summer)]


@pytest.mark.parametrize(("summer", "verdict"), [(0.5, EVIDENCE), (1.0, NO_SIGN)])
def test_a_season_is_one_that_earlier_years_had_too(summer: float, verdict: str) -> None:
    row = ask({"deal": sell_over_years(summer)}, "season", milieu=True)
    assert row["verdict"] == verdict and "2 earlier years" in row["statement"]
    assert ask({"deal": make_deals()}, "season", milieu=True)["verdict"] == UNTESTED


def test_more_lost_deals_that_name_a_competitor_are_told() -> None:
    deals = make_deals()
    rng = np.random.default_rng(4)
    named = rng.random(len(deals)) < np.where(is_late(deals["closed_at"]), 0.5, 0.15)
    lost = deals["stage"] == "Closed Lost"
    deals["lost_reason"] = pd.Series(np.where(named, "Lost to Competitor X", "Price")).where(lost)
    assert ask({"deal": deals}, "competition", milieu=True)["verdict"] == EVIDENCE
    deals["lost_reason"] = pd.Series("Price", index=deals.index).where(lost)
    assert ask({"deal": deals}, "competition", milieu=True)["verdict"] == NO_SIGN
    assert ask({"deal": make_deals()}, "competition", milieu=True)["verdict"] == UNTESTED


def test_the_periods_of_these_cases_are_the_quarters_of_one_year() -> None:
    assert [one.label for one in (*BEFORE, NOW)] == ["Q1 2025", "Q2 2025", "Q3 2025"] and date(2025, 9, 30) == AS_OF
