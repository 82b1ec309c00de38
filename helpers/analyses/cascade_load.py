"""Who carries too much: tactics and targets that overlap in time, weights and working weeks beyond what there is."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, TypeVar

from helpers.analyses.cascade_rows import BAD, CAUTION, Row, make_row
from helpers.model.cascade import Cascade, CascadeRules, Person, PersonTarget
from helpers.periods import Period, period_of
from helpers.units import format_value

TOLERANCE = 1e-6
Item = TypeVar("Item")


def check_load(cascade: Cascade, rules: CascadeRules, *, fiscal_year_start: int = 1) -> list[Row]:
    """Check what every person carries at one time.

    Args:
        cascade: As typed.
        rules: The cascade's.
        fiscal_year_start: The month (1–12) in which the fiscal year begins.

    Returns:
        Rows only where something is too much: more tactics or targets than the rule at one time, more of a working week
        than there is, weights or shares of pay that add up to more than 100 % (or to less, where all are said).
    """
    rows: list[Row] = []
    for person in cascade.people.values():
        rows += _check_tactics(person, cascade, rules)
        rows += _check_targets(person, cascade, rules, fiscal_year_start)
    return rows


def _check_tactics(person: Person, cascade: Cascade, rules: CascadeRules) -> list[Row]:
    mine = [
        tactic
        for tactic in cascade.tactics.values()
        if tactic.owner == person.id and tactic.state in ("planned", "running") and tactic.start and tactic.due
    ]
    spans = [(tactic.start, tactic.due, tactic) for tactic in mine]
    rows = []
    day, busiest = find_busiest(spans, len)
    if day and len(busiest) > rules.load.tactics:
        since = format_value(day, "date")
        told = f"{len(busiest)} tactics at once from {since}; more than {rules.load.tactics} are too many"
        rows.append(make_row(person, "load", BAD, f"{told}: {_list(busiest)}", "Hand one over, or move one in time."))
    free = person.capacity if person.capacity is not None else rules.load.time
    day, busiest = find_busiest(spans, lambda items: sum(item.time or 0 for item in items))
    asked = sum(item.time or 0 for item in busiest)
    if day and asked > free + TOLERANCE:
        told = (
            f"tactics ask for {format_value(asked, 'share')} of a working week from {format_value(day, 'date')}, "
            f"and {format_value(free, 'share')} is free"
        )
        rows.append(make_row(person, "load", BAD, told, "Hand one over, move one in time, or cut one down."))
    return rows


def _check_targets(person: Person, cascade: Cascade, rules: CascadeRules, fiscal_year_start: int) -> list[Row]:
    spans = []
    for target in cascade.targets.values():
        period = _span_target(target, cascade, fiscal_year_start)
        if target.person == person.id and period:
            spans.append((period.start, period.end, target))
    rows = []
    day, busiest = find_busiest(spans, len)
    if day and len(busiest) > rules.load.targets:
        since = format_value(day, "date")
        told = f"{len(busiest)} targets at once from {since}; more than {rules.load.targets} are too many"
        rows.append(make_row(person, "load", CAUTION, told, "Keep the few that matter most."))
    checks = (
        ("weights", lambda item: item.weight, "Lower weights until they add up to 100 %."),
        ("shares of the variable pay", lambda item: item.share_of_pay, "Lower the shares until they add up to 100 %."),
    )
    for what, of, cure in checks:
        day, busiest = find_busiest(spans, lambda items, of=of: sum(of(item) or 0 for item in items))
        total = sum(of(item) or 0 for item in busiest)
        since = f" from {format_value(day, 'date')}" if day else ""
        if day and total > 1 + TOLERANCE:
            told = f"{what} of targets add up to {format_value(total, 'share')}{since}"
            rows.append(make_row(person, "load", BAD, told, cure))
            break
        if day and total < 1 - TOLERANCE and all(of(item) is not None for item in busiest):
            told = f"{what} of targets add up to {format_value(total, 'share')}{since}: the rest hangs on nothing"
            rows.append(make_row(person, "load", CAUTION, told, "Raise a weight, or add the target that is missing."))
            break
    return rows


def find_busiest(
    spans: Iterable[tuple[date, date, Item]], measure: Callable[[list[Item]], float]
) -> tuple[date | None, list[Item]]:
    """Find the first day on which most is going on, and what is.

    Args:
        spans: First day, last day (both included) and item.
        measure: How much several items at one time are.

    Returns:
        The day and the items of that day; None and nothing where there are no spans.

    >>> from datetime import date
    >>> spans = [(date(2026, 1, 1), date(2026, 1, 9), "a"), (date(2026, 1, 9), date(2026, 1, 12), "b")]
    >>> find_busiest(spans, len)
    (datetime.date(2026, 1, 9), ['a', 'b'])
    """
    listed = list(spans)
    best: tuple[date | None, list[Item]] = (None, [])
    most = 0.0
    for day in sorted({start for start, _, _ in listed}):
        items = [item for start, end, item in listed if start <= day <= end]
        much = measure(items)
        if much > most + TOLERANCE:
            most, best = much, (day, items)
    return best


def _span_target(target: PersonTarget, cascade: Cascade, fiscal_year_start: int) -> Period | None:
    source: Any = cascade.goals.get(target.goal) if target.is_shared else target
    if source is None or source.period_start is None:
        return None
    return period_of(source.period_start, source.grain, fiscal_year_start)


def _list(items: Iterable[Any]) -> str:
    return ", ".join(f"'{item.title}'" for item in items)
