"""Who left, and how had they come in? Churn read backwards, cohort by origin, at the same age.

Young customers can't have left yet, so that nobody is compared by raw churn: what is expected of an account is what all
accounts of its age lose in such a quarter. Each origin is compared with everybody else, on what could be renewed, by
logo, by revenue and by seats; the smallest set of origins is then searched for as in a gap.
"""

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.cause_words import find_members
from helpers.analyses.change import correct
from helpers.analyses.coded_leaves import BLANK
from helpers.analyses.control_limits import measure_dispersion, surprise, two_sided
from helpers.analyses.customer_stakes import Stakes, build_stakes
from helpers.analyses.incidence import CENSORED, EVENT, count_endings, measure_incidence
from helpers.analyses.localise import localise
from helpers.analyses.standardisation import combine_codes, expect_successes
from helpers.engine.doubt import wilson_interval

ORIGIN_COLUMNS = [
    "measure", "origin", "label", "value", "n", "n_accounts", "lost", "at_stake", "rate", "expected_rate", "ratio",
    "low", "high", "money", "money_low", "money_high", "gone_by", "gone_low", "gone_high", "p_value", "q_value",
    "verdict",
]  # fmt: skip
CAUSE_COLUMNS = ["slice", "slice_json", "aliases", "n", "left", "expected", "ratio", "money", "q_value", "verdict"]
LOGOS, REVENUE, SEATS = "logos", "revenue", "seats"
MORE, LESS, ALIKE, SMALL = "leave more", "leave less", "as others", "not enough evidence"
CONFIDENCE = 0.90
DAYS_A_QUARTER, OLDEST = 91.3, 8
AGE_OF_LIVES = 365
LEAST_EXPECTED = 3.0
"""Losses that an origin needs, actual or expected, to be told from chance."""

FACTOR_RULED_OUT = 2.0
"""To be like others takes an interval that rules this factor out; else it isn't known yet."""

MOST_OF_ONE = 0.5
"""An origin whose loss is mostly that of one account says nothing of the origin."""

MOST_SEARCHED = 6


@dataclass(frozen=True)
class Origins:
    """Hold churn by how customers came in.

    Attributes:
        frame: One row per measure (logos, revenue, seats) and value of an origin: n (stakes: accounts times quarters in
            which they could leave), n_accounts, lost (accounts, monthly revenue or seats), at_stake, rate (lost ÷ at
            stake), expected_rate (what all lose at the same ages in the same quarters), ratio (to everybody else at the
            same age) with low and high (90 %), money (a year's revenue lost beyond everybody else's level, negative
            where lost; NaN without amounts) with its ends, gone_by (share gone by the age of ``age``, Kaplan–Meier, of
            logos) with its ends, p_value, q_value (Benjamini–Hochberg over everything compared), verdict.
        causes: The smallest set of slices of origins in which accounts leave more, as ``localise`` finds them: slice,
            slice_json, aliases, n, left, expected, ratio, money, q_value, verdict.
        sellers: How the sales of each seller fare given what they sold: who, n, left, expected, q_value, verdict; only
            ever told of the system.
        stakes: What is underneath.
        age: Days at which ``gone_by`` is read.
        total: Measure → (lost, at stake).
        why_not: Why nothing can be told.
    """

    frame: pd.DataFrame
    causes: pd.DataFrame
    sellers: pd.DataFrame
    stakes: Stakes
    age: int = AGE_OF_LIVES
    total: dict[str, tuple[float, float]] = field(default_factory=dict)
    why_not: str = ""


