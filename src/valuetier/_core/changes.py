"""Where a tier changes when one column of a customer moves and the others stay.

A customer table is read to fourteen significant digits, and columns of integers hold whole
numbers: the values a customer can have lie on a grid, on which the first value of another
tier is an exact thing. For one column the tier is constant between a few places, its turns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from valuetier._core.compress import Floats, distinct_rows, significant
from valuetier._core.cuts import Codes

DIGITS = 14
SMALLEST = 1e-300
LARGEST = 1e150
LARGEST_WHOLE = 2.0**53
DOUBLINGS = 64

Rows = NDArray[np.intp]
CodesAt = Callable[[Rows, Floats], Codes]


class Change(NamedTuple):
    """What one column alone changes, one entry per customer.

    ``keeps_from`` and ``keeps_to`` are the first and, exclusively, the last value that keep the
    tier, infinite without a limit; ``to_next`` and ``to_lose`` the nearest value of a better
    and of a worse tier, NaN where there is none, and the codes of these tiers, -1 where
    there is none.
    """

    keeps_from: Floats
    keeps_to: Floats
    to_next: Floats
    next_code: Codes
    to_lose: Floats
    lose_code: Codes


class _Kind(NamedTuple):
    """Of a column: whether it is whole, has exact thresholds, and moves tiers in one direction."""

    whole: bool
    exact: bool
    monotone: bool


class _Side(NamedTuple):
    """The nearest better and worse tier in one direction."""

    better: Floats
    better_code: Codes
    worse: Floats
    worse_code: Codes

    def take(self, rows: Rows) -> _Side:
        """Return both for each of the rows."""
        return _Side(self.better[rows], self.better_code[rows], self.worse[rows], self.worse_code[rows])


def above(values: Floats, whole: bool) -> Floats:
    """Return the next larger value of the grid after values of the grid.

    Examples
    --------
    >>> above(np.array([3.0, -1.0]), True).tolist(), above(np.array([3.0]), False).tolist()
    ([4.0, 0.0], [3.0000000000001])
    """
    if whole:
        return np.asarray(values + 1.0)
    size = np.maximum(np.abs(values), SMALLEST)
    exponent = np.floor(np.log10(size))
    shorter = (values < 0) & (size <= 10.0**exponent * (1.0 + 1e-15))  # -1000 has 999.99… after it
    factor = 10.0 ** np.minimum(DIGITS - 1 - exponent + shorter, 300.0)
    return np.asarray(np.round(values * factor + 1.0) / factor)


def below(values: Floats, whole: bool) -> Floats:
    """Return the next smaller value of the grid before values of the grid.

    Examples
    --------
    >>> below(np.array([10.0, -1.0]), False).tolist()
    [9.9999999999999, -1.0000000000001]
    """
    return -above(-np.asarray(values, dtype=np.float64), whole) + 0.0


def at_least(values: Floats, whole: bool) -> Floats:
    """Return the smallest value of the grid that is not below each number.

    Examples
    --------
    >>> at_least(np.array([1 / 3, 2.0]), False).tolist(), at_least(np.array([2.1]), True).tolist()
    ([0.33333333333334, 2.0], [3.0])
    """
    if whole:
        return np.ceil(values) + 0.0
    nearest = significant(values, DIGITS)
    under = np.flatnonzero(nearest < values)
    nearest[under] = above(nearest[under], whole)
    return nearest


def at_most(values: Floats, whole: bool) -> Floats:
    """Return the largest value of the grid that is not above each number."""
    return -at_least(-np.asarray(values, dtype=np.float64), whole) + 0.0


def points_around(turns: Floats, whole: bool) -> Floats:
    """Return the values of the grid at and next to the turns, ascending: between two of them no tier changes."""
    finite = np.unique(turns[np.isfinite(turns)])
    low, high = at_most(finite, whole), at_least(finite, whole)
    points = np.unique(np.concatenate([below(low, whole), low, high, above(high, whole)]))
    return points[np.abs(points) <= (LARGEST_WHOLE if whole else np.inf)]


def changes_at_thresholds(
    assess: Callable[[Floats], Codes],
    columns: Floats,
    turns: Mapping[int, Floats],
    lowest: Mapping[int, float],
    whole: tuple[bool, ...],
    own: Codes,
) -> dict[int, Change]:
    """Return for each column what changes the tier, where thresholds of single columns decide.

    Customers between the same thresholds are one cell: the tiers are looked up for one
    customer of each cell, at and beside each threshold.

    Parameters
    ----------
    assess : function
        From columns to codes.
    columns : (n, d) array
    turns : mapping of int to array
        For every column that decides, by its position, all its thresholds.
    lowest : mapping of int to float
        Smallest value that each of them may have.
    whole : tuple of bool
        Which columns hold whole numbers.
    own : (n,) array of codes
    """
    points = {j: points_around(found, whole[j]) for j, found in turns.items()}
    places = {j: _places(columns[:, j], found) for j, found in points.items()}
    cells = distinct_rows(*places.values())
    member = np.empty(len(cells.rows), dtype=np.intp)
    member[cells.inverse[::-1]] = np.arange(len(columns))[::-1]
    rows, codes = columns[member], own[member]
    changes = {}
    for j, found in points.items():
        table = np.empty((len(rows), len(found)), dtype=np.int64)
        for k, point in enumerate(found):
            moved = rows.copy()
            moved[:, j] = point
            table[:, k] = assess(moved)
        known, can = np.arange(len(found)), found >= lowest[j]
        place = places[j][member]
        up = _first(table, codes, (known >= place[:, None]) & can, found)
        down = _first(table[:, ::-1], codes, ((known < place[:, None]) & can)[:, ::-1], found[::-1])
        changes[j] = _together(columns[:, j], down.take(cells.inverse), up.take(cells.inverse), whole[j])
    return changes


def _places(values: Floats, points: Floats) -> Floats:
    """Return how many points each value has reached; one more than there are where it is missing."""
    places = np.searchsorted(points, values, side="right")
    return np.where(np.isnan(values), len(points) + 1, places).astype(np.float64)


def _first(table: Codes, own: Codes, ahead: NDArray[np.bool_], points: Floats) -> _Side:
    """Return the first point ahead that is better, and that is worse."""
    found: list[Floats | Codes] = []
    if not len(points):
        none, no_code = np.full(len(own), np.nan), np.full(len(own), -1)
        return _Side(none, no_code, none, no_code)
    for other in (table < own[:, None], table > own[:, None]):
        there = other & ahead
        known = there.any(axis=1)
        at = there.argmax(axis=1)
        codes = np.where(known, np.take_along_axis(table, at[:, None], 1)[:, 0], -1)
        found += [np.where(known, points[at], np.nan), codes]
    return _Side(*found)  # type: ignore[arg-type]  # floats and codes take turns


def changes_at_crossings(
    codes_at: CodesAt,
    values: Floats,
    thresholds: Floats,
    turns: Floats,
    whole: bool,
    own: Codes,
    domain: tuple[Floats, Floats],
    monotone: bool = False,
) -> Change:
    """Return what one column changes, where each customer has turns of its own.

    Tiers are asked for between the turns; the first turn beyond which the tier is another
    is then settled on the grid.

    Parameters
    ----------
    codes_at : function
        From positions of customers and values of the column to their codes.
    values : (n,) array
        NaN where the column is missing: nothing is said of such a customer.
    thresholds : (m,) array
        Where, or right beside which, the tier of any customer may change.
    turns : (n, k) array
        Close to where the tier of each may change; NaN where it cannot.
    whole : bool
    own : (n,) array of codes
    domain : pair of (n,) arrays
        Smallest and largest value that the column may have.
    monotone : bool
        Tiers only get better in one direction, and only worse in the other.
    """
    largest = LARGEST_WHOLE if whole else LARGEST
    high, low = (np.minimum(end, largest) for end in (domain[1], -domain[0]))
    kind = _Kind(whole, bool(len(thresholds)), monotone)
    turns = np.column_stack([turns, np.broadcast_to(thresholds, (len(values), len(thresholds)))])
    up = _ahead(codes_at, values, turns, kind, own, high)
    down = _ahead(lambda rows, moved: codes_at(rows, -moved + 0.0), -values, -turns, kind, own, low)
    down = _Side(-down.better, down.better_code, -down.worse, down.worse_code)
    return _together(values, down, up, whole)


def _ahead(codes_at: CodesAt, values: Floats, turns: Floats, kind: _Kind, own: Codes, most: Floats) -> _Side:
    """Return the nearest better and worse tier above the values."""
    most = np.broadcast_to(most, values.shape)
    ahead = np.sort(np.where(turns >= values[:, None] - _slack(values)[:, None], turns, np.nan), axis=1)
    limit = most + _slack(most)
    guess = {side: np.full(len(values), np.nan) for side in (-1, 1)}
    for k in range(ahead.shape[1]):
        open_ = np.flatnonzero(ahead[:, k] <= limit)
        unknown = np.isnan(guess[-1][open_]), np.isnan(guess[1][open_])
        open_ = open_[unknown[0] & unknown[1] if kind.monotone else unknown[0] | unknown[1]]
        turn, following = ahead[open_, k], ahead[open_, min(k + 1, ahead.shape[1] - 1)]
        for probe in _probes(turn, following, values[open_], kind):
            probe = np.minimum(probe, most[open_])  # a turn may lie at the very end
            there = probe > values[open_]
            rows = open_[there]
            sign = np.sign(codes_at(rows, probe[there]) - own[rows]) if len(rows) else np.empty(0)
            for side, known in guess.items():
                new = (sign == side) & np.isnan(known[rows])
                known[rows[new]] = turn[there][new]
    better = _settled(codes_at, values, guess[-1], kind.whole, own, most, -1)
    worse = _settled(codes_at, values, guess[1], kind.whole, own, most, 1)
    return _Side(*better, *worse)


def _slack(values: Floats) -> Floats:
    """Return how far a computed turn may lie from the true one."""
    return 1e-11 * np.abs(values) + 1e-300


def _probes(turn: Floats, following: Floats, values: Floats, kind: _Kind) -> list[Floats]:
    """Return values at and behind a turn, before the one that follows, that show what it changes."""
    slack = 1e-9 * np.abs(turn) + 1e-11 * np.abs(values) + 1e-290
    whole = kind.whole
    if whole:
        first, last = np.ceil(turn - slack), np.floor(turn + slack) + 1.0
        return [first, np.where(last > first, last, np.nan)]
    near, middle = at_least(turn + slack, whole), at_most((turn + following) / 2.0, whole)
    behind = np.where((middle > turn) & (middle < near), middle, near)
    return [at_least(turn, whole), above(at_least(turn, whole), whole), behind] if kind.exact else [behind]


def _settled(
    codes_at: CodesAt, start: Floats, guess: Floats, whole: bool, own: Codes, most: Floats, side: int
) -> tuple[Floats, Codes]:
    """Return the first value above ``start``, close to a guess, with a better (-1) or worse (1) tier, and its code."""
    found, codes = np.full(len(start), np.nan), np.full(len(start), -1, dtype=np.int64)
    rows = np.flatnonzero(~np.isnan(guess))
    if not len(rows):
        return found, codes

    def is_other(at: Rows, code: Codes) -> NDArray[np.bool_]:
        return np.asarray(np.sign(code - own[at]) == side)

    def reached(at: Rows, values: Floats) -> NDArray[np.bool_]:
        return is_other(at, codes_at(at, values))

    first = above(start[rows], whole)
    top = at_most(most[rows], whole)
    high = np.clip(at_least(guess[rows], whole), first, np.maximum(first, top))
    low = np.maximum(below(high, whole), start[rows])
    code = codes_at(rows, high)
    there, before = is_other(rows, code), (low > start[rows]) & reached(rows, low)
    end, low, there = _bracketed(reached, rows, (low, high), (before, there), (start[rows], top), whole)
    end = _bisected(reached, rows, low, end, there, whole)
    moved = np.flatnonzero(there & (end != high))
    if len(moved):
        code[moved] = codes_at(rows[moved], end[moved])
    there &= end <= top
    found[rows[there]], codes[rows[there]] = end[there], code[there]
    return found, codes


def _bracketed(
    reached: Callable[[Rows, Floats], NDArray[np.bool_]],
    rows: Rows,
    ends: tuple[Floats, Floats],
    at_ends: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    limits: tuple[Floats, Floats],
    whole: bool,
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return a value that has reached it, one below that has not, and whether there are such."""
    (low, high), (before, there) = ends, at_ends
    start, top = limits
    low, high, there = low.copy(), high.copy(), there.copy()
    step = np.maximum(above(high, whole) - high, 1e-14 * np.maximum(np.abs(start), np.abs(high)))
    down, up = np.flatnonzero(there & before), np.flatnonzero(~there & (high < top))
    for _ in range(DOUBLINGS):
        if not len(down) and not len(up):
            break
        step *= 2.0
        if len(down):
            high[down] = low[down]
            low[down] = np.maximum(at_most(high[down] - step[down], whole), start[down])
            down = down[(low[down] > start[down]) & reached(rows[down], np.maximum(low[down], start[down]))]
        if len(up):
            low[up] = high[up]
            high[up] = np.minimum(at_least(low[up] + step[up], whole), top[up])
            there[up] = reached(rows[up], high[up])
            up = up[~there[up] & (high[up] < top[up])]
    return high, low, there


