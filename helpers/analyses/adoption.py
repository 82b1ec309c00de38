"""Adoption reports: lists of records that the wanted process would leave empty, by owner, with their way to zero."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.adoption_fields import FieldReader, MissingFieldError, Values, hold_condition
from helpers.analyses.records import NAMES, link_record
from helpers.analyses.too_large import find_too_large, is_too_large, say_too_large
from helpers.engine.doubt import wilson_interval
from helpers.engine.journeys import BLANK, build_journeys
from helpers.errors import DataError, QuestionError, suggest
from helpers.model.adoption import AdoptionReport, Condition, load_adoption
from helpers.units import format_value

WEEKS = 12
WHOLE = "all"
TABLE_COLUMNS = [
    "report", "label", "object", "day", "dimension", "slice", "n", "among", "share", "low", "high", "is_small",
    "is_available", "note",
]  # fmt: skip
RECORD_COLUMNS = ["report", "label", "record", "object", "name", "owner", "created_on", "why", "link"]
SAID = {"closed_at": "close date", "changed_at": "last change", "mql_at": "MQL"}
PLURALS = {"contact": "contacts", "deal": "deals"}


@dataclass(frozen=True)
class AdoptionList:
    """One report's list.

    Attributes:
        report: Its definition.
        n: How many records are on it.
        among: Of how many that the process is for.
        owners: One row per owner: slice, n, among, share, low, high, is_small; the longest list first.
        trend: One row per Monday and the last day that counts: day, n, among; only the last one where the past of a
            field isn't known.
        records: The records: ``RECORD_COLUMNS``.
        note: What a reader has to know.
        why_not: Why there is no list; empty where there is one.
    """

    report: AdoptionReport
    n: int = 0
    among: int = 0
    owners: pd.DataFrame = field(default_factory=pd.DataFrame)
    trend: pd.DataFrame = field(default_factory=pd.DataFrame)
    records: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=RECORD_COLUMNS))
    note: str = ""
    why_not: str = ""

    @property
    def is_told(self) -> bool:
        """Whether the exports hold what the report asks for."""
        return not self.why_not

    @property
    def has_trend(self) -> bool:
        """Whether earlier Mondays are known."""
        return len(self.trend) > 1


@dataclass(frozen=True)
class Adoption:
    """All reports of a company.

    Attributes:
        as_of: The day.
        lists: Those that can be told, the longest first, then those that can't.
        headline: The finding.
    """

    as_of: date
    lists: tuple[AdoptionList, ...]
    headline: str

    @property
    def told(self) -> tuple[AdoptionList, ...]:
        """The reports that the exports can tell."""
        return tuple(one for one in self.lists if one.is_told)

    @property
    def table(self) -> pd.DataFrame:
        """One row per report, day and slice (company and owners): the columns of ``adoption.csv``."""
        parts = [_tabulate(one, self.as_of) for one in self.lists]
        frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=TABLE_COLUMNS)
        return frame[TABLE_COLUMNS]

    @property
    def longest(self) -> AdoptionList | None:
        """The longest list; None where none can be told."""
        return self.told[0] if self.told else None

    @property
    def to_go_through(self) -> AdoptionList | None:
        """The longest list that holds a record; None where none does."""
        return self.longest if self.longest is not None and self.longest.n else None

    @property
    def records(self) -> pd.DataFrame:
        """The records of all lists, one row per list and record."""
        parts = [one.records for one in self.told if len(one.records)]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=RECORD_COLUMNS)

    @property
    def unavailable(self) -> pd.DataFrame:
        """One row per report that can't be told: label and what to do about it."""
        rows = [(one.report.label, one.why_not) for one in self.lists if not one.is_told]
        return pd.DataFrame(rows, columns=["report", "what_to_do"])

    def find(self, id: str) -> AdoptionList:
        """Return one report's list.

        Raises:
            QuestionError: There is none of that id.
        """
        known = {one.report.id: one for one in self.lists}
        if id not in known:
            raise QuestionError(f"report '{id}' is unknown.{suggest(id, known)} There are: {', '.join(known)}.")
        return known[id]


def list_adoption(
    company: Any, *, as_of: date | None = None, weeks: int = WEEKS, reports: Sequence[str] = ()
) -> Adoption:
    """List what the wanted process would leave empty.

    Args:
        company: The company; its ``[adoption.<id>]`` are laid over the shipped reports.
        as_of: The last day that counts; None takes the last event of the exports.
        weeks: How many Mondays the way to zero goes back.
        reports: Ids of the reports wanted; empty takes all.

    Returns:
        Every report: how many records are on its list now, by owner with the share of the owner's records that the
        process is for, the same on each earlier Monday where the past of its fields is known, and the records.

    Raises:
        QuestionError: A report is unknown.
        DefinitionError: One is wrongly written.

    Source: domain: the inverse of the wanted process, lists that should be empty every Monday.
    """
    defined = load_adoption(company.settings.adoption)
    known = [report.id for report in defined]
    for id in reports:
        if id not in known:
            raise QuestionError(f"report '{id}' is unknown.{suggest(id, known)} There are: {', '.join(known)}.")
    day = as_of or company.latest_event or date(1970, 1, 1)
    reader = FieldReader(company, build_journeys(company, as_of=day))
    found = [_list(company, reader, one, day, weeks) for one in defined if not reports or one.id in reports]
    told = sorted((one for one in found if one.is_told), key=lambda one: -one.n)
    lists = (*told, *(one for one in found if not one.is_told))
    return Adoption(day, lists, _say_headline(told))


