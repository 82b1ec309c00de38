"""What several answers together allow to say: error control over all questions, confidence, and money told once."""

from dataclasses import replace

import numpy as np
import pandas as pd

from helpers.analyses.change import correct
from helpers.analyses.five_m_question import EVIDENCE, LATER, NO_SIGN, THIS_PERIOD, Answer, Question
from helpers.model.cause import CauseRule

HIGH, MEDIUM, LOW = "high", "medium", "low"

CONFIDENCE_RULE = (
    "high: far beyond chance after correcting for every question asked (q at most a tenth of the level), with enough "
    "records on both sides, and it began with the gap; medium: beyond chance (q within the level), but few records "
    "or a less clear q; low: it began long before the gap, it costs nothing that shows, or it is how things are and "
    "not a change."
)

SAME_RECORDS = 0.5
"""Two causes tell the same money where so many of the records of the smaller one lie in the other."""

Asked = list[tuple[CauseRule, Answer]]


def correct_answers(asked: Asked) -> tuple[Asked, np.ndarray]:
    """Correct the p-values of all questions that were asked, and take back what does not hold after that.

    What the search over slices found was corrected for everything that it searched, by itself; its q-values stay.

    Returns:
        The answers, evidence beyond its rule's level turned into no sign, and the q-value of each (NaN without one).

    Source: Benjamini and Hochberg (1995).
    """
    p_values = np.array([np.nan if answer.p_value is None else answer.p_value for _, answer in asked], float)
    is_corrected = np.array([answer.is_corrected for _, answer in asked], bool)
    q_values = np.where(is_corrected, p_values, correct(np.where(is_corrected, np.nan, p_values)))
    tested = int((~np.isnan(p_values)).sum())
    kept = []
    for (rule, answer), q in zip(asked, q_values, strict=True):
        if answer.verdict == EVIDENCE and not answer.is_state and q > rule.significance:
            told = f"{answer.statement}; not beyond chance once all {tested} questions are counted"
            nothing = {"money": None, "low": None, "high": None, "why_no_money": "", "counts_for": ""}
            answer = replace(answer, verdict=NO_SIGN, statement=told, **nothing)
        kept.append((rule, answer))
    return kept, q_values


def judge_confidence(rule: CauseRule, answer: Answer, q_value: float) -> tuple[str, str]:
    """Judge how sure a piece of evidence is, by ``CONFIDENCE_RULE``; returns that and why, empty without evidence."""
    if answer.verdict != EVIDENCE:
        return "", ""
    if answer.is_state or np.isnan(q_value):
        return LOW, "how things are, not a change: it can hide a cause"
    if not answer.fits:
        return LOW, "it began before the gap"
    if answer.is_free:
        return LOW, "it costs nothing that shows"
    few = min(answer.n, answer.n_before or answer.n) < rule.least_records
    shown = f"q {q_value:.2g}" if q_value >= 0.0001 else "q below 0.0001"
    if q_value <= rule.significance / 10 and not few:
        return HIGH, f"{shown}, n {answer.n:,}, began with the gap"
    return MEDIUM, f"{shown}, n {answer.n:,}{', which is few' if few else ''}, began with the gap"


def share_money(question: Question, asked: Asked) -> tuple[list[float], list[str]]:
    """Tell how much of each cause's money is not told by another one already, so that the same euro counts once.

    The costliest comes first; what the search over slices found is told apart there already. The money of the period
    never adds up to more than its gap.

    Returns:
        Per answer the money that may be added (NaN where there is none), and the ids of the causes that tell the rest.
    """
    added, overlaps = [np.nan] * len(asked), [""] * len(asked)
    for counts_for in (THIS_PERIOD, LATER):
        left = _money_left(question, counts_for)
        places = [
            place for place, (_, answer) in enumerate(asked)
            if answer.verdict == EVIDENCE and answer.money is not None and answer.counts_for == counts_for
        ]  # fmt: skip
        places.sort(key=lambda place: (asked[place][0].test != "localised", asked[place][1].money, place))
        told: list[int] = []
        for place in places:
            same = [other for other in told if _tell_the_same(question, asked[place], asked[other])]
            money = asked[place][1].money or 0.0
            counted = 0.0 if same else max(money, -left) if money < 0 else 0.0
            left += counted
            added[place] = counted
            overlaps[place] = ", ".join(asked[other][0].id for other in same)
            if not same and counted > money + 0.005:
                overlaps[place] = ", ".join(asked[other][0].id for other in told) or "gap"
            told.append(place)
    return added, overlaps


def _money_left(question: Question, counts_for: str) -> float:
    """Return how much money causes may add up to."""
    if counts_for == LATER:
        return float("inf")
    return max(-question.gap, 0.0) if question.gap is not None else float("inf")


def _tell_the_same(question: Question, one: tuple[CauseRule, Answer], other: tuple[CauseRule, Answer]) -> bool:
    """Tell whether two causes explain the same records."""
    (rule, answer), (rule2, answer2) = one, other
    if rule.test == rule2.test == "localised":
        return False
    if not len(answer.rows) or not len(answer2.rows):
        return True
    rows, rows2 = answer.rows, answer2.rows
    if answer.object != answer2.object:
        rows, rows2 = (_as_contacts(question, each) for each in (answer, answer2))
        if not len(rows) or not len(rows2):
            return False
    return len(np.intersect1d(rows, rows2)) >= SAME_RECORDS * min(len(rows), len(rows2))


def _as_contacts(question: Question, answer: Answer) -> np.ndarray:
    """Return the contacts behind an answer: its own records, or those that its deals hang on."""
    if answer.object != "deal" or "contact" not in question.company.tables:
        return answer.rows
    deals, contacts = question.company.tables["deal"], question.company.tables["contact"]
    if "contact_id" not in deals.columns:
        return np.empty(0, np.int64)
    index = pd.Index(contacts["id"])
    found = index.get_indexer_for(deals["contact_id"].iloc[answer.rows].dropna()) if index.is_unique else np.empty(0)
    return np.unique(found[found >= 0]).astype(np.int64)
