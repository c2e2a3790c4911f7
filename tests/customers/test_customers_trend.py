"""The trend of customers' spend: two windows, whatever the frame."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import valuetier as vt

DAY = date(2024, 6, 30)
LINES = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 45), st.integers(-50, 200)), min_size=1, max_size=25
)


def _log(lines) -> pd.DataFrame:
    who, ago, amounts = zip(*lines, strict=True)
    return pd.DataFrame(
        {
            "customer_id": who,
            "date": pd.to_datetime([DAY - timedelta(days=days) for days in ago]),
            "amount": np.array(amounts, dtype=np.float64),
        }
    )


def _by_hand(lines, window_days: int, age_of_as_of: int) -> dict[str, float | None]:
    """Return the trends from plain loops over plain numbers."""
    found: dict[str, float | None] = {}
    for customer in sorted({who for who, ago, _ in lines if ago >= age_of_as_of}):
        own = [(ago - age_of_as_of, amount) for who, ago, amount in lines if who == customer]
        own = [(ago, amount) for ago, amount in own if ago >= 0]
        recent = max(0, sum(amount for ago, amount in own if ago < window_days))
        before = max(0, sum(amount for ago, amount in own if window_days <= ago < 2 * window_days))
        known = max(ago for ago, _ in own) >= 2 * window_days - 1 and recent + before > 0
        found[customer] = (recent - before) / (recent + before) if known else None
    return found


@given(lines=LINES, window_days=st.integers(1, 20), age_of_as_of=st.integers(0, 10))
def test_the_trend_is_what_two_loops_find(lines, window_days, age_of_as_of):
    """Windows, refunds, young customers and those without spend agree with plain loops."""
    as_of = DAY - timedelta(days=age_of_as_of)
    found = vt.spend_trend(_log(lines), window_days=window_days, as_of=as_of)
    expected = _by_hand(lines, window_days, age_of_as_of)
    assert found["customer_id"].tolist() == list(expected)
    wanted = [np.nan if trend is None else trend for trend in expected.values()]
    np.testing.assert_allclose(found["trend"], wanted, rtol=1e-11, atol=1e-11)


@given(lines=LINES)
def test_the_order_of_the_rows_changes_nothing(lines):
    """Reversed rows give the same trends, bit for bit."""
    log = _log(lines)
    pd.testing.assert_frame_equal(
        vt.spend_trend(log, window_days=10), vt.spend_trend(log[::-1], window_days=10)
    )


@pytest.mark.parametrize(
    "kind",
    [
        pl.from_pandas,
        lambda log: pl.from_pandas(log).lazy(),
        lambda log: pa.Table.from_pandas(log, preserve_index=False),
        lambda log: duckdb.from_arrow(pa.Table.from_pandas(log, preserve_index=False)),
    ],
    ids=["polars", "polars lazy", "arrow", "duckdb"],
)
def test_every_kind_of_log_gives_the_same_trends(kind):
    """Polars, PyArrow and DuckDB logs are read like pandas ones."""
    log = vt.datasets.load_cdnow_orders().head(3000)[["customer_id", "date", "amount"]]
    expected = vt.spend_trend(log, window_days=120)
    found = vt.spend_trend(kind(log), window_days=120)
    assert expected["trend"].notna().sum() > 100
    assert found["customer_id"].tolist() == expected["customer_id"].tolist()
    np.testing.assert_array_equal(found["trend"], expected["trend"])


def test_rows_that_say_nothing_are_left_out():
    """Missing ids, dates and amounts, and infinite amounts, change no trend."""
    log = _log([("a", 0, 30), ("a", 15, 20), ("a", 25, 1)])
    bad = pd.concat([log] * 4, ignore_index=True)[3:].reset_index(drop=True)
    bad.loc[0:2, "customer_id"] = None
    bad.loc[3:5, "date"] = pd.NaT
    bad.loc[6:8, "amount"] = [np.nan, np.inf, -np.inf]
    found = vt.spend_trend(pd.concat([log, bad]), window_days=10)
    assert found.to_dict("list") == vt.spend_trend(log, window_days=10).to_dict("list")


def test_what_cannot_work_is_refused():
    """Each message has the parameter, the need and the value, or the columns that are there."""
    log = _log([("a", 0, 30)])
    with pytest.raises(vt.InvalidParameterError) as caught:
        vt.spend_trend(log, window_days=0)
    assert str(caught.value) == "window_days must be a whole number ≥ 1, got 0."
    with pytest.raises(vt.MissingColumnsError) as caught:
        vt.spend_trend(log, amount="amuont")
    assert str(caught.value).startswith(
        "The order log lacks ['amuont']. It has ['customer_id', 'date', 'amount']. Did you mean 'amount'?"
    )
