"""The cascade's form without a browser: what is typed is saved, what others do is seen."""

import tomllib
from dataclasses import replace
from types import SimpleNamespace

import pytest
from ipywidgets import Widget

from helpers.answers.cascade import read_cascade
from helpers.answers.cascade_comments import add_comment, read_comments
from helpers.answers.cascade_editing import CascadeEditor
from helpers.answers.store import Answers
from helpers.model.cascade import Cascade
from helpers.present.forms.cascade_entry import open_cascade_form
from helpers.present.forms.cascade_form import CascadeForm
from helpers.present.forms.cascade_tables import SIDES, list_cascade_columns
from tests.analyses.cascade_cases import AS_OF, CELLS, make_cascade
from tests.answers.test_cascade_editing import KPIS, START
from tests.companies import make_company


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "cascade.toml").write_text(START, encoding="utf-8")
    return tmp_path


def open_form(folder, by="Ana Okafor", views=lambda: ["<p>views</p>"]):
    editor = CascadeEditor(folder, kpis=KPIS, currency="EUR")
    return CascadeForm(editor, folder, by=by, views=views, kpis={id: label for id, (label, _) in KPIS.items()})


def test_what_is_typed_into_a_table_is_on_disk_and_new_rows_get_their_id(folder):
    form = open_form(folder)
    grid = form.grids["tactic"]
    grid.rows = [*grid.rows, {"title": "Trade fair", "serves": "Win 9.4 M", "cost": "45 k"}]
    assert read_cascade(folder)[0].tactics["trade-fair"].cost == 45_000
    assert [row["_id"] for row in grid.rows] == ["web", "trade-fair"] and form.status.state == "saved"
    grid.rows = [{**row, "owner": "Ana Okafor"} for row in grid.rows]
    assert {one.owner for one in read_cascade(folder)[0].tactics.values()} == {"ana"}
    assert form.tabs["tactic"].description == "Tactics · 2"


def test_a_row_without_a_title_waits_and_a_wrong_cell_is_told_in_its_place(folder):
    form = open_form(folder)
    grid = form.grids["tactic"]
    grid.rows = [*grid.rows, {"cost": "100"}]
    assert len(grid.rows) == 2 and "kept once it has a title" in form.status.text
    grid.rows = [{**grid.rows[0], "due": "soon"}, grid.rows[1]]
    assert [(fault["row"], fault["column"]) for fault in grid.faults] == [(0, "due")]
    assert (
        tomllib.loads((folder / "answers" / "cascade.toml").read_text(encoding="utf-8"))["draft"][0]["text"] == "soon"
    )


def test_a_row_that_was_just_added_stays_while_somebody_is_about_to_type_in_it(folder):
    form = open_form(folder)
    grid = form.grids["tactic"]
    grid.rows = [*grid.rows, {}]
    form.save("tactic")
    open_form(folder, "Ben Ito").grids["person"].rows = [{"name": "Cleo Dunn"}]
    assert form.look() and grid.rows[1:] == [{}]


def test_a_text_that_is_still_being_typed_is_not_sent_back_shorter(folder):
    form = open_form(folder)
    grid = form.grids["tactic"]
    grid.rows = [*grid.rows, {"title": "Trade "}]
    assert grid.rows[1]["title"] == "Trade " and read_cascade(folder)[0].tactics["trade"].title == "Trade"


def test_a_row_that_comes_back_without_its_id_while_it_is_typed_in_is_no_second_one(folder):
    form = open_form(folder)
    grid = form.grids["tactic"]
    first = grid.rows
    grid.rows = [*first, {"title": "Trade"}]
    grid.rows = [*first, {"title": "Trade fair"}]
    grid.rows = [*grid.rows, {"title": "Trade fair in May", "cost": "10"}]
    tactics = read_cascade(folder)[0].tactics
    assert [one.title for one in tactics.values()] == ["New website", "Trade fair in May"]
    assert tactics["trade"].cost == 10


def test_two_forms_see_each_other_and_a_clash_is_chosen(folder):
    mine, other = open_form(folder), open_form(folder, "Ben Ito")

    def type_target(form, text):
        form.grids["goal"].rows = [{**row, "target": text} for row in form.grids["goal"].rows]

    type_target(mine, "9,500,000")
    type_target(other, "9,600,000")
    assert other.status.state == "conflict" and len(other.conflicts.children) == 1
    _, keep_mine = other.conflicts.children[0].children[1].children
    assert "9,500,000" in other.conflicts.children[0].children[0].value
    keep_mine.click()
    assert read_cascade(folder)[0].goals["year"].target == 9_600_000 and not other.conflicts.children
    assert mine.look() and mine.grids["goal"].rows[0]["target"] == "9,600,000"


