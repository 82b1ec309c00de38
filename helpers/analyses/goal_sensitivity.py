"""What one point of each driver is worth in revenue over the periods ahead, and how far its own past would move it.

A driver moves from today on. What it changes arrives only as fast as records move: more leads of the last quarter ahead
become wins after the horizon, and what is booked stays as it is. So the worth of a point is not the naive product.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.finding import Finding
from helpers.analyses.goal_expectation import expect_volume
from helpers.analyses.goal_history import finest_grain, list_past
from helpers.analyses.goal_pipe import OPEN, TO_COME
from helpers.analyses.goal_relations import TOTAL
from helpers.analyses.revenue_draws import expect_records, read_pooled, tabulate_rates
from helpers.analyses.revenue_history import ENOUGH_PERIODS, RevenueHistory
from helpers.analyses.step_lags import count_entered, get_step_shares, measure_step_lags
from helpers.model.goal import GoalRules
from helpers.periods import Period
from helpers.units import format_value, in_sentence, was_or_were

NOTEBOOK = "04_goal_matrix"
REVENUE = "revenue_won"
POINT = 0.01
LOW, HIGH = 0.1, 0.9
ONE_POINT, ONE_PERCENT = "1 point", "1 %"
SENSITIVITY_COLUMNS = [
    "kpi", "label", "unit", "step", "value", "revenue_per_step", "low_value", "high_value", "low_revenue",
    "high_revenue", "periods",
]  # fmt: skip


def measure_sensitivity(
    company,
    matrix: pd.DataFrame,
    history: RevenueHistory,
    periods: Sequence[Period],
    *,
    cells: pd.DataFrame,
    as_of: date,
    rules: GoalRules,
    outlook: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Measure what each driver is worth in closed revenue over the periods ahead.

    Args:
        company: The opened company.
        matrix: A solved matrix.
        history: What the company's past tells, as made by ``read_revenue_history``.
        periods: The periods ahead, the running one first: the horizon.
        cells: The columns of ``kpis.csv``; they tell how far each driver has been.
        as_of: The last day that counts.
        rules: What ``goals.toml`` says.
        outlook: As made by ``simulate_revenue``; its expectation is the revenue that drivers are moved from. Without
            it that is what the equations here expect.

    Returns:
        One row per conversion and volume before the win and for the deal size, widest range first: kpi, label, unit,
        step (``1 point`` of a rate, ``1 %`` of a volume or of the deal size), value (expected over the horizon, in the
        unit), revenue_per_step (currency, over the whole horizon), low_value and high_value (the lowest and highest
        decile of the driver's complete periods but the first, in which records began; blank with fewer than four),
        low_revenue and high_revenue (revenue of the horizon with the driver there from today on and all else
        unchanged), periods (how many). ``attrs``: base (currency), booked (of new business in it), horizon (label),
        periods (how many). Without a close curve or deal size no rows.

    Source:
        Entries at the next stage = Σ entries × share at that age (close curve per step); wins × mean deal size. Linear
        in every driver, so that a step and a range come from the same slope. Kellogg: sensitivity of every driver.
    """
    periods = list(periods)
    if not periods or not len(history.sizes) or not len(read_pooled(history)[0]) or matrix.empty:
        return pd.DataFrame(columns=SENSITIVITY_COLUMNS)
    flow = _Flow(company, history, periods, as_of, rules)
    size = float(history.sizes.mean())
    wins = expect_wins_ahead(history, periods, rules=rules)
    worth = {"average_deal_size": size * wins.sum()} | _weigh_steps(company.catalog, flow, wins, size)
    base = history.booked + size * wins.sum() + _expect_existing(history, periods, rules)
    if outlook is not None and len(outlook):
        base = float(outlook.loc[outlook["grain"] == periods[0].grain, "expected"].sum())
    rows = [_tell(kpi, full, base, company, matrix, cells, periods) for kpi, full in worth.items()]
    frame = pd.DataFrame([row for row in rows if row], columns=SENSITIVITY_COLUMNS)
    width = (frame["high_revenue"] - frame["low_revenue"]).abs()
    # A point of a small rate is a large part of it, so without a range drivers are ranked by an equal part of each.
    part = frame["revenue_per_step"].where(frame["step"] == ONE_PERCENT, frame["revenue_per_step"] * frame["value"])
    order = pd.DataFrame({"width": width, "part": part}).sort_values(
        ["width", "part"], ascending=False, kind="stable", na_position="last"
    )
    frame = frame.loc[order.index].reset_index(drop=True)
    ends = periods[0].label if len(periods) == 1 else f"{periods[0].label} to {periods[-1].label}"
    frame.attrs = {"base": base, "booked": history.booked, "horizon": ends, "periods": len(periods)}
    return frame


