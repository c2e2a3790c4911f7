"""BG/NBD (Fader, Hardie & Lee 2005) and MBG/NBD (Batislam, Denizel & Filiztekin 2007).

Purchases at a rate ~ Gamma(r, rate alpha); after each one the customer is lost with probability p ~ Beta(a, b):
in the BG/NBD after repeat purchases only, in the MBG/NBD after the first one too.
"""

from functools import partial
from itertools import islice

from mpmath import exp, hyp2f1, inf, log, mp, mpf

from .drawing import ROWS_PER_SET, SETS, Draw, history, outlook, with_discounted
from .numerics import (
    agreed,
    beta_mean,
    discounted_decay,
    expm1,
    gamma_mean,
    geometric_beta,
    integral_to,
    log1p,
    log_beta,
    log_nb,
    log_rising,
    nb_tail,
    nb_terms,
    power_mean,
)
from .table import Model

PARAMETERS = ("r", "alpha", "a", "b")
ROWS_WITH_DISCOUNTED = 400
INPUTS = ("x", "t_x", "T", "t", "n", "discount")

OUTPUTS = (
    "log_likelihood",
    "probability_alive",
    "probability_alive_future",
    "conditional_expected_purchases",
    "expected_purchases",
    "probability_of_purchases",
    "discounted_expected_purchases",
    "dert",
)


def parameters(draw, set_, low=1e-2, high=1e3):
    """Return parameters; a near 1 and a + b < 1, where closed forms fail, among them."""
    if set_ == "extreme":
        return {name: draw.log_uniform(low, high) for name in PARAMETERS}
    values = {
        "r": draw.uniform(0.1, 5),
        "alpha": draw.uniform(1, 200),
        "a": draw.uniform(0.1, 5),
        "b": draw.uniform(0.3, 10),
    }
    if draw.chance(0.1):
        return values | {"a": draw.near_one()}
    if draw.chance(0.1):
        a = draw.uniform(0.1, 0.65)
        return values | {"a": a, "b": draw.uniform(0.3, 0.99 - a)}
    return values


def rows(name):
    """Return the rows of a table."""
    draw = Draw(name)
    result = []
    for set_ in SETS:
        for _ in range(ROWS_PER_SET):
            params = parameters(draw, set_)
            customer = history(draw, set_, most=5000)
            result.append(
                {"set": set_} | params | customer | outlook(draw, set_, params["r"] / params["alpha"])
            )
    return with_discounted(result, draw, ROWS_WITH_DISCOUNTED)


def survival(p, k, z):
    """Return (1-(1+pz)^-k)/p and (1+pz)^-k: purchases without discount, and no dropout, at given p."""
    y = -k * log1p(p * z)
    return -expm1(y) / p, exp(y)


def discounted_at(p, k, A, t, discount):
    """Return the discounted purchases up to t and for ever of a customer with this p, alive now."""
    if inf == A:
        return mpf(0), mpf(0)
    whole = discounted_decay(discount, A / p, k + 1)
    later = exp(-discount * t - (k + 1) * log1p(p * t / A)) * discounted_decay(discount, A / p + t, k + 1)
    return k / A * (whole - later), k / A * whole


def values(first, row):
    """Return the values of a row; first is 1 where the first purchase too can be followed by dropout, else 0."""
    r, alpha, a, b = (row[name] for name in PARAMETERS)
    x, t_x, T, t, n, discount = (row[name] for name in INPUTS)
    k, A, d = r + x, alpha + T, b + x + first
    log_prior = log_beta(a, b)
    log_alive = log_rising(r, x) + r * log(alpha) + log_beta(a, d) - log_prior - k * log(A)
    # lost at t_x, relative to alive at T
    lost = a / (d - 1) * exp(k * log(A / (alpha + t_x))) if x or first else mpf(0)
    p_alive = 1 / (1 + lost)
    later, stays = beta_mean(lambda p, q: survival(p, k, t / A), a, d)
    new = beta_mean(lambda p, q: survival(p, r, t / alpha), a, b + first)[0]
    result = {
        "log_likelihood": log_alive - log(p_alive),
        "probability_alive": p_alive,
        "probability_alive_future": p_alive * stays,
        "conditional_expected_purchases": p_alive * later,
        "expected_purchases": new * (b / (a + b) if first else 1),
        "probability_of_purchases": count_probability(first, n, t, r, alpha, a, b),
        "discounted_expected_purchases": None,
        "dert": None,
    }
    if row["discounted"]:
        part, whole = beta_mean(lambda p, q: discounted_at(p, k, A, t, discount), a, d)
        result |= {"discounted_expected_purchases": p_alive * part, "dert": p_alive * whole}
    return result


