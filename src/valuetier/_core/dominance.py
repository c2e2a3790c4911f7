"""One group of customers beside the others: who has more, how sure that is, and tests of it.

Everything is computed from a table of counts: distinct values (ascending) in rows, groups in
columns. So the order of the customers cannot matter and ties are exact.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from valuetier._core.compress import Floats

Counts = NDArray[np.int64]

# Up to so many pairs Mann and Whitney's distribution is computed exactly, if no values are equal.
EXACT_PAIRS = 400
# Cochran's rule: below, the chi-square distribution is not trusted.
LEAST_EXPECTED = 5.0
RANDOM_TABLES = 4_000


class Dominance(NamedTuple):
    """Cliff's delta: the chance to have more less the chance to have less, and its interval."""

    delta: float
    low: float
    high: float


def dominance(inside: Counts, outside: Counts, level: float) -> Dominance:
    """Return Cliff's delta of one group against another, with its interval.

    1 where everybody inside has more than everybody outside, 0 where neither does, -1 where
    all have less. For a yes-or-no value it is the difference of the shares.

    Parameters
    ----------
    inside, outside : (m,) int arrays
        Customers with each distinct value, ascending.
    level : float
        Such as 0.95. The ends are NaN where a group has fewer than two customers.

    Source: Cliff (1993), "Dominance statistics", Psychological Bulletin 114: eq. (5), (6) for the variance;
    Feng & Cliff (2004), "Monte Carlo evaluation of ordinal d with improved confidence interval",
    J. Modern Applied Statistical Methods 3: the asymmetric interval and that of a delta of ±1.

    Examples
    --------
    >>> dominance(np.array([0, 1, 3]), np.array([2, 2, 0]), 0.95).delta
    0.875
    """
    n, m = int(inside.sum()), int(outside.sum())
    rows, columns = _surplus(outside) / m, -_surplus(inside) / n
    delta = float(np.dot(inside, _surplus(outside))) / (n * m)
    if min(n, m) < 2:
        return Dominance(delta, math.nan, math.nan)
    z = float(stats.norm.ppf((1 + level) / 2))
    if abs(delta) == 1.0:
        least = min(n, m)
        near = (least - z**2) / (least + z**2)
        return Dominance(delta, min(delta, delta * near), max(delta, delta * near))
    squared = n * m - float(np.dot(inside, outside))  # pairs that are not equal
    variance = (
        m**2 * np.dot(inside, (rows - delta) ** 2)
        + n**2 * np.dot(outside, (columns - delta) ** 2)
        - (squared - n * m * delta**2)
    ) / (n * m * (n - 1) * (m - 1))
    variance = max(float(variance), (1 - delta**2) / (n * m - 1))
    spread = z * math.sqrt(variance) * math.sqrt((1 - delta**2) ** 2 + z**2 * variance)
    below = 1 - delta**2 + z**2 * variance
    middle = delta - delta**3
    return Dominance(delta, (middle - spread) / below, (middle + spread) / below)


def _surplus(counts: Counts) -> Counts:
    """Return how many of a group lie below each value, less how many lie above."""
    below = np.cumsum(counts) - counts
    return np.asarray(2 * below + counts - counts.sum(), dtype=np.int64)


def mann_whitney(inside: Counts, outside: Counts) -> float:
    """Return the two-sided p-value of Mann and Whitney's test that neither group has more.

    Exact for few customers without equal values; else the normal approximation with
    correction for ties and continuity.

    Examples
    --------
    >>> round(mann_whitney(np.array([0, 0, 0, 1, 1, 1]), np.array([1, 1, 1, 0, 0, 0])), 6)
    0.1
    """
    n, m = int(inside.sum()), int(outside.sum())
    both = inside + outside
    if n * m <= EXACT_PAIRS and both.max() == 1:
        places = np.arange(len(both))
        found = stats.mannwhitneyu(places[inside > 0], places[outside > 0], method="exact")
        return float(found.pvalue)
    total = n + m
    ties = float((both.astype(np.float64) ** 3 - both).sum())
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    if not variance > 0:
        return 1.0
    distance = abs(float(np.dot(inside, _surplus(outside)))) / 2 - 0.5
    return float(min(1.0, 2 * stats.norm.sf(distance / math.sqrt(variance))))


