"""People: rates after the mix that they were given, ramp and load; worded about the system, never at a person."""

from dataclasses import replace

import numpy as np
import pandas as pd

from helpers.analyses.adjusted import BELOW, SMALL, describe_people
from helpers.analyses.five_m_question import EVIDENCE, LATER, NO_SIGN, THIS_PERIOD, UNTESTED, Answer, Question, too_few
from helpers.analyses.five_m_shares import Change, Loss, compare_like, follow_contacts, measure_change, price
from helpers.engine.timeline import NO_DAY, day_number, to_days
from helpers.model.cause import CauseRule
from helpers.periods import custom_period
from helpers.units import format_value

TENURE = ((0, 3), (3, 6), (6, 12), (12, 1000))
"""Bands of tenure, in months."""

DAYS_A_MONTH = 30.4375
WATCHED_DAYS = 30
"""Days over which the new contacts of an owner are counted as load."""


def ask_spread_of_people(question: Question, rule: CauseRule) -> Answer:
    """Tell whether people win less than their mix and chance explain."""
    fairness = question.fairness
    compared = [one for one in fairness.comparisons if one.kpi == "win_rate"] if fairness else []
    if fairness is None or not compared:
        needs = "Needs won and lost deals with owners in the period: map the deal's owner"
        return Answer(UNTESTED, (fairness.left_out if fairness else "") or needs)
    people = pd.concat([one.frame for one in compared])
    judged = people[people["verdict"] != SMALL]
    if len(judged) < 2:
        return too_few(int(people["n"].sum()))
    below = judged[judged["verdict"] == BELOW]
    chance = below["p_value"].min() * len(judged) if len(below) else judged["q_value"].min()
    statement = f"{describe_people(*compared)} ({custom_period(fairness.start, fairness.end).label})"
    answer = Answer(
        EVIDENCE if len(below) else NO_SIGN, statement, n=int(judged["n"].sum()), p_value=float(min(chance, 1.0))
    )
    return _price_people(question, answer, below) if len(below) else answer


def _price_people(question: Question, answer: Answer, below: pd.DataFrame) -> Answer:
    """Price what those below their mix miss in the period: missing wins × the size of a won deal."""
    decided, owners = question.decided, question.company.tables["deal"]["owner"].astype("str").to_numpy()
    if decided is None:
        return answer
    now, _ = question.side(decided.day)
    rows = np.flatnonzero(now & np.isin(owners, below["who"].astype(str)))
    answer = replace(answer, object="deal", rows=rows)
    value = question.find_value("deal", "won")
    if value is None:
        return replace(answer, why_no_money="no closed revenue says what a won deal brings")
    per_deal = (below["expected_won"].sum() - below["won"].sum()) / below["n"].sum()
    error = np.sqrt((below["n"] * below["raw_rate"] * (1 - below["raw_rate"])).sum()) / below["n"].sum()
    money = -per_deal * len(rows) * value[0]
    spread = 1.645 * np.hypot(error * len(rows) * value[0], money * value[1])
    return replace(answer, money=money, low=money - spread, high=money + spread, counts_for=THIS_PERIOD)


def _tell_state(
    question: Question, rule: CauseRule, change: Change, loss: Loss | None, statement: str, value, *, counts_for: str
) -> Answer:
    """Answer with evidence where a bad state became more frequent and like records go on less often in it."""
    answer = Answer(
        NO_SIGN, statement, n=change.n_now, n_before=change.n_before, p_value=change.p_value, fits=change.fits,
        began=change.began.start,
    )  # fmt: skip
    if loss is None:
        return replace(answer, statement=f"{statement}; too few records under it to tell what it does", p_value=None)
    answer = replace(answer, p_value=max(change.p_value, loss.p_value))
    if not (change.is_worse(rule) and loss.is_clear):
        return answer
    answer = replace(answer, verdict=EVIDENCE, rows=change.rows)
    if value is None:
        return replace(answer, why_no_money="no closed revenue says what such a record brings")
    money, low, high = price(change, loss, value)
    return replace(answer, money=money, low=low, high=high, counts_for=counts_for)


