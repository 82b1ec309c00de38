"""Method in the pipeline: one process for deals that need different ones, and deals that stand still in their stage."""

from dataclasses import dataclass, replace

import numpy as np

from helpers.analyses.five_m_method import find_touches
from helpers.analyses.five_m_question import EVIDENCE, NO_SIGN, UNTESTED, Answer, Question, too_few
from helpers.analyses.five_m_shares import Change, measure_change, tell_change
from helpers.analyses.leaf_dimensions import FIRST_ASKED
from helpers.analyses.process_tests import chance_of, compare_ranks, matters
from helpers.analyses.stage_visits import HISTORY, find_visits
from helpers.engine.timeline import NO_DAY, day_number
from helpers.model.cause import CauseRule
from helpers.units import format_value, in_sentence

ALIKE = 1.25
"""Two slices are worked alike where neither takes this many times the days or touches of the other."""

UNLIKE = 2.0
"""Two slices need different work where the deals of one are this many times as large as those of the other."""

SURE = 0.001
"""p-value up to which a difference in size is beyond doubt."""

USUAL_STAY = 0.9
FEWEST_STAYS = 20
MOST_VALUES = 8


@dataclass(frozen=True)
class Worked:
    """Hold how the deals of one slice are worked."""

    code: int
    days: float
    touches: float
    steps: float
    size: float
    sizes: np.ndarray
    change: Change


def ask_one_process(question: Question, rule: CauseRule) -> Answer:
    """Tell whether slices whose deals differ are worked alike while the win rate of one of them falls."""
    decided = question.decided
    if decided is None:
        return Answer(UNTESTED, "Needs won and lost deals: map the deal's stage and close date")
    touches, steps = find_touches(question), _count_steps(question)
    groups = question.list_groups("deal", skip=("team", "role", "type", "pipeline"))
    order = [id for id in ("segment", *FIRST_ASKED) if id in groups]
    found, looked, most = [], 0, 0
    for id in dict.fromkeys(order):
        slices = _measure_slices(question, rule, groups[id][0], touches, steps)
        most = max([most, *(one.change.n_now for one in slices)])
        looked += len(slices) if len(slices) > 1 else 0
        for falling in slices:
            other = _find_unlike(falling, slices)
            if other is not None:
                p_value = max(falling.change.p_value, _chance_of_both(falling.change, other.change))
                found.append((p_value, id, falling, other))
    if not looked:
        return too_few(most, rule.least_records)
    if not found:
        return Answer(NO_SIGN, "No two slices whose deals differ in size are worked alike", n=most)
    p_value, id, falling, other = min(found, key=lambda one: one[0])
    answer = _tell_process(question, id, falling, other)
    p_value = min(p_value * looked, 1.0)
    is_worse = replace(falling.change, p_value=p_value).is_worse(rule, bad="down")
    decided_now = question.place(decided.day) == len(question.expected)
    rows = np.flatnonzero(decided_now & (groups[id][0] == falling.code))
    return replace(
        answer, verdict=EVIDENCE if is_worse else NO_SIGN, p_value=p_value, object="deal", rows=rows,
        slice=f"{id}={groups[id][1][falling.code]}", fits=falling.change.fits,
        why_no_money="the search over slices tells what the fall of its win rate costs" if is_worse else "",
    )  # fmt: skip


def _measure_slices(question: Question, rule: CauseRule, codes: np.ndarray, touches, steps) -> list[Worked]:
    """Measure days, touches, steps, size and win rate of each slice with enough deals on both sides."""
    decided = question.decided
    place = question.place(decided.day)
    found = []
    values, counts = np.unique(codes[place >= 0], return_counts=True)
    for code in values[np.argsort(-counts, kind="stable")][:MOST_VALUES]:
        inside = (codes == code) & (decided.day != NO_DAY)
        change = measure_change(question, decided.is_won, decided.day, inside)
        seen = inside & (place >= 0)
        dated = seen & (decided.created != NO_DAY) & (decided.day >= decided.created)
        sizes = decided.amount[seen & decided.is_won]
        sizes = sizes[~np.isnan(sizes)]
        if not change.is_comparable(rule) or dated.sum() < rule.least_records or len(sizes) < 10:
            continue
        days = float(np.mean((decided.day - decided.created)[dated]))
        means = [_mean_of(numbers, seen, rule.least_records) for numbers in (touches, steps)]
        found.append(Worked(int(code), days, *means, float(np.median(sizes)), sizes, change))
    return found


def _find_unlike(falling: Worked, slices: list[Worked]) -> Worked | None:
    """Return the slice whose deals differ most from a falling one's and which is worked alike; None where none is."""
    if falling.change.extra >= 0:
        return None
    alike = [
        other for other in slices
        if other is not falling and _are_unlike(other.sizes, falling.sizes)
        and _ratio(other.days, falling.days) <= ALIKE
        and _is_alike(other.touches, falling.touches) and _is_alike(other.steps, falling.steps)
    ]  # fmt: skip
    return max(alike, key=lambda other: _ratio(other.size, falling.size), default=None)


def _are_unlike(one: np.ndarray, other: np.ndarray) -> bool:
    """Tell whether the deals of one slice are clearly larger: by median, by mean, and beyond chance."""
    ratios = [_ratio(float(tell(one)), float(tell(other))) for tell in (np.median, np.mean)]
    return min(ratios) >= UNLIKE and compare_ranks(one, other) <= SURE


