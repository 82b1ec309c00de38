"""The tests behind the five Ms; a rule in ``causes.toml`` names one of them."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from helpers.analyses.adjusted import ABOVE, BELOW, SMALL, describe_people
from helpers.analyses.five_m_question import ASSIGNED_WITHIN, EVIDENCE, NO_SIGN, RAMP_DAYS, UNTESTED, Answer, Question
from helpers.analyses.leaf_dimensions import FIRST_ASKED, is_person
from helpers.analyses.process_tests import STRONG, ShareTest, compare_shares, find_break
from helpers.engine.journeys import LOST_STAGE
from helpers.engine.timeline import NO_DAY, day_number, to_days
from helpers.model.cause import CauseRule
from helpers.periods import Period
from helpers.units import format_value


def _too_few(n: int) -> Answer:
    return Answer(UNTESTED, f"Only {n} records: too few to compare", n=n)


def _tell_share(test: ShareTest, what: str, *, bad: str, money: float | None = None) -> Answer:
    """Say how a share moved, and whether that is evidence."""
    if not test.is_comparable:
        return _too_few(min(test.n_now, test.n_before))
    now, before = format_value(test.now, "share"), format_value(test.before, "share")
    if test.is_worse(bad=bad):
        statement = f"{what}: {before} before, {now} now"
        return Answer(EVIDENCE, statement, n=test.n_now, money=money, p_value=test.p_value)
    return Answer(NO_SIGN, f"{what}: {before} before, {now} now", n=test.n_now, p_value=test.p_value)


def ask_spread_of_people(question: Question, rule: CauseRule) -> Answer:
    """Tell whether people differ beyond their mix and chance."""
    people = question.people
    if people is None:
        return Answer(UNTESTED, "Needs won and lost deals with owners in the period")
    judged = people.frame[people.frame["verdict"] != SMALL]
    if len(judged) < 2:
        return _too_few(int(people.frame["n"].sum()))
    outside = judged["verdict"].isin([BELOW, ABOVE])
    verdict = EVIDENCE if outside.any() else NO_SIGN
    p_value = float(judged["q_value"].min())
    return Answer(verdict, describe_people(people), n=int(judged["n"].sum()), p_value=p_value)


def ask_ramp(question: Question, rule: CauseRule) -> Answer:
    """Compare deals of people in their first half year with all others."""
    deals = question.company.tables["deal"]
    started = question.company.tables["person"].drop_duplicates("id").set_index("id")["started_at"]
    records = question.journeys.records["deal"]
    won = records.reached["won", "new"]
    lost = records.reached.get((LOST_STAGE, "new"), np.full(records.n, NO_DAY))
    day = np.where(won != NO_DAY, won, lost)
    start = to_days(pd.to_datetime(deals["owner"].map(started)))
    now, _ = question.side(day)
    known = now & (start != NO_DAY)
    is_new = known & (day - start.astype(np.int64) < RAMP_DAYS)
    if is_new.sum() < 10:
        n = int(is_new.sum())
        return Answer(NO_SIGN, f"{n or 'No'} deals were decided by people in their first half year", n=int(known.sum()))
    test = compare_shares((won != NO_DAY)[is_new], (won != NO_DAY)[known & ~is_new])
    return _tell_share(test, "Win rate of people past their first half year, and in it", bad="down")


def ask_load(question: Question, rule: CauseRule) -> Answer:
    """Compare open deals per owner at the period's end with the periods before."""
    owners = question.company.tables["deal"]["owner"].to_numpy(dtype=object, na_value=None)

    def per_head(period: Period) -> float:
        state = question.journeys.history.state_on(min(day_number(period.end), question.journeys.as_of))
        heads = {owner for owner in owners[state.is_open] if owner is not None}
        return float(state.is_open.sum() / len(heads)) if heads else 0.0

    now, before = per_head(question.period), [per_head(one) for one in question.expected]
    if not before or not any(before):
        return Answer(UNTESTED, "Needs open deals in earlier periods")
    usual = float(np.mean(before))
    statement = f"Open deals per owner: {usual:.0f} before, {now:.0f} now"
    return Answer(EVIDENCE if now > 1.25 * max(before) else NO_SIGN, statement, n=round(now))


def ask_break_in_assignment(question: Question, rule: CauseRule) -> Answer:
    """Find the day from which new contacts of some slice get no owner in time."""
    created, assigned = question.contact_days("created_at"), question.contact_days("assigned_at")
    yes = (assigned != NO_DAY) & (assigned - created.astype(np.int64) <= ASSIGNED_WITHIN)
    return _tell_break(question, yes, created, "got an owner within two days")


