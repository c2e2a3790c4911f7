"""``summarize``: the door through which all data enters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date as date_type
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd

from valuetier.customers.arrays import from_pandas, summarize_arrays
from valuetier.customers.checks import check_columns
from valuetier.customers.dates import as_day, check_date_format, check_timezone
from valuetier.customers.engine import summarize_lines
from valuetier.customers.report import IngestReport
from valuetier.customers.rules import BAD_ROWS, DUPLICATES, PERIODS, REFUNDS, Columns, Rules
from valuetier.customers.sources import KINDS, converted, read
from valuetier.errors import InvalidDataError, require_choice


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """The customer table of an order log, and what became of the log's rows.

    Attributes
    ----------
    customers : table
        One row per customer, columns customer_id, first_order, last_order, orders, spend,
        recency_days, x, t_x, T, m_x; the kind of frame that came in.
    report : IngestReport
    as_of : date
        The last day that counts.
    """

    customers: Any
    report: IngestReport
    as_of: date_type

    def __repr__(self) -> str:
        used = self.report.used
        return (
            f"Summary(as_of={self.as_of}, customers={used.customers}, "
            f"rows used={used.rows} of {self.report.rows})"
        )


def summarize(
    orders: Any,
    customer: str = "customer_id",
    date: str = "date",
    amount: str = "amount",
    *,
    order_id: str | None = None,
    as_of: Any = None,
    period: str = "D",
    timezone: str | None = None,
    refunds: str = "net",
    duplicates: str = "keep",
    bad_rows: str = "raise",
    date_format: str | None = None,
    as_: str | None = None,
) -> Summary:
    """Return the customer table of an order log, with a report in which every row counts.

    Parameters
    ----------
    orders : pandas, Polars or PyArrow frame, DuckDB relation, or path
        One row per order or order line. A path (or glob) names parquet or CSV files.
    customer, date, amount : str
        Columns of the log. Missing ids are bad rows; ids keep their type.
    order_id : str, optional
        Column of order ids: the lines of one customer's order become one, at its earliest
        time. A refund then is an order with a negative total.
    as_of : date or ISO text, optional
        Last day that counts; later rows are cut and counted. Default: the last day in the log.
    period : str
        What counts as one occasion: ``"D"`` a day, ``"h"`` an hour, ``"W"`` a week from
        Monday. Times stay in days: an occasion's is that of its first order.
    timezone : str, optional
        Time zone of the calendar days, for dates with a zone. Default: the column's own.
    refunds : str
        Negative amounts: ``"net"`` deducts them from the spend, ``"drop"`` leaves them out,
        ``"error"`` refuses them. They are never an occasion.
    duplicates : str
        Rows equal in customer, time, amount (and order id): ``"keep"``, ``"drop"``, ``"error"``.
    bad_rows : str
        Missing ids, dates, amounts and infinite amounts: ``"raise"`` lists all with their
        counts, ``"drop"`` counts them in the report.
    date_format : str, optional
        How to read dates that are text or integers: a strptime format, ``"epoch_s"`` or
        ``"epoch_ms"``. ISO 8601 text needs none.
    as_ : str, optional
        Kind of the customer table: ``"pandas"``, ``"polars"``, ``"arrow"`` or ``"relation"``.
        Default: as the log came; pandas for files and PyArrow.

    Returns
    -------
    Summary

    Raises
    ------
    InvalidDataError
        For bad rows, refunds or duplicates that are not allowed, and for columns that are
        not dates or numbers; the message names column, count and fix.
    MissingColumnsError
        If a column is not there.

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({
    ...     "customer_id": ["a", "a", "b"],
    ...     "date": pd.to_datetime(["2024-01-01", "2024-01-11", "2024-01-05"]),
    ...     "amount": [10.0, 30.0, 5.0],
    ... })
    >>> summary = summarize(orders)
    >>> summary.customers[["customer_id", "orders", "spend", "recency_days", "x", "t_x", "T", "m_x"]]
      customer_id  orders  spend  recency_days  x   t_x     T   m_x
    0           a       2   40.0             0  1  10.0  10.0  30.0
    1           b       1    5.0             6  0   0.0   6.0   NaN
    """
    require_choice("period", period, PERIODS)
    require_choice("refunds", refunds, REFUNDS)
    require_choice("duplicates", duplicates, DUPLICATES)
    require_choice("bad_rows", bad_rows, BAD_ROWS)
    rules = Rules(as_day(as_of), period, refunds, duplicates, bad_rows)
    require_choice("as_", as_, [*KINDS, None])
    check_timezone(timezone)
    check_date_format(date_format)
    columns = Columns(customer, date, amount, order_id, timezone, date_format)
    if isinstance(orders, pd.DataFrame):
        check_columns(list(orders.columns), columns)
        log, ids = from_pandas(orders, columns)
        table, report, last_day = summarize_arrays(log, ids, rules, columns)
        return Summary(converted(nw.from_native(table), as_), report, last_day)
    try:
        return Summary(*summarize_lines(read(orders, columns, as_), rules, columns))
    except (duckdb.DataError, duckdb.InvalidInputException) as error:  # their text shows customers' data
        raise InvalidDataError(
            f"DuckDB could not read the order log to its end ({type(error).__name__}). Every row and every file "
            "needs the same columns with the same types."
        ) from None
