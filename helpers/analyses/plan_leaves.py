"""What a plan expects of every slice: the usual engine, brought to the goals that people typed for it.

Goals say little about most slices, so that a plan starts from history: composition, rates and deal sizes of the
periods before. Every goal that somebody typed for the period, of the company or of a slice of it, then overrules
history where it speaks; what no goal names keeps its share of the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from helpers.analyses.coded_leaves import ALL, BLANK
from helpers.analyses.goal_season import spread_by_season
from helpers.analyses.leaves import DECIDED, REVENUE, WON, GapLeaves
from helpers.periods import MONTHS_IN, Period, build_periods, period_of

WIN_RATE, DEAL_SIZE = "win_rate", "average_deal_size"
RATIOS = {WIN_RATE: (WON, DECIDED), DEAL_SIZE: (REVENUE, WON)}
"""Goal of a ratio → what is divided by what."""

USED_COLUMNS = ["kpi", "dimension", "slice", "goal", "planned", "how"]
TYPED, ADDED_UP, SEASON_SHARE = "typed for this period", "added up from shorter periods", "share of the year's goal"


@dataclass(frozen=True)
class PlanLeaves:
    """Hold a leaf table whose expected side is a plan.

    Attributes:
        leaves: The leaf table.
        used: One row per goal that was used: kpi, dimension, slice, goal, planned (what the expected side holds
            now; differs where goals contradict each other, the company's going first), how (typed for this period,
            added up from shorter periods, share of the year's goal).
    """

    leaves: GapLeaves
    used: pd.DataFrame


def plan_leaves(leaves: GapLeaves, targets: pd.DataFrame | None, period: Period, *, history=None) -> PlanLeaves | None:
    """Bring the expected side of a leaf table to the goals of a period.

    Args:
        leaves: The leaf table, whose expected side adds up earlier periods.
        targets: Goals with the columns of ``goal_matrix.csv``.
        period: The period in question.
        history: The outcome per complete period of this length, indexed by its first day: the season by which a
            year's goal is spread; None spreads it in equal parts.

    Returns:
        The plan, exact and for one period. Goals for closed revenue, won deals, win rate and deal size count where
        deals are looked at, those for the volume of the first step where entries are. None where nobody typed a goal
        for the volume or the outcome of the company or of all slices of a partition.
    """
    volumes = [REVENUE, WON] if leaves.lens == "closing" else [leaves.steps[0]]
    volumes = [kpi for kpi in volumes if f"{kpi}_expected" in leaves.frame]
    goals = _read_goals(targets, period, [*volumes, *RATIOS], leaves, history)
    named = goals[goals["kpi"].isin(volumes)]
    if leaves.expected <= 0 or not any(_is_whole(leaves, rows) for _, rows in named.groupby("dimension")):
        return None
    columns = [name for name in leaves.frame.columns if name.endswith("_expected")]
    frame = leaves.frame.copy()
    frame[columns] = frame[columns].astype(float) / leaves.expected_periods
    ratios = goals[goals["kpi"].isin(RATIOS)] if leaves.lens == "closing" else goals.iloc[:0]
    for row in ratios.itertuples():
        _meet_ratio(frame, leaves, row)
    kpi = volumes[0] if (named["kpi"] == volumes[0]).any() else volumes[-1]
    frame = _meet_volumes(frame, columns, named[named["kpi"] == kpi])
    used = pd.concat([named[named["kpi"] == kpi], ratios], ignore_index=True)
    used["planned"] = [_planned(frame, leaves, row) for row in used.itertuples()]
    basis = (
        f"{leaves.basis.split(', compared with')[0]}, compared with the plan: {_say_goals(used)}; where no goal "
        f"speaks, mix, rates and deal sizes of the {leaves.expected_periods} periods before"
    )
    planned = replace(leaves, frame=frame, expected_periods=1, basis=basis)
    return PlanLeaves(planned, used[USED_COLUMNS])


def _read_goals(targets: pd.DataFrame | None, period: Period, kpis: Sequence[str], leaves: GapLeaves, history):
    """Return the goals that speak of the period, one per KPI and slice: its own, else its parts', else the year's."""
    empty = pd.DataFrame(columns=["kpi", "dimension", "slice", "goal", "how"])
    if targets is None or targets.empty:
        return empty
    known = targets.dropna(subset=["goal"]).copy()
    known["start"] = pd.to_datetime(known["period_start"]).dt.date
    known = known[known["kpi"].isin(kpis) & known["dimension"].isin([ALL, *leaves.dimensions])]
    keys = ["kpi", "dimension", "slice"]
    rows = []
    for (kpi, dimension, name), mine in known.groupby(keys, sort=False):
        goal, how = _goal_of(mine, period, kpi, history)
        if goal is not None:
            rows.append((kpi, dimension, name, goal, how))
    return pd.DataFrame(rows, columns=empty.columns) if rows else empty


def _goal_of(mine: pd.DataFrame, period: Period, kpi: str, history) -> tuple[float | None, str]:
    own = mine[(mine["grain"] == period.grain) & (mine["start"] == period.start)]
    if len(own):
        return float(own["goal"].iloc[-1]), TYPED
    if kpi in RATIOS or period.grain not in MONTHS_IN:
        return None, ""
    for grain in ("quarter", "month"):
        if MONTHS_IN[grain] >= MONTHS_IN[period.grain]:
            continue
        parts = build_periods(period.start, period.end, grain, period.fiscal_year_start)
        typed = mine[(mine["grain"] == grain) & mine["start"].isin([part.start for part in parts])]
        if typed["start"].nunique() == len(parts):
            return float(typed.drop_duplicates("start", keep="last")["goal"].sum()), ADDED_UP
    year = period_of(period.start, "year", period.fiscal_year_start)
    typed = mine[(mine["grain"] == "year") & (mine["start"] == year.start)]
    if typed.empty or period.grain == "year":
        return None, ""
    series = pd.Series(dtype=float) if history is None else history
    series.index = pd.DatetimeIndex(series.index)
    spread = spread_by_season(
        float(typed["goal"].iloc[-1]), series, year=year, grain=period.grain, fiscal_year_start=period.fiscal_year_start
    )
    return float(spread.loc[spread["period_start"] == pd.Timestamp(period.start), "goal"].iloc[0]), SEASON_SHARE


def _is_whole(leaves: GapLeaves, rows: pd.DataFrame) -> bool:
    """Tell whether goals cover the company: by one of its own, or by one for each value of a dimension."""
    dimension = rows["dimension"].iloc[0]
    if dimension == ALL:
        return True
    values = _names(leaves.frame, dimension)
    outcome = leaves.frame[f"{leaves.outcome}_expected"]
    return set(values[outcome > 0]) <= set(rows["slice"].astype(str))


def _names(frame: pd.DataFrame, dimension: str) -> pd.Series:
    return frame[dimension].astype("object").where(frame[dimension].notna(), BLANK).astype(str)


def _members(frame: pd.DataFrame, row) -> pd.Series:
    if row.dimension == ALL:
        return pd.Series(True, index=frame.index)
    return _names(frame, row.dimension) == str(row.slice)


def _meet_ratio(frame: pd.DataFrame, leaves: GapLeaves, row) -> None:
    """Scale what comes of a slice's records so that its planned rate or deal size is met; its volume stays."""
    top, bottom = RATIOS[row.kpi]
    if f"{top}_expected" not in frame or f"{bottom}_expected" not in frame:
        return
    inside = _members(frame, row)
    numerator, denominator = (frame.loc[inside, f"{name}_expected"].sum() for name in (top, bottom))
    if numerator <= 0 or denominator <= 0 or row.goal <= 0:
        return
    later = [name for name in frame if name.endswith("_expected") and name.startswith((top, REVENUE))]
    frame.loc[inside, later] *= float(row.goal) * denominator / numerator


def _meet_volumes(frame: pd.DataFrame, columns: list[str], goals: pd.DataFrame) -> pd.DataFrame:
    """Scale slices to their goals, partition by partition until all hold, the company's goal last."""
    if goals.empty:
        return frame
    outcome = f"{goals['kpi'].iloc[0]}_expected"
    whole = goals[goals["dimension"] == ALL]["goal"]
    numbers = frame[columns].to_numpy(dtype=float)
    place = columns.index(outcome)
    weight = np.ones(len(frame))
    parts = [
        [(_members(frame, row).to_numpy(), float(row.goal)) for row in rows.itertuples()]
        for dimension, rows in goals.groupby("dimension", sort=False)
        if dimension != ALL
    ]
    for _ in range(40 if len(parts) > 1 else 1):
        for slices in parts:
            _meet_slices(weight, numbers[:, place], slices, float(whole.iloc[-1]) if len(whole) else None)
    if len(whole):
        now = float((numbers[:, place] * weight).sum())
        weight *= float(whole.iloc[-1]) / now if now > 0 else 1.0
    frame[columns] = numbers * weight[:, None]
    return frame


def _meet_slices(weight: np.ndarray, outcome: np.ndarray, slices: list, whole: float | None) -> None:
    """Scale the slices of one partition to their goals, and what no goal names to the rest of the company's."""
    named = np.zeros(len(weight), dtype=bool)
    for inside, goal in slices:
        now = float((outcome[inside] * weight[inside]).sum())
        named |= inside
        if now > 0:
            weight[inside] *= goal / now
    rest = float((outcome[~named] * weight[~named]).sum())
    left = None if whole is None else whole - sum(goal for _, goal in slices)
    if left is not None and left > 0 and rest > 0:
        weight[~named] *= left / rest


def _planned(frame: pd.DataFrame, leaves: GapLeaves, row) -> float:
    inside = _members(frame, row)
    if row.kpi in RATIOS:
        top, bottom = (frame.loc[inside, f"{name}_expected"].sum() for name in RATIOS[row.kpi])
        return float(top / bottom) if bottom > 0 else np.nan
    return float(frame.loc[inside, f"{row.kpi}_expected"].sum())


def _say_goals(used: pd.DataFrame) -> str:
    """Say how many goals speak, and of what."""
    cuts = [str(name) for name in used["dimension"].unique() if name != ALL]
    slices = int((used["dimension"] != ALL).sum())
    parts = ["the company's goal"] if (used["dimension"] == ALL).any() else []
    if slices:
        parts.append(f"{slices} {'goal' if slices == 1 else 'goals'} by {' and '.join(cuts)}")
    years = (used["how"] == SEASON_SHARE).any()
    return " and ".join(parts) + (" (the year's, spread by season)" if years else "")
