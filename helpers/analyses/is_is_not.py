"""Is / is not: where the miss shows, when and how large, beside the nearest place that it spares, with numbers."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.cause_history import find_members
from helpers.analyses.cause_words import name_slice
from helpers.analyses.found_evidence import Found, find_evidence, index_evidence
from helpers.analyses.gap import Gap
from helpers.analyses.kpi_of_cause import find_kpi
from helpers.analyses.kpi_reading import Reading, Stopwatch, read_kpi
from helpers.analyses.leaves import GapLeaves
from helpers.analyses.step_days import list_stages
from helpers.engine.doubt import wilson_interval
from helpers.errors import DiagnosticError
from helpers.model.board import QUESTIONS, Board
from helpers.periods import Period, period_of
from helpers.units import format_value, in_sentence

IS_COLUMNS = ["question", "shows", "spares", "difference", "source"]
DATA = "the data"
LEAST_RECORDS = 20
"""Records that a spared slice needs on both sides, so that it says anything."""

CONFIDENCE = 0.90
"""Of the intervals, as of the causes' effects."""

MONTHS_BACK, LEAST_MONTHS = 9, 3


@dataclass(frozen=True)
class _Part:
    """A slice's step on both sides: counted now, expected, and of how many."""

    name: str
    actual: float
    expected: float
    entered: float
    entered_before: float

    @property
    def rate(self) -> float:
        return self.actual / self.entered if self.entered else np.nan

    @property
    def usual(self) -> float:
        return self.expected / self.entered_before if self.entered_before else np.nan

    @property
    def interval(self) -> tuple[float, float]:
        low, high = wilson_interval(np.array([self.actual]), np.array([self.entered]), CONFIDENCE)
        return float(low[0]), float(high[0])

    @property
    def is_spared(self) -> bool:
        """Whether what is usual lies within its interval."""
        enough = min(self.entered, self.entered_before) >= LEAST_RECORDS
        low, high = self.interval if self.entered else (1.0, 0.0)
        return enough and low <= self.usual <= high


def compare_is_is_not(company, gap: Gap, board: Board, *, as_of: date, currency: str) -> pd.DataFrame:
    """Set the place where the miss shows most beside the nearest one that it spares.

    The place is that of the first kept cause whose evidence was localised, else the first cause that was.

    Args:
        company: The opened company.
        gap: The result of ``explain_gap``.
        board: Everybody's board; what people typed stands below what was computed.
        as_of: The last day that counts.
        currency: The company's currency.

    Returns:
        One row per question and source, in the order what, where, when, how much: question, shows (is), spares (is
        not), difference, source (the data, or the person). Texts hold value, interval (90 %), n and what was expected.
        Empty where nothing was localised and nobody typed anything.
    """
    lead = find_lead(gap, board)
    rows: dict[str, tuple[str, str, str]] = {}
    if lead is not None:
        leaves = gap.search if lead.lens == "closing" else gap.creation
        if leaves is not None:
            told = _Teller(leaves, lead)
            rows = {
                "what": told.say_what(),
                "where": told.say_where(),
                "when": _say_when(company, gap, lead, leaves, as_of),
                "how_much": _say_how_much(gap, lead, currency),
            }
    listed = []
    for question, label in QUESTIONS.items():
        if question in rows:
            listed.append((label, *rows[question], DATA))
        for problem in board.problems:
            said = problem.rows.get(question)
            if said is not None and problem.period in ("", gap.period.label):
                texts = (said.shows or "–", said.spares or "–", said.difference or "–")
                listed.append((label, *texts, problem.author))
    return pd.DataFrame(listed, columns=IS_COLUMNS)


def describe_is_is_not(gap: Gap, board: Board) -> str:
    """Say in a sentence where the miss shows."""
    lead = find_lead(gap, board)
    if lead is None:
        return "Nothing was localised, so only people can say where it shows"
    where = name_slice(json.dumps(lead.slice_values)) if lead.slice_values else "all"
    proof = "" if lead.is_proven else ", though not proven"
    return f"It shows in {where}{proof}, and not next to it" if where != "all" else "It shows everywhere"


def find_lead(gap: Gap, board: Board) -> Found | None:
    """Return the localised evidence that the is / is not is about."""
    index = index_evidence(gap)
    kept = [one for one in board.causes if one.cause.state == "kept" and one.cause.period in ("", gap.period.label)]
    kept.sort(key=lambda one: (-one.dots, one.id))
    for one in kept:
        for found in find_evidence(one.cause.list_evidence(), index):
            if found.lens and found.slice_values:
                return found
    return next((found for found in index.values() if found.lens and found.slice_values), None)


