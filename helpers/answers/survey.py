"""Answers to the survey: one file per respondent, checked field by field, and the round that keeps them private."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from helpers.answers.files import ABSENT, Topic, find_line, list_topics, name_file, read_topic, write_topic
from helpers.errors import AnswersError, suggest
from helpers.model.survey import Survey, SurveyField

GROUP = "survey"
ROUND = "survey/round"
Problem = dict[str, Any]
"""One problem with a file of answers, under the columns of ``helpers.issues.ISSUE_COLUMNS``."""


@dataclass(frozen=True)
class Response:
    """One person's answers.

    Attributes:
        id: The file's name without its ending.
        name: As typed; a stable pseudonym where people are hidden.
        role: As typed; empty where people are hidden.
        team: Id of the team, one of the survey's choices; ``other`` where none was chosen.
        values: Question id → answer; shares are 0–1, a grid is a list of rows. Unanswered questions are left out.
        file: The file under the company's folder.
        revision: What a write names as its base.
    """

    id: str
    name: str
    role: str = ""
    team: str = "other"
    values: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""
    revision: str = ABSENT


@dataclass(frozen=True)
class Round:
    """Whether the facilitator has closed the round; before that nobody sees answers or the CRM beside them."""

    is_closed: bool = False
    label: str = ""
    revision: str = ABSENT


def read_round(folder: Path) -> tuple[Round, list[Problem]]:
    """Read the round's state.

    Returns:
        The round and its problems. A missing or damaged file leaves the round open: nothing leaks by accident.
    """
    try:
        topic = read_topic(folder, ROUND)
    except AnswersError as error:
        return Round(), [describe_error(error, ROUND)]
    closed = topic.values.get("closed", False)
    if not isinstance(closed, bool):
        problem = make_problem(
            topic, "", "closed", closed, "closed is neither true nor false", "Write true or false. It counts as open."
        )
        return Round(revision=topic.revision), [problem]
    return Round(closed, str(topic.values.get("label", "")), topic.revision), []


def write_round(folder: Path, *, is_closed: bool, based_on: str, label: str = "") -> str:
    """Close the round or open it again.

    Raises:
        ConflictError: Somebody else has changed it since it was read.
    """
    return write_topic(folder, ROUND, {"closed": is_closed, "label": label or None}, based_on=based_on)


def read_responses(folder: Path, survey: Survey) -> tuple[dict[str, Response], list[Problem]]:
    """Read everybody's answers.

    Args:
        folder: The company's folder.
        survey: The survey's definition.

    Returns:
        Respondent's id → answers, sorted by id, and the problems. A damaged file leaves its respondent out, a value
        that isn't allowed is left out of the answers; both are problems with file, line and cure. No file is changed.
    """
    responses: dict[str, Response] = {}
    problems: list[Problem] = []
    for name in list_topics(folder, GROUP):
        if name == ROUND:
            continue
        try:
            topic = read_topic(folder, name)
        except AnswersError as error:
            problems.append(describe_error(error, name))
            continue
        response, own = read_response(topic, survey)
        responses[response.id] = response
        problems.extend(own)
    return responses, problems


def read_response(topic: Topic, survey: Survey) -> tuple[Response, list[Problem]]:
    """Turn one file into checked answers and its problems."""
    problems: list[Problem] = []
    id = topic.name.split("/")[-1]
    person = _read_table(topic, "respondent", survey.respondent, problems)
    known = {"respondent", "version", *survey.tabs}
    for table in topic.values:
        if table not in known:
            cure = f"Rename it.{suggest(table, known)}"
            problems.append(make_problem(topic, table, "", table, "this table is no tab of the survey", cure))
    values: dict[str, Any] = {}
    for tab in survey.tabs.values():
        values |= _read_table(topic, tab.id, tab.fields, problems)
    response = Response(
        id,
        str(person.get("name", id)),
        str(person.get("role", "")),
        str(person.get("team", "other")),
        values,
        f"answers/{topic.name}.toml",
        topic.revision,
    )
    return response, problems


def write_response(
    folder: Path,
    name: str,
    values: Mapping[str, Any],
    survey: Survey,
    *,
    team: str,
    role: str = "",
    based_on: str,
) -> str:
    """Write one person's answers.

    Args:
        folder: The company's folder.
        name: The person's name; the file's name is made of it.
        values: Question id → answer; None and empty answers are left out.
        survey: The survey's definition.
        team: Id of the person's team.
        role: The person's role.
        based_on: The revision that was read; ``ABSENT`` for somebody new.

    Returns:
        The new revision.

    Raises:
        ConflictError: Another window has saved since.
        AnswersError: A value isn't allowed, every one is named; or the name belongs to somebody else's file.
    """
    wrong: list[str] = []
    tables: dict[str, dict[str, Any]] = {"respondent": {"name": name, "role": role or None, "team": team}}
    known: set[str] = set()
    for tab, question in survey.fields():
        known.add(question.id)
        checked, faults = check_answer(question, values.get(question.id))
        wrong.extend(f"{place or question.id}: {what} {cure}" for place, what, cure in faults)
        if checked is not None:
            tables.setdefault(tab.id, {})[question.id] = checked
    wrong.extend(f"{id}: no such question.{suggest(id, known)}" for id in values if id not in known)
    if wrong:
        raise AnswersError("\n".join(wrong))
    topic = f"{GROUP}/{name_file(name)}"
    there = read_topic(folder, topic)
    owner = there.values.get("respondent", {}).get("name", name)
    if str(owner).casefold().split() != name.casefold().split():
        raise AnswersError(f"[answers/{topic}.toml] this file belongs to '{owner}'. Add your surname to your name.")
    return write_topic(folder, topic, tables, based_on=based_on)


def hide_people(responses: Mapping[str, Response]) -> dict[str, Response]:
    """Return the same answers under stable pseudonyms, without roles.

    A pseudonym is made of the file's name, so it stays the same when others join.
    """
    hidden = {}
    for response in responses.values():
        mark = sha256(response.id.encode()).hexdigest()[:4].upper()
        name = f"Respondent {mark}"
        hidden[f"respondent-{mark.lower()}"] = replace(
            response, id=f"respondent-{mark.lower()}", name=name, role="", file="answers/survey"
        )
    return dict(sorted(hidden.items()))


def check_answer(field: SurveyField, value: Any) -> tuple[Any, list[tuple[str, str, str]]]:
    """Check one answer.

    Args:
        field: The question.
        value: What was typed, as read from the file or given by a form.

    Returns:
        The answer to keep (None: none) and the faults, each as place, what is wrong, and what to do.

    >>> crm = SurveyField(id="crm", label="CRM", type="choice", choices={"hubspot": "HubSpot"})
    >>> check_answer(crm, "hubspt")
    (None, [('crm', "'hubspt' can't be chosen.", "Allowed: HubSpot. Did you mean 'HubSpot'?")])
    """
    if value is None or value == "" or value == []:
        return None, []
    if field.type in ("number", "currency"):
        return _check_number(field, value)
    if field.type in ("choice", "yes_no_unknown"):
        return _check_choice(field, value)
    if field.type in ("multiple_choice", "ranked"):
        return _check_list(field, value)
    if field.type == "grid":
        return _check_grid(field, value)
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return (str(value), []) if str(value).strip() else (None, [])
    return None, [(field.id, f"{_show(value)} is no text.", "Write it in quotation marks.")]


def read_number(text: str, unit: str = "") -> float | None:
    """Read a number as people type it; a share may be typed as ``60 %`` and is returned as 0.6.

    Returns:
        The number, or None where the text is none.

    >>> read_number("€1,200,000"), read_number("60 %", "share"), read_number("1,5"), read_number("1e400")
    (1200000.0, 0.6, 1.5, None)
    """
    bare = re.sub(r"[\s'\u00a0\u202f€$£%]|days?$|USD|EUR|GBP", "", text.strip())
    if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", bare):
        bare = bare.replace(",", "")
    elif re.fullmatch(r"-?\d{1,3}(\.\d{3}){2,}(,\d+)?|-?\d{1,3}(\.\d{3})+,\d+", bare):
        bare = bare.replace(".", "").replace(",", ".")
    elif bare.count(",") == 1 and "." not in bare:
        bare = bare.replace(",", ".")
    if not re.fullmatch(r"-?\d+(\.\d*)?([eE][+-]?\d+)?", bare):
        return None
    number = float(bare)
    if not math.isfinite(number):
        return None
    return number / 100 if unit == "share" and ("%" in text or number > 1) else number


def generate_secondaries(primaries: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """List every primary KPI × partition that the survey's KPI tab names.

    Args:
        primaries: The rows of the grid ``primary_kpis``.

    Returns:
        One record per secondary KPI: ``secondary`` (``Opportunities by Source``), ``kpi`` and ``partition``, in
        the order typed; a pair named twice is listed once.

    >>> generate_secondaries([{"kpi": "Leads", "partition_1": "Owner", "partition_3": "Source"}])[1]["secondary"]
    'Leads by Source'
    """
    rows: dict[str, dict[str, str]] = {}
    for primary in primaries:
        for number in range(1, 5):
            partition = str(primary.get(f"partition_{number}") or "").strip()
            kpi = str(primary.get("kpi") or "").strip()
            if kpi and partition:
                secondary = f"{kpi} by {partition}"
                rows.setdefault(secondary.casefold(), {"secondary": secondary, "kpi": kpi, "partition": partition})
    return list(rows.values())


def measure_progress(response: Response, survey: Survey) -> dict[str, tuple[int, int]]:
    """Count answered and all questions per tab: tab id → (answered, questions)."""
    return {
        tab.id: (sum(field.id in response.values for field in tab.fields), len(tab.fields))
        for tab in survey.tabs.values()
    }


def describe_error(error: AnswersError, topic: str) -> Problem:
    """Turn an error of a whole file into a problem."""
    text = str(error)
    place = re.match(r"\[(?P<file>[^\],]+)(?:, row (?P<row>\d+))?\]\s*(?P<rest>.*)", text, flags=re.DOTALL)
    rest = place.group("rest") if place else text
    message, _, cure = rest.partition(". ")
    return {
        "file": place.group("file") if place else f"answers/{topic}.toml",
        "row": int(place.group("row")) if place and place.group("row") else None,
        "column": "",
        "code": "damaged_answers",
        "severity": "error",
        "value": "",
        "message": f"{message.rstrip('.')}.",
        "cure": cure or "Mend the file, or bring back an earlier version.",
    }


def make_problem(
    topic: Topic, table: str, key: str, value: Any, message: str, cure: str, *, index: int | None = None
) -> Problem:
    """Describe one answer that isn't allowed, with its line in the file."""
    name = key.split(".")[-1]
    line = find_line(topic.text, table, name, index) or find_line(topic.text, table, "", index)
    if not table:
        line = next(
            (n for n, text in enumerate(topic.text.splitlines(), 1) if re.match(rf"\s*{re.escape(key)}\s*=", text)),
            None,
        )
    return {
        "file": f"answers/{topic.name}.toml",
        "row": line,
        "column": key,
        "code": "answer_not_allowed",
        "severity": "warning",
        "value": str(value)[:200],
        "message": f"{message.rstrip('.')}.",
        "cure": cure,
    }


