"""Who somebody is: the first screen in JupyterLab, and the part of the form where team and role are said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ipywidgets import Box, HBox, VBox, Widget

from helpers.answers.editing import FieldState, Raw, ResponseEditor
from helpers.model.survey import Survey
from helpers.present.forms.controls import Control, make_control
from helpers.present.forms.form_script import FormScript
from helpers.present.forms.shared_layout import SharedLayout
from helpers.present.forms.style import style_widget
from helpers.present.forms.survey_screens import write_head

NAME = "name"
ENTRY = "entry"
NAMELESS = (NAME, "there is no name yet.", "Type your own, so that your answers find you again.")
TEAMLESS = ("team", "no team is chosen yet.", "Answers are compared between teams, so choose yours.")


class AboutScreen:
    """Team and role of somebody whose name is known.

    Args:
        survey: The survey's definition.
        shared_layout: The layout and styles shared by all widgets of the form.
        currency: ISO code of amounts; nothing here is one.
        on_change: Called with a question's id and what its control now holds.
    """

    def __init__(
        self, survey: Survey, *, shared_layout: SharedLayout, currency: str, on_change: Callable[[str, Raw], None]
    ) -> None:
        options: dict[str, Any] = {"shared_layout": shared_layout, "currency": currency, "on_change": on_change}
        self.controls: dict[str, Control] = {}
        for field in survey.respondent:
            if field.id != NAME:
                id = f"respondent.{field.id}"
                self.controls[id] = make_control(field, id=id, **options)
        parts = [control.widget for control in self.controls.values()]
        self.widget = VBox(
            [Box(parts, layout=shared_layout.layout).add_class("red-fields")], layout=shared_layout.layout
        )
        self.widget.add_class("red-body")


class SurveyEntry:
    """Ask name, team and role, then put the form in their place.

    Whoever types the name under which they answered before goes on with their own answers; no name is listed.

    Args:
        folder: The company's folder.
        survey: The survey's definition.
        open_form: Makes the form of a person's editor.
    """

    def __init__(self, folder: Path, survey: Survey, *, open_form: Callable[[ResponseEditor], Widget]) -> None:
        self._folder, self._survey, self._open_form = folder, survey, open_form
        self._typed: dict[str, Raw] = {}
        self._is_over = False
        self.shared_layout = shared_layout = SharedLayout()
        self.controls = {
            field.id: make_control(field, shared_layout=shared_layout, on_change=self._changed)
            for field in survey.respondent
        }
        for control in self.controls.values():
            control.tell(FieldState("", None, ()))
        introduction = " ".join(survey.introduction.split())
        head = shared_layout.html(write_head(ENTRY, title=survey.label, help=introduction), "red-head")
        fields = Box([control.widget for control in self.controls.values()], layout=shared_layout.layout)
        self.begin = shared_layout.button("Begin", "is-primary", "is-submit")
        self.guide = FormScript(layout=shared_layout.layout)
        self.guide.on_submit(self.enter)
        self._hint = shared_layout.html("", "red-hint")
        footer = HBox([self.begin, self._hint], layout=shared_layout.layout).add_class("red-footer")
        parts = [
            head,
            VBox([fields.add_class("red-fields")], layout=shared_layout.layout).add_class("red-body"),
            footer,
        ]
        main = VBox(parts, layout=shared_layout.layout).add_class("red-main")
        self._inside = VBox([style_widget(), self.guide, main], layout=shared_layout.layout)
        self._inside.add_class("red").add_class("red-form").add_class("is-entry")
        self.widget = VBox([self._inside], layout=shared_layout.layout)

    def _changed(self, id: str, raw: Raw) -> None:
        self._typed[id] = raw
        self.controls[id].tell(FieldState(raw, raw or None, ()))
        if id == NAME:
            self._recognise()

    def _recognise(self) -> ResponseEditor | None:
        """Open the answers under the name typed and say whether there are any."""
        name = str(self._typed.get(NAME) or "").strip()
        editor = ResponseEditor(self._folder, self._survey, name=name) if name else None
        is_back = editor is not None and not editor.problem and editor.read("respondent.team").is_answered
        self.begin.description = "Continue where I left off" if is_back else "Begin"
        said = "There are answers under this name: you carry on with them." if is_back else ""
        self._hint.value = f"<p>{said}</p>" if said else ""
        return editor

    def enter(self, held: Mapping[str, str]) -> None:
        """Open the form of whoever is said to be there, or tell what is still needed.

        Args:
            held: What stands in the fields: question's id → the text typed, or the label chosen.
        """
        if self._is_over:
            return
        self._typed |= held
        known = self._recognise()
        if known is None:
            self.controls[NAME].tell(FieldState("", None, (NAMELESS,)))
            return
        if known.problem and not known.topic:
            self.controls[NAME].tell(FieldState(known.name, None, ((NAME, known.problem, ""),)))
            return
        is_known = known.read("respondent.team").is_answered
        if not self._typed.get("team") and not is_known and not known.problem:
            self.controls["team"].tell(FieldState("", None, (TEAMLESS,)))
            return
        for id in ("team", "role"):
            if self._typed.get(id) and not known.problem:
                known.change(f"respondent.{id}", self._typed[id])
        self._is_over = True
        self.widget.children = [self._open_form(known)]
        self._inside.close()
