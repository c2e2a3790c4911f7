"""Order log to customer table: valuetier beside lifetimes and a bare DuckDB query, in one run.

    python benchmarks/summarize.py [--orders 1000000] [--repeats 7]

Prints the median seconds of each way, the ways taken in turn, and the ratios.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import duckdb
import numpy as np
import pandas as pd

import valuetier as vt

BARE = """
    WITH days AS (SELECT customer_id, date::DATE AS day, sum(amount) AS amount FROM orders GROUP BY ALL)
    SELECT customer_id, min(day), max(day), count(*) - 1 AS x, sum(amount) AS spend,
           (sum(amount) - arg_min(amount, day)) / nullif(count(*) - 1, 0) AS m_x
    FROM days GROUP BY customer_id
"""


def make_orders(n: int, customers: int, seed: int = 0) -> pd.DataFrame:
    """Return a log of ``n`` orders over two years."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer_id": rng.integers(0, customers, n),
            "date": pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 730, n), unit="D"),
            "amount": rng.gamma(2, 20, n).round(2),
        }
    )


def seconds(function: Callable[[], object]) -> float:
    """Return how long one call takes."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lifetimes warns while it is imported
        from lifetimes.utils import summary_data_from_transaction_data
    orders = make_orders(options.orders, round(options.orders * 0.32))
    connection = duckdb.connect()
    connection.register("orders", orders)
    ways = {
        "valuetier": lambda: vt.summarize(orders),
        "lifetimes": lambda: summary_data_from_transaction_data(orders, "customer_id", "date", "amount"),
        "bare DuckDB query": lambda: connection.execute(BARE).df(),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(options.repeats + 1):
        for name, way in ways.items():
            took = seconds(way)
            if turn:  # the first round warms up
                times[name].append(took)
    print(f"{options.orders:,} orders, pandas, median of {options.repeats}")
    for name, taken in times.items():
        print(f"{name:<20} {statistics.median(taken):8.3f} s")
    for name in ("lifetimes", "bare DuckDB query"):
        ratios = [other / ours for other, ours in zip(times[name], times["valuetier"], strict=True)]
        print(
            f"{name} / valuetier: {statistics.median(ratios):.2f} (from {min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
