"""Editing the board: two people and two windows at once, undo, dots, and records that nobody understands."""

import tomllib
from datetime import UTC, date, datetime, timedelta

import pytest

from helpers.answers.board import read_board
from helpers.answers.board_editing import BoardEditor
from helpers.answers.board_files import keep_check
from helpers.errors import AnswersError
from helpers.model.board_action import EffectCheck


class Clock:
    def __init__(self):
        self.now = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)

    def __call__(self):
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
def clock():
    return Clock()


def read(folder, stem):
    return tomllib.loads((folder / "answers" / "board" / f"{stem}.toml").read_text(encoding="utf-8"))


def texts(editor):
    return [one.cause.text for one in editor.board.causes]


def test_two_people_write_at_once_and_each_sees_the_other_after_a_look(tmp_path, clock):
    ana, ben = (BoardEditor(tmp_path, author=name, clock=clock) for name in ("Ana", "Ben"))
    first = ana.add("cause", text="Leads wait", m="method")
    second = ben.add("cause", text="No rule by region", m="machinery")
    assert (first, second) == ("ana-1", "ben-1")
    assert ben.refresh().status == "unchanged", "what was there before Ben wrote he has seen while writing"
    ben.vote(first, 2)
    ben.comment(first, "Seen in May")
    assert ana.refresh().changed == ("board",)
    found = ana.board.find(first)
    assert (found.dots, [one.text for one in found.comments]) == (2, ["Seen in May"])
    assert read(tmp_path, "ana")["cause"][0]["text"] == "Leads wait"
    assert read(tmp_path, "ben")["vote"] == [{"cause": "ana-1", "dots": 2}]


def test_what_is_typed_is_kept_while_others_changes_come_in(tmp_path, clock):
    ana, ben = (BoardEditor(tmp_path, author=name, clock=clock) for name in ("Ana", "Ben"))
    id = ana.add("cause", text="Leads wait")
    ana.change("cause", id, "prediction", "Fast ones conv")
    ben.add("cause", text="Other")
    ana.refresh()
    assert ana.board.find(id).cause.prediction == "Fast ones conv" and texts(ana) == ["Leads wait", "Other"]
    assert "prediction" not in read(tmp_path, "ana")["cause"][0]
    assert ana.save().status == "saved"
    assert read(tmp_path, "ana")["cause"][0]["prediction"] == "Fast ones conv"


def test_two_windows_of_one_person_merge_by_field_and_ask_about_one_changed_twice(tmp_path, clock):
    here = BoardEditor(tmp_path, author="Ana", clock=clock)
    id = here.add("cause", text="Leads wait")
    there = BoardEditor(tmp_path, author="Ana", clock=clock)
    here.change("cause", id, "text", "Leads wait two days")
    there.change("cause", id, "text", "Leads wait a week")
    there.change("cause", id, "confidence", 0.4)
    assert here.save().status == "saved"
    assert there.save().status == "conflict"
    row = read(tmp_path, "ana")["cause"][0]
    assert (row["text"], row["confidence"]) == ("Leads wait two days", 0.4)
    assert there.conflicts["cause", id, "text"].theirs == "Leads wait two days"
    there.resolve(("cause", id, "text"), "mine")
    assert there.save().status == "saved" and read(tmp_path, "ana")["cause"][0]["text"] == "Leads wait a week"


def test_theirs_stays_where_that_was_chosen(tmp_path, clock):
    here = BoardEditor(tmp_path, author="Ana", clock=clock)
    id = here.add("cause", text="A")
    there = BoardEditor(tmp_path, author="Ana", clock=clock)
    here.change("cause", id, "text", "B")
    there.change("cause", id, "text", "C")
    here.save(), there.save()
    there.resolve(("cause", id, "text"), "theirs")
    assert not there.is_dirty and texts(there) == ["B"]


def test_two_windows_that_add_at_once_never_give_one_id_twice(tmp_path, clock):
    here, there = (BoardEditor(tmp_path, author="Ana", clock=clock) for _ in range(2))
    ids = [here.add("cause", text="A"), there.add("cause", text="B"), here.add("cause", text="C")]
    assert len(set(ids)) == 3 and [row["id"] for row in read(tmp_path, "ana")["cause"]] == ids


