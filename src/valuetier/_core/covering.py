"""The cheapest way to reach as many customers as was promised, or the finding that there is none."""

from __future__ import annotations

import numpy as np

from valuetier._core.branching import solved
from valuetier._core.compress import Floats, distinct_rows
from valuetier._core.lagrange import Counts, Problem

BRANCHES = 10_000


def cover(problem: Problem, price: Floats) -> Counts | None:
    """Return the plan of least total price that reaches as many as needed within the limits; None if none does.

    Who can get the same actions counts alike, so the programme is small however many customers there are.
    Among those who count alike, the ones with the largest gain are taken.

    Parameters
    ----------
    problem : Problem
        Limits may be infinite.
    price : (k,) array
        Of one of each action.

    Examples
    --------
    >>> gain = np.array([[9.0, 1.0], [8.0, 1.0]])
    >>> use = np.array([[5.0], [1.0]])
    >>> two = Problem(gain, np.ones(2), np.zeros(2, int), use, np.array([3.0]), np.array([2.0]), 1)
    >>> cover(two, use[:, 0]).tolist()
    [[0, 1], [0, 1]]
    >>> cover(two._replace(limit=np.array([1.0])), use[:, 0]) is None
    True
    """
    counts = np.zeros(problem.gain.shape, dtype=np.int64)
    if not (problem.need > 0).any():
        return counts
    inside = np.flatnonzero(problem.stratum >= 0)
    there = np.isfinite(problem.gain[inside])
    stratum = problem.stratum[inside].astype(np.float64)
    kinds = distinct_rows(stratum, *there.T.astype(np.float64))
    most = problem.size.sum() * problem.use.max(axis=0, initial=0.0)
    alike = problem._replace(
        gain=np.where(kinds.rows[:, 1:] > 0, -price, -np.inf),
        size=np.asarray(np.bincount(kinds.inverse, weights=problem.size[inside]), dtype=np.float64),
        stratum=kinds.rows[:, 0].astype(np.intp),
        limit=np.minimum(problem.limit, most),
        offers=1,
    )
    found = solved(alike, np.isfinite(alike.gain), 0.0, BRANCHES).counts
    if found is None:
        return None
    for kind, action in zip(*np.nonzero(found), strict=True):
        rows = inside[kinds.inverse == kind]
        rows = rows[np.argsort(-problem.gain[rows, action], kind="stable")]
        free = problem.size[rows] - counts[rows].sum(axis=1)
        before = np.cumsum(free) - free
        counts[rows, action] += np.clip(found[kind, action] - before, 0, free).astype(np.int64)
    return counts
