"""The pictures of slices: bars beside rates, a table of two partitions, nested rows of more, and their total."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from helpers.analyses.slicing import OTHERS, Slices, compare_bases
from helpers.analyses.slicing_filters import describe_filters, split_slice
from helpers.model.catalog import Catalog
from helpers.present.charts.overview import Displays, say_measure
from helpers.present.charts.slice_heat import draw_slice_heat, suits_heat
from helpers.present.charts.slice_rows import draw_slice_rows, find_tone
from helpers.present.charts.slices import draw_slices
from helpers.present.display import Display, show_message, show_table
from helpers.present.words import count_of, is_missing, join_words, label_of, say_change, say_interval, say_value
from helpers.units import spell_out

BASES = {
    "cohort": "Of those that entered",
    "period": "Arrived ÷ entered, same period",
    "outcome": "Of those that closed",
    "snapshot": "As it stood",
}
"""Basis → heading of its column."""


def draw_kpi_slices(results: Sequence[Slices], *, subtitle: str, currency: str) -> Displays:
    """Draw every cut of every KPI, one picture each; an empty or refused cut says why there is nothing.

    Args:
        results: The result of ``slice_kpis``.
        subtitle: Company, period, last day.
        currency: The company's currency.
    """
    if not results:
        nothing = show_message(
            "empty", "There is no partition to cut by yet", "Map a field such as source, region or owner."
        )
        return Displays((nothing,))
    return Displays(_draw(result, subtitle, currency) for result in results)


def _draw(result: Slices, subtitle: str, currency: str) -> Display:
    if result.refusal:
        return show_message("warning", result.headline, result.refusal)
    frame = result.frame
    if frame.empty or not (frame["n"] > 0).any():
        total = result.reconciliation.sentence if result.reconciliation else ""
        return show_message("empty", result.headline, total or f"No record of {result.period.label} can be cut so.")
    say = {
        "title": spell_out(result.headline),
        "subtitle": " · ".join(filter(None, (spell_out(_say_asked(result, subtitle)), subtitle))),
        "unit": result.kpi.unit,
        "currency": currency,
        "note": _say_rest(result),
    }
    company = frame.attrs.get("company", {}).get("value")
    if len(result.by) == 1:
        return _draw_single(result, company, say)
    parts = split_frame(result).assign(is_named=_find_named(result))
    before = result.compared.label if result.compared else "goal" if frame["goal"].notna().any() else ""
    by = [result.question.company.partitions[_resolve(result, name)].label for name in result.by]
    more = {
        "direction": result.kpi.direction,
        "is_count": result.kpi.is_count,
        "company_value": company,
        "before": before,
    }
    if len(result.by) == 2 and suits_heat(parts):
        return draw_slice_heat(parts, by, **say, **more)
    return draw_slice_rows(parts, by, **say, **more, value_label=result.kpi.label)


def _draw_single(result: Slices, company: float | None, say: dict[str, Any]) -> Display:
    frame, kpi = result.frame, result.kpi
    names = [spell_out(str(name)) for name in frame["slice"]]
    is_amount = kpi.is_count and kpi.unit == "currency"
    prepared = frame.assign(
        slice=names,
        volume=frame["value"] if kpi.is_count else frame["n"],
        compared_volume=frame["previous_value"] if kpi.is_count else frame["previous_n"],
        compared_value=frame["previous_value"],
        is_named=_find_named(result),
        is_open=~frame["is_complete"].astype(bool),
        tone=[find_tone(row, kpi.direction) for row in frame.to_dict("records")],
    )
    compared = result.compared.label if result.compared else "goal" if frame["goal"].notna().any() else ""
    return draw_slices(
        prepared,
        **say,
        company_value=company if kpi.is_rate else None,
        company_label="all of these" if result.question and result.question.filters else "company",
        value_label=kpi.label,
        compared=compared,
        volume_label=kpi.label if is_amount else "Records",
        volume_unit=kpi.unit if is_amount else "count",
    )


def split_frame(result: Slices) -> pd.DataFrame:
    """Return the slices with one further column per partition, ``part_0`` and so on."""
    names = [
        dict.fromkeys(result.by, OTHERS)
        if name == OTHERS
        else split_slice(result.question.company, name, result.by, as_of=result.question.as_of)
        for name in result.frame["slice"].astype(str)
    ]
    return result.frame.assign(
        **{f"part_{place}": [spell_out(str(one[name])) for one in names] for place, name in enumerate(result.by)}
    )


def _resolve(result: Slices, name: str) -> str:
    partitions = result.question.company.partitions
    return name if name in partitions else next(id for id, one in partitions.items() if name in one.aliases)


def _say_asked(result: Slices, subtitle: str) -> str:
    """Say what is counted, in which period where it is another than the page's, and what is left out."""
    question = result.question
    within = f"within {question.horizon_days} days" if question.horizon_days is not None else ""
    period = "" if result.period.label in subtitle else f"of {result.period.label}"
    compared = result.compared
    unlike = ""
    if compared is not None and compared.grain != result.period.grain and compared.days != result.period.days:
        unlike = f"{result.period.days} days against {compared.days}"
    measure = say_measure(result.kpi, question.basis)
    return " · ".join(filter(None, (measure, within, period, unlike, describe_filters(question.filters))))


