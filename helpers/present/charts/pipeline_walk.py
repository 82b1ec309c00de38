"""The pipeline walk as a waterfall from top to bottom: levels grey, what helped and what hurt in their colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.analyses.slicing_filters import name_cuts
from helpers.present import words
from helpers.present.charts.canvas import measure_text
from helpers.present.charts.footnote import show_chart_with_footnote
from helpers.present.charts.overview import Displays
from helpers.present.display import Display, show_message, show_table
from helpers.present.records_view import fold_constants, place_links
from helpers.present.theme import LIGHT
from helpers.units import open_sentence, spell_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    import altair

    from helpers.analyses.pipeline_walk import PipelineWalk

WIDTH, ROW = 560, 30
PANEL_WIDTH, PANEL_ROW, COLUMNS = 196, 18, 3
MOST_PANELS = 9
PEOPLE = {"owner", "manager"}
"""Cuts whose slices no title names: a list of deals says nothing of a person."""
LEVELS = ("opening", "closing")
MOST_ROWS = 200


def draw_pipeline_walk(walk: PipelineWalk, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Draw the company's walk.

    Args:
        walk: As made by ``walk_pipeline``.
        subtitle: Company, period, last day.
        currency: The company's currency.

    Returns:
        A display; a message where there is no walk.
    """
    if not walk.is_told:
        return show_message("empty", walk.headline, walk.why_not, walk.cure)
    measure, unit = _measure(walk)
    rows = _bars(walk.total, measure, unit, currency)
    said = "Amount and deals" if walk.has_money else "Deals"
    numbers = walk.total[["label", measure, "deals"] if walk.has_money else ["label", "deals"]]
    return show_chart_with_footnote(
        _waterfall(rows),
        title=walk.headline,
        subtitle=f"{said} of {_say_scope(walk)} · {subtitle}".strip(" ·"),
        numbers=numbers.reset_index(drop=True),
        units={"amount": "currency"},
        labels={"label": "Step", "amount": "Amount", "deals": "Deals"},
        currency=currency,
        note=f"The steps add up to the closing{' to the cent' if walk.has_money else ''}. {' '.join(walk.notes)}",
        width=WIDTH + 220,
    )


def draw_pipeline_walks(walks: Sequence[PipelineWalk], *, subtitle: str = "", currency: str = "USD") -> Displays:
    """Draw several walks of the company one below the other; what can't be told for one reason is said once.

    Args:
        walks: As made by ``walk_pipeline``.
        subtitle: Company, period, last day.
        currency: The company's currency.
    """
    told = {walk.why_not or str(place): walk for place, walk in enumerate(walks)}
    return Displays(draw_pipeline_walk(walk, subtitle=subtitle, currency=currency) for walk in told.values())


def draw_walk_slices(walk: PipelineWalk, *, subtitle: str = "", currency: str = "USD") -> Display | None:
    """Draw the walk of each slice of the first cut, on one scale; beyond nine panels the rest stands together.

    Args:
        walk: As made by ``walk_pipeline`` with ``by``.
        subtitle: Company, period, last day.
        currency: The company's currency.

    Returns:
        A display; None where there is no walk, which its picture says.
    """
    if not walk.is_told:
        return None
    if not walk.by:
        return show_message("empty", "The walk isn't cut by anything", "Name a partition in by.")
    import altair as alt

    measure, unit = _measure(walk)
    label = "Amount" if walk.has_money else "Deals"
    cut = " & ".join(walk.by[0])
    most = _find_most(walk, measure)
    frame = _gather(walk.frame[walk.frame["dimension"] == cut], str(most[0]["slice"]) if most else "")
    names = list(dict.fromkeys(frame["slice"]))
    if not names:
        return show_message("empty", "No deal took any step, so there is no slice to show")
    panels = [_bars(frame[frame["slice"] == name], measure, unit, currency) for name in names]
    low = min(0.0, *(float(rows[["from", "to"]].min().min()) for rows in panels))
    high = max(float(rows["top"].max()) for rows in panels) or 1.0
    drawn = [
        _panel(rows, name, (low, high), has_labels=i % COLUMNS == 0)
        for i, (rows, name) in enumerate(zip(panels, names, strict=True))
    ]
    chart = alt.concat(*drawn, columns=COLUMNS, spacing=18)
    return show_chart_with_footnote(
        chart,
        title=_say_slices(walk, measure, unit, currency),
        subtitle=f"{label} by {name_cuts(walk.by[0])} of {_say_scope(walk)}; on one scale · {subtitle}".strip(" ·"),
        numbers=_wide(walk, cut, measure),
        units=dict.fromkeys(walk.total["label"], unit),
        currency=currency,
        note="The slices of a step add up to the company's.",
        width=PANEL_WIDTH * COLUMNS + 160,
    )


