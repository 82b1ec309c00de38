"""What becomes of deals, and what should be empty, is told of a company in a warehouse as of the same from files."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from helpers.analyses.adoption import list_adoption
from helpers.analyses.change_money import measure_squares
from helpers.analyses.creation_leaves import build_creation_leaves
from helpers.analyses.data_dictionary import build_data_dictionary
from helpers.analyses.discovery import measure_matrix
from helpers.analyses.discovery_review import review_discovery
from helpers.analyses.five_m import UNTESTED
from helpers.analyses.icp_fit import check_icp_fit
from helpers.analyses.pipeline_walk import walk_pipeline
from helpers.analyses.push_rate import measure_push_rates
from helpers.analyses.root_cause import explain_gap
from helpers.analyses.slicing import slice_kpi
from helpers.answers.survey import Response
from helpers.company import open_company
from helpers.ingest.warehouse_tables import LazyTables
from helpers.model.survey import load_discovery_rules, load_survey
from helpers.periods import build_periods, period_of
from tests.real_data import PROJECT
from tests.warehouses import load_into_postgres, shrink_company

AS_OF = date(2026, 9, 30)
QUARTER = period_of(AS_OF, "quarter")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ninety deals with their history and 120 contacts."""
    return shrink_company(PROJECT / "data" / "samples" / "brightwater", tmp_path_factory.mktemp("small") / "small")


@pytest.fixture(scope="module")
def from_files(folder):
    return open_company(folder)


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def opened(request, folder, tmp_path_factory):
    """The company as DuckDB reads it in place, and as it lies in PostgreSQL."""
    if request.param == "duckdb":
        return open_company(folder, connection="duckdb:")
    target = tmp_path_factory.mktemp("postgres") / "small"
    _, writer = request.getfixturevalue("postgres_engine")
    load_into_postgres(folder, target, writer, schema="small_analyses")
    return open_company(target, connection=request.getfixturevalue("postgres_server").url)


def same_rows(expected, found, *, by=None):
    """Compare two tables, whatever the order of rows that say the same about different records."""
    by = by or list(expected.columns)
    assert list(expected.columns) == list(found.columns)
    one, other = (frame.sort_values(by, kind="stable", ignore_index=True) for frame in (expected, found))
    pd.testing.assert_frame_equal(one, other, check_dtype=False, rtol=1e-9)


@pytest.mark.parametrize("scope", ["due", "open"])
def test_the_pipeline_walk_takes_the_same_steps_to_the_cent(from_files, opened, scope):
    asked = {"by": ("owner", "source"), "scope": scope, "as_of": AS_OF}
    expected, found = (walk_pipeline(one, QUARTER, **asked) for one in (from_files, opened))
    assert expected.is_told and len(expected.records) > 10 and expected.headline == found.headline
    assert (found.notes, found.has_money) == (expected.notes, expected.has_money)
    same_rows(expected.total, found.total)
    same_rows(expected.frame, found.frame)
    same_rows(expected.records, found.records)


def test_push_rates_by_owner_and_source_are_the_same(from_files, opened):
    periods = build_periods(date(2025, 1, 1), AS_OF, "quarter")
    expected, found = (
        measure_push_rates(one, periods, by=("owner", "source"), as_of=AS_OF) for one in (from_files, opened)
    )
    assert expected.frame["pushed"].sum() > 5 and expected.headline == found.headline
    same_rows(expected.frame, found.frame)


def test_every_list_that_should_be_empty_holds_the_same_records(from_files, opened):
    expected, found = (list_adoption(one, as_of=AS_OF) for one in (from_files, opened))
    assert [one.report.id for one in found.lists] == [one.report.id for one in expected.lists]
    assert [one.report.id for one in found.told] == [one.report.id for one in expected.told]
    assert found.headline == expected.headline
    for one, other in zip(expected.lists, found.lists, strict=True):
        same_rows(one.owners, other.owners)
        same_rows(one.trend, other.trend)
        same_rows(one.records, other.records)
    assert sum(len(one.records) for one in expected.lists) >= 10
    same_rows(expected.table, found.table)


@pytest.mark.parametrize("kpi", ["revenue_won", "win_rate", "sales_cycle_days", "open_pipeline"])
def test_slices_and_their_rest_are_the_same(from_files, opened, kpi):
    half, cut = period_of(date(2025, 7, 1), "half_year"), ["region", "source"]
    expected, found = (
        slice_kpi(one, kpi, cut, period=half, compared=half.previous(), as_of=AS_OF, maximum=2)
        for one in (from_files, opened)
    )
    assert expected["value"].notna().all() and expected["slice"].iloc[-1] == "all others"
    pd.testing.assert_frame_equal(expected, found, check_dtype=False, rtol=1e-9)


def test_what_a_test_of_money_needs_is_the_same_and_that_of_plain_pandas(from_files, opened):
    periods = [(date(2025, 1, 1), date(2025, 6, 30)), (date(2026, 1, 1), date(2026, 6, 30))]
    asked = {"by": ["source"], "as_of": AS_OF, "filters": {"region": ["DACH", "Benelux"]}}
    expected, found = (measure_squares(one, "revenue_won", periods, **asked) for one in (from_files, opened))
    assert found == pytest.approx(expected)
    deals = from_files.tables["deal"]
    won = deals[(deals["outcome"] == "won") & deals["region"].isin(["DACH", "Benelux"])]
    for start, end in periods:
        mine = won[won["closed_at"].between(str(start), f"{end} 23:59:59")]
        squares = (mine["amount"] ** 2).groupby(mine["source"].fillna("(blank)")).sum()
        assert {name: total for (name, day), total in found.items() if day == start} == pytest.approx(squares.to_dict())
        assert len(squares)


