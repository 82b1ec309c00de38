"""Lights rest on the CRM's evidence, counted by hand; a person's judgement stands above them."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.activation import list_copies, rank_activations, score_coverage
from helpers.analyses.discovery import DISCOVERY_COLUMNS, build_discovery
from helpers.analyses.discovery_review import apply_decisions, review_discovery
from helpers.analyses.secondary_kpis import find_dimension, find_kpi, list_secondaries
from helpers.answers.discovery import Activation, CopyDecision, DiscoveryAnswers, Judgement
from helpers.model.survey import load_discovery_rules
from tests.analyses.survey_cases import make_case, make_deals, people
from tests.companies import make_company

RULES = load_discovery_rules()
AS_OF = date(2026, 6, 30)


def discover(company, as_of=AS_OF):
    frame = build_discovery(company, RULES, as_of=as_of)
    assert list(frame.columns) == DISCOVERY_COLUMNS
    return frame.set_index(["kpi", "dimension"])


def test_fill_rate_counts_the_records_that_the_kpi_counts():
    """Source is there on 4 of 6 deals, and on 3 of the 4 won ones."""
    found = discover(make_case())
    assert found.loc[("opportunities", "source"), "fill_rate"] == pytest.approx(4 / 6)
    assert found.loc[("deals_won", "source"), "fill_rate"] == pytest.approx(3 / 4)
    assert found.loc[("opportunities", "source"), "n"] == 6


def test_lately_means_the_last_days_before_the_last_day():
    """Created on 1 April: deals 4 and 6, both with a source; 1 March lies before the 90 days up to 29 June."""
    row = discover(make_case(), date(2026, 6, 29)).loc[("opportunities", "source")]
    assert row["fill_rate_90d"] == 1.0
    assert row["filled_since"] == "2026-03"


def test_a_field_that_is_half_filled_needs_adoption_and_says_why():
    row = discover(make_case()).loc[("deals_won", "source")]
    assert (row["suggested_light"], row["light"], row["available"]) == ("adoption_needed", "adoption_needed", False)
    assert row["reason"] == "Filled for 75 % only." and row["cure"]


def test_a_field_that_is_full_is_available():
    row = discover(make_case()).loc[("opportunities", "product")]
    assert row["light"] == "available" and row["available"]
    assert (row["n_values"], row["unknown_share"]) == (2, 0)


def test_a_field_that_is_wanted_and_absent_is_unavailable():
    row = discover(make_case()).loc[("opportunities", "method_score")]
    assert row["light"] == "unavailable" and row["is_wanted"] and pd.isna(row["fill_rate"])


def test_unknown_values_make_a_full_field_untrusted():
    deals = make_deals().assign(source=["Other", "other", "Web", "Web", "unknown", "Mail"])
    company = make_company({"deal": deals})
    row = discover(company).loc[("opportunities", "source")]
    assert row["unknown_share"] == 0.5
    assert row["suggested_light"] == "adoption_needed" and "say nothing" in row["reason"]


def test_a_lost_reason_is_asked_of_lost_deals_only():
    """Two lost deals, both with a reason: filled wholly, though four won deals have none."""
    found = discover(make_case())
    assert found.loc[("opportunities", "lost_reason"), "fill_rate"] == 1.0
    assert ("deals_won", "lost_reason") not in found.index


def test_contact_and_deal_that_contradict_each_other_are_counted():
    """Deals 1, 2, 4 and 6 have Web; their contacts say Web, Mail, nothing and Web: 1 of 3 pairs differs."""
    contacts = pd.DataFrame(
        {
            "id": ["k1", "k2", "k3", "k4", "k5", "k6"],
            "created_at": ["2026-02-01"] * 6,
            "source": ["Web", "Mail", "Web", None, "Web", "Web"],
        }
    )
    row = discover(make_case(contact=contacts)).loc[("opportunities", "source")]
    assert row["conflicts"] == pytest.approx(1 / 3)


def test_a_field_that_is_filled_unevenly_by_owner_shows_and_nobody_is_named():
    deals = pd.concat([make_deals().assign(owner="Mia")] * 40, ignore_index=True)
    deals["id"] = [str(i) for i in range(len(deals))]
    deals["source"] = "Web"
    deals.loc[:39, "owner"] = "Tom"
    deals.loc[:19, "source"] = None
    row = discover(make_company({"deal": deals})).loc[("opportunities", "source")]
    assert row["fill_rate_worst_owner"] == 0.5
    assert row["reason"] == "Filled unevenly by owner: 50–100 %, more than chance makes."
    assert "owner" not in row["cure"] and row["suggested_light"] == "adoption_needed"


def test_a_person_s_judgement_stands_above_the_suggestion():
    decided = DiscoveryAnswers((Judgement("product", "deal", light="unavailable", note="typed by hand", by="Ana"),))
    row = discover(make_case(discovery=decided)).loc[("opportunities", "product")]
    assert (row["light"], row["suggested_light"]) == ("unavailable", "available")
    assert (row["note"], row["decided_by"]) == ("typed by hand", "Ana")


def test_a_kpi_that_cannot_be_told_has_a_row_of_its_own_with_its_cure():
    row = discover(make_case()).loc[("sessions", "")]
    assert row["light"] == "unavailable" and not row["available"] and row["reason"] and row["cure"]
    assert discover(make_case()).loc[("opportunities", ""), "available"]


def test_a_date_that_records_skip_needs_adoption():
    """Three contacts are SQLs; two of them never got an MQL date: of four that got there, two are dated."""
    contacts = pd.DataFrame(
        {
            "id": list("abcd"),
            "created_at": ["2026-02-01"] * 4,
            "mql_at": ["2026-02-02", "2026-02-02", None, None],
            "sql_at": ["2026-02-03", None, "2026-02-03", "2026-02-03"],
        }
    )
    row = discover(make_company({"contact": contacts})).loc[("mqls", "entry_date")]
    assert (row["fill_rate"], row["n"], row["light"]) == (0.5, 4, "adoption_needed")


def test_a_company_without_exports_still_has_its_matrix():
    found = discover(make_company({}))
    assert not found["available"].any() and len(found) > 50


def test_the_score_counts_a_half_for_adoption():
    frame = pd.DataFrame(
        {"is_wanted": [True, True, True, False], "light": ["available", "adoption_needed", "unavailable", "available"]}
    )
    assert score_coverage(frame) == pytest.approx(0.5)
    assert score_coverage(frame.iloc[3:]) is None


def test_what_to_activate_is_ranked_by_gain_for_its_effort():
    planned = (Activation("opportunities", "source", "small", planned="Q4 2026"),)
    matrix = build_discovery(make_case(), RULES, as_of=AS_OF)
    ranked = rank_activations(matrix, RULES, planned=planned)
    worth = ranked["score_gain"] / ranked["effort"].map(RULES.effort_weight)
    assert worth.is_monotonic_decreasing
    assert ranked["rank"].tolist() == list(range(1, len(ranked) + 1))
    assert ranked.set_index("dimension").loc["source", "planned"] == "Q4 2026"
    assert ranked["score_after"].max() <= 1


def test_what_people_do_not_want_is_not_proposed_again():
    matrix = build_discovery(make_case(), RULES, as_of=AS_OF)
    before = rank_activations(matrix, RULES).set_index("dimension")
    after = rank_activations(matrix, RULES, declined=[("product", "contact")]).set_index("dimension")
    assert "contact" in before.loc["product", "objects"] and "contact" not in after.loc["product", "objects"]


def test_people_s_names_for_kpis_and_cuts_are_understood():
    company = make_case()
    assert find_kpi(company, "closed REVENUE") == "revenue_won"
    assert find_kpi(company, "Happiness") is None
    assert find_dimension(company, "Sales rep", RULES) == "owner"
    assert find_dimension(company, "Quarter closed", RULES) == "entry_date"
    assert find_dimension(company, "Shoe size", RULES) is None


def test_what_people_say_is_trackable_is_set_beside_the_crm():
    said = people(
        a={
            "primary_kpis": [{"kpi": "Opportunities", "partition_1": "Region", "partition_2": "Product"}],
            "secondary_kpis": [
                {"secondary": "Opportunities by Region", "is_trackable": "yes"},
                {"secondary": "Opportunities by Product", "is_trackable": "no"},
            ],
        }
    )
    company = make_case(said)
    frame = list_secondaries(company, build_discovery(company, RULES, as_of=AS_OF), said, RULES)
    by = frame.set_index("secondary")
    assert by.loc["Opportunities by Region", "surprise"] == "people say yes, the CRM no"
    assert by.loc["Opportunities by Product", "surprise"] == "people say no, the CRM yes"


def test_without_a_survey_the_usual_primaries_are_listed():
    company = make_case()
    frame = list_secondaries(company, build_discovery(company, RULES, as_of=AS_OF), {}, RULES)
    assert set(frame["kpi"]) <= set(RULES.listed) and len(frame) > 20


def test_a_copy_says_how_many_records_it_would_fill():
    """Six contacts without product, linked to six deals with one; deals 3 and 5 lack their contacts' source."""
    contacts = pd.DataFrame(
        {"id": [f"k{i}" for i in range(1, 7)], "created_at": ["2026-02-01"] * 6, "source": ["Web"] * 5 + [None]}
    )
    company = make_case(contact=contacts)
    copies = list_copies(company, RULES).set_index(["dimension", "from_object", "to_object"])
    product = copies.loc[("product", "deal", "contact")]
    assert (product["n_missing"], product["n_fillable"], product["state"]) == (6, 6, "wanted")
    source = copies.loc[("source", "contact", "deal")]
    assert (source["n_missing"], source["n_fillable"]) == (2, 2)


