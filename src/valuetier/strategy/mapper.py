"""From an assignment to a table of actions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier.coverage import first_only, rule_holds
from valuetier.errors import InvalidDataError, UncoveredTiersError, require_choice
from valuetier.protected import refuse_protected
from valuetier.strategy.consent import Withheld, permitted, screen
from valuetier.strategy.control import SALT
from valuetier.strategy.plan import Plan, plan_of
from valuetier.strategy.plan_choice import Terms, find_candidates, open_actions
from valuetier.strategy.plan_limits import (
    OBJECTIVES,
    executions,
    read_coverage,
    read_holdout,
    read_limits,
    read_offers,
)
from valuetier.strategy.plan_values import read_values
from valuetier.strategy.playbook import OF_ASSIGNMENT, SCORE, SEGMENT, TIER, Playbook, check_language
from valuetier.strategy.suppression import read_suppression
from valuetier.tables import ID, as_frame, materialised, read_ids
from valuetier.tiers import TierAssignment

# What tells rows of an action table apart, customers aside.
ABOUT_ACTION = (
    "action_id", "action", "tier", "segment", "channel", "owner", "cadence_days", "cost", "minutes", "reason",
)  # fmt: skip


class StrategyMapper:
    """Maps customers' tiers to service actions, by a playbook.

    Parameters
    ----------
    playbook : Playbook, optional
        Default: the one that comes with the kind of the assignment.

    Examples
    --------
    >>> import pandas as pd, valuetier as vt
    >>> customers = pd.DataFrame({"customer_id": ["a", "b", "c"], "spend": [900, 80, 5]})
    >>> assignment = vt.PyramidSegmenter(preset="abc").fit(customers).assign(customers)
    >>> actions = StrategyMapper().map(assignment)
    >>> actions.loc[actions["customer_id"] == "c", ["tier", "channel", "rule_id"]].head(1)
      tier channel rule_id
    8    C     web   small
    """

    def __init__(self, playbook: Playbook | None = None) -> None:
        self.playbook = playbook

    @classmethod
    def from_yaml(cls, path: str | Path) -> Self:
        """Return a mapper with the playbook of a YAML file, checked; see ``Playbook.from_yaml``."""
        return cls(Playbook.from_yaml(path))

    def __repr__(self) -> str:
        name = "by kind" if self.playbook is None else repr(self.playbook.name)
        return f"StrategyMapper(playbook={name})"

    def map(
        self, assignment: TierAssignment, customers: Any = None, lang: str = "en", *, suppress: Any = None
    ) -> pd.DataFrame:
        """Return one row per customer and action.

        Parameters
        ----------
        assignment : TierAssignment
        customers : table, optional
            Needed if the playbook looks at columns of it; rows are found by customer_id,
            or are in the order of the assignment where there is no such column.
        lang : str
            ``"en"`` or ``"zh"``.
        suppress : sequence, table or path, optional
            Customers who must not be contacted, see :func:`valuetier.strategy.read_suppression`;
            what is withheld from them is counted by ``withheld``.

        Returns
        -------
        DataFrame with customer_id, tier, segment, action, channel, owner, cadence_days (between
        repetitions, missing: once), cost (per execution), minutes (per execution), reason,
        rule_id, and action_id, affects_price, needs_human_review, contractual.

        Raises
        ------
        UncoveredTiersError
            If customers meet no rule; the message counts them by tier and segment.
        MissingColumnsError
            If the playbook looks at columns that are not there.
        InvalidDataError
            If the ids of ``suppress`` cannot be compared with those of the customers.
        """
        return self.map_and_count(assignment, customers, lang, suppress=suppress)[0]

    def withheld(self, assignment: TierAssignment, customers: Any = None, *, suppress: Any) -> Withheld:
        """Return how many actions a suppression list keeps from how many customers; as ``map`` takes it."""
        counts = self.map_and_count(assignment, customers, suppress=read_suppression(suppress))[1]
        assert counts is not None
        return counts

    def map_and_count(
        self, assignment: TierAssignment, customers: Any = None, lang: str = "en", *, suppress: Any = None
    ) -> tuple[pd.DataFrame, Withheld | None]:
        """Return what ``map`` and ``withheld`` return, from one pass; None where nothing is suppressed."""
        check_language(lang)
        playbook = self.playbook_of(assignment.kind)
        customer, step = matched_steps(playbook, assignment, customers)
        about = assignment.to_frame(lang)[["customer_id", TIER, SEGMENT]].take(customer)
        steps = step_table(playbook, lang).take(step)
        actions = pd.concat([about.reset_index(drop=True), steps.reset_index(drop=True)], axis=1)
        if suppress is None:
            return actions, None
        screened = screen(read_suppression(suppress), assignment.ids, customer, actions, on=assignment.as_of)
        screened.found.check()
        return actions.loc[screened.allowed].reset_index(drop=True), screened.withheld

    def plan(
        self,
        assignment: TierAssignment,
        *,
        value: Any,
        budget: float | None = None,
        capacity: Mapping[str, float] | None = None,
        holdout: float | Mapping[str, float] = 0.0,
        customers: Any = None,
        coverage: Mapping[str, float] | None = None,
        offers_per_customer: int | None = 1,
        response: Mapping[str, float] | None = None,
        objective: str = "value",
        horizon_days: float | None = None,
        suppress: Any = None,
        salt: str = SALT,
        lang: str = "en",
    ) -> Plan:
        """Return the actions that bring most within a budget and the capacities of owners and channels.

        Contractual actions are always carried out and take their part of every limit. Of the others
        each customer gets at most ``offers_per_customer``.

        Parameters
        ----------
        assignment : TierAssignment
        value : mapping, array, table, str or function
            What an action brings for a customer in all, in money, before its own cost:
            ``{action_id: number}`` · a number, or one per customer in the order of the assignment, or a Series or
            mapping by customer_id, or the name of a column of ``customers`` · a table or array of customers × actions ·
            a table with customer_id, action_id and value · a function of the action table
            (as ``map`` returns it) with one number per row. Contractual actions need none.
        budget : float, optional
            Most that all actions cost together, in the currency of the playbook. Default: no limit.
        capacity : mapping, optional
            Minutes of owners and numbers of contacts by channels:
            ``{"account_manager": 1200, "email": 500}``. Who is not named has no limit.
        holdout : float or mapping
            Share of the customers of each tier, or one for some tiers by name, who are kept as a control group: of those to whom
            an action is open, before anything is chosen. They keep contractual actions. Default: nobody.
        customers : table, optional
            As in ``map``, and for a ``value`` that is one of its columns.
        coverage : mapping, optional
            Least share of a tier's customers who get an action, contractual or chosen: ``{"Vital": 1.0}``. Counted
            are those outside the control group to whom any action is open.
        offers_per_customer : int, optional
            Most actions per customer that are not contractual; None is no limit.
        response : mapping, optional
            ``{action_id: share}``: what part of ``value`` each action brings.
        objective : str
            ``"value"``: the total value is made as large as possible, and costs only count against
            the budget · ``"net"``: value less costs.
        horizon_days : float, optional
            Days that the plan covers: an action with a cadence is carried out ``ceil(horizon / cadence)`` times.
            Default: every action once.
        suppress : sequence, table or path, optional
            As in ``map``: these customers get nothing, and what is withheld is counted.
        salt : str
            Draws the control group, and the lot among equal customers where not all can be served.
        lang : str
            ``"en"`` or ``"zh"``.

        Returns
        -------
        Plan

        Raises
        ------
        InfeasiblePlanError
            If no plan keeps all promises; the message names a smallest set that collides.
        InvalidParameterError, InvalidDataError
            If an argument cannot be used, or an action that is open to a customer has no value.

        Notes
        -----
        A mixed-integer programme, solved by HiGHS around the shadow prices of its linear relaxation.
        ``plan.gap`` is what a better plan could bring more at most: 0 for the sizes and limits of
        everyday work, and never hidden where it is not.

        Examples
        --------
        >>> import pandas as pd, valuetier as vt
        >>> customers = pd.DataFrame({"customer_id": range(100), "spend": range(0, 5000, 50)})
        >>> assignment = vt.PyramidSegmenter(preset="hml").fit(customers).assign(customers)
        >>> shares = dict.fromkeys(vt.Playbook.builtin("pyramid").actions, 0.1)
        >>> plan = StrategyMapper().plan(
        ...     assignment, value="spend", response=shares, customers=customers, budget=200
        ... )
        >>> plan.cost <= 200, plan.optimal
        (True, True)
        """
        check_language(lang)
        require_choice("objective", objective, OBJECTIVES)
        playbook = self.playbook_of(assignment.kind)
        named = value if isinstance(value, str) else getattr(value, "name", None)
        if isinstance(named, str):
            refuse_protected(f"The plan by {playbook.name!r}", [named], playbook.allow_protected)
        names, actions = list(playbook.actions), list(playbook.actions.values())
        times = executions(actions, horizon_days)
        terms = Terms(
            limits=read_limits(budget, capacity, actions, times),
            coverage=read_coverage(coverage, assignment.tiers),
            times=times,
            offers=read_offers(offers_per_customer),
            objective=objective,
            salt=salt,
            lang=lang,
        )
        share = read_holdout(holdout, assignment.tiers)
        customers = materialised(customers)
        customer, step = matched_steps(playbook, assignment, customers)
        steps = step_table(playbook, lang)
        channels = steps["channel"].to_numpy()[step]
        allowed = permitted(suppress, assignment.ids[customer], channels, on=assignment.as_of)
        action = pd.Index(names).get_indexer(pd.Index(steps["action_id"]))[step]
        found = find_candidates(assignment, actions, (customer, action, step), allowed, share, salt)
        table = partial(open_actions, assignment, found, steps, lang)
        offers = [name for name, one in playbook.actions.items() if not one.contractual]
        values = read_values(value, response, assignment.ids, customers, names, offers, found.offers, table)
        return plan_of(assignment, found, values, steps, actions, terms)

    def playbook_of(self, kind: str) -> Playbook:
        """Return the playbook for assignments of a kind: the mapper's own, or the one that comes with the kind."""
        return Playbook.builtin(kind) if self.playbook is None else self.playbook


