"""Intervals from the profile of the likelihood."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from valuetier._core import beta_geometric
from valuetier._core.likelihood import Likelihood, Sample
from valuetier._core.optimise import maximise
from valuetier._core.profile import profile_interval

LEVELS = st.floats(0.5, 0.999)


class Surface:
    """A total likelihood given as a function: what an interval needs of a sample."""

    def __init__(self, function, total=1.0):
        self.function, self.total = function, total

    def __call__(self, working):
        return Likelihood(*self.function(working))


def quadratic(information, top):
    return Surface(
        lambda at: (-(at - top) @ information @ (at - top) / 2, -information @ (at - top), -information)
    )


@st.composite
def informations(draw, size=3):
    """Draw a symmetric positive matrix."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    half = rng.normal(size=(size, size))
    return half @ half.T + np.diag(rng.uniform(0.5, 20, size))


@settings(max_examples=25)
@given(information=informations(), place=st.integers(0, 2), level=LEVELS)
def test_where_the_likelihood_is_quadratic_it_is_the_wald_interval(information, place, level):
    """For a normal likelihood the ends are the estimate ± quantile × standard error."""
    top = np.array([0.3, -0.2, 0.1])
    error = math.sqrt(np.linalg.inv(information)[place, place])
    found = profile_interval(quadratic(information, top), top, np.eye(3), place, error, level)
    reach = stats.norm.ppf((1 + level) / 2) * error
    assert found == pytest.approx((top[place] - reach, top[place] + reach), abs=1e-4 * error)


@settings(max_examples=15)
@given(information=informations(), place=st.integers(0, 2), first_step=st.floats(0.2, 3))
def test_other_coordinates_have_their_own_interval(information, place, first_step):
    """With a change of coordinates it is the Wald interval of the new one, whatever the first step is."""
    top, back = np.array([0.3, -0.2, 0.1]), np.array([[1.0, 0, 0], [2, 1, 0], [-1, 3, 2]])
    covariance = back @ np.linalg.inv(information) @ back.T
    error = math.sqrt(covariance[place, place])
    found = profile_interval(quadratic(information, top), top, back, place, first_step * error, 0.9)
    middle, reach = (back @ top)[place], stats.norm.ppf(0.95) * error
    assert found == pytest.approx((middle - reach, middle + reach), abs=1e-4 * error)


def test_an_end_at_which_the_likelihood_never_falls_enough_is_infinite():
    """A likelihood that only falls to the left, or to neither side, has infinite ends there."""

    def flat_to_the_right(at):
        decay = math.exp(-at[0])
        value = -decay - at[0] * 1e-9 - at[1] ** 2
        return value, np.array([decay - 1e-9, -2 * at[1]]), np.diag([-decay, -2.0])

    top = np.array([3.0, 0.0])
    low, high = profile_interval(Surface(flat_to_the_right), top, np.eye(2), 0, 1.0, 0.95)
    assert high == math.inf
    drop = optimize.brentq(lambda at: 2 * (math.exp(-at) - math.exp(-3)) - stats.chi2.ppf(0.95, 1), -5, 3)
    assert low == pytest.approx(drop, abs=1e-4)

    def flat(at):
        return 1e-6 / (1 + at[0] ** 2) - at[1] ** 2, np.array([0.0, -2 * at[1]]), np.diag([-1e-6, -2.0])

    assert profile_interval(Surface(flat), np.zeros(2), np.eye(2), 0, 1.0, 0.95) == (-math.inf, math.inf)


@pytest.fixture(scope="module")
def customers():
    """Return the likelihood of 2,000 simulated customers and its maximum."""
    rng = np.random.default_rng(2)
    rate, chance, T = rng.gamma(0.8, 1 / 20, 2_000), rng.beta(0.9, 2.5, 2_000), np.full(2_000, 250.0)
    x, t_x, alive = np.zeros(2_000), np.zeros(2_000), np.ones(2_000, dtype=bool)
    now = np.zeros(2_000)
    while alive.any():
        now = now + rng.exponential(1 / rate)
        alive &= now <= T
        x, t_x = x + alive, np.where(alive, now, t_x)
        alive &= rng.random(2_000) >= chance
    sample = Sample(beta_geometric.parts(), (x, t_x, T), np.ones(2_000))
    return sample, maximise(sample, [np.log([1.0, 20.0, 1.0, 2.0])], ("r", "alpha", "a", "b"))


@pytest.mark.parametrize("place", range(4))
def test_at_its_ends_a_models_best_likelihood_has_fallen_as_far(customers, place):
    """With one log-parameter held at an end, a general optimiser finds a drop of half the quantile."""
    sample, found = customers
    assert found.report.converged
    error = math.sqrt(found.covariance[place, place])
    ends = profile_interval(sample, found.working, np.eye(4), place, error, 0.95)
    assert ends[0] < found.working[place] < ends[1]
    for end in ends:

        def loss(others, end=end):
            return -sample(np.insert(others, place, end)).value

        others = np.delete(found.working, place)
        best = optimize.minimize(loss, others, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-7})
        drop = 2 * (best.fun + found.report.log_likelihood)
        assert drop == pytest.approx(stats.chi2.ppf(0.95, 1), abs=2e-3)


def test_a_higher_level_is_wider(customers):
    """Intervals of rising levels lie within each other."""
    sample, found = customers
    error = math.sqrt(found.covariance[2, 2])
    narrow, wide = (
        profile_interval(sample, found.working, np.eye(4), 2, error, level) for level in (0.5, 0.99)
    )
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