def _bisected(
    reached: Callable[[Rows, Floats], NDArray[np.bool_]],
    rows: Rows,
    low: Floats,
    high: Floats,
    there: NDArray[np.bool_],
    whole: bool,
) -> Floats:
    """Return the first value of the grid that has reached it, between one that has not and one that has."""
    low, high = low.copy(), high.copy()
    open_ = np.flatnonzero(there & (above(low, whole) < high))
    while len(open_):
        middle = at_most(low[open_] / 2.0 + high[open_] / 2.0, whole)
        middle = np.maximum(middle, above(low[open_], whole))
        hit = reached(rows[open_], middle)
        high[open_[hit]], low[open_[~hit]] = middle[hit], middle[~hit]
        open_ = open_[above(low[open_], whole) < high[open_]]
    return high


def _together(values: Floats, down: _Side, up: _Side, whole: bool) -> Change:
    """Return both directions as one: the nearest better and worse tier, and the interval of this one."""
    last = np.fmax(down.better, down.worse)
    keeps_from = np.where(np.isnan(last), -np.inf, above(np.nan_to_num(last), whole))
    keeps_to = np.fmin(up.better, up.worse)
    keeps_to = np.where(np.isnan(keeps_to), np.inf, keeps_to)
    missing = np.isnan(values)
    nearest = []
    for one, other in (
        ((down.better, down.better_code), (up.better, up.better_code)),
        ((down.worse, down.worse_code), (up.worse, up.worse_code)),
    ):
        first = np.isnan(other[0]) | (values - one[0] < other[0] - values)
        nearest += [np.where(missing, np.nan, np.where(first, one[0], other[0]))]
        nearest += [np.where(missing, -1, np.where(first, one[1], other[1]))]
    keeps_from, keeps_to = (np.where(missing, np.nan, end) for end in (keeps_from, keeps_to))
    return Change(keeps_from, keeps_to, *nearest)
