"""How a share of records changed against several earlier periods, and what the change costs.

What a bad state costs is told by comparing the records in it with like records that are not: extra records in the state
× what each of them misses × what a record that goes on brings. Its interval draws all three anew.
"""

from dataclasses import dataclass, replace

import numpy as np

from helpers.analyses.five_m_question import EVIDENCE, LATER, NO_SIGN, Answer, Question, too_few
from helpers.analyses.process_tests import chance_of, matters, measure_swing
from helpers.engine.timeline import NO_DAY, day_number
from helpers.model.cause import CauseRule
from helpers.periods import Period
from helpers.units import format_value

DRAWS = 4000
SEED = 20
CONFIDENCE = 0.9
"""Of the intervals of money."""

LEAST_A_WEEK = 5
"""Weeks with fewer records than this say nothing of how much a share swings."""

AGE = 0.9
"""A record is old enough to be judged once this share of those who go on had gone on at its age."""


@dataclass(frozen=True)
class Change:
    """Hold how a share changed.

    Attributes:
        now, before: The share in the period, and in all expected periods together.
        n_now, n_before: Records.
        p_value: Two-sided, widened by how much the share usually swings from period to period.
        began: The first period in which the share was nearer to what it is now than to what it was.
        fits: Whether that is the period itself or the one just before it.
        rows: The records with yes in the period.
    """

    now: float
    before: float
    n_now: int
    n_before: int
    p_value: float
    began: Period
    fits: bool
    rows: np.ndarray

    @property
    def extra(self) -> float:
        """Records with yes beyond those that the share before would have given."""
        return (self.now - self.before) * self.n_now

    def is_comparable(self, rule: CauseRule) -> bool:
        """Whether both sides have enough records."""
        return min(self.n_now, self.n_before) >= rule.least_records

    def is_worse(self, rule: CauseRule, *, bad: str = "up") -> bool:
        """Tell whether the share moved the bad way, clearly and by enough to matter."""
        change = self.now - self.before
        moved = change > 0 if bad == "up" else change < 0
        large = matters(change, self.before, rule.least_change)
        return self.is_comparable(rule) and moved and large and self.p_value <= rule.significance


def measure_change(question: Question, yes: np.ndarray, days: np.ndarray, eligible: np.ndarray | None = None) -> Change:
    """Measure how a share changed between the expected periods and the one in question.

    Args:
        question: What is asked about.
        yes: Whether, per record.
        days: Day number by which a record belongs to a period.
        eligible: Which records are looked at; None takes all.
    """
    place = question.place(days)
    place = place if eligible is None else np.where(eligible, place, -1)
    count = len(question.expected) + 1
    inside = place >= 0
    n = np.bincount(place[inside], minlength=count).astype(float)
    k = np.bincount(place[inside], weights=yes[inside].astype(float), minlength=count)
    n_before, k_before = n[:-1].sum(), k[:-1].sum()
    now = k[-1] / n[-1] if n[-1] else np.nan
    before = k_before / n_before if n_before else np.nan
    at = _find_begin(k, n)
    periods = (*question.expected, question.period)
    earlier = inside & (place < count - 1)
    p_value = chance_of(k[-1], n[-1], k[:-1], n[:-1], swing=_swing_of_weeks(yes[earlier], days[earlier]))
    return Change(
        now, before, int(n[-1]), int(n_before), p_value, periods[at],
        at >= count - 2, np.flatnonzero((place == count - 1) & yes),
    )  # fmt: skip


