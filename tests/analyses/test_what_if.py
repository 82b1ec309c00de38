"""What if: the worked example by hand, intervals that hold what they should, and numbers equal to plain pandas."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.what_if import AS_IS, HELD, MARGINAL, Move, move_slices, read_change
from helpers.analyses.what_if_question import ask_what_if
from helpers.company import open_company
from helpers.engine.doubt import wilson_interval
from helpers.errors import QuestionError
from helpers.periods import period_of
from tests.companies import make_company
from tests.real_data import require_real_data

DAY = date(2026, 9, 30)
Q3 = period_of(DAY, "quarter")


def _example():
    """61 inbound deals at 16 %, 20 customer referrals at 50 %."""
    return pd.DataFrame(
        {
            "slice": ["Inbound", "Customer referral"],
            "volume": [61, 20],
            "entered": [200, 60],
            "won": [32, 30],
            "size": [10_000.0, 12_000.0],
            "size_error": [500.0, 900.0],
            "n_size": [32, 30],
        }
    )


def _case(answer, case, scenario=0):
    name = answer.outcomes["scenario"].unique()[scenario]
    mine = answer.outcomes[(answer.outcomes["scenario"] == name) & (answer.outcomes["case"] == case)]
    return mine.iloc[0]


def _need(answer, case, scenario=0):
    name = answer.needs["scenario"].unique()[scenario]
    return answer.needs[(answer.needs["scenario"] == name) & (answer.needs["case"] == case)].iloc[0]


def test_the_questions_of_the_worked_example_have_their_answers():
    moves = [Move("Inbound", rate="20 %"), Move("Customer referral", volume="x2")]
    answer = move_slices(_example(), moves, goal=30, goal_unit="count")
    # 61 x 16 % + 20 x 50 %
    assert _case(answer, AS_IS)["deals"] == pytest.approx(19.76)
    # The goal needs 20 more deals of inbound: 125 of them at 16 %, 100 at 20 %.
    assert _need(answer, AS_IS)["needed"] == pytest.approx(125)
    assert _need(answer, HELD)["needed"] == pytest.approx(100)
    assert _case(answer, HELD)["change_deals"] == pytest.approx(61 * 0.04)
    assert _case(answer, HELD)["change_revenue"] == pytest.approx(61 * 0.04 * 10_000)
    # Doubling referrals brings ten deals if the rate holds.
    assert _case(answer, HELD, 1)["change_deals"] == pytest.approx(10)
    assert _case(answer, HELD, 1)["change_revenue"] == pytest.approx(120_000)
    low = float(wilson_interval([30], [60])[0][0])
    assert _case(answer, MARGINAL, 1)["change_deals"] == pytest.approx(20 * low)
    assert answer.needs_sentence.startswith("The goal needs of Inbound 125 opportunities at 16 %, 100 at 20 %")
    assert any("held constant" in note for note in answer.notes)
    assert any("assumption, nobody has measured it" in note for note in answer.notes)


def test_added_records_may_convert_at_a_share_that_the_user_sets():
    answer = move_slices(_example(), [Move("Inbound", volume="+20", marginal=0.5)], goal=30, goal_unit="count")
    assert _case(answer, HELD)["change_deals"] == pytest.approx(20 * 0.16)
    assert _case(answer, MARGINAL)["change_deals"] == pytest.approx(20 * 0.08)
    # The 61 that are there bring 9.76, so 10.24 more at 8 % are 128 on top of them.
    assert _need(answer, MARGINAL)["needed"] == pytest.approx(61 + 10.24 / 0.08)


def test_less_volume_takes_away_at_the_average_rate_in_both_cases():
    answer = move_slices(_example(), [Move("Inbound", volume="-11")])
    assert _case(answer, HELD)["change_deals"] == _case(answer, MARGINAL)["change_deals"] == pytest.approx(-1.76)


def test_intervals_follow_the_rates_and_are_the_same_every_time():
    moves = [Move("Customer referral", volume="x2")]
    first, again = (move_slices(_example(), moves) for _ in range(2))
    pd.testing.assert_frame_equal(first.outcomes, again.outcomes)
    row = _case(first, HELD)
    random = np.random.default_rng(1)
    drawn = 20 * random.beta(30.5, 30.5, 200_000)
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert row["change_deals_low"] == pytest.approx(low, abs=0.15)
    assert row["change_deals_high"] == pytest.approx(high, abs=0.15)
    narrow = _example().assign(entered=[20_000, 6_000], won=[3_200, 3_000])
    assert _case(move_slices(narrow, moves), HELD)["change_deals_high"] < row["change_deals_high"]


def test_without_amounts_deals_are_told_and_no_revenue():
    answer = move_slices(_example().assign(size=np.nan), [Move("Inbound", volume="x2")])
    assert not answer.has_money and "9.8 deals" in answer.headline


@pytest.mark.parametrize(
    ("value", "base", "is_rate", "result"),
    [
        ("+20 %", 50, False, 60), ("-20%", 50, False, 40), ("x1.5", 50, False, 75), ("×2", 50, False, 100),
        (80, 50, False, 80), ("+10", 50, False, 60), ("−10", 50, False, 40), ("", 50, False, 50),
        (0.2, 0.16, True, 0.2), ("20 %", 0.16, True, 0.2), (20, 0.16, True, 0.2), ("+4", 0.16, True, 0.2),
        ("-2 points", 0.16, True, 0.14), ("x1.5", 0.16, True, 0.24),
    ],
)  # fmt: skip
def test_changes_are_read_as_people_write_them(value, base, is_rate, result):
    assert read_change(value, base, is_rate=is_rate) == pytest.approx(result)


@pytest.mark.parametrize(
    ("move", "said"),
    [
        (Move("Inbnd", rate="+4"), "Did you mean 'Inbound'"),
        (Move("Inbound", rate="+90"), "between 0 and 100 %"),
        (Move("Inbound", volume="lots"), "volume 'lots' can't be read"),
        (Move("Inbound", volume="-99"), "can't be less than 0"),
        (Move("Inbound", volume="x2", marginal="2"), "marginal '2' can't be read"),
    ],
    ids=["slice", "rate", "words", "negative", "marginal"],
)
def test_what_cannot_be_is_refused_with_words(move, said):
    with pytest.raises(QuestionError, match=said):
        move_slices(_example(), [move])


def test_the_sample_equals_plain_pandas():
    company = open_company("data/samples/brightwater")
    asked = {"by": "source", "slice": "Referrals", "volume": "x2", "goal": 2_000_000}
    answer = ask_what_if(company, asked, period=Q3, as_of=DAY)
    deals = company.tables["deal"]
    new = deals[deals["is_new_business"] & (deals["source"] == "Referrals")]
    created, closed = new["created_at"].dt.normalize(), new["closed_at"].dt.normalize()
    won = (new["outcome"] == "won") & (closed >= created)
    moved = answer.slices.iloc[0]
    assert moved["volume"] == created.between("2026-07-01", "2026-09-30").sum()
    mature = created.between("2025-04-01", "2026-03-31")
    assert moved["rate"] == pytest.approx((won & mature).sum() / mature.sum())
    sold = (new["outcome"] == "won") & closed.between("2025-10-01", "2026-09-30")
    assert moved["deal_size"] == pytest.approx(new.loc[sold, "amount"].mean())
    assert _case(answer, HELD)["change_deals"] == pytest.approx(moved["volume"] * moved["rate"])
    assert answer.goal == 2_000_000


def test_asked_nothing_it_asks_the_two_questions_that_come_first():
    answer = ask_what_if(open_company("data/samples/brightwater"), {}, period=Q3, as_of=DAY)
    assert answer.outcomes["scenario"].iloc[0].endswith("rate +4 points") and len(answer.slices) == 2
    assert answer.goal and answer.needs_sentence


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"slise": "Inbound"}, "Did you mean 'slice'"),
        ({"by": "lost_reason", "slice": "Price", "rate": "+4"}, "lost"),
        ({"by": "source", "rate": "+4"}, "name the slice"),
        ({"by": "source", "slice": "Referrals", "goal": "much"}, "no number above 0"),
    ],
    ids=["key", "outcome field", "no slice", "goal"],
)
def test_a_question_that_cannot_be_asked_says_why(asked, said):
    with pytest.raises(QuestionError, match=said):
        ask_what_if(open_company("data/samples/brightwater"), asked, period=Q3, as_of=DAY)


def test_young_cohorts_alone_tell_nothing():
    deals = pd.DataFrame({"id": ["a"], "created_at": ["2026-09-20"], "closed_at": [None], "stage": ["Demo"]})
    answer = ask_what_if(make_company({"deal": deals}, latest_event=DAY), period=Q3, as_of=DAY)
    assert not answer.is_told and "No cohort is mature" in answer.why_not


def test_a_funnel_of_contacts_counts_from_their_first_stage():
    folder = require_real_data("olist_marketing_funnel")
    leads = pd.read_csv(next(folder.glob("*qualified_leads*.csv")))
    closed = pd.read_csv(next(folder.glob("*closed_deals*.csv")))
    both = leads.merge(closed[["mql_id", "won_date"]], on="mql_id", how="left")
    contact = pd.DataFrame(
        {"id": both["mql_id"], "mql_at": both["first_contact_date"], "created_at": both["first_contact_date"],
         "won_at": both["won_date"], "source": both["origin"]}
    )  # fmt: skip
    company = make_company({"contact": contact}, latest_event="2018-11-14")
    period = period_of(date(2018, 5, 1), "quarter")
    asked = {"by": "source", "slice": "paid_search", "volume": "x2"}
    answer = ask_what_if(company, asked, period=period, as_of=date(2018, 11, 14))
    day = pd.to_datetime(both["first_contact_date"])
    paid = both["origin"] == "paid_search"
    assert answer.slices.iloc[0]["volume"] == (paid & day.between("2018-04-01", "2018-06-30")).sum()
    assert answer.is_told and not answer.has_money
    # Leads end in May 2018: a later quarter moves the volume of the latest one that had any, and says so.
    later = ask_what_if(company, asked, period=period_of(date(2018, 9, 1), "quarter"), as_of=date(2018, 11, 14))
    assert later.slices.iloc[0]["volume"] == answer.slices.iloc[0]["volume"]
    assert any("Volume of the period from 1 Apr 2018" in note for note in later.notes)
