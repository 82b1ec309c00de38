"""The first page: the scorecard, both definitions of every conversion, and the main KPIs over time."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from helpers.analyses.trends import Trend
from helpers.model.catalog import Catalog
from helpers.present.charts.slices import draw_history
from helpers.present.display import Display, show_message, show_table
from helpers.present.words import count_of, label_of, say_interval, say_value
from helpers.units import format_value

COUNTED = {
    "period": "in the period",
    "cohort": "by entry date",
    "outcome": "by close date",
    "snapshot": "as it stood",
}
"""The legitimate definitions of a KPI, as short as a column or a subtitle."""


class Displays(tuple):
    """Several displays that show themselves one below the other."""

    def _ipython_display_(self) -> None:
        from IPython.display import display

        for shown in self:
            display(shown)


def draw_scorecard(scored: pd.DataFrame, *, title: str, subtitle: str, currency: str) -> Display:
    """Show the scorecard: every KPI beside the period before and its goal, with its light.

    Args:
        scored: The result of ``score_kpis``.
        title: What it shows, in a sentence.
        subtitle: Company, period, last day.
        currency: The company's currency.
    """
    if scored.empty:
        return show_message(
            "empty",
            "No KPI can be computed from these exports yet",
            "The table of missing KPIs says which field to map.",
        )
    table = pd.DataFrame(
        {
            "kpi": scored["label"],
            "now": [_written(row, "value", currency) for row in scored.to_dict("records")],
            "n": scored["n"].astype("Int64"),
            "before": [_written(row, "previous_value", currency) for row in scored.to_dict("records")],
            "goal": [_written(row, "goal", currency) for row in scored.to_dict("records")],
            "light": scored["light"],
            "judged_by": scored["judged_by"].replace({"previous period": "before"}),
            "definition": [COUNTED.get(basis, basis) for basis in scored["basis"]],
        }
    )
    return show_table(
        table,
        title=title,
        subtitle=subtitle,
        currency=currency,
        labels={"kpi": "KPI", "before": "Before", "judged_by": "Judged by", "definition": "What counts"},
        marks={"light": "light"},
        max_rows=30,
        note="The range in brackets is where the true value lies with the confidence that the company chose; "
        "n counts the records behind the number.",
    )


def draw_conversions(cells: pd.DataFrame, catalog: Catalog, *, period: Any, subtitle: str) -> Display:
    """Show every conversion by both definitions, the cohort's and the period's, side by side.

    Args:
        cells: The company's cells of one grain.
        catalog: The company's definitions.
        period: The period shown.
        subtitle: Company, period, last day.
    """
    company = cells[(cells["dimension"] == "all") & (cells["grain"] == period.grain)]
    starts = pd.to_datetime(company["period_start"]).dt.date
    rows = []
    for kpi in catalog.kpis.values():
        mine = company[(company["kpi"] == kpi.id)]
        if kpi.measure.kind != "conversion" or mine.empty:
            continue
        now = mine[starts.loc[mine.index] == period.start].set_index("basis")
        cohort = now.loc["cohort"].to_dict() if "cohort" in now.index else {}
        ratio = now.loc["period"].to_dict() if "period" in now.index else {}
        rows.append(
            {
                "conversion": kpi.label,
                "cohort": say_interval(cohort["value"], cohort["low"], cohort["high"], "share") if cohort else "–",
                "entered": cohort.get("n"),
                "cohort_state": "" if not cohort else ("mature" if cohort["is_complete"] else "◐ still open"),
                "period_ratio": format_value(ratio.get("value"), "share"),
            }
        )
    if not rows:
        return show_message("empty", "No two neighbouring stages are in these exports, so nothing converts yet")
    table = pd.DataFrame(rows).astype({"entered": "Int64"})
    still_open = int(table["cohort_state"].str.contains("open").sum())
    title = (
        f"{_still_open(still_open)} of {period.label} will still rise, because not all records have had their time yet"
        if still_open
        else f"Every cohort of {period.label} is old enough to be judged"
    )
    return show_table(
        table,
        title=title,
        subtitle=subtitle,
        labels={
            "cohort": "Of those that entered, this share went on",
            "entered": "Entered",
            "cohort_state": "Cohort",
            "period_ratio": "Went on ÷ entered, same period",
        },
        note="Two honest definitions: the first follows the records that entered in the period, the second divides two "
        "counts of the period and may pass 100 %.",
    )


def draw_trends(trends: Sequence[Trend], *, subtitle: str, currency: str) -> Displays:
    """Draw KPIs of the company over the periods, one picture each.

    Args:
        trends: The result of ``trend_kpis``.
        subtitle: Company, period, last day.
        currency: The company's currency.
    """
    if not trends:
        return Displays((show_message("empty", "There is no KPI to follow over time yet"),))
    return Displays(_draw_trend(trend, subtitle, currency) for trend in trends)


def _draw_trend(trend: Trend, subtitle: str, currency: str) -> Display:
    """Draw one KPI over time; a single value is said, since one dot is no history."""
    if trend.frame["value"].notna().sum() < 2:
        return show_message("empty", trend.headline, f"{say_measure(trend.kpi, trend.basis)} · {subtitle}")
    return draw_history(
        trend.frame,
        title=trend.headline,
        subtitle=f"{say_measure(trend.kpi, trend.basis)} · {subtitle}",
        unit=trend.kpi.unit,
        currency=currency,
        value_label=trend.kpi.label,
    )


def _still_open(number: int) -> str:
    return "1 conversion" if number == 1 else f"{number} conversions"


def say_measure(kpi: Any, basis: str) -> str:
    """Say how a KPI is computed, and what counts where that isn't plain."""
    meant = f", {COUNTED[basis]}" if basis in ("cohort", "outcome") else ""
    return f"{kpi.label}: {kpi.formula}{meant}"


