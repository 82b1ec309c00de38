"""Changing the tables of one author's board: rows found by id, ids never given twice, bad rows left as they are."""

from collections.abc import Mapping
from typing import Any

from helpers.answers.board import LAST_NUMBER, PREFIX, find_last_number, give_ids
from helpers.answers.board_records import KINDS_OF_ROWS, OLD_ACTIONS, OLD_KEYS, OLD_STATES, RECORDS, find_fault
from helpers.errors import AnswersError

Place = tuple[str, str, str]
"""Kind, the row's id (empty for the problem), key; a key of the problem's rows is such as ``where.is``."""


def settle(stem: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file's tables with every row's id written down and actions of older files as rows of their own.

    Nothing else changes; a row that isn't allowed stays as it is, but for the id that its place gave it.

    Raises:
        AnswersError: A table that should be a list is none.
    """
    found = dict(values)
    for kind in KINDS_OF_ROWS:
        rows = found.get(kind, [])
        if not isinstance(rows, list):
            raise AnswersError(f"[answers/board/{stem}.toml, {kind}] this is no list. Write [[{kind}]].")
        if kind in PREFIX and rows:
            ids = give_ids(stem, kind, rows)
            found[kind] = [
                ({"id": id, **row} if isinstance(row, Mapping) else row) for row, id in zip(rows, ids, strict=True)
            ]
    if not isinstance(found.get("problem", {}), Mapping):
        raise AnswersError(f"[answers/board/{stem}.toml, problem] this is no table. Write [problem].")
    if "cause" in found:
        moved = [_move_actions(row) for row in found["cause"]]
        found["cause"] = [row for row, _ in moved]
        new = [action for _, actions in moved for action in actions]
        if new:
            found["action"] = [*found.get("action", []), *new]
    return found


def next_id(stem: str, kind: str, values: dict[str, Any], also: int = 0) -> str:
    """Return an id that no row of the file ever had, and note in its tables that it is given.

    Args:
        stem: The author's file name.
        kind: cause, action or comment.
        values: The file's tables; its highest number is set.
        also: The highest number that other files refer to.
    """
    number = max(find_last_number(stem, values), also) + 1
    values[LAST_NUMBER] = number
    return f"{stem}-{PREFIX[kind]}{number}"


def find_row(values: Mapping[str, Any], kind: str, id: str) -> int | None:
    """Return the place of a row in its table; None where there is none of that id."""
    rows = values.get(kind, [])
    return next((n for n, row in enumerate(rows) if isinstance(row, Mapping) and row.get("id") == id), None)


def read_value(values: Mapping[str, Any], place: Place) -> Any:
    """Return what a file holds at a place; None where it holds nothing."""
    kind, id, key = place
    if kind == "problem":
        table: Any = values.get("problem", {})
        for part in key.split("."):
            table = table.get(part) if isinstance(table, Mapping) else None
        return table
    row = find_row(values, kind, id)
    return None if row is None else values[kind][row].get(key)


def put_value(values: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:
    """Return the tables with a value at a place; None or an empty text or list takes it away.

    Raises:
        AnswersError: The row isn't there.
    """
    kind, id, key = place
    is_blank = value is None or value in ("", []) or value == ()
    if kind == "problem":
        table = dict(values.get("problem", {}))
        first, _, rest = key.partition(".")
        inner = dict(table.get(first, {})) if rest else None
        holder, name = (inner, rest) if inner is not None else (table, first)
        if is_blank:
            holder.pop(name, None)
        else:
            holder[name] = value
        if inner is not None:
            table[first] = inner
            if not inner:
                del table[first]
        return {**{k: v for k, v in values.items() if k != "problem"}, **({"problem": table} if table else {})}
    index = find_row(values, kind, id)
    if index is None:
        raise AnswersError(f"The {kind} '{id}' isn't there any more. Look at the board again.")
    row = {k: v for k, v in values[kind][index].items() if k != key}
    if not is_blank:
        row[key] = value
    return {**values, kind: [*values[kind][:index], _in_order(kind, row), *values[kind][index + 1 :]]}


def add_row(values: Mapping[str, Any], kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables with a row more."""
    kept = {key: value for key, value in row.items() if value is not None and value not in ("", [])}
    return {**values, kind: [*values.get(kind, []), kept]}


def keep_rows(values: Mapping[str, Any], kind: str, is_kept: Any) -> dict[str, Any]:
    """Return the tables without the rows of a kind that a function does not want; what is no row stays."""
    rows = [row for row in values.get(kind, []) if not isinstance(row, Mapping) or is_kept(row)]
    left = {key: value for key, value in values.items() if key != kind}
    return {**left, kind: rows} if rows else left


def _move_actions(row: Any) -> tuple[Any, list[dict[str, Any]]]:
    if not isinstance(row, Mapping) or find_fault("cause", row) or not any(key in row for key in OLD_KEYS):
        return row, []
    said = {key: kind for key, kind in OLD_ACTIONS.items() if str(row.get(key, "")).strip()} or {
        "containment": "contain"
    }
    shared = {"owner": row.get("owner"), "due": row.get("due"), "kpi": row.get("metric")}
    actions = [
        {"id": f"{row['id']}-{kind}", "cause": row["id"], "kind": kind, "text": row.get(key), **shared}
        for key, kind in said.items()
    ]
    plain = {key: value for key, value in row.items() if key not in OLD_KEYS}
    if plain.get("state") in OLD_STATES:
        plain["state"] = OLD_STATES[plain["state"]]
    return plain, [{key: value for key, value in one.items() if value not in (None, "")} for one in actions]


def _in_order(kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its keys in the order in which files are written, so that two versions differ by one line."""
    return {**{key: row[key] for key in RECORDS[kind] if key in row}, **row}
