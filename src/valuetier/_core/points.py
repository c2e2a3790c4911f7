"""Points on arrays: calendar months, caps per period, and accounts settled first in, first out.

Days are counted from 1970-01-01, points are whole numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

# What can happen on one day, in the order in which it does.
EXPIRE, EARN, REVERSE, REDEEM = range(4)

NEVER = np.iinfo(np.int64).max


def add_months(days: Integers, months: int) -> Integers:
    """Return the same day of the month so many months later; the last one where there is none.

    Examples
    --------
    >>> start = np.array(["2024-01-31"], dtype="datetime64[D]").astype(np.int64)
    >>> add_months(start, 1).astype("datetime64[D]").astype(str).tolist()
    ['2024-02-29']
    """
    month = month_of(days)
    in_month = days - first_day(month)
    target = month + months
    return first_day(target) + np.minimum(in_month, first_day(target + 1) - first_day(target) - 1)


def month_of(days: Integers) -> Integers:
    """Return the month of each day, counted from January 1970."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def first_day(months: Integers) -> Integers:
    """Return the first day of each month."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def period_of(days: Integers, per: str) -> Integers:
    """Return a number for the day, month, quarter or year that each day is in.

    Examples
    --------
    >>> period_of(np.array([0, 30, 31, 90, 365]), "quarter").tolist()
    [0, 0, 0, 1, 4]
    """
    length = {"month": 1, "quarter": 3, "year": 12}
    return days if per == "day" else month_of(days) // length[per]


def valid_through(days: Integers, months: int, until: str) -> Integers:
    """Return the last day on which points are good, so many months after the day they were earned.

    ``until`` is ``"day"``, or ``"month_end"`` or ``"year_end"``: the end of that month or year.
    """
    if until == "day":
        return add_months(days, months)
    month = month_of(days) + months
    return first_day(month + 1 if until == "month_end" else (month // 12 + 1) * 12) - 1


def running_sums(values: Integers, groups: Integers) -> Integers:
    """Return the sum of each value and those before it in its group; equal groups stand together.

    Examples
    --------
    >>> running_sums(np.array([1, 2, 5, 7]), np.array([0, 0, 4, 4])).tolist()
    [1, 3, 5, 12]
    """
    sums = np.cumsum(values)
    first = np.flatnonzero(np.diff(groups, prepend=groups[:1] - 1))
    before = (sums - values)[first]
    return np.asarray(sums - np.repeat(before, np.diff(first, append=len(groups))), dtype=np.int64)


def capped(points: Integers, customers: Integers, periods: Integers, cap: int) -> Integers:
    """Return what is left of the points where a customer gets at most ``cap`` in a period.

    Rows are in the order of time; the first ones count in full.

    Examples
    --------
    >>> capped(np.array([30, 30, 30]), np.array([0, 0, 0]), np.array([1, 1, 2]), 50).tolist()
    [30, 20, 30]
    """
    order = np.lexsort((periods, customers))
    starts = np.diff(customers[order], prepend=-1).astype(bool)
    starts |= np.diff(periods[order], prepend=0).astype(bool)
    sums = running_sums(points[order], np.cumsum(starts))
    left = np.empty_like(points)
    left[order] = np.clip(cap - (sums - points[order]), 0, points[order])
    return left


def settle(customers: Integers, kinds: Integers, asked: Integers) -> Integers:
    """Return the points that each posting moves, points used up in the order they were earned.

    Two running totals of a customer say all: the points earned, and how far into them the
    customer has used them up. A redemption that is larger than the balance moves nothing; a
    reversal takes what is there.

    Parameters
    ----------
    customers : (n,) array
        Codes 0, 1, …; equal ones stand together, in the order of time.
    kinds : (n,) array
        EXPIRE, EARN, REVERSE or REDEEM.
    asked : (n,) array
        Points ≥ 0; for EXPIRE all points ever earned that are good until then.

    Examples
    --------
    >>> kinds = np.array([EARN, REDEEM, EARN, EXPIRE, REDEEM])
    >>> settle(np.zeros(5, dtype=int), kinds, np.array([100, 30, 50, 100, 60])).tolist()
    [100, 30, 50, 70, 0]
    """
    moved = np.zeros_like(asked)
    if not len(asked):
        return moved
    earned = np.zeros(int(customers.max()) + 1, dtype=np.int64)
    used = earned.copy()
    rank = running_sums(np.ones_like(asked), customers)
    order = np.argsort(rank, kind="stable")
    for rows in np.split(order, np.cumsum(np.bincount(rank)[1:])[:-1]):
        who, kind, points = customers[rows], kinds[rows], asked[rows]
        there = earned[who] - used[who]
        moves = np.select(
            [kind == EARN, kind == EXPIRE, kind == REVERSE],
            [points, np.maximum(points - used[who], 0), np.minimum(points, there)],
            np.where(points <= there, points, 0),
        )
        earned[who] += np.where(kind == EARN, moves, 0)
        used[who] += np.where(kind == EARN, 0, moves)
        moved[rows] = moves
    return moved