def _list(company: Any, reader: FieldReader, report: AdoptionReport, day: date, weeks: int) -> AdoptionList:
    if report.object not in company.tables:
        return AdoptionList(report, why_not=f"No export holds {PLURALS[report.object]}. Add one.")
    if is_too_large(company, report.object):
        return AdoptionList(report, why_not=say_too_large(company, (report.object,)))
    try:
        usable, knows_past, unknown = _find_conditions(reader, report, day)
        on, among = _match(reader, report, usable, day)
        _require_filled(reader, report, usable, among, day)
    except MissingFieldError as missing:
        return AdoptionList(report, why_not=str(missing))
    except DataError:
        if not (too_large := find_too_large(company)):
            raise
        return AdoptionList(report, why_not=say_too_large(company, too_large))
    table = company.tables[report.object]
    rules = company.catalog.rules
    owner = _owners(table)
    names, place = np.unique(owner, return_inverse=True)
    n, of = (np.bincount(place[mask], minlength=len(names)) for mask in (on, among))
    owners = _rate(pd.DataFrame({"slice": names, "n": n, "among": of}), rules)
    owners = owners[owners["among"] > 0].sort_values(["n", "slice"], ascending=[False, True], ignore_index=True)
    days = [day]
    if knows_past:
        monday = day - timedelta(days=day.weekday())
        days = sorted({*(monday - timedelta(weeks=week) for week in range(weeks)), day})
    trend = []
    for one in days:
        listed, of_all = (on, among) if one == day else _match(reader, report, usable, one)
        trend.append((pd.Timestamp(one), int(listed.sum()), int(of_all.sum())))
    note = "" if knows_past else f"Only today's count: exports tell {unknown} as it is now, and not what it was."
    return AdoptionList(
        report,
        int(on.sum()),
        int(among.sum()),
        owners,
        pd.DataFrame(trend, columns=["day", "n", "among"]),
        _list_records(company, reader, report, usable, on, owner, day),
        note,
    )


def _find_conditions(reader: FieldReader, report: AdoptionReport, day: date) -> tuple[tuple[Condition, ...], bool, str]:
    """Return the conditions of ``any`` whose fields are there, and whether the past of all fields is known."""
    usable, missing = [], None
    for condition in report.any:
        try:
            reader.read(report.object, condition, day)
            usable.append(condition)
        except MissingFieldError as error:
            missing = error
    if report.any and not usable:
        raise missing
    knows, unknown = True, []
    for condition in (*report.among, *report.all, *usable):
        name, values = reader.read(report.object, condition, day)
        if not values.knows_past:
            knows = False
            unknown.append(f"{report.object}.{name}")
    if "created_at" not in reader.company.tables[report.object]:
        knows, unknown = False, [f"{report.object}.created_at"]
    return tuple(usable), knows, " and ".join(dict.fromkeys(unknown))


def _require_filled(
    reader: FieldReader, report: AdoptionReport, usable: Sequence[Condition], among: np.ndarray, day: date
) -> None:
    """Refuse a list that is empty only since nobody is concerned, or since its field holds nothing at all.

    Raises:
        MissingFieldError: With what to do.
    """
    things = PLURALS[report.object]
    if not among.any():
        raise MissingFieldError(f"Nothing to check: on {format_value(day, 'date')} there are no {things} it is for.")
    tested = [condition for condition in (*report.all, *usable) if condition.test != "is_empty"]
    for condition in tested:
        name, values = reader.read(report.object, condition, day)
        has_twin = any(other.fields == condition.fields and other.test == "is_empty" for other in usable)
        if not has_twin and pd.isna(values.values[among]).all():
            raise MissingFieldError(
                f"{report.object}.{name} is empty for all {int(among.sum()):,} {things} it is for. Fill it in the CRM."
            )


def _match(
    reader: FieldReader, report: AdoptionReport, usable: Sequence[Condition], day: date
) -> tuple[np.ndarray, np.ndarray]:
    """Return which records are on the list on the evening of a day, and which the process was for."""

    def hold(condition: Condition) -> np.ndarray:
        _, values = reader.read(report.object, condition, day)
        return hold_condition(condition, values, day, reader)

    among = reader.exists(report.object, day)
    for condition in report.among:
        among = among & hold(condition)
    on = among
    for condition in report.all:
        on = on & hold(condition)
    if usable:
        on = on & np.logical_or.reduce([hold(condition) for condition in usable])
    return on, among


