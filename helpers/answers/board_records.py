"""One record of a board's file: which keys it may hold, what is wrong with it, and what it means."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from helpers.answers.fields import LARGEST, find_text_fault
from helpers.errors import suggest
from helpers.model.board import BONES, MILIEU, MOST_DOTS, MOST_WHYS, QUESTIONS, STATES, VERDICTS, Evidence, Why
from helpers.model.board_action import ACTION_STATES, CHECK_VERDICTS, KINDS

Fault = tuple[str, str, str]
"""Key, what is wrong, what to do."""

Check = Callable[[str, Any], Fault | None]

TEXT_LIMIT = 5_000
"""Characters."""

OLD_STATES = {"rejected": "dropped"}
"""States that older files hold, and what they are called now."""

OLD_ACTIONS = {"containment": "contain", "prevention": "prevent"}
OLD_KEYS = (*OLD_ACTIONS, "owner", "due", "metric")
"""Keys by which older files hold a cause's actions within the cause."""

EXAMPLE_DAY = "2026-12-15"
KINDS_OF_ROWS = ("cause", "action", "vote", "decision", "comment")


def find_fault(kind: str, record: Mapping[str, Any]) -> Fault | None:
    """Say what is wrong with a record, at which key, and what to do.

    Args:
        kind: One of ``KINDS_OF_ROWS``, or problem.
        record: The record as a TOML table.
    """
    checks = RECORDS[kind]
    for key in record:
        if key not in checks:
            return key, "this key is unknown", f"Allowed: {', '.join(checks)}.{suggest(str(key), checks)}"
    for key in REQUIRED.get(kind, ()):
        if not isinstance(record.get(key), str) or not record[key].strip():
            return key, f"the {kind} has no {key}", NEEDED.get((kind, key), "Name the cause by its id.")
    for key, value in record.items():
        fault = checks[key](key, value)
        if fault:
            return fault
    if kind == "action" and record.get("start") and record.get("due") and record["due"] < record["start"]:
        return "due", "the action is due before it starts", "Put the later day under due."
    if kind == "decision" and not (record.get("state") or record.get("verdict")):
        return "state", "the decision decides nothing", "Give it a state or a verdict."
    return None


def read_evidence(items: Any) -> tuple[Evidence, ...]:
    """Read evidence as ids, or as tables that hold what it said and when it was found."""
    return tuple(
        Evidence(str(one["id"]), str(one.get("says", "")), one.get("found")) if isinstance(one, Mapping)
        else Evidence(str(one))
        for one in items
    )  # fmt: skip


def read_whys(items: Any) -> tuple[Why, ...]:
    """Read the answers to "why?": texts, or tables with the evidence for each."""
    return tuple(
        Why(one["text"], read_evidence(one.get("evidence", ()))) if isinstance(one, Mapping) else Why(one)
        for one in items
        if (one["text"] if isinstance(one, Mapping) else one).strip()
    )


def write_evidence(evidence: tuple[Evidence, ...]) -> list[Any]:
    """Write evidence as the file keeps it: the id alone where nothing else is known."""
    return [
        one.id if not one.says and one.found is None
        else {"id": one.id, "says": one.says, **({"found": one.found} if one.found else {})}
        for one in evidence
    ]  # fmt: skip


def write_whys(whys: tuple[Why, ...]) -> list[Any]:
    """Write the answers to "why?" as the file keeps them."""
    return [{"text": one.text, "evidence": write_evidence(one.evidence)} if one.evidence else one.text for one in whys]


def _text(key: str, value: Any) -> Fault | None:
    return find_text_fault(key, value, TEXT_LIMIT)


def _id(key: str, value: Any) -> Fault | None:
    if not isinstance(value, str) or not re.fullmatch(r"\S(?:.{0,118}\S)?", value):
        return key, f"'{str(value)[:40]}' is no id", "Write a short name in quotation marks, such as ana-okafor-1."
    return _text(key, value)


def _one_of(allowed: Mapping[str, Any] | tuple[str, ...]) -> Check:
    def check(key: str, value: Any) -> Fault | None:
        if isinstance(value, str) and value in allowed:
            return None
        said = str(value)[:40]
        return key, f"'{said}' is unknown", f"Allowed: {', '.join(allowed)}.{suggest(said, allowed)}"

    return check


def _number(low: float, high: float, cure: str, *, is_whole: bool = False) -> Check:
    def check(key: str, value: Any) -> Fault | None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return key, f"{key} is no number", cure
        if not low <= value <= high:
            return key, f"{key} is not between {low:,.0f} and {high:,.0f}", cure
        if is_whole and not float(value).is_integer():
            return key, f"{key} is no whole number", cure
        return None

    return check


def _day(key: str, value: Any) -> Fault | None:
    if isinstance(value, date) and not isinstance(value, datetime):
        return None
    return key, f"'{str(value)[:40]}' is no day", f"Write it as {EXAMPLE_DAY}, without quotation marks."


def _moment(key: str, value: Any) -> Fault | None:
    return None if isinstance(value, datetime) else (key, "this is no moment", "Write it as 2026-10-05T09:30:00.")


