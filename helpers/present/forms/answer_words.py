"""Answers in words: what a conflict or an earlier version says, question by question."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape
from typing import Any

from helpers.answers.fields import check_answer
from helpers.model.survey import SurveyField

NO_ANSWER = "no answer"
UNIT_WORDS = {"share": "%", "days": "days", "ratio": "×", "currency_per_day": "a day"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LONGEST = 400


def say_unit(field: SurveyField, currency: str = "USD") -> str:
    """Return the unit that stands beside a question; empty where it has none.

    >>> say_unit(SurveyField(id="goal", label="Goal", type="currency", unit="currency"), "EUR")
    'EUR'
    """
    return currency if field.type == "currency" else UNIT_WORDS.get(field.unit, "")


def say_number(field: SurveyField, value: float, currency: str = "USD") -> str:
    """Write a number as it was understood, with its unit.

    >>> say_number(SurveyField(id="share", label="Share", type="number", unit="share"), 0.6)
    '60 %'
    """
    if field.unit == "share":
        return f"{value * 100:.10g} %"
    text = f"{value:.10g}" if field.unit == "year" else f"{value:,.10g}"
    unit = say_unit(field, currency)
    return f"{unit} {text}" if field.type == "currency" else f"{text} {unit}".strip()


def say_answer(field: SurveyField, raw: Any) -> str:
    """Write an answer as a person would read it aloud.

    Args:
        field: The question, or a column of a grid.
        raw: The answer as typed or chosen.

    >>> say_answer(SurveyField(id="ok", label="OK?", type="yes_no_unknown"), "unknown")
    "Don't know"
    >>> share = SurveyField(id="share", label="Share", type="number", unit="share")
    >>> say_answer(share, "60"), say_answer(share, 0.6), say_answer(share, "most")
    ('60 %', '60 %', 'most')
    """
    if raw is None or raw in ("", [], {}):
        return NO_ANSWER
    if field.type == "grid" and isinstance(raw, list):
        names = [_row_name(field, row) for row in raw if isinstance(row, Mapping) and row]
        return ", ".join(names) or NO_ANSWER
    if isinstance(raw, list | tuple):
        words = [field.allowed.get(str(item), str(item)) for item in raw]
        numbered = field.type == "ranked"
        return "  ".join(f"{n}. {word}" for n, word in enumerate(words, start=1)) if numbered else ", ".join(words)
    if field.type in ("number", "currency"):
        value, faults = check_answer(field, raw)
        if isinstance(value, int | float) and not faults:
            is_typed_amount = field.type == "currency" and isinstance(raw, str)
            return f"{value:,.10g}" if is_typed_amount else say_number(field, value)
    text = field.allowed.get(str(raw), str(raw))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def list_differences(field: SurveyField, one: Any, other: Any) -> list[tuple[str, str, str]]:
    """Tell where two answers to one question differ.

    Returns:
        Place, the one and the other in words; for a grid one entry per cell that differs, rows known by their names.
        Empty where both say the same.
    """
    if field.type != "grid":
        said = say_answer(field, one), say_answer(field, other)
        return [(field.short or field.label, *said)] if said[0] != said[1] else []
    ones, others = _rows_by_name(field, one), _rows_by_name(field, other)
    found = []
    for name in [*ones, *(name for name in others if name not in ones)]:
        if name not in ones or name not in others:
            here, there = ("row is there", "no such row") if name in ones else ("no such row", "row is there")
            found.append((name, here, there))
            continue
        for column in field.columns:
            said = say_answer(column, ones[name].get(column.id)), say_answer(column, others[name].get(column.id))
            if said[0] != said[1]:
                found.append((f"{name}: {column.short or column.label}", *said))
    if not found and list(ones) != list(others):
        found.append(("Order of the rows", ", ".join(ones), ", ".join(others)))
    return found


def write_differences(rows: Iterable[tuple[str, str, str]], *, heads: tuple[str, str, str], most: int = 12) -> str:
    """Write differences as a table; everything that people typed is escaped."""
    rows = list(rows)
    shown = "".join(
        f'<tr><th scope="row">{escape(place)}</th><td>{escape(one)}</td><td>{escape(other)}</td></tr>'
        for place, one, other in rows[:most]
    )
    more = f'<p class="red-help">and {len(rows) - most} more</p>' if len(rows) > most else ""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    return f'<table class="red-differences"><thead><tr>{head}</tr></thead><tbody>{shown}</tbody></table>{more}'


def say_time(moment: datetime, *, today: datetime | None = None) -> str:
    """Write a moment; the day is left out where it is today's.

    >>> say_time(datetime(2026, 9, 30, 9, 5))
    '30 Sep 2026, 09:05'
    """
    if moment.tzinfo is not None:
        moment = moment.astimezone()
    clock = f"{moment:%H:%M}"
    if today is not None and today.date() == moment.date():
        return clock
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}, {clock}"


def _rows_by_name(field: SurveyField, raw: Any) -> dict[str, Mapping[str, Any]]:
    rows: dict[str, Mapping[str, Any]] = {}
    for number, row in enumerate(raw if isinstance(raw, list) else [], start=1):
        if not isinstance(row, Mapping) or not row:
            continue
        name = _row_name(field, row) or f"Row {number}"
        rows[name if name not in rows else f"{name} ({number})"] = row
    return rows


def _row_name(field: SurveyField, row: Mapping[str, Any]) -> str:
    return say_answer(field.columns[0], row.get(field.key)) if row.get(field.key) else ""
