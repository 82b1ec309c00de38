"""The fields that adoption reports ask for, as they stood on the evening of a day, as far as that can be known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from helpers.engine.history import OPEN, OUTCOMES, ChangeLog
from helpers.engine.journeys import Journeys
from helpers.engine.timeline import NO_DAY, day_number
from helpers.model.adoption import STAGE_TESTS, Condition

COUNTED = "activities"
LAST = ("last_activity_at", "last_activity_date", "last_contacted")
NEXT = ("next_activity_at", "next_activity_date")
DEAL_STATE = ("outcome", "closed_at", "amount", "stage")
CLOSING = ("won", "lost")


@dataclass(frozen=True)
class Values:
    """The values of one field, one per record.

    Attributes:
        kind: date, number or text.
        values: datetime64, float or text values.
        knows_past: Whether what stood there on an earlier day is known.
    """

    kind: str
    values: np.ndarray
    knows_past: bool


class MissingFieldError(Exception):
    """A field that the exports don't hold; its text is what to do about it."""


class FieldReader:
    """Reads fields as of a day.

    Args:
        company: The company.
        journeys: Its journeys as of the last day that counts.
    """

    def __init__(self, company: Any, journeys: Journeys):
        self.company, self.journeys = company, journeys
        self._planned: dict[str, Values | None] = {}

    def exists(self, object: str, day: date) -> np.ndarray:
        """Return which records were there on the evening of a day."""
        table = self.company.tables[object]
        if "created_at" not in table:
            return np.ones(len(table), bool)
        return (table["created_at"] < pd.Timestamp(day) + pd.Timedelta(days=1)).to_numpy()

    def read(self, object: str, condition: Condition, day: date) -> tuple[str, Values]:
        """Return the field that a condition takes, and its values on the evening of a day.

        Raises:
            MissingFieldError: None of its fields is there.
        """
        for name in condition.fields:
            found = self._read(object, name, day)
            if found is not None:
                return name, found
        raise MissingFieldError(self._cure(object, condition.fields))

    def _cure(self, object: str, fields: Sequence[str]) -> str:
        names = " or ".join(f"{object}.{name}" for name in fields)
        if any(name in ("stage_since", "changed_at") for name in fields):
            return (
                f"{names} takes a history of deals. Export it, or add next week's export with: python -m helpers add."
            )
        if any(name in (*LAST, *NEXT, COUNTED) for name in fields):
            return f"{names} is in no export. Export activities, or add the column to the export of {object}s."
        return f"{names} is in no export. Add the column, and map it in company.toml under [objects.{object}.fields]."

    def _read(self, object: str, name: str, day: date) -> Values | None:
        if object == "deal" and name in (*DEAL_STATE, "stage_since", "changed_at"):
            return self._read_state(name, day)
        if name in (COUNTED, "last_activity_at", "next_activity_at"):
            return self._read_activities(object, name, day)
        table = self.company.tables[object]
        return self._column(table[name], day) if name in table else None

    def _column(self, column: pd.Series, day: date) -> Values:
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            end = pd.Timestamp(day) + pd.Timedelta(days=1)
            return Values("date", column.where(column < end).to_numpy().astype("datetime64[us]"), True)
        if pd.api.types.is_bool_dtype(column.dtype):
            text = column.map({True: "true", False: "false"}, na_action="ignore")
            return Values("text", _texts(text), False)
        if pd.api.types.is_numeric_dtype(column.dtype):
            return Values("number", column.to_numpy(dtype=float, na_value=np.nan), False)
        return Values("text", _texts(column), False)

    def _read_state(self, name: str, day: date) -> Values | None:
        history = self.journeys.history
        number = day_number(day)
        state = history.state_on(number)
        has_stages = len(history.stages) > 0
        if name == "outcome":
            return Values("text", np.array(OUTCOMES, dtype="O")[state.outcome], True)
        if name == "closed_at":
            knows = self.journeys.tracks_close_dates
            return None if (history.closed == NO_DAY).all() else Values("date", _stamps(state.closed), knows)
        if name == "amount":
            there = "amount" in self.company.tables["deal"]
            return Values("number", state.amount, len(history.amounts) > 0) if there else None
        if name == "stage":
            labels = np.array([*history.stage_labels, None], dtype="O")
            return Values("text", labels[state.stage], has_stages) if len(history.stage_labels) else None
        logs = (history.stages,) if name == "stage_since" else (history.stages, history.closes, history.amounts)
        if not any(len(log) for log in logs) or (name == "stage_since" and not has_stages):
            return None
        since = np.maximum.reduce([history.created, *(_last_day(log, len(history.created), number) for log in logs)])
        return Values("date", _stamps(since), True)

    def _read_activities(self, object: str, name: str, day: date) -> Values | None:
        table = self.company.tables[object]
        own = {COUNTED: (COUNTED,), "last_activity_at": LAST, "next_activity_at": NEXT}[name]
        activities = self.company.tables.get("activity")
        key = f"{object}_id"
        if activities is not None and key in activities and "at" in activities and activities[key].notna().any():
            found = self._count(activities, table["id"], key, name, day)
            if found is not None:
                return found
        column = next((one for one in own if one in table), None)
        if column is None:
            return None
        values = table[column]
        if name == "next_activity_at":
            return Values("date", values.to_numpy().astype("datetime64[us]"), False)
        found = self._column(values, day)
        return Values(found.kind, found.values, False)

    def _count(self, activities: pd.DataFrame, ids: pd.Series, key: str, name: str, day: date) -> Values | None:
        kept = activities[activities[key].notna() & activities["at"].notna()]
        if "automated" in kept:
            kept = kept[~kept["automated"].fillna(False).astype(bool)]
        end = pd.Timestamp(day) + pd.Timedelta(days=1)
        if name == "next_activity_at":
            planned = kept[kept["at"] >= end].groupby(key)["at"].min()
            return Values("date", _stamp_series(ids.map(planned)), False) if len(planned) else None
        past = kept[kept["at"] < end].groupby(key)["at"]
        if name == COUNTED:
            return Values("number", ids.map(past.size()).fillna(0).to_numpy(dtype=float), True)
        return Values("date", _stamp_series(ids.map(past.max())), True)


