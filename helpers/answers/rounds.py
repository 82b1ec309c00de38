"""From one round of the survey to the next: the answers given are put aside whole, and everybody begins anew.

A round that has ended lies in ``answers/survey_rounds/<its label>/``: everybody's file as it was, byte for byte, and
``round.toml``. The files in ``answers/survey`` then hold only who somebody is (name, team, role): nobody starts from
what they said last time, since whoever sees an old answer repeats it instead of guessing anew. A form that is still
open somewhere sees its answers leave, as it sees everything that another window saves.

While a round is being started ``round.toml`` says so, and it stays closed; each file is put aside and emptied under
one lock. So whatever stops it half-way, every answer is in one of the two places, and starting it again goes on.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

from helpers.answers.discovery import read_quarter
from helpers.answers.files import Topic, cure_of, list_topics, lock_folder, name_file, read_topic, update_topic
from helpers.answers.names import find_fault_in_name
from helpers.answers.response_file import RESPONDENT, SAVED_ON
from helpers.answers.survey import ENDS_AS, GROUP, NEXT_LABEL, ROUND, Round, read_round
from helpers.answers.toml_text import render_values
from helpers.errors import AnswersError
from helpers.periods import period_of
from helpers.writing import write_bytes

ARCHIVE = "survey_rounds"
"""The folder under ``answers`` in which rounds that have ended lie."""

WITHOUT_LABEL = "first-round"


@dataclass(frozen=True)
class EndedRound:
    """A round whose answers were put aside.

    Attributes:
        label: What it was called.
        place: Where it lies, under the company's folder.
        n_people: How many people's answers lie there.
    """

    label: str
    place: str
    n_people: int


def start_round(folder: Path, label: str) -> EndedRound:
    """Put the answers of a closed round aside and open the next one, in which nobody has answered yet.

    Nothing is lost at any moment. Where starting was cut short, the same call goes on with it, under the label that was
    given first.

    Args:
        folder: The company's folder.
        label: What the new round is called, such as ``Q4 2026``.

    Returns:
        The round that has ended.

    Raises:
        AnswersError: The round is still open, the label is none or was used before, a file is damaged, or the folder
            can't be written to; the text says which file and what to do.
    """
    folder = Path(folder)
    place = folder / "answers" / ".versions" / ARCHIVE
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refuse_writing("answers/.versions", error) from None
    with lock_folder(place):
        state = read_round(folder)[0]
        current = read_topic(folder, ROUND)
        topics = [read_topic(folder, name) for name in list_topics(folder, GROUP) if name != ROUND]
        if not state.is_closed:
            raise AnswersError(
                f"[answers/{ROUND}.toml] the round {_quote(state.label)}is open. Close it before you start another."
            )
        if not (state.next_label and current.values.get(ENDS_AS)):
            _require_new_label(folder, state, label)
            marks = {NEXT_LABEL: label.strip(), ENDS_AS: _choose_place(folder, state, topics)}
            current = update_topic(folder, ROUND, lambda there: {**there.values, **marks})
        target = folder / "answers" / ARCHIVE / name_file(str(current.values[ENDS_AS]))
        for topic in topics:
            update_topic(folder, topic.name, lambda there: _put_aside(folder, there, target), is_pinned=True)
        return _open_next(folder, state, target)


def list_ended(folder: Path) -> list[EndedRound]:
    """List the rounds that have ended, by name of their folder; one that can't be read has its folder's name."""
    return [_describe(Path(folder), place) for place in _list_places(folder)]


def suggest_label(folder: Path, *, today: date) -> str:
    """Suggest what the next round is called: the quarter after this round's, else today's or the first one unused.

    Args:
        folder: The company's folder.
        today: The day on which somebody asks.
    """
    state = read_round(folder)[0]
    now = period_of(today, "quarter", 1).label
    year, quarter = read_quarter(state.label) or read_quarter(now) or (today.year, 1)
    used = {name_file(state.label), *(one.name for one in _list_places(folder))}
    if not read_quarter(state.label) and name_file(now) not in used:
        return now
    fiscal = "FY" if "FY" in state.label.upper() else ""
    for step in count(1):
        later = year * 4 + quarter - 1 + step
        label = f"Q{later % 4 + 1} {fiscal}{later // 4}"
        if name_file(label) not in used:
            return label
    return now


def _require_new_label(folder: Path, state: Round, label: str) -> None:
    fault = find_fault_in_name(label, what="name of the round")
    if fault:
        raise AnswersError(fault)
    used = {name_file(state.label): state.label} if state.label else {}
    used |= {one.name: one.name for one in _list_places(folder)}
    if name_file(label.strip()) in used:
        raise AnswersError(
            f"[name of the round] there was a round '{label.strip()}' already. Give the new one another name, "
            "such as the quarter in which it is asked."
        )


def _choose_place(folder: Path, state: Round, topics: list[Topic]) -> str:
    """Choose the folder's name of the round that ends: by its label, else by the day of its last answer."""
    days = [day for topic in topics if type(day := _read_person(topic).get(SAVED_ON)) is date]
    name = name_file(state.label) if state.label else f"until-{max(days)}" if days else WITHOUT_LABEL
    used = {one.name for one in _list_places(folder)}
    return next(one for n in count(1) if (one := name if n == 1 else f"{name}-{n}") not in used)


