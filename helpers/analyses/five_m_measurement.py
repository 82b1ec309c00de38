"""Measurement: what can't be seen on the way to the result, and where people and records disagree."""

import json

import numpy as np
import pandas as pd

from helpers.analyses.five_m_material import CAUSE, find_rows
from helpers.analyses.five_m_question import EVIDENCE, NO_SIGN, UNTESTED, Answer, Question
from helpers.analyses.leaf_dimensions import FIRST_ASKED
from helpers.engine.timeline import NO_DAY
from helpers.model.cause import CauseRule
from helpers.model.objects import say_fields
from helpers.units import format_value, in_sentence

RESULT = "won"
NO_MONEY = "it hides causes and costs nothing by itself"
AGREED = 0.75
"""Share of people choosing the same meaning below which a term is disputed."""

MOST_TOLD = 3
BLANK_SHARE = 0.1


def _state(verdict: str, statement: str, **more) -> Answer:
    """Answer with how things are."""
    return Answer(verdict, statement, is_state=True, why_no_money=NO_MONEY if verdict == EVIDENCE else "", **more)


def _list_stages(question: Question) -> tuple[list[str], list[str]]:
    """Return the stages up to the result that have dates, and those that have none; sessions don't count."""
    stages = question.company.catalog.stages
    order = [id for id in stages if stages[id].object != "session"]
    up_to = order[: order.index(RESULT) + 1] if RESULT in order else order
    dated = [id for id in up_to if id in question.journeys.homes]
    return dated, [id for id in up_to if id not in dated]


def ask_undated(question: Question, rule: CauseRule) -> Answer:
    """List the stages up to the result that have no dates."""
    stages = question.company.catalog.stages
    dated, missing = _list_stages(question)
    if not missing:
        later = [one.label for id, one in stages.items() if id not in question.journeys.homes and id not in dated]
        later = [label for label in later if label not in {stages[id].label for id in dated}]
        rest = f"; beyond it, {', '.join(later)} have no dates, which this result doesn't hang on" if later else ""
        return _state(NO_SIGN, f"Every step up to {stages[dated[-1]].label} has dates{rest}", n=len(dated))
    named = ", ".join(stages[id].label for id in missing)
    fields = say_fields([(stages[id].object, stages[id].date_field or "stage") for id in missing])
    return _state(EVIDENCE, f"No dates at: {named}. Map {fields}", n=len(missing))


def ask_coarse(question: Question, rule: CauseRule) -> Answer:
    """Tell whether the step in which a cause was found holds stages that nobody dates."""
    stages, causes = question.company.catalog.stages, question.causes
    mine = causes[(causes["verdict"] == CAUSE) & (causes["effect"] == "rate")] if len(causes) else causes
    if mine.empty:
        return _state(NO_SIGN, "No cause was found in a rate, so no step has to be told more finely")
    order = list(stages)
    for row in mine.to_dict("records"):
        leaves = question.leaves.get(row["lens"])
        steps = list(leaves.steps) if leaves is not None else []
        place = steps.index(row["step"]) if row["step"] in steps else 0
        ends = [_stage_id(question, step) for step in steps[max(place - 1, 0) : place + 1]]
        if len(ends) < 2 or not set(ends) <= set(order):
            continue
        between = [
            id for id in order[order.index(ends[0]) + 1 : order.index(ends[1])] if id in _list_stages(question)[1]
        ]
        if between:
            object, rows = find_rows(question, row)
            named = ", ".join(stages[id].label for id in between)
            statement = (
                f"A cause was found between {stages[ends[0]].label} and {stages[ends[1]].label}, and nobody dates "
                f"{named} in between"
            )
            return _state(EVIDENCE, statement, n=len(rows), slice=row["slice"], object=object, rows=rows)
    return _state(NO_SIGN, "Each step in which a cause was found is told as finely as its stages", n=len(mine))


def _stage_id(question: Question, step: str) -> str:
    special = {"deals_decided": "opportunity", "deals_won": "won"}
    stages = question.company.catalog.stages
    return special.get(step, next((id for id, one in stages.items() if step in (id, one.volume)), step))


def ask_goals(question: Question, rule: CauseRule) -> Answer:
    """Tell which goals there are for the period, and which slices of proven causes have none."""
    targets = question.company.targets
    if targets is None or targets.empty:
        return _state(EVIDENCE, "No goal is written down, so nothing says what was to be expected")
    starts = pd.to_datetime(targets["period_start"]).dt.date
    mine = targets[(starts == question.period.start) & (targets["grain"] == question.period.grain)]
    if mine.empty:
        return _state(EVIDENCE, f"No goal is written down for {question.period.label}")
    slices = mine[mine["dimension"] != "all"]
    if slices.empty:
        return _state(EVIDENCE, f"{len(mine)} goals for the company, none for a slice of it", n=len(mine))
    told = f"{len(mine) - len(slices)} goals for the company and {len(slices)} for slices"
    without = [label for id, label in _list_searched(question) if id not in set(slices["dimension"])]
    told += f"; none by {', '.join(without)}, in which causes were found" if without else ""
    return _state(NO_SIGN, told, n=len(mine))


