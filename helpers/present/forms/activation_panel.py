"""What to activate next: the ranked fields with effort and gain, and the plan for the next quarter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from ipywidgets import HTML, Box, Button, Dropdown, HBox, Text, VBox

from helpers.answers.discovery import EFFORTS, Activation
from helpers.present import words
from helpers.present.display import join_sentences
from helpers.present.forms.row_list import RowList
from helpers.present.tables import light_html

ENOUGH = 2
"""So many secondary KPIs a quarter can be adopted; more are planned and never used."""


class ActivationRow:
    """One field: rank, gain, effort, and who makes it available when."""

    def __init__(self, dimension: Any, plan: Callable[[str, str, str], None], unplan: Callable[[str], None]) -> None:
        self.dimension, self._plan, self._unplan, self._is_filling = dimension, plan, unplan, False
        self.told = HTML().add_class("told").add_class("ranked")
        self.effort = Dropdown(options=[(f"{effort} effort", effort) for effort in EFFORTS]).add_class("pick")
        self.owner = Text(placeholder="Owner", continuous_update=False).add_class("short-note")
        self.button = Button(description="Plan").add_class("quiet")
        self.planned = HTML().add_class("planned")
        self.is_planned = False
        choose = VBox([HBox([self.effort, self.owner]), HBox([self.button, self.planned]).add_class("actions")])
        self.widget = Box([self.told, choose.add_class("choose")]).add_class("row")
        self.button.on_click(lambda _: self._press())
        for control in (self.effort, self.owner):
            control.observe(self._on_change, names="value")

    def show(self, row: Mapping[Any, Any], *, score: float, plan: Activation | None, quarter: str) -> None:
        """Show the field, and its plan if there is one."""
        self._is_filling = True
        self.is_planned = plan is not None
        self.told.value = activation_html(row, score)
        self.effort.value = row["effort"]
        if plan or not self.owner.value:
            self.owner.value = plan.owner if plan else ""
        self.button.description = "Take out of the plan" if plan else f"Plan for {quarter}"
        late = ' <span class="fault">overdue</span>' if row["is_overdue"] else ""
        when = escape(words.clean_text(plan.planned)) if plan else ""
        self.planned.value = f'<span class="tick">✓</span> {when or "planned"}{late}' if plan else ""
        self.widget.add_class("is-planned") if plan else self.widget.remove_class("is-planned")
        self._is_filling = False

    def _press(self) -> None:
        if self.is_planned:
            self._unplan(self.dimension)
        else:
            self._plan(self.dimension, self.effort.value, self.owner.value.strip())

    def _on_change(self, _: Any) -> None:
        if not self._is_filling and self.is_planned:
            self._plan(self.dimension, self.effort.value, self.owner.value.strip())


class ActivationPanel:
    """The ranked list and the plan.

    Args:
        plan: Called with the partition, the effort and the owner.
        unplan: Called with the partition.
        quarter: The quarter that is planned for.

    Attributes:
        n_planned: How many fields are planned for that quarter.
    """

    def __init__(self, *, plan: Callable[[str, str, str], None], unplan: Callable[[str], None], quarter: str) -> None:
        self.quarter, self.n_planned = quarter, 0
        self._shown: tuple[Sequence[Mapping[Any, Any]], float, Mapping[str, Activation]] = ((), 0.0, {})
        self.rows: RowList[ActivationRow] = RowList(
            lambda key: ActivationRow(key, plan, unplan),
            lambda row: row.widget,
            refill=lambda: self._fill(*self._shown),
        )
        self.head = HTML()
        self.widget = VBox([self.head, self.rows.widget]).add_class("pane").add_class("activation-pane")

    def show(self, rows: Sequence[Mapping[Any, Any]], *, score: float | None, plans: Mapping[str, Activation]) -> None:
        """Show the list.

        Args:
            rows: One record per field, as ``rank_activations`` tells them.
            score: The coverage score today, 0–1.
            plans: Partition → what is planned.
        """
        open_fields = {row["dimension"] for row in rows}
        planned = [
            plan for dimension, plan in plans.items() if dimension in open_fields and plan.planned == self.quarter
        ]
        self.n_planned = len(planned)
        self.head.value = head_html(rows, n=self.n_planned, quarter=self.quarter)
        self._fill(rows, score or 0.0, plans)

    def set_disabled(self, is_disabled: bool) -> None:
        """Let nothing be planned."""
        for row in self.rows.rows:
            for control in (row.effort, row.owner, row.button):
                control.disabled = is_disabled

    def _fill(self, rows: Sequence[Mapping[Any, Any]], score: float, plans: Mapping[str, Activation]) -> None:
        self._shown = (rows, score, plans)
        by_key = {row["dimension"]: row for row in rows}
        for key, row in self.rows.arrange(by_key):
            row.show(by_key[key], score=score, plan=plans.get(str(key)), quarter=self.quarter)


def head_html(rows: Sequence[Mapping[Any, Any]], *, n: int, quarter: str) -> str:
    """Write what the list is about, and whether enough is planned."""
    if not rows:
        return '<p class="title">Every wanted field is available</p><p class="subtitle">Look again next quarter.</p>'
    said = "One or two a quarter are enough: a field that everybody fills is worth more than ten that nobody does."
    title = f"{words.count_of(n, 'field')} planned for {quarter}" if n else f"Plan one or two fields for {quarter}"
    kind = "subtitle"
    if n > ENOUGH:
        said = f"{n} are more than a team adopts in a quarter. Keep the best one or two, and plan the rest later."
        kind = "subtitle caution"
    return f'<p class="title">{words.prose_html(title)}</p><p class="{kind}">{words.prose_html(said)}</p>'


def activation_html(row: Mapping[Any, Any], score: float) -> str:
    """Write one field: where it is missing, what it would let people see, and what the score would become."""
    now, after = (words.say_value(value, "share") for value in (score, row["score_after"]))
    name = f"{words.prose_html(row['label'])} <span class='way'>on {escape(str(row['objects']))}</span>"
    why, unlocks = join_sentences(row["reason"], row["cure"]), escape(words.clean_text(row["unlocks"]))
    lets = f"Would let you see {words.prose_html(row['lets'])}." if row["lets"] else ""
    named = f" · named by {words.count_of(int(row['n_named']), 'person', 'people')}" if row["n_named"] else ""
    wide, gain = 100 * score, 100 * (row["score_after"] - score)
    gauge = (
        '<span class="bar share gain" aria-hidden="true">'
        f'<i style="width:{wide:.1f}%"></i><i class="more" style="left:{wide:.1f}%;width:{gain:.1f}%"></i></span>'
    )
    return (
        f'<p class="name"><span class="rank">{int(row["rank"])}</span>{name} {light_html(row["light"])}</p>'
        f'<p class="count">{gauge}score {words.prose_html(now)} → <b>{words.prose_html(after)}</b> · '
        f"{words.count_of(int(row['n_kpis']), 'secondary KPI')}{named}</p>"
        f"<p>{lets}</p>"
        f'<p class="note" title="{unlocks}">{words.prose_html(why)}</p>'
    )
