"""Every segmenter on every kind of table: pandas, Polars, PyArrow, DuckDB and bare arrays."""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import valuetier as vt
from tests.segmenters.customer_tables import BUILT_ON_BASE, INSTALLED, customer_tables, fitted, make

every = pytest.mark.parametrize("name", INSTALLED)
every_built_on_base = pytest.mark.parametrize("name", BUILT_ON_BASE)


def _arrow(customers: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(customers, preserve_index=False)


KINDS = {
    "polars": pl.from_pandas,
    "polars lazy": lambda customers: pl.from_pandas(customers).lazy(),
    "arrow": _arrow,
    "duckdb": lambda customers: duckdb.from_arrow(_arrow(customers)),
    "pandas nullable": lambda customers: customers.convert_dtypes(dtype_backend="numpy_nullable"),
    "pandas on arrow": lambda customers: customers.convert_dtypes(dtype_backend="pyarrow"),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def _columns_read(name: str) -> list[str]:
    """Return the columns a segmenter reads, in the order in which it asks for them."""
    with pytest.raises(vt.MissingColumnsError) as caught:
        vt.get_segmenter(name).fit(make()[["customer_id"]])
    listed = str(caught.value).split("[")[1].split("]")[0]
    return [column.strip("' ") for column in listed.split(",")]


@every_built_on_base
@kinds
def test_every_kind_of_frame_gives_the_same_answers(name, kind):
    """Learned from and applied to another kind of frame, cuts, tiers, scores and evidence are identical."""
    customers, unseen = make(), make(150, seed=5)
    other = vt.get_segmenter(name).fit(KINDS[kind](customers))
    found = other.assign(KINDS[kind](unseen))
    expected = fitted(name).assign(unseen)
    assert other.version() == fitted(name).version()
    assert dict(zip(found.ids, found.codes, strict=True)) == dict(
        zip(expected.ids, expected.codes, strict=True)
    )
    order = np.argsort(found.ids)  # a query has no order of its own; these ids ascend
    assert found.scores[order].tolist() == expected.scores.tolist()
    np.testing.assert_array_equal(other.transform(KINDS[kind](unseen))[order], fitted(name).transform(unseen))
    assert found.as_of == expected.as_of == date(2024, 6, 30)


@every_built_on_base
@given(customers=customer_tables())
@settings(max_examples=10)
def test_any_table_reads_the_same_from_any_frame(name, customers):
    """Drawn tables, with missing mean order values, have the same scores in every kind of frame."""
    expected = fitted(name).score_samples(customers).tolist()
    for kind, frame in KINDS.items():
        assert fitted(name).score_samples(frame(customers)).tolist() == expected, kind


@every_built_on_base
def test_a_bare_array_is_taken_by_position(name):
    """The columns alone, in the documented order, as an array or a list, give the same tiers and cuts."""
    customers, unseen = make(), make(80, seed=5)
    columns = _columns_read(name)
    by_position = vt.get_segmenter(name).fit(customers[columns].to_numpy())
    expected = fitted(name).predict(unseen).tolist()
    assert by_position.version() == fitted(name).version()
    assert by_position.predict(unseen[columns].to_numpy()).tolist() == expected
    assert fitted(name).predict(unseen[columns].to_numpy()).tolist() == expected
    assert fitted(name).predict(unseen[columns].to_numpy().tolist()).tolist() == expected
    assert fitted(name).assign(unseen[columns].to_numpy()).ids.tolist() == list(range(80))


@every_built_on_base
def test_more_columns_and_another_order_change_nothing(name):
    """Columns are found by name: their order and what stands beside them do not matter."""
    customers = make().assign(note="text", more=1.5)
    turned = vt.get_segmenter(name).fit(customers[customers.columns[::-1]])
    assert turned.version() == fitted(name).version()


@every_built_on_base
def test_set_output_gives_frames(name):
    """``set_output`` names the columns and keeps the index; predict stays an array."""
    customers = make(40, seed=5).set_index("customer_id")
    segmenter = vt.get_segmenter(name).fit(make()).set_output(transform="pandas")
    found = segmenter.transform(customers)
    assert isinstance(found, pd.DataFrame)
    assert list(found.columns) == list(segmenter.get_feature_names_out())
    assert list(found.index) == list(customers.index)
    np.testing.assert_array_equal(found.to_numpy(), fitted(name).transform(customers))
    assert segmenter.predict(customers).tolist() == fitted(name).predict(customers).tolist()
    assert isinstance(segmenter.set_output(transform="polars").transform(customers), pl.DataFrame)


@every_built_on_base
def test_a_segmenter_works_in_a_pipeline(name):
    """As the last step it predicts and scores; as an earlier one it hands its evidence on."""
    customers, unseen = make(), make(60, seed=5)
    last = make_pipeline(FunctionTransformer(), vt.get_segmenter(name)).fit(customers)
    assert last.predict(unseen).tolist() == fitted(name).predict(unseen).tolist()
    assert last.score_samples(unseen).tolist() == fitted(name).score_samples(unseen).tolist()
    first = make_pipeline(vt.get_segmenter(name), FunctionTransformer(np.abs)).fit(customers)
    np.testing.assert_array_equal(first.transform(unseen), np.abs(fitted(name).transform(unseen)))
    assert list(first[:1].get_feature_names_out()) == list(fitted(name).get_feature_names_out())


@every
def test_ids_keep_their_type(name):
    """Text, numbers or an index: the assignment names customers as the table does."""
    customers = make(5)
    text = vt.assign(fitted(name), customers)
    numbers = vt.assign(fitted(name), customers.assign(customer_id=[7, 3, 9, 1, 5]))
    index = vt.assign(fitted(name), customers.set_index("customer_id"))
    assert text.ids.tolist() == index.ids.tolist() == ["c000000", "c000001", "c000002", "c000003", "c000004"]
    assert numbers.ids.dtype == np.int64
    assert numbers.ids.tolist() == [7, 3, 9, 1, 5]
