"""Pipeline coverage in words: the two questions, the over-ask, a change of composition, the next starts."""

from dataclasses import dataclass, field, replace
from datetime import date

import pandas as pd

from helpers.analyses.coverage import TOTAL, Coverage, measure_coverage
from helpers.analyses.coverage_composition import explain_composition, measure_composition
from helpers.analyses.coverage_patterns import detect_floating_bar, detect_slide, measure_bar
from helpers.analyses.coverage_words import (
    answer_both,
    say_bar,
    say_composition,
    say_next,
    say_over_ask,
    say_pattern,
    say_slide,
)  # fmt: skip
from helpers.analyses.finding import Finding
from helpers.analyses.goal_targets import add_targets
from helpers.analyses.pipeline_series import SERIES_COLUMNS, read_this_next_all
from helpers.model.goal import GoalRules, load_goal_rules
from helpers.periods import period_of


@dataclass(frozen=True)
class CoverageReview:
    """Coverage and what to say of it.

    Attributes:
        coverage: The measured coverage, or why there is none.
        starts: One row per period: the company at the chosen week, ended periods and those to come, with ``label`` and
            ``target_basis``: ``typed``, ``added`` up from shorter periods, ``spread`` from a longer one, ``solved``
            from goals of the same year, ``expected`` where a year has none, blank without a target.
        findings: The answers in words.
        title: The most important one.
        series: This-, next- and all-period pipeline of the period that holds the last day, week by week.
        bar: Deals let into the pipeline per period and their wins by the same age.
    """

    coverage: Coverage
    starts: pd.DataFrame
    findings: list[Finding]
    title: str
    series: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=SERIES_COLUMNS))
    bar: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def next_target(self) -> float:
        """Bookings target (currency) of the first period that has not ended; NaN without one."""
        if not self.coverage.is_available:
            return float("nan")
        coming = self.starts[~self.starts["is_ended"].astype(bool)]
        return float(coming["target"].iloc[0]) if len(coming) else float("nan")


def review_coverage(
    company,
    *,
    as_of: date,
    grain: str = "quarter",
    week: int = 0,
    asked: float = 0.0,
    derived: pd.DataFrame | None = None,
    rules: GoalRules | None = None,
) -> CoverageReview:
    """Measure coverage and answer its two questions.

    Args:
        company: The opened company.
        as_of: The last day that counts.
        grain: The length of a period.
        week: The starting point: 0 is the morning of the first day, 3 the usual other one: the evening of day 21, the
            last one of the third week.
        asked: The coverage that sales asks for; 0 where nobody does.
        derived: Targets of periods that nobody typed one for, as made by ``goal_targets.derive_targets``.
        rules: What ``goals.toml`` says.

    Returns:
        The review; without coverage it has no findings and its title says why.
    """
    rules = rules or load_goal_rules()
    derived = pd.DataFrame(columns=["period_start", "basis"]) if derived is None else derived
    if len(derived):
        company = replace(company, targets=add_targets(company.targets, derived))
    coverage = measure_coverage(company, as_of=as_of, grain=grain, rules=rules)
    if not coverage.is_available:
        return CoverageReview(coverage, coverage.table, [], f"Coverage is not available: {coverage.reason}")
    starts = take_starts(coverage, grain=grain, fiscal_year_start=company.fiscal_year_start, week=week)
    starts["target_basis"] = _tell_basis(starts, coverage, derived)
    series = read_this_next_all(company, as_of=as_of, grain=grain)
    bar = measure_bar(company, as_of=as_of, grain=grain)
    ended = starts[starts["is_ended"]]
    fiscal = company.fiscal_year_start
    label = period_of(as_of, grain, fiscal).label
    bar_label = period_of(bar["created_period"].iloc[-1].date(), grain, fiscal).label if len(bar) else ""
    tolerance = rules.coverage.steady_tolerance
    found = (
        answer_both(starts, company, rules),
        say_next(starts, company),
        say_over_ask(starts, asked, rules),
        say_slide(detect_slide(ended, tolerance=tolerance)),
        _explain_fall(coverage, starts, company, _Options(as_of, grain, week, rules)),
        say_bar(detect_floating_bar(bar, tolerance=tolerance), bar_label),
        say_pattern(series, label, company, rules),
    )
    findings = [finding for finding in found if finding is not None]
    no_target = "No bookings target has been set, so coverage has no measure"
    title = findings[0].headline if found[0] or found[1] else no_target
    return CoverageReview(coverage, starts, findings, title, series, bar)


