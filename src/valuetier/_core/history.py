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


def history(
    customers: NDArray[np.integer],
    times: Integers,
    periods: Integers,
    amounts: Floats,
    n_customers: int,
) -> History:
    """Return the history of every customer; orders in one period are one occasion.

    Parameters
    ----------
    customers : (n,) array
        Customer codes, sorted; within a customer ordered by time.
    times : (n,) array
        Time of each order, in whole units.
    periods : (n,) array
        Period of each order: does not fall where ``times`` rises.
    amounts : (n,) array
        Not negative.

    Examples
    --------
    >>> found = history(
    ...     np.array([0, 0, 0, 2]), np.array([1, 1, 5, 3]), np.array([1, 1, 5, 3]),
    ...     np.array([10.0, 5.0, 20.0, 7.0]), 3,
    ... )
    >>> found.orders.tolist(), found.purchases.tolist(), found.repeat_purchases.tolist()
    ([2, 0, 1], [35.0, 0.0, 7.0], [20.0, 0.0, 0.0])
    """
    orders, first, last_occasion, last = np.zeros((4, n_customers), dtype=np.int64)
    purchases, repeat_purchases = np.zeros((2, n_customers))
    result = History(orders, first, last_occasion, last, purchases, repeat_purchases)
    if not len(customers):
        return result
    births = _starts(customers)
    ends = np.append(births[1:], len(customers)) - 1
    opens = _starts(customers, periods)
    occasion = np.zeros(len(customers), dtype=np.int32)
    occasion[opens] = 1
    np.cumsum(occasion, out=occasion)  # number of the row's occasion, counted over all customers
    first_occasion = np.repeat(occasion[births], ends - births + 1)
    who = customers[births]
    result.orders[who] = occasion[ends] - occasion[births] + 1
    result.first[who] = times[births]
    result.last_occasion[who] = times[opens[occasion[ends] - 1]]
    result.last[who] = times[ends]
    result.purchases[who] = np.add.reduceat(amounts, births)
    repeats = np.where(occasion > first_occasion, amounts, 0.0)
    result.repeat_purchases[who] = np.add.reduceat(repeats, births)
    return result


def repeated_rows(
    customers: NDArray[np.integer], times: Integers, *others: NDArray[np.generic]
) -> NDArray[np.intp]:
    """Return the positions of rows that equal an earlier one; rows ordered as for :func:`history`.

    Only rows that share customer and time with a neighbour are compared any further.

    Examples
    --------
    >>> repeated_rows(np.array([0, 0, 0]), np.array([1, 1, 1]), np.array([5.0, 6.0, 5.0])).tolist()
    [2]
    """
    same = (customers[1:] == customers[:-1]) & (times[1:] == times[:-1])
    near = np.zeros(len(customers), dtype=bool)
    near[1:] |= same
    near[:-1] |= same
    candidates = np.flatnonzero(near)
    columns = [column[candidates] for column in (customers, times, *others)]
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
