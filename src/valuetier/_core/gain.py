"""What a ranking of customers is worth: cumulative gain, normalised Gini, rank correlation, overlap.

Customers who tie share a place. A share of customers that ends within a tie takes the same part of
each of them, so that no result depends on the order of the rows: it is the mean over all ways to
break the tie. Each function takes a mass per customer, which makes resamples cheap: counts in, no rows copied.
Sums are numpy's own, not those of a linear algebra library, which depend on its threads.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from valuetier._core.compress import Floats, significant

Places = NDArray[np.intp]


def places(*keys: Floats) -> Places:
    """Return the place of each customer, 0 the best: by the first key, larger first, then by the next.

    Equal customers share a place; missing keys come last.

    Examples
    --------
    >>> places(np.array([5.0, 9.0, 5.0, np.nan])).tolist()
    [1, 0, 1, 2]
    """
    columns = [np.where(np.isnan(key), np.inf, -significant(key)) for key in keys]
    order = np.lexsort(columns[::-1])
    new = np.zeros(len(order), dtype=np.intp)
    for column in columns:
        ordered = column[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    found = np.empty(len(order), dtype=np.intp)
    found[order] = np.cumsum(new)
    return found


def cumulative(places: Places, mass: Floats) -> Floats:
    """Return the share of the mass up to the end of each place, best first, 0 in front.

    NaN where the mass is 0 in all.

    Examples
    --------
    >>> cumulative(np.array([1, 0, 1]), np.array([1.0, 2.0, 1.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    sums = np.concatenate([[0.0], np.cumsum(np.bincount(places, weights=mass))])
    return sums / sums[-1] if sums[-1] > 0 else np.full(len(sums), np.nan)


def gini_of(customers: Floats, gain: Floats) -> float:
    """Return twice the area between a gain curve and the diagonal: 0 no order, below 0 the wrong one.

    Examples
    --------
    >>> gini_of(np.array([0.0, 0.5, 1.0]), np.array([0.0, 1.0, 1.0]))
    0.5
    """
    return float((np.diff(customers) * (gain[1:] + gain[:-1])).sum() - 1.0)


def mid_ranks(places: Places, mass: Floats) -> Floats:
    """Return the mean rank of each place, best first, less half the mass: they average 0."""
    counts = np.bincount(places, weights=mass)
    return np.asarray(np.cumsum(counts) - counts / 2.0 - counts.sum() / 2.0)


def rank_correlation(first: Places, second: Places, mass: Floats) -> float:
    """Return Spearman's rank correlation of two rankings, ties at their mean rank.

    0 if the first puts everybody into one place, as a random order has on average; NaN if
    the second does.

    Examples
    --------
    >>> rank_correlation(np.array([0, 1, 2]), np.array([0, 2, 1]), np.ones(3))
    0.5
    """
    one, other = mid_ranks(first, mass)[first], mid_ranks(second, mass)[second]
    own, theirs = float((mass * one**2).sum()), float((mass * other**2).sum())
    if not theirs > 0:
        return float("nan")
    return float((mass * one * other).sum() / np.sqrt(own * theirs)) if own > 0 else 0.0


def inside(places: Places, mass: Floats, share: float) -> Floats:
    """Return for each place the part of it that lies within the best ``share`` of the mass.

    Examples
    --------
    >>> inside(np.array([0, 1, 1, 2]), np.ones(4), 0.5).tolist()
    [1.0, 0.5, 0.0]
    """
    counts = np.bincount(places, weights=mass)
    before = np.cumsum(counts) - counts
    room = share * counts.sum() - before
    return np.clip(np.divide(room, counts, out=np.zeros(len(counts)), where=counts > 0), 0.0, 1.0)
