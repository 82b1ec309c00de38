"""The frame of the app's pages: a head, a rail with the parts, and one part at a time, made when it is first opened."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from typing import Protocol

from ipywidgets import HTML, Box, Button, HBox, VBox, Widget

from helpers.errors import DiagnosticError
from helpers.present.words import say_date
from helpers.workshop.embedding import embed_message
from helpers.workshop.page_script import PageScript

LOOK = 2.0
"""Seconds between two looks at what others saved."""

LOG = logging.getLogger(__name__)


class Part(Protocol):
    """One part of a page."""

    widget: Widget

    def open(self) -> None:
        """Be told that the part is being looked at now."""

    def look(self) -> None:
        """Be told, every two seconds while the part is looked at, to see whether anything changed on disk."""


@dataclass(frozen=True)
class Entry:
    """A line of the rail.

    Attributes:
        id: Its name for tests and styles.
        label: What it says.
        make: Makes the part when it is first opened.
        group: The heading under which it stands.
    """

    id: str
    label: str
    make: Callable[[], Part]
    group: str = ""


class PageShell:
    """A page with a rail.

    Args:
        title: What the head says, the company.
        who: Who is looking.
        entries: The lines of the rail.
        is_bar: Whether the rail lies along the top instead, for parts that have a rail of their own.
        guide: SharedLayout after what widgets leave out.
    """

    def __init__(
        self,
        *,
        title: str,
        who: str,
        entries: Sequence[Entry],
        is_bar: bool = False,
        guide: PageScript | None = None,
    ) -> None:
        self.guide, self._title, self._who = guide or PageScript(), title, who
        self._parts: dict[str, Part] = {}
        self._buttons: dict[str, Button] = {}
        self.current = ""
        self._is_moved = False
        self.guide.title = f"{who} · {title}"
        self.guide.on_return(self.come_back)
        self.status = Box().add_class("shell-status")
        self._rail = VBox().add_class("shell-rail")
        self._main = VBox().add_class("shell-main")
        head = HBox([HTML(self._say_head()).add_class("shell-title"), self.status, self.guide]).add_class("shell-head")
        self._trouble = VBox().add_class("shell-trouble")
        self._body = HBox([self._rail, self._main]).add_class("shell-body")
        self.widget = VBox([head, self._trouble, self._body]).add_class("red").add_class("shell")
        if is_bar:
            self.widget.add_class("is-bar")
        self.entries: list[Entry] = []
        self.offer(entries)

    def offer(self, entries: Sequence[Entry]) -> None:
        """Change the lines of the rail; what is open stays open while it is still offered."""
        self.entries = list(entries)
        children: list[Widget] = []
        group = ""
        for entry in self.entries:
            if entry.group != group:
                group = entry.group
                children.append(HTML(escape(group)).add_class("shell-group"))
            children.append(self._button(entry))
        self._rail.children = tuple(children)
        self._body.remove_class("is-plain")
        if len(self.entries) < 2:
            self._body.add_class("is-plain")
        offered = {entry.id for entry in self.entries}
        for gone in set(self._parts) - offered:
            del self._parts[gone]
        if self.current not in offered and self.entries:
            self.open(self.entries[0].id)

    def open(self, id: str) -> None:
        """Open a part."""
        is_move = bool(self.current) and self.current != id
        self._is_moved = self._is_moved or is_move
        self._show(id)
        if is_move:
            self.guide.arrive()

    def come_back(self, id: str) -> None:
        """Open the part that was open before the page was loaded again, unless the reader has moved on since."""
        if not self._is_moved and id != self.current and any(entry.id == id for entry in self.entries):
            self._show(id)

    def look(self) -> None:
        """Let the open part see whether anything changed."""
        if self.current in self._parts:
            self._parts[self.current].look()

    def _show(self, id: str) -> None:
        entry = next(entry for entry in self.entries if entry.id == id)
        self.current = self.guide.part = id
        for name, button in self._buttons.items():
            (button.add_class if name == id else button.remove_class)("is-current")
        part = self._parts.get(id)
        if part is None:
            part = self._parts[id] = guarded(entry.make)
        self._main.children = (part.widget,)
        part.open()

    def show_trouble(self, error: Exception | None) -> None:
        """Say above the part what can't be read now; None when it can be again."""
        if error is None:
            self._trouble.children = ()
            return
        title, said = "Something went wrong", "It stands in .cache/app.log of the company's folder."
        if isinstance(error, DiagnosticError):
            title, said = "A file of the workshop can't be read", str(error)
        kept = "What you type is saved all the same, and this goes away by itself once it is mended."
        self._trouble.children = (embed_message("warning", title, f"{said} {kept}"),)

    def _button(self, entry: Entry) -> Button:
        button = self._buttons.get(entry.id)
        if button is None:
            button = self._buttons[entry.id] = Button(description=entry.label).add_class(f"part-{entry.id}")
            button.on_click(lambda _: self.open(entry.id))
        return button

    def _say_head(self) -> str:
        return f'<b class="company">{escape(self._title)}</b><span class="who">{escape(self._who)}</span>'


