"""``summarize``: the door through which all data enters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date as date_type
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd

from valuetier.customers.checks import check_together, check_window
from valuetier.customers.dates import as_day, check_date_format, check_timezone
from valuetier.customers.duck import DuckLog, Progress, summarize_relation
from valuetier.customers.engine import summarize_lines
from valuetier.customers.frames import summarize_pandas
from valuetier.customers.partitions import summarize_partitions
from valuetier.customers.prepare import Links, prepared, read_links
from valuetier.customers.report import IngestReport
from valuetier.customers.rules import BAD_ROWS, DUPLICATES, PERIODS, REFUNDS, Columns, Rules, read_extra
from valuetier.customers.sources import KINDS, converted, is_dask, read
from valuetier.errors import InvalidDataError, require_choice
from valuetier.files import encoding_help, line_of


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
    since: Any = None,
    period: str = "D",
    timezone: str | None = None,
    refunds: str = "net",
    refund_of: str | None = None,
    duplicates: str = "keep",
    bad_rows: str = "raise",
    date_format: str | None = None,
    cost: str | None = None,
    margin: str | None = None,
    extra: Mapping[str, Any] | None = None,
    currency: str | None = None,
    rates: Any = None,
    parents: Any = None,
    as_: str | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Return the customer table of an order log, with a report in which every row counts.

    Parameters
    ----------
    orders : pandas, Polars or PyArrow frame, DuckDB relation, Ibis table, Spark or Dask DataFrame, or path
        One row per order or order line. A path (or glob) names parquet or CSV files.
    customer, date, amount : str
        Columns of the log. Missing ids are bad rows; ids keep their type.
    order_id : str, optional
        Column of order ids: the lines of one customer's order become one, at its earliest
        time. A refund then is an order with a negative total.
    as_of : date or ISO text, optional
        Last day that counts; later rows are cut and counted. Default: the last day in the log.
    since : date or ISO text, optional
        First day that counts; earlier rows are cut and counted. A customer's history then
        begins with the first order from that day on.
    period : str
        What counts as one occasion: ``"D"`` a day, ``"h"`` an hour, ``"W"`` a week from
        Monday. Times stay in days: an occasion's is that of its first order.
    timezone : str, optional
        Time zone of the calendar days, for dates with a zone. Default: the column's own.
    refunds : str
        Negative amounts: ``"net"`` deducts them from the spend, ``"drop"`` leaves them out,
        ``"error"`` refuses them. They are never an occasion.
    refund_of : str, optional
        Column that holds, for a refund, the id of the order it belongs to: it is netted with
        that order, as a line of the same ``order_id`` is. One whose order is not in the log
        stays a refund of its own.
    duplicates : str
        Rows equal in customer, time, amount (and order id): ``"keep"``, ``"drop"``, ``"error"``.
    bad_rows : str
        Missing ids, dates, amounts and infinite amounts: ``"raise"`` lists all with their
        counts, ``"drop"`` counts them in the report.
    date_format : str, optional
        How to read dates that are text or integers: a strptime format, ``"epoch_s"`` or
        ``"epoch_ms"``. ISO 8601 text needs none.
    cost : str, optional
        Column with the cost of a row, in money; adds ``cost``, ``profit`` (spend less cost) and
        ``margin`` (profit as a share of the spend; NaN where nothing is spent).
    margin : str, optional
        Instead: column with what a row earns, in money; adds ``profit`` and ``margin``.
    extra : mapping, optional
        Further columns: name to (column of the log, aggregate), such as
        ``{"channels": ("channel", "n_unique")}``. Aggregates, over the rows in use: ``"sum"``,
        ``"mean"``, ``"min"``, ``"max"``, ``"n_unique"``, ``"first"``, ``"last"`` (of several
        values at one time, the smallest). Missing values do not count; amounts are as in the
        log, in its currencies.
    currency : str, optional
        Column that names each row's currency. Several need ``rates``.
    rates : table or mapping, optional
        Table with currency, date and rate, what one unit is worth in the currency of the
        result; a rate holds from its date until the next. A mapping has one rate for all days.
    parents : table or mapping, optional
        Account hierarchy: table with customer_id and parent_id, or a mapping. Rows count for
        the topmost account, and equal rows of two accounts are not repeated ones; an order id,
        though, is one order wherever in the family it stands.
    as_ : str, optional
        Kind of the customer table: ``"pandas"``, ``"polars"``, ``"arrow"`` or ``"relation"``.
        Default: as the log came, so that Ibis, Spark and Dask keep theirs; pandas for files and PyArrow.
    progress : callable, optional
        Called with one line of text before each step of reading files.

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
    rules = Rules(as_day(as_of), as_day(since, "since"), period, refunds, duplicates, bad_rows)
    require_choice("as_", as_, [*KINDS, None])
    check_timezone(timezone)
    check_date_format(date_format)
    columns = Columns(
        customer,
        date,
        amount,
        order_id,
        timezone,
        date_format,
        refund_of,
        currency,
        cost,
        margin,
        read_extra(extra),
    )
    check_together(columns)
    check_window(rules)
    links = read_links(parents, rates, columns)
    return _summarized(orders, columns, rules, links, as_, progress or (lambda _: None))


def _summarized(
    orders: Any,
    columns: Columns,
    rules: Rules,
    links: Links,
    as_: str | None,
    progress: Progress,
) -> Summary:
    """Return the summary of a log by the form of the definition that is made for its kind."""
    orders = nw.to_native(orders, pass_through=True)
    if isinstance(orders, pd.DataFrame):
        table, report, last_day = summarize_pandas(orders, columns, rules, links)
        return Summary(converted(nw.from_native(table), as_), report, last_day)
    if is_dask(orders):
        return Summary(*summarize_partitions(orders, columns, rules, as_, links))
    try:
        source = read(orders, columns, as_)
        lines = prepared(source.lines, columns, links)
        if not lines.implementation.is_duckdb():
            return Summary(*summarize_lines(replace(source, lines=lines), rules, columns, links))
        log = DuckLog(lines.to_native(), source.engine)
        return Summary(*summarize_relation(log, rules, columns, links, source.as_ or "pandas", progress))
    except (duckdb.DataError, duckdb.InvalidInputException) as error:  # their text shows customers' data
        raise InvalidDataError(
            f"DuckDB could not read the order log to its end ({type(error).__name__}{line_of(error)}). "
            f"Every row and every file needs the same columns with the same types.{encoding_help(error)}"
        ) from None
