"""What a person meant by the cells of a goal workbook: the number, the word beside it, and both together."""

from collections.abc import Mapping
from typing import Any

from helpers.answers.goal_editing import FREE, GOAL, LOCKED, Typed
from helpers.answers.goal_numbers import read_goal_text
from helpers.answers.spreadsheet_cells import CellFault, plain_text
from helpers.answers.spreadsheet_reading import Cell
from helpers.errors import suggest

STATE_WORDS = {
    **dict.fromkeys(("", "free", "solved", "follows", "open"), FREE),
    **dict.fromkeys(("goal", "set", "target"), GOAL),
    **dict.fromkeys(("locked", "lock", "fixed", "hold"), LOCKED),
}
"""What may stand beside a goal → what it says; the export writes nothing, ``goal`` and ``locked``."""

BEYOND, LATE = "×", "◷"
"""Stand behind the word of a goal that is out of reach, and of one that it is too late for."""

SAME = 1e-9
PERCENT_LIMIT = 10.0
"""A share typed into a cell of per cent beyond 1,000 % is a number per cent that was pasted."""


def read_goal_cell(
    cell: Cell, unit: str, currency: str, decimal: str = ".", shown: Any = None
) -> tuple[float | None, CellFault | None]:
    """Read a goal from a cell of a spreadsheet.

    Args:
        cell: The cell.
        unit: The KPI's.
        currency: The company's.
        decimal: The sign before the fraction where the company is at home.
        shown: The number that was exported into it.

    Returns:
        The goal (None: blank) and what is wrong with the cell. The exported number comes back exactly.

    >>> read_goal_cell(Cell("30 %", "text"), "share", "EUR"), read_goal_cell(Cell(30, "number"), "share", "EUR")
    ((0.3, None), (0.3, None))
    """
    if cell.is_blank:
        return None, None
    if cell.kind == "formula":
        told = cell.value if len(cell.value) <= 60 else f"{cell.value[:57]}…"
        return None, (f"a formula stands here: {told}.", "Type the number itself; formulas are never computed.")
    if cell.kind == "error":
        return None, (f"the spreadsheet shows the error {cell.value}.", "Type the number again.")
    if cell.kind == "truth":
        return None, (f"'{str(cell.value).upper()}' is no number.", "Type a number, or clear the cell.")
    if cell.kind in ("date", "time"):
        return None, (
            "the spreadsheet made a date of what was typed.",
            "Give the cell the format General and type the number again.",
        )
    is_number = cell.kind == "number"
    if is_number and isinstance(shown, int | float) and _is_same(cell.value, shown):
        return float(shown), None
    if is_number and (unit != "share" or "%" in cell.format) and 0 <= cell.value <= 1e15:
        if unit == "share" and cell.value > PERCENT_LIMIT:
            said = f"{cell.value * 100:,.0f} %"
            return None, (
                f"{said} is more than a share can be.",
                f"Did you mean {cell.value:g} %? Type it with its sign.",
            )
        return float(cell.value), None
    text = f"{cell.value:.15g}" if is_number else plain_text(str(cell.value))
    read = read_goal_text(text, unit, currency=currency, decimal="." if is_number else decimal, is_sure=is_number)
    if read.fault:
        message, _, cure = read.fault.partition(". ")
        return None, (f"{message.rstrip('.')}.", cure)
    return read.value, None


def read_state(cell: Cell) -> tuple[str, CellFault | None]:
    """Read the word beside a goal: goal, locked or free; blank is free."""
    if cell.is_blank:
        return FREE, None
    said = str(cell.value).replace(BEYOND, "").replace(LATE, "").strip().casefold()
    if cell.kind == "text" and said in STATE_WORDS:
        return STATE_WORDS[said], None
    hint = suggest(said[:40], ["goal", "locked"]) if cell.kind == "text" else ""
    return FREE, (f"'{str(cell.value)[:40]}' is no state.", f"Write goal or locked, or clear the cell.{hint}")


def decide(
    value: float | None, shown: Any, state: str, was: str, base: Mapping[str, Any], where: str
) -> tuple[Typed | None, tuple[str, CellFault] | None]:
    """Say what number and word together set.

    Args:
        value: The number that stands in the workbook.
        shown: The one that was exported.
        state: The word beside it.
        was: The one that was exported.
        base: What the export keeps of the cell.
        where: The cell, for the message.

    Returns:
        What is set, None where both are as they were exported; and where they contradict each other the cell, what is
        wrong and what to do.
    """
    known = float(shown) if isinstance(shown, int | float) else None
    if value == known and state == was:
        return None, None
    if value is None:
        if state == GOAL != was:
            return None, (where, ("a goal is wanted here, and no number stands beside it.", "Type the number."))
        is_held = state == LOCKED != was
        return Typed(None, is_held), None
    if value == known:
        own = held_of(base).goal
        kept = value if own is None else own
        return (Typed() if state == FREE else Typed(kept, state == LOCKED)), None
    if state == FREE != was:
        cure = "Write goal or locked beside the new number, or clear the number."
        return None, (where, ("the number was changed, and the word that holds it was cleared.", cure))
    return Typed(value, state == LOCKED), None


def held_of(base: Mapping[str, Any]) -> Typed:
    """Return what was set of a cell when it was exported."""
    held = base.get("held")
    if not isinstance(held, Mapping):
        return Typed()
    goal = held.get("goal")
    return Typed(float(goal) if isinstance(goal, int | float) else None, held.get("locked") is True)


def _is_same(one: float, other: float) -> bool:
    return abs(one - other) <= SAME * max(abs(one), abs(other))
