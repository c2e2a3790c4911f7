"""Discounted purchases from any expectation that is known in closed form."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from valuetier._core.compress import Floats

Expectation = Callable[[Floats], Floats]

# Beyond δt = 40 nothing is left of a purchase's value; up to δh = 1 the integrand is tame.
FORGOTTEN = 40.0
TAME = 1.0
FEW, MANY = np.polynomial.legendre.leggauss(16), np.polynomial.legendre.leggauss(48)

# Trapezoid in log t: e^-u and the first pole of the expectation leave an error below 1e-11.
STEP = 0.3
SMALLEST, LARGEST = -19.0, 3.9


def discounted_within(expectation: Expectation, horizon: Floats, discount: float, scale: Floats) -> Floats:
    """Return ∫₀^h e^(-δt) dE(t), the discounted purchases within the horizon.

    Integrated by parts, E(h) e^(-δh) + δ ∫ e^(-δt) E(t) dt, the integral by Gauss-Legendre
    nodes in log(1 + t/scale), in which E is smooth. What comes after δt = 40 is left out.

    Parameters
    ----------
    expectation : callable
        Purchases expected within t, for an array t that broadcasts with ``horizon``.
    horizon : (n,) array
        In the unit of time of the model.
    discount : float
        Continuous rate δ per unit of time, ≥ 0.
    scale : (n,) array
        Time scale of the expectation (α + T), > 0.

    Examples
    --------
    >>> linear = lambda t: t
    >>> float(discounted_within(linear, np.array([10.0]), 0.1, np.array([1.0]))[0].round(9))
    6.321205588
    """
    horizon = np.asarray(horizon, dtype=np.float64)
    if discount == 0:
        return expectation(horizon)
    horizon = np.minimum(horizon, FORGOTTEN / discount)
    result = expectation(horizon) * np.exp(-discount * horizon)
    length = np.log1p(horizon / scale)
    nodes, weights = FEW if discount * horizon.max(initial=0.0) <= TAME else MANY
    for node, weight in zip((nodes + 1.0) / 2.0, weights / 2.0, strict=True):
        t = scale * np.expm1(length * node)
        slope = length * (t + scale)
        result = result + discount * weight * slope * np.exp(-discount * t) * expectation(t)
    return np.asarray(result, dtype=np.float64)


def discounted_forever(expectation: Expectation, discount: float, size: int) -> Floats:
    """Return ∫₀^∞ e^(-δt) dE(t), the discounted expected residual transactions (DERT).

    ``size`` is the number of customers; δ > 0.

    Examples
    --------
    >>> linear = lambda t: t
    >>> float(discounted_forever(linear, 0.1, 1)[0].round(9))
    10.0
    """
    result = np.zeros(size)
    for u in np.exp(np.arange(SMALLEST, LARGEST, STEP)):
        result += STEP * u * np.exp(-u) * expectation(np.full(size, u / discount))
    return result
