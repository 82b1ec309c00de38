"""The plan of record: the goals as they were adopted, which re-planning never touches.

``answers/plan_of_record.toml`` holds a table ``[plan]`` (adopted_on, author, note), the goals that people had set as
``[[goal]]`` and the company's goals that followed from them as ``[[solved]]``. Adopting another plan keeps the one
before among the versions for good.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.answers.files import ConflictError, Topic, list_version_times, read_topic, read_version, update_topic
from helpers.answers.goals import build_goals, list_goals, to_row
from helpers.answers.problems import Problem, describe_error, make_problem
from helpers.answers.scenario_file import choose_set
from helpers.errors import AnswersError, suggest

if TYPE_CHECKING:
    import pandas as pd

TOPIC = "plan_of_record"
PLAN, SET, SOLVED = "plan", "goal", "solved"
KEYS = ("adopted_on", "author", "note")
TOTAL = "all"
CELL = ("kpi", "grain", "period_start", "dimension", "slice")


@dataclass(frozen=True)
class PlanOfRecord:
    """A plan as it was adopted.

    Attributes:
        adopted_on: The day; None where the file doesn't tell.
        author: Who adopted it.
        note: What there is to say of it.
        goals: One row per cell with the columns of ``read_goals`` and ``state``: ``goal`` or ``locked`` where people
            had set it, ``solved`` where it followed.
        revision: That of its file; what ``adopt_plan`` is handed as ``based_on``.
        number: The version that keeps it; 0 for the one in force.
        problems: What is wrong with its file, as rows of the issue table.
        is_damaged: Whether nothing of it can be read.
    """

    adopted_on: date | None
    author: str
    note: str
    goals: "pd.DataFrame" = field(compare=False, repr=False)
    revision: str = ""
    number: int = 0
    problems: tuple[Problem, ...] = field(default=(), compare=False)
    is_damaged: bool = False


def read_plan_of_record(folder: Path) -> PlanOfRecord | None:
    """Read the plan in force; None where none was adopted, one without goals where its file is damaged."""
    try:
        topic = read_topic(Path(folder), TOPIC)
    except AnswersError as error:
        problem = describe_error(error, TOPIC)
        return PlanOfRecord(None, "", "", _build(build_goals([]), SET), problems=(problem,), is_damaged=True)
    return _describe(topic) if topic.revision else None


def list_plans(folder: Path, *, hides_names: bool = False) -> list[PlanOfRecord]:
    """List every plan that was ever adopted, the one in force first; a version that is damaged is left out.

    Args:
        folder: The company's folder.
        hides_names: Whether nobody's name is told.
    """
    current = read_plan_of_record(folder)
    found = [] if current is None else [current]
    for version in reversed(list_version_times(Path(folder), TOPIC)):
        try:
            found.append(_describe(read_version(Path(folder), TOPIC, version.number), number=version.number))
        except (AnswersError, OSError):
            continue
    return [replace(plan, author="") for plan in found] if hides_names else found


def adopt_plan(
    folder: Path,
    matrix: "pd.DataFrame",
    *,
    author: str,
    on: date,
    note: str = "",
    based_on: str | None = None,
    now: datetime | None = None,
) -> PlanOfRecord:
    """Make a solved matrix the plan of record; the plan before stays among the versions for good.

    Args:
        folder: The company's folder.
        matrix: A solved matrix. Kept are the goals that people set, of slices too, and all of the company's own.
        author: Who adopts it.
        on: The day on which it is adopted.
        note: What there is to say of it.
        based_on: The revision of the plan that the person saw, so that two people don't adopt past each other; None
            takes the place of whatever is in force.
        now: When it is written; the machine's clock where None.

    Returns:
        The plan as adopted.

    Raises:
        ConflictError: Somebody has adopted another plan meanwhile; nothing was written.
        AnswersError: There is no goal to adopt, nobody's name, or the file is damaged or can't be written.
    """
    if not author.strip():
        raise AnswersError("[plan] nobody's name stands beside the plan. Type who adopts it.")
    chosen = choose_set(matrix)
    chosen = chosen[chosen["goal"].notna()]
    rest = matrix.drop(index=chosen.index)
    followed = rest[(rest["dimension"] == TOTAL) & rest["goal"].notna()].assign(locked=False)
    if chosen.empty and followed.empty:
        raise AnswersError("[plan] no cell has a goal, so there is no plan to adopt. Set a goal first.")
    about = {"adopted_on": on, "author": author.strip(), "note": note.strip()}
    wanted: dict[str, Any] = {PLAN: {key: value for key, value in about.items() if value != ""}}
    for table, rows in ((SET, chosen), (SOLVED, followed)):
        if len(rows):
            wanted[table] = [to_row(record) for record in rows.to_dict("records")]

    def compose(current: Topic) -> Mapping[str, Any]:
        if based_on is not None and current.revision != based_on:
            raise ConflictError(
                f"[answers/{TOPIC}.toml] somebody has adopted another plan in the meantime, so nothing was written. "
                "Look at it first.",
                theirs=current.values,
                mine=wanted,
                revision=current.revision,
            )
        return wanted

    return _describe(update_topic(Path(folder), TOPIC, compose, now=now, is_pinned=True))


def _describe(topic: Topic, *, number: int = 0) -> PlanOfRecord:
    import pandas as pd

    chosen, problems = list_goals(topic, SET)
    followed, more = list_goals(topic, SOLVED)
    problems.extend(more)
    about = topic.values.get(PLAN)
    if not isinstance(about, Mapping):
        problems.append(make_problem(topic, PLAN, "", about or "", "the plan isn't described", "Write a table [plan]."))
        about = {}
    said: dict[str, Any] = {}
    for key, value in about.items():
        allowed = date if key == "adopted_on" else str
        if key not in KEYS:
            cure = f"Allowed: {', '.join(KEYS)}.{suggest(key, KEYS)}"
            problems.append(make_problem(topic, PLAN, key, value, "this key is unknown", cure))
        elif not isinstance(value, allowed):
            cure = "Write it as 2026-01-08." if allowed is date else "Write it in quotation marks."
            what = "day" if allowed is date else "text"
            problems.append(make_problem(topic, PLAN, key, value, f"{key} is no {what}", cure))
        else:
            said[key] = value.date() if isinstance(value, datetime) else value
    goals = pd.concat([_build(chosen, SET), _build(followed, SOLVED)], ignore_index=True)
    goals = goals[goals["goal"].notna()].drop_duplicates(list(CELL), ignore_index=True)
    return PlanOfRecord(
        adopted_on=said.get("adopted_on"),
        author=said.get("author", ""),
        note=said.get("note", ""),
        goals=goals,
        revision=topic.revision,
        number=number,
        problems=tuple(problems),
    )


def _build(goals: "pd.DataFrame", state: str) -> "pd.DataFrame":
    import pandas as pd

    states = ["locked" if locked else state for locked in goals["locked"]]
    return goals.assign(state=pd.Series(states, index=goals.index, dtype="str"))
