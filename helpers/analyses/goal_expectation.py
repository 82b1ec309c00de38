"""What the next periods bring where nobody changes anything: the expectation that goals are measured against.

Volumes carry the level of the last year on, with the season's shape and a damped growth. Rates and the deal size are
ratios of sums over the last mature year, those of a slice drawn towards the company's by its lack of records.
"""

from collections.abc import Iterable, Mapping

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
    return [_expect_one(history, pd.Timestamp(start), grain, rules) for start in starts]


def _expect_one(history: pd.Series, start: pd.Timestamp, grain: str, rules: GoalRules) -> float:
    if history.empty:
        return float("nan")
    past = history[history.index < start]
    if past.empty:
        return float(history.mean())
    per_year = 12 // MONTHS_IN[grain]
    values = past.to_numpy(dtype=float)
    window = values[-per_year * rules.expectation.window_years :]
    level = float(window.mean())
    if len(values) < 2 * per_year or level <= 0:
        return level
    return level * _grow(past, start, per_year, grain, rules) * _season(past, start, per_year, rules)


def _grow(past: pd.Series, start: pd.Timestamp, per_year: int, grain: str, rules: GoalRules) -> float:
    values = past.to_numpy(dtype=float)
    before = values[-2 * per_year : -per_year].sum()
    if before <= 0:
        return 1.0
    limit = rules.expectation.growth_limit
    growth = float(np.clip(values[-per_year:].sum() / before - 1.0, -limit, limit))
    ahead = _months_between(past.index[-1], start) / MONTHS_IN[grain]
    years = (ahead + (per_year - 1) / 2) / per_year
    return (1.0 + rules.expectation.growth_weight * growth) ** years


def _season(past: pd.Series, start: pd.Timestamp, per_year: int, rules: GoalRules) -> float:
    if per_year == 1:
        return 1.0
    centred = past / past.rolling(per_year, min_periods=per_year).mean().bfill()
    same = centred[past.index.month == start.month]
    if same.empty or not np.isfinite(same.mean()):
        return 1.0
    shape = float(same.mean()) / float(centred.mean())
    return 1.0 + rules.expectation.season_weight * (shape - 1.0)


def expect_ratio(
    history: pd.DataFrame,
    starts: Iterable[pd.Timestamp],
    *,
    grain: str,
    rules: GoalRules,
    towards: float = float("nan"),
    weight: float = 0.0,
) -> list[float]:
    """Expect a rate or an average in periods: the ratio of sums over the last mature year before each.

    Args:
        history: Rows with ``period_start``, ``numerator`` and ``denominator`` of complete periods.
        starts: First days of the periods asked for.
        grain: The length of a period.
        rules: How many years make the level.
        towards: The company's own ratio, which a slice is drawn to.
        weight: With the weight of so many records.

    Returns:
        One value per start; NaN where there is no record at all.
    """
    known = history[history["denominator"] > 0].sort_values("period_start")
    per_year = (12 // MONTHS_IN[grain]) * rules.expectation.window_years
    expected = []
    for start in starts:
        past = known[known["period_start"] < pd.Timestamp(start)]
        used = (past if len(past) else known).tail(per_year)
        top, bottom = float(used["numerator"].sum()), float(used["denominator"].sum())
        if weight and np.isfinite(towards):
            top, bottom = top + weight * towards, bottom + weight
        expected.append(top / bottom if bottom > 0 else float("nan"))
    return expected


def measure_residual_spread(history: pd.Series) -> float:
    """Measure how much a KPI varies around its own trend.

    Returns:
        The standard deviation of the logarithm of the values around a straight line; NaN with fewer than four.
    """
    values = history.dropna().to_numpy(dtype=float)
    values = values[values > 0]
    if len(values) < 4:
        return float("nan")
    time = np.arange(len(values))
    line = np.polyval(np.polyfit(time, np.log(values), 1), time)
    return float(np.sqrt(((np.log(values) - line) ** 2).sum() / (len(values) - 2)))


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


def _months_between(first: pd.Timestamp, second: pd.Timestamp) -> int:
    return (second.year - first.year) * 12 + second.month - first.month
