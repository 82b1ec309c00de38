"""The cascade of goals that people typed: ``answers/cascade.toml``.

It holds ``[[goal]]``, ``[[tactic]]``, ``[[person]]``, ``[[target]]`` and ``[[correlation]]`` tables, linked by ids, and
``[pay]``: how attainment becomes pay. A record that isn't allowed is set aside and told with its line; the rest stands.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from helpers.answers.files import Topic, name_file, read_topic
from helpers.answers.problems import Problem, describe_error, make_problem
from helpers.errors import AnswersError, suggest
from helpers.model.cascade import (
    LEVELS,
    STATES,
    STRENGTHS,
    Cascade,
    CascadeGoal,
    Correlation,
    PayRule,
    Person,
    PersonTarget,
    Tactic,
    load_cascade_rules,
)
from helpers.periods import GRAINS

TOPIC = "cascade"
TEXT_LIMIT = 2_000
"""Characters."""

TEXT, IDS, NUMBER, AMOUNT, SHARE, DAY = "text", "ids", "number", "amount", "share", "day"

KINDS: Mapping[str, Mapping[str, Any]] = {
    "goal": {
        "id": TEXT, "title": TEXT, "level": LEVELS, "serves": IDS, "department": TEXT, "owner": TEXT, "kpi": TEXT,
        "dimension": TEXT, "slice": TEXT, "target": NUMBER, "baseline": NUMBER, "grain": GRAINS, "period_start": DAY,
        "due": DAY, "note": TEXT,
    },
    "tactic": {
        "id": TEXT, "title": TEXT, "serves": IDS, "department": TEXT, "owner": TEXT, "start": DAY, "due": DAY,
        "cost": AMOUNT, "kpi": TEXT, "dimension": TEXT, "slice": TEXT, "amount": NUMBER, "time": SHARE,
        "state": STATES, "note": TEXT,
    },
    "person": {
        "id": TEXT, "name": TEXT, "department": TEXT, "role": TEXT, "variable_pay": AMOUNT, "capacity": SHARE,
    },
    "target": {
        "id": TEXT, "person": TEXT, "goal": TEXT, "title": TEXT, "kpi": TEXT, "dimension": TEXT, "slice": TEXT,
        "target": NUMBER, "grain": GRAINS, "period_start": DAY, "weight": SHARE, "pay_share": SHARE,
        "threshold": AMOUNT, "pay_at_threshold": AMOUNT, "cap": AMOUNT, "pay_at_cap": AMOUNT,
    },
    "correlation": {"from": TEXT, "to": TEXT, "strength": STRENGTHS, "note": TEXT},
}  # fmt: skip
"""Table → key → what stands there: a kind, or the words allowed."""

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "goal": ("id", "title"),
    "tactic": ("id", "title"),
    "person": ("id", "name"),
    "target": ("id", "person"),
    "correlation": ("from", "to"),
}
NAMES = {"goal": "goal", "tactic": "tactic", "person": "person", "target": "target", "correlation": "correlation"}
PAY_KEYS = ("threshold", "pay_at_threshold", "cap", "pay_at_cap")
DRAFT = "draft"
"""Texts that were typed into a cell and aren't allowed there; they wait in the file until somebody mends them."""

Fault = tuple[str, str, str]
"""Key, what is wrong, what to do."""


def read_cascade(folder: Path) -> tuple[Cascade, list[Problem]]:
    """Read the cascade.

    Returns:
        The cascade, empty without a file; and the problems, each with file, line, key and cure. A record that isn't
        allowed is left out and counted in ``n_set_aside``; of two with one id the first stands.
    """
    try:
        topic = read_topic(Path(folder), TOPIC)
    except AnswersError as error:
        return Cascade(pay=default_pay()), [describe_error(error, TOPIC)]
    return parse_cascade(topic)


