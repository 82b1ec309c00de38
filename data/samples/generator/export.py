"""Write what the CRM shows on one day: what happened before that day's midnight, under HubSpot's own labels."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd

from . import setting as s
from .history import AMOUNT, CLOSE_DATE, STAGE
from .world import World

PIPELINE = "Sales Pipeline"
QUOTES = (
    '"',
    '"',
    '"',
    "'",
    "'",
    "'",
    "'",
)  # older stages carry double quotes in HubSpot's labels, newer ones single
EPOCH = np.datetime64(s.START.isoformat(), "m")


def _moment(values: pd.Series | np.ndarray, *, before: float | None) -> np.ndarray:
    """Write moments as HubSpot does; blank where they lie ahead or never come."""
    at = np.floor(np.asarray(values, dtype=float))
    text = (EPOCH + np.nan_to_num(at).astype("int64").astype("timedelta64[m]")).astype(str)
    seen = ~np.isnan(at) if before is None else at < before
    return np.where(seen, np.char.replace(text, "T", " "), "")


def _date(values: pd.Series | np.ndarray, *, before: float | None) -> np.ndarray:
    """Write dates without a time of day; blank where they lie ahead or never come."""
    return np.array([text[:10] for text in _moment(values, before=before)])


def _yes(flag: pd.Series | np.ndarray) -> np.ndarray:
    return np.where(np.asarray(flag), "Yes", "No")


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _lead_status(contacts: pd.DataFrame, now: float) -> np.ndarray:
    """Tell what sales says of each lead on the day of export."""
    held = contacts["meeting_held"] < now
    cases = [
        (contacts["opportunity"] < now, "Open Deal"),
        (contacts["unqualified"] < now, "Unqualified"),
        (held & (now - contacts["meeting_held"] > 30 * s.DAY), "Bad Timing"),
        (held | (contacts["sql"] < now), "Connected"),
        (contacts["mql"] < now, "In Progress"),
        (contacts["first_touch"] < now, "Attempted to Contact"),
        (contacts["assigned"] < now, "Open"),
    ]
    return np.select([case.to_numpy() for case, _ in cases], [label for _, label in cases], "New")


def build_contacts(world: World, now: float) -> pd.DataFrame:
    """Build the contacts export.

    Returns:
        One row per contact created before now, some of them twice, all values as text.
    """
    c = world.contacts[world.contacts["created"] < now]
    stages = ("won", "opportunity", "sql", "shown_mql")
    labels = ("Customer", "Opportunity", "Sales Qualified Lead", "Marketing Qualified Lead")
    assigned = (c["assigned"] < now).to_numpy()
    touched = (c["first_touch"] < now).to_numpy()
    done = 1 + np.nan_to_num((now - c["first_touch"]) // c["activity_gap"])
    seen_source = (c["shown_source"] != "").to_numpy()
    columns = {
        "Record ID": c["id"],
        "First Name": c["given"],
        "Last Name": c["family"],
        "Email": c["email"],
        "Create Date": _moment(c["created"], before=now),
        "Lifecycle Stage": np.select([(c[x] < now).to_numpy() for x in stages], labels, "Lead"),
        "Lead Status": _lead_status(c, now),
        "Unqualified Reason": np.where(c["unqualified"] < now, c["unqualified_reason"], ""),
        "Became a Marketing Qualified Lead Date": _moment(c["shown_mql"], before=now),
        "Became a Sales Qualified Lead Date": _moment(c["sql"], before=now),
        "Became an Opportunity Date": _moment(c["opportunity"], before=now),
        "Became a Customer Date": _moment(c["won"], before=now),
        "Original Traffic Source": c["shown_source"],
        "Original Traffic Source Drill-Down 1": np.where(seen_source, c["detail"], ""),
        "Country/Region": c["country"],
        "Contact owner": np.where(assigned, c["owner"], ""),
        "Owner Assigned Date": _moment(c["assigned"], before=now),
        "Date of first engagement": _moment(c["first_touch"], before=now),
        "Number of Sales Activities": np.where(touched, np.minimum(done, c["activity_count"]), 0).astype(int),
        "Currently in Sequence": _yes(c["sequence"] < now),
        "Date of last meeting booked in meetings tool": _moment(c["meeting_booked"], before=now),
        "Meeting Held Date": _moment(c["meeting_held"], before=now),
        "Meeting No Show": _yes(c["no_show"] < now),
        "Associated Company IDs": c["company_id"],
    }
    frame = pd.DataFrame(columns)
    return pd.concat([frame, frame[c["is_repeated"].to_numpy()]])


def build_companies(world: World, now: float) -> pd.DataFrame:
    """Build the companies export.

    Returns:
        One row per company whose first contact was created before now.
    """
    c = world.companies[world.companies["created"] < now]
    columns = {
        "Record ID": c["id"],
        "Company name": c["name"],
        "Industry": c["industry"],
        "Number of Employees": c["employees"],
        "Segment": c["segment"],
        "Country/Region": c["country"],
        "Create Date": _date(c["created"], before=now),
    }
    return pd.DataFrame(columns)


def _other_contacts(world: World, deals: pd.DataFrame, now: float) -> list[str]:
    """List the contacts tied to each deal: the one it came from, then up to two colleagues."""
    contacts = world.contacts[(world.contacts["created"] < now) & world.contacts["opportunity"].isna()]
    colleagues = contacts.groupby("company_id")["id"].agg(list).to_dict()
    rows = zip(deals["contact_id"], deals["company_id"], strict=True)
    return [";".join(str(x) for x in [first, *colleagues.get(company, [])[:2]]) for first, company in rows]


def build_deals(world: World, now: float) -> pd.DataFrame:
    """Build the deals export: the last value of each property that was set before now.

    Returns:
        One row per deal created before now, with the moment it last entered each stage.
    """
    deals = world.deals[world.deals["created"] < now].set_index("id", drop=False)
    past = world.history[world.history["at"] < now]
    last = past.groupby(["property", "deal_id"])["value"].last()
    names = dict(zip(world.companies["id"], world.companies["name"], strict=True))
    stage = last[STAGE].reindex(deals.index).to_numpy()
    amount = last[AMOUNT].reindex(deals.index)
    reason = np.where((stage == s.LOST) & (deals["draw_key"] % 12 != 0), deals["lost_reason"], "")
    titles = [f"{names[c]} - {x}" for c, x in zip(deals["company_id"], deals["suffix"], strict=True)]
    columns = {
        "Record ID": deals["id"],
        "Deal Name": titles,
        "Pipeline": PIPELINE,
        "Deal Stage": stage,
        "Deal Type": deals["type"],
        "Amount": ["" if value != value else _number(value) for value in amount],
        "Create Date": _moment(deals["created"], before=now),
        "Close Date": _moment(last[CLOSE_DATE].reindex(deals.index).astype(float), before=None),
        "Deal owner": deals["owner"],
        "Product": deals["product"],
        "Closed Lost Reason": reason,
        "Associated Company IDs": deals["company_id"],
        "Associated Contact IDs": _other_contacts(world, deals, now),
    }
    entered = past[past["property"] == STAGE].groupby(["value", "deal_id"])["at"].last()
    for label, quote in zip((*s.OPEN_STAGES, s.WON, s.LOST), QUOTES, strict=True):
        moments = entered[label].reindex(deals.index).to_numpy()
        columns[f"Date entered {quote}{label} ({PIPELINE}){quote}"] = _moment(moments, before=now)
    return pd.DataFrame(columns)


def build_deal_history(world: World, now: float) -> pd.DataFrame:
    """Build the property history of deals.

    Returns:
        One row per value that a deal's stage, close date or amount was given before now, in order of deal and time.
    """
    past = world.history[(world.history["at"] < now)]
    past = past[past["deal_id"].isin(world.deals.loc[world.deals["created"] < now, "id"])]
    is_date = (past["property"] == CLOSE_DATE).to_numpy()
    values = past["value"].astype(object).to_numpy(copy=True)
    values[is_date] = _moment(values[is_date].astype(float), before=None)
    is_amount = (past["property"] == AMOUNT).to_numpy()
    values[is_amount] = [_number(value) for value in values[is_amount]]
    columns = {"Record ID": past["deal_id"], "Property": past["property"], "Value": values}
    return pd.DataFrame(columns | {"Timestamp": _moment(past["at"], before=now)})


def build_customers(world: World, now: float) -> pd.DataFrame:
    """Build the customers export.

    Returns:
        One row per customer won before now; no live date while it is being onboarded.
    """
    c = world.customers[world.customers["won"] < now]
    columns = {
        "Customer ID": c["id"],
        "Company ID": c["company_id"],
        "Deal ID": c["deal_id"],
        "Live Date": _date(c["live"], before=now),
        "End Date": _date(c["ended"], before=now),
    }
    return pd.DataFrame(columns)


def build_subscriptions(world: World, now: float) -> pd.DataFrame:
    """Build the subscriptions export.

    Returns:
        One row per contract term or add-on that started before now; the end date is blank while it runs.
    """
    c = world.subscriptions[world.subscriptions["start"] < now]
    columns = {
        "Subscription ID": c["id"],
        "Customer ID": c["customer_id"],
        "Product": c["product"],
        "Start Date": _date(c["start"], before=now),
        "End Date": _date(c["end"], before=now),
        "Renewal Date": _date(c["renewal"], before=None),
        "MRR": [_number(value) for value in c["mrr"]],
        "Seats": c["seats"],
    }
    return pd.DataFrame(columns)


def build_owners() -> pd.DataFrame:
    """Build the list of owners; quota is the yearly target in EUR, blank for who carries none.

    Returns:
        One row per person.
    """
    rows = [
        {
            "Name": person.name,
            "Role": person.role,
            "Team": person.team,
            "Manager": person.manager,
            "Start Date": person.started,
            "Quota": person.quota or "",
        }
        for person in s.PEOPLE
    ]
    return pd.DataFrame(rows)


def build_files(world: World, exported_on: dt.date) -> dict[str, pd.DataFrame]:
    """Build every file of one export.

    Args:
        world: What simulate_world returned.
        exported_on: The day of export; what happened on it or later is not seen.

    Returns:
        One frame of text per file name.

    Raises:
        ValueError: If the day lies outside of the simulated time.
    """
    now = s.minutes(exported_on)
    if not s.START < exported_on <= s.END:
        raise ValueError(f"--exported-on {exported_on}: choose a day after {s.START} and up to {s.END}.")
    sessions = world.sessions[world.sessions["date"] < pd.Timestamp(exported_on)]
    costs = world.costs[pd.to_datetime(world.costs["date"]) < pd.Timestamp(exported_on)]
    return {
        "hubspot-contacts.csv": build_contacts(world, now),
        "hubspot-companies.csv": build_companies(world, now),
        "hubspot-deals.csv": build_deals(world, now),
        "hubspot-deal-history.csv": build_deal_history(world, now),
        "owners.csv": build_owners(),
        "customers.csv": build_customers(world, now),
        "subscriptions.csv": build_subscriptions(world, now),
        "website-sessions.csv": sessions.rename(columns=str.title),
        "marketing-costs.csv": costs.rename(columns=str.title),
    }


def write_files(files: dict[str, pd.DataFrame], folder: Path) -> None:
    """Write each frame as CSV: UTF-8, line feeds, quotes only where needed, the same bytes on every machine."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in files.items():
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(frame.columns)
            if "Date" in frame.columns:
                frame = frame.assign(Date=frame["Date"].astype(str).str[:10])
            writer.writerows(frame.astype(str).itertuples(index=False, name=None))
