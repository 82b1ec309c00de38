"""How many are won by when: open records aren't counted as lost, and a loss rules a win out.

A win rate on close date forgets the open deals, and a cohort's rate to date forgets that young records still have time.
The win curve uses every record for as long as it was watched.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.incidence import (
    CENSORED,
    EVENT,
    RIVAL,
    Counts,
    Incidence,
    compare_incidences,
    count_endings,
    measure_incidence,
)
from helpers.engine.cells import allows
from helpers.engine.journeys import BLANK, LOST_STAGE, Journeys, build_journeys
from helpers.engine.slicing import keep_records, resolve_partition
from helpers.engine.timeline import NO_DAY, day_number
from helpers.errors import QuestionError, suggest
from helpers.units import format_value, in_sentence

CURVE_COLUMNS = ["slice", "day", "share", "low", "high", "lost", "open", "at_risk", "n"]
ALL = "all"
LEAST_AT_RISK = 5
"""A curve ends where fewer records are still watched: one win would move it by a fifth."""

AGES = (0, 7, 14, 30, 60, 90, 120, 180, 270, 365, 545, 730, 1095)


@dataclass(frozen=True)
class WinCurve:
    """Cumulative share of records that reached a stage, by days since they entered another.

    Attributes:
        from_stage, to_stage: Labels of the two stages.
        by: The partition, empty for the company.
        frame: One row per slice and day on which something happened: slice, day, share won by then with low and high
            (pointwise), lost (share lost by then), open (share neither), at_risk (records still watched and undecided
            just before), n (records of the slice).
        table: The same at round ages: one row per slice and age, as far as every curve goes.
        n: Records.
        n_won, n_lost: How they ended; the rest is open.
        knows_losses: Whether the exports tell when a record is lost for good.
        statistic, freedom, p_value: Gray's test between the slices; NaN for the company or where it can't be told.
        named: The slices that the headline names: the first and the last of them.
        left_out: Slices with too few records to have a curve.
        headline: What it shows, in a sentence.
        note: How to read it.
    """

    from_stage: str
    to_stage: str
    by: str
    frame: pd.DataFrame
    table: pd.DataFrame
    n: int
    n_won: int
    n_lost: int
    knows_losses: bool
    statistic: float
    freedom: int
    p_value: float
    named: tuple[str, ...]
    left_out: tuple[str, ...]
    headline: str
    note: str


def measure_win_curve(
    company: Any,
    *,
    from_stage: str = "",
    to_stage: str = "won",
    by: str = "",
    start: date | None = None,
    end: date | None = None,
    as_of: date | None = None,
    business: str = "new",
    filters: Mapping[str, Any] | None = None,
    maximum: int = 5,
) -> WinCurve | None:
    """Measure how many records reached a stage by when.

    Args:
        company: The opened company.
        from_stage: The stage whose entry starts the clock; by default the last one with records before ``to_stage``.
        to_stage: The stage that ends it.
        by: Partition that cuts it, known at entry; empty takes all records together.
        start: Only records that entered from this day on; None takes all.
        end: Only records that entered up to this day.
        as_of: The last day that counts; records still open then are censored.
        business: ``new`` leaves renewals and other existing business out.
        filters: Partition → value or values that count.
        maximum: How many slices get a curve, the largest first.

    Returns:
        The curve; None where no records carry both stages.

    Raises:
        QuestionError: A stage or partition is unknown, or the partition is not known at entry.

    Source:
        Aalen and Johansen (1978) with loss as a competing risk; Gray (1988) for the test between slices. A contact may
        lose one deal and win the next, so for contacts a loss ends nothing and the curve is 1 − Kaplan–Meier.
    """
    journeys = build_journeys(company, as_of=as_of)
    stages = _stages(company, journeys, from_stage, to_stage)
    if stages is None:
        return None
    object, first, last = stages
    rows, days, ending = _watch(journeys, object, first, last, business)
    entered = journeys.records[object].reached.get((first, business), journeys.records[object].reached[first, ALL])
    keep, _ = keep_records(company, journeys, filters)
    if object not in keep:
        return None
    rows = rows & keep[object]
    rows &= entered >= (day_number(start) if start else entered.min())
    rows &= entered <= (day_number(end) if end else entered.max())
    if not rows.any() or not (ending[rows] == EVENT).any():
        return None
    group, names, left_out = _cut(company, journeys, object, by, rows, maximum, f"{first}_to_{last}")
    rows = rows & (group >= 0)
    counts = count_endings(days[rows], ending[rows], group[rows], len(names))
    sizes = np.bincount(group[rows], minlength=len(names))
    labels = [company.catalog.stages[id].label for id in (first, last)]
    knows = object == "deal" and bool((ending == RIVAL).any())
    label = company.partitions[resolve_partition(company, by, journeys.labels)].label if by else ""
    return _assemble(counts, names, sizes, _Said(*labels, by, label, knows, left_out), company.catalog.rules)


def _assemble(counts: Counts, names: list[str], sizes: np.ndarray, said: "_Said", rules: Any) -> WinCurve:
    """Measure the curves of all slices, test them against each other, and put the result into words."""
    curves = [measure_incidence(counts, one, confidence=rules.confidence) for one in range(len(names))]
    watched = [_tell(name, curve, size) for name, curve, size in zip(names, curves, sizes, strict=True)]
    statistic, freedom, p_value = compare_incidences(counts) if len(names) > 1 else (np.nan, 0, np.nan)
    table = tabulate_ages(pd.concat(watched, ignore_index=True))
    return WinCurve(
        from_stage=said.first,
        to_stage=said.last,
        by=said.by,
        frame=pd.concat([_keep_moves(each) for each in watched], ignore_index=True),
        table=table,
        n=int(sizes.sum()),
        n_won=int(counts.events.sum()),
        n_lost=int(counts.rivals.sum()),
        knows_losses=said.knows_losses,
        statistic=statistic,
        freedom=freedom,
        p_value=p_value,
        named=_named(table) if said.by else (),
        left_out=said.left_out,
        headline=_headline(table, said, p_value, rules.significance),
        note=_note(said, p_value, statistic, freedom),
    )


def _stages(company: Any, journeys: Journeys, first: str, last: str) -> tuple[str, str, str] | None:
    """Return the object that carries both stages, and the stages."""
    known = [id for id in company.catalog.stages if id in journeys.homes]
    for id in (first, last):
        if id and id not in company.catalog.stages:
            raise QuestionError(
                f"stage '{id}' is unknown.{suggest(id, known)} This company's stages: {', '.join(known)}."
            )
    if last not in known:
        return None
    candidates = [first] if first else list(reversed(known[: known.index(last)]))
    for stage in candidates:
        object = journeys.homes.get(stage, "")
        reached = journeys.records[object].reached if object and object != "session" else {}
        if any((stage, kind) in reached for kind in ("new", ALL)) and any(
            (last, kind) in reached for kind in ("new", ALL)
        ):
            return object, stage, last
    return None


def _watch(journeys: Journeys, object: str, first: str, last: str, business: str) -> tuple[np.ndarray, ...]:
    """Return which records count, for how many days each was watched, and how that ended."""
    reached = journeys.records[object].reached

    def day_of(stage: str) -> np.ndarray:
        days = reached.get((stage, business), reached.get((stage, ALL)))
        return np.full(journeys.records[object].n, NO_DAY) if days is None else days.astype(np.int64)

    start, won = day_of(first), day_of(last)
    lost = day_of(LOST_STAGE) if object == "deal" else np.full(len(start), NO_DAY)
    is_won, is_lost = won != NO_DAY, lost != NO_DAY
    stop = np.where(is_won, won, np.where(is_lost, lost, journeys.observed_until))
    ending = np.where(is_won, EVENT, np.where(is_lost, RIVAL, CENSORED))
    counted = (start != NO_DAY) & (stop >= start)
    return counted, np.where(counted, stop - start, 0), ending


def _cut(
    company: Any, journeys: Journeys, object: str, by: str, rows: np.ndarray, maximum: int, kpi: str
) -> tuple[np.ndarray, list[str], tuple[str, ...]]:
    """Return the slice of each record (−1 where it gets no curve), the names of the slices, and what is left out."""
    if not by:
        return np.zeros(len(rows), np.int64), [ALL], ()
    partition = resolve_partition(company, by, journeys.labels)
    known = {each.id: each for each in company.catalog.conversions_between(journeys.homes)} | dict(company.catalog.kpis)
    if kpi in known:
        allows(company, known[kpi], [partition], strict=True)
    codes, labels = journeys.records[object].codes.get(partition), journeys.labels[partition]
    if codes is None:
        raise QuestionError(f"{object}s don't carry '{by}', so their win curve can't be cut by it.")
    n = np.bincount(codes[rows], minlength=len(labels))
    large = [code for code in np.argsort(-n, kind="stable") if n[code] >= company.catalog.rules.minimum_n]
    shown = [code for code in large if labels[code] != BLANK][:maximum]
    place = np.full(len(labels), -1, np.int64)
    place[shown] = np.arange(len(shown))
    rest = tuple(str(labels[code]) for code in np.argsort(-n, kind="stable") if n[code] and code not in shown)
    return place[codes], [str(labels[code]) for code in shown], rest


def _tell(name: str, curve: Incidence, n: int) -> pd.DataFrame:
    """Return one slice's curve as rows, one per day on which a record ended or was last seen, while enough are left."""
    shown = curve.at_risk >= min(LEAST_AT_RISK, n)
    return pd.DataFrame(
        {
            "slice": pd.array([name] * int(shown.sum()), dtype="str"),
            "day": curve.days[shown],
            "share": curve.share[shown],
            "low": curve.low[shown],
            "high": curve.high[shown],
            "lost": curve.rival_share[shown],
            "open": 1 - curve.share[shown] - curve.rival_share[shown],
            "at_risk": curve.at_risk[shown].astype(int),
            "n": int(n),
        },
        columns=CURVE_COLUMNS,
    )


