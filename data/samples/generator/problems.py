"""Plant the faults that real exports have, in known numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import setting as s

FORMULA_NAME = '=HYPERLINK("https://brightwater.example/win","Claim your prize")'
MARKUP_NAME = "<script>alert('Brightwater')</script> Holding AG"

DEAL_PROBLEMS = {
    "closed before created": 3,
    "no amount": 24,
    "close date at the end of time": 1,
    "open, close date passed": 2,
    "skipped stage": 30,
    "re-entered stage": 14,
    "lead to won on one day": 3,
}
BLANK_SOURCES = 60
CONTACTS_WITHOUT_MQL_DATE = 25
DUPLICATE_CONTACT_ROWS = 20


def plant_in_contacts(seed: int, leads: pd.DataFrame) -> None:
    """Blank some sources and some MQL dates and mark the rows that the export repeats; changes the frame in place."""
    rng = np.random.default_rng([seed, 51])
    leads["shown_source"], leads["is_repeated"] = leads["source"], False
    leads["shown_mql"] = leads["mql"]
    plain = np.flatnonzero(leads["opportunity"].isna() & (leads["source"] == "Organic Search"))
    leads.loc[rng.choice(plain, BLANK_SOURCES, replace=False), "shown_source"] = ""
    reached = np.flatnonzero(leads["opportunity"] < s.minutes(s.END) - 30 * s.DAY)
    leads.loc[rng.choice(reached, CONTACTS_WITHOUT_MQL_DATE, replace=False), "shown_mql"] = np.nan
    old = np.flatnonzero(leads["created"] < s.minutes(s.ROUTING_BREAK_FROM) - 150 * s.DAY)
    leads.loc[rng.choice(old, DUPLICATE_CONTACT_ROWS, replace=False), "is_repeated"] = True


def plant_in_deals(seed: int, deals: pd.DataFrame, leads: pd.DataFrame) -> None:
    """Mark new-business deals with one fault each; a one-day win pulls its contact's dates along; changes in place."""
    rng = np.random.default_rng([seed, 52])
    end = s.minutes(s.END)
    deals["problem"] = ""
    is_plain = deals["would_have_been"].isna()
    ended, running = deals["decided"] < end - 100 * s.DAY, (deals["decided"] > end) & (deals["created"] < end)
    fits = {
        "closed before created": ended & ~deals["won"],
        "no amount": ended & ~deals["won"] | running,
        "close date at the end of time": running & (deals["created"] < end - 120 * s.DAY),
        "open, close date passed": running & (deals["created"] < end - 90 * s.DAY),
        "skipped stage": ended & (deals["reached"] == 5),
        "re-entered stage": ended & (deals["reached"] >= 3),
        "lead to won on one day": ended & deals["won"] & (deals["segment"] == "SMB"),
    }
    for problem in sorted(fits, key=lambda name: int(fits[name].sum())):
        free = np.flatnonzero(fits[problem] & is_plain & (deals["problem"] == ""))
        deals.loc[rng.choice(free, DEAL_PROBLEMS[problem], replace=False), "problem"] = problem
    for row in np.flatnonzero(deals["problem"] == "lead to won on one day"):
        contact = int(deals.at[row, "contact_id"]) - int(leads["id"].iloc[0])
        morning = np.floor(deals.at[row, "decided"] / s.DAY) * s.DAY + 500
        moments = {"created": 0, "assigned": 4, "first_touch": 15, "mql": 20, "shown_mql": 20, "sql": 60}
        moments |= {"opportunity": 65, "meeting_booked": 25, "meeting_held": 50}
        for name, after in moments.items():
            leads.at[contact, name] = morning + after
        deals.at[row, "created"], deals.at[row, "decided"] = morning + 65, morning + 420


def plant_in_companies(deals: pd.DataFrame, companies: pd.DataFrame) -> None:
    """Give two companies that have deals a name that attacks a spreadsheet or a page; changes the frame in place."""
    lost = deals.loc[~deals["won"] & (deals["problem"] == "") & (deals["decided"] < s.minutes(s.END) - 100 * s.DAY)]
    for company_id, name in zip(lost["company_id"].iloc[[40, 75]], (FORMULA_NAME, MARKUP_NAME), strict=True):
        companies.loc[companies["id"] == company_id, "name"] = name
