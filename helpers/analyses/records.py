"""The records behind every number: each deal or contact, why it counts, and the link to it in the CRM."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
import pandas as pd

from helpers.analyses.records_behind import DENOMINATOR, NUMERATOR, SIDES, Behind, Cell, find_behind
from helpers.analyses.slicing_filters import describe_filters, resolve_filters
from helpers.analyses.slicing_question import find_kpi, find_refusal
from helpers.engine.history import DealState
from helpers.engine.journeys import BLANK, Journeys, build_journeys
from helpers.engine.slicing import resolve_partition
from helpers.engine.timeline import NO_DAY, day_number, to_date
from helpers.errors import QuestionError, suggest
from helpers.model.kpi import Kpi
from helpers.periods import Period
from helpers.units import format_value, in_sentence

NAMES = ("name", "deal_name", "opportunity_name", "account", "account_name", "company_name")
"""Columns that may hold what people call a record, the first one that is there."""

PLURALS = {"company": "companies"}
RECORD_COLUMNS = ["record", "object", "name", "owner", "date", "later_date", "amount", "counts", "why", "link"]


@dataclass(frozen=True)
class RecordList:
    """The records behind one side of one cell.

    Attributes:
        kpi: The KPI.
        side: numerator or denominator.
        frame: One row per record, the largest first: record (id), object, name, owner, date (entered what is counted),
            later_date (of the step that it took then), amount, counts (what it adds to that side), why, link, then the
            partitions that the slice and the filters name.
        total: The sum of ``counts``: the cell's numerator or denominator (for a median: how many records).
        sentence: What the list is, in words.
    """

    kpi: Kpi
    side: str
    frame: pd.DataFrame
    total: float
    sentence: str


def list_records(
    company: Any,
    kpi: str,
    period: Period,
    *,
    slice: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    filters: Mapping[str, Any] | None = None,
    side: str = NUMERATOR,
    basis: str | None = None,
    as_of: Any = None,
    horizon_days: int | None = None,
) -> RecordList:
    """List the records behind one side of one cell.

    Args:
        company: The company.
        kpi: The KPI's id.
        period: The period of the cell.
        slice: Partition → value of the cell's slice; several of them list the records of all of them together; None is
            the company.
        filters: Partition → values that count, or ``{"not_in": values}``.
        side: numerator or denominator.
        basis: cohort, period, outcome or snapshot; by default the KPI's usual one.
        as_of: The last day that counts.
        horizon_days: Days that a cohort is given; None is to date.

    Returns:
        The list; its ``counts`` add up to the cell's numerator or denominator, and its rows are as many as ``n`` where
        the cell counts records. A denominator that is no record, such as a goal, has an empty list that says so.

    Raises:
        QuestionError: The KPI, side, basis, a partition or value is unknown, or the KPI may not be cut so.
    """
    if side not in SIDES:
        raise QuestionError(f"side '{side}' is unknown. Allowed: {', '.join(SIDES)}.{suggest(side, SIDES)}")
    definition = find_kpi(company, kpi)
    if definition.measure.kind == "ratio":
        half = definition.measure.numerator if side == NUMERATOR else definition.measure.denominator
        return list_records(company, half, period, slice=slice, filters=filters, as_of=as_of)
    slices = [slice] if isinstance(slice, Mapping) else list(slice or [{}])
    named = list(dict.fromkeys([*(name for one in slices for name in one), *(filters or {})]))
    refusal = find_refusal(company, definition, named, as_of=as_of)
    if refusal:
        raise QuestionError(refusal)
    chosen = basis or definition.basis[0]
    if chosen not in definition.basis:
        raise QuestionError(f"{definition.label} has no basis '{chosen}'. It has: {', '.join(definition.basis)}.")
    journeys = build_journeys(company, as_of=as_of)
    resolved = resolve_filters(company, filters, as_of=as_of) or {}
    select = _Selection(company, journeys, definition, slices, resolved)
    days = day_number(period.start), day_number(period.end)
    cell = Cell(journeys, definition.measure, chosen, *days, select, horizon_days, company)
    behind = find_behind(cell, side)
    frame = _describe(company, journeys, cell, behind, named)
    total = float(behind.counts.sum()) if behind is not None else 0.0
    where = "; ".join(part for part in (_say_slices(slices), describe_filters(filters)) if part)
    return RecordList(definition, side, frame, total, _say(company, definition, behind, side, period, where))


class _Selection:
    """Which records of an object are in the slice and pass the filters."""

    def __init__(
        self,
        company: Any,
        journeys: Journeys,
        kpi: Kpi,
        slices: Sequence[Mapping[str, Any]],
        filters: Mapping[str, Any],
    ):
        self.journeys = journeys
        self.slices = [self._codes(company, one) for one in slices]
        where = kpi.measure.where
        self.is_told = set(where) <= set(journeys.labels)
        self.filters = [self._codes(company, one) for one in ((filters, where) if self.is_told else (filters,))]

    def _codes(self, company: Any, wanted: Mapping[str, Any]) -> dict[str, np.ndarray]:
        found = {}
        for name, values in wanted.items():
            labels = self.journeys.labels
            id = resolve_partition(company, name, labels)
            single = values is None or isinstance(values, str) or not hasattr(values, "__iter__")
            texts = {BLANK if one is None or one != one else str(one) for one in ([values] if single else values)}
            found[id] = np.flatnonzero(np.isin(labels[id].astype(str), sorted(texts)))
        return found

    def __call__(self, object: str, state: DealState | None) -> np.ndarray | None:
        """Return the mask; None where the object doesn't carry a partition."""
        if not self.is_told:
            return None
        records = self.journeys.records[object]
        keep = np.ones(records.n, bool)
        for wanted in self.filters:
            mask = self._match(object, wanted, None)
            if mask is None:
                return None
            keep &= mask
        masks = [self._match(object, wanted, state) for wanted in self.slices]
        if any(mask is None for mask in masks):
            return None
        return keep & np.logical_or.reduce(masks) if masks else keep

    def _match(self, object: str, wanted: Mapping[str, np.ndarray], state: DealState | None) -> np.ndarray | None:
        records = self.journeys.records[object]
        keep = np.ones(records.n, bool)
        for id, codes in wanted.items():
            if id not in records.codes:
                return None
            is_moving = state is not None and id in self.journeys.stage_partitions
            own = self.journeys.stage_codes(id, state) if is_moving else records.codes[id]
            keep &= np.isin(own, codes)
        return keep


