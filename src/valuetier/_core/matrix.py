"""Two axes, two lines, four quadrants, and how firmly a row stands in its quadrant."""

from __future__ import annotations

import numpy as np

from valuetier._core.compress import Floats, significant
from valuetier._core.cuts import Codes


def weighted_share(ratings: Floats, weights: Floats) -> Floats:
    """Return Σ weight × rating / Σ weight per row, in the unit of the ratings.

    NaN ratings are left out and their weight with them; a row without any rating is NaN.
    Summed column by column, so that a row's result depends on that row alone.

    Examples
    --------
    >>> weighted_share(np.array([[100.0, 0.0], [50.0, np.nan]]), np.array([3.0, 1.0])).tolist()
    [75.0, 50.0]
    """
    total = np.zeros(len(ratings))
    weight_in_use = np.zeros(len(ratings))
    for column, weight in zip(ratings.T, weights, strict=True):
        known = ~np.isnan(column)
        total += np.where(known, column, 0.0) * weight
        weight_in_use += known * weight
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total / weight_in_use, dtype=np.float64)


def quadrant(first: Floats, second: Floats, lines: tuple[float, float]) -> Codes:
    """Return 0 high/high, 1 high/low, 2 low/high, 3 low/low; on the line is high.

    Examples
    --------
    >>> quadrant(np.array([9.0, 9.0, 1.0]), np.array([5.0, 4.9, 9.0]), (5.0, 5.0)).tolist()
    [0, 1, 2]
    """
    low_first = np.asarray(first) < lines[0]
    low_second = np.asarray(second) < lines[1]
    return np.asarray(2 * low_first + low_second, dtype=np.int64)


def weight_draws(n_weights: int, spread: float, draws: int, seed: int) -> Floats:
    """Return ``draws`` rows of factors, uniform in 1 ± spread, one factor per weight."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.uniform(1 - spread, 1 + spread, (draws, n_weights)), dtype=np.float64)


def turning_weights(advantages: Floats, weights: Floats) -> tuple[Floats, Codes]:
    """Return where the order of two weighted sums turns when one weight moves, and who leads where.

    The first sum is larger where Σ weight × advantage > 0. As weight k moves, that turns at
    -(Σ of the others) / advantage k; where this is not above 0, no weight turns the order.

    Parameters
    ----------
    advantages : (k,) array
        Points of the first less points of the second, per indicator.
    weights : (k,) array
        Above 0.

    Returns
    -------
    turning : (k,) array
        NaN where no weight turns the order.
    leads : (k,) int64 array
        The first leads: 0 always, 1 never, 2 above the turning weight, 3 below it.

    Examples
    --------
    >>> turning, leads = turning_weights(np.array([20.0, -10.0, 5.0]), np.array([1.0, 3.0, 1.0]))
    >>> turning.tolist(), leads.tolist()
    ([1.25, 2.5, 2.0], [2, 3, 2])
    """
    weighted = np.asarray(weights) * advantages
    others = np.array([np.delete(weighted, k).sum() for k in range(len(weighted))])
    others[np.abs(others) < 1e-12 * np.abs(weighted).sum()] = 0.0  # what is left of a sum that cancels
    with np.errstate(divide="ignore", invalid="ignore"):
        turning = significant(-others / advantages)
    turns = np.isfinite(turning) & (turning > 0)
    always = np.where((others > 0) | ((others == 0) & (advantages > 0)), 0, 1)
    leads = np.where(turns, np.where(advantages > 0, 2, 3), always)
    return np.where(turns, turning, np.nan), np.asarray(leads, dtype=np.int64)
