"""The standing meeting of source owners in the browser: each enters the next periods of the own sources.

What everybody expects adds up at once to what the periods start with; what is then short gets a remedy, an owner of it
and a day. Every change is saved as it is typed, into the owner's own file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from html import escape
from typing import Any

from ipywidgets import HTML, Button, HBox, ToggleButton, VBox

from helpers.analyses.source_forecast_review import SourceForecastReview
from helpers.answers.goal_numbers import POINT
from helpers.answers.source_forecast_editing import LABELS, Place, SourceForecastEditor, describe_conflict
from helpers.errors import AnswersError
from helpers.model.source_forecast import SourceForecasts
from helpers.present.cards import message_html
from helpers.present.forms.grid import EditableGrid
from helpers.present.forms.save_status import SaveStatus
from helpers.present.forms.source_forecast_cells import (
    MODEL,
    PERIOD,
    START,
    list_forecast_columns,
    list_remedy_columns,
    read_row,
    say_model,
    say_start,
    show_values,
)
from helpers.present.forms.style import FOLDER, style_widget

PAUSE, REVIEW, LOOK = 0.15, 0.5, 2.0
"""Seconds after the last change until it is saved, until what follows is worked out; between two looks at others."""

SAVES = "Every change is saved by itself"
REMEDY = ""
"""The place of the table of remedies among those of the sources."""

ASKED = "Which sources are yours?"
HELP = (
    "Enter what your source brings within each period: pipeline in money, or the number of opportunities where that is "
    "what you are tracked on. Where you enter nothing, the model's figure stands."
)
REMEDY_HELP = (
    "One source short and another over is fine as long as the sum suffices. Where it doesn't: who covers it, how, and "
    "by when. Everybody sees the last word, and every earlier one is kept."
)


class SourceForecastForm:
    """One owner's forecasts and everybody's remedies, with what follows from them.

    Args:
        editor: Keeps what the owner types.
        review: Says what follows from everything that was said.
        grain: The length of a period.
        views: Shows a review below the tables, as pieces of HTML.
        currency: ISO code of the company's currency.
        decimal: The sign before fractions where the company is at home.
    """

    def __init__(
        self,
        editor: SourceForecastEditor,
        review: Callable[[SourceForecasts], SourceForecastReview],
        *,
        grain: str = "quarter",
        views: Callable[[SourceForecastReview], Sequence[str]] = lambda _: (),
        currency: str = "USD",
        decimal: str = POINT,
    ) -> None:
        self.editor, self._review_of, self._views, self._grain = editor, review, views, grain
        self._currency, self._decimal = currency, decimal
        self.review = review(editor.found)
        self.periods: dict[date, str] = {
            row["period_start"].date(): str(row["label"]) for row in self.review.starts.to_dict("records")
        }
        self.sources = list(dict.fromkeys(self.review.compared["source"]))
        self._save_call: asyncio.TimerHandle | None = None
        self._review_call: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_filling = False
        self._touched: set[str] = set()
        self.status, self.problem, self.overview = SaveStatus(), HTML(), HTML().add_class("views")
        self.conflicts = VBox().add_class("conflicts")
        mine = {one.source for one in editor.found.forecasts if one.author.casefold() == editor.author.casefold()}
        self.choices = {
            source: ToggleButton(value=source in mine, description=source).add_class("source")
            for source in self.sources
        }
        self.grids = {source: self._make_grid(source) for source in self.sources}
        self.grids[REMEDY] = self._make_grid(REMEDY)
        self.headings = {source: HTML(f'<p class="source-name">{escape(source)}</p>') for source in self.sources}
        for toggle in self.choices.values():
            toggle.observe(lambda _: self._show_chosen(), names="value")
        self.widget = self._lay_out()
        self.fill()
        self._show_chosen()
        self.status.show("idle", SAVES)
        self._show_review()
        self.watch()

    # ---- showing ----------------------------------------------------------------------------------------------------

    def fill(self) -> None:
        """Show every row as it stands; what can't be kept stays as typed, with what is wrong."""
        self._is_filling = True
        for source, grid in self.grids.items():
            laid = [
                self._lay_row(source, start, row) for start, row in zip(self.periods, self._rows(grid), strict=True)
            ]
            rows = [row for row, _ in laid]
            if grid.rows != rows:
                grid.rows = rows
            grid.faults = [
                {"row": place, "column": column, "message": message}
                for place, (_, faults) in enumerate(laid)
                for column, message in faults.items()
            ]
            grid.is_disabled = bool(self.editor.problem)
        self._is_filling = False
        text = self.editor.problem
        self.problem.value = message_html("error", "Nothing can be saved", text) if text else ""
        self._show_conflicts()

    def _lay_row(self, source: str, start: date, row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """Lay one row out: the texts that still say what is kept stay as they were typed."""
        kind = "forecast" if source else "remedy"
        values = self.editor.read(self._place(source, start))
        read, faults = read_row(kind, row, values, currency=self._currency, decimal=self._decimal)
        texts = show_values(values, decimal=self._decimal)
        kept = {
            column: str(row.get(column) or "") if column in faults or read[column] == values[column] else text
            for column, text in texts.items()
        }
        return {PERIOD: self.periods[start], **self._find_told(source, start), **kept, "_fixed": True}, faults

    def _find_told(self, source: str, start: date) -> dict[str, str]:
        found = self.review.compared if source else self.review.starts
        found = found[found["period_start"].dt.date == start]
        if source:
            found = found[found["source"] == source]
        say, column = (say_model, MODEL) if source else (say_start, START)
        return {column: say(found.iloc[0].to_dict(), self._currency) if len(found) else ""}

    def _show_chosen(self) -> None:
        for source, toggle in self.choices.items():
            shown = "" if toggle.value else "none"
            self.grids[source].layout.display = self.headings[source].layout.display = shown

    def _show_review(self) -> None:
        """Work out what follows from what everybody said by now."""
        self._review_call = None
        self.review = self._review_of(self.editor.found)
        self.overview.value = "".join(self._views(self.review))
        self.fill()

    def _show_conflicts(self) -> None:
        lines = []
        for place, one in list(self.editor.conflicts.items()):
            told = describe_conflict(place, one, self.editor.author)
            text = HTML(message_html("warning", "Changed twice", f"{told}. Choose which one holds."))
            mine, theirs = Button(description="Keep mine").add_class("quiet"), Button(description="Keep theirs")
            mine.on_click(lambda _, place=place: self._choose(place, "mine"))
            theirs.add_class("primary").on_click(lambda _, place=place: self._choose(place, "theirs"))
            lines.append(VBox([text, HBox([theirs, mine]).add_class("actions")]))
        self.conflicts.children = tuple(lines)

    # ---- typing and saving ------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Save what was typed now, and work out soon what follows from it."""
        if self._save_call:
            self._save_call.cancel()
        self._save_call = None
        refused = [told for source in sorted(self._touched) for told in self._take(source)]
        self._touched.clear()
        saved = self.editor.save()
        if saved.status == "failed":
            self.status.show("failed", saved.message)
        elif saved.status == "conflict":
            self.status.show("conflict", "choose which of the two holds", at=saved.at)
        elif refused:
            self.status.show("failed", refused[0])
        else:
            self.status.show("saved", at=saved.at)
        self.fill()
        self._review_soon()

    def look(self) -> bool:
        """Look once whether others, or other windows, saved something, and show it."""
        had = self.editor.problem
        found = self.editor.refresh()
        if not found.changed and self.editor.problem == had:
            return False
        self._show_review()
        return True

    def watch(self) -> None:
        """Look every other second, as long as the kernel's event loop runs and the form is there."""
        loop = _find_loop()
        if loop and self._task is None:
            self._task = loop.create_task(self._watch())

    def stop(self) -> None:
        """Save what waits, and stop looking."""
        if self._save_call:
            self.save()
        for waiting in (self._review_call, self._task):
            if waiting:
                waiting.cancel()
        self._task = None

    async def _watch(self) -> None:
        while self.widget.comm is not None:
            await asyncio.sleep(LOOK)
            if self._save_call is None:
                self.look()

    def _typed(self, source: str) -> None:
        if self._is_filling:
            return
        self._touched.add(source)
        self.status.show("saving")
        loop = _find_loop()
        if loop is None:
            self.save()
            return
        if self._save_call:
            self._save_call.cancel()
        self._save_call = loop.call_later(PAUSE, self.save)

    def _take(self, source: str) -> list[str]:
        """Hand what a table holds to the editor; returns what can't be kept, each with its place."""
        kind, refused = "forecast" if source else "remedy", []
        for start, row in zip(self.periods, self._rows(self.grids[source]), strict=True):
            place = self._place(source, start)
            values, faults = read_row(
                kind, row, self.editor.read(place), currency=self._currency, decimal=self._decimal
            )
            refused += [
                f"{self.periods[start]}, {LABELS[column]} isn't saved: {fault}" for column, fault in faults.items()
            ]
            try:
                self.editor.change(place, values)
            except AnswersError as error:
                refused.append(f"{self.periods[start]} isn't saved: {error}")
        return refused

    def _choose(self, place: Place, keep: str) -> None:
        self.editor.resolve(place, keep)  # type: ignore[arg-type]
        self.save()

    def _review_soon(self) -> None:
        loop = _find_loop()
        if loop is None:
            self._show_review()
            return
        if self._review_call:
            self._review_call.cancel()
        self._review_call = loop.call_later(REVIEW, self._show_review)

    # ---- making -----------------------------------------------------------------------------------------------------

    def _place(self, source: str, start: date) -> Place:
        return "forecast" if source else "remedy", source, self._grain, start

    def _rows(self, grid: EditableGrid) -> list[dict[str, Any]]:
        """Return a table's rows in the order of the periods; an empty one where a period has none."""
        held = {row.get(PERIOD): row for row in grid.rows}
        return [held.get(label, {}) for label in self.periods.values()]

    def _make_grid(self, source: str) -> EditableGrid:
        columns = list_forecast_columns(self._currency) if source else list_remedy_columns(self.sources)
        label = f"Forecast of {source}" if source else "Remedies"
        grid = EditableGrid(label=label, columns=columns, can_add=False, can_remove=False, can_reorder=False)
        grid.observe(lambda _: self._typed(source), names="rows")
        return grid

    def _lay_out(self) -> VBox:
        title = HTML(f'<p class="title">{escape(f"What {self.editor.author} expects to bring")}</p>')
        style = "".join(
            (FOLDER / f"{name}.css").read_text(encoding="utf-8") for name in ("matrix_editor", "source_forecast_form")
        )
        paragraph = partial("<p class='{}'>{}</p>".format)
        tables = [part for source in self.sources for part in (self.headings[source], self.grids[source])]
        widget = VBox(
            [
                style_widget(),
                HTML(f"<style>{style}</style>").add_class("red-style"),
                HBox([title, self.status]).add_class("head"),
                self.problem,
                self.conflicts,
                HTML(paragraph("question", ASKED)),
                HBox(list(self.choices.values())).add_class("sources"),
                HTML(paragraph("subtitle", escape(HELP))),
                *tables,
                HTML(paragraph("source-name", "What is short, and who covers it")),
                HTML(paragraph("subtitle", escape(REMEDY_HELP))),
                self.grids[REMEDY],
                self.overview,
            ]
        )
        for name in ("red", "matrix-editor", "source-forecast-form"):
            widget.add_class(name)
        return widget


def _find_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
