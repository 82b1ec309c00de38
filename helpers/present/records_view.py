"""The records behind a number: as a table with links into the CRM, and as a file to take along."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from helpers.analyses.records import RECORD_COLUMNS, RecordList
from helpers.errors import ParameterError
from helpers.present.display import Display, show_message, show_table
from helpers.present.outputs import write_table
from helpers.present.spreadsheet import defuse, write_report_workbook
from helpers.present.words import label_of, say_value

MOST_SHOWN = 200
"""Records of one list that a page holds; the file holds all of them."""

FORMATS = (".csv", ".xlsx")
MONEY = ("amount", "amount_before", "amount_after")
IDENTITY = ("record", "name", "link")
"""Columns that stay whatever they hold: they say which record it is."""


def show_records(found: RecordList | None, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show the records behind a number, each with why it counts and a link to it.

    Args:
        found: The result of ``list_records``; None where there is no slice.
        subtitle: Company, period, last day.
        currency: The company's currency.
    """
    if found is None:
        return show_message("empty", "There is no slice yet whose records could be listed")
    if found.frame.empty:
        return show_message("empty", found.sentence, subtitle)
    labels = {"counts": "Counts for", "why": "Why it counts"}
    frame, same = fold_constants(trim_records(found.frame), labels, said=found.sentence, currency=currency)
    units = {name: "currency" for name in MONEY if name in frame}
    frame, links = place_links(frame)
    left = len(frame) - MOST_SHOWN
    note = f"The first {MOST_SHOWN} of {len(frame):,} records; the file holds all of them." if left > 0 else ""
    return show_table(
        frame.head(MOST_SHOWN),
        title=found.sentence,
        subtitle=" · ".join(part for part in (same, subtitle) if part),
        units=units,
        labels=labels,
        currency=currency,
        marks=links,
        note=note,
    )


def tabulate_records(found: RecordList | None) -> pd.DataFrame:
    """Return the records as the table that a report keeps; without a row where there are none."""
    return pd.DataFrame(columns=RECORD_COLUMNS) if found is None else found.frame


def trim_records(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out what says nothing here: columns without a value, and counts that are 1 for every record."""
    kept = [name for name in frame if frame[name].notna().any() and not (frame[name].astype(str) == "").all()]
    if "counts" in kept and (frame["counts"] == 1).all():
        kept.remove("counts")
    return frame[[name for name in kept if name != "object"]]


def fold_constants(
    frame: pd.DataFrame, labels: Mapping[str, str], *, said: str = "", currency: str = "USD"
) -> tuple[pd.DataFrame, str]:
    """Take out of a list of records what says nothing there: columns without a value, and those that say one thing.

    Args:
        frame: One row per record.
        labels: Column → heading.
        said: What stands above the list already and needn't be said again.
        currency: The company's currency.

    Returns:
        The frame without these columns, and what all of its records share as a sentence: empty where there is nothing,
        or a single record.
    """
    kept = [name for name in frame if frame[name].notna().any() and not (frame[name].astype(str) == "").all()]
    frame = frame[kept]
    if len(frame) < 2:
        return frame, ""
    shared = [
        name for name in kept if name not in IDENTITY and frame[name].notna().all() and frame[name].nunique() == 1
    ]
    parts = []
    for name in shared:
        text = say_value(frame[name].iloc[0], "currency" if name in MONEY else "count", currency=currency)
        if text not in said:
            parts.append(text if name == "why" else f"{labels.get(name, label_of(name)).lower()} {text}")
    sentence = f"For all {len(frame):,}: {', '.join(parts)}" if parts else ""
    return frame.drop(columns=shared), sentence


def place_links(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Let each record's id lead into the CRM where its address is known; returns the frame and its marks."""
    if "link" not in frame or "record" not in frame:
        return frame, {}
    return frame.rename(columns={"link": "record_link"}), {"record": "link"}


def export_records(found: RecordList, path: Path, *, currency: str = "USD") -> Path:
    """Write the records behind a number as CSV or XLSX.

    Args:
        found: The result of ``list_records``.
        path: The file; its ending says which.
        currency: The company's currency.

    Returns:
        The path written. Text that begins like a formula stays text in both.

    Raises:
        ParameterError: The ending is neither.
        OSError: The file can't be written.
    """
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise ParameterError(f"'{path.name}' ends in '{ending}'. Records are written as {' or '.join(FORMATS)}.")
    if ending == ".xlsx":
        sheet = found.frame.rename(columns=label_of)
        return write_report_workbook(
            {"Records": sheet},
            path,
            currency=currency,
            units={"Records": {"Amount": "currency"}},
            descriptions={"Records": found.sentence},
            title="Records behind a number",
        )
    safe = found.frame.copy()
    for name in safe:
        if pd.api.types.is_string_dtype(safe[name]):
            safe[name] = safe[name].map(defuse, na_action="ignore")
    write_table(safe, path)
    return path
