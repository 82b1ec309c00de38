"""What changed on deals and when: histories, stage dates and earlier exports become rows of one shape."""

from collections.abc import Mapping, Sequence

import pandas as pd

from helpers.ingest.dates import parse_dates
from helpers.ingest.numbers import parse_numbers
from helpers.ingest.recognition import read_synonyms
from helpers.ingest.schema import HISTORY_FIELDS
from helpers.ingest.tables import Reader
from helpers.ingest.values import normalise_key, parse_ids
from helpers.ingest.vendors import StageDateColumn, find_stage_dates, header_key
from helpers.issues import IssueLog

COLUMNS = ["deal_id", "changed_at", "field", "old", "new", "source_file", "source_row"]
"""The columns of ``deal_history``; old and new are text: a stage's label, an ISO date, a plain number."""


def empty_history() -> pd.DataFrame:
    """Return a history without rows."""
    frame = pd.DataFrame({name: pd.Series(dtype="str") for name in COLUMNS})
    return frame.astype({"changed_at": "datetime64[us]", "source_row": "Int64"})


def read_stage_dates(reader: Reader, ids: pd.Series) -> pd.DataFrame:
    """Turn columns such as ``Date entered 'Stage (Pipeline)'`` into one row per deal and stage entered.

    Args:
        reader: The deals' file.
        ids: The deal's id by row of that file.

    Returns:
        Rows of ``COLUMNS``; where one stage has several columns, the preferred one that is filled counts.
    """
    parts = []
    found = sorted(find_stage_dates(reader.raw.columns), key=lambda column: column.rank)
    for group in _group_by_stage(found):
        moments = reader.parse(group[0].column, "date")
        for other in group[1:]:
            moments = moments.fillna(reader.parse(other.column, "date"))
        entered = moments.dropna()
        parts.append(
            pd.DataFrame(
                {
                    "deal_id": ids.reindex(entered.index),
                    "changed_at": entered,
                    "field": "stage",
                    "new": group[0].stage,
                    "source_file": reader.name,
                    "source_row": entered.index,
                }
            )
        )
    return _finish(parts)


def _group_by_stage(found: Sequence[StageDateColumn]) -> list[list[StageDateColumn]]:
    groups: dict[tuple[str, str], list[StageDateColumn]] = {}
    for column in found:
        groups.setdefault((normalise_key(column.stage), normalise_key(column.pipeline)), []).append(column)
    return list(groups.values())


def read_history(table: pd.DataFrame, *, time_zone: str, log: IssueLog) -> pd.DataFrame:
    """Bring a history to one shape: one row per change of one field.

    Args:
        table: ``deal_history`` as mapped: either ``field`` and ``new`` (one row per change of any property), or a
            column for each of stage, closed_at and amount (the deal as it stood after each change).
        time_zone: The company's time zone.
        log: Takes dates and numbers that can't be read.

    Returns:
        Rows of ``COLUMNS``; fields other than stage, closed_at and amount are left out, and so are rows that repeat
        the value before.
    """
    if not {"deal_id", "changed_at"} <= set(table.columns):
        return empty_history()
    if "field" in table:
        keys = history_field_keys()
        fields = table["field"].map({value: keys.get(header_key(value)) for value in table["field"].dropna().unique()})
        long = table.assign(field=fields.astype("str"))[lambda frame: frame["field"].notna()]
    else:
        there = [name for name in HISTORY_FIELDS if name in table]
        parts = [table.assign(field=name, new=table[name]) for name in there]
        long = pd.concat(parts, ignore_index=True) if parts else table.iloc[:0].assign(field="", new="")
    if not len(long):
        return empty_history()
    long = _read_values(long, time_zone=time_zone, log=log)
    return _finish([long])


def history_field_keys() -> dict[str, str]:
    """Return header key → the field of a deal whose change it names."""
    return {header_key(name): field for field, names in read_synonyms()["history_fields"].items() for name in names}


def _read_values(long: pd.DataFrame, *, time_zone: str, log: IssueLog) -> pd.DataFrame:
    long = long.reset_index(drop=True)
    columns = [name for name in ("old", "new") if name in long]
    for name in columns:
        values = long[name].astype("str").copy()
        for field, read in (("closed_at", _as_iso), ("amount", _as_plain)):
            there = long["field"].eq(field) & values.notna()
            if there.any():
                rows = values[there].set_axis(long["source_row"][there].astype("int64"))
                file = str(long["source_file"].iloc[0])
                values[there] = read(rows, file, name, time_zone, log).to_numpy()
        long[name] = values
    return long


def _as_iso(values: pd.Series, file: str, column: str, time_zone: str, log: IssueLog) -> pd.Series:
    moments = parse_dates(values, file=file, column=column, log=log, time_zone=time_zone)
    return moments.dt.strftime("%Y-%m-%d").astype("str")


def _as_plain(values: pd.Series, file: str, column: str, time_zone: str, log: IssueLog) -> pd.Series:
    numbers = parse_numbers(values, file=file, column=column, log=log)
    return numbers.map({number: _plain(number) for number in numbers.dropna().unique()}).astype("str")


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(round(float(number), 2))


