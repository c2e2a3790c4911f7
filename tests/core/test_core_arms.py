"""Two arms: differences against scipy, and limits that chance keeps as often as they say."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from valuetier._core.arms import (
    Arms,
    _lots,
    adjusted,
    arms,
    difference_interval,
    lift_interval,
    redrawn,
    t_limits,
    tail_draws,
    weighted,
)


def _money(rng: np.random.Generator, n: int, times: float = 1.0) -> np.ndarray:
    """Return spend as it is: most buy nothing, a few spend most of the money."""
    return np.where(rng.random((n, 1)) < 0.4, times * rng.lognormal(3.0, 1.2, (n, 1)), 0.0)


def test_difference_is_welchs():
    """Difference / error is the statistic of scipy's Welch test, column by column."""
    rng = np.random.default_rng(0)
    values, treated = rng.lognormal(0, 1, (50, 2)), np.arange(50) < 12
    found = arms(values, treated)
    expected = stats.ttest_ind(values[treated], values[~treated], equal_var=False)
    np.testing.assert_allclose(found.difference / found.error, expected.statistic)


def test_redrawn_are_all_ways_the_lot_can_fall():
    """Drawn often, each of the ten ways to treat two of five customers comes a tenth of the times."""
    values = np.array([0.0, 1.0, 3.0, 7.0, 20.0])
    draws = redrawn(values[:, None], 2, 5000, np.random.default_rng(0))
    expected = {}
    for pair in combinations(range(5), 2):
        found = arms(values[:, None], np.isin(np.arange(5), pair))
        expected[round(found.difference[0], 6)] = found.error[0]
    seen, counts = np.unique(draws.difference.round(6), return_counts=True)
    assert set(seen) == set(expected)
    assert stats.chisquare(counts).pvalue > 1e-4
    for difference, error in zip(draws.difference[:100, 0], draws.error[:100, 0], strict=True):
        assert error == pytest.approx(expected[round(difference, 6)])


@pytest.mark.parametrize("n_treated", [12, 88])
def test_redrawn_agrees_with_arms_on_either_side(n_treated):
    """Whichever arm is the smaller one, means and variances go to the arm they belong to."""
    values = np.random.default_rng(1).lognormal(0, 1, (100, 2))
    draws = redrawn(values, n_treated, 2000, np.random.default_rng(2))
    np.testing.assert_allclose(
        draws.var_treated.mean(axis=0), values.var(axis=0, ddof=1) / n_treated, rtol=0.1
    )
    np.testing.assert_allclose(
        draws.var_control.mean(axis=0), values.var(axis=0, ddof=1) / (100 - n_treated), rtol=0.1
    )


def test_redrawn_is_blind_to_the_order_of_the_rows():
    """The same seed draws the same differences from the rows in any order."""
    values = np.random.default_rng(1).integers(0, 5, (40, 2)).astype(float)
    first, second = (redrawn(v, 7, 50, np.random.default_rng(3)) for v in (values, values[::-1]))
    np.testing.assert_array_equal(first.difference, second.difference)


def test_t_limits_are_the_permutation_test():
    """A statistic lies outside the limits exactly where the permutation test with the observed lot rejects."""
    rng = np.random.default_rng(4)
    draws = redrawn(_money(rng, 60), 10, 199, rng)
    low, high = t_limits(draws, 0.1)
    t = draws.difference[:, 0] / draws.error[:, 0]
    for value in np.linspace(-4, 4, 161):
        p_high, p_low = (1 + (t >= value).sum()) / 200, (1 + (t <= value).sum()) / 200
        assert (value > high[0]) == (p_high <= 0.05)
        assert (value < low[0]) == (p_low <= 0.05)


