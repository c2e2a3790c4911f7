"""One definition, many engines: the same customers from each, in the kind of frame asked for."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import duckdb
import ibis
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings

import valuetier as vt
from tests.customers.kinds import as_arrow_backed, as_pandas, as_polars, as_relation
from tests.customers.logs import Order, expected, good_orders, records
from valuetier.customers.definition import customer_table, occasions, orders_from_lines, with_ages

WHOLE = ["customer_id", "first_order", "last_order", "orders", "recency_days", "x", "t_x", "T"]


# --- the definition itself --------------------------------------------------------------------


def defined(native: Any, last_day: date, period: str, *, by_order: bool) -> list[dict[str, Any]]:
    """Return what the definition alone makes of lines in an eager frame."""
    lines = nw.from_native(native).rename({"customer_id": "customer", "date": "at"})
    lines = lines.with_columns(rows=nw.lit(1).cast(nw.Int64))
    table = customer_table(occasions(orders_from_lines(lines) if by_order else lines, period))
    aged = with_ages(table.filter(nw.col("orders") > 0), last_day.toordinal(), last_day.toordinal(), period)
    return records(aged.sort("customer_id").to_native())


@pytest.mark.parametrize(
    "source", [as_pandas, as_arrow_backed, as_polars, lambda orders: as_polars(orders).to_arrow()],
    ids=["pandas", "pandas Arrow", "Polars", "PyArrow"],
)  # fmt: skip
@pytest.mark.parametrize("order_id", [None, "order"])
@given(orders=good_orders)
@settings(max_examples=10)
def test_the_definition_runs_on_eager_frames(source: Any, order_id: str | None, orders: list[Order]) -> None:
    """Run by itself on an eager frame of any backend, the definition gives the oracle's numbers."""
    for period in ("D", "W"):
        wanted = expected(orders, period=period, order_id=order_id)
        if wanted is None:
            continue
        found = defined(source(orders), wanted.as_of, period, by_order=order_id is not None)
        assert [row["customer_id"] for row in found] == list(wanted.table)
        for row in found:
            theirs = wanted.table[row["customer_id"]]
            for name in ("orders", "recency_days", "x", "t_x", "T"):
                assert row[name] == theirs[name]
            assert row["spend"] == pytest.approx(theirs["spend"], abs=1e-9)


def test_days_are_counted_like_python_counts_them() -> None:
    """The ordinal of a day is Python's toordinal, over leap years and centuries."""
    from valuetier.customers.definition import ordinal

    days = [
        datetime(year, month, day)
        for year in (1, 1600, 1900, 1970, 2000, 2024, 2100, 9999)
        for month, day in ((1, 1), (2, 28), (3, 1), (12, 31))
    ]
    days.append(datetime(2024, 2, 29))
    wanted = [day.toordinal() for day in days]
    frame = pl.DataFrame({"day": days})
    assert nw.from_native(frame).select(ordinal(nw.col("day")))["day"].to_list() == wanted
    relation = duckdb.connect().from_arrow(frame.to_arrow())
    found = nw.from_native(relation).select(ordinal(nw.col("day"))).to_native().fetchall()
    assert sorted(row[0] for row in found) == sorted(wanted)


# --- a million rows ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def million() -> pd.DataFrame:
    """A million orders of a hundred thousand customers over two years; some are refunds or repeats."""
    draw = np.random.default_rng(5)
    n = 1_000_000
    minutes = draw.integers(0, 730 * 1440, n)
    cents = draw.integers(-500, 20_000, n)
    log = pd.DataFrame(
        {
            "customer_id": draw.integers(0, 100_000, n),
            "date": np.datetime64("2023-01-01", "us") + minutes * np.timedelta64(1, "m"),
            "amount": cents / 100,
        }
    )
    return pd.concat([log.iloc[:-1000], log.iloc[:1000]], ignore_index=True)


@pytest.fixture
def compiled(request: pytest.FixtureRequest) -> Any:
    """Return a Spark session that compiles its queries, as it does unless told otherwise."""
    session = request.getfixturevalue("spark")
    names = ("spark.sql.codegen.wholeStage", "spark.sql.codegen.factoryMode")
    before = {name: session.conf.get(name) for name in names}
    for name, value in zip(names, ("true", "FALLBACK"), strict=True):
        session.conf.set(name, value)
    yield session
    for name, value in before.items():
        session.conf.set(name, value)


