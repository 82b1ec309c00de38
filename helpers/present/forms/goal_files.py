"""What the goal editor keeps and hands over: scenarios, the plan of record, workbooks, earlier versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from helpers.analyses.scenario_comparison import MOST_SCENARIOS
from helpers.answers.goal_editing import GoalCell, GoalEditor, Typed, list_replaced
from helpers.answers.goal_import import GoalPreview, preview_goals
from helpers.answers.goal_scenarios import list_scenarios, read_scenario, save_scenario
from helpers.answers.plan_of_record import adopt_plan, read_plan_of_record
from helpers.errors import DiagnosticError
from helpers.present import words
from helpers.present.forms.goal_comparison import ComparisonPart

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_LISTED = 8
NOW = "As set now"
LARGEST_FILE = 20_000_000

Card = dict[str, Any]


class GoalFiles:
    """The cards by which goals are kept and handed over.

    Args:
        editor: Keeps what people set.
        take: Sets cells as one step, and shows what follows: the changes, and what is done in words.
        read_matrix: Returns the matrix as solved.
        write_workbook: Writes the goals as a workbook; None where that isn't offered.
        is_open: Whether a cell can be set here.
        since: The first day of the matrix; goals of periods before it aren't compared.
        comparison: Where scenarios stand side by side.
        by: Who edits.
        today: Tells the day on which a plan is adopted.
        decimal: The sign before fractions where the company is at home.
    """

    def __init__(
        self,
        editor: GoalEditor,
        *,
        take: Callable[[Mapping[GoalCell, Typed], str], None],
        read_matrix: Callable[[], pd.DataFrame],
        write_workbook: Callable[[str], bytes] | None,
        is_open: Callable[[GoalCell], bool],
        since: date,
        comparison: ComparisonPart,
        by: str = "",
        today: Callable[[], date] = date.today,
        decimal: str = ".",
    ) -> None:
        self.card: Card | None = None
        self.by, self.scenario = by, ""
        self._editor, self._take, self._read_matrix, self._is_open = editor, take, read_matrix, is_open
        self._write_workbook, self._today, self._decimal = write_workbook, today, decimal
        self._comparison, self._since = comparison, since
        self._preview: tuple[str, GoalPreview] | None = None
        self.outgoing: tuple[dict[str, str], bytes] | None = None

    @property
    def offers(self) -> list[list[str]]:
        """The buttons: what each asks for, and what it says."""
        offers = [["scenarios", "Scenarios"], ["plan", "Plan of record"]]
        excel = [["export", "To Excel"]] if self._write_workbook else []
        return [*offers, *excel, ["import", "From Excel"], ["versions", "Earlier versions"]]

    def hear(self, what: str, content: Mapping[str, Any], buffers: Sequence[Any] = ()) -> bool:
        """Do what was asked for; tell whether it was something of this kind."""
        name = " ".join(str(content.get("text", "")).split())
        steps: dict[str, Callable[[], None]] = {
            "scenarios": self._show_scenarios,
            "save_scenario": lambda: self._save_scenario(name, replaces=content.get("replaces") is True),
            "open_scenario": lambda: self._open_scenario(str(content.get("name", ""))),
            "compare": self._show_comparison,
            "plan": self._show_plan,
            "adopt": lambda: self._adopt(name),
            "export": self._export,
            "import": lambda: self._import(str(content.get("name", "")), buffers),
            "take_import": lambda: self._take_import(str(content.get("keep", ""))),
            "versions": self._show_versions,
            "restore": lambda: self._restore(content.get("version")),
            "close_card": self._close,
        }
        if what not in steps:
            return False
        try:
            steps[what]()
        except DiagnosticError as error:
            self.card = make_card("This can't be done", [str(error)], kind="clash")
        return True

    def _close(self) -> None:
        self.card = None
        self._comparison.close()

    # ---- scenarios and the plan -------------------------------------------------------------------------------------

    def _show_scenarios(self, said: str = "") -> None:
        found = list_scenarios(self._editor.folder)
        lines = [said] if said else []
        lines += [f"{one.name}: it can't be read and is left out." for one in found if one.is_damaged]
        if not found:
            lines.append("None has been saved yet. Keep what is set now under a name, and go on trying.")
        buttons = [
            {
                "label": f"Open “{words.clean_text(one.name)}”, {words.count_of(one.n_goals, 'goal')}"
                + (f", {words.say_date(one.saved_at.date())}" if one.saved_at else ""),
                "hint": one.note,
                "send": {"do": "open_scenario", "name": one.name},
            }
            for one in found
            if not one.is_damaged
        ]
        if buttons:
            buttons.insert(0, {"label": "Compare them", "kind": "first", "send": {"do": "compare"}})
        form = {
            "label": "Keep these goals as",
            "button": "Save",
            "send": {"do": "save_scenario"},
            "value": self.scenario,
        }
        self.card = make_card("Scenarios", lines, buttons, form=form)

    def _save_scenario(self, name: str, *, replaces: bool) -> None:
        held = {one.name: one for one in list_scenarios(self._editor.folder)}
        if name in held and not replaces and name != self.scenario:
            send = {"do": "save_scenario", "text": name, "replaces": True}
            buttons = [{"label": f"Replace “{name}”", "send": send}, {"label": "Keep it", "send": {"do": "scenarios"}}]
            self.card = make_card(f"There is a scenario “{name}” already", [], buttons)
            return
        base = held[name].revision if name in held else ""
        save_scenario(self._editor.folder, name, frame_goals(self._editor.typed), author=self.by, based_on=base)
        self.scenario = name
        self._show_scenarios(f"Saved as “{name}”. The goals in force are unchanged.")

    def _open_scenario(self, name: str) -> None:
        goals, problems = read_scenario(self._editor.folder, name)
        cells = read_goals_frame(goals)
        changes = list_replaced(self._editor.typed, cells, may_change=self._is_open)
        self.scenario = name
        self._take(changes, f"opening “{words.clean_text(name)}”")
        lines = ["Its goals are in force now; those of periods that are over stayed. Undo brings the others back."]
        lines += [problem["message"] for problem in problems[:MOST_LISTED]]
        self.card = make_card(f"“{words.clean_text(name)}” is open", lines)

    def _show_comparison(self) -> None:
        """Set what is set now and the scenarios saved last side by side."""
        found = [one for one in list_scenarios(self._editor.folder) if not one.is_damaged]
        found.sort(key=lambda one: one.saved_at.timestamp() if one.saved_at else 0.0, reverse=True)
        compared = {NOW: frame_goals(self._editor.typed)}
        for one in found[: MOST_SCENARIOS - 1]:
            compared[one.name] = read_scenario(self._editor.folder, one.name)[0]
        first = pd.Timestamp(self._since)
        compared = {name: goals[pd.to_datetime(goals["period_start"]) >= first] for name, goals in compared.items()}
        self._comparison.show(compared)
        lines = ["They stand side by side below the grid; A is what is set now. Close takes them away."]
        if len(found) >= MOST_SCENARIOS:
            lines.append(f"Those are the {MOST_SCENARIOS - 1} saved last.")
        self.card = make_card("Scenarios compared", lines)

    def _show_plan(self) -> None:
        plan = read_plan_of_record(self._editor.folder)
        lines = ["No plan has been adopted yet."]
        if plan is not None:
            day = words.say_date(plan.adopted_on) if plan.adopted_on else "some day"
            who = f" by {words.clean_text(plan.author)}" if plan.author else ""
            lines = [f"Adopted on {day}{who}. Changing goals here leaves it as it is."]
        form = {"label": "Adopted by", "button": "Make this the plan", "send": {"do": "adopt"}, "value": self.by}
        self.card = make_card("The plan of record", lines, form=form)

    def _adopt(self, author: str) -> None:
        if not author:
            self.card = {**(self.card or {}), "lines": ["Say who adopts it: a plan without a name is nobody's."]}
            return
        plan = read_plan_of_record(self._editor.folder)
        base = plan.revision if plan is not None else None
        adopt_plan(self._editor.folder, self._read_matrix(), author=author, on=self._today(), based_on=base)
        self.by = author
        self._show_plan()

    # ---- workbooks and versions -------------------------------------------------------------------------------------

    def _export(self) -> None:
        if self._write_workbook is not None:
            self.outgoing = ({"name": "goals.xlsx", "type": XLSX}, self._write_workbook(self.scenario))

    def _import(self, file: str, buffers: Sequence[Any]) -> None:
        data = bytes(buffers[0]) if buffers else b""
        name = words.clean_text(file)[:80] or "The workbook"
        if len(data) > LARGEST_FILE:
            self.card = make_card(f"{name} is too large", ["Export the goals anew and type into that workbook."])
            return
        preview = preview_goals(self._editor.folder, data, current=self._editor.typed, file=name, decimal=self._decimal)
        self._preview = (name, preview)
        wanted, conflicts = len(preview.wanted()), len(preview.conflicts)
        lines = [
            f"{words.clean_text(change.label)}: {preview.say(change.before, change.unit)} → "
            f"{preview.say(change.after, change.unit)}"
            + (f"; here it is {preview.say(change.theirs, change.unit)} now" if change.is_conflict else "")
            for change in preview.changes[:MOST_LISTED]
        ]
        more = len(preview.changes) - MOST_LISTED
        lines += [f"and {more} more"] if more > 0 else []
        lines += [problem.describe() for problem in preview.problems[:MOST_LISTED]]
        buttons = []
        if wanted:
            buttons.append({"label": f"Take over {words.count_of(wanted, 'goal')}", "kind": "first",
                            "send": {"do": "take_import", "keep": ""}})  # fmt: skip
        if conflicts:
            label = f"Take over all {wanted + conflicts}, also those set otherwise here"
            buttons.append({"label": label, "send": {"do": "take_import", "keep": "mine"}})
        title = f"{name}: {words.count_of(wanted + conflicts, 'goal')} would change"
        self.card = make_card(title, lines or ["It says what is set here already."], buttons)

    def _take_import(self, keep: str) -> None:
        if self._preview is None:
            return
        name, preview = self._preview
        changes = preview.wanted("mine" if keep == "mine" else "")
        self._preview, self.card = None, None
        self._take({cell: typed for cell, typed in changes.items() if self._is_open(cell)}, f"taking over {name}")

    def _show_versions(self) -> None:
        found = self._editor.list_versions(MOST_LISTED)
        lines = [] if found else ["Nothing has been changed yet."]
        buttons = [
            {
                "label": f"{words.say_date(one.saved_at.replace(second=0, microsecond=0))}: "
                f"{words.count_of(one.n_changed, 'cell')} otherwise than now",
                "send": {"do": "restore", "version": one.number},
            }
            for one in found
        ]
        self.card = make_card("Bring back how it was on", lines, buttons)

    def _restore(self, number: Any) -> None:
        if isinstance(number, int):
            changes = list_replaced(self._editor.typed, self._editor.read_version(number))
            self.card = None
            self._take(changes, "bringing an earlier version back")


def make_card(
    title: str, lines: Sequence[str], buttons: Sequence[Mapping[str, Any]] = (), *, kind: str = "note", form: Any = None
) -> Card:
    """Make a card of the panel; it can always be closed."""
    close = {"label": "Close", "kind": "quiet", "send": {"do": "close_card"}}
    return {"kind": kind, "title": title, "lines": list(lines), "buttons": [*buttons, close], "form": form}


def frame_goals(typed: Mapping[GoalCell, Typed]) -> pd.DataFrame:
    """Lay what people set out with the columns of ``read_goals`` that name and set a cell."""
    rows = [[*cell, one.goal, one.is_locked] for cell, one in typed.items() if one.goal is not None or one.is_locked]
    return pd.DataFrame(rows, columns=[*GoalCell._fields, "goal", "locked"])


def read_goals_frame(goals: pd.DataFrame) -> dict[GoalCell, Typed]:
    """Take what people set out of a frame of goals."""
    found = {}
    for row in goals.to_dict("records"):
        start = pd.Timestamp(row["period_start"]).date()
        cell = GoalCell(row["kpi"], row["grain"], start, row["dimension"], row["slice"])
        goal = None if words.is_missing(row["goal"]) else float(row["goal"])
        found[cell] = Typed(goal, bool(row["locked"]))
    return {cell: one for cell, one in found.items() if not one.is_blank}
