"""How customers' spend develops: the last so many days against as many before them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from valuetier import _validate as validate
from valuetier._core.compress import significant
from valuetier._validate import Floats
from valuetier.customers.arrays import DAY, MISSING, ArrayLog
from valuetier.customers.checks import check_columns
from valuetier.customers.dates import as_day, check_date_format, check_timezone
from valuetier.customers.definition import collected
from valuetier.customers.frames import from_pandas
from valuetier.customers.rules import Columns
from valuetier.customers.sources import read


def spend_trend(
    orders: Any,
    customer: str = "customer_id",
    date: str = "date",
    amount: str = "amount",
    *,
    window_days: int = 180,
    as_of: Any = None,
    timezone: str | None = None,
    date_format: str | None = None,
) -> pd.DataFrame:
    """Return the trend of each customer's spend, from -1 (stopped) by 0 (steady) to 1 (began again).

    Trend = (recent - before) / (recent + before), with the spend in the last ``window_days``
    up to ``as_of`` and in as many days before them: 0.2 is half as much again, -0.2 a third
    less. It is missing for customers whose first order is younger than both windows, and for
    those who spent nothing in either. Refunds are deducted, down to a spend of 0; rows with
    missing or infinite values are left out.

    Parameters
    ----------
    orders, customer, date, amount, as_of, timezone, date_format :
        As in :func:`valuetier.summarize`.
    window_days : int
        Length of each window.

    Returns
    -------
    pandas.DataFrame
        customer_id and trend, sorted by customer.

    Examples
    --------
    >>> orders = pd.DataFrame({
    ...     "customer_id": ["a", "a", "b", "b", "c"],
    ...     "date": pd.to_datetime(["2024-01-01", "2024-02-15", "2024-01-01", "2024-02-25", "2024-02-01"]),
    ...     "amount": [20.0, 30.0, 40.0, 40.0, 10.0],
    ... })
    >>> spend_trend(orders, window_days=30, as_of="2024-02-29")
      customer_id  trend
    0           a    0.2
    1           b    0.0
    2           c    NaN
    """
    days = validate.whole_number("window_days", window_days, 1)
    check_timezone(timezone)
    check_date_format(date_format)
    last = as_day(as_of)
    log, ids = _log(orders, Columns(customer, date, amount, None, timezone, date_format))
    age = (_last_day(log) if last is None else np.datetime64(last, "D").astype(np.int64)) - log.at // DAY
    log, age = log.take(age >= 0), age[age >= 0]
    n = len(ids)
    recent = _spend(log, age < days, n)
    before = _spend(log, (age >= days) & (age < 2 * days), n)
    oldest = np.full(n, -1, dtype=np.int64)
    np.maximum.at(oldest, log.customers, age)
    with np.errstate(invalid="ignore"):
        trend = significant((recent - before) / (recent + before))
    table = pd.DataFrame({"customer_id": ids, "trend": np.where(oldest >= 2 * days - 1, trend, np.nan)})
    there = table[oldest >= 0]
    return there.sort_values("customer_id", ignore_index=True)


def _log(orders: Any, columns: Columns) -> tuple[ArrayLog, Any]:
    """Return the usable rows of a log of any kind, and the ids behind the codes."""
    if isinstance(orders, pd.DataFrame):
        check_columns(list(orders.columns), columns)
        log, ids = from_pandas(orders, columns)
    else:
        lines = collected(read(orders, columns, None).lines.select("customer", "at", "amount"))
        rows = pd.DataFrame({name: lines[name].to_pandas() for name in lines.columns})
        log, ids = from_pandas(rows, Columns("customer", "at", "amount", None, None, None))
    return log.take((log.customers >= 0) & (log.at != MISSING) & np.isfinite(log.amounts)), ids


def _last_day(log: ArrayLog) -> int:
    return int(log.at.max() // DAY) if len(log.at) else 0


def _spend(log: ArrayLog, chosen: Any, n: int) -> Floats:
    """Return what each customer spent in the chosen rows, at least 0."""
    sums = np.bincount(log.customers[chosen], weights=log.amounts[chosen], minlength=n)
    return np.maximum(significant(sums.astype(np.float64), 14), 0.0)
