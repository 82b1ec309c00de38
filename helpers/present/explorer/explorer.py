"""The explorer: one question after the other about one KPI, each a click away from the last."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.analyses.exploration import Exploration
from helpers.analyses.exploration_answer import Answer
from helpers.analyses.exploration_state import CHARTS, ExplorerState, read_state
from helpers.analyses.partitions import suggest_partitions
from helpers.analyses.records import RecordList
from helpers.analyses.slicing import choose_kpis
from helpers.analyses.slicing_filters import JOINT, MOST_PARTITIONS
from helpers.analyses.slicing_question import find_kpi
from helpers.engine import explain_availability
from helpers.errors import DiagnosticError
from helpers.periods import CUSTOM, SLICING_GRAINS
from helpers.present.explorer.funnel import describe_funnel
from helpers.present.explorer.offer import Offer
from helpers.present.explorer.sheets import describe_parameters, describe_records
from helpers.present.explorer.still import show_still
from helpers.present.explorer.view import describe_chips, describe_heat, describe_joint, describe_state, describe_view
from helpers.present.explorer.what_if_sheet import describe_what_if
from helpers.present.explorer.widget import ExplorerView
from helpers.present.explorer.writing import Writer
from helpers.present.forms.attendance import is_attended
from helpers.present.records_view import export_records

CHANGES = ("kpi", "grain", "end", "start", "compare_to", "compare_start", "compare_end", "basis", "top_n", "chart")
MOST_STEPS = 200
TYPES = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


class Explorer:
    """What is looked at, where one has been, and what is open below.

    Args:
        book: The opened workbook.
        state: What is looked at first.
        horizon_days: Days that a cohort is given; None is to date.
    """

    def __init__(self, book: Any, state: ExplorerState, *, horizon_days: int | None = None) -> None:
        self._book, self._horizon = book, horizon_days
        self.exploration = Exploration(
            book.company,
            as_of=book.as_of,
            period=book.period,
            horizon_days=horizon_days,
            targets=book.company.targets,
        )
        self._offer = Offer(self.exploration, explain_availability(book.company, as_of=book.as_of))
        self.state = state
        self.answer: Answer | None = None
        self.records: RecordList | None = None
        self._moved: dict[str, Any] = {}
        self._past: list[ExplorerState] = []
        self._future: list[ExplorerState] = []
        self.widget = ExplorerView()
        self._show(state, 0)
        self.widget.on_msg(self._hear)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the notebook that give what is on screen."""
        shown = self.answer.state if self.answer and not self.answer.refusal else self.state
        return shown.to_parameters(
            company=str(self._book.company.folder),
            as_of=self._book.as_of.isoformat(),
            horizon_days=self._horizon or 0,
        )

    def go(self, state: ExplorerState, number: int = 0) -> None:
        """Look at something else; Back leads here again."""
        if state != self.state:
            self._past = [*self._past[-MOST_STEPS:], self.state]
            self._future = []
        self._show(state, number)

    def _hear(self, _: Any, content: Mapping[str, Any], __: Any) -> None:
        """Do what was asked for; whatever goes wrong is said in place, and the explorer goes on."""
        number = int(content.get("number", 0))
        kind = str(content.get("kind", ""))
        act: Callable[[Mapping[str, Any], int], None] | None = getattr(self, f"_do_{kind}", None)
        if act is None:
            return
        try:
            act(content, number)
        except DiagnosticError as refused:
            self._refuse(str(refused), number)

    def _do_change(self, content: Mapping[str, Any], number: int) -> None:
        name, value = content["name"], content["value"]
        if name not in CHANGES or (name == "grain" and value not in SLICING_GRAINS):
            return
        if name == "chart" and value not in CHARTS:
            return
        new = {name: int(value) if name == "top_n" else str(value)}
        if name in ("kpi", "grain", "basis") and self.state.grain != CUSTOM:
            new["end"] = self._keep_end(name, new)
        if name == "grain" and value == CUSTOM and self.answer and self.answer.period:
            period = self.answer.period
            new |= {"start": period.start.isoformat(), "end": period.end.isoformat()}
        elif name == "grain":
            new |= {"start": "", "end": ""}
        if name == "compare_to" and value == CUSTOM and not self.state.compare_start and self.answer:
            before = (self.answer.period or self._book.period).previous()
            new |= {"compare_start": before.start.isoformat(), "compare_end": before.end.isoformat()}
        self.go(replace(self.state, **new), number)

    def _keep_end(self, name: str, new: Mapping[str, Any]) -> str:
        """Keep the period that somebody chose; a KPI of cohorts is shown where it can be judged."""
        return "" if name == "grain" or not self._was_chosen else self.state.end

    @property
    def _was_chosen(self) -> bool:
        return bool(self.state.end)

    def _do_by(self, content: Mapping[str, Any], number: int) -> None:
        partition = str(content["partition"] if "partition" in content else content["value"])
        self.go(self.state.choose_by(int(content["place"]), partition), number)

    def _do_toggle(self, content: Mapping[str, Any], number: int) -> None:
        added = bool(content.get("add"))
        self.go(self.state.toggle(content["partition"], content["value"], is_added=added), number)

    def _do_cell(self, content: Mapping[str, Any], number: int) -> None:
        state = self.state
        for partition, value in content["values"]:
            state = state.set_filter(partition, [value])
        self.go(state, number)

    def _do_filter(self, content: Mapping[str, Any], number: int) -> None:
        partition, value, is_out = content["partition"], str(content["value"]), bool(content["is_out"])
        known = self.exploration.list_values(partition)
        if value not in known:
            self._refuse(f"No record has the value '{value[:80]}'. Choose one of the list.", number)
            return
        old = self.state.find_filter(partition)
        values = [*old.values, value] if old and old.is_out == is_out else [value]
        self.go(self.state.set_filter(partition, values, is_out=is_out), number)

    def _do_remove(self, content: Mapping[str, Any], number: int) -> None:
        self.go(self.state.remove_value(content["partition"], content["value"]), number)

    def _do_crumb(self, content: Mapping[str, Any], number: int) -> None:
        self.go(self.state.keep_first(int(content["number"])), number)

    def _do_clear(self, _: Mapping[str, Any], number: int) -> None:
        self.go(self.state.keep_first(0), number)

    def _do_level(self, content: Mapping[str, Any], number: int) -> None:
        self.go(self.state.open_level(content["partition"], content["other"]), number)

    def _do_back(self, _: Mapping[str, Any], number: int) -> None:
        if self._past:
            self._future.append(self.state)
            self._show(self._past.pop(), number)

    def _do_forward(self, _: Mapping[str, Any], number: int) -> None:
        if self._future:
            self._past.append(self.state)
            self._show(self._future.pop(), number)

    def _do_values(self, content: Mapping[str, Any], number: int) -> None:
        partition = content["partition"]
        self.widget.values = {"partition": partition, "values": self.exploration.list_values(partition)[:5000]}
        self._answer(number)

    def _do_records(self, content: Mapping[str, Any], number: int) -> None:
        if self.answer is None or self.answer.period is None:
            return
        self.records, sheet = describe_records(self.exploration, self.answer, content, self._book.currency)
        self._open(sheet, number)

    def _do_download(self, content: Mapping[str, Any], _: int) -> None:
        kind = content["format"]
        if self.records is None or kind not in TYPES:
            return
        with tempfile.TemporaryDirectory() as folder:
            path = export_records(self.records, Path(folder) / f"records.{kind}", currency=self._book.currency)
            data = path.read_bytes()
        self.widget.send({"kind": "download", "name": path.name, "type": TYPES[kind]}, [data])

    def _do_parameters(self, _: Mapping[str, Any], number: int) -> None:
        self._open(describe_parameters(self.parameters), number)

    def _do_what_if(self, content: Mapping[str, Any], number: int) -> None:
        if self.answer is None or self.answer.period is None:
            return
        self._moved = dict(content.get("values") or {})
        self._open(describe_what_if(self.exploration, self.answer, self._moved), number)

    def _do_close(self, _: Mapping[str, Any], number: int) -> None:
        self.records = None
        self._open({}, number)

    def _open(self, sheet: Mapping[str, Any], number: int) -> None:
        with self.widget.hold_sync():
            self.widget.sheet = dict(sheet)
            self._answer(number)

    def _answer(self, number: int) -> None:
        """Tell the script that its message was heard."""
        self.widget.view = {**self.widget.view, "number": number}

    def _refuse(self, text: str, number: int) -> None:
        """Say what can't be done, and leave what is on screen."""
        self.widget.view = {**self.widget.view, "notice": text, "number": number}

    def _show(self, state: ExplorerState, number: int) -> None:
        """Compute and show a state; one that can't be told shows why, with a way out."""
        self.state = state
        try:
            answer = self.exploration.answer(state)
            view = describe_view(answer, self.exploration)
            self.answer = answer
            if not answer.refusal:
                self.state = replace(state, by=answer.state.by, filters=answer.state.filters, basis=self._usual(answer))
                view |= self._describe_chart(answer)
        except DiagnosticError as refused:
            view = self._describe_fault(state, str(refused))
        view |= {"can_back": bool(self._past), "can_forward": bool(self._future), "number": number}
        with self.widget.hold_sync():
            self.widget.offer = self._offer.describe(self.state)
            self.widget.sheet = self._refresh_sheet()
            self.widget.view = view

    @staticmethod
    def _usual(answer: Answer) -> str:
        return "" if answer.state.basis == answer.kpi.basis[0] else answer.state.basis

    def _describe_chart(self, answer: Answer) -> dict[str, Any]:
        company, chart = self.exploration.company, answer.state.chart
        writer = Writer(answer.kpi.unit, answer.kpi.direction, company.currency)
        if not answer.total or self._offer.refuse_chart(chart, answer.kpi, answer.state):
            return {}
        if chart == "table":
            return {"table": describe_joint(answer, writer, company)}
        if chart == "heat":
            return {"heat": describe_heat(answer, writer, company)}
        return {"funnel": describe_funnel(self.exploration, answer, writer)} if chart == "funnel" else {}

    def _describe_fault(self, state: ExplorerState, text: str) -> dict[str, Any]:
        message = {"title": "This can't be shown", "text": text, "cure": "Go back, or choose something else above."}
        return {
            "state": describe_state(state),
            "status": "error",
            "title": message["title"],
            "subtitle": "",
            "notice": "",
            "message": message,
            "chips": describe_chips(state, self.exploration.company),
            "crumb": "Everything",
            "invitation": "",
            "total": {"text": "", "change": "", "tone": "grey", "n": ""},
        }

    def _refresh_sheet(self) -> dict[str, Any]:
        """Keep what is open true to what is on screen: parameters and what-if follow, lists of records are closed."""
        kind = self.widget.sheet.get("kind", "")
        self.records = None
        if self.answer is None or self.answer.period is None:
            return {}
        if kind == "what_if":
            moved = {name: one for name, one in self._moved.items() if name != "slice"}
            return describe_what_if(self.exploration, self.answer, moved)
        return describe_parameters(self.parameters) if kind == "parameters" else {}


