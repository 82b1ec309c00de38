"""What people, paste buffers and programs can throw at the forms: each is kept verbatim, or told with its cure.

Every case says exactly what becomes of it. Where something isn't allowed, what was typed is still there when the file
is opened again, and it counts as an answer nowhere.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.answers.editing import ResponseEditor
from helpers.answers.fields import TEXT_LIMIT, check_answer
from helpers.answers.files import name_file
from helpers.answers.survey import read_responses
from tests.answers.editors import SURVEY, answers_of, open_editor
from tests.answers.hostile_texts import KEPT_TEXTS, LONG, SCRIPT


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


def test_checking_never_changes_what_it_is_given():
    rows = [{"name": "Flow", "cycle_days": "x"}]
    check_answer(SURVEY.field("products"), rows)
    assert rows == [{"name": "Flow", "cycle_days": "x"}] and name_file("x") == "x"


def test_a_hundred_and_more_are_tried_here():
    groups = (KEPT_TEXTS, REFUSED_TEXTS, REFUSED_NUMBERS, KEPT_NUMBERS, YEARS, CHOICES, GRIDS, KEPT_GRIDS)
    assert sum(map(len, groups)) > 110


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(), max_size=12)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "area", "cycle_days", "secondary", "kpi", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    (
        "company_name employees net_new_share founded crm on_track top_priorities products focus_areas primary_kpis "
        "secondary_kpis respondent.team respondent.role"
    ).split()
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=st.lists(st.tuples(FIELDS, ANYTHING), min_size=1, max_size=5))
def test_whatever_a_control_hands_over_counts_the_same_when_the_file_is_opened_again(
    tmp_path_factory, quick_disk, typed
):
    folder = tmp_path_factory.mktemp("company")
    editor = open_editor(folder)
    for field, raw in typed:
        editor.change(field, raw)
    assert editor.save().status in ("saved", "unchanged") and not editor.is_dirty
    again = ResponseEditor(folder, SURVEY, name=editor.name)
    for field, _ in typed:
        before, after = editor.read(field), again.read(field)
        assert (after.value, bool(after.faults)) == (before.value, bool(before.faults))
    assert not again.is_dirty
    responses = read_responses(folder, SURVEY)[0]
    counted = dict(responses["ana-okafor"].values) if responses else {}
    for field, _ in typed:
        if not field.startswith("respondent."):
            assert counted.get(field) == again.read(field).value
