"""Futures of a company's revenue: doubt about what is not known, then chance given it, joined over the periods ahead.

What is booked is certain. What is open wins at its age or doesn't, and what is not won in one period is left for the
next. Records to come are drawn per period around one level: the level's doubt is shared by all periods of a future, the
spread from period to period is not, so that a year is surer than the sum of its periods' ranges.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.analyses.close_curve import MEAN, POOLED
from helpers.analyses.goal_expectation import expect_volume, measure_residual_spread
from helpers.analyses.goal_pipe import OPEN, TO_COME
from helpers.analyses.landing_simulation import SHOCKS, WIN_SHOCK, draw_spread, fit_spread
from helpers.analyses.revenue_history import ENOUGH_PERIODS, LEARNT_FROM, RevenueHistory
from helpers.model.goal import GoalRules
from helpers.periods import MONTHS_IN, Period

SEASON_DOUBT = 0.3
"""Variance of a season told by one or two like periods and half believed, as a part of the variance of one period."""

MANY_WINS = 400
"""Wins per period from which on their sizes are added up by mean and variance instead of one by one."""


@dataclass(frozen=True)
class RevenueDraws:
    """Revenue per period ahead, one number per future in each array (currency).

    Attributes:
        new: New business per period, running period first, bookings to date among them.
        existing: Existing business likewise; empty arrays don't occur, a company without any has zeros.
        own: New business as drawn without the landing simulation.
        basis: Per period what the draws rest on, in words.
        n: Per period the earlier periods learnt from.
    """

    new: Mapping[Period, np.ndarray]
    existing: Mapping[Period, np.ndarray]
    own: Mapping[Period, np.ndarray]
    basis: Mapping[Period, str]
    n: Mapping[Period, int]


def draw_revenue(history: RevenueHistory, periods: Sequence[Period], *, rules: GoalRules) -> RevenueDraws:
    """Draw the revenue of the running period and those after it.

    Args:
        history: What the company's past tells.
        periods: Periods ahead without a hole, the running one first.
        rules: What ``goals.toml`` says: draws, seed, spreads where history is short.

    Returns:
        The draws. In periods that the landing simulation foresees new business has exactly its draws, put into the
        order of the futures drawn here, so that the landing and the outlook are one number and the year's sum knows
        how its periods hang together.

    Source:
        Records: lognormal level (one per future), Gamma per period, Poisson. Shares per age and step: Beta(won + p,
        n − won + 1 − p), p the share of that step at all ages. Wins: binomial of what is still open. Periods' win rates
        differ by a lognormal factor. Deal sizes: a bootstrap sample per future, then one size per win from it. Existing
        business: lognormal level and Gamma per period.
    """
    generator = np.random.default_rng(rules.simulation.seed)
    wins = _draw_wins(history, periods, generator, rules)
    sizes = _Sizes(history.sizes, generator, rules.simulation.draws)
    own = {period: history.booked * (i == 0) + sizes.add_up(wins[i]) for i, period in enumerate(periods)}
    existing, said = _draw_existing(history, periods, generator, rules)
    new, basis, n = {}, {}, {}
    for period, draws in own.items():
        landed = history.landings.get(period)
        new[period] = draws if landed is None else _reorder(landed[0], draws)
        n[period] = len(_learn_periods(history)) if landed is None else landed[1]
        basis[period] = f"{_say_basis(history, landed is not None, n[period], period.grain)}{said}"
    return RevenueDraws(new, existing, own, basis, n)


def expect_records(history: RevenueHistory, periods: Sequence[Period], *, rules: GoalRules) -> dict[Period, float]:
    """Expect how many records of new business each period ahead brings in all, as the matrix expects volumes."""
    past = _learn_periods(history, most=None)
    series = pd.Series(
        [history.created[period] for period in past], index=pd.DatetimeIndex([period.start for period in past])
    ).astype(float)
    starts = [pd.Timestamp(period.start) for period in periods]
    grain = periods[0].grain if periods else history.running.grain
    expected = expect_volume(series, starts, grain=grain, rules=rules)
    return {period: 0.0 if np.isnan(value) else float(value) for period, value in zip(periods, expected, strict=True)}


def tabulate_rates(history: RevenueHistory, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Lay counts of ``measure_open_rates`` out as two tables, age by step: records seen, and those won."""
    mine = history.rates[history.rates["part"] == part]
    size = int(history.rates[["age", "step"]].to_numpy().max()) + 1 if len(history.rates) else 1
    n, won = np.zeros((size, size)), np.zeros((size, size))
    at = (mine["age"].to_numpy(dtype=int), mine["step"].to_numpy(dtype=int))
    n[at], won[at] = mine["n"].to_numpy(dtype=float), mine["won"].to_numpy(dtype=float)
    return n, won


