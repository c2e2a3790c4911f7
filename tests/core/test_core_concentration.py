"""Lorenz curve, Gini, top shares and whale curve on arrays."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import integrate

from valuetier._core.concentration import gini, lorenz, lorenz_exact, top_share, whale_curve

amounts = st.lists(st.integers(0, 1000), min_size=1, max_size=40).filter(any)
profits = st.lists(st.integers(-100, 100), min_size=1, max_size=40)


def floats(values):
    return np.array(values, dtype=float)


@given(values=amounts)
def test_gini_is_half_the_relative_mean_difference(values):
    """The fast formula equals the definition over all pairs."""
    x = floats(values)
    by_pairs = np.abs(x[:, None] - x[None, :]).mean() / (2 * x.mean())
    assert gini(x) == pytest.approx(by_pairs, abs=1e-12)
    assert 0 <= gini(x) < 1


@given(values=amounts, factor=st.floats(1e-3, 1e3), data=st.data())
def test_neither_currency_nor_order_matters(values, factor, data):
    """Concentration is the same in another currency; shuffled customers give the same bits."""
    x, shuffled = floats(values), floats(data.draw(st.permutations(values)))
    assert gini(x * factor) == pytest.approx(gini(x), abs=1e-12)
    assert gini(shuffled) == gini(x)
    assert top_share(shuffled, 0.2) == top_share(x, 0.2)
    assert whale_curve(shuffled) == whale_curve(x)


@given(values=amounts, points=st.integers(2, 30))
def test_the_lorenz_curve_runs_below_the_diagonal(values, points):
    """It starts at 0, ends at 1, never falls, bends upwards and lies on or below the diagonal."""
    x, y = lorenz(floats(values), points)
    assert (x[0], y[0], x[-1]) == (0, 0, 1)
    assert y[-1] == pytest.approx(1)
    assert (np.diff(y) >= -1e-12).all()
    assert (np.diff(y, 2) >= -1e-12).all()
    assert (y <= x + 1e-12).all()


@given(values=amounts)
def test_the_area_under_the_lorenz_curve_is_that_of_gini(values):
    """One minus twice the area under the exact curve is the Gini coefficient."""
    x, y = lorenz_exact(floats(values))
    assert 1 - 2 * integrate.trapezoid(y, x) == pytest.approx(gini(floats(values)), abs=1e-12)


@given(values=amounts, count=st.integers(0, 40))
def test_the_top_share_of_whole_customers_is_their_sum(values, count):
    """The best k of n customers bring what their values sum to."""
    count = min(count, len(values))
    best = sum(sorted(values, reverse=True)[:count])
    share = top_share(floats(values), count / len(values))
    assert share == pytest.approx(float(Fraction(best, sum(values))), abs=1e-12)


@given(values=amounts, shares=st.lists(st.floats(0, 1), min_size=2, max_size=10))
def test_more_customers_bring_more(values, shares):
    """The top share grows with the share of customers and is never below it."""
    ordered = np.sort(shares)
    found = np.array([top_share(floats(values), share) for share in ordered])
    assert (np.diff(found) >= -1e-12).all()
    assert (found >= ordered - 1e-12).all()


def test_a_customer_across_the_boundary_counts_in_part():
    """30 % of two customers are six tenths of the better one."""
    assert top_share(np.array([8.0, 2.0]), 0.3) == pytest.approx(0.6 * 0.8)


@given(values=profits)
def test_the_whale_curve_equals_the_slow_oracle(values):
    """Peak, erosion and break-even equal those read off the exact running sum."""
    assume(sum(values) > 0)
    found = whale_curve(floats(values))
    ordered = sorted(values, reverse=True)
    running = [sum(ordered[: count + 1]) for count in range(len(ordered))]
    total = running[-1]
    assert found.peak == pytest.approx(max(running) / total)
    assert found.erosion == pytest.approx((max(running) - total) / total)
    assert found.peak_share == sum(value > 0 for value in values) / len(values)
    first = next(count for count, reached in enumerate(running, start=1) if reached >= total)
    assert found.break_even_share == pytest.approx(first / len(values))


def test_rounding_never_hides_the_break_even():
    """Where the running sum ends below the exact total, the last customer still breaks even."""
    values = np.concatenate([[1e16], np.ones(200_000)])
    assert np.cumsum(values)[-1] == 1e16  # every further customer is rounded away
    assert whale_curve(values).break_even_share == 1


@given(values=profits)
def test_without_a_positive_total_there_are_no_shares(values):
    """Shares of a total that is not positive are NaN; the profitable customers are still counted."""
    x = floats([*values, -sum(values)]) if sum(values) > 0 else floats(values)
    found = whale_curve(x)
    assert all(map(math.isnan, (found.peak, found.erosion, found.break_even_share)))
    assert found.peak_share == np.mean(x > 0)
    assert math.isnan(gini(np.zeros(3)))
    assert math.isnan(top_share(x, 0.2))
    assert np.isnan(lorenz(x)[1]).all()
