"""What is wrong or suspicious in a warehouse's tables, counted there; and when the last event was."""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise

import pandas as pd

from helpers.ingest.build import EVENTS, OUTLIER
from helpers.ingest.checks import FEWEST, MONTH_END_SHARE, UNKNOWN
from helpers.ingest.warehouse_columns import literal
from helpers.ingest.warehouse_records import Building

CLOSED = "t.outcome in ('won', 'lost')"

Check = tuple[str, str, str, str, str, str]
"""Object, condition, field, code, message, cure."""


def _deal_checks(kinds: Iterable[str]) -> list[Check]:
    there, checks = set(kinds), []

    def add(needs: set[str], condition: str, field: str, code: str, message: str, cure: str) -> None:
        if needs <= there:
            checks.append(("deal", condition, field, code, message, cure))

    add({"created_at", "closed_at"}, f"{CLOSED} and cast(t.closed_at as date) < cast(t.created_at as date)",
        "closed_at", "closed_before_created",
        "deals closed before they were created; they do not count for the step between",
        "Correct the create or close date in the CRM")  # fmt: skip
    add({"closed_at"}, f"{CLOSED} and t.closed_at is null", "closed_at", "closed_without_date",
        "deals are closed and have no close date; they count in no period",
        "Fill in the close date in the CRM")  # fmt: skip
    add({"created_at"}, "t.outcome = 'won' and t.created_at is null", "created_at", "won_without_created_date",
        "deals are won and have no create date; they count for no cohort",
        "Fill in the create date in the CRM")  # fmt: skip
    add({"amount"}, "t.outcome = 'won' and (t.amount is null or t.amount = 0)", "amount", "won_without_amount",
        "deals are won without an amount; they count as won and add nothing to revenue",
        "Fill in the amount in the CRM")  # fmt: skip
    add({"amount"}, "t.amount < 0", "amount", "negative_amount", "deals have a negative amount",
        "Check whether these are credit notes rather than deals")  # fmt: skip
    add({"lost_reason"}, "t.outcome = 'lost' and t.lost_reason is null", "lost_reason", "lost_without_reason",
        "deals are lost and nobody said why", "Make the reason a required field")  # fmt: skip
    add({"company_id"}, "t.outcome = 'won' and t.company_id is null", "company_id", "won_without_company",
        "deals are won and belong to no company", "Link them to their company in the CRM")  # fmt: skip
    return checks


def check_tables(building: Building) -> None:
    """Count what is wrong with records, each finding once with its number of rows."""
    for object_id, query in building.queries.items():
        checks: list[Check] = _deal_checks(query.kinds) if object_id == "deal" else []
        if object_id == "contact":
            steps = [
                name for name in ("created_at", "mql_at", "sql_at", "opportunity_at", "won_at") if name in query.kinds
            ]
            for first, second in pairwise(steps):
                is_early = f"cast(t.{second} as date) < cast(t.{first} as date)"
                checks.append(("contact", is_early, second, "step_before_entry",
                               f"contacts have {second} before {first}; they do not count for the step between",
                               "Correct one of the dates in the CRM"))  # fmt: skip
        for start, end in (("live_at", "ended_at"), ("start_at", "end_at")):
            if object_id in {"customer", "subscription"} and {start, end} <= set(query.kinds):
                checks.append((object_id, f"cast(t.{end} as date) < cast(t.{start} as date)", end, "end_before_start",
                               f"{object_id} rows end before they start",
                               "Correct one of the dates in the CRM"))  # fmt: skip
        if checks:
            _run(building, object_id, checks)
    if "deal" in building.queries:
        _check_habits(building)


def _run(building: Building, object_id: str, checks: list[Check]) -> None:
    sums = [
        f"sum(case when {condition} then 1 else 0 end) as n{number}" for number, (_, condition, *_) in enumerate(checks)
    ]
    query = building.queries[object_id]
    needed = [name for name in query.kinds if any(f"t.{name} " in f"{check[1]} " or f"t.{name})" in check[1]
                                                  or f"t.{name} as" in check[1] for check in checks)]  # fmt: skip
    row = building.ask_one(f"select {', '.join(sums)} from ({query.select(needed)}) as t")
    for number, (_, _, field, code, message, cure) in enumerate(checks):
        count = int(row[f"n{number}"] or 0)
        building.note(object_id, field, code, "warning", count, f"{count:,} {message}", cure)


