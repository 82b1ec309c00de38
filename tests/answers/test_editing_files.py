"""The file under a person's answers: damaged, removed, edited by hand, on a full disk, brought back from earlier."""

import tomllib

import pytest

from helpers.errors import AnswersError
from tests.answers.big_survey import Clock
from tests.answers.editors import answers_of, open_editor, path_of, put

DAMAGED = "[overview]\nemployees = \n"


def test_a_damaged_file_is_told_with_its_line_and_never_touched(tmp_path):
    path = put(tmp_path, DAMAGED)
    editor = open_editor(tmp_path)
    assert "ana-okafor.toml, row 2]" in editor.problem and "Mend that line" in editor.problem
    editor.change("employees", "3")
    saved = editor.save()
    assert saved.status == "failed" and saved.message == editor.problem
    assert path.read_text(encoding="utf-8") == DAMAGED


def test_a_file_damaged_while_it_is_open_is_left_alone_and_taken_up_again_once_mended(tmp_path):
    editor = open_editor(tmp_path)
    editor.change("employees", "3")
    editor.save()
    good = path_of(tmp_path).read_text(encoding="utf-8")
    put(tmp_path, good + "founded = = 2014\n")
    assert editor.refresh().status == "failed" and "row 8]" in editor.problem
    editor.change("crm", "zoho")
    assert editor.save().status == "failed" and editor.is_dirty
    assert path_of(tmp_path).read_text(encoding="utf-8").endswith("= = 2014\n")
    put(tmp_path, good + "founded = 2014\n")
    saved = editor.save()
    assert (saved.status, saved.changed, editor.problem) == ("saved", ("founded",), "")
    assert answers_of(tmp_path) == {"employees": 3, "founded": 2014, "crm": "zoho"}


def test_a_damaged_file_that_somebody_removed_is_no_problem_any_more(tmp_path):
    path = put(tmp_path, DAMAGED)
    editor = open_editor(tmp_path)
    path.unlink()
    assert editor.refresh().status == "unchanged" and editor.problem == ""


@pytest.mark.parametrize("text", ["overview = 3\n", "[[overview]]\nemployees = 3\n", "drafts = 1\n"])
def test_something_else_where_a_table_belongs_is_refused_rather_than_flattened(tmp_path, text):
    path = put(tmp_path, text)
    editor = open_editor(tmp_path)
    assert "row 1] " in editor.problem and "is no table. Write [" in editor.problem
    editor.change("employees", "3")
    assert editor.save().status == "failed" and path.read_text(encoding="utf-8") == text


def test_what_people_wrote_by_hand_into_the_file_survives(tmp_path):
    text = (
        "# asked on Monday\nversion = 1\n[respondent]\nname = 'Ana Okafor'\nphone = '123'\n\n[notes]\nown = [1, 2]\n\n"
        "[[product.products]]\nname = 'Flow' # the old one\nrank = 7\n\n[overview]\n"
        "employees = 3 # a guess\nmood = 'ok'\n"
    )
    put(tmp_path, text)
    editor = open_editor(tmp_path)
    editor.change("products", [{"name": "Go"}, {"name": "Flow", "cycle_days": "30"}])
    editor.change("founded", "2014")
    assert editor.save().status == "saved"
    after = path_of(tmp_path).read_text(encoding="utf-8")
    tables = tomllib.loads(after)
    assert tables["notes"] == {"own": [1, 2]} and tables["version"] == 1 and tables["respondent"]["phone"] == "123"
    assert tables["overview"] == {"employees": 3, "mood": "ok", "founded": 2014}
    assert tables["product"]["products"] == [{"name": "Go"}, {"name": "Flow", "cycle_days": 30, "rank": 7}]
    assert "# asked on Monday" in after and "# a guess" in after


def test_a_value_typed_by_hand_that_is_not_allowed_is_shown_with_its_fault_and_stays(tmp_path):
    path = put(tmp_path, "[overview]\nemployees = 'lots'\n")
    editor = open_editor(tmp_path)
    assert editor.read("employees").raw == "lots" and editor.read("employees").faults
    editor.change("founded", "2014")
    editor.save()
    assert tomllib.loads(path.read_text(encoding="utf-8"))["overview"]["employees"] == "lots"


