"""Scenarios side by side: per KPI where each one's goal lies, measured by the first, and the goals as a table."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.analyses.scenario_comparison import STANDS_OUT, ScenarioComparison
from helpers.present import words
from helpers.present.charts.overview import Displays
from helpers.present.display import Display, show_chart, show_message, show_table
from helpers.present.theme import LIGHT

LETTERS = "ABCDE"
WIDTH, ROW = 520, 34
CLOSE = 0.045
"""Goals nearer than this part of the axis have their letters side by side."""

FARTHEST = 2.0
NARROWEST = 0.1
"""The axis spans a tenth to either side at least and twice the first scenario's goal at most."""

AXIS_WORDS = "abs(datum.value - 1) < 1e-9 ? 'as A' : replace(format(datum.value - 1, '+.0%'), '%', ' %')"
ABOVE_BEST = "▲"


def show_scenarios(comparison: ScenarioComparison, *, subtitle: str = "", currency: str = "USD") -> Displays:
    """Show scenarios side by side: a picture where there are two or more, their goals as a table, contradictions.

    Args:
        comparison: As made by ``compare_scenarios``.
        subtitle: Company, last day.
        currency: ISO code of the company's currency.

    Returns:
        The displays; one that says what is missing where there is nothing to compare.
    """
    if comparison.period is None:
        told = [f"“{name}”: {text}" for name, text in comparison.problems.items()]
        why = " ".join(told) or "No goals were saved as a scenario, or there is no history to build a matrix on."
        how = "Save the goals under a name in the goal editor, change them, and save them under another one."
        return Displays((show_message("empty", "There are no scenarios to compare", words.clean_text(why), how),))
    rows = comparison.table
    rows = rows[
        (rows["grain"] == comparison.period.grain) & (rows["period_start"] == pd.Timestamp(comparison.period.start))
    ]
    where = " · ".join(part for part in (subtitle, comparison.period.label) if part)
    shown = [_draw_dumbbells(rows, comparison, where, currency)] if rows["scenario"].nunique() > 1 else []
    shown.append(_show_goals(rows, comparison, where, currency, is_alone=not shown))
    for finding in comparison.findings:
        if "contradict" in finding.headline or finding.headline.startswith(tuple(f"“{n}”: " for n in comparison.names)):
            shown.append(show_message("warning", words.clean_text(finding.headline), "", finding.next_step))
    return Displays(shown)


def name_scenarios(rows: pd.DataFrame) -> dict[str, str]:
    """Give each scenario a letter, in the order of the comparison."""
    return {name: LETTERS[place] for place, name in enumerate(dict.fromkeys(rows["scenario"]))}


def _draw_dumbbells(rows: pd.DataFrame, comparison: ScenarioComparison, where: str, currency: str) -> Display:
    import altair as alt

    letters = name_scenarios(rows)
    widest = rows.groupby("label", sort=False)["relative"].transform(lambda part: part.abs().max())
    apart = rows[widest >= STANDS_OUT]
    apart = apart if len(apart) else rows
    labels = list(dict.fromkeys(apart["label"]))
    dots, marks = _place(apart, letters, comparison)
    span = max(NARROWEST, float((dots["at"] - 1).abs().max()) * 1.12)
    domain = [max(1 - span, 0.0), min(1 + span, FARTHEST)]
    axis = alt.Axis(orient="top", offset=8, labelExpr=AXIS_WORDS, tickCount=5)
    x = alt.X("at:Q", scale=alt.Scale(domain=domain, clamp=True, nice=False), axis=axis, title=None)
    y = alt.Y("label:N", sort=labels, title=None, axis=alt.Axis(labelPadding=10, labelLimit=180))
    colour = alt.Color("colour:N", scale=None)
    same = alt.Chart(pd.DataFrame({"at": [1.0]})).mark_rule(color=LIGHT["mid"], strokeDash=[3, 3]).encode(x=x)
    ends = dots.groupby("label", sort=False)["at"].agg(at="min", last="max").reset_index()
    span_line = alt.Chart(ends).mark_rule(color=LIGHT["bar"], strokeWidth=4, strokeCap="round")
    span_line = span_line.encode(y=y, x=x, x2="last:Q")
    best = _place_best(apart, domain)
    ticks = alt.Chart(best).mark_tick(color=LIGHT["ink"], thickness=2, size=16).encode(x=x, y=y)
    points = alt.Chart(dots).mark_point(filled=True, size=90, opacity=1)
    points = points.encode(x=x, y=y, color=colour, tooltip=[alt.Tooltip("told:N", title="Goal")])
    named = alt.Chart(marks).mark_text(dy=-12, fontSize=11, fontWeight=600)
    named = named.encode(x=x, y=y, text="letters:N", color=colour)
    chart = alt.layer(same, span_line, ticks, points, named).properties(width=WIDTH, height=ROW * len(labels))
    told = apart.assign(goal=[_say(row, currency) for row in apart.to_dict("records")])
    numbers = told.pivot(index="label", columns="scenario", values="goal").loc[labels, list(letters)].reset_index()
    left_out = rows["label"].nunique() - len(labels)
    return show_chart(
        chart,
        title=words.clean_text(comparison.title),
        subtitle=where,
        numbers=numbers.rename(columns={"label": "KPI"}),
        currency=currency,
        note=_how_to_read(letters, dots, best, left_out),
        width=WIDTH + 190,
    )


