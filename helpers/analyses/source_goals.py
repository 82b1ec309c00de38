"""What each source has to bring so that the next periods start with enough pipeline: a means, the total is the end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.coverage import TOTAL, Coverage
from helpers.analyses.coverage_words import NOTEBOOK
from helpers.analyses.finding import Finding
from helpers.analyses.goal_allocation import split_exactly
from helpers.analyses.pipegen_pattern import join_names, judge_pipegen, say_pipegen
from helpers.analyses.pipeline_generation import PipelineGeneration, measure_generation
from helpers.engine.doubt import wilson_interval
from helpers.engine.journeys import build_journeys
from helpers.engine.targets import find_target, group_goals
from helpers.engine.timeline import NO_DAY, day_number
from helpers.model.goal import GoalRules, load_goal_rules
from helpers.model.pipeline_source import (
    OPPORTUNITIES,
    PIPELINE,
    PipelineSourceRules,
    SourceRole,
    load_pipeline_sources,
)
from helpers.periods import MONTHS_IN, period_of
from helpers.units import format_value

GOAL_COLUMNS = [
    "period_start", "label", "source", "role", "tracked_on", "exists", "pipeline", "opportunities", "usual_pipeline",
    "usual_opportunities", "average_amount", "n", "target", "needed_coverage", "is_late",
]  # fmt: skip
ROLL_UPS = ("channel", "gtm_motion")
MARKETING = "marketing"
DRAWS = 1000
MEANS = "Goals per source are a means: one source short and another over is fine as long as the sum suffices."


@dataclass(frozen=True)
class MarketingShare:
    """Marketing's share of new revenue over the last year of ended periods.

    Attributes:
        share: Of new-business revenue won, 0–1; low and high by resampling deals.
        count_share: Of new-business deals won, with its Wilson interval.
        n: Won deals behind both; n_marketing of them from marketing's sources.
        first: First day of the first period, last: last day of the last one.
        sources: Which sources count as marketing.
    """

    share: float
    low: float
    high: float
    count_share: float
    count_low: float
    count_high: float
    n: int
    n_marketing: int
    first: date
    last: date
    sources: tuple[str, ...]


@dataclass(frozen=True)
class SourceGoals:
    """Goals per source and what to say of them.

    Attributes:
        goals: One row per period to come and source (``all`` = total, first) with ``GOAL_COLUMNS``: ``exists``: what is
            open now and will still be due in the period at its start (currency); ``pipeline`` and ``opportunities``:
            what has to be created by the start and be due in the period; ``usual_…``: what such a lead has brought on
            average; ``average_amount`` of an opportunity; ``n`` opportunities of the last year behind the split;
            ``is_late``: the period starts before anything more can be there.
        roles: Source → its role, None where no role knows it.
        generation: What sources generate, None without coverage.
        marketing: Marketing's share, None where nothing was won or no source is marketing's.
        reason: Why there are no goals, and the cure.
        findings: What to say, in order.
        title: The most important one.
    """

    goals: pd.DataFrame
    roles: Mapping[str, SourceRole | None] = field(default_factory=dict)
    generation: PipelineGeneration | None = None
    marketing: MarketingShare | None = None
    reason: str = ""
    cure: str = ""
    findings: list[Finding] = field(default_factory=list)
    title: str = ""

    @property
    def is_available(self) -> bool:
        """Whether there is any goal."""
        return len(self.goals) > 0


def review_source_goals(
    company,
    coverage: Coverage,
    *,
    as_of: date,
    grain: str = "quarter",
    rules: GoalRules | None = None,
    sources: PipelineSourceRules | None = None,
) -> SourceGoals:
    """Derive what each source has to bring for the next periods' starts.

    Args:
        company: The opened company.
        coverage: As measured for the same day and grain, with the targets that hold (``CoverageReview.coverage``).
        as_of: The last day that counts.
        grain: The length of a period.
        rules: What ``goals.toml`` says.
        sources: What ``pipeline_sources.toml`` says.

    Returns:
        The goals: needed coverage × target − what exists, shared out by what each source usually brings by then. Empty
        with a reason where coverage is unavailable or no period to come has a target.
    """
    rules, sources = rules or load_goal_rules(), sources or load_pipeline_sources()
    none = pd.DataFrame(columns=GOAL_COLUMNS)
    if not coverage.is_available:
        return SourceGoals(none, reason=coverage.reason, cure=coverage.cure, title=NO_GOALS)
    roles = find_roles(company, coverage, as_of=as_of, sources=sources)
    generation = measure_generation(company, coverage, as_of=as_of, grain=grain, rules=rules)
    marketing = measure_marketing_share(company, coverage, roles, as_of=as_of, grain=grain, rules=rules)
    goals = plan_source_goals(coverage, generation, roles, grain=grain, fiscal_year_start=company.fiscal_year_start)
    findings = [
        say_source_goals(goals, currency=company.currency),
        say_pipegen(_judge_past(company, coverage, generation, grain, rules)),
        say_marketing_share(marketing, sources),
    ]
    kept = [finding for finding in findings if finding is not None]
    if goals.empty:
        reason = "No period to come has a bookings target and a past conversion to tell the needed coverage by."
        cure = "Type a revenue goal for the next periods or for their year."
        return SourceGoals(none, roles, generation, marketing, reason, cure, kept, NO_GOALS)
    return SourceGoals(goals, roles, generation, marketing, "", "", kept, findings[0].headline)


NO_GOALS = "What each source has to bring can't be told yet"


def find_roles(
    company, coverage: Coverage, *, as_of: date, sources: PipelineSourceRules
) -> dict[str, SourceRole | None]:
    """Find the role that each source of a coverage plays, by its own name and then by what it rolls up to."""
    names = [name for name in dict.fromkeys(coverage.table["source"]) if name != TOTAL]
    journeys = build_journeys(company, as_of=as_of)
    deals = journeys.records["deal"]
    known: dict[str, list[str]] = {name: [name] for name in names}
    for upper in ROLL_UPS:
        if not names or upper == coverage.source or upper not in deals.codes:
            continue
        pairs = pd.DataFrame(
            {
                "source": journeys.labels[coverage.source][deals.codes[coverage.source]],
                "upper": journeys.labels[upper][deals.codes[upper]],
            }
        ).astype("str")
        for name, part in pairs[pairs["source"].isin(names)].groupby("source"):
            known[str(name)].append(str(part["upper"].mode().iloc[0]))
    return {name: sources.find_role(texts) for name, texts in known.items()}


def plan_source_goals(
    coverage: Coverage,
    generation: PipelineGeneration,
    roles: Mapping[str, SourceRole | None],
    *,
    grain: str = "quarter",
    fiscal_year_start: int = 1,
) -> pd.DataFrame:
    """Share the pipeline that each period to come still lacks out among the sources; see ``SourceGoals.goals``."""
    table = coverage.table
    whole = table[(table["source"] == TOTAL) & (table["week"] == 0)].set_index("period_start")
    counts = generation.generated.groupby("source", sort=False)["opportunities"]
    behind = counts.apply(lambda part: int(part.tail(12 // MONTHS_IN[grain]).sum())).to_dict()
    amounts = generation.generated.groupby("source", sort=False)["pipeline"].sum().to_dict()
    rows = []
    for start, part in generation.starting.groupby("period_start", sort=True):
        target, needed = whole.loc[start, "target"], whole.loc[start, "needed_coverage"]
        if not (target > 0 and needed > 0):
            continue
        own = part[part["source"] != TOTAL] if len(part) > 1 else part
        exists = own["stays"].fillna(own["open_pipeline"]).to_numpy(dtype=float)
        missing = max(needed * target - exists.sum(), 0.0)
        weights = own["arriving"].to_numpy(dtype=float)
        if weights.sum() <= 0:
            weights = np.array([amounts.get(name, 0.0) for name in own["source"]])
        pipeline = split_exactly(weights, missing)
        size = np.array([generation.sizes.get(name, np.nan) for name in own["source"]])
        opportunities = np.ceil(pipeline / size - 1e-9)
        label = period_of(pd.Timestamp(start).date(), grain, fiscal_year_start).label
        late = int(own["lead_days"].iloc[0]) <= 0
        said = {"period_start": start, "label": label, "target": target, "needed_coverage": needed, "is_late": late}
        lines = [
            {
                "source": name, "exists": exists[i], "pipeline": pipeline[i], "opportunities": opportunities[i],
                "usual_pipeline": own["arriving"].iloc[i], "usual_opportunities": own["arriving_n"].iloc[i],
                "average_amount": size[i], "n": behind.get(name, 0), **_name_role(name, roles),
            }
            for i, name in enumerate(own["source"])
        ]  # fmt: skip
        sums = ("exists", "pipeline", "opportunities", "usual_pipeline", "usual_opportunities", "n")
        total = {
            "source": TOTAL,
            "role": "",
            "tracked_on": "",
            **{key: sum(line[key] for line in lines) for key in sums},
        }
        total["average_amount"] = total["pipeline"] / total["opportunities"] if total["opportunities"] else np.nan
        rows += [{**said, **total}] if len(lines) > 1 else []
        rows += [{**said, **line} for line in lines]
    return pd.DataFrame(rows, columns=GOAL_COLUMNS)


def _name_role(name: str, roles: Mapping[str, SourceRole | None]) -> dict[str, str]:
    role = roles.get(name)
    if role is None:
        return {"role": name if name != TOTAL else "", "tracked_on": PIPELINE}
    return {"role": role.label, "tracked_on": role.tracked_on}


def measure_marketing_share(
    company, coverage: Coverage, roles: Mapping[str, SourceRole | None], *, as_of: date, grain: str, rules: GoalRules
) -> MarketingShare | None:
    """Measure marketing's share of new-business revenue over the last year of ended periods."""
    mine = tuple(name for name, role in roles.items() if role is not None and role.id == MARKETING)
    ended = sorted(coverage.table.loc[coverage.table["bookings"].notna(), "period_start"].unique())
    ended = ended[-12 // MONTHS_IN[grain] :] if ended else []
    if not mine or not ended:
        return None
    first, last = (
        period_of(pd.Timestamp(day).date(), grain, company.fiscal_year_start) for day in (ended[0], ended[-1])
    )
    journeys = build_journeys(company, as_of=as_of)
    deals = journeys.records["deal"]
    won_on = deals.reached["won", "new"]
    won = deals.is_business("new") & (won_on != NO_DAY)
    won &= (won_on >= day_number(first.start)) & (won_on <= day_number(last.end))
    amounts = deals.cents["amount"][won] / 100
    labels = journeys.labels[coverage.source][deals.codes[coverage.source][won]].astype(str)
    is_mine = np.isin(labels, mine)
    n = len(amounts)
    if not n or amounts.sum() <= 0:
        return None
    rng = np.random.default_rng(rules.simulation.seed)
    drawn = rng.integers(0, n, size=(DRAWS, n))
    totals = amounts[drawn].sum(axis=1)
    shares = (amounts * is_mine)[drawn].sum(axis=1) / np.where(totals > 0, totals, np.nan)
    low, high = np.nanquantile(shares, [0.025, 0.975])
    count_low, count_high = wilson_interval(np.array([is_mine.sum()]), np.array([n]))
    return MarketingShare(
        float(amounts[is_mine].sum() / amounts.sum()), float(low), float(high), float(is_mine.mean()),
        float(count_low[0]), float(count_high[0]), n, int(is_mine.sum()), first.start, last.end, mine,
    )  # fmt: skip


def say_source_goals(goals: pd.DataFrame, *, currency: str) -> Finding | None:
    """Say what the first start that can still be helped lacks, and who brings most of it; None without goals."""
    if goals.empty:
        return None
    in_time = goals[~goals["is_late"].astype(bool)]
    part = in_time if len(in_time) else goals
    part = part[part["period_start"] == part["period_start"].min()]
    whole, own = part.iloc[0], part[part["source"] != TOTAL]
    missing = format_value(float(whole["pipeline"]), "currency", currency=currency)
    evidence = {
        "period": whole["label"], "target": float(whole["target"]), "needed_coverage": float(whole["needed_coverage"]),
        "exists": float(whole["exists"]), "n": int(whole["n"]),
        "definition": "needed coverage × target − pipeline due in the period that exists and stays",
    }  # fmt: skip
    if whole["pipeline"] <= 0:
        headline = f"{whole['label']} has the pipeline it needs: no source has to bring more for its start"
        return Finding(headline, "starting_coverage", "all", None, evidence, "", NOTEBOOK, "good")
    usual = float(whole["usual_pipeline"])
    change = float(whole["pipeline"]) / usual - 1 if usual > 0 else float("nan")
    than = ""
    if change == change:
        size = format_value(abs(change), "share", digits=0)
        than = f", {size} {'more' if change > 0 else 'less'} than usually comes by then" if abs(change) >= 0.005 else ""
    most = own.sort_values("pipeline", ascending=False).iloc[0]
    who = f"; {most['source']} the most with {_say_goal(most, currency)}" if len(own) > 1 else ""
    late = (
        " It starts before more can be there: only what is created and closed within it helps."
        if whole["is_late"]
        else ""
    )
    headline = f"Sources have to bring {missing} of pipeline for the start of {whole['label']}{than}{who}"
    step = f"Agree with every source's owner what they bring. {MEANS}{late}"
    severity = "bad" if change == change and change > 0.005 else "note"
    return Finding(headline, "starting_coverage", "all", None, evidence, step, NOTEBOOK, severity)


def _say_goal(row: Mapping, currency: str) -> str:
    if row["tracked_on"] == OPPORTUNITIES and row["opportunities"] == row["opportunities"]:
        return f"{row['opportunities']:,.0f} opportunities"
    return format_value(float(row["pipeline"]), "currency", currency=currency)


def say_marketing_share(found: MarketingShare | None, sources: PipelineSourceRules) -> Finding | None:
    """Say which share of new revenue marketing's sources brought, beside what is commonly quoted; no verdict."""
    if found is None:
        return None
    quoted = sources.marketing_share
    share, low, high = (format_value(value, "share", digits=0) for value in (found.share, found.low, found.high))
    headline = f"Marketing's sources brought {share} of new revenue ({low} to {high}, {found.n} deals won)"
    evidence = {
        "n": found.n, "n_marketing": found.n_marketing, "low": found.low, "high": found.high,
        "deal_share": found.count_share, "deal_share_low": found.count_low, "deal_share_high": found.count_high,
        "period": f"{found.first} to {found.last}", "sources": join_names(found.sources),
        "definition": "new-business revenue won from marketing's sources ÷ all of it; 95 % interval by resampling",
    }  # fmt: skip
    step = (
        f"{quoted.low:.0%} to {quoted.high:.0%} is often quoted ({quoted.source}): a hint, no goal. What counts as "
        f"marketing's: {join_names(found.sources)}."
    ).replace("%", " %")
    return Finding(headline, "revenue_won", "all", None, evidence, step, NOTEBOOK, "note")


def _judge_past(company, coverage: Coverage, generation: PipelineGeneration, grain: str, rules: GoalRules):
    """Hold opportunities generated against typed goals per source, beside the coverage that periods started with."""
    table = coverage.table
    ended = table[(table["source"] == TOTAL) & (table["week"] == 0) & table["bookings"].notna()]
    ended = ended[ended["coverage"].notna() & ended["conversion"].notna()].sort_values("period_start").tail(6)
    typed = group_goals(company.targets, OPPORTUNITIES, coverage.source) if coverage.source else {}
    rows = []
    for start in ended["period_start"]:
        period = period_of(pd.Timestamp(start).date(), grain, company.fiscal_year_start)
        made = generation.generated[generation.generated["period_start"] == start]
        for name, n in zip(made["source"], made["opportunities"], strict=True):
            goal = find_target(typed.get(name, {}), period)
            rows.append({"source": name, "pipeline": float(n), "goal": goal[0] if goal else np.nan})
    frame = pd.DataFrame(rows, columns=["source", "pipeline", "goal"])
    tolerance = rules.coverage.steady_tolerance
    return judge_pipegen(frame, ended["coverage"].tolist(), ended["conversion"].tolist(), tolerance=tolerance)
