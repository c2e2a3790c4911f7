"""Order logs in parquet: valuetier beside a bare DuckDB query, and a log larger than memory, in one run.

    python benchmarks/large.py [--orders 10000000] [--repeats 5]
    python benchmarks/large.py --to-tiers --orders 100000000

The first prints the median seconds of ``vt.summarize`` and of the bare query, both to a pandas frame, the ways
taken in turn, and the ratios. The second prints seconds and peak memory of ``vt.run_on_disk`` step by step.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from summarize import seconds

import valuetier as vt

BARE = """
    WITH days AS (SELECT customer_id, date::DATE AS day, sum(amount) AS amount FROM '{path}' GROUP BY ALL)
    SELECT customer_id, min(day), max(day), count(*) - 1 AS x, sum(amount) AS spend,
           (sum(amount) - arg_min(amount, day)) / nullif(count(*) - 1, 0) AS m_x
    FROM days GROUP BY customer_id
"""
FILE_ROWS = 5_000_000


def write_orders(folder: Path, orders: int, customers: int) -> str:
    """Write a log over two years, amounts log-normal, as parquet files; return their glob."""
    connection = duckdb.connect()
    connection.execute("SET threads = 1")  # random numbers in one order
    connection.execute("SELECT setseed(0.5)").fetchall()
    for file, start in enumerate(range(0, orders, FILE_ROWS)):
        normal = "sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())"
        connection.sql(
            f"SELECT (random() * {customers})::BIGINT AS customer_id, "
            "DATE '2022-01-01' + (random() * 729)::INT AS date, "
            f"round(exp(3 + 0.8 * {normal}), 2) AS amount FROM range({min(FILE_ROWS, orders - start)})"
        ).write_parquet(str(folder / f"orders-{file:03}.parquet"))
    return str(folder / "orders-*.parquet")


def beside_a_bare_query(path: str, repeats: int) -> None:
    """Measure and print the ratio."""
    ways = {
        "valuetier": lambda: vt.summarize(path),
        "bare DuckDB query": lambda: duckdb.connect().execute(BARE.format(path=path)).df(),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeats + 1):
        for name, way in ways.items():
            took = seconds(way)
            if turn:  # the first round warms up
                times[name].append(took)
    for name, taken in times.items():
        print(f"{name:<20} {statistics.median(taken):8.3f} s")
    ratios = [ours / bare for ours, bare in zip(*times.values(), strict=True)]
    print(f"valuetier / bare: {statistics.median(ratios):.2f} (from {min(ratios):.2f} to {max(ratios):.2f})")


def to_tiers(path: str, folder: Path, segmenter: str) -> None:
    """Run from orders to tiers on disk; print time and peak memory of each step."""
    began = time.perf_counter()

    def say(step: str) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)
        print(f"{time.perf_counter() - began:7.1f} s  peak {peak:4.2f} GB  {step}", flush=True)

    result = vt.run_on_disk(path, segmenter=segmenter, out=folder / "out", progress=say)
    say("done")
    print(result.learned_from)
    print(result.tiers.to_string(index=False))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--to-tiers", action="store_true")
    parser.add_argument("--segmenter", default="rfm")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = write_orders(Path(folder), options.orders, options.orders // 10)
        print(f"{options.orders:,} orders of {options.orders // 10:,} customers in parquet")
        if options.to_tiers:
            to_tiers(path, Path(folder), options.segmenter)
        else:
            beside_a_bare_query(path, options.repeats)


if __name__ == "__main__":
    main()
