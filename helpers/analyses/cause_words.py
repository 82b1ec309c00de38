"""Causes and gaps in sentences: what a leader reads first, made from the numbers and never typed by hand."""

import json

import numpy as np
import pandas as pd

from helpers.analyses.coded_leaves import describe_value
from helpers.analyses.leaf_sums import SIDES
from helpers.analyses.leaves import GapLeaves
from helpers.model.cause import ALL_M_LABELS
from helpers.units import format_value, in_sentence, was_or_were


def describe_cause(cause: dict, leaves: GapLeaves) -> str:
    """Say what a cause is in one sentence, with the counts that show it.

    Args:
        cause: A row of ``localise``.
        leaves: The leaf table that was searched.

    Returns:
        Such as "Leads → MQLs in Nordics: 38 instead of 75".
    """
    where = name_slice(cause["slice_json"])
    if cause["verdict"] == "single deal":
        when = "" if cause["contribution"] > 0 else " was in the time compared with"
        return f"One deal far beyond the others{when} ({where})"
    if cause["effect"] == "mix":
        return _describe_mix(cause, leaves)
    actual, expected = (f"{cause[name]:,.0f}" for name in ("n_actual", "n_expected"))
    label = leaves.labels.get(cause["step"], cause["step"])
    if cause["effect"] == "volume":
        was = _count(leaves, cause["step"], cause["slice_json"], side="expected")
        return f"{label} in {where}: {actual} instead of {expected if was else 'none'}"
    if cause["effect"] == "value":
        return f"Deals won in {where} were {_say_size(cause, leaves)}: {actual} deals"
    place = leaves.steps.index(cause["step"])
    before = leaves.labels.get(leaves.steps[place - 1], leaves.steps[place - 1])
    entered = _count(leaves, leaves.steps[place - 1], cause["slice_json"])
    rates = (
        f" ({format_value(cause['n_actual'] / entered, 'share')} instead of "
        f"{format_value(cause['n_expected'] / entered, 'share')})"
        if entered
        else ""
    )
    told = f"{before} → {in_sentence(label)} in {where}: {actual} instead of {expected}{rates}"
    return f"{told}{_say_core(cause, leaves)}"


def find_core(cause: dict, leaves: GapLeaves) -> tuple[str, float, float, float] | None:
    """Find the part of a cause's slice that holds nearly all of its loss, where there is such a part.

    A slice is called by the fewest partitions that the evidence supports. Where nine tenths of its effect lie in one
    value of a further partition that holds clearly fewer of its records, a reader should look there first.

    Args:
        cause: A row of ``localise`` about a rate.
        leaves: The leaf table that was searched.

    Returns:
        The value, and its entries, actual and expected count of the step; the expectation is that of the value's own
        rate in the expected periods, scaled so that the whole slice's is the cause's. None where there is none.
    """
    if cause["effect"] != "rate" or cause["verdict"] == "single deal":
        return None
    place = leaves.steps.index(cause["step"])
    before, step = leaves.steps[place - 1], cause["step"]
    named = json.loads(cause["slice_json"])
    inside = leaves.frame[find_members(leaves.frame, named)]
    effect = cause["n_actual"] - cause["n_expected"]
    entered = float(inside[f"{before}_actual"].sum())
    best = None
    for dimension in leaves.dimensions:
        if dimension in named or dimension in leaves.people:
            continue
        columns = [f"{name}_{side}" for name in (before, step) for side in ("expected", "actual")]
        parts = inside.groupby(dimension)[columns].sum()
        usual = parts[f"{step}_expected"] / parts[f"{before}_expected"].where(parts[f"{before}_expected"] > 0)
        expected = usual * parts[f"{before}_actual"]
        if not expected.sum() > 0:
            continue
        expected = expected * cause["n_expected"] / expected.sum()
        moved = parts[f"{step}_actual"] - expected
        for value in parts.index:
            share = moved[value] / effect if effect else 0.0
            n = float(parts.at[value, f"{before}_actual"])
            if CORE_EFFECT <= share <= 1.5 and n <= CORE_RECORDS * entered and (best is None or n < best[1]):
                best = (str(value), n, float(parts.at[value, f"{step}_actual"]), float(expected[value]))
    return best