def _check_habits(building: Building) -> None:
    query = building.queries["deal"]
    if "lost_reason" in query.kinds:
        vague = ", ".join(map(literal, sorted(UNKNOWN)))
        row = building.ask_one(
            f"select count(*) as n, sum(case when lower(t.lost_reason) in ({vague}) then 1 else 0 end) as vague from "
            f"({query.select(['lost_reason', 'outcome'])}) as t where t.outcome = 'lost' and t.lost_reason is not null"
        )
        if int(row["n"]) >= FEWEST and int(row["vague"] or 0) > 0.2 * int(row["n"]):
            building.log.add(
                file=building.place("deal"), column=building.column("deal", "lost_reason"), code="vague_lost_reasons",
                severity="note",
                message=f"{int(row['vague']) / int(row['n']):.0%} of the lost reasons say 'other' or nothing",
                cure="Offer reasons that people recognise, and drop 'other'",
            )  # fmt: skip
    if "closed_at" in query.kinds:
        rows = building.ask(
            "select cast(t.closed_at as date) as day, count(*) as n from "
            f"({query.select(['closed_at', 'outcome'])}) as t "
            "where t.outcome = 'open' and t.closed_at is not null group by 1"
        )
        days = pd.DataFrame(rows, columns=["day", "n"])
        n = int(days["n"].sum())
        if n >= FEWEST:
            at_end = int(days["n"][pd.to_datetime(days["day"]).dt.is_month_end].sum())
            if at_end > MONTH_END_SHARE * n:
                building.log.add(
                    file=building.place("deal"), column=building.column("deal", "closed_at"), severity="note",
                    code="month_end_close_dates",
                    message=f"{at_end / n:.0%} of the open deals are due on a month's last day, which CRMs fill in "
                    "themselves", cure="Ask for close dates agreed with the buyer; take coverage by month with care",
                )  # fmt: skip


def count_days(building: Building) -> dict[tuple[str, str], pd.Series]:
    """Count the records per day of every date.

    Returns:
        (object, column) → day → records, by day.
    """
    found: dict[tuple[str, str], pd.Series] = {}
    for object_id, query in building.queries.items():
        dates = [name for name, kind in query.kinds.items() if kind == "date"]
        if not dates:
            continue
        has_outcome = object_id == "deal" and "outcome" in query.kinds
        outcome = "t.outcome" if has_outcome else "''"
        names = [f"d{number}" for number in range(len(dates))]
        shown = ", ".join(f'cast(t."{column}" as date) as {name}' for column, name in zip(dates, names, strict=True))
        below = query.select([*dates, *(["outcome"] if has_outcome else [])])
        inner = f"select {shown}, {outcome} as outcome from ({below}) as t"
        marks = ", ".join(f"grouping({name}) as g{name}" for name in names)
        sets = ", ".join(f"({name}, outcome)" for name in names)
        rows = building.connection.fetch(
            f"select {', '.join(names)}, outcome, {marks}, count(*) as n from ({inner}) as t "
            f"group by grouping sets ({sets})"
        ).to_pandas()
        for column, name in zip(dates, names, strict=True):
            here = rows[rows[f"g{name}"].eq(0) & rows[name].notna()]
            if (object_id, column) == ("deal", "closed_at"):
                closed = here[here["outcome"].isin(["won", "lost"])]
                found[("deal", "closed_at of closed")] = _by_day(closed, name)
            found[(object_id, column)] = _by_day(here, name)
    return found


def _by_day(rows: pd.DataFrame, name: str) -> pd.Series:
    days = pd.to_datetime(rows[name])
    return rows["n"].astype("int64").groupby(days).sum().sort_index()


def find_latest_event(days: dict[tuple[str, str], pd.Series]) -> date | None:
    """Return the day of the last event; a date far beyond nearly all others is a slip of the pen."""
    parts = []
    for object_id, names in EVENTS.items():
        for name in names:
            key = (
                (object_id, "closed_at of closed") if (object_id, name) == ("deal", "closed_at") else (object_id, name)
            )
            if key in days:
                parts.append(days[key])
    parts = [part for part in parts if len(part)] or [days.get(("cost", "date"), pd.Series(dtype="int64"))]
    events = pd.concat(parts)
    if not len(events):
        return None
    events = events.groupby(level=0).sum().sort_index()
    total = int(events.sum())
    if total > 20:
        at = (events.cumsum() > int(0.99 * (total - 1))).idxmax()
        events = events[events.index <= at + timedelta(days=OUTLIER.days)]
    return events.index.max().date()
