"""Saving by itself: soon after the last change, again after a failure, and a look at what other windows saved."""

import asyncio
from collections.abc import Callable

from helpers.answers.editing import ResponseEditor, Saved

PAUSE = 0.15
"""Seconds without a change after which a save begins."""

LONGEST = 0.5
"""Seconds after which a save begins although somebody is still typing."""

AGAIN = 5.0
"""Seconds until a save that failed is tried again."""

LOOK = 2.0
"""Seconds between two looks at what others saved."""


class Autosave:
    """Keep one person's answers on disk without being asked to.

    It lives on the event loop of the kernel that shows the form; where none runs, every change is saved at once.

    Args:
        editor: Holds the answers and writes them.
        on_saved: Is told the outcome of each save, and of each look that found something new.
        is_open: Whether the form is still there; the looks end with it.
    """

    def __init__(
        self, editor: ResponseEditor, on_saved: Callable[[Saved], None], *, is_open: Callable[[], bool] = lambda: True
    ) -> None:
        self._editor, self._on_saved, self._is_open = editor, on_saved, is_open
        self._save_call: asyncio.TimerHandle | None = None
        self._look_call: asyncio.TimerHandle | None = None
        self._first_change: float | None = None
        self._stood: tuple[str, str, str] = ("unchanged", "", editor.problem)

    def touch(self) -> None:
        """Note that something has changed: it is saved a moment later."""
        loop = _find_loop()
        if loop is None:
            self.save()
            return
        now = loop.time()
        self._first_change = now if self._first_change is None else self._first_change
        self._plan_save(loop, min(now + PAUSE, self._first_change + LONGEST))

    def save(self) -> Saved:
        """Save now; after a failure it is tried again by itself."""
        if self._save_call:
            self._save_call.cancel()
        self._save_call, self._first_change = None, None
        saved = self._editor.save()
        if saved.status == "failed" and self._is_open() and (loop := _find_loop()):
            self._plan_save(loop, loop.time() + AGAIN)
        self._on_saved(saved)
        return saved

    def watch(self) -> None:
        """Begin to look regularly at what other windows saved; without an event loop nothing is watched."""
        loop = _find_loop()
        if loop and self._look_call is None:
            self._look_call = loop.call_later(LOOK, self._look)

    def look(self) -> Saved:
        """Look once at what other windows saved and take it over."""
        found = self._editor.refresh()
        stands = found.status, found.message, self._editor.problem
        if found.changed or stands != self._stood:
            self._on_saved(found)
        self._stood = stands
        return found

    def stop(self) -> None:
        """Save what is not saved yet and stop looking."""
        for call in (self._save_call, self._look_call):
            if call:
                call.cancel()
        if self._save_call:
            self.save()
        self._look_call = None

    def _plan_save(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        if self._save_call:
            self._save_call.cancel()
        self._save_call = loop.call_at(when, self.save)

    def _look(self) -> None:
        self._look_call = None
        if self._is_open():
            self.watch()
            self.look()


def _find_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
