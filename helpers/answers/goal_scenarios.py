"""Scenarios: sets of goals kept under a name beside those in force, ``answers/goal_scenarios/<name>.toml``.

A file holds a table ``[scenario]`` (name, author, note, saved_at) and the same ``[[goal]]`` tables as ``goals.toml``.
A damaged one is listed as damaged and leaves the others as they are; a deleted one stays among the versions.
"""

import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.answers.edit_results import read_clock
from helpers.answers.files import (
    ABSENT,
    ConflictError,
    Topic,
    cure_of,
    list_topics,
    list_version_times,
    lock_folder,
    name_file,
    read_topic,
    read_version,
    restore_version,
    update_topic,
)
from helpers.answers.goals import build_goals, to_row
from helpers.answers.names import find_fault_in_name
from helpers.answers.problems import Problem, describe_error
from helpers.answers.scenario_file import ABOUT, Scenario, choose_set, describe_scenario, read_about, stem_of
from helpers.answers.versions import keep_version, to_seconds
from helpers.errors import AnswersError, suggest

if TYPE_CHECKING:
    import pandas as pd

GROUP = "goal_scenarios"
NOTE_LIMIT = 2_000
"""Characters."""


def list_scenarios(folder: Path) -> list[Scenario]:
    """List the scenarios there are, by name; damaged ones too, with what is wrong with them."""
    found = []
    for topic in list_topics(Path(folder), GROUP):
        try:
            held = read_topic(Path(folder), topic)
        except AnswersError as error:
            problem = describe_error(error, topic)
            if not _is_topic(topic):
                problem = {**problem, "file": f"answers/{topic}.toml", "cure": _rename_cure(topic)}
            found.append(Scenario(stem_of(topic), topic=topic, problems=(problem,), is_damaged=True))
        else:
            found.append(describe_scenario(held)[0])
    return sorted(found, key=lambda scenario: (scenario.name.casefold(), scenario.name))


def read_scenario(folder: Path, name: str) -> tuple["pd.DataFrame", list[Problem]]:
    """Read a scenario's goals.

    Args:
        folder: The company's folder.
        name: As listed.

    Returns:
        One row per cell that it sets, with the columns and types of ``read_goals``; empty where the file is damaged.
        And the problems, each with its line and cure; a goal that isn't allowed is left out.

    Raises:
        AnswersError: There is no scenario of that name.
    """
    topic = _require_topic(Path(folder), name)
    try:
        held = read_topic(Path(folder), topic)
    except AnswersError as error:
        return build_goals([]), [describe_error(error, topic)]
    scenario, goals = describe_scenario(held)
    return goals, list(scenario.problems)


def read_scenarios(folder: Path, *, most: int = 5) -> dict[str, "pd.DataFrame"]:
    """Read the goals of the scenarios saved last.

    Args:
        folder: The company's folder.
        most: How many at most.

    Returns:
        Name → goals as of ``read_scenario``, by name; damaged ones are left out.
    """
    found = [scenario for scenario in list_scenarios(folder) if not scenario.is_damaged]
    saved = sorted(found, key=lambda one: one.saved_at.timestamp() if one.saved_at else 0.0, reverse=True)[:most]
    return {scenario.name: read_scenario(folder, scenario.name)[0] for scenario in found if scenario in saved}


