"""What the CRM answers to the survey's questions: one way of comparing per kind of question."""

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from helpers.engine.doubt import ratio_interval
from helpers.model.survey import CrmLink, Survey, SurveyField
from helpers.periods import Period, period_of
from helpers.units import format_median, format_value

BLANK = "(blank)"
SHOWN = 8
"""As many names are listed where none fits."""


@dataclass(frozen=True)
class CrmView:
    """What the CRM is asked with.

    Attributes:
        company: The opened company.
        as_of: The last day that counts.
        survey: The survey's definition.
        answers: Every answer given, as ``list_answers`` returns them.
        cells: ``year`` (the last twelve months), ``all`` and ``latest`` (as it stands on the last day) → KPI cells.
        availability: Why a KPI has no cells.
    """

    company: Any
    as_of: date
    survey: Survey
    answers: pd.DataFrame
    cells: Mapping[str, pd.DataFrame]
    availability: pd.DataFrame

    @property
    def currency(self) -> str:
        """The company's currency."""
        return self.company.currency

    def find(self, kpi: str, take: str, *, basis: str = "", dimension: str = "all", slice: str = "all") -> Any:
        """Return one cell as a row; None where there is none."""
        wanted = basis or (self.company.catalog.kpi(kpi).basis[0])
        found = self._rows[take].get((kpi, dimension, slice.casefold(), wanted))
        return None if found is None or pd.isna(found["value"]) else found

    @cached_property
    def _rows(self) -> dict[str, dict[tuple[str, str, str, str], Mapping[Hashable, Any]]]:
        """Every cell by what it is looked up with; of several alike the first."""
        rows: dict[str, dict[tuple[str, str, str, str], Mapping[Hashable, Any]]] = {}
        for take, cells in self.cells.items():
            known = rows.setdefault(take, {})
            for row in cells.to_dict("records"):
                known.setdefault((row["kpi"], row["dimension"], str(row["slice"]).casefold(), row["basis"]), row)
        return rows

    def define(self, kpi: str, take: str) -> str:
        """Say how a KPI is defined and over which days it was taken."""
        since = {"year": "Twelve months up to", "latest": "As of", "all": "Everything up to"}[take]
        definition = self.company.catalog.kpi(kpi)
        only = " New business only." if getattr(definition.measure, "business", "all") == "new" else ""
        return f"{definition.description}{only} {since} {format_value(self.as_of, 'date')}."

    def label_of(self, partition: str) -> str:
        """Return what readers call a partition."""
        known = self.company.partitions.get(partition) or self.company.catalog.dimensions.get(partition)
        return known.label if known else partition.replace("_", " ")

    def locate(self, link: CrmLink, item: str) -> tuple[str, str] | None:
        """Return the cut and the value of the CRM that a row of the survey speaks of.

        Upper case, spaces and signs make no difference where only one value is written so. A CRM without that cut is
        asked as a whole, which is only fair where people name a single row.

        Returns:
            Dimension and slice; None where the CRM has no such value.
        """
        if not link.by or item.casefold() in ("", "all"):
            return "all", "all"
        names = self._names.get(link.by, ())
        if not names:
            rows = self.answers.loc[self.answers["question_id"].isin(self._siblings(link)), "item"]
            return ("all", "all") if rows.nunique() <= 1 else None
        exact = [name for name in names if name.casefold() == item.casefold()]
        alike = exact or [name for name in names if _squeeze(name) == _squeeze(item)]
        return (link.by, alike[0]) if len(alike) == 1 else None

    def _siblings(self, link: CrmLink) -> list[str]:
        """The questions that are asked per row of the same list."""
        fields = [(field, column) for _, field in self.survey.fields() for column in field.columns]
        return [f"{field.id}.{column.id}" for field, column in fields if column.crm and column.crm.by == link.by]

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        """Every value of a cut that the CRM has ever held."""
        cells = self.cells["all"]
        named = cells.loc[cells["slice"] != BLANK, ["dimension", "slice"]].drop_duplicates()
        return {str(cut): [str(name) for name in group["slice"]] for cut, group in named.groupby("dimension")}

    def cure_row(self, link: CrmLink, item: str) -> str:
        """Say why the CRM can't tell about one row of a list."""
        cut, names = self.label_of(link.by).lower(), self._names.get(link.by, ())
        if not names:
            return f"The CRM's deals carry no {cut}. Map a column of the deal to {link.by} in company.toml."
        listed = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
        return f"No {cut} of the CRM is called '{item}'. It has {listed}."

    def cure(self, kpi: str) -> str:
        """Say why a KPI has no value and what to do."""
        row = self.availability[self.availability["kpi"] == kpi]
        if len(row) and not bool(row.iloc[0]["is_available"]):
            return f"{row.iloc[0]['reason']} {row.iloc[0]['cure']}".strip()
        return "No record falls into the time asked about. Add newer exports, or choose an earlier last day."


