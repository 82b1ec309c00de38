"""Scenarios: goals under a name, written whole, never over somebody else's, and never lost."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from helpers.answers.files import ConflictError
from helpers.answers.goal_scenarios import (
    delete_scenario,
    find_scenario,
    list_deleted_scenarios,
    list_scenarios,
    read_scenario,
    read_scenarios,
    rename_scenario,
    restore_scenario,
    save_scenario,
)
from helpers.answers.goals import build_goals
from helpers.errors import AnswersError
from tests.answers.hostile_texts import KEPT_TEXTS

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)


def make_goals(*goals, locked=()):
    """One revenue goal per quarter of 2027."""
    return build_goals(
        [
            {"kpi": "revenue_won", "grain": "quarter", "period_start": f"2027-{1 + 3 * i:02d}-01", "goal": goal,
             "locked": i in locked}
            for i, goal in enumerate(goals)
        ]
    )  # fmt: skip


def goals_of(folder, name):
    goals, problems = read_scenario(folder, name)
    assert problems == []
    return goals["goal"].tolist()


def test_a_scenario_reads_back_as_it_was_saved(tmp_path):
    wanted = make_goals(2_000_000, 2.5e6, 1_234_567.89, locked={1})
    saved = save_scenario(tmp_path, "Fewer, larger deals", wanted, author="Ana Okafor", note="Up-market", now=NOON)
    goals, problems = read_scenario(tmp_path, "Fewer, larger deals")
    assert problems == []
    pd.testing.assert_frame_equal(goals, wanted)
    assert list_scenarios(tmp_path) == [saved]
    assert (saved.author, saved.note, saved.n_goals, saved.saved_at) == ("Ana Okafor", "Up-market", 3, NOON)


def test_of_a_solved_matrix_only_what_people_set_is_kept(tmp_path):
    matrix = make_goals(1.0, 2.0, 3.0, float("nan"), locked={3}).assign(state=["goal", "free", "free", "locked"])
    save_scenario(tmp_path, "Base", matrix, now=NOON)
    goals, _ = read_scenario(tmp_path, "Base")
    assert goals["period_start"].dt.month.tolist() == [1, 10]
    assert goals["locked"].tolist() == [False, True]
    assert goals["goal"].isna().tolist() == [False, True]


def test_a_second_scenario_of_a_name_is_refused_until_somebody_replaces_it(tmp_path):
    save_scenario(tmp_path, "Base", make_goals(1), now=NOON)
    with pytest.raises(ConflictError, match="there is a scenario 'Base' already"):
        save_scenario(tmp_path, "BASE", make_goals(2), now=NOON)
    assert goals_of(tmp_path, "Base") == [1]
    save_scenario(tmp_path, "Base", make_goals(2), based_on=None, now=NOON)
    assert goals_of(tmp_path, "Base") == [2]


def test_two_windows_never_overwrite_each_other_silently(tmp_path):
    first = save_scenario(tmp_path, "Base", make_goals(1), note="kept", now=NOON)
    save_scenario(tmp_path, "Base", make_goals(2), based_on=first.revision, now=NOON)
    with pytest.raises(ConflictError, match="in the meantime") as conflict:
        save_scenario(tmp_path, "Base", make_goals(3), based_on=first.revision, now=NOON)
    assert conflict.value.theirs["goal"][0]["goal"] == 2
    assert conflict.value.mine["goal"][0]["goal"] == 3
    assert goals_of(tmp_path, "Base") == [2]
    assert find_scenario(tmp_path, "base").note == "kept"


def test_a_renamed_scenario_keeps_its_goals_and_leaves_nothing_behind(tmp_path):
    save_scenario(tmp_path, "Base", make_goals(1), note="the plan", now=NOON)
    save_scenario(tmp_path, "Base", make_goals(2), based_on=None, now=NOON)
    renamed = rename_scenario(tmp_path, "Base", "Cautious", now=NOON)
    assert [one.name for one in list_scenarios(tmp_path)] == ["Cautious"] == [renamed.name]
    assert (goals_of(tmp_path, "Cautious"), renamed.note) == ([2], "the plan")
    assert list_deleted_scenarios(tmp_path) == []
    assert len(list((tmp_path / "answers/.versions/goal_scenarios/cautious").glob("*.toml"))) == 1


def test_only_the_capitals_of_a_name_can_be_changed(tmp_path):
    save_scenario(tmp_path, "base", make_goals(1), now=NOON)
    assert rename_scenario(tmp_path, "base", "BASE").name == "BASE"
    assert goals_of(tmp_path, "BASE") == [1]


def test_a_scenario_is_not_renamed_over_another(tmp_path):
    save_scenario(tmp_path, "Base", make_goals(1), now=NOON)
    save_scenario(tmp_path, "Bold", make_goals(2), now=NOON)
    with pytest.raises(ConflictError, match="already"):
        rename_scenario(tmp_path, "Base", "bold")
    assert (goals_of(tmp_path, "Base"), goals_of(tmp_path, "Bold")) == ([1], [2])


def test_a_deleted_scenario_can_be_brought_back(tmp_path):
    saved = save_scenario(tmp_path, "Base", make_goals(1), author="Ana", now=NOON)
    delete_scenario(tmp_path, "Base", now=NOON)
    assert list_scenarios(tmp_path) == []
    assert [one.name for one in list_deleted_scenarios(tmp_path)] == ["Base"]
    assert restore_scenario(tmp_path, "Base", now=NOON) == saved
    assert list_deleted_scenarios(tmp_path) == []
    with pytest.raises(ConflictError):
        restore_scenario(tmp_path, "Base")


def test_what_is_not_there_is_named_with_what_is(tmp_path):
    save_scenario(tmp_path, "Cautious", make_goals(1), now=NOON)
    for act in (read_scenario, delete_scenario, lambda folder, name: rename_scenario(folder, name, "x")):
        with pytest.raises(AnswersError, match=r"no scenario 'Cautios'. There is: Cautious. Did you mean 'Cautious'"):
            act(tmp_path, "Cautios")
    with pytest.raises(AnswersError, match="was deleted"):
        restore_scenario(tmp_path, "Cautious2")


def test_a_damaged_scenario_leaves_the_others_as_they_are(tmp_path):
    save_scenario(tmp_path, "Base", make_goals(1), now=NOON)
    save_scenario(tmp_path, "Bold", make_goals(2), now=NOON)
    path = tmp_path / "answers/goal_scenarios/bold.toml"
    path.write_text(path.read_text() + "\n[[goal]\n", encoding="utf-8")
    listed = {one.name: one for one in list_scenarios(tmp_path)}
    assert set(listed) == {"Base", "bold"}
    assert listed["bold"].is_damaged
    assert listed["bold"].problems[0]["row"] == len(path.read_text().splitlines())
    goals, problems = read_scenario(tmp_path, "bold")
    assert goals.empty
    assert "Mend that line" in problems[0]["cure"]
    assert goals_of(tmp_path, "Base") == [1]
    with pytest.raises(AnswersError, match="no TOML"):
        save_scenario(tmp_path, "Bold", make_goals(3), now=NOON)
    save_scenario(tmp_path, "Bold", make_goals(3), based_on=None, now=NOON)
    assert goals_of(tmp_path, "Bold") == [3]


def test_faults_of_a_hand_edited_scenario_are_told_with_line_and_cure(tmp_path):
    path = tmp_path / "answers/goal_scenarios/bold.toml"
    path.parent.mkdir(parents=True)
    path.write_text(
        "# what the board asked for\n"
        "[scenario]\nname = 'Base'\nautor = 'Ana'\nsaved_at = 'yesterday'\nnote = 3\n"
        "[[goal]]\nkpi = 'revenue_won'\nperiod_start = 2027-01-01\ngoal = 5\n"
        "[[goal]]\nkpi = 'revenue_won'\nperiod_start = 2027-04-01\ngoal = 'six'\n",
        encoding="utf-8",
    )
    (scenario,) = list_scenarios(tmp_path)
    assert (scenario.name, scenario.n_goals, scenario.saved_at) == ("bold", 1, None)
    told = {problem["column"]: (problem["row"], problem["message"]) for problem in scenario.problems}
    assert told == {
        "goal": (14, "goal is no number."),
        "autor": (4, "this key is unknown."),
        "note": (6, "note is no text."),
        "saved_at": (5, "saved_at is no moment."),
        "name": (3, "the file is not called after 'Base'."),
    }
    assert "Did you mean 'author'" in next(p["cure"] for p in scenario.problems if p["column"] == "autor")
    goals, _ = read_scenario(tmp_path, "bold")
    assert goals["goal"].tolist() == [5]


def test_a_file_with_a_name_that_none_can_have_is_told_and_no_more(tmp_path):
    save_scenario(tmp_path, "Base", make_goals(1), now=NOON)
    (tmp_path / "answers/goal_scenarios/My Plan (2).toml").write_text("", encoding="utf-8")
    listed = {one.name: one for one in list_scenarios(tmp_path)}
    assert listed["My Plan (2)"].is_damaged
    assert "Rename the file to" in listed["My Plan (2)"].problems[0]["cure"]
    assert goals_of(tmp_path, "Base") == [1]
    with pytest.raises(AnswersError, match="Rename the file"):
        delete_scenario(tmp_path, "My Plan (2)")


@pytest.mark.parametrize("name", KEPT_TEXTS.values(), ids=KEPT_TEXTS)
def test_no_name_becomes_a_path_or_is_lost(tmp_path, name):
    folder = tmp_path / "company"
    try:
        saved = save_scenario(folder, name, make_goals(1), author=name, note=name[:1_000], now=NOON)
    except AnswersError as error:
        assert str(error).startswith(("[scenario", "[answers/goal_scenarios/"))
        written = []
    else:
        assert saved.name == " ".join(name.split())
        assert goals_of(folder, saved.name) == [1]
        written = [f"answers/{saved.topic}.toml"]
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*.toml")]
    assert found == written
    assert [path.name for path in tmp_path.iterdir()] in ([], ["company"])


def test_comments_of_a_hand_edited_scenario_survive(tmp_path):
    saved = save_scenario(tmp_path, "Base", make_goals(1), now=NOON)
    path = tmp_path / "answers/goal_scenarios/base.toml"
    path.write_text("# what the board asked for\n" + path.read_text(), encoding="utf-8")
    base = find_scenario(tmp_path, "Base")
    assert base.revision != saved.revision
    save_scenario(tmp_path, "Base", make_goals(1, 2), based_on=base.revision, now=NOON)
    assert path.read_text().startswith("# what the board asked for")
    assert goals_of(tmp_path, "Base") == [1, 2]


def test_the_scenarios_saved_last_are_read_at_once(tmp_path):
    for hour, name in enumerate(["Bold", "Base", "Cautious", "Damaged"]):
        save_scenario(tmp_path, name, make_goals(hour + 1), now=NOON.replace(hour=hour))
    (tmp_path / "answers/goal_scenarios/damaged.toml").write_text("[[goal]", encoding="utf-8")
    found = read_scenarios(tmp_path, most=2)
    assert {name: goals["goal"].tolist() for name, goals in found.items()} == {"Base": [2], "Cautious": [3]}
