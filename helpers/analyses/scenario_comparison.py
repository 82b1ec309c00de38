"""Scenarios side by side: each solved against the same matrix, what it asks for, and what it needs that never was."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.analyses.finding import Finding
from helpers.analyses.goal_grid import put_in_funnel_order
from helpers.analyses.goal_history import list_past
from helpers.analyses.goal_locks import FREE, GOAL, LOCKED, find_set
from helpers.analyses.goal_relations import KEYS, TOTAL
from helpers.analyses.goal_session import PreparedMatrix, prepare_matrix
from helpers.analyses.goal_trial import GoalTrial, try_goals
from helpers.errors import QuestionError
from helpers.model.catalog import Catalog
from helpers.model.goal import GoalRules
from helpers.periods import MONTHS_IN, Period, period_of
from helpers.units import format_value, in_sentence

if TYPE_CHECKING:
    from helpers.company import Company

MOST_SCENARIOS = 5
REVENUE = "revenue_won"
NOTEBOOK = "04_goal_matrix"
STANDS_OUT = 0.01
"""A goal within one per cent of another's is the same to a reader."""

TABLE_COLUMNS = [
    "kpi", "label", "unit", "grain", "period_start", "period", "scenario", "goal", "difference", "relative", "expected",
    "probability", "best_ever", "n_periods", "is_beyond", "state",
]  # fmt: skip
CLASH_COLUMNS = ["scenario", "goals", "held_back"]


@dataclass(frozen=True)
class ScenarioComparison:
    """What several sets of goals ask for.

    Attributes:
        table: One row per KPI of the company, period ahead and scenario, with ``TABLE_COLUMNS``: the goal, its
            ``difference`` to the first scenario's and that as a part of it (``relative``), what is expected, the
            probability where it was handed over, ``best_ever`` of the ``n_periods`` complete periods of that length
            (blank without history), whether the goal lies beyond it and asks more than is expected anyway, and who set
            it (``goal``, ``locked``, ``free``).
        contradictions: One row per set of goals that can't all hold: scenario, goals (in words), held_back (the one
            that doesn't count, in words).
        problems: Scenario → what else keeps it or some of its goals out, in words.
        matrices: Scenario → its solved matrix.
        names: The scenarios, in the order in which they were handed over.
        period: The period that picture and title speak of; None without cells.
        findings: The answers in words.
        title: The most important one.
    """

    table: pd.DataFrame
    contradictions: pd.DataFrame
    problems: Mapping[str, str]
    matrices: Mapping[str, pd.DataFrame]
    names: tuple[str, ...]
    period: Period | None
    findings: tuple[Finding, ...]
    title: str


def compare_scenarios(
    matrix: PreparedMatrix | pd.DataFrame,
    scenarios: Mapping[str, pd.DataFrame],
    *,
    as_of: date,
    catalog: Catalog,
    history: pd.DataFrame | None = None,
    rules: GoalRules | None = None,
    currency: str = "USD",
    fiscal_year_start: int = 1,
    probability: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
) -> ScenarioComparison:
    """Solve each scenario against the same matrix and set them side by side.

    Args:
        matrix: As made by ``build_matrix``, or prepared; the goals set in it don't count.
        scenarios: Name → goals as ``read_scenario`` returns them, at most ``MOST_SCENARIOS``; the others are compared
            with the first.
        as_of: The last day that counts.
        catalog: The company's definitions.
        history: The columns of ``kpis.csv``, for the best ever.
        rules: What ``goals.toml`` says.
        currency: The company's, for the words.
        fiscal_year_start: The month (1–12) in which the fiscal year begins.
        probability: Fills in ``probability`` of a solved matrix.

    Returns:
        The comparison. Goals of a scenario that contradict each other are named and the one set last waits, goals
        outside the matrix are told, and a scenario that can't be solved at all is left out with the reason; none of
        it keeps the others from being compared.

    Raises:
        QuestionError: There are more scenarios than can be compared.
    """
    if len(scenarios) > MOST_SCENARIOS:
        raise QuestionError(f"{len(scenarios)} scenarios are too many to compare. Choose at most {MOST_SCENARIOS}.")
    cells = matrix.cells if isinstance(matrix, PreparedMatrix) else matrix
    if cells.empty or not scenarios:
        return _build({}, {}, {}, tuple(scenarios), None, history, catalog, as_of, currency, fiscal_year_start)
    prepared = matrix if isinstance(matrix, PreparedMatrix) else prepare_matrix(matrix, catalog=catalog, rules=rules)
    known = set(pd.MultiIndex.from_frame(prepared.cells[KEYS]))
    trials: dict[str, GoalTrial] = {}
    problems: dict[str, str] = {}
    for name, goals in scenarios.items():
        wanted, outside = _choose_wanted(goals, known)
        if outside:
            problems[name] = f"{_count(outside, 'goal')} of it {_lies(outside)} outside this matrix."
        try:
            trials[name] = try_goals(prepared, wanted)
        except QuestionError as error:
            problems[name] = f"It can't be solved: {error}"
    for name, trial in trials.items():
        told = f"{_count(len(trial.beyond), 'share')} above 100 % can't be reached." if trial.beyond else ""
        told = " ".join(part for part in (problems.get(name, ""), told, trial.unsolved) if part)
        if told:
            problems[name] = told
    solved = {
        name: probability(trial.matrix) if probability else trial.matrix.assign(probability=np.nan)
        for name, trial in trials.items()
    }
    names = tuple(scenarios)
    return _build(trials, solved, problems, names, prepared, history, catalog, as_of, currency, fiscal_year_start)


