"""Opening the goal editor on a company: where somebody is there to edit, else the picture of the matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.analyses.goal_prospects import GoalProspects, foresee, trace_past
from helpers.analyses.goal_review import GoalReview
from helpers.answers.goal_editing import GoalCell, GoalEditor, Typed
from helpers.answers.goal_numbers import find_home_decimal
from helpers.answers.spreadsheet_layout import name_company
from helpers.model.goal import load_goal_rules
from helpers.present.charts.goal_page import show_goals
from helpers.present.forms.attendance import is_attended
from helpers.present.forms.goal_editor import GoalMatrixEditor
from helpers.present.goal_spreadsheet import write_goal_spreadsheet


def open_goal_editor(book: Any, review: GoalReview, *, by: str = "") -> Any:
    """Show the goal matrix as a spreadsheet that people type into; unattended as a picture.

    Args:
        book: The company as a notebook opened it.
        review: As made by ``review_goals``; what people set is read anew from the company's folder.
        by: Who edits; asked for only where a plan is adopted.

    Returns:
        The form; the picture where nobody is looking, or where there is nothing to build goals on.
    """
    if not is_attended() or review.matrix.empty:
        subtitle = book.subtitle("goal, actual and chance per KPI")
        return show_goals(review, subtitle=subtitle, currency=book.currency)
    return make_goal_editor(book, review, by=by).widget


def make_goal_editor(book: Any, review: GoalReview, *, by: str = "") -> GoalMatrixEditor:
    """Make the form on a company's goals."""
    company, grain, rules = book.company, book.period.grain, load_goal_rules()
    places = {"as_of": book.as_of, "grain": grain, "rules": rules}
    labels = {id: partition.label for id, partition in company.partitions.items()}

    def write_workbook(matrix: pd.DataFrame, typed: Mapping[GoalCell, Typed], scenario: str) -> bytes:
        ahead = foresee(matrix, review.outlook, catalog=company.catalog)["expected"].to_numpy()
        told = matrix.assign(expected=ahead)
        told.attrs = dict(matrix.attrs)
        return write_goal_spreadsheet(
            told,
            catalog=company.catalog,
            as_of=book.as_of,
            typed=typed,
            company=name_company(company.folder),
            currency=book.currency,
            fiscal_year_start=company.fiscal_year_start,
            history=book.cells,
            labels=labels,
            scenario=scenario,
        )

    return GoalMatrixEditor(
        review.matrix,
        GoalEditor(company.folder),
        catalog=company.catalog,
        rules=rules,
        as_of=book.as_of,
        past=trace_past(review.matrix, book.cells, catalog=company.catalog, **places),
        history=book.cells,
        outlook=review.outlook,
        judge=GoalProspects.open(company, book.cells, review.periods, **places),
        fiscal_year_start=company.fiscal_year_start,
        currency=book.currency,
        decimal=find_home_decimal(company.locale),
        labels=labels,
        subtitle=book.subtitle("Goals by KPI, period and slice"),
        by=by,
        write_workbook=write_workbook,
    )
