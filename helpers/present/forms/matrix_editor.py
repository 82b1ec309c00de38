"""The KPI discovery matrix that people fill in together: lights, copies, and what to activate next."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ipywidgets import HTML, Box, Button, HBox, VBox

from helpers.analyses.discovery_review import DiscoveryReview, apply_decisions
from helpers.analyses.owner_evidence import measure_owners
from helpers.answers.discovery import DiscoveryAnswers
from helpers.answers.discovery_editing import DiscoveryEditor
from helpers.answers.pseudonyms import find_hiding
from helpers.periods import period_of
from helpers.present.cards import message_html
from helpers.present.discovery_view import show_matrix
from helpers.present.forms.activation_panel import ActivationPanel
from helpers.present.forms.attendance import is_attended
from helpers.present.forms.copies_panel import CopiesPanel, Key
from helpers.present.forms.evidence_panel import EvidencePanel
from helpers.present.forms.light_matrix import LightMatrix, find_cell
from helpers.present.forms.matrix_choices import (
    find_next_quarter,
    find_siblings,
    find_undecided,
    first_open_kpi,
    is_judged_alike,
    label_kpi,
    list_fields,
    list_objects,
    save_each,
)
from helpers.present.forms.score_header import SAVES, ScoreHeader, say_move
from helpers.present.forms.secondary_list import SecondaryList
from helpers.present.forms.sign_in import ask_name
from helpers.present.forms.style import FOLDER, style_widget
from helpers.present.theme import find_light

LOOK = 2.0
"""Seconds between two looks at what others decided."""

SCREENS = ("matrix", "secondaries", "copies", "activate")

Save = Callable[..., Any]
"""A call of the editor that writes one decision; ``force=True`` writes it over a colleague's."""


