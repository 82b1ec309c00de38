"""One KPI by one or two partitions: who, what, where and when, with the doubt that each number deserves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.change import correct, score_changes
from helpers.analyses.finding import Finding
from helpers.analyses.partitions import suggest_partitions
from helpers.engine.cells import build_cells
from helpers.engine.journeys import BLANK
from helpers.errors import QuestionError, suggest
from helpers.model.kpi import Kpi
from helpers.periods import Period
from helpers.units import format_value, in_sentence

USUAL_QUESTIONS = (
    "win_rate opportunity_to_won mql_to_won lead_to_mql opportunities revenue_won mqls leads sessions mrr "
    "customers_live"
).split()
"""Which KPIs are sliced when nobody names one: the first two that the company has."""


@dataclass(frozen=True)
class Slices:
    """One KPI cut one way: the result of ``slice_kpi`` with the question and the answer in words.

    Attributes:
        kpi: The KPI.
        by: The partitions.
        period: The period shown.
        compared: The period it is compared with, or None.
        frame: One row per slice.
        headline: What it shows, in a sentence.
    """

    kpi: Kpi
    by: tuple[str, ...]
    period: Period
    compared: Period | None
    frame: pd.DataFrame
    headline: str


def choose_kpis(cells: pd.DataFrame, asked: Sequence[str]) -> list[str]:
    """Return the KPIs asked for, or the first two usual ones that the company has."""
    there = set(cells["kpi"])
    return list(asked) or [kpi for kpi in USUAL_QUESTIONS if kpi in there][:2]


def slice_kpis(
    company: Any,
    kpis: Sequence[str],
    by: Sequence[str],
    *,
    period: Period,
    compared: Period | None = None,
    as_of: Any = None,
    filters: Mapping[str, Any] | None = None,
) -> list[Slices]:
    """Cut each KPI by each partition alone and by the first two together.

    Args:
        company: The company.
        kpis: Ids of KPIs.
        by: Ids of partitions; empty takes the first two that suit each KPI.
        period: The period shown; a KPI of cohorts is shown in the latest period whose cohorts are mature.
        compared: The period to compare with, or None.
        as_of: The last day that counts.
        filters: Partition → value or values that count.

    Returns:
        One result per KPI and way of cutting it.

    Raises:
        QuestionError: A KPI or partition is unknown, or a partition may not cut a KPI.
    """
    results = []
    for kpi in kpis:
        chosen = list(by) or suggest_partitions(company, kpi, limit=2)
        ways = [(name,) for name in chosen] + ([tuple(chosen[:2])] if len(chosen) > 1 else [])
        definition = company.catalog.kpi(kpi)
        shown, before = _old_enough(company, definition, period, compared, as_of)
        for way in ways:
            frame = slice_kpi(company, kpi, way, period=shown, compared=before, as_of=as_of, filters=filters)
            headline = headline_slices(frame, definition, way, shown, company.currency)
            results.append(Slices(definition, way, shown, before, frame, headline))
    return results


def _old_enough(
    company: Any, kpi: Kpi, period: Period, compared: Period | None, as_of: Any
) -> tuple[Period, Period | None]:
    """Step back to the latest cohort that is mature, since a younger one still has records that will convert."""
    if kpi.basis[0] != "cohort":
        return period, compared
    cells = build_cells(company, kpis=[kpi.id], grain=period.grain, end=period.end, as_of=as_of)
    mature = cells[(cells["basis"] == "cohort") & cells["is_complete"].astype(bool)]
    if mature.empty:
        return period, compared
    latest = pd.Timestamp(mature["period_start"].max()).date()
    back = 0
    while period.previous(back).start > latest:
        back += 1
    return period.previous(back), compared.previous(back) if compared else None


def tabulate_slices(results: Sequence[Slices]) -> pd.DataFrame:
    """Put all slices into one table.

    Returns:
        One row per KPI, way of cutting it and slice: kpi, basis, period_start, dimension, then the columns of
        ``slice_kpi``.
    """
    frames = [
        result.frame.assign(
            kpi=result.kpi.id,
            basis=result.frame.attrs.get("basis", ""),
            period_start=result.period.start.isoformat(),
            dimension=" & ".join(result.by),
        )
        for result in results
        if len(result.frame)
    ]
    if not frames:
        return pd.DataFrame(columns=["kpi", "basis", "period_start", "dimension", "slice", "value", "n", "low", "high"])
    table = pd.concat(frames, ignore_index=True)
    first = ["kpi", "basis", "period_start", "dimension"]
    return table[[*first, *(column for column in table.columns if column not in first)]]


def slice_kpi(
    company: Any,
    kpi: str,
    by: Sequence[str],
    *,
    period: Period,
    compared: Period | None = None,
    as_of: Any = None,
    basis: str | None = None,
    filters: Mapping[str, Any] | None = None,
    maximum: int = 12,
) -> pd.DataFrame:
    """Cut one KPI by one or two partitions, and set each slice beside the company and the period before.

    Args:
        company: The company.
        kpi: The KPI's id.
        by: One or two ids of partitions.
        period: The period shown.
        compared: The period to compare with, or None.
        as_of: The last day that counts.
        basis: cohort, period, outcome or snapshot; by default the KPI's usual one.
        filters: Partition → value or values that count.
        maximum: How many slices are named; for additive KPIs the rest is added up as "all others".

    Returns:
        One row per slice, the largest n first: slice, numerator, denominator, value, n, low, high, is_complete,
        previous_value, previous_n, change, q_value, share_of_n, company_value, difference (from the company's) and
        is_small (fewer records than the company's minimum). ``attrs`` hold the company's own row as ``company``, how
        many slices were left out as ``left_out``, and the basis.

    Raises:
        QuestionError: The KPI or a partition is unknown, or the partition isn't known early enough to cut a rate.
    """
    definition = company.catalog.kpi(kpi)
    chosen = basis or definition.basis[0]
    if chosen not in definition.basis:
        raise QuestionError(
            f"{definition.label} has no basis '{chosen}'. It has: {', '.join(definition.basis)}."
            f"{suggest(chosen, definition.basis)}"
        )
    periods = [period] if compared is None else [period, compared]
    cells = build_cells(
        company,
        kpis=[kpi],
        by=[(), tuple(by)],
        grain=period.grain,
        start=min(p.start for p in periods),
        end=max(p.end for p in periods),
        as_of=as_of,
        filters=dict(filters or {}) or None,
    )
    return _set_beside(company, definition, cells[cells["basis"] == chosen], period, compared, maximum)


def _set_beside(
    company: Any, definition: Kpi, cells: pd.DataFrame, period: Period, compared: Period | None, maximum: int
) -> pd.DataFrame:
    """Set every slice beside the company and beside itself in the period before."""
    now, before = _in(cells, period), _in(cells, compared) if compared else cells.iloc[:0]
    sliced, whole = now[now["dimension"] != "all"], now[now["dimension"] == "all"]
    scored = score_changes(sliced, before[before["dimension"] != "all"], on=["slice"])
    total = whole.iloc[0] if len(whole) else None
    scored["company_value"] = np.nan if total is None else total["value"]
    scored["difference"] = scored["value"] - scored["company_value"]
    n = scored["n"].sum()
    scored["share_of_n"] = scored["n"] / n if n else np.nan
    scored["is_small"] = scored["n"] < company.catalog.rules.minimum_n
    scored = scored.sort_values(["n", "slice"], ascending=[False, True], ignore_index=True)
    columns = (
        "slice numerator denominator value n low high is_complete previous_value previous_n change q_value share_of_n "
        "company_value difference is_small"
    ).split()
    result = _fold(scored, definition, maximum)[columns].copy()
    result.attrs = {
        "company": {} if total is None else total.to_dict(),
        "left_out": max(len(scored) - maximum, 0),
        "basis": str(cells["basis"].iloc[0]) if len(cells) else "",
        "kpi": definition.id,
    }
    return result


def headline_slices(sliced: pd.DataFrame, kpi: Kpi, by: Sequence[str], period: Period, currency: str) -> str:
    """Say in one sentence what the slices show: the one that fell most beyond chance, or the one furthest off."""
    what = " and ".join("GTM motion" if name == "gtm_motion" else name.replace("_", " ") for name in by)
    if sliced.empty:
        return f"{kpi.label} can't be told by {what} in {period.label}"
    late = _find_late_field(sliced, kpi)
    if late is not None:
        none = format_value(late["value"], kpi.unit, currency=currency)
        return (
            f"{kpi.label} is {none} where {what} is blank ({int(late['n']):,} records): filled in late, it makes every "
            "other slice look better than the company"
        )
    solid = sliced[~sliced["is_small"] & _is_named(sliced["slice"])]
    changed = solid[solid["q_value"] < 0.05]
    if len(changed):
        worst = changed.loc[_badness(changed["change"], kpi).idxmax()]
        way = "fell" if worst["change"] < 0 else "rose"
        was, now = (format_value(worst[key], kpi.unit, currency=currency) for key in ("previous_value", "value"))
        return f"{kpi.label} {way} from {was} to {now} in {worst['slice']}"
    if kpi.unit in ("count", "currency") and kpi.measure.kind in ("volume", "sum", "stock"):
        if not sliced["value"].sum() > 0:
            return f"No {in_sentence(kpi.label)} in {period.label}, whatever the {what}"
        largest = solid if len(solid) else sliced
        top = largest.loc[largest["value"].idxmax()]
        share = format_value(top["value"] / largest["value"].sum(), "share")
        return f"{top['slice']} brought {share} of {in_sentence(kpi.label)} in {period.label}"
    apart = solid[_beyond_chance(solid)]
    if len(apart):
        far = apart.loc[apart["difference"].abs().idxmax()]
        value = format_value(far["value"], kpi.unit, currency=currency)
        company = format_value(far["company_value"], kpi.unit, currency=currency)
        return f"{kpi.label} is {value} in {far['slice']}, against {company} in the company"
    which = f"combination of {what}" if len(by) > 1 else what
    return f"No {which} stands out: {in_sentence(kpi.label)} differs by no more than chance"


def _is_named(slices: pd.Series) -> pd.Series:
    """Leave out what is no slice of the business: the rest added up, and records whose field is blank."""
    return ~slices.astype(str).str.split(" & ").map(lambda parts: bool({"all others", BLANK} & set(parts)))


def _find_late_field(sliced: pd.DataFrame, kpi: Kpi) -> pd.Series | None:
    """Return the blank slice where none of its records got on though others do: the field comes with the outcome."""
    if kpi.measure.kind != "conversion" or len(sliced) < 2:
        return None
    blank = sliced[(sliced["slice"] == BLANK) & ~sliced["is_small"] & (sliced["value"] == 0)]
    is_sure = len(blank) and blank["high"].iloc[0] < blank["company_value"].iloc[0]
    return blank.iloc[0] if is_sure else None


def _beyond_chance(solid: pd.DataFrame) -> pd.Series:
    """Tell which slices differ from the company by more than chance, corrected for how many are looked at."""
    interval = NormalDist().inv_cdf(0.975)
    with np.errstate(divide="ignore", invalid="ignore"):
        side = np.where(solid["difference"] > 0, solid["value"] - solid["low"], solid["high"] - solid["value"])
        z = solid["difference"].abs().to_numpy(float) / (side.astype(float) / interval)
    p_values = np.array([2 * (1 - NormalDist().cdf(value)) if np.isfinite(value) else np.nan for value in z])
    return pd.Series(correct(p_values) < 0.05, index=solid.index)


def find_slices(results: Sequence[Slices], currency: str) -> list[Finding]:
    """Put the slices that changed beyond chance into findings; small and uncorrected ones are never among them."""
    return [finding for result in results for finding in _find(result, currency)]


def _find(result: Slices, currency: str) -> list[Finding]:
    sliced, kpi, by, period = result.frame, result.kpi, result.by, result.period
    solid = sliced[~sliced["is_small"] & (sliced["q_value"] < 0.05) & _is_named(sliced["slice"])]
    findings = []
    ranked = solid.assign(badness=_badness(solid["change"], kpi)).sort_values("badness", ascending=False)
    for row in ranked.head(3).to_dict("records"):
        way = "fell" if row["change"] < 0 else "rose"
        was, now = (format_value(row[key], kpi.unit, currency=currency) for key in ("previous_value", "value"))
        findings.append(
            Finding(
                headline=f"{kpi.label} {way} from {was} to {now} in {row['slice']} ({period.label})",
                kpi=kpi.id,
                slice=_as_slice(row["slice"], by),
                money=float(row["change"]) if kpi.unit == "currency" else None,
                evidence={
                    "n": int(row["n"]),
                    "period": period.label,
                    "definition": sliced.attrs.get("basis", ""),
                    "unit": kpi.unit,
                    "low": _number(row["low"]),
                    "high": _number(row["high"]),
                    "q_value": _number(row["q_value"]),
                },
                next_step="Look at the records behind it, then at the root-cause notebook before anyone is blamed."
                if row["badness"] > 0
                else "Find out what went better here, and whether it carries over.",
                notebook="03_kpi_slicing",
                severity="bad" if row["badness"] > 0 else "good",
            )
        )
    return findings


def _fold(scored: pd.DataFrame, kpi: Kpi, maximum: int) -> pd.DataFrame:
    """Add up what lies beyond the named slices; a rate or a median can't be added, so its rest is only counted."""
    if len(scored) <= maximum:
        return scored
    named, rest = scored.iloc[:maximum], scored.iloc[maximum:]
    if kpi.measure.kind not in ("volume", "sum", "stock"):
        return named
    others = {column: np.nan for column in scored.columns}
    summed = {column: rest[column].sum() for column in ("numerator", "value", "n", "previous_value", "previous_n")}
    others |= summed | {
        "slice": "all others",
        "change": summed["value"] - summed["previous_value"],
        "share_of_n": rest["share_of_n"].sum(),
        "is_complete": bool(rest["is_complete"].all()),
        "is_small": True,
    }
    return pd.concat([named, pd.DataFrame([others])], ignore_index=True)


def _in(cells: pd.DataFrame, period: Period) -> pd.DataFrame:
    return cells[pd.to_datetime(cells["period_start"]).dt.date == period.start]


def _badness(change: pd.Series, kpi: Kpi) -> pd.Series:
    return change if kpi.direction == "down" else -change


def _as_slice(text: str, by: Sequence[str]) -> str:
    values = text.split(" & ") if len(by) > 1 else [text]
    return " & ".join(f"{name}={value}" for name, value in zip(by, values, strict=False))


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else round(float(value), 6)
