"""What the board and its checks tell a leader: rules broken, actions without owner or overdue, causes open again."""

from collections.abc import Callable, Collection, Sequence

from helpers.analyses.effect_verdict import WORSE
from helpers.analyses.effectiveness import HELD, Check
from helpers.analyses.finding import Finding
from helpers.analyses.fishbone import Fishbone, make_name_hider
from helpers.analyses.found_evidence import LATER
from helpers.analyses.ninety_days import NinetyDays
from helpers.model.board import Board, BoardFault
from helpers.model.board_action import Action
from helpers.units import format_value

NOTEBOOK = "05_root_cause_5m"

RULES = {
    "action": "No action without a cause",
    "evidence": "No confirmed cause without evidence",
    "contribution": "Contributions never exceed the gap",
    "person": "No cause names a person",
}
"""The rules of the board whose breach is told; what is merely missing stands on the board."""


def find_on_board(
    board: Board,
    checks: Sequence[Check],
    fishbone: Fishbone,
    plan: NinetyDays,
    *,
    faults: Sequence[BoardFault] = (),
    names: Collection[str] = (),
    period: str = "",
    currency: str = "USD",
) -> list[Finding]:
    """Turn what the board needs somebody for into findings.

    Args:
        board: Everybody's board.
        checks: The result of ``check_actions``.
        fishbone: The result of ``build_fishbone``.
        plan: The result of ``plan_ninety_days``.
        faults: The result of ``check_board``.
        names: Names that no text may bear.
        period: The period in question, for the evidence line.
        currency: The company's currency.

    Returns:
        Actions that did not work (with what their cause costs), then those that did, a guard that got worse, actions
        without an owner, overdue actions, and the rules broken. Empty where all is well.
    """
    hide = make_name_hider(names)
    worth = {leaf.id: (leaf.money, leaf.counts_for) for leaf in fishbone.leaves if fishbone.is_money}
    causes = {one.id: hide(one.cause.text) for one in board.causes}
    found = [one for check in checks if (one := _tell_check(check, causes, hide))]
    found += [_tell_guard(check, hide, currency) for check in checks if check.guard_verdict == WORSE]
    found += [
        _tell_nobody(one.action, worth.get(one.action.cause, (None, "")), hide, period, currency)
        for one in plan.actions
        if not one.action.owner.strip()
    ]
    found += [_tell_overdue(one.action, plan, hide, period) for one in plan.actions if one.is_overdue]
    return found + _tell_rules(faults, hide, period)


def _tell_check(check: Check, causes: dict[str, str], hide: Callable[[str], str]) -> Finding | None:
    """Tell of an action that worked, or that did not."""
    if not check.reopens and check.verdict != HELD:
        return None
    action, after = check.action, check.after
    evidence = {
        "n": after.n,
        "period": check.window.label if check.window else "",
        "low": after.low,
        "high": after.high,
        "unit": check.unit,
        "definition": f"{check.label} before ({check.before_label}) and in the first whole months after the action was "
        f"{'done' if action.done_on else 'due'} ({check.window.why if check.window else ''}), cohorts at equal age",
    }
    words = hide(action.text).rstrip(".")
    if check.reopens:
        cause = causes.get(check.cause, "")
        return Finding(
            headline=f"Not effective, open again: “{words}”. {check.reason}",
            kpi=check.kpi,
            slice=action.slice or "all",
            evidence=evidence,
            next_step=f"Ask why again under “{_shorten(cause)}”, or choose another action",
            notebook=NOTEBOOK,
            severity="bad",
        )
    return Finding(
        headline=f"Effective: “{words}”. {check.reason}",
        kpi=check.kpi,
        slice=action.slice or "all",
        evidence=evidence,
        next_step="Make it the rule everywhere, and close the cause",
        notebook=NOTEBOOK,
        severity="good",
    )


def _tell_guard(check: Check, hide: Callable[[str], str], currency: str) -> Finding:
    before, after = (
        format_value(reading.value, check.guard_unit, currency=currency)
        for reading in (check.guard_before, check.guard_after)
    )
    return Finding(
        headline=f"{check.guard_label} got worse after “{hide(check.action.text)}”: {before} before, {after} after",
        kpi=check.action.guard,
        slice=check.action.slice or "all",
        evidence={"n": check.guard_after.n, "period": check.window.label if check.window else ""},
        next_step="Stop the action until it is known why",
        notebook=NOTEBOOK,
        severity="bad",
    )


def _tell_nobody(
    action: Action, worth: tuple[float | None, str], hide: Callable[[str], str], period: str, currency: str
) -> Finding:
    money, counts_for = worth
    when = " of later revenue" if counts_for == LATER else ""
    stake = f"; its cause costs {format_value(money, 'currency', currency=currency)}{when}" if money else ""
    return Finding(
        headline=f"An action has no owner: “{hide(action.text) or 'an action without words'}”{stake}",
        kpi=action.kpi,
        slice=action.slice or "all",
        evidence={"period": period},
        next_step="Name one person who answers for it",
        notebook=NOTEBOOK,
        severity="bad",
    )


def _tell_overdue(action: Action, plan: NinetyDays, hide: Callable[[str], str], period: str) -> Finding:
    days = (plan.start - action.due).days - 1 if action.due else 0
    since = f"{days} {'day' if days == 1 else 'days'}"
    return Finding(
        headline=f"An action is {since} overdue: “{hide(action.text)}”",
        kpi=action.kpi,
        slice=action.slice or "all",
        evidence={"period": period, "definition": "Due and neither done nor dropped on the last day that counts"},
        next_step="Do it, drop it, or say why the day moved; a day moved in silence hides a failure",
        notebook=NOTEBOOK,
        severity="bad",
    )


def _tell_rules(faults: Sequence[BoardFault], hide: Callable[[str], str], period: str) -> list[Finding]:
    """Tell each broken rule once, with how often."""
    told = []
    for rule, words in RULES.items():
        mine = [fault for fault in faults if fault.rule == rule]
        if not mine:
            continue
        first = mine[0]
        more = f" (and {len(mine) - 1} more)" if len(mine) > 1 else ""
        told.append(
            Finding(
                headline=f"A rule of the board is broken: {words[:1].lower()}{words[1:]}. {hide(first.where)}{more}",
                evidence={"n": len(mine), "period": period, "definition": words},
                next_step=first.cure,
                notebook=NOTEBOOK,
                severity="note",
            )
        )
    return told


def _shorten(text: str) -> str:
    return text if len(text) <= 90 else f"{text[:88].rstrip()}…"
