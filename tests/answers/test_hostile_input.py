"""What people, paste buffers and programs can throw at the forms: each is kept verbatim, or told with its cure.

Every case says exactly what becomes of it. Where something isn't allowed, what was typed is still there when the file
is opened again, and it counts as an answer nowhere.
"""

import tomllib

import pytest

from helpers.answers.discovery_editing import DiscoveryEditor
from helpers.answers.editing import ResponseEditor
from helpers.answers.fields import TEXT_LIMIT, check_answer
from helpers.answers.files import name_file
from helpers.answers.invitations import find_invitation, invite, read_invitations
from helpers.answers.store import read_answers
from helpers.answers.survey import read_responses
from helpers.errors import AnswersError
from helpers.model.survey import load_survey
from tests.answers.big_survey import Clock

SURVEY = load_survey()
SCRIPT = "<script>alert(1)</script>"
LONG = "x" * 100_000


def open_editor(folder, name="Ana Okafor"):
    return ResponseEditor(folder, SURVEY, name=name, team="sales", clock=Clock())


def answers_of(folder):
    return dict(read_responses(folder, SURVEY)[0]["ana-okafor"].values)


KEPT_TEXTS = {
    "script tag": SCRIPT,
    "script in an attribute": '"><img src=x onerror=alert(1)>',
    "markup that ends a script": "</script><!--",
    "template": "{{ 7 * 7 }} {% raw %} ${7*7} #{7}",
    "formula": "=1+1",
    "formula of a function": "@SUM(A1:A9)",
    "formula with plus": "+cmd|' /C calc'!A0",
    "formula with minus": "-2+3+cmd|' /C calc'!A0",
    "hyperlink formula": '=HYPERLINK("http://example.org","x")',
    "tab before a formula": "\t=1+1",
    "100 kB": LONG,
    "as long as allowed": "y" * TEXT_LIMIT,
    "emoji": "🙂👩‍👩‍👧‍👦🏳️‍🌈",
    "right to left": "שלום עולם العربية",
    "mixed direction": "abc שלום 123",
    "an override of direction": "abc\u202edcba\u202c",
    "zero width": "a\u200bb\u200cc\u200d\ufeff",
    "combining signs without end": "Z" + "\u0301" * 500,
    "line breaks of three systems": "a\nb\r\nc\rd",
    "tabs": "a\tb",
    "TOML": '"""\n[overview]\nemployees = 1\n"""',
    "TOML of another kind": "'''",
    "a header": "]]\n[[product.products]]",
    "backslashes": "C:\\new\\table\\u0041\\",
    "quotes": "\"'`´’“”",
    "a comment": "# not a comment",
    "SQL": "Robert'); DROP TABLE answers;--",
    "path": "../../../etc/passwd",
    "path of Windows": "..\\..\\C:\\con",
    "percent signs": "%s %n %00 %2e%2e",
    "JSON": '{"json": "x"}',
    "separators of lines": "a\u2028b\u2029c\x85d",
    "signs beyond the base plane": "𝕬𝖓𝖆 \U0010fffd",
    "null as a word": "null",
    "true as a word": "true",
}


@pytest.mark.parametrize("text", KEPT_TEXTS.values(), ids=KEPT_TEXTS)
def test_a_text_is_kept_verbatim_wherever_texts_are_typed(tmp_path, text):
    editor = open_editor(tmp_path)
    for field, raw in (
        ("company_name", text),
        ("top_priorities", [text]),
        ("products", [{"name": text, "description": text}]),
        ("respondent.role", text),
    ):
        assert editor.change(field, raw).faults == ()
    assert editor.save().status == "saved"
    again = open_editor(tmp_path)
    assert again.read("company_name").value == text and again.role == text
    assert again.read("products").raw == [{"name": text, "description": text}]
    assert again.read("top_priorities").raw == [text.strip()]
    assert answers_of(tmp_path)["company_name"] == text


REFUSED_TEXTS = {
    "NUL": ("a\x00b", "the text holds a sign that can't be shown (U+0000) after 1 characters."),
    "bell": ("\x07", "the text holds a sign that can't be shown (U+0007) after 0 characters."),
    "escape": ("red \x1b[31m", "the text holds a sign that can't be shown (U+001B) after 4 characters."),
    "delete": ("a\x7f", "the text holds a sign that can't be shown (U+007F) after 1 characters."),
    "half a character": ("a\ud800", "the text holds a sign that can't be shown (U+D800) after 1 characters."),
    "the other half": ("\udfff", "the text holds a sign that can't be shown (U+DFFF) after 0 characters."),
    "no character": ("\uffff", "the text holds a sign that can't be shown (U+FFFF) after 0 characters."),
    "too long": (
        "x" * (TEXT_LIMIT + 1),
        f"the text has {TEXT_LIMIT + 1:,} characters; at most {TEXT_LIMIT:,} are kept.",
    ),
    "yes or no": (True, "True is no text."),
    "a list": (["a"], "['a'] is no text."),
    "a list in a list": ([["a"]], "[['a']] is no text."),
    "a table": ({"a": 1}, "{'a': 1} is no text."),
}


