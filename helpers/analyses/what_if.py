"""What if: one slice brings more, converts better or sells larger, and what that means for deals, revenue and the goal.

Deals are records × the rate of mature cohorts, never the win rate on close date, which leaves open deals out. Rates are
held as they are; beside that stands what comes if records that are added convert at a lower, marginal rate. That one is
an assumption and no measurement: unless told otherwise the low end of the interval of the slice's own rate.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from helpers.engine.doubt import wilson_interval
from helpers.errors import QuestionError, suggest
from helpers.units import format_value, open_sentence, spell_out

DRAWS, SEED = 4000, 20260930
LOW = "low"
KEYS = ("by", "slice", "volume", "rate", "deal_size", "marginal", "goal", "goal_deals")
AS_IS, HELD, MARGINAL = "as it is", "rates held", "lower marginal rate"
BASE_COLUMNS = ["slice", "volume", "entered", "won", "size", "size_error", "n_size"]
_CHANGE = re.compile(r"^(?P<sign>[+\-−×x*])?\s*(?P<number>\d+(?:[.,]\d+)?)\s*(?P<unit>%|points?|pp)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Move:
    """What is changed of one slice; what is empty stays as it is.

    Attributes:
        slice: The slice's name.
        volume: ``80`` (so many), ``+10``, ``-5``, ``+20 %`` or ``x2``.
        rate: ``20 %`` or 0.2 (that rate), ``+4`` or ``-2 points``.
        deal_size: As volume.
        marginal: ``low``, or the share of the rate (0 to 1) at which added records convert.
    """

    slice: str
    volume: Any = ""
    rate: Any = ""
    deal_size: Any = ""
    marginal: Any = LOW

    @property
    def said(self) -> str:
        """The move in words."""
        asked = (("volume", self.volume), ("rate", self.rate), ("deal size", self.deal_size))
        parts = [f"{name} {_say_change(value, name == 'rate')}" for name, value in asked if not _is_nothing(value)]
        return f"{open_sentence(spell_out(self.slice))}: {', '.join(parts) or 'as it is'}"


@dataclass(frozen=True)
class WhatIf:
    """The answer.

    Attributes:
        outcomes: One row per scenario and case (as it is, rates held, lower marginal rate): scenario, case, volume,
            deals, deals_low, deals_high, revenue, revenue_low, revenue_high, change_deals, change_deals_low,
            change_deals_high, change_revenue (and its low, high): intervals by what rates and deal sizes leave open.
        slices: One row per scenario and moved slice: volume, rate, low, high, n (records of mature cohorts behind the
            rate), deal_size, volume_then, rate_then, deal_size_then, marginal_rate.
        needs: One row per scenario and case: how many records of the slice the goal needs, with its interval; none
            without a goal.
        headline: The finding.
        notes: What it rests on.
        what: What is counted as volume, such as opportunities.
        goal: The goal; None where there is none. ``goal_unit`` is currency or count.
        why_not: Why nothing can be told.
        cure: What to do about it.
    """

    outcomes: pd.DataFrame = field(default_factory=pd.DataFrame)
    slices: pd.DataFrame = field(default_factory=pd.DataFrame)
    needs: pd.DataFrame = field(default_factory=pd.DataFrame)
    headline: str = ""
    notes: tuple[str, ...] = ()
    what: str = "opportunities"
    goal: float | None = None
    goal_unit: str = "currency"
    why_not: str = ""
    cure: str = ""

    @property
    def is_told(self) -> bool:
        """Whether there is an answer."""
        return not self.why_not

    @property
    def needs_sentence(self) -> str:
        """How many records of the first moved slice the goal needs; empty without a goal."""
        if self.needs.empty:
            return ""
        mine = self.needs[self.needs["scenario"] == self.needs["scenario"].iloc[0]].set_index("case")
        moved = self.slices.iloc[0]
        parts = [f"{_say_need(mine.loc[AS_IS])} {self.what} at {format_value(mine.loc[AS_IS, 'rate'], 'share')}"]
        if moved["rate_then"] != moved["rate"]:
            parts.append(f"{_say_need(mine.loc[HELD])} at {format_value(mine.loc[HELD, 'rate'], 'share')}")
        parts.append(
            f"{_say_need(mine.loc[MARGINAL])} if what is added beyond {format_value(moved['volume'], 'count')} "
            f"converts at {format_value(mine.loc[MARGINAL, 'rate'], 'share')}"
        )
        name = spell_out(moved["slice"])
        return f"The goal needs of {name} {', '.join(parts)}; it has {format_value(moved['volume'], 'count')}"

    @property
    def moves_sentence(self) -> str:
        """What each move adds at the rates held, one beside the other."""
        held = self.outcomes[self.outcomes["case"] == HELD]
        parts = [
            f"{row.scenario.replace(': ', ' with ')} {'takes away' if row.change_deals < 0 else 'adds'} "
            f"{say_deals(row.change_deals)}"
            for row in held.itertuples()
        ]
        return open_sentence("; ".join(parts))

    @property
    def has_money(self) -> bool:
        """Whether revenue can be told."""
        return self.is_told and bool(self.outcomes["revenue"].notna().any())


def say_deals(deals: float) -> str:
    """Write expected deals with as many digits as they deserve.

    >>> say_deals(-13.86), say_deals(122.1), say_deals(1.0)
    ('13.9 deals', '122 deals', '1 deal')
    """
    size = abs(float(deals))
    text = format_value(round(size) if size >= 100 else round(size, 1), "count")
    return f"{text} {'deal' if text == '1' else 'deals'}"


def read_change(value: Any, base: float, *, is_rate: bool = False, name: str = "volume") -> float:
    """Return the value that a change leads to.

    >>> read_change("+20 %", 50), read_change("x2", 50), read_change("80", 50), read_change(-5, 50), read_change("", 50)
    (60.0, 100.0, 80.0, 45.0, 50.0)
    >>> round(read_change("+4", 0.16, is_rate=True), 4), read_change("20 %", 0.16, is_rate=True)
    (0.2, 0.2)

    Raises:
        QuestionError: The text is no change, or leads below zero or a rate above 100 %.
    """
    if _is_nothing(value):
        return float(base)
    found = _CHANGE.match(str(value).strip())
    if found is None:
        allowed = "20 %, +4 points or x1.2" if is_rate else "80, +10, -5, +20 % or x2"
        raise QuestionError(f"{name} '{value}' can't be read. Write it as {allowed}.")
    number = float(found["number"].replace(",", "."))
    sign, unit = (found["sign"] or "").replace("−", "-").lower(), (found["unit"] or "").lower()
    if sign in ("x", "×", "*"):
        result = base * number
    elif sign in ("+", "-"):
        step = number / 100 * (1 if is_rate else base) if unit == "%" or is_rate else number
        result = base + (step if sign == "+" else -step)
    else:
        result = number / 100 if is_rate and (unit or number > 1) else number * (base / 100 if unit == "%" else 1)
    if result < 0 or (is_rate and result > 1):
        limit = "a rate lies between 0 and 100 %" if is_rate else "it can't be less than 0"
        raise QuestionError(f"{name} '{value}' leads to {result:g}; {limit}.")
    return float(result)


def move_slices(
    base: pd.DataFrame,
    moves: Sequence[Move],
    *,
    goal: float | None = None,
    goal_unit: str = "currency",
    confidence: float = 0.95,
    currency: str = "USD",
    what: str = "opportunities",
    notes: Sequence[str] = (),
) -> WhatIf:
    """Move one slice at a time and tell the effect.

    Args:
        base: One row per slice: slice, volume (records per period), entered and won (of mature cohorts: the rate),
            size and size_error (mean amount of won deals and its standard error, missing where there is none), n_size.
        moves: Scenarios, each apart.
        goal: What the period has to bring, None where there is no goal.
        goal_unit: currency or count (deals).
        confidence: Of every interval.
        currency: For the texts.
        what: What volume counts.
        notes: Further notes.

    Returns:
        The answer. The rate of each slice is drawn from Beta(won + ½, not won + ½), its deal size from a normal
        distribution with its standard error, with a fixed seed: the same question has the same answer.

    Raises:
        QuestionError: A slice is unknown or has no rate, or a change can't be read.
    """
    frame = base.reset_index(drop=True)
    rates, sizes = _draw(frame)
    spread = ((1 - confidence) / 2, (1 + confidence) / 2)
    outcomes, slices, needs = [], [], []
    for asked in moves:
        row = _find(frame, asked.slice)
        move = replace(asked, slice=str(frame.loc[row, "slice"]))
        then = _change(frame.loc[row], move, confidence)
        slices.append({"scenario": move.said, "slice": move.slice, **then})
        cases = _cases(frame, row, then, rates, sizes)
        for case, drawn in cases.items():
            outcomes.append({"scenario": move.said, "case": case, **_sum_up(drawn, cases[AS_IS], spread)})
        if goal is not None:
            needs += [{"scenario": move.said, **need} for need in
                      _need(frame, row, then, rates, sizes, goal, goal_unit, spread)]  # fmt: skip
    result = pd.DataFrame(outcomes)
    has_money = bool(frame["size"].notna().all())
    said = _say_headline(result, pd.DataFrame(slices), what, currency, has_money)
    return WhatIf(
        result, pd.DataFrame(slices), pd.DataFrame(needs), said, (*_say_basis(moves, slices), *notes), what, goal,
        goal_unit,
    )  # fmt: skip


def _draw(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return draws of every slice's rate and deal size: slices × (1 + draws), the first column as measured."""
    random = np.random.default_rng(SEED)
    won, entered = frame["won"].to_numpy(float), frame["entered"].to_numpy(float)
    with np.errstate(invalid="ignore"):
        rate = won / entered
    drawn = random.beta(won[:, None] + 0.5, (entered - won)[:, None] + 0.5, (len(frame), DRAWS))
    size, error = frame["size"].to_numpy(float), frame["size_error"].fillna(0).to_numpy(float)
    sizes = np.maximum(size[:, None] + error[:, None] * random.standard_normal((len(frame), DRAWS)), 0)
    return np.column_stack([np.nan_to_num(rate), drawn]), np.column_stack([size, sizes])


