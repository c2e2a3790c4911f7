"""How many customers it takes to see a difference, and which difference so many can show."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import optimize, special, stats

from valuetier._core.compress import Floats

MOST = 10**12
LARGE = 10_000.0


def power_of_means(difference: float, sd: float, treated: float, control: float, alpha: float) -> float:
    """Return the power of the two-sided t-test with one standard deviation in both arms.

    Noncentral t (Cohen 1988, ch. 2); from 10,000 degrees of freedom on, the normal distribution.

    Examples
    --------
    >>> round(power_of_means(1.0, 1.0, 20, 20, 0.05), 6)  # R's power.t.test(n = 20, delta = 1, sd = 1)
    0.868953
    """
    df = treated + control - 2.0
    away = abs(difference) / (sd * math.sqrt(1.0 / treated + 1.0 / control))
    if df > LARGE:
        z = float(special.ndtri(1.0 - alpha / 2.0))
        return float(special.ndtr(away - z) + special.ndtr(-away - z))
    t = float(stats.t.isf(alpha / 2.0, df))
    upper, lower = (float(one) for one in (stats.nct.sf(t, df, away), stats.nct.cdf(-t, df, away)))
    return upper + (0.0 if math.isnan(lower) else lower)


def power_of_rates(rate: float, other: float, treated: float, control: float, alpha: float) -> float:
    """Return the power of the two-sided test of two shares, its error pooled (Fleiss, Levin & Paik 2003, ch. 4).

    Examples
    --------
    >>> round(power_of_rates(0.50, 0.75, 50, 50, 0.05), 3)  # R's power.prop.test(n = 50, p1 = .50, p2 = .75)
    0.74
    """
    pooled = (control * rate + treated * other) / (control + treated)
    chance = math.sqrt(pooled * (1.0 - pooled) * (1.0 / treated + 1.0 / control))
    error = math.sqrt(rate * (1.0 - rate) / control + other * (1.0 - other) / treated)
    if error == 0.0:
        return 1.0
    z = float(special.ndtri(1.0 - alpha / 2.0))
    return float(special.ndtr((abs(other - rate) - z * chance) / error))


def smallest_size(power_at: Callable[[int], float], power: float, least: int) -> int | None:
    """Return the smallest whole number from ``least`` up whose power is enough; None if ``MOST`` has not enough.

    Examples
    --------
    >>> smallest_size(lambda n: 1 - 1 / n, 0.75, 1)
    4
    """
    low, high = least - 1, least
    while power_at(high) < power:
        low, high = high, 2 * high
        if high > MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_at(middle) >= power else (middle, high)
    return high


def smallest_difference(power_at: Callable[[float], float], power: float, start: float, most: float) -> float:
    """Return the smallest difference above 0 whose power is enough; NaN if even ``most`` has not enough."""
    far = min(start, most)
    while power_at(far) < power:
        if far >= most:
            return math.nan
        far = min(2.0 * far, most)
    return float(optimize.brentq(lambda size: power_at(size) - power, 0.0, far, rtol=1e-12))


def skewness(values: Floats) -> float:
    """Return the third standardised moment; 0 where nothing varies.

    Examples
    --------
    >>> round(skewness(np.array([0.0, 0.0, 0.0, 1.0])), 4)
    1.1547
    """
    away = values - values.mean()
    spread = float(np.sqrt(np.mean(away**2)))
    return float(np.mean(away**3)) / spread**3 if spread > 0 else 0.0
