"""Method: how leads are worked, and what working them worse costs."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd

from helpers.analyses.five_m_machinery import outside_fault
from helpers.analyses.five_m_question import EVIDENCE, NO_SIGN, UNTESTED, Answer, Question, too_few
from helpers.analyses.five_m_shares import Change, measure_change, tell_change, tell_contacts
from helpers.engine.timeline import NO_DAY, day_number
from helpers.model.cause import CauseRule
from helpers.units import format_value, in_sentence

USUAL_TIME = 0.9
"""Share of hand-overs that used to be done within what counts as the usual time."""

GIVEN_DAYS = 7
"""A contact younger than this is not yet one that nobody worked."""


def _ask_outside(
    question: Question, rule: CauseRule, bad: np.ndarray, days: np.ndarray, known: np.ndarray, what: str
) -> Answer:
    """Tell how a bad share of contacts changed; where it did only among those that nobody was given, that is no sign.

    The fault in assignment is told under machinery; the same records are not told twice.
    """
    change = measure_change(question, bad, days, known)
    told = outside_fault(question, rule)
    if told is None or not change.is_comparable(rule) or change.extra <= 0 or change.p_value > rule.significance:
        return tell_contacts(question, rule, change, bad, what)
    keep, where = told
    outside = measure_change(question, bad, days, known & keep)
    if outside.is_worse(rule):
        return tell_contacts(question, rule, outside, bad, f"{what}, outside {where} where assignment broke")
    shares = f"{format_value(outside.before, 'share')} before, {format_value(outside.now, 'share')} now"
    statement = f"{what}: more only where assignment broke ({where}); elsewhere {shares}"
    return Answer(NO_SIGN, statement, n=outside.n_now, n_before=outside.n_before, p_value=outside.p_value)


def ask_speed(question: Question, rule: CauseRule) -> Answer:
    """Compare the share of new contacts not touched in time, and tell what slow ones cost."""
    created, touched = question.contact_days("created_at"), question.contact_days("first_touch_at")
    slow = (touched == NO_DAY) | (touched - created > rule.within_days)
    old_enough = (created != NO_DAY) & (created <= day_number(question.as_of) - rule.within_days)
    unit = "a day" if rule.within_days == 1 else f"{rule.within_days} days"
    answer = _ask_outside(question, rule, slow, created, old_enough, f"New contacts not touched within {unit}")
    if answer.verdict == EVIDENCE and answer.is_free:
        return replace(
            answer, verdict=NO_SIGN, statement=f"{answer.statement}: slower, and it costs nothing that shows"
        )
    return answer


def ask_no_follow_up(question: Question, rule: CauseRule) -> Answer:
    """Compare the share of new contacts without any activity."""
    created = question.contact_days("created_at")
    activities = pd.to_numeric(question.company.tables["contact"]["activities"], errors="coerce")
    none = activities.fillna(0).to_numpy() == 0
    old_enough = (created != NO_DAY) & (created <= day_number(question.as_of) - GIVEN_DAYS)
    return _ask_outside(question, rule, none, created, old_enough, "New contacts without any activity")


def ask_no_show(question: Question, rule: CauseRule) -> Answer:
    """Compare the share of booked meetings not held, and of the missed ones not held later."""
    contacts = question.company.tables["contact"]
    booked = question.contact_days("meeting_booked_at")
    missed = contacts["no_show"].astype("boolean").fillna(False).to_numpy(dtype=bool)
    known = booked != NO_DAY
    change = measure_change(question, missed, booked, known)
    first = tell_contacts(question, rule, change, missed, "Booked meetings not held")
    if "meeting_held_at" not in contacts.columns or first.verdict == UNTESTED:
        return first
    lost = missed & (question.contact_days("meeting_held_at") == NO_DAY)
    again = measure_change(question, lost, booked, known & missed)
    if not again.is_comparable(rule):
        n = min(again.n_now, again.n_before)
        rest = f"; too few missed meetings ({n}) to tell how many were booked anew"
        return replace(first, statement=first.statement + rest)
    second = tell_contacts(question, rule, again, lost, "Missed meetings not held later")
    statement = f"{first.statement}; {in_sentence(second.statement)}"
    leading = second if second.verdict == EVIDENCE and first.verdict != EVIDENCE else first
    p_value = min(2 * min(first.p_value, second.p_value), 1.0)
    verdict = EVIDENCE if leading.verdict == EVIDENCE and p_value <= rule.significance else NO_SIGN
    return replace(leading, verdict=verdict, statement=statement, p_value=p_value)


def ask_skipped(question: Question, rule: CauseRule) -> Answer:
    """Compare the share of records that entered a step without a date at the step before."""
    pairs = _list_pairs(question)
    if not pairs:
        return Answer(
            UNTESTED, "Needs the date of the step before the opportunity: map the contact's SQL date or MQL date"
        )
    told = []
    for before, after in pairs:
        earlier, entered = (question.contact_days(name) for name in (before[1], after[1]))
        skipped = (earlier == NO_DAY) | (earlier > entered)
        change = measure_change(question, skipped, entered, entered != NO_DAY)
        told.append((change, skipped, f"{after[0]} without the step {before[0]} before"))
    change, skipped, what = min(told, key=lambda one: (_goodness(one[0]), one[2]))
    corrected = replace(change, p_value=min(change.p_value * len(told), 1.0))
    return replace(tell_change(rule, corrected, what), object="contact", why_no_money=_why(rule, corrected))


def _goodness(change: Change) -> float:
    """Order changes, the worst first; those that went well or can't be compared come last."""
    return change.p_value if change.n_now and change.n_before and change.extra > 0 else 2.0


