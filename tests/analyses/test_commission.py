"""Commission under any split of net-new and expansion revenue, to the cent and by hand."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.commission import read_ratio, review_commission, share_out, split_commission
from helpers.errors import ParameterError
from tests.companies import make_company


def deals(**more):
    """Ann: 600 new. Bob: 200 new, 100 expansion. Cleo: 300 expansion. New 800, expansion 400, together 1,200."""
    frame = pd.DataFrame(
        {
            "owner": ["Ann", "Bob", "Bob", "Cleo"],
            "amount": [600.0, 200.0, 100.0, 300.0],
            "is_new_business": [True, True, False, False],
            "outcome": "won",
        }
    )
    return frame.assign(**more)


def test_a_pool_is_shared_out_by_kind_and_stays_the_same_in_total():
    """Pool 120. Before: 10 % of all: 60, 30, 30. After 80/20: new 96/800 = 12 %, expansion 24/400 = 6 %: 72, 30, 18."""
    split = split_commission(deals(), ratio="80/20", pool=120.0)
    pay = split.frame.set_index("name")
    assert pay["pay_before"].to_dict() == {"Ann": 60.0, "Bob": 30.0, "Cleo": 30.0}
    assert pay["pay_after"].to_dict() == {"Ann": 72.0, "Bob": 30.0, "Cleo": 18.0}
    assert (split.total_before, split.total_after) == (120.0, 120.0)
    assert split.rates.set_index("kind")["after"].to_dict() == pytest.approx({"new": 0.12, "expansion": 0.06})
    assert pay["n_expansion"].to_dict() == {"Ann": 0, "Bob": 1, "Cleo": 1}
    assert "$12 moves to 1 of 3 people" in split.headline


def test_of_a_pool_one_more_unit_takes_from_what_one_had():
    """Ann has 600 of 800 new: one more pays her 12 % × ¼ = 3 %; before, 10 % × (1 − 600/1,200) = 5 %."""
    pay = split_commission(deals(), ratio="80/20", pool=120.0).frame.set_index("name")
    assert pay.loc["Ann", "next_new_after"] == pytest.approx(0.03)
    assert pay.loc["Ann", "next_new_before"] == pytest.approx(0.05)
    assert pay.loc["Ann", "next_expansion_after"] == pytest.approx(0.06)


def test_a_rate_is_moved_between_the_kinds_and_the_total_follows_what_was_won():
    """Rate 10 %. 80/20 against 50/50: new 16 %, expansion 4 %. Ann 96, Bob 32 + 4, Cleo 12: 144 instead of 120."""
    split = split_commission(deals(), ratio=(80, 20), rate=0.10, before="50/50")
    pay = split.frame.set_index("name")
    assert pay["pay_after"].to_dict() == {"Ann": 96.0, "Bob": 36.0, "Cleo": 12.0}
    assert pay["pay_before"].to_dict() == {"Ann": 60.0, "Bob": 30.0, "Cleo": 30.0}
    assert (split.total_before, split.total_after) == (120.0, 144.0)
    assert pay.loc["Bob", ["next_new_after", "next_expansion_after"]].tolist() == pytest.approx([0.16, 0.04])
    assert pay.loc["Cleo", "relative_change"] == pytest.approx(-0.6)


@pytest.mark.parametrize("ratio", ["50/50", "80/20", "65:35", "100/0", (1, 2), 0.3])
@pytest.mark.parametrize("pool", [100.0, 99.99, 1234.57])
def test_a_pool_adds_up_to_the_cent_for_any_ratio(ratio, pool):
    split = split_commission(deals(), ratio=ratio, pool=pool, before="70/30")
    for name in ("pay_before", "pay_after"):
        assert round(split.frame[name].sum(), 2) == pool
        assert (split.frame[name] >= 0).all()
    assert round(split.frame["change"].sum(), 2) == 0


def test_deals_without_an_owner_pay_nobody_and_are_named_and_who_closed_nothing_is_listed():
    """Bob's two deals lose their owner: 300 of 1,200 pay nobody; the pool of 90 goes to 600 and 300."""
    split = split_commission(deals(owner=["Ann", None, None, "Cleo"]), ratio="50/50", pool=90.0, people=["Ann", "Dora"])
    pay = split.frame.set_index("name")
    assert pay["pay_after"].to_dict() == {"Ann": 45.0, "Cleo": 45.0, "Dora": 0.0}
    assert pay["pay_before"].to_dict() == {"Ann": 60.0, "Cleo": 30.0, "Dora": 0.0}
    assert pay.loc["Dora", "n_new"] == 0 and pd.isna(pay.loc["Dora", "relative_change"])
    assert any("2 deals ($300) without owner pay nobody" in note for note in split.notes)


