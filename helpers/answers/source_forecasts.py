"""Forecasts of the source owners: ``answers/source_forecasts/<author>.toml``, one file per author, with their history.

A person writes only to the own file. A row younger than a quarter of an hour is replaced, as it is still being typed;
an older one stays, so that every forecast can later be held against what came of it.
"""

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from helpers.answers.fields import LARGEST, find_text_fault
from helpers.answers.files import Topic, list_topics, read_topic
from helpers.answers.problems import Problem, describe_error, make_problem
from helpers.errors import AnswersError, suggest
from helpers.model.source_forecast import (
    STATUSES,
    ShortfallRemedy,
    SourceForecast,
    SourceForecasts,
    order_forecasts,
    rank_moment,
)
from helpers.periods import GRAINS

GROUP = "source_forecasts"
KEYS = {
    "forecast": tuple(f.name for f in fields(SourceForecast) if f.name != "author"),
    "remedy": tuple(f.name for f in fields(ShortfallRemedy) if f.name != "author"),
}
VALUES = {
    "forecast": ("pipeline", "opportunities", "note"),
    "remedy": ("covered_by", "remedy", "amount", "due", "status"),
}
"""What people type, by kind of row; everything else says which cell it is and when."""

DRAFT = "draft"
"""Texts that were typed into a cell and aren't allowed there; they wait in the author's file until they are mended."""

TEXT_LIMIT = 2_000
STILL_TYPED = timedelta(minutes=15)
EXAMPLE_DAY = "2026-11-15"

Fault = tuple[str, str, str]
"""Key, what is wrong, what to do."""


def read_source_forecasts(folder: Path) -> tuple[SourceForecasts, list[Problem]]:
    """Read everybody's forecasts and remedies.

    Returns:
        All of them with their history, and the problems: a row that isn't allowed is left out, and a damaged file of
        one author leaves the others' as they are.
    """
    forecasts: list[SourceForecast] = []
    remedies: list[ShortfallRemedy] = []
    problems: list[Problem] = []
    for name in list_topics(Path(folder), GROUP):
        try:
            topic = read_topic(Path(folder), name)
        except AnswersError as error:
            problems.append(describe_error(error, name))
            continue
        mine = read_author(topic, problems)
        forecasts.extend(mine.forecasts)
        remedies.extend(mine.remedies)
    return order_forecasts(forecasts, remedies), problems


def read_author(topic: Topic, problems: list[Problem] | None = None) -> SourceForecasts:
    """Take one author's rows out of a file; what isn't allowed is left out and told in ``problems``."""
    problems = [] if problems is None else problems
    author = str(topic.values.get("author", topic.name.split("/")[-1]))
    for key in topic.values:
        if key not in ("author", "forecast", "remedy", DRAFT):
            allowed = ("author", "forecast", "remedy")
            cure = f"Allowed: {', '.join(allowed)}.{suggest(key, allowed)}"
            problems.append(make_problem(topic, "", key, key, "this key is unknown", cure))
    found: dict[str, list[dict[str, Any]]] = {}
    for kind in ("forecast", "remedy"):
        rows = topic.values.get(kind, [])
        if not isinstance(rows, list):
            problems.append(make_problem(topic, kind, "", rows, "this is no list", f"Write [[{kind}]]."))
            rows = []
        for index, row in enumerate(rows):
            record = dict(row) if isinstance(row, Mapping) else {}
            fault = find_fault(kind, record)
            if fault:
                key, message, cure = fault
                told = f"{message}; the row is set aside"
                problems.append(make_problem(topic, kind, key, record.get(key, ""), told, cure, index=index))
                continue
            found.setdefault(kind, []).append({**record, "author": author})
    return order_forecasts(
        (SourceForecast(**row) for row in found.get("forecast", [])),
        (ShortfallRemedy(**row) for row in found.get("remedy", [])),
    )


