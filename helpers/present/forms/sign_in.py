"""Who decides: asked once, before a form that keeps decisions under a name opens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ipywidgets import HTML, Button, HBox, Text, VBox, Widget

from helpers.present.forms.style import FOLDER, style_widget

QUESTION = (
    '<p class="title">Who decides?</p><p class="subtitle">Each decision is kept with this name: yours, or that of the '
    "group that sits together.</p>"
)
LONGEST_NAME = 80


def ask_name(enter: Callable[[str], Widget], *, question: str = QUESTION, button: str = "Open the matrix") -> VBox:
    """Ask for a name, and show in the question's place what it opens.

    Args:
        enter: Makes the form of a name.
        question: What is asked, as HTML.
        button: What the button says that opens the form.
    """
    name = Text(placeholder="Name", continuous_update=False).add_class("short-note")
    go = Button(description=button).add_class("primary")
    fault = HTML()
    style = HTML(f"<style>{(FOLDER / 'matrix_editor.css').read_text(encoding='utf-8')}</style>").add_class("red-style")
    form = VBox([style_widget(), style, HTML(question), HBox([name, go]).add_class("actions"), fault])
    form.add_class("red").add_class("matrix-editor").add_class("sign-in")
    place = VBox([form])

    def open_form(_: Any = None) -> None:
        typed = " ".join(name.value.split())
        if not typed or len(typed) > LONGEST_NAME:
            said = "Type a name first." if not typed else f"At most {LONGEST_NAME} characters, please."
            fault.value = f'<p class="fault">{said}</p>'
            name.focus()
            return
        go.disabled = True
        place.children = (enter(typed),)

    go.on_click(open_form)
    return place
