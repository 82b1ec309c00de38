"""One goal split over the values of a partition: by history, by hand, or so that it takes the least effort.

The parts always add up to the goal to the cent or the record, and every part says what it took of the difference.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.effort_curves import OPEN, EffortCurves, fill_up, round_exactly
from helpers.analyses.slice_returns import read_slices
from helpers.errors import ParameterError, QuestionError, suggest
from helpers.model.goal import load_goal_rules
from helpers.model.pipeline_source import AllocationRules, load_pipeline_sources
from helpers.periods import Period

HOWS = ("history", "hand", "optimise")
ALLOCATION_COLUMNS = [
    "slice", "goal", "expected", "low_bound", "high_bound", "share", "absorbed", "n", "note", "effort", "return",
]  # fmt: skip


def allocate_goal(
    slices: pd.DataFrame,
    goal: float,
    *,
    unit: str = "currency",
    how: str = "history",
    typed: Mapping[str, float] | None = None,
    shares: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float | None, float | None]] | None = None,
    absorber: str = "",
    minimum_n: int = 20,
    rules: AllocationRules | None = None,
) -> pd.DataFrame:
    """Split a goal over slices.

    Args:
        slices: As made by ``slice_returns.read_slices``.
        goal: What the slices have to bring together; of a count the nearest whole number.
        unit: The KPI's: ``currency`` (parts to the cent) or ``count`` (whole records).
        how: ``history``: by the shares of the last year. ``hand``: what was typed stays, the rest by history.
            ``optimise``: the split that brings most revenue for equal effort.
        typed: Slice → goal that stays as typed.
        shares: Slice → share of the goal that stays as typed, 0–1.
        bounds: Slice → lowest and highest goal; None leaves a side open. Optimising bounds every other slice by the
            rules' spread around its part by history, and lifts none beyond its best period ever.
        absorber: The slice that takes the whole difference to what is expected, while the others stay as expected.
        minimum_n: Slices with fewer records behind them are marked as small.
        rules: What ``pipeline_sources.toml`` says of allocation.

    Returns:
        One row per slice, in the order given, with ``ALLOCATION_COLUMNS``: ``goal``, ``expected`` (as given), the
        bounds held (blank where open), ``share`` of the goal, ``absorbed`` = goal − expected, ``n`` records behind the
        share, a ``note``, and where optimised the ``effort`` that it takes and the ``return`` (revenue per unit of
        effort at the part by history). Goals add up exactly. ``attrs``: ``how``, ``unit``, ``goal``, ``absorber``,
        ``is_effort`` (see ``read_slices``); where optimised ``before`` and ``after``: revenue by history and optimised
        for equal effort; ``elasticity``.

    Raises:
        ParameterError: What is typed can't be kept, or bounds contradict the goal; the text names the slices.
        QuestionError: A slice is unknown.
    """
    rules = rules or load_pipeline_sources().allocation
    names = [str(name) for name in slices["slice"]]
    typed, shares, bounds = dict(typed or {}), dict(shares or {}), dict(bounds or {})
    _check(names, [*typed, *shares, *bounds], unit=unit, how=how, goal=goal, absorber=absorber)
    scale = 100 if unit == "currency" else 1
    total = int(np.floor(goal * scale + 0.5))
    weights = slices["volume"].to_numpy(dtype=float).clip(min=0)
    fixed = _fix(names, typed, shares, total, scale)
    low, high = _bound(names, bounds, fixed, scale)
    past = fill_up(weights, np.zeros(len(names)), np.full(len(names), float(OPEN)), total)
    if how == "optimise":
        low, high = _bound_by_history(slices, past, (low, high), set(bounds) | {names[i] for i in fixed}, rules, scale)
    _require_room(names, low, high, total, scale)
    expected = np.nan_to_num(slices["expected"].to_numpy(dtype=float))
    effort, extra = np.full(len(names), np.nan), {}
    if absorber:
        parts = _absorb(names, expected * scale, low, high, total, scale, absorber)
    else:
        parts = round_exactly(fill_up(weights, low, high, total), low, high, total)
    if how == "optimise":
        parts, effort, extra = _optimise(slices, parts, past, (low, high), total, scale, rules)
    notes = _note(slices, parts, (low, high), fixed, absorber=absorber, minimum_n=minimum_n)
    table = _lay_out(slices, parts, (low, high), total, scale).assign(note=pd.Series(notes, dtype="str"), effort=effort)
    table["return"] = slices["return"].to_numpy(dtype=float) if how == "optimise" else np.nan
    attrs = {"how": how, "unit": unit, "goal": total / scale, "absorber": absorber, **dict(slices.attrs), **extra}
    table = table[ALLOCATION_COLUMNS]
    table.attrs.update(attrs)
    return table


def review_allocation(
    company,
    cells: pd.DataFrame,
    matrix: pd.DataFrame,
    *,
    period: Period,
    kpi: str = "revenue_won",
    dimension: str = "source",
    goal: float = 0.0,
    driver: str = "opportunities",
    **options: Any,
) -> pd.DataFrame:
    """Split the goal of one cell of the matrix over a partition.

    Args:
        company: The opened company.
        cells: The columns of ``kpis.csv``.
        matrix: A solved goal matrix.
        period: The period of the goal.
        kpi: The KPI's id.
        dimension: The partition's id.
        goal: The goal; 0 takes the company's own in the matrix.
        driver: See ``read_slices``.
        options: ``how``, ``typed``, ``shares``, ``bounds`` and ``absorber`` of ``allocate_goal``.

    Returns:
        As ``allocate_goal``; no rows where no period of the partition is complete or the matrix holds no such goal.
    """
    if kpi not in set(cells["kpi"]) or dimension not in set(cells["dimension"]):
        return pd.DataFrame(columns=ALLOCATION_COLUMNS)
    catalog = company.catalog
    slices = read_slices(
        cells, kpi=kpi, dimension=dimension, period=period, catalog=catalog, rules=load_goal_rules(), driver=driver
    )
    if not goal and len(matrix):
        starts = pd.to_datetime(matrix["period_start"]) == pd.Timestamp(period.start)
        mine = matrix[starts & (matrix["kpi"] == kpi) & (matrix["grain"] == period.grain) & (matrix["slice"] == "all")]
        goal = float(mine["goal"].iloc[0]) if len(mine) else 0.0
    if slices.empty or not goal > 0:
        return pd.DataFrame(columns=ALLOCATION_COLUMNS)
    unit = "currency" if catalog.kpis[kpi].unit == "currency" else "count"
    return allocate_goal(slices, goal, unit=unit, minimum_n=catalog.rules.minimum_n, **options)


def as_goals(
    allocation: pd.DataFrame, *, kpi: str, grain: str, period_start: Any, dimension: str, locked: bool = False
) -> list[dict[str, Any]]:
    """Turn an allocation into goals of the goal matrix.

    Args:
        allocation: As made by ``allocate_goal``.
        kpi: The KPI's id.
        grain: The length of the period.
        period_start: Its first day.
        dimension: The partition's id.
        locked: Whether the goals hold come what may.

    Returns:
        One record per slice, as a ``[[goal]]`` table of ``answers/goals.toml`` holds it: kpi, grain, period_start (a
        date), dimension, slice, goal, and locked where it is true.
    """
    day = pd.Timestamp(period_start).date()
    cell = {"kpi": kpi, "grain": grain, "period_start": day, "dimension": dimension}
    held = {"locked": True} if locked else {}
    goals = zip(allocation["slice"], allocation["goal"].astype(float), strict=True)
    return [{**cell, "slice": str(name), "goal": int(g) if g.is_integer() else g, **held} for name, g in goals]


def split_exactly(weights: np.ndarray, total: float, *, scale: int = 100) -> np.ndarray:
    """Split a total by weights into parts that add up to it to the last unit (cents by default).

    >>> split_exactly(np.array([1.0, 1.0, 1.0]), 100.0)
    array([33.34, 33.33, 33.33])
    """
    units = int(np.floor(total * scale + 0.5))
    low, high = np.zeros(len(weights)), np.full(len(weights), float(OPEN))
    return (
        round_exactly(fill_up(np.asarray(weights, dtype=float).clip(min=0), low, high, units), low, high, units) / scale
    )


def _optimise(
    slices: pd.DataFrame, parts: np.ndarray, past: np.ndarray, bounds: tuple[np.ndarray, np.ndarray], total: int,
    scale: int, rules: AllocationRules,
) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:  # fmt: skip
    """Return the parts that bring most for equal effort, the effort each takes, and what that makes of revenue."""
    is_effort = bool(slices.attrs.get("is_effort", False))
    curves = EffortCurves(past, slices["return"].to_numpy(dtype=float), scale, rules.elasticity, is_effort)
    best, told = curves.improve(parts, *bounds, total)
    return best, curves.effort(best), told


def _check(names: list[str], named: list[str], *, unit: str, how: str, goal: float, absorber: str) -> None:
    for what, value, allowed in (("how", how, HOWS), ("unit", unit, ("currency", "count"))):
        if value not in allowed:
            raise ParameterError(
                f"[{what}] '{value}' is unknown. Allowed: {', '.join(allowed)}.{suggest(value, allowed)}"
            )
    if not np.isfinite(goal) or goal < 0:
        raise ParameterError(f"[goal] {goal} can't be split. Give a number of 0 or more.")
    if absorber and how == "optimise":
        raise ParameterError("[absorber] optimising moves every slice. Take history or hand, or name no absorber.")
    for name in [*named, *([absorber] if absorber else [])]:
        if name not in names:
            raise QuestionError(f"[slice] '{name}' is not among the slices: {', '.join(names)}.{suggest(name, names)}")
    if not names:
        raise QuestionError("[slice] there is no slice to split the goal over. Take a partition with complete periods.")


def _fix(
    names: list[str], typed: Mapping[str, float], shares: Mapping[str, float], total: int, scale: int
) -> dict[int, int]:
    """Return what stays as typed, by place, in whole units."""
    fixed = {}
    for name, value in typed.items():
        units = value * scale
        if not np.isfinite(value) or value < 0 or abs(units - round(units)) > 1e-6:
            what = "whole number" if scale == 1 else "amount to the cent"
            raise ParameterError(f"[{name}] {value} can't be a goal here. Type a {what} of 0 or more.")
        fixed[names.index(name)] = round(units)
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise ParameterError(f"[{name}] {share} is no share. Type 0.3 for 30 %.")
        if names.index(name) in fixed:
            raise ParameterError(f"[{name}] both a goal and a share were typed. Keep one of them.")
    if sum(shares.values()) > 1 + 1e-9:
        told = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
        raise ParameterError(f"[shares] {told} are more than the whole together. Lower one of them.")
    rest = 1.0 - sum(shares.values())
    if shares:
        weights = np.array([*shares.values(), max(rest, 0.0)])
        parts = split_exactly(weights if rest > 1e-9 else weights[:-1], total, scale=1)
        fixed |= {names.index(name): round(part) for name, part in zip(shares, parts, strict=False)}
    return fixed


def _bound(
    names: list[str], bounds: Mapping[str, tuple[float | None, float | None]], fixed: Mapping[int, int], scale: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return lowest and highest goal of each slice in whole units, drawn inwards."""
    low, high = np.zeros(len(names)), np.full(len(names), float(OPEN))
    for name, (lowest, highest) in bounds.items():
        place = names.index(name)
        if lowest is not None:
            low[place] = max(np.ceil(lowest * scale - 1e-6), 0.0)
        if highest is not None:
            high[place] = np.floor(highest * scale + 1e-6)
        if low[place] > high[place]:
            told = f"between {lowest or 0:,g} and {highest:,g}"
            raise ParameterError(f"[bounds of {name}] no goal lies {told}. Raise the high bound or lower the low one.")
    for place, units in fixed.items():
        if not low[place] <= units <= high[place]:
            bound = _tell(low[place], scale), _tell(high[place], scale) if high[place] < OPEN else "open"
            raise ParameterError(
                f"[{names[place]}] {_tell(units, scale)} was typed, outside its bounds {bound[0]} to {bound[1]}. "
                "Change the goal or the bounds."
            )
        low[place] = high[place] = units
    return low, high


