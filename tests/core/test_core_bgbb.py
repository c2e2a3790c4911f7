"""The equations of the BG/BB model, against every path that a customer can take."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from tests.core.laws import check_derivatives, log_uniform, log_uniforms, logs
from valuetier._core import bgbb
from valuetier._core.likelihood import Sample

NAMES = ("alpha", "beta", "gamma", "delta")
DONATIONS = {"alpha": 1.2035225, "beta": 0.7497164, "gamma": 0.65671814, "delta": 2.78344175}
wide = log_uniforms(1e-2, 1e3, *NAMES)
moderate = log_uniforms(0.1, 20, *NAMES)


@st.composite
def customers(draw, most=8, longest=60):
    """Draw (x, t_x, n) of some customers."""
    rows = []
    for _ in range(draw(st.integers(1, most))):
        n = draw(st.integers(1, longest))
        t_x = draw(st.integers(0, n))
        rows.append((draw(st.integers(1, t_x)) if t_x else 0, t_x, n))
    return tuple(np.array(rows, dtype=float).T)


def histories(n):
    """Return every (x, t_x) of n opportunities and the number of sequences behind each."""
    found = [(0, 0, 1)]
    found += [(x, t_x, math.comb(t_x - 1, x - 1)) for t_x in range(1, n + 1) for x in range(1, t_x + 1)]
    return np.array(found, dtype=float).T


def rising(start, count):
    """Return start (start + 1) … with ``count`` factors, exactly."""
    return math.prod((start + i for i in range(count)), start=Fraction(1))


def chance_of_path(used, lived, n, theta):
    """Return the exact chance of a sequence of purchases and a number of opportunities lived through."""
    alpha, beta, gamma, delta = theta
    bought = rising(alpha, used) * rising(beta, lived - used) / rising(alpha + beta, lived)
    died = int(lived < n)
    return bought * rising(delta, lived) * rising(gamma, died) / rising(gamma + delta, lived + died)


def paths(n, theta):
    """Yield each sequence of purchases, opportunities lived through, and the chance of both."""
    for lived in range(n + 1):
        for bought in itertools.product((0, 1), repeat=lived):
            yield bought, lived, chance_of_path(sum(bought), lived, n, theta)


def last_use(bought):
    return max((place for place, used in enumerate(bought, 1) if used), default=0)


THETAS = [tuple(map(Fraction, theta)) for theta in (("1.2", "0.75", "0.66", "2.8"), ("0.3", "4", "1", "1"))]
thetas = pytest.mark.parametrize("theta", THETAS, ids=str)


@thetas
@pytest.mark.parametrize("n", [1, 2, 4, 6])
def test_every_path_of_purchases_and_dropout(n, theta):
    """Likelihood, P(alive), counts and expectations are sums over all paths, in exact fractions."""
    params = dict(zip(NAMES, map(float, theta), strict=True))
    likelihood, alive, counts = {}, {}, dict.fromkeys(range(n + 1), 0)
    for bought, lived, chance in paths(n, theta):
        history = bought + (0,) * (n - lived)
        likelihood[history] = likelihood.get(history, 0) + chance
        alive[history] = alive.get(history, 0) + chance * (lived == n)
        counts[sum(bought)] += chance
    x, t_x = (np.array([value(h) for h in likelihood], dtype=float) for value in (sum, last_use))
    ends = np.full_like(x, n)
    expected = np.array([float(chance) for chance in likelihood.values()])
    np.testing.assert_allclose(np.exp(bgbb.log_likelihood(x, t_x, ends, **params)), expected, rtol=1e-11)
    expected = np.array([float(alive[history] / chance) for history, chance in likelihood.items()])
    np.testing.assert_allclose(bgbb.probability_alive(x, t_x, ends, **params), expected, rtol=1e-11)
    m = np.arange(n + 1.0)
    expected = [float(chance) for chance in counts.values()]
    np.testing.assert_allclose(
        bgbb.probability_of_purchases(m, np.array([n]), **params), expected, rtol=1e-11
    )
    mean = float(sum(count * chance for count, chance in counts.items()))
    assert bgbb.expected_purchases(np.array([float(n)]), **params)[0] == pytest.approx(mean, rel=1e-11)


@thetas
def test_what_happens_after_a_history(theta):
    """Later purchases, discounted or not, and being there later are sums over the paths that go on."""
    params, seen, more, discount = dict(zip(NAMES, map(float, theta), strict=True)), 3, 3, Fraction(1, 10)
    total, later, worth, there = {}, {}, {}, {}
    for bought, lived, chance in paths(seen + more, theta):
        history = (bought + (0,) * (seen + more - lived))[:seen]
        future = bought[seen:]
        gains = {
            id(total): 1, id(later): sum(future), id(there): int(lived == seen + more),
            id(worth): sum(used / (1 + discount) ** i for i, used in enumerate(future, 1)),
        }  # fmt: skip
        for sums in (total, later, worth, there):
            sums[history] = sums.get(history, 0) + chance * gains[id(sums)]
    x, t_x = (np.array([value(h) for h in total], dtype=float) for value in (sum, last_use))
    known = x, t_x, np.full_like(x, seen)
    t = np.full_like(x, more)
    for sums, found in (
        (later, bgbb.conditional_expected_purchases(t, *known, **params)),
        (worth, bgbb.discounted_expected_purchases(t, float(discount), *known, **params)),
        (there, bgbb.probability_alive(*known, float(more), **params)),
    ):
        np.testing.assert_allclose(found, [float(sums[h] / total[h]) for h in total], rtol=1e-11)


@given(n=st.integers(1, 40), params=wide)
def test_likelihoods_of_all_histories_sum_to_one(n, params):
    """Each (x, t_x), times the number of sequences behind it, once."""
    x, t_x, sequences = histories(n)
    found = np.exp(bgbb.log_likelihood(x, t_x, np.full_like(x, n), **params))
    assert sequences @ found == pytest.approx(1, abs=1e-9)


@given(n=st.integers(1, 30), t=st.integers(1, 30), params=wide)
def test_conditional_expectations_average_to_the_unconditional_one(n, t, params):
    """Over all histories the later purchases have the mean E(n + t) - E(n); so have the chances to be alive."""
    x, t_x, sequences = histories(n)
    known = x, t_x, np.full_like(x, n)
    weights = sequences * np.exp(bgbb.log_likelihood(*known, **params))
    later = bgbb.conditional_expected_purchases(np.full_like(x, t), *known, **params)
    long, short = bgbb.expected_purchases(np.array([n + t, n], dtype=float), **params)
    assert weights @ later == pytest.approx(long - short, rel=1e-7, abs=1e-12 * long)
    lived = special.beta(params["gamma"], params["delta"] + n) / special.beta(
        params["gamma"], params["delta"]
    )
    if np.isfinite(lived):
        assert weights @ bgbb.probability_alive(*known, **params) == pytest.approx(lived, rel=1e-8)


@given(observed=customers(), params=moderate)
def test_derivatives_equal_finite_differences(observed, params):
    """The total is the weighted sum of the rows; gradient and Hessian are its slopes."""
    weights = np.linspace(1, 3, len(observed[0]))
    sample, working = Sample(bgbb.PARTS, observed, weights), logs(params, NAMES)
    rows = bgbb.log_likelihood(*observed, **params)
    assert sample(working).value == pytest.approx(weights @ rows, rel=1e-9, abs=1e-9)
    check_derivatives(sample, working)


@pytest.mark.parametrize("theta", [*itertools.product((1.0, 2.0), repeat=4)], ids=str)
def test_whole_numbers_are_no_special_points(theta):
    """Derivatives at parameters of 1 and 2 are finite and right, for customers seen equally long or not."""
    for observed in ([[0, 0, 1], [1, 1, 1]], [[0, 0, 4], [4, 4, 4], [1, 2, 3], [3, 3, 3], [2, 4, 6]]):
        columns = tuple(np.array(observed, dtype=float).T)
        check_derivatives(Sample(bgbb.PARTS, columns, np.ones(len(observed))), np.log(theta))


@given(observed=customers(), params=wide, later=st.integers(0, 300))
def test_bounds_of_chance_and_expectation(observed, params, later):
    """0 ≤ P(later) ≤ P ≤ 1 = P of those who have just bought; 0 ≤ E ≤ P t (α + x) / (α + β + n)."""
    x, t_x, n = observed
    alive = bgbb.probability_alive(*observed, **params)
    there = bgbb.probability_alive(*observed, float(later), **params)
    assert ((there >= 0) & (there <= alive * (1 + 1e-12)) & (alive <= 1)).all()
    np.testing.assert_allclose(alive[t_x == n], 1, rtol=1e-12)
    expected = bgbb.conditional_expected_purchases(np.full_like(x, later), *observed, **params)
    rate = (params["alpha"] + x) / (params["alpha"] + params["beta"] + n)
    assert ((expected >= 0) & (expected <= alive * rate * later * (1 + 1e-12))).all()
    assert np.isfinite(bgbb.log_likelihood(*observed, **params)).all()


@settings(max_examples=15)
@given(observed=customers(most=3), params=wide, t=st.integers(49, 3_000), discount=log_uniform(1e-5, 0.5))
def test_long_sums_equal_direct_loops(observed, params, t, discount):
    """Over many opportunities, discounted or not, the sum equals the sum term by term."""
    x, _, n = observed
    i = np.arange(1.0, t + 1)[:, np.newaxis]
    stays = bgbb.probability_alive(*observed, i, **params)
    rate = (params["alpha"] + x) / (params["alpha"] + params["beta"] + n)
    ends = np.full_like(x, t)
    found = bgbb.conditional_expected_purchases(ends, *observed, **params)
    np.testing.assert_allclose(found, rate * stays.sum(axis=0), rtol=1e-10, atol=1e-290)
    found = bgbb.discounted_expected_purchases(ends, discount, *observed, **params)
    worth = rate * (stays / (1 + discount) ** i).sum(axis=0)
    np.testing.assert_allclose(found, worth, rtol=1e-10, atol=1e-290)


@settings(max_examples=15)
@given(observed=customers(), params=wide, discount=log_uniform(1e-4, 1))
def test_residual_transactions_are_the_limit(observed, params, discount):
    """With t = ∞ the value is that of a very long horizon, above those of shorter ones."""
    forever, long, short = (
        bgbb.discounted_expected_purchases(np.full_like(observed[0], t), discount, *observed, **params)
        for t in (np.inf, math.ceil(60 / math.log1p(discount)), 5)
    )
    np.testing.assert_allclose(forever, long, rtol=1e-10, atol=1e-290)
    assert (short <= forever * (1 + 1e-12)).all()


@given(t=st.integers(1, 200), params=wide)
def test_chances_of_counts_sum_to_one_and_to_the_expectation(t, params):
    """P(X(t) = m) are chances, sum to 1, and their mean is the expected number; more than t is impossible."""
    m = np.arange(t + 3.0)
    chances = bgbb.probability_of_purchases(m, np.array([float(t)]), **params)
    assert (chances >= 0).all()
    assert chances[-2:].tolist() == [0, 0]
    assert chances.sum() == pytest.approx(1, abs=1e-9)
    assert chances @ m == pytest.approx(bgbb.expected_purchases(np.array([float(t)]), **params)[0], rel=1e-8)


@settings(max_examples=15)
@given(params=moderate, seed=st.integers(0, 1000))
def test_simulated_customers_follow_the_model(params, seed):
    """Histories of simulated customers have the model's chances, within five standard errors."""
    size, n = 20_000, 4
    x, t_x = bgbb.simulate(np.full(size, float(n)), np.random.default_rng(seed), **params)
    uses, last, sequences = histories(n)
    chances = sequences * np.exp(bgbb.log_likelihood(uses, last, np.full_like(uses, n), **params))
    for use, at, chance in zip(uses, last, chances, strict=True):
        share = np.mean((x == use) & (t_x == at))
        assert share == pytest.approx(chance, abs=5 * np.sqrt(chance * (1 - chance) / size) + 1e-9)


