"""Milieu: what lies outside the company, market and season. Asked about only where a company switches it on."""

import numpy as np

from helpers.analyses.five_m_question import EVIDENCE, NO_SIGN, UNTESTED, Answer, Question, too_few
from helpers.analyses.five_m_shares import measure_change, tell_change
from helpers.engine.timeline import NO_DAY, day_number
from helpers.model.cause import CauseRule
from helpers.units import format_value, in_sentence

MOST_YEARS = 5


def _count(days: np.ndarray, first: int, last: int) -> int:
    return int(((days >= first) & (days <= last)).sum())


def ask_season(question: Question, rule: CauseRule) -> Answer:
    """Compare the period's fall with that of the same period in earlier years, in deals created or won."""
    from scipy.special import bdtr

    decided = question.decided
    if decided is None or not question.expected:
        return Answer(UNTESTED, "Needs won deals of an earlier period: add an older export")
    won = decided.day[decided.is_won & (decided.day != NO_DAY)]
    first_day = int(won.min()) if len(won) else 0
    span = len(question.expected)
    shares, counts = [], []
    for back in range(1, MOST_YEARS + 1):
        same = question.period
        for _ in range(back):
            same = same.year_ago()
        earlier = [same.previous(number) for number in range(1, span + 1)]
        if day_number(earlier[-1].start) < first_day - 31:
            break
        here = _count(won, day_number(same.start), day_number(same.end))
        usual = _count(won, day_number(earlier[-1].start), day_number(earlier[0].end))
        shares.append((here, here + usual))
    now, before = question.side(won)
    n, usual = int(now.sum()), int(before.sum())
    if not shares:
        needs = "the same period of an earlier year, and the periods before that: add an older export"
        return Answer(UNTESTED, f"Needs {needs}")
    counts = np.array(shares, float).sum(axis=0)
    if min(counts[0], n + usual) < rule.least_records:
        return too_few(int(min(counts[0], n + usual)), rule.least_records)
    level = 1 / (span + 1)
    fair = counts[0] / counts[1]
    p_value = float(min(2 * bdtr(counts[0], int(counts[1]), level), 1.0))
    index, today = fair / level, n / max(n + usual, 1) / level
    told = (
        f"Won deals against the {span} periods before: {format_value(today - 1, 'share')} now, "
        f"{format_value(index - 1, 'share')} in the same period of {len(shares)} earlier "
        f"{'year' if len(shares) == 1 else 'years'}"
    )
    falls = today < 1 - rule.least_change / 2 and index < 1 - rule.least_change / 2 and p_value <= rule.significance
    return Answer(EVIDENCE if falls else NO_SIGN, told, n=n, n_before=usual, p_value=p_value,
                  why_no_money="a season is no loss: it belongs into the expectation" if falls else "")  # fmt: skip


def ask_everywhere(question: Question, rule: CauseRule) -> Answer:
    """Tell whether something fell alike in all slices."""
    moved = question.moved
    if moved.empty:
        return Answer(UNTESTED, "Needs contacts or deals with dates in this period and an earlier one")
    n = int(sum(one.frame[f"{one.steps[0]}_actual"].sum() for one in question.leaves.values() if one is not None))
    fell = moved[moved["is_everywhere"].astype(bool) & (moved["high"] < 1) & (moved["ratio"] <= 1 - rule.least_change)]
    if fell.empty:
        return Answer(NO_SIGN, "Nothing fell everywhere alike beyond chance", n=n)
    told = []
    for row in fell.to_dict("records"):
        leaves = question.leaves.get(row["lens"])
        label = leaves.labels.get(row["step"], row["step"]) if leaves is not None else row["step"]
        told.append(f"{in_sentence(label)} ({row['effect']}) by {format_value(1 - row['ratio'], 'share')}")
    return Answer(
        EVIDENCE, f"Fell everywhere alike: {', '.join(told)}", n=n, began=question.period.start, is_state=True,
        why_no_money="the search over slices tells the money of what moved everywhere",
    )  # fmt: skip


def ask_reasons(question: Question, rule: CauseRule) -> Answer:
    """Compare the share of lost deals whose reason names a competitor or a frozen budget."""
    decided, deals = question.decided, question.company.tables["deal"]
    if decided is None:
        return Answer(UNTESTED, "Needs lost deals: map the deal's stage and close date")
    reasons = deals["lost_reason"].astype("str").str.casefold()
    named = np.zeros(len(deals), bool)
    for word in rule.words:
        named |= reasons.str.contains(word.casefold(), regex=False, na=False).to_numpy(dtype=bool)
    known = (decided.day != NO_DAY) & ~decided.is_won & deals["lost_reason"].notna().to_numpy()
    change = measure_change(question, named, decided.day, known)
    answer = tell_change(rule, change, "Lost deals that name a competitor or a frozen budget")
    why = "a reason is what the seller wrote down; the win rate tells what it costs"
    return Answer(**{**vars(answer), "object": "deal", "why_no_money": why if answer.verdict == EVIDENCE else ""})
