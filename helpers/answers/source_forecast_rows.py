"""The tables of a file of source forecasts: their keys, what is allowed, and which source and period they mean."""

import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from helpers.answers.fields import LARGEST, UNSHOWABLE
from helpers.errors import suggest
from helpers.model.source_forecast import AGREEMENT_STATUSES
from helpers.periods import GRAINS

FORECAST, AGREEMENT = "forecast", "agreement"
SAID = {
    FORECAST: ("pipeline", "generated", "opportunities", "note"),
    AGREEMENT: ("covered_by", "remedy", "amount", "due", "status"),
}
"""Table → what people say in it, in the order in which it is written."""

KEYS = {
    FORECAST: ("source", "grain", "period_start", *SAID[FORECAST], "at"),
    AGREEMENT: ("grain", "period_start", *SAID[AGREEMENT], "at"),
}
NUMBERS = ("pipeline", "generated", "opportunities", "amount")
TEXTS = ("source", "note", "covered_by", "remedy")
TEXT_LIMIT = 2_000
"""Characters."""

Wrong = tuple[str, str, str]
"""Key, what is wrong, what to do."""


def find_fault_in_row(table: str, row: Any) -> Wrong | None:
    """Say what isn't allowed in a table; None where all is."""
    if not isinstance(row, Mapping):
        return "", f"this is no {table}", f"Write [[{table}]] in double brackets."
    for key in row:
        if key not in KEYS[table]:
            return key, "this key is unknown", f"Allowed: {', '.join(KEYS[table])}.{suggest(key, KEYS[table])}"
    if table == FORECAST and not (isinstance(row.get("source"), str) and row["source"].strip()):
        return "source", "the source is missing", "Name it as the exports do, such as Webinar."
    grain = row.get("grain", "quarter")
    if grain not in GRAINS:
        return "grain", f"'{grain}' is no grain", f"Allowed: {', '.join(GRAINS)}.{suggest(str(grain), GRAINS)}"
    for key in ("period_start", "due"):
        if not isinstance(row.get(key), date) and (key in row or key == "period_start"):
            what = "the period's first day is missing or no day" if key == "period_start" else "this is no day"
            return key, what, "Write it as 2026-10-01, without quotation marks."
    return _find_fault_in_values(row)


def _find_fault_in_values(row: Mapping[str, Any]) -> Wrong | None:
    for key in NUMBERS:
        value = row.get(key, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return key, f"{key} is no number", "Write a plain number, without separators and units."
        if not 0 <= value <= LARGEST:
            return key, f"{key} is below 0 or larger than can be kept", "Write a number from 0 on."
    for key in TEXTS:
        text = row.get(key, "")
        if not isinstance(text, str):
            return key, f"{key} is no text", "Write it in quotation marks."
        if len(text) > TEXT_LIMIT:
            return key, f"the text has {len(text):,} characters", f"At most {TEXT_LIMIT:,} are kept; shorten it."
        wrong = UNSHOWABLE.search(text)
        if wrong:
            return key, f"the text holds a sign that can't be shown (U+{ord(wrong.group()):04X})", "Delete it."
    status = row.get("status", "open")
    if status not in AGREEMENT_STATUSES:
        cure = f"Allowed: {', '.join(AGREEMENT_STATUSES)}.{suggest(str(status), AGREEMENT_STATUSES)}"
        return "status", f"'{str(status)[:40]}' is no status", cure
    if "at" in row and not isinstance(row["at"], datetime):
        return "at", "this is no moment", "Write it as 2026-10-05T09:30:00."
    return None


def key_of(table: str, row: Mapping[str, Any]) -> tuple[str, str, date]:
    """Return which source (empty for an agreement), grain and period a table is about."""
    source = row["source"].casefold() if table == FORECAST else ""
    return source, row.get("grain", "quarter"), to_plain_date(row["period_start"])


def moment_of(row: Mapping[str, Any]) -> datetime:
    """Return when a table was said, on the author's own clock; the earliest moment where it doesn't tell."""
    at = row.get("at")
    return at.replace(tzinfo=None) if isinstance(at, datetime) else datetime.min


def is_blank_row(table: str, row: Mapping[str, Any]) -> bool:
    """Tell whether nothing is said in a table; a status alone says nothing."""
    return all(row.get(key) in (None, "") for key in SAID[table] if key != "status")


def to_plain_date(value: date) -> date:
    """Return a day without a time."""
    return value.date() if isinstance(value, datetime) else value
