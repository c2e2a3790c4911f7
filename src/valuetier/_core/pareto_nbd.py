"""Pareto/NBD: purchases at a gamma-distributed rate until an exponential lifetime ends.

Schmittlein, Morrison & Colombo (1987), "Counting Your Customers: Who Are They and What Will
They Do Next?"; Fader & Hardie, notes 008 and 015. λ ~ Gamma(r, α), dropout rate
μ ~ Gamma(s, β). With κ = r + x the likelihood is a term of the counts times

    (α + T)^-κ (β + T)^-s + ∫_{t_x}^T s (α + u)^-κ (β + u)^-(s+1) du

alive at T, or dead since some u. The integral is that of a positive, log-concave function
and is taken by Gauss-Legendre nodes in log(u + min(α, β)), with its derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from valuetier._core.beta_geometric import trigamma
from valuetier._core.compress import Floats
from valuetier._core.likelihood import Part, Rows, log_sum, mixture_rows

Parameter = Floats | float

# The integrand is left out where a factor of it has fallen by e^-LOG_DROP.
LOG_DROP = 60.0

# Nodes for an integrand over a range of log-time up to, and falling in its log by up to.
NODES = ((0.6, 2.0, 8), (2.0, 10.0, 16), (4.0, 25.0, 24), (np.inf, np.inf, 48))
COUNT_PANELS, COUNT_NODES = 6, np.polynomial.legendre.leggauss(32)

PARTS = (
    Part(lambda columns, theta: _count_rows(columns[0], theta), (0,), of_counts=True),
    Part(lambda columns, theta: _time_rows(columns, theta), (0, 1, 2), block=2048),
)


def log_likelihood(
    x: Floats, t_x: Floats, T: Floats,
    *, r: Parameter, alpha: Parameter, s: Parameter, beta: Parameter,
) -> Floats:  # fmt: skip
    """Return the log-likelihood per customer, the dead part by its integral.

    Examples
    --------
    >>> x, t_x, T = np.array([1.0]), np.array([1.5]), np.array([12.0])
    >>> log_likelihood(x, t_x, T, r=0.55, alpha=10.58, s=0.61, beta=11.67).round(6).tolist()
    [-4.006949]
    """
    counts = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    alive, dead = _log_terms(x, t_x, T, r, alpha, s, beta)
    return np.asarray(counts + np.logaddexp(alive, dead), dtype=np.float64)


def probability_alive(
    x: Floats, t_x: Floats, T: Floats, later: Parameter = 0.0,
    *, r: Parameter, alpha: Parameter, s: Parameter, beta: Parameter,
) -> Floats:  # fmt: skip
    """Return P(alive at T + later).

    Examples
    --------
    >>> x, t_x, T = np.array([26.0]), np.array([30.857142857]), np.array([31.0])
    >>> probability_alive(x, t_x, T, r=0.5534, alpha=10.5802, s=0.6061, beta=11.6562).round(5).tolist()
    [0.99787]
    """
    alive, dead = _log_terms(x, t_x, T, r, alpha, s, beta)
    now = special.expit(alive - dead)
    return np.asarray(now * np.exp(-s * np.log1p(later / (beta + T))), dtype=np.float64)


def expected_purchases(t: Floats, *, r: Parameter, alpha: Parameter, s: Parameter, beta: Parameter) -> Floats:
    """Return the purchases expected of a new customer within t."""
    return np.asarray(r / alpha * _time_alive(t, beta, s), dtype=np.float64)


def conditional_expected_purchases(
    t: Floats, x: Floats, t_x: Floats, T: Floats,
    *, r: Parameter, alpha: Parameter, s: Parameter, beta: Parameter,
) -> Floats:  # fmt: skip
    """Return the purchases expected in (T, T + t]: P(alive) × rate × time expected to be alive."""
    alive = probability_alive(x, t_x, T, r=r, alpha=alpha, s=s, beta=beta)
    return alive * expected_if_alive(t, x, t_x, T, r=r, alpha=alpha, s=s, beta=beta)


def expected_if_alive(
    t: Floats, x: Floats, _t_x: Floats, T: Floats,
    *, r: Parameter, alpha: Parameter, s: Parameter, beta: Parameter,
) -> Floats:  # fmt: skip
    """Return the purchases expected in (T, T + t] of a customer who is alive at T."""
    return np.asarray((r + x) / (alpha + T) * _time_alive(t, beta + T, s), dtype=np.float64)


def time_scale(x: Floats, T: Floats, *, s: Parameter, beta: Parameter, **_: Parameter) -> Floats:
    """Return the time within which a living customer's dropout shows in the expectation."""
    return np.asarray((beta + T) / np.maximum(1.0, s) + 0.0 * x)


