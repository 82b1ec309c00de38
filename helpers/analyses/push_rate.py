"""Push rate: which share of the deals due in a period was still open after it, with a later close date."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.pipeline_walk import ADD_EXPORTS, match_filters, slices_of
from helpers.analyses.slicing_filters import name_cuts, plan_cuts
from helpers.engine.doubt import wilson_interval
from helpers.engine.journeys import Journeys, build_journeys
from helpers.engine.timeline import NO_DAY, day_number, to_date
from helpers.periods import Period, build_periods
from helpers.units import format_value

WHOLE = "all"
PUSH_COLUMNS = [
    "period_start", "period", "dimension", "slice", "n", "pushed", "push_rate", "low", "high", "is_small",
    "days_pushed", "pushed_before", "share_pushed_before", "edits", "edits_to_later", "amount_pushed", "is_complete",
]  # fmt: skip


@dataclass(frozen=True)
class PushRates:
    """Push rates over periods.

    Attributes:
        frame: One row per period and slice (company: dimension and slice ``all``), ``PUSH_COLUMNS``: n open deals due
            at the period's start, how many were pushed out, the rate with its interval, median days by which they were
            pushed, deals of n that have been pushed more than once by the period's end, edits of the close dates of n
            within the period (all, and those to a later day), amount pushed out.
        headline: The finding.
        notes: What a reader has to know.
        why_not: Why nothing can be told; empty otherwise.
        cure: What to do about it.
    """

    frame: pd.DataFrame
    headline: str
    notes: tuple[str, ...] = ()
    why_not: str = ""
    cure: str = ""

    @property
    def is_told(self) -> bool:
        """Whether there is a rate at all."""
        return not self.why_not


def measure_push_rates(
    company: Any,
    periods: Sequence[Period],
    *,
    by: Sequence[str] = ("owner", "source"),
    business: str = "all",
    filters: Mapping[str, Any] | None = None,
    as_of: date | None = None,
) -> PushRates:
    """Measure the push rate of periods, of the company and by slice.

    Args:
        company: The company.
        periods: The periods, oldest first.
        by: Cuts; those that deals don't carry are left out, and a note says so.
        business: new, existing or all; all agrees with the KPI ``push_rate``.
        filters: Partition → values that count.
        as_of: The last day that counts.

    Returns:
        The rates. Without a history of close dates and with a single export nothing is told, and the text says why.

    Source: domain: open deals due in the period at its start whose close date lies after it at its end ÷ all open deals
        due in it at its start. Edits are counted apart: a date may be edited within the period, or several times.
    """
    empty = pd.DataFrame(columns=PUSH_COLUMNS)
    if "deal" not in company.tables:
        return PushRates(empty, "No push rate can be told", (), "No export holds deals.", "Add an export of deals.")
    journeys = build_journeys(company, as_of=as_of)
    if not journeys.tracks_close_dates or (journeys.history.closed == NO_DAY).all():
        why = "Current values only: neither a history of close dates nor a second export says what was due before."
        return PushRates(empty, "No push rate can be told", (), why, f"Export the history of deals. {ADD_EXPORTS}")
    counted = journeys.records["deal"].is_business(business) & match_filters(company, journeys, filters, as_of)
    counted &= journeys.history.created != NO_DAY
    cuts, left_out = [], []
    for cut in dict.fromkeys(cut for name in by for cut in plan_cuts([name])):
        there = all(name in journeys.records["deal"].codes or name not in company.partitions for name in cut)
        known = all(name in company.partitions for name in cut)
        (cuts if there and known else left_out).append(cut)
    places = [(WHOLE, [WHOLE], np.zeros(len(counted), np.int64))]
    places += [(" & ".join(cut), *slices_of(company, journeys, cut)) for cut in cuts]
    parts = [
        _measure(company, journeys, period, counted, places)
        for period in periods
        if day_number(period.start) <= journeys.observed_until
    ]
    frame = pd.concat(parts, ignore_index=True)[PUSH_COLUMNS] if parts else empty
    notes = [
        {"new": "New business only.", "existing": "Existing business only.", "all": "New and existing business."}[
            business
        ]
    ]
    if cuts:
        notes.append(f"By {name_cuts(dict.fromkeys(one for cut in cuts for one in cut))} as it stands today.")
    notes += [f"Deals don't carry {name_cuts(cut)}." for cut in left_out]
    if len(company.snapshots) > 1:
        notes.append("Between exports several edits of one date look like one, where no history tells them.")
    return PushRates(frame, _say_headline(frame), tuple(note for note in notes if note))


def _measure(company: Any, journeys: Journeys, period: Period, counted: np.ndarray, places: list) -> pd.DataFrame:
    first, last = day_number(period.start), day_number(period.end)
    until = min(last, journeys.observed_until)
    before, after = journeys.history.state_on(first - 1), journeys.history.state_on(until)
    due = counted & before.is_open & (before.closed >= first) & (before.closed <= last)
    pushed = due & after.is_open & (after.closed > last)
    moved = after.closed.astype(np.int64) - before.closed
    edits, later, pushes = _count_edits(journeys, period, first, until)
    again = due & (pushes > 1)
    cents = np.rint(np.nan_to_num(after.amount) * 100)
    parts = []
    for dimension, names, place in places:
        size = len(names)

        def add(mask: np.ndarray, weights: np.ndarray | None = None, place=place, size=size) -> np.ndarray:
            return np.bincount(place[mask], weights=None if weights is None else weights[mask], minlength=size)

        n, out = add(due), add(pushed)
        median = pd.Series(moved[pushed]).groupby(place[pushed]).median().reindex(range(size))
        low, high = wilson_interval(out, n, company.catalog.rules.confidence)
        with np.errstate(invalid="ignore"):
            rate, more = out / n, add(again) / n
        parts.append(
            pd.DataFrame(
                {
                    "dimension": dimension,
                    "slice": names,
                    "n": n,
                    "pushed": out,
                    "push_rate": rate,
                    "low": low,
                    "high": high,
                    "is_small": n < company.catalog.rules.minimum_n,
                    "days_pushed": median.to_numpy(dtype=float),
                    "pushed_before": add(again),
                    "share_pushed_before": more,
                    "edits": add(due, edits).astype(np.int64),
                    "edits_to_later": add(due, later).astype(np.int64),
                    "amount_pushed": add(pushed, cents) / 100,
                }
            )
        )
    frame = pd.concat(parts, ignore_index=True)
    frame = frame[frame["n"] > 0].sort_values(["dimension", "n", "slice"], ascending=[True, False, True])
    return frame.assign(
        period_start=pd.Timestamp(period.start), period=period.label, is_complete=last <= journeys.observed_until
    )


def _count_edits(journeys: Journeys, period: Period, first: int, until: int) -> tuple[np.ndarray, ...]:
    """Count edits of each deal's close date: in the period, those to a later day, and pushes so far.

    A push moves the date to a later period of the same grain; what stood there before is known from the history.
    """
    log, n = journeys.history.closes, journeys.records["deal"].n
    known = log.has_old & (log.old != NO_DAY) & (log.new != NO_DAY) & (log.day <= until)
    # The day of the close itself replaces the expected date: that is no edit of a plan.
    own_close = journeys.history.closed[log.deal]
    closes = (journeys.history.outcome[log.deal] != 0) & (log.new == own_close) & (log.day >= own_close)
    known &= ~closes
    inside, later = known & (log.day >= first), known & (log.new > log.old)
    ends = _period_ends(period, log.old[later])
    pushes = np.bincount(log.deal[later][log.new[later] > ends], minlength=n)
    return np.bincount(log.deal[inside], minlength=n), np.bincount(log.deal[inside & later], minlength=n), pushes


def _period_ends(period: Period, days: np.ndarray) -> np.ndarray:
    """Return the last day of the period of the same length that each day lies in."""
    if not len(days):
        return np.empty(0, np.int64)
    if period.grain in ("custom", "rolling_90"):
        lasts = [day_number(period.end) + step * period.days for step in range(-400, 400)]
    else:
        span = to_date(int(days.min())), to_date(int(days.max()))
        year = period.fiscal_year_start
        lasts = [day_number(one.end) for one in build_periods(*span, period.grain, year)]
    lasts = np.array(lasts, np.int64)
    return lasts[np.minimum(np.searchsorted(lasts, days), len(lasts) - 1)]


def _say_headline(frame: pd.DataFrame) -> str:
    whole = frame[frame["dimension"] == WHOLE] if len(frame) else frame
    if whole.empty:
        return "Nothing was due at the start of any of these periods"
    ended = whole[whole["is_complete"].astype(bool)]
    last = (ended if len(ended) else whole).iloc[-1]
    usual = whole[whole["period_start"] < last["period_start"]]
    text = (
        f"{format_value(last['push_rate'], 'share')} of the {int(last['n']):,} deals due in {last['period']} "
        "were pushed out of it"
    )
    if len(usual) and usual["n"].sum() >= 1:
        share = usual["pushed"].sum() / usual["n"].sum()
        text += f"; {format_value(float(share), 'share')} in the {len(usual)} periods before"
    return text
