"""Machinery: what stopped on a certain day, in which slice, and the records that it left behind."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.analyses.five_m_question import EVIDENCE, NO_SIGN, UNTESTED, Answer, Question, too_few
from helpers.analyses.five_m_shares import price_records
from helpers.analyses.process_tests import Break, find_break
from helpers.engine.timeline import NO_DAY, day_number, to_days
from helpers.model.cause import CauseRule, load_causes
from helpers.units import format_value, in_sentence

LEAST_FALL = 0.1
"""A share that fell by less than this in one step is not told."""

USUAL_TIME = 0.9
"""Share of contacts that used to be handed over within what counts as the usual time."""

MOST_FIELDS_TOLD = 3


@dataclass(frozen=True)
class Fault:
    """Hold a step that was found among records of one object.

    Attributes:
        found: The step.
        object: Whose records.
        inside: Records of the slice from the day on.
        missed: Those of them that lack what the others have.
        words: The slice in words, empty for all.
    """

    found: Break
    object: str
    inside: np.ndarray
    missed: np.ndarray
    words: str

    @property
    def slice(self) -> str:
        """The slice as ``partition=value``."""
        return "all" if self.found.dimension == "all" else f"{self.found.dimension}={self.found.slice}"


def find_fault(
    question: Question, object: str, yes: np.ndarray, days: np.ndarray, eligible: np.ndarray, *, skip=(), delay: int = 0
) -> tuple[Fault | None, float, int]:
    """Look for the day and slice in which a share of new records fell.

    Args:
        question: What is asked about.
        object: Whose records.
        yes: Whether, per record.
        days: Day number of each record's creation.
        eligible: Which records are looked at.
        skip: Partitions among whose values isn't looked.
        delay: Days that a record is given before it counts as missed.

    Returns:
        The step where there is a clear one that lasts into the period, its p-value (1 where there is none), and how
        many records were looked at.
    """
    first = min([question.period.start, *(one.start for one in question.expected)])
    rows = eligible & (days >= day_number(first)) & (days <= day_number(question.period.end) - delay)
    if rows.sum() < 100 or yes[rows].all() or not yes[rows].any():
        return None, 1.0, int(rows.sum())
    groups = question.list_groups(object, skip=skip)
    groups = {
        id: (codes[rows], texts) for id, (codes, texts) in groups.items() if not _shares_blanks(codes, texts, yes, rows)
    }
    found = find_break(yes[rows], days[rows], groups)
    if found is None or found.before - found.after < LEAST_FALL:
        return None, 1.0 if found is None else max(found.p_value, 0.5), int(rows.sum())
    inside = np.flatnonzero(rows)[found.rows]
    in_period = inside[days[inside] >= day_number(question.period.start)]
    if len(in_period) < 10 or yes[in_period].mean() > (found.before + found.after) / 2:
        return None, 1.0, int(rows.sum())
    label = "" if found.dimension == "all" else question.company.partitions[found.dimension].label
    words = f"{in_sentence(label)} {found.slice}" if label else ""
    return Fault(found, object, inside, inside[~yes[inside]], words), found.p_value, int(rows.sum())


def _shares_blanks(codes: np.ndarray, texts: np.ndarray, yes: np.ndarray, rows: np.ndarray) -> bool:
    """Tell whether a partition is blank just where a field is, being rolled up from it or read beside it."""
    blank = codes == len(texts) - 1
    without, with_it = rows & ~yes, rows & yes
    return bool(blank[without].mean() > 0.9 and blank[with_it].mean() < 0.5)


def find_assignment_fault(question: Question) -> tuple[Fault | None, float, int]:
    """Find the day from which new contacts of some slice get no owner in time; computed once per question."""
    if "assignment" not in question.memory:
        columns = question.company.list_columns("contact")
        if not {"assigned_at", "created_at"} <= set(columns):
            question.memory["assignment"] = (None, 1.0, 0)
        else:
            within = load_causes(question.company.settings.causes)["assignment_break"].within_days
            created, assigned = question.contact_days("created_at"), question.contact_days("assigned_at")
            yes = (assigned != NO_DAY) & (assigned - created <= within)
            known = (created != NO_DAY) & bool((assigned != NO_DAY).any())
            question.memory["assignment"] = find_fault(question, "contact", yes, created, known, delay=within)
    return question.memory["assignment"]


def outside_fault(question: Question, rule: CauseRule) -> tuple[np.ndarray, str] | None:
    """Return the contacts outside the slice in which assignment broke, and that slice in words; None where none did.

    What else goes wrong with the records that nobody was given is the same fault told twice.
    """
    fault, p_value, _ = find_assignment_fault(question)
    if fault is None or p_value > rule.significance:
        return None
    keep = np.ones(question.journeys.records["contact"].n, bool)
    keep[fault.inside] = False
    return keep, fault.words or "all contacts"


def _tell(question: Question, rule: CauseRule, outcome: tuple, what: str) -> Answer:
    """Say where and from which day a share fell, which records it left behind, and what that costs."""
    fault, p_value, n = outcome
    if n < 100:
        return too_few(n, 100)
    name = {"contact": "contacts", "deal": "deals"}[fault.object if fault else "contact"]
    if fault is None or p_value > rule.significance:
        return Answer(NO_SIGN, f"New {name} that {what}: no step on any day", n=n, p_value=p_value)
    found = fault.found
    where = f"New {name} with {fault.words}" if fault.words else f"All new {name}"
    statement = (
        f"{where}: {format_value(found.before, 'share')} {what} before {format_value(found.day, 'date')}, "
        f"{format_value(found.after, 'share')} from then on"
    )
    answer = Answer(
        EVIDENCE, statement, n=found.n_after, n_before=found.n_before, slice=fault.slice, p_value=p_value,
        object=fault.object, rows=fault.missed, began=found.day,
        fits=not question.expected or found.day >= question.expected[-1].start,
    )  # fmt: skip
    return price_records(question, answer, fault.inside) if fault.object == "contact" else answer


def ask_break_in_assignment(question: Question, rule: CauseRule) -> Answer:
    """Find the day from which new contacts of some slice get no owner in time."""
    outcome = find_assignment_fault(question)
    return _tell(question, rule, outcome, f"got an owner within {rule.within_days} days")


def ask_break_in_routing_time(question: Question, rule: CauseRule) -> Answer:
    """Find the day from which contacts that are assigned reach their owner later than usual."""
    created, assigned = question.contact_days("created_at"), question.contact_days("assigned_at")
    known = (created != NO_DAY) & (assigned != NO_DAY) & (assigned >= created)
    wait = assigned - created
    _, before = question.side(created)
    if (known & before).sum() < rule.least_records:
        return too_few(int((known & before).sum()), rule.least_records)
    usual = int(np.quantile(wait[known & before], USUAL_TIME))
    what = (
        f"reached their owner within {usual} {'day' if usual == 1 else 'days'}"
        if usual
        else ("reached their owner on the same day")
    )
    told_twice = outside_fault(question, rule)
    outcome = find_fault(question, "contact", wait <= usual, created, known, delay=usual)
    if told_twice and outcome[0] is not None:
        outside = find_fault(question, "contact", wait <= usual, created, known & told_twice[0], delay=usual)
        if outside[0] is None:
            statement = f"Assigned contacts that {what}: fewer only where assignment broke ({told_twice[1]})"
            return Answer(NO_SIGN, statement, n=outside[2], p_value=outside[1])
        outcome = outside
    return _tell(question, rule, outcome, what)


def ask_missed_by_automation(question: Question, rule: CauseRule) -> Answer:
    """Find the day from which new contacts of some slice get no automated activity."""
    activities, contacts = question.company.tables["activity"], question.company.tables["contact"]
    automated = activities["automated"].astype("boolean").fillna(False).to_numpy(dtype=bool)
    mine = activities[automated & activities["contact_id"].notna().to_numpy()]
    first = mine.groupby("contact_id")["at"].min()
    touched = to_days(pd.to_datetime(contacts["id"].map(first))).astype(np.int64)
    created = question.contact_days("created_at")
    yes = (touched != NO_DAY) & (touched - created <= rule.within_days)
    outcome = find_fault(question, "contact", yes, created, created != NO_DAY, delay=rule.within_days)
    return _tell(question, rule, outcome, f"had an automated activity within {rule.within_days} days")


def list_fields(question: Question) -> list[tuple[str, str, np.ndarray, np.ndarray, np.ndarray]]:
    """List the fields whose filling is watched: object, label, whether filled, day, and which records are looked at.

    They are the partitions known at entry, the links to other objects, and of closed deals the amount and the reason.
    """
    found = []
    for object in ("contact", "deal"):
        columns = question.company.list_columns(object)
        if object not in question.journeys.records or "created_at" not in columns:
            continue
        table = question.company.tables[object]
        created = to_days(table["created_at"]).astype(np.int64)
        seen = (created != NO_DAY) & (created <= day_number(question.as_of))
        watched = {
            partition.objects[object]: partition.label
            for partition in question.company.partitions.values()
            if object in partition.objects and partition.known == "entry" and partition.id not in ("owner", "manager")
        }
        watched |= {"company_id": "Company"} | ({"contact_id": "Contact"} if object == "deal" else {})
        for column, label in watched.items():
            if column in columns:
                found.append((object, label, table[column].notna().to_numpy(), created, seen))
        decided = question.decided
        if object == "deal" and decided is not None:
            closed = decided.day != NO_DAY
            for column, label, rows in (
                ("amount", "Amount", closed), ("lost_reason", "Lost reason", closed & ~decided.is_won),
            ):  # fmt: skip
                if column in columns:
                    found.append((object, label, table[column].notna().to_numpy(), decided.day, rows))
    return found


def ask_break_in_fields(question: Question, rule: CauseRule) -> Answer:
    """Find the day from which a field is no longer filled, in some slice."""
    fields = list_fields(question)
    fields = [one for one in fields if one[2][one[4]].any()]
    if not fields:
        return Answer(UNTESTED, "Needs the date on which contacts or deals were created: map their creation date")
    found, tested, n = [], 0, 0
    for object, label, filled, days, rows in fields:
        if filled[rows].all():
            seen = int((rows & (question.place(days) >= 0)).sum())
            tested, n = tested + int(seen >= 100), max(n, seen)
            continue
        outcome = find_fault(question, object, filled, days, rows)
        if outcome[2] >= 100:
            tested, n = tested + 1, max(n, outcome[2])
        if outcome[0] is not None:
            found.append((outcome[1], label, outcome))
    if not tested:
        return too_few(n, 100)
    correction = max(tested, 1)
    found.sort(key=lambda one: one[0])
    best = min((min(one[0] * correction, 1.0) for one in found), default=1.0)
    clear = [one for one in found if one[0] * correction <= rule.significance]
    if not clear:
        return Answer(NO_SIGN, f"{tested} fields are filled as before, without a step on any day", n=n, p_value=best)
    _, label, outcome = clear[0]
    answer = _tell(question, rule, (outcome[0], best, outcome[2]), f"had a {in_sentence(label)}")
    same = [one[1] for one in clear[1:] if _is_same_fault(one[2][0], outcome[0])]
    more = [one[1] for one in clear[1:] if one[1] not in same]
    statement = answer.statement
    if same:
        statement += f"; the same with {', '.join(in_sentence(one) for one in same[:MOST_FIELDS_TOLD])}"
    if more:
        statement += f"; steps too in {', '.join(in_sentence(one) for one in more[:MOST_FIELDS_TOLD])}"
    why = "a blank field hides where revenue comes from and costs nothing by itself"
    return Answer(**{**vars(answer), "statement": statement, "money": None, "low": None, "high": None,
                     "counts_for": "", "why_no_money": why})  # fmt: skip


def _is_same_fault(one: Fault, other: Fault) -> bool:
    """Tell whether two fields are blank in the same records."""
    if one.object != other.object:
        return False
    both = len(np.intersect1d(one.missed, other.missed))
    return both >= 0.9 * max(len(one.missed), len(other.missed), 1)
