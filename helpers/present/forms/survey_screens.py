"""The survey as a row of screens, one task each: which questions stand together, and the widgets of one screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape

from ipywidgets import Box, VBox

from helpers.answers.editing import Raw
from helpers.model.survey import Survey, SurveyField, SurveyGroup, SurveyTab
from helpers.present.forms.controls import Control, make_control
from helpers.present.forms.shared_layout import SharedLayout

PROBLEM = "problem"
"""The screen's id of the message on a name or a file that can't be used."""

FULL = 9.0
"""Weight of the questions that fit on a screen; a line of text is 0.7, since two stand side by side."""

WEIGHTS = {"text": 0.7, "number": 0.7, "currency": 0.7, "yes_no_unknown": 0.9, "long_text": 1.4, "ranked": 2.5}

WIDE_COLUMNS = 5
LONG_ROWS = 8
"""A grid of that many columns or preset rows stands alone on its screen."""


@dataclass(frozen=True)
class Screen:
    """One screen.

    Attributes:
        id: Such as ``overview.company``.
        tab: The tab it belongs to.
        groups: Its groups of questions.
        step: Its number among the tab's screens, from 1.
        steps: How many screens the tab has.
    """

    id: str
    tab: SurveyTab
    groups: tuple[SurveyGroup, ...]
    step: int = 1
    steps: int = 1

    @property
    def title(self) -> str:
        """The task: the groups' labels."""
        first, *others = (group.label for group in self.groups)
        if not others:
            return first
        lowered = [label[:1].lower() + label[1:] if label[1:2].islower() else label for label in others]
        *middle, last = lowered
        comma = "," if middle or any(" and " in label for label in (first, last)) else ""
        return f"{', '.join([first, *middle])}{comma} and {last}"

    @property
    def help(self) -> str:
        """What the tab is about on its first screen, and the help of a group that stands alone."""
        lead = [self.tab.description] if self.step == 1 else []
        return " ".join([*lead, *(group.help for group in self.groups if len(self.groups) == 1 and group.help)])

    @property
    def fields(self) -> tuple[SurveyField, ...]:
        """Its questions in order."""
        return tuple(field for group in self.groups for field in group.fields)


def plan_screens(survey: Survey) -> list[Screen]:
    """Divide the survey into screens: small groups together, a large grid alone.

    Returns:
        The screens in the order in which they are filled in; every group is on exactly one of them.
    """
    screens = []
    for tab in survey.tabs.values():
        parts = [part for run in _runs(tab.groups) for part in _divide(run)]
        for step, groups in enumerate(parts, start=1):
            screens.append(Screen(f"{tab.id}.{groups[0].id}", tab, groups, step, len(parts)))
    return screens


class ScreenBody:
    """The widgets of one screen's questions.

    Args:
        screen: Which one.
        shared_layout: The layout and styles shared by all widgets of the form.
        currency: ISO code in which amounts are typed.
        on_change: Called with a question's id and what its control now holds.
    """

    def __init__(
        self, screen: Screen, *, shared_layout: SharedLayout, currency: str, on_change: Callable[[str, Raw], None]
    ) -> None:
        self.controls: dict[str, Control] = {}
        groups = []
        for group in screen.groups:
            parts = []
            for field in group.fields:
                control = make_control(field, shared_layout=shared_layout, currency=currency, on_change=on_change)
                if field.label.strip("?. ") == screen.title:
                    control.widget.add_class("is-told-by-title")
                self.controls[field.id] = control
                parts.append(control.widget)
            fields = Box(parts, layout=shared_layout.layout).add_class("red-fields")
            if len(screen.groups) == 1:
                groups.append(fields)
                continue
            help = f'<p class="red-lead">{escape(group.help)}</p>' if group.help else ""
            head = shared_layout.html(f'<h3 class="red-group-title">{escape(group.label)}</h3>{help}')
            groups.append(VBox([head, fields], layout=shared_layout.layout).add_class("red-group"))
        self.widget = VBox(groups, layout=shared_layout.layout).add_class("red-body")


def write_head(screen_id: str, *, title: str, help: str = "", above: str = "") -> str:
    """Write the head of a screen: where one is, the task, what it is about.

    Args:
        screen_id: By which the head is found when the screen comes up.
        title: The task.
        help: What it is about.
        above: The small line above, such as ``Overview · 1 of 3``.
    """
    small = f'<p class="red-above">{escape(above)}</p>' if above else ""
    lead = f'<p class="red-lead">{escape(help)}</p>' if help else ""
    found_by = f'class="red-screen-title" tabindex="-1" data-screen="{escape(screen_id)}"'
    return f"{small}<h2 {found_by}>{escape(title)}</h2>{lead}"


def write_problem(problem: str) -> str:
    """Write the message on a name or a file that can't be used: what is wrong, where, and what to do."""
    place, _, rest = problem.removeprefix("[").partition("] ") if problem.startswith("[") else ("", "", problem)
    where = f'<p class="text">{escape(place.replace(", row ", ", line "))}</p>' if place else ""
    said = f"{rest[:1].upper()}{rest[1:]}"
    return (
        f'<div class="message error" role="alert" tabindex="-1" data-screen="{PROBLEM}"><span class="shape">✕</span>'
        f'<p class="title">Your answers can\'t be opened, so nothing is written</p>{where}'
        f'<p class="next">{escape(said)} Show this to whoever set up the workshop.</p></div>'
    )


def weigh(field: SurveyField) -> float:
    """Return how much room a question takes on a screen; more than a screen's for a grid that stands alone."""
    if field.type == "grid":
        is_large = len(field.columns) >= WIDE_COLUMNS or len(field.rows) >= LONG_ROWS or bool(field.rows_from)
        return FULL + 1 if is_large else 4.0
    if field.type in ("choice", "multiple_choice"):
        return 0.7 if len(field.choices) > 5 else 0.9 + 0.25 * len(field.choices)
    return WEIGHTS[field.type]


def _weigh_group(group: SurveyGroup) -> float:
    return sum(weigh(field) for field in group.fields)


def _runs(groups: tuple[SurveyGroup, ...]) -> Iterator[tuple[SurveyGroup, ...]]:
    """Split at groups that stand alone."""
    run: list[SurveyGroup] = []
    for group in groups:
        if _weigh_group(group) > FULL:
            if run:
                yield tuple(run)
            yield from _split_group(group)
            run = []
        else:
            run.append(group)
    if run:
        yield tuple(run)


def _split_group(group: SurveyGroup) -> Iterator[tuple[SurveyGroup, ...]]:
    """Split a group of more questions than a screen holds; a single large question stays."""
    parts = max(1, min(len(group.fields), -int(-_weigh_group(group) // FULL)))
    if any(weigh(field) > FULL for field in group.fields):
        parts = 1
    size = -(-len(group.fields) // parts)
    for start in range(0, len(group.fields), size):
        number = start // size + 1
        label = group.label if parts == 1 else f"{group.label} ({number} of {parts})"
        id = group.id if number == 1 else f"{group.id}-{number}"
        yield (SurveyGroup(id, label, group.help, group.fields[start : start + size]),)


def _divide(run: tuple[SurveyGroup, ...]) -> Iterator[tuple[SurveyGroup, ...]]:
    """Divide groups evenly over as few screens as hold them."""
    total = sum(map(_weigh_group, run))
    target = total / max(1, -int(-total // FULL))
    part: list[SurveyGroup] = []
    for group in run:
        weight = sum(map(_weigh_group, part))
        if part and abs(weight + _weigh_group(group) - target) > abs(weight - target):
            yield tuple(part)
            part = []
        part.append(group)
    yield tuple(part)