def _list_searched(question: Question) -> list[tuple[str, str]]:
    """Return the partitions in whose values causes were found: id and label."""
    causes, partitions = question.causes, question.company.partitions
    mine = causes[causes["verdict"] == CAUSE] if len(causes) else causes
    ids = dict.fromkeys(id for text in (mine["slice_json"] if len(mine) else ()) for id in json.loads(text))
    return [(id, in_sentence(partitions[id].label) if id in partitions else id) for id in ids]


def ask_blanks(question: Question, rule: CauseRule) -> Answer:
    """Tell how much closed revenue has a blank partition."""
    deals, partitions = question.journeys.records["deal"], question.company.partitions
    won = deals.reached.get(("won", "all"), np.full(deals.n, NO_DAY))
    now, _ = question.side(won.astype(np.int64))
    total = float(deals.cents["amount"][now].sum()) if "amount" in deals.cents else 0.0
    if not total:
        return Answer(UNTESTED, "No closed revenue in the period")
    shares, blanks = {}, {}
    for id, codes in deals.codes.items():
        if partitions[id].known == "entry" and id in FIRST_ASKED:
            blank = now & (codes == len(question.journeys.labels[id]) - 1)
            label = partitions[id].label
            shares[label], blanks[label] = float(deals.cents["amount"][blank].sum()) / total, blank
    worst = max(shares, key=lambda label: shares[label], default=None)
    if worst is None or shares[worst] < BLANK_SHARE:
        return _state(NO_SIGN, "Less than a tenth of closed revenue lacks any partition", n=int(now.sum()))
    statement = f"{format_value(shares[worst], 'share')} of closed revenue has no {in_sentence(worst)}"
    return _state(EVIDENCE, statement, n=int(now.sum()), object="deal", rows=np.flatnonzero(blanks[worst]))


def ask_definitions(question: Question, rule: CauseRule) -> Answer:
    """Tell which terms people mean differently, and which open deals lack what their stage asks for."""
    from helpers.analyses.agreement import compare_definitions
    from helpers.analyses.stage_evidence import review_stage_evidence
    from helpers.model.survey import load_survey

    answers = question.company.answers
    responses = answers.visible_survey if answers else {}
    defined = compare_definitions(responses, load_survey())
    if defined.empty:
        return Answer(
            UNTESTED, "Needs the survey's tab of definitions, filled in by two people or more, in a closed round"
        )
    people = defined.groupby("term", sort=False)["agreement"].agg(["size", "first"])
    people = people[people["size"] >= 2]
    if people.empty:
        return Answer(UNTESTED, "Needs the survey's tab of definitions, filled in by two people or more")
    disputed = people[people["first"] < AGREED]
    evidence = review_stage_evidence(question.company, responses, as_of=question.as_of)
    rest = _tell_stage_rule(evidence)
    n = int(people["size"].max())
    if disputed.empty and not rest:
        return _state(NO_SIGN, f"{n} people mean the same by {', '.join(people.index)}", n=n)
    told = [
        f"{term}: {round(share * size)} of {size} people mean the same"
        for term, size, share in zip(disputed.index, disputed["size"], disputed["first"], strict=True)
    ]
    statement = "; ".join([*told[:MOST_TOLD], *([rest] if rest else [])])
    return _state(EVIDENCE, statement, n=n, slice="all")


def _tell_stage_rule(evidence) -> str:
    """Say how many open deals have moved on without what people say must have been heard at their stage."""
    checked = evidence.summary[evidence.summary["state"] == "checked"] if len(evidence.summary) else evidence.summary
    if checked.empty:
        return ""
    without, beyond = int(checked["n_without_beyond"].sum()), int(checked["n_beyond"].sum())
    if not beyond or without < 0.25 * beyond:
        return ""
    return f"{without} of {beyond} open deals stand beyond a stage without what people say it asks for"


def ask_gut(question: Question, rule: CauseRule) -> Answer:
    """Tell which numbers people believe that lie outside the interval of the CRM's own."""
    from helpers.analyses.agreement import list_answers
    from helpers.analyses.gut_check import check_gut
    from helpers.model.survey import load_survey

    survey, answers = load_survey(), question.company.answers
    responses = answers.visible_survey if answers else {}
    if not responses:
        return Answer(UNTESTED, "Needs answers to the survey in a closed round")
    gut = check_gut(question.company, list_answers(survey, responses), survey, as_of=question.as_of)
    told = gut[gut["is_available"].astype(bool) & gut["crm_value"].notna()] if len(gut) else gut
    if told.empty:
        return Answer(UNTESTED, "Needs answers that the CRM's records can be set beside: rates, days, deal sizes")
    off = told[told["is_off"].astype(bool) & (told["miss"] >= rule.least_change)].sort_values(
        "miss", ascending=False, kind="stable"
    )
    if off.empty:
        return _state(NO_SIGN, f"None of {len(told)} answers lies far from the CRM's number", n=len(told))
    named = [f"{row['label']} ({row['verdict']})" for row in off.head(MOST_TOLD).to_dict("records")]
    statement = f"{len(off)} of {len(told)} answers lie far from the CRM's number, such as {'; '.join(named)}"
    return _state(EVIDENCE, statement, n=len(told))
