"""What of a period's volume is season: expected counts brought to the season of the period in question.

An expectation that adds up a year holds every season once, so that each first quarter looks as if something had
happened. Where at least two whole years show a season beyond chance, the expected side is brought to it; a slice has a
season of its own only where the values of its dimension differ in season beyond chance, and is then drawn towards the
company's as far as its own counts can't tell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.coded_leaves import ALL, describe_value
from helpers.analyses.leaves import GapLeaves
from helpers.analyses.period_leaves import LONGEST_YEARS, count_values, read_periods
from helpers.analyses.season_model import SeasonModel
from helpers.periods import MONTHS_IN, Period

SEASON_COLUMNS = ["dimension", "slice", "factor", "low", "high", "p_value", "n", "is_used"]
SIGNIFICANT = 0.01
LEAST_FACTOR = 0.05
"""A season this close to none is none."""

LEAST_PER_PERIOD = 5.0
"""Records a period that a value needs on average to have a season of its own."""

CONFIDENCE = 0.90


@dataclass(frozen=True)
class Season:
    """Hold what season makes of the first step's volume.

    Attributes:
        frame: One row for the company and one per value of each dimension: dimension, slice, factor (the period's
            season over that of the periods that the expectation adds up), low and high (90 %), p_value (of the company:
            against no season; of a value: of its dimension's values differing), n (records), is_used.
        step: The count.
        label: What a reader calls it.
        n_years: Whole years before the period.
        is_clear: Whether anything was adjusted.
        why_not: Why nothing could be told, in words.
    """

    frame: pd.DataFrame
    step: str
    label: str
    n_years: int
    is_clear: bool
    why_not: str = ""


def adjust_season(
    company,
    leaves: GapLeaves,
    *,
    period: Period,
    expected: Sequence[Period],
    history: Sequence[Period],
    as_of: date,
    business: str = "new",
    read: list[tuple[Period, pd.DataFrame]] | None = None,
) -> tuple[GapLeaves, Season]:
    """Bring the expected side of a leaf table to the season of the period in question.

    Args:
        company: The opened company.
        leaves: The leaf table, whose expected side adds up earlier periods.
        period: The period in question.
        expected: Those earlier periods.
        history: All periods, from which the season is learnt.
        as_of: The last day that counts.
        business: Whose deals: all, new or existing.
        read: The earlier periods, where they have been read already (``period_leaves.read_periods``).

    Returns:
        The leaves (the same object where no season is clear) and the season. Rates and deal sizes stay as they are.

    Source:
        Seasonal log-linear model of counts with trend, quasi-Poisson (McCullagh and Nelder 1989); differences between
        values by DerSimonian and Laird (1986); margins by iterative proportional fitting (Deming and Stephan 1940).
    """
    step, label = leaves.steps[0], leaves.labels.get(leaves.steps[0], leaves.steps[0])
    per_year = 12 // MONTHS_IN[period.grain] if period.grain in MONTHS_IN else 1
    earlier = [one for one in history if one.end < period.start][-LONGEST_YEARS * per_year :]
    n_years = len(earlier) // per_year
    nothing = Season(pd.DataFrame(columns=SEASON_COLUMNS), step, label, n_years, is_clear=False)
    if per_year == 1:
        return leaves, replace(nothing, why_not="A whole year holds every season")
    if n_years < 2:
        why_not = f"A season takes two whole years before the period; there {'is' if n_years == 1 else 'are'} {n_years}"
        return leaves, replace(nothing, why_not=why_not)
    if read is None:
        read = read_periods(company, leaves, period=period, earlier=earlier, as_of=as_of, business=business)
    periods = read[-len(earlier) :]
    model = SeasonModel.build(earlier, period, expected)
    season = _learn(leaves, periods, model, nothing)
    return (_apply(leaves, season), season) if season.is_clear else (leaves, season)


def _learn(leaves: GapLeaves, periods: list, model: SeasonModel, nothing: Season) -> Season:
    """Learn the company's season, and that of the values of each dimension where these differ."""
    from scipy.special import fdtrc, stdtr, stdtrit

    if model.freedom < 1:
        return replace(nothing, why_not="There are too few periods to tell a season from a trend")
    _, whole = count_values(periods, "", nothing.step)
    if not whole.size or whole.sum() < LEAST_PER_PERIOD * len(periods):
        return replace(nothing, why_not="There are too few records a period to tell a season")
    factor, variance, dispersion = (float(part[0]) for part in model.find_season(whole))
    error = np.sqrt(variance * max(dispersion, 1.0))
    p_value = float(2 * stdtr(model.freedom, -abs(factor) / error))
    half = float(stdtrit(model.freedom, 0.5 + CONFIDENCE / 2)) * error
    is_used = p_value <= SIGNIFICANT and abs(np.expm1(factor)) >= LEAST_FACTOR
    rows = [(ALL, ALL, np.exp(factor), np.exp(factor - half), np.exp(factor + half), p_value, whole.sum(), is_used)]
    level = factor if is_used else 0.0
    for dimension in leaves.dimensions:
        values, counts = count_values(periods, dimension, nothing.step)
        large = counts.mean(axis=1) >= LEAST_PER_PERIOD
        if large.sum() < 2:
            continue
        own, spread, scatter = model.find_season(counts[large])
        pooled = max(float(scatter.mean()), 1.0)
        differ = own - factor
        statistic = float((differ**2 / (spread * pooled)).sum()) / (large.sum() - 1)
        p_value = float(fdtrc(large.sum() - 1, large.sum() * model.freedom, statistic))
        differs = p_value <= SIGNIFICANT / len(leaves.dimensions)
        between = _measure_between(differ, spread * pooled) if differs else 0.0
        share = between / (between + spread * pooled)
        shrunk, doubt = level + share * differ, np.sqrt(share * spread * pooled + (1 - share) * error**2)
        z = float(stdtrit(model.freedom * large.sum(), 0.5 + CONFIDENCE / 2))
        names = [value for value, kept in zip(values, large, strict=True) if kept]
        rows += [
            (dimension, describe_value(name), np.exp(f), np.exp(f - z * d), np.exp(f + z * d), p_value, n, differs)
            for name, f, d, n in zip(names, shrunk, doubt, counts[large].sum(axis=1), strict=True)
        ]
    frame = pd.DataFrame(rows, columns=SEASON_COLUMNS)
    return replace(nothing, frame=frame, is_clear=bool(frame["is_used"].any()))


def _measure_between(differ: np.ndarray, variance: np.ndarray) -> float:
    """Estimate how much seasons differ between values beyond chance (DerSimonian and Laird)."""
    weight = 1 / variance
    excess = float((differ**2 * weight).sum()) - (len(differ) - 1)
    return max(excess / float(weight.sum() - (weight**2).sum() / weight.sum()), 1e-9)


def _apply(leaves: GapLeaves, season: Season) -> GapLeaves:
    """Scale the expected columns so that every margin with a season is met."""
    frame = leaves.frame.copy()
    volume = frame[f"{season.step}_expected"].to_numpy(dtype=float)
    used = season.frame[season.frame["is_used"]]
    whole = used[used["dimension"] == ALL]["factor"]
    weight = np.full(len(frame), float(whole.iloc[0]) if len(whole) else 1.0)
    total = float((volume * weight).sum())
    margins = [
        (frame[dimension].map(describe_value_of), rows.set_index("slice")["factor"])
        for dimension, rows in used[used["dimension"] != ALL].groupby("dimension", sort=False)
    ]
    for _ in range(25 if len(margins) > 1 else len(margins)):
        for names, factors in margins:
            wanted = names.map(factors).to_numpy(dtype=float)
            wanted = np.where(np.isnan(wanted), weight, wanted)
            now = _share_of(names, volume * weight) / np.maximum(_share_of(names, volume), 1e-12)
            weight = weight * np.where(now > 0, wanted / np.maximum(now, 1e-12), 1.0)
            weight *= total / max(float((volume * weight).sum()), 1e-12) if len(whole) else 1.0
    columns = [name for name in frame.columns if name.endswith("_expected")]
    frame[columns] = frame[columns].to_numpy(dtype=float) * weight[:, None]
    basis = f"{leaves.basis}, brought to the season of this period"
    return replace(leaves, frame=frame, basis=basis)


def describe_value_of(value: object) -> str:
    """Write a value of a frame, missing as ``(blank)``."""
    return describe_value(None if pd.isna(value) else value)


def _share_of(names: pd.Series, numbers: np.ndarray) -> np.ndarray:
    """Return for each row the sum of its group."""
    return pd.Series(numbers, index=names.index).groupby(names, sort=False).transform("sum").to_numpy()


def describe_seasons(seasons: Mapping[str, Season], period: Period) -> str:
    """Say what season makes of a period, in each place that was looked at; empty where no season was asked for."""
    told = dict.fromkeys(describe_season(season, period).rstrip(".") for season in seasons.values())
    return " ".join(f"{one}." for one in told)


def describe_season(season: Season, period: Period, company_name: str = "the company") -> str:
    """Say in one sentence what season makes of the period.

    Returns:
        Such as "Season alone makes deals decided of Q1 2026 18 % fewer than in an average period (12–24 %; 3 whole
        years)".
    """
    if not season.is_clear:
        return season.why_not or f"No season is clear in {season.n_years} whole years"
    whole = season.frame[season.frame["dimension"] == ALL].iloc[0]
    apart = season.frame[season.frame["is_used"] & (season.frame["dimension"] != ALL)]["dimension"].unique()
    parts = []
    if whole["is_used"]:
        ends = sorted(abs(whole[name] - 1) for name in ("low", "high"))
        way = "fewer" if whole["factor"] < 1 else "more"
        parts.append(
            f"Season alone makes {season.label[:1].lower()}{season.label[1:]} of {period.label} "
            f"{abs(whole['factor'] - 1):.0%} {way} than usual ({ends[0]:.0%} to {ends[1]:.0%}; "
            f"{season.n_years} whole years)".replace("%", " %")
        )
    if len(apart):
        parts.append(f"seasons differ by {' and '.join(apart)}")
    said = "; ".join(parts)
    return said[:1].upper() + said[1:]