def _keep_moves(curve: pd.DataFrame) -> pd.DataFrame:
    """Leave out the days on which nothing happened, but for the last one watched."""
    moved = (curve["share"] + curve["lost"]).diff().fillna(1) > 0
    moved.iloc[-1:] = True
    return curve[moved]


def tabulate_ages(frame: pd.DataFrame, ages: tuple[int, ...] = AGES) -> pd.DataFrame:
    """Read every curve at round ages, as far as it was watched.

    Returns:
        One row per slice and age with the columns of the curve: an age before anything happened has a share of 0 and
        no interval, one beyond the curve's end has neither. ``at_risk`` counts the records watched for that long at
        least and not decided earlier. ``attrs["reach"]`` is the age up to which all curves go.
    """
    if frame.empty:
        return frame
    reach, longest = int(frame.groupby("slice")["day"].max().min()), int(frame["day"].max())
    last_move = int(frame.loc[frame["share"].diff() > 0, "day"].max()) if (frame["share"].diff() > 0).any() else longest
    past = [age for age in ages if age >= last_move][:1]
    rows: list[dict[Hashable, Any]] = []
    for name, curve in frame.groupby("slice", sort=False):
        for age in [age for age in ages if age <= longest and (not past or age <= past[0])]:
            then, later = curve[curve["day"] <= age], curve[curve["day"] >= age]
            one: dict[Hashable, Any] = {"slice": name, "day": age, "n": curve["n"].iloc[0], "at_risk": pd.NA}
            if len(later):
                one |= {"share": 0.0, "lost": 0.0, "open": 1.0}
                one |= then.iloc[-1].to_dict() if len(then) else {}
                one |= {"day": age, "at_risk": later["at_risk"].iloc[0]}
            rows.append(one)
    table = pd.DataFrame(rows, columns=CURVE_COLUMNS).astype({"at_risk": "Int64"})
    table.attrs["reach"] = reach
    return table


