"""Plans: seconds and gap by number of customers, and beside one bare ``milp`` over the whole problem.

    python benchmarks/plan.py [--customers 100000] [--repeats 3] [--million]

Six offers per customer, four limits (a budget, an owner's minutes, two channels' contacts). Prints the
median seconds, the gap and the memory, then the same for a bare ``scipy.optimize.milp`` of 5,000 customers.
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
    options = parser.parse_args()
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
