"""One respondent's file: where each answer stands in it, with its draft and with what was set aside after a conflict.

``[respondent]`` and one table per tab hold the answers. ``[drafts]`` holds what was typed but isn't allowed, whole
fields as typed; ``[conflicts]`` holds answers that another window was faster than. Neither counts as an answer.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from helpers.answers.files import Topic
from helpers.answers.merging import Held, match_rows, merge_answers
from helpers.answers.toml_text import find_line
from helpers.answers.typed import Normal, Raw, normalise, pack_draft, show_raw, split_answer, unpack_draft
from helpers.errors import AnswersError
from helpers.model.survey import Survey, SurveyField

RESPONDENT = "respondent"
DRAFTS = "drafts"
CONFLICTS = "conflicts"
SAVED_ON = "saved_on"
OWN_TABLES = (RESPONDENT, DRAFTS, CONFLICTS, "version")
"""Tables of a respondent's file that are no tab of the survey."""


def list_fields(survey: Survey) -> Iterator[tuple[str, str, SurveyField]]:
    """Go through everything that a respondent's file holds: the id, the table it stands in, and the question.

    What is asked about the person has the id ``respondent.team``; the name is no answer and left out.
    """
    for field in survey.respondent:
        if field.id != "name":
            yield f"{RESPONDENT}.{field.id}", RESPONDENT, field
    for tab, field in survey.fields():
        yield field.id, tab.id, field


def read_held(values: Mapping[str, Any], survey: Survey) -> dict[str, Held]:
    """Read what a file holds of every question.

    Args:
        values: The file's tables.
        survey: The survey's definition.

    Returns:
        Question's id → what is held, for those about which anything is.
    """
    drafts, conflicts = _table(values, DRAFTS), _table(values, CONFLICTS)
    held = {}
    for id, table, field in list_fields(survey):
        typed = _table(values, table).get(field.id)
        if typed is None and id not in drafts and id not in conflicts:
            continue
        value = normalise(field, typed)
        if id in drafts:
            value = _join(field, value, normalise(field, unpack_draft(drafts[id])))
        aside = conflicts.get(id, [])
        pending = tuple(normalise(field, unpack_draft(one)) for one in aside) if isinstance(aside, list) else ()
        held[id] = Held(value, pending)
    return held


def put_held(
    values: Mapping[str, Any], survey: Survey, before: Mapping[str, Held], wanted: Mapping[str, Held]
) -> dict[str, Any]:
    """Return a file's tables with other answers; whatever else stands in them stays.

    Args:
        values: The file's tables; they are not changed.
        survey: The survey's definition.
        before: What is held now.
        wanted: Question's id → what is to be held, for the questions that change.
    """
    tables = {name: dict(table) if isinstance(table, Mapping) else table for name, table in values.items()}
    drafts = _table(values, DRAFTS)
    for id, table, field in list_fields(survey):
        old = before.get(id, Held())
        new = wanted.get(id, old)
        is_allowed_now = id in drafts and split_answer(field, new.value)[1] is None  # the survey has been changed
        if new.value != old.value or is_allowed_now:
            answer, draft = split_answer(field, new.value)
            known = _table(tables, table).get(field.id)
            _put(tables, table, field.id, _carry_unknown(field, known, answer))
            _put(tables, DRAFTS, id, pack_draft(draft) if draft is not None else None)
        if new.pending != old.pending:
            _put(tables, CONFLICTS, id, [_keep_aside(field, one) for one in new.pending] or None)
    return tables


def order_tables(values: Mapping[str, Any]) -> dict[str, Any]:
    """Put the tables in the order in which people read them: the person first, what doesn't count last."""
    last = (DRAFTS, CONFLICTS)
    names = sorted(values, key=lambda name: (name != RESPONDENT, name in last, name == CONFLICTS))
    return {name: values[name] for name in names}


def require_owner(topic: Topic, name: str) -> None:
    """Refuse a file that is somebody else's, whose name makes the same file name.

    Raises:
        AnswersError: The file names another person.
    """
    owner = str(_table(topic.values, RESPONDENT).get("name", ""))
    if owner and not is_same_person(owner, name):
        raise AnswersError(
            f"[answers/{topic.name}.toml] this file belongs to '{owner}', whose name makes the same file name as "
            f"'{name}'. Type your name with something more, such as a middle initial."
        )


def require_tables(topic: Topic, survey: Survey) -> None:
    """Refuse a file in which something else stands where a table belongs; writing would lose it.

    Raises:
        AnswersError: A tab or a table of the file's own is no table.
    """
    for name in (RESPONDENT, DRAFTS, CONFLICTS, *survey.tabs):
        if not isinstance(topic.values.get(name, {}), Mapping):
            line = find_line(topic.text, name) or _find_key(topic.text, name)
            place = f"answers/{topic.name}.toml" + (f", row {line}" if line else "")
            raise AnswersError(
                f"[{place}] {name} is no table. Write [{name}] in single brackets and its answers below it. "
                "Nothing is written over the file until then."
            )


def is_same_person(one: str, other: str) -> bool:
    """Tell whether two names differ in capitals, blanks and the way of writing accents only."""
    first, second = (unicodedata.normalize("NFC", name).casefold().split() for name in (one, other))
    return first == second


def _join(field: SurveyField, answer: Normal, draft: Normal) -> Normal:
    """Bring answer and draft together; the answer may have been mended by hand since the draft was kept."""
    allowed = normalise(field, split_answer(field, draft)[0])
    if answer == allowed:
        return draft
    if field.type == "grid":
        return merge_answers(field, allowed, draft, answer)[0]
    return draft if answer is None else answer


def _keep_aside(field: SurveyField, normal: Normal) -> Any:
    """Make of an answer that was set aside what the file can hold; nothing at all is an empty text."""
    answer, draft = split_answer(field, normal)
    kept: Raw = answer if draft is None else pack_draft(draft)
    if kept is None:
        kept = show_raw(field, None)
    return kept


def _carry_unknown(field: SurveyField, known: Any, answer: Any) -> Any:
    """Keep what somebody typed by hand into a grid's rows beside the columns that the survey has."""
    if field.type != "grid" or not isinstance(known, list) or not isinstance(answer, list):
        return answer
    columns = {column.id for column in field.columns}
    rows = [row for row in known if isinstance(row, Mapping)]
    extra = [{key: cell for key, cell in row.items() if key not in columns} for row in rows]
    if not any(extra):
        return answer
    plain = [{key: cell for key, cell in row.items() if key in columns} for row in rows]
    origin = {after: before for before, after in match_rows(plain, answer, key=field.key).items()}
    return [{**row, **extra[origin[place]]} if place in origin else row for place, row in enumerate(answer)]


def _table(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = values.get(name, {})
    return table if isinstance(table, Mapping) else {}


def _find_key(text: str, key: str) -> int | None:
    lines = enumerate(text.splitlines(), start=1)
    return next((number for number, line in lines if re.match(rf"\s*{re.escape(key)}\s*[.=]", line)), None)


def _put(tables: dict[str, Any], table: str, key: str, value: Any) -> None:
    inner = tables.get(table)
    if not isinstance(inner, dict):
        if value is None:
            return
        inner = tables[table] = {}
    if value is None:
        inner.pop(key, None)
        if not inner:
            del tables[table]
    else:
        inner[key] = value
