"""Adoption reports as data: what ships can be read; a mistake is told with file, line, key and what is allowed."""

import tomllib

import pytest

from helpers.errors import DefinitionError
from helpers.ingest.settings import read_settings
from helpers.model.adoption import TESTS, check_adoption, load_adoption

OWN = """name = "Mine"

[adoption.no_next_step]
label = "No next step"
object = "deal"
all = [
  { field = "outcome", equals = "open" },
  { field = "next_step", is_empty = true },
]
"""


def test_the_shipped_reports_are_the_inverse_of_the_process():
    reports = {report.id: report for report in load_adoption()}
    assert {"no_activity", "one_activity", "stage_zero", "no_meeting_no_sequence", "close_date_past"} <= set(reports)
    assert all(report.wanted and report.cure and report.label for report in reports.values())


def test_a_company_adds_changes_and_leaves_out():
    own = {"mine": {"label": "Mine", "object": "deal", "all": [{"field": "amount", "less_than": 3}]}}
    changed = {"idle": {"is_used": False}, "stage_zero": {"label": "Parked"}}
    reports = {report.id: report for report in load_adoption(own | changed)}
    assert reports["mine"].all[0].test == "less_than" and reports["mine"].all[0].value == 3
    assert "idle" not in reports and reports["stage_zero"].label == "Parked" and reports["stage_zero"].among


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (OWN.replace("is_empty = true", "is_emty = true"),
         r"line 8, adoption.no_next_step.all.2.is_emty\] this key is unknown. Allowed: field, .*mean 'is_empty'"),
        (OWN.replace('object = "deal"', 'object = "deals"'), r"line 5, adoption.no_next_step.object\].*'deal'"),
        (OWN.replace(", is_empty = true", ""), r"adoption.no_next_step.all.2\] .*one test, found none"),
        (OWN.replace("is_empty = true", 'before = "soon"'), r"line 8, .*before\] write \"today\" or a day"),
        (OWN.replace('equals = "open"', 'equals = "open", before = "today"'), r"one test, found before, equals"),
        (OWN.replace("next_step\", is", "Next Step\", is"), r"snake case"),
        (OWN.replace("all =", "every ="), r"line 6, adoption.no_next_step.every\] this key is unknown"),
        ('name = "x"\n[adoption]\nmine = 3\n', r"adoption.mine\] this is no table"),
    ],
    ids=["test", "object", "no test", "day", "two tests", "field", "group", "no table"],
)  # fmt: skip
def test_a_mistake_names_file_line_key_and_what_is_allowed(wrong, said, tmp_path):
    (tmp_path / "company.toml").write_text(wrong, encoding="utf-8")
    with pytest.raises(DefinitionError, match=said) as caught:
        read_settings(tmp_path)
    assert str(caught.value).startswith("[company.toml, ")


def test_what_is_right_is_read_with_the_settings(tmp_path):
    (tmp_path / "company.toml").write_text(OWN, encoding="utf-8")
    assert list(read_settings(tmp_path).adoption) == ["no_next_step"]
    check_adoption(tomllib.loads(OWN)["adoption"], file="company.toml", text=OWN)


def test_a_condition_is_data_and_never_run():
    text = OWN.replace('field = "next_step"', "field = \"__import__('os')\"")
    with pytest.raises(DefinitionError, match="snake case"):
        check_adoption(tomllib.loads(text)["adoption"], file="company.toml", text=text)
    assert len(set(TESTS)) == len(TESTS)
