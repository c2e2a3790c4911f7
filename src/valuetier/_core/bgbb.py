"""BG/BB: customers who use each opportunity with a chance of their own, until they drop out.

Fader, Hardie & Shang (2010), "Customer-Base Analysis in a Discrete-Time Noncontractual
Setting", Marketing Science 29(6). Purchase chance ~ Beta(α, β), dropout chance
before each opportunity ~ Beta(γ, δ); x of n opportunities used, the last one at t_x. All
sums here are of positive terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from scipy import special

from valuetier._core.beta_geometric import trigamma
from valuetier._core.compress import Floats
from valuetier._core.likelihood import Part, Rows, log_sum, mixture_rows
from valuetier._core.sums import sum_of_terms

Parameter = Floats | float

# A discounted purchase counts until it is worth e^-FORGOTTEN of one today.
FORGOTTEN = 42.0


def log_likelihood(
    x: Floats,
    t_x: Floats,
    n: Floats,
    *,
    alpha: Parameter,
    beta: Parameter,
    gamma: Parameter,
    delta: Parameter,
) -> Floats:
    """Return the log-likelihood per customer.

    Examples
    --------
    >>> x, t_x, n = np.array([0.0, 6.0]), np.array([0.0, 6.0]), np.array([6.0, 6.0])
    >>> log_likelihood(x, t_x, n, alpha=1.204, beta=0.75, gamma=0.657, delta=2.783).round(4).tolist()
    [-1.1673, -2.1822]
    """
    return np.asarray(log_sum(_log_terms((x, t_x, n), (alpha, beta, gamma, delta))))


def probability_alive(
    x: Floats, t_x: Floats, n: Floats, later: Parameter = 0.0,
    *, alpha: Parameter, beta: Parameter, gamma: Parameter, delta: Parameter,
) -> Floats:  # fmt: skip
    """Return the chance to be alive at opportunity n + later.

    Examples
    --------
    >>> x, t_x, n = np.array([0.0, 2.0, 6.0]), np.array([0.0, 4.0, 6.0]), np.full(3, 6.0)
    >>> probability_alive(x, t_x, n, 1.0, alpha=1.204, beta=0.75, gamma=0.657, delta=2.783).round(2).tolist()
    [0.11, 0.59, 0.93]
    """
    terms = _log_terms((x, t_x, n), (alpha, beta, gamma, delta))
    now = np.exp(terms[-1] - log_sum(terms))
    return np.asarray(now * _stay(later, gamma, delta + n))


def expected_purchases(
    t: Floats, *, alpha: Parameter, beta: Parameter, gamma: Parameter, delta: Parameter
) -> Floats:
    """Return the purchases expected of a new customer over t opportunities."""
    return np.asarray(alpha / (alpha + beta) * _opportunities(t, gamma, delta, 0.0))


def conditional_expected_purchases(
    t: Floats, x: Floats, t_x: Floats, n: Floats,
    *, alpha: Parameter, beta: Parameter, gamma: Parameter, delta: Parameter,
) -> Floats:  # fmt: skip
    """Return the purchases expected over the next t opportunities."""
    return discounted_expected_purchases(t, 0.0, x, t_x, n, alpha=alpha, beta=beta, gamma=gamma, delta=delta)


def discounted_expected_purchases(
    t: Floats, discount: float, x: Floats, t_x: Floats, n: Floats,
    *, alpha: Parameter, beta: Parameter, gamma: Parameter, delta: Parameter,
) -> Floats:  # fmt: skip
    """Return the purchases expected over the next t opportunities, each worth 1 / (1 + discount)^i.

    With t = inf these are the discounted expected residual transactions.
    """
    theta = {"alpha": alpha, "beta": beta, "gamma": gamma, "delta": delta}
    rate = probability_alive(x, t_x, n, **theta) * (alpha + x) / (alpha + beta + n)
    return np.asarray(rate * _opportunities(t, gamma, delta + n, discount))


def probability_of_purchases(
    m: Floats, t: Floats, *, alpha: Parameter, beta: Parameter, gamma: Parameter, delta: Parameter
) -> Floats:
    """Return the chance that a new customer uses m of t opportunities."""
    theta = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (m, t, alpha, beta, gamma, delta)))
    m, t, alpha, beta, gamma, delta = theta
    used, seen = special.betaln(alpha, beta), special.betaln(gamma, delta)

    def log_used(periods: Floats) -> Floats:
        unused = np.maximum(periods - m, 0.0)
        choose = -np.log(periods + 1.0) - special.betaln(unused + 1.0, m + 1.0)
        return np.asarray(choose + special.betaln(alpha + m, beta + unused) - used)

    possible = m <= t
    alive = np.exp(log_used(t) + special.betaln(gamma, delta + t) - seen)
    total = np.where(possible, alive, 0.0)
    for i in range(int(np.max(t - m, initial=0.0))):
        lived = m + i
        dead = np.exp(log_used(lived) + special.betaln(gamma + 1.0, delta + lived) - seen)
        total += np.where(lived < t, dead, 0.0)
    return total


def simulate(
    n: Floats, rng: np.random.Generator,
    *, alpha: Parameter, beta: Parameter, gamma: Parameter, delta: Parameter,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Return (x, t_x) of one simulated customer per entry of ``n`` opportunities."""
    size = len(n)
    buys, leaves = rng.beta(alpha, beta, size), rng.beta(gamma, delta, size)
    x, t_x = np.zeros(size), np.zeros(size)
    active = np.arange(size)
    for opportunity in range(1, int(n.max(initial=0.0)) + 1):
        active = active[(n[active] >= opportunity) & (rng.random(len(active)) >= leaves[active])]
        used = active[rng.random(len(active)) < buys[active]]
        x[used] += 1.0
        t_x[used] = opportunity
    return x, t_x


