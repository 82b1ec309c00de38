"""The slices beyond the named ones, together as one: counts added up, rates and medians computed anew."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.slicing_filters import JOINT
from helpers.analyses.slicing_question import SliceQuestion
from helpers.engine.aggregates import Answers, Evaluator, Need, Results, Spread
from helpers.engine.answering import answer, is_counted
from helpers.engine.cell_frame import build_frame
from helpers.engine.cells import ask, lay_lenses, open_evaluator
from helpers.engine.journeys import BLANK
from helpers.engine.slicing import Lens, Question
from helpers.engine.timeline import as_axis
from helpers.model.dimension import Partition
from helpers.periods import Period

OTHERS = "all others"
"""How the rest is called."""

DEAL_SIDE = ("deal", "deal_history", "customer", "subscription")
"""Tables behind what stood on a day: fetched from a warehouse, while events are counted where they lie."""


def count_others(question: SliceQuestion, cells: pd.DataFrame, rest: Sequence[str], period: Period) -> pd.DataFrame:
    """Compute the rest as one slice: never an average of averages.

    Args:
        question: The question, with the cut.
        cells: The cells of all its slices in the period.
        rest: The names of the slices that go into it.
        period: The period.

    Returns:
        One row with the columns of ``cells``, called "all others"; none where the rest has no value. The rate of the
        rest has an interval of its own; a median is that of all its records.
    """
    mine = cells[cells["slice"].isin(set(rest))]
    if mine.empty:
        return mine
    if question.kpi.measure.kind == "coverage":
        found = _add_halves(mine)
    elif is_counted(question.company, question.kpi):
        found = _count_as_one(question, rest, period)
    elif len(question.by) == 1:
        found = replace(question.narrow({question.by[0]: list(rest)}), by=()).count(period, [()])
    else:
        joined = replace(question, company=_join_partitions(question.company, question.by), by=())
        found = joined.narrow({JOINT.join(question.by): list(rest)}).count(period, [()])
    return found.assign(dimension=mine["dimension"].iloc[0], slice=OTHERS)


class SlicesAsOne:
    """An evaluator that counts some slices of a cut as if they were one: what it counts adds up over slices.

    Args:
        evaluator: Who counts.
        names: The slices.
    """

    def __init__(self, evaluator: Evaluator, names: Sequence[str]) -> None:
        self._evaluator, self._names = evaluator, set(names)

    def __getattr__(self, name: str) -> Any:
        """Know all else as the evaluator does."""
        return getattr(self._evaluator, name)

    def evaluate(self, question: Question, asked: Mapping[Lens, Collection[Need]]) -> Answers:
        """Answer all needs, the slices that are one in the place of their first."""
        results = self._evaluator.evaluate(question, asked)
        return Answers({(need, lens.by): self._join(results, need, lens) for lens in asked for need in asked[lens]})

    def _join(self, results: Results, need: Need, lens: Lens) -> np.ndarray | Spread:
        answer = results[need, lens.by]
        if isinstance(answer, Spread):
            mine = np.isin(answer.slices, self._find(lens, np.unique(answer.slices)))
            width = int(answer.days.max(initial=0)) + 1
            keys, place = np.unique(answer.periods[mine] * width + answer.days[mine], return_inverse=True)
            n = np.zeros(len(keys), np.int64)
            np.add.at(n, place, answer.n[mine])
            return Spread(np.zeros(len(keys), np.int64), keys // width, keys % width, n)
        joined = np.zeros_like(answer)
        if len(joined):
            joined[0] = answer[self._find(lens, np.flatnonzero(answer.any(axis=1)))].sum(axis=0)
        return joined

    def _find(self, lens: Lens, slices: np.ndarray) -> np.ndarray:
        return slices[[name in self._names for name in lens.names(slices).tolist()]]


def _count_as_one(question: SliceQuestion, rest: Sequence[str], period: Period) -> pd.DataFrame:
    """Count slices as one, wherever the records lie."""
    company, kpi = question.company, question.kpi
    evaluator = open_evaluator(company, question.as_of)
    days = (period.grain, period.start, period.end)
    asked = ask(company, evaluator, *days, question.filters, question.horizon_days)
    asked = replace(asked, evaluator=SlicesAsOne(evaluator, rest), axis=as_axis([period], period.grain))
    blocks = answer(company, asked, [kpi], lay_lenses(company, asked, [question.by]), lambda *_: True)
    cells = build_frame(blocks, asked.axis, [kpi])
    return cells[cells["basis"] == question.basis].reset_index(drop=True)


def _add_halves(cells: pd.DataFrame) -> pd.DataFrame:
    numerator, denominator = (cells[name].sum(min_count=1) for name in ("numerator", "denominator"))
    value = numerator / denominator if denominator else np.nan
    row = cells.iloc[[0]].assign(numerator=numerator, denominator=denominator, value=value, low=np.nan, high=np.nan)
    n = pd.array([int(cells["n"].sum())], dtype="Int64")
    return row.assign(is_complete=bool(cells["is_complete"].all()), n=n)


def _join_partitions(company: Any, by: Sequence[str]) -> Any:
    """Return the company with the partitions of a cut as one, so that any set of its slices can be asked for."""
    at_hand = company.tables if getattr(company, "warehouse", None) is None else DEAL_SIDE
    tables, carriers = {name: company.tables[name] for name in at_hand if name in company.tables}, {}
    ids = [_resolve(company, name) for name in by]
    column = JOINT.join(by)
    for object in company.partitions[ids[0]].objects:
        columns = [company.partitions[id].objects.get(object) for id in ids]
        table = tables.get(object)
        if table is None or any(name is None or name not in table for name in columns):
            continue
        texts = [table[name].astype("str").where(table[name].notna(), BLANK) for name in columns]
        joined = texts[0]
        for text in texts[1:]:
            joined = joined + JOINT + text
        tables[object] = table.assign(**{column: joined.astype("str")})
        carriers[object] = column
    partition = Partition(id=column, label=column, objects=carriers, known="entry")
    return replace(company, tables=tables, partitions={**company.partitions, column: partition}, warehouse=None)


def _resolve(company: Any, name: str) -> str:
    if name in company.partitions:
        return name
    return next(id for id, partition in company.partitions.items() if name in partition.aliases)
