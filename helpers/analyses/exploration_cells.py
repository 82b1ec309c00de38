"""The cells of one question: a panel per partition, each under every filter but its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.change import score_changes
from helpers.analyses.derived_partitions import find_order
from helpers.analyses.exploration_answer import Answer, Panel
from helpers.analyses.exploration_state import ExplorerState
from helpers.analyses.exploration_words import headline_exploration
from helpers.analyses.slicing_goals import find_goals
from helpers.analyses.slicing_others import OTHERS
from helpers.engine.session import CellColumns, SlicedCells
from helpers.model.kpi import Kpi
from helpers.periods import CUSTOM, Period, custom_period, parse_day, period_of

NUMBERS = ("value", "n", "numerator", "denominator", "low", "high")
CELL_COLUMNS = ["slice", *NUMBERS, "is_complete"]
SHOWN_PERIODS, SHOWN_STRETCHES = 12, 4
MOST_LINES = 6
PANEL_COLUMNS = (
    "slice numerator denominator value n low high is_complete previous_value previous_n change q_value goal is_small "
    "is_chosen company_value difference"
).split()


class AskedCells:
    """One question of an exploration.

    Args:
        exploration: Whose company is asked.
        kpi: The KPI.
        basis: How it is defined.
        state: What was asked, with partitions that may cut the KPI.
        notice: What had to be changed about the question.
    """

    def __init__(self, exploration: Any, kpi: Kpi, basis: str, state: ExplorerState, notice: str) -> None:
        self._exploration, self._kpi, self._basis, self._notice = exploration, kpi, basis, notice
        self._company = exploration.company
        by = [(), *((name,) for name in state.by)]
        self._joint = state.by[:2] if state.chart == "heat" else state.by
        self._by = [*by, self._joint] if len(state.by) > 1 else by
        self._state = state
        self._period = self._find_period()
        self._compared = self._find_compared()
        self._filters = state.to_filters()

    def answer(self) -> Answer:
        """Compute what is on screen."""
        state, period = self._state, self._period
        shown = {"end": period.end.isoformat(), "start": period.start.isoformat() if state.grain == CUSTOM else ""}
        panels, total = self._panels()
        company = self._cells(period, (), {})
        joint = self._cells(period, self._joint, self._filters) if len(state.by) > 1 else pd.DataFrame()
        found = Answer(
            state=replace(state, **shown),
            kpi=self._kpi,
            basis=self._basis,
            period=period,
            compared=self._compared,
            total=total,
            company=company.iloc[0].to_dict() if len(company) else {},
            panels=panels,
            trend=self._trend((), ""),
            lines=self._lines(panels) if state.chart == "trend" and panels else {},
            joint=self._sort(self._beside(joint)) if len(joint) else joint,
            notice=self._notice,
        )
        return replace(found, headline=headline_exploration(found, self._company.currency))

    def _find_period(self) -> Period:
        """Return the period asked for; where none was, the latest one whose records are old enough to be judged."""
        state, year = self._state, self._company.fiscal_year_start
        if state.grain == CUSTOM:
            own = self._exploration.period
            first = parse_day(state.start, name="start") if state.start else own.start
            return custom_period(first, parse_day(state.end, name="end") if state.end else own.end, year)
        if state.end:
            day = parse_day(state.end, name="end")
            if state.grain == "rolling_90":
                return period_of(min(day, self._exploration.as_of), state.grain, year)
            return next((one for one in self._exploration.list_periods(state.grain) if one.end <= day),
                        period_of(day, state.grain, year))  # fmt: skip
        periods = self._exploration.list_periods(state.grain)
        own = self._exploration.period
        newest = next((one for one in periods if one.end <= own.end), periods[-1])
        if self._basis != "cohort":
            return newest
        self._period = newest
        trend = self._trend((), "")
        old = trend[trend["is_complete"].astype(bool)]
        return old["period"].iloc[-1] if len(old) else newest

    def _find_compared(self) -> Period | None:
        state, period = self._state, self._period
        if state.compare_to == CUSTOM and state.compare_start and state.compare_end:
            first, last = (parse_day(day) for day in (state.compare_start, state.compare_end))
            return custom_period(first, last, self._company.fiscal_year_start)
        if state.compare_to == "plan":
            return None
        return period.year_ago() if state.compare_to == "year_ago" else period.previous()

    def _slice(self, period: Period, filters: Mapping[str, Any]) -> SlicedCells:
        """Slice the session that holds a period under filters."""
        of_trend = period.grain == self._period.grain and period.grain not in (CUSTOM, "rolling_90")
        start, end = (self._first_shown(), self._period.end) if of_trend else (period.start, period.end)
        return self._exploration.slice(self._kpi, self._by, (period.grain, start, end), filters)

    def _first_shown(self) -> date:
        return min(self._period.previous(SHOWN_PERIODS - 1).start, self._period.year_ago().start)

    def _pick(self, period: Period, by: Sequence[str], filters: Mapping[str, Any]) -> CellColumns:
        return self._slice(period, filters).pick(self._kpi.id, basis=self._basis, by=tuple(by))

    def _cells(self, period: Period | None, by: Sequence[str], filters: Mapping[str, Any]) -> pd.DataFrame:
        """Return the cells of one period: one row per slice."""
        if period is None:
            return pd.DataFrame(columns=CELL_COLUMNS)
        found = self._pick(period, by, filters)
        mine = found.starts == np.datetime64(period.start)
        columns = {name: getattr(found, name)[mine] for name in (*NUMBERS, "is_complete")}
        names = pd.array(np.asarray(found.slices)[mine].astype(object), dtype="str")
        return pd.DataFrame({"slice": names, **columns})

    def _panels(self) -> tuple[tuple[Panel, ...], dict[str, Any]]:
        """Make the panels and the total; the tests of all changes on screen are corrected for their number together."""
        whole, earlier = (self._tested(one, (), self._filters) for one in (self._period, self._compared))
        parts = [("", whole.assign(dimension=""), earlier.assign(dimension=""), 0)]
        usual = [self._history("", self._filters)]
        for name in self._state.by:
            filters = {id: wanted for id, wanted in self._filters.items() if id != name}
            now, before = (self._tested(one, (name,), filters) for one in (self._period, self._compared))
            now, before, left_out = self._fold(name, filters, _with_vanished(now, before), before)
            parts.append((name, now.assign(dimension=name), before.assign(dimension=name), left_out))
            usual.append(self._history(name, filters))
        now, before = (pd.concat([part[at] for part in parts], ignore_index=True) for at in (1, 2))
        scored = self._score(now, before, pd.concat(usual, ignore_index=True))
        panels = tuple(
            Panel(name, self._company.partitions[name].label, self._finish(name, scored), left_out)
            for name, _, _, left_out in parts[1:]
        )
        total = self._beside(scored[scored["dimension"] == ""])
        return panels, self._set_plan(total, ()).iloc[0].to_dict() if len(total) else {}

    def _score(self, now: pd.DataFrame, before: pd.DataFrame, usual: pd.DataFrame) -> pd.DataFrame:
        days = (self._period.days, self._compared.days) if self._compared else None
        return score_changes(now, before, on=["dimension", "slice"], days=days, history=usual)

    def _tested(self, period: Period | None, by: Sequence[str], filters: Mapping[str, Any]) -> pd.DataFrame:
        """Return the cells of one period with what a test of their change needs."""
        cells, compared = self._cells(period, by, filters), self._compared
        if period is None or compared is None or self._kpi.measure.kind != "sum":
            return cells
        days = sorted({(one.start, one.end) for one in (self._period, compared)})
        squares = self._exploration.find_squares(self._kpi, by, days, filters)
        if squares is None:
            return cells
        return cells.assign(squares=[squares.get((name, period.start), 0.0) for name in cells["slice"]])

    def _history(self, name: str, filters: Mapping[str, Any]) -> pd.DataFrame:
        """Return how many records complete periods before the one shown had, from which is learnt what is usual."""
        columns = ["dimension", "slice", "period_start", "n"]
        if self._compared is None or self._kpi.measure.kind not in ("volume", "sum"):
            return pd.DataFrame(columns=columns)
        by = (name,) if name else ()
        if self._period.grain in (CUSTOM, "rolling_90"):
            stretches = [self._period.previous(back) for back in range(SHOWN_STRETCHES - 1, 0, -1)]
            parts = [self._cells(one, by, filters).assign(period_start=np.datetime64(one.start)) for one in stretches]
            cells = pd.concat(parts, ignore_index=True)
        else:
            found = self._pick(self._period, by, filters)
            names = pd.array(np.asarray(found.slices).astype(object), dtype="str")
            counted = {"n": found.n, "is_complete": found.is_complete}
            cells = pd.DataFrame({"slice": names, "period_start": found.starts, **counted})
        starts = cells["period_start"]
        used = (starts < np.datetime64(self._period.start)) & (starts != np.datetime64(self._compared.start))
        return cells[used & cells["is_complete"].astype(bool)].assign(dimension=name)[columns]

    def _fold(
        self, name: str, filters: Mapping[str, Any], now: pd.DataFrame, before: pd.DataFrame
    ) -> tuple[pd.DataFrame, pd.DataFrame, int]:
        """Name the largest slices and what is filtered by, and count the rest anew as one."""
        now, top_n = self._sort(now), self._state.top_n
        if len(now) <= top_n:
            order = find_order(now["slice"].tolist())
            return (now.set_index("slice").loc[order].reset_index() if order else now), before, 0
        chosen = self._state.find_filter(name)
        is_named = (np.arange(len(now)) < top_n) | now["slice"].isin(chosen.values if chosen else ())
        rest = now.loc[~is_named, "slice"].tolist()
        if not rest:
            return now, before, 0
        others = [
            self._cells(period, (), {**filters, name: rest}).assign(slice=OTHERS)
            for period in (self._period, self._compared)
        ]
        if "squares" in now and "squares" in before:
            sums = [cells.loc[cells["slice"].isin(rest), "squares"].sum() for cells in (now, before)]
            others = [cells.assign(squares=total) for cells, total in zip(others, sums, strict=True)]
        others[0] = _with_vanished(others[0], others[1])
        named = [now[is_named], before[~before["slice"].isin(rest)]]
        folded = [pd.concat([one, other], ignore_index=True) for one, other in zip(named, others, strict=True)]
        return folded[0], folded[1], len(rest)

    def _sort(self, cells: pd.DataFrame) -> pd.DataFrame:
        largest = "value" if self._kpi.is_count else "n"
        return cells.sort_values([largest, "slice"], ascending=[False, True], ignore_index=True)

    def _finish(self, name: str, scored: pd.DataFrame) -> pd.DataFrame:
        """Set the slices of a panel beside everybody, and mark those that are filtered by."""
        frame = scored[scored["dimension"] == name].reset_index(drop=True)
        one = self._state.find_filter(name)
        named = frame["slice"].isin(one.values if one else ())
        filters = {id: wanted for id, wanted in self._filters.items() if id != name}
        whole = self._cells(self._period, (), filters)
        frame = self._beside(frame).assign(
            is_chosen=(~named if one and one.is_out else named) & (frame["slice"] != OTHERS),
            company_value=whole["value"].iloc[0] if len(whole) else np.nan,
        )
        frame["difference"] = frame["value"] - frame["company_value"]
        return self._set_plan(frame, (name,))[PANEL_COLUMNS].copy()

    def _set_plan(self, frame: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
        """Put the goals in place of the period before where the plan is compared with."""
        if self._state.compare_to != "plan":
            return frame.assign(goal=np.nan)
        is_all = not by and not self._filters
        goals = find_goals(self._exploration.targets, self._kpi, by, self._period) if by or is_all else {}
        goal = frame["slice"].map(goals).astype(float)
        return frame.assign(goal=goal, previous_value=goal, change=frame["value"] - goal)

    def _beside(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(is_small=frame["n"].astype(float) < self._company.catalog.rules.minimum_n)

    def _trend(self, by: Sequence[str], value: str) -> pd.DataFrame:
        """Return one row per period up to the one shown, under all filters: period, label, then the numbers."""
        filters = self._state.to_filters()
        if self._period.grain in (CUSTOM, "rolling_90"):
            periods = [self._period.previous(back) for back in range(SHOWN_STRETCHES - 1, -1, -1)]
            cells = [self._cells(one, by, filters).assign(start=one.start) for one in periods]
            table = pd.concat(cells, ignore_index=True)
        else:
            first = self._period.previous(SHOWN_PERIODS - 1)
            periods = [first.previous(-step) for step in range(SHOWN_PERIODS)]
            found = self._pick(self._period, by, filters)
            columns = {name: getattr(found, name) for name in (*NUMBERS, "is_complete")}
            table = pd.DataFrame({"slice": np.asarray(found.slices).astype(str), "start": found.starts, **columns})
            table["start"] = [one.astype(object) for one in np.asarray(found.starts, "datetime64[D]")]
        if value:
            table = table[table["slice"] == value]
        known = {one.start: one for one in periods}
        table = table[table["start"].isin(list(known))].sort_values("start", ignore_index=True)
        periods = [known[start] for start in table["start"]]
        return table.assign(period=periods, label=[one.label for one in periods])

    def _lines(self, panels: Sequence[Panel]) -> dict[str, pd.DataFrame]:
        """Return the trend of the largest slices of the first partition."""
        first = panels[0]
        frame = first.frame[first.frame["slice"] != OTHERS]
        names = frame.sort_values("is_chosen", ascending=False, kind="stable")["slice"].head(MOST_LINES)
        return {name: self._trend((first.partition,), name) for name in names}


def _with_vanished(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Add the slices that only the compared period has: no record is an answer too."""
    gone = before[~before["slice"].isin(now["slice"])]
    if gone.empty:
        return now
    nothing = dict.fromkeys(("numerator", "denominator", "value", "low", "high"), np.nan)
    rows = gone.assign(**nothing, n=0.0, **({"squares": 0.0} if "squares" in gone else {}))
    return pd.concat([now, rows], ignore_index=True) if len(now) else rows.reset_index(drop=True)
