"""Rating scales: percentile, smallest to largest, and declared ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuetier import InvalidDataError, InvalidParameterError
from valuetier.segmenters.scales import MAX_KNOTS, learn_rating


def _rated(values, scale, *, lower_is_better=False) -> list[float]:
    values = np.array(values, dtype=np.float64)
    rating = learn_rating("n", values, scale, lower_is_better=lower_is_better)
    return rating.rate(values).round(9).tolist()


def test_percentile_is_the_share_of_the_others_below():
    """Five different values: 0, 25, 50, 75, 100."""
    assert _rated([10, 50, 20, 40, 30], "percentile") == [0, 100, 25, 75, 50]


def test_percentile_counts_equal_ones_half():
    """Of four others, one is below and two are equal: (1 + 2/2) / 4."""
    assert _rated([1, 2, 2, 2, 3], "percentile") == [0, 50, 50, 50, 100]
    assert _rated([1, 1, 1, 3], "percentile") == pytest.approx([100 / 3] * 3 + [100])


def test_minmax_is_linear_between_smallest_and_largest():
    """The smallest is 0, the largest 100."""
    assert _rated([10, 20, 60], "minmax") == [0, 20, 100]


def test_declared_scales_count_as_share_of_the_highest():
    """A 5 of 1-10 is 50 %, a 1 is 10 %; the middle of the scale is 55 %."""
    assert _rated([1, 5, 10], (1, 10)) == [10, 50, 100]
    assert learn_rating("n", np.array([1.0]), (1, 10), lower_is_better=False).midpoint == 55
    assert learn_rating("n", np.array([1.0]), (0, 10), lower_is_better=False).midpoint == 50


def test_lower_is_better_turns_each_scale_around():
    """The best becomes the worst, on the same scale."""
    assert _rated([10, 50, 20, 40, 30], "percentile", lower_is_better=True) == [100, 0, 75, 25, 50]
    assert _rated([10, 20, 60], "minmax", lower_is_better=True) == [100, 80, 0]
    assert _rated([1, 5, 10], (1, 10), lower_is_better=True) == [100, 60, 10]


@pytest.mark.parametrize("scale", ["percentile", "minmax", (0, 200)])
def test_unseen_values_stay_on_the_scale(scale):
    """Beyond the ends the rating is that of the end; between known values it lies between theirs."""
    rating = learn_rating("n", np.array([10.0, 20.0, 200.0]), scale, lower_is_better=False)
    low, middle, high = rating.rate(np.array([-1e9, 15.0, 1e9]))
    assert (low, high) == (rating.levels[0], rating.levels[-1])
    assert rating.rate(np.array([10.0]))[0] < middle < rating.rate(np.array([20.0]))[0]


@pytest.mark.parametrize("scale", ["percentile", "minmax", (0, 10)])
def test_a_missing_rating_stays_missing(scale):
    """NaN is neither low nor high, and does not change the scale of the others."""
    assert _rated([1.0, np.nan, 3.0], scale)[::2] == _rated([1.0, 3.0], scale)
    assert np.isnan(_rated([1.0, np.nan, 3.0], scale)[1])


@given(st.lists(st.integers(0, 50), min_size=2, max_size=80).filter(lambda values: len(set(values)) > 1))
def test_percentiles_grow_with_the_value_and_centre_at_fifty(values):
    """Larger values never rate lower; the mean percentile of all customers is 50."""
    rated = np.array(_rated(values, "percentile"))
    order = np.argsort(values, kind="stable")
    assert (np.diff(rated[order]) >= 0).all()
    assert rated.mean() == pytest.approx(50)


def test_percentiles_of_many_values_are_kept_in_few_knots():
    """Ten thousand values take at most 201 knots, and rate within half a per cent of their percentile."""
    values = np.random.default_rng(0).lognormal(size=10_000)
    rating = learn_rating("n", values, "percentile", lower_is_better=False)
    assert len(rating.knots) <= MAX_KNOTS == 201
    exact = 100 * np.argsort(np.argsort(values)) / (len(values) - 1)
    assert np.abs(rating.rate(values) - exact).max() < 0.5


@pytest.mark.parametrize("scale", ["percentile", "minmax"])
@pytest.mark.parametrize(("values", "known"), [([5, 5, 5], 3), ([5, np.nan, np.nan], 1), ([np.nan] * 3, 0)])
def test_a_constant_indicator_says_nothing(scale, values, known):
    """Scales that learn need two different values; the message has the way out."""
    with pytest.raises(InvalidDataError) as caught:
        _rated(values, scale)
    assert str(caught.value) == (
        f"n: all {known} known values are equal, so they say nothing about any customer (n_samples = 3). "
        "Leave the indicator out, or declare its scale as (low, high)."
    )


def test_ratings_that_leave_their_scale_are_counted():
    """A rating of 11 on a scale of 1-10 is an error, not a clipped 10."""
    with pytest.raises(InvalidDataError) as caught:
        _rated([0, 5, 11, 10], (1, 10))
    assert str(caught.value) == "n: 2 of 4 values lie outside the rating scale 1-10. Correct them."


@pytest.mark.parametrize("scale", [(1,), (1, 2, 3), (5, 5), (10, 1), (-5, 5), (0, np.inf), None, ("a", "b")])
def test_scales_that_cannot_be_declared(scale):
    """(low, high) are two numbers, 0 ≤ low < high."""
    with pytest.raises(InvalidParameterError) as caught:
        _rated([1, 2], scale)
    assert str(caught.value) == f"scale as (low, high) needs 0 ≤ low < high, got {scale!r}."


def test_unknown_scales_are_refused():
    """The message lists the scales there are."""
    with pytest.raises(InvalidParameterError) as caught:
        _rated([1, 2], "rank")
    assert str(caught.value) == ("scale must be one of ['percentile', 'minmax'] or (low, high), got 'rank'.")


def test_a_points_table_gives_each_value_the_points_of_its_step():
    """The last threshold reached counts, as a share of the most points; the ends go on for ever."""
    table = {0: 4, 10: 8, 20: 2}
    assert _rated([0, 9.99, 10, 19.99, 20, 1e9], table) == [50, 50, 100, 100, 25, 25]
    assert _rated([-1e300, 0], {-np.inf: 1, 0: 2}) == [50, 100]
    rating = learn_rating("n", np.array([1.0]), table, lower_is_better=False)
    assert rating.midpoint == 62.5
    assert np.isnan(rating.rate(np.array([np.nan]))[0])


@given(
    table=st.dictionaries(st.integers(-50, 50), st.integers(0, 9), min_size=2).filter(
        lambda found: len(set(found.values())) > 1
    ),
    values=st.lists(st.integers(-50, 60), min_size=1),
)
def test_points_tables_are_complete_and_disjoint(table, values):
    """Every value from the first threshold on has the points of exactly one step."""
    start = min(table)
    known = [value for value in values if value >= start] or [start]
    expected = [table[max(t for t in table if t <= value)] / max(table.values()) * 100 for value in known]
    np.testing.assert_allclose(_rated(known, table), expected)


def test_values_below_the_points_table_are_counted():
    """A value for which the table has no points is an error, not a zero."""
    with pytest.raises(InvalidDataError) as caught:
        _rated([-1, 5, -3], {0: 1, 10: 2})
    assert str(caught.value) == (
        "n: 2 of 3 values lie below 0, where the points table begins. "
        "Correct them, or let the table begin lower."
    )


def test_a_points_table_has_its_own_direction():
    """It cannot be inverted as well."""
    with pytest.raises(InvalidParameterError) as caught:
        _rated([1, 2], {0: 1, 2: 5}, lower_is_better=True)
    assert str(caught.value) == (
        "lower_is_better names 'n', whose points table says by itself what is better. "
        "Take it out of lower_is_better."
    )


@pytest.mark.parametrize(
    "table", [{}, {0: 1}, {0: 1, 5: 1}, {0: -1, 5: 1}, {"a": 1, "b": 2}, {0: None, 1: 2}]
)
def test_points_tables_that_cannot_work(table):
    """Thresholds are numbers, points at least 0 and not all equal."""
    with pytest.raises(InvalidParameterError) as caught:
        _rated([1, 2], table)
    assert str(caught.value) == (
        f"scale as a points table needs {{threshold: points}} with points ≥ 0, not all equal, got {table!r}."
    )
