"""A cascade edited in tables by two windows: nothing is lost, nothing silently written over."""

import tomllib
from datetime import date

import pytest

from helpers.answers.cascade import read_cascade
from helpers.answers.cascade_cells import Vocabulary, read_cell, show_record
from helpers.answers.cascade_editing import CascadeEditor
from helpers.model.cascade import Cascade, CascadeGoal, Person

KPIS = {"leads": ("Leads", "count"), "revenue_won": ("Closed revenue", "currency"), "win_rate": ("Win rate", "share")}
START = """\
# Written by hand.
[[person]]
id = "ana"
name = "Ana Okafor"

[[goal]]
id = "year"
title = "Win 9.4 M"
kpi = "revenue_won"
target = 9400000
grain = "year"
period_start = 2026-01-01

[[goal]]
id = "bad"
title = "Bad"
level = "nowhere"

[[tactic]]
id = "web"
title = "New website"
serves = "year"
start = 2026-07-01
due = 2026-12-15
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "cascade.toml").write_text(START, encoding="utf-8")
    return tmp_path


def open_editor(folder):
    return CascadeEditor(folder, kpis=KPIS, currency="EUR")


def change(editor, table, id, **cells):
    rows = [row | cells if row["_id"] == id else row for row in editor.list_rows(table)]
    return editor.save(table, rows)


def held(folder):
    return tomllib.loads((folder / "answers" / "cascade.toml").read_text(encoding="utf-8"))


def test_rows_are_shown_as_people_write_them(folder):
    editor = open_editor(folder)
    (goal,) = editor.list_rows("goal")
    assert (goal["target"], goal["period"], goal["level"], goal["kpi"]) == (
        "9,400,000",
        "2026",
        "company",
        "revenue_won",
    )
    (tactic,) = editor.list_rows("tactic")
    assert (tactic["serves"], tactic["start"], tactic["due"]) == ("Win 9.4 M", "1 Jul 2026", "15 Dec 2026")


def test_showing_and_saving_without_a_change_writes_nothing(folder):
    editor, before = open_editor(folder), (folder / "answers" / "cascade.toml").read_bytes()
    for table in ("goal", "tactic", "person", "target"):
        assert editor.save(table, editor.list_rows(table)).status == "unchanged"
    assert (folder / "answers" / "cascade.toml").read_bytes() == before


def test_a_cell_is_written_and_the_record_that_is_not_allowed_stays_as_it_is(folder):
    editor = open_editor(folder)
    assert change(editor, "goal", "year", target="€9.5 M", owner="ana okafor").status == "saved"
    goals = held(folder)["goal"]
    assert (goals[0]["target"], goals[0]["owner"]) == (9_500_000, "ana") and goals[1]["level"] == "nowhere"
    assert (folder / "answers" / "cascade.toml").read_text(encoding="utf-8").startswith("# Written by hand.")


def test_a_new_row_is_kept_as_soon_as_it_has_a_title_and_gets_an_id(folder):
    editor = open_editor(folder)
    rows = editor.list_rows("tactic")
    assert editor.save("tactic", [*rows, {"cost": "100"}]).status == "unchanged"
    saved = editor.save(
        "tactic", [*rows, {"title": "Trade fair", "cost": "45 k", "serves": "win 9.4 m", "due": "soon"}]
    )
    assert saved.status == "saved" and saved.changed == ("trade-fair",)
    cascade, _ = read_cascade(folder)
    assert cascade.tactics["trade-fair"].cost == 45_000 and cascade.tactics["trade-fair"].serves == ("year",)
    assert "no day" in editor.list_faults("tactic")["trade-fair", "due"]
    again = open_editor(folder)
    assert again.list_rows("tactic")[1]["due"] == "soon" and ("trade-fair", "due") in again.list_faults("tactic")
    assert change(again, "tactic", "trade-fair", due="2026-11-27").status == "saved"
    assert again.list_faults("tactic") == {} and "draft" not in held(folder)


def test_a_text_that_is_not_allowed_leaves_the_value_before_it(folder):
    editor = open_editor(folder)
    change(editor, "goal", "year", target="lots")
    assert read_cascade(folder)[0].goals["year"].target == 9_400_000
    assert "is no number" in editor.list_faults("goal")["year", "target"]
    change(editor, "tactic", "web", due="2026-01-01")  # before its start
    assert read_cascade(folder)[0].tactics["web"].due == date(2026, 12, 15)
    assert ("web", "due") in editor.list_faults("tactic")
    change(editor, "goal", "year", title="")
    assert "missing" in editor.list_faults("goal")["year", "title"] or editor.list_rows("goal")[0]["title"] == ""
    assert read_cascade(folder)[0].goals["year"].title == "Win 9.4 M"


def test_a_row_that_is_removed_is_taken_out_and_kept_among_the_versions(folder):
    editor = open_editor(folder)
    assert editor.save("tactic", []).status == "saved"
    assert "tactic" not in held(folder)
    assert list((folder / "answers" / ".versions" / "cascade").glob("*.toml"))


def test_correlations_are_typed_by_name_changed_and_removed(folder):
    editor = open_editor(folder)
    assert editor.save("correlation", [{"from": "New website", "strength": "strong"}]).status == "unchanged"
    assert editor.save("correlation", [{"from": "New website", "to": "leads", "strength": "strong"}]).status == "saved"
    (one,) = read_cascade(folder)[0].correlations
    assert (one.from_id, one.to_id, one.strength) == ("web", "leads", "strong")
    (row,) = editor.list_rows("correlation")
    assert (row["from"], row["to"]) == ("New website", "Leads")
    editor.save("correlation", [{**row, "to": "Win 9.4 M", "strength": "some"}])
    (one,) = read_cascade(folder)[0].correlations
    assert (one.to_id, one.strength) == ("year", "some")
    (row,) = editor.list_rows("correlation")
    editor.save("correlation", [{**row, "to": "nothing"}])
    assert "no goal, tactic, person or KPI" in editor.list_faults("correlation")[row["_id"], "to"]
    assert editor.save("correlation", []).status == "saved" and not read_cascade(folder)[0].correlations


def test_two_windows_change_different_cells_and_both_hold(folder):
    mine, other = open_editor(folder), open_editor(folder)
    assert change(mine, "goal", "year", target="9,500,000").status == "saved"
    assert change(other, "goal", "year", department="Sales").status == "saved"
    assert change(other, "tactic", "web", cost="10").status == "saved"
    goal = read_cascade(folder)[0].goals["year"]
    assert (goal.target, goal.department) == (9_500_000, "Sales")
    assert mine.refresh() and not mine.refresh() and mine.cascade.tactics["web"].cost == 10


@pytest.mark.parametrize(("keep", "target"), [("mine", 9_600_000), ("theirs", 9_500_000)])
def test_two_windows_change_one_cell_and_somebody_chooses(folder, keep, target):
    mine, other = open_editor(folder), open_editor(folder)
    change(other, "goal", "year", target="9,500,000")
    assert change(mine, "goal", "year", target="9,600,000").status == "conflict"
    ((place, conflict),) = mine.conflicts.items()
    assert (conflict.mine, conflict.theirs) == ("9,600,000", "9,500,000")
    assert read_cascade(folder)[0].goals["year"].target == 9_500_000
    assert mine.list_rows("goal")[0]["target"] == "9,600,000" and ("year", "target") in mine.list_faults("goal")
    mine.resolve(place, keep)
    assert read_cascade(folder)[0].goals["year"].target == target and not mine.conflicts


def test_the_same_change_in_two_windows_is_no_conflict(folder):
    mine, other = open_editor(folder), open_editor(folder)
    change(other, "tactic", "web", serves="")
    change(mine, "tactic", "web", serves="")
    assert not mine.conflicts and read_cascade(folder)[0].tactics["web"].serves == ()


def test_a_damaged_file_is_never_written_over(folder):
    path = folder / "answers" / "cascade.toml"
    editor = open_editor(folder)
    path.write_text("[[goal\n", encoding="utf-8")
    assert editor.refresh() and "this is no TOML" in editor.problem
    assert editor.save("goal", []).status == "failed" and path.read_text(encoding="utf-8") == "[[goal\n"
    path.write_text(START, encoding="utf-8")
    assert editor.refresh() and editor.problem == "" and "year" in editor.cascade.goals


WORDS = Vocabulary(
    Cascade(goals={"a": CascadeGoal("a", "First; and more")}, people={"p": Person("p", "Ana")}), KPIS, "EUR"
)
TYPED = {
    "percent points": ("tactic", "amount", "+3 points", {"kpi": "win_rate"}, {"amount": 0.03}),
    "a minus": ("tactic", "amount", "−2.5 %", {"kpi": "win_rate"}, {"amount": -0.025}),
    "money": ("tactic", "cost", "€12.5 k", {}, {"cost": 12_500}),
    "share of a week": ("tactic", "time", "40 %", {}, {"time": 0.4}),
    "slice": ("goal", "slice", "Region = US", {}, {"dimension": "region", "slice": "US"}),
    "no slice": ("goal", "slice", "", {}, {"dimension": None, "slice": None}),
    "quarter": ("goal", "period", "Q4 2026", {}, {"grain": "quarter", "period_start": date(2026, 10, 1)}),
    "label": ("goal", "kpi", "win rate", {}, {"kpi": "win_rate"}),
    "title with a semicolon": ("tactic", "serves", "first; and more", {}, {"serves": ["a"]}),
    "owner": ("goal", "owner", "ANA", {}, {"owner": "p"}),
}
REFUSED = {
    "another currency": ("tactic", "cost", "$5", {}, "USD"),
    "no slice": ("goal", "slice", "US", {}, "region=US"),
    "no period": ("goal", "period", "soon", {}, "Q4 2026"),
    "nobody": ("goal", "owner", "Anna", {}, "Did you mean 'Ana'"),
    "no goal": ("tactic", "serves", "Second", {}, "is no goal"),
    "more than a week": ("tactic", "time", "140 %", {}, "more than 100 %"),
    "a control character": ("goal", "title", "a\x00", {}, "can't be shown"),
    "no level": ("goal", "level", "planet", {}, "long_term"),
}


@pytest.mark.parametrize(("table", "column", "text", "record", "sets"), TYPED.values(), ids=TYPED)
def test_what_people_type_is_understood(table, column, text, record, sets):
    assert read_cell(table, column, text, record, WORDS) == (sets, "")


@pytest.mark.parametrize(("table", "column", "text", "record", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_allowed_is_refused_with_its_cure(table, column, text, record, said):
    sets, fault = read_cell(table, column, text, record, WORDS)
    assert sets == {} and said in fault


def test_what_is_shown_reads_back_the_same(folder):
    editor = open_editor(folder)
    for table in ("goal", "tactic", "person"):
        for row in editor.list_rows(table):
            record = editor._records(table)[row["_id"]]
            for column, text in show_record(table, record, editor.vocabulary).items():
                sets, fault = read_cell(table, column, text, record, editor.vocabulary)
                assert not fault
                for key, value in sets.items():
                    default = {"level": "company", "state": "planned"}.get(key)
                    expected = record.get(key, default)
                    assert (tuple(value) if isinstance(value, list) else value) == expected
