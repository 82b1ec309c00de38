"""The goal matrix as a control: a spreadsheet that shows what it is handed and says what was typed."""

from __future__ import annotations

import anywidget
from traitlets import Dict, Unicode

from helpers.present import theme

FOLDER = theme.TEMPLATES / "goals"
SCRIPTS = ("goal_copy.js", "goal_cells.js", "goal_grid.js", "goal_keys.js", "goal_editor.js")


class GoalTable(anywidget.AnyWidget):
    """A grid of goals with its tools and the panel beside it.

    No library offers a grid that can be read aloud, pasted into and folded by KPI without a mouse, offline, so it is a
    control of our own. Nothing is decided here.

    Attributes:
        sheet: Rows and columns, as laid out by ``goal_sheet.lay_out_sheet``, and the grid's ``label``.
        cells: What every cell says, as written by ``goal_sheet.write_cells``; ``answered`` is the number of the latest
            step that it takes into account.
        told: Title, revenue goals, problems with their buttons, who absorbed a change, what can be undone, scenarios.
        detail: What is known of the active cell.
        owner: Whose goals these are, without saying the name: under it the browser keeps what isn't saved.
    """

    _esm = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    _css = FOLDER / "goal_editor.css"

    sheet = Dict().tag(sync=True)
    cells = Dict().tag(sync=True)
    told = Dict().tag(sync=True)
    detail = Dict().tag(sync=True)
    owner = Unicode().tag(sync=True)
