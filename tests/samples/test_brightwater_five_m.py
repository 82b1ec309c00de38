"""The five Ms of the sample: what was planted is found with money and records, the innocent is cleared, no more."""

import json

import pytest

from helpers.analyses.fairness import list_cleared
from helpers.analyses.five_m import EVIDENCE
from helpers.analyses.five_m_management import find_roofs
from helpers.analyses.five_m_question import LATER, THIS_PERIOD
from helpers.analyses.gap import explain_gap
from helpers.analyses.macro_check import check_macro, find_macro
from helpers.workbook import open_workbook

INBOUND = {"Organic Search", "Paid Search", "Demo Request"}


@pytest.fixture(scope="module")
def book():
    return open_workbook(company="data/samples/brightwater", as_of="", period="quarter", compare_to="previous",
                         output_dir="", people="shown")  # fmt: skip


@pytest.fixture(scope="module")
def gap(book):
    return explain_gap(book.company, period=book.period, compared=book.compared, history=book.history, as_of=book.as_of)


@pytest.fixture(scope="module")
def evidence(gap):
    return gap.five_m[gap.five_m["verdict"] == EVIDENCE].set_index("cause")


def test_what_was_planted_is_claimed_and_nothing_else(evidence) -> None:
    """Composition, rate and routing are planted in the CRM; that people disagree, in the survey's answers."""
    assert dict(evidence["m"]) == {
        "assignment_break": "machinery", "composition": "material", "closing_rate": "method",
        "definitions": "measurement", "gut_against_crm": "measurement",
    }  # fmt: skip


def test_the_break_in_routing_has_its_region_day_money_and_contacts(book, evidence) -> None:
    row = evidence.loc["assignment_break"]
    assert row["slice"] == "region=Nordics" and str(row["began"].date()) == "2026-07-13" and row["confidence"] == "high"
    assert row["low"] < row["money"] < row["high"] < 0 and row["counts_for"] == LATER
    contacts = book.company.tables["contact"].set_index("id").loc[json.loads(row["records"])]
    waits = (contacts["assigned_at"] - contacts["created_at"]).dt.days
    assert set(contacts["region"]) == {"Nordics"} and (waits.isna() | (waits >= 2)).all()


def test_the_rate_is_that_of_the_sick_slice_within_this_periods_gap(book, gap, evidence) -> None:
    row = evidence.loc["closing_rate"]
    deals = book.company.tables["deal"].set_index("id").loc[json.loads(row["records"])]
    assert set(deals["region"]) == {"US"} and set(deals["source"]) == INBOUND
    assert "Mid-market" in row["statement"] and (deals["segment"] == "Mid-market").mean() > 0.6
    assert '"Price"' in row["statement"] and row["counts_for"] == THIS_PERIOD
    assert row["low"] <= -470_000 <= row["high"] and gap.gap <= row["money_added"] < 0


def test_the_composition_names_webinars_and_demo_requests(evidence) -> None:
    statement = evidence.loc["composition", "statement"]
    assert "Webinar went from 20 % to 30 %" in statement and "Demo Request went from 15 % to 8.3 %" in statement


def test_what_follows_from_the_break_is_not_told_again(gap) -> None:
    rows = gap.five_m.set_index("cause")
    for cause in ("speed_to_lead", "no_follow_up", "slow_routing"):
        assert "only where assignment broke (region Nordics)" in rows.loc[cause, "statement"]


def test_the_innocent_rep_is_cleared_and_no_cause_names_a_person(book, gap, evidence) -> None:
    statement = gap.five_m.set_index("cause").loc["win_rate_spread", "statement"]
    assert statement.startswith("Marit Solberg is cleared") and statement.endswith("(1 Oct 2025 – 30 Sep 2026)")
    assert list_cleared(gap.fairness)["statement"].iloc[0] in statement
    people = set(book.company.tables["person"]["id"])
    assert not any(name in text for text in evidence["statement"] for name in people)


def test_management_is_not_claimed_and_the_dearer_win_is_the_gap_itself(book, gap) -> None:
    assert find_roofs(book.company, gap.five_m, period=book.period).empty
    expected = [one for one in book.history if one.end < book.period.start][-4:]
    macro = check_macro(book.company, period=book.period, expected=expected, as_of=book.as_of)
    assert find_macro(macro) == [] and macro.table["verdict"].iloc[0] == "follows from the gap"


def test_before_anything_was_planted_nothing_is_claimed() -> None:
    earlier = open_workbook(company="data/samples/brightwater", as_of="2026-03-31", period="quarter",
                            compare_to="previous", output_dir="", people="shown")  # fmt: skip
    question = {"period": earlier.period, "compared": earlier.compared, "history": earlier.history}
    found = explain_gap(earlier.company, **question, as_of=earlier.as_of).five_m
    claimed = found[(found["verdict"] == EVIDENCE) & (found["m"] != "measurement")]
    assert claimed.empty, claimed[["cause", "statement"]].to_string()
