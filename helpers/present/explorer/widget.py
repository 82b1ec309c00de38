"""The explorer as a control: it shows what it is handed and says what was asked for; nothing is decided here."""

from __future__ import annotations

import anywidget
from traitlets import Dict

from helpers.present import theme
from helpers.present.forms.style import form_css

FOLDER = theme.TEMPLATES / "explorer"


def explorer_css() -> str:
    """Return the explorer's own style."""
    return (FOLDER / "explorer.css").read_text(encoding="utf-8")


class ExplorerView(anywidget.AnyWidget):
    """Choices and linked charts. No chart library makes bars that are read aloud, walked with Tab and clicked offline.

    Attributes:
        offer: What can be chosen.
        view: What is on screen; its ``number`` tells which message it answers.
        sheet: What is open below: records, parameters, what-if, or nothing.
        values: The values of the partition that is about to be filtered by.
    """

    _esm = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in ("controls.js", "explorer.js"))
    _css = f"{form_css()}\n{explorer_css()}"

    offer = Dict().tag(sync=True)
    view = Dict().tag(sync=True)
    sheet = Dict().tag(sync=True)
    values = Dict().tag(sync=True)