def _yes_no(key: str, value: Any) -> Fault | None:
    return None if isinstance(value, bool) else (key, f"{key} is neither true nor false", "Write true or false.")


def _evidence(key: str, value: Any) -> Fault | None:
    if not isinstance(value, list | tuple):
        return key, f"{key} is no list", 'Write it in brackets: ["…", "…"].'
    for one in value:
        record = one if isinstance(one, Mapping) else {"id": one}
        unknown = next((name for name in record if name not in ("id", "says", "found")), None)
        if unknown:
            return key, f"evidence has no '{unknown}'", "Allowed: id, says, found."
        fault = _id(key, record.get("id")) or _text(key, record.get("says", ""))
        fault = fault or (_day(key, record["found"]) if "found" in record else None)
        if fault:
            return fault
    return None


def _whys(key: str, value: Any) -> Fault | None:
    if not isinstance(value, list | tuple):
        return key, f"{key} is no list", 'Write it in brackets: ["…", "…"].'
    if len(value) > MOST_WHYS:
        return key, f"there are {len(value)} answers to why", f"At most {MOST_WHYS} are kept; join or remove some."
    for one in value:
        record = one if isinstance(one, Mapping) else {"text": one}
        unknown = next((name for name in record if name not in ("text", "evidence")), None)
        if unknown:
            return key, f"an answer to why has no '{unknown}'", "Allowed: text, evidence."
        fault = _text(key, record.get("text")) or _evidence(key, record.get("evidence", ()))
        if fault:
            return fault
    return None


def _checks(key: str, value: Any) -> Fault | None:
    if not isinstance(value, list | tuple) or not all(isinstance(one, Mapping) for one in value):
        return key, f"{key} is no list of checks", 'Write [{day = 2027-01-15, value = 0.3, n = 120, verdict = "held"}].'
    for one in value:
        fault = _find_in(one, CHECK) or (_day("day", one.get("day")))
        if fault:
            return key, f"a check's {fault[0]}: {fault[1]}", fault[2]
    return None


def _is_is_not(key: str, value: Any) -> Fault | None:
    if not isinstance(value, Mapping):
        return key, f"{key} is no table", 'Write {is = "…", is_not = "…", difference = "…"}.'
    return _find_in(value, {"is": _text, "is_not": _text, "difference": _text})


def _find_in(record: Mapping[str, Any], checks: Mapping[str, Check]) -> Fault | None:
    for key, value in record.items():
        fault = (
            checks[key](key, value) if key in checks
            else (key, f"'{key}' is unknown", f"Allowed: {', '.join(checks)}.")
        )  # fmt: skip
        if fault:
            return fault
    return None


AMOUNT = _number(0, LARGEST, "Write a plain number of 0 or more, without separators and units.")
ANY_NUMBER = _number(-LARGEST, LARGEST, "Write a plain number, without separators and units.")
COUNT = _number(0, LARGEST, "Write a whole number of 0 or more.", is_whole=True)

CHECK: dict[str, Check] = {
    "day": _day,
    "value": ANY_NUMBER,
    "n": COUNT,
    "verdict": _one_of(CHECK_VERDICTS),
    "reopened": _yes_no,
    "note": _text,
}

RECORDS: dict[str, dict[str, Check]] = {
    "cause": {
        "id": _id,
        "text": _text,
        "m": _one_of((*BONES, MILIEU)),
        "whys": _whys,
        "prediction": _text,
        "evidence": _evidence,
        "verdict": _one_of(VERDICTS),
        "state": _one_of({**STATES, **OLD_STATES}),
        "confidence": _number(0, 1, "Write a number between 0 and 1, such as 0.6 for 60 %."),
        "contribution": AMOUNT,
        "controllable": _yes_no,
        "period": _text,
        "at": _moment,
        "decided_at": _moment,
        "votes": COUNT,
        "containment": _text,
        "prevention": _text,
        "owner": _text,
        "due": _day,
        "metric": _text,
    },
    "action": {
        "id": _id,
        "cause": _text,
        "kind": _one_of(KINDS),
        "text": _text,
        "owner": _text,
        "start": _day,
        "due": _day,
        "done_on": _day,
        "effort": _number(0, 10_000, "Write person-days as a plain number, such as 5."),
        "kpi": _text,
        "slice": _text,
        "expected_from": ANY_NUMBER,
        "expected_to": ANY_NUMBER,
        "guard": _text,
        "pauses": _text,
        "state": _one_of(ACTION_STATES),
        "checks": _checks,
    },
    "vote": {
        "cause": _text,
        "dots": _number(0, MOST_DOTS, f"One person has {MOST_DOTS} dots; write 1 to {MOST_DOTS}.", is_whole=True),
    },
    "decision": {"cause": _text, "state": _one_of(STATES), "verdict": _one_of(VERDICTS), "at": _moment},
    "comment": {"id": _id, "cause": _text, "text": _text, "at": _moment},
    "problem": {"kpi": _text, "period": _text, **{question: _is_is_not for question in QUESTIONS}},
}

REQUIRED = {"cause": ("text",), "vote": ("cause",), "decision": ("cause",), "comment": ("cause", "text")}
NEEDED = {("cause", "text"): "Say it in a sentence.", ("comment", "text"): "Write a sentence."}
