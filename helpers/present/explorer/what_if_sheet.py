"""What-if on the spot: a slice brings more or converts better, and what comes of it in deals and revenue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from helpers.analyses.exploration import Exploration
from helpers.analyses.exploration_answer import Answer
from helpers.analyses.what_if import AS_IS, HELD, MARGINAL, WhatIf
from helpers.analyses.what_if_question import ask_what_if
from helpers.errors import DiagnosticError
from helpers.present import words
from helpers.present.explorer.writing import cut_name

VOLUME, RATE = (-50, 200, 5), (-20, 20, 1)
FIRST_VOLUME = "20"
CASES = {AS_IS: "As it is", HELD: "Rates held constant", MARGINAL: "Added records at the lower marginal rate"}
TITLE = "What if a slice brought more, or converted better?"


def describe_what_if(exploration: Exploration, answer: Answer, values: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the effect of moving a slice of the first partition.

    Args:
        exploration: Whose company it is.
        answer: What is on screen.
        values: What the fields hold: slice, volume (percent) and rate (points); empty moves the largest slice, or the
            one that is filtered by.
    """
    nothing = {"kind": "what_if", "title": TITLE, "fields": [], "rows": [], "notes": []}
    panel = next(iter(answer.panels), None)
    names = [] if panel is None else [str(one) for one in panel.frame["slice"].iloc[: len(panel.frame)]]
    names = names[:-1] if panel is not None and panel.left_out else names
    if panel is None or not names:
        return nothing | {"text": "Cut by a partition first: a what-if moves one slice."}
    chosen = panel.frame.loc[panel.frame["is_chosen"], "slice"]
    slice = str(values.get("slice") or (chosen.iloc[0] if len(chosen) else names[0]))
    volume = _clamp(values.get("volume", FIRST_VOLUME), VOLUME)
    rate = _clamp(values.get("rate", 0), RATE)
    fields = _fields(panel.label, names, slice, volume, rate)
    asked = {"by": panel.partition, "slice": slice, "volume": f"{volume:+d} %", "rate": f"{rate:+d} points"}
    filters = {name: exploration.list_wanted(name, one) for name, one in _filters(answer, panel.partition).items()}
    try:
        found = ask_what_if(
            exploration.company, asked, period=answer.period, as_of=exploration.as_of, filters=filters or None
        )
    except DiagnosticError as refused:
        return nothing | {"fields": fields, "text": str(refused)}
    if not found.is_told:
        return nothing | {"fields": fields, "text": f"{found.why_not} {found.cure}".strip()}
    notes = [note for note in (found.needs_sentence, *found.notes) if note]
    return nothing | {
        "title": words.clean_text(found.headline) or TITLE,
        "text": f"In a period like {answer.period.label}, counted in {found.what}.",
        "fields": fields,
        "heads": [
            "",
            words.label_of(found.what),
            "Deals won",
            "Change",
            *(["Revenue", "Change"] if found.has_money else []),
        ],
        "rows": _rows(found, exploration.company.currency),
        "numbers": 5 if found.has_money else 3,
        "notes": [words.clean_text(note if note.endswith(".") else f"{note}.") for note in notes],
    }


def _fields(label: str, names: list[str], slice: str, volume: int, rate: int) -> list[dict[str, Any]]:
    low, high, step = VOLUME
    least, most, by = RATE
    options = [[name, cut_name(name)] for name in names]
    return [
        {"name": "slice", "label": label, "options": options, "value": slice, "said": ""},
        {"name": "volume", "label": "Volume", "min": low, "max": high, "step": step, "value": volume, "unit": "%",
         "said": f"{volume:+d} %"},
        {"name": "rate", "label": "Rate", "min": least, "max": most, "step": by, "value": rate, "unit": "points",
         "said": f"{rate:+d} points"},
    ]  # fmt: skip


def _rows(found: WhatIf, currency: str) -> list[dict[str, Any]]:
    rows = []
    for row in found.outcomes.to_dict("records"):
        cells = [CASES[row["case"]], f"{row['volume']:,.0f}", _between(row, "deals", "count", currency)]
        is_first = row["case"] == AS_IS
        cells.append("" if is_first else words.say_change(round(row["change_deals"], 1), "count"))
        if found.has_money:
            cells.append(_between(row, "revenue", "currency", currency))
            cells.append("" if is_first else words.say_change(row["change_revenue"], "currency", currency=currency))
        rows.append({"cells": cells, "class": "is_small" if is_first else ""})
    return rows


def _between(row: Mapping[str, Any], name: str, unit: str, currency: str) -> str:
    value, low, high = (row[key] for key in (name, f"{name}_low", f"{name}_high"))
    if unit == "count":
        value, low, high = (round(one, 1 if one < 10 else 0) for one in (value, low, high))
    within = words.say_range(low, high, unit, currency=currency)
    return f"{words.say_value(value, unit, currency=currency)} ({within})" if within else words.say_value(value, unit)


def _filters(answer: Answer, partition: str) -> dict[str, Any]:
    return answer.state.to_filters(without=partition)


def _clamp(value: Any, limits: tuple[int, int, int]) -> int:
    try:
        number = round(float(value))
    except (TypeError, ValueError):
        number = 0
    return min(max(number, limits[0]), limits[1])
