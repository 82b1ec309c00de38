"""Material: how much came in, of which kind, how good inside an unchanged composition, and whether it fits the ICP."""

import json
from dataclasses import replace

import numpy as np

from helpers.analyses.five_m_machinery import find_assignment_fault
from helpers.analyses.five_m_question import EVIDENCE, LATER, NO_SIGN, THIS_PERIOD, UNTESTED, Answer, Question, too_few
from helpers.analyses.five_m_shares import compare_like, measure_change, price, tell_change
from helpers.analyses.leaves import GapLeaves
from helpers.engine.journeys import BLANK
from helpers.engine.timeline import NO_DAY
from helpers.model.cause import CauseRule
from helpers.units import format_value, in_sentence

CAUSE = "cause"
INSIDE_FAULT = 0.9
"""Share of a slice's records from which it is the one in which a process broke."""

STAGE_OF = {"deals_won": "won", "won": "won"}


def find_rows(question: Question, cause: dict) -> tuple[str, np.ndarray]:
    """Return the records behind a localised cause: those of the period that lie in its slice, and whose they are."""
    is_closing = cause["lens"] == "closing"
    object = (
        "deal"
        if (is_closing and question.decided is not None) or "contact" not in question.journeys.records
        else ("contact")
    )
    records = question.journeys.records.get(object)
    if records is None:
        return "", np.empty(0, np.int64)
    if object == "deal" and question.decided is not None:
        days = question.decided.day
    else:
        first = ["won"] if is_closing else list(question.company.catalog.stages)
        days = next((records.reached[id, "all"] for id in first if (id, "all") in records.reached), None)
    if days is None:
        return object, np.empty(0, np.int64)
    keep, _ = question.side(days.astype(np.int64))
    for id, values in json.loads(cause["slice_json"]).items():
        if id not in records.codes:
            return object, np.empty(0, np.int64)
        texts = [BLANK if value is None else str(value) for value in values]
        keep = keep & np.isin(question.journeys.labels[id][records.codes[id]].astype(str), texts)
    return object, np.flatnonzero(keep)


def is_inside_fault(question: Question, cause: dict) -> bool:
    """Tell whether nearly all records behind a cause are those among which assignment broke."""
    fault, _, _ = find_assignment_fault(question)
    if fault is None or cause["effect"] != "rate" or cause["lens"] != "creation":
        return False
    object, rows = find_rows(question, cause)
    created = question.contact_days("created_at")
    rows = rows[created[rows] >= created[fault.inside].min()] if object == "contact" and len(fault.inside) else rows
    if object != fault.object or not len(rows):
        return False
    return len(np.intersect1d(rows, fault.inside)) >= INSIDE_FAULT * len(rows)


def list_localised(question: Question, rule: CauseRule) -> list[dict]:
    """Return the proven causes that a rule asks for, the costliest first, without those that a broken process explains.

    A rule with steps takes the effects that lead into one of them; the deal's win counts as the stage ``won``.
    """
    causes = question.causes
    if causes.empty or "effect" not in causes:
        return []
    mine = causes[(causes["effect"] == rule.effect) & (causes["verdict"] == CAUSE) & (causes["contribution"] < 0)]
    found = [row for row in mine.to_dict("records") if not rule.steps or _stage_of(question, row["step"]) in rule.steps]
    return sorted((row for row in found if not is_inside_fault(question, row)), key=lambda row: row["contribution"])


def _stage_of(question: Question, step: str) -> str:
    """Return the KPI stage that a step of the leaves leads into."""
    if step in STAGE_OF:
        return STAGE_OF[step]
    stages = question.company.catalog.stages
    return next((id for id, stage in stages.items() if step in (id, stage.volume)), step)


def ask_localised(question: Question, rule: CauseRule) -> Answer:
    """Tell what the search over slices found of one kind, or what moved everywhere."""
    if not question.is_searched:
        return Answer(
            UNTESTED,
            "Needs contacts or deals with dates in this period and an earlier one: map the creation date, or the "
            "deal's close date and stage, or add an older export",
        )
    mine = list_localised(question, rule)
    looked = _count_entered(question)
    if not mine:
        return _ask_everywhere(question, rule, looked)
    first = mine[0]
    object, rows = find_rows(question, first)
    for row in mine[1:]:
        other, more = find_rows(question, row)
        rows = np.union1d(rows, more) if other == object else rows
    statement = str(first["statement"])
    statement += f", and {len(mine) - 1} more" if len(mine) > 1 else ""
    if object == "deal" and first["effect"] == "rate":
        statement += _tell_reasons(question, rows)
    leaves = question.leaves.get(first["lens"])
    n = len(rows) or int(max(sum(row["n_actual"] for row in mine), 0))
    answer = Answer(
        EVIDENCE, statement, n=n, slice=first["slice"], p_value=float(min(row["q_value"] for row in mine)),
        object=object, rows=rows, began=question.period.start, is_corrected=True,
    )  # fmt: skip
    if leaves is not None and not (leaves.amount or leaves.worth):
        return replace(answer, why_no_money="no closed revenue says what such a record brings")
    total = float(sum(row["contribution"] for row in mine))
    low, high = _add_intervals(mine, total)
    counts_for = THIS_PERIOD if first["lens"] == "closing" else LATER
    return replace(answer, money=total, low=low, high=high, counts_for=counts_for)


def _add_intervals(mine: list[dict], total: float) -> tuple[float, float]:
    """Add the intervals of causes as if they were independent."""
    below = np.sqrt(sum((row["contribution"] - row["low"]) ** 2 for row in mine))
    above = np.sqrt(sum((row["high"] - row["contribution"]) ** 2 for row in mine))
    return total - float(below), total + float(above)


