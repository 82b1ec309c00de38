"""What came of importing a workbook: what was taken, and each cell that was refused or contradicts another answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from helpers.answers.typed import Faulty, Normal, denormalise
from helpers.model.survey import SurveyField

Keep = Literal["", "mine", "theirs"]
"""Which answer stays where two contradict each other: the workbook's, the folder's, or neither is chosen yet."""

SHOWN = 80
"""Characters of an answer in a message."""


@dataclass(frozen=True)
class CellProblem:
    """One cell that could not be taken; what the folder holds of it stays as it is."""

    sheet: str
    cell: str
    message: str
    cure: str = ""

    def describe(self) -> str:
        """Say it in a line."""
        message = self.message if self.message.endswith((".", "!", "?", "…")) else f"{self.message}."
        return f"[{self.sheet}, {self.cell}] {message} {self.cure}".strip()


@dataclass(frozen=True)
class CellConflict:
    """One cell that was changed in the workbook and, differently, by somebody else since it was exported.

    Attributes:
        sheet: The sheet.
        cell: The cell.
        field: Id of the question, or of the matrix's cell.
        label: What people call it.
        mine: What the workbook says, as text.
        theirs: What the folder says.
        kept: Which of them stays; empty until somebody chooses, and the folder's stays so long.
    """

    sheet: str
    cell: str
    field: str
    label: str
    mine: str
    theirs: str
    kept: Keep = ""

    def describe(self, *, shows_values: bool = True) -> str:
        """Say it in a line, with both answers or only where they stand."""
        kept = {"mine": " The workbook's was taken.", "theirs": " The folder's was kept.", "": ""}[self.kept]
        if not shows_values:
            return f"[{self.sheet}, {self.cell}] {self.label}.{kept}"
        mine, theirs = (f"says {text}" if text else "says nothing" for text in (self.mine, self.theirs))
        return f"[{self.sheet}, {self.cell}] {self.label}: the workbook {mine}, the folder {theirs}.{kept}"


@dataclass(frozen=True)
class Imported:
    """What came of importing a workbook.

    Attributes:
        kind: ``survey``, ``matrix`` or ``goals``.
        who: Whose answers, who decided, or the workbook itself.
        n_taken: How many answers or decisions were written.
        problems: Cells that could not be taken.
        conflicts: Cells in which the folder holds another answer than the one that was changed.
        notes: Anything else worth knowing; nothing is lost by it.
    """

    kind: Literal["survey", "matrix", "goals"]
    who: str
    n_taken: int = 0
    problems: Sequence[CellProblem] = ()
    conflicts: Sequence[CellConflict] = ()
    notes: Sequence[str] = field(default=())

    @property
    def noun(self) -> str:
        """What one of the things taken is called."""
        return {"survey": "answer", "matrix": "decision", "goals": "goal"}[self.kind]

    @property
    def open_conflicts(self) -> list[CellConflict]:
        """The conflicts in which nobody has chosen."""
        return [conflict for conflict in self.conflicts if not conflict.kept]

    @property
    def is_whole(self) -> bool:
        """Whether nothing was refused and nothing waits for a choice."""
        return not self.problems and not self.open_conflicts

    def describe(self, *, shows_values: bool = True) -> str:
        """Say what was taken, refused and in conflict, by sheet and cell.

        Args:
            shows_values: Whether the two answers of a conflict are told too; before the survey's round is closed
                nobody but their author may see them.
        """
        lines = [f"{self.n_taken} {self.noun}{'' if self.n_taken == 1 else 's'} taken from {self.who}."]
        if self.problems:
            lines.append(f"{len(self.problems)} not taken; there the folder stays as it was:")
            lines += [f"  {problem.describe()}" for problem in self.problems]
        if self.conflicts:
            lines.append(f"{len(self.conflicts)} changed both here and in the workbook:")
            lines += [f"  {conflict.describe(shows_values=shows_values)}" for conflict in self.conflicts]
        if self.open_conflicts:
            lines.append("Choose with --keep mine (the workbook's) or --keep theirs (the folder's).")
        return "\n".join([*lines, *self.notes])


def say_answer(field: SurveyField, normal: Normal) -> str:
    """Write an answer for a message: labels instead of ids, and no more than a line.

    >>> say_answer(SurveyField(id="s", label="Share", type="number", unit="share"), 0.6)
    "'60 %'"
    """
    if normal is None:
        return ""
    if isinstance(normal, Faulty):
        return _quote(str(denormalise(normal)))
    if isinstance(normal, list):
        return _quote(", ".join(str(field.allowed.get(str(item), item)) for item in normal))
    if field.unit == "share" and isinstance(normal, int | float):
        return _quote(f"{round(normal * 100, 10):g} %")
    if isinstance(normal, int | float) and field.unit != "year":
        return _quote(f"{normal:,}")
    return _quote(str(field.allowed.get(str(normal), normal)))


def _quote(value: Any) -> str:
    text = " ".join(str(value).split())
    return f"'{text}'" if len(text) <= SHOWN else f"'{text[: SHOWN - 1]}…'"