def _say_rest(result: Slices) -> str:
    left_out = result.frame.attrs.get("left_out", 0)
    return f"All others: {count_of(left_out, 'slice')}, counted together." if left_out else ""


def draw_totals(results: Sequence[Slices], *, subtitle: str) -> Display:
    """Show for every cut whether its slices add up to the company.

    Args:
        results: The result of ``slice_kpis``.
        subtitle: Company, period, last day.
    """
    rows = [
        {
            "kpi": result.kpi.label,
            "cut_by": join_words(map(label_of, result.by)),
            "adds_up": "yes" if result.reconciliation.is_exact else "no",
            "reconciliation": result.reconciliation.sentence,
        }
        for result in results
        if result.reconciliation is not None
    ]
    if not rows:
        return show_message("empty", "There are no slices to add up")
    table = pd.DataFrame(rows)
    short = int((table["adds_up"] == "no").sum())
    title = (
        "Every cut adds up to the company"
        if not short
        else f"{short} of {count_of(len(table), 'cut')} {'does' if short == 1 else 'do'} not add up to the company"
    )
    return show_table(table, title=title, subtitle=subtitle, labels={"kpi": "KPI"})


def draw_bases(results: Sequence[Slices], *, subtitle: str, currency: str) -> Displays:
    """Show each cut by every legitimate definition of its KPI, side by side, each with its own n.

    Args:
        results: The result of ``slice_kpis``.
        subtitle: Company, period, last day.
        currency: The company's currency.
    """
    shown = [_draw_bases(result, subtitle, currency) for result in results if len(result.by) == 1]
    shown = [display for display in shown if display is not None]
    if not shown:
        message = "These KPIs have one definition each, so there is nothing to set side by side"
        return Displays((show_message("empty", message),))
    return Displays(shown)


def _draw_bases(result: Slices, subtitle: str, currency: str) -> Display | None:
    table = compare_bases(result)
    if table.empty:
        return None
    rows: dict[str, dict[str, Any]] = {}
    unit = result.kpi.unit
    for row in table.to_dict("records"):
        name = "company" if row["slice"] == "all" else spell_out(str(row["slice"]))
        kept = rows.setdefault(name, {"slice": name})
        said = say_interval(row["value"], row["low"], row["high"], unit, currency=currency)
        kept[row["basis"]] = said if row["is_complete"] else f"{said}, still open"
        kept[f"{row['basis']}_n"] = row["n"]
    bases = [basis for basis in result.kpi.basis if basis in set(table["basis"])]
    columns = ["slice", *(name for basis in bases for name in (basis, f"{basis}_n"))]
    frame = pd.DataFrame(list(rows.values()), columns=columns)
    frame = frame.astype({f"{basis}_n": "Int64" for basis in bases})
    labels = {basis: BASES[basis] for basis in bases} | {f"{basis}_n": "n" for basis in bases}
    cut = join_words(map(label_of, result.by)).lower()
    title = f"{result.kpi.label} by {cut} has {len(bases)} definitions, each with its own records"
    about = f"{result.kpi.label} of {result.period.label}"
    return show_table(frame, title=title, subtitle=f"{about} · {subtitle}", labels=labels)