def _compare_rates(loss: Loss | None, who: str) -> str:
    if loss is None:
        return ""
    return f"; {who} win {format_value(loss.observed, 'share')} of deals that others win at " \
           f"{format_value(loss.fair, 'share')}"  # fmt: skip


def ask_ramp(question: Question, rule: CauseRule) -> Answer:
    """Tell whether more deals are decided by people in their first months, and what those win of like deals."""
    decided = question.decided
    if decided is None:
        return Answer(UNTESTED, "Needs won and lost deals: map the deal's stage and close date")
    deals = question.company.tables["deal"]
    started = question.company.tables["person"].drop_duplicates("id").set_index("id")["started_at"]
    start = to_days(pd.to_datetime(deals["owner"].map(started))).astype(np.int64)
    known = (decided.day != NO_DAY) & (start != NO_DAY)
    tenure = np.where(known, decided.day - start, 0)
    is_new = known & (tenure >= 0) & (tenure < rule.within_days)
    change = measure_change(question, is_new, decided.day, known)
    if not change.is_comparable(rule):
        return too_few(min(change.n_now, change.n_before), rule.least_records)
    place = question.place(decided.day)
    judged = known & (place >= 0)
    loss = compare_like(is_new, decided.is_won, judged, question.list_kinds("deal"))
    months = round(rule.within_days / DAYS_A_MONTH)
    shares = f"{format_value(change.before, 'share')} before, {format_value(change.now, 'share')} now"
    statement = f"Deals decided by people in their first {months} months: {shares}"
    statement += _compare_rates(loss, "they")
    bands = _tell_tenure(tenure[judged] / DAYS_A_MONTH, decided.is_won[judged]) if loss else ""
    statement += f" ({bands})" if bands else ""
    value = question.find_value("deal", "won")
    answer = _tell_state(question, rule, change, loss, statement, value, counts_for=THIS_PERIOD)
    return replace(answer, object="deal")


def _tell_tenure(months: np.ndarray, is_won: np.ndarray) -> str:
    """Say the win rate by months of tenure, only of bands with enough deals."""
    told = []
    for first, last in TENURE:
        mine = (months >= first) & (months < last)
        if mine.sum() >= 10:
            name = f"from month {first + 1}" if last == TENURE[-1][1] else f"months {first + 1}–{last}"
            told.append(f"{name}: {format_value(float(is_won[mine].mean()), 'share')} of {int(mine.sum())}")
    return ", ".join(told)


