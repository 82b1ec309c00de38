"""The forms' style: the house's colours and type laid over ipywidgets' own look, inside the class ``red`` only."""

from collections.abc import Mapping
from functools import cache

from ipywidgets import HTML

from helpers.present import theme

FOLDER = theme.TEMPLATES / "forms"


@cache
def form_css() -> str:
    """Return the style of forms, in JupyterLab's light or dark and in the reader's own elsewhere.

    Voila's page says "light" whatever its reader's system says, so in the app the system decides.
    """
    sheet = (FOLDER / "form.css").read_text(encoding="utf-8")
    dark = _declare(theme.DARK)
    app = f"@media (prefers-color-scheme:dark){{body[data-voila] .red{{{dark}color-scheme:dark}}}}"
    lab = '[data-jp-theme-light="false"] .red{color-scheme:dark}'
    return f"{theme.css()}\n{app}{lab}\n{sheet}"


def style_widget() -> HTML:
    """Make the widget that carries the style; one is enough for a page."""
    return HTML(f"<style>{form_css()}</style>").add_class("red-style")


def _declare(palette: Mapping[str, str]) -> str:
    return "".join(f"--{name.replace('_', '-')}:{colour};" for name, colour in palette.items())
