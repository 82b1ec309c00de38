"""How far the parts of a cascade hang together: what people typed, and beside it what the links imply."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from helpers.analyses.cascade_feeds import find_path
from helpers.analyses.cascade_measure import Ruler
from helpers.analyses.cascade_rows import list_ancestors
from helpers.model.cascade import Cascade, CascadeGoal

STRONG, SOME, NONE = "strong", "some", ""
RELATION_COLUMNS = ("corner", "row", "column", "typed", "implied", "why")
TACTIC_GOAL, FAR_GOAL, TACTIC_KPI, FAR_KPI = "tactic and goal", "far and goal", "tactic and KPI", "far and KPI"


def list_kpis(cascade: Cascade, ruler: Ruler) -> list[str]:
    """List the KPIs of a cascade: those of company goals first, then of departments, then of tactics, far ones last."""
    goals = [goal for level in ("company", "department") for goal in cascade.of_level(level)]
    items: list[Any] = [*goals, *cascade.tactics.values(), *cascade.of_level("long_term")]
    return [kpi for kpi in dict.fromkeys(item.kpi for item in items) if kpi in ruler.catalog.kpis]


def relate_parts(cascade: Cascade, ruler: Ruler) -> pd.DataFrame:
    """Relate the parts of a cascade as an X-matrix lays them out.

    Returns:
        One row per pair in a corner: corner, row (id of a tactic or long-term goal), column (id of a company goal or of
        a KPI), ``typed`` (strong, some or empty), ``implied`` (the same, by links and KPIs) and ``why`` in words.
        Implied is strong where one is linked to the other, or has its KPI, and some where its KPI moves the other's,
        or it works for a goal of that KPI.
    """
    typed = {}
    for one in cascade.correlations:
        typed[one.from_id, one.to_id] = typed[one.to_id, one.from_id] = one.strength
    rows = []
    for corner, row, column in _list_pairs(cascade, ruler):
        implied, why = _imply(row, column, cascade, ruler)
        to = column if isinstance(column, str) else column.id
        rows.append((corner, row.id, to, typed.get((row.id, to), NONE), implied, why))
    return pd.DataFrame(rows, columns=list(RELATION_COLUMNS)).astype("str")


def _list_pairs(cascade: Cascade, ruler: Ruler) -> Iterator[tuple[str, Any, Any]]:
    goals, far = cascade.of_level("company"), cascade.of_level("long_term")
    kpis = list_kpis(cascade, ruler)
    for tactic in cascade.tactics.values():
        yield from ((TACTIC_GOAL, tactic, goal) for goal in goals)
        yield from ((TACTIC_KPI, tactic, kpi) for kpi in kpis)
    for one in far:
        yield from ((FAR_GOAL, one, goal) for goal in goals)
        yield from ((FAR_KPI, one, kpi) for kpi in kpis)


def _imply(row: Any, column: Any, cascade: Cascade, ruler: Ruler) -> tuple[str, str]:
    is_far = isinstance(row, CascadeGoal)
    if isinstance(column, str):
        return _imply_kpi(row, column, cascade, ruler)
    lower, upper = (column, row) if is_far else (row, column)
    if upper.id in list_ancestors(lower.id, cascade):
        return STRONG, f"'{lower.title}' is linked to '{upper.title}'"
    path = find_path(ruler.feeds, lower.kpi, upper.kpi) if lower.kpi and upper.kpi else []
    if path and upper.kpi in ruler.catalog.kpis:
        labels = [ruler.catalog.kpis[kpi].label for kpi in (path[0], path[-1])]
        same = f"both are about {labels[0]}" if len(path) == 1 else f"{labels[0]} is on the way to {labels[1]}"
        return SOME, f"{same}, without a link"
    return NONE, ""


def _imply_kpi(row: Any, kpi: str, cascade: Cascade, ruler: Ruler) -> tuple[str, str]:
    label = ruler.catalog.kpis[kpi].label
    if row.kpi == kpi:
        return STRONG, f"'{row.title}' is measured by {label}"
    if isinstance(row, CascadeGoal):
        below = [goal for goal in cascade.goals.values() if row.id in list_ancestors(goal.id, cascade)]
        found = next((goal for goal in below if goal.kpi == kpi), None)
    else:
        above = list_ancestors(row.id, cascade)
        found = next((goal for goal in cascade.goals.values() if goal.id in above and goal.kpi == kpi), None)
    return (SOME, f"{label} measures '{found.title}'") if found else (NONE, "")


def count_differences(relations: pd.DataFrame) -> tuple[int, int]:
    """Count the pairs that people see and no link says, and those that are linked and nobody typed."""
    seen = relations[(relations["typed"] != NONE) & (relations["implied"] == NONE)]
    unseen = relations[(relations["typed"] == NONE) & (relations["implied"] == STRONG)]
    return len(seen), len(unseen[unseen["corner"].isin([TACTIC_GOAL, FAR_GOAL])])
