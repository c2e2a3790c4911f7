"""Gamma-Gamma: order values vary around a customer's mean, and the means vary over customers.

Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value", note 025: "FH" below.
m is the mean of x order values. Amounts in any currency.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from valuetier._core.compress import Floats
from valuetier._core.optimise import Likelihood


def log_likelihood(x: Floats, m: Floats, *, p: float, q: float, v: float) -> Floats:
    """Return the log-likelihood per customer, FH eq. (1a); x ≥ 1 and m > 0.

    Examples
    --------
    >>> log_likelihood(np.array([2.0]), np.array([22.35]), p=6.25, q=3.74, v=15.44).round(4).tolist()
    [-3.5513]
    """
    px = p * x
    return np.asarray(
        -special.betaln(px, q) + q * np.log(v) + (px - 1.0) * np.log(m)
        + px * np.log(x) - (px + q) * np.log(x * m + v)
    )  # fmt: skip


def likelihood(x: Floats, m: Floats, weights: Floats, theta: Floats) -> Likelihood:
    """Return the weighted log-likelihood with gradient and Hessian by (p, q, v)."""
    p, q, v = theta
    value = float(weights @ log_likelihood(x, m, p=p, q=q, v=v))
    px, total = p * x, x * m + v
    counts, inverse = np.unique(x, return_inverse=True)
    psi = special.digamma(p * counts)[inverse]
    psi_q = special.digamma(p * counts + q)[inverse]
    psi1 = special.polygamma(1, p * counts)[inverse]
    psi1_q = special.polygamma(1, p * counts + q)[inverse]
    log_share = np.log(x * m / total)
    wx = weights * x
    gradient = np.array([
        wx @ (psi_q - psi + log_share),
        weights @ (psi_q - special.digamma(q) + np.log(v) - np.log(total)),
        weights @ (q / v - (px + q) / total),
    ])  # fmt: skip
    hessian = np.empty((3, 3))
    hessian[0, 0] = (wx * x) @ (psi1_q - psi1)
    hessian[0, 1] = hessian[1, 0] = wx @ psi1_q
    hessian[0, 2] = hessian[2, 0] = -(wx / total).sum()
    hessian[1, 1] = weights @ (psi1_q - special.polygamma(1, q))
    hessian[1, 2] = hessian[2, 1] = weights @ (1.0 / v - 1.0 / total)
    hessian[2, 2] = weights @ (-q / v**2 + (px + q) / total**2)
    return Likelihood(value, gradient, hessian)


def expected_value(x: Floats, m: Floats, *, p: float, q: float, v: float) -> Floats:
    """Return the expected mean order value given x orders of mean m, FH eq. (5).

    For x = 0 this is the mean of the population, p v / (q - 1): infinite for q ≤ 1.

    Examples
    --------
    >>> expected_value(np.array([3.0]), np.array([35.0]), p=6.0, q=4.0, v=16.0).round(6).tolist()
    [34.571429]
    """
    x = np.asarray(x, dtype=np.float64)
    amount = np.where(x > 0, x * np.where(x > 0, m, 0.0), 0.0)
    below = p * x + q - 1.0
    with np.errstate(divide="ignore"):
        return np.where(below > 0, p * (v + amount) / below, np.inf)


def simulate(x: Floats, rng: np.random.Generator, *, p: float, q: float, v: float) -> Floats:
    """Return the mean order value of one simulated customer per entry of ``x``; NaN for x = 0."""
    rate = rng.gamma(q, 1.0 / v, len(x))
    repeat = np.where(x > 0, x, 1.0)
    return np.where(x > 0, rng.gamma(p * repeat, 1.0) / (rate * repeat), np.nan)
