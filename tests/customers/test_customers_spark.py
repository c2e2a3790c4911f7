"""Spark DataFrames: the same customers as from any other log, still in Spark."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

import valuetier as vt
from tests.customers.kinds import as_pandas, as_spark, in_memory
from tests.customers.logs import START, Order, assert_is, expected, records

DAY = datetime(2024, 1, 1)
ORDERS = [
    Order(9, DAY, 1000, 1),
    Order(2, datetime(2024, 1, 5), 500, 2),
    Order(9, datetime(2024, 1, 11), 3000, 3),
]
# In the session's New York the clocks skip this hour, and an hour of the other night comes twice.
SKIPPED, TWICE = datetime(2024, 3, 10, 2, 30), datetime(2024, 11, 3, 1, 30)

OPTIONS: list[dict[str, Any]] = [
    {"duplicates": "drop", "as_of": date(2024, 1, 8)},
    {"period": "h", "duplicates": "drop"},
    {"period": "W", "refunds": "drop", "as_of": date(2024, 1, 1)},
    {"order_id": "order", "duplicates": "drop", "period": "h"},
    {"order_id": "order", "refunds": "drop", "as_of": date(2023, 12, 30)},
]


def drawn(seed: int) -> list[Order]:
    """Return a log with refunds, repeats, gaps of every kind and few different times."""
    draw = random.Random(seed)
    at = [START + timedelta(days=draw.randint(0, 24), hours=draw.choice((0, 9, 23))) for _ in range(60)]
    cents = (0, 1010, 1010, 2999, -1010, 12345)
    orders = [Order(draw.randint(1, 6), when, draw.choice(cents), draw.randint(1, 3)) for when in at]
    bad = [
        Order(None, at[0], 100, 1),
        Order(2, None, 100, 1),
        Order(2, at[1], None, 1),
        Order(3, at[1], math.inf, 1),
        Order(3, at[2], 100, None),
        Order(7, at[3], -500, 1),
    ]
    rows = [*orders, *bad, *orders[:3]]
    draw.shuffle(rows)
    return rows


def made(spark: Any, sql: str) -> Any:
    """Return a log of one row with these columns before the usual ones."""
    return spark.sql(f"SELECT {sql}")


@pytest.mark.parametrize("case", range(len(OPTIONS)))
def test_a_spark_frame_gives_the_numbers_of_the_oracle(spark: Any, case: int) -> None:
    """Table, report and last day of a log are those of the plain-Python oracle."""
    orders, options = drawn(case), OPTIONS[case]
    wanted = expected(orders, **options)
    assert wanted is not None
    summary = vt.summarize(as_spark(spark, orders), bad_rows="drop", **options)
    assert_is(replace(summary, customers=in_memory(summary.customers)), wanted)


def test_hours_that_clocks_skip_or_repeat_are_hours(spark: Any) -> None:
    """Times without zone are as they stand, whatever the clocks of the session's zone do then."""
    orders = [
        Order(who, when + timedelta(hours=hours), 100, 1)
        for who, when in enumerate((SKIPPED, TWICE))
        for hours in (-1, 0, 1)
    ]
    for options in ({"period": "h"}, {"as_of": date(2024, 11, 2)}):
        wanted = expected(orders, **options)
        summary = vt.summarize(as_spark(spark, orders), **options)
        assert_is(replace(summary, customers=in_memory(summary.customers)), wanted)


def test_the_customers_of_a_spark_frame_stay_in_spark(spark: Any) -> None:
    """The table is a query of the same session with columns of the usual types, days without zone."""
    customers = vt.summarize(as_spark(spark, ORDERS)).customers
    assert customers.sparkSession is spark
    assert dict(customers.dtypes) == {
        "customer_id": "bigint",
        "first_order": "timestamp_ntz",
        "last_order": "timestamp_ntz",
        "orders": "bigint",
        "spend": "double",
        "recency_days": "bigint",
        "x": "bigint",
        "t_x": "double",
        "T": "double",
        "m_x": "double",
    }
    assert {row["customer_id"]: str(row["m_x"]) for row in customers.collect()} == {2: "nan", 9: "30.0"}


