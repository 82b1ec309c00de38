"""What we should have seen: for every step and slice the expected count, rate and deal size, with its own uncertainty.

An expectation comes from one of three places. *History*: the slice's own periods of the year before, at the company's
trend and season as far as they are known, its rates drawn towards those of its parents as far as its own records can't
tell. *Plan*: the goals that people typed, for the company and for slices. *Period*: another period, such as the same
one a year ago. Rates are expected of the records that really entered, so that another composition can't pass for
another rate; records that entered are seen at the same age as those that they are compared with.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.change import correct
from helpers.analyses.coded_leaves import ALL, CodedLeaves, code_leaves, describe_value
from helpers.analyses.creation_leaves import build_creation_leaves
from helpers.analyses.expected_ranges import Drift, judge_counts, judge_rates, judge_sizes, measure_drift
from helpers.analyses.leaves import GapLeaves, build_closing_leaves
from helpers.analyses.period_leaves import LONGEST_YEARS, count_values, find_beginning, read_periods
from helpers.analyses.plan_leaves import plan_leaves
from helpers.analyses.season_adjustment import Season, adjust_season
from helpers.analyses.season_model import SeasonModel
from helpers.analyses.shrunk_rates import PRIOR_EVENTS, fit_shrunk_rates
from helpers.periods import MONTHS_IN, Period
from helpers.units import format_value

EXPECTATION_COLUMNS = [
    "lens", "step", "effect", "label", "dimension", "slice", "unit", "actual", "expected", "low", "high", "n",
    "n_expected", "money", "p_value", "q_value", "verdict", "source", "basis",
]  # fmt: skip
HISTORY, PLAN, PERIOD = "history", "plan", "period"
BELOW, WITHIN, ABOVE, SMALL = "below what was expected", "as expected", "above what was expected", "too few to judge"
CONFIDENCE, Z_OF_RANGE = 0.90, 1.645
"""Of the range in which the actual number should lie, as of the causes' effects."""


@dataclass(frozen=True)
class Expectations:
    """Hold what should have been seen.

    Attributes:
        frame: One row per lens, step and slice, the company first: lens (closing: decided in the period; creation:
            entered in it), step, effect (volume, rate or value), label, dimension, slice, unit (count, share,
            currency), actual, expected, low and high (90 % of what chance and everyday movement make of the
            expectation, its own uncertainty included), n (records that the actual number rests on), n_expected (that
            the expectation rests on), money (what the difference is worth, NaN where unknown), p_value, q_value
            (Benjamini–Hochberg over all rows judged), verdict, source, basis (in words).
        source: history, plan or period.
        words: Where the expectation comes from, in a sentence.
        why_not: Why there is none.
        seasons: Lens → its season, where the source is history.
    """

    frame: pd.DataFrame
    source: str
    words: str
    why_not: str = ""
    seasons: dict[str, Season] = field(default_factory=dict)


def choose_source(compare_to: str) -> str:
    """Return what a period is held against: the plan where it is asked for, else its history, which knows its season.

    >>> choose_source("plan"), choose_source("previous")
    ('plan', 'history')
    """
    return PLAN if compare_to == PLAN else HISTORY


