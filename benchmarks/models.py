"""Probability models: valuetier beside lifetimes, and how the cost of a fit grows.

    python benchmarks/models.py [--customers 1000000] [--repeats 3] [--only fit,value,...]

Prints the seconds of each way, taken in turn in one run, the ratios, and both
log-likelihoods, computed with the same function.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable

import numpy as np

import valuetier as vt

COUNTS = vt.BGNBD.from_params(r=0.55, alpha=40.0, a=0.8, b=2.5)
AMOUNTS = vt.GammaGamma.from_params(p=6.0, q=4.0, v=16.0)
YEAR, DISCOUNT = 364.0, 0.10
GROWTH = (10_000, 100_000, 1_000_000, 10_000_000)
Columns = tuple[np.ndarray, ...]

PEAK = """
import pathlib, sys
import numpy as np
import valuetier as vt

def peak():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))

history = tuple(np.load(sys.argv[1]))
before = peak()
vt.BGNBD().fit(*history)
print(peak(), before)
"""


def customers(n: int, seed: int = 0) -> Columns:
    """Return (x, t_x, T) in whole days, of customers seen for one month to two years."""
    rng = np.random.default_rng(seed)
    x, t_x, T = COUNTS.simulate(n, rng.integers(30, 730, n), rng)
    return x, np.ceil(t_x), T


def seconds(function: Callable[[], object]) -> float:
    """Return how long one call takes."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def side_by_side(title: str, ours: Callable[[], object], theirs: Callable[[], object], repeats: int) -> None:
    """Time both in turn and print medians and the ratio."""
    ours()
    times = [(seconds(ours), seconds(theirs)) for _ in range(repeats)]
    mine, other = (statistics.median(column) for column in zip(*times, strict=True))
    ratios = [b / a for a, b in times]
    print(
        f"{title}: valuetier {mine:.3f} s, lifetimes {other:.3f} s, "
        f"ratio {statistics.median(ratios):.1f} (from {min(ratios):.1f} to {max(ratios):.1f})",
        flush=True,
    )


def fit(n: int, repeats: int) -> None:
    """BG/NBD fits, and the likelihood that each reaches."""
    from lifetimes import BetaGeoFitter

    history = customers(n)
    side_by_side(
        f"BG/NBD fit, {n:,} customers", lambda: vt.BGNBD().fit(*history), lambda: BetaGeoFitter().fit(*history),
        repeats,
    )  # fmt: skip
    ours, theirs = vt.BGNBD().fit(*history), BetaGeoFitter().fit(*history)
    reached = vt.BGNBD.from_params(**theirs.params_).log_likelihood(*history).sum()
    print(f"  log-likelihood: {ours.log_likelihood_:.6f} and {reached:.6f}", flush=True)


def cdnow(repeats: int) -> None:
    """Fits of a small table: 2,357 customers of CDNOW in weeks."""
    from lifetimes import BetaGeoFitter
    from lifetimes.datasets import load_cdnow_summary

    weeks = load_cdnow_summary()
    history = tuple(weeks[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    side_by_side(
        "BG/NBD fit, CDNOW", lambda: vt.BGNBD().fit(*history), lambda: BetaGeoFitter().fit(*history),
        10 * repeats,
    )  # fmt: skip


def amounts(n: int, repeats: int) -> None:
    """Gamma-Gamma fits of those with repeat orders."""
    from lifetimes import GammaGammaFitter

    x, *_ = customers(n)
    m = AMOUNTS.simulate(x, np.random.default_rng(1))
    repeat = x > 0
    side_by_side(
        f"Gamma-Gamma fit, {n:,} customers, {int(repeat.sum()):,} with repeat orders",
        lambda: vt.GammaGamma().fit(x, m), lambda: GammaGammaFitter().fit(x[repeat], m[repeat]), repeats,
    )  # fmt: skip
    theirs = GammaGammaFitter().fit(x[repeat], m[repeat])
    reached = vt.GammaGamma.from_params(**theirs.params_).log_likelihood(x, m).sum()
    print(f"  log-likelihood: {vt.GammaGamma().fit(x, m).log_likelihood_:.6f} and {reached:.6f}", flush=True)


def value(n: int, repeats: int) -> None:
    """P(alive), purchases of 52 weeks and the discounted value of 12 months for every customer."""
    import pandas as pd
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    x, t_x, T = customers(n)
    m = np.nan_to_num(AMOUNTS.simulate(x, np.random.default_rng(1)))
    their_counts, their_amounts = BetaGeoFitter(), GammaGammaFitter()
    their_counts.params_, their_amounts.params_ = pd.Series(COUNTS.params()), pd.Series(AMOUNTS.params())
    their_counts.predict = their_counts.conditional_expected_number_of_purchases_up_to_time
    frame = [pd.Series(column) for column in (x, t_x, T, m)]

    def ours() -> None:
        COUNTS.probability_alive(x, t_x, T)
        COUNTS.conditional_expected_purchases(YEAR, x, t_x, T)
        rate = np.log1p(DISCOUNT) / 365
        COUNTS.discounted_expected_purchases(365, rate, x, t_x, T) * AMOUNTS.expected_value(x, m)

    def theirs() -> None:
        their_counts.conditional_probability_alive(x, t_x, T)
        their_counts.predict(YEAR, x, t_x, T)
        monthly = (1 + DISCOUNT) ** (1 / 12) - 1
        their_amounts.customer_lifetime_value(their_counts, *frame, time=12, freq="D", discount_rate=monthly)

    side_by_side(f"P(alive), 52 weeks and 12-month value, {n:,} customers", ours, theirs, repeats)


def growth(most: int) -> None:
    """How the cost of a BG/NBD fit grows with the number of customers."""
    for n in (size for size in GROWTH if size <= most):
        history = customers(n)
        took = statistics.median(seconds(lambda h=history: vt.BGNBD().fit(*h)) for _ in range(3))
        distinct = vt.BGNBD().fit(*history).report_.distinct_rows
        print(f"BG/NBD fit, {n:>10,} customers, {distinct:>9,} distinct: {took:7.3f} s", flush=True)


def memory(n: int) -> None:
    """Peak memory (on Linux) of a process that reads customers and fits, and what it was before the fit."""
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/customers.npy"
        np.save(file, customers(n))
        command = [sys.executable, "-c", PEAK, file]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    peak, before = map(float, done.stdout.split())
    print(f"Peak memory, {n:,} customers: {peak:.0f} MB in all, {before:.0f} MB before the fit", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--most", type=int, default=GROWTH[-1], help="largest fit of the growth table")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="cdnow,fit,amounts,value,growth,memory")
    options = parser.parse_args()
    n, repeats = options.customers, options.repeats
    parts = {
        "cdnow": lambda: cdnow(repeats),
        "fit": lambda: fit(n, repeats),
        "amounts": lambda: amounts(n, repeats),
        "value": lambda: value(n, repeats),
        "growth": lambda: growth(options.most),
        "memory": lambda: memory(n),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lifetimes warns while it is imported and where it divides by 0
        for part in options.only.split(","):
            parts[part]()


if __name__ == "__main__":
    main()
