"""The plan: which customer gets which action when money, hours and contacts are short."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier._core.allocation import PROVED, Allocation
from valuetier._core.compress import significant
from valuetier._validate import Floats
from valuetier.strategy.plan_choice import OUTCOMES, TOTAL_DIGITS, Candidates, Mask, Terms, choose
from valuetier.strategy.plan_limits import BUDGET, CHANNEL, COVERAGE, OWNER
from valuetier.strategy.plan_words import price_sentence, summary
from valuetier.strategy.playbook import Action, check_language
from valuetier.tiers import TierAssignment

UNIT = {BUDGET: "money", OWNER: "minutes", CHANNEL: "contacts", COVERAGE: "customers"}


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Which customer gets which action, and what would change that.

    Print it for what it says in words.

    Attributes
    ----------
    actions : DataFrame
        One row per customer and action that is carried out, as ``map`` gives it, and value (what a
        chosen action brings, missing for contractual ones), executions, total_cost, total_minutes.
    groups : DataFrame
        customer_id, tier, group (``"treated"`` or ``"control"``) and reached (whether an action was
        chosen) of all customers to whom one was open. Compare the groups, not the reached.
    control : DataFrame
        customer_id and tier of the control group.
    shadow_prices : DataFrame
        One row per limit: constraint, kind (``"budget"``, ``"owner"``, ``"channel"``, ``"coverage"``), limit,
        used, unit, price (what one more unit brings; for a coverage, one customer fewer) and sentence.
    outcomes : DataFrame
        outcome, actions, customers: what became of every row of the action table.
    value : float
        What the chosen actions bring. Contractual ones do not count: they are owed.
    cost, minutes : float
        Of all actions in the plan.
    objective : str
        What was made as large as possible: ``"value"``, or ``"net"``, which is value less the cost of
        the chosen actions.
    bound : float
        No plan brings more of the objective.
    gap : float
        How much more that is than this plan brings, as a share of the bound.
    optimal : bool
        Whether the gap is closed: no plan brings more, but for a billionth.
    alike : bool
        Every customer's open actions are worth the same, so the plan could tell them apart by cost only.
    as_of : date or None
        The day of the assignment. What the plan brings shows in orders after it.
    lang : str
    """

    actions: pd.DataFrame
    groups: pd.DataFrame
    control: pd.DataFrame
    shadow_prices: pd.DataFrame
    outcomes: pd.DataFrame
    value: float
    cost: float
    minutes: float
    objective: str
    bound: float
    gap: float
    optimal: bool
    alike: bool
    as_of: date | None
    lang: str

    def to_frame(self) -> pd.DataFrame:
        """Return the actions."""
        return self.actions.copy()

    def summary(self, lang: str | None = None) -> str:
        """Return what the plan does and what would change it, one finding a line."""
        lang = self.lang if lang is None else lang
        check_language(lang)
        return summary(self, lang)

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return f"Plan(actions={len(self.actions)}, value={self.value:.6g}, cost={self.cost:.6g}, gap={self.gap:.2g})"


def plan_of(
    assignment: TierAssignment,
    found: Candidates,
    values: Floats,
    steps: pd.DataFrame,
    actions: list[Action],
    terms: Terms,
) -> Plan:
    """Return the plan; ``steps`` are the rows of the playbook's action table."""
    chosen, allocation = choose(assignment, found, values, actions, terms)
    done = chosen | found.contractual
    repeated = found.outcome == OUTCOMES.index("repeated")
    rows = np.flatnonzero(done[found.customer, found.action] & ~repeated)
    table = _action_table(assignment, found, values, steps, rows, terms)
    tiers = assignment.to_frame(terms.lang)[["customer_id", "tier"]]
    groups = tiers.assign(
        group=np.where(found.held_out, "control", "treated").astype(object),
        reached=np.asarray(chosen.any(axis=1)),
    )
    offers = table[~table["contractual"]]
    value, offer_cost = _total(offers["value"]), _total(offers["total_cost"])
    achieved = value - (offer_cost if terms.objective == "net" else 0.0)
    gap = max(allocation.bound - achieved, 0.0) / max(abs(allocation.bound), 1e-300)
    return Plan(
        actions=table,
        groups=groups[found.eligible].reset_index(drop=True),
        control=tiers[found.held_out].reset_index(drop=True),
        shadow_prices=_shadow_prices(assignment, found, done, allocation, terms),
        outcomes=_outcomes(found, chosen, values, actions, terms),
        value=value,
        cost=_total(table["total_cost"]),
        minutes=_total(table["total_minutes"]),
        objective=terms.objective,
        bound=max(allocation.bound, achieved),
        gap=gap if gap > PROVED else 0.0,
        optimal=gap <= PROVED,
        alike=_alike(found.offers, values),
        as_of=assignment.as_of,
        lang=terms.lang,
    )


