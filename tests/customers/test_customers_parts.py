"""Neither threads nor parts change a number, and a summary changes nothing around it."""

from __future__ import annotations

import math
import random
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

import valuetier as vt
from tests.customers.logs import Order, expected, records
from tests.customers.test_customers_edges import DAYS, every_way, log_of
from valuetier.customers import duck

# --- nothing else changes ---------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_the_threads_of_duckdb_do_not_matter(threads: int, tmp_path: Path) -> None:
    """The same table and report with one thread and several, further columns and all."""
    draw = random.Random(3)
    n = 20_000
    cents = [draw.randrange(-500, 9_999) for _ in range(n)]
    log = pd.DataFrame(
        {
            "customer_id": [draw.randrange(3_000) for _ in range(n)],
            "date": [DAYS[draw.randrange(6)] for _ in range(n)],
            "amount": [cent / 100 for cent in cents],
            "order": [draw.randrange(4) for _ in range(n)],
            "channel": [draw.choice(["a", "b", None]) for _ in range(n)],
        }
    )
    options: dict[str, Any] = {
        "order_id": "order", "duplicates": "drop", "cost": "amount",
        "extra": {"channels": ("channel", "n_unique"), "end": ("channel", "last")}, "parents": {1: 2, 2: 3},
    }  # fmt: skip
    wanted = vt.summarize(log, **options)
    found = vt.summarize(duckdb.connect(config={"threads": threads}).from_df(log), as_="pandas", **options)
    pd.testing.assert_frame_equal(found.customers, wanted.customers, rtol=1e-9, atol=1e-9)
    pd.testing.assert_frame_equal(found.report.to_frame(), wanted.report.to_frame(), rtol=1e-9)


@every_way
def test_nothing_global_changes(way: str, tmp_path: Path) -> None:
    """Neither DuckDB's default connection, nor options of pandas, nor filters of warnings."""
    log = log_of(way, tmp_path)

    def state() -> tuple[Any, ...]:
        tables = duckdb.sql("SELECT table_name FROM duckdb_tables()").fetchall()
        views = duckdb.sql("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        settings = duckdb.sql("SELECT name, value FROM duckdb_settings() ORDER BY name").fetchall()
        shown = [pd.get_option(name) for name in ("display.max_rows", "display.precision")]
        return tables, views, settings, shown, list(warnings.filters), np.geterr(), random.getstate()

    before = state()
    vt.summarize(log, extra={"n": ("amount", "sum")}, parents={"A": "B"}, duplicates="drop", refunds="drop")
    assert state() == before


# --- the table in parts -----------------------------------------------------------------------


@pytest.mark.parametrize("period", ["D", "W", "h"])
@pytest.mark.parametrize("way", ["PyArrow", "parquet", "CSV"])
def test_a_table_built_in_parts_is_the_same(
    way: str, period: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts by customer agree with the oracle, and customers of a large first purchase keep all their digits."""
    draw = random.Random(11)
    orders = []
    for who in range(60):
        days = sorted(draw.sample(range(400), draw.randint(1, 6)))
        for place, day in enumerate(days):
            cents = (
                draw.choice((100_000_000, 4_000_000_000))
                if place == 0 and who % 2
                else draw.choice((1, 7, 99))
            )
            orders.append(Order(who, DAYS[0] + timedelta(days=day, hours=who % 24), cents, place))
        if who % 5 == 0:
            orders.append(Order(who, DAYS[0] + timedelta(days=draw.randrange(400)), -3, 9))
    columns = {
        "customer_id": [order.customer for order in orders],
        "date": [order.at for order in orders],
        "amount": [order.amount for order in orders],
    }
    part_rows = len(orders) // 2 + 1 if period == "W" else 13  # two parts, or many
    monkeypatch.setattr(duck, "PART_ROWS", part_rows)
    told: list[str] = []
    summary = vt.summarize(
        log_of(way, tmp_path, **columns), period=period, as_="pandas", progress=told.append
    )
    parts = math.ceil(len(orders) / part_rows)
    assert f"building the customer table, part {parts} of {parts}" in told
    wanted = expected(orders, period=period)
    assert wanted is not None
    found = records(summary.customers)
    assert [row["customer_id"] for row in found] == list(wanted.table)
    for row in found:
        theirs = wanted.table[row["customer_id"]]
        assert (row["orders"], row["x"], row["recency_days"]) == (
            theirs["orders"],
            theirs["x"],
            theirs["recency_days"],
        )
        assert row["m_x"] is None or math.isclose(row["m_x"], theirs["m_x"], rel_tol=1e-12)
        assert (row["m_x"] is None) == (theirs["m_x"] is None)
        assert math.isclose(row["spend"], theirs["spend"], rel_tol=1e-12)
    assert summary.report.reconciles