def _find(frame: pd.DataFrame, name: str) -> int:
    names = frame["slice"].astype(str).tolist()
    folded = [one.casefold() for one in names]
    wanted = str(name).casefold()
    if wanted not in folded and wanted in map(spell_out, folded):
        wanted = folded[[spell_out(one) for one in folded].index(wanted)]
    if wanted not in folded:
        listed = ", ".join(f"'{one}'" for one in names[:8])
        raise QuestionError(f"slice '{name}' is unknown.{suggest(str(name), names)} There are: {listed}.")
    row = folded.index(wanted)
    if not frame.loc[row, "entered"] > 0:
        raise QuestionError(f"'{names[row]}' has no mature cohort, so it has no rate to hold. Choose another slice.")
    return row


def _change(row: pd.Series, move: Move, confidence: float) -> dict[str, float]:
    rate = row["won"] / row["entered"]
    low, high = (float(end[0]) for end in wilson_interval([row["won"]], [row["entered"]], confidence))
    rate_then = read_change(move.rate, rate, is_rate=True, name="rate")
    is_low = move.marginal in (LOW, "", None)
    fraction = low / max(rate, 1e-12) if is_low else _read_fraction(move.marginal)
    has_size = pd.notna(row["size"])
    return {
        "volume": float(row["volume"]), "rate": rate, "low": low, "high": high, "n": int(row["entered"]),
        "deal_size": float(row["size"]), "volume_then": read_change(move.volume, row["volume"]),
        "rate_then": rate_then,
        "deal_size_then": read_change(move.deal_size, row["size"], name="deal_size") if has_size else np.nan,
        "marginal_rate": rate_then * fraction, "fraction": fraction,
    }  # fmt: skip


