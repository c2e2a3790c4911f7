"""The state of a policy: where every customer stands, as a value and as a flat table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier._core.cuts import Codes
from valuetier._core.policy import Standing
from valuetier.errors import require_choice
from valuetier.policy.overrides import Overrides
from valuetier.policy.stored import from_table, to_table
from valuetier.tiers import LANGUAGES, Tier, TierAssignment


@dataclass(frozen=True, slots=True, eq=False)
class TierState:
    """Where every customer stands after a step of a policy.

    Attributes
    ----------
    as_of : date
        The day of the step.
    evidence : TierAssignment
        What the last assignment said of each customer; of one who is missing, the last it was in.
    standing : Standing
        Tier held by the policy, since when, valid until when, and what the last reviews supported.
    overrides : Overrides
        Tiers that hold instead.

    See Also
    --------
    valuetier.TierPolicy : makes them, and has an example.
    """

    as_of: date
    evidence: TierAssignment
    standing: Standing
    overrides: Overrides

    def __len__(self) -> int:
        return len(self.evidence)

    def __repr__(self) -> str:
        held = int((self.codes >= 0).sum())
        overridden = int((self.overrides.codes >= 0).sum())
        return f"TierState(as_of={self.as_of}, customers={held}, lapsed={len(self) - held}, overridden={overridden})"

    @property
    def ids(self) -> NDArray[Any]:
        """Customer ids, of the type they came in; also of those who lapsed."""
        return self.evidence.ids

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """All tiers, best first."""
        return self.evidence.tiers

    @property
    def codes(self) -> Codes:
        """Tier of each customer, overrides included; below 0 for one who has none."""
        return np.where(self.overrides.codes >= 0, self.overrides.codes, self.standing.codes)

    def to_assignment(self) -> TierAssignment:
        """Return the tiers that hold as an assignment, for actions, plans and evaluation.

        Customers who lapsed are not in it. Scores and segments are those of the last assignment.
        """
        codes = self.codes
        rows = np.flatnonzero(codes >= 0)
        seen = self.evidence
        return TierAssignment(
            codes=codes[rows],
            tiers=seen.tiers,
            segments=None if seen.segments is None else seen.segments[rows],
            scores=None if seen.scores is None else seen.scores[rows],
            ids=seen.ids[rows],
            kind=seen.kind,
            as_of=self.as_of,
            version=seen.version,
            segments_zh=None if seen.segments_zh is None else seen.segments_zh[rows],
        )

    def to_frame(self, lang: str = "en") -> pd.DataFrame:
        """Return one row per customer, in text, numbers and dates only; :meth:`from_frame` takes it back.

        Returns
        -------
        DataFrame
            customer_id · tier, the one that holds, missing for one who lapsed · policy_tier, the one
            without the override · since · valid_until, the day on which it may be lost at the earliest ·
            next_review · reviews_below, the last reviews that did not support the policy's tier, as far as they
            are remembered · grace_until · missing_since · override_tier, override_reason, override_until, its last day ·
            assigned_tier, score, segment and segment_zh of the last assignment · supported_1,
            supported_2, …, the tier that the last review, the one before, … supported · as_of and about (kind,
            version and tiers as JSON), which are the same in every row.
        """
        require_choice("lang", lang, LANGUAGES)
        return to_table(self.as_of, self.evidence, self.standing, self.overrides, lang)

    @classmethod
    def from_frame(cls, table: Any) -> Self:
        """Return the state that a table of :meth:`to_frame` holds, whatever was made of it meanwhile.

        Parameters
        ----------
        table : table
            Of any kind, also read back from parquet or CSV; rows and columns in any order.

        Raises
        ------
        MissingColumnsError
            If columns are not there.
        InvalidDataError
            If the table has no rows, is of several dates, or holds what is no state.
        """
        return cls(*from_table(table))


def read_state(given: Any) -> TierState:
    """Return a state, also from its table."""
    return given if isinstance(given, TierState) else TierState.from_frame(given)
