"""Slices: what is missing, what must add up, and questions that can't be asked."""

import pytest

from helpers.engine import build_cells
from helpers.errors import ParameterError, QuestionError
from helpers.model.dimension import Partition
from tests.companies import make_company
from tests.engine.reading import pick, values


def regions():
    """Four leads: one in EMEA, one "Unknown", two with nothing typed in.

    | id | created    | region  | source |
    | c0 | 2026-01-01 | EMEA    | Web    |
    | c1 | 2026-01-01 | Unknown | Web    |
    | c2 | 2026-01-01 |         | Event  |
    | c3 | 2026-04-01 |         |        |
    """
    table = {"id": ["c0", "c1", "c2", "c3"], "created_at": ["2026-01-01"] * 3 + ["2026-04-01"]}
    table |= {"region": ["EMEA", "Unknown", None, None], "source": ["Web", "Web", "Event", None]}
    return make_company({"contact": table})


def test_a_missing_value_is_a_slice_of_its_own_and_no_unknown():
    cells = build_cells(regions(), kpis=["leads"], by=[("region",)], grain="all")
    assert values(cells, "leads") == {"EMEA": 1, "Unknown": 1, "(blank)": 2}
    assert cells["slice"].tolist()[-1] == "(blank)"


def test_slices_add_up_to_the_company_with_their_blanks():
    cells = build_cells(regions(), kpis=["leads"], by=[(), ("region",), ("source", "region")])
    totals = cells.groupby(["dimension", "period_start"])["value"].sum().unstack()
    assert (totals == totals.loc["all"]).all(axis=None)


def test_two_partitions_join_with_an_ampersand_in_both_columns():
    cells = build_cells(regions(), kpis=["leads"], by=[("source", "region")], grain="all")
    assert set(cells["dimension"]) == {"source & region"}
    expected = {"Web & EMEA": 1, "Web & Unknown": 1, "Event & (blank)": 1, "(blank) & (blank)": 1}
    assert values(cells, "leads") == expected


def test_a_slice_has_zeros_from_its_first_event_on_and_no_rows_before():
    """EMEA has its lead in Q1 and truly none in Q2; (blank) of source begins in Q2."""
    cells = build_cells(regions(), kpis=["leads"], by=[("source",)])
    found = cells.groupby("slice")["value"].apply(list).to_dict()
    assert found == {"Web": [2, 0], "Event": [1, 0], "(blank)": [1]}


def test_zeros_are_the_same_whether_or_not_the_question_starts_later():
    late = build_cells(regions(), kpis=["leads"], by=[("source",)], start="2026-04-01")
    assert values(late, "leads") == {"Web": 0, "Event": 0, "(blank)": 1}


@pytest.mark.parametrize("wanted", [None, "(blank)", [None], ["(blank)"]])
def test_a_filter_can_ask_for_what_is_missing(wanted):
    cells = build_cells(regions(), kpis=["leads"], filters={"region": wanted}, grain="all")
    assert pick(cells, "leads")["value"] == 2


def test_a_filter_with_a_list_takes_any_of_its_values():
    cells = build_cells(regions(), kpis=["leads"], filters={"region": ["EMEA", None], "source": "Web"}, grain="all")
    assert pick(cells, "leads")["value"] == 1


def test_a_kpi_that_cannot_be_filtered_so_is_left_out_rather_than_shown_unfiltered():
    """Deals carry no region: filtered by region there are leads and no deals."""
    company = regions()
    deal = {"id": ["d0"], "created_at": ["2026-01-02"], "closed_at": ["2026-01-03"], "stage": ["Closed Won"]}
    company = make_company({"contact": company.tables["contact"], "deal": {**deal, "amount": [1]}})
    cells = build_cells(company, filters={"region": "EMEA"})
    assert set(cells["kpi"]) == {"leads"}


def test_an_alias_is_accepted_and_shown_as_it_was_asked_for():
    table = {"id": ["c0"], "created_at": ["2026-01-01"], "owner": ["Kim"]}
    owner = Partition("owner", "Owner", "who", {"contact": "owner"}, aliases=("sales_agent",))
    company = make_company({"contact": table}, partitions={"owner": owner})
    cells = build_cells(company, kpis=["leads"], by=[("sales_agent",), "owner"], grain="all")
    assert cells["dimension"].tolist() == ["sales_agent", "owner"]


def test_unknown_names_are_errors_that_say_what_was_meant():
    company = regions()
    with pytest.raises(QuestionError, match="Did you mean 'leads'"):
        build_cells(company, kpis=["leeds"])
    with pytest.raises(QuestionError, match="Did you mean 'region'"):
        build_cells(company, by=[("regoin",)])
    with pytest.raises(QuestionError, match="Did you mean 'EMEA'"):
        build_cells(company, filters={"region": "EMAE"})
    with pytest.raises(ParameterError, match="Did you mean 'quarter'"):
        build_cells(company, grain="quater")
    with pytest.raises(ParameterError, match="2026-13-01"):
        build_cells(company, as_of="2026-13-01")


def test_numbers_and_booleans_as_values_keep_their_plain_text():
    """A score of 3.0 read as a float is the slice 3; a missing one is (blank)."""
    table = {"id": ["c0", "c1", "c2"], "created_at": ["2026-01-01"] * 3, "score": [3.0, 4.0, None]}
    score = Partition("score", "Score", objects={"contact": "score"})
    company = make_company({"contact": table}, partitions={"score": score})
    assert values(build_cells(company, kpis=["leads"], by=["score"]), "leads") == {"3": 1, "4": 1, "(blank)": 1}
