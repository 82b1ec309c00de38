"""What a KPI of the engine says about a stretch of time and a slice: as a goal asks, before it and since."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

import pandas as pd

from helpers.analyses.cascade_feeds import Feeds, build_feeds, find_counted, find_path
from helpers.model.cascade import WHOLE, CascadeRules
from helpers.model.catalog import Catalog
from helpers.model.kpi import Kpi
from helpers.periods import FISCAL, GRAINS, MONTHS_IN, Period, build_periods, period_of

ADDED, POOLED, LATEST = "added up", "pooled", "latest"
"""How several periods become one number."""


@dataclass(frozen=True)
class Measured:
    """One KPI over a stretch of whole periods.

    Attributes:
        value: In the KPI's unit; None where there is none, and ``reason`` says why.
        n: Records behind it.
        low: Of the interval, where the engine gives one for a single period.
        high: Of the interval.
        periods: How many periods of the report it spans.
        start: First day measured.
        end: Last day measured.
        how: ``added up``, ``pooled`` or ``latest``.
        basis: The KPI's basis.
        is_immature: Whether records of it have not had their time yet.
        denominator: Summed, of a rate.
        reason: Why there is no value.
    """

    value: float | None = None
    n: int = 0
    low: float | None = None
    high: float | None = None
    periods: int = 0
    start: date | None = None
    end: date | None = None
    how: str = ""
    basis: str = ""
    is_immature: bool = False
    denominator: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Ruler:
    """Everything that goals of a cascade are measured with.

    Attributes:
        cells: The columns of ``kpis.csv``.
        catalog: The company's definitions.
        as_of: The last day that counts.
        rules: The cascade's.
        fiscal_year_start: The month (1–12) in which the fiscal year begins.
        matrix: The solved goal matrix; empty where none is handed over.
        targets: Goals that people typed, with the columns of ``goal_matrix.csv``.
        names: Other name of a partition → its id.
    """

    cells: pd.DataFrame
    catalog: Catalog
    as_of: date
    rules: CascadeRules
    fiscal_year_start: int = 1
    matrix: pd.DataFrame = field(default_factory=pd.DataFrame)
    targets: pd.DataFrame = field(default_factory=pd.DataFrame)
    names: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def feeds(self) -> Feeds:
        """KPI → KPIs that it moves."""
        return build_feeds(self.catalog, self.rules)

    @cached_property
    def grain(self) -> str:
        """The length of the cells' periods; empty where there is none."""
        grains = [grain for grain in self.cells["grain"].unique() if grain in FISCAL] if len(self.cells) else []
        return min(grains, key=MONTHS_IN.__getitem__) if grains else ""

    @cached_property
    def _groups(self) -> Mapping[tuple[str, str, str], pd.DataFrame]:
        if not self.grain:
            return {}
        mine = self.cells[self.cells["grain"] == self.grain]
        usual = mine["kpi"].map({id: kpi.basis[0] for id, kpi in self.catalog.kpis.items()})
        mine = mine[(mine["basis"] == usual) & mine["horizon_days"].isna()].sort_values("period_start")
        return {(str(k), str(d), str(s)): rows for (k, d, s), rows in mine.groupby(["kpi", "dimension", "slice"])}

    @cached_property
    def slices(self) -> Mapping[str, frozenset[str]]:
        """Partition → its values, as far as any KPI has been counted by it."""
        found: dict[str, set[str]] = {}
        for _, dimension, value in self._groups:
            found.setdefault(dimension, set()).add(value)
        return {dimension: frozenset(values) for dimension, values in found.items()}

    def resolve(self, dimension: str) -> str:
        """Return a partition's id by any of its names."""
        return self.names.get(dimension, dimension)

    def period(self, grain: str, start: date | None) -> Period | None:
        """Return the period that a goal is for; None where it names no day."""
        return period_of(start, grain, self.fiscal_year_start) if start else None

    def is_additive(self, kpi: Kpi) -> bool:
        """Whether its periods add up."""
        return kpi.measure.kind in ("volume", "sum")

    def measure(
        self, kpi_id: str, start: date, end: date, dimension: str = WHOLE, slice: str = WHOLE, *, open_end: bool = True
    ) -> Measured:
        """Measure a KPI over the periods of the report that lie within two days.

        Args:
            kpi_id: The KPI.
            start: First day.
            end: Last day; what lies after the last day that counts is left out.
            dimension: The partition; ``all`` for the company.
            slice: Its value.
            open_end: Whether a period that isn't over on the last day that counts takes part.

        Returns:
            Volumes and sums added up; rates as their numerators over their denominators; stocks and medians as of the
            latest period. Without a value the reason.
        """
        kpi = self.catalog.kpis.get(kpi_id)
        if kpi is None:
            return Measured(reason="the KPI is unknown")
        if start > self.as_of:
            return Measured(reason="it has not begun yet")
        dimension = self.resolve(dimension)
        whole = self._groups.get((kpi_id, WHOLE, WHOLE))
        if whole is None:
            return Measured(reason=f"{kpi.label} can't be counted from these exports")
        rows = self._groups.get((kpi_id, dimension, slice))
        if rows is None:
            return Measured(reason=self._say_no_slice(kpi, dimension, slice))
        spans = self._within(whole, start, end, open_end=open_end)
        if spans.empty:
            return Measured(reason=f"no whole {self.grain} lies in it" if self.grain else "there are no periods")
        mine = self._within(rows, start, end, open_end=open_end)
        return self._sum_up(kpi, mine, spans)

    def history(self, kpi_id: str, before: date, n: int, dimension: str = WHOLE, slice: str = WHOLE) -> Measured:
        """Measure a KPI over the last whole periods that end before a day, at most ``n`` of them."""
        if not self.grain:
            return Measured(reason="there are no periods")
        last = self._last_whole(before)
        first = last.previous(n - 1).start
        known = self._groups.get((kpi_id, WHOLE, WHOLE))
        if known is not None and len(known):
            first = max(first, known["period_start"].iloc[0].date())
        if first > last.end:
            return Measured(reason="there is no whole period before it")
        return self.measure(kpi_id, first, last.end, dimension, slice, open_end=False)

    def past_values(self, kpi_id: str, before: date, dimension: str = WHOLE, slice: str = WHOLE) -> list[float]:
        """List the values of every whole period that ended before a day, oldest first."""
        rows = self._groups.get((kpi_id, self.resolve(dimension), slice))
        if rows is None:
            return []
        day = pd.Timestamp(min(before, self.as_of + timedelta(days=1)))
        return [float(value) for value in rows.loc[rows["period_end"] < day, "value"].dropna()]

    def expect(
        self, kpi_id: str, period: Period, dimension: str = WHOLE, slice: str = WHOLE
    ) -> tuple[float | None, str]:
        """Tell what a period would bring without any tactic.

        Returns:
            The value and where it comes from: the goal matrix' expectation, else the last whole periods before it.
        """
        kpi = self.catalog.kpis.get(kpi_id)
        cell = self.find_cell(kpi_id, period, dimension, slice)
        if cell is not None and pd.notna(cell["expected"]):
            return float(cell["expected"]), "the goal matrix' expectation"
        n = self.rules.reach.history_periods
        held = self.history(kpi_id, period.start, n, dimension, slice)
        if kpi is None or held.value is None:
            return None, held.reason
        told = f"the last {held.periods} {self.grain}s before it" if held.periods > 1 else f"the {self.grain} before it"
        if self.is_additive(kpi):
            return held.value / held.periods * self.count_periods(period), told
        return held.value, told

    def find_cell(self, kpi_id: str, period: Period, dimension: str = WHOLE, slice: str = WHOLE) -> pd.Series | None:
        """Find a goal's cell in the solved matrix."""
        if self.matrix.empty:
            return None
        matrix = self.matrix
        mine = matrix[
            (matrix["kpi"] == kpi_id)
            & (matrix["grain"] == period.grain)
            & (pd.to_datetime(matrix["period_start"]) == pd.Timestamp(period.start))
            & (matrix["dimension"] == self.resolve(dimension))
            & (matrix["slice"] == slice)
        ]
        return None if mine.empty else mine.iloc[0]

    def count_periods(self, period: Period) -> float:
        """Count how many periods of the report a goal's period spans."""
        return MONTHS_IN.get(period.grain, 3) / MONTHS_IN[self.grain] if self.grain else 1.0

    def convert(
        self, amount: float, source: str, result: str, *, period: Period, within: tuple[str, str] = (WHOLE, WHOLE)
    ) -> tuple[float | None, str]:
        """Tell what an amount added to one KPI adds to another over a period.

        Args:
            amount: In the unit of ``source``; of a rate the change, 0.02 for two points.
            source: The KPI that is moved.
            result: The KPI asked for.
            period: Over which it is moved.
            within: Partition and value of the slice that is moved.

        Returns:
            The amount in the unit of ``result`` and how it was worked out; None where history doesn't tell. A volume
            becomes a later one as the last whole periods have turned the one into the other, in the slice itself where
            it has records enough; a rate acts upon as many records as the slice has had in those periods.
        """
        if source == result:
            return amount, ""
        if not find_path(self.feeds, source, result):
            return None, "the one doesn't move the other"
        source_kpi, result_kpi = self.catalog.kpis[source], self.catalog.kpis[result]
        n, before = self.rules.reach.history_periods, self.as_of + timedelta(days=1)
        if not self.is_additive(source_kpi):
            counted, held = find_counted(self.catalog, source), self.history(source, before, n, *within)
            if not counted or held.denominator is None or not held.periods:
                return None, "no count follows from it"
            amount *= held.denominator / held.periods * self.count_periods(period)
            return self.convert(amount, counted, result, period=period, within=within)
        top, bottom = self.history(result, before, n, *within), self.history(source, before, n, *within)
        least = self.catalog.rules.minimum_n
        if within[0] != WHOLE and (not top.value or not bottom.value or min(top.n, bottom.n) < least):
            top, bottom = self.history(result, before, n), self.history(source, before, n)
        if not self.is_additive(result_kpi) or not top.value or not bottom.value:
            return None, "history doesn't tell"
        words = f"{top.periods} {self.grain}s" if top.periods > 1 else self.grain
        return amount * top.value / bottom.value, f"at the ratio of the last {words}"

    def _last_whole(self, before: date) -> Period:
        day = min(before, self.as_of + timedelta(days=1))
        return period_of(day, self.grain, self.fiscal_year_start).previous()

    def _within(self, rows: pd.DataFrame, start: date, end: date, *, open_end: bool) -> pd.DataFrame:
        is_in = (rows["period_start"] >= pd.Timestamp(start)) & (rows["period_end"] <= pd.Timestamp(end))
        last = rows["period_start"] if open_end else rows["period_end"]
        return rows[is_in & (last <= pd.Timestamp(self.as_of))]

    def _say_no_slice(self, kpi: Kpi, dimension: str, slice: str) -> str:
        if dimension not in self.slices:
            return f"the exports hold no '{dimension}'"
        if slice not in self.slices[dimension]:
            return f"no record has {dimension} '{slice}'"
        return f"{kpi.label} isn't counted by {dimension}"

    def _sum_up(self, kpi: Kpi, rows: pd.DataFrame, spans: pd.DataFrame) -> Measured:
        about = {
            "periods": len(spans),
            "start": spans["period_start"].iloc[0].date(),
            "end": min(spans["period_end"].iloc[-1].date(), self.as_of),
            "basis": kpi.basis[0],
            "n": int(rows["n"].fillna(0).sum()),
            "is_immature": kpi.basis[0] == "cohort" and bool(len(rows)) and not bool(rows["is_complete"].all()),
        }
        if self.is_additive(kpi):
            return Measured(value=float(rows["value"].fillna(0).sum()), how=ADDED, **about)
        known = rows[rows["value"].notna()]
        if known.empty:
            return Measured(reason="no record to tell it by", **about)
        last = known.iloc[-1]
        if (
            kpi.measure.kind not in ("stock", "velocity")
            and known["denominator"].notna().all()
            and known["denominator"].sum() > 0
        ):
            one = {"low": _number(last["low"]), "high": _number(last["high"])} if len(known) == 1 else {}
            total = float(known["denominator"].sum())
            if len(known) == 1:
                return Measured(value=float(last["value"]), how=POOLED, denominator=total, **one, **about)
            return Measured(value=float(known["numerator"].sum()) / total, how=POOLED, denominator=total, **about)
        about |= {"n": int(last["n"]) if pd.notna(last["n"]) else 0}
        return Measured(
            value=float(last["value"]), how=LATEST, low=_number(last["low"]), high=_number(last["high"]), **about
        )


