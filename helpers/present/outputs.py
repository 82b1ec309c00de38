"""Files that a notebook leaves behind: tables as CSV and findings as JSON, each written whole or not at all."""

import json
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.analyses.finding import Finding, rank_findings, to_records
from helpers.writing import write_text


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV: UTF-8, ISO dates, plain numbers, shares as 0–1, text verbatim.

    Numbers have twelve significant digits, so that the noise of floating point never makes two equal tables differ;
    whole numbers that share a column with missing values keep no ``.0``.
    """
    plain = pd.DataFrame({column: _plain(frame[column]) for column in frame.columns}, columns=frame.columns)
    write_text(path, plain.to_csv(index=False, lineterminator="\n", float_format="%.12g"))


def write_findings(findings: Iterable[Finding], path: Path) -> None:
    """Write findings as JSON, ranked from 1."""
    write_text(path, to_json(to_records(findings)))


def merge_findings(folder: Path) -> list[dict[str, Any]]:
    """Put the findings that several notebooks left in a folder into one ranked list.

    Returns:
        One record per finding, as in ``findings.json``; empty where there are none.
    """
    findings = []
    for path in sorted(folder.glob("*.json")):
        for record in json.loads(path.read_text(encoding="utf-8")):
            findings.append(Finding(**{key: value for key, value in record.items() if key != "rank"}))
    return to_records(rank_findings(findings))


def write_spreadsheet(report: Path, *, name: str, currency: str, units: Mapping[str, str]) -> None:
    """Put a report's tables into one formatted ``report.xlsx``.

    Args:
        report: The folder that holds ``tables/*.csv``.
        name: The company's name, for the first sheet.
        currency: The company's currency.
        units: KPI id → unit, by which the values of each row are formatted.
    """
    from helpers.present.spreadsheet import write_report_workbook

    tables = {}
    for path in sorted((report / "tables").glob("*.csv")):
        try:
            frame = pd.read_csv(path, keep_default_na=False, na_values=[""])
        except pd.errors.EmptyDataError:
            continue
        if "kpi" in frame and "value" in frame and "unit" not in frame:
            frame.insert(frame.columns.get_loc("value") + 1, "unit", frame["kpi"].map(units).fillna(""))
        tables[path.stem] = frame
    write_report_workbook(tables, report / "report.xlsx", currency=currency, title=f"Revenue Engine Diagnostic: {name}")


def to_json(value: Any) -> str:
    """Write JSON that any reader takes: no NaN, dates as ISO text, keys in the order given."""
    return json.dumps(_jsonable(value), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _plain(column: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(column):
        has_time = (column.dropna() != column.dropna().dt.normalize()).any()
        return column.dt.strftime("%Y-%m-%dT%H:%M:%S" if has_time else "%Y-%m-%d")
    if pd.api.types.is_float_dtype(column):
        present = column.dropna()
        if len(present) and (present == present.round()).all() and (present.abs() < 1e15).all():
            return column.astype("Int64")
        return column
    if column.dtype == object:
        return column.map(_plain_cell)
    return column


def _plain_cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(sep="T") if value.time().isoformat() != "00:00:00" else value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_jsonable(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if hasattr(value, "item"):
        return _jsonable(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
