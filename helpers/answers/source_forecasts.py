"""What owners of pipeline sources forecast: ``answers/source_forecasts/<author>.toml``, one file per author.

A file holds ``[[forecast]]`` tables (source, period, what is expected of it) and ``[[agreement]]`` tables (period, who
covers what is missing, by what, by when). The last one on a source and period counts. What somebody says on a later day
is added below, so that the file is its own history and forecasts can be held against what came of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from helpers.answers.edit_results import read_clock
from helpers.answers.files import Topic, list_topics, name_file, read_topic, update_topic
from helpers.answers.names import find_fault_in_name
from helpers.answers.problems import Problem, describe_error, make_problem
from helpers.answers.source_forecast_rows import (
    AGREEMENT,
    FORECAST,
    KEYS,
    SAID,
    find_fault_in_row,
    is_blank_row,
    key_of,
    moment_of,
    to_plain_date,
)
from helpers.errors import AnswersError, suggest
from helpers.model.source_forecast import CoverAgreement, SourceForecast, SourceForecasts, order_said

GROUP = "source_forecasts"


class Place(NamedTuple):
    """One thing that somebody can say: a field of a forecast or of an agreement (whose ``source`` is empty)."""

    table: str
    source: str
    grain: str
    period_start: Any
    field: str


class Edit(NamedTuple):
    """What a window changed: what stood there when it looked last, and what it holds now; None where nothing."""

    before: Any
    after: Any


@dataclass(frozen=True)
class SavedForecasts:
    """What came of saving.

    Attributes:
        status: ``saved``, ``unchanged``, or ``conflict``: another window of the same author has said something else
            there meanwhile; all the rest is saved.
        said: Everything in the author's file now.
        conflicts: Where the two differ → what the file holds.
        at: When it was saved.
    """

    status: Literal["saved", "unchanged", "conflict"]
    said: SourceForecasts
    conflicts: Mapping[Place, Any] = field(default_factory=dict)
    at: datetime | None = None


def read_source_forecasts(folder: Path) -> tuple[SourceForecasts, list[Problem]]:
    """Read what everybody said.

    Returns:
        All of it, oldest first, and the problems with their lines; a table that isn't allowed is left out and stays in
        its file, and a damaged file of one author leaves the others' as they are.
    """
    forecasts: list[SourceForecast] = []
    agreements: list[CoverAgreement] = []
    problems: list[Problem] = []
    for name in list_topics(Path(folder), GROUP):
        try:
            topic = read_topic(Path(folder), name)
        except AnswersError as error:
            problems.append(describe_error(error, name))
            continue
        said = _read_author(topic, problems)
        forecasts.extend(said.forecasts)
        agreements.extend(said.agreements)
    return SourceForecasts(order_said(forecasts), order_said(agreements)), problems


def read_own_forecasts(folder: Path, author: str) -> tuple[SourceForecasts, list[Problem]]:
    """Read what one author said, and the problems with the file.

    Raises:
        AnswersError: The name is none, or the file is damaged.
    """
    problems: list[Problem] = []
    return _read_author(read_topic(Path(folder), _topic_of(author)), problems), problems


def change_source_forecasts(
    folder: Path,
    author: str,
    edits: Mapping[Place, Edit],
    *,
    replaces: bool = False,
    now: datetime | None = None,
) -> SavedForecasts:
    """Save what an author changed, field by field, into the author's own file.

    Two windows that changed different fields are both saved; of a field that both changed, the one in the file stays
    and is told. On a later day, or with another status of an agreement, the row before stays as history.

    Args:
        folder: The company's folder.
        author: Whose file it is.
        edits: What changed.
        replaces: Whether these edits hold whatever the file says by now: somebody has chosen them.
        now: When; the machine's clock where None.

    Returns:
        What came of it.

    Raises:
        AnswersError: The name or a value isn't allowed, or the file is damaged or can't be written; nothing was
            written.
    """
    topic = _topic_of(author)
    at = (now or read_clock()).replace(microsecond=0)
    for place, edit in edits.items():
        _require_allowed(place, edit.after)
    conflicts: dict[Place, Any] = {}
    found: list[Topic] = []

    def compose(current: Topic) -> Mapping[str, Any]:
        found.append(current)
        rows = {table: _rows_of(current, table) for table in (FORECAST, AGREEMENT)}
        for (table, *where), fields in _group(edits).items():
            known = _find_rows(rows[table], table, tuple(where))
            before = dict(rows[table][known[-1]]) if known else {}
            taken = {}
            for place, edit in fields.items():
                theirs = _plain(before.get(place.field))
                if replaces or theirs in (edit.before, edit.after):
                    taken[place.field] = edit.after
                else:
                    conflicts[place] = theirs
            _lay_row(rows[table], table, tuple(where), known, taken, at)
        rest = {key: value for key, value in current.values.items() if key not in (FORECAST, AGREEMENT)}
        name = current.values.get("author", " ".join(author.split()))
        return {"author": name, **rest, **{table: held for table, held in rows.items() if held}}

    saved = update_topic(Path(folder), topic, compose, now=now)
    status = "conflict" if conflicts else "unchanged" if saved.revision == found[-1].revision else "saved"
    return SavedForecasts(status, _read_author(saved, []), conflicts, at)


def hide_source_forecasts(said: SourceForecasts, hide: Any) -> SourceForecasts:
    """Return the same without the authors' names, in texts too.

    Args:
        said: As read.
        hide: A name → what replaces it, as made by ``choose_pseudonyms`` or ``find_hiding``.
    """
    names = sorted({one.author for one in (*said.forecasts, *said.agreements)}, key=len, reverse=True)

    def clean(text: str) -> str:
        for name in names:
            text = text.replace(name, hide(name))
        return text

    return SourceForecasts(
        tuple(replace(one, author=hide(one.author), note=clean(one.note)) for one in said.forecasts),
        tuple(
            replace(one, author=hide(one.author), covered_by=clean(one.covered_by), remedy=clean(one.remedy))
            for one in said.agreements
        ),
    )


def _topic_of(author: str) -> str:
    fault = find_fault_in_name(author, what="author")
    if fault:
        raise AnswersError(fault)
    return f"{GROUP}/{name_file(' '.join(author.split()))}"


def _require_allowed(place: Place, value: Any) -> None:
    row = {"grain": place.grain, "period_start": place.period_start}
    row |= {"source": place.source} if place.table == FORECAST else {}
    row |= {} if value is None else {place.field: value}
    wrong = find_fault_in_row(place.table, row)
    if wrong:
        raise AnswersError(f"[{place.table}, {wrong[0]}] {wrong[1]}. {wrong[2]}")


def _rows_of(topic: Topic, table: str) -> list[Any]:
    rows = topic.values.get(table, [])
    if not isinstance(rows, list):
        raise AnswersError(f"[answers/{topic.name}.toml] '{table}' is no list. Write [[{table}]] in double brackets.")
    return list(rows)


def _group(edits: Mapping[Place, Edit]) -> dict[tuple[Any, ...], dict[Place, Edit]]:
    grouped: dict[tuple[Any, ...], dict[Place, Edit]] = {}
    for place, edit in edits.items():
        grouped.setdefault(place[:-1], {})[place] = edit
    return grouped


def _find_rows(rows: list[Any], table: str, where: tuple[Any, ...]) -> list[int]:
    """Return the places of the rows about one source and period that are allowed, the one that counts last."""
    wanted = (where[0].casefold(), *where[1:])
    found = [n for n, row in enumerate(rows) if not find_fault_in_row(table, row) and key_of(table, row) == wanted]
    return sorted(found, key=lambda n: moment_of(rows[n]))


def _lay_row(
    rows: list[Any], table: str, where: tuple[Any, ...], known: list[int], taken: Mapping[str, Any], at: datetime
) -> None:
    """Take changed fields into the row that counts: the same day in its place, later below it."""
    before = dict(rows[known[-1]]) if known else {}
    if all(_plain(before.get(key)) == value for key, value in taken.items()):
        return
    source = {"source": before.get("source", where[0])} if table == FORECAST else {}
    kept = {key: value for key, value in before.items() if key in SAID[table]}
    said = {key: value for key, value in {**kept, **taken}.items() if value not in (None, "")}
    row = {**source, "grain": where[1], "period_start": where[2], **said, "at": at}
    is_same_day = moment_of(before).date() == at.date() if known else False
    is_moved = before.get("status", "open") != said.get("status", "open")
    if known and is_same_day and not (table == AGREEMENT and is_moved):
        if is_blank_row(table, row) and len(known) == 1:
            del rows[known[-1]]
        else:
            rows[known[-1]] = row
    elif known or not is_blank_row(table, row):
        rows.append(row)


def _plain(value: Any) -> Any:
    return to_plain_date(value) if isinstance(value, datetime) else value


def _read_author(topic: Topic, problems: list[Problem]) -> SourceForecasts:
    author = topic.values.get("author", topic.name.split("/")[-1])
    wrong = find_fault_in_name(author, what="author")
    if wrong:
        author = topic.name.split("/")[-1]
        problems.append(make_problem(topic, "", "author", "", "the author's name is none", "Write the full name."))
    for key in topic.values:
        if key not in ("author", FORECAST, AGREEMENT):
            cure = f"Allowed: author, {FORECAST}, {AGREEMENT}.{suggest(key, ('author', FORECAST, AGREEMENT))}"
            problems.append(make_problem(topic, "", key, key, "this key is unknown", cure))
    said = {table: list(_read_table(topic, table, problems)) for table in (FORECAST, AGREEMENT)}
    return SourceForecasts(
        order_said(SourceForecast(author=author, **row) for row in said[FORECAST]),
        order_said(CoverAgreement(author=author, **row) for row in said[AGREEMENT]),
    )


def _read_table(topic: Topic, table: str, problems: list[Problem]) -> list[dict[str, Any]]:
    rows = topic.values.get(table, [])
    if not isinstance(rows, list):
        cure = f"Write [[{table}]] in double brackets."
        problems.append(make_problem(topic, table, "", rows, "this is no list", cure))
        return []
    found = []
    for index, row in enumerate(rows):
        fault = find_fault_in_row(table, row)
        if fault:
            key, message, cure = fault
            value = row.get(key, "") if isinstance(row, Mapping) else row
            told = f"{message}; the {table} is set aside"
            problems.append(make_problem(topic, table, key, value, told, cure, index=index))
            continue
        record = {"grain": "quarter", **{key: value for key, value in row.items() if key in KEYS[table]}}
        for key in ("period_start", "due"):
            if key in record:
                record[key] = to_plain_date(record[key])
        found.append(record)
    return found
