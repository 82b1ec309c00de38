"""Rates of people and teams after adjusting for the mix that they were given, against the spread that chance makes."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.change import correct
from helpers.analyses.leaf_dimensions import choose_dimensions
from helpers.analyses.standardisation import expect_successes, holds
from helpers.engine.journeys import LOST_STAGE, Journeys, build_journeys
from helpers.engine.timeline import NO_DAY, day_number
from helpers.periods import Period
from helpers.units import format_value

ADJUSTED_COLUMNS = [
    "who", "n", "won", "raw_rate", "expected_won", "expected_rate", "adjusted_rate", "low", "high",
    "limit_low", "limit_high", "mix_effect", "p_value", "q_value", "verdict",
]  # fmt: skip

WITHIN = "within chance"
"""What people do is no further from what their mix gives than chance makes it."""

ONLY_MIX = "explained by the mix"
"""The raw rate stands out, the adjusted one doesn't: the person was given other work than the rest."""

BELOW, ABOVE, SMALL = "below what the mix gives", "above what the mix gives", "too few to judge"

STANDS_OUT = 0.2
"""A raw rate this far (of the company's rate) off the company's is what people point at."""


@dataclass(frozen=True)
class Adjusted:
    """Hold the comparison.

    Attributes:
        frame: One row per person (or team); see ``adjust_rates``.
        by: The partition compared.
        adjusted_for: The partitions whose mix was taken out.
        rate: The company's rate over the same deals.
        spread: What people differ by beyond mix and chance (standard deviation of the rate); 0 where they don't.
    """

    frame: pd.DataFrame
    by: str
    adjusted_for: tuple[str, ...]
    rate: float
    spread: float


def adjust_rates(
    company,
    *,
    start: date,
    end: date,
    as_of: date,
    by: str = "owner",
    minimum_n: int = 20,
    confidence: float = 0.95,
    reference: Period | None = None,
) -> Adjusted | None:
    """Compare win rates on close date after taking out the mix of deals that everybody was given.

    What each person's deals would have won at the company's rates for deals like theirs (source, segment, region,
    product …) is the expectation; adjusted rate = company rate × won ÷ expected. The deals of the person compared are
    among the like deals, which errs on the side of clearing where few others have such deals.

    Args:
        company: The opened company.
        start: First day of the closes compared.
        end: Last day.
        as_of: The last day that counts.
        by: The partition compared: owner, team, manager …
        minimum_n: Fewer decided deals than this are shown and not judged.
        confidence: Of intervals and control limits (limits widen with the number of people compared).
        reference: Period from which the rates of like deals are taken; None takes all history up to ``as_of``.

    Returns:
        One row per value of the partition, most deals first: n (new-business deals won or lost), won, raw_rate,
        expected_won, expected_rate (what the mix gives), adjusted_rate with low and high, limit_low and limit_high (the
        funnel plot's limits around expected_rate), mix_effect (expected less company rate), p_value, q_value
        (Benjamini–Hochberg), verdict. None where there are no won and lost deals or no such partition.

    Source:
        Indirect standardisation; funnel plots after Spiegelhalter (2005).
    """
    journeys = build_journeys(company, as_of=as_of)
    deals = journeys.records.get("deal")
    if deals is None or by not in deals.codes or ("won", "new") not in deals.reached:
        return None
    won = deals.reached["won", "new"]
    lost = deals.reached.get((LOST_STAGE, "new"), np.full(deals.n, NO_DAY))
    day = np.where(won != NO_DAY, won, lost)
    rows = (day != NO_DAY) & (day >= day_number(start)) & (day <= day_number(end))
    if not rows.any() or not (lost[rows] != NO_DAY).any():
        return None
    base = day != NO_DAY
    if reference is not None:
        base &= (day >= day_number(reference.start)) & (day <= day_number(reference.end))
    dimensions, _ = choose_dimensions(company, journeys, "deal", rows)
    group = deals.codes[by]
    dimensions = tuple(
        id for id in dimensions if id not in ("type", "pipeline", by) and not holds(group, deals.codes[id], other=id)
    )
    is_won = (won != NO_DAY).astype(float)
    expected = expect_successes([deals.codes[id] for id in dimensions], is_won, base, rows)
    frame = _compare(journeys, by, group[rows], is_won[rows], expected, minimum_n, confidence)
    spread = _measure_spread(frame, minimum_n)
    return Adjusted(frame, by, dimensions, float(is_won[rows].mean()), spread)


