"""What people decided in the KPI discovery matrix: lights they set, copies they want, KPIs they will activate."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
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


@dataclass(frozen=True)
class DiscoveryAnswers:
    """Everything that people decided in the matrix."""

    judgements: tuple[Judgement, ...] = ()
    copies: tuple[CopyDecision, ...] = ()
    activations: tuple[Activation, ...] = ()
    revision: str = field(default=ABSENT, compare=False)

    def find(self, *, kpi: str = "", dimension: str = "", object: str = "") -> Judgement | None:
        """Return the judgement on a cell: the last written one of those that say most about it."""
        best: tuple[int, int, Judgement] | None = None
        for place, judgement in enumerate(self.judgements):
            asked = ((judgement.kpi, kpi), (judgement.object, object))
            if judgement.dimension != dimension or any(said and said != cell for said, cell in asked):
                continue
            if not dimension and judgement.kpi != kpi:
                continue
            weight = (bool(judgement.kpi) + bool(judgement.object), place, judgement)
            if best is None or weight[:2] >= best[:2]:
                best = weight
        return best[2] if best else None


def read_discovery(folder: Path) -> tuple[DiscoveryAnswers, list[Problem]]:
    """Read the decisions.

    Returns:
        The decisions and the problems; a record that isn't allowed is left out, and the file stays as it is.
    """
    try:
        topic = read_topic(folder, TOPIC)
    except AnswersError as error:
        return DiscoveryAnswers(), [describe_error(error, TOPIC)]
    problems: list[Problem] = []
    judgements = _read_records(topic, "judgement", Judgement, {"light": LIGHTS}, problems)
    copies = _read_records(topic, "copy", CopyDecision, {"state": COPY_STATES}, problems)
    activations = _read_records(topic, "activation", Activation, {"effort": ("", *EFFORTS)}, problems)
    return DiscoveryAnswers(judgements, copies, activations, topic.revision), problems


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
    }
    return write_topic(folder, TOPIC, {name: rows for name, rows in tables.items() if rows}, based_on=based_on)


def _to_tables(records: Iterable[Any]) -> list[dict[str, str]]:
    return [{key: value for key, value in asdict(record).items() if value != ""} for record in records]


def _require(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        shown = ", ".join(word for word in allowed if word)
        raise AnswersError(f"{name} '{value}' is unknown. Allowed: {shown}.{suggest(value, allowed)}")


def _read_records(
    topic: Topic, table: str, kind: type, choices: Mapping[str, tuple[str, ...]], problems: list[Problem]
) -> tuple[Any, ...]:
    rows = topic.values.get(table, [])
    if not isinstance(rows, list):
        problems.append(
            make_problem(topic, table, "", rows, "this is no list", f"Write [[{table}]] in double brackets.")
        )
        return ()
    names = kind.__dataclass_fields__
    kept = []
    for index, row in enumerate(rows):
        fault = _find_fault(row, table, names, choices)
        if fault:
            key, value, message, cure = fault
            problems.append(make_problem(topic, table, key, value, message, cure, index=index))
            continue
        known = {key: str(value) for key, value in row.items()}
        kept.append(kind(**known))
    return tuple(kept)


def _find_fault(
    row: Any, table: str, names: Mapping[str, Any], choices: Mapping[str, tuple[str, ...]]
) -> tuple[str, Any, str, str] | None:
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
    missing = [key for key in ("dimension", "kpi") if key in names and table != "judgement" and not row.get(key)]
    if missing:
        return missing[0], "", f"{missing[0]} is missing", "Add it."
    if table == "judgement" and not (row.get("dimension") or row.get("kpi")):
        return "dimension", "", "it names neither a dimension nor a KPI", "Add one of them."
    absent = [key for key in ("from_object", "to_object") if key in names and not row.get(key)]
    return (absent[0], "", f"{absent[0]} is missing", "Add it.") if absent else None
