"""What the customers of an experiment ordered within it, and before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier import _validate as validate
from valuetier import tables
from valuetier._validate import Floats
from valuetier.customers import Summary, summarize
from valuetier.customers.dates import as_day
from valuetier.errors import InvalidDataError, InvalidParameterError

MEASURES = ("spend", "orders", "bought")


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """What the customers did from one day to another: (customers, measures); and who else ordered."""

    values: Floats
    outsiders: int
    outside_spend: float


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """The orders of an experiment: within its horizon, and before its start (None: nothing is known).

    ``absent`` of the customers are nowhere in the log.
    """

    start: date
    horizon_days: int
    before_days: int
    within: Window
    before: Floats | None
    log_end: date
    absent: int


def read_orders(
    orders: Any,
    ids: NDArray[Any],
    start: Any,
    horizon_days: int | None,
    before_days: int | None,
    options: Mapping[str, Any],
) -> Watched:
    """Return what the customers with these ids ordered within the horizon and before the start."""
    first = _first_day(start, options)
    whole = summarize(orders, **options)
    absent = _absent(whole, ids)
    days = _days(first, whole.as_of, horizon_days)
    end, eve = first + timedelta(days=days - 1), first - timedelta(days=1)
    oldest = _oldest(whole)
    if end < oldest:
        raise InvalidParameterError(
            f"start and horizon_days must reach the log, which begins on {oldest}, got {first} and {days} days."
        )
    long = (first - oldest).days if before_days is None else before_days
    since = first - timedelta(days=max(long, 0))
    within = _window(orders, ids, {**options, "since": first, "as_of": end})
    known = long > 0 and oldest <= eve
    before = _window(orders, ids, {**options, "since": since, "as_of": eve}).values if known else None
    return Watched(first, days, long if known else 0, within, before, whole.as_of, absent)


def _first_day(start: Any, options: Mapping[str, Any]) -> date:
    twice = [name for name in ("as_of", "since") if name in options]
    if twice:
        raise InvalidParameterError(
            f"effect takes no {' and '.join(twice)}: start and horizon_days say which orders count. Leave it out."
        )
    first = as_day(start, "start")
    if first is None:
        raise InvalidParameterError("start must be a date or ISO text such as '2024-06-30', got None.")
    return first


def _days(start: date, log_end: date, horizon_days: int | None) -> int:
    if start > log_end:
        raise InvalidParameterError(
            f"start must not be after the last day of the log, {log_end}, got {start}. Read out when orders are in."
        )
    longest = (log_end - start).days + 1
    return longest if horizon_days is None else validate.whole_number("horizon_days", horizon_days, 1)


def _oldest(whole: Summary) -> date:
    first = pd.Timestamp(min(tables.as_frame(tables.materialised(whole.customers))["first_order"].to_list()))  # type: ignore[index]
    return first.date()


def _absent(whole: Summary, ids: NDArray[Any]) -> int:
    """Return how many of the customers are nowhere in the log; raise if all are."""
    found = tables.read_ids(tables.materialised(whole.customers))
    absent = int((pd.Index(found).get_indexer(pd.Index(ids)) < 0).sum())
    if absent == len(ids):
        raise InvalidDataError(
            f"None of {len(ids)} customers in groups is among {len(found)} in the order log. "
            f"Check {tables.ID}: {ids.dtype} in groups, {found.dtype} in the log."
        )
    return absent


def _window(orders: Any, ids: NDArray[Any], options: Mapping[str, Any]) -> Window:
    """Return spend, orders and whether there was one, of each customer; 0 without an order in the window."""
    try:
        found = tables.materialised(summarize(orders, **options).customers)
    except InvalidDataError:  # the log as a whole is fine: it can only lack an order in the window
        return Window(np.zeros((len(ids), len(MEASURES))), 0, 0.0)
    spend, count = tables.read_columns(found, ("spend", "orders")).T
    theirs = pd.Index(tables.read_ids(found))
    rows = theirs.get_indexer(pd.Index(ids))
    known = np.column_stack([spend, count, count > 0])
    values = np.vstack([known, np.zeros(len(MEASURES))])[rows]
    outside = ~np.isin(np.arange(len(theirs)), rows)
    return Window(values, int(outside.sum()), float(spend[outside].sum()))
