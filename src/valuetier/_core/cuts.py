"""Thresholds that cut scores into tiers and never part equal values.

A threshold is the smallest value that still reaches the better side. Thresholds
run from the best tier down; two tiers that cannot be told apart (too many equal
values) share a threshold, and the lower of the two stays empty: the best tier
stays the best and the last stays the last.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from valuetier._core.compress import Floats, distinct_rows

Codes = NDArray[np.int64]

# Above this many distinct values natural breaks start from groups of neighbours.
EXACT_BREAKS = 1_500


def share_thresholds(values: Floats, shares: Floats, weights: Floats | None = None) -> Floats:
    """Return the lowest value of each tier but the last, best tier first.

    Each boundary is put between two different values where the share reached is
    nearest to the share asked for (of two equally near, the one that lets more
    customers into the better tier). The best and the last tier are never empty.

    Parameters
    ----------
    values : (n,) array
        Larger is better. No NaN.
    shares : (k,) array
        Share of the total weight in each tier, best first; sums to 1.
    weights : (n,) array, optional
        What the shares are shares of. Default: every customer counts 1.

    Returns
    -------
    (k - 1,) array, not increasing; infinite where all values are equal, since no
    boundary exists then and everyone belongs to the last tier.

    Examples
    --------
    >>> spend = np.array([100.0, 50.0, 50.0, 10.0, 10.0])
    >>> share_thresholds(spend, np.array([0.2, 0.3, 0.5])).tolist()
    [100.0, 50.0]
    """
    levels = distinct_rows(np.asarray(values, dtype=np.float64), weights=weights)
    best_first = levels.rows[::-1, 0]
    reached = np.cumsum(levels.weights[::-1])
    if len(best_first) < 2 or not reached[-1] > 0:
        return np.full(len(shares) - 1, np.inf)
    candidates = reached[:-1] / reached[-1]
    targets = np.round(np.cumsum(shares)[:-1], 12)
    after = np.clip(np.searchsorted(candidates, targets), 0, len(candidates) - 1)
    before = np.maximum(after - 1, 0)
    gap_after = np.round(np.abs(candidates[after] - targets), 12)
    gap_before = np.round(np.abs(candidates[before] - targets), 12)
    nearest = np.where(gap_before < gap_after, before, after)
    return np.asarray(best_first[nearest], dtype=np.float64)


def mean_threshold(values: Floats) -> Floats:
    """Return the mean as the one threshold; the same for every order of the rows.

    Rounding never carries it beyond the values: where all are equal, it is their value.

    Examples
    --------
    >>> mean_threshold(np.array([1.0, 1.0, 4.0])).tolist()
    [2.0]
    """
    return np.array([math.fsum(values) / len(values)]).clip(values.min(), values.max())


def natural_thresholds(values: Floats, n_tiers: int) -> Floats:
    """Return the thresholds of the natural breaks (Jenks), best tier first.

    The classes minimise the sum of squared distances to the class means. Exact for
    up to 1,500 distinct values; above, the values are first grouped into 1,500
    neighbourhoods, fine where they are many and where they lie far apart, and the
    breaks fall between those.

    Source: Fisher (1958), "On grouping for maximum homogeneity"; Jenks (1967).

    Examples
    --------
    >>> natural_thresholds(np.array([1.0, 2.0, 10.0, 11.0, 50.0]), 3).tolist()
    [50.0, 10.0]
    """
    levels = distinct_rows(np.asarray(values, dtype=np.float64))
    lowest, mean, weight = _neighbourhoods(levels.rows[:, 0], levels.weights)
    n_classes = min(n_tiers, len(lowest))
    starts = _fisher_breaks(mean, weight, n_classes)
    thresholds = lowest[starts[1:]][::-1]
    missing = n_tiers - 1 - len(thresholds)
    filler = thresholds[-1] if len(thresholds) else np.inf
    return np.concatenate([thresholds, np.full(missing, filler)])


def tier_codes(values: Floats, thresholds: Floats) -> Codes:
    """Return the tier of each value; 0 is the best tier.

    Parameters
    ----------
    values : (n,) array
        Larger is better. No NaN.
    thresholds : (k - 1,) array
        Lowest value of each tier but the last, not increasing.

    Examples
    --------
    >>> tier_codes(np.array([100.0, 99.0, 5.0]), np.array([100.0, 10.0])).tolist()
    [0, 1, 2]
    """
    ascending = np.asarray(thresholds, dtype=np.float64)[::-1]
    passed = np.searchsorted(ascending, values, side="right")
    return np.asarray(len(ascending) - passed, dtype=np.int64)


def _neighbourhoods(levels: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Return lowest value, mean and weight of up to ``EXACT_BREAKS`` groups of neighbours.

    The width of a group falls with the cube root of the density: so the groups lose the
    least squared distance that so many can (Panter & Dite, 1951). Groups of equal weight
    would throw the few very valuable customers together.
    """
    if len(levels) <= EXACT_BREAKS:
        return levels, levels, weights
    gaps = np.diff(levels, prepend=levels[0])
    measure = np.cumsum(np.cbrt(weights) * np.cbrt(gaps) ** 2)
    group = np.minimum((measure / measure[-1] * EXACT_BREAKS).astype(np.intp), EXACT_BREAKS - 1)
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    total = np.add.reduceat(weights, starts)
    return levels[starts], np.add.reduceat(levels * weights, starts) / total, total


def _fisher_breaks(means: Floats, weights: Floats, n_classes: int) -> NDArray[np.intp]:
    """Return the first index of each class, by dynamic programming over the sorted groups."""
    n = len(means)
    centred = means - np.average(means, weights=weights)
    w = np.concatenate([[0.0], np.cumsum(weights)])
    s = np.concatenate([[0.0], np.cumsum(weights * centred)])
    q = np.concatenate([[0.0], np.cumsum(weights * centred**2)])
    cost = q[1:] - s[1:] ** 2 / w[1:]
    choice = np.zeros((n_classes, n), dtype=np.intp)
    first = np.arange(n)
    for k in range(1, n_classes):
        previous = cost
        cost = np.full(n, np.inf)
        for end in range(k, n):
            start = first[k : end + 1]
            weight, total, square = w[end + 1] - w[start], s[end + 1] - s[start], q[end + 1] - q[start]
            candidates = previous[start - 1] + square - total**2 / weight
            best = int(np.argmin(candidates))
            cost[end], choice[k, end] = candidates[best], start[best]
    starts = np.zeros(n_classes, dtype=np.intp)
    end = n - 1
    for k in range(n_classes - 1, 0, -1):
        starts[k] = choice[k, end]
        end = starts[k] - 1
    return starts
