"""The evidence for each of the five Ms: what the data says, what it can't say, and which field would let it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.analyses.five_m_question import EVIDENCE, NO_SIGN, UNTESTED, Answer, Question
from helpers.analyses.five_m_tests import TESTS
from helpers.analyses.too_large import find_too_large, is_too_large, say_too_large
from helpers.errors import DataError
from helpers.model.cause import CauseRule, load_causes

__all__ = ["EVIDENCE", "FIVE_M_COLUMNS", "NO_SIGN", "TESTS", "UNTESTED", "Answer", "Question", "gather_evidence"]

FIVE_M_COLUMNS = [
    "cause",
    "m",
    "question",
    "verdict",
    "statement",
    "slice",
    "n",
    "money",
    "p_value",
    "contain",
    "prevent",
]


def gather_evidence(question: Question, *, rules: Mapping[str, CauseRule] | None = None) -> pd.DataFrame:
    """Go through all five Ms and say for each cause what the data shows.

    Args:
        question: What is asked about.
        rules: The causes looked for; those of the definitions where None.

    Returns:
        One row per cause, in the order of the definitions: cause, m, question, verdict (evidence, no sign, can't be
        tested), statement in words, slice, n (records behind it), money (what it cost, negative; NaN where it can't be
        had), p_value (NaN where there is none), contain, prevent. A cause whose fields are missing says which.
    """
    rules = load_causes() if rules is None else rules
    rows = []
    for rule in rules.values():
        missing = _missing_fields(question.company, rule)
        if missing:
            answer = Answer(UNTESTED, f"Needs {', '.join(missing)}: export or map it, and this is tested")
        elif rule.test not in TESTS:
            answer = Answer(UNTESTED, f"There is no test called {rule.test}")
        else:
            answer = _ask(question, rule)
        rows.append(
            (
                rule.id, rule.m, rule.question, answer.verdict, answer.statement, answer.slice, answer.n,
                np.nan if answer.money is None else answer.money, np.nan if answer.p_value is None else answer.p_value,
                rule.contain, rule.prevent,
            )
        )  # fmt: skip
    return pd.DataFrame(rows, columns=FIVE_M_COLUMNS).astype({"n": "int64", "money": float, "p_value": float})


def _ask(question: Question, rule: CauseRule) -> Answer:
    """Put a cause to its test; one that needs more records than may be fetched says so, and the others go on."""
    try:
        return TESTS[rule.test](question, rule)
    except DataError:
        too_large = find_too_large(question.company)
        if not too_large:
            raise
        return Answer(UNTESTED, say_too_large(question.company, too_large))


def _missing_fields(company, rule: CauseRule) -> list[str]:
    """Return the fields that a test needs and the company lacks, in words."""
    missing = []
    for need in rule.needs:
        object, column = need.split(".")
        is_there = column in company.list_columns(object)
        if not is_there or not (is_too_large(company, object) or company.tables[object][column].notna().any()):
            missing.append(f"the {object}'s {column.replace('_', ' ')}")
    return missing
