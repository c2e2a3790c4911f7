"""The customer table under the names that lifetimes and pymc-marketing use, and back."""

from __future__ import annotations

import math
import warnings
from datetime import datetime
from typing import Any

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings

import valuetier as vt
from tests.customers.kinds import as_arrow_backed, as_nullable, as_pandas, as_polars, as_relation
from tests.customers.logs import Order, expected, good_orders, records

ORDERS = [
    Order(7, datetime(2024, 1, 1), 1000, 1),
    Order(7, datetime(2024, 1, 11), 3000, 2),
    Order(8, datetime(2024, 1, 5), 500, 3),
]


@pytest.mark.parametrize("source", [as_pandas, as_polars, as_relation])
def test_there_and_back_is_the_same_table(source: Any) -> None:
    """Renaming to lifetimes' names and back changes nothing, in every kind of frame."""
    table = vt.summarize(source(ORDERS)).customers
    back = vt.from_lifetimes(vt.to_lifetimes(table))
    assert type(back) is type(table)
    assert records(back) == records(table)


@pytest.mark.parametrize("source", [as_pandas, as_polars, as_relation])
def test_names_are_those_of_lifetimes(source: Any) -> None:
    """x is frequency, t_x is recency, m_x is monetary_value; other columns keep their names."""
    table = vt.to_lifetimes(vt.summarize(source(ORDERS)).customers)
    names = nw.from_native(table).collect_schema().names()
    assert names[-4:] == ["frequency", "recency", "T", "monetary_value"]
    assert names[:3] == ["customer_id", "first_order", "last_order"]
    rows = [[row[name] for name in names[-4:]] for row in records(table)]
    assert rows == [[1, 10.0, 10.0, 30.0], [0, 0.0, 6.0, None]]


def test_the_mean_value_may_be_absent() -> None:
    """A summary without monetary value is renamed all the same."""
    theirs = pd.DataFrame({"frequency": [1], "recency": [10.0], "T": [12.0]})
    assert list(vt.from_lifetimes(theirs).columns) == ["x", "t_x", "T"]


@pytest.mark.parametrize(
    ("convert", "lacking"), [(vt.to_lifetimes, ["x", "t_x"]), (vt.from_lifetimes, ["frequency", "recency"])]
)
def test_missing_columns_are_named(convert: Any, lacking: list[str]) -> None:
    """A table without the needed columns is refused with what is missing and what is there."""
    with pytest.raises(vt.MissingColumnsError, match=r"lacks.*It has \['customer', 'T'\]") as error:
        convert(pd.DataFrame({"customer": ["Ada"], "T": [3.0]}))
    assert str(lacking) in str(error.value)
    assert "Ada" not in str(error.value)


# --- pymc-marketing ---------------------------------------------------------------------------

THEIRS = ["customer_id", "frequency", "recency", "T", "monetary_value"]
KINDS = {
    "pandas": as_pandas,
    "pandas nullable": as_nullable,
    "pandas Arrow": as_arrow_backed,
    "Polars": as_polars,
    "Polars lazy": as_polars,
    "PyArrow": lambda orders: as_polars(orders).to_arrow(),
    "relation": as_relation,
}


def table_of(kind: str, orders: list[Order]) -> Any:
    """Return the customer table of a log as one kind of frame."""
    as_ = "arrow" if kind == "PyArrow" else None
    table = vt.summarize(KINDS[kind](orders), as_=as_).customers
    return table.lazy() if kind == "Polars lazy" else table


def rows_of(table: Any) -> list[dict[str, Any]]:
    """Return the rows of a table of any kind; missing numbers are None."""
    return records(table.lazy().collect() if nw.from_native(table).implementation.is_polars() else table)


def type_of(table: Any, name: str) -> Any:
    return nw.from_native(table).collect_schema()[name]


@pytest.mark.parametrize("kind", KINDS)
@given(orders=good_orders)
@settings(max_examples=15)
def test_to_pymc_marketing_and_back_is_the_same_table(kind: str, orders: list[Order]) -> None:
    """For any log and kind of frame the way back restores every value, type, column and missing mean."""
    assume(expected(orders) is not None)
    table = table_of(kind, orders)
    back = vt.from_pymc_marketing(vt.to_pymc_marketing(table))
    assert type(back) is type(table)
    assert nw.from_native(back).collect_schema() == nw.from_native(table).collect_schema()
    assert rows_of(back) == rows_of(table)


@pytest.mark.parametrize("kind", KINDS)
@given(orders=good_orders)
@settings(max_examples=15)
def test_from_pymc_marketing_and_to_it_is_the_same_summary(kind: str, orders: list[Order]) -> None:
    """A summary of theirs comes back as it was, zeros of one-time buyers included."""
    assume(expected(orders) is not None)
    theirs = vt.to_pymc_marketing(table_of(kind, orders))
    again = vt.to_pymc_marketing(vt.from_pymc_marketing(theirs))
    assert rows_of(again) == rows_of(theirs)
    assert all(row["monetary_value"] is not None for row in rows_of(theirs))


