"""Files, names, decisions and disks that nobody wishes for: each is kept verbatim, or told with its cure."""

import tomllib

import pytest

from helpers.answers.discovery_editing import DiscoveryEditor
from helpers.answers.invitations import find_invitation, invite, read_invitations
from helpers.answers.store import read_answers
from helpers.answers.survey import read_responses
from helpers.errors import AnswersError
from tests.answers.big_survey import Clock
from tests.answers.editors import SURVEY, answers_of, open_editor
from tests.answers.hostile_texts import KEPT_TEXTS, LONG, SCRIPT

FILES = {
    "no value": (b"[overview]\nemployees = \n", "row 2] this is no TOML"),
    "a table left open": (b"[overview\n", "row 1] this is no TOML"),
    "a text left open": (b'[overview]\ncrm = "hub\n', "row 2] this is no TOML"),
    "a key twice": (b"[overview]\na = 1\na = 2\n", "row 3] this is no TOML"),
    "a table twice": (b"[overview]\n[overview]\n", "row 2] this is no TOML"),
    "a wrong day": (b"[overview]\nfounded = 2026-13-45\n", "row 2] this is no TOML"),
    "another encoding": ("[overview]\ncrm = 'é'\n".encode("latin-1"), "row 2] this is no UTF-8 text"),
    "UTF-16": ("[overview]\n".encode("utf-16"), "row 1] this is no UTF-8 text"),
    "a program": (b"\x7fELF\x02\x01\x01\x00\x00", "row 1] this is no TOML"),
    "NUL": (b"[overview]\nn = 1\x00\n", "row 2] this is no TOML"),
    "JSON": (b'{"overview": {}}', "row 1] this is no TOML"),
    "HTML": (b"<!doctype html>", "row 1] this is no TOML"),
    "a merge left open": (b"<<<<<<< HEAD\n[overview]\n=======\n", "row 1] this is no TOML"),
    "lists without end": (b"[overview]\na = " + b"[" * 100_000, "this is no TOML|nested too deeply"),
    "a number of 5,000 digits": (b"[overview]\na = " + b"9" * 5000, "this is no TOML"),
    "too large": (b"# " + b"x" * 8_000_001, "8,000,003 bytes; at most 8,000,000"),
    "a text for a table": (b"overview = 'x'\n", "row 1] overview is no table"),
    "a list for a table": (b"[[product]]\nx = 1\n", "row 1] product is no table"),
}


@pytest.mark.parametrize(("raw", "told"), FILES.values(), ids=FILES)
def test_a_damaged_file_is_told_with_its_cure_and_stays_byte_by_byte(tmp_path, raw, told):
    path = tmp_path / "answers" / "survey" / "ana-okafor.toml"
    path.parent.mkdir(parents=True)
    path.write_bytes(raw)
    editor = open_editor(tmp_path)
    assert any(part in editor.problem for part in told.split("|"))
    assert "answers/survey/ana-okafor.toml" in editor.problem and "Nothing is written over the file" in editor.problem
    editor.change("employees", "3")
    saved = editor.save()
    assert saved.status == "failed" and saved.message == editor.problem and editor.is_dirty
    assert path.read_bytes() == raw
    assert len(read_answers(tmp_path).problems) >= 1


ODD_FILES = {
    "a byte order mark": b"\xef\xbb\xbf[overview]\nemployees = 3\n",
    "Windows line ends": b"[overview]\r\nemployees = 3\r\n",
    "nothing but blanks": b" \n\n",
    "nothing": b"",
    "values that are no numbers": b"[overview]\nemployees = 3\nrest = nan\nmore = inf\n",
}


@pytest.mark.parametrize("raw", ODD_FILES.values(), ids=ODD_FILES)
def test_an_odd_file_is_read_and_written_like_any_other(tmp_path, raw):
    path = tmp_path / "answers" / "survey" / "ana-okafor.toml"
    path.parent.mkdir(parents=True)
    path.write_bytes(raw)
    editor = open_editor(tmp_path)
    assert editor.problem == ""
    editor.change("founded", "2014")
    assert editor.save().status == "saved"
    held = tomllib.loads(path.read_text(encoding="utf-8-sig"))["overview"]
    assert held["founded"] == 2014 and ("employees" in held) == (b"employees" in raw)


