"""The cascade's records as the cells of a table: how a value is written there, and what a text typed there means."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from helpers.answers.cascade import KINDS, PAY_KEYS, TEXT_LIMIT
from helpers.answers.day_text import read_day_text
from helpers.answers.fields import UNSHOWABLE
from helpers.answers.goal_numbers import COMMA, POINT, read_goal_text
from helpers.errors import suggest
from helpers.model.cascade import WHOLE, Cascade
from helpers.periods import period_of
from helpers.units import format_value

Record = Mapping[str, Any]
Read = tuple[dict[str, Any], str]
"""Key → value (None takes it away), and what is wrong; with a fault nothing is taken."""

PAY = "pay"
"""The rule by which everybody's attainment becomes pay: one row, written as the file's table ``[pay]``."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "goal": ("title", "level", "serves", "department", "owner", "kpi", "slice", "target", "baseline", "period", "note"),
    "tactic": (
        "title", "serves", "department", "owner", "start", "due", "cost", "kpi", "slice", "amount", "time", "state",
        "note",
    ),
    "person": ("name", "department", "role", "variable_pay", "capacity"),
    "target": ("person", "goal", "title", "kpi", "slice", "target", "period", "weight", "pay_share", *PAY_KEYS),
    "correlation": ("from", "to", "strength", "note"),
    PAY: PAY_KEYS,
}  # fmt: skip
"""Table → its columns as people see them; ``slice`` holds partition and value, ``period`` grain and first day."""

BETWEEN = "; "
PARTS = ("time", "capacity", "weight", "pay_share")
SHARES = (*PARTS, *PAY_KEYS)
"""What is written in per cent; parts of a whole are never more than 100 %."""

MONEY = ("cost", "variable_pay")
MEASURED = ("target", "baseline", "amount")
_SWAPPED = str.maketrans({COMMA: POINT, POINT: COMMA})
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True)
class Vocabulary:
    """What texts in cells are read and written with.

    Attributes:
        cascade: As typed so far: the names of goals and people.
        kpis: KPI's id → label and unit.
        currency: ISO code of the company's currency.
        fiscal_year_start: The month (1–12) in which the fiscal year begins.
        decimal: The sign before fractions where the company is at home.
    """

    cascade: Cascade
    kpis: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    currency: str = "USD"
    fiscal_year_start: int = 1
    decimal: str = POINT


def show_record(table: str, record: Record, vocabulary: Vocabulary) -> dict[str, str]:
    """Write a record as the cells of its row."""
    return {column: _show(table, column, record, vocabulary) for column in COLUMNS[table]}


def read_cell(table: str, column: str, text: str, record: Record, vocabulary: Vocabulary) -> Read:
    """Read what was typed into a cell.

    Args:
        table: One of ``COLUMNS``.
        column: The cell's column.
        text: As typed.
        record: The record as it is, for the KPI by whose unit a number is read.
        vocabulary: What names and units mean.

    Returns:
        The keys that the cell sets, and what isn't allowed with its cure.
    """
    typed = text.strip()
    wrong = UNSHOWABLE.search(typed)
    if wrong:
        return {}, f"The text holds a sign that can't be shown (U+{ord(wrong.group()):04X}). Delete it."
    if len(typed) > TEXT_LIMIT:
        return {}, f"The text has {len(typed):,} characters; at most {TEXT_LIMIT:,} are kept. Shorten it."
    reader = _READERS.get(column)
    if column == "goal" or (column == "serves" and table in ("goal", "tactic")):
        return _read_goals(column, typed, vocabulary)
    if reader:
        return reader(column, typed, record, vocabulary)
    if not typed:
        return {column: None}, ""
    kind = KINDS[table][column]
    if isinstance(kind, tuple):
        return ({column: typed}, "") if typed in kind else ({}, f"'{typed[:40]}' is none of: {', '.join(kind)}.")
    return {column: typed}, ""