@pytest.fixture(scope="module")
def limited(from_files, opened):
    """The company in a warehouse from which one row less may be fetched than there are contacts."""
    queries = {name: query for name, query in opened.warehouse.queries.items() if name != "deal_history"}
    warehouse, n = replace(opened.warehouse, queries=queries), len(from_files.tables["contact"])
    assert len(from_files.tables["deal"]) < n - 1
    return replace(opened, warehouse=warehouse, tables=LazyTables(warehouse, n - 1))


def test_what_needs_more_contacts_than_may_be_fetched_says_so_and_all_else_is_told(from_files, limited):
    n = len(from_files.tables["contact"])
    said = f"Needs all {n:,} contacts one by one, and at most {n - 1:,} rows of a table are fetched. Raise fetched_rows"
    lists = list_adoption(limited, as_of=AS_OF).lists
    assert {one.is_told for one in lists if one.report.object == "deal"} == {True, False}
    refused = [one.why_not for one in lists if one.report.object == "contact"]
    assert refused and all(why.startswith(said) for why in refused)
    periods = [QUARTER.previous(back) for back in range(6, 0, -1)]
    gap = explain_gap(limited, period=QUARTER, compared=QUARTER.previous(), history=periods, as_of=AS_OF)
    verdicts = gap.five_m.set_index("cause")
    assert verdicts.loc["load", "verdict"] != UNTESTED
    assert set(gap.fairness.steps["kpi"]) == {"win_rate", "average_deal_size"}
    assert gap.fairness.left_out.startswith(said)
    assert verdicts.loc["assignment_break", ["verdict"]].item() == UNTESTED
    assert verdicts.loc["assignment_break", "statement"].startswith(said)


def test_evidence_on_contacts_too_many_to_fetch_is_counted_where_they_lie(from_files, limited):
    rules = load_discovery_rules()
    expected, found = (measure_matrix(one, rules, as_of=AS_OF) for one in (from_files, limited))
    contacts = (expected["object"] == "contact") & (expected["dimension"] != "")
    assert contacts.sum() > 20 and expected.loc[contacts, "n"].max() > 100
    same = [column for column in expected if column != "conflicts"]
    pd.testing.assert_frame_equal(expected.loc[contacts, same], found.loc[contacts, same])


def test_discovery_and_dictionary_go_on_without_the_contacts(from_files, limited):
    n = len(from_files.tables["contact"])
    review = review_discovery(limited, load_discovery_rules(), as_of=AS_OF)
    assert f"contacts aren't checked, being more than fetched_rows ({n - 1:,})" in review.rollups.sentence
    copies = review.copies[review.copies["to_object"] == "contact"]
    assert copies["n_missing"].isna().all()
    dictionary = build_data_dictionary(limited, as_of=AS_OF).set_index(["object", "field"])
    whole = build_data_dictionary(from_files, as_of=AS_OF).set_index(["object", "field"])
    assert dictionary.loc["contact", "n"].eq(n).all() and dictionary.loc["contact", "fill_rate"].isna().all()
    deal = dictionary.loc["deal", ["type", "n", "fill_rate"]]
    pd.testing.assert_frame_equal(deal, whole.loc["deal", ["type", "n", "fill_rate"]], check_like=True)
    assert dictionary.loc["contact", "type"].to_dict() == whole.loc["contact", "type"].to_dict()


def test_leaves_of_contacts_too_many_to_fetch_are_those_of_the_contacts_themselves(from_files, limited):
    half = period_of(date(2026, 3, 1), "half_year")
    asked = {"period": half, "expected": [half.previous(), half.previous(2)], "as_of": AS_OF}
    expected, found = (build_creation_leaves(one, **asked) for one in (from_files, limited))
    assert expected.frame["leads_actual"].sum() > 20 and len(expected.dimensions) > 1 and len(expected.steps) > 2
    assert (found.dimensions, found.steps, found.left_out) == (expected.dimensions, expected.steps, expected.left_out)
    assert (found.basis, found.worth, found.labels) == (expected.basis, expected.worth, expected.labels)
    same_rows(expected.frame, found.frame.astype(dict.fromkeys(found.dimensions, "str")))


def test_contacts_too_many_to_fetch_are_read_period_by_period_and_searched(from_files, limited):
    quarters = [QUARTER.previous(back) for back in range(6, 0, -1)]
    asked = {"period": QUARTER, "compared": QUARTER.previous(), "history": quarters, "as_of": AS_OF}
    expected, found = (explain_gap(one, **asked) for one in (from_files, limited))
    assert expected.creation is not None
    assert expected.creation.frame["leads_actual"].sum() > 10
    pd.testing.assert_frame_equal(expected.causes, found.causes)
    pd.testing.assert_frame_equal(expected.moved, found.moved)


def test_who_bought_is_unknown_where_the_contacts_are_too_many_and_the_cure_is_theirs(from_files, limited):
    row = {"attribute": "title", "good_fit": "VP, Director", "bad_fit": "Intern"}
    responses = {"ana": Response("ana", "Ana", values={"buyer_fit": [row]})}
    _, summary = check_icp_fit(limited, responses, load_survey(), as_of=AS_OF)
    [told] = summary.to_dict("records")
    assert not told["is_available"]
    assert told["cure"].startswith(f"Needs all {len(from_files.tables['contact']):,} contacts one by one")
