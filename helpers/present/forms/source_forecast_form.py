"""The form in which owners of sources type what they expect to generate, and agree who covers a shortfall."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from ipywidgets import HTML, Button, Dropdown, HBox, VBox

from helpers.analyses.source_forecast_review import SourceForecastReview, review_source_forecasts
from helpers.answers.edit_results import Saved
from helpers.answers.goal_numbers import POINT, find_home_decimal
from helpers.answers.pseudonyms import find_hiding
from helpers.answers.source_forecast_editing import Place, SourceForecastEditor, describe_conflict
from helpers.answers.source_forecasts import hide_source_forecasts
from helpers.model.source_forecast import SourceForecasts
from helpers.present import words
from helpers.present.cards import message_html
from helpers.present.forms.attendance import is_attended
from helpers.present.forms.autosave import Autosave
from helpers.present.forms.grid import EditableGrid
from helpers.present.forms.grid_copy import Clash, GridCopy
from helpers.present.forms.save_status import SaveStatus
from helpers.present.forms.sign_in import ask_name
from helpers.present.forms.source_forecast_cells import (
    list_forecast_columns,
    list_remedy_columns,
    read_source_cell,
    write_source_cell,
)
from helpers.present.forms.style import FOLDER, style_widget
from helpers.present.source_forecast_view import show_source_forecasts
from helpers.units import format_value

SAVES = "Every change is saved by itself"
QUESTION = (
    '<p class="title">Who forecasts?</p><p class="subtitle">Your forecasts are kept under this name, beside those of '
    "the other owners; nobody else can change them.</p>"
)
FIXED = {"can_add": False, "can_remove": False, "can_reorder": False}

Row = Mapping[str, Any]


class SourceForecastForm:
    """One owner's forecasts of a source, the remedies of all, and what follows from both.

    Args:
        editor: Keeps what is typed.
        review_of: Says what follows from forecasts, without reading the CRM again.
        currency: ISO code of the company's currency.
        grain: The length of a period.
        source: The source that is open first; empty takes the first one.
        decimal: The sign before fractions where the company is at home.
        on_leave: Called when somebody else wants to forecast at this screen; without it nobody is asked.
    """

    def __init__(
        self,
        editor: SourceForecastEditor,
        review_of: Callable[[SourceForecasts], SourceForecastReview],
        *,
        currency: str = "USD",
        grain: str = "quarter",
        source: str = "",
        decimal: str = POINT,
        on_leave: Callable[[], None] | None = None,
    ) -> None:
        self.editor, self.currency, self.grain, self._review_of = editor, currency, grain, review_of
        self._decimal = decimal
        self.review = review_of(editor.found)
        starts = self.review.starts
        labels = zip(starts["period_start"], starts["label"], strict=True)
        self.periods: dict[date, str] = {start.date(): label for start, label in labels}
        self.sources = list(dict.fromkeys(self.review.compared["source"]))
        mine = [one.source for one in editor.found.forecasts if one.author.casefold() == editor.author.casefold()]
        first = source or next((name for name in mine if name in self.sources), self.sources[0])
        self._typed: dict[str, dict[date, dict[str, str]]] = {}
        self._is_filling = False
        self.head, self.notice, self.below = HTML(), HTML().add_class("notice"), HTML()
        self.choices = HBox().add_class("actions")
        self.status = SaveStatus(text=SAVES, is_kept=True)
        self.pick = Dropdown(options=[(name, name) for name in self.sources], value=first).add_class("pick")
        self.forecasts = EditableGrid(label="Your forecast", columns=list_forecast_columns(currency), **FIXED)
        columns = list_remedy_columns(currency, self.sources)
        self.remedies = EditableGrid(label="Who covers the shortfall", columns=columns, **FIXED)
        whose = f"{editor.folder.resolve()}\nsource forecasts\n{editor.author}"
        grids = {"forecast": self.forecasts, "remedy": self.remedies}
        self.copy = GridCopy(whose, grids, on_left=self._take_left, on_place=self._come_back)
        self.leave = Button(description="Somebody else forecasts").add_class("quiet")
        if on_leave is not None:
            self.leave.on_click(lambda _: (self.autosave.stop(), on_leave()))
        sheets = [(FOLDER / f"{name}.css").read_text(encoding="utf-8") for name in ("matrix_editor", "cascade_form")]
        style = HTML(f"<style>{''.join(sheets)}</style>").add_class("red-style")
        picks = [HTML('<p class="label">Source</p>'), self.pick, *([self.leave] if on_leave else [])]
        head = HBox([self.head, self.copy, self.status]).add_class("head")
        above = VBox([style_widget(), style, head, self.notice, self.choices, HBox(picks).add_class("actions")])
        parts = [above, self.forecasts, self.below, self.remedies]
        for part in (above, self.below):  # the tables between them bring a look of their own
            part.add_class("red").add_class("matrix-editor")
        self.widget = VBox(parts).add_class("red").add_class("cascade-form").add_class("source-forecasts")
        self.autosave = Autosave(editor, self._saved, is_open=lambda: self.widget.comm is not None)
        self.pick.observe(lambda _: self._open_source(), names="value")
        self.forecasts.observe(lambda _: self._take("forecast"), names="rows")
        self.remedies.observe(lambda _: self._take("remedy"), names="rows")
        self.copy.place = first
        self.show()
        if self._say_waiting():
            self.status.show("idle", self._say_waiting())
        self.autosave.watch()

    # ---- showing ----------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Show everything as it stands: what is on disk, over it what is typed and can't be kept yet."""
        subtitle = "what follows from the forecasts of all owners, the model's where one said nothing"
        self.head.value = (
            f'<p class="title">{words.prose_html(self.review.title)}</p>'
            f'<p class="subtitle">{escape(self.editor.author)} · {subtitle}</p>'
        )
        self.below.value = (
            '<p class="title">Who covers what is missing</p>'
            '<p class="subtitle">Everybody writes here; the last word holds, every earlier one is kept.</p>'
        )
        self._fill("forecast")
        self._fill("remedy")
        self._show_problem()

    def _fill(self, kind: str) -> None:
        grid = self._grid(kind)
        rows, faults = [], []
        for place, (start, label) in enumerate(self.periods.items()):
            key = self._place(kind, start)
            row = {"period": label, "_id": str(start), "_fixed": True, **self._facts(kind, start)}
            for column, value in self.editor.read(key).items():
                row[column], fault = self._show_cell(key, column, value)
                if fault:
                    faults.append({"row": place, "column": column, "message": fault})
            rows.append(row)
        self._is_filling = True
        if rows != grid.rows:
            grid.rows = rows
        grid.faults = faults
        self._is_filling = False

    def _show_cell(self, key: Place, column: str, value: Any) -> tuple[str, str]:
        """Return what stands in a cell and what is wrong with it: what waits there, else the value, as typed here."""
        kept, waits = self._kept(key), self.editor.read_draft(key, column)
        if waits:
            kept[column] = kept.get(column, "") if kept.get(column, "").strip() == waits else waits
            return kept[column], self._read(key, column, waits)[1] or "Type it again to keep it."
        typed = kept.get(column, "")
        read, fault = self._read(key, column, typed)
        is_same = not fault and ((read in (None, "") and value in (None, "")) or read == value)
        kept[column] = typed if typed and is_same else write_source_cell(column, value, self._decimal)
        return kept[column], ""

    def _facts(self, kind: str, start: date) -> dict[str, str]:
        """Return what stands beside a row and nobody types."""
        if kind == "forecast":
            table = self.review.compared
            cell = table[(table["period_start"].dt.date == start) & (table["source"] == self.pick.value)].iloc[0]
            model = self._say_forecast(cell["model_pipeline"], cell["model_opportunities"])
            said = self._say_forecast(cell["owner_pipeline"], cell["owner_opportunities"])
            return {"model": model or "–", "said": f"{said}\n{cell['owner']}" if said else ""}
        row = self.review.starts[self.review.starts["period_start"].dt.date == start].iloc[0]
        said = (
            f"{row['agreed_by']}, {words.say_date(row['agreed_on'].date())}"
            if row["agreed_by"] and row["agreed_on"] == row["agreed_on"]
            else ""
        )
        return {"short": self._say_short(row["owner_short"], row["amount"]), "said": said}

    def _say_forecast(self, money: float, n: float) -> str:
        told = [] if words.is_missing(money) else [format_value(float(money), "currency", currency=self.currency)]
        told += [] if words.is_missing(n) else [f"{n:,.0f} opp."]
        return ", ".join(told)

    def _say_short(self, short: float, covered: float) -> str:
        if words.is_missing(short):
            return "no target"
        amount = format_value(abs(float(short)), "currency", currency=self.currency)
        if short <= 0 or not covered > 0:
            return f"{amount} {'short' if short > 0 else 'to spare'}"
        left = format_value(max(float(short - covered), 0.0), "currency", currency=self.currency)
        return f"{amount} short, {left if covered < short else 'nothing'} left uncovered"

    def _show_problem(self) -> None:
        text = self.editor.problem
        self.forecasts.is_disabled = self.remedies.is_disabled = bool(text)
        if text:
            self.notice.value = message_html("error", "Nothing can be saved", text)
        elif not self.editor.conflicts:
            self.notice.value = ""

    # ---- typing -----------------------------------------------------------------------------------------------------

    def _take(self, kind: str) -> None:
        if self._is_filling:
            return
        grid = self._grid(kind)
        faults = []
        for place, (start, row) in enumerate(zip(self.periods, grid.rows, strict=False)):
            key = self._place(kind, start)
            values, kept = dict(self.editor.read(key)), self._kept(key)
            for column in values:
                text = str(row.get(column) or "")
                is_new = text.strip() != kept.get(column, "").strip()
                kept[column] = text
                waits = self.editor.read_draft(key, column)
                if not is_new and not waits:
                    continue
                value, fault = self._read(key, column, text)
                if fault or is_new:
                    self.editor.put_draft(key, column, text if fault else "")
                if fault or not is_new:
                    faults.append({"row": place, "column": column, "message": fault or "Type it again to keep it."})
                else:
                    values[column] = value
            if values != self.editor.read(key):
                self.editor.change(key, values)
        grid.faults = faults
        if self.editor.is_dirty:
            self.status.show("saving")
            self.autosave.touch()

    def _read(self, key: Place, column: str, text: str) -> tuple[Any, str]:
        return read_source_cell(key, column, text, currency=self.currency, decimal=self._decimal)

    def _kept(self, key: Place) -> dict[str, str]:
        """Return the texts of a row as they stand on the page."""
        return self._typed.setdefault(key[1], {}).setdefault(key[3], {})

    def _open_source(self) -> None:
        self.autosave.save()
        self.copy.place = str(self.pick.value)
        self._fill("forecast")

    def _come_back(self, source: str) -> None:
        """Open the source that was open before the page was loaded again."""
        if source in self.sources:
            self.pick.value = source

    def _take_left(self, kind: str, rows: list[dict[str, Any]], clashes: list[Clash]) -> None:
        """Take up what was typed while the connection was lost; what others changed too waits for a choice."""
        self._grid(kind).rows = rows
        starts = {label: start for start, label in self.periods.items()}
        for one in clashes:
            key = self._place(kind, starts[one.row["period"]])
            value, fault = self._read(key, one.column, one.mine)
            if not fault:
                self.editor.dispute(key, one.column, value)
        self.autosave.save()

    # ---- saving -----------------------------------------------------------------------------------------------------

    def _saved(self, saved: Saved) -> None:
        if saved.changed:
            self.review = self._review_of(self.editor.found)
            self.show()
        self._show_problem()
        if saved.status != "failed" and not self.editor.is_dirty:
            self.copy.confirm("forecast", "remedy")
        if saved.status == "failed":
            self.status.show("failed", "see the message" if self.editor.problem else saved.message)
        elif self.editor.conflicts:
            self.status.show("conflict", "choose which of the two holds", at=saved.at)
        elif self._say_waiting():
            self.status.show("idle", self._say_waiting(), at=saved.at)
        elif saved.status == "saved" or self.status.state in ("conflict", "saving", "failed"):
            self.status.show("saved", at=saved.at)
        self._show_conflict()

    def _say_waiting(self) -> str:
        """Say how many texts aren't allowed where they were typed; empty where all are."""
        n = len(self.forecasts.faults) + len(self.remedies.faults)
        waits = f"{words.count_of(n, 'cell')} {'waits' if n == 1 else 'wait'} to be mended, marked with ▲"
        return f"All is saved; {waits}" if n else ""

    def _show_conflict(self) -> None:
        if not self.editor.conflicts:
            self.choices.children = ()
            return
        place, conflict = next(iter(self.editor.conflicts.items()))
        told = describe_conflict(place, conflict, self.editor.author)
        self.notice.value = message_html("warning", "Somebody changed the same", told)
        mine, theirs = Button(description="Keep mine").add_class("quiet"), Button(description="Keep theirs")
        mine.on_click(lambda _: self._resolve(place, "mine"))
        theirs.add_class("primary").on_click(lambda _: self._resolve(place, "theirs"))
        self.choices.children = (theirs, mine)

    def _resolve(self, place: Place, keep: Any) -> None:
        self.editor.resolve(place, keep)
        if keep == "theirs":
            self._typed.get(place[1] if place[0] == "forecast" else "", {}).pop(place[3], None)
            self.show()
        self.autosave.save()

    # ---- places -----------------------------------------------------------------------------------------------------

    def _grid(self, kind: str) -> EditableGrid:
        return self.forecasts if kind == "forecast" else self.remedies

    def _key(self, kind: str) -> str:
        return str(self.pick.value) if kind == "forecast" else ""

    def _place(self, kind: str, start: date) -> Place:
        return kind, self._key(kind), self.grain, start