def _read_table(topic: Topic, table: str, fields: Iterable[SurveyField], problems: list[Problem]) -> dict[str, Any]:
    typed = topic.values.get(table, {})
    if not isinstance(typed, Mapping):
        problems.append(make_problem(topic, "", table, typed, "this is no table", f"Write it under [{table}]."))
        return {}
    fields = {field.id: field for field in fields}
    kept: dict[str, Any] = {}
    for key, value in typed.items():
        if key not in fields:
            cure = f"Rename or remove it.{suggest(key, fields)}"
            problems.append(make_problem(topic, table, key, value, "there is no such question", cure))
            continue
        checked, faults = check_answer(fields[key], value)
        if checked is not None:
            kept[key] = checked
        for place, message, cure in faults:
            row = re.search(r"\[(\d+)\]", place)
            index = int(row.group(1)) - 1 if row else None
            where = f"{table}.{key}" if row else table
            problems.append(make_problem(topic, where, place, value if not row else "", message, cure, index=index))
    return kept


def _check_number(field: SurveyField, value: Any) -> tuple[Any, list[tuple[str, str, str]]]:
    number = read_number(value, field.unit) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        return None, [
            (field.id, f"{_show(value)} is no number.", f"Write a plain number such as {field.example or 10}.")
        ]
    if field.minimum is not None and number < field.minimum:
        return None, [(field.id, f"{_show(value)} is below {_bound(field, field.minimum)}.", "Write a larger number.")]
    if field.maximum is not None and number > field.maximum:
        hint = " A share is kept as 0.6 for 60 %." if field.unit == "share" else ""
        cure = f"Write a smaller number.{hint}"
        return None, [(field.id, f"{_show(value)} is above {_bound(field, field.maximum)}.", cure)]
    return number, []


