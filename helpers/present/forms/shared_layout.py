"""What all widgets of one form share: one layout and one style of each kind, so that a page holds few models."""

from functools import cached_property

from ipywidgets import HTML, Button, Layout
from ipywidgets.widgets.widget_bool import CheckboxStyle
from ipywidgets.widgets.widget_button import ButtonStyle
from ipywidgets.widgets.widget_description import DescriptionStyle
from ipywidgets.widgets.widget_string import HTMLStyle, TextStyle


class SharedLayout:
    """One layout and one style of each kind, made when first used; how things look is said in ``form.css``."""

    @cached_property
    def layout(self) -> Layout:
        """The layout of every widget."""
        return Layout()

    @cached_property
    def text(self) -> TextStyle:
        """The style of inputs."""
        return TextStyle()

    @cached_property
    def description(self) -> DescriptionStyle:
        """The style of lists and radio buttons."""
        return DescriptionStyle()

    @cached_property
    def checkbox(self) -> CheckboxStyle:
        """The style of boxes to tick."""
        return CheckboxStyle()

    @cached_property
    def _html(self) -> HTMLStyle:
        return HTMLStyle()

    @cached_property
    def _button(self) -> ButtonStyle:
        return ButtonStyle()

    def html(self, value: str = "", *classes: str) -> HTML:
        """Make a piece of page; whatever people typed has been escaped by whoever writes it."""
        widget = HTML(value, layout=self.layout, style=self._html)
        for name in classes:
            widget.add_class(name)
        return widget

    def button(self, text: str, *classes: str, tooltip: str = "") -> Button:
        """Make a button: ``is-primary`` for the one that leads on, quiet otherwise."""
        widget = Button(description=text, tooltip=tooltip or text, layout=self.layout, style=self._button)
        for name in ("red-button", *classes):
            widget.add_class(name)
        return widget
