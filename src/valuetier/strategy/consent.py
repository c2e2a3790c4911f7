"""Whom a suppression list meets, what it permits, and what it withholds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier.errors import InvalidDataError
from valuetier.strategy.playbook import check_language
from valuetier.strategy.suppression import (
    CHANNEL,
    CHANNELS,
    NUMBERS,
    SuppressionList,
    id_index,
    kind_of_ids,
    read_suppression,
)

# Days since 1970 that stand for no entry, and for an entry without an end.
NEVER, ALWAYS = np.iinfo(np.int64).min, np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Meeting:
    """Which ids of a list are those of customers, one entry per different id.

    Attributes
    ----------
    met : bool array
    nearly : bool array
        Of no customer, but for case, blanks, leading zeros or a ``.0`` at the end.
    """

    met: NDArray[np.bool_]
    nearly: NDArray[np.bool_]

    def __or__(self, other: Meeting) -> Meeting:
        return Meeting(self.met | other.met, self.nearly | other.nearly)

    def check(self) -> None:
        """Raise if ids are written otherwise than those of the customers that they mean."""
        count = int(np.count_nonzero(self.nearly & ~self.met))
        if count:
            raise InvalidDataError(
                f"suppress: {count} of {len(self.met)} ids are those of customers but for case, blanks, "
                "leading zeros or a '.0' at the end: these customers would be contacted. "
                "Write the ids as the order log does, or drop those that are meant otherwise."
            )


@dataclass(frozen=True, slots=True)
class Withheld:
    """What a suppression list kept from customers.

    Attributes
    ----------
    listed : int
        Different ids on the list.
    met : int
        Of them customers; the others are ids of nobody in the table.
    customers : int
        From whom an action was withheld.
    actions : int
        Rows of customer and action that were withheld.
    contractual : int
        Of them owed by contract: somebody has to see to these in another way.
    """

    listed: int
    met: int
    customers: int
    actions: int
    contractual: int

    def __add__(self, other: Withheld) -> Withheld:
        """Return the counts of one list for two groups of customers that share nobody."""
        sums = (getattr(self, name) + getattr(other, name) for name in self.__slots__[1:])
        return Withheld(self.listed, *sums)

    def __str__(self) -> str:
        return self.sentence()

    def sentence(self, lang: str = "en") -> str:
        """Return the numbers in words, ``"en"`` or ``"zh"``."""
        check_language(lang)
        unmet = self.listed - self.met
        if lang == "zh":
            return (
                f"勿扰名单共 {self.listed:,} 个编号，其中 {self.met:,} 个是本次客户，{unmet:,} 个未对应任何客户。"
                f"对 {self.customers:,} 位客户共扣下 {self.actions:,} 项动作，"
                f"其中合同约定的 {self.contractual:,} 项，须另行处理。"
            )
        return (
            f"Suppression list: {self.listed:,} ids, {self.met:,} of them customers here and {unmet:,} not. "
            f"Withheld: {self.actions:,} actions for {self.customers:,} customers, "
            f"{self.contractual:,} of them owed by contract, to be settled in another way."
        )


def permitted(
    suppress: Any, ids: Any, channels: Any, *, on: date | NDArray[np.datetime64] | None = None
) -> NDArray[np.bool_]:
    """Return for each row of customer and action whether the customer may have it.

    Parameters
    ----------
    suppress : None, sequence, table, path or SuppressionList
        As :func:`read_suppression` takes it; None permits everything.
    ids, channels : (n,) arrays
        Of the rows. Between them the ids should be those of all customers, so that ids
        written otherwise are found.
    on : date or (n,) datetime64 array, optional
        The day of the action: an entry that ended before it does not hold. Default: every
        entry holds.

    Raises
    ------
    InvalidDataError
        If ids of the list cannot be compared with those of the customers, or are written otherwise.

    Examples
    --------
    >>> permitted(["b"], ["a", "b", "b"], ["email", "email", "internal"])
    array([ True, False, False])
    >>> listed = pd.DataFrame({"customer_id": ["a", "b"], "channel": ["sms", None]})
    >>> permitted(listed, ["a", "a", "b"], ["sms", "email", "email"])
    array([False,  True, False])
    """
    if suppress is None:
        return np.ones(len(ids), dtype=bool)
    entries = read_suppression(suppress)
    row, customers = pd.factorize(id_index(ids))
    meeting(entries, customers).check()
    return still_permitted(entries, customers, row, channels, on=on)


def meeting(entries: SuppressionList, ids: Any) -> Meeting:
    """Return which different ids of a list are those of these customers, each of whom is there once.

    Raises
    ------
    InvalidDataError
        If the ids cannot be compared.
    """
    listed, customers = entries.for_ids(ids).ids.unique(), id_index(ids)
    met = customers.get_indexer(listed) >= 0
    nearly = np.zeros(len(listed), dtype=bool)
    if not (met.all() or {kind_of_ids(listed), kind_of_ids(customers)} <= set(NUMBERS)):
        theirs = {_plain(one) for one in customers}
        nearly[~met] = [_plain(one) in theirs for one in listed[~met]]
    return Meeting(met, nearly)


def still_permitted(
    entries: SuppressionList,
    ids: Any,
    row: NDArray[np.intp],
    channels: Any,
    *,
    on: date | NDArray[np.datetime64] | None = None,
) -> NDArray[np.bool_]:
    """Return what :func:`permitted` does, for actions on the customers ``ids[row]``; no check of how ids are written."""
    last_day, entry = _last_days(entries, ids)
    kind, used = pd.factorize(np.asarray(channels, dtype=object))
    holds_until = last_day[entry[row], pd.Index(CHANNELS).get_indexer(pd.Index(used))[kind]]
    return holds_until == NEVER if on is None else holds_until < _day(on)


def suppressed_channels(entries: SuppressionList, ids: Any, *, on: date | None = None) -> NDArray[np.object_]:
    """Return the channels that are closed to each customer: ``"all"``, their names, or None.

    Examples
    --------
    >>> listed = pd.DataFrame({"customer_id": ["a", "a", "b"], "channel": ["sms", "email", None]})
    >>> suppressed_channels(read_suppression(listed), ["a", "b", "c"]).tolist()
    ['email, sms', 'all', None]
    """
    last_day, entry = _last_days(entries, ids)
    days = last_day[:, : len(CHANNELS)]
    closed = days > NEVER if on is None else days >= _day(on)
    labels = np.empty(len(closed), dtype=object)
    labels[:] = [
        "all" if row.all() else ", ".join(np.array(CHANNELS)[row]) if row.any() else None for row in closed
    ]
    return np.asarray(labels[entry], dtype=object)


def _last_days(entries: SuppressionList, ids: Any) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return the last day of each closed channel by entry, and the entry of each customer; the last is none."""
    entries = entries.for_ids(ids)
    which, listed = pd.factorize(entries.ids, use_na_sentinel=False)
    column = pd.Index(CHANNELS).get_indexer(pd.Index(entries.channels))
    ends = np.where(np.isnat(entries.until), ALWAYS, entries.until.astype("datetime64[D]").astype(np.int64))
    last_day = np.full((len(listed) + 1, len(CHANNELS) + 1), NEVER)
    named = column >= 0
    np.maximum.at(last_day, (which[named], column[named]), ends[named])
    np.maximum.at(last_day, which[~named], ends[~named, None])
    return last_day, listed.get_indexer(id_index(ids))


