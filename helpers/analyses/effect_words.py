"""Effectiveness checks in sentences."""

from collections.abc import Sequence

from helpers.analyses.effect_verdict import FAILED, HELD, TOO_EARLY, UNMEASURABLE, WORSE
from helpers.analyses.effectiveness import Check
from helpers.units import format_value

CHECK_WORDS = {
    HELD: "effective",
    FAILED: "not effective, reopened",
    TOO_EARLY: "too early",
    UNMEASURABLE: "can't be measured",
}
GUARD_WORDS = {HELD: "no worse", WORSE: "got worse", TOO_EARLY: "too early", UNMEASURABLE: "can't be measured", "": ""}


def describe_checks(checks: Sequence[Check]) -> str:
    """Say how many actions worked."""
    if not checks:
        return "No action against a kept cause can be checked yet"
    counts = {verdict: sum(check.verdict == verdict for check in checks) for verdict in CHECK_WORDS}
    overdue = sum(check.is_overdue for check in checks)
    parts = [
        (counts[HELD], "worked"),
        (counts[FAILED], "did not and its cause is open again" if counts[FAILED] == 1 else "did not: causes reopened"),
        (counts[TOO_EARLY] - overdue, "is too early to tell" if counts[TOO_EARLY] - overdue == 1
         else "are too early to tell"),
        (overdue, "is overdue" if overdue == 1 else "are overdue"),
        (counts[UNMEASURABLE], "can't be measured"),
    ]  # fmt: skip
    total = "1 action" if len(checks) == 1 else f"{len(checks)} actions"
    return f"{total}: {', '.join(f'{count} {words}' for count, words in parts if count)}"


def say_reading(value: float | None, unit: str, currency: str, *, n: int, low=None, high=None) -> str:
    """Write a KPI with its interval and the records behind it.

    >>> say_reading(0.3127, "share", "EUR", n=214, low=0.26, high=0.364)
    '31 % (26–36 %, n 214)'
    """
    if value is None:
        return "–"
    told = format_value(value, unit, currency=currency)
    if low is None or high is None:
        return f"{told} (n {n:,})"
    first, last = (format_value(end, unit, currency=currency) for end in (low, high))
    for ending in (" %", " days"):
        if first.endswith(ending) and last.endswith(ending):
            first = first.removesuffix(ending)
    return f"{told} ({first}{'–' if ' ' not in first else ' to '}{last}, n {n:,})"
