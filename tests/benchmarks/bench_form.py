"""Typing into the whole form, server and disk included: how long until a letter is seen, and is on disk.

Run it with ``python -m tests.benchmarks.bench_form [--keys N]``. The survey has a grid of sixty products and two
hundred further questions, all answered and all on one screen. It prints the median and the slowest of two times in
milliseconds, for a question and for a cell of the grid: from the key to the painted letter, and from the key to the
file that holds it.
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import nbformat
from playwright.sync_api import sync_playwright

from helpers.answers.editing import ResponseEditor
from tests.answers.big_survey import fill_big_survey, make_big_survey
from tests.browser.conftest import ARGUMENTS, find_browser

PROJECT = Path(__file__).resolve().parents[2]
NAME = "Ana Okafor"
CELL = """
import os
from pathlib import Path
from helpers.answers.editing import ResponseEditor
from helpers.present.forms.survey_form import SurveyForm
from tests.answers.big_survey import make_big_survey
survey = make_big_survey()
SurveyForm(ResponseEditor(Path(os.environ["BENCH_COMPANY"]), survey, name="Ana Okafor", team="sales"), survey).widget
"""
PAINTED = """element => {
  window.painted = []; let pressed = 0;
  element.addEventListener('keydown', () => { pressed = performance.now(); }, true);
  element.addEventListener('input', () => requestAnimationFrame(() => { const channel = new MessageChannel();
    channel.port1.onmessage = () => window.painted.push(performance.now() - pressed);
    channel.port2.postMessage(0); }), true);
}"""


def tell(name: str, values: list[float]) -> None:
    """Print one line of figures."""
    print(f"{name:34} median {statistics.median(values):7.1f} ms   slowest {max(values):7.1f} ms   n {len(values)}")


def type_and_wait(page, box, file: Path, keys: int, name: str) -> None:
    """Type signs one by one, each into a form that is at rest, and wait for each on disk."""
    box.click()
    box.press("End")
    box.evaluate(PAINTED)
    saved = []
    for number in range(keys):
        before = file.stat().st_mtime_ns
        start = time.perf_counter()
        page.keyboard.press("abcdefghij"[number % 10])
        while file.stat().st_mtime_ns == before and time.perf_counter() - start < 10:
            time.sleep(0.002)
        saved.append(1000 * (time.perf_counter() - start))
        page.wait_for_timeout(300)
    tell(f"{name}: key to painted letter", page.evaluate("window.painted"))
    tell(f"{name}: key to disk", saved)


def main() -> None:
    """Serve the form, type into it and print how long it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keys", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "company").mkdir()
        survey = make_big_survey()
        editor = ResponseEditor(folder / "company", survey, name=NAME, team="sales")
        fill_big_survey(editor)
        editor.save()
        file = folder / "company" / "answers" / "survey" / "ana-okafor.toml"
        cells = [nbformat.v4.new_code_cell(CELL.strip())]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / "form.ipynb")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "voila", "form.ipynb", "--port", str(port), "--no-browser"]
        own = {"BENCH_COMPANY": str(folder / "company"), "REVENUE_ENGINE_APP": "1", "PYTHONPATH": str(PROJECT)}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        server = subprocess.Popen(command, cwd=folder, env=os.environ | own, **quiet)
        try:
            wait_for(f"http://127.0.0.1:{port}/voila/static/none", server)
            measure(f"http://127.0.0.1:{port}/", file, options.keys)
        finally:
            server.terminate()
            server.wait(30)


def wait_for(address: str, server: subprocess.Popen) -> None:
    """Wait until a server answers anything."""
    while server.poll() is None:
        with suppress(urllib.error.URLError):
            try:
                urllib.request.urlopen(address, timeout=5)
            except urllib.error.HTTPError:
                return
        time.sleep(0.2)


def measure(address: str, file: Path, keys: int) -> None:
    """Type into a question and into a cell of the grid."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.set_default_timeout(180_000)
        start = time.perf_counter()
        page.goto(address)
        page.locator(".red-rail button", has_text="Overview").click()
        page.locator(".field-q190 input").wait_for()
        tell("first drawing, kernel included", [1000 * (time.perf_counter() - start)])
        page.wait_for_timeout(2000)
        type_and_wait(page, page.locator(".field-q190 input").first, file, keys, "question")
        cell = page.locator(".field-products tbody tr").nth(30).locator("textarea").first
        type_and_wait(page, cell, file, keys, "grid")
        browser.close()


if __name__ == "__main__":
    main()
