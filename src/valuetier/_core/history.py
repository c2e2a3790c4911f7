"""Orders in memory grouped by customer and occasion: the customer table's numbers on arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from valuetier._core.compress import Floats

Integers = NDArray[np.int64]


class History(NamedTuple):
    """What each customer bought; ``orders`` is 0, and times 0, where nothing.

    ``first``, ``last_occasion`` and ``last`` are times of the first occasion, of the first
    order of the last occasion, and of the last order.
    """

    orders: Integers
    first: Integers
    last_occasion: Integers
    last: Integers
    purchases: Floats
    repeat_purchases: Floats


class Visits(NamedTuple):
    """Distinct pairs of customer and time, sorted by customer, then by time.

    ``crowded`` tells for every customer whether some pair stood in several rows.
    """

    customers: NDArray[np.integer]
    times: Integers
    crowded: NDArray[np.bool_]


def counting_order(keys: NDArray[np.integer], n_keys: int) -> NDArray[np.integer]:
    """Return the stable order of small integer keys in 0…n_keys - 1.

    A counting sort, done by the transposition of a sparse row; a sort by comparison
    where the keys are spread too widely for it.

    Examples
    --------
    >>> counting_order(np.array([2, 0, 2, 1]), 3).tolist()
    [1, 3, 0, 2]
    """
    n = len(keys)
    if n_keys > 4 * n + 1_000_000:
        return np.argsort(keys, kind="stable")
    positions = np.arange(n, dtype=np.int32 if n < 2**31 else np.int64)
    row = sparse.csr_array((positions, keys, np.array([0, n])), shape=(1, max(n_keys, 1)))
    return np.asarray(row.tocsc().data)


def dense_codes(keys: NDArray[np.integer]) -> tuple[NDArray[np.int32], NDArray[np.integer]] | None:
    """Return the position of each integer among the distinct ones, and those, sorted.

    By marking the numbers that occur: several times as fast as hashing. None where they are
    spread too widely for it.

    Examples
    --------
    >>> codes, distinct = dense_codes(np.array([7, 5, 7]))
    >>> codes.tolist(), distinct.tolist()
    ([1, 0, 1], [5, 7])
    """
    if not len(keys):
        return None
    low, span = keys.min(), int(keys.max()) - int(keys.min()) + 1
    if span > 4 * len(keys) + 1_000_000:
        return None
    # in 64 bits, or the distances of small integers overflow
    since = keys - low if keys.dtype.kind == "u" else keys.astype(np.int64, copy=False) - int(low)
    occurs = np.zeros(span, dtype=bool)
    occurs[since] = True
    position = np.cumsum(occurs, dtype=np.int32) - np.int32(1)
    return position[since], np.flatnonzero(occurs).astype(keys.dtype) + low


def customer_time_order(
    customers: NDArray[np.integer], times: Integers, n_customers: int
) -> NDArray[np.integer]:
    """Return the order of the rows by customer, then by time.

    Examples
    --------
    >>> customer_time_order(np.array([1, 0, 1]), np.array([9, 5, 2]), 2).tolist()
    [1, 2, 0]
    """
    if not len(times):
        return np.empty(0, dtype=np.int32)
    since = times - times.min()
    span = int(since.max()) + 1
    by_time = counting_order(since.astype(np.int32) if span < 2**31 else since, span)
    return by_time[counting_order(customers[by_time], n_customers)]


def distinct_visits(customers: NDArray[np.integer], times: Integers, n_customers: int) -> Visits:
    """Return when each customer was there, each time once; from rows in any order.

    Only customer and time are sorted, packed into one integer: the rows stay where they are.

    Examples
    --------
    >>> found = distinct_visits(np.array([1, 0, 1, 1]), np.array([9, 5, 2, 9]), 2)
    >>> found.customers.tolist(), found.times.tolist(), found.crowded.tolist()
    ([0, 1, 1], [5, 2, 9], [False, True])
    """
    crowded = np.zeros(n_customers, dtype=bool)
    if not len(times):
        return Visits(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), crowded)
    start = int(times.min())
    span = int(times.max()) - start + 1
    dtype = np.dtype(np.uint32 if n_customers * span < 2**32 else np.int64)
    packed = customers.astype(dtype) * dtype.type(span) + (times - start).astype(dtype)
    packed.sort()
    new = np.ones(len(packed), dtype=bool)
    np.not_equal(packed[1:], packed[:-1], out=new[1:])
    crowded[packed[~new] // dtype.type(span)] = True
    packed = packed[new]
    who = packed // dtype.type(span)
    return Visits(who, (packed - who * dtype.type(span)).astype(np.int64) + start, crowded)


def history(
    visits: Visits,
    customers: NDArray[np.integer],
    times: Integers,
    amounts: Floats,
    *,
    length: int = 1,
    offset: int = 0,
) -> History:
    """Return the history of every customer; orders in one period are one occasion.

    Parameters
    ----------
    visits : Visits
        Of the same customers and times.
    customers : (n,) array
        Customer codes.
    times : (n,) array
        Time of each order, in whole units.
    amounts : (n,) array
        Not negative.
    length, offset : int
        The period of a time is ``(time + offset) // length``.

    Examples
    --------
    >>> customers, times = np.array([0, 2, 0, 0]), np.array([5, 3, 1, 1])
    >>> visits = distinct_visits(customers, times, 3)
    >>> found = history(visits, customers, times, np.array([20.0, 7.0, 10.0, 5.0]))
    >>> found.orders.tolist(), found.purchases.tolist(), found.repeat_purchases.tolist()
    ([2, 0, 1], [35.0, 0.0, 7.0], [20.0, 0.0, 0.0])
    """
    n_customers = len(visits.crowded)
    orders, first, last_occasion, last = np.zeros((4, n_customers), dtype=np.int64)
    if not len(customers):
        return History(orders, first, last_occasion, last, *np.zeros((2, n_customers)))
    births = _starts(visits.customers)
    ends = np.append(births[1:], len(visits.customers)) - 1
    opens = _starts(visits.customers, (visits.times + offset) // length)
    occasion = np.zeros(len(visits.customers), dtype=np.int32)
    occasion[opens] = 1
    np.cumsum(occasion, out=occasion)  # number of the visit's occasion, counted over all customers
    who = visits.customers[births]
    orders[who] = occasion[ends] - occasion[births] + 1
    first[who] = visits.times[births]
    last_occasion[who] = visits.times[opens[occasion[ends] - 1]]
    last[who] = visits.times[ends]
    later = (times + offset) // length > ((first + offset) // length)[customers]
    purchases = _totals(customers, amounts, n_customers)
    repeats = _totals(customers, np.where(later, amounts, 0.0), n_customers)
    return History(orders, first, last_occasion, last, purchases, repeats)


def _totals(customers: NDArray[np.integer], amounts: Floats, n_customers: int) -> Floats:
    return np.bincount(customers, weights=amounts, minlength=n_customers).astype(np.float64, copy=False)


def repeated_rows(
    visits: Visits, customers: NDArray[np.integer], *others: NDArray[np.generic]
) -> NDArray[np.intp]:
    """Return the positions of rows that equal an earlier one in customer and all others.

    Only customers who were there several times at one time are looked at any further;
    the others must tell those times apart at least as well as ``visits`` does.

    Examples
    --------
    >>> customers, times = np.array([0, 0, 0]), np.array([1, 1, 1])
    >>> visits = distinct_visits(customers, times, 1)
    >>> repeated_rows(visits, customers, times, np.array([5.0, 6.0, 5.0])).tolist()
    [2]
    """
    candidates = np.flatnonzero(visits.crowded[customers])
    columns = [column[candidates] for column in (customers, *others)]
    order = np.lexsort((candidates, *columns[::-1]))
    again = np.ones(len(order), dtype=bool)
    again[:1] = False
    for column in columns:
        again[1:] &= column[order][1:] == column[order][:-1]
    return np.sort(candidates[order[again]])


def _starts(*keys: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return where a new combination of sorted keys begins."""
    new = np.zeros(len(keys[0]), dtype=bool)
    new[0] = True
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(new)
