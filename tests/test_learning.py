"""Learning from customers wherever they are: the same cuts, or those of an even sample."""

from __future__ import annotations

from typing import Any

import dask
import dask.dataframe as dd
import duckdb
import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import valuetier as vt
from valuetier.checks import make_customers
from valuetier.learning import share_error

# What Ibis asks of DuckDB has another name in its newest version.
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

KINDS = ["Polars query", "relation", "Ibis", "Dask", "Spark"]


def made(kind: str, customers: pd.DataFrame, spark: Any) -> Any:
    """Return a customer table that is not in memory."""
    if kind == "Dask":
        return dd.from_pandas(customers, npartitions=3, sort=False)
    table = pa.Table.from_pandas(customers, preserve_index=False)
    return {
        "Polars query": lambda: pl.from_arrow(table).lazy(),
        "relation": lambda: duckdb.connect().from_arrow(table),
        "Ibis": lambda: ibis.memtable(table),
        "Spark": lambda: spark.createDataFrame(table),
    }[kind]()


class Recorder:
    """A segmenter that keeps the table that it is fitted to."""

    def fit(self, X: Any, y: Any = None) -> Recorder:
        self.table = X
        return self


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    """Run Dask in this thread: what is small is faster there."""
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.mark.parametrize("kind", ["pandas", "Polars", "PyArrow", "array"])
def test_what_is_in_memory_is_learned_from_as_it_is(kind: str) -> None:
    """fit is segmenter.fit on tables in memory, however many rows there are."""
    customers = make_customers(200)
    table = {
        "pandas": customers,
        "Polars": pl.from_pandas(customers),
        "PyArrow": pa.Table.from_pandas(customers),
        "array": customers[["spend"]].to_numpy(),
    }[kind]
    found = vt.fit(vt.PyramidSegmenter(), table, max_rows=10)
    assert found.version() == vt.PyramidSegmenter().fit(table).version()
    assert found.learned_from == vt.LearningReport(customers=200, used=200, share_error=0.0)


@pytest.mark.parametrize("kind", KINDS)
def test_all_customers_are_learned_from_if_they_are_few(kind: str, request: pytest.FixtureRequest) -> None:
    """Up to max_rows the cuts are those of the table in memory, to the last digit."""
    customers = make_customers(300)
    table = made(kind, customers, kind == "Spark" and request.getfixturevalue("spark"))
    segmenter = vt.RFMSegmenter()
    assert vt.fit(segmenter, table, max_rows=300) is segmenter
    assert segmenter.version() == vt.RFMSegmenter().fit(customers).version()
    assert segmenter.learned_from == vt.LearningReport(customers=300, used=300, share_error=0.0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_is_bounded_even_and_the_same_again(kind: str, request: pytest.FixtureRequest) -> None:
    """At most max_rows customers come, sorted; the order of the rows does not choose them; shares hold."""
    spark = kind == "Spark" and request.getfixturevalue("spark")
    customers = make_customers(5_000)
    first = vt.fit(Recorder(), made(kind, customers, spark), max_rows=1_000)
    again = vt.fit(Recorder(), made(kind, customers.sample(frac=1, random_state=1), spark), max_rows=1_000)
    sample = first.table
    pd.testing.assert_frame_equal(sample, again.table)
    assert list(sample.columns) == list(customers.columns)
    assert sample["customer_id"].is_monotonic_increasing
    assert 850 <= len(sample) <= 1_000
    report = first.learned_from
    assert report == vt.LearningReport(5_000, len(sample), share_error(len(sample)))
    for name in ("spend", "recency_days", "orders"):
        levels = np.sort(customers[name].unique())
        shares = [
            np.searchsorted(np.sort(values), levels, side="right") / len(values)
            for values in (customers[name], sample[name])
        ]
        assert np.abs(shares[0] - shares[1]).max() <= report.share_error


def test_the_bound_holds_as_often_as_it_says() -> None:
    """Of 400 samples the largest error of a share exceeds the bound in no more than one of twenty."""
    draw = np.random.default_rng(7)
    values = np.arange(20_000)
    errors = []
    for _ in range(400):
        sample = np.sort(draw.choice(values, 500, replace=False))
        below = np.searchsorted(sample, values, side="right") / 500
        errors.append(np.abs(below - (values + 1) / 20_000).max())
    assert np.mean(np.array(errors) > share_error(500)) <= 0.05
    assert max(errors) > share_error(500) / 2


def test_the_report_is_no_part_of_the_model(tmp_path: Any) -> None:
    """A segmenter that was learned from a sample is stored and versioned like any other."""
    customers = make_customers(500)
    segmenter = vt.fit(vt.PyramidSegmenter(), pl.from_pandas(customers).lazy(), max_rows=100)
    segmenter.save(tmp_path / "model.json")
    again = vt.load(tmp_path / "model.json")
    assert again.version() == segmenter.version()
    assert not hasattr(again, "learned_from")


def test_a_sample_needs_ids_and_a_number() -> None:
    """Without customer_id no even sample can be drawn; max_rows is a whole number from 2 on."""
    log = made("relation", make_customers(50), None).project("spend")
    with pytest.raises(vt.MissingColumnsError, match=r"lacks \['customer_id'\], by which an even sample"):
        vt.fit(vt.PyramidSegmenter(), log, max_rows=10)
    parts = made("Dask", make_customers(50)[["spend"]], None)
    with pytest.raises(vt.MissingColumnsError, match=r"lacks \['customer_id'\], by which an even sample"):
        vt.fit(vt.PyramidSegmenter(), parts, max_rows=10)
    with pytest.raises(vt.InvalidParameterError, match=r"^max_rows must be a whole number ≥ 2, got 1\.5"):
        vt.fit(vt.PyramidSegmenter(), make_customers(), max_rows=1.5)