def _show(table: str, column: str, record: Record, vocabulary: Vocabulary) -> str:
    value = record.get(column)
    if column == "slice":
        return f"{record['dimension']}={value}" if record.get("dimension", WHOLE) != WHOLE and value else ""
    if column == "period":
        start = record.get("period_start")
        return period_of(start, record.get("grain", "quarter"), vocabulary.fiscal_year_start).label if start else ""
    if column == "level":
        return str(value or "company")
    if column == "state":
        return str(value or "planned")
    if column == "strength":
        return str(value or "some")
    if value is None:
        return ""
    if column == "serves":
        return BETWEEN.join(vocabulary.cascade.name_of(id) for id in value)
    if column in ("owner", "person", "goal"):
        return vocabulary.cascade.name_of(value)
    if column in ("from", "to"):
        return vocabulary.kpis[value][0] if value in vocabulary.kpis else vocabulary.cascade.name_of(value)
    if isinstance(value, date):
        return format_value(value, "date")
    if isinstance(value, int | float):
        return write_number(float(value), _unit_of(column, record, vocabulary), vocabulary.decimal)
    return str(value)


def write_number(value: float, unit: str, decimal: str = POINT) -> str:
    """Write a number in full, so that reading it gives the same.

    >>> write_number(9_400_000.0, "currency"), write_number(0.275, "share"), write_number(-0.025, "share")
    ('9,400,000', '27.5 %', '-2.5 %')
    >>> write_number(1_200.5, "currency", ",")
    '1.200,5'
    """
    if unit == "share":
        text = f"{float(f'{value * 100:.10g}'):g} %"
    else:
        text = f"{value:,.0f}" if value == round(value) else f"{value:,.10g}"
    return text if decimal == POINT else text.translate(_SWAPPED)


def _unit_of(column: str, record: Record, vocabulary: Vocabulary) -> str:
    if column in SHARES:
        return "share"
    if column in MONEY:
        return "currency"
    return vocabulary.kpis.get(str(record.get("kpi", "")), ("", "count"))[1]


def _read_goals(column: str, text: str, vocabulary: Vocabulary) -> Read:
    if not text:
        return {column: None}, ""
    goals = {goal.title.casefold(): goal.id for goal in reversed(vocabulary.cascade.goals.values())}
    goals |= {id.casefold(): id for id in vocabulary.cascade.goals}
    whole = goals.get(text.casefold())
    parts = [text] if whole else [part.strip() for part in text.split(";") if part.strip()]
    ids = []
    for part in parts:
        found = goals.get(part.casefold())
        if found is None:
            hint = suggest(part[:60], [goal.title for goal in vocabulary.cascade.goals.values()])
            return {}, f"'{part[:60]}' is no goal. Write a goal's title; several with a semicolon between.{hint}"
        ids.append(found)
    if column == "goal":
        return ({"goal": ids[0]}, "") if len(ids) == 1 else ({}, "A target shares one goal. Write one title.")
    return {"serves": list(dict.fromkeys(ids))}, ""


def _read_person(column: str, text: str, record: Record, vocabulary: Vocabulary) -> Read:
    if not text:
        return {column: None}, ""
    people = {person.name.casefold(): person.id for person in reversed(vocabulary.cascade.people.values())}
    people |= {id.casefold(): id for id in vocabulary.cascade.people}
    found = people.get(text.casefold())
    if found is None:
        hint = suggest(text[:60], [person.name for person in vocabulary.cascade.people.values()])
        return {}, f"Nobody is called '{text[:60]}'. Add the person under People first.{hint}"
    return {column: found}, ""


def _read_part(column: str, text: str, record: Record, vocabulary: Vocabulary) -> Read:
    """Read what a correlation connects: a goal, a tactic, a person or a KPI by its name."""
    cascade = vocabulary.cascade
    parts = {label.casefold(): id for id, (label, _) in vocabulary.kpis.items()}
    parts |= {
        cascade.name_of(id).casefold(): id for table in (cascade.people, cascade.tactics, cascade.goals) for id in table
    }
    parts |= {id.casefold(): id for id in (*cascade.people, *cascade.tactics, *cascade.goals, *vocabulary.kpis)}
    found = parts.get(text.casefold())
    if found is None:
        names = [cascade.name_of(id) for id in (*cascade.goals, *cascade.tactics)]
        return {}, f"'{text[:60]}' is no goal, tactic, person or KPI. Write its name.{suggest(text[:60], names)}"
    return {column: found}, ""


