"""What should have been seen beside what was: per step one panel, the expected range as a band, the actual as a dot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.analyses.expectations import ABOVE, BELOW, PLAN, SAME_RECORDS, SMALL, say_number
from helpers.present import words
from helpers.present.charts.canvas import measure_text
from helpers.present.display import Display, show_chart, show_message, show_table
from helpers.present.theme import LIGHT

if TYPE_CHECKING:
    import altair

    from helpers.analyses.expectations import Expectations

PANEL_WIDTH, ROW, COLUMNS = 210, 21, 2
NAME_WIDTH, TEXT_WIDTH = 118, 124
MOST_ROWS = 6
"""Slices per panel beside the company."""

LEAST_SPAN, WIDEST = 0.3, 1.2
"""The axis reaches at least and at most this far from what was expected; what lies beyond is drawn at its end."""


def draw_expectations(
    expectations: Expectations, *, title: str, subtitle: str = "", currency: str = "USD", note: str = ""
) -> Display:
    """Draw for every step the company and the slices that lie furthest off, as a share of what was expected.

    Args:
        expectations: As made by ``expect_slices``.
        title: The finding (``describe_expectations``).
        subtitle: Measure, company, period, last day.
        currency: The company's currency.
        note: Further words, such as on the season.

    Returns:
        A display; a message where nothing can be expected.
    """
    if expectations.frame.empty:
        return show_message("empty", "Nothing can be expected here yet", expectations.why_not)
    rows = _rows(expectations.frame, currency)
    panels = [_draw_panel(rows[rows["panel"] == panel], _span(rows)) for panel in dict.fromkeys(rows["panel"])]
    how = (
        f"{expectations.words}. Band: where 90 % of actual numbers should lie, by chance, everyday movement and "
        "the expectation's own uncertainty. Dot: actual; hollow: too few records to be judged. "
        f"{note}"
    )
    return show_chart(
        _lay_out(panels),
        title=title,
        subtitle=subtitle,
        numbers=pd.DataFrame(
            {
                "step": rows["panel"],
                "slice": rows["where"],
                "actual": rows["actual_text"],
                "expected": rows["expected_text"],
                "range": rows["range_text"],
                "n": rows["n"],
                "verdict": rows["verdict"],
            }
        ),
        currency=currency,
        note=how.strip(),
    )


def show_expectations(
    expectations: Expectations, *, title: str, subtitle: str = "", currency: str = "USD", max_rows: int = 12
) -> Display:
    """List every number that can be judged, the most surprising first, with its range and what it rests on.

    Args:
        expectations: As made by ``expect_slices``.
        title: The finding.
        subtitle: Measure, company, period, last day.
        currency: The company's currency.
        max_rows: Rows before the rest folds.
    """
    if expectations.frame.empty:
        return show_message("empty", "Nothing can be expected here yet", expectations.why_not)
    frame = expectations.frame.assign(place=range(len(expectations.frame)))
    frame = frame.sort_values(["p_value", "place"], na_position="last", kind="stable")
    frame = frame[~frame[SAME_RECORDS].duplicated()]
    table = pd.DataFrame(
        {
            "step": frame["label"],
            "where": [_where(row) for row in frame.itertuples()],
            "actual": [say_number(row.actual, row.unit, currency) for row in frame.itertuples()],
            "expected": [say_number(row.expected, row.unit, currency) for row in frame.itertuples()],
            "range": [words.say_range(row.low, row.high, row.unit, currency=currency) for row in frame.itertuples()],
            "n": frame["n"].round().astype(int),
            "n_expected": frame["n_expected"].round().astype(int),
            "money": frame["money"],
            "verdict": frame["verdict"],
        }
    )
    rests = "planned" if expectations.source == PLAN else "expected from"
    labels = {"step": "Step", "where": "Slice", "actual": "Actual", "expected": "Expected", "range": "Should lie in",
              "n": "n", "n_expected": f"n {rests}", "money": "Worth", "verdict": "Verdict"}  # fmt: skip
    return show_table(
        table,
        title=title,
        subtitle=subtitle,
        units={"money": "currency"},
        labels=labels,
        currency=currency,
        max_rows=max_rows,
        note=f"{expectations.words}. Worth: what the difference brings at the expected rates and deal size; slices "
        "overlap, so their money does not add up. Judged with control over all numbers looked at.",
    )


def _where(row: Any) -> str:
    return "Company" if row.dimension == "all" else f"{words.label_of(row.dimension)}: {row.slice}"


def _rows(frame: pd.DataFrame, currency: str) -> pd.DataFrame:
    """Return the company and the most surprising slices of every step, one name per set of records."""
    frame = frame.assign(panel=_name_panels(frame))
    kept = []
    for _, part in frame.groupby("panel", sort=False):
        whole, cuts = part[part["dimension"] == "all"], part[part["dimension"] != "all"]
        cuts = cuts[cuts["n"].gt(0) | cuts["expected"].gt(0)].sort_values("p_value", na_position="last", kind="stable")
        cuts = cuts[~cuts[SAME_RECORDS].duplicated()]
        kept.append(pd.concat([whole, cuts.head(MOST_ROWS)]))
    rows = pd.concat(kept, ignore_index=True)
    for name in ("actual", "low", "high"):
        rows[f"{name}_ratio"] = rows[name] / rows["expected"].where(rows["expected"] > 0)
    rows["where"] = ["Company" if row.dimension == "all" else str(row.slice) for row in rows.itertuples()]
    rows["name"] = [_fit(name) for name in rows["where"]]
    rows["is_off"] = rows["verdict"].isin([BELOW, ABOVE])
    rows["colour"] = [
        LIGHT["bad"] if verdict == BELOW else LIGHT["good"] if verdict == ABOVE else LIGHT["grey"]
        for verdict in rows["verdict"]
    ]
    rows["inside"] = rows["colour"].mask(rows["verdict"] == SMALL, LIGHT["paper"])
    for name in ("actual", "expected"):
        rows[f"{name}_text"] = [
            say_number(one, unit, currency) for one, unit in zip(rows[name], rows["unit"], strict=True)
        ]
    rows["range_text"] = [words.say_range(row.low, row.high, row.unit, currency=currency) for row in rows.itertuples()]
    rows["text"] = rows["actual_text"] + " of " + rows["expected_text"]
    rows["n"] = rows["n"].round().astype(int)
    rows["full"] = [_where(row) for row in rows.itertuples()]
    rows["row"] = rows.groupby("panel").cumcount()
    return rows


def _name_panels(frame: pd.DataFrame) -> list[str]:
    """Name the panels; steps of the two lenses that are called alike are told apart."""
    lenses = frame.groupby("label")["lens"].nunique()
    said = {"closing": "closed in the period", "creation": "entered in the period"}
    return [f"{row.label}, {said[row.lens]}" if lenses[row.label] > 1 else str(row.label) for row in frame.itertuples()]


def _fit(name: str) -> str:
    length = len(name)
    while length > 6 and measure_text(words.shorten(name, length), 12) > NAME_WIDTH - 8:
        length -= 1
    return words.shorten(name, length)


def _span(rows: pd.DataFrame) -> tuple[float, float]:
    far = float((rows[["actual_ratio", "low_ratio", "high_ratio"]] - 1).abs().max().max())
    far = min(max(far * 1.06, LEAST_SPAN), WIDEST)
    return max(1 - far, 0.0), 1 + far


def _draw_panel(rows: pd.DataFrame, span: tuple[float, float]) -> altair.LayerChart:
    import altair as alt

    low, high = span
    height = ROW * (MOST_ROWS + 1)
    x_scale = alt.Scale(domain=[low, high], nice=False, clamp=True)
    y_scale = alt.Scale(domain=[-0.5, MOST_ROWS + 0.5], reverse=True, nice=False)
    percent = "(datum.value == 1 ? 'expected' : (datum.value < 1 ? '−' : '+') + format(abs(datum.value - 1), '.0%'))"
    step = 0.5 if high - low > 1.1 else 0.25
    ticks = [value for value in (1 - step, 1.0, 1 + step) if low <= value <= high]
    axis = alt.Axis(title=None, values=ticks, labelExpr=f"replace({percent}, '%', ' %')", grid=False, labelFontSize=11)
    x = alt.X("actual_ratio:Q", scale=x_scale, axis=axis)
    y = alt.Y("row:Q", scale=y_scale, axis=None)
    base = alt.Chart(rows[[*_drawn(rows)]])
    tips = [alt.Tooltip(f"{name}:N", title=said) for name, said in (
        ("full", "Slice"), ("actual_text", "Actual"), ("expected_text", "Expected"), ("range_text", "Should lie in"),
        ("n", "n"), ("verdict", "Verdict"))]  # fmt: skip
    band = base.mark_bar(height=10, color=LIGHT["rule"], cornerRadius=2, clip=True).encode(
        x=alt.X("low_ratio:Q", scale=x_scale, axis=axis), x2="high_ratio:Q", y=y
    )
    one = alt.Chart(pd.DataFrame({"x": [1.0]})).mark_rule(color=LIGHT["mid"], strokeWidth=1)
    dot = base.mark_point(size=62, filled=True, opacity=1, strokeWidth=1.6).encode(
        x=x, y=y, fill=alt.Fill("inside:N", scale=None), stroke=alt.Stroke("colour:N", scale=None), tooltip=tips
    )
    names = base.mark_text(align="right", fontSize=12).encode(
        x=alt.value(-8), y=y, text="name:N", color=alt.value(LIGHT["ink"])
    )
    texts = base.mark_text(align="left", fontSize=11.5).encode(
        x=alt.value(PANEL_WIDTH + 8), y=y, text="text:N", color=alt.Color("colour:N", scale=None)
    )
    heading = alt.Title(
        rows["panel"].iloc[0], anchor="start", frame="group", dx=-NAME_WIDTH, fontSize=13, fontWeight=600, offset=6
    )
    layers = alt.layer(band, one.encode(x=alt.X("x:Q", scale=x_scale, axis=axis)), dot, names, texts)
    return layers.properties(width=PANEL_WIDTH, height=height, title=heading)


def _drawn(rows: pd.DataFrame) -> list[str]:
    return ["row", "name", "full", "actual_ratio", "low_ratio", "high_ratio", "colour", "inside", "text",
            "actual_text", "expected_text", "range_text", "n", "verdict"]  # fmt: skip


def _lay_out(panels: list[Any]) -> Any:
    import altair as alt

    gap = NAME_WIDTH + TEXT_WIDTH
    lines = [
        alt.hconcat(*panels[at : at + COLUMNS], spacing=gap, bounds="flush") for at in range(0, len(panels), COLUMNS)
    ]
    return alt.vconcat(*lines, spacing=18)
