"""Rates of people and teams after adjusting for the mix that they were given, against the spread that chance makes."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.change import correct
from helpers.analyses.control_limits import measure_dispersion, surprise, two_sided
from helpers.analyses.rated_records import find_rated
from helpers.analyses.roles import find_roles, name_role
from helpers.analyses.standardisation import choose_mix, expect_successes
from helpers.engine.journeys import BLANK, Journeys, build_journeys
from helpers.engine.timeline import day_number
from helpers.periods import Period
from helpers.units import format_value, in_sentence

ADJUSTED_COLUMNS = [
    "who", "n", "won", "raw_rate", "expected_won", "expected_rate", "adjusted_rate", "low", "high",
    "limit_low", "limit_high", "mix_effect", "p_value", "q_value", "verdict",
]  # fmt: skip

WITHIN = "within chance"
"""What people do is no further from what their mix gives than chance makes it."""

ONLY_MIX = "explained by the mix"
"""The raw rate stands out, the adjusted one doesn't: the person was given other work than the rest."""

BELOW, ABOVE, SMALL = "below what the mix gives", "above what the mix gives", "too few to judge"

MOSTLY_MIX = 0.6
"""Share of a gap that the mix must explain to be called its cause."""

STANDS_OUT = 0.2
"""A raw rate this far (of the company's rate) off the company's is what people point at."""


@dataclass(frozen=True)
class Adjusted:
    """Hold the comparison.

    Attributes:
        frame: One row per person (or team); see ``adjust_rates``.
        by: The partition compared.
        adjusted_for: The partitions whose mix was taken out.
        rate: The company's rate over the same records.
        spread: What people differ by beyond mix and chance (standard deviation of the rate); 0 where they don't.
        kpi: The rate's KPI.
        label: What readers call it.
        role: The role compared, empty where everybody is.
        spread_p: How likely chance alone makes as large a spread among all of them, those with few records too.
        dispersion: By what factor scores vary more than chance, which limits and verdicts are widened by; 1 if no more.
        n_young: Records left out because they have not had their time yet.
    """

    frame: pd.DataFrame
    by: str
    adjusted_for: tuple[str, ...]
    rate: float
    spread: float
    kpi: str = "win_rate"
    label: str = "Win rate"
    role: str = ""
    spread_p: float = float("nan")
    dispersion: float = 1.0
    n_young: int = 0


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
    kpi: str = "win_rate",
    role: str = "",
) -> Adjusted | None:
    """Compare rates after taking out the mix of records that everybody was given.

    How many of each person's records would have succeeded at the company's rates for records like theirs (source,
    segment, region, product …) is the expectation; adjusted rate = company rate × successes ÷ expected. The records
    of the person compared are among the like records, which errs on the side of clearing where few others have such.

    Args:
        company: The opened company.
        start: First day of the records compared: closed for a win rate, entered for a conversion.
        end: Last day.
        as_of: The last day that counts.
        by: The partition compared: owner, team, manager …
        minimum_n: Fewer records than this are shown and not judged.
        confidence: Of intervals and control limits (limits widen with the number of people compared).
        reference: Period from which the rates of like records are taken; None takes all history up to ``as_of``.
        kpi: win_rate or a conversion between two stages, so that people who work before the deal are compared, too.
        role: Compare only people of this role; empty takes everybody.

    Returns:
        One row per value of the partition, most records first: n (records), won (those that succeeded), raw_rate,
        expected_won, expected_rate (what the mix gives), adjusted_rate with low and high, limit_low and limit_high (the
        funnel plot's limits around expected_rate), mix_effect (expected less company rate), p_value, q_value
        (Benjamini–Hochberg), verdict. None where no records succeed and fail, or there is no such partition, or it is
        known only with the outcome.

    Source:
        Indirect standardisation; funnel plots and over-dispersion after Spiegelhalter (2005).
    """
    journeys = build_journeys(company, as_of=as_of)
    definition = company.catalog.kpi(kpi)
    rated = find_rated(company, journeys, definition)
    if rated is None or by not in journeys.records[rated.object].codes or company.partitions[by].known == "outcome":
        return None
    codes = journeys.records[rated.object].codes
    inside = (rated.day >= day_number(start)) & (rated.day <= day_number(end))
    inside &= has_role(company, journeys, by, codes[by], role)
    rows = inside & rated.is_counted
    is_success = rated.is_success
    if not rows.any() or is_success[rows].all() or not is_success[rows].any():
        return None
    base = rated.is_counted.copy()
    if reference is not None:
        base &= (rated.day >= day_number(reference.start)) & (rated.day <= day_number(reference.end))
    dimensions = choose_mix(company, journeys, rated.object, rows, is_success, by=by).used
    expected = expect_successes([codes[id] for id in dimensions], is_success, base, rows)
    frame, dispersion = _compare(journeys, by, codes[by][rows], is_success[rows], expected, minimum_n, confidence)
    about = {"kpi": kpi, "label": definition.label, "role": role, "dispersion": dispersion}
    about["spread_p"] = _test_spread(codes[by][rows], is_success[rows], expected)
    about["n_young"] = int((inside & rated.is_young).sum())
    rate, spread = float(is_success[rows].mean()), _measure_spread(frame, minimum_n)
    return Adjusted(frame, by, dimensions, rate, spread, **about)


