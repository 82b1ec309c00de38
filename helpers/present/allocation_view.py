"""A goal split over slices, and what each source has to bring, as tables that say what rests on what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from helpers.analyses.coverage import TOTAL
from helpers.analyses.source_goals import MEANS
from helpers.model.pipeline_source import OPPORTUNITIES
from helpers.present import words
from helpers.present.charts.overview import Displays
from helpers.present.display import Display, show_message, show_table
from helpers.units import format_value

if TYPE_CHECKING:
    from helpers.analyses.allocation_review import AllocationReview
    from helpers.analyses.source_goals import SourceGoals

HOWS = {"history": "by history", "hand": "by hand, the rest by history", "optimise": "for most revenue at equal effort"}
ALL = "All"


def show_allocation(
    allocation: pd.DataFrame, *, kpi: str, label: str, period: str, subtitle: str = "", currency: str = "USD"
) -> Display:
    """Show a goal split over the slices of a partition.

    Args:
        allocation: As made by ``goal_allocation.allocate_goal``; empty where there is no history to split by.
        kpi: The KPI as it stands inside a sentence, such as ``closed revenue``.
        label: The partition as a reader says it, such as ``source``.
        period: The goal's period, such as ``Q1 2027``.
        subtitle: Company and last day.
        currency: ISO code of the company's currency.
    """
    if allocation.empty:
        return show_message(
            "empty",
            f"The goal of {period} can't be split by {label} yet",
            f"No period of {words.prose_html(label)} is complete, so there are no shares to split by.",
            "Export at least one whole period, or type the goals of the slices by hand.",
        )
    told = allocation.attrs
    unit, how = told["unit"], told["how"]
    columns = ["slice", "goal", "share", "expected", "absorbed", "low_bound", "high_bound", "n", "note"]
    if how == "optimise":
        columns[7:7] = ["effort", "return"]
    table = allocation[[name for name in columns if name in allocation and allocation[name].notna().any()]].copy()
    whole = {
        name: allocation[name].sum()
        for name in ("goal", "share", "expected", "absorbed", "n", "effort")
        if name in table
    }
    table = pd.concat([pd.DataFrame([{"slice": ALL, **whole}]), table], ignore_index=True).reindex(
        columns=table.columns
    )
    if "note" in table:
        table["note"] = table["note"].fillna("")
    driver = words.label_of(told.get("driver") or "effort")
    labels = {
        "slice": words.label_of(label), "goal": "Goal", "expected": "Expected", "absorbed": "Takes of the difference",
        "low_bound": "At least", "high_bound": "At most", "effort": f"Effort: {driver}", "return": "Revenue per unit",
    }  # fmt: skip
    units = dict.fromkeys(("goal", "expected", "absorbed", "low_bound", "high_bound"), unit) | {"share": "share"}
    units |= {"effort": "count", "return": "currency", "n": "count"}
    for name in ("expected", "absorbed", "effort"):
        if name in table and units[name] == "count":
            table[name] = table[name].round()
    return show_table(
        table,
        title=say_allocation(allocation, kpi=kpi, label=label, period=period, currency=currency),
        subtitle=subtitle,
        units=units,
        labels=labels,
        currency=currency,
        marks={"share": "share_bar"},
        max_rows=16,
        note=_explain(allocation, currency),
    )


def say_allocation(allocation: pd.DataFrame, *, kpi: str, label: str, period: str, currency: str = "USD") -> str:
    """Say how a goal was split and who takes most of what is wanted beyond expectation."""
    told = allocation.attrs
    goal = format_value(told["goal"], told["unit"], currency=currency)
    kept = f"{goal} {kpi} in {period}" if told["unit"] == "count" else f"{goal} of {kpi} in {period}"
    if told["how"] == "optimise" and told["before"] > 0 and not told.get("is_effort"):
        more = format_value(told["after"] / told["before"] - 1, "share", digits=1)
        return f"{kept} takes least effort split so: at the effort of history it would bring {more} more"
    if told["how"] == "optimise" and told["before"] > 0:
        more = format_value(told["after"] / told["before"] - 1, "share", digits=1)
        return f"{kept} bring {more} more revenue split so than by history"
    if told["absorber"]:
        row = allocation[allocation["slice"] == told["absorber"]].iloc[0]
        size = format_value(round(abs(row["absorbed"])), told["unit"], currency=currency)
        way = "more" if row["absorbed"] > 0 else "less"
        return f"{told['absorber']} takes the whole difference to {kept}: {size} {way}"
    row = allocation.loc[allocation["absorbed"].abs().idxmax()]
    size = format_value(round(abs(row["absorbed"])), told["unit"], currency=currency)
    way = "more" if row["absorbed"] > 0 else "less"
    return f"{kept} asks most change of {row['slice']}: {size} {way} than is expected of it"


def _explain(allocation: pd.DataFrame, currency: str) -> str:
    told = allocation.attrs
    parts = [f"Split {HOWS[told['how']]}; parts add up exactly."]
    if "first" in told:
        parts.append(
            f"Shares of the year of complete periods that began on {words.say_date(told['first'].date())}; n records."
        )
    if told["how"] == "optimise":
        parts.append(
            f"Effort is counted in {words.label_of(told.get('driver') or 'effort').lower()}. Revenue per unit: each "
            "slice's own cohort rates × deal size, drawn towards the company's where records are few; assumed, not "
            f"measured: 10 % more effort in a slice brings about {told['elasticity'] * 10:.0f} % more there."
        )
    return " ".join(parts)


def show_source_goals(review: SourceGoals, *, subtitle: str = "", currency: str = "USD") -> Display | Displays:
    """Show what each source has to bring for the next periods' starts, in what its owner is tracked on.

    Without coverage nothing is shown: ``show_coverage`` has said why.
    """
    if not review.is_available:
        return Displays()
    goals = review.goals
    labels = goals.drop_duplicates("period_start").set_index("period_start")["label"]
    rows = []
    names = [name for name in goals["source"].unique() if name != TOTAL] or [TOTAL]
    for name in [*([TOTAL] if len(names) > 1 else []), *names]:
        part = goals[goals["source"] == name].set_index("period_start")
        row = {"source": "All sources" if name == TOTAL else name, "role": part["role"].iloc[0]}
        for start, label in labels.items():
            row[label] = _say_cell(part.loc[start], currency) if start in part.index else ""
        row |= {"n": int(part["n"].iloc[0])}
        rows.append(row)
    needs = {"source": "Needed coverage × target", "role": ""}
    has = {"source": "Exists and stays", "role": ""}
    whole = goals.groupby("period_start").first()
    for start, label in labels.items():
        needed = whole.loc[start, "needed_coverage"] * whole.loc[start, "target"]
        needs[label] = format_value(needed, "currency", currency=currency)
        has[label] = format_value(whole.loc[start, "exists"], "currency", currency=currency)
    table = pd.DataFrame([needs, has, *rows])
    table["n"] = table["n"].astype("Int64")
    late = goals[goals["is_late"].astype(bool)]["label"].drop_duplicates().tolist()
    note = [
        MEANS,
        "Pipeline to be created by the start and due in the period; in brackets how many opportunities at their usual "
        "amount; sources of marketing, community and product are tracked on that number. n: opportunities of the last "
        "year behind the split.",
    ]
    if late:
        note.append(
            f"{words.join_words(late)} starts before more can be there: only what is created and closed within helps."
        )
    return show_table(
        table, title=review.title, subtitle=subtitle,
        labels={"source": "Pipeline to bring", **dict(zip(labels, labels, strict=True))},
        currency=currency, max_rows=16, note=" ".join(note),
    )  # fmt: skip


def _say_cell(row: Mapping, currency: str) -> str:
    money = format_value(float(row["pipeline"]), "currency", currency=currency)
    if row["opportunities"] != row["opportunities"]:
        return money
    count = f"{row['opportunities']:,.0f}"
    return f"{count} opp. ({money})" if row["tracked_on"] == OPPORTUNITIES else f"{money} ({count} opp.)"


def show_split(review: AllocationReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show how the next period's revenue goal is split, by what a review knows of it."""
    return show_allocation(
        review.allocation,
        kpi=review.kpi,
        label=review.label,
        period=review.period,
        subtitle=subtitle,
        currency=currency,
    )