def _finish(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    parts = [part for part in parts if len(part)]
    if not parts:
        return empty_history()
    frame = pd.concat(parts, ignore_index=True)
    frame = frame[frame["deal_id"].notna() & frame["changed_at"].notna()]
    return pair_changes(frame)


def pair_changes(frame: pd.DataFrame) -> pd.DataFrame:
    """Put changes in order, drop those that change nothing, and give each the value before it.

    Args:
        frame: Rows with deal_id, changed_at, field and new; ``old`` where the CRM tells it.

    Returns:
        Rows of ``COLUMNS``, by deal, field and time; ``old`` is missing on a deal's first known value.
    """
    frame = frame.copy()
    if "old" not in frame:
        frame["old"] = pd.Series(pd.NA, index=frame.index, dtype="str")
    for name in ("source_file", "source_row"):
        if name not in frame:
            frame[name] = pd.NA
    frame = frame.sort_values(["deal_id", "field", "changed_at"], kind="stable", ignore_index=True)
    same = ["deal_id", "field"]
    before = frame.groupby(same, sort=False)["new"].shift()
    first = ~frame.duplicated(same)
    repeats = ~first & (frame["new"].eq(before).fillna(False) | (frame["new"].isna() & before.isna()))
    frame["old"] = frame["old"].fillna(before)
    frame = frame[~repeats & ~(first & frame["new"].isna() & frame["old"].isna())]
    frame = frame[COLUMNS].reset_index(drop=True)
    return frame.astype(
        {
            "deal_id": "str",
            "field": "str",
            "old": "str",
            "new": "str",
            "source_file": "str",
            "source_row": "Int64",
            "changed_at": "datetime64[us]",
        }
    )


def combine_histories(fine: pd.DataFrame, stage_dates: pd.DataFrame) -> pd.DataFrame:
    """Add stage dates to a finer history where it does not know of a deal's entering that stage.

    Args:
        fine: Changes told by a history file.
        stage_dates: Entries told by columns of the deals' own file.
    """
    if not len(stage_dates):
        return fine
    if not len(fine):
        return stage_dates
    known = set(zip(fine["deal_id"], fine["new"].map(_key_of(fine["new"])), strict=True))
    keys = zip(stage_dates["deal_id"], stage_dates["new"].map(_key_of(stage_dates["new"])), strict=True)
    is_new = [key not in known for key in keys]
    return pair_changes(pd.concat([fine, stage_dates[is_new].assign(old=pd.NA)], ignore_index=True))


def name_history_stages(history: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Write stages in a history as the deals do, where they differ by case, blanks or punctuation only."""
    known: dict[str, set[str]] = {}
    for label in labels:
        known.setdefault(normalise_key(label), set()).add(label)
    only = {key: next(iter(found)) for key, found in known.items() if len(found) == 1 and key}
    history = history.copy()
    is_stage = history["field"].eq("stage")
    for name in ("old", "new"):
        values = history.loc[is_stage, name].dropna().unique()
        spelled = {value: only[normalise_key(value)] for value in values if normalise_key(value) in only}
        change = is_stage & history[name].isin(list(spelled))
        history[name] = history[name].where(~change, history[name].map(spelled))
    return history


def diff_exports(earlier: pd.DataFrame, later: pd.DataFrame, moment: pd.Timestamp) -> pd.DataFrame:
    """Tell what changed on deals from one export to the next.

    Args:
        earlier: Deals of the earlier export.
        later: Deals of the later one.
        moment: The later export's date, which stands for the time of each change.

    Returns:
        One row per deal and field whose value differs, in the shape of ``COLUMNS``.
    """
    both = later.merge(earlier, on="id", suffixes=("", "_before"))
    parts = []
    for field in HISTORY_FIELDS:
        if field not in both or f"{field}_before" not in both:
            continue
        new, old = (_as_text(both[name], field) for name in (field, f"{field}_before"))
        changed = new.ne(old).fillna(True) & ~(new.isna() & old.isna())
        parts.append(
            pd.DataFrame(
                {
                    "deal_id": both["id"][changed],
                    "changed_at": moment,
                    "field": field,
                    "old": old[changed],
                    "new": new[changed],
                    "source_file": both["source_file"][changed],
                    "source_row": both["source_row"][changed],
                }
            )
        )
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else empty_history()


def _as_text(values: pd.Series, field: str) -> pd.Series:
    if field == "closed_at":
        return values.dt.strftime("%Y-%m-%d").astype("str")
    if field == "amount":
        return values.map({number: _plain(number) for number in values.dropna().unique()}).astype("str")
    return values.astype("str")


def _key_of(values: pd.Series) -> Mapping[str, str]:
    return {value: normalise_key(value) for value in values.dropna().unique()}


def ids_by_row(raw_ids: pd.Series) -> pd.Series:
    """Return a file's ids by row as the person sees it."""
    return parse_ids(raw_ids)
