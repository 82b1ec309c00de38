"""Actual against plan at every level of a cascade: goals, tactics, people's targets and the pay that hangs on them."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import pandas as pd

from helpers.analyses.cascade_checks import check_cascade
from helpers.analyses.cascade_measure import Measured, Ruler, share_due
from helpers.analyses.cascade_words import list_findings, say_title
from helpers.analyses.finding import Finding
from helpers.model.cascade import (
    WHOLE,
    Cascade,
    CascadeGoal,
    CascadeRules,
    Comment,
    PersonTarget,
    Tactic,
    load_cascade_rules,
)
from helpers.model.kpi import Kpi
from helpers.periods import MONTHS_IN, Period, period_of

PLAN_COLUMNS = (
    "level", "id", "title", "serves", "department", "owner", "kpi", "dimension", "slice", "unit", "direction", "period",
    "period_start", "period_end", "plan", "due", "actual", "attainment", "share_due", "state", "n", "low", "high",
    "basis", "is_small", "is_immature", "reason", "comments",
)  # fmt: skip
PAY_COLUMNS = (
    "id", "person", "name", "title", "is_shared", "kpi", "dimension", "slice", "unit", "period", "plan", "due",
    "actual", "attainment", "state", "n", "weight", "pay_share", "at_plan", "payout", "earned", "reason",
)  # fmt: skip
DUE_FULLY = 1.0


@dataclass(frozen=True)
class CascadeReview:
    """What there is to say about a cascade.

    Attributes:
        cascade: As typed.
        comments: What people said about it, oldest first.
        plan: One row per goal, tactic and person's target: plan, what was due by now, actual, state.
        pay: One row per person's target, with the pay earned so far.
        checks: One row per check that says something: level, id, title, check, status, message, cure.
        findings: The answers in words, ranked later.
        title: The most important one.
        ruler: What it was measured with.
    """

    cascade: Cascade
    comments: tuple[Comment, ...]
    plan: pd.DataFrame
    pay: pd.DataFrame
    checks: pd.DataFrame
    findings: list[Finding]
    title: str
    ruler: Ruler

    @property
    def is_empty(self) -> bool:
        """Whether nobody has typed a cascade yet."""
        return self.cascade.is_empty

    @property
    def alarms(self) -> pd.DataFrame:
        """The checks that aren't met."""
        return self.checks[self.checks["status"].isin(["bad", "caution"])].reset_index(drop=True)


def review_cascade(
    company: Any,
    cells: pd.DataFrame,
    *,
    as_of: date,
    matrix: pd.DataFrame | None = None,
    cascade: Cascade | None = None,
    comments: Iterable[Comment] | None = None,
    rules: CascadeRules | None = None,
    ruler: Ruler | None = None,
) -> CascadeReview:
    """Measure and check a company's cascade.

    Args:
        company: The opened company; its answers hold the cascade where none is handed over.
        cells: The columns of ``kpis.csv``.
        as_of: The last day that counts.
        matrix: The solved goal matrix with ``expected`` and ``probability``; without one history judges.
        cascade: Another cascade than the one in the company's answers.
        comments: Other comments.
        rules: What ``cascade.toml`` of the definitions says.
        ruler: That of an earlier review of the same cells, which saves grouping them again.

    Returns:
        The review; empty frames where nobody has typed anything.
    """
    answers = company.answers
    cascade = cascade if cascade is not None else getattr(answers, "cascade", None) or Cascade()
    said = tuple(comments if comments is not None else getattr(answers, "comments", ()))
    ruler = ruler or Ruler(
        cells,
        company.catalog,
        as_of,
        rules or load_cascade_rules(),
        company.fiscal_year_start,
        matrix if matrix is not None else pd.DataFrame(),
        company.targets if company.targets is not None else pd.DataFrame(),
        {name: id for id, partition in company.partitions.items() for name in partition.aliases},
    )
    plan = track_plan(cascade, ruler, comments=said)
    pay = track_pay(cascade, ruler)
    checks = check_cascade(cascade, ruler, currency=company.currency)
    review = CascadeReview(cascade, said, plan, pay, checks, [], "", ruler)
    findings = list_findings(review, currency=company.currency)
    return replace(review, findings=findings, title=say_title(review, currency=company.currency))