def _how_to_read(letters: dict[str, str], dots: pd.DataFrame, best: pd.DataFrame, left_out: int) -> str:
    named = ", ".join(f"{letter} is {words.clean_text(name)}" for name, letter in letters.items())
    parts = [f"{named}; each goal as a change from that of A."]
    if len(best):
        parts.append("Black tick: the best ever.")
    if (dots["colour"] == LIGHT["bad"]).any():
        parts.append("Red: beyond the best ever, and more than is expected anyway.")
    if left_out:
        parts.append(f"{words.count_of(left_out, 'KPI')} within 1 % of each other: see the table.")
    return " ".join(parts)


def _place(
    rows: pd.DataFrame, letters: dict[str, str], comparison: ScenarioComparison
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Place each goal as a part of the first scenario's, and the letters; those that would touch stand side by side."""
    spoken = min((name for name in letters if f"“{name}”" in comparison.title), key=comparison.title.find, default="")
    known = rows.assign(at=(1 + rows["relative"]).clip(0, FARTHEST)).dropna(subset=["at"])
    near = CLOSE * 2 * max(float((known["at"] - 1).abs().max()), NARROWEST)
    dots: list[dict[str, Any]] = []
    marks: list[dict[str, Any]] = []
    for label, own in known.sort_values("at", kind="stable").groupby("label", sort=False):
        groups: list[list[dict[str, Any]]] = []
        for row in own.to_dict("records"):
            what = "bad" if row["is_beyond"] else "accent" if row["scenario"] == spoken else "grey"
            told = f"{row['scenario']}: {row['goal']:,.4g}"
            row["colour"] = LIGHT[what]
            dots.append({"label": label, "at": row["at"], "colour": row["colour"], "told": words.clean_text(told)})
            if groups and row["at"] - groups[-1][-1]["at"] <= near:
                groups[-1].append(row)
            else:
                groups.append([row])
        for group in groups:
            colours = {row["colour"] for row in group}
            marks.append(
                {
                    "label": label,
                    "at": sum(row["at"] for row in group) / len(group),
                    "letters": " ".join(
                        letters[row["scenario"]] for row in sorted(group, key=lambda row: round(row["at"], 3))
                    ),
                    "colour": colours.pop() if len(colours) == 1 else LIGHT["ink"],
                }
            )
    return pd.DataFrame(dots), pd.DataFrame(marks)


def _place_best(rows: pd.DataFrame, domain: list[float]) -> pd.DataFrame:
    first = rows.groupby("label", sort=False).first().reset_index()
    best = first.assign(at=first["best_ever"] / first["goal"].where(first["goal"] > 0))
    return best.loc[best["at"].between(*domain), ["label", "at"]]


def _show_goals(
    rows: pd.DataFrame, comparison: ScenarioComparison, where: str, currency: str, *, is_alone: bool
) -> Display:
    """Show the goals as a table: KPIs down, scenarios across, the best ever at the end."""
    letters = name_scenarios(rows)
    table = []
    for label, own in rows.groupby("label", sort=False):
        any_row = own.iloc[0]
        line = {"KPI": label, "Expected": _say_value(any_row["expected"], any_row["unit"], currency)}
        for row in own.to_dict("records"):
            line[f"{letters[row['scenario']]} {words.clean_text(row['scenario'])}"] = _say(row, currency)
        line["Best ever"] = _say_value(any_row["best_ever"], any_row["unit"], currency)
        line["Of periods"] = "" if words.is_missing(any_row["best_ever"]) else f"n = {int(any_row['n_periods'])}"
        table.append(line)
    chances = {
        f"{letters[name]} {words.clean_text(name)}": _say_chance(own)
        for name, own in rows[rows["kpi"] == "revenue_won"].groupby("scenario", sort=False)
    }
    if any(chances.values()):
        table.append({"KPI": "Chance of the revenue goal", **chances})
    frame = pd.DataFrame(table).fillna("").astype("str")
    title = comparison.title if is_alone else f"What each scenario asks for in {comparison.period.label}"
    note = f"{ABOVE_BEST} beyond the best ever, and more than is expected anyway."
    return show_table(frame, title=words.clean_text(title), subtitle=where, currency=currency, max_rows=20, note=note)


def _say(row: dict[str, Any], currency: str) -> str:
    told = _say_value(row["goal"], row["unit"], currency)
    word = {"goal": " (set)", "locked": " (locked)"}.get(row["state"], "")
    return f"{told}{f' {ABOVE_BEST}' if row['is_beyond'] else ''}{word}"


def _say_value(value: Any, unit: str, currency: str) -> str:
    return words.say_value(value, unit, currency=currency, digits=0 if unit == "count" else None)


def _say_chance(own: pd.DataFrame) -> str:
    chance = own["probability"].iloc[0]
    if words.is_missing(chance):
        return ""
    return "< 1 %" if chance < 0.01 else "> 99 %" if chance > 0.99 else f"{chance * 100:.0f} %"
