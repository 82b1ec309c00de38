"""The 5M board on disk: ``answers/board/<author>.toml``, one file per author, so that several can work at once.

A file holds ``[[cause]]``, ``[[action]]``, ``[[vote]]``, ``[[decision]]`` and ``[[comment]]`` tables and the
``[problem]`` as its author states it. Votes, comments, decisions and actions name a cause by its id, which may be
another author's.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.answers.board_records import (
    KINDS_OF_ROWS,
    OLD_ACTIONS,
    OLD_KEYS,
    OLD_STATES,
    RECORDS,
    find_fault,
    read_evidence,
    read_whys,
)
from helpers.answers.files import Topic, list_topics, read_topic
from helpers.answers.problems import Problem, describe_error, make_problem
from helpers.errors import AnswersError, suggest
from helpers.model.board import (
    QUESTIONS,
    AuthorBoard,
    Board,
    Cause,
    CauseComment,
    Decision,
    IsIsNot,
    ProblemStatement,
    Vote,
)
from helpers.model.board_action import Action, EffectCheck
from helpers.model.board_merging import merge_boards

GROUP = "board"
LAST_NUMBER = "last_number"
"""Key of the highest number that a row of the file was ever given, so that no id is given twice."""

PREFIX = {"cause": "", "action": "action-", "comment": "comment-"}
"""What stands in an id between the author's file name and its number."""

TOP = ("author", LAST_NUMBER, "problem", *KINDS_OF_ROWS)


def read_board(folder: Path) -> tuple[Board, list[Problem]]:
    """Read everybody's board.

    Returns:
        The board, merged, and the problems: a record that isn't allowed is left out and stays in its file, and a
        damaged file of one author leaves the others' as they are.
    """
    authors: list[AuthorBoard] = []
    problems: list[Problem] = []
    for name in list_topics(Path(folder), GROUP):
        try:
            topic = read_topic(Path(folder), name)
        except AnswersError as error:
            problems.append(describe_error(error, name))
            continue
        authors.append(read_author(topic, problems))
    return merge_boards(authors), problems


def read_author(topic: Topic, problems: list[Problem] | None = None) -> AuthorBoard:
    """Take what one person wrote out of a file; what isn't allowed is left out and told in ``problems``."""
    problems = [] if problems is None else problems
    stem = topic.name.split("/")[-1]
    author = str(topic.values.get("author", stem))
    for key in topic.values:
        if key not in TOP:
            cure = f"Allowed: {', '.join(TOP)}.{suggest(key, TOP)}"
            problems.append(make_problem(topic, "", key, key, "this key is unknown", cure))
    rows = {kind: _read_rows(topic, kind, problems) for kind in KINDS_OF_ROWS}
    causes = tuple(_make_cause(row, author) for row in rows["cause"])
    old = (action for row in rows["cause"] for action in _make_old_actions(row, author))
    return AuthorBoard(
        stem,
        author,
        causes,
        (*(_make_action(row, author) for row in rows["action"]), *old),
        tuple(Vote(row["cause"], int(row.get("dots", 1)), author) for row in rows["vote"]),
        tuple(
            Decision(row["cause"], row.get("state", ""), row.get("verdict", ""), author, row.get("at"))
            for row in rows["decision"]
        ),
        tuple(
            CauseComment(row["id"], row["cause"], row["text"].strip(), author, row.get("at")) for row in rows["comment"]
        ),
        _read_problem(topic, author, problems),
    )


def give_ids(stem: str, kind: str, rows: list[Any]) -> list[str]:
    """Return the id of every row of a table: its own, else one of its place that no other row bears.

    Args:
        stem: The author's file name.
        kind: cause, action or comment.
        rows: The table as the file holds it; what is no record counts too.
    """
    taken = {str(row["id"]) for row in rows if isinstance(row, Mapping) and row.get("id")}
    ids = []
    for number, row in enumerate(rows, start=1):
        if isinstance(row, Mapping) and row.get("id"):
            ids.append(str(row["id"]))
            continue
        free = number
        while f"{stem}-{PREFIX[kind]}{free}" in taken:
            free += 1
        ids.append(f"{stem}-{PREFIX[kind]}{free}")
        taken.add(ids[-1])
    return ids


