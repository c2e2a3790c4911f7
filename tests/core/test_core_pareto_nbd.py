"""The equations of the Pareto/NBD model."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from tests.core.laws import check_derivatives, customers, log_uniform, log_uniforms, logs
from valuetier._core import pareto_nbd
from valuetier._core.discount import discounted_within
from valuetier._core.likelihood import Sample

NAMES = ("r", "alpha", "s", "beta")
CDNOW = {"r": 0.5534, "alpha": 10.5802, "s": 0.6061, "beta": 11.6562}
wide = log_uniforms(1e-2, 1e3, *NAMES)
moderate = log_uniforms(0.1, 20, *NAMES)


def by_integration(x, t_x, T, *, r, alpha, s, beta):
    """Return the alive and dead parts of the likelihood, integrated over both rates."""
    rates, dropouts = stats.gamma(r, scale=1 / alpha), stats.gamma(s, scale=1 / beta)

    def alive(rate, dropout):
        return rate**x * np.exp(-(rate + dropout) * T)

    def dead(rate, dropout):
        both = rate + dropout
        return rate**x * dropout / both * (np.exp(-both * t_x) - np.exp(-both * T))

    edges = [(distribution.ppf(1e-13), distribution.isf(1e-13)) for distribution in (rates, dropouts)]
    points, weights = np.polynomial.legendre.leggauss(40)
    nodes = []
    for (low, high), distribution in zip(edges, (rates, dropouts), strict=True):
        ends = np.linspace(np.log(low), np.log(high), 13)
        u = np.concatenate(
            [start + (end - start) * (points + 1) / 2 for start, end in itertools.pairwise(ends)]
        )
        width = np.repeat(np.diff(ends), 40) / 2 * np.tile(weights, 12)
        nodes.append((np.exp(u), width * np.exp(u) * distribution.pdf(np.exp(u))))
    (rate, of_rate), (dropout, of_dropout) = nodes
    return [of_rate @ part(rate[:, np.newaxis], dropout) @ of_dropout for part in (alive, dead)]


@pytest.mark.parametrize("row", [(0, 0.0, 9.0), (1, 2.0, 9.0), (4, 7.5, 8.0), (12, 3.0, 20.0), (2, 5.0, 5.0)])
@pytest.mark.parametrize("theta", [(1.2, 4.0, 1.3, 2.5), (2.5, 0.7, 1.0, 6.0), (0.8, 6.0, 3.0, 6.0)])
def test_likelihood_and_chance_to_be_alive_equal_integrals(row, theta):
    """Both follow from the individual's likelihood, integrated over the rates of purchase and dropout."""
    params = dict(zip(NAMES, theta, strict=True))
    alive, dead = by_integration(*row, **params)
    columns = [np.array([float(value)]) for value in row]
    likelihood = np.exp(pareto_nbd.log_likelihood(*columns, **params)[0])
    assert likelihood == pytest.approx(alive + dead, rel=1e-8)
    chance = pareto_nbd.probability_alive(*columns, **params)[0]
    assert chance == pytest.approx(alive / (alive + dead), rel=1e-8)


@given(observed=customers(longest=100, busiest=50), params=moderate)
def test_derivatives_equal_finite_differences(observed, params):
    """The total is the weighted sum of the rows; gradient and Hessian are its slopes."""
    weights = np.linspace(1, 3, len(observed[0]))
    sample, working = Sample(pareto_nbd.PARTS, observed, weights), logs(params, NAMES)
    rows = pareto_nbd.log_likelihood(*observed, **params)
    assert sample(working).value == pytest.approx(weights @ rows, rel=1e-9, abs=1e-9)
    check_derivatives(sample, working)


