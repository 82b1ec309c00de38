"""A company's own KPIs, stages and sessions go through the same engine."""

import pytest

from helpers.engine import build_cells
from helpers.errors import QuestionError
from tests.companies import make_company
from tests.engine.reading import pick, values

RECORD = {"direction": "up", "owner": "Sales", "source": "own", "description": "Own.", "formula": "own"}


def test_sessions_are_added_up_and_never_averaged():
    """100 and 300 sessions, 4 leads: 4 ÷ 400 = 1 %, by source 3 ÷ 100 and 1 ÷ 300; no cohort, sessions are no records.

    | date       | source | sessions |      | lead | created    | source |
    | 2026-01-01 | Web    | 100      |      | 3 ×  | 2026-01-05 | Web    |
    | 2026-01-01 | Ads    | 300      |      | 1 ×  | 2026-01-05 | Ads    |
    """
    session = {"date": ["2026-01-01"] * 2, "source": ["Web", "Ads"], "sessions": [100, 300]}
    contact = {"id": list("abcd"), "created_at": ["2026-01-05"] * 4, "source": ["Web", "Web", "Web", "Ads"]}
    cells = build_cells(make_company({"session": session, "contact": contact}), by=[(), ("source",)], grain="all")
    assert values(cells, "sessions") == {"all": 400, "Web": 100, "Ads": 300}
    assert values(cells, "session_to_lead") == {"all": 0.01, "Web": 0.03, "Ads": pytest.approx(1 / 300)}
    assert set(cells[cells["kpi"] == "session_to_lead"]["basis"]) == {"period"}
    assert pick(cells, "session_to_lead")["n"] == 400


def deals():
    return {
        "id": list("abc"),
        "created_at": ["2026-01-01"] * 3,
        "closed_at": ["2026-02-01"] * 3,
        "stage": ["Closed Won", "Closed Won", "Closed Lost"],
        "amount": [10, 30, 5],
        "region": ["US", "EMEA", "US"],
    }


def test_a_ratio_of_two_kpis_divides_cell_by_cell():
    measure = {"kind": "ratio", "numerator": "revenue_won", "denominator": "opportunities"}
    yield_kpi = {
        **RECORD,
        "label": "Yield",
        "unit": "currency",
        "family": "money",
        "basis": ["period"],
        "measure": measure,
    }
    company = make_company({"deal": deals()}, kpis={"yield_per_opportunity": yield_kpi})
    cells = build_cells(company, kpis=["yield_per_opportunity"], by=[(), ("region",)])
    assert values(cells, "yield_per_opportunity") == {"all": pytest.approx(40 / 3), "EMEA": 30, "US": 5}


def test_a_kpi_can_be_narrowed_to_some_values_of_a_partition():
    measure = {"kind": "volume", "stage": "won", "where": {"region": ["US"]}}
    us_wins = {
        **RECORD,
        "label": "US wins",
        "unit": "count",
        "family": "volume",
        "basis": ["period"],
        "measure": measure,
    }
    company = make_company({"deal": deals()}, kpis={"us_wins": us_wins})
    assert values(build_cells(company, kpis=["us_wins", "deals_won"]), "us_wins") == {"all": 1}


def test_the_companys_own_order_decides_which_steps_there_are():
    """Stages lead → sql → opportunity → won: lead to SQL is a step, MQLs don't exist."""
    contact = {"id": ["a"], "created_at": ["2026-01-01"], "mql_at": ["2026-01-02"], "sql_at": ["2026-01-03"]}
    company = make_company({"contact": contact}, funnel={"stages": ["lead", "sql", "opportunity", "won"]})
    found = set(build_cells(company)["kpi"])
    assert {"lead_to_sql", "lead_sql_days", "sqls"} <= found
    assert not {"mqls", "lead_to_mql"} & found


def test_a_step_over_a_stage_is_left_out_of_the_report_and_computed_when_asked_for():
    contact = {"id": ["a"], "created_at": ["2026-01-01"], "mql_at": ["2026-01-02"], "opportunity_at": ["2026-01-03"]}
    company = make_company({"contact": contact})
    assert "lead_to_opportunity" not in set(build_cells(company)["kpi"])
    asked = build_cells(company, kpis=["lead_to_opportunity"])
    assert pick(asked, "lead_to_opportunity", basis="cohort")["value"] == 1


def test_a_field_that_changes_on_the_way_cuts_counts_and_no_rates():
    company = make_company({"deal": deals()})
    assert not build_cells(company, kpis=["deals_won"], by=["stage"]).empty
    with pytest.raises(QuestionError, match="only while a record is under way"):
        build_cells(company, kpis=["win_rate"], by=["stage"])
    assert "win_rate" not in set(build_cells(company, by=["stage"])["kpi"])


def test_asking_again_joins_nothing_again_and_another_day_is_another_answer():
    company = make_company({"deal": deals()})
    first = build_cells(company, kpis=["deals_won"], grain="all")
    remembered = vars(company)["_journeys"]
    known = dict(remembered)
    assert build_cells(company, kpis=["deals_won"], grain="all").equals(first)
    assert vars(company)["_journeys"] == known
    assert build_cells(company, kpis=["deals_won"], grain="all", as_of="2026-01-15").empty