def _alike(offers: Mask, values: Floats) -> bool:
    """Return whether there is a choice of actions somewhere, and nowhere one between different values."""
    choice = offers.sum(axis=1) > 1
    open_to, worth = offers[choice], values[choice]
    most = np.where(open_to, worth, -np.inf).max(axis=1, initial=-np.inf)
    least = np.where(open_to, worth, np.inf).min(axis=1, initial=np.inf)
    return bool(choice.any() and (most == least).all())


def _total(column: pd.Series) -> float:
    """Return a sum without the noise of its last digits."""
    return _rounded(float(column.sum()))


def _rounded(number: float) -> float:
    return float(significant(np.array([number]), TOTAL_DIGITS)[0])


def _action_table(
    assignment: TierAssignment,
    found: Candidates,
    values: Floats,
    steps: pd.DataFrame,
    rows: NDArray[np.intp],
    terms: Terms,
) -> pd.DataFrame:
    customer, action = found.customer[rows], found.action[rows]
    about = assignment.to_frame(terms.lang)[["customer_id", "tier", "segment"]].take(customer)
    table = pd.concat(
        [about.reset_index(drop=True), steps.take(found.step[rows]).reset_index(drop=True)], axis=1
    )
    times = terms.times[action]
    return table.assign(
        value=np.where(table["contractual"], np.nan, values[customer, action]),
        executions=times.astype(np.int64),
        total_cost=table["cost"] * times,
        total_minutes=table["minutes"] * times,
    )


def _shadow_prices(
    assignment: TierAssignment, found: Candidates, done: Mask, allocation: Allocation, terms: Terms
) -> pd.DataFrame:
    counts = done.sum(axis=0)
    rows: list[dict[str, Any]] = [
        {"constraint": x.name, "kind": x.kind, "limit": x.most, "used": _rounded(float(counts @ x.use))}
        for x in terms.limits
    ]
    for of in terms.coverage:
        inside = (assignment.codes == of.tier.code) & ~found.held_out
        can_be = inside & (found.contractual | found.offers).any(axis=1)
        reached = float((inside & done.any(axis=1)).sum())
        limit = float(np.ceil(of.share * can_be.sum() - 1e-9))
        rows.append(
            {"constraint": of.tier.label(terms.lang), "kind": COVERAGE, "limit": limit, "used": reached}
        )
    largest = float(np.abs(allocation.prices).max(initial=0.0))
    for row, price in zip(rows, allocation.prices, strict=True):
        row["unit"] = UNIT[row["kind"]]
        row["price"] = float(price) if price > 1e-9 * largest else 0.0
        row["sentence"] = price_sentence(row, terms.lang)
    return pd.DataFrame(rows, columns=["constraint", "kind", "limit", "used", "unit", "price", "sentence"])


def _outcomes(
    found: Candidates, chosen: Mask, values: Floats, actions: list[Action], terms: Terms
) -> pd.DataFrame:
    """Return how many rows of the action table, of how many customers, became what."""
    customer, action = found.customer, found.action
    cost = np.array([a.cost for a in actions]) * terms.times
    gain = values[customer, action] - (cost[action] if terms.objective == "net" else 0.0)
    full = chosen.sum(axis=1)[customer] >= terms.offers
    later = np.select(
        [chosen[customer, action], gain <= 0, full],
        [OUTCOMES.index(o) for o in ("chosen", "brings nothing", "another action chosen")],
        OUTCOMES.index("no room"),
    )
    outcome = np.where(found.outcome >= 0, found.outcome, later)
    return pd.DataFrame(
        {
            "outcome": list(OUTCOMES),
            "actions": np.bincount(outcome, minlength=len(OUTCOMES)),
            "customers": [len(np.unique(customer[outcome == o])) for o in range(len(OUTCOMES))],
        }
    )
