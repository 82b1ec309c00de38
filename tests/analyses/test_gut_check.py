"""Gut answers beside the CRM's values, recomputed by hand from six deals."""

import math
from datetime import date

import pandas as pd
import pytest

from helpers.analyses.agreement import list_answers, measure_agreement
from helpers.analyses.gut_check import SURVEY_COLUMNS, build_survey_table, check_gut, judge_gut
from helpers.analyses.icp_attributes import matches
from helpers.analyses.icp_fit import ANY, check_icp_fit, list_offending_deals
from helpers.analyses.survey_review import review_survey
from helpers.model.survey import load_survey
from tests.analyses.survey_cases import make_case, make_deals, people
from tests.companies import make_company

SURVEY = load_survey()
AS_OF = date(2026, 6, 30)


def check(company, as_of=AS_OF):
    frame = check_gut(company, list_answers(SURVEY, company.answers.visible_survey), SURVEY, as_of=as_of)
    return frame.set_index(["question_id", "item"])


def product(name, **values):
    return {"products": [{"name": name, **values}]}


def test_average_deal_and_mean_cycle_per_product():
    """Flow won 10,000 and 20,000 in 10 and 20 days: 15,000 and 15 days."""
    company = make_case(people(a=product("Flow", average_deal=12_000, cycle_days=30)))
    found = check(company)
    deal, cycle = found.loc[("products.average_deal", "Flow")], found.loc[("products.cycle_days", "Flow")]
    assert (deal["crm_value"], deal["crm_n"], deal["gap"]) == (15_000, 2, -3_000)
    assert (cycle["crm_value"], cycle["gap_share"]) == (15, 1.0)
    assert "median 15 days" in cycle["crm_also"] and "nine in ten within" in cycle["crm_also"]
    assert "30 Jun 2026" in deal["crm_definition"]


def test_a_product_that_the_crm_does_not_know_is_not_compared_with_others():
    company = make_case(people(a=product("Sword", average_deal=12_000)))
    row = check(company).loc[("products.average_deal", "Sword")]
    assert not row["is_available"] and not row["is_off"] and not row["crm_marks"]
    assert row["cure"] == "No product of the CRM is called 'Sword'. It has Flow, Shield."


def test_spaces_and_signs_in_the_name_of_a_product_make_no_difference():
    company = make_case(people(a=product("shi-eld", average_deal=12_000, cycle_days=30)))
    found = check(company)
    assert found.loc[("products.average_deal", "shi-eld"), "crm_value"] == 35_000
    assert dict(found.loc[("products.cycle_days", "shi-eld"), "crm_marks"])["median"] == 45


def test_without_products_in_the_crm_a_single_product_is_compared_with_all_deals_and_several_are_not():
    deals = make_deals().drop(columns="product")
    alone = check(make_case(people(a=product("Flow", average_deal=12_000)), deal=deals))
    assert alone.loc[("products.average_deal", "Flow"), "crm_value"] == 25_000
    assert "of all deals" in alone.loc[("products.average_deal", "Flow"), "sentence"]
    rows = [{"name": name, "average_deal": 12_000} for name in ("Flow", "Shield")]
    several = check(make_case(people(a={"products": rows}), deal=deals))
    assert not several["is_available"].any() and "carry no product" in several["cure"].iloc[0]


def test_events_after_the_last_day_are_not_seen():
    """By 31 March: 10,000, 20,000, 30,000."""
    company = make_case(people(a=product("", average_deal=1), b=product("All", average_deal=1)))
    assert check(company, date(2026, 3, 31)).loc[("products.average_deal", "All"), "crm_value"] == 20_000


def test_active_customers_come_from_the_customers_that_are_live():
    customers = pd.DataFrame(
        {"id": ["x", "y", "z"], "live_at": ["2026-03-20", "2026-04-01", None], "ended_at": [None, "2026-05-01", None]}
    )
    company = make_case(people(a={"active_customers": 3}), customer=customers)
    row = check(company).loc[("active_customers", "")]
    assert (row["crm_value"], row["gap"]) == (1, 2)


