"""Customers keep their ids, their order and their numbers, however the log comes."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import valuetier as vt
from tests.customers.kinds import IN_DUCKDB, IN_ENGINES, IN_PANDAS, as_pandas, as_relation
from tests.customers.logs import Order, good_orders, options

DAYS = [datetime(2024, 1, day) for day in (3, 1, 2, 4)]


def log_of(ids: Any) -> pd.DataFrame:
    """Return a log in which the first customer orders twice."""
    return pd.DataFrame({"customer_id": ids, "date": DAYS, "amount": [1.0, 2.0, 4.0, 8.0]})


# --- types ------------------------------------------------------------------------------------

DTYPES: dict[str, list[Any]] = {
    "int64": [9, 2, 3, 9],
    "int8": [100, -100, 45, 100],
    "uint64": [2**64 - 1, 2, 3, 2**64 - 1],
    "uint64 of close numbers": [2**64 - 1, 2**64 - 3, 2**64 - 2, 2**64 - 1],
    "float64": [9.5, 2.0, 3.0, 9.5],
    "str": ["c", "a", "b", "c"],
    "string": ["c", "a", "b", "c"],
    "string[pyarrow]": ["c", "a", "b", "c"],
    "Int64": [9, 2, 3, 9],
    "Float64": [9.5, 2.0, 3.0, 9.5],
    "int64[pyarrow]": [9, 2, 3, 9],
    "category": ["c", "a", "b", "c"],
    "datetime64[us]": [DAYS[3], DAYS[1], DAYS[2], DAYS[3]],
    "bool": [True, False, False, True],
}


@pytest.mark.parametrize("dtype", DTYPES)
def test_pandas_ids_keep_their_dtype(dtype: str) -> None:
    """The ids of the table have the dtype of those of the log, and are sorted."""
    ids = pd.Series(DTYPES[dtype], dtype=dtype.split(" of ")[0])
    found = vt.summarize(log_of(ids)).customers["customer_id"]
    assert found.dtype == ids.dtype
    assert found.tolist() == sorted(set(ids.tolist()))


OBJECTS: dict[str, list[Any]] = {
    "UUID": [UUID(int=9), UUID(int=2), UUID(int=3), UUID(int=9)],
    "text": ["c", "a", "b", "c"],
    "bytes": [b"c", b"a", b"b", b"c"],
    "tuples": [("DE", 9), ("AT", 2), ("DE", 3), ("DE", 9)],
    "large integers": [2**70, 2, 3, 2**70],
}


@pytest.mark.parametrize("what", OBJECTS)
def test_ids_that_are_objects_stay_the_same_objects(what: str) -> None:
    """Ids of any type that can be compared come back as they were, sorted."""
    ids = OBJECTS[what]
    found = vt.summarize(log_of(pd.Series(ids, dtype=object))).customers
    assert found["customer_id"].tolist() == sorted(set(ids))
    assert {type(value) for value in found["customer_id"]} == {type(ids[0])}
    assert found["spend"].iloc[-1] == 9.0


def test_ids_of_several_types_are_customers_of_their_own() -> None:
    """7 and '7' are two customers."""
    table = vt.summarize(log_of(pd.Series([7, "7", "7", 7], dtype=object))).customers
    assert table[["customer_id", "spend"]].to_numpy().tolist() == [[7, 9.0], ["7", 6.0]]


@pytest.mark.parametrize("seed", range(4))
def test_ids_without_common_order_come_in_one_order(seed: int) -> None:
    """Ids that cannot be compared are sorted by type and text, whatever the order of the rows."""
    log = log_of(pd.Series([UUID(int=1), "b", ("a", 1), "a"], dtype=object))
    shuffled = log.sample(frac=1, random_state=seed)
    assert vt.summarize(shuffled).customers["customer_id"].tolist() == [UUID(int=1), "a", "b", ("a", 1)]
    assert vt.summarize(shuffled).customers["spend"].tolist() == [1.0, 8.0, 2.0, 4.0]


def test_missing_ids_among_several_types_are_missing() -> None:
    """A gap in a column of mixed ids is a bad row, not a customer."""
    summary = vt.summarize(log_of(pd.Series([UUID(int=1), None, "a", np.nan], dtype=object)), bad_rows="drop")
    assert summary.customers["customer_id"].tolist() == [UUID(int=1), "a"]
    assert {line.reason: line.rows for line in summary.report.dropped} == {"customer missing": 2}


def test_categories_without_orders_are_no_customers() -> None:
    """Of a categorical id only the categories in use become rows, in the order of the categories."""
    dtype = pd.CategoricalDtype(["unused", "c", "b", "a"])
    found = vt.summarize(log_of(pd.Series(["c", "a", "b", "c"], dtype=dtype))).customers["customer_id"]
    assert found.dtype == dtype
    assert found.tolist() == ["c", "b", "a"]


POLARS_TYPES = [
    pl.Int32,
    pl.UInt64,
    pl.Float64,
    pl.String,
    pl.Categorical,
    pl.Enum(["2", "3", "9"]),
    pl.Date,
    pl.Boolean,
]


@pytest.mark.parametrize("dtype", POLARS_TYPES, ids=str)
def test_polars_ids_keep_their_type(dtype: Any) -> None:
    """The ids of a Polars table are of the type of those of the log."""
    numbers = pl.Series([9, 2, 3, 9])
    texts = dtype in (pl.String, pl.Categorical) or isinstance(dtype, pl.Enum)
    ids = (numbers.cast(pl.String) if texts else numbers).cast(dtype)
    log = pl.DataFrame({"customer_id": ids, "date": DAYS, "amount": [1.0, 2.0, 4.0, 8.0]})
    found = vt.summarize(log).customers["customer_id"]
    assert found.dtype == ids.dtype
    assert found.to_list() == ids.unique().sort().to_list()


DUCKDB_TYPES = ["INTEGER", "BIGINT", "HUGEINT", "DOUBLE", "VARCHAR", "UUID", "DATE", "BLOB"]


@pytest.mark.parametrize("dtype", DUCKDB_TYPES)
def test_relation_ids_keep_their_type(dtype: str) -> None:
    """The ids of a relation stay in their DuckDB type, sorted."""
    values = {
        "UUID": [f"'{UUID(int=number)}'" for number in (9, 2, 3, 9)],
        "DATE": [f"'2024-01-0{number}'" for number in (9, 2, 3, 9)],
    }.get(dtype, ["'9'", "'2'", "'3'", "'9'"])
    rows = ", ".join(f"({value}::{dtype}, '2024-01-01'::DATE, 1.0)" for value in values)
    log = duckdb.connect().sql(f"SELECT * FROM (VALUES {rows}) AS log(customer_id, date, amount)")
    table = vt.summarize(log).customers
    assert str(table.types[0]) == dtype
    found = [row[0] for row in table.fetchall()]
    assert found == sorted(found)
    assert len(found) == 3


def test_the_text_of_a_csv_is_a_number_only_if_it_is_written_as_one(tmp_path: Path) -> None:
    """7 and 007 are two customers, also where the zeros come late in the file."""
    path = tmp_path / "orders.csv"
    rows = ["7,2024-01-01,1"] * 30_000
    path.write_text("\n".join(["customer_id,date,amount", *rows]), encoding="utf-8")
    assert vt.summarize(path).customers["customer_id"].tolist() == [7]
    path.write_text("\n".join(["customer_id,date,amount", *rows, "007,2024-01-01,1"]), encoding="utf-8")
    assert vt.summarize(path).customers["customer_id"].tolist() == ["007", "7"]
    path.write_text("\n".join(["customer_id,date,amount", *rows, "K7,2024-01-01,1"]), encoding="utf-8")
    assert vt.summarize(path).customers["customer_id"].tolist() == ["7", "K7"]


# --- nothing changes --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*IN_PANDAS, "Polars", "PyArrow"])
def test_the_log_is_left_as_it_was(kind: str, tmp_path: Path) -> None:
    """Neither values nor types nor order of the user's frame change."""
    orders = [Order(2, DAYS[0], 100, 1), Order(1, DAYS[1], -50, 2), Order(1, DAYS[1], 70, 2)]
    make: Callable[[], Any] = lambda: (  # noqa: E731
        IN_DUCKDB[kind](orders, tmp_path) if kind in IN_DUCKDB else {**IN_PANDAS, **IN_ENGINES}[kind](orders)
    )
    log, before = make(), make()
    vt.summarize(log, order_id="order", duplicates="drop")
    if isinstance(log, pd.DataFrame):
        pd.testing.assert_frame_equal(log, before)
    else:
        assert log.equals(before)