def has_role(company, journeys: Journeys, by: str, codes: np.ndarray, role: str) -> np.ndarray:
    """Return whose records are those of people of a role; of everybody where it is empty."""
    if not role:
        return np.ones(len(codes), dtype=bool)
    roles = find_roles(company)
    return np.array([roles.get(str(name), "") == role for name in journeys.labels[by]])[codes]


def _compare(
    journeys: Journeys,
    by: str,
    group: np.ndarray,
    is_success: np.ndarray,
    expected: np.ndarray,
    minimum_n: int,
    confidence: float,
) -> tuple[pd.DataFrame, float]:
    """Compare how many of everybody's records succeeded with what their mix gives."""
    from scipy.special import ndtri

    company_rate = float(is_success.mean())
    who, place = np.unique(group, return_inverse=True)
    n = np.bincount(place).astype(float)
    won, hoped = (np.bincount(place, numbers) for numbers in (is_success, expected))
    variance = np.maximum(np.bincount(place, expected * (1 - expected)), 1e-9)
    names = np.array([str(journeys.labels[by][one]) for one in who], dtype=object)
    judged = (n >= minimum_n) & (names != BLANK)
    z = surprise(won, n, np.clip(hoped / n, 1e-9, 1 - 1e-9))
    dispersion = measure_dispersion(z[judged])
    z_value, z_limit = ndtri(0.5 + confidence / 2), ndtri(1 - (1 - confidence) / 2 / max(int(judged.sum()), 1))
    error = np.sqrt(np.maximum(won * (1 - won / n), variance * 0.25)) / np.maximum(hoped, 1e-9)
    adjusted = company_rate * won / np.maximum(hoped, 1e-9)
    reach = z_limit * np.sqrt(variance * dispersion)
    frame = pd.DataFrame(
        {
            "who": pd.array(names, dtype="str"),
            "n": n.astype(int),
            "won": won,
            "raw_rate": won / n,
            "expected_won": hoped,
            "expected_rate": hoped / n,
            "adjusted_rate": adjusted,
            "low": np.maximum(adjusted - z_value * error * company_rate, 0.0),
            "high": adjusted + z_value * error * company_rate,
            "limit_low": np.maximum((hoped - reach) / n, 0.0),
            "limit_high": np.minimum((hoped + reach) / n, 1.0),
            "mix_effect": hoped / n - company_rate,
            "p_value": two_sided(z / np.sqrt(dispersion)),
        }
    )
    frame["q_value"] = correct(frame["p_value"].where(judged).to_numpy())
    frame["verdict"] = [_judge(row, minimum_n, 1 - confidence) for row in frame.to_dict("records")]
    frame = frame.sort_values(["n", "who"], ascending=[False, True], kind="stable").reset_index(drop=True)
    return frame[ADJUSTED_COLUMNS], dispersion


def _judge(row: dict, minimum_n: int, significance: float) -> str:
    """Say in words what the comparison shows."""
    if row["n"] < minimum_n or pd.isna(row["q_value"]):
        return SMALL
    if row["q_value"] <= significance:
        return BELOW if row["won"] < row["expected_won"] else ABOVE
    company_rate = row["expected_rate"] - row["mix_effect"]
    gap = row["raw_rate"] - company_rate
    if abs(gap) >= STANDS_OUT * company_rate and row["mix_effect"] / gap >= MOSTLY_MIX:
        return ONLY_MIX
    return WITHIN