def read_pooled(history: RevenueHistory) -> tuple[np.ndarray, np.ndarray]:
    """Return records seen and won per age of the pooled close curve."""
    pooled = history.curve[history.curve["cohort"] == POOLED].sort_values("age")
    return pooled["n"].to_numpy(dtype=float), pooled["won"].to_numpy(dtype=float)


def _learn_periods(history: RevenueHistory, most: int | None = LEARNT_FROM) -> list[Period]:
    """List the whole periods that tell how many records come; a first one that had hardly begun tells nothing."""
    ended = history.ended
    if len(ended) > ENOUGH_PERIODS and history.created[ended[0]] < 0.5 * history.created[ended[1]]:
        ended = ended[1:]
    return ended if most is None else ended[-most:]


def _draw_wins(
    history: RevenueHistory, periods: Sequence[Period], generator: np.random.Generator, rules: GoalRules
) -> list[np.ndarray]:
    draws, count = rules.simulation.draws, len(periods)
    factors = _draw_win_factors(history, generator, count, draws)
    wins = [np.zeros(draws, dtype=np.int64) for _ in periods]
    n, won = tabulate_rates(history, OPEN)
    seeds = iter(generator.spawn(len(history.open_by_age) + 2 * count + 2))
    for age, still in enumerate(history.open_by_age):
        own = next(seeds)
        if age < len(n) and still:
            shares = _draw_shares(own, n[age], won[age], n.sum(axis=0), won.sum(axis=0), count, draws)
            _win(own, np.full(draws, still), shares, factors, wins, 0)
    volumes = _draw_records(history, periods, next(seeds), rules)
    n, won = tabulate_rates(history, TO_COME)
    shares = _draw_shares(next(seeds), n[0], won[0], n[0], won[0], count, draws)
    _win(next(seeds), volumes[0], shares, factors, wins, 0)
    n, won = read_pooled(history)
    # One curve per future: its doubt is the same for whatever period the records come in.
    shares = _draw_shares(next(seeds), n, won, n, won, count, draws)
    for place in range(1, count):
        _win(next(seeds), volumes[place], shares[: count - place], factors, wins, place)
    return wins


def _draw_records(
    history: RevenueHistory, periods: Sequence[Period], generator: np.random.Generator, rules: GoalRules
) -> list[np.ndarray]:
    """Draw the records to come: in the rest of the running period, and in each one after it."""
    draws, past = rules.simulation.draws, _learn_periods(history)
    counts = np.array([history.created[period] for period in past], dtype=float)
    fit = fit_trend(counts + 0.5, 1 / np.maximum(counts, 1))
    spread = draw_spread(generator, fit, rules.variability.volume, draws)
    mean = max(float(counts.mean()), 1.0) if len(counts) else 1.0
    level, wide = generator.standard_normal(draws), np.sqrt(spread**2 + 1 / mean)
    expected = expect_records(history, periods, rules=rules)
    volumes = []
    for place, period in enumerate(periods):
        usual = expected[period] * (history.rest if place == 0 else 1.0)
        sigma = wide * np.sqrt(doubt_level(len(past), period.grain, rules, ahead=place + 1))
        usual = usual * np.exp(sigma * level - sigma**2 / 2)
        volumes.append(generator.poisson(usual * draw_level(generator, spread, draws)))
    return volumes