def _describe(
    company: Any, journeys: Journeys, cell: Cell, behind: Behind | None, named: Sequence[str]
) -> pd.DataFrame:
    if behind is None:
        return pd.DataFrame(columns=[*RECORD_COLUMNS, *named])
    table = company.tables[behind.object].iloc[behind.rows]
    records = journeys.records[behind.object]
    ids = table["id"].astype("str") if "id" in table else pd.Series(pd.NA, index=table.index, dtype="str")
    pattern = company.settings.record_url.get(behind.object, "")
    labels = {id: stage.label for id, stage in company.catalog.stages.items()}  # in the plural, as "MQLs" are
    names = {id: id.upper() if text[1:2].isupper() else id.replace("_", " ") for id, text in labels.items()}
    frame = pd.DataFrame(
        {
            "record": ids.to_numpy(),
            "object": behind.object,
            "name": _first_column(table, NAMES),
            "owner": _first_column(table, ("owner",)),
            "date": _stamps(behind.entered),
            "later_date": _stamps(behind.left),
            "amount": _amounts(journeys, behind, records),
            "counts": behind.counts.astype(float),
            "why": [_explain(cell, names, *row) for row in zip(behind.why, behind.entered, behind.left, strict=True)],
            "link": [link_record(pattern, id) for id in ids],
        }
    )
    for name in named:
        id = resolve_partition(company, name, journeys.labels)
        if id in records.codes:
            frame[name] = journeys.labels[id][records.codes[id][behind.rows]].astype(str)
    return frame.sort_values(["counts", "date", "record"], ascending=[False, True, True], ignore_index=True)


def _first_column(table: pd.DataFrame, names: Sequence[str]) -> Any:
    found = next((name for name in names if name in table), None)
    return pd.array([pd.NA] * len(table), dtype="str") if found is None else table[found].astype("str").to_numpy()


