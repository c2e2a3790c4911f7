"""From an assignment to a table of actions."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier.coverage import first_only, rule_holds
from valuetier.errors import InvalidDataError, MissingColumnsError, UncoveredTiersError
from valuetier.strategy.playbook import SCORE, SEGMENT, TIER, Playbook, check_language
from valuetier.tables import ID, as_frame, materialised, read_ids
from valuetier.tiers import TierAssignment

OF_ASSIGNMENT = (TIER, SEGMENT, SCORE)

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

    def map(self, assignment: TierAssignment, customers: Any = None, lang: str = "en") -> pd.DataFrame:
        """Return one row per customer and action.

        Parameters
        ----------
        assignment : TierAssignment
        customers : table, optional
            Needed if the playbook looks at columns of it; rows are found by customer_id,
            or are in the order of the assignment where there is no such column.
        lang : str
            ``"en"`` or ``"zh"``.

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
        """
        check_language(lang)
        playbook = self.playbook_of(assignment.kind)
        customer, step = matched_steps(playbook, assignment, customers)
        about = assignment.to_frame(lang)[["customer_id", TIER, SEGMENT]].take(customer)
        steps = step_table(playbook, lang).take(step)
        return pd.concat([about.reset_index(drop=True), steps.reset_index(drop=True)], axis=1)

    def playbook_of(self, kind: str) -> Playbook:
        """Return the playbook for assignments of a kind: the mapper's own, or the one that comes with the kind."""
        return Playbook.builtin(kind) if self.playbook is None else self.playbook


def matched_steps(
    playbook: Playbook, assignment: TierAssignment, customers: Any
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return pairs of customer and step, by customer, then in the order of rules and of the actions in each.

    Steps are the rows of :func:`step_table`.
    """
    table = _condition_columns(playbook, assignment, customers)
    holds = np.array([rule_holds(rule, table, len(assignment)) for rule in playbook.rules])
    _refuse_uncovered(playbook, assignment, np.logical_not(np.logical_or.reduce(holds, axis=0)))
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
    there = [] if frame is None else list(frame.collect_schema().names())
    missing = [column for column in others if column not in there]
    if missing or not isinstance(frame, nw.DataFrame):
        raise MissingColumnsError(
            f"The playbook {playbook.name!r} looks at {missing}, which the customers do not have: {there}. "
            "Pass customers= with these columns."
        )
    rows = _rows_of(assignment, frame)
    return own | {column: frame[column].to_numpy()[rows] for column in others}


def _rows_of(assignment: TierAssignment, frame: nw.DataFrame[Any]) -> NDArray[np.intp]:
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
