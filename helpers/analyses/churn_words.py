"""What to say of churn: how much was renewed, where revenue leaks, and what the numbers rest on."""

from datetime import date
from typing import Any

import pandas as pd

from helpers.analyses.finding import Finding
from helpers.units import format_value

NOTEBOOK = "06_goal_cascade"
LONG_TERM_DAYS = 400
"""A contract over more days than this runs for several years."""


def list_churn_findings(company: Any, year: pd.DataFrame, losses: pd.DataFrame, *, window: str) -> list[Finding]:
    """Say what was renewed, and whether revenue leaks at renewals or in the middle of a term."""
    rows = year.set_index("variant")
    found = [_say_renewal(company, rows, window)]
    if len(losses) and losses["mrr"].sum() > 0:
        found.append(_say_leak(company, rows, losses, window))
    return [one for one in found if one is not None]


def _share(value: float) -> str:
    return format_value(value, "share")


def _say_renewal(company: Any, rows: pd.DataFrame, window: str) -> Finding | None:
    logos, money = rows.loc["logo_churn"], rows.loc["gross_renewal"]
    if pd.isna(logos["value"]):
        return None
    headline = f"{int(logos['numerator']):,} of {int(logos['n']):,} accounts up for renewal in {window} left"
    headline += f" ({_share(logos['value'])})"
    if not pd.isna(money["value"]):
        headline += f"; {_share(money['value'])} of their revenue was renewed"
    evidence = {"n": int(logos["n"]), "period": window, "low": float(logos["low"]), "high": float(logos["high"]),
                "unit": "share", "definition": f"{logos['definition']}; interval of logo churn"}  # fmt: skip
    few = int(logos["n"]) < company.catalog.rules.minimum_n
    if few:
        headline += f", too few to tell a change from chance (under {company.catalog.rules.minimum_n})"
    left = not pd.isna(money["value"]) and money["value"] < 1
    step = "" if not left else "Ask who left why, and since when it could have been known."
    return Finding(headline, "logo_churn", "all", None, evidence, step, NOTEBOOK, "note")


def _say_leak(company: Any, rows: pd.DataFrame, losses: pd.DataFrame, window: str) -> Finding:
    amounts = losses.set_index("kind")["mrr"] * 12
    total = float(amounts.sum())
    mid = float(amounts.reindex(["left_mid_term", "shrank_mid_term"]).sum())
    said, part = (format_value(one, "currency", currency=company.currency) for one in (total, mid))
    renewed, kept = rows.loc["gross_renewal"], rows.loc["grr_starting"]
    contracts = company.tables["subscription"]
    if "renewal_at" not in contracts or contracts["renewal_at"].isna().all():
        headline = (
            f"{said} of yearly revenue was lost in {window}; without renewal dates nobody can tell at which point"
        )
        step = "Map subscription.renewal_at, so that renewals and leaks between them come apart."
    elif mid > total / 2 and not pd.isna(renewed["value"]):
        headline = (
            f"Leakage is mid-term: renewals kept {_share(renewed['value'])} of what came up, yet {part} of the {said} "
            f"of yearly revenue lost in {window} went outside any renewal"
        )
        step = "Find out what lets customers leave or shrink before their term ends: terms, credits, downgrades."
    elif mid > total / 2:
        headline = f"{part} of the {said} of yearly revenue lost in {window} went outside any renewal"
        step = "Check renewal dates first, then what lets customers leave before their term ends."
    else:
        much = "all" if mid < total / 200 else _share(1 - mid / total)
        headline = f"Revenue leaks at renewals: {much} of the {said} of yearly revenue lost in {window}"
        step = "Begin renewals earlier, with the kinds of customers that leave most."
    evidence = {"n": int(losses["n"].sum()), "period": window, "kept of a year before": _share(kept["value"]),
                "renewed of what came up": _share(renewed["value"]),
                "definition": "revenue lost by accounts present at the start of each quarter, by whether it was up for "
                              "renewal in it"}  # fmt: skip
    return Finding(headline, "grr_starting", "all", -total, evidence, step, NOTEBOOK, "bad")


def list_churn_notes(company: Any, year: pd.DataFrame, *, as_of: date) -> tuple[str, ...]:
    """Say what the numbers rest on: grace for late renewals, contracts without end or over several years."""
    contracts = company.tables.get("subscription")
    if contracts is None:
        return ("There are no contracts: logo churn is that of customers with a live date and an end date.",)
    grace = company.catalog.rules.renewal_grace_days
    notes = [
        f"A contract that starts up to {grace} days after one ended renewed it late."
        if grace
        else "No grace for late renewals: who isn't back on the day after the period has left."
    ]
    if "start_at" not in contracts:
        return tuple(notes)
    day = pd.Timestamp(as_of) + pd.Timedelta(days=1)
    never = pd.Series(pd.NaT, index=contracts.index)
    ends = contracts.get("end_at", never)
    runs = (contracts["start_at"] < day) & ~(ends < day)
    renewal = contracts.get("renewal_at", never)
    endless = int((runs & renewal.isna()).sum())
    if endless:
        notes.append(
            f"{endless} of {int(runs.sum())} running contracts have no renewal date: they could always leave, so that "
            "their accounts count in every quarter."
        )
    term = (renewal - contracts["start_at"]).dt.days
    long = int((runs & (term > LONG_TERM_DAYS)).sum())
    if long:
        notes.append(
            f"{long} of {int(runs.sum())} running contracts run for over a year: they count only when they end."
        )
    logos, money = (year[year["variant"] == one].iloc[0] for one in ("logo_churn", "gross_renewal"))
    if 0 < money["n"] < logos["n"]:
        notes.append(f"{logos['n'] - money['n']} of the accounts up for renewal pay nothing: they count as logos only.")
    if logos["value"] == 1 and logos["n"] >= 5:
        notes.append("Nobody who came up was kept: does the CRM move the renewal date of those who renew?")
    return tuple(notes)