def review_origins(company: Any, *, as_of: date, fit: Any = None) -> Origins:
    """Compare how often customers leave by how they came in.

    Args:
        company: The opened company.
        as_of: The last day that counts.
        fit: Deal id → inside or outside the ideal customer (see ``read_fit``); None leaves it out.

    Returns:
        The comparison over all quarters that have ended. Origins are only what was known when the customer came in.

    Source:
        Indirect standardisation by age and quarter; conditional binomial test of two Poisson counts; Kaplan and Meier
        (1958); Benjamini and Hochberg (1995); localisation as for gaps.
    """
    stakes = build_stakes(company, as_of=as_of, fit=fit)
    nothing = [pd.DataFrame(columns=names) for names in (ORIGIN_COLUMNS, CAUSE_COLUMNS, _SELLER_COLUMNS)]
    if stakes.why_not:
        return Origins(*nothing, stakes, why_not=stakes.why_not)
    frame = stakes.frame.merge(stakes.origins, on="account", how="left", validate="many_to_one")
    frame["expected"] = _expect(frame)
    measures = [LOGOS, *([REVENUE] if stakes.has_money else []), *([SEATS] if stakes.has_seats else [])]
    sizes = {LOGOS: ("has_left", None), REVENUE: ("mrr_lost", "mrr"), SEATS: ("seats_lost", "seats")}
    rows, total = [], {}
    yearly = _yearly_revenue(frame) if stakes.has_money else None
    for measure in measures:
        lost, size = sizes[measure]
        base = np.ones(len(frame)) if size is None else frame[size].to_numpy(dtype=float)
        gone = frame[lost].to_numpy(dtype=float)
        total[measure] = (float(gone.sum()), float(base.sum()))
        hoped = frame["expected"].to_numpy() * base
        hoped = hoped * (gone.sum() / hoped.sum()) if hoped.sum() > 0 else hoped
        for origin in stakes.labels:
            if origin not in stakes.people:
                rows += _compare_values(stakes, frame, origin, measure, gone, base, hoped, yearly)
    told = pd.DataFrame(rows, columns=[name for name in ORIGIN_COLUMNS if name not in ("q_value", "verdict")])
    told["q_value"] = correct(told["p_value"].to_numpy(dtype=float))
    told["verdict"] = [_judge(row, company.catalog.rules.significance) for row in told.to_dict("records")]
    why_not = "" if any(lost > 0 for lost, _ in total.values()) else "Nobody left or shrank where they could."
    causes = _localise(stakes, frame, yearly) if total[LOGOS][0] >= LEAST_EXPECTED else nothing[1]
    return Origins(told[ORIGIN_COLUMNS], causes, _compare_sellers(stakes, frame), stakes, total=total, why_not=why_not)


_SELLER_COLUMNS = ["who", "n", "left", "expected", "q_value", "verdict"]