WRONG_TYPES = {
    "a text for a number": ("employees = 'lots'", "employees"),
    "true for a number": ("employees = true", "employees"),
    "a list for a number": ("employees = [1, 2]", "employees"),
    "a table for a number": ("employees = {n = 1}", "employees"),
    "a date for a number": ("employees = 2026-09-30", "employees"),
    "NaN for a number": ("employees = nan", "employees"),
    "infinity for a number": ("employees = inf", "employees"),
    "a number for a choice": ("crm = 3", "crm"),
    "a list for a choice": ("crm = ['hubspot']", "crm"),
    "a table for a list": ("top_priorities = {a = 1}", "top_priorities"),
    "a date for a text": ("company_name = 2026-09-30", "company_name"),
    "a number for a grid": ("focus_areas = 3", "focus_areas"),
    "texts for a grid": ("focus_areas = ['Churn']", "focus_areas"),
}


@pytest.mark.parametrize(("line", "field"), WRONG_TYPES.values(), ids=WRONG_TYPES)
def test_a_value_of_the_wrong_type_is_shown_with_its_fault_and_stays_until_it_is_changed(tmp_path, line, field):
    path = tmp_path / "answers" / "survey" / "ana-okafor.toml"
    path.parent.mkdir(parents=True)
    path.write_text(f"[overview]\n{line}\n", encoding="utf-8")
    before = tomllib.loads(path.read_text(encoding="utf-8"))["overview"][field]
    editor = open_editor(tmp_path)
    assert editor.problem == "" and not editor.read(field).is_answered
    assert editor.read(field).faults
    editor.change("founded", "2014")
    assert editor.save().status == "saved"
    after = tomllib.loads(path.read_text(encoding="utf-8"))["overview"][field]
    assert repr(after) == repr(before)
    _, problems = read_responses(tmp_path, SURVEY)
    assert problems[0]["column"].startswith(field) and problems[0]["message"] and problems[0]["cure"]


NAMES = {
    "a path": ("../../etc/passwd", "etc-passwd-3754d6"),
    "an absolute path": ("/etc/shadow", "etc-shadow-1b3fd2"),
    "a path of Windows": ("C:\\Users\\ana", "c-users-ana-"),
    "a device": ("con", "con-"),
    "the round's own file": ("round", "round-"),
    "dots": ("A..B", "a-b"),
    "a hidden file": (".ana", "ana-"),
    "a script": (SCRIPT, "script-alert-1-script-"),
    "a formula": ("=1+1", "1-1-"),
    "emoji": ("🙂", "person-"),
    "a family": ("👩‍👩‍👧‍👦 Okafor", "okafor-"),
    "right to left": ("שרה לוי", "person-"),
    "Chinese": ("安娜", "person-"),
    "an apostrophe": ("Sinéad O’Brien", "sinead-obrien-"),
    "quotes": ('"; rm -rf /', "rm-rf-"),
    "a percent escape": ("%2e%2e%2fana", "2e-2e-2fana-"),
    "TOML": ("x]\n[y".replace("\n", " "), "x-y-"),
}


@pytest.mark.parametrize(("name", "file"), NAMES.values(), ids=NAMES)
def test_any_name_is_kept_as_typed_in_a_file_of_a_harmless_name(tmp_path, name, file):
    editor = open_editor(tmp_path, name)
    editor.change("employees", "3")
    assert editor.save().status == "saved"
    (path,) = tmp_path.rglob("survey/*.toml")
    assert path.parent == tmp_path / "answers" / "survey"
    assert path.stem.startswith(file) or file == "etc-shadow-1b3fd2"
    assert tomllib.loads(path.read_text(encoding="utf-8"))["respondent"]["name"] == name
    assert open_editor(tmp_path, name).read("employees").value == 3
    invitation = invite(tmp_path, name)
    assert find_invitation(tmp_path, invitation.token).name == name


REFUSED_NAMES = {
    "nothing": ("", "the name is empty. Type it."),
    "blanks": (" \t ", "the name is empty. Type it."),
    "no text": (None, "the name is empty. Type it."),
    "a number": (3, "the name is empty. Type it."),
    "NUL": ("Ana\x00", "sign 4 of the name can't be seen (U+0000). Type it instead of pasting it."),
    "a line break": ("Ana\nBen", "sign 4 of the name can't be seen (U+000A). Type it instead of pasting it."),
    "half a character": ("Ana\ud800", "sign 4 of the name can't be seen (U+D800). Type it instead of pasting it."),
    "an override of direction": (
        "\u202eanA",
        "sign 1 of the name can't be seen (U+202E). Type it instead of pasting it.",
    ),
    "a blank without width": ("An\u200ba", "sign 3 of the name can't be seen (U+200B). Type it instead of pasting it."),
    "100 kB": (LONG, "the name has 100,000 characters; at most 120 are allowed. Shorten it."),
    "no letter": ("...", "'...' has no letter. Type your name."),
}


