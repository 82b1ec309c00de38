"""The bridge from expected to actual: volume, mix, each rate, value and timing, adding up to the gap exactly."""

from collections.abc import Sequence
from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd

from helpers.analyses.coded_leaves import ALL, CodedLeaves, code_leaves, describe_value

LMDI, SHAPLEY = "LMDI", "Shapley"

BRIDGE_COLUMNS = ["step", "effect", "dimension", "slice", "contribution", "share_of_gap"]
"""The columns of ``decomposition.csv``."""


def decompose(
    leaves: pd.DataFrame,
    dimensions: Sequence[str],
    steps: Sequence[str],
    *,
    amount: str | None = None,
    slipped: str | None = None,
) -> pd.DataFrame:
    """Split the gap between expected and actual into what caused it, without a rest.

    The outcome (the amount, else the last step) is written per cell as
    total volume × share of the volume × rate × … × value. Where both sides are positive, the change is
    attributed by the logarithmic mean (LMDI-I); where a zero or a negative amount remains (a new or vanished value,
    nothing won, deals at no amount), by the Shapley value over the same factors, a rate out of nothing being taken as
    unchanged. Both leave no residual, give a factor that didn't move nothing, and change only their sign when
    expected and actual are swapped. Counts that appear in a cell without any count in the step before are told where
    they appear.

    What slipped (was pushed out of the period, not lost) is put back before the rest is explained, and told as
    *timing*. In money, it is put back as deals of the cell's own average size.

    Args:
        leaves: One row per combination of dimension values, with ``<step>_expected`` and ``<step>_actual``.
        dimensions: Columns of the dimensions; values may be missing.
        steps: Ordered counts, the volume first.
        amount: The money, or None for counts.
        slipped: Column of what moved out of the period, in money where there is an amount, else in the last step's
            count (negative: pulled in). An optional column ``<slipped>_count`` says how many deals.

    Returns:
        One row per effect for the whole (dimension and slice ``all``), then one row per effect and slice for every
        single dimension. step (the count that the effect leads into; volume and mix the first, value and timing the
        outcome), effect (volume, mix, rate, value, timing), dimension, slice (missing as ``(blank)``), contribution
        (in money or in the last step's count), share_of_gap (NaN where there is no gap). The whole's mix is taken over
        the full leaves; each dimension states its own. Every table adds up to the gap. An empty frame of leaves gives
        zeros for the whole. ``attrs["gap"]`` is the gap, ``attrs["methods"]`` says for the whole and each dimension how
        many cells were explained by which method: ``{"all": {"LMDI": 40, "Shapley": 2}, …}``.

    Raises:
        ParameterError: A column is missing or holds what a count can't be.

    Source:
        Ang (2005), LMDI-I; Shapley (1953). See also Kitagawa (1955) for two factors.

    >>> frame = pd.DataFrame({"leads_expected": [100], "leads_actual": [80], "won_expected": [10], "won_actual": [8]})
    >>> decompose(frame, [], ["leads", "won"])["contribution"].round(3).tolist()
    [-2.0, 0.0, 0.0]
    """
    count = f"{slipped}_count" if slipped else None
    extra = [name for name in (slipped, count) if name]
    if slipped:
        _require_slipped(leaves, slipped)
    coded = code_leaves(leaves, dimensions, steps, amount=amount, extra=extra)
    chain_expected, chain_actual = _read_chain(coded)
    moved = coded.extra_column(slipped) if slipped else None
    gap = float(chain_actual[-1].sum() - chain_expected[-1].sum())
    if moved is not None:
        chain_actual = _put_back(chain_actual, moved, coded.extra_column(count), has_amount=bool(amount))
    effects = _name_effects(coded, has_timing=moved is not None)
    whole, methods = _explain_cells(chain_expected, chain_actual, moved)
    parts, labels, told = [whole.sum(axis=1, keepdims=True)], [(ALL, [ALL])], {ALL: methods}
    for place, dimension in enumerate(coded.dimensions):
        cells = [_roll_up(chain, coded.codes[place], coded.sizes[place]) for chain in (chain_expected, chain_actual)]
        rolled = None if moved is None else np.bincount(coded.codes[place], moved, minlength=coded.sizes[place])
        explained, told[dimension] = _explain_cells(*cells, rolled)
        parts.append(explained)
        labels.append((dimension, [describe_value(value) for value in coded.values[place]]))
    frame = _to_frame(parts, labels, effects, gap)
    frame.attrs.update({"gap": gap, "methods": told})
    return frame