def _amounts(journeys: Journeys, behind: Behind, records: Any) -> np.ndarray:
    if behind.object == "deal":
        state = behind.state or journeys.deals
        return state.amount[behind.rows]
    field = next((name for name in ("amount", "mrr") if name in records.cents), "")
    if not field:
        return np.full(len(behind.rows), np.nan)
    return np.where(records.known[field][behind.rows], records.cents[field][behind.rows] / 100, np.nan)


def _stamps(days: np.ndarray) -> np.ndarray:
    real = days.astype("int64")
    stamps = np.where(real == NO_DAY, 0, real).astype("datetime64[D]").astype("datetime64[us]")
    return np.where(real == NO_DAY, np.datetime64("NaT", "us"), stamps)


def _explain(cell: Cell, names: Mapping[str, str], why: str, entered: int, left: int) -> str:
    """Say why a record counts."""
    first, last = (format_value(to_date(day), "date") if day != NO_DAY else "" for day in (entered, left))
    stage, later = (
        names.get(id, str(id).replace("_", " "))
        for id in (
            getattr(cell.measure, "stage", getattr(cell.measure, "from_stage", "opportunity")),
            getattr(cell.measure, "to_stage", "won"),
        )
    )
    if why == "reached":
        return f"{stage} on {first}, {later} on {last}: {left - entered} days"
    if why == "not_reached":
        within = "" if cell.horizon is None else f" within {cell.horizon} days"
        return f"{stage} on {first}, not {later}{within}"
    return {
        "entered": f"entered on {first}",
        "won": f"won on {last}",
        "lost": f"lost on {last}",
        "there": f"there at the period's end, since {first}",
        "due": f"open, due on {first}",
        "pushed": f"was due on {first}, moved to {last}",
        "held": f"was due on {first}, not moved out of the period",
        "kept": f"could leave and stayed, since {first}",
        "up": f"could leave and left{f' on {last}' if last else ''}",
    }[why]


def link_record(pattern: str, id: Any) -> str:
    """Return the address of a record in the CRM; empty where the pattern is none of a web page.

    >>> link_record("https://crm.example/deal/{id}", "a/b?c#d e")
    'https://crm.example/deal/a%2Fb%3Fc%23d%20e'
    >>> link_record("javascript:alert({id})", "1")
    ''
    """
    if not pattern or pd.isna(id) or "{id}" not in pattern:
        return ""
    parts = urlsplit(pattern)
    if parts.scheme.lower() not in ("http", "https") or not parts.netloc or "{id}" in parts.netloc:
        return ""
    return pattern.replace("{id}", quote(str(id), safe="", errors="replace"))


def _say_slices(slices: Sequence[Mapping[str, Any]]) -> str:
    said = [describe_filters(one) for one in slices if one]
    return said[0] if len(said) == 1 else f"{len(said)} slices together" if said else ""


def _say(company: Any, kpi: Kpi, behind: Behind | None, side: str, period: Period, where: str) -> str:
    of = f"{in_sentence(kpi.label)} in {period.label}" + (f", {where}" if where else "")
    if behind is None:
        if kpi.measure.kind == "coverage" and side == DENOMINATOR:
            return f"The denominator of {of} is a goal that people typed: no records are behind it"
        return f"No records are behind {of}: they don't carry what it is cut by"
    n = len(behind.rows)
    what = f"{n:,} {behind.object if n == 1 else PLURALS.get(behind.object, f'{behind.object}s')}"
    is_whole = not kpi.is_count and kpi.measure.kind not in ("duration", "velocity")
    side_of = f"the {side} of {of}" if is_whole else of
    verb = "is" if n == 1 else "are"
    added = (
        ""
        if (behind.counts == 1).all()
        else f", {format_value(behind.counts.sum(), _unit(kpi), currency=company.currency)} together"
    )
    return f"{what} {verb} behind {side_of}{added}"


def _unit(kpi: Kpi) -> str:
    field = getattr(kpi.measure, "field", None) or getattr(kpi.measure, "weight", None)
    variant = getattr(kpi.measure, "variant", "")
    is_money = field in ("amount", "mrr", "won_amount") or variant in ("grr", "nrr", "revenue_churn")
    if is_money or kpi.measure.kind in ("coverage", "pipeline_conversion"):
        return "currency"
    return "days" if kpi.measure.kind == "duration" else "count"
