"""Growth pairs, churn, commission and unit economics as pictures: words, empty forms, hostile names."""

import json
from datetime import date

import pandas as pd
import pytest

from helpers.analyses.churn_variants import review_churn
from helpers.analyses.commission import split_commission
from helpers.analyses.growth_pairs import GrowthPairs, flag_vanity
from helpers.analyses.growth_reps import review_closed_accounts
from helpers.analyses.unit_economics import review_unit_economics
from helpers.model.catalog import load_catalog
from helpers.present.charts.churn import show_churn
from helpers.present.charts.commission import show_commission
from helpers.present.charts.growth_pairs import show_closed_accounts, show_growth_pairs
from helpers.present.charts.unit_economics import show_unit_economics
from helpers.present.forms import commission_slider
from helpers.present.theme import LIGHT
from tests.companies import make_company
from tests.present.samples import HOSTILE

END = date(2026, 3, 31)
CATALOG = load_catalog()


def make_pairs(rate_then=0.3):
    quarters = pd.period_range("2024Q2", "2026Q1", freq="Q")
    rows = []
    for i, quarter in enumerate(quarters):
        days = {"period_start": quarter.start_time, "period_end": quarter.end_time.normalize()}
        every = {"grain": "quarter", "dimension": "all", "slice": "all", **days, "is_complete": i < 7}
        n, rate = (400, 0.5) if i < 4 else (700, rate_then)
        rows.append(
            {**every, "kpi": "mqls", "basis": "period", "numerator": n, "denominator": None, "value": n, "n": n}
        )
        rows.append({**every, "kpi": "mql_to_opportunity", "basis": "cohort", "numerator": n * rate, "denominator": n,
                     "value": rate, "n": n, "low": rate - 0.05, "high": rate + 0.05})  # fmt: skip
    cells = pd.DataFrame(rows).astype({"denominator": "float64", "value": "float64", "numerator": "float64"})
    pairs = {"mqls": "mql_to_opportunity", "deals_won": "logo_churn"}
    table = flag_vanity(cells, pairs, catalog=CATALOG)
    return GrowthPairs(table, table.attrs.pop("series"), [], 0.05, 2)


def make_contracts():
    """Four accounts, all up in Q1 2026: one leaves, one shrinks; a hostile name closed two of them."""
    rows = []
    for i in range(4):
        rows.append((f"k{i}", "2025-02-01", "2026-01-31", "2026-01-31", 100.0))
        if i:
            rows.append((f"k{i}", "2026-02-01", None, "2027-01-31", 60.0 if i == 1 else 100.0))
    contracts = pd.DataFrame(rows, columns=["customer_id", "start_at", "end_at", "renewal_at", "mrr"])
    contracts = contracts.assign(id=[f"s{i}" for i in range(len(rows))], owner=HOSTILE)
    customer = {"id": [f"k{i}" for i in range(4)], "churn_reason": [HOSTILE, None, None, None]}
    customer |= {"ended_at": ["2026-01-31", None, None, None], "live_at": ["2025-02-01"] * 4}
    return make_company({"customer": customer, "subscription": contracts}, latest_event="2026-04-30")


def make_deals():
    return pd.DataFrame({"owner": [HOSTILE, "Bob", "Bob"], "amount": [600.0, 300.0, 300.0],
                         "is_new_business": [True, True, False], "outcome": "won"})  # fmt: skip


def pages(shown):
    return list(shown) if isinstance(shown, tuple) else [shown]


def test_a_flagged_pair_is_the_title_and_stands_out_and_what_is_unknown_is_said_beneath():
    shown = show_growth_pairs(make_pairs(), CATALOG, subtitle="Test")
    assert shown.title.startswith("Vanity: MQLs rose from ")
    assert LIGHT["bad"] in json.dumps(shown.spec["datasets"]) and "vanity" in shown.svg
    assert "Logo churn" in shown.text and "can't be told from these exports" in shown.text
    assert "nan" not in shown.svg.casefold().replace("financ", "")


def test_without_vanity_nothing_is_coloured_and_the_title_says_so():
    shown = show_growth_pairs(make_pairs(rate_then=0.5), CATALOG)
    assert shown.title.startswith("No vanity to be seen")
    drawn = json.dumps(shown.spec["datasets"])
    assert LIGHT["bad"] not in drawn and LIGHT["accent"] not in drawn and LIGHT["mid"] in drawn


