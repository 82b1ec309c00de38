"""The plan of record as a page shows it."""

from datetime import date

from helpers.analyses.plan_history import review_plan
from helpers.answers.plan_of_record import adopt_plan, list_plans, read_plan_of_record
from helpers.present.charts.plan_history import show_plan_history
from tests.analyses.test_plan_history import AS_OF, CATALOG, PLAN, REPLANNED


def show(record, plans=()):
    review = review_plan(record, REPLANNED, before=PLAN, plans=plans, as_of=AS_OF, catalog=CATALOG, currency="EUR")
    return show_plan_history(review, subtitle="Acme", currency="EUR")


def test_revenue_is_a_picture_and_every_kpi_a_table(tmp_path):
    adopt_plan(tmp_path, PLAN, author="<b>Ana</b>", on=date(2026, 1, 8), note="<script>x</script>")
    picture, table = show(read_plan_of_record(tmp_path))
    assert picture.title == "2026 is €50 (17 %) behind the plan of record after 3 quarters"
    assert "blue dot: the goal as re-planned" in picture.subtitle
    assert "<b>Ana" not in picture.svg
    assert "€170" in picture.svg
    assert "Q4 2026: as re-planned" in table.text


def test_earlier_plans_are_listed_with_day_and_author(tmp_path):
    for year in (2025, 2026):
        adopt_plan(tmp_path, PLAN.assign(goal=PLAN["goal"] * year), author=f"<i>{year}</i>", on=date(year, 1, 8))
    plans = list_plans(tmp_path)
    *_, earlier = show(plans[0], plans)
    assert earlier.title == "2 plans were adopted, the latest first"
    assert earlier.html.index("8 Jan 2026") < earlier.html.index("8 Jan 2025")
    assert "<i>" not in earlier.html


def test_without_a_plan_the_picture_says_what_stands_in_for_it():
    picture = show(None)[0]
    assert "No plan has been adopted" in picture.subtitle


def test_without_goals_it_is_said_what_is_missing():
    (shown,) = show_plan_history(review_plan(None, PLAN.iloc[:0], as_of=AS_OF, catalog=CATALOG))
    assert shown.title == "There is no plan to compare with"
    assert "adopt them" in shown.text
