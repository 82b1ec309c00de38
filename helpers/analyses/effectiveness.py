"""Whether an action worked: the KPI that it named, by the same code, before it and over one whole cycle after it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from helpers.analyses.effect_verdict import (
    FAILED,
    HELD,
    TOO_EARLY,
    UNMEASURABLE,
    WORSE,
    judge_change,
    judge_guard,
    says_worse,
)
from helpers.analyses.kpi_reading import Reading, Stopwatch, read_kpi
from helpers.model.board import Board, BoardCause
from helpers.model.board_action import Action, EffectCheck
from helpers.model.kpi import Kpi
from helpers.periods import CUSTOM, MONTHS_IN, Period, period_of

__all__ = ["FAILED", "HELD", "TOO_EARLY", "UNMEASURABLE", "WORSE", "Check", "Window", "check_actions", "keep_checks"]


FARTHEST = 20
"""Years ahead from which a due date is a slip of the pen."""


@dataclass(frozen=True)
class Window:
    """The days over which an action's effect is read.

    Attributes:
        start: First day: the first of the month after the action was done, or due where nobody said when it was done.
        end: Last day.
        tell_day: The first day on which it can be told: the last day, or later where records need time to ripen.
        why: What its length rests on.
    """

    start: date
    end: date
    tell_day: date
    why: str

    @property
    def label(self) -> str:
        """The window in words, such as "Jul to Sep 2026"."""
        return say_months(self.start, self.end)


@dataclass(frozen=True)
class Check:
    """What can be said of one action's effect.

    Attributes:
        action: The action.
        cause: Id of its cause.
        kpi: The KPI's id.
        label: The KPI in words.
        unit: Of the KPI.
        verdict: ``HELD``, ``FAILED``, ``TOO_EARLY`` or ``UNMEASURABLE``.
        reason: Why, in a sentence.
        before: The KPI in the period of the problem.
        after: The KPI in the window.
        before_label: That period.
        window: The window; None where the action has neither a day on which it was done nor one on which it is due.
        wanted: What was expected of the KPI; None where nobody said.
        guard_label: The guard KPI in words; empty where there is none.
        guard_unit: Of the guard KPI.
        guard_direction: Which way is good for it.
        guard_before: The guard before.
        guard_after: The guard after.
        guard_verdict: ``HELD``, ``WORSE``, ``TOO_EARLY`` or ``UNMEASURABLE``; empty without a guard.
        as_of: The day as of which all this holds.
    """

    action: Action
    cause: str
    kpi: str = ""
    label: str = ""
    unit: str = "count"
    verdict: str = UNMEASURABLE
    reason: str = ""
    before: Reading = field(default_factory=Reading)
    after: Reading = field(default_factory=Reading)
    before_label: str = ""
    window: Window | None = None
    wanted: float | None = None
    guard_label: str = ""
    guard_unit: str = "count"
    guard_direction: str = "up"
    guard_before: Reading = field(default_factory=Reading)
    guard_after: Reading = field(default_factory=Reading)
    guard_verdict: str = ""
    as_of: date | None = None

    @property
    def is_overdue(self) -> bool:
        """Whether it was due and isn't done."""
        return self.as_of is not None and self.action.is_overdue(self.as_of)

    @property
    def reopens(self) -> bool:
        """Whether the cause is open again because of it."""
        return self.verdict == FAILED


def check_actions(company, board: Board, *, as_of: date, history: Sequence[Period]) -> list[Check]:
    """Check the effect of every action that was taken against a kept cause.

    The baseline is the KPI in the period whose gap the cause explains. The value is the KPI in the first window of
    whole months that began after the action was done, or due where nobody said on which day it was done, and lasts at
    least one period and one cycle of the KPI's step (nine in ten records take no longer). Cohorts are read at the same
    age before and after. An action whose day has passed and that isn't done is not checked but said to be overdue.

    Args:
        company: The opened company.
        board: Everybody's board.
        as_of: The last day that counts; nothing else says what is today.
        history: The periods known, oldest first; the last one is the one in question.

    Returns:
        One check per action of a kept cause that wasn't dropped, in the order of the board.
    """
    watch = Stopwatch(company, as_of)
    return [
        _check(watch, one, action, history)
        for one in board.causes
        if one.cause.state == "kept"
        for action in one.actions
        if action.state != "dropped"
    ]


