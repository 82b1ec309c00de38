"""Two windows, two threads, two processes, a kill in the middle: no change is lost without a word."""

import os
import signal
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.answers.editing import ResponseEditor
from helpers.answers.files import list_versions, read_topic
from helpers.answers.survey import read_responses
from helpers.model.survey import SurveyField, load_survey
from tests.answers.big_survey import Clock, make_survey

SURVEY = load_survey()
SMALL = make_survey(
    SurveyField(id="a", label="A", type="number"),
    SurveyField(id="b", label="B", type="text"),
    SurveyField(id="top", label="Top", type="ranked", maximum_items=2),
    SurveyField(
        id="grid",
        label="Grid",
        type="grid",
        columns=(
            SurveyField(id="name", label="Name", type="text"),
            SurveyField(id="x", label="X", type="number"),
            SurveyField(id="y", label="Y", type="text"),
        ),
    ),
)


def open_editor(folder, survey=SURVEY):
    return ResponseEditor(folder, survey, name="Ana", team="sales", clock=Clock())


def answers_of(folder, survey=SURVEY):
    return dict(read_responses(folder, survey)[0]["ana"].values)


def two_windows(folder, **values):
    first = open_editor(folder)
    for field, raw in {"company_name": "Northwind", **values}.items():
        first.change(field, raw)
    first.save()
    return first, open_editor(folder)


def test_changes_of_different_questions_meet_in_silence_and_are_told_as_taken_over(tmp_path):
    first, second = two_windows(tmp_path)
    first.change("employees", "180")
    first.save()
    second.change("crm", "zoho")
    saved = second.save()
    assert (saved.status, saved.changed) == ("saved", ("employees",))
    assert answers_of(tmp_path) == {"company_name": "Northwind", "employees": 180, "crm": "zoho"}
    assert first.refresh().changed == ("crm",) and first.read("crm").raw == "zoho"


def test_one_question_answered_differently_is_told_with_both_values_and_neither_is_lost(tmp_path):
    first, second = two_windows(tmp_path)
    first.change("crm", "zoho")
    first.save()
    second.change("crm", "hubspot")
    second.change("founded", "2014")
    saved = second.save()
    assert saved.status == "conflict" and "CRM (here 'hubspot', there 'zoho')" in saved.message
    assert answers_of(tmp_path) == {"company_name": "Northwind", "crm": "zoho", "founded": 2014}
    conflict = second.conflicts["crm"]
    assert (conflict.mine, conflict.theirs) == ("hubspot", "zoho") and second.read("crm").raw == "hubspot"


def test_a_conflict_survives_a_kill_and_is_told_by_the_window_opened_next(tmp_path):
    first, second = two_windows(tmp_path)
    for editor, crm in ((first, "zoho"), (second, "hubspot")):
        editor.change("crm", crm)
        editor.save()
    del first, second
    again = open_editor(tmp_path)
    assert (again.conflicts["crm"].mine, again.conflicts["crm"].theirs) == ("hubspot", "zoho")
    assert not again.is_dirty


@pytest.mark.parametrize(("keep", "left"), [("mine", "hubspot"), ("theirs", "zoho")])
def test_a_conflict_is_resolved_by_choosing_and_the_other_window_learns_of_it(tmp_path, keep, left):
    first, second = two_windows(tmp_path)
    for editor, crm in ((first, "zoho"), (second, "hubspot")):
        editor.change("crm", crm)
        editor.save()
    assert first.refresh().status == "conflict" and first.conflicts["crm"].theirs == "hubspot"
    assert second.resolve("crm", keep).raw == left
    assert second.save().status == "saved" and second.conflicts == {}
    first.refresh()
    assert first.conflicts == {} and first.read("crm").raw == left and answers_of(tmp_path)["crm"] == left
    assert "conflicts" not in read_topic(tmp_path, "survey/ana").values


def test_one_cell_of_a_grid_in_conflict_leaves_the_other_rows_alone(tmp_path):
    first, second = two_windows(tmp_path, products=[{"name": "Flow", "cycle_days": "30"}, {"name": "Go"}])
    first.change("products", [{"name": "Flow", "cycle_days": "45"}, {"name": "Go"}])
    first.save()
    second.change("products", [{"name": "Flow", "cycle_days": "60"}, {"name": "Go", "per": "year"}, {"name": "New"}])
    assert second.save().status == "conflict"
    assert answers_of(tmp_path)["products"] == [
        {"name": "Flow", "cycle_days": 45},
        {"name": "Go", "per": "year"},
        {"name": "New"},
    ]
    assert [row.get("cycle_days") for row in second.conflicts["products"].mine] == ["60", None, None]
    assert [row.get("cycle_days") for row in second.conflicts["products"].theirs] == ["45", None, None]