def test_the_id_of_a_removed_cause_is_not_given_again(tmp_path, clock):
    ana = BoardEditor(tmp_path, author="Ana", clock=clock)
    first = ana.add("cause", text="A")
    ana.remove("cause", first)
    assert BoardEditor(tmp_path, author="Ana", clock=clock).add("cause", text="B") != first


def test_a_record_that_is_not_understood_stays_in_the_file_as_it_is(tmp_path, clock):
    path = tmp_path / "answers" / "board" / "ana.toml"
    path.parent.mkdir(parents=True)
    path.write_text(
        'author = "Ana"\ncolour = "red"\n[[cause]]\ntext = "A"\nm = "metod"\n[[cause]]\ntext = "B"\n'
        '[[vote]]\ncause = "ana-2"\ndots = 9\n',
        encoding="utf-8",
    )
    ana = BoardEditor(tmp_path, author="Ana", clock=clock)
    assert [(one.id, one.cause.text) for one in ana.board.causes] == [("ana-2", "B")]
    ana.change("cause", "ana-2", "text", "Better")
    ana.save()
    ana.add("cause", text="C")
    held = read(tmp_path, "ana")
    assert held["colour"] == "red" and held["vote"] == [{"cause": "ana-2", "dots": 9}]
    assert {key: held["cause"][0][key] for key in ("text", "m")} == {"text": "A", "m": "metod"}
    assert [row["text"] for row in held["cause"]] == ["A", "Better", "C"]
    assert {one["column"] for one in read_board(tmp_path)[1]} == {"colour", "m", "dots"}


def test_containment_of_an_older_file_becomes_an_action_when_the_file_is_written(tmp_path, clock):
    path = tmp_path / "answers" / "board" / "ana.toml"
    path.parent.mkdir(parents=True)
    path.write_text('[[cause]]\ntext = "A"\ncontainment = "Call"\nowner = "Bob"\ndue = 2026-12-01\n', encoding="utf-8")
    ana = BoardEditor(tmp_path, author="Ana", clock=clock)
    before = ana.board.causes[0].actions
    ana.change("action", "ana-1-contain", "text", "Call them today")
    assert ana.save().status == "saved"
    (action,) = read_board(tmp_path)[0].actions
    assert (action.text, action.owner, action.due, action.id) == (
        "Call them today", "Bob", date(2026, 12, 1), before[0].id
    )  # fmt: skip
    assert read(tmp_path, "ana")["cause"] == [{"id": "ana-1", "text": "A"}]


def test_nobody_has_more_than_three_dots(tmp_path, clock):
    ana = BoardEditor(tmp_path, author="Ana", clock=clock)
    first, second = ana.add("cause", text="A"), ana.add("cause", text="B")
    ana.vote(first, 2)
    ana.vote(second, 1)
    with pytest.raises(AnswersError, match="3 dots, and 2 of yours"):
        ana.vote(second, 2)
    ana.decide(first, state="dropped")
    ana.vote(second, 3)
    assert ana.board.find(second).dots == 3
    ana.vote(second, 0)
    assert ana.board.find(second).dots == 0


def test_anybody_notes_what_the_group_decides_and_the_last_word_holds(tmp_path, clock):
    ana, ben = (BoardEditor(tmp_path, author=name, clock=clock) for name in ("Ana", "Ben"))
    id = ana.add("cause", text="A")
    ben.refresh()
    ben.decide(id, state="kept")
    ana.refresh()
    ana.decide(id, verdict="confirmed")
    held = ana.board.find(id)
    assert (held.cause.state, held.cause.verdict, held.decided_by) == ("kept", "confirmed", "")
    ben.refresh()
    ben.decide(id, state="dropped")
    assert (ben.board.find(id).cause.state, ben.board.find(id).decided_by) == ("dropped", "Ben")
    assert read(tmp_path, "ana")["cause"][0]["state"] == "kept", "nobody writes into another's file"


def test_steps_are_taken_back_one_by_one(tmp_path, clock):
    ana = BoardEditor(tmp_path, author="Ana", clock=clock)
    id = ana.add("cause", text="A")
    for typed in ("Le", "Leads", "Leads wait"):
        ana.change("cause", id, "text", typed)
        ana.save()
    ana.vote(id, 1)
    ana.decide(id, state="kept")
    ana.change("problem", "", "where.is", "US")
    ana.save()
    assert ana.undo() and ana.read("problem", "", "where.is") is None
    assert ana.undo() and ana.board.find(id).cause.state == "proposed"
    assert ana.undo() and ana.board.find(id).dots == 0
    assert ana.undo() and texts(ana) == ["A"], "what was typed in one field is one step"
    assert ana.undo() and texts(ana) == []
    assert ana.undo() == ""