def save_scenario(
    folder: Path,
    name: str,
    goals: "pd.DataFrame",
    *,
    author: str = "",
    note: str | None = None,
    based_on: str | None = ABSENT,
    now: datetime | None = None,
) -> Scenario:
    """Save goals as a scenario.

    Args:
        folder: The company's folder.
        name: Any name; the file's own is made of it. Names that differ in capitals and accents only are one.
        goals: What people set is kept: rows with a goal or a lock; where there is a column ``state``, those that it
            calls ``goal`` or ``locked``, so that a solved matrix can be handed over whole.
        author: Who saves.
        note: What it is about; None keeps the note that is there.
        based_on: The revision that was read; ``ABSENT`` for a new scenario, None replaces whatever is there.
        now: When; the machine's clock where None.

    Returns:
        The scenario as saved.

    Raises:
        ConflictError: There is one of that name already, or somebody has saved it since; nothing was written.
        AnswersError: The name is none, the file is damaged or can't be written; nothing was written.
    """
    topic = _topic_of(name)
    at = (now or read_clock()).replace(microsecond=0)
    rows = [to_row(record) for record in choose_set(goals).to_dict("records")]
    if note is not None and len(note) > NOTE_LIMIT:
        raise AnswersError(f"[scenario] the note has {len(note):,} characters; at most {NOTE_LIMIT:,} are kept.")

    def compose(current: Topic) -> Mapping[str, Any]:
        about = read_about(current)
        kept = about.get("note", "") if note is None else note.strip()
        said = {"name": _tidy(name), "author": author.strip(), "note": kept, "saved_at": at}
        rest = {key: value for key, value in current.values.items() if key not in (ABOUT, "goal")}
        wanted = {
            ABOUT: {key: value for key, value in said.items() if value != ""},
            **rest,
            **({"goal": rows} if rows else {}),
        }
        if based_on is not None and current.revision != based_on:
            told = (
                f"there is a scenario '{about.get('name', stem_of(topic))}' already, so nothing was written. "
                "Choose another name, or replace it."
                if based_on == ABSENT
                else "somebody has saved this scenario in the meantime, so nothing was written. "
                "Look at both and choose, or save under another name."
            )
            raise ConflictError(
                f"[answers/{topic}.toml] {told}", theirs=current.values, mine=wanted, revision=current.revision
            )
        return wanted

    saved = update_topic(Path(folder), topic, compose, now=now, replaces_damaged=based_on is None)
    return describe_scenario(saved)[0]


def rename_scenario(folder: Path, name: str, new_name: str, *, now: datetime | None = None) -> Scenario:
    """Give a scenario another name; its earlier versions go with it.

    Raises:
        ConflictError: There is one of the new name already; nothing was changed.
        AnswersError: There is none of that name, it is damaged, or the new name is none.
    """
    folder = Path(folder)
    old, new = _require_topic(folder, name), _topic_of(new_name)
    if new == old:
        return describe_scenario(update_topic(folder, old, lambda held: _rename(held, new_name), now=now))[0]
    held = read_topic(folder, old)

    def compose(current: Topic) -> Mapping[str, Any]:
        if current.revision != ABSENT:
            told = "there is a scenario of that name already, so nothing was renamed. Choose another name."
            raise ConflictError(
                f"[answers/{new}.toml] {told}", theirs=current.values, mine=held.values, revision=current.revision
            )
        return _rename(held, new_name)

    saved = update_topic(folder, new, compose, now=now)
    _copy_versions(folder, old, new)
    with lock_folder(_versions_of(folder, old)):
        _file_of(folder, old).unlink(missing_ok=True)
        for path in _versions_of(folder, old).glob("*.toml"):
            path.unlink(missing_ok=True)
    return describe_scenario(saved)[0]


def delete_scenario(folder: Path, name: str, *, now: datetime | None = None) -> None:
    """Delete a scenario; it stays among the versions for good, and ``restore_scenario`` brings it back.

    Raises:
        AnswersError: There is none of that name, or it can't be deleted.
    """
    folder = Path(folder)
    topic = _require_topic(folder, name)
    path = _file_of(folder, topic)
    if not _is_topic(topic):
        raise AnswersError(f"[answers/{topic}.toml] no scenario's file can have this name. {_rename_cure(topic)}")
    try:
        with lock_folder(_versions_of(folder, topic)):
            keep_version(_versions_of(folder, topic), path, now=to_seconds(now or read_clock()), is_pinned=True)
            path.unlink()
    except OSError as error:
        raise AnswersError(
            f"[answers/{topic}.toml] the scenario can't be deleted: {error.strerror or error}. {cure_of(error)}"
        ) from None


def list_deleted_scenarios(folder: Path) -> list[Scenario]:
    """List the scenarios that were deleted and can be brought back, by name."""
    folder = Path(folder)
    root = folder / "answers" / ".versions" / GROUP
    present = set(list_topics(folder, GROUP))
    found = []
    for place in sorted(root.iterdir()) if root.is_dir() else []:
        topic = f"{GROUP}/{place.name}"
        if topic in present or not _is_topic(topic):
            continue
        held = _read_last(folder, topic)
        if held is not None:
            found.append(describe_scenario(held)[0])
    return sorted(found, key=lambda scenario: (scenario.name.casefold(), scenario.name))


