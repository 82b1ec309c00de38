"""What the goal editor says: the finding above the grid, contradictions with their ways out, who took a change up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.goal_prospects import Lateness
from helpers.analyses.goal_trial import Clash
from helpers.answers.goal_editing import LOCKED, GoalCell, GoalConflict, Typed
from helpers.model.catalog import Catalog
from helpers.present import words
from helpers.present.forms.goal_sheet import REVENUE, Sheet, to_cell, to_key
from helpers.units import in_sentence

MOST_NAMED = 3
MOST_RELEASES = 4

Record = dict[str, Any]


def say_amount(value: float | None, unit: str, currency: str) -> str:
    """Write a goal for a sentence."""
    digits = 0 if unit == "count" and value is not None and (value >= 20 or value == int(value)) else None
    return words.say_value(value, unit, currency=currency, digits=digits)


def pack(cell: GoalCell) -> list[str]:
    """Return a cell as the browser names it."""
    return [cell.kpi, cell.grain, cell.period_start.isoformat(), cell.dimension, cell.slice]


def say_title(
    matrix: pd.DataFrame, sheet: Sheet, typed: Mapping[GoalCell, Typed], *, catalog: Catalog, currency: str
) -> str:
    """Say what the year's revenue goal asks for, or that there is none yet."""
    years = [at for at, column in enumerate(sheet.columns) if column["kind"] == "year"] or [
        at for at, column in enumerate(sheet.columns) if column["kind"] == "ahead"
    ]
    row = next((at for at, one in enumerate(sheet.rows) if one["kpi"] == REVENUE and one["kind"] == "kpi"), -1)
    if row < 0 or not years or sheet.at[row, years[0]] < 0:
        return "Type a goal, and every other cell follows from it"
    column, position = sheet.columns[years[0]], int(sheet.at[row, years[0]])
    goal, chance = (float(matrix[name].iloc[position]) for name in ("goal", "probability"))
    expected = float(sheet.foreseen[position])
    if not any(sheet.is_open(cell) for cell in typed):
        usual = say_amount(expected, "currency", currency)
        return f"Nobody has set a goal for {column['label']}: history lets one expect {usual}"
    said = f"{say_amount(goal, 'currency', currency)} in {column['label']}"
    asks = _find_ask(matrix, sheet, years[0])
    likely = "" if chance != chance else f", {say_chance(chance)} likely"
    if asks is None:
        return f"{said} asks for no more than history lets one expect{likely}"
    kpi, change = asks
    label = in_sentence(catalog.kpis[kpi].label if kpi in catalog.kpis else kpi)
    size = f"{abs(change) * 100:.0f} %"
    if sheet.units.get(kpi) in ("count", "currency"):
        return f"{said} asks for {size} {'more' if change > 0 else 'fewer'} {label} than expected{likely}"
    return f"{said} asks for {label} {size} {'above' if change > 0 else 'below'} its usual{likely}"


def _find_ask(matrix: pd.DataFrame, sheet: Sheet, column: int) -> tuple[str, float] | None:
    """Find the KPI of the company that has to leave its expectation most."""
    found = []
    for row, about in enumerate(sheet.rows):
        position = sheet.at[row, column]
        if about["kind"] == "kpi" and position >= 0 and about["kpi"] != REVENUE:
            goal, expected = float(matrix["goal"].iloc[position]), float(sheet.foreseen[position])
            if expected > 0 and goal > 0:
                found.append((abs(np.log(goal / expected)), about["kpi"], goal / expected - 1))
    most = max(found, default=(0.0, "", 0.0))
    return (most[1], most[2]) if most[0] >= 0.005 else None


def say_chance(chance: float) -> str:
    """Write how likely a goal is; nothing is impossible or certain in a simulation."""
    return "< 1 %" if chance < 0.01 else "> 99 %" if chance > 0.99 else f"{chance * 100:.0f} %"


