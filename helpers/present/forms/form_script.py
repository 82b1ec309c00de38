"""What a keyboard and a screen reader need beyond ipywidgets, and the way from one screen to the next."""

from collections.abc import Callable, Mapping
from typing import Any

import anywidget
from traitlets import Int, Unicode

from helpers.present.forms.style import FOLDER


class FormScript(anywidget.AnyWidget):
    """Stand unseen in a form (class ``red-form``) and look after what its widgets leave out.

    Fields learn their help and fault, choices become one group with arrow keys, JupyterLab's own shortcuts stay off
    while somebody is in the form, and a new screen is seen from its top.
    """

    _esm = FOLDER / "form_script.js"
    screen = Unicode(help="The screen shown last.").tag(sync=True)
    field = Unicode(help="The question to go to on it; empty goes to its title.").tag(sync=True)
    moves = Int(help="Counts the moves, so that going to the same place twice is two moves.").tag(sync=True)

    def on_submit(self, handler: Callable[[Mapping[str, str]], None]) -> None:
        """Call this with what stands in the form's fields when the button of class ``is-submit`` is pressed.

        ipywidgets holds typed text back while Python is busy, but not a click: a handler of the button itself may find
        a text that isn't whole yet.

        Args:
            handler: Takes question's id → the text typed, or the label chosen.
        """

        def hear(_: Any, content: Any, __: Any) -> None:
            held = content.get("submit") if isinstance(content, dict) else None
            if isinstance(held, dict) and all(isinstance(text, str) for text in held.values()):
                handler(held)

        self.on_msg(hear)

    def go(self, screen: str, field: str = "") -> None:
        """Take the reader to a screen's title, or to one of its questions."""
        with self.hold_sync():
            self.screen, self.field, self.moves = screen, field, self.moves + 1
