"""Issues: everything that was found wrong with the exports or answers, one row each, with its place and its cure."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

ISSUE_COLUMNS = ["file", "row", "column", "code", "severity", "value", "message", "cure"]
"""The columns of ``issues.csv``: ``row`` is the row as a person sees it there (blank: the whole file)."""

SEVERITIES = ("error", "warning", "note")
"""error: a row or value could not be used; warning: a value was changed or looks wrong; note: worth knowing."""

ROWS_PER_CODE = 1000
"""How many rows one fault in one column of one file may list before the rest is told as one count."""


class IssueLog:
    """Collect issues while files are read; nothing is raised, nothing is lost."""

    def __init__(self) -> None:
        self._parts: list[dict[str, Sequence[Any]]] = []
        self._listed: dict[tuple[str, str, str], int] = {}

    def add(
        self,
        *,
        file: str,
        code: str,
        message: str,
        cure: str,
        row: int | None = None,
        column: str = "",
        severity: str = "warning",
        value: Any = "",
    ) -> None:
        """Note one issue.

        Args:
            file: The file as the person named it.
            code: A stable id of this kind of issue in snake case.
            message: What is wrong, in a sentence.
            cure: What to do about it, in a sentence.
            row: The row as the person sees it in the file, or None where the whole file is meant.
            column: The column as written in the file, or empty.
            severity: One of ``SEVERITIES``.
            value: The value found.

        Raises:
            ValueError: The severity is unknown.
        """
        self.add_rows(
            file=file,
            rows=[row],
            column=column,
            values=[value],
            code=code,
            severity=severity,
            message=message,
            cure=cure,
        )

    def add_rows(
        self,
        *,
        file: str,
        rows: Iterable[int | None],
        values: Iterable[Any],
        code: str,
        message: str,
        cure: str,
        column: str = "",
        severity: str = "warning",
    ) -> None:
        """Note the same issue for many rows at once.

        Beyond ``ROWS_PER_CODE`` rows of one code in one column of one file, the rest is told as one row
        whose message states how many more there are, so that no issue goes uncounted.

        Raises:
            ValueError: The severity is unknown.
        """
        if severity not in SEVERITIES:
            raise ValueError(f"severity '{severity}' is not one of {', '.join(SEVERITIES)}")
        rows, values = list(rows), list(values)
        if not rows:
            return
        key = (file, column, code)
        room = max(ROWS_PER_CODE - self._listed.get(key, 0), 0)
        self._listed[key] = self._listed.get(key, 0) + min(len(rows), room)
        shown = min(len(rows), room)
        if shown:
            self._append(file, rows[:shown], column, values[:shown], code, severity, message, cure)
        if len(rows) > shown:
            more = f"{message} ({len(rows) - shown:,} more rows like this are not listed)"
            self._append(file, [None], column, [""], code, severity, more, cure)

    def extend(self, frame: pd.DataFrame) -> None:
        """Take over issues that another log has collected (a frame of ``ISSUE_COLUMNS``)."""
        if len(frame):
            self._parts.append({column: frame[column].tolist() for column in ISSUE_COLUMNS})

    def to_frame(self) -> pd.DataFrame:
        """Return the issues.

        Returns:
            One row per issue, in the order noted, with ``ISSUE_COLUMNS``; ``row`` is a whole number or missing,
            the rest text. Empty where nothing was noted.
        """
        columns: dict[str, list[Any]] = {
            column: [item for part in self._parts for item in part[column]] for column in ISSUE_COLUMNS
        }
        frame = pd.DataFrame(
            {column: pd.Series(columns[column], dtype="str") for column in ISSUE_COLUMNS if column != "row"}
        )
        frame["row"] = pd.array([None if pd.isna(row) else int(row) for row in columns["row"]], dtype="Int64")
        return frame[ISSUE_COLUMNS]

    def __len__(self) -> int:
        return sum(len(part["code"]) for part in self._parts)

    def _append(
        self,
        file: str,
        rows: list[Any],
        column: str,
        values: list[Any],
        code: str,
        severity: str,
        message: str,
        cure: str,
    ) -> None:
        n = len(rows)
        texts = ["" if pd.isna(value) else str(value) for value in values]
        self._parts.append(
            {
                "file": [file] * n,
                "row": rows,
                "column": [column] * n,
                "code": [code] * n,
                "severity": [severity] * n,
                "value": texts,
                "message": [message] * n,
                "cure": [cure] * n,
            }
        )


def count_issues(issues: pd.DataFrame) -> dict[str, int]:
    """Count issues by severity.

    >>> count_issues(IssueLog().to_frame())
    {'error': 0, 'warning': 0, 'note': 0}
    """
    counts = issues["severity"].value_counts()
    return {severity: int(counts.get(severity, 0)) for severity in SEVERITIES}
