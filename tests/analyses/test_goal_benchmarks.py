"""Published figures are held against a goal only where they hold for such a company, and each source by itself."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.goal_benchmarks import BENCHMARK_COLUMNS, NONE_KNOWN, compare_with_benchmarks, say_band
from helpers.errors import DefinitionError
from helpers.model.benchmark import BenchmarkRow, load_benchmarks
from helpers.model.catalog import load_catalog
from helpers.model.definition import DEFINITIONS
from tests.companies import make_company

AS_OF = date(2026, 9, 30)


def make_deals(amount, n=40, closed="2026-05-01"):
    stage = ["Closed Won"] * n
    return pd.DataFrame(
        {"id": [str(i) for i in range(n)], "created_at": "2026-01-10", "closed_at": closed, "stage": stage}
    ).assign(amount=float(amount))


def compare(kpi, goal=0.3, *, amount=20_000, currency="USD", grain="quarter", **options):
    company = make_company({"deal": make_deals(amount, **options)}, currency=currency, latest_event=AS_OF)
    ranks = pd.DataFrame([{"kpi": kpi, "period_start": pd.Timestamp("2026-10-01"), "goal": goal}])
    return compare_with_benchmarks(ranks, company, as_of=AS_OF, grain=grain)


@pytest.mark.parametrize(
    ("amount", "rate", "band"),
    [
        (900, 0.15, "up to $1 k"),
        (1000, 0.15, "up to $1 k"),
        (1001, 0.17, "$1 k–$5 k"),
        (15_000, 0.20, "$5 k–$15 k"),
        (20_000, 0.25, "$15 k–$50 k"),
        (150_000, 0.30, "$50 k–$150 k"),
        (200_000, 0.35, "above $150 k"),
    ],
)
def test_the_band_is_that_of_the_company_s_own_deals(amount, rate, band):
    found = compare("opportunity_to_won", amount=amount)
    assert len(found) == 1 and list(found.columns) == BENCHMARK_COLUMNS
    row = found.iloc[0]
    assert (row["benchmark"], row["band"], row["n"], row["year"]) == (rate, band, 868, "2016–2022")
    assert row["needed"] == 0.3 and "Second-hand." in row["note"] and "opportunity" in row["note"]


def test_the_published_table_multiplies_to_its_prospects_per_win():
    """1 ÷ (CR1 × CR2 × CR3 × CR4) of the first five bands: 2,051, 1,000, 521, 274 and 175."""
    table = next(each for each in load_benchmarks().sets if each.id == "wbd_table_6_2")
    rates = {}
    for row in table.rows:
        rates.setdefault(row.up_to, {})[row.measure] = row.value
    chain = ("prospect_to_mql", "mql_to_sql", "sql_to_sal", "sal_to_win")
    needed = [round(1 / np.prod([rates[top][one] for one in chain])) for top in (1000, 5000, 15000, 50000, 150000)]
    assert needed == [2051, 1000, 521, 274, 175]


def test_sets_stand_side_by_side_and_are_never_merged():
    found = compare("mql_to_sql", amount=20_000)
    assert found["source"].nunique() == len(found) == 3
    assert found["benchmark"].tolist()[:2] == [0.18, 0.25]
    assert np.isnan(found["benchmark"].iloc[2]) and found[["low", "high"]].iloc[2].tolist() == [0.05, 0.45]
    assert np.isnan(found["n"].iloc[1])


def test_another_currency_is_not_comparable_and_nothing_is_converted():
    found = compare("opportunity_to_won", currency="EUR").iloc[0]
    assert np.isnan(found["benchmark"]) and found["band"] == ""
    assert found["note"].startswith("Not comparable: its bands of deal size are in USD, the company's deals in EUR")


def test_figures_without_bands_hold_in_any_currency():
    found = compare("win_rate", currency="EUR").iloc[0]
    assert (found["benchmark"], found["band"], found["statistic"]) == (0.21, "all deal sizes", "median")


def test_retention_is_told_for_a_year_only():
    assert compare("grr", grain="quarter")["benchmark"].isna().all()
    by_year = compare("grr", grain="year")
    assert by_year["benchmark"].dropna().tolist() == [0.96, 0.91]


def test_a_kpi_that_nobody_publishes_says_so():
    found = compare("sessions", goal=5000)
    assert found["note"].tolist() == [NONE_KNOWN] and found["benchmark"].isna().all()


def test_a_band_that_the_source_leaves_out_says_so():
    found = compare("lead_to_mql", amount=200_000)
    assert found["benchmark"].isna().all()
    assert found["note"].str.startswith("The source tells nothing for deals of $200 k.").all()


def test_few_deals_and_none_are_said():
    assert "Only 5 deals tell the band." in compare("opportunity_to_won", n=5).iloc[0]["note"]
    old = compare("opportunity_to_won", closed="2024-05-01")
    assert old.iloc[0]["note"].startswith("Not comparable: no deal with an amount was won in the last year.")
    assert say_band(old, "USD").startswith("No deal of the last year carries an amount")


def test_the_basis_of_the_band_is_told():
    said = say_band(compare("win_rate"), "USD")
    assert said == "Bands are chosen by the average new-business deal of the year up to 30 Sep 2026: $20.0 k (n 40)."


def test_without_anything_needed_there_is_nothing_to_compare():
    company = make_company({"deal": make_deals(1)}, latest_event=AS_OF)
    found = compare_with_benchmarks(pd.DataFrame(columns=["kpi", "period_start", "goal"]), company, as_of=AS_OF)
    assert found.empty and list(found.columns) == BENCHMARK_COLUMNS


def test_every_measure_is_mapped_to_a_kpi_that_exists_and_every_row_to_a_measure():
    known = load_benchmarks()
    assert {measure.kpi for measure in known.measures.values()} <= set(load_catalog().kpis)
    for each in known.sets:
        for row in each.rows:
            shares = [value for value in (row.value, row.low, row.high) if value is not None]
            assert all(0 < value <= 1.2 for value in shares)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('measure = "win_rate", value', 'measure = "win_rat", value', "Did you mean 'win_rate'"),
        ("value = 0.21, ", "", "a row holds either value, or from and to"),
        ('currency = "USD"', "", "bands of annual contract value need a currency"),
    ],
    ids=["measure", "value", "currency"],
)
def test_a_mistake_in_the_file_is_named__error(tmp_path, old, new, text):
    whole = (DEFINITIONS / "benchmarks.toml").read_text(encoding="utf-8")
    assert old in whole
    (tmp_path / "benchmarks.toml").write_text(whole.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DefinitionError, match=text):
        load_benchmarks(tmp_path)


def test_bands_leave_no_hole_and_do_not_overlap():
    for each in load_benchmarks().sets:
        for measure in {row.measure for row in each.rows if row.has_band}:
            rows = [row for row in each.rows if row.measure == measure]
            for size in (500, 999, 1001, 4999, 7000, 20_000, 100_000):
                assert sum(row.holds_for(size) for row in rows) == 1


def test_a_band_that_ends_below_its_bound_leaves_the_bound_out():
    assert not BenchmarkRow(measure="x", up_to=1000, is_below=True, value=0.1).holds_for(1000)
