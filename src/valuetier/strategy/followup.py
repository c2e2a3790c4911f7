"""The follow-up calendar: whom to contact when, why, by which channel and by whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress as ignoring
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier import _validate as validate
from valuetier.errors import InvalidParameterError
from valuetier.strategy._followup_words import SUMMARY, Texts, in_words
from valuetier.strategy.consent import Withheld
from valuetier.strategy.followup_contacts import (
    contacts_between,
    kept_apart,
    on_working_days,
    screened,
    touched,
)
from valuetier.strategy.followup_rules import CHANNELS, OWNERS, FollowUpRules
from valuetier.strategy.followup_tables import day_number, read_log, read_people, read_refills
from valuetier.strategy.playbook import check_language
from valuetier.tables import as_of_of
from valuetier.tiers import TierAssignment

# Contacts so many distances before and after the horizon count when contacts are kept apart.
MARGIN = 4

LONGEST_HORIZON_DAYS = 36_500


@dataclass(frozen=True, slots=True, eq=False)
class FollowUps:
    """Follow-ups in the days after ``as_of``, by date.

    Attributes
    ----------
    table : DataFrame
        customer_id, date, kind (after_order_5, …, reminder, wake_up, review), action, reason, channel, owner,
        tier, due_days (from ``as_of``) and also (kinds that went into this contact because they were too near).
    as_of : date
    horizon_days : int
    lang : str
    merged : int
        Contacts that went into a more important one a few days away.
    withheld : Withheld or None
        What a suppression list kept from customers, where there is one.
    """

    table: pd.DataFrame
    as_of: date
    horizon_days: int
    lang: str
    merged: int
    withheld: Withheld | None = None

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return f"FollowUps({len(self)} after {self.as_of}, horizon_days={self.horizon_days}, merged={self.merged})"

    def __str__(self) -> str:
        sizes = self.table["kind"].value_counts(sort=False)
        told = SUMMARY[self.lang].format(
            n=len(self), customers=self.table["customer_id"].nunique(), horizon=self.horizon_days,
            as_of=self.as_of, kinds=", ".join(f"{kind}: {n:,}" for kind, n in sorted(sizes.items())),
            merged=self.merged,
        )  # fmt: skip
        return told if self.withheld is None else f"{told} {self.withheld.sentence(self.lang)}"

    def to_frame(self) -> pd.DataFrame:
        """Return the follow-ups as a table of one's own."""
        return self.table.copy()

    def to_icalendar(
        self,
        path: str | Path,
        *,
        owner: str | None = None,
        names: Mapping[Any, str] | Callable[[Any], str] | None = None,
        salt: str = "",
    ) -> Path:
        """Write the follow-ups as an iCalendar file (RFC 5545) of all-day events; return its path.

        Parameters
        ----------
        path : path
        owner : str, optional
            Only those of one owner, such as ``"account_manager"``.
        names : mapping or callable, optional
            What titles call a customer, by id. Default: the id. ``lambda customer: ""`` names nobody.
        salt : str
            A secret of yours: with it nobody can find a customer's id by trying which one has a UID.

        Raises
        ------
        MissingDependencyError
            If the package icalendar is not installed.
        InvalidParameterError
            If nothing is done by such an owner.
        """
        from valuetier.strategy.calendar_file import write_calendar  # needs an extra

        return write_calendar(self, Path(path), owner=owner, names=names, salt=salt)


