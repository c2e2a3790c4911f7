"""Intervals from draws: one at a time, and all together."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from valuetier._core.bands import percentile_interval, simultaneous_interval

DRAWS = np.random.default_rng(0).normal(size=(400, 5)) * [1.0, 2.0, 0.5, 3.0, 1.0]


def test_a_percentile_interval_leaves_out_what_is_not_known():
    """numpy's quantiles where draws are whole; draws that are NaN do not count; NaN where all are."""
    draws = DRAWS.copy()
    draws[:7, 1], draws[:, 2] = np.nan, np.nan
    low, high = percentile_interval(draws, 0.9)
    expected = np.quantile(DRAWS[:, 0], 0.05), np.quantile(DRAWS[7:, 1], 0.05), np.quantile(DRAWS[:, 0], 0.95)
    np.testing.assert_allclose([low[0], low[1], high[0]], expected, rtol=1e-12)
    assert np.isnan([low[2], high[2]]).all()


@given(st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_simultaneous_intervals_hold_all_of_a_draw_as_often_as_they_say(level):
    """Around the centre of the draws, that share of the draws lies within all intervals at once."""
    centre = DRAWS.mean(axis=0)
    low, high = simultaneous_interval(centre, DRAWS, level)
    within = ((low - 1e-12 <= DRAWS) & (high + 1e-12 >= DRAWS)).all(axis=1).mean()
    assert level - 1 / len(DRAWS) <= within <= level + 1 / len(DRAWS)


def test_each_more_comparison_makes_the_others_wider():
    """Looking at more has its price."""
    centre = DRAWS.mean(axis=0)
    one = simultaneous_interval(centre[:1], DRAWS[:, :1], 0.95)
    five = simultaneous_interval(centre, DRAWS, 0.95)
    assert five[0][0] < one[0][0]
    assert one[1][0] < five[1][0]


def test_what_does_not_vary_is_known():
    """Draws without spread give an interval of no width; without whole draws there is none."""
    low, high = simultaneous_interval(np.array([2.0]), np.full((30, 1), 2.0), 0.95)
    assert (low[0], high[0]) == (2.0, 2.0)
    low, high = simultaneous_interval(np.array([2.0]), np.full((30, 1), np.nan), 0.95)
    assert np.isnan([low[0], high[0]]).all()
    low, high = simultaneous_interval(np.empty(0), np.empty((30, 0)), 0.95)
    assert len(low) == len(high) == 0
