"""BG/NBD and MBG/NBD: what their customers are expected to do.

Fader, Hardie & Lee (2005), "Counting Your Customers the Easy Way", Marketing Science 24(2):
"FHL" below; Batislam, Denizel & Filiztekin (2007) for the modified model, in which a customer
may drop out right after the first purchase too (``at_birth=1``). Time is in any unit; x repeat
purchases, the last at t_x, observed until T. The likelihood is in ``beta_geometric``.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from valuetier._core.beta_geometric import log_likelihood, log_terms
from valuetier._core.compress import Floats
from valuetier._core.special import chance_to_stay, mean_purchases

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
    *, r: Parameter, alpha: Parameter, a: Parameter, b: Parameter, at_birth: int = 0,
) -> Floats:  # fmt: skip
    """Return P(alive at T + later), in logs (Fader & Hardie's note 027); at T it is 1 for x = 0.

    Examples
    --------
    >>> x, t_x, T = np.array([0.0, 2.0]), np.array([0.0, 30.43]), np.array([38.86, 38.86])
    >>> probability_alive(x, t_x, T, r=0.243, alpha=4.414, a=0.793, b=2.426).round(4).tolist()
    [1.0, 0.7266]
    """
    alive, dead = log_terms(x, t_x, T, r, alpha, a, b, at_birth=at_birth)
    now = special.expit(alive - dead)
    if not np.any(later):
        return np.asarray(now, dtype=np.float64)
    return np.asarray(now * chance_to_stay(later / (alpha + T), r + x, a, b + x + at_birth))


def expected_purchases(
    t: Floats, *, r: Parameter, alpha: Parameter, a: Parameter, b: Parameter, at_birth: int = 0
) -> Floats:
    """Return the purchases expected of a new customer within t, FHL eq. (9).

    Examples
    --------
    >>> expected_purchases(np.array([1.0]), r=0.243, alpha=4.414, a=0.793, b=2.426).round(4).tolist()
    [0.0533]
    """
    born = b / (a + b) if at_birth else 1.0
    return np.asarray(born * mean_purchases(t / alpha, np.asarray(r), a, np.asarray(b + at_birth)))


def conditional_expected_purchases(
    t: Floats, x: Floats, t_x: Floats, T: Floats,
    *, r: Parameter, alpha: Parameter, a: Parameter, b: Parameter, at_birth: int = 0,
) -> Floats:  # fmt: skip
    """Return the purchases expected in (T, T + t], FHL eq. (10), evaluated without cancellation."""
    alive = probability_alive(x, t_x, T, r=r, alpha=alpha, a=a, b=b, at_birth=at_birth)
    return alive * expected_if_alive(t, x, t_x, T, r=r, alpha=alpha, a=a, b=b, at_birth=at_birth)


def expected_if_alive(
    t: Floats, x: Floats, _t_x: Floats, T: Floats,
    *, r: Parameter, alpha: Parameter, a: Parameter, b: Parameter, at_birth: int = 0,
) -> Floats:  # fmt: skip
    """Return the purchases expected in (T, T + t] of a customer who is alive at T."""
    return mean_purchases(t / (alpha + T), r + x, a, b + x + at_birth)


def time_scale(
    x: Floats, T: Floats, *, r: Parameter, alpha: Parameter, a: Parameter, b: Parameter, at_birth: int = 0
) -> Floats:
    """Return the time within which a living customer's dropout shows in the expectation."""
    chance = np.maximum(a / (a + b + x + at_birth), 0.125)  # some leave sooner than most
    return np.asarray((alpha + T) / np.maximum(1.0, chance * (r + x)))


def probability_of_purchases(
    n: Floats, t: Floats,
    *, r: Parameter, alpha: Parameter, a: Parameter, b: Parameter, at_birth: int = 0,
) -> Floats:  # fmt: skip
    """Return P(X(t) = n) for a new customer, FHL eq. (8), as a sum of positive terms.

    The dead term of eq. (8) is one minus a sum; here it is the regularised incomplete
    beta function I(t / (α + t); n, r), which keeps its digits.
    """
    y = n + at_birth
    log_alive = (
        special.betaln(a, b + y) - special.betaln(a, b)
        + special.gammaln(r + n) - special.gammaln(r) - special.gammaln(n + 1.0)
        - r * np.log1p(t / alpha) + special.xlogy(n, t / (alpha + t))
    )  # fmt: skip
    last = np.maximum(y, 1.0)
    log_drop = special.betaln(a + 1.0, b + last - 1.0) - special.betaln(a, b)
    reached = np.where(n > 0, special.betainc(np.maximum(n, 1.0), r, t / (alpha + t)), 1.0)
    return np.asarray(np.exp(log_alive) + np.where(y > 0, np.exp(log_drop) * reached, 0.0))


def simulate(
    T: Floats, rng: np.random.Generator,
    *, r: Parameter, alpha: Parameter, a: Parameter, b: Parameter, at_birth: int = 0,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Return (x, t_x) of one simulated customer per entry of ``T``."""
    n = len(T)
    rate = rng.gamma(r, 1.0, n) / alpha
    chance = rng.beta(a, b, n)
    x, t_x, now = np.zeros(n), np.zeros(n), np.zeros(n)
    active = np.arange(n)
    if at_birth:
        active = active[rng.random(n) >= chance]
    while len(active):
        with np.errstate(divide="ignore", over="ignore"):
            now[active] += rng.exponential(1.0, len(active)) / rate[active]
        active = active[now[active] <= T[active]]
        x[active] += 1.0
        t_x[active] = now[active]
        active = active[rng.random(len(active)) >= chance[active]]
    return x, t_x
