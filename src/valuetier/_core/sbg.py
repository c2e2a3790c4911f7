"""sBG: contracts that are not renewed with a chance that varies over customers.

Fader & Hardie (2007), "How to Project Customer Retention", Journal of Interactive Marketing
21(1), and (2010), "Customer-Base Valuation in a Contractual Setting", Marketing Science 29(1).
Churn chance at each renewal ~ Beta(α, β).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from valuetier._core.beta_geometric import trigamma
from valuetier._core.compress import Floats
from valuetier._core.likelihood import Part, Rows
from valuetier._core.sums import sum_of_terms

Parameter = Floats | float

# A discounted period counts until it is worth e^-FORGOTTEN of one today.
FORGOTTEN = 42.0


def log_likelihood(periods: Floats, churned: Floats, *, alpha: Parameter, beta: Parameter) -> Floats:
    """Return log P(churn at the given renewal), or log P(all renewed) where ``churned`` is 0.

    Examples
    --------
    >>> periods, churned = np.array([1.0, 2.0, 2.0]), np.array([1.0, 1.0, 0.0])
    >>> np.exp(log_likelihood(periods, churned, alpha=1.0, beta=1.0)).round(4).tolist()
    [0.5, 0.1667, 0.3333]
    """
    renewed = periods - churned
    return np.asarray(special.betaln(alpha + churned, beta + renewed) - special.betaln(alpha, beta))


def survival(t: Floats, *, alpha: Parameter, beta: Parameter) -> Floats:
    """Return the chance that a new customer renews t times."""
    return np.asarray(np.exp(special.betaln(alpha, beta + t) - special.betaln(alpha, beta)))


def retention(t: Floats, *, alpha: Parameter, beta: Parameter) -> Floats:
    """Return the share of those still there who renew at renewal t = 1, 2, …: (β + t - 1) / (α + β + t - 1)."""
    return np.asarray((beta + t - 1.0) / (alpha + beta + t - 1.0))


def expected_renewals(t: Floats, renewed: Floats, *, alpha: Parameter, beta: Parameter) -> Floats:
    """Return the renewals expected of a customer at its next t ones, after ``renewed`` in the past."""
    return discounted_renewals(t, 0.0, renewed, alpha=alpha, beta=beta)


def discounted_renewals(
    t: Floats, discount: float, renewed: Floats, *, alpha: Parameter, beta: Parameter
) -> Floats:
    """Return Σ_{i=1…t} P(renews i more times) / (1 + discount)^(i-1), the first one undiscounted.

    With t = inf this is the discounted expected residual lifetime just before a renewal,
    Fader & Hardie (2010).
    """
    rate = np.log1p(discount)
    longest = np.asarray(np.minimum(t, FORGOTTEN / rate + 1.0) if rate > 0 else t, dtype=np.float64)
    longest, later = np.broadcast_arrays(longest, np.asarray(renewed, dtype=np.float64))
    result = np.zeros(longest.shape)
    for last in np.unique(longest):
        rows = longest == last
        start = beta + later[rows]

        def term(i: float, start: Floats = start) -> Floats:
            return survival(np.asarray(i), alpha=alpha, beta=start) * np.exp(-rate * (i - 1.0))

        result[rows] = sum_of_terms(term, int(last), growth=1.5)
    return result


def simulate(
    T: Floats, rng: np.random.Generator, *, alpha: Parameter, beta: Parameter
) -> tuple[Floats, Floats]:
    """Return (periods, churned) of one simulated customer per entry of ``T`` renewals observed."""
    chance = rng.beta(alpha, beta, len(T))
    with np.errstate(divide="ignore", over="ignore"):
        until = np.ceil(np.log1p(-rng.random(len(T))) / np.log1p(-chance))
    until = np.maximum(np.nan_to_num(until, nan=1.0), 1.0)
    return np.minimum(until, T), (until <= T).astype(np.float64)


def _rows(columns: Sequence[Floats], theta: Floats) -> Rows:
    periods, churned = columns
    alpha, beta = theta
    renewed = periods - churned
    psi, psi_1 = special.digamma, trigamma
    both = psi(alpha + beta) - psi(alpha + beta + periods)
    both_2 = psi_1(alpha + beta) - psi_1(alpha + beta + periods)
    d_a = alpha * (psi(alpha + churned) - psi(alpha) + both)
    d_b = beta * (psi(beta + renewed) - psi(beta) + both)
    hessian = np.array([
        d_a + alpha**2 * (psi_1(alpha + churned) - psi_1(alpha) + both_2),
        alpha * beta * both_2,
        d_b + beta**2 * (psi_1(beta + renewed) - psi_1(beta) + both_2),
    ])  # fmt: skip
    return Rows(log_likelihood(periods, churned, alpha=alpha, beta=beta), np.array([d_a, d_b]), hessian)


PARTS = (Part(_rows, (0, 1)),)