def expect_slices(
    company,
    *,
    period: Period,
    history: Sequence[Period],
    as_of: date,
    against: str = HISTORY,
    compared: Period | None = None,
) -> Expectations:
    """Tell for every step and slice what should have been seen in a period, and what was.

    Args:
        company: The opened company.
        period: The period in question.
        history: All periods up to the one in question.
        as_of: The last day that counts.
        against: history, plan or period.
        compared: The period compared with, where ``against`` is period.

    Returns:
        New business decided in the period (all business against a plan, which is about all of it) and what entered in
        it. An empty frame with a reason where the source doesn't speak.

    Source:
        Indirect standardisation; empirical Bayes; negative binomial and beta ranges with the spread of one-step-ahead
        errors; Benjamini and Hochberg (1995).
    """
    per_year = 12 // MONTHS_IN[period.grain] if period.grain in MONTHS_IN else 1
    earlier = [one for one in history if one.end < period.start][-LONGEST_YEARS * per_year :]
    year = earlier[-max(per_year, 2) :]
    base = [compared] if against == PERIOD and compared is not None else year
    if not base or (against == PERIOD and compared is None):
        return _nothing(against, "There is no earlier period to expect anything from yet.")
    question = _Question(company, period, base, earlier, as_of, against, per_year)
    told = [one for one in (question.answer("closing"), question.answer("creation")) if one is not None]
    parts, seasons = [frame for frame, _, _ in told], {}
    for frame, season, _ in told:
        if season is not None:
            seasons[frame["lens"].iloc[0]] = season
    base = max((used for _, _, used in told), key=len, default=base)
    if not parts:
        cure = "Type them in the goal matrix." if against == PLAN else "Add an export of contacts or deals with dates."
        what = "No goal covers the company in this period." if against == PLAN else "No step has dates in two periods."
        return _nothing(against, f"{what} {cure}")
    frame = pd.concat(parts, ignore_index=True)
    frame["q_value"] = correct(frame["p_value"].to_numpy())
    significance = company.catalog.rules.significance
    frame["verdict"] = [_judge(row, significance) for row in frame.to_dict("records")]
    return Expectations(frame[EXPECTATION_COLUMNS], against, _say_source(against, base, period, seasons), "", seasons)


@dataclass(frozen=True)
class _Question:
    """Hold what is asked, to be answered for each lens."""

    company: Any
    period: Period
    base: Sequence[Period]
    earlier: Sequence[Period]
    as_of: date
    against: str
    per_year: int

    def answer(self, lens: str) -> tuple[pd.DataFrame, Season | None, Sequence[Period]] | None:
        """Return the judged frame of a lens, its season, and the periods that it expects from."""
        base, earlier = self.base, self.earlier
        leaves = self._build(lens, base)
        if leaves is None:
            return None
        asked = {"period": self.period, "as_of": self.as_of, "business": self._business}
        read = read_periods(self.company, leaves, earlier=earlier, **asked)
        if self.against != PERIOD:
            begun = find_beginning([float(f[leaves.steps[0]].sum()) if leaves.steps[0] in f else 0.0 for _, f in read])
            earlier, read = earlier[begun:], read[begun:]
            kept = [one for one in base if one in earlier]
            leaves = leaves if kept == list(base) else self._build(lens, kept)
            base = kept
        if leaves is None:
            return None
        is_long = self.per_year > 1 and len(earlier) >= 2 * self.per_year
        model = SeasonModel.build(earlier, self.period, base) if is_long else None
        doubt, season = 0.0, None
        if self.against == HISTORY:
            leaves, season = adjust_season(self.company, leaves, expected=base, history=earlier, read=read, **asked)
            leaves, doubt = _grow(leaves, read, model, season)
        if self.against == PLAN:
            plan = plan_leaves(leaves, self.company.targets, self.period)
            if plan is None:
                return None
            leaves = plan.leaves
        drift = measure_drift(read, leaves, self.per_year, model)
        return _expect(self.company, leaves, drift, doubt, self.against), season, base

    @property
    def _business(self) -> str:
        return "all" if self.against == PLAN else "new"

    def _build(self, lens: str, base: Sequence[Period]) -> GapLeaves | None:
        question = {"period": self.period, "expected": base, "as_of": self.as_of}
        if lens == "closing":
            return build_closing_leaves(self.company, **question, business=self._business, with_slipped=False)
        return build_creation_leaves(self.company, **question)


def _nothing(against: str, why_not: str) -> Expectations:
    return Expectations(pd.DataFrame(columns=EXPECTATION_COLUMNS), against, "", why_not)


def _judge(row: dict, significance: float) -> str:
    if pd.isna(row["q_value"]):
        return SMALL
    if row["q_value"] > significance:
        return WITHIN
    return BELOW if row["actual"] < row["expected"] else ABOVE


