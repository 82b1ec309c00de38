"""How far each owner fills a field, counted by hand."""

from datetime import date

import pandas as pd

from helpers.analyses.discovery import build_discovery
from helpers.analyses.owner_evidence import OWNER_COLUMNS, measure_owners
from helpers.model.survey import load_discovery_rules
from tests.analyses.survey_cases import make_case, make_deals
from tests.companies import make_company

RULES = load_discovery_rules()
AS_OF = date(2026, 6, 30)


def measure(company, kpi, dimension, object="deal"):
    return measure_owners(company, {"kpi": kpi, "dimension": dimension, "object": object}, RULES, as_of=AS_OF)


def test_each_owner_is_counted_on_the_records_that_the_kpi_counts():
    """Mia's deals 1–4: source on 1, 2 and 4, all won. Tom's 5 and 6: source on 6, both lost."""
    opportunities = measure(make_case(), "opportunities", "source").set_index("owner")
    assert opportunities.loc["Mia", ["n", "n_filled"]].tolist() == [4, 3]
    assert opportunities.loc["Tom", ["n", "n_filled"]].tolist() == [2, 1]
    assert list(measure(make_case(), "deals_won", "source")["owner"]) == ["Mia"]


def test_a_rate_is_measured_on_the_records_of_its_first_stage():
    assert measure(make_case(), "opportunity_to_won", "source")["n"].sum() == 6


def test_the_lowest_of_those_with_enough_records_comes_first_as_in_the_matrix():
    deals = pd.concat([make_deals().assign(owner="Mia", source="Web")] * 40, ignore_index=True)
    deals.loc[:39, "owner"], deals.loc[:19, "source"] = "Tom", None
    deals.loc[40:41, ["owner", "source"]] = ["Zoe", None]
    deals["id"] = [str(i) for i in range(len(deals))]
    company = make_company({"deal": deals})
    owners = measure(company, "opportunities", "source")
    assert list(owners["owner"]) == ["Tom", "Mia", "Zoe"]
    assert list(owners["is_small"]) == [False, False, True]
    matrix = build_discovery(company, RULES, as_of=AS_OF).set_index(["kpi", "dimension"])
    row = matrix.loc[("opportunities", "source")]
    assert (row["worst_owner"], row["fill_rate_worst_owner"]) == ("Tom", owners["fill_rate"].iloc[0])
    assert row["n"] == owners["n"].sum()


def test_nothing_is_said_where_there_is_no_such_field_no_owner_or_no_record():
    ownerless = make_company({"deal": make_deals().drop(columns="owner")})
    for frame in (
        measure(make_case(), "opportunities", "method_score"),
        measure(make_case(), "leads", "source", "contact"),
        measure(ownerless, "opportunities", "source"),
        measure(make_case(), "opportunities", ""),
    ):
        assert frame.empty and list(frame.columns) == OWNER_COLUMNS
