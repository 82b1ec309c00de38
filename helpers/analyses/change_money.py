"""What a test of a change of money needs beside the cells: how large the squares of the amounts are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.slicing_question import find_kpi
from helpers.engine.aggregates import Aggregate
from helpers.engine.cells import ask, lay_lenses, open_evaluator
from helpers.engine.counting import plan_measure
from helpers.engine.slicing import Lens, Question
from helpers.engine.timeline import PeriodAxis, day_number, to_date, to_days
from helpers.periods import CUSTOM

Days = tuple[date, date]


def add_squares(
    company: Any,
    cells: pd.DataFrame,
    kpi: str,
    *,
    by: Sequence[str] = (),
    as_of: Any = None,
    filters: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Add the sum of the squared amounts behind every cell of a sum of money.

    Args:
        company: The opened company.
        cells: Cells of one KPI and one way of cutting it, with slice, period_start and period_end.
        kpi: The KPI.
        by: The partitions that cut it, as in ``build_cells``.
        as_of: The last day that counts.
        filters: Partition → value or values that count.

    Returns:
        The same rows with a column ``squares``; missing for a KPI that adds up no amounts of records.
    """
    if cells.empty:
        return cells.assign(squares=np.nan)
    starts, ends = (to_days(cells[name]).tolist() for name in ("period_start", "period_end"))
    periods = [(to_date(start), to_date(end)) for start, end in sorted(set(zip(starts, ends, strict=True)))]
    squares = measure_squares(company, kpi, periods, by=by, as_of=as_of, filters=filters)
    if squares is None:
        return cells.assign(squares=np.nan)
    keys = zip(cells["slice"].astype(str), map(to_date, starts), strict=True)
    return cells.assign(squares=[squares.get(key, 0.0) for key in keys])


def measure_squares(
    company: Any,
    kpi: str,
    periods: Sequence[Days],
    *,
    by: Sequence[str] = (),
    as_of: Any = None,
    filters: Mapping[str, Any] | None = None,
) -> dict[tuple[str, date], float] | None:
    """Add up the squared amounts behind a sum of money, wherever the records lie.

    Args:
        company: The opened company.
        kpi: The KPI.
        periods: First and last days, in their order.
        by: The partitions that cut it.
        as_of: The last day that counts.
        filters: Partition → value or values that count.

    Returns:
        (slice, first day) → squares, where they aren't 0; None for a KPI that adds up no amounts of records.
    """
    measure = find_kpi(company, kpi).measure
    if measure.kind != "sum" or not periods:
        return None
    evaluator = open_evaluator(company, as_of)
    first, last = periods[0][0], max(end for _, end in periods)
    asked = ask(company, evaluator, CUSTOM, first, last, filters)
    found: dict[tuple[str, date], float] = {}
    for axis in _lay_axes(periods):
        question = replace(asked, axis=axis, cache={}, known={})
        [lens] = lay_lenses(company, question, [tuple(by)])
        need = _find_need(question, lens, measure)
        if need is None:
            return None
        squares = np.asarray(evaluator.evaluate(question, {lens: [need]})[need, lens.by])[:, 1:]
        slices, columns = np.nonzero(squares)
        days = [to_date(axis.starts[column]) for column in columns]
        names = map(str, lens.names(slices))
        found |= dict(zip(zip(names, days, strict=True), squares[slices, columns].tolist(), strict=True))
    return found


def _find_need(question: Question, lens: Lens, measure: Any) -> Aggregate | None:
    """Return the squares of what the engine adds up; sessions are left out, since their rows are no records."""
    plans = plan_measure(measure, (), question, lens.by)
    summed = next((need for plan in plans for need in plan.needs if need.field and need.power == 1), None)
    if summed is None or question.outline.objects[summed.event.object].is_weighted:
        return None
    return replace(summed, power=2)


def _lay_axes(periods: Sequence[Days]) -> list[PeriodAxis]:
    """Return one axis for all periods, the days between them as periods of their own; one each where they overlap."""
    spans = [(day_number(start), day_number(end)) for start, end in periods]
    if any(after[0] <= before[1] for before, after in pairwise(spans)):
        return [_axis([span]) for span in spans]
    between = [(before[1] + 1, after[0] - 1) for before, after in pairwise(spans) if after[0] > before[1] + 1]
    return [_axis(sorted([*spans, *between]))]


def _axis(spans: Sequence[tuple[int, int]]) -> PeriodAxis:
    starts, ends = (np.array(days, np.int64) for days in zip(*spans, strict=True))
    return PeriodAxis(CUSTOM, starts, ends)