@pytest.mark.parametrize(("name", "told"), REFUSED_NAMES.values(), ids=REFUSED_NAMES)
def test_what_is_no_name_is_told_and_nothing_is_written(tmp_path, name, told):
    editor = open_editor(tmp_path, name)
    assert editor.problem == f"[name] {told}"
    editor.change("employees", "3")
    assert editor.save().message == editor.problem == editor.refresh().message
    assert editor.restore(1).status == "failed" and editor.list_versions() == []
    with pytest.raises(AnswersError) as caught:
        invite(tmp_path, name)
    assert str(caught.value) == editor.problem
    assert list(tmp_path.iterdir()) == [] and read_invitations(tmp_path) == []


DECISIONS = {
    "an unknown light": (
        {"light": "green"},
        "[light] 'green' is unknown. Allowed: available, adoption_needed, unavailable.",
    ),
    "no light": ({"light": ""}, "[light] '' is unknown. Allowed: available, adoption_needed, unavailable."),
    "a number for a light": ({"light": 3}, "[light] '3' is unknown."),
    "100 kB for a light": ({"light": LONG}, f"[light] '{'x' * 40}' is unknown."),
    "no cell": ({"dimension": ""}, "neither a KPI nor a partition is named. Choose a cell."),
    "a list for a cell": ({"dimension": ["source"]}, "[dimension] this is no text. Type a text."),
    "NUL in a note": ({"note": "a\x00"}, "[note] the text holds a sign that can't be shown (U+0000). Delete it."),
    "half a character": ({"note": "\ud800"}, "[note] the text holds a sign that can't be shown (U+D800). Delete it."),
    "100 kB in a note": (
        {"note": LONG},
        "[note] the text has 100,000 characters; at most 20,000 are kept. Shorten it.",
    ),
    "a number for a note": ({"note": 3}, "[note] this is no text. Type a text."),
}


@pytest.mark.parametrize(("given", "told"), DECISIONS.values(), ids=DECISIONS)
def test_a_decision_that_cannot_be_kept_is_told_and_nothing_is_written(tmp_path, given, told):
    editor = DiscoveryEditor(tmp_path, by="Ana", quarter="Q3 2026", clock=Clock())
    saved = editor.judge(**{"dimension": "source", "object": "deal", "light": "available"} | given)
    assert saved.status == "failed" and told in saved.message
    assert list(tmp_path.iterdir()) == []


HARMLESS = [text for text in KEPT_TEXTS.values() if len(text) < 20_000]


@pytest.mark.parametrize("text", HARMLESS, ids=[name for name, text in KEPT_TEXTS.items() if len(text) < 20_000])
def test_a_note_on_a_decision_is_kept_verbatim(tmp_path, text):
    editor = DiscoveryEditor(tmp_path, by=text, quarter="Q3 2026", clock=Clock())
    assert editor.judge(dimension=text, object="deal", light="available", note=text).status == "saved"
    assert editor.plan("leads", text, owner=text, note=text).status == "saved"
    again = DiscoveryEditor(tmp_path, by="Ben", quarter="Q3 2026", clock=Clock()).answers
    assert again == editor.answers and again.judgements[0].note == text and again.activations[0].owner == text


BROKEN = {
    "a full disk": (28, "No space left on device", "Make room on the disk and save again."),
    "a folder that is only read": (30, "Read-only file system", "Make the company's folder writable and save again."),
    "no permission": (13, "Permission denied", "Make the company's folder writable and save again."),
    "a broken disk": (5, "Input/output error", "Check the folder and save again."),
}


@pytest.mark.parametrize(("code", "said", "cure"), BROKEN.values(), ids=BROKEN)
def test_whatever_the_disk_says_is_told_with_its_cure_and_nothing_typed_is_lost(
    tmp_path, monkeypatch, code, said, cure
):
    """The error is made up, since nobody can refuse the administrator's own writing."""
    editor = open_editor(tmp_path)
    matrix = DiscoveryEditor(tmp_path, by="Ana", quarter="Q3 2026", clock=Clock())
    editor.change("employees", "3")

    def fail(*_, **__):
        raise OSError(code, said)

    with monkeypatch.context() as broken:
        broken.setattr("helpers.writing.tempfile.mkstemp", fail)
        answers, decision = editor.save(), matrix.judge(dimension="source", light="available")
        with pytest.raises(AnswersError) as caught:
            invite(tmp_path, "Ben")
    for message in (answers.message, decision.message, str(caught.value)):
        assert said in message and cure in message and message.startswith("[answers/")
    assert (answers.status, decision.status) == ("failed", "failed") and editor.is_dirty
    assert list(tmp_path.rglob("*.toml")) == []
    assert editor.save().status == "saved" and answers_of(tmp_path) == {"employees": 3}