def test_pairs_of_which_none_can_be_told_are_a_message_with_what_to_map():
    empty = pd.DataFrame([{"verdict": "unknown", "reason": "MQLs can't be told from these exports."}])
    shown = show_growth_pairs(GrowthPairs(empty, pd.DataFrame(), [], 0.05, 0), CATALOG)
    assert "can't be told yet" in shown.title and "Map the dates" in shown.text


def test_churn_is_shown_in_all_variants_with_basis_losses_reasons_and_periods():
    shown = pages(show_churn(review_churn(make_contracts(), as_of=END), currency="EUR"))
    assert len(shown) == 4
    assert shown[0].title.startswith("1 of 4 accounts up for renewal in the year to Q1 2026 left (25 %)")
    assert "1 of 4 accounts up for renewal" in shown[0].svg and "€300" not in shown[0].title
    assert "Seat churn" in shown[0].svg and "not available" in shown[0].svg
    assert "Left at a renewal" in shown[1].svg
    assert "no conclusion" not in shown[2].html and "<script>" not in shown[2].html
    assert "Q1 2026" in shown[3].html and "25 % · n 4" in shown[3].text


def test_churn_without_contracts_says_why_and_what_to_add():
    deals = {"id": ["d"], "created_at": ["2025-01-01"], "closed_at": ["2026-02-01"], "stage": ["Won"],
             "type": ["Renewal"], "amount": [10.0]}  # fmt: skip
    shown = show_churn(review_churn(make_company({"deal": deals}, latest_event="2026-03-31"), as_of=END))
    assert "no contracts" in shown.text and "1 of 1 deals of renewal" in shown.text
    assert "Add an export of contracts" in shown.text


def test_a_dumbbell_shows_totals_the_incentive_and_hostile_names_as_text():
    dumbbell, table = show_commission(split_commission(make_deals(), ratio="80/20", pool=120.0), period="Q1 2026")
    assert "The same pool of $120 under both plans" in dumbbell.subtitle
    assert "Net-new pays" in dumbbell.text and "n 2 deals" in dumbbell.text
    assert "<script>" not in dumbbell.svg and "<script>" not in table.html
    assert "Everybody" in table.text


def test_a_rate_plan_shows_both_totals():
    dumbbell, _ = show_commission(split_commission(make_deals(), ratio="80/20", rate=0.1))
    assert "Everybody together: $120 before, $156 after" in dumbbell.subtitle


def test_no_won_deal_is_a_message():
    shown = show_commission(split_commission(make_deals().assign(outcome="lost"), ratio="80/20", pool=1.0))
    assert shown.title == "No commission to split"


@pytest.mark.parametrize("show", [show_closed_accounts], ids=["accounts"])
def test_accounts_by_who_closed_them_show_counts_where_rates_would_say_too_much(show):
    shown = show(review_closed_accounts(make_contracts(), as_of=END))
    assert "1 of 4" in shown.text and "25 %" not in shown.text
    assert "<script>" not in shown.html
    bare = make_company({"deal": {"id": ["d"], "created_at": ["2026-01-01"], "stage": ["Open"]}})
    assert "map customer.deal_id" in show(review_closed_accounts(bare, as_of=END)).text


def test_unit_economics_say_how_each_number_is_made_or_what_it_lacks():
    shown = show_unit_economics(review_unit_economics(make_contracts(), as_of=END))
    assert "Lifetime value" in shown.text and "The exports hold no costs" in shown.text
    bare = make_company({"deal": {"id": ["d"], "created_at": ["2026-01-01"], "stage": ["Open"]}})
    assert "can't be told" in show_unit_economics(review_unit_economics(bare, as_of=END)).title


def test_a_slider_moves_the_split_where_somebody_looks_and_is_a_picture_elsewhere(monkeypatch):
    deal = {"id": ["a", "b"], "created_at": ["2025-01-01"] * 2, "closed_at": ["2026-01-10"] * 2,
            "stage": ["Won"] * 2, "owner": ["Ann", "Bob"], "type": ["New", "Upsell"],
            "amount": [600.0, 400.0]}  # fmt: skip
    company = make_company({"deal": deal}, latest_event="2026-03-31")
    monkeypatch.setattr(commission_slider, "is_attended", lambda: False)
    still = commission_slider.open_commission_slider(company, as_of=END)
    assert still[0].title.startswith("Under 80/20")
    monkeypatch.setattr(commission_slider, "is_attended", lambda: True)
    slider, said, picture = commission_slider.open_commission_slider(company, as_of=END).children
    assert "80 % of the pay" in said.value and "Under 80/20" in picture.value
    slider.value = 50
    assert "50 % of the pay" in said.value and "Under 50/50" in picture.value
    assert show_commission(None).title == "No commission to split"
