"""Measure the KPI engine against what an analyst writes in plain pandas, in one run on one random company.

Run by hand: ``python -m tests.benchmarks.bench_engine --contacts 100000 --deals 13000 --rounds 5``.
Both count leads, MQLs, opportunities, deals won and revenue, and divide lead to MQL, opportunity to won and win rate,
for the company and every single partition, per quarter. Every cell is compared before any time is looked at. Prints
the median CPU seconds of each, their ratio per round, and the engine's time for all of its KPIs (quarters and the
whole history).
"""

import argparse
import time
from statistics import median

import numpy as np
import pandas as pd

from helpers.company import Company
from helpers.engine import build_cells
from tests.companies import make_company

KPIS = ["leads", "mqls", "opportunities", "deals_won", "revenue_won", "lead_to_mql", "opportunity_to_won", "win_rate"]
SIZES = {
    "source": 12,
    "channel": 5,
    "product": 8,
    "region": 4,
    "industry": 20,
    "segment": 3,
    "owner": 60,
    "country": 25,
    "campaign": 50,
    "tier": 3,
}
LAST = "2025-12-31"


def make_tables(contacts: int, deals: int, seed: int = 1) -> dict[str, pd.DataFrame]:
    """Return contacts, deals, customers, subscriptions and a deal history of a random company."""
    rng = np.random.default_rng(seed)
    begun = rng.integers(0, 600, contacts)
    contact = pd.DataFrame({"id": [f"c{i}" for i in range(contacts)], "created_at": _dates(begun)})
    is_mql = rng.random(contacts) < 0.4
    contact["mql_at"] = _dates(begun + rng.integers(0, 30, contacts)).where(is_mql)
    contact["sql_at"] = _dates(begun + rng.integers(30, 60, contacts)).where(is_mql & (rng.random(contacts) < 0.5))
    for name, size in SIZES.items():
        values = np.array([f"{name} {i:02d}" for i in range(size)], dtype="O")[rng.zipf(1.5, contacts) % size]
        contact[name] = pd.Series(values, dtype="str").where(rng.random(contacts) > 0.03)
    who = rng.choice(contacts, deals)
    created = begun[who] + rng.integers(40, 80, deals)
    deal = pd.DataFrame({"id": [f"d{i}" for i in range(deals)], "contact_id": contact["id"].to_numpy()[who]})
    deal["created_at"], deal["closed_at"] = _dates(created), _dates(created + rng.integers(5, 200, deals))
    deal["amount"] = np.round(rng.lognormal(9, 1, deals), 2)
    stages = ["Closed Won", "Closed Lost", "Proposal", "Demo"]
    deal["stage"] = pd.Series(rng.choice(stages, deals, p=[0.22, 0.6, 0.1, 0.08]), dtype="str")
    for name in SIZES:
        deal[name] = contact[name].to_numpy()[who]
    won = deal[deal["stage"] == "Closed Won"].reset_index(drop=True)
    customer = pd.DataFrame({"id": "k" + won["id"], "deal_id": won["id"]})
    customer["live_at"] = won["closed_at"] + pd.Timedelta(days=20)
    subscription = pd.DataFrame({"id": "s" + won["id"], "customer_id": customer["id"], "start_at": won["closed_at"]})
    subscription["renewal_at"] = won["closed_at"] + pd.Timedelta(days=365)
    subscription["mrr"], subscription["seats"] = (won["amount"] / 12).round(2), 5
    moved = deal.sample(frac=0.5, random_state=seed)
    history = pd.DataFrame({"deal_id": moved["id"], "changed_at": moved["created_at"] + pd.Timedelta(days=30)})
    history = history.assign(field="closed_at", new=moved["closed_at"].dt.strftime("%Y-%m-%d"))
    history["old"] = (moved["closed_at"] - pd.Timedelta(days=45)).dt.strftime("%Y-%m-%d")
    return {
        "contact": contact,
        "deal": deal,
        "customer": customer,
        "subscription": subscription,
        "deal_history": history,
    }


def _dates(days: np.ndarray) -> pd.Series:
    return pd.Series(np.datetime64("2024-01-01") + days.astype("timedelta64[D]")).astype("datetime64[us]")


