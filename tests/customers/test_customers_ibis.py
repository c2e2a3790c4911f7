"""Ibis tables: the same customers as from any other log, still an Ibis table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import ibis
import polars as pl
import pytest
from hypothesis import given, settings

import valuetier as vt
from tests.customers.kinds import as_ibis, as_pandas, in_memory
from tests.customers.logs import Order, any_orders, assert_is, expected, options, records

# What Ibis asks of DuckDB has another name in its newest version.
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

ORDERS = [
    Order(9, datetime(2024, 1, 1), 1000, 1),
    Order(2, datetime(2024, 1, 5), 500, 2),
    Order(9, datetime(2024, 1, 11), 3000, 3),
]


def table(**columns: Any) -> Any:
    """Return an Ibis table of customers 0, 1, … with these columns; amounts are 1."""
    rows = len(next(iter(columns.values())))
    log = {"customer_id": range(rows), "date": [date(2024, 1, 1)] * rows, "amount": [1.0] * rows}
    return ibis.memtable(pl.DataFrame({**log, **columns}, strict=False).to_arrow())


@given(orders=any_orders, options=options)
@settings(max_examples=25)
def test_an_ibis_table_gives_the_numbers_of_the_oracle(orders: list[Order], options: dict[str, Any]) -> None:
    """Table, report and last day of any log are those of the plain-Python oracle."""
    wanted = expected(orders, **options)
    if wanted is None:
        with pytest.raises(vt.InvalidDataError, match=r"None of the|is empty"):
            vt.summarize(as_ibis(orders), bad_rows="drop", **options)
        return
    summary = vt.summarize(as_ibis(orders), bad_rows="drop", **options)
    assert_is(replace(summary, customers=in_memory(summary.customers)), wanted)


def test_the_customers_of_an_ibis_table_are_an_ibis_table() -> None:
    """The table stays a query of the same engine, sorted by id, its columns of the usual types."""
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE orders AS SELECT 9 AS customer_id, DATE '2024-01-01' AS date, 5 AS amount"
    )
    connection.execute("INSERT INTO orders VALUES (2, '2024-01-03', 7)")
    backend = ibis.duckdb.from_connection(connection)
    customers = vt.summarize(backend.table("orders")).customers
    assert isinstance(customers, ibis.Table)
    assert customers.get_backend() is backend
    rows = pl.DataFrame(customers.to_pyarrow())
    assert rows["customer_id"].to_list() == [2, 9]
    assert [rows.schema[name] for name in ("orders", "recency_days", "x")] == [pl.Int64] * 3
    assert [rows.schema[name] for name in ("spend", "t_x", "T", "m_x")] == [pl.Float64] * 4
    assert [rows.schema[name] for name in ("first_order", "last_order")] == [pl.Datetime("us")] * 2
    assert rows["m_x"].is_nan().all()


@pytest.mark.parametrize("as_", ["pandas", "polars", "arrow", "relation"])
def test_customers_of_an_ibis_table_come_back_as_asked(as_: str) -> None:
    """as_= gives any kind of table, with the same rows sorted by id."""
    found = vt.summarize(as_ibis(ORDERS), as_=as_).customers
    assert records(found) == records(vt.summarize(as_pandas(ORDERS), as_=as_).customers)


def test_nan_is_missing_also_in_parquet(tmp_path: Path) -> None:
    """NaN among amounts and ids is found, though the statistics of a parquet file leave it out."""
    path = tmp_path / "orders.parquet"
    nan = float("nan")
    pl.DataFrame(
        {
            "customer_id": [1.0, 2.0, nan, 3.0],
            "date": [datetime(2024, 1, 1)] * 4,
            "amount": [1.0, nan, 2.0, None],
        }
    ).write_parquet(path)
    with pytest.raises(vt.InvalidDataError, match=r"customer_id: 1 of 4 rows.*amount: 2 of 4 rows"):
        vt.summarize(ibis.duckdb.connect().read_parquet(path))
    summary = vt.summarize(ibis.duckdb.connect().read_parquet(path), bad_rows="drop")
    assert summary.report.used.rows == 1


def test_decimals_and_days_are_read() -> None:
    """Amounts may be decimals and dates days without a time."""
    summary = vt.summarize(table(amount=[Decimal("10.10"), Decimal("20.20")]), as_="polars")
    assert summary.customers["spend"].to_list() == [10.1, 20.2]
    assert summary.customers["first_order"].to_list() == [datetime(2024, 1, 1)] * 2


@pytest.mark.parametrize("session", ["UTC", "America/New_York"])
def test_the_day_of_an_instant_is_that_of_timezone(session: str) -> None:
    """timezone= says whose calendar counts; the zone of the connection does not matter."""
    ibis.get_backend(table(date=[None])).raw_sql(f"SET TimeZone = '{session}'")
    log = table(date=[datetime(2024, 1, 31, 20, 30, tzinfo=UTC)])
    for zone, day in (("Asia/Tokyo", datetime(2024, 2, 1)), ("America/New_York", datetime(2024, 1, 31))):
        assert vt.summarize(log, timezone=zone, as_="polars").customers["first_order"].to_list() == [day]


def test_an_instant_needs_timezone() -> None:
    """Without timezone= an instant has no calendar, and is refused."""
    with pytest.raises(vt.InvalidParameterError, match=r"^date has a time zone.*Pass timezone="):
        vt.summarize(table(date=[datetime(2024, 1, 31, tzinfo=UTC)]))


def test_an_engine_without_zones_is_refused() -> None:
    """Where Ibis has no way to the local time, the message says where to convert."""
    log = ibis.polars.connect({"orders": pl.DataFrame(
        {"customer_id": [1], "date": [datetime(2024, 1, 31, tzinfo=UTC)], "amount": [1.0]}
    )}).table("orders")  # fmt: skip
    with pytest.raises(vt.InvalidDataError, match=r"^date has a time zone.*in polars.*orders\.sql"):
        vt.summarize(log, timezone="Asia/Tokyo")


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"date": ["2024-01-01"]}, r"^date must hold dates, got values of type String.*as_timestamp\("),
        ({"date": [20240101]}, r"^date must hold dates, got numbers of type Int64"),
        ({"amount": ["1"]}, r"^amount must hold numbers, got values of type String"),
        ({"customer_id": [[1]]}, r"^customer_id must hold ids"),
    ],
)
def test_columns_of_other_types_are_refused(columns: dict[str, Any], match: str) -> None:
    """Text and numbers are no dates, text no amounts, lists no ids."""
    with pytest.raises(vt.InvalidDataError, match=match):
        vt.summarize(table(**columns))


def test_a_column_that_is_not_there_is_named() -> None:
    """The message lists the columns of the table."""
    with pytest.raises(vt.MissingColumnsError, match=r"lacks \['day'\].*It has \['customer_id', 'date'"):
        vt.summarize(table(date=[None]), date="day")