def _count_entered(question: Question) -> int:
    """Return how many records of the period were searched."""
    return int(sum(one.frame[f"{one.steps[0]}_actual"].sum() for one in question.leaves.values() if one is not None))


def _ask_everywhere(question: Question, rule: CauseRule, n: int) -> Answer:
    """Tell whether what a rule asks for happened everywhere alike."""
    nothing = Answer(NO_SIGN, f"The search over slices found no {_name(rule.effect)} effect beyond chance", n=n)
    moved = question.moved
    if moved.empty or rule.effect == "mix":
        return nothing
    mine = moved[(moved["effect"] == rule.effect) & moved["is_everywhere"].astype(bool) & (moved["high"] < 1)]
    mine = mine[(mine["ratio"] - 1).abs() >= rule.least_change]
    if rule.steps:
        mine = mine[[_stage_of(question, step) in rule.steps for step in mine["step"]]]
    if mine.empty:
        return nothing
    row = mine.loc[mine["contribution"].idxmin()].to_dict()
    leaves: GapLeaves = question.leaves[row["lens"]]
    label = leaves.labels.get(row["step"], row["step"])
    if row["effect"] == "rate":
        label = f"{leaves.labels[leaves.steps[leaves.steps.index(row['step']) - 1]]} → {in_sentence(label)}"
    statement = (
        f"{label if row['effect'] != 'value' else 'Deal size'}: {format_value(1 - row['ratio'], 'share')} lower "
        f"everywhere than in {question.compared}"
    )
    answer = Answer(EVIDENCE, statement, n=n, p_value=_chance_of_ratio(row), began=question.period.start)
    if not (leaves.amount or leaves.worth):
        return replace(answer, why_no_money="no closed revenue says what such a record brings")
    counts_for = THIS_PERIOD if row["lens"] == "closing" else LATER
    low, high = (row["contribution"] * (1 - side) / (1 - row["ratio"]) for side in (row["low"], row["high"]))
    return replace(answer, money=row["contribution"], low=low, high=high, counts_for=counts_for)


def _chance_of_ratio(row: dict) -> float:
    """Return the two-sided p-value of a ratio from its interval at 90 %."""
    from scipy.special import erfc

    error = (np.log(row["high"]) - np.log(row["low"])) / (2 * 1.645)
    return float(erfc(abs(np.log(row["ratio"])) / error / np.sqrt(2))) if error > 0 else 1.0


def _name(effect: str) -> str:
    return {"mix": "composition", "value": "deal size"}.get(effect, effect)


def _tell_reasons(question: Question, rows: np.ndarray) -> str:
    """Say which reason the lost deals of a slice name most; empty where none stands out."""
    deals, decided = question.company.tables["deal"], question.decided
    if decided is None or "lost_reason" not in deals.columns:
        return ""
    reasons = deals["lost_reason"].iloc[rows[~decided.is_won[rows]]].dropna()
    if len(reasons) < 10:
        return ""
    first = reasons.value_counts().sort_index(kind="stable").sort_values(ascending=False, kind="stable")
    return f'; {first.iloc[0]} of {len(reasons)} lost deals name "{first.index[0]}"'


def ask_icp_fit(question: Question, rule: CauseRule) -> Answer:
    """Tell whether more decided deals lie outside the ideal customer that people describe in the survey."""
    from helpers.analyses.icp_fit import check_icp_fit
    from helpers.model.survey import load_survey

    answers = question.company.answers
    responses = answers.visible_survey if answers else {}
    deals, summary = check_icp_fit(question.company, responses, load_survey(), as_of=question.as_of)
    if deals.empty:
        cure = summary["cure"].iloc[0] if len(summary) and summary["cure"].iloc[0] else ""
        needs = "Needs answers to the survey's questions about the ideal customer, in a closed round"
        return Answer(UNTESTED, cure or needs)
    told = deals[deals["fit"] != "unknown"]
    outside = told["fit"].eq("outside").groupby(told["deal_id"]).max()
    ids = question.company.tables["deal"]["id"].astype("str")
    state = ids.map(outside)
    known, is_out = state.notna().to_numpy(), state.fillna(False).to_numpy(dtype=bool)
    decided = question.decided
    if decided is None:
        return Answer(UNTESTED, "Needs won and lost deals: map the deal's stage and close date")
    known = known & (decided.day != NO_DAY)
    change = measure_change(question, is_out, decided.day, known)
    if not change.is_comparable(rule):
        return too_few(min(change.n_now, change.n_before), rule.least_records)
    loss = compare_like(
        is_out, decided.is_won, known & (question.place(decided.day) >= 0), np.zeros(len(known), np.int64)
    )
    answer = replace(tell_change(rule, change, "Decided deals outside the ideal customer"), object="deal")
    if loss is not None:
        inside, out = format_value(loss.fair, "share"), format_value(loss.observed, "share")
        answer = replace(answer, statement=f"{answer.statement}; won {out}, {inside} inside")
    if answer.verdict != EVIDENCE:
        return answer
    value = question.find_value("deal", "won")
    if loss is None or not loss.is_clear or value is None:
        why = (
            "deals outside it are not won less often beyond chance" if loss is not None else "too few deals outside it"
        )
        return replace(answer, why_no_money=why)
    money, low, high = price(change, loss, value)
    return replace(answer, money=money, low=low, high=high, counts_for=THIS_PERIOD)


def find_fault_money(question: Question) -> dict | None:
    """Return the localised cause whose records are those among which assignment broke; None where there is none."""
    causes = question.causes
    if causes.empty or "effect" not in causes:
        return None
    found = [row for row in causes[causes["verdict"] == CAUSE].to_dict("records") if is_inside_fault(question, row)]
    return min(found, key=lambda row: row["contribution"], default=None)
