"""Texts as people type them into the board, and the values that its files keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from helpers.answers.board_records import write_whys
from helpers.answers.day_text import read_day_text
from helpers.answers.goal_numbers import read_goal_text
from helpers.model.board import Why
from helpers.present import words
from helpers.units import format_value

DATES = ("start", "due", "done_on")
NUMBERS = {"confidence": "share", "contribution": "", "effort": "count", "expected_from": "kpi", "expected_to": "kpi"}
"""Field → unit; empty takes the gap's, ``kpi`` that of the action's KPI."""


@dataclass(frozen=True)
class BoardWords:
    """What texts on the board are read and written with.

    Attributes:
        currency: ISO code of the company's currency.
        unit: The gap's unit.
        kpis: KPI's id → label and unit.
        families: KPI's id → the heading below which it is offered; one list where there are none.
    """

    currency: str = "USD"
    unit: str = "currency"
    kpis: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    families: Mapping[str, str] = field(default_factory=dict)

    def list_kpis(self) -> list[list[Any]]:
        """List what a KPI is chosen from: a heading and its KPIs, or id and label where KPIs have no heading."""
        found: dict[str, list[list[Any]]] = {}
        for id, (label, _) in self.kpis.items():
            found.setdefault(self.families.get(id, ""), []).append([id, label])
        return [*found.pop("", []), *([heading, offered] for heading, offered in found.items())]

    def unit_of(self, key: str, kpi: str) -> str:
        """Return the unit of a number."""
        unit = NUMBERS[key] or self.unit
        return self.kpis.get(kpi, ("", "count"))[1] if unit == "kpi" else unit


def read_text(key: str, typed: Any, said: BoardWords, *, kpi: str = "", whys: tuple[Why, ...] = ()) -> tuple[Any, str]:
    """Read what stands in a field.

    Args:
        key: The field.
        typed: Its text; of the whys a list of texts.
        said: Units and currency.
        kpi: The action's KPI, whose unit its effect has.
        whys: As they stand, whose evidence stays with them.

    Returns:
        The value to keep, None where blank; and what is wrong with it.
    """
    if key == "whys":
        texts = [str(one) for one in typed] if isinstance(typed, list) else []
        evidence = [why.evidence for why in whys] + [()] * len(texts)
        kept = [Why(text.strip(), proof) for text, proof in zip(texts, evidence, strict=False) if text.strip()]
        return write_whys(tuple(kept)), ""
    text = str(typed or "").strip()
    if key == "controllable":
        return {"yes": True, "no": False}.get(text), ""
    if key in DATES:
        return read_day_text(text)
    if key in NUMBERS:
        found = read_goal_text(text, said.unit_of(key, kpi), currency=said.currency)
        value = int(found.value) if found.value is not None and float(found.value).is_integer() else found.value
        return value, found.fault
    return text or None, ""


def write_number(value: float | None, unit: str, *, currency: str = "USD") -> str:
    """Write a number so that reading it gives the same one.

    >>> write_number(0.6, "share"), write_number(120000, "currency"), write_number(None, "count")
    ('60 %', '120,000', '')
    """
    if value is None:
        return ""
    if unit == "share":
        return f"{round(100 * value, 4):g} %"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.6g}"


def write_date(day: date | None) -> str:
    """Write a day so that reading it gives the same one."""
    return words.say_date(day) if day else ""


def say_effect(kpi: str, start: float | None, end: float | None, said: BoardWords) -> str:
    """Say what an action is to do to which KPI, in words."""
    label, unit = said.kpis.get(kpi, (kpi, "count"))
    if not label:
        return ""
    ends = [format_value(one, unit, currency=said.currency) if one is not None else "?" for one in (start, end)]
    return label if start is None and end is None else f"{label} {ends[0]} → {ends[1]}"
