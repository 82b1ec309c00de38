"""Issues as a table for a terminal: one line each, with file, row, column, value, message and cure."""

from collections.abc import Sequence

import pandas as pd

SHOWN_COLUMNS = ("severity", "file", "row", "column", "value", "message", "cure")
ORDER = ("error", "warning", "note")
MOST_OF_A_KIND = 20
MOST_ROWS = 200
LONGEST_VALUE = 40


def describe_issues(
    issues: pd.DataFrame, *, most_of_a_kind: int = MOST_OF_A_KIND, most_rows: int = MOST_ROWS
) -> list[str]:
    """Write issues as the lines of a table, errors first, then in the order of their files and rows.

    Args:
        issues: The columns of ``issues.csv``.
        most_of_a_kind: Issues of one kind (severity, code, file and column) that are shown.
        most_rows: Issues shown in all.

    Returns:
        One line for the header, one per issue shown, and, where some are left out, a last one that says how many and
        where they all are. No lines where there are no issues.

    >>> frame = pd.DataFrame([["deals.csv", 2, "Amount", "no_number", "error", "x", "Not a number", "Correct it"]],
    ...     columns=["file", "row", "column", "code", "severity", "value", "message", "cure"])
    >>> print("\\n".join(describe_issues(frame)))
    severity  file       row  column  value  message       cure
    error     deals.csv  2    Amount  x      Not a number  Correct it
    """
    if not len(issues):
        return []
    rank = issues["severity"].map({severity: place for place, severity in enumerate(ORDER)}).fillna(len(ORDER))
    ordered = issues.assign(rank=rank).sort_values(["rank", "file", "row"], kind="stable", na_position="first")
    kinds = ordered.groupby(["severity", "code", "file", "column"], dropna=False, sort=False)
    shown = ordered[kinds.cumcount() < most_of_a_kind].head(most_rows)
    rows = [[_cell(name, row[name]) for name in SHOWN_COLUMNS] for row in shown.to_dict("records")]
    lines = _align([list(SHOWN_COLUMNS), *rows])
    left_out = len(issues) - len(shown)
    if left_out:
        lines.append(f"… and {left_out:,} more; all {len(issues):,} stand in tables/issues.csv of the report")
    return lines


def _cell(name: str, value: object) -> str:
    if pd.isna(value):
        return ""
    text = " ".join(str(value).split())
    return f"{text[: LONGEST_VALUE - 1]}…" if name == "value" and len(text) > LONGEST_VALUE else text


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
