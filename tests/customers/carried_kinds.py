"""One log with every column that ``summarize`` may be told of, as every kind of input."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import valuetier as vt
from tests.customers.carried import Rate, Row
from tests.customers.logs import records

SCHEMA: dict[str, Any] = {
    "customer_id": pl.Int64,
    "date": pl.Datetime("us"),
    "amount": pl.Float64,
    "order": pl.Int64,
    "refund_of": pl.Int64,
    "money": pl.String,
    "cost": pl.Float64,
    "channel": pl.String,
    "units": pl.Int64,
    "score": pl.Float64,
    "vip": pl.Boolean,
}


def as_polars(rows: list[Row]) -> pl.DataFrame:
    """Return the log as a Polars frame; a missing amount is NaN, a missing cost null."""
    money = {"amount": [math.nan if row.cents is None else row.cents / 100 for row in rows]}
    money["cost"] = [None if row.cost is None else row.cost / 100 for row in rows]
    names = dict(zip(SCHEMA, Row._fields, strict=True))
    columns = {column: [getattr(row, field) for row in rows] for column, field in names.items()}
    return pl.DataFrame(columns | money, schema=SCHEMA)


def as_pandas(rows: list[Row]) -> pd.DataFrame:
    """Return the log as pandas makes it of NumPy arrays: integers with gaps are floats."""
    return as_polars(rows).to_pandas()


def as_nullable(rows: list[Row]) -> pd.DataFrame:
    """Return the log with pandas' nullable dtypes."""
    dtypes = {
        pa.int64(): pd.Int64Dtype(),
        pa.float64(): pd.Float64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
        pa.large_string(): pd.StringDtype(),
    }
    return as_polars(rows).to_arrow().to_pandas(types_mapper=dtypes.get)


def as_objects(rows: list[Row]) -> pd.DataFrame:
    """Return the log as a pandas frame of Python objects."""
    columns = as_polars(rows).to_dict(as_series=False)
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})


def as_categories(rows: list[Row]) -> pd.DataFrame:
    """Return the log with its text as categories without order."""
    return as_pandas(rows).astype({"money": "category", "channel": "category"})


def as_parquet(rows: list[Row], folder: Path) -> Path:
    """Return the path of the log as one parquet file."""
    as_polars(rows).write_parquet(folder / "orders.parquet")
    return folder / "orders.parquet"


def as_csv(rows: list[Row], folder: Path) -> Path:
    """Return the path of the log as one CSV file."""
    as_polars(rows).write_csv(folder / "orders.csv")
    return folder / "orders.csv"


Maker = Callable[[list[Row], Path], Any]
IN_PANDAS: dict[str, Maker] = {
    "pandas": lambda rows, _: as_pandas(rows),
    "pandas nullable": lambda rows, _: as_nullable(rows),
    "pandas Arrow": lambda rows, _: as_polars(rows).to_pandas(use_pyarrow_extension_array=True),
    "pandas objects": lambda rows, _: as_objects(rows),
    "pandas categories": lambda rows, _: as_categories(rows),
}
ELSEWHERE: dict[str, Maker] = {
    "Polars": lambda rows, _: as_polars(rows),
    "Polars lazy": lambda rows, _: as_polars(rows).lazy(),
    "PyArrow": lambda rows, _: as_polars(rows).to_arrow(),
    "relation": lambda rows, _: duckdb.connect().from_arrow(as_polars(rows).to_arrow()),
    "parquet": as_parquet,
    "CSV": as_csv,
}
KINDS = {**IN_PANDAS, **ELSEWHERE}


# --- a few orders -----------------------------------------------------------------------------

DAYS = [datetime(2024, 1, day) for day in (1, 2, 3, 4)]
WAYS = ("pandas", "Polars", "relation", "CSV")


def log_of(way: str, folder: Path, **columns: Any) -> Any:
    """Return a log of four orders as one kind of input for each way in which logs are read."""
    simple = {"customer_id": [1, 1, 2, 3], "date": DAYS, "amount": [1.0, 2.0, 4.0, 8.0], **columns}
    if way == "pandas":
        return pd.DataFrame(simple)
    frame = pl.DataFrame(simple, strict=False)
    if way == "CSV":
        frame.write_csv(folder / "orders.csv")
        return folder / "orders.csv"
    if way == "relation":
        return duckdb.connect().from_arrow(frame.to_arrow())
    return frame


def spends(source: Any, **options: Any) -> dict[Any, float]:
    """Return the spend of each customer."""
    return {
        row["customer_id"]: row["spend"]
        for row in records(vt.summarize(source, as_="pandas", **options).customers)
    }


def notes(source: Any, **options: Any) -> list[tuple[Any, ...]]:
    """Return what was done to rows, with rows, customers and money."""
    report = vt.summarize(source, **options).report
    assert report.reconciles
    return [(note.reason, note.rows, note.customers, note.money) for note in report.notes]


def refused(match: str, source: Any, error: type[Exception] = vt.InvalidDataError, **options: Any) -> None:
    """Assert that a log is refused with such a message."""
    with pytest.raises(error, match=match) as caught:
        vt.summarize(source, **options)
    assert "4711" not in str(caught.value)


def rates_table(rates: list[Rate]) -> pd.DataFrame:
    """Return rates as a table."""
    return pd.DataFrame(rates, columns=["currency", "date", "rate"])


# --- two customers ------------------------------------------------------------------------------

TIMES = [datetime(2024, 1, day) for day in (1, 2, 2, 3, 4)]


def simple(**columns: Any) -> dict[str, Any]:
    """Return the columns of a log of two customers, the first with three orders on two days."""
    return {"customer_id": [1, 1, 1, 2, 2], "date": TIMES, "amount": [1.0, 2.0, 4.0, 8.0, 16.0], **columns}


def sources(columns: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a log as one kind of input for each way in which logs are read."""
    frame = pl.DataFrame(columns, strict=False)
    frame.write_csv(folder / "orders.csv")
    return {
        "pandas": pd.DataFrame(columns),
        "Polars": frame,
        "relation": duckdb.connect().from_arrow(frame.to_arrow()),
        "CSV": folder / "orders.csv",
    }


def carried(source: Any, extra: Any, **options: Any) -> list[list[Any]]:
    """Return the values of the further columns."""
    found = records(vt.summarize(source, extra=extra, as_="polars", **options).customers)
    return [[row[name] for row in found] for name in extra]