def doubt_level(periods: int, grain: str, rules: GoalRules, *, ahead: int = 1, grows: bool = True) -> float:
    """Tell how unsure the level of an expectation is: its variance as a part of that of one period.

    Args:
        periods: How many whole periods the history has.
        grain: Their length.
        rules: What ``goals.toml`` says: how many years make the level, how far growth and season are carried on.
        ahead: How many periods ahead is expected; 1 is the next.
        grows: Whether season and growth are carried on, as ``expect_volume`` does; ``expect_ratio`` does not.

    Returns:
        A share of the variance from period to period; 1 ÷ periods of the window and, from two years of history on,
        what a growth and a season read off the same periods add where there is none of either.

    Source:
        Level = mean of the last year × (last ÷ year before)^(weight × years): of the last year's logarithm 1 + weight ×
        years parts, of the year before weight × years parts. Season: its weight on one or two like periods.
    """
    year = 12 // MONTHS_IN[grain]
    window = min(max(periods, 1), year * rules.expectation.window_years)
    if not grows or periods < 2 * year:
        return 1 / window
    carried = rules.expectation.growth_weight * (ahead + (year - 1) / 2) / year
    season = SEASON_DOUBT * rules.expectation.season_weight**2 if year > 1 else 0.0
    return ((1 + carried) ** 2 + carried**2) / window + season


