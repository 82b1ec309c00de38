"""The same forms in JupyterLab: filled in, reloaded, the kernel killed, and everything there again."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import expect

from tests.browser.matrix_driver import override_light, wait_for_judgements
from tests.browser.survey_driver import PATIENCE, SurveyDriver

PROJECT = Path(__file__).resolve().parents[2]
SAMPLE = PROJECT / "data" / "samples" / "brightwater"
SERVE = "import sys; from pathlib import Path; from helpers.batch.lab import serve_lab; "
SERVE += "serve_lab(Path(sys.argv[1]), notebooks=Path(sys.argv[2]))"


class Lab:
    """A running JupyterLab on a copy of the notebooks, so that its own saving touches no file of the project."""

    def __init__(self, folder, notebooks, home):
        own = {"HOME": str(home), "JUPYTER_DATA_DIR": str(home / "data"), "JUPYTER_CONFIG_DIR": str(home / "config")}
        (home / "config").mkdir()
        exposed = '{"LabApp": {"expose_app_in_browser": true}}'  # so that a script can ask whether a kernel is ready
        (home / "config" / "jupyter_lab_config.json").write_text(exposed, encoding="utf-8")
        command = [sys.executable, "-c", SERVE, str(folder), str(notebooks)]
        self.folder = folder
        self.process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**os.environ, **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.url = self.process.stdout.readline().strip()

    def open(self, page, name):
        """Open a notebook and wait until its kernel can be asked."""
        page.set_default_timeout(PATIENCE)
        page.goto(self.url.replace("00_start_here.ipynb", name) + "&reset")
        page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
        page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.sessionContext")
        page.evaluate(
            """async () => {
                const context = window.jupyterapp.shell.currentWidget;
                await context.revealed;
                await context.sessionContext.ready;
                await context.sessionContext.session.kernel.info;
            }"""
        )

    def run_all(self, page):
        """Run every cell from the top."""
        page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")

    def kill_kernels(self):
        """Kill the processes behind the notebooks."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            if "ipykernel" in " ".join(child.cmdline()):
                child.kill()

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on the sample's exports, with nobody's answers yet."""
    place = tmp_path_factory.mktemp("lab")
    shutil.copytree(SAMPLE, place / "brightwater", ignore=shutil.ignore_patterns(".cache", "survey"))
    shutil.copytree(PROJECT / "notebooks", place / "notebooks")
    running = Lab(place / "brightwater", place / "notebooks", place)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def window(chromium):
    """One window for all tests of this file, as one person has it open."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def sign_in(driver, name, team):
    """Say who is there, as the form asks first."""
    driver.form.get_by_label("Your name").fill(name)
    driver.choose("team", team)
    driver.form.locator(".red-footer button.is-primary").click()


def test_the_survey_is_filled_in_and_there_again_after_the_kernel_was_killed(lab, window):
    lab.open(window, "01_gtm_survey.ipynb")
    lab.run_all(window)
    driver = SurveyDriver(window, lab.folder / "answers" / "survey" / "ana-okafor.toml")
    driver.wait()
    sign_in(driver, "Ana Okafor", "Marketing")
    driver.go("Overview")
    driver.type("active_customers", "300")
    driver.choose("crm", "HubSpot")
    driver.type("employees", "many")
    expect(driver.field("employees").get_by_role("alert")).to_contain_text("is no number")
    driver.wait_for_saved(
        lambda saved: (
            saved["overview"] == {"active_customers": 300, "crm": "hubspot"}
            and saved["drafts"] == {"employees": "many"}
        ),
        "what was typed",
    )
    lab.kill_kernels()
    expect(window.get_by_role("alert").filter(has_text="connection")).to_be_visible(timeout=PATIENCE)
    lab.open(window, "01_gtm_survey.ipynb")
    lab.run_all(window)
    driver.wait()
    sign_in(driver, "Ana Okafor", "Marketing")
    driver.go("Overview")
    expect(driver.field("active_customers").locator("input")).to_have_value("300")
    expect(driver.field("employees").locator("input")).to_have_value("many")
    driver.type("employees", "40")
    driver.wait_for_saved(lambda saved: saved["overview"]["employees"] == 40, "the number")


def test_a_light_is_overridden_with_a_note_in_the_matrix(lab, window):
    lab.open(window, "02_kpi_discovery.ipynb")
    lab.run_all(window)
    editor = window.locator(".matrix-editor")
    expect(editor).to_be_visible(timeout=PATIENCE)
    editor.get_by_placeholder("Name").fill("Ana Okafor")
    editor.get_by_role("button", name="Open the matrix").click()
    expect(editor.get_by_role("grid")).to_be_visible(timeout=PATIENCE)
    override_light(editor, "Opportunities by industry", "unavailable", "Typed by hand, nobody trusts it")
    mine = wait_for_judgements(lab.folder, by="Ana Okafor", page=window)
    assert {(one["dimension"], one["light"], one["note"]) for one in mine} == {
        ("industry", "unavailable", "Typed by hand, nobody trusts it")
    }
