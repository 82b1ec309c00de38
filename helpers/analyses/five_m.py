"""The evidence for each of the five Ms: what the data says, what it can't say, and which field would let it."""

import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from helpers.analyses.five_m_material import find_fault_money
from helpers.analyses.five_m_question import EVIDENCE, LATER, NO_SIGN, UNTESTED, Answer, Question
from helpers.analyses.five_m_tests import TESTS
from helpers.analyses.five_m_verdicts import Asked, correct_answers, judge_confidence, share_money
from helpers.analyses.too_large import find_too_large, is_too_large, say_too_large
from helpers.errors import DataError
from helpers.model.cause import CauseRule, load_causes, load_five_m
from helpers.model.objects import read_meanings, say_field
from helpers.units import in_sentence

__all__ = ["EVIDENCE", "FIVE_M_COLUMNS", "NO_SIGN", "TESTS", "UNTESTED", "Answer", "Question", "gather_evidence"]

FIVE_M_COLUMNS = [
    "cause", "m", "question", "verdict", "statement", "slice", "n", "n_before", "period", "compared",
    "money", "low", "high", "counts_for", "money_added", "overlaps", "why_no_money",
    "p_value", "q_value", "confidence", "why_confidence", "began",
    "object", "n_records", "records", "evidence", "contain", "prevent",
]  # fmt: skip

MOST_RECORDS = 1000
"""Record ids kept per cause; ``n_records`` tells how many there are."""


def gather_evidence(question: Question, *, rules: Mapping[str, CauseRule] | None = None) -> pd.DataFrame:
    """Go through all five Ms and say for each cause what the data shows.

    Args:
        question: What is asked about.
        rules: The causes looked for; those of the definitions and of the company where None.

    Returns:
        One row per cause, in the order of the definitions: cause (id of its rule), m, question, verdict (evidence, no
        sign, can't be tested), statement in words, slice, n and n_before (records looked at), period and compared;
        money (what it cost, negative; NaN where it can't be had, then ``why_no_money``) with low and high at 90 %,
        counts_for (this period or later), money_added (what of it no other cause tells, so that the sum never passes
        the gap) and overlaps (the causes that tell the rest); p_value, q_value (Benjamini–Hochberg over all questions
        asked), confidence (high, medium, low; empty without evidence) and why; began; object, n_records and records
        (JSON list of ids, at most ``MOST_RECORDS``); what is shown (evidence), contain, prevent. A cause whose fields
        are missing says which.
    """
    settings = question.company.settings
    if rules is None:
        rules = load_causes(settings.causes, milieu=has_milieu(question.company))
    asked: Asked = [(rule, _answer(question, rule)) for rule in rules.values()]
    asked, q_values = correct_answers(asked)
    added, overlaps = share_money(question, asked)
    rows = []
    for place, (rule, answer) in enumerate(asked):
        confidence, why = judge_confidence(rule, answer, q_values[place])
        rows.append(
            {
                "cause": rule.id, "m": rule.m, "question": rule.question, "verdict": answer.verdict,
                "statement": answer.statement, "slice": answer.slice, "n": answer.n, "n_before": answer.n_before,
                "period": question.period.label, "compared": question.compared,
                "money": _number(answer.money), "low": _number(answer.low), "high": _number(answer.high),
                "counts_for": answer.counts_for, "money_added": added[place], "overlaps": overlaps[place],
                "why_no_money": answer.why_no_money if answer.money is None and answer.verdict == EVIDENCE else "",
                "p_value": _number(answer.p_value), "q_value": q_values[place], "confidence": confidence,
                "why_confidence": why, "began": answer.began if answer.verdict == EVIDENCE else None,
                **_name_records(question, answer),
                "evidence": rule.evidence, "contain": rule.contain, "prevent": rule.prevent,
            }
        )  # fmt: skip
    numbers = dict.fromkeys(("money", "low", "high", "money_added", "p_value", "q_value"), float)
    counts = dict.fromkeys(("n", "n_before", "n_records"), "int64")
    frame = pd.DataFrame(rows, columns=FIVE_M_COLUMNS).astype({**numbers, **counts})
    frame["began"] = pd.to_datetime(frame["began"])
    return frame


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _name_records(question: Question, answer: Answer) -> dict:
    """Return the ids of the records behind a piece of evidence."""
    if answer.verdict != EVIDENCE or not answer.object or not len(answer.rows):
        return {"object": "", "n_records": 0, "records": "[]"}
    ids = question.company.tables[answer.object]["id"].iloc[answer.rows[:MOST_RECORDS]].astype("str").tolist()
    return {"object": answer.object, "n_records": len(answer.rows), "records": json.dumps(ids, ensure_ascii=False)}


def has_milieu(company) -> bool:
    """Tell whether a company asks about market and season as a sixth M.

    Raises:
        DefinitionError: ``[five_m]`` of its settings holds what isn't allowed.
    """
    return load_five_m(company.settings.five_m).milieu


def _answer(question: Question, rule: CauseRule) -> Answer:
    """Ask what can be asked; else say which field would allow it."""
    if rule.test not in TESTS:
        return Answer(UNTESTED, f"There is no test called {rule.test}. Tests: {', '.join(TESTS)}")
    missing = [need for need in rule.needs if not _is_there(question.company, need)]
    if missing:
        return Answer(UNTESTED, _say_missing(question.company, missing))
    try:
        answer = TESTS[rule.test](question, rule)
        return _price_fault(question, answer) if rule.test == "break_in_assignment" else answer
    except DataError:
        too_large = find_too_large(question.company)
        if not too_large:
            raise
        return Answer(UNTESTED, say_too_large(question.company, too_large))


def _price_fault(question: Question, answer: Answer) -> Answer:
    """Take the money of a broken assignment from the search over slices, where that found the same records."""
    cause = find_fault_money(question) if answer.verdict == EVIDENCE else None
    leaves = question.leaves.get(cause["lens"]) if cause else None
    if cause is None or leaves is None or not (leaves.amount or leaves.worth):
        return answer
    money = {"money": float(cause["contribution"]), "low": float(cause["low"]), "high": float(cause["high"])}
    return replace(answer, **money, counts_for=LATER, why_no_money="")


def _is_there(company, need: str) -> bool:
    """Tell whether a field is in the exports and filled anywhere."""
    object, column = need.split(".")
    if column not in company.list_columns(object):
        return False
    return is_too_large(company, object) or bool(company.tables[object][column].notna().any())


def _say_missing(company, needs: list[str]) -> str:
    """Say which fields a test lacks, what they hold, and how they get there."""
    meanings, named = read_meanings(), []
    places: dict[str, list[str]] = {}
    for need in needs:
        object, column = need.split(".")
        means = meanings[object, column][1].rstrip(".") if (object, column) in meanings else ""
        told = f" ({in_sentence(means)})" if " " in means else ""
        named.append(f"{say_field(object, column)}{told}")
        places.setdefault(object, []).append(column)
    where = " and ".join(f"{', '.join(columns)} under [objects.{object}.fields]" for object, columns in places.items())
    bring = "Export it" if company.warehouse is None else "Let the query read it"
    return f"Needs {' and '.join(named)}. {bring}, then map its column to {where} in company.toml"
