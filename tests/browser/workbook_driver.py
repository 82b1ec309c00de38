"""Fills in workbooks as people do in a spreadsheet, one cell of them badly."""

from openpyxl import load_workbook


def find_cell(sheet, text, *, column=None):
    """Return the cell whose text begins so, or the one of another column in its row."""
    for row in sheet.iter_rows():
        for cell in row:
            if str(cell.value or "").startswith(text):
                return sheet.cell(cell.row, column) if column else cell
    raise AssertionError(f"the sheet doesn't say '{text}'")


def answer_survey(path, *, customers, was):
    """Change the number of customers, and type a text where a number of employees belongs; returns the bad cell."""
    book = load_workbook(path)
    sheet = book["Overview"]
    answer = next(cell for row in sheet.iter_rows() for cell in row if cell.value == was)
    answer.value = customers
    bad = find_cell(sheet, "How many people work here?", column=answer.column)
    bad.value = "a few"
    book.save(path)
    return f"Overview, {bad.coordinate}"


def decide_in_matrix(path, *, by, good, bad):
    """Turn one light of the secondary KPIs, and type a word that is none into another; returns its place."""
    book = load_workbook(path)
    first, sheet = book["Read me"], book["Secondary KPIs"]
    label = find_cell(first, "Decided by")
    first.cell(label.row, label.column + 1).value = by
    lights = find_cell(sheet, "Trackable today?").column
    find_cell(sheet, good, column=lights).value = "○ unavailable"
    find_cell(sheet, good, column=lights + 1).value = "Nobody asks for it"
    wrong = find_cell(sheet, bad, column=lights)
    wrong.value = "perhaps"
    book.save(path)
    return f"Secondary KPIs, {wrong.coordinate}"


def hand_out(page, button, folder):
    """Press a button that hands over a workbook; returns where it was put."""
    with page.expect_download() as download:
        page.locator(button).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def bring_back(page, path):
    """Choose a filled workbook to be taken."""
    with page.expect_file_chooser() as chooser:
        page.locator(".fld-upload").click()
    chooser.value.set_files(path)