def test_what_is_wrong_in_one_window_and_right_in_the_other_is_a_conflict_too(tmp_path):
    first, second = two_windows(tmp_path)
    first.change("employees", "180")
    first.save()
    second.change("employees", "about 200")
    assert second.save().status == "conflict" and answers_of(tmp_path)["employees"] == 180
    assert open_editor(tmp_path).conflicts["employees"].mine == "about 200"


def test_a_change_not_saved_yet_is_left_alone_by_looking_at_the_file(tmp_path):
    first, second = two_windows(tmp_path)
    second.change("crm", "hubspot")
    for field, raw in (("crm", "zoho"), ("founded", "2014")):
        first.change(field, raw)
    first.save()
    assert second.refresh().changed == ("founded",) and second.read("crm").raw == "hubspot"
    assert second.save().status == "conflict"


def test_both_windows_that_type_the_same_agree(tmp_path):
    first, second = two_windows(tmp_path)
    for editor in (first, second):
        editor.change("revenue_goal", "12,000,000" if editor is first else "12000000")
        assert editor.save().status in ("saved", "unchanged")
    assert first.conflicts == second.conflicts == {}


FIELDS = st.sampled_from(["a", "b", "top"])
RAW = st.integers(1, 3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.integers(0, 1), FIELDS, RAW),
        st.tuples(st.just("save"), st.integers(0, 1)),
        st.tuples(st.just("refresh"), st.integers(0, 1)),
        st.tuples(st.just("resolve"), st.integers(0, 1), FIELDS, st.sampled_from(["mine", "theirs"])),
        st.tuples(st.just("reopen"), st.integers(0, 1)),
    ),
    max_size=30,
)


def typed(field, number):
    return {"a": str(number), "b": f"text {number}", "top": [f"item {number}"]}[field]


def everything_kept(folder, field):
    """What the file holds of a field: its answer, and every answer set aside."""
    values = read_topic(folder, "survey/ana").values
    aside = values.get("conflicts", {}).get(field, [])
    answer = values.get("overview", {}).get(field)
    return [str(one) for one in (answer, *aside) if one is not None]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_no_order_of_typing_and_saving_in_two_windows_loses_a_change_in_silence(tmp_path_factory, quick_disk, steps):
    """What a window saved stands in the file, as the answer or set aside, until a window that knew of it replaces it.

    A window knows what the file held when it last saved, looked or was opened; whoever chose, chose between two.
    """
    folder = tmp_path_factory.mktemp("company")
    editors = [open_editor(folder, SMALL), open_editor(folder, SMALL)]
    kept = {field: set() for field in ("a", "b", "top")}
    for step, who, *more in steps:
        editor = editors[who]
        if step == "change":
            editor.change(more[0], typed(*more))
        elif step == "resolve":
            conflict = editor.conflicts.get(more[0])
            editor.resolve(*more)
            if conflict:
                kept[more[0]] -= {str(_value(conflict.mine, more[0])), str(_value(conflict.theirs, more[0]))}
        elif step == "reopen":
            editor.save()
            _note(folder, kept, editor)
            editors[who] = open_editor(folder, SMALL)
        elif step == "refresh":
            editor.refresh()
        else:
            known = {field: set(_seen_by(editor, field)) for field in kept}
            dirty = editor.is_dirty
            saved = editor.save()
            assert saved.status in (("saved", "conflict") if dirty else ("saved", "unchanged", "conflict"))
            assert (saved.status == "conflict") <= bool(editor.conflicts)
            for field, before in kept.items():
                now = set(everything_kept(folder, field))
                lost = {one for one in before if one not in now and one not in known[field]}
                assert not lost, f"{field}: {lost} was saved by the other window, and nothing tells of it"
                shown = editor.read(field)
                mine = str(shown.value)
                assert mine in now or not shown.is_answered
            _note(folder, kept, editor)
    for editor in editors:
        editor.save()
    for editor in editors:
        editor.refresh()
        for field in kept:
            conflict = editor.read(field).conflict
            assert bool(conflict) == (len(set(everything_kept(folder, field))) > 1)


def _value(raw, field):
    return int(raw) if field == "a" and raw else raw


def _seen_by(editor, field):
    """What this window knew of a field before it saved: its own answer and what it last saw in the file."""
    sync = editor._sync(field)
    return [str(one) for one in (sync.file, sync.base, sync.entry, *sync.pending, *sync.dropped) if one is not None]


def _note(folder, kept, editor):
    if (folder / "answers").exists():
        for field in kept:
            kept[field] = set(everything_kept(folder, field))


