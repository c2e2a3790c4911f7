"""Gamma-Gamma (Fader & Hardie, note 025): order values ~ Gamma(p, rate ν), ν ~ Gamma(q, rate v)."""

from mpmath import exp, log

from .drawing import ROWS_PER_SET, SETS, Draw
from .numerics import gamma_mean, log_beta
from .table import Model

PARAMETERS = ("p", "q", "v")


def rows():
    """Return the rows of the table."""
    draw = Draw("gamma_gamma")
    return [
        {"set": set_} | row(draw, extreme=set_ == "extreme") for set_ in SETS for _ in range(ROWS_PER_SET)
    ]


def row(draw, extreme):
    """Return the inputs of a row; x = 0 has no mean m, written as 0."""
    if extreme:
        values = {name: draw.log_uniform(1e-2, 1e3) for name in PARAMETERS}
        x = 0 if draw.chance(0.1) else draw.log_integer(1, 5000)
    else:
        values = {"p": draw.uniform(0.5, 20), "q": draw.uniform(1.2, 20), "v": draw.uniform(1, 100)}
        x = 0 if draw.chance(0.1) else draw.log_integer(1, 60)
    if x == 0:
        m = 0.0
    elif extreme:
        m = draw.log_uniform(1e-3, 1e6)
    else:
        m = draw.log_uniform(1, 500)
    return values | {"x": x, "m": m}


def values(row):
    """Return the values of a row: no likelihood without orders, no expected value where it does not exist."""
    p, q, v, x, m = (row[name] for name in (*PARAMETERS, "x", "m"))
    shape = p * x
    return {
        "log_likelihood": density(shape, q, v, x, m) if x else None,
        "expected_value": p * (v + x * m) / (shape + q - 1) if shape + q > 1 else None,
    }


def density(shape, q, v, x, m):
    """Return the log-density of the mean m of x orders."""
    return shape * log(x * m) - log(m) - log_beta(shape, q) + q * log(v) - (shape + q) * log(x * m + v)


def alternatives(row):
    """Return the values as integrals over the rate ν."""
    p, q, v, x, m = (row[name] for name in (*PARAMETERS, "x", "m"))
    shape, rate = p * x + q, v + x * m
    result = {}
    if x and shape < 1000:  # beyond, the hump is too narrow and too far off for gamma_mean
        # x m ~ Gamma(p x, ν); the power of ν makes the prior Gamma(p x + q, v)
        (decay,) = gamma_mean(lambda nu: (exp(-nu * x * m),), shape, v)
        constants = p * x * log(x) + (p * x - 1) * log(m) - p * x * log(v) - log_beta(p * x, q)
        result["log_likelihood"] = constants + log(decay)
    if shape > 1:
        (result["expected_value"],) = gamma_mean(lambda nu: (p / nu,), shape, rate)
    return result


MODEL = Model(
    name="gamma_gamma",
    inputs=("set", *PARAMETERS, "x", "m"),
    outputs=("log_likelihood", "expected_value"),
    rows=rows,
    values=values,
    alternatives=alternatives,
)