def _read_kpi(column: str, text: str, record: Record, vocabulary: Vocabulary) -> Read:
    if not text:
        return {column: None}, ""
    labels = {label.casefold(): id for id, (label, _) in vocabulary.kpis.items()}
    found = text if text in vocabulary.kpis else labels.get(text.casefold())
    if found is None:
        hint = suggest(text[:60], [label for label, _ in vocabulary.kpis.values()])
        return {}, f"'{text[:60]}' is no KPI. Choose one of the list.{hint}"
    return {column: found}, ""


def _read_slice(column: str, text: str, record: Record, vocabulary: Vocabulary) -> Read:
    if not text or text == WHOLE:
        return {"dimension": None, "slice": None}, ""
    dimension, equals, value = (part.strip() for part in text.partition("="))
    if not (dimension and equals and value):
        return {}, f"'{text[:40]}' is no slice. Write it as region=US; empty is the whole company."
    return {"dimension": dimension.lower().replace(" ", "_"), "slice": value}, ""


def _read_number(column: str, text: str, record: Record, vocabulary: Vocabulary) -> Read:
    if not text:
        return {column: None}, ""
    is_negative = column == "amount" and text[:1] in "-−–"
    bare = text[1:].strip() if text[:1] in "+-−–" and column == "amount" else text
    bare = re.sub(r"\s*points?$", " %", bare)
    unit = _unit_of(column, record, vocabulary)
    read = read_goal_text(bare, unit, currency=vocabulary.currency, decimal=vocabulary.decimal)
    if read.fault or read.value is None:
        return {}, read.fault or f"'{text[:30]}' is no number."
    if column in PARTS and read.value > 1:
        example = "Write 40 % for two days a week." if column in ("time", "capacity") else "Write 40 %."
        return {}, f"'{text[:30]}' is more than 100 %. {example}"
    number = -read.value if is_negative else read.value
    return {column: int(number) if float(number).is_integer() else number}, ""


def _read_day(column: str, text: str, record: Record, vocabulary: Vocabulary) -> Read:
    day, fault = read_day_text(text)
    return ({}, fault) if fault else ({column: day}, "")


def _read_period(column: str, text: str, record: Record, vocabulary: Vocabulary) -> Read:
    if not text:
        return {"grain": None, "period_start": None}, ""
    found = find_period(text, vocabulary.fiscal_year_start)
    if found is None:
        return {}, f"'{text[:30]}' is no period. Write Q4 2026, 2026 or Oct 2026."
    return {"grain": found[0], "period_start": found[1]}, ""


def find_period(text: str, fiscal_year_start: int = 1) -> tuple[str, date] | None:
    """Read a period as people write it.

    Returns:
        Its grain and first day; None where the text is none.

    >>> find_period("q4 2026"), find_period("FY2027", 2), find_period("soon")
    (('quarter', datetime.date(2026, 10, 1)), ('year', datetime.date(2026, 2, 1)), None)
    """
    plain = " ".join(text.lower().split())
    month = re.fullmatch(r"([a-z]{3})[a-z]* (\d{4})", plain)
    if month and month.group(1) in MONTHS:
        return "month", date(int(month.group(2)), MONTHS.index(month.group(1)) + 1, 1)
    found = re.fullmatch(r"(?:q([1-4]) ?)?(?:fy ?)?(\d{4})", plain)
    if not found or not 1900 <= int(found.group(2)) <= 2200:
        return None
    begins_in = int(found.group(2)) - (fiscal_year_start != 1)
    months = begins_in * 12 + fiscal_year_start - 1 + 3 * (int(found.group(1) or 1) - 1)
    return ("quarter" if found.group(1) else "year"), date(months // 12, months % 12 + 1, 1)


_READERS: Mapping[str, Callable[[str, str, Record, Vocabulary], Read]] = {
    "owner": _read_person,
    "person": _read_person,
    "from": _read_part,
    "to": _read_part,
    "kpi": _read_kpi,
    "slice": _read_slice,
    "period": _read_period,
    "start": _read_day,
    "due": _read_day,
    **dict.fromkeys((*SHARES, *MONEY, *MEASURED), _read_number),
}