def follow_ups(
    assignment: TierAssignment,
    customers: Any,
    *,
    as_of: date | str | None = None,
    horizon_days: int = 90,
    rules: FollowUpRules | None = None,
    orders: Any = None,
    customer: str = "customer_id",
    date: str = "date",
    consumption: Any = None,
    days_per_unit: Mapping[Any, float] | None = None,
    suppress: Any = None,
    skip_weekends: bool = False,
    holidays: Sequence[Any] = (),
    lang: str = "en",
) -> FollowUps:
    """Return whom to follow up when: after an order, before the next one, when it stays away, and at reviews.

    Parameters
    ----------
    assignment : TierAssignment
    customers : table
        With customer_id and last_order (or recency_days); first_order, x and t_x (or orders) give the rhythm, as
        :func:`valuetier.summarize` makes them.
    as_of : date or str, optional
        The first follow-up is on the day after it. Default: that of the assignment or of the table.
    horizon_days : int
    rules : FollowUpRules, optional
        Days, distances, cadences, channels and owners.
    orders : table or path, optional
        The order log, with the columns ``customer`` and ``date``: then a customer's rhythm is the median number of
        days between orders, not the mean t_x / x.
    consumption : table or path, optional
        What customers bought: customer_id, date, quantity, and days_per_unit or product. They are reminded before it
        is used up, in place of the reminder by rhythm.
    days_per_unit : mapping of product to number, optional
        How many days a unit of each product lasts.
    suppress : sequence, table or path, optional
        Customers who must not be contacted, see :func:`valuetier.strategy.read_suppression`.
    skip_weekends : bool
        Move what falls on a Saturday or Sunday to the next working day.
    holidays : sequence of dates
        Days that are no working days.
    lang : str
        ``"en"`` or ``"zh"``.

    Raises
    ------
    InvalidParameterError
        If no ``as_of`` is known, or a parameter cannot work.
    MissingColumnsError
        If a table lacks columns.

    Examples
    --------
    >>> import valuetier as vt
    >>> customers = vt.summarize(vt.datasets.load_cdnow_orders()).customers
    >>> tiers = vt.PyramidSegmenter(preset="hml").fit(customers).assign(customers)
    >>> calendar = follow_ups(tiers, customers, horizon_days=14)
    >>> calendar.table["kind"].value_counts().to_dict()["after_order_5"]
    262
    """
    check_language(lang)
    if validate.whole_number("horizon_days", horizon_days, 1) > LONGEST_HORIZON_DAYS:
        raise InvalidParameterError(
            f"horizon_days must be at most {LONGEST_HORIZON_DAYS:,}, got {horizon_days!r}."
        )
    rules = FollowUpRules() if rules is None else rules
    today = _as_of(as_of, assignment, customers)
    log = None if orders is None else read_log(orders, customer, date)
    people = read_people(assignment, customers, today, log, rules)
    refills = None if consumption is None else read_refills(assignment, consumption, days_per_unit, today)
    start, margin = day_number(today), MARGIN * rules.min_gap_days
    end = start + horizon_days
    contacts = contacts_between(assignment, people, refills, rules, start - margin, end + margin)
    contacts["day"] = on_working_days(contacts["day"].to_numpy(), skip_weekends, holidays)
    contacts = touched(contacts, assignment.codes, rules)
    inside = contacts["day"].between(start, end, inclusive="right").to_numpy()
    withheld = None
    if suppress is not None:
        allowed, withheld = screened(contacts, assignment.ids, suppress, inside)
        contacts, inside = contacts[allowed].reset_index(drop=True), inside[allowed]
    into = kept_apart(contacts, rules.min_gap_days)
    kept = into == np.arange(len(contacts))
    words = in_words(contacts, assignment, people, [] if refills is None else refills.products, lang)
    contacts["also"] = _also(words.kind, into, kept)
    found = np.flatnonzero(inside & kept)
    found = found[
        np.lexsort([contacts[name].to_numpy()[found] for name in ("product", "topic", "row", "day")])
    ]
    table = _table(contacts, words, assignment, start, lang).take(found).reset_index(drop=True)
    merged = int(np.count_nonzero(inside & ~kept))
    return FollowUps(table, today, horizon_days, lang, merged, withheld)


def _also(kind: Any, into: NDArray[np.intp], kept: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Return the kinds of what went into each contact."""
    also = np.full(len(into), "", dtype=object)
    gone = pd.Series(kind)[~kept].groupby(into[~kept]).agg(", ".join)
    also[gone.index.to_numpy(dtype=np.intp)] = gone.to_numpy(dtype=object)
    return also


def _table(
    contacts: pd.DataFrame, words: Texts, assignment: TierAssignment, start: int, lang: str
) -> pd.DataFrame:
    """Return contacts as the user reads them."""
    row, day = contacts["row"].to_numpy(), contacts["day"].to_numpy()
    return pd.DataFrame(
        {
            "customer_id": assignment.ids[row],
            "date": day.astype("datetime64[D]").astype("datetime64[s]"),
            "kind": words.kind,
            "action": words.action,
            "reason": words.reason,
            "channel": pd.Series(CHANNELS).array.take(contacts["channel"].to_numpy()),
            "owner": pd.Series(OWNERS).array.take(contacts["owner"].to_numpy()),
            "tier": assignment.to_frame(lang)["tier"].array.take(row),
            "due_days": day - start,
            "also": contacts["also"].to_numpy(),
        }
    )


def _as_of(as_of: date | str | None, assignment: TierAssignment, customers: Any) -> date:
    found: Any = assignment.as_of or as_of_of(customers) if as_of is None else as_of
    if isinstance(found, np.datetime64):
        found = found.astype("datetime64[D]").item()
    if isinstance(found, str):
        with ignoring(ValueError):
            found = date.fromisoformat(found)
    if not isinstance(found, date) or pd.isna(found):
        raise InvalidParameterError(
            f"as_of must be a date, or be known from the assignment or the customers, got {as_of!r}. "
            "Pass as_of=, such as '2026-06-30'."
        )
    return date(found.year, found.month, found.day)
