"""The leaf table that every explanation of a gap starts from: checked, coded to small integers, in one fixed order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from helpers.errors import ParameterError, suggest

BLANK = "(blank)"
"""How a missing value of a partition is written for people."""

DENSE = 16
"""So many possible combinations per row are laid out in a table rather than sorted."""

ALL = "all"
"""The dimension and the slice of the whole."""


@dataclass(frozen=True)
class CodedLeaves:
    """Hold one row per combination of dimension values, with codes instead of values and numbers as arrays.

    ``values[d]`` lists what the codes of dimension ``d`` stand for (None for missing). ``expected`` and
    ``actual`` have one row per step, in order. The amounts are None where the question is about counts only.
    """

    dimensions: tuple[str, ...]
    values: tuple[tuple[object, ...], ...]
    codes: np.ndarray
    steps: tuple[str, ...]
    expected: np.ndarray
    actual: np.ndarray
    amount: str | None = None
    amount_expected: np.ndarray | None = None
    amount_actual: np.ndarray | None = None
    extra: dict[str, np.ndarray] | None = None

    def __len__(self) -> int:
        return self.expected.shape[1]

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many values each dimension has."""
        return tuple(len(values) for values in self.values)

    def search_only(self, dimensions: Sequence[str]) -> "CodedLeaves":
        """Return the same rows with some of the dimensions alone; the others go on telling rows apart, unnamed."""
        kept = [place for place, name in enumerate(self.dimensions) if name in set(dimensions)]
        return replace(
            self,
            dimensions=tuple(self.dimensions[place] for place in kept),
            values=tuple(self.values[place] for place in kept),
            codes=self.codes[kept],
        )

    def extra_column(self, name: str) -> np.ndarray | None:
        """Return a further number per leaf that was asked for, or None where the frame has no such column."""
        return (self.extra or {}).get(name)


def code_leaves(
    leaves: pd.DataFrame,
    dimensions: Sequence[str],
    steps: Sequence[str],
    *,
    amount: str | None = None,
    extra: Sequence[str] = (),
) -> CodedLeaves:
    """Check a leaf table and code it.

    Args:
        leaves: One row per combination of dimension values (repeated combinations are added up).
        dimensions: Column names of the dimensions; their values may be missing.
        steps: Ordered names of counts; the frame holds ``<step>_expected`` and ``<step>_actual``.
        amount: Name of the money, with the same two columns, or None.
        extra: Further number columns to carry along where the frame has them.

    Returns:
        One row per combination that occurs, sorted by its values, so that the order of rows and of
        dimensions in the question never changes an answer. Missing numbers count as 0.

    Raises:
        ParameterError: A column is missing, a count is negative or infinite, or there are no steps.
    """
    for kind, names in (("dimensions", dimensions), ("steps", steps)):
        if isinstance(names, str):
            raise ParameterError(f"{kind} is the text '{names}'. It has to be a list of names. Write ['{names}'].")
    steps, dimensions = tuple(steps), tuple(sorted(dimensions))
    _require_question(leaves, dimensions, steps, amount)
    coded = [_code_values(leaves[name]) for name in dimensions]
    codes = np.stack([code for code, _ in coded]) if coded else np.zeros((0, len(leaves)), dtype=np.int64)
    money = [amount] if amount else []
    names = [f"{name}_{side}" for name in (*steps, *money) for side in ("expected", "actual")]
    kept = [name for name in extra if name in leaves.columns]
    signed = {*kept, *(f"{name}_{side}" for name in money for side in ("expected", "actual"))}
    numbers = {name: _read_numbers(leaves, name, may_be_negative=name in signed) for name in [*names, *kept]}
    codes, numbers = _add_up_repeats(codes, numbers, [len(values) for _, values in coded])
    return CodedLeaves(
        dimensions=dimensions,
        values=tuple(values for _, values in coded),
        codes=codes,
        steps=steps,
        expected=np.stack([numbers[f"{step}_expected"] for step in steps]),
        actual=np.stack([numbers[f"{step}_actual"] for step in steps]),
        amount=amount,
        amount_expected=numbers[f"{amount}_expected"] if amount else None,
        amount_actual=numbers[f"{amount}_actual"] if amount else None,
        extra={name: numbers[name] for name in kept},
    )


