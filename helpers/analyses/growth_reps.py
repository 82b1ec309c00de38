"""Bookings beside what became of the accounts they brought: churn and expansion, per person who closed them."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.change import correct
from helpers.analyses.change_tests import score_shares
from helpers.analyses.control_limits import two_sided
from helpers.engine.cells import build_cells
from helpers.engine.journeys import BLANK
from helpers.periods import period_of
from helpers.units import format_value

REP_COLUMNS = [
    "name", "won", "n_won", "n", "left", "logo_churn", "low", "high", "nrr", "nrr_low", "nrr_high", "q", "is_small",
]  # fmt: skip
OWNER = "owner"


@dataclass(frozen=True)
class ClosedAccounts:
    """What each person won, and what became of the accounts that the person closed.

    Attributes:
        frame: One row per person, most won first, with ``REP_COLUMNS``: won (amount) and n_won (deals) of the year; of
            the accounts that the person once closed: n up for renewal in the year, how many left, logo churn and NRR
            with their intervals; q of the difference in churn from everybody else's; is_small under ``minimum_n``.
        window: The year, in words.
        headline: What it shows, in a sentence.
        reason: Why nothing can be told; empty where something can.
        note: Whose accounts are counted with whom.
    """

    frame: pd.DataFrame
    window: str
    headline: str
    reason: str
    note: str


def review_closed_accounts(company: Any, *, as_of: date, grain: str = "quarter", by: str = OWNER) -> ClosedAccounts:
    """Set what each person won beside churn and expansion of the accounts that the person closed.

    Args:
        company: The opened company.
        as_of: The last day that counts.
        grain: month, quarter or year; the year ends with its latest whole period.
        by: The partition that names people; its value on a contract has to come from the deal that won it.

    Returns:
        The table. Nobody is named as better or worse unless the difference from everybody else is beyond chance,
        corrected for the number of people, and there are enough accounts.
    """
    period = period_of(as_of, grain, company.fiscal_year_start)
    period = period if period.end <= as_of else period.previous()
    window = f"the year to {period.label}"
    start = (pd.Timestamp(period.end) + pd.Timedelta(days=1) - pd.DateOffset(years=1)).date()
    partition = company.partitions.get(by)
    empty = pd.DataFrame(columns=REP_COLUMNS)
    if partition is None or "subscription" not in partition.objects:
        reason = "Contracts can't be traced to who closed them: map customer.deal_id and deal.owner."
        return ClosedAccounts(empty, window, "Nobody can tell whose accounts last", reason, "")
    cells = build_cells(
        company, kpis=["deals_won", "revenue_won", "logo_churn", "nrr"], by=[(by,)], grain="all", start=start,
        end=period.end, as_of=as_of,
    )  # fmt: skip
    cells = cells[cells["slice"] != BLANK]
    by_kpi = {kpi: part.set_index("slice") for kpi, part in cells.groupby("kpi")}
    if "logo_churn" not in by_kpi:
        reason = "No account came up for renewal in the year."
        return ClosedAccounts(empty, window, "Nobody can tell yet whose accounts last", reason, "")
    frame = _tabulate(by_kpi, company.catalog.rules)
    from_deal = partition.inherited_from.get("subscription") == "deal"
    who = "who closed the deal that won them" if from_deal else "who owns the contract today, not who closed it"
    today = ", as the CRM names them today" if partition.is_current_value else ""
    least = company.catalog.rules.minimum_n
    note = f"Accounts are counted with {who}{today}. With fewer than {least} accounts no rate of churn is told."
    return ClosedAccounts(frame, window, _say(frame, window, company.catalog.rules), "", note)


def _tabulate(by_kpi: dict[str, pd.DataFrame], rules: Any) -> pd.DataFrame:
    churn = by_kpi["logo_churn"]
    names = sorted(set().union(*(part.index for part in by_kpi.values())))
    frame = pd.DataFrame({"name": names}).set_index("name", drop=False)
    for column, kpi, source in (
        ("won", "revenue_won", "value"), ("n_won", "deals_won", "value"), ("n", "logo_churn", "denominator"),
        ("left", "logo_churn", "numerator"), ("logo_churn", "logo_churn", "value"), ("low", "logo_churn", "low"),
        ("high", "logo_churn", "high"), ("nrr", "nrr", "value"), ("nrr_low", "nrr", "low"),
        ("nrr_high", "nrr", "high"),
    ):  # fmt: skip
        frame[column] = by_kpi[kpi][source].reindex(frame.index) if kpi in by_kpi else np.nan
    counts = ["won", "n_won", "n", "left"]
    frame[counts] = frame[counts].fillna(0.0)
    left, n = float(churn["numerator"].sum()), float(churn["denominator"].sum())
    k1, n1 = frame["left"].to_numpy(float), frame["n"].to_numpy(float)
    known = (n1 > 0) & (n1 < n)
    p = np.full(len(frame), np.nan)
    if known.any():
        p[known] = two_sided(score_shares(k1[known], n1[known], left - k1[known], n - n1[known]))
    frame["q"], frame["is_small"] = correct(p), n1 < rules.minimum_n
    frame = frame.astype({"n_won": "int64", "n": "int64", "left": "int64"})
    order = frame[["won", "n"]].apply(tuple, axis=1).sort_values(ascending=False, kind="stable").index
    return frame.loc[order, REP_COLUMNS].reset_index(drop=True)


def _say(frame: pd.DataFrame, window: str, rules: Any) -> str:
    total = f"{int(frame['left'].sum())} of {int(frame['n'].sum())} accounts up for renewal in {window} left"
    apart = frame[(frame["q"] <= rules.significance) & ~frame["is_small"]]
    if apart.empty:
        return f"{total}; whose they were can't be told apart from chance"
    worst = apart.sort_values("logo_churn").iloc[-1]
    return f"{total}; of those closed by {worst['name']}, {format_value(float(worst['logo_churn']), 'share')}"
