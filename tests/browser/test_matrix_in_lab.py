"""The discovery matrix in JupyterLab: lights overridden, out and in as a workbook, and earlier decisions again."""

import tomllib

import pytest
from playwright.sync_api import expect

from tests.browser.lab_server import start_lab
from tests.browser.matrix_driver import override_light, wait_for_judgements
from tests.browser.survey_driver import PATIENCE
from tests.browser.workbook_driver import bring_back, decide_in_matrix, hand_out


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on the sample with its answers."""
    running = start_lab(tmp_path_factory.mktemp("lab"), with_answers=True)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def window(lab, chromium):
    """One window for all tests of this file, in which the notebook ran."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    lab.open(page, "02_kpi_discovery.ipynb")
    lab.run_all(page)
    expect(page.locator(".matrix-editor").first).to_be_visible(timeout=PATIENCE)
    yield page
    context.close()


def test_a_light_is_overridden_with_a_note(lab, window):
    editor = window.locator(".matrix-editor")
    editor.get_by_placeholder("Name").fill("Ana Okafor")
    editor.get_by_role("button", name="Open the matrix").click()
    expect(editor.get_by_role("grid")).to_be_visible(timeout=PATIENCE)
    override_light(editor, "Opportunities by industry", "unavailable", "Typed by hand, nobody trusts it")
    mine = wait_for_judgements(lab.folder, by="Ana Okafor", page=window)
    assert {(one["dimension"], one["light"], one["note"]) for one in mine} == {
        ("industry", "unavailable", "Typed by hand, nobody trusts it")
    }


def test_the_matrix_goes_out_as_a_workbook_and_comes_back_with_its_bad_cell_named(lab, window, tmp_path):
    panel = window.locator(".panel-matrix")
    panel.locator(".panel-fold").click()
    path = hand_out(window, ".fld-download-matrix", tmp_path)
    place = decide_in_matrix(path, by="Ben Ito", good="Leads by channel", bad="Leads by GTM motion")
    bring_back(window, path)
    expect(panel).to_contain_text("taken from Ben Ito", timeout=PATIENCE)
    expect(panel).to_contain_text(place)
    (mine,) = wait_for_judgements(lab.folder, by="Ben Ito", page=window)
    assert (mine["kpi"], mine["dimension"], mine["light"]) == ("leads", "channel", "unavailable")
    assert mine["note"] == "Nobody asks for it"


def test_an_earlier_version_of_the_decisions_is_brought_back_and_the_matrix_sees_it(lab, window):
    panel = window.locator(".panel-matrix")
    panel.locator(".part-earlier").click()
    panel.locator(".shell-version button").first.click()
    expect(panel).to_contain_text("Brought back")
    held = tomllib.loads((lab.folder / "answers" / "discovery.toml").read_text(encoding="utf-8"))
    deciders = [one.get("by") for one in held["judgement"]]
    assert "Ana Okafor" in deciders and "Ben Ito" not in deciders
