"""Pipeline coverage in words: the two questions, the over-ask, a change of composition, the next starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.coverage import TOTAL, Coverage, measure_coverage, need_coverage
from helpers.analyses.finding import Finding
from helpers.model.goal import GoalRules, load_goal_rules
from helpers.periods import period_of
from helpers.units import format_value

NOTEBOOK = "04_goal_matrix"


@dataclass(frozen=True)
class CoverageReview:
    """Coverage and what to say of it.

    Attributes:
        coverage: The measured coverage, or why there is none.
        starts: One row per period: the company at the chosen week, ended periods and those to come, with ``label``.
        findings: The answers in words.
        title: The most important one.
    """

    coverage: Coverage
    starts: pd.DataFrame
    findings: list[Finding]
    title: str


def review_coverage(
    company, *, as_of: date, grain: str = "quarter", week: int = 0, asked: float = 0.0, rules: GoalRules | None = None
) -> CoverageReview:
    """Measure coverage and answer its two questions.

    Args:
        company: The opened company.
        as_of: The last day that counts.
        grain: The length of a period.
        week: The starting point: 0 is the first day, 3 the usual other one.
        asked: The coverage that sales asks for; 0 where nobody does.
        rules: What ``goals.toml`` says.

    Returns:
        The review; without coverage it has no findings and its title says why.
    """
    rules = rules or load_goal_rules()
    coverage = measure_coverage(company, as_of=as_of, grain=grain, rules=rules)
    if not coverage.is_available:
        return CoverageReview(coverage, coverage.table, [], f"Coverage is not available: {coverage.reason}")
    starts = take_starts(coverage, grain=grain, fiscal_year_start=company.fiscal_year_start, week=week)
    findings = [
        finding
        for finding in (
            _answer_both(starts, company, rules),
            _say_next(starts, company),
            _say_over_ask(starts, asked, rules),
            _say_composition(coverage, starts, company, week, rules),
        )
        if finding is not None
    ]
    title = findings[0].headline if findings else "No bookings target has been set, so coverage has no measure"
    return CoverageReview(coverage, starts, findings, title)


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


def detect_over_ask(asked: float, starts: pd.DataFrame, *, tolerance: float = 0.15) -> Mapping[str, float] | None:
    """Detect that more coverage is demanded than making plan takes.

    Args:
        asked: The coverage demanded.
        starts: Ended periods with ``coverage``, ``attainment`` and ``conversion``.
        tolerance: How much more than needed still passes.

    Returns:
        ``asked``, ``needed`` (1 ÷ conversion of the periods together), ``periods`` and ``on_plan`` (periods that made
        plan although they started below what was asked); None where nothing is over-asked.

    Source:
        Domain: 25 % conversion at 4× exactly makes plan; who demands 5× lets marketing fail while sales makes plan.

    >>> at_4x = pd.DataFrame({"coverage": [4.0] * 4, "conversion": [0.25] * 4, "attainment": [1.0] * 4})
    >>> detect_over_ask(5.0, at_4x)["needed"], detect_over_ask(4.0, at_4x)
    (4.0, None)
    """
    known = starts[starts["conversion"].notna() & starts["coverage"].notna()]
    if asked <= 0 or known.empty:
        return None
    weight = known["coverage"]
    needed = need_coverage(float((known["conversion"] * weight).sum() / weight.sum()))
    on_plan = int(((known["coverage"] < asked) & (known["attainment"] >= 0.995)).sum())
    if not asked > needed * (1 + tolerance) or on_plan == 0:
        return None
    return {"asked": asked, "needed": round(needed, 10), "periods": len(known), "on_plan": on_plan}


def split_conversion_change(before: pd.DataFrame, after: pd.DataFrame) -> Mapping[str, float]:
    """Split a change of pipeline conversion into what the mix of sources did and what conversion within them did.

    Args:
        before: One row per source with ``open_pipeline`` and ``bookings``.
        after: The same, later.

    Returns:
        ``change`` of the conversion, of it ``mix`` and ``rate``, which add up to it exactly.

    Source:
        Kitagawa: rate = Σ new share × (new − old rate), mix = Σ (new − old share) × (old rate − old total).
    """
    old, new = (part.groupby("source")[["open_pipeline", "bookings"]].sum() for part in (before, after))
    old, new = old.align(new, fill_value=0.0)
    w0, w1 = old["open_pipeline"] / old["open_pipeline"].sum(), new["open_pipeline"] / new["open_pipeline"].sum()
    total0 = old["bookings"].sum() / old["open_pipeline"].sum()
    total1 = new["bookings"].sum() / new["open_pipeline"].sum()
    r0 = (old["bookings"] / old["open_pipeline"].where(old["open_pipeline"] > 0)).fillna(total0)
    mix = float(((w1 - w0) * (r0 - total0)).sum())
    return {"change": float(total1 - total0), "mix": mix, "rate": float(total1 - total0 - mix)}


def _times(value: float) -> str:
    return format_value(float(value), "ratio", digits=1)


def _answer_both(starts: pd.DataFrame, company, rules: GoalRules) -> Finding | None:
    ended = starts[starts["is_ended"] & starts["attainment"].notna()]
    if ended.empty:
        return None
    row = ended.iloc[-1]
    needed = row["needed_coverage"]
    before = 1.0 / needed if np.isfinite(needed) else np.nan
    chance = not np.isfinite(needed) or row["coverage"] >= needed * (1 - rules.coverage.steady_tolerance)
    converts = not np.isfinite(before) or row["conversion"] >= before * (1 - rules.coverage.steady_tolerance)
    needs = f", {_times(needed)} needed" if np.isfinite(needed) else ""
    usual = f", against {format_value(before, 'share')} before" if np.isfinite(before) else ""
    start, rate = f"{_times(row['coverage'])} coverage{needs}", f"{format_value(row['conversion'], 'share')}{usual}"
    verdict = {
        (True, True): f"sales had its chance ({start}) and used it, converting {rate}",
        (True, False): f"sales had its chance ({start}) but converted only {rate}",
        (False, True): f"sales started with too little ({start}) and converted its usual {rate}",
        (False, False): f"sales started with too little ({start}) and converted only {rate}",
    }[chance, converts]
    headline = f"{row['label']} booked {format_value(row['attainment'], 'share')} of its target: {verdict}"
    step = {
        (True, True): "Keep the bar where it is, and look at the next period's start.",
        (True, False): "Look at what the pipeline is made of (sources, sizes, age) before looking at people.",
        (False, True): "Build pipeline for the periods ahead; ask every source for its part.",
        (False, False): "Build pipeline for the periods ahead, and look at what it is made of.",
    }[chance, converts]
    made = row["attainment"] >= 1
    evidence = {
        "period": row["label"],
        "coverage": float(row["coverage"]),
        "conversion": float(row["conversion"]),
        "needed_coverage": float(needed),
        "definition": "attainment = starting coverage × pipeline conversion, new business",
    }
    return Finding(
        headline,
        "starting_coverage" if not chance else "pipeline_conversion",
        TOTAL,
        float(row["bookings"] - row["target"]),
        evidence,
        step,
        NOTEBOOK,
        "good" if made else "bad",
    )


def _say_next(starts: pd.DataFrame, company) -> Finding | None:
    coming = starts[~starts["is_ended"] & starts["forecast_coverage"].notna() & starts["needed_coverage"].notna()]
    if coming.empty:
        return None
    row = coming.iloc[0]
    short = row["needed_coverage"] - row["forecast_coverage"]
    money = -float(short * row["target"] / row["needed_coverage"])
    pipeline = format_value(abs(short) * row["target"], "currency", currency=company.currency)
    way = f"{pipeline} of pipeline short" if short > 0 else f"{pipeline} of pipeline to spare"
    headline = (
        f"{row['label']} starts with {_times(row['forecast_coverage'])} coverage where "
        f"{_times(row['needed_coverage'])} is needed: {way}"
    )
    evidence = {"period": row["label"], "forecast": float(row["forecast"]), "target": float(row["target"])}
    step = "Let every source's owner say what it adds before the period starts." if short > 0 else ""
    return Finding(
        headline, "starting_coverage", TOTAL, money, evidence, step, NOTEBOOK, "bad" if short > 0 else "good"
    )


def _say_over_ask(starts: pd.DataFrame, asked: float, rules: GoalRules) -> Finding | None:
    found = detect_over_ask(asked, starts[starts["is_ended"]], tolerance=rules.coverage.over_ask_tolerance)
    if found is None:
        return None
    headline = (
        f"Sales asks for {_times(asked)} coverage, yet {_times(found['needed'])} makes plan: in {found['on_plan']} of "
        f"{found['periods']} periods plan was made with less than is asked"
    )
    step = f"Ask for {_times(found['needed'])}, or scrub the pipeline until it converts better."
    return Finding(headline, "starting_coverage", TOTAL, None, dict(found), step, NOTEBOOK, "note")


def _say_composition(coverage: Coverage, starts: pd.DataFrame, company, week: int, rules: GoalRules) -> Finding | None:
    """Look at the mix of sources where conversion fell although coverage held."""
    ended = starts[starts["is_ended"] & starts["conversion"].notna()]
    parts = coverage.table[(coverage.table["week"] == week) & (coverage.table["source"] != TOTAL)]
    if len(ended) < 3 or parts.empty:
        return None
    last, earlier = ended.iloc[-1], ended.iloc[:-1].tail(rules.coverage.conversion_periods)
    usual = earlier["bookings"].sum() / earlier["open_pipeline"].sum()
    fell = last["conversion"] < usual * (1 - rules.coverage.steady_tolerance)
    held = last["open_pipeline"] >= earlier["open_pipeline"].mean() * (1 - rules.coverage.steady_tolerance)
    if not (fell and held):
        return None
    split = split_conversion_change(
        parts[parts["period_start"].isin(earlier["period_start"])], parts[parts["period_start"] == last["period_start"]]
    )
    by_mix = float(np.clip(split["mix"] / split["change"], 0, 1)) if split["change"] else 0.0
    name = company.partitions[coverage.source].label.lower() if coverage.source in company.partitions else "source"
    what = (
        f"{format_value(by_mix, 'share')} of the fall is another mix of {name}s"
        if by_mix >= 0.5
        else f"the mix of {name}s explains {format_value(by_mix, 'share')} of it; the rest fell inside the {name}s"
    )
    headline = (
        f"Conversion fell from {format_value(usual, 'share')} to {format_value(last['conversion'], 'share')} in "
        f"{last['label']} while the pipeline held: {what}"
    )
    step = "Follow the sources whose conversion fell into the root-cause notebook."
    return Finding(headline, "pipeline_conversion", TOTAL, None, dict(split), step, NOTEBOOK, "bad")
