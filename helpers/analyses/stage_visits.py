"""Which stages each record went through, in order: from the stage history where there is one, else from first dates."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from helpers.engine.history import LOST, OPEN, WON
from helpers.engine.journeys import LOST_STAGE, Journeys
from helpers.engine.timeline import NO_DAY

HISTORY, DATES = "history", "dates"


@dataclass(frozen=True)
class Visits:
    """Stays of records in stages, each record's in order; the first four arrays have one element per stay.

    Attributes:
        record: Position of the record.
        stage: Index into ``labels``; the last two are won and lost.
        day: Day number of the entry.
        until: Day number on which it left, ``NO_DAY`` while it is still there.
        labels: The stages in order, then what won and lost are called.
        object: Whose records.
        n_records: How many records the object has.
        source: ``history`` of stage changes, or first-entry ``dates`` (then nobody can be seen entering twice).
        observed_until: The last day that can be seen.
        is_early: Contacts whose deal had reached a stage before they were there; such dates make no stay.
    """

    record: np.ndarray
    stage: np.ndarray
    day: np.ndarray
    until: np.ndarray
    labels: tuple[str, ...]
    object: str
    n_records: int
    source: str
    observed_until: int
    is_early: np.ndarray

    @property
    def n_open_stages(self) -> int:
        """How many stages lie before won and lost."""
        return len(self.labels) - 2


def find_visits(company: Any, journeys: Journeys, object: str = "", business: str = "all") -> Visits | None:
    """Find the stages that a company's records went through.

    Args:
        company: The opened company.
        journeys: Its journeys.
        object: Whose; ``contact`` takes the dates of contacts even where deals have a history.
        business: Through which deals a contact reaches a stage: all, new or existing.

    Returns:
        Stays of deals by their stage history; without one, stays of the object with the most dated stages, by the days
        on which it first reached each. None where fewer than two stages before the win are told.
    """
    history = journeys.history
    if object != "contact" and history is not None and len(history.stages):
        visits = _from_history(company, journeys)
        if visits.n_open_stages > 1:
            return visits
    return _from_dates(company, journeys, [object] if object else ["contact", "deal"], business)


def _from_history(company: Any, journeys: Journeys) -> Visits:
    history = journeys.history
    assert history is not None
    labels, place = _order_labels(company, history)
    log, until, n = history.stages, journeys.observed_until, len(history.created)
    seen = (log.day <= until) & (log.new >= 0)
    deal, day, old, new = (part[seen] for part in (log.deal, log.day, log.old, log.new))
    opens = np.ones(len(deal), bool)
    opens[1:] = deal[1:] != deal[:-1]
    begins = opens & (old >= 0)
    created = history.created[deal[begins]]
    began = np.where(created == NO_DAY, day[begins], np.minimum(created, day[begins]))
    still = ~np.isin(np.arange(n), deal) & (history.stage >= 0)
    still = np.flatnonzero(still & (history.created != NO_DAY) & (history.created <= until))
    record = np.concatenate([deal[begins], still, deal])
    stage = np.concatenate([place[old[begins]], place[history.stage[still]], place[new]])
    days = np.concatenate([began, history.created[still], day])
    rank = np.concatenate([np.zeros(len(began) + len(still)), 1 + np.arange(len(deal))])
    order = np.lexsort((rank, record))
    record, stage, days = record[order], stage[order], days[order]
    closing = _close(journeys, record, stage, labels)
    parts = [np.concatenate(pair) for pair in zip((record, stage, days), closing, strict=True)]
    order = np.argsort(parts[0], kind="stable")
    return _lay_out(*(part[order] for part in parts), labels, "deal", n, HISTORY, until)


def _close(journeys: Journeys, record: np.ndarray, stage: np.ndarray, labels: tuple) -> tuple[np.ndarray, ...]:
    """Return a last stay for the deals that stand as closed though no change of stage says so."""
    assert journeys.history is not None
    state = journeys.history.state_on(journeys.as_of)
    last = np.full(len(state.outcome), -1, np.int64)
    last[record] = stage
    reached = np.where(state.outcome == WON, len(labels) - 2, len(labels) - 1)
    closed = (state.outcome != OPEN) & (state.closed != NO_DAY) & (state.closed <= journeys.observed_until)
    missing = np.flatnonzero(closed & (last != reached))
    return missing, reached[missing], state.closed[missing]


def _order_labels(company: Any, history: Any) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the open stages in the company's order, then won and lost, and the place of each code of the history."""
    known = {stage.label: i for i, stage in enumerate(company.settings.deal_stages)}
    codes = [code for code in range(len(history.stage_labels)) if history.outcome_of[code] not in (WON, LOST)]
    codes.sort(key=lambda code: known.get(history.stage_labels[code], len(known) + code))
    place = np.full(len(history.stage_labels) + 1, -1, np.int64)
    place[codes] = np.arange(len(codes))
    outcome = np.append(history.outcome_of, -1)
    place[outcome == WON], place[outcome == LOST] = len(codes), len(codes) + 1
    closing = [
        next((history.stage_labels[i] for i in range(len(history.stage_labels)) if history.outcome_of[i] == one), word)
        for one, word in ((WON, "Won"), (LOST, "Lost"))
    ]
    return (*(history.stage_labels[code] for code in codes), *closing), place


