"""Two arms of an experiment: differences of means, and what chance alone would make of them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from valuetier._core.compress import Floats

TREATED, CONTROL = "treated", "control"
TIE = 1e-9
NOISE = 1e-12


class Arms(NamedTuple):
    """Means of the treated and of control, and the variances of the means: (…, measures) each."""

    treated: Floats
    control: Floats
    var_treated: Floats
    var_control: Floats

    @property
    def difference(self) -> Floats:
        """Mean of the treated less mean of control."""
        return self.treated - self.control

    @property
    def error(self) -> Floats:
        """Standard error of the difference."""
        return np.sqrt(self.var_treated + self.var_control)


def arms(values: Floats, treated: NDArray[np.bool_]) -> Arms:
    """Return means and their variances of (n, measures) values by arm; NaN variances of an arm of one.

    Examples
    --------
    >>> found = arms(np.array([[1.0], [3.0], [2.0], [6.0]]), np.array([False, False, True, True]))
    >>> found.difference.tolist(), found.error.round(3).tolist()
    ([2.0], [2.236])
    """
    (mean_t, var_t), (mean_c, var_c) = (_moments(values[arm]) for arm in (treated, ~treated))
    return Arms(mean_t, mean_c, var_t, var_c)


def weighted(parts: list[Arms], weights: Floats) -> Arms:
    """Return the weighted mean of strata, with the variance that follows; weights are scaled to sum to 1."""
    w = weights / weights.sum()
    means = (sum(k * part[i] for k, part in zip(w, parts, strict=True)) for i in (0, 1))
    variances = (sum(k * k * part[i] for k, part in zip(w, parts, strict=True)) for i in (2, 3))
    return Arms(*means, *variances)


def redrawn(values: Floats, n_treated: int, n_draws: int, rng: np.random.Generator) -> Arms:
    """Return what the arms would be had the lot fallen otherwise: (draws, measures).

    In each draw other customers are treated and every value stays what it is, as it would if the
    action did nothing at all. The order of the rows has no say, nor has a column in those after it.
    One shuffle makes several draws, which have no more customers in common than independent ones.
    """
    ordered = values[np.lexsort(values.T)]
    ordered = ordered - ordered.mean(axis=0)
    n, width = ordered.shape
    small = min(n_treated, n - n_treated)
    powers = np.ascontiguousarray(np.hstack([ordered, np.square(ordered)]).T)
    pieces, lots = _lots(n, small)
    sums = np.empty((n_draws, 2 * width))
    for first in range(0, n_draws, len(lots)):
        drawn = rng.permutation(pieces)
        block = lots @ np.transpose([np.bincount(drawn, weights=column) for column in powers])
        sums[first : first + len(lots)] = block[: n_draws - first]
    least = NOISE * powers[width:].mean(axis=1)
    few = _from_sums(sums, small, least)
    rest = _from_sums(powers.sum(axis=1) - sums, n - small, least)
    (mean_t, var_t), (mean_c, var_c) = (few, rest) if small == n_treated else (rest, few)
    return Arms(mean_t, mean_c, var_t, var_c)


def _lots(n: int, small: int) -> tuple[NDArray[np.intp], Floats]:
    """Return the piece of a circle that each of n places lies in, and which pieces make up each lot.

    Lots are arcs of ``small`` places at even distances, so many that two have no more places in
    common than two independent ones have on average, ``small² / n``, but for a place.
    """
    many = min(n * n // (small * (n - small)), n)
    starts = np.arange(many) * n // many
    edges = np.unique(np.concatenate([starts, (starts + small) % n]))
    pieces = np.searchsorted(edges, np.arange(n), side="right") - 1
    return pieces, ((edges - starts[:, None]) % n < small).astype(np.float64)


def t_limits(draws: Arms, alpha: float) -> tuple[Floats, Floats]:
    """Return between which values chance alone keeps difference / error, but for ``alpha`` of the draws.

    The observed lot counts as one more draw, so that a value outside is as rare as it says
    (Phipson & Smyth 2010). Infinite where there are too few draws for so small an ``alpha``.
    Limits lie outwards by ``TIE``, so that a value equal to one but for its last bits is not outside.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.sort(
            np.nan_to_num(draws.difference / draws.error, nan=0.0, posinf=math.inf, neginf=-math.inf), axis=0
        )
    beyond = tail_draws(len(t), alpha)
    if beyond < 0:
        return np.full(t.shape[1], -math.inf), np.full(t.shape[1], math.inf)
    low, high = t[beyond], t[len(t) - 1 - beyond]
    return low - TIE * (1.0 + np.abs(low)), high + TIE * (1.0 + np.abs(high))


