"""The owners' forecasts in words: the next start by their sum, who covers what is missing, whose run high."""

from datetime import date

import pandas as pd

from helpers.analyses.coverage_words import NOTEBOOK, say_times
from helpers.analyses.finding import Finding
from helpers.analyses.pipegen_pattern import join_names
from helpers.model.source_forecast import STATUSES
from helpers.units import format_value

OPEN = ("proposed", "agreed", "under_way")
BIASED = 0.10
ENOUGH = 2
"""So many past forecasts are needed before anybody is called biased."""


def list_forecast_findings(
    starts: pd.DataFrame, compared: pd.DataFrame, bias: pd.DataFrame, *, as_of: date, currency: str
) -> list[Finding]:
    """Say what follows from the owners' forecasts, the most important first.

    Args:
        starts: As in ``SourceForecastReview.starts``.
        compared: As in ``SourceForecastReview.compared``.
        bias: As in ``SourceForecastReview.bias``.
        as_of: The last day that counts.
        currency: ISO code.
    """
    found = [
        _say_start(starts, compared, currency),
        *_say_overdue(starts, as_of, currency),
        _say_outside(compared, currency),
        *_say_bias(bias),
    ]
    return [finding for finding in found if finding is not None]


def say_remedy(row: pd.Series, currency: str) -> str:
    """Say who covers how much of a shortfall and what was agreed; empty where nothing was."""
    amount = row["amount"]
    if not (row["covered_by"] or row["remedy"] or amount > 0):
        return ""
    much = format_value(float(amount), "currency", currency=currency) if amount > 0 else ""
    said = f"{row['covered_by']} covers {much or 'it'}" if row["covered_by"] else f"remedy{f' of {much}' * bool(much)}"
    said += f": {row['remedy'].rstrip('.')}" if row["remedy"] else ""
    due = f", due {row['due'].day} {row['due']:%b %Y}" if pd.notna(row["due"]) else ""
    return f"{said} ({STATUSES.get(row['status'], row['status'])}{due})"


def _say_start(starts: pd.DataFrame, compared: pd.DataFrame, currency: str) -> Finding | None:
    """Say how the first period that forecasts can move starts by the owners' sum."""
    known = starts[starts["owner_coverage"].notna() & starts["needed_coverage"].notna()]
    if known.empty or not compared["owner_pipeline"].notna().any():
        return None
    moved = known[(known["owner_start"] - known["model_start"]).abs() > 0.5]
    row = (moved if len(moved) else known).iloc[0]
    amount = format_value(abs(float(row["owner_short"])), "currency", currency=currency)
    is_short = row["owner_short"] > 0
    headline = (
        f"By its owners' forecasts {row['label']} starts with {say_times(row['owner_coverage'])} coverage where "
        f"{say_times(row['needed_coverage'])} is needed: {amount} {'short' if is_short else 'to spare'}; the model "
        f"says {say_times(row['model_coverage'])}"
    )
    agreed = say_remedy(row, currency)
    if is_short:
        step = f"{agreed}." if agreed else "Agree now who covers it, with which remedy, by when."
    else:
        step = _say_means(row, compared)
    evidence = {
        "period": row["label"], "needed": float(row["needed"]), "owner_start": float(row["owner_start"]),
        "model_start": float(row["model_start"]), "n": int(row["n_forecast"]), "n_sources": int(row["n_sources"]),
        "definition": "what is open now and stays + what owners expect to generate × the share usually due in it",
    }  # fmt: skip
    money = -float(row["owner_short"] / row["needed_coverage"]) if is_short else None
    return Finding(headline, "starting_coverage", "all", money, evidence, step, NOTEBOOK, "bad" if is_short else "good")


def _say_means(row: pd.Series, compared: pd.DataFrame) -> str:
    """Say that a source below the model is no matter where the sum suffices."""
    before = compared[(compared["period_start"] < row["period_start"]) & compared["owner_pipeline"].notna()]
    sums = before.groupby("source")[["owner_pipeline", "model_pipeline"]].sum()
    short = [name for name, part in sums.iterrows() if part["owner_pipeline"] < 0.95 * part["model_pipeline"]]
    over = [name for name, part in sums.iterrows() if part["owner_pipeline"] > 1.05 * part["model_pipeline"]]
    if short and over:
        return f"{join_names(short)} short and {join_names(over)} over: that is fine, since the sum suffices."
    return ""


def _say_overdue(starts: pd.DataFrame, as_of: date, currency: str) -> list[Finding]:
    found = []
    for _, row in starts.iterrows():
        if row["status"] in OPEN and pd.notna(row["due"]) and row["due"].date() < as_of:
            headline = f"The remedy for {row['label']} was due on {row['due'].day} {row['due']:%b %Y} and isn't done"
            evidence = {"period": row["label"], "remedy": row["remedy"], "status": row["status"]}
            step = f"{say_remedy(row, currency)}. Ask {row['covered_by'] or row['agreed_by']} how it stands."
            found.append(Finding(headline, "starting_coverage", "all", None, evidence, step, NOTEBOOK, "bad"))
    return found


def _say_outside(compared: pd.DataFrame, currency: str) -> Finding | None:
    """Name the forecast that lies furthest outside what its source's history lets one expect."""
    known = compared[compared["owner_pipeline"].notna() & compared["model_low"].notna()]
    over, under = known["owner_pipeline"] - known["model_high"], known["model_low"] - known["owner_pipeline"]
    far = pd.concat([over, under], axis=1).max(axis=1) if len(known) else pd.Series(dtype=float)
    if far.empty or far.max() <= 0:
        return None
    row = known.loc[far.idxmax()]
    said, low, high = (
        format_value(float(row[key]), "currency", currency=currency)
        for key in ("owner_pipeline", "model_low", "model_high")
    )
    more = "more" if row["owner_pipeline"] > row["model_high"] else "less"
    headline = (
        f"{row['owner']} expects {said} of pipeline from {row['source']} in {row['label']}, {more} than its history "
        f"lets one expect ({low} to {high})"
    )
    evidence = {
        "period": row["label"],
        "n": int(row["n"]),
        "low": float(row["model_low"]),
        "high": float(row["model_high"]),
    }
    evidence["definition"] = "80 % interval of what the source has generated per period"
    step = (
        f"Ask what is different this time. Note: {row['note']}" if row["note"] else "Ask what is different this time."
    )
    return Finding(headline, "", f"source={row['source']}", None, evidence, step, NOTEBOOK, "note")


def _say_bias(bias: pd.DataFrame) -> list[Finding]:
    found = []
    for _, row in bias.iterrows():
        if row["n"] < ENOUGH or not abs(row["bias"]) >= BIASED:
            continue
        size = format_value(abs(float(row["bias"])), "share", digits=0)
        way = "more" if row["bias"] > 0 else "less"
        unit = "opportunities" if row["tracked_on"] == "opportunities" else "pipeline"
        headline = f"{row['owner']} has forecast {size} {way} {unit} than came, over {int(row['n'])} forecasts"
        evidence = {"n": int(row["n"]), "forecast": float(row["forecast"]), "actual": float(row["actual"])}
        evidence["definition"] = "sum of forecasts ÷ sum of what came − 1; said up to two weeks into the period"
        step = "Read the next forecasts with that in mind."
        found.append(Finding(headline, "", "all", None, evidence, step, NOTEBOOK, "note"))
    return found
