"""The records behind a cause of the five Ms: one by one with links into the CRM, and counted by week and owner."""

import json
from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers.analyses.records import PLURALS, link_record
from helpers.engine.journeys import BLANK
from helpers.errors import QuestionError, suggest

RECORD_COLUMNS = ["record", "object", "name", "owner", "date", "amount", "why", "link"]
WEEK_COLUMNS = ["week", "slice", "n"]

NOBODY = "nobody"
DATES = {"contact": ("created_at",), "deal": ("closed_at", "created_at")}
NAMES = ("name", "company_name", "email")


@dataclass(frozen=True)
class CauseRecords:
    """Hold the records behind a cause.

    Attributes:
        frame: One row per record, the latest first, with ``RECORD_COLUMNS``.
        weeks: One row per week and slice, the latest first: week (its Monday), slice (an owner, or a partition's value;
            ``nobody`` or ``(blank)`` for none), n.
        sentence: How many there are, and of what.
    """

    frame: pd.DataFrame
    weeks: pd.DataFrame
    sentence: str


def list_cause_records(company: Any, five_m: pd.DataFrame, cause: str, *, by: str = "owner") -> CauseRecords:
    """List the records behind a cause.

    Args:
        company: The opened company.
        five_m: The result of ``gather_evidence``.
        cause: Id of a cause.
        by: Column of the records by which they are counted per week: their owner, or a partition.

    Returns:
        The records that were kept with the cause, each with its link where ``record_url`` has a pattern; empty frames
        where the cause has none.

    Raises:
        QuestionError: There is no such cause.
    """
    found = five_m[five_m["cause"] == cause]
    if found.empty:
        allowed = list(five_m["cause"])
        raise QuestionError(f"cause '{cause}' is unknown. Allowed: {', '.join(allowed)}.{suggest(cause, allowed)}")
    row = found.iloc[0]
    ids = json.loads(row["records"])
    if not ids:
        nothing = pd.DataFrame(columns=RECORD_COLUMNS), pd.DataFrame(columns=WEEK_COLUMNS)
        return CauseRecords(*nothing, f"No single records are behind this: {row['question']}")
    object = str(row["object"])
    table = company.tables[object]
    places = pd.Index(table["id"].astype("str")).get_indexer_for(ids)
    mine = table.iloc[places[places >= 0]].drop_duplicates("id")
    pattern = company.settings.record_url.get(object, "")
    frame = pd.DataFrame(
        {
            "record": mine["id"].astype("str").to_numpy(),
            "object": object,
            "name": _first(mine, NAMES),
            "owner": _first(mine, ("owner",)),
            "date": _first_date(mine, DATES.get(object, ())),
            "amount": mine["amount"].to_numpy(float) if "amount" in mine else float("nan"),
            "why": str(row["statement"]),
            "link": [link_record(pattern, id) for id in mine["id"]],
            "place": mine.index,
        },
        columns=[*RECORD_COLUMNS, "place"],
    ).sort_values(["date", "record"], ascending=[False, True], ignore_index=True)
    count, plural = int(row["n_records"]), PLURALS.get(object, f"{object}s")
    kept = f", the first {len(frame):,} of them here" if len(frame) < count else ""
    sentence = f"{count:,} {object if count == 1 else plural} behind it{kept}: {row['statement']}"
    weeks = _count_weeks(frame, _first(mine.loc[frame.pop("place")], (by,)), NOBODY if by == "owner" else BLANK)
    return CauseRecords(frame, weeks, sentence)


def _first(table: pd.DataFrame, names: tuple[str, ...]) -> Any:
    column = next((name for name in names if name in table and table[name].notna().any()), None)
    return pd.array([pd.NA] * len(table), dtype="str") if column is None else table[column].astype("str").to_numpy()


def _first_date(table: pd.DataFrame, names: tuple[str, ...]) -> pd.Series:
    column = next((name for name in names if name in table), None)
    dates = pd.Series(pd.NaT, index=table.index) if column is None else table[column]
    return dates.dt.normalize().reset_index(drop=True).astype("datetime64[us]").to_numpy()


def _count_weeks(frame: pd.DataFrame, values: Any, nothing: str) -> pd.DataFrame:
    """Count records by the week of their date and by a value."""
    week = frame["date"] - pd.to_timedelta(frame["date"].dt.day_of_week, unit="D")
    slices = pd.Series(values, index=frame.index).astype("str").fillna(nothing)
    counted = frame.groupby([week.rename("week"), slices.rename("slice")]).size().rename("n").reset_index()
    return counted.sort_values(["week", "n", "slice"], ascending=[False, False, True], ignore_index=True)[WEEK_COLUMNS]
