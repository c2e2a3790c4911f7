"""Dask DataFrames: partitions are summarized by themselves, and the books are those of the whole log."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import dask
import dask.dataframe as dd
import pandas as pd
import pytest
from hypothesis import given, settings

import valuetier as vt
from tests.customers.kinds import as_dask, as_pandas, in_memory
from tests.customers.logs import START, Order, any_orders, assert_is, expected, options, records

DAY = datetime(2024, 1, 1)


@pytest.fixture(autouse=True)
def _one_thread():
    """Run Dask in this thread: what is small is faster there."""
    with dask.config.set(scheduler="synchronous"):
        yield


def partitioned(**columns: list[Any]) -> Any:
    """Return a log of customers 0, 1, …, one a partition, with these columns; amounts are 1."""
    rows = len(next(iter(columns.values())))
    log = pd.DataFrame({"customer_id": range(rows), "date": [DAY] * rows, "amount": [1.0] * rows})
    return dd.from_pandas(log.assign(**columns), npartitions=rows)


@given(orders=any_orders, options=options)
@settings(max_examples=15)
def test_partitions_give_the_numbers_of_the_oracle(orders: list[Order], options: dict[str, Any]) -> None:
    """Table, report and last day of any log are those of the plain-Python oracle."""
    wanted = expected(orders, **options)
    if wanted is None:
        with pytest.raises(vt.InvalidDataError, match=f"None of the {len(orders)} rows"):
            vt.summarize(as_dask(orders), bad_rows="drop", **options)
        return
    summary = vt.summarize(as_dask(orders), bad_rows="drop", **options)
    assert_is(replace(summary, customers=in_memory(summary.customers)), wanted)


@pytest.mark.parametrize("period", ["D", "h", "W"])
def test_the_whole_log_says_when_it_ends(period: str) -> None:
    """Ages count to the last day, or hour, of all partitions, however early one of them ends."""
    orders = [
        Order(who, datetime(2024, 1, 1 + who, hour), 100, None) for who in range(8) for hour in (9, 21)
    ] + [Order(20, datetime(1969, 12, 31, 5), 100, None)]
    found = vt.summarize(as_dask(orders, 5), period=period)
    wanted = expected(orders, period=period)
    assert_is(replace(found, customers=in_memory(found.customers)), wanted)


def test_customers_of_partitions_stay_in_dask() -> None:
    """The table is a Dask DataFrame with the types of a pandas table; nothing of it is computed yet."""
    log = as_dask([Order(9, DAY, 100, 1), Order(2, DAY, 200, 2)])
    customers = vt.summarize(log).customers
    assert isinstance(customers, dd.DataFrame)
    wanted = vt.summarize(log.compute()).customers
    pd.testing.assert_series_equal(customers.dtypes, wanted.dtypes)
    pd.testing.assert_frame_equal(customers.compute().sort_values("customer_id", ignore_index=True), wanted)


@pytest.mark.parametrize("as_", ["pandas", "polars", "arrow", "relation"])
def test_customers_of_partitions_come_back_as_asked(as_: str) -> None:
    """as_= collects the table as any kind of frame, sorted by id."""
    orders = [Order(9, DAY, 100, 1), Order(2, DAY, 200, 2), Order(5, DAY, 300, 3)]
    found = vt.summarize(as_dask(orders), as_=as_).customers
    assert records(found) == records(vt.summarize(as_pandas(orders), as_=as_).customers)


def test_ids_of_text_keep_their_type() -> None:
    """Text ids come back as Dask holds them, in whole partitions of text."""
    log = partitioned(customer_id=["b", "a", "c", "a"])
    customers = vt.summarize(log).customers.compute()
    assert sorted(customers["customer_id"]) == ["a", "b", "c"]
    assert customers["customer_id"].dtype == log["customer_id"].dtype


def test_errors_count_the_whole_log() -> None:
    """What is refused is counted over all partitions, not in the first that meets it."""
    bad = partitioned(amount=[1.0, None, None, 4.0], date=[DAY, DAY, DAY, None])
    with pytest.raises(vt.InvalidDataError, match=r"date: 1 of 4 rows have.*amount: 2 of 4 rows have"):
        vt.summarize(bad)
    twice = partitioned(customer_id=[1, 1, 2, 2, 2])
    with pytest.raises(vt.InvalidDataError, match=r"^3 of 5 rows repeat another one"):
        vt.summarize(twice, duplicates="error")
    refunds = partitioned(amount=[1.0, -1.0, -1.0, -2.0])
    with pytest.raises(vt.InvalidDataError, match=r"^amount: 3 of 4 rows are negative"):
        vt.summarize(refunds, refunds="error")
    with pytest.raises(vt.InvalidDataError, match=r"^The order log is empty: 0 rows"):
        vt.summarize(bad[bad["customer_id"] > 9])


def test_text_is_read_in_every_partition() -> None:
    """Dates as text are read as in pandas, and their time zones must be one."""
    log = partitioned(date=["20240131", "20240201", "2024"])
    summary = vt.summarize(log, date_format="%Y%m%d", bad_rows="drop")
    assert (summary.as_of, summary.report.used.rows) == (date(2024, 2, 1), 2)
    offsets = ["2024-01-01T00:00:00+08:00", "2024-01-01T00:00:00+00:00", "2024-01-01"]
    for texts in (offsets[:2], offsets[1:]):
        log = partitioned(customer_id=list("abcdefgh"), date=texts * 4)
        with pytest.raises(vt.InvalidDataError, match=r"^date .*mix(ed|es) time zones"):
            vt.summarize(log, timezone="UTC")


def test_columns_of_other_types_are_refused() -> None:
    """Numbers are no dates, and text no amounts; a column that is not there is named."""
    with pytest.raises(vt.InvalidDataError, match=r"^date must hold dates, got numbers of type int64"):
        vt.summarize(partitioned(date=[20240131, 20240201]))
    with pytest.raises(vt.InvalidDataError, match=r"^amount must hold numbers"):
        vt.summarize(partitioned(amount=["1", "2"]))
    with pytest.raises(vt.MissingColumnsError, match=r"lacks \['day'\]"):
        vt.summarize(partitioned(amount=[1.0]), date="day")


def test_a_window_that_holds_no_day_is_refused() -> None:
    """since must not be after as_of."""
    with pytest.raises(
        vt.InvalidParameterError, match=r"^since must not be after as_of, got since=2024-02-01"
    ):
        vt.summarize(partitioned(amount=[1.0]), since="2024-02-01", as_of="2024-01-01")


def test_rows_outside_the_window_are_counted() -> None:
    """Rows before since and after as_of are counted over all partitions."""
    days = [datetime(2024, 1, day) for day in (1, 2, 3, 4, 5)]
    log = partitioned(date=days)
    summary = vt.summarize(log, since="2024-01-02", as_of="2024-01-03")
    assert {line.reason: line.rows for line in summary.report.lines} == {
        "used": 2, "after as_of": 2, "before since": 1,
    }  # fmt: skip


WIDE: dict[str, Any] = {
    "order_id": "order",
    "margin": "earned",
    "extra": {"shops": ("shop", "n_unique"), "first_shop": ("shop", "first"), "largest": ("amount", "max")},
    "parents": {1: 4, 4: 5, 2: 3},
    "currency": "money",
    "rates": {"EUR": 1.0, "USD": 0.5},
}


@pytest.mark.parametrize("names", [["margin", "extra"], ["parents"], ["currency", "rates"], list(WIDE)])
def test_partitions_know_all_that_pandas_knows(names: list[str]) -> None:
    """Margins, further columns, parents in other partitions and currencies give the table of pandas."""
    orders = as_pandas(
        [Order(who % 7, START + timedelta(hours=7 * who), 100 * who, who % 3) for who in range(60)]
    )
    orders["earned"] = orders["amount"] / 4
    orders["shop"] = [f"s{place % 5}" for place in range(60)]
    orders["money"] = ["EUR", "USD"] * 30
    options = {name: WIDE[name] for name in names}
    found = vt.summarize(dd.from_pandas(orders, npartitions=4, sort=False), **options)
    wanted = vt.summarize(orders, **options)
    table = found.customers.compute().sort_values("customer_id", ignore_index=True)
    pd.testing.assert_frame_equal(table.astype(wanted.customers.dtypes), wanted.customers, rtol=1e-12)
    pd.testing.assert_frame_equal(found.report.to_frame(), wanted.report.to_frame(), rtol=1e-12)
    assert [line.reason for line in found.report.notes] == [line.reason for line in wanted.report.notes]
    assert [line.rows for line in found.report.notes] == [line.rows for line in wanted.report.notes]


def test_what_looks_wrong_is_seen_over_all_partitions() -> None:
    """Suspicions are those of the whole log: days, the largest account and ids written in two ways."""
    log = pd.DataFrame(
        {
            "customer_id": ["A 1"] * 300 + [f"a{place}" for place in range(400)],
            "date": [datetime(2024, 1, 1) + timedelta(days=place % 50) for place in range(690)]
            + [datetime(1970, 1, 1)] * 10,
            "amount": 5.0,
        }
    )
    wanted = vt.summarize(log).report.warnings
    assert len(wanted) == 3
    assert vt.summarize(dd.from_pandas(log, npartitions=5)).report.warnings == wanted


def test_currencies_of_all_partitions_count() -> None:
    """Several currencies need rates, also where every partition has only one."""
    log = partitioned(customer_id=list("abcdefgh"), money=["EUR", "USD"] * 4)
    with pytest.raises(vt.InvalidDataError, match=r"^money holds 2 currencies.*Pass rates="):
        vt.summarize(log, currency="money")


def test_gaps_of_partitions_need_to_be_collected() -> None:
    """sum_log_gaps reads a log as a whole, and says how to get there from Dask."""
    with pytest.raises(vt.InvalidDataError, match=r"Dask log is not read as a whole.*compute\(\)"):
        vt.sum_log_gaps(partitioned(amount=[1.0]))
