"""Deal sizes of people after adjusting for the mix of deals that they were given; a giant counts as one deal."""

from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.adjusted import (
    ABOVE,
    ADJUSTED_COLUMNS,
    BELOW,
    MOSTLY_MIX,
    ONLY_MIX,
    SMALL,
    STANDS_OUT,
    WITHIN,
    Adjusted,
    has_role,
)
from helpers.analyses.change import correct
from helpers.analyses.control_limits import measure_dispersion, two_sided
from helpers.analyses.standardisation import choose_mix
from helpers.engine.journeys import BLANK, build_journeys
from helpers.engine.timeline import NO_DAY, day_number

PRIOR_DEALS = 3.0
"""Deals by which the size of a kind is held to that of all."""

SIZE_KPI = "average_deal_size"


def adjust_sizes(
    company,
    *,
    start: date,
    end: date,
    as_of: date,
    by: str = "owner",
    minimum_n: int = 10,
    confidence: float = 0.95,
    role: str = "",
) -> Adjusted | None:
    """Compare the sizes of won deals after taking out the mix of deals that everybody was given.

    Args:
        company: The opened company.
        start: First day of the wins compared.
        end: Last day.
        as_of: The last day that counts.
        by: The partition compared.
        minimum_n: Fewer won deals than this are shown and not judged.
        confidence: Of intervals and control limits (limits widen with the number of people compared).
        role: Compare only people of this role; empty takes everybody.

    Returns:
        The frame of ``adjust_rates`` with amounts in the place of rates: raw_rate is the average won amount,
        expected_rate what such deals bring with anybody, won the money won, expected_won what the mix lets expect.
        Verdicts are told from the logarithms of the amounts, so that one giant deal makes nobody. None without amounts.

    Source:
        Ridge regression of log amounts on the kinds known at entry; Spiegelhalter (2005) for over-dispersion.
    """
    journeys = build_journeys(company, as_of=as_of)
    deals = journeys.records.get("deal")
    if deals is None or by not in deals.codes or "amount" not in deals.cents or ("won", "new") not in deals.reached:
        return None
    if company.partitions[by].known == "outcome":
        return None
    day, money = deals.reached["won", "new"], deals.cents["amount"] / 100
    known = (day != NO_DAY) & (money > 0)
    rows = known & (day >= day_number(start)) & (day <= day_number(end))
    rows &= has_role(company, journeys, by, deals.codes[by], role)
    if rows.sum() < 2:
        return None
    every_other = np.cumsum(rows) % 2  # ten deals per factor learnt, as choose_mix asks five of either outcome
    dimensions = choose_mix(company, journeys, "deal", rows, every_other.astype(float), by=by).used
    logs = np.log(np.maximum(money, 0.01))
    fitted = _fit([deals.codes[id] for id in dimensions], logs, known)[rows]
    fitted += (logs[rows] - fitted).mean()
    names = np.array([str(name) for name in journeys.labels[by]], dtype=object)
    frame, spread, dispersion = _compare(
        deals.codes[by][rows], names, money[rows], logs[rows], fitted, minimum_n, confidence
    )
    return Adjusted(
        frame,
        by,
        dimensions,
        float(money[rows].mean()),
        spread,
        SIZE_KPI,
        "Deal size",
        role,
        dispersion=dispersion,
    )


def _fit(codes: list[np.ndarray], logs: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Return the log size that each deal's kinds let expect."""
    mean = float(logs[base].mean())
    if not codes:
        return np.full(len(logs), mean)
    design = np.concatenate(
        [np.eye(int(code.max(initial=0)) + 1)[code] for code in codes],
        axis=1,
    )
    inside = design[base]
    ridge = inside.T @ inside + PRIOR_DEALS * np.eye(design.shape[1])
    return mean + design @ np.linalg.solve(ridge, inside.T @ (logs[base] - mean))


def _compare(
    group: np.ndarray,
    names: np.ndarray,
    money: np.ndarray,
    logs: np.ndarray,
    fitted: np.ndarray,
    minimum_n: int,
    confidence: float,
) -> tuple[pd.DataFrame, float, float]:
    """Compare the sizes of everybody's deals with what their mix gives."""
    from scipy.special import ndtri

    who, place = np.unique(group, return_inverse=True)
    n = np.bincount(place).astype(float)
    rest = _hold_giants(logs - fitted)
    off = np.bincount(place, rest) / n
    within = ((rest - off[place]) ** 2).sum() / max(len(logs) - len(who), 1)
    error = np.sqrt(max(within, 1e-9) / n)
    judged = (n >= minimum_n) & (names[who] != BLANK)
    score = off / error
    dispersion = measure_dispersion(score[judged])
    z, z_limit = ndtri(0.5 + confidence / 2), ndtri(1 - (1 - confidence) / 2 / max(int(judged.sum()), 1))
    whole = float(money.mean())
    smear = money.sum() / np.exp(fitted).sum()
    expected = np.bincount(place, np.exp(fitted)) * smear / n
    reach = z_limit * error * np.sqrt(dispersion)
    frame = pd.DataFrame(
        {
            "who": pd.array(names[who], dtype="str"),
            "n": n.astype(int),
            "won": np.bincount(place, money),
            "raw_rate": np.bincount(place, money) / n,
            "expected_won": expected * n,
            "expected_rate": expected,
            "adjusted_rate": whole * np.exp(off),
            "low": whole * np.exp(off - z * error),
            "high": whole * np.exp(off + z * error),
            "limit_low": expected * np.exp(-reach),
            "limit_high": expected * np.exp(reach),
            "mix_effect": expected - whole,
            "p_value": two_sided(score / np.sqrt(dispersion)),
        }
    )
    frame["q_value"] = correct(frame["p_value"].where(judged).to_numpy())
    frame["verdict"] = [
        _judge(row, away, whole, 1 - confidence) for row, away in zip(frame.to_dict("records"), off, strict=True)
    ]
    frame = frame.sort_values(["n", "who"], ascending=[False, True], kind="stable").reset_index(drop=True)
    excess = float((off[judged] ** 2 - error[judged] ** 2).mean()) if judged.sum() >= 3 else 0.0
    return frame[ADJUSTED_COLUMNS], whole * np.sqrt(max(excess, 0.0)), dispersion


def _hold_giants(rest: np.ndarray) -> np.ndarray:
    """Bring what lies further off than three robust standard deviations to there (Huber 1964), around a mean of 0."""
    middle = np.median(rest)
    reach = 3 * 1.4826 * float(np.median(np.abs(rest - middle)))
    held = np.clip(rest, middle - reach, middle + reach) if reach > 0 else rest
    return held - held.mean()


def _judge(row: dict, away: float, whole: float, significance: float) -> str:
    if pd.isna(row["q_value"]):
        return SMALL
    if row["q_value"] <= significance:
        return BELOW if away < 0 else ABOVE
    gap = row["raw_rate"] - whole
    if abs(gap) >= STANDS_OUT * whole and row["mix_effect"] / gap >= MOSTLY_MIX:
        return ONLY_MIX
    return WITHIN
