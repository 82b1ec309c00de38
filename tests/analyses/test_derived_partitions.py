"""Cuts computed when asked for: bands, months, weekdays, ages, and where a lost deal stood last."""

import math
from datetime import date

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.analyses.derived_partitions import cut_at, derive_partitions, find_order, list_derived
from helpers.analyses.slicing import slice_kpi
from helpers.periods import period_of
from tests.companies import make_company

QUARTER = period_of(date(2026, 1, 1), "quarter")
TABLES = {
    "company": {"id": ["a", "b", "c"], "employees": [10, 11, None]},
    "deal": {
        "id": ["d1", "d2", "d3", "d4"],
        "company_id": ["a", "b", "b", "c"],
        "created_at": ["2026-01-05", "2026-01-06", "2026-02-02", "2026-03-01"],
        "closed_at": ["2026-01-14", "2026-02-20", "2026-03-31", "2026-06-01"],
        "stage": ["Closed Won", "Closed Lost", "Closed Lost", "Demo"],
        "amount": [100.5, 5000.0, 70.0, None],
        "meddpicc_score": [1, 8, 8, 3],
    },
    "deal_history": {
        "deal_id": ["d2", "d2", "d2", "d3", "d3"],
        "changed_at": ["2026-01-06", "2026-01-20", "2026-02-20", "2026-02-02", "2026-03-31"],
        "field": ["stage"] * 5,
        "old": [None, "Demo", "Proposal", None, None],
        "new": ["Demo", "Proposal", "Closed Lost", "Demo", "Closed Lost"],
    },
}


@pytest.fixture
def company():
    return make_company(TABLES, latest_event="2026-03-31")


def values(company, id):
    extended = derive_partitions(company, [id], as_of=date(2026, 3, 31))
    table = extended.tables["deal"]
    return dict(zip(table["id"], table[extended.partitions[id].objects["deal"]].fillna("–"), strict=True))


def test_company_size_is_cut_into_bands_and_handed_down_to_the_deals(company):
    assert values(company, "employees") == {"d1": "1–10", "d2": "11–50", "d3": "11–50", "d4": "–"}
    assert derive_partitions(company, ["employees"]).partitions["employees"].inherited_from == {"deal": "company"}


def test_months_and_weekdays_of_creation(company):
    assert values(company, "month_of_creation") == {"d1": "Jan", "d2": "Jan", "d3": "Feb", "d4": "Mar"}
    assert list(values(company, "weekday_of_creation").values()) == ["Monday", "Tuesday", "Monday", "Sunday"]


def test_the_age_of_a_deal_ends_with_its_close_or_runs_to_the_last_day(company):
    """d1 9 days, d2 45, d3 57, d4 open for 30 days by 31 March."""
    ages = list(values(company, "age_of_deal").values())
    assert ages == ["0–29 days", "30–59 days", "30–59 days", "30–59 days"]


def test_the_last_stage_before_a_deal_was_lost_comes_from_its_history(company):
    assert values(company, "last_stage_before_lost") == {"d1": "–", "d2": "Proposal", "d3": "Demo", "d4": "–"}
    assert (
        derive_partitions(company, ["last_stage_before_lost"]).partitions["last_stage_before_lost"].known == "outcome"
    )


def test_an_amount_is_todays_and_cuts_counts_only(company):
    extended = derive_partitions(company, ["amount"])
    assert extended.partitions["amount"].known == "during" and extended.partitions["amount"].is_current_value
    frame = slice_kpi(extended, "opportunities", ["amount"], period=QUARTER)
    assert dict(zip(frame["slice"], frame["value"], strict=True)) == {
        "0 to under 1,000": 2, "5,000 to under 10,000": 1, "(blank)": 1,
    }  # fmt: skip


def test_a_sales_method_score_is_taken_as_it_is_where_it_has_few_values(company):
    assert values(company, "sales_method_score") == {"d1": "1", "d2": "8", "d3": "8", "d4": "3"}


def test_what_a_company_says_goes_before_the_shipped_bands():
    bands = [{"label": "small", "below": 11}, {"label": "large", "at_least": 11}]
    company = make_company(TABLES, dimensions={"employees": {"label": "Heads", "known": "entry", "bands": bands}})
    extended = derive_partitions(company, ["employees"])
    assert extended.partitions["employees"].label == "Heads"
    assert set(extended.tables["company"]["employees_cut"].dropna()) == {"small", "large"}


def test_nothing_is_added_that_nobody_asked_for(company):
    assert derive_partitions(company, ["stage", "unheard_of"]) is company
    assert set(derive_partitions(company, ["stage & month_of_creation"]).partitions) == {
        *company.partitions,
        "month_of_creation",
    }


def test_what_can_be_computed_is_listed(company):
    listed = list_derived(company).set_index("id")
    assert {"employees", "amount", "month_of_creation", "age_of_deal", "last_stage_before_lost"} <= set(listed.index)
    assert listed.loc["amount", "known"] == "during, today's value"


@given(st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), max_size=40))
def test_every_number_lies_in_the_band_that_bears_its_bounds(numbers):
    bounds = [0.0, 10.0, 250.0]
    for number, band in zip(numbers, cut_at(pd.Series(numbers, dtype="float64"), bounds), strict=True):
        if math.isnan(number):
            assert pd.isna(band)
        else:
            low, high = {"under 0": (-math.inf, 0), "0 to under 10": (0, 10), "10 to under 250": (10, 250),
                         "250 or more": (250, math.inf)}[band]  # fmt: skip
            assert low <= number < high


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (["Mar", "(blank)", "Jan"], ["Jan", "Mar", "(blank)"]),
        (["Sunday", "Monday"], ["Monday", "Sunday"]),
        (["5,000 or more", "under 0", "0 to under 5,000"], ["under 0", "0 to under 5,000", "5,000 or more"]),
        (["30–59 days", "0–29 days"], ["0–29 days", "30–59 days"]),
        (["US", "EMEA"], None),
        (["1st party", "2nd party"], None),
    ],
    ids=["months", "weekdays", "bounds", "days", "names", "numbered-names"],
)
def test_bands_stand_in_their_own_order(names, order):
    assert find_order(names) == order
