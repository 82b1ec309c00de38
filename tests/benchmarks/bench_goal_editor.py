"""How long a goal typed into the matrix takes to be shown, at 12 periods × 9 KPIs × 41 columns, in a real browser.

Run it by itself: ``python -m tests.benchmarks.bench_goal_editor``. Nothing is asserted: times belong to a machine.
Beside the whole way from the key to the repaint stands what solving alone takes, which no editor can do without.
"""

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.analyses.goal_relations import KEYS
from helpers.analyses.goal_session import prepare_matrix
from tests.benchmarks.bench_goal_matrix import make_large
from tests.browser.conftest import ARGUMENTS, find_browser
from tests.browser.goal_editor_driver import Goals, open_editor

REPEATS = 9
CELL = "Closed revenue, Jul 2026"

WAIT_FOR_PAINT = """(before) => new Promise((done) => {
    const start = performance.now();
    const look = () => {
        const text = document.querySelector("td[aria-label^='MQLs, Jul 2026:'] .main").textContent;
        if (text !== before) requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
        else setTimeout(look, 1);
    };
    look();
})"""


def time_keys(goals: Goals, typed: list[int]) -> list[float]:
    """Time from Enter to the repaint of what follows, in milliseconds."""
    page, times = goals.page, []
    for number in typed:
        before = goals.text("MQLs, Jul 2026")
        goals.click(CELL)
        page.keyboard.type(str(number))
        page.evaluate("window.painted = null")
        page.evaluate(f"(before) => {{ window.painted = ({WAIT_FOR_PAINT})(before); }}", before)
        page.keyboard.press("Enter")
        times.append(page.evaluate("() => window.painted"))
        page.wait_for_timeout(300)
    return times


def main() -> None:
    """Time one goal typed, and solving for it alone."""
    from playwright.sync_api import sync_playwright

    matrix = make_large()
    matrix["actual"] = np.where(matrix["period_start"] < pd.Timestamp("2026-07-01"), matrix["expected"], np.nan)
    begin = time.perf_counter()
    form = open_editor(Path(tempfile.mkdtemp()), matrix)
    print(f"{len(matrix)} cells, {len(form.sheet.rows)} rows, opening: {1000 * (time.perf_counter() - begin):.0f} ms")
    prepared, alone = prepare_matrix(matrix), []
    row = matrix[(matrix["kpi"] == "revenue_won") & (matrix["dimension"] == "all")].iloc[[6]]
    typed = [int(row["expected"].iloc[0] * (1.2 + 0.03 * repeat)) for repeat in range(REPEATS)]
    prepared.solve([])
    for number in typed:
        begin = time.perf_counter()
        prepared.solve(row[KEYS].assign(goal=float(number)))
        alone.append(1000 * (time.perf_counter() - begin))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        goals = Goals(page, form)
        form._deferred.plan = lambda delay, act: None  # chances and releases come after the repaint
        times, solving = time_keys(goals, typed), statistics.median(alone)
        median = statistics.median(times)
        print(f"key to repaint: median {median:.0f} ms, slowest {max(times):.0f} ms of {REPEATS}")
        print(f"solving alone: {solving:.0f} ms; the whole way takes {median / solving:.1f} × as long")
        browser.close()


if __name__ == "__main__":
    main()