def count_probability(first, n, t, r, alpha, a, b):
    """Return P(X(t) = n) of a new customer."""
    alive = power_mean(a, b, n + first) * exp(log_nb(n, r, t / alpha))
    if n + first == 0:
        return alive
    lost = exp(log_beta(a + 1, b + n - 1 + first) - log_beta(a, b))
    return alive + lost * nb_tail(n, r, t / alpha)


def purchases_closed(k, a, d, z):
    """Return E[(1-(1+pz)^-k)/p], p ~ Beta(a, d), by the published ₂F₁ form, at a = 1 as a limit."""
    if a == 1:
        a += mpf(10) ** (-mp.dps // 2)
    return agreed(lambda: (a + d - 1) / (a - 1) * (1 - hyp2f1(k, a - 1, a + d - 1, -z)))


def alternatives(first, row):
    """Return the values by other formulas."""
    r, alpha, a, b = (row[name] for name in PARAMETERS)
    x, t_x, T, t, n, discount = (row[name] for name in INPUTS)
    k, A, d = r + x, alpha + T, b + x + first
    alive = power_mean(a, b, x + first)
    lost = power_mean(a, b, x - 1 + first) - alive if x or first else mpf(0)  # E[p (1-p)^(x-1)]
    # the likelihood at given rate, less the power of the rate, which makes the prior Gamma(r + x)
    stays, leaves = gamma_mean(lambda rate: (exp(-rate * T), exp(-rate * t_x)), k, alpha)
    both = alive * stays + lost * leaves
    p_alive = alive * stays / both
    result = {
        "log_likelihood": log_rising(r, x) - x * log(alpha) + log(both),
        "probability_alive": p_alive,
        "probability_alive_future": p_alive * agreed(hyp2f1, k, a, a + d, -t / A),
        "conditional_expected_purchases": p_alive * purchases_closed(k, a, d, t / A),
        "expected_purchases": purchases_closed(r, a, b + first, t / alpha) * (b / (a + b) if first else 1),
        "probability_of_purchases": count_closed(first, n, t, r, alpha, a, b),
    }
    if row["discounted"]:

        def density(u):
            return (k / A * exp(-discount * u) * agreed(hyp2f1, k + 1, a, a + d, -u / A),)

        def for_ever(rate):
            y = rate / (rate + discount)
            return (y * geometric_beta(d, a + d, y),)

        result |= {
            "discounted_expected_purchases": p_alive * integral_to(density, t, A)[0],
            "dert": p_alive * gamma_mean(for_ever, k, A)[0],
        }
    return result


def count_closed(first, n, t, r, alpha, a, b):
    """Return P(X(t) = n), the tail of the negative binomial as 1 minus its first terms."""
    with mp.workdps(mp.dps + 350):
        terms = list(islice(nb_terms(r, t / alpha), n + 1))
        tail = 1 - mp.fsum(terms[:-1])
    stays = power_mean(a, b, n + first)
    leaves = power_mean(a, b, n + first - 1) - stays if n + first else mpf(0)
    return stays * terms[-1] + leaves * tail


MODELS = {
    name: Model(
        name=name,
        inputs=("set", *PARAMETERS, *INPUTS),
        outputs=OUTPUTS,
        rows=partial(rows, name),
        values=partial(values, first),
        alternatives=partial(alternatives, first),
    )
    for name, first in (("bgnbd", 0), ("mbgnbd", 1))
}