def share_due(period: Period, ruler: Ruler, kpi_id: str, dimension: str, slice: str) -> float:
    """Tell which share of a volume's goal was due by the last day that counts.

    Goals that people typed for shorter periods say it where all of them are there; else the days do.
    """
    if ruler.as_of >= period.end:
        return 1.0
    if ruler.as_of < period.start:
        return 0.0
    days = ((ruler.as_of - period.start).days + 1) / period.days
    shorter = [grain for grain in GRAINS if MONTHS_IN[grain] < MONTHS_IN.get(period.grain, 0)]
    found = (_share_typed(period, grain, ruler, kpi_id, dimension, slice) for grain in shorter)
    return next((share for share in found if share is not None), days)


def _share_typed(period: Period, grain: str, ruler: Ruler, kpi_id: str, dimension: str, slice: str) -> float | None:
    """Tell the share due by goals typed for the parts of a period; None where one of them has none."""
    targets = ruler.targets
    if targets.empty:
        return None
    parts = build_periods(period.start, period.end, grain, ruler.fiscal_year_start)
    mine = targets[
        (targets["kpi"] == kpi_id)
        & (targets["grain"] == grain)
        & targets["dimension"].map(ruler.resolve).eq(ruler.resolve(dimension))
        & (targets["slice"] == slice)
        & targets["goal"].notna()
    ]
    days = pd.to_datetime(mine["period_start"]).dt.date
    goal_of = {day: float(goal) for day, goal in zip(days, mine["goal"], strict=True)}
    whole = sum(goal_of.get(part.start, float("nan")) for part in parts)
    if not whole > 0:
        return None
    due = 0.0
    for part in parts:
        elapsed = min(max((ruler.as_of - part.start).days + 1, 0), part.days) / part.days
        due += goal_of[part.start] * elapsed
    return due / whole


def _number(value: object) -> float | None:
    return None if pd.isna(value) else float(value)
