"""Look-up tables and joined files: which column is the key, and how its values are matched."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from helpers.ingest.content import ColumnContent
from helpers.ingest.files import RawTable
from helpers.ingest.keys import is_among
from helpers.ingest.schema import field_type
from helpers.ingest.values import normalise_key, normalise_keys, parse_ids, snake_case
from helpers.issues import IssueLog

if TYPE_CHECKING:
    from helpers.ingest.plan import SourcePlan

COVERED = 0.9
"""A file becomes a look-up table by itself when its key holds at least this share of the other column's values."""


@dataclass(frozen=True)
class JoinPlan:
    """A second file about the same records.

    Attributes:
        object: The object that it extends.
        file: The second file.
        own_column: The object's id column in its own file.
        key_column: The column of the second file that holds the same ids.
    """

    object: str
    file: str
    own_column: str
    key_column: str


@dataclass(frozen=True)
class LookupPlan:
    """A look-up table.

    Attributes:
        file: Its file.
        column: Its key column as written.
        object: The object that it is looked up from.
        field: The field or column of that object's table whose values are looked up.
        how: option where a person said so, content where it was found by its values.
    """

    file: str
    column: str
    object: str
    field: str
    how: str


def find_join(
    own: RawTable,
    own_column: str,
    other: RawTable,
    contents: Mapping[str, ColumnContent],
    *,
    least: float,
    must_be_unique: bool = False,
) -> str | None:
    """Find the column of another file that holds a file's ids.

    Args:
        own: The object's file.
        own_column: Its id column.
        other: The other file.
        contents: What the other file's columns hold.
        least: Least share of the other column's values that must be ids.
        must_be_unique: Whether the other column must tell its rows apart.

    Returns:
        The column of the same name where its values are ids too, else the one with the largest share of ids.
    """
    ids = parse_ids(own.frame[own_column])
    best, best_score = None, (0.0, 0.0)
    for column in other.columns:
        if contents[column].kind in {"empty", "date"} or (must_be_unique and not contents[column].is_key):
            continue
        values = pd.Series(parse_ids(other.frame[column]).dropna().unique(), dtype="str")
        share = float(is_among(values, ids).mean()) if len(values) else 0.0
        if share <= 0 or share < least or (contents[column].kind == "boolean"):
            continue
        score = (float(snake_case(column) == snake_case(own_column)), share)
        if score > best_score:
            best, best_score = column, score
    return best


def find_lookup(
    raw: RawTable, contents: Mapping[str, ColumnContent], sources: "Mapping[str, tuple[RawTable, SourcePlan]]"
) -> LookupPlan | None:
    """Find an equally named column of an object whose values a file's unique key column covers.

    Returns:
        The look-up, deals before contacts before the rest, or None.
    """
    order = ["deal", "contact", "subscription", "customer", "company", *sources]
    for object_id in dict.fromkeys(name for name in order if name in sources):
        table, source = sources[object_id]
        by_column = {plan.column: name for name, plan in source.fields.items() if plan.file == source.file}
        for key in raw.columns:
            is_key = contents[key].is_unique and contents[key].fill_rate == 1 and contents[key].n_distinct > 1
            if not is_key or contents[key].kind in {"date", "boolean"}:
                continue
            for column in table.columns:
                name = by_column.get(column, snake_case(column))
                is_value = field_type(object_id, name) in {"text", "person", "id"}
                if snake_case(column) != snake_case(key) or name == "id" or not is_value:
                    continue
                values = pd.Series(table.frame[column].dropna().unique(), dtype="str")
                known = set(normalise_keys(raw.frame[key]).dropna())
                if len(values) and normalise_keys(values).isin(known).mean() >= COVERED:
                    return LookupPlan(raw.file, key, object_id, name, "content")
    return None


def match_keys(
    values: pd.Series, keys: pd.Series, *, log: IssueLog, file: str, column: str, key_file: str, rows: pd.Series
) -> pd.Series:
    """Match values with the keys of another table: exactly, else by spelling where only one key is meant.

    Args:
        values: What is looked up.
        keys: The other table's key column, unique.
        log: Takes one counted issue per differing spelling and one for values without a match.
        file: Where the values come from, for issues.
        column: The values' column, for issues.
        key_file: The other table's file, for issues.
        rows: Each value's row as the person sees it.

    Returns:
        For each value the position of its key, -1 where there is none.
    """
    position = pd.Series(range(len(keys)), index=keys.to_numpy())
    position = position[position.index.notna() & ~position.index.duplicated()]
    folded: dict[str, list[int]] = {}
    for key, place in position.items():
        folded.setdefault(normalise_key(str(key)), []).append(int(place))
    values = values.astype("str")
    distinct = pd.Series(values.dropna().unique(), dtype="str")
    found: dict[str, int] = {}
    unmatched: list[str] = []
    for value in distinct:
        if value in position.index:
            found[value] = int(position[value])
            continue
        candidates = folded.get(normalise_key(value), []) if normalise_key(value) else []
        if len(candidates) == 1:
            found[value] = candidates[0]
            _log_spelling(value, str(keys.iloc[candidates[0]]), values, rows, log, file, column, key_file)
        else:
            unmatched.append(value)
    _log_unmatched(unmatched, values, rows, log, file, column, key_file)
    return values.map(found).fillna(-1).astype("int64") if len(found) else pd.Series(-1, index=values.index)


def _log_spelling(
    value: str, key: str, values: pd.Series, rows: pd.Series, log: IssueLog, file: str, column: str, key_file: str
) -> None:
    there = values.eq(value).fillna(False)
    log.add(
        file=file,
        row=_first_row(rows[there]),
        column=column,
        code="key_spelled_differently",
        severity="warning",
        value=value,
        message=f"{int(there.sum()):,} rows write '{value}' where {key_file} writes '{key}'; taken as the same",
        cure="Write it the same way in both files",
    )


def _log_unmatched(
    unmatched: list[str], values: pd.Series, rows: pd.Series, log: IssueLog, file: str, column: str, key_file: str
) -> None:
    if not unmatched:
        return
    there = values.isin(unmatched)
    examples = ", ".join(unmatched[:5])
    log.add(
        file=file,
        row=_first_row(rows[there]),
        column=column,
        code="key_not_found",
        severity="warning",
        value=unmatched[0],
        message=f"{int(there.sum()):,} rows hold {len(unmatched):,} values that {key_file} does not have: {examples}",
        cure=f"Add them to {key_file}, or correct them here; what the look-up would add stays blank",
    )


def _first_row(rows: pd.Series) -> int | None:
    known = rows.dropna()
    return int(known.iloc[0]) if len(known) else None