def describe_clash(
    clash: Clash,
    releases: pd.DataFrame | None,
    sheet: Sheet,
    *,
    currency: str,
    past: Collection[GoalCell] = (),
    widen: Callable[[tuple], Sequence[tuple]] = lambda key: (),
) -> Record:
    """Say which goals contradict each other, and offer what can be released, the cheapest first.

    Args:
        clash: The set.
        releases: As ranked by ``price_releases``; None where that isn't known yet.
        sheet: Where the cells stand.
        currency: ISO code of the company's currency.
        past: Cells that hold what came.
        widen: Finds what to release with a cell that isn't enough by itself; see ``widen_release``.
    """
    cells = [to_cell(tuple(key)) for key in clash.cells[list(GoalCell._fields)].itertuples(index=False)]
    goals = dict(zip(cells, clash.cells["goal"], strict=True))
    waiting = to_cell(clash.held_back)
    said = [
        f"{sheet.name(cell)}: {say_amount(goals[cell], sheet.units.get(cell.kpi, ''), currency)}"
        + (", which is what came" if cell in past else "")
        for cell in cells
    ]
    lines = [f"No numbers make these {len(cells)} true at once:", *said] if len(cells) > 1 else said
    name = sheet.name(waiting)
    states = dict(zip(cells, clash.cells["state"], strict=True))
    is_open = states[waiting] != LOCKED and any(states[cell] == LOCKED for cell in cells if cell not in past)
    if is_open:
        lines.append(f"{name} doesn't count until you choose: locked cells count first, then goals as they were set.")
    else:
        lines.append(f"{name} was set last and doesn't count until you choose. Nothing else has changed.")
    buttons = [] if releases is None else _offer_releases(clash, releases, sheet, currency, widen)
    if releases is not None:
        buttons.append({"label": f"Set {name} free again", "send": {"do": "release", "cells": [pack(waiting)]}})
    return {"kind": "clash", "title": "These goals contradict each other", "lines": lines, "buttons": buttons}


def _offer_releases(
    clash: Clash, releases: pd.DataFrame, sheet: Sheet, currency: str, widen: Callable[[tuple], Sequence[tuple]]
) -> list[Record]:
    buttons: list[Record] = []
    for row in releases.to_dict("records"):
        key = tuple(row[name] for name in GoalCell._fields)
        cell, unit = to_cell(key), sheet.units.get(row["kpi"], "")
        if to_key(cell) == clash.held_back or not sheet.is_open(cell) or len(buttons) >= MOST_RELEASES:
            continue
        keys = (key,) if row["is_enough"] else tuple(widen(key))
        if not keys:
            continue
        with_it = f" and {words.count_of(len(keys) - 1, 'goal')} of its slices" if len(keys) > 1 else ""
        becomes = row["becomes"]
        then = "" if words.is_missing(becomes) else f", it becomes {say_amount(becomes, unit, currency)}"
        buttons.append(
            {
                "label": f"Release {sheet.name(cell)}{with_it}{then}",
                "hint": "The cheapest: nearest to what history lets one expect" if not buttons else "",
                "kind": "first" if not buttons else "",
                "send": {"do": "release", "cells": [pack(to_cell(one)) for one in keys]},
            }
        )
    return buttons


def describe_beyond(cell: GoalCell, typed: Typed, sheet: Sheet) -> Record:
    """Say that a share above 100 % can't be."""
    said = words.say_value(typed.goal, "share")
    return {
        "kind": "clash",
        "title": f"{sheet.name(cell)}: {said} can't be reached",
        "lines": ["A share of records that move on is at most 100 %. It doesn't count, and nothing else has changed."],
        "buttons": [
            {"label": "Show the cell", "cell": pack(cell)},
            {"label": "Set it free again", "send": {"do": "release", "cells": [pack(cell)]}},
        ],
    }


def describe_unsolved(cells: Sequence[GoalCell], sheet: Sheet) -> Record:
    """Say that no solution was found though none was proved impossible."""
    named = "; ".join(sheet.name(cell) for cell in list(cells)[:MOST_NAMED])
    more = f" and {len(cells) - MOST_NAMED} more" if len(cells) > MOST_NAMED else ""
    return {
        "kind": "clash",
        "title": "No numbers were found that agree with these goals",
        "lines": [
            f"{named}{more} don't count for now. It isn't proved that they contradict the others.",
            "Set one of them free, or bring it nearer to what is expected.",
        ],
        "buttons": [{"label": "Set them free again", "send": {"do": "release", "cells": [pack(c) for c in cells]}}],
    }


def describe_fault(cell: GoalCell, fault: str, sheet: Sheet) -> Record:
    """Say what is wrong with a text that is no goal."""
    return {
        "kind": "clash",
        "title": f"{sheet.name(cell)}: not understood",
        "lines": [fault, "The text is kept; the goal that held before still does."],
        "buttons": [{"label": "Show the cell", "cell": pack(cell)}],
    }