def track_plan(cascade: Cascade, ruler: Ruler, *, comments: Iterable[Comment] = ()) -> pd.DataFrame:
    """Set actual against plan for every goal, tactic and person's target.

    Returns:
        One row per item with ``PLAN_COLUMNS``: plan and actual in the KPI's unit, ``due`` what of the plan was due
        by the last day that counts, ``attainment`` actual ÷ due (due ÷ actual where less is better), ``share_due`` 0–1,
        ``state`` good, caution, bad or none; ``reason`` says why there is no actual. A tactic's actual is how its KPI
        has changed since it began against as many periods before.
    """
    counted: dict[str, int] = {}
    for one in comments:
        counted[one.on] = counted.get(one.on, 0) + 1
    rows = [_track_goal(goal, cascade, ruler) for goal in cascade.goals.values()]
    rows += [_track_tactic(tactic, cascade, ruler) for tactic in cascade.tactics.values()]
    rows += [_track_target(target, cascade, ruler) for target in cascade.targets.values()]
    frame = pd.DataFrame([{**row, "comments": counted.get(row["id"], 0)} for row in rows], columns=list(PLAN_COLUMNS))
    for column in ("plan", "due", "actual", "attainment", "share_due", "low", "high"):
        frame[column] = pd.to_numeric(frame[column]).astype("float64")
    return frame


def track_pay(cascade: Cascade, ruler: Ruler) -> pd.DataFrame:
    """Work out the variable pay that people have earned so far.

    Returns:
        One row per person's target with ``PAY_COLUMNS``: ``at_plan`` is what it pays for the part of its period that
        was due by the last day that counts, at 100 %; ``payout`` the share of that which the attainment earns under the
        rule; ``earned`` their product. A year's variable pay is spread over its periods by their months. NaN where pay,
        share or actual is missing, and ``reason`` says which.
    """
    rows = []
    for target in cascade.targets.values():
        person, tracked = cascade.people.get(target.person), _track_target(target, cascade, ruler)
        rows.append(_work_out_pay(target, cascade, tracked, person.variable_pay if person else None))
    frame = pd.DataFrame(rows, columns=list(PAY_COLUMNS))
    for column in ("plan", "due", "actual", "attainment", "weight", "pay_share", "at_plan", "payout", "earned"):
        frame[column] = pd.to_numeric(frame[column]).astype("float64")
    return frame


