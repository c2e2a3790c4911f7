"""An order log cut in two: what is known up to a day, and what the same customers did afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date as date_type
from datetime import timedelta
from typing import Any

import duckdb
import narwhals as nw

from valuetier import _validate as validate
from valuetier.customers.dates import as_day
from valuetier.customers.definition import collected
from valuetier.customers.ledger import AFTER
from valuetier.customers.report import IngestLine, IngestReport
from valuetier.customers.sources import converted
from valuetier.customers.summary import Summary, summarize
from valuetier.errors import InvalidDataError, InvalidParameterError

ID = "customer_id"
PLACE = "_place"
HOLDOUT = {"orders": "holdout_orders", "spend": "holdout_spend"}


@dataclass(frozen=True, slots=True)
class NewCustomers:
    """Customers of the holdout who had no order up to the cutoff.

    Attributes
    ----------
    customers, orders : int
    spend : float
    """

    customers: int
    orders: int
    spend: float


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """What was known of the customers at the cutoff, and what they did in the holdout.

    Attributes
    ----------
    calibration : Summary
        The customer table as of the cutoff; nothing in it depends on later rows.
    customers : table
        The customer table of the calibration, and ``holdout_orders`` and ``holdout_spend``:
        occasions and net amount from the day after the cutoff on, 0 for those who did not come.
    cutoff : date
        Last day of the calibration.
    horizon_days : int
        Length of the holdout, which begins on the day after the cutoff.
    new_customers : NewCustomers
        Who first ordered in the holdout; they are in neither table.
    report : IngestReport
        What became of each row of the log when the holdout was read. Rows up to the cutoff are
        ``"before since"``; refunds of customers without an order in the holdout are a line
        of their own and in nobody's ``holdout_spend``.
    """

    calibration: Summary
    customers: Any
    cutoff: date_type
    horizon_days: int
    new_customers: NewCustomers
    report: IngestReport

    @property
    def holdout(self) -> Any:
        """Every customer of the calibration, in its order, with ``orders`` and ``spend`` in the holdout."""
        names = {ID: ID, **{theirs: ours for ours, theirs in HOLDOUT.items()}}
        return nw.from_native(self.customers).select(*names).rename(names).to_native()

    @property
    def after_horizon(self) -> IngestLine:
        """Rows, customers and money after the end of the holdout."""
        later = (line for line in self.report.dropped if line.reason == AFTER)
        return next(later, IngestLine(AFTER, 0, 0, 0.0))

    def __repr__(self) -> str:
        return (
            f"Split(cutoff={self.cutoff}, horizon_days={self.horizon_days}, "
            f"customers={self.calibration.report.used.customers}, "
            f"new customers={self.new_customers.customers})"
        )


def split(
    orders: Any,
    cutoff: Any,
    horizon_days: int | None = None,
    customer: str = "customer_id",
    date: str = "date",
    amount: str = "amount",
    **options: Any,
) -> Split:
    """Return the customers as they were known on a day, with what they did afterwards.

    Forecasts made from the first part can be held against the second.

    Parameters
    ----------
    orders : frame of any kind, DuckDB relation, or path
        The whole log, as :func:`valuetier.summarize` takes it. It is read three times.
    cutoff : date or ISO text
        Last day of the calibration.
    horizon_days : int, optional
        Days of the holdout, from the day after the cutoff on; later rows are cut and counted.
        Default: to the end of the log.
    customer, date, amount : str
        Columns of the log.
    **options
        Further arguments of :func:`valuetier.summarize`, used for both parts alike; not ``as_of``
        and ``since``, which cutoff and horizon say.

    Returns
    -------
    Split
        Its tables are of the kind that :func:`valuetier.summarize` returns.

    Raises
    ------
    InvalidParameterError
        If the cutoff is not before the last day of the log, or the horizon not within it.
    InvalidDataError
        If no order falls into one of the parts, and whatever :func:`valuetier.summarize` refuses.

    Notes
    -----
    Either part counts for itself: with ``order_id`` an order with lines on both sides of the cutoff,
    and with ``period="W"`` a week, may be an occasion of both.

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({
    ...     "customer_id": ["a", "a", "a", "b", "c"],
    ...     "date": pd.to_datetime(["2024-01-01", "2024-01-11", "2024-02-20", "2024-01-05", "2024-02-09"]),
    ...     "amount": [10.0, 30.0, 12.0, 5.0, 8.0],
    ... })
    >>> parts = split(orders, "2024-01-31")
    >>> parts
    Split(cutoff=2024-01-31, horizon_days=20, customers=2, new customers=1)
    >>> parts.customers[["customer_id", "x", "t_x", "T", "m_x", "holdout_orders", "holdout_spend"]]
      customer_id  x   t_x     T   m_x  holdout_orders  holdout_spend
    0           a  1  10.0  30.0  30.0               1           12.0
    1           b  0   0.0  26.0   NaN               0            0.0
    >>> parts.new_customers
    NewCustomers(customers=1, orders=1, spend=8.0)
    """
    last = _last_day(cutoff, options)
    if horizon_days is not None:
        horizon_days = validate.whole_number("horizon_days", horizon_days, 1)
    apart = options.get("as_") == "relation" and not isinstance(orders, duckdb.DuckDBPyRelation)
    if apart:  # each summary would be in a connection of its own
        options = {**options, "as_": "pandas"}
    options = {"customer": customer, "date": date, "amount": amount, **options}
    horizon_days = _horizon(summarize(orders, **options).as_of, last, horizon_days)
    nothing = f"No order that counts is up to the cutoff, {last}. Choose a later cutoff."
    calibration = _part(orders, nothing, **options, as_of=last)
    nothing = (
        f"No order that counts is in the {horizon_days} days after the cutoff, {last}. "
        "Choose an earlier cutoff or a longer horizon_days."
    )
    first, end = last + timedelta(days=1), last + timedelta(days=horizon_days)
    holdout = _part(orders, nothing, **options, since=first, as_of=end)
    table = _joined(calibration.customers, holdout.customers)
    new = _new_customers(holdout.customers, calibration.customers)
    if apart:
        table = converted(nw.from_native(table), "relation")
        known = converted(nw.from_native(calibration.customers), "relation")
        calibration = replace(calibration, customers=known)
    return Split(calibration, table, last, horizon_days, new, holdout.report)


def _last_day(cutoff: Any, options: dict[str, Any]) -> date_type:
    """Return the cutoff as a date; raise for options that would contradict it."""
    twice = [name for name in ("as_of", "since") if name in options]
    if twice:
        raise InvalidParameterError(
            f"split takes no {' and '.join(twice)}: cutoff and horizon_days say which rows count. Leave it out."
        )
    last = as_day(cutoff, "cutoff")
    if last is None:
        raise InvalidParameterError("cutoff must be a date or ISO text such as '2024-06-30', got None.")
    return last


def _horizon(end: date_type, cutoff: date_type, horizon_days: int | None) -> int:
    """Return the days of the holdout; raise unless the log covers them."""
    longest = (end - cutoff).days
    if longest < 1:
        raise InvalidParameterError(
            f"cutoff must be before the last day of the log, {end}, got {cutoff}. Choose an earlier day."
        )
    if horizon_days is not None and horizon_days > longest:
        raise InvalidParameterError(
            f"horizon_days must be at most {longest}, for the log ends on {end}; got {horizon_days}. "
            "Choose an earlier cutoff or a shorter horizon."
        )
    return longest if horizon_days is None else horizon_days


def _part(orders: Any, nothing: str, **options: Any) -> Summary:
    """Return the summary of a part of a log that is fine as a whole: what it can lack is an order."""
    try:
        return summarize(orders, **options)
    except InvalidDataError:
        raise InvalidDataError(nothing) from None


def _joined(calibration: Any, holdout: Any) -> Any:
    """Return the calibration table, in its order, with what each customer did in the holdout."""
    known = nw.from_native(calibration)
    later = nw.from_native(holdout).select(ID, *HOLDOUT).rename(HOLDOUT)
    lazy = isinstance(known, nw.LazyFrame)
    if not lazy:
        known = known.with_row_index(PLACE)
    orders, spend = (nw.col(name).fill_null(0) for name in HOLDOUT.values())
    table = known.join(later, on=ID, how="left").with_columns(orders.cast(nw.Int64), spend.cast(nw.Float64))
    if not lazy:
        return table.sort(PLACE).drop(PLACE).to_native()
    return (table if table.implementation.is_spark_like() else table.sort(ID)).to_native()  # as summarize


def _new_customers(holdout: Any, calibration: Any) -> NewCustomers:
    """Return who of the holdout is not in the calibration table."""
    new = nw.from_native(holdout).join(nw.from_native(calibration), on=ID, how="anti")
    totals = collected(new.select(n=nw.len(), orders=nw.col("orders").sum(), spend=nw.col("spend").sum()))
    row = totals.rows(named=True)[0]
    if not row["n"]:  # the sum of no rows is missing in DuckDB
        return NewCustomers(0, 0, 0.0)
    return NewCustomers(int(row["n"]), int(row["orders"]), float(row["spend"]))