def test_an_answer_mended_by_hand_goes_before_an_older_draft(tmp_path):
    put(tmp_path, "[overview]\nemployees = 12\n\n[drafts]\nemployees = 'abc'\nfounded = 'long ago'\n")
    editor = open_editor(tmp_path)
    assert editor.read("employees").raw == "12" and editor.read("founded").raw == "long ago"


def test_a_draft_that_the_survey_allows_by_now_counts_from_the_next_save(tmp_path):
    put(tmp_path, "[drafts]\nemployees = '12'\ncrm = 'nope'\n")
    editor = open_editor(tmp_path)
    assert not editor.is_dirty and answers_of(tmp_path) == {}
    editor.change("founded", "2014")
    editor.save()
    assert answers_of(tmp_path) == {"employees": 12, "founded": 2014}
    assert tomllib.loads(path_of(tmp_path).read_text(encoding="utf-8"))["drafts"] == {"crm": "nope"}


def test_a_file_that_somebody_removed_while_it_was_open_is_written_again_whole(tmp_path):
    editor = open_editor(tmp_path)
    editor.change("employees", "3")
    editor.change("founded", "old")
    editor.save()
    path_of(tmp_path).unlink()
    assert editor.refresh().status == "unchanged"
    editor.change("crm", "zoho")
    assert editor.save().status == "saved"
    assert answers_of(tmp_path) == {"employees": 3, "crm": "zoho"}
    assert open_editor(tmp_path).read("founded").raw == "old"


@pytest.mark.parametrize("other", ["Ana-Okafor", "ana okafor.", "Ana. Okafor", "ana'okafor"])
def test_two_people_whose_names_make_one_file_name_are_told_and_kept_apart(tmp_path, other):
    editor = open_editor(tmp_path)
    editor.change("employees", "3")
    editor.save()
    second = open_editor(tmp_path, other)
    assert "belongs to 'Ana Okafor'" in second.problem and "middle initial" in second.problem
    second.change("employees", "4")
    assert second.save().status == "failed"
    assert answers_of(tmp_path) == {"employees": 3}


@pytest.mark.parametrize("same", ["ana okafor", " ANA  OKAFOR ", "Ana\tOkafor"])
def test_one_person_who_writes_the_name_otherwise_finds_the_same_answers(tmp_path, same):
    editor = open_editor(tmp_path)
    editor.change("employees", "3")
    editor.save()
    if "\t" in same:
        assert "can't be seen (U+0009)" in open_editor(tmp_path, same).problem
    else:
        assert open_editor(tmp_path, same).read("employees").raw == "3"


def test_a_name_with_accents_is_one_person_in_any_spelling(tmp_path):
    editor = open_editor(tmp_path, "José Ünal")
    editor.change("employees", "3")
    editor.save()
    for spelling in ("josé ünal", "Jose\u0301 U\u0308nal"):
        again = open_editor(tmp_path, spelling)
        assert (again.problem, again.read("employees").raw) == ("", "3")


def full_disk(monkeypatch):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("helpers.answers.files.write_bytes", fail)


def test_a_full_disk_loses_nothing_and_the_next_save_goes_through(tmp_path, monkeypatch):
    editor = open_editor(tmp_path)
    editor.change("employees", "3")
    editor.save()
    editor.change("employees", "4")
    with monkeypatch.context() as broken:
        full_disk(broken)
        saved = editor.save()
        assert saved.status == "failed" and "Make room on the disk and save again" in saved.message
        assert editor.is_dirty and editor.problem == "" and editor.read("employees").raw == "4"
        assert answers_of(tmp_path) == {"employees": 3}
        assert editor.list_versions() == []
    assert editor.save().status == "saved" and answers_of(tmp_path) == {"employees": 4}


@pytest.mark.parametrize(("code", "cure"), [(13, "Make the company's folder writable"), (30, "folder writable")])
def test_a_folder_that_cannot_be_written_is_told_and_the_edit_stays(tmp_path, monkeypatch, code, cure):
    editor = open_editor(tmp_path)
    editor.change("employees", "3")
    with monkeypatch.context() as broken:
        broken.setattr("helpers.answers.files.lock_folder", lambda _: (_ for _ in ()).throw(OSError(code, "refused")))
        saved = editor.save()
        assert saved.status == "failed" and cure in saved.message
        assert "answers/survey/ana-okafor.toml" in saved.message
    assert editor.save().status == "saved"


