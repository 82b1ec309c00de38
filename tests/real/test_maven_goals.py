"""The goals of real deals as a workbook, as scenarios and as a plan; their open deals carry no amount or close date."""

import io

import openpyxl
import pandas as pd
import pytest

from helpers.analyses.goal_review import review_goals
from helpers.analyses.plan_history import compare_with_record
from helpers.analyses.scenario_comparison import compare_scenarios
from helpers.answers.goal_import import preview_goals
from helpers.answers.goals import build_goals
from helpers.answers.plan_of_record import adopt_plan
from helpers.engine.cells import build_cells
from helpers.present.goal_spreadsheet import write_goal_spreadsheet
from tests.companies import make_company
from tests.real_data import require_real_data

AS_OF = pd.Timestamp("2017-12-31").date()
COLUMNS = {
    "opportunity_id": "id", "engage_date": "created_at", "close_date": "closed_at", "deal_stage": "stage",
    "close_value": "amount", "product": "product",
}  # fmt: skip


@pytest.fixture(scope="module")
def company():
    raw = pd.read_csv(require_real_data("maven_crm") / "sales_pipeline.csv")
    dates = {name: pd.to_datetime(raw[name]) for name in ("engage_date", "close_date")}
    return make_company({"deal": raw.assign(**dates).rename(columns=COLUMNS)[list(COLUMNS.values())]})


@pytest.fixture(scope="module")
def cells(company):
    return build_cells(company, by=[(), ("product",)], as_of=AS_OF)


@pytest.fixture(scope="module")
def review(company, cells):
    return review_goals(company, cells, as_of=AS_OF, by=("product",))


def test_the_workbook_holds_every_goal_and_comes_back_unchanged(company, cells, review):
    data = write_goal_spreadsheet(review.matrix, catalog=company.catalog, as_of=AS_OF, history=cells)
    found = preview_goals("elsewhere", data, current={})
    assert (found.changes, found.problems) == ((), ())
    assert found.n_unchanged == len(review.matrix)
    sheet = openpyxl.load_workbook(io.BytesIO(data))["All cells"]
    goals = [row[7] for row in sheet.iter_rows(min_row=4, values_only=True)]
    assert goals == pytest.approx(review.matrix["goal"].tolist(), nan_ok=True)


def test_larger_deals_ask_for_fewer(company, cells, review):
    won = review.matrix[(review.matrix["kpi"] == "revenue_won") & (review.matrix["dimension"] == "all")]
    coming = won[won["actual"].isna() & (won["grain"] == "quarter")].iloc[0]
    key = {"grain": "quarter", "period_start": coming["period_start"].date()}
    revenue = {"kpi": "revenue_won", **key, "goal": 1.2 * coming["expected"]}
    scenarios = {
        "Base": build_goals([revenue]),
        "Larger": build_goals([revenue, {"kpi": "average_deal_size", **key, "goal": 3_000.0}]),
    }
    found = compare_scenarios(review.matrix, scenarios, as_of=AS_OF, catalog=company.catalog, history=cells)
    rows = found.table[found.table["period_start"] == coming["period_start"]]
    rows = rows[rows["grain"] == "quarter"].set_index(["scenario", "kpi"])["goal"]
    assert rows["Larger", "deals_won"] == pytest.approx(1.2 * coming["expected"] / 3_000)
    assert rows["Larger", "deals_won"] < rows["Base", "deals_won"]
    assert found.contradictions.empty


def test_a_plan_adopted_from_it_is_what_it_was(review, tmp_path):
    record = adopt_plan(tmp_path, review.matrix, author="Ana", on=AS_OF)
    table = compare_with_record(record, review.matrix)
    company = review.matrix[(review.matrix["dimension"] == "all") & review.matrix["goal"].notna()]
    assert len(table) >= len(company)
    assert table["change"].dropna().abs().max() == pytest.approx(0, abs=1e-6)
