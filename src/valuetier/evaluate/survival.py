"""How long customers stay in a tier, over assignments at successive dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from valuetier import _validate as validate
from valuetier._core.cuts import Codes
from valuetier._core.survival import Counts, kaplan_meier, stays
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, InvalidParameterError, require_choice
from valuetier.evaluate._migration_words import INTERVAL, LEFT, STILL, SURVIVAL
from valuetier.evaluate._percent import percent
from valuetier.evaluate.migration import refuse_other_tiers
from valuetier.tiers import LANGUAGES, Tier, TierAssignment

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class TierSurvival:
    """How many stays in a tier last to the 1st, 2nd, … date after the one they began at.

    Attributes
    ----------
    tier : Tier
    stays : int
        Stays that were seen at one more date at least. A customer who comes back stays anew.
    at_risk : (dates - 1,) int array
        Stays that could be seen at the date.
    up, down, gone : (dates - 1,) int array
        Of these, those that ended there: in a better tier, in a worse one, out of the table.
    survival, low, high : (dates - 1,) array
        Share that lasts so long (Kaplan & Meier), with the 95 % interval (Greenwood, on
        log(-log)); it is NaN where nobody or everybody has left.
    """

    tier: Tier
    stays: int
    at_risk: Counts
    up: Counts
    down: Counts
    gone: Counts
    survival: Floats
    low: Floats
    high: Floats

    def to_frame(self) -> pd.DataFrame:
        """Return one row per date after the first: dates, at_risk, up, down, gone, survival, low, high."""
        names = ("at_risk", "up", "down", "gone", "survival", "low", "high")
        columns = {name: getattr(self, name) for name in names}
        return pd.DataFrame({"dates": np.arange(1, len(self.at_risk) + 1), **columns})

    def verdict(self, lang: str = "en") -> str:
        """Return how many stays last to the next date and to the last one that was seen."""
        require_choice("lang", lang, LANGUAGES)
        last = int(np.flatnonzero(self.at_risk > 0)[-1])
        said = [self._still(step, lang) for step in dict.fromkeys((0, last))]
        ways = {name: int(getattr(self, name).sum()) for name in ("up", "down", "gone")}
        link = "；" if lang == "zh" else "; "
        text = link.join([*said, LEFT[lang].format(**ways)])
        return SURVIVAL[lang].format(spells=self.stays, tier=self.tier.label(lang), said=text)

    def __str__(self) -> str:
        return f"{self.to_frame()}\n{self.verdict()}"

    def _still(self, step: int, lang: str) -> str:
        low, high = self.low[step], self.high[step]
        interval = (
            ""
            if np.isnan(low)
            else INTERVAL[lang].format(low=percent(low, lang, 1), high=percent(high, lang, 1))
        )
        return STILL[lang].format(
            share=percent(self.survival[step], lang, 1), step=step + 1, interval=interval
        )


def tier_survival(
    assignments: Sequence[TierAssignment], tier: int = 0, *, new_only: bool = False
) -> TierSurvival:
    """Return how long customers stay in a tier, by Kaplan and Meier.

    A stay begins at the date a customer is first seen in the tier and ends at the first date it is
    seen elsewhere, or not at all; stays that last to the last date are censored there.

    Parameters
    ----------
    assignments : sequence of TierAssignment
        Of the same tiers at successive dates, the earliest first; at least two.
    tier : int
        Code of the tier; 0 is the best.
    new_only : bool
        Leave out the stays that were under way at the first date, whose beginning nobody saw. With
        them the survival is that of the customers at hand, older ones among them.

    Raises
    ------
    InvalidParameterError
        If there is no such tier.
    InvalidDataError
        If there are fewer than two assignments, of different tiers or not in the order of their
        dates, or nobody is in the tier before the last date.

    Examples
    --------
    >>> import valuetier as vt
    >>> orders, days = vt.datasets.load_cdnow_orders(), ("1997-09-30", "1997-12-31", "1998-03-31", "1998-06-30")
    >>> tables = [vt.summarize(orders, as_of=day).customers for day in days]
    >>> pyramid = vt.PyramidSegmenter(preset="hml").fit(tables[0])
    >>> found = tier_survival([pyramid.assign(table) for table in tables], tier=1)
    >>> found.to_frame()[["dates", "at_risk", "up", "down", "survival"]].round(3)
       dates  at_risk   up  down  survival
    0      1     8062  823     0     0.898
    1      2     6868  529     0     0.829
    2      3     5841  318     0     0.784
    """
    found = list(assignments)
    _check_sequence(found)
    if validate.whole_number("tier", tier, 0) >= len(found[0].tiers):
        raise InvalidParameterError(f"tier must be a code from 0 to {len(found[0].tiers) - 1}, got {tier}.")
    seen = stays(_by_date(found), tier, new_only=new_only)
    if not seen.at_risk[0]:
        raise InvalidDataError(
            f"No stay in tier {tier} begins before the last of {len(found)} dates, so nobody can be followed. "
            "Pass earlier assignments, or another tier."
        )
    share, low, high = kaplan_meier(seen.at_risk, seen.left, CONFIDENCE)
    return TierSurvival(found[0].tiers[tier], int(seen.at_risk[0]), *seen, share, low, high)


def _check_sequence(found: list[TierAssignment]) -> None:
    if len(found) < 2:
        raise InvalidDataError(
            f"assignments must be of two dates at least, got {len(found)}. Assign the customers at a later date too."
        )
    for before, after in pairwise(found):
        refuse_other_tiers(before, after)
        if before.as_of and after.as_of and not before.as_of < after.as_of:
            raise InvalidDataError(
                f"assignments must be in the order of their dates, got {before.as_of} before {after.as_of}. "
                "Sort them, the earliest first."
            )


def _by_date(found: list[TierAssignment]) -> Codes:
    """Return the tier of every customer at every date, -1 where it is not in the table."""
    columns = [pd.Series(one.codes, index=pd.Index(one.ids)) for one in found]
    return pd.concat(columns, axis=1).fillna(-1).to_numpy().astype(np.int64)