def describe_conflict(cell: GoalCell, conflict: GoalConflict, sheet: Sheet, currency: str) -> Record:
    """Show both values of a cell that two windows have set, and the choice between them."""
    unit = sheet.units.get(cell.kpi, "")

    def say(one: Typed) -> str:
        if one.is_blank:
            return "free"
        return f"{one.text or say_amount(one.goal, unit, currency)}{', locked' if one.is_locked else ''}"

    return {
        "kind": "conflict",
        "title": f"{sheet.name(cell) if cell in sheet.places else cell.kpi} was also set in another window",
        "lines": [f"Here: {say(conflict.mine)}", f"There: {say(conflict.theirs)}"],
        "buttons": [
            {"label": "Keep mine", "send": {"do": "resolve", "cells": [pack(cell)], "keep": "mine"}},
            {"label": "Take the other", "send": {"do": "resolve", "cells": [pack(cell)], "keep": "theirs"}},
        ],
    }


def say_absorbed(absorbed: pd.DataFrame, sheet: Sheet, *, currency: str) -> list[str]:
    """Say who took a change up: the cells beside it, then what it asks of the company's other KPIs."""

    def say(row: Mapping[Any, Any]) -> str:
        unit = sheet.units.get(row["kpi"], "")
        before, after = (say_amount(row[name], unit, currency) for name in ("before", "after"))
        return f"{sheet.name(to_cell(tuple(row[name] for name in GoalCell._fields)))} {before} → {after}"

    lines = []
    for is_beside, lead in ((True, "Taken up by: "), (False, "Asks for: ")):
        rows = absorbed[absorbed["is_beside"].astype(bool) == is_beside]
        if len(rows):
            more = f" and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else ""
            lines.append(lead + "; ".join(say(row) for row in rows.head(MOST_NAMED).to_dict("records")) + more + ".")
    return lines


def say_late(lateness: Lateness, unit: str, currency: str) -> str:
    """Say what can still come, and since when it is too late for the rest."""
    day = f"too late since {words.say_date(lateness.since)}: " if lateness.since else ""
    return f"{day}earlier stages can still bring {say_amount(lateness.reachable, unit, currency)}"


def describe_cell(
    cell: GoalCell,
    sheet: Sheet,
    row: Mapping[str, Any],
    past: pd.DataFrame,
    *,
    catalog: Catalog,
    currency: str,
    state: str,
    waits: float | None = None,
    late: str = "",
    basis: str = "",
) -> Record:
    """Say what is known of a cell: goal, expectation, chance, its place in history with n, its definition."""
    unit = sheet.units.get(cell.kpi, "count")
    known = catalog.kpis.get(cell.kpi)

    def say(value: Any) -> str:
        return (
            words.say_full(value, unit, currency=currency) if unit == "currency" else say_amount(value, unit, currency)
        )

    facts = [["Goal", say(row["goal"])]]
    if not words.is_missing(row["actual"]):
        facts = [["Actual", say(row["actual"])], ["Goal", say(row["goal"])]]
    facts.append(["State", state])
    position = sheet.at[sheet.places[cell]]
    expected = row["expected"] if not words.is_missing(row["actual"]) else float(sheet.foreseen[position])
    if not words.is_missing(expected):
        facts.append(["Expected", say(expected)])
        if expected and words.is_missing(row["actual"]):
            change = row["goal"] / expected - 1
            facts.append(
                ["Asks for", "as expected" if abs(change) < 0.005 else f"{change * 100:+.0f} %".replace("-", "−")]
            )
    if not words.is_missing(row["probability"]) and words.is_missing(row["actual"]):
        facts.append(["Chance", say_chance(float(row["probability"]))])
    if len(past):
        values = past["value"].to_numpy(dtype=float)
        facts.append(["Best of the past", say(values.max())])
        if words.is_missing(row["actual"]) and cell.grain != "year":
            reached = int((values >= row["goal"] * (1 - 1e-6)).sum())
            facts.append(["Reached before", f"{reached} of {words.count_of(len(values), 'period')}"])
        last = past.iloc[-1]
        n = "" if words.is_missing(last["n"]) or unit == "count" else f", n = {last['n']:,.0f}"
        facts.append(["Latest period", f"{say_amount(last['value'], unit, currency)}{n}"])
    definition = words.clean_text(known.description) if known else ""
    rests = f"Expected: {sheet.basis[position]}." if sheet.basis[position] else ""
    how = {"volumes": "Here a quotient of the two volumes, since records also enter further down."}.get(basis, "")
    return {
        "title": sheet.name(cell),
        "facts": facts,
        "note": " ".join(
            part for part in (f"{late[:1].upper()}{late[1:]}." if late else "", definition, how, rests) if part
        ),
    }
