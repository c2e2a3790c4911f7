"""Plans: seconds and gap by number of customers, and beside one bare ``milp`` over the whole problem.

    python benchmarks/plan.py [--customers 100000] [--repeats 3] [--million] [--kinds]

Six offers per customer, four limits (a budget, an owner's minutes, two channels' contacts). Prints the
median seconds, the gap and the memory, then the same for a bare ``scipy.optimize.milp`` of 5,000 customers.
``--kinds`` prints seconds of the processor and gap for other kinds of values, uses and limits instead.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable

import numpy as np
import yaml
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, eye_array, kron, vstack

import valuetier as vt
from valuetier._core.allocation import allocate
from valuetier._core.compress import distinct_rows
from valuetier._core.lagrange import Problem

COST = np.array([0.1, 1.0, 2.0, 4.0, 12.0, 50.0])
MINUTES = np.array([0.0, 0.0, 0.0, 10.0, 0.0, 90.0])
CHANNELS = ("email", "sms", "app", "phone", "mail", "visit")
RESPONSE = np.array([0.01, 0.02, 0.03, 0.06, 0.08, 0.2])


def playbook() -> vt.Playbook:
    """Return six offers for everybody."""
    actions = {
        channel: {
            "action": {"en": channel, "zh": channel},
            "reason": {"en": "An offer.", "zh": "一项优惠。"},
            "channel": channel,
            "owner": "sales" if MINUTES[i] else "automation",
            "cadence_days": None,
            "cost": float(COST[i]),
            "minutes": float(MINUTES[i]),
        }
        for i, channel in enumerate(CHANNELS)
    }
    rules = [{"id": "all", "when": {}, "then": list(CHANNELS)}]
    title = {"en": "Offers", "zh": "优惠"}
    content = {"name": "offers", "version": 1, "title": title, "actions": actions, "rules": rules}
    return vt.Playbook.from_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))


def limits(n: int) -> dict[str, float]:
    """Return the limits: money, minutes of sales, calls and mails."""
    return {"budget": 2.0 * n, "sales": 2.0 * n, "phone": 0.05 * n, "mail": 0.03 * n}


def values(n: int, kind: str, seed: int = 0) -> np.ndarray:
    """Return what each offer brings: a lifetime value × a response, or independent of each other."""
    rng = np.random.default_rng(seed)
    worth = rng.gamma(0.7, 300, n)
    own = rng.gamma(4, 0.25, (n, 6)) if kind == "independent" else np.ones((n, 6))
    return (worth[:, None] * RESPONSE * own).round(2)


def planned(n: int, kind: str) -> Callable[[], vt.Plan]:
    """Return the plan of ``n`` customers, to be timed."""
    tiers = tuple(vt.Tier(i, name, name) for i, name in enumerate(("Top", "Middle", "Low")))
    codes = np.random.default_rng(1).integers(0, 3, n)
    assignment = vt.TierAssignment(codes, tiers, None, None, np.arange(n), kind="offers")
    mapper, value, given = vt.StrategyMapper(playbook()), values(n, kind), limits(n)
    capacity = {name: most for name, most in given.items() if name != "budget"}
    return lambda: mapper.plan(assignment, value=value, budget=given["budget"], capacity=capacity)


def bare(n: int, kind: str) -> Callable[[], float]:
    """Return the value by one call of HiGHS over everything, to be timed."""
    gain, given = values(n, kind), limits(n)
    is_phone, is_mail = (np.array(CHANNELS) == name for name in ("phone", "mail"))
    uses = np.array([COST, MINUTES, is_phone, is_mail], dtype=float)
    rows = vstack([kron(eye_array(n), np.ones((1, 6))), csr_array(np.tile(uses, n))]).tocsr()
    most = np.concatenate((np.ones(n), list(given.values())))
    options = {"mip_rel_gap": 1e-9, "time_limit": 300.0}
    return lambda: -milp(
        -gain.ravel(), constraints=LinearConstraint(rows, -np.inf, most), integrality=1,
        bounds=Bounds(0, 1), options=options,
    ).fun  # fmt: skip


def kinds(n: int, seed: int) -> dict[str, Problem]:
    """Return problems of six actions: few or many values, whole, in cents or real, with three to five tight limits."""
    rng = np.random.default_rng(seed)

    def problem(gain: np.ndarray, use: np.ndarray, limit: np.ndarray) -> Problem:
        classes = distinct_rows(*np.where(rng.random(gain.shape) < 0.2, -np.inf, gain).T)
        nobody = np.full(len(classes.rows), -1)
        return Problem(classes.rows, classes.weights, nobody, use, limit, np.empty(0), 1)

    def tight(use: np.ndarray) -> np.ndarray:
        return np.floor(rng.uniform(0.2, 0.6, use.shape[1]) * use.mean(axis=0) * n)

    small, real = rng.integers(0, 6, (6, 4)).astype(float), rng.gamma(2, 5, (6, 5))
    cents = np.column_stack(
        ([37.35, 21.1, 8.95, 4.2, 0.85, 0.07], [95, 40, 25, 10, 5, 0.0], np.arange(6) < 2)
    )
    own = rng.gamma(1, 40, (n, 1)) * np.array([1, 0.8, 0.5, 0.3, 0.2, 0.1]) * rng.uniform(0.5, 1.5, (n, 6))
    by_tier = np.array([20.0, 9, 4, 2, 1, 0.5]) * rng.integers(1, 6, (n, 1))
    return {
        "whole, 1 to 60": problem(rng.integers(1, 60, (n, 6)).astype(float), small, tight(small)),
        "whole, 1 to 12": problem(rng.integers(1, 12, (n, 6)).astype(float), small + 1, tight(small + 1)),
        "cents": problem(own.round(2), cents, np.array([3.33 * n, 8.0 * n, 0.05 * n])),
        "by tier": problem(by_tier, cents, np.array([2.0 * n, 5.0 * n, 0.05 * n])),
        "real": problem(rng.gamma(2, 5, (n, 6)), real, tight(real)),
    }


def print_kinds() -> None:
    """Print seconds of the processor and the gap for every kind of problem."""
    for n in (300, 3_000, 10_000):
        for seed in (0, 1):
            for kind, problem in kinds(n, seed).items():
                began = time.process_time()
                found = allocate(problem)
                took, gap = time.process_time() - began, 1 - found.value / found.bound
                print(f"{n:,} customers, {kind}: {took:.1f} s, gap {max(gap, 0.0):.1e}")


def measured(function: Callable[[], object], repeats: int) -> tuple[float, object]:
    """Return the median seconds and the last result."""
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        result = function()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken), result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--kinds", action="store_true")
    options = parser.parse_args()
    if options.kinds:
        print_kinds()
        return
    sizes = [(options.customers, options.repeats)] + [(1_000_000, 1)] * options.million
    for n, repeats in sizes:
        for kind in ("response", "independent"):
            took, plan = measured(planned(n, kind), repeats)
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            print(f"{n:,} customers × 6, {kind}: {took:.2f} s, gap {plan.gap:.1e}, at most {memory:.1f} GB")
    for kind in ("response", "independent"):
        ours, plan = measured(planned(5_000, kind), options.repeats)
        theirs, value = measured(bare(5_000, kind), options.repeats)
        print(f"5,000 customers, {kind}: {ours:.2f} s, bare milp {theirs:.2f} s, ratio {theirs / ours:.1f}, "
              f"value {plan.value:.2f} and {value:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
