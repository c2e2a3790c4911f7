"""Months that look as if day and month of their dates were swapped.

Where 03/04 is read now as 3 April, now as 4 March, dates up to the 12th move to other months: a log of January to
March then has orders on the 1st, 2nd and 3rd of every month of the year, and no later ones from April on.
"""

from __future__ import annotations

import math
from calendar import monthrange
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Days of the month up to which day and month can be taken for each other.
MONTHS = 12
# Fewer days than this in a month are a rhythm of billing, or a sparse log.
SWAPPED_DAYS = 3
# One such month may have other reasons, as a shop that closed; a swap spreads over many.
SWAPPED_MONTHS = 2
# Warn where fewer than one log in a million would have so many months without a day after the 12th.
SWAPPED_CHANCE = 1e-6


class Month(NamedTuple):
    """A calendar month with orders: its first day, its length, the days of it with orders, their rows."""

    first: date
    length: int
    days: tuple[int, ...]
    rows: int

    @property
    def is_late(self) -> bool:
        """Whether orders fall on a day that is no number of a month."""
        return self.days[-1] > MONTHS


def _months(ordinals: NDArray[np.int64], rows: NDArray[np.int64]) -> list[Month]:
    found: dict[date, list[tuple[int, int]]] = {}
    for day, count in zip(map(date.fromordinal, ordinals.tolist()), rows.tolist(), strict=True):
        found.setdefault(day.replace(day=1), []).append((day.day, count))
    return [
        Month(first, monthrange(first.year, first.month)[1], *_columns(own)) for first, own in found.items()
    ]


def _columns(own: list[tuple[int, int]]) -> tuple[tuple[int, ...], int]:
    return tuple(day for day, _ in own), sum(rows for _, rows in own)


def swapped_months(ordinals: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[list[Month], int]:
    """Return the months in which day and month look swapped, and how many whole months were looked at.

    Parameters
    ----------
    ordinals, rows : (n,) arrays
        Days with orders, ascending, and the rows of each.

    Notes
    -----
    If orders fall on k of the n days of a month, and on one day as likely as on another, none of these is
    after the 12th with probability C(12, k) / C(n, k). The months being independent, how many there are
    is Poisson-binomial. First and last month of the log, and those beside an empty one, may be cut off
    and are not looked at.
    """
    months = _months(ordinals, rows)
    whole = [
        month
        for before, month, after in zip(months, months[1:], months[2:], strict=False)
        if len(month.days) >= SWAPPED_DAYS and _follows(before, month) and _follows(month, after)
    ]
    strange = [month for month in whole if not month.is_late and _fits(month, months)]
    chances = [
        math.comb(MONTHS, len(month.days)) / math.comb(month.length, len(month.days)) for month in whole
    ]
    if len(strange) < SWAPPED_MONTHS or chance_of_as_many(chances, len(strange)) >= SWAPPED_CHANCE:
        return [], len(whole)
    return strange, len(whole)


def _follows(month: Month, after: Month) -> bool:
    return (after.first - month.first).days == month.length


def _fits(month: Month, months: list[Month]) -> bool:
    """Return whether swapped dates can have made the month: its days then are months of the same year.

    Those have kept their dates after the 12th, all but the one in which the log breaks off; or all such
    dates were lost, and the others go up to the 12th. Else the first days of each month are a rhythm.
    """
    year = [other for other in months if other.first.year == month.first.year]
    late = {other.first.month for other in year if other.is_late}
    if not late:
        return max(other.days[-1] for other in year) == MONTHS
    return set(month.days) <= late | {max(late) + 1}


def chance_of_as_many(chances: list[float], count: int) -> float:
    """Return the probability of ``count`` or more successes of independent trials with these chances.

    Examples
    --------
    >>> chance_of_as_many([0.5, 0.5], 1)
    0.75
    """
    exactly = np.zeros(count + 1)
    exactly[0] = 1.0
    for chance in chances:  # the last entry gathers all from count on
        moved = exactly * chance
        moved[-1] = 0.0
        exactly[:-1] -= moved[:-1]
        exactly[1:] += moved[:-1]
    return float(exactly[-1])
