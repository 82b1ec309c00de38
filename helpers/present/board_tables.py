"""What hangs on the fishbone as tables: predictions, is / is not, effectiveness checks, and the ranked plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from helpers.analyses.effect_words import CHECK_WORDS, GUARD_WORDS, say_reading
from helpers.analyses.ninety_days_words import BASIS, say_days, say_factors, say_milestones
from helpers.present.cards import say_slice
from helpers.present.display import Display, show_message, show_table
from helpers.units import format_value

if TYPE_CHECKING:
    from helpers.analyses.effectiveness import Check
    from helpers.analyses.ninety_days import NinetyDays
    from helpers.model.board_action import Action

VERDICT_LIGHTS = {"held": "●", "failed": "○", "too_early": "◐", "unmeasurable": "–"}


def show_predictions(predictions: pd.DataFrame, *, title: str, subtitle: str = "") -> Display:
    """Show what every cause foretold, what was seen, and the verdict.

    Args:
        predictions: The result of ``list_predictions``.
        title: The finding, in a sentence.
        subtitle: Company, period, last day.
    """
    if predictions.empty:
        return show_message(
            "empty",
            "No cause says yet what one would see if it were true",
            "A prediction is what makes a cause testable, before anybody acts on it.",
            "Write one down for each kept cause on the board.",
        )
    lights = {"confirmed": "●", "rejected": "○"}
    table = pd.DataFrame(
        {
            "cause": predictions["cause"],
            "predicted": predictions["predicted"],
            "seen": predictions["seen"],
            "verdict": [f"{lights.get(verdict, '–')} {verdict}" for verdict in predictions["verdict"]],
            "decided_by": [who or "–" for who in predictions["decided_by"]],
        }
    )
    labels = {"predicted": "If true, one sees", "seen": "Seen", "decided_by": "Noted by"}
    return show_table(table, title=title, subtitle=subtitle, labels=labels)


def show_is_is_not(table: pd.DataFrame, *, title: str, subtitle: str = "") -> Display:
    """Show where the miss is and where it is not.

    Args:
        table: The result of ``compare_is_is_not``.
        title: The finding, in a sentence.
        subtitle: Company, period, last day.
    """
    if table.empty:
        return show_message(
            "empty",
            "Nothing was localised, and nobody has said where it shows",
            "Is / is not sets the place that is hit beside the nearest one that is spared.",
            "Say on the board what, where, when and how much.",
        )
    labels = {"shows": "Is", "spares": "Is not", "difference": "What sets them apart", "source": "Who says so"}
    note = "Intervals hold 90 %. What changed between the two columns is where to look for the cause."
    return show_table(table, title=title, subtitle=subtitle, labels=labels, note=note, max_rows=16)


def show_checks_table(checks: Sequence[Check], *, title: str, subtitle: str = "", currency: str = "USD") -> Display:
    """Show for every action of a kept cause whether it worked, with baseline, expectation, value and reason.

    Args:
        checks: The result of ``check_actions``.
        title: The finding, in a sentence.
        subtitle: Company, period, last day.
        currency: The company's currency.
    """
    if not checks:
        return show_message("empty", *NO_CHECKS)
    rows = [_list_check(check, currency) for check in checks]
    columns = ["action", "done", "kpi", "before", "wanted", "after", "verdict", "guard", "reason"]
    table = pd.DataFrame(rows, columns=columns)
    labels = {
        "done": "Done on", "kpi": "KPI", "before": "Before", "wanted": "Expected", "after": "After",
        "guard": "Guard KPI", "reason": "Why",
    }  # fmt: skip
    note = (
        "Before: the period of the problem. After: the first whole months that last one cycle after "
        "the day on which it was done, or was due where nobody noted that day."
    )
    return show_table(table, title=title, subtitle=subtitle, labels=labels, note=note)


NO_CHECKS = (
    "No action against a kept cause can be checked yet",
    "An effect is checked with the KPI that the action names, one whole cycle after it was done.",
    "Keep a cause on the board, and give its action a KPI, what is expected of it, and the day on which it was done.",
)


def _list_check(check: Check, currency: str) -> tuple:
    action, before, after = check.action, check.before, check.after
    where = say_slice(action.slice)
    kpi = f"{check.label or check.kpi or '–'}{f', {where}' if where else ''}"
    was = say_reading(before.value, check.unit, currency, n=before.n, low=before.low, high=before.high)
    is_now = say_reading(after.value, check.unit, currency, n=after.n, low=after.low, high=after.high)
    window = f"{check.window.label}: " if check.window and after.value is not None else ""
    wanted = format_value(check.wanted, check.unit, currency=currency) if check.wanted is not None else "–"
    guard = f"{check.guard_label}: {GUARD_WORDS[check.guard_verdict]}" if check.guard_verdict else "–"
    return (
        action.text or "–",
        _say_done(action),
        kpi,
        f"{check.before_label}: {was}" if before.value is not None else "–",
        wanted,
        f"{window}{is_now}",
        f"{VERDICT_LIGHTS[check.verdict]} {'overdue' if check.is_overdue else CHECK_WORDS[check.verdict]}",
        guard,
        check.reason,
    )


def _say_done(action: Action) -> str:
    """Write the day on which an action was done, else where it stands."""
    if action.done_on:
        return format_value(action.done_on, "date")
    due = format_value(action.due, "date") if action.due else "no due date"
    return f"due {due}, day not noted" if action.is_done else f"not done yet, due {due}" if action.due else due


NO_PLAN = (
    "Nothing is planned for the next ninety days yet",
    "A plan ranks the actions of kept causes by money × confidence ÷ effort.",
    "Keep a cause on the board, then add an action to it: what closes this gap, and what keeps it from coming back.",
)


def show_plan_table(plan: NinetyDays, *, title: str, subtitle: str = "", currency: str = "USD") -> Display:
    """Show the actions ranked, with the factors of their rank, when they can be seen, and when to stop.

    Args:
        plan: The result of ``plan_ninety_days``.
        title: The finding, in a sentence.
        subtitle: Company, period, last day.
        currency: The company's currency.
    """
    if not plan.actions:
        return show_message("empty", *NO_PLAN)
    rows = [
        (
            one.rank,
            one.action.text or "–",
            _say_who(one),
            say_factors(one, plan, currency),
            say_days(one, plan),
            _say_expected(one, currency),
            ". ".join(part for part in (one.stop, one.action.pauses and f"Paused: {one.action.pauses}") if part) or "–",
        )
        for one in plan.actions
    ]
    columns = ["rank", "action", "owner", "factors", "days", "expected", "stop"]
    table = pd.DataFrame(rows, columns=columns)
    left_out = f" {plan.unlinked} left out: their cause isn't kept." if plan.unlinked else ""
    note = (
        f"Rank: money × confidence ÷ effort, what the cause costs per period times how sure people are per person-day. "
        f"{'. '.join(say_milestones(plan, currency))}. {BASIS}{left_out}"
    )
    return show_table(
        table,
        title=title,
        subtitle=subtitle,
        labels={
            "rank": "#", "factors": "Money × confidence ÷ effort", "days": "When it shows",
            "expected": "After 3, 6, 12 months", "owner": "Who, by when", "stop": "Stop rule, and what waits",
        },
        currency=currency,
        note=note,
    )  # fmt: skip


def _say_who(one) -> str:
    """Write who answers for an action, and by when."""
    due = format_value(one.action.due, "date") if one.action.due else "no due date"
    return f"{one.action.owner or '▲ nobody yet'}, {'overdue since ' if one.is_overdue else ''}{due}"


def _say_expected(one, currency: str) -> str:
    """Write what the action's KPI is expected to become."""
    if not one.expected:
        return "–"
    told = " → ".join(format_value(value, one.kpi_unit, currency=currency) for value in one.expected.values())
    return f"{one.kpi_label}: {told}"
