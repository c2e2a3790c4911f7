"""When contacts are due, one row each: made by rules, moved to working days, and kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier._core.rhythm import keep_distance
from valuetier.errors import InvalidParameterError
from valuetier.strategy.consent import Withheld, screen
from valuetier.strategy.followup_rules import (
    AFTER_ORDER,
    AFTER_ORDER_AGAIN,
    CHANNELS,
    OWNERS,
    REFILL,
    REMINDER,
    REVIEW,
    TOPICS,
    WAKE_UP,
    FollowUpRules,
)
from valuetier.strategy.followup_tables import NONE, Days, People, Refills
from valuetier.strategy.suppression import read_suppression
from valuetier.tiers import TierAssignment

INTERNAL = "internal"
EVERY_DAY, WEEKDAYS = "1111111", "1111100"


def contacts_between(
    assignment: TierAssignment,
    people: People,
    refills: Refills | None,
    rules: FollowUpRules,
    start: int,
    end: int,
) -> pd.DataFrame:
    """Return the contacts after ``start`` up to ``end``, in days from 1970.

    Columns, all of whole numbers: row (of the customer), day, topic (of ``TOPICS``), days (of the rule),
    expected (day that it is about), product (of the products of ``refills``).
    """
    every = np.array(rules.review_days_of([tier.name for tier in assignment.tiers]))[assignment.codes]
    parts = [
        *_after_orders(people, rules),
        _reminders(people, refills, rules, start),
        *([] if refills is None else [_refills(refills, rules)]),
        _wake_ups(people, rules, start, end),
        _reviews(people, every, start, end),
    ]
    found = pd.concat(parts, ignore_index=True)
    found = found[found["day"].between(start, end, inclusive="right")]
    return ordered(found, "row", "day", "topic", "product")


def ordered(contacts: pd.DataFrame, *names: str) -> pd.DataFrame:
    """Return contacts sorted by columns, the first one first."""
    order = np.lexsort([contacts[name].to_numpy() for name in reversed(names)])
    return contacts.take(order).reset_index(drop=True)


def on_working_days(day: Days, skip_weekends: bool, holidays: Sequence[Any]) -> Days:
    """Return each day, or the next working day after it.

    Raises
    ------
    InvalidParameterError
        If holidays are no dates.
    """
    try:
        off = np.array([str(one)[:10] for one in holidays], dtype="datetime64[D]")
    except (TypeError, ValueError):
        raise InvalidParameterError("holidays must be a sequence of dates, such as '2026-10-01'.") from None
    mask = WEEKDAYS if skip_weekends else EVERY_DAY
    moved = np.busday_offset(day.astype("datetime64[D]"), 0, roll="forward", weekmask=mask, holidays=off)
    days: Days = moved.astype(np.int64)
    return days


def touched(contacts: pd.DataFrame, codes: NDArray[np.int64], rules: FollowUpRules) -> pd.DataFrame:
    """Return contacts with their channel and owner, as places in ``CHANNELS`` and ``OWNERS``."""
    touches = [
        [rules.touch_of(topic, in_person=in_person) for topic in range(len(TOPICS))]
        for in_person in (False, True)
    ]
    channel = np.array([[CHANNELS.index(touch.channel) for touch in row] for row in touches])
    owner = np.array([[OWNERS.index(touch.owner) for touch in row] for row in touches])
    in_person = (codes[contacts["row"].to_numpy()] < rules.personal_tiers).astype(np.intp)
    topic = contacts["topic"].to_numpy()
    return contacts.assign(channel=channel[in_person, topic], owner=owner[in_person, topic])


def screened(
    contacts: pd.DataFrame, ids: NDArray[Any], suppress: Any, inside: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], Withheld]:
    """Return which contacts a suppression list allows on their day, and what it withholds of those ``inside``."""
    row = contacts["row"].to_numpy()
    channels = np.array(CHANNELS, dtype=object)[contacts["channel"].to_numpy()]
    steps = pd.DataFrame({"channel": channels, "contractual": False})
    days = contacts["day"].to_numpy().astype("datetime64[D]")
    found = screen(read_suppression(suppress), ids, row, steps, on=days)
    found.found.check()
    closed = inside & ~found.allowed
    counts = replace(
        found.withheld, customers=len(np.unique(row[closed])), actions=int(np.count_nonzero(closed))
    )
    return found.allowed, counts


def kept_apart(contacts: pd.DataFrame, min_gap_days: int) -> NDArray[np.intp]:
    """Return the place of the contact into which each one goes: its own, where it is kept.

    Internal steps are near to nothing.
    """
    into = np.arange(len(contacts))
    visible = np.flatnonzero(contacts["channel"].to_numpy() != CHANNELS.index(INTERNAL))
    row, day, topic = (contacts[name].to_numpy()[visible] for name in ("row", "day", "topic"))
    into[visible] = visible[keep_distance(row, day, topic, min_gap_days)]
    return into


def dormancy_days(rhythm: NDArray[np.float64], rules: FollowUpRules) -> Days:
    """Return after how many days without an order customers are dormant; they have a rhythm."""
    return np.maximum(np.floor(np.round(rules.dormant_after * rhythm, 6)), rules.dormant_after_days).astype(
        np.int64
    )


def _rows(row: NDArray[np.intp], day: Days, topic: int, **columns: Any) -> pd.DataFrame:
    about = {"days": 0, "expected": 0, "product": 0} | columns
    return pd.DataFrame({"row": row, "day": day, "topic": topic, **about})


def _after_orders(people: People, rules: FollowUpRules) -> list[pd.DataFrame]:
    row = np.arange(len(people.last))
    return [
        _rows(row, people.last + days, AFTER_ORDER_AGAIN if i else AFTER_ORDER, days=days)
        for i, days in enumerate(sorted(rules.after_order_days))
    ]


def _reminders(people: People, refills: Refills | None, rules: FollowUpRules, start: int) -> pd.DataFrame:
    """Return reminders by rhythm, for those who have one and whose stocks say nothing better."""
    has = people.basis != NONE
    if refills is not None:
        has[refills.row[refills.ends > start]] = False
    row = np.flatnonzero(has)
    gap = np.maximum(np.round(people.rhythm[row]), 1).astype(np.int64)
    before = np.maximum(gap - rules.remind_before_days, (gap + 1) // 2)
    return _rows(row, people.last[row] + before, REMINDER, expected=people.last[row] + gap)


def _refills(refills: Refills, rules: FollowUpRules) -> pd.DataFrame:
    half_way = refills.bought + (refills.ends - refills.bought + 1) // 2
    day = np.maximum(refills.ends - rules.remind_before_days, half_way)
    return _rows(refills.row, day, REFILL, expected=refills.ends, product=refills.product)


def _wake_ups(people: People, rules: FollowUpRules, start: int, end: int) -> pd.DataFrame:
    row = np.flatnonzero(people.basis != NONE)
    limit = dormancy_days(people.rhythm[row], rules)
    begin = people.last[row] + limit + 1
    again, day = _repeated(begin, np.full(len(row), rules.wake_up_every_days), start, end)
    return _rows(row[again], day, WAKE_UP, days=limit[again])


def _reviews(people: People, every: NDArray[np.int64], start: int, end: int) -> pd.DataFrame:
    row = np.flatnonzero(every > 0)
    again, day = _repeated(people.anchor[row] + every[row], every[row], start, end)
    return _rows(row[again], day, REVIEW, days=every[row][again])


def _repeated(
    begin: Days, every: NDArray[np.int64], start: int, end: int
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return the entries and days begin, begin + every, … that are after ``start`` and up to ``end``."""
    first = begin + every * np.maximum(0, -((begin - start - 1) // every))
    times = np.maximum(0, (end - first) // every + 1)
    entry = np.repeat(np.arange(len(begin)), times)
    nth = np.arange(len(entry)) - np.repeat(np.cumsum(times) - times, times)
    return entry, first[entry] + nth * every[entry]