def describe_value(value: object) -> str:
    """Write one value of a dimension for people.

    >>> describe_value(None), describe_value("EMEA")
    ('(blank)', 'EMEA')
    """
    return BLANK if value is None else str(value)


def _require_question(leaves: pd.DataFrame, dimensions: tuple, steps: tuple, amount: str | None) -> None:
    """Refuse a question whose columns the frame does not have."""
    if not isinstance(leaves, pd.DataFrame):
        raise ParameterError(f"leaves is a {type(leaves).__name__}. It has to be a pandas DataFrame. Make it one.")
    if not steps:
        raise ParameterError("steps is empty. At least one count is needed. Name it, such as ['leads'].")
    for kind, names in (("dimensions", dimensions), ("steps", steps)):
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ParameterError(f"{kind} names '{repeated[0]}' twice. Name each once.")
    money = (amount,) if amount else ()
    needed = [*dimensions, *(f"{name}_{side}" for name in (*steps, *money) for side in ("expected", "actual"))]
    for name in needed:
        if name not in leaves.columns:
            raise ParameterError(
                f"leaves has no column '{name}'. It needs every dimension, and for each step and the amount "
                f"one column ending in _expected and one in _actual.{suggest(name, leaves.columns)}"
            )


def _code_values(column: pd.Series) -> tuple[np.ndarray, tuple[object, ...]]:
    """Code a column to 0..k-1 in the order of its values as text, missing values last."""
    codes, values = pd.factorize(column, use_na_sentinel=True)
    values = [value.item() if hasattr(value, "item") else value for value in values]
    order = sorted(range(len(values)), key=lambda i: (str(values[i]), type(values[i]).__name__))
    place = np.empty(len(values) + 1, dtype=np.int64)
    place[order] = np.arange(len(values))
    place[-1] = len(values)
    names: list[object] = [values[i] for i in order]
    if (codes < 0).any():
        names.append(None)
    return place[codes], tuple(names)


def _read_numbers(leaves: pd.DataFrame, name: str, *, may_be_negative: bool) -> np.ndarray:
    """Read a number column as floats, missing as 0."""
    try:
        numbers = leaves[name].to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"column '{name}' holds no numbers ({error}). Counts are numbers. Mend it.") from error
    numbers = np.nan_to_num(numbers, nan=0.0, posinf=np.inf, neginf=-np.inf)
    if not np.isfinite(numbers).all():
        raise ParameterError(f"column '{name}' holds an infinite number. Counts are finite. Mend the row.")
    if not may_be_negative and (numbers < 0).any():
        worst = numbers.min()
        raise ParameterError(f"column '{name}' holds a negative count: {worst:g}. Counts are 0 or more. Mend the row.")
    return numbers


def _add_up_repeats(codes: np.ndarray, numbers: dict, sizes: list[int]) -> tuple[np.ndarray, dict]:
    """Give each combination of codes one row, in the order of its codes."""
    if not len(sizes):
        return np.zeros((0, 1), dtype=np.int64), {name: np.array([n.sum()]) for name, n in numbers.items()}
    total = 1.0
    for size in sizes:
        total *= max(size, 1)
    if total < 2**62:
        combined = np.zeros(codes.shape[1], dtype=np.int64)
        for code, size in zip(codes, sizes, strict=True):
            combined = combined * max(size, 1) + code
        kept, where = _number_combined(combined, total)
        kept = np.stack(np.unravel_index(kept, [max(size, 1) for size in sizes]))
    else:
        kept, where = np.unique(codes, axis=1, return_inverse=True)
    where = where.reshape(-1)
    if kept.shape[1] == len(where) and (where[1:] > where[:-1]).all():
        return codes, numbers
    return kept, {name: np.bincount(where, n, minlength=kept.shape[1]) for name, n in numbers.items()}


def _number_combined(combined: np.ndarray, total: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers that occur, sorted, and the place of each among them; without sorting where they are dense."""
    if total > max(DENSE * len(combined), 1000):
        return np.unique(combined, return_inverse=True)
    occurs = np.zeros(int(total), dtype=bool)
    occurs[combined] = True
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[combined]
