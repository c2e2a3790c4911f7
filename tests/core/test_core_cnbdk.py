"""The equations of BG/CNBD-k and MBG/CNBD-k."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.laws import customers, log_uniform, log_uniforms
from valuetier._core import bgnbd, cnbdk

NAMES = ("r", "alpha", "a", "b")
wide = log_uniforms(0.05, 50, *NAMES)
moderate = log_uniforms(0.2, 10, *NAMES)
few = customers(most=4, longest=100, busiest=60)
orders = pytest.mark.parametrize("k", [1, 2, 3, 4])
births = pytest.mark.parametrize("at_birth", [0, 1])


@births
@settings(max_examples=25)
@given(observed=few, params=wide, t=log_uniform(1e-2, 100), n=st.integers(0, 40))
def test_with_k_1_it_is_the_bgnbd(at_birth, observed, params, t, n):
    """With k = 1 every function equals that of the (M)BG/NBD, whose closed forms are others."""
    T = observed[2]
    horizon, plain = np.full_like(T, t), params | {"at_birth": at_birth}
    regular = plain | {"k": 1}
    for name, arguments in {
        "log_likelihood": observed,
        "probability_alive": observed,
        "expected_purchases": (horizon,),
        "conditional_expected_purchases": (horizon, *observed),
        "expected_if_alive": (horizon, *observed),
        "probability_of_purchases": (np.full_like(T, n), horizon),
    }.items():
        found, expected = (getattr(m, name)(*arguments, **p) for m, p in ((cnbdk, regular), (bgnbd, plain)))
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-290, err_msg=name)
    later = cnbdk.probability_alive(*observed, horizon, **regular)
    np.testing.assert_allclose(later, bgnbd.probability_alive(*observed, horizon, **plain), rtol=1e-9)


@orders
@births
@settings(max_examples=15)
@given(params=moderate, t=log_uniform(1e-2, 2))
def test_chances_of_counts_sum_to_one_and_to_the_expectation(k, at_birth, params, t):
    """P(X(t) = n) are chances, sum to 1, and their mean is the expected number."""
    params, n, horizon = (
        params | {"k": k, "at_birth": at_birth},
        np.arange(800.0),
        np.array([t * params["alpha"]]),
    )
    chances = cnbdk.probability_of_purchases(n, horizon, **params)
    assert (chances >= 0).all()
    assert chances.sum() == pytest.approx(1, abs=1e-10)
    assert chances @ n == pytest.approx(cnbdk.expected_purchases(horizon, **params)[0], rel=1e-8)


@orders
@births
@settings(max_examples=15)
@given(observed=few, params=wide, t=log_uniform(1e-3, 100), factor=st.floats(1.01, 5))
def test_chances_to_be_alive_fall_and_expectations_rise(k, at_birth, observed, params, t, factor):
    """1 ≥ P ≥ P(later) ≥ P(later still) ≥ 0, and 0 ≤ E ≤ E(longer): never NaN."""
    params, T = params | {"k": k, "at_birth": at_birth}, observed[2]
    now, soon, later = (cnbdk.probability_alive(*observed, wait, **params) for wait in (0.0, t, t * factor))
    slack = 1 + 1e-9
    assert ((later >= 0) & (later <= soon * slack) & (soon <= now * slack) & (now <= 1)).all()
    short, long = (
        cnbdk.conditional_expected_purchases(np.full_like(T, wait), *observed, **params)
        for wait in (t, t * factor)
    )
    assert ((short >= 0) & (short <= long * slack)).all()
    most = now * (params["r"] + k * observed[0] + k - 1) / (params["alpha"] + T) * t * slack
    assert (short <= most).all()


@orders
@births
def test_nobody_leaves_or_buys_in_no_time(k, at_birth):
    """A horizon of 0 leaves the chance to be alive and brings nothing; a tiny one hardly changes it."""
    observed = np.array([[0.0, 0, 9], [3, 7, 9], [20, 8.5, 9]]).T
    params = {"r": 0.6, "alpha": 5.0, "a": 0.8, "b": 2.5, "k": k, "at_birth": at_birth}
    now = cnbdk.probability_alive(*observed, **params)
    np.testing.assert_allclose(cnbdk.probability_alive(*observed, 1e-11, **params), now, rtol=1e-9)
    assert cnbdk.conditional_expected_purchases(np.zeros(3), *observed, **params).tolist() == [0, 0, 0]
    chances = cnbdk.probability_of_purchases(np.arange(4.0), np.zeros(4), **params)
    np.testing.assert_allclose(chances, [1, 0, 0, 0], atol=1e-15)


@pytest.mark.parametrize("k", [2, 3])
@births
@pytest.mark.parametrize("row", [(0, 0.0, 9.0), (3, 7.0, 9.0), (5, 2.0, 9.0)])
def test_expectation_and_chance_to_stay_equal_integrals(row, k, at_birth):
    """Both equal sums over the next events, integrated over rate and dropout numerically."""
    r, alpha, a, b, t = 1.3, 4.0, 0.9, 2.1, 6.0
    x, t_x, T = row
    params = {"r": r, "alpha": alpha, "a": a, "b": b, "k": k, "at_birth": at_birth}

    def weighted(rate):
        """Return the weight of an alive customer's rate, times purchases and survival by dropout."""
        weight = rate ** (r + k * x - 1) * mpmath.exp(-(alpha + T) * rate)
        waited, future = rate * (T - t_x), rate * t
        stages = [waited**j / mpmath.factorial(j) for j in range(k)]
        bought = stay = 0
        for j, stage in enumerate(stages):
            for more in range(60):
                events = mpmath.exp(-future) * future**more / mpmath.factorial(more)
                purchases = (j + more) // k
                bought += stage * events * before[purchases]
                stay += stage * events * survival[purchases]
        return weight * sum(stages), weight * bought, weight * stay

    survival = [mpmath.beta(a, b + x + at_birth + i) / mpmath.beta(a, b + x + at_birth) for i in range(70)]
    before = [mpmath.fsum(survival[:i]) for i in range(70)]
    with mpmath.workdps(15):
        points, weights = np.polynomial.legendre.leggauss(120)
        rates = [mpmath.mpf(3.0 * (point + 1) / 2) ** 2 for point in points]
        terms = np.array([[float(v * 2 * mpmath.sqrt(u)) for v in weighted(u)] for u in rates])
    total, bought, stay = weights @ terms
    history = [np.array([float(value)]) for value in row]
    assert cnbdk.expected_if_alive(np.array([t]), *history, **params)[0] == pytest.approx(
        bought / total, rel=1e-7
    )
    alive = cnbdk.probability_alive(*history, **params)[0]
    later = cnbdk.probability_alive(*history, t, **params)[0]
    assert later == pytest.approx(alive * stay / total, rel=1e-7)