def review_scenarios(
    company: "Company",
    matrix: PreparedMatrix | pd.DataFrame,
    cells: pd.DataFrame,
    scenarios: Mapping[str, pd.DataFrame],
    *,
    as_of: date,
    probability: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
) -> ScenarioComparison:
    """Set a company's scenarios side by side; the same as ``compare_scenarios`` with all that the company knows.

    Args:
        company: The opened company.
        matrix: Its goal matrix.
        cells: The columns of ``kpis.csv``.
        scenarios: Name → goals, as ``read_scenarios`` returns them.
        as_of: The last day that counts.
        probability: Fills in ``probability`` of a solved matrix.
    """
    return compare_scenarios(
        matrix,
        scenarios,
        as_of=as_of,
        catalog=company.catalog,
        history=cells,
        currency=company.currency,
        fiscal_year_start=company.fiscal_year_start,
        probability=probability,
    )


def _choose_wanted(goals: pd.DataFrame, known: set[tuple]) -> tuple[pd.DataFrame, int]:
    """Return the goals that the matrix has a cell for, as ``try_goals`` takes them, and how many it has none for."""
    held = find_set(goals) if len(goals) else pd.Series(dtype=bool)
    wanted = goals[held | goals["goal"].notna()] if "state" not in goals.columns else goals[held]
    wanted = wanted.assign(period_start=pd.to_datetime(wanted["period_start"]))
    if "state" not in wanted.columns:
        locked = wanted["locked"].astype(bool)
        wanted = wanted.assign(state=pd.Series(np.where(locked, LOCKED, GOAL), index=wanted.index, dtype="str"))
    wanted = wanted.drop_duplicates(KEYS, keep="last")
    inside = np.array([tuple(key) in known for key in wanted[KEYS].itertuples(index=False)], dtype=bool)
    return wanted[inside][[*KEYS, "goal", "state"]].reset_index(drop=True), int((~inside).sum())


def _build(
    trials: Mapping[str, GoalTrial],
    solved: Mapping[str, pd.DataFrame],
    problems: Mapping[str, str],
    names: tuple[str, ...],
    prepared: PreparedMatrix | None,
    history: pd.DataFrame | None,
    catalog: Catalog,
    as_of: date,
    currency: str,
    fiscal_year_start: int,
) -> ScenarioComparison:
    table = _lay_out(solved, names, history, catalog, as_of, fiscal_year_start, prepared)
    clashes = _list_clashes(trials, catalog, currency, fiscal_year_start)
    period = _choose_period(table, fiscal_year_start)
    findings = _say(table, clashes, problems, names, period, currency)
    title = findings[0].headline if findings else "There are no scenarios to compare yet"
    return ScenarioComparison(table, clashes, dict(problems), dict(solved), names, period, tuple(findings), title)


