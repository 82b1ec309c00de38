"""The finding of what is on screen, in a sentence."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from helpers.analyses.slicing_filters import NOT_IN, describe_filters
from helpers.analyses.slicing_words import headline_slices
from helpers.units import format_value, in_sentence

if TYPE_CHECKING:
    from helpers.analyses.exploration_answer import Answer

SURE = 0.05
LONGEST = 80
"""Signs of a value that a sentence has room for."""


def headline_exploration(answer: "Answer", currency: str) -> str:
    """Say what the numbers on screen show: of the slices where nothing is filtered, else of what is filtered by."""
    if not answer.total or _is_missing(answer.total.get("value")):
        return f"{answer.kpi.label} can't be told for this question"
    free = [panel for panel in answer.panels if not panel.frame["is_chosen"].any() and len(panel.frame) > 1]
    if answer.state.filters or not free:
        return _say_total(answer, currency)
    panel = free[0]
    frame = panel.frame.assign(slice=panel.frame["slice"].str.slice(0, LONGEST))
    return headline_slices(frame, answer.kpi, (panel.partition,), answer.period, currency)


def _say_total(answer: "Answer", currency: str) -> str:
    """Say what the whole that is filtered by comes to; how few records it has, where they are too few to judge."""
    said = _compare_total(answer, currency)
    n = int(answer.total["n"])
    records = "record" if n == 1 else "records"
    return f"{said}; {n} {records} are too few to judge" if answer.total.get("is_small") else said


def _compare_total(answer: "Answer", currency: str) -> str:
    kpi, total, company = answer.kpi, answer.total, answer.company

    def written(value: float) -> str:
        return format_value(value, kpi.unit, currency=currency)

    where = describe_filters(_shorten(answer.state.to_filters()))
    value, before = total["value"], total.get("previous_value")
    within = f" for {where}" if where else ""
    if not answer.total.get("is_small") and not _is_missing(before) and (total.get("q_value") or 1) < SURE:
        way = "fell" if value < before else "rose"
        return f"{kpi.label} {way} from {written(before)} to {written(value)}{within}"
    whole = company.get("value")
    if kpi.is_count and where and whole:
        share = format_value(value / whole, "share")
        return f"{share} of {in_sentence(kpi.label)} in {answer.period.label}: {where}"
    if where and not _is_missing(whole):
        return f"{kpi.label} is {written(value)}{within}, against {written(whole)} in the company"
    against = "" if _is_missing(before) else f", against {written(before)} before: no more than chance"
    return f"{kpi.label} is {written(value)} in {answer.period.label}{against}"


def _shorten(filters: Mapping[str, Any]) -> dict[str, Any]:
    def cut(values: Sequence[str]) -> list[str]:
        return [one if len(one) <= LONGEST else f"{one[: LONGEST - 1]}…" for one in values]

    return {
        name: {NOT_IN: cut(wanted[NOT_IN])} if isinstance(wanted, Mapping) else cut(wanted)
        for name, wanted in filters.items()
    }


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