@given(observed=few, params=wide, t=log_uniform(1e-2, 100), factor=log_uniform(1e-2, 1e2))
@settings(max_examples=20)
def test_another_unit_of_time_scales_alpha_only(observed, params, t, factor):
    """Days instead of weeks with α scaled alike: the same chances and expectations."""
    x, t_x, T = observed
    there, horizon = (x, t_x * factor, T * factor), np.full_like(T, t)
    scaled = {**params, "alpha": params["alpha"] * factor, "k": 3}
    for name in ("probability_alive", "conditional_expected_purchases"):
        function = getattr(cnbdk, name)
        if name == "probability_alive":
            found, expected = (
                function(*there, horizon * factor, **scaled),
                function(*observed, horizon, k=3, **params),
            )
        else:
            found, expected = (
                function(horizon * factor, *there, **scaled),
                function(horizon, *observed, k=3, **params),
            )
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-290, err_msg=name)


@given(observed=customers(most=6, longest=100, busiest=60), params=moderate, k=st.integers(1, 4))
@settings(max_examples=20)
def test_customers_stand_alone(observed, params, k):
    """Each customer is expected to buy and to stay what it is alone, whoever else is asked about."""
    horizon = np.geomspace(0.1, 500, len(observed[0]))
    expected = cnbdk.expected_if_alive(horizon, *observed, k=k, **params)
    stays = cnbdk.probability_alive(*observed, horizon, k=k, **params)
    for place in range(len(horizon)):
        alone = [column[place : place + 1] for column in (horizon, *observed)]
        found = cnbdk.expected_if_alive(*alone, k=k, **params)[0]
        assert found == pytest.approx(expected[place], rel=1e-9)
        found = cnbdk.probability_alive(*alone[1:], alone[0], k=k, **params)[0]
        assert found == pytest.approx(stays[place], rel=1e-9)


