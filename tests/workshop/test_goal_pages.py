"""The pages in which goals are set: who is offered which, what they open, and what they say where nothing is to set."""

import re
import shutil

import pytest
from ipywidgets import HTML, Label

from helpers.workshop.goal_results import GoalResults
from helpers.workshop.reviews import Reviews
from tests.workshop.conftest import PROJECT, make_folder

FORMS = {"goals": "goal-page", "cascade": "cascade-form", "sources": "source-forecasts"}


def read(widget):
    own = re.sub(r"<[^>]+>", " ", widget.value) if isinstance(widget, HTML | Label) else ""
    return " ".join([own, *(read(child) for child in getattr(widget, "children", ()))])


def find_classes(widget):
    return {
        *getattr(widget, "_dom_classes", ()),
        *(name for child in getattr(widget, "children", ()) for name in find_classes(child)),
    }


def open_parts(results):
    parts = {entry.id: entry.make() for entry in results.list_entries()}
    for part in parts.values():
        part.open()  # without a loop it is computed at once
    return parts


@pytest.fixture
def attended(monkeypatch):
    monkeypatch.setenv("REVENUE_ENGINE_APP", "1")


def test_whoever_leads_sets_goals_and_everybody_forecasts_their_source(tmp_path):
    results = GoalResults(Reviews(make_folder(tmp_path / "company")), by="Ana Okafor")
    assert [entry.label for entry in results.list_entries()] == ["Goals", "Cascade", "Source forecasts"]
    assert [entry.label for entry in results.list_own_entries()] == ["Source forecasts"]


def test_without_a_crm_every_part_says_so_in_words(tmp_path, attended):
    parts = open_parts(GoalResults(Reviews(make_folder(tmp_path / "company")), by="Ana Okafor"))
    for id, part in parts.items():
        said = read(part.widget).replace("&#x27;", "'")
        assert "This can't be shown" in said and "nobody foresaw" not in said, id


@pytest.mark.acceptance  # a whole company is read; test_forms_in_app.py opens the same in a browser
def test_each_part_opens_its_form_and_goals_set_meanwhile_make_it_anew(tmp_path, attended):
    folder = tmp_path / "brightwater"
    shutil.copytree(PROJECT / "data" / "samples" / "brightwater", folder, ignore=shutil.ignore_patterns(".cache"))
    parts = open_parts(GoalResults(Reviews(folder), by="Ana Okafor"))
    for id, name in FORMS.items():
        assert name in find_classes(parts[id].widget), id
    assert "Ana Okafor" in read(parts["cascade"].widget) and "Ana Okafor" in read(parts["sources"].widget)
    before = {id: part._body.children for id, part in parts.items()}
    goals = folder / "answers" / "goals.toml"
    goals.write_text(goals.read_text(encoding="utf-8") + "\n# seen by all\n", encoding="utf-8")
    for part in parts.values():
        part.open()
    assert {id: part._body.children != before[id] for id, part in parts.items()} == {
        "goals": False,
        "cascade": True,
        "sources": True,
    }
