"""A filled-in survey workbook taken over into its person's answers, merged with what was answered since its export."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.answers.editing import ResponseEditor
from helpers.answers.files import ABSENT, read_topic
from helpers.answers.import_results import CellConflict, CellProblem, Imported, Keep, say_answer
from helpers.answers.merging import match_rows, merge_answers
from helpers.answers.names import find_fault_in_name
from helpers.answers.response_file import is_same_person
from helpers.answers.spreadsheet_answers import Reading, read_place
from helpers.answers.spreadsheet_cells import read_cell
from helpers.answers.spreadsheet_layout import README, fingerprint_survey, list_questions
from helpers.answers.spreadsheet_places import Place, find_places
from helpers.answers.spreadsheet_reading import Sheet
from helpers.answers.typed import Normal, normalise, show_raw
from helpers.errors import AnswersError
from helpers.model.survey import Survey, SurveyField

NAME = "respondent.name"


def import_survey(
    folder: Path,
    sheets: Sequence[Sheet],
    exported: Mapping[str, Any] | None,
    survey: Survey,
    *,
    name: str = "",
    keep: Keep = "",
    file: str = "workbook",
) -> Imported:
    """Take over the answers of a filled-in workbook.

    Args:
        folder: The company's folder.
        sheets: The workbook.
        exported: What its hidden sheet says of the export; None where that was lost.
        survey: The survey's definition.
        name: Whose answers they are; the name on the first sheet unless said.
        keep: Which answer stays where the workbook and the folder contradict each other.
        file: What the workbook is called in messages.

    Returns:
        What was taken and what was not. An answer that the workbook shows as it was exported changes nothing.

    Raises:
        AnswersError: It is another survey's or another person's workbook, names nobody, or can't be saved.
    """
    values = exported.get("values") if exported else {}
    values = values if isinstance(values, Mapping) else {}
    _require_same_survey(exported, survey, file)
    places, repeated = find_places(sheets, survey)
    if all(key.startswith("respondent.") for key in places):
        raise AnswersError(f"[{file}] none of the survey's questions is found in it. Send the workbook exported here.")
    who = _find_person(places, values, name, file)
    editor = ResponseEditor(folder, survey, name=who)
    if editor.problem:
        raise AnswersError(editor.problem)
    is_there = read_topic(folder, editor.topic).revision != ABSENT
    is_base = is_there and exported is not None and is_same_person(str(values.get(NAME, "")), who)
    work = _Work(editor, keep)
    for key, question in list_questions(survey):
        if key in places and key != NAME:
            reading = read_place(places[key], values.get(key), is_base=is_base)
            base = normalise(question, values.get(key)) if is_base else None
            work.take(places[key], reading, base)
    work.save(places)
    notes = [*_tell_missing(places, exported, survey), *_tell_version(exported, survey)]
    notes += [f"The sheet '{title}' repeats another one and was passed over." for title in repeated]
    return Imported("survey", editor.name, len(work.taken), tuple(work.problems), tuple(work.conflicts), tuple(notes))


@dataclass
class _Work:
    """Takes over question by question and notes what came of it."""

    editor: ResponseEditor
    keep: Keep
    taken: list[str] = field(default_factory=list)
    problems: list[CellProblem] = field(default_factory=list)
    conflicts: list[CellConflict] = field(default_factory=list)

    def take(self, place: Place, reading: Reading, base: Normal) -> None:
        """Merge what the workbook says about one question with what the folder holds."""
        self.problems += reading.problems
        if not reading.is_read or reading.value == base:
            return
        id, question = _id_of(place), place.field
        state = self.editor.read(id)
        theirs = normalise(question, state.raw)
        if reading.value == theirs:
            return
        if state.conflict:
            told = "two windows have answered this differently already."
            self.problems.append(CellProblem(place.sheet.title, place.name_of(), told, "Choose in the form first."))
            return
        mine, kept = merge_answers(question, base, reading.value, theirs)
        self.conflicts += _list_conflicts(place, reading, mine, kept, self.keep)
        final = mine if self.keep == "mine" else kept
        if final != theirs:
            self.editor.change(id, show_raw(question, final))
            self.taken.append(id)

    def save(self, places: Mapping[str, Place]) -> None:
        """Write what was taken; what another window saved this very moment is a conflict like any other."""
        if not self.taken:
            return
        saved = self.editor.save()
        by_id = {_id_of(place): place for place in places.values()}
        for id, conflict in self.editor.conflicts.items() if saved.status == "conflict" else ():
            if id not in self.taken:
                continue
            place = by_id[id]
            mine, theirs = (normalise(place.field, side) for side in (conflict.mine, conflict.theirs))
            self.conflicts.append(_make_conflict(place, self.keep, mine, theirs))
            self.taken.remove(id)
            if self.keep:
                self.editor.resolve(id, self.keep)
        if saved.status == "conflict" and self.keep:
            saved = self.editor.save()
        if saved.status == "failed":
            raise AnswersError(saved.message)


def _id_of(place: Place) -> str:
    """Return the id under which an editor knows a question."""
    return place.key if place.key.startswith("respondent.") else place.field.id


def _find_person(places: Mapping[str, Place], values: Mapping[str, Any], name: str, file: str) -> str:
    place = places.get(NAME)
    typed = ""
    if place:
        value, fault = read_cell(place.field, place.cell_of(), values.get(NAME))
        if fault:
            raise AnswersError(CellProblem(place.sheet.title, place.name_of(), *fault).describe())
        typed = str(value or "")
    elif not name:
        typed = str(values.get(NAME) or "")
    where = f"{place.sheet.title}, {place.name_of()}" if place else README
    if name and typed and not is_same_person(name, typed):
        raise AnswersError(
            f"[{where}] this is the workbook of '{typed}', and these are the answers of '{name}'. Write your own name "
            "there if the answers are yours."
        )
    who = name or typed
    if not who:
        raise AnswersError(f"[{where}] nobody's name stands in the workbook '{file}'. Write it there and save again.")
    fault_in_name = find_fault_in_name(who)
    if fault_in_name:
        raise AnswersError(f"[{where}] {fault_in_name.partition('] ')[2]}")
    return who


def _require_same_survey(exported: Mapping[str, Any] | None, survey: Survey, file: str) -> None:
    asked = exported.get("questions") if exported else None
    if not exported or not isinstance(asked, list):
        return
    known = {key for key, _ in list_questions(survey)}
    if len(known & {str(key) for key in asked}) * 2 < len(asked):
        raise AnswersError(
            f"[{file}] this is a workbook of another survey ('{exported.get('survey', '')}'); here it is "
            f"'{survey.label}'. Export a workbook here and fill in that one."
        )


def _list_conflicts(place: Place, reading: Reading, mine: Normal, theirs: Normal, keep: Keep) -> Iterator[CellConflict]:
    """Name the cells in which two answers contradict each other after they were merged."""
    if mine == theirs:
        return
    question = place.field
    if question.type != "grid" or not all(isinstance(side, list | None) for side in (mine, theirs)):
        yield _make_conflict(place, keep, mine, theirs)
        return
    ours, others, read = mine or [], theirs or [], [row for _, row in reading.rows]
    there = match_rows(ours, others, key=question.key)
    in_sheet = match_rows(ours, read, key=question.key)
    n_found = 0
    for number, row in enumerate(ours):
        at = reading.rows[in_sheet[number]][0] if number in in_sheet else 0
        other = others[there[number]] if number in there else None
        if other is None:
            n_found += 1
            yield _make_conflict(place, keep, _name_of(question, row), None, at)
            continue
        for column in question.columns:
            if row.get(column.id) != other.get(column.id):
                n_found += 1
                yield _make_conflict(place, keep, row.get(column.id), other.get(column.id), at, column)
    for number, row in enumerate(others):
        if number not in there.values():
            n_found += 1
            yield _make_conflict(place, keep, None, _name_of(question, row))
    if not n_found:
        names = ([_name_of(question, row) for row in rows] for rows in (ours, others))
        yield _make_conflict(place, keep, *names)


def _make_conflict(
    place: Place, keep: Keep, mine: Normal, theirs: Normal, row: int = 0, column: SurveyField | None = None
) -> CellConflict:
    question = place.field
    label = question.short or question.label
    at = place.columns.get(column.id, 0) if column else 0
    if column:
        label = f"{label}, {column.short or column.label}"
        if row:
            label = f"{label} of {say_answer(question.columns[0], place_name(place, row))}"
    said = [say_answer(column or question, side) for side in (mine, theirs)]
    return CellConflict(place.sheet.title, place.name_of(row, at), _id_of(place), label, *said, kept=keep)


def place_name(place: Place, row: int) -> str:
    """Return what a table's row is called in the sheet."""
    return str(place.cell_of(row, place.columns.get(place.field.key, 0)).value or "")