def _from_dates(company: Any, journeys: Journeys, objects: list[str], business: str) -> Visits | None:
    stages = [id for id in company.catalog.stages if id in journeys.homes]
    if "won" not in stages:
        return None
    before = stages[: stages.index("won")]
    found: list[tuple[str, list[str]]] = []
    for object in objects:
        records = journeys.records.get(object)
        if records is not None and ("won", "all") in records.reached:
            dated = [
                id for id in before if ((id, "all") in records.reached and (records.reached[id, "all"] != NO_DAY).any())
            ]
            found.append((object, dated))
    object, dated = max(found, key=lambda each: len(each[1]), default=("", []))
    if len(dated) < 2:
        return None
    records = journeys.records[object]
    ends = ["won", *([LOST_STAGE] if object == "deal" and (LOST_STAGE, "all") in records.reached else [])]
    rows, places, days = [], [], []
    first = records.reached[dated[0], "all"]
    is_early = np.zeros(records.n, bool)
    for place, id in enumerate([*dated, *ends]):
        reached = records.reached.get((id, business), records.reached[id, "all"])
        before = (reached != NO_DAY) & (first != NO_DAY) & (reached < first) & (object == "contact")
        is_early |= before
        there = np.flatnonzero((reached != NO_DAY) & ~before)
        rows.append(there)
        places.append(np.full(len(there), place))
        days.append(reached[there].astype(np.int64))
    record, stage, day = (np.concatenate(part) for part in (rows, places, days))
    order = np.lexsort((stage, day, record))
    labels = tuple(company.catalog.stages[id].label for id in [*dated, "won"])
    laid = (*labels, "Lost"), object, records.n, DATES, journeys.observed_until
    return replace(_lay_out(record[order], stage[order], day[order], *laid), is_early=is_early)


def _lay_out(
    record: np.ndarray, stage: np.ndarray, day: np.ndarray, labels: tuple, object: str, n: int, source: str, until: int
) -> Visits:
    """Leave out stays that change nothing, and tell until when each lasted."""
    kept = np.ones(len(record), bool)
    kept[1:] = (record[1:] != record[:-1]) | (stage[1:] != stage[:-1])
    record, stage, day = record[kept].astype(np.int64), stage[kept].astype(np.int64), day[kept].astype(np.int64)
    last = np.ones(len(record), bool)
    last[:-1] = record[1:] != record[:-1]
    left = np.where(last, NO_DAY, np.append(day[1:], NO_DAY))
    return Visits(
        record,
        stage,
        day,
        np.where(last, NO_DAY, np.maximum(left, day)),
        labels,
        object,
        n,
        source,
        until,
        np.zeros(n, bool),
    )
