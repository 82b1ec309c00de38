"""What if: per scenario what comes as it is, with rates held, and at a lower marginal rate, with the goal as a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from helpers.present import words
from helpers.present.charts.axes import axis_format, axis_words
from helpers.present.charts.canvas import measure_text
from helpers.present.charts.footnote import show_chart_with_footnote
from helpers.present.display import Display, show_message, show_table
from helpers.present.theme import LIGHT

if TYPE_CHECKING:
    import altair

    from helpers.analyses.what_if import WhatIf

WIDTH, ROW = 460, 26
COLOURS = {"as it is": "grey", "rates held": "accent", "lower marginal rate": "accent"}


def draw_what_if(answer: WhatIf, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Draw the scenarios beneath each other on one scale.

    Args:
        answer: As made by ``ask_what_if`` or ``move_slices``.
        subtitle: Company, period, last day.
        currency: The company's currency.

    Returns:
        A display; a message where nothing can be told.
    """
    if not answer.is_told:
        return show_message("empty", "Nothing can be moved", answer.why_not, answer.cure)
    import altair as alt

    counts = not answer.has_money or (answer.goal is not None and answer.goal_unit == "count")
    measure, unit = ("deals", "count") if counts else ("revenue", "currency")
    rows = _rows(answer, measure, unit, currency)
    goal = (
        answer.goal if answer.goal is not None and (answer.goal_unit == "currency") == (measure == "revenue") else None
    )
    widest = max(measure_text(text, 12, weight=600) for text in rows["text"]) + 16
    near, far = _span(rows, goal)
    edge = far + (far - near) * 0.02
    scale = alt.Scale(domain=[near, near + (edge - near) * (WIDTH + widest) / WIDTH], nice=False, zero=False)
    names = list(dict.fromkeys(rows["scenario"]))
    width = WIDTH + widest
    panels = [
        _panel(
            rows[rows["scenario"] == name].assign(edge=edge), name, scale, unit, currency, goal, width,
            is_last=name == names[-1], is_first=name == names[0],
        )
        for name in names
    ]  # fmt: skip
    chart = alt.vconcat(*panels, spacing=14)
    which = "Revenue" if measure == "revenue" else "Deals"
    shown = answer.outcomes[["scenario", "case", "volume", "deals", "deals_low", "deals_high"]]
    if measure == "revenue":
        shown = shown.assign(**{name: answer.outcomes[name] for name in ("revenue", "revenue_low", "revenue_high")})
    return show_chart_with_footnote(
        chart,
        title=answer.headline,
        subtitle=f"{which} that the {answer.what} of a period like this one bring in the end, with the interval of "
        f"rates{' and deal sizes' if measure == 'revenue' else ''} · {subtitle}".strip(" ·"),
        numbers=shown.round(1),
        units=dict.fromkeys(("revenue", "revenue_low", "revenue_high"), "currency"),
        labels={"case": "Case", "volume": words.label_of(answer.what), "deals_low": "From", "deals_high": "To",
                "revenue_low": "Revenue from", "revenue_high": "Revenue to"},
        currency=currency,
        note=" ".join([*answer.notes, *(["The axis doesn't begin at zero."] if near else [])]),
        width=WIDTH + int(widest) + 130,
    )  # fmt: skip


def _span(rows: pd.DataFrame, goal: float | None) -> tuple[float, float]:
    """Return from where to where the axis goes: from zero, unless all of it lies so far off that nothing is seen."""
    low = min(float(rows["low"].min()), goal if goal is not None else np.inf)
    far = max(float(rows["high"].max()), goal or 0.0) or 1.0
    return (low - 0.5 * (far - low), far) if low > 0.6 * far else (0.0, far)


def _rows(answer: WhatIf, measure: str, unit: str, currency: str) -> pd.DataFrame:
    frame = answer.outcomes
    rows = pd.DataFrame(
        {
            "scenario": frame["scenario"],
            "case": frame["case"],
            "value": frame[measure],
            "low": frame[f"{measure}_low"],
            "high": frame[f"{measure}_high"],
            "change": frame[f"change_{measure}"],
        }
    )
    same = rows.groupby("scenario")["value"].transform(lambda values: abs(values.iloc[-1] - values.iloc[-2]) < 1e-9)
    rows = rows[~(same & (rows["case"] == "lower marginal rate"))].reset_index(drop=True)
    texts = []
    for row in rows.itertuples():
        said = words.say_value(_round(row.value) if unit == "count" else row.value, unit, currency=currency)
        change = _round(row.change) if unit == "count" else row.change
        texts.append(
            said if row.case == "as it is" else f"{said} ({words.say_change(change, unit, currency=currency)})"
        )
    rows["text"] = texts
    rows["colour"] = [LIGHT[COLOURS[case]] for case in rows["case"]]
    rows["fill"] = [LIGHT["paper"] if case == "lower marginal rate" else LIGHT[COLOURS[case]] for case in rows["case"]]
    return rows


