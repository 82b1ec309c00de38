"""How the board is opened: as a form where somebody is there, as what is still to mend where nobody can be asked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ipywidgets import Widget

from helpers.analyses.board_offers import list_board_evidence
from helpers.analyses.cause_review import find_faults, list_names
from helpers.analyses.effectiveness import check_actions, keep_checks
from helpers.analyses.five_m import has_milieu
from helpers.answers.board_editing import BoardEditor
from helpers.answers.pseudonyms import find_hiding
from helpers.model.board import Board
from helpers.model.board_action import EffectCheck
from helpers.present import words
from helpers.present.board_view import show_board_rules
from helpers.present.forms.attendance import is_attended
from helpers.present.forms.board_form import BoardForm
from helpers.present.forms.board_state import Scene
from helpers.present.forms.board_typing import BoardWords
from helpers.present.forms.sign_in import ask_name
from helpers.present.glossary import FAMILIES

QUESTION = (
    '<p class="title">Who is there?</p><p class="subtitle">Your causes, dots and comments are kept under this name. '
    "Everybody works on the board at once; nobody can change what another has written.</p>"
)


def open_board_form(
    book: Any, gap: Any, *, by: str = "", subtitle: str = "", effects: Mapping[str, EffectCheck] | None = None
) -> Any:
    """Open the board as a form where somebody is there to fill it in, else show what is still to mend on it.

    Args:
        book: The opened workbook.
        gap: The result of ``explain_gap``.
        by: Who edits; empty asks once.
        subtitle: What stands under the title; empty says what is asked about.
        effects: What ``find_effects`` found; None computes it.

    Returns:
        A widget; a display where nobody can be asked, or names are hidden for good.
    """
    company = book.company
    said = subtitle or _say_subtitle(book, gap)
    if bool(getattr(company.answers, "hides_people", False)) or not is_attended():
        return show_board_rules(company.answers.board, find_faults(company, gap), subtitle=said)

    known = find_effects(book) if effects is None else effects

    def make(name: str) -> Widget:
        return make_board_form(book, gap, by=name, subtitle=said, effects=known).widget

    return make(by.strip()) if by.strip() else ask_name(make, question=QUESTION, button="Open the board")


def make_board_form(
    book: Any, gap: Any, *, by: str, subtitle: str = "", effects: Mapping[str, EffectCheck] | None = None
) -> BoardForm:
    """Make the form of one person.

    Args:
        book: The opened workbook.
        gap: The result of ``explain_gap``.
        by: Whose form it is.
        subtitle: What stands under the title; empty says what is asked about.
        effects: Action's id → what the data says by now of its effect.
    """
    company = book.company
    catalog = company.catalog.kpis
    kpis = {id: (kpi.label, kpi.unit) for id, kpi in catalog.items()}
    families = {id: FAMILIES[kpi.family] for id, kpi in catalog.items()}
    scene = Scene(
        by,
        gap.period.label,
        book.as_of,
        list_board_evidence(gap),
        list_names(company),
        effects or {},
        BoardWords(company.currency, "currency" if gap.is_money else "count", kpis, families),
        has_milieu=has_milieu(company),
    )
    return BoardForm(
        BoardEditor(Path(company.folder), author=by),
        scene,
        gap=gap.gap if gap.is_explained else None,
        subtitle=subtitle or _say_subtitle(book, gap),
        find_hiding=partial(find_hiding, Path(company.folder), always=bool(company.answers.hides_names)),
        find_effects=partial(find_effects, book),
    )


def find_effects(book: Any, board: Board | None = None) -> dict[str, EffectCheck]:
    """Return what the data says by now of the effect of actions on the board, where that is worth keeping.

    Args:
        book: The opened workbook.
        board: The board as it stands; None takes the one that was read when the workbook was opened.
    """
    board = book.company.answers.board if board is None else board
    if not board.actions:
        return {}
    return keep_checks(check_actions(book.company, board, as_of=book.as_of, history=book.history))


def _say_subtitle(book: Any, gap: Any) -> str:
    kpi = book.company.catalog.kpis.get(gap.outcome)
    measure = kpi.label if kpi else words.label_of(gap.outcome)
    compared = f" against {gap.compared}" if gap.compared else ""
    return f"{measure}, {gap.period.label}{compared} · data as of {words.say_date(book.as_of)}"
