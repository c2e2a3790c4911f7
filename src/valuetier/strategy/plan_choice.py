"""Which customer gets which action: from the rows of the action table to an allocation."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier._core.allocation import Allocation, allocate
from valuetier._core.compress import distinct_rows, significant
from valuetier._core.covering import cover
from valuetier._core.hashing import salted_hashes
from valuetier._core.lagrange import Problem
from valuetier._validate import Floats
from valuetier.strategy.conflicts import Promises, refuse_collision
from valuetier.strategy.control import in_control
from valuetier.strategy.plan_limits import Coverage, Limit
from valuetier.strategy.playbook import Action
from valuetier.tiers import TierAssignment

# What became of every row of the action table.
OUTCOMES = (
    "chosen", "contractual", "suppressed", "suppressed contractual", "control group", "brings nothing",
    "another action chosen", "no room", "repeated",
)  # fmt: skip
TOTAL_DIGITS = 12

Mask = NDArray[np.bool_]


class Candidates(NamedTuple):
    """The rows of the action table, and which of them can be chosen.

    ``customer``, ``action`` and ``step`` have one entry per row. ``contractual`` and ``offers`` are
    (customers, actions): what is owed, and what is open to be chosen. ``outcome`` is the index
    in ``OUTCOMES`` of rows that are settled before anything is chosen, else -1.
    """

    customer: NDArray[np.intp]
    action: NDArray[np.intp]
    step: NDArray[np.intp]
    contractual: Mask
    offers: Mask
    held_out: Mask
    eligible: Mask
    outcome: NDArray[np.int64]


class Terms(NamedTuple):
    """What the plan is asked for, read and checked."""

    limits: list[Limit]
    coverage: list[Coverage]
    times: Floats
    offers: int
    objective: str
    salt: str
    lang: str


def find_candidates(
    assignment: TierAssignment,
    actions: list[Action],
    rows: tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]],
    allowed: Mask,
    holdout: dict[str, float],
    salt: str,
) -> Candidates:
    """Return what is owed and what can be chosen.

    Parameters
    ----------
    assignment : TierAssignment
    actions : list of Action
    rows : tuple of arrays
        Customer, action and step of each row of the action table.
    allowed : bool array
        Rows that the suppression list leaves open.
    holdout : dict
        Share of each tier, by its name.
    salt : str
    """
    customer, action, step = rows
    owed = np.array([a.contractual for a in actions])[action]
    repeated = np.asarray(pd.Index(customer * len(actions) + action).duplicated())
    open_rows = allowed & ~repeated
    contractual, offers = np.zeros((2, len(assignment), len(actions)), dtype=bool)
    contractual[customer[open_rows & owed], action[open_rows & owed]] = True
    offers[customer[open_rows & ~owed], action[open_rows & ~owed]] = True
    eligible = np.asarray(offers.any(axis=1))
    held_out = np.zeros(len(assignment), dtype=bool)
    names = np.array([tier.name for tier in assignment.tiers], dtype=object)[assignment.codes]
    held_out[eligible] = in_control(assignment.ids[eligible], names[eligible], holdout, salt=salt)
    offers[held_out] = False
    outcome = np.select(
        [repeated, ~allowed & owed, ~allowed, owed, held_out[customer]],
        [
            OUTCOMES.index(o)
            for o in ("repeated", "suppressed contractual", "suppressed", "contractual", "control group")
        ],
        -1,
    )
    return Candidates(customer, action, step, contractual, offers, held_out, eligible, outcome)


def open_actions(
    assignment: TierAssignment, found: Candidates, steps: pd.DataFrame, lang: str
) -> pd.DataFrame:
    """Return the rows of the action table that can be chosen, by customer, then in the order of the playbook."""
    who, which = np.nonzero(found.offers)
    step_of = np.zeros(found.offers.shape, dtype=np.intp)
    step_of[found.customer[::-1], found.action[::-1]] = found.step[::-1]
    about = assignment.to_frame(lang)[["customer_id", "tier", "segment"]].take(who)
    chosen = steps.take(step_of[who, which])
    return pd.concat([about.reset_index(drop=True), chosen.reset_index(drop=True)], axis=1)


def choose(
    assignment: TierAssignment, found: Candidates, values: Floats, actions: list[Action], terms: Terms
) -> tuple[Mask, Allocation]:
    """Return who gets which action, (customers, actions), and the allocation behind it.

    Customers with the same gains are one class; which of them are served is drawn by a salted
    hash of their ids, so the order of the rows does not matter.
    """
    cost = np.array([a.cost for a in actions]) * terms.times
    gain = np.where(found.offers, values - (cost if terms.objective == "net" else 0.0), -np.inf)
    stratum, need, reachable = _strata(assignment, found, terms.coverage)
    gain[(gain <= 0) & (stratum < 0)[:, None]] = -np.inf
    use = np.array([limit.use for limit in terms.limits]).reshape(len(terms.limits), len(actions)).T
    most = np.array([limit.most for limit in terms.limits])
    if terms.offers == 1:
        gain = _undominated(
            gain, use, np.lexsort((np.array([a.minutes for a in actions]) * terms.times, cost))
        )
    classes = distinct_rows(stratum.astype(np.float64), *gain.T)
    problem = Problem(
        gain=np.ascontiguousarray(classes.rows[:, 1:]),
        size=classes.weights,
        stratum=classes.rows[:, 0].astype(np.intp),
        use=use,
        limit=most,
        need=need,
        offers=min(terms.offers, len(actions)),
    )
    owed = found.contractual.sum(axis=0) @ use
    left = significant(most - owed, TOTAL_DIGITS)
    left[np.abs(left) <= 1e-12 * most] = 0.0
    shares = (use / np.where(most > 0, most, 1.0)).sum(axis=1)
    open_problem = problem._replace(limit=left)
    start = cover(open_problem, shares) if (left >= 0).all() else None
    if start is None:
        refuse_collision(Promises(problem, owed, terms.limits, terms.coverage, reachable))
    allocation = allocate(open_problem, start)
    chosen = _dealt(allocation.counts, classes.inverse, assignment.ids, terms.salt)
    return chosen, allocation


def _strata(
    assignment: TierAssignment, found: Candidates, coverage: list[Coverage]
) -> tuple[NDArray[np.intp], Floats, list[int]]:
    """Return which minimum each customer counts for (-1: none), how many are needed, of how many."""
    stratum = np.full(len(assignment), -1, dtype=np.intp)
    need, reachable = np.zeros(len(coverage)), []
    served = found.contractual.any(axis=1)
    for s, of in enumerate(coverage):
        inside = (assignment.codes == of.tier.code) & ~found.held_out
        can_be = inside & (served | found.offers.any(axis=1))
        reachable.append(int(can_be.sum()))
        need[s] = max(np.ceil(of.share * can_be.sum() - 1e-9) - (can_be & served).sum(), 0)
        stratum[can_be & ~served] = s
    return stratum, need, reachable


def _undominated(gain: Floats, use: Floats, order: NDArray[np.intp]) -> Floats:
    """Return the gains without actions that another one replaces: it brings as much and uses no more.

    Of two that are equal in both, the one that comes first in ``order`` (cheaper, quicker) stays.
    """
    kept = gain.copy()
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    for j in range(gain.shape[1]):
        for k in range(gain.shape[1]):
            if j == k or not (use[k] <= use[j]).all():
                continue
            wins_ties = bool((use[k] < use[j]).any()) or rank[k] < rank[j]
            better = gain[:, k] >= gain[:, j] if wins_ties else gain[:, k] > gain[:, j]
            kept[better, j] = -np.inf
    return kept


def _dealt(counts: NDArray[np.int64], of_class: NDArray[np.intp], ids: NDArray[Any], salt: str) -> Mask:
    """Return who gets what: the actions of each class, dealt in turn to its customers by their hashes."""
    sizes = np.bincount(of_class, minlength=len(counts))
    drawn = np.flatnonzero((sizes[of_class] > 1) & (counts.sum(axis=1) > 0)[of_class])
    hashes = np.zeros(len(ids), dtype=np.uint64)
    hashes[drawn] = salted_hashes(ids[drawn], salt)
    members = np.lexsort((hashes, of_class))
    start = np.cumsum(sizes) - sizes
    row, action = np.nonzero(counts)
    units = counts[row, action]
    before = (np.cumsum(counts, axis=1) - counts)[row, action]
    within = np.arange(units.sum()) - np.repeat(np.cumsum(units) - units, units) + np.repeat(before, units)
    whose = members[np.repeat(start[row], units) + within % np.repeat(sizes[row], units)]
    chosen = np.zeros((len(ids), counts.shape[1]), dtype=bool)
    chosen[whose, np.repeat(action, units)] = True
    return chosen
