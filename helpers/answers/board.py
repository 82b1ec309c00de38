"""The 5M board: causes that people wrote down, one file per author, each linked to evidence or marked as opinion."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from helpers.answers.files import Topic, list_topics, name_file, read_topic, write_topic
from helpers.answers.problems import Problem, describe_error, make_problem
from helpers.errors import AnswersError, suggest

GROUP = "board"
BONES = ("people", "machinery", "material", "method", "measurement")
STATES = ("proposed", "kept", "rejected")


@dataclass(frozen=True)
class CauseNote:
    """One cause on the board.

    Attributes:
        text: The cause in a sentence.
        m: One of ``BONES``.
        whys: Why, and why again; up to five.
        evidence: Ids of findings or rows of ``root_cause.csv`` that speak for it; empty marks it as an opinion.
        state: proposed, kept or rejected.
        votes: How many people voted for it.
        confidence: 0–1.
        containment: What closes this quarter's gap.
        prevention: What keeps it from coming back.
        owner: Who does it.
        due: By when.
        metric: The KPI that will show it.
        author: Whose file it stands in.
    """

    text: str
    m: str = "method"
    whys: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    state: str = "proposed"
    votes: int = 0
    confidence: float | None = None
    containment: str = ""
    prevention: str = ""
    owner: str = ""
    due: date | None = None
    metric: str = ""
    author: str = ""

    @property
    def is_opinion(self) -> bool:
        """Whether nothing but somebody's word stands behind it."""
        return not self.evidence


def read_board(folder: Path) -> tuple[dict[str, tuple[CauseNote, ...]], list[Problem]]:
    """Read everybody's causes.

    Returns:
        Author's id → causes in the order written, and the problems; a record that isn't allowed is left out.
    """
    board: dict[str, tuple[CauseNote, ...]] = {}
    problems: list[Problem] = []
    for name in list_topics(folder, GROUP):
        try:
            topic = read_topic(folder, name)
        except AnswersError as error:
            problems.append(describe_error(error, name))
            continue
        board[name.split("/")[-1]] = _read_causes(topic, problems)
    return board, problems


def write_board(folder: Path, author: str, causes: list[CauseNote], *, based_on: str) -> str:
    """Write one author's causes whole.

    Raises:
        ConflictError: Another window has saved since.
        AnswersError: A cause names an unknown M or state.
    """
    rows = []
    for cause in causes:
        fault = _find_fault(asdict(cause))
        if fault:
            raise AnswersError(f"{fault[0]}: {fault[1]}. {fault[2]}")
        record = {key: value for key, value in asdict(cause).items() if value not in ("", None, (), 0)}
        rows.append({key: list(value) if isinstance(value, tuple) else value for key, value in record.items()})
    values: dict[str, Any] = {"author": author, **({"cause": rows} if rows else {})}
    for row in rows:
        row.pop("author", None)
    return write_topic(folder, f"{GROUP}/{name_file(author)}", values, based_on=based_on)


def _read_causes(topic: Topic, problems: list[Problem]) -> tuple[CauseNote, ...]:
    author = str(topic.values.get("author", topic.name.split("/")[-1]))
    rows = topic.values.get("cause", [])
    causes = []
    for index, row in enumerate(rows if isinstance(rows, list) else []):
        record = dict(row) if isinstance(row, Mapping) else {"text": ""}
        fault = _find_fault(record)
        if fault:
            key, message, cure = fault
            problems.append(make_problem(topic, "cause", key, record.get(key, ""), message, cure, index=index))
            continue
        lists = {key: tuple(map(str, record.get(key, ()))) for key in ("whys", "evidence")}
        causes.append(CauseNote(**{**record, **lists, "author": author}))
    return tuple(causes)


def _find_fault(record: Mapping[str, Any]) -> tuple[str, str, str] | None:
    names = CauseNote.__dataclass_fields__
    for key in record:
        if key not in names:
            return key, "this key is unknown", f"Allowed: {', '.join(names)}.{suggest(key, names)}"
    if not isinstance(record.get("text"), str) or not record["text"].strip():
        return "text", "the cause has no text", "Say it in a sentence."
    for key, allowed, default in (("m", BONES, "method"), ("state", STATES, "proposed")):
        value = str(record.get(key, default))
        if value not in allowed:
            return key, f"'{value}' is unknown", f"Allowed: {', '.join(allowed)}.{suggest(value, allowed)}"
    for key in ("whys", "evidence"):
        if not isinstance(record.get(key, []), list | tuple):
            return key, f"{key} is no list", 'Write it in brackets: ["…", "…"].'
    confidence = record.get("confidence")
    is_number = isinstance(confidence, int | float) and math.isfinite(confidence)
    if confidence is not None and not (is_number and 0 <= confidence <= 1):
        return "confidence", "confidence is not between 0 and 1", "Write 0.6 for 60 %."
    due = record.get("due")
    if due is not None and not isinstance(due, date):
        return "due", f"'{due}' is no day", "Write it as 2026-12-15, without quotation marks."
    return None
