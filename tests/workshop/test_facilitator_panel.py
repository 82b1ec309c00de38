"""The facilitator's tools in a notebook: folded, silent where nobody looks, and never ahead of the round."""

import subprocess
import sys
from pathlib import Path

import pytest
from ipywidgets import HTML, Box, Button

from helpers.answers.survey import read_round, write_response, write_round
from helpers.model.survey import load_survey
from helpers.present import theme
from helpers.present.forms.attendance import APP_VARIABLE, LAB_VARIABLE
from helpers.workshop.facilitator_panel import FacilitatorPanel
from helpers.workshop.notebook import show_facilitator_panel
from tests.workshop.conftest import make_folder

PROJECT = Path(__file__).resolve().parents[2]
SURVEY = load_survey()


@pytest.fixture
def folder(tmp_path):
    """A company of which Ana has answered, and the round is open."""
    folder = make_folder(tmp_path / "company")
    write_response(folder, "Ana <Okafor>", {"active_customers": 31337}, SURVEY, team="marketing", based_on="")
    return folder


def texts(widget):
    """Everything that a widget says, with what lies in it."""
    own = [widget.value] if isinstance(widget, HTML) else [widget.description] if isinstance(widget, Button) else []
    inner = widget.children if isinstance(widget, Box) else ()
    return "\n".join([*own, *(texts(child) for child in inner)])


def close(folder, **how):
    state = read_round(folder)[0]
    write_round(folder, is_closed=True, based_on=state.revision, label=state.label, **how)


@pytest.mark.parametrize("about", ["survey", "matrix"])
def test_nothing_is_shown_and_nothing_loaded_where_nobody_looks(folder, about):
    script = "import sys; from helpers.workshop.notebook import show_facilitator_panel as show; "
    script += f"assert show({str(folder)!r}, about={about!r}) is None; "
    script += "assert not {'ipywidgets', 'anywidget', 'voila', 'helpers.workshop.closing'} & set(sys.modules)"
    environment = {"PATH": "", "PYTHONPATH": str(PROJECT)}
    subprocess.run([sys.executable, "-c", script], cwd=PROJECT, env=environment, check=True)


def test_it_is_one_line_until_it_is_unfolded_and_tells_counts_alone(folder, monkeypatch):
    monkeypatch.setenv(LAB_VARIABLE, "01_gtm_survey.ipynb")
    panel = show_facilitator_panel(folder, SURVEY)
    said = texts(panel)
    assert "For the person who leads the workshop" in said
    assert "The round is open, 0 of 1 person done" in said
    assert "Close the round" not in said and "Ana" not in said and "31337" not in said


@pytest.mark.parametrize("part", ["round", "spreadsheets", "earlier"])
def test_no_part_tells_an_answer_while_the_round_is_open_and_names_are_shown_as_text(folder, part):
    panel = FacilitatorPanel(folder, SURVEY)
    panel.unfold()
    panel.open(part)
    panel.look()
    said = texts(panel.widget)
    assert "31337" not in said and "<Okafor>" not in said


def test_it_folds_and_unfolds_where_it_was(folder):
    panel = FacilitatorPanel(folder, SURVEY)
    panel.fold.click()
    panel.tabs["spreadsheets"].click()
    assert "Bring back" in texts(panel.widget)
    panel.fold.click()
    assert "Bring back" not in texts(panel.widget)
    panel.fold.click()
    assert "Bring back" in texts(panel.widget)


def test_once_the_round_has_changed_it_says_that_the_cells_below_are_older(folder, monkeypatch):
    monkeypatch.delenv(APP_VARIABLE, raising=False)
    panel = FacilitatorPanel(folder, SURVEY)
    panel.unfold()
    assert "made before that" not in texts(panel.widget)
    close(folder)
    panel.look()
    said = texts(panel.widget)
    assert "The round is closed, 0 of 1 person done" in said and "made before that" in said
    assert "Run All Cells" in said and "Show what holds now" not in said  # no browser is there to press it for


@pytest.mark.parametrize("how", [{"hides_names": True}, {"label": "Q4 2026"}], ids=["names", "label"])
def test_hiding_names_and_a_new_round_make_the_cells_older_too(folder, how):
    close(folder)
    panel = FacilitatorPanel(folder, SURVEY)
    panel.unfold()
    write_round(folder, is_closed=True, based_on=read_round(folder)[0].revision, **how)
    panel.look()
    assert "made before that" in texts(panel.widget)


def test_where_the_browser_can_run_the_notebook_it_is_offered_and_asked(folder, monkeypatch):
    panel = FacilitatorPanel(folder, SURVEY)
    sent = []
    monkeypatch.setattr(panel._guide, "send", lambda message, buffers=None: sent.append(message))
    panel._guide.can_rerun = True
    panel.unfold()
    close(folder)
    panel.look()
    assert "Show what holds now" in texts(panel.widget) and "primary" in panel.rerun._dom_classes
    panel.rerun.click()
    assert sent == [{"kind": "rerun"}]


def test_in_the_app_the_page_is_to_be_loaded_again(folder, monkeypatch):
    monkeypatch.setenv(APP_VARIABLE, "1")
    panel = FacilitatorPanel(folder, SURVEY)
    panel.unfold()
    close(folder)
    panel.look()
    assert "load the page again" in texts(panel.widget) and "Run All" not in texts(panel.widget)


def test_beside_the_matrix_it_offers_the_matrix_alone(folder):
    panel = FacilitatorPanel(folder, SURVEY, about="matrix")
    panel.unfold()
    said = texts(panel.widget)
    assert "Download the matrix" in said and "Download the survey" not in said and "Close the round" not in said
    panel.open("earlier")
    assert "No earlier version is kept yet" in texts(panel.widget) and "Answers of" not in texts(panel.widget)


def test_its_style_reaches_nothing_but_itself():
    for name in ("parts.css", "panel.css"):
        sheet = (theme.TEMPLATES / "app" / name).read_text(encoding="utf-8")
        rules = [line.partition("{")[0] for line in sheet.splitlines() if "{" in line and not line.startswith("@")]
        assert rules and all(
            part.startswith((".shell", ".panel", ".red.shell")) for rule in rules for part in rule.split(",")
        )
