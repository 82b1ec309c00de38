"""What becomes of goals while they are edited: how likely each is, and since when it is too late for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.goal_chance import add_probability
from helpers.analyses.goal_expectation import read_history
from helpers.analyses.goal_history import finest_grain, take_business
from helpers.analyses.goal_pipe import expect_from_pipe, list_landings
from helpers.analyses.goal_relations import TOTAL, list_additive, list_products
from helpers.analyses.goal_simulation import simulate_revenue
from helpers.analyses.revenue_history import RevenueHistory, read_revenue_history
from helpers.analyses.stage_plan import plan_stages
from helpers.analyses.step_lags import count_entered, measure_step_lags
from helpers.model.catalog import Catalog
from helpers.model.goal import GoalRules
from helpers.periods import Period

DEALS = "deals_won"
REVENUE = "revenue_won"
CELL = ["kpi", "dimension", "slice"]
PARTS_OF_YEAR = {"month": 12, "quarter": 4}
PAST_COLUMNS = ["kpi", "dimension", "slice", "period_start", "value", "n"]


@dataclass(frozen=True)
class Lateness:
    """How much of a goal can still come.

    Attributes:
        reachable: What earlier stages can bring, in the KPI's unit.
        since: The day since which it is too late for the rest; None where that day isn't over.
    """

    reachable: float
    since: date | None


@dataclass(frozen=True)
class GoalProspects:
    """What the company's records say of any goals; read once, asked after every change.

    Attributes:
        company: The opened company.
        as_of: The last day that counts.
        grain: The length of a period.
        periods: The periods ahead.
        cells: The columns of ``kpis.csv``.
        history: What the past tells of revenue.
        lags: As made by ``measure_step_lags``.
        entered: Stage → period → records that entered it.
        landings: As made by ``list_landings``.
        rules: What ``goals.toml`` says.
    """

    company: Any
    as_of: date
    grain: str
    periods: tuple[Period, ...]
    cells: pd.DataFrame
    history: RevenueHistory
    lags: pd.DataFrame
    entered: Mapping[str, Mapping[Period, float]]
    landings: Any
    rules: GoalRules

    @classmethod
    def open(
        cls, company, cells: pd.DataFrame, periods: list[Period], *, as_of: date, grain: str, rules: GoalRules
    ) -> "GoalProspects":
        """Read what the records say."""
        fiscal = company.fiscal_year_start
        lags = measure_step_lags(company, as_of=as_of, grain=grain)
        return cls(
            company=company,
            as_of=as_of,
            grain=grain,
            periods=tuple(periods),
            cells=cells,
            history=read_revenue_history(company, as_of=as_of, grain=grain, rules=rules),
            lags=lags,
            entered=count_entered(lags, grain=grain, fiscal_year_start=fiscal),
            landings=list_landings(
                expect_from_pipe(company, as_of=as_of, grain=grain), grain=grain, fiscal_year_start=fiscal
            ),
            rules=rules,
        )

    def add_chances(self, matrix: pd.DataFrame) -> pd.DataFrame:
        """Fill in ``probability`` of a solved matrix."""
        outlook = simulate_revenue(matrix, self.history, list(self.periods), rules=self.rules)
        return add_probability(matrix, outlook, catalog=self.company.catalog, rules=self.rules, cells=self.cells)

    def find_late(self, matrix: pd.DataFrame) -> dict[tuple, "Lateness"]:
        """Find the company's cells ahead that ask for more than earlier stages can still bring, by their keys."""
        catalog = self.company.catalog
        goals, expected = (take_business(matrix, catalog, column) for column in ("goal", "expected"))
        counts = {
            stage.id: self._read_periods(expected, stage.volume)
            for stage in catalog.stages.values()
            if stage.volume and stage.id != "won"
        }
        plan = plan_stages(
            self._read_periods(goals, DEALS),
            self.lags,
            self.entered,
            {stage: periods for stage, periods in counts.items() if periods},
            as_of=self.as_of,
            share_useful=self.rules.timing.share_useful,
            best_ever_factor=self.rules.timing.best_ever_factor,
            landings=self.landings,
        )
        found, starts = {}, {pd.Timestamp(period.start) for period in self.periods}
        for row in plan.to_dict("records"):
            key = (catalog.stages[row["stage"]].volume, self.grain, pd.Timestamp(row["creation_period"]))
            goal, usual = (values.get(key, np.nan) for values in (goals, expected))
            is_short = row["reachable"] < row["needed"] * (1 - catalog.rules.tolerance)
            if is_short and key[2] in starts and goal > usual * (1 + catalog.rules.tolerance):
                day = None if pd.isna(row["too_late_since"]) else pd.Timestamp(row["too_late_since"]).date()
                is_over = day is not None and day <= self.as_of
                found[*key, TOTAL, TOTAL] = Lateness(float(row["reachable"]), day if is_over else None)
        return found

    def _read_periods(self, values: pd.Series, kpi: str) -> dict[Period, float]:
        keys = {period: (kpi, period.grain, pd.Timestamp(period.start)) for period in self.periods}
        known = {period: float(values[key]) for period, key in keys.items() if key in values.index}
        return {period: value for period, value in known.items() if np.isfinite(value)}


