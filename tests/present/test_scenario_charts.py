"""Scenarios as a page shows them."""

from helpers.present.charts.scenarios import show_scenarios
from tests.analyses.test_scenario_comparison import BASE, LARGER, compare, make_goals, make_history, make_matrix


def test_two_scenarios_are_a_picture_and_a_table():
    shown = show_scenarios(compare({"Base": BASE, "Larger": LARGER}, history=make_history()), currency="EUR")
    picture, table = shown
    assert picture.title.startswith("In Q4 2026 “Larger” asks for €1.20 M too")
    assert "A is Base, B is Larger" in picture.subtitle
    assert "1 KPI within 1 %" in picture.subtitle
    assert picture.svg.startswith("<svg")
    assert "€12.0 k ▲ (set)" in table.text
    assert "n = 3" in table.text


def test_one_scenario_is_a_table_with_its_chance():
    (table,) = show_scenarios(compare({"Base": BASE}, probability=lambda m: m.assign(probability=0.004)))
    assert table.title == "“Base” asks for €1.20 M in Q4 2026"
    assert "Chance of the revenue goal" in table.text
    assert "< 1 %" in table.text


def test_names_are_text_and_nothing_else():
    name = "<script>alert(1)</script>"
    odd = make_goals(locked=True, revenue_won=1.2e6, average_deal_size=12_000.0, deals_won=10.0)
    for shown in show_scenarios(compare({"Base": BASE, name: odd}), subtitle="<b>Acme</b>"):
        assert "<script" not in shown.html + shown.svg
        assert "<b>Acme" not in shown.html + shown.svg


def test_where_there_is_nothing_to_compare_it_is_said_how_to_mend_it():
    (shown,) = show_scenarios(compare({}, make_matrix()))
    assert shown.title == "There are no scenarios to compare"
    assert "Save the goals under a name" in shown.text


def test_scenarios_that_ask_for_the_same_are_drawn_too():
    shown = show_scenarios(compare({"A": BASE, "B": BASE}))
    assert shown[0].title == "The scenarios ask for the same in Q4 2026"
    assert shown[0].svg