def expect_wins_ahead(history: RevenueHistory, periods: Sequence[Period], *, rules: GoalRules) -> np.ndarray:
    """Expect the wins of each period ahead that are not booked yet: open records, and those still to come.

    Args:
        history: What the company's past tells.
        periods: The periods ahead, the running one first.
        rules: What ``goals.toml`` says.

    Returns:
        One number per period, never rounded; the mean of what ``draw_revenue`` draws from.
    """
    count = len(periods)
    wins = np.zeros(count)
    n, won = tabulate_rates(history, OPEN)
    for age, still in enumerate(history.open_by_age[: len(n)]):
        steps = min(count, n.shape[1])
        wins[:steps] += still * _divide(won[age], n[age])[:steps]
    expected = expect_records(history, periods, rules=rules)
    n, won = tabulate_rates(history, TO_COME)
    shares = _divide(won[0], n[0])[:count]
    wins[: len(shares)] += expected[periods[0]] * history.rest * shares
    n, won = read_pooled(history)
    shares = _divide(won, n)
    for place in range(1, count):
        landed = shares[: count - place]
        wins[place : place + len(landed)] += expected[periods[place]] * landed
    return wins


def say_sensitivity(sensitivity: pd.DataFrame, *, currency: str = "USD") -> str:
    """Say which driver moves revenue most; empty without any.

    Args:
        sensitivity: As made by ``measure_sensitivity``.
        currency: ISO code of the company's currency.
    """
    if sensitivity.empty:
        return ""
    row, told = sensitivity.iloc[0], sensitivity.attrs
    step = format_value(row["revenue_per_step"], "currency", currency=currency)
    label, horizon = in_sentence(row["label"]), told["horizon"]
    if pd.isna(row["low_revenue"]):
        return f"{row['step']} more of {label} is worth {step} in {horizon}"
    low, high = (format_value(row[name], "currency", currency=currency) for name in ("low_revenue", "high_revenue"))
    ends = [_write(row[name], row["unit"], currency) for name in ("low_value", "high_value")]
    moves = "move" if was_or_were(row["label"]) == "were" else "moves"
    return (
        f"{row['label']} {moves} revenue most: {horizon} bring {low} at {ends[0]} and {high} at {ends[1]}; "
        f"{row['step']} is worth {step}"
    )


def find_sensitivity(sensitivity: pd.DataFrame, *, currency: str = "USD") -> list[Finding]:
    """Say which driver moves revenue most, as a finding; none without drivers."""
    if sensitivity.empty:
        return []
    row, told = sensitivity.iloc[0], sensitivity.attrs
    evidence = {
        "period": told["horizon"],
        "n": int(row["periods"]),
        "low": float(row["low_revenue"]),
        "high": float(row["high_revenue"]),
        "unit": "currency",
        "definition": "the driver at the lowest and highest decile of its own past from today on, all else unchanged",
    }
    return [Finding(say_sensitivity(sensitivity, currency=currency), row["kpi"], TOTAL, None, evidence, "", NOTEBOOK)]


def _write(value: float, unit: str, currency: str) -> str:
    return format_value(value, unit, currency=currency, digits=0 if unit == "count" else None)