def sum_up_pay(pay: pd.DataFrame, cascade: Cascade) -> pd.DataFrame:
    """Sum the pay up per person.

    Returns:
        One row per person with a target: person, name, department, targets, weighted attainment, variable_pay (a
        year's), at_plan, earned, and ``unknown``: how many targets couldn't be paid for lack of a number.
    """
    rows = []
    for id, mine in pay.groupby("person", sort=False):
        person = cascade.people.get(str(id))
        known = mine[mine["earned"].notna()]
        rated = mine[mine["attainment"].notna() & (mine["weight"] > 0)]
        weight = rated["weight"].sum()
        rows.append(
            {
                "person": id,
                "name": person.name if person else str(id),
                "department": person.department if person else "",
                "targets": len(mine),
                "attainment": float((rated["attainment"] * rated["weight"]).sum() / weight) if weight else None,
                "variable_pay": person.variable_pay if person else None,
                "at_plan": known["at_plan"].sum() if len(known) else None,
                "earned": known["earned"].sum() if len(known) else None,
                "unknown": int(mine["earned"].isna().sum()),
            }
        )
    columns = ["person", "name", "department", "targets", "attainment", "variable_pay", "at_plan", "earned", "unknown"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({name: "float64" for name in ("attainment", "variable_pay", "at_plan", "earned")})


def judge(actual: float, due: float, direction: str, ruler: Ruler) -> tuple[float | None, str]:
    """Return the attainment of what was due, and its state by the company's tolerance."""
    top, bottom = (due, actual) if direction == "down" else (actual, due)
    if bottom == 0:
        return (None, "none") if due == 0 and direction != "down" else (None, "good")
    attainment = top / bottom
    rules = ruler.catalog.rules
    if attainment >= 1 - rules.tolerance:
        return attainment, "good"
    return attainment, "caution" if attainment >= 1 - rules.off_track else "bad"


def _track_goal(goal: CascadeGoal, cascade: Cascade, ruler: Ruler) -> dict[str, Any]:
    period = ruler.period(goal.grain, goal.period_start)
    row = _begin(goal.level, goal, ruler, period, serves=goal.serves, owner=_name(cascade, goal.owner))
    row |= {"department": goal.department, "plan": goal.target}
    if period is None or goal.target is None:
        return {**row, "reason": "it has no period" if period is None else "it has no target"}
    return row | _compare(goal.kpi, goal.target, period, goal.dimension, goal.slice, ruler, goal.baseline)


def _track_target(target: PersonTarget, cascade: Cascade, ruler: Ruler) -> dict[str, Any]:
    goal = cascade.goals.get(target.goal)
    source: Any = goal if target.is_shared else target
    person = cascade.people.get(target.person)
    named = replace(target, title=name_target(target, cascade, ruler))
    period = ruler.period(source.grain, source.period_start) if source else None
    row = _begin("target", named, ruler, period, serves=(target.person,), owner=_name(cascade, target.person))
    row["department"] = person.department if person else ""
    if source is None:
        return {**row, "reason": f"there is no goal '{target.goal}'"}
    kpi = ruler.catalog.kpis.get(source.kpi)
    row |= {"kpi": source.kpi, "dimension": source.dimension, "slice": source.slice, "plan": source.target}
    row |= {"unit": kpi.unit if kpi else "count", "direction": kpi.direction if kpi else "none"}
    if period is None or source.target is None:
        return {**row, "reason": "it has no period" if period is None else "it has no target"}
    return row | _compare(source.kpi, source.target, period, source.dimension, source.slice, ruler)


def name_target(target: PersonTarget, cascade: Cascade, ruler: Ruler) -> str:
    """Name a target for a reader: its title, the goal's, or the KPI with its slice."""
    if target.title:
        return target.title
    if target.is_shared:
        return cascade.name_of(target.goal)
    kpi = ruler.catalog.kpis.get(target.kpi)
    label = kpi.label if kpi else target.kpi or "Target"
    return label if target.dimension == WHOLE else f"{label}, {target.slice}"


def _compare(
    kpi_id: str, plan: float, period: Period, dimension: str, slice: str, ruler: Ruler, baseline: float | None = None
) -> dict[str, Any]:
    """Set a KPI's actual against what of a plan was due by the last day that counts."""
    held = ruler.measure(kpi_id, period.start, period.end, dimension, slice)
    row = _describe(held, ruler)
    if held.value is None:
        return row
    kpi = ruler.catalog.kpis[kpi_id]
    share = share_due(period, ruler, kpi_id, dimension, slice)
    due = plan
    if ruler.is_additive(kpi):
        due = plan * share
    elif kpi.measure.kind == "stock" and share < DUE_FULLY:
        before = ruler.history(kpi_id, period.start, 1, dimension, slice).value if baseline is None else baseline
        due = plan if before is None else before + (plan - before) * share
    attainment, state = judge(held.value, due, kpi.direction, ruler)
    return row | {"due": due, "actual": held.value, "attainment": attainment, "share_due": share, "state": state}


def _track_tactic(tactic: Tactic, cascade: Cascade, ruler: Ruler) -> dict[str, Any]:
    period = _span_tactic(tactic)
    row = _begin("tactic", tactic, ruler, period, serves=tactic.serves, owner=_name(cascade, tactic.owner))
    row |= {"department": tactic.department, "plan": tactic.amount}
    if tactic.start is None or tactic.due is None or tactic.amount is None or not tactic.kpi:
        missing = {"start": tactic.start, "due date": tactic.due, "expected result": tactic.amount, "KPI": tactic.kpi}
        told = " and ".join(name for name, value in missing.items() if value in (None, ""))
        return {**row, "reason": f"it has no {told}"}
    if tactic.start > ruler.as_of:
        return {**row, "reason": "it has not begun yet"}
    if not ruler.grain:
        return {**row, "reason": "there are no periods"}
    first = period_of(tactic.start, ruler.grain, ruler.fiscal_year_start)
    last = period_of(tactic.due, ruler.grain, ruler.fiscal_year_start)
    since = ruler.measure(tactic.kpi, first.start, last.end, tactic.dimension, tactic.slice)
    row |= _describe(since, ruler)
    if since.value is None:
        return row
    before = ruler.history(tactic.kpi, first.start, since.periods, tactic.dimension, tactic.slice)
    kpi = ruler.catalog.kpis[tactic.kpi]
    if before.value is None or (ruler.is_additive(kpi) and before.periods < since.periods):
        return {**row, "reason": f"too few {ruler.grain}s before it to compare with"}
    days = (min(ruler.as_of, last.end) - first.start).days + 1
    share = days / ((last.end - first.start).days + 1)
    level = before.value
    if ruler.is_additive(kpi):  # a period under way is held to as many days before it
        whole = (since.end - since.start).days + 1 if since.start and since.end else days
        level *= whole / ((before.end - before.start).days + 1) if before.start and before.end else 1.0
    due, actual = tactic.amount * (share if ruler.is_additive(kpi) else 1.0), since.value - level
    attainment = actual / due if due else None
    state = "none" if attainment is None else _judge_change(attainment, ruler)
    return row | {"due": due, "actual": actual, "attainment": attainment, "share_due": share, "state": state}


def _judge_change(attainment: float, ruler: Ruler) -> str:
    rules = ruler.catalog.rules
    return "good" if attainment >= 1 - rules.tolerance else "caution" if attainment >= 1 - rules.off_track else "bad"


def _span_tactic(tactic: Tactic) -> Period | None:
    return Period(tactic.start, tactic.due, "custom") if tactic.start and tactic.due else None


def _begin(level: str, item: Any, ruler: Ruler, period: Period | None, *, serves: Any, owner: str) -> dict[str, Any]:
    kpi: Kpi | None = ruler.catalog.kpis.get(item.kpi)
    row: dict[str, Any] = dict.fromkeys(PLAN_COLUMNS)
    row |= {"level": level, "id": item.id, "title": item.title, "serves": ", ".join(serves), "owner": owner}
    row |= {"kpi": item.kpi, "dimension": item.dimension, "slice": item.slice, "department": ""}
    row |= {"unit": kpi.unit if kpi else "count", "direction": kpi.direction if kpi else "none"}
    row |= {"period": period.label if period else "", "period_start": period.start if period else None}
    row |= {"period_end": period.end if period else None, "state": "none", "reason": "", "basis": "", "n": 0}
    return row | {"is_small": False, "is_immature": False}


def _describe(held: Measured, ruler: Ruler) -> dict[str, Any]:
    told = {name: value for name, value in asdict(held).items() if name in ("n", "low", "high", "basis", "is_immature")}
    is_small = held.value is not None and 0 < held.n < ruler.catalog.rules.minimum_n
    return told | {"is_small": is_small, "reason": held.reason, "actual": held.value}


def _work_out_pay(
    target: PersonTarget, cascade: Cascade, tracked: Mapping[str, Any], variable_pay: float | None
) -> dict[str, Any]:
    row = {name: tracked.get(name) for name in PAY_COLUMNS}
    row |= {"person": target.person, "name": tracked["owner"], "is_shared": target.is_shared}
    row |= {"weight": target.weight, "pay_share": target.share_of_pay}
    row |= {"at_plan": None, "payout": None, "earned": None}
    missing = "the person has no variable pay" if variable_pay is None else ""
    missing = missing or ("no share of the variable pay hangs on it" if target.share_of_pay is None else "")
    if missing or tracked["reason"] or tracked["actual"] is None:
        return row | {"reason": tracked["reason"] or missing}
    source: Any = cascade.goals.get(target.goal) if target.is_shared else target
    share = tracked["share_due"]
    at_plan = variable_pay * target.share_of_pay * MONTHS_IN.get(source.grain, 12) / 12 * share
    attainment = tracked["attainment"]
    if attainment is None:  # nothing was due, or nothing came of what should be little
        attainment = (target.rule or cascade.pay).cap if tracked["state"] == "good" else 0.0
    payout = (target.rule or cascade.pay).pay(attainment)
    return row | {"at_plan": at_plan, "payout": payout, "earned": at_plan * payout}


def _name(cascade: Cascade, person_id: str) -> str:
    person = cascade.people.get(person_id)
    return person.name if person else person_id