def test_a_file_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    put(tmp_path, "[overview]\n")

    def refuse(_):
        raise OSError(13, "Permission denied")

    monkeypatch.setattr("helpers.answers.files.Path.read_bytes", refuse)
    assert "can't be read: Permission denied. Check who may read it" in open_editor(tmp_path).problem


def test_versions_tell_when_how_much_and_what_changed_after_them(tmp_path):
    clock = Clock()
    editor = open_editor(tmp_path, clock=clock)
    for field, raw in (("employees", "3"), ("crm", "zoho"), ("employees", "4")):
        editor.change(field, raw)
        editor.save()
        clock.move(minutes=1)
    second, first = editor.list_versions()
    assert (first.number, first.n_answered, first.changed) == (1, 1, ("CRM",))
    assert (second.number, second.n_answered, second.changed) == (2, 2, ("Employees",))
    assert (second.saved_at - first.saved_at).total_seconds() == 60
    assert first.saved_at == Clock().now


def test_a_version_is_looked_at_and_brought_back_and_what_was_there_stays_for_good(tmp_path):
    clock = Clock()
    editor = open_editor(tmp_path, clock=clock)
    for raw in ("3", "about 3", "4"):
        editor.change("employees", raw)
        editor.save()
    other = open_editor(tmp_path)
    assert editor.preview(2)["employees"] == "about 3"
    assert editor.restore(2).changed == ("employees",)
    assert editor.read("employees").raw == "about 3" and not editor.is_dirty
    assert answers_of(tmp_path) == {}
    assert other.refresh().changed == ("employees",)
    assert [path.name for path in (tmp_path / "answers/.versions/survey/ana-okafor").glob("*-pinned.toml")] == [
        "000003-pinned.toml"
    ]
    assert editor.restore(3).status == "saved" and answers_of(tmp_path) == {"employees": 4}


def test_what_is_not_saved_yet_is_saved_before_a_version_is_brought_back(tmp_path):
    editor = open_editor(tmp_path)
    for raw in ("3", "4"):
        editor.change("employees", raw)
        editor.save()
    editor.change("employees", "5")
    editor.restore(1)
    assert editor.read("employees").raw == "3"
    newest = editor.list_versions()[0]
    assert editor.preview(newest.number)["employees"] == "5"


@pytest.mark.parametrize("damaged", [DAMAGED, "overview = 3\n"])
def test_a_version_can_be_brought_back_in_the_place_of_a_damaged_file_which_is_kept_too(tmp_path, damaged):
    editor = open_editor(tmp_path)
    for raw in ("3", "4"):
        editor.change("employees", raw)
        editor.save()
    put(tmp_path, damaged)
    again = open_editor(tmp_path)
    again.change("crm", "zoho")
    assert again.problem and again.save().status == "failed"
    (version,) = again.list_versions()
    assert again.restore(version.number).status == "saved" and again.problem == ""
    assert again.read("employees").raw == "3" and again.read("crm").raw == "zoho" and again.is_dirty
    assert again.save().status == "saved" and answers_of(tmp_path) == {"employees": 3, "crm": "zoho"}
    (kept,) = (tmp_path / "answers/.versions/survey/ana-okafor").glob("*-pinned.toml")
    assert kept.read_text(encoding="utf-8") == damaged


def test_nobody_sees_the_versions_of_another_person_whose_name_makes_the_same_file(tmp_path):
    editor = open_editor(tmp_path)
    for raw in ("3", "4"):
        editor.change("employees", raw)
        editor.save()
    other = open_editor(tmp_path, "Ana-Okafor")
    assert other.list_versions() == [] and other.restore(1).status == "failed"
    with pytest.raises(AnswersError, match="belongs to"):
        other.preview(1)
    put(tmp_path, DAMAGED)
    assert open_editor(tmp_path, "Ana-Okafor").restore(1).status == "failed"
    assert path_of(tmp_path).read_text(encoding="utf-8") == DAMAGED


def test_a_version_that_is_not_kept_is_told(tmp_path):
    editor = open_editor(tmp_path)
    editor.change("employees", "3")
    editor.save()
    saved = editor.restore(99)
    assert saved.status == "failed" and "version 99 is not kept" in saved.message
