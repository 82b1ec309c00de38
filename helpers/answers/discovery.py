"""What people decided in the KPI discovery matrix: lights they set, copies they want, KPIs they will activate."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from helpers.answers.files import ABSENT, Topic, read_topic, write_topic
from helpers.answers.problems import Problem, describe_error, make_problem
from helpers.errors import AnswersError, suggest

TOPIC = "discovery"
LIGHTS = ("available", "adoption_needed", "unavailable")
COPY_STATES = ("exists", "wanted", "not_wanted")
EFFORTS = ("small", "medium", "large")


@dataclass(frozen=True)
class Judgement:
    """One person's light on one cell of the matrix.

    Attributes:
        dimension: The partition; empty for the KPI as such.
        object: The object that carries it; empty for every object.
        kpi: The KPI; empty for every KPI of the object.
        light: One of ``LIGHTS``.
        note: Why.
        by: Who decided.
        quarter: When, such as ``Q3 2026``, so that the trend can be told.
    """

    dimension: str = ""
    object: str = ""
    kpi: str = ""
    light: str = ""
    note: str = ""
    by: str = ""
    quarter: str = ""


@dataclass(frozen=True)
class CopyDecision:
    """What was decided about copying a field from one object to another; state is one of ``COPY_STATES``."""

    dimension: str
    from_object: str
    to_object: str
    state: str = "wanted"
    note: str = ""


@dataclass(frozen=True)
class Activation:
    """A secondary KPI that will be made trackable."""

    kpi: str
    dimension: str
    effort: str = ""
    owner: str = ""
    planned: str = ""
    note: str = ""


RECORDS: Mapping[str, tuple[type, Mapping[str, tuple[str, ...]]]] = MappingProxyType(
    {
        "judgement": (Judgement, {"light": LIGHTS}),
        "copy": (CopyDecision, {"state": COPY_STATES}),
        "activation": (Activation, {"effort": ("", *EFFORTS)}),
        "withdrawn": (Judgement, {"light": ("",)}),
    }
)
"""The file's lists: table → kind of record, and what may stand under which key."""


@dataclass(frozen=True)
class DiscoveryAnswers:
    """Everything that people decided in the matrix.

    Attributes:
        judgements: The lights, of every quarter.
        copies: The copies between objects.
        activations: The secondary KPIs on the plan.
        revision: What a write names as its base.
        withdrawn: Cells taken back to their suggestion in a quarter although an earlier judgement speaks about them.
        fault: What of the file couldn't be read, in which line, and what to do; empty where all of it could.
    """

    judgements: tuple[Judgement, ...] = ()
    copies: tuple[CopyDecision, ...] = ()
    activations: tuple[Activation, ...] = ()
    revision: str = field(default=ABSENT, compare=False)
    withdrawn: tuple[Judgement, ...] = ()
    fault: str = field(default="", compare=False)

    def find(self, *, kpi: str = "", dimension: str = "", object: str = "", quarter: str = "") -> Judgement | None:
        """Return the judgement on a cell.

        Of those that say most about the cell it is the latest quarter's, and of one quarter the last written; one
        without a quarter counts as older than any.

        Args:
            kpi: The KPI.
            dimension: The partition; empty for the KPI as such.
            object: The object that carries it.
            quarter: Only what was judged up to that quarter counts, such as ``Q2 2026``; empty takes everything.

        Returns:
            The judgement; None where there is none, or where the cell was taken back to its suggestion.
        """
        last = read_quarter(quarter)
        best: tuple[tuple[int, tuple[int, int], int], Judgement] | None = None
        for place, judgement in enumerate((*self.withdrawn, *self.judgements)):
            asked = ((judgement.kpi, kpi), (judgement.object, object))
            if judgement.dimension != dimension or any(said and said != cell for said, cell in asked):
                continue
            if not dimension and judgement.kpi != kpi:
                continue
            when = read_quarter(judgement.quarter) or (0, 0)
            if last and when > last:
                continue
            weight = (bool(judgement.kpi) + bool(judgement.object), when, place)
            if best is None or weight >= best[0]:
                best = (weight, judgement)
        return best[1] if best and best[1].light else None

    def at_quarter(self, quarter: str) -> "DiscoveryAnswers":
        """Return the decisions as they stood in a quarter: lights judged up to it; copies and plans as they are now.

        Raises:
            AnswersError: The text is no quarter.
        """
        last = read_quarter(quarter)
        if last is None:
            raise AnswersError(f"[quarter] '{quarter}' is no quarter. Write it as Q3 2026.")

        def keep(judgements: tuple[Judgement, ...]) -> tuple[Judgement, ...]:
            return tuple(one for one in judgements if (read_quarter(one.quarter) or (0, 0)) <= last)

        return replace(self, judgements=keep(self.judgements), withdrawn=keep(self.withdrawn))

    def list_quarters(self) -> list[str]:
        """List the quarters in which something was judged, oldest first."""
        found = {one.quarter.strip() for one in (*self.judgements, *self.withdrawn)}
        return sorted((text for text in found if read_quarter(text)), key=lambda text: (read_quarter(text), text))