def test_what_the_crm_cannot_tell_says_what_to_do():
    row = check(make_case(people(a={"active_customers": 3}))).loc[("active_customers", "")]
    assert not row["is_available"] and pd.isna(row["crm_value"]) and row["cure"]


def test_on_track_is_judged_against_the_median_goal():
    """100,000 won by 30 June; half of a goal of 400,000 would be 198,000 by days (181 of 365)."""
    said = {"revenue_goal": 400_000, "on_track": "yes"}
    row = check(make_case(people(a=said, b=said))).loc[("on_track", "")]
    assert row["crm_also"] == "behind"
    assert row["crm_value"] == pytest.approx(100_000 / (400_000 * 181 / 365))
    assert row["sentence"].endswith("2 of 2 people say otherwise")
    modest = check(make_case(people(a={"revenue_goal": 150_000, "on_track": "no"}))).loc[("on_track", "")]
    assert modest["crm_also"] == "on track" and "1 of 1 people says otherwise" in modest["sentence"]


def test_a_monthly_amount_is_counted_for_a_year_and_says_so():
    row = check(make_case(people(a=product("Flow", average_deal=1_250, per="month")))).loc[
        ("products.average_deal", "Flow")
    ]
    assert (row["gut_median"], row["gap"]) == (15_000, 0)
    assert row["crm_definition"].endswith("counted for a year.")
    yearly = check(make_case(people(a=product("Flow", average_deal=15_000, per="year"))))
    assert "counted for a year" not in yearly.loc[("products.average_deal", "Flow"), "crm_definition"]


def test_median_and_nine_in_ten_stand_beside_the_mean_as_numbers():
    """Flow took 10 and 20 days: mean and median 15, nine in ten within 19."""
    row = check(make_case(people(a=product("Flow", cycle_days=30)))).loc[("products.cycle_days", "Flow")]
    assert [name for name, _ in row["crm_marks"]] == ["median", "nine in ten within"]
    assert row["crm_marks"][0][1] == 15 and 15 < row["crm_marks"][1][1] <= 20


@pytest.mark.parametrize(
    ("row", "verdict", "is_off"),
    [
        ({"gut_median": 40, "crm_value": 50, "gap_share": -0.2}, "20 % too low", True),
        ({"gut_median": 40, "crm_value": 50, "gap_share": -0.2, "crm_low": 35, "crm_high": 60}, "may be right", False),
        ({"gut_median": 40, "crm_value": 50, "gap_share": -0.2, "crm_low": 45, "crm_high": 60}, "20 % too low", True),
        ({"gut_median": 52, "crm_value": 50, "gap_share": 0.04}, "about right, 4 % high", False),
        ({"gut_median": 50, "crm_value": 50, "gap_share": 0.0}, "right", False),
        ({"gut_median": 90, "crm_value": 50, "gap_share": 0.8, "is_small": True, "crm_n": 4}, "only 4 records", False),
        (
            {"gut_median": 0.8, "crm_value": 0.6, "gap_share": 1 / 3, "gap": 0.2, "unit": "share"},
            "20 points too high",
            True,
        ),
        ({"is_available": False}, "the CRM can't tell", False),
    ],
)
def test_a_gap_is_judged_against_the_interval_of_the_crm(row, verdict, is_off):
    judged = judge_gut({"check": "value", "is_available": True, **row}, [], tolerance=0.05)
    assert (judged["verdict"], judged["is_off"]) == (verdict, is_off)


def test_a_choice_is_judged_by_who_agrees_with_the_crm():
    row = {"check": "on_track", "is_available": True, "crm_also": "behind"}
    judged = judge_gut(row, ["Yes", "No", "Don't know"], tolerance=0.05)
    assert judged["verdict"] == "1 of 3 agrees with the CRM" and judged["miss"] == pytest.approx(2 / 3)
    assert judge_gut(row, ["No", "No"], tolerance=0.05) == {
        "verdict": "all agree with the CRM", "miss": 0.0, "is_off": False,
    }  # fmt: skip