def _why(rule: CauseRule, change: Change) -> str:
    return (
        "a skipped step hides where records stop; what it costs shows in the rates behind it"
        if (change.is_worse(rule))
        else ""
    )


def ask_hand_off(question: Question, rule: CauseRule) -> Answer:
    """Compare the share of SQLs that were taken over later than nine in ten were before."""
    marked, taken = question.contact_days("mql_at"), question.contact_days("sql_at")
    known = (marked != NO_DAY) & (taken != NO_DAY) & (taken >= marked)
    _, before = question.side(taken)
    if (known & before).sum() < rule.least_records:
        return too_few(int((known & before).sum()), rule.least_records)
    usual = int(np.quantile((taken - marked)[known & before], USUAL_TIME))
    late = known & (taken - marked > usual)
    days = f"{usual} {'day' if usual == 1 else 'days'}"
    change = measure_change(question, late, taken, known)
    return tell_contacts(question, rule, change, late, f"SQLs taken over more than {days} after they were MQLs")


def _list_pairs(question: Question) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    """List the steps of contacts that follow each other and are both dated: label and field of either."""
    stages, table = question.company.catalog.stages, question.company.tables["contact"]
    dated = []
    for id in ("mql", "sql", "opportunity"):
        column = f"{id}_at"
        if id in stages and column in table.columns and table[column].notna().any():
            dated.append((stages[id].label, column))
    return list(pairwise(dated))


def find_touches(question: Question) -> np.ndarray | None:
    """Return how often each deal was touched: its own activities, else those of its contact; None where unknown."""
    tables, deals = question.company.tables, question.company.tables["deal"]
    if "activity" in tables and "deal_id" in tables["activity"] and tables["activity"]["deal_id"].notna().any():
        counts = tables["activity"].groupby("deal_id").size()
        return deals["id"].map(counts).fillna(0).to_numpy(float)
    if "activities" in deals.columns:
        return pd.to_numeric(deals["activities"], errors="coerce").to_numpy(float)
    contacts = tables.get("contact")
    if contacts is None or "activities" not in contacts.columns or "contact_id" not in deals.columns:
        return None
    counts = pd.to_numeric(contacts["activities"], errors="coerce").groupby(contacts["id"]).first()
    return deals["contact_id"].map(counts).to_numpy(float)
