"""Goal workbooks as people send them back: exported, changed cell by cell, saved by another program."""

from datetime import date

import pandas as pd

from helpers.answers.goal_editing import GoalCell, Typed
from helpers.answers.spreadsheet_layout import read_cell_mark
from helpers.model.catalog import load_catalog
from helpers.present.goal_spreadsheet import write_goal_spreadsheet
from tests.answers.workbooks import find, open_book, save_book

CATALOG = load_catalog()
AS_OF = date(2026, 9, 30)
QUARTERS = (date(2026, 7, 1), date(2026, 10, 1), date(2027, 1, 1))
SLICES = (("all", "all"), ("source", "Web"), ("source", "=1+1"))
USUAL = {"leads": 1234.5678901234567, "lead_to_mql": 1 / 3, "revenue_won": 2_150_000.0}


def list_cells():
    return [
        GoalCell(kpi, "quarter", start, *where) for kpi in USUAL for where in SLICES for start in QUARTERS
    ]  # fmt: skip


def make_matrix(typed=None, *, slices=SLICES):
    """A solved matrix of three KPIs, three quarters, the company and two sources; what was typed stands in it."""
    typed = typed or {}
    rows = []
    for kpi, usual in USUAL.items():
        for place, where in enumerate(slices):
            for start in QUARTERS:
                one = typed.get(GoalCell(kpi, "quarter", start, *where), Typed())
                goal = usual / (place + 1) if one.goal is None else one.goal
                actual = goal * 0.9 if start <= AS_OF else None
                rows.append(
                    {"kpi": kpi, "grain": "quarter", "period_start": pd.Timestamp(start), "dimension": where[0],
                     "slice": where[1], "goal": goal, "actual": actual, "expected": usual,
                     "gap": None if actual is None else actual - goal, "locked": one.is_locked,
                     "probability": 0.004 if start == QUARTERS[2] and kpi == "leads" else 0.4, "state": one.state}
                )  # fmt: skip
    return pd.DataFrame(rows)


def export(typed=None, *, held=None, **options):
    matrix = make_matrix(typed, **{key: options.pop(key) for key in ("slices",) if key in options})
    return write_goal_spreadsheet(
        matrix, catalog=CATALOG, as_of=AS_OF, typed=held, **{"company": "Acme", "currency": "EUR", **options}
    )


def place_of(book, cell, part="value"):
    """The cell of a workbook in which a goal, or the word beside it, stands."""
    from helpers.answers.spreadsheet_layout import mark_cell

    sheet, row = find(book, mark_cell("goal-row", cell.kpi, cell.dimension, cell.slice))
    wanted = ("goal-period", cell.grain, cell.period_start.isoformat(), part)
    for above in range(1, row):
        for column in range(1, sheet.max_column + 1):
            if read_cell_mark(sheet.cell(above, column).value) == wanted:
                return sheet.cell(row, column)
    raise AssertionError(f"no column of the sheet is for {cell}")


def fill(data, edits):
    """Type into the cells: (goal's cell, value or state) → what."""
    book = open_book(data)
    for (cell, part), what in edits.items():
        place_of(book, cell, part).value = what
    return save_book(book)
