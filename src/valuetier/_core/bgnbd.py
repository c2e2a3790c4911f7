"""BG/NBD: purchases at a gamma-distributed rate, dropout after each with a beta-distributed chance.

Fader, Hardie & Lee (2005), "Counting Your Customers the Easy Way", Marketing Science 24(2):
"FHL" below. Time is in any unit; x repeat purchases, the last at t_x, observed until T.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from valuetier._core.compress import Floats
from valuetier._core.optimise import Likelihood
from valuetier._core.special import mean_purchases


def log_likelihood(
    x: Floats, t_x: Floats, T: Floats, *, r: float, alpha: float, a: float, b: float
) -> Floats:
    """Return the log-likelihood per customer, FHL eq. (6), in log space.

    Examples
    --------
    >>> x, t_x, T = np.array([0.0, 200.0]), np.array([0.0, 38.0]), np.array([40.0, 40.0])
    >>> log_likelihood(x, t_x, T, r=0.25, alpha=4.0, a=0.8, b=2.5).round(6).tolist()
    [-0.599474, 100.795693]
    """
    timing = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha)
    survival = special.betaln(a, b + x) - special.betaln(a, b)
    alive, dead = _log_terms(x, t_x, T, r, alpha, a, b)
    return np.asarray(timing + survival + np.logaddexp(alive, dead), dtype=np.float64)


def _log_terms(
    x: Floats, t_x: Floats, T: Floats, r: float, alpha: float, a: float, b: float
) -> tuple[Floats, Floats]:
    """Return the log weights of "still alive" and "dead since t_x" up to a common factor."""
    k = r + x
    alive = -k * np.log(alpha + T)
    odds = np.log(a) - np.log(np.where(x > 0, b + x - 1.0, 1.0))
    dead = np.where(x > 0, odds - k * np.log(alpha + t_x), -np.inf)
    return alive, dead


def likelihood(x: Floats, t_x: Floats, T: Floats, weights: Floats, theta: Floats) -> Likelihood:
    """Return the weighted log-likelihood with gradient and Hessian by (r, α, a, b)."""
    r, alpha, a, b = theta
    alive, dead = _log_terms(x, t_x, T, r, alpha, a, b)
    p_dead = special.expit(dead - alive)
    both = np.logaddexp(alive, dead)
    counts, inverse = np.unique(x, return_inverse=True)
    n_x = np.bincount(inverse, weights=weights).astype(np.float64)
    value = float(weights @ both) + _count_terms_value(counts, n_x, r, alpha, a, b)
    mix_gradient, mix_hessian = _mixture_derivatives(x, t_x, T, weights, p_dead, theta)
    gradient, hessian = _count_terms_derivatives(counts, n_x, theta)
    return Likelihood(value, gradient + mix_gradient, hessian + mix_hessian)


def _count_terms_value(counts: Floats, n_x: Floats, r: float, alpha: float, a: float, b: float) -> float:
    """Return the part of the log-likelihood that depends on x alone."""
    timing = special.gammaln(r + counts) - special.gammaln(r) + r * np.log(alpha)
    survival = special.betaln(a, b + counts) - special.betaln(a, b)
    return float(n_x @ (timing + survival))


def _count_terms_derivatives(counts: Floats, n_x: Floats, theta: Floats) -> tuple[Floats, Floats]:
    """Return gradient and Hessian of the part that depends on x alone."""
    r, alpha, a, b = theta
    psi = special.digamma
    gradient, hessian = np.zeros(4), np.zeros((4, 4))
    total = n_x.sum()
    gradient[0] = n_x @ (psi(r + counts) - psi(r) + np.log(alpha))
    gradient[1] = total * r / alpha
    joint = psi(a + b) - psi(a + b + counts)
    gradient[2] = n_x @ joint
    gradient[3] = n_x @ (joint + psi(b + counts) - psi(b))
    hessian[0, 0] = n_x @ (_trigamma(r + counts) - _trigamma(r))
    hessian[0, 1] = hessian[1, 0] = total / alpha
    hessian[1, 1] = -total * r / alpha**2
    joint1 = n_x @ (_trigamma(a + b) - _trigamma(a + b + counts))
    hessian[2:, 2:] = joint1
    hessian[3, 3] += n_x @ (_trigamma(b + counts) - _trigamma(b))
    return gradient, hessian


def _trigamma(z: Floats) -> Floats:
    return np.asarray(special.polygamma(1, z), dtype=np.float64)


def _mixture_derivatives(
    x: Floats, t_x: Floats, T: Floats, weights: Floats, p_dead: Floats, theta: Floats
) -> tuple[Floats, Floats]:
    """Return gradient and Hessian of Σ log(alive + dead): mean of both parts plus their spread."""
    r, alpha, a, b = theta
    k = r + x
    repeat = x > 0
    d_alive = np.zeros((4, len(x)))
    d_alive[0], d_alive[1] = -np.log(alpha + T), -k / (alpha + T)
    d_dead = np.zeros((4, len(x)))
    before_last = np.where(repeat, b + x - 1.0, 1.0)
    d_dead[0], d_dead[1] = -np.log(alpha + t_x), -k / (alpha + t_x)
    d_dead[2], d_dead[3] = 1.0 / a, -1.0 / before_last
    w_dead, w_alive = weights * p_dead, weights * (1.0 - p_dead)
    gradient = d_alive @ w_alive + d_dead @ w_dead
    gap = d_alive - d_dead
    hessian = (gap * (w_alive * p_dead)) @ gap.T
    cross = -(w_alive / (alpha + T)).sum() - (w_dead / (alpha + t_x)).sum()
    hessian[0, 1] += cross
    hessian[1, 0] += cross
    hessian[1, 1] += (w_alive * k / (alpha + T) ** 2).sum() + (w_dead * k / (alpha + t_x) ** 2).sum()
    hessian[2, 2] -= w_dead.sum() / a**2
    hessian[3, 3] += (w_dead / before_last**2).sum()
    return gradient, hessian


def probability_alive(
    x: Floats, t_x: Floats, T: Floats, *, r: float, alpha: float, a: float, b: float
) -> Floats:
    """Return P(alive at T), in logs (NUMERICS of FHL's note 027); 1 for x = 0.

    Examples
    --------
    >>> x, t_x, T = np.array([0.0, 2.0]), np.array([0.0, 30.43]), np.array([38.86, 38.86])
    >>> probability_alive(x, t_x, T, r=0.243, alpha=4.414, a=0.793, b=2.426).round(4).tolist()
    [1.0, 0.7266]
    """
    alive, dead = _log_terms(x, t_x, T, r, alpha, a, b)
    return np.asarray(special.expit(alive - dead), dtype=np.float64)


def expected_purchases(t: Floats, *, r: float, alpha: float, a: float, b: float) -> Floats:
    """Return the purchases expected of a new customer within t, FHL eq. (9).

    Examples
    --------
    >>> expected_purchases(np.array([1.0]), r=0.243, alpha=4.414, a=0.793, b=2.426).round(4).tolist()
    [0.0533]
    """
    return mean_purchases(np.asarray(t) / alpha, np.asarray(r), a, np.asarray(b))


def conditional_expected_purchases(
    t: Floats, x: Floats, t_x: Floats, T: Floats, *, r: float, alpha: float, a: float, b: float
) -> Floats:
    """Return the purchases expected in (T, T + t], FHL eq. (10), evaluated without cancellation."""
    alive = probability_alive(x, t_x, T, r=r, alpha=alpha, a=a, b=b)
    return np.asarray(alive * mean_purchases(t / (alpha + T), r + x, a, b + x), dtype=np.float64)


def probability_of_purchases(n: Floats, t: Floats, *, r: float, alpha: float, a: float, b: float) -> Floats:
    """Return P(X(t) = n) for a new customer, FHL eq. (8), as a sum of positive terms.

    The dead term of eq. (8) is one minus a sum; here it is the regularised incomplete
    beta function I(t / (α + t); n, r), which keeps its digits.
    """
    n, t = np.broadcast_arrays(np.asarray(n, dtype=np.float64), np.asarray(t, dtype=np.float64))
    log_alive = (
        special.betaln(a, b + n) - special.betaln(a, b)
        + special.gammaln(r + n) - special.gammaln(r) - special.gammaln(n + 1.0)
        + r * np.log(alpha / (alpha + t)) + special.xlogy(n, t / (alpha + t))
    )  # fmt: skip
    again = np.maximum(n, 1.0)
    log_drop = special.betaln(a + 1.0, b + again - 1.0) - special.betaln(a, b)
    dead = np.exp(log_drop) * special.betainc(again, r, t / (alpha + t))
    return np.asarray(np.exp(log_alive) + np.where(n > 0, dead, 0.0), dtype=np.float64)


def simulate(
    T: Floats, rng: np.random.Generator, *, r: float, alpha: float, a: float, b: float
) -> tuple[Floats, Floats]:
    """Return (x, t_x) of one simulated customer per entry of ``T``."""
    n = len(T)
    rate = rng.gamma(r, 1.0 / alpha, n)
    chance = rng.beta(a, b, n)
    x, t_x, now = np.zeros(n), np.zeros(n), np.zeros(n)
    active = np.arange(n)
    while len(active):
        with np.errstate(divide="ignore", over="ignore"):
            now[active] += rng.exponential(1.0, len(active)) / rate[active]
        active = active[now[active] <= T[active]]
        x[active] += 1.0
        t_x[active] = now[active]
        active = active[rng.random(len(active)) >= chance[active]]
    return x, t_x
