"""The plan of record: what was adopted stays as it was adopted."""

from datetime import UTC, date, datetime

import pandas as pd
import pytest

from helpers.answers.files import ABSENT, ConflictError
from helpers.answers.plan_of_record import adopt_plan, list_plans, read_plan_of_record
from helpers.answers.store import read_answers
from helpers.errors import AnswersError

NOON = datetime(2026, 1, 8, 12, tzinfo=UTC)
JANUARY, APRIL = date(2026, 1, 8), date(2026, 4, 2)


def make_matrix(revenue=2.3e6):
    """The company's revenue is set, its leads follow; one source is locked, one follows; one cell has no goal."""
    rows = [
        ("revenue_won", "all", "all", revenue, "goal"),
        ("leads", "all", "all", 1575.25, "free"),
        ("leads", "source", "Web", 800.0, "locked"),
        ("leads", "source", "Event", 775.25, "free"),
        ("deals_won", "all", "all", float("nan"), "free"),
    ]
    frame = pd.DataFrame(rows, columns=["kpi", "dimension", "slice", "goal", "state"])
    return frame.assign(
        grain="quarter", period_start=pd.Timestamp("2026-01-01"), locked=frame["state"] == "locked", actual=1.0
    )


def adopt(folder, matrix=None, on=JANUARY, **options):
    return adopt_plan(folder, make_matrix() if matrix is None else matrix, author="Ana", on=on, now=NOON, **options)


def goals_of(plan):
    return {(row.kpi, row.slice): (row.goal, row.state) for row in plan.goals.itertuples()}


def test_what_was_set_and_the_companys_own_goals_are_kept(tmp_path):
    adopted = adopt(tmp_path, note="Board of 8 January")
    plan = read_plan_of_record(tmp_path)
    assert plan == adopted
    assert (plan.adopted_on, plan.author, plan.note, plan.number) == (JANUARY, "Ana", "Board of 8 January", 0)
    assert goals_of(plan) == {
        ("revenue_won", "all"): (2.3e6, "goal"),
        ("leads", "Web"): (800.0, "locked"),
        ("leads", "all"): (1575.25, "solved"),
    }
    assert plan.problems == ()


def test_without_a_plan_there_is_none(tmp_path):
    assert read_plan_of_record(tmp_path) is None
    assert list_plans(tmp_path) == []


def test_earlier_plans_stay_for_good(tmp_path):
    for quarter in range(20):
        adopt(tmp_path, make_matrix(1e6 + quarter), on=date(2016 + quarter // 4, 1 + 3 * (quarter % 4), 1))
    plans = list_plans(tmp_path)
    assert len(plans) == 20
    assert [goals_of(plan)["revenue_won", "all"][0] for plan in plans] == [1e6 + n for n in reversed(range(20))]
    assert plans[0].number == 0
    assert len({plan.number for plan in plans}) == 20
    assert {plan.author for plan in list_plans(tmp_path, hides_names=True)} == {""}


def test_two_people_do_not_adopt_past_each_other(tmp_path):
    adopt(tmp_path, based_on=ABSENT)
    with pytest.raises(ConflictError, match="another plan"):
        adopt(tmp_path, make_matrix(9.0), based_on=ABSENT)
    seen = read_plan_of_record(tmp_path)
    adopt(tmp_path, make_matrix(8.0), on=APRIL, based_on=seen.revision)
    assert [plan.adopted_on for plan in list_plans(tmp_path)] == [APRIL, JANUARY]


def test_nothing_to_adopt_is_no_plan(tmp_path):
    with pytest.raises(AnswersError, match="no cell has a goal"):
        adopt(tmp_path, make_matrix().assign(goal=float("nan")))
    with pytest.raises(AnswersError, match="who adopts it"):
        adopt_plan(tmp_path, make_matrix(), author=" ", on=JANUARY)
    assert read_plan_of_record(tmp_path) is None


def test_a_damaged_plan_is_told_and_never_overwritten(tmp_path):
    adopt(tmp_path)
    path = tmp_path / "answers/plan_of_record.toml"
    path.write_text(path.read_text() + "[[goal]\n", encoding="utf-8")
    broken = path.read_bytes()
    plan = read_plan_of_record(tmp_path)
    assert plan.is_damaged
    assert plan.goals.empty
    assert plan.problems[0]["row"] == broken.count(b"\n")
    with pytest.raises(AnswersError, match="no TOML"):
        adopt(tmp_path, make_matrix(9.0))
    assert path.read_bytes() == broken


def test_faults_of_a_hand_edited_plan_are_told_with_line_and_cure(tmp_path):
    path = tmp_path / "answers/plan_of_record.toml"
    path.parent.mkdir()
    path.write_text(
        "[plan]\nadopted_on = 'January'\nautor = 'Ana'\n"
        "[[goal]]\nkpi = 'leads'\nperiod_start = 2026-01-01\ngoal = 5\n"
        "[[solved]]\nkpi = 'sqls'\nperiod_start = 2026-01-01\ngoal = 'many'\n"
        "[[solved]]\nkpi = 'leads'\nperiod_start = 2026-01-01\ngoal = 6\n",
        encoding="utf-8",
    )
    plan = read_plan_of_record(tmp_path)
    assert goals_of(plan) == {("leads", "all"): (5.0, "goal")}
    assert {(one["row"], one["message"]) for one in plan.problems} == {
        (2, "adopted_on is no day."),
        (3, "this key is unknown."),
        (11, "goal is no number."),
    }


def test_the_plan_and_what_is_wrong_with_it_are_among_the_companys_answers(tmp_path):
    adopt(tmp_path)
    path = tmp_path / "answers/plan_of_record.toml"
    path.write_text(path.read_text().replace("goal = 800", "goal = 'many'"), encoding="utf-8")
    damaged = tmp_path / "answers/goal_scenarios/base.toml"
    damaged.parent.mkdir()
    damaged.write_text("[[goal]", encoding="utf-8")
    answers = read_answers(tmp_path)
    assert answers.plan.author == "Ana"
    assert {problem["file"] for problem in answers.problems} == {
        "answers/plan_of_record.toml",
        "answers/goal_scenarios/base.toml",
    }
    assert read_answers(tmp_path, people="hidden").plan.author == ""
