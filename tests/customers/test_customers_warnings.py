"""What looks wrong in a log arrives in the report of its summary, the same from every kind of log."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import dask
import dask.dataframe as dd
import duckdb
import ibis
import pandas as pd
import polars as pl
import pytest

import valuetier as vt
from valuetier.customers.suspicions import ACCOUNT, FIRST, IDS, LAST, SENTINEL, SWAPPED

YEAR = [datetime(2023, 1, 1, 9) + timedelta(days=day) for day in range(365)]


def log_of(days: list[datetime], ids: list[Any] | None = None) -> dict[str, list[Any]]:
    """Return the columns of a log with one order a day, of as many customers."""
    names = list(ids or (f"k{place:04}" for place in range(len(days))))
    return {"customer_id": names, "date": days, "amount": [5.0 + place for place in range(len(days))]}


def swapped(day: datetime) -> datetime:
    """Return a day as the wrong reading has it."""
    return day.replace(month=day.day, day=day.month) if day.day <= 12 else day


def quarter() -> list[datetime]:
    return [swapped(day) for day in YEAR[:90]]


COLLECTIVE = [*["till"] * 200, *(f"k{place:04}" for place in range(800))]
LOGS: dict[str, tuple[dict[str, list[Any]], int, int]] = {
    SENTINEL: (log_of([*YEAR, *[datetime(1900, 1, 1)] * 4]), 4, 0),
    LAST: (log_of([*YEAR, datetime(2203, 5, 1), datetime(2203, 5, 1)]), 2, 0),
    FIRST: (log_of([datetime(1923, 5, 1), *YEAR]), 1, 0),
    SWAPPED: (log_of(quarter()), 24, 0),
    ACCOUNT: (log_of([*YEAR, *YEAR, *YEAR[:270]], COLLECTIVE), 200, 1),
    IDS: (log_of(YEAR[:6], ["A 1", "a1", "A1", "b2", "B2", "c"]), 0, 3),
}
WAYS = ("pandas", "Polars", "PyArrow", "relation", "parquet", "CSV", "Dask", "Ibis")


def source(way: str, columns: dict[str, list[Any]], folder: Path) -> Any:
    """Return the columns as one kind of log."""
    frame = pl.DataFrame(columns)
    if way == "parquet":
        frame.write_parquet(folder / "orders.parquet")
        return folder / "orders.parquet"
    if way == "CSV":
        frame.write_csv(folder / "orders.csv")
        return folder / "orders.csv"
    makers = {
        "pandas": lambda: pd.DataFrame(columns),
        "Polars": lambda: frame,
        "PyArrow": frame.to_arrow,
        "relation": lambda: duckdb.connect().from_arrow(frame.to_arrow()),
        "Dask": lambda: dd.from_pandas(pd.DataFrame(columns), npartitions=2),
        "Ibis": lambda: ibis.memtable(frame.to_arrow()),
    }
    return makers[way]()


def warnings_of(log: Any, **options: Any) -> tuple[vt.Suspicion, ...]:
    with dask.config.set(scheduler="synchronous"):
        return vt.summarize(log, **options).report.warnings


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("code", LOGS)
def test_each_suspicion_arrives_from_every_kind_of_log(way: str, code: str, tmp_path: Path) -> None:
    """With its rows and customers, and with the text that the others have."""
    columns, rows, customers = LOGS[code]
    (found,) = warnings_of(source(way, columns, tmp_path))
    assert (found.code, found.rows, found.customers) == (code, rows, customers)
    assert (found,) == warnings_of(pd.DataFrame(columns))


@pytest.mark.parametrize("code", LOGS)
def test_each_suspicion_is_printed(code: str) -> None:
    """The printed report ends with it; nothing is changed or left out for it."""
    report = vt.summarize(pd.DataFrame(LOGS[code][0])).report
    assert str(report).splitlines()[-1] == f"warning: {report.warnings[0].text}"
    assert report.used.rows == report.rows
    assert report.reconciles


@pytest.mark.parametrize("way", [way for way in WAYS if way not in ("Dask", "Ibis")])
@pytest.mark.parametrize(
    "options", [{}, {"duplicates": "drop", "refunds": "drop"}, {"as_of": "2023-12-31"}], ids=str
)
def test_all_kinds_of_log_suspect_the_same(way: str, options: dict[str, str], tmp_path: Path) -> None:
    """Bad rows, those outside the window and repeated ones are seen alike by all."""
    columns = log_of([*YEAR, *YEAR, *YEAR[:270]], COLLECTIVE)
    for name, day in (("K0001", YEAR[3]), ("k 0002", datetime(2230, 1, 1)), ("till", YEAR[0])):
        columns["customer_id"].append(name)
        columns["date"].append(day)
        columns["amount"].append(5.0)
    columns["amount"][-3] = None
    found = warnings_of(source(way, columns, tmp_path), bad_rows="drop", **options)
    assert found == warnings_of(pd.DataFrame(columns), bad_rows="drop", **options)
    assert ACCOUNT in [one.code for one in found]


@pytest.mark.parametrize("way", ["pandas", "Polars", "relation", "Dask"])
def test_an_ordinary_log_is_not_suspected(way: str, tmp_path: Path) -> None:
    """CDNOW has none of it."""
    orders = vt.datasets.load_cdnow_orders()
    columns = {name: orders[name].to_list() for name in ("customer_id", "date", "amount")}
    assert warnings_of(source(way, columns, tmp_path)) == ()


@pytest.mark.parametrize("way", ["pandas", "Polars", "relation"])
def test_rows_that_the_window_cuts_are_not_suspected(way: str, tmp_path: Path) -> None:
    """since= and as_of= are the way out that the texts name."""
    columns = log_of([datetime(1900, 1, 1), *YEAR, datetime(2203, 5, 1)])
    assert [one.code for one in warnings_of(source(way, columns, tmp_path))] == [SENTINEL, LAST]
    assert warnings_of(source(way, columns, tmp_path), since="2023-01-01", as_of=date(2023, 12, 31)) == ()
