"""Further columns of the customer table: cost, profit, margin and what is aggregated on request."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from valuetier.customers.checks import no_numbers
from valuetier.customers.definition import ROUNDING, orders_from_lines
from valuetier.customers.rules import OF_NUMBERS, Columns, Rules
from valuetier.errors import InvalidDataError

Frame = Any  # nw.DataFrame or nw.LazyFrame


def wanted(columns: Columns) -> bool:
    """Return whether there are further columns to make."""
    return bool(columns.extra or columns.cost or columns.margin)


def further_roles(columns: Columns) -> tuple[str, ...]:
    """Return the further columns by what they are called until the customer table is finished."""
    earnings = ("cost",) * bool(columns.cost) + ("profit", "margin") * bool(columns.cost or columns.margin)
    return (*earnings, *columns.carried())


def named(table: Frame, columns: Columns) -> Frame:
    """Return the finished customer table with the further columns under their own names."""
    names = (extra.name for extra in columns.extra)
    return table.rename(dict(zip(columns.carried(), names, strict=True))) if columns.extra else table


def further_columns(good: Frame, rules: Rules, columns: Columns) -> Frame:
    """Return one row per customer of the good lines: totals and aggregates by role, and all money in ``gross``.

    Of lines that are dropped as repeated, the smallest value of each carried column stays.
    """
    money = [role for role in ("cost", "margin") if role in columns.roles()]
    carried = columns.carried()
    good = _comparable(good, columns)
    lines = _used(good, [*money, *carried], rules, columns)
    makers: dict[str, nw.Expr] = {role: nw.col(role).sum() for role in money}
    late: dict[str, str] = {}
    counted: list[str] = []
    for extra, role in zip(columns.extra, carried, strict=True):
        if extra.how in ("first", "last"):
            late[role] = extra.how
        elif extra.how == "n_unique":
            counted.append(role)
        else:
            makers[role] = getattr(nw.col(role), extra.how)()
    lines = lines.with_columns(gross=nw.col("amount").abs())
    table = lines.group_by("customer").agg(nw.col("gross").sum(), **makers)
    for role in counted:
        known = lines.filter(~nw.col(role).is_null()).select("customer", role).unique()
        different = (
            known.with_columns(one=nw.lit(1).cast(nw.Int64)).group_by("customer").agg(nw.col("one").sum())
        )
        table = table.join(different.rename({"one": role}), on="customer", how="left")
        table = table.with_columns(nw.col(role).fill_null(0).cast(nw.Int64))
    for role, how in late.items():
        table = table.join(_at_the_end(lines, role, how), on="customer", how="left")
    return table


def with_further(table: Frame, found: Frame, columns: Columns) -> Frame:
    """Return the customer table with the further columns; ``margin`` is a share of the spend."""
    table = table.join(found, on="customer", how="left")
    if not columns.cost and not columns.margin:
        return table
    profit = nw.col("spend") - nw.col("cost") if columns.cost else nw.col("margin")
    # else what is left of purchases and refunds is rounding
    spent = nw.col("spend") > nw.col("gross") * ROUNDING
    share = nw.when(spent).then(profit / nw.col("spend")).otherwise(nw.lit(float("nan")))
    return table.with_columns(profit=profit, margin=share)


def _used(good: Frame, carried: list[str], rules: Rules, columns: Columns) -> Frame:
    """Return those of the good lines that the customer table is made of."""
    key = columns.key(good.collect_schema().names())
    lines = good.select(*key, *carried)
    if rules.duplicates == "drop":
        lines = lines.group_by(*key).agg(*(nw.col(role).min() for role in carried))
    if rules.refunds != "drop":
        return lines
    if columns.order is None:
        return lines.filter(nw.col("amount") >= 0)
    orders = orders_from_lines(lines.select(*key, rows=nw.lit(1).cast(nw.Int64)))
    refunds = orders.filter(nw.col("amount") < 0).select("customer", "order")
    return lines.join(refunds, on=["customer", "order"], how="anti")


def _comparable(lines: Frame, columns: Columns) -> Frame:
    """Return the lines with what is to be added up as floats, and NaN as missing: engines differ in both."""
    schema = lines.collect_schema()
    made = []
    for extra, role in zip(columns.extra, columns.carried(), strict=True):
        dtype, value = schema[role], nw.col(role)
        if dtype.is_nested() or (isinstance(dtype, nw.Object) and not lines.implementation.is_pandas()):
            raise no_order(extra.column, type(dtype).__name__)
        if extra.how in OF_NUMBERS:
            if not dtype.is_numeric() and dtype != nw.Boolean:
                raise no_numbers(extra.column, type(dtype).__name__)
            value = value.cast(nw.Float64)
        made.append((nw.when(~value.is_nan()).then(value) if dtype.is_float() else value).alias(role))
    return lines.with_columns(*made) if made else lines


def no_order(name: str, dtype: object) -> InvalidDataError:
    """Return the error for a column whose values have no order."""
    return InvalidDataError(
        f"{name} must hold values of one type that can be compared, got values of type {dtype}. "
        "Convert the column first."
    )


def _at_the_end(lines: Frame, role: str, how: str) -> Frame:
    """Return each customer's first or last known value; of several at one time the smallest."""
    known = lines.filter(~nw.col(role).is_null()).select("customer", "at", role)
    time = nw.col("at").min() if how == "first" else nw.col("at").max()
    ends = known.group_by("customer").agg(time)
    return known.join(ends, on=["customer", "at"], how="inner").group_by("customer").agg(nw.col(role).min())
