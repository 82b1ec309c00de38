"""Typing into a grid of sixty rows and eight columns in a real browser: how long until it is seen, sent and taken in.

Run it with ``python -m tests.benchmarks.bench_grid [--rows N] [--keys N]``. It prints the median and the slowest of
four times in milliseconds: from the key to the painted sign, from the key to the model's rows (40 of them are the wait
for further keys), Python's share of taking an edit in, and what an update of one cell from Python takes to be patched.
"""

import argparse
import statistics
import time

from playwright.sync_api import sync_playwright

from helpers.model.survey import load_survey
from helpers.present import theme
from helpers.present.forms.grid import make_grid
from tests.browser.conftest import ARGUMENTS, find_browser, mount_on

WATCH = """async () => {
  window.painted = []; window.told = []; window.patched = [];
  const model = window.models[0];
  let pressed = [];
  document.addEventListener('keydown', () => { pressed.push(performance.now()); }, true);
  document.addEventListener('input', () => {
    const start = pressed[pressed.length - 1];
    requestAnimationFrame(() => { const channel = new MessageChannel();
      channel.port1.onmessage = () => window.painted.push(performance.now() - start); channel.port2.postMessage(0); });
  }, true);
  const save = model.save_changes.bind(model);
  model.save_changes = () => { save(); window.told.push(performance.now() - pressed[0]); pressed = []; };
  window.patch = (place) => {
    const rows = structuredClone(model.get('rows'));
    rows[place].description = `patched ${place}`;
    const start = performance.now();
    model.receive({ rows, revision: model.get('revision') + 1 });
    document.body.getBoundingClientRect();
    window.patched.push(performance.now() - start);
  };
}"""


def fill(rows: int):
    """Return the survey's grid of products with so many rows."""
    grid = make_grid(load_survey().field("products"), currency="EUR")
    text = "Plans a day's deliveries for a fleet and replans when a van breaks down"
    grid.rows = [
        {
            "name": f"Product {n}",
            "description": text,
            "recurrence": "recurring",
            "pricing": "set",
            "average_deal": "25,000",
            "per": "year",
            "cycle_days": "60",
            "motion": "sales_led",
        }
        for n in range(rows)
    ]
    return grid


def tell(name: str, values: list[float]) -> None:
    """Print one line of figures."""
    print(f"{name:34} median {statistics.median(values):7.1f} ms   slowest {max(values):7.1f} ms   n {len(values)}")


def main() -> None:
    """Type, patch and take in, and print how long each took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--keys", type=int, default=100)
    options = parser.parse_args()
    grid = fill(options.rows)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        start = time.perf_counter()
        mounted = mount_on(page, grid, theme=theme.css(), style="body{margin:0;width:976px}")
        page.evaluate("document.body.getBoundingClientRect()")
        tell("first drawing, page included", [1000 * (time.perf_counter() - start)])
        page.evaluate(WATCH)
        page.locator("td textarea").nth(options.rows // 2).focus()
        for _ in range(options.keys):
            page.keyboard.press("x")
            page.wait_for_timeout(70)
        tell("key to painted sign", page.evaluate("window.painted"))
        tell("first key to the model's rows", page.evaluate("window.told"))
        page.evaluate("rows => { for (let place = 0; place < rows; place += 1) window.patch(place); }", options.rows)
        tell("update of one cell from Python", page.evaluate("window.patched"))
        taken = []
        for patch in mounted.saved:
            start = time.perf_counter()
            grid.set_state(patch)
            taken.append(1000 * (time.perf_counter() - start))
        tell("Python takes an edit in", taken)
        browser.close()


if __name__ == "__main__":
    main()