class Failed:
    """The part that stands in for one that can't be shown."""

    def __init__(self, error: Exception) -> None:
        self.widget = VBox([explain_error(error)])

    def open(self) -> None:
        """Show nothing further."""

    def look(self) -> None:
        """See nothing further."""


def guarded(make: Callable[[], Part]) -> Part:
    """Make a part; where that fails, the one that says so."""
    try:
        return make()
    except Exception as error:  # nobody in a workshop is shown a traceback
        return Failed(error)


def explain_error(error: Exception) -> Widget:
    """Say in words what went wrong; what nobody foresaw goes to the server's log in full."""
    if isinstance(error, DiagnosticError):
        return embed_message("error", "This can't be shown", str(error), "Mend it and open this part again.")
    LOG.error("A part of the workshop failed", exc_info=error)
    return embed_message(
        "error",
        "This can't be shown",
        "Something went wrong that nobody foresaw. Everything that was saved is still there.",
        "Load the page again. What went wrong stands in .cache/app.log of the company's folder.",
    )


def say_moment(moment: datetime | None, *, today: date | None = None) -> str:
    """Say when something was saved: the time today, else the day too; empty where nothing was.

    >>> say_moment(datetime(2026, 9, 30, 14, 5), today=date(2026, 9, 30))
    '14:05'
    >>> say_moment(datetime(2026, 9, 29, 14, 5), today=date(2026, 9, 30))
    '29 Sep 2026, 14:05'
    """
    if moment is None:
        return ""
    time = f"{moment:%H:%M}"
    return time if moment.date() == (today or date.today()) else f"{say_date(moment.date())}, {time}"


def keep_looking(look: Callable[[], None], tell: Callable[[Exception | None], None] | None = None) -> None:
    """Call a function every two seconds on the kernel's loop; where none runs, never.

    Args:
        look: What is called. What goes wrong in it is logged once, not every two seconds.
        tell: Is told what goes wrong, once, and None as soon as nothing does any more.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    told = ""

    def again() -> None:
        nonlocal told
        found = look_once(look)
        said = f"{type(found).__name__}: {found}" if found else ""
        if said != told:
            told = said
            if found:
                log_error("Looking for changes failed", found)
            if tell:
                tell(found)
        loop.call_later(LOOK, again)

    loop.call_later(LOOK, again)


def look_once(look: Callable[[], None]) -> Exception | None:
    """Call a function and return what went wrong in it."""
    try:
        look()
    except Exception as error:  # whatever it is, the next look may go well
        return error
    return None


def log_error(what: str, error: Exception) -> None:
    """Log what people are told in a line, and what nobody foresaw with where it happened."""
    is_foreseen = isinstance(error, DiagnosticError)
    LOG.error("%s: %s", what, error, exc_info=None if is_foreseen else error)