def test_a_goal_is_no_error_however_far_from_history():
    """2025 brought nothing here, so a goal can't be told against it; with history it is told and never wrong."""
    deals = make_deals()
    deals["closed_at"] = ["2025-05-01", "2025-05-01", "2025-05-01", "2025-05-01", "2025-05-01", "2025-05-01"]
    deals["created_at"] = "2025-02-01"
    row = check(make_case(people(a={"revenue_goal": 200_000}), deal=deals)).loc[("revenue_goal", "")]
    assert row["crm_value"] == 100_000 and row["verdict"] == "100 % more than the year before" and not row["is_off"]


def test_on_track_without_a_goal_asks_for_one():
    row = check(make_case(people(a={"on_track": "yes"}))).loc[("on_track", "")]
    assert not row["is_available"] and "goal" in row["cure"]


def test_new_business_share_of_the_last_twelve_months():
    deals = make_deals().assign(type="New business")
    row = check(make_case(people(a={"net_new_share": 0.5}), deal=deals)).loc[("net_new_share", "")]
    assert (row["crm_value"], row["crm_low"], row["crm_high"]) == (1.0, 1.0, 1.0)


def test_without_a_type_of_deal_nobody_knows_what_is_new_business():
    row = check(make_case(people(a={"net_new_share": 0.5}))).loc[("net_new_share", "")]
    assert not row["is_available"] and not row["is_off"] and "deal.type" in row["cure"]


def test_a_goal_without_a_year_before_asks_for_older_exports():
    row = check(make_case(people(a={"revenue_goal": 1_000_000}))).loc[("revenue_goal", "")]
    assert not row["is_available"]
    assert row["cure"] == "The exports hold no deal won in 2025. Add older exports."


def test_the_interval_of_a_share_by_money_follows_the_linearised_ratio():
    """Twenty times: won 10, 20, 30 new, 40 existing: 0.6, residuals 4, 8, 12, −24; half 1.96·√(Σr²·n/(n−1))/Σy."""
    deals = pd.concat([make_deals()] * 20, ignore_index=True).assign(id=[str(i) for i in range(120)])
    deals["type"] = ["New", "New", "New", "Renewal", "New", "New"] * 20
    row = check(make_case(people(a={"net_new_share": 0.5}), deal=deals)).loc[("net_new_share", "")]
    half = 1.959964 * math.sqrt(20 * (16 + 64 + 144 + 576) * 80 / 79) / 2_000
    assert row["crm_value"] == pytest.approx(0.6)
    assert (row["crm_low"], row["crm_high"]) == pytest.approx((0.6 - half, 0.6 + half), abs=1e-6)


def test_a_category_the_crm_carries_is_told_with_its_fill():
    row = check(make_case(people(a={"revenue_category": "Source"}))).loc[("revenue_category", "")]
    assert row["sentence"] == "Source is known for 75 % of the won deals"


@pytest.mark.parametrize(
    ("actual", "stated", "fits"),
    [
        (99, "100+", False),
        (100, "100+", True),
        (49, "<50", True),
        (50, "<50", False),
        (2000, "100-2,000", True),
        ("51-200", "50+", True),
        ("11-50", "100+", False),
        ("1,200", "1000+", True),
        ("Logistics", "Retail, logistics", True),
        ("Logistics", "", False),
    ],
)
def test_fit_of_sizes_and_words(actual, stated, fits):
    assert matches(actual, stated) is fits


def fit(**rows):
    return {"business_fit": [{"attribute": k, "good_fit": good, "bad_fit": bad} for k, (good, bad) in rows.items()]}


def test_wins_outside_the_ideal_customer_are_listed():
    """Wins have 20, 120, 300, 50 employees; 100+ is said: deals 4 and 1 lie outside, latest first."""
    company = make_case(people(a=fit(employees=("100+", "")), b=fit(employees=("100+", "<20"))))
    deals, summary = check_icp_fit(company, company.answers.survey, SURVEY, as_of=AS_OF)
    row = summary.iloc[0]
    assert (row["recent_fit_share"], row["n_recent"]) == (0.5, 4)
    assert (row["win_rate_inside"], row["n_inside"], row["win_rate_outside"], row["n_outside"]) == (1.0, 2, 2 / 3, 3)
    assert (row["deal_size_inside"], row["deal_size_outside"]) == (25_000, 25_000)
    offending = list_offending_deals(deals)
    assert offending["deal_id"].tolist() == ["4", "1"]
    assert offending["why"].iloc[0] == "Employees 50 (stated: 100+)"
    assert offending["name"].isna().all()


