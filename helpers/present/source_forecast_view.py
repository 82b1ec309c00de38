"""The owners' forecasts beside the model's: the next starts as a picture, the numbers, the remedies, and what came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.analyses.source_forecast_words import say_remedy
from helpers.present import words
from helpers.present.charts.overview import Displays
from helpers.present.display import Display, show_chart, show_message, show_table
from helpers.present.theme import LIGHT, WIDTH

if TYPE_CHECKING:
    from helpers.analyses.source_forecast_review import SourceForecastReview

NOBODY = "No owner of a source has entered a forecast yet"
HOW_TO = (
    "Open this page in JupyterLab or in the app, give your name, choose your source and type what it will generate in "
    "each of the next periods."
)
HEIGHT = 200


def show_source_forecasts(
    review: SourceForecastReview, *, subtitle: str = "", currency: str = "USD"
) -> Display | Displays:
    """Show the owners' forecasts beside the model's, the shortfall and its remedy, and how earlier ones turned out.

    Without coverage and forecasts nothing is shown: ``show_coverage`` has said why.
    """
    if not review.is_available and not review.has_forecasts:
        return Displays()
    if not review.is_available:
        return show_message("empty", review.title, review.reason, review.cure)
    if not review.has_forecasts:
        return show_message("empty", NOBODY, "Until then the model's forecast stands alone.", HOW_TO)
    shown = [
        draw_starts(review, subtitle=subtitle, currency=currency),
        show_compared(review, subtitle=subtitle, currency=currency),
        show_remedies(review, subtitle=subtitle, currency=currency),
    ]
    if len(review.record):
        shown.append(show_record(review, subtitle=subtitle, currency=currency))
    return Displays(shown)


def draw_starts(review: SourceForecastReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Draw the next starting coverages: the model's hollow with a band, the owners' as dots, those needed as ticks."""
    import altair as alt

    rows = review.starts[review.starts["target"] > 0].reset_index(drop=True).copy()
    if rows.empty:
        return show_message(
            "empty", "The starts can't be held against a target", "No period to come has a bookings target.",
            "Type a revenue goal for the next periods or their year.",
        )  # fmt: skip
    for end in ("low", "high"):
        rows[f"model_{end}"] = rows[f"model_start_{end}"] / rows["target"]
    for who in ("model", "owner", "needed"):
        rows[f"{who}_text"] = [_times(value) for value in rows[f"{who}_coverage"]]
    rows["owner_text"] = "owners " + rows["owner_text"]
    rows["needed_text"] = "needed " + rows["needed_text"]
    rows["remedy_text"] = [say_remedy(row, currency) for _, row in rows.iterrows()]
    rows["colour"] = [LIGHT["bad"] if short > 0 else LIGHT["good"] for short in rows["owner_short"]]
    top = float(rows[["model_high", "owner_coverage", "needed_coverage"]].max().max()) * 1.15
    x = alt.X(
        "label:N", sort=rows["label"].tolist(), title=None, axis=alt.Axis(labelFontSize=12, labelOverlap=False),
        scale=alt.Scale(paddingInner=0.5, paddingOuter=0.3),
    )  # fmt: skip
    axis = alt.Axis(labels=False, grid=False, titleAngle=0, titleAlign="left", titleAnchor="end", titleY=-4, titleX=-2)
    y = alt.Y("model_coverage:Q", title="Starting coverage", axis=axis, scale=alt.Scale(domain=[0, top]))
    base = alt.Chart(rows).encode(x=x, tooltip=[alt.Tooltip(f"{name}:N", title=title) for name, title in (
        ("label", "Period"), ("model_text", "Model"), ("owner_text", "Owners"), ("needed_text", "Needed"),
        ("remedy_text", "Remedy"))])  # fmt: skip
    bars = base.mark_bar(fill=LIGHT["paper"], stroke=LIGHT["mid"], strokeWidth=1.5).encode(y=y)
    band = base.mark_rule(color=LIGHT["grey"]).encode(y=alt.Y("model_low:Q"), y2="model_high:Q")
    needed = base.mark_tick(color=LIGHT["ink"], thickness=2, size=86).encode(y="needed_coverage:Q")
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(
        y="owner_coverage:Q", color=alt.Color("colour:N", scale=None)
    )
    model = base.mark_text(baseline="bottom", color=LIGHT["grey"]).encode(y=alt.value(HEIGHT - 5), text="model_text:N")
    said = base.mark_text(align="left", dx=50, fontWeight=600).encode(y="owner_coverage:Q", text="owner_text:N")
    wanted = base.mark_text(dy=-9, color=LIGHT["grey"]).encode(y="needed_coverage:Q", text="needed_text:N")
    chart = alt.layer(bars, band, needed, dots, model, said, wanted).properties(width=WIDTH, height=HEIGHT)
    columns = ["label", "needed_coverage", "model_coverage", "model_low", "model_high", "owner_coverage", "owner_short"]
    units: dict[str, Any] = dict.fromkeys(columns[1:-1], "ratio") | {"owner_short": "currency"}
    return show_chart(
        chart, title=review.title, subtitle=subtitle, numbers=rows[columns], units=units, currency=currency,
        note=(
            "Hollow bars: the model's forecast; the thin line is the 80 % interval of what is still to be generated. "
            "Dots: the owners' forecasts, with the share of them that has usually been due in the period at its start; "
            "the model's where an owner said nothing."
        ),
    )  # fmt: skip


