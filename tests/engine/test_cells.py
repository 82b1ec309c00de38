"""Every KPI family recomputed in plain pandas on random companies, by every partition, and what must hold for all."""

import numpy as np
import pandas as pd
import pytest

import helpers.engine.slicing as slicing
from helpers.engine import build_cells, explain_availability
from helpers.engine.cells import CELL_COLUMNS
from tests.companies import make_company
from tests.engine.random_company import make_random_company, make_random_tables

SEEDS = (1, 2, 3)
LENSES = [(), ("source",), ("region",), ("source", "region")]
ADDITIVE = ["leads", "mqls", "sqls", "opportunities", "deals_won", "revenue_won", "open_deals", "open_pipeline"]


def slices_of(frame: pd.DataFrame, by: tuple[str, ...]) -> pd.Series:
    if not by:
        return pd.Series("all", index=frame.index)
    parts = [frame[name].astype("str").where(frame[name].notna(), "(blank)") for name in by]
    return parts[0] if len(parts) == 1 else parts[0] + " & " + parts[1]


def grouped(frame: pd.DataFrame, date: str, by: tuple[str, ...]):
    frame = frame[frame[date].notna()]
    quarter = frame[date].dt.to_period("Q").dt.start_time
    return frame.groupby([slices_of(frame, by), quarter.rename("start")])


def expect(found: pd.DataFrame, expected: pd.Series, column: str = "value") -> None:
    """Compare cells with slice × period → number; cells may hold true zeros that the expectation leaves out."""
    got = found.set_index(["slice", "period_start"])[column].astype(float)
    got.index.names = expected.index.names = ["slice", "start"]
    assert not got.index.duplicated().any()
    got, expected = got[got != 0], expected[expected != 0].astype(float)
    pd.testing.assert_series_equal(got.sort_index(), expected.sort_index(), check_names=False, check_index_type=False)


def ask(company, kpi: str, by: tuple[str, ...], basis: str = "", **more) -> pd.DataFrame:
    cells = build_cells(company, kpis=[kpi], by=[by], **more)
    return cells[cells["basis"] == basis] if basis else cells


def as_new(deals: pd.DataFrame) -> pd.DataFrame:
    return deals[deals["type"] != "Renewal"]