def count_in_pandas(tables: dict[str, pd.DataFrame], by: list[tuple[str, ...]]) -> pd.DataFrame:
    """Compute the same cells the way an analyst would: mask, quarter, group, divide."""
    contact, deal = tables["contact"], tables["deal"]
    last = pd.Timestamp(LAST)
    deal = deal.assign(is_won=(deal["stage"] == "Closed Won") & (deal["closed_at"] <= last))
    contact = contact.assign(is_mql=contact["mql_at"] <= last)
    closed = deal[deal["stage"].isin(["Closed Won", "Closed Lost"])]
    won = deal[deal["is_won"]]
    parts = []
    for names in by:
        for kpi, frame, date, column, how in (
            ("leads", contact, "created_at", "id", "size"),
            ("mqls", contact, "mql_at", "id", "size"),
            ("opportunities", deal, "created_at", "id", "size"),
            ("deals_won", won, "closed_at", "id", "size"),
            ("revenue_won", won, "closed_at", "amount", "sum"),
            ("lead_to_mql", contact, "created_at", "is_mql", "mean"),
            ("opportunity_to_won", deal, "created_at", "is_won", "mean"),
            ("win_rate", closed, "closed_at", "is_won", "mean"),
        ):
            there = frame[frame[date] <= last]
            start = there[date].dt.to_period("Q").dt.start_time.rename("period_start")
            slices = there[names[0]].fillna("(blank)") if names else pd.Series("all", index=there.index)
            cells = there.groupby([slices.rename("slice"), start])[column].agg(how).rename("value").reset_index()
            parts.append(cells.assign(kpi=kpi, dimension=names[0] if names else "all"))
    return pd.concat(parts, ignore_index=True)


def count_in_engine(company: Company, by: list[tuple[str, ...]]) -> pd.DataFrame:
    """Compute the cells with the engine, the join included: a fresh company has nothing remembered."""
    cells = build_cells(company, kpis=KPIS, by=by, as_of=LAST)
    return cells[~(cells["basis"].eq("period") & cells["kpi"].str.contains("_to_"))]


def compare(engine: pd.DataFrame, peer: pd.DataFrame) -> int:
    """Compare cell by cell; the engine's true zeros are no cells for pandas.

    Returns:
        How many cells are equal.

    Raises:
        AssertionError: A cell differs.
    """
    keys = ["kpi", "dimension", "slice", "period_start"]
    mine, other = (frame.set_index(keys)["value"].astype(float) for frame in (engine, peer))
    mine, other = mine[mine != 0].sort_index(), other[other != 0].sort_index()
    other.index = mine.index.__class__.from_tuples(other.index.tolist(), names=keys)
    assert mine.index.tolist() == other.index.tolist()
    np.testing.assert_allclose(mine.to_numpy(), other.to_numpy(), rtol=1e-9)
    return len(mine)


def _seconds(work, *arguments) -> tuple[float, pd.DataFrame]:
    begun = time.process_time()
    result = work(*arguments)
    return time.process_time() - begun, result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--deals", type=int, default=13_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    tables = make_tables(options.contacts, options.deals)
    by = [(), *((name,) for name in SIZES)]
    count_in_engine(make_company(tables), by[:1])
    engine, peer, everything = [], [], []
    for _ in range(options.rounds):
        company = make_company(tables)
        spent, cells = _seconds(count_in_engine, company, by)
        engine.append(spent)
        spent, expected = _seconds(count_in_pandas, tables, by)
        peer.append(spent)
        equal = compare(cells, expected)
        fresh = make_company(tables)
        begun = time.process_time()
        size = sum(len(build_cells(fresh, by=by, grain=grain, as_of=LAST)) for grain in ("quarter", "all"))
        everything.append(time.process_time() - begun)
    ratios = [other / mine for mine, other in zip(engine, peer, strict=True)]
    print(f"{options.contacts:,} contacts, {options.deals:,} deals, {len(SIZES)} partitions; {equal:,} cells equal")
    print(f"engine {median(engine):.2f} s CPU, pandas {median(peer):.2f} s CPU, median of {options.rounds} rounds")
    print(f"pandas ÷ engine per round: {', '.join(f'{ratio:.1f}' for ratio in ratios)}")
    print(f"all KPIs, quarters and the whole history, {size:,} cells: {median(everything):.2f} s CPU")


if __name__ == "__main__":
    main()