MOST_SHARES = 5
"""Of more values than this only the two that lost and the two that gained most of the composition are told."""

CORE_EFFECT, CORE_RECORDS = 0.85, 0.75
"""Least share of a cause's effect, and most of its records, that make a part of a slice its core."""


def _say_core(cause: dict, leaves: GapLeaves) -> str:
    """Say where inside a slice nearly all of its effect lies; empty where it is spread."""
    core = find_core(cause, leaves)
    if core is None:
        return ""
    value, entered, actual, expected = core
    return f", nearly all of it in {value} ({actual:,.0f} of {entered:,.0f} instead of {expected:,.0f})"


def name_slice(slice_json: str) -> str:
    """Name a slice by its values only; where there are none, by what has none.

    >>> name_slice('{"channel": ["Inbound"], "region": ["US", null]}')
    'Inbound × US or (blank)'
    >>> name_slice('{"region": [null]}')
    'region (blank)'
    """
    parts = []
    for name, values in json.loads(slice_json).items():
        only_blank = f"{name} " if values == [None] else ""
        parts.append(only_blank + " or ".join(describe_value(value) for value in values))
    return " × ".join(parts) or "all"


def _say_size(cause: dict, leaves: GapLeaves) -> str:
    """Say in which direction deal sizes moved, and by how much the typical deal of the slice did."""
    direction = "smaller" if cause["contribution"] < 0 else "larger"
    before, now = (_typical_size(leaves, cause["slice_json"], side) for side in SIDES)
    ratio = now / before if before > 0 and now > 0 else 1.0
    if ratio == 1 or (ratio < 1) != (direction == "smaller"):
        return direction
    if ratio > 2:
        return f"typically about {ratio:,.{int(ratio < 10)}f} times as large"
    if ratio < 0.1:
        return f"typically about {format_value(ratio, 'share')} of their usual size"
    return f"typically about {format_value(abs(ratio - 1), 'share')} {direction}"


def _typical_size(leaves: GapLeaves, slice_json: str, side: str) -> float:
    """Return the size of a slice's typical deal (geometric mean where logarithms are known, else mean), 0 for none."""
    deals = _count(leaves, leaves.steps[-1], slice_json, side=side)
    if deals <= 0:
        return 0.0
    if f"{leaves.amount}_log_{side}" in leaves.frame:
        return float(np.exp(_count(leaves, f"{leaves.amount}_log", slice_json, side=side) / deals))
    return _count(leaves, str(leaves.amount), slice_json, side=side) / deals


def _describe_mix(cause: dict, leaves: GapLeaves) -> str:
    """Say which values lost and gained share."""
    ((dimension, values),) = json.loads(cause["slice_json"]).items()
    step = leaves.steps[0]
    frame = leaves.frame
    total_before, total_now = frame[f"{step}_expected"].sum(), frame[f"{step}_actual"].sum()
    parts, moves = [], []
    for value in values:
        mine = frame[frame[dimension].isna() if value is None else frame[dimension] == value]
        before = mine[f"{step}_expected"].sum() / total_before if total_before else np.nan
        now = mine[f"{step}_actual"].sum() / total_now if total_now else np.nan
        moves.append(now - before)
        parts.append(
            f"{describe_value(value)} went from {format_value(before, 'share')} to {format_value(now, 'share')}"
        )
    label = in_sentence(leaves.labels.get(step, step))
    order = [int(place) for place in np.argsort(moves, kind="stable")]
    lost = [place for place in order if moves[place] < 0][:2]
    gained = [place for place in reversed(order) if moves[place] > 0][:2]
    told = parts if len(parts) <= MOST_SHARES else [parts[place] for place in (*lost, *gained)]
    rest = len(parts) - len(told)
    more = f", and {rest} more {'value' if rest == 1 else 'values'}" if rest else ""
    return f"Composition of {label}: {', '.join(told)}{more}"


