"""The purchase models, each with parameters to simulate from, for laws that all of them obey."""

from __future__ import annotations

from typing import Any

import numpy as np

import valuetier as vt

BGNBD = vt.BGNBD.from_params(r=0.6, alpha=25.0, a=0.8, b=2.5)
MBGNBD = vt.MBGNBD.from_params(r=0.9, alpha=25.0, a=0.7, b=2.5)
PARETO = vt.ParetoNBD.from_params(r=0.7, alpha=25.0, s=0.7, beta=100.0)
CNBDK = vt.CNBDK.from_params(k=2, r=0.8, alpha=12.0, a=0.8, b=2.5)
MCNBDK = vt.MCNBDK.from_params(k=3, r=1.0, alpha=9.0, a=0.7, b=2.5)
BGBB = vt.BGBB.from_params(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8)

IN_TIME = {type(true).__name__: true for true in (BGNBD, MBGNBD, PARETO, CNBDK, MCNBDK)}
ALL = {**IN_TIME, "BGBB": BGBB}

# Parameters that are times or, for the other way round, rates of something per time.
TIMES = {"ParetoNBD": ("alpha", "beta")} | dict.fromkeys(("BGNBD", "MBGNBD", "CNBDK", "MCNBDK"), ("alpha",))


def simulated(true: Any, n: int = 400, seed: int = 0, *, whole: bool = True) -> list[np.ndarray]:
    """Return histories (x, t_x, T) of a model's customers, by default in whole days, which repeat."""
    rng = np.random.default_rng(seed)
    if isinstance(true, vt.BGBB):
        return list(true.simulate(n, rng.integers(3, 12, n), rng))
    x, t_x, T = true.simulate(n, rng.integers(60, 500, n), rng)[:3]
    return [x, np.ceil(t_x) if whole else t_x, T]