class Screened(NamedTuple):
    """Which rows of customer and action are allowed, whom the list met, and what it withheld."""

    allowed: NDArray[np.bool_]
    found: Meeting
    withheld: Withheld


def screen(
    entries: SuppressionList,
    ids: NDArray[Any],
    row: NDArray[np.intp],
    steps: pd.DataFrame,
    on: date | NDArray[np.datetime64] | None = None,
) -> Screened:
    """Return what a list does to actions on the customers ``ids[row]``; ``steps`` has their channel and contractual."""
    found = meeting(entries, ids)
    allowed = still_permitted(entries, ids, row, steps[CHANNEL].to_numpy(dtype=object), on=on)
    counts = Withheld(
        listed=len(found.met),
        met=int(np.count_nonzero(found.met)),
        customers=len(np.unique(row[~allowed])),
        actions=int(np.count_nonzero(~allowed)),
        contractual=int(np.count_nonzero(steps["contractual"].to_numpy(dtype=bool) & ~allowed)),
    )
    return Screened(allowed, found, counts)


def _day(on: date | NDArray[np.datetime64]) -> NDArray[np.int64]:
    return np.asarray(on, dtype="datetime64[D]").astype(np.int64)


def _plain(one: Any) -> str:
    """Return an id less what is often lost on the way: case, blanks, leading zeros, the .0 of floats."""
    return str(one).strip().casefold().removesuffix(".0").lstrip("0")