def test_contraction_is_set_off_inside_a_person_and_nobody_pays_back():
    """Cleo's 300 shrink by 500: −200 counts as 0; Bob's 100 of expansion are all there is of it."""
    more = pd.DataFrame({"owner": ["Cleo"], "amount": [-500.0], "is_new_business": [False], "outcome": ["won"]})
    split = split_commission(pd.concat([deals(), more], ignore_index=True), ratio="80/20", pool=90.0)
    pay = split.frame.set_index("name")
    assert pay["pay_after"].to_dict() == {"Ann": 54.0, "Bob": 36.0, "Cleo": 0.0}
    assert pay.loc["Cleo", "expansion"] == -200
    assert {"1 deal (−$500) below 0 are set off against the person's other deals.",
            "1 sums below 0 after contraction count as 0: nobody pays back."} <= set(split.notes)  # fmt: skip


def test_renewals_are_neither_net_new_nor_expansion():
    split = split_commission(deals(type=["New", "New", "Upsell", "Renewal"]), ratio="80/20", pool=100.0)
    assert "Cleo" not in set(split.frame["name"])
    assert any("1 deal ($300) of renewal" in note for note in split.notes)


def test_where_nobody_won_a_kind_its_part_of_the_pool_goes_to_the_other():
    split = split_commission(deals(is_new_business=True), ratio="80/20", pool=120.0)
    assert split.total_after == 120.0
    assert any("went to the other kind" in note for note in split.notes)


def test_lost_deals_pay_nothing_and_no_deal_is_no_plan():
    split = split_commission(deals(outcome="lost"), ratio="80/20", pool=120.0)
    assert split.frame.empty and split.headline == "No won deal pays anything yet"


@pytest.mark.parametrize("wrong", ["eighty", "80", (1, 2, 3), -0.5, 1.5, "0/0", None, float("nan")], ids=str)
def test_a_ratio_that_cannot_be_read_says_how_to_write_it(wrong):
    with pytest.raises(ParameterError, match="80/20"):
        read_ratio(wrong)


@pytest.mark.parametrize("given", [{}, {"pool": 1.0, "rate": 0.1}, {"pool": -1.0}, {"rate": float("nan")}], ids=str)
def test_either_a_pool_or_a_rate_is_needed(given):
    with pytest.raises(ParameterError):
        split_commission(deals(), ratio="80/20", **given)


def test_cents_left_by_rounding_go_to_the_largest_remainders():
    assert share_out(pd.Series([0.335, 0.335, 0.33]), 100).tolist() == [34, 33, 33]


def make_seller():
    """Ann won 1,000 in the year and 5,000 before it; Dora carries a quota and won nothing; Max leads them."""
    deal = {
        "id": ["a", "b", "c"],
        "created_at": ["2024-01-01"] * 3,
        "closed_at": ["2025-12-31T23:00:00", "2025-01-01", "2024-12-31"],
        "stage": ["Won"] * 3,
        "type": ["New", "Upsell", "New"],
        "owner": ["Ann"] * 3,
        "amount": [600.0, 400.0, 5000.0],
    }
    people = {"id": ["Ann", "Dora", "Max"], "quota": [10.0, 10.0, 20.0], "manager": ["Max", "Max", None]}
    return make_company({"deal": deal, "person": people}, latest_event="2025-12-31")


def test_a_company_s_commission_is_that_of_the_year_and_everybody_with_a_quota():
    split = review_commission(make_seller(), as_of=date(2025, 12, 31), ratio="80/20", rate=0.1)
    pay = split.frame.set_index("name")
    assert pay["pay_after"].to_dict() == {"Ann": 112.0, "Dora": 0.0}
    assert split.notes[0] == "Deals won in the year to Q4 2025."


def test_without_pool_or_rate_a_tenth_of_the_revenue_is_assumed_and_said():
    split = review_commission(make_seller(), as_of=date(2025, 12, 31), ratio="80/20")
    assert split.total_after == 100.0 and "is assumed" in split.notes[1]


def test_a_company_without_deals_has_no_commission_to_split():
    company = make_company({"contact": {"id": ["c"], "created_at": ["2025-01-01"]}})
    assert review_commission(company, as_of=date(2025, 12, 31), ratio="80/20") is None