def _check_choice(field: SurveyField, value: Any) -> tuple[Any, list[tuple[str, str, str]]]:
    allowed = field.allowed
    if isinstance(value, bool) and field.type == "yes_no_unknown":
        return ("yes" if value else "no"), []
    by_text = {id.casefold(): id for id in allowed} | {label.casefold(): id for id, label in allowed.items()}
    chosen = by_text.get(str(value).strip().casefold())
    if chosen:
        return chosen, []
    hint = suggest(str(value), [*allowed, *allowed.values()])
    return None, [(field.id, f"{_show(value)} can't be chosen.", f"Allowed: {', '.join(allowed.values())}.{hint}")]


def _check_list(field: SurveyField, value: Any) -> tuple[Any, list[tuple[str, str, str]]]:
    items = list(value) if isinstance(value, list | tuple) else [value]
    faults: list[tuple[str, str, str]] = []
    kept: list[str] = []
    for item in items:
        if field.type == "multiple_choice":
            chosen, wrong = _check_choice(field, item)
            faults.extend(wrong)
        else:
            chosen = str(item).strip() if isinstance(item, str | int | float) else None
        if chosen and chosen not in kept:
            kept.append(chosen)
    if len(kept) > field.maximum_items:
        faults.append((field.id, f"{len(kept)} items are too many.", f"Keep the first {field.maximum_items}."))
    return kept[: field.maximum_items] or None, faults


