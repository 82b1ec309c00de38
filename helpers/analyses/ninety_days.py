"""The next ninety days: actions ranked by what they are worth, what can move by when, and what success looks like."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise

from helpers.analyses.action_lags import DAYS_IN_MONTH, FIRST, HALF, Ways, add_up, find_start
from helpers.analyses.effectiveness import FARTHEST, Check
from helpers.analyses.fishbone import Fishbone, make_name_hider
from helpers.analyses.found_evidence import Found, find_evidence, index_evidence
from helpers.analyses.gap import Gap
from helpers.analyses.kpi_of_cause import find_kpi
from helpers.analyses.kpi_reading import Stopwatch
from helpers.analyses.step_days import list_stages
from helpers.errors import DiagnosticError
from helpers.model.board import Board, BoardCause
from helpers.model.board_action import Action
from helpers.model.kpi import Kpi
from helpers.periods import MONTHS_IN
from helpers.units import format_value, in_sentence

DAYS = 90
MILESTONES = (3, 6, 12)
"""Months after the last day that counts."""

LAGGING_KINDS = ("won", "live", "renewed")
"""Stages whose own volumes and sums are outcomes: no leading KPI."""


@dataclass(frozen=True)
class Showing:
    """A KPI that will show an action, and when.

    Attributes:
        kpi: Its id; empty where there is none.
        label: In words.
        unit: Of the KPI.
        slice: Where; empty for the whole company.
        first: The first day on which it can move: the quickest tenth of what the action touches is through.
        half: The day by which half of it is.
        basis: What the days rest on.
    """

    kpi: str = ""
    label: str = ""
    unit: str = "count"
    slice: str = ""
    first: date | None = None
    half: date | None = None
    basis: str = ""


@dataclass(frozen=True)
class PlannedAction:
    """An action that is planned or under way.

    Attributes:
        action: As written on the board.
        cause: The cause's words, naming nobody.
        rank: 1 for the first.
        money: What its cause costs per period, in the gap's unit; None where nobody knows.
        counts_for: This period, or later revenue.
        confidence: In the cause, 0–1; None where nobody said.
        score: money × confidence ÷ effort; None where one of them is missing.
        missing: What is missing of the three, in words.
        shares_cause: How many other actions share the cause's money.
        leading: The KPI that can move within ninety days; empty where none can.
        lagging: The outcome, and when it first can.
        tell_day: From when on its effect can be told.
        kpi_label: The action's own KPI in words; empty where it names none.
        kpi_unit: Of it.
        expected: Months → what the action's KPI is expected to be then; empty where nobody said.
        is_overdue: Whether it was due and isn't done.
        stop: When to stop.
    """

    action: Action
    cause: str
    rank: int = 0
    money: float | None = None
    counts_for: str = ""
    confidence: float | None = None
    score: float | None = None
    missing: tuple[str, ...] = ()
    shares_cause: int = 0
    leading: Showing = field(default_factory=Showing)
    lagging: Showing = field(default_factory=Showing)
    tell_day: date | None = None
    kpi_label: str = ""
    kpi_unit: str = "count"
    expected: Mapping[int, float] = field(default_factory=dict)
    is_overdue: bool = False
    stop: str = ""


@dataclass(frozen=True)
class Milestone:
    """What should have come by a day.

    Attributes:
        months: After the last day that counts.
        day: That day.
        expected: Money of all causes, weighed by confidence; causes without one or without money are left out.
        at_most: The same if every cause is what people take it for.
        n_causes: How many causes it adds up.
    """

    months: int
    day: date
    expected: float
    at_most: float
    n_causes: int


@dataclass(frozen=True)
class NinetyDays:
    """The plan for the next ninety days.

    Attributes:
        start: The day after the last one that counts.
        end: Ninety days on.
        actions: Ranked.
        milestones: After 3, 6 and 12 months.
        is_money: Whether amounts are money.
        unlinked: Actions left out because their cause isn't kept.
    """

    start: date
    end: date
    actions: tuple[PlannedAction, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    is_money: bool = True
    unlinked: int = 0


def plan_ninety_days(
    company, gap: Gap, fishbone: Fishbone, board: Board, *, checks: Sequence[Check], as_of: date,
    names: Iterable[str] = (),
) -> NinetyDays:  # fmt: skip
    """Lay out what is done about the kept causes over the next ninety days.

    Args:
        company: The opened company.
        gap: The result of ``explain_gap``.
        fishbone: The result of ``build_fishbone``; it holds what each cause costs.
        board: Everybody's board.
        checks: The result of ``check_actions``.
        as_of: The last day that counts; the ninety days begin on the day after.
        names: Names that no cause may bear.

    Returns:
        Actions that are planned or under way against kept causes, the highest score first; those whose score lacks a
        factor follow, by money.
    """
    plan = _Planner(company, gap, fishbone, {check.action.id: check for check in checks}, as_of, tuple(names))
    found: list[PlannedAction] = []
    unlinked = 0
    for one in board.causes:
        live = [action for action in one.actions if action.is_open]
        if one.cause.state != "kept" or one.cause.verdict == "rejected":
            unlinked += len(live)
            continue
        found += [plan.plan(one, action, len(live) - 1) for action in live]
    unlinked += sum(action.is_open for action in board.loose_actions)
    found.sort(key=_rank)
    ranked = tuple(_number(one, place) for place, one in enumerate(found, start=1))
    kept = [one for one in board.causes if any(planned.action.cause == one.id for planned in ranked)]
    return NinetyDays(
        start=as_of + timedelta(days=1),
        end=as_of + timedelta(days=DAYS),
        actions=ranked,
        milestones=plan.set_milestones(kept, ranked),
        is_money=gap.is_money,
        unlinked=unlinked,
    )


def _rank(one: PlannedAction) -> tuple:
    return one.score is None, -(one.score or 0.0), -(one.money or 0.0), one.action.due or date.max, one.action.id


def _number(one: PlannedAction, place: int) -> PlannedAction:
    return replace(one, rank=place)


class _Planner:
    """What all actions of a plan have in common."""

    def __init__(
        self, company, gap: Gap, fishbone: Fishbone, checks: Mapping[str, Check], as_of: date, names: tuple[str, ...]
    ) -> None:
        self.company, self.gap, self.checks, self.as_of = company, gap, checks, as_of
        self.leaves = {leaf.id: leaf for leaf in fishbone.leaves}
        self.index = index_evidence(gap)
        self.watch = Stopwatch(company, as_of)
        self.ways = Ways(self.watch)
        self.hide = make_name_hider(names)
        self.months = MONTHS_IN.get(gap.period.grain, 3)

    def plan(self, one: BoardCause, action: Action, others: int) -> PlannedAction:
        """Rank an action, and say what will show it and when."""
        leaf, check = self.leaves.get(one.id), self.checks.get(action.id)
        money = leaf.money if leaf else one.cause.contribution
        factors = {"money": money, "confidence": one.cause.confidence, "effort": action.effort or None}
        score = None
        if money is not None and one.cause.confidence is not None and action.effort:
            score = money * one.cause.confidence / action.effort
        kpi = self.company.catalog.kpis.get(action.kpi)
        leading = self._find_leading(one, action, kpi)
        return PlannedAction(
            action=action,
            cause=self.hide(one.cause.text),
            money=money,
            counts_for=leaf.counts_for if leaf else "",
            confidence=one.cause.confidence,
            score=score,
            missing=tuple(name for name, value in factors.items() if value is None),
            shares_cause=others,
            leading=leading,
            lagging=self._find_lagging(action, kpi or self.company.catalog.kpis.get(leading.kpi)),
            tell_day=check.window.tell_day if check and check.window else None,
            kpi_label=kpi.label if kpi else "",
            kpi_unit=kpi.unit if kpi else "count",
            expected=self._expect(action, kpi, check),
            is_overdue=action.is_overdue(self.as_of),
            stop=_say_stop(check, self.company.currency),
        )

    def begins(self, action: Action) -> date | None:
        """Return the day from which an action works: when it is due, or now where that has passed."""
        if action.due is None or action.due.year > self.as_of.year + FARTHEST:
            return None
        return max(action.due, self.as_of)

    def _find_leading(self, one: BoardCause, action: Action, kpi: Kpi | None) -> Showing:
        """Return the KPI of the step on which the action acts, if half of what it touches is through in time."""
        begins = self.begins(action)
        where = action.slice
        if kpi is None or _is_outcome(kpi):
            kpi, where = self._find_own(one)
        if kpi is None or begins is None:
            return Showing()
        step = self.watch.time(kpi) if kpi.measure.kind not in ("volume", "sum", "stock") else None
        quick, median = (step.p10, step.p50) if step else (0, 0)
        first, half = (begins + timedelta(days=days + 1) for days in (quick, median))
        if half > self.as_of + timedelta(days=DAYS):
            return Showing()
        basis = "it counts what enters, so it moves on the next day"
        if step:
            basis = (
                f"a tenth pass from {step.from_stage} to {step.to_stage} within {_days(step.p10)}, half within "
                f"{_days(step.p50)}, n {step.n:,}"
            )
        return Showing(kpi.id, kpi.label, kpi.unit, where, first, half, basis)

    def _find_own(self, one: BoardCause) -> tuple[Kpi | None, str]:
        """Return the KPI of the step in which the cause shows."""
        try:
            stages = list_stages(self.company, self.watch.journeys)
        except DiagnosticError:
            return None, ""
        found: list[Found] = find_evidence(one.cause.list_evidence(), self.index)
        for item in found:
            shown = find_kpi(item, self.company.catalog, stages)
            kpi = self.company.catalog.kpis.get(shown.kpi) if shown else None
            if shown and kpi is not None and not _is_outcome(kpi):
                return kpi, shown.slice
        return None, ""

    def _find_lagging(self, action: Action, kpi: Kpi | None) -> Showing:
        """Return when closed revenue can first move."""
        begins = self.begins(action)
        outcome = self.company.catalog.kpis.get("revenue_won" if self.gap.is_money else "deals_won")
        if kpi is None or begins is None or outcome is None:
            return Showing()
        way = self.ways.find(kpi)
        first, half = way.day_of(FIRST, begins), way.day_of(HALF, begins)
        basis = f"won deals by their months since {way.from_stage}, n {way.n:,}" if way.n else "at once"
        return Showing(outcome.id, outcome.label, outcome.unit, "", first, half, basis if way.is_known else "")

    def _expect(self, action: Action, kpi: Kpi | None, check: Check | None) -> dict[int, float]:
        """Return what the action's KPI is expected to be after 3, 6 and 12 months."""
        begins = self.begins(action)
        start = action.expected_from if action.expected_from is not None else (check.before.value if check else None)
        if kpi is None or begins is None or start is None or action.expected_to is None:
            return {}
        step = self.watch.time(kpi) if kpi.measure.kind not in ("volume", "sum", "stock") else None
        found = {}
        for months in MILESTONES:
            since = (self._day_after(months) - begins).days
            found[months] = start + (action.expected_to - start) * _arrived(since, step)
        return found

    def _day_after(self, months: int) -> date:
        return self.as_of + timedelta(days=round(months * DAYS_IN_MONTH))

    def set_milestones(self, causes: Sequence[BoardCause], planned: Sequence[PlannedAction]) -> tuple[Milestone, ...]:
        """Add up what the causes' removal brings, each cause once, from its earliest action on."""
        found = []
        for months in MILESTONES:
            day = self._day_after(months)
            expected = at_most = 0.0
            n_causes = 0
            for one in causes:
                mine = [item for item in planned if item.action.cause == one.id and self.begins(item.action)]
                amount = max((self._bring(item, day) for item in mine), default=0.0)
                if any(item.money for item in mine):
                    n_causes += 1
                at_most += amount
                expected += amount * (one.cause.confidence or 0.0)
            found.append(Milestone(months, day, expected, at_most, n_causes))
        return tuple(found)

    def _bring(self, item: PlannedAction, day: date) -> float:
        """Return what an action has brought by a day if its cause is gone for good from its due date on."""
        begins = self.begins(item.action)
        kpi = self.company.catalog.kpis.get(item.action.kpi) or self.company.catalog.kpis.get(item.leading.kpi)
        if item.money is None or begins is None or kpi is None:
            return 0.0
        return add_up(self.ways.find(kpi), item.money / self.months, (day - begins).days / DAYS_IN_MONTH)


