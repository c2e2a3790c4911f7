"""Pareto/NBD (Schmittlein, Morrison & Colombo 1987; Fader & Hardie, notes 008 and 015).

Purchases at a rate ~ Gamma(r, rate alpha) during a lifetime exponential at a rate ~ Gamma(s, rate beta).
"""

from mpmath import exp, log, mpf

from .drawing import ROWS_PER_SET, SETS, Draw, history, outlook
from .numerics import (
    discounted_decay,
    expm1,
    geometric_beta,
    half_line_integral,
    interval_integral,
    log1p,
    log_nb,
    log_rising,
)
from .table import Model

PARAMETERS = ("r", "alpha", "s", "beta")


def parameters(draw, set_):
    """Return parameters; s near 1 and alpha = beta, where closed forms have their removable poles, among them."""
    if set_ == "extreme":
        values = {name: draw.log_uniform(1e-2, 1e3) for name in PARAMETERS}
    else:
        values = {
            "r": draw.uniform(0.1, 5),
            "alpha": draw.uniform(1, 200),
            "s": draw.near_one() if draw.chance(0.1) else draw.uniform(0.1, 5),
            "beta": draw.uniform(1, 200),
        }
    return values | {"beta": values["alpha"]} if draw.chance(0.03) else values


def rows():
    """Return the rows of the table."""
    draw = Draw("pareto_nbd")
    result = []
    for set_ in SETS:
        for _ in range(ROWS_PER_SET):
            params = parameters(draw, set_)
            customer = history(draw, set_, most=5000)
            result.append(
                {"set": set_} | params | customer | outlook(draw, set_, params["r"] / params["alpha"])
            )
    return result


def alive_time(s, beta, t):
    """Return the integral of (1 + u/beta)^-s over 0 < u < t."""
    y = (1 - s) * log1p(t / beta)
    return beta * (log1p(t / beta) if s == 1 else expm1(y) / (1 - s))


def values(row):
    """Return the values of a row."""
    r, alpha, s, beta = (row[name] for name in PARAMETERS)
    x, t_x, T, t, n, discount = (row[name] for name in ("x", "t_x", "T", "t", "n", "discount"))
    k, A, B = r + x, alpha + T, beta + T
    # lifetime ended at t_x + u, relative to lifetime longer than T
    ended = mpf(0)
    if t_x < T:
        since = T - t_x

        def density(u):
            late = since - u
            return (exp(-k * log1p(-late / A) - (s + 1) * log1p(-late / B)),)

        (ended,) = interval_integral(density, since)
        ended *= s / B
    p_alive = 1 / (1 + ended)
    log_alive = log_rising(r, x) + r * log(alpha) - k * log(A) - s * log1p(T / beta)
    rate = p_alive * k / A

    (died,) = interval_integral(
        lambda u: (s / beta * exp(-(s + 1) * log1p(u / beta) + log_nb(n, r, u / alpha)),), t
    )
    return {
        "log_likelihood": log_alive - log(p_alive),
        "probability_alive": p_alive,
        "probability_alive_future": p_alive * exp(-s * log1p(t / B)),
        "conditional_expected_purchases": rate * alive_time(s, B, t),
        "expected_purchases": r / alpha * alive_time(s, beta, t),
        "probability_of_purchases": exp(log_nb(n, r, t / alpha) - s * log1p(t / beta)) + died,
        "discounted_expected_purchases": rate * discounted_decay(discount, B, s, t),
        "dert": rate * discounted_decay(discount, B, s),
    }


def ended_closed(k, s, alpha, beta, t):
    """Return the integral of (alpha+u)^-k (beta+u)^-(s+1) over u > t, by Euler's form of the published ₂F₁."""
    scale = (alpha + t) ** -k * (beta + t) ** -s / (k + s)
    if alpha >= beta:
        return scale * geometric_beta(k, k + s + 1, (alpha - beta) / (alpha + t))
    return scale * (alpha + t) / (beta + t) * geometric_beta(s + 1, k + s + 1, (beta - alpha) / (beta + t))


def reached(n, r, alpha, s, beta, t):
    """Return the probability of an n-th purchase up to t: it comes while the customer is alive."""
    if n == 0:
        return mpf(1)
    density = lambda u: (n / u * exp(log_nb(n, r, u / alpha) - s * log1p(u / beta)),)  # noqa: E731
    return interval_integral(density, t)[0]


def alternatives(row):
    """Return the values by other formulas."""
    r, alpha, s, beta = (row[name] for name in PARAMETERS)
    x, t_x, T, t, n, discount = (row[name] for name in ("x", "t_x", "T", "t", "n", "discount"))
    k, A, B = r + x, alpha + T, beta + T
    alive = A**-k * B**-s
    both = alive + s * (ended_closed(k, s, alpha, beta, t_x) - ended_closed(k, s, alpha, beta, T))
    p_alive, rate = alive / both, alive / both * k / A

    def decay(u):
        return (exp(-s * log1p(u / B)),)

    def discounted_decay(u):
        return (exp(-discount * u - s * log1p(u / B)),)

    scale = 1 / (discount + s / B)
    return {
        "log_likelihood": log_rising(r, x) + r * log(alpha) + s * log(beta) + log(both),
        "probability_alive": p_alive,
        "probability_alive_future": p_alive * (B / (B + t)) ** s,
        "conditional_expected_purchases": rate * interval_integral(decay, t)[0],
        "expected_purchases": r / alpha * interval_integral(lambda u: ((beta / (beta + u)) ** s,), t)[0],
        "probability_of_purchases": reached(n, r, alpha, s, beta, t) - reached(n + 1, r, alpha, s, beta, t),
        "discounted_expected_purchases": rate * interval_integral(discounted_decay, t)[0],
        "dert": rate * half_line_integral(discounted_decay, scale)[0],
    }


MODEL = Model(
    name="pareto_nbd",
    inputs=("set", *PARAMETERS, "x", "t_x", "T", "t", "n", "discount"),
    outputs=(
        "log_likelihood",
        "probability_alive",
        "probability_alive_future",
        "conditional_expected_purchases",
        "expected_purchases",
        "probability_of_purchases",
        "discounted_expected_purchases",
        "dert",
    ),
    rows=rows,
    values=values,
    alternatives=alternatives,
)