def hold_condition(condition: Condition, values: Values, day: date, reader: FieldReader) -> np.ndarray:
    """Return for which records a condition holds on the evening of a day.

    Raises:
        MissingFieldError: The test takes something that the company's settings lack, or doesn't fit the field.
    """
    name, wanted = condition.test, condition.value
    empty = _is_empty(values, condition)
    if name == "is_empty":
        return empty if wanted else ~empty
    if name in STAGE_TESTS:
        return _test_stage(name, wanted, values, day, reader)
    if name in ("equals", "not_equals", "in", "not_in"):
        options = wanted if isinstance(wanted, tuple) else (wanted,)
        same = _is_among(values, options)
        return ~same if name.startswith("not") else same
    needs = "number" if name in ("less_than", "more_than") else "date"
    if values.kind != needs:
        raise MissingFieldError(f"{' or '.join(condition.fields)} holds no {needs}s, which {name} takes. Name another.")
    with np.errstate(invalid="ignore"):
        if needs == "number":
            return values.values < wanted if name == "less_than" else values.values > wanted
        return ~empty & _test_date(name, wanted, values.values, day)


def _is_empty(values: Values, condition: Condition) -> np.ndarray:
    if values.kind == "date":
        return np.isnat(values.values)
    if values.kind == "number":
        return np.isnan(values.values) | ((values.values == 0) & (COUNTED in condition.fields))
    return pd.isna(values.values)


def _is_among(values: Values, options: Sequence[Any]) -> np.ndarray:
    if values.kind == "number":
        return np.isin(values.values, [float(one) for one in options if not isinstance(one, str)])
    said = {("true" if one is True else "false" if one is False else _plain(one)).casefold() for one in options}
    texts = pd.Series(values.values, dtype="O")
    return texts.map(lambda text: _plain(text).casefold() in said, na_action="ignore").fillna(False).to_numpy(bool)


def _plain(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value == int(value) else str(value)


def _test_date(name: str, wanted: Any, values: np.ndarray, day: date) -> np.ndarray:
    today = np.datetime64(day)
    if name == "older_than_hours":
        return (today + np.timedelta64(1, "D")).astype("datetime64[us]") - values > np.timedelta64(
            int(wanted * 60), "m"
        )
    days = values.astype("datetime64[D]")
    if name in ("before", "after"):
        limit = today if wanted == "today" else np.datetime64(wanted)
        return days < limit if name == "before" else days > limit
    age = (today - days).astype("timedelta64[D]").astype(float)
    return age > wanted if name == "older_than_days" else (age >= 0) & (age <= wanted)


def _test_stage(name: str, wanted: str, values: Values, day: date, reader: FieldReader) -> np.ndarray:
    ordered = [stage for stage in reader.company.settings.deal_stages if stage.stage not in CLOSING]
    if not ordered:
        raise MissingFieldError("The order of the deal's stages is unknown. List [[deal_stages]] in company.toml.")
    places = {stage.label.casefold(): i for i, stage in reversed(list(enumerate(ordered)))}
    said = wanted.casefold()
    if said == "first":
        own = [0]
    else:
        own = [i for i, stage in enumerate(ordered) if said in (stage.label.casefold(), stage.stage)]
    if not own:
        labels = ", ".join(stage.label for stage in ordered)
        raise MissingFieldError(f"'{wanted}' is no stage of an open deal. Write first, or one of: {labels}.")
    texts = pd.Series(values.values, dtype="O").map(lambda text: places.get(str(text).casefold(), -1))
    place = texts.fillna(-1).to_numpy(dtype=int)
    is_open = reader.journeys.history.state_on(day_number(day)).outcome == OPEN
    found = {"at": np.isin(place, own), "past": place > max(own), "at_or_past": place >= min(own)}[name]
    return found & (place >= 0) & is_open


def _texts(column: pd.Series) -> np.ndarray:
    return column.astype("O").where(column.notna(), None).to_numpy()


def _stamps(days: np.ndarray) -> np.ndarray:
    real = np.asarray(days).astype("int64")
    stamps = np.where(real == NO_DAY, 0, real).astype("datetime64[D]").astype("datetime64[us]")
    return np.where(real == NO_DAY, np.datetime64("NaT", "us"), stamps)


def _stamp_series(values: pd.Series) -> np.ndarray:
    return pd.to_datetime(values).to_numpy().astype("datetime64[us]")


def _last_day(log: ChangeLog, n: int, until: int) -> np.ndarray:
    found = np.full(n, NO_DAY, np.int64)
    seen = log.day <= until
    found[log.deal[seen]] = log.day[seen]
    return found
