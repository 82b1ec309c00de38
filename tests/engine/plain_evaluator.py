"""Count what a question needs record by record, straight from the definitions: slow, and nothing to get wrong."""

from collections import Counter

import numpy as np

from helpers.engine.aggregates import Aggregate, Event, Histogram, Step
from helpers.engine.journeys import Records
from helpers.engine.timeline import NO_DAY, PeriodAxis


def find_column(day: int, axis: PeriodAxis) -> int | None:
    """Return 0 before the first period, 1 in the first, …; None after the last and without a day."""
    if day == NO_DAY or not len(axis) or day > axis.ends[-1]:
        return None
    return sum(day >= start for start in axis.starts.tolist())


def list_rows(records: Records, event: Event, step: Step | None, labels, filters) -> list[tuple[int, int, int]]:
    """Return position, day of the event and days of the step of every record that counts."""
    rows = []
    for i in range(records.n):
        day = int(records.reached[event.stage, event.business][i])
        wanted = [
            (id, [labels[id].tolist().index(one) for one in values if one in labels[id]]) for id, values in event.where
        ]
        if day == NO_DAY or any(int(records.codes[id][i]) not in codes for id, codes in [*wanted, *filters.items()]):
            continue
        took = 0
        if step is not None:
            start = int(records.reached[step.from_stage, step.from_business][i])
            stop = int(records.reached[step.to_stage, step.to_business][i])
            took = stop - start
            if NO_DAY in (start, stop) or took < 0 or (step.within is not None and took > step.within):
                continue
        rows.append((i, day, took))
    return rows


def weigh(records: Records, need: Aggregate, i: int) -> float:
    """Return what one record adds."""
    if not need.field:
        return 1.0 if records.weight is None else float(records.weight[i])
    if not records.known[need.field][i]:
        return 0.0
    cents = int(records.cents[need.field][i])
    return float({0: 1, 1: cents, 2: (cents / 100) ** 2}[need.power])


def count_plainly(records: Records, axis: PeriodAxis, need, by: tuple[str, ...], labels, filters) -> dict[tuple, float]:
    """Return (codes of the slice, column) → sum for an aggregate, (codes, period, days) → n for a histogram."""
    found: Counter = Counter()
    for i, day, took in list_rows(records, need.event, need.step, labels, filters):
        column = find_column(day, axis)
        codes = tuple(int(records.codes[id][i]) for id in by)
        if column is not None and isinstance(need, Histogram) and column > 0:
            found[codes, column - 1, took] += 1
        elif column is not None and isinstance(need, Aggregate):
            found[codes, column] += weigh(records, need, i)
    return {key: value for key, value in found.items() if value}


def read_answer(answer, lens) -> dict[tuple, float]:
    """Bring an evaluator's answer into the same form."""

    def codes_of(slice_: int) -> tuple[int, ...]:
        key, codes = int(slice_ if lens.occupied is None else lens.occupied[slice_]), []
        for size in reversed(lens.sizes):
            key, code = divmod(key, size)
            codes.append(code)
        return tuple(reversed(codes))

    if isinstance(answer, np.ndarray):
        assert answer.shape == (lens.n_slices, len(lens.question.axis) + 1)
        slices, columns = np.nonzero(answer)
        return {(codes_of(s), int(c)): float(answer[s, c]) for s, c in zip(slices, columns, strict=True)}
    order = np.lexsort((answer.days, answer.periods, answer.slices))
    assert (order == np.arange(len(order))).all(), "a histogram is sorted"
    rows = zip(answer.slices, answer.periods, answer.days, answer.n, strict=True)
    return {(codes_of(s), int(p), int(d)): int(n) for s, p, d, n in rows}
