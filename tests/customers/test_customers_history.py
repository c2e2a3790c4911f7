"""The grouping of orders in memory: sorting by counting, and rows that repeat."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuetier._core.history import (
    counting_order,
    customer_time_order,
    dense_codes,
    distinct_visits,
    history,
)

small = st.lists(st.integers(0, 5), max_size=30)


@given(keys=small)
@pytest.mark.parametrize("n_keys", [6, 3_000_000])
def test_counting_order_is_the_stable_order(n_keys: int, keys: list[int]) -> None:
    """Sorted by counting, or by comparison where keys are spread widely, equal keys keep their order."""
    array = np.array(keys, dtype=np.int32)
    np.testing.assert_array_equal(counting_order(array, n_keys), np.argsort(array, kind="stable"))


@pytest.mark.parametrize("dtype", ["int8", "int16", "int64", "uint8", "uint64"])
@given(data=st.data())
def test_dense_codes_are_positions_among_the_sorted_integers(dtype: str, data: st.DataObject) -> None:
    """Integers anywhere in the range of their type keep their value and their order."""
    limits = np.iinfo(dtype)
    bottom, top = int(limits.min), int(limits.max)
    start = data.draw(st.sampled_from([bottom, max(bottom, -100), max(bottom, top - 9_999)]))
    keys = st.integers(start, min(top, start + 9_999))
    array = np.array(data.draw(st.lists(keys, min_size=1, max_size=20)), dtype=dtype)
    codes, distinct = dense_codes(array)
    assert distinct.dtype == array.dtype
    np.testing.assert_array_equal(distinct, np.unique(array))
    np.testing.assert_array_equal(distinct[codes], array)


def test_integers_spread_too_widely_are_left_to_hashing() -> None:
    """Neither nothing nor integers far apart are marked one by one."""
    assert dense_codes(np.array([], dtype=np.int64)) is None
    assert dense_codes(np.array([-(2**63), 2**63 - 1])) is None


@given(rows=st.lists(st.tuples(st.integers(0, 3), st.sampled_from((-9, 0, 4, 2**40))), max_size=30))
def test_customer_time_order_sorts_by_customer_then_time(rows: list[tuple[int, int]]) -> None:
    """Rows are ordered by customer, then by time, then as they came; times may be negative or far apart."""
    customers = np.array([who for who, _ in rows], dtype=np.int32)
    times = np.array([at for _, at in rows], dtype=np.int64)
    found = customer_time_order(customers, times, 4)
    assert found.tolist() == sorted(range(len(rows)), key=lambda row: (*rows[row], row))


def test_the_history_of_nobody_is_all_zero() -> None:
    """Without rows every customer has no orders, no times and no money."""
    nothing = np.empty(0, dtype=np.int64)
    found = history(distinct_visits(nothing, nothing, 2), nothing, nothing, np.empty(0))
    assert [column.tolist() for column in found] == [[0, 0]] * 6
