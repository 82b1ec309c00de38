"""What the stated ideal customer is worth: good fit, bad fit and neither side by side, and every value in a table."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from helpers.analyses.icp_value import SIDES, IcpValue
from helpers.analyses.icp_worth import MEASURES
from helpers.analyses.survey_review import SurveyReview
from helpers.present.charts.axes import axis_format, axis_words
from helpers.present.display import Display, show_chart, show_message, show_table
from helpers.present.theme import LIGHT
from helpers.present.words import count_of, join_words, say_value

ROW, PANEL, LEFT, GAP = 24, 146, 120, 38
ROOM = 1.55
"""The axis reaches this much further than the largest value, so that the value can be written beside its dot."""

NOBODY = "Good and bad fit are asked in the survey's tab on the ideal customer, and compared once the round is closed."


def show_icp_value(review: SurveyReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Draw what good fit, bad fit and neither are worth, by each attribute that people described."""
    found = review.icp_value
    if found.sides.empty:
        cures = join_words(dict.fromkeys(found.missing["cure"])) if len(found.missing) else ""
        return show_message("empty", found.sentence, NOBODY if found.missing.empty else "", cures)
    told = [measure for measure in MEASURES if found.sides[measure].notna().any()]
    rows, order = _lay_out(found, told, currency)
    chart = _draw(rows, order, {measure: found.labels[measure] for measure in told}, currency)
    width = LEFT + len(told) * (PANEL + GAP)
    numbers = _numbers(found.sides)
    units = {measure: MEASURES[measure] for measure in told}
    labels = {"attribute": "Attribute", "group": "Said to be", **{m: found.labels[m] for m in told}}
    labels |= {f"{measure}_n": f"{found.labels[measure]}: n" for measure in told}
    compared = f"{found.n_compared:,} comparisons corrected for"
    note = (
        f"Dot and interval. Blue: differs from the good fit beyond chance, {compared}. "
        f"Hollow: fewer than {found.minimum_n} records."
    )
    if len(found.missing):
        note += f" The CRM doesn't carry {join_words(label.lower() for label in found.missing['attribute'])}."
    return show_chart(
        chart,
        title=found.sentence,
        subtitle=subtitle,
        numbers=numbers[["attribute", "group", *(c for m in told for c in (m, f"{m}_n"))]],
        units=units,
        labels=labels,
        currency=currency,
        note=note,
        width=width,
    )


