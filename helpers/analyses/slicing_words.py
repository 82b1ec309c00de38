"""What slices show, in words: one headline per cut, and findings where a change is more than chance."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from helpers.analyses.change import correct
from helpers.analyses.finding import Finding
from helpers.analyses.leaf_dimensions import PEOPLE
from helpers.analyses.slicing_filters import name_cuts
from helpers.engine.journeys import BLANK
from helpers.model.kpi import Kpi
from helpers.periods import Period
from helpers.units import format_value, in_sentence, spell_out

if TYPE_CHECKING:
    from helpers.analyses.slicing import Slices


def headline_slices(sliced: pd.DataFrame, kpi: Kpi, by: Sequence[str], period: Period, currency: str) -> str:
    """Say in one sentence what the slices show: the one that fell most beyond chance, or the one furthest off."""
    what = name_cuts(by)
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
    if names_people(by):
        who = f"{what}s" if len(by) == 1 else f"combinations of {what}"
        return _headline_people(solid, kpi, who, period, currency)
    changed = solid[solid["q_value"] < 0.05]
    if len(changed):
        worst = changed.loc[_badness(changed["change"], kpi).idxmax()]
        way = "fell" if worst["change"] < 0 else "rose"
        was, now = (format_value(worst[key], kpi.unit, currency=currency) for key in ("previous_value", "value"))
        return f"{kpi.label} {way} from {was} to {now} in {worst['slice']}"
    behind = _say_plan(solid, kpi, currency) if "goal" in solid else ""
    if behind:
        return behind
    if kpi.is_count:
        if not sliced["value"].sum() > 0:
            return f"No {in_sentence(kpi.label)} in {period.label}, whatever the {what}"
        named = sliced[_is_named(sliced["slice"])]
        largest = solid if len(solid) else named if len(named) else sliced
        top = largest.loc[largest["value"].idxmax()]
        share = format_value(top["value"] / sliced["value"].sum(), "share")
        return f"{top['slice']} brought {share} of {in_sentence(kpi.label)} in {period.label}"
    apart = solid[_beyond_chance(solid)]
    if len(apart):
        far = apart.loc[apart["difference"].abs().idxmax()]
        value = format_value(far["value"], kpi.unit, currency=currency)
        company = format_value(far["company_value"], kpi.unit, currency=currency)
        return f"{kpi.label} is {value} in {far['slice']}, against {company} in the company"
    which = f"combination of {what}" if len(by) > 1 else what
    return f"No {which} stands out: {in_sentence(kpi.label)} differs by no more than chance"


def names_people(by: Sequence[str]) -> bool:
    """Tell whether a cut names people, of whom nothing is said before it is adjusted for what came to them.

    >>> names_people(["region", "owner"]), names_people(["region"])
    (True, False)
    """
    return bool(set(by) & set(PEOPLE))


def _headline_people(solid: pd.DataFrame, kpi: Kpi, who: str, period: Period, currency: str) -> str:
    """Say how many people's numbers moved or lie apart, never whose: raw numbers say what they were given, too."""
    n, label = len(solid), in_sentence(kpi.label)
    if solid.empty:
        return f"None of the {who} has enough records for {label} in {period.label}"
    changed = int((solid["q_value"] < 0.05).sum())
    apart = 0 if kpi.is_count else int(_beyond_chance(solid).sum())
    mix = "before the mix that each was given is taken out"
    if changed:
        return f"{kpi.label} changed beyond chance with {changed} of {n} {who}, {mix}"
    if apart:
        return f"{kpi.label} lies apart from the company's with {apart} of {n} {who}, {mix}"
    low, high = (format_value(end, kpi.unit, currency=currency) for end in (solid["value"].min(), solid["value"].max()))
    if kpi.is_count:
        return f"{kpi.label} in {period.label} runs from {low} to {high} among {n} {who}, {mix}"
    return f"None of {n} {who} stands out: {label} differs by no more than chance"


def _say_plan(solid: pd.DataFrame, kpi: Kpi, currency: str) -> str:
    """Say which slice is furthest behind its goal, or that none is; empty where no slice has one."""
    planned = solid[solid["goal"].notna() & solid["value"].notna() & (solid["goal"] != 0)]
    if planned.empty or kpi.direction == "none":
        return ""
    ahead = (planned["value"] / planned["goal"] - 1) * (1 if kpi.direction == "up" else -1)
    worst = planned.loc[ahead.idxmin()]
    value, goal = (format_value(worst[name], kpi.unit, currency=currency) for name in ("value", "goal"))
    if ahead.min() >= 0:
        return f"{kpi.label}: every slice that has a goal reached it; {worst['slice']} is nearest to it at {value}"
    return f"{kpi.label} is {value} in {worst['slice']}, against a goal of {goal}"


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


def find_slices(results: Sequence["Slices"], currency: str) -> list[Finding]:
    """Put the slices that changed beyond chance into findings.

    Small and uncorrected ones are never among them, nor are cuts by people, who are judged after adjusting for the mix
    that they were given (``fairness.review_fairness``).
    """
    return [finding for result in results for finding in _find(result, currency)]


def _find(result: "Slices", currency: str) -> list[Finding]:
    sliced, kpi, by, period = result.frame, result.kpi, result.by, result.period
    if names_people(by):
        return []
    solid = sliced[~sliced["is_small"] & (sliced["q_value"] < 0.05) & _is_named(sliced["slice"])]
    findings = []
    ranked = solid.assign(badness=_badness(solid["change"], kpi)).sort_values("badness", ascending=False)
    for row in ranked.head(3).to_dict("records"):
        way = "fell" if row["change"] < 0 else "rose"
        was, now = (format_value(row[key], kpi.unit, currency=currency) for key in ("previous_value", "value"))
        findings.append(
            Finding(
                headline=f"{kpi.label} {way} from {was} to {now} in {spell_out(row['slice'])} ({period.label})",
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


def _badness(change: pd.Series, kpi: Kpi) -> pd.Series:
    return change if kpi.direction == "down" else -change


def _as_slice(text: str, by: Sequence[str]) -> str:
    values = text.split(" & ") if len(by) > 1 else [text]
    return " & ".join(f"{name}={value}" for name, value in zip(by, values, strict=False))


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else round(float(value), 6)
