"""What to say of a cascade: which goals are behind, who carries too much, what is linked to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.analyses.finding import Finding
from helpers.units import format_value, in_sentence

if TYPE_CHECKING:
    from helpers.analyses.cascade import CascadeReview

NOTEBOOK = "06_goal_cascade"
ALL = "all"
SAID_BY_CHECK = {
    "link": ("{n} hang in the air", "{n} hangs in the air", "Link each to what it serves, or drop it."),
    "owner": ("{n} have no owner", "{n} has no owner", "Name one person for each."),
    "load": ("{n} carry too much at one time", "{n} carries too much at one time", "Hand over, move, or cut down."),
    "reach": ("{n} won't be reached by their tactics", "{n} won't be reached by its tactics", "Add what is missing."),
    "counted twice": ("{n} are counted twice", "{n} is counted twice", "Link each result to one goal."),
    "dates": ("{n} end outside their goal's time", "{n} ends outside its goal's time", "Mend the dates."),
    "cost": ("{n} cost more than they bring", "{n} costs more than it brings", "Make them cheaper, or leave them."),
}
"""Check → what is said of several, of one, and what to do."""

WORDS = {
    "long_term": ("long-term goal", "long-term goals"),
    "company": ("company goal", "company goals"),
    "department": ("department goal", "department goals"),
    "tactic": ("tactic", "tactics"),
    "person": ("person", "people"),
    "target": ("target", "targets"),
}


def list_findings(review: CascadeReview, *, currency: str = "USD") -> list[Finding]:
    """Say in words what a leader should know about a cascade.

    Returns:
        Findings: each company goal that is behind or ahead of what was due, the department goal furthest behind, and
        one per kind of broken link. Empty where there is no cascade.
    """
    if review.is_empty:
        return []
    goals = review.plan[review.plan["level"].isin(["company"]) & review.plan["actual"].notna()]
    found = [_say_goal(row, review, currency) for row in goals.to_dict("records")]
    found.append(_say_furthest(review, currency))
    bad = review.checks[review.checks["status"] == "bad"]
    for check, rows in bad.groupby("check", sort=False):
        if check in SAID_BY_CHECK:
            found.append(_say_check(str(check), rows))
    smart = bad[bad["check"].isin(["specific", "measurable", "achievable", "relevant", "time-bound"])]
    if len(smart):
        found.append(_say_smart(smart))
    return [finding for finding in found if finding is not None]


def say_title(review: CascadeReview, *, currency: str = "USD") -> str:
    """Say the most important thing of a cascade in one sentence."""
    if review.is_empty:
        return "Nobody has written a cascade of goals yet"
    top = review.plan[(review.plan["level"] == "company") & review.plan["attainment"].notna()]
    n = review.alarms["id"].nunique()
    mend = f"; {n} of its parts need a look" if n > 1 else "; one of its parts needs a look" if n else ""
    if top.empty:
        tactics = len(review.cascade.tactics)
        return f"{_count(len(review.cascade.goals), 'goal')} and {_count(tactics, 'tactic')} are written down{mend}"
    worst = top.sort_values("attainment").iloc[0]
    label = in_sentence(review.ruler.catalog.kpis[worst["kpi"]].label)
    actual, due = (_say(worst[name], worst["unit"], currency) for name in ("actual", "due"))
    share = "all that" if worst["attainment"] >= 1 else f"{format_value(float(worst['attainment']), 'share')} of what"
    return f"'{worst['title']}' stands at {actual} {label}, {share} was due by now ({due}){mend}"


def _say_goal(row: dict[Any, Any], review: CascadeReview, currency: str) -> Finding | None:
    if pd.isna(row["attainment"]):
        return None
    label = in_sentence(review.ruler.catalog.kpis[row["kpi"]].label)
    actual, due, plan = (_say(row[name], row["unit"], currency) for name in ("actual", "due", "plan"))
    whole = "" if row["due"] == row["plan"] else f"; the whole goal is {plan}"
    way = {"good": "on track", "caution": "a little behind", "bad": "behind"}[row["state"]]
    headline = f"'{row['title']}' is {way}: {label} of {actual} against {due} due by now{whole}"
    money = row["actual"] - row["due"] if row["unit"] == "currency" else None
    evidence = {"period": row["period"], "n": row["n"], "definition": row["basis"]}
    step = "Ask the owners of its tactics what they need, and decide what changes." if row["state"] != "good" else ""
    severity = "good" if row["state"] == "good" else "bad"
    where = ALL if row["dimension"] == ALL else f"{row['dimension']}={row['slice']}"
    return Finding(headline, row["kpi"], where, money, evidence, step, NOTEBOOK, severity)


def _say_furthest(review: CascadeReview, currency: str) -> Finding | None:
    goals = review.plan[(review.plan["level"] == "department") & (review.plan["state"] == "bad")]
    goals = goals[goals["attainment"].notna()]
    if goals.empty:
        return None
    row = goals.sort_values("attainment").iloc[0]
    label = in_sentence(review.ruler.catalog.kpis[row["kpi"]].label)
    actual, due = (_say(row[name], row["unit"], currency) for name in ("actual", "due"))
    who = f" ({row['department']})" if row["department"] else ""
    headline = f"Furthest behind among the departments is '{row['title']}'{who}: {label} of {actual} against {due}"
    money = row["actual"] - row["due"] if row["unit"] == "currency" else None
    evidence = {"period": row["period"], "n": row["n"], "definition": row["basis"]}
    where = ALL if row["dimension"] == ALL else f"{row['dimension']}={row['slice']}"
    step = (
        f"Go through its tactics with {row['owner']}."
        if row["owner"]
        else "Name an owner, then go through its tactics."
    )
    return Finding(headline, row["kpi"], where, money, evidence, step, NOTEBOOK, "bad")


def _say_check(check: str, rows: pd.DataFrame) -> Finding:
    several, one, step = SAID_BY_CHECK[check]
    items = rows.drop_duplicates("id")
    levels = list(dict.fromkeys(items["level"]))
    kind = WORDS[levels[0]] if len(levels) == 1 else ("part of the cascade", "parts of the cascade")
    n = len(items)
    said = (one if n == 1 else several).format(n=f"{n} {kind[1]}" if n > 1 else f"One {kind[0]}")
    named = ", ".join(f"'{title}'" for title in items["title"].head(3))
    more = f" and {n - 3} more" if n > 3 else ""
    evidence = {"items": items["id"].tolist(), "definition": "; ".join(rows["message"].head(3))}
    return Finding(f"{said}: {named}{more}", "", ALL, None, evidence, step, NOTEBOOK, "bad")


def _say_smart(rows: pd.DataFrame) -> Finding:
    n = rows["id"].nunique()
    first = rows.iloc[0]
    who = f"{n} goals and tactics are" if n > 1 else "One goal or tactic is"
    headline = f"{who} not SMART yet, such as '{first['title']}': {first['message']}"
    return Finding(headline, "", ALL, None, {"items": rows["id"].tolist()}, first["cure"], NOTEBOOK, "bad")


def _say(value: Any, unit: str, currency: str) -> str:
    digits = 0 if unit == "count" else None
    return format_value(float(value), unit, currency=currency, digits=digits)


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
