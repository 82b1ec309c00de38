"""A running JupyterLab for the tests, and the ways to open and run a notebook in it."""

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from tests.browser.survey_driver import PATIENCE

PROJECT = Path(__file__).resolve().parents[2]
SAMPLE = PROJECT / "data" / "samples" / "brightwater"
SERVE = "import sys; from pathlib import Path; from helpers.batch.lab import serve_lab; "
SERVE += "serve_lab(Path(sys.argv[1]), notebooks=Path(sys.argv[2]))"


class Lab:
    """JupyterLab on a company, with a copy of the notebooks, so that its own saving touches no file of the project.

    Args:
        folder: The company's folder.
        place: Where the copies and JupyterLab's own settings lie.
    """

    def __init__(self, folder, place):
        self.folder, self.notebooks = folder, place / "notebooks"
        shutil.copytree(PROJECT / "notebooks", self.notebooks)
        own = {"HOME": str(place), "JUPYTER_DATA_DIR": str(place / "data"), "JUPYTER_CONFIG_DIR": str(place / "config")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(folder), str(self.notebooks)],
            cwd=PROJECT,
            env={**os.environ, **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.url = self.process.stdout.readline().strip()

    def copy_for(self, name, notebook):
        """Copy a notebook for one person, who then has a kernel of their own; returns what to open."""
        place = self.notebooks / name.lower().replace(" ", "-")
        place.mkdir(exist_ok=True)
        shutil.copy(self.notebooks / notebook, place / notebook)
        return f"{place.name}/{notebook}"

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
        page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'"
        )

    def forget_runs(self, page):
        """Take the numbers off the cells, so that ``finish`` waits for the next run."""
        page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets.forEach((cell) => {
                if (cell.model.type === "code") cell.model.executionCount = null;
            })"""
        )

    def run_all(self, page):
        """Run every cell from the top, without waiting for them."""
        self.forget_runs(page)
        page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")

    def run_until(self, page, cell):
        """Run the cells from the top to the one of an id, without waiting for them."""
        page.evaluate(
            """(id) => {
                const { shell, commands } = window.jupyterapp;
                const { content } = shell.currentWidget;
                content.activeCellIndex = content.widgets.findIndex((cell) => cell.model.id === id) + 1;
                commands.execute("notebook:run-all-above");
            }""",
            cell,
        )

    def finish(self, page):
        """Wait until the kernel has nothing to do any more."""
        page.wait_for_function(
            """() => {
                const { content, sessionContext } = window.jupyterapp.shell.currentWidget;
                const codes = content.widgets.filter((cell) => cell.model.type === "code");
                const areRun = codes.every((cell) => cell.model.executionCount !== null);
                return areRun && sessionContext.session?.kernel?.status === "idle";
            }""",
            timeout=PATIENCE,
        )

    def kill_kernels(self, page):
        """Kill the processes behind the notebooks, and wait until JupyterLab has started others in their place."""
        killed = self._list_kernels()
        for process in killed:
            process.kill()
        for _ in range(PATIENCE // 100):
            if len(set(self._list_kernels()) - set(killed)) >= len(killed):
                return
            page.wait_for_timeout(100)
        raise AssertionError("JupyterLab has not started the kernels anew")

    def _list_kernels(self):
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.Error):
                if "ipykernel" in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def stop(self):
        """End JupyterLab and its kernels."""
        self.process.terminate()
        self.process.wait(60)
        self.process.stdout.close()


def start_lab(place, *, with_answers=False):
    """Start JupyterLab on a copy of the sample; unless asked for, nobody has answered the survey yet."""
    left_out = () if with_answers else ("survey",)
    shutil.copytree(SAMPLE, place / "brightwater", ignore=shutil.ignore_patterns(*left_out))
    (place / "config").mkdir()
    return Lab(place / "brightwater", place)


def read_outputs(page):
    """Return the text of what the cells have shown, without forms and the facilitator's tools."""
    return page.evaluate(
        """() => [...document.querySelectorAll(".jp-OutputArea-output")]
            .filter((output) => !output.querySelector(".red-form, .panel"))
            .map((output) => output.textContent).join("\\n")"""
    )