@pytest.mark.parametrize(("raw", "message"), REFUSED_TEXTS.values(), ids=REFUSED_TEXTS)
def test_what_is_no_text_is_told_and_still_there_when_the_file_is_opened_again(tmp_path, raw, message):
    editor = open_editor(tmp_path)
    editor.change("crm", "zoho")
    state = editor.change("company_name", raw)
    ((place, said, cure),) = state.faults
    assert (place, said) == ("company_name", message) and cure.endswith(".")
    assert not state.is_answered
    assert editor.save().status == "saved"
    again = open_editor(tmp_path).read("company_name")
    assert again.faults == state.faults or not isinstance(raw, str)
    assert again.faults and (again.raw == raw or not isinstance(raw, str))
    assert answers_of(tmp_path) == {"crm": "zoho"}


def test_a_number_of_5000_digits_is_no_text_and_can_be_saved_around(tmp_path):
    editor = open_editor(tmp_path)
    fault = ("company_name", "this value is no text.", "Write it in quotation marks.")
    assert editor.change("company_name", 10**5000).faults == (fault,)
    assert editor.save().status == "saved" and answers_of(tmp_path) == {}


NO_NUMBER = "Write a plain number such as 180."
REFUSED_NUMBERS = {
    "words": ("about two hundred", "'about two hundred' is no number.", NO_NUMBER),
    "script": (SCRIPT, f"'{SCRIPT}' is no number.", NO_NUMBER),
    "formula": ("=1+1", "'=1+1' is no number.", NO_NUMBER),
    "formula with plus": ("+1+1", "'+1+1' is no number.", NO_NUMBER),
    "NaN as text": ("NaN", "'NaN' is no number.", NO_NUMBER),
    "NaN": (float("nan"), "nan is no number.", NO_NUMBER),
    "infinity as text": ("inf", "'inf' is no number.", NO_NUMBER),
    "infinity": (float("inf"), "inf is a larger number than can be kept.", NO_NUMBER),
    "minus infinity": (float("-inf"), "-inf is a larger number than can be kept.", NO_NUMBER),
    "1e400": ("1e400", "'1e400' is no number.", NO_NUMBER),
    "1e300": ("1e300", "'1e300' is a larger number than can be kept.", NO_NUMBER),
    "forty digits": ("9" * 40, f"'{'9' * 40}' is a larger number than can be kept.", NO_NUMBER),
    "400 digits": (10**400, f"1{'0' * 76}…' is a larger number than can be kept.", NO_NUMBER),
    "5,000 digits": (10**5000, "this value is a larger number than can be kept.", NO_NUMBER),
    "5,000 digits as text": ("9" * 5000, f"'{'9' * 76}…' is no number.", NO_NUMBER),
    "100 kB": (LONG, f"'{'x' * 76}…' is no number.", NO_NUMBER),
    "hexadecimal": ("0x10", "'0x10' is no number.", NO_NUMBER),
    "two numbers": ("10-20", "'10-20' is no number.", NO_NUMBER),
    "a date": ("2026-09-30", "'2026-09-30' is no number.", NO_NUMBER),
    "yes or no": (True, "True is no number.", NO_NUMBER),
    "a list": ([1], "[1] is no number.", NO_NUMBER),
    "a list in a list": ([[1]], "[[1]] is no number.", NO_NUMBER),
    "a table": ({"n": 1}, "{'n': 1} is no number.", NO_NUMBER),
    "NUL": ("1\x002", "'1\x002' is no number.", NO_NUMBER),
    "half a character": ("1\ud800", "'1\ud800' is no number.", NO_NUMBER),
    "below the least": ("-5", "'-5' is below 1.", "Write a larger number."),
    "zero": ("-0", "'-0' is below 1.", "Write a larger number."),
    "above the most": ("5,000,001", "'5,000,001' is above 5,000,000.", "Write a smaller number."),
}


@pytest.mark.parametrize(("raw", "message", "cure"), REFUSED_NUMBERS.values(), ids=REFUSED_NUMBERS)
def test_what_is_no_number_is_told_and_still_there_when_the_file_is_opened_again(tmp_path, raw, message, cure):
    editor = open_editor(tmp_path)
    state = editor.change("employees", raw)
    assert state.faults == (("employees", message, cure),) and state.value is None
    assert editor.save().status == "saved"
    again = open_editor(tmp_path).read("employees")
    assert again.faults and not again.is_answered
    assert not isinstance(raw, str) or (again.raw == raw and again.faults == state.faults)
    assert answers_of(tmp_path) == {}


