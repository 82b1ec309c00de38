"""Every secondary KPI that people typed has one cell to judge, also where the CRM knows no such field."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.discovery_review import apply_decisions, review_discovery
from helpers.analyses.secondary_kpis import find_base, find_dimension, name_secondaries
from helpers.answers.discovery import Activation, DiscoveryAnswers, Judgement
from helpers.model.survey import load_discovery_rules
from tests.analyses.survey_cases import make_case, people

RULES = load_discovery_rules()
AS_OF = date(2026, 6, 30)


def typed(*rows, secondary=()):
    """One person's KPI tab: a KPI and its four cuts (who, what, where, when) per row."""
    primaries = [
        {"kpi": kpi, **{f"partition_{i}": cut for i, cut in enumerate(cuts, start=1) if cut}} for kpi, *cuts in rows
    ]
    said = [{"secondary": name, "is_trackable": word} for name, word in secondary]
    return {"primary_kpis": primaries, "secondary_kpis": said}


def review(**said):
    return review_discovery(make_case(people(**said)), RULES, as_of=AS_OF)


def test_six_primaries_by_four_cuts_are_twenty_four_secondaries_with_a_light_each():
    kpis = ["Leads", "MQLs", "Opportunities", "Deals won", "Closed revenue", "Live revenue"]
    found = review(a=typed(*[(kpi, "Owner", "Product", "Source", "Quarter") for kpi in kpis]))
    assert len(found.secondaries) == 24
    assert set(found.secondaries["light"]) <= {"available", "adoption_needed", "unavailable"}
    cells = found.matrix.set_index(["kpi", "dimension", "object"]).index
    keys = zip(found.secondaries["kpi"], found.secondaries["dimension"], found.secondaries["object"], strict=True)
    assert all(key in cells for key in keys)
    assert found.matrix.groupby(["kpi", "dimension"]).size().max() == 1


def test_a_cut_that_no_field_bears_can_be_judged_and_activated_like_any_other():
    """Partner tier stands third, so it answers where; nobody's CRM has it."""
    found = review(a=typed(("Opportunities", None, None, "Partner tier")))
    row = found.secondaries.iloc[0]
    assert (row["dimension"], row["object"], row["question"]) == ("partner_tier", "deal", "where")
    assert row["light"] == "unavailable" and "bears that name" in row["reason"]
    candidate = found.activations.set_index("dimension").loc["partner_tier"]
    assert (candidate["label"], candidate["effort"], candidate["n_named"]) == ("Partner tier", "medium", 1)
    decided = DiscoveryAnswers(
        (Judgement("partner_tier", "deal", "opportunities", "available", "in the notes", "Ana"),)
    )
    after = apply_decisions(found, decided)
    assert after.secondaries.iloc[0]["light"] == "available"
    assert "partner_tier" not in set(after.activations["dimension"])
    assert after.score > found.score


def test_a_rate_is_judged_by_the_field_of_the_records_it_is_counted_from():
    """Win rate is counted from deals: source is on 4 of 6. Lost reason comes with the outcome, so it cuts no rate."""
    found = review(a=typed(("Win rate", None, "Lost reason", "Source"), ("Average deal size", None, "Product")))
    by = found.secondaries.set_index("secondary")
    assert by.loc["Win rate by Source", "light"] == "adoption_needed"
    assert by.loc["Win rate by Lost reason", "light"] == "unavailable"
    assert "cuts no rate" in by.loc["Win rate by Lost reason", "reason"]
    assert by.loc["Average deal size by Product", "light"] == "available"


@pytest.mark.parametrize(
    ("kpi", "base"),
    [
        ("opportunities", "opportunities"),
        ("lead_to_mql", "leads"),
        ("opportunity_to_won", "opportunities"),
        ("win_rate", "opportunities"),
        ("average_deal_size", "deals_won"),
        ("sales_cycle_days", "deals_won"),
        ("open_pipeline", "opportunities"),
        ("grr", "revenue_live"),
        ("arr", "revenue_live"),
    ],
)
def test_every_kpi_is_counted_from_the_records_of_a_primary(kpi, base):
    company = make_case()
    assert find_base(company, company.catalog.kpis[kpi], RULES) == base


def test_what_people_name_counts_as_wanted_and_time_does_not():
    """Product of the deal is wanted anyway; stage is not, until somebody names it."""
    without, named = review(), review(a=typed(("Opportunities", None, "Deal stage", None, "Quarter created")))
    stage = ("opportunities", "stage")
    assert not without.matrix.set_index(["kpi", "dimension"]).loc[stage, "is_wanted"]
    assert named.matrix.set_index(["kpi", "dimension"]).loc[stage, "is_wanted"]
    assert named.matrix["is_wanted"].sum() == without.matrix["is_wanted"].sum() + 1
    assert named.secondaries["light"].tolist() == ["available", "available"]


def test_a_kpi_that_the_workbook_does_not_know_is_listed_without_a_light():
    found = review(a=typed(("Happiness", "Owner")))
    row = found.secondaries.iloc[0]
    assert (row["kpi"], row["light"], row["reason"]) == ("", "none", "No KPI of the workbook bears that name.")
    assert found.score == review().score


def test_a_field_s_own_name_stands_before_a_word_of_time():
    deals = make_case().tables["deal"].assign(founding_year=["a", "b", "a", "b", "a", "b"])
    company = make_case(deal=deals)
    assert find_dimension(company, "Founding year", RULES) == "founding_year"
    assert find_dimension(company, "Year founded", RULES) == "entry_date"


def test_names_in_other_scripts_stay_apart():
    said = people(a=typed(("Opportunities", None, "商品分類", "地域")))
    named = name_secondaries(make_case(said), said, RULES)
    assert named["dimension"].tolist() == ["商品分類", "地域"]


def test_the_score_after_all_candidates_is_whole_and_each_step_adds_up():
    found = review(a=typed(("Opportunities", "Owner", "Product", "Partner tier")))
    ranked = found.activations
    assert ranked["score_together"].iloc[-1] == pytest.approx(1.0)
    steps = ranked["score_together"].diff().dropna().tolist()
    assert steps == pytest.approx(ranked["score_gain"].iloc[1:].tolist())
    assert ranked["score_after"].tolist() == pytest.approx([found.score + gain for gain in ranked["score_gain"]])
    persona = ranked.set_index("dimension").loc["persona"]
    assert persona["unlocks"] == "Leads by persona; MQLs by persona; SQLs by persona"


def test_a_light_that_a_person_lowered_is_told_in_that_person_s_words():
    decided = DiscoveryAnswers(
        (Judgement("lost_reason", "deal", light="adoption_needed", note="Price comes first in the list", by="Ana"),),
        activations=(Activation("opportunities", "lost_reason", "large", "Ben", "Q4 2026"),),
    )
    found = review_discovery(make_case(discovery=decided), RULES, as_of=AS_OF)
    row = found.activations.set_index("dimension").loc["lost_reason"]
    assert row["reason"] == "Price comes first in the list (Ana)" and row["cure"]
    assert (row["effort"], row["owner"], row["planned"]) == ("large", "Ben", "Q4 2026")


def test_the_frame_keeps_its_types_with_added_cells():
    plain, added = review().matrix, review(a=typed(("Win rate", "Owner", None, "Partner tier"))).matrix
    assert len(added) == len(plain) + 2
    pd.testing.assert_series_equal(plain.dtypes, added.dtypes)
