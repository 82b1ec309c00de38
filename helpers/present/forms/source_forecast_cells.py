"""The cells of the form for source owners: what a row shows, and what is read out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from helpers.answers.goal_numbers import COMMA, POINT, read_goal_text
from helpers.answers.source_forecasts import VALUES
from helpers.model.source_forecast import STATUSES
from helpers.present import words
from helpers.present.forms.grid import make_column

PERIOD, MODEL, START = "period", "model", "start"
UNITS = {"pipeline": "currency", "opportunities": "count"}
DAY_FORMS = ("%Y-%m-%d", "%d %b %Y", "%d %B %Y", "%d.%m.%Y")


def list_forecast_columns(currency: str) -> list[dict[str, Any]]:
    """Describe the columns of one source's table."""
    columns = (
        {"id": PERIOD, "label": "Period", "is_fixed": True, "width": 92},
        {"id": MODEL, "label": "The model expects", "is_fixed": True, "width": 236},
        {"id": "pipeline", "label": "Pipeline you bring", "kind": "number", "unit": currency, "width": 148},
        {"id": "opportunities", "label": "Opportunities", "kind": "number", "width": 124},
        {"id": "note", "label": "What it rests on", "kind": "long_text", "width": 260},
    )
    return [make_column(column) for column in columns]


def list_remedy_columns(suggested: Iterable[str]) -> list[dict[str, Any]]:
    """Describe the columns of the table of remedies; who covers a shortfall may be a source or a person."""
    columns = (
        {"id": PERIOD, "label": "Period", "is_fixed": True, "width": 92},
        {"id": START, "label": "Starts with", "is_fixed": True, "width": 200},
        {"id": "covered_by", "label": "Who covers it", "suggestions": list(suggested), "width": 150},
        {"id": "remedy", "label": "Agreed remedy", "kind": "long_text", "width": 260},
        {"id": "due", "label": "Due", "width": 120},
        {"id": "status", "label": "Status", "kind": "choice", "choices": list(STATUSES.items()), "width": 118},
    )
    return [make_column(column) for column in columns]


def show_values(values: Mapping[str, Any], *, decimal: str = POINT) -> dict[str, str]:
    """Write what is kept of a row as a person types it."""
    return {column: _show(column, value, decimal) for column, value in values.items()}


def read_row(
    kind: str, row: Mapping[str, Any], kept: Mapping[str, Any], *, currency: str, decimal: str = POINT
) -> tuple[dict[str, Any], dict[str, str]]:
    """Read what a row holds.

    Args:
        kind: forecast or remedy.
        row: Column → text as typed.
        kept: The row's values as they stand; a cell that can't be read leaves its own as it is.
        currency: The company's.
        decimal: The sign before fractions where the company is at home.

    Returns:
        The values, and of each cell that can't be read what is wrong and how to mend it.
    """
    values, faults = {}, {}
    for column in VALUES[kind]:
        text = str(row.get(column) or "").strip()
        values[column], fault = _read(column, text, currency, decimal)
        if fault:
            values[column], faults[column] = kept.get(column), fault
    return values, faults


def say_model(row: Mapping[str, Any], currency: str) -> str:
    """Say what the model expects of one source in one period."""
    if words.is_missing(row.get("model_pipeline")):
        return "nothing to go by yet"
    told = words.say_value(row["model_pipeline"], "currency", currency=currency)
    band = words.say_range(row.get("model_low"), row.get("model_high"), "currency", currency=currency)
    count = row.get("model_opportunities")
    many = "" if words.is_missing(count) else f", about {words.count_of(round(count), 'opportunity', 'opportunities')}"
    return f"{told}{f' ({band})' if band else ''}{many}"


def say_start(row: Mapping[str, Any], currency: str) -> str:
    """Say with which coverage a period starts by the owners' forecasts, and what is short."""
    if words.is_missing(row.get("owner_start")):
        return "can't be foreseen yet"
    if words.is_missing(row.get("owner_coverage")):
        return f"{words.say_value(row['owner_start'], 'currency', currency=currency)}; no target is set"
    told = words.say_value(row["owner_coverage"], "ratio", digits=1)
    if words.is_missing(row.get("owner_short")):
        return f"{told} coverage"
    needed = words.say_value(row["needed_coverage"], "ratio", digits=1)
    short = words.say_value(abs(row["owner_short"]), "currency", currency=currency)
    return f"{told} of {needed} needed: {short} {'short' if row['owner_short'] > 0 else 'to spare'}"


def _show(column: str, value: Any, decimal: str) -> str:
    if value is None or value == "":
        return ""
    if column in UNITS:
        text = f"{value:,.2f}".removesuffix(".00") if value < 1e15 else str(value)
        return text.translate(str.maketrans(",.", ".,")) if decimal == COMMA else text
    return words.say_date(value) if isinstance(value, date) else str(value)


def _read(column: str, text: str, currency: str, decimal: str) -> tuple[Any, str]:
    if column in UNITS:
        found = read_goal_text(text, UNITS[column], currency=currency, decimal=decimal)
        whole = found.value is not None and float(found.value).is_integer()
        if column == "opportunities" and found.value is not None and not whole:
            return None, f"'{text[:30]}' is no whole number of opportunities. Write a whole number."
        value = int(found.value) if found.value is not None and whole else found.value
        return value, found.fault.replace("A goal is 0", "A forecast is 0").replace("the goals are", "forecasts are")
    if column == "due":
        return _read_day(text)
    if column == "status":
        return text or None, ""
    return text, ""


def _read_day(text: str) -> tuple[date | None, str]:
    if not text:
        return None, ""
    for form in DAY_FORMS:
        try:
            return datetime.strptime(text, form).date(), ""
        except ValueError:
            continue
    return None, f"'{text[:30]}' is no day. Write it as 15 Nov 2026."