def show_walk_table(walk: PipelineWalk, *, subtitle: str = "", currency: str = "USD") -> Display | None:
    """Show every slice of every cut as a row, with all steps as columns; None where there is no walk."""
    if not walk.is_told:
        return None
    measure, unit = _measure(walk)
    cuts = [" & ".join(cut) for cut in walk.by]
    parts = [_wide(walk, cut, measure).rename(columns={"slice": "Slice"}) for cut in cuts]
    for cut, part in zip(cuts, parts, strict=True):
        part.insert(0, "Partition", words.label_of(cut))
    whole = _wide(walk, "all", measure).rename(columns={"slice": "Slice"})
    whole.insert(0, "Partition", "Company")
    frame = pd.concat([whole.assign(Slice="all"), *parts], ignore_index=True)
    frame["Slice"] = [spell_out(str(name)) for name in frame["Slice"]]
    steps = [name for name in frame if name not in ("Partition", "Slice")]
    return show_table(
        frame,
        title=_say_shrunk(walk, measure),
        subtitle=f"{'Amount' if walk.has_money else 'Deals'} of {_say_scope(walk)} · {subtitle}".strip(" ·"),
        units=dict.fromkeys(steps, unit),
        labels={name: name for name in frame},
        currency=currency,
    )


def _say_scope(walk: PipelineWalk) -> str:
    due = "due by its close date in the period" if walk.scope == "due" else "all of it, whenever it is due"
    return f"open pipeline, {due}"


def _say_shrunk(walk: PipelineWalk, measure: str) -> str:
    """Say how many slices of the first cut ended with less than they began with."""
    if not walk.by:
        return walk.headline
    cut = walk.frame[walk.frame["dimension"] == " & ".join(walk.by[0])]
    ends = cut[cut["step"].isin(LEVELS)].pivot(index="slice", columns="step", values=measure).fillna(0)
    fewer = int((ends["closing"] < ends["opening"]).sum())
    slices = words.count_of(len(ends), "slice")
    which = f"All {slices}" if fewer == len(ends) > 1 else f"{fewer or 'None'} of {slices}"
    return f"{which} by {name_cuts(walk.by[0])} ended {walk.period.label} with less pipeline than at its start"


def show_step_records(
    walk: PipelineWalk, records: pd.DataFrame, *, title: str, subtitle: str = "", currency: str = "USD"
) -> Display | None:
    """Show the deals behind one step, as ``list_step`` lists them; None where there is no walk, or it has no such step.

    Args:
        walk: As made by ``walk_pipeline``.
        records: As ``list_step`` returns them.
        title: What they have in common; their number and amount are put behind it.
        subtitle: Company, period, last day.
        currency: The company's currency.
    """
    if not walk.is_told:
        return None
    if records.empty:
        return show_message("empty", f"No deal took this step: {title}")
    labels = {"label": "Step", "owner": "Owner today"}
    shown = records.drop(columns=["step", *(["label"] if records["label"].nunique() == 1 else [])])
    if {"amount_before", "amount_after"} <= set(shown):
        shown = shown.drop(columns=["amount"])
        if shown["amount_before"].equals(shown["amount_after"]):
            shown = shown.drop(columns=["amount_after"]).rename(columns={"amount_before": "amount"})
    shown, same = fold_constants(shown, labels, currency=currency)
    shown, marks = place_links(shown)
    worth = records["amount"].abs().sum()
    money = f", {words.say_value(float(worth), 'currency', currency=currency)}" if walk.has_money else ""
    left = len(records) - MOST_ROWS
    return show_table(
        shown.head(MOST_ROWS),
        title=f"{title}: {words.count_of(len(records), 'deal')}{money}",
        subtitle=" · ".join(part for part in (same, subtitle) if part),
        units=dict.fromkeys(("amount", "amount_before", "amount_after"), "currency"),
        labels=labels,
        marks=marks,
        currency=currency,
        note=f"The first {MOST_ROWS} of {len(records):,} deals; the file holds all of them." if left > 0 else "",
    )


