"""Every quantity of every model against tables that were computed with 50 digits from the models alone."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from tests.conftest import DATA
from valuetier._core import bgbb, bgnbd, cnbdk, gamma_gamma, pareto_nbd, sbg
from valuetier._core.discount import discounted_within

BETA_GEOMETRIC, PARETO = ("r", "alpha", "a", "b"), ("r", "alpha", "s", "beta")
BGBB, SPEND, SBG = ("alpha", "beta", "gamma", "delta"), ("p", "q", "v"), ("alpha", "beta")

# name: equations, parameters, options that are the same for all rows
CONTINUOUS = {
    "bgnbd": (bgnbd, BETA_GEOMETRIC, {}),
    "mbgnbd": (bgnbd, BETA_GEOMETRIC, {"at_birth": 1}),
    "pareto_nbd": (pareto_nbd, PARETO, {}),
    "cnbdk": (cnbdk, BETA_GEOMETRIC, {}),
    "mcnbdk": (cnbdk, BETA_GEOMETRIC, {"at_birth": 1}),
}
PLAIN = (
    "log_likelihood",
    "probability_alive",
    "probability_alive_future",
    "conditional_expected_purchases",
    "expected_purchases",
    "probability_of_purchases",
)
DISCOUNTED = ("discounted_expected_purchases", "dert")


# Of what needs long sums or integrals for each row, every so many rows are computed, at least 100.
EVERY = {
    ("bgnbd", "dert"): 3,
    ("mbgnbd", "dert"): 3,
    ("bgnbd", "discounted_expected_purchases"): 2,
    ("mbgnbd", "discounted_expected_purchases"): 2,
    ("cnbdk", "probability_alive_future"): 3,
    ("mcnbdk", "probability_alive_future"): 3,
    ("bgbb", "discounted_expected_purchases"): 3,
    ("bgbb", "dert"): 4,
    ("sbg", "derl"): 4,
}


@cache
def table(name):
    """Return a model's table, which has to be complete."""
    rows = pd.read_csv(DATA / "models" / f"{name}.csv.gz")
    assert (len(rows), set(rows["set"])) == (2000, {"practical", "extreme"})
    return rows


def stated(name, quantity):
    """Return the rows that state a quantity, at least a tenth of the table, or some of them (``EVERY``)."""
    rows = table(name)
    rows = rows[rows[quantity].notna()]
    assert len(rows) >= 190
    return rows.iloc[:: EVERY.get((name, quantity), 1)]


def soonest_over(rows):
    """Return the 100 rows with the fewest events until the discount has taken all: no sum is long."""
    events = (rows["r"] + rows["k"] * rows["x"]) / (rows["alpha"] + rows["T"]) / rows["discount"]
    return rows[events.rank() <= 100]


def in_groups(rows, by, function):
    """Return the function's values of all rows; ``by`` is the same for all rows of a call."""
    found = np.full(len(rows), np.nan)
    for _, places in rows.groupby(by).indices.items():
        found[places] = function(rows.iloc[places])
    return found


def columns(rows, *names):
    return [rows[name].to_numpy(dtype=float) for name in names]


def same(found, rows, quantity):
    """Assert that all values are finite and right to nine digits; logs and negative ones may be near 0."""
    expected = rows[quantity].to_numpy()
    log = quantity.startswith("log_")
    error = np.abs(found - expected) / (np.maximum(1, np.abs(expected)) if log else expected)
    right = np.isfinite(found) & (error <= 1e-9) & (log | (found >= 0))
    wrong = rows[~right].assign(found=found[~right], error=error[~right])
    assert wrong.empty, f"{len(wrong)} of {len(rows)} rows, the first: {wrong.iloc[0].to_dict()}"


def continuous(equations, names, options, quantity, rows):
    """Return a quantity of customers of a model in continuous time, all in one call."""
    params = dict(zip(names, columns(rows, *names), strict=True)) | options
    x, t_x, T, t, n, discount = columns(rows, "x", "t_x", "T", "t", "n", "discount")
    if quantity == "log_likelihood":
        gaps = columns(rows, "litt") if "litt" in rows else ()
        return equations.log_likelihood(x, t_x, T, *gaps, **params)
    if quantity == "probability_alive":
        return equations.probability_alive(x, t_x, T, **params)
    if quantity == "probability_alive_future":
        return equations.probability_alive(x, t_x, T, t, **params)
    if quantity == "conditional_expected_purchases":
        return equations.conditional_expected_purchases(t, x, t_x, T, **params)
    if quantity == "expected_purchases":
        return equations.expected_purchases(t, **params)
    if quantity == "probability_of_purchases":
        return equations.probability_of_purchases(n, t, **params)

    def if_alive(times, places):
        some = {name: value[places] if np.ndim(value) else value for name, value in params.items()}
        return equations.expected_if_alive(times, x[places], t_x[places], T[places], **some)

    horizon = t if quantity == "discounted_expected_purchases" else np.full_like(t, np.inf)
    scale = equations.time_scale(x, T, **params)
    value = discounted_within(if_alive, horizon, discount, scale, stepwise="k" in params)
    return equations.probability_alive(x, t_x, T, **params) * value


