"""Which promises of a plan collide, when none can keep them all."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from valuetier._core.covering import cover
from valuetier._core.lagrange import Problem
from valuetier._validate import Floats
from valuetier.errors import InfeasiblePlanError
from valuetier.strategy.plan_limits import BUDGET, OWNER, Coverage, Limit

Promise = tuple[str, int]

OWED: Promise = ("contractual", 0)


class Promises(NamedTuple):
    """All that was promised.

    Attributes
    ----------
    problem : Problem
        Its limits before the contractual actions take their part.
    owed : (m,) array
        What the contractual actions use of each limit.
    limits : list of Limit
    coverage : list of Coverage
    customers : list of int
        How many of each tier with a least share can be reached at all.
    """

    problem: Problem
    owed: Floats
    limits: list[Limit]
    coverage: list[Coverage]
    customers: list[int]


def refuse_collision(promises: Promises) -> None:
    """Raise :class:`valuetier.InfeasiblePlanError` with a smallest set of promises that no plan keeps.

    Each promise is left out in turn, and for good if the others still collide (the deletion filter of
    Chinneck & Dravnieks 1991): what is left collides, and without any one of it a plan exists.
    """
    kept: list[Promise] = [("coverage", s) for s in range(len(promises.coverage))]
    kept += [("limit", r) for r in range(len(promises.limits))] + [OWED]
    for promise in list(kept):
        others = [other for other in kept if other != promise]
        if not _can_be_kept(promises, others):
            kept = others
    raise InfeasiblePlanError(_message(promises, kept), tuple(_name(promises, promise) for promise in kept))


def _can_be_kept(promises: Promises, kept: list[Promise]) -> bool:
    problem = _only(promises, kept)
    return bool((problem.limit >= 0).all()) and cover(problem, problem.use.sum(axis=1)) is not None


def _only(promises: Promises, kept: list[Promise]) -> Problem:
    """Return the problem with nothing but some of the promises."""
    problem = promises.problem
    limited = np.array([("limit", r) in kept for r in range(len(problem.limit))], dtype=bool)
    covered = np.array([("coverage", s) in kept for s in range(len(problem.need))], dtype=bool)
    owed = promises.owed if OWED in kept else np.zeros(len(problem.limit))
    limit = np.where(limited, problem.limit - owed, np.inf)
    return problem._replace(limit=limit, need=np.where(covered, problem.need, 0.0))


def _name(promises: Promises, promise: Promise) -> str:
    kind, at = promise
    if kind == "limit":
        return promises.limits[at].name
    return f"coverage of {promises.coverage[at].tier.name}" if kind == "coverage" else kind


def _message(promises: Promises, kept: list[Promise]) -> str:
    limits = [r for kind, r in kept if kind == "limit"]
    coverages = [s for kind, s in kept if kind == "coverage"]
    told = [_covering(promises, s) for s in coverages]
    told += [_limited(promises, kept, r) for r in limits]
    ways = [_raised(promises, kept, r) for r in limits]
    ways += ["lower the coverage"] * bool(coverages)
    ways += ["make fewer actions contractual"] * (OWED in kept)
    return f"No plan keeps these promises together: {'; '.join(told)}. To get one, {', or '.join(ways)}."


def _covering(promises: Promises, s: int) -> str:
    """Return what a coverage asks for, in words."""
    of = promises.coverage[s]
    wanted = int(promises.problem.need[s])
    return (
        f"coverage of {of.share:.4g} for the {promises.customers[s]:,} customers of tier {of.tier.name!r} who can be "
        f"reached means an action for {wanted:,} more than the contractual ones reach"
    )


def _limited(promises: Promises, kept: list[Promise], r: int) -> str:
    """Return what a limit gives, and what is asked of it, in words."""
    most = _given(promises.limits[r])
    needed = _amount(promises.limits[r], _least(promises, kept, r))
    owed = _amount(promises.limits[r], promises.owed[r])
    alone = not any(kind == "coverage" for kind, _ in kept)
    if alone:
        return f"the contractual actions need {owed}, and {most}"
    contractual = f" (the contractual actions {owed})" if OWED in kept and promises.owed[r] > 0 else ""
    return f"together this needs at least {needed}{contractual}, and {most}"


def _raised(promises: Promises, kept: list[Promise], r: int) -> str:
    limit = promises.limits[r]
    what = "budget" if limit.kind == BUDGET else f"capacity of {limit.name}"
    return f"raise the {what} to {_number(_least(promises, kept, r), np.ceil)}"


def _least(promises: Promises, kept: list[Promise], r: int) -> float:
    """Return the least that the other promises leave possible for a limit, the contractual actions included."""
    problem = _only(promises, [promise for promise in kept if promise != ("limit", r)])
    counts = cover(problem, problem.use[:, r])
    used = 0.0 if counts is None else float(counts.sum(axis=0) @ problem.use[:, r])
    return used + (promises.owed[r] if OWED in kept else 0.0)


def _given(limit: Limit) -> str:
    what = "budget" if limit.kind == BUDGET else "capacity"
    return f"the {what} is {_number(limit.most)}"


def _amount(limit: Limit, amount: float) -> str:
    if limit.kind == BUDGET:
        return f"{_number(amount)} of the budget"
    return f"{_number(amount)} {'minutes' if limit.kind == OWNER else 'contacts'} of {limit.name}"


def _number(amount: float, rounded: Callable[[float], float] = float) -> str:
    """Return a number with two decimals at most."""
    text = f"{float(rounded(round(amount * 100, 6))) / 100:,.2f}"
    return text.rstrip("0").rstrip(".")
