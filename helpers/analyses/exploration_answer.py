"""What an exploration shows: panels of slices, the trend, and the finding."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from helpers.analyses.exploration_state import ExplorerState
from helpers.model.kpi import Kpi
from helpers.periods import Period


@dataclass(frozen=True)
class Panel:
    """The slices of one partition under every filter but its own.

    Attributes:
        partition: Its id.
        label: What a reader calls it.
        frame: One row per slice, the largest first, all others last: slice, numerator, denominator, value, n, low,
            high, is_complete, previous_value, previous_n, change, q_value, goal, is_small, is_chosen, company_value,
            difference.
        left_out: How many slices all others are.
    """

    partition: str
    label: str
    frame: pd.DataFrame
    left_out: int


@dataclass(frozen=True)
class Answer:
    """What is on screen.

    Attributes:
        state: What was asked.
        kpi, basis, period, compared: What that means.
        total: The cell under all filters: the numbers of a slice.
        company: The same without filters.
        panels: One per partition.
        trend: One row per period under all filters: label, start, then the numbers.
        lines: Slice of the first partition → the same; only for trend lines.
        joint: All partitions together (for a heat table the first two) under all filters, slices as ``a & b``; empty
            with fewer than two.
        headline: The finding.
        refusal: Why it can't be told; nothing else is there then.
        refused: The filter's partition that it is about.
        notice: What was changed about the question to be able to answer it.
    """

    state: ExplorerState
    kpi: Kpi
    basis: str = ""
    period: Period | None = None
    compared: Period | None = None
    total: Mapping[str, Any] = field(default_factory=dict)
    company: Mapping[str, Any] = field(default_factory=dict)
    panels: tuple[Panel, ...] = ()
    trend: pd.DataFrame = field(default_factory=pd.DataFrame)
    lines: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    joint: pd.DataFrame = field(default_factory=pd.DataFrame)
    headline: str = ""
    refusal: str = ""
    refused: str = ""
    notice: str = ""
