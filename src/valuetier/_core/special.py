"""Means over a beta-distributed dropout probability, without cancellation and without NaN.

With p ~ Beta(a, d): the mean of (1 - (1 + p s)^-k) / p is what a living customer of the
beta-geometric models is expected to buy, and the mean of (1 + p s)^-k the chance that it
stays alive. For small s their power series converge at once; further out they have closed
forms in ₂F₁ that are fast but lose digits in places, and integrals of positive terms that
are slower and safe everywhere.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

from valuetier._core.compress import Floats

# Up to this s (k + 1) each term of the power series is at most a fifth of the one before.
SMALL = 0.2
TERMS = 22

# Where the closed forms were checked against 60-digit values to 1e-10.
SAFE_RATIO = 0.95
SAFE_ORDER = 60.0
SAFE_CANCELLATION = 1e3

# The integrand is dropped where its log lies this far below its top; p beyond ±36 in
# logit p is 0 or 1 to every digit.
LOG_DROP = 70.0
FAR = 36.0
PANELS = 12
NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)

Parameter = Floats | float
Three = Callable[[Floats, Floats, Floats, Floats], Floats]


def mean_purchases(s: Floats, k: Floats, a: Parameter, d: Floats) -> Floats:
    """Return E[(1 - (1 + p s)^-k) / p] for p ~ Beta(a, d).

    This is the number of purchases that a living BG/NBD customer is expected to make.

    Parameters
    ----------
    s : (n,) array
        Horizon divided by α + T, ≥ 0.
    k : (n,) array
        r + x, > 0.
    a : float or (n,) array
        First dropout parameter, > 0.
    d : (n,) array
        Second dropout parameter after x purchases, > 0: b + x, one more if customers may
        drop out right after the first purchase.

    Returns
    -------
    (n,) array, ≥ 0, finite for finite arguments; 0 for s = 0.

    Examples
    --------
    >>> s, k, d = np.array([1.0]), np.array([2.0]), np.array([1.0])
    >>> float(mean_purchases(s, k, 1.0, d)[0].round(11))  # log 2 + 1/2
    1.19314718056
    """
    return _three_ways(s, k, a, d, _purchases_series, _purchases_closed, _purchases_integral)


def chance_to_stay(s: Floats, k: Floats, a: Parameter, d: Floats) -> Floats:
    """Return E[(1 + p s)^-k] for p ~ Beta(a, d), in [0, 1].

    This is the chance that a living BG/NBD customer does not drop out within the horizon;
    arguments as in :func:`mean_purchases`.

    Examples
    --------
    >>> s, k, d = np.array([1.0]), np.array([2.0]), np.array([1.0])
    >>> float(chance_to_stay(s, k, 1.0, d)[0].round(11))  # 1/2
    0.5
    """
    return _three_ways(s, k, a, d, _stay_series, _stay_closed, _stay_integral)


def _three_ways(
    s: Floats,
    k: Floats,
    a: Parameter,
    d: Floats,
    series: Three,
    closed: Callable[[Floats, Floats, Floats, Floats], tuple[Floats, NDArray[np.bool_]]],
    integral: Three,
) -> Floats:
    """Return the series for small s, else the closed form where it can be trusted, else the integral."""
    columns = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (s, k, a, d)))
    result = np.empty(columns[0].shape)
    small = columns[0] * (columns[1] + 1.0) <= SMALL
    result[small] = series(*(column[small] for column in columns))
    large = np.flatnonzero(~small)
    rest = [column[large] for column in columns]
    with np.errstate(all="ignore"):
        found, trusted = closed(*rest)
    doubtful = ~trusted
    if doubtful.any():
        found[doubtful] = integral(*(column[doubtful] for column in rest))
    result[large] = found
    return result


def _purchases_series(s: Floats, k: Floats, a: Floats, d: Floats) -> Floats:
    """Return Σ (-1)^j (k)_{j+1} s^{j+1} / (j+1)! E[p^j] over j ≥ 0."""
    term = s * k
    total = term
    for j in range(TERMS):
        term = term * -s * (k + j + 1.0) / (j + 2.0) * (a + j) / (a + d + j)
        total = total + term
    return np.asarray(total, dtype=np.float64)


def _stay_series(s: Floats, k: Floats, a: Floats, d: Floats) -> Floats:
    """Return Σ (-1)^j (k)_j s^j / j! E[p^j] over j ≥ 0."""
    term = np.ones_like(s)
    total = term
    for j in range(TERMS):
        term = term * -s * (k + j) / (j + 1.0) * (a + j) / (a + d + j)
        total = total + term
    return np.asarray(total, dtype=np.float64)


def _purchases_closed(s: Floats, k: Floats, a: Floats, d: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the ₂F₁ form after Euler's transformation, and where it can be trusted."""
    z = s / (1.0 + s)
    c = a + d - 1.0
    q = c - k
    tail = np.exp((a - 1.0) * -np.log1p(s))
    value = c * (1.0 - tail * special.hyp2f1(a - 1.0, q, c, z)) / (a - 1.0)
    trusted = (
        (z <= SAFE_RATIO)
        & (np.abs(q) <= SAFE_ORDER)
        & (c > 0.1)
        & (np.abs(a - 1.0) > 1e-2)
        & (a <= SAFE_ORDER)
        & (np.abs(c / (a - 1.0)) <= SAFE_CANCELLATION * value)
        & (value > 0)
        & np.isfinite(value)
    )
    return value, trusted


