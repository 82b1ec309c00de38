"""What the explorer's script is handed: every text written, every length a share of its track."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from helpers.analyses.exploration import Exploration
from helpers.analyses.exploration_answer import Answer, Panel
from helpers.analyses.exploration_state import ExplorerState
from helpers.analyses.slicing_others import OTHERS
from helpers.present import words
from helpers.present.charts.overview import say_measure
from helpers.present.explorer.writing import Writer, cut_name, number_or_none
from helpers.units import in_sentence

LATE = {"outcome": "known only with the outcome", "during": "known only while under way"}
CLICK = "Click a bar to filter the rest"


def describe_view(answer: Answer, exploration: Exploration) -> dict[str, Any]:
    """Describe what is on screen.

    Args:
        answer: What the exploration found.
        exploration: Which it found it in.
    """
    state, kpi, company = answer.state, answer.kpi, exploration.company
    writer = Writer(kpi.unit, kpi.direction, company.currency)
    view: dict[str, Any] = {
        "state": describe_state(state),
        "notice": answer.notice,
        "chips": describe_chips(state, company),
        "crumb": f"{kpi.label}, everything",
        "invitation": CLICK if state.by else "Choose a partition to cut by",
        "status": "ready",
        "total": {"text": "", "change": "", "tone": "grey", "n": ""},
    }
    if answer.refusal or not answer.total or not answer.total.get("n"):
        return view | _say_nothing(answer, company)
    total, _ = writer.change(answer.total)
    view["total"] = {
        "text": writer.value(answer.total["value"]),
        "change": f"{total} {_against(answer)}".strip() if total else "",
        "tone": writer.change(answer.total)[1],
        "n": words.say_n(answer.total["n"]),
    }
    view |= {"title": words.clean_text(answer.headline), "subtitle": _subtitle(answer, company, exploration.as_of)}
    is_bars = state.chart == "bars" or len(answer.panels) == 0 or state.chart == "trend"
    view["panels"] = [describe_panel(panel, answer, writer, exploration) for panel in answer.panels]
    for panel in view["panels"][1:]:
        panel["hint"] = ""
    if not is_bars:
        view["panels"] = view["panels"] if state.chart == "funnel" else []
    return view | {"trend": describe_trend(answer, writer)}


def describe_state(state: ExplorerState) -> dict[str, Any]:
    """Describe what is chosen."""
    names = ("kpi", "grain", "end", "start", "compare_to", "compare_start", "compare_end", "basis", "top_n", "chart")
    return {name: getattr(state, name) for name in names} | {"by": list(state.by)}


def describe_chips(state: ExplorerState, company: Any) -> list[dict[str, Any]]:
    """Describe every value that is filtered by; ``number`` filters are left when its crumb is chosen."""
    chips = []
    for number, one in enumerate(state.filters, start=1):
        known = company.partitions.get(one.partition)
        label = known.label if known else words.label_of(one.partition)
        for value in one.values:
            text = f"{label} {'is not' if one.is_out else 'is'} {cut_name(value)}"
            chips.append({"partition": one.partition, "value": value, "text": text, "number": number})
    return chips


def describe_panel(panel: Panel, answer: Answer, writer: Writer, exploration: Exploration) -> dict[str, Any]:
    """Describe the slices of one partition; lengths are shares of the widest."""
    frame, kpi = panel.frame, answer.kpi
    rows = frame.to_dict("records")
    top = _top(rows, is_rate=kpi.is_rate)
    is_filtered = bool(frame["is_chosen"].any()) or answer.state.find_filter(panel.partition) is not None
    before = _against(answer)
    named = "" if answer.state.filters else answer.headline
    described = []
    for place, row in enumerate(rows):
        is_rest = panel.left_out > 0 and place == len(rows) - 1 and row["slice"] == OTHERS
        name = f"{OTHERS} ({panel.left_out})" if is_rest else cut_name(row["slice"])
        change, tone = writer.change(row)
        low, high = (_share(row[side], top) for side in ("low", "high"))
        described.append(
            {
                "key": str(row["slice"]),
                "name": name,
                "value": number_or_none(row["value"]),
                "n": number_or_none(row["n"]) or 0,
                "value_text": writer.value(row["value"]).replace("not available", "–"),
                "change_text": change,
                "tone": tone,
                "n_text": words.say_n(row["n"]),
                "share": _share(row["value"], top),
                "low": low if high is not None else None,
                "high": high,
                "before": _share(row["previous_value"], top),
                "whole": _share(row["company_value"], top) if kpi.is_rate else None,
                "is_small": bool(row["is_small"]),
                "is_open": not row["is_complete"],
                "is_chosen": bool(row["is_chosen"]),
                "is_dim": is_filtered and not row["is_chosen"],
                "is_rest": is_rest,
                "is_named": bool(named) and len(rows) > 1 and f" {row['slice']}" in f" {named}",
                "words": writer.row(name, row, before) + (", filtered by" if row["is_chosen"] else ""),
            }
        )
    return {
        "partition": panel.partition,
        "label": panel.label,
        "rows": described,
        "hint": _hint(answer, kpi),
        "note": "" if described else "No record has a value here.",
        "levels": _levels(panel.partition, answer, exploration),
    }


def describe_trend(answer: Answer, writer: Writer) -> dict[str, Any]:
    """Describe the periods up to the one shown, and the lines of slices where they are asked for."""
    small = answer.total.get("n", 0)
    points = _points(answer.trend, answer, writer)
    lines = [
        {"name": cut_name(name), "points": _points(frame, answer, writer), "is_named": place == 0}
        for place, (name, frame) in enumerate(answer.lines.items())
    ]
    values = [one["value"] for line in [points, *(line["points"] for line in lines)] for one in line]
    highs = [one["high"] for one in points if not lines and one["high"] is not None]
    top = max([value for value in [*values, *highs] if value is not None], default=1.0) or 1.0
    top = min(top, 1.0) if answer.kpi.unit == "share" and top <= 1 else top
    hint = "Click a point to look at that period" if not lines and answer.state.grain != "custom" else ""
    return {
        "points": points,
        "lines": lines,
        "hint": hint,
        "ticks": make_ticks(top, writer),
        "words": f"{answer.kpi.label} over {len(points)} periods, {small:,.0f} records in the last",
    }


def describe_joint(answer: Answer, writer: Writer, company: Any) -> dict[str, Any]:
    """Describe all partitions together as a table; of more slices than named the rest is counted below it."""
    labels = [company.partitions[name].label for name in answer.state.by]
    frame = answer.joint if len(answer.state.by) > 1 else answer.panels[0].frame if answer.panels else pd.DataFrame()
    most = max(answer.state.top_n, 12) if len(answer.state.by) > 1 else len(frame)
    rows = [
        {
            "cells": [cut_name(row["slice"]), writer.value(row["value"]), writer.range(row) or "–", f"{row['n']:,.0f}"],
            "class": "is_small" if row["is_small"] else "",
        }
        for row in frame.head(most).to_dict("records")
    ]
    rest = frame.iloc[most:]
    note = f"{words.count_of(len(rest), 'further slice')} with {rest['n'].sum():,.0f} records." if len(rest) else ""
    return {
        "title": f"{answer.kpi.label} by {words.join_words(map(in_sentence, labels))}" if labels else answer.kpi.label,
        "heads": [" & ".join(labels), answer.kpi.label, "True value lies in", "n"],
        "rows": rows,
        "numbers": 3,
        "note": f"{note} Grey: too few records to judge.".strip(),
    }


def describe_heat(answer: Answer, writer: Writer, company: Any) -> dict[str, Any]:
    """Describe the first two partitions as a heat table of their named slices."""
    first, second = answer.panels[:2]
    names = [[str(one) for one in panel.frame["slice"] if one != OTHERS] for panel in (first, second)]
    found = {str(row["slice"]): row for row in answer.joint.to_dict("records")}
    values = [row["value"] for row in found.values() if not row["is_small"] and not words.is_missing(row["value"])]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    low = 0.0 if answer.kpi.is_count else low

    def cell(one: str, other: str) -> dict[str, Any] | None:
        row = found.get(f"{one} & {other}")
        if row is None:
            return None
        share = 0.0 if words.is_missing(row["value"]) else (row["value"] - low) / ((high - low) or 1)
        return {
            "text": writer.value(row["value"]),
            "n_text": words.say_n(row["n"]),
            "share": min(max(share, 0.0), 1.0),
            "is_small": bool(row["is_small"]),
            "words": writer.row(f"{cut_name(one)} and {cut_name(other)}", row, ""),
        }

    hidden = max(len(found) - sum(f"{a} & {b}" in found for a in names[0] for b in names[1]), 0)
    beyond = f" {words.count_of(hidden, 'combination')} of smaller slices not shown." if hidden else ""
    return {
        "title": f"{answer.kpi.label} by {in_sentence(first.label)} and {in_sentence(second.label)}",
        "row_id": first.partition,
        "column_id": second.partition,
        "row_label": first.label,
        "column_label": second.label,
        "rows": [{"key": name, "name": cut_name(name)} for name in names[0]],
        "columns": [{"key": name, "name": cut_name(name)} for name in names[1]],
        "cells": [[cell(one, other) for other in names[1]] for one in names[0]],
        "note": f"Darker is higher; grey numbers have too few records to judge.{beyond}",
    }


def _say_nothing(answer: Answer, company: Any) -> dict[str, Any]:
    label = answer.kpi.label
    if answer.refusal:
        title = f"{label} can't be filtered by {in_sentence(company.partitions[answer.refused].label)}"
        partition = company.partitions[answer.refused]
        text = (
            f"{partition.label} is {LATE.get(partition.known, 'no partition of it')}: records that are still open or "
            "ended otherwise have none, and the rate would look better or worse than it is."
        )
        message = {"title": title, "text": text, "cure": "Remove the filter, or choose a KPI that counts records."}
        return {"status": "refused", "title": title, "subtitle": "", "message": message}
    title = f"No record counts for {in_sentence(label)} here"
    where = answer.period.label if answer.period else ""
    cure = "Remove a filter, or choose another period." if answer.state.filters else "Choose another period or KPI."
    text = f"Nothing is left in {where} under what is filtered by." if answer.state.filters else f"Nothing in {where}."
    return {"status": "empty", "title": title, "subtitle": "", "message": {"title": title, "text": text, "cure": cure}}


def _subtitle(answer: Answer, company: Any, as_of: Any) -> str:
    compared = answer.compared
    unlike = ""
    if compared is not None and compared.days != answer.period.days and compared.grain != answer.period.grain:
        unlike = f"{answer.period.days} days against {compared.days}"
    parts = [say_measure(answer.kpi, answer.basis), answer.period.label, _against(answer, long=True), unlike]
    parts += [company.name, f"as of {words.say_date(as_of)}"]
    return " · ".join(words.clean_text(part) for part in parts if part)


def _against(answer: Answer, *, long: bool = False) -> str:
    """Say what is compared with: the tick of a bar."""
    name = answer.compared.label if answer.compared else "goal" if answer.state.compare_to == "plan" else ""
    return f"compared with {name}" if long and name else f"vs {name}" if name and not long else ""


def _hint(answer: Answer, kpi: Any) -> str:
    before = answer.compared.label if answer.compared else "goal"
    parts = [f"tick: {before}", "line: where the true value may lie" if kpi.is_rate else "", "dashed: all together"]
    return ", ".join(part for part in (parts if kpi.is_rate else parts[:1]) if part)


def _levels(partition: str, answer: Answer, exploration: Exploration) -> list[dict[str, str]]:
    known = exploration.company.partitions
    found = zip(("up", "down"), exploration.find_levels(answer.kpi, partition), strict=True)
    return [{"id": other, "label": known[other].label, "way": way} for way, other in found if other in known]


def _top(rows: Sequence[Mapping[str, Any]], *, is_rate: bool) -> float:
    """Return what the whole track stands for: an interval of few records may be cut, a value never."""
    values = [row[name] for row in rows for name in ("value", "previous_value") if not words.is_missing(row[name])]
    if is_rate:
        values += [row["high"] for row in rows if not row["is_small"] and not words.is_missing(row["high"])]
    return max(max(values, default=0.0), 0.0) or 1.0


def _share(value: Any, top: float) -> float | None:
    known = number_or_none(value)
    return None if known is None else round(min(max(known / top, 0.0), 1.0), 5)


def _points(frame: pd.DataFrame, answer: Answer, writer: Writer) -> list[dict[str, Any]]:
    shown = answer.period.start
    return [
        {
            "label": row["label"],
            "end": row["period"].end.isoformat() if answer.state.grain != "custom" else "",
            "value": number_or_none(row["value"]),
            "low": number_or_none(row["low"]),
            "high": number_or_none(row["high"]),
            "text": writer.value(row["value"]),
            "is_open": not row["is_complete"],
            "is_small": False,
            "is_shown": row["period"].start == shown,
            "words": writer.row(row["label"], row, ""),
        }
        for row in frame.to_dict("records")
    ]


def make_ticks(top: float, writer: Writer) -> list[dict[str, Any]]:
    """Write round numbers from zero to above the highest value."""
    return [{"value": value, "text": writer.value(value)} for value in list_steps(top)]


def list_steps(top: float) -> list[float]:
    """Return a few round numbers from zero to the first that is not below ``top``.

    >>> list_steps(31)
    [0.0, 10.0, 20.0, 30.0, 40.0]
    """
    step = 10 ** math.floor(math.log10(top / 3)) if top > 0 else 1.0
    step *= next(factor for factor in (1, 2, 5, 10) if top / (step * factor) <= 4)
    return [float(step * place) for place in range(math.ceil(round(top / step, 6)) + 1)]
