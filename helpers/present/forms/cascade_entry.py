"""How the cascade is opened: as a form where somebody is there, as its views where nobody can be asked."""

from __future__ import annotations

from typing import Any

from ipywidgets import VBox

from helpers.analyses.cascade import review_cascade
from helpers.answers.cascade_comments import read_comments
from helpers.answers.cascade_editing import CascadeEditor
from helpers.answers.goal_numbers import find_home_decimal
from helpers.present.cascade_view import list_views
from helpers.present.charts.overview import Displays
from helpers.present.display import Display
from helpers.present.forms.attendance import is_attended
from helpers.present.forms.cascade_form import CascadeForm
from helpers.present.forms.sign_in import ask_name

QUESTION = (
    '<p class="title">Who is there?</p><p class="subtitle">Comments are kept with this name, and nobody else can '
    "change them. Goals, tactics and targets are everybody's.</p>"
)


def open_cascade_form(book: Any, *, matrix: Any = None, review: Any = None, by: str = "", subtitle: str = "") -> Any:
    """Open the cascade as a form where somebody is there to fill it in, else show its views.

    Args:
        book: The opened workbook.
        matrix: The solved goal matrix, whose probability judges what is achievable; None lets history judge.
        review: The cascade as measured already; None measures it.
        by: Who edits and comments; empty asks once.
        subtitle: What stands under the views' titles.

    Returns:
        A widget; or the views one below the other where nobody can be asked, or names are hidden.
    """
    company, said = book.company, subtitle or book.subtitle()
    review = review or review_cascade(company, book.cells, as_of=book.as_of, matrix=matrix)
    if is_readable_only(company) or not is_attended():
        return show_cascade_views(book, review, subtitle=said)
    kpis = {id: (kpi.label, kpi.unit) for id, kpi in company.catalog.kpis.items()}

    def make(name: str) -> VBox:
        editor = CascadeEditor(
            company.folder,
            kpis=kpis,
            currency=company.currency,
            fiscal_year_start=company.fiscal_year_start,
            decimal=find_home_decimal(company.locale),
        )

        def views() -> list[str]:
            comments = read_comments(company.folder)[0]
            now = review_cascade(
                company, book.cells, as_of=book.as_of, cascade=editor.cascade, comments=comments, ruler=review.ruler
            )
            return [block_html(shown) for shown in list_views(now, subtitle=said, currency=company.currency)]

        labels = {id: label for id, (label, _) in kpis.items()}
        form = CascadeForm(editor, company.folder, by=name, views=views, kpis=labels, currency=company.currency)
        return form.widget

    return make(by.strip()) if by.strip() else ask_name(make, question=QUESTION, button="Open the cascade")


def show_cascade_views(book: Any, review: Any, *, subtitle: str = "") -> Displays:
    """Show the cascade to be read."""
    return Displays(list_views(review, subtitle=subtitle or book.subtitle(), currency=book.company.currency))


def is_readable_only(company: Any) -> bool:
    """Tell whether people stand under pseudonyms, so that nobody can type into what holds their names."""
    return bool(getattr(company.answers, "hides_people", False))


def block_html(shown: Display) -> str:
    """Write a display as a piece of a form: its picture where it is one, else its designed form."""
    return f'<div class="block picture">{shown.svg}</div>' if shown.svg else f'<div class="block">{shown.html}</div>'
