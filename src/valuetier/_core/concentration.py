"""How unequally value is spread over customers: Lorenz, Gini, top shares, whale curve, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Iterable
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


def top_share(values: Floats, share: float | Floats) -> Floats:
    """Return the share of value that the best ``share`` of customers bring, for one share or several.

    A customer who stands across the boundary counts with the fraction inside it.

    Examples
    --------
    >>> top_share(np.array([80.0, 10.0, 5.0, 3.0, 2.0]), np.array([0.2, 0.4])).round(6).tolist()
    [0.8, 0.9]
    """
    return top_shares_of(lorenz_exact(values), share)


def top_shares_of(curve: tuple[Floats, Floats], shares: float | Floats) -> Floats:
    """Return the shares of value of the best shares of customers, read off an exact Lorenz curve."""
    x, y = curve
    return np.asarray(1.0 - np.interp(1.0 - np.asarray(shares), x, y))


def customers_for(curve: tuple[Floats, Floats], shares: float | Floats) -> Floats:
    """Return the smallest shares of customers, best first, that bring these shares of value.

    The inverse of the top shares: a customer who stands across the boundary counts with the
    fraction that is needed.

    Examples
    --------
    >>> float(customers_for(lorenz_exact(np.array([80.0, 10.0, 5.0, 3.0, 2.0])), 0.85))
    0.3
    """
    x, y = curve
    first = max(int(np.searchsorted(y, 0.0, side="right")) - 1, 0)  # the last customer without value
    return np.asarray(1.0 - np.interp(1.0 - np.asarray(shares), y[first:], x[first:])).round(12)


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


@dataclass(frozen=True, slots=True)
class Measures:
    """Which numbers of a spread are to be resampled: shares of customers and shares of value."""

    top: Floats
    needed: Floats

    @property
    def size(self) -> int:
        """How many numbers there are: Gini, those asked for, and four of the whale curve."""
        return 5 + len(self.top) + len(self.needed)


def measure(ordered: Floats, measures: Measures) -> Floats:
    """Return Gini, top shares, customers needed, peak, peak share, erosion and break-even share.

    The same as the functions above on values in ascending order, without their care for the
    last digit.
    """
    positive = np.maximum(ordered, 0.0)
    n, total, gross = len(ordered), ordered.sum(), positive.sum()
    if not gross > 0:
        return np.full(measures.size, np.nan)
    curve = lorenz_exact(positive)
    unequal = 2.0 * (np.arange(1, n + 1) * positive).sum() / (n * gross) - (n + 1) / n
    whale = (np.nan, np.mean(ordered > 0), np.nan, np.nan)
    if total > 0:
        reached = np.cumsum(ordered[::-1])
        rank = int(np.argmax(reached >= total * (1 - 1e-12))) + 1
        whale = (gross / total, whale[1], gross / total - 1.0, rank / n)
    return np.concatenate(
        [[unequal], top_shares_of(curve, measures.top), customers_for(curve, measures.needed), whale]
    )


def bootstrap(values: Floats, measures: Measures, n_bootstrap: int, rng: np.random.Generator) -> Floats:
    """Return the measures of resampled customers, one row per resample.

    NaN where a resample has no value, or for the whale curve no positive total. The order of
    the values changes nothing.
    """
    ordered = np.sort(values)
    n = len(ordered)
    draws: Iterable[Floats] = (
        measure(np.repeat(ordered, np.bincount(rng.integers(n, size=n), minlength=n)), measures)
        for _ in range(n_bootstrap)
    )
    return np.array(list(draws))
