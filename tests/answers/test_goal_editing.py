"""Goals while people type them: on disk at once, undone and redone, merged with what another window typed."""

import tomllib
from datetime import UTC, date, datetime, timedelta

import pytest

from helpers.answers.goal_editing import GoalCell, GoalEditor, Typed, list_replaced
from helpers.answers.goals import read_goals

Q4, Q1 = date(2026, 10, 1), date(2027, 1, 1)
REVENUE = GoalCell("revenue_won", "quarter", Q4)
LEADS = GoalCell("leads", "quarter", Q4)
WEB = GoalCell("leads", "quarter", Q4, "source", "Web")


def make_clock():
    now = [datetime(2026, 9, 30, 12, tzinfo=UTC)]

    def tell():
        now[0] += timedelta(seconds=1)
        return now[0]

    return tell


def open_editor(folder):
    return GoalEditor(folder, clock=make_clock())


def read_file(folder):
    return tomllib.loads((folder / "answers" / "goals.toml").read_text(encoding="utf-8"))


@pytest.fixture
def editor(tmp_path):
    return open_editor(tmp_path)


def test_what_is_typed_is_on_disk_as_the_contract_has_it(editor, tmp_path):
    editor.change({REVENUE: Typed(1_200_000.0), WEB: Typed(300.5, is_locked=True)})
    assert editor.save().status == "saved"
    assert read_file(tmp_path)["goal"] == [
        {"kpi": "revenue_won", "grain": "quarter", "period_start": Q4, "goal": 1_200_000},
        {
            **{"kpi": "leads", "grain": "quarter", "period_start": Q4, "dimension": "source", "slice": "Web"},
            **{"goal": 300.5, "locked": True},
        },
    ]
    goals, problems = read_goals(tmp_path)
    assert goals["goal"].tolist() == [1_200_000, 300.5] and goals["locked"].tolist() == [False, True]
    assert not problems


def test_everything_comes_back_when_it_is_opened_again(editor, tmp_path):
    editor.change({REVENUE: Typed(5.0, is_locked=True)})
    editor.change({LEADS: Typed(40.0, text="about forty")})
    editor.save()
    assert open_editor(tmp_path).typed == {REVENUE: Typed(5.0, is_locked=True), LEADS: Typed(40.0, text="about forty")}


def test_a_text_that_is_no_number_is_kept_and_counts_as_no_goal(editor, tmp_path):
    editor.change({LEADS: Typed(text="about forty")})
    editor.save()
    goals, problems = read_goals(tmp_path)
    assert goals.empty and not problems
    assert read_file(tmp_path)["draft"][0]["text"] == "about forty"
    editor.change({LEADS: Typed(41.0)})
    editor.save()
    assert "draft" not in read_file(tmp_path)


def test_what_is_set_last_stands_last(editor, tmp_path):
    editor.change({REVENUE: Typed(1.0), LEADS: Typed(2.0)})
    editor.save()
    editor.change({REVENUE: Typed(3.0)})
    assert list(editor.typed) == [LEADS, REVENUE]
    editor.save()
    assert list(open_editor(tmp_path).typed) == [LEADS, REVENUE]


def test_a_step_is_undone_and_redone_as_a_whole(editor):
    editor.change({REVENUE: Typed(1.0)}, "typing")
    editor.change({REVENUE: Typed(2.0), LEADS: Typed(3.0)}, "pasting")
    assert editor.undoable == "pasting"
    assert editor.undo().what == "pasting"
    assert editor.typed == {REVENUE: Typed(1.0)}
    editor.undo()
    assert editor.typed == {} and editor.undo() is None
    editor.redo()
    editor.redo()
    assert editor.typed == {REVENUE: Typed(2.0), LEADS: Typed(3.0)} and editor.redo() is None


def test_after_a_new_step_nothing_is_redone(editor):
    editor.change({REVENUE: Typed(1.0)})
    editor.undo()
    editor.change({REVENUE: Typed(7.0)})
    assert editor.redo() is None and editor.read(REVENUE) == Typed(7.0)