@pytest.mark.parametrize("kind", KINDS)
def test_names_and_values_are_those_of_pymc_marketing(kind: str) -> None:
    """The numbers are floats, recency is the age at the last purchase, a one-time buyer's mean is 0."""
    theirs = vt.to_pymc_marketing(table_of(kind, ORDERS))
    assert [name for name in nw.from_native(theirs).collect_schema().names() if name in THEIRS] == THEIRS
    assert all(type_of(theirs, name) == nw.Float64 for name in THEIRS[1:])
    rows = [[row[name] for name in THEIRS] for row in rows_of(theirs)]
    assert rows == [[7, 1.0, 10.0, 10.0, 30.0], [8, 0.0, 0.0, 6.0, 0.0]]


@pytest.mark.parametrize("kind", KINDS)
def test_the_way_back_restores_the_missing_mean(kind: str) -> None:
    """One-time buyers get NaN, not null; a mean of 0 of repeat buyers stays 0."""
    free = [Order(9, datetime(2024, 1, day), 0, day) for day in (2, 3)]
    ours = vt.from_pymc_marketing(vt.to_pymc_marketing(table_of(kind, [*ORDERS, *free])))
    assert [row["m_x"] for row in rows_of(ours)] == [30.0, None, 0.0]
    assert type_of(ours, "x") == nw.Int64
    if kind != "relation":
        found = nw.from_native(ours).lazy().collect()["m_x"]
        assert [math.isnan(value) for value in found.to_numpy()] == [False, True, False]
        if kind in ("Polars", "PyArrow"):
            assert found.null_count() == 0


def test_cdnow_equals_their_summary() -> None:
    """On CDNOW the table is what pymc-marketing's rfm_summary gives: that of lifetimes, ids a column, all floats.

    The two were compared once with pymc-marketing 0.19.2: equal in all customers to 1e-12.
    """
    orders = vt.datasets.load_cdnow_orders()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lifetimes is archived and warns on import and in pandas
        from lifetimes.utils import summary_data_from_transaction_data

        theirs = summary_data_from_transaction_data(orders, "customer_id", "date", "amount")
    theirs = theirs.astype(float).reset_index()
    ours = vt.to_pymc_marketing(vt.summarize(orders).customers)[THEIRS]
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-12)
    back = vt.from_pymc_marketing(theirs)
    np.testing.assert_array_equal(back["m_x"].isna(), back["x"] == 0)


def test_pymc_marketing_needs_an_id() -> None:
    """Its models ask for the column customer_id; the mean value may be absent, other columns stay."""
    theirs = pd.DataFrame({"frequency": [1.0], "recency": [10.0], "T": [12.0], "channel": ["web"]})
    with pytest.raises(vt.MissingColumnsError, match=r"lacks \['customer_id'\]"):
        vt.from_pymc_marketing(theirs)
    ours = vt.from_pymc_marketing(theirs.assign(customer_id=7))
    assert list(ours.columns) == ["x", "t_x", "T", "channel", "customer_id"]
    assert list(vt.to_pymc_marketing(ours).columns)[:3] == ["frequency", "recency", "T"]


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "relation"])
@pytest.mark.parametrize("count", [1.5, math.nan, math.inf])
def test_counts_that_are_none_are_refused(count: float, kind: str) -> None:
    """A frequency that is fractional, missing or infinite is counted, not rounded and not shown."""
    theirs = pd.DataFrame(
        {"customer_id": ["Ada", "Bob"], "frequency": [count, 2.0], "recency": 1.0, "T": 4711.0}
    )
    frame = nw.from_native(theirs)
    made = {"pandas": frame.to_native, "polars": frame.to_polars, "arrow": frame.to_arrow}
    made["relation"] = lambda: duckdb.connect().from_df(theirs)
    with pytest.raises(
        vt.InvalidDataError, match=r"^frequency: 1 of 2 values are missing or no whole numbers\."
    ) as error:
        vt.from_pymc_marketing(made[kind]())
    assert "Ada" not in str(error.value)
    assert "4711" not in str(error.value)


@pytest.mark.parametrize(
    ("convert", "names"),
    [(vt.to_pymc_marketing, ["x", "t_x"]), (vt.from_pymc_marketing, ["frequency", "recency"])],
)
def test_text_is_no_number(convert: Any, names: list[str]) -> None:
    """A column of text is refused under the name it came with."""
    frame = pd.DataFrame({"customer_id": [7], names[0]: ["1"], names[1]: [1.0], "T": [2.0]})
    with pytest.raises(vt.InvalidDataError, match=f"^{names[0]} must hold numbers, got values of type"):
        convert(frame)


def test_a_table_without_customers_stays_one() -> None:
    """Nothing is converted to nothing, with the right columns."""
    empty = vt.from_pymc_marketing(pd.DataFrame({name: np.empty(0) for name in THEIRS}))
    assert list(empty.columns) == ["customer_id", "x", "t_x", "T", "m_x"]
    assert list(vt.to_pymc_marketing(empty).columns) == THEIRS