def _chance_of_both(falling: Change, other: Change) -> float:
    """Return how likely a rate falls so much further than another one's by chance; 1 where the other fell as far."""
    from scipy.special import erfc

    fall = (falling.now - falling.before) - (other.now - other.before)
    variance = sum(
        share * (1 - share) / max(n, 1)
        for one in (falling, other)
        for share, n in ((one.now, one.n_now), (one.before, one.n_before))
    )
    return float(erfc(-fall / np.sqrt(2 * variance))) if fall < 0 and variance > 0 else 1.0


def _is_alike(one: float, other: float) -> bool:
    """Tell whether two means are alike; one that isn't known says nothing against it."""
    return bool(np.isnan(one) or np.isnan(other) or _ratio(one, other) <= ALIKE)


def _mean_of(numbers: np.ndarray | None, rows: np.ndarray, least: int) -> float:
    """Return the mean over the rows that know the number, NaN where they are few."""
    known = np.empty(0) if numbers is None else numbers[rows & ~np.isnan(numbers)]
    return float(known.mean()) if len(known) >= least else np.nan


def _count_steps(question: Question) -> np.ndarray | None:
    """Return through how many stages each deal went by its history; None without one."""
    visits = find_visits(question.company, question.journeys, "deal")
    if visits is None or visits.object != "deal" or visits.source != HISTORY:
        return None
    counts = np.bincount(visits.record, minlength=visits.n_records).astype(float)
    return np.where(counts > 0, counts, np.nan)


def _ratio(one: float, other: float) -> float:
    low, high = sorted((max(one, 1e-9), max(other, 1e-9)))
    return high / low


def _tell_process(question: Question, id: str, falling: Worked, other: Worked) -> Answer:
    labels, currency = question.journeys.labels[id], question.company.currency
    label = in_sentence(question.company.partitions[id].label)
    sizes = [format_value(one.size, "currency", currency=currency) for one in (falling, other)]
    worked = f"{falling.days:.0f} and {other.days:.0f} days"
    for name in ("touches", "steps"):
        one, two = getattr(falling, name), getattr(other, name)
        worked += "" if np.isnan(one) or np.isnan(two) else f", {one:.1f} and {two:.1f} {name}"
    change = falling.change
    statement = (
        f"Deals of {label} {labels[falling.code]} and {labels[other.code]} are worked alike ({worked}) though they "
        f"differ in size ({sizes[0]} and {sizes[1]}); of {labels[falling.code]}, "
        f"{format_value(change.before, 'share')} were won before, {format_value(change.now, 'share')} now"
    )
    return Answer(NO_SIGN, statement, n=change.n_now, n_before=change.n_before, began=change.began.start)


def ask_stalled(question: Question, rule: CauseRule) -> Answer:
    """Compare the share of open deals that have been in their stage for longer than nine in ten that left it."""
    visits = find_visits(question.company, question.journeys, "deal")
    if visits is None or visits.object != "deal" or not question.expected:
        return Answer(UNTESTED, "Needs changes of the deals' stages: export the deal history and map changed_at")
    usual = _usual_stay(visits, day_number(question.period.start))
    counts = [_count_stalled(visits, usual, day_number(one.end)) for one in (*question.expected, question.period)]
    k, n = (np.array([one[place] for one in counts], float) for place in (0, 1))
    if min(n[-1], n[:-1].sum()) < rule.least_records:
        return too_few(int(min(n[-1], n[:-1].sum())), rule.least_records)
    now, before = k[-1] / n[-1], k[:-1].sum() / n[:-1].sum()
    change = Change(
        now, before, int(n[-1]), int(n[:-1].sum()), chance_of(k[-1], n[-1], k[:-1], n[:-1]), question.period, True,
        counts[-1][2],
    )  # fmt: skip
    answer = tell_change(rule, change, "Open deals longer in their stage than nine in ten that left it")
    answer = replace(answer, object="deal")
    if answer.verdict != EVIDENCE or not matters(now - before, before, rule.least_change):
        return answer
    return _price_stalled(question, answer, change)


def _usual_stay(visits, until: int) -> np.ndarray:
    """Return per stage after how many days nine in ten of the deals had left it, NaN where too few did."""
    stay = np.full(len(visits.labels), np.nan)
    left = (visits.until != NO_DAY) & (visits.until < until)
    for stage in range(visits.n_open_stages):
        mine = left & (visits.stage == stage)
        if mine.sum() >= FEWEST_STAYS:
            stay[stage] = np.quantile((visits.until - visits.day)[mine], USUAL_STAY)
    return stay


def _count_stalled(visits, usual: np.ndarray, day: int) -> tuple[int, int, np.ndarray]:
    """Return how many open deals were stalled on a day, how many were open, and which were stalled."""
    there = (visits.stage < visits.n_open_stages) & (visits.day <= day)
    there &= ((visits.until == NO_DAY) | (visits.until > day)) & ~np.isnan(usual[visits.stage])
    stalled = there & (day - visits.day > np.nan_to_num(usual[visits.stage], nan=np.inf))
    return int(stalled.sum()), int(there.sum()), np.unique(visits.record[stalled])


def _price_stalled(question: Question, answer: Answer, change: Change) -> Answer:
    """Say what the stalled deals are worth; what they cost isn't known while they are open."""
    deals = question.journeys.deals
    amount = np.nansum(deals.amount[change.rows]) if deals is not None else 0.0
    worth = format_value(float(amount), "currency", currency=question.company.currency)
    return replace(
        answer, statement=f"{answer.statement}; {len(change.rows)} deals worth {worth}",
        why_no_money="they are still open: what is lost shows when they are decided",
    )  # fmt: skip
