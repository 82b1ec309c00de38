"""The next ninety days in sentences."""

from helpers.analyses.ninety_days import NinetyDays, PlannedAction
from helpers.units import format_value, in_sentence


def describe_ninety_days(plan: NinetyDays, currency: str) -> str:
    """Say what is done, how many of it can be seen in time, and what it is expected to bring."""
    if not plan.actions:
        return "Nothing is planned for the next ninety days yet"
    count = len(plan.actions)
    seen = sum(bool(one.leading.kpi) for one in plan.actions)
    said = "One action" if count == 1 else f"{count} actions"
    if seen == count:
        said += ", and it can show within ninety days" if count == 1 else ", all of which can show within ninety days"
    elif seen:
        said += f", {seen} of which can show within ninety days"
    else:
        said += (
            ", and it can't show within ninety days" if count == 1 else ", none of which can show within ninety days"
        )
    last = plan.milestones[-1] if plan.milestones else None
    if last is not None and last.at_most > 0:
        said += f"; together {_say(plan, last.expected, currency)} expected within {last.months} months"
    return said


def say_factors(one: PlannedAction, plan: NinetyDays, currency: str) -> str:
    """Write how an action's score comes about, or what it lacks."""
    if one.score is None:
        return f"No score: {_join(one.missing)} {'is' if len(one.missing) == 1 else 'are'} missing"
    money = _say(plan, one.money or 0.0, currency)
    effort = f"{one.action.effort:g} {'day' if one.action.effort == 1 else 'days'}"
    each = _say(plan, one.score, currency)
    return f"{money} × {format_value(one.confidence, 'share')} ÷ {effort} = {each} a day"


def say_days(one: PlannedAction, plan: NinetyDays) -> str:
    """Say when an action can be seen: the leading KPI, the outcome, and when its effect can be told."""
    parts = []
    if one.leading.kpi:
        parts.append(f"{one.leading.label} from {format_value(one.leading.first, 'date')} on")
    elif one.action.due is None:
        parts.append("No due date, so nothing says when it can be seen")
    else:
        parts.append("Nothing within ninety days: it is due too late")
    if one.lagging.first:
        parts.append(f"{in_sentence(one.lagging.label)} from {format_value(one.lagging.first, 'date')} on")
    if one.tell_day:
        parts.append(f"effect told on {format_value(one.tell_day, 'date')}")
    return "; ".join(parts)


def say_milestones(plan: NinetyDays, currency: str) -> list[str]:
    """Say what success is after 3, 6 and 12 months, in money."""
    return [
        f"After {one.months} months ({format_value(one.day, 'date')}): {_say(plan, one.expected, currency)} expected, "
        f"{_say(plan, one.at_most, currency)} at most"
        for one in plan.milestones
    ]


BASIS = (
    "Expected: what each cause costs per period, counted once, from the day its first action is due, as late as the "
    "company's own deals take to be won, times the confidence in the cause. At most: the same at full confidence."
)


def _say(plan: NinetyDays, value: float, currency: str) -> str:
    unit = "currency" if plan.is_money else "count"
    return format_value(value, unit, currency=currency, digits=None if plan.is_money else 0)


def _join(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