def _check_grid(field: SurveyField, value: Any) -> tuple[Any, list[tuple[str, str, str]]]:
    if not isinstance(value, list | tuple):
        return None, [(field.id, f"{_show(value)} is no list of rows.", "Write one [[table]] per row.")]
    columns = {column.id: column for column in field.columns}
    rows, faults = [], []
    for number, row in enumerate(value, start=1):
        if not isinstance(row, Mapping):
            faults.append((f"{field.id}[{number}]", f"{_show(row)} is no row.", "Write one [[table]] per row."))
            continue
        kept = {}
        for key, cell in row.items():
            place = f"{field.id}[{number}].{key}"
            if key not in columns:
                faults.append((place, "there is no such column.", f"Rename or remove it.{suggest(key, columns)}"))
                continue
            checked, wrong = check_answer(columns[key], cell)
            faults.extend((place, message, cure) for _, message, cure in wrong)
            if checked is not None:
                kept[key] = checked
        if field.key in kept:
            rows.append(kept)
        elif kept:
            where = f"{field.id}[{number}].{field.key}"
            faults.append((where, f"the row has no {field.columns[0].label.lower()}.", "Name the row, or remove it."))
    if len(rows) > field.maximum_rows:
        faults.append((field.id, f"{len(rows)} rows are too many.", f"Keep the first {field.maximum_rows}."))
    return rows[: field.maximum_rows] or None, faults


def _bound(field: SurveyField, bound: float) -> str:
    return f"{bound:.0%}" if field.unit == "share" else f"{bound:,.0f}" if field.unit != "year" else f"{bound:.0f}"


def _show(value: Any) -> str:
    text = repr(value) if not isinstance(value, str) else f"'{value}'"
    return text if len(text) <= 80 else f"{text[:77]}…'"