def _require_slipped(leaves: pd.DataFrame, slipped: str) -> None:
    """Refuse a name that the frame does not have."""
    from helpers.errors import ParameterError, suggest

    if slipped not in leaves.columns:
        raise ParameterError(
            f"leaves has no column '{slipped}' for what slipped. Name a number column, or leave slipped out."
            f"{suggest(slipped, leaves.columns)}"
        )


def _read_chain(coded: CodedLeaves) -> tuple[np.ndarray, np.ndarray]:
    """Return steps and amount as one chain per side."""
    if coded.amount is None:
        return coded.expected, coded.actual
    return (
        np.vstack([coded.expected, coded.amount_expected]),
        np.vstack([coded.actual, coded.amount_actual]),
    )


def _put_back(chain: np.ndarray, moved: np.ndarray, moved_count: np.ndarray | None, *, has_amount: bool) -> np.ndarray:
    """Add what moved out of the period to the outcome, and to the deals that it would have been."""
    chain = chain.copy()
    if has_amount:
        deals, money = chain[-2], chain[-1]
        if moved_count is None:
            whole = money.sum() / deals.sum() if deals.sum() > 0 and money.sum() > 0 else 0.0
            own = np.divide(money, deals, out=np.full_like(money, whole), where=(deals > 0) & (money > 0))
            moved_count = np.divide(moved, own, out=np.zeros_like(money), where=own > 0)
        chain[-2] = np.maximum(deals + moved_count, 0.0)
    chain[-1] = chain[-1] + moved
    return chain


def _name_effects(coded: CodedLeaves, *, has_timing: bool) -> list[tuple[str, str]]:
    """Return (step, effect) in the order in which ``_explain_cells`` gives them."""
    effects = [(coded.steps[0], "volume"), (coded.steps[0], "mix")]
    effects += [(step, "rate") for step in coded.steps[1:]]
    if coded.amount:
        effects.append((coded.amount, "value"))
    if has_timing:
        effects.append((coded.amount or coded.steps[-1], "timing"))
    return effects


def _roll_up(chain: np.ndarray, codes: np.ndarray, size: int) -> np.ndarray:
    """Add the leaves of each value of one dimension."""
    return np.stack([np.bincount(codes, numbers, minlength=size) for numbers in chain])


def _explain_cells(
    expected: np.ndarray, actual: np.ndarray, moved: np.ndarray | None
) -> tuple[np.ndarray, dict[str, int]]:
    """Return the contribution of every effect (rows) in every cell (columns), and how many cells each method told."""
    if expected.shape[1] == 0:
        return np.zeros((len(expected) + 1 + (moved is not None), 0)), {LMDI: 0, SHAPLEY: 0}
    before, after = _write_factors(expected, actual)
    change = actual[-1] - expected[-1]
    ends = (expected[-1] > 0) & (actual[-1] > 0)
    smooth = ends & (before > 0).all(axis=0) & (after > 0).all(axis=0)
    contributions = np.zeros_like(before)
    contributions[:, smooth] = _attribute_by_logs(
        before[:, smooth], after[:, smooth], expected[-1, smooth], actual[-1, smooth]
    )
    contributions[:, ~smooth] = attribute_by_shapley(before[:, ~smooth], after[:, ~smooth])
    largest = np.abs(contributions).argmax(axis=0)  # takes what rounding leaves, so that an unmoved factor stays at 0
    contributions[largest, np.arange(len(change))] += change - contributions.sum(axis=0)
    methods = {LMDI: int(smooth.sum()), SHAPLEY: int((~smooth & (contributions != 0).any(axis=0)).sum())}
    return contributions if moved is None else np.vstack([contributions, -moved]), methods


