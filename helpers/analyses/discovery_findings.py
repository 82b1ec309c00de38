"""What the KPI discovery matrix found, in sentences: how much can be tracked, what is missing, what comes next."""

from collections.abc import Iterable

import pandas as pd

from helpers.analyses.activation import score_coverage
from helpers.analyses.finding import Finding
from helpers.analyses.judgement_trend import JudgementTrend
from helpers.analyses.rollup_layers import RollupCheck
from helpers.engine.doubt import wilson_interval
from helpers.units import format_value, in_sentence

NOTEBOOK = "02_kpi_discovery"
LARGE_DROP = 0.05
"""From this drop of a fill rate on, lately against ever, a field counts as neglected."""

LARGE_GAP = 0.05
"""From this share of an object's records on, a break between two layers is told as a finding."""

SIGNIFICANCE = 0.05
"""Chance of calling any field neglected that isn't, over all fields looked at."""


def headline_discovery(discovery: pd.DataFrame) -> str:
    """Say in one sentence how many of the wanted secondary KPIs can be tracked today.

    >>> headline_discovery(pd.DataFrame({"is_wanted": [True, True], "light": ["available", "unavailable"]}))
    '1 of 2 wanted secondary KPIs can be tracked today'
    """
    wanted = int(discovery["is_wanted"].sum())
    return f"{count_trackable(discovery)} of {wanted} wanted secondary KPIs can be tracked today"


def count_trackable(discovery: pd.DataFrame) -> int:
    """Count the wanted secondary KPIs that can be tracked today: the field is available, and the primary KPI too.

    >>> kpis = {"kpi": ["leads", "leads", "live"], "dimension": ["source", "", "source"]}
    >>> lights = {"is_wanted": [True, False, True], "light": ["available", "unavailable", "available"]}
    >>> count_trackable(pd.DataFrame(kpis | lights))
    1
    """
    counted = discovery["is_wanted"] & (discovery["light"] == "available")
    if {"kpi", "dimension"} <= set(discovery.columns):
        untold = discovery.loc[(discovery["dimension"] == "") & (discovery["light"] == "unavailable"), "kpi"]
        counted &= ~discovery["kpi"].isin(untold)
    return int(counted.sum())


def find_discovery_findings(
    discovery: pd.DataFrame,
    activations: pd.DataFrame,
    secondaries: pd.DataFrame,
    copies: pd.DataFrame,
    trend: JudgementTrend | None = None,
    rollups: RollupCheck | None = None,
) -> list[Finding]:
    """Turn the matrix into findings.

    Args:
        discovery: What ``build_discovery`` returns.
        activations: What ``rank_activations`` returns.
        secondaries: What ``list_secondaries`` returns.
        copies: What ``list_copies`` returns.
        trend: What ``build_judgement_trend`` returns.
        rollups: What ``check_rollup_layers`` returns.

    Returns:
        Findings: how much can be tracked, fields that stopped being filled, what to activate next, the copy that fills
        most records, where people and CRM contradict each other on what can be tracked, plans that are overdue, how the
        judgements moved, and where the layers of attribution and geography break. A fall that chance may explain is
        none.
    """
    found = [_coverage(discovery), _next(activations), _copy(copies), _surprise(secondaries)]
    found += [_overdue(trend), _moved(trend)] if trend else []
    found += [_layers(rollups)] if rollups else []
    return [*_decaying(discovery), *(finding for finding in found if finding)]


def _coverage(discovery: pd.DataFrame) -> Finding | None:
    score = score_coverage(discovery)
    if score is None:
        return None
    counts = discovery.loc[discovery["is_wanted"], "light"].value_counts()
    return Finding(
        headline=headline_discovery(discovery),
        evidence={
            "coverage score": format_value(score, "share"),
            "adoption needed": int(counts.get("adoption_needed", 0)),
            "unavailable": int(counts.get("unavailable", 0)),
            "definition": "Available counts 1, adoption needed a half, over all wanted fields of every primary KPI.",
        },
        next_step="Activate one or two a quarter, in the order of the list.",
        notebook=NOTEBOOK,
    )


def _decaying(discovery: pd.DataFrame) -> Iterable[Finding]:
    fields = discovery[(discovery["dimension"] != "") & discovery["fill_rate_90d"].notna()]
    drop = fields["fill_rate"] - fields["fill_rate_90d"]
    recent, n = fields["fill_rate_90d"].to_numpy(), fields["n_90d"].to_numpy("float64")
    _, high = wilson_interval(recent * n, n, 1 - SIGNIFICANCE / max(len(fields), 1))
    fields = fields.assign(drop=drop)[(drop >= LARGE_DROP) & (high < fields["fill_rate"].to_numpy())]
    worst = fields.sort_values("drop", ascending=False, kind="stable").drop_duplicates(["dimension", "object"]).head(2)
    for row in worst.to_dict("records"):
        fill, recent = (format_value(row[column], "share") for column in ("fill_rate", "fill_rate_90d"))
        yield Finding(
            headline=f"{row['label']} of the {row['object']} is filled less and less: {fill} ever, {recent} in 90 days",
            kpi=row["kpi"],
            slice=row["dimension"],
            evidence={
                "n": int(row["n"]),
                "n in 90 days": int(row["n_90d"]),
                "definition": f"Share of the records of {row['kpi']} that carry the field.",
            },
            next_step="Find the day from which it is missing, and what was changed on that day.",
            notebook=NOTEBOOK,
            severity="bad",
        )