def foresee(matrix: pd.DataFrame, outlook: pd.DataFrame, *, catalog: Catalog) -> pd.DataFrame:
    """Tell what every cell is expected to bring as things stand, whatever goals are set.

    Args:
        matrix: A goal matrix.
        outlook: As made by ``simulate_revenue``.
        catalog: The company's definitions.

    Returns:
        One row per row of the matrix, in its order: expected (in the KPI's unit), basis (in words, of the company's
        revenue; else empty). The company's revenue ahead is the simulated one; every other cell carries its history
        forward, and a volume's year is what its ended periods brought and what those ahead are expected to.
    """
    frame = matrix.reset_index(drop=True).assign(start=pd.to_datetime(matrix["period_start"]).to_numpy())
    expected, basis = frame["expected"].astype(float).copy(), pd.Series("", index=frame.index)
    grain = finest_grain(frame)
    adds = frame["kpi"].isin(list_additive(catalog, over_time=True))
    whole = outlook.set_index(["grain", "period_start"]) if len(outlook) else outlook
    is_revenue = (frame["kpi"] == REVENUE) & (frame["dimension"] == TOTAL)
    known = frame["actual"].fillna(frame["expected"])
    for at in frame.index[is_revenue & frame["actual"].isna()]:
        key = frame.at[at, "grain"], frame.at[at, "start"]
        if len(whole) and key in whole.index:
            expected[at], basis[at] = whole.loc[key, "expected"], whole.loc[key, "basis"]
            known[at] = expected[at]
    fine = frame.assign(known=known)[frame["grain"] == grain]
    years = frame[(frame["grain"] != grain) & adds & (basis == "")]
    for start, mine in years.groupby("start"):
        inside = fine[fine["start"].between(start, start + pd.DateOffset(months=12, days=-1))]
        sums = inside.groupby(CELL)["known"].agg(["sum", "count"])
        sums = sums["sum"].where(sums["count"] == PARTS_OF_YEAR.get(grain))
        found = sums.reindex(pd.MultiIndex.from_frame(mine[CELL])).to_numpy(dtype=float)
        expected[mine.index] = np.where(np.isnan(found), expected[mine.index], found)
    return pd.DataFrame({"expected": expected, "basis": basis})


def trace_past(
    matrix: pd.DataFrame, cells: pd.DataFrame, *, grain: str, as_of: date, catalog: Catalog, rules: GoalRules
) -> pd.DataFrame:
    """Trace what each row of a matrix has been, period by period.

    Args:
        matrix: As made by ``build_matrix``.
        cells: The columns of ``kpis.csv``.
        grain: The length of a period.
        as_of: The last day that counts.
        catalog: The company's definitions.
        rules: What ``goals.toml`` says.

    Returns:
        One row per KPI, slice and complete period: kpi, dimension, slice, period_start, value, n (records below a rate
        or an average; of a count itself; else missing). Rates that are quotients of volumes in the matrix are so here.
    """
    kpis = list(matrix["kpi"].unique())
    dimensions = [name for name in matrix["dimension"].unique() if name != TOTAL]
    history = read_history(
        cells, kpis, grain=grain, dimensions=dimensions, catalog=catalog, maximum=rules.slices.maximum
    )
    if history.empty:
        return pd.DataFrame(columns=PAST_COLUMNS)
    history = history[history["is_complete"].astype("boolean").fillna(False).astype(bool)]
    history = history[history["period_start"] <= pd.Timestamp(as_of)]
    parts, keys = [], ["dimension", "slice", "period_start"]
    basis = matrix.attrs.get("basis", {})
    for product in list_products(catalog):
        if basis.get(product.rate) == "volumes" and product.rate in kpis:
            below, above = (history[history["kpi"] == id].set_index(keys) for id in (product.volume, product.result))
            both = below["value"].rename("n").to_frame().join(above["value"], how="inner").reset_index()
            both["value"] = both["value"] / both["n"].where(both["n"] > 0)
            parts.append(both.assign(kpi=product.rate))
            history = history[history["kpi"] != product.rate]
    counts = {id for id in kpis if id in catalog.kpis and catalog.kpis[id].unit == "count"}
    n = history["denominator"].where(~history["kpi"].isin(counts), history["value"])
    found = pd.concat([history.assign(n=n), *parts], ignore_index=True)[PAST_COLUMNS].dropna(subset=["value"])
    return found.sort_values(["kpi", *keys], kind="stable", ignore_index=True)
