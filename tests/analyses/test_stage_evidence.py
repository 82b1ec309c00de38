"""Open deals without the evidence of their stage, counted by hand on six deals."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.stage_evidence import review_stage_evidence
from tests.analyses.survey_cases import people
from tests.companies import make_company

AS_OF = date(2026, 6, 30)
STAGES = [
    {"label": "Talk", "stage": "opportunity", "probability": 0.2},
    {"label": "Offer", "stage": "opportunity", "probability": 0.5},
    {"label": "Contract", "stage": "opportunity", "probability": 0.8},
    {"label": "Won", "stage": "won", "probability": 1.0},
    {"label": "Lost", "stage": "lost", "probability": 0.0},
]


def make_deals():
    """Five open deals and a won one.

    | id | stage    | amount | why now | decides |
    | 1  | Talk     | 10     | Season  | –       |
    | 2  | Talk     | 20     | –       | –       |
    | 3  | Offer    | 30     | –       | Mia     |
    | 4  | Offer    | 40     | Law     | (space) |
    | 5  | Contract | 50     | Law     | –       |
    | 6  | Won      | 60     | –       | –       |
    """
    return pd.DataFrame(
        {
            "id": list("123456"),
            "name": [f"Deal {i}" for i in range(1, 7)],
            "created_at": ["2026-03-01"] * 5 + ["2026-02-01"],
            "closed_at": ["2026-08-01"] * 5 + ["2026-05-01"],
            "stage": ["Talk", "Talk", "Offer", "Offer", "Contract", "Won"],
            "amount": [10.0, 20, 30, 40, 50, 60],
            "owner": ["Mia", "Tom", "Mia", "Tom", "Mia", "Tom"],
            "why_now": ["Season", None, None, "Law", "Law", None],
            "decides": [None, None, "Mia", " ", None, None],
        }
    )


HISTORY = pd.DataFrame(
    {
        "deal_id": ["3", "3", "5", "5", "5", "6"],
        "changed_at": ["2026-03-01", "2026-06-20", "2026-03-01", "2026-05-01", "2026-06-01", "2026-05-01"],
        "field": ["stage"] * 6,
        "old": [None, "Talk", None, "Talk", "Offer", "Offer"],
        "new": ["Talk", "Offer", "Talk", "Offer", "Contract", "Won"],
    }
)


def stage(name, field="", heard="Why now", probability=0.2):
    return {"stage": name, "field": field, "heard": heard, "probability": probability}


def review(as_of=AS_OF, deals=None, history=HISTORY, settings=None, **said):
    tables = {"deal": make_deals() if deals is None else deals}
    if history is not None:
        tables["deal_history"] = history
    company = make_company(tables, settings={"deal_stages": STAGES} if settings is None else settings)
    responses = people(**{name: {"stage_exit": list(rows)} for name, rows in said.items()})
    return review_stage_evidence(company, responses, as_of=as_of)


def test_deals_at_or_beyond_a_stage_without_its_evidence_are_counted():
    """Why now, asked at Talk: deals 2 and 3 lack it; 3 has moved on to Offer. Worth 50, of which 30 moved on."""
    row = review(ana=[stage("Talk", "Why now")]).summary.iloc[0]
    assert (row["state"], row["column"]) == ("checked", "why_now")
    assert (row["n_open"], row["n_at"], row["n_beyond"]) == (5, 2, 3)
    assert (row["n_without"], row["n_without_at"], row["n_without_beyond"]) == (2, 1, 1)
    assert (row["money_without"], row["money_beyond"]) == (50, 30)
    assert (row["probability"], row["crm_probability"]) == (0.2, 0.2)


def test_blanks_count_as_empty_and_closed_deals_do_not_count():
    """Decides, asked at Offer: deals 3, 4 and 5 are there or beyond; 4 holds a space, 5 nothing."""
    row = review(ana=[stage("Offer", "Decides")]).summary.iloc[0]
    assert (row["n_open"], row["n_without"], row["n_without_beyond"], row["money_without"]) == (3, 2, 1, 90)


def test_deals_are_listed_with_what_is_missing_those_that_moved_on_first_then_by_amount():
    found = review(ana=[stage("Talk", "why_now"), stage("Offer", "DECIDES")]).deals
    rows = found[["deal_id", "missing", "is_beyond"]].values.tolist()
    assert rows == [
        ["5", "DECIDES (Offer)", True],
        ["3", "why_now (Talk)", True],
        ["4", "DECIDES (Offer)", False],
        ["2", "why_now (Talk)", False],
    ]
    assert found["owner"].tolist() == ["Mia", "Mia", "Tom", "Tom"]


def test_days_in_stage_come_from_the_history_and_else_are_missing():
    """Deal 3 went to Offer on 20 June, deal 5 to Contract on 1 June; 4 stands at Offer without history; 2 never left
    its first stage, since 1 March."""
    found = review(ana=[stage("Talk", "Why now"), stage("Offer", "Decides")]).deals.set_index("deal_id")
    assert found["days_in_stage"].astype("float64").to_dict() == pytest.approx(
        {"5": 29, "3": 10, "4": float("nan"), "2": 121}, nan_ok=True
    )


def test_stages_are_those_of_the_last_day_that_counts():
    """By 15 June deal 3 still stood at Talk, so nothing had moved on without its evidence; deal 5 was at Contract."""
    row = review(date(2026, 6, 15), ana=[stage("Talk", "Why now")]).summary.iloc[0]
    assert (row["n_without_at"], row["n_without_beyond"]) == (2, 0)


def test_a_field_that_the_export_lacks_is_named_with_its_cure_and_what_was_probably_meant():
    found = review(ana=[stage("Talk", "Compelling event"), stage("Offer", "Decide")])
    talk, offer = found.summary.to_dict("records")
    assert talk["state"] == offer["state"] == "not_exported"
    assert "'Compelling event'" in talk["cure"] and "Did you mean 'decides'?" in offer["cure"]
    assert pd.isna(talk["n_without"]) and found.deals.empty and not found.is_checked
    assert "2 of 2 stages can't be looked up" in found.sentence


def test_a_stage_that_the_crm_lacks_is_told_with_the_nearest_one():
    found = review(ana=[stage("Ofer", "Decides"), stage("Won", "Decides"), stage("Talk")]).summary.set_index("stage")
    assert found["state"].to_dict() == {"Talk": "no_field", "Ofer": "unknown_stage", "Won": "closed_stage"}
    assert "Did you mean 'Offer'?" in found.loc["Ofer", "cure"]


def test_the_field_most_people_name_is_looked_up_and_who_differs_is_told():
    found = review(
        ana=[stage("Talk", "Why now", "Urgency", 0.1)],
        ben=[stage("talk", "why_now", "Urgency", 0.3)],
        eve=[stage("TALK", "Decides", "Who signs", 0.4)],
    )
    row = found.summary.iloc[0]
    assert len(found.summary) == 1 and (row["column"], row["n_people"]) == ("why_now", 3)
    assert (row["heard"], row["probability"]) == ("Urgency", 0.3)
    assert row["differing"] == "Why now (Ana, Ben); Decides (Eve)"
    assert found.statements["person"].tolist() == ["Ana", "Ben", "Eve"]


def test_fields_that_equally_many_name_are_all_asked_for():
    """Why now or decides missing at Talk or beyond: 1 (decides), 2 (both), 3 (why), 4 and 5 (decides)."""
    found = review(ana=[stage("Talk", "Why now")], ben=[stage("Talk", "Decides")])
    assert found.summary.iloc[0]["n_without"] == 5
    assert found.deals.set_index("deal_id").loc["2", "missing"] == "Why now (Talk); Decides (Talk)"


def test_one_field_in_the_export_is_looked_up_though_another_is_not():
    row = review(ana=[stage("Talk", "Why now")], ben=[stage("Talk", "Compelling event")]).summary.iloc[0]
    assert (row["state"], row["n_without"]) == ("checked", 2)
    assert "'Compelling event'" in row["cure"]


def test_without_named_stages_their_probability_puts_them_in_order():
    deals = make_deals().assign(probability=[0.2, 0.2, 0.5, 0.5, 0.8, 1.0])
    row = review(deals=deals, settings={}, ana=[stage("Offer", "Decides")]).summary.iloc[0]
    assert (row["n_at"], row["n_beyond"]) == (2, 1)


def test_stages_without_a_probability_stand_in_the_order_of_the_chances_people_name():
    bare = [{key: value for key, value in one.items() if key != "probability"} for one in reversed(STAGES)]
    unsure = {"deal_stages": bare}
    said = [stage(name, "why_now", probability=chance) for name, chance in (("Contract", 0.8), ("Talk", 0.1))]
    assert review(settings=unsure, ana=said).summary["stage"].tolist() == ["Contract", "Talk"]
    said.append(stage("Offer", "why_now", probability=0.4))
    summary = review(settings=unsure, ana=said).summary
    assert summary["stage"].tolist() == ["Talk", "Offer", "Contract"]
    assert summary["n_beyond"].tolist() == [3, 1, 0]


def test_nobody_said_anything_or_there_are_no_deals():
    assert review().summary.empty and "Nobody has said" in review().sentence
    company = make_company({}, settings={"deal_stages": STAGES})
    said = people(ana={"stage_exit": [stage("Talk", "Why now")]})
    found = review_stage_evidence(company, said, as_of=AS_OF)
    assert found.summary.iloc[0]["state"] == "not_exported" and found.n_open == 0


def test_all_evidence_there_is_good_news():
    deals = make_deals().assign(why_now="Law")
    assert "Every open deal carries" in review(deals=deals, ana=[stage("Talk", "Why now")]).sentence


def test_the_order_of_rows_does_not_matter():
    said = {"ana": [stage("Offer", "Decides"), stage("Talk", "Why now")]}
    straight, turned = review(**said), review(deals=make_deals().iloc[::-1].reset_index(drop=True), **said)
    pd.testing.assert_frame_equal(straight.summary, turned.summary)
    pd.testing.assert_frame_equal(straight.deals, turned.deals)


def test_an_open_deal_without_a_create_date_is_open_all_the_same():
    deals = make_deals()
    deals.loc[0, "created_at"] = None
    assert review(deals=deals, ana=[stage("Talk", "Decides")]).summary.iloc[0]["n_open"] == 5
