"""The form in which owners of sources type what they expect to generate, and agree who covers a shortfall."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from ipywidgets import HTML, Button, Dropdown, HBox, VBox

from helpers.analyses.source_forecast_review import SourceForecastReview, review_source_forecasts
from helpers.answers.edit_results import Saved
from helpers.answers.goal_numbers import read_goal_text
from helpers.answers.pseudonyms import find_hiding
from helpers.answers.source_forecast_editing import Place, SourceForecastEditor, describe_conflict
from helpers.answers.source_forecasts import EXAMPLE_DAY, find_fault, hide_source_forecasts
from helpers.model.source_forecast import STATUSES, SourceForecasts
from helpers.present import words
from helpers.present.cards import message_html
from helpers.present.forms.attendance import is_attended
from helpers.present.forms.autosave import Autosave
from helpers.present.forms.grid import EditableGrid, make_column
from helpers.present.forms.save_status import SaveStatus
from helpers.present.forms.sign_in import ask_name
from helpers.present.forms.style import FOLDER, style_widget
from helpers.present.source_forecast_view import show_source_forecasts
from helpers.units import format_value

SAVES = "Every change is saved by itself"
QUESTION = (
    '<p class="title">Who forecasts?</p><p class="subtitle">Your forecasts are kept under this name, beside those of '
    "the other owners; nobody else can change them.</p>"
)
FIXED = {"can_add": False, "can_remove": False, "can_reorder": False}
DAY_FORMATS = ("%Y-%m-%d", "%d %b %Y", "%d %B %Y", "%d.%m.%Y")
NUMBERS = {"pipeline": "currency", "opportunities": "count"}

Row = Mapping[str, Any]


class SourceForecastForm:
    """One owner's forecasts of a source, the remedies of all, and what follows from both.

    Args:
        editor: Keeps what is typed.
        review_of: Says what follows from forecasts, without reading the CRM again.
        currency: ISO code of the company's currency.
        grain: The length of a period.
        source: The source that is open first; empty takes the first one.
    """

    def __init__(
        self,
        editor: SourceForecastEditor,
        review_of: Callable[[SourceForecasts], SourceForecastReview],
        *,
        currency: str = "USD",
        grain: str = "quarter",
        source: str = "",
    ) -> None:
        self.editor, self.currency, self.grain, self._review_of = editor, currency, grain, review_of
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
        self.status = SaveStatus(text=SAVES)
        self.pick = Dropdown(options=[(name, name) for name in self.sources], value=first).add_class("pick")
        self.forecasts = EditableGrid(label="Your forecast", columns=self._forecast_columns(), **FIXED)
        self.remedies = EditableGrid(label="Who covers the shortfall", columns=self._remedy_columns(), **FIXED)
        sheet = (FOLDER / "matrix_editor.css").read_text(encoding="utf-8")
        style = HTML(f"<style>{sheet}</style>").add_class("red-style")
        self.widget = VBox(
            [
                style_widget(), style, self.head, self.status, self.notice, self.choices,
                HBox([HTML('<p class="label">Source</p>'), self.pick]).add_class("actions"), self.forecasts, self.below,
                self.remedies,
            ]
        )  # fmt: skip
        for name in ("red", "matrix-editor", "source-forecasts"):
            self.widget.add_class(name)
        self.autosave = Autosave(editor, self._saved, is_open=lambda: self.widget.comm is not None)
        self.pick.observe(lambda _: self._open_source(), names="value")
        self.forecasts.observe(lambda _: self._take("forecast"), names="rows")
        self.remedies.observe(lambda _: self._take("remedy"), names="rows")
        self.show()
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
            held = self.editor.read(key)
            kept = self._typed.setdefault(self._key(kind), {}).setdefault(start, {})
            row = {"period": label, "_fixed": True, **self._facts(kind, start)}
            for column, value in held.items():
                text = kept.get(column, "")
                read, fault = self._judge(key, column, text)
                is_same = (read in (None, "") and value in (None, "")) or read == value
                row[column] = text if fault or (is_same and text) else _write(value)
                kept[column] = row[column]
                if fault:
                    faults.append({"row": place, "column": column, "message": fault})
            rows.append(row)
        self._is_filling = True
        if rows != grid.rows:
            grid.rows = rows
        grid.faults = faults
        self._is_filling = False

    def _facts(self, kind: str, start: date) -> dict[str, str]:
        """Return what stands beside a row and nobody types."""
        if kind == "forecast":
            table = self.review.compared
            cell = table[(table["period_start"].dt.date == start) & (table["source"] == self.pick.value)].iloc[0]
            money, n = cell["model_pipeline"], cell["model_opportunities"]
            return {
                "model": "–"
                if words.is_missing(money)
                else format_value(float(money), "currency", currency=self.currency),
                "model_n": "–" if words.is_missing(n) else f"{n:,.0f}",
            }
        row = self.review.starts[self.review.starts["period_start"].dt.date == start].iloc[0]
        said = (
            f"{row['agreed_by']}, {words.say_date(row['agreed_on'].date())}"
            if row["agreed_by"] and row["agreed_on"] == row["agreed_on"]
            else ""
        )
        return {"short": self._say_short(row["owner_short"]), "said": said}

    def _say_short(self, short: float) -> str:
        if words.is_missing(short):
            return "no target"
        amount = format_value(abs(float(short)), "currency", currency=self.currency)
        return f"{amount} {'short' if short > 0 else 'to spare'}"

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
            values = dict(self.editor.read(key))
            kept = self._typed.setdefault(self._key(kind), {}).setdefault(start, {})
            for column in values:
                text = str(row.get(column) or "")
                kept[column] = text
                value, fault = self._judge(key, column, text)
                if fault:
                    faults.append({"row": place, "column": column, "message": fault})
                else:
                    values[column] = value
            if values != self.editor.read(key):
                self.editor.change(key, values)
        grid.faults = faults
        if self.editor.is_dirty:
            self.status.show("saving")
            self.autosave.touch()
        elif faults or self.status.state == "failed":
            self._saved(self.editor.refresh())

    def _read(self, column: str, text: str) -> tuple[Any, str]:
        """Read what stands in a cell: its value, and what is wrong with it."""
        text = text.strip()
        if column in NUMBERS:
            found = read_goal_text(text, NUMBERS[column], currency=self.currency)
            is_broken = column == "opportunities" and found.value is not None and not float(found.value).is_integer()
            return found.value, "Opportunities are whole. Write a whole number." if is_broken else found.fault
        if column == "due":
            return _read_day(text)
        return (text or None) if column == "status" else text, ""

    def _judge(self, place: Place, column: str, text: str) -> tuple[Any, str]:
        """Read a cell, and hold its value against what may be kept in its row."""
        value, fault = self._read(column, text)
        if fault or value in (None, ""):
            return value, fault
        at = {"grain": place[2], "period_start": place[3]} | ({"source": place[1]} if place[0] == "forecast" else {})
        found = find_fault(place[0], {**at, column: value})
        return value, f"{found[1][:1].upper()}{found[1][1:]}. {found[2]}" if found else ""

    def _open_source(self) -> None:
        self.autosave.save()
        self._fill("forecast")

    # ---- saving -----------------------------------------------------------------------------------------------------

    def _saved(self, saved: Saved) -> None:
        if saved.changed:
            self.review = self._review_of(self.editor.found)
            self.show()
        self._show_problem()
        n = len(self.forecasts.faults) + len(self.remedies.faults)
        if saved.status == "failed":
            self.status.show("failed", "see the message" if self.editor.problem else saved.message)
        elif self.editor.conflicts:
            self.status.show("conflict", "choose which of the two holds", at=saved.at)
        elif n:
            self.status.show(
                "failed", f"{words.count_of(n, 'cell')} can't be kept as typed; the rest is saved", at=saved.at
            )
        elif saved.status == "saved" or self.status.state in ("conflict", "saving", "failed"):
            self.status.show("saved", at=saved.at)
        self._show_conflict()

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

    # ---- columns ----------------------------------------------------------------------------------------------------

    def _grid(self, kind: str) -> EditableGrid:
        return self.forecasts if kind == "forecast" else self.remedies

    def _key(self, kind: str) -> str:
        return str(self.pick.value) if kind == "forecast" else ""

    def _place(self, kind: str, start: date) -> Place:
        return kind, self._key(kind), self.grain, start

    def _forecast_columns(self) -> list[dict[str, Any]]:
        return [
            make_column({"id": "period", "label": "Period", "is_fixed": True, "width": 96}),
            make_column({"id": "model", "label": "Model: pipeline", "is_fixed": True, "width": 120}),
            make_column({"id": "model_n", "label": "Model: opportunities", "is_fixed": True, "width": 120}),
            make_column({
                "id": "pipeline", "width": 130, "label": "Your pipeline", "kind": "number", "unit": self.currency,
                "example": "600k",
                "help": "New-business pipeline generated in the period",
            }),
            make_column({
                "id": "opportunities", "width": 130, "label": "Your opportunities", "kind": "number", "example": "25",
                "help": "How many are created in the period",
            }),
            make_column({"id": "note", "label": "What it rests on", "kind": "long_text"}),
        ]  # fmt: skip

    def _remedy_columns(self) -> list[dict[str, Any]]:
        return [
            make_column({"id": "period", "label": "Period", "is_fixed": True, "width": 96}),
            make_column({"id": "short", "label": "By the owners' forecasts", "is_fixed": True, "width": 130}),
            make_column({"id": "covered_by", "label": "Who covers it", "suggestions": self.sources}),
            make_column({"id": "remedy", "label": "Agreed remedy", "kind": "long_text"}),
            make_column({"id": "due", "label": "Due", "example": EXAMPLE_DAY, "width": 120}),
            make_column({"id": "status", "label": "Status", "kind": "choice", "choices": list(STATUSES.items())}),
            make_column({"id": "said", "label": "Last said", "is_fixed": True, "width": 140}),
        ]


def show_source_forecast_form(
    company: Any, coverage: Any, *, as_of: date, grain: str = "quarter", by: str = "", subtitle: str = ""
) -> Any:
    """Show the form where somebody is there to fill it in, else the forecasts as tables.

    Args:
        company: The opened company.
        coverage: As measured for the same day and grain (``CoverageReview.coverage``).
        as_of: The last day that counts.
        grain: The length of a period.
        by: Who forecasts; empty asks once.
        subtitle: What stands under the titles of the tables.
    """
    review: SourceForecastReview = review_source_forecasts(company, coverage, as_of=as_of, grain=grain)
    if not is_attended() or not review.is_available or review.starts.empty:
        return show_source_forecasts(review, subtitle=subtitle, currency=company.currency)
    is_hidden = bool(getattr(company.answers, "hides_names", False))
    hiding = partial(find_hiding, Path(company.folder), always=is_hidden)

    def review_of(found: SourceForecasts) -> SourceForecastReview:
        shown = hide_source_forecasts(found, hiding())
        return review_source_forecasts(company, coverage, shown, as_of=as_of, grain=grain)

    def make(name: str) -> SourceForecastForm:
        editor = SourceForecastEditor(Path(company.folder), author=name)
        return SourceForecastForm(editor, review_of, currency=company.currency, grain=grain)

    if by.strip():
        return make(by).widget
    return ask_name(lambda name: make(name).widget, question=QUESTION, button="Open the forecasts")


def _read_day(text: str) -> tuple[date | None, str]:
    if not text:
        return None, ""
    for form in DAY_FORMATS:
        try:
            return datetime.strptime(text, form).date(), ""
        except ValueError:
            continue
    return None, f"'{text[:30]}' is no day. Write it as {EXAMPLE_DAY}."


def _write(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"{value:,}" if isinstance(value, int | float) else str(value)