def keep_checks(checks: Sequence[Check]) -> dict[str, EffectCheck]:
    """Return what is worth keeping of checks: what was found, by the action's id.

    Returns:
        Action's id → record; those that it is too early for or that can't be measured are computed anew instead, and
        one that says what the last kept one said of the same window is left out.
    """
    kept = {}
    for check in checks:
        if check.verdict not in (HELD, FAILED):
            continue
        note = f"{check.window.label}: {check.reason}" if check.window else check.reason
        record = EffectCheck(check.as_of, check.after.value, check.after.n, check.verdict, check.reopens, note)
        last = check.action.checks[-1] if check.action.checks else None
        if last is None or (last.verdict, last.note) != (record.verdict, record.note):
            kept[check.action.id] = record
    return kept


def say_months(start: date, end: date) -> str:
    """Write a stretch of whole months.

    >>> say_months(date(2026, 7, 1), date(2026, 9, 30)), say_months(date(2026, 7, 1), date(2026, 7, 31))
    ('Jul to Sep 2026', 'Jul 2026')
    """
    if (start.year, start.month) == (end.year, end.month):
        return f"{end:%b %Y}"
    return f"{start:%b} to {end:%b %Y}" if start.year == end.year else f"{start:%b %Y} to {end:%b %Y}"


def find_window(watch: Stopwatch, kpi: Kpi, day: date, grain: str) -> Window:
    """Find the first whole months after a day that last a period and a cycle of a KPI.

    Args:
        watch: How long the company's steps take.
        kpi: The KPI.
        day: The day from which the action works.
        grain: The length of the periods in which the company plans.
    """
    step = watch.time(kpi)
    cycle = step.p90 if step else 0
    least = MONTHS_IN.get(grain, 3)
    first = last = period_of(day, "month").previous(-1)
    months = 1
    while months < least or (last.end - first.start).days + 1 < cycle:
        last, months = last.previous(-1), months + 1
    ripens = cycle if kpi.basis[0] == "cohort" else 0
    why = f"one {grain}" if grain in MONTHS_IN else "three months"
    if step and months > least:
        why = (
            f"one cycle: nine in ten take at most {cycle} days from {step.from_stage} to {step.to_stage}, n {step.n:,}"
        )
    if ripens:
        why += f", and {ripens} days for its last records to ripen"
    return Window(first.start, last.end, last.end + timedelta(days=ripens), why)


def find_baseline(cause: BoardCause, action: Action, history: Sequence[Period]) -> Period | None:
    """Return the period that an action is measured against: its cause's, else the last whole one before it began."""
    named = next((one for one in history if one.label == cause.cause.period), None)
    if named is not None:
        return named
    begun = min((day for day in (action.start, action.done_on or action.due) if day), default=None)
    before = [one for one in history if begun is None or one.end < begun]
    return before[-1] if before else None


def _check(watch: Stopwatch, cause: BoardCause, action: Action, history: Sequence[Period]) -> Check:
    """Check one action."""
    told = _read_before(watch, cause, action, history)
    window, kpi = told.window, watch.company.catalog.kpis.get(action.kpi)
    if told.is_overdue:
        return replace(told, verdict=TOO_EARLY, reason=_say_overdue(action, watch.as_of))
    if told.reason or kpi is None or window is None:
        return told
    if action.is_open:
        due = f"It can be told from {_day(window.tell_day)} if it is done by {_day(action.due)} ({window.why})"
        return replace(told, verdict=TOO_EARLY, reason=due)
    if watch.as_of < window.tell_day:
        return replace(told, verdict=TOO_EARLY, reason=f"It can be told from {_day(window.tell_day)} ({window.why})")
    after = read_kpi(watch, kpi, action.slice, window.start, window.end, _find_age(watch, kpi, window))
    if after.value is None:
        return replace(told, reason=f"It can't be measured: {after.reason}")
    after = _make_alike(kpi, told.before, after)
    verdict, reason = judge_change(
        kpi, told.before, after, wanted=action.expected_to, said=action.expected_from, currency=watch.company.currency
    )
    told = replace(told, verdict=verdict, reason=reason, after=after)
    guard = watch.company.catalog.kpis.get(action.guard)
    return told if guard is None else _check_guard(watch, told, guard, window)


