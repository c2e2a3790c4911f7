"""Order logs of every kind but pandas as lines (customer, at, amount) for the one definition.

Arrow goes through an embedded DuckDB, which is faster; Polars runs in itself; DuckDB
relations, Ibis tables and Spark DataFrames stay where they are; files are read by DuckDB.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd

from valuetier.customers.checks import check_columns, no_ids, no_numbers
from valuetier.customers.dates import local_times, parse_dates, refuse_numbers
from valuetier.customers.files import lines_of_files
from valuetier.customers.ibis import prepared
from valuetier.customers.relations import lines_of_relation
from valuetier.customers.rules import IDS, MONEY, Columns
from valuetier.customers.spark import lines_of_spark
from valuetier.errors import InvalidDataError
from valuetier.files import own_engine

KINDS = ("pandas", "polars", "arrow", "relation")
GATHERED: dict[str, Any] = {"pandas": "pandas", "polars": "polars", "arrow": "pyarrow"}


@dataclass(frozen=True, slots=True)
class Source:
    """Lines ready for the definition, and what is needed on the way back.

    Attributes
    ----------
    lines : Narwhals frame
        customer, at, amount, rows, and order where the log has order ids.
    as_ : str or None
        Kind of the customer table that is handed out; None leaves it in its engine.
    engine : DuckDBPyConnection or None
        The DuckDB engine of the lines, if it is ours to make tables in.
    """

    lines: Any
    as_: str | None
    engine: duckdb.DuckDBPyConnection | None = None


def is_dask(orders: Any) -> bool:
    """Return whether a log is a Dask DataFrame; Dask is not imported to find out."""
    module = sys.modules.get("dask.dataframe")
    return module is not None and isinstance(orders, module.DataFrame)


def read(orders: Any, columns: Columns, as_: str | None) -> Source:
    """Return the lines of an order log of any kind."""
    if isinstance(orders, (str, PathLike)):
        lines, engine = lines_of_files(fspath(orders), columns)
        return Source(lines, as_ or "pandas", engine)
    if isinstance(orders, duckdb.DuckDBPyRelation):
        return Source(lines_of_relation(orders, columns), as_ or "relation")
    if is_dask(orders):
        raise InvalidDataError("A Dask log is not read as a whole. Collect it first, with orders.compute().")
    try:
        frame = nw.from_native(orders, pass_through=True)
    except nw.exceptions.DuplicateError:
        raise InvalidDataError(
            "The order log has several columns of the same name. Rename all but one."
        ) from None
    if not isinstance(frame, (nw.DataFrame, nw.LazyFrame)):
        raise InvalidDataError(
            "orders must be a pandas, Polars or PyArrow frame, a Spark or Dask DataFrame, a DuckDB relation, "
            f"an Ibis table or a path, got {type(orders).__name__}."
        )
    if frame.implementation.is_spark_like():
        return Source(lines_of_spark(frame.to_native(), columns), as_)
    if frame.implementation.is_pyarrow():
        lines = _lines_of(_with_read_dates(frame, columns), columns)
        engine = own_engine()
        return Source(nw.from_native(engine.from_arrow(lines.to_native())), as_ or "pandas", engine)
    if frame.implementation.is_polars():
        eager = frame.collect() if isinstance(frame, nw.LazyFrame) else frame
        return Source(_lines_of(_with_read_dates(eager, columns), columns).lazy(), as_ or "polars")
    if frame.implementation.is_ibis():
        return Source(_lines_of(*prepared(frame.to_native(), columns)), as_)
    return Source(_lines_of(frame, columns), as_)


def gather(source: Source, table: Any) -> Any:
    """Return the customer table with its rows, unless it is to stay a query."""
    if not isinstance(table, nw.LazyFrame) or source.as_ is None:
        return table
    if table.implementation.is_duckdb() and source.as_ == "relation":
        return table
    own = table.implementation.is_duckdb() or table.implementation.is_polars()
    return table.collect(GATHERED.get(source.as_) if own else "pyarrow")


def hand_out(source: Source, table: Any) -> Any:
    """Return the finished customer table as the kind of frame the caller wants, sorted by id.

    Not in Spark, where the rows of a table have no order and sorting would move them all.
    """
    if isinstance(table, nw.LazyFrame) and table.implementation.is_spark_like():
        return table.to_native()
    table = table.sort("customer_id")
    return table.to_native() if isinstance(table, nw.LazyFrame) else converted(table, source.as_)


def converted(table: nw.DataFrame[Any], as_: str | None) -> Any:
    """Return a frame as the kind asked for; None leaves it as it is."""
    if as_ == "polars":
        return table.to_polars()
    if as_ == "arrow":
        return table.to_arrow()
    if as_ is None:
        return table.to_native()
    pandas = table.to_pandas().reset_index(drop=True)
    return duckdb.connect().from_df(pandas) if as_ == "relation" else pandas


def _with_read_dates(frame: Any, columns: Columns) -> Any:
    """Return an eager frame whose date column holds dates."""
    check_columns(list(frame.columns), columns)
    if isinstance(frame[columns.date].dtype, (nw.Datetime, nw.Date)):
        return frame
    read = parse_dates(columns.date, pd.Series(frame[columns.date].to_list()), columns.date_format)
    values = local_times(read, columns.timezone).to_numpy("datetime64[us]")
    made = nw.new_series(columns.date, values, nw.Datetime("us"), backend=frame.implementation)
    return frame.with_columns(made)


def _lines_of(frame: Any, columns: Columns) -> Any:
    """Return the lines of a Narwhals frame with dates: names, zone and types settled."""
    schema = frame.collect_schema()
    check_columns(list(schema.names()), columns)
    dtype = schema[columns.date]
    at = nw.col(columns.date)
    if isinstance(dtype, nw.Datetime) and dtype.time_zone is not None:
        if columns.timezone is not None:
            at = at.dt.convert_time_zone(columns.timezone)
        at = at.dt.replace_time_zone(None)
    elif not isinstance(dtype, (nw.Datetime, nw.Date)):
        raise refuse_numbers(columns.date, dtype) if dtype.is_numeric() else _no_dates(columns.date, dtype)
    named = columns.roles()
    roles = {role: _known(column, schema) for role, column in named.items() if role in IDS}
    roles["at"] = at.cast(nw.Datetime("us"))
    roles |= {role: _money(column, schema) for role, column in named.items() if role in MONEY}
    roles |= {role: nw.col(column) for role, column in columns.carried().items()}
    return frame.select(**roles, rows=nw.lit(1).cast(nw.Int64))


def _money(name: str, schema: Any) -> nw.Expr:
    if not schema[name].is_numeric():
        raise no_numbers(name, schema[name])
    return nw.col(name).cast(nw.Float64)


def _known(name: str, schema: Any) -> nw.Expr:
    """Return the column of an id; NaN is none."""
    if isinstance(schema[name], (nw.Object, nw.Unknown)) or schema[name].is_nested():
        raise no_ids(name)
    column = nw.col(name)
    return nw.when(~column.is_nan()).then(column) if schema[name].is_float() else column


def _no_dates(name: str, dtype: Any) -> InvalidDataError:
    """Return the error for a column of an engine that holds no dates, and is not read as such."""
    return InvalidDataError(
        f"{name} must hold dates, got values of type {dtype}. Convert the column first, in Ibis with "
        f"orders.mutate({name}=orders[{name!r}].as_timestamp('%Y-%m-%d'))."
    )
