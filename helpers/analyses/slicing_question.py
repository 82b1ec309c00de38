"""One question to the engine: a KPI, its cut, its basis, its filters, asked of any period in the same way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pandas as pd

from helpers.analyses.slicing_filters import JOINT, resolve_filters
from helpers.engine.cells import allows, build_cells, open_evaluator
from helpers.engine.slicing import resolve_partition
from helpers.errors import QuestionError, suggest
from helpers.model.kpi import Kpi
from helpers.periods import CUSTOM, Period

HISTORY_PERIODS, HISTORY_STRETCHES = 12, 4
"""How many periods before the one shown tell how much counts usually vary, and how many stretches of named days."""


@dataclass(frozen=True)
class SliceQuestion:
    """What is asked of the engine, whatever the period.

    Attributes:
        company: The company.
        kpi: The KPI.
        by: The partitions that cut it; empty is the company.
        basis: cohort, period, outcome or snapshot.
        as_of: The last day that counts; None takes everything.
        filters: Partition → values that count.
        horizon_days: Days that a cohort is given; None is to date.
    """

    company: Any
    kpi: Kpi
    by: tuple[str, ...]
    basis: str
    as_of: Any = None
    filters: Mapping[str, Any] | None = None
    horizon_days: int | None = None

    @property
    def is_additive(self) -> bool:
        """Whether the values of the slices add up to the company's."""
        return self.kpi.is_count

    def count(self, period: Period, cuts: Sequence[tuple[str, ...]]) -> pd.DataFrame:
        """Return the cells of one period, through each of the cuts.

        Returns:
            One row per cut and slice with the columns of ``kpis.csv``.
        """
        cells = self._count(period.grain, period.start, period.end, cuts)
        return cells[pd.to_datetime(cells["period_start"]).dt.date == period.start].reset_index(drop=True)

    def count_history(self, period: Period, compared: Period) -> pd.DataFrame | None:
        """Return the cells of the cut in complete periods before the one shown, from which is learnt what is usual.

        Args:
            period: The period shown.
            compared: The period that it is compared with: it isn't part of what is usual.

        Returns:
            One row per slice and period with the columns of ``kpis.csv``; None for what isn't counted from events.
        """
        if self.kpi.measure.kind not in ("volume", "sum"):
            return None
        if period.grain == CUSTOM:
            stretches = [period.previous(back) for back in range(1, HISTORY_STRETCHES + 1)]
            cells = pd.concat([self.count(one, [self.by]) for one in stretches], ignore_index=True)
        else:
            first, last = period.previous(HISTORY_PERIODS), period.previous()
            cells = self._count(period.grain, first.start, last.end, [self.by])
        is_compared = pd.to_datetime(cells["period_start"]).dt.date == compared.start
        return cells[cells["is_complete"].astype(bool) & ~is_compared].reset_index(drop=True)

    def _count(self, grain: str, start: date, end: date, cuts: Sequence[tuple[str, ...]]) -> pd.DataFrame:
        cells = build_cells(
            self.company,
            kpis=[self.kpi.id],
            by=list(cuts),
            grain=grain,
            start=start,
            end=end,
            as_of=self.as_of,
            filters=dict(self.filters or {}) or None,
            horizon_days=self.horizon_days,
        )
        return cells[cells["basis"] == self.basis]

    def narrow(self, filters: Mapping[str, Any]) -> "SliceQuestion":
        """Return the same question over fewer records."""
        return replace(self, filters={**(self.filters or {}), **filters})


def ask_slices(
    company: Any,
    kpi: str,
    by: Sequence[str],
    *,
    basis: str | None = None,
    as_of: Any = None,
    filters: Mapping[str, Any] | None = None,
    horizon_days: int | None = None,
) -> SliceQuestion:
    """Check a question and lay it out.

    Raises:
        QuestionError: The KPI, a partition, the basis or a filter is unknown, or a partition isn't known early enough
            to cut a rate.
    """
    definition = find_kpi(company, kpi)
    chosen = basis or definition.basis[0]
    if chosen not in definition.basis:
        raise QuestionError(
            f"{definition.label} has no basis '{chosen}'. It has: {', '.join(definition.basis)}."
            f"{suggest(chosen, definition.basis)}"
        )
    resolved = resolve_filters(company, filters, as_of=as_of)
    refusal = find_refusal(company, definition, [*by, *(filters or {})], as_of=as_of)
    if refusal:
        raise QuestionError(refusal)
    return SliceQuestion(company, definition, tuple(by), chosen, as_of, resolved, horizon_days)


def find_kpi(company: Any, kpi: str) -> Kpi:
    """Return a KPI, a conversion between any two stages among them.

    Raises:
        QuestionError: There is none of that id.
    """
    if kpi not in company.catalog.kpis and "_to_" in kpi:
        first, _, last = kpi.partition("_to_")
        if first in company.catalog.stages and last in company.catalog.stages:
            return company.catalog.conversion(first, last)
    return company.catalog.kpi(kpi)


def find_refusal(company: Any, kpi: Kpi, partitions: Sequence[str], *, as_of: Any = None) -> str:
    """Say why a KPI may not be cut or filtered by partitions; empty where it may.

    Raises:
        QuestionError: A partition is unknown.
    """
    labels = open_evaluator(company, as_of).outline.labels
    ids = [resolve_partition(company, name, labels) for name in partitions]
    try:
        allows(company, kpi, ids, strict=True)
    except QuestionError as refused:
        return str(refused)
    return ""


def name_cut(by: Sequence[str]) -> str:
    """Return how a cut is called in tables."""
    return JOINT.join(by)
