"""One log as every kind of input that ``summarize`` takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa

from tests.customers.logs import Order

# --- a list of orders -------------------------------------------------------------------------


def as_pandas(orders: list[Order]) -> pd.DataFrame:
    """Return the log as a pandas frame of NumPy columns; ids with gaps are nullable."""
    ids = [order.customer for order in orders]
    numbers = [order.order for order in orders]
    return pd.DataFrame(
        {
            "customer_id": pd.Series(ids, dtype="Int64") if None in ids else ids,
            "date": pd.Series([order.at for order in orders], dtype="datetime64[us]"),
            "amount": pd.Series([order.amount for order in orders], dtype="float64"),
            "order": pd.Series(numbers, dtype="Int64") if None in numbers else numbers,
        }
    )


def as_polars(orders: list[Order]) -> pl.DataFrame:
    """Return the log as a Polars frame; a missing amount is NaN."""
    return pl.DataFrame(
        {
            "customer_id": [order.customer for order in orders],
            "date": [order.at for order in orders],
            "amount": [order.amount for order in orders],
            "order": [order.order for order in orders],
        },
        schema={
            "customer_id": pl.Int64,
            "date": pl.Datetime("us"),
            "amount": pl.Float64,
            "order": pl.Int64,
        },
    )


def as_nullable(orders: list[Order]) -> pd.DataFrame:
    """Return the log with pandas' nullable dtypes."""
    frame = as_pandas(orders)
    frame["amount"] = pd.array([None if o.cents is None else o.amount for o in orders], dtype="Float64")
    return frame.astype({"customer_id": "Int64", "order": "Int64"})


def as_arrow_backed(orders: list[Order]) -> pd.DataFrame:
    """Return the log as a pandas frame of Arrow columns."""
    dtypes = {
        "customer_id": pa.int64(),
        "date": pa.timestamp("ns"),
        "amount": pa.float64(),
        "order": pa.int32(),
    }
    return as_pandas(orders).astype({name: pd.ArrowDtype(dtype) for name, dtype in dtypes.items()})


def as_objects(orders: list[Order]) -> pd.DataFrame:
    """Return the log as a pandas frame of Python objects."""
    columns = {
        "customer_id": [order.customer for order in orders],
        "date": [order.at for order in orders],
        "amount": [order.amount for order in orders],
        "order": [order.order for order in orders],
    }
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})


def as_iso_text(orders: list[Order]) -> pd.DataFrame:
    """Return the log with its dates as ISO 8601 text."""
    dates = [None if order.at is None else order.at.isoformat() for order in orders]
    return as_pandas(orders).assign(date=pd.Series(dates, dtype="str"))


def as_relation(orders: list[Order], _: Path | None = None) -> duckdb.DuckDBPyRelation:
    """Return the log as a relation of a connection of its own."""
    return duckdb.connect().from_arrow(as_polars(orders).to_arrow())


def as_parquet(orders: list[Order], folder: Path) -> Path:
    """Return the path of the log as one parquet file."""
    as_polars(orders).write_parquet(folder / "orders.parquet")
    return folder / "orders.parquet"


def as_csv(orders: list[Order], folder: Path) -> str:
    """Return the path of the log as one CSV file."""
    as_polars(orders).write_csv(folder / "orders.csv")
    return str(folder / "orders.csv")


def as_parquet_glob(orders: list[Order], folder: Path) -> str:
    """Return the glob of the log in two parquet files."""
    for part in (0, 1):
        as_polars(orders[part::2]).write_parquet(folder / f"part-{part}.parquet")
    return str(folder / "part-*.parquet")


def as_csv_glob(orders: list[Order], folder: Path) -> str:
    """Return the glob of the log in two CSV files with their columns in another order."""
    for part, names in enumerate(
        (["customer_id", "date", "amount", "order"], ["order", "amount", "date", "customer_id"])
    ):
        as_polars(orders[part::2]).select(names).write_csv(folder / f"part-{part}.csv")
    return str(folder / "part-*.csv")


