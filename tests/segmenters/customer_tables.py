"""Customer tables for the tests: seeded ones to learn from, drawn ones to break things with."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

import valuetier as vt
from valuetier.base import BaseSegmenter
from valuetier.plugins import segmenter_class

AS_OF = np.datetime64("2024-06-30")

INSTALLED = vt.available_segmenters()
BUILT_ON_BASE = tuple(name for name in INSTALLED if issubclass(segmenter_class(name), BaseSegmenter))


@cache
def _made(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    buyers = vt.BGNBD.from_params(r=0.9, alpha=60.0, a=0.8, b=2.5)
    x, t_x, T = buyers.simulate(n, rng.integers(30, 720, n).astype(np.float64), rng)
    t_x = np.where(x > 0, np.maximum(np.ceil(t_x), 1.0), 0.0)
    mean = np.round(rng.gamma(3.0, 12.0, n) + 1.0)
    return _table(x.astype(np.int64), t_x, T, mean, spend=mean * (x + 1))


def make(n: int = 200, seed: int = 0) -> pd.DataFrame:
    """Return ``n`` customers who buy as the BG/NBD model says; amounts in whole units, so they repeat."""
    return _made(n, seed).copy()


def _table(x: Any, t_x: Any, T: Any, mean: Any, spend: Any) -> pd.DataFrame:
    x, t_x, T, mean, spend = (np.asarray(column) for column in (x, t_x, T, mean, spend))
    first = AS_OF - T.astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:06d}" for i in range(len(x))],
            "first_order": first.astype("datetime64[us]"),
            "last_order": (first + t_x.astype("timedelta64[D]")).astype("datetime64[us]"),
            "orders": x + 1,
            "spend": spend.astype(np.float64),
            "recency_days": (T - t_x).astype(np.int64),
            "x": x,
            "t_x": t_x.astype(np.float64),
            "T": T.astype(np.float64),
            "m_x": np.where(x > 0, mean, np.nan),
        }
    )


@st.composite
def _histories(draw: st.DrawFn) -> tuple[int, int, int, float, float]:
    age = draw(st.integers(0, 4000))
    x = draw(st.integers(0, min(age, 300)))
    last = draw(st.integers(x, age)) if x else 0
    mean = draw(st.integers(0, 10**7)) / 100
    first_less_refunds = draw(st.integers(-(10**6), 10**7)) / 100
    return x, last, age, mean, first_less_refunds + x * mean


@st.composite
def customer_tables(draw: st.DrawFn, min_size: int = 1, max_size: int = 12) -> pd.DataFrame:
    """Draw a valid customer table: one-time buyers, refunded ones, whales, and many equal ones."""
    pool = draw(st.lists(_histories(), min_size=1, max_size=max_size))
    rows = draw(st.lists(st.sampled_from(pool), min_size=min_size, max_size=max_size))
    return _table(*zip(*rows, strict=True))


@cache
def fitted(name: str) -> Any:
    """Return an installed segmenter with default parameters, fitted on 200 customers. Not to be changed."""
    return vt.get_segmenter(name).fit(make())


def same_customers_again(customers: pd.DataFrame) -> pd.DataFrame:
    """Return the customers twice, the second time under new ids."""
    twins = customers.assign(customer_id="twin of " + customers["customer_id"])
    return pd.concat([customers, twins], ignore_index=True)
