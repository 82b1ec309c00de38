"""Scatter that a few strays can't inflate: squared departures clipped, held against what a normal's would be."""

from collections.abc import Callable

import numpy as np

CLIPPED_AT = 1.5
"""Standard errors at which a departure is clipped."""

MEAN_OF_CLIPPED = 0.7785
"""The mean of a squared standard normal clipped there: 2Φ(c) − 1 − 2cφ(c) + 2c²(1 − Φ(c))."""

STEPS = 30


def scatters_more(squares: np.ndarray) -> bool:
    """Tell whether squared standardised departures scatter more than a standard normal's.

    >>> scatters_more(np.array([0.1, 0.2, 0.1, 100.0])), scatters_more(np.array([1.0, 4.0, 0.5, 2.0]))
    (False, True)
    """
    return bool(np.minimum(squares, CLIPPED_AT**2).mean() > MEAN_OF_CLIPPED)


def solve_scatter(standardise: Callable[[float], np.ndarray], low: float, high: float) -> float:
    """Return the scatter at which departures look like a standard normal's.

    It weighs strays no more than what lies at the limit, and of forty departures makes nearly as sure a number as the
    variance would, where a median wastes most of them.

    Args:
        standardise: Gives the squared standardised departures for a scatter; they fall as it grows.
        low: The least scatter, returned where departures scatter no more than that.
        high: The most.

    Source:
        Huber (1964), proposal 2.
    """
    if not scatters_more(standardise(low)):
        return low
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if scatters_more(standardise(middle)) else (low, middle)
    return (low + high) / 2
