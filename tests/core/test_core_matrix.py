"""Weighted axes, quadrants, and draws of weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from valuetier._core.matrix import quadrant, turning_weights, weight_draws, weighted_share

ratings = arrays(float, (7, 3), elements=st.integers(0, 100).map(float) | st.just(np.nan))
weights = arrays(float, 3, elements=st.integers(1, 9).map(float))


@given(ratings=ratings, weights=weights)
def test_weighted_share_equals_the_average_of_what_is_known(ratings, weights):
    """Missing ratings take their weight with them; a row without ratings has no share."""
    for row, found in zip(ratings, weighted_share(ratings, weights), strict=True):
        known = ~np.isnan(row)
        expected = np.average(row[known], weights=weights[known]) if known.any() else np.nan
        assert found == pytest.approx(expected, nan_ok=True)


@given(ratings=ratings, weights=weights, factor=st.integers(2, 9))
def test_only_the_proportions_of_weights_matter(ratings, weights, factor):
    """All weights times a factor give the same shares."""
    np.testing.assert_allclose(weighted_share(ratings, weights * factor), weighted_share(ratings, weights))


@given(ratings=ratings, weights=weights, data=st.data())
def test_the_share_of_a_row_depends_on_that_row_alone(ratings, weights, data):
    """Some rows, in any order, have the shares they have among all, to the last bit."""
    some = data.draw(st.permutations(range(7)))[:4]
    np.testing.assert_array_equal(
        weighted_share(ratings[some], weights), weighted_share(ratings, weights)[some]
    )


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(6, 4, 0), (6, 2, 1), (4, 4, 2), (4, 2, 3), (5, 3, 0), (5, 2.9, 1), (4.9, 3, 2)],
)
def test_quadrants_and_their_lines(first, second, expected):
    """High/high is 0, high/low 1, low/high 2, low/low 3; who stands on a line is high."""
    assert quadrant(np.array([first]), np.array([second]), (5.0, 3.0)).tolist() == [expected]


@given(axes=arrays(float, (2, 20), elements=st.floats(0, 10)), step=st.floats(0, 5))
def test_a_better_rating_never_leads_to_a_worse_quadrant_on_its_axis(axes, step):
    """Raising one axis raises that axis' side or leaves it, and never touches the other."""
    before, after = quadrant(*axes, (5.0, 5.0)), quadrant(axes[0] + step, axes[1], (5.0, 5.0))
    assert (after // 2 <= before // 2).all()
    assert (after % 2 == before % 2).all()


@given(spread=st.floats(0, 0.9), seed=st.integers(0, 1000))
def test_weight_draws_stay_within_their_spread(spread, seed):
    """Factors lie in 1 ± spread, one per weight and draw, the same for the same seed."""
    drawn = weight_draws(3, spread, 50, seed)
    assert drawn.shape == (50, 3)
    assert (np.abs(drawn - 1) <= spread + 1e-12).all()
    np.testing.assert_array_equal(drawn, weight_draws(3, spread, 50, seed))


def test_others_that_cancel_leave_nothing_to_turn():
    """0.1 + 0.2 - 0.3 is no advantage, however it is summed: the third indicator decides alone."""
    turning, leads = turning_weights(np.array([1.0, 1.0, -1.0, 5.0]), np.array([0.1, 0.2, 0.3, 1.0]))
    assert np.isnan(turning[3])
    assert leads[3] == 0


@given(
    advantages=st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=5).map(np.array),
    data=st.data(),
)
def test_turning_weights_against_trying(advantages, data):
    """Just above and just below the weight found the sums lead as said; without one the leader stays."""
    k = len(advantages)
    weights = np.array(data.draw(st.lists(st.integers(1, 9), min_size=k, max_size=k)), dtype=float)
    turning, leads = turning_weights(advantages, weights)
    for j in range(k):
        tried = [turning[j] * 0.99, turning[j] * 1.01] if leads[j] >= 2 else [0.001, 1.0, 1000.0]
        ahead = []
        for weight in tried:
            moved = weights.copy()
            moved[j] = weight
            ahead.append(float(moved @ advantages) > 1e-9)
        assert ahead == {0: [True] * 3, 1: [False] * 3, 2: [False, True], 3: [True, False]}[leads[j]]
        assert np.isnan(turning[j]) == (leads[j] < 2)
