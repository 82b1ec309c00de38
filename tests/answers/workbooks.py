"""Workbooks as people send them back: exported, changed cell by cell, saved by another program."""

import io
import shutil

import openpyxl

from helpers.answers.spreadsheet_import import import_answers
from helpers.answers.survey import Response, read_responses, write_response
from helpers.model.survey import load_survey
from helpers.present.survey_spreadsheet import write_survey_spreadsheet
from tests.real_data import PROJECT

SURVEY = load_survey()
SAMPLE = PROJECT / "data" / "samples" / "brightwater"
COMPANY = "Brightwater Software"


def make_folder(tmp_path, *, with_answers=True):
    """A company's folder with the sample's answers."""
    folder = tmp_path / "brightwater"
    folder.mkdir(parents=True)
    shutil.copy(SAMPLE / "company.toml", folder)
    if with_answers:
        shutil.copytree(SAMPLE / "answers", folder / "answers")
    return folder


def answers_of(folder, id="ana-okafor"):
    responses, problems = read_responses(folder, SURVEY)
    assert problems == []
    return dict(responses[id].values) if id in responses else {}


def response_of(folder, id="ana-okafor"):
    return read_responses(folder, SURVEY)[0].get(id)


def put_answers(folder, name="Ana Okafor", *, team="marketing", **values):
    """Write somebody's answers as a form would."""
    known = response_of(folder)
    before = dict(known.values) if known else {}
    write_response(folder, name, {**before, **values}, SURVEY, team=team, based_on=known.revision if known else "")
    return response_of(folder)


def export(response=None, **options):
    return write_survey_spreadsheet(SURVEY, response, currency="EUR", company=COMPANY, **options)


def export_blank(name="Ana Okafor"):
    """A workbook for somebody who has answered nothing yet."""
    return export(Response("", name, team="marketing"))


def open_book(data):
    return openpyxl.load_workbook(io.BytesIO(data))


def save_book(book):
    raw = io.BytesIO()
    book.save(raw)
    return raw.getvalue()


def find(book, mark):
    """The sheet and the row that carry a mark, such as ``q:overview.employees``."""
    for sheet in book:
        for row in range(1, sheet.max_row + 1):
            if sheet.cell(row, 1).value == mark:
                return sheet, row
    raise AssertionError(f"no row is marked {mark}")


def fill(data, answers):
    """Type into the cells: mark → value, or (mark, number of the column from the first) → value."""
    book = open_book(data)
    for place, value in answers.items():
        mark, column = place if isinstance(place, tuple) else (place, 1)
        sheet, row = find(book, f"q:{mark}")
        sheet.cell(row, 2 + column).value = value
    return save_book(book)


def take(folder, data, **options):
    return import_answers(folder, data, SURVEY, **options)