def _divide(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return np.divide(top, bottom, out=np.zeros(len(top)), where=bottom > 0)


def _expect_existing(history: RevenueHistory, periods: Sequence[Period], rules: GoalRules) -> float:
    if not len(history.existing):
        return history.existing_booked
    starts = [pd.Timestamp(period.start) for period in periods]
    expected = np.nan_to_num(expect_volume(history.existing, starts, grain=periods[0].grain, rules=rules))
    expected[0] *= history.existing_rest
    return history.existing_booked + float(expected.sum())


class _Flow:
    """How records move from stage to stage: entries per period, and the share of each step at each age."""

    def __init__(self, company, history: RevenueHistory, periods: list[Period], as_of: date, rules: GoalRules) -> None:
        grain = periods[0].grain
        self.periods, self.rest = periods, history.rest
        self.lags = measure_step_lags(company, as_of=as_of, grain=grain)
        self.past = count_entered(self.lags, grain=grain, fiscal_year_start=company.fiscal_year_start)
        steps = self.lags.drop_duplicates("step")
        self.next = dict(zip(steps["from_stage"], steps["to_stage"], strict=True))
        self.ahead = {stage: self._expect(counts, rules) for stage, counts in self.past.items()}

    def _expect(self, counts: Mapping[Period, float], rules: GoalRules) -> np.ndarray:
        ended = {period: count for period, count in sorted(counts.items()) if period < self.periods[0]}
        series = pd.Series(list(ended.values()), index=pd.DatetimeIndex([each.start for each in ended]), dtype=float)
        starts = [pd.Timestamp(period.start) for period in self.periods]
        expected = np.nan_to_num(expect_volume(series, starts, grain=self.periods[0].grain, rules=rules))
        expected[0] *= self.rest
        return expected

    def shares(self, stage: str) -> np.ndarray:
        """Return the share of a stage's records that reach the next one, per age."""
        return np.array(get_step_shares(self.lags, stage, self.next[stage]))

    def moves(self, stage: str) -> np.ndarray:
        """Expect how many records leave a stage for the next one per period ahead, earlier records among them."""
        shares, count = self.shares(stage), len(self.periods)
        found = self.carry(stage, self.ahead[stage])
        for age_now in range(len(shares)):
            entered = self.past[stage].get(self.periods[0].previous(age_now), 0.0)
            for place in range(min(count, len(shares) - age_now)):
                found[place] += entered * shares[age_now + place] * (self.rest if place == 0 else 1.0)
        return found

    def carry(self, stage: str, entries: np.ndarray) -> np.ndarray:
        """Carry entries of the periods ahead one step on; what would land after the horizon is lost to it."""
        return np.convolve(entries, self.shares(stage))[: len(entries)] if len(self.shares(stage)) else entries * 0.0

    def carry_to_win(self, stage: str, entries: np.ndarray) -> float:
        """Carry entries at a stage on to wins within the horizon."""
        while stage in self.next:
            entries, stage = self.carry(stage, entries), self.next[stage]
        return float(entries.sum()) if stage == "won" else 0.0


def _weigh_steps(catalog, flow: _Flow, wins: np.ndarray, size: float) -> dict[str, float]:
    """Tell for each rate and volume what doubling it from today on would bring in the horizon (currency)."""
    worth: dict[str, float] = {}
    for kpi in catalog.kpis.values():
        measure = kpi.measure
        if measure.kind == "conversion" and flow.next.get(measure.from_stage) == measure.to_stage:
            if measure.to_stage == "won":
                worth[kpi.id] = size * float(wins.sum())
            else:
                worth[kpi.id] = size * flow.carry_to_win(measure.to_stage, flow.moves(measure.from_stage))
        elif measure.kind == "conversion" and _counts_sessions(catalog, measure, flow):
            # Sessions are counted, not followed: whatever enters the next stage entered it in the same period.
            worth[kpi.id] = size * flow.carry_to_win(measure.to_stage, flow.ahead[measure.to_stage])
            worth[catalog.stages[measure.from_stage].volume] = worth[kpi.id]
    for stage, entries in flow.ahead.items():
        volume = catalog.stages[stage].volume
        if volume:
            worth[volume] = size * flow.carry_to_win(stage, entries)
    return worth


def _counts_sessions(catalog, measure, flow: _Flow) -> bool:
    return catalog.stages[measure.from_stage].object == "session" and measure.to_stage in flow.ahead


def _tell(
    kpi: str, full: float, base: float, company, matrix: pd.DataFrame, cells: pd.DataFrame, periods: list[Period]
) -> dict | None:
    starts = [pd.Timestamp(period.start) for period in periods]
    grain = finest_grain(matrix)
    mine = matrix[(matrix["kpi"] == kpi) & (matrix["dimension"] == TOTAL) & (matrix["grain"] == grain)]
    value = mine.loc[pd.to_datetime(mine["period_start"]).isin(starts), "expected"].mean()
    if not value > 0:
        return None
    meta = company.catalog.kpis[kpi]
    whole = cells[cells["dimension"] == TOTAL] if len(cells) else cells
    past = list_past(whole, kpi, grain, matrix.attrs.get("basis", {}), company.catalog)
    past = past[1:] if len(past) > ENOUGH_PERIODS else past
    low, high = np.quantile(past, [LOW, HIGH]) if len(past) >= ENOUGH_PERIODS else (np.nan, np.nan)
    is_rate = meta.unit == "share"
    return {
        "kpi": kpi,
        "label": meta.label,
        "unit": meta.unit,
        "step": ONE_POINT if is_rate else ONE_PERCENT,
        "value": float(value),
        "revenue_per_step": full * (POINT / value if is_rate else POINT),
        "low_value": float(low),
        "high_value": float(high),
        "low_revenue": base + full * (low / value - 1),
        "high_revenue": base + full * (high / value - 1),
        "periods": len(past),
    }