def _count(leaves: GapLeaves, step: str, slice_json: str, side: str = "actual") -> float:
    """Add up a number over a slice, by default of the period in question."""
    inside = find_members(leaves.frame, json.loads(slice_json))
    return float(leaves.frame.loc[inside, f"{step}_{side}"].sum())


def find_members(frame: pd.DataFrame, slice_values: dict[str, list]) -> pd.Series:
    """Return which rows of a leaf table lie in a slice; None among its values stands for a missing one."""
    inside = pd.Series(True, index=frame.index)
    for name, values in slice_values.items():
        known = [value for value in values if value is not None]
        inside &= frame[name].isin(known) | (frame[name].isna() & (None in values))
    return inside


def describe_gap(gap, currency: str) -> str:
    """Say how large a gap is, against what, and of which kind most of it is."""
    if not gap.is_explained:
        return gap.why_not
    unit = "currency" if gap.is_money else "count"
    what = "Closed revenue" if gap.is_money else gap.closing.labels.get(gap.outcome, gap.outcome)
    actual = format_value(gap.actual, unit, currency=currency)
    if abs(gap.gap) < 0.005 * max(abs(gap.expected), 1e-9):
        return f"{what} of {gap.period.label} {was_or_were(what)} {actual}, as in {gap.compared}"
    distance = format_value(abs(gap.gap), unit, currency=currency)
    share = f" ({format_value(abs(gap.gap) / gap.expected, 'share')})" if gap.expected else ""
    other = "the plan" if gap.compared == "plan" else gap.compared
    if not gap.is_money:
        side = "fewer" if gap.gap < 0 else "more"
        since = "the plan" if gap.compared == "plan" else f"in {gap.compared}"
        return f"{what} of {gap.period.label} {was_or_were(what)} {actual}: {distance}{share} {side} than {since}"
    side = "below" if gap.gap < 0 else "above"
    return f"{what} of {gap.period.label} {was_or_were(what)} {actual}, {distance}{share} {side} {other}"


EFFECT_WORDS = {
    "volume": "volume",
    "mix": "composition",
    "rate": "conversion",
    "value": "deal size",
    "timing": "deals pushed out",
}


def describe_bridge(gap, currency: str) -> str:
    """Say which kinds of reason make most of the gap."""
    whole = gap.bridge[gap.bridge["dimension"] == "all"]
    unit, digits = ("currency", None) if gap.is_money else ("count", 0)
    same_way = whole[np.sign(whole["contribution"]) == np.sign(gap.gap)]
    same_way = same_way.sort_values("contribution", key=lambda values: -values.abs(), kind="stable").head(2)
    if same_way.empty:
        return "Nothing moved: every part of the bridge is as expected"
    parts = [
        f"{EFFECT_WORDS[row.effect]} ({format_value(row.contribution, unit, currency=currency, digits=digits)})"
        for row in same_way.itertuples()
    ]
    verb = "cost" if gap.gap < 0 else "brought"
    first = " and ".join(parts)
    return f"{first[:1].upper()}{first[1:]} {verb} most between {_other(gap)} and {gap.period.label}"


def _other(gap) -> str:
    return "the plan" if gap.compared == "plan" else gap.compared


