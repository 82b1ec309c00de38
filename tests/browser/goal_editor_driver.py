"""A goal editor in a browser without a kernel: the real form answers each message in this process."""

import base64
import json
import re
from functools import partial

import numpy as np
import pandas as pd

from helpers.analyses.goal_prospects import Lateness
from helpers.answers.goal_editing import GoalEditor
from helpers.answers.spreadsheet_layout import name_company
from helpers.model.catalog import load_catalog
from helpers.model.goal import load_goal_rules
from helpers.present.forms.goal_editor import GoalMatrixEditor
from helpers.present.forms.style import form_css
from helpers.present.goal_spreadsheet import write_goal_spreadsheet
from tests.analyses.test_goal_matrix import add_up, make_column, make_matrix
from tests.browser.conftest import mount_on

AS_OF = pd.Timestamp("2026-06-30").date()
QUARTERS = ("2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01")

BRIDGE = """async (number) => {
    const model = window.models[number];
    model.send = (content, callbacks, buffers = []) => {
        model.sent.push(structuredClone(content));
        if (window.isCut) return;
        const bytes = buffers.map((one) => btoa(String.fromCharCode(...new Uint8Array(one))));
        const answered = window.toPython(number, JSON.stringify(content), bytes);
        answered.then((answer) => window.answer(number, JSON.parse(answer)));
    };
    window.answer = (number, { state, messages, files }) => {
        const model = window.models[number];
        if (window.isCut) return;
        model.receive(state);
        messages.forEach((message, i) => {
            const bytes = Uint8Array.from(atob(files[i]), (sign) => sign.charCodeAt(0));
            model.trigger("msg:custom", [message, [new DataView(bytes.buffer)]]);
        });
    };
    model.sent.splice(0).forEach((content) => model.send(content));
}"""


class SimpleJudge:
    """Chances that fall the further a goal lies above what is expected; nothing is late unless a test says so."""

    def __init__(self):
        self.late = {}

    def add_chances(self, matrix):
        chance = (0.5 - (matrix["goal"] / matrix["expected"] - 1) * 2).clip(0, 1)
        return matrix.assign(probability=chance.where(matrix["actual"].isna(), np.nan))

    def find_late(self, matrix):
        return {key: Lateness(*found) for key, found in self.late.items()}


def make_small_matrix(slices=("Inbound", "Outbound")):
    """A year of four quarters with two sources, two quarters of which are over."""
    columns, quarters = {}, []
    for i, start in enumerate(QUARTERS):
        parts = [make_column(600 + 100 * i + 200 * j, (0.4, 0.25, 0.2), 20_000 + 5_000 * j) for j in range(len(slices))]
        for name, part in zip(slices, parts, strict=True):
            columns["quarter", start, "source", name] = part
        quarters.append(add_up(parts))
        columns["quarter", start, "all", "all"] = quarters[-1]
    columns["year", QUARTERS[0], "all", "all"] = add_up(quarters)
    matrix = make_matrix(columns)
    is_over = (matrix["period_start"] < pd.Timestamp("2026-07-01")) & (matrix["grain"] == "quarter")
    return matrix.assign(actual=matrix["expected"].where(is_over) * 0.97)


def make_past(matrix):
    """Six earlier quarters of every row, each a little better than the one before."""
    rows = matrix[matrix["grain"] == "quarter"].drop_duplicates(["kpi", "dimension", "slice"])
    parts = [
        rows.assign(value=rows["expected"] * (0.8 + 0.04 * i), period_start=start, n=40 + i)
        for i, start in enumerate(pd.date_range("2025-01-01", periods=6, freq="QS"))
    ]
    return pd.concat(parts)[["kpi", "dimension", "slice", "period_start", "value", "n"]]


def open_editor(folder, matrix=None, *, judge=None, **options):
    """Open the form on a folder's goals, as a kernel does."""
    matrix = make_small_matrix() if matrix is None else matrix
    form = GoalMatrixEditor(
        matrix,
        GoalEditor(folder),
        catalog=load_catalog(),
        rules=load_goal_rules(),
        as_of=AS_OF,
        past=make_past(matrix),
        judge=judge or SimpleJudge(),
        currency="EUR",
        labels={"source": "Source"},
        subtitle="Brightwater Software · as of 30 Jun 2026",
        write_workbook=partial(write_workbook, folder),
        **options,
    )
    form.stop()  # looking at others' goals is asked for, so that no test depends on when it happens
    return form


def write_workbook(folder, matrix, typed, scenario):
    """Write the goals as the editor's own opener does, for a company without exports."""
    catalog, company = load_catalog(), name_company(folder)
    return write_goal_spreadsheet(
        matrix, catalog=catalog, as_of=AS_OF, typed=typed, company=company, currency="EUR", scenario=scenario
    )


class Goals:
    """A goal editor on a page, and what people do with it.

    Args:
        page: The page.
        form: The form behind it.
    """

    def __init__(self, page, form):
        self.page, self.forms = page, {}
        self._exposed = False
        self.show(form)

    def show(self, form):
        """Put a form on the page, as a cell that runs does."""
        if not self._exposed:
            self.page.expose_function("toPython", self._answer)
            self._exposed = True
        self.form = form
        form._deferred.plan = lambda _, act: act()  # on Playwright's own loop nothing could be told to the page later
        self._sent, self._shown = [], {}
        form.table.send = lambda content, buffers=None: self._sent.append(
            (content, base64.b64encode(buffers[0]).decode() if buffers else "")
        )
        self.mounted = mount_on(self.page, form.table, theme=form_css())
        self.forms[self.mounted.number] = form
        self.root = self.mounted.root
        self.page.evaluate(BRIDGE, self.mounted.number)

    def _answer(self, number, content, buffers=()):
        form = self.forms[number]
        form._hear(None, json.loads(content), [base64.b64decode(one) for one in buffers])
        state = {name: getattr(form.table, name) for name in ("sheet", "cells", "told", "detail")}
        state = {name: value for name, value in state.items() if value is not self._shown.get(name)}
        self._shown |= state
        sent, self._sent[:] = list(self._sent), []
        messages, files = [one for one, _ in sent], [file for _, file in sent]
        return json.dumps({"state": state, "messages": messages, "files": files})

    # ---- what people do ---------------------------------------------------------------------------------------------

    def cell(self, name):
        """A cell by the begin of what is read aloud: ``Leads, Q3 2026``."""
        return self.root.locator(f"td[aria-label^='{name}:']")

    def click(self, name, **options):
        self.cell(name).click(**options)

    def type(self, name, text, key="Enter"):
        """Type into a cell as people do: over what stands there, and on with a key."""
        self.click(name)
        self.page.keyboard.type(text)
        self.page.keyboard.press(key)

    def paste(self, text):
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        self.page.keyboard.press("Control+v")

    def tool(self, name):
        return self.root.get_by_role("button", name=re.compile(f"^{name}", re.I)).first

    def text(self, name):
        """What stands in a cell."""
        return self.cell(name).locator(".main").inner_text()

    @property
    def problems(self):
        return self.root.locator(".problem")