KEPT_NUMBERS = {
    "minus zero": ("active_customers", "-0", 0),
    "leading zeros": ("employees", "00180", 180),
    "blanks without width": ("employees", "1\u202f200", 1200),
    "digits of another script": ("employees", "١٨٠", 180),
    "scientific": ("employees", "1e3", 1000),
    "as large as allowed": ("revenue_goal", "1,000,000,000,000", 10**12),
    "tiny": ("net_new_share", "1e-300", 1e-300),
    "a currency": ("revenue_goal", "€ 1.200.000,50", 1200000.5),
}


@pytest.mark.parametrize(("field", "raw", "value"), KEPT_NUMBERS.values(), ids=KEPT_NUMBERS)
def test_an_odd_number_means_what_it_says(tmp_path, field, raw, value):
    editor = open_editor(tmp_path)
    assert editor.change(field, raw).value == value
    editor.save()
    assert answers_of(tmp_path) == {field: value} and open_editor(tmp_path).read(field).value == value


YEARS = {
    "long ago": ("1599", "'1599' is below 1600."),
    "before our era": ("-44", "'-44' is below 1600."),
    "far future": ("2101", "'2101' is above 2100."),
    "further": ("9999", "'9999' is above 2100."),
    "five digits": ("20140", "'20140' is above 2100."),
    "two digits": ("14", "'14' is below 1600."),
    "half a year": ("2014.5", "'2014.5' is no year."),
    "a day": ("2014-05-01", "'2014-05-01' is no number."),
    "a day of another order": ("1/5/2014", "'1/5/2014' is no number."),
    "the first allowed": ("1600", ""),
    "the last allowed": ("2100", ""),
}


@pytest.mark.parametrize(("raw", "message"), YEARS.values(), ids=YEARS)
def test_a_year_has_bounds(tmp_path, raw, message):
    state = open_editor(tmp_path).change("founded", raw)
    assert [said for _, said, _ in state.faults] == ([message] if message else [])
    assert state.value == (None if message else int(raw))


CHOICES = {
    "unknown": ("crm", "hubspt", "'hubspt' can't be chosen.", "Did you mean 'HubSpot'?"),
    "script": ("crm", SCRIPT, f"'{SCRIPT}' can't be chosen.", "Another one, None."),
    "100 kB": ("crm", LONG, f"'{'x' * 76}…' can't be chosen.", "Another one, None."),
    "a list": ("crm", ["hubspot"], "['hubspot'] can't be chosen.", "Did you mean 'HubSpot'?"),
    "a number": ("crm", 5, "5 can't be chosen.", "Another one, None."),
    "yes or no": ("crm", False, "False can't be chosen.", "Another one, None."),
    "NaN": ("crm", float("nan"), "nan can't be chosen.", "Another one, None."),
    "5,000 digits": ("crm", 10**5000, "this value can't be chosen.", "Another one, None."),
    "perhaps": ("on_track", "perhaps", "'perhaps' can't be chosen.", "Allowed: Yes, No, Don't know."),
    "half a character": ("on_track", "\ud800", "'\ud800' can't be chosen.", "Allowed: Yes, No, Don't know."),
}


@pytest.mark.parametrize(("field", "raw", "message", "cure"), CHOICES.values(), ids=CHOICES)
def test_what_cannot_be_chosen_is_told_with_what_can(tmp_path, field, raw, message, cure):
    editor = open_editor(tmp_path)
    state = editor.change(field, raw)
    ((place, said, advice),) = state.faults
    assert (place, said) == (field, message)
    assert advice.endswith(cure) and not state.is_answered
    assert editor.save().status == "saved" and open_editor(tmp_path).read(field).faults


GRIDS = {
    "a text": ("Flow", "'Flow' is no list of rows.", None),
    "a number": (3, "3 is no list of rows.", None),
    "a table": ({"name": "Flow"}, "{'name': 'Flow'} is no list of rows.", None),
    "rows of texts": (["Flow"], "'Flow' is no row.", None),
    "rows in rows": ([[{"name": "Flow"}]], "[{'name': 'Flow'}] is no row.", None),
    "a row without a name": ([{"cycle_days": "3"}], "the row has no product.", None),
    "a wrong cell": ([{"name": "Flow", "cycle_days": "1e400"}], "'1e400' is no number.", [{"name": "Flow"}]),
    "a cell of a list": ([{"name": "Flow", "cycle_days": [1]}], "[1] is no number.", [{"name": "Flow"}]),
    "61 rows": (
        [{"name": f"P{n}"} for n in range(61)],
        "61 rows are too many.",
        [{"name": f"P{n}"} for n in range(60)],
    ),
}


