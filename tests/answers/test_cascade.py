"""The cascade that people typed: read strictly, record by record, each fault with its line and its cure."""

from datetime import date

import pytest

from helpers.answers.cascade import find_free_id, read_cascade
from helpers.answers.store import read_answers
from helpers.model.cascade import PayRule

WHOLE = """\
[pay]
threshold = 0.6

[[goal]]
id = "year"
title = "Win 9.4 M"
kpi = "revenue_won"
target = 9400000
grain = "year"
period_start = 2026-01-01

[[goal]]
id = "opps"
title = "1,000 opportunities"
level = "department"
serves = "year"
department = "Marketing"
kpi = "opportunities"
target = 1000

[[tactic]]
id = "webinars"
title = "Twelve webinars"
serves = ["opps", "opps"]
start = 2026-02-01
due = "2026-11-30"
cost = 60000

[[person]]
id = "ana"
name = "Ana Okafor"
variable_pay = 20000

[[target]]
id = "ana-1"
person = "ana"
goal = "opps"
weight = 0.5
cap = 2.0

[[correlation]]
from = "webinars"
to = "opportunities"
strength = "strong"
"""


def put(folder, text):
    path = folder / "answers" / "cascade.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_whole_file_is_read_with_its_links_and_pay(tmp_path):
    put(tmp_path, WHOLE)
    cascade, problems = read_cascade(tmp_path)
    assert problems == [] and cascade.n_set_aside == 0
    assert cascade.goals["opps"].serves == ("year",) and cascade.tactics["webinars"].serves == ("opps",)
    assert cascade.tactics["webinars"].due == date(2026, 11, 30)
    assert cascade.pay == PayRule(0.6, 0.0, 1.5, 1.5)
    assert cascade.targets["ana-1"].rule == PayRule(0.6, 0.0, 2.0, 1.5) and cascade.targets["ana-1"].is_shared
    assert [item.id for item in cascade.served_by("opps")] == ["webinars"]
    assert cascade.correlations[0].strength == "strong"


def test_without_a_file_there_is_an_empty_cascade(tmp_path):
    cascade, problems = read_cascade(tmp_path)
    assert cascade.is_empty and problems == []


FAULTS = {
    "unknown key": ('[[tactic]]\nid = "a"\ntitle = "A"\nkosts = 3\n', 4, "kosts", "Did you mean 'cost'?"),
    "no day": ('[[tactic]]\nid = "a"\ntitle = "A"\ndue = "soon"\n', 4, "due", "Write it as 2026-12-15."),
    "no number": ('[[goal]]\nid = "a"\ntitle = "A"\ntarget = "9 M"\n', 4, "target", "plain number"),
    "infinite": ('[[goal]]\nid = "a"\ntitle = "A"\ntarget = inf\n', 4, "target", "plain number"),
    "no such level": ('[[goal]]\nid = "a"\ntitle = "A"\nlevel = "compny"\n', 4, "level", "Did you mean 'company'?"),
    "no title": ('[[goal]]\nid = "a"\n', 1, "title", 'title = "…"'),
    "negative cost": ('[[tactic]]\nid = "a"\ntitle = "A"\ncost = -1\n', 4, "cost", "0 or more"),
    "weight over one": ('[[target]]\nid = "a"\nperson = "p"\nweight = 60\n', 4, "weight", "0.6 for 60 %"),
    "due before start": (
        '[[tactic]]\nid = "a"\ntitle = "A"\nstart = 2026-05-01\ndue = 2026-04-01\n', 5, "due", "Swap the days",
    ),
    "half a slice": ('[[goal]]\nid = "a"\ntitle = "A"\ndimension = "region"\n', 1, "slice", "both the partition"),
    "threshold above target": ('[[target]]\nid = "a"\nperson = "p"\nthreshold = 1.2\n', 4, "threshold", "0.7"),
    "cap below target": ('[[target]]\nid = "a"\nperson = "p"\ncap = 0.9\n', 4, "cap", "1.5"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "key", "cure"), FAULTS.values(), ids=FAULTS)
def test_a_record_that_is_not_allowed_is_set_aside_and_told_and_the_rest_stands(tmp_path, text, line, key, cure):
    put(tmp_path, text + '\n[[person]]\nid = "ben"\nname = "Ben Ito"\n')
    cascade, (problem,) = read_cascade(tmp_path)
    assert list(cascade.people) == ["ben"] and not (cascade.goals or cascade.tactics or cascade.targets)
    assert cascade.n_set_aside == 1
    assert (problem["file"], problem["row"], problem["column"]) == ("answers/cascade.toml", line, key)
    assert cure in problem["cure"] and "set aside" in problem["message"]


def test_of_two_records_with_one_id_the_first_stands_whatever_their_tables(tmp_path):
    put(tmp_path, '[[goal]]\nid = "a"\ntitle = "First"\n\n[[tactic]]\nid = "a"\ntitle = "Second"\n')
    cascade, (problem,) = read_cascade(tmp_path)
    assert cascade.goals["a"].title == "First" and not cascade.tactics
    assert problem["row"] == 6 and "taken by another goal" in problem["message"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('goal = "Win"\n', "no list"),
        ("[[goals]]\nid = 1\n", "the table 'goals' is unknown"),
        ('goal = ["Win"]\n', "this is no goal"),
        ("[pay]\nthreshold = 1.0\n", "not below the target"),
        ("[pay]\nbonus = 1.0\n", "unknown"),
        ("pay = 3\n", "no table"),
        ("[[goal\n", "this is no TOML"),
    ],
    ids=["a text", "a wrong name", "a list of texts", "a threshold of one", "an unknown rule", "a number", "no toml"],
)
def test_what_is_no_cascade_is_told_and_leaves_an_empty_one(tmp_path, text, said):
    put(tmp_path, text)
    cascade, problems = read_cascade(tmp_path)
    assert cascade.is_empty and said in problems[0]["message"]


def test_the_answers_of_a_company_hold_the_cascade_and_its_problems(tmp_path):
    put(tmp_path, WHOLE + "\n[[goal]]\nid = 5\n")
    answers = read_answers(tmp_path)
    assert list(answers.cascade.goals) == ["year", "opps"] and not answers.is_empty
    assert [problem["file"] for problem in answers.problems] == ["answers/cascade.toml"]


def test_hidden_people_stand_under_pseudonyms_in_the_cascade_too(tmp_path):
    put(tmp_path, WHOLE.replace('goal = "opps"', 'kpi = "revenue_won"\ndimension = "owner"\nslice = "Ana Okafor"'))
    cascade = read_answers(tmp_path, people="hidden").cascade
    ((person_id, person),), (target,) = cascade.people.items(), cascade.targets.values()
    assert person.name.startswith("Person ") and "ana" not in repr(cascade).lower()
    assert target.slice == person.name and target.person == person_id
    assert read_answers(tmp_path, people="hidden").cascade == cascade


def test_ids_are_made_of_titles_and_are_free():
    assert find_free_id("Win the US!", []) != find_free_id("Win the US!", [find_free_id("Win the US!", [])])
