"""What a second look found: strange files, ids, rates and names are told as clearly as everything else."""

from __future__ import annotations

from datetime import datetime
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
from valuetier.files import output_folder, read_table, rows_of_files

# What Ibis asks of DuckDB has another name in its newest version; and what that asks of pandas.
pytestmark = [
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning"),
]

DAYS = [datetime(2024, 1, day) for day in (1, 2, 3, 4)]
SPELLINGS = ["a", "A ", "b", "c"]
SPELT_TWICE = "ids that differ in case or blanks"


def log(**columns: Any) -> pd.DataFrame:
    """Return a log of four orders."""
    simple = {"customer_id": SPELLINGS, "date": DAYS, "amount": [1.0, 2.0, 3.0, 4.0], "currency": ["EUR"] * 4}
    return pd.DataFrame({**simple, **columns})


def engines(frame: pd.DataFrame) -> dict[str, Any]:
    """Return a log in each engine that reads frames in memory."""
    table = pl.from_pandas(frame)
    return {
        "pandas": frame,
        "Polars": table,
        "relation": duckdb.connect().from_arrow(table.to_arrow()),
        "Ibis": ibis.memtable(table.to_arrow()),
        "Dask": dd.from_pandas(frame, npartitions=2, sort=False),
    }


@pytest.fixture(autouse=True)
def _one_thread():
    """Run Dask in this thread: what is small is faster there."""
    with dask.config.set(scheduler="synchronous"):
        yield


def codes(source: Any, **options: Any) -> list[str]:
    """Return which rules suspect something."""
    return [warning.code for warning in vt.summarize(source, **options).report.warnings]


# --- ids --------------------------------------------------------------------------------------


def test_spellings_of_cut_and_bad_rows_do_not_count() -> None:
    """An id that only rows outside the window or without a date have is in no table, and not suspected."""
    for name, source in engines(log()).items():
        assert codes(source) == [SPELT_TWICE], name
        assert codes(source, since="2024-01-02") == [], name
    for name, source in engines(log(date=[None, *DAYS[1:]])).items():
        assert codes(source, bad_rows="drop") == [], name


@pytest.mark.parametrize("dtype", ["object", "category", "str"])
def test_ids_in_objects_and_categories_are_spelt_as_others(dtype: str) -> None:
    """How a frame stores text does not hide that an id is written in two ways."""
    frame = log().astype({"customer_id": dtype})
    with dask.config.set({"dataframe.convert-string": False}):
        for source in (frame, dd.from_pandas(frame, npartitions=2), pl.from_pandas(frame)):
            assert codes(source) == [SPELT_TWICE]


def test_numbers_in_objects_are_not_spelt() -> None:
    """Partitions of numbers that pandas keeps as objects are no text."""
    frame = log(customer_id=pd.Series([1, 2, 3, 4], dtype=object))
    with dask.config.set({"dataframe.convert-string": False}):
        assert codes(dd.from_pandas(frame, npartitions=2)) == []


# --- instants ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pandas", "Polars", "relation", "Ibis", "Dask"])
def test_an_instant_that_is_carried_stays_one(name: str) -> None:
    """The time zone of the calendar changes days, not the instants of a further column."""
    at = pd.to_datetime(pd.Series(["2024-01-01 23:30"] * 4)).dt.tz_localize("UTC")
    source = engines(log(date=at))[name]
    found = vt.summarize(source, timezone="Asia/Shanghai", extra={"seen": ("date", "min")}, as_="pandas")
    assert set(found.customers["first_order"]) == {pd.Timestamp("2024-01-02")}
    assert {instant.tz_convert("UTC") for instant in found.customers["seen"]} == {
        pd.Timestamp("2024-01-01 23:30", tz="UTC")
    }


# --- what the caller says ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "rates", [{}, pd.DataFrame({"currency": [], "date": [], "rate": []})], ids=["mapping", "table"]
)
def test_no_rates_are_refused(rates: Any) -> None:
    """A table of rates without any is no table of rates."""
    for source in engines(log()).values():
        with pytest.raises(vt.InvalidDataError, match=r"^rates has 0 rows\. Pass at least one rate"):
            vt.summarize(source, currency="currency", rates=rates)


def test_currencies_must_be_of_one_type() -> None:
    """Numbers in the log and text in the rates, or the other way round, never meet."""
    for name, source in engines(log(currency=[978] * 4)).items():
        with pytest.raises(
            vt.InvalidDataError, match=r"^rates: currency must hold .* currency, which is Int64"
        ) as error:
            vt.summarize(source, currency="currency", rates={"EUR": 1.0})
        assert "978" not in str(error.value), name
    for source in engines(log()).values():
        with pytest.raises(
            vt.InvalidDataError, match=r"^rates: currency must hold .* currency, which is String"
        ):
            vt.summarize(source, currency="currency", rates={978: 1.0})


