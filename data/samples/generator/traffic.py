"""Simulate what leaves no record of a person: visits to the website and what marketing spends."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from . import setting as s

SESSIONS_PER_LEAD = {
    "Organic Search": 62,
    "Paid Search": 38,
    "Demo Request": 21,
    "Webinar": 14,
    "Referrals": 17,
}
COST_PER_MONTH = {
    "Organic Search": 9_000,
    "Paid Search": 24_000,
    "Demo Request": 6_000,
    "Webinar": 8_500,
    "Referrals": 7_000,
    "Outbound": 15_000,
}


def simulate_sessions(seed: int, leads: pd.DataFrame) -> pd.DataFrame:
    """Count the visits by day and source, in step with a smoothed count of leads.

    Returns:
        One row per day and source that has visits: date, source, sessions.
    """
    rng = np.random.default_rng([seed, 41])
    day = (leads["created"] // s.DAY).astype(int)
    dates = pd.date_range(s.START, periods=s.DAYS)
    weekday = np.where(dates.weekday < 5, 1.2, 0.5)
    frames = []
    for source, per_lead in SESSIONS_PER_LEAD.items():
        counts = np.bincount(day[leads["source"] == source], minlength=s.DAYS).astype(float)
        smooth = np.convolve(np.pad(counts, 14, mode="edge"), np.ones(29) / 29, mode="valid")
        sessions = rng.poisson(smooth * per_lead * weekday)
        frames.append(pd.DataFrame({"date": dates, "source": source, "sessions": sessions}))
    return pd.concat(frames).sort_values(["date", "source"], kind="stable").reset_index(drop=True)


def simulate_costs(seed: int, causes: frozenset[str]) -> pd.DataFrame:
    """Bill the first of every month what marketing spent by source; webinars cost more once there are more.

    Returns:
        One row per month and source: date, source, channel, amount in EUR.
    """
    rng = np.random.default_rng([seed, 42])
    rows = []
    for date in pd.date_range(s.START, s.END - dt.timedelta(days=1), freq="MS"):
        grown = 1 + 0.12 * (date - pd.Timestamp(s.START)).days / 365
        for source, amount in COST_PER_MONTH.items():
            more = 1.75 if source == "Webinar" and "mix" in causes and date.date() >= s.MIX_SHIFT_FROM else 1.0
            less = 0.75 if source == "Paid Search" and more == 1.0 and date.date() >= s.MIX_SHIFT_FROM else 1.0
            spent = amount * grown * more * less * rng.uniform(0.93, 1.07)
            rows.append((date.date(), source, s.CHANNEL[source], round(spent, 2)))
    return pd.DataFrame(rows, columns=["date", "source", "channel", "amount"])
