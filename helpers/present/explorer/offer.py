"""What can be chosen: KPIs that the data tell, partitions with the reason of those refused, periods, comparisons."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.analyses.derived_partitions import list_derived
from helpers.analyses.exploration import Exploration
from helpers.analyses.exploration_state import MOST_NAMED, ExplorerState
from helpers.analyses.slicing_question import find_kpi, find_refusal
from helpers.engine.cells import open_evaluator
from helpers.model.kpi import Kpi
from helpers.present import words
from helpers.present.explorer.view import LATE
from helpers.present.explorer.writing import cut_name

FAMILIES = {
    "volume": "Volumes",
    "conversion": "Conversions",
    "money": "Money",
    "time": "Time",
    "recurring": "Recurring revenue",
    "pipeline": "Pipeline",
}
GRAINS = {
    "week": "Week",
    "month": "Month",
    "quarter": "Quarter",
    "half_year": "Half-year",
    "year": "Year",
    "calendar_quarter": "Calendar quarter",
    "calendar_year": "Calendar year",
    "rolling_90": "90 days",
    "custom": "Days of your choice",
}
COMPARES = {"previous": "Previous period", "year_ago": "A year ago", "plan": "Plan", "custom": "Days of your choice"}
BASES = {
    "cohort": "By day of entry",
    "period": "Counts of one period",
    "outcome": "Among those closed",
    "snapshot": "On the last day",
}
CHARTS = {"bars": "Bars", "trend": "Trend lines", "heat": "Heat table", "funnel": "Funnel plot", "table": "Table"}
QUESTIONS = {"who": "Who", "what": "What", "where": "Where", "when": "When"}
MOST_PERIODS = 60
TOPS = (3, 5, 8, 12, 20, 40, MOST_NAMED)
FUNNEL_KINDS = ("outcome_share", "conversion")


class Offer:
    """What can be chosen in an exploration.

    Args:
        exploration: Whose company it is.
        available: The rows of ``explain_availability``.
    """

    def __init__(self, exploration: Exploration, available: pd.DataFrame) -> None:
        self._exploration = exploration
        self._told = set(available.loc[available["is_available"].astype(bool), "kpi"])
        self._derived = list_derived(exploration.company)
        self._cuts: dict[str, list[dict[str, Any]]] = {}

    def describe(self, state: ExplorerState) -> dict[str, Any]:
        """Describe the choices in a state."""
        company = self._exploration.company
        kpi = find_kpi(company, state.kpi)
        cuts = self.list_partitions(kpi)
        periods = self._exploration.list_periods(state.grain)[:MOST_PERIODS]
        bases = [[name, BASES[name]] for name in kpi.basis]
        tops = sorted({*TOPS, state.top_n})
        return {
            "kpis": self._list_kpis(kpi),
            "partitions": [{"label": "", "options": [["", "–"]]}, *cuts],
            "filters": [{"label": "", "options": [["", "–"]]}, *cuts],
            "grains": [{"label": "", "options": list(map(list, GRAINS.items()))}],
            "periods": [{"label": "", "options": [[one.end.isoformat(), one.label] for one in periods]}],
            "compares": [{"label": "", "options": self._list_compares()}],
            "bases": [{"label": "", "options": [["", bases[0][1]], *bases[1:]]}],
            "tops": [{"label": "", "options": [[str(one), f"{one} and the rest"] for one in tops]}],
            "charts": [[id, label, self.refuse_chart(id, kpi, state)] for id, label in CHARTS.items()],
        }

    def list_partitions(self, kpi: Kpi) -> list[dict[str, Any]]:
        """List the partitions by question; those that may not cut the KPI come with the reason."""
        company = self._exploration.company
        key = f"{kpi.id} {len(company.partitions)}"
        if key not in self._cuts:
            outline = open_evaluator(company, self._exploration.as_of).outline
            groups: dict[str, list[list[str]]] = {label: [] for label in QUESTIONS.values()}
            for id, partition in sorted(company.partitions.items(), key=lambda one: one[1].label.casefold()):
                if id not in outline.labels:
                    continue
                refusal = find_refusal(company, kpi, [id], as_of=self._exploration.as_of)
                reason = LATE.get(partition.known, "may not cut it") if refusal else ""
                groups[QUESTIONS[partition.question]].append([id, cut_name(partition.label), reason])
            known = set(company.partitions)
            computed = [
                [one["id"], cut_name(one["label"]), LATE.get(one["known"].split(",")[0], "") if kpi.is_rate else ""]
                for one in self._derived.to_dict("records")
                if one["id"] not in known
            ]
            found = [{"label": label, "options": options} for label, options in groups.items() if options]
            self._cuts[key] = [*found, *([{"label": "Computed", "options": computed}] if computed else [])]
        return self._cuts[key]

    def refuse_chart(self, chart: str, kpi: Kpi, state: ExplorerState) -> str:
        """Say why a chart can't be drawn; empty where it can."""
        if chart == "heat" and len(state.by) < 2:
            return "needs two partitions"
        if chart == "funnel" and (kpi.measure.kind not in FUNNEL_KINDS or not state.by):
            return "compares a win rate or a conversion by one partition"
        return ""

    def _list_kpis(self, asked: Kpi) -> list[dict[str, Any]]:
        groups: dict[str, list[list[str]]] = {label: [] for label in FAMILIES.values()}
        for kpi in self._exploration.company.catalog.kpis.values():
            if kpi.id in self._told:
                groups.setdefault(FAMILIES.get(kpi.family, words.label_of(kpi.family)), []).append([kpi.id, kpi.label])
        if asked.id not in self._told:
            groups.setdefault("Asked for", []).append([asked.id, asked.label])
        return [{"label": label, "options": options} for label, options in groups.items() if options]

    def _list_compares(self) -> list[list[str]]:
        targets = self._exploration.targets
        has_plan = targets is not None and len(targets) > 0
        return [[id, label, "" if id != "plan" or has_plan else "no goals yet"] for id, label in COMPARES.items()]
