"""The one definition of the customer table, in Narwhals expressions that every engine runs.

Lines have the columns ``customer``, ``at`` (a time without zone) and ``amount`` (a finite
float); negative amounts are refunds. ``rows`` counts the rows of the log behind a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from valuetier.customers.rules import TABLE

Frame = Any  # nw.DataFrame or nw.LazyFrame: the definition is the same for both


def ordinal(day: nw.Expr) -> nw.Expr:
    """Return the number of the day, 1 for 0001-01-01: a Monday. As Python's ``toordinal``."""
    before = day.dt.year().cast(nw.Int64) - 1
    leap_days = before // 4 - before // 100 + before // 400
    return before * 365 + leap_days + day.dt.ordinal_day().cast(nw.Int64)


def clock(name: str, period: str) -> nw.Expr:
    """Return the time of a column in hours for ``period="h"``, else in days, from the day 0."""
    day = ordinal(nw.col(name))
    return day * 24 + nw.col(name).dt.hour().cast(nw.Int64) if period == "h" else day


def midnight(time: nw.Expr, engine: nw.Implementation) -> nw.Expr:
    """Return the beginning of the day of a time.

    Spark truncates in the time zone of its session, in which that midnight may not exist.
    """
    return time.dt.date().cast(nw.Datetime("us")) if engine.is_spark_like() else time.dt.truncate("1d")


# What is left of this part of an order's gross amount is rounding: its lines cancel out.
ROUNDING = 1e-12


def orders_from_lines(lines: Frame) -> Frame:
    """Return one line per customer and order id: its earliest time and its total amount."""
    amount = nw.col("amount")
    orders = (
        lines.with_columns(gross=amount.abs())
        .group_by("customer", "order")
        .agg(nw.col("at").min(), amount.sum(), nw.col("gross").sum(), nw.col("rows").sum())
    )
    cancelled = amount.abs() <= nw.col("gross") * ROUNDING
    return orders.with_columns(amount=nw.when(cancelled).then(0.0).otherwise(amount)).drop("gross")


def occasions(lines: Frame, period: str) -> Frame:
    """Return one row per customer and period, with what was bought and refunded in it.

    An occasion is a period with at least one line that is no refund; ``opened`` is the time
    of its first such line, in hours for ``period="h"``, else in days.
    """
    bought = nw.col("amount") >= 0
    lines = lines.with_columns(
        clock=clock("at", period),
        purchases=nw.when(bought).then(nw.col("amount")).otherwise(0.0),
        bought=nw.when(bought).then(1).otherwise(0).cast(nw.Int64),
    )
    key = (nw.col("clock") - 1) // 7 if period == "W" else nw.col("clock")
    is_bought = nw.when(nw.col("bought") == 1)
    lines = lines.with_columns(
        key=key, bought_at=is_bought.then(nw.col("at")), opened=is_bought.then(nw.col("clock"))
    )
    return lines.group_by("customer", "key").agg(
        nw.col("amount").sum(),
        nw.col("purchases").sum(),
        nw.col("bought").max(),
        nw.col("rows").sum(),
        nw.col("opened").min(),
        first_at=nw.col("bought_at").min(),
        last_at=nw.col("bought_at").max(),
    )


def customer_table(occasions: Frame) -> Frame:
    """Return one row per customer; those with refunds only have ``orders`` 0."""
    customers = occasions.group_by("customer").agg(
        nw.col("rows").sum(),
        orders=nw.col("bought").sum(),
        spend=nw.col("amount").sum(),
        first=nw.col("first_at").min(),
        last=nw.col("last_at").max(),
        born=nw.col("opened").min(),
        last_seen=nw.col("opened").max(),
    )
    # Nothing is known of customers with refunds only, but a null would make pandas choose another type.
    customers = customers.with_columns(nw.col("born", "last_seen").fill_null(0))
    born = customers.select("customer", "born")
    repeats = occasions.join(born, on="customer", how="inner").filter(
        (nw.col("bought") == 1) & (nw.col("opened") > nw.col("born"))
    )
    repeated = repeats.group_by("customer").agg(repeat_purchases=nw.col("purchases").sum())
    return customers.join(repeated, on="customer", how="left")


def with_ages(customers: Frame, as_of_day: int, end: int, period: str, also: Sequence[str] = ()) -> Frame:
    """Return the customer table with ages in days at the end of the observation.

    Parameters
    ----------
    as_of_day : int
        Ordinal of the last day.
    end : int
        Time of the end: in hours for ``period="h"``, else in days, from the day 0.
    also : sequence of str
        Further columns that are handed on.
    """
    per_day = 24 if period == "h" else 1

    def in_days(times: nw.Expr) -> nw.Expr:
        return times.cast(nw.Float64) / per_day

    orders = nw.col("orders").cast(nw.Int64)
    return customers.with_columns(
        customer_id=nw.col("customer"),
        first_order=midnight(nw.col("first"), customers.implementation),
        last_order=midnight(nw.col("last"), customers.implementation),
        orders=orders,
        recency_days=nw.lit(as_of_day).cast(nw.Int64) - ordinal(nw.col("last")),
        x=orders - 1,
        t_x=in_days(nw.col("last_seen") - nw.col("born")),
        T=in_days(nw.lit(end).cast(nw.Int64) - nw.col("born")),
        m_x=nw.when(orders > 1)
        .then(nw.col("repeat_purchases") / (orders - 1).cast(nw.Float64))
        .otherwise(nw.lit(float("nan"))),
    ).select(*TABLE, *also)


def collected(frame: Any) -> nw.DataFrame[Any]:
    """Return a frame with its rows, those of a DuckDB query in pandas."""
    if not isinstance(frame, nw.LazyFrame):
        return frame
    return frame.collect("pandas") if frame.implementation.is_duckdb() else frame.collect()
