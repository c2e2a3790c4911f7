"""Reading customer tables: by name from frames, by position from arrays."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from valuetier import InvalidDataError, InvalidParameterError, MissingColumnsError
from valuetier.tables import as_of_of, column_list, materialised, read_columns, read_ids, width

TABLE = pd.DataFrame({"customer_id": ["a", "b", "c"], "spend": [3.0, 1.0, 2.0], "orders": [1, 2, 3]})


def _message(call, error: type[Exception] = InvalidDataError) -> str:
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


def test_columns_are_found_by_name_in_the_order_asked_for():
    """Other columns do not matter."""
    assert read_columns(TABLE, ("orders", "spend")).tolist() == [[1, 3], [2, 1], [3, 2]]
    assert read_columns(TABLE, ("spend", "spend")).tolist() == [[3, 3], [1, 1], [2, 2]]


def test_arrays_are_read_by_position():
    """The first columns count; more are allowed here."""
    assert read_columns([[1, 2, 9], [3, 4, 9]], ("a", "b")).tolist() == [[1, 2], [3, 4]]
    assert read_columns(np.asfortranarray([[1.5, 2], [3, 4]]), ("a",)).tolist() == [[1.5], [3]]


def test_what_is_read_is_not_the_callers_memory():
    """Changing the result changes no table."""
    array = np.ones((3, 1))
    read_columns(array, ("a",))[:] = 7
    frame = TABLE.copy()
    read_columns(frame, ("spend",))[:] = 7
    assert (array == 1).all()
    pd.testing.assert_frame_equal(frame, TABLE)


@pytest.mark.parametrize(
    "column",
    [
        pl.Series("v", [1, None, 3], dtype=pl.Int64),
        pl.Series("v", [1.0, None, 3.0]),
        pl.Series("v", [Decimal("1.00"), None, Decimal("3.00")]),
        pl.Series("v", [1, None, 3], dtype=pl.UInt8),
    ],
    ids=lambda column: str(column.dtype),
)
def test_numbers_of_every_type_are_read_and_null_is_nan(column):
    """Integers, decimals and floats of any frame; what is missing is NaN where that is allowed."""
    frame = column.to_frame()
    arrow = frame.to_arrow()
    for table in (frame, arrow, duckdb.from_arrow(arrow), arrow.to_pandas(types_mapper=pd.ArrowDtype)):
        read = read_columns(table, ("v",), optional=("v",))[:, 0]
        assert read.dtype == np.float64
        np.testing.assert_array_equal(read, [1.0, np.nan, 3.0])


def test_sums_of_the_same_amounts_are_equal_however_they_were_added():
    """The last bits of a sum depend on the order of its parts; what is read does not."""
    parts = [0.1, 0.2, 0.3]
    sums = pd.DataFrame({"spend": [sum(parts), sum(parts[::-1])]})
    assert sums["spend"][0] != sums["spend"][1]
    read = read_columns(sums, ("spend",))[:, 0]
    assert read[0] == read[1] == 0.6


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (["3", "1"], "String"),
        ([True, False], "Boolean"),
        (pd.to_datetime(["2024-01-01", "2024-01-02"]), r"Datetime\(.*\)"),
        ([3, "x"], "Object"),
    ],
)
def test_columns_that_are_no_numbers_are_refused(column, kind):
    """Text, dates and truth values are not converted behind one's back."""
    text = _message(lambda: read_columns(pd.DataFrame({"spend": column}), ("spend",)))
    assert text.startswith("spend must hold numbers, got values of type ")
    assert text.endswith(". Convert the column first.")
    assert re.search(f"of type {kind}[.]", text)


def test_missing_columns_are_listed_with_what_is_there():
    """All that is missing, all that is there, and near misses."""
    text = _message(lambda: read_columns(TABLE, ("spent", "T", "orders")), MissingColumnsError)
    assert text == (
        "The customer table lacks ['spent', 'T']. It has ['customer_id', 'spend', 'orders']. "
        "Did you mean 'spend'?"
    )


def test_too_narrow_arrays_say_which_columns_are_expected():
    """By position means all of them."""
    assert _message(lambda: read_columns([[1.0], [2.0]], ("spend", "orders")), MissingColumnsError) == (
        "An array needs the 2 columns ['spend', 'orders'] in this order, got n_features = 1. "
        "Pass a frame with named columns, or add the rest."
    )


@pytest.mark.parametrize("table", [TABLE, pl.from_pandas(TABLE), TABLE[["spend", "orders"]].to_numpy()])
def test_nan_and_infinity_are_counted_per_column(table):
    """Missing where not optional, infinite anywhere."""

    def with_value(value):
        if isinstance(table, np.ndarray):
            return np.where(table == 1, value, table)
        if isinstance(table, pd.DataFrame):
            return table.assign(spend=[3.0, value, value])
        return table.with_columns(spend=pl.Series([3.0, value, value]))

    n = 1 if isinstance(table, np.ndarray) else 2
    columns = ("spend", "orders")
    assert _message(lambda: read_columns(with_value(np.nan), columns)) == (
        f"spend: {n} of 3 values are missing (NaN). Fill or drop these customers first."
    )
    assert _message(lambda: read_columns(with_value(-np.inf), columns, optional=columns)) == (
        f"spend: {n} of 3 values are infinite (inf). Correct or drop these customers."
    )
    assert np.isnan(read_columns(with_value(np.nan), columns, optional=columns)).sum() >= n