def _grow(leaves: GapLeaves, read: list, model: SeasonModel | None, season: Season) -> tuple[GapLeaves, float]:
    """Carry the company's trend on from the middle of the year to the period, as far as it can be told from chance.

    Returns:
        The leaves, and the relative error that trend and season bring.
    """
    doubt = 0.0
    if season.is_clear and season.frame["is_used"].iloc[0]:
        doubt = float(np.log(season.frame["high"].iloc[0] / season.frame["low"].iloc[0])) / (2 * Z_OF_RANGE)
    _, counts = count_values(read, "", leaves.steps[0])
    if model is None or counts.shape[1] != len(model.design) or not counts.sum():
        return leaves, doubt
    growth, error = (float(part[0]) for part in model.find_growth(counts))
    columns = [name for name in leaves.frame.columns if name.endswith("_expected")]
    frame = leaves.frame.copy()
    frame[columns] = frame[columns].astype(float) * growth
    return replace(leaves, frame=frame), float(np.hypot(doubt, error))


def _expect(company, leaves: GapLeaves, drift: Drift, doubt: float, against: str) -> pd.DataFrame:
    """Set every slice of a leaf table beside its expectation."""
    extra = [f"{leaves.amount}_{part}_{side}" for part in ("log", "logsq") for side in ("expected", "actual")]
    coded = code_leaves(
        leaves.frame, leaves.dimensions, leaves.steps, amount=leaves.amount, extra=extra if leaves.amount else []
    )
    model = _Model(coded, leaves, drift, doubt, is_exact=against == PLAN)
    minimum = company.catalog.rules.minimum_n
    rows = [model.judge(ALL, np.zeros(len(coded), dtype=int), [ALL], minimum)]
    for place, dimension in enumerate(coded.dimensions):
        names = [describe_value(value) for value in coded.values[place]]
        rows.append(model.judge(dimension, coded.codes[place], names, minimum))
    frame = pd.concat([one for part in rows for one in part], ignore_index=True)
    labels = {step: leaves.labels.get(step, step) for step in coded.steps}
    frame["label"] = [_label(row, coded, labels) for row in frame.itertuples()]
    frame["lens"], frame["source"] = leaves.lens, against
    frame["basis"] = leaves.basis
    return frame


def _label(row, coded: CodedLeaves, labels: dict[str, str]) -> str:
    if row.effect == "volume":
        return labels[row.step]
    if row.effect == "value":
        return "Deal size"
    before = labels[coded.steps[coded.steps.index(row.step) - 1]]
    label = labels[row.step]
    return f"{before} → {label[:1].lower()}{label[1:]}" if not label[1:2].isupper() else f"{before} → {label}"


