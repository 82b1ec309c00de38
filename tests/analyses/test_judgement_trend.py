"""Judgements over the quarters, counted by hand on four cells; plans whose quarter is over."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.discovery_review import apply_decisions, review_discovery
from helpers.analyses.judgement_trend import build_judgement_trend, read_quarter
from helpers.answers.discovery import Activation, DiscoveryAnswers, Judgement
from helpers.model.survey import load_discovery_rules
from tests.analyses.survey_cases import make_case

AS_OF = date(2026, 6, 30)

MATRIX = pd.DataFrame(
    {
        "kpi": ["leads", "opportunities", "deals_won", "opportunities", "opportunities"],
        "dimension": ["source", "source", "source", "product", "region"],
        "object": ["contact", "deal", "deal", "deal", "deal"],
        "label": ["Source", "Source", "Source", "Product", "Region"],
        "light": ["available", "available", "adoption_needed", "available", "unavailable"],
        "is_wanted": [True, True, True, True, False],
    }
)


def judge(dimension, object, light, quarter):
    return Judgement(dimension, object, light=light, quarter=quarter, by="Ana")


def trend_of(*judgements, plans=(), as_of=AS_OF, **more):
    return build_judgement_trend(MATRIX, DiscoveryAnswers(judgements, (), tuple(plans)), as_of=as_of, **more)


def test_quarters_are_compared_over_the_cells_judged_by_the_end_of_both():
    """Wanted cells: contact source, two of deal source, one of deal product.

    | | contact source | deal source ×2 | deal product | score | compared |
    | Q1 | 0 | ½ ½ | – | 1/3 | |
    | Q2 | stands at 0 | 1 1 | 0 | 2/4 | 1/3 → 2/3 over three cells |
    """
    found = trend_of(
        judge("source", "contact", "unavailable", "Q1 2026"),
        judge("source", "deal", "adoption_needed", "Q1 2026"),
        judge("source", "deal", "available", "Q2 2026"),
        judge("product", "deal", "unavailable", "Q2 2026"),
    )
    first, second = found.quarters.to_dict("records")
    assert (first["quarter"], first["n_judged"], first["n_in_force"]) == ("Q1 2026", 3, 3)
    assert first["score"] == pytest.approx(1 / 3) and first["n_same"] == 0 and pd.isna(first["score_before"])
    assert (second["n_judged"], second["n_in_force"], second["n_same"]) == (3, 4, 3)
    assert second["score"] == pytest.approx(2 / 4)
    assert (second["score_before"], second["score_same"]) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert (
        found.sentence
        == "What can be tracked rose from 33 % to 67 % since Q1 2026; field that turned: 1 for the better"
    )


def test_a_field_that_turned_is_listed_once_with_the_kpis_that_it_touches():
    found = trend_of(
        judge("source", "deal", "available", "Q1 2026"),
        judge("product", "deal", "unavailable", "Q1 2026"),
        judge("source", "deal", "adoption_needed", "Q2 2026"),
        judge("product", "deal", "available", "Q2 2026"),
    )
    rows = found.changes[["label", "object", "before", "after", "direction", "n_kpis"]].values.tolist()
    assert rows == [
        ["Source", "deal", "available", "adoption_needed", "worse", 2],
        ["Product", "deal", "unavailable", "available", "better", 1],
    ]


def test_one_quarter_has_nothing_to_be_compared_with():
    found = trend_of(judge("source", "deal", "available", "Q2 2026"))
    assert len(found.quarters) == 1 and found.changes.empty
    assert "first quarter" in found.sentence


def test_nobody_has_judged():
    for decided in (None, DiscoveryAnswers()):
        found = build_judgement_trend(MATRIX, decided, as_of=AS_OF)
        assert found.quarters.empty and found.overdue.empty and found.sentence == "Nobody has judged a field yet"


def test_the_order_in_the_file_does_not_matter_and_judgements_without_a_quarter_are_counted_apart():
    straight = (judge("source", "deal", "unavailable", "Q4 2025"), judge("source", "deal", "available", "Q1 2026"))
    first, second = trend_of(*straight), trend_of(*reversed(straight))
    pd.testing.assert_frame_equal(first.quarters, second.quarters)
    undated = trend_of(
        *straight, judge("product", "deal", "available", ""), judge("product", "deal", "available", "soon")
    )
    assert undated.n_undated == 2 and undated.quarters["n_in_force"].tolist() == [2, 2]


def test_a_plan_is_overdue_once_its_quarter_is_over_and_the_field_is_still_not_available():
    plans = [
        Activation("deals_won", "source", "small", "Ana", "Q2 2026"),
        Activation("opportunities", "source", planned="Q1 2026"),
        Activation("opportunities", "region", planned="2026-04-15"),
        Activation("opportunities", "persona", planned="Q1 2026"),
        Activation("deals_won", "source", planned="Q3 2026"),
        Activation("deals_won", "source", planned="after the summer"),
    ]
    found = trend_of(plans=plans).overdue
    assert found[["kpi", "dimension", "planned", "light"]].values.tolist() == [
        ["deals_won", "source", "Q2 2026", "adoption_needed"],
        ["opportunities", "region", "Q2 2026", "unavailable"],
        ["opportunities", "persona", "Q1 2026", "unavailable"],
    ]
    assert found.loc[0, "owner"] == "Ana" and found.loc[0, "objects"] == "deal"
    assert trend_of(plans=plans, as_of=date(2026, 6, 29)).overdue["dimension"].tolist() == ["persona"]


@pytest.mark.parametrize(
    ("text", "start", "first"),
    [
        ("Q3 2026", 1, date(2026, 7, 1)),
        ("q3 2026", 1, date(2026, 7, 1)),
        ("2026Q1", 1, date(2026, 1, 1)),
        ("Q1 FY2027", 2, date(2026, 2, 1)),
        ("Q4 FY2027", 2, date(2026, 11, 1)),
        ("Q2 2027", 10, date(2027, 1, 1)),
        ("2026-08-09", 1, date(2026, 7, 1)),
    ],
)
def test_quarters_are_read_as_people_write_them(text, start, first):
    assert read_quarter(text, start).start == first


@pytest.mark.parametrize("text", ["", "soon", "Q5 2026", "Q1 0000", "2026", "Q1", "Q1 99999", "Q3 9999"])
def test_what_is_no_quarter_is_none(text):
    assert read_quarter(text) is None


def test_the_review_carries_the_trend_and_its_findings():
    decided = DiscoveryAnswers(
        (judge("source", "deal", "available", "Q1 2026"), judge("source", "deal", "unavailable", "Q2 2026")),
        (),
        (Activation("opportunities", "source", "small", "Ana", "Q1 2026"),),
    )
    before = review_discovery(make_case(), load_discovery_rules(), as_of=AS_OF)
    after = apply_decisions(before, decided)
    headlines = [finding.headline for finding in after.findings]
    assert any("was to be available by Q1 2026" in headline for headline in headlines)
    assert any("fell from 100 % to 0 %" in headline for headline in headlines)
    row = after.activations.set_index("dimension").loc["source"]
    assert row["is_overdue"] and row["owner"] == "Ana"
    assert not before.activations["is_overdue"].any()


def test_a_cell_taken_back_to_its_suggestion_is_in_force_no_more():
    """Three cells judged in Q1; in Q2 the two of deal source are taken back, so only contact source is compared."""
    judgements = (judge("source", "contact", "unavailable", "Q1 2026"), judge("source", "deal", "available", "Q1 2026"))
    decided = DiscoveryAnswers(judgements, withdrawn=(Judgement("source", "deal", quarter="Q2 2026"),))
    first, second = build_judgement_trend(MATRIX, decided, as_of=AS_OF).quarters.to_dict("records")
    assert (first["n_in_force"], second["n_in_force"], second["n_judged"], second["n_same"]) == (3, 1, 0, 1)
    assert (second["score_before"], second["score_same"]) == (0, 0)