def show_compared(review: SourceForecastReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show per source and period what its owner expects to generate and what the model does."""
    rows = []
    for source, part in review.compared.groupby("source", sort=False):
        owners = [name for name in dict.fromkeys(part["owner"]) if name]
        row: dict[str, Any] = {"source": source, "owner": words.join_words(owners) if owners else "nobody yet"}
        for _, cell in part.iterrows():
            row[f"{cell['label']}: owner"], row[f"{cell['label']}: model"] = (
                cell["owner_pipeline"],
                cell["model_pipeline"],
            )
        rows.append(row)
    table = pd.DataFrame(rows)
    numbers = [name for name in table.columns if name not in ("source", "owner")]
    total = {"source": "All sources", "owner": ""} | {name: table[name].sum(min_count=1) for name in numbers}
    table = pd.concat([pd.DataFrame([total]), table], ignore_index=True)
    derived = review.compared[review.compared["is_derived"]]["source"].drop_duplicates().tolist()
    note = "New-business pipeline generated in the period, blank where the owner said nothing."
    if derived:
        note += f" Told as a number of opportunities and taken at their usual amount: {words.join_words(derived)}."
    notes = review.compared[review.compared["note"] != ""].drop_duplicates(["source", "note"])
    note += "".join(f" {row['source']}: {row['note'].rstrip('.')} ({row['owner']})." for _, row in notes.iterrows())
    return show_table(
        table, title=_say_compared(review, currency), subtitle=subtitle, units=dict.fromkeys(numbers, "currency"),
        labels={name: name for name in numbers}, currency=currency, max_rows=16, note=note,
    )  # fmt: skip


def _say_compared(review: SourceForecastReview, currency: str) -> str:
    known = review.compared[review.compared["owner_pipeline"].notna() & review.compared["model_pipeline"].notna()]
    if known.empty:
        return "What owners expect of sources that have no history"
    said, usual = float(known["owner_pipeline"].sum()), float(known["model_pipeline"].sum())
    amount = words.say_value(abs(said - usual), "currency", currency=currency)
    way = "more" if said >= usual else "less"
    return f"Over the next {known['label'].nunique()} periods owners expect to generate {amount} {way} than the model"


def show_remedies(review: SourceForecastReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show what each start is short of, who covers it, and the remedy that holds, with who wrote it when."""
    starts = review.starts
    table = pd.DataFrame(
        {
            "label": starts["label"],
            "needed": starts["needed"],
            "owner_start": starts["owner_start"],
            "to_spare": -starts["owner_short"],
            "agreed": [
                say_remedy(row, currency) or ("nobody yet" if row["owner_short"] > 0 else "")
                for _, row in starts.iterrows()
            ],
            "said": [_say_agreed(row) for _, row in starts.iterrows()],
        }
    )
    short = starts[starts["owner_short"] > 0]
    without = short[(short["covered_by"] == "") & (short["remedy"] == "")]["label"].tolist()
    if without:
        title = f"Nobody covers the shortfall of {words.join_words(without)} yet"
    elif len(short):
        title = "Every start that is short has an agreed remedy"
    else:
        title = "No start is short by the owners' forecasts, so no remedy is needed"
    labels = {
        "label": "Period", "needed": "Needed", "owner_start": "Owners' start", "to_spare": "Short (−) or to spare",
        "agreed": "Who covers it, with which remedy, by when", "said": "Last said",
    }  # fmt: skip
    units = {"needed": "currency", "owner_start": "currency", "to_spare": "currency"}
    return show_table(table, title=title, subtitle=subtitle, units=units, labels=labels, currency=currency)


def _say_agreed(row: pd.Series) -> str:
    if not row["agreed_by"]:
        return ""
    when = f", {words.say_date(row['agreed_on'].date())}" if pd.notna(row["agreed_on"]) else ""
    earlier = int(row["n_changes"]) - 1
    return f"{row['agreed_by']}{when}" + (
        f" ({words.count_of(earlier, 'earlier version')} kept)" if earlier > 0 else ""
    )


def show_record(review: SourceForecastReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show each owner's earlier forecasts and what came of them."""
    record = review.record
    by_count = record["forecast_n"].notna() & ((record["tracked_on"] == "opportunities") | record["forecast"].isna())
    said = record["forecast_n"].where(by_count, record["forecast"])
    came = record["actual_n"].where(by_count, record["actual"])
    table = record[["owner", "source", "label", "said_on"]].assign(
        forecast=[_say_amount(v, c, currency) for v, c in zip(said, by_count, strict=True)],
        came=[_say_amount(v, c, currency) for v, c in zip(came, by_count, strict=True)],
        difference=(said / came.where(came > 0) - 1).to_numpy(dtype=float),
    )
    worst = review.bias[review.bias["bias"].notna()]
    title = "What came of earlier forecasts"
    if len(worst):
        row = worst.loc[worst["bias"].abs().idxmax()]
        size = words.say_value(abs(row["bias"]), "share", digits=0)
        way = "more" if row["bias"] > 0 else "less"
        title = f"{row['owner']} has forecast {size} {way} than came, over {words.count_of(int(row['n']), 'forecast')}"
    bias = "; ".join(_say_bias(row) for _, row in worst.iterrows())
    return show_table(
        table, title=title, subtitle=subtitle, units={"difference": "share", "forecast": "text", "came": "text"},
        labels={"label": "Period", "said_on": "Said on", "difference": "Forecast against what came"}, currency=currency,
        note=f"The last forecast said up to two weeks into each period. Sums of forecasts against what came: {bias}.",
    )  # fmt: skip


def _say_bias(row: pd.Series) -> str:
    way = "much" if row["bias"] > 0 else "little"
    size = words.say_value(abs(row["bias"]), "share", digits=0)
    return f"{row['owner']} {size} too {way} over {words.count_of(int(row['n']), 'forecast')}"


def _say_amount(value: float, is_count: bool, currency: str) -> str:
    if words.is_missing(value):
        return ""
    return f"{value:,.0f} opp." if is_count else words.say_value(value, "currency", currency=currency)


def _times(value: float) -> str:
    return "" if words.is_missing(value) else words.say_value(value, "ratio", digits=1)
