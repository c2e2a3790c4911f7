"""Order logs in DuckDB: the SQL that reads a column as what it must be, or as missing."""

from __future__ import annotations

from typing import Any

import duckdb
import narwhals as nw

from valuetier.customers.checks import check_columns, no_ids, no_numbers
from valuetier.customers.dates import EARLIEST, EPOCH, TOO_LATE, refuse_numbers
from valuetier.customers.rules import IDS, MONEY, Columns
from valuetier.errors import InvalidDataError, InvalidParameterError

DAY_TEXT = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}"
TIME_TEXT = r"[T ]([01]?\d|2[0-3]):\d{2}(:\d{2}(\.\d+)?)?"
ZONE_TEXT = r"(Z|[+-]\d{2}(:?\d{2})?)"

# Types that are no ids, besides lists.
NO_IDS = ("STRUCT", "MAP", "UNION")


def lines_of_relation(relation: duckdb.DuckDBPyRelation, columns: Columns) -> Any:
    """Return the lines of a DuckDB relation, as a query in its own connection."""
    check_columns(list(relation.columns), columns)
    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    roles = {role: _id(column, types) for role, column in columns.roles().items() if role in IDS}
    roles["at"] = _timestamp(columns, types[columns.date])
    roles |= {role: _money(column, types) for role, column in columns.roles().items() if role in MONEY}
    roles |= {role: _known(column, types) for role, column in columns.carried().items()}
    roles["rows"] = "1::BIGINT"
    read = relation.project(", ".join(f"{sql} AS {quoted(role)}" for role, sql in roles.items()))
    in_calendar = 'CASE WHEN year("at") BETWEEN 1 AND 9999 THEN "at" END AS "at"'
    return nw.from_native(read.project(f"* REPLACE ({in_calendar})"))


def is_number(dtype: str) -> bool:
    """Return whether a DuckDB type holds numbers."""
    return (
        dtype.endswith("INT")
        or dtype in ("INTEGER", "UINTEGER", "FLOAT", "DOUBLE")
        or dtype.startswith("DECIMAL")
    )


def quoted(name: str) -> str:
    """Return the name of a column in SQL."""
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _id(name: str, types: dict[str, str]) -> str:
    """Return the SQL of an id; raise for types whose values Python cannot tell apart."""
    if types[name].startswith(NO_IDS) or types[name].endswith("]"):
        raise no_ids(name)
    return _known(name, types)


def _known(name: str, types: dict[str, str]) -> str:
    """Return the SQL of an id or a further column; NaN is none."""
    return _number(quoted(name)) if types[name] in ("FLOAT", "DOUBLE") else quoted(name)


def _money(name: str, types: dict[str, str]) -> str:
    if not is_number(types[name]):
        raise no_numbers(name, types[name])
    return _number(f"{quoted(name)}::DOUBLE")


def _number(sql: str) -> str:
    """Return the SQL of a number, NULL for NaN.

    Not by isnan: DuckDB answers that from the statistics of a parquet file, in which NaN has
    no part, and finds none.
    """
    return f"CASE WHEN isfinite({sql}) OR isinf({sql}) THEN {sql} END"


def _timestamp(columns: Columns, dtype: str) -> str:
    """Return the SQL that reads the date column as a timestamp without zone."""
    name = quoted(columns.date)
    if dtype.startswith("TIMESTAMP") and dtype.endswith("WITH TIME ZONE"):
        return _local(name, columns)
    if dtype == "VARCHAR":
        return _from_text(name, columns)
    if is_number(dtype):
        return _from_number(name, columns, dtype)
    if not dtype.startswith(("TIMESTAMP", "DATE")):
        raise InvalidDataError(f"{columns.date} must hold dates, got values of type {dtype}.")
    return f"TRY_CAST({name} AS TIMESTAMP)"


def _local(sql: str, columns: Columns) -> str:
    """Return the SQL of what calendar and clock of the time zone showed."""
    if columns.timezone is None:
        raise InvalidParameterError(
            f"{columns.date} has a time zone, but DuckDB does not keep which. "
            "Pass timezone=, such as timezone='Asia/Shanghai'."
        )
    return f"timezone({_text(columns.timezone)}, {sql})"


def _from_text(name: str, columns: Columns) -> str:
    date_format = columns.date_format
    if date_format in EPOCH:
        return _from_epoch(f"TRY_CAST({name} AS DOUBLE)", date_format)
    if date_format is not None:
        read = f"TRY_STRPTIME({name}, {_text(date_format)})"
        read = _local(read, columns) if "%z" in date_format.lower() else read
        return f"CASE WHEN year({read}) >= 1000 THEN {read} END"  # %Y reads 24 as the year 24
    plain, zoned = f"{DAY_TEXT}({TIME_TEXT})?", DAY_TEXT + TIME_TEXT + ZONE_TEXT
    sql = f"WHEN regexp_full_match({name}, {_text(plain)}) THEN TRY_CAST({name} AS TIMESTAMP)"
    if columns.timezone is not None:
        read = _local(f"TRY_CAST({name} AS TIMESTAMPTZ)", columns)
        sql += f" WHEN regexp_full_match({name}, {_text(zoned)}) THEN {read}"
    return f"CASE {sql} END"


def _from_number(name: str, columns: Columns, dtype: str) -> str:
    date_format = columns.date_format
    if date_format is None:
        raise refuse_numbers(columns.date, dtype)
    if date_format in EPOCH:
        return _from_epoch(f"({_number(f'{name}::DOUBLE')})", date_format)
    whole = f"CASE WHEN {name} = floor({name}) THEN TRY_CAST({name} AS BIGINT)::VARCHAR END"
    return _from_text(f"({whole})", columns)


def _from_epoch(sql: str, date_format: str) -> str:
    since = f"floor({sql} * {EPOCH[date_format]})"
    known = f"{since} >= {EARLIEST} AND {since} < {TOO_LATE}"
    return f"CASE WHEN {known} THEN make_timestamp({since}::BIGINT) END"
