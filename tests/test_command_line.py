"""The command line: exit codes, errors in words, and every command told in the README."""

from pathlib import Path

import pytest

from helpers.__main__ import build_parser, main

PROJECT = Path(__file__).resolve().parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
COMMANDS = ("new", "add", "check", "report", "open", "glossary")


def options_of(command):
    actions = build_parser()._subparsers._group_actions[0].choices[command]._actions
    return [option for action in actions for option in action.option_strings if option.startswith("--")]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_stands_in_the_readme(command):
    assert f"helpers {command}" in README
    for option in options_of(command):
        assert option == "--help" or option in README, f"README.md doesn't tell of `{command} {option}`"


def test_no_command_is_missing_from_this_list():
    assert set(build_parser()._subparsers._group_actions[0].choices) == set(COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["report", "data/samples/brightwater", "--period", "week"], "Allowed: month, quarter, year"),
        (["report", "data/samples/brightwater", "--notebooks", "42"], "there is no notebook '42'"),
        (["report", "data/samples/brightwater", "--as-of", "yesterday"], "2026-09-30"),
        (["report", "data/samples/brightwater", "--workers", "-1"], "below 0"),
        (["open", "no/such/folder"], "is no folder"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_allowed__error(arguments, text, tmp_path, capsys):
    out = ["--out", str(tmp_path / "reports")] if arguments[0] == "report" else []
    assert main([*arguments, *out]) == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "reports").exists()


def test_an_unknown_command_ends_with_2__error():
    with pytest.raises(SystemExit) as stopped:
        main(["reprot"])
    assert stopped.value.code == 2


def test_the_glossary_lists_every_kpi(tmp_path, capsys):
    from helpers.model.catalog import load_catalog

    assert main(["glossary", "--out", str(tmp_path / "glossary.html")]) == 0
    page = (tmp_path / "glossary.html").read_text(encoding="utf-8")
    for kpi in load_catalog().kpis.values():
        assert f'id="{kpi.id}"' in page
    assert "http" not in page