CELLS = st.sampled_from([(name, column) for name in "PQ" for column in ("x", "y")])
GRID_STEPS = st.lists(
    st.one_of(st.tuples(st.just("type"), st.integers(0, 1), CELLS, RAW), st.tuples(st.just("save"), st.integers(0, 1))),
    max_size=25,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=GRID_STEPS)
def test_cells_typed_in_two_windows_all_arrive_unless_both_typed_into_one(tmp_path_factory, quick_disk, steps):
    """A cell that only one window has touched since both knew the same holds what was typed last there."""
    folder = tmp_path_factory.mktemp("company")
    editors = [open_editor(folder, SMALL) for _ in range(2)]
    editors[0].change("grid", [{"name": name} for name in "PQ"])
    editors[0].save()
    editors[1].refresh()
    typed_by: dict[tuple[str, str], dict[int, object]] = {}
    for step, who, *more in steps:
        if step == "save":
            editors[who].save()
            continue
        (name, column), number = more
        value = number if column == "x" else f"t{number}"
        rows = [dict(row) for row in editors[who].read("grid").raw]
        next(row for row in rows if row["name"] == name)[column] = str(value)
        editors[who].change("grid", rows)
        typed_by.setdefault((name, column), {})[who] = value
    for editor in (*editors, *editors):
        editor.save()
        editor.refresh()
    held = {row["name"]: row for row in answers_of(folder, SMALL)["grid"]}
    mine = {row["name"]: row for row in editors[1].read("grid").value}
    for (name, column), by in typed_by.items():
        if len(by) == 1:
            assert held[name][column] == next(iter(by.values()))
        elif len(set(by.values())) == 2 and not editors[1].conflicts:
            assert held[name][column] == mine[name][column]
    assert (editors[0].read("grid").value == editors[1].read("grid").value) or editors[0].conflicts


def test_two_threads_with_a_window_each_lose_nothing(tmp_path):
    open_editor(tmp_path).save()
    failures = []

    def work(field):
        editor = open_editor(tmp_path)
        for number in range(25):
            editor.change(field, f"{number + 1}")
            saved = editor.save()
            if saved.status != "saved":
                failures.append(saved)

    threads = [threading.Thread(target=work, args=(field,)) for field in ("employees", "active_customers")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == [] and answers_of(tmp_path) == {"employees": 25, "active_customers": 25}


def test_one_window_used_by_two_threads_keeps_its_wits(tmp_path):
    editor = open_editor(tmp_path)

    def work(field):
        for number in range(25):
            editor.change(field, f"{number + 1}")
            editor.save()

    threads = [threading.Thread(target=work, args=(field,)) for field in ("employees", "active_customers")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers_of(tmp_path) == {"employees": 25, "active_customers": 25}


WRITER = """
import sys
from pathlib import Path
from helpers.answers.editing import ResponseEditor
from helpers.model.survey import load_survey
editor = ResponseEditor(Path(sys.argv[1]), load_survey(), name="Ana", team="sales")
field, number = sys.argv[2], int(sys.argv[3])
while True:
    number += 1
    editor.change(field, str(number))
    if field == "active_customers":
        editor.change("products", [{"name": f"Product {row} of {number}"} for row in range(20)])
    assert editor.save().status in ("saved", "conflict")
    print(number, flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is a POSIX signal")
def test_a_kill_at_any_moment_leaves_a_whole_file_with_everything_acknowledged(tmp_path):
    number = 0
    for rest in (1, 3, 8, 5, 13):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), "active_customers", str(number)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            text=True,
        )
        for _ in range(rest):
            number = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        number = max([number, *map(int, writer.stdout.read().split())])
        writer.stdout.close()
        writer.wait(30)
        text = (tmp_path / "answers/survey/ana.toml").read_text(encoding="utf-8")
        held = tomllib.loads(text)["overview"]["active_customers"]
        assert held in (number, number + 1)
        editor = open_editor(tmp_path)
        assert editor.problem == "" and len(editor.read("products").value) == 20
        number = held
    for version in list_versions(tmp_path, "survey/ana")[-30:]:
        assert editor.preview(version)["active_customers"]
    editor.change("founded", "2014")
    assert editor.save().status == "saved"
    assert not list((tmp_path / "answers/survey").glob(".*.tmp"))


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is a POSIX signal")
def test_two_processes_that_write_different_questions_both_get_through(tmp_path):
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), field, "0"],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            text=True,
        )
        for field in ("employees", "active_customers")
    ]
    last = []
    for writer in writers:
        for _ in range(10):
            line = writer.stdout.readline()
        last.append(int(line))
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
        writer.stdout.close()
        writer.wait(30)
    held = answers_of(tmp_path)
    assert held["employees"] >= last[0] and held["active_customers"] >= last[1]
