"""The equations of the BG/NBD model."""

from collections import Counter

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.laws import check_derivatives, customers, log_uniform, log_uniforms, logs
from valuetier._core import beta_geometric, bgnbd
from valuetier._core.likelihood import Sample

NAMES = ("r", "alpha", "a", "b")
TYPICAL = {"r": 0.2426, "alpha": 4.414, "a": 0.793, "b": 2.426}


wide = log_uniforms(1e-2, 1e3, *NAMES)
moderate = st.fixed_dictionaries({
    "r": log_uniform(0.05, 5),
    "alpha": log_uniform(0.5, 50),
    "a": log_uniform(0.05, 10),
    "b": log_uniform(0.05, 10),
})  # fmt: skip


def by_integration(x, t_x, T, *, r, alpha, a, b):
    """Return the alive and dead parts of the likelihood, integrated over rate and dropout."""

    def over_rates(age):
        def density(rate):
            return rate ** (r - 1) * mpmath.exp(-alpha * rate) * alpha**r / mpmath.gamma(r)

        pieces = [0, 0.001, 0.01, 0.1, 0.5, 1, 3, 10, 100, mpmath.inf]
        return mpmath.quad(lambda rate: density(rate) * rate**x * mpmath.exp(-rate * age), pieces)

    def over_dropout(power_p, power_q):
        density = lambda p: p ** (a - 1 + power_p) * (1 - p) ** (b - 1 + power_q) / mpmath.beta(a, b)  # noqa: E731
        return mpmath.quad(density, [0, 0.01, 0.1, 0.5, 0.9, 0.99, 1])

    alive = over_dropout(0, x) * over_rates(T)
    return alive, over_dropout(1, x - 1) * over_rates(t_x) if x else mpmath.mpf(0)


@pytest.mark.parametrize("row", [(0, 0.0, 9.0), (1, 2.0, 9.0), (4, 7.5, 8.0), (12, 3.0, 20.0)])
@pytest.mark.parametrize("theta", [(1.2, 4.0, 1.3, 2.5), (2.5, 0.7, 3.0, 1.1)])
def test_likelihood_and_chance_to_be_alive_equal_integrals(row, theta):
    """Both follow from the individual's likelihood, integrated over rate and dropout numerically."""
    params = dict(zip(NAMES, theta, strict=True))
    alive, dead = by_integration(*row, **params)
    columns = [np.array([float(value)]) for value in row]
    assert bgnbd.log_likelihood(*columns, **params)[0] == pytest.approx(
        float(mpmath.log(alive + dead)), abs=1e-6
    )
    assert bgnbd.probability_alive(*columns, **params)[0] == pytest.approx(
        float(alive / (alive + dead)), abs=1e-6
    )


def test_1000_points_computed_with_60_digits(expectations):
    """Expectation, chance to be alive and likelihood are right to 1e-9, ordinary and extreme."""
    assert Counter(point["set"] for point in expectations) == {"practical": 500, "extreme": 500}
    wrong = []
    for point in expectations:
        params = {name: point[name] for name in NAMES}
        t, *observed = (np.array([point[name]]) for name in ("t", "x", "t_x", "T"))
        found = (
            bgnbd.conditional_expected_purchases(t, *observed, **params)[0],
            bgnbd.probability_alive(*observed, **params)[0],
            bgnbd.log_likelihood(*observed, **params)[0],
        )
        expected = point["expected_purchases"], point["probability_alive"], point["log_likelihood"]
        finite = np.isfinite(found).all() and found[0] >= 0
        if not (finite and np.allclose(found, expected, rtol=1e-9, atol=0)):
            wrong.append(point)
    assert wrong == []


@given(observed=customers(), params=wide, t=log_uniform(1e-3, 1e4))
def test_bounds_of_chance_and_expectation(observed, params, t):
    """0 ≤ P ≤ 1, P = 1 for x = 0, 0 ≤ E ≤ P (r + x) t / (α + T): never NaN."""
    x, _, T = observed
    alive = bgnbd.probability_alive(*observed, **params)
    expected = bgnbd.conditional_expected_purchases(np.full_like(T, t), *observed, **params)
    assert ((alive >= 0) & (alive <= 1)).all()
    assert (alive[x == 0] == 1).all()
    assert (expected >= 0).all()
    assert (expected <= alive * (params["r"] + x) * t / (params["alpha"] + T) * (1 + 1e-9)).all()
    assert np.isfinite(bgnbd.log_likelihood(*observed, **params)).all()


@given(observed=customers(), params=wide, t=log_uniform(1e-3, 1e3), step=log_uniform(1e-3, 1e3))
def test_expectations_rise_and_flatten(observed, params, t, step):
    """E rises with t and each further step of time brings less."""
    horizons = [np.full_like(observed[0], t + steps * step) for steps in range(3)]
    first, second, third = (
        bgnbd.conditional_expected_purchases(horizon, *observed, **params) for horizon in horizons
    )
    slack = 1e-9 * third
    assert (second >= first - slack).all()
    assert (third >= second - slack).all()
    assert (third - second <= second - first + slack).all()


@given(observed=customers(), params=wide)
def test_a_short_horizon_is_chance_times_rate(observed, params):
    """As t → 0 the expectation per time is P (r + x) / (α + T)."""
    x, _, T = observed
    t = 1e-10 * (params["alpha"] + T) / (params["r"] + x + 1)
    rate = bgnbd.probability_alive(*observed, **params) * (params["r"] + x) / (params["alpha"] + T)
    expected = bgnbd.conditional_expected_purchases(t, *observed, **params)
    np.testing.assert_allclose(expected, rate * t, rtol=1e-8)