def _is_outcome(kpi: Kpi) -> bool:
    """Whether a KPI counts results rather than what leads to them."""
    if kpi.measure.kind in ("retention", "stock", "velocity"):
        return True
    return kpi.measure.kind in ("volume", "sum") and find_start(kpi, ()) in LAGGING_KINDS


def _arrived(days: int, step) -> float:
    """Return which share of what an action touches is through its own step after so many days."""
    if days <= 0:
        return 0.0
    if step is None:
        return 1.0
    known = [(0, 0.0), (step.p10, 0.1), (step.p50, 0.5), (step.p90, 1.0)]
    for (before, low), (after, high) in pairwise(known):
        if days < after:
            return low + (high - low) * (days - before) / max(after - before, 1)
    return 1.0


def _say_stop(check: Check | None, currency: str) -> str:
    """Say when to stop: when the guard gets worse, or when the KPI is short on the day on which it can be told."""
    if check is None:
        return ""
    parts = []
    guard = check.guard_before
    if check.guard_label and guard.value is not None:
        is_up = check.guard_direction != "down"
        end = guard.low if is_up else guard.high
        low = end if end is not None else guard.value * (0.9 if is_up else 1.1)
        went = "falls below" if is_up else "rises above"
        parts.append(
            f"{in_sentence(check.guard_label)} {went} {format_value(low, check.guard_unit, currency=currency)}"
        )
    if check.window is not None and check.wanted is not None:
        wanted = format_value(check.wanted, check.unit, currency=currency)
        parts.append(
            f"{in_sentence(check.label)} is short of {wanted} on {format_value(check.window.tell_day, 'date')}"
        )
    return f"Stop when {' or '.join(parts)}" if parts else ""


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