def _name_of(question: SurveyField, row: Mapping[str, Any]) -> str:
    return str(row.get(question.key, ""))


def _tell_missing(places: Mapping[str, Place], exported: Mapping[str, Any] | None, survey: Survey) -> Iterator[str]:
    """Tell which questions the workbook no longer holds, tab by tab."""
    asked = exported.get("questions") if exported else None
    for tab in survey.tabs.values():
        keys = [f"{tab.id}.{question.id}" for question in tab.fields]
        missing = [key for key in keys if key not in places and (not isinstance(asked, list) or key in asked)]
        if missing and len(missing) == len(keys):
            yield f"The tab '{tab.label}' isn't in the workbook; its answers stay as they were."
        elif missing:
            labels = ", ".join(f"'{survey.field(key.partition('.')[2]).label}'" for key in missing)
            yield f"On the tab '{tab.label}' these aren't found and stay as they were: {labels}."


def _tell_version(exported: Mapping[str, Any] | None, survey: Survey) -> Iterator[str]:
    if exported is None:
        yield (
            "The workbook's hidden sheet was lost, so that nobody knows what was changed: "
            "empty cells were passed over, and where the folder has another answer it is a conflict."
        )
    elif exported.get("fingerprint") != fingerprint_survey(survey):
        yield "The workbook was exported from an earlier version of the survey; what is still asked was taken."
