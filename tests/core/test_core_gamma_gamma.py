"""The equations of the Gamma-Gamma model."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from tests.core.laws import check_derivatives, log_uniform, logs
from valuetier._core import gamma_gamma
from valuetier._core.likelihood import Sample

NAMES = ("p", "q", "v")


parameters = st.fixed_dictionaries(
    {"p": log_uniform(0.2, 50), "q": log_uniform(1.1, 50), "v": log_uniform(0.1, 1e3)}
)
customers = st.lists(st.tuples(st.integers(1, 50), log_uniform(0.01, 1e4)), min_size=1, max_size=10).map(
    lambda rows: tuple(np.array(rows, dtype=float).T)
)


@pytest.mark.parametrize(("x", "m"), [(1.0, 20.0), (2.0, 22.35), (7.0, 60.0)])
@pytest.mark.parametrize("theta", [(6.25, 3.74, 15.44), (0.8, 1.5, 40.0)])
def test_likelihood_equals_the_integral_over_scales(x, m, theta):
    """The density of a mean is that of gamma values, averaged over gamma-distributed scales."""
    p, q, v = theta

    def integrand(rate):
        return stats.gamma.pdf(m, p * x, scale=1 / (x * rate)) * stats.gamma.pdf(rate, q, scale=1 / v)

    density = (
        integrate.quad(integrand, 0, 1, epsabs=0)[0] + integrate.quad(integrand, 1, np.inf, epsabs=1e-14)[0]
    )
    found = gamma_gamma.log_likelihood(np.array([x]), np.array([m]), p=p, q=q, v=v)
    assert found[0] == pytest.approx(np.log(density), abs=1e-6)


@given(params=parameters, x=st.integers(1, 20))
def test_the_density_integrates_to_one(params, x):
    """Over all means of x values the likelihood is a density."""

    def integrand(log_m):
        m = np.exp(np.array([log_m]))
        return m[0] * np.exp(gamma_gamma.log_likelihood(np.array([float(x)]), m, **params))[0]

    middle = np.log(params["p"] * params["v"] / params["q"])
    pieces = [(middle + start, middle + start + 10) for start in range(-100, 60, 10)]
    total = sum(integrate.quad(integrand, *piece, epsabs=1e-10)[0] for piece in pieces)
    assert total == pytest.approx(1, abs=1e-6)


@given(observed=customers, params=parameters)
def test_expected_value_lies_between_own_and_population_mean(observed, params):
    """The estimate weighs the customer's mean with x: it is nearer to it the more is seen."""
    x, m = observed
    p, q, v = (params[name] for name in NAMES)
    population = p * v / (q - 1)
    weight = p * x / (p * x + q - 1)
    found = gamma_gamma.expected_value(x, m, **params)
    np.testing.assert_allclose(found, weight * m + (1 - weight) * population, rtol=1e-9)
    more = gamma_gamma.expected_value(x + 1, m, **params)
    assert (np.abs(more - m) <= np.abs(found - m) + 1e-9 * (m + population)).all()


@given(params=parameters)
def test_without_orders_the_population_speaks(params):
    """For x = 0 the estimate is p v / (q - 1), whatever m is; for q ≤ 1 it is infinite."""
    x, m = np.zeros(3), np.array([np.nan, 0.0, 99.0])
    p, q, v = (params[name] for name in NAMES)
    assert gamma_gamma.expected_value(x, m, **params).tolist() == [p * v / (q - 1)] * 3
    assert gamma_gamma.expected_value(x, m, p=p, q=0.9, v=v).tolist() == [np.inf] * 3
    assert np.isfinite(gamma_gamma.expected_value(x + 1, np.ones(3), p=p, q=1.0, v=v)).all()


@given(observed=customers, params=parameters, factor=log_uniform(1e-3, 1e3))
def test_another_currency_scales_v_only(observed, params, factor):
    """Amounts times a factor with v scaled alike: values scale, likelihoods change by the density's unit."""
    x, m = observed
    scaled = {**params, "v": params["v"] * factor}
    np.testing.assert_allclose(
        gamma_gamma.expected_value(x, m * factor, **scaled),
        factor * gamma_gamma.expected_value(x, m, **params),
        rtol=1e-9,
    )
    np.testing.assert_allclose(
        gamma_gamma.log_likelihood(x, m * factor, **scaled) + np.log(factor),
        gamma_gamma.log_likelihood(x, m, **params),
        rtol=1e-8,
        atol=1e-8,
    )


@given(observed=customers, params=parameters)
def test_derivatives_equal_finite_differences(observed, params):
    """The total is the weighted sum of rows; gradient and Hessian are the slopes of value and gradient."""
    x, m = observed
    sample = Sample(gamma_gamma.PARTS, (x, m, np.log(m)), np.linspace(1, 3, len(x)))
    rows = gamma_gamma.log_likelihood(*observed, **params)
    assert sample(logs(params, NAMES)).value == pytest.approx(sample.weights @ rows, rel=1e-9, abs=1e-9)
    check_derivatives(sample, logs(params, NAMES))


@settings(max_examples=10)
@given(params=parameters, x=st.integers(1, 5), seed=st.integers(0, 1000))
def test_simulated_means_follow_the_model(params, x, seed):
    """Simulated means have the model's distribution: m x / v is beta prime with (p x, q)."""
    m = gamma_gamma.simulate(np.full(5_000, float(x)), np.random.default_rng(seed), **params)
    law = stats.betaprime(params["p"] * x, params["q"], scale=params["v"] / x)
    assert stats.kstest(m, law.cdf).pvalue > 1e-5


def test_nothing_is_simulated_for_those_without_orders():
    """A customer with x = 0 has no mean."""
    m = gamma_gamma.simulate(np.array([0.0, 2.0]), np.random.default_rng(0), p=6.0, q=4.0, v=16.0)
    assert np.isnan(m).tolist() == [True, False]