def reach(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return contacts with the day of each stage, told by themselves or by their first new-business deal."""
    deals = as_new(tables["deal"]).assign(
        opportunity=lambda d: d["created_at"],
        won=lambda d: d["closed_at"].where(d["stage"] == "Closed Won"),
    )
    own = tables["deal"].rename(columns={"id": "deal_id"})[["deal_id", "contact_id"]].dropna()
    links = pd.concat([own, tables["deal_contact"]])
    firsts = links.merge(deals[["id", "opportunity", "won"]], left_on="deal_id", right_on="id")
    firsts = firsts.groupby("contact_id")[["opportunity", "won"]].min()
    contacts = tables["contact"].merge(firsts, left_on="id", right_index=True, how="left")
    contacts["opportunity"] = contacts["opportunity_at"].fillna(contacts["opportunity"])
    return contacts.rename(columns={"created_at": "lead", "mql_at": "mql", "sql_at": "sql"})


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("by", LENSES)
def test_volumes_are_what_pandas_counts(seed, by):
    company, tables = make_random_company(seed), make_random_tables(seed)
    won = tables["deal"][tables["deal"]["stage"] == "Closed Won"]
    for kpi, frame, date in (
        ("leads", tables["contact"], "created_at"),
        ("mqls", tables["contact"], "mql_at"),
        ("opportunities", tables["deal"], "created_at"),
        ("deals_won", won, "closed_at"),
    ):
        found = ask(company, kpi, by)
        expect(found, grouped(frame, date, by).size())
        assert (found["n"] == found["value"]).all()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("by", LENSES)
def test_sums_and_averages_are_what_pandas_sums(seed, by):
    company, tables = make_random_company(seed), make_random_tables(seed)
    won = tables["deal"][tables["deal"]["stage"] == "Closed Won"]
    groups = grouped(won, "closed_at", by)["amount"]
    revenue = ask(company, "revenue_won", by)
    expect(revenue, groups.sum().round(2))
    expect(revenue, groups.count(), "n")
    size = ask(company, "average_deal_size", by)
    expect(size, groups.mean().dropna())
    live = tables["deal"].merge(tables["customer"][["deal_id", "live_at"]], left_on="id", right_on="deal_id")
    expect(ask(company, "revenue_live", by), grouped(live, "live_at", by)["amount"].sum().round(2))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("by", LENSES)
@pytest.mark.parametrize(
    "step", [("lead", "mql"), ("mql", "sql"), ("sql", "opportunity"), ("lead", "won"), ("mql", "won")]
)
def test_cohort_conversions_of_contacts_are_what_pandas_traces(seed, by, step):
    first, last = step
    company, contacts = make_random_company(seed), reach(make_random_tables(seed))
    contacts["there"] = contacts[last].dt.normalize() >= contacts[first].dt.normalize()
    groups = grouped(contacts, first, by)["there"]
    found = ask(company, f"{first}_to_{last}", by, "cohort")
    expect(found, groups.size(), "denominator")
    expect(found, groups.sum(), "numerator")
    expect(found, groups.mean())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("by", LENSES)
def test_deal_conversions_and_outcomes_are_what_pandas_divides(seed, by):
    company, deals = make_random_company(seed), as_new(make_random_tables(seed)["deal"])
    deals = deals.assign(won=deals["stage"] == "Closed Won", days=(deals["closed_at"] - deals["created_at"]).dt.days)
    deals["there"] = deals["won"] & (deals["days"] >= 0)
    found = ask(company, "opportunity_to_won", by, "cohort")
    expect(found, grouped(deals, "created_at", by)["there"].mean())
    closed = deals[deals["stage"].isin(["Closed Won", "Closed Lost"])]
    expect(ask(company, "win_rate", by), grouped(closed, "closed_at", by)["won"].mean())
    priced = closed[closed["amount"].notna()].assign(won_amount=lambda d: d["amount"].where(d["won"], 0))
    sums = grouped(priced, "closed_at", by)[["won_amount", "amount"]].sum()
    expect(ask(company, "win_rate_value", by), sums["won_amount"] / sums["amount"])
    expect(ask(company, "win_rate_value", by), sums["amount"].round(2), "denominator")
    timed = deals[deals["there"]]
    for kpi, statistic in (("", "median"), ("_mean", "mean")):
        for basis, date in (("outcome", "closed_at"), ("cohort", "created_at")):
            days = grouped(timed, date, by)["days"]
            expect(ask(company, f"sales_cycle_days{kpi}", by, basis), days.agg(statistic))
    p90 = grouped(timed, "closed_at", by)["days"].quantile(0.9)
    expect(ask(company, "sales_cycle_days_p90", by, "outcome"), p90)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("by", LENSES)
def test_period_conversions_divide_the_counts_of_the_period(seed, by):
    company, tables = make_random_company(seed), make_random_tables(seed)
    opportunities = grouped(as_new(tables["deal"]), "created_at", by).size()
    sqls = grouped(tables["contact"], "sql_at", by).size()
    found = ask(company, "sql_to_opportunity", by, "period")
    expect(found, sqls, "denominator")
    expect(found, (opportunities.reindex(sqls.index).fillna(0) / sqls))
    assert found[["low", "high"]].isna().all(axis=None)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("by", LENSES)
def test_stocks_are_what_was_there_at_each_period_end(seed, by):
    company, tables = make_random_company(seed), make_random_tables(seed)
    deals, customers = tables["deal"], tables["customer"]
    ends = pd.period_range("2024Q4", "2026Q3", freq="Q")
    counts, amounts, live = {}, {}, {}
    for period in ends:
        end = period.end_time.normalize()
        is_closed = deals["stage"].isin(["Closed Won", "Closed Lost"]) & ~(deals["closed_at"] > end)
        there = deals[(deals["created_at"] <= end) & ~is_closed]
        for name, size in there.groupby(slices_of(there, by)).size().items():
            counts[name, period.start_time] = size
        for name, total in there.groupby(slices_of(there, by))["amount"].sum().items():
            amounts[name, period.start_time] = round(total, 2)
        now = customers[(customers["live_at"] <= end) & ~(customers["ended_at"] <= end)]
        live["all", period.start_time] = len(now)
    expect(ask(company, "open_deals", by), pd.Series(counts))
    expect(ask(company, "open_pipeline", by), pd.Series(amounts))
    if not by:
        expect(ask(company, "customers_live", by), pd.Series(live))


@pytest.mark.parametrize("seed", SEEDS)
def test_velocity_is_the_product_of_its_four_inputs(seed):
    company = make_random_company(seed)
    cells = build_cells(company, kpis=["sales_velocity", "win_rate", "sales_cycle_days"])
    cells = cells[cells["basis"] == "outcome"].pivot(index="period_start", columns="kpi", values=["value", "n"])
    deals = as_new(make_random_tables(seed)["deal"])
    won = deals[deals["stage"] == "Closed Won"]
    size = grouped(won, "closed_at", ())["amount"].mean().droplevel(0)
    value, n = cells["value"], cells["n"]
    expected = n["win_rate"] * value["win_rate"] * size / value["sales_cycle_days"]
    there = value["sales_velocity"].dropna().astype(float)
    assert len(there) >= 3
    np.testing.assert_allclose(there, expected.reindex(there.index).astype(float), rtol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("grain", ["month", "quarter", "year", "all"])
def test_slices_add_up_to_the_company(seed, grain):
    company = make_random_company(seed)
    cells = build_cells(company, kpis=ADDITIVE, by=LENSES, grain=grain)
    totals = cells.groupby(["kpi", "period_start", "dimension"])["value"].sum().unstack()
    for dimension in totals:
        np.testing.assert_allclose(totals[dimension], totals["all"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_rows_is_irrelevant(seed):
    tables = make_random_tables(seed)
    shuffled = {name: table.sample(frac=1, random_state=seed) for name, table in tables.items()}
    options = {"latest_event": "2026-09-30"}
    first, second = make_company(tables, **options), make_company(shuffled, **options)
    pd.testing.assert_frame_equal(build_cells(first, by=LENSES), build_cells(second, by=LENSES))


@pytest.mark.parametrize("seed", SEEDS)
def test_widening_a_period_never_lowers_a_count(seed):
    company = make_random_company(seed)
    counts = ["leads", "mqls", "opportunities", "deals_won", "revenue_won"]
    narrow = build_cells(company, kpis=counts, grain="all", start="2025-01-01", end="2025-06-30")
    wide = build_cells(company, kpis=counts, grain="all", start="2024-11-15", end="2025-09-30")
    narrow, wide = (frame.set_index("kpi")["value"] for frame in (narrow, wide))
    assert (wide >= narrow.reindex(wide.index)).all()


@pytest.mark.parametrize("grain", ["quarter", "all"])
def test_counting_only_what_occurs_gives_the_same_cells_as_the_dense_count(monkeypatch, grain):
    company = make_random_company(4)
    dense = build_cells(company, by=LENSES, grain=grain)
    monkeypatch.setattr(slicing, "DENSE_CELLS", 0)
    folded = build_cells(company, by=LENSES, grain=grain)
    pd.testing.assert_frame_equal(dense, folded)


def test_the_columns_are_those_of_the_table_and_the_order_is_fixed():
    company = make_random_company(5)
    cells = build_cells(company, by=LENSES)
    assert cells.columns.tolist() == CELL_COLUMNS
    pd.testing.assert_frame_equal(cells, build_cells(company, by=LENSES))
    keys = ["kpi", "basis", "grain", "period_start", "dimension", "slice"]
    assert not cells.duplicated(keys).any()
    assert cells["value"].notna().all()
    assert build_cells(company, kpis=["sessions"]).columns.tolist() == CELL_COLUMNS


def test_one_call_for_all_gives_the_same_cells_as_one_call_each():
    company = make_random_company(6)
    together = build_cells(company, by=LENSES)
    apart = [build_cells(company, kpis=[kpi], by=LENSES) for kpi in together["kpi"].unique()]
    pd.testing.assert_frame_equal(together, pd.concat(apart, ignore_index=True))


def test_a_filter_gives_the_cells_of_its_slice():
    company = make_random_company(7)
    kpis = ["leads", "lead_to_mql", "win_rate", "revenue_won", "sales_cycle_days"]
    filtered = build_cells(company, kpis=kpis, filters={"region": "US"})
    sliced = build_cells(company, kpis=kpis, by=["region"])
    sliced = sliced[sliced["slice"] == "US"].assign(dimension="all", slice="all").reset_index(drop=True)
    pd.testing.assert_frame_equal(filtered, sliced, check_dtype=False)


def test_the_tables_are_left_as_they_were():
    company = make_random_company(8)
    before = {name: table.copy(deep=True) for name, table in company.tables.items()}
    build_cells(company, by=LENSES, as_of="2025-06-30")
    for name, table in company.tables.items():
        pd.testing.assert_frame_equal(table, before[name])


@pytest.mark.parametrize("as_of", [None, "2025-06-30"])
def test_a_kpi_is_available_exactly_where_it_has_rows(as_of):
    company = make_random_company(9)
    found = set(build_cells(company, grain="all", as_of=as_of)["kpi"])
    told = explain_availability(company, as_of=as_of)
    assert set(told[told["is_available"]]["kpi"]) == found
    missing = told[~told["is_available"]]
    assert (missing["reason"].str.len() > 0).all()
    assert (missing["cure"].str.len() > 0).all()


def test_an_empty_company_has_no_rows_and_says_why():
    company = make_company({})
    assert build_cells(company).empty
    told = explain_availability(company)
    assert not told["is_available"].any()
    assert told["reason"].str.contains("hold no").any()