def fit_trend(values: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Weigh how far a KPI differs from period to period around its own trend, beyond chance.

    Args:
        values: Per whole period, oldest first.
        variance: Of each by chance alone, relative to it; counts vary by 1 ÷ count.

    Returns:
        The log-likelihood of each spread in ``SHOCKS``; with fewer than four values all are alike.
    """
    if len(values) < ENOUGH_PERIODS:
        return np.zeros(len(SHOCKS))
    logs = np.log(values)
    first, second = np.triu_indices(len(logs), k=1)
    slope = np.median((logs[second] - logs[first]) / (second - first))
    off = logs - slope * np.arange(len(logs))
    # The slope is fitted too, and takes its part of what the values differ.
    off = (off - off.mean()) * np.sqrt((len(off) - 1) / (len(off) - 2))
    return fit_spread(1 + off, variance)


def _draw_win_factors(
    history: RevenueHistory, generator: np.random.Generator, count: int, draws: int
) -> list[np.ndarray]:
    """Draw by which factor each period's wins differ from what ages and numbers explain; one level for all of them."""
    cohorts = history.curve[~history.curve["cohort"].isin([MEAN, POOLED])]
    n, won = read_pooled(history)
    share = won / np.maximum(n, 1)
    places = {period.start.isoformat(): place for place, period in enumerate(history.created)}
    came, expected, noise = (np.zeros(len(places) + len(share)) for _ in range(3))
    for row in cohorts[cohorts["is_complete"].astype(bool)].itertuples():
        at = places.get(row.cohort, -1)
        if at >= 0 and row.age < len(share):
            came[at + row.age] += row.won
            expected[at + row.age] += row.n * share[row.age]
            noise[at + row.age] += row.n * share[row.age] * (1 - share[row.age])
    told = np.flatnonzero(expected > 0)[-LEARNT_FROM:]
    ratio, variance = came[told] / expected[told], noise[told] / expected[told] ** 2
    spread = draw_spread(generator, fit_spread(ratio, variance), WIN_SHOCK, draws)
    level = _draw_lognormal(generator, spread / np.sqrt(max(len(told), 1)), draws)
    return [level * _draw_lognormal(generator, spread, draws) for _ in range(count)]


def _draw_shares(generator, n, won, all_n, all_won, count: int, draws: int) -> np.ndarray:
    """Draw the share won per step, as many steps as asked for; a step never seen has none. One column per future."""
    shares = np.zeros((count, draws))
    for step in range(min(count, len(n))):
        if n[step] > 0:
            prior = all_won[step] / all_n[step]
            shares[step] = generator.beta(won[step] + prior + 1e-6, n[step] - won[step] + 1 - prior + 1e-6, draws)
    return shares


def _win(generator, records: np.ndarray, shares: np.ndarray, factors, wins: list[np.ndarray], first: int) -> None:
    """Let records win step by step; what is won has left, so a step's share is that of what remains."""
    left, gone = records.astype(np.int64), np.zeros(shares.shape[1])
    for step, share in enumerate(shares):
        place = first + step
        chance = np.clip(share / np.maximum(1 - gone, 1e-9) * factors[place], 0.0, 1.0)
        won = generator.binomial(left, chance)
        wins[place] += won
        left, gone = left - won, np.minimum(gone + share, 1.0)


class _Sizes:
    """Deal sizes per future: a resample of the deals won, from which every win takes one."""

    def __init__(self, sizes: np.ndarray, generator: np.random.Generator, draws: int) -> None:
        self.generator = generator
        taken = generator.integers(0, max(len(sizes), 1), (draws, len(sizes)), dtype=np.int32)
        self.sample = sizes[taken] if len(sizes) else np.zeros((draws, 1))

    def add_up(self, wins: np.ndarray) -> np.ndarray:
        """Add up as many sizes as there are wins, per future."""
        draws, size = self.sample.shape
        if wins.mean() > MANY_WINS:
            mean, spread = self.sample.mean(axis=1), self.sample.std(axis=1)
            return np.maximum(wins * mean + np.sqrt(wins) * spread * self.generator.standard_normal(draws), 0.0)
        future = np.repeat(np.arange(draws), wins)
        amounts = self.sample[future, self.generator.integers(0, size, len(future))]
        return np.bincount(future, weights=amounts, minlength=draws)


def _draw_existing(
    history: RevenueHistory, periods: Sequence[Period], generator: np.random.Generator, rules: GoalRules
) -> tuple[dict[Period, np.ndarray], str]:
    """Draw existing business, and say what its spread rests on; nothing is said of a company without any."""
    draws, past = rules.simulation.draws, history.existing
    if not len(past) and not history.existing_booked:
        return {period: np.zeros(draws) for period in periods}, ""
    sigma, is_own = tell_existing_spread(history, rules)
    level = generator.standard_normal(draws)
    starts = [pd.Timestamp(period.start) for period in periods]
    expected = expect_volume(past, starts, grain=history.running.grain, rules=rules)
    found = {}
    for place, (period, usual) in enumerate(zip(periods, np.nan_to_num(expected), strict=True)):
        usual = usual * (history.existing_rest if place == 0 else 1.0)
        wide = sigma * np.sqrt(doubt_level(len(past), period.grain, rules, ahead=place + 1))
        came = usual * np.exp(wide * level - wide**2 / 2) * draw_level(generator, np.full(draws, sigma), draws)
        found[period] = history.existing_booked * (place == 0) + came
    unit = history.running.grain
    own = f"own spread of {len(past)} {unit}s" if is_own else f"usual spread {sigma:.0%}, only {len(past)} {unit}s"
    return found, f"; existing business: {own.replace('%', ' %')}"


def tell_existing_spread(history: RevenueHistory, rules: GoalRules) -> tuple[float, bool]:
    """Tell how far existing business differs by period (spread of its logarithm), and whether its own past says so."""
    spread = measure_residual_spread(history.existing)
    is_own = len(history.existing) >= rules.variability.history_periods and np.isfinite(spread)
    return (max(spread, rules.variability.minimum) if is_own else rules.variability.volume), bool(is_own)


def draw_level(generator: np.random.Generator, sigma: np.ndarray, draws: int) -> np.ndarray:
    """Draw a Gamma factor of mean 1 per future with that future's own relative spread; without spread it is 1."""
    shape = 1.0 / np.maximum(sigma, 1e-6) ** 2
    return generator.gamma(shape, 1.0 / shape, draws)


def _draw_lognormal(generator: np.random.Generator, sigma: np.ndarray, draws: int) -> np.ndarray:
    return np.exp(sigma * generator.standard_normal(draws) - sigma**2 / 2)


def _reorder(draws: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Put draws into the order of others: the future with the smallest of those gets the smallest of these."""
    ordered = np.empty(len(like))
    ordered[np.argsort(like, kind="stable")] = np.sort(draws)
    return ordered


def _say_basis(history: RevenueHistory, is_landed: bool, n: int, unit: str) -> str:
    if is_landed:
        return f"landing simulation, {n} earlier {unit}s"
    seen, _ = read_pooled(history)
    records = int(seen[0]) if len(seen) else 0
    sizes = len(history.sizes)
    return f"close curve of {records:,} records, {n} {unit}s, sizes of {sizes:,} deals won"