@pytest.mark.parametrize(("raw", "message", "value"), GRIDS.values(), ids=GRIDS)
def test_a_grid_of_the_wrong_form_is_told_and_what_is_right_of_it_counts(tmp_path, raw, message, value):
    editor = open_editor(tmp_path)
    state = editor.change("products", raw)
    assert [said for _, said, _ in state.faults] == [message] and state.value == value
    assert editor.save().status == "saved"
    again = open_editor(tmp_path).read("products")
    assert again.value == value and [place for place, _, _ in again.faults] == [place for place, _, _ in state.faults]
    assert answers_of(tmp_path).get("products") == value


KEPT_GRIDS = {
    "rows of one name": [{"name": "Flow"}, {"name": "Flow", "cycle_days": "3"}, {"name": "Flow"}],
    "equal rows": [{"name": "Flow"}, {"name": "Flow"}],
    "names that differ in what can't be seen": [{"name": "Flow"}, {"name": "Flow\u200b"}],
    "a name like a path": [{"name": "../../x"}],
    "a formula for a name": [{"name": "=1+1"}],
}


@pytest.mark.parametrize("rows", KEPT_GRIDS.values(), ids=KEPT_GRIDS)
def test_odd_rows_are_kept_as_they_are(tmp_path, rows):
    editor = open_editor(tmp_path)
    assert editor.change("products", rows).faults == ()
    editor.save()
    assert open_editor(tmp_path).read("products").raw == rows


def test_columns_that_the_survey_does_not_have_are_left_out(tmp_path):
    editor = open_editor(tmp_path)
    state = editor.change("products", [{"name": "Flow", "__proto__": "x", "constructor": "y", "\ud800": "z", 3: "n"}])
    assert state.value == [{"name": "Flow"}] and state.faults == ()
    editor.save()
    assert answers_of(tmp_path) == {"products": [{"name": "Flow"}]}


def test_thousands_of_rows_are_kept_as_a_draft_and_sixty_of_them_count(tmp_path):
    rows = [{"name": f"P{n}", "cycle_days": "x"} for n in range(5000)]
    editor = open_editor(tmp_path)
    state = editor.change("products", rows)
    assert state.faults[-1][1:] == ("5000 rows are too many.", "Keep the first 60.")
    assert editor.save().status == "saved" and len(answers_of(tmp_path)["products"]) == 60
    assert len(open_editor(tmp_path).read("products").raw) == 5000


def test_what_is_too_long_even_for_a_draft_is_told_and_leaves_the_answer_before(tmp_path):
    editor = open_editor(tmp_path)
    editor.change("company_name", "Northwind")
    editor.save()
    state = editor.change("company_name", "x" * 3_000_000)
    assert state.faults[-1][1:] == (
        "this is too long to be kept.",
        "Shorten it; until then the answer saved before stays in the file.",
    )
    editor.change("crm", "zoho")
    assert editor.save().status == "saved"
    assert answers_of(tmp_path) == {"company_name": "Northwind", "crm": "zoho"}
    editor.change("company_name", "North")
    editor.save()
    assert answers_of(tmp_path)["company_name"] == "North"


def test_answers_too_large_for_one_file_are_told_and_nothing_is_written(tmp_path):
    editor = open_editor(tmp_path)
    editor.change("company_name", "Northwind")
    editor.save()
    texts = [{"name": f"P{n}", "description": "x" * TEXT_LIMIT} for n in range(45)]
    editor.change("products", texts)
    saved = editor.save()
    assert saved.status == "failed" and "at most 8,000,000 can be kept. Shorten the longest text" in saved.message
    assert answers_of(tmp_path) == {"company_name": "Northwind"} and editor.problem == ""
    editor.change("products", texts[:5])
    assert editor.save().status == "saved"


def test_lists_in_lists_without_end_do_no_harm(tmp_path):
    endless = []
    endless.append(endless)
    deep = "x"
    for _ in range(100_000):
        deep = [deep]
    editor = open_editor(tmp_path)
    for raw in (endless, deep, [deep], [{"name": deep}]):
        for field in ("employees", "company_name", "crm", "top_priorities", "products"):
            assert editor.change(field, raw).faults
    assert editor.save().status == "saved"


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


def test_a_hundred_and_more_are_tried_here():
    groups = (KEPT_TEXTS, REFUSED_TEXTS, REFUSED_NUMBERS, KEPT_NUMBERS, YEARS, CHOICES, GRIDS, KEPT_GRIDS, FILES)
    groups += (ODD_FILES, WRONG_TYPES, NAMES, REFUSED_NAMES, DECISIONS, BROKEN)
    assert sum(map(len, groups)) > 190


def test_checking_never_changes_what_it_is_given():
    rows = [{"name": "Flow", "cycle_days": "x"}]
    check_answer(SURVEY.field("products"), rows)
    assert rows == [{"name": "Flow", "cycle_days": "x"}] and name_file("x") == "x"
