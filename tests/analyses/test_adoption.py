"""Adoption reports: lists drawn by hand, their way over Mondays, and what exports can't tell."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.adoption import RECORD_COLUMNS, TABLE_COLUMNS, list_adoption
from helpers.company import open_company
from helpers.errors import QuestionError
from tests.companies import make_company

DAY = date(2026, 6, 30)  # a Tuesday
STAGES = [
    {"label": "Demo", "stage": "opportunity"},
    {"label": "Proposal", "stage": "opportunity"},
    {"label": "Closed Won", "stage": "won"},
    {"label": "Closed Lost", "stage": "lost"},
]


def _deals():
    return pd.DataFrame(
        [
            ("past", "2026-01-01", "2026-06-29", "Proposal", 10.0, "Ann", "k1", None),
            ("today", "2026-01-01", "2026-06-30", "Proposal", None, "Ann", "k1", None),
            ("first", "2026-05-01", "2026-09-30", "Demo", None, "Ben", None, None),
            ("fresh", "2026-06-20", "2026-09-30", "Demo", 5.0, None, None, None),
            ("won", "2026-01-01", "2026-03-01", "Closed Won", 9.0, "Ann", None, None),
            ("lost", "2026-01-01", "2026-06-01", "Closed Lost", 9.0, "Ben", "k1", None),
            ("said", "2026-01-01", "2026-06-01", "Closed Lost", 9.0, "Ben", "k1", "Price"),
            ("old", "2025-01-01", "2025-06-01", "Closed Lost", 9.0, "Ben", "k1", None),
        ],
        columns=["id", "created_at", "closed_at", "stage", "amount", "owner", "company_id", "lost_reason"],
    )


def _history():
    rows = [
        ("past", "2026-03-01", "stage", "Demo", "Proposal"),
        ("past", "2026-06-24", "closed_at", "2026-06-10", "2026-06-29"),
        ("past", "2026-02-01", "amount", None, "10"),
        ("today", "2026-06-15", "stage", "Demo", "Proposal"),
        ("won", "2026-03-01", "stage", "Proposal", "Closed Won"),
        ("lost", "2026-06-01", "stage", "Proposal", "Closed Lost"),
        ("said", "2026-06-01", "stage", "Proposal", "Closed Lost"),
        ("old", "2025-06-01", "stage", "Proposal", "Closed Lost"),
    ]
    return pd.DataFrame(rows, columns=["deal_id", "changed_at", "field", "old", "new"])


def _company(tables=None, adoption=None, **settings):
    tables = tables or {"deal": _deals(), "deal_history": _history()}
    said = {"deal_stages": STAGES, "adoption": adoption or {}, **settings}
    return make_company(tables, settings=said, latest_event=DAY)


def _on(found, id):
    return set(found.find(id).records["record"])


def test_deals_stand_on_the_lists_that_they_belong_on():
    found = list_adoption(_company(), as_of=DAY)
    assert _on(found, "close_date_past") == {"past"}
    assert _on(found, "stage_zero") == {"first"}
    assert _on(found, "no_amount") == {"today"}
    assert _on(found, "won_without_company") == {"won"}
    assert _on(found, "lost_without_reason") == {"lost"}
    assert _on(found, "idle") == {"first"}
    assert (found.find("no_amount").n, found.find("no_amount").among) == (1, 2)
    assert (found.find("close_date_past").n, found.find("close_date_past").among) == (1, 4)


def test_what_exports_lack_is_listed_with_its_cure():
    found = list_adoption(_company(), as_of=DAY)
    missing = dict(zip(found.unavailable["report"], found.unavailable["what_to_do"], strict=True))
    assert "No export holds contacts" in missing["Form filled and no activity"]
    assert "deal.next_activity_at is in no export" in missing["No next activity"]
    assert "deal.contact_id is in no export" in missing["Past the first stage without a contact"]
    table = found.table
    assert list(table) == TABLE_COLUMNS
    assert not table[table["report"] == "no_next_activity"]["is_available"].any()


def test_the_way_to_zero_is_recomputed_for_each_monday_from_history():
    trend = list_adoption(_company(), as_of=DAY).find("close_date_past").trend
    assert [day.date() for day in trend["day"]][-3:] == [date(2026, 6, 22), date(2026, 6, 29), DAY]
    assert len(trend) == 13 and trend["day"].iloc[0].date() == date(2026, 4, 13)
    at = dict(zip(trend["day"].dt.date, trend["n"], strict=True))
    # Due on 10 June until it was moved on 24 June to the 29th; before 29 June is over it isn't past.
    assert [at[date(2026, 6, day)] for day in (8, 15, 22, 29)] == [0, 1, 1, 0] and at[DAY] == 1


def test_where_the_past_is_not_known_only_today_is_counted_and_said():
    one = list_adoption(_company(), as_of=DAY).find("lost_without_reason")
    assert not one.has_trend and list(one.trend["n"]) == [1]
    assert "deal.lost_reason as it is now" in one.note


def test_owners_have_a_rate_of_their_own_records_with_n_and_few_marked():
    owners = list_adoption(_company(), as_of=DAY).find("close_date_past").owners.set_index("slice")
    assert (owners.loc["Ann", "n"], owners.loc["Ann", "among"], owners.loc["Ann", "share"]) == (1, 2, 0.5)
    assert owners.loc["(blank)", "n"] == 0 and owners["is_small"].all()
    assert owners["n"].sum() == 1 and owners["among"].sum() == 4


def test_records_carry_why_and_a_link_into_the_crm():
    company = _company(record_url={"deal": "https://crm.example/deal/{id}"})
    row = list_adoption(company, as_of=DAY).find("close_date_past").records.iloc[0]
    assert row["link"] == "https://crm.example/deal/past" and row["why"] == "close date 29 Jun 2026"
    assert list(list_adoption(company, as_of=DAY).find("idle").records) == RECORD_COLUMNS


def test_a_report_of_ones_own_is_counted_like_the_others():
    own = {
        "big_and_ownerless": {
            "label": "Open without an owner",
            "object": "deal",
            "among": [{"field": "outcome", "equals": "open"}],
            "any": [{"field": "owner", "is_empty": True}, {"field": "owner", "in": ["nobody", "BEN"]}],
        },
        "late_stage": {"label": "Late", "object": "deal", "all": [{"field": "stage", "at_or_past": "proposal"}]},
        "wrong_stage": {"label": "Wrong", "object": "deal", "all": [{"field": "stage", "past": "Propsal"}]},
    }
    found = list_adoption(_company(adoption=own), as_of=DAY)
    assert _on(found, "big_and_ownerless") == {"first", "fresh"}
    assert _on(found, "late_stage") == {"past", "today"}
    assert "no stage of an open deal. Write first, or one of: Demo, Proposal" in found.find("wrong_stage").why_not


def test_contacts_without_activity_meeting_or_owner_are_listed():
    contact = pd.DataFrame(
        [
            ("none", "2026-06-20 09:00", None, 0, None, "2026-06-21", None, False),
            ("one", "2026-06-01 09:00", "2026-06-02", 1, "2026-06-01", "2026-06-02", None, True),
            ("met", "2026-06-01 09:00", "2026-06-03", 5, "2026-06-01", "2026-06-02", "2026-06-05", False),
            ("new", "2026-06-30 08:00", None, 0, None, None, None, None),
            ("ancient", "2025-01-01 09:00", None, 0, None, None, None, False),
        ],
        columns=["id", "created_at", "first_touch_at", "activities", "assigned_at", "mql_at", "meeting_booked_at",
                 "in_sequence"],
    )  # fmt: skip
    found = list_adoption(_company({"contact": contact}), as_of=DAY)
    assert _on(found, "no_activity") == {"none"}
    assert _on(found, "one_activity") == {"one"}
    assert _on(found, "no_meeting_no_sequence") == {"none"}
    assert _on(found, "unassigned") == {"none"}
    trend = found.find("no_activity").trend.set_index("day")["n"]
    assert trend[pd.Timestamp("2026-06-22")] == 0 and trend[pd.Timestamp("2026-06-29")] == 1


def test_activities_of_people_are_counted_as_of_each_day_and_machines_left_out():
    contact = pd.DataFrame({"id": ["a", "b"], "created_at": ["2026-05-01", "2026-05-01"], "owner": ["Ann", "Ann"]})
    activity = pd.DataFrame(
        [("1", "a", "2026-05-10", False), ("2", "a", "2026-06-24", False), ("3", "b", "2026-05-02", False),
         ("4", "b", "2026-05-03", True)],
        columns=["id", "contact_id", "at", "automated"],
    )  # fmt: skip
    found = list_adoption(_company({"contact": contact, "activity": activity}), as_of=DAY).find("one_activity")
    assert set(found.records["record"]) == {"b"}
    trend = found.trend.set_index("day")["n"]
    assert trend[pd.Timestamp("2026-06-22")] == 2 and trend[pd.Timestamp("2026-06-29")] == 1


def test_a_list_is_not_called_empty_where_its_field_is_or_nobody_is_concerned():
    deals = _deals()[lambda frame: frame["stage"].isin(["Demo", "Closed Won"])]
    deals = deals.assign(closed_at=deals["closed_at"].where(deals["stage"] == "Closed Won"))
    found = list_adoption(_company({"deal": deals}), as_of=DAY)
    assert "deal.closed_at is empty for all 2 deals" in found.find("close_date_past").why_not
    assert "there are no deals it is for" in found.find("no_amount").why_not


def test_an_unknown_report_is_named():
    with pytest.raises(QuestionError, match="Did you mean 'idle'"):
        list_adoption(_company(), as_of=DAY, reports=["idel"])


def test_the_sample_equals_plain_pandas_and_hides_people():
    company = open_company("data/samples/brightwater", people="hidden")
    day = date(2026, 9, 30)
    found = list_adoption(company, as_of=day)
    contact = company.tables["contact"]
    age = (pd.Timestamp(day) - contact["created_at"].dt.normalize()).dt.days
    among = age.between(3, 90)
    touched = contact["first_touch_at"] < pd.Timestamp("2026-10-01")
    one = found.find("no_activity")
    assert (one.n, one.among) == ((among & ~touched).sum(), among.sum())
    deal = company.tables["deal"]
    past = (deal["outcome"] == "open") & (deal["closed_at"].dt.normalize() < pd.Timestamp(day))
    assert found.find("close_date_past").n == past.sum()
    assert all(name == "(blank)" or name.startswith("Person ") for name in one.owners["slice"])
