"""What the next periods bring where nobody changes anything: the expectation that goals are measured against.

Volumes carry the level of the last year on, with the season's shape and a damped growth. Rates and the deal size are
ratios of sums over the last mature year, those of a slice drawn towards the company's by its lack of records.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from helpers.analyses.goal_relations import TOTAL
from helpers.model.catalog import Catalog
from helpers.model.goal import GoalRules
from helpers.periods import MONTHS_IN

OTHER = "(other)"
HISTORY_COLUMNS = [
    "kpi", "dimension", "slice", "period_start", "numerator", "denominator", "value", "is_complete",
]  # fmt: skip


def read_history(
    cells: pd.DataFrame, kpis: Iterable[str], *, grain: str, dimensions: Iterable[str], catalog: Catalog, maximum: int
) -> pd.DataFrame:
    """Take the history of some KPIs out of the cells of a company.

    Args:
        cells: The columns of ``kpis.csv``.
        kpis: The KPIs wanted.
        grain: The length of a period.
        dimensions: The partitions wanted beside the company itself.
        catalog: The company's definitions; the usual basis of a KPI is used, of a conversion its cohort basis.
        maximum: Values per partition that stay apart, biggest first; the rest becomes ``(other)``.

    Returns:
        One row per KPI, slice and period with ``HISTORY_COLUMNS``; ratios keep both halves. Empty where nothing fits.
    """
    if cells.empty:
        return pd.DataFrame(columns=HISTORY_COLUMNS)
    wanted = [TOTAL, *dimensions]
    mine = cells[
        (cells["grain"] == grain)
        & cells["kpi"].isin(list(kpis))
        & cells["dimension"].isin(wanted)
        & cells["horizon_days"].isna()
    ]
    basis = {kpi: _choose_basis(catalog, kpi, set(rows["basis"])) for kpi, rows in mine.groupby("kpi")}
    mine = mine[mine["basis"] == mine["kpi"].map(basis)].copy()
    mine["period_start"] = pd.to_datetime(mine["period_start"])
    mine = mine[HISTORY_COLUMNS]
    return _merge_small_slices(mine, catalog, maximum)


def _choose_basis(catalog: Catalog, kpi: str, present: set[str]) -> str:
    usual = [basis for basis in catalog.kpis[kpi].basis if basis in present] if kpi in catalog.kpis else []
    return usual[0] if usual else sorted(present)[0]


def _merge_small_slices(history: pd.DataFrame, catalog: Catalog, maximum: int) -> pd.DataFrame:
    parts = [history[history["dimension"] == TOTAL]]
    for dimension, rows in history[history["dimension"] != TOTAL].groupby("dimension"):
        counted = rows[rows["denominator"].isna()]
        size = (counted if len(counted) else rows).groupby("slice")["numerator"].sum()
        kept = set(size.sort_values(ascending=False, kind="stable").index[:maximum])
        merged = rows.assign(slice=rows["slice"].where(rows["slice"].isin(kept), OTHER))
        if merged["slice"].eq(OTHER).any():
            merged = _add_up(merged, catalog)
        parts.append(merged.assign(dimension=dimension))
    return pd.concat(parts, ignore_index=True)[HISTORY_COLUMNS]


def _add_up(rows: pd.DataFrame, catalog: Catalog) -> pd.DataFrame:
    keys = ["kpi", "dimension", "slice", "period_start"]
    summed = rows.groupby(keys, as_index=False).agg(
        numerator=("numerator", "sum"),
        denominator=("denominator", lambda part: part.sum(min_count=1)),
        value=("value", "sum"),
        is_complete=("is_complete", "all"),
    )
    ratio = summed["denominator"].notna()
    summed.loc[ratio, "value"] = summed["numerator"] / summed["denominator"].where(summed["denominator"] > 0)
    del catalog
    return summed


def expect_volume(history: pd.Series, starts: Iterable[pd.Timestamp], *, grain: str, rules: GoalRules) -> list[float]:
    """Expect a volume in periods, each from what had happened before it.

    Args:
        history: Volume per complete period, indexed by its first day, oldest first.
        starts: First days of the periods asked for.
        grain: The length of a period.
        rules: How far level, season and growth are carried on.

    Returns:
        One value per start. A period without anything before it takes the mean of the whole history; without any
        history there is NaN.
    """
    history = history.dropna().sort_index()
    months = _months(pd.DatetimeIndex(history.index))
    values = history.to_numpy(dtype=float)
    return [_expect_one(values, months, int(at), grain, rules) for at in _months(pd.DatetimeIndex(list(starts)))]


def _expect_one(history: np.ndarray, months: np.ndarray, start: int, grain: str, rules: GoalRules) -> float:
    if not len(history):
        return float("nan")
    before = months < start
    values = history[before]
    if not len(values):
        return float(history.mean())
    per_year = 12 // MONTHS_IN[grain]
    level = float(values[-per_year * rules.expectation.window_years :].mean())
    if len(values) < 2 * per_year or level <= 0:
        return level
    ahead = (start - int(months[before][-1])) / MONTHS_IN[grain]
    season = _season(values, (months[before] - start) % 12 == 0, per_year, rules)
    return level * _grow(values, ahead, per_year, rules) * season


def _grow(values: np.ndarray, ahead: float, per_year: int, rules: GoalRules) -> float:
    before = values[-2 * per_year : -per_year].sum()
    if before <= 0:
        return 1.0
    limit = rules.expectation.growth_limit
    growth = float(np.clip(values[-per_year:].sum() / before - 1.0, -limit, limit))
    years = (ahead + (per_year - 1) / 2) / per_year
    return (1.0 + rules.expectation.growth_weight * growth) ** years


def _season(values: np.ndarray, is_same: np.ndarray, per_year: int, rules: GoalRules) -> float:
    """Compare the same season of earlier years with the level of the year up to it; the oftener seen, the surer."""
    first = per_year - 1
    if per_year == 1 or not is_same[first:].any():
        return 1.0
    sums = np.cumsum(values)
    level = (sums[first:] - np.concatenate([[0.0], sums[: len(sums) - per_year]])) / per_year
    if (level <= 0).any():
        return 1.0
    ratio, same = values[first:] / level, is_same[first:]
    shape = float(ratio[same].mean()) / float(ratio.mean())
    belief = rules.expectation.season_weight * same.sum() / (same.sum() + 1)
    return 1.0 + belief * (shape - 1.0)


def _months(days: pd.DatetimeIndex) -> np.ndarray:
    return (days.year * 12 + days.month).to_numpy()


def expect_ratio(
    history: pd.DataFrame,
    starts: Iterable[pd.Timestamp],
    *,
    grain: str,
    rules: GoalRules,
    towards: Sequence[float] = (),
    weight: float = 0.0,
) -> list[float]:
    """Expect a rate or an average in periods: the ratio of sums over the last mature year before each.

    Args:
        history: Rows with ``period_start``, ``numerator`` and ``denominator`` of complete periods.
        starts: First days of the periods asked for.
        grain: The length of a period.
        rules: How many years make the level.
        towards: Per period the company's own ratio, which a slice is drawn to.
        weight: With the weight of so many records.

    Returns:
        One value per start; NaN where there is no record at all.
    """
    known = history[history["denominator"] > 0].sort_values("period_start")
    per_year = (12 // MONTHS_IN[grain]) * rules.expectation.window_years
    at = known["period_start"].to_numpy()
    tops, bottoms = known["numerator"].to_numpy(dtype=float), known["denominator"].to_numpy(dtype=float)
    expected = []
    for place, start in enumerate(starts):
        end = int(np.searchsorted(at, np.datetime64(start), side="left")) or len(at)
        top, bottom = tops[max(end - per_year, 0) : end].sum(), bottoms[max(end - per_year, 0) : end].sum()
        if weight and len(towards) and np.isfinite(towards[place]):
            top, bottom = top + weight * towards[place], bottom + weight
        expected.append(float(top / bottom) if bottom > 0 else float("nan"))
    return expected


def measure_residual_spread(history: pd.Series) -> float:
    """Measure how much a KPI varies around its own trend.

    Returns:
        The standard deviation of the logarithm of the values around a straight line, both told robustly (Theil–Sen
        slope, median deviation), so that a first period which hardly had begun doesn't count; NaN with fewer than four.
    """
    values = history.dropna().to_numpy(dtype=float)
    values = values[values > 0]
    if len(values) < 4:
        return float("nan")
    time = np.arange(len(values))
    first, second = np.triu_indices(len(values), k=1)
    logs = np.log(values)
    slope = np.median((logs[second] - logs[first]) / (time[second] - time[first]))
    off = logs - slope * time
    return float(1.4826 * np.median(np.abs(off - np.median(off))))


def measure_spreads(history: pd.DataFrame, catalog: Catalog, rules: GoalRules) -> Mapping[str, float]:
    """Measure how much each KPI of the company varies around its trend.

    Returns:
        KPI id → standard deviation of its logarithm; its family's default where history is shorter than
        ``history_periods``, never below the minimum.
    """
    company = history[(history["dimension"] == TOTAL) & history["is_complete"].astype(bool)]
    found = {}
    for kpi in history["kpi"].unique():
        family = catalog.kpis[kpi].family if kpi in catalog.kpis else "volume"
        values = company[company["kpi"] == kpi].sort_values("period_start")["value"]
        spread = measure_residual_spread(values)
        enough = values.notna().sum() >= rules.variability.history_periods and np.isfinite(spread)
        default = rules.variability.of_family(family)
        found[kpi] = max(spread if enough else default, rules.variability.minimum)
    return found
