"""The customer table under the names that lifetimes uses, and back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import narwhals as nw
import pandas as pd
import pytest

import valuetier as vt
from tests.customers.kinds import as_pandas, as_polars, as_relation
from tests.customers.logs import Order, records

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
