"""Parts of a page that are computed: away from the loop that answers the browser, and only when somebody looks."""

import asyncio
from collections.abc import Callable, Hashable, Sequence

from ipywidgets import HTML, VBox, Widget

from helpers.present.display import Display
from helpers.workshop.embedding import embed_display, embed_heading
from helpers.workshop.page_shell import explain_error

PATIENCE = 2.0
"""Seconds after which somebody who waits is told what for."""

Shown = Display | Callable[[], Widget]
"""A result to embed, or what makes a widget of it on the page's own loop."""


class View:
    """A part that shows results.

    Args:
        title: What it is about.
        lead: The sentence below the title.
        compute: Makes what is shown, in order; runs beside the page, so it may take its time.
        stamp: Differs as soon as the results would; unless given, they are computed once.
        is_live: Whether results change under somebody's eyes, or only when the part is opened again.
    """

    def __init__(
        self,
        title: str,
        lead: str,
        compute: Callable[[], Sequence[Shown]],
        *,
        stamp: Callable[[], Hashable] = lambda: None,
        is_live: bool = True,
    ) -> None:
        self._compute, self._stamp, self._is_live = compute, stamp, is_live
        self._shown: Hashable = object()
        self._task: asyncio.Task | None = None
        self._body = VBox().add_class("shell-views")
        self._progress = HTML().add_class("shell-progress")
        self.widget = VBox([embed_heading(title, lead), self._progress, self._body])

    def look(self) -> None:
        """Compute anew where something has changed under somebody's eyes."""
        if self._is_live:
            self.open()

    def open(self) -> None:
        """Show what there is, and compute it where it has changed."""
        if self._task is not None and not self._task.done():
            return
        stamp = self._stamp()
        if stamp == self._shown:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._place(self._try(), stamp)
            return
        self._task = loop.create_task(self._compute_beside(stamp))

    async def _compute_beside(self, stamp: Hashable) -> None:
        waiting = asyncio.get_running_loop().call_later(PATIENCE, self._ask_patience)
        self._progress.value = "" if self._body.children else _say_progress("One moment …")
        try:
            found = await asyncio.to_thread(self._try)
        finally:
            waiting.cancel()
        self._place(found, stamp)

    def _ask_patience(self) -> None:
        self._progress.value = _say_progress("Reading the exports and comparing. The first time takes a little longer.")

    def _try(self) -> Sequence[Shown] | Exception:
        try:
            return self._compute()
        except Exception as error:  # told in words; nobody in a workshop is shown a traceback
            return error

    def _place(self, found: Sequence[Shown] | Exception, stamp: Hashable) -> None:
        self._shown = stamp
        try:
            if isinstance(found, Exception):
                raise found
            self._body.children = tuple(embed_display(one) if isinstance(one, Display) else one() for one in found)
        except Exception as error:  # told in words, as above
            self._body.children = (explain_error(error),)
        self._progress.value = ""  # last, since the browser draws in this order


def _say_progress(text: str) -> str:
    return f'<p role="status"><i aria-hidden="true"></i>{text}</p>'
