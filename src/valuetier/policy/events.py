"""The events of a step as a table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier._core import policy as core
from valuetier._core.cuts import Codes
from valuetier._core.policy import NO_DAY, Days, Standing
from valuetier.policy.overrides import Overrides
from valuetier.policy.stored import as_dates
from valuetier.policy.words import CUTS_CHANGED, ENDED, HAPPENINGS, OTHER_CUTS, OVER, OVER_AND_LAPSED, STARTED
from valuetier.tables import ID
from valuetier.tiers import Tier

COLUMNS = (ID, "event", "from_tier", "to_tier", "reason", "effective_date", "expiry_date")
Say = Callable[[int, str, str], str]
Rows = NDArray[np.intp]

LAST_DAY = date.max.toordinal() - date(1970, 1, 1).toordinal()


def event_table(
    ids: Any, event: Any, ways: tuple[Any, Any], reason: Any, days: tuple[Days, Days]
) -> pd.DataFrame:
    """Return a table of events from their columns; ``ways`` are tier names, ``days`` effective and expiry."""
    values = (ids, event, *ways, reason, as_dates(days[0]), as_dates(days[1]))
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def own_events(
    ids: NDArray[Any],
    tiers: tuple[Tier, ...],
    steps: tuple[Standing, Standing],
    happened: Codes,
    overrides: Overrides,
    day: int,
    say: Say,
    lang: str,
) -> pd.DataFrame:
    """Return the events of the policy itself; under an override they take effect the day after it."""
    rows = np.flatnonzero(happened != core.NOTHING)
    before, after = (standing.take(rows) for standing in steps)
    names = _names(tiers, lang)
    size = len(names)
    old, new = (np.where(standing.codes < 0, size - 1, standing.codes) for standing in (before, after))
    # so many customers, so few different ways: each is put into words once
    ways, way = np.unique((happened[rows] * size + old) * size + new, return_inverse=True)
    kinds, olds, news = ways // size**2, ways // size % size, ways % size
    reasons = [say(int(k), names[i], names[j]) for k, i, j in zip(kinds, olds, news, strict=True)]
    events = [HAPPENINGS[int(kind)].event for kind in kinds]
    until = overrides.until[rows]
    effective = np.where(until == NO_DAY, day, _day_after(until))
    expiry = np.where(after.grace_until == NO_DAY, after.valid_until, after.grace_until)
    return event_table(
        ids[rows],
        np.array(events, dtype=object)[way],
        (names[old], names[new]),
        np.array(reasons, dtype=object)[way],
        (effective, expiry),
    )


def ended_events(
    ids: NDArray[Any], tiers: tuple[Tier, ...], over: Overrides, standing: Standing, rows: Rows, lang: str
) -> pd.DataFrame:
    """Return the ends of the overrides in these rows."""
    names = _names(tiers, lang)
    event = np.full(len(rows), ENDED, dtype=object)
    back = np.maximum(standing.codes[rows], -1)
    words = [(OVER if code >= 0 else OVER_AND_LAPSED)[lang] for code in back]
    said = [text.format(reason=reason) for text, reason in zip(words, over.reasons[rows], strict=True)]
    days = _day_after(over.until[rows]), standing.valid_until[rows]
    ways = names[over.codes[rows]], names[back]
    return event_table(ids[rows], event, ways, np.array(said, dtype=object), days)


def started_events(
    ids: NDArray[Any], tiers: tuple[Tier, ...], held: Codes, over: Overrides, rows: Rows, day: int, lang: str
) -> pd.DataFrame:
    """Return the starts of the overrides in these rows; ``held`` is the tier that held before."""
    names = _names(tiers, lang)
    event = np.full(len(rows), STARTED, dtype=object)
    ways = names[np.maximum(held[rows], -1)], names[over.codes[rows]]
    return event_table(
        ids[rows], event, ways, over.reasons[rows], (np.full(len(rows), day), over.until[rows])
    )


def cuts_event(old: str, new: str, day: int, lang: str) -> pd.DataFrame:
    """Return the one event that is about no customer: the tiers are cut otherwise than before."""
    nobody = np.full(1, None, dtype=object)
    reason = np.array([OTHER_CUTS[lang].format(old=old, new=new)], dtype=object)
    event = np.full(1, CUTS_CHANGED, dtype=object)
    return event_table(nobody, event, (nobody, nobody), reason, (np.full(1, day), np.full(1, NO_DAY)))


def joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Return tables of events as one; the ids keep their type where every event has one."""
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if len(filled) > 1 else [*filled, *tables][0]


def _day_after(days: Days) -> Days:
    """Return the days after these, or the last one that calendars know."""
    return np.minimum(days + 1, LAST_DAY)


def _names(tiers: tuple[Tier, ...], lang: str) -> NDArray[np.object_]:
    """Return the names of tiers by code, and None for code -1."""
    return np.array([*(tier.label(lang) for tier in tiers), None], dtype=object)