@pytest.mark.parametrize("as_", ["pandas", "polars", "arrow", "relation"])
def test_customers_of_a_spark_frame_come_back_as_asked(spark: Any, as_: str) -> None:
    """as_= collects any kind of table, with the same rows sorted by id."""
    found = vt.summarize(as_spark(spark, ORDERS), as_=as_).customers
    assert records(found) == records(vt.summarize(as_pandas(ORDERS), as_=as_).customers)


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York", "UTC"])
def test_the_day_of_an_instant_is_that_of_timezone(spark: Any, zone: str) -> None:
    """timezone= says whose calendar counts, also where the session's clocks show an hour twice."""
    instants = [datetime(2024, 11, 3, tzinfo=UTC) + timedelta(minutes=30 * step) for step in range(48)]
    log = pl.DataFrame({"customer_id": range(48), "date": instants, "amount": 1.0}).to_arrow()
    found = vt.summarize(spark.createDataFrame(log), timezone=zone, period="h", as_="polars").customers
    wanted = vt.summarize(log, timezone=zone, period="h", as_="polars").customers
    assert found.equals(wanted)


def test_an_instant_needs_timezone(spark: Any) -> None:
    """The zone of the session is a setting, not a property of the log: it is not taken silently."""
    log = made(spark, "1 AS customer_id, TIMESTAMP '2024-01-31 12:00:00Z' AS date, 1.0D AS amount")
    with pytest.raises(vt.InvalidParameterError, match=r"^date holds instants.*Pass timezone="):
        vt.summarize(log)


def test_other_types_of_ids_amounts_and_days_are_read(spark: Any) -> None:
    """Decimals are amounts, days are times, text is an id; dots in names do no harm."""
    log = made(spark, "'007' AS `customer.id`, DATE '2024-01-31' AS `the date`, 10.10 AS `net.amount`")
    summary = vt.summarize(log, "customer.id", "the date", "net.amount", as_="polars")
    row = summary.customers.row(0, named=True)
    assert (row["customer_id"], row["spend"], row["first_order"]) == ("007", 10.1, datetime(2024, 1, 31))
    assert log.schema["net.amount"].dataType.jsonValue() == "decimal(4,2)"
    assert Decimal("10.10") == log.first()["net.amount"]


def test_nan_is_no_id_and_no_amount(spark: Any) -> None:
    """NaN is missing, as everywhere; times that Python cannot show are unreadable."""
    rows = [
        "(1.0D, TIMESTAMP_NTZ '2024-01-31 00:00:00', 1.0D)",
        "(double('NaN'), TIMESTAMP_NTZ '2024-01-31 00:00:00', 1.0D)",
        "(2.0D, TIMESTAMP_NTZ '2024-01-31 00:00:00', double('NaN'))",
        "(3.0D, TIMESTAMP_NTZ '+10000-01-01 00:00:00', 1.0D)",
    ]
    log = spark.sql(f"SELECT * FROM VALUES {', '.join(rows)} AS log(customer_id, date, amount)")
    with pytest.raises(
        vt.InvalidDataError,
        match=r"customer_id: 1 of 4 rows.*date: 1 of 4 rows.*amount: 1 of 4 rows",
    ):
        vt.summarize(log)


@pytest.mark.parametrize(
    ("sql", "match"),
    [
        ("1 AS customer_id, '2024-01-31' AS date, 1 AS amount", r"type string.*F\.to_timestamp_ntz\('date'"),
        ("1 AS customer_id, 20240131 AS date, 1 AS amount", r"^date must hold dates, got values of type int"),
        ("1 AS customer_id, DATE '2024-01-31' AS date, '1' AS amount", r"^amount must hold numbers.*string"),
        ("array(1) AS customer_id, DATE '2024-01-31' AS date, 1 AS amount", r"^customer_id must hold ids"),
        ("1 AS who, DATE '2024-01-31' AS date, 1 AS amount", r"lacks \['customer_id'\].*It has \['who'"),
        ("1 AS date, 1 AS date, 1 AS customer_id, 1 AS amount", r"has 2 columns called 'date'"),
    ],
)
def test_columns_of_other_types_are_refused(spark: Any, sql: str, match: str) -> None:
    """Text and numbers are no dates, text no amounts, lists no ids; the message says what to do."""
    with pytest.raises(vt.InvalidDataError, match=match):
        vt.summarize(made(spark, sql))