def test_currencies_may_be_categories() -> None:
    """Categories of text are text."""
    frame = log().astype({"currency": "category"})
    for source in (frame, pl.from_pandas(frame), pl.from_pandas(frame).lazy()):
        found = vt.summarize(source, currency="currency", rates={"EUR": 2.0}, as_="pandas")
        assert found.report.money == 20.0


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"customer": None}, "^customer must name a column of the order log, got None"),
        ({"date": ["date"]}, r"^date must name one column of the order log, got \['date'\]"),
        ({"amount": ["amount"]}, r"^amount must name one column of the order log, got \['amount'\]"),
        ({"order_id": ["a", "b"]}, r"^order_id must name one column of the order log, got \['a', 'b'\]"),
    ],
)
def test_a_column_is_named_by_one_name(options: dict[str, Any], match: str) -> None:
    """Nothing, and several names, are refused by the parameter that holds them."""
    for source in engines(log()).values():
        with pytest.raises(vt.InvalidParameterError, match=match):
            vt.summarize(source, **options)


# --- files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["gb18030", "cp1252", "utf-16"])
def test_a_file_in_another_encoding_is_refused_with_the_way_out(encoding: str, tmp_path: Path) -> None:
    """The message says what the file is not in, and nothing of what is in it."""
    name = "é" if encoding == "cp1252" else "客"
    text = f"customer_id,date,amount\n{name}4711,2024-01-01,10\n"
    (tmp_path / "orders.csv").write_bytes(text.encode(encoding))
    with pytest.raises(vt.InvalidDataError, match=r"It is not in UTF-8\. Save it again as UTF-8") as error:
        vt.summarize(tmp_path / "orders.csv")
    assert "4711" not in str(error.value)


def test_rows_of_packed_files_are_estimated_higher(tmp_path: Path) -> None:
    """A packed CSV file has more rows than a plain one of the same size."""
    orders = vt.datasets.load_cdnow_orders()
    orders.to_csv(tmp_path / "orders.csv.gz", index=False)
    assert 0.3 * len(orders) < rows_of_files(str(tmp_path / "orders.csv.gz")) < 3 * len(orders)


def test_rows_of_no_file_are_refused(tmp_path: Path) -> None:
    """A path without file is no empty log."""
    for name in ("none.csv", "none*.csv", "none.parquet"):
        with pytest.raises(vt.InvalidDataError, match=r"none.*cannot be read.*No files found"):
            rows_of_files(str(tmp_path / name))


def test_text_of_a_small_table_stays_text(tmp_path: Path) -> None:
    """007 is another account than 7."""
    (tmp_path / "parents.csv").write_text("customer_id,parent_id\n007,7\n")
    assert read_table(tmp_path / "parents.csv", as_text=True).to_dict("list") == {
        "customer_id": ["007"],
        "parent_id": ["7"],
    }


def test_results_go_into_a_folder(tmp_path: Path) -> None:
    """A file in the place of the folder is refused."""
    (tmp_path / "out").write_text("")
    with pytest.raises(
        vt.InvalidParameterError, match=r"^out must be a folder that can be written to, got .*out'"
    ):
        output_folder(tmp_path / "out")
    assert output_folder(tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("dtype", ["INT[]", "INT[3]", "STRUCT(a INT)", "MAP(INT, INT)"])
def test_ids_of_no_single_value_are_refused(dtype: str) -> None:
    """Lists and structures, which pandas cannot tell apart, are no ids in DuckDB either."""
    query = f"SELECT NULL::{dtype} AS customer_id, DATE '2024-01-01' AS date, 1 AS amount"
    with pytest.raises(vt.InvalidDataError, match=r"^customer_id must hold ids such as integers or text"):
        vt.summarize(duckdb.connect().sql(query))


@pytest.mark.parametrize(
    ("last", "match"),
    [
        ("客4711,2024-01-02,5".encode("gb18030"), r"at line 60002 of a CSV file\).*It is not in UTF-8"),
        (b"4711,2024-01-02,5,7,8", r"at line 60002 of a CSV file\).*same types\.$"),
    ],
    ids=["encoding", "columns"],
)
def test_a_row_that_breaks_late_is_named_by_its_line(last: bytes, match: str, tmp_path: Path) -> None:
    """Beyond what is looked at to guess, the line is told, and not what stands in it."""
    head = b"customer_id,date,amount\n" + b"a,2024-01-01,10\n" * 60_000
    (tmp_path / "orders.csv").write_bytes(head + last + b"\n")
    with pytest.raises(vt.InvalidDataError, match=match) as error:
        vt.summarize(tmp_path / "orders.csv")
    assert "4711" not in str(error.value)
