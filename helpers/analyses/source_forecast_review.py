"""The source owners' forecasts beside the model's: what periods start with by either, who covers what is missing, and
how past forecasts turned out.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pandas as pd

from helpers.analyses.coverage import TOTAL, Coverage
from helpers.analyses.finding import Finding
from helpers.analyses.pipeline_generation import PipelineGeneration, measure_generation
from helpers.analyses.source_forecast_words import list_forecast_findings
from helpers.analyses.source_goals import find_roles
from helpers.model.goal import GoalRules, load_goal_rules
from helpers.model.pipeline_source import PIPELINE, PipelineSourceRules, load_pipeline_sources
from helpers.model.source_forecast import SourceForecast, SourceForecasts
from helpers.periods import Period, period_of

COMPARED_COLUMNS = [
    "period_start", "label", "source", "role", "tracked_on", "owner", "said_on", "owner_pipeline",
    "owner_opportunities", "note", "model_pipeline", "model_low", "model_high", "model_opportunities", "n",
    "is_derived",
]  # fmt: skip
START_COLUMNS = [
    "period_start", "label", "target", "needed_coverage", "needed", "model_start", "model_start_low",
    "model_start_high", "model_coverage", "model_short", "owner_start", "owner_coverage", "owner_short", "n_sources",
    "n_forecast", "covered_by", "remedy", "amount", "due", "status", "agreed_by", "agreed_on", "n_changes",
]  # fmt: skip
RECORD_COLUMNS = [
    "owner", "source", "period_start", "label", "said_on", "forecast", "actual", "forecast_n", "actual_n", "tracked_on",
]  # fmt: skip
BIAS_COLUMNS = ["owner", "n", "forecast", "actual", "bias", "tracked_on"]
GRACE = timedelta(days=14)
"""A forecast said this soon after a period began still counts: the standing meeting is held in its first weeks."""


@dataclass(frozen=True)
class SourceForecastReview:
    """The owners' forecasts and what follows from them.

    Attributes:
        compared: One row per period to come and source with ``COMPARED_COLUMNS``: pipeline (currency) and opportunities
            that the owner expects to be generated in the period, and the model's with its interval; blank where the
            owner said nothing. ``is_derived``: the owner's pipeline is the typed number of opportunities × their usual
            amount.
        starts: One row per period to come with ``START_COLUMNS``: the starting pipeline and coverage by the model (with
            the interval of what is still to be generated) and by the owners (the model's where an owner said nothing),
            what is short of needed coverage × target (negative: to spare), and the remedy that holds.
        record: One row per owner, source and ended period with ``RECORD_COLUMNS``: the last forecast said up to two
            weeks after it began, and what came (money, and number of opportunities).
        bias: One row per owner with ``BIAS_COLUMNS``: ``n`` forecasts, sums of forecast and actual in what the source
            is tracked on, and ``bias`` = forecast ÷ actual − 1 (above 0: forecast too much).
        remedies: Everything ever agreed, oldest first.
        findings: What to say, in order.
        title: The most important one.
        reason: Why there is nothing to compare, and the cure.
        has_forecasts: Whether any owner has entered anything.
    """

    compared: pd.DataFrame
    starts: pd.DataFrame
    record: pd.DataFrame
    bias: pd.DataFrame
    remedies: pd.DataFrame
    findings: list[Finding] = field(default_factory=list)
    title: str = ""
    reason: str = ""
    cure: str = ""
    has_forecasts: bool = False

    @property
    def is_available(self) -> bool:
        """Whether there is a model's forecast to compare with."""
        return not self.reason


def review_source_forecasts(
    company,
    coverage: Coverage,
    forecasts: SourceForecasts | None = None,
    *,
    as_of: date,
    grain: str = "quarter",
    rules: GoalRules | None = None,
    sources: PipelineSourceRules | None = None,
) -> SourceForecastReview:
    """Set the owners' forecasts beside the model's.

    Args:
        company: The opened company.
        coverage: As measured for the same day and grain, with the targets that hold (``CoverageReview.coverage``).
        forecasts: What owners entered; the company's answers where None.
        as_of: The last day that counts.
        grain: The length of a period.
        rules: What ``goals.toml`` says.
        sources: What ``pipeline_sources.toml`` says.

    Returns:
        The review; with a reason where coverage is unavailable. The coverage implied by the owners: what is open now
        and stays, and of what they expect to generate before the start the share that has usually been due in the
        period then.
    """
    rules, sources = rules or load_goal_rules(), sources or load_pipeline_sources()
    if forecasts is None:
        forecasts = getattr(company.answers, "source_forecasts", None) or SourceForecasts()
    remedies = _list_remedies(forecasts)
    if not coverage.is_available:
        empty = (
            pd.DataFrame(columns=names) for names in (COMPARED_COLUMNS, START_COLUMNS, RECORD_COLUMNS, BIAS_COLUMNS)
        )
        title = "The owners' forecasts can't be held against a model's yet"
        has_any = bool(forecasts.list_current(grain=grain))
        return SourceForecastReview(*empty, remedies, [], title, coverage.reason, coverage.cure, has_any)
    generation = measure_generation(company, coverage, as_of=as_of, grain=grain, rules=rules)
    roles = find_roles(company, coverage, as_of=as_of, sources=sources)
    tracked = {name: (role.label, role.tracked_on) for name, role in roles.items() if role is not None}
    fiscal = company.fiscal_year_start
    starts = sorted(generation.starting["period_start"].unique())
    periods = [period_of(pd.Timestamp(start).date(), grain, fiscal) for start in starts]
    latest = _choose_latest(forecasts.list_current(grain=grain))
    compared = _compare(periods, latest, generation, tracked)
    table = _tabulate_starts(periods, compared, coverage, generation, forecasts, as_of)
    record = _look_back(forecasts, generation, tracked, grain, fiscal)
    bias = _measure_bias(record)
    has_any = bool(latest)
    findings = list_forecast_findings(table, compared, bias, as_of=as_of, currency=company.currency)
    title = findings[0].headline if findings else "No owner has entered a forecast yet"
    return SourceForecastReview(compared, table, record, bias, remedies, findings, title, has_forecasts=has_any)


def _choose_latest(current: list[SourceForecast]) -> dict[tuple[str, date], SourceForecast]:
    """Take the latest forecast of each source and period, whoever said it."""
    return {(one.source, one.period_start): one for one in current}


def _compare(
    periods: list[Period],
    latest: dict[tuple[str, date], SourceForecast],
    generation: PipelineGeneration,
    tracked: dict[str, tuple[str, str]],
) -> pd.DataFrame:
    model = generation.expected.set_index(["period_start", "source"])
    names = [name for name in dict.fromkeys(generation.expected["source"]) if name != TOTAL] or [TOTAL]
    names += sorted({source for source, _ in latest} - set(names))
    pooled = np.mean(list(generation.sizes.values())) if generation.sizes else np.nan
    rows = []
    for period in periods:
        start = pd.Timestamp(period.start)
        for name in names:
            said = latest.get((name, period.start))
            role, on = tracked.get(name, (name if name != TOTAL else "", PIPELINE))
            row = {"period_start": start, "label": period.label, "source": name, "role": role, "tracked_on": on}
            if (start, name) in model.index:
                cell = model.loc[(start, name)]
                row |= {"model_pipeline": cell["pipeline"], "model_low": cell["pipeline_low"], "n": cell["n"]}
                row |= {"model_high": cell["pipeline_high"], "model_opportunities": cell["opportunities"]}
            if said is not None:
                is_derived = said.pipeline is None
                size = generation.sizes.get(name, pooled)
                money = said.opportunities * size if is_derived else said.pipeline
                row |= {"owner": said.author, "said_on": pd.Timestamp(said.at.date()) if said.at else pd.NaT}
                row |= {"owner_pipeline": money, "owner_opportunities": said.opportunities, "note": said.note}
                row |= {"is_derived": is_derived}
            rows.append(row)
    table = pd.DataFrame(rows).reindex(columns=COMPARED_COLUMNS)
    numbers = [name for name in COMPARED_COLUMNS if name.startswith(("owner_", "model_")) or name == "n"]
    table[numbers] = table[numbers].astype("float64")
    table["is_derived"] = table["is_derived"].eq(True)
    for name in ("owner", "note"):
        table[name] = table[name].astype("str").where(table[name].notna(), "")
    return table


def _tabulate_starts(
    periods: list[Period],
    compared: pd.DataFrame,
    coverage: Coverage,
    generation: PipelineGeneration,
    forecasts: SourceForecasts,
    as_of: date,
) -> pd.DataFrame:
    whole = coverage.table[(coverage.table["source"] == TOTAL) & (coverage.table["week"] == 0)].set_index(
        "period_start"
    )
    taken = compared.assign(used=compared["owner_pipeline"].fillna(compared["model_pipeline"]))
    rows = []
    for period in periods:
        start = pd.Timestamp(period.start)
        cell = whole.loc[start]
        needed = cell["needed_coverage"] * cell["target"]
        owner_start = _imply_start(start, taken, generation, period, as_of)
        said = taken[taken["period_start"] == start]
        row = {
            "period_start": start, "label": period.label, "target": cell["target"], "needed": needed,
            "needed_coverage": cell["needed_coverage"], "model_start": cell["forecast"], "owner_start": owner_start,
            "n_sources": len(said), "n_forecast": int(said["owner_pipeline"].notna().sum()),
        }  # fmt: skip
        row |= _bound_start(start, generation)
        for who in ("model", "owner"):
            row[f"{who}_coverage"] = row[f"{who}_start"] / cell["target"] if cell["target"] > 0 else np.nan
            row[f"{who}_short"] = needed - row[f"{who}_start"]
        rows.append(row | _tell_remedy(forecasts, period))
    table = pd.DataFrame(rows).reindex(columns=START_COLUMNS)
    table["amount"] = table["amount"].astype("float64")
    for name in ("due", "agreed_on"):
        table[name] = pd.to_datetime(table[name])
    return table


def _imply_start(
    start: pd.Timestamp, taken: pd.DataFrame, generation: PipelineGeneration, period: Period, as_of: date
) -> float:
    """Return the pipeline that a period starts with if every owner generates what was forecast."""
    starting = generation.starting[generation.starting["period_start"] == start].set_index("source")
    ahead = taken[taken["period_start"] < start]
    first = taken["period_start"].min()
    gap = (first.date() - as_of).days - 1
    usual = ahead.groupby("source")["model_pipeline"].sum()
    theirs = ahead.groupby("source")["used"].sum()
    if gap > 0:  # what the running period still brings, at the pace of the next one
        running = taken[taken["period_start"] == first].set_index("source")["model_pipeline"] * gap / period.days
        usual, theirs = usual.add(running, fill_value=0.0), theirs.add(running, fill_value=0.0)
    own = starting.drop(index=TOTAL) if len(starting) > 1 else starting
    lands = own["arriving"].sum() / usual.sum() if usual.sum() > 0 else 0.0
    total = float(own["stays"].sum(min_count=1))
    for name in theirs.index:
        known = name in own.index and usual.get(name, 0.0) > 0
        share = own.loc[name, "arriving"] / usual[name] if known else lands
        total += float(share * np.nan_to_num(theirs[name]))
    return total


def _bound_start(start: pd.Timestamp, generation: PipelineGeneration) -> dict[str, float]:
    """Return the interval of the model's start: that of what sources generate, on the part that is still to arrive."""
    starting = generation.starting[generation.starting["period_start"] == start]
    whole = starting[starting["source"] == TOTAL].iloc[0]
    usual = generation.expected[generation.expected["source"] == TOTAL].iloc[0]
    ends = {}
    for end in ("low", "high"):
        ratio = usual[f"pipeline_{end}"] / usual["pipeline"] if usual["pipeline"] > 0 else 1.0
        ends[f"model_start_{end}"] = float(whole["stays"] + whole["arriving"] * ratio)
    return ends


def _tell_remedy(forecasts: SourceForecasts, period: Period) -> dict[str, object]:
    held = forecasts.find_remedy(period.grain, period.start)
    told = {"n_changes": len(forecasts.list_remedies(period.grain, period.start))}
    if held is None:
        return {**told, "covered_by": "", "remedy": "", "status": "", "agreed_by": ""}
    when = pd.Timestamp(held.at.date()) if held.at else pd.NaT
    told |= {"covered_by": held.covered_by, "remedy": held.remedy, "due": held.due, "status": held.status}
    told |= {"amount": np.nan if held.amount is None else float(held.amount)}
    return told | {"agreed_by": held.author, "agreed_on": when}


def _list_remedies(forecasts: SourceForecasts) -> pd.DataFrame:
    columns = ["period_start", "grain", "covered_by", "remedy", "amount", "due", "status", "author", "at"]
    return pd.DataFrame([{name: getattr(one, name) for name in columns} for one in forecasts.remedies], columns=columns)


def _look_back(
    forecasts: SourceForecasts,
    generation: PipelineGeneration,
    tracked: dict[str, tuple[str, str]],
    grain: str,
    fiscal_year_start: int,
) -> pd.DataFrame:
    """Hold the last forecast said in time for each ended period against what came."""
    actual = generation.generated.set_index(["period_start", "source"])
    held: dict[tuple[str, str, date], SourceForecast] = {}
    for one in forecasts.forecasts:
        in_time = one.at is not None and one.at.date() < one.period_start + GRACE
        if one.grain == grain and in_time and (pd.Timestamp(one.period_start), one.source) in actual.index:
            held[one.author, one.source, one.period_start] = one
    rows = []
    for (owner, source, start), one in sorted(held.items(), key=lambda item: item[0]):
        if one.is_blank:
            continue
        came = actual.loc[(pd.Timestamp(start), source)]
        rows.append(
            {
                "owner": owner, "source": source, "period_start": pd.Timestamp(start),
                "label": period_of(start, grain, fiscal_year_start).label, "said_on": pd.Timestamp(one.at.date()),
                "forecast": one.pipeline, "actual": float(came["pipeline"]), "forecast_n": one.opportunities,
                "actual_n": int(came["opportunities"]), "tracked_on": tracked.get(source, ("", PIPELINE))[1],
            }
        )  # fmt: skip
    table = pd.DataFrame(rows, columns=RECORD_COLUMNS)
    table[["forecast", "forecast_n"]] = table[["forecast", "forecast_n"]].astype("float64")
    return table


def _measure_bias(record: pd.DataFrame) -> pd.DataFrame:
    """Sum up each owner's forecasts and what came of them, in what the source is tracked on as far as that was said."""
    rows = []
    for owner, part in record.groupby("owner", sort=True):
        by_count = part["forecast_n"].notna() & ((part["tracked_on"] != PIPELINE) | part["forecast"].isna())
        for on, said, came, mine in (
            ("opportunities", "forecast_n", "actual_n", part[by_count]),
            ("pipeline", "forecast", "actual", part[~by_count]),
        ):
            if mine.empty:
                continue
            forecast, actual = float(mine[said].sum()), float(mine[came].sum())
            bias = forecast / actual - 1 if actual > 0 else np.nan
            rows.append((owner, len(mine), forecast, actual, bias, on))
    return pd.DataFrame(rows, columns=BIAS_COLUMNS)