def _measure(walk: PipelineWalk) -> tuple[str, str]:
    return ("amount", "currency") if walk.has_money else ("deals", "count")


def _bars(frame: pd.DataFrame, measure: str, unit: str, currency: str) -> pd.DataFrame:
    """Return one row per bar: from where to where, its colour and its texts."""
    rows, level = [], 0.0
    for row in frame.itertuples():
        sign = -1 if row.step in ("amount_down", "pushed_out", "dated_back", "won", "lost") else 1
        amount = float(row.amount) if measure == "amount" else float(row.deals * sign)
        is_level = row.step in LEVELS
        if measure == "deals" and row.step.startswith("amount"):
            continue
        begin = 0.0 if is_level else level
        level = amount if is_level else level + amount
        colour = {"up": "good", "down": "bad"}.get(row.direction, "bar") if not is_level else "grey"
        say = words.say_value if is_level else words.say_change
        text = "–" if not row.deals and not is_level else say(amount, unit, currency=currency)
        rows.append(
            {
                "step": row.label,
                "from": begin,
                "to": level,
                "colour": LIGHT[colour],
                "text": text,
                "n": words.count_of(int(row.deals), "deal") if measure == "amount" else "",
            }
        )
    bars = pd.DataFrame(rows)
    return bars.assign(top=bars[["from", "to"]].max(axis=1), order=range(len(bars)))


def _waterfall(rows: pd.DataFrame) -> altair.LayerChart:
    """Build the large picture: bars, connectors, amount beside each bar, deals in a column of their own."""
    import altair as alt

    high, low = float(rows["top"].max()) or 1.0, min(0.0, float(rows[["from", "to"]].min().min()))
    widest = max(measure_text(text, 13, weight=600) for text in rows["text"]) + 10
    deals = 76 if (rows["n"] != "").any() else 0
    room = (high - low) * (widest + deals) / (WIDTH - widest - deals)
    scale = alt.Scale(domain=[low, high + room], nice=False)
    bars, lines, texts, y = _layers(rows, scale, ROW, 13)
    n = (
        alt.Chart(rows.assign(end=high + room))
        .mark_text(align="right", fontSize=12, color=LIGHT["grey"])
        .encode(x=alt.X("end:Q", scale=scale), y=y, text="n:N")
    )
    axis = alt.Axis(labels=False, grid=False, title=None)
    return alt.layer(lines, bars.encode(x=alt.X("from:Q", scale=scale, axis=axis)), texts, n).properties(
        width=WIDTH, height=alt.Step(ROW)
    )


def _panel(rows: pd.DataFrame, name: str, span: tuple[float, float], *, has_labels: bool) -> altair.LayerChart:
    import altair as alt

    low, high = span
    widest = max(measure_text(text, 11, weight=600) for text in rows["text"]) + 10
    room = (high - low) * widest / max(PANEL_WIDTH - widest, 60)
    scale = alt.Scale(domain=[low, high + room], nice=False)
    bars, lines, texts, _ = _layers(rows, scale, PANEL_ROW, 11, has_labels=has_labels)
    title = alt.Title(
        words.shorten(spell_out(name), 28), anchor="start", fontSize=13, fontWeight=600, color=LIGHT["ink"], offset=4
    )
    return alt.layer(lines, bars, texts).properties(width=PANEL_WIDTH, height=alt.Step(PANEL_ROW), title=title)


