"""The explorer where nobody is there to ask: what it opens on, as panels, the periods and a table, without controls."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd

from helpers.analyses.exploration_answer import Answer
from helpers.present import tables, words
from helpers.present.display import Display, show_message
from helpers.present.explorer.widget import explorer_css

NUMBERS = ["slice", "value", "n", "low", "high", "previous_value", "change"]


def show_still(view: Mapping[str, Any], answer: Answer | None) -> Display:
    """Show a state as it stands.

    Args:
        view: As ``describe_view`` makes it.
        answer: The numbers behind it.
    """
    if answer is None or view["status"] != "ready":
        message = view["message"]
        return show_message("empty", message["title"], message["text"])
    filtered = "; ".join(chip["text"] for chip in view["chips"])
    subtitle = " · ".join(part for part in (view["subtitle"], filtered) if part)
    panels = "".join(_panel(panel) for panel in view["panels"])
    trend = _trend(answer, view)
    html = (
        f"<style>{explorer_css()}</style>"
        f'<div class="red explorer"><p class="title">{words.prose_html(view["title"])}</p>'
        f'<p class="subtitle">{words.prose_html(subtitle)}</p><div class="columns">{panels}{trend}</div></div>'
    )
    return Display(title=view["title"], subtitle=subtitle, text=_text(answer), html=html)


def _panel(panel: Mapping[str, Any]) -> str:
    rows = "".join(_row(row) for row in panel["rows"])
    hint = escape(panel["hint"])
    return (
        f'<section class="chart"><div class="chart-head"><h4>{escape(words.clean_text(panel["label"]))}</h4>'
        f'<span class="hint">{hint}</span></div>{rows or escape(panel["note"])}</section>'
    )


def _row(row: Mapping[str, Any]) -> str:
    names = ("is_small", "is_chosen", "is_dim", "is_open", "is_rest", "is_named")
    kinds = " ".join(name for name in names if row.get(name))
    marks = [f'<i class="bar" style="width:{(row["share"] or 0) * 100:.2f}%"></i>']
    marks += [
        f'<i class="{name}" style="left:{row[name] * 100:.2f}%"></i>'
        for name in ("whole", "before")
        if row.get(name) is not None
    ]
    if row["low"] is not None and row["high"] is not None:
        width = (row["high"] - row["low"]) * 100
        marks.append(f'<i class="range" style="left:{row["low"] * 100:.2f}%;width:{width:.2f}%"></i>')
        marks.append(f'<i class="dot" style="left:{(row["share"] or 0) * 100:.2f}%"></i>')
    return (
        f'<div class="slice {kinds}"><div class="still hit" title="{escape(row["words"])}">'
        f'<span class="name">{escape(row["name"])}</span><span class="track">{"".join(marks)}</span>'
        f'<span class="value">{escape(row["value_text"])}</span>'
        f'<span class="change {row["tone"]}">{escape(row["change_text"])}</span>'
        f'<span class="n">{escape(row["n_text"])}</span></div></div>'
    )


def _trend(answer: Answer, view: Mapping[str, Any]) -> str:
    """Draw the periods as bars of the same kind, the latest last."""
    points = view["trend"]["points"]
    top = view["trend"]["ticks"][-1]["value"] or 1.0
    counts = {row["label"]: row["n"] for row in answer.trend.to_dict("records")}

    def share(value: float | None) -> float | None:
        return None if value is None else min(value / top, 1.0)

    rows = [
        {
            **point,
            "name": point["label"],
            "value_text": point["text"],
            "change_text": "",
            "tone": "grey",
            "n_text": words.say_n(counts[point["label"]]),
            "share": share(point["value"]),
            "low": share(point["low"]),
            "high": share(point["high"]),
            "is_named": point["is_shown"],
        }
        for point in points
    ]
    return _panel({"label": "Over time", "hint": "", "rows": rows, "note": "No period to show."})


def _text(answer: Answer) -> str:
    """Write every number on screen as text."""
    units = dict.fromkeys(("value", "low", "high", "previous_value"), answer.kpi.unit)
    parts = [
        f"{panel.label}\n{tables.plain_table(panel.frame[NUMBERS[:-1]], units=units)}"
        for panel in answer.panels
        if len(panel.frame)
    ]
    periods = pd.DataFrame(answer.trend[["label", "value", "n", "low", "high"]]).rename(columns={"label": "period"})
    return "\n\n".join([*parts, f"Over time\n{tables.plain_table(periods, units=units)}"])
