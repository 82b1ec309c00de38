"""What people say to each other about a cascade: ``answers/cascade_comments/<author>.toml``, one file per author.

Comments are only ever added, and only to their author's own file: nobody can change or remove what another has said.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from helpers.answers.edit_results import read_clock
from helpers.answers.fields import UNSHOWABLE
from helpers.answers.files import Topic, list_topics, name_file, read_topic, update_topic
from helpers.answers.names import find_fault_in_name
from helpers.answers.problems import Problem, describe_error, make_problem
from helpers.errors import AnswersError, suggest
from helpers.model.cascade import COMMENT_KINDS, Comment

GROUP = "cascade_comments"
KEYS = ("id", "on", "kind", "text", "at", "reply_to")
TEXT_LIMIT = 5_000
"""Characters."""


def read_comments(folder: Path) -> tuple[tuple[Comment, ...], list[Problem]]:
    """Read everybody's comments.

    Returns:
        The comments, oldest first, and the problems; one that isn't allowed is left out, and a damaged file of one
        author leaves the others' as they are.
    """
    comments: list[Comment] = []
    problems: list[Problem] = []
    for name in list_topics(Path(folder), GROUP):
        try:
            topic = read_topic(Path(folder), name)
        except AnswersError as error:
            problems.append(describe_error(error, name))
            continue
        comments.extend(_read_author(topic, problems))
    return order_comments(comments), problems


def add_comment(
    folder: Path,
    author: str,
    *,
    on: str,
    text: str,
    kind: str = "proposal",
    reply_to: str = "",
    now: datetime | None = None,
) -> Comment:
    """Add a comment to its author's file.

    Args:
        folder: The company's folder.
        author: Who says it.
        on: Id of the goal, tactic, person or target.
        text: What is said.
        kind: One of ``COMMENT_KINDS``.
        reply_to: Id of the comment that is answered.
        now: When; the machine's clock where None.

    Returns:
        The comment as kept.

    Raises:
        AnswersError: Author, kind or text isn't allowed, or the file is damaged or can't be written; nothing was
            written.
    """
    at = (now or read_clock()).replace(microsecond=0)
    row = {"on": on, "kind": kind, "text": text.strip(), "at": at, "reply_to": reply_to or None}
    fault = find_fault_in_name(author, what="author")
    if fault:
        raise AnswersError(fault)
    wrong = _find_fault({key: value for key, value in row.items() if value is not None})
    if wrong:
        raise AnswersError(f"[comment, {wrong[0]}] {wrong[1]}. {wrong[2]}")
    name = " ".join(author.split())
    stem = name_file(name)
    kept: list[Comment] = []

    def compose(current: Topic) -> Mapping[str, Any]:
        rows = current.values.get("comment", [])
        if not isinstance(rows, list):
            raise AnswersError(f"[answers/{current.name}.toml] 'comment' is no list. Write [[comment]].")
        taken = {str(one.get("id", "")) for one in rows if isinstance(one, Mapping)}
        number = len(rows) + 1
        while f"{stem}-{number}" in taken:
            number += 1
        said = {"id": f"{stem}-{number}", **{key: value for key, value in row.items() if value is not None}}
        kept.append(Comment(said["id"], name, on, kind, row["text"], at, reply_to))
        return {**current.values, "author": current.values.get("author", name), "comment": [*rows, said]}

    update_topic(Path(folder), f"{GROUP}/{stem}", compose, now=now)
    return kept[-1]


def order_comments(comments: Iterable[Comment]) -> tuple[Comment, ...]:
    """Put comments in the order in which they were made; those without a moment come first."""
    return tuple(sorted(comments, key=lambda one: (one.at.isoformat() if one.at else "", one.id)))


def thread_comments(comments: Iterable[Comment], on: str) -> list[tuple[int, Comment]]:
    """Lay the comments on one thing out as threads.

    Args:
        comments: All of them.
        on: Id of the goal, tactic, person or target.

    Returns:
        How deep each stands under the one it answers, and the comment: a matter, its answers, the next matter. One
        that answers what isn't there is a matter of its own.
    """
    mine = [one for one in order_comments(comments) if one.on == on]
    known = {one.id for one in mine}
    children: dict[str, list[Comment]] = {}
    for one in mine:
        is_reply = one.reply_to in known and one.reply_to != one.id
        children.setdefault(one.reply_to if is_reply else "", []).append(one)
    laid: list[tuple[int, Comment]] = []
    seen: set[str] = set()

    def lay(first: Iterable[Comment]) -> None:
        waiting = [(0, one) for one in first][::-1]
        while waiting:
            depth, one = waiting.pop()
            if one.id not in seen:
                seen.add(one.id)
                laid.append((depth, one))
                waiting.extend((depth + 1, child) for child in reversed(children.get(one.id, [])))

    lay(children.get("", []))
    for one in mine:  # what a ring of replies holds, which only a hand can write
        lay([one])
    return laid


def _read_author(topic: Topic, problems: list[Problem]) -> list[Comment]:
    author = topic.values.get("author", topic.name.split("/")[-1])
    rows = topic.values.get("comment", [])
    for key in topic.values:
        if key not in ("author", "comment"):
            cure = f"Allowed: author, comment.{suggest(key, ('author', 'comment'))}"
            problems.append(make_problem(topic, "", key, key, "this key is unknown", cure))
    if not isinstance(rows, list):
        problems.append(make_problem(topic, "comment", "", rows, "this is no list", "Write [[comment]]."))
        return []
    comments, seen = [], set()
    for index, row in enumerate(rows):
        record = dict(row) if isinstance(row, Mapping) else {}
        fault = _find_fault(record)
        id = str(record.get("id") or f"{topic.name.split('/')[-1]}-{index + 1}")
        if fault is None and id in seen:
            fault = ("id", f"the id '{id}' is taken by another comment", "Give this one an id of its own.")
        if fault:
            key, message, cure = fault
            told = f"{message}; the comment is set aside"
            problems.append(make_problem(topic, "comment", key, record.get(key, ""), told, cure, index=index))
            continue
        seen.add(id)
        at = record.get("at")
        comments.append(
            Comment(
                id, str(author), record["on"], record.get("kind", "proposal"), record["text"].strip(), at,
                record.get("reply_to", ""),
            )
        )  # fmt: skip
    return comments


def _find_fault(record: Mapping[str, Any]) -> tuple[str, str, str] | None:
    for key in record:
        if key not in KEYS:
            return key, "this key is unknown", f"Allowed: {', '.join(KEYS)}.{suggest(key, KEYS)}"
    for key in ("on", "text"):
        if not isinstance(record.get(key), str) or not record[key].strip():
            return key, f"the comment has no {key}", "Say what it is about." if key == "on" else "Write a sentence."
    text = record["text"]
    if len(text) > TEXT_LIMIT:
        return "text", f"the text has {len(text):,} characters", f"At most {TEXT_LIMIT:,} are kept; shorten it."
    wrong = UNSHOWABLE.search(text)
    if wrong:
        return "text", f"the text holds a sign that can't be shown (U+{ord(wrong.group()):04X})", "Delete it."
    kind = record.get("kind", "proposal")
    if kind not in COMMENT_KINDS:
        return (
            "kind",
            f"'{str(kind)[:40]}' is no kind",
            f"Allowed: {', '.join(COMMENT_KINDS)}.{suggest(str(kind), COMMENT_KINDS)}",
        )
    if not isinstance(record.get("reply_to", ""), str):
        return "reply_to", "reply_to is no text", "Write the id of the comment that is answered."
    if record.get("at") is not None and not isinstance(record["at"], datetime):
        return "at", "this is no moment", "Write it as 2026-10-05T09:30:00."
    return None
