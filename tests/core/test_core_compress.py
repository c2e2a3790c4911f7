"""Distinct rows with their weights, and rounding to significant digits."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valuetier._core.compress import counted_rows, distinct_rows, significant, sorted_order, tabulated

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


whole = st.integers(-3, 3) | st.integers(0, 200)
kinds = {
    "few whole numbers": whole,
    "many whole numbers": st.integers(-(10**5), 10**5),
    "constant fraction": st.just(0.25),
    "constant huge": st.just(-1e300),
    "huge whole numbers": st.sampled_from((-(2.0**60), 2.0**53, 2.0**53 + 2, 1e18)),
    "at the edge": st.sampled_from((-(2.0**52) + 1, 2.0**52 - 1, 0.0)),
    "beyond the edge": st.sampled_from((-(2.0**52), 2.0**52, 2.0**52 - 1)),
    "fractions": st.sampled_from((-1.5, -0.1, 0.1, 0.5, 2.0)),
    "floats": st.floats(-1e9, 1e9),
    "infinite": st.sampled_from((-math.inf, 0.0, math.inf)),
    "nought": st.sampled_from((0.0, -0.0, 1.0)),
}


@st.composite
def mixed_columns(draw):
    """Draw one to four columns of one length, each of a kind of its own, with repeated rows among them."""
    rows = draw(st.integers(1, 30))
    chosen = draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=4))
    columns = [draw(st.lists(kinds[kind], min_size=rows, max_size=rows)) for kind in chosen]
    again = np.array(draw(st.lists(st.integers(0, rows - 1), min_size=rows, max_size=2 * rows)))
    return tuple(np.array(column, dtype=float)[again] for column in columns)


def plainly_counted(columns):
    """Return sorted distinct rows with their counts, by sorting tuples."""
    rows = sorted(zip(*(column.tolist() for column in columns), strict=True))
    distinct = sorted(set(rows))
    return distinct, [rows.count(row) for row in distinct]


@settings(max_examples=150)
@given(columns=mixed_columns())
def test_counted_rows_are_the_distinct_rows(columns):
    """Packed, tabulated or sorted: rows, order and counts are those of sorting tuples."""
    before = [column.copy() for column in columns]
    rows, counts = plainly_counted(columns)
    found, weights = counted_rows(*columns)
    assert list(zip(*(column.tolist() for column in found), strict=True)) == rows
    assert weights.tolist() == counts
    distinct = distinct_rows(*columns)
    assert [tuple(row) for row in distinct.rows.tolist()] == rows
    assert distinct.weights.tolist() == counts
    np.testing.assert_array_equal(distinct.rows[distinct.inverse], np.column_stack(columns))
    np.testing.assert_array_equal(columns, before)


@settings(max_examples=150)
@given(columns=mixed_columns())
def test_the_order_sorts_the_rows(columns):
    """``sorted_order`` is a permutation, and the rows in it are those in the order of ``lexsort``."""
    order = sorted_order(*columns)
    assert sorted(order.tolist()) == list(range(len(columns[0])))
    for column in columns:
        np.testing.assert_array_equal(column[order], column[np.lexsort(columns[::-1])])


@pytest.mark.parametrize("kind", ["few", "packed", "too many to pack", "dates"])
def test_many_rows_are_counted_and_sorted_right(kind):
    """The same for as many rows as tables and short keys are made for."""
    rng, n = np.random.default_rng(0), 60_000
    columns = {
        "few": (rng.integers(0, 9, n), rng.integers(0, 50, n)),
        "packed": (rng.integers(0, 5_000, n), rng.integers(-70_000, 70_000, n)),
        "too many to pack": (rng.integers(0, 2**40, n), rng.integers(0, 2**40, n)),
        "dates": (rng.integers(0, 40, n), rng.integers(0, 700, n), rng.integers(0, 999, n) / 7),
    }[kind]
    columns = tuple(np.concatenate([column, column[:500]]).astype(float) for column in columns)
    order = np.lexsort(columns[::-1])
    expected, counts = np.unique(np.column_stack(columns), axis=0, return_counts=True)
    found, weights = counted_rows(*columns)
    np.testing.assert_array_equal(np.column_stack(found), expected)
    np.testing.assert_array_equal(weights, counts)
    for column in columns:
        np.testing.assert_array_equal(column[sorted_order(*columns)], column[order])
    distinct = distinct_rows(*columns)
    np.testing.assert_array_equal(distinct.rows[distinct.inverse], np.column_stack(columns))
    np.testing.assert_array_equal(distinct.weights, counts)


@given(columns=mixed_columns(), data=st.data())
def test_weighted_rows_are_counted_the_same(columns, data):
    """With weights both functions return the same rows with the same sums, to the last bit."""
    n = len(columns[0])
    weights = np.array(data.draw(st.lists(st.floats(1e-3, 1e3), min_size=n, max_size=n)))
    distinct = distinct_rows(*columns, weights=weights)
    found, totals = counted_rows(*columns, weights=weights)
    np.testing.assert_array_equal(np.column_stack(found), distinct.rows)
    np.testing.assert_array_equal(totals, distinct.weights)
    assert totals.sum() == pytest.approx(weights.sum())


@given(column=st.lists(whole, min_size=1, max_size=30), data=st.data(), ordered=st.booleans())
def test_a_column_is_tabulated_with_its_weights(column, data, ordered):
    """Sorted or not, each distinct value comes once, in order, with the sum of its weights."""
    values = np.array(sorted(column) if ordered else column, dtype=float)
    weights = np.array(data.draw(st.lists(st.integers(1, 9), min_size=len(column), max_size=len(column))))
    found, totals = tabulated(values, weights.astype(float))
    assert found.tolist() == sorted(set(values.tolist()))
    assert totals.tolist() == [weights[values == value].sum() for value in found]


def test_nothing_is_counted_in_an_empty_table():
    """No rows in, no rows out, in any order."""
    columns, weights = counted_rows(np.empty(0), np.empty(0))
    assert ([len(column) for column in columns], len(weights)) == ([0, 0], 0)
    assert sorted_order(np.empty(0), np.empty(0)).tolist() == []


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