def parse_cascade(topic: Topic) -> tuple[Cascade, list[Problem]]:
    """Take the cascade out of its file; result as of ``read_cascade``."""
    problems: list[Problem] = []
    for key in topic.values:
        if key not in (*KINDS, "pay", DRAFT):
            allowed = (*KINDS, "pay")
            cure = f"Allowed: {', '.join(allowed)}.{suggest(key, allowed)}"
            problems.append(make_problem(topic, key, "", key, f"the table '{key}' is unknown", cure))
    pay = _read_pay(topic, problems)
    taken: dict[str, str] = {}
    records = {table: _read_table(topic, table, taken, problems) for table in KINDS}
    n_read = sum(len(rows) for rows in records.values())
    n_written = sum(len(rows) for rows in map(topic.values.get, KINDS) if isinstance(rows, list))
    cascade = Cascade(
        goals={row["id"]: CascadeGoal(**row) for row in records["goal"]},
        tactics={row["id"]: Tactic(**row) for row in records["tactic"]},
        people={row["id"]: Person(**row) for row in records["person"]},
        targets={row["id"]: _make_target(row, pay) for row in records["target"]},
        correlations=tuple(
            Correlation(row["from"], row["to"], row.get("strength", "some"), row.get("note", ""))
            for row in records["correlation"]
        ),
        pay=pay,
        n_set_aside=n_written - n_read,
    )
    return cascade, problems


def default_pay() -> PayRule:
    """Return how attainment becomes pay where nobody says anything."""
    return PayRule(**load_cascade_rules().pay.model_dump())


def read_record(table: str, row: Any) -> tuple[dict[str, Any], Fault | None]:
    """Read one record of a table.

    Returns:
        The record with checked values and without empty ones; and where it isn't allowed the key, what is wrong and
        what to do.
    """
    if not isinstance(row, Mapping):
        return {}, ("", f"this is no {NAMES[table]}", f"Write [[{table}]] in double brackets.")
    kinds, record = KINDS[table], {}
    for key, value in row.items():
        if key not in kinds:
            return {}, (key, "this key is unknown", f"Allowed: {', '.join(kinds)}.{suggest(key, kinds)}")
        read, message, cure = read_value(kinds[key], key, value)
        if message:
            return {}, (key, message, cure)
        if read not in ("", None, ()):
            record[key] = read
    for key in REQUIRED[table]:
        if not record.get(key):
            return {}, (key, f"the {NAMES[table]} has no {key}", f'Give it one: {key} = "…".')
    fault = _find_contradiction(table, record)
    return ({}, fault) if fault else (record, None)


def read_value(kind: Any, key: str, value: Any) -> tuple[Any, str, str]:
    """Read one value: what it means, and where it isn't allowed what is wrong and what to do."""
    if isinstance(kind, tuple):
        hint = suggest(str(value)[:40], kind)
        told = f"'{str(value)[:40]}' is no {key.replace('_', ' ')}", f"Allowed: {', '.join(kind)}.{hint}"
        return (value, "", "") if value in kind else (None, *told)
    return _READERS[kind](key, value)


def _read_text(key: str, value: Any) -> tuple[Any, str, str]:
    if not isinstance(value, str):
        return None, f"{key} is no text", "Write it in quotation marks."
    if len(value) > TEXT_LIMIT:
        return None, f"{key} has {len(value):,} characters", f"At most {TEXT_LIMIT:,} are kept; shorten it."
    return value.strip(), "", ""


def _read_ids(key: str, value: Any) -> tuple[Any, str, str]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not all(isinstance(one, str) for one in listed):
        return None, f"{key} is no list of ids", f'Write {key} = ["first", "second"].'
    return tuple(dict.fromkeys(one.strip() for one in listed if one.strip())), "", ""


def _read_number(key: str, value: Any) -> tuple[Any, str, str]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        return None, f"{key} is no number", "Write a plain number, without separators and units."
    return float(value), "", ""


def _read_amount(key: str, value: Any) -> tuple[Any, str, str]:
    number, message, cure = _read_number(key, value)
    if not message and number < 0:
        return None, f"{key} is negative", "Write 0 or more."
    return number, message, cure


def _read_share(key: str, value: Any) -> tuple[Any, str, str]:
    number, message, cure = _read_number(key, value)
    if not message and not 0 <= number <= 1:
        return None, f"{key} is not between 0 and 1", "Write 0.6 for 60 %."
    return number, message, cure


def _read_day(key: str, value: Any) -> tuple[Any, str, str]:
    if isinstance(value, datetime):
        return value.date(), "", ""
    if isinstance(value, date):
        return value, "", ""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip()), "", ""
        except ValueError:
            pass
    return None, f"{key} is no day", "Write it as 2026-12-15."


