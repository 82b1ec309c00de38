"""Measurement of money: deals that are counted twice, and amounts on another scale."""

import numpy as np
import pandas as pd

from helpers.analyses.five_m_question import EVIDENCE, NO_SIGN, THIS_PERIOD, UNTESTED, Answer, Question, too_few
from helpers.analyses.five_m_shares import measure_change
from helpers.analyses.process_tests import compare_ranks
from helpers.engine.timeline import NO_DAY
from helpers.model.cause import CauseRule
from helpers.units import format_value

SCALES = (0.0001, 0.001, 0.01, 0.1, 10.0, 100.0, 1000.0, 10000.0)
NEAR = 1.6
"""A median within this factor of a scale counts as on it."""

LEAST_DEALS = 8
LEAST_REPEATS = 3


def ask_duplicates(question: Question, rule: CauseRule) -> Answer:
    """Compare the share of decided deals that say the same as another one, and tell what they add."""
    deals, decided = question.company.tables["deal"], question.decided
    if decided is None:
        return Answer(UNTESTED, "Needs won and lost deals: map the deal's stage and close date")
    who = next(
        (name for name in ("company_id", "name", "contact_id") if name in deals and deals[name].notna().any()), ""
    )
    if not who:
        return Answer(UNTESTED, "Needs the company of a deal: map the deal's company, contact or name")
    keys = {"who": deals[who].astype("str"), "amount": decided.amount, "day": decided.day, "won": decided.is_won}
    keys |= {name: deals[name].astype("str") for name in ("owner", "product", "type") if name in deals.columns}
    frame = pd.DataFrame(keys)
    judged = (decided.day != NO_DAY) & deals[who].notna().to_numpy() & ~np.isnan(decided.amount)
    repeated = np.zeros(len(deals), bool)
    repeated[judged] = frame[judged].duplicated(keep="first").to_numpy()
    change = measure_change(question, repeated, decided.day, judged)
    if not change.is_comparable(rule):
        return too_few(min(change.n_now, change.n_before), rule.least_records)
    shares = f"{format_value(change.before, 'share')} before, {format_value(change.now, 'share')} now"
    statement = f"Decided deals with company, amount, owner and close date of another one: {shares}"
    more = change.extra > 0 and change.p_value <= rule.significance and len(change.rows) >= LEAST_REPEATS
    answer = {"n": change.n_now, "n_before": change.n_before, "p_value": change.p_value, "object": "deal"}
    if not more:
        return Answer(NO_SIGN, statement, **answer)
    added = float(decided.amount[change.rows][decided.is_won[change.rows]].sum())
    text = format_value(added, "currency", currency=question.company.currency)
    why = (
        f"the period's revenue holds {text} twice: the gap is larger than told"
        if added
        else ("the repeated deals were lost: they lower the win rate and hold no revenue")
    )
    return Answer(EVIDENCE, f"{statement}; {len(change.rows)} deals, {text} of closed revenue counted twice", **answer,
                  rows=change.rows, why_no_money=why, began=question.period.start)  # fmt: skip


def ask_scale(question: Question, rule: CauseRule) -> Answer:
    """Find a slice whose usual amount is ten, a hundred or a thousand times what it was, or the like below it."""
    decided = question.decided
    if decided is None:
        return Answer(UNTESTED, "Needs won and lost deals: map the deal's stage and close date")
    now, before = question.side(decided.day)
    valid = decided.amount > 0
    n, n_before = int((now & valid).sum()), int((before & valid).sum())
    if min(n, n_before) < rule.least_records:
        return too_few(min(n, n_before), rule.least_records)
    groups = {"all": (np.zeros(len(valid), np.int64), np.array(["all"])), **question.list_groups("deal")}
    found, tried = [], 0
    for id, (codes, texts) in groups.items():
        for code in np.unique(codes[now & valid]):
            mine, was = (side & valid & (codes == code) for side in (now, before))
            if min(mine.sum(), was.sum()) < LEAST_DEALS:
                continue
            tried += 1
            ratio = float(np.median(decided.amount[mine]) / np.median(decided.amount[was]))
            scale = min(SCALES, key=lambda one: abs(np.log(ratio / one)))
            if max(ratio / scale, scale / ratio) <= NEAR:
                p_value = compare_ranks(decided.amount[mine], decided.amount[was])
                found.append((p_value, id, str(texts[code]), ratio, mine))
    if not found:
        return Answer(NO_SIGN, "No slice's usual amount is a multiple of ten of what it was", n=n, n_before=n_before)
    p_value, id, text, ratio, mine = min(found, key=lambda one: (one[0], one[1] != "all"))
    p_value = min(p_value * tried, 1.0)
    if p_value > rule.significance:
        return Answer(NO_SIGN, "No slice's usual amount is a multiple of ten of what it was", n=n, n_before=n_before,
                      p_value=p_value)  # fmt: skip
    where = "all deals" if id == "all" else f"{question.company.partitions[id].label} {text}"
    times = f"{ratio:,.0f} times" if ratio > 1 else f"1/{1 / ratio:,.0f} of"
    statement = f"The usual amount in {where} is {times} what it was, so some amounts are on another scale"
    rows = np.flatnonzero(mine)
    money = low = high = None
    won = mine & decided.is_won
    if ratio < 1:
        money = -float(decided.amount[won].sum() * (1 / ratio - 1))
        low, high = (-float(decided.amount[won].sum() * (factor / ratio - 1)) for factor in (NEAR, 1 / NEAR))
    return Answer(
        EVIDENCE, statement, n=int(mine.sum()), n_before=n_before, slice="all" if id == "all" else f"{id}={text}",
        p_value=p_value, object="deal", rows=rows, money=money, low=low, high=high,
        counts_for=THIS_PERIOD if money is not None else "", began=question.period.start,
        why_no_money="" if money is not None else "the amounts are too large: the gap is larger than told",
    )  # fmt: skip