def _write_factors(expected: np.ndarray, actual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Write every cell of both sides as a product: total volume, share, then one ratio per further step.

    A ratio that one side can't know (nothing entered) is taken from the other side, so that it explains nothing.
    Where a step holds counts although the step before it is empty, the earlier factors are 1 in both sides and
    the ratio is the count itself.
    """
    sides = np.stack([expected, actual])
    steps = sides.shape[1]
    broken = np.zeros(sides.shape[2], dtype=int)
    for step in range(1, steps):
        is_broken = ((sides[:, step - 1] <= 0) & (sides[:, step] != 0)).any(axis=0)
        broken[is_broken] = step
    totals = sides[:, 0].sum(axis=1)
    factors = np.ones((2, steps + 1, sides.shape[2]))
    for side in (0, 1):
        other = totals[1 - side] if totals[1 - side] > 0 else 1.0
        factors[side, 0] = totals[side] if totals[side] > 0 else other
        if totals[side] > 0:
            factors[side, 1] = sides[side, 0] / totals[side]
    if totals[0] <= 0 < totals[1]:
        factors[0, 0], factors[0, 1] = 0.0, factors[1, 1]
    if totals[1] <= 0 < totals[0]:
        factors[1, 0], factors[1, 1] = 0.0, factors[0, 1]
    for step in range(1, steps):
        ratio = np.divide(
            sides[:, step], sides[:, step - 1], out=np.full_like(sides[:, step], np.nan), where=sides[:, step - 1] > 0
        )
        ratio[0] = np.where(np.isnan(ratio[0]), ratio[1], ratio[0])
        ratio[1] = np.where(np.isnan(ratio[1]), ratio[0], ratio[1])
        factors[:, step + 1] = np.nan_to_num(ratio, nan=1.0)
    for step in range(1, steps):
        cells = broken == step
        factors[:, : step + 1, cells] = 1.0
        factors[:, step + 1, cells] = sides[:, step, cells]
    return factors[0], factors[1]


def _attribute_by_logs(before: np.ndarray, after: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Attribute the change of a product of positive factors by the logarithmic mean of its two values."""
    half = (np.log(end) - np.log(start)) / 2
    is_flat = half == 0
    mean = np.sqrt(start) * np.sqrt(end) * np.where(is_flat, 1.0, np.sinh(half) / np.where(is_flat, 1.0, half))
    return mean * (np.log(after) - np.log(before))


def attribute_by_shapley(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Attribute the change of a product of factors to its factors by the Shapley value.

    Args:
        before: One row per factor, one column per cell.
        after: The same, afterwards.

    Returns:
        One row per factor: its average contribution over all orders in which the factors could have changed.
        The columns add up to the change of the product.

    >>> attribute_by_shapley(np.array([[10.0], [0.5]]), np.array([[10.0], [0.0]])).ravel().tolist()
    [0.0, -5.0]
    """
    count = len(before)
    result = np.zeros_like(before)
    for factor in range(count):
        others = [i for i in range(count) if i != factor]
        for size in range(count):
            weight = factorial(size) * factorial(count - size - 1) / factorial(count)
            for changed in combinations(others, size):
                rest = np.ones(before.shape[1])
                for i in others:
                    rest = rest * (after[i] if i in changed else before[i])
                result[factor] += weight * rest * (after[factor] - before[factor])
    return result


def _to_frame(parts: list[np.ndarray], labels: list, effects: list[tuple[str, str]], gap: float) -> pd.DataFrame:
    """Lay the contributions out as the rows of ``decomposition.csv``."""
    rows = []
    for contributions, (dimension, slices) in zip(parts, labels, strict=True):
        for (step, effect), numbers in zip(effects, contributions, strict=True):
            rows += [(step, effect, dimension, name, float(n) + 0.0) for name, n in zip(slices, numbers, strict=True)]
    frame = pd.DataFrame(rows, columns=BRIDGE_COLUMNS[:-1])
    frame["share_of_gap"] = frame["contribution"] / gap if gap else np.nan
    frame["share_of_gap"] = frame["share_of_gap"].astype(float)
    return frame


def describe_methods(bridge: pd.DataFrame) -> str:
    """Say by which methods the whole was split; empty where nothing tells.

    >>> frame = pd.DataFrame({"a_expected": [1, 2], "a_actual": [3, 0], "kind": ["x", "y"]})
    >>> describe_methods(decompose(frame, ["kind"], ["a"]))
    'Split by LMDI; by Shapley in 1 of 2 cells, where one side is zero'
    """
    counted = bridge.attrs.get("methods", {}).get(ALL, {})
    smooth, jumps = counted.get(LMDI, 0), counted.get(SHAPLEY, 0)
    if not smooth + jumps:
        return ""
    if not jumps:
        return "Split by LMDI"
    if not smooth:
        return "Split by Shapley, since one side is zero"
    return f"Split by LMDI; by Shapley in {jumps:,} of {smooth + jumps:,} cells, where one side is zero"