@pytest.mark.parametrize("price", [9.99, 5.01, 1e6 / 7])
def test_who_all_pay_the_same_do_not_vary(price):
    """Means of equal amounts differ in the last bits; difference and error are exactly 0."""
    found = arms(np.full((1000, 1), price), np.arange(1000) < 900)
    assert (found.difference[0], found.error[0]) == (0.0, 0.0)
    draws = redrawn(np.repeat([[price], [0.0]], [2, 8], axis=0), 2, 999, np.random.default_rng(0))
    both = draws.var_treated[:, 0] == 0
    assert set(draws.error[both & (draws.difference[:, 0] > 0), 0]) == {0.0}


@pytest.mark.parametrize(("n", "n_treated"), [(10, 5), (12, 6), (40, 20), (60, 20)])
def test_ties_with_a_limit_are_inside(n, n_treated):
    """Shares give many lots the very same statistic: none is rejected that the draws say is not rare."""
    treated = np.arange(n) < n_treated
    for buyers in range(1, n):
        for of_treated in range(max(0, buyers - (n - n_treated)), min(n_treated, buyers) + 1):
            values = np.zeros((n, 1))
            values[:of_treated] = values[n_treated : n_treated + buyers - of_treated] = 1.0
            found, draws = arms(values, treated), redrawn(values, n_treated, 199, np.random.default_rng(0))
            if found.error[0] > 0:
                low, high = difference_interval(found, *t_limits(draws, 0.05))
                t = np.copysign(np.inf, draws.difference)
                t = np.divide(draws.difference, draws.error, out=t, where=draws.error > 0)
                observed = found.difference / found.error
                as_far = min((t >= observed - 1e-6).sum(), (t <= observed + 1e-6).sum())
                assert (low[0] > 0 or high[0] < 0) <= ((1 + as_far) / 200 <= 0.025)


def test_too_few_draws_limit_nothing():
    """An alpha that so few draws cannot show has infinite limits, and no interval."""
    draws = redrawn(np.arange(10.0)[:, None], 5, 30, np.random.default_rng(0))
    low, high = t_limits(draws, 0.05)
    assert (low[0], high[0]) == (-np.inf, np.inf)
    ends = difference_interval(arms(np.arange(10.0)[:, None], np.arange(10) < 5), low, high)
    assert np.isnan(ends).all()
    assert tail_draws(39, 0.05) == 0
    assert tail_draws(38, 0.05) < 0


def test_arms_that_chance_makes_too_often_are_not_certain():
    """Two arms of four alike customers each come by chance in 2 of 70 lots: enough at 5 %, not at 2 %."""
    values = np.repeat([[1.0], [2.0]], 4, axis=0)
    found, treated = arms(values, np.arange(8) >= 4), 4
    draws = redrawn(values, treated, 3999, np.random.default_rng(0))
    low, high = difference_interval(found, *t_limits(draws, 0.05))
    assert (low[0], high[0]) == (1.0, 1.0)
    assert np.isnan(difference_interval(found, *t_limits(draws, 0.02))).all()
    nothing = arms(np.ones((8, 1)), np.arange(8) >= 4)
    assert difference_interval(nothing, np.array([-np.inf]), np.array([np.inf])) == (0.0, 0.0)


@pytest.mark.parametrize("times", [1.0, 1.5])
def test_interval_covers_as_often_as_it_says(times):
    """With 20 customers of 200 in control and few who spend most, 95 % intervals hold in 95 % of the cases."""
    rng = np.random.default_rng(5)
    truth = (times - 1.0) * 0.4 * np.exp(3.0 + 0.72)
    treated = np.arange(200) >= 20
    held = welch = 0
    for _ in range(300):
        values = np.vstack([_money(rng, 20), _money(rng, 180, times)])
        found = arms(values, treated)
        low, high = difference_interval(found, *t_limits(redrawn(values, 180, 399, rng), 0.05))
        held += low[0] <= truth <= high[0]
        test = stats.ttest_ind(values[treated], values[~treated], equal_var=False)
        ends = test.confidence_interval(0.95)
        welch += ends.low[0] <= truth <= ends.high[0]
    assert 0.92 <= held / 300 <= 0.99
    assert welch / 300 < held / 300