def read_quarter(text: str) -> tuple[int, int] | None:
    """Read a quarter as people write it.

    Returns:
        Year and quarter, which sort by time; None where the text is no quarter.

    >>> read_quarter("Q3 2026"), read_quarter("Q1 FY2027"), read_quarter("soon")
    ((2026, 3), (2027, 1), None)
    """
    match = re.fullmatch(r"\s*Q([1-4])\s+(?:FY)?([0-9]{4})\s*", text, flags=re.IGNORECASE)
    return (int(match.group(2)), int(match.group(1))) if match else None


def read_discovery(folder: Path) -> tuple[DiscoveryAnswers, list[Problem]]:
    """Read the decisions.

    Returns:
        The decisions and the problems; a record that isn't allowed is left out, and the file stays as it is.
    """
    try:
        topic = read_topic(folder, TOPIC)
    except AnswersError as error:
        return DiscoveryAnswers(fault=str(error)), [describe_error(error, TOPIC)]
    return parse_discovery(topic)


def parse_discovery(topic: Topic) -> tuple[DiscoveryAnswers, list[Problem]]:
    """Turn a file's tables into the decisions and the problems."""
    problems: list[Problem] = []
    found = {table: _read_records(topic, table, problems) for table in RECORDS}
    answers = DiscoveryAnswers(
        judgements=found["judgement"],
        copies=found["copy"],
        activations=found["activation"],
        revision=topic.revision,
        withdrawn=found["withdrawn"],
        fault=_describe_left_out(problems),
    )
    return answers, problems


def _describe_left_out(problems: list[Problem]) -> str:
    if not problems:
        return ""
    first = problems[0]
    row = f", row {first['row']}" if first["row"] else ""
    more = f" So it is with {len(problems) - 1} more." if problems[1:] else ""
    return f"[{first['file']}{row}] {first['message']} {first['cure']}{more}"


def write_discovery(folder: Path, answers: DiscoveryAnswers, *, based_on: str) -> str:
    """Write the decisions whole.

    Raises:
        ConflictError: Somebody has saved since ``based_on`` was read.
        AnswersError: A light, state or effort isn't allowed.
    """
    for judgement in answers.judgements:
        _require("light", judgement.light, LIGHTS)
    for copy in answers.copies:
        _require("state", copy.state, COPY_STATES)
    for activation in answers.activations:
        _require("effort", activation.effort, ("", *EFFORTS))
    tables = {
        "judgement": _to_tables(answers.judgements),
        "copy": _to_tables(answers.copies),
        "activation": _to_tables(answers.activations),
        "withdrawn": _to_tables(answers.withdrawn),
    }
    current = read_topic(folder, TOPIC).values
    rest = {key: value for key, value in current.items() if key not in tables}
    kept = {name: rows for name, rows in tables.items() if rows}
    return write_topic(folder, TOPIC, {**rest, **kept}, based_on=based_on)


def _to_tables(records: Iterable[Any]) -> list[dict[str, str]]:
    return [{key: value for key, value in asdict(record).items() if value != ""} for record in records]


def _require(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        shown = ", ".join(word for word in allowed if word)
        raise AnswersError(f"{name} '{value}' is unknown. Allowed: {shown}.{suggest(value, allowed)}")


def _read_records(topic: Topic, table: str, problems: list[Problem]) -> tuple[Any, ...]:
    rows = topic.values.get(table, [])
    if not isinstance(rows, list):
        problems.append(
            make_problem(topic, table, "", rows, "this is no list", f"Write [[{table}]] in double brackets.")
        )
        return ()
    kept = []
    for index, row in enumerate(rows):
        fault = find_record_fault(row, table)
        if fault:
            key, value, message, cure = fault
            problems.append(make_problem(topic, table, key, value, message, cure, index=index))
            continue
        known = {key: str(value) for key, value in row.items()}
        kept.append(RECORDS[table][0](**known))
    return tuple(kept)


def find_record_fault(row: Any, table: str) -> tuple[str, Any, str, str] | None:
    """Say what is wrong with one record: key, value, what is wrong, what to do; None where nothing is."""
    kind, choices = RECORDS[table]
    names = kind.__dataclass_fields__
    if not isinstance(row, Mapping):
        return "", row, "this is no record", f"Write [[{table}]] in double brackets."
    for key, value in row.items():
        if key not in names:
            return key, value, "this key is unknown", f"Allowed: {', '.join(names)}.{suggest(key, names)}"
    for key, allowed in choices.items():
        value = str(row.get(key, names[key].default))
        if value not in allowed:
            shown = ", ".join(word for word in allowed if word)
            return key, value, f"{key} '{value}' is unknown", f"Allowed: {shown}.{suggest(value, allowed)}"
    missing = [key for key in ("dimension", "kpi") if key in names and kind is not Judgement and not row.get(key)]
    if missing:
        return missing[0], "", f"{missing[0]} is missing", "Add it."
    if kind is Judgement and not (row.get("dimension") or row.get("kpi")):
        return "dimension", "", "it names neither a dimension nor a KPI", "Add one of them."
    absent = [key for key in ("from_object", "to_object") if key in names and not row.get(key)]
    return (absent[0], "", f"{absent[0]} is missing", "Add it.") if absent else None