def _bound_by_history(
    slices: pd.DataFrame, past: np.ndarray, given: tuple[np.ndarray, np.ndarray], told: set[str],
    rules: AllocationRules, scale: int,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Hold slices that nobody bounded near their part by history, and none beyond the best it has ever done."""
    low, high = given[0].copy(), given[1].copy()
    best = slices["best"].to_numpy(dtype=float) * scale
    for place, name in enumerate(slices["slice"]):
        if str(name) in told:
            continue
        low[place] = np.floor(past[place] * (1 - rules.spread))
        widest = past[place] * (1 + rules.spread)
        high[place] = np.ceil(min(widest, max(best[place], past[place])) - 1e-9)
    return low, high


def _require_room(names: list[str], low: np.ndarray, high: np.ndarray, total: int, scale: int) -> None:
    floor, ceiling = low.sum(), high.sum()
    if floor > total:
        held = [(names[i], low[i]) for i in np.argsort(-low, kind="stable") if low[i] > 0]
        raise ParameterError(
            f"[bounds] {_list(held, scale)} have to reach {_tell(floor, scale)} together, "
            f"{_tell(floor - total, scale)} more than the goal of {_tell(total, scale)}. Lower one of these, or raise "
            "the goal."
        )
    if ceiling < total:
        held = [(names[i], high[i]) for i in np.argsort(-high, kind="stable")]
        raise ParameterError(
            f"[bounds] {_list(held, scale)} may reach {_tell(ceiling, scale)} together at most, "
            f"{_tell(total - ceiling, scale)} less than the goal of {_tell(total, scale)}. Raise one of these, or "
            "lower the goal."
        )


def _list(held: list[tuple[str, float]], scale: int) -> str:
    return ", ".join(f"{name} ({_tell(units, scale)})" for name, units in held)


def _tell(units: float, scale: int) -> str:
    value = units / scale
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def _absorb(
    names: list[str], expected: np.ndarray, low: np.ndarray, high: np.ndarray, total: int, scale: int, absorber: str
) -> np.ndarray:
    """Leave everybody where they are expected to be, and let one slice take the difference."""
    place = names.index(absorber)
    if low[place] == high[place]:
        raise ParameterError(f"[absorber] {absorber} stays at what was typed. Name another slice, or clear its goal.")
    parts = np.clip(np.floor(expected + 0.5), low, high)
    parts[place] = total - (parts.sum() - parts[place])
    if not low[place] <= parts[place] <= high[place]:
        bound = f"at least {_tell(low[place], scale)}"
        bound += f" and at most {_tell(high[place], scale)}" if high[place] < OPEN else ""
        raise ParameterError(
            f"[absorber] {absorber} would have to take {_tell(parts[place], scale)} and may take {bound}: the others "
            f"are expected to bring {_tell(total - parts[place], scale)} of {_tell(total, scale)}. Name another slice, "
            "or share the difference out by history."
        )
    return parts


def _lay_out(
    slices: pd.DataFrame, parts: np.ndarray, bounds: tuple[np.ndarray, np.ndarray], total: int, scale: int
) -> pd.DataFrame:
    expected = np.nan_to_num(slices["expected"].to_numpy(dtype=float))
    return pd.DataFrame(
        {
            "slice": slices["slice"].astype("str").to_numpy(),
            "goal": parts / scale,
            "expected": expected,
            "low_bound": np.where(bounds[0] > 0, bounds[0] / scale, np.nan),
            "high_bound": np.where(bounds[1] < OPEN, bounds[1] / scale, np.nan),
            "share": parts / total if total else np.nan,
            "absorbed": parts / scale - expected,
            "n": slices["n"].to_numpy(),
        }
    ).astype({"slice": "str"})


def _note(
    slices: pd.DataFrame, parts: np.ndarray, bounds: tuple[np.ndarray, np.ndarray], fixed: Mapping[int, int], *,
    absorber: str, minimum_n: int,
) -> list[str]:  # fmt: skip
    low, high = bounds
    notes = []
    for place, name in enumerate(slices["slice"]):
        said = []
        if place in fixed:
            said.append("as typed")
        elif name == absorber:
            said.append("takes the difference")
        elif parts[place] == low[place] and low[place] > 0:
            said.append("at its low bound")
        elif parts[place] == high[place]:
            said.append("at its high bound")
        if slices["volume"].iloc[place] <= 0:
            said.append("nothing in the last year")
        elif slices["n"].iloc[place] < minimum_n:
            said.append("few records")
        notes.append(", ".join(said))
    return notes
