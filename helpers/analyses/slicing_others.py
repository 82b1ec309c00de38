"""The slices beyond the named ones, together as one: counts added up, rates and medians computed anew."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.slicing_filters import JOINT
from helpers.analyses.slicing_question import SliceQuestion
from helpers.engine.doubt import wilson_interval
from helpers.engine.journeys import BLANK
from helpers.model.dimension import Partition
from helpers.periods import Period

OTHERS = "all others"
"""How the rest is called."""

HALVES = ("volume", "sum", "stock", "conversion", "outcome_share", "average", "push", "pipeline_conversion", "coverage")
"""Kinds of measure whose numerators and denominators add up over slices."""


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
    names = set(rest)
    mine = cells[cells["slice"].isin(names)]
    if mine.empty:
        return mine
    if question.kpi.measure.kind == "coverage" or not _can_ask(question):
        found = _add_halves(question, mine)
    elif len(question.by) == 1:
        found = replace(question.narrow({question.by[0]: list(rest)}), by=()).count(period, [()])
    elif question.kpi.measure.kind in HALVES and _is_proportion(question, mine):
        found = _add_halves(question, mine)
    else:
        joined = replace(question, company=_join_partitions(question.company, question.by), by=())
        found = joined.narrow({JOINT.join(question.by): list(rest)}).count(period, [()])
    return found.assign(dimension=mine["dimension"].iloc[0], slice=OTHERS)


def _can_ask(question: SliceQuestion) -> bool:
    """Tell whether the records are at hand for another question; elsewhere only what came back can be added up."""
    return len(question.by) == 1 or getattr(question.company, "warehouse", None) is None


def _is_proportion(question: SliceQuestion, cells: pd.DataFrame) -> bool:
    """Tell whether the rest's interval follows from its halves, or none is needed."""
    return not cells["low"].notna().any() or _is_share_of_records(question)


def _is_share_of_records(question: SliceQuestion) -> bool:
    """Tell whether the numerator's records are a subset of the denominator's, so that Wilson's interval holds."""
    measure = question.kpi.measure
    if measure.kind == "conversion":
        return question.basis == "cohort"
    return measure.kind == "push" or (measure.kind == "outcome_share" and measure.weight is None)


def _add_halves(question: SliceQuestion, cells: pd.DataFrame) -> pd.DataFrame:
    row = cells.iloc[[0]].copy()
    numerator, denominator = (cells[name].sum(min_count=1) for name in ("numerator", "denominator"))
    n = int(cells["n"].sum())
    is_count = question.is_additive
    value = cells["value"].sum() if is_count else numerator / denominator if denominator else np.nan
    if question.kpi.measure.kind not in HALVES:
        value = numerator = denominator = np.nan
    low = high = np.nan
    if _is_share_of_records(question) and n:
        confidence = question.company.catalog.rules.confidence
        low, high = (float(end[0]) for end in wilson_interval(np.array([numerator]), np.array([float(n)]), confidence))
    row = row.assign(numerator=numerator, denominator=denominator, value=value, n=n, low=low, high=high)
    return row.assign(is_complete=bool(cells["is_complete"].all()), n=pd.array([n], dtype="Int64"))


def _join_partitions(company: Any, by: Sequence[str]) -> Any:
    """Return the company with the partitions of a cut as one, so that any set of its slices can be asked for."""
    tables, carriers = dict(company.tables), {}
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
