"""What an editor of answers tells the form: how a question stands, what came of saving, how far a tab is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from helpers.answers.fields import Fault
from helpers.answers.merging import Sync
from helpers.answers.typed import Raw, check_raw, denormalise, lay_rows, show_raw, split_answer
from helpers.model.survey import SurveyField, SurveyTab

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Conflict:
    """Two windows have answered one question differently; both answers are kept until somebody chooses."""

    field: str
    mine: Raw
    theirs: Raw


@dataclass(frozen=True)
class FieldState:
    """One question as a control shows it.

    Attributes:
        raw: What the control holds: text as typed (``""`` for none), id of a choice, a list, rows of a grid in the
            form's order.
        value: The answer that counts; None where there is none. Of a grid with faults, what is allowed of it.
        faults: Place, what is wrong, what to do; a grid's place is ``products[2].cycle_days`` with the row from 1.
        conflict: What another window has answered instead.
    """

    raw: Raw
    value: Any | None
    faults: tuple[Fault, ...]
    conflict: Conflict | None = None

    @property
    def is_answered(self) -> bool:
        """Whether there is an answer that counts."""
        return self.value is not None


@dataclass(frozen=True)
class Saved:
    """What came of saving or of looking at the file.

    Attributes:
        status: ``saved``, ``unchanged`` (nothing to do), ``conflict`` (a choice is needed; everything else is
            saved) or ``failed`` (nothing was written; what was typed is still here).
        message: What is wrong, where, and what to do; empty where nothing is.
        at: When.
        changed: Questions whose answer was taken over from the file, so that their controls must be shown anew.
    """

    status: Literal["saved", "unchanged", "conflict", "failed"]
    message: str = ""
    at: datetime | None = None
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """How far a tab is: questions answered, all of them, and the labels of required ones without an answer."""

    answered: int
    total: int
    missing: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether something was answered and nothing required is missing."""
        return self.answered > 0 and not self.missing


def build_state(id: str, question: SurveyField, raw: Raw, sync: Sync, is_too_long: bool = False) -> FieldState:
    """Tell how a question stands, given what its control holds and what this window knows of it."""
    faults = check_raw(question, raw) or check_raw(question, denormalise(sync.mine))
    if is_too_long:
        cure = "Shorten it; until then the answer saved before stays in the file."
        faults = (*faults, (id, "this is too long to be kept.", cure))
    conflict = None
    if sync.dispute:
        mine, theirs = (lay_rows(question, show_raw(question, side)) for side in sync.dispute)
        conflict = Conflict(id, mine, theirs)
    return FieldState(raw, split_answer(question, sync.mine)[0], faults, conflict)


def describe_conflict(field: SurveyField, conflict: Conflict) -> str:
    """Say what contradicts what, in a few words."""
    label = field.short or field.label
    if field.type == "grid":
        return f"{label} (the rows differ)"
    return f"{label} (here {_shorten(conflict.mine)}, there {_shorten(conflict.theirs)})"


def describe_conflicts(topic: str, fields: Mapping[str, SurveyField], conflicts: Mapping[str, Conflict]) -> str:
    """Say which answers in which file differ, and what is to be done."""
    told = "; ".join(describe_conflict(fields[id], conflict) for id, conflict in conflicts.items())
    return f"[answers/{topic}.toml] another window has answered differently: {told}. Choose which one stays."


def measure_tab(tab: SurveyTab, is_answered: Callable[[str], bool]) -> Progress:
    """Count how far a tab is, given which of its questions are answered."""
    answered = {field.id for field in tab.fields if is_answered(field.id)}
    missing = tuple(field.label for field in tab.fields if field.required and field.id not in answered)
    return Progress(len(answered), len(tab.fields), missing)


def read_clock() -> datetime:
    """Return the time now, in the machine's time zone."""
    return datetime.now().astimezone()


def _shorten(raw: Raw) -> str:
    text = ", ".join(map(str, raw)) if isinstance(raw, list) else str(raw)
    return f"'{text}'" if len(text) <= 60 else f"'{text[:57]}…'"
