"""Answer what an explorer asks while somebody clicks: one KPI, its slices side by side, each filtered by the others."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd

from helpers.analyses.change_money import Days, measure_squares
from helpers.analyses.derived_partitions import derive_partitions
from helpers.analyses.exploration_answer import Answer
from helpers.analyses.exploration_cells import AskedCells
from helpers.analyses.exploration_state import ExplorerState, Filter
from helpers.analyses.slicing_filters import NOT_IN
from helpers.analyses.slicing_layers import find_above, find_below
from helpers.analyses.slicing_question import find_kpi, find_refusal
from helpers.engine.cells import open_evaluator
from helpers.engine.session import SlicedCells, SliceSession, open_session
from helpers.engine.slicing import resolve_partition
from helpers.engine.timeline import to_date
from helpers.model.kpi import Kpi
from helpers.periods import CUSTOM, Period, build_periods, period_of

REMEMBERED = 64
"""How many answers of the engine are kept, so that taking a filter off again costs nothing."""


class Exploration:
    """A company that is asked one thing after the other; what was folded for one question serves the next.

    Args:
        company: The opened company.
        as_of: The last day that counts.
        period: The period that the workbook was opened on.
        horizon_days: Days that a cohort is given; None is to date.
        targets: Goals with the columns of ``goal_matrix.csv``.
    """

    def __init__(
        self,
        company: Any,
        *,
        as_of: date,
        period: Period,
        horizon_days: int | None = None,
        targets: pd.DataFrame | None = None,
    ) -> None:
        self.company, self.as_of, self.period = company, as_of, period
        self.horizon_days, self.targets = horizon_days, targets
        self._sessions: dict[tuple, SliceSession] = {}
        self._cells: dict[tuple, SlicedCells] = {}
        self._squares: dict[tuple, dict[tuple[str, date], float] | None] = {}
        self._levels: dict[tuple[str, str, int], tuple[str, str]] = {}

    def resolve(self, partition: str) -> str:
        """Return a partition's id, of any of its names; one that can be computed is added to the company.

        Raises:
            QuestionError: There is no such partition.
        """
        if partition not in self._outline.labels:
            derived = derive_partitions(self.company, [partition], as_of=self.as_of)
            if derived is not self.company:
                self.company = derived
                self._sessions.clear()
                self._cells.clear()
                self._squares.clear()
        return resolve_partition(self.company, partition, self._outline.labels)

    def list_values(self, partition: str) -> list[str]:
        """List the values of a partition that can be filtered by."""
        return [str(one) for one in self._outline.labels[self.resolve(partition)]]

    def list_wanted(self, partition: str, wanted: Any) -> list[str]:
        """List the values that a filter takes in."""
        if not isinstance(wanted, Mapping):
            return list(wanted)
        out = set(wanted[NOT_IN])
        return [one for one in self.list_values(partition) if one not in out]

    def find_levels(self, kpi: Kpi, partition: str) -> tuple[str, str]:
        """Return the partitions one level above and below another; empty where there is none."""
        key = (kpi.id, partition, len(self.company.partitions))
        if key not in self._levels:
            found = find_above(self.company, kpi, partition), find_below(self.company, kpi, partition)
            self._levels[key] = found
        return self._levels[key]

    def list_periods(self, grain: str) -> list[Period]:
        """List the whole periods that can be shown, newest first; the workbook's own where none is whole yet."""
        if grain == CUSTOM:
            return []
        first = to_date(self._outline.first_day)
        whole = [one for one in build_periods(first, self.as_of, grain, self._year) if one.end <= self.as_of]
        return whole[::-1] or [period_of(self.as_of, grain, self._year)]

    def answer(self, state: ExplorerState) -> Answer:
        """Answer a question.

        Returns:
            The answer, whose ``state`` has the period and the ids spelled out; a ``refusal`` where it can't be told.

        Raises:
            QuestionError: A KPI, partition, basis or value is unknown.
            ParameterError: A day is written wrongly.
        """
        kpi = find_kpi(self.company, state.kpi)
        state, notice = self._clear(state, kpi)
        basis = state.basis or kpi.basis[0]
        for one in state.filters:
            refusal = find_refusal(self.company, kpi, [one.partition], as_of=self.as_of)
            if refusal:
                end = state.end or next((day.end.isoformat() for day in self.list_periods(state.grain)), "")
                shown = replace(state, end=end)
                return Answer(shown, kpi, basis, refusal=refusal, refused=one.partition, notice=notice)
        return AskedCells(self, kpi, basis, state, notice).answer()

    def slice(
        self, kpi: Kpi, by: Sequence[tuple[str, ...]], periods: tuple[str, date, date], filters: Mapping[str, Any]
    ) -> SlicedCells:
        """Return the cells of a question under filters; what was asked a moment ago is remembered.

        Args:
            kpi: The KPI.
            by: Combinations of partitions.
            periods: Their grain, the first day and the last.
            filters: Partition → values that count, or ``{"not_in": values}``.
        """
        key = (kpi.id, tuple(by), periods, _freeze(filters))
        if key not in self._cells:
            if len(self._cells) >= REMEMBERED:
                self._cells.pop(next(iter(self._cells)))
            self._cells[key] = self._open(kpi, by, *periods).slice(self._spell(filters))
        return self._cells[key]

    def find_squares(
        self, kpi: Kpi, by: Sequence[str], periods: Sequence[Days], filters: Mapping[str, Any]
    ) -> dict[tuple[str, date], float] | None:
        """Return (slice, first day) → sum of squared amounts, by which a change of a sum of money is tested.

        Args:
            kpi: The KPI.
            by: The partitions.
            periods: First and last days, in their order.
            filters: As for ``slice``.

        Returns:
            None for a KPI that adds up no amounts of records.
        """
        key = (kpi.id, tuple(by), tuple(periods), _freeze(filters))
        if key not in self._squares:
            if len(self._squares) >= REMEMBERED:
                self._squares.pop(next(iter(self._squares)))
            days = {"as_of": self.as_of, "filters": self._spell(filters)}
            self._squares[key] = measure_squares(self.company, kpi.id, periods, by=by, **days)
        return self._squares[key]

    def _spell(self, filters: Mapping[str, Any]) -> dict[str, list[str]] | None:
        return {name: self.list_wanted(name, wanted) for name, wanted in filters.items()} or None

    def _open(self, kpi: Kpi, by: Sequence[tuple[str, ...]], grain: str, start: date, end: date) -> SliceSession:
        """Return a session for a question, the one of the last time where it is the same."""
        key = (kpi.id, tuple(by), grain, start, end)
        if key not in self._sessions:
            if len(self._sessions) >= 8:
                self._sessions.pop(next(iter(self._sessions)))
            days = {"start": start, "end": end, "as_of": self.as_of, "horizon_days": self.horizon_days}
            self._sessions[key] = open_session(self.company, kpis=[kpi.id], by=list(by), grain=grain, **days)
        return self._sessions[key]

    def _clear(self, state: ExplorerState, kpi: Kpi) -> tuple[ExplorerState, str]:
        """Spell the partitions out, and take those off that may not cut the KPI."""
        by = dict.fromkeys(self.resolve(name) for name in state.by)
        refused = [name for name in by if find_refusal(self.company, kpi, [name], as_of=self.as_of)]
        filters = {self.resolve(one.partition): one for one in state.filters}
        spelled = tuple(Filter(id, one.values, one.is_out) for id, one in filters.items())
        basis = state.basis if state.basis in kpi.basis else ""
        names = ", ".join(self.company.partitions[name].label for name in refused)
        notice = f"{names} can't cut {kpi.label} and was taken off." if refused else ""
        if state.basis and not basis:
            notice = f"{notice} {kpi.label} has no basis '{state.basis}'; its usual one is shown.".strip()
        return replace(state, by=tuple(one for one in by if one not in refused), filters=spelled, basis=basis), notice

    @property
    def _year(self) -> int:
        return self.company.fiscal_year_start

    @property
    def _outline(self) -> Any:
        return open_evaluator(self.company, self.as_of).outline


def _freeze(filters: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, repr(wanted)) for name, wanted in filters.items()))