class _Model:
    """Hold the expected rate and deal size of every leaf, and judge any cut of them."""

    def __init__(self, coded: CodedLeaves, leaves: GapLeaves, drift: Drift, doubt: float, *, is_exact: bool) -> None:
        self.coded, self.drift, self.doubt, self.is_exact = coded, drift, doubt, is_exact
        self.periods = float(leaves.expected_periods)
        steps = range(1, len(coded.steps))
        self.rates = [
            fit_shrunk_rates(coded, coded.expected[i - 1], coded.expected[i], is_exact=is_exact) for i in steps
        ]
        self.value = np.full(len(coded), leaves.worth if leaves.worth else np.nan)
        self.spread = 0.0
        if coded.amount:
            money = np.maximum(coded.amount_expected, 0.0)
            self.value = fit_shrunk_rates(coded, coded.expected[-1], money, is_exact=is_exact)
            self.spread = self._measure_spread()

    def _measure_spread(self) -> float:
        """Return the squared coefficient of variation of a deal's amount, from the logarithms where they are known."""
        names = [f"{self.coded.amount}_{part}_{side}" for part in ("log", "logsq") for side in ("expected", "actual")]
        logs = [self.coded.extra_column(name) for name in names]
        if any(one is None for one in logs):
            return 1.0
        deals = self.coded.expected[-1].sum() + self.coded.actual[-1].sum()
        if deals <= 1:
            return 1.0
        mean = (logs[0].sum() + logs[1].sum()) / deals
        variance = max((logs[2].sum() + logs[3].sum()) / deals - mean**2, 1e-6)
        return float(np.expm1(min(variance, 3.0)))

    def judge(self, dimension: str, codes: np.ndarray, names: list[str], minimum: int) -> list[pd.DataFrame]:
        """Judge every value of one cut at every step."""
        coded, size = self.coded, len(names)

        def add(numbers: np.ndarray) -> np.ndarray:
            return np.bincount(codes, numbers, minlength=size)

        frames = []
        entered, before = add(coded.actual[0]), add(coded.expected[0])
        wanted = before / self.periods
        own = np.zeros(size) if self.is_exact else wanted / self.periods + (self.doubt * wanted) ** 2
        low, high, p = judge_counts(
            entered, wanted, own, self.drift.of("volume", coded.steps[0], dimension), CONFIDENCE
        )
        p = np.where(np.maximum(entered, wanted) >= min(minimum, 10), p, np.nan)
        worth = self._worth(0, add)
        part = {"actual": entered, "expected": wanted, "low": low, "high": high, "n": entered, "n_expected": before}
        frames.append(self._frame(coded.steps[0], "volume", dimension, names, part, p, (entered - wanted) * worth))
        for step in range(1, len(coded.steps)):
            frames.append(self._judge_rate(step, dimension, names, add, minimum))
        if coded.amount:
            frames.append(self._judge_size(dimension, names, add, minimum))
        return frames

    def _judge_rate(self, step: int, dimension: str, names: list[str], add, minimum: int) -> pd.DataFrame:
        coded, rate = self.coded, self.rates[step - 1]
        n, got = add(coded.actual[step - 1]), add(coded.actual[step])
        base_n, base = add(coded.expected[step - 1]), add(coded.expected[step])
        standard = add(coded.actual[step - 1] * rate)
        departure = (base + PRIOR_EVENTS) / (add(coded.expected[step - 1] * rate) + PRIOR_EVENTS)
        departure = np.ones(len(n)) if self.is_exact else departure
        own = np.divide(base, base_n, out=np.full(len(n), rate.mean() if len(rate) else 0.0), where=base_n > 0)
        expected = np.divide(standard * departure, n, out=own, where=n > 0)
        expected = np.clip(expected, 1e-6, 1 - 1e-6 if (coded.actual[step] <= coded.actual[step - 1]).all() else np.inf)
        rest = expected * np.maximum(1 - expected, 0.0)
        doubt = np.zeros(len(n)) if self.is_exact else rest / (base_n + PRIOR_EVENTS / np.maximum(expected, 1e-6))
        drift = self.drift.of("rate", coded.steps[step], dimension)
        low, high, p = judge_rates(got, n, expected, doubt, drift, CONFIDENCE)
        p = np.where(n >= minimum, p, np.nan)
        actual = np.divide(got, n, out=np.full(len(n), np.nan), where=n > 0)
        part = {"actual": actual, "expected": expected, "low": low, "high": high, "n": n, "n_expected": base_n}
        money = (got - expected * n) * self._worth(step, add)
        return self._frame(coded.steps[step], "rate", dimension, names, part, p, money)

    def _judge_size(self, dimension: str, names: list[str], add, minimum: int) -> pd.DataFrame:
        coded = self.coded
        n, base_n = add(coded.actual[-1]), add(coded.expected[-1])
        money = add(coded.amount_actual)
        actual = np.divide(money, n, out=np.full(len(n), np.nan), where=n > 0)
        usual = np.divide(add(coded.expected[-1] * self.value), base_n, out=np.full(len(n), np.nan), where=base_n > 0)
        expected = np.divide(add(coded.actual[-1] * self.value), n, out=usual, where=n > 0)
        doubt = np.zeros(len(n)) if self.is_exact else self.spread / np.maximum(base_n, 1.0)
        drift = self.drift.of("value", coded.amount, dimension)
        low, high, p = judge_sizes(actual, expected, self.spread / np.maximum(n, 1.0) + doubt, drift, CONFIDENCE)
        p = np.where(n >= min(minimum, 10), p, np.nan)
        part = {"actual": actual, "expected": expected, "low": low, "high": high, "n": n, "n_expected": base_n}
        return self._frame(coded.amount, "value", dimension, names, part, p, (actual - expected) * n)

    def _worth(self, step: int, add) -> np.ndarray:
        """Return what one record of a step is expected to bring, per value of a cut."""
        volume = self.coded.actual[step] + self.coded.expected[step]
        worth = self.value.copy()
        for rate in self.rates[step:]:
            worth = worth * rate
        total = add(volume)
        return np.divide(add(volume * worth), total, out=np.full(len(total), np.nan), where=total > 0)

    @staticmethod
    def _frame(step: str, effect: str, dimension: str, names: list, part: dict, p, money) -> pd.DataFrame:
        unit = {"volume": "count", "rate": "share", "value": "currency"}[effect]
        frame = pd.DataFrame(part).assign(money=money, p_value=p)
        return frame.assign(step=step, effect=effect, dimension=dimension, slice=names, unit=unit)


