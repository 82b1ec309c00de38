"""How the explorer writes numbers, names and slices; the script shows what stands here and computes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helpers.present import words
from helpers.present.theme import judge_change

LONGEST_NAME = 160
SURE = 0.05


@dataclass(frozen=True)
class Writer:
    """Writes the numbers of one KPI.

    Attributes:
        unit: The KPI's unit.
        direction: Which way is good.
        currency: ISO code of the company's currency.
    """

    unit: str
    direction: str
    currency: str

    def value(self, value: Any) -> str:
        """Write a value, short."""
        return words.say_value(value, self.unit, currency=self.currency)

    def change(self, row: Mapping[str, Any]) -> tuple[str, str]:
        """Write a change and its tone; coloured only where it is more than chance."""
        change = row.get("change")
        if words.is_missing(change):
            return "", "grey"
        text = words.say_change(change, self.unit, currency=self.currency)
        if self.unit == "share":
            text = text.replace(" points", " pts").replace(" point", " pt")
        sure = not words.is_missing(row.get("q_value")) and row["q_value"] < SURE
        return text.removesuffix(" days"), judge_change(float(change), self.direction) if sure else "grey"

    def range(self, row: Mapping[str, Any]) -> str:
        """Write an interval; empty where there is none."""
        return words.say_range(row["low"], row["high"], self.unit, currency=self.currency)

    def row(self, name: str, row: Mapping[str, Any], before: str) -> str:
        """Write a slice as it is read aloud."""
        within = self.range(row)
        parts = [f"{name}: {self.value(row['value'])}", f"between {within}" if within else "", words.say_n(row["n"])]
        if before and not words.is_missing(row.get("previous_value")):
            parts.append(f"{before} {self.value(row['previous_value'])}")
        parts.append("too few records to judge" if row.get("is_small") else "")
        parts.append("" if row["is_complete"] else "not complete yet")
        return ", ".join(part for part in parts if part)


def cut_name(value: Any) -> str:
    """Return a slice's name as it can be shown: readable, and not endless."""
    text = " ".join(words.clean_text(value).split()) or "(empty text)"
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def number_or_none(value: Any) -> float | None:
    """Return a number as JSON can hold it."""
    if words.is_missing(value):
        return None
    found = float(value)
    return found if abs(found) < float("inf") else None