def of_a_million(kind: str, path: str, spark: Any) -> Any:
    """Return the log in a parquet file as a table of an engine."""
    return {
        "Polars": lambda: pl.read_parquet(path),
        "DuckDB": lambda: duckdb.connect().read_parquet(path),
        "Ibis": lambda: ibis.duckdb.connect().read_parquet(path),
        "Dask": lambda: dd.from_pandas(pd.read_parquet(path), npartitions=4),
        "Spark": lambda: spark.read.parquet(path),
    }[kind]()


@pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")  # what Ibis asks of DuckDB
@pytest.mark.parametrize("kind", ["Polars", "DuckDB", "Ibis", "Dask", "Spark"])
def test_engines_agree_on_a_million_rows(
    kind: str, million: pd.DataFrame, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Every engine makes the table and the report of pandas from a million rows, also with threads."""
    path = tmp_path / "orders.parquet"
    pl.from_pandas(million).write_parquet(path)
    wanted = vt.summarize(million, duplicates="drop")
    gross = million["amount"].abs().groupby(million["customer_id"]).sum()
    gross = gross.loc[wanted.customers["customer_id"]].to_numpy()
    assert wanted.report.duplicates >= 1000
    source = of_a_million(kind, str(path), kind == "Spark" and request.getfixturevalue("compiled"))
    summary = vt.summarize(source, duplicates="drop", as_="pandas")
    pd.testing.assert_frame_equal(summary.customers[WHOLE], wanted.customers[WHOLE])
    for name in ("spend", "m_x"):
        mine, theirs = summary.customers[name].to_numpy(), wanted.customers[name].to_numpy()
        np.testing.assert_array_equal(np.isnan(mine), np.isnan(theirs))
        assert np.nanmax(np.abs(mine - theirs) / gross) <= 1e-12
    counts = [
        [(line.reason, line.rows, line.customers) for line in s.report.lines] for s in (summary, wanted)
    ]
    assert counts[0] == counts[1]
    assert summary.report.reconciles


# --- kinds of tables --------------------------------------------------------------------------

ORDERS = [
    Order(9, datetime(2024, 1, 1), 1000, 1),
    Order(2, datetime(2024, 1, 5), 500, 2),
    Order(9, datetime(2024, 1, 11), 3000, 3),
]
OWN_KIND: dict[str, tuple[Any, str]] = {
    "pandas": (as_pandas, "pandas.DataFrame"),
    "Polars": (as_polars, "polars.DataFrame"),
    "Polars lazy": (lambda orders: as_polars(orders).lazy(), "polars.DataFrame"),
    "PyArrow": (lambda orders: as_polars(orders).to_arrow(), "pandas.DataFrame"),
    "relation": (as_relation, "duckdb.DuckDBPyRelation"),
}
AS_KIND = {
    "pandas": "pandas.DataFrame",
    "polars": "polars.DataFrame",
    "arrow": "pyarrow.Table",
    "relation": "duckdb.DuckDBPyRelation",
}


def kind_of(table: Any) -> str:
    """Return the package and the name of the type of a table."""
    package = type(table).__module__.split(".")[0].lstrip("_")
    return f"{package}.{type(table).__name__}"


@pytest.mark.parametrize("kind", OWN_KIND)
def test_customers_come_back_as_they_went_in(kind: str) -> None:
    """Without as_= the table is of the log's kind; PyArrow gives pandas, lazy frames are collected."""
    make, wanted = OWN_KIND[kind]
    customers = vt.summarize(make(ORDERS)).customers
    assert kind_of(customers) == wanted
    assert [row["customer_id"] for row in records(customers)] == [2, 9]


def test_customers_of_files_come_back_in_pandas(tmp_path: Path) -> None:
    """Files of either kind give a pandas table."""
    as_polars(ORDERS).write_parquet(tmp_path / "orders.parquet")
    as_polars(ORDERS).write_csv(tmp_path / "orders.csv")
    tables = [vt.summarize(tmp_path / name).customers for name in ("orders.parquet", "orders.csv")]
    assert [kind_of(table) for table in tables] == ["pandas.DataFrame"] * 2
    pd.testing.assert_frame_equal(*tables)


@pytest.mark.parametrize("as_", AS_KIND)
@pytest.mark.parametrize("kind", [*OWN_KIND, "parquet"])
def test_customers_come_back_as_asked(kind: str, as_: str, tmp_path: Path) -> None:
    """as_= gives any kind of table from any kind of log, with the same rows sorted by id."""
    as_polars(ORDERS).write_parquet(tmp_path / "orders.parquet")
    log = tmp_path / "orders.parquet" if kind == "parquet" else OWN_KIND[kind][0](ORDERS)
    customers = vt.summarize(log, as_=as_).customers
    assert kind_of(customers) == AS_KIND[as_]
    assert records(customers) == records(vt.summarize(as_pandas(ORDERS)).customers)


@pytest.mark.parametrize("kind", [*OWN_KIND, "parquet"])
def test_the_types_of_the_columns_are_the_same_everywhere(kind: str, tmp_path: Path) -> None:
    """Counts are 64-bit integers, money and ages floats, days timestamps, in every engine."""
    as_polars(ORDERS).write_parquet(tmp_path / "orders.parquet")
    log = tmp_path / "orders.parquet" if kind == "parquet" else OWN_KIND[kind][0](ORDERS)
    schema = vt.summarize(log, as_="polars").customers.schema
    assert [schema[name] for name in ("orders", "recency_days", "x")] == [pl.Int64] * 3
    assert [schema[name] for name in ("spend", "t_x", "T", "m_x")] == [pl.Float64] * 4
    assert [schema[name] for name in ("first_order", "last_order")] == [pl.Datetime("us")] * 2


def test_a_lazy_frame_is_read_once(tmp_path: Path) -> None:
    """A Polars query is run a single time, however many questions are asked of it."""
    runs: list[int] = []

    def counted(frame: pl.DataFrame) -> pl.DataFrame:
        runs.append(1)
        return frame

    vt.summarize(as_polars(ORDERS).lazy().map_batches(counted), duplicates="drop")
    assert len(runs) == 1


# --- dependencies -----------------------------------------------------------------------------

WITHOUT = """
import sys
for name in {modules}:
    sys.modules[name] = None
import pandas as pd
import valuetier as vt
orders = pd.DataFrame({{"customer_id": ["a", "b", "a"], "date": pd.to_datetime(["2024-01-01"] * 3), "amount": [1.0, 2.0, 4.0]}})
text = orders.assign(date=["2024-01-01"] * 3)
for log in (orders, text, {paths}):
    assert vt.summarize(log, order_id=None).customers["spend"].tolist() == [5.0, 2.0], log
"""


def test_pandas_and_files_need_neither_pyarrow_nor_polars(tmp_path: Path) -> None:
    """pandas frames, parquet and CSV files are read where the optional packages are not installed."""
    log = pl.DataFrame(
        {"customer_id": ["a", "b", "a"], "date": [datetime(2024, 1, 1)] * 3, "amount": [1.0, 2.0, 4.0]}
    )
    log.write_parquet(tmp_path / "orders.parquet")
    log.write_csv(tmp_path / "orders.csv")
    paths = ", ".join(repr(str(tmp_path / name)) for name in ("orders.parquet", "orders.csv"))
    program = WITHOUT.format(modules=["pyarrow", "polars", "lifetimes", "matplotlib"], paths=paths)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_mean_of_no_repeat_order_is_nan_on_every_engine():
    """A customer with x = 0 has m_x NaN, not null, whatever the kind of table."""
    log = pl.DataFrame({"customer_id": ["a"], "date": [date(2024, 1, 1)], "amount": [5.0]})
    relation = duckdb.connect().from_arrow(log.to_arrow())
    polars = vt.summarize(log).customers
    assert polars["m_x"].null_count() == 0
    assert polars["m_x"].is_nan().all()
    arrow = vt.summarize(log, as_="arrow").customers["m_x"]
    assert (arrow.null_count, np.isnan(arrow[0].as_py())) == (0, True)
    assert vt.summarize(relation).customers.aggregate("count(m_x), bool_and(isnan(m_x))").fetchall() == [
        (1, True)
    ]
