"""The landing as thousands of futures: each open deal wins or doesn't at its age, with doubt about every parameter.

First the parameters are drawn, each with the doubt that its own past leaves; then what happens given them. Wins come
from deals that are open today, by their age, and from deals created between today and the period's end. Large deals
are often lost more than small ones, so the larger half of the open deals has shares of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.analyses.landing_deals import DealBook, DealsThen
from helpers.engine.timeline import day_number
from helpers.model.goal import GoalRules
from helpers.periods import Period

PRIOR_DEALS = 2.0
"""Deals by which an age's own share of wins is held to that of all ages."""

WIN_SHOCK, VOLUME_SHOCK = 0.16, 0.25
"""How far periods are thought to differ for reasons of their own (standard deviation of a logarithm) before any have
been seen."""

SHOCKS = np.linspace(0.0, 0.8, 41)
WINDOWS = (1, 2, 4)
MOST_SIZES = 1000
MOST_CELLS = 4_000_000
LEAST_RATIOS = 5


@dataclass(frozen=True)
class Past:
    """What became of the deals of one earlier period, seen from the day that lies alike in it.

    Attributes:
        n, won: Per half (the smaller, the larger) and age: deals open on that day, and those of them won by the
            period's end. Deals without an amount are in the first half.
        created, created_won: Deals created after that day up to the period's end, and those of them won by then.
    """

    n: np.ndarray
    won: np.ndarray
    created: int
    created_won: int


@dataclass(frozen=True)
class Learnt:
    """What the earlier periods tell, oldest first, and the sizes of what was won in them.

    Attributes:
        pasts: One entry per earlier period.
        sizes: Amounts won, currency.
        ratios: Amount won ÷ amount that the deal stood at on the day that lies alike; 1 alone where too few tell.
    """

    pasts: tuple[Past, ...]
    sizes: np.ndarray
    ratios: np.ndarray


def draw_landing(book: DealBook, day: int, period: Period, rules: GoalRules) -> tuple[np.ndarray, int, str]:
    """Draw what a period may bring, seen from a day.

    Args:
        book: The deals.
        day: Day number; what happened later is not looked at.
        period: The period, running or to come.
        rules: What ``goals.toml`` says: number of draws and seed.

    Returns:
        The draws (currency, bookings to date among them), the number of earlier periods learnt from, and why there are
        no draws (empty where there are some).

    Source:
        Share won per half and age: Beta posterior around the share of its age, which is held to that of all ages (life
        table: only deals still open at that age are counted). Wins among deals to be created: Beta(won + ½, n − won +
        ½). Their number: Poisson around the mean of the window of periods that foresaw earlier ones best. Periods
        differ beyond chance by a lognormal factor whose spread is drawn from its posterior. Sizes: resampled deal by
        deal from a resample of those won.
    """
    learnt = learn(book, day, period)
    if not learnt.pasts:
        return np.array([]), 0, "No earlier period shows what became of the deals that were open at its like point."
    if not len(learnt.sizes):
        return np.array([]), len(learnt.pasts), "No deal with an amount was won in the earlier periods."
    generator = np.random.default_rng(rules.simulation.seed)
    draws, now = rules.simulation.draws, book.on(day)
    shock = _draw_win_shock(generator, learnt.pasts, draws)
    share = _draw_shares(generator, learnt.pasts, shock)
    landed = np.full(draws, now.booked(day_number(period.start), day_number(period.end)))
    group = _group(book, now, period, learnt.pasts[0].n.shape[1])
    known = now.is_open & np.isfinite(now.amount)
    landed += _win_known(generator, share, group[known], now.amount[known], learnt.ratios)
    unknown = np.bincount(group[now.is_open & ~known], minlength=share.shape[1])
    wins = generator.binomial(unknown[None, :], share).sum(axis=1)
    wins += _win_created(generator, learnt.pasts, shock)
    landed += _add_sizes(generator, wins, learnt.sizes)
    return landed, len(learnt.pasts), ""