def _read_before(watch: Stopwatch, cause: BoardCause, action: Action, history: Sequence[Period]) -> Check:
    """Return an action's KPI and guard before it, and its window; the reason where it can't be measured, else none."""
    kpi = watch.company.catalog.kpis.get(action.kpi)
    told = Check(action, cause.id, action.kpi, as_of=watch.as_of, wanted=action.expected_to)
    if kpi is None:
        named = f"the KPI '{action.kpi}' is unknown" if action.kpi else "it names no KPI that would show it"
        return replace(told, reason=f"It can't be measured: {named}")
    told = replace(told, label=kpi.label, unit=kpi.unit)
    day = action.takes_hold
    if day is None:
        lacks = "no due date and no day on which it was done"
        return replace(told, reason=f"It can't be measured: it has {lacks}, so no window begins after it")
    if day.year > watch.as_of.year + FARTHEST:
        when = f"was done in {day.year}" if action.done_on else f"is due only in {day.year}"
        return replace(told, reason=f"It can't be measured: it {when}; correct the date")
    period = find_baseline(cause, action, history)
    if period is None:
        return replace(told, reason="It can't be measured: no whole period lies before it began")
    grain = period.grain if period.grain != CUSTOM else "quarter"
    # What isn't done yet works from the last day that counts on at the earliest.
    window = find_window(watch, kpi, max(day, watch.as_of) if action.is_open else day, grain)
    before = read_kpi(watch, kpi, action.slice, period.start, period.end, _find_age(watch, kpi, window))
    told = replace(told, window=window, before=before, before_label=period.label)
    guard = watch.company.catalog.kpis.get(action.guard)
    if guard is not None:
        guarded = read_kpi(watch, guard, action.slice, period.start, period.end, _find_age(watch, guard, window))
        told = replace(told, guard_label=guard.label, guard_unit=guard.unit, guard_before=guarded)
        told = replace(told, guard_direction=guard.direction)
    if window.start <= period.end:
        was = "was done" if action.done_on else "is due" if action.is_open else "was due"
        holds = f"so {period.label}, against which it is measured, holds its effect already"
        cure = "correct the day, or the cause's period"
        return replace(told, reason=f"It can't be measured: it {was} on {_day(day)}, {holds}; {cure}")
    return told if before.value is not None else replace(told, reason=f"It can't be measured: {before.reason}")


def _check_guard(watch: Stopwatch, told: Check, guard: Kpi, window: Window) -> Check:
    """Look at what must not get worse, over the same days."""
    age, before = _find_age(watch, guard, window), told.guard_before
    after = read_kpi(watch, guard, told.action.slice, window.start, window.end, age)
    told = replace(told, guard_after=after)
    if before.value is None or after.value is None:
        return replace(told, guard_verdict=UNMEASURABLE)
    step = watch.time(guard) if guard.basis[0] == "cohort" else None
    if step and window.end + timedelta(days=step.p90) > watch.as_of:
        return replace(told, guard_verdict=TOO_EARLY)
    after = _make_alike(guard, before, after)
    verdict = judge_guard(guard, before, after)
    worse = f"; {says_worse(guard, before, after, watch.company.currency)}" if verdict == WORSE else ""
    return replace(told, guard_after=after, guard_verdict=verdict, reason=f"{told.reason}{worse}")


def _find_age(watch: Stopwatch, kpi: Kpi, window: Window) -> int | None:
    """Return the age at which cohorts are read before and after: that of the window's last records; None to date."""
    age = (watch.as_of - window.end).days
    return age if kpi.basis[0] == "cohort" and watch.as_of >= window.tell_day and age >= 0 else None


def _make_alike(kpi: Kpi, before: Reading, after: Reading) -> Reading:
    """Put a total over a longer or shorter window on the length of the baseline."""
    if kpi.measure.kind not in ("volume", "sum") or after.months == before.months or after.value is None:
        return after
    factor = before.months / after.months
    return replace(after, value=after.value * factor, factor=factor)


def _say_overdue(action: Action, as_of: date) -> str:
    """Say that an action should be done by now and isn't."""
    days = (as_of - action.due).days if action.due else 0
    late = f"{days:,} {'day' if days == 1 else 'days'} overdue as of {_day(as_of)}"
    return f"Not done yet, due on {_day(action.due)}: {late}, so there is nothing to check"


def _day(day: date | None) -> str:
    return f"{day.day} {day:%b %Y}" if day else ""
