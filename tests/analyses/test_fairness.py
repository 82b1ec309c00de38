"""At every step that people work: the innocent is cleared by name, and nobody is accused by noise or by name."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.adjusted import ABOVE, BELOW, ONLY_MIX, SMALL, adjust_rates, describe_people
from helpers.analyses.fair_sizes import adjust_sizes
from helpers.analyses.fairness import describe_fairness, find_in_fairness, list_cleared, review_fairness
from helpers.analyses.slicing import slice_kpis
from helpers.analyses.slicing_words import find_slices, headline_slices
from helpers.periods import period_of
from tests.analyses.test_adjusted import EVEN, RATES, UNEVEN, WINDOW, make_deals
from tests.companies import make_company

YEAR = period_of(date(2025, 12, 31), "year")
AS_OF = date(2026, 6, 30)


def review(tables: dict, **options):
    company = make_company(tables, latest_event="2026-06-30")
    return review_fairness(company, period=YEAR, history=[YEAR], as_of=AS_OF, **options)


def make_contacts(handed: dict, *, weaker: str = "", seed: int = 1) -> pd.DataFrame:
    """Leads whose chance to become an MQL hangs on their source only: 60 % of demos, 15 % of webinars."""
    rng = np.random.default_rng(seed)
    rows = []
    for owner, sources in handed.items():
        for source, n in sources.items():
            rate = {"Demo": 0.6, "Webinar": 0.15}[source] * (0.4 if owner == weaker else 1)
            rows += [(owner, source, place < round(n * rate)) for place in rng.permutation(n)]
    frame = pd.DataFrame(rows, columns=["owner", "source", "went_on"])
    frame["id"] = [str(place) for place in range(len(frame))]
    frame["created_at"] = "2025-05-01"
    frame["mql_at"] = np.where(frame.pop("went_on"), "2025-05-11", None)
    return frame


TEAM = {name: {"Demo": 60, "Webinar": 60} for name in ("Pia", "Quin", "Raj")}
HANDED = TEAM | {"Sam": {"Demo": 6, "Webinar": 114}}


def test_who_works_leads_is_cleared_as_who_works_deals() -> None:
    fairness = review({"contact": make_contacts(HANDED)})
    cleared = list_cleared(fairness)
    assert cleared["who"].tolist() == ["Sam"]
    row = cleared.iloc[0]
    assert row["actual"] == pytest.approx((round(6 * 0.6) + round(114 * 0.15)) / 120)
    assert row["expected"] == pytest.approx(row["actual"], abs=0.04)
    assert "Sam is cleared: what came to them, not what they did with it" in describe_fairness(fairness)
    assert fairness.steps["adjusted_for"].tolist() == ["source"]
    assert find_in_fairness(fairness)[0].severity == "good"


def test_a_real_difference_before_the_deal_is_told_without_a_name() -> None:
    fairness = review({"contact": make_contacts(TEAM | {"Tom": TEAM["Pia"]}, weaker="Tom")})
    frame = fairness.comparisons[0].frame.set_index("who")
    assert frame.loc["Tom", "verdict"] == BELOW
    said = [describe_fairness(fairness), *(finding.headline for finding in find_in_fairness(fairness))]
    assert all("Tom" not in one for one in said)
    assert "1 lies below what the mix gives, in leads to MQL" in said[0]


def make_sizes(handed: dict, *, factor: dict | None = None, seed: int = 3) -> pd.DataFrame:
    """Won deals of about 1,000 in small business and 8,000 in enterprise."""
    rng = np.random.default_rng(seed)
    rows = []
    for owner, segments in handed.items():
        for segment, n in segments.items():
            middle = {"SMB": 1000, "Enterprise": 8000}[segment] * (factor or {}).get(owner, 1.0)
            rows += [(owner, segment, amount) for amount in middle * rng.lognormal(0, 0.3, n)]
    frame = pd.DataFrame(rows, columns=["owner", "segment", "amount"]).round(2)
    frame["id"] = [str(place) for place in range(len(frame))]
    return frame.assign(stage="Closed Won", created_at="2025-02-01", closed_at="2025-06-01")


BOTH = {name: {"SMB": 20, "Enterprise": 20} for name in ("Ada", "Ben", "Cyd", "Dov")}


def test_who_only_got_small_customers_is_cleared_for_deal_size() -> None:
    deals = make_sizes(BOTH | {"Eve": {"SMB": 38, "Enterprise": 2}})
    company = make_company({"deal": deals}, latest_event="2025-12-31")
    sizes = adjust_sizes(company, **WINDOW)
    rows = sizes.frame.set_index("who")
    assert rows.loc["Eve", "raw_rate"] < 0.4 * sizes.rate
    assert rows.loc["Eve", "verdict"] == ONLY_MIX
    assert rows["adjusted_rate"].to_numpy() == pytest.approx(sizes.rate, rel=0.15)
    assert rows.loc["Eve", "limit_low"] < rows.loc["Eve", "raw_rate"] < rows.loc["Eve", "limit_high"]
    assert sizes.adjusted_for == ("segment",)


def test_who_sells_at_half_the_price_stands_out_and_one_giant_deal_does_not() -> None:
    deals = make_sizes(BOTH, factor={"Ben": 0.5})
    deals.loc[deals["owner"].eq("Dov").idxmax(), "amount"] = 400_000.0
    rows = adjust_sizes(make_company({"deal": deals}, latest_event="2025-12-31"), **WINDOW).frame.set_index("who")
    assert rows.loc["Ben", "verdict"] == BELOW
    assert rows.loc["Dov", "raw_rate"] > 2 * rows.loc["Ada", "raw_rate"]
    assert rows.loc["Dov", "adjusted_rate"] == pytest.approx(rows.loc["Ada", "adjusted_rate"], rel=0.2)


def make_many(people: int, each: int, *, spread: float = 0.0, worst: float = 1.0, seed: int = 0) -> pd.DataFrame:
    """Many small books of deals whose chance hangs on the source, and on the person by ``spread``."""
    rng = np.random.default_rng(seed)
    n = people * each
    owner = np.repeat(np.arange(people), each)
    source = rng.choice(["Demo", "Webinar"], n)
    own = np.exp(rng.normal(0, spread, people))
    own[0] *= worst
    chance = np.where(source == "Demo", 0.5, 0.2) * own[owner]
    return pd.DataFrame(
        {
            "id": [str(i) for i in range(n)],
            "owner": [f"Rep {i:03d}" for i in owner],
            "source": source,
            "stage": np.where(rng.random(n) < chance, "Closed Won", "Closed Lost"),
            "amount": 1000.0,
            "created_at": "2025-02-01",
            "closed_at": "2025-06-01",
        }
    )


def test_two_hundred_small_reps_are_not_ranked_by_noise() -> None:
    """By chance alone the worst of 200 books of 25 wins hardly anything; nobody is accused for that."""
    accused = []
    for seed in range(10):
        people = adjust_rates(make_company({"deal": make_many(200, 25, seed=seed)}), **WINDOW)
        assert people.frame["raw_rate"].min() < 0.2 < 0.52 < people.frame["raw_rate"].max()
        accused.append(int(people.frame["verdict"].isin([BELOW, ABOVE]).sum()))
    assert sum(one > 0 for one in accused) <= 1
    assert np.mean([one == 0 for one in accused]) >= 0.9


def test_the_one_who_really_loses_is_seen_among_two_hundred() -> None:
    frame = adjust_rates(make_company({"deal": make_many(200, 60, worst=0.1)}), **WINDOW).frame
    assert frame.loc[frame["verdict"] == BELOW, "who"].tolist() == ["Rep 000"]


def test_books_too_small_to_be_judged_are_still_judged_together() -> None:
    """Eight deals each tell nothing of anybody; whether all of them differ more than chance can be told."""
    alike = adjust_rates(make_company({"deal": make_many(200, 8, seed=3)}), **WINDOW)
    unlike = adjust_rates(make_company({"deal": make_many(200, 8, spread=0.8, seed=3)}), **WINDOW)
    assert (alike.frame["verdict"] == SMALL).all()
    assert alike.spread_p > 0.05 > 0.001 > unlike.spread_p
    assert "enough deals" in describe_people(alike)


def test_people_of_a_territory_that_fell_are_compared_with_each_other() -> None:
    """Deals of the north are won at .15, of the south at .5, with three people each: nobody is accused for a region."""
    rows = []
    for region, rate in (("North", 0.15), ("South", 0.5)):
        for person in range(3):
            rows += [(f"{region[0]}{person}", region, place < round(80 * rate)) for place in range(80)]
    deals = pd.DataFrame(rows, columns=["owner", "region", "won"])
    deals["stage"] = np.where(deals.pop("won"), "Closed Won", "Closed Lost")
    deals["id"] = [str(place) for place in range(len(deals))]
    deals = deals.assign(amount=1.0, created_at="2025-02-01", closed_at="2025-06-01")
    people = adjust_rates(make_company({"deal": deals}), **WINDOW)
    assert people.adjusted_for == ("region",)
    assert not people.frame["verdict"].isin([BELOW, ABOVE]).any()
    assert people.frame.set_index("who").loc[["N0", "N1", "N2"], "verdict"].tolist() == [ONLY_MIX] * 3


def test_all_steps_are_judged_under_one_error_control() -> None:
    deals, contacts = make_deals(RATES, UNEVEN), make_contacts(HANDED)
    fairness = review({"deal": deals, "contact": contacts.assign(id="c" + contacts["id"])})
    assert fairness.steps["kpi"].tolist() == ["lead_to_mql", "win_rate", "average_deal_size"]
    judged = pd.concat([one.frame for one in fairness.comparisons], ignore_index=True)
    judged = judged.dropna(subset=["q_value"])
    largest = judged.loc[judged["p_value"].idxmax()]
    assert largest["q_value"] == pytest.approx(largest["p_value"])
    assert (judged["q_value"] >= judged["p_value"] - 1e-12).all()
    assert set(list_cleared(fairness)["who"]) == {"Eve", "Sam"}


def test_who_is_known_only_with_the_outcome_is_never_compared() -> None:
    deals = make_deals(RATES, EVEN)
    company = make_company({"deal": deals}, partitions={"owner": "outcome"}, latest_event="2026-06-30")
    fairness = review_fairness(company, period=YEAR, history=[YEAR], as_of=AS_OF)
    assert fairness.steps.empty and "known before they are decided" in describe_fairness(fairness)
    assert adjust_rates(company, **WINDOW) is None


def test_nobody_to_compare_says_what_is_missing() -> None:
    fairness = review({"deal": make_deals(RATES, EVEN).drop(columns="owner")})
    assert fairness.steps.empty and "Map the owner" in describe_fairness(fairness).replace("map", "Map")
    assert find_in_fairness(fairness) == []


def test_a_cut_by_owner_names_nobody_in_headline_or_findings() -> None:
    """Ben wins a third as often as the others and as he did a year before; that is said of one owner, not of Ben."""
    before = make_deals(RATES, EVEN).assign(created_at="2024-02-01", closed_at="2024-06-01")
    deals = pd.concat([before.assign(id="b" + before["id"]), make_deals(RATES, EVEN, weaker="Ben")])
    company = make_company({"deal": deals}, latest_event="2025-12-31")
    (sliced,) = slice_kpis(company, ["win_rate"], ["owner"], period=YEAR, compared=YEAR.previous())
    headline = headline_slices(sliced.frame, sliced.kpi, ["owner"], YEAR, "USD")
    assert headline.startswith("Win rate changed beyond chance with 1 of 4 owners, before the mix")
    assert find_slices([sliced], "USD") == []
