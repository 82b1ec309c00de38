"""The story of a gap on small companies: leaves agree with plain pandas, and every lack has its designed state."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.cause_words import describe_bridge, describe_causes, describe_five_m, describe_gap
from helpers.analyses.creation_leaves import build_creation_leaves
from helpers.analyses.gap import ROOT_CAUSE_COLUMNS, explain_gap
from helpers.analyses.gap_findings import find_in_gap
from helpers.analyses.leaves import build_closing_leaves
from helpers.periods import period_of
from tests.companies import make_company

NOW = period_of(date(2025, 9, 30), "quarter")
HISTORY = [NOW.previous(i) for i in range(5, -1, -1)]
LAST = NOW.previous()
AS_OF = date(2025, 9, 30)


def make_deals(*, seed: int = 3, factor: float = 1.0) -> pd.DataFrame:
    """About 200 decided deals a quarter over six quarters; the last one's win rate in the north is scaled."""
    rng = np.random.default_rng(seed)
    closed = pd.Timestamp(HISTORY[0].start) + pd.to_timedelta(rng.integers(0, 547, 1200), unit="D")
    region = rng.choice(["North", "South", "West"], 1200)
    chance = np.where((closed >= pd.Timestamp(NOW.start)) & (region == "North"), 0.5 * factor, 0.5)
    return pd.DataFrame(
        {
            "id": [str(i) for i in range(1200)],
            "created_at": (closed - pd.Timedelta(days=40)).strftime("%Y-%m-%d"),
            "closed_at": closed.strftime("%Y-%m-%d"),
            "stage": np.where(rng.random(1200) < chance, "Closed Won", "Closed Lost"),
            "amount": rng.integers(1_000, 9_000, 1200).astype(float),
            "region": region,
            "product": rng.choice(["A", "B"], 1200),
            "owner": rng.choice(["Ada", "Ben", "Cyd"], 1200),
        }
    )


def make_contacts(won_at: bool = True) -> pd.DataFrame:
    """600 MQLs over two quarters, a fifth of them won within weeks."""
    rng = np.random.default_rng(4)
    mql = pd.Timestamp(NOW.previous().start) + pd.to_timedelta(rng.integers(0, 183, 600), unit="D")
    won = pd.Series(mql + pd.Timedelta(days=20)).where(pd.Series(rng.random(600) < 0.2))
    frame = pd.DataFrame({"id": [str(i) for i in range(600)], "mql_at": mql.strftime("%Y-%m-%d")})
    if won_at:
        frame["won_at"] = won.dt.strftime("%Y-%m-%d")
    return frame.assign(origin=rng.choice(["ads", "search"], 600))


def explain(tables: dict, *, compared=LAST, history=HISTORY, compare_to="previous", **options):
    """Explain the last quarter's gap of a company made of frames."""
    company = make_company(tables, latest_event="2025-09-30", **options)
    return explain_gap(company, period=NOW, compared=compared, history=history, as_of=AS_OF, compare_to=compare_to)


def test_closing_leaves_equal_plain_pandas() -> None:
    deals = make_deals()
    leaves = build_closing_leaves(make_company({"deal": deals}), period=NOW, expected=[NOW.previous()], as_of=AS_OF)
    quarter = pd.to_datetime(deals["closed_at"]).dt.to_period("Q")
    is_won = deals["stage"] == "Closed Won"
    for side, label in (("expected", "2025Q2"), ("actual", "2025Q3")):
        mine = deals[quarter == label]
        assert leaves.frame[f"deals_decided_{side}"].sum() == len(mine)
        assert leaves.frame[f"deals_won_{side}"].sum() == is_won[mine.index].sum()
        assert leaves.frame[f"revenue_won_{side}"].sum() == pytest.approx(mine.loc[is_won, "amount"].sum())
    assert set(leaves.dimensions) == {"region", "product"}
    assert "names people" in leaves.left_out["owner"]


def test_cohorts_are_seen_at_the_same_age() -> None:
    """A win 30 days after the quarter's last MQL counts for neither cohort: both are cut at their own period's end."""
    contacts = pd.DataFrame(
        {
            "id": ["1", "2", "3", "4"],
            "mql_at": ["2025-06-20", "2025-06-20", "2025-09-20", "2025-09-20"],
            "won_at": ["2025-06-29", "2025-07-20", "2025-09-29", None],
            "origin": ["a", "b", "a", "b"],
        }
    )
    company = make_company({"contact": contacts}, latest_event="2025-09-30")
    leaves = build_creation_leaves(company, period=NOW, expected=[NOW.previous()], as_of=AS_OF)
    assert leaves.frame[["mqls_expected", "mqls_actual", "deals_won_expected", "deals_won_actual"]].sum().tolist() == [
        2, 2, 1, 1,
    ]  # fmt: skip


