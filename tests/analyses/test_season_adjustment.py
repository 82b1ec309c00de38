"""A season is no cause, a company without one is left as it is, and what happened beside the season is still found."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.gap import explain_gap
from helpers.analyses.leaves import build_closing_leaves
from helpers.analyses.season_adjustment import adjust_season, describe_season
from helpers.periods import period_of
from tests.companies import make_company

NOW = period_of(date(2025, 12, 31), "quarter")
HISTORY = [NOW.previous(back) for back in range(15, 0, -1)] + [NOW]
PER_QUARTER = 240


def make_deals(*, season: dict | None = None, seed: int = 1, drop: float = 1.0, size: int = PER_QUARTER):
    """Four years of deals closed; ``season`` says by how much each region's fourth quarters differ from the others."""
    rng = np.random.default_rng(seed)
    rows = []
    for quarter in HISTORY:
        for region, share in (("North", 0.3), ("South", 0.4), ("West", 0.3)):
            for product in ("A", "B"):
                mean = size * share / 2
                if quarter.start.month == 10:
                    mean *= (season or {}).get(region, 1.0)
                if quarter == NOW and (region, product) == ("South", "B"):
                    mean *= drop
                n = rng.poisson(mean)
                rows.append(
                    pd.DataFrame(
                        {
                            "closed_at": pd.Timestamp(quarter.start)
                            + pd.to_timedelta(rng.integers(0, 89, n), unit="D"),
                            "region": region,
                            "product": product,
                            "won": rng.random(n) < 0.4,
                        }
                    )
                )
    deals = pd.concat(rows, ignore_index=True)
    deals["id"] = [str(place) for place in range(len(deals))]
    deals["stage"] = np.where(deals.pop("won"), "Closed Won", "Closed Lost")
    deals["amount"] = rng.lognormal(9, 0.3, len(deals)).round(2)
    deals["created_at"] = (deals["closed_at"] - pd.Timedelta(days=40)).dt.strftime("%Y-%m-%d")
    deals["closed_at"] = deals["closed_at"].dt.strftime("%Y-%m-%d")
    return make_company({"deal": deals}, latest_event="2025-12-31")


def adjust(company, history=HISTORY):
    earlier = [one for one in history if one.end < NOW.start][-4:]
    question = {"period": NOW, "expected": earlier, "as_of": NOW.end}
    leaves = build_closing_leaves(company, **question, business="new", with_slipped=False)
    return leaves, *adjust_season(company, leaves, history=history, **question)


def explain(company):
    return explain_gap(company, period=NOW, compared=NOW.previous(), history=HISTORY, as_of=NOW.end)


SHARED = dict.fromkeys(("North", "South", "West"), 1.7)
OWN = {"North": 2.6}


def test_a_shared_season_scales_everything_alike_and_keeps_rates_and_sizes() -> None:
    """Fourth quarters at 1.7 against an average year of (3 + 1.7) / 4 = 1.175: 1.45 times."""
    leaves, adjusted, season = adjust(make_deals(season=SHARED))
    ratio = adjusted.frame["deals_decided_expected"] / leaves.frame["deals_decided_expected"]
    assert ratio.min() == pytest.approx(ratio.max())
    assert ratio.mean() == pytest.approx(1.7 / 1.175, rel=0.06)
    won = adjusted.frame["deals_won_expected"].sum() / adjusted.frame["deals_decided_expected"].sum()
    assert won == pytest.approx(leaves.frame["deals_won_expected"].sum() / leaves.frame["deals_decided_expected"].sum())
    assert "more than usual" in describe_season(season, NOW)


def test_the_season_of_one_region_is_learnt_and_no_cause() -> None:
    company = make_deals(season=OWN)
    leaves, adjusted, season = adjust(company)
    rows = season.frame[season.frame["dimension"] == "region"].set_index("slice")
    assert rows.loc["North", "factor"] == pytest.approx(2.6 / 1.4, rel=0.12)
    assert rows.loc["South", "factor"] == pytest.approx(1, abs=0.08)
    by_region = adjusted.frame.groupby("region")["deals_decided_expected"].sum()
    before = leaves.frame.groupby("region")["deals_decided_expected"].sum()
    assert (by_region / before).to_numpy() == pytest.approx(rows["factor"].to_numpy(), rel=1e-2)
    assert (explain(company).causes["verdict"] != "cause").all()


def test_without_the_adjustment_that_season_would_be_called_a_cause() -> None:
    """The same company with two years cut off has no season that could be told, and the search finds the region."""
    gap = explain_gap(make_deals(season=OWN), period=NOW, compared=NOW.previous(), history=HISTORY[-5:], as_of=NOW.end)
    found = gap.causes[gap.causes["verdict"] == "cause"]
    assert found["slice"].str.contains("North").any()
    assert "two whole years" in gap.seasons["closing"].why_not


def test_what_happened_beside_the_season_is_still_found() -> None:
    gap = explain(make_deals(season=SHARED, drop=0.4))
    found = gap.causes[gap.causes["verdict"] == "cause"]
    assert found["slice"].tolist() == ["product=B & region=South"]
    assert found["effect"].tolist() == ["volume"]


@pytest.mark.parametrize("seed", range(3))
def test_without_a_season_nothing_changes(seed) -> None:
    leaves, adjusted, season = adjust(make_deals(seed=seed))
    assert adjusted is leaves
    assert not season.is_clear
    assert describe_season(season, NOW) == "No season is clear in 3 whole years"


def test_a_company_that_grows_has_no_season_for_that() -> None:
    company = make_deals(seed=5)
    deals = company.tables["deal"]
    quarter = deals["closed_at"].dt.to_period("Q")
    place = quarter.rank(method="dense").to_numpy() - 1
    keep = np.random.default_rng(1).random(len(deals)) < 0.35 + 0.65 * place / 15
    leaves, adjusted, _ = adjust(make_company({"deal": deals[keep]}, latest_event="2025-12-31"))
    assert adjusted is leaves


def test_too_few_records_have_no_season() -> None:
    _, _, season = adjust(make_deals(season=SHARED, size=3))
    assert not season.is_clear
    assert "too few records" in season.why_not
