"""One scenario's file as read: who saved it and when, what it is about, and the goals that it sets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from helpers.answers.files import ABSENT, Topic, name_file
from helpers.answers.goals import list_goals
from helpers.answers.names import find_fault_in_name
from helpers.answers.problems import Problem, make_problem
from helpers.errors import AnswersError, suggest

if TYPE_CHECKING:
    import pandas as pd

ABOUT = "scenario"
KEYS = ("name", "author", "note", "saved_at")
GOAL, LOCKED = "goal", "locked"


@dataclass(frozen=True)
class Scenario:
    """One scenario as listed.

    Attributes:
        name: As typed.
        topic: Its file under ``answers/``, without the ending.
        saved_at: When it was saved; None where the file doesn't tell.
        author: Who saved it last.
        note: What it is about.
        revision: What ``save_scenario`` is handed as ``based_on``.
        n_goals: How many cells it sets.
        problems: What is wrong with its file, as rows of the issue table.
        is_damaged: Whether nothing of it can be read.
    """

    name: str
    topic: str = ""
    saved_at: datetime | None = None
    author: str = ""
    note: str = ""
    revision: str = ABSENT
    n_goals: int = 0
    problems: tuple[Problem, ...] = field(default=(), compare=False)
    is_damaged: bool = False


def describe_scenario(held: Topic) -> tuple[Scenario, "pd.DataFrame"]:
    """Take a scenario and its goals out of its file; what isn't allowed is left out and told in ``problems``."""
    goals, problems = list_goals(held)
    about = held.values.get(ABOUT, {})
    if not isinstance(about, Mapping):
        problems.append(make_problem(held, "", ABOUT, about, "this is no table", "Write [scenario] over its keys."))
    about = read_about(held)
    for key in [*about, *(key for key in held.values if key not in (ABOUT, "goal"))]:
        is_own = key in about
        allowed = KEYS if is_own else (ABOUT, "goal")
        if key not in allowed:
            cure = f"Allowed: {', '.join(allowed)}.{suggest(key, allowed)}"
            table = ABOUT if is_own else ""
            problems.append(make_problem(held, table, key, key, "this key is unknown", cure))
    said = {key: about[key] for key in KEYS if key in about}
    for key in ("name", "author", "note"):
        if not isinstance(said.get(key, ""), str):
            cure = "Write it in quotation marks."
            problems.append(make_problem(held, ABOUT, key, said[key], f"{key} is no text", cure))
            said.pop(key)
    at = said.get("saved_at")
    if at is not None and not isinstance(at, datetime):
        cure = "Write it as 2026-10-01T09:00:00+02:00."
        problems.append(make_problem(held, ABOUT, "saved_at", at, "saved_at is no moment", cure))
        at = None
    name = str(said.get("name", "")).strip()
    stem = stem_of(held.name)
    if name and (find_fault_in_name(name) or name_file(name) != stem):
        cure = f"Write the name that the file has, '{stem}', or rename the file to {name_file(name)}.toml."
        problems.append(make_problem(held, ABOUT, "name", name, f"the file is not called after '{name[:60]}'", cure))
        name = ""
    scenario = Scenario(
        name=name or stem,
        topic=held.name,
        saved_at=at,
        author=str(said.get("author", "")),
        note=str(said.get("note", "")),
        revision=held.revision,
        n_goals=len(goals),
        problems=tuple(problems),
    )
    return scenario, goals


def read_about(held: Topic) -> dict[str, Any]:
    """Return the table ``[scenario]`` of a file; empty where it has none."""
    about = held.values.get(ABOUT, {})
    return dict(about) if isinstance(about, Mapping) else {}


def choose_set(goals: "pd.DataFrame") -> "pd.DataFrame":
    """Keep the rows that people set: those with a goal or a lock, or where ``state`` tells, those that it calls so.

    Raises:
        AnswersError: A goal is not finite.
    """
    import pandas as pd

    if "locked" in goals.columns:
        locked = goals["locked"].map(lambda value: str(value).casefold() in ("true", "1", "1.0")).astype(bool)
    else:
        locked = pd.Series(False, index=goals.index)
    value = goals["goal"] if "goal" in goals.columns else pd.Series(float("nan"), index=goals.index)
    if "state" in goals.columns:
        locked = locked | goals["state"].eq(LOCKED)
        kept = locked | goals["state"].eq(GOAL)
    else:
        kept = locked | value.notna()
    bad = kept & value.isin([float("inf"), float("-inf")])
    if bad.any():
        raise AnswersError(f"[goal] the goal of {goals.loc[bad, 'kpi'].iloc[0]} is no number. Type a plain number.")
    return goals.assign(goal=value, locked=locked)[kept]


def stem_of(topic: str) -> str:
    """Return a topic without its group."""
    return topic.partition("/")[2]
