"""The same cells by other people's tools: pandas as an analyst writes it, polars, and DuckDB's grouping sets.

Every way makes one row per event (a contact becomes a lead, a deal is won, …) with what it counts for, and groups these
by partitions and period. The tables that come out are alike: one row per combination, slice and period, a column per
count. Two bare passes are limits: reading every column, and joining the journeys without slicing them.
"""

from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path

from tests.benchmarks.slice_data import SIZES

PERIODS = {
    "quarter": (("2026-04-01", "2026-06-30"), ("2026-07-01", "2026-09-30")),
    "year": (("2024-10-01", "2025-09-30"), ("2025-10-01", "2026-09-30")),
}
"""The two periods that are compared: the last quarters, or the fiscal years, which hold all records."""

LENSES: list[tuple[str, ...]] = [(), *((name,) for name in SIZES), *combinations(SIZES, 2)]
COUNTS = (
    "leads", "mql_of_leads", "mqls", "sql_of_mqls", "sqls", "opportunity_of_sqls", "opportunities",
    "won_of_opportunities", "deals_won", "live_of_won", "customers_onboarded", "cents",
)  # fmt: skip
"""Six volumes, the numerators of five cohort rates, and revenue in cents."""

EVENTS = (
    ("contact", "created_at", {"leads": "1", "mql_of_leads": "mql_at >= created_at"}),
    ("contact", "mql_at", {"mqls": "1", "sql_of_mqls": "sql_at >= mql_at"}),
    ("contact", "sql_at", {"sqls": "1", "opportunity_of_sqls": "opportunity_at >= sql_at"}),
    ("deal", "created_at", {"opportunities": "1", "won_of_opportunities": "won_at >= created_at"}),
    ("deal", "won_at", {"deals_won": "1", "live_of_won": "live_at >= won_at", "cents": "cents"}),
    ("customer", "live_at", {"customers_onboarded": "1"}),
)
"""Which table's records happen on which date, and what each of them counts for."""

FILES = ("contacts", "deals", "deal_contacts", "customers")


def find_files(folder: Path) -> dict[str, str]:
    """Return the path of every file of a company."""
    return {name: str(folder / "crm" / "2026-10-01" / f"{name}.parquet") for name in FILES}


def read_in_pandas(folder: Path, grain: str):
    """Read, join and stack the events; columns: partitions, period, counts."""
    import pandas as pd

    tables = {name: pd.read_parquet(path) for name, path in find_files(folder).items()}
    deal, customer = tables["deals"], tables["customers"]
    first = tables["deal_contacts"].merge(deal[["id", "created_at"]], left_on="deal_id", right_on="id")
    first = first.groupby("contact_id")["created_at"].min().rename("opportunity_at")
    contact = tables["contacts"].merge(first, left_on="id", right_index=True, how="left")
    deal = deal.merge(customer.groupby("deal_id")["live_at"].min(), left_on="id", right_index=True, how="left")
    deal["won_at"] = deal["closed_at"].where(deal["stage"] == "Closed Won")
    deal["cents"] = (deal["amount"].fillna(0) * 100).round().astype("int64")
    customer = customer.merge(deal[["id", *SIZES]], left_on="deal_id", right_on="id")
    joined = {"contact": contact, "deal": deal, "customer": customer}
    parts = []
    for name, date, counts in EVENTS:
        frame = joined[name]
        for period, (start, end) in enumerate(PERIODS[grain]):
            there = frame[frame[date].between(start, end)]
            part = there[list(SIZES)].assign(period=period)
            for count, how in counts.items():
                part[count] = 1 if how == "1" else there.eval(how).astype("int64")
            parts.append(part)
    events = pd.concat(parts, ignore_index=True)
    events[list(COUNTS)] = events[list(COUNTS)].fillna(0).astype("int64")
    events[list(SIZES)] = events[list(SIZES)].fillna("(blank)")
    return events


def slice_in_pandas(events) -> dict[tuple[str, ...], object]:
    """Group by every combination."""
    return {by: events.groupby([*by, "period"])[list(COUNTS)].sum().reset_index() for by in LENSES}


def pivot_in_pandas(events) -> dict[tuple[str, ...], object]:
    """Pivot by every combination."""
    found = {}
    for by in LENSES:
        keys = list(by) if by else [events["leads"].mul(0).rename("all")]
        table = events.pivot_table(index=keys, columns="period", values=list(COUNTS), aggfunc="sum", fill_value=0)
        found[by] = table.stack("period", future_stack=True).reset_index()
    return found


def read_in_polars(folder: Path, grain: str):
    """Plan reading, joining and stacking the events, lazily."""
    import polars as pl

    tables = {name: pl.scan_parquet(path) for name, path in find_files(folder).items()}
    deal, customer = tables["deals"], tables["customers"]
    first = tables["deal_contacts"].join(deal.select("id", "created_at"), left_on="deal_id", right_on="id")
    first = first.group_by("contact_id").agg(pl.col("created_at").min().alias("opportunity_at"))
    contact = tables["contacts"].join(first, left_on="id", right_on="contact_id", how="left")
    live = customer.group_by("deal_id").agg(pl.col("live_at").min())
    deal = deal.join(live, left_on="id", right_on="deal_id", how="left").with_columns(
        won_at=pl.when(pl.col("stage") == "Closed Won").then(pl.col("closed_at")),
        cents=(pl.col("amount").fill_null(0) * 100).round().cast(pl.Int64),
    )
    customer = customer.join(deal.select("id", *SIZES), left_on="deal_id", right_on="id")
    joined = {"contact": contact, "deal": deal, "customer": customer}
    parts = []
    for name, date, counts in EVENTS:
        period = pl.lit(None, pl.Int8)
        for number, (start, end) in enumerate(PERIODS[grain]):
            inside = pl.col(date).is_between(
                pl.lit(start).str.to_datetime("%Y-%m-%d"), pl.lit(end).str.to_datetime("%Y-%m-%d")
            )
            period = pl.when(inside).then(pl.lit(number, pl.Int8)).otherwise(period)
        columns = [pl.col(partition).fill_null("(blank)") for partition in SIZES]
        for count in COUNTS:
            how = counts.get(count, "0")
            value = pl.lit(int(how)) if how in "01" else pl.sql_expr(how).fill_null(0)
            columns.append(value.cast(pl.Int64).alias(count))
        parts.append(joined[name].select(period.alias("period"), *columns).filter(pl.col("period").is_not_null()))
    return pl.concat(parts)


