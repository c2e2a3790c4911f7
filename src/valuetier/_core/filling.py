"""Plans made step by step: take what is worth most while there is room for it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from valuetier._core.compress import Floats
from valuetier._core.lagrange import Counts, Mask, Problem

# Sums of money that are equal on paper may differ in the last digits.
DIGITS = 1e-12


def within(used: Floats, limit: Floats) -> bool:
    """Return whether no limit is exceeded, to twelve digits."""
    return bool((used <= limit + DIGITS * np.abs(limit)).all())


def filled(problem: Problem, score: Floats, start: Counts) -> Counts:
    """Return a plan with all that still fits, in the order of the score; only positive gains and scores above -inf.

    The same plan as going through the actions one by one, from the highest score down. Once something does not
    fit, nothing that uses the same fits later, so this takes a few rounds over all that is left.

    Parameters
    ----------
    problem : Problem
    score : (n, k) array
    start : (n, k) int array
        What is taken already.

    Examples
    --------
    >>> gain = np.array([[9.0], [5.0], [7.0]])
    >>> three = Problem(gain, np.ones(3), np.full(3, -1), np.array([[2.0]]), np.array([4.0]), np.empty(0), 1)
    >>> filled(three, gain, np.zeros((3, 1), dtype=np.int64)).ravel().tolist()
    [1, 0, 1]
    """
    counts = start.copy()
    left = problem.limit - counts.sum(axis=0) @ problem.use
    row, action = np.nonzero((problem.gain > 0) & (score > -np.inf))
    order = np.argsort(-score[row, action], kind="stable")
    row, action = row[order], action[order]
    while len(row):
        fit = (problem.use <= (left + DIGITS * problem.limit)).all(axis=1)
        quantity = _room(problem, counts, row, action)
        keep = fit[action] & (quantity > 0)
        row, action, quantity = row[keep], action[keep], quantity[keep]
        if not len(row):
            break
        quantity = _shared_room(problem, counts, row, quantity)
        taken = _first_that_fit(problem.use, left, DIGITS * problem.limit, action, quantity)
        np.add.at(counts, (row, action), taken)
        left = problem.limit - counts.sum(axis=0) @ problem.use
    return counts


def _room(
    problem: Problem, counts: Counts, row: NDArray[np.intp], action: NDArray[np.intp]
) -> NDArray[np.int64]:
    """Return how many customers of each class could still get each action."""
    size = problem.size.astype(np.int64)
    places = problem.offers * size - counts.sum(axis=1)
    return np.asarray(np.minimum(size[row] - counts[row, action], places[row]))


def _shared_room(
    problem: Problem, counts: Counts, row: NDArray[np.intp], quantity: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the quantities less what earlier actions of the same class take of its places."""
    places = problem.offers * problem.size.astype(np.int64) - counts.sum(axis=1)
    by_class = np.argsort(row, kind="stable")
    ordered, sizes = row[by_class], quantity[by_class]
    before = np.cumsum(sizes) - sizes
    first = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    start = np.repeat(before[first], np.diff(first, append=len(ordered)))
    shared = np.empty_like(quantity)
    shared[by_class] = np.clip(places[ordered] - (before - start), 0, sizes)
    return shared


def _first_that_fit(
    use: Floats, left: Floats, spare: Floats, action: NDArray[np.intp], quantity: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the quantities up to the first action that does not fit in full, of which as many as fit."""
    reached = np.cumsum(use[action] * quantity[:, None], axis=0)
    over: Mask = np.asarray((reached > left + spare).any(axis=1))
    if not over.any():
        return quantity
    at = int(over.argmax())
    taken = quantity.copy()
    taken[at:] = 0
    need = use[action[at]]
    rest = left + spare - (reached[at - 1] if at else 0.0)
    possible = np.floor(np.divide(rest, need, out=np.full(len(need), np.inf), where=need > 0))
    taken[at] = int(max(min(possible.min(initial=np.inf), float(quantity[at])), 0))
    return taken
