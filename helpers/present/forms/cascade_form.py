"""The cascade in the browser: goals, tactics, people and targets as tables, comments as threads, and what follows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from time import monotonic
from typing import Any

from ipywidgets import HTML, Button, HBox, VBox

from helpers.answers.cascade_cells import COLUMNS, PAY
from helpers.answers.cascade_editing import ID, NAMED_BY, CascadeEditor
from helpers.answers.edit_results import Saved
from helpers.present.cards import message_html
from helpers.present.forms.cascade_tables import EVERYBODY, GRIDS, LABELS, SIDES, TABLES, Side, list_cascade_columns
from helpers.present.forms.cascade_talk import CascadeTalk
from helpers.present.forms.grid import EditableGrid
from helpers.present.forms.grid_copy import Clash, GridCopy
from helpers.present.forms.save_status import SaveStatus
from helpers.present.forms.style import FOLDER, style_widget

PAUSE, PAUSE_NEW, LOOK = 0.15, 0.7, 2.0
"""Seconds after the last change until it is saved, longer where a row is new, whose id would come in the middle of its
title; seconds between two looks at what others changed."""

OVERVIEW, TALK = "overview", "talk"
SCREENS = {OVERVIEW: "Cascade", **TABLES, TALK: "Comments"}
YOUNG = 5.0
"""Seconds after a row was kept during which it may still be on its way to the browser."""

SAVES = "Every change is saved by itself"


class CascadeForm:
    """Tables to edit, threads to talk in, and the views that follow from both.

    Args:
        editor: Keeps the cascade.
        folder: The company's folder, in which comments are kept.
        by: Who edits and comments.
        views: Shows the cascade as it stands: returns pieces of HTML and pictures.
        kpis: KPI's id → label.
        currency: ISO code of the company's currency.
    """

    def __init__(
        self,
        editor: CascadeEditor,
        folder: Path,
        *,
        by: str,
        views: Callable[[], list[str]],
        kpis: Mapping[str, str],
        currency: str = "USD",
    ) -> None:
        self.editor, self.by, self._views, self._kpis, self._currency = editor, by, views, kpis, currency
        self._waiting: dict[str, asyncio.TimerHandle] = {}
        self._is_filling = False
        self._is_stale = True
        self._created: dict[tuple[str, str], float] = {}
        self._task: asyncio.Task[None] | None = None
        self.screen, self._side_of = OVERVIEW, dict.fromkeys(GRIDS, 0)
        self.status = SaveStatus(is_kept=True)
        self.problem, self.help = HTML(), HTML()
        self.conflicts = VBox().add_class("conflicts")
        self.tabs = {screen: Button(description=label).add_class("tab") for screen, label in SCREENS.items()}
        for screen, tab in self.tabs.items():
            tab.on_click(lambda _, screen=screen: self.go(screen))
        self.sides = HBox().add_class("sides")
        self.grids = {table: self._make_grid(table) for table in GRIDS}
        self.overview = HTML().add_class("views")
        whose = f"{Path(folder).resolve()}\ncascade\n{by}"
        self.copy = GridCopy(whose, self.grids, on_left=self._take_left, on_place=self._come_back)
        self.talk = CascadeTalk(folder, by=by, cascade=lambda: editor.cascade, on_said=self._said)
        title = HTML(f'<p class="title">{escape(f"The cascade, edited by {by}")}</p>')
        head = HBox([title, self.copy, self.status]).add_class("head")
        style = HTML(f"<style>{(FOLDER / 'matrix_editor.css').read_text(encoding='utf-8')}{_css()}</style>")
        tabs = HBox(list(self.tabs.values())).add_class("tabs")
        style.add_class("red-style")
        above = VBox(
            [style_widget(), style, head, self.problem, tabs, self.conflicts, self.sides, self.help, self.overview]
        )
        for part in (above, self.talk.widget):  # the tables between them bring a look of their own
            part.add_class("red").add_class("matrix-editor")
        grids = [self.grids[PAY].add_class("pay-rule"), *(self.grids[table] for table in TABLES)]
        self.widget = VBox([above, *grids, self.talk.widget]).add_class("red").add_class("cascade-form")
        self.fill()
        self.status.show("idle", SAVES)
        self.go(OVERVIEW)
        self.watch()

    def go(self, screen: str) -> None:
        """Show one screen: the views, a table, or the comments."""
        self.screen = screen
        for name, tab in self.tabs.items():
            tab.add_class("is-current") if name == screen else tab.remove_class("is-current")
        for table, grid in self.grids.items():
            is_shown = table == screen or (table == PAY and screen == "target" and self._side_of["target"] == 1)
            grid.layout.display = "" if is_shown else "none"
        self.overview.layout.display = "" if screen == OVERVIEW else "none"
        self.talk.widget.layout.display = "" if screen == TALK else "none"
        self.help.value = f'<p class="subtitle">{escape(self._side(screen).help)}</p>' if screen in TABLES else ""
        self._show_sides()
        self.copy.place = f"{screen}:{self._side_of.get(screen, 0)}"
        if screen == OVERVIEW:
            self._show_views()
        elif screen == TALK:
            self.talk.show()

    def turn(self, table: str, number: int) -> None:
        """Show another side of a table: the same rows with other columns."""
        self._side_of[table] = number
        self.grids[table].columns = self._list_columns(table)
        self._mark_faults(table)
        self.go(self.screen)

    def fill(self) -> None:
        """Show every table as it stands; rows that aren't kept yet stay as typed."""
        self._is_filling = True
        for table, grid in self.grids.items():
            new = [row for row in grid.rows if not row.get(ID)]  # an empty one too: somebody is about to type in it
            kept = self.editor.list_rows(table)
            if table == PAY:
                kept = [{"who": EVERYBODY, "_fixed": True, **row} for row in kept]
            rows = [*_keep_typed(kept, grid.rows), *new]
            grid.columns = self._list_columns(table)
            if grid.rows != rows:
                grid.rows = rows
            self._mark_faults(table)
            grid.is_disabled = bool(self.editor.problem)
        self._is_filling = False
        text = self.editor.problem
        self.problem.value = message_html("error", "Nothing can be saved", text) if text else ""
        for table, tab in ((table, self.tabs[table]) for table in TABLES):
            tab.description = f"{TABLES[table]} · {len(self.editor.list_rows(table))}"
        self.tabs[TALK].description = f"Comments · {self.talk.count()}"
        self._show_sides()
        self._show_conflicts()

    def save(self, table: str) -> Saved:
        """Save what was changed in a table now."""
        call = self._waiting.pop(table, None)
        if call:
            call.cancel()
        grid = self.grids[table]
        rows = self._find_again(table, grid.rows)
        if rows != grid.rows:
            self._is_filling = True
            grid.rows = rows
            self._is_filling = False
        saved = self.editor.save(table, grid.rows)
        for id in saved.changed:
            self._created[table, id] = monotonic()
        if saved.changed:
            grid.rows = _name_new(grid.rows, saved.changed, NAMED_BY[table])
        if saved.status == "failed":
            self.status.show("failed", saved.message)
        else:
            self.copy.confirm(table)
            waits = any(not row.get(ID) and any(row.get(column) for column in COLUMNS[table]) for row in grid.rows)
            told = f"A row is kept once it has a {NAMED_BY[table]}" if waits else ""
            state = "conflict" if self.editor.conflicts else "idle" if waits else "saved"
            self.status.show(state, "choose which of the two holds" if state == "conflict" else told, at=saved.at)
        self._is_stale = self._is_stale or saved.status in ("saved", "conflict")
        self.fill()
        return saved

    def _find_again(self, table: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Give a row its id again that was still being typed in when it was kept and came back without."""
        named_by, known = NAMED_BY[table], {row[ID]: row for row in self.editor.list_rows(table)}
        young = [id for id in known if monotonic() - self._created.get((table, id), -YOUNG) < YOUNG]
        found = list(rows)
        for id in young:
            kept = known[id][named_by].strip()
            again = [row for row in found if not row.get(ID) and kept and _name(row, named_by).startswith(kept)]
            if again:
                row = max(again, key=lambda row: len(_name(row, named_by)))
                found = [{**row, ID: id} if one is row else one for one in found if one is row or one not in again]
                found = [one for one in found if one.get(ID) != id or one == {**row, ID: id}]
        return found

    def look(self) -> bool:
        """Look once whether somebody else changed or said something, and show it."""
        was_edited, was_said = self.editor.refresh(), self.talk.refresh()
        if was_edited:
            self._is_stale = True
            self.fill()
        if was_said:
            self._is_stale = True
            self.tabs[TALK].description = f"Comments · {self.talk.count()}"
        if self._is_stale and self.screen == OVERVIEW:
            self._show_views()
        return was_edited or was_said

    def watch(self) -> None:
        """Look every other second, as long as the kernel's event loop runs and the form is there."""
        loop = _find_loop()
        if loop and self._task is None:
            self._task = loop.create_task(self._watch())

    def stop(self) -> None:
        """Save what waits, and stop looking."""
        for table in list(self._waiting):
            self.save(table)
        if self._task:
            self._task.cancel()
            self._task = None

    async def _watch(self) -> None:
        while self.widget.comm is not None:
            await asyncio.sleep(LOOK)
            if not self._waiting:
                self.look()

    def _make_grid(self, table: str) -> EditableGrid:
        grid = EditableGrid(
            label=GRIDS[table], columns=self._list_columns(table), can_reorder=False, maximum_rows=300,
            add_label=f"Add {table}", empty_label=f"No {GRIDS[table].lower()} yet", can_add=table != PAY,
            can_remove=table != PAY,
        )  # fmt: skip
        grid.observe(lambda _, table=table: self._typed(table), names="rows")
        return grid

    def _side(self, table: str) -> Side:
        return SIDES[table][self._side_of[table]]

    def _list_columns(self, table: str) -> list[dict[str, Any]]:
        return list_cascade_columns(
            self._side(table),
            self.editor.cascade,
            kpis=self._kpis,
            currency=self._currency,
            named_by=NAMED_BY[table],
        )

    def _show_sides(self) -> None:
        """Offer the sides of the table that is open, each with how much of it isn't allowed yet."""
        sides = SIDES.get(self.screen, ())
        buttons = []
        for number, side in enumerate(sides if len(sides) > 1 else ()):
            n = self._count_faults(self.screen, side) + (self._count_faults(PAY, side) if "cap" in side.columns else 0)
            button = Button(description=f"{side.label} ▲ {n}" if n else side.label).add_class("side")
            button.on_click(lambda _, number=number: self.turn(self.screen, number))
            buttons.append(button.add_class("is-current") if number == self._side_of[self.screen] else button)
        if [(one.description, one._dom_classes) for one in buttons] != [
            (one.description, one._dom_classes) for one in self.sides.children
        ]:
            self.sides.children = tuple(buttons)

    def _count_faults(self, table: str, side: Side) -> int:
        return sum(fault["column"] in side.columns for fault in self._list_faults(table, self.grids[table].rows))

    def _mark_faults(self, table: str) -> None:
        grid, shown = self.grids[table], self._side(table).columns
        grid.faults = [fault for fault in self._list_faults(table, grid.rows) if fault["column"] in shown]

    def _list_faults(self, table: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        known, found = self.editor.list_faults(table), []
        for place, row in enumerate(rows):
            faults = (
                {column: text for (id, column), text in known.items() if id == row[ID]}
                if row.get(ID)
                else self.editor.check_row(table, row)
            )
            found += [{"row": place, "column": column, "message": text} for column, text in faults.items()]
        return found

    def _typed(self, table: str) -> None:
        if self._is_filling:
            return
        self.status.show("saving")
        loop = _find_loop()
        if loop is None:
            self.save(table)
            return
        if table in self._waiting:
            self._waiting[table].cancel()
        is_new = any(not row.get(ID) and any(row.values()) for row in self.grids[table].rows)
        self._waiting[table] = loop.call_later(PAUSE_NEW if is_new else PAUSE, self.save, table)

    def _come_back(self, place: str) -> None:
        """Show what was open before the page was loaded again."""
        screen, _, side = place.partition(":")
        if screen in SCREENS:
            if side.isdecimal() and int(side) < len(SIDES.get(screen, ())):
                self._side_of[screen] = int(side)
                self.grids[screen].columns = self._list_columns(screen)
                self._mark_faults(screen)
            self.go(screen)

    def _take_left(self, table: str, rows: list[dict[str, Any]], clashes: list[Clash]) -> None:
        """Take up what was typed while the connection was lost; what others changed too waits for a choice."""
        for one in clashes:
            self.editor.dispute((table, str(one.row[ID]), one.column), one.mine)
        mine = {(one.row[ID], one.column): one.mine for one in clashes}
        self.grids[table].rows = [
            {column: mine.get((row.get(ID), column), text) for column, text in row.items()} for row in rows
        ]
        self.save(table)

    def _show_conflicts(self) -> None:
        lines = []
        for place, one in list(self.editor.conflicts.items()):
            name = escape(self.editor.cascade.name_of(place[1]))
            told = f"You typed '{one.mine}', somebody else '{one.theirs}'."
            text = HTML(
                message_html("warning", f"{LABELS.get(place[2], place[2])} of '{name}' was changed twice", told)
            )
            mine, theirs = Button(description="Keep mine").add_class("quiet"), Button(description="Keep theirs")
            mine.on_click(lambda _, place=place: self._choose(place, "mine"))
            theirs.add_class("primary").on_click(lambda _, place=place: self._choose(place, "theirs"))
            lines.append(VBox([text, HBox([theirs, mine]).add_class("actions")]))
        self.conflicts.children = tuple(lines)

    def _choose(self, place: tuple[str, str, str], keep: str) -> None:
        saved = self.editor.resolve(place, keep)
        self.status.show("failed" if saved.status == "failed" else "saved", saved.message, at=saved.at)
        self._is_stale = True
        self.fill()

    def _said(self) -> None:
        self._is_stale = True
        self.tabs[TALK].description = f"Comments · {self.talk.count()}"

    def _show_views(self) -> None:
        if self._is_stale:
            self._is_stale = False
            self.overview.value = "".join(self._views())


def _name(row: Mapping[str, Any], named_by: str) -> str:
    return str(row.get(named_by) or "").strip()


def _keep_typed(rows: list[dict[str, str]], typed: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return rows with the spaces around a text as typed, since somebody may still be typing there."""
    of = {row[ID]: row for row in typed if row.get(ID)}
    same = [
        {column: text for column, text in of.get(row[ID], {}).items() if str(text or "").strip() == row.get(column, "")}
        for row in rows
    ]
    return [{**row, **kept} for row, kept in zip(rows, same, strict=True)]


def _name_new(rows: list[dict[str, Any]], ids: tuple[str, ...], named_by: str) -> list[dict[str, Any]]:
    """Give rows that were just kept their ids, in the order in which they stand."""
    left = iter(ids)
    return [
        {**row, ID: next(left, "")} if not row.get(ID) and str(row.get(named_by) or "").strip() else row for row in rows
    ]


def _css() -> str:
    return (FOLDER / "cascade_form.css").read_text(encoding="utf-8")


def _find_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