def test_changing_nothing_is_no_step(editor):
    editor.change({REVENUE: Typed(1.0)})
    assert editor.change({REVENUE: Typed(1.0)}) == ()
    editor.undo()
    assert editor.undoable == ""


def test_undoing_is_saved_like_any_step(editor, tmp_path):
    editor.change({REVENUE: Typed(1.0)})
    editor.save()
    editor.undo()
    editor.save()
    assert "goal" not in read_file(tmp_path)


def test_what_two_windows_set_in_different_cells_is_merged(editor, tmp_path):
    other = open_editor(tmp_path)
    editor.change({REVENUE: Typed(1.0)})
    editor.save()
    other.change({LEADS: Typed(2.0)})
    saved = other.save()
    assert saved.status == "saved" and saved.changed
    assert other.typed == {REVENUE: Typed(1.0), LEADS: Typed(2.0)}
    assert editor.refresh() and editor.typed == other.typed
    assert not editor.refresh(), "nothing is new now"


def test_where_two_windows_set_one_cell_differently_both_values_are_kept_until_one_is_chosen(editor, tmp_path):
    other = open_editor(tmp_path)
    editor.change({REVENUE: Typed(1.0)})
    editor.save()
    other.change({REVENUE: Typed(2.0), LEADS: Typed(3.0)})
    assert other.save().status == "conflict"
    conflict = other.conflicts[REVENUE]
    assert (conflict.mine, conflict.theirs) == (Typed(2.0), Typed(1.0))
    assert open_editor(tmp_path).typed == {REVENUE: Typed(1.0), LEADS: Typed(3.0)}, "everything else is written"
    assert other.resolve(REVENUE, "mine").status == "saved"
    assert open_editor(tmp_path).read(REVENUE) == Typed(2.0)


def test_taking_the_others_value_writes_nothing(editor, tmp_path):
    other = open_editor(tmp_path)
    editor.change({REVENUE: Typed(1.0)})
    editor.save()
    other.change({REVENUE: Typed(2.0)})
    other.save()
    assert other.resolve(REVENUE, "theirs").status == "unchanged"
    assert other.read(REVENUE) == Typed(1.0) and not other.conflicts


def test_setting_a_cell_alike_in_two_windows_is_no_conflict(editor, tmp_path):
    other = open_editor(tmp_path)
    for window in (editor, other):
        window.change({REVENUE: Typed(1.0)})
        assert window.save().status in ("saved", "unchanged")
    assert not other.conflicts


def test_undoing_leaves_what_somebody_else_has_set_since(editor, tmp_path):
    editor.change({REVENUE: Typed(1.0), LEADS: Typed(2.0)})
    editor.save()
    other = open_editor(tmp_path)
    other.change({LEADS: Typed(9.0)})
    other.save()
    editor.refresh()
    editor.undo()
    assert editor.typed == {LEADS: Typed(9.0)}


def test_a_damaged_file_is_never_written_over_and_what_was_typed_is_saved_once_it_is_mended(editor, tmp_path):
    path = tmp_path / "answers" / "goals.toml"
    path.parent.mkdir()
    path.write_text("[[goal]\n", encoding="utf-8")
    editor.change({REVENUE: Typed(1.0)})
    saved = editor.save()
    assert saved.status == "failed" and "row 1" in saved.message and editor.is_dirty
    assert path.read_text(encoding="utf-8") == "[[goal]\n"
    path.write_text("", encoding="utf-8")
    assert editor.save().status == "saved" and editor.problem == ""
    assert open_editor(tmp_path).typed == {REVENUE: Typed(1.0)}


def test_rows_that_are_not_understood_and_comments_stay_in_the_file(tmp_path):
    path = tmp_path / "answers" / "goals.toml"
    path.parent.mkdir()
    path.write_text(
        '# By hand\n[[goal]]\nkpi = "leads"\ngrain = "fortnight"\nperiod_start = 2026-10-01\n\n[plan]\na = 1\n'
    )
    editor = open_editor(tmp_path)
    editor.change({REVENUE: Typed(1.0)})
    editor.save()
    assert path.read_text(encoding="utf-8").startswith("# By hand")
    assert read_file(tmp_path)["goal"][0]["grain"] == "fortnight"
    assert read_file(tmp_path)["plan"] == {"a": 1}


