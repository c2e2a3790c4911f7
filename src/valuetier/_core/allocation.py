"""Whom to give which action when money and hours are short: a plan, and what any plan brings at most.

The prices of the linear relaxation settle nearly every class: at those prices the other choices lose more
than the gap between the plan in hand and the bound. What stays open is a small mixed-integer
programme, solved to the end by HiGHS, and enlarged until nothing outside it can matter; this is
the core problem of Balas & Zemel (1980), "An algorithm for large zero-one knapsack problems".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from valuetier._core.compress import Floats
from valuetier._core.filling import filled, within
from valuetier._core.lagrange import (
    EXACT_CLASSES,
    Counts,
    Mask,
    Problem,
    Relaxed,
    best_sets,
    linear_prices,
    lowest_prices,
    programme_of,
    reached_by_stratum,
    relaxed_at,
    row_scales,
)

# A plan is proved best when nothing can bring more than this share on top.
PROVED = 1e-9

# Classes left open to HiGHS, one attempt after the other, and the branches it may try in each.
# A number of branches, unlike a time limit, gives the same plan on every machine.
# The next one is only tried when the last one was solved to the end: a larger one would not be.
CORES = ((100, 1_000), (400, 300), (1_600, 50))

# A last one holds all that is open, if that is not too much and the gap is worth the time.
LAST_CORE = (10_000, 10)
WORTH_CLOSING = 1e-4

# Stands for a use of nothing where something is divided by it.
TINY = 1e-12


class Allocation(NamedTuple):
    """Actions per class and action, what they bring, what any plan brings at most, and the prices.

    ``counts`` is (classes, actions); ``prices`` is what one more unit of each limit brings, then one customer
    fewer of each stratum, in the linear relaxation.
    """

    counts: Counts
    value: float
    bound: float
    prices: Floats


class Settled(NamedTuple):
    """A plan from a core, or None if none was found; what plans of this core bring at most; whether that is it."""

    counts: Counts | None
    bound: float
    solved: bool


def allocate(problem: Problem, start: Counts | None = None) -> Allocation:
    """Return the plan that brings most, or the best that was found with a bound on all others.

    Parameters
    ----------
    problem : Problem
    start : (n, k) int array, optional
        A plan that keeps all promises; needed where strata have a minimum.

    Examples
    --------
    >>> gain = np.array([[9.0, 4.0], [8.0, 7.0], [3.0, 3.0]])
    >>> use = np.array([[2.0], [1.0]])
    >>> found = allocate(Problem(gain, np.ones(3), np.full(3, -1), use, np.array([3.0]), np.empty(0), 1))
    >>> found.counts.tolist(), found.value
    ([[1, 0], [0, 1], [0, 0]], 16.0)
    """
    prices = lowest_prices(problem)
    relaxed = relaxed_at(problem, prices)
    bound = relaxed.bound
    best = _rounded(problem, relaxed, prices, start)
    losses = np.where(_free(problem), np.inf, deviation_losses(relaxed, problem.offers))
    margin = losses.min(axis=1)
    for most, branches in (*CORES, LAST_CORE):
        gap = bound - plan_value(problem, best)
        core = np.flatnonzero(margin <= gap * (1 + PROVED))
        complete = len(core) <= most
        last = (most, branches) == LAST_CORE
        if gap <= PROVED * abs(bound) or (last and (not complete or gap <= WORTH_CLOSING * abs(bound))):
            break
        if not complete:
            core = np.sort(core[np.argsort(margin[core], kind="stable")[:most]])
        found = _settled(problem, relaxed, core, losses[core] <= gap * (1 + PROVED), branches)
        if found.counts is not None and plan_value(problem, found.counts) > plan_value(problem, best):
            best = found.counts
        if complete:
            bound = min(bound, max(found.bound, plan_value(problem, best)))
        if complete or (found.counts is not None and not found.solved):
            break
    if bound - plan_value(problem, best) > PROVED * abs(bound):
        best = _best(problem, [best, *_greedy(problem, start)])
    value = plan_value(problem, best)
    return Allocation(best, value, max(bound, value), _of_one_more(problem, relaxed, prices, margin))


def plan_value(problem: Problem, counts: Counts) -> float:
    """Return what a plan brings."""
    return float(np.where(counts > 0, problem.gain, 0.0).ravel() @ counts.ravel())


def keeps_promises(problem: Problem, counts: Counts) -> bool:
    """Return whether a plan stays within all limits and reaches as many as it must in each stratum."""
    reached = np.minimum(counts.sum(axis=1), problem.size)
    enough = reached_by_stratum(problem, reached) >= problem.need
    return bool(enough.all() and within(counts.sum(axis=0) @ problem.use, problem.limit))


def deviation_losses(relaxed: Relaxed, offers: int) -> Floats:
    """Return what one customer of each class loses, at the prices, by the other decision on each action.

    (classes, actions): by taking what is not chosen, or leaving what is.
    """
    options, bonus, chosen = relaxed.options, relaxed.bonus, relaxed.chosen
    value = np.where(chosen, options, 0.0).sum(axis=1) + bonus * chosen.any(axis=1)
    losses = np.empty(options.shape)
    for j in range(options.shape[1]):
        others = options.copy()
        others[:, j] = -np.inf
        without = _worth(others, bonus, offers)
        few = _worth(others, np.zeros(len(bonus)), offers - 1) if offers > 1 else 0.0
        losses[:, j] = value - np.where(chosen[:, j], without, options[:, j] + bonus + few)
    return np.maximum(losses, 0.0)


def _worth(options: Floats, bonus: Floats, offers: int) -> Floats:
    """Return what the best set of each row is worth."""
    chosen = best_sets(options, bonus, offers)
    return np.asarray(np.where(chosen, options, 0.0).sum(axis=1) + bonus * chosen.any(axis=1))


def _free(problem: Problem) -> Mask:
    """Return which actions are taken by their classes at any prices: they use nothing and exclude nothing."""
    open_there = np.isfinite(problem.gain)
    roomy = (open_there.sum(axis=1) <= problem.offers)[:, None]
    return roomy & (problem.gain > 0) & ~problem.use.any(axis=1)


def _rounded(problem: Problem, relaxed: Relaxed, prices: Floats, start: Counts | None) -> Counts:
    """Return the best plan near the relaxation: what it chooses, as far as it fits, then what is worth its price."""
    nothing = np.zeros(problem.gain.shape, dtype=np.int64)
    chosen = filled(problem, np.where(relaxed.chosen, relaxed.options, -np.inf), nothing)
    prior = [chosen] if start is None else [chosen, start]
    priced = problem.gain / np.maximum(problem.use @ prices[: len(problem.limit)], TINY)
    return _best(problem, [filled(problem, priced, counts) for counts in prior])


def _greedy(problem: Problem, start: Counts | None) -> list[Counts]:
    """Return the plans that take what is worth most first: as it is, for each limit, and for all of them."""
    prior = np.zeros(problem.gain.shape, dtype=np.int64) if start is None else start
    shares = problem.use / np.where(problem.limit > 0, problem.limit, 1.0)
    measures = [np.ones(len(problem.use)), shares.sum(axis=1), *problem.use.T]
    return [filled(problem, problem.gain / np.maximum(measure, TINY), prior) for measure in measures]


def _best(problem: Problem, plans: list[Counts]) -> Counts:
    kept = [plan for plan in plans if keeps_promises(problem, plan)]
    return max(kept, key=lambda plan: plan_value(problem, plan))


def _settled(
    problem: Problem, relaxed: Relaxed, core: NDArray[np.intp], open_too: Mask, branches: int
) -> Settled:
    """Return the best plan in which classes outside the core do as the prices say.

    ``open_too`` tells which decisions in the core may differ from theirs.
    """
    counts, inner = _inner(problem, relaxed, core)
    fixed = plan_value(problem, counts)
    found = solved(inner, open_too | relaxed.chosen[core], PROVED * abs(relaxed.bound), branches)
    if found.counts is None:
        return Settled(None, relaxed.bound, False)
    counts[core] = found.counts
    if not keeps_promises(problem, counts):
        return Settled(None, relaxed.bound, False)
    return Settled(counts, fixed + found.bound, found.solved)


def _inner(problem: Problem, relaxed: Relaxed, core: NDArray[np.intp]) -> tuple[Counts, Problem]:
    """Return what classes outside the core do at the prices, and the problem that is left for the core."""
    outside = np.ones(len(problem.size), dtype=bool)
    outside[core] = False
    counts = np.where(relaxed.chosen & outside[:, None], problem.size[:, None], 0.0).astype(np.int64)
    limit = problem.limit - counts.sum(axis=0) @ problem.use
    need = problem.need - reached_by_stratum(problem, np.minimum(counts.sum(axis=1), problem.size))
    return counts, problem.rows(core, limit, np.maximum(need, 0.0))


def _of_one_more(problem: Problem, relaxed: Relaxed, prices: Floats, margin: Floats) -> Floats:
    """Return what one more unit of each limit brings, and one customer fewer of each stratum.

    Where sums come out even, many prices are right: the lowest is that of the next unit. It depends
    on the classes that nearly decide otherwise, so the others do as the prices say.
    """
    near = np.sort(np.argsort(margin, kind="stable")[:EXACT_CLASSES])
    inner = _inner(problem, relaxed, near)[1]
    lowest = prices.copy()
    for r in np.flatnonzero(prices > 0):
        found = linear_prices(inner, raised=int(r))
        if found is not None:
            lowest[r] = min(found[r], prices[r])
    return lowest


def solved(problem: Problem, open_too: Mask, tolerance: float, branches: int) -> Settled:
    """Return the best plan of a small problem by HiGHS; within the tolerance unless it runs out of branches."""
    programme = programme_of(problem, open_too)
    if not len(programme.gain):
        return Settled(np.zeros(problem.gain.shape, dtype=np.int64), 0.0, True)
    scale = row_scales(programme.rows)
    unit = float(np.exp2(-np.floor(np.log2(max(np.abs(programme.gain).max(), 1e-300))))) * 1024
    most = np.maximum(np.abs(programme.gain).sum(), 1e-300)
    found = milp(
        -programme.gain * unit,
        constraints=LinearConstraint(programme.rows * scale[:, None], -np.inf, programme.most * scale),
        integrality=1,
        bounds=Bounds(0, programme.upper),
        options={"mip_rel_gap": max(tolerance / most, 1e-12), "node_limit": branches},
    )
    if found.x is None:
        return Settled(None, np.inf, found.status == 2)
    counts = np.zeros(problem.gain.shape, dtype=np.int64)
    row, action = programme.where
    counts[row, action] = np.rint(found.x[: len(row)]).astype(np.int64)
    return Settled(counts, -found.mip_dual_bound / unit, found.status == 0)