@given(orders=good_orders, chosen=options, seed=st.integers(0, 99))
@settings(max_examples=60)
def test_the_order_of_the_rows_changes_nothing(
    orders: list[Order], chosen: dict[str, Any], seed: int
) -> None:
    """Shuffled, a log gives the same customers: whole numbers exactly, money to the last digits."""
    shuffled = random.Random(seed).sample(orders, len(orders))
    try:
        table = vt.summarize(as_pandas(orders), **chosen).customers
    except vt.InvalidDataError:
        with pytest.raises(vt.InvalidDataError):
            vt.summarize(as_pandas(shuffled), **chosen)
        return
    again = vt.summarize(as_pandas(shuffled), **chosen).customers
    pd.testing.assert_frame_equal(again, table, rtol=1e-12, atol=1e-12)
    whole = ["customer_id", "orders", "recency_days", "x", "t_x", "T"]
    pd.testing.assert_frame_equal(again[whole], table[whole], check_exact=True)


def test_the_index_of_the_log_does_not_matter() -> None:
    """A frame with a shuffled, repeated or named index is read by its rows."""
    log = log_of([9, 2, 3, 9])
    table = vt.summarize(log).customers
    for index in ([5, 5, 5, 5], [3, 2, 1, 0], pd.Index(list("abcd"), name="customer_id")):
        pd.testing.assert_frame_equal(vt.summarize(log.set_axis(pd.Index(index))).customers, table)
    assert table.index.tolist() == [0, 1, 2]


@pytest.mark.parametrize("threads", [1, 4])
def test_the_threads_of_duckdb_do_not_matter(threads: int) -> None:
    """With one thread or several a relation gives the same rows in the same order."""
    draw = random.Random(3)
    orders = [
        Order(draw.randrange(5_000), DAYS[draw.randrange(4)], draw.randrange(9_999), 1) for _ in range(20_000)
    ]
    connection = duckdb.connect(config={"threads": threads})
    log = connection.from_df(as_pandas(orders))
    found, wanted = vt.summarize(log).customers.df(), vt.summarize(as_pandas(orders)).customers
    pd.testing.assert_frame_equal(found, wanted, rtol=1e-12, atol=0)


def test_a_relation_stays_in_its_connection() -> None:
    """The customer table of a relation can be joined with the user's other tables."""
    log = as_relation([Order(9, DAYS[0], 100, 1), Order(2, DAYS[1], 200, 2)])
    customers = vt.summarize(log).customers
    joined = log.set_alias("log").join(customers.set_alias("c"), "log.customer_id = c.customer_id")
    assert sorted(joined.project("log.customer_id, spend").fetchall()) == [(2, 2.0), (9, 1.0)]
