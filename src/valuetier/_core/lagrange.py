"""Prices for scarce things: what a choice of actions brings at most, by Lagrangian relaxation.

Each class of equal customers may take a few of several actions; all of them share a few
limits. With a price on each limit (and a bonus for each customer who is reached) the classes
no longer see each other, so the best choice of each is read off. What is then brought in total, plus
the worth of the limits, is an upper bound at any prices; the lowest such bound is that of the
linear relaxation, and its prices are the shadow prices. Geoffrion (1974), "Lagrangean relaxation for
integer programming", theorems 1 and 2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, linprog
from scipy.sparse import coo_array, csr_array

from valuetier._core.compress import Floats

Counts = NDArray[np.int64]
Mask = NDArray[np.bool_]

# Up to so many classes the linear relaxation is solved as it is; above, from every eighth one up.
EXACT_CLASSES = 1_500
THINNING = 8
LARGEST_BOX_ROUNDS = 120
BOUND_TOLERANCE = 1e-8

# What one more unit brings is looked at a little above the limit, where that unit begins.
PRICED_ABOVE = 1e-6


class Problem(NamedTuple):
    """Which actions are open to whom, what they bring and what they use.

    Attributes
    ----------
    gain : (n, k) array
        What each action brings for a customer of each class; -inf where it is not open.
    size : (n,) array
        Customers in each class.
    stratum : (n,) int array
        Which minimum the class counts for; -1 for none.
    use : (k, m) array
        What one of each action uses of each limit, 0 or more.
    limit : (m,) array
    need : (s,) array
        Customers to be reached in each stratum.
    offers : int
        Most actions per customer.
    """

    gain: Floats
    size: Floats
    stratum: NDArray[np.intp]
    use: Floats
    limit: Floats
    need: Floats
    offers: int

    def rows(self, which: NDArray[np.intp], limit: Floats, need: Floats) -> Problem:
        """Return the problem of some classes with limits of their own."""
        return self._replace(
            gain=self.gain[which],
            size=self.size[which],
            stratum=self.stratum[which],
            limit=limit,
            need=need,
        )


class Relaxed(NamedTuple):
    """What every class does at given prices.

    ``bound`` is at least what any plan brings, ``slope`` how it changes with the prices; ``options``
    is what each action is worth beyond its price, ``bonus`` what reaching a customer of each class
    adds, ``chosen`` which actions each class takes.
    """

    bound: float
    slope: Floats
    options: Floats
    bonus: Floats
    chosen: Mask


class Programme(NamedTuple):
    """A linear programme: maximise gain·x with rows @ x ≤ most and 0 ≤ x ≤ upper.

    The first ``len(where[0])`` variables are the actions at ``where`` (class, action). The last
    rows of the matrix are those of the limits and of the strata, in this order.
    """

    gain: Floats
    rows: csr_array
    most: Floats
    upper: Floats
    where: tuple[NDArray[np.intp], NDArray[np.intp]]


def relaxed_at(problem: Problem, prices: Floats) -> Relaxed:
    """Return what every class does at the prices: those of the limits, then the bonuses of the strata.

    Examples
    --------
    >>> one = Problem(np.array([[5.0], [3.0]]), np.ones(2), np.array([-1, -1]), np.array([[1.0]]),
    ...               np.array([1.0]), np.empty(0), 1)
    >>> relaxed_at(one, np.array([4.0])).bound
    5.0
    """
    m = len(problem.limit)
    price, by_stratum = prices[:m], prices[m:]
    options = problem.gain - problem.use @ price
    bonus = np.append(by_stratum, 0.0)[problem.stratum]
    chosen = best_sets(options, bonus, problem.offers)
    reached = chosen.any(axis=1)
    value = np.where(chosen, options, 0.0).sum(axis=1) + bonus * reached
    used = (problem.size @ chosen) @ problem.use
    covered = reached_by_stratum(problem, problem.size * reached)
    bound = problem.limit @ price - problem.need @ by_stratum + problem.size @ value
    slope = np.concatenate((problem.limit - used, covered - problem.need))
    return Relaxed(float(bound), slope, options, bonus, chosen)


def best_sets(options: Floats, bonus: Floats, offers: int) -> Mask:
    """Return which options each row takes: at most ``offers`` of worth, at least one if the bonus pays for it."""
    best = options.argmax(axis=1)[:, None]
    if offers == 1:
        first = np.take_along_axis(options, best, axis=1)[:, 0]
        chosen = np.zeros(options.shape, dtype=bool)
        np.put_along_axis(chosen, best, (first + bonus > 0)[:, None], axis=1)
        return chosen
    chosen = options > 0
    crowded = np.flatnonzero(chosen.sum(axis=1) > offers)
    if len(crowded):
        order = np.argsort(-options[crowded], axis=1, kind="stable")
        some = chosen[crowded]
        np.put_along_axis(some, order[:, offers:], False, axis=1)
        chosen[crowded] = some
    first = np.take_along_axis(options, best, axis=1)[:, 0]
    for_bonus = ~chosen.any(axis=1) & (first + bonus > 0)
    chosen[for_bonus, best[for_bonus, 0]] = True
    return chosen


def reached_by_stratum(problem: Problem, reached: Floats) -> Floats:
    """Return how many customers of each stratum are reached, from how many of each class."""
    counted = np.bincount(problem.stratum + 1, weights=reached, minlength=len(problem.need) + 1)
    return np.asarray(counted[1:], dtype=np.float64)


def programme_of(problem: Problem, open_too: Mask | None = None) -> Programme:
    """Return the linear programme of a problem; ``open_too`` narrows the actions that are open."""
    n, m, s = len(problem.gain), len(problem.limit), len(problem.need)
    there = np.isfinite(problem.gain) if open_too is None else np.isfinite(problem.gain) & open_too
    row, action = np.nonzero(there)
    items = np.arange(len(row))
    counted = np.flatnonzero(problem.stratum >= 0) if problem.offers > 1 else np.empty(0, dtype=np.intp)
    reached = len(row) + np.arange(len(counted))
    blocks = [(row, items, np.ones(len(row)))]
    for r in range(m):
        blocks.append((np.full(len(row), n + r), items, problem.use[action, r]))
    if problem.offers == 1:
        inside = problem.stratum[row] >= 0
        blocks.append((n + m + problem.stratum[row[inside]], items[inside], -np.ones(inside.sum())))
    else:  # a customer who gets two actions is reached once
        place = np.full(n, -1)
        place[counted] = n + m + s + np.arange(len(counted))
        inside = place[row] >= 0
        blocks.append((n + m + problem.stratum[counted], reached, -np.ones(len(counted))))
        blocks.append((place[counted], reached, np.ones(len(counted))))
        blocks.append((place[row[inside]], items[inside], -np.ones(inside.sum())))
    rows, columns, values = (np.concatenate(part) for part in zip(*blocks, strict=True))
    shape = (n + m + s + len(counted), len(row) + len(counted))
    order = np.concatenate((np.arange(n), n + m + s + np.arange(len(counted)), n + np.arange(m + s)))
    matrix = csr_array(coo_array((values, (rows, columns)), shape=shape))[order]
    most = np.concatenate(
        (problem.offers * problem.size, np.zeros(len(counted)), problem.limit, -problem.need)
    )
    gain = np.concatenate((problem.gain[row, action], np.zeros(len(counted))))
    upper = np.concatenate((problem.size[row], problem.size[counted]))
    return Programme(gain, matrix, most, upper, (row, action))


def lowest_prices(problem: Problem) -> Floats:
    """Return the prices at which the bound is lowest: of the limits, then the bonuses of the strata.

    Examples
    --------
    >>> gain = np.array([[9.0], [5.0], [2.0]])
    >>> three = Problem(gain, np.ones(3), np.full(3, -1), np.array([[2.0]]), np.array([4.0]), np.empty(0), 1)
    >>> lowest_prices(three).tolist()  # the third customer would bring 2 for 2
    [1.0]
    """
    d = len(problem.limit) + len(problem.need)
    if not d or not np.isfinite(problem.gain).any():
        return np.zeros(d)
    if len(problem.gain) <= EXACT_CLASSES:
        found = linear_prices(problem)
        return np.zeros(d) if found is None else found
    which = np.arange(0, len(problem.gain), THINNING)
    share = problem.size[which].sum() / problem.size.sum()
    start = lowest_prices(problem.rows(which, problem.limit * share, np.floor(problem.need * share)))
    return _by_boxes(problem, start)


def linear_prices(problem: Problem, raised: int | None = None) -> Floats | None:
    """Return the prices of the linear relaxation; None if it has no plan.

    Where several sets of prices are right, ``raised`` names the limit (or stratum) whose price is wanted for
    one unit more (one customer fewer), not for one less.
    """
    programme = programme_of(problem)
    m, s = len(problem.limit), len(problem.need)
    most = programme.most.copy()
    if raised is not None:
        at = len(most) - m - s + raised
        most[at] += PRICED_ABOVE * max(abs(most[at]), 1e-3 * _row_sizes(problem)[raised])
    found = _corner(programme, most)
    if found.status != 0:
        return None
    prices = found.prices
    return np.maximum(prices[len(prices) - m - s :], 0.0)


def linear_shares(problem: Problem, open_too: Mask) -> Floats | None:
    """Return how many of each class get each action in a corner of the linear relaxation; None if it has no plan.

    At a corner nearly all of them are whole: all but one class per limit and stratum.
    """
    programme = programme_of(problem, open_too)
    found = _corner(programme, programme.most)
    if found.status != 0:
        return None
    shares = np.zeros(problem.gain.shape)
    shares[programme.where] = found.x[: len(programme.where[0])]
    return shares


def _corner(programme: Programme, most: Floats) -> OptimizeResult:
    """Return what the simplex method of HiGHS finds; rows are scaled, and so are its marginals."""
    scale = row_scales(programme.rows)
    found = linprog(
        -programme.gain,
        A_ub=programme.rows * scale[:, None],
        b_ub=most * scale,
        bounds=np.column_stack((np.zeros(len(programme.upper)), programme.upper)),
        method="highs-ds",
    )
    if found.status == 0:
        found.prices = -found.ineqlin.marginals * scale
    return found


def _row_sizes(problem: Problem) -> Floats:
    """Return the largest use of each limit, and 1 for each stratum."""
    return np.concatenate((problem.use.max(axis=0, initial=0.0), np.ones(len(problem.need))))


def row_scales(rows: csr_array) -> Floats:
    """Return the power of two for each row that brings its smallest entry near 1."""
    table = abs(rows).tocoo()
    smallest = np.full(rows.shape[0], np.inf)
    positive = table.data > 0
    np.minimum.at(smallest, table.coords[0][positive], table.data[positive])
    return np.exp2(-np.floor(np.log2(np.where(np.isfinite(smallest), smallest, 1.0))))


def _by_boxes(problem: Problem, start: Floats) -> Floats:
    """Return the prices of the lowest bound, by cutting planes within a box that moves.

    Marsten, Hogan & Blankenship (1975), "The boxstep method for large-scale optimization".
    """
    unit = _price_units(problem)
    centre, width = start / unit, 0.05
    found = relaxed_at(problem, start)
    best, slopes, heights = found.bound, [found.slope * unit], [found.bound - found.slope @ start]
    for _ in range(LARGEST_BOX_ROUNDS):
        low, high = np.maximum(centre - width, 0.0), centre + width
        model = linprog(
            np.append(np.zeros(len(unit)), 1.0),
            A_ub=np.column_stack((np.array(slopes), -np.ones(len(slopes)))) / abs(best),
            b_ub=-np.array(heights) / abs(best),
            bounds=[*zip(low, high, strict=True), (None, None)],
            method="highs-ds",
        )
        if model.status != 0 or best - model.x[-1] <= BOUND_TOLERANCE * abs(best):
            break
        point = model.x[:-1]
        found = relaxed_at(problem, point * unit)
        slopes.append(found.slope * unit)
        heights.append(found.bound - found.slope @ (point * unit))
        at_edge = bool((((high - point) < 1e-9) | ((point - low < 1e-9) & (low > 0))).any())
        if found.bound < best:
            best, centre, width = found.bound, point, width * (2.0 if at_edge else 1.0)
        else:
            width *= 0.7
    return np.asarray(centre * unit)


def _price_units(problem: Problem) -> Floats:
    """Return prices of the usual size: a mean gain for a mean use, and a mean gain for each stratum."""
    positive = problem.gain[np.isfinite(problem.gain) & (problem.gain > 0)]
    gain = float(positive.mean()) if len(positive) else 1.0
    used = problem.use.sum(axis=0) / np.maximum((problem.use > 0).sum(axis=0), 1)
    return np.concatenate((gain / np.where(used > 0, used, 1.0), np.full(len(problem.need), gain)))