def _stay(later: Parameter, gamma: Parameter, delta: Parameter) -> Floats:
    """Return the chance that a living customer lives through ``later`` more opportunities."""
    return np.asarray(np.exp(special.betaln(gamma, delta + later) - special.betaln(gamma, delta)))


def _kept(gamma: Floats, delta: Floats, rate: Floats | float, i: float) -> Floats:
    """Return the discounted chance to live through i more opportunities."""
    return np.asarray(_stay(i, gamma, delta) * np.exp(-rate * i))


def _opportunities(t: Floats, gamma: Parameter, delta: Parameter, discount: float) -> Floats:
    """Return Σ_{i ≤ t} P(alive i opportunities on) / (1 + discount)^i."""
    rate = np.log1p(discount)
    longest = np.asarray(np.minimum(t, FORGOTTEN / rate + 1.0) if rate > 0 else t, dtype=np.float64)
    result = np.zeros(np.broadcast(longest, gamma, delta).shape)
    longest, gamma, delta = np.broadcast_arrays(longest, gamma, delta)
    for last in np.unique(longest):
        rows = longest == last
        result[rows] = sum_of_terms(partial(_kept, gamma[rows], delta[rows], rate), int(last), growth=1.5)
    return result


def _count_rows(columns: Sequence[Floats], theta: Floats) -> Rows:
    """Return log (alive + dead at each opportunity) with derivatives, as a mixture over the time of death."""
    alpha, beta, gamma, delta = theta
    terms = _log_terms(columns, (alpha, beta, gamma, delta))
    x, t_x, n = columns
    seen, died = _seen(t_x, n), np.ones((len(terms), 1))
    died[-1] = 0.0
    all_used, all_seen = alpha + beta + seen, gamma + delta + seen + died
    unused, lived = beta + seen - x, delta + seen
    psi, psi_1 = special.digamma, trigamma
    norm_used, norm_seen = psi(alpha + beta), psi(gamma + delta)
    d_a = alpha * (psi(alpha + x) - psi(alpha) + norm_used - psi(all_used))
    d_b = beta * (psi(unused) - psi(beta) + norm_used - psi(all_used))
    d_g = gamma * (psi(gamma + died) - psi(gamma) + norm_seen - psi(all_seen))
    d_d = delta * (psi(lived) - psi(delta) + norm_seen - psi(all_seen))
    used_2 = psi_1(alpha + beta) - psi_1(all_used)
    seen_2 = psi_1(gamma + delta) - psi_1(all_seen)
    zero = np.zeros(1)
    curvatures = (
        d_a + alpha**2 * (psi_1(alpha + x) - psi_1(alpha) + used_2), alpha * beta * used_2, zero, zero,
        d_b + beta**2 * (psi_1(unused) - psi_1(beta) + used_2), zero, zero,
        d_g + gamma**2 * (psi_1(gamma + died) - psi_1(gamma) + seen_2), gamma * delta * seen_2,
        d_d + delta**2 * (psi_1(lived) - psi_1(delta) + seen_2),
    )  # fmt: skip
    return mixture_rows(terms, (d_a, d_b, d_g, d_d), curvatures)


PARTS = (Part(_count_rows, (0, 1, 2), block=1024),)


def _seen(t_x: Floats, n: Floats) -> Floats:
    """Return the opportunities lived through: t_x, t_x + 1, … n - 1, then n; (c, rows)."""
    most = int(np.max(n - t_x, initial=0.0))
    return np.vstack([np.minimum(t_x + np.arange(most)[:, np.newaxis], n), n])


def _log_terms(columns: Sequence[Floats], theta: Sequence[Parameter]) -> Floats:
    """Return the log likelihoods of death after each opportunity since t_x, and last of no death."""
    x, t_x, n = columns
    alpha, beta, gamma, delta = theta
    seen = _seen(t_x, n)
    died = np.ones((len(seen), 1))
    died[-1] = 0.0
    terms = (
        special.betaln(alpha + x, beta + seen - x) - special.betaln(alpha, beta)
        + special.betaln(gamma + died, delta + seen) - special.betaln(gamma, delta)
    )  # fmt: skip
    later = t_x + np.arange(len(seen) - 1)[:, np.newaxis] >= n
    terms[:-1][later] = -np.inf
    return np.asarray(terms)