def _put_aside(folder: Path, topic: Topic, target: Path) -> Mapping[str, Any] | None:
    """Copy one person's file into the archive and return what stays of it; None where it holds no answers."""
    if not set(topic.values) - {RESPONDENT}:
        return None
    file = folder / "answers" / f"{topic.name}.toml"
    _keep(target, file.stem, file.read_bytes())
    person = {key: value for key, value in _read_person(topic).items() if key != SAVED_ON}
    return {RESPONDENT: person or {"team": "other"}}


def _keep(target: Path, name: str, raw: bytes) -> None:
    """Write a file into the archive; one of the same name that says something else stays beside it."""
    for n in count(1):
        path = target / (f"{name}.toml" if n == 1 else f"{name}-{n}.toml")
        try:
            if not path.exists():
                write_bytes(path, raw)
                return
            if path.read_bytes() == raw:
                return
        except OSError as error:
            raise _refuse_writing(f"answers/{ARCHIVE}/{target.name}/{path.name}", error) from None


def _open_next(folder: Path, state: Round, target: Path) -> EndedRound:
    """Note in the archive which round it was, and open the next one."""
    current = read_topic(folder, ROUND)
    ended = {key: value for key, value in current.values.items() if key not in (NEXT_LABEL, ENDS_AS)}
    text, _ = render_values("", {}, ended, f"answers/{ARCHIVE}/{target.name}/round.toml", None)
    try:
        write_bytes(target / "round.toml", text.encode("utf-8"))
    except OSError as error:
        raise _refuse_writing(f"answers/{ARCHIVE}/{target.name}/round.toml", error) from None
    for left in target.glob(".*.tmp"):  # of a process that was killed while writing
        left.unlink(missing_ok=True)
    opened = {**ended, "closed": False, "label": current.values[NEXT_LABEL]}
    update_topic(folder, ROUND, lambda _: opened)
    found = _describe(folder, target)
    return EndedRound(state.label or found.label, found.place, found.n_people)


def _describe(folder: Path, place: Path) -> EndedRound:
    try:
        label = str(tomllib.loads((place / "round.toml").read_text(encoding="utf-8")).get("label", "")) or place.name
    except (OSError, ValueError):
        label = place.name
    n = sum(path.name != "round.toml" for path in place.glob("*.toml"))
    return EndedRound(label, place.relative_to(folder).as_posix(), n)


def _list_places(folder: Path) -> list[Path]:
    home = Path(folder) / "answers" / ARCHIVE
    return sorted(path for path in home.iterdir() if path.is_dir()) if home.is_dir() else []


def _read_person(topic: Topic) -> Mapping[str, Any]:
    person = topic.values.get(RESPONDENT, {})
    return person if isinstance(person, Mapping) else {}


def _quote(label: str) -> str:
    return f"'{label}' " if label else ""


def _refuse_writing(file: str, error: OSError) -> AnswersError:
    return AnswersError(
        f"[{file}] the file can't be written: {error.strerror or error}. {cure_of(error)} "
        "No answer is lost; start the round again and it goes on."
    )