def learn(book: DealBook, day: int, period: Period) -> Learnt:
    """Look at earlier periods from the day that lies alike in each, with what is known on a day."""
    now, pasts, ratios = book.on(day), [], []
    classes = int(book.ages(np.array([book.begins - 100_000]), period)[0]) + 1
    first_seen = day + 1
    for then_day, past in book.earlier(day, period):
        then, end = book.on(then_day), day_number(past.end)
        pasts.append(_count_past(book, then, now, past, end, classes))
        won = then.is_open & np.isfinite(then.amount) & now.wins_between(then_day + 1, end) & (now.won_amount > 0)
        ratios.append(now.won_amount[won] / then.amount[won])
        first_seen = min(first_seen, day_number(past.start))
    won = now.wins_between(first_seen, day) & (now.won_amount > 0)
    newest = np.argsort(-now.won_on[won], kind="stable")[:MOST_SIZES]
    all_ratios = np.concatenate(ratios) if ratios else np.array([])
    told = all_ratios if len(all_ratios) >= LEAST_RATIOS else np.array([1.0])
    return Learnt(tuple(pasts[::-1]), now.won_amount[won][newest], told)


def _group(book: DealBook, then: DealsThen, period: Period, classes: int) -> np.ndarray:
    """Tell each deal's half and age as one number: its age, and ``classes`` more in the larger half."""
    known = then.is_open & np.isfinite(then.amount)
    middle = np.median(then.amount[known]) if known.any() else np.inf
    return book.ages(then.created, period) + classes * (known & (then.amount > middle))


def _count_past(book: DealBook, then: DealsThen, now: DealsThen, past: Period, end: int, classes: int) -> Past:
    group = _group(book, then, past, classes)
    # Of a period further ahead, wins in the periods before it are none of its own.
    won = now.wins_between(max(then.day + 1, day_number(past.start)), end)
    later = book.counted & (then.created > then.day) & (then.created <= end)
    return Past(
        np.bincount(group[then.is_open], minlength=2 * classes).reshape(2, classes),
        np.bincount(group[then.is_open & won], minlength=2 * classes).reshape(2, classes),
        int(later.sum()),
        int((later & won).sum()),
    )


def _draw_shares(generator: np.random.Generator, pasts: Sequence[Past], shock: np.ndarray) -> np.ndarray:
    """Draw the share won per half and age, one row per draw."""
    n, won = (np.sum([getattr(past, name) for past in pasts], axis=0) for name in ("n", "won"))
    usual = won.sum() / n.sum() if n.sum() else 0.0
    of_age = (won.sum(axis=0) + PRIOR_DEALS * usual) / (n.sum(axis=0) + PRIOR_DEALS)
    alpha = (won + PRIOR_DEALS * of_age + 1e-6).ravel()
    beta = (n - won + PRIOR_DEALS * (1 - of_age) + 1e-6).ravel()
    return np.minimum(generator.beta(alpha, beta, (len(shock), n.size)) * shock[:, None], 1.0)


def _draw_win_shock(generator: np.random.Generator, pasts: Sequence[Past], draws: int) -> np.ndarray:
    """Draw the factor by which a period's wins differ from what ages and numbers explain."""
    n = np.array([[*past.n.ravel(), past.created] for past in pasts], dtype=float)
    won = np.array([[*past.won.ravel(), past.created_won] for past in pasts], dtype=float)
    share = won.sum(axis=0) / np.maximum(n.sum(axis=0), 1)
    expected, noise = n @ share, n @ (share * (1 - share))
    told = expected > 0
    ratio, variance = won[told].sum(axis=1) / expected[told], noise[told] / expected[told] ** 2
    return _draw_factor(generator, fit_spread(ratio, variance), WIN_SHOCK, draws)