def _measure_spread(frame: pd.DataFrame, minimum_n: int) -> float:
    """Estimate what people differ by beyond mix and chance (DerSimonian and Laird)."""
    big = frame[frame["n"] >= minimum_n]
    if len(big) < 3:
        return 0.0
    difference = big["raw_rate"] - big["expected_rate"]
    variance = (big["expected_rate"] * (1 - big["expected_rate"])).clip(lower=1e-9) / big["n"]
    weight = 1 / variance
    excess = (difference**2 * weight).sum() - (len(big) - 1)
    return float(np.sqrt(max(excess / (weight.sum() - (weight**2).sum() / weight.sum()), 0.0)))


def _test_spread(group: np.ndarray, is_success: np.ndarray, expected: np.ndarray) -> float:
    """Test whether people differ more than chance, however few records each has.

    The squared distances between successes and expectation, summed over people, are set beside their mean and variance
    under chance, which are those of sums of independent records.
    """
    from scipy.special import ndtr

    place = np.unique(group, return_inverse=True)[1]
    off = np.bincount(place, is_success - expected)
    chance = expected * (1 - expected)
    variance = np.bincount(place, chance)
    fourth = 2 * variance**2 + np.bincount(place, chance * (1 - 6 * chance))
    if len(variance) < 2 or fourth.sum() <= 0:
        return float("nan")
    return float(ndtr(-((off**2 - variance).sum()) / np.sqrt(fourth.sum())))


def find_cleared(adjusted: Adjusted) -> pd.DataFrame:
    """Return the rows of those whose low raw rate the mix explains, the most fully explained first."""
    frame = adjusted.frame
    accused = frame[(frame["verdict"] == ONLY_MIX) & (frame["raw_rate"] < adjusted.rate)]
    rest = (accused["expected_rate"] - accused["raw_rate"]).clip(lower=0)
    order = accused.assign(rest=rest.round(2)).sort_values(["rest", "mix_effect", "who"], kind="stable")
    return accused.loc[order.index].reset_index(drop=True)


def describe_people(*compared: Adjusted) -> str:
    """Say in one sentence what comparisons show: about the system, and by name only of those who are cleared.

    Args:
        compared: One step's comparisons, one per role.

    >>> row = {"who": "A", "verdict": WITHIN, "n": 30, "raw_rate": 0.3, "expected_rate": 0.3, "mix_effect": 0.0}
    >>> frame = pd.DataFrame([row])
    >>> describe_people(Adjusted(frame, "owner", ("source",), 0.3, 0.0))
    'Nobody wins less than the mix of deals that they were given explains'
    """
    frame = pd.concat([one.frame for one in compared])
    said = []
    below = int((frame["verdict"] == BELOW).sum())
    is_win = compared[0].kpi == "win_rate"
    judged = int((frame["verdict"] != SMALL).sum())
    if below:
        verb = ("wins" if below == 1 else "win") if is_win else f"{'lies' if below == 1 else 'lie'} lower"
        than = "less than" if is_win else "than"
        said.append(
            f"{below} of {judged} {verb} {than} their mix explains: look at what they "
            "share (ramp, load, territory, coaching) before anything else"
        )
    for one in compared:
        said += [describe_cleared(row, one) for _, row in find_cleared(one).head(1).iterrows()]
    if said:
        return ". ".join(said)
    if not judged and len(frame):
        what = "deals" if is_win else "records"
        return f"Nobody has enough {what} to be judged by themselves"
    if is_win:
        return "Nobody wins less than the mix of deals that they were given explains"
    return f"In {in_sentence(compared[0].label)}, nobody lies lower than the mix that they were given explains"


def describe_cleared(row: pd.Series, adjusted: Adjusted) -> str:
    """Say of one person that what came to them explains their rate, with the numbers.

    Args:
        row: A row of ``find_cleared``.
        adjusted: The comparison.

    Returns:
        Such as "Eve is cleared: what came to them, not what they did with it. 12 % of 84 deals won against 30 % for
        all, and such deals close at 13 % with anybody".
    """
    raw, rate, fair = (format_value(one, "share") for one in (row["raw_rate"], adjusted.rate, row["expected_rate"]))
    words = f"{row['who']} is cleared: what came to them, not what they did with it. {raw} of {row['n']}"
    all_ = f"all {name_role(adjusted.role)}" if adjusted.role else "all"
    if adjusted.kpi == "win_rate":
        return f"{words} deals won against {rate} for {all_}, and such deals close at {fair} with anybody"
    return f"{words} ({adjusted.label}) against {rate} for {all_}, and such records go on at {fair} with anybody"