@given(params=wide, t=log_uniform(1e-3, 1e4))
def test_a_new_customer_is_one_without_history(params, t):
    """Seen for no time at all, a customer is expected to buy what a new one is."""
    nothing = np.zeros(1)
    new = bgnbd.expected_purchases(np.array([t]), **params)
    np.testing.assert_allclose(
        bgnbd.conditional_expected_purchases(np.array([t]), nothing, nothing, nothing, **params),
        new,
        rtol=1e-12,
    )


@given(params=moderate, t=log_uniform(1e-2, 2))
def test_chances_of_counts_sum_to_one_and_to_the_expectation(params, t):
    """P(X(t) = n) are chances, sum to 1, and their mean is the expected number."""
    n = np.arange(500.0)
    chances = bgnbd.probability_of_purchases(n, np.array([t * params["alpha"]]), **params)
    assert (chances >= 0).all()
    assert chances.sum() == pytest.approx(1, abs=1e-10)
    expected = bgnbd.expected_purchases(np.array([t * params["alpha"]]), **params)[0]
    assert chances @ n == pytest.approx(expected, rel=1e-8)


def test_in_no_time_nobody_buys():
    """At t = 0 the chance of no purchase is 1."""
    found = bgnbd.probability_of_purchases(np.arange(4.0), np.zeros(1), **TYPICAL)
    assert found.tolist() == [1, 0, 0, 0]


@given(observed=customers(), params=wide, factor=log_uniform(1e-3, 1e3), t=log_uniform(1e-2, 1e3))
def test_another_unit_of_time_scales_alpha_only(observed, params, factor, t):
    """Days instead of weeks with α scaled alike: the same chances and expectations."""
    x, t_x, T = observed
    scaled = {**params, "alpha": params["alpha"] * factor}
    np.testing.assert_allclose(
        bgnbd.probability_alive(x, t_x * factor, T * factor, **scaled),
        bgnbd.probability_alive(x, t_x, T, **params),
        rtol=1e-8,
    )
    np.testing.assert_allclose(
        bgnbd.conditional_expected_purchases(
            np.full_like(T, t * factor), x, t_x * factor, T * factor, **scaled
        ),
        bgnbd.conditional_expected_purchases(np.full_like(T, t), x, t_x, T, **params),
        rtol=1e-8,
    )
    np.testing.assert_allclose(
        bgnbd.log_likelihood(x, t_x * factor, T * factor, **scaled) + x * np.log(factor),
        bgnbd.log_likelihood(x, t_x, T, **params),
        rtol=1e-8,
        atol=1e-8,
    )


@given(observed=customers(), params=moderate, data=st.data())
def test_the_total_is_the_weighted_sum_of_the_rows(observed, params, data):
    """The total likelihood is Σ weight × row, and a weight is a repetition, also in the derivatives."""
    n = len(observed[0])
    times = np.array(data.draw(st.lists(st.integers(1, 4), min_size=n, max_size=n)))
    parts, working = beta_geometric.parts(), logs(params, NAMES)
    total = Sample(parts, observed, times.astype(float))(working)
    rows = bgnbd.log_likelihood(*observed, **params)
    assert total.value == pytest.approx(float(rows @ times), rel=1e-9, abs=1e-9)
    repeated = [np.repeat(column, times) for column in observed]
    again = Sample(parts, repeated, np.ones(times.sum()))(working)
    np.testing.assert_allclose(again.value, total.value, rtol=1e-9, atol=1e-9)
    scale = np.abs(again.gradient).max()
    np.testing.assert_allclose(again.gradient, total.gradient, rtol=1e-9, atol=1e-9 * scale)
    np.testing.assert_allclose(
        again.hessian, total.hessian, rtol=1e-9, atol=1e-9 * np.abs(again.hessian).max()
    )


@given(observed=customers(longest=100, busiest=50), params=moderate)
def test_derivatives_equal_finite_differences(observed, params):
    """Gradient and Hessian are the slopes of value and gradient."""
    sample = Sample(beta_geometric.parts(), observed, np.linspace(1, 3, len(observed[0])))
    check_derivatives(sample, logs(params, NAMES))


@settings(max_examples=15)
@given(params=moderate, seed=st.integers(0, 1000))
def test_simulated_customers_follow_the_model(params, seed):
    """Counts of simulated customers have the model's chances, within five standard errors."""
    n, T = 20_000, params["alpha"]
    x, t_x = bgnbd.simulate(np.full(n, T), np.random.default_rng(seed), **params)
    assert ((t_x > 0) == (x > 0)).all()
    assert (t_x <= T).all()
    for count in range(4):
        chance = bgnbd.probability_of_purchases(np.array([float(count)]), np.array([T]), **params)[0]
        assert np.mean(x == count) == pytest.approx(chance, abs=5 * np.sqrt(chance * (1 - chance) / n) + 1e-9)


def test_simulation_is_the_generators():
    """The same generator gives the same customers; seen for no time nobody has bought."""
    T = np.linspace(1, 300, 50)
    first, second = (bgnbd.simulate(T, np.random.default_rng(3), **TYPICAL) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    x, t_x = bgnbd.simulate(np.zeros(50), np.random.default_rng(3), **TYPICAL)
    assert (x.any(), t_x.any()) == (False, False)
