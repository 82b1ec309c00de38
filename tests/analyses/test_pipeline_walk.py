"""The pipeline walk: drawn by hand, footing for random histories, and what it says where nobody knows the past."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.pipeline_walk import RECORD_COLUMNS, WALK_COLUMNS, list_step, walk_pipeline
from helpers.analyses.walk_steps import FLOWS
from helpers.company import open_company
from helpers.engine.cells import build_cells
from helpers.engine.pipeline import open_pipeline_at
from helpers.errors import QuestionError
from helpers.periods import custom_period, period_of
from tests.analyses.deal_histories import make_deals_with_history
from tests.companies import make_company
from tests.real_data import require_real_data

Q2 = period_of(date(2026, 5, 1), "quarter")
ADDS = {step.id for step in FLOWS}


def _amounts(walk, dimension="all", slice="all"):
    frame = walk.frame[(walk.frame["dimension"] == dimension) & (walk.frame["slice"] == slice)]
    return dict(zip(frame["step"], frame["amount"], strict=True))


def _by_hand():
    """One deal for each thing that can happen in the second quarter of 2026.

    a stays due, 100 -> 130     b pushed to August, 50 -> 40   c pulled in from July, 20
    d created and still due, 7  e won, 60                      f lost, 30
    g pulled in from September and won, 11     h overdue since March, moved into May, 5
    i lost in January, taken up again, 9       j due in July, lost in May: never in this pipeline
    k created and won, 3                       l renewal, left out
    m due in May, dated back to February, 2    n created, due in August: not in this pipeline
    """
    rows = [
        ("a", "2026-01-01", "2026-06-10", "Demo", 130),
        ("b", "2026-01-01", "2026-08-01", "Demo", 40),
        ("c", "2026-01-01", "2026-06-01", "Demo", 20),
        ("d", "2026-04-05", "2026-06-01", "Demo", 7),
        ("e", "2026-01-01", "2026-05-05", "Closed Won", 60),
        ("f", "2026-01-01", "2026-05-06", "Closed Lost", 30),
        ("g", "2026-01-01", "2026-06-20", "Closed Won", 11),
        ("h", "2026-01-01", "2026-05-20", "Demo", 5),
        ("i", "2025-11-01", "2026-06-15", "Demo", 9),
        ("j", "2026-01-01", "2026-05-07", "Closed Lost", 70),
        ("k", "2026-04-10", "2026-04-20", "Closed Won", 3),
        ("l", "2026-01-01", "2026-05-01", "Demo", 1000),
        ("m", "2026-01-01", "2026-02-01", "Demo", 2),
        ("n", "2026-05-01", "2026-08-01", "Demo", 400),
    ]
    deals = pd.DataFrame(rows, columns=["id", "created_at", "closed_at", "stage", "amount"])
    deals["type"] = np.where(deals["id"] == "l", "Renewal", "New Business")
    deals["region"] = np.where(deals["id"].isin(list("abcd")), "US", "EMEA")
    changes = [
        ("a", "2026-05-01", "amount", "100", "130"),
        ("b", "2026-05-01", "amount", "50", "40"),
        ("b", "2026-06-01", "closed_at", "2026-06-01", "2026-08-01"),
        ("c", "2026-04-15", "closed_at", "2026-07-15", "2026-06-01"),
        ("e", "2026-05-05", "closed_at", "2026-06-01", "2026-05-05"),
        ("e", "2026-05-05", "stage", "Demo", "Closed Won"),
        ("f", "2026-05-06", "closed_at", "2026-06-01", "2026-05-06"),
        ("f", "2026-05-06", "stage", "Demo", "Closed Lost"),
        ("g", "2026-06-20", "closed_at", "2026-09-01", "2026-06-20"),
        ("g", "2026-06-20", "stage", "Demo", "Closed Won"),
        ("h", "2026-04-02", "closed_at", "2026-03-15", "2026-05-20"),
        ("i", "2026-01-10", "stage", "Demo", "Closed Lost"),
        ("i", "2026-04-20", "stage", "Closed Lost", "Demo"),
        ("i", "2026-04-20", "closed_at", "2026-01-10", "2026-06-15"),
        ("j", "2026-05-07", "closed_at", "2026-07-20", "2026-05-07"),
        ("j", "2026-05-07", "stage", "Demo", "Closed Lost"),
        ("k", "2026-04-20", "stage", "Demo", "Closed Won"),
        ("m", "2026-04-03", "closed_at", "2026-05-03", "2026-02-01"),
    ]
    history = pd.DataFrame(changes, columns=["deal_id", "changed_at", "field", "old", "new"])
    return make_company({"deal": deals, "deal_history": history}, latest_event="2026-06-30")


def test_every_thing_that_can_happen_is_a_step_of_its_own():
    walk = walk_pipeline(_by_hand(), Q2, by=["region"])
    assert _amounts(walk) == {
        "opening": 242, "created": 10, "pulled_in": 31, "carried_in": 5, "reopened": 9, "amount_up": 30,
        "amount_down": -10, "pushed_out": -40, "dated_back": -2, "won": -74, "lost": -30, "closing": 171,
    }  # fmt: skip
    deals = dict(zip(walk.total["step"], walk.total["deals"], strict=True))
    assert deals["opening"] == 5 and deals["won"] == 3 and deals["closing"] == 5
    assert set(walk.records.loc[walk.records["step"] == "pulled_in", "record"]) == {"c", "g"}
    assert any("1 deal due at another time" in note for note in walk.notes)
    assert _amounts(walk, "region", "US")["closing"] == 157


def test_a_record_says_what_it_was_and_what_it_is():
    found = list_step(walk_pipeline(_by_hand(), Q2, by=["region"]), "pushed_out", slice={"region": "US"})
    row = found.iloc[0]
    assert list(found["record"]) == ["b"]
    assert (row["amount_before"], row["amount_after"], row["amount"]) == (50, 40, -40)
    assert row["close_date_before"] == pd.Timestamp("2026-06-01")
    assert row["close_date_after"] == pd.Timestamp("2026-08-01") and row["changed_on"] == pd.Timestamp("2026-06-01")


def test_all_open_pipeline_knows_no_pulling_or_pushing():
    walk = walk_pipeline(_by_hand(), Q2, scope="open")
    assert _amounts(walk) == {
        "opening": 348, "created": 410, "reopened": 9, "amount_up": 30, "amount_down": -10, "won": -74, "lost": -100,
        "closing": 613,
    }  # fmt: skip
    opened = open_pipeline_at(_by_hand(), Q2.start, opening=True)["amount"].sum()
    closed = open_pipeline_at(_by_hand(), Q2.end)["amount"].sum()
    assert _amounts(walk)["opening"] == opened and _amounts(walk)["closing"] == closed
    assert "pulled_in" not in _amounts(walk) and "pushed_out" not in _amounts(walk)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("scope", ["due", "open"])
def test_it_foots_to_the_cent_and_slices_add_up_to_the_company(seed, scope):
    deals, history = make_deals_with_history(seed)
    company = make_company({"deal": deals, "deal_history": history}, latest_event="2026-12-31")
    periods = [
        period_of(date(2025, 8, 1), "month"),
        period_of(date(2025, 11, 1), "quarter"),
        custom_period(date(2025, 3, 3), date(2026, 1, 17)),
    ]
    for period in periods:
        walk = walk_pipeline(company, period, by=["owner", "source", "owner & source"], scope=scope)
        cents = (walk.frame["amount"] * 100).round().astype("int64")
        frame = walk.frame.assign(cents=cents)
        for _, steps in frame.groupby(["dimension", "slice"]):
            at = steps.set_index("step")["cents"]
            assert at["opening"] + sum(at[step] for step in at.index if step in ADDS) == at["closing"]
        for dimension in ("owner", "source", "owner & source"):
            added = frame[frame["dimension"] == dimension].groupby("step")[["cents", "deals"]].sum()
            whole = frame[frame["dimension"] == "all"].set_index("step")[["cents", "deals"]]
            assert added.loc[whole.index].to_numpy().tolist() == whole.to_numpy().tolist()
        once = walk.records.groupby(["record", "step"]).size()
        assert (once == 1).all()
        listed = (walk.records.groupby("step")["amount"].sum() * 100).round()
        for step, total in frame[frame["dimension"] == "all"].set_index("step")["cents"].items():
            assert listed.get(step, 0) == total


@pytest.mark.parametrize("seed", range(6))
def test_opening_and_closing_are_the_open_pipeline_of_two_days_told_apart(seed):
    deals, history = make_deals_with_history(seed)
    company = make_company({"deal": deals, "deal_history": history}, latest_event="2026-12-31")
    period = period_of(date(2025, 11, 1), "quarter")
    walk = walk_pipeline(company, period)
    for step, day, opening in (("opening", period.start, True), ("closing", period.end, False)):
        listed = open_pipeline_at(company, day, opening=opening)
        inside = listed["closed_at"].dt.date.between(period.start, period.end)
        assert _amounts(walk)[step] == pytest.approx(listed.loc[inside, "amount"].sum(), abs=1e-6)


def test_one_periods_closing_is_the_next_ones_opening_where_all_pipeline_is_walked():
    deals, history = make_deals_with_history(3)
    company = make_company({"deal": deals, "deal_history": history}, latest_event="2026-12-31")
    first = period_of(date(2025, 8, 1), "quarter")
    second = period_of(date(2025, 11, 1), "quarter")
    one, other = (walk_pipeline(company, period, scope="open") for period in (first, second))
    assert _amounts(one)["closing"] == _amounts(other)["opening"]


def test_without_history_it_says_so_and_what_to_do():
    deals, _ = make_deals_with_history(1)
    company = make_company({"deal": deals}, latest_event="2026-12-31")
    walk = walk_pipeline(company, Q2)
    assert not walk.is_told and "current values only" in walk.why_not and "python -m helpers add" in walk.cure
    assert list(walk.frame) == WALK_COLUMNS and list(walk.records) == RECORD_COLUMNS
    whole = walk_pipeline(company, Q2, scope="open")
    assert whole.is_told and any("current values only" in note for note in whole.notes)


def test_deals_that_are_gone_from_a_later_export_are_told():
    company = _by_hand()
    issue = {"code": "record_gone", "message": "This deal is no longer in the full export of 2026-07-01"}
    issues = pd.DataFrame([{**dict.fromkeys(company.issues.columns, ""), **issue}])
    walk = walk_pipeline(make_company(dict(company.tables), issues=issues, latest_event="2026-06-30"), Q2)
    assert any("deleted or merged" in note for note in walk.notes)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"scope": "everything"}, "scope 'everything' is unknown"),
        ({"business": "old"}, "business 'old' is unknown"),
        ({"by": ["regoin"]}, "Did you mean 'region'"),
    ],
    ids=["scope", "business", "partition"],
)
def test_what_is_unknown_is_named(asked, said):
    with pytest.raises(QuestionError, match=said):
        walk_pipeline(_by_hand(), Q2, **asked)


def test_filters_leave_out_what_is_filtered():
    walk = walk_pipeline(_by_hand(), Q2, filters={"region": {"not_in": ["EMEA"]}})
    assert _amounts(walk)["opening"] == 150 and _amounts(walk)["closing"] == 157


def test_the_sample_walks_and_its_wins_are_those_of_the_kpis():
    company = open_company("data/samples/brightwater")
    day = date(2026, 9, 30)
    period = period_of(day, "quarter")
    walk = walk_pipeline(company, period, by=["source"], as_of=day)
    cells = build_cells(company, kpis=["deals_won"], grain="quarter", start=day, end=day, as_of=day)
    deals = company.tables["deal"]
    new = deals[deals["is_new_business"] & (deals["outcome"] == "won") & deals["closed_at"].dt.date.between(
        period.start, period.end)]  # fmt: skip
    assert -_amounts(walk)["won"] == pytest.approx(new["amount"].sum(), abs=0.001)
    assert walk.total.set_index("step")["deals"]["won"] == len(new) <= cells["value"].iloc[0]


def test_a_set_without_history_and_open_amounts_counts_deals_and_no_money():
    folder = require_real_data("maven_crm")
    raw = pd.read_csv(folder / "sales_pipeline.csv")
    company = make_company(
        {
            "deal": pd.DataFrame(
                {
                    "id": raw["opportunity_id"],
                    "created_at": raw["engage_date"],
                    "closed_at": raw["close_date"],
                    "stage": raw["deal_stage"],
                    "amount": raw["close_value"],
                    "owner": raw["sales_agent"],
                }
            )
        },
        latest_event="2017-12-31",
    )
    period = period_of(date(2017, 9, 1), "quarter")
    assert not walk_pipeline(company, period, as_of=date(2017, 12, 31)).is_told
    walk = walk_pipeline(company, period, scope="open", by=["owner"], as_of=date(2017, 12, 31))
    assert walk.is_told and not walk.has_money and walk.frame["amount"].isna().all()
    created, closed = pd.to_datetime(raw["engage_date"]), pd.to_datetime(raw["close_date"])
    inside = closed.between("2017-07-01", "2017-09-30")
    deals = dict(zip(walk.total["step"], walk.total["deals"], strict=True))
    assert deals["opening"] == ((created < "2017-07-01") & ~(closed < "2017-07-01")).sum()
    assert deals["created"] == created.between("2017-07-01", "2017-09-30").sum()
    assert deals["won"] == (inside & (raw["deal_stage"] == "Won")).sum()
    assert deals["lost"] == (inside & (raw["deal_stage"] == "Lost")).sum()


def test_two_exports_are_enough_to_tell_what_was_pushed():
    deals = pd.DataFrame(
        {
            "id": ["a", "b"],
            "created_at": ["2026-01-05", "2026-01-05"],
            "closed_at": ["2026-08-15", "2026-06-01"],
            "stage": ["Demo", "Demo"],
            "amount": [120, 50],
        }
    )
    # What differs between the exports of 1 April and 1 July had happened by the evening of 30 June.
    changes = pd.DataFrame(
        [("a", "2026-07-01", "closed_at", "2026-05-15", "2026-08-15"), ("a", "2026-07-01", "amount", "100", "120")],
        columns=["deal_id", "changed_at", "field", "old", "new"],
    )
    tables = {"deal": deals, "deal_history": changes}
    company = make_company(tables, snapshots=("2026-04-01", "2026-07-01"), latest_event="2026-06-30")
    amounts = _amounts(walk_pipeline(company, Q2))
    assert (amounts["opening"], amounts["amount_up"], amounts["pushed_out"], amounts["closing"]) == (150, 20, -120, 50)
