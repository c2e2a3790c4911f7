"""Intervals of shares and of their differences."""

from __future__ import annotations

import math

from scipy.special import ndtri


def wilson(hits: int, n: int, level: float) -> tuple[float, float]:
    """Return the interval of a share (Wilson 1927); NaN of nobody.

    Examples
    --------
    >>> low, high = wilson(81, 263, 0.95)  # Newcombe (1998), Statistics in Medicine 17: .2553, .3662
    >>> round(low, 4), round(high, 4)
    (0.2553, 0.3662)
    """
    if n == 0:
        return math.nan, math.nan
    z = float(ndtri((1.0 + level) / 2.0))
    share = hits / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    width = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(centre - width, 0.0), min(centre + width, 1.0)


def newcombe(hits: int, n: int, other_hits: int, other_n: int, level: float) -> tuple[float, float]:
    """Return the interval of one share less another, from the intervals of both (Newcombe 1998, method 10).

    Examples
    --------
    >>> low, high = newcombe(56, 70, 48, 80, 0.95)  # his table II (a): .0524, .3339
    >>> round(low, 4), round(high, 4)
    (0.0524, 0.3339)
    """
    if not n or not other_n:
        return math.nan, math.nan
    share, other = hits / n, other_hits / other_n
    (low, high), (other_low, other_high) = wilson(hits, n, level), wilson(other_hits, other_n, level)
    difference = share - other
    return (
        difference - math.hypot(share - low, other_high - other),
        difference + math.hypot(high - share, other - other_low),
    )