def fit_spread(ratio: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Weigh how far periods differ beyond chance.

    Args:
        ratio: Per period what came ÷ what was expected.
        variance: Of each ratio by chance alone.

    Returns:
        The restricted log-likelihood of each spread in ``SHOCKS``: the level is fitted to the same periods.
    """
    total = np.maximum(variance[None, :] + SHOCKS[:, None] ** 2, 1e-9)
    weight = 1 / total
    middle = (weight * ratio).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)
    fit = -0.5 * (np.log(total) + weight * (ratio - middle[:, None]) ** 2).sum(axis=1)
    return fit - 0.5 * np.log(np.maximum(weight.sum(axis=1), 1e-9))


def draw_spread(generator: np.random.Generator, fit: np.ndarray, usual: float, draws: int) -> np.ndarray:
    """Draw a spread per future from its posterior over ``SHOCKS``; without any period seen it is about the usual one.

    Args:
        generator: Of chance.
        fit: As made by ``fit_spread`` or ``foresee_count``.
        usual: How far periods are thought to differ before any have been seen.
        draws: How many.
    """
    log_posterior = fit - 0.5 * (SHOCKS / usual) ** 2
    posterior = np.exp(log_posterior - log_posterior.max())
    return generator.choice(SHOCKS, size=draws, p=posterior / posterior.sum())


def _draw_factor(generator: np.random.Generator, fit: np.ndarray, usual: float, draws: int) -> np.ndarray:
    """Draw a lognormal factor of mean 1 whose spread comes from its posterior over ``SHOCKS``."""
    spread = draw_spread(generator, fit, usual, draws)
    return np.exp(spread * generator.standard_normal(draws) - spread**2 / 2)


def _win_known(
    generator: np.random.Generator, share: np.ndarray, group: np.ndarray, amounts: np.ndarray, ratios: np.ndarray
) -> np.ndarray:
    """Draw what open deals with a known amount bring: each wins or not, at its amount × an earlier deal's change."""
    draws, landed = len(share), np.zeros(len(share))
    step = max(1, MOST_CELLS // max(len(group), 1))
    for start in range(0, draws if len(group) else 0, step):
        part = share[start : start + step]
        draw, deal = np.nonzero(generator.random((len(part), len(group))) < part[:, group])
        changed = amounts[deal] * _resample(generator, draw, ratios, len(part))
        landed[start : start + step] = np.bincount(draw, weights=changed, minlength=len(part))
    return landed


def _win_created(generator: np.random.Generator, pasts: Sequence[Past], shock: np.ndarray) -> np.ndarray:
    """Draw how many deals created from now on are won by the period's end."""
    counts = np.array([past.created for past in pasts], dtype=float)
    won = sum(past.created_won for past in pasts)
    level, fit = foresee_count(counts)
    number = generator.poisson(level * _draw_factor(generator, fit, VOLUME_SHOCK, len(shock)))
    share = generator.beta(won + 0.5, counts.sum() - won + 0.5, len(shock))
    return generator.binomial(number, np.minimum(share * shock, 1.0))


def foresee_count(counts: np.ndarray) -> tuple[float, np.ndarray]:
    """Foresee the next count from those before by the window that foresaw the earlier ones best.

    Args:
        counts: Per period, oldest first; at least one.

    Returns:
        The mean over the best window of 1, 2 or 4 periods, and per spread of ``SHOCKS`` the log-likelihood of its
        earlier errors, beyond those of counting (Poisson).
    """
    none = np.zeros(len(SHOCKS))
    errors = {}
    for window in WINDOWS:
        at = range(max(WINDOWS), len(counts))
        seen = [(counts[i - window : i].mean(), counts[i]) for i in at]
        if len(seen) >= 2:
            errors[window] = np.array(seen)
    if not errors:
        recent = counts[-max(WINDOWS) :]
        variance = 1 / np.maximum(recent, 1)
        total = variance[None, :] + SHOCKS[:, None] ** 2
        logs = np.log(recent + 0.5) - np.log(recent.mean() + 0.5)
        return float(recent.mean()), -0.5 * (np.log(total) + logs**2 / total).sum(axis=1) if len(recent) > 1 else none
    gaps = {window: np.log(pair[:, 1] + 0.5) - np.log(pair[:, 0] + 0.5) for window, pair in errors.items()}
    best = min(gaps, key=lambda window: (float(np.mean(gaps[window] ** 2)), -window))
    foreseen, came = errors[best].T
    variance = 1 / np.maximum(came, 1) + 1 / np.maximum(best * foreseen, 1)
    total = variance[None, :] + SHOCKS[:, None] ** 2
    return float(counts[-best:].mean()), -0.5 * (np.log(total) + gaps[best] ** 2 / total).sum(axis=1)


def _add_sizes(generator: np.random.Generator, wins: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    draw = np.repeat(np.arange(len(wins)), wins)
    return np.bincount(draw, weights=_resample(generator, draw, sizes, len(wins)), minlength=len(wins))


def _resample(generator: np.random.Generator, draw: np.ndarray, values: np.ndarray, draws: int) -> np.ndarray:
    """Pick one value per entry from its own draw's resample of the values, so that their mean is in doubt too."""
    sample = generator.integers(0, len(values), (draws, len(values)), dtype=np.int32)
    return values[sample[draw, generator.integers(0, len(values), len(draw))]]
