"""The marketplace's public funnel of sellers: every format gives the same KPIs, equal to plain pandas."""

import pandas as pd
import pytest

from helpers.company import open_company
from helpers.engine.cells import build_cells
from helpers.ingest.intake import start_company
from tests.real_data import require_real_data

LEADS = {
    "plain": "olist_marketing_qualified_leads_dataset.csv",
    "spaces": "variants/cleberaksenen_mql_spaces_iso_dates.csv",
    "semicolons": "variants/hiflylabs_mql_bom_semicolon_dotdates.csv",
    "day_first": "variants/vinuthna_mql_ddmmyyyy_dates.csv",
}
DEALS = {
    "plain": "olist_closed_deals_dataset.csv",
    "spaces": "variants/cleberaksenen_closed_deals_spaces.csv",
    "semicolons": "variants/hiflylabs_closed_deals_bom_semicolon_dotdates.csv",
    "day_first": "olist_closed_deals_dataset.csv",
}


def start(folder, target, name):
    leads, deals = folder / LEADS[name], folder / DEALS[name]
    maps = ["contact.mql_at=first_contact_date", f"contact.won_at={deals.name}.won_date"]
    start_company(target, [leads, deals], currency="BRL", maps=maps)
    return open_company(target)


@pytest.fixture(scope="module")
def companies(tmp_path_factory):
    folder = require_real_data("olist_marketing_funnel")
    base = tmp_path_factory.mktemp("companies")
    return {name: start(folder, base / name, name) for name in LEADS}


@pytest.fixture(scope="module")
def funnel():
    """Plain pandas, independent of the project: one row per MQL with its win, if any."""
    folder = require_real_data("olist_marketing_funnel")
    leads = pd.read_csv(folder / LEADS["plain"], parse_dates=["first_contact_date"])
    deals = pd.read_csv(folder / DEALS["plain"], parse_dates=["won_date"])
    funnel = leads.merge(deals[["mql_id", "won_date"]], on="mql_id", how="left")
    won_on = funnel["won_date"].dt.normalize()
    funnel["won"] = won_on >= funnel["first_contact_date"]
    return funnel


def test_the_cohort_conversion_equals_plain_pandas_by_month_and_origin(companies, funnel):
    company = companies["plain"]
    cells = build_cells(company, kpis=["mql_to_won"], by=[(), ("origin",)], grain="month")
    cells = cells[cells["basis"] == "cohort"]
    month = funnel["first_contact_date"].dt.to_period("M").dt.start_time
    whole = cells[cells["dimension"] == "all"].set_index(
        pd.to_datetime(cells["period_start"][cells["dimension"] == "all"])
    )
    expected = funnel.groupby(month)["won"].agg(["sum", "size"])
    assert (whole.loc[expected.index, "numerator"].to_numpy() == expected["sum"].to_numpy()).all()
    assert (whole.loc[expected.index, "denominator"].to_numpy() == expected["size"].to_numpy()).all()

    origin = funnel["origin"].fillna("(blank)")
    by_origin = funnel.groupby([month, origin])["won"].agg(["sum", "size"])
    sliced = cells[cells["dimension"] == "origin"]
    found = sliced.set_index([pd.to_datetime(sliced["period_start"]), "slice"])
    assert (found.loc[list(by_origin.index), "numerator"].to_numpy() == by_origin["sum"].to_numpy()).all()
    assert (found.loc[list(by_origin.index), "n"].to_numpy() == by_origin["size"].to_numpy()).all()


def test_wins_are_counted_by_their_own_month(companies, funnel):
    cells = build_cells(companies["plain"], kpis=["deals_won"], grain="month").set_index("period_start")["value"]
    expected = funnel["won_date"].dropna().dt.to_period("M").value_counts()
    found = {pd.Period(pd.Timestamp(day), "M"): value for day, value in cells.items() if value}
    assert found == expected.to_dict()


@pytest.mark.parametrize("name", ["spaces", "day_first", "semicolons"])
def test_every_format_gives_the_same_kpis(companies, name):
    first, second = (table(companies[key], by=[()]) for key in ("plain", name))
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize("name", ["spaces", "day_first"])
def test_every_format_gives_the_same_slices(companies, name):
    first, second = (table(companies[key], by=[("origin",), ("landing_page_id",)]) for key in ("plain", name))
    pd.testing.assert_frame_equal(first, second)


def test_the_semicolon_copy_differs_only_in_the_origins_that_somebody_filled_in(companies):
    """In that copy 60 blank origins became "Direct Traffic"; added together the two slices are what they were."""
    additive = ["mqls", "deals_won"]
    both = {}
    for key in ("plain", "semicolons"):
        cells = table(companies[key], by=[("origin",)])
        cells = cells[cells["kpi"].isin(additive)].replace({"slice": {"(blank)": "direct traffic"}})
        both[key] = cells.groupby(["kpi", "slice"])["value"].sum()
    pd.testing.assert_series_equal(both["plain"], both["semicolons"])


def test_no_conversion_is_cut_by_a_field_that_only_winners_have(companies):
    for company in companies.values():
        cells = build_cells(company, by=[(id,) for id in company.partitions], grain="all")
        rates = cells[cells["kpi"].str.contains("_to_")]
        cut_by = set(rates["dimension"])
        assert "source" in cut_by or "origin" in cut_by
        for id in cut_by:
            assert company.partitions[id].known == "entry"
        assert not cut_by & {
            "business_segment",
            "lead_type",
            "lead_behaviour_profile",
            "business_type",
            "sr_id",
            "sdr_id",
        }


def table(company, *, by):
    """Return all KPIs with slices compared without case and with ``_`` as a blank."""
    cells = build_cells(company, by=by, grain="all")
    cells["slice"] = cells["slice"].str.casefold().str.replace("_", " ")
    columns = ["kpi", "basis", "dimension", "slice", "numerator", "denominator", "value", "n"]
    return cells[columns].sort_values(["kpi", "basis", "dimension", "slice"], ignore_index=True)
