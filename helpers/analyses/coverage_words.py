"""Coverage put into words: the two questions, the next start, and each pattern with the numbers that show it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.analyses.coverage import TOTAL
from helpers.analyses.coverage_composition import AGE, SIZE
from helpers.analyses.coverage_patterns import (
    BUILT,
    LOSSES,
    SLIPS,
    SLIPS_BUILT,
    STEADY,
    WINS,
    detect_over_ask,
    name_pattern,
)  # fmt: skip
from helpers.analyses.finding import Finding
from helpers.model.goal import GoalRules
from helpers.units import format_value

NOTEBOOK = "04_goal_matrix"

DEALS_TO_HANDLE = 20
"""More open deals per owner than this are nurture rather than pipeline (Kellogg's upper bound)."""

SCRUBBED_WEEKS = (3, 6, 9)
"""Weeks after pipelines are usually scrubbed (in weeks 2, 5 and 8), in which readings can be compared (Kellogg)."""

PATTERNS = {
    SLIPS: "pipeline slips out of {period}: the next period gains what it loses, and all pipeline holds",
    LOSSES: "pipeline of {period} is being lost: it falls, the next one gains nothing, and all pipeline falls with it",
    WINS: "pipeline of {period} is being won: it falls with all pipeline while bookings rise",
    BUILT: "pipeline is being built for the period after {period}, and {period} keeps its own",
    SLIPS_BUILT: "pipeline slips out of {period} while new pipeline is being built",
    STEADY: "pipeline of {period} and of the period after it holds steady",
}

LEFT = {"won": "won", "lost": "lost", "slipped": "moved to later periods"}


def say_times(value: float) -> str:
    """Write a coverage: ``3.1×``."""
    return format_value(float(value), "ratio", digits=1)


def answer_both(starts: pd.DataFrame, company, rules: GoalRules) -> Finding | None:
    """Answer for the last ended period: did sales have its chance, and did it use it? None without a target."""
    ended = starts[starts["is_ended"] & starts["attainment"].notna()]
    if ended.empty:
        return None
    row = ended.iloc[-1]
    needed = row["needed_coverage"]
    before = 1.0 / needed if np.isfinite(needed) else np.nan
    chance = not np.isfinite(needed) or row["coverage"] >= needed * (1 - rules.coverage.steady_tolerance)
    converts = not np.isfinite(before) or row["conversion"] >= before * (1 - rules.coverage.steady_tolerance)
    needs = f", {say_times(needed)} needed" if np.isfinite(needed) else ""
    usual = f", against {format_value(before, 'share')} before" if np.isfinite(before) else ""
    start, rate = f"{say_times(row['coverage'])} coverage{needs}", f"{format_value(row['conversion'], 'share')}{usual}"
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


def say_next(starts: pd.DataFrame, company) -> Finding | None:
    """Say how the next period with a target starts; None without a forecast."""
    coming = starts[~starts["is_ended"] & starts["forecast_coverage"].notna() & starts["needed_coverage"].notna()]
    if coming.empty:
        return None
    row = coming.iloc[0]
    short = row["needed_coverage"] - row["forecast_coverage"]
    money = -float(short * row["target"] / row["needed_coverage"])
    pipeline = format_value(abs(short) * row["target"], "currency", currency=company.currency)
    way = f"{pipeline} of pipeline short" if short > 0 else f"{pipeline} of pipeline to spare"
    headline = (
        f"{row['label']} starts with {say_times(row['forecast_coverage'])} coverage where "
        f"{say_times(row['needed_coverage'])} is needed: {way}"
    )
    evidence = {"period": row["label"], "forecast": float(row["forecast"]), "target": float(row["target"])}
    step = "Let every source's owner say what it adds before the period starts." if short > 0 else ""
    return Finding(
        headline, "starting_coverage", TOTAL, money, evidence, step, NOTEBOOK, "bad" if short > 0 else "good"
    )


def say_over_ask(starts: pd.DataFrame, asked: float, rules: GoalRules) -> Finding | None:
    """Say that sales asks for more coverage than makes plan; None where it doesn't."""
    found = detect_over_ask(asked, starts[starts["is_ended"]], tolerance=rules.coverage.over_ask_tolerance)
    if found is None:
        return None
    headline = (
        f"Sales asks for {say_times(asked)} coverage, yet {say_times(found['needed'])} makes plan: "
        f"in {found['on_plan']} of {found['periods']} periods plan was made with less than is asked"
    )
    step = f"Ask for {say_times(found['needed'])}, or scrub the pipeline until it converts better."
    return Finding(headline, "starting_coverage", TOTAL, None, dict(found), step, NOTEBOOK, "note")


def say_pattern(series: pd.DataFrame, label: str, company, rules: GoalRules) -> Finding | None:
    """Say what this-, next- and all-period pipeline together mean, and what became of what was due at the start.

    Args:
        series: One period's rows of ``read_this_next_all``.
        label: The period as a reader says it.
        company: The opened company.
        rules: What ``goals.toml`` says.

    Returns:
        The finding; None where nothing was due at the start.
    """
    if len(series) < 2 or not series["due_at_start"].iloc[0] > 0:
        return None
    first, last = series.iloc[0], series.iloc[-1]
    found = name_pattern(first, last, tolerance=rules.coverage.steady_tolerance)
    due = float(last["due_at_start"])
    shares = {name: float(last[name]) / due for name in ("won", "lost", "slipped", "still_due")}
    names = LEFT | {"still_due": "still due"}
    told = [f"{format_value(shares[name], 'share')} {text}" for name, text in names.items() if shares[name] > 0.0005]
    amount = format_value(due, "currency", currency=company.currency)
    text = _check_pattern(str(found["pattern"]), shares)
    headline = f"Of {amount} due at the start of {label}, {', '.join(told)} by {last['day']:%d %b %Y}"
    headline += f": {text.format(period=label)}" if text else ""
    owners = last["owners"]
    per_owner = float(last["n_all"] / owners) if owners and np.isfinite(owners) else float("nan")
    step = ""
    if per_owner > DEALS_TO_HANDLE:
        step = (
            f"Look through the {per_owner:.0f} open deals per owner: more than {DEALS_TO_HANDLE} can't all be worked."
        )
    elif shares["slipped"] >= max(shares["won"], shares["lost"]):
        step = "Go through what was moved: check stage, amount and close date deal by deal."
    evidence = {"period": label, **found, **shares, "n": int(first["n_this"]), "deals_per_owner": per_owner}
    evidence["definition"] = "new business open and due in the period at its start, at the amounts of then"
    return Finding(headline, "starting_coverage", TOTAL, None, evidence, step, NOTEBOOK, "note")


def _check_pattern(pattern: str, shares: Mapping[str, float]) -> str:
    """Say a pattern, unless what became of the deals themselves speaks against it."""
    means = {SLIPS: "slipped", SLIPS_BUILT: "slipped", LOSSES: "lost", WINS: "won"}.get(pattern)
    most = max(("won", "lost", "slipped"), key=lambda name: shares[name])
    if means is None or means == most:
        return PATTERNS.get(pattern, "")
    looks = {"slipped": "slips", "lost": "losses", "won": "wins"}
    return f"the totals alone look like {looks[means]}, yet deal by deal most of what left was {LEFT[most]}"


def say_slide(found: Mapping[str, float] | None) -> Finding | None:
    """Say that coverage slid while conversion held, as ``detect_slide`` found it; None where it didn't."""
    if found is None:
        return None
    before, after = (say_times(found[f"coverage_{when}"]) for when in ("before", "after"))
    made = [format_value(found[f"attainment_{when}"], "share") for when in ("before", "after")]
    headline = (
        f"Starting coverage slid from {before} to {after} over {found['periods']} periods while conversion held at "
        f"{format_value(found['conversion_after'], 'share')}: attainment went from {made[0]} to {made[1]}"
    )
    step = "Measure every source by the coverage it leaves at the start of a period, beside what it creates."
    return Finding(headline, "starting_coverage", TOTAL, None, dict(found), step, NOTEBOOK, "bad")


def say_bar(found: Mapping[str, float | str] | None, label: str) -> Finding | None:
    """Say that the bar for what counts as pipeline moved, as ``detect_floating_bar`` found it; None where it didn't."""
    if found is None:
        return None
    rates = [format_value(float(found[name]), "share") for name in ("usual_win_rate", "win_rate")]
    more = "let in" if found["direction"] == "lowered" else "held back"
    headline = (
        f"The bar for what counts as pipeline was {found['direction']} in {label}: {found['n']:,} deals against "
        f"{found['usual_n']:,.0f} a period before, yet {found['won']:,} wins against {found['usual_won']:,.0f} within "
        f"{found['days']} days ({rates[1]} won, {rates[0]} before)"
    )
    step = f"Read ten deals that were {more} and agree in writing what makes a deal pipeline."
    return Finding(headline, "opportunity_to_won", TOTAL, None, dict(found), step, NOTEBOOK, "note")


def say_composition(explained: pd.DataFrame, row: Mapping, usual: float, company, source: str) -> Finding | None:
    """Say how much of a fall of conversion another mix of sources, sizes and ages explains.

    Args:
        explained: As made by ``explain_composition``.
        row: The last period: ``label`` and ``conversion``.
        usual: The conversion of the periods before.
        company: The opened company.
        source: The partition that tells the sources; empty where there is none.

    Returns:
        The finding; None where there is no dimension to look at.
    """
    if explained.empty:
        return None
    name = company.partitions[source].label.lower() if source in company.partitions else "source"
    nouns = {SIZE: "size", AGE: "age"}
    top = explained.iloc[0]
    noun = nouns.get(top["dimension"], name)
    part = format_value(top["explained"], "share")
    if top["explained"] >= 0.5:
        shares = [format_value(top[f"share_{when}"], "share") for when in ("before", "after")]
        what = (
            f"{part} of the fall is another mix by {noun}, {top['slice']} going from {shares[0]} to {shares[1]} of it"
        )
    else:
        each = [
            f"{nouns.get(found['dimension'], name)} {format_value(found['explained'], 'share')}"
            for found in explained.to_dict("records")
        ]
        what = f"another mix explains little of it ({', '.join(each)}); the rest fell inside the parts"
    headline = (
        f"Conversion fell from {format_value(usual, 'share')} to {format_value(row['conversion'], 'share')} in "
        f"{row['label']} while the pipeline held: {what}"
    )
    keys = ["change", "mix", "rate", "outside", "explained"]
    evidence = {"period": row["label"], "dimension": top["dimension"]} | {key: float(top[key]) for key in keys}
    step = "Follow the sources, sizes and ages whose conversion fell into the root-cause notebook."
    return Finding(headline, "pipeline_conversion", TOTAL, None, evidence, step, NOTEBOOK, "bad")


def say_to_go(weeks: pd.DataFrame, label: str) -> str:
    """Say how the last reading of a period's to-go coverage compares with what earlier periods needed from there on.

    Args:
        weeks: The company's rows of ``Coverage.weeks`` for one period.
        label: The period as a reader says it.
    """
    known = weeks[weeks["to_go_coverage"].notna()].sort_values("week")
    compared = known[known["needed_to_go"].notna()]
    row = known.iloc[-1]
    if known["bookings"].notna().any() and len(compared):
        # Once the period is over, its last weeks tell nothing that could still have been changed.
        scrubbed = compared[compared["week"].isin(SCRUBBED_WEEKS)]
        row = (scrubbed if len(scrubbed) else compared).iloc[-1]
    said = f"After {int(row['week'])} weeks" if row["week"] else "On its first morning"
    said = f"{said} {label} had {say_times(row['to_go_coverage'])} of what was left to book in its pipeline"
    if not np.isfinite(row["needed_to_go"]):
        return said
    return f"{said}; earlier periods needed {say_times(row['needed_to_go'])} from there on"


def say_next_starts(starts: pd.DataFrame, names: Mapping[pd.Timestamp, str], *, currency: str) -> str:
    """Say which of the next periods start short of pipeline, and by how much.

    Args:
        starts: As made by ``tabulate_next_starts``.
        names: First day → the period as a reader says it.
        currency: ISO code.
    """
    whole = starts[(starts["source"] == TOTAL) & starts["short"].notna()]
    if whole.empty:
        return "What each source brings to the starts of the next periods"
    short = whole[whole["short"] > 0]
    if short.empty:
        return f"Each of the next {len(whole)} periods starts with enough pipeline for its target"
    worst = short.loc[short["short"].idxmax()]
    amount = format_value(float(worst["short"]), "currency", currency=currency)
    if len(short) == 1:
        return f"{names[worst['period_start']]} starts {amount} of pipeline short of its target"
    how_many = "All" if len(short) == len(whole) else f"{len(short)}"
    return (
        f"{how_many} of the next {len(whole)} periods start short of pipeline, "
        f"{names[worst['period_start']]} the most: by {amount}"
    )