def _read_fraction(value: Any) -> float:
    try:
        number = float(str(value).replace("%", "").strip()) / (100 if "%" in str(value) else 1)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise QuestionError(f"marginal '{value}' can't be read. Write {LOW}, or a share of the rate such as 0.5.")
    return number


def _cases(
    frame: pd.DataFrame, row: int, then: Mapping[str, float], rates: np.ndarray, sizes: np.ndarray
) -> dict[str, tuple[float, np.ndarray, np.ndarray]]:
    """Return per case the volume and the draws of deals and revenue of all slices together."""
    volume = frame["volume"].to_numpy(float)[:, None]
    deals, revenue = (volume * rates).sum(axis=0), (volume * rates * sizes).sum(axis=0)
    own = float(volume[row, 0]) * rates[row]
    rest_deals, rest_revenue = deals - own, revenue - own * sizes[row]
    rate = np.clip(rates[row] + then["rate_then"] - then["rate"], 0, 1)
    size = np.maximum(sizes[row] + then["deal_size_then"] - then["deal_size"], 0)
    added = max(then["volume_then"] - then["volume"], 0.0)
    kept, total = then["volume_then"] - added, float(volume.sum())
    found = {AS_IS: (total, deals, revenue)}
    for case, fraction in ((HELD, 1.0), (MARGINAL, then["fraction"])):
        won = (kept + added * fraction) * rate
        found[case] = (total - then["volume"] + then["volume_then"], rest_deals + won, rest_revenue + won * size)
    return found


def _sum_up(drawn: tuple, as_is: tuple, spread: tuple[float, float]) -> dict[str, float]:
    volume, deals, revenue = drawn
    found = {"volume": volume}
    for name, values in (
        ("deals", deals), ("revenue", revenue), ("change_deals", deals - as_is[1]),
        ("change_revenue", revenue - as_is[2]),
    ):  # fmt: skip
        low, high = np.quantile(values[1:], spread)
        found |= {name: float(values[0]), f"{name}_low": float(low), f"{name}_high": float(high)}
    return found