def draw_scan(changes: pd.DataFrame, catalog: Catalog, *, period: Any, subtitle: str, currency: str) -> Display:
    """Show in which slices KPIs changed, and whether more than chance.

    Args:
        changes: The result of ``scan_changes``.
        catalog: The company's definitions.
        period: The period shown.
        subtitle: Company, period, last day.
        currency: The company's currency.
    """
    if changes.empty:
        return show_message("empty", "There are not enough records, or no earlier period, to look for changes")
    looked_at = changes.attrs.get("looked_at", len(changes))
    level = catalog.rules.significance
    sure = int((changes["q_value"] < level).sum())
    title = (
        f"{sure} of {count_of(looked_at, 'slice')} changed by more than chance in {period.label}"
        if sure
        else f"None of {looked_at:,} slices changed by more than chance in {period.label}"
    )
    kpis = [catalog.kpi(kpi) for kpi in changes["kpi"]]
    table = pd.DataFrame(
        {
            "kpi": [kpi.label for kpi in kpis],
            "slice": [f"{label_of(d)}: {s}" for d, s in zip(changes["dimension"], changes["slice"], strict=True)],
            "before": [
                say_value(v, kpi.unit, currency=currency)
                for v, kpi in zip(changes["previous_value"], kpis, strict=True)
            ],
            "now": [say_value(v, kpi.unit, currency=currency) for v, kpi in zip(changes["value"], kpis, strict=True)],
            "n": changes["n"].astype("Int64"),
            "q_value": [f"{q:.3f}" if q >= 0.001 else "< 0.001" for q in changes["q_value"]],
            "verdict": ["beyond chance" if q < level else "may be chance" for q in changes["q_value"]],
        }
    )
    return show_table(
        table,
        title=title,
        subtitle=subtitle,
        labels={"kpi": "KPI", "q_value": "q"},
        note="q: how often so large a change would be called real by mistake, corrected for all slices compared."
        + (f" The {len(changes)} most surprising of {looked_at:,} are listed." if looked_at > len(changes) else ""),
    )


def _written(row: dict[str, Any], column: str, currency: str) -> str:
    value = row[column]
    if pd.isna(value):
        return "–"
    if column == "value" and row["unit"] == "share" and not pd.isna(row["low"]):
        return say_interval(value, row["low"], row["high"], "share")
    return say_value(value, row["unit"], currency=currency)
