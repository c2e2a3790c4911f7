"""Shifted beta-geometric (Fader & Hardie 2007, 2010): churn with probability θ ~ Beta(alpha, beta) at each renewal."""

from mpmath import exp, hyp2f1, log, mp

from .drawing import ROWS_PER_SET, SETS, Draw
from .numerics import agreed, beta_mean, log_beta, power_mean
from .table import Model

PARAMETERS = ("alpha", "beta")
INPUTS = ("t", "n", "discount")


def rows():
    """Return the rows of the table."""
    draw = Draw("sbg")
    return [
        {"set": set_} | row(draw, extreme=set_ == "extreme") for set_ in SETS for _ in range(ROWS_PER_SET)
    ]


def row(draw, extreme):
    """Return the inputs of a row."""
    low, high = (1e-2, 1e3) if extreme else (0.05, 10)
    values = {name: draw.log_uniform(low, high) for name in PARAMETERS}
    if extreme:
        outlook = {"t": draw.log_integer(1, 1000), "n": draw.log_integer(1, 1000)}
        return values | outlook | {"discount": draw.log_uniform(1e-4, 1)}
    outlook = {"t": draw.integer(1, 40), "n": draw.integer(1, 20)}
    return values | outlook | {"discount": draw.log_uniform(0.005, 0.3)}


def values(row):
    """Return the values of a row."""
    alpha, beta, t, n, discount = (row[name] for name in (*PARAMETERS, *INPUTS))
    # the sum over i of E[(1-θ)^(i+1)] / (1+d)^i, θ as known after n - 1 renewals
    (derl,) = beta_mean(lambda theta, stays: (stays / (theta + discount),), alpha, beta + n - 1)
    return {
        "survival": power_mean(alpha, beta, t),
        "retention": (beta + t - 1) / (alpha + beta + t - 1),
        "log_churn": log_beta(alpha + 1, beta + t - 1) - log_beta(alpha, beta),
        "derl": (1 + discount) * derl,
    }


def alternatives(row):
    """Return the values by other formulas: products of the retention rates, the published ₂F₁ form."""
    alpha, beta, t, n, discount = (row[name] for name in (*PARAMETERS, *INPUTS))
    survival = mp.fprod((beta + i) / (alpha + beta + i) for i in range(t))
    before = mp.fprod((beta + i) / (alpha + beta + i) for i in range(t - 1))
    retention = (beta + n - 1) / (alpha + beta + n - 1)
    return {
        "survival": survival,
        "retention": exp(log_beta(alpha, beta + t) - log_beta(alpha, beta + t - 1)),
        "log_churn": log(before - survival),
        "derl": retention * agreed(hyp2f1, 1, beta + n, alpha + beta + n, 1 / (1 + discount)),
    }


MODEL = Model(
    name="sbg",
    inputs=("set", *PARAMETERS, *INPUTS),
    outputs=("survival", "retention", "log_churn", "derl"),
    rows=rows,
    values=values,
    alternatives=alternatives,
)
