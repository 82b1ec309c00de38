"""Who is cleared: every step that people work, each person against what came to them, and who is cleared by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.analyses.adjusted import ABOVE, BELOW, ONLY_MIX, SMALL, Adjusted
from helpers.analyses.fairness import list_cleared
from helpers.present import words
from helpers.present.charts.canvas import measure_text
from helpers.present.charts.overview import Displays
from helpers.present.display import Display, show_chart, show_message, show_table
from helpers.present.theme import LIGHT

if TYPE_CHECKING:
    import altair

    from helpers.analyses.fairness import Fairness

BASIS = "Only what was known when a record came in is adjusted for. Judged: with enough records of their own."
PANEL_WIDTH, ROW, COLUMNS = 200, 21, 2
NAME_WIDTH, TEXT_WIDTH = 124, 104
MOST_PEOPLE = 12
"""People per panel: those cleared or outside first, then those with the most records."""


def show_fairness(fairness: Fairness, *, title: str, subtitle: str = "", currency: str = "USD") -> Displays:
    """Show every comparison as a panel, what each says of the system, and who is cleared.

    Args:
        fairness: As made by ``review_fairness``.
        title: The finding (``describe_fairness``); it never ends at a person.
        subtitle: Measure, company, period, last day.
        currency: The company's currency.

    Returns:
        Displays; a message where nobody can be compared.
    """
    if fairness.steps.empty:
        return Displays((show_message("empty", "People can't be compared fairly yet", fairness.why_not),))
    days = f"{words.say_date(fairness.start)} to {words.say_date(fairness.end)}"
    shown = [_draw(fairness, title, f"{days} · {subtitle}".strip(" ·"), currency), _list_steps(fairness, currency)]
    cleared = list_cleared(fairness, currency)
    if len(cleared):
        shown.append(_list_cleared(cleared, currency))
    return Displays(shown)


def _draw(fairness: Fairness, title: str, subtitle: str, currency: str) -> Display:
    panels, numbers = [], []
    for step, one in zip(fairness.steps.to_dict("records"), fairness.comparisons, strict=True):
        rows = _rows(one, step, currency)
        panels.append(_panel(rows, step, one))
        numbers.append(rows[["panel", "who", "n", "actual_text", "expected_text", "range_text", "verdict"]])
    import altair as alt

    gap = NAME_WIDTH + TEXT_WIDTH
    lines = [
        alt.hconcat(*panels[at : at + COLUMNS], spacing=gap, bounds="flush") for at in range(0, len(panels), COLUMNS)
    ]
    table = pd.concat(numbers, ignore_index=True)
    table.columns = ["step", "who", "n", "actual", "expected", "range", "verdict"]
    return show_chart(
        alt.vconcat(*lines, spacing=18),
        title=title,
        subtitle=subtitle,
        numbers=table,
        labels={"expected": "What came lets expect", "range": "Chance makes"},
        note="Band: where chance alone puts exactly these records, widened for how many people are looked at; "
        "tick: what such records do with anybody; dot: actual (blue: cleared; hollow: too few records to be judged).",
    )


def _rows(one: Adjusted, step: dict[str, Any], currency: str) -> pd.DataFrame:
    frame = one.frame.copy()
    cleared = frame["verdict"].eq(ONLY_MIX) & (frame["raw_rate"] < one.rate)
    outside = frame["verdict"].isin([BELOW, ABOVE])
    frame["rank"] = (~(cleared | outside)).astype(int)
    frame = frame.assign(is_cleared=cleared, is_outside=outside)
    frame = frame.sort_values(["rank", "n", "who"], ascending=[True, False, True], kind="stable").head(MOST_PEOPLE)
    frame = frame.sort_values(["n", "who"], ascending=[False, True], kind="stable").reset_index(drop=True)
    frame["row"] = range(len(frame))
    frame["colour"] = [
        LIGHT["accent"] if row.is_cleared else LIGHT["ink"] if row.is_outside else LIGHT["grey"]
        for row in frame.itertuples()
    ]
    frame["inside"] = frame["colour"].mask(frame["verdict"] == SMALL, LIGHT["paper"])
    unit = step["unit"]
    for name, source in (("actual", "raw_rate"), ("expected", "expected_rate")):
        frame[f"{name}_text"] = [words.say_value(value, unit, currency=currency) for value in frame[source]]
    frame["range_text"] = [
        words.say_range(row.limit_low, row.limit_high, unit, currency=currency) for row in frame.itertuples()
    ]
    frame["text"] = [f"{row.actual_text} of {row.n:,}" for row in frame.itertuples()]
    frame["name"] = [_fit(name) for name in frame["who"]]
    frame["panel"] = f"{step['label']}, {step['role']}s" if step["role"] else step["label"]
    return frame


def _fit(name: str) -> str:
    length = len(name)
    while length > 6 and measure_text(words.shorten(name, length), 12) > NAME_WIDTH - 10:
        length -= 1
    return words.shorten(name, length)


def _panel(rows: pd.DataFrame, step: dict[str, Any], one: Adjusted) -> altair.LayerChart:
    import altair as alt

    ends = rows[["raw_rate", "limit_low", "limit_high", "expected_rate"]].to_numpy()
    low, high = float(ends.min()), float(ends.max())
    room = (high - low) * 0.05 or 0.01
    x_scale = alt.Scale(domain=[max(low - room, 0.0), high + room], nice=False, zero=False)
    is_share = step["unit"] == "share"
    money = "replace(format(datum.value, '~s'), 'k', ' k')"
    label = "replace(format(datum.value, '.0%'), '%', ' %')" if is_share else money
    axis = alt.Axis(title=None, tickCount=3, labelExpr=label, grid=False, labelFontSize=11)
    y = alt.Y("row:Q", scale=alt.Scale(domain=[-0.5, len(rows) - 0.5], reverse=True, nice=False), axis=None)
    keep = ["row", "name", "who", "raw_rate", "expected_rate", "limit_low", "limit_high", "colour", "inside", "text",
            "expected_text", "range_text", "verdict"]  # fmt: skip
    base = alt.Chart(rows[keep])
    tips = [alt.Tooltip(f"{name}:N", title=said) for name, said in (
        ("who", "Who"), ("text", "Actual"), ("expected_text", "What came lets expect"),
        ("range_text", "Chance makes"), ("verdict", "Verdict"))]  # fmt: skip
    band = base.mark_bar(height=11, color=LIGHT["rule"], cornerRadius=2).encode(
        x=alt.X("limit_low:Q", scale=x_scale, axis=axis), x2="limit_high:Q", y=y
    )
    tick = base.mark_tick(thickness=2, size=14, color=LIGHT["grey"]).encode(
        x=alt.X("expected_rate:Q", scale=x_scale, axis=axis), y=y
    )
    dot = base.mark_point(size=62, filled=True, opacity=1, strokeWidth=1.6).encode(
        x=alt.X("raw_rate:Q", scale=x_scale, axis=axis),
        y=y,
        fill=alt.Fill("inside:N", scale=None),
        stroke=alt.Stroke("colour:N", scale=None),
        tooltip=tips,
    )
    whole = alt.Chart(pd.DataFrame({"x": [one.rate]})).mark_rule(strokeDash=[4, 3], color=LIGHT["mid"])
    names = base.mark_text(align="right", fontSize=12).encode(
        x=alt.value(-8), y=y, text="name:N", color=alt.Color("colour:N", scale=None)
    )
    texts = base.mark_text(align="left", fontSize=11.5).encode(
        x=alt.value(PANEL_WIDTH + 8), y=y, text="text:N", color=alt.Color("colour:N", scale=None)
    )
    style = {"anchor": "start", "frame": "group", "dx": -NAME_WIDTH, "fontSize": 13, "fontWeight": 600, "offset": 6}
    heading = alt.Title(rows["panel"].iloc[0], **style)
    layers = alt.layer(band, whole.encode(x=alt.X("x:Q", scale=x_scale, axis=axis)), tick, dot, names, texts)
    return layers.properties(width=PANEL_WIDTH, height=ROW * len(rows), title=heading)


def _list_steps(fairness: Fairness, currency: str) -> Display:
    steps = fairness.steps
    table = pd.DataFrame(
        {
            "label": steps["label"],
            "role": steps["role"].where(steps["role"] != "", "all"),
            "people": [f"{row.n_judged} of {row.n_people}" for row in steps.itertuples()],
            "n": steps["n"],
            "rate": [words.say_value(row.rate, row.unit, currency=currency) for row in steps.itertuples()],
            "adjusted_for": steps["adjusted_for"].where(steps["adjusted_for"] != "", "nothing: too few records"),
            "statement": steps["statement"],
        }
    )
    labels = {"label": "Step", "role": "Who", "people": "Judged", "n": "n", "rate": "All together",
              "adjusted_for": "Adjusted for", "statement": "What it shows"}  # fmt: skip
    below = int(steps["n_below"].sum())
    title = "What people differ by is what came to them, and chance" if not below else "Where people need help"
    return show_table(
        table,
        title=title,
        subtitle="every step that people work, judged together",
        labels=labels,
        note=f"{BASIS} Steps of some records are left out. {fairness.left_out}" if fairness.left_out else BASIS,
    )


def _list_cleared(cleared: pd.DataFrame, currency: str) -> Display:
    table = pd.DataFrame(
        {
            "who": cleared["who"],
            "label": cleared["label"],
            "n": cleared["n"],
            **{
                name: [words.say_value(value, unit, currency=currency) for value, unit in zip(
                    cleared[name], cleared["unit"], strict=True)]
                for name in ("actual", "rate", "expected")
            },
        }
    )  # fmt: skip
    n = cleared["who"].nunique()
    labels = {"who": "Cleared", "label": "Step", "n": "n", "actual": "Raw", "rate": "All together",
              "expected": "Such records with anybody"}  # fmt: skip
    return show_table(
        table,
        title=f"{n} {'person is' if n == 1 else 'people are'} cleared: what came to them, not what they did with it",
        subtitle="raw number far below all, and as the mix lets expect",
        labels=labels,
    )