def _swing_of_weeks(yes: np.ndarray, days: np.ndarray) -> float:
    """Measure how much the share swings from week to week beyond chance, over weeks with some records."""
    if not len(days):
        return 1.0
    week = ((days - days.min()) // 7).astype(np.int64)
    n = np.bincount(week).astype(float)
    k = np.bincount(week, weights=yes.astype(float))
    enough = n >= LEAST_A_WEEK
    return measure_swing(k[enough], n[enough])


def _find_begin(k: np.ndarray, n: np.ndarray) -> int:
    """Return the first place from which on every share is nearer to the last one than to the mean of those before."""
    at = len(n) - 1
    while at > 1:
        share = k[at - 1] / max(n[at - 1], 1)
        earlier = k[: at - 1].sum() / max(n[: at - 1].sum(), 1)
        if n[at - 1] < 5 or abs(share - k[-1] / max(n[-1], 1)) >= abs(share - earlier):
            break
        at -= 1
    return at


@dataclass(frozen=True)
class Loss:
    """Hold how records in a bad state go on, beside like records that are not in it.

    Attributes:
        observed: Share of those in the state that go on.
        fair: Share of like records that do.
        n: Records in the state old enough to be judged.
        p_value: One-sided chance of so few.
        missed: Low, middle and high of what each record in the state misses (a share).
    """

    observed: float
    fair: float
    n: int
    p_value: float
    draws: np.ndarray

    @property
    def is_clear(self) -> bool:
        """Whether they go on less often beyond chance."""
        return bool(np.quantile(self.draws, (1 - CONFIDENCE) / 2) > 0)


def compare_like(
    is_bad: np.ndarray, goes_on: np.ndarray, judged: np.ndarray, kinds: np.ndarray, *, least: int = 10
) -> Loss | None:
    """Compare records in a bad state with records of the same kind that are not in it.

    Args:
        is_bad: Whether a record is in the state.
        goes_on: Whether it went on.
        judged: Which records are old enough to tell.
        kinds: Of which kind each is; a kind with few good records is held to the rate of all.
        least: Fewer records than this in either state are not compared.
    """
    from scipy.special import ndtr

    good, bad = judged & ~is_bad, judged & is_bad
    if good.sum() < least or bad.sum() < least:
        return None
    size = int(kinds.max(initial=0)) + 1
    rate = float(goes_on[good].mean())
    n_good = np.bincount(kinds[good], minlength=size)
    k_good = np.bincount(kinds[good], weights=goes_on[good].astype(float), minlength=size)
    like = (k_good + 10 * rate) / (n_good + 10)
    fair, observed = float(like[kinds[bad]].mean()), float(goes_on[bad].mean())
    n = int(bad.sum())
    variance = fair * (1 - fair) / n + rate * (1 - rate) / int(good.sum())
    p_value = float(ndtr((observed - fair) / np.sqrt(variance))) if variance > 0 else 1.0
    rng = np.random.default_rng(SEED)
    drawn = rng.beta(observed * n + 0.5, (1 - observed) * n + 0.5, DRAWS)
    norm = rng.normal(fair, np.sqrt(rate * (1 - rate) / int(good.sum())), DRAWS)
    return Loss(observed, fair, n, p_value, norm - drawn)


def price(change: Change, loss: Loss, value: tuple[float, float]) -> tuple[float, float, float]:
    """Return what a change costs, negative, with its interval at 90 %.

    Args:
        change: Of the share of records in the bad state.
        loss: What such a record misses.
        value: What a record that goes on brings, and how sure that is (relative error).
    """
    rng = np.random.default_rng(SEED + 1)
    now = rng.beta(change.now * change.n_now + 0.5, (1 - change.now) * change.n_now + 0.5, DRAWS)
    before = rng.beta(change.before * change.n_before + 0.5, (1 - change.before) * change.n_before + 0.5, DRAWS)
    worth = value[0] * np.exp(rng.normal(0, value[1], DRAWS))
    cost = -(now - before) * change.n_now * loss.draws * worth
    low, high = np.quantile(cost, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    middle = -change.extra * (loss.fair - loss.observed) * value[0]
    return float(middle), float(low), float(high)


def follow_contacts(question: Question, is_bad: np.ndarray) -> tuple[Loss | None, str]:
    """Compare how contacts in a bad state go on with like contacts; returns that and the stage looked at."""
    records = question.journeys.records["contact"]
    created = records.reached.get(("lead", "all"))
    for stage in ("opportunity", "sql", "mql", "won"):
        reached = records.reached.get((stage, "all"))
        if created is None or reached is None or question.journeys.homes.get(stage, "contact") == "session":
            continue
        start, stop = created.astype(np.int64), reached.astype(np.int64)
        goes_on = (start != NO_DAY) & (stop != NO_DAY) & (stop >= start)
        if goes_on.sum() < 50:
            continue
        horizon = int(np.quantile((stop - start)[goes_on], AGE))
        judged = (start != NO_DAY) & (start <= day_number(question.as_of) - horizon)
        judged &= start >= day_number(min([question.period.start, *(one.start for one in question.expected)]))
        in_time = goes_on & (stop - start <= horizon)
        return compare_like(is_bad, in_time, judged, question.list_kinds("contact")), stage
    return None, ""


def tell_contacts(question: Question, rule: CauseRule, change: Change, is_bad: np.ndarray, what: str) -> Answer:
    """Say how a bad share of new contacts changed, how such contacts go on, and what that costs.

    Args:
        question: What is asked about.
        rule: What is asked.
        change: How the share of the bad state changed.
        is_bad: Whether a contact is in it.
        what: The bad share in words.
    """
    answer = tell_change(rule, change, what)
    if answer.verdict != EVIDENCE:
        return replace(answer, object="contact", rows=answer.rows)
    loss, stage = follow_contacts(question, is_bad)
    answer = replace(answer, object="contact", rows=change.rows)
    if loss is None:
        return replace(answer, why_no_money="too few contacts of either kind are old enough to tell how they go on")
    label = question.company.catalog.stages[stage].label
    told = f"; such contacts become {label} in {_share(loss.observed)} of cases, like ones in {_share(loss.fair)}"
    answer = replace(answer, statement=answer.statement + told)
    value = question.find_value("contact", stage)
    if not loss.is_clear:
        why = "such contacts don't go on less often than like ones beyond chance"
        return replace(answer, why_no_money=why, is_free=True)
    if value is None:
        return replace(answer, why_no_money="no closed revenue says what such a contact brings")
    money, low, high = price(change, loss, value)
    return replace(answer, money=money, low=low, high=high, counts_for=LATER)


def tell_change(rule: CauseRule, change: Change, what: str, *, bad: str = "up") -> Answer:
    """Say how a share moved, and whether that is evidence."""
    if not change.is_comparable(rule):
        return too_few(min(change.n_now, change.n_before), rule.least_records)
    worse = change.is_worse(rule, bad=bad)
    statement = f"{what}: {_share(change.before)} before, {_share(change.now)} now"
    if worse and not change.fits:
        statement += f", since {change.began.label}"
    return Answer(
        EVIDENCE if worse else NO_SIGN, statement, n=change.n_now, n_before=change.n_before, p_value=change.p_value,
        rows=change.rows if worse else np.empty(0, np.int64), began=change.began.start if worse else None,
        fits=change.fits,
    )  # fmt: skip


def _share(share: float) -> str:
    return format_value(share, "share")


def price_records(question: Question, answer: Answer, inside: np.ndarray) -> Answer:
    """Price a step on a certain day: contacts from then on × what each misses against those of its slice before.

    Args:
        question: What is asked about.
        answer: What was found; its slice and first day say with which contacts those since are compared.
        inside: The contacts since the step.
    """
    records = question.journeys.records["contact"]
    since = np.zeros(records.n, bool)
    since[inside] = True
    created = records.reached.get(("lead", "all"))
    peers = np.ones(records.n, bool)
    dimension, _, value = answer.slice.partition("=")
    if value:
        peers = question.journeys.labels[dimension][records.codes[dimension]] == value
    for stage in ("mql", "sql", "opportunity", "won"):
        reached = records.reached.get((stage, "all"))
        worth = question.find_value("contact", stage)
        if created is None or reached is None or (reached != NO_DAY).sum() < 50:
            continue
        start, stop = created.astype(np.int64), reached.astype(np.int64)
        goes_on = (start != NO_DAY) & (stop != NO_DAY) & (stop >= start)
        horizon = min(int(np.quantile((stop - start)[goes_on], AGE)), 30)
        judged = peers & (start != NO_DAY) & (start <= day_number(question.as_of) - horizon)
        judged &= start >= day_number(min([question.period.start, *(one.start for one in question.expected)]))
        loss = compare_like(since, goes_on & (stop - start <= horizon), judged, np.zeros(records.n, np.int64), least=30)
        if loss is None:
            return replace(answer, why_no_money="too few contacts are old enough to tell how they go on")
        if worth is None:
            return replace(answer, why_no_money="no closed revenue says what such a contact brings")
        if not loss.is_clear:
            return replace(answer, why_no_money="these contacts don't go on less often than those before beyond chance")
        whole = Change(1.0, 0.0, len(inside), len(inside), 0.0, question.period, True, inside)
        money, low, high = price(whole, loss, worth)
        return replace(answer, money=money, low=low, high=high, counts_for=LATER)
    return replace(answer, why_no_money="no later step of these contacts is dated")