def find_fault(kind: str, record: Mapping[str, Any]) -> Fault | None:
    """Say what is wrong with a row, at which key, and what to do.

    Args:
        kind: forecast or remedy.
        record: The row as a TOML table.
    """
    for key in record:
        if key not in KEYS[kind]:
            return key, "this key is unknown", f"Allowed: {', '.join(KEYS[kind])}.{suggest(key, KEYS[kind])}"
    if kind == "forecast" and not (isinstance(record.get("source"), str) and record["source"].strip()):
        return "source", "the source is missing", "Name it as the CRM does."
    if record.get("grain") not in GRAINS:
        said = record.get("grain", "nothing")
        return (
            "grain",
            f"'{said}' is no length of a period",
            f"Allowed: {', '.join(GRAINS)}.{suggest(str(said), GRAINS)}",
        )
    if not _is_day(record.get("period_start")):
        return (
            "period_start",
            "the period's first day is missing or no day",
            "Write 2026-10-01, without quotation marks.",
        )
    for key in ("source", "note", "covered_by", "remedy"):
        fault = find_text_fault(key, record.get(key, ""), TEXT_LIMIT)
        if fault:
            return fault
    for key in ("pipeline", "opportunities", "amount"):
        fault = _find_number_fault(key, record.get(key))
        if fault:
            return fault
    if record.get("due") is not None and not _is_day(record["due"]):
        return "due", "the due date is no day", f"Write {EXAMPLE_DAY}, without quotation marks."
    status = record.get("status", "proposed")
    if status not in STATUSES:
        return "status", f"'{status}' is unknown", f"Allowed: {', '.join(STATUSES)}.{suggest(str(status), STATUSES)}"
    if record.get("at") is not None and not isinstance(record["at"], datetime):
        return "at", "this is no moment", "Write it as 2026-10-05T09:30:00."
    return None


def put_row(
    values: Mapping[str, Any], kind: str, place: Mapping[str, Any], typed: Mapping[str, Any], at: datetime
) -> dict[str, Any]:
    """Put what was typed into a file's tables: over the row still being typed, else as a new one after the others.

    Args:
        values: The file's tables.
        kind: forecast or remedy.
        place: Which cell: source, grain and period_start; a remedy has no source.
        typed: The values as kept; blank ones are left out.
        at: When.
    """
    rows = [dict(row) for row in values.get(kind, [])]
    kept = {key: value for key, value in typed.items() if value not in (None, "")}
    row = {**place, **{k: int(v) if isinstance(v, float) and v.is_integer() else v for k, v in kept.items()}, "at": at}
    same = [i for i, one in enumerate(rows) if all(one.get(key) == value for key, value in place.items())]
    last = max(same, key=lambda i: _moment(rows[i]), default=None)
    if last is not None and 0 <= at.timestamp() - _moment(rows[last]) < STILL_TYPED.total_seconds():
        rows[last] = row
    else:
        rows.append(row)
    return {**values, kind: rows}


def hide_source_forecasts(found: SourceForecasts, hide: Any) -> SourceForecasts:
    """Return the same under pseudonyms: authors, and who covers a shortfall where that is an author.

    Args:
        found: With names.
        hide: Returns a name's pseudonym.
    """
    authors = {one.author.casefold() for one in (*found.forecasts, *found.remedies)}

    def cover(name: str) -> str:
        return hide(name) if name.casefold() in authors else name

    return SourceForecasts(
        tuple(replace(one, author=hide(one.author)) for one in found.forecasts),
        tuple(replace(one, author=hide(one.author), covered_by=cover(one.covered_by)) for one in found.remedies),
    )


def _moment(row: Mapping[str, Any]) -> float:
    at = row.get("at")
    return rank_moment(at if isinstance(at, datetime) else None)


def _is_day(value: Any) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _find_number_fault(key: str, value: Any) -> Fault | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return key, f"{key} is no number", "Write a plain number, without separators and units."
    if not 0 <= value <= LARGEST:
        what = "an amount" if key == "amount" else "a forecast"
        return key, f"{value:,} can't be {what}", "Write a number of 0 or more."
    if key == "opportunities" and not float(value).is_integer():
        return key, f"{value} is no whole number of opportunities", "Write a whole number."
    return None
