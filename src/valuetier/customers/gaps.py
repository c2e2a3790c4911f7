"""How regularly customers buy: the logarithms of the times between their occasions."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from valuetier._core.history import distinct_visits
from valuetier.customers import audit
from valuetier.customers.arrays import DAY, HOUR, MISSING, PERIODS
from valuetier.customers.checks import check_columns
from valuetier.customers.dates import as_day, check_date_format, check_timezone
from valuetier.customers.definition import collected, occasions
from valuetier.customers.frames import from_pandas
from valuetier.customers.rules import PERIODS as NAMES
from valuetier.customers.rules import Columns
from valuetier.customers.sources import read
from valuetier.errors import require_choice


def sum_log_gaps(
    orders: Any,
    customer: str = "customer_id",
    date: str = "date",
    amount: str = "amount",
    *,
    as_of: Any = None,
    period: str = "D",
    timezone: str | None = None,
    date_format: str | None = None,
) -> pd.DataFrame:
    """Return Σ log(days between occasions) of each customer, for models of regular buyers.

    Occasions are those that :func:`valuetier.summarize` counts with the same arguments:
    rows with missing or infinite values and refunds make none.

    Parameters
    ----------
    orders, customer, date, amount, as_of, period, timezone, date_format :
        As in :func:`valuetier.summarize`.

    Returns
    -------
    pandas.DataFrame
        customer_id and sum_log_gaps, sorted by customer; 0 for one occasion.

    Examples
    --------
    >>> orders = pd.DataFrame({
    ...     "customer_id": ["a", "a", "a", "b"],
    ...     "date": pd.to_datetime(["2024-01-01", "2024-01-11", "2024-01-12", "2024-01-05"]),
    ...     "amount": [10.0, 30.0, 5.0, 8.0],
    ... })
    >>> sum_log_gaps(orders).round(3)
      customer_id  sum_log_gaps
    0           a         2.303
    1           b         0.000
    """
    require_choice("period", period, NAMES)
    check_timezone(timezone)
    check_date_format(date_format)
    columns = Columns(customer, date, amount, None, timezone, date_format)
    if isinstance(orders, pd.DataFrame):
        check_columns(list(orders.columns), columns)
        found = _occasions_of_arrays(orders, columns, as_day(as_of), period)
    else:
        found = _occasions_of_lines(orders, columns, as_day(as_of), period)
    found = found.sort_values(["customer_id", "days"], kind="stable", ignore_index=True)
    gaps = found.groupby("customer_id", sort=False)["days"].diff()
    found["sum_log_gaps"] = np.where(gaps.isna(), 0.0, np.log(gaps.fillna(1.0)))
    sums = found.groupby("customer_id")["sum_log_gaps"].sum()
    return sums.to_frame().reset_index()


def _occasions_of_lines(orders: Any, columns: Columns, as_of: Any, period: str) -> pd.DataFrame:
    """Return customer_id and time in days of each occasion, from any engine."""
    lines = audit.with_fates(read(orders, columns, None).lines, as_of=as_of)
    found = occasions(lines.filter(nw.col("fate") == audit.GOOD), period).filter(nw.col("bought") == 1)
    table = collected(found.select("customer", "opened"))
    days = table["opened"].to_numpy() / (24 if period == "h" else 1)
    return pd.DataFrame({"customer_id": table["customer"].to_pandas(), "days": days})


def _occasions_of_arrays(orders: pd.DataFrame, columns: Columns, as_of: Any, period: str) -> pd.DataFrame:
    """Return the same from a pandas frame."""
    log, ids = from_pandas(orders, columns)
    good = (log.customers >= 0) & (log.at != MISSING) & np.isfinite(log.amounts) & (log.amounts >= 0)
    if as_of is not None:
        good &= log.at < (np.datetime64(as_of, "D").astype(np.int64) + 1) * DAY
    log = log.take(good)
    unit = HOUR if period == "h" else DAY
    visits = distinct_visits(log.customers, log.at // unit, len(ids))
    table = pd.DataFrame({"code": visits.customers.astype(np.int64), "time": visits.times})
    length, offset = PERIODS.get(period, (1, 0))
    table["period"] = (table["time"] + offset) // length
    first = table.groupby(["code", "period"], as_index=False)["time"].min()
    return pd.DataFrame({"customer_id": ids[first["code"]], "days": first["time"] * (unit / DAY)})
