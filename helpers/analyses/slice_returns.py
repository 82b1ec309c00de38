"""What each slice of a goal has brought, and what one more unit of effort brings there, small slices drawn together."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers.analyses.goal_expectation import expect_volume, read_history
from helpers.analyses.goal_relations import TOTAL, list_products
from helpers.errors import QuestionError, suggest
from helpers.model.catalog import Catalog
from helpers.model.goal import GoalRules
from helpers.periods import MONTHS_IN, Period, build_periods

REVENUE = "revenue_won"
SLICE_COLUMNS = ["slice", "volume", "n", "best", "expected", "return", "return_n"]
"""The columns of ``read_slices``."""


def read_slices(
    cells: pd.DataFrame,
    *,
    kpi: str,
    dimension: str,
    period: Period,
    catalog: Catalog,
    rules: GoalRules,
    driver: str = "opportunities",
) -> pd.DataFrame:
    """Read what each slice brought over the last year, its best period ever, and its return on effort.

    Args:
        cells: The columns of ``kpis.csv``.
        kpi: Id of a KPI that adds up over slices.
        dimension: Id of the partition.
        period: The period of the goal; only whole periods before it count.
        catalog: The company's definitions.
        rules: What ``goals.toml`` says.
        driver: The volume in which effort is measured where the KPI is revenue; any other KPI is its own effort.

    Returns:
        One row per slice, the biggest first, with ``SLICE_COLUMNS``: ``volume`` of the KPI over the last year's
        complete periods and the ``n`` records behind it (the records themselves of a count), the ``best`` complete
        period ever and the ``expected`` volume, both of the goal's length, ``return``: revenue per unit of effort (the
        slice's own cohort rates × deal size, each drawn towards the company's by what chance alone makes of so few
        records), and ``return_n`` records that entered the first of these steps. ``attrs``: ``first`` and ``last`` day
        of the periods that count, ``driver`` and ``is_effort`` (whether the KPI is its own effort). Return is blank
        where no chain of rates leads to revenue. Empty without a complete period.

    Raises:
        QuestionError: The KPI or the partition is not in the cells.
    """
    for name, column in ((kpi, "kpi"), (dimension, "dimension")):
        if name not in set(cells[column]):
            known = sorted(set(cells[column]) - {TOTAL})
            raise QuestionError(f"[{column}] '{name}' is not in the company's KPIs.{suggest(name, known)}")
    effort = driver if kpi == REVENUE else kpi
    chain, products = _find_chain(effort, catalog, set(cells["kpi"])), list_products(catalog)
    counted = next((p.volume for p in products if p.result == kpi and catalog.kpis[p.rate].unit == "currency"), kpi)
    wanted = list(dict.fromkeys([kpi, counted, *chain]))
    for grain in dict.fromkeys([period.grain, "quarter", "month"]):
        history = read_history(
            cells, wanted, grain=grain, dimensions=[dimension], catalog=catalog, maximum=rules.slices.maximum
        )
        whole = history[history["is_complete"].astype(bool) & (history["period_start"] < pd.Timestamp(period.start))]
        if (whole["kpi"] == kpi).any() and MONTHS_IN[grain] <= MONTHS_IN[period.grain]:
            return _summarise(whole, kpi, counted, chain, dimension, grain, period, cells, catalog, rules, effort)
    return pd.DataFrame(columns=SLICE_COLUMNS)


def shrink_rates(successes: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Draw each slice's rate towards the pooled one by what chance alone makes of its few records.

    Args:
        successes: How many records got on.
        n: How many there were; a slice without any takes the pooled rate.

    Source:
        Empirical Bayes with the moment estimate of DerSimonian and Laird (1986) for the spread between slices.

    >>> shrink_rates(np.array([50.0, 0.0]), np.array([500.0, 2.0])).round(3)
    array([0.1, 0.1])
    """
    total = n.sum()
    pooled = float(successes.sum() / total) if total > 0 else float("nan")
    own = np.divide(successes, n, out=np.full(len(n), pooled), where=n > 0)
    return shrink_means(own, pooled, np.divide(pooled * (1 - pooled), n, out=np.full(len(n), np.inf), where=n > 0))


def shrink_means(own: np.ndarray, pooled: float, variance: np.ndarray) -> np.ndarray:
    """Draw means towards the pooled one: wholly where they differ no more than their variances let one expect."""
    usable = np.isfinite(variance) & (variance > 0) & np.isfinite(own)
    if usable.sum() < 2:
        return np.where(np.isinf(variance) | ~np.isfinite(own), pooled, own)
    weight = 1.0 / variance[usable]
    spread = float((weight * (own[usable] - pooled) ** 2).sum()) - (usable.sum() - 1)
    between = max(0.0, spread / float(weight.sum() - (weight**2).sum() / weight.sum()))
    belief = np.where(usable, between / (between + np.where(usable, variance, 1.0)), 0.0)
    return pooled + belief * (np.where(np.isfinite(own), own, pooled) - pooled)