def kruskal_wallis(counts: Counts) -> tuple[float, float, float]:
    """Return H, its p-value and ε², the share of rank variance between the groups.

    Parameters
    ----------
    counts : (m, k) int array
        Distinct values in rows, ascending; groups in columns, each with a customer.

    Source: Kruskal & Wallis (1952), JASA 47, with their correction for ties; ε² = H / (n - 1),
    Kelley (1935) as given by Tomczak & Tomczak (2014).

    Examples
    --------
    >>> h, p, share = kruskal_wallis(np.array([[2, 0], [0, 2]]))
    >>> round(h, 6), round(p, 6), round(share, 6)
    (3.0, 0.083265, 1.0)
    """
    both = counts.sum(axis=1)
    sizes, total = counts.sum(axis=0), int(both.sum())
    ties = 1 - float((both.astype(np.float64) ** 3 - both).sum()) / (float(total) ** 3 - total)
    if not ties > 0:
        return 0.0, 1.0, 0.0
    ranks = np.cumsum(both) - (both - 1) / 2
    means = ranks @ counts / sizes
    between = 12 / (total * (total + 1)) * float(np.dot(sizes, (means - (total + 1) / 2) ** 2)) / ties
    return between, float(stats.chi2.sf(between, len(sizes) - 1)), between / (total - 1)


def chi_square(counts: Counts, seed: int) -> tuple[float, float, float, bool]:
    """Return chi-square, its p-value, Cramér's V, and whether the p-value is from random tables.

    Where more than a fifth of the cells expect fewer than 5 customers, or one expects fewer than 1 (Cochran
    1954), the p-value is the share of 4,000 random tables with the same margins that are as far off.

    Examples
    --------
    >>> found = chi_square(np.array([[30, 10], [10, 30]]), 0)
    >>> [round(float(one), 6) for one in found]
    [20.0, 8e-06, 0.5, 0.0]
    """
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    expected = np.outer(rows, columns) / counts.sum()
    found = float(((counts - expected) ** 2 / expected).sum())
    smaller = min(counts.shape) - 1
    if smaller == 0:
        return 0.0, 1.0, 0.0, False
    effect = math.sqrt(min(found / (float(counts.sum()) * smaller), 1.0))
    if np.mean(expected < LEAST_EXPECTED) <= 0.2 and expected.min() >= 1:
        degrees = (len(rows) - 1) * (len(columns) - 1)
        return found, float(stats.chi2.sf(found, degrees)), effect, False
    tables = stats.random_table(rows, columns).rvs(RANDOM_TABLES, random_state=np.random.default_rng(seed))
    off = ((tables - expected) ** 2 / expected).sum(axis=(1, 2))
    as_far = int(np.count_nonzero(off >= found * (1 - 1e-12)))
    return found, (as_far + 1) / (RANDOM_TABLES + 1), effect, True


def two_by_two(inside: Counts, outside: Counts) -> float:
    """Return the p-value that a share is the same in two groups, from (without, with) counts.

    Pearson's chi-square, or Fisher's exact test where a cell expects fewer than 5 customers.

    Examples
    --------
    >>> round(two_by_two(np.array([1, 3]), np.array([3, 1])), 6)
    0.485714
    """
    counts = np.array([inside, outside])
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    if not columns.all():
        return 1.0
    expected = np.outer(rows, columns) / counts.sum()
    if expected.min() < LEAST_EXPECTED:
        return float(stats.fisher_exact(counts).pvalue)
    return float(stats.chi2.sf(((counts - expected) ** 2 / expected).sum(), 1))


def holm(p_values: Floats) -> Floats:
    """Return p-values corrected for their number.

    If those up to 0.05 are believed, the chance of even one false finding is at most 0.05, however the
    tests depend on each other. Source: Holm (1979), Scandinavian Journal of Statistics 6.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(6).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    steps = np.maximum.accumulate(p_values[order] * np.arange(len(p_values), 0, -1))
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(steps, 1.0)
    return corrected