def describe_causes(gap, currency: str) -> str:
    """Say how many causes were found, and the largest."""
    if gap.search is None and gap.creation is None:
        return gap.why_not
    everywhere = describe_moved(gap)
    proven = gap.causes[gap.causes["verdict"] != "not enough evidence"]
    if gap.causes.empty or proven.empty:
        suspects = len(gap.causes)
        if not suspects:
            return (
                f"{everywhere} in every slice alike"
                if everywhere
                else ("Nothing but noise: no slice moved further than chance and everyday drift make it")
            )
        return everywhere or "No slice moved beyond chance; what stands out by itself is worth a second look"
    first = proven.iloc[0]
    money = describe_money(first, gap, currency)
    n = proven["slice"].nunique()
    count, verb = ("One slice", "moves") if n == 1 else (f"{n} slices", "move")
    said = f"{count} {verb} beyond chance. First: {first['statement']}{money}"
    return f"{everywhere}. Beside that: {said[:1].lower()}{said[1:]}" if everywhere and _is_large(gap) else said


def describe_moved(gap) -> str:
    """Say what moved everywhere the most, beyond chance and the way the gap went; empty where nothing did.

    Returns:
        Such as "Everywhere, MQLs → won deals rose by 41 %".
    """
    moved = gap.moved
    if moved.empty:
        return ""
    is_sure = ((moved["low"] > 1) | (moved["high"] < 1)) & moved["is_everywhere"]
    is_sure &= (not gap.is_explained) | (np.sign(moved["contribution"]) == np.sign(gap.gap))
    sure = moved[is_sure & ((moved["ratio"] - 1).abs() >= 0.05)]
    if sure.empty:
        return ""
    size = np.abs(np.log(sure["ratio"].clip(lower=1e-6)))
    first = sure.loc[size.idxmax()]
    leaves = gap.search if first["lens"] == "closing" else gap.creation
    label = leaves.labels.get(first["step"], first["step"])
    if first["effect"] == "rate":
        before = leaves.labels.get(leaves.steps[leaves.steps.index(first["step"]) - 1], "")
        label = f"{before} → {in_sentence(label)}"
    if first["effect"] == "value":
        label = "deal size"
    change = first["ratio"] - 1
    usual = "the period before" if leaves.expected_periods == 1 else f"the {leaves.expected_periods} periods before"
    if change > 1:
        return f"Everywhere, {in_sentence(label)} rose to {first['ratio']:.1f} times what they were in {usual}"
    verb = "rose" if change > 0 else "fell"
    return f"Everywhere, {in_sentence(label)} {verb} by {format_value(abs(change), 'share')} against {usual}"


def _is_large(gap) -> bool:
    """Tell whether what moved everywhere is worth more than the first cause."""
    moved = gap.moved[((gap.moved["low"] > 1) | (gap.moved["high"] < 1)) & gap.moved["is_everywhere"]]
    moved = moved[np.sign(moved["contribution"]) == np.sign(gap.gap)]
    return bool(moved["contribution"].abs().max() > 2 * abs(gap.causes["contribution"].iloc[0]))


def describe_money(cause, gap, currency: str) -> str:
    """Say what a cause is worth, and when."""
    leaves = gap.search if cause["lens"] == "closing" else gap.creation
    has_money = leaves.amount or leaves.worth
    if not has_money:
        return ""
    amount = format_value(cause["contribution"], "currency", currency=currency)
    return f", {amount}" if cause["lens"] == "closing" else f", {amount} of later revenue"


def describe_five_m(gap) -> str:
    """Say which of the Ms have evidence, where something hides causes, and how many questions can't be asked yet."""
    rows = gap.five_m
    if rows.empty:
        return "No cause was looked for"
    evident = rows[rows["verdict"] == "evidence"]
    sure = evident[evident["confidence"] != "low"] if "confidence" in evident else evident
    found = [ALL_M_LABELS[m].lower() for m in ALL_M_LABELS if (sure["m"] == m).any()]
    weak = len(evident) - len(sure)
    untested = int((rows["verdict"] == "can't be tested").sum())
    rest = f"; {weak} {'thing' if weak == 1 else 'things'} may hide a cause" if weak else ""
    rest += f"; {untested} of {len(rows)} questions can't be tested yet" if untested else ""
    if not found:
        return f"No M shows clear evidence of a change{rest}"
    named = found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"
    return f"The data points to {named}{rest}"