@settings(max_examples=15)
@given(observed=customers(longest=100, busiest=30), params=moderate, seed=st.integers(0, 99))
def test_covariates_move_the_parameters_of_their_rows(observed, params, seed):
    """With designs each row has parameters of its own; derivatives are by the coefficients."""
    n, effect = len(observed[0]), np.array([0.3, -0.2])
    covariates = np.random.default_rng(seed).normal(size=(n, 2))
    designs = [np.ones((n, 1)) for _ in NAMES]
    designs[1] = np.column_stack([np.ones(n), covariates])
    working = np.insert(logs(params, NAMES), [2, 2], effect)
    sample = Sample(pareto_nbd.PARTS, observed, np.arange(1.0, n + 1), tuple(designs))
    own = {**params, "alpha": params["alpha"] * np.exp(covariates @ effect)}
    rows = pareto_nbd.log_likelihood(*observed, **own)
    assert sample(working).value == pytest.approx(sample.weights @ rows, rel=1e-9, abs=1e-9)
    check_derivatives(sample, working)


@given(observed=customers(), params=wide, t=log_uniform(1e-3, 1e4))
def test_bounds_of_chance_and_expectation(observed, params, t):
    """0 ≤ P(later) ≤ P ≤ 1 and 0 ≤ E ≤ P (r + x) t / (α + T), and all are numbers."""
    x, _, T = observed
    alive = pareto_nbd.probability_alive(*observed, **params)
    later = pareto_nbd.probability_alive(*observed, t, **params)
    expected = pareto_nbd.conditional_expected_purchases(np.full_like(T, t), *observed, **params)
    assert ((later >= 0) & (later <= alive) & (alive <= 1)).all()
    assert (expected >= 0).all()
    assert (expected <= alive * (params["r"] + x) * t / (params["alpha"] + T) * (1 + 1e-9)).all()
    assert np.isfinite(pareto_nbd.log_likelihood(*observed, **params)).all()


@given(observed=customers(), params=wide, t=log_uniform(1e-3, 1e3), step=log_uniform(1e-3, 1e3))
def test_expectations_rise_and_flatten(observed, params, t, step):
    """E rises with t and each further step of time brings less."""
    horizons = [np.full_like(observed[0], t + steps * step) for steps in range(3)]
    first, second, third = (
        pareto_nbd.conditional_expected_purchases(horizon, *observed, **params) for horizon in horizons
    )
    slack = 1e-12 * third
    assert (second >= first - slack).all()
    assert (third - second <= second - first + slack).all()


@given(observed=customers(), params=wide)
def test_a_short_horizon_is_chance_times_rate(observed, params):
    """As t → 0 the expectation per time is P (r + x) / (α + T)."""
    x, _, T = observed
    t = 1e-9 * (params["beta"] + T) / (params["s"] + 1)
    rate = pareto_nbd.probability_alive(*observed, **params) * (params["r"] + x) / (params["alpha"] + T)
    expected = pareto_nbd.conditional_expected_purchases(t, *observed, **params)
    np.testing.assert_allclose(expected, rate * t, rtol=1e-8)


@given(observed=customers(), params=wide, t=log_uniform(1e-2, 1e3))
def test_the_slope_of_the_expectation_is_the_rate_of_those_still_there(observed, params, t):
    """d/dt E = P(alive at T + t) (r + x) / (α + T)."""
    x, _, T = observed
    step = 1e-4 * min(t, 1 / params["s"], 1)
    here, there = (
        pareto_nbd.conditional_expected_purchases(np.full_like(T, t + sign * step), *observed, **params)
        for sign in (-1, 1)
    )
    rate = pareto_nbd.probability_alive(*observed, t, **params) * (params["r"] + x) / (params["alpha"] + T)
    np.testing.assert_allclose((there - here) / (2 * step), rate, rtol=1e-5, atol=1e-14 * there.max() / step)


@pytest.mark.parametrize("nudge", [1e-9, 1e-12, 1e-15])
@given(observed=customers(), params=wide, t=log_uniform(1e-3, 1e4))
def test_s_equal_to_one_is_no_special_point(nudge, observed, params, t):
    """Where the published expectation divides by s - 1 it goes on smoothly."""
    horizon = np.full_like(observed[0], t)
    below, at, above = (
        pareto_nbd.expected_if_alive(horizon, *observed, **{**params, "s": 1 + sign * nudge})
        for sign in (-1, 0, 1)
    )
    slope = 1e-14 + nudge * np.log1p(t / params["beta"])
    np.testing.assert_allclose(below, at, rtol=slope)
    np.testing.assert_allclose(above, at, rtol=slope)
    x, _, T = observed
    known = (
        (params["r"] + x) * (params["beta"] + T) / (params["alpha"] + T) * np.log1p(t / (params["beta"] + T))
    )
    np.testing.assert_allclose(at, known, rtol=1e-12)


