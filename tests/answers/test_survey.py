"""Answers are checked at the field, problems name their line, and nobody sees anything before the round is closed."""

import re

import pytest

from helpers.answers.fields import check_answer, read_number
from helpers.answers.files import ABSENT, ConflictError, read_topic
from helpers.answers.store import read_answers
from helpers.answers.survey import (
    Response,
    hide_people,
    number_people,
    read_responses,
    read_round,
    write_response,
    write_round,
)
from helpers.errors import AnswersError
from helpers.model.survey import generate_secondaries, load_survey

SURVEY = load_survey()


def save(folder, name="Ana Okafor", based_on=ABSENT, **values):
    return write_response(folder, name, values, SURVEY, team="marketing", based_on=based_on)


def put(folder, name, text):
    path = folder / "answers" / "survey" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_answers_come_back_as_given(tmp_path):
    values = {
        "active_customers": 300,
        "net_new_share": 0.7,
        "on_track": "unknown",
        "top_priorities": ["a", "b"],
        "products": [{"name": "Flow", "cycle_days": 45}],
    }
    save(tmp_path, **values)
    responses, problems = read_responses(tmp_path, SURVEY)
    assert problems == []
    assert dict(responses["ana-okafor"].values) == values
    assert responses["ana-okafor"].team == "marketing"


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("active_customers", -1, "below 0"),
        ("active_customers", "many", "no number"),
        ("net_new_share", 60, "0.6 for 60 %"),
        ("crm", "hubspt", "Did you mean 'HubSpot'"),
        ("on_track", "perhaps", "Allowed: Yes, No, Don't know"),
        ("top_priorities", ["a", "b", "c", "d"], "too many"),
        ("products", [{"name": "Flow", "pricin": 3}], "Did you mean 'pricing'"),
        ("products", [{"cycle_days": 3}], "the row has no product"),
        ("products", "Flow", "no list of rows"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_its_cure(tmp_path, field, value, told):
    with pytest.raises(AnswersError, match=told):
        save(tmp_path, **{field: value})
    assert read_topic(tmp_path, "survey/ana-okafor").revision == ABSENT


def test_an_unknown_question_is_refused(tmp_path):
    with pytest.raises(AnswersError, match="Did you mean 'employees'"):
        save(tmp_path, employes=3)


def test_a_hand_edited_value_is_left_out_and_told_with_its_line(tmp_path):
    put(tmp_path, "ana.toml", '[respondent]\nname = "Ana"\n\n[overview]\nemployees = "lots"\nfounded = 2014\n')
    responses, problems = read_responses(tmp_path, SURVEY)
    assert dict(responses["ana"].values) == {"founded": 2014}
    assert [(p["file"], p["row"], p["column"]) for p in problems] == [("answers/survey/ana.toml", 5, "employees")]
    assert problems[0]["cure"]


def test_a_bad_cell_of_a_grid_is_told_with_the_line_of_its_row(tmp_path):
    text = '[[product.products]]\nname = "Flow"\n\n[[product.products]]\nname = "Shield"\ncycle_days = "long"\n'
    put(tmp_path, "ana.toml", text)
    responses, problems = read_responses(tmp_path, SURVEY)
    assert problems[0]["row"] == 6
    assert responses["ana"].values["products"] == [{"name": "Flow"}, {"name": "Shield"}]


def test_a_damaged_file_leaves_its_author_out_and_stays_as_it_is(tmp_path):
    path = put(tmp_path, "ana.toml", "[overview\n")
    save(tmp_path, name="Ben", employees=3)
    answers = read_answers(tmp_path)
    assert list(answers.survey) == ["ben"]
    assert answers.problems[0]["severity"] == "error" and answers.problems[0]["row"] == 1
    assert path.read_text(encoding="utf-8") == "[overview\n"


def test_the_round_is_open_until_somebody_closes_it(tmp_path):
    save(tmp_path, employees=3)
    assert not read_answers(tmp_path).round.is_closed
    assert read_answers(tmp_path).visible_survey == {}
    write_round(tmp_path, is_closed=True, based_on=ABSENT)
    assert list(read_answers(tmp_path).visible_survey) == ["ana-okafor"]


@pytest.mark.parametrize("text", ["closed = 'yes'\n", "closed =\n", ""])
def test_a_round_that_cannot_be_read_counts_as_open(tmp_path, text):
    put(tmp_path, "round.toml", text)
    assert not read_round(tmp_path)[0].is_closed


def test_problems_of_an_open_round_tell_no_answers(tmp_path):
    put(tmp_path, "ana.toml", '[overview]\nemployees = "secret"\n')
    assert [p["value"] for p in read_answers(tmp_path).problems] == [""]


def test_two_people_of_one_file_name_do_not_overwrite_each_other(tmp_path):
    put(tmp_path, "ana-okafor.toml", '[respondent]\nname = "Ana-Okafor"\n')
    with pytest.raises(AnswersError, match="belongs to"):
        save(tmp_path, employees=3)


def test_two_windows_of_one_person_meet_in_a_conflict(tmp_path):
    save(tmp_path, employees=3)
    with pytest.raises(ConflictError):
        save(tmp_path, employees=4)


def test_hidden_people_keep_their_pseudonym_when_others_join(tmp_path):
    save(tmp_path, employees=3)
    before = hide_people(read_responses(tmp_path, SURVEY)[0])
    save(tmp_path, name="Aaron", employees=4)
    after = hide_people(read_responses(tmp_path, SURVEY)[0])
    assert set(before) < set(after)
    assert not any("Ana" in response.name or response.role for response in after.values())


def test_pseudonyms_are_three_digits_that_no_two_people_share():
    crowd = {f"p{i}": Response(f"p{i}", f"Person {i}") for i in range(120)}
    hidden = hide_people(crowd)
    assert len(hidden) == len(crowd)
    assert all(re.fullmatch(r"Respondent [1-9][0-9]{2}", one.name) for one in hidden.values())
    backwards = hide_people(dict(reversed(list(crowd.items()))))
    assert {one.name for one in backwards.values()} == {one.name for one in hidden.values()}
    assert number_people(crowd) == number_people(dict(reversed(list(crowd.items()))))


def test_a_round_that_hides_names_hides_them_from_whoever_reads_the_answers(tmp_path):
    save(tmp_path, employees=3)
    write_round(tmp_path, is_closed=True, based_on=ABSENT, hides_names=True)
    (one,) = read_answers(tmp_path).visible_survey.values()
    assert "Ana" not in f"{one.name} {one.id} {one.file}" and one.values["employees"] == 3


@pytest.mark.parametrize(
    ("text", "unit", "number"),
    [
        ("12,000,000", "", 12e6),
        ("1.200.000,50", "", 1200000.5),
        ("€ 25 000", "", 25000),
        ("45 days", "days", 45),
        ("60 %", "share", 0.6),
        ("60", "share", 0.6),
        ("0.6", "share", 0.6),
        ("-3", "", -3),
        ("1e400", "", None),
        ("nan", "", None),
        ("=1+1", "", None),
        ("", "", None),
    ],
)
def test_numbers_are_read_as_people_type_them(text, unit, number):
    assert read_number(text, unit) == number


def test_an_empty_answer_is_no_answer():
    field = SURVEY.field("employees")
    assert check_answer(field, "") == (None, []) == check_answer(field, None)


def test_secondaries_are_every_primary_times_every_cut_once():
    """Six primaries × four partitions = 24."""
    rows = [
        {"kpi": f"K{i}", "partition_1": "A", "partition_2": "B", "partition_3": "C", "partition_4": "D"}
        for i in range(6)
    ]
    assert len(generate_secondaries(rows)) == 24
    assert len(generate_secondaries([*rows, rows[0]])) == 24
    assert generate_secondaries([{"kpi": "K"}, {"partition_1": "A"}]) == []