class _Teller:
    """Compares a localised cause with its neighbours in the leaves that were searched."""

    def __init__(self, leaves: GapLeaves, lead: Found) -> None:
        self.leaves, self.lead = leaves, lead
        self.frame = leaves.frame
        self.periods = max(leaves.expected_periods, 1)

    def say_what(self) -> tuple[str, str, str]:
        """Say which step it is, and which step of the same records is as usual."""
        lead = self.lead
        steps = list(self.leaves.steps)
        mine = self._say_effect(lead.slice_values, lead.step, lead.effect)
        place = steps.index(lead.step) if lead.step in steps else 0
        others = sorted((n for n in range(1, len(steps)) if n != place or lead.effect != "rate"),
                        key=lambda n: (abs(n - place), n))  # fmt: skip
        for n in others:
            part = self._part(lead.slice_values, steps[n])
            if part.is_spared:
                spared = f"{self._name_step(steps[n])}: {self._say_rate(part)}"
                return mine, spared, f"It starts at {in_sentence(self._label(lead.step))}, not at every step"
        first = self._part(lead.slice_values, steps[0], "volume")
        if lead.effect != "volume" and self._is_level(first):
            return mine, f"{self._label(steps[0])}: {self._say_count(first)}", "As many came in as before"
        return mine, "No step of the same records is known to be as usual", "–"

    def say_where(self) -> tuple[str, str, str]:
        """Say in which slice, and in which neighbour it is as usual."""
        lead = self.lead
        where = name_slice(json.dumps(lead.slice_values))
        spared = self._find_neighbour()
        if spared is None:
            return where, "No neighbour with enough records is known to be as usual", "–"
        dimension, part = spared
        told = self._say_rate(part) if lead.effect in ("rate", "mix") else self._say_count(part)
        return where, f"{part.name}: {told}", f"The nearest spared neighbour by {dimension.replace('_', ' ')}"

    def _find_neighbour(self) -> tuple[str, _Part] | None:
        """Return the spared neighbour with most records that differs in one partition, and that partition."""
        found: list[tuple[float, str, _Part]] = []
        for dimension, values in self.lead.slice_values.items():
            if dimension not in self.frame:
                continue
            for value in self.frame[dimension].dropna().unique():
                if value in values:
                    continue
                near = {**self.lead.slice_values, dimension: [value]}
                part = self._part(near, self.lead.step, self.lead.effect)
                is_spared = part.is_spared if self.lead.effect in ("rate", "mix") else self._is_level(part)
                if is_spared:
                    found.append((part.entered, dimension, part))
        if not found:
            return None
        _, dimension, part = max(found, key=lambda one: (one[0], one[1], one[2].name))
        return dimension, part

    def _is_level(self, part: _Part) -> bool:
        expected = part.expected / self.periods
        spread = np.sqrt(max(expected + expected / self.periods, 1.0))
        return bool(expected >= LEAST_RECORDS and abs(part.actual - expected) <= 1.645 * spread)

    def _part(self, slice_values: dict, step: str, effect: str = "rate") -> _Part:
        steps = list(self.leaves.steps)
        inside = find_members(self.frame, slice_values)
        now, before = self.frame[f"{step}_actual"], self.frame[f"{step}_expected"]
        place = steps.index(step) if step in steps else 0
        if effect == "mix" or (effect == "rate" and not place):
            entered, usual = now.sum(), before.sum()
        elif effect == "rate":
            first = steps[place - 1]
            entered, usual = (self.frame.loc[inside, f"{first}_{side}"].sum() for side in ("actual", "expected"))
        else:
            entered, usual = now[inside].sum(), before[inside].sum()
        name = name_slice(json.dumps({name: list(values) for name, values in slice_values.items()}))
        return _Part(name, float(now[inside].sum()), float(before[inside].sum()), float(entered), float(usual))

    def _say_effect(self, slice_values: dict, step: str, effect: str) -> str:
        if effect == "rate":
            return f"{self._name_step(step)}: {self._say_rate(self._part(slice_values, step))}"
        return self.lead.statement

    def _say_rate(self, part: _Part) -> str:
        low, high = part.interval
        rate, usual = format_value(part.rate, "share"), format_value(part.usual, "share")
        interval = f"{format_value(low, 'share').removesuffix(' %')}–{format_value(high, 'share')}"
        return f"{rate} ({interval}, n {part.entered:,.0f}), {usual} before"

    def _say_count(self, part: _Part) -> str:
        return f"{part.actual:,.0f}, usually {part.expected / self.periods:,.0f}"

    def _label(self, step: str) -> str:
        return self.leaves.labels.get(step, step)

    def _name_step(self, step: str) -> str:
        steps = list(self.leaves.steps)
        place = steps.index(step) if step in steps else 0
        return f"{self._label(steps[place - 1])} → {in_sentence(self._label(step))}" if place else self._label(step)