def _owners(table: pd.DataFrame) -> np.ndarray:
    if "owner" not in table:
        return np.full(len(table), BLANK, dtype="O")
    return table["owner"].astype("O").where(table["owner"].notna(), BLANK).astype(str).to_numpy()


def _rate(frame: pd.DataFrame, rules: Any) -> pd.DataFrame:
    low, high = wilson_interval(frame["n"].to_numpy(), frame["among"].to_numpy(), rules.confidence)
    share = frame["n"] / frame["among"].where(frame["among"] > 0)
    return frame.assign(share=share.astype(float), low=low, high=high, is_small=frame["among"] < rules.minimum_n)


def _list_records(
    company: Any, reader: FieldReader, report: AdoptionReport, usable: Sequence[Condition], on: np.ndarray,
    owner: np.ndarray, day: date,
) -> pd.DataFrame:  # fmt: skip
    table, rows = company.tables[report.object], np.flatnonzero(on)
    pattern = company.settings.record_url.get(report.object, "")
    ids = table["id"].astype("str").to_numpy()[rows]
    name = next((column for column in NAMES if column in table), None)
    said: dict[str, Values] = {}
    for condition in (*report.all, *usable, *report.among):
        field_name, values = reader.read(report.object, condition, day)
        if field_name not in ("outcome", "created_at"):
            said.setdefault(field_name, values)
    blank = pd.array([pd.NA] * len(rows), dtype="str")
    created = table["created_at"].to_numpy()[rows] if "created_at" in table else np.full(len(rows), "NaT", "M8[us]")
    frame = pd.DataFrame(
        {
            "report": report.id,
            "label": report.label,
            "record": ids,
            "object": report.object,
            "name": table[name].astype("str").to_numpy()[rows] if name else blank,
            "owner": owner[rows],
            "created_on": pd.to_datetime(created).normalize(),
            "why": ["; ".join(_say(key, values, row) for key, values in said.items()) for row in rows],
            "link": [link_record(pattern, id) for id in ids],
        }
    )
    return frame.sort_values(["created_on", "record"], ignore_index=True)


def _say(name: str, values: Values, row: int) -> str:
    label = SAID.get(name) or name.removesuffix("_at").removesuffix("_id").replace("_", " ")
    value = values.values[row]
    if pd.isna(value):
        return f"{label} empty"
    if values.kind == "date":
        return f"{label} {format_value(pd.Timestamp(value).date(), 'date')}"
    return f"{label} {format_value(float(value), 'count')}" if values.kind == "number" else f"{label} {value}"


def _tabulate(one: AdoptionList, as_of: date) -> pd.DataFrame:
    same = {"report": one.report.id, "label": one.report.label, "object": one.report.object}
    if not one.is_told:
        empty = {name: np.nan for name in ("n", "among", "share", "low", "high")}
        row = {**same, "day": pd.Timestamp(as_of), "dimension": WHOLE, "slice": WHOLE, **empty}
        return pd.DataFrame([{**row, "is_small": False, "is_available": False, "note": one.why_not}])
    whole = one.trend.assign(dimension=WHOLE, slice=WHOLE)
    low, high = wilson_interval(whole["n"].to_numpy(), whole["among"].to_numpy())
    share = (whole["n"] / whole["among"].where(whole["among"] > 0)).astype(float)
    whole = whole.assign(share=share, low=low, high=high, is_small=False)
    owners = one.owners.assign(day=pd.Timestamp(as_of), dimension="owner")
    frame = pd.concat([whole, owners], ignore_index=True) if len(owners) else whole
    return frame.assign(**same, is_available=True, note=one.note)


def things_of(report: AdoptionReport) -> str:
    """Return what a report lists, in the plural."""
    return PLURALS[report.object]


def _say_headline(told: Sequence[AdoptionList]) -> str:
    if not told:
        return "None of the lists can be told from these exports"
    empty = sum(one.n == 0 for one in told)
    longest = max(told, key=lambda one: (one.n, one.report.id))
    if longest.n == 0:
        every = f"All {len(told)} lists that the exports can tell are empty, as they should be"
        none = f"none of {longest.among:,} {things_of(longest.report)} is on it"
        return every if len(told) > 1 else f"“{longest.report.label}” is empty, as it should be: {none}"
    things = things_of(longest.report) if longest.n != 1 else longest.report.object
    share = format_value(longest.n / longest.among, "share")
    held = f"{longest.n:,} {things}, {share} of the {longest.among:,} it is for"
    if len(told) == 1:
        return f"“{longest.report.label}” should be empty and holds {held}"
    start = f"{empty} of {len(told)} lists that should be empty {'is' if empty == 1 else 'are'}"
    if not empty:
        start = f"None of {len(told)} lists that should be empty is"
    return f"{start}; the longest is “{longest.report.label}”: {held}"
