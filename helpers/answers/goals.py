"""Goals that people typed: ``answers/goals.toml`` holds the rows of ``goal_matrix.csv`` as ``[[goal]]`` tables."""

import math
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.answers.files import Topic, read_topic, write_topic
from helpers.answers.problems import Problem, describe_error, make_problem
from helpers.errors import AnswersError, suggest
from helpers.periods import GRAINS

if TYPE_CHECKING:
    import pandas as pd

TOPIC = "goals"
GOAL_COLUMNS = (
    "kpi", "grain", "period_start", "dimension", "slice", "goal", "actual", "expected", "gap", "locked", "probability",
)  # fmt: skip
NUMBERS = ("goal", "actual", "expected", "gap", "probability")


def read_goals(folder: Path) -> tuple["pd.DataFrame", list[Problem]]:
    """Read the goals.

    Returns:
        One row per KPI × period × slice with ``GOAL_COLUMNS``: period_start a date (datetime64), dimension and slice
        ``all`` where none is named, goal in the KPI's unit (NaN: to be solved), locked a boolean; empty without a file.
        And the problems: a record that isn't allowed is left out.
    """
    try:
        topic = read_topic(folder, TOPIC)
    except AnswersError as error:
        return build_goals([]), [describe_error(error, TOPIC)]
    return list_goals(topic)


def list_goals(topic: Topic, table: str = "goal") -> tuple["pd.DataFrame", list[Problem]]:
    """Take the goals out of a file that holds them in tables of one name; result as of ``read_goals``."""
    problems: list[Problem] = []
    rows = topic.values.get(table, [])
    if not isinstance(rows, list):
        cure = f"Write [[{table}]] in double brackets."
        problems.append(make_problem(topic, table, "", rows, "this is no list", cure))
        rows = []
    records = []
    for index, row in enumerate(rows):
        record, fault = read_row(row)
        if fault:
            key, message, cure = fault
            value = row.get(key, "") if isinstance(row, Mapping) else row
            problems.append(make_problem(topic, table, key, value, message, cure, index=index))
        else:
            records.append(record)
    problems.extend(_find_repeats(topic, records, table))
    return build_goals(records), problems


def build_goals(records: list[dict[str, Any]]) -> "pd.DataFrame":
    """Turn records into a frame of ``GOAL_COLUMNS`` with fixed types, also where there are none."""
    import pandas as pd

    data = {column: [record.get(column) for record in records] for column in GOAL_COLUMNS}
    frame = pd.DataFrame({column: pd.Series(data[column], dtype="str") for column in ("kpi", "grain")})
    frame["period_start"] = pd.to_datetime(pd.Series(data["period_start"], dtype="object")).astype("datetime64[us]")
    for column in ("dimension", "slice"):
        frame[column] = pd.Series([value or "all" for value in data[column]], dtype="str")
    for column in NUMBERS:
        frame[column] = pd.Series(data[column], dtype="float64")
    frame["locked"] = pd.Series([bool(value) for value in data["locked"]], dtype="bool")
    return frame[list(GOAL_COLUMNS)]


def write_goals(folder: Path, goals: "pd.DataFrame", *, based_on: str) -> str:
    """Write the goals whole: what people set (goal and locked), not what is computed.

    Raises:
        ConflictError: Somebody has saved since ``based_on`` was read.
        AnswersError: The file can't be written or a value can't be kept.
    """
    rows = [to_row(record) for record in goals.to_dict("records")]
    current = read_topic(folder, TOPIC).values
    rest = {key: value for key, value in current.items() if key != "goal"}
    return write_topic(folder, TOPIC, {**rest, **({"goal": rows} if rows else {})}, based_on=based_on)


def to_row(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what people set of a goal (cell, goal, locked) as a ``[[goal]]`` table."""
    row = {"kpi": record["kpi"], "grain": record["grain"], "period_start": _to_date(record["period_start"])}
    for column in ("dimension", "slice"):
        if record.get(column, "all") not in ("all", None):
            row[column] = record[column]
    goal = record.get("goal")
    if goal is not None and not math.isnan(goal):
        row["goal"] = int(goal) if float(goal).is_integer() else float(goal)
    if record.get("locked"):
        row["locked"] = True
    return row


def read_row(row: Any) -> tuple[dict[str, Any], tuple[str, str, str] | None]:
    """Read a ``[[goal]]`` table: its record, and where it isn't allowed the key, what is wrong and its cure."""
    if not isinstance(row, Mapping):
        return {}, ("", "this is no goal", "Write [[goal]] in double brackets.")
    for key in row:
        if key not in GOAL_COLUMNS:
            allowed = f"Allowed: {', '.join(GOAL_COLUMNS)}.{suggest(key, GOAL_COLUMNS)}"
            return {}, (key, "this key is unknown", allowed)
    record = dict(row)
    if not isinstance(record.get("kpi"), str) or not record["kpi"]:
        return {}, ("kpi", "the KPI is missing", "Name it, such as revenue_won.")
    record.setdefault("grain", "quarter")
    if record["grain"] not in GRAINS:
        hint = suggest(str(record["grain"]), GRAINS)
        return {}, ("grain", f"'{record['grain']}' is no grain", f"Allowed: {', '.join(GRAINS)}.{hint}")
    record["period_start"] = _to_date(record.get("period_start"))
    if record["period_start"] is None:
        return {}, ("period_start", "the period's first day is missing or no day", "Write it as 2026-07-01.")
    for column in NUMBERS:
        value = record.get(column)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return {}, (column, f"{column} is no number", "Write a plain number, without separators and units.")
    if not isinstance(record.get("locked", False), bool):
        return {}, ("locked", "locked is neither true nor false", "Write true or false.")
    return record, None


def _find_repeats(topic: Topic, records: list[dict[str, Any]], table: str) -> list[Problem]:
    seen: set[tuple[Any, ...]] = set()
    problems = []
    for index, record in enumerate(records):
        key = tuple(record.get(name) or "all" for name in GOAL_COLUMNS[:5])
        if key in seen:
            message = f"{record['kpi']} has a second goal for the same period and slice"
            problems.append(make_problem(topic, table, "kpi", record["kpi"], message, "Keep one.", index=index))
        seen.add(key)
    return problems


def _to_date(value: Any) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            return None
    return None