def _lay_out(
    solved: Mapping[str, pd.DataFrame],
    names: Sequence[str],
    history: pd.DataFrame | None,
    catalog: Catalog,
    as_of: date,
    fiscal_year_start: int,
    prepared: PreparedMatrix | None,
) -> pd.DataFrame:
    parts = []
    for name in names:
        if name not in solved:
            continue
        own = solved[name]
        own = own[(own["dimension"] == TOTAL) & own["actual"].isna()]
        periods = [
            period_of(pd.Timestamp(start).date(), grain, fiscal_year_start)
            for grain, start in zip(own["grain"], own["period_start"], strict=True)
        ]
        own = own.assign(scenario=name, period=[period.label for period in periods])
        parts.append(own[[period.end > as_of for period in periods]])
    if not parts:
        return pd.DataFrame(columns=TABLE_COLUMNS)
    table = pd.concat(parts, ignore_index=True)
    first = table[table["scenario"] == table["scenario"].iloc[0]].set_index(KEYS)["goal"]
    base = first.reindex(pd.MultiIndex.from_frame(table[KEYS])).to_numpy(dtype=float)
    table["difference"] = table["goal"] - base
    table["relative"] = table["difference"] / np.where(base > 0, base, np.nan)
    kpis = put_in_funnel_order(list(dict.fromkeys(table["kpi"])), catalog)
    table["label"] = [catalog.kpis[kpi].label if kpi in catalog.kpis else kpi for kpi in table["kpi"]]
    table["unit"] = [catalog.kpis[kpi].unit if kpi in catalog.kpis else "count" for kpi in table["kpi"]]
    if "state" not in table.columns:
        table["state"] = FREE
    table = _add_best(table, history, catalog, prepared)
    place = {kpi: at for at, kpi in enumerate(kpis)}
    order = pd.DataFrame({"start": table["period_start"], "length": table["grain"].map(MONTHS_IN)})
    order["kpi"], order["name"] = table["kpi"].map(place), table["scenario"].map(list(names).index)
    order = order.sort_values(["start", "length", "kpi", "name"], kind="stable")
    return table.loc[order.index, TABLE_COLUMNS].reset_index(drop=True)


def _add_best(
    table: pd.DataFrame, history: pd.DataFrame | None, catalog: Catalog, prepared: PreparedMatrix | None
) -> pd.DataFrame:
    """Set beside each goal the best that the company ever reached in a period of that length."""
    past: dict[tuple[str, str], np.ndarray] = {}
    basis = prepared.matrix.attrs.get("basis", {}) if prepared is not None else {}
    company = history[history["dimension"] == TOTAL] if history is not None and len(history) else None
    for kpi, grain in dict.fromkeys(zip(table["kpi"], table["grain"], strict=True)):
        values = list_past(company, kpi, grain, basis, catalog) if company is not None else np.array([])
        past[kpi, grain] = values[np.isfinite(values)]
    keys = list(zip(table["kpi"], table["grain"], strict=True))
    table["best_ever"] = [float(past[key].max()) if len(past[key]) else np.nan for key in keys]
    table["n_periods"] = [len(past[key]) for key in keys]
    up = [catalog.kpis[kpi].direction != "down" if kpi in catalog.kpis else True for kpi in table["kpi"]]
    asks = table["goal"] > table["expected"] * (1 + STANDS_OUT)
    table["is_beyond"] = (table["goal"] > table["best_ever"] * (1 + 1e-9)) & asks & np.array(up, dtype=bool)
    return table


def _list_clashes(
    trials: Mapping[str, GoalTrial], catalog: Catalog, currency: str, fiscal_year_start: int
) -> pd.DataFrame:
    def name(key: Sequence, goal: float | None = None) -> str:
        kpi, grain, start, dimension, value = key
        known = catalog.kpis.get(kpi)
        period = period_of(pd.Timestamp(start).date(), grain, fiscal_year_start).label
        where = "" if dimension == TOTAL else f" of {value}"
        what = f"{known.label if known else kpi}{where} in {period}"
        unit = known.unit if known else "count"
        return what if goal is None else f"{what} ({_say_value(goal, unit, currency)})"

    rows = []
    for scenario, trial in trials.items():
        for clash in trial.clashes:
            keys = [tuple(key) for key in clash.cells[KEYS].itertuples(index=False)]
            goals = [name(key, goal) for key, goal in zip(keys, clash.cells["goal"], strict=True)]
            rows.append((scenario, "; ".join(goals), name(clash.held_back)))
    return pd.DataFrame(rows, columns=CLASH_COLUMNS, dtype="str")


def _choose_period(table: pd.DataFrame, fiscal_year_start: int) -> Period | None:
    """Take the first of the shortest periods ahead in which the scenarios differ, else the very first."""
    if table.empty:
        return None
    shortest = min(table["grain"], key=lambda grain: MONTHS_IN[grain])
    mine = table[table["grain"] == shortest]
    different = mine[mine["relative"].abs() >= STANDS_OUT]
    start = (different if len(different) else mine)["period_start"].min()
    return period_of(pd.Timestamp(start).date(), shortest, fiscal_year_start)