@given(params=wide, t=log_uniform(1e-3, 1e4))
def test_a_new_customer_is_one_without_history(params, t):
    """Seen for no time at all, a customer is alive and expected to buy what a new one is."""
    nothing, horizon = np.zeros(1), np.array([t])
    assert pareto_nbd.probability_alive(nothing, nothing, nothing, **params)[0] == 1
    np.testing.assert_allclose(
        pareto_nbd.conditional_expected_purchases(horizon, nothing, nothing, nothing, **params),
        pareto_nbd.expected_purchases(horizon, **params),
        rtol=1e-12,
    )


@given(params=moderate, t=log_uniform(1e-2, 2))
def test_chances_of_counts_sum_to_one_and_to_the_expectation(params, t):
    """P(X(t) = n) are chances, sum to 1, and their mean is the expected number."""
    n, horizon = np.arange(1500.0), np.array([t * params["alpha"]])
    chances = pareto_nbd.probability_of_purchases(n, horizon, **params)
    assert (chances >= 0).all()
    assert chances.sum() == pytest.approx(1, abs=1e-10)
    assert chances @ n == pytest.approx(pareto_nbd.expected_purchases(horizon, **params)[0], rel=1e-8)


def test_the_chance_of_no_purchase_is_the_likelihood_of_none():
    """P(X(t) = 0) is what x = 0 says; at t = 0 it is 1."""
    t = np.array([0.1, 5.0, 800.0])
    found = pareto_nbd.probability_of_purchases(np.zeros(3), t, **CDNOW)
    nothing = pareto_nbd.log_likelihood(np.zeros(3), np.zeros(3), t, **CDNOW)
    np.testing.assert_allclose(found, np.exp(nothing), rtol=1e-10)
    found = pareto_nbd.probability_of_purchases(np.arange(4.0), np.zeros(1), **CDNOW)
    assert found.tolist() == [1, 0, 0, 0]


@given(observed=customers(), params=wide, factor=log_uniform(1e-3, 1e3), t=log_uniform(1e-2, 1e3))
def test_another_unit_of_time_scales_alpha_and_beta(observed, params, factor, t):
    """Days instead of weeks with both scales alike: the same chances and expectations."""
    x, t_x, T = observed
    scaled = {**params, "alpha": params["alpha"] * factor, "beta": params["beta"] * factor}
    there, horizon = (x, t_x * factor, T * factor), np.full_like(T, t)
    shift = x * np.log(factor)
    np.testing.assert_allclose(
        pareto_nbd.log_likelihood(*there, **scaled) + shift,
        pareto_nbd.log_likelihood(*observed, **params),
        rtol=1e-9,
        atol=1e-9 * (1 + np.abs(shift).max()),
    )
    np.testing.assert_allclose(
        pareto_nbd.conditional_expected_purchases(horizon * factor, *there, **scaled),
        pareto_nbd.conditional_expected_purchases(horizon, *observed, **params),
        rtol=1e-8,
        atol=1e-290,
    )


@settings(max_examples=15)
@given(params=moderate, seed=st.integers(0, 1000))
def test_simulated_customers_follow_the_model(params, seed):
    """Counts of simulated customers have the model's chances, within five standard errors."""
    n, T = 20_000, params["alpha"]
    x, t_x = pareto_nbd.simulate(np.full(n, T), np.random.default_rng(seed), **params)
    assert ((t_x > 0) == (x > 0)).all()
    assert (t_x <= T).all()
    for count in range(4):
        chance = pareto_nbd.probability_of_purchases(np.array([float(count)]), np.array([T]), **params)[0]
        assert np.mean(x == count) == pytest.approx(chance, abs=5 * np.sqrt(chance * (1 - chance) / n) + 1e-9)


