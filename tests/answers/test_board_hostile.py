"""The board's files as a hand, a crash or another program may leave them; and any order of steps, taken back."""

import tomllib
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.answers.board import read_board
from helpers.answers.board_editing import BoardEditor
from helpers.answers.board_records import RECORDS
from helpers.answers.files import ABSENT, write_topic
from helpers.errors import AnswersError

ODD = {
    "text": "x", "empty": "", "number": 7, "minus": -1, "huge": 10**30, "yes": True, "day": date(2026, 1, 1),
    "moment": datetime(2026, 1, 1, 9), "list": [1, [2]], "mixed": ["a", {"text": "b", "x": 1}, 3],
    "table": {"a": {"b": 1}}, "control": "a\u0007b",
}  # fmt: skip
WHOLE = {"text": "Leads wait", "cause": "ana-1"}


def read(folder):
    return tomllib.loads((folder / "answers" / "board" / "ana.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", sorted(RECORDS))
def test_no_value_of_any_key_breaks_reading_and_none_is_lost_by_writing(tmp_path, kind):
    needed = {key: value for key, value in WHOLE.items() if key in RECORDS[kind]}
    odd = [(key, value) for key in [*RECORDS[kind], "unheard_of"] for value in ODD.values()]
    for number, (key, value) in enumerate(odd):
        folder = tmp_path / str(number)
        row = {**needed, key: value}
        tables = {"author": "Ana", kind: row if kind == "problem" else [row]}
        write_topic(folder, "board/ana", tables, based_on=ABSENT)
        _, problems = read_board(folder)
        assert all(one["file"] == "answers/board/ana.toml" and one["cure"] for one in problems)
        editor = BoardEditor(folder, author="Ana")
        added = editor.add("cause", text="Another")
        assert editor.board.find(added) is not None
        kept = read(folder)[kind]
        held = kept if kind == "problem" else kept[0]
        if problems:
            assert held[key] == value, f"{kind}.{key} = {value!r} was lost"


@pytest.mark.parametrize("kind", [kind for kind in RECORDS if kind != "problem"])
@pytest.mark.parametrize("odd", ["text", 3, [], [1], {"a": 1}], ids=["text", "number", "empty", "numbers", "table"])
def test_a_table_that_is_no_list_of_records_is_told_and_never_written_over(tmp_path, kind, odd):
    write_topic(tmp_path, "board/ana", {"author": "Ana", kind: odd}, based_on=ABSENT)
    _, problems = read_board(tmp_path)
    editor = BoardEditor(tmp_path, author="Ana")
    if isinstance(odd, list):
        editor.add("cause", text="Another")
    else:
        assert problems and editor.problem
        with pytest.raises(AnswersError, match="no list"):
            editor.add("cause", text="Another")
    held = read(tmp_path).get(kind, [])
    assert (held[: len(odd)] if isinstance(odd, list) else held) == odd


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "type", "whys", "vote", "keep", "action", "say", "problem", "remove"]),
        st.integers(0, 3),
    ),
    max_size=14,
)


def do(editor, what, number):
    """Do one step; what isn't allowed there and then is none."""
    causes = [one.id for one in editor.board.causes]
    id = causes[number % len(causes)] if causes else "none"
    acts = {
        "add": lambda: editor.add("cause", text=f"Cause {number}"),
        "type": lambda: (editor.change("cause", id, "prediction", f"P {number}"), editor.save()),
        "whys": lambda: (editor.change("cause", id, "whys", ["a"] * number or None), editor.save()),
        "vote": lambda: editor.vote(id, number),
        "keep": lambda: editor.decide(id, state=("proposed", "kept", "dropped", "kept")[number]),
        "action": lambda: editor.add("action", cause=id, kind="contain", text=f"A {number}"),
        "say": lambda: editor.comment(id, f"C {number}"),
        "problem": lambda: (editor.change("problem", "", "where.is", f"W {number}" if number else None), editor.save()),
        "remove": lambda: editor.remove("cause", id),
    }
    try:
        acts[what]()
    except AnswersError:
        return


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_order_of_steps_taken_back_leaves_the_file_as_it_was(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("undo")
    moments = iter(range(10_000))
    editor = BoardEditor(
        folder, author="Ana", clock=lambda: datetime(2026, 1, 1, tzinfo=UTC).replace(microsecond=next(moments))
    )
    editor.add("cause", text="First")
    start = read(folder)
    fresh = BoardEditor(folder, author="Ana", clock=editor.now)
    for what, number in steps:
        do(fresh, what, number)
    on_disk = BoardEditor(folder, author="Ana")
    assert on_disk.board == fresh.board, "what the window shows is what the file holds"
    while fresh.undo():
        pass
    after = read(folder)
    assert {**after, "last_number": 0} == {**start, "last_number": 0}