def _say(
    table: pd.DataFrame,
    clashes: pd.DataFrame,
    problems: Mapping[str, str],
    names: Sequence[str],
    period: Period | None,
    currency: str,
) -> list[Finding]:
    found = []
    if period is not None:
        mine = table[(table["grain"] == period.grain) & (table["period_start"] == pd.Timestamp(period.start))]
        found.append(_say_difference(mine, period, currency))
        found += [_say_beyond(mine[mine["scenario"] == name], name, period, currency) for name in names]
    for scenario, rows in clashes.groupby("scenario", sort=False):
        first = rows.iloc[0]
        found.append(
            Finding(
                headline=f"“{scenario}” contradicts itself: {in_sentence(first['goals'])} can't all hold",
                next_step=f"Release one of them. Until then {in_sentence(first['held_back'])} doesn't count.",
                evidence={"contradictions": len(rows)},
                notebook=NOTEBOOK,
                severity="bad",
            )
        )
    for name, told in problems.items():
        found.append(
            Finding(headline=f"“{name}”: {told}", notebook=NOTEBOOK, next_step="Open it and mend these goals.")
        )
    return [finding for finding in found if finding is not None]


def _say_difference(mine: pd.DataFrame, period: Period, currency: str) -> Finding:
    names = list(dict.fromkeys(mine["scenario"]))
    first = names[0]
    goal = mine[(mine["kpi"] == REVENUE)].set_index("scenario")["goal"]
    money = {name: format_value(goal[name], "currency", currency=currency) for name in goal.index}
    evidence = {"period": period.label, "scenarios": len(names), "definition": "each solved against the same matrix"}
    others = mine[mine["scenario"] != first]
    apart = others[others["relative"].abs() >= STANDS_OUT]
    if len(names) == 1 or apart.empty:
        what = f"“{first}” asks for {money[first]} in {period.label}" if first in money else f"“{first}” stands alone"
        if len(names) > 1:
            what = f"The scenarios ask for the same in {period.label}"
        return Finding(headline=what, kpi=REVENUE, evidence=evidence, notebook=NOTEBOOK, next_step="Save another one.")
    name = apart.loc[apart["relative"].abs().idxmax(), "scenario"]
    own = apart[(apart["scenario"] == name) & (apart["kpi"] != REVENUE)]
    last = mine.index[mine["kpi"] == REVENUE].max()
    own = own[~(own.index > last)] if pd.notna(last) else own  # what comes after the win follows from it
    own = own.loc[own["relative"].abs().sort_values(ascending=False, kind="stable").index].head(2)
    sides = ["above" if relative > 0 else "below" for relative in own["relative"]]
    parts = [
        f"{in_sentence(row.label)} {format_value(abs(row.relative), 'share')} {side}"
        for row, side in zip(own.itertuples(), sides, strict=True)
    ]
    headline = f"In {period.label} “{name}”"
    if name in money and first in money:
        same = abs(goal[name] - goal[first]) < STANDS_OUT * goal[first]
        headline += f" asks for {money[name]}" + (" too" if same else f" where “{first}” asks for {money[first]}")
        headline += f", with {' and '.join(parts)} “{first}”" if parts and same else ""
        headline += f": {' and '.join(parts)}" if parts and not same else ""
    else:
        headline += f" has {' and '.join(parts)} “{first}”"
    evidence |= {"differing KPIs": int((apart["scenario"] == name).sum())}
    step = "Choose one, then adopt it as the plan of record."
    return Finding(headline=headline, kpi=REVENUE, evidence=evidence, notebook=NOTEBOOK, next_step=step)


def _say_beyond(own: pd.DataFrame, name: str, period: Period, currency: str) -> Finding | None:
    beyond = own[own["is_beyond"]]
    if beyond.empty:
        return None
    worst = beyond.loc[(beyond["goal"] / beyond["best_ever"]).idxmax()]
    goal, best = (_say_value(worst[key], worst["unit"], currency) for key in ("goal", "best_ever"))
    others = len(beyond) - 1
    more = f", and {_count(others, 'other KPI')} beyond {'its' if others == 1 else 'their'} best" if others else ""
    return Finding(
        headline=f"“{name}” needs what never was in {period.label}: "
        f"{in_sentence(worst['label'])} of {goal}, {best} at best{more}",
        kpi=worst["kpi"],
        evidence={"n": int(worst["n_periods"]), "period": period.label, "definition": f"best of whole {period.grain}s"},
        next_step="Say what will be done that was never done, or lower the goal.",
        notebook=NOTEBOOK,
        severity="bad",
    )


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _lies(n: int) -> str:
    return "lies" if n == 1 else "lie"


def _say_value(value: float, unit: str, currency: str) -> str:
    return format_value(value, unit, currency=currency, digits=0 if unit == "count" else None)
