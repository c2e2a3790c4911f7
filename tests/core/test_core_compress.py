"""Distinct rows with their weights, and rounding to significant digits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuetier._core.compress import distinct_rows, significant

tables = st.lists(st.tuples(st.integers(-2, 2), st.sampled_from((0.5, 1.5))), min_size=1, max_size=30)
numbers = st.floats(-1e15, 1e15).filter(lambda value: value == 0 or abs(value) > 1e-9)


def columns_of(table):
    return [np.array(column, dtype=float) for column in zip(*table, strict=True)]


@given(table=tables)
def test_the_table_comes_back_from_its_distinct_rows(table):
    """``rows[inverse]`` is the table, every row is there once, in sorted order, with its count."""
    found = distinct_rows(*columns_of(table))
    assert [tuple(row) for row in found.rows[found.inverse].tolist()] == table
    assert [tuple(row) for row in found.rows.tolist()] == sorted(set(table))
    assert found.weights.tolist() == [table.count(tuple(row)) for row in found.rows.tolist()]


@given(table=tables, data=st.data())
def test_row_order_changes_nothing(table, data):
    """Shuffled rows have the same distinct rows and weights, to the last bit."""
    weighted = [(*row, data.draw(st.floats(1e-3, 1e3))) for row in table]
    *columns, weights = columns_of(weighted)
    *shuffled, their_weights = columns_of(data.draw(st.permutations(weighted)))
    found, again = distinct_rows(*columns, weights=weights), distinct_rows(*shuffled, weights=their_weights)
    assert found.rows.tolist() == again.rows.tolist()
    assert found.weights.tolist() == again.weights.tolist()


@given(table=tables, data=st.data())
def test_a_weight_is_a_repetition(table, data):
    """A row with weight 3 counts as the row three times."""
    times = np.array(data.draw(st.lists(st.integers(1, 4), min_size=len(table), max_size=len(table))))
    columns = columns_of(table)
    found = distinct_rows(*columns, weights=times.astype(float))
    repeated = distinct_rows(*(np.repeat(column, times) for column in columns))
    assert found.rows.tolist() == repeated.rows.tolist()
    assert found.weights.tolist() == repeated.weights.tolist()


def test_an_empty_table_has_no_rows():
    """No rows in, no rows out."""
    found = distinct_rows(np.empty(0), np.empty(0))
    assert (found.rows.shape, len(found.inverse), len(found.weights)) == ((0, 2), 0, 0)


@given(value=numbers, digits=st.integers(1, 15))
def test_significant_equals_decimal_rounding(value, digits):
    """The rounded number is the nearest one with so many digits, and as printed with them."""
    rounded = significant(np.array([value]), digits)[0]
    assert abs(rounded - value) <= 0.5001 * 10 ** (1 - digits) * abs(value) * 1.0000001
    assert float(f"{rounded:.{digits - 1}e}") == pytest.approx(rounded, rel=1e-15)


@given(values=st.lists(numbers, min_size=2, max_size=20))
def test_significant_keeps_the_order(values):
    """A larger number never becomes the smaller one."""
    assert (np.diff(significant(np.sort(values))) >= 0).all()


@given(value=st.decimals(min_value=1, max_value=10**6, places=4), factor=st.sampled_from((1.0, -1.0)))
def test_significant_forgets_the_last_bits(value, factor):
    """Neighbouring floating-point numbers of a decimal number become that number."""
    exact = factor * float(value)
    noisy = np.array([exact, np.nextafter(exact, 0), np.nextafter(exact, np.inf), exact * (1 + 1e-14)])
    assert significant(noisy).tolist() == [exact] * 4


def test_significant_keeps_what_it_cannot_round():
    """Zero, NaN and infinity stay; the largest and the smallest numbers stay finite and near."""
    kept = significant(np.array([0.0, math.nan, math.inf, -math.inf]))
    np.testing.assert_array_equal(kept, [0.0, math.nan, math.inf, -math.inf])
    extreme = np.array([1.7976931348623157e308, -1e308, 1e-280, 1e-320])
    assert np.isfinite(significant(extreme)).all()
    np.testing.assert_allclose(significant(extreme)[:3], extreme[:3], rtol=1e-11)