def test_people_talk_and_both_see_the_thread(folder):
    ana, ben = open_form(folder), open_form(folder, "Ben Ito")
    ana.go("talk")
    ana.talk.part.value, ana.talk.kind.value, ana.talk.text.value = "web", "question", "Why now?"
    ana.talk.say.click()
    assert ben.look() and ben.tabs["talk"].description == "Comments · 1"
    ben.go("talk")
    ben.talk.part.value = "web"
    assert "(1)" in dict(map(reversed, ben.talk.part.options))["web"] and "Why now?" in ben.talk.thread.value
    ben.talk.reply.value = ben.talk.reply.options[1][1]
    ben.talk.kind.value, ben.talk.text.value = "answer", "<b>Because</b>"
    ben.talk.say.click()
    ana.look()
    assert "&lt;b&gt;Because" in ana.talk.thread.value and ana.talk.text.value == ""
    first, second = read_comments(folder)[0]
    assert second.reply_to == first.id and second.author == "Ben Ito"


def test_notes_a_department_and_the_rules_of_pay_are_typed_and_kept(folder):
    form = open_form(folder)
    goals, tactics, pay = form.grids["goal"], form.grids["tactic"], form.grids["pay"]
    goals.rows = [{**row, "note": "Board of 3 May"} for row in goals.rows]
    tactics.rows = [{**row, "department": "Marketing", "note": "With the agency"} for row in tactics.rows]
    pay.rows = [{**row, "threshold": "60 %", "cap": "200 %"} for row in pay.rows]
    held = read_cascade(folder)[0]
    assert held.goals["year"].note == "Board of 3 May"
    assert (held.tactics["web"].department, held.tactics["web"].note) == ("Marketing", "With the agency")
    assert (held.pay.threshold, held.pay.cap) == (0.6, 2.0)
    people, targets = form.grids["person"], form.grids["target"]
    targets.rows = [{"person": people.rows[0]["name"], "goal": "Win 9.4 M", "cap": "120 %", "pay_at_cap": "130 %"}]
    (target,) = read_cascade(folder)[0].targets.values()
    assert (target.rule.threshold, target.rule.cap, target.rule.pay_at_cap) == (0.6, 1.2, 1.3)


def test_a_rule_of_pay_that_contradicts_itself_waits_in_its_cell(folder):
    form = open_form(folder)
    form.grids["pay"].rows = [{**row, "cap": "90 %"} for row in form.grids["pay"].rows]
    again = open_form(folder)
    assert again.grids["pay"].rows[0]["cap"] == "90 %" and read_cascade(folder)[0].pay.cap == 1.5
    (fault,) = again.grids["pay"].faults
    assert fault["column"] == "cap" and "not above the target" in fault["message"]


@pytest.mark.parametrize("table", [*SIDES])
def test_every_side_of_a_table_fits_beside_the_list_of_pages_on_a_small_screen(table):
    least = {"text": 108, "long_text": 208, "number": 112}  # what the grid gives a column that names no width
    for side in SIDES[table]:
        columns = list_cascade_columns(side, Cascade(), kpis={}, currency="EUR", named_by="")
        assert sum(one["width"] or least[one["kind"]] for one in columns) + 28 <= 952


def test_a_table_with_many_columns_is_turned_and_tells_what_is_wrong_on_its_other_side(folder):
    form = open_form(folder)
    form.go("goal")
    assert [one["id"] for one in form.grids["goal"].columns][:2] == ["title", "level"]
    form.grids["goal"].rows = [{**row, "target": "lots"} for row in form.grids["goal"].rows]
    assert form.grids["goal"].faults == [] and form.sides.children[1].description == "In numbers ▲ 1"
    form.sides.children[1].click()
    assert [one["id"] for one in form.grids["goal"].columns][:2] == ["title", "kpi"]
    assert [fault["column"] for fault in form.grids["goal"].faults] == ["target"]


