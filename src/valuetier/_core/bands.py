"""Intervals from bootstrap draws: for one quantity, and for several that shall hold together."""

from __future__ import annotations

import numpy as np

from valuetier._core.compress import Floats

NO_SPREAD = 1e-12


def percentile_interval(draws: Floats, level: float) -> tuple[Floats, Floats]:
    """Return the ends of the percentile interval along the first axis, from the draws that are not NaN.

    NaN where all are.

    Examples
    --------
    >>> low, high = percentile_interval(np.arange(101.0), 0.9)
    >>> round(float(low), 9), round(float(high), 9)
    (5.0, 95.0)
    """
    known = ~np.isnan(draws).all(axis=0)
    ends = np.full((2, *draws.shape[1:]), np.nan)
    ends[:, known] = np.nanquantile(draws[:, known], [(1.0 - level) / 2.0, (1.0 + level) / 2.0], axis=0)
    return ends[0], ends[1]


def simultaneous_interval(estimates: Floats, draws: Floats, level: float) -> tuple[Floats, Floats]:
    """Return the ends of intervals that cover all estimates at once with probability ``level``.

    Each is the estimate ± c standard errors. c is the quantile of the largest standardised
    deviation over all estimates in one draw, so that looking at many costs what it must. An
    estimate whose draws do not vary is known exactly. Draws with a NaN are left out; without
    two that are whole, the ends are NaN.

    Parameters
    ----------
    estimates : (k,) array
    draws : (resamples, k) array

    Examples
    --------
    >>> draws = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    >>> low, high = simultaneous_interval(np.array([0.0, 5.0]), draws, 0.95)
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([-1.0, 5.0], [1.0, 5.0])
    """
    draws = draws[~np.isnan(draws).any(axis=1)]
    if len(draws) < 2:
        return np.full(len(estimates), np.nan), np.full(len(estimates), np.nan)
    errors = draws.std(axis=0, ddof=1)
    varies = errors > NO_SPREAD
    if not varies.any():
        return estimates.copy(), estimates.copy()
    away = np.abs(draws[:, varies] - estimates[varies]) / errors[varies]
    widths = np.where(varies, float(np.quantile(away.max(axis=1), level)) * errors, 0.0)
    return estimates - widths, estimates + widths
