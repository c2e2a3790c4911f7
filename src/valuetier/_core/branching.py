"""Small plans solved to the end: only how often each action is taken is branched on.

All limits look at one thing, how often each action is taken in all. Once these numbers are whole, what is
left is a flow from the strata through the classes to the actions, and the corners of a flow are whole (the integrality
property in Ahuja, Magnanti & Orlin 1993, "Network Flows"). So the programme has one whole number per action,
however many customers there are, where one per customer and action would have to be searched for ever.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import block_array, coo_array, csr_array

from valuetier._core.compress import Floats
from valuetier._core.filling import DIGITS, within
from valuetier._core.lagrange import Counts, Mask, Problem, programme_of, row_scales

# Amounts with up to so many decimals, and of up to so many units, are counted in whole units.
DECIMALS = 6
LARGEST_UNITS = 1e6

# HiGHS keeps a row of entries near 1 to a millionth; the second attempt stays so far below a limit.
ROOM = 4e-6


class Settled(NamedTuple):
    """The best plan that was found, or None; what plans bring at most; whether that is it."""

    counts: Counts | None
    bound: float
    solved: bool


class _Linked(NamedTuple):
    """Rows and bounds of x (class, action), then of the number of times that each scarce action is taken."""

    gain: Floats
    rows: csr_array
    low: Floats
    most: Floats
    upper: Floats
    whole: Mask
    where: tuple[Counts, Counts]


def solved(problem: Problem, open_too: Mask, tolerance: float, branches: int) -> Settled:
    """Return the best plan of a small problem by HiGHS; within the tolerance unless it runs out of branches.

    Examples
    --------
    >>> gain = np.array([[9.0, 4.0], [8.0, 7.0]])
    >>> two = Problem(gain, np.ones(2), np.full(2, -1), np.array([[2.0], [1.0]]), np.array([3.0]), np.empty(0), 1)
    >>> solved(two, np.ones((2, 2), dtype=bool), 0.0, 100).counts.tolist()
    [[1, 0], [0, 1]]
    """
    first = _attempt(problem, open_too, tolerance, branches)
    if first.counts is None or within(first.counts.sum(axis=0) @ problem.use, problem.limit):
        return first
    smallest = np.where(problem.use > 0, problem.use, np.inf).min(axis=0)
    closer = problem._replace(limit=np.maximum(problem.limit - ROOM * smallest, 0.0))
    second = _attempt(closer, open_too, tolerance, branches)
    return Settled(second.counts, first.bound, second.solved)


def _attempt(problem: Problem, open_too: Mask, tolerance: float, branches: int) -> Settled:
    linked = _linked(problem, open_too)
    if not len(linked.gain):
        return Settled(np.zeros(problem.gain.shape, dtype=np.int64), 0.0, True)
    unit = float(np.exp2(-np.floor(np.log2(max(np.abs(linked.gain).max(), 1e-300))))) * 1024
    largest = np.where(np.isfinite(problem.gain) & open_too, np.abs(problem.gain), 0.0).max(axis=1)
    in_all = max(float(problem.size @ largest) * min(problem.offers, problem.gain.shape[1]), 1e-300)
    found = milp(
        -linked.gain * unit,
        constraints=LinearConstraint(linked.rows, linked.low, linked.most),
        integrality=linked.whole,
        bounds=Bounds(0, linked.upper),
        options={"mip_rel_gap": max(tolerance / in_all, 1e-12), "node_limit": branches},
    )
    if found.x is None:
        return Settled(None, np.inf, found.status == 2)
    counts = _whole(problem, linked, found.x)
    bound = found.mip_dual_bound if linked.whole.any() else found.fun
    return Settled(counts, -bound / unit, found.status == 0 and counts is not None)


def _linked(problem: Problem, open_too: Mask) -> _Linked:
    """Return the programme in which limits see only how often each action is taken."""
    k, m = problem.use.shape
    free = problem._replace(use=np.empty((k, 0)), limit=np.empty(0))
    inner = programme_of(free, open_too)
    action = inner.where[1]
    scarce = np.flatnonzero(problem.use.any(axis=1))
    place = np.full(k, -1)
    place[scarce] = np.arange(len(scarce))
    items = np.flatnonzero(place[action] >= 0)
    n, q = len(inner.gain), len(scarce)
    sums = csr_array(coo_array((np.ones(len(items)), (place[action[items]], items)), shape=(q, n)))
    use, limit = _counted(problem)
    rows = block_array(
        [[inner.rows, None], [sums, csr_array(-np.eye(q))], [None, csr_array(use[scarce].T)]], format="csr"
    )
    return _Linked(
        gain=np.concatenate((inner.gain, np.zeros(q))) if n else inner.gain,
        rows=rows,
        low=np.concatenate((np.full(len(inner.most), -np.inf), np.zeros(q), np.full(m, -np.inf))),
        most=np.concatenate((inner.most, np.zeros(q), limit)),
        upper=np.concatenate((inner.upper, np.full(q, problem.size.sum()))),
        whole=np.repeat([False, True], [n, q]),
        where=inner.where,
    )


def _counted(problem: Problem) -> tuple[Floats, Floats]:
    """Return uses and limits in whole units where there are such; else with the smallest use near 1."""
    use, limit = problem.use.copy(), problem.limit.copy()
    scales = row_scales(csr_array(use.T))
    for r in range(len(limit)):
        unit = common_unit(use[:, r])
        if unit:
            use[:, r] = np.rint(use[:, r] / unit)
            limit[r] = np.floor(limit[r] / unit * (1 + DIGITS))
        else:
            use[:, r] *= scales[r]
            limit[r] *= scales[r]
    return use, limit


def common_unit(amounts: Floats) -> float:
    """Return the largest amount of which all are multiples; 0 if there is none that is not tiny.

    Examples
    --------
    >>> common_unit(np.array([0.5, 20.0, 0.0])), common_unit(np.array([60.0, 90.0])), common_unit(np.array([2**0.5]))
    (0.5, 30.0, 0.0)
    """
    sizes = np.abs(amounts[amounts != 0])
    for decimals in range(DECIMALS + 1):
        units = sizes * 10.0**decimals
        if not len(units) or units.max() > LARGEST_UNITS * 10.0**DECIMALS:
            break
        whole = np.rint(units)
        if (np.abs(units - whole) <= 1e-9 * np.maximum(units, 1e-3)).all():
            common = float(np.gcd.reduce(whole.astype(np.int64)))
            return common / 10.0**decimals if whole.max() / common <= LARGEST_UNITS else 0.0
    return 0.0


def _whole(problem: Problem, linked: _Linked, x: Floats) -> Counts | None:
    """Return the plan; where customers are split, the best one that takes each action as often."""
    n = len(linked.where[0])
    if np.abs(x[:n] - np.rint(x[:n])).max() > 1e-6:
        lower, upper = np.zeros(len(x)), linked.upper.copy()
        lower[linked.whole] = upper[linked.whole] = np.rint(x[linked.whole])
        equal = linked.low == linked.most
        found = linprog(
            -linked.gain,
            A_ub=linked.rows[~equal],
            b_ub=linked.most[~equal],
            A_eq=linked.rows[equal],
            b_eq=linked.most[equal],
            bounds=np.column_stack((lower, upper)),
            method="highs-ds",
        )
        if found.x is None or np.abs(found.x[:n] - np.rint(found.x[:n])).max() > 1e-6:
            return None
        x = found.x
    counts = np.zeros(problem.gain.shape, dtype=np.int64)
    counts[linked.where] = np.rint(x[:n]).astype(np.int64)
    return counts
