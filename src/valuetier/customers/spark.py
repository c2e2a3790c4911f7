"""Order logs in Spark: the SQL that reads a column as what it must be, or as missing."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from valuetier.customers.checks import check_columns, no_ids, no_numbers
from valuetier.customers.rules import IDS, MONEY, Columns
from valuetier.errors import InvalidDataError, InvalidParameterError

WHOLE = ("tinyint", "smallint", "int", "bigint")
FRACTIONS = ("float", "double")
NO_IDS = ("array", "map", "struct", "variant", "interval")
HOW_TO_READ = (
    "Convert the column first, such as orders.withColumn({name!r}, F.to_timestamp_ntz({name!r}, F.lit('yyyyMMdd'))) "
    "for text, with F = pyspark.sql.functions."
)


def lines_of_spark(orders: Any, columns: Columns) -> nw.LazyFrame[Any]:
    """Return the lines of a Spark DataFrame, as a query of its own session."""
    check_columns(list(orders.columns), columns)
    types = dict(orders.dtypes)
    named = columns.roles()
    roles = {role: _id(column, types) for role, column in named.items() if role in IDS}
    roles["at"] = _within_calendar(_timestamp(columns, types[columns.date]))
    roles |= {role: _money(column, types[column]) for role, column in named.items() if role in MONEY}
    roles |= {role: quoted(column) for role, column in columns.carried().items()}
    roles["rows"] = "CAST(1 AS BIGINT)"
    return nw.from_native(orders.selectExpr(*(f"{sql} AS `{role}`" for role, sql in roles.items())))


def quoted(name: str) -> str:
    """Return the name of a column in Spark's SQL, dots and all."""
    return "`" + name.replace("`", "``") + "`"


def _id(name: str, types: dict[str, str]) -> str:
    """Return the SQL of an id; NaN is none."""
    if types[name].startswith(NO_IDS):
        raise no_ids(name)
    sql = quoted(name)
    return f"CASE WHEN NOT isnan({sql}) THEN {sql} END" if types[name] in FRACTIONS else sql


def _money(name: str, dtype: str) -> str:
    if dtype not in (*WHOLE, *FRACTIONS) and not dtype.startswith("decimal"):
        raise no_numbers(name, dtype)
    return f"CAST({quoted(name)} AS DOUBLE)"


def _timestamp(columns: Columns, dtype: str) -> str:
    """Return the SQL that reads the date column as a timestamp without zone."""
    name = quoted(columns.date)
    if dtype == "timestamp":
        return _local(name, columns)
    if dtype in ("timestamp_ntz", "date"):
        return f"CAST({name} AS TIMESTAMP_NTZ)"
    raise InvalidDataError(
        f"{columns.date} must hold dates, got values of type {dtype}, which are not read in Spark. "
        + HOW_TO_READ.format(name=columns.date)
    )


def _local(sql: str, columns: Columns) -> str:
    """Return the SQL of what calendar and clock of the time zone showed at an instant.

    By way of microseconds: a cast would show the clock of the session, which stands still or
    runs twice through an hour when it is changed.
    """
    if columns.timezone is None:
        raise InvalidParameterError(
            f"{columns.date} holds instants (Spark's TIMESTAMP), and whose calendar counts is a setting of the "
            "session. Pass timezone=, such as timezone='Asia/Shanghai'."
        )
    utc = f"timestampadd(MICROSECOND, unix_micros({sql}), TIMESTAMP_NTZ '1970-01-01 00:00:00')"
    return f"convert_timezone('UTC', '{columns.timezone}', {utc})"


def _within_calendar(sql: str) -> str:
    """Return the SQL of a time in the years 1 to 9999, which Python can show."""
    return f"CASE WHEN year({sql}) BETWEEN 1 AND 9999 THEN {sql} END"
