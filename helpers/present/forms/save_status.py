"""Whether what was typed is kept: the note beside a form, and the sign that the connection is gone."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import anywidget
import traitlets

from helpers.present.theme import TEMPLATES

STATES = ("idle", "saving", "saved", "failed", "conflict", "offline")


class SaveStatus(anywidget.AnyWidget):
    """Says in one line whether everything is saved, and in a banner that the connection is lost or Python is busy.

    The browser asks every two seconds whether Python is there. Without an answer for ``patience`` seconds, or when the
    form's kernel is gone, a banner says until when everything is saved, and how to go on; it leaves by itself as soon
    as answers come again. While something isn't saved the browser asks before the page is closed.

    Attributes:
        state: ``idle`` (nothing to say), ``saving``, ``saved``, ``failed``, ``conflict`` or ``offline``.
        text: What failed or differs, with its cure; empty takes the state's own words.
        at: When all was saved last: a time in ISO format, shown in the reader's own time zone.
        cure: What the banner tells people to do.
        patience: Seconds without an answer after which the connection counts as lost.
        is_kept: Whether the browser keeps what is typed while nobody answers.
        process: The process that answers, as its messages name it; one that lives but is busy is told from one that is
            gone by it.
        beat: The number of the last question that was answered.
    """

    _esm = TEMPLATES / "forms" / "save_status.js"
    _css = TEMPLATES / "forms" / "save_status.css"

    state = traitlets.Enum(STATES, "idle").tag(sync=True)
    text = traitlets.Unicode("").tag(sync=True)
    at = traitlets.Unicode("").tag(sync=True)
    cure = traitlets.Unicode("Reload the page and go on from there.").tag(sync=True)
    patience = traitlets.Float(4.0).tag(sync=True)
    is_kept = traitlets.Bool(False).tag(sync=True)
    process = traitlets.Unicode("").tag(sync=True)
    beat = traitlets.Int(0)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"process": _name_process(), **kwargs})
        self.on_msg(self._answer)

    def show(self, state: str, text: str = "", *, at: datetime | None = None) -> None:
        """Say how things stand, as one message to the browser.

        Args:
            state: One of ``STATES``.
            text: The reason and the cure, where the state needs them.
            at: When all was saved; None leaves the time as it is.
        """
        with self.hold_sync():
            self.state, self.text = state, text
            if at is not None:
                self.at = at.astimezone().isoformat(timespec="seconds")

    def _answer(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if isinstance(content, dict) and isinstance(content.get("ping"), int):
            self.beat = content["ping"]
            self.send({"pong": self.beat})


def _name_process() -> str:
    """Return the name under which this kernel signs its messages; empty where no kernel runs."""
    if "IPython" not in sys.modules:
        return ""
    shell = sys.modules["IPython"].get_ipython()
    session = getattr(getattr(shell, "kernel", None), "session", None)
    return str(getattr(session, "session", "") or "")
