"""The goal matrix as the rows, columns and cells of a spreadsheet: places, texts, states and words of every cell."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.goal_prospects import foresee
from helpers.analyses.goal_relations import KEYS, TOTAL
from helpers.answers.goal_editing import GOAL, LOCKED, GoalCell, Typed
from helpers.model.catalog import Catalog
from helpers.periods import Period, period_of
from helpers.present import words
from helpers.units import in_sentence

ENDED, AHEAD, YEAR = "ended", "ahead", "year"
HEADING = "heading"
REVENUE = "revenue_won"
OUT_OF_REACH = 0.01
ASKS_NOTHING = 0.005
MOST_PAST = 8
OTHER = "(other)"

STATES = {
    "goal": "goal",
    "locked": "locked",
    "solved": "follows",
    "expected": "carried forward",
    "waiting": "doesn't count yet",
    "reached": "reached",
    "close": "close to it",
    "missed": "missed",
    "past": "past",
    "none": "nothing known",
}
"""State of a cell → how it is said."""


@dataclass(frozen=True)
class Sheet:
    """Where every cell stands.

    Attributes:
        rows: One record per row: id, kind (``kpi``, ``heading``, ``slice``), kpi, dimension, slice, label, unit, parent
            (the KPI's place; -1 for a KPI), past (values of the last periods, oldest first), pastText.
        columns: One record per column: grain, start, label, kind (``ended``, ``ahead``, ``year``).
        at: Place of each cell in the matrix, rows × columns; -1 where there is none.
        places: Cell → row and column.
        units: KPI → unit.
        directions: KPI → up, down or none.
        foreseen: What the matrix' cells are expected to bring as things stand, in its order; see ``foresee``.
        basis: What that rests on where it is simulated, in words; else empty.
    """

    rows: list[dict[str, Any]]
    columns: list[dict[str, str]]
    at: np.ndarray
    places: Mapping[GoalCell, tuple[int, int]]
    units: Mapping[str, str]
    directions: Mapping[str, str]
    foreseen: np.ndarray
    basis: Sequence[str]

    def cell(self, row: int, column: int) -> GoalCell:
        """Name the cell at a place."""
        place, period = self.rows[row], self.columns[column]
        start = date.fromisoformat(period["start"])
        return GoalCell(place["kpi"], period["grain"], start, place["dimension"], place["slice"])

    def is_open(self, cell: GoalCell) -> bool:
        """Whether a cell is in the sheet and can be set, since its period isn't over."""
        return cell in self.places and self.columns[self.places[cell][1]]["kind"] != ENDED

    def find_label(self, cell: GoalCell, grain: str = "") -> str:
        """Return what a cell's period is called, or the one of a longer grain that it lies in."""
        if not grain or cell.grain == grain:
            return self.columns[self.places[cell][1]]["label"]
        wide = [one for one in self.columns if one["grain"] == grain and one["start"] <= str(cell.period_start)]
        return max(wide, key=lambda one: one["start"])["label"] if wide else ""

    def is_part(self, cell: GoalCell, year: GoalCell) -> bool:
        """Whether a cell that can be set is a part of a year's: one of its slices or periods."""
        is_other = cell != year and cell.kpi == year.kpi and self.is_open(cell)
        return is_other and self.find_label(cell, year.grain) == self.find_label(year)

    def name(self, cell: GoalCell) -> str:
        """Name a cell for a reader: ``Leads, Q4 2026, source Web``."""
        row, column = self.places[cell]
        label = self.rows[row]["label"] if cell.dimension == TOTAL else self.rows[self.rows[row]["parent"]]["label"]
        where = "" if cell.dimension == TOTAL else f", {self.rows[row]['within']} {words.clean_text(cell.slice)}"
        return f"{label}, {self.columns[column]['label']}{where}"


def to_key(cell: GoalCell) -> tuple:
    """Return a cell's key as a matrix names it."""
    return (cell.kpi, cell.grain, pd.Timestamp(cell.period_start), cell.dimension, cell.slice)


def to_cell(key: tuple) -> GoalCell:
    """Return the cell of a matrix' key."""
    return GoalCell(key[0], key[1], pd.Timestamp(key[2]).date(), key[3], key[4])


def lay_out_sheet(
    matrix: pd.DataFrame,
    past: pd.DataFrame,
    *,
    catalog: Catalog,
    as_of: date,
    fiscal_year_start: int = 1,
    currency: str = "USD",
    labels: Mapping[str, str] | None = None,
    outlook: pd.DataFrame | None = None,
) -> Sheet:
    """Lay a matrix out: KPIs down the funnel, each with its slices, periods across, fiscal years last.

    Args:
        matrix: A goal matrix.
        past: As made by ``trace_past``.
        catalog: The company's definitions.
        as_of: The last day that counts.
        fiscal_year_start: The month (1–12) in which the fiscal year begins.
        currency: ISO code of the company's currency.
        labels: Partition → its label.
        outlook: Revenue as simulated; without it the years' add up what came and what history lets one expect.
    """
    cells = matrix.reset_index(drop=True).assign(period_start=pd.to_datetime(matrix["period_start"]).to_numpy())
    periods = _list_periods(cells, fiscal_year_start)
    columns = [_describe_column(period, periods, as_of) for period in periods]
    column_of = {(period.grain, pd.Timestamp(period.start)): at for at, period in enumerate(periods)}
    rows = _list_rows(cells, past, catalog, currency, labels or {})
    row_of = {(row["kpi"], row["dimension"], row["slice"]): at for at, row in enumerate(rows) if row["kind"] != HEADING}
    at = np.full((len(rows), len(columns)), -1, dtype=int)
    places = {}
    for position, *key in cells[KEYS].itertuples():
        kpi, grain, start, dimension, value = key
        place = row_of[kpi, dimension, value], column_of[grain, start]
        at[place] = position
        places[to_cell(tuple(key))] = place
    known = {kpi: catalog.kpis[kpi] for kpi in cells["kpi"].unique() if kpi in catalog.kpis}
    ahead = foresee(cells, pd.DataFrame() if outlook is None else outlook, catalog=catalog)
    return Sheet(
        rows,
        columns,
        at,
        places,
        {kpi: found.unit for kpi, found in known.items()},
        {kpi: found.direction for kpi, found in known.items()},
        ahead["expected"].to_numpy(dtype=float),
        ahead["basis"].tolist(),
    )


def _list_periods(cells: pd.DataFrame, fiscal_year_start: int) -> list[Period]:
    found = cells[["grain", "period_start"]].drop_duplicates().itertuples(index=False)
    periods = [period_of(start.date(), grain, fiscal_year_start) for grain, start in found]
    has_fine = any(period.grain != "year" for period in periods)
    return sorted(periods, key=lambda period: (has_fine and period.grain == "year", period.start))


def _describe_column(period: Period, periods: list[Period], as_of: date) -> dict[str, str]:
    is_year = period.grain == "year" and any(other.grain != "year" for other in periods)
    kind = ENDED if period.end <= as_of else YEAR if is_year else AHEAD
    return {"grain": period.grain, "start": period.start.isoformat(), "label": period.label, "kind": kind}


def _list_rows(
    cells: pd.DataFrame, past: pd.DataFrame, catalog: Catalog, currency: str, labels: Mapping[str, str]
) -> list[dict[str, Any]]:
    traced = {key: part for key, part in past.groupby(["kpi", "dimension", "slice"])} if len(past) else {}
    size = cells["expected"].groupby([cells["kpi"], cells["dimension"], cells["slice"]]).sum()
    rows: list[dict[str, Any]] = []
    for kpi in cells["kpi"].unique():
        known = catalog.kpis.get(kpi)
        unit, label = (known.unit, known.label) if known else ("count", words.clean_text(kpi))
        parent = len(rows)

        def describe(kind: str, dimension: str, value: str, label: str, within: str = "") -> dict[str, Any]:
            series = traced.get((kpi, dimension, value))  # noqa: B023  # called at once
            values = [] if series is None else series["value"].tail(MOST_PAST).tolist()
            return {
                **{"kind": kind, "kpi": kpi, "dimension": dimension, "slice": value},  # noqa: B023
                **{"label": words.clean_text(label), "unit": unit, "within": within},  # noqa: B023
                "parent": -1 if kind == "kpi" else parent,  # noqa: B023
                "past": [float(f"{one:.5g}") for one in values],
                "pastText": _say_past(values, unit, currency),  # noqa: B023
            }

        rows.append(describe("kpi", TOTAL, TOTAL, label))
        mine = cells[(cells["kpi"] == kpi) & (cells["dimension"] != TOTAL)]
        for dimension in mine["dimension"].unique():
            within = in_sentence(words.clean_text(labels.get(dimension, words.label_of(dimension))))
            rows.append(describe(HEADING, dimension, "", f"by {within}", within))
            slices = mine.loc[mine["dimension"] == dimension, "slice"].unique()
            for value in sorted(slices, key=lambda one: (one == OTHER, -size[kpi, dimension, one], one)):
                rows.append(describe("slice", dimension, value, value, within))
    return rows


def _say_past(values: list[float], unit: str, currency: str) -> str:
    if not values:
        return "no complete period yet"
    low, high = (words.say_value(bound, unit, currency=currency) for bound in (min(values), max(values)))
    span = low if low == high else f"{low} to {high}"
    return f"the last {words.count_of(len(values), 'complete period')}: {span}"


def write_cells(
    sheet: Sheet,
    matrix: pd.DataFrame,
    typed: Mapping[GoalCell, Typed],
    *,
    waiting: Collection[GoalCell] = (),
    clashing: Collection[GoalCell] = (),
    past: Collection[GoalCell] = (),
    late: Mapping[GoalCell, str] | None = None,
    faults: Mapping[GoalCell, str] | None = None,
    currency: str = "USD",
    tolerance: float = 0.05,
) -> dict[str, Any]:
    """Write every cell: what it says, its state, how likely it is.

    Args:
        sheet: Where the cells stand.
        matrix: Solved, in the order of the one laid out.
        typed: What people set.
        waiting: Cells that are set but don't count yet.
        clashing: Cells of a set that contradicts itself.
        past: Cells of periods that are over and had no goal.
        late: Cells that ask for more than can still come → what can, in words.
        faults: Cells whose text is no goal → what is wrong.
        currency: ISO code of the company's currency.
        tolerance: Up to this share below its goal a period counts as close.

    Returns:
        Lists with one entry per cell, row by row: ``text``, ``number`` (None where there is none), ``state`` (one of
        ``STATES``), ``chance`` (0–100, -1 where unknown), ``flag`` (``late``, ``reach``, ``clash`` or empty); and
        ``faults`` and ``late``: place → words.
    """
    numbers = {name: matrix[name].to_numpy(dtype=float) for name in ("goal", "actual", "expected", "probability")}
    size = sheet.at.size
    out: dict[str, Any] = {"text": [""] * size, "number": [None] * size, "state": ["none"] * size}
    out |= {"chance": [-1] * size, "flag": [""] * size, "faults": {}, "late": {}}
    n_columns = len(sheet.columns)
    has_goals = bool(typed)
    for (row, column), position in np.ndenumerate(sheet.at):
        if position < 0:
            continue
        place, unit = row * n_columns + column, sheet.rows[row]["unit"]
        goal, actual, expected, chance = (float(numbers[name][position]) for name in numbers)
        is_over = sheet.columns[column]["kind"] == ENDED
        if is_over:
            shown, state = actual, _judge_past(goal, actual, sheet.directions.get(sheet.rows[row]["kpi"]), tolerance)
            state = state if has_goals else "past"
        else:
            shown = goal
            state = "expected" if abs(goal - expected) <= ASKS_NOTHING * abs(expected) else "solved"
            out["chance"][place] = -1 if chance != chance else round(100 * chance)
            out["flag"][place] = "reach" if chance < OUT_OF_REACH else ""
        out["state"][place] = state
        if shown == shown:
            out["number"][place] = float(f"{shown:.9g}")
            out["text"][place] = _write(shown, unit, currency)
    for cell in past:
        row, column = sheet.places[cell]
        out["state"][row * n_columns + column] = "past"
    _lay_typed(out, sheet, typed, waiting, currency)
    _flag(out, sheet, clashing, late or {}, faults or {}, typed)
    return out


def _lay_typed(
    out: dict[str, Any], sheet: Sheet, typed: Mapping[GoalCell, Typed], waiting: Collection[GoalCell], currency: str
) -> None:
    """Lay what people set over what was solved; what doesn't count yet shows the number that was typed."""
    for cell, one in typed.items():
        if not sheet.is_open(cell):
            continue
        row, column = sheet.places[cell]
        place = row * len(sheet.columns) + column
        if one.goal is not None:
            out["number"][place] = one.goal
            out["text"][place] = _write(one.goal, sheet.rows[row]["unit"], currency)
        out["state"][place] = LOCKED if one.is_locked else GOAL if one.goal is not None else out["state"][place]
        if cell in waiting:
            out["state"][place], out["chance"][place] = "waiting", -1


def _flag(
    out: dict[str, Any],
    sheet: Sheet,
    clashing: Collection[GoalCell],
    late: Mapping[GoalCell, str],
    faults: Mapping[GoalCell, str],
    typed: Mapping[GoalCell, Typed],
) -> None:
    def place_of(cell: GoalCell) -> int:
        row, column = sheet.places[cell]
        return row * len(sheet.columns) + column

    for cell, said in late.items():
        if sheet.is_open(cell):
            out["flag"][place_of(cell)] = "late"
            out["late"][str(place_of(cell))] = said
    for cell in clashing:
        if cell in sheet.places:
            out["flag"][place_of(cell)] = "clash"
    for cell, fault in faults.items():
        if cell in sheet.places:
            out["faults"][str(place_of(cell))] = {"text": words.clean_text(typed[cell].text), "message": fault}


def _judge_past(goal: float, actual: float, direction: str | None, tolerance: float) -> str:
    if actual != actual or goal != goal:
        return "none" if actual != actual else "past"
    sign = -1.0 if direction == "down" else 1.0
    short = sign * (goal - actual) / goal if goal else 0.0
    return "reached" if short <= 1e-9 else "close" if short <= tolerance else "missed"


def _write(value: float, unit: str, currency: str) -> str:
    digits = (0 if value >= 20 or value == int(value) else 1) if unit == "count" else None
    return words.say_value(value, unit, currency=currency, digits=digits)


def read_cell(named: Any) -> GoalCell | None:
    """Read a cell as the browser names it; None where that is none."""
    if not isinstance(named, list) or len(named) < 5 or not all(isinstance(part, str) for part in named[:5]):
        return None
    try:
        return GoalCell(named[0], named[1], date.fromisoformat(named[2]), named[3], named[4])
    except ValueError:
        return None