def _count_open(owner: np.ndarray, created: np.ndarray, closed: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return for each record how many of its owner's records were open on a day, itself included.

    Args:
        owner: Code of each record's owner.
        created: Day from which each is open.
        closed: Day until which it is, far off where it still is.
        at: The day looked at, per record.
    """
    base = np.int64(1) << 22
    opens, ends = np.sort(owner * base + created), np.sort(owner * base + closed)
    first = owner * base
    begun = np.searchsorted(opens, first + at, side="right") - np.searchsorted(opens, first, side="left")
    over = np.searchsorted(ends, first + at, side="right") - np.searchsorted(ends, first, side="left")
    return begun - over


def _is_heavy(question: Question, owner: np.ndarray, load: np.ndarray, days: np.ndarray, rows: np.ndarray, over: float):
    """Tell which records came in under a load beyond what their owner carried in the expected periods on average."""
    _, before = question.side(days)
    base = rows & before
    size = int(owner.max(initial=0)) + 1
    n = np.bincount(owner[base], minlength=size)
    mean = np.bincount(owner[base], weights=load[base].astype(float), minlength=size) / np.maximum(n, 1)
    usual = np.where(n >= 5, mean, load[base].mean() if base.any() else np.inf)
    return rows & (load > (1 + over) * np.maximum(usual[owner], 1))


def ask_load(question: Question, rule: CauseRule) -> Answer:
    """Tell whether more deals come to people who carry more than they used to, and whether those win less."""
    decided, deals = question.decided, question.company.tables["deal"]
    if decided is None or not question.expected:
        return Answer(UNTESTED, "Needs won and lost deals of an earlier period: add an older export")
    owner, names = pd.factorize(deals["owner"], use_na_sentinel=True)
    rows = (owner >= 0) & (decided.created != NO_DAY)
    if rows.sum() < 2 * rule.least_records or not len(names):
        return too_few(int(rows.sum()), 2 * rule.least_records)
    shift = int(decided.created[rows].min())
    created = np.where(rows, decided.created - shift, 0)
    closed = np.where(decided.day != NO_DAY, np.maximum(decided.day - shift, created), (1 << 22) - 1)
    load = np.zeros(len(owner), np.int64)
    load[rows] = _count_open(owner[rows].astype(np.int64), created[rows], closed[rows], created[rows])
    heavy = _is_heavy(question, np.maximum(owner, 0), load, decided.created, rows, rule.least_change)
    is_decided = rows & (decided.day != NO_DAY)
    change = measure_change(question, heavy, decided.day, is_decided)
    now, before = _per_head(question)
    statement = f"Open deals per owner: {before:.0f} before, {now:.0f} now"
    if not change.is_comparable(rule):
        n = min(change.n_now, change.n_before)
        told = f"{statement}; too few decided deals ({n}) to tell what load does to them"
        return Answer(NO_SIGN, told, n=change.n_now, n_before=change.n_before)
    judged = is_decided & (question.place(decided.day) >= 0)
    loss = compare_like(heavy, decided.is_won, judged, question.list_kinds("deal"))
    over = format_value(rule.least_change, "share")
    shares = f"{format_value(change.before, 'share')} before, {format_value(change.now, 'share')} now"
    statement += f"; deals taken on under a load {over} beyond the owner's usual one: {shares}"
    statement += _compare_rates(loss, "owners under it")
    value = question.find_value("deal", "won")
    answer = _tell_state(question, rule, change, loss, statement, value, counts_for=THIS_PERIOD)
    return replace(answer, object="deal")


def _per_head(question: Question) -> tuple[float, float]:
    """Return open deals per owner at the period's end, and on average at the ends of the expected periods."""
    owners = question.company.tables["deal"]["owner"].to_numpy(dtype=object, na_value=None)
    found = []
    for one in (*question.expected, question.period):
        state = question.journeys.history.state_on(min(day_number(one.end), question.journeys.as_of))
        heads = {owner for owner in owners[state.is_open] if owner is not None}
        found.append(float(state.is_open.sum() / len(heads)) if heads else 0.0)
    return found[-1], float(np.mean(found[:-1])) if len(found) > 1 else 0.0


def ask_lead_load(question: Question, rule: CauseRule) -> Answer:
    """Tell whether more leads come to people who get more than they used to, and whether those go on less often."""
    created = question.contact_days("created_at")
    owner, names = pd.factorize(question.company.tables["contact"]["owner"], use_na_sentinel=True)
    rows = (owner >= 0) & (created != NO_DAY)
    if rows.sum() < 2 * rule.least_records or len(names) < 2 or not question.expected:
        return too_few(int(rows.sum()), 2 * rule.least_records)
    shift = int(created[rows].min())
    start = np.where(rows, created - shift, 0)
    load = np.zeros(len(owner), np.int64)
    load[rows] = _count_open(owner[rows].astype(np.int64), start[rows], start[rows] + WATCHED_DAYS, start[rows])
    heavy = _is_heavy(question, np.maximum(owner, 0), load, created, rows, rule.least_change)
    change = measure_change(question, heavy, created, rows)
    if not change.is_comparable(rule):
        return too_few(min(change.n_now, change.n_before), rule.least_records)
    loss, stage = follow_contacts(question, heavy)
    value = question.find_value("contact", stage) if stage else None
    over = format_value(rule.least_change, "share")
    statement = (
        f"New contacts given to owners with {over} more in {WATCHED_DAYS} days than they used to get: "
        f"{format_value(change.before, 'share')} before, {format_value(change.now, 'share')} now"
    )
    if loss is not None:
        label = question.company.catalog.stages[stage].label
        statement += f"; those become {label} in {format_value(loss.observed, 'share')} of cases, like ones in " \
                     f"{format_value(loss.fair, 'share')}"  # fmt: skip
    answer = _tell_state(question, rule, change, loss, statement, value, counts_for=LATER)
    return replace(answer, object="contact")