def ask_break_in_source(question: Question, rule: CauseRule) -> Answer:
    """Find the day from which the source is not filled."""
    created = question.contact_days("created_at")
    yes = question.company.tables["contact"]["source"].notna().to_numpy()
    return _tell_break(
        question, yes, created, "had a source", skip=("source", "channel", "gtm_motion", "source_detail")
    )


def _tell_break(
    question: Question, yes: np.ndarray, created: np.ndarray, what: str, skip: tuple[str, ...] = ()
) -> Answer:
    """Look for a step in a share of new contacts, by slice."""
    first = min([question.period.start, *(one.start for one in question.expected)])
    latest = day_number(question.period.end) - ASSIGNED_WITHIN
    rows = (created >= day_number(first)) & (created <= latest)
    if rows.sum() < 100:
        return _too_few(int(rows.sum()))
    contacts, partitions = question.journeys.records["contact"], question.company.partitions
    groups = {
        id: (codes[rows].astype(np.int64), question.journeys.labels[id])
        for id, codes in contacts.codes.items()
        if partitions[id].known == "entry" and not is_person(partitions[id]) and id not in skip
        and len(question.journeys.labels[id]) <= 30
    }  # fmt: skip
    found = find_break(yes[rows], created[rows].astype(np.int64), groups)
    if found is None or found.p_value > STRONG or found.before - found.after < 0.1:
        share = format_value(float(yes[rows].mean()), "share")
        return Answer(NO_SIGN, f"{share} of new contacts {what}, without a step on any day", n=int(rows.sum()))
    where = "All new contacts" if found.dimension == "all" else f"New contacts with {found.dimension} {found.slice}"
    place = "all" if found.dimension == "all" else f"{found.dimension}={found.slice}"
    statement = (
        f"{where}: {format_value(found.before, 'share')} {what} before {format_value(found.day, 'date')}, "
        f"{format_value(found.after, 'share')} from then on"
    )
    money = _cost_of_break(question, found)
    return Answer(EVIDENCE, statement, n=found.n_after, slice=place, money=money, p_value=found.p_value)


def _cost_of_break(question: Question, found) -> float | None:
    """Price a step: the records that it touched × what a contact brings × how much of it such records lose."""
    worth = question.worth_of_contact
    later = question.journeys.records["contact"].reached.get(("mql", "all"))
    if worth is None or later is None:
        return None
    lost = _lost_share(question, found)
    return -found.n_after * worth * lost if lost else None


def _lost_share(question: Question, found) -> float:
    """Return which share of their next step the records after a step in a process lose, within thirty days."""
    contacts = question.journeys.records["contact"]
    created, later = contacts.reached["lead", "all"].astype(np.int64), contacts.reached["mql", "all"].astype(np.int64)
    old_enough = (created != NO_DAY) & (created <= day_number(question.as_of) - 30)
    if found.dimension != "all":
        labels = question.journeys.labels[found.dimension]
        old_enough &= labels[contacts.codes[found.dimension]] == found.slice
    since = created >= day_number(found.day)
    quick = (later != NO_DAY) & (later - created <= 30)
    before, after = quick[old_enough & ~since], quick[old_enough & since]
    if len(before) < 30 or len(after) < 30 or not before.any():
        return 0.0
    return float(max(1 - after.mean() / before.mean(), 0.0))


def ask_localised(question: Question, rule: CauseRule) -> Answer:
    """Tell what the search over slices found of one kind."""
    causes = question.causes
    if not question.is_searched:
        return Answer(UNTESTED, "Needs contacts or deals with dates in this period and an earlier one")
    if causes.empty or "effect" not in causes:
        return Answer(NO_SIGN, f"The search over slices found no {rule.effect} effect beyond chance")
    mine = causes[(causes["effect"] == rule.effect) & (causes["verdict"] == "cause") & (causes["contribution"] < 0)]
    if mine.empty:
        return Answer(NO_SIGN, f"The search over slices found no {rule.effect} effect beyond chance")
    first = mine.iloc[0]
    n = int(max(mine["n_actual"].sum(), 0))
    statement = str(first["statement"])
    if len(mine) > 1:
        statement += f", and {len(mine) - 1} more"
    return Answer(EVIDENCE, statement, n=n, slice=first["slice"], money=float(mine["contribution"].sum()),
                  p_value=float(mine["q_value"].min()))  # fmt: skip