def find_last_number(stem: str, values: Mapping[str, Any]) -> int:
    """Return the highest number that an id of the file bears or ever bore."""
    known = values.get(LAST_NUMBER, 0)
    numbers = [known if isinstance(known, int) and not isinstance(known, bool) else 0]
    for kind in PREFIX:
        rows = values.get(kind, [])
        for id in give_ids(stem, kind, rows) if isinstance(rows, list) else ():
            match = re.fullmatch(rf"{re.escape(stem)}-(?:[a-z]+-)?(\d{{1,9}})", id)
            numbers.append(int(match.group(1)) if match else 0)
    return max(numbers)


def _read_rows(topic: Topic, kind: str, problems: list[Problem]) -> list[dict[str, Any]]:
    rows = topic.values.get(kind, [])
    if not isinstance(rows, list):
        problems.append(make_problem(topic, kind, "", rows, "this is no list", f"Write [[{kind}]]."))
        return []
    stem = topic.name.split("/")[-1]
    ids = give_ids(stem, kind, rows) if kind in PREFIX else [""] * len(rows)
    found: list[dict[str, Any]] = []
    seen: set[str] = set()
    for index, (row, id) in enumerate(zip(rows, ids, strict=True)):
        record = dict(row) if isinstance(row, Mapping) else {}
        fault = find_fault(kind, record)
        if fault is None and id and id in seen:
            fault = ("id", f"the id '{id}' is taken by another {kind} of this file", "Give this one an id of its own.")
        if fault:
            key, message, cure = fault
            told = f"{message}; the {kind} is set aside"
            problems.append(make_problem(topic, kind, key, record.get(key, ""), told, cure, index=index))
            continue
        seen.add(id)
        found.append({**record, "id": id} if id else record)
    return found


def _make_cause(row: Mapping[str, Any], author: str) -> Cause:
    state = row.get("state", "proposed")
    plain = {key: value for key, value in row.items() if key not in OLD_KEYS}
    return Cause(
        **{
            **plain,
            "text": row["text"].strip(),
            "whys": read_whys(row.get("whys", ())),
            "evidence": read_evidence(row.get("evidence", ())),
            "state": OLD_STATES.get(state, state),
            "votes": int(row.get("votes", 0)),
            "author": author,
        }
    )


def _make_action(row: Mapping[str, Any], author: str) -> Action:
    checks = tuple(EffectCheck(**{**one, "n": int(one.get("n", 0))}) for one in row.get("checks", ()))
    return Action(**{**row, "cause": row.get("cause", ""), "checks": checks, "author": author})


def _make_old_actions(row: Mapping[str, Any], author: str) -> list[Action]:
    """Read a cause's containment and prevention as older files hold them: within the cause."""
    shared = {"owner": row.get("owner", ""), "due": row.get("due"), "kpi": row.get("metric", ""), "author": author}
    said = {key: kind for key, kind in OLD_ACTIONS.items() if row.get(key, "").strip()}
    if not said and any(row.get(key) for key in ("owner", "due", "metric")):
        said = {"containment": "contain"}
    return [Action(f"{row['id']}-{kind}", row["id"], kind, row.get(key, ""), **shared) for key, kind in said.items()]


def _read_problem(topic: Topic, author: str, problems: list[Problem]) -> ProblemStatement | None:
    table = topic.values.get("problem")
    if table is None:
        return None
    if not isinstance(table, Mapping):
        problems.append(make_problem(topic, "", "problem", table, "this is no table", "Write [problem]."))
        return None
    fault = find_fault("problem", table)
    allowed = {key: value for key, value in table.items() if key in RECORDS["problem"]}
    if fault:
        key, message, cure = fault
        problems.append(make_problem(topic, "problem", key, table.get(key, ""), message, cure))
        allowed = {key: value for key, value in allowed.items() if find_fault("problem", {key: value}) is None}
    rows = {
        question: IsIsNot(said.get("is", ""), said.get("is_not", ""), said.get("difference", ""))
        for question in QUESTIONS
        if (said := allowed.get(question))
    }
    filled = {question: row for question, row in rows.items() if not row.is_empty}
    return ProblemStatement(allowed.get("kpi", ""), allowed.get("period", ""), filled, author)