def test_what_the_rules_refuse_is_refused(spark: Any) -> None:
    """Bad rows, repeated rows, refunds and empty logs raise with the counts of the whole log."""
    log = as_spark(spark, [*ORDERS, ORDERS[0], Order(3, None, None, None), Order(3, DAY, -100, 1)])
    with pytest.raises(vt.InvalidDataError, match=r"^date: 1 of 6 rows have the date missing"):
        vt.summarize(log)
    with pytest.raises(vt.InvalidDataError, match=r"^1 of 6 rows repeat another one"):
        vt.summarize(log, bad_rows="drop", duplicates="error")
    with pytest.raises(vt.InvalidDataError, match=r"^amount: 1 of 6 rows are negative"):
        vt.summarize(log, bad_rows="drop", refunds="error")
    with pytest.raises(vt.InvalidDataError, match=r"^The order log is empty: 0 rows"):
        vt.summarize(as_spark(spark, []))


def test_gaps_of_a_spark_frame_are_those_of_pandas(spark: Any) -> None:
    """sum_log_gaps reads the occasions of a Spark log."""
    found = vt.sum_log_gaps(as_spark(spark, ORDERS))
    assert found["sum_log_gaps"].tolist() == [0.0, pytest.approx(math.log(10))]


def test_accounts_currencies_and_further_columns_in_spark(spark: Any, tmp_path: Path) -> None:
    """Parents, rates, refunds by id, cost and other aggregates give in Spark what they give in pandas."""
    days = pd.to_datetime(
        ["2024-01-01", "2024-01-11", "2024-01-05", "2024-02-01", "2024-02-02", "2024-02-03"]
    )
    log = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "c", "a1", "a1"],
            "date": days,
            "amount": [10.0, 30.0, 5.0, 7.0, 100.0, -20.0],
            "order": [1, 2, 3, 4, 5, 6],
            "refund_of": pd.array([None, None, None, None, None, 5], dtype="Int64"),
            "currency": ["EUR", "USD", "EUR", "USD", "EUR", "EUR"],
            "cost": [1.0, 2.0, 3.0, 4.0, 5.0, -1.0],
            "channel": ["x", "y", None, "z", "x", "y"],
        }
    )
    rates = pd.DataFrame(
        {
            "currency": ["EUR", "EUR", "USD"],
            "date": pd.to_datetime(["2023-12-31", "2024-02-02", "2023-01-01"]),
            "rate": [1.1, 1.2, 1.0],
        }
    )
    options: dict[str, Any] = {
        "order_id": "order",
        "refund_of": "refund_of",
        "currency": "currency",
        "rates": rates,
        "cost": "cost",
        "parents": {"a1": "a"},
        "extra": {"channels": ("channel", "n_unique"), "latest": ("channel", "last")},
    }
    pl.from_pandas(log).write_parquet(tmp_path / "orders.parquet")
    there = vt.summarize(spark.read.parquet(str(tmp_path)), as_="pandas", **options)
    here = vt.summarize(log, **options)
    found = there.customers.sort_values("customer_id", ignore_index=True)
    pd.testing.assert_frame_equal(found, here.customers, check_dtype=False, rtol=1e-12)
    assert list(found.columns) == list(here.customers.columns)
    assert [(n.reason, n.rows, n.customers) for n in there.report.notes] == [
        (n.reason, n.rows, n.customers) for n in here.report.notes
    ]
    assert [(n.reason, n.rows) for n in there.report.lines] == [(n.reason, n.rows) for n in here.report.lines]
