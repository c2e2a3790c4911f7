"""BG/CNBD-k and MBG/CNBD-k: what regular buyers are expected to do.

Reutterer, Platzer & Schröder (2020), "Leveraging purchase regularity for predicting customer
behavior the easy way"; their expectation is an approximation, the one here is exact. With N
the events of the Poisson process since the last purchase, purchases are ⌊N / k⌋ until
dropout: an expectation is a sum over i of P(the i-th purchase is in time) × P(no dropout
before it), both in closed form. ``j`` counts the events since the last purchase at T.
The likelihood is in ``beta_geometric``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from scipy import special

from valuetier._core import beta_geometric
from valuetier._core.beta_geometric import log_likelihood
from valuetier._core.compress import Floats, distinct_rows
from valuetier._core.sums import sum_of_terms

__all__ = [
    "conditional_expected_purchases",
    "expected_if_alive",
    "expected_purchases",
    "log_likelihood",
    "probability_alive",
    "probability_of_purchases",
    "simulate",
    "time_scale",
]

Parameter = Floats | float


def probability_alive(
    x: Floats, t_x: Floats, T: Floats, later: Parameter = 0.0,
    *, r: Parameter, alpha: Parameter, a: Parameter, b: Parameter, k: int, at_birth: int = 0,
) -> Floats:  # fmt: skip
    """Return P(alive at T + later).

    Examples
    --------
    >>> x, t_x, T = np.array([3.0]), np.array([12.0]), np.array([14.0])
    >>> probability_alive(x, t_x, T, r=0.5, alpha=2.0, a=0.3, b=0.6, k=3).round(4).tolist()
    [0.8785]
    """
    alive, dead = beta_geometric.log_terms(x, t_x, T, r, alpha, a, b, k=k, at_birth=at_birth)
    now = np.asarray(special.expit(alive - dead))
    if not np.any(later):
        return now

    def stay(kappa: Floats, ratio: Floats, j: int) -> Floats:
        return _chance_to_stay(kappa, ratio, j, k, a, b + x + at_birth)

    return np.asarray(now * _over_stages(stay, x, t_x, T, later, r, alpha, k))


def expected_purchases(
    t: Floats, *, r: Parameter, alpha: Parameter, a: Parameter, b: Parameter, k: int, at_birth: int = 0
) -> Floats:
    """Return the purchases expected of a new customer within t."""
    born = b / (a + b) if at_birth else 1.0
    kappa, ratio = np.broadcast_arrays(
        np.asarray(r, dtype=np.float64), np.asarray(t / alpha, dtype=np.float64)
    )
    return np.asarray(born * _purchases(kappa, ratio, 0, k, a, b + at_birth))


def conditional_expected_purchases(
    t: Floats, x: Floats, t_x: Floats, T: Floats,
    *, r: Parameter, alpha: Parameter, a: Parameter, b: Parameter, k: int, at_birth: int = 0,
) -> Floats:  # fmt: skip
    """Return the purchases expected in (T, T + t]."""
    alive = probability_alive(x, t_x, T, r=r, alpha=alpha, a=a, b=b, k=k, at_birth=at_birth)
    return np.asarray(
        alive * expected_if_alive(t, x, t_x, T, r=r, alpha=alpha, a=a, b=b, k=k, at_birth=at_birth)
    )


def expected_if_alive(
    t: Floats, x: Floats, t_x: Floats, T: Floats,
    *, r: Parameter, alpha: Parameter, a: Parameter, b: Parameter, k: int, at_birth: int = 0,
) -> Floats:  # fmt: skip
    """Return the purchases expected in (T, T + t] of a customer who is alive at T."""

    def expected(kappa: Floats, ratio: Floats, j: int) -> Floats:
        return _purchases(kappa, ratio, j, k, a, b + x + at_birth)

    return _over_stages(expected, x, t_x, T, t, r, alpha, k)


def time_scale(
    x: Floats, T: Floats,
    *, r: Parameter, alpha: Parameter, a: Parameter, b: Parameter, k: int, at_birth: int = 0,
) -> Floats:  # fmt: skip
    """Return the time within which the next purchase of a living customer shows."""
    return np.asarray((alpha + T) / np.maximum(1.0, r + k * x) + 0.0 * (a + b + at_birth))


def probability_of_purchases(
    n: Floats, t: Floats,
    *, r: Parameter, alpha: Parameter, a: Parameter, b: Parameter, k: int, at_birth: int = 0,
) -> Floats:  # fmt: skip
    """Return P(X(t) = n) for a new customer: alive after n, or dropped out at the n-th."""
    ratio = np.asarray(t / alpha, dtype=np.float64)
    y = n + at_birth
    alive: Floats = _survival(a, b, y) * _count_between(n * k, r, ratio, k)
    drop = np.where(
        y > 0, _survival(a, b, np.maximum(y, 1.0) - 1.0) * a / (a + b + np.maximum(y, 1.0) - 1.0), 0.0
    )
    return np.asarray(alive + drop * _at_least(n * k, r, ratio))


def simulate(
    T: Floats, rng: np.random.Generator,
    *, r: Parameter, alpha: Parameter, a: Parameter, b: Parameter, k: int, at_birth: int = 0,
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """Return (x, t_x, Σ log gaps) of one simulated customer per entry of ``T``."""
    n = len(T)
    rate = rng.gamma(r, 1.0, n) / alpha
    chance = rng.beta(a, b, n)
    x, t_x, gaps, now = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    active = np.arange(n)
    if at_birth:
        active = active[rng.random(n) >= chance]
    while len(active):
        with np.errstate(divide="ignore", over="ignore"):
            gap = rng.gamma(k, 1.0, len(active)) / rate[active]
        now[active] += gap
        inside = now[active] <= T[active]
        active, gap = active[inside], gap[inside]
        x[active] += 1.0
        t_x[active] = now[active]
        gaps[active] += np.log(gap)
        active = active[rng.random(len(active)) >= chance[active]]
    return x, t_x, gaps


def _survival(a: Parameter, d: Parameter, i: Parameter) -> Floats:
    """Return E[(1 - p)^i] for p ~ Beta(a, d)."""
    return np.asarray(np.exp(special.betaln(a, d + i) - special.betaln(a, d)))


def _at_least(count: Parameter, kappa: Parameter, ratio: Floats) -> Floats:
    """Return P(N ≥ count) for N events at a rate ~ Gamma(κ, 1) in a time ``ratio``."""
    share = ratio / (1.0 + ratio)
    return np.where(count > 0, special.betainc(np.maximum(count, 1e-300), kappa, share), 1.0)


def _count_between(count: Parameter, kappa: Parameter, ratio: Floats, k: int) -> Floats:
    """Return P(count ≤ N < count + k), of counts ≥ 0 only: a sum of chances, not a difference."""
    total = np.zeros(np.broadcast(count, kappa, ratio).shape)
    for more in range(k):
        n = count + more
        safe = np.maximum(n, 0.0)
        log_chance = (
            special.gammaln(kappa + safe) - special.gammaln(kappa) - special.gammaln(safe + 1.0)
            - kappa * np.log1p(ratio) + special.xlogy(safe, ratio / (1.0 + ratio))
        )  # fmt: skip
        total += np.where(n >= 0, np.exp(log_chance), 0.0)
    return total


def _over_stages(
    value: Callable[[Floats, Floats, int], Floats],
    x: Floats, t_x: Floats, T: Floats, t: Parameter, r: Parameter, alpha: Parameter, k: int,
) -> Floats:  # fmt: skip
    """Return the mean of value(κ + j, t / (α + T), j) over the events j since the last purchase."""
    kappa = np.asarray(r + k * x, dtype=np.float64)
    stages = beta_geometric.stages(kappa, (T - t_x) / (alpha + T), k)
    ratio = np.asarray(t / (alpha + T), dtype=np.float64)
    kappa, ratio = np.broadcast_arrays(kappa, ratio)
    terms = [weight * value(kappa + j, ratio, j) for j, weight in enumerate(stages)]
    return np.asarray(sum(terms) / stages.sum(axis=0))


def _purchases(kappa: Floats, ratio: Floats, j: int, k: int, a: Parameter, d: Parameter) -> Floats:
    """Return Σ_i P(N ≥ k i - j) E[(1 - p)^(i-1)]."""

    def term(i: float, kappa: Floats, ratio: Floats, a: Floats, d: Floats) -> Floats:
        return _survival(a, d, i - 1.0) * _at_least(k * i - j, kappa, ratio)

    return _summed(term, k, kappa, ratio, a, d)


def _chance_to_stay(kappa: Floats, ratio: Floats, j: int, k: int, a: Parameter, d: Parameter) -> Floats:
    """Return Σ_i P(k i - j ≤ N < k (i + 1) - j) E[(1 - p)^i]."""

    def term(i: float, kappa: Floats, ratio: Floats, a: Floats, d: Floats) -> Floats:
        return _survival(a, d, i) * _count_between(k * i - j, kappa, ratio, k)

    return _count_between(-j, kappa, ratio, k) + _summed(term, k, kappa, ratio, a, d)


def _summed(term: Callable[..., Floats], k: int, *columns: Parameter) -> Floats:
    """Return the sum of term(i, κ, ratio, a, d) over i, until the chance of so many events has gone.

    Equal rows are summed once, and rows that need few terms apart from those that need many.
    """
    full = [np.asarray(column, dtype=np.float64) for column in np.broadcast_arrays(*columns)]
    if not full[0].size:
        return np.zeros(full[0].shape)
    found = distinct_rows(*(column.ravel() for column in full))
    kappa, ratio, *_ = rows = [np.ascontiguousarray(column) for column in found.rows.T]
    spread = np.sqrt(kappa * ratio * (1.0 + ratio))
    last = (kappa * ratio + 14.0 * spread + 40.0 * (1.0 + ratio)) / k + 2.0
    total = np.zeros(len(last))
    groups = np.ceil(2.0 * np.log2(last)), np.ceil(np.log2(np.maximum(kappa, 16.0)))
    for many, steep in sorted(set(zip(*groups, strict=True))):
        some = np.flatnonzero((groups[0] == many) & (groups[1] == steep))
        part = [column[some] for column in rows]
        growth = 1.0 + min(1.0, 4.0 / 2.0 ** (steep / 2.0))
        total[some] = sum_of_terms(partial(_of_rows, term, part), int(2.0 ** (many / 2.0)) + 1, growth)
    return total[found.inverse].reshape(full[0].shape)


def _of_rows(term: Callable[..., Floats], columns: Sequence[Floats], i: float) -> Floats:
    return term(i, *columns)
