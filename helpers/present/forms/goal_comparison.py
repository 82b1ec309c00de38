"""Scenarios side by side below the goal editor: pictures as images of their own, so that nothing in them acts."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import date
from html import escape

import pandas as pd
from ipywidgets import HTML

from helpers.analyses.scenario_comparison import compare_scenarios
from helpers.errors import DiagnosticError
from helpers.model.catalog import Catalog
from helpers.present.cards import message_html
from helpers.present.charts.scenarios import show_scenarios
from helpers.present.display import Display


class ComparisonPart:
    """The place below the grid where scenarios stand side by side; worked out beside the page.

    Args:
        compare: Sets scenarios side by side, name → goals, and returns HTML.
    """

    def __init__(self, compare: Callable[[Mapping[str, pd.DataFrame]], str]) -> None:
        self.widget = HTML().add_class("goal-comparison")
        self._compare, self._task = compare, None

    def show(self, scenarios: Mapping[str, pd.DataFrame]) -> None:
        """Begin to work a comparison out, and show it once it is there."""
        self.close()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.widget.value = self._try(scenarios)
            return
        self.widget.value = '<section class="red"><p role="status">Solving each of them …</p></section>'
        self._task = loop.create_task(self._work(scenarios))

    def close(self) -> None:
        """Take the comparison away."""
        if self._task is not None:
            self._task.cancel()
        self._task, self.widget.value = None, ""

    async def _work(self, scenarios: Mapping[str, pd.DataFrame]) -> None:
        self.widget.value = await asyncio.to_thread(self._try, scenarios)

    def _try(self, scenarios: Mapping[str, pd.DataFrame]) -> str:
        try:
            return self._compare(scenarios)
        except DiagnosticError as error:
            told = message_html("error", "The scenarios can't be compared", str(error))
            return f'<section class="red">{told}</section>'


def compare_sets(
    scenarios: Mapping[str, pd.DataFrame],
    *,
    matrix: pd.DataFrame,
    add_chances: Callable[[pd.DataFrame], pd.DataFrame],
    catalog: Catalog,
    as_of: date,
    history: pd.DataFrame | None = None,
    currency: str = "USD",
    fiscal_year_start: int = 1,
    subtitle: str = "",
) -> str:
    """Set scenarios side by side, name → goals, each solved against the same matrix; returns HTML."""
    comparison = compare_scenarios(
        matrix,
        scenarios,
        as_of=as_of,
        catalog=catalog,
        history=history,
        currency=currency,
        fiscal_year_start=fiscal_year_start,
        probability=add_chances,
    )
    shown = show_scenarios(comparison, subtitle=subtitle, currency=currency)
    return f'<section class="red" aria-label="Scenarios side by side">{"".join(map(_write, shown))}</section>'


def _write(display: Display) -> str:
    if not display.svg:
        return display.html
    source = b64encode(display.svg.encode("utf-8")).decode("ascii")
    return f'<p><img alt="{escape(display.alternative, quote=True)}" src="data:image/svg+xml;base64,{source}"></p>'