def _say_source(against: str, base: Sequence[Period], period: Period, seasons: dict[str, Season]) -> str:
    """Say where the expectation comes from."""
    if against == PLAN:
        return "Expected: the goals that people typed; where none speaks, the usual mix, rates and deal sizes"
    if against == PERIOD:
        return f"Expected: {base[0].label}, with the chance that is in its own counts"
    season = " and season" if any(one.is_clear for one in seasons.values()) else ""
    is_long = any(one.n_years >= 2 for one in seasons.values())
    words = f"Expected: each slice's own {len(base)} {period.grain}s before"
    words += f", at the company's trend{season}" if is_long else " (a trend or season takes two whole years)"
    return f"{words}; rates drawn towards those of all where records are few"


SAME_RECORDS = ["lens", "step", "effect", "actual", "n", "n_expected"]
"""Slices with all of this alike are other names for the same records."""


def say_number(value: float, unit: str, currency: str = "USD") -> str:
    """Write an actual or expected number: counts without decimals once larger than a few, tiny shares with two.

    >>> say_number(315.5, "count"), say_number(6.5, "count"), say_number(0.0005, "share"), say_number(0.31, "share")
    ('316', '6.5', '0.05 %', '31 %')
    """
    digits = 0 if unit == "count" and value >= 10 else 2 if unit == "share" and 0 < value < 0.001 else None
    return format_value(value, unit, currency=currency, digits=digits)


def describe_expectations(expectations: Expectations, period: Period, currency: str = "USD") -> str:
    """Say how much of what was seen is as it should have been, and what lies furthest off.

    Args:
        expectations: As made by ``expect_slices``.
        period: The period in question.
        currency: The company's currency.
    """
    frame = expectations.frame
    if frame.empty:
        return expectations.why_not
    judged = frame[frame["verdict"] != SMALL].drop_duplicates(SAME_RECORDS)
    if judged.empty:
        return f"No step of {period.label} has enough records to be judged"
    off = judged[judged["verdict"] != WITHIN]
    if off.empty:
        return f"All {len(judged):,} numbers of {period.label} that can be judged are what was to be expected"
    first = off.loc[off["p_value"].idxmin()]
    where = "the company" if first["dimension"] == ALL else first["slice"]
    told, wanted = (say_number(first[name], first["unit"], currency) for name in ("actual", "expected"))
    rest = f"{len(off)} of {len(judged):,} numbers of {period.label} are not what was to be expected"
    return f"{rest}. First: {first['label']} in {where}, {told} instead of {wanted}"
