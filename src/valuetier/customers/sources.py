"""Order logs of every kind but pandas as lines (customer, at, amount) for the one definition.

Arrow goes through an embedded DuckDB, which is faster; Polars runs in itself; a DuckDB
relation stays in its own connection; files are read by DuckDB.
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd

from valuetier.customers.checks import check_columns, no_ids, no_numbers
from valuetier.customers.dates import local_times, parse_dates, refuse_numbers
from valuetier.customers.files import lines_of_files
from valuetier.customers.relations import lines_of_relation
from valuetier.customers.rules import Columns
from valuetier.errors import InvalidDataError

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
    """

    lines: Any
    as_: str | None


def read(orders: Any, columns: Columns, as_: str | None) -> Source:
    """Return the lines of an order log of any kind."""
    if isinstance(orders, (str, PathLike)):
        return Source(lines_of_files(fspath(orders), columns), as_ or "pandas")
    if isinstance(orders, duckdb.DuckDBPyRelation):
        return Source(lines_of_relation(orders, columns), as_ or "relation")
    try:
        frame = nw.from_native(orders, pass_through=True)
    except nw.exceptions.DuplicateError:
        raise InvalidDataError(
            "The order log has several columns of the same name. Rename all but one."
        ) from None
    if not isinstance(frame, (nw.DataFrame, nw.LazyFrame)):
        raise InvalidDataError(
            f"orders must be a pandas, Polars or PyArrow frame, a DuckDB relation or a path, "
            f"got {type(orders).__name__}."
        )
    if frame.implementation.is_pyarrow():
        lines = _lines_of(_with_read_dates(frame, columns), columns)
        return Source(nw.from_native(duckdb.connect().from_arrow(lines.to_native())), as_ or "pandas")
    if frame.implementation.is_polars():
        eager = frame.collect() if isinstance(frame, nw.LazyFrame) else frame
        return Source(_lines_of(_with_read_dates(eager, columns), columns).lazy(), as_ or "polars")
    return Source(_lines_of(frame, columns), as_)


def gather(source: Source, table: Any) -> Any:
    """Return the customer table with its rows, unless it is to stay a query."""
    if not isinstance(table, nw.LazyFrame) or source.as_ is None:
        return table
    if source.as_ == "relation":
        return table if table.implementation.is_duckdb() else table.collect()
    return table.collect(GATHERED[source.as_])


def hand_out(source: Source, table: Any) -> Any:
    """Return the finished customer table as the kind of frame the caller wants, sorted by id."""
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
    amount, dtype = schema[columns.amount], schema[columns.date]
    if not amount.is_numeric():
        raise no_numbers(columns.amount, amount)
    at = nw.col(columns.date)
    if isinstance(dtype, nw.Datetime) and dtype.time_zone is not None:
        if columns.timezone is not None:
            at = at.dt.convert_time_zone(columns.timezone)
        at = at.dt.replace_time_zone(None)
    elif not isinstance(dtype, (nw.Datetime, nw.Date)):
        raise refuse_numbers(columns.date, dtype)
    roles = {
        "customer": _known(columns.customer, schema),
        "at": at.cast(nw.Datetime("us")),
        "amount": nw.col(columns.amount).cast(nw.Float64),
        "rows": nw.lit(1).cast(nw.Int64),
    }
    if columns.order is not None:
        roles["order"] = _known(columns.order, schema)
    return frame.select(**roles)


def _known(name: str, schema: Any) -> nw.Expr:
    """Return the column of an id; NaN is none."""
    if isinstance(schema[name], (nw.Object, nw.Unknown)) or schema[name].is_nested():
        raise no_ids(name)
    column = nw.col(name)
    return nw.when(~column.is_nan()).then(column) if schema[name].is_float() else column