def _say_when(company, gap: Gap, lead: Found, leaves: GapLeaves, as_of: date) -> tuple[str, str, str]:
    """Say since which month the KPI of the cause is off, and what it was in the month before."""
    unknown = (f"In {gap.period.label}", "The months before can't be told apart", "–")
    try:
        watch = Stopwatch(company, as_of)
        shown = find_kpi(lead, company.catalog, list_stages(company, watch.journeys))
    except DiagnosticError:
        return unknown
    if shown is None or lead.effect == "mix":
        return (f"In {gap.period.label}", f"Not in the {max(leaves.expected_periods, 1)} periods before", "–")
    kpi = company.catalog.kpis.get(shown.kpi)
    if kpi is None:
        return unknown
    age = watch.age(kpi)
    months = _list_months(gap.period)
    read = [(one, read_kpi(watch, kpi, shown.slice, one.start, one.end, age)) for one in months]
    known = [(one, reading) for one, reading in read if reading.value is not None]
    onset = _find_onset(known, gap.period, is_low_bad=kpi.direction != "down")
    if onset is None:
        return unknown
    first, before = known[onset], known[onset - 1] if onset else None
    shows = f"Since {first[0].label}: {_say_reading(first[1], kpi.unit)}"
    spares = f"{before[0].label}: {_say_reading(before[1], kpi.unit)}" if before else "No month before it is known"
    return shows, spares, _find_break(gap, lead)


def _list_months(period: Period) -> list[Period]:
    """List the months of a period and some before it."""
    last = period_of(period.end, "month", period.fiscal_year_start)
    months = [last.previous(n) for n in range(MONTHS_BACK)]
    return sorted(months, key=lambda month: month.start)


def _find_onset(known: Sequence[tuple[Period, Reading]], period: Period, *, is_low_bad: bool) -> int | None:
    """Return the first month that is off beyond doubt and from which on every one is off.

    Usual is the median of the months before the period. A month is off on the bad side of it, and beyond doubt where
    usual lies outside its interval too.
    """
    before = [reading.value for month, reading in known if month.end < period.start and reading.value is not None]
    if len(before) < LEAST_MONTHS:
        return None
    usual = float(np.median(before))

    def is_off(value: float | None) -> bool:
        return value is not None and (value < usual if is_low_bad else value > usual)

    place = len(known)
    while place and is_off(known[place - 1][1].value):
        place -= 1
    sure = (n for n in range(place, len(known)) if _is_sure(known[n][1], is_off, is_low_bad))
    return next((n for n in sure if n > 0), None)


def _is_sure(reading: Reading, is_off: Callable[[float | None], bool], is_low_bad: bool) -> bool:
    """Whether the better end of a month's interval is off too; a count has none and is taken as it is."""
    end = reading.high if is_low_bad else reading.low
    return is_off(reading.value) if end is None else is_off(end)


def _say_reading(reading: Reading, unit: str) -> str:
    value = format_value(reading.value, unit)
    if reading.low is None or reading.high is None:
        return f"{value} (n {reading.n:,})"
    low, high = format_value(reading.low, unit), format_value(reading.high, unit)
    shared = low.removesuffix(" %") if high.endswith(" %") else low
    return f"{value} ({shared}–{high}, n {reading.n:,})"


def _find_break(gap: Gap, lead: Found) -> str:
    """Return what else changed on a known day in the same place; a dash where nothing is known."""
    for one in _same_place(index_evidence(gap).values(), lead):
        if one.rule and " before " in one.statement and one.money is not None:
            return one.statement
    return "–"


def _same_place(found: Iterable[Found], lead: Found) -> list[Found]:
    mine = dict(lead.slice_values)
    return [one for one in found if one.slice_values and all(mine.get(n) == v for n, v in one.slice_values.items())]


def _say_how_much(gap: Gap, lead: Found, currency: str) -> tuple[str, str, str]:
    """Say what it costs with its interval, and what lies elsewhere."""
    unit = "currency" if gap.is_money else "count"

    def say(value: float) -> str:
        return format_value(value, unit, currency=currency, digits=None if gap.is_money else 0)

    if lead.money is None:
        return "Its price isn't known", "–", "–"
    rows = gap.causes[(gap.causes["slice"] == lead.slice) & (gap.causes["step"] == lead.step)]
    span = ""
    if len(rows):
        ends = sorted(abs(float(end)) for end in (rows["low"].iloc[0], rows["high"].iloc[0]))
        span = f" ({say(ends[0])} to {say(ends[1])})"
    if lead.lens != "closing":
        return f"{say(lead.money)} of later revenue{span}", "Nothing of this period's revenue yet", "It shows later"
    whole = abs(gap.gap) if gap.gap < 0 else 0.0
    if not whole:
        return f"{say(lead.money)}{span}", "Nothing is missing in all", "–"
    rest = whole - lead.money
    elsewhere = f"{say(rest)} of the gap lies elsewhere" if rest > 0 else "The rest of the company made up for some"
    return f"{say(lead.money)}{span}", elsewhere, f"{format_value(min(lead.money / whole, 1.0), 'share')} of the gap"