def show_source_forecast_form(
    company: Any,
    coverage: Any,
    *,
    as_of: date,
    grain: str = "quarter",
    by: str = "",
    subtitle: str = "",
    review: SourceForecastReview | None = None,
    can_change: bool = False,
) -> Any:
    """Show the form where somebody is there to fill it in, else the forecasts as tables.

    Args:
        company: The opened company.
        coverage: As measured for the same day and grain (``CoverageReview.coverage``).
        as_of: The last day that counts.
        grain: The length of a period.
        by: Who forecasts; empty asks once.
        subtitle: What stands under the titles of the tables.
        review: The forecasts as measured already; None measures them.
        can_change: Whether somebody else can go on forecasting at the same screen, under another name.
    """
    review = review or review_source_forecasts(company, coverage, as_of=as_of, grain=grain)
    if not is_attended() or not can_forecast(review):
        return show_source_forecasts(review, subtitle=subtitle, currency=company.currency)
    is_hidden = bool(getattr(company.answers, "hides_names", False))
    hiding = partial(find_hiding, Path(company.folder), always=is_hidden)
    place = VBox()

    def review_of(found: SourceForecasts) -> SourceForecastReview:
        shown = hide_source_forecasts(found, hiding())
        return review_source_forecasts(company, coverage, shown, as_of=as_of, grain=grain)

    def make(name: str) -> VBox:
        form = SourceForecastForm(
            SourceForecastEditor(Path(company.folder), author=name),
            review_of,
            currency=company.currency,
            grain=grain,
            decimal=find_home_decimal(company.locale),
            on_leave=ask if can_change else None,
        )
        return form.widget

    def ask() -> None:
        place.children = (ask_name(make, question=QUESTION, button="Open the forecasts"),)

    if not by.strip():
        return ask_name(make, question=QUESTION, button="Open the forecasts")
    place.children = (make(by),)
    return place


def can_forecast(review: SourceForecastReview) -> bool:
    """Tell whether there are periods to come for which owners can forecast."""
    return review.is_available and not review.starts.empty