@pytest.mark.parametrize("k", [2, 3])
@births
@settings(max_examples=8)
@given(params=moderate, seed=st.integers(0, 1000))
def test_simulated_customers_follow_the_model(k, at_birth, params, seed):
    """Counts of simulated customers have the model's chances, within five standard errors."""
    n, T = 20_000, k * params["alpha"]
    params = params | {"k": k, "at_birth": at_birth}
    x, t_x, gaps = cnbdk.simulate(np.full(n, T), np.random.default_rng(seed), **params)
    assert ((t_x > 0) == (x > 0)).all()
    assert (t_x <= T).all()
    with np.errstate(divide="ignore", invalid="ignore"):
        longest = np.where(x > 0, x * np.log(t_x / x), 0.0)  # equal gaps have the largest sum of logs
    assert (gaps <= longest + 1e-9 * np.abs(longest)).all()
    for count in range(4):
        chance = cnbdk.probability_of_purchases(np.array([float(count)]), np.array([T]), **params)[0]
        assert np.mean(x == count) == pytest.approx(chance, abs=5 * np.sqrt(chance * (1 - chance) / n) + 1e-9)


@pytest.mark.parametrize("k", [2, 3])
def test_gaps_are_erlang(k):
    """A customer with one purchase waited Γ(k, λ) for it: with dropout certain, E log gap is known."""
    T, rng = np.full(50_000, 1e9), np.random.default_rng(0)
    x, t_x, gaps = cnbdk.simulate(T, rng, r=1e6, alpha=1e6, a=1e9, b=1e-3, k=k)
    assert (x == 1).all()
    np.testing.assert_allclose(gaps, np.log(t_x))
    digamma, trigamma = (float(mpmath.polygamma(order, k)) for order in (0, 1))
    assert gaps.mean() == pytest.approx(digamma, abs=5 * np.sqrt(trigamma / 50_000))
    assert gaps.var() == pytest.approx(trigamma, rel=0.1)


@pytest.mark.parametrize(("at_birth", "expected"), [(0, [-10.425, -12.22396]), (1, [-10.53937, -12.30963])])
def test_published_likelihoods(at_birth, expected):
    """Two customers of the tests of BTYDplus, in both models with k = 3."""
    x, t_x, T, gaps = np.array([[3.0, 12, 14, 3], [4, 12, 14, 3]]).T
    params = {"r": 0.5, "alpha": 2.0, "a": 0.3, "b": 0.6, "k": 3, "at_birth": at_birth}
    np.testing.assert_allclose(cnbdk.log_likelihood(x, t_x, T, gaps, **params), expected, atol=1e-5)


def test_nobody_is_expected_to_do_nothing():
    """Without customers all results are empty."""
    empty, params = np.empty(0), {"r": 0.5, "alpha": 2.0, "a": 0.3, "b": 0.6, "k": 3}
    assert cnbdk.probability_alive(empty, empty, empty, empty, **params).shape == (0,)
    assert cnbdk.conditional_expected_purchases(empty, empty, empty, empty, **params).shape == (0,)
