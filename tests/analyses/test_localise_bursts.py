"""A burst in one small slice, and a value that stopped being filled in: told where they are, at sane numbers."""

import json

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.root_cause import localise

STEPS = ["leads", "opportunities", "deals_won"]
SEGMENTS = {"SMB": 0.6, "Mid-market": 0.35, "Enterprise": 0.05}
WORTH = {"SMB": 1_500, "Mid-market": 8_000, "Enterprise": 40_000}


def draw_leads(seed: int, n: int = 60_000) -> pd.DataFrame:
    rng = np.random.default_rng([seed, 91])
    frame = pd.DataFrame(
        {
            "channel": rng.choice([f"channel {i}" for i in range(7)], n),
            "country": rng.choice([f"country {i}" for i in range(12)], n),
            "segment": rng.choice(list(SEGMENTS), n, p=list(SEGMENTS.values())).astype(object),
            "product": rng.choice([f"product {i}" for i in range(5)], n),
        }
    )
    frame["side"] = np.where(rng.random(n) < 0.5, "expected", "actual")
    frame["opportunities"] = (rng.random(n) < 0.25).astype(float)
    frame["deals_won"] = frame["opportunities"] * (rng.random(n) < 0.25)
    frame["revenue"] = frame["deals_won"] * frame["segment"].map(WORTH) * np.exp(rng.normal(0, 0.7, n))
    return frame.assign(leads=1.0)


def search(rows: pd.DataFrame) -> pd.DataFrame:
    dimensions = ["channel", "country", "segment", "product"]
    logs = np.log(rows["revenue"].where(rows["revenue"] > 0, 1.0))
    rows = rows.assign(revenue_log=logs, revenue_logsq=logs**2)
    names = [*STEPS, "revenue", "revenue_log", "revenue_logsq"]
    parts = []
    for side in ("expected", "actual"):
        summed = rows[rows["side"] == side].groupby(dimensions, dropna=False)[names].sum()
        parts.append(summed.add_suffix(f"_{side}"))
    leaves = parts[0].join(parts[1], how="outer").fillna(0.0).reset_index()
    return localise(leaves, dimensions, STEPS, amount="revenue", direction="both")


@pytest.mark.parametrize("seed", range(3))
def test_a_burst_is_told_by_itself_and_its_neighbours_are_not_said_to_have_collapsed(seed):
    rows = draw_leads(seed)
    place = {"channel": "channel 2", "country": "country 3", "segment": "SMB"}
    new = draw_leads(seed + 100, 2500).assign(**place, side="actual", opportunities=0.0, deals_won=0.0, revenue=0.0)
    found = search(pd.concat([rows, new], ignore_index=True))
    assert sorted(found["step"]) == ["leads", "opportunities"]
    for slice_values in map(json.loads, found["slice_json"]):
        assert all(place[name] == value for name, (value,) in slice_values.items())
        assert len(slice_values) >= 2
    assert found["contribution"].sum() == pytest.approx(0.0, abs=0.01 * rows["revenue"].sum())


@pytest.mark.parametrize("seed", range(3))
def test_values_that_are_no_longer_filled_in_are_no_gain_and_loss_of_many_times_the_revenue(seed):
    rows = draw_leads(seed)
    is_blank = (rows["side"] == "actual") & (rows["channel"] == "channel 1")
    rows.loc[is_blank, "segment"] = None
    volume = search(rows).query("step == 'leads'")
    expected = rows[(rows["side"] == "expected") & (rows["channel"] == "channel 1")]
    assert len(volume)
    assert volume["contribution"].abs().max() < 3 * expected["revenue"].sum()
    assert volume["n_expected"].max() < 1.1 * len(expected)
