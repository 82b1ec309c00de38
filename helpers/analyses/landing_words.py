"""What landings and their back-test say, in sentences."""

import numpy as np
import pandas as pd

from helpers.analyses.landing import METHODS
from helpers.units import format_value

LEADING = ("simulation", "cohort_vector", "stage_weighted", "to_go", "week_k", "coverage", "naive")
"""Which method a headline tells, the first that has an estimate."""


def pick_method(landings: pd.DataFrame) -> str:
    """Return the method that a headline tells; empty where none has an estimate."""
    known = set(landings.dropna(subset=["expected"])["method"])
    return next((method for method in LEADING if method in known), "")


def say_landing(landings: pd.DataFrame, label: str, *, currency: str, goal: float | None = None) -> str:
    """Say where a period lands and how far the methods lie apart.

    Args:
        landings: As made by ``estimate_landings``.
        label: The period's label.
        currency: ISO code.
        goal: Bookings goal of the period, currency.
    """
    method = pick_method(landings)
    if not method:
        return f"No method can tell where {label} will land"
    row = landings.set_index("method").loc[method]
    said = f"{label} lands at about {format_value(row['expected'], 'currency', currency=currency)}"
    said += {"new": " of new business", "existing": " of existing business"}.get(landings.attrs.get("business", ""), "")
    if np.isfinite(row["low"]):
        low, high = (format_value(row[edge], "currency", currency=currency) for edge in ("low", "high"))
        said += f" ({low} to {high})"
    if goal:
        said += f", {format_value(row['expected'] / goal, 'share')} of its goal"
    others = landings[landings["method"] != "naive"]["expected"].dropna().round(2).unique()
    if len(others) > 1:
        low, high = (format_value(value, "currency", currency=currency) for value in (others.min(), others.max()))
        said += f"; {len(others)} methods say {low} to {high}" if low != high else f"; {len(others)} methods agree"
    return said


def explain_landing(landings: pd.DataFrame) -> str:
    """Say how the range is meant and where open deals had to be taken at the size of others."""
    attrs = landings.attrs
    parts = [f"The line holds what comes in {format_value(attrs.get('interval', 0.8), 'share')} of cases."]
    parts.append("Of the simulation it is that of its draws, of the others what their own earlier errors tell.")
    open_deals, sized = int(attrs.get("open", 0)), int(attrs.get("open_with_amount", 0))
    if open_deals and not sized:
        parts.append(
            f"None of the {open_deals:,} open deals carries an amount: wins are counted, and each is taken at the size "
            "of a deal won before."
        )
    elif sized < open_deals:
        parts.append(
            f"Open deals without an amount ({open_deals - sized:,} of {open_deals:,}) are taken at the size of deals "
            "won before."
        )
    return " ".join(parts)


def say_backtest(scores: pd.DataFrame, *, week: int = 0, unit: str = "period") -> str:
    """Say which method foresaw earlier periods best, beside the naive forecast.

    Args:
        scores: As made by ``score_landings``.
        week: After how many weeks the estimates were made.
        unit: What a period is called, singular.
    """
    mine = scores[(scores["week"] == week) & scores["error"].notna()].sort_values("error", kind="stable")
    rivals = mine[mine["method"] != "naive"]
    if rivals.empty:
        return f"No method could be tried on earlier {unit}s"
    best = rivals.iloc[0]
    name = METHODS[best["method"]]
    said = f"{name} came closest: off by {format_value(best['error'], 'share')} over {_count(int(best['n']), unit)}"
    if not np.isfinite(best["against_naive"]):
        return said
    verdict = "less" if best["against_naive"] < 1 else "no less"
    return f"{said}, {verdict} than the naive forecast's {format_value(best['naive_error'], 'share')}"


def _count(n: int, unit: str) -> str:
    return f"{n} {unit}{'' if n == 1 else 's'}"
