"""What a policy did, or would have done, over several dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from valuetier._core.policy import NO_DAY
from valuetier.errors import InvalidDataError, MissingColumnsError
from valuetier.loyalty.rules import day_number
from valuetier.policy.events import joined
from valuetier.policy.overrides import SINCE, days_of, read_table
from valuetier.policy.state import TierState
from valuetier.policy.words import EVENTS, MOVES
from valuetier.tables import ID
from valuetier.tiers import TierAssignment


@dataclass(frozen=True, slots=True, eq=False)
class PolicyReplay:
    """The states and events of successive steps.

    Attributes
    ----------
    states : tuple of TierState
        One per step.
    events_by_step : tuple of DataFrame
        As :meth:`TierPolicy.step` returns them.
    """

    states: tuple[TierState, ...]
    events_by_step: tuple[pd.DataFrame, ...]

    @property
    def events(self) -> pd.DataFrame:
        """The events of all steps in one table."""
        return joined(list(self.events_by_step))

    @property
    def moves_per_customer(self) -> float:
        """How often a customer rose or fell over all steps, on average over everybody ever seen."""
        moves = sum(int(events["event"].isin(MOVES).sum()) for events in self.events_by_step)
        return moves / max(len(self.states[-1]), 1)

    def assignments(self) -> list[TierAssignment]:
        """Return the tiers that held after each step, as :func:`valuetier.evaluate.tier_survival` takes them."""
        return [state.to_assignment() for state in self.states]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per step: as_of, customers who hold a tier, and how often each event happened."""
        rows = [
            {"as_of": pd.Timestamp(state.as_of).as_unit("s"), "customers": int((state.codes >= 0).sum())}
            | events["event"].value_counts().reindex(list(EVENTS), fill_value=0).to_dict()
            for state, events in zip(self.states, self.events_by_step, strict=True)
        ]
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        first, last = self.states[0].as_of, self.states[-1].as_of
        return (
            f"PolicyReplay({len(self.states)} steps from {first} to {last}, "
            f"moves_per_customer={self.moves_per_customer:.2f})"
        )


def given_between(overrides: Any, before: date | None, day: date) -> pd.DataFrame | None:
    """Return the overrides that begin after one day and up to another, less those that are over by then.

    Raises
    ------
    MissingColumnsError
        If the table does not say since when.
    InvalidDataError
        If one never begins, or ends before it does.
    """
    if overrides is None:
        return None
    table = read_table(overrides, unique=False)
    if SINCE not in table:
        raise MissingColumnsError(
            f"overrides needs the column {SINCE!r} in a replay, the first day of each. It has {list(table.columns)}."
        )
    since, until = days_of(table, SINCE), days_of(table, "until")
    bad = int(((since == NO_DAY) | ((until < since) & (until != NO_DAY))).sum())
    if bad:
        raise InvalidDataError(
            f"overrides: {bad} of {len(table)} have no beginning, or one after their last day. Give since= the first day on "
            "which it holds."
        )
    begun = (since <= day_number(day)) & ((until >= day_number(day)) | (until == NO_DAY))
    if before is not None:
        begun &= since > day_number(before)
    rows = np.argsort(since, kind="stable")
    return table.iloc[rows[begun[rows]]].drop_duplicates(ID, keep="last")