def show_explorer(
    book: Any,
    kpis: Sequence[str] = (),
    by: Sequence[str] = (),
    *,
    filters: Mapping[str, Any] | None = None,
    basis: str = "",
    top_n: int = 12,
    horizon_days: int | None = None,
    targets: pd.DataFrame | None = None,
    step_back: bool = True,
) -> Any:
    """Show the explorer where somebody is there to ask, else what it opens on as charts and a table.

    Args:
        book: The opened workbook.
        kpis: KPIs of the notebook; the first is looked at first.
        by: Partitions of the notebook; empty takes the first that suit the KPI.
        filters: Partition → values that count, or ``{"not_in": values}``.
        basis: cohort, period, outcome or snapshot; empty takes the usual one.
        top_n: How many slices are named.
        horizon_days: Days that a cohort is given.
        targets: The goals where the notebook compares with the plan.
        step_back: Whether a KPI of cohorts is shown in the latest period that can be judged.
    """
    company = book.company
    chosen = choose_kpis(explain_availability(company, as_of=book.as_of), list(kpis))
    if not chosen:
        from helpers.present.display import show_message

        return show_message("empty", "There is nothing to explore yet", "No KPI can be told from these exports.")
    period, compared = book.period, book.compared
    is_custom = book.compare_to == CUSTOM and compared is not None
    parameters = {
        "kpis": chosen[:1],
        "by": _split(by) or suggest_partitions(company, find_kpi(company, chosen[0]).id, limit=3),
        "filters": dict(filters or {}),
        "grain": period.grain,
        "start": period.start.isoformat() if period.grain == CUSTOM else "",
        "end": period.end.isoformat() if period.grain == CUSTOM or not step_back else "",
        "compare_to": "plan" if targets is not None else book.compare_to,
        "compare_start": compared.start.isoformat() if is_custom else "",
        "compare_end": compared.end.isoformat() if is_custom else "",
        "basis": basis,
        "top_n": top_n,
    }
    explorer = Explorer(book, read_state(parameters), horizon_days=horizon_days)
    if not is_attended():
        return show_still(explorer.widget.view, explorer.answer)
    import_module("scipy.stats")  # a second that the first click would wait for
    return explorer.widget


def _split(by: Sequence[str]) -> list[str]:
    """Return the partitions of all cuts, as many as fit."""
    parts = dict.fromkeys(part.strip() for name in by for part in str(name).split(JOINT.strip()))
    return [part for part in parts if part][:MOST_PARTITIONS]
