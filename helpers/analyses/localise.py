"""The smallest set of slices that explains a gap: where, at which step, for which kind of reason, how sure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

from helpers.analyses.cause_money import Cause, judge_worth, price_causes
from helpers.analyses.cause_shapes import (
    find_aliases,
    forget,
    is_everywhere,
    join_all,
    merge_mixes,
    merge_recounts,
    merge_unions,
    name_whole,
    read_shift,
)
from helpers.analyses.coded_leaves import CodedLeaves, code_leaves, describe_value
from helpers.analyses.cuboids import SliceLattice
from helpers.analyses.expectation import Measure, MoneyModel, build_measures
from helpers.analyses.single_deals import set_aside_single_deals
from helpers.analyses.slice_search import FoundSlice, Gates, SliceSearch
from helpers.analyses.uneven_slices import absorb_nested, narrow_made_up, shows_itself, widen_uneven
from helpers.analyses.value_unions import ValueSet, find_value_set
from helpers.errors import ParameterError

CAUSE_COLUMNS = [
    "rank",
    "step",
    "effect",
    "slice",
    "slice_json",
    "contribution",
    "low",
    "high",
    "share_of_gap",
    "n_actual",
    "n_expected",
    "q_value",
    "aliases",
    "verdict",
]
"""The columns that ``localise`` returns; ``root_cause.csv`` adds ``m``."""

DIRECTIONS = ("down", "up", "both")
SIDES = ("expected", "actual")


@dataclass(frozen=True)
class SearchOptions:
    """Hold how a search is made, as ``localise`` was asked."""

    gates: Gates
    is_plan: bool
    max_depth: int
    drift: float | None
    expected_periods: float
    suspects: int


@dataclass
class Found:
    """Hold everything that a search found: causes, suspicions, and what moved everywhere."""

    causes: list[Cause] = field(default_factory=list)
    suspected: list[Cause] = field(default_factory=list)
    moved: dict[str, dict[str, object]] = field(default_factory=dict)


def localise(
    leaves: pd.DataFrame,
    dimensions: Sequence[str],
    steps: Sequence[str],
    *,
    amount: str | None = None,
    direction: str = "down",
    max_causes: int = 8,
    expected_is_plan: bool = False,
    max_depth: int = 4,
    gates: Gates | None = None,
    drift: float | None = None,
    expected_periods: float = 1.0,
    suspects: int = 0,
    adjusted_for: Sequence[str] = (),
) -> pd.DataFrame:
    """Find the smallest set of slices that explains the gap between expected and actual.

    Args:
        leaves: One row per combination of dimension values that occurs, with ``<step>_expected`` and ``<step>_actual``.
        dimensions: Columns of the dimensions, known when a record entered; values may be missing.
        steps: Ordered counts; one alone is a pure volume.
        amount: The money; ``<amount>_log_…`` and ``<amount>_logsq_…`` (sums of log amounts and of their squares)
            sharpen it where known.
        direction: Which way the outcome missed, down or up: what contributed that way comes first, what offset it
            after it; "both" puts the largest first.
        max_causes: The most rows.
        expected_is_plan: The expected side is exact (a plan), not another period's counts.
        max_depth: The most dimensions in one slice.
        gates: What a slice has to pass; the defaults where None.
        drift: Everyday movement of a dimension value (log scale), estimated where None.
        expected_periods: How many periods like the actual one the expected counts add up, so that a longer history
            makes a surer expectation. Gap, effects and n_expected are stated per one period.
        suspects: How many slices to add that stand out by themselves but not past error control over everything
            searched; their verdict is ``not enough evidence``.
        adjusted_for: Columns that rates are expected by beside the dimensions, and that are never named as a slice.

    Returns:
        One row per cause: rank, step (the count that the effect leads into), effect (volume, mix, rate, value), slice
        (for reading), slice_json (exact), contribution (money or last step's count; low and high bound it at 90 %),
        share_of_gap, n_actual and n_expected (counts of the step; deals for a value), q_value (adjusted for everything
        searched), aliases (JSON list of slices that hold nearly the same records), verdict (cause, single deal, not
        enough evidence). No rows where nothing is there, or where nothing at all was expected. ``attrs["global"]``
        holds, per step, the ratio and
        contribution of what moved everywhere (is_everywhere: beside the suspects, too), ``attrs["unexplained"]`` what
        neither explains, ``attrs["gap"]`` the gap.

    Raises:
        ParameterError: A column is missing, or a parameter is not one of those allowed.

    Source:
        Kulldorff (1997), spatial scan statistic; indirect standardisation; empirical Bayes shrinkage; Shapley (1953).
    """
    _require_parameters(direction, max_causes, max_depth, expected_periods)
    options = SearchOptions(gates or Gates(), expected_is_plan, max_depth, drift, expected_periods, suspects)
    extra = [f"{amount}_{part}_{side}" for part in ("log", "logsq") for side in SIDES] if amount else []
    coded = code_leaves(leaves, _join(dimensions, adjusted_for), steps, amount=amount, extra=extra)
    outcome = (coded.amount_actual, coded.amount_expected) if amount else (coded.actual[-1], coded.expected[-1])
    gap = float(outcome[0].sum() - outcome[1].sum() / expected_periods)
    has_expectation = coded.expected[0].sum() > 0
    found = _search_all_measures(coded, tuple(dimensions), options) if has_expectation else Found()
    frame = _to_frame(found.causes, gap, direction, max_causes, options.gates)
    if suspects:
        second = _to_frame(found.suspected[:suspects], gap, direction, max_causes, options.gates)
        second["rank"] += len(frame)
        frame = pd.concat([frame, second], ignore_index=True)
    explained = sum(cause.contribution for cause in found.causes)
    explained += sum(float(moved["contribution"]) for moved in found.moved.values())
    frame.attrs.update({"global": found.moved, "gap": gap, "unexplained": gap - explained})
    return frame


def _join(dimensions: Sequence[str], adjusted_for: Sequence[str]) -> Sequence[str]:
    """Put both together; a text where names belong is left for the check of names."""
    return [*dimensions, *adjusted_for] if adjusted_for else dimensions


def _require_parameters(direction: str, max_causes: int, max_depth: int, expected_periods: float) -> None:
    """Refuse parameters that mean nothing."""
    if direction not in DIRECTIONS:
        raise ParameterError(f"direction '{direction}' is not known. Allowed: {', '.join(DIRECTIONS)}. Choose one.")
    if not 0 < expected_periods < float("inf"):
        raise ParameterError(f"expected_periods {expected_periods} is no number of periods. Give more than 0.")
    if max_causes < 0 or max_depth < 1:
        raise ParameterError(f"max_causes {max_causes}, max_depth {max_depth}. At least 0 and 1. Raise them.")


def _search_all_measures(coded: CodedLeaves, dimensions: tuple[str, ...], options: SearchOptions) -> Found:
    """Search everything that can move, each given what came in from the step before, and price what was found.

    A slice is compared with everything outside it, so that what moved everywhere is reported apart. Slices are taken
    one at a time by penalised likelihood, refitted together, tried again against each other, and kept only past error
    control over everything searched, a least relative change and a least effect on the outcome.
    """
    coded, deals = set_aside_single_deals(
        coded, options.gates, expected_is_plan=options.is_plan, expected_periods=options.expected_periods
    )
    measures, model = build_measures(coded, is_plan=options.is_plan)
    coded = coded.search_only(dimensions)
    for deal in deals:
        deal.slice = {name: values for name, values in deal.slice.items() if name in dimensions}
    lattice = SliceLattice(coded, options.max_depth)
    found, levels, elsewhere = Found(), {}, {}
    searches = [_start_search(measure, coded, model, lattice, len(measures), options) for measure in measures]
    for measure, search in zip(measures, searches, strict=True):
        search.run()
        narrow_made_up(search)
        absorb_nested(search)
        widen_uneven(search)
        together = None if measure.is_lost else find_value_set(search)
        mine = _describe_causes(search, search.describe_all(), coded, together=together)
        suspects = search.suspect(options.suspects)
        if not measure.is_lost:
            suspects = [one for one in suspects if shows_itself(search, one.number, one.log_effect)]
        found.suspected += _describe_causes(search, suspects, coded, is_suspicion=True)
        level, error = search.level()
        elsewhere[measure.step] = search.level(beside=[one.number for one in suspects])
        if measure.effect == "volume":
            mine, level = read_shift(mine, coded, (level, error), options.expected_periods)
        found.causes += mine
        levels[measure.step] = (measure.effect, level, error)
    pricing = {
        "confidence": options.gates.confidence,
        "expected_periods": options.expected_periods,
    }
    judge_worth([*found.causes, *found.suspected], coded, measures, lattice)
    found.moved = price_causes(coded, model, found.causes, levels, **pricing)
    for step, (level, error) in elsewhere.items():
        found.moved[step]["is_everywhere"] = bool(abs(level + _periods(found, step, options)) > 2 * error)
    found.causes = merge_recounts(found.causes, [measure.step for measure in measures], coded)
    found.causes = [c for c in found.causes if abs(c.contribution) > 0 or c.effect == "mix"] + deals
    for cause in found.suspected:
        price_causes(coded, model, [cause], levels, **pricing)
    found.suspected.sort(key=lambda cause: cause.q_value / max(abs(cause.contribution), 1e-9))
    return found


def _periods(found: Found, step: str, options: SearchOptions) -> float:
    """Return what a volume's level has to be raised by, where the expected side adds up several periods."""
    return float(np.log(options.expected_periods)) if found.moved[step]["effect"] == "volume" else 0.0


def _start_search(
    measure: Measure,
    coded: CodedLeaves,
    model: MoneyModel,
    lattice: SliceLattice,
    tests: int,
    options: SearchOptions,
) -> SliceSearch:
    """Lay out the search in one measure, with what each leaf's entries are worth there."""
    if measure.effect == "value":
        place, worth = len(coded.steps) - 1, model.value
    else:
        place = max(coded.steps.index(measure.step) - 1, 0)
        worth = model.worth(place)
    total = coded.amount_expected if coded.amount else coded.expected[-1]
    return SliceSearch(
        measure,
        lattice,
        worth_actual=coded.actual[place] * worth,
        worth_expected=coded.expected[place] * worth / options.expected_periods,
        reference=max(float(total.sum()) / options.expected_periods, 1e-9),
        gates=options.gates,
        tests=tests,
        drift=options.drift,
        expected_periods=options.expected_periods,
    )


def _describe_causes(
    search: SliceSearch,
    found: list[FoundSlice],
    coded: CodedLeaves,
    *,
    is_suspicion: bool = False,
    together: ValueSet | None = None,
) -> list[Cause]:
    """Turn what one search found into causes: mixes and unions recognised, aliases listed."""
    measure, lattice = search.measure, search.lattice
    causes = [
        Cause(
            step=measure.step,
            effect=measure.effect,
            slice=lattice.describe(one.number),
            parts=[one],
            masks=[lattice.members(one.number)],
            actual=one.actual,
            expected=one.expected,
            q_value=one.q_value,
            verdict="not enough evidence" if is_suspicion else "cause",
        )
        for one in found
    ]
    mass = coded.expected[0] + coded.actual[0]
    members = [cause for cause in causes if together and cause.parts[0].number in together.numbers]
    causes = [cause for cause in causes if not any(cause is member for member in members)]
    for cause in causes:
        find_aliases(cause, lattice, mass, partial(search.contradicts, cause.parts[0]))
    if is_suspicion:
        return causes
    causes = merge_mixes(causes) if measure.effect == "volume" else causes
    merged = merge_unions([*causes, *join_all(members, together.q_value if together else 1.0)])
    everywhere = [cause for cause in merged if is_everywhere(cause, mass)]
    if everywhere:
        forget(search, everywhere)
        return _describe_causes(search, search.describe_all(), coded, together=together)
    for cause in merged:
        name_whole(cause, coded, mass)
    return merged


def _to_frame(causes: list[Cause], gap: float, direction: str, max_causes: int, gates: Gates) -> pd.DataFrame:
    """Rank the causes and lay them out as rows."""
    sign = {"down": 1.0, "up": -1.0, "both": 0.0}[direction]

    def order(cause: Cause) -> tuple:
        is_offset = sign * cause.contribution > 0
        return (is_offset, -abs(cause.contribution), cause.step, describe_slice(cause.slice))

    rows = []
    for rank, cause in enumerate(sorted(causes, key=order)[:max_causes], start=1):
        if cause.verdict == "cause" and max(cause.actual, cause.expected) < gates.least_evidence:
            cause.verdict = "not enough evidence"
        rows.append(
            (
                rank,
                cause.step,
                cause.effect,
                describe_slice(cause.slice),
                json.dumps(cause.slice, ensure_ascii=False, default=str),
                cause.contribution,
                cause.low,
                cause.high,
                cause.contribution / gap if gap else np.nan,
                cause.actual,
                cause.expected,
                cause.q_value,
                json.dumps(cause.aliases, ensure_ascii=False, default=str),
                cause.verdict,
            )
        )
    frame = pd.DataFrame(rows, columns=CAUSE_COLUMNS)
    kinds = {name: "float64" for name in CAUSE_COLUMNS[5:12]} | {"rank": "int64"}
    kinds |= {name: "str" for name in ("step", "effect", "slice", "slice_json", "aliases", "verdict")}
    return frame.astype(kinds)


def describe_slice(slice_values: dict[str, list[object]]) -> str:
    """Write a slice for people.

    >>> describe_slice({"channel": ["Inbound", "Web"], "region": [None]})
    'channel=Inbound|Web & region=(blank)'
    """
    return " & ".join(
        f"{name}={'|'.join(describe_value(value) for value in values)}" for name, values in slice_values.items()
    )