def _tell_basis(starts: pd.DataFrame, coverage: Coverage, derived: pd.DataFrame) -> pd.Series:
    """Say of each period's target where it comes from; blank without one."""
    whole = coverage.weeks[coverage.weeks["source"] == TOTAL]
    basis = dict(zip(whole["period_start"], whole["target_basis"], strict=True))
    basis |= dict(zip(derived["period_start"], derived["basis"], strict=True))
    told = [
        basis.get(start, "") if has_target else ""
        for start, has_target in zip(starts["period_start"], starts["target"].notna(), strict=True)
    ]
    return pd.Series(told, index=starts.index, dtype="str")


def take_starts(coverage: Coverage, *, grain: str, fiscal_year_start: int, week: int = 0) -> pd.DataFrame:
    """Take each period's starting point out of the coverage of every week.

    Returns:
        One row per period: the columns of ``coverage.csv`` for the company at that week (a period to come at week 0),
        ``label``, ``is_ended``, and ``forecast_coverage`` = forecast ÷ target.
    """
    table = coverage.table[coverage.table["source"] == TOTAL]
    reached = table["bookings"].notna() | (table.groupby("period_start")["week"].transform("max") >= week)
    chosen = table[(table["week"] == week) & reached]
    rest = table[(table["week"] == 0) & ~table["period_start"].isin(chosen["period_start"])]
    starts = pd.concat([chosen, rest]).sort_values("period_start", ignore_index=True)
    labels = [period_of(start.date(), grain, fiscal_year_start).label for start in starts["period_start"]]
    forecast = table[table["week"] == 0].set_index("period_start")["forecast"]
    target = starts["target"].where(starts["target"] > 0)
    return starts.assign(
        label=labels,
        is_ended=starts["bookings"].notna(),
        forecast=starts["period_start"].map(forecast),
        forecast_coverage=starts["period_start"].map(forecast) / target,
    )


def tabulate_next_starts(coverage: Coverage) -> pd.DataFrame:
    """Tabulate the starting coverage foreseen for the periods to come, per source.

    Returns:
        One row per period to come and source (``all`` = total): ``period_start``, ``source``, ``open_pipeline`` (what
        is there now), ``forecast`` (currency), ``target`` (the company's), ``forecast_coverage`` = forecast ÷ target,
        so that sources add up to the company's, ``needed_coverage`` of the company and ``short`` (currency of pipeline
        that is missing for it, on the row of the total; negative where there is more). Blank without a target or
        enough past to foresee from.
    """
    table = coverage.table
    runs = table.groupby("period_start")["week"].transform("max") > 0
    coming = table[table["bookings"].isna() & ~runs & (table["week"] == 0)]
    whole = coming[coming["source"] == TOTAL].set_index("period_start")
    found = coming[["period_start", "source", "open_pipeline", "forecast"]].reset_index(drop=True)
    found["target"] = found["period_start"].map(whole["target"])
    found["forecast_coverage"] = found["forecast"] / found["target"].where(found["target"] > 0)
    found["needed_coverage"] = found["period_start"].map(whole["needed_coverage"])
    short = found["needed_coverage"] * found["target"] - found["forecast"]
    return found.assign(short=short.where(found["source"] == TOTAL))


def _explain_fall(coverage: Coverage, starts: pd.DataFrame, company, options: "_Options") -> Finding | None:
    """Look at what the pipeline is made of where conversion fell although coverage held."""
    rules = options.rules
    ended = starts[starts["is_ended"] & starts["conversion"].notna()]
    if len(ended) < 3:
        return None
    last, earlier = ended.iloc[-1], ended.iloc[:-1].tail(rules.coverage.conversion_periods)
    usual = earlier["bookings"].sum() / earlier["open_pipeline"].sum()
    fell = last["conversion"] < usual * (1 - rules.coverage.steady_tolerance)
    held = last["open_pipeline"] >= earlier["open_pipeline"].mean() * (1 - rules.coverage.steady_tolerance)
    if not (fell and held):
        return None
    days = [*earlier["period_start"], last["period_start"]]
    periods = [period_of(day.date(), options.grain, company.fiscal_year_start) for day in days]
    parts = measure_composition(company, periods, as_of=options.as_of, week=options.week)
    explained = explain_composition(parts, last["period_start"])
    return say_composition(explained, last, usual, company, coverage.source)


@dataclass(frozen=True)
class _Options:
    as_of: date
    grain: str
    week: int
    rules: GoalRules