def restore_scenario(folder: Path, name: str, *, now: datetime | None = None) -> Scenario:
    """Bring a deleted scenario back as it was.

    Raises:
        ConflictError: There is one of that name by now; nothing was written.
        AnswersError: None of that name was deleted.
    """
    folder = Path(folder)
    deleted = {scenario.name: scenario for scenario in list_deleted_scenarios(folder)}
    topic = deleted[name].topic if name in deleted else _topic_of(name)
    if name not in deleted and _file_of(folder, topic).exists():
        raise ConflictError(
            f"[answers/{topic}.toml] there is a scenario '{name}' already. Rename it first.",
            theirs=read_topic(folder, topic).values,
            mine={},
            revision=read_topic(folder, topic).revision,
        )
    if name not in deleted:
        raise AnswersError(f"[scenario] no scenario '{name}' was deleted.{suggest(name, deleted)}")
    last = list_version_times(folder, topic)[-1].number
    restore_version(folder, topic, last, based_on=ABSENT, now=now)
    return describe_scenario(read_topic(folder, topic))[0]


def find_scenario(folder: Path, name: str) -> Scenario | None:
    """Return a scenario by its name; None where there is none. Names are compared as their files' are."""
    wanted = name_file(name) if isinstance(name, str) and name.strip() else ""
    found = [one for one in list_scenarios(folder) if one.name == name]
    return next(iter(found or [one for one in list_scenarios(folder) if name_file(one.name) == wanted]), None)


def _rename(held: Topic, name: str) -> dict[str, Any]:
    return {**held.values, ABOUT: {**read_about(held), "name": _tidy(name)}}


def _topic_of(name: str) -> str:
    fault = find_fault_in_name(name, what="scenario's name")
    if fault:
        raise AnswersError(fault)
    return f"{GROUP}/{name_file(_tidy(name))}"


def _tidy(name: str) -> str:
    return " ".join(name.split())


def _is_topic(topic: str) -> bool:
    return re.fullmatch(r"[a-z0-9][a-z0-9_-]*", stem_of(topic)) is not None


def _rename_cure(topic: str) -> str:
    return f"Rename the file to {name_file(stem_of(topic))}.toml."


def _require_topic(folder: Path, name: str) -> str:
    for scenario in list_scenarios(folder):
        if scenario.name == name and scenario.topic:
            return scenario.topic
    topic = _topic_of(name)
    if topic in list_topics(folder, GROUP):
        return topic
    known = [scenario.name for scenario in list_scenarios(folder)]
    told = f"There is: {', '.join(known[:10])}." if known else "None has been saved yet."
    raise AnswersError(f"[scenario] there is no scenario '{name[:80]}'. {told}{suggest(name[:80], known)}")


def _file_of(folder: Path, topic: str) -> Path:
    return folder.joinpath("answers", f"{topic}.toml")


def _versions_of(folder: Path, topic: str) -> Path:
    return folder / "answers" / ".versions" / topic


def _read_last(folder: Path, topic: str) -> Topic | None:
    for version in reversed(list_version_times(folder, topic)[-1:]):
        with suppress(AnswersError, OSError):
            return read_version(folder, topic, version.number)
    return None


def _copy_versions(folder: Path, old: str, new: str) -> None:
    """Lay the versions of a scenario behind those kept of one that had its new name before."""
    target = _versions_of(folder, new)
    target.mkdir(parents=True, exist_ok=True)
    last = max((version.number for version in list_version_times(folder, new)), default=0)
    for place, version in enumerate(list_version_times(folder, old), start=1):
        source = next(_versions_of(folder, old).glob(f"{version.number:06d}*.toml"))
        ending = "-pinned.toml" if version.is_pinned else ".toml"
        copied = target / f"{last + place:06d}{ending}"
        shutil.copy2(source, copied)
        os.utime(copied, (version.saved_at, version.saved_at))
