"""A cascade over the hardware seller's public pipeline: what it measures is what plain pandas counts."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.cascade import review_cascade
from helpers.ingest.intake import start_company
from helpers.model.cascade import Cascade, CascadeGoal, Person, PersonTarget, Tactic
from helpers.workbook import open_workbook
from tests.real_data import require_real_data

FILES = ("sales_pipeline.csv", "accounts.csv", "products.csv", "sales_teams.csv")
YEAR = date(2017, 1, 1)
AGENT, OFFICE = "Darcel Schlecht", "West"


@pytest.fixture(scope="module")
def deals():
    source = require_real_data("maven_crm")
    deals = pd.read_csv(source / "sales_pipeline.csv", parse_dates=["engage_date", "close_date"])
    return deals.merge(pd.read_csv(source / "sales_teams.csv"), on="sales_agent")


@pytest.fixture(scope="module")
def review(tmp_path_factory):
    source = require_real_data("maven_crm")
    folder = tmp_path_factory.mktemp("companies") / "maven"
    start_company(folder, [source / name for name in FILES], lookups=["sales_teams.csv.sales_agent=deal.owner"])
    about = {"kpi": "revenue_won", "grain": "year", "period_start": YEAR, "owner": "boss"}
    goals = [
        CascadeGoal("year", "Win 10 M", target=10_000_000.0, **about),
        CascadeGoal(
            "west",
            "Win in the West",
            "department",
            ("year",),
            target=3e6,
            dimension="regional_office",
            slice=OFFICE,
            **about,
        ),
        CascadeGoal(
            "rate", "Win two of three", "department", ("year",), **{**about, "kpi": "win_rate", "target": 0.66}
        ),
        CascadeGoal("churn", "Fewer leave", "department", ("year",), **{**about, "kpi": "logo_churn", "target": 0.1}),
    ]
    tactic = Tactic(
        "demo",
        "Demos",
        ("west",),
        owner="boss",
        start=date(2017, 7, 1),
        due=date(2017, 12, 31),
        kpi="deals_won",
        amount=50.0,
    )
    own = {
        "kpi": "revenue_won",
        "dimension": "owner",
        "slice": AGENT,
        "target": 1e6,
        "grain": "year",
        "period_start": YEAR,
    }
    target = PersonTarget("darcel", "agent", weight=1.0, **own)
    people = {"boss": Person("boss", "Boss"), "agent": Person("agent", AGENT, variable_pay=10_000.0)}
    cascade = Cascade({goal.id: goal for goal in goals}, {"demo": tactic}, people, {"darcel": target})
    book = open_workbook(company=str(folder), as_of="2017-12-31")
    return review_cascade(book.company, book.cells, as_of=book.as_of, cascade=cascade)


def test_every_level_holds_what_the_pipeline_holds(review, deals):
    of_2017 = deals[deals["close_date"].dt.year == 2017]
    won = of_2017[of_2017["deal_stage"] == "Won"]
    rows = review.plan.set_index("id")
    assert rows.loc["year", "actual"] == pytest.approx(won["close_value"].sum())
    assert rows.loc["west", "actual"] == pytest.approx(won.loc[won["regional_office"] == OFFICE, "close_value"].sum())
    assert rows.loc["rate", "actual"] == pytest.approx(len(won) / of_2017["deal_stage"].isin(["Won", "Lost"]).sum())
    mine = won[won["sales_agent"] == AGENT]
    assert rows.loc["darcel", "actual"] == pytest.approx(mine["close_value"].sum()) and rows.loc["darcel", "n"] == len(
        mine
    )


def test_what_the_exports_cannot_tell_is_said_and_not_zero(review):
    rows, checks = review.plan.set_index("id"), review.checks
    assert "can't be counted" in rows.loc["churn", "reason"] and pd.isna(rows.loc["churn", "actual"])
    bad = checks[(checks["status"] == "bad") & (checks["id"] == "churn")]["check"].tolist()
    assert "measurable" in bad


def test_pay_follows_the_attainment(review):
    row = review.pay.set_index("id").loc["darcel"]
    assert row["at_plan"] == 10_000 and row["earned"] == pytest.approx(
        10_000 * review.cascade.pay.pay(row["attainment"])
    )