@dataclass(frozen=True)
class _Said:
    first: str
    last: str
    by: str
    label: str
    knows_losses: bool
    left_out: tuple[str, ...]


def _told_at(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the latest age that every curve reaches, the highest share first."""
    reach = int(table.attrs.get("reach", 0)) if len(table) else 0
    told = table[(table["day"] <= max(reach, 1)) & (table["day"] > 0) & table["share"].notna()]
    return told[told["day"] == told["day"].max()].sort_values("share", ascending=False, kind="stable")


def _named(table: pd.DataFrame) -> tuple[str, ...]:
    names = _told_at(table)["slice"].tolist()
    return tuple(dict.fromkeys([*names[:1], *names[-1:]]))


def _headline(table: pd.DataFrame, said: _Said, p_value: float, significance: float) -> str:
    first = in_sentence(said.first)
    ordered = _told_at(table)
    if ordered.empty:
        return f"Too few {first} are old enough for a win curve"
    age = int(ordered["day"].iloc[0])
    if not said.by:
        row = ordered.iloc[0]
        won, lost, open = (format_value(row[name], "share") for name in ("share", "lost", "open"))
        rest = f", {lost} are lost and {open} still open" if said.knows_losses else ""
        return f"After {age} days {won} of {first} are won{rest}"
    top, bottom = ordered.iloc[0], ordered.iloc[-1]
    best, worst = (format_value(row["share"], "share") for row in (top, bottom))
    spread = f"after {age} days {best} of {first} are won in {top['slice']}, {worst} in {bottom['slice']}"
    if len(ordered) < 2:
        return f"Only {top['slice']} has enough {first} for a win curve: {best} are won after {age} days"
    if not np.isfinite(p_value):
        return f"{spread[:1].upper()}{spread[1:]}"
    if p_value < significance:
        return f"Win curves differ by {in_sentence(said.label)} beyond chance: {spread}"
    return f"Win curves don't differ by {in_sentence(said.label)} beyond chance: {spread}"


def _note(said: _Said, p_value: float, statistic: float, freedom: int) -> str:
    parts = ["Open ones count for as long as they were watched."]
    if said.knows_losses:
        parts.append("A loss rules a win out (Aalen–Johansen).")
    else:
        parts.append("Nothing tells when one is lost for good, so all that aren't won stay in the running.")
    if np.isfinite(p_value):
        value = "below 0.001" if p_value < 0.001 else f"{p_value:.3f}"
        parts.append(f"Gray's test: χ² {statistic:.1f} on {freedom}, p {value}.")
    if said.left_out:
        rest = len(said.left_out) - 3
        more = f"{', '.join(said.left_out[:3])}{f' and {rest} more' if rest > 0 else ''}"
        parts.append(f"Without a curve (fewer records): {more}.")
    return " ".join(parts)