def _time_alive(t: Floats, scale: Parameter, s: Parameter) -> Floats:
    """Return ∫₀^t (scale / (scale + u))^s du, regular at s = 1."""
    length = np.log1p(t / scale)
    y = np.asarray((s - 1.0) * length)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(y == 0, 1.0, -np.expm1(-y) / y)
    return np.asarray(scale * length * ratio)


def probability_of_purchases(
    n: Floats, t: Floats,
    *, r: Parameter, alpha: Parameter, s: Parameter, beta: Parameter,
) -> Floats:  # fmt: skip
    """Return P(X(t) = n) for a new customer: alive at t, or dead since some u before."""
    n, t, r, alpha, s, beta = (
        np.asarray(v, dtype=np.float64) for v in np.broadcast_arrays(n, t, r, alpha, s, beta)
    )
    log_choose = special.gammaln(r + n) - special.gammaln(r) - special.gammaln(n + 1.0)

    def log_counts(u: Floats) -> Floats:
        return np.asarray(log_choose - r * np.log1p(u / alpha) + special.xlogy(n, u / (alpha + u)))

    def log_dead(y: Floats) -> Floats:
        u = np.exp(y)
        return np.asarray(y + log_counts(u) + np.log(s / beta) - (s + 1.0) * np.log1p(u / beta))

    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        alive = np.exp(log_counts(t) - s * np.log1p(t / beta))
        ends = np.log(np.maximum(t, 1e-300))
        dead = _log_concave_integral(log_dead, ends)
    return np.where(t > 0, alive + dead, (n == 0) * 1.0)


def _log_concave_integral(log_f: Callable[[Floats], Floats], end: Floats) -> Floats:
    """Return ∫_{-∞}^end of a function that is log-concave and rises from 0."""
    low, high = np.full_like(end, -750.0), end.copy()
    step = 1e-6
    for _ in range(60):
        middle = (low + high) / 2.0
        rising = log_f(middle + step) > log_f(middle - step)
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    top = low
    enough = log_f(top) - 45.0
    bounds = []
    for far in (np.full_like(end, -750.0), end):
        near, away = top, far
        for _ in range(50):
            middle = (near + away) / 2.0
            fallen = log_f(middle) < enough
            near, away = np.where(fallen, near, middle), np.where(fallen, middle, away)
        bounds.append(away)
    width = (bounds[1] - bounds[0]) / COUNT_PANELS
    total = np.zeros_like(end)
    for panel in range(COUNT_PANELS):
        for node, weight in zip(*COUNT_NODES, strict=True):
            total += weight * np.exp(log_f(bounds[0] + width * (panel + (node + 1.0) / 2.0)))
    return np.asarray(total * width / 2.0)


