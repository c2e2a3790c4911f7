"""The equations of the sBG model of contracts."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from tests.core.laws import check_derivatives, log_uniform, log_uniforms, logs
from valuetier._core import sbg
from valuetier._core.likelihood import Sample

NAMES = ("alpha", "beta")
REGULAR = {"alpha": 0.70407729, "beta": 1.18204301}
wide = log_uniforms(1e-2, 1e3, *NAMES)
moderate = log_uniforms(0.1, 20, *NAMES)


@pytest.mark.parametrize("theta", [("0.7", "1.2"), ("3", "0.25"), ("1", "1")])
def test_curves_equal_products_of_fractions(theta):
    """Survival is the product of the retention rates, churn what is lost of it: Fader & Hardie (2007), (7), (8)."""
    alpha, beta = map(Fraction, theta)
    params = dict(zip(NAMES, map(float, theta), strict=True))
    rates = [(beta + t - 1) / (alpha + beta + t - 1) for t in range(1, 12)]
    survivors = [math.prod(rates[:t], start=Fraction(1)) for t in range(12)]
    t = np.arange(12.0)
    np.testing.assert_allclose(sbg.survival(t, **params), [float(s) for s in survivors], rtol=1e-12)
    np.testing.assert_allclose(sbg.retention(t[1:], **params), [float(rate) for rate in rates], rtol=1e-12)
    churn = [math.log(before - after) for before, after in itertools.pairwise(survivors)]
    found = sbg.log_likelihood(t[1:], np.ones(11), **params)
    np.testing.assert_allclose(found, churn, rtol=1e-12)
    found = sbg.log_likelihood(t, np.zeros(12), **params)
    np.testing.assert_allclose(found, [math.log(s) for s in survivors], rtol=1e-12, atol=1e-14)


@given(params=wide, observed=st.integers(1, 200))
def test_all_outcomes_have_a_chance_of_one(params, observed):
    """To churn at some renewal, or never, is certain; the retention rate rises with every renewal."""
    t = np.arange(1.0, observed + 1)
    churn = np.exp(sbg.log_likelihood(t, np.ones(observed), **params))
    stay = np.exp(sbg.log_likelihood(t[-1:], np.zeros(1), **params))
    assert churn.sum() + stay[0] == pytest.approx(1, abs=1e-9)
    rates = sbg.retention(t, **params)
    assert ((rates > 0) & (rates < 1)).all()
    assert (np.diff(rates) >= 0).all()


@given(
    rows=st.lists(st.tuples(st.integers(1, 100), st.booleans()), min_size=1, max_size=10),
    params=moderate,
)
def test_derivatives_equal_finite_differences(rows, params):
    """The total is the weighted sum of the rows; gradient and Hessian are its slopes."""
    observed = tuple(np.array(rows, dtype=float).T)
    weights = np.linspace(1, 3, len(rows))
    sample, working = Sample(sbg.PARTS, observed, weights), logs(params, NAMES)
    expected = weights @ sbg.log_likelihood(*observed, **params)
    assert sample(working).value == pytest.approx(expected, rel=1e-9, abs=1e-9)
    check_derivatives(sample, working)


@given(params=wide, renewed=st.integers(0, 50), t=st.integers(1, 5_000), discount=log_uniform(1e-5, 0.9))
def test_renewals_equal_direct_sums(params, renewed, t, discount):
    """Renewals, discounted or not, are sums of conditional survival: the first one undiscounted."""
    i = np.arange(1.0, t + 1)
    left = params | {"beta": params["beta"] + renewed}
    ends, before = np.array([float(t)]), np.array([float(renewed)])
    stays = sbg.survival(i, **left)
    found = sbg.expected_renewals(ends, before, **params)[0]
    assert found == pytest.approx(stays.sum(), rel=1e-10)
    found = sbg.discounted_renewals(ends, discount, before, **params)[0]
    assert found == pytest.approx(stays @ (1 + discount) ** (1 - i), rel=1e-10)


@settings(max_examples=20)
@given(params=wide, renewed=st.integers(0, 50), discount=log_uniform(1e-3, 0.9))
def test_residual_lifetime_equals_its_closed_form(params, renewed, discount):
    """For ever, it is the published ₂F₁ and the value of a very long horizon; it rises with tenure."""
    n = np.array([renewed, renewed + 1.0])
    forever = sbg.discounted_renewals(np.full(2, np.inf), discount, n, **params)
    long = sbg.discounted_renewals(np.full(2, math.ceil(60 / math.log1p(discount))), discount, n, **params)
    np.testing.assert_allclose(forever, long, rtol=1e-10)
    assert forever[1] >= forever[0]
    alpha, start = params["alpha"], params["beta"] + renewed
    share = 1 / (1 + discount)
    closed = start / (alpha + start) * special.hyp2f1(1, start + 1, alpha + start + 1, share)
    if alpha < 20 and start < 60:  # where SciPy's ₂F₁ keeps its digits
        assert forever[0] == pytest.approx(closed, rel=1e-7)


def test_customers_have_their_own_horizons():
    """Horizons and past renewals may differ by customer; each result is what it is alone."""
    ends, renewed = np.array([3.0, 500, np.inf, 3]), np.array([0.0, 4, 2, 7])
    together = sbg.discounted_renewals(ends, 0.1, renewed, **REGULAR)
    alone = [
        sbg.discounted_renewals(np.array([end]), 0.1, np.array([before]), **REGULAR)[0]
        for end, before in zip(ends, renewed, strict=True)
    ]
    np.testing.assert_allclose(together, alone, rtol=1e-13)


@settings(max_examples=15)
@given(params=moderate, seed=st.integers(0, 1000))
def test_simulated_customers_follow_the_model(params, seed):
    """Churn of simulated customers has the model's chances, within five standard errors."""
    n, T = 20_000, 5
    periods, churned = sbg.simulate(np.full(n, float(T)), np.random.default_rng(seed), **params)
    assert ((periods >= 1) & (periods <= T)).all()
    assert (periods[churned == 0] == T).all()
    for t, gone in [*((t, 1.0) for t in range(1, T + 1)), (T, 0.0)]:
        chance = np.exp(sbg.log_likelihood(np.array([float(t)]), np.array([gone]), **params))[0]
        share = np.mean((periods == t) & (churned == gone))
        assert share == pytest.approx(chance, abs=5 * np.sqrt(chance * (1 - chance) / n) + 1e-9)


