"""Ask the same question under one filter after the other: folded records stay in memory, only slicing is done anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from helpers.engine.answering import Block, answer
from helpers.engine.cell_frame import build_frame
from helpers.engine.cells import allows, ask, choose_kpis, lay_lenses, open_evaluator
from helpers.engine.slicing import Lens, Question, read_filters
from helpers.engine.timeline import to_date
from helpers.errors import QuestionError, suggest
from helpers.model.kpi import Kpi


@dataclass(frozen=True)
class CellColumns:
    """The cells of one KPI on one basis through one combination of partitions, as parallel columns.

    Attributes:
        slices: Text of the slice.
        starts: First day of the period.
        value, n, numerator, denominator, low, high: Floats, NaN where there is none.
        is_complete: Whether nothing can change the number any more but corrections.
    """

    slices: np.ndarray
    starts: np.ndarray
    value: np.ndarray
    n: np.ndarray
    numerator: np.ndarray
    denominator: np.ndarray
    low: np.ndarray
    high: np.ndarray
    is_complete: np.ndarray

    def __len__(self) -> int:
        return len(self.value)


class SlicedCells:
    """All cells of a session under one filter."""

    def __init__(self, question: Question, kpis: Sequence[Kpi], lenses: Sequence[Lens], blocks: Sequence[Block]):
        self._question = question
        self._kpis = kpis
        self._places = {lens.by: place for place, lens in reversed(list(enumerate(lenses)))}
        self._blocks = blocks

    def __len__(self) -> int:
        """How many cells there are."""
        return sum(len(block.cells.value) for block in self._blocks)

    def to_frame(self) -> pd.DataFrame:
        """Return what ``build_cells`` returns."""
        return build_frame(self._blocks, self._question.axis, self._kpis)

    def pick(self, kpi: str, *, basis: str = "", by: Sequence[str] = ()) -> CellColumns:
        """Return the cells of one KPI through one combination of partitions.

        Args:
            kpi: Its id.
            basis: period, cohort, outcome or snapshot; empty takes the KPI's usual one among those that are told.
            by: Partition ids, as the session was opened with.

        Returns:
            Its columns, sorted by slice and period; empty where the data can't tell it.

        Raises:
            QuestionError: The session wasn't opened for that KPI or combination.
        """
        known = [one.id for one in self._kpis]
        if kpi not in known or tuple(by) not in self._places:
            wanted = f"KPI '{kpi}'" if kpi not in known else f"the partitions {', '.join(by)}"
            raise QuestionError(
                f"The session wasn't opened for {wanted}.{suggest(kpi, known)} Open one that holds them."
            )
        place = self._places[tuple(by)]
        for block in sorted(self._blocks, key=lambda block: block.rank):
            if block.kpi.id == kpi and basis in ("", block.cells.basis) and place in block.stack.places:
                return self._columns(block, place)
        nothing = np.empty(0)
        return CellColumns(*[nothing] * 8, nothing.astype(bool))

    def _columns(self, block: Block, place: int) -> CellColumns:
        """Cut one lens's cells out of a block: they lie one after the other."""
        at = int(np.flatnonzero(block.stack.places == place)[0])
        lens, cells, first = block.stack.lenses[at], block.cells, int(block.stack.offsets[at])
        mine = slice(*np.searchsorted(cells.slices, [first, first + lens.n_slices]))
        nothing = np.full(len(cells.value[mine]), np.nan)
        starts = self._question.axis.starts[cells.periods[mine]].astype("datetime64[D]")
        numbers = [cells.value, cells.n, cells.numerator, cells.denominator, cells.low, cells.high]
        columns = [nothing if one is None else np.asarray(one[mine], float) for one in numbers]
        return CellColumns(lens.names(cells.slices[mine] - first), starts, *columns, cells.is_complete[mine])


class SliceSession:
    """KPIs, partitions and periods that are looked at under one filter after the other."""

    def __init__(self, company, question: Question, kpis: Sequence[Kpi], lenses: Sequence[Lens], *, strict: bool):
        self._company = company
        self._question = question
        self._lenses = lenses
        self._strict = strict
        self.kpis = tuple(kpis)

    @property
    def periods(self) -> list[tuple[date, date]]:
        """First and last day of every period, oldest first."""
        axis = self._question.axis
        return [(to_date(start), to_date(end)) for start, end in zip(axis.starts, axis.ends, strict=True)]

    def list_values(self, partition: str) -> list[str]:
        """List the values of a partition that can be filtered by, ``(blank)`` for missing ones last."""
        return self._question.outline.labels[partition].tolist()

    def slice(self, filters: Mapping[str, object] | None = None) -> SlicedCells:
        """Compute all cells under a filter.

        Args:
            filters: Partition → value or list of values that records must have; as for ``build_cells``.

        Returns:
            The cells; ``to_frame`` gives the table that ``build_cells`` returns, ``pick`` single columns without it.

        Raises:
            QuestionError: A partition or value is unknown, or one of the KPIs may not be cut by it.
        """
        base = self._question
        question = base
        if filters:
            question = replace(base, filters=read_filters(self._company, base.outline.labels, filters), cache={})
        lenses = [lens.with_question(question) for lens in self._lenses]

        def allowed(kpi: Kpi, lens: Lens) -> bool:
            return allows(self._company, kpi, (*lens.by, *question.filters), strict=self._strict)

        blocks = answer(self._company, question, self.kpis, lenses, allowed)
        return SlicedCells(question, self.kpis, lenses, blocks)


def open_session(
    company,
    *,
    kpis: Sequence[str] | None = None,
    by: Sequence[Sequence[str] | str] = ((),),
    grain: str = "quarter",
    start: date | str | None = None,
    end: date | str | None = None,
    as_of: date | str | None = None,
    horizon_days: int | None = None,
) -> SliceSession:
    """Open a session for a question that will be asked under many filters.

    What is read of the records stays in memory as long as the company does; opening another session with other KPIs,
    partitions or periods on the same company and day only adds what is new.

    Args:
        company: The opened company; it isn't changed.
        kpis: KPI ids; this and what follows is as for ``build_cells``.
        by: Combinations of partitions.
        grain: One of ``SLICING_GRAINS``, or all.
        start: Periods that end before this day are left out.
        end: Periods that start after this day are left out.
        as_of: The last day that counts.
        horizon_days: Days that a cohort is given.

    Returns:
        The session; ``session.slice(filters)`` answers.

    Raises:
        QuestionError: A KPI or partition is unknown.
        ParameterError: A grain or a day is written wrongly.
    """
    evaluator = open_evaluator(company, as_of)
    question = ask(company, evaluator, grain, start, end, None, horizon_days)
    chosen = choose_kpis(company, evaluator.outline, kpis)
    return SliceSession(company, question, chosen, lay_lenses(company, question, by), strict=kpis is not None)
