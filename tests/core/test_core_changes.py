"""The grid of values that a table can hold, and the turns of the highest parabola."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from valuetier._core.changes import above, at_least, at_most, below, points_around
from valuetier._core.compress import significant
from valuetier._core.envelope import highest_turns

numbers = st.floats(-1e12, 1e12, allow_subnormal=False)


@given(number=numbers)
def test_neighbours_on_the_grid(number):
    """The next value is read as itself, and nothing between the two is read as anything else."""
    value = significant(np.array([number]), 14)
    for neighbour in (above(value, False), below(value, False)):
        assert significant(neighbour, 14) == neighbour
        middle = significant(value / 2 + neighbour / 2, 14)
        assert middle in (value, neighbour)
    assert below(value, False) < value < above(value, False)
    assert below(above(value, False), False) == value


@given(number=numbers, whole=st.booleans())
def test_the_nearest_values_of_the_grid(number, whole):
    """at_least and at_most are on the grid, on the right side, and nothing of the grid is nearer."""
    given_ = np.array([number])
    high, low = at_least(given_, whole), at_most(given_, whole)
    assert low <= number <= high
    assert below(high, whole) < number or high == number
    assert above(low, whole) > number or low == number


@given(turns=st.lists(numbers, max_size=6), whole=st.booleans())
def test_points_around_turns(turns, whole):
    """Beside each turn stand the values of the grid below, at and above it, ascending."""
    points = points_around(np.array([*turns, np.inf]), whole)
    assert (np.diff(points) > 0).all()
    for turn in turns:
        assert np.isin(at_least(np.array([turn]), whole), points).all()
        assert points.min() < turn < points.max()


@given(
    centres=st.lists(
        st.tuples(st.floats(-5, 5), st.floats(0, 5), st.floats(-2, -0.5)), min_size=2, max_size=5
    ),
    alike=st.booleans(),
)
def test_turns_against_a_walk(centres, alike):
    """Between the turns the highest parabola stays the same."""
    middle, height, square = (np.array(part) for part in zip(*centres, strict=True))
    square = np.full(len(square), -1.0) if alike else square
    slope, level = -2.0 * square * middle, square * middle**2 - height
    (turns,) = highest_turns(square, slope[None, :], level[None, :])
    edges = np.concatenate([[-50.0], turns[~np.isnan(turns) & (np.abs(turns) < 50)], [50.0]])
    assert (np.diff(edges) >= 0).all()
    for start, end in pairwise(edges):
        walk = start + (end - start) * np.linspace(0.01, 0.99, 25)
        values = square[:, None] * walk**2 + slope[:, None] * walk + level[:, None]
        best = values.max(axis=0)
        assert (values >= best - 1e-6).all(axis=1).any()
