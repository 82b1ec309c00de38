"""Taking back a workbook that was exported here and filled in: the survey's answers, the matrix's decisions, goals."""

from collections.abc import Sequence
from pathlib import Path

from helpers.answers.goal_import import import_goals
from helpers.answers.import_results import CellConflict, CellProblem, Imported, Keep
from helpers.answers.matrix_import import import_matrix
from helpers.answers.spreadsheet_layout import list_questions, read_mark
from helpers.answers.spreadsheet_reading import Sheet, is_workbook, read_exported, read_sheets, require_same_company
from helpers.answers.survey_import import import_survey
from helpers.errors import AnswersError, ParameterError, suggest
from helpers.model.survey import Survey, load_survey

__all__ = ["CellConflict", "CellProblem", "Imported", "import_answers", "is_answers_workbook"]

FEWEST_LABELS = 5
"""So many of the survey's questions, word for word, make a workbook one of its own where every mark was lost."""


def is_answers_workbook(path: Path, survey: Survey | None = None) -> bool:
    """Tell whether a file is a workbook of survey or matrix that was exported here, filled in or not.

    Args:
        path: Any file.
        survey: The survey's definition; the shipped one unless said.

    Returns:
        False for anything else, and for what can't be read: whoever reads it next tells what is wrong with it.
    """
    if not is_workbook(path):
        return False
    try:
        sheets = read_sheets(path, file=path.name)
    except AnswersError:
        return False
    return _is_ours(sheets, survey or load_survey())


def import_answers(
    folder: Path,
    data: bytes | Path,
    survey: Survey,
    *,
    name: str = "",
    keep: Keep = "",
    quarter: str = "",
    file: str = "",
) -> Imported:
    """Take over what people filled into a workbook that was exported here.

    Args:
        folder: The company's folder.
        data: The workbook, or its bytes.
        survey: The survey's definition.
        name: Whose answers or decisions they are; the name on the workbook's first sheet unless said.
        keep: Where the workbook and the folder contradict each other: ``mine`` takes the workbook's answer, ``theirs``
            keeps the folder's, nothing leaves the folder's and tells both.
        quarter: The quarter for which the matrix was decided; that on the workbook's first sheet unless said.
        file: What the workbook is called in messages; its file name unless said.

    Returns:
        What was taken, and every cell that was refused or contradicts, by sheet and cell. Cells that still show what
        was exported change nothing, so that newer answers in the folder stay.

    Raises:
        AnswersError: It is no workbook, a damaged one, or another survey's, company's or person's; nothing was written.
        ParameterError: ``keep`` is none of the two words.
    """
    if keep not in ("", "mine", "theirs"):
        raise ParameterError(f"keep '{keep}' is unknown. Allowed: mine, theirs.{suggest(keep, ('mine', 'theirs'))}")
    folder = Path(folder)
    told = file or (data.name if isinstance(data, Path) else "workbook")
    sheets = read_sheets(data, file=told)
    exported = read_exported(sheets)
    if not exported and not _is_ours(sheets, survey):
        raise AnswersError(
            f"[{told}] this is no workbook of the survey or the matrix, nor of goals. Send the one exported here."
        )
    if exported:
        require_same_company(exported, folder, told)
    if exported and exported.get("kind") == "goals":
        return import_goals(folder, sheets, exported, keep=keep, file=told)
    if exported and exported.get("kind") == "matrix":
        return import_matrix(folder, sheets, exported, name=name, quarter=quarter, keep=keep, file=told)
    return import_survey(folder, sheets, exported, survey, name=name, keep=keep, file=told)


def _is_ours(sheets: Sequence[Sheet], survey: Survey) -> bool:
    if read_exported(sheets):
        return True
    questions = dict(list_questions(survey))
    labels = {field.label.casefold() for field in questions.values()}
    found: set[str] = set()
    for sheet in sheets:
        for cells in sheet.cells.values():
            for cell in cells.values():
                mark = read_mark(cell.value) if cell.kind == "text" else None
                if mark and mark.key in questions:
                    return True
                if cell.kind == "text" and cell.first_line.casefold() in labels:
                    found.add(cell.first_line.casefold())
    return len(found) >= FEWEST_LABELS
