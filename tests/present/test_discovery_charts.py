"""The pictures of the discovery: the matrix with what people decided, and copies as arrows from object to object."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from helpers.analyses.discovery_review import review_discovery
from helpers.answers.discovery import Activation, CopyDecision, DiscoveryAnswers, Judgement
from helpers.model.survey import load_discovery_rules
from helpers.present.charts.copy_arrows import draw_copy_arrows
from helpers.present.charts.discovery_matrix import ROWS_PER_QUESTION, draw_discovery_matrix, list_rows
from helpers.present.discovery_view import show_activations, show_copies, show_decisions, show_evidence, show_matrix
from helpers.present.theme import LIGHT
from tests.analyses.survey_cases import make_case, make_deals
from tests.present.samples import HOSTILE

RULES = load_discovery_rules()
PAGE = 960

COPIES = pd.DataFrame(
    [
        ("product", "Product", "deal", "contact", "not_wanted", "not_wanted", 12_002, 12_002, 2_783, "Several at once"),
        ("source", "Source", "contact", "deal", "followed", "wanted", 1_674, 1_674, 1_674, "revenue by source"),
        ("industry", "Industry", "company", "deal", "followed", "", 1_674, 1_674, 900, "industries at every step"),
        ("segment", "Segment", "company", "contact", "impossible", "", pd.NA, pd.NA, pd.NA, "sizes of company"),
        ("region", "Region", "contact", "customer", "exists", "", 351, 0, 0, ""),
    ],
    columns="dimension label from_object to_object state decided n_records n_missing n_fillable reason".split(),
).astype({"n_records": "Int64", "n_missing": "Int64", "n_fillable": "Int64"})


def texts(shown):
    return ["".join(node.itertext()) for node in ET.fromstring(shown.svg).iter() if node.tag.endswith("}text")]


def width_of(shown):
    return float(re.search(r'<svg[^>]* width="([\d.]+)"', shown.svg).group(1))


def review_case(**case):
    return review_discovery(make_case(**case), RULES, as_of=date(2026, 6, 30))


def test_objects_stand_in_the_order_of_the_funnel_and_wanted_copies_first():
    said = texts(draw_copy_arrows(COPIES, title="t"))
    assert [word for word in said if word in ("company", "contact", "deal", "customer")] == [
        "company",
        "contact",
        "deal",
        "customer",
    ]
    fields = ("Product", "Source", "Industry", "Segment", "Region")
    assert [word for word in said if word in fields] == ["Source", "Industry", "Region", "Product", "Segment"]


def test_each_arrow_says_what_it_would_fill_and_its_state_in_words():
    said = texts(draw_copy_arrows(COPIES, title="t"))
    assert {"all 1,674 deals", "900 deals", "2,783 contacts"} <= set(said)
    states = {"wanted, followed here until then", "not in the CRM, followed here", "not wanted", "is there"}
    assert {*states, "can't be counted"} <= set(said)


def test_only_what_people_want_is_blue():
    one_wanted = draw_copy_arrows(COPIES, title="t").svg.split("</style>", 1)[1]
    none_wanted = draw_copy_arrows(COPIES.assign(decided=""), title="t").svg.split("</style>", 1)[1]
    assert LIGHT["accent"] in one_wanted and LIGHT["accent"] not in none_wanted


def test_the_numbers_of_the_arrows_stand_in_the_text():
    told = repr(draw_copy_arrows(COPIES, title="t"))
    assert re.search(r"Source +Contact → deal +wanted, followed here until then +1674 +1674 +Revenue by source", told)
    assert re.search(r"Segment +Company → contact +can't be counted +– +– +Sizes of company", told)


def test_a_copy_between_objects_of_one_s_own_is_drawn_too():
    shown = draw_copy_arrows(COPIES.head(1).assign(from_object="partner", to_object="deal"), title="t")
    assert {"partner", "deal"} <= set(texts(shown))


def test_without_copies_there_is_a_sentence_instead_of_a_picture():
    review = review_case()
    assert not show_copies(replace(review, copies=review.copies.head(0))).svg


def test_a_decision_bears_a_dot_and_its_author_in_the_text():
    """Product is green by the CRM: Ana confirms it for opportunities, Ruben sets it against the CRM for deals won."""
    decided = DiscoveryAnswers(
        (
            Judgement("product", "deal", "opportunities", "available", by="Ana"),
            Judgement("product", "deal", "deals_won", "unavailable", "Typed by hand", by="Ruben"),
        )
    )
    plain, judged = show_matrix(review_case()), show_matrix(review_case(discovery=decided))
    assert "Blue dots" not in plain.subtitle and "Blue dots" in judged.subtitle
    count = [shown.svg.split("</style>", 1)[1].count(LIGHT["accent"]) for shown in (plain, judged)]
    assert count[1] - count[0] == 2
    assert re.search(r"Product +Deals won +unavailable +100 % +Ruben +available", repr(judged))


def test_a_field_with_two_names_keeps_one_row():
    """The exports call it "Kampagne" on the contact; on the session, where it is wanted, it is "Campaign or form"."""
    contacts = pd.DataFrame(
        {"id": ["1", "2"], "created_at": ["2026-03-01", "2026-04-01"], "campaign": ["Spring", "Fair"]}
    )
    matrix = review_case(contact=contacts).matrix
    assert matrix.loc[matrix["dimension"] == "campaign", "label"].nunique() > 1
    rows = [row for row in list_rows(matrix, ["sessions", "leads"]) if row.dimension == "campaign"]
    assert (
        len(rows) == 1 and rows[0].label == matrix.set_index(["kpi", "dimension"]).loc[("leads", "campaign"), "label"]
    )


def test_what_was_judged_is_never_folded_in_the_picture_and_rows_stay_in_the_form():
    more = {f"colour_{i}": ["Red", "Blue"] * 3 for i in range(12)}
    decided = DiscoveryAnswers((Judgement("colour_9", "deal", light="unavailable", by="Ana"),))
    matrix = review_case(deal=make_deals().assign(**more), discovery=decided).matrix
    kpis = list(dict.fromkeys(matrix["kpi"]))
    picture, form = (list_rows(matrix, kpis, with_judged=judged) for judged in (True, False))
    folded = [{row.dimension for row in rows if row.is_folded} for rows in (picture, form)]
    assert "colour_9" not in folded[0] and "colour_9" in folded[1]
    for rows in (picture, form):
        counts = pd.Series([row.question for row in rows if not row.is_folded]).value_counts()
        assert counts.max() <= ROWS_PER_QUESTION


@pytest.mark.parametrize(
    "draw",
    [
        lambda: draw_copy_arrows(COPIES, title="t"),
        lambda: show_matrix(review_case()),
        lambda: show_copies(review_case()),
    ],
)
def test_pictures_fit_the_page_and_use_only_colours_that_turn_dark(draw):
    shown = draw()
    assert width_of(shown) <= PAGE
    assert set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', shown.svg)) <= set(LIGHT.values())
    assert not re.search(r"\b(nan|NaN|None|null|undefined)\b", " ".join(texts(shown)) + repr(shown))


def test_hostile_names_are_text_in_both_pictures():
    review = review_case(deal=make_deals().assign(**{HOSTILE: ["a", "b"] * 3}))
    primaries = {"opportunities": (HOSTILE, HOSTILE)}
    for shown in (
        draw_copy_arrows(COPIES.assign(label=HOSTILE, reason=HOSTILE, to_object=HOSTILE), title=HOSTILE),
        draw_discovery_matrix(review.matrix, primaries=primaries, title=HOSTILE),
    ):
        assert "<script" not in shown.svg
        ET.fromstring(shown.svg)


def test_the_evidence_says_how_far_owners_differ_and_names_none():
    deals = pd.concat([make_deals().assign(owner="Mia", source="Web")] * 40, ignore_index=True)
    deals.loc[:39, "owner"], deals.loc[:19, "source"] = "Tom", None
    deals["id"] = [str(i) for i in range(len(deals))]
    shown = repr(show_evidence(review_case(deal=deals)))
    assert re.search(r"Source \(deal\).* 50–100 %, more than chance makes ", shown) and "Tom" not in shown


def test_decisions_stand_beside_the_suggestion_where_they_differ_first():
    decided = DiscoveryAnswers(
        (
            Judgement("product", "deal", light="available", by="Ana"),
            Judgement("source", "deal", light="available", note="The two are tests", by="Ruben"),
        )
    )
    shown = show_decisions(review_case(discovery=decided))
    lines = repr(shown).splitlines()
    assert shown.title == "1 of 2 decisions contradicts what the CRM suggests"
    first = next(line for line in lines if line.startswith("Source (deal)"))
    assert "The two are tests" in first and "Ruben" in first and re.search("available +adoption_needed", first)
    assert lines.index(first) < next(i for i, line in enumerate(lines) if line.startswith("Product (deal)"))
    assert "Nobody has decided" in show_decisions(review_case()).title


def test_a_plan_says_when_by_whom_and_that_it_is_overdue():
    plans = (Activation("opportunities", "source", owner="Ana", planned="Q1 2026"),)
    assert "Q1 2026, Ana (overdue)" in repr(
        show_activations(review_case(discovery=DiscoveryAnswers(activations=plans)))
    )


def test_a_wanted_copy_turns_blue_in_the_static_view():
    decided = DiscoveryAnswers(copies=(CopyDecision("industry", "company", "deal", "wanted", "For the board"),))
    shown = show_copies(review_case(discovery=decided))
    assert "For the board" in texts(shown) and LIGHT["accent"] in shown.svg.split("</style>", 1)[1]