def test_wins_outside_bear_the_name_of_the_deal_where_the_export_has_one():
    deals = make_deals().assign(name=[f"Deal {i}" for i in range(1, 7)])
    company = make_case(people(a=fit(employees=("100+", ""))), deal=deals)
    judged, _ = check_icp_fit(company, company.answers.survey, SURVEY, as_of=AS_OF)
    assert list_offending_deals(judged)["name"].tolist() == ["Deal 4", "Deal 1"]


def test_only_the_latest_wins_count_as_latest():
    company = make_case(people(a=fit(employees=("100+", ""))))
    deals, summary = check_icp_fit(company, company.answers.survey, SURVEY, as_of=AS_OF, last=1)
    assert list_offending_deals(deals)["deal_id"].tolist() == ["4"]
    assert summary.loc[0, "n_recent"] == 1 and summary.loc[0, "n_won"] == 4


def test_a_deal_is_outside_only_where_most_say_so():
    company = make_case(people(a=fit(employees=("100+", "")), b=fit(employees=("10+", ""))))
    deals, _ = check_icp_fit(company, company.answers.survey, SURVEY, as_of=AS_OF)
    assert list_offending_deals(deals).empty


def test_a_value_that_is_unknown_is_neither_inside_nor_outside():
    company = make_case(people(a=fit(employees=("100+", ""), industry=("Logistics", ""))))
    deals, summary = check_icp_fit(company, company.answers.survey, SURVEY, as_of=AS_OF)
    by = summary.set_index("attribute")
    assert by.loc["Industry", "n_recent"] == 3
    assert by.loc[ANY, "n_recent"] == 4
    assert (deals["fit"] == "unknown").sum() == 2


def test_an_attribute_the_crm_lacks_says_what_to_map():
    company = make_case(people(a=fit(technology=("SAP", ""))))
    _, summary = check_icp_fit(company, company.answers.survey, SURVEY, as_of=AS_OF)
    assert not summary.loc[0, "is_available"] and "technology" in summary.loc[0, "cure"]


def test_before_the_round_is_closed_nothing_is_told():
    said = people(a={"active_customers": 3, "on_track": "yes"}, b={"active_customers": 4})
    review = review_survey(make_case(said, is_closed=False), SURVEY, as_of=AS_OF)
    assert review.n_respondents == 2 and not review.is_closed
    for frame in (review.answers, review.agreement, review.gut, review.table, review.icp, review.definitions):
        assert frame.empty
    assert review.findings == [] and review.priorities["lists"] == {}


def test_the_table_has_one_row_per_answer_with_the_crm_beside_it():
    company = make_case(people(a=product("Flow", average_deal=12_000), b=product("Flow", average_deal=18_000)))
    answers = list_answers(SURVEY, company.answers.visible_survey)
    table = build_survey_table(
        answers, measure_agreement(answers, SURVEY), check_gut(company, answers, SURVEY, as_of=AS_OF)
    )
    assert list(table.columns) == SURVEY_COLUMNS and len(table) == len(answers)
    deals = table[table["question_id"] == "products.average_deal"]
    assert deals["gap"].tolist() == [-3_000, 3_000]
    assert deals["answer"].tolist() == ["12000", "18000"]


def test_answers_without_any_crm_are_still_compared_with_each_other():
    case = make_case(people(a={"active_customers": 3, "on_track": "yes"}, b={"active_customers": 9}))
    company = make_company({}, answers=case.answers)
    review = review_survey(company, SURVEY, as_of=AS_OF)
    assert len(review.agreement) == 1 and not review.gut["is_available"].any()
    assert review.gut["cure"].str.len().gt(0).all()