@pytest.mark.parametrize("quantity", PLAIN + DISCOUNTED)
@pytest.mark.parametrize("name", ["bgnbd", "mbgnbd", "pareto_nbd"])
def test_models_in_continuous_time(name, quantity):
    """Nine digits are right in 1,000 practical and 1,000 extreme rows, never NaN, infinite or negative."""
    rows = stated(name, quantity)
    same(continuous(*CONTINUOUS[name], quantity, rows), rows, quantity)


@pytest.mark.parametrize("quantity", PLAIN + DISCOUNTED)
@pytest.mark.parametrize("name", ["cnbdk", "mcnbdk"])
def test_models_of_regular_buyers(name, quantity):
    """The same with regularity k = 1, 2, 3, …, all rows of a k in one call; of ``dert`` 100 rows."""
    rows = stated(name, quantity)
    rows = soonest_over(rows) if quantity == "dert" else rows
    equations, names, options = CONTINUOUS[name]

    def of_one_k(some):
        k = {"k": int(some["k"].iloc[0])}
        return continuous(equations, names, options | k, quantity, some)

    same(in_groups(rows, "k", of_one_k), rows, quantity)


@pytest.mark.parametrize("quantity", PLAIN + DISCOUNTED)
def test_bgbb(quantity):
    """BG/BB: nine digits in all rows; the discount is one number a call."""
    rows = stated("bgbb", quantity)

    def value(some):
        params = dict(zip(BGBB, columns(some, *BGBB), strict=True))
        x, t_x, n, t, m = columns(some, "x", "t_x", "n", "t", "n_purchases")
        discount = float(some["discount"].iloc[0])
        calls = {
            "log_likelihood": lambda: bgbb.log_likelihood(x, t_x, n, **params),
            "probability_alive": lambda: bgbb.probability_alive(x, t_x, n, **params),
            "probability_alive_future": lambda: bgbb.probability_alive(x, t_x, n, t, **params),
            "conditional_expected_purchases": lambda: bgbb.conditional_expected_purchases(
                t, x, t_x, n, **params
            ),
            "expected_purchases": lambda: bgbb.expected_purchases(t, **params),
            "probability_of_purchases": lambda: bgbb.probability_of_purchases(m, t, **params),
            "discounted_expected_purchases": lambda: bgbb.discounted_expected_purchases(
                t, discount, x, t_x, n, **params
            ),
            "dert": lambda: bgbb.discounted_expected_purchases(np.inf, discount, x, t_x, n, **params),
        }
        return calls[quantity]()

    same(in_groups(rows, "discount", value) if quantity in DISCOUNTED else value(rows), rows, quantity)


@pytest.mark.parametrize("quantity", ["log_likelihood", "expected_value"])
def test_gamma_gamma(quantity):
    """Gamma-Gamma: nine digits of the likelihood with orders, and of every finite expected value."""
    rows = stated("gamma_gamma", quantity)
    params = dict(zip(SPEND, columns(rows, *SPEND), strict=True))
    same(getattr(gamma_gamma, quantity)(*columns(rows, "x", "m"), **params), rows, quantity)


@pytest.mark.parametrize("quantity", ["survival", "retention", "log_churn", "derl"])
def test_sbg(quantity):
    """sBG: nine digits of curves, likelihood and residual lifetime; the discount is one number a call."""
    rows = stated("sbg", quantity)

    def value(some):
        params = dict(zip(SBG, columns(some, *SBG), strict=True))
        t, n = columns(some, "t", "n")
        if quantity == "log_churn":
            return sbg.log_likelihood(t, np.ones_like(t), **params)
        if quantity == "derl":
            discount = float(some["discount"].iloc[0])
            return sbg.discounted_renewals(np.full_like(n, np.inf), discount, n - 1, **params)
        return getattr(sbg, quantity)(t, **params)

    same(in_groups(rows, "discount", value) if quantity == "derl" else value(rows), rows, quantity)