def _next(activations: pd.DataFrame) -> Finding | None:
    if activations.empty:
        return None
    row = activations.iloc[0]
    after = format_value(row["score_after"], "share")
    planned = {"planned": row["planned"]} if row["planned"] else {}
    *others, last = str(row["objects"]).split(", ")
    objects = f"{', '.join(others)} and {last}" if others else last
    return Finding(
        headline=f"Activate {in_sentence(row['label'])} on {objects} next: it would let you see {row['lets']}",
        slice=str(row["dimension"]),
        evidence={
            "secondary KPIs": int(row["n_kpis"]),
            "effort": row["effort"],
            "coverage score after": after,
            **planned,
        },
        next_step=str(row["cure"]),
        notebook=NOTEBOOK,
    )


def _copy(copies: pd.DataFrame) -> Finding | None:
    open_copies = copies[copies["state"].isin(["wanted", "followed"]) & copies["n_fillable"].fillna(0).gt(0)]
    if open_copies.empty:
        return None
    row = open_copies.sort_values("n_fillable", ascending=False, kind="stable").iloc[0]
    n, of = int(row["n_fillable"]), int(row["n_records"])
    target = str(row["to_object"])
    return Finding(
        headline=f"Copying {row['label'].lower()} to the {target} would fill {n:,} of {of:,} {target}s",
        slice=str(row["dimension"]),
        evidence={"n": of, "from": row["from_object"], "reason": row["reason"]},
        next_step=f"Let the CRM copy it when the {target} is created, and once for those that are there.",
        notebook=NOTEBOOK,
    )


def _surprise(secondaries: pd.DataFrame) -> Finding | None:
    rows = secondaries[secondaries["surprise"] != ""]
    if rows.empty:
        return None
    names = ", ".join(rows["secondary"].head(3))
    return Finding(
        headline=f"People and CRM contradict each other on what can be tracked: {names}",
        evidence={"secondary KPIs": len(rows)},
        next_step="Open each in the CRM together and settle it.",
        notebook=NOTEBOOK,
    )


def _overdue(trend: JudgementTrend) -> Finding | None:
    late = trend.overdue
    if late.empty:
        return None
    row = late.iloc[0]
    where = f" on {str(row['objects']).replace(', ', ' and ')}" if row["objects"] else ""
    others = f", and {len(late) - 1} more" if len(late) > 1 else ""
    return Finding(
        headline=f"{row['label']}{where} was to be available by {row['planned']} and is not{others}",
        kpi=str(row["kpi"]),
        slice=str(row["dimension"]),
        evidence={"plans overdue": len(late), "owner": row["owner"] or "nobody named"},
        next_step="Plan it anew with an owner, or decide that it isn't wanted.",
        notebook=NOTEBOOK,
        severity="bad",
    )


def _moved(trend: JudgementTrend) -> Finding | None:
    last = trend.quarters.iloc[-1] if len(trend.quarters) > 1 else None
    if last is None or not last["n_same"] or last["score_same"] == last["score_before"]:
        return None
    return Finding(
        headline=trend.sentence,
        evidence={
            "cells judged by the end of both quarters": int(last["n_same"]),
            "definition": "Available counts 1, adoption needed a half; a judgement stands until somebody changes it.",
        },
        next_step="Go through the fields that turned, the worse ones first.",
        notebook=NOTEBOOK,
        severity="good" if last["score_same"] > last["score_before"] else "bad",
    )


def _layers(rollups: RollupCheck) -> Finding | None:
    """Tell the largest break of attribution or geography; visits alone, which are only counted, make none."""
    gaps = rollups.gaps
    gaps = gaps[(gaps["family"] != "") & (gaps["object"] != "session") & (gaps["share"] >= LARGE_GAP)]
    if gaps.empty:
        return None
    row = gaps.iloc[0]
    paste = " The roll-up to paste stands on this page." if row["kind"] in ("missing_above", "no_parent") else ""
    return Finding(
        headline=rollups.sentence,
        slice=str(row["family"]),
        evidence={"n": int(row["n"]), "share": format_value(row["share"], "share"), "gaps": len(gaps)},
        next_step=f"{row['cure']}{paste if rollups.toml else ''}",
        notebook=NOTEBOOK,
    )
