"""Why did we lose them, by how they came in: reasons of lost deals and of customers who left, against all others."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.change import correct
from helpers.analyses.coded_leaves import BLANK
from helpers.analyses.control_limits import surprise, two_sided
from helpers.analyses.leaf_dimensions import choose_dimensions
from helpers.engine.doubt import wilson_interval
from helpers.engine.journeys import build_journeys

REASON_COLUMNS = [
    "origin", "label", "value", "reason", "n", "count", "share", "low", "high", "share_others", "amount", "p_value",
    "q_value", "verdict",
]  # fmt: skip
OFTENER, RARER, ALIKE, SMALL = "oftener", "rarer", "as others", "too few to judge"
LEAST = 5.0
ASK_WHEN_LOST = "Deals carry no reason of the loss: add the field to the CRM, and ask for it when a deal is lost."
ASK_WHEN_WON = (
    "Deals carry no reason why they were won: add a field “Won reason” or “Use case” to the CRM, and ask for it when a "
    "deal is won."
)
ASK_WHEN_GONE = (
    "Neither contracts nor customers carry a reason for leaving: ask for it when a contract ends, and export it as a "
    "column “Churn reason”."
)
BOUGHT_WORDS = ("won_reason", "buy_reason", "why_bought", "reason_won", "use_case", "trigger", "pain")


@dataclass(frozen=True)
class Reasons:
    """Hold reasons by how records came in.

    Attributes:
        what: Whose reasons: lost deals, won deals, customers that left.
        frame: One row per value of an origin and reason: origin, label, value, n (records of the value with a reason),
            count (with this one), share with low and high (90 %, Wilson), share_others (of everybody else), amount
            (money behind it; NaN where unknown), p_value, q_value (Benjamini–Hochberg), verdict.
        filled: Share of the records that carry a reason.
        n: Records.
        why_not: Why there are none, and which field would allow it.
    """

    what: str
    frame: pd.DataFrame
    filled: float
    n: int
    why_not: str = ""


def review_reasons(company: Any, *, start: date, end: date, as_of: date) -> list[Reasons]:
    """Compare the reasons of lost deals, of won ones, and of customers that left, by how each came in.

    Args:
        company: The opened company.
        start: First day of the closes or ends.
        end: Last day.
        as_of: The last day that counts.

    Returns:
        One of each kind; with a reason where a field is missing.
    """
    return [
        _of_deals(company, "lost", start, end, as_of),
        _of_deals(company, "won", start, end, as_of),
        _of_customers(company, start, end, as_of),
    ]


def _of_deals(company: Any, outcome: str, start: date, end: date, as_of: date) -> Reasons:
    what = f"{outcome} deals"
    deals = company.tables.get("deal")
    if deals is None or not {"outcome", "closed_at"} <= set(deals.columns):
        return _nothing(what, "Needs deals with a stage and a close date.")
    column = "lost_reason" if outcome == "lost" else _find_bought(deals)
    if column is None or column not in deals:
        return _nothing(what, ASK_WHEN_LOST if outcome == "lost" else ASK_WHEN_WON)
    is_new = deals["is_new_business"].astype("boolean").fillna(True) if "is_new_business" in deals else True
    rows = (deals["outcome"] == outcome) & deals["closed_at"].dt.normalize().between(str(start), str(end)) & is_new
    amount = deals.get("amount")
    return _compare(company, "deal", what, deals[column], rows.to_numpy(dtype=bool), amount, as_of)


def _find_bought(deals: pd.DataFrame) -> str | None:
    return next((name for word in BOUGHT_WORDS for name in deals.columns if word in name), None)


def _of_customers(company: Any, start: date, end: date, as_of: date) -> Reasons:
    what = "customers that left"
    for object, day in (("subscription", "end_at"), ("customer", "ended_at")):
        table = company.tables.get(object)
        column = None if table is None else next((name for name in table if "reason" in name), None)
        if column is not None and day in table:
            gone = table[day].dt.normalize().between(str(start), str(end)).to_numpy(dtype=bool)
            amount = table["mrr"] * 12 if "mrr" in table else None
            return _compare(company, object, what, table[column], gone, amount, as_of)
    return _nothing(what, ASK_WHEN_GONE)


def _nothing(what: str, why_not: str) -> Reasons:
    return Reasons(what, pd.DataFrame(columns=REASON_COLUMNS), 0.0, 0, why_not)


def _compare(
    company: Any, object: str, what: str, reasons: pd.Series, rows: np.ndarray, amount: pd.Series | None, as_of: date
) -> Reasons:
    """Compare how often each reason is given by value of each origin, with everybody else."""
    journeys = build_journeys(company, as_of=as_of)
    filled = reasons.notna().to_numpy() & rows
    n = int(rows.sum())
    if not filled.any():
        text = "None ended in this time." if not n else "None of them has a reason: ask for it when they end."
        return Reasons(what, pd.DataFrame(columns=REASON_COLUMNS), 0.0, n, text)
    codes, labels = journeys.records[object].codes, journeys.labels
    origins, _ = choose_dimensions(company, journeys, object, filled)
    names = reasons[filled].astype("str").to_numpy()
    money = np.full(len(names), np.nan) if amount is None else amount[filled].to_numpy(dtype=float, na_value=np.nan)
    told, place = np.unique(names, return_inverse=True)
    whole = np.bincount(place).astype(float)
    found = []
    for origin in origins:
        used, at = np.unique(codes[origin][filled], return_inverse=True)
        table = np.zeros((len(used), len(told)))
        np.add.at(table, (at, place), 1)
        worth = np.zeros_like(table)
        np.add.at(worth, (at, place), np.nan_to_num(money))
        own = table.sum(axis=1)
        for row, code in enumerate(used):
            others = len(names) - own[row]
            if others <= 0:
                continue
            rest = (whole - table[row]) / others
            score = surprise(table[row], np.full(len(told), own[row]), np.clip(whole / len(names), 1e-9, 1 - 1e-9))
            low, high = wilson_interval(table[row], np.full(len(told), own[row]), 0.90)
            for one, reason in enumerate(told):
                enough = own[row] * whole[one] / len(names) >= LEAST
                found.append(
                    (origin, company.partitions[origin].label, str(labels[origin][code]), reason, int(own[row]),
                     int(table[row, one]), table[row, one] / own[row], float(low[one]), float(high[one]),
                     float(rest[one]), float(worth[row, one]) if amount is not None else np.nan,
                     float(two_sided(score[one])) if enough else np.nan)
                )  # fmt: skip
    frame = pd.DataFrame(found, columns=REASON_COLUMNS[:-2])
    frame["q_value"] = correct(frame["p_value"].to_numpy(dtype=float))
    frame["verdict"] = [_judge(row, company.catalog.rules.significance) for row in frame.to_dict("records")]
    return Reasons(what, frame[REASON_COLUMNS], float(filled.sum() / n), n)


def _judge(row: dict, significance: float) -> str:
    if pd.isna(row["q_value"]) or row["value"] == BLANK:
        return SMALL
    if row["q_value"] > significance:
        return ALIKE
    return OFTENER if row["share"] > row["share_others"] else RARER


def find_clearest(reasons: Reasons) -> pd.DataFrame:
    """Return the reasons that go with a way in beyond chance, the one furthest above all others first."""
    ahead = reasons.frame[reasons.frame["verdict"] == OFTENER]
    lift = ahead["share"] / ahead["share_others"].clip(lower=0.01)
    return ahead.loc[lift.sort_values(ascending=False, kind="stable").index]


def describe_reasons(reasons: Reasons) -> str:
    """Say in one sentence which reason goes with which way in.

    Returns:
        Such as "Lost deals from Webinar give 'No budget' oftener: 41 % of 62, others 18 %".
    """
    what = reasons.what[:1].upper() + reasons.what[1:]
    if reasons.frame.empty:
        return f"{what}: {reasons.why_not}"
    ahead = find_clearest(reasons)
    if ahead.empty:
        return f"{what} give the same reasons whichever way they came in: no difference beyond chance"
    first = ahead.iloc[0]
    share, others = f"{first['share']:.0%}".replace("%", " %"), f"{first['share_others']:.0%}".replace("%", " %")
    return (
        f"{what} with {first['label'].lower()} {first['value']} give ‘{first['reason']}’ oftener: "
        f"{share} of {first['n']:,}, others {others}"
    )
