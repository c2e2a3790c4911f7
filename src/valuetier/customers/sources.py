"""Order logs of every kind but pandas as lines (customer, at, amount) for the one definition.

Arrow goes through an embedded DuckDB, which is faster; Polars runs in itself; a DuckDB
relation stays in its own connection; files are read by DuckDB.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd

from valuetier.customers.dates import EPOCH, local_times, parse_dates, refuse_numbers
from valuetier.customers.rules import Columns
from valuetier.errors import InvalidDataError, InvalidParameterError, MissingColumnsError, suggestion

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
    if isinstance(orders, (str, Path)):
        return Source(_from_relation(_open(str(orders)), columns), as_ or "pandas")
    if isinstance(orders, duckdb.DuckDBPyRelation):
        return Source(_from_relation(orders, columns), as_ or "relation")
    frame = nw.from_native(orders, pass_through=True)
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
    if not isinstance(table, nw.LazyFrame) or source.as_ in (None, "relation"):
        return table
    return table.collect(GATHERED[source.as_])


def hand_out(source: Source, table: Any) -> Any:
    """Return the finished customer table as the kind of frame the caller wants, sorted by id."""
    if isinstance(table, nw.LazyFrame):
        return table.to_native()
    return converted(table.sort("customer_id"), source.as_)


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


def _open(path: str) -> duckdb.DuckDBPyRelation:
    connection = duckdb.connect()
    try:
        if path.lower().split("*")[-1].endswith((".csv", ".csv.gz", ".txt", ".tsv")):
            return connection.read_csv(path)
        return connection.read_parquet(path)
    except duckdb.Error as error:
        raise InvalidDataError(
            f"{path!r} cannot be read as parquet or CSV: {str(error).splitlines()[0]}"
        ) from None


def check_columns(there: list[str], columns: Columns) -> None:
    """Raise unless every named column is there, once."""
    for name in columns.roles().values():
        if there.count(name) > 1:
            raise InvalidDataError(
                f"The order log has {there.count(name)} columns called {name!r}. Rename all but one."
            )
    missing = [name for name in columns.roles().values() if name not in there]
    if missing:
        hints = "".join(suggestion(name, there) for name in missing)
        raise MissingColumnsError(
            f"The order log lacks {missing}. It has {there}.{hints} "
            "Say which columns to use by customer=, date= and amount=."
        )


def _with_read_dates(frame: Any, columns: Columns) -> Any:
    """Return an eager frame whose date column holds dates."""
    check_columns(list(frame.columns), columns)
    dtype = frame[columns.date].dtype
    if dtype.is_temporal():
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
        raise _no_numbers(columns.amount, amount)
    at = nw.col(columns.date)
    if isinstance(dtype, nw.Datetime) and dtype.time_zone is not None:
        if columns.timezone is not None:
            at = at.dt.convert_time_zone(columns.timezone)
        at = at.dt.replace_time_zone(None)
    elif not dtype.is_temporal():
        raise refuse_numbers(columns.date, dtype)
    roles = {
        "customer": nw.col(columns.customer),
        "at": at.cast(nw.Datetime("us")),
        "amount": nw.col(columns.amount).cast(nw.Float64),
        "rows": nw.lit(1).cast(nw.Int64),
    }
    if columns.order is not None:
        roles["order"] = nw.col(columns.order)
    return frame.select(**roles)


def _from_relation(relation: duckdb.DuckDBPyRelation, columns: Columns) -> Any:
    """Return the lines of a DuckDB relation, as a query in its own connection."""
    check_columns(list(relation.columns), columns)
    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    if types[columns.amount] == "BOOLEAN" or not _is_number(types[columns.amount]):
        raise _no_numbers(columns.amount, types[columns.amount])
    at = _timestamp_sql(columns, types[columns.date])
    picked = f"{_quoted(columns.customer)} AS customer, {at} AS at"
    picked += f", {_quoted(columns.amount)}::DOUBLE AS amount, 1::BIGINT AS rows"
    if columns.order is not None:
        picked += f', {_quoted(columns.order)} AS "order"'
    return nw.from_native(relation.project(picked))


def _timestamp_sql(columns: Columns, dtype: str) -> str:
    """Return the SQL that reads the date column as a timestamp without zone."""
    name = _quoted(columns.date)
    if dtype == "TIMESTAMP WITH TIME ZONE":
        if columns.timezone is None:
            raise InvalidParameterError(
                f"{columns.date} has a time zone, but DuckDB does not keep which. "
                "Pass timezone=, such as timezone='Asia/Shanghai'."
            )
        return f"timezone({_text(columns.timezone)}, {name})"
    if dtype == "VARCHAR":
        if columns.date_format is None:
            return f"TRY_CAST({name} AS TIMESTAMP)"
        return f"TRY_STRPTIME({name}, {_text(columns.date_format)})"
    if _is_number(dtype):
        if columns.date_format is None:
            raise refuse_numbers(columns.date, dtype)
        if columns.date_format in EPOCH:
            factor = 1000 if columns.date_format == "epoch_s" else 1
            return f"make_timestamp(({name}::BIGINT * {factor * 1000})::BIGINT)"
        return f"TRY_STRPTIME({name}::BIGINT::VARCHAR, {_text(columns.date_format)})"
    if not dtype.startswith(("TIMESTAMP", "DATE")):
        raise InvalidDataError(f"{columns.date} must hold dates, got values of type {dtype}.")
    return f"{name}::TIMESTAMP"


def _is_number(dtype: str) -> bool:
    return (
        dtype.endswith("INT")
        or dtype in ("INTEGER", "UINTEGER", "FLOAT", "DOUBLE")
        or dtype.startswith("DECIMAL")
    )


def _no_numbers(name: str, dtype: object) -> InvalidDataError:
    return InvalidDataError(
        f"{name} must hold numbers, got values of type {dtype}. Convert the column first."
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
