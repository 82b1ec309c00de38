"""The kind of churn: who left and who shrank, at a renewal or in the middle of a term, and for which reason."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from helpers.engine.journeys import build_journeys
from helpers.engine.recurring import balance_accounts, find_accounts, find_at_stake
from helpers.engine.timeline import NO_DAY, day_number
from helpers.periods import build_periods

LOSS_COLUMNS = ["kind", "label", "mrr", "n", "share"]
REASON_COLUMNS = ["reason", "n", "amount", "basis"]
KINDS = {
    "left_at_renewal": "left at a renewal",
    "shrank_at_renewal": "shrank at a renewal",
    "left_mid_term": "left mid-term",
    "shrank_mid_term": "shrank mid-term",
}
LOST_DEALS = "lost deals with existing customers"


def split_losses(company: Any, start: date, end: date, *, as_of: date) -> pd.DataFrame:
    """Split the recurring revenue lost in the quarters from one day to another by its kind.

    Args:
        company: The opened company.
        start: The first day of the first quarter.
        end: The last day of the last quarter.
        as_of: The last day that counts.

    Returns:
        One row per kind with ``LOSS_COLUMNS``: kind, label, mrr (monthly, lost), n (accounts and quarters), share of
        all that was lost (NaN where nothing was). The four add up to what GRR of starting revenue lost over those
        quarters. Without renewal dates nobody can tell the point: then there are two, left and shrank.
        Empty where contracts carry no start or no amount.
    """
    journeys = build_journeys(company, as_of=as_of)
    records = journeys.records["subscription"]
    if "start_at" not in records.days or "mrr" not in records.cents:
        return pd.DataFrame(columns=LOSS_COLUMNS)
    size, accounts = records.cents["mrr"] / 100, find_accounts(records)
    grace = company.catalog.rules.renewal_grace_days
    lost, n = dict.fromkeys(KINDS, 0.0), dict.fromkeys(KINDS, 0)
    for quarter in build_periods(start, end, "quarter", company.fiscal_year_start):
        days = day_number(quarter.start), day_number(quarter.end)
        there, up = (
            balance_accounts(
                accounts, None, find_at_stake(records, one, *days, as_of=journeys.as_of, grace=grace), size
            )
            for one in ("grr_starting", "grr")
        )
        ids, base, then, stayed = there
        gone = np.round(base - stayed, 6)
        at_renewal = np.zeros(len(ids))
        known = np.isin(up[0], ids)
        at_renewal[np.searchsorted(ids, up[0][known])] = (up[1] - up[3])[known]
        at_renewal = np.minimum(gone, np.round(at_renewal, 6))
        has_left = then <= 0
        for name, amounts in (("renewal", at_renewal), ("term", gone - at_renewal)):
            for kind, mask in (("left", has_left), ("shrank", ~has_left)):
                key = f"{kind}_at_renewal" if name == "renewal" else f"{kind}_mid_term"
                lost[key] += float(amounts[mask].sum())
                n[key] += int((amounts[mask] > 0).sum())
    total = sum(lost.values())
    renewal = records.days.get("renewal_at")
    if renewal is None or (renewal == NO_DAY).all():
        labels = {"left_at_renewal": "left", "shrank_at_renewal": "shrank"}
    else:
        labels = KINDS
    rows = [(kind, label, lost[kind], n[kind], lost[kind] / total if total > 0 else np.nan)
            for kind, label in labels.items()]  # fmt: skip
    return pd.DataFrame(rows, columns=LOSS_COLUMNS)


def list_reasons(company: Any, start: date, end: date) -> pd.DataFrame:
    """List why customers went, where somebody recorded it: on the customer or contract, else on lost deals.

    Args:
        company: The opened company.
        start: The first day.
        end: The last day.

    Returns:
        One row per reason, the commonest first, with ``REASON_COLUMNS``: reason (missing ones as "(blank)"), n, amount
        (company's currency; NaN where unknown) and basis (whose reasons they are). Empty where none is recorded.
    """
    for object, day in (("subscription", "end_at"), ("customer", "ended_at")):
        table = company.tables.get(object)
        named = None if table is None else next((c for c in table.columns if "reason" in c), None)
        if named and day in table:
            gone = table[table[day].dt.normalize().between(str(start), str(end))]
            if gone[named].notna().any():
                amount = gone["mrr"] * 12 if "mrr" in gone else None
                return _count(gone[named], amount, f"{object}s that ended")
    deals = company.tables.get("deal")
    needed = {"lost_reason", "outcome", "is_new_business", "closed_at"}
    if deals is None or not needed <= set(deals.columns):
        return pd.DataFrame(columns=REASON_COLUMNS)
    is_existing = ~deals["is_new_business"].astype("boolean").fillna(True)
    lost = deals[
        is_existing & (deals["outcome"] == "lost") & deals["closed_at"].dt.normalize().between(str(start), str(end))
    ]
    return _count(lost["lost_reason"], lost.get("amount"), LOST_DEALS)


def _count(reasons: pd.Series, amounts: pd.Series | None, basis: str) -> pd.DataFrame:
    if reasons.empty:
        return pd.DataFrame(columns=REASON_COLUMNS)
    amounts = pd.Series(np.nan, index=reasons.index) if amounts is None else amounts.astype("float64")
    frame = pd.DataFrame({"reason": reasons.astype("str").where(reasons.notna(), "(blank)"), "amount": amounts})
    found = frame.groupby("reason")["amount"].agg(n="size", amount=lambda values: values.sum(min_count=1)).reset_index()
    found = found.sort_values(["n", "reason"], ascending=[False, True], ignore_index=True)
    return found.assign(basis=basis)[REASON_COLUMNS]