def _check_value(view: CrmView, field: SurveyField, group: pd.DataFrame, item: str) -> dict[str, Any]:
    link = field.crm
    place = view.locate(link, item)
    if place is None:
        return {**_unavailable(view, link.kpi), "cure": view.cure_row(link, item)}
    dimension, slice = place
    note = f" of all deals, not by {view.label_of(link.by).lower()}" if link.by and dimension == "all" else ""
    cell = view.find(link.kpi, link.take, basis=link.basis, dimension=dimension, slice=slice)
    if cell is None:
        return _unavailable(view, link.kpi)
    median, value = float(group["number"].median()), float(cell["value"])
    unit = field.unit or view.company.catalog.kpi(link.kpi).unit
    also = _say_also(view, link, dimension, slice)
    low, high = float(group["number"].min()), float(group["number"].max())
    said = format_median(median, unit, low=low, high=high, currency=view.currency)
    crm = format_value(value, unit, currency=view.currency)
    sentence = f"People say {said}, the CRM {crm}{note}{': ' + also if also else ''}"
    return {
        "crm_kpi": link.kpi,
        "crm_value": value,
        "crm_low": cell["low"],
        "crm_high": cell["high"],
        "crm_n": cell["n"],
        "crm_definition": view.define(link.kpi, link.take) + (f" It is that{note}." if note else ""),
        "crm_also": also,
        "gap": median - value,
        "gap_share": (median - value) / value if value else None,
        "sentence": f"{sentence}{_say_gap(median, value, cell)}",
        "cure": "",
    }


def _check_goal_history(view: CrmView, field: SurveyField, group: pd.DataFrame, item: str) -> dict[str, Any]:
    before = _fiscal_year(view).previous()
    won = won_between(view, before.start, before.end)
    if won is not None and not len(won):
        cure = f"The exports hold no deal won in {before.label}. Add older exports."
        return {**_unavailable(view, field.crm.kpi), "cure": cure}
    if won is None:
        return _unavailable(view, field.crm.kpi)
    median, value = float(group["number"].median()), float(won["amount"].sum())
    said, crm = (format_value(v, "currency", currency=view.currency) for v in (median, value))
    change = median / value - 1 if value else None
    ask = "" if change is None else f": {abs(change):.0%} {'more' if change >= 0 else 'less'}".replace("%", " %")
    return {
        "crm_kpi": field.crm.kpi,
        "crm_value": value,
        "crm_n": len(won),
        "crm_definition": f"Amount of all deals won in the fiscal year before, {before.label}.",
        "gap": median - value,
        "gap_share": change,
        "sentence": f"The goal people name is {said}; {before.label} brought {crm}{ask}",
        "cure": "",
    }