def show_icp_values(review: SurveyReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """List what each value is worth, with who calls it good or bad."""
    found = review.icp_value
    if found.values.empty:
        return show_message("empty", found.sentence, NOBODY)
    told = [measure for measure in MEASURES if found.values[measure].notna().any()]
    frame = pd.DataFrame(
        {
            "attribute": found.values["attribute"],
            "value": found.values["group"],
            "said": [_say_people(row) for row in found.values.to_dict("records")],
            **{m: [_say_cell(row, m, found, currency) for row in found.values.to_dict("records")] for m in told},
        }
    ).astype("str")
    unnamed = found.surprises[found.surprises["kind"] == "value"]
    n = len(unnamed)
    verb = "does" if n == 1 else "do"
    title = f"{count_of(n, 'value')} that few call a good fit {verb} better than those that people named"
    none = "No value that people left out does better than those they named, beyond chance"
    definitions = " ".join(
        f"{found.labels[m]}: {found.definitions[m][:1].lower()}{found.definitions[m][1:]}" for m in told
    )
    return show_table(
        frame,
        title=title if n else none,
        subtitle=subtitle,
        currency=currency,
        labels={"attribute": "Attribute", "value": "Value", "said": "People say", **{m: found.labels[m] for m in told}},
        note=f"▲▼ beyond chance: a good value against all others, any other against the good fit. "
        f"In brackets: few records. {definitions}",
    )


def _numbers(sides: pd.DataFrame) -> pd.DataFrame:
    return sides.astype({f"{measure}_n": "Int64" for measure in MEASURES})


def _lay_out(found: IcpValue, told: list[str], currency: str) -> tuple[pd.DataFrame, list[str]]:
    """Return one row per attribute, side and measure, and the order of the rows, headed by their attribute."""
    rows, order = [], []
    for attribute, sides in found.sides.groupby("attribute", sort=False):
        order.append(str(attribute))
        for side in sides.to_dict("records"):
            key = f"{attribute}|{SIDES[str(side['side'])]}"
            order.append(key)
            rows += [_point(side, measure, key, found.significance, currency) for measure in told]
    return pd.DataFrame(rows), order


def _point(side: Mapping[Hashable, Any], measure: str, key: str, level: float, currency: str) -> dict[str, Any]:
    value, n = side[measure], side[f"{measure}_n"]
    written = "" if value != value else say_value(value, MEASURES[measure], currency=currency)
    is_small, is_clear = bool(side[f"{measure}_is_small"]), bool(side[f"{measure}_q"] < level)
    colour = LIGHT["accent"] if is_clear else LIGHT["mid"]
    return {
        "row": key,
        "measure": measure,
        "value": value,
        "low": side[f"{measure}_low"],
        "high": side[f"{measure}_high"],
        "is_small": is_small,
        "colour": colour,
        "inside": LIGHT["paper"] if is_small else colour,
        "ink": LIGHT["accent"] if is_clear else LIGHT["grey"],
        "said": f"{written} (n {int(n)})" if written and is_small else written or "not available",
    }


def _draw(rows: pd.DataFrame, order: list[str], told: Mapping[str, str], currency: str) -> Any:
    import altair as alt

    panels = []
    for place, (measure, title) in enumerate(told.items()):
        points = rows[rows["measure"] == measure]
        clear = points.loc[~points["is_small"], "value"]
        largest = float((clear if clear.notna().any() else points["value"]).max())
        end = max(largest, float(points["value"].max())) * ROOM or 1.0
        axis = alt.Axis(
            orient="top",
            title=title,
            titleFontWeight=600,
            format=axis_format(MEASURES[measure]),
            labelExpr=axis_words(MEASURES[measure], currency),
            tickCount=2 if MEASURES[measure] == "currency" else 3,
            titlePadding=10,
        )
        scale = alt.Scale(domain=[0, end], nice=False, clamp=True)
        panels.append(_panel(alt, points, axis, scale, _rows_axis(alt, order, is_first=place == 0), ROW * len(order)))
    return alt.hconcat(*panels, spacing=GAP)


def _rows_axis(alt: Any, order: list[str], *, is_first: bool) -> Any:
    is_head = "indexof(datum.label, '|') < 0"
    axis = alt.Axis(
        title=None,
        labels=is_first,
        labelExpr="indexof(datum.label, '|') < 0 ? datum.label : split(datum.label, '|')[1]",
        labelOverlap=False,
        labelLimit=LEFT,
        labelFontWeight=alt.condition(is_head, alt.value("bold"), alt.value("normal")),
        labelColor=alt.condition(is_head, alt.value(LIGHT["ink"]), alt.value(LIGHT["grey"])),
    )
    return alt.Y("row:N", sort=order, axis=axis, scale=alt.Scale(domain=order))


def _panel(alt: Any, points: pd.DataFrame, axis: Any, scale: Any, y: Any, height: int) -> Any:
    base, x = alt.Chart(points).encode(y=y), alt.X("value:Q", axis=axis, scale=scale)
    known = base.transform_filter("isValid(datum.value)")
    colour, inside = (alt.Color(f"{name}:N", scale=None) for name in ("colour", "ink"))
    interval = known.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=1.5)
    dots = known.mark_point(size=64, filled=True, opacity=1, strokeWidth=1.6)
    words = known.mark_text(align="left", dx=9, dy=-9, fontSize=11)
    none = base.transform_filter("!isValid(datum.value)").mark_text(align="left", fontSize=11, color=LIGHT["grey"])
    return alt.layer(
        interval.encode(x=alt.X("low:Q", axis=axis, scale=scale), x2="high:Q", color=colour),
        dots.encode(x=x, stroke=alt.Stroke("colour:N", scale=None), fill=alt.Fill("inside:N", scale=None)),
        words.encode(x=x, text="said:N", color=inside),
        none.encode(x=alt.value(2), text=alt.value("–")),
    ).properties(width=PANEL, height=height)


def _say_people(row: Mapping[Hashable, Any]) -> str:
    good, bad, of = int(row["n_good"]), int(row["n_bad"]), int(row["n_people"])
    parts = [f"{n} {word}" for n, word in ((good, "good"), (bad, "bad")) if n]
    return f"{', '.join(parts)} of {of}" if parts else "not named"


def _say_cell(row: Mapping[Hashable, Any], measure: str, found: IcpValue, currency: str) -> str:
    value, n = row[measure], row[f"{measure}_n"]
    if value != value:
        return "–"
    text = f"{say_value(value, MEASURES[measure], currency=currency)}, n {int(n):,}"
    if row[f"{measure}_is_small"]:
        return f"({text})"
    if not row[f"{measure}_q"] < found.significance:
        return text
    return f"{'▲' if value > row[f'{measure}_other'] else '▼'} {text}"