def slice_in_polars(events) -> dict[tuple[str, ...], object]:
    """Group by every combination, all in one plan."""
    import polars as pl

    plans = [events.lazy().group_by([*by, "period"]).agg(pl.col(COUNTS).sum()) for by in LENSES]
    return dict(zip(LENSES, pl.collect_all(plans), strict=True))


def write_journeys(folder: Path, grain: str) -> str:
    """Write the joined journeys and the events as common table expressions of DuckDB."""
    files = find_files(folder)
    partitions = ", ".join(SIZES)
    blank = ", ".join(f"coalesce({name}, '(blank)') as {name}" for name in SIZES)
    period = "case {} end".format(
        " ".join(f"when {{0}} between '{start}' and '{end}' then {i}" for i, (start, end) in enumerate(PERIODS[grain]))
    )
    parts = []
    for table, date, counts in EVENTS:
        shown = ", ".join(f"{_as_number(counts.get(count, '0'))} as {count}" for count in COUNTS)
        parts.append(f"select {period.format(date)} as period, {blank}, {shown} from {table} where period is not null")
    return f"""
    with first as (
        select contact_id, min(created_at) as opportunity_at
        from '{files["deal_contacts"]}' l join '{files["deals"]}' d on d.id = l.deal_id group by contact_id
    ), live as (select deal_id, min(live_at) as live_at from '{files["customers"]}' group by deal_id),
    contact as (select c.*, opportunity_at from '{files["contacts"]}' c left join first f on f.contact_id = c.id),
    deal as (
        select d.*, live_at, case when stage = 'Closed Won' then closed_at end as won_at,
        cast(round(coalesce(amount, 0) * 100) as bigint) as cents
        from '{files["deals"]}' d left join live l on l.deal_id = d.id
    ), customer as (
        select k.live_at, {partitions} from '{files["customers"]}' k join '{files["deals"]}' d on d.id = k.deal_id
    ), events as ({" union all ".join(parts)})
    """


def _as_number(how: str) -> str:
    return how if how in ("0", "1", "cents") else f"coalesce({how}, false)::int"


def write_slices(source: str, *, where: str = "") -> str:
    """Write the grouping sets over all combinations."""
    sums = ", ".join(f"cast(sum({count}) as bigint) as {count}" for count in COUNTS)
    flags = ", ".join(f"grouping({name}) as is_{name}" for name in SIZES)
    sets = ", ".join(f"({', '.join([*by, 'period'])})" for by in LENSES)
    return f"select period, {', '.join(SIZES)}, {flags}, {sums} from {source} {where} group by grouping sets ({sets})"


def connect(limit: str = ""):
    """Return an own DuckDB."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("set preserve_insertion_order = false")
    if limit:
        connection.execute(f"set memory_limit = '{limit}'")
    return connection


def slice_in_duckdb(folder: Path, grain: str):
    """Join and slice in one statement, straight from the files."""
    with connect() as connection:
        return connection.execute(write_journeys(folder, grain) + write_slices("events")).to_arrow_table()


def scan_in_duckdb(folder: Path, grain: str) -> None:
    """Read every column of every file and hash it, whatever the periods: the limit of reading."""
    with connect() as connection:
        for path in find_files(folder).values():
            columns = [row[0] for row in connection.execute(f"describe select * from '{path}'").fetchall()]
            hashes = ", ".join(f"bit_xor(hash({name}))" for name in columns)
            connection.execute(f"select {hashes} from '{path}'").fetchall()


def join_in_duckdb(folder: Path, grain: str) -> None:
    """Build the joined journey tables in memory, and nothing else: the limit of anything that slices journeys."""
    with connect() as connection:
        journeys = write_journeys(folder, grain)
        for table in ("contact", "deal", "customer"):
            connection.execute(f"create temp table journey_{table} as {journeys} select * from {table}")


def name_slices(found: Mapping[tuple[str, ...], object], to_pandas: Callable = lambda table: table):
    """Put the tables of all combinations under each other: dimension, slice, period and counts."""
    import pandas as pd

    parts = []
    for by, table in found.items():
        frame = to_pandas(table)
        texts = pd.Series("all", index=frame.index) if not by else frame[by[0]].astype("str")
        for name in by[1:]:
            texts = texts + " & " + frame[name].astype("str")
        parts.append(frame[["period", *COUNTS]].assign(dimension=" & ".join(by) or "all", slice=texts))
    return pd.concat(parts, ignore_index=True)


def split_sets(table):
    """Tell the combinations of grouping sets apart again."""
    frame = table.to_pandas()
    flags = frame[[f"is_{name}" for name in SIZES]].to_numpy() == 0
    weights = (flags * [1 << place for place in range(len(SIZES))]).sum(axis=1)
    names = list(SIZES)
    return {by: frame[weights == sum(1 << names.index(name) for name in by)] for by in LENSES}