def _expect(frame: pd.DataFrame) -> np.ndarray:
    """Return for each stake the chance that all accounts of its age leave with in such a quarter."""
    ages = np.minimum(frame["age"].clip(lower=0) // DAYS_A_QUARTER, OLDEST).astype(int).to_numpy()
    quarters = np.unique(frame["quarter"].to_numpy(), return_inverse=True)[1]
    everything = np.ones(len(frame), dtype=bool)
    left = frame["has_left"].to_numpy(dtype=float)
    if not left.any():
        return np.full(len(frame), 1.0 / max(len(frame), 1))
    return expect_successes([ages, quarters], left, everything, everything)


def _yearly_revenue(frame: pd.DataFrame) -> np.ndarray:
    return frame["mrr"].to_numpy(dtype=float) * 12


def _compare_values(
    stakes: Stakes, frame: pd.DataFrame, origin: str, measure: str, gone, base, hoped, yearly
) -> list[tuple]:
    """Compare each value of an origin with everybody else, by one measure."""
    names = frame[origin].astype("object").where(frame[origin].notna(), BLANK)
    codes, values = pd.factorize(names, sort=True)
    size = len(values)
    lost, stake, want = (np.bincount(codes, one, minlength=size) for one in (gone, base, hoped))
    n = np.bincount(codes, minlength=size)
    accounts = frame.groupby(codes)["account"].nunique().reindex(range(size), fill_value=0).to_numpy()
    others_lost, others_want = gone.sum() - lost, hoped.sum() - want
    ratio = _divide(lost, want) / np.maximum(_divide(others_lost, others_want), 1e-12)
    ratio = np.where(others_lost > 0, ratio, np.where(lost > 0, np.inf, np.nan))
    if measure == LOGOS:
        low, high, p = _judge_logos(lost, want)
    else:
        low, high, p = _judge_sums(codes, size, gone, hoped, ratio, others_lost, others_want)
    losers = np.bincount(codes, gone > 0, minlength=size)
    largest = np.zeros(size)
    np.maximum.at(largest, codes, gone)
    is_single = ((losers < LEAST_EXPECTED) | (largest > MOST_OF_ONE * lost)) & (ratio > 1)
    enough = np.maximum(want, lost) >= LEAST_EXPECTED if measure == LOGOS else (n >= 10) & (gone > 0).any() & ~is_single
    p = np.where(enough & (want > 0) & (others_want > 0), p, np.nan)
    money = [np.full(size, np.nan)] * 3
    if yearly is not None and measure != SEATS:
        revenue = np.bincount(codes, frame["mrr_lost"].to_numpy(dtype=float) * 12, minlength=size)
        money = [-revenue * (1 - 1 / np.maximum(one, 0.05)) for one in (ratio, high, low)]
    lives = [(np.nan,) * 3] * size if measure != LOGOS else _follow_lives(stakes, origin, values)
    rows = []
    for at, value in enumerate(values):
        rows.append(
            (measure, origin, stakes.labels[origin], str(value), int(n[at]), int(accounts[at]), float(lost[at]),
             float(stake[at]), _one(lost[at], stake[at]), _one(want[at], stake[at]), float(ratio[at]), float(low[at]),
             float(high[at]), *(float(part[at]) for part in money), *lives[at], float(p[at]))
        )  # fmt: skip
    return rows


def _divide(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.zeros(len(above)), where=below > 0)


def _one(above: float, below: float) -> float:
    return float(above / below) if below > 0 else np.nan


def _judge_logos(lost: np.ndarray, want: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Judge counts of accounts: given how many left in all, each origin's share against its share of the expected."""
    total = lost.sum()
    share = np.clip(want / max(want.sum(), 1e-12), 1e-9, 1 - 1e-9)
    p = two_sided(surprise(lost, np.full(len(lost), total), share))
    ends = wilson_interval(lost, np.full(len(lost), total), CONFIDENCE) if total else (np.zeros(len(lost)),) * 2
    low, high = (np.divide(end, 1 - end, out=np.full(len(end), np.inf), where=end < 1) * (1 - share) / share
                 for end in ends)  # fmt: skip
    return low, high, p


def _judge_sums(codes, size, gone, hoped, ratio, others_lost, others_want) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Judge sums of money or seats by how single accounts scatter around what is expected of them."""
    from scipy.special import ndtri

    z = float(ndtri(0.5 + CONFIDENCE / 2))
    lost, want = (np.bincount(codes, one, minlength=size) for one in (gone, hoped))
    whole = np.maximum((gone**2).sum(), 1e-12)
    own = np.bincount(codes, gone**2, minlength=size)
    rest = np.maximum(others_lost, 1e-12)
    error = np.sqrt(own / np.maximum(lost, 1e-12) ** 2 + np.maximum(whole - own, 0.0) / rest**2)
    error = np.where((lost > 0) & (others_lost > 0), error, np.inf)
    share = np.clip(want / max(want.sum(), 1e-12), 1e-9, 1 - 1e-9)
    spread = np.sqrt(whole * share * (1 - share))
    p = two_sided(np.clip((lost - share * gone.sum()) / np.maximum(spread, 1e-9), -8, 8))
    known = np.isfinite(error)
    reach = np.exp(z * np.where(known, error, 0.0))
    return np.where(known, ratio / reach, 0.0), np.where(known, ratio * reach, np.inf), p


def _follow_lives(stakes: Stakes, origin: str, values) -> list[tuple[float, float, float]]:
    """Return the share gone by the same age of each value's accounts, with its interval."""
    life = stakes.life.merge(stakes.origins[["account", origin]], on="account", how="left")
    names = life[origin].astype("object").where(life[origin].notna(), BLANK)
    codes = pd.Categorical(names, categories=list(values)).codes.astype(int)
    ending = np.where(life["is_gone"], EVENT, CENSORED)
    keep = codes >= 0
    counts = count_endings(life["days"].to_numpy()[keep], ending[keep], codes[keep], len(values))
    found = []
    for at in range(len(values)):
        curve = measure_incidence(counts, at, confidence=CONFIDENCE)
        watched = (life["days"].to_numpy()[codes == at] >= AGE_OF_LIVES).sum()
        place = int(np.searchsorted(curve.days, AGE_OF_LIVES, side="right")) - 1
        if place < 0 or watched < 5:
            found.append((np.nan, np.nan, np.nan))
            continue
        found.append((float(curve.share[place]), float(curve.low[place]), float(curve.high[place])))
    return found


def _judge(row: dict, significance: float) -> str:
    if pd.isna(row["q_value"]):
        return SMALL
    if row["q_value"] <= significance:
        return MORE if row["ratio"] > 1 else LESS
    return ALIKE if row["low"] > 1 / FACTOR_RULED_OUT and row["high"] < FACTOR_RULED_OUT else SMALL


def _localise(stakes: Stakes, frame: pd.DataFrame, yearly) -> pd.DataFrame:
    """Search the smallest set of slices of origins in which accounts leave more than others of their age."""
    origins = _choose_origins(stakes, frame)
    if not origins:
        return pd.DataFrame(columns=CAUSE_COLUMNS)
    left, want = frame["has_left"].to_numpy(dtype=float), frame["expected"].to_numpy()
    leaves = frame[origins].assign(up_expected=1.0, up_actual=1.0, left_expected=want, left_actual=left)
    leaves = leaves.groupby(origins, dropna=False, observed=True).sum().reset_index()
    found = localise(leaves, origins, ["up", "left"], direction="up", max_causes=4, expected_is_plan=True, suspects=2)
    rows = []
    for cause in found[found["effect"] == "rate"].to_dict("records"):
        if cause["contribution"] <= 0:
            continue
        inside = find_members(frame, json.loads(cause["slice_json"])).to_numpy()
        n, gone, hoped = int(inside.sum()), float(left[inside].sum()), float(want[inside].sum())
        others = (left.sum() - gone) / max(want.sum() - hoped, 1e-12)
        ratio = gone / hoped / others if hoped > 0 and others > 0 else np.inf
        lost = float(frame.loc[inside, "mrr_lost"].sum()) * 12
        money = -lost * (1 - 1 / ratio) if yearly is not None else np.nan
        rows.append((cause["slice"], cause["slice_json"], cause["aliases"], n, gone, hoped, ratio, money,
                     cause["q_value"], cause["verdict"]))  # fmt: skip
    return pd.DataFrame(rows, columns=CAUSE_COLUMNS)


def _choose_origins(stakes: Stakes, frame: pd.DataFrame) -> list[str]:
    """Choose the origins to search: none that names people, none twice, those with the fewest values first."""
    chosen: list[str] = []
    codes: dict[str, np.ndarray] = {}
    teams = ("team", "manager", "role", "pipeline")
    for origin in sorted(stakes.labels, key=lambda id: (frame[id].nunique(), id)):
        if origin in stakes.people or origin in teams or frame[origin].nunique() < 2:
            continue
        code = pd.factorize(frame[origin].astype("object").where(frame[origin].notna(), BLANK))[0]
        is_alias = any(
            len(np.unique(combine_codes([code, other]))) == len(np.unique(code)) == len(np.unique(other))
            for other in codes.values()
        )
        if not is_alias:
            codes[origin] = code
            chosen.append(origin)
    return chosen[:MOST_SEARCHED]


def _compare_sellers(stakes: Stakes, frame: pd.DataFrame) -> pd.DataFrame:
    """Compare whose sales leave, given what was sold, against the spread that chance makes."""
    people = [name for name in stakes.people if name in frame]
    left = frame["has_left"].to_numpy(dtype=float)
    if not people or not left.any():
        return pd.DataFrame(columns=_SELLER_COLUMNS)
    names = frame[people[0]].astype("object").where(frame[people[0]].notna(), BLANK)
    codes, who = pd.factorize(names, sort=True)
    kinds = [pd.factorize(frame[name].astype("object").where(frame[name].notna(), BLANK))[0]
             for name in _choose_origins(stakes, frame)[:3]]  # fmt: skip
    ages = np.minimum(frame["age"].clip(lower=0) // DAYS_A_QUARTER, OLDEST).astype(int).to_numpy()
    everything = np.ones(len(frame), dtype=bool)
    expected = expect_successes([ages, *kinds], left, everything, everything)
    n, gone, hoped = (np.bincount(codes, one, minlength=len(who)) for one in (np.ones(len(frame)), left, expected))
    judged = (np.maximum(gone, hoped) >= LEAST_EXPECTED) & (np.array(who) != BLANK)
    z = surprise(gone, n, np.clip(hoped / np.maximum(n, 1), 1e-9, 1 - 1e-9))
    z = z / np.sqrt(measure_dispersion(z[judged]))
    q = correct(np.where(judged, two_sided(z), np.nan))
    verdict = np.where(np.isnan(q), SMALL, np.where(q > 0.05, ALIKE, np.where(z > 0, MORE, LESS)))
    table = pd.DataFrame({"who": who, "n": n.astype(int), "left": gone, "expected": hoped, "q_value": q})
    return table.assign(verdict=verdict)[_SELLER_COLUMNS]


def read_fit(company: Any, *, as_of: date) -> dict[str, str]:
    """Read which deals fitted the ideal customer that people describe; empty where nobody described one."""
    from helpers.analyses.icp_fit import check_icp_fit
    from helpers.model.survey import load_survey

    answers = company.answers
    responses = answers.visible_survey if answers else {}
    deals, _ = check_icp_fit(company, responses, load_survey(), as_of=as_of)
    if deals.empty:
        return {}
    told = deals[deals["fit"] != "unknown"]
    outside = told["fit"].eq("outside").groupby(told["deal_id"]).max()
    return {str(id): "outside" if is_out else "inside" for id, is_out in outside.items()}