def _stay_closed(s: Floats, k: Floats, a: Floats, d: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return (1 + s)^-k ₂F₁(k, d; a + d; s / (1 + s)), positive terms, where it can be trusted."""
    z = s / (1.0 + s)
    value = np.exp(-k * np.log1p(s)) * special.hyp2f1(k, d, a + d, z)
    trusted = (z <= SAFE_RATIO) & (k <= SAFE_ORDER) & (d <= SAFE_ORDER) & (a <= SAFE_ORDER)
    return value, trusted & (value > 0) & (value <= 1.0)


def _purchases_integral(s: Floats, k: Floats, a: Floats, d: Floats) -> Floats:
    """Return the mean number by quadrature; the tails of p have closed forms."""
    left, right = _fallen_range(lambda u: _log_density(u, a, d), _top_of_density(a, d))
    left, right = _clipped(left, right, s, k)
    log_norm = special.betaln(a, d)

    def integrand(u: Floats) -> Floats:
        return np.exp(_log_density(u, a, d) - log_norm) * _purchases_given(special.expit(u), s, k)

    total = _quadrature(integrand, left, right)
    total += s * k * special.betainc(a, d, special.expit(left))
    total += _purchases_given(np.ones_like(s), s, k) * special.betainc(d, a, special.expit(-right))
    return np.asarray(total, dtype=np.float64)


def _stay_integral(s: Floats, k: Floats, a: Floats, d: Floats) -> Floats:
    """Return the chance by quadrature around the top of density × (1 + p s)^-k."""
    further = np.log1p(s)

    def log_weight(u: Floats) -> Floats:
        return np.asarray(_log_density(u, a, d) - k * np.log1p(s * special.expit(u)))

    def slope(u: Floats) -> Floats:
        here = special.expit(u)
        return np.asarray(a - (a + d) * here - k * (special.expit(u + further) - here))

    low, high = np.full_like(s, -600.0), np.full_like(s, 600.0)
    for _ in range(60):
        middle = (low + high) / 2.0
        rising = slope(middle) > 0
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    dropped = _fallen_range(log_weight, low)
    left, right = _clipped(*dropped, s, k)
    log_norm = special.betaln(a, d)
    total = _quadrature(lambda u: np.exp(log_weight(u) - log_norm), left, right)
    total += np.where(left > dropped[0], special.betainc(a, d, special.expit(left)), 0.0)
    beyond = np.exp(-k * further) * special.betainc(d, a, special.expit(-right))
    total += np.where(right < dropped[1], beyond, 0.0)
    return np.asarray(np.minimum(total, 1.0), dtype=np.float64)


def _clipped(left: Floats, right: Floats, s: Floats, k: Floats) -> tuple[Floats, Floats]:
    """Return the range without the parts in which the function of p is constant to every digit."""
    left = np.maximum(left, np.minimum(np.log(1e-14) - np.log(s * (k + 1.0)), -FAR))
    right = np.clip(right, left, FAR)
    return np.minimum(left, right), right


def _quadrature(integrand: Callable[[Floats], Floats], left: Floats, right: Floats) -> Floats:
    """Return the integral over u = logit p in Gauss-Legendre panels."""
    total = np.zeros(left.shape)
    width = (right - left) / PANELS
    for panel in range(PANELS):
        start = left + panel * width
        for node, weight in zip(NODES, WEIGHTS, strict=True):
            u = start + width * (node + 1.0) / 2.0
            total += weight * integrand(u)
    return np.asarray(total * width / 2.0)


def _purchases_given(p: Floats, s: Floats, k: Floats) -> Floats:
    """Return (1 - (1 + p s)^-k) / p."""
    return np.asarray(-np.expm1(-k * np.log1p(p * s)) / p, dtype=np.float64)


def _log_density(u: Floats, a: Floats, d: Floats) -> Floats:
    """Return the log density of u = logit p, up to its norm."""
    softplus = np.maximum(u, 0.0) + np.log1p(np.exp(-np.abs(u)))
    return np.asarray(a * u - (a + d) * softplus)


def _top_of_density(a: Floats, d: Floats) -> Floats:
    return np.asarray(np.log(a / d))


def _fallen_range(log_weight: Callable[[Floats], Floats], top: Floats) -> tuple[Floats, Floats]:
    """Return where a weight with one top has fallen by ``LOG_DROP``, to its left and right."""
    enough = log_weight(top) - LOG_DROP
    bounds = []
    for sign in (-1.0, 1.0):
        low, high = np.zeros_like(top), np.full_like(top, 1200.0)
        for _ in range(40):
            middle = (low + high) / 2.0
            fallen = log_weight(top + sign * middle) <= enough
            high, low = np.where(fallen, middle, high), np.where(fallen, low, middle)
        bounds.append(top + sign * high)
    return bounds[0], bounds[1]
