"""The board as a control: bones with cards, one sheet per cause, is / is not; it shows what it is handed and asks.

Nothing is decided or kept here. What somebody types stands at once; the form is told a moment later and answers when
the file holds it. Until then the page keeps it, through a reload too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anywidget
from traitlets import Dict, Unicode

from helpers.present import theme

PARTS = ("cause_board_parts", "cause_board_sheet", "cause_board_problem", "cause_board")
FORMS = theme.TEMPLATES / "forms"


class CauseBoard(anywidget.AnyWidget):
    """The board as a control.

    Attributes:
        state: What is shown; made by ``describe_board``.
        owner: Whose window it is, as a sign under which the page keeps what isn't saved yet.
    """

    _esm = "\n".join((FORMS / f"{part}.js").read_text(encoding="utf-8") for part in PARTS)
    _css = FORMS / "cause_board.css"

    state = Dict().tag(sync=True)
    owner = Unicode("").tag(sync=True)

    def __init__(self, act: Callable[[Mapping[str, Any]], Mapping[str, Any]], **traits: Any) -> None:
        super().__init__(**traits)
        self._act = act
        self.on_msg(self._hear)

    def answer(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Do what the page asks for; return its number, what is wrong, and what is to be opened."""
        return {"done": content.get("n"), **self._act(content)}

    def _hear(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if isinstance(content, dict) and isinstance(content.get("op"), str):
            self.send(self.answer(content))