def matched_steps(
    playbook: Playbook, assignment: TierAssignment, customers: Any
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return pairs of customer and step, by customer, then in the order of rules and of the actions in each.

    Steps are the rows of :func:`step_table`.
    """
    refuse_protected(f"The playbook {playbook.name!r}", playbook.columns, playbook.allow_protected)
    table = _condition_columns(playbook, assignment, customers)
    holds = np.array([rule_holds(rule, table, len(assignment)) for rule in playbook.rules])
    _refuse_uncovered(playbook, assignment, np.logical_not(np.logical_or.reduce(holds, axis=0)))
    playbook.refuse_strangers({TIER: tuple(tier.name for tier in assignment.tiers)})
    playbook.refuse_outsiders(TIER, [assignment.tiers[code].name for code in np.unique(assignment.codes)])
    if playbook.hit_policy == "first":
        holds = first_only(holds)
    n_actions = np.array([len(rule.then) for rule in playbook.rules])
    first = np.cumsum(n_actions) - n_actions
    who, which = np.nonzero(holds.T)
    counts = n_actions[which]
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(who, counts), np.repeat(first[which], counts) + within


def step_table(playbook: Playbook, lang: str) -> pd.DataFrame:
    """Return the actions of all rules, one row per rule and action."""
    pairs = [(rule.id, action) for rule in playbook.rules for action in rule.then]
    return _pair_table(playbook, pairs, lang)


def _condition_columns(
    playbook: Playbook, assignment: TierAssignment, customers: Any
) -> dict[str, NDArray[Any]]:
    """Return the columns that the playbook looks at, in the order of the assignment."""
    nothing = np.full(len(assignment), None, dtype=object)
    names = np.array([tier.name for tier in assignment.tiers], dtype=object)
    own: dict[str, NDArray[Any]] = {
        TIER: names[assignment.codes],
        SEGMENT: nothing if assignment.segments is None else assignment.segments,
        SCORE: nothing if assignment.scores is None else assignment.scores,
    }
    others = [column for column in playbook.columns if column not in OF_ASSIGNMENT]
    if not others:
        return own
    frame = as_frame(materialised(customers)) if customers is not None else None
    playbook.refuse_missing([] if frame is None else frame.collect_schema().names())
    assert isinstance(frame, nw.DataFrame)
    rows = rows_of(assignment, frame)
    return own | {column: frame[column].to_numpy()[rows] for column in others}


def rows_of(assignment: TierAssignment, frame: nw.DataFrame[Any]) -> NDArray[np.intp]:
    """Return where each customer of the assignment stands in the table."""
    if ID not in frame.columns:
        if len(frame) != len(assignment):
            raise InvalidDataError(
                f"customers has {len(frame)} rows for {len(assignment)} assigned customers. "
                f"Add the column {ID}, or pass the same table."
            )
        return np.arange(len(assignment))
    rows = pd.Index(read_ids(frame.to_native())).get_indexer(pd.Index(assignment.ids))
    absent = int((rows < 0).sum())
    if absent:
        raise InvalidDataError(
            f"customers lacks {absent} of {len(assignment)} assigned customers. Pass a table with all of them."
        )
    return rows


def _refuse_uncovered(playbook: Playbook, assignment: TierAssignment, uncovered: NDArray[np.bool_]) -> None:
    if not uncovered.any():
        return
    frame = assignment.to_frame().loc[uncovered]
    sizes = frame.groupby([TIER, SEGMENT], observed=True, dropna=False).size()
    found = [
        f"tier {row[TIER]!r}"
        + ("" if pd.isna(row[SEGMENT]) else f", segment {row[SEGMENT]!r}")
        + f": {row['size']}"
        for row in sizes.reset_index(name="size").to_dict("records")
    ]
    raise UncoveredTiersError(
        f"The playbook {playbook.name!r} has no rule for {int(uncovered.sum())} of {len(assignment)} "
        f"customers ({'; '.join(found)}). Add rules for them, or name the tiers as the playbook does."
    )


def _pair_table(playbook: Playbook, pairs: list[tuple[str, str]], lang: str) -> pd.DataFrame:
    actions = [playbook.actions[action] for _, action in pairs]
    return pd.DataFrame(
        {
            "action": [a.action.in_language(lang) for a in actions],
            "channel": [a.channel for a in actions],
            "owner": [a.owner for a in actions],
            "cadence_days": pd.array([a.cadence_days for a in actions], dtype="Int64"),
            "cost": [a.cost for a in actions],
            "minutes": [a.minutes for a in actions],
            "reason": [a.reason.in_language(lang) for a in actions],
            "rule_id": [rule for rule, _ in pairs],
            "action_id": [action for _, action in pairs],
            "affects_price": [a.affects_price for a in actions],
            "needs_human_review": [a.needs_human_review for a in actions],
            "contractual": [a.contractual for a in actions],
        }
    )