def _new_contacts(question: Question) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the create days of contacts, and which were created now and before."""
    created = question.contact_days("created_at")
    return created, *question.side(created)


def ask_speed(question: Question, rule: CauseRule) -> Answer:
    """Compare the share of new contacts touched within a day."""
    created, now, before = _new_contacts(question)
    touched = question.contact_days("first_touch_at")
    quick = (touched != NO_DAY) & (touched - created.astype(np.int64) <= 1)
    return _tell_share(compare_shares(quick[now], quick[before]), "New contacts touched within a day", bad="down")


def ask_no_follow_up(question: Question, rule: CauseRule) -> Answer:
    """Compare the share of new contacts without any activity."""
    _, now, before = _new_contacts(question)
    activities = pd.to_numeric(question.company.tables["contact"]["activities"], errors="coerce")
    none = activities.fillna(0).to_numpy() == 0
    return _tell_share(compare_shares(none[now], none[before]), "New contacts without any activity", bad="up")


def ask_no_show(question: Question, rule: CauseRule) -> Answer:
    """Compare the share of booked meetings not held."""
    booked = question.contact_days("meeting_booked_at")
    now, before = question.side(booked)
    missed = question.company.tables["contact"]["no_show"].astype("boolean").fillna(False).to_numpy(dtype=bool)
    return _tell_share(compare_shares(missed[now], missed[before]), "Booked meetings not held", bad="up")


def ask_skipped(question: Question, rule: CauseRule) -> Answer:
    """Compare the share of opportunities that skipped the step before."""
    opened, before_it = question.contact_days("opportunity_at"), question.contact_days("sql_at")
    now, before = question.side(opened)
    skipped = (before_it == NO_DAY) | (before_it > opened)
    return _tell_share(compare_shares(skipped[now], skipped[before]), "Opportunities without the step before", bad="up")


def ask_undated(question: Question, rule: CauseRule) -> Answer:
    """List the stages without dates."""
    catalog, homes = question.company.catalog, question.journeys.homes
    missing = [stage.label for id, stage in catalog.stages.items() if id not in homes and stage.object != "session"]
    if not missing:
        return Answer(NO_SIGN, "Every stage of the bow-tie has dates", n=len(homes))
    return Answer(EVIDENCE, f"No dates at: {', '.join(missing)}", n=len(missing))


def ask_goals(question: Question, rule: CauseRule) -> Answer:
    """Tell which goals there are for the period."""
    targets = question.company.targets
    if targets is None or targets.empty:
        return Answer(EVIDENCE, "No goal is written down, so nothing says what was to be expected")
    starts = pd.to_datetime(targets["period_start"]).dt.date
    mine = targets[(starts == question.period.start) & (targets["grain"] == question.period.grain)]
    if mine.empty:
        return Answer(EVIDENCE, f"No goal is written down for {question.period.label}")
    slices = mine[mine["dimension"] != "all"]
    if slices.empty:
        return Answer(EVIDENCE, f"{len(mine)} goals for the company, none for a slice of it", n=len(mine))
    return Answer(NO_SIGN, f"{len(mine) - len(slices)} goals for the company and {len(slices)} for slices", n=len(mine))


def ask_blanks(question: Question, rule: CauseRule) -> Answer:
    """Tell how much closed revenue has a blank partition."""
    deals, partitions = question.journeys.records["deal"], question.company.partitions
    won = deals.reached.get(("won", "all"), np.full(deals.n, NO_DAY))
    now, _ = question.side(won)
    total = float(deals.cents["amount"][now].sum()) if "amount" in deals.cents else 0.0
    if not total:
        return Answer(UNTESTED, "No closed revenue in the period")
    shares = {}
    for id, codes in deals.codes.items():
        if partitions[id].known == "entry" and id in FIRST_ASKED:
            blank = now & (codes == len(question.journeys.labels[id]) - 1)
            shares[partitions[id].label] = float(deals.cents["amount"][blank].sum()) / total
    worst = max(shares, key=lambda label: shares[label], default=None)
    if worst is None or shares[worst] < 0.1:
        return Answer(NO_SIGN, "Less than a tenth of closed revenue lacks any partition", n=int(now.sum()))
    statement = f"{format_value(shares[worst], 'share')} of closed revenue has no {worst.lower()}"
    return Answer(EVIDENCE, statement, n=int(now.sum()))


TESTS: dict[str, Callable[[Question, CauseRule], Answer]] = {
    "spread_of_people": ask_spread_of_people,
    "ramp": ask_ramp,
    "load": ask_load,
    "break_in_assignment": ask_break_in_assignment,
    "break_in_source": ask_break_in_source,
    "localised": ask_localised,
    "speed": ask_speed,
    "no_follow_up": ask_no_follow_up,
    "no_show": ask_no_show,
    "skipped": ask_skipped,
    "undated": ask_undated,
    "goals": ask_goals,
    "blanks": ask_blanks,
}
"""Test id → function; a rule in ``causes.toml`` names one."""
