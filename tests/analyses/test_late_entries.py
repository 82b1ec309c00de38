"""Records that entered late in a period have had less time: that is no worse rate, and a worse rate is still one."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.creation_leaves import build_creation_leaves
from helpers.analyses.localise import localise
from helpers.periods import period_of
from tests.companies import make_company

AS_OF = date(2026, 9, 30)
QUARTER = period_of(AS_OF, "quarter")
STARTS = {"2026-04-01": 6000, "2026-07-01": 6000}


def make_contacts(seed: int, *, fall: float = 1.0) -> pd.DataFrame:
    """Two quarters of contacts, a third of whom become opportunities after 10 to 60 days.

    In the second quarter the fair's contacts come in its last month. ``fall`` is what became of the web's rate in it.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for place, (start, n) in enumerate(STARTS.items()):
        channel = rng.choice(["Web", "Fair", "Referral", "Outbound"], n)
        days = rng.integers(0, 91, n)
        if place:
            days = np.where(channel == "Fair", rng.integers(60, 91, n), days)
        created = pd.Timestamp(start) + pd.to_timedelta(days, unit="D")
        lag = pd.to_timedelta(rng.integers(10, 61, n), unit="D")
        rate = np.where((channel == "Web") & bool(place), 0.33 * fall, 0.33)
        region = rng.choice(["North", "South", "West"], n)
        opportunity = pd.Series(created + lag).where(rng.random(n) < rate)
        parts.append(
            pd.DataFrame({"created_at": created, "opportunity_at": opportunity, "channel": channel, "region": region})
        )
    contacts = pd.concat(parts, ignore_index=True)
    return contacts.assign(id=[f"c{i}" for i in range(len(contacts))])


def search(contacts: pd.DataFrame, **options) -> pd.DataFrame:
    company = make_company({"contact": contacts}, partitions={"channel": "entry", "region": "entry"})
    leaves = build_creation_leaves(company, period=QUARTER, expected=[QUARTER.previous()], as_of=AS_OF)
    assert set(leaves.dimensions) == {"channel", "region"} and leaves.frame["leads_actual"].sum() == 6000
    return localise(leaves.frame, leaves.dimensions, leaves.steps, adjusted_for=leaves.adjusted_for, **options)


@pytest.mark.parametrize("seed", range(4))
def test_who_came_late_in_the_period_did_not_convert_worse(seed):
    assert "rate" not in search(make_contacts(seed))["effect"].tolist()


@pytest.mark.parametrize("seed", range(4))
def test_a_rate_that_fell_is_told_beside_those_who_came_late(seed):
    found = search(make_contacts(seed, fall=0.55))
    rates = found[found["effect"] == "rate"]
    assert rates["slice"].tolist() == ["channel=Web"]
    [(low, high)] = rates[["low", "high"]].to_numpy()
    web = make_contacts(seed, fall=1.0)
    web = web[(web["channel"] == "Web") & (web["created_at"] >= "2026-07-01")]
    lost = 0.45 * (web["opportunity_at"] <= "2026-09-30").sum()
    assert low - 15 < -lost < high + 15


def test_without_the_part_of_the_period_the_late_ones_would_be_blamed():
    contacts = make_contacts(0)
    company = make_company({"contact": contacts}, partitions={"channel": "entry", "region": "entry"})
    leaves = build_creation_leaves(company, period=QUARTER, expected=[QUARTER.previous()], as_of=AS_OF)
    found = localise(leaves.frame, leaves.dimensions, leaves.steps)
    assert "channel=Fair" in found.loc[found["effect"] == "rate", "slice"].tolist()