def simulate(
    T: Floats, rng: np.random.Generator,
    *, r: Parameter, alpha: Parameter, s: Parameter, beta: Parameter,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Return (x, t_x) of one simulated customer per entry of ``T``."""
    n = len(T)
    rate = rng.gamma(r, 1.0, n) / alpha
    with np.errstate(divide="ignore", over="ignore"):
        lifetime = rng.exponential(1.0, n) / (rng.gamma(s, 1.0, n) / beta)
    active = np.minimum(lifetime, T)
    x = rng.poisson(rate * active).astype(np.float64)
    last = active * rng.random(n) ** (1.0 / np.maximum(x, 1.0))
    return x, np.where(x > 0, last, 0.0)


def _log_terms(
    x: Floats,
    t_x: Floats,
    T: Floats,
    r: Parameter, alpha: Parameter, s: Parameter, beta: Parameter,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Return the log weights of "still alive" and "dead since t_x", up to their common factor."""
    theta = tuple(np.broadcast_to(np.asarray(p, dtype=np.float64), x.shape) for p in (r, alpha, s, beta))
    alive = -(theta[0] + x) * np.log(theta[1] + T) - theta[2] * np.log(theta[3] + T)
    dead = np.full(x.shape, -np.inf)
    for rows, nodes in _by_nodes((x, t_x, T), theta):
        columns, some = tuple(c[rows] for c in (x, t_x, T)), tuple(p[rows] for p in theta)
        dead[rows] = log_sum(_log_dead(columns, some, nodes)[0])
    return alive, dead


def _reach(columns: Sequence[Floats], theta: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Return the range of log(u + min(α, β)) that counts, and how far the integrand falls over it."""
    x, t_x, T = columns
    r, alpha, s, beta = theta
    with np.errstate(over="ignore"):
        until = np.minimum(
            (alpha + t_x) * np.expm1(LOG_DROP / (r + x)), (beta + t_x) * np.expm1(LOG_DROP / (s + 1.0))
        )
    until = np.minimum(T - t_x, until)
    length = np.log1p(until / (np.minimum(alpha, beta) + t_x))
    fall = (r + x) * np.log1p(until / (alpha + t_x)) + (s + 1.0) * np.log1p(until / (beta + t_x))
    return length, fall


def _by_nodes(columns: Sequence[Floats], theta: Sequence[Floats]) -> list[tuple[NDArray[np.intp], int]]:
    """Return the rows by the number of nodes that their integral needs."""
    length, fall = _reach(columns, theta)
    rest, groups = np.ones(length.shape, dtype=bool), []
    for longest, deepest, nodes in NODES:
        chosen = rest & (length <= longest) & (fall <= deepest)
        rest &= ~chosen
        if chosen.any():
            groups.append((np.flatnonzero(chosen), nodes))
    return groups


def _log_dead(
    columns: Sequence[Floats], theta: Sequence[Floats], nodes: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the log of each node's share of the integral, and log(α + u), log(β + u), u; (nodes, n)."""
    x, t_x, _ = columns
    r, alpha, s, beta = theta
    points, weights = np.polynomial.legendre.leggauss(nodes)
    length, _ = _reach(columns, theta)
    scale = np.minimum(alpha, beta) + t_x
    y = length * ((points + 1.0) / 2.0)[:, np.newaxis]
    u = t_x + scale * np.expm1(y)
    log_rate, log_dropout = np.log(alpha + u), np.log(beta + u)
    with np.errstate(divide="ignore"):
        measure = np.log(length / 2.0 * scale) + np.log(weights)[:, np.newaxis] + y
    return measure + np.log(s) - (r + x) * log_rate - (s + 1.0) * log_dropout, log_rate, log_dropout, u


def _count_rows(x: Floats, theta: Floats) -> Rows:
    """Return log Γ(r + x) / Γ(r) + r log α + s log β with derivatives."""
    r, alpha, s, beta = theta
    zero = np.zeros(len(x))
    value = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    d_r = r * (special.digamma(r + x) - special.digamma(r) + np.log(alpha))
    d_rr = d_r + r**2 * (trigamma(r + x) - trigamma(r))
    d_s = s * np.log(beta) + zero
    gradient = np.array([d_r, r + zero, d_s, s + zero])
    hessian = np.array([d_rr, r + zero, zero, zero, zero, zero, zero, d_s, s + zero, zero])
    return Rows(value, gradient, hessian)


def _time_rows(columns: Sequence[Floats], theta: Floats) -> Rows:
    """Return log(alive + dead) with derivatives, as a mixture over the time of death."""
    full = tuple(np.broadcast_to(p, columns[0].shape) for p in theta)
    size = len(columns[0])
    value, gradient, hessian = np.empty(size), np.empty((4, size)), np.empty((10, size))
    for rows, nodes in _by_nodes(columns, full):
        some = tuple(p[rows] for p in full)
        found = _mixture(tuple(c[rows] for c in columns), some, nodes)
        value[rows], gradient[:, rows], hessian[:, rows] = found
    return Rows(value, gradient, hessian)


def _mixture(columns: Sequence[Floats], theta: Sequence[Floats], nodes: int) -> Rows:
    x, _, T = columns
    r, alpha, s, beta = theta
    kappa = r + x
    dead, log_rate, log_dropout, u = _log_dead(columns, theta, nodes)
    log_rate = np.vstack([log_rate, np.log(alpha + T)])
    log_dropout = np.vstack([log_dropout, np.log(beta + T)])
    alive = -kappa * log_rate[-1] - s * log_dropout[-1]
    until = np.vstack([u, T])
    died = np.ones((nodes + 1, 1))
    died[-1] = 0.0
    rate, dropout = alpha / (alpha + until), beta / (beta + until)
    exponent = s + died
    slopes = (-r * log_rate, -kappa * rate, died - s * log_dropout, -exponent * dropout)
    zero = np.zeros(1)
    curvatures = (
        -r * log_rate, -r * rate, zero, zero,
        -kappa * rate * (1.0 - rate), zero, zero,
        -s * log_dropout, -s * dropout, -exponent * dropout * (1.0 - dropout),
    )  # fmt: skip
    return mixture_rows(np.vstack([dead, alive]), slopes, curvatures)