def test_strata_are_weighted():
    """Means are weighted means, variances go with the squared weights."""
    first, second = (Arms(*np.array(rows)[:, None]) for rows in ([2.0, 1.0, 0.1, 0.2], [6.0, 3.0, 0.3, 0.4]))
    found = weighted([first, second], np.array([1.0, 3.0]))
    assert [one[0] for one in found] == pytest.approx(
        [5.0, 2.5, 0.1 / 16 + 0.3 * 9 / 16, 0.2 / 16 + 0.4 * 9 / 16]
    )


@given(
    st.floats(0.1, 100), st.floats(0.1, 100), st.floats(0.001, 30), st.floats(0.001, 30),
    st.floats(-4, -0.5), st.floats(0.5, 4),
)  # fmt: skip
def test_lift_interval_is_fiellers(treated, control, var_t, var_c, low, high):
    """At the ends the difference to that multiple of control is at its limits; 0 is inside where it is for the difference."""
    found = Arms(*(np.array([one]) for one in (treated, control, var_t, var_c)))
    ends = [end[0] for end in lift_interval(found, np.array([low]), np.array([high]))]
    for end, limit in ((ends[0], high), (ends[1], low)):
        if -1.0 < end < np.inf:
            ratio = 1.0 + end
            statistic = (treated - ratio * control) / np.sqrt(var_t + ratio**2 * var_c)
            assert statistic == pytest.approx(limit, rel=1e-5, abs=1e-5)
    below, above = difference_interval(found, np.array([low]), np.array([high]))
    if min(abs(below[0]), abs(above[0])) > 1e-6:
        assert (ends[0] <= 0 <= ends[1]) == (below[0] <= 0 <= above[0])


def test_lift_needs_means_above_zero():
    """Where a mean is not above 0 there is no lift; where nothing varies it is exact."""
    limits = np.array([-2.0, -2.0, -2.0]), np.array([2.0, 2.0, 2.0])
    rows = np.array([[1.0, 0.0, 0.1, 0.1], [-1.0, 1.0, 0.1, 0.1], [3.0, 2.0, 0.0, 0.0]]).T
    low, high = lift_interval(Arms(*rows), *limits)
    assert np.isnan(low[:2]).all()
    assert np.isnan(high[:2]).all()
    assert low[2] == high[2] == pytest.approx(0.5)


@given(st.integers(2, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n // 2))))
def test_lots_of_a_shuffle_overlap_no_more_than_by_chance(sizes):
    """Every lot has its size, and any two share at most the customers that independent ones share on average."""
    n, small = sizes
    pieces, lots = _lots(n, small)
    members = lots[:, pieces]
    assert (members.sum(axis=1) == small).all()
    shared = members @ members.T
    np.fill_diagonal(shared, 0)
    assert shared.max() <= max(small**2 / n, 0) + 1
    assert len(lots) >= n // small


def test_what_is_explained_in_full_does_not_vary():
    """Customers who pay the same as before leave no noise in the last bits that could look like an effect."""
    before = np.random.default_rng(7).lognormal(5, 1, (300, 1))
    found = adjusted(0.9 * before, before)
    assert np.ptp(found) == 0.0


def test_adjustment_is_the_residual_of_a_regression():
    """Values are less what the earlier ones explain, with the mean kept; the variance falls by r²."""
    rng = np.random.default_rng(6)
    before = rng.lognormal(0, 1, (300, 1))
    values = 0.7 * before + rng.normal(0, 0.5, (300, 1))
    found = adjusted(values, before)
    line = stats.linregress(before[:, 0], values[:, 0])
    np.testing.assert_allclose(found[:, 0], values[:, 0] - line.slope * (before[:, 0] - before.mean()))
    assert found.var() / values.var() == pytest.approx(1 - line.rvalue**2)
    np.testing.assert_array_equal(adjusted(values, np.ones((300, 1))), values)
