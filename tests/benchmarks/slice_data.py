"""A made-up company of any size for measuring slices: Parquet files and the ``company.toml`` that reads them.

Ten partitions of 60, 8, 25, 5, 40, 20, 3, 12, 4 and 50 values, unevenly used and sometimes missing; the channel follows
from the source and the region from the country. Dates run over 24 months. Some records are awkward on purpose: SQL
without MQL, MQL before lead, closed before created, several contacts per deal, several deals per contact.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SIZES = {
    "owner": 60,
    "product": 8,
    "country": 25,
    "channel": 5,
    "competitor": 40,
    "industry": 20,
    "segment": 3,
    "source": 12,
    "region": 4,
    "campaign": 50,
}
FOLLOWS = {"channel": "source", "region": "country"}
FIRST, LAST = np.datetime64("2024-10-01"), np.datetime64("2026-09-30")
DAYS = int((LAST - FIRST).astype(int))
STAGES = ("Closed Won", "Closed Lost", "Proposal", "Demo")
MISSING = 0.03
CHUNK = 1 << 20


def write_company(folder: Path, contacts: int, seed: int = 1) -> Path:
    """Write a company of so many contacts, and 13 % as many deals; the same files for the same seed.

    Returns:
        The company's folder.
    """
    exports = folder / "crm" / "2026-10-01"
    exports.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    deals = int(contacts * 0.13)
    who = np.sort(rng.integers(0, contacts, deals))
    begun, codes = np.empty(contacts, np.int32), {name: np.empty(contacts, np.int8) for name in SIZES}
    with _writer(exports / "contacts.parquet", _contact_schema()) as writer:
        for low in range(0, contacts, CHUNK):
            table, begun[low : low + CHUNK], part = _make_contacts(rng, low, min(CHUNK, contacts - low))
            for name, values in part.items():
                codes[name][low : low + CHUNK] = values
            writer.write_table(table)
    closed, is_won = _write_deals(exports, rng, who, begun[who], {name: part[who] for name, part in codes.items()})
    _write_links(exports, rng, who, contacts)
    _write_customers(exports, rng, closed, is_won)
    (folder / "company.toml").write_text(_settings(), encoding="utf-8")
    return folder


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, schema, compression="zstd")


def _contact_schema() -> pa.Schema:
    dates = [(name, pa.timestamp("us")) for name in ("created_at", "mql_at", "sql_at")]
    return pa.schema([("id", pa.string()), *((name, pa.string()) for name in SIZES), *dates])


def _pick(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """Return the code of each record per partition, −1 where missing; frequencies fall as one over the rank."""
    codes = {}
    for name, size in SIZES.items():
        if name not in FOLLOWS:
            weight = 1 / np.arange(1, size + 1)
            drawn = rng.choice(size, n, p=weight / weight.sum()).astype(np.int8)
            codes[name] = np.where(rng.random(n) < MISSING, -1, drawn).astype(np.int8)
    for name, finer in FOLLOWS.items():
        codes[name] = np.where(codes[finer] < 0, -1, codes[finer] % SIZES[name]).astype(np.int8)
    return {name: codes[name] for name in SIZES}


def _texts(name: str, codes: np.ndarray) -> pa.Array:
    values = pa.array([f"{name} {i:02d}" for i in range(SIZES[name])], pa.string())
    return values.take(pa.array(codes.astype(np.int32), mask=codes < 0))


def _days(days: np.ndarray, there: np.ndarray) -> pa.Array:
    shown = there & (days <= DAYS)
    stamps = (FIRST + np.where(shown, days, 0).astype("timedelta64[D]")).astype("datetime64[us]")
    return pa.array(stamps, mask=~shown)


def _ids(letter: str, numbers: np.ndarray) -> pa.Array:
    import pyarrow.compute as pc

    digits = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), 9, "0")
    return pc.binary_join_element_wise(pa.scalar(letter), digits, pa.scalar(""))


def _make_contacts(rng: np.random.Generator, low: int, n: int) -> tuple[pa.Table, np.ndarray, dict[str, np.ndarray]]:
    codes = _pick(rng, n)
    begun = rng.integers(0, DAYS + 1, n).astype(np.int32)
    is_mql = rng.random(n) < 0.4
    mql = begun + np.where(rng.random(n) < 0.01, -3, rng.integers(0, 30, n))
    is_sql = np.where(is_mql, rng.random(n) < 0.5, rng.random(n) < 0.01)
    sql = mql + np.where(rng.random(n) < 0.01, -2, rng.integers(0, 30, n))
    columns = {"id": _ids("c", np.arange(low, low + n)), **{name: _texts(name, part) for name, part in codes.items()}}
    columns["created_at"] = _days(begun, np.ones(n, bool))
    columns["mql_at"] = _days(mql, is_mql & (mql >= 0))
    columns["sql_at"] = _days(sql, is_sql & (sql >= 0))
    return pa.table(columns), begun, codes


def _write_deals(exports: Path, rng: np.random.Generator, who, begun, codes) -> tuple[np.ndarray, np.ndarray]:
    """Write deals created by the last day; a close after it is an expected one, and the deal open."""
    n = len(who)
    created = np.minimum(begun + rng.integers(-5, 90, n), DAYS).clip(0)
    closed = created + np.where(rng.random(n) < 0.01, -2, rng.integers(3, 200, n))
    stage = rng.choice(len(STAGES), n, p=[0.25, 0.6, 0.1, 0.05])
    stage = np.where((stage < 2) & (closed > DAYS), 2, stage)
    closed = np.where(stage < 2, closed.clip(0), np.maximum(closed, DAYS + 5))
    amount = np.round(rng.lognormal(9, 1, n), 2)
    columns = {"id": _ids("d", np.arange(n)), **{name: _texts(name, part) for name, part in codes.items()}}
    columns["created_at"] = _days(created, np.ones(n, bool))
    columns["closed_at"] = pa.array((FIRST + closed.astype("timedelta64[D]")).astype("datetime64[us]"))
    columns["stage"] = pa.array(STAGES, pa.string()).take(pa.array(stage))
    columns["amount"] = pa.array(amount, mask=rng.random(n) < 0.02)
    table = pa.table(columns)
    with _writer(exports / "deals.parquet", table.schema) as writer:
        writer.write_table(table, row_group_size=CHUNK)
    return closed, stage == 0


def _write_links(exports: Path, rng: np.random.Generator, who: np.ndarray, contacts: int) -> None:
    """Write every deal's main contact, and a quarter as many further ones."""
    deal = np.arange(len(who))
    more = rng.integers(0, len(deal), len(deal) // 4)
    pairs = np.unique(np.stack([np.r_[deal, more], np.r_[who, rng.integers(0, contacts, len(more))]]), axis=1)
    table = pa.table({"deal_id": _ids("d", pairs[0]), "contact_id": _ids("c", pairs[1])})
    pq.write_table(table, exports / "deal_contacts.parquet", compression="zstd")


def _write_customers(exports: Path, rng: np.random.Generator, closed: np.ndarray, is_won: np.ndarray) -> None:
    deal = np.flatnonzero(is_won)
    deal = deal[rng.random(len(deal)) < 0.95]
    live = closed[deal] + rng.integers(-1, 60, len(deal))
    columns = {"id": _ids("k", deal), "deal_id": _ids("d", deal), "live_at": _days(live, live >= 0)}
    pq.write_table(pa.table(columns), exports / "customers.parquet", compression="zstd")


def _settings() -> str:
    partitions = "\n".join(f'{name} = "{name}"' for name in SIZES)
    return f"""name = "Measured company"
currency = "EUR"
fiscal_year_start = 10
time_zone = "UTC"
locale = "en"

[objects.contact]
file = "contacts.parquet"
[objects.contact.fields]
id = "id"
created_at = "created_at"
mql_at = "mql_at"
sql_at = "sql_at"
{partitions}

[objects.deal]
file = "deals.parquet"
[objects.deal.fields]
id = "id"
created_at = "created_at"
closed_at = "closed_at"
stage = "stage"
amount = "amount"
{partitions}

[objects.deal_contact]
file = "deal_contacts.parquet"
[objects.deal_contact.fields]
deal_id = "deal_id"
contact_id = "contact_id"

[objects.customer]
file = "customers.parquet"
[objects.customer.fields]
id = "id"
deal_id = "deal_id"
live_at = "live_at"

[[deal_stages]]
label = "Demo"
stage = "opportunity"
probability = 0.2
[[deal_stages]]
label = "Proposal"
stage = "opportunity"
probability = 0.5
[[deal_stages]]
label = "Closed Won"
stage = "won"
[[deal_stages]]
label = "Closed Lost"
stage = "lost"
"""


def main() -> None:
    """Write a company by hand."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--contacts", type=int, default=100_000)
    options = parser.parse_args()
    write_company(options.folder, options.contacts)


if __name__ == "__main__":
    main()