def test_columns_of_the_same_name_are_refused():
    """Which of the two is meant cannot be known."""
    twice = pd.concat([TABLE, TABLE[["spend"]]], axis=1)
    expected = "The customer table has columns of the same name: - 'spend' 2 times. Rename or drop them."
    assert _message(lambda: read_columns(twice, ("spend",))) == expected
    arrow = pa.table([[1.0], [2.0]], names=["spend", "spend"])
    assert _message(lambda: read_columns(arrow, ("spend",))) == expected


@pytest.mark.parametrize(
    ("bad", "start"),
    [
        ([5.0, 7.0], "Expected 2D array, got 1D array instead. Reshape your data to one row per customer"),
        (None, "Expected 2D array, got scalar array instead. Reshape your data to one row per customer"),
        ("orders.csv", "Expected 2D array, got scalar array instead. Reshape your data to one row"),
        (np.ones((2, 2, 2)), "Found array with dim 3, while dim <= 2 is required."),
        (np.array([["5", "text"], [7, 8]], dtype=object), "X must hold numbers. Convert its columns first."),
        (np.array([["5", "x"]]), "dtype='numeric' is not compatible with arrays of bytes/strings."),
        (np.array([[1j]]), "Complex data not supported"),
        (TABLE["spend"], "Expected a 2-dimensional container but got <class 'pandas"),
    ],
)
def test_what_is_no_table_is_refused(bad, start):
    """One typed error, whatever was passed."""
    assert _message(lambda: read_columns(bad, ("a",))).startswith(start)


def test_sparse_data_are_refused():
    """With the way out, in scikit-learn's own words."""
    with pytest.raises(TypeError, match=r"dense data is required\. Use '\.toarray\(\)'"):
        read_columns(sparse.csr_array(np.eye(2)), ("a",))


def test_width_is_that_of_arrays_only():
    """Frames are read by name, so their width says nothing."""
    assert width(np.ones((2, 5))) == width([[1, 2, 3, 4, 5]]) == 5
    assert width(TABLE) is width(pl.from_pandas(TABLE).lazy()) is None


def test_column_lists_are_sequences_of_names():
    """A single text is not a list of its letters."""
    assert column_list("features", ["a", "b"]) == ("a", "b")
    assert column_list("features", pd.Index(["a"])) == ("a",)
    for bad in ("spend", None, 3):
        text = _message(lambda bad=bad: column_list("features", bad), InvalidParameterError)
        assert text == (f"features must be a sequence of column names, got {bad!r}. Put a single one in ().")


def test_ids_come_from_the_column_the_index_or_the_position():
    """In this order."""
    assert read_ids(TABLE).tolist() == ["a", "b", "c"]
    assert read_ids(TABLE.set_index("customer_id")).tolist() == ["a", "b", "c"]
    assert read_ids(pl.from_pandas(TABLE).drop("customer_id")).tolist() == [0, 1, 2]
    assert read_ids(np.ones((3, 1))).tolist() == [0, 1, 2]
    assert sorted(read_ids(duckdb.from_arrow(pa.Table.from_pandas(TABLE)))) == ["a", "b", "c"]


def test_ids_of_a_column_must_be_there_and_different():
    """Counted, never shown."""
    assert _message(lambda: read_ids(TABLE.assign(customer_id=["a", "a", "a"]))) == (
        "customer_id: 2 of 3 rows repeat a customer that is already there. "
        "A customer table has one row per customer; make one with valuetier.summarize."
    )
    assert _message(lambda: read_ids(TABLE.assign(customer_id=["a", None, "b"]))) == (
        "customer_id: 1 of 3 values are missing. Drop these rows first."
    )


def test_ids_of_an_index_must_be_different():
    """Two tables put together keep their row numbers: that is no table of customers."""
    twice = pd.concat([TABLE, TABLE]).drop(columns="customer_id")
    assert _message(lambda: read_ids(twice)) == (
        "The index names the customers and 3 of 6 rows repeat one that is already there. "
        "Reset the index, or add a column customer_id."
    )


@pytest.mark.parametrize(
    ("last_order", "recency_days", "expected"),
    [
        (pd.Timestamp("2024-06-28 17:30"), 2, date(2024, 6, 30)),
        (pd.NaT, 2, None),
        (pd.Timestamp("2024-06-28"), np.nan, None),
        ("2024-06-28", 2, None),
    ],
)
def test_the_day_of_a_table_is_read_from_its_first_customer(last_order, recency_days, expected):
    """Last order plus the days since; unknown where either is missing or no date."""
    table = pd.DataFrame({"last_order": [last_order], "recency_days": [recency_days]})
    assert as_of_of(table) == expected


def test_the_day_is_unknown_without_the_two_columns_or_without_customers():
    """No guess."""
    assert as_of_of(TABLE) is None
    assert as_of_of(np.ones((2, 2))) is None
    empty = pl.DataFrame(
        {"last_order": [], "recency_days": []}, schema={"last_order": pl.Date, "recency_days": pl.Int64}
    )
    assert as_of_of(empty) is None
    one = pl.DataFrame({"last_order": [datetime(2024, 1, 1, 5)], "recency_days": [31]})
    assert as_of_of(one) == as_of_of(one.lazy()) == date(2024, 2, 1)


def test_a_query_is_run_once():
    """Lazy frames become pandas frames; everything else stays what it is."""
    array = np.ones((2, 2))
    assert materialised(TABLE) is TABLE
    assert materialised(array) is array
    assert isinstance(materialised(duckdb.from_arrow(pa.Table.from_pandas(TABLE))), pd.DataFrame)
    pd.testing.assert_frame_equal(materialised(pl.from_pandas(TABLE).lazy()), TABLE, check_dtype=False)
