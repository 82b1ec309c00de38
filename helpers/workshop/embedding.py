"""Results in a page of the app: a table or message as it is, a picture with its words and numbers beside it."""

from base64 import b64encode
from html import escape

from ipywidgets import HTML

from helpers.present.cards import message_html
from helpers.present.display import Display
from helpers.present.words import prose_html


def embed_display(display: Display) -> HTML:
    """Put a result into a page.

    A picture stands as an image of its own, so that nothing in it touches the page; its title is its text for screen
    readers, and its numbers fold out below it.

    Args:
        display: What a ``show_*`` returned.

    Returns:
        A widget of the class ``shell-view``.
    """
    svg = display.svg
    if svg:
        source = b64encode(svg.encode("utf-8")).decode("ascii")
        image = f'<img alt="{escape(display.alternative, quote=True)}" src="data:image/svg+xml;base64,{source}">'
        numbers = f"<details class='numbers'><summary>The numbers</summary><pre>{escape(display.text)}</pre></details>"
        return _place(f'<figure class="picture">{image}</figure>{numbers if display.text else ""}')
    return _place(display.html or f"<pre>{escape(repr(display))}</pre>")


def embed_heading(title: str, text: str = "") -> HTML:
    """Put the heading of a part of a page, with a sentence below it."""
    below = f'<p class="lead">{prose_html(text)}</p>' if text else ""
    return HTML(f"<h2>{prose_html(title)}</h2>{below}").add_class("shell-heading")


def embed_message(kind: str, title: str, text: str = "", next_step: str = "") -> HTML:
    """Put a message: ``empty``, ``warning``, ``error`` or ``good``."""
    return _place(f'<div role="status">{message_html(kind, title, text, next_step)}</div>')


def _place(html: str) -> HTML:
    return HTML(f'<div class="red">{html}</div>').add_class("shell-view")
