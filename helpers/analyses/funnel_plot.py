"""Is anybody really different? Like roles beside each other, against the spread that chance and their mix make."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.adjusted import STANDS_OUT
from helpers.analyses.change import correct
from helpers.analyses.control_limits import ALARM, WARNING, control_limits, measure_dispersion, surprise, two_sided
from helpers.analyses.funnel_words import (
    ABOVE,
    BELOW,
    NOBODY,
    ONLY_MIX,
    SMALL,
    WITHIN,
    headline_funnel,
    note_funnel,
)
from helpers.analyses.leaf_dimensions import is_person
from helpers.analyses.rated_records import RatedRecords, find_rated
from helpers.analyses.roles import find_roles
from helpers.analyses.standardisation import MIX_COLUMNS, choose_mix, expect_successes
from helpers.engine.cells import allows
from helpers.engine.doubt import wilson_interval
from helpers.engine.journeys import BLANK, build_journeys
from helpers.engine.slicing import keep_records, resolve_partition
from helpers.engine.timeline import day_number
from helpers.model.kpi import Kpi
from helpers.model.rules import Rules

FUNNEL_COLUMNS = [
    "who", "n", "successes", "rate", "low", "high", "limit_low", "limit_high", "raw_z", "expected_rate",
    "adjusted_rate", "z", "p_value", "q_value", "is_small", "is_named", "verdict",
]  # fmt: skip
LIMIT_COLUMNS = ["n", "warning_low", "warning_high", "alarm_low", "alarm_high"]
EVERYBODY = ""
LEAST_IN_ROLE = 3
PARTLY_MIX = 0.6
"""Share of a gap that the mix must explain to be called its cause."""


@dataclass(frozen=True)
class FunnelPlot:
    """One comparison of like units.

    Attributes:
        kpi: The rate.
        by: The partition compared.
        label: What it is called.
        role: The role compared, empty where everybody is.
        start, end: First and last day of the records compared.
        frame: One row per unit, most records first; see ``compare_units``.
        limits: Control limits around the rate of all: n, warning_low, warning_high (95 %), alarm_low, alarm_high.
        mix: Which partitions were adjusted for, with coverage and reason (``standardisation.Mix.frame``).
        adjusted_for: Labels of those that were; empty where the adjusted rate can't be told.
        rate: The rate of all of them together.
        dispersion: By what factor they differ more than chance makes units differ; 1 where no more.
        n_young: Records left out because they have not had their time yet.
        wait: Days that a record is given for that.
        headline: What it shows, in a sentence.
        note: How it was judged, in words.
    """

    kpi: Kpi
    by: str
    label: str
    role: str
    start: date
    end: date
    frame: pd.DataFrame
    limits: pd.DataFrame
    mix: pd.DataFrame
    adjusted_for: tuple[str, ...]
    rate: float
    dispersion: float
    n_young: int
    wait: int
    headline: str = ""
    note: str = ""


def compare_units(
    company: Any,
    kpi: str = "win_rate",
    *,
    by: str = "owner",
    start: date,
    end: date,
    as_of: date | None = None,
    filters: Any = None,
    minimum_n: int | None = None,
) -> list[FunnelPlot]:
    """Compare a rate between people, teams, regions …, like with like, raw and given the mix that they had.

    Args:
        company: The opened company.
        kpi: win_rate or a conversion between two stages.
        by: The partition compared.
        start: First day of the records: closed for a win rate, entered for a conversion.
        end: Last day.
        as_of: The last day that counts.
        filters: Partition → value or values that count.
        minimum_n: Units with fewer records are shown and not judged; the company's own rule by default.

    Returns:
        One comparison per role of people (by ``person.role`` where the exports have roles and at least three people
        share one), else one over all; none where the rate can't be told by that partition. Each ``frame`` has one row
        per unit: who, n, successes, rate with low and high (Wilson), limit_low and limit_high (95 % around the rate of
        all at that n), raw_z, expected_rate (what like records of everybody did), adjusted_rate (rate of all ×
        successes ÷ expected), z (of successes against the expected ones), p_value, q_value (Benjamini–Hochberg over
        the units judged), is_small, is_named and verdict. Expected and adjusted are missing where there are too few
        outcomes to learn a mix from; the test is then that of the raw rate.

    Raises:
        QuestionError: The KPI or partition is unknown, the KPI is no rate of records, or the partition is known only
            with the outcome, so that every unit would look as if it never failed.

    Source:
        Spiegelhalter (2005) for limits and over-dispersion; indirect standardisation; Benjamini and Hochberg (1995).
    """
    definition = company.catalog.kpi(kpi)
    journeys = build_journeys(company, as_of=as_of)
    partition = resolve_partition(company, by, journeys.labels)
    allows(company, definition, [partition], strict=True)
    rated = find_rated(company, journeys, definition)
    if rated is None or partition not in journeys.records[rated.object].codes:
        return []
    keep, _ = keep_records(company, journeys, filters)
    if rated.object not in keep:
        return []
    inside = keep[rated.object] & (rated.day >= day_number(start)) & (rated.day <= day_number(end))
    if not (inside & rated.is_counted).any():
        return []
    groups = _group(company, journeys, partition, rated, inside)
    least = minimum_n or company.catalog.rules.minimum_n
    return [
        _compare(company, journeys, definition, partition, role, rated, inside & mask, least, (start, end))
        for role, mask in groups
    ]


def _group(
    company: Any, journeys: Any, by: str, rated: RatedRecords, inside: np.ndarray
) -> list[tuple[str, np.ndarray]]:
    """Return the records of each role of which at least three people have some; everybody where there are no roles."""
    codes, labels = journeys.records[rated.object].codes[by], journeys.labels[by]
    everybody = [(EVERYBODY, np.ones(len(codes), bool))]
    roles = find_roles(company) if is_person(company.partitions[by]) else {}
    if not roles:
        return everybody
    role_of = np.array([roles.get(str(label), "") for label in labels], dtype="O")
    used = np.unique(codes[inside & rated.is_counted])
    counted = pd.Series(role_of[used]).value_counts()
    large = [str(role) for role, n in counted.items() if role and n >= LEAST_IN_ROLE]
    return [(role, role_of[codes] == role) for role in sorted(large)] or everybody


def _compare(
    company: Any, journeys: Any, kpi: Kpi, by: str, role: str, rated: RatedRecords, inside: np.ndarray, least: int, days
) -> FunnelPlot:
    records, labels = journeys.records[rated.object], journeys.labels[by]
    rows = inside & rated.is_counted
    mix = choose_mix(company, journeys, rated.object, rows, rated.is_success, by=by)
    expected = None
    if mix.used:
        kinds = [records.codes[id] for id in mix.used]
        expected = expect_successes(kinds, rated.is_success, rated.is_counted, rows)
    units, place = np.unique(records.codes[by][rows], return_inverse=True)
    counts = {
        "n": np.bincount(place).astype(float),
        "successes": np.bincount(place, weights=rated.is_success[rows]),
        "expected": None if expected is None else np.bincount(place, weights=expected),
    }
    names = [str(labels[code]) for code in units]
    is_alike = company.partitions[by].question == "who"
    frame, rate, dispersion = judge_units(names, counts, least=least, rules=company.catalog.rules, is_alike=is_alike)
    used = mix.frame.set_index("dimension")["label"] if len(mix.frame) else pd.Series(dtype="str")
    plot = FunnelPlot(
        kpi=kpi,
        by=by,
        label=company.partitions[by].label,
        role=role,
        start=days[0],
        end=days[1],
        frame=frame,
        limits=draw_limits(frame, rate, dispersion),
        mix=mix.frame if len(mix.frame) else pd.DataFrame(columns=MIX_COLUMNS),
        adjusted_for=tuple(str(used[id]) for id in mix.used),
        rate=rate,
        dispersion=dispersion,
        n_young=int((inside & rated.is_young).sum()),
        wait=rated.wait,
    )
    words = {"headline": headline_funnel(plot), "note": note_funnel(plot, least)}
    return FunnelPlot(**{**vars(plot), **words})


def judge_units(
    names: Sequence[str], counts: dict[str, Any], *, least: int, rules: Rules, is_alike: bool = True
) -> tuple[pd.DataFrame, float, float]:
    """Judge units from their counts alone.

    Args:
        names: What they are called.
        counts: n and successes of each, and what their mix lets ``expected``; None where that can't be told.
        least: Fewer records than this are not judged.
        rules: Confidence and significance.
        is_alike: Whether a general spread between them is usual, as between people and teams; sources and regions are
            each compared with the company as they stand.

    Returns:
        The frame of ``FunnelPlot``, the rate of all, and the over-dispersion.
    """
    n, successes = counts["n"], counts["successes"]
    rate = float(successes.sum() / n.sum())
    low, high = wilson_interval(successes, n, rules.confidence)
    raw_z = surprise(successes, n, rate)
    expected = counts.get("expected")
    expected_rate = np.full(len(n), np.nan) if expected is None else np.clip(expected / n, 1e-9, 1 - 1e-9)
    z = raw_z if expected is None else surprise(successes, n, expected_rate)
    judged = (n >= least) & (np.array(names, dtype="O") != BLANK)
    dispersion = measure_dispersion(z[judged]) if is_alike else 1.0
    z = z / np.sqrt(dispersion)
    p_value = np.where(judged, two_sided(z), np.nan)
    limit_low, limit_high = control_limits(n, rate, WARNING, dispersion)
    frame = pd.DataFrame(
        {
            "who": pd.array(list(names), dtype="str"),
            "n": n.astype(int),
            "successes": successes.astype(int),
            "rate": successes / n,
            "low": low,
            "high": high,
            "limit_low": limit_low,
            "limit_high": limit_high,
            "raw_z": raw_z,
            "expected_rate": expected_rate,
            "adjusted_rate": rate * (successes / n) / expected_rate,
            "z": z,
            "p_value": p_value,
            "q_value": correct(p_value),
            "is_small": n < least,
        }
    )
    frame["verdict"] = [_judge(row, rate, rules.significance) for row in frame.to_dict("records")]
    frame = frame.sort_values(["n", "who"], ascending=[False, True], kind="stable", ignore_index=True)
    cleared = frame[frame["verdict"] == ONLY_MIX].sort_values("raw_z", kind="stable").index[:1]
    frame["is_named"] = frame["verdict"].isin([BELOW, ABOVE]) | frame.index.isin(cleared)
    return frame[FUNNEL_COLUMNS], rate, dispersion


def _judge(row: dict[Hashable, Any], rate: float, significance: float) -> str:
    """Say what the comparison shows of one unit."""
    if row["is_small"]:
        return SMALL
    if pd.isna(row["q_value"]):
        return NOBODY
    if row["q_value"] <= significance:
        return BELOW if row["z"] < 0 else ABOVE
    gap = row["rate"] - rate
    if abs(gap) >= STANDS_OUT * rate and (row["expected_rate"] - rate) / gap >= PARTLY_MIX:
        return ONLY_MIX
    return WITHIN


def draw_limits(frame: pd.DataFrame, rate: float, dispersion: float) -> pd.DataFrame:
    """Return the control limits over the sizes that occur, close enough to draw as curves."""
    most = int(frame["n"].max() * 1.12) + 2
    n = np.unique(np.geomspace(max(most // 50, 2), most, 100).round().astype(int))
    inner, outer = (control_limits(n, rate, level, dispersion) for level in (WARNING, ALARM))
    return pd.DataFrame(dict(zip(LIMIT_COLUMNS, (n, *inner, *outer), strict=True)))