def test_a_removed_file_is_written_again_with_what_was_known(editor, tmp_path):
    editor.change({REVENUE: Typed(1.0)})
    editor.save()
    (tmp_path / "answers" / "goals.toml").unlink()
    assert not editor.refresh()
    editor.change({LEADS: Typed(2.0)})
    editor.save()
    assert open_editor(tmp_path).typed == {REVENUE: Typed(1.0), LEADS: Typed(2.0)}


def test_a_lock_goes_back_to_what_the_cell_was_before(editor):
    editor.change({REVENUE: Typed(1.0)})
    editor.change({REVENUE: Typed(1.0, is_locked=True), LEADS: Typed(4.0, is_locked=True)}, "locking")
    assert editor.find_before_lock(REVENUE) == Typed(1.0)
    assert editor.find_before_lock(LEADS) == Typed(), "it was free"
    editor.change({LEADS: Typed(5.0, is_locked=True)})
    assert editor.find_before_lock(LEADS) == Typed(), "free before it was locked"


def test_a_lock_of_an_earlier_session_becomes_a_goal(editor, tmp_path):
    editor.change({LEADS: Typed(4.0, is_locked=True)})
    editor.save()
    assert open_editor(tmp_path).find_before_lock(LEADS) == Typed(4.0)


def test_an_earlier_version_is_brought_back_as_a_step_that_can_be_undone(editor, tmp_path):
    editor.change({REVENUE: Typed(1.0)})
    editor.save()
    editor.change({REVENUE: Typed(2.0), LEADS: Typed(3.0)})
    editor.save()
    (version,) = editor.list_versions()
    assert version.n_changed == 2
    editor.change(list_replaced(editor.typed, editor.read_version(version.number)), "bringing a version back")
    assert editor.typed == {REVENUE: Typed(1.0)}
    editor.undo()
    assert editor.typed == {REVENUE: Typed(2.0), LEADS: Typed(3.0)}


def test_replacing_everything_frees_what_is_not_named_except_what_is_kept(editor):
    editor.change({REVENUE: Typed(1.0), LEADS: Typed(2.0)})
    editor.change(list_replaced(editor.typed, {WEB: Typed(3.0)}, may_change=lambda cell: cell != LEADS), "opening")
    assert editor.typed == {LEADS: Typed(2.0), WEB: Typed(3.0)}


def test_a_text_without_end_is_cut(editor):
    editor.change({LEADS: Typed(text="x" * 10_000)})
    assert len(editor.read(LEADS).text) == 200


def test_undoing_brings_back_the_order_in_which_goals_were_set_and_redoing_the_other(editor, tmp_path):
    editor.change({REVENUE: Typed(1.0)})
    editor.change({LEADS: Typed(2.0)})
    editor.change({WEB: Typed(3.0)})
    editor.save()
    editor.change({REVENUE: Typed(4.0)})
    editor.save()
    assert list(open_editor(tmp_path).typed) == [LEADS, WEB, REVENUE]
    editor.undo()
    assert list(editor.typed) == [REVENUE, LEADS, WEB]
    editor.save()
    assert list(open_editor(tmp_path).typed) == list(editor.typed) == [REVENUE, LEADS, WEB]
    editor.redo()
    editor.save()
    assert list(open_editor(tmp_path).typed) == [LEADS, WEB, REVENUE]


def test_undoing_keeps_what_another_window_set_meanwhile(editor, tmp_path):
    editor.change({REVENUE: Typed(1.0), LEADS: Typed(2.0)})
    editor.save()
    editor.change({REVENUE: Typed(4.0)})
    editor.save()
    other = open_editor(tmp_path)
    other.change({WEB: Typed(3.0)})
    other.save()
    editor.undo()
    editor.save()
    assert open_editor(tmp_path).typed == {REVENUE: Typed(1.0), LEADS: Typed(2.0), WEB: Typed(3.0)}
    assert list(open_editor(tmp_path).typed) == [REVENUE, LEADS, WEB]