class MatrixEditor:
    """The matrix, its evidence, the copies, the list by name and the plan, kept in step with every decision.

    Args:
        review: Says what follows from decisions, without reading the CRM again.
        editor: Keeps the decisions.
        currency: ISO code of the company's currency.
    """

    def __init__(
        self,
        review: Callable[[DiscoveryAnswers], DiscoveryReview],
        editor: DiscoveryEditor,
        *,
        currency: str = "USD",
    ) -> None:
        self.editor, self.currency = editor, currency
        self._review_of = review
        self.review = review(editor.answers)
        self.screen = "matrix"
        self._pending: tuple[Save, str] | None = None
        self._task: asyncio.Task[None] | None = None
        self.head = ScoreHeader(self.review, by=editor.by, quarter=editor.quarter)
        self.problem = HTML()
        self.matrix = LightMatrix()
        self.evidence = EvidencePanel(judge=self._judge, withdraw=self._withdraw, next_cell=self.open_next)
        self.secondaries = SecondaryList(self.open)
        self.copies = CopiesPanel(self._decide_copy)
        self.activations = ActivationPanel(
            plan=self._plan,
            unplan=self._unplan,
            quarter=find_next_quarter(editor.quarter, self.review.facts.fiscal_year_start),
        )
        self.tabs = {screen: Button().add_class("tab") for screen in SCREENS}
        for screen, tab in self.tabs.items():
            tab.on_click(lambda _, screen=screen: self.go(screen))
        self.notice = HTML().add_class("notice")
        self.notice_choices = HBox().add_class("actions")
        left = VBox([self.matrix, self.secondaries.widget]).add_class("left")
        self.split = Box([left, self.evidence.widget]).add_class("split")
        style = HTML(f"<style>{(FOLDER / 'matrix_editor.css').read_text(encoding='utf-8')}</style>")
        self.widget = VBox(
            [
                style_widget(),
                style.add_class("red-style"),
                self.head.widget,
                self.problem,
                HBox(list(self.tabs.values())).add_class("tabs"),
                self.notice,
                self.notice_choices,
                self.split,
                self.copies.widget,
                self.activations.widget,
            ]
        )
        for name in ("red", "matrix-editor"):
            self.widget.add_class(name)
        self.matrix.observe(self._on_selected, names="selected")
        self.matrix.observe(self._on_asked, names="asked")
        self.matrix.on_msg(self._on_message)
        self.matrix.observe(lambda _: self.go("copies"), names="opened_copy")
        self.show()
        self.go("matrix")
        self.watch()

    # ---- showing ----------------------------------------------------------------------------------------------------

    def show(self, *, with_evidence: bool = True) -> None:
        """Show everything as it stands now; of the open cell only where nothing is being chosen or typed."""
        review, answers = self.review, self.editor.answers
        self.head.show(review)
        self.matrix.show(review)
        self.secondaries.show(review.secondaries.to_dict("records"), chosen=self.selected)
        self.copies.show(
            review.copies.to_dict("records"),
            {(copy.dimension, copy.from_object, copy.to_object): copy for copy in answers.copies},
            fields=list_fields(review),
            objects=list_objects(review),
        )
        plans = {plan.dimension: plan for plan in answers.activations}
        self.activations.show(review.activations.to_dict("records"), score=review.score, plans=plans)
        self._show_tabs()
        if with_evidence and not self.evidence.is_touched:
            self._show_evidence()
        self._show_problem()

    def go(self, screen: str) -> None:
        """Show one screen: the matrix, the list by name, the copies, or what to activate."""
        self.screen = screen
        for name, tab in self.tabs.items():
            tab.add_class("is-current") if name == screen else tab.remove_class("is-current")
        self.matrix.layout.display = "" if screen == "matrix" else "none"
        self.secondaries.widget.layout.display = "" if screen == "secondaries" else "none"
        self.split.layout.display = "" if screen in ("matrix", "secondaries") else "none"
        self.copies.widget.layout.display = "" if screen == "copies" else "none"
        self.activations.widget.layout.display = "" if screen == "activate" else "none"

    @property
    def selected(self) -> tuple[str, str]:
        """KPI and partition of the cell that is open; empty texts where none is."""
        cell = self.evidence.cell
        return (str(cell["kpi"]), str(cell["dimension"])) if cell else ("", "")

    def open(self, kpi: str, dimension: str) -> None:
        """Open a cell: show its evidence."""
        cell = find_cell(self.review.matrix, kpi, dimension)
        if cell is None:
            return
        self._open_cell(cell)
        self.matrix.selected = {"row": dimension, "column": kpi}

    def open_next(self) -> None:
        """Open the next wanted cell, in the order of the matrix, that nobody has decided yet."""
        rows, columns = ([place["id"] for place in places] for places in (self.matrix.rows, self.matrix.columns))
        following = find_undecided(self.review, rows, columns, after=self.selected)
        if following is None:
            self.evidence.say("good", "Every wanted cell has been decided")
            return
        self.open(*following)

    def _open_cell(self, cell: Mapping[Any, Any]) -> None:
        self._show_evidence(cell)
        self.secondaries.show(self.review.secondaries.to_dict("records"), chosen=self.selected)

    def _show_evidence(self, cell: Mapping[Any, Any] | None = None, *, saved: str = "") -> None:
        found = cell or find_cell(self.review.matrix, *self.selected)
        if not found:
            return
        place = {name: str(found[name]) for name in ("kpi", "dimension", "object")}
        judgement = self.editor.answers.find(**place)
        facts, owners = self.review.facts, None
        if (place["kpi"], place["dimension"]) != self.selected:
            owners = measure_owners(facts.copies.company, found, facts.rules, as_of=facts.as_of)
        self.evidence.show(
            found,
            kpi=label_kpi(self.review, place["kpi"]),
            siblings=[label_kpi(self.review, other) for other in find_siblings(self.review, found)],
            quarter=judgement.quarter if judgement else "",
            saved=saved,
            owners=owners,
        )

    def _show_tabs(self) -> None:
        review = self.review
        judged = review.matrix[review.matrix["is_wanted"]]
        decided = int((judged["decided_by"] != "").sum())
        copied = int((review.copies["decided"] != "").sum())
        said = {
            "matrix": f"Matrix · {decided} of {len(judged)} decided",
            "secondaries": f"Secondary KPIs · {len(review.secondaries)}",
            "copies": f"Copies · {copied} of {len(review.copies)} decided",
            "activate": f"Activate next · {self.activations.n_planned} planned",
        }
        for screen, text in said.items():
            self.tabs[screen].description = text

    def _show_problem(self) -> None:
        text = self.editor.problem
        self.problem.value = message_html("error", "Nothing can be decided", text) if text else ""
        self.matrix.is_disabled = bool(text)
        for panel in (self.evidence, self.copies, self.activations):
            panel.set_disabled(bool(text))

    # ---- deciding ---------------------------------------------------------------------------------------------------

    def _on_selected(self, change: Mapping[str, Any]) -> None:
        place = change["new"]
        wanted = (place.get("column", ""), place.get("row", ""))
        if wanted != self.selected:
            cell = find_cell(self.review.matrix, *wanted)
            if cell is not None:
                self._open_cell(cell)

    def _on_asked(self, change: Mapping[str, Any]) -> None:
        asked = change["new"]
        cell = find_cell(self.review.matrix, asked.get("column", ""), asked.get("row", ""))
        if cell is None or self.editor.problem:
            return
        if (cell["kpi"], cell["dimension"]) != self.selected:
            self._open_cell(cell)
        self.evidence.propose(str(asked.get("light", "")))

    def _on_message(self, _: Any, content: Any, __: Any = None) -> None:
        if isinstance(content, dict) and content.get("kind") == "decide":
            self.evidence.take(*(str(content.get(name, "")) for name in ("cell", "light", "note")))

    def _judge(self, *, light: str, note: str, everywhere: bool) -> None:
        cell = self.evidence.cell
        if cell is None:
            return
        kpi, dimension, object = (str(cell[name]) for name in ("kpi", "dimension", "object"))
        kpis = [kpi, *find_siblings(self.review, cell)] if everywhere else [kpi]

        def save(force: bool = False) -> Any:
            place = {"dimension": dimension, "object": object}
            return save_each(self.editor.judge(kpi=one, **place, light=light, note=note, force=force) for one in kpis)

        self._settle(save, self.evidence.say)

    def _withdraw(self, *, everywhere: bool) -> None:
        cell = self.evidence.cell
        if cell is None:
            return
        dimension, object = str(cell["dimension"]), str(cell["object"])
        kpis = [str(cell["kpi"]), *(find_siblings(self.review, cell) if everywhere else [])]

        def save(force: bool = False) -> Any:
            saves = (self.editor.withdraw(kpi=kpi, dimension=dimension, object=object, force=force) for kpi in kpis)
            return save_each(saves)

        self._settle(save, self.evidence.say)

    def _decide_copy(self, key: Key, state: str, note: str) -> None:
        if state:
            self._settle(lambda force=False: self.editor.decide_copy(*key, state, note, force=force), self._say)
        else:
            self._settle(lambda force=False: self.editor.withdraw_copy(*key, force=force), self._say)

    def _plan(self, dimension: str, effort: str, owner: str) -> None:
        plans = {plan.dimension: plan for plan in self.editor.answers.activations}
        had = plans.get(dimension)
        kpi = had.kpi if had else first_open_kpi(self.review, dimension)
        planned = had.planned if had else self.activations.quarter
        note = had.note if had else ""
        self._settle(
            lambda force=False: self.editor.plan(
                kpi, dimension, effort=effort, owner=owner, planned=planned, note=note, force=force
            ),
            self._say,
        )

    def _unplan(self, dimension: str) -> None:
        kpis = [plan.kpi for plan in self.editor.answers.activations if plan.dimension == dimension]

        def save(force: bool = False) -> Any:
            return save_each(self.editor.unplan(kpi, dimension, force=force) for kpi in kpis)

        self._settle(save, self._say)

    def _settle(self, save: Save, say: Callable[..., None]) -> None:
        """Write a decision and show what came of it; a colleague's other decision is shown beside it first."""
        say()
        saved = save()
        if saved is None:
            return
        if saved.status == "conflict":
            mine, theirs = Button(description="Set mine").add_class("quiet"), Button(description="Keep theirs")
            mine.on_click(lambda _: self._settle(lambda: save(force=True), say))
            theirs.add_class("primary").on_click(lambda _: self._take_theirs(say))
            told = re.sub(r"^\[[^\]]*\] ", "", saved.message)
            theirs_first, _, rest = told.partition("; ")
            say("warning", theirs_first, f"{rest[:1].upper()}{rest[1:]}", choices=(theirs, mine))
            self.head.status.show("conflict", "choose which of the two holds")
            return
        if saved.status == "failed":
            say("error", "Not saved", saved.message)
            self.head.status.show("failed", "see the message")
            self._show_problem()
            return
        self.head.status.show("saved", at=saved.at)
        self._take_over(is_saved=True)

    def _take_theirs(self, say: Callable[..., None]) -> None:
        say()
        self.head.status.show("idle", SAVES)
        self.editor.refresh()
        self._take_over()

    def _take_over(self, *, is_saved: bool = False) -> None:
        """Work out what follows from the decisions, and show it."""
        before = self.review.score
        self.review = self._review_of(self.editor.answers)
        said = say_move(before, self.review.score) if is_saved else ""
        self._show_evidence(saved=said)
        self.show(with_evidence=False)

    def _say(self, kind: str = "", title: str = "", text: str = "", *, choices: Any = ()) -> None:
        self.notice.value = message_html(kind, title, text) if kind else ""
        self.notice_choices.children = tuple(choices)

    # ---- others -----------------------------------------------------------------------------------------------------

    def look(self) -> bool:
        """Look once whether somebody else decided something, and show it; what is being chosen or typed stays."""
        had = self.editor.problem
        if not self.editor.refresh() and self.editor.problem == had:
            return False
        before = find_cell(self.review.matrix, *self.selected)
        self.review = self._review_of(self.editor.answers)
        self.show()
        now = find_cell(self.review.matrix, *self.selected)
        if before and now and self.evidence.is_touched and not is_judged_alike(before, now):
            said = f"{now['decided_by'] or 'Somebody'} set it to {find_light(now['light']).word} meanwhile"
            note = f"Note: {now['note']}. " if now["note"] else ""
            self.evidence.say("warning", said, f"{note}What you chose is not saved yet.")
        return True

    def watch(self) -> None:
        """Look every other second, as long as the kernel's event loop runs and the form is there."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._task is None:
            self._task = loop.create_task(self._watch())

    def stop(self) -> None:
        """Stop looking."""
        if self._task:
            self._task.cancel()
            self._task = None

    async def _watch(self) -> None:
        while self.widget.comm is not None:
            await asyncio.sleep(LOOK)
            self.look()


def show_matrix_editor(
    folder: Path, review: DiscoveryReview, *, rules: Any = None, by: str = "", quarter: str = "", subtitle: str = ""
) -> Any:
    """Show the matrix as a form where somebody is there to fill it in, else as a picture.

    Args:
        folder: The company's folder, in which the decisions are kept.
        review: What the exports, the survey and the decisions so far say.
        rules: Not needed any more: the review knows them.
        by: Who decides; empty asks once.
        quarter: For which quarter, such as ``Q3 2026``; empty takes that of the review's last day.
        subtitle: What stands under the picture's title.
    """
    if not is_attended():
        return show_matrix(review, subtitle=subtitle)
    facts = review.facts
    quarter = quarter or period_of(facts.as_of, "quarter", facts.fiscal_year_start).label

    is_hidden = bool(getattr(facts.copies.company.answers, "hides_names", False))
    hiding = partial(find_hiding, folder, always=is_hidden)

    def make(name: str) -> MatrixEditor:
        editor = DiscoveryEditor(Path(folder), by=name, quarter=quarter, find_hiding=hiding)
        return MatrixEditor(lambda answers: apply_decisions(review, answers), editor)

    return make(by).widget if by.strip() else ask_name(lambda name: make(name).widget)