def _round(deals: float) -> float:
    return round(deals) if abs(deals) >= 100 else round(deals, 1)


def _panel(
    rows: pd.DataFrame, name: str, scale: Any, unit: str, currency: str, goal: float | None, width: float, *,
    is_last: bool, is_first: bool,
) -> altair.LayerChart:  # fmt: skip
    import altair as alt

    order = rows["case"].tolist()
    axis = alt.Axis(
        format=axis_format(unit), labelExpr=axis_words(unit, currency), tickCount=5, title=None, labels=is_last
    )
    x = alt.X("value:Q", scale=scale, axis=axis)
    y = alt.Y("case:N", sort=order, title=None, axis=alt.Axis(labelFontSize=12, minExtent=124))
    base = alt.Chart(rows)
    colour = alt.Color("colour:N", scale=None)
    layers: list[Any] = [
        base.mark_rule(strokeWidth=1.5).encode(
            x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q", y=y, color=colour
        ),
        base.mark_point(size=80, filled=False, strokeWidth=1.8, opacity=1).encode(
            x=x, y=y, stroke=alt.Stroke("colour:N", scale=None), fill=alt.Fill("fill:N", scale=None)
        ),
        base.mark_text(align="left", dx=10, fontSize=12, fontWeight=600, color=LIGHT["ink"]).encode(
            x=alt.X("edge:Q", scale=scale, axis=axis), y=y, text="text:N"
        ),
    ]
    if goal is not None:
        line = alt.Chart(pd.DataFrame([{"goal": goal}]))
        at = alt.X("goal:Q", scale=scale, axis=axis)
        layers.insert(0, line.mark_rule(color=LIGHT["ink"], strokeWidth=1.5, strokeDash=[4, 3]).encode(x=at))
        if is_first:
            said = f"goal {words.say_value(goal, unit, currency=currency)}"
            mark = line.mark_text(align="right", dx=-6, dy=-8, fontSize=11, color=LIGHT["grey"])
            layers.append(mark.encode(x=at, y=alt.value(0), text=alt.value(said)))
    title = alt.Title(
        words.shorten(name, 70),
        anchor="start",
        fontSize=13,
        fontWeight=600,
        color=LIGHT["ink"],
        offset=10 if is_first else 4,
    )
    return alt.layer(*layers).properties(width=int(width), height=alt.Step(ROW), title=title)


def show_what_if_table(answer: WhatIf, *, subtitle: str = "", currency: str = "USD") -> Display | None:
    """Show what was moved and what the goal needs of it, one row per scenario and case.

    Args:
        answer: As made by ``ask_what_if`` or ``move_slices``.
        subtitle: Company, period, last day.
        currency: The company's currency.

    Returns:
        A table without rows that say the same twice; None where nothing can be told, which the picture says.
    """
    if not answer.is_told:
        return None
    frame = answer.outcomes[["scenario", "case", "volume", "deals", "change_deals", "revenue", "change_revenue"]]
    columns = ["needed", "needed_low", "needed_high"]
    if len(answer.needs):
        frame = frame.merge(answer.needs[["scenario", "case", "rate", *columns]], on=["scenario", "case"], how="left")
        frame[columns] = np.ceil(frame[columns].where(np.isfinite(frame[columns])))
    else:
        # Without a goal the present is the same in every scenario.
        is_now = frame["case"] == "as it is"
        frame = frame.assign(scenario=frame["scenario"].mask(is_now, "Nothing moved"))
    said = [name for name in frame if name not in ("case", "rate")]
    frame = frame[~frame.round(6).duplicated(said)].reset_index(drop=True)
    frame["change_deals"] = frame["change_deals"].mask(frame["case"] == "as it is")
    frame["change_revenue"] = frame["change_revenue"].mask(frame["case"] == "as it is")
    frame = frame.round({"volume": 1, "deals": 1, "change_deals": 1})
    if not answer.has_money:
        frame = frame.drop(columns=["revenue", "change_revenue"])
    return show_table(
        frame,
        title=answer.needs_sentence or answer.moves_sentence,
        subtitle=subtitle,
        units={"revenue": "currency", "change_revenue": "currency", "rate": "share"},
        labels={"volume": words.label_of(answer.what), "change_deals": "Deals more", "change_revenue": "Revenue more",
                "rate": "Rate of the slice", "needed": "Needed of it for the goal", "needed_low": "From",
                "needed_high": "To"},
        currency=currency,
    )  # fmt: skip
