"""How unequally value is spread over customers: Lorenz, Gini, top shares, whale curve."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from valuetier._core.compress import Floats


@dataclass(frozen=True, slots=True)
class WhaleCurve:
    """Cumulative value of the customers, the most valuable first.

    Attributes
    ----------
    peak : float
        Highest cumulative value as a share of the total; 1.5 means that the
        profitable customers bring 150 % of the profit. NaN where the total is not positive.
    peak_share : float
        Share of customers up to the peak: those with a positive value.
    erosion : float
        What is lost after the peak, as a share of the total.
    break_even_share : float
        Smallest share of customers, best first, whose value reaches the total.
    """

    peak: float
    peak_share: float
    erosion: float
    break_even_share: float


def lorenz(values: Floats, points: int = 101) -> tuple[Floats, Floats]:
    """Return (share of customers, share of value), the least valuable first.

    The shares of value are NaN where the values do not sum to more than 0.

    Examples
    --------
    >>> x, y = lorenz(np.array([1.0, 3.0]), points=3)
    >>> x.tolist(), y.tolist()
    ([0.0, 0.5, 1.0], [0.0, 0.25, 1.0])
    """
    grid = np.linspace(0.0, 1.0, points)
    return grid, np.interp(grid, *lorenz_exact(values))


def gini(values: Floats) -> float:
    """Return the Gini coefficient of values that are not negative: 0 equal, towards 1 one has all.

    NaN where the values sum to 0.

    Examples
    --------
    >>> gini(np.array([1.0, 1.0, 1.0, 1.0])), gini(np.array([0.0, 0.0, 0.0, 8.0]))
    (0.0, 0.75)
    """
    ordered = np.sort(values)
    n, total = len(ordered), math.fsum(ordered)
    if not total > 0:
        return math.nan
    rank = np.arange(1, n + 1)
    return float(math.fsum((2 * rank - n - 1) * ordered) / (n * total))


def top_share(values: Floats, share: float) -> float:
    """Return the share of value that the best ``share`` of customers bring.

    A customer who stands across the boundary counts with the fraction inside it.

    Examples
    --------
    >>> top_share(np.array([80.0, 10.0, 5.0, 3.0, 2.0]), 0.2)
    0.8
    """
    x, y = lorenz_exact(values)
    return float(1.0 - np.interp(1.0 - share, x, y))


def lorenz_exact(values: Floats) -> tuple[Floats, Floats]:
    """Return the Lorenz curve at every customer, the least valuable first."""
    ordered = np.sort(values)
    cumulative = np.concatenate([[0.0], np.cumsum(ordered)])
    total = cumulative[-1] if cumulative[-1] > 0 else math.nan
    return np.linspace(0.0, 1.0, len(ordered) + 1), cumulative / total


def whale_curve(values: Floats) -> WhaleCurve:
    """Return peak, erosion and break-even of the cumulative value, best customers first.

    Examples
    --------
    >>> whale_curve(np.array([10.0, 5.0, -5.0])).peak
    1.5
    """
    best_first = np.sort(values)[::-1]
    total = math.fsum(best_first)
    n = len(best_first)
    if not total > 0:
        return WhaleCurve(math.nan, float(np.mean(values > 0)), math.nan, math.nan)
    cumulative = np.cumsum(best_first)
    cumulative[-1] = total  # without what rounding lost on the way
    peak = math.fsum(best_first[best_first > 0])
    reaches = np.flatnonzero(cumulative >= total * (1 - 1e-12))
    return WhaleCurve(
        peak=peak / total,
        peak_share=float(np.count_nonzero(best_first > 0) / n),
        erosion=(peak - total) / total,
        break_even_share=float((reaches[0] + 1) / n),
    )
