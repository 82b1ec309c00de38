"""The cells of the owners' forecasts and remedies: their columns, what a text typed there means, how a value looks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from helpers.answers.cascade_cells import write_number
from helpers.answers.day_text import EXAMPLE, read_day_text
from helpers.answers.goal_numbers import POINT, read_goal_text
from helpers.answers.source_forecast_editing import Place
from helpers.answers.source_forecasts import find_fault
from helpers.model.source_forecast import STATUSES
from helpers.present.forms.grid import make_column
from helpers.units import format_value

NUMBERS = {"pipeline": "currency", "opportunities": "count", "amount": "currency"}


def list_forecast_columns(currency: str) -> list[dict[str, Any]]:
    """List the columns in which an owner forecasts."""
    return [
        make_column({"id": "period", "label": "Period", "is_fixed": True, "width": 80}),
        make_column({"id": "model", "label": "By the model", "is_fixed": True, "width": 140}),
        make_column({"id": "said", "label": "Said last", "is_fixed": True, "width": 168}),
        make_column({
            "id": "pipeline", "width": 128, "label": "Your pipeline", "kind": "number", "unit": currency,
            "example": "600k", "help": "New-business pipeline generated in the period",
        }),
        make_column({
            "id": "opportunities", "width": 128, "label": "Your opportunities", "kind": "number", "example": "25",
            "help": "How many are created in the period",
        }),
        make_column({"id": "note", "label": "What it rests on", "kind": "long_text"}),
    ]  # fmt: skip


def list_remedy_columns(currency: str, sources: Sequence[str]) -> list[dict[str, Any]]:
    """List the columns in which people agree who covers a shortfall."""
    return [
        make_column({"id": "period", "label": "Period", "is_fixed": True, "width": 80}),
        make_column({"id": "short", "label": "By the owners' forecasts", "is_fixed": True, "width": 112}),
        make_column({"id": "covered_by", "label": "Who covers it", "suggestions": list(sources), "width": 112}),
        make_column({"id": "remedy", "label": "Agreed remedy", "kind": "long_text"}),
        make_column({
            "id": "amount", "width": 100, "label": "Brings", "kind": "number", "unit": currency, "example": "200k",
            "help": "Pipeline that the remedy is to bring by the start of the period",
        }),
        make_column({"id": "due", "label": "Due", "example": EXAMPLE, "width": 104}),
        make_column({
            "id": "status", "label": "Status", "kind": "choice", "choices": list(STATUSES.items()), "width": 96,
        }),
        make_column({"id": "said", "label": "Last said", "is_fixed": True, "width": 108}),
    ]  # fmt: skip


def read_source_cell(
    place: Place, column: str, text: str, *, currency: str = "USD", decimal: str = POINT
) -> tuple[Any, str]:
    """Read what stands in a cell, and hold its value against what may be kept in its row.

    Args:
        place: The row.
        column: The cell's column.
        text: As typed.
        currency: ISO code of the company's currency.
        decimal: The sign before fractions where the company is at home.

    Returns:
        The value, None or empty where the cell is blank; and what is wrong, with its cure.
    """
    value, fault = _read(column, text.strip(), currency, decimal)
    if fault or value in (None, ""):
        return value, fault
    at = {"grain": place[2], "period_start": place[3]} | ({"source": place[1]} if place[0] == "forecast" else {})
    found = find_fault(place[0], {**at, column: value})
    return value, f"{found[1][:1].upper()}{found[1][1:]}. {found[2]}" if found else ""


def write_source_cell(column: str, value: Any, decimal: str = POINT) -> str:
    """Write a value as people would type it, so that reading it gives the same.

    >>> write_source_cell("pipeline", 600_000.0, ","), write_source_cell("due", date(2026, 11, 15))
    ('600.000', '15 Nov 2026')
    """
    if value is None:
        return ""
    if isinstance(value, date):
        return format_value(value, "date")
    return write_number(float(value), NUMBERS[column], decimal) if column in NUMBERS else str(value)


def _read(column: str, text: str, currency: str, decimal: str) -> tuple[Any, str]:
    if column in NUMBERS:
        found = read_goal_text(text, NUMBERS[column], currency=currency, decimal=decimal)
        is_broken = column == "opportunities" and found.value is not None and not float(found.value).is_integer()
        return found.value, "Opportunities are whole. Write a whole number." if is_broken else found.fault
    if column == "due":
        return read_day_text(text)
    return (text or None) if column == "status" else text, ""
