"""Thin evidence is no evidence: combinations never seen before, and amounts known only as sums."""

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.root_cause import localise

STEPS = ["leads", "deals_won"]
WIDTHS = {"region": 6, "channel": 8, "segment": 3, "product": 5, "industry": 13, "team": 24}


def draw_leads(rng: np.random.Generator, n: int, widths: dict[str, int]) -> pd.DataFrame:
    """Draw leads whose values are independent and as likely in both periods; a fifth is won at a lognormal amount."""
    columns = {}
    for name, width in widths.items():
        share = 1 / np.arange(1, width + 1) ** 0.8
        columns[name] = rng.choice([f"{name} {i}" for i in range(width)], n, p=share / share.sum())
    frame = pd.DataFrame(columns)
    frame["side"] = np.where(rng.random(n) < 0.5, "expected", "actual")
    frame["leads"] = 1.0
    frame["deals_won"] = (rng.random(n) < 0.2).astype(float)
    frame["revenue"] = np.exp(rng.normal(9, 1.1, n)) * frame["deals_won"]
    return frame


def sum_leads(rows: pd.DataFrame, dimensions: list[str]) -> pd.DataFrame:
    numbers = rows.pivot_table(
        index=dimensions, columns="side", values=["leads", "deals_won", "revenue"], aggfunc="sum", fill_value=0.0
    )
    numbers.columns = [f"{name}_{side}" for name, side in numbers.columns]
    return numbers.reset_index()


@pytest.mark.parametrize("seed", [0, 2, 3, 4, 37])
def test_a_combination_never_seen_before_is_no_cause_where_its_values_have_it_expected(seed):
    rows = draw_leads(np.random.default_rng([seed, 600]), 1200, WIDTHS)
    found = localise(sum_leads(rows, list(WIDTHS)), list(WIDTHS), STEPS, direction="both")
    assert found["slice"].tolist() == []


def test_a_new_value_with_many_records_is_still_told():
    rows = draw_leads(np.random.default_rng(7), 1200, WIDTHS)
    new = draw_leads(np.random.default_rng(8), 200, WIDTHS).assign(channel="podcast", side="actual")
    found = localise(sum_leads(pd.concat([rows, new]), list(WIDTHS)), list(WIDTHS), STEPS, direction="both")
    assert found["slice"].tolist() == ["channel=podcast"]


@pytest.mark.parametrize("seed", range(5))
def test_amounts_known_as_sums_alone_scatter_as_deals_do(seed):
    widths = {"region": 6, "channel": 8, "segment": 3}
    rows = draw_leads(np.random.default_rng([seed, 30]), 30_000, widths)
    found = localise(sum_leads(rows, list(widths)), list(widths), STEPS, amount="revenue", direction="both")
    assert found["slice"].tolist() == []


def test_a_size_known_by_sums_alone_counts_deals():
    widths = {"region": 6, "channel": 8, "segment": 3}
    rows = draw_leads(np.random.default_rng(3), 30_000, widths)
    inside = (rows["channel"] == "channel 1") & (rows["side"] == "actual")
    rows.loc[inside, "revenue"] *= 4
    found = localise(sum_leads(rows, list(widths)), list(widths), STEPS, amount="revenue", direction="both")
    assert found[["effect", "slice"]].values.tolist() == [["value", "channel=channel 1"]]
    assert found["n_actual"].tolist() == [rows.loc[inside, "deals_won"].sum()]


@pytest.mark.parametrize("giant", [0.0, 30_000_000.0])
def test_many_large_deals_of_a_plan_are_no_giant_and_a_giant_among_them_is_one(giant):
    rng = np.random.default_rng(5)
    frame = pd.DataFrame([(f"r{i}", size) for i in range(6) for size in ("small", "large")], columns=["region", "size"])
    is_large = frame["size"] == "large"
    frame["deals_won_expected"] = np.where(is_large, 30.0, 400.0)
    frame["deals_won_actual"] = np.where(is_large, 30.0, 400.0)
    frame["revenue_expected"] = frame["deals_won_expected"] * np.where(is_large, 200_000.0, 2_000.0)
    frame["revenue_actual"] = frame["revenue_expected"] * rng.uniform(0.97, 1.03, len(frame))
    frame.loc[1, "revenue_actual"] += giant
    question = {"amount": "revenue", "expected_is_plan": True, "direction": "both"}
    found = localise(frame, ["region", "size"], ["deals_won"], **question)
    told = found.loc[found["verdict"] == "single deal", "slice"].tolist()
    assert told == (["region=r0 & size=large"] if giant else [])