_READERS: Mapping[str, Callable[[str, Any], tuple[Any, str, str]]] = {
    TEXT: _read_text,
    IDS: _read_ids,
    NUMBER: _read_number,
    AMOUNT: _read_amount,
    SHARE: _read_share,
    DAY: _read_day,
}


def _find_contradiction(table: str, record: Mapping[str, Any]) -> Fault | None:
    """Tell what is wrong between the values of one record."""
    start, due = record.get("start") or record.get("period_start"), record.get("due")
    if start and due and due < start:
        return "due", f"it is due on {due}, before it starts on {start}", "Swap the days, or mend one of them."
    if ("dimension" in record) != ("slice" in record):
        key = "slice" if "dimension" in record else "dimension"
        return key, f"{key} is missing", "Name both the partition and its value, or neither for the whole company."
    if table == "target":
        return find_pay_fault({key: record[key] for key in PAY_KEYS if key in record})
    return None


def find_pay_fault(pay: Mapping[str, float]) -> Fault | None:
    """Tell what is wrong with a rule by which attainment becomes pay; of missing keys nothing is."""
    if pay.get("threshold", 0) >= 1:
        return "threshold", "the threshold is not below the target", "Write 0.7 for 70 % of the target."
    if pay.get("cap", 2) <= 1:
        return "cap", "the cap is not above the target", "Write 1.5 for 150 % of the target."
    if pay.get("pay_at_threshold", 0) > 1:
        return "pay_at_threshold", "the threshold pays more than the target", "Write 0.5 for half of the money."
    if pay.get("pay_at_cap", 2) < 1:
        return "pay_at_cap", "the cap pays less than the target", "Write 1.5 for one and a half times the money."
    return None


def _make_target(row: Mapping[str, Any], pay: PayRule) -> PersonTarget:
    own = {key: row[key] for key in PAY_KEYS if key in row}
    rest = {key: value for key, value in row.items() if key not in PAY_KEYS}
    return PersonTarget(**rest, rule=replace(pay, **own) if own else None)


def _read_pay(topic: Topic, problems: list[Problem]) -> PayRule:
    table = topic.values.get("pay", {})
    if not isinstance(table, Mapping):
        problems.append(make_problem(topic, "", "pay", table, "this is no table", "Write [pay] over its keys."))
        return default_pay()
    read: dict[str, float] = {}
    for key, value in table.items():
        if key not in PAY_KEYS:
            cure = f"Allowed: {', '.join(PAY_KEYS)}.{suggest(key, PAY_KEYS)}"
            problems.append(make_problem(topic, "pay", key, value, "this key is unknown", cure))
            continue
        number, message, cure = _read_amount(key, value)
        fault = (key, message, cure) if message else find_pay_fault({key: number})
        if fault:
            problems.append(make_problem(topic, "pay", key, value, fault[1], fault[2]))
        else:
            read[key] = number
    return replace(default_pay(), **read)


def _read_table(topic: Topic, table: str, taken: dict[str, str], problems: list[Problem]) -> list[dict[str, Any]]:
    rows = topic.values.get(table, [])
    if not isinstance(rows, list):
        cure = f"Write [[{table}]] in double brackets."
        problems.append(make_problem(topic, table, "", rows, "this is no list", cure))
        return []
    kept = []
    for index, row in enumerate(rows):
        record, fault = read_record(table, row)
        if fault is None and "id" in record:
            fault = _find_id_fault(record["id"], taken)
        if fault is None:
            if "id" in record:
                taken[record["id"]] = table
            kept.append(record)
            continue
        key, message, cure = fault
        value = row.get(key, "") if isinstance(row, Mapping) else row
        told = f"{message}; the {NAMES[table]} is set aside"
        problems.append(make_problem(topic, table, key, value, told, cure, index=index))
    return kept


def _find_id_fault(id: str, taken: Mapping[str, str]) -> Fault | None:
    if id not in taken:
        return None
    return "id", f"the id '{id}' is taken by another {NAMES[taken[id]]}", "Give this one an id of its own."


def find_free_id(title: str, taken: Iterable[str]) -> str:
    """Make an id of a title that nothing has yet.

    >>> find_free_id("Win the US", ["win-the-us"])
    'win-the-us-2'
    """
    stem, known = name_file(title)[:40].strip("-"), set(taken)
    number = 2
    found = stem
    while found in known:
        found, number = f"{stem}-{number}", number + 1
    return found
