"""Goals, the discovery matrix and the board: read with their problems, written whole."""

from datetime import date

import pandas as pd
import pytest

from helpers.answers.board import read_board
from helpers.answers.discovery import (
    Activation,
    CopyDecision,
    DiscoveryAnswers,
    Judgement,
    read_discovery,
    write_discovery,
)
from helpers.answers.files import ABSENT, read_topic
from helpers.answers.goals import GOAL_COLUMNS, build_goals, read_goals, write_goals
from helpers.errors import AnswersError


def put(folder, name, text):
    path = folder / "answers" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_goals_have_the_columns_of_the_goal_matrix_also_when_there_are_none(tmp_path):
    goals, problems = read_goals(tmp_path)
    assert list(goals.columns) == list(GOAL_COLUMNS) and goals.empty and problems == []


def test_a_goal_without_slice_is_the_company_s(tmp_path):
    put(tmp_path, "goals.toml", '[[goal]]\nkpi = "revenue_won"\nperiod_start = 2026-07-01\ngoal = 2_200_000\n')
    row = read_goals(tmp_path)[0].iloc[0]
    assert (row["grain"], row["dimension"], row["slice"], row["goal"]) == ("quarter", "all", "all", 2_200_000)
    assert row["period_start"] == pd.Timestamp(2026, 7, 1) and not row["locked"]


@pytest.mark.parametrize(
    ("line", "row", "told"),
    [
        ("goal = '2 M'", 4, "no number"),
        ("grain = 'quater'", 4, "Did you mean 'quarter'"),
        ("golas = 3", 4, "Did you mean 'goal'"),
        ("locked = 1", 4, "true or false"),
    ],
)
def test_a_wrong_goal_is_left_out_and_told_with_its_line(tmp_path, line, row, told):
    text = f'[[goal]]\nkpi = "leads"\nperiod_start = 2026-07-01\n{line}\n'
    put(tmp_path, "goals.toml", text)
    goals, problems = read_goals(tmp_path)
    assert goals.empty and problems[0]["row"] == row
    assert told in problems[0]["message"] + problems[0]["cure"]


def test_a_second_goal_for_one_cell_is_told(tmp_path):
    put(tmp_path, "goals.toml", '[[goal]]\nkpi = "leads"\nperiod_start = 2026-07-01\ngoal = 1\n' * 2)
    assert [p["row"] for p in read_goals(tmp_path)[1]] == [6]


def test_goals_written_read_back_and_keep_a_zero_apart_from_none(tmp_path):
    records = [
        {"kpi": "leads", "grain": "quarter", "period_start": date(2026, 7, 1), "goal": 0.0, "locked": True},
        {"kpi": "mqls", "grain": "month", "period_start": date(2026, 7, 1), "dimension": "region", "slice": "US"},
    ]
    goals = build_goals(records)
    write_goals(tmp_path, goals, based_on=ABSENT)
    back, problems = read_goals(tmp_path)
    assert problems == []
    pd.testing.assert_frame_equal(back, goals)


def test_decisions_of_the_matrix_read_back(tmp_path):
    decided = DiscoveryAnswers(
        (Judgement("source", "deal", light="unavailable", note="typed by hand"),),
        (CopyDecision("source", "contact", "deal"),),
        (Activation("opportunities", "source", "small", planned="Q4 2026"),),
    )
    write_discovery(tmp_path, decided, based_on=ABSENT)
    assert read_discovery(tmp_path) == (decided, [])


def test_the_judgement_that_says_most_about_a_cell_wins():
    broad = Judgement("source", light="available")
    narrow = Judgement("source", "deal", "deals_won", light="unavailable")
    whole_kpi = Judgement(kpi="leads", light="adoption_needed")
    answers = DiscoveryAnswers((narrow, broad, whole_kpi))
    assert answers.find(kpi="deals_won", dimension="source", object="deal") == narrow
    assert answers.find(kpi="leads", dimension="source", object="contact") == broad
    assert answers.find(kpi="leads") == whole_kpi
    assert answers.find(kpi="mqls") is None
    assert answers.find(kpi="leads", dimension="region", object="contact") is None


def test_an_unknown_light_is_told_with_its_line_and_never_written(tmp_path):
    put(tmp_path, "discovery.toml", '[[judgement]]\ndimension = "source"\nlight = "availabel"\n')
    answers, problems = read_discovery(tmp_path)
    assert answers.judgements == () and problems[0]["row"] == 3
    assert "Did you mean 'available'" in problems[0]["cure"]
    with pytest.raises(AnswersError, match="light 'green'"):
        write_discovery(tmp_path, DiscoveryAnswers((Judgement("source", light="green"),)), based_on=ABSENT)


def test_a_sixth_bone_is_no_bucket(tmp_path):
    put(tmp_path, "board/ana.toml", '[[cause]]\ntext = "They should lead better"\nm = "management"\n')
    board, problems = read_board(tmp_path)
    assert board.causes == () and problems[0]["row"] == 3
    assert read_topic(tmp_path, "board/ana").values["cause"]