def test_simulated_customers_buy_again_as_expected():
    """Among simulated customers with one history the later purchases have the conditional mean."""
    rng = np.random.default_rng(0)
    rate, dropout = rng.gamma(2.0, 1 / 8, 400_000), rng.gamma(1.5, 1 / 20, 400_000)
    lifetime = rng.exponential(1 / dropout)
    before = rng.poisson(rate * np.minimum(lifetime, 10))
    after = rng.poisson(rate * np.clip(lifetime - 10, 0, 6))
    last = np.minimum(lifetime, 10) * rng.random(400_000) ** (1 / np.maximum(before, 1))
    chosen = (before == 2) & (last > 6.9) & (last < 7.1)
    params = {"r": 2.0, "alpha": 8.0, "s": 1.5, "beta": 20.0}
    history = [np.array([value]) for value in (2.0, 7.0, 10.0)]
    expected = pareto_nbd.conditional_expected_purchases(np.array([6.0]), *history, **params)[0]
    error = after[chosen].std() / np.sqrt(chosen.sum())
    assert after[chosen].mean() == pytest.approx(expected, abs=5 * error)


@pytest.mark.parametrize(
    ("x", "t_x", "T", "expected"),
    [
        (0, 0, 38.86, 0.476823),
        (2, 30.43, 38.86, 6.482562),
        (7, 29.43, 38.86, 16.535371),
        (26, 216 / 7, 31, 86.02654),
    ],
)
def test_published_residual_transactions(x, t_x, T, expected):
    """Discounted residual transactions of CDNOW customers: Fader, Hardie & Lee (2005), BTYD's pnbd.DERT."""
    history = [np.array([float(value)]) for value in (x, t_x, T)]
    found = discounted_within(
        lambda t, rows: pareto_nbd.conditional_expected_purchases(t, *history, **CDNOW),
        np.array([np.inf]),
        0.0027,
        pareto_nbd.time_scale(history[0], history[2], **CDNOW),
    )
    assert found[0] == pytest.approx(expected, rel=1e-6)


def test_published_points():
    """Customer 1516 of CDNOW (BTYD's vignette), and a test case of pymc-marketing."""
    history = np.array([26.0]), np.array([216 / 7]), np.array([31.0])
    assert pareto_nbd.probability_alive(*history, **CDNOW)[0] == pytest.approx(0.997873, abs=1e-6)
    expected = pareto_nbd.conditional_expected_purchases(np.array([52.0]), *history, **CDNOW)[0]
    assert expected == pytest.approx(25.4538, abs=1e-3)
    point = np.array([1.0]), np.array([1.5]), np.array([12.0])
    found = pareto_nbd.log_likelihood(*point, r=0.55, alpha=10.58, s=0.61, beta=11.67)[0]
    assert found == pytest.approx(-4.00694866, abs=1e-7)


def test_busy_customers_do_not_underflow():
    """Where products of powers underflow (a regression test of lifetimes) the expectation is right."""
    x = np.array([132.0, 133.0])
    found = pareto_nbd.conditional_expected_purchases(
        np.full(2, 10.0), x, np.full(2, 200.0), np.full(2, 200.0), r=0.55, alpha=10.58, s=0.61, beta=11.67
    )
    np.testing.assert_allclose(found, [6.20605178896, 6.25287224757], rtol=1e-10)


def test_the_chance_of_a_count_equals_an_integral_over_the_lifetime():
    """P(X(t) = n) is negative binomial over the shorter of lifetime and t, integrated adaptively."""
    lifetime = stats.lomax(0.61, scale=11.67)
    for n, t in ((0, 3.0), (1, 3.0), (5, 40.0), (60, 40.0)):
        counts = lambda u, n=n: stats.nbinom.pmf(n, 0.55, 10.58 / (10.58 + u))  # noqa: E731
        dead = integrate.quad(lambda u, f=counts: f(u) * lifetime.pdf(u), 0, t, epsabs=0, epsrel=1e-11)[0]
        found = pareto_nbd.probability_of_purchases(
            np.array([float(n)]), np.array([t]), r=0.55, alpha=10.58, s=0.61, beta=11.67
        )
        assert found[0] == pytest.approx(dead + counts(t) * lifetime.sf(t), rel=1e-9)
