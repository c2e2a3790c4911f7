"""Order logs in Ibis: what Narwhals cannot say of them, or not safely, in Ibis itself."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import narwhals as nw

from valuetier.customers.checks import check_columns
from valuetier.customers.rules import Columns
from valuetier.errors import InvalidDataError, InvalidParameterError

# Engines whose function timezone(zone, instant) returns the local time.
WITH_ZONES = ("duckdb", "postgres")

# The column of local times, beside that of instants, which may be carried along.
LOCAL = "valuetier_local"


def prepared(table: Any, columns: Columns) -> tuple[nw.LazyFrame[Any], Columns]:
    """Return an Ibis table without NaN in the columns in use, and the columns, the date one without time zone."""
    frame: nw.LazyFrame[Any] = nw.from_native(table)
    schema = frame.collect_schema()
    check_columns(list(schema.names()), columns)
    dtype = schema[columns.date]
    changed = {name: _known(table[name]) for name in columns.names() if schema[name].is_float()}
    if isinstance(dtype, nw.Datetime) and dtype.time_zone is not None:
        changed[LOCAL] = _local(table, columns)
        columns = replace(columns, date=LOCAL)
    return (nw.from_native(table.mutate(**changed)) if changed else frame), columns


def _known(number: Any) -> Any:
    """Return a number, null for NaN.

    Not by isnan: DuckDB answers that from the statistics of a parquet file, in which NaN has no part.
    """
    import ibis

    return ibis.ifelse(number.isinf() | (number - number == 0), number, None)


def _local(table: Any, columns: Columns) -> Any:
    """Return what calendar and clock of the time zone showed at an instant."""
    if columns.timezone is None:
        raise InvalidParameterError(
            f"{columns.date} has a time zone, but the engines behind Ibis do not keep which. "
            "Pass timezone=, such as timezone='Asia/Shanghai'."
        )
    engine = table.get_backend().name
    if engine not in WITH_ZONES:
        raise InvalidDataError(
            f"{columns.date} has a time zone, whose calendar Ibis does not show in {engine}. "
            "Make it a timestamp without zone first, by the SQL of the engine in orders.sql(...)."
        )
    return _local_time()(columns.timezone, table[columns.date])


@cache
def _local_time() -> Any:
    """Return the engine's own function of a zone and an instant."""
    import ibis
    import ibis.expr.datatypes as dt

    signature = ((dt.string, dt.Timestamp("UTC")), dt.timestamp)

    @ibis.udf.scalar.builtin(name="timezone", signature=signature)
    def timezone(zone, at):  # type: ignore[no-untyped-def]
        ...

    return timezone