def test_a_decision_on_a_copy_is_kept_also_where_nobody_had_wanted_it():
    decisions = (CopyDecision("product", "deal", "contact", "not_wanted"), CopyDecision("owner", "deal", "contact"))
    copies = list_copies(make_case(), RULES, decisions).set_index(["dimension", "from_object", "to_object"])
    assert copies.loc[("product", "deal", "contact"), "state"] == "not_wanted"
    assert copies.loc[("owner", "deal", "contact"), "state"] == "impossible"


def test_the_review_finds_the_same_whatever_the_order_of_rows():
    deals = make_deals()
    turned = make_company({"deal": deals.iloc[::-1].reset_index(drop=True)})
    straight = make_company({"deal": deals})
    first, second = (review_discovery(company, RULES, as_of=AS_OF).matrix for company in (straight, turned))
    pd.testing.assert_frame_equal(first, second)


def test_a_decision_changes_what_follows_without_another_look_at_the_crm():
    """Reading everything again with the same decisions gives the same review, cell by cell."""
    decided = DiscoveryAnswers(
        (Judgement("product", "deal", light="unavailable", by="Ana"), Judgement(kpi="leads", light="available")),
        (CopyDecision("product", "deal", "contact", "not_wanted"), CopyDecision("owner", "deal", "contact")),
        (Activation("opportunities", "source", "large", planned="Q4 2026"),),
    )
    before = review_discovery(make_case(), RULES, as_of=AS_OF)
    untouched = before.matrix.copy()
    after, again = apply_decisions(before, decided), review_discovery(make_case(discovery=decided), RULES, as_of=AS_OF)
    for part in ("matrix", "secondaries", "copies", "activations"):
        pd.testing.assert_frame_equal(getattr(after, part), getattr(again, part))
    assert after.score == again.score < before.score
    assert after.findings == again.findings
    pd.testing.assert_frame_equal(before.matrix, untouched)
    pd.testing.assert_frame_equal(apply_decisions(after, DiscoveryAnswers()).matrix, before.matrix)


def test_the_owner_behind_the_lowest_fill_rate_stands_beside_it():
    deals = pd.concat([make_deals().assign(owner="Mia", source="Web")] * 10, ignore_index=True)
    deals.loc[:29, ["owner", "source"]] = ["Tom", None]
    deals["id"] = [str(i) for i in range(len(deals))]
    row = discover(make_company({"deal": deals}), date(2026, 6, 29)).loc[("opportunities", "source")]
    assert (row["fill_rate_worst_owner"], row["worst_owner"]) == (0.0, "Tom")
    assert row["n_90d"] == 20, "two of every six were created on 1 April, the first of the 90 days"