def _find_chain(start: str, catalog: Catalog, present: set[str]) -> list[str]:
    """List the rates that lead from a volume to revenue; empty where some step is missing."""
    stages = [id for id, stage in catalog.stages.items() if stage.volume in present]
    steps = {kpi.id for kpi in catalog.conversions_between(stages)}
    steps |= {kpi.id for kpi in catalog.kpis.values() if kpi.measure.kind == "average"}
    next_step = {p.volume: p for p in list_products(catalog) if p.rate in steps & present and p.result != REVENUE}
    last = next((p for p in list_products(catalog) if p.result == REVENUE and p.rate in present), None)
    chain, at = [], start
    while last is not None and at != last.volume and at in next_step and len(chain) < len(catalog.stages):
        chain.append(next_step[at].rate)
        at = next_step[at].result
    return [*chain, last.rate] if last is not None and at == last.volume else []


def _summarise(
    whole: pd.DataFrame, kpi: str, counted: str, chain: Sequence[str], dimension: str, grain: str,
    period: Period, cells: pd.DataFrame, catalog: Catalog, rules: GoalRules, effort: str,
) -> pd.DataFrame:  # fmt: skip
    factor = MONTHS_IN[period.grain] / MONTHS_IN[grain]
    per_year = 12 // MONTHS_IN[grain]
    mine = whole[(whole["kpi"] == kpi) & (whole["dimension"] == dimension)]
    starts = sorted(whole.loc[whole["kpi"] == kpi, "period_start"].unique())
    year = starts[-per_year:]
    wide = mine.pivot(index="slice", columns="period_start", values="value").reindex(columns=starts).fillna(0.0)
    ahead = [part.start for part in build_periods(period.start, period.end, grain, period.fiscal_year_start)]
    table = pd.DataFrame(
        {
            "slice": wide.index.astype("str"),
            "volume": wide[year].sum(axis=1).to_numpy(),
            "best": wide.max(axis=1).to_numpy() * factor,
            "expected": [
                float(np.nansum(expect_volume(row, [pd.Timestamp(day) for day in ahead], grain=grain, rules=rules)))
                for _, row in wide.iterrows()
            ],
        }
    )
    behind = whole[(whole["kpi"] == counted) & (whole["dimension"] == dimension) & whole["period_start"].isin(year)]
    table["n"] = table["slice"].map(behind.groupby("slice")["value"].sum()).fillna(0.0).round().astype(int)
    table["return"], table["return_n"] = _measure_returns(
        whole, chain, dimension, table["slice"], per_year, cells, catalog
    )
    table = table.sort_values(["volume", "slice"], ascending=[False, True], ignore_index=True)[SLICE_COLUMNS]
    table.attrs = {
        "first": pd.Timestamp(year[0]),
        "last": pd.Timestamp(year[-1]),
        "driver": effort,
        "is_effort": kpi != REVENUE,
    }
    return table


def _measure_returns(
    whole: pd.DataFrame, chain: Sequence[str], dimension: str, names: pd.Series, per_year: int, cells: pd.DataFrame,
    catalog: Catalog,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Multiply the shrunk rates of each slice down to revenue, over the last mature year of each."""
    result, first_n = np.full(len(names), 1.0 if chain else np.nan), np.zeros(len(names))
    for place, rate in enumerate(chain):
        rows = whole[(whole["kpi"] == rate) & (whole["dimension"] == dimension)]
        company = whole[(whole["kpi"] == rate) & (whole["dimension"] == TOTAL)]
        last = sorted(company["period_start"].unique())[-per_year:]
        sums = rows[rows["period_start"].isin(last)].groupby("slice")[["numerator", "denominator"]].sum()
        sums = sums.reindex(names).fillna(0.0)
        top, bottom = sums["numerator"].to_numpy(dtype=float), sums["denominator"].to_numpy(dtype=float)
        if catalog.kpis[rate].measure.kind == "average":
            pooled = float(top.sum() / bottom.sum()) if bottom.sum() > 0 else float("nan")
            own = np.divide(top, bottom, out=np.full(len(top), pooled), where=bottom > 0)
            relative = _measure_relative_variance(cells, rate, dimension, catalog) * pooled**2
            variance = np.divide(relative, bottom, out=np.full(len(top), np.inf), where=bottom > 0)
            result = result * shrink_means(own, pooled, variance)
        else:
            result = result * shrink_rates(top, bottom)
        first_n = bottom if place == 0 else first_n
    return result, first_n.round().astype(int)


def _measure_relative_variance(cells: pd.DataFrame, kpi: str, dimension: str, catalog: Catalog) -> float:
    """Tell how much single deals differ in size, as the variance of the logarithm that the cells' intervals imply."""
    from scipy.stats import t

    rows = cells[(cells["kpi"] == kpi) & (cells["dimension"] == dimension) & (cells["n"] >= 3) & (cells["low"] > 0)]
    rows = rows[rows["high"] > rows["low"]]
    if rows.empty:
        return 1.0
    n = rows["n"].to_numpy(dtype=float)
    confidence = getattr(catalog.rules, "confidence", 0.95)
    width = np.log(rows["high"].to_numpy(dtype=float) / rows["low"].to_numpy(dtype=float))
    half = t.ppf(0.5 + confidence / 2, n - 1)
    return float((((width / (2 * half)) ** 2 * n) * (n - 1)).sum() / (n - 1).sum())