def test_undo_brings_a_removed_cause_back_with_what_was_about_it(tmp_path, clock):
    ana = BoardEditor(tmp_path, author="Ana", clock=clock)
    id = ana.add("cause", text="A")
    ana.vote(id, 1)
    ana.add("action", cause=id, kind="contain", text="Call")
    before = {key: value for key, value in read(tmp_path, "ana").items()}
    ana.remove("cause", id)
    assert ana.board.is_empty
    ana.undo()
    assert read(tmp_path, "ana") == before


def test_undo_leaves_what_another_window_changed_since(tmp_path, clock):
    here = BoardEditor(tmp_path, author="Ana", clock=clock)
    id = here.add("cause", text="A")
    here.change("cause", id, "text", "B")
    here.save()
    there = BoardEditor(tmp_path, author="Ana", clock=clock)
    there.change("cause", id, "text", "C")
    there.save()
    with pytest.raises(AnswersError, match="Another window"):
        here.undo()
    assert texts(here) == ["C"]


def test_a_cause_to_which_others_spoke_is_dropped_not_removed(tmp_path, clock):
    ana, ben = (BoardEditor(tmp_path, author=name, clock=clock) for name in ("Ana", "Ben"))
    id = ana.add("cause", text="A")
    ben.comment(id, "Yes") if ben.refresh() else None
    ana.refresh()
    with pytest.raises(AnswersError, match="Ben voted, commented or planned"):
        ana.remove("cause", id)
    with pytest.raises(AnswersError, match="Only its author"):
        ben.remove("cause", id)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [("text", " ", "needs its sentence"), ("confidence", 60, "0.6"), ("m", "management", "unknown"),
     ("contribution", -5, "between"), ("whys", ["a"] * 6, "At most 5")],
)  # fmt: skip
def test_what_is_not_allowed_is_not_taken(tmp_path, clock, key, value, said):
    ana = BoardEditor(tmp_path, author="Ana", clock=clock)
    id = ana.add("cause", text="A")
    with pytest.raises(AnswersError, match=said):
        ana.change("cause", id, key, value)
    assert not ana.is_dirty


def test_a_damaged_file_is_never_written_over(tmp_path, clock):
    path = tmp_path / "answers" / "board" / "ana.toml"
    path.parent.mkdir(parents=True)
    path.write_text("[[cause]\ntext = ", encoding="utf-8")
    ana = BoardEditor(tmp_path, author="Ana", clock=clock)
    assert "row 1" in ana.problem
    with pytest.raises(AnswersError, match="no TOML"):
        ana.add("cause", text="A")
    assert path.read_text(encoding="utf-8") == "[[cause]\ntext = "
    path.unlink()
    ana.refresh()
    assert ana.problem == "" and ana.add("cause", text="A") == "ana-1"


def test_a_file_of_somebody_of_the_same_file_name_stays_theirs(tmp_path, clock):
    BoardEditor(tmp_path, author="Ana Lee", clock=clock).add("cause", text="A")
    other = BoardEditor(tmp_path, author="Ana-Lee", clock=clock)
    assert "belongs to Ana Lee" in other.problem
    with pytest.raises(AnswersError, match="belongs to Ana Lee"):
        other.add("cause", text="B")


def test_a_check_of_an_effect_is_kept_once_a_day_with_the_action(tmp_path, clock):
    ana = BoardEditor(tmp_path, author="Ana", clock=clock)
    id = ana.add("action", cause=ana.add("cause", text="A"), kind="prevent", text="Route", due=date(2026, 12, 1))
    for day, value in ((15, 0.2), (15, 0.21), (10, 0.19)):
        keep_check(tmp_path, ana.board, id, EffectCheck(date(2027, 1, day), value, 140, "failed", day == 15))
    ana.refresh()
    assert [(one.day.day, one.value) for one in ana.board.actions[0].checks] == [(10, 0.19), (15, 0.21)]
    assert ana.board.causes[0].is_reopened


def test_whoever_has_no_name_writes_nothing(tmp_path, clock):
    nobody = BoardEditor(tmp_path, author=" ", clock=clock)
    with pytest.raises(AnswersError, match="empty"):
        nobody.add("cause", text="A")
    assert not (tmp_path / "answers").exists()
