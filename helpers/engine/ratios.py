"""KPIs that divide one additive KPI by another."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from helpers.engine.counting import Answers, Cells, Plan
from helpers.engine.slicing import Question
from helpers.errors import QuestionError
from helpers.model.kpi import Kpi

DIVIDED = ("volume", "sum", "stock")
"""Kinds of measure that can be added up, and so divided."""


def find_halves(catalog, kpi: Kpi) -> tuple[Kpi, Kpi]:
    """Return numerator and denominator of a ratio.

    Raises:
        QuestionError: One of them can't be added up.
    """
    halves = []
    for id in (kpi.measure.numerator, kpi.measure.denominator):
        half = catalog.kpi(id)
        if half.measure.kind not in DIVIDED:
            raise QuestionError(f"'{kpi.id}' divides '{id}', which can't be added up. Divide volumes, sums or stocks.")
        halves.append(half)
    return halves[0], halves[1]


def plan_ratio(kpi: Kpi, halves: Sequence[Sequence[Plan]]) -> list[Plan]:
    """Plan a ratio from the plans of its halves; none where one of them can't be told."""
    if not all(halves):
        return []
    top, bottom = (plans[0] for plans in halves)
    needs = tuple(dict.fromkeys((*top.needs, *bottom.needs)))
    return [Plan(kpi.basis[0], needs, partial(_finish, kpi, top, bottom))]


def _finish(kpi: Kpi, top: Plan, bottom: Plan, question: Question, got: Answers) -> Cells:
    return divide(kpi, top.finish(question, got), bottom.finish(question, got), question)


def divide(kpi: Kpi, top: Cells, bottom: Cells, question: Question) -> Cells:
    """Divide cell by cell; no cell where the denominator is 0, a numerator that isn't there is 0."""
    width = len(question.axis)
    place = dict(zip((top.slices * width + top.periods).tolist(), top.value.tolist(), strict=True))
    used = bottom.value != 0
    keys = (bottom.slices * width + bottom.periods)[used]
    numerator = np.array([place.get(key, 0.0) for key in keys.tolist()])
    denominator, periods = bottom.value[used], bottom.periods[used]
    value, ended = numerator / denominator, question.ended[periods]
    slices, n = bottom.slices[used], bottom.n[used]
    return Cells(kpi.basis[0], slices, periods, value, n, numerator, denominator, is_complete=ended)
