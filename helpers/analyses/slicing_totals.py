"""Do the slices add up, and which of them moved the company? Reconciliation and contributions to the change."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.analyses.slicing_filters import is_blank, name_cuts
from helpers.analyses.slicing_question import SliceQuestion
from helpers.units import format_value, in_sentence

CENT = 0.005
MAY_HAVE_NO_VALUE = ("velocity", "coverage", "pipeline_conversion", "ratio", "outcome_share")
"""Kinds of measure that have no cell where there is nothing to divide by."""


@dataclass(frozen=True)
class Reconciliation:
    """Whether the slices of a cut are the company.

    Attributes:
        what: What is added up: the value of a count, else the records behind the rate or median.
        unit: Its unit.
        named: Over the slices with a value in every partition.
        blank: Over the slices with a missing one.
        company: The company's own.
        missing: What is in the company and in no slice: records that don't carry the partition.
        sentence: All of it in words.
    """

    what: str
    unit: str
    named: float
    blank: float
    company: float
    missing: float
    sentence: str

    @property
    def is_exact(self) -> bool:
        """Whether the slices and the blank one are the company, to the cent."""
        return abs(self.missing) < CENT


def reconcile(question: SliceQuestion, cells: pd.DataFrame, whole: pd.DataFrame) -> Reconciliation:
    """Add the slices up and set them beside the company.

    Args:
        question: The question, with its cut.
        cells: The cells of all slices, none left out or folded.
        whole: The company's own cell, under the same filters; empty where it has none.
    """
    kpi, is_count = question.kpi, question.is_additive
    column = "value" if is_count else "n"
    blank = cells["slice"].map(is_blank).astype(bool) if len(cells) else pd.Series(dtype=bool)
    named, missing_values = (float(cells.loc[mask, column].astype(float).sum()) for mask in (~blank, blank))
    company = float(whole[column].astype(float).sum()) if len(whole) else 0.0
    missing = round(company - named - missing_values, 2)
    unit = kpi.unit if is_count else "count"
    what = in_sentence(kpi.label) if is_count else "records"
    sentence = _say(question, (named, missing_values, company, missing), unit, what, int((~blank).sum()))
    return Reconciliation(what, unit, named, missing_values, company, missing, sentence)


def _say(question: SliceQuestion, sums: tuple[float, float, float, float], unit: str, what: str, n_named: int) -> str:
    named, blank, company, missing = (
        format_value(value, unit, currency=question.company.currency, digits=2 if unit == "currency" else None)
        for value in sums
    )
    cut = name_cuts(question.by)
    total = f"{company} {what}" if unit == "count" else f"{company} of {what}"
    if not sums[0] and not sums[1] and sums[2]:
        return f"None of the company's {total} can be cut by {cut}: the records behind it don't carry it"
    parts = f"{n_named} slices {named} + (blank) {blank}"
    if abs(sums[3]) < CENT:
        return f"{parts} = {total} in the company"
    if sums[3] > 0 and question.kpi.measure.kind in MAY_HAVE_NO_VALUE:
        return f"{parts} + {missing} in slices that have no value of their own = {total} in the company"
    if sums[3] > 0:
        return f"{parts} + {missing} on records that don't carry {cut} = {total} in the company"
    over = format_value(-sums[3], unit, currency=question.company.currency)
    return f"{parts} is {over} more than the company's {total}: what has parts in several slices counts in each"


def add_contributions(now: pd.DataFrame, before: pd.DataFrame, *, is_additive: bool) -> pd.Series:
    """Tell what each slice added to the change of the whole.

    A count's contribution is its own change. A rate's is the change in its weight times its distance from the whole's
    earlier rate: w₁(r₁ − R₀) − w₀(r₀ − R₀), which adds up to R₁ − R₀ over all slices, whatever moved between them.

    Args:
        now: The slices of the period, with ``slice``, ``value``, ``numerator``, ``denominator``.
        before: Those of the period compared with.
        is_additive: Whether the KPI is a count.

    Returns:
        One number per slice of either period, named by it, in the KPI's unit; missing where it has no halves.
    """
    first, second = before.set_index("slice"), now.set_index("slice")
    names = second.index.union(first.index, sort=False)
    first, second = first.reindex(names), second.reindex(names)
    if is_additive:
        return second["value"].fillna(0).sub(first["value"].fillna(0))
    halves = [frame[name].astype(float).fillna(0) for frame in (first, second) for name in ("numerator", "denominator")]
    x0, y0, x1, y1 = halves
    if not y0.sum() or not y1.sum() or first["denominator"].isna().all() or second["denominator"].isna().all():
        return pd.Series(np.nan, index=names)
    rate = x0.sum() / y0.sum()
    return (x1 - rate * y1) / y1.sum() - (x0 - rate * y0) / y0.sum()
