"""How often customers order, when what they bought runs out, and contacts that keep their distance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.int64]
Floats = NDArray[np.float64]


def median_gaps(customer: NDArray[np.intp], day: Days, n: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return each customer's median number of days between orders, and on how many days they ordered.

    Parameters
    ----------
    customer : (m,) array
        Codes from 0 to ``n - 1``, one per order.
    day : (m,) array
        Days since some day. Orders of one day are one.
    n : int
        Number of customers.

    Examples
    --------
    >>> gaps, days = median_gaps(np.array([0, 0, 0, 0, 1]), np.array([30, 0, 10, 10, 5]), 3)
    >>> gaps.tolist(), days.tolist()
    ([15.0, nan, nan], [3, 1, 0])
    """
    order = np.lexsort((day, customer))
    who, when = customer[order], day[order]
    first = np.append(True, (who[1:] != who[:-1]) | (when[1:] != when[:-1])) if len(who) else who > 0
    who, when = who[first], when[first]
    within = who[1:] == who[:-1]
    return group_medians(who[1:][within], np.diff(when)[within], n), np.bincount(who, minlength=n)


def group_medians(group: NDArray[np.intp], values: NDArray[np.number], n: int) -> Floats:
    """Return the median of each group's values; NaN for a group without any.

    Examples
    --------
    >>> group_medians(np.array([0, 2, 0, 2, 2]), np.array([1, 9, 2, 7, 8]), 3).tolist()
    [1.5, nan, 8.0]
    """
    ordered = values[np.lexsort((values, group))].astype(np.float64)
    sizes = np.bincount(group, minlength=n)
    start = np.cumsum(sizes) - sizes
    medians = np.full(n, np.nan)
    some = sizes > 0
    low, high = (start + (sizes - 1) // 2)[some], (start + sizes // 2)[some]
    medians[some] = (ordered[low] + ordered[high]) / 2
    return medians


def run_out_days(stock: NDArray[np.intp], bought: Floats, lasts: Floats) -> Floats:
    """Return, for every purchase, the day on which all that was bought of this stock so far is used up.

    A purchase made while there is some left is used after it.

    Parameters
    ----------
    stock : (m,) array
        Codes from 0: which customer's stock of which product.
    bought : (m,) array
        Day of each purchase.
    lasts : (m,) array
        For how many days its quantity lasts.

    Examples
    --------
    >>> run_out_days(np.zeros(3, int), np.array([0.0, 10.0, 90.0]), np.array([30.0, 30.0, 30.0])).tolist()
    [30.0, 60.0, 120.0]
    """
    order = np.lexsort((bought, stock))
    who, day, days = stock[order], bought[order], lasts[order]
    starts = np.append(True, who[1:] != who[:-1]) if len(who) else who > 0
    total = np.cumsum(days)
    before = total - days
    before -= before[starts][np.cumsum(starts) - 1] if len(who) else 0
    # the highest start so far within a stock: stocks are set apart so that none reaches into the next
    apart = np.cumsum(starts) * (np.ptp(day - before) + 1 if len(who) else 1)
    begin = np.maximum.accumulate(day - before + apart) - apart
    ends = np.empty(len(who))
    ends[order] = begin + before + days
    return ends


def keep_distance(
    customer: NDArray[np.intp], day: Days, priority: NDArray[np.int64], min_gap_days: int
) -> NDArray[np.intp]:
    """Return into which contact each one goes: itself, or a more important one fewer than so many days away.

    Of each customer's contacts the most important one is kept (the earlier one of equals), then
    each next one that is far enough from all that are kept.

    Parameters
    ----------
    customer : (m,) array
    day : (m,) array
    priority : (m,) array
        0 is the most important.
    min_gap_days : int

    Examples
    --------
    >>> keep_distance(np.zeros(3, int), np.array([0, 5, 9]), np.array([1, 0, 1]), 5).tolist()
    [0, 1, 1]
    """
    order = np.lexsort((day, priority, customer))
    who, when = customer[order], day[order]
    start = np.flatnonzero(np.append(True, who[1:] != who[:-1])) if len(who) else np.empty(0, dtype=np.intp)
    size = np.diff(np.append(start, len(who)))
    into = np.arange(len(who))
    for rank in range(1, int(size.max(initial=0))):
        one = start[size > rank] + rank
        for earlier in range(rank):
            other = start[size > rank] + earlier
            near = (np.abs(when[one] - when[other]) < min_gap_days) & (into[other] == other)
            into[one] = np.where(near & (into[one] == one), other, into[one])
    found = np.empty(len(who), dtype=np.intp)
    found[order] = order[into]
    return found