def _layers(rows: pd.DataFrame, scale: Any, row: int, size: int, *, has_labels: bool = True) -> tuple[Any, ...]:
    import altair as alt

    order = rows["step"].tolist()
    own = alt.Axis(labelFontSize=size, labelPadding=8, labelLimit=150) if has_labels else None
    y = alt.Y("step:N", sort=order, title=None, scale=alt.Scale(paddingInner=0.3, paddingOuter=0.1), axis=own)
    hidden = alt.Axis(labels=False, grid=False, title=None)
    base = alt.Chart(rows)
    tips = [alt.Tooltip("step:N", title="Step"), alt.Tooltip("text:N", title="Amount"), alt.Tooltip("n:N", title="n")]
    bars = base.mark_bar(minBandSize=2).encode(
        x=alt.X("from:Q", scale=scale, axis=hidden), x2="to:Q", y=y, color=alt.Color("colour:N", scale=None),
        tooltip=tips,
    )  # fmt: skip
    following = rows["step"].shift(-1)
    links = pd.concat(
        [
            pd.DataFrame({"link": i, "step": [step, after], "level": level})
            for i, (step, after, level) in enumerate(zip(rows["step"], following, rows["to"], strict=True))
            if isinstance(after, str)
        ]
        or [pd.DataFrame({"link": [], "step": [], "level": []})]
    )
    lines = (
        alt.Chart(links)
        .mark_line(strokeWidth=1, color=LIGHT["mid"], strokeDash=[2, 2])
        .encode(
            x=alt.X("level:Q", scale=scale, axis=hidden), y=alt.Y("step:N", sort=order, axis=own, title=None),
            detail="link:N",
        )
    )  # fmt: skip
    texts = base.mark_text(align="left", dx=6, fontSize=size, fontWeight=600, color=LIGHT["ink"]).encode(
        x=alt.X("top:Q", scale=scale, axis=hidden), y=y, text="text:N"
    )
    return bars, lines, texts, y


def _gather(frame: pd.DataFrame, named: str) -> pd.DataFrame:
    """Keep the largest slices and the one that the title names, and add up the rest as one."""
    names = list(dict.fromkeys(frame["slice"]))
    if len(names) <= MOST_PANELS:
        return frame
    kept = names[: MOST_PANELS - 1]
    if named in names and named not in kept:
        kept[-1] = named
    rest = frame[~frame["slice"].isin(kept)]
    others = rest.groupby(["step", "label", "direction"], sort=False, as_index=False)[["amount", "deals"]].sum()
    others = others.assign(slice=f"{len(names) - len(kept)} others together", dimension=frame["dimension"].iloc[0])
    return pd.concat([frame[frame["slice"].isin(kept)], others], ignore_index=True)


def _wide(walk: PipelineWalk, cut: str, measure: str) -> pd.DataFrame:
    frame = walk.frame[walk.frame["dimension"] == cut]
    wide = frame.pivot(index="slice", columns="label", values=measure)
    wide = wide.reindex(index=list(dict.fromkeys(frame["slice"])), columns=list(dict.fromkeys(frame["label"])))
    # Without money no deal takes these steps.
    idle = [] if measure == "amount" else frame.loc[frame["step"].str.startswith("amount"), "label"].unique()
    return wide.drop(columns=idle).rename_axis(columns=None).reset_index()


def _find_most(walk: PipelineWalk, measure: str) -> tuple[pd.Series, pd.Series] | None:
    """Return the slice that lost most to what the company lost most to, and the company's own row of it."""
    outs = walk.total[walk.total["step"].isin(("pushed_out", "lost"))]
    if not len(outs) or not outs[measure].any():
        return None
    worst = outs.loc[outs[measure].abs().idxmax()]
    cut = walk.frame[(walk.frame["dimension"] == " & ".join(walk.by[0])) & (walk.frame["step"] == worst["step"])]
    return cut.loc[cut[measure].abs().idxmax()], worst


def _say_slices(walk: PipelineWalk, measure: str, unit: str, currency: str) -> str:
    """Name the slice that lost most of its pipeline to what the company lost most to."""
    found = _find_most(walk, measure)
    if found is None or set(walk.by[0]) & PEOPLE:
        return walk.headline
    most, worst = found
    part, whole = abs(float(most[measure])), abs(float(worst[measure]))
    verb = {"pushed_out": "pushed out", "lost": "lost"}[worst["step"]]
    noun = "" if measure == "amount" else " deals"
    name = open_sentence(spell_out(str(most["slice"])))
    return (
        f"{name} accounts for {words.say_value(part, unit, currency=currency)} of the "
        f"{words.say_value(whole, unit, currency=currency)}{noun} {verb} in {walk.period.label}"
    )
