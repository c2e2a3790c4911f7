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

from valuetier._core.branching import Settled, common_unit, solved
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
    linear_shares,
    lowest_prices,
    reached_by_stratum,
    relaxed_at,
)

# A plan is proved best when nothing can bring more than this share on top.
PROVED = 1e-9

# Classes left open to HiGHS, one attempt after the other.
CORES = (100, 400, 1_600)

# A last one holds all that may matter, if it is not too much, to prove plans of up to some ten thousand classes.
WHOLE = 10_000
LARGEST_PROVED = 30_000

# Branches that it may try, times the decisions that are open. Unlike a time limit it gives the same plan on every machine.
EFFORT = 2_000_000

# Where gains come in steps, a better plan is better by nearly a step, or it is none.
STEPS_TO_GO = 0.999

# So many classes that may as well do otherwise are shared out by the linear relaxation.
MOST_TIED = 30_000

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


class _Search(NamedTuple):
    """Where to look for better plans: around the base, in the order of the losses.

    Decisions that lose up to ``even`` are as good as the others.
    """

    relaxed: Relaxed
    losses: Floats
    even: float
    base: Counts


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
    losses = np.where(_free(problem), np.inf, deviation_losses(relaxed, problem.offers))
    even = PROVED * float(losses[np.isfinite(losses)].max(initial=TINY))
    base = _with_ties_shared(problem, relaxed, losses <= even)
    best = _rounded(problem, relaxed, base, prices, start)
    best, bound = _searched(problem, _Search(relaxed, losses, even, base), best)
    if bound - plan_value(problem, best) > PROVED * abs(bound):
        best = _best(problem, [best, *_greedy(problem, start)])
    value = plan_value(problem, best)
    return Allocation(
        best, value, max(bound, value), _of_one_more(problem, relaxed, prices, losses.min(axis=1))
    )


def _searched(problem: Problem, search: _Search, best: Counts) -> tuple[Counts, float]:
    """Return the best plan that is found around the base, or the one that was there; and what any plan brings at most."""
    relaxed, margin = search.relaxed, search.losses.min(axis=1)
    step = common_unit(problem.gain[np.isfinite(problem.gain)])
    bound = _attainable(relaxed.bound, step)
    split = ((search.base > 0) & (search.base < problem.size[:, None])).any(axis=1)
    nearest = np.lexsort((margin, ~split))
    for most in (*CORES, WHOLE):
        if bound - plan_value(problem, best) <= PROVED * abs(bound):
            break
        beyond = max(relaxed.bound - plan_value(problem, best) - STEPS_TO_GO * step, search.even)
        core = np.flatnonzero(margin <= beyond)
        complete = len(core) <= most
        if most == WHOLE and not (complete and len(margin) <= LARGEST_PROVED):
            break
        if not complete:
            core = np.sort(nearest[:most])
        open_there = (search.losses[core] <= beyond) | relaxed.chosen[core]
        found = _settled(problem, search.base, core, open_there, max(PROVED * abs(bound), STEPS_TO_GO * step))
        if found.counts is not None and plan_value(problem, found.counts) > plan_value(problem, best):
            best = found.counts
        if complete:
            bound = min(bound, max(_attainable(found.bound, step), plan_value(problem, best)))
            break
    return best, bound


def _attainable(bound: float, step: float) -> float:
    """Return the largest multiple of what gains come in steps of, up to the bound."""
    return float(np.floor(bound / step * (1 + PROVED) + 1e-6) * step) if step else bound


def _with_ties_shared(problem: Problem, relaxed: Relaxed, even: Mask) -> Counts:
    """Return what classes do at the prices; those that may as well do otherwise share as the relaxation does.

    There are many of these where gains are small whole numbers; all on one side they would be far off the limits.
    """
    base = np.where(relaxed.chosen, problem.size[:, None], 0.0).astype(np.int64)
    tied = np.flatnonzero(even.any(axis=1))
    if not 0 < len(tied) <= MOST_TIED:
        return base
    shares = linear_shares(_inner(problem, base, tied)[1], even[tied] | relaxed.chosen[tied])
    if shares is not None:
        base[tied] = np.floor(shares + 1e-6).astype(np.int64)
    return base


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


def _rounded(
    problem: Problem, relaxed: Relaxed, base: Counts, prices: Floats, start: Counts | None
) -> Counts:
    """Return the best plan near the relaxation: what it chooses, as far as it fits, then what is worth its price."""
    nothing = np.zeros(problem.gain.shape, dtype=np.int64)
    chosen = filled(problem, np.where(base > 0, relaxed.options, -np.inf), nothing)
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
    problem: Problem,
    base: Counts,
    core: NDArray[np.intp],
    open_there: Mask,
    tolerance: float,
) -> Settled:
    """Return the best plan in which classes outside the core do as in the base.

    ``open_there`` tells which actions are open to classes in the core, besides those of the base.
    """
    counts, inner = _inner(problem, base, core)
    fixed = plan_value(problem, counts)
    open_there = open_there | (base[core] > 0)
    found = solved(inner, open_there, tolerance, EFFORT // max(int(open_there.sum()), 1))
    if found.counts is None:
        return Settled(None, found.bound + fixed, False)
    counts[core] = found.counts
    return Settled(counts if keeps_promises(problem, counts) else None, fixed + found.bound, found.solved)


def _inner(problem: Problem, base: Counts, core: NDArray[np.intp]) -> tuple[Counts, Problem]:
    """Return what classes outside the core do in the base, and the problem that is left for the core."""
    counts = base.copy()
    counts[core] = 0
    limit = problem.limit - counts.sum(axis=0) @ problem.use
    need = problem.need - reached_by_stratum(problem, np.minimum(counts.sum(axis=1), problem.size))
    return counts, problem.rows(core, limit, np.maximum(need, 0.0))


def _of_one_more(problem: Problem, relaxed: Relaxed, prices: Floats, margin: Floats) -> Floats:
    """Return what one more unit of each limit brings, and one customer fewer of each stratum.

    Where sums come out even, many prices are right: the lowest is that of the next unit. It depends
    on the classes that nearly decide otherwise, so the others do as the prices say.
    """
    near = np.sort(np.argsort(margin, kind="stable")[:EXACT_CLASSES])
    chosen = np.where(relaxed.chosen, problem.size[:, None], 0.0).astype(np.int64)
    inner = _inner(problem, chosen, near)[1]
    lowest = prices.copy()
    for r in np.flatnonzero(prices > 0):
        found = linear_prices(inner, raised=int(r))
        if found is not None:
            lowest[r] = min(found[r], prices[r])
    return lowest
