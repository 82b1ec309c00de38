"""Problems with files of answers: what is wrong in which line, and what to do, as rows of the issue table."""

import re
from typing import Any

from helpers.answers.files import Topic
from helpers.answers.toml_text import find_line
from helpers.errors import AnswersError

Problem = dict[str, Any]
"""One problem with a file of answers, under the columns of ``helpers.issues.ISSUE_COLUMNS``."""


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
