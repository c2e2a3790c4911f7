"""How long customers stay in a tier, seen at a few dates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from valuetier._core.compress import Floats
from valuetier._core.cuts import Codes

Counts = NDArray[np.int64]


class Stays(NamedTuple):
    """Stays in a tier by their age, in dates: ``at_risk[d]`` lasted to date ``d`` and are seen at the next.

    There they are in a better tier (``up``), in a worse one (``down``), not in the table
    (``gone``), or still in the tier.
    """

    at_risk: Counts
    up: Counts
    down: Counts
    gone: Counts

    @property
    def left(self) -> Counts:
        """Stays that end, whatever the way."""
        return self.up + self.down + self.gone


def stays(codes: Codes, tier: int, *, new_only: bool = False) -> Stays:
    """Return the stays in a tier by age.

    Parameters
    ----------
    codes : (n, dates) array
        Tier of each customer at each date; below 0 where the customer is not in the table.
    tier : int
    new_only : bool
        Leave out the stays that were under way at the first date.

    Examples
    --------
    >>> found = stays(np.array([[0, 0, 1], [1, 0, 0], [0, -1, -1]]), 0)
    >>> found.at_risk.tolist(), found.down.tolist(), found.gone.tolist()
    ([3, 1], [0, 1], [1, 0])
    """
    dates = codes.shape[1]
    inside = codes == tier
    age = np.where(inside[:, 0] & (not new_only), 0, -1)
    found = np.zeros((4, dates - 1), dtype=np.int64)
    for date in range(1, dates):
        there, now = age >= 0, codes[:, date]
        ways = (there, there & (now >= 0) & (now < tier), there & (now > tier), there & (now < 0))
        found += [np.bincount(age[way], minlength=dates - 1) for way in ways]
        begins = inside[:, date] & ~inside[:, date - 1]
        age = np.where(begins, 0, np.where(there & inside[:, date], age + 1, -1))
    return Stays(*found)


def kaplan_meier(at_risk: Counts, left: Counts, confidence: float) -> tuple[Floats, Floats, Floats]:
    """Return the share that lasts beyond each age, and its interval by Greenwood's formula on log(-log S).

    The interval is NaN where nobody, or everybody, has left; all are NaN where nobody is at risk.

    Source: Kaplan & Meier (1958); Kalbfleisch & Prentice (2002), "The Statistical Analysis of
    Failure Time Data", section 1.4.

    Examples
    --------
    >>> kaplan_meier(np.array([4, 2]), np.array([1, 1]), 0.95)[0].tolist()
    [0.75, 0.375]
    """
    risk = np.where(at_risk > 0, at_risk, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.cumprod(1.0 - left / risk)
        variance = np.cumsum(left / (risk * (risk - left)))
        spread = ndtri(0.5 + confidence / 2.0) * np.sqrt(variance) / np.log(share)
        low, high = share ** np.exp(-spread), share ** np.exp(spread)
    known = (share > 0) & (share < 1)
    return np.asarray(share), _where(known, low), _where(known, high)


def _where(known: NDArray[np.bool_], values: Floats) -> Floats:
    return np.where(known, values, np.nan)