def tail_draws(n_draws: int, alpha: float) -> int:
    """Return how many draws may lie beyond each limit; below 0 there are too few draws."""
    return math.floor(round(alpha / 2.0 * (n_draws + 1), 9)) - 1


def difference_interval(found: Arms, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return the ends of the interval of the difference, from the limits of difference / error."""
    error, ends = found.error, np.full((2, *found.difference.shape), np.nan)
    limited = np.isfinite(low) & np.isfinite(high)
    varies = limited & (error > 0)
    exact = (error == 0) & (limited | (found.difference == 0))
    ends[:, exact] = found.difference[exact]
    ends[0, varies] = (found.difference - np.where(varies, high, 0.0) * error)[varies]
    ends[1, varies] = (found.difference - np.where(varies, low, 0.0) * error)[varies]
    return ends[0], ends[1]


def lift_interval(found: Arms, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return the ends of the interval of treated / control - 1 (Fieller 1954), for means above 0.

    It holds the lifts under which difference / error lies within its limits, so it contains 0
    where the interval of the difference does. It ends at -1 below, and is infinite above
    where control is not surely above 0; NaN where a mean is not above 0.
    """
    pairs = zip(*found, low, high, strict=True)
    ends = [(_ratio(a, b, c, d, up) - 1.0, _ratio(a, b, c, d, down) - 1.0) for a, b, c, d, down, up in pairs]
    return np.array([end[0] for end in ends]), np.array([end[1] for end in ends])


def adjusted(values: Floats, before: Floats) -> Floats:
    """Return values less what the same measure before the start explains, column by column.

    CUPED (Deng, Xu, Kohavi & Walker 2013, eq. 4-5); the slope is that of both arms together, which no
    lot can change.
    """
    away = before - before.mean(axis=0)
    spread = np.square(away).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (away * (values - values.mean(axis=0))).sum(axis=0) / spread
    left = values - np.where(spread > 0, slope, 0.0) * away
    noise = np.abs(left - left.mean(axis=0)).max(axis=0) <= TIE * np.abs(values).max(axis=0)
    return np.where(noise, left.mean(axis=0), left)


def _moments(values: Floats) -> tuple[Floats, Floats]:
    n = len(values)
    if n < 2:
        return (values.mean(axis=0) if n else np.full(values.shape[1], np.nan)), np.full(
            values.shape[1], np.nan
        )
    alike = (values == values[0]).all(axis=0)
    mean = np.where(alike, values[0], values.mean(axis=0))
    return mean, np.where(alike, 0.0, values.var(axis=0, ddof=1) / n)


def _from_sums(sums: Floats, n: int, least: Floats) -> tuple[Floats, Floats]:
    """Return means and their variances from sums of values and, after them, of their squares; noise is 0."""
    mean, squares = sums[:, : len(least)] / n, sums[:, len(least) :] / n
    spread = squares - mean**2
    return mean, np.where(spread > least, spread, 0.0) / (n - 1)


def _ratio(treated: float, control: float, var_t: float, var_c: float, limit: float) -> float:
    """Return the ratio r at which (treated - r control) / its error equals the limit; it falls as r grows."""
    if not (treated > 0 and control > 0) or math.isnan(limit) or math.isnan(var_t + var_c):
        return math.nan
    if var_t + var_c == 0:
        return treated / control
    if limit >= 0 and limit**2 * var_t >= treated**2:
        return 0.0
    if limit < 0 and limit**2 * var_c >= control**2:
        return math.inf
    inner = math.sqrt(max(treated**2 * var_c + control**2 * var_t - limit**2 * var_t * var_c, 0.0))
    if limit >= 0:
        return (treated**2 - limit**2 * var_t) / (treated * control + limit * inner)
    return (treated * control - limit * inner) / (control**2 - limit**2 * var_c)