def _check_on_track(view: CrmView, field: SurveyField, group: pd.DataFrame, item: str) -> dict[str, Any]:
    year = _fiscal_year(view)
    won = won_between(view, year.start, view.as_of)
    goals = view.answers.loc[view.answers["question_id"] == field.crm.goal, "number"].dropna()
    if won is None or not len(won):
        return _unavailable(view, field.crm.kpi)
    if goals.empty:
        missing = "Nobody has named this year's revenue goal. Answer that question first."
        return {**_unavailable(view, field.crm.kpi), "cure": missing}
    goal, done = float(goals.median()), float(won["amount"].sum())
    share, how = _expected_share(view, year)
    expected = goal * share
    tolerance = view.company.catalog.rules.tolerance
    is_on_track = done >= expected * (1 - tolerance)
    counts = group["answer"].value_counts()
    wrong = int(counts.get("Yes" if not is_on_track else "No", 0))
    money = {key: format_value(v, "currency", currency=view.currency) for key, v in (("d", done), ("e", expected))}
    verdict = "on track" if is_on_track else "behind"
    people = "people says" if wrong == 1 else "people say"
    sentence = (
        f"The year is {verdict}: {money['d']} won by {format_value(view.as_of, 'date')}, {money['e']} needed for the "
        f"median goal; {wrong} of {len(group)} {people} otherwise"
    )
    return {
        "crm_kpi": field.crm.kpi,
        "crm_value": done / expected if expected else None,
        "crm_n": len(won),
        "crm_definition": f"Won this fiscal year ÷ what should have been won by now for the median goal ({how}).",
        "crm_also": verdict,
        "gap_share": done / expected - 1 if expected else None,
        "sentence": sentence,
        "cure": "",
    }


def _check_new_business(view: CrmView, field: SurveyField, group: pd.DataFrame, item: str) -> dict[str, Any]:
    won = won_between(view, year_before(view.as_of), view.as_of)
    if won is None or not len(won) or "is_new_business" not in won:
        return _unavailable(view, field.crm.kpi)
    if "type" not in won or won["type"].isna().all():
        cure = "The deals carry no type, so new business can't be told from existing. Map a column to deal.type."
        return {**_unavailable(view, field.crm.kpi), "cure": cure}
    total = float(won["amount"].sum())
    if not total:
        return _unavailable(view, field.crm.kpi)
    is_new = won["is_new_business"].fillna(True).astype(bool)
    value = float(won.loc[is_new, "amount"].sum()) / total
    low, high = _interval_of_share(won["amount"].fillna(0.0), is_new)
    median = float(group["number"].median())
    said, crm = format_value(median, "share"), format_value(value, "share")
    return {
        "crm_kpi": field.crm.kpi,
        "crm_value": value,
        "crm_low": low,
        "crm_high": high,
        "crm_n": len(won),
        "crm_definition": "Amount won with new customers ÷ amount won, over the last twelve months.",
        "gap": median - value,
        "gap_share": (median - value) / value if value else None,
        "sentence": f"People expect {said} of revenue from new customers; over the last twelve months it was {crm}",
        "cure": "",
    }


def _check_leading_value(view: CrmView, field: SurveyField, group: pd.DataFrame, item: str) -> dict[str, Any]:
    link = field.crm
    cells = view.cells[link.take]
    mask = (cells["kpi"] == link.kpi) & (cells["dimension"] == link.by) & (cells["slice"] != BLANK)
    by_value = cells[mask].sort_values("value", ascending=False)
    if by_value.empty:
        cure = f"Roll another partition up to it under [rollups.{link.by}] in company.toml."
        return {**_unavailable(view, link.kpi), "cure": cure}
    top, total = by_value.iloc[0], float(by_value["value"].sum())
    share = float(top["value"]) / total if total else 0.0
    right = group["answer"].map(_fold).str.startswith(_fold(str(top["slice"])))
    sentence = (
        f"{top['slice']} brings {format_value(share, 'share')} of closed revenue; "
        f"{int(right.sum())} of {len(group)} people name it"
    )
    return {
        "crm_kpi": link.kpi,
        "crm_value": share,
        "crm_n": top["n"],
        "crm_definition": f"Largest share of closed revenue by {view.label_of(link.by)}, last twelve months.",
        "crm_also": str(top["slice"]),
        "sentence": sentence,
        "cure": "",
    }


def _check_partition(view: CrmView, field: SurveyField, group: pd.DataFrame, item: str) -> dict[str, Any]:
    names = {_fold(name): id for id, p in view.company.partitions.items() for name in (id, p.label, *p.aliases)}
    told = []
    won = won_between(view, year_before(view.as_of), view.as_of)
    if won is None or not len(won):
        return _unavailable(view, field.crm.kpi)
    for answer in dict.fromkeys(group["answer"]):
        partition = view.company.partitions.get(names.get(_fold(answer), ""))
        if partition is None or "deal" not in partition.objects:
            told.append(f"revenue can't be split by {answer}")
            continue
        filled = float(won[partition.objects["deal"]].notna().mean())
        told.append(f"{answer} is known for {format_value(filled, 'share')} of the won deals")
    sentence = "; ".join(told)
    return {
        "crm_kpi": field.crm.kpi,
        "crm_definition": "Whether the CRM carries that category on its won deals of the last twelve months.",
        "sentence": sentence[:1].upper() + sentence[1:],
        "cure": "",
    }


