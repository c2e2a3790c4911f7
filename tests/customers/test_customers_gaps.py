"""Logarithms of the times between occasions, beside the customer table of the same log."""

import itertools
import math
from datetime import date, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import valuetier as vt

FIRST = date(2023, 1, 2)
logs = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 40), st.sampled_from((-5.0, 0.0, 9.0))), min_size=1
)


def frame_of(log):
    return pd.DataFrame(
        [(who, pd.Timestamp(FIRST + timedelta(days=day)), amount) for who, day, amount in log],
        columns=["customer_id", "date", "amount"],
    )


def by_hand(log, length=1):
    """Return Σ log gaps per customer from plain sets: one occasion a period, at its first day."""
    found = {}
    for who in sorted({who for who, _, amount in log if amount >= 0}):
        starts = {}
        for day in sorted(day for name, day, amount in log if name == who and amount >= 0):
            starts.setdefault(day // length, day)
        times = sorted(starts.values())
        found[who] = sum(math.log(b - a) for a, b in itertools.pairwise(times))
    return found


@given(log=logs, period=st.sampled_from(("D", "W")))
def test_equals_the_sum_by_hand(log, period):
    """For any log, by day or by week, in pandas and in Polars."""
    frame = frame_of(log)
    expected = by_hand(log, 7 if period == "W" else 1)
    for orders in (frame, pl.from_pandas(frame)):
        found = vt.sum_log_gaps(orders, period=period)
        assert found["customer_id"].tolist() == list(expected)
        np.testing.assert_allclose(found["sum_log_gaps"], list(expected.values()), atol=1e-12)


def test_rows_are_those_of_the_customer_table():
    """Each customer of the table has a row, in the same order; one occasion has 0; as_of cuts both."""
    orders = vt.datasets.load_cdnow_orders()
    customers = vt.summarize(orders, as_of="1997-09-30").customers
    found = vt.sum_log_gaps(orders, as_of="1997-09-30")
    assert found["customer_id"].tolist() == customers["customer_id"].tolist()
    assert ((found["sum_log_gaps"] > 0) <= (customers["x"] > 0)).all()
    two = customers["x"] == 1
    np.testing.assert_allclose(found["sum_log_gaps"][two], np.log(customers["t_x"][two]), rtol=1e-12)


def test_bad_rows_make_no_occasion():
    """Missing ids, dates and amounts, infinite amounts and refunds are passed over."""
    orders = pd.DataFrame({
        "customer_id": ["a", "a", None, "a", "a", "a", "a"],
        "date": pd.to_datetime(["2024-01-01", "2024-01-11", "2024-01-03", None, "2024-01-04", "2024-01-05", "2024-01-06"]),
        "amount": [1.0, 2.0, 3.0, 4.0, np.nan, np.inf, -1.0],
    })  # fmt: skip
    assert vt.sum_log_gaps(orders)["sum_log_gaps"].tolist() == [pytest.approx(math.log(10))]


def test_by_the_hour_times_stay_in_days():
    """Two orders six hours apart are a quarter of a day apart."""
    orders = pd.DataFrame({
        "customer_id": ["a", "a"],
        "date": pd.to_datetime(["2024-01-01 06:00", "2024-01-01 12:00"]),
        "amount": [1.0, 2.0],
    })  # fmt: skip
    assert vt.sum_log_gaps(orders, period="h")["sum_log_gaps"].tolist() == [pytest.approx(math.log(0.25))]
    assert vt.sum_log_gaps(orders)["sum_log_gaps"].tolist() == [0]


def test_what_cannot_be_read_is_named():
    """A missing column and an unknown period are errors of the library."""
    with pytest.raises(vt.MissingColumnsError, match=r"The order log lacks \['when'\]"):
        vt.sum_log_gaps(frame_of([("a", 1, 2.0)]), date="when")
    with pytest.raises(vt.InvalidParameterError, match="period must be one of"):
        vt.sum_log_gaps(frame_of([("a", 1, 2.0)]), period="M")
