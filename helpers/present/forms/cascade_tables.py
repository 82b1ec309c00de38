"""The cascade's tables: what they are called, their columns, and which of them stand side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helpers.answers.cascade import PAY_KEYS
from helpers.answers.cascade_cells import PAY
from helpers.model.cascade import LEVEL_WORDS, LEVELS, STATES, STRENGTHS, Cascade
from helpers.present.forms.grid import make_column

TABLES = {
    "goal": "Goals", "tactic": "Tactics", "person": "People", "target": "Targets", "correlation": "Correlations",
}  # fmt: skip
GRIDS = {**TABLES, PAY: "Everybody's pay rule"}
"""The rule of pay has no screen of its own: it stands above the targets' own rules."""

EVERYBODY = "Everybody, unless a target says otherwise"
LABELS = {
    "title": "Title", "level": "Level", "serves": "Serves", "department": "Department", "owner": "Owner", "kpi": "KPI",
    "slice": "Slice", "target": "Target", "baseline": "Baseline", "period": "Period", "start": "From", "due": "Due",
    "cost": "Cost", "amount": "Adds", "time": "Time", "state": "State", "name": "Name", "role": "Role",
    "variable_pay": "Variable pay", "capacity": "Free for tactics", "person": "Person", "goal": "Shared goal",
    "weight": "Weight", "pay_share": "Share of pay", "from": "This", "to": "With that", "strength": "How far",
    "note": "Note", "who": "Whose", "threshold": "Pays from", "pay_at_threshold": "Pays there", "cap": "Rises until",
    "pay_at_cap": "Pays at most",
}  # fmt: skip
NUMBERS = frozenset(
    ("target", "baseline", "cost", "amount", "time", "variable_pay", "capacity", "weight", "pay_share", *PAY_KEYS)
)
WIDTHS = {
    "title": 184, "serves": 150, "level": 116, "kpi": 132, "slice": 120, "goal": 164, "period": 84, "owner": 112,
    "time": 68, "start": 104, "due": 104, "state": 92, "weight": 76, "target": 96, "baseline": 96, "amount": 92,
    "cost": 92, "department": 104, "person": 136, "pay_share": 80, "strength": 96, "who": 432,
    **dict.fromkeys(PAY_KEYS, 104),
}  # fmt: skip
"""Pixels. No side is wider than a window of 1280 leaves beside the pages' list."""


@dataclass(frozen=True)
class Side:
    """Columns of a table that stand side by side; a table with many has several sides.

    Attributes:
        label: What its button says; empty where it is the only one.
        columns: Their ids, the one first that names the row.
        help: What there is to know.
    """

    label: str
    columns: tuple[str, ...]
    help: str


SIDES: Mapping[str, tuple[Side, ...]] = {
    "goal": (
        Side(
            "Who and what",
            ("title", "level", "serves", "department", "owner", "note"),
            "A goal serves the goals above it: write their titles, several with a semicolon between.",
        ),
        Side(
            "In numbers",
            ("title", "kpi", "slice", "target", "baseline", "period"),
            "A slice is written as region=US; empty is the whole company. The baseline is what comes without any "
            "tactic; empty takes history.",
        ),
    ),
    "tactic": (
        Side(
            "Who and when",
            ("title", "serves", "department", "owner", "start", "due", "state", "time"),
            "Whoever does it and until when. Time is the share of its owner's week.",
        ),
        Side(
            "What it adds",
            ("title", "kpi", "slice", "amount", "cost", "note"),
            "What a tactic adds to its KPI over the period of its goal, such as +25 or +3 points.",
        ),
    ),
    "person": (
        Side(
            "",
            ("name", "department", "role", "variable_pay", "capacity"),
            "Whoever owns goals or tactics or carries targets. Variable pay is a year's, at 100 %.",
        ),
    ),
    "target": (
        Side(
            "What to reach",
            ("person", "goal", "kpi", "slice", "target", "period", "weight", "pay_share"),
            "A shared target takes the goal's KPI and period; one of their own names a KPI, such as Closed revenue for "
            "owner=Ana Okafor. Weights of one person add up to 100 %.",
        ),
        Side(
            "What it pays",
            ("person", "goal", "kpi", *PAY_KEYS),
            "Nothing is paid below the first share of the target; from there pay rises evenly to the target's money at "
            "100 %, and on to the cap. Empty cells take everybody's rule.",
        ),
    ),
    "correlation": (
        Side(
            "",
            ("from", "to", "strength", "note"),
            "How far two things hang together as you see it: a tactic and a company goal or a KPI, a company goal and "
            "a long-term goal. The X-matrix shows it beside what the links imply.",
        ),
    ),
    PAY: (Side("", ("who", *PAY_KEYS), ""),),
}


def list_cascade_columns(
    side: Side, cascade: Cascade, *, kpis: Mapping[str, str], currency: str, named_by: str
) -> list[dict[str, Any]]:
    """Describe the columns of one side of a table.

    Args:
        side: Which.
        cascade: As it stands: names of goals and people are suggested.
        kpis: KPI's id → label.
        currency: ISO code of the company's currency.
        named_by: The column without which a row isn't kept.
    """
    people = [person.name for person in cascade.people.values()]
    goals = [goal.title for goal in cascade.goals.values()]
    teams = sorted({one.department for one in (*cascade.people.values(), *cascade.goals.values())} - {""})
    parts = [*goals, *(tactic.title for tactic in cascade.tactics.values()), *kpis.values()]
    suggestions = {"owner": people, "person": people, "serves": goals, "goal": goals, "from": parts, "to": parts}
    suggestions["department"] = teams
    choices = {
        "level": [[level, LEVEL_WORDS[level]] for level in LEVELS],
        "state": [[state, state] for state in STATES],
        "strength": [[strength, strength] for strength in STRENGTHS],
        "kpi": [[id, label] for id, label in kpis.items()],
    }
    return [
        make_column(
            {
                "id": column,
                "label": LABELS[column],
                "kind": _find_kind(column, choices),
                "choices": choices.get(column, []),
                "suggestions": suggestions.get(column, []),
                "unit": currency if column in ("cost", "variable_pay") else "",
                "width": WIDTHS.get(column, 0),
                "is_required": column == named_by,
                "is_fixed": column == "who",
            }
        )
        for column in side.columns
    ]


def _find_kind(column: str, choices: Mapping[str, Any]) -> str:
    if column in choices:
        return "choice"
    return "number" if column in NUMBERS else "long_text" if column == "note" else "text"