def test_what_was_typed_while_the_line_was_cut_is_taken_up_and_a_clash_waits_for_a_choice(folder):
    before = open_form(folder).grids["goal"].rows
    other = open_form(folder, "Ben Ito").grids["goal"]
    other.rows = [{**row, "target": "9,600,000", "baseline": "8,000,000"} for row in other.rows]
    form = open_form(folder)
    mine = [{**row, "target": "9,500,000", "note": "Typed on the train"} for row in before]
    left = {"goal": {"base": before, "mine": [*mine, {"title": "Keep them"}], "place": "goal:1", "number": 3}}
    form.copy._hear(None, {"place": "goal:1", "restore": left}, [])
    held = read_cascade(folder)[0].goals
    assert held["year"].note == "Typed on the train" and held["year"].baseline == 8_000_000 and "keep-them" in held
    assert held["year"].target == 9_600_000 and list(form.editor.conflicts) == [("goal", "year", "target")]
    assert (
        form.status.state == "conflict"
        and form.screen == "goal"
        and "is-current" in form.sides.children[1]._dom_classes
    )
    form.conflicts.children[0].children[1].children[1].click()
    assert read_cascade(folder)[0].goals["year"].target == 9_500_000


@pytest.mark.parametrize("left", [None, 3, {"goal": 3}, {"goal": {"mine": 3}}, {"nothing": {"mine": []}}], ids=str)
def test_what_a_browser_says_that_is_no_copy_is_passed_over(folder, left):
    before = (folder / "answers" / "cascade.toml").read_text(encoding="utf-8")
    form = open_form(folder)
    form.copy._hear(None, {"place": "nowhere", "restore": left}, [])
    form.copy._hear(None, left, [])
    assert (folder / "answers" / "cascade.toml").read_text(encoding="utf-8") == before


def test_numbers_are_read_and_written_as_where_the_company_is_at_home(folder):
    editor = CascadeEditor(folder, kpis=KPIS, currency="EUR", decimal=",")
    assert editor.list_rows("goal")[0]["target"] == "9.400.000"
    editor.save("goal", [{**row, "baseline": "8.350"} for row in editor.list_rows("goal")])
    assert read_cascade(folder)[0].goals["year"].baseline == 8_350


def test_an_empty_comment_is_refused_and_nothing_written(folder):
    form = open_form(folder)
    form.talk.say.click()
    assert "Type what you would say" in form.talk.note.value and not read_comments(folder)[0]


def test_the_views_are_drawn_when_they_are_seen_and_after_a_change(folder):
    drawn = []
    form = open_form(folder, views=lambda: drawn.append(1) or [f"<p>{len(drawn)}</p>"])
    assert form.overview.value == "<p>1</p>"
    form.go("goal")
    form.grids["goal"].rows = [{**row, "target": "1"} for row in form.grids["goal"].rows]
    assert len(drawn) == 1
    form.go("overview")
    form.go("tactic")
    form.go("overview")
    assert len(drawn) == 2


def test_a_damaged_file_locks_the_tables_and_says_why(folder):
    form = open_form(folder)
    (folder / "answers" / "cascade.toml").write_text("[[goal\n", encoding="utf-8")
    form.look()
    assert "this is no TOML" in form.problem.value and form.grids["goal"].is_disabled


def test_comments_on_what_is_gone_can_still_be_read(folder):
    add_comment(folder, "Ana Okafor", on="old-tactic", text="Keep it")
    form = open_form(folder)
    form.go("talk")
    assert form.talk.part.value == "old-tactic" and "Keep it" in form.talk.thread.value


def make_book(**answers):
    company = make_company({"deal": {"id": ["1"], "created_at": ["2026-01-01"], "stage": ["Open"]}}, currency="EUR")
    company = replace(company, answers=Answers(cascade=make_cascade(), **answers))
    return SimpleNamespace(company=company, cells=CELLS, as_of=AS_OF, subtitle=lambda text="": "Test company")


def test_unattended_or_with_hidden_people_it_shows_the_views_instead(monkeypatch):
    monkeypatch.delenv("REVENUE_ENGINE_APP", raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert [shown.title for shown in open_cascade_form(make_book())][-1] == "Nobody has commented yet"
    monkeypatch.setenv("REVENUE_ENGINE_APP", "1")
    assert isinstance(open_cascade_form(make_book(hides_people=True)), tuple)
    assert isinstance(open_cascade_form(make_book()), Widget)
