"""Write down how each deal came to its state: every value of stage, close date and amount with its moment."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from . import setting as s

STAGE, CLOSE_DATE, AMOUNT = "dealstage", "closedate", "amount"


def _month_end(at: float) -> float:
    day = s.START + dt.timedelta(days=int(at // s.DAY))
    following = dt.date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return s.minutes(following) - s.DAY + 17 * 60


def _trace_stages(rng: np.random.Generator, deal: dict) -> list[tuple[float, str]]:
    """List the stages that a deal enters; the last is its outcome."""
    created, slipped = deal["created"], deal.get("would_have_been", np.nan)
    length = (slipped if slipped == slipped else deal["decided"]) - created
    cuts = np.sort(rng.random(4)) * 0.9 + 0.04
    moments = [created] + [created + np.floor(cut * length) for cut in cuts]
    rows = [(moments[k], s.OPEN_STAGES[k]) for k in range(deal["reached"])]
    problem = deal.get("problem")
    if problem == "skipped stage" and len(rows) == 5:
        del rows[2]
    if problem == "re-entered stage" and len(rows) >= 3:
        end = deal["decided"] if len(rows) == 3 else rows[3][0]
        gap = (end - rows[2][0]) / 3
        back = [(np.floor(rows[2][0] + gap), rows[1][1]), (np.floor(rows[2][0] + 2 * gap), rows[2][1])]
        rows[3:3] = back
    if problem == "lead to won on one day":
        rows = rows[:1]
    rows.append((deal["decided"], s.WON if deal["won"] else s.LOST))
    return rows


def _trace_close_dates(rng: np.random.Generator, deal: dict) -> list[tuple[float, float]]:
    """List the close dates that a deal bore: a first guess, pushes just before it passes, the true one."""
    created, decided = deal["created"], deal["decided"]
    problem = deal.get("problem")
    slipped = deal.get("would_have_been", np.nan)
    aim = slipped if slipped == slipped else decided
    draws = rng.random(24)
    if problem == "open, close date passed":
        return [(created, s.minutes(s.END) - np.floor(15 + 45 * draws[0]) * s.DAY + 17 * 60)]
    guess = created + max((aim - created) * np.exp(0.45 * rng.standard_normal() - 0.7), 12 * s.DAY)
    if slipped == slipped:
        guess = max(min(guess, s.minutes(s.END) - 6 * s.DAY), s.minutes(s.END) - 40 * s.DAY)
    expected = _month_end(created + 5 * s.DAY) if draws[0] < 0.08 else guess
    expected = _month_end(expected) if draws[1] < 0.25 else np.floor(expected / s.DAY) * s.DAY + 17 * 60
    rows, turn = [(created, expected)], 2
    while expected < decided and turn < 24:
        moment = max(expected - (0.2 + 5 * draws[turn]) * s.DAY, rows[-1][0] + 60)
        expected = np.floor((expected + (10 + 26 * draws[turn]) * s.DAY) / s.DAY) * s.DAY + 17 * 60
        if slipped == slipped and moment > s.minutes(s.END) - 45 * s.DAY:
            expected = decided
        rows.append((np.floor(moment), expected))
        turn += 1
    if problem == "close date at the end of time":
        rows.append((created + 3 * s.DAY, s.minutes(dt.date(2099, 12, 31))))
        rows.sort()
        return rows[:2]
    rows.append((decided, decided - 21 * s.DAY - length_of(deal) if problem == "closed before created" else decided))
    return rows


def length_of(deal: dict) -> float:
    """Return the minutes between a deal's creation and its end.

    Returns:
        One number.
    """
    return deal["decided"] - deal["created"]


def _trace_amounts(rng: np.random.Generator, deal: dict, stages: list[tuple[float, str]]) -> list[tuple[float, float]]:
    """List the amounts that a deal bore; the last is the agreed one."""
    draws = rng.random(3)
    if deal.get("problem") == "no amount":
        return []
    if draws[0] > 0.4 or len(stages) < 4:
        return [(deal["created"], deal["amount"])]
    first = round(deal["amount"] * (0.82 + 0.45 * draws[1]), -2)
    return [(deal["created"], first), (np.floor(stages[-2][0] + 45), deal["amount"])]


def trace_deals(seed: int, deals: pd.DataFrame) -> pd.DataFrame:
    """Trace every deal's values over time, up to the end of the simulation and beyond.

    Returns:
        One row per value of a property: deal_id, property, value (stage label, minutes or amount), at (minutes).
    """
    rows = []
    for deal in deals.to_dict("records"):
        rng = np.random.default_rng([seed, 31, deal["draw_key"]])
        stages = _trace_stages(rng, deal)
        traces = {
            STAGE: stages,
            CLOSE_DATE: _trace_close_dates(rng, deal),
            AMOUNT: _trace_amounts(rng, deal, stages),
        }
        for name, trace in traces.items():
            rows += [(deal["id"], name, value, at) for at, value in trace]
    history = pd.DataFrame(rows, columns=["deal_id", "property", "value", "at"])
    return history.sort_values(["deal_id", "at", "property"], kind="stable").reset_index(drop=True)