def _need(
    frame: pd.DataFrame, row: int, then: Mapping[str, float], rates: np.ndarray, sizes: np.ndarray, goal: float,
    goal_unit: str, spread: tuple[float, float],
) -> list[dict[str, Any]]:  # fmt: skip
    """Tell how many records of the slice the goal needs while all other slices bring what they bring."""
    volume = frame["volume"].to_numpy(float)[:, None]
    worth = sizes if goal_unit == "currency" else np.ones_like(sizes)
    others = (volume * rates * worth).sum(axis=0) - volume[row] * rates[row] * worth[row]
    size = worth[row] + (then["deal_size_then"] - then["deal_size"] if goal_unit == "currency" else 0)
    short = np.maximum(goal - others, 0)
    moved = np.clip(rates[row] + then["rate_then"] - then["rate"], 0, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        now = short / (rates[row] * worth[row])
        held = short / (moved * size)
        missing = np.maximum(short - then["volume"] * moved * size, 0)
        more = then["volume"] + missing / (moved * size * then["fraction"])
    marginal = np.where(missing > 0, more, held)
    rows = []
    for case, rate, values in (
        (AS_IS, then["rate"], now), (HELD, then["rate_then"], held), (MARGINAL, then["marginal_rate"], marginal),
    ):  # fmt: skip
        low, high = np.quantile(values[1:], spread)
        rows.append({"case": case, "rate": rate, "has": then["volume"], "needed": float(values[0]),
                     "needed_low": float(low), "needed_high": float(high)})  # fmt: skip
    return rows


def _say_headline(outcomes: pd.DataFrame, slices: pd.DataFrame, what: str, currency: str, has_money: bool) -> str:
    has_money = has_money and bool(outcomes["change_revenue"].any())
    measure, unit = ("change_revenue", "currency") if has_money else ("change_deals", "count")
    held = outcomes[outcomes["case"] == HELD].reset_index(drop=True)
    best = held.loc[held[measure].abs().idxmax()]
    low = outcomes[(outcomes["case"] == MARGINAL) & (outcomes["scenario"] == best["scenario"])].iloc[0]
    moved = slices[slices["scenario"] == best["scenario"]].iloc[0]
    if best[measure] == 0:
        return "Nothing is moved, so nothing changes"
    what_moves = []
    if moved["volume_then"] != moved["volume"]:
        then, now = (format_value(round(moved[name], 1), "count") for name in ("volume_then", "volume"))
        what_moves.append(f"{then} {what} instead of {now}")
    if moved["rate_then"] != moved["rate"]:
        then, now = (format_value(moved[name], "share") for name in ("rate_then", "rate"))
        what_moves.append(f"{then} instead of {now}")
    if has_money and moved["deal_size_then"] != moved["deal_size"]:
        what_moves.append(f"deals of {format_value(moved['deal_size_then'], 'currency', currency=currency)}")
    verb = "adds" if best[measure] > 0 else "takes away"
    name, added = open_sentence(spell_out(moved["slice"])), _money(best, measure, unit, currency)
    text = f"{name} with {' and '.join(what_moves)} {verb} {added}"
    if abs(low[measure] - best[measure]) > 0.005 * abs(best[measure]):
        text += f", or {_money(low, measure, unit, currency)} at the lower marginal rate"
    return text


def _money(row: pd.Series, measure: str, unit: str, currency: str) -> str:
    said = say_deals(row["change_deals"])
    return (
        said if unit == "count" else f"{format_value(abs(float(row[measure])), 'currency', currency=currency)} ({said})"
    )


def _say_basis(moves: Sequence[Move], slices: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    own = [
        f"{spell_out(one['slice'])} {format_value(one['marginal_rate'], 'share')}"
        for one in slices
        if one["volume_then"] > one["volume"]
    ]
    is_low = all(move.marginal in (LOW, "", None) for move in moves)
    how = "the low end of the rate's interval" if is_low else "the share of the rate that was given"
    rule = f"Beside it, added records convert at {how}" + (f" ({'; '.join(dict.fromkeys(own))})" if own else "")
    return ("Rates are held constant.", f"{rule}: an assumption, nobody has measured it.")


def _say_need(row: pd.Series) -> str:
    return format_value(float(np.ceil(row["needed"] - 1e-9)), "count") if np.isfinite(row["needed"]) else "ever more"


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _say_change(value: Any, is_rate: bool) -> str:
    """Write a change as people read it: with the sign of times, and points where a rate is moved by so many."""
    text = value.strip() if isinstance(value, str) else f"{value:g}"
    found = _CHANGE.match(text)
    if found is None:
        return text
    sign, number = (found["sign"] or "").lower().replace("-", "−"), found["number"]
    if sign in ("x", "×", "*"):
        return f"×{number}"
    if is_rate and sign:
        return f"{sign}{number} {'point' if number == '1' else 'points'}"
    if is_rate and not found["unit"] and float(number.replace(",", ".")) <= 1:
        return format_value(float(number.replace(",", ".")), "share")
    return f"{sign}{number} %" if is_rate or found["unit"] else f"{sign}{number}"
