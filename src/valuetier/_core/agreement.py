"""How far two groupings of the same customers agree."""

from __future__ import annotations

import numpy as np

from valuetier._core.compress import Floats
from valuetier._core.cuts import Codes

# Mean bootstrap Jaccard similarity from which a group is stable, and below which it is not to be trusted.
# Hennig (2007), "Cluster-wise assessment of cluster stability".
STABLE, DOUBTFUL = 0.75, 0.60


def contingency(
    first: Codes, second: Codes, weights: Floats | None = None, shape: tuple[int, int] | None = None
) -> Floats:
    """Return the weight of customers in each pair of groups, (groups of first, groups of second).

    Examples
    --------
    >>> contingency(np.array([0, 0, 1]), np.array([0, 1, 1])).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    rows, columns = shape or (int(first.max()) + 1, int(second.max()) + 1)
    found = np.bincount(first * columns + second, weights=weights, minlength=rows * columns)
    return np.asarray(found, dtype=np.float64).reshape(rows, columns)


def jaccard(both: Floats) -> Floats:
    """Return the Jaccard similarity of each pair of groups from their contingency table; 0 if both are empty.

    Examples
    --------
    >>> jaccard(np.array([[2.0, 1.0], [0.0, 1.0]])).round(3).tolist()
    [[0.667, 0.25], [0.0, 0.5]]
    """
    union = both.sum(axis=1)[:, None] + both.sum(axis=0)[None, :] - both
    return both / np.maximum(union, 1e-300)


def adjusted_rand(both: Floats) -> float:
    """Return the adjusted Rand index from a contingency table of counts.

    1 for the same grouping, 0 on average for unrelated ones; 1 if neither parts anybody.

    Source: Hubert & Arabie (1985), "Comparing partitions", eq. (5).

    Examples
    --------
    >>> adjusted_rand(np.array([[2.0, 0.0], [0.0, 3.0]]))
    1.0
    """
    inside = _pairs(both).sum()
    rows, columns = _pairs(both.sum(axis=1)).sum(), _pairs(both.sum(axis=0)).sum()
    everyone = _pairs(both.sum())
    expected = rows * columns / everyone if everyone > 0 else 0.0
    most = (rows + columns) / 2.0
    return 1.0 if most == expected else float((inside - expected) / (most - expected))


def _pairs(n: Floats) -> Floats:
    return np.asarray(n * (n - 1.0) / 2.0)
