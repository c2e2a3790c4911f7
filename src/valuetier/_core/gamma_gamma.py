"""Gamma-Gamma: order values vary around a customer's mean, and the means vary over customers.

Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value", note 025: "FH" below.
m is the mean of x order values. Amounts in any currency.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from valuetier._core.beta_geometric import trigamma
from valuetier._core.compress import Floats
from valuetier._core.likelihood import Part, Rows


def log_likelihood(x: Floats, m: Floats, *, p: float, q: float, v: float) -> Floats:
    """Return the log-likelihood per customer, FH eq. (1a); x ≥ 1 and m > 0.

    Examples
    --------
    >>> log_likelihood(np.array([2.0]), np.array([22.35]), p=6.25, q=3.74, v=15.44).round(4).tolist()
    [-3.5513]
    """
    px, total = p * x, x * m
    shares = px * np.log1p(v / total) + q * np.log1p(total / v)
    return np.asarray(-special.betaln(px, q) - np.log(m) - shares)


def _count_rows(columns: Sequence[Floats], theta: Floats) -> Rows:
    """Return the terms of x alone, -log B(p x, q) + p x log x + q log v, with derivatives."""
    (x,), (p, q, v) = columns, theta
    px = p * x
    psi, psi_q = special.digamma(px), special.digamma(px + q)
    psi_1, psi_1q = trigamma(px), trigamma(px + q)
    zero = np.zeros(len(x))
    value = px * np.log(x) + q * np.log(v) - special.betaln(px, q)
    d_p = px * (psi_q - psi + np.log(x))
    d_q = q * (psi_q - special.digamma(q) + np.log(v))
    hessian = [
        d_p + px**2 * (psi_1q - psi_1), px * q * psi_1q, zero,
        d_q + q**2 * (psi_1q - trigamma(q)), q + zero, zero,
    ]  # fmt: skip
    return Rows(value, np.array([d_p, d_q, q + zero]), np.array(hessian))


def _value_rows(columns: Sequence[Floats], theta: Floats) -> Rows:
    """Return the terms of m, (p x - 1) log m - (p x + q) log(x m + v), with derivatives."""
    (x, m, log_m), (p, q, v) = columns, theta
    px, total = p * x, x * m + v
    log_total, share = np.log(total), v / total
    d_p, d_q, d_v = px * (log_m - log_total), -q * log_total, -(px + q) * share
    gradient = np.array([d_p, d_q, d_v])
    hessian = [d_p, np.zeros_like(d_p), -px * share, d_q, -q * share, d_v * (1.0 - share)]
    return Rows((px - 1.0) * log_m - (px + q) * log_total, gradient, np.array(hessian))


# Over the columns x, m and log m.
PARTS = (Part(_count_rows, (0,), of_counts=True), Part(_value_rows, (0, 1, 2)))


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