def test_simulated_customers_have_their_own_number_of_opportunities():
    """Nobody buys after the last opportunity; without any, nothing happens."""
    n = np.arange(200.0) % 8
    x, t_x = bgbb.simulate(n, np.random.default_rng(0), alpha=5.0, beta=1.0, gamma=0.1, delta=5.0)
    assert ((t_x <= n) & (x <= t_x)).all()
    assert (t_x[n == 7] > 5).any()


def test_published_expectations():
    """Fader & Hardie's note 010: purchases over 1 … 11 opportunities, and after two histories."""
    params = {"alpha": 1.2035, "beta": 0.7497, "gamma": 0.6567, "delta": 2.7834}
    known = [0.4985, 0.9233, 1.2969, 1.6323, 1.9381, 2.2202, 2.4826, 2.7285, 2.9603, 3.1798, 3.3887]
    np.testing.assert_allclose(bgbb.expected_purchases(np.arange(1.0, 12), **params), known, atol=1e-4)
    x, t_x, n = np.array([0.0, 4]), np.array([0.0, 5]), np.full(2, 6.0)
    found = bgbb.conditional_expected_purchases(np.full(2, 10.0), x, t_x, n, **DONATIONS)
    np.testing.assert_allclose(found, [0.13022, 3.62797], atol=1e-5)


def test_published_chances_to_be_alive():
    """Fader, Hardie & Shang (2010): .11, .59 and .93 at the next opportunity."""
    history = np.array([0.0, 2, 6]), np.array([0.0, 4, 6]), np.full(3, 6.0)
    found = bgbb.probability_alive(*history, 1.0, **DONATIONS)
    np.testing.assert_allclose(found, [0.1081, 0.5897, 0.9304], atol=1e-4)