def _compare(
    journeys: Journeys,
    by: str,
    group: np.ndarray,
    is_won: np.ndarray,
    expected: np.ndarray,
    minimum_n: int,
    confidence: float,
) -> pd.DataFrame:
    """Compare what everybody won with what their mix gives."""
    from scipy.special import erfc, ndtri

    labels, company_rate = journeys.labels[by], float(is_won.mean())
    rows = []
    judged = max(sum((group == one).sum() >= minimum_n for one in np.unique(group)), 1)
    z, z_limit = ndtri(0.5 + confidence / 2), ndtri(1 - (1 - confidence) / 2 / judged)
    for one in np.unique(group):
        mine = group == one
        n, won, hoped = int(mine.sum()), float(is_won[mine].sum()), float(expected[mine].sum())
        variance = max(float((expected[mine] * (1 - expected[mine])).sum()), 1e-9)
        error = np.sqrt(max(won * (1 - won / n), variance * 0.25)) / max(hoped, 1e-9)
        adjusted = company_rate * won / max(hoped, 1e-9)
        strength = (won - hoped) / np.sqrt(variance)
        rows.append(
            {
                "who": str(labels[one]),
                "n": n,
                "won": won,
                "raw_rate": won / n,
                "expected_won": hoped,
                "expected_rate": hoped / n,
                "adjusted_rate": adjusted,
                "low": max(adjusted - z * error * company_rate, 0.0),
                "high": adjusted + z * error * company_rate,
                "limit_low": max((hoped - z_limit * np.sqrt(variance)) / n, 0.0),
                "limit_high": min((hoped + z_limit * np.sqrt(variance)) / n, 1.0),
                "mix_effect": hoped / n - company_rate,
                "p_value": float(erfc(abs(strength) / np.sqrt(2))),
            }
        )
    frame = pd.DataFrame(rows)
    frame["q_value"] = correct(frame["p_value"].where(frame["n"] >= minimum_n).to_numpy())
    frame["verdict"] = [_judge(row, minimum_n, 1 - confidence) for row in frame.to_dict("records")]
    frame = frame.sort_values(["n", "who"], ascending=[False, True], kind="stable").reset_index(drop=True)
    return frame[ADJUSTED_COLUMNS]


def _judge(row: dict, minimum_n: int, significance: float) -> str:
    """Say in words what the comparison shows."""
    if row["n"] < minimum_n:
        return SMALL
    if row["q_value"] <= significance:
        return BELOW if row["won"] < row["expected_won"] else ABOVE
    company_rate = row["expected_rate"] - row["mix_effect"]
    gap = row["raw_rate"] - company_rate
    if abs(gap) >= STANDS_OUT * company_rate and row["mix_effect"] / gap >= 0.6:
        return ONLY_MIX
    return WITHIN


def _measure_spread(frame: pd.DataFrame, minimum_n: int) -> float:
    """Estimate what people differ by beyond mix and chance (DerSimonian and Laird)."""
    big = frame[frame["n"] >= minimum_n]
    if len(big) < 3:
        return 0.0
    difference = big["raw_rate"] - big["expected_rate"]
    variance = big["expected_rate"] * (1 - big["expected_rate"]) / big["n"]
    weight = 1 / variance
    excess = (difference**2 * weight).sum() - (len(big) - 1)
    return float(np.sqrt(max(excess / (weight.sum() - (weight**2).sum() / weight.sum()), 0.0)))


def find_cleared(adjusted: Adjusted) -> pd.DataFrame:
    """Return the rows of those whose low raw rate the mix explains, the most fully explained first."""
    frame = adjusted.frame
    accused = frame[(frame["verdict"] == ONLY_MIX) & (frame["raw_rate"] < adjusted.rate)]
    rest = (accused["expected_rate"] - accused["raw_rate"]).clip(lower=0)
    order = accused.assign(rest=rest.round(2)).sort_values(["rest", "mix_effect", "who"], kind="stable")
    return accused.loc[order.index].reset_index(drop=True)


def describe_people(adjusted: Adjusted) -> str:
    """Say in one sentence what the comparison shows about the system, never about a person.

    >>> row = {"who": "A", "verdict": WITHIN, "n": 30, "raw_rate": 0.3, "expected_rate": 0.3, "mix_effect": 0.0}
    >>> frame = pd.DataFrame([row])
    >>> describe_people(Adjusted(frame, "owner", ("source",), 0.3, 0.0))
    'Nobody wins less than the mix of deals that they were given explains'
    """
    frame = adjusted.frame
    below = int((frame["verdict"] == BELOW).sum())
    if below:
        return (
            f"{below} of {int((frame['verdict'] != SMALL).sum())} win less than their mix explains: look at what they "
            "share (ramp, load, territory, coaching) before anything else"
        )
    accused = find_cleared(adjusted)
    if len(accused):
        first = accused.iloc[0]
        raw, rate = format_value(first["raw_rate"], "share"), format_value(adjusted.rate, "share")
        fair = format_value(first["expected_rate"], "share")
        return (
            f"{first['who']} is cleared: {raw} of {first['n']} deals won against {rate} for all, and such deals "
            f"close at {fair} with anybody"
        )
    return "Nobody wins less than the mix of deals that they were given explains"