CHECKS: dict[str, Callable[[CrmView, SurveyField, pd.DataFrame, str], dict[str, Any]]] = {
    "value": _check_value,
    "goal_history": _check_goal_history,
    "on_track": _check_on_track,
    "new_business_share": _check_new_business,
    "leading_value": _check_leading_value,
    "partition": _check_partition,
}
"""How a question is compared with the CRM, by the name that the survey's definition uses."""


def won_between(view: CrmView, start: date, end: date) -> pd.DataFrame | None:
    """Return the deals won between two days, both included; None where there are no deals."""
    deals = view.company.tables.get("deal")
    if deals is None or not {"closed_at", "amount", "outcome"} <= set(deals.columns):
        return None
    closed = deals["closed_at"]
    inside = (closed >= pd.Timestamp(start)) & (closed < pd.Timestamp(end) + pd.Timedelta(days=1))
    return deals[inside & (deals["outcome"] == "won")]


def _expected_share(view: CrmView, year: Period) -> tuple[float, str]:
    """Say which share of the year's revenue should be in by now: as last year's was, else by days."""
    before, days_in = year.previous(), (view.as_of - year.start).days + 1
    whole = won_between(view, before.start, before.end)
    part = won_between(view, before.start, before.start + timedelta(days=days_in - 1))
    earliest = view.company.tables["deal"]["created_at"].min()
    if whole is not None and float(whole["amount"].sum()) > 0 and earliest <= pd.Timestamp(before.start):
        share = float(part["amount"].sum()) / float(whole["amount"].sum())
        return share, f"{format_value(share, 'share')} of the year's revenue was in by this day of {before.label}"
    share = days_in / year.days
    return share, f"{format_value(share, 'share')} of the year has passed"


def _fiscal_year(view: CrmView) -> Period:
    return period_of(view.as_of, "year", view.company.fiscal_year_start)


def year_before(day: date) -> date:
    """Return the first day of the twelve months that end on a day."""
    try:
        return day.replace(year=day.year - 1) + timedelta(days=1)
    except ValueError:
        return date(day.year - 1, 3, 1)


def _say_also(view: CrmView, link: CrmLink, dimension: str, slice: str) -> str:
    told = []
    for kpi in link.also:
        cell = view.find(kpi, link.take, dimension=dimension, slice=slice)
        if cell is not None:
            definition = view.company.catalog.kpi(kpi)
            word = {"median": "median", "p90": "nine in ten within"}.get(
                getattr(definition.measure, "statistic", ""), definition.label.lower()
            )
            told.append(f"{word} {format_value(cell['value'], definition.unit, currency=view.currency)}")
    return ", ".join(told)


def _say_gap(median: float, value: float, cell: Any) -> str:
    low, high = cell["low"], cell["high"]
    if not pd.isna(low) and low <= median <= high:
        return " (inside its interval)"
    return ""


def _unavailable(view: CrmView, kpi: str) -> dict[str, Any]:
    return {
        "crm_kpi": kpi,
        "sentence": "The CRM can't tell",
        "is_available": False,
        "cure": view.cure(kpi),
    }


def _interval_of_share(amounts: pd.Series, is_part: pd.Series) -> tuple[float, float]:
    """Give the interval of a share weighted by money, from the spread of its deals."""
    whole = amounts.to_numpy(float)
    part = np.where(is_part.to_numpy(bool), whole, 0.0)
    x, y, xx, yy = (np.array([total]) for total in (part.sum(), whole.sum(), (part**2).sum(), (whole**2).sum()))
    low, high = ratio_interval((x, y, xx, xx, yy), np.array([len(whole)]))
    return float(np.clip(low, 0, 1)[0]), float(np.clip(high, 0, 1)[0])


def _squeeze(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum()) or text


def _fold(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", str(text).casefold()).strip("_")
