"""Answers to the survey: one file per respondent, checked field by field, and the round that keeps them private."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from helpers.answers.fields import check_answer
from helpers.answers.files import ABSENT, Topic, list_topics, name_file, read_topic, write_topic
from helpers.answers.merging import Held
from helpers.answers.names import find_fault_in_name
from helpers.answers.problems import Problem, describe_error, make_problem
from helpers.answers.response_file import (
    OWN_TABLES,
    RESPONDENT,
    SAVED_ON,
    order_tables,
    put_held,
    read_held,
    require_owner,
)
from helpers.answers.typed import normalise, split_answer
from helpers.errors import AnswersError, suggest
from helpers.model.survey import Survey, SurveyField

GROUP = "survey"
ROUND = "survey/round"
NEXT_LABEL, ENDS_AS = "next_label", "ends_as"
"""Keys of the round's file while the next round is being started: see ``helpers.answers.rounds``."""

LOWEST, PSEUDONYMS = 100, 900
"""Pseudonyms are numbers of three digits."""


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
        saved_on: The day on which they were saved last; None where the file doesn't say.
    """

    id: str
    name: str
    role: str = ""
    team: str = "other"
    values: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""
    revision: str = ABSENT
    saved_on: date | None = None


@dataclass(frozen=True)
class Round:
    """Whether the facilitator has closed the round; before that nobody sees answers or the CRM beside them.

    Attributes:
        is_closed: Whether it is closed.
        label: What it is called.
        revision: What a write names as its base.
        hides_names: Whether the group sees its answers without names.
        next_label: What the next round is called, where starting it was begun and not finished yet.
    """

    is_closed: bool = False
    label: str = ""
    revision: str = ABSENT
    hides_names: bool = False
    next_label: str = ""


def read_round(folder: Path) -> tuple[Round, list[Problem]]:
    """Read the round's state.

    Returns:
        The round and its problems. A missing or damaged file leaves the round open: nothing leaks by accident.
    """
    try:
        topic = read_topic(folder, ROUND)
    except AnswersError as error:
        return Round(), [describe_error(error, ROUND)]
    problems = []
    states = {}
    for key, meant in (("closed", "It counts as open."), ("hides_names", "It counts as true.")):
        states[key] = topic.values.get(key, False)
        if not isinstance(states[key], bool):
            cure = f"Write true or false. {meant}"
            problems.append(make_problem(topic, "", key, states[key], f"{key} is neither true nor false", cure))
            states[key] = key == "hides_names"
    label, next_label = (str(topic.values.get(key, "")) for key in ("label", NEXT_LABEL))
    return Round(states["closed"], label, topic.revision, states["hides_names"], next_label), problems


def write_round(
    folder: Path, *, is_closed: bool, based_on: str, label: str = "", hides_names: bool | None = None
) -> str:
    """Close the round or open it again.

    Args:
        folder: The company's folder.
        is_closed: Whether it is closed from now on.
        based_on: The revision that was read.
        label: What it is called.
        hides_names: Whether the group sees its answers without names; None leaves that as it is.

    Raises:
        ConflictError: Somebody else has changed it since it was read.
    """
    if hides_names is None:
        hides_names = read_round(folder)[0].hides_names
    values = {"closed": is_closed, "label": label or None, "hides_names": hides_names or None}
    return write_topic(folder, ROUND, {**read_topic(folder, ROUND).values, **values}, based_on=based_on)


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
    known = {*OWN_TABLES, *survey.tabs}
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
        _read_day(topic, problems),
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
    saved_on: date | None = None,
) -> str:
    """Write one person's answers, all at once; drafts beside them and what was typed by hand into the file stay.

    Args:
        folder: The company's folder.
        name: The person's name; the file's name is made of it.
        values: Question id → answer; None and empty answers are left out.
        survey: The survey's definition.
        team: Id of the person's team.
        role: The person's role.
        based_on: The revision that was read; ``ABSENT`` for somebody new.
        saved_on: The day to be noted in the file; None notes none.

    Returns:
        The new revision.

    Raises:
        ConflictError: Another window has saved since.
        AnswersError: A value isn't allowed, every one is named; or the name can't be used or belongs to somebody
            else's file.
    """
    wrong = [fault for fault in (find_fault_in_name(name),) if fault]
    checked: dict[str, Any] = {}
    for _, question in survey.fields():
        checked[question.id], faults = check_answer(question, values.get(question.id))
        wrong.extend(f"{place or question.id}: {what} {cure}" for place, what, cure in faults)
    wrong.extend(f"{id}: no such question.{suggest(id, checked)}" for id in values if id not in checked)
    if wrong:
        raise AnswersError("\n".join(wrong))
    topic = f"{GROUP}/{name_file(name)}"
    there = read_topic(folder, topic)
    require_owner(there, name)
    held = read_held(there.values, survey)
    wanted = {}
    for _, question in survey.fields():
        have = held.get(question.id, Held())
        if split_answer(question, have.value)[0] != checked[question.id]:
            wanted[question.id] = Held(normalise(question, checked[question.id]), have.pending)
    tables = put_held(there.values, survey, held, wanted)
    person = {**tables.get(RESPONDENT, {}), "name": name, "role": role or None, "team": team}
    person |= {SAVED_ON: saved_on} if saved_on else {}
    return write_topic(folder, topic, order_tables({**tables, RESPONDENT: person}), based_on=based_on)


def number_people(responses: Mapping[str, Response]) -> dict[str, int]:
    """Give every respondent a number that can be said aloud in place of the name.

    Returns:
        Response's id → number. It is made of the file's name, so it stays the same from page to page and when others
        join; only where two would share a number one of them takes the next that is free.
    """
    numbers: dict[str, int] = {}
    marks = {sha256(response.id.encode()).hexdigest(): response.id for response in responses.values()}
    for mark, id in sorted(marks.items()):
        number = int(mark, 16) % PSEUDONYMS
        while LOWEST + number in numbers.values():
            number = (number + 1) % PSEUDONYMS
        numbers[id] = LOWEST + number
    return numbers


def hide_people(responses: Mapping[str, Response]) -> dict[str, Response]:
    """Return the same answers under stable pseudonyms, such as ``Respondent 412``, without roles."""
    numbers = number_people(responses)
    hidden = {}
    for response in responses.values():
        number = numbers[response.id]
        id, name = f"respondent-{number}", f"Respondent {number}"
        hidden[id] = replace(response, id=id, name=name, role="", file="answers/survey")
    return dict(sorted(hidden.items()))


def measure_progress(response: Response, survey: Survey) -> dict[str, tuple[int, int]]:
    """Count answered and all questions per tab: tab id → (answered, questions)."""
    return {
        tab.id: (sum(field.id in response.values for field in tab.fields), len(tab.fields))
        for tab in survey.tabs.values()
    }


def _read_day(topic: Topic, problems: list[Problem]) -> date | None:
    person = topic.values.get(RESPONDENT, {})
    day = person.get(SAVED_ON) if isinstance(person, Mapping) else None
    if day is None or type(day) is date:
        return day
    cure = "Write it as 2026-09-30, without quotation marks, or remove it."
    problems.append(make_problem(topic, RESPONDENT, SAVED_ON, day, "this is no day", cure))
    return None


def _read_table(topic: Topic, table: str, fields: Iterable[SurveyField], problems: list[Problem]) -> dict[str, Any]:
    typed = topic.values.get(table, {})
    if not isinstance(typed, Mapping):
        problems.append(make_problem(topic, "", table, typed, "this is no table", f"Write it under [{table}]."))
        return {}
    fields = {field.id: field for field in fields}
    kept: dict[str, Any] = {}
    for key, value in typed.items():
        if table == RESPONDENT and key == SAVED_ON:
            continue
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
