"""What a commission split pays each person before and after, as a dumbbell with the total, and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.present import words
from helpers.present.charts.axes import axis_words
from helpers.present.charts.footnote import show_chart_with_footnote
from helpers.present.charts.overview import Displays
from helpers.present.display import Display, show_message, show_table
from helpers.present.theme import LIGHT

if TYPE_CHECKING:
    from helpers.analyses.commission import CommissionSplit

WIDTH, ROW, MOST = 430, 26, 20
SHOWN = ["name", "n_new", "n_expansion", "new", "expansion", "pay_before", "pay_after", "change"]
LABELS = {
    "name": "Paid to", "n_new": "New deals", "n_expansion": "Expansion deals", "new": "Net-new",
    "expansion": "Expansion",
    "pay_before": "Pay before", "pay_after": "Pay after", "change": "Change",
    "next_new_after": "Next unit of net-new pays",
    "next_expansion_after": "Next unit of expansion pays",
}  # fmt: skip
UNITS = dict.fromkeys(("new", "expansion", "pay_before", "pay_after", "change"), "currency") | {
    "next_new_after": "share",
    "next_expansion_after": "share",
}


def show_commission(split: CommissionSplit | None, *, subtitle: str = "", period: str = "") -> Display | Displays:
    """Show what each person is paid before and after a split, with totals and the incentive of either kind.

    Args:
        split: As made by ``split_commission``; None where there are no deals to split.
        subtitle: Company, period, last day.
        period: The days that the deals were won in.

    Returns:
        A dumbbell and a table; a message where no won deal pays anything.
    """
    if split is None or split.frame.empty or not (split.total_before or split.total_after):
        return show_message(
            "empty",
            "No commission to split",
            " ".join(["No won deal with an owner and an amount.", *(split.notes if split else ())]),
            "Map deal.owner and deal.amount, or choose a period with won deals.",
        )
    return Displays([_draw(split, subtitle, period), _tabulate(split, subtitle)])


def _draw(split: CommissionSplit, subtitle: str, period: str) -> Display:
    import altair as alt

    rows = _write_rows(split)
    order = rows["label"].tolist()
    top = float(rows[["pay_before", "pay_after"]].max().max()) * 1.05 or 1.0
    scale = alt.Scale(domain=[0, top], nice=False)
    axis = alt.Axis(title=None, format="~s", labelExpr=axis_words("currency", split.currency), tickCount=5)
    y = alt.Y("label:N", sort=order, title=None, axis=alt.Axis(labelLimit=220, labelPadding=10))
    base = alt.Chart(rows)
    tips = [alt.Tooltip("label:N", title="Paid to"), alt.Tooltip("before_text:N", title="Before"),
            alt.Tooltip("after_text:N", title="After"), alt.Tooltip("deals:N", title="Deals")]  # fmt: skip
    layers = [
        base.mark_rule(strokeWidth=2, color=LIGHT["bar"]).encode(
            y=y, x=alt.X("pay_before:Q", scale=scale, axis=axis), x2="pay_after:Q"
        ),
        base.mark_point(size=60, filled=True, fill=LIGHT["paper"], stroke=LIGHT["grey"], strokeWidth=1.5, opacity=1)
        .encode(y=y, x=alt.X("pay_before:Q", scale=scale, axis=axis), tooltip=tips),
        base.mark_point(size=70, filled=True, fill=LIGHT["accent"], stroke=LIGHT["accent"], opacity=1)
        .encode(y=y, x=alt.X("pay_after:Q", scale=scale, axis=axis), tooltip=tips),
        base.mark_text(align="left", fontSize=12, fontWeight=600, color=LIGHT["ink"])
        .encode(y=y, x=alt.value(WIDTH + 14), text="change_text:N"),
        base.mark_text(align="left", fontSize=11, color=LIGHT["grey"])
        .encode(y=y, x=alt.value(WIDTH + 130), text="deals:N"),
    ]  # fmt: skip
    return show_chart_with_footnote(
        alt.layer(*layers).properties(width=WIDTH, height=max(ROW * len(rows), 60)),
        title=split.headline,
        subtitle=" · ".join(part for part in (_say_totals(split), period, subtitle) if part),
        numbers=split.frame[SHOWN],
        units=UNITS,
        labels=LABELS,
        currency=split.currency,
        note=" ".join(["Hollow: pay before; filled: pay after.", _say_incentive(split), *split.notes,
                       _say_folded(split)]).strip(),
        width=WIDTH + 330,
    )  # fmt: skip


def _write_rows(split: CommissionSplit) -> pd.DataFrame:
    rows = split.frame.head(MOST).copy()
    say = {"currency": split.currency}
    rows["label"] = [words.shorten(name, 32) for name in rows["name"]]
    rows["before_text"] = [words.say_full(value, "currency", **say) for value in rows["pay_before"]]
    rows["after_text"] = [words.say_full(value, "currency", **say) for value in rows["pay_after"]]
    rows["change_text"] = [_say_change(row, split.currency) for row in rows.to_dict("records")]
    rows["deals"] = [
        f"{int(new)} new · {int(old)} expansion" for new, old in zip(rows["n_new"], rows["n_expansion"], strict=True)
    ]
    return rows


def _say_change(row: dict[str, Any], currency: str) -> str:
    change = float(row["change"])
    if round(change, 2) == 0:
        return "no change"
    text = f"{'+' if change > 0 else ''}{words.say_value(change, 'currency', currency=currency)}"
    relative = row["relative_change"]
    if words.is_missing(relative):
        return text
    return f"{text} ({'+' if relative > 0 else ''}{words.say_value(relative, 'share')})"


def _say_totals(split: CommissionSplit) -> str:
    before, after = (
        words.say_value(one, "currency", currency=split.currency) for one in (split.total_before, split.total_after)
    )
    if split.mode == "pool":
        return f"The same pool of {after} under both plans"
    return f"Everybody together: {before} before, {after} after"


def _say_incentive(split: CommissionSplit) -> str:
    """Say what a unit of each kind pays under both plans."""
    parts = []
    for row in split.rates.to_dict("records"):
        before, after = (words.say_value(row[name], "share", digits=1) for name in ("before", "after"))
        kind = "net-new" if row["kind"] == "new" else "expansion"
        parts.append(f"{kind} pays {after} of its revenue instead of {before} (n {int(row['n']):,} deals)")
    tail = " Of a fixed pool, one more unit pays less than that, since it also takes from one's own share." * (
        split.mode == "pool"
    )
    return f"{words.join_words(parts).capitalize()}.{tail}"


def _say_folded(split: CommissionSplit) -> str:
    rest = len(split.frame) - MOST
    return f"{rest} more people change less; the table lists them." if rest > 0 else ""


def _tabulate(split: CommissionSplit, subtitle: str) -> Display:
    total = split.frame[["n_new", "n_expansion", "new", "expansion", "pay_before", "pay_after", "change"]].sum()
    columns = [*SHOWN, "next_new_after", "next_expansion_after"]
    table = pd.concat([split.frame[columns], pd.DataFrame([{"name": "Everybody", **total}])], ignore_index=True)
    table = table.astype({"n_new": "int64", "n_expansion": "int64"})
    return show_table(
        table[columns],
        title=_say_totals(split),
        subtitle=f"Pay per person and what one more unit of revenue would pay · {subtitle}".strip(" ·"),
        units=UNITS,
        labels=LABELS,
        currency=split.currency,
        max_rows=15,
        note="Only won deals of the period; pay to the cent. Whether people sell differently under another plan is not "
        "foreseen: the same deals are paid anew.",
    )