def test_every_partition_adds_up_to_the_gap_people_included() -> None:
    gap = explain({"deal": make_deals(factor=0.4)})
    by = gap.bridge.groupby("dimension")["contribution"].sum()
    assert set(by.index) == {"all", "region", "product", "owner"}
    assert by.to_numpy() == pytest.approx(gap.gap, abs=1e-6 * abs(gap.gap))


def test_a_win_rate_that_fell_in_the_north_is_named() -> None:
    gap = explain({"deal": make_deals(factor=0.3)})
    first = gap.causes.iloc[0]
    assert list(gap.causes.columns) == ROOT_CAUSE_COLUMNS
    assert (first["slice"], first["effect"], first["step"]) == ("region=North", "rate", "deals_won")
    assert (first["verdict"], first["m"]) == ("cause", "method")
    assert "North" in describe_causes(gap, "USD")
    assert not any(name in first["statement"] for name in ("Ada", "Ben", "Cyd"))


def test_noise_is_called_noise() -> None:
    gap = explain({"deal": make_deals()})
    assert (gap.causes["verdict"] != "cause").all()


def test_the_plan_is_the_usual_engine_at_the_volume_that_the_goal_needs() -> None:
    goal = {"kpi": "revenue_won", "grain": "quarter", "period_start": "2025-07-01", "dimension": "all", "slice": "all"}
    targets = pd.DataFrame([goal | {"goal": 900_000.0}])
    gap = explain({"deal": make_deals()}, compared=None, compare_to="plan", targets=targets)
    assert gap.expected == pytest.approx(900_000.0)
    assert gap.compared == "plan"
    assert "below the plan" in describe_gap(gap, "USD")


def test_a_funnel_of_contacts_alone_is_explained_in_counts() -> None:
    gap = explain({"contact": make_contacts()})
    assert gap.is_explained and not gap.is_money
    assert set(gap.bridge["effect"]) == {"volume", "mix", "rate"}


def test_what_was_pushed_out_of_the_period_is_timing() -> None:
    """Twelve big deals due in the quarter are moved beyond it; in earlier quarters as many were, and never won."""
    deals = make_deals()
    rows, changes = [], []
    for i in range(12):
        rows.append({"id": f"p{i}", "created_at": "2025-05-01", "closed_at": "2025-11-15", "stage": "Contract sent",
                     "amount": 20_000.0, "region": "South", "product": "A", "owner": "Ada"})  # fmt: skip
        changes.append({"deal_id": f"p{i}", "changed_at": "2025-08-10", "field": "closed_at", "old": "2025-08-15",
                        "new": "2025-11-15"})  # fmt: skip
    gap = explain({"deal": pd.concat([deals, pd.DataFrame(rows)]), "deal_history": pd.DataFrame(changes)})
    timing = gap.bridge[(gap.bridge["effect"] == "timing") & (gap.bridge["dimension"] == "all")]["contribution"].sum()
    assert timing < -50_000
    assert gap.bridge[gap.bridge["dimension"] == "region"]["contribution"].sum() == pytest.approx(gap.gap)


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        ({}, "neither deals nor contacts"),
        ({"session": pd.DataFrame({"date": ["2025-09-01"], "sessions": [10]})}, "neither deals nor contacts"),
        ({"subscription": pd.DataFrame({"id": ["1"], "start_at": ["2025-01-01"], "mrr": [10.0]})}, "neither deals"),
        ({"contact": make_contacts(won_at=False)}, "nothing can be compared"),
    ],
)
def test_what_is_missing_is_said_and_nothing_breaks(tables: dict, says: str) -> None:
    gap = explain(tables)
    assert not gap.is_explained
    assert says in gap.why_not
    assert find_in_gap(gap, currency="USD")
    assert describe_gap(gap, "USD") == gap.why_not
    assert describe_five_m(gap) and describe_causes(gap, "USD")


def test_a_first_period_has_nothing_to_compare() -> None:
    deals = make_deals()
    deals = deals[pd.to_datetime(deals["closed_at"]) >= pd.Timestamp(NOW.start)]
    gap = explain({"deal": deals}, history=[NOW])
    assert not gap.is_explained
    assert "first period" in gap.why_not
    assert describe_bridge(gap, "USD")