IN_PANDAS: dict[str, Callable[[list[Order]], Any]] = {
    "pandas": as_pandas,
    "pandas nullable": as_nullable,
    "pandas Arrow": as_arrow_backed,
    "pandas objects": as_objects,
    "pandas ISO text": as_iso_text,
}
IN_ENGINES: dict[str, Callable[[list[Order]], Any]] = {
    "Polars": as_polars,
    "Polars lazy": lambda orders: as_polars(orders).lazy(),
    "Narwhals on pandas": lambda orders: nw.from_native(as_pandas(orders)),
}
IN_DUCKDB: dict[str, Callable[[list[Order], Path], Any]] = {
    "PyArrow": lambda orders, _: as_polars(orders).to_arrow(),
    "relation": as_relation,
    "parquet": as_parquet,
    "CSV": as_csv,
    "parquet glob": as_parquet_glob,
    "CSV glob": as_csv_glob,
}


# --- a column of dates: each row is a customer of its own -------------------------------------

Maker = Callable[[list[Any], Path], Any]


def in_pandas(dates: list[Any], _: Path) -> pd.DataFrame:
    return pd.DataFrame({"customer_id": range(len(dates)), "date": dates, "amount": 1.0})


def in_objects(dates: list[Any], _: Path) -> pd.DataFrame:
    return in_pandas(dates, _).assign(date=pd.Series(dates, dtype=object))


def in_polars(dates: list[Any], _: Path) -> pl.DataFrame:
    return pl.DataFrame({"customer_id": range(len(dates)), "date": dates, "amount": 1.0}, strict=False)


def in_arrow(dates: list[Any], _: Path) -> pa.Table:
    return in_polars(dates, _).to_arrow()


def in_relation(dates: list[Any], _: Path) -> duckdb.DuckDBPyRelation:
    return duckdb.connect().from_arrow(in_arrow(dates, _))


def in_parquet(dates: list[Any], folder: Path) -> Path:
    in_polars(dates, folder).write_parquet(folder / "orders.parquet")
    return folder / "orders.parquet"


def in_csv(dates: list[Any], folder: Path) -> Path:
    in_polars(dates, folder).write_csv(folder / "orders.csv")
    return folder / "orders.csv"


DATE_KINDS: dict[str, Maker] = {
    "pandas": in_pandas,
    "pandas objects": in_objects,
    "Polars": in_polars,
    "PyArrow": in_arrow,
    "relation": in_relation,
    "parquet": in_parquet,
    "CSV": in_csv,
}
DUCKDB_KINDS = ("relation", "parquet", "CSV")


# --- engines that are optional ----------------------------------------------------------------


def as_ibis(orders: list[Order]) -> Any:
    """Return the log as an Ibis table in DuckDB."""
    import ibis

    return ibis.memtable(as_polars(orders).to_arrow())


def as_dask(orders: list[Order], npartitions: int = 3) -> Any:
    """Return the log as a Dask DataFrame of several partitions; ids with gaps are nullable."""
    import dask.dataframe as dd

    return dd.from_pandas(as_pandas(orders), npartitions=npartitions, sort=False)


def as_spark(session: Any, orders: list[Order]) -> Any:
    """Return the log as a Spark DataFrame with times that have no zone."""
    rows = [(order.customer, order.at, order.amount, order.order) for order in orders]
    schema = "customer_id BIGINT, date TIMESTAMP_NTZ, amount DOUBLE, `order` INT"
    return session.createDataFrame(rows, schema)


def in_memory(customers: Any) -> pl.DataFrame:
    """Return a customer table of an engine with its rows, sorted by id."""
    if hasattr(customers, "toArrow"):
        rows = customers.toArrow()
    elif hasattr(customers, "to_pyarrow"):
        rows = customers.to_pyarrow()
    else:
        rows = pa.Table.from_pandas(customers.compute(), preserve_index=False)
    return pl.DataFrame(rows).sort("customer_id")
