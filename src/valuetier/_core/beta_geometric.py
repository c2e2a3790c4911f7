"""The likelihood of the beta-geometric models: BG/NBD, MBG/NBD, BG/CNBD-k and MBG/CNBD-k.

While alive a customer's purchases are every k-th event of a Poisson process with rate
λ ~ Gamma(r, α) (k = 1: every event); after each purchase it drops out with chance
p ~ Beta(a, b). ``at_birth`` is 1 in the modified models, in which the chance exists right
after the first purchase too, else 0.

Fader, Hardie & Lee (2005), Marketing Science 24(2), eq. (6); Batislam, Denizel & Filiztekin
(2007); Reutterer, Platzer & Schröder (2020), "Leveraging purchase regularity for predicting
customer behavior the easy way". With κ = r + k x the likelihood is a term of the counts
times (alive + dead), where

    alive = (α + T)^-κ Σ_{j<k} (κ)_j / j! ((T - t_x) / (α + T))^j
    dead  = a / (b + x - 1 + at_birth) (α + t_x)^-κ
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from valuetier._core.compress import Floats
from valuetier._core.likelihood import Part, Rows

Parameter = Floats | float


def log_terms(
    x: Floats,
    t_x: Floats,
    T: Floats,
    r: Parameter,
    alpha: Parameter,
    a: Parameter,
    b: Parameter,
    *,
    k: int = 1,
    at_birth: int = 0,
) -> tuple[Floats, Floats]:
    """Return the log weights of "still alive" and "dead since t_x", up to their common factor."""
    kappa = r + k * x
    alive = -kappa * np.log(alpha + T)
    if k > 1:
        alive = alive + np.log(stages(kappa, (T - t_x) / (alpha + T), k).sum(axis=0))
    mortal = x + at_birth > 0
    odds = np.log(a) - np.log(np.where(mortal, b + x - 1.0 + at_birth, 1.0))
    dead = np.where(mortal, odds - kappa * np.log(alpha + t_x), -np.inf)
    return alive, dead


def log_likelihood(
    x: Floats,
    t_x: Floats,
    T: Floats,
    sum_log_gaps: Parameter = 0.0,
    *,
    r: Parameter,
    alpha: Parameter,
    a: Parameter,
    b: Parameter,
    k: int = 1,
    at_birth: int = 0,
) -> Floats:
    """Return the log-likelihood per customer.

    Examples
    --------
    >>> x, t_x, T = np.array([0.0, 200.0]), np.array([0.0, 38.0]), np.array([40.0, 40.0])
    >>> log_likelihood(x, t_x, T, r=0.25, alpha=4.0, a=0.8, b=2.5).round(6).tolist()
    [-0.599474, 100.795693]
    """
    timing = special.gammaln(r + k * x) - special.gammaln(r) + r * np.log(alpha)
    regularity = (k - 1) * sum_log_gaps - x * special.gammaln(k)
    survival = special.betaln(a, b + x + at_birth) - special.betaln(a, b)
    alive, dead = log_terms(x, t_x, T, r, alpha, a, b, k=k, at_birth=at_birth)
    return np.asarray(timing + regularity + survival + np.logaddexp(alive, dead), dtype=np.float64)


def parts(*, k: int = 1, at_birth: int = 0) -> tuple[Part, Part]:
    """Return the terms of the log-likelihood in (r, α, a, b) over columns (x, t_x, T).

    The regularity term (k - 1) Σ log gaps - x log Γ(k) holds no parameter and is left out.
    """
    return (
        Part(lambda columns, theta: _count_rows(columns[0], theta, k, at_birth), (0,), of_counts=True),
        Part(lambda columns, theta: _time_rows(columns, theta, k, at_birth), (0, 1, 2)),
    )


def stages(kappa: Floats, share: Floats, k: int) -> Floats:
    """Return (κ)_j / j! share^j for j = 0 … k - 1: weights of the events since the last purchase."""
    terms = [np.ones(np.broadcast(kappa, share).shape)]
    for j in range(k - 1):
        terms.append(terms[-1] * (kappa + j) / (j + 1.0) * share)
    return np.array(terms)


def _count_rows(x: Floats, theta: Floats, k: int, at_birth: int) -> Rows:
    """Return log Γ(r + k x) / Γ(r) + r log α + log B(a, b + x') / B(a, b) with derivatives."""
    r, alpha, a, b = theta
    kx, y = k * x, x + at_birth
    zero = np.zeros(len(x))
    value = special.gammaln(r + kx) - special.gammaln(r) + r * np.log(alpha)
    value = value + special.betaln(a, b + y) - special.betaln(a, b)
    d_r = r * (special.digamma(r + kx) - special.digamma(r) + np.log(alpha))
    both = special.digamma(a + b) - special.digamma(a + b + y)
    d_a = a * both
    d_b = b * (both + special.digamma(b + y) - special.digamma(b))
    both_2 = trigamma(a + b) - trigamma(a + b + y)
    d_rr = d_r + r**2 * (trigamma(r + kx) - trigamma(r))
    d_bb = d_b + b**2 * (both_2 + trigamma(b + y) - trigamma(b))
    gradient = np.array([d_r, r + zero, d_a, d_b])
    hessian = [d_rr, r + zero, zero, zero, zero, zero, zero, d_a + a**2 * both_2, a * b * both_2, d_bb]
    return Rows(value, gradient, np.array(hessian))


def trigamma(z: Parameter) -> Floats:
    """Return the second derivative of log Γ."""
    return np.asarray(special.polygamma(1, z), dtype=np.float64)


def _time_rows(columns: Sequence[Floats], theta: Floats, k: int, at_birth: int) -> Rows:
    """Return log(alive + dead) with derivatives: those of both, and the spread between them."""
    x, t_x, T = columns
    r, alpha, a, b = theta
    kappa = r + k * x
    log_end, log_last = np.log(alpha + T), np.log(alpha + t_x)
    end, last = alpha / (alpha + T), alpha / (alpha + t_x)
    mortal = x + at_birth > 0
    before = np.where(mortal, b + x - 1.0 + at_birth, 1.0)
    log_stages, extra = (0.0, None) if k == 1 else _stage_rows(kappa, r, (T - t_x) / (alpha + T), end, k)
    alive = log_stages - kappa * log_end
    dead = np.where(mortal, np.log(a / before) - kappa * log_last, -np.inf)
    odds = np.exp(-np.abs(dead - alive))
    p = np.where(dead > alive, 1.0, odds) / (1.0 + odds)
    value = np.maximum(alive, dead) + np.log1p(odds)
    chance = b / before
    gap_r, gap_alpha = r * (log_end - log_last), kappa * (end - last)
    slope_alpha = -kappa * (end * (1.0 - end) + p * (last * (1.0 - last) - end * (1.0 - end)))
    d_r, d_alpha = p * gap_r - r * log_end, p * gap_alpha - kappa * end
    d_rr, d_ra, d_aa = d_r, -r * (end + p * (last - end)), slope_alpha
    if extra is not None:
        rest = 1.0 - p
        d_r, d_alpha = d_r + rest * extra[0], d_alpha + rest * extra[1]
        d_rr, d_ra, d_aa = d_rr + rest * extra[2], d_ra + rest * extra[3], d_aa + rest * extra[4]
        gap_r, gap_alpha = gap_r - extra[0], gap_alpha - extra[1]
    spread = p * (1.0 - p)
    wide_r, wide_alpha = spread * gap_r, spread * gap_alpha
    gradient = np.array([d_r, d_alpha, p, -p * chance])
    hessian = np.array([
        d_rr + wide_r * gap_r, d_ra + wide_r * gap_alpha, wide_r, -wide_r * chance,
        d_aa + wide_alpha * gap_alpha, wide_alpha, -wide_alpha * chance,
        spread, -spread * chance, spread * chance**2 - p * chance * (1.0 - chance),
    ])  # fmt: skip
    return Rows(value, gradient, hessian)


def _stage_rows(
    kappa: Floats, r: Parameter, share: Floats, end: Floats, k: int
) -> tuple[Floats, tuple[Floats, ...]]:
    """Return log Σ_j of the stages and its derivatives by log r, log α, and twice (rr, rα, αα)."""
    terms = stages(kappa, share, k)
    total = terms.sum(axis=0)
    weights = terms / total
    j = np.arange(k)[:, np.newaxis]
    steps = 1.0 / (kappa + j)
    first = np.cumsum(steps, axis=0) - steps
    second = np.cumsum(steps**2, axis=0) - steps**2
    by_r, by_alpha = r * first, -j * end
    mean_r, mean_alpha = (weights * by_r).sum(axis=0), (weights * by_alpha).sum(axis=0)
    rr = (weights * (by_r - r**2 * second + by_r**2)).sum(axis=0) - mean_r**2
    cross = (weights * by_r * by_alpha).sum(axis=0) - mean_r * mean_alpha
    aa = (weights * (by_alpha * (1.0 - end) + by_alpha**2)).sum(axis=0) - mean_alpha**2
    return np.log(total), (mean_r, mean_alpha, rr, cross, aa)
