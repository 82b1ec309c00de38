"""The records behind a number: as a table with links into the CRM, and as a file to take along."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.analyses.records import RECORD_COLUMNS, RecordList
from helpers.errors import ParameterError
from helpers.present.display import Display, show_message, show_table
from helpers.present.outputs import write_table
from helpers.present.spreadsheet import defuse, write_report_workbook
from helpers.present.words import label_of

MOST_SHOWN = 200
"""Records of one list that a page holds; the file holds all of them."""

FORMATS = (".csv", ".xlsx")
MONEY = ("amount",)


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
    frame = trim_records(found.frame)
    units = {name: "currency" for name in MONEY if name in frame}
    links = {"link": "link"} if "link" in frame else {}
    left = len(frame) - MOST_SHOWN
    note = f"The first {MOST_SHOWN} of {len(frame):,} records; the file holds all of them." if left > 0 else ""
    return show_table(
        frame.head(MOST_SHOWN),
        title=found.sentence,
        subtitle=subtitle,
        units=units,
        labels={"link": "In the CRM", "counts": "Counts for"},
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
