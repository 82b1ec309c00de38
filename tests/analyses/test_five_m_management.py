"""Management is told where Ms meet, without a name, and the macro check where what is won doesn't pay."""

import json

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.five_m import EVIDENCE, FIVE_M_COLUMNS
from helpers.analyses.five_m_management import NO_ROOF, TOO_FEW_MS, describe_roofs, find_roofs
from helpers.analyses.macro_check import ECONOMIC, FOLLOWS, UNECONOMIC, UNTESTED, check_macro, find_macro
from tests.analyses.five_m_cases import AS_OF, BEFORE, NOW, make_contacts, make_deals
from tests.companies import make_company


def make_evidence(*causes: tuple[str, str, str, list[str]]) -> pd.DataFrame:
    """Evidence for causes: id, M, whose records, and their ids."""
    rows = [
        {
            "cause": cause,
            "m": m,
            "verdict": EVIDENCE,
            "object": object,
            "records": json.dumps(ids),
            "n_records": len(ids),
        }
        for cause, m, object, ids in causes
    ]
    return pd.DataFrame(rows, columns=FIVE_M_COLUMNS)


def make_led(*, people_in_north: int = 2):
    """A company in which teams are regions, each under one manager."""
    contacts, deals = make_contacts(), make_deals()
    heads = {"North": ["Ada", "Ben"][:people_in_north], "South": ["Cleo", "Dan"], "West": ["Eva", "Finn"]}
    owners = {region: np.array(names) for region, names in heads.items()}
    for frame in (contacts, deals):
        frame["owner"] = [owners[one][i % len(owners[one])] for i, one in enumerate(frame["region"])]
    people = pd.DataFrame(
        [(name, f"Team {region}", f"Lead of {region}") for region, names in heads.items() for name in names],
        columns=["id", "team", "manager"],
    )
    return make_company({"contact": contacts, "deal": deals, "person": people})


def pick(company, object: str, region: str) -> list[str]:
    """Return ids of records of a region."""
    table = company.tables[object]
    return table.loc[table["region"] == region, "id"].head(60).tolist()


def test_two_ms_under_one_roof_are_told_once_as_what_is_set_there_and_without_a_name() -> None:
    company = make_led()
    found = make_evidence(
        ("assignment_break", "machinery", "contact", pick(company, "contact", "North")),
        ("closing_rate", "method", "deal", pick(company, "deal", "North")),
        ("composition", "material", "contact", pick(company, "contact", "South")),
    )
    roofs = find_roofs(company, found, period=NOW)
    assert len(roofs) == 1
    roof = roofs.iloc[0]
    assert roof["label"] == "team Team North" and roof["ms"] == "machinery, method" and roof["share"] == 1.0
    assert roof["base_share"] == pytest.approx(1 / 3, abs=0.1)
    assert "the area of one manager (2 people)" in roof["also"] and "region North" in roof["also"]
    told = " ".join(str(value) for value in roof)
    assert "Lead of" not in told and not any(name in told for name in ("Ada", "Ben"))
    assert describe_roofs(roofs, found).startswith("Machinery and method meet in")


def test_a_roof_over_one_person_is_none() -> None:
    company = make_led(people_in_north=1)
    found = make_evidence(
        ("assignment_break", "machinery", "contact", pick(company, "contact", "North")),
        ("closing_rate", "method", "deal", pick(company, "deal", "North")),
    )
    roofs = find_roofs(company, found, period=NOW)
    assert set(roofs["dimension"]) == {"region"}


def test_ms_in_different_places_or_one_alone_meet_nowhere() -> None:
    company = make_led()
    apart = make_evidence(
        ("assignment_break", "machinery", "contact", pick(company, "contact", "North")),
        ("closing_rate", "method", "deal", pick(company, "deal", "West")),
    )
    assert find_roofs(company, apart, period=NOW).empty
    assert describe_roofs(find_roofs(company, apart, period=NOW), apart) == NO_ROOF
    alone = apart.head(1)
    assert describe_roofs(find_roofs(company, alone, period=NOW), alone) == TOO_FEW_MS


def check(spend_now: float, *, share_won: float = 0.3, limits: dict | None = None, on_track: bool = False):
    """Check a company that spends 30,000 a month, and something else for the deals of the period."""
    deals = make_deals(chance=lambda frame: np.where(frame["closed_at"] >= "2025-07-01", share_won, 0.3))
    months = pd.date_range("2024-10-01", "2025-09-01", freq="MS")
    costs = pd.DataFrame({"date": months, "amount": np.where(months >= "2025-06-01", spend_now, 30_000.0)})
    company = make_company({"deal": deals, "cost": costs}, settings={"five_m": limits or {}})
    return deals, check_macro(company, period=NOW, expected=BEFORE, as_of=AS_OF, is_on_track=on_track)


def test_more_spend_for_the_same_wins_is_uneconomic_though_every_step_is_right() -> None:
    deals, macro = check(60_000.0, on_track=True)
    row = macro.table.set_index("measure").loc["cost_per_won"]
    won = ((deals["stage"] == "Closed Won") & (deals["closed_at"] >= "2025-07-01")).sum()
    assert row["verdict"] == UNECONOMIC and row["value"] == pytest.approx(3 * 60_000 / won)
    assert row["low"] < row["value"] < row["high"] and row["n"] == won
    assert macro.is_uneconomic and macro.headline.startswith("Every step is as expected, and still it doesn't pay")
    assert [finding.severity for finding in find_macro(macro)] == ["bad"]


def test_the_same_spend_for_fewer_wins_is_the_gap_itself() -> None:
    _, macro = check(30_000.0, share_won=0.12)
    assert macro.table["verdict"].iloc[0] == FOLLOWS and "which is the gap itself" in macro.table["statement"].iloc[0]
    assert find_macro(macro) == []


def test_costs_as_before_are_within_limits_and_missing_ones_say_what_to_add() -> None:
    assert check(30_000.0)[1].table["verdict"].iloc[0] == ECONOMIC
    bare = check_macro(make_company({"deal": make_deals()}), period=NOW, expected=BEFORE, as_of=AS_OF)
    assert set(bare.table["verdict"]) == {UNTESTED} and "add" in bare.table["statement"].iloc[0]
    few = make_company({"deal": make_deals(20), "cost": pd.DataFrame({"date": ["2024-11-01"], "amount": [5.0]})})
    assert check_macro(few, period=NOW, expected=BEFORE, as_of=AS_OF).table["verdict"].iloc[0] == UNTESTED


def test_payback_is_held_against_the_companys_own_limit() -> None:
    deals = make_deals()
    won = deals[deals["stage"] == "Closed Won"].reset_index(drop=True)
    contracts = pd.DataFrame(
        {"id": won["id"], "customer_id": won["id"], "start_at": won["closed_at"], "mrr": 100.0, "end_at": pd.NaT}
    )
    months = pd.date_range("2024-06-01", "2025-09-01", freq="MS")
    costs = pd.DataFrame({"date": months, "amount": 60_000.0})
    tables = {"deal": deals, "subscription": contracts, "cost": costs}
    for limit, verdict in ((6, UNECONOMIC), (600, ECONOMIC)):
        company = make_company(tables, settings={"five_m": {"payback_months": limit}})
        macro = check_macro(company, period=NOW, expected=BEFORE, as_of=AS_OF)
        assert macro.table.set_index("measure").loc["payback", "verdict"] == verdict
