"""Strange logs give the right table, a typed error or a counted line; none is silent, and nothing else changes."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

import valuetier as vt
from tests.customers.logs import records

IDS = ["A", "A", "B", "B", "B", "C"]
DAYS = [datetime(2024, 1, day) for day in (1, 11, 3, 20, 24, 15)]
AMOUNTS = [10.0, 20.0, 5.0, 10.0, 20.0, 7.0]
# x, t_x, T, m_x of A, B and C at the end of January
RIGHT = [("A", 1, 10.0, 30.0, 20.0), ("B", 2, 21.0, 28.0, 15.0), ("C", 0, 0.0, 16.0, None)]
END = {"as_of": "2024-01-31"}

WAYS = ("pandas", "Polars", "PyArrow", "relation", "parquet", "CSV")
every_way = pytest.mark.parametrize("way", WAYS)


def frame(**columns: Any) -> pd.DataFrame:
    """Return the log of three customers with some columns replaced."""
    return pd.DataFrame({"customer_id": IDS, "date": DAYS, "amount": AMOUNTS}).assign(**columns)


def log_of(way: str, folder: Path, **columns: Any) -> Any:
    """Return the same as one kind of input."""
    made = {"customer_id": IDS, "date": DAYS, "amount": AMOUNTS, **columns}
    if way == "pandas":
        return pd.DataFrame(made)
    table = pl.DataFrame(made, strict=False)
    if way == "parquet":
        table.write_parquet(folder / "orders.parquet")
        return folder / "orders.parquet"
    if way == "CSV":
        table.write_csv(folder / "orders.csv")
        return folder / "orders.csv"
    if way == "relation":
        return duckdb.connect().from_arrow(table.to_arrow())
    return table if way == "Polars" else table.to_arrow()


def rows_of(log: Any, **options: Any) -> list[tuple[Any, ...]]:
    """Return id, x, t_x, T and m_x of each customer."""
    found = records(vt.summarize(log, **(END | options)).customers)
    return [tuple(row[name] for name in ("customer_id", "x", "t_x", "T", "m_x")) for row in found]


def refused(
    match: str, log: Any, error: type[vt.ValueTierError] = vt.InvalidDataError, **options: Any
) -> None:
    with pytest.raises(error, match=match):
        vt.summarize(log, **options)


# --- logs that are right ----------------------------------------------------------------------

SAME: dict[str, Callable[[], Any]] = {
    "baseline": frame,
    "days as objects": lambda: frame(date=pd.Series([day.date() for day in DAYS], dtype=object)),
    "datetimes as objects": lambda: frame(date=pd.Series(DAYS, dtype=object)),
    "NumPy days as objects": lambda: frame(date=pd.Series([np.datetime64(day) for day in DAYS], dtype=object)),
    "days as ISO text": lambda: frame(date=[day.isoformat() for day in DAYS]),
    "days as categories": lambda: frame(date=pd.Categorical(DAYS)),
    "text as categories": lambda: frame(date=pd.Categorical([f"{day:%Y-%m-%d}" for day in DAYS])),
    "seconds": lambda: frame(date=np.array(DAYS, dtype="datetime64[s]")),
    "nanoseconds": lambda: frame(date=np.array(DAYS, dtype="datetime64[ns]")),
    "Arrow timestamps": lambda: frame().astype({"date": "timestamp[ns][pyarrow]"}),
    "Arrow days": lambda: frame(date=[day.date() for day in DAYS]).astype({"date": "date32[day][pyarrow]"}),
    "Decimal amounts": lambda: frame(amount=[Decimal(str(amount)) for amount in AMOUNTS]),
    "whole amounts": lambda: frame(amount=[int(amount) for amount in AMOUNTS]),
    "nullable amounts": lambda: frame().astype({"amount": "Float64"}),
    "sparse amounts": lambda: frame(amount=pd.arrays.SparseArray(AMOUNTS)),
    "amounts as objects": lambda: frame(amount=pd.Series([10, 20.0, np.float32(5), 10, np.int8(20), 7], dtype=object)),
    "categorical ids": lambda: frame(customer_id=pd.Categorical(IDS)),
    "Arrow ids": lambda: frame().astype({"customer_id": "string[pyarrow]"}),
    "nullable ids": lambda: frame().astype({"customer_id": "string"}),
    "duplicated index": lambda: frame().set_axis([0] * 6, axis=0),
    "MultiIndex": lambda: frame(k=1, date_too=DAYS).set_index(["k", "date_too"]),
    "index of the name": lambda: frame().set_index(pd.Index(range(6), name="customer_id")),
    "columns of several types": lambda: frame(x=1).rename(columns={"x": 7}),
    "attrs and flags": lambda: frame().set_flags(allows_duplicate_labels=False),
    "read only": lambda: frame(amount=_read_only(AMOUNTS)),
    "subclass": lambda: _Frame(frame()),
    "Polars": lambda: pl.from_pandas(frame()),
}  # fmt: skip


class _Frame(pd.DataFrame):
    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return _Frame


def _read_only(values: list[float]) -> np.ndarray[Any, Any]:
    array = np.array(values)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize("what", SAME)
def test_the_same_log_in_other_clothes(what: str) -> None:
    """However values are stored, the customers are those worked out by hand."""
    assert rows_of(SAME[what]()) == RIGHT


def test_decimals_with_mixed_precision_are_exact_to_the_float() -> None:
    """Decimal objects are read one by one."""
    log = frame(
        amount=[Decimal("0.1"), Decimal("0.2"), Decimal("1E-3"), Decimal(10), Decimal("20.00"), Decimal(7)]
    )
    assert vt.summarize(log).customers["spend"].tolist() == pytest.approx([0.3, 30.001, 7.0], rel=1e-15)


@every_way
def test_one_row_is_a_log(way: str, tmp_path: Path) -> None:
    """One order of one customer is seen on its own day."""
    log = log_of(way, tmp_path, customer_id=["A"], date=DAYS[:1], amount=[10.0])
    assert rows_of(log, as_of=None) == [("A", 0, 0.0, 0.0, None)]


NAMES = [
    "rows", "at", "customer", "order", "key", "first", "lines", "customers", "small", "a.b", 'it\'s "q"', "客户 名",
    "SELECT", "NULL", ";", "fate", "money", "child", "opened", "customer_id", "date",
]  # fmt: skip


@pytest.mark.parametrize("way", ["pandas", "Polars", "relation", "CSV"])
def test_any_column_may_have_any_name(way: str, tmp_path: Path) -> None:
    """Names that the queries use, words of SQL, quotes, blanks, dots and Chinese, for each of the columns in turn."""
    for place, names in enumerate(zip(NAMES, NAMES[1:] + NAMES[:1], NAMES[2:] + NAMES[:2], strict=True)):
        if place % 2:
            continue
        log = frame().set_axis(list(names), axis=1)
        table = pl.from_pandas(log)
        table.write_csv(tmp_path / "named.csv")
        sources = {
            "pandas": lambda log=log: log,
            "Polars": lambda table=table: table,
            "relation": lambda table=table: duckdb.connect().from_arrow(table.to_arrow()),
            "CSV": lambda: tmp_path / "named.csv",
        }
        assert (
            rows_of(sources[way](), **dict(zip(("customer", "date", "amount"), names, strict=True))) == RIGHT
        )


# --- times ------------------------------------------------------------------------------------


@every_way
def test_dates_far_away_are_dates(way: str, tmp_path: Path) -> None:
    """From the year 1 to 9999, also where nanoseconds would not reach."""
    days = [
        datetime(1, 1, 1),
        datetime(1500, 2, 28),
        datetime(1676, 1, 1),
        datetime(2263, 1, 1),
        datetime(9999, 12, 31, 23, 59),
        DAYS[5],
    ]
    for period in ("D", "W", "h"):
        summary = vt.summarize(log_of(way, tmp_path, date=days), period=period, as_="pandas")
        assert summary.as_of == date(9999, 12, 31)
        assert summary.customers["t_x"].tolist() == [
            (days[1] - days[0]).days,
            pytest.approx((days[4] - days[2]).days, abs=1),
            0.0,
        ]
        assert summary.report.used.rows == 6


def test_dates_out_of_the_calendar_are_counted() -> None:
    """Years before 1 and after 9999 are no dates, and not the error of a library."""
    days = np.array(
        ["2024-01-01", "20000-01-01", "0000-12-31", "-0044-03-15", "9999-12-31", "2024-01-02"],
        "datetime64[s]",
    )
    refused("^date: 3 of 6 rows have the date missing or unreadable", frame(date=days))
    refused("^date: 3 of 6 rows", duckdb.connect().from_df(frame()).project(
        "* REPLACE (CASE WHEN amount < 10 OR amount = 20 THEN TIMESTAMP '20000-01-01' ELSE date END AS date)"
    ).filter("customer_id <> 'C' OR true").project("* REPLACE (CASE WHEN customer_id = 'C' THEN TIMESTAMP '2024-01-01' ELSE date END AS date)"))  # fmt: skip


@pytest.mark.parametrize(
    ("dates", "kind"),
    [
        (pd.period_range("2024-01-01", periods=6, freq="D"), "period"),
        (pd.interval_range(0, 6), "interval"),
        (pd.to_timedelta(range(6), unit="D"), "timedelta64"),
        (pd.Series([DAYS[0], "2024-01-02", *DAYS[2:]], dtype=object), "mixed"),
        (pd.Series([True, False] * 3), "boolean"),
        (pd.Series([1j] * 6), "complex"),
        (pd.Series([(2024, 1, 1)] * 6), "mixed"),
    ],
    ids=str,
)
def test_what_is_no_date_is_refused(dates: Any, kind: str) -> None:
    """Periods, spans and mixtures are named by their type."""
    refused(rf"^date must hold dates, got values of type {kind}\.", frame(date=dates))


@every_way
def test_a_missing_date_is_counted(way: str, tmp_path: Path) -> None:
    """No row is dropped in silence for it."""
    log = log_of(way, tmp_path, date=[None, *DAYS[1:]])
    refused("^date: 1 of 6 rows have the date missing or unreadable", log)
    report = vt.summarize(log, bad_rows="drop").report
    assert [(line.reason, line.rows, line.money) for line in report.dropped] == [
        ("date missing or unreadable", 1, 10.0)
    ]


def test_days_are_those_of_the_zone() -> None:
    """23:30 in New York is that day; instants of several zones have no calendar in common."""
    late = pd.to_datetime([day.replace(hour=23, minute=30) for day in DAYS]).tz_localize("America/New_York")
    assert rows_of(frame(date=late)) == RIGHT
    mixed = [DAYS[0].replace(tzinfo=UTC).isoformat(), *(day.isoformat() + "+08:00" for day in DAYS[1:])]
    refused("^date .*mix(ed|es) time zones", frame(date=mixed))
    refused(
        "^date: 1 of 6 rows have the date missing",
        frame(date=["01/31/2024", *(f"{day:%Y-%m-%d}" for day in DAYS[1:])]),
    )
    refused(r"^date must hold dates, got numbers of type int64", frame(date=[20240101] * 6))


@every_way
def test_dates_typed_wrong_are_suspected(way: str, tmp_path: Path) -> None:
    """One order of 2203 among many is the last day, and the report warns of it."""
    days = [DAYS[0] + timedelta(days=day) for day in range(200)]
    log = log_of(
        way, tmp_path, customer_id=["A"] * 201, date=[*days, datetime(2203, 5, 1)], amount=[1.0] * 201
    )
    summary = vt.summarize(log)
    assert summary.as_of == date(2203, 5, 1)
    assert "as_of='2024-07-18'" in str(summary.report)


# --- money ------------------------------------------------------------------------------------


@every_way
def test_huge_and_tiny_amounts_are_added_up(way: str, tmp_path: Path) -> None:
    """1e300 and the smallest float are amounts; what adds up to more than a float can hold is refused."""
    log = log_of(way, tmp_path, amount=[1e300, 2e300, 5e-324, 5e-324, 5e-324, 1.0])
    found = rows_of(log)
    assert [row[4] for row in found] == [2e300, 5e-324, None]
    for amounts in ([1.5e308, 1.5e308, 5.0, 5.0, 5.0, 5.0], [1.5e308, 5.0, 5.0, 1.5e308, 5.0, 5.0]):
        match = (
            r"^amount: the 6 amounts add up to more than a number can hold, 1\.8e308\. Correct the largest"
        )
        refused(match, log_of(way, tmp_path, amount=amounts))


@every_way
def test_minus_nothing_is_an_order_of_nothing(way: str, tmp_path: Path) -> None:
    """-0.0 is no refund, and two of them are no duplicates less than two zeros."""
    log = log_of(way, tmp_path, amount=[-0.0, 0.0, -0.0, 1.0, 1.0, 1.0])
    assert [row[1] for row in rows_of(log, refunds="error")] == [1, 2, 0]
    assert vt.summarize(log).report.refunds.rows == 0


@every_way
def test_refunds_alone_are_no_log(way: str, tmp_path: Path) -> None:
    """Nobody ordered anything."""
    log = log_of(way, tmp_path, amount=[-1.0] * 6)
    refused(r"^None of the 6 rows of the order log is an order that counts \(refunds only\)", log)
    refused(r"\(refund dropped: 6\)", log, refunds="drop")


@every_way
def test_amounts_that_are_missing_or_infinite_are_counted(way: str, tmp_path: Path) -> None:
    """Neither becomes a mean."""
    log = log_of(way, tmp_path, amount=[math.inf, -math.inf, math.nan, None, 20.0, 7.0])
    refused(
        r"^amount: 2 of 6 rows have the amount missing.*amount: 2 of 6 rows have the amount infinite", log
    )
    assert [row[0] for row in rows_of(log, bad_rows="drop")] == ["B", "C"]


@pytest.mark.parametrize(
    ("amounts", "kind"),
    [
        (["10"] * 6, "string"), ([True] * 6, "boolean"), ([1j] * 6, "complex"), ([b"10"] * 6, "bytes"),
        (pd.Series([Fraction(1, 3)] * 6), "mixed"), (pd.Series([10**400, *[1] * 5], dtype=object), "object"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_money_is_refused(amounts: Any, kind: str) -> None:
    """Text of digits, booleans, and numbers that floats cannot hold are named by their type."""
    refused(rf"^amount must hold numbers, got values of type {kind}", frame(amount=amounts))


def test_repeated_rows_and_refunds_of_a_day_are_told() -> None:
    """A log loaded twice doubles the spend, and the report says so; a refund of the day leaves the occasion."""
    twice = pd.concat([frame(), frame()])
    report = vt.summarize(twice).report
    assert "rows that repeat another one: 6" in str(report)
    assert rows_of(twice, duplicates="drop") == RIGHT
    refund = frame(
        customer_id=["A"] * 6, date=[*DAYS[:2], DAYS[1], *DAYS[3:]], amount=[10.0, 20.0, -20.0, 1, 1, 1]
    )
    assert "refunds in the spend: 1 rows, -20.00" in str(vt.summarize(refund).report)
    assert vt.summarize(refund).customers["orders"].tolist() == [5]


# --- ids --------------------------------------------------------------------------------------

IDS_AND_SPEND: dict[str, tuple[list[Any], dict[Any, float]]] = {
    "bytes": ([b"A", b"A", b"B", b"B", b"B", b"C"], {b"A": 30.0, b"B": 35.0, b"C": 7.0}),
    "mixed": ([1, "1", 1, "1", b"1", 2.5], {1: 15.0, "1": 30.0, b"1": 20.0, 2.5: 7.0}),
    "infinite": ([1.0, math.inf, -math.inf, 0.0, -0.0, 1.0], {1.0: 17.0, math.inf: 20.0, -math.inf: 5.0, 0.0: 30.0}),
    "large": ([2**63, 2**63 + 1, 2**63, 1, 1, 1], {2**63: 15.0, 2**63 + 1: 20.0, 1: 37.0}),
    "Chinese": (["张三", "张三", "李四", "李四", "李四", "👩‍👩‍👧"], {"张三": 30.0, "李四": 35.0, "👩‍👩‍👧": 7.0}),
    "normal forms": (["é", "é", "e\u0301", "e\u0301", "e\u0301", "E"], {"é": 30.0, "e\u0301": 35.0, "E": 7.0}),
}  # fmt: skip


UNKNOWN = {"pandas": (), "CSV": ("mixed", "bytes", "infinite", "large"), "PyArrow": ("mixed", "bytes")}


@every_way
@pytest.mark.parametrize("what", IDS_AND_SPEND)
def test_ids_of_every_kind_are_told_apart(way: str, what: str, tmp_path: Path) -> None:
    """Nothing that differs is thrown together, nothing that is equal is parted."""
    ids, wanted = IDS_AND_SPEND[what]
    if what in UNKNOWN.get(way, ("mixed",)):
        return  # no column of such values
    made = pd.Series(ids, dtype=object) if what in ("mixed", "bytes") and way == "pandas" else ids
    found = records(vt.summarize(log_of(way, tmp_path, customer_id=made), as_="pandas").customers)
    key = bytes if what == "bytes" else lambda value: value
    assert {key(row["customer_id"]): row["spend"] for row in found} == wanted


def test_missing_ids_are_counted_in_every_spelling() -> None:
    """None, NaN, NA and NaT are no customers; a join that made integers floats loses none in silence."""
    gaps = frame(customer_id=pd.Series(["A", None, math.nan, pd.NA, pd.NaT, "C"], dtype=object))
    refused("^customer_id: 4 of 6 rows have the customer missing", gaps)
    refused(
        "^customer_id: 1 of 6 rows have the customer missing",
        frame(customer_id=[1.0, 1.0, 2.0, 2.0, math.nan, 3.0]),
    )
    assert rows_of(frame(customer_id=pd.array([1, 1, 2, 2, 2, 3], dtype="Int64")))[0][0] == 1


def test_a_column_that_is_not_there_or_twice_is_refused() -> None:
    """Labels of a MultiIndex, the index itself and twins are no columns."""
    refused("lacks", pd.concat({"a": frame()}, axis=1), vt.MissingColumnsError)
    refused(r"lacks \['customer_id'\]", frame().set_index("customer_id"), vt.MissingColumnsError)
    twins = pd.concat([frame(), frame()[["amount"]]], axis=1)
    refused(r"2 columns called 'amount'\. Rename all but one", twins)
    refused("^The order log is empty: 0 rows", frame().head(0))
    refused(r"^None of the 6 rows .*\(after as_of: 6\)", frame(), as_of="2023-01-01")