def draw_layers(opened: Sequence[Slices], *, subtitle: str, currency: str) -> Displays:
    """Draw one value of a coarse field opened to what lies below it.

    Args:
        opened: The result of ``open_slices``.
        subtitle: Company, period, last day.
        currency: The company's currency.
    """
    if not opened:
        message = "No field shown here rolls up from a finer one"
        return Displays((show_message("empty", message, "Say under [rollups] in company.toml what rolls up to what."),))
    return draw_kpi_slices(opened, subtitle=subtitle, currency=currency)


def draw_slice_table(table: pd.DataFrame, catalog: Catalog, *, subtitle: str, currency: str) -> Display:
    """Show the numbers of all slices, each in its own unit and with the doubt that it deserves.

    Args:
        table: The result of ``tabulate_slices``.
        catalog: The company's definitions.
        subtitle: Company, period, last day.
        currency: The company's currency.
    """
    if table.empty:
        return show_message("empty", "There are no slices to list")
    rows = [
        {
            "kpi": kpi.label,
            "cut_by": join_words(map(label_of, str(row["dimension"]).split(" & "))),
            "slice": spell_out(str(row["slice"])),
            "value": say_interval(row["value"], row["low"], row["high"], kpi.unit, currency=currency),
            "n": row["n"],
            "before": say_value(row["previous_value"], kpi.unit, currency=currency),
            "moved_company_by": _say_contribution(row["contribution"], kpi.unit, currency),
            "verdict": _verdict(row, catalog.rules.significance),
        }
        for row, kpi in ((row, _find_kpi(catalog, row["kpi"])) for row in table.to_dict("records"))
    ]
    has_goals = table["goal"].notna().any()
    return show_table(
        pd.DataFrame(rows).astype({"n": "Int64"}),
        title=_say_verdicts([row["verdict"] for row in rows], "goal" if has_goals else "before"),
        subtitle=subtitle,
        labels={"kpi": "KPI", "before": "Goal" if has_goals else "Before"},
        note="Moved company by: what a slice added to the company's change, by its rate and by its weight; the slices "
        "of one cut add up to it.",
    )


def _say_verdicts(verdicts: Sequence[str], compared: str) -> str:
    """Say how many slices changed beyond chance, and how many have too few records to tell."""
    n, few = len(verdicts), verdicts.count("too few records")
    if compared == "goal":
        return f"{count_of(n, 'slice')} beside their goals" + (f"; {few} have too few records to judge" if few else "")
    changed = verdicts.count("changed beyond chance")
    text = f"{changed or 'None'} of {count_of(n, 'slice')} changed beyond chance"
    return f"{text}; {few} {'has' if few == 1 else 'have'} too few records to tell" if few else text


def _find_kpi(catalog: Catalog, id: str) -> Any:
    first, _, last = id.partition("_to_")
    return catalog.kpi(id) if id in catalog.kpis or last not in catalog.stages else catalog.conversion(first, last)


def _say_contribution(value: Any, unit: str, currency: str) -> str:
    return "–" if is_missing(value) else say_change(value, unit, currency=currency)


def _verdict(row: dict[str, Any], level: float) -> str:
    if row["n"] == 0:
        return "no record any more"
    if row["is_small"]:
        return "too few records"
    if pd.isna(row["q_value"]):
        return "–"
    return "changed beyond chance" if row["q_value"] < level else "may be chance"


def _find_named(result: Slices) -> list[bool]:
    """Tell which slice the headline is about: the longest name that it says, since one may be part of another."""
    names = [str(name) for name in result.frame["slice"]]
    said = max((name for name in names if name in result.headline), key=len, default=None)
    return [name == said for name in names]