def test_who_surely_leaves_and_who_surely_stays():
    """Churn chances at the ends of what a computer can tell apart give periods, not NaN."""
    T = np.full(100, 9.0)
    periods, churned = sbg.simulate(T, np.random.default_rng(0), alpha=1e8, beta=1e-8)
    assert (periods.tolist(), churned.tolist()) == ([1] * 100, [1] * 100)
    periods, churned = sbg.simulate(T, np.random.default_rng(0), alpha=1e-300, beta=1.0)
    assert (periods.tolist(), churned.tolist()) == ([9] * 100, [0] * 100)


def test_published_likelihood():
    """Fader & Hardie (2007), the regular customers: -1680.265 at α = .704, β = 1.182."""
    survivors = np.array([1000, 631, 468, 382, 326, 289, 262, 241])
    periods, churned = np.array([1.0, 2, 3, 4, 5, 6, 7, 7]), np.array([1.0] * 7 + [0])
    weights = np.append(-np.diff(survivors), survivors[-1]).astype(float)
    sample = Sample(sbg.PARTS, (periods, churned), weights)
    found = sample(np.log(list(REGULAR.values())))
    assert found.value == pytest.approx(-1680.265188, abs=1e-5)
    assert np.abs(found.gradient).max() < 1e-3


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"alpha": 3.8, "beta": 15.2}, [3.31, 3.45, 3.59, 3.72, 3.84]),
        ({"alpha": 0.067, "beta": 0.267}, [7.6708, 9.4553, 9.8508, 10.0562, 10.1886]),
    ],
)
def test_published_residual_lifetimes(params, expected):
    """Fader & Hardie (2010): just before the first to the fifth renewal, at a discount of 10 %."""
    found = sbg.discounted_renewals(np.full(5, np.inf), 0.1, np.arange(5.0), **params)
    np.testing.assert_allclose(found, expected, atol=0.006)
