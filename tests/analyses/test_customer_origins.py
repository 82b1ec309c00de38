"""Churn read backwards: the way in that loses customers is found at equal age, and a young one is not praised."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.customer_origins import ALIKE, LESS, LOGOS, MORE, REVENUE, SMALL, review_origins
from helpers.analyses.customer_stakes import build_stakes
from helpers.analyses.loss_origins import OFTENER, describe_reasons, review_reasons
from helpers.analyses.origin_words import describe_origins, describe_sellers, list_origin_findings
from helpers.engine.cells import build_cells
from tests.companies import make_company

AS_OF = date(2025, 12, 31)


def make_customers(
    *, rate: float = 0.1, worse: dict | None = None, young: str = "", n: int = 500, seed: int = 5, sellers: int = 3
) -> dict:
    """Yearly contracts since 2022, each renewed or not; ``worse`` multiplies the chance to leave of a source."""
    rng = np.random.default_rng(seed)
    customers, contracts, deals = [], [], []
    for place in range(n):
        source, segment = rng.choice(["Demo", "Webinar", "Event"]), rng.choice(["SMB", "Mid"])
        first = pd.Timestamp("2024-01-01") if source == young else pd.Timestamp("2022-01-01")
        start = first + pd.Timedelta(days=int(rng.integers(0, 700 if source == young else 1000)))
        mrr = float(rng.choice([200.0, 400.0, 900.0]))
        chance = rate * (worse or {}).get(source, 1.0)
        customers.append({"id": f"c{place}", "live_at": start, "deal_id": f"d{place}"})
        won, seller = start - pd.Timedelta(days=5), f"Seller {rng.integers(sellers)}"
        deals.append({"id": f"d{place}", "created_at": won - pd.Timedelta(days=int(rng.integers(10, 200))),
                      "closed_at": won, "stage": "Closed Won", "amount": mrr * 12, "source": source,
                      "segment": segment, "owner": seller})  # fmt: skip
        at = start
        while at <= pd.Timestamp(AS_OF):
            term = at + pd.DateOffset(years=1)
            gone = term <= pd.Timestamp(AS_OF) and rng.random() < chance
            contracts.append({"id": f"s{len(contracts)}", "customer_id": f"c{place}", "start_at": at, "mrr": mrr,
                              "seats": mrr / 20, "renewal_at": term, "owner": seller, "source": source,
                              "segment": segment,
                              "end_at": term if term <= pd.Timestamp(AS_OF) else pd.NaT})  # fmt: skip
            if gone:
                break
            at = term
    tables = {"customer": customers, "subscription": contracts, "deal": deals}
    frames = {name: pd.DataFrame(rows) for name, rows in tables.items()}
    for frame in frames.values():
        for column in frame.columns[frame.columns.str.endswith("_at")]:
            frame[column] = pd.to_datetime(frame[column]).dt.strftime("%Y-%m-%d")
    return frames


def review(tables: dict):
    return review_origins(make_company(tables, latest_event="2025-12-31"), as_of=AS_OF)


@pytest.fixture(scope="module")
def webinars():
    return review(make_customers(worse={"Webinar": 2.5}))


def pick(origins, value: str, measure: str = LOGOS, origin: str = "source") -> pd.Series:
    frame = origins.frame
    rows = frame[(frame["measure"] == measure) & (frame["origin"] == origin) & (frame["value"] == value)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_stakes_add_up_to_the_churn_that_is_shown_everywhere() -> None:
    company = make_company(make_customers(worse={"Webinar": 2.5}), latest_event="2025-12-31")
    stakes = build_stakes(company, as_of=AS_OF).frame
    kpis = ["logo_churn", "revenue_churn", "seat_churn"]
    cells = build_cells(company, kpis=kpis, grain="all", as_of=AS_OF, by=((),)).set_index("kpi")
    assert [stakes["has_left"].sum(), len(stakes)] == cells.loc["logo_churn", ["numerator", "n"]].tolist()
    assert stakes["mrr_lost"].sum() == pytest.approx(cells.loc["revenue_churn", "numerator"])
    assert stakes["seats_lost"].sum() == pytest.approx(cells.loc["seat_churn", "numerator"])


def test_the_way_in_that_loses_customers_is_found_by_logo_and_by_money(webinars) -> None:
    logos, money = pick(webinars, "Webinar"), pick(webinars, "Webinar", REVENUE)
    assert logos["verdict"] == money["verdict"] == MORE
    assert logos["low"] < 2.5 < logos["high"]
    assert logos["money"] < 0
    plain = webinars.stakes.frame.merge(webinars.stakes.origins, on="account")
    mine = plain[plain["source"] == "Webinar"]
    assert (logos["lost"], logos["at_stake"]) == (mine["has_left"].sum(), len(mine))
    lost = mine["mrr_lost"].sum() * 12
    assert logos["money"] == pytest.approx(-lost * (1 - 1 / logos["ratio"]))


def test_nothing_else_is_claimed(webinars) -> None:
    more = webinars.frame[webinars.frame["verdict"] == MORE]
    assert set(more["value"]) == {"Webinar"}
    causes = webinars.causes[webinars.causes["verdict"] == "cause"]
    assert causes["slice"].tolist() == ["source=Webinar"]
    assert causes["left"].iloc[0] == pick(webinars, "Webinar")["lost"]


def test_it_is_told_as_people_say_it(webinars) -> None:
    said = describe_origins(webinars, "EUR")
    assert said.startswith("Customers who came through Webinar leave") and "at the same age" in said
    first = list_origin_findings(webinars, [], currency="EUR")[0]
    assert first.money < 0 and first.slice == "source=Webinar" and first.evidence["q_value"] <= 0.05


def test_gone_by_the_same_age_is_kaplan_meier_by_hand(webinars) -> None:
    """Nobody is gone before the first term ends; by day 366 the share is that of those watched so long."""
    life = webinars.stakes.life.merge(webinars.stakes.origins, on="account")
    for source in ("Webinar", "Demo"):
        mine = life[life["source"] == source].sort_values("days")
        stays = 1.0
        for day in sorted(mine.loc[mine["is_gone"] & (mine["days"] <= webinars.age), "days"].unique()):
            at_risk = (mine["days"] >= day).sum()
            stays *= 1 - (mine["is_gone"] & (mine["days"] == day)).sum() / at_risk
        assert pick(webinars, source)["gone_by"] == pytest.approx(1 - stays)


def test_a_young_way_in_is_neither_blamed_nor_praised_for_its_age() -> None:
    """Events began two years later and lose at the same rate: fewer have left in all, as many at the same age."""
    origins = review(make_customers(young="Event", n=900, seed=2))
    event = pick(origins, "Event")
    assert event["verdict"] in (ALIKE, SMALL)
    assert event["low"] < 1 < event["high"]


def test_chance_alone_names_no_way_in() -> None:
    claims = [review(make_customers(n=250, seed=seed)).frame["verdict"].isin([MORE, LESS]).any() for seed in range(6)]
    assert sum(claims) <= 1


def test_few_losses_are_not_enough_evidence() -> None:
    origins = review(make_customers(n=40, rate=0.05))
    assert set(origins.frame["verdict"]) <= {SMALL, ALIKE}
    assert origins.causes.empty or (origins.causes["verdict"] != "cause").all()


def test_the_sale_itself_is_an_origin_and_sellers_are_never_named(webinars) -> None:
    assert {"first_deal_size", "sale_speed"} <= set(webinars.stakes.labels)
    assert "owner" in webinars.stakes.people and "owner" not in set(webinars.frame["origin"])
    assert "Seller" not in describe_sellers(webinars)
    assert webinars.sellers["left"].sum() == webinars.stakes.frame["has_left"].sum()


def test_customers_with_their_end_are_enough_for_logos() -> None:
    rng = np.random.default_rng(1)
    source = rng.choice(["a", "b"], 300)
    days = rng.exponential(np.where(source == "a", 400, 1500)).astype(int) + 30
    live = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 300, 300), unit="D")
    end = pd.Series(live + pd.to_timedelta(days, unit="D"))
    customers = pd.DataFrame({"id": [str(i) for i in range(300)], "live_at": live.strftime("%Y-%m-%d"),
                              "ended_at": end.where(end <= pd.Timestamp(AS_OF)).dt.strftime("%Y-%m-%d"),
                              "source": source})  # fmt: skip
    origins = review({"customer": customers})
    assert set(origins.frame["measure"]) == {LOGOS}
    assert pick(origins, "a")["verdict"] == MORE and pick(origins, "b")["verdict"] == LESS
    assert origins.frame["money"].isna().all()


def test_without_customers_it_says_what_to_add() -> None:
    origins = review({"deal": pd.DataFrame({"id": ["1"], "created_at": ["2025-01-01"], "stage": ["Won"],
                                            "closed_at": ["2025-02-01"], "amount": [1.0]})})  # fmt: skip
    assert "Add contracts" in describe_origins(origins)
    assert list_origin_findings(origins, [])[0].severity == "note"


def make_lost(share: float) -> dict:
    """400 lost deals; of those from webinars a ``share`` gives no budget, of the others a fifth."""
    rng = np.random.default_rng(4)
    source = rng.choice(["Demo", "Webinar"], 400)
    reason = np.where(rng.random(400) < np.where(source == "Webinar", share, 0.2), "No budget", "Competitor")
    deals = pd.DataFrame({"id": [str(i) for i in range(400)], "source": source, "lost_reason": reason,
                          "stage": "Closed Lost", "created_at": "2025-01-01", "closed_at": "2025-06-01",
                          "amount": 100.0})  # fmt: skip
    return {"deal": deals}


def reasons_of(tables: dict):
    company = make_company(tables, latest_event="2025-12-31")
    return review_reasons(company, start=date(2025, 1, 1), end=AS_OF, as_of=AS_OF)


def test_reasons_of_lost_deals_are_compared_by_how_they_came_in() -> None:
    tables = make_lost(0.5)
    lost, won, left = reasons_of(tables)
    rows = lost.frame.set_index(["value", "reason"])
    plain = tables["deal"].groupby("source")["lost_reason"].value_counts()
    assert rows.loc[("Webinar", "No budget"), "count"] == plain[("Webinar", "No budget")]
    assert rows.loc[("Webinar", "No budget"), "verdict"] == OFTENER
    assert "Webinar give ‘No budget’ oftener" in describe_reasons(lost)
    assert "“Won reason”" in describe_reasons(won) and "“Churn reason”" in describe_reasons(left)


def test_alike_reasons_are_no_finding() -> None:
    lost = reasons_of(make_lost(0.2))[0]
    assert not (lost.frame["verdict"] == OFTENER).any()
    assert "no difference beyond chance" in describe_reasons(lost)
