"""A million customers explained, segmenter by segmenter, beside what predicting their tiers takes.

    python benchmarks/explain.py [--customers 1000000] [--segmenters rfm,clv]

Prints seconds, and seconds of the processors, of ``predict`` and of the table of ``vt.explanation``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

import valuetier as vt

FITTED_ON = 100_000


def customers(n: int) -> pd.DataFrame:
    """Return customers with amounts in cents, hardly two of them alike."""
    table = vt.checks.make_customers(n)
    rng = np.random.default_rng(1)
    amounts = np.round(rng.lognormal(3.0, 0.8, n), 2)
    return table.assign(
        spend=np.round(amounts * table["orders"], 2), m_x=np.where(table["x"] > 0, amounts, np.nan)
    )


def took(work: Callable[[], Any]) -> tuple[float, float]:
    """Return the seconds that a call takes, by the clock and of the processors."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Fit each segmenter to a part of the customers and explain all of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--segmenters", default=",".join(vt.available_segmenters()))
    arguments = parser.parse_args()
    table = customers(arguments.customers)
    print(f"{'seconds':<12}{'predict':>9}{'explain':>9}{'processor':>11}")
    for name in arguments.segmenters.split(","):
        segmenter = vt.get_segmenter(name).fit(table.head(FITTED_ON))
        predicting, _ = took(lambda segmenter=segmenter: segmenter.predict(table))
        explaining, processor = took(lambda segmenter=segmenter: vt.explanation(segmenter, table).to_frame())
        print(f"{name:<12}{predicting:>9.2f}{explaining:>9.2f}{processor:>11.2f}", flush=True)


if __name__ == "__main__":
    main()
