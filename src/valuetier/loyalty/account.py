"""The accounts of a programme: every posting, settled first in, first out, and the sums per customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier._core.points import EARN, EXPIRE, NEVER, REDEEM, REVERSE, Integers, running_sums, settle

KIND_NAMES = np.array(["expire", "earn", "reverse", "redeem"], dtype=object)
SOURCES = np.array(["expiry", "", "refund", "redemption"], dtype=object)
REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Postings:
    """Postings of one kind or several, one entry each: who, when, what and how many points.

    Attributes
    ----------
    customers, days, kinds, asked : (n,) int64 arrays
    sources : (n,) int64 array
        What earned the points: 0 an order, else the number of the activity.
    through : (n,) int64 array
        Last day on which earned points are good.
    """

    customers: Integers
    days: Integers
    kinds: Integers
    asked: Integers
    sources: Integers
    through: Integers

    def take(self, index: NDArray[Any]) -> Postings:
        """Return some of the postings."""
        return Postings(*(getattr(self, name)[index] for name in self.__slots__))


def postings(
    customers: Integers,
    days: Integers,
    kind: int,
    asked: Integers,
    source: int = 0,
    through: Integers | None = None,
) -> Postings:
    """Return postings of one kind; those of no points are left out."""
    n = len(days)
    made = Postings(
        customers=customers,
        days=days,
        kinds=np.full(n, kind, dtype=np.int64),
        asked=asked,
        sources=np.full(n, source, dtype=np.int64),
        through=np.full(n, NEVER, dtype=np.int64) if through is None else through,
    )
    return made.take(asked > 0)


def joined(parts: Sequence[Postings]) -> Postings:
    """Return all postings in the order in which they happen, whatever the order they came in.

    On one day points expire first, then they are earned, reversed and redeemed; of several
    redemptions the smaller ones come first.
    """
    found = Postings(*(np.concatenate([getattr(p, name) for p in parts]) for name in Postings.__slots__))
    keys = (found.through, found.asked, found.sources, found.kinds, found.days, found.customers)
    return found.take(np.lexsort(keys))


def expiries(earned: Postings, last_day: int) -> Postings:
    """Return one posting per customer and day on which points are gone, up to a day.

    Their points are all that the customer ever earned and that is good until then.
    """
    sums = running_sums(earned.asked, earned.customers)
    last = np.ones(len(sums), dtype=bool)
    if len(sums):
        same = (earned.customers[1:] == earned.customers[:-1]) & (earned.through[1:] == earned.through[:-1])
        last[:-1] = ~same
    chosen = last & (earned.through < last_day)
    gone = earned.take(chosen)
    return postings(gone.customers, gone.through + 1, EXPIRE, sums[chosen])


@dataclass(frozen=True, slots=True)
class Accounts:
    """Settled postings of the customers with the codes 0 … n - 1."""

    n: int
    entries: Postings
    moved: Integers

    def total(self, kind: int) -> Integers:
        """Return the points that each customer's postings of a kind moved."""
        return self._sum(self.entries.kinds == kind, self.moved)

    def short(self, kind: int) -> Integers:
        """Return the points that were asked for and not moved."""
        return self._sum(self.entries.kinds == kind, self.entries.asked - self.moved)

    def balance(self) -> Integers:
        """Return the points of each customer."""
        return self.total(EARN) - self.used()

    def used(self) -> Integers:
        """Return the points of each customer that are gone, for whatever reason."""
        return self.total(EXPIRE) + self.total(REVERSE) + self.total(REDEEM)

    def signed(self) -> Integers:
        """Return what each posting adds to the balance."""
        return np.where(self.entries.kinds == EARN, self.moved, -self.moved)

    def next_expiry(self) -> tuple[Integers, Integers]:
        """Return the last good day of the points that expire next (NEVER: none), and how many they are."""
        lots = self.entries.take(self.entries.kinds == EARN)
        reached = running_sums(lots.asked, lots.customers)
        left = np.clip(reached - self.used()[lots.customers], 0, lots.asked)
        ending = np.where(left > 0, lots.through, NEVER)
        day = np.full(self.n, NEVER, dtype=np.int64)
        np.minimum.at(day, lots.customers, ending)
        points = np.zeros(self.n, dtype=np.int64)
        np.add.at(points, lots.customers, np.where(ending == day[lots.customers], left, 0))
        return day, np.where(day == NEVER, 0, points)

    def to_frame(self, ids: pd.Index, sources: Sequence[str]) -> pd.DataFrame:
        """Return one row per posting, by customer and time."""
        names = KIND_NAMES[self.entries.kinds]
        refused = (self.entries.kinds == REDEEM) & (self.moved < self.entries.asked)
        earned = self.entries.kinds == EARN
        source = SOURCES[self.entries.kinds]
        source[earned] = np.array(sources, dtype=object)[self.entries.sources[earned]]
        signed = self.signed()
        return pd.DataFrame(
            {
                "customer_id": ids[self.entries.customers],
                "date": as_dates(self.entries.days),
                "entry": np.where(refused, REFUSED, names),
                "source": source,
                "points": signed,
                "balance": running_sums(signed, self.entries.customers),
                "valid_through": as_dates(self.entries.through),
            }
        )

    def _sum(self, chosen: NDArray[np.bool_], values: Integers) -> Integers:
        total = np.zeros(self.n, dtype=np.int64)
        np.add.at(total, self.entries.customers[chosen], values[chosen])
        return total


def settled(n: int, parts: Sequence[Postings], last_day: int) -> Accounts:
    """Return the accounts after all postings, those of points that expire until a day included."""
    earned = joined([part.take(part.kinds == EARN) for part in parts])
    entries = joined([*parts, expiries(earned, last_day)])
    moved = settle(entries.customers, entries.kinds, entries.asked)
    said = (entries.kinds != EXPIRE) | (moved > 0)  # what was used up before cannot expire
    return Accounts(n, entries.take(said), moved[said])


def as_dates(days: Integers) -> NDArray[np.datetime64]:
    """Return days as dates; NEVER is NaT."""
    known = days != NEVER
    dates = np.full(len(days), "NaT", dtype="datetime64[us]")
    dates[known] = days[known].astype("datetime64[D]").astype("datetime64[us]")
    return dates
