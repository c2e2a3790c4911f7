"""Maximum likelihood by Newton steps on log-parameters, with an honest report."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import optimize

from valuetier._core.compress import Floats

# A parameter e^9 times its starting scale has run away; further steps are not taken.
RUNAWAY = 9.0
LEASH = 10.0
GRADIENT_TOLERANCE = 1e-7


class Likelihood(NamedTuple):
    """Total log-likelihood with gradient and Hessian in the natural parameters."""

    value: float
    gradient: Floats
    hessian: Floats


Objective = Callable[[Floats], Likelihood]


@dataclass(frozen=True, slots=True)
class FitReport:
    """How a fit went.

    Attributes
    ----------
    status : str
        ``"converged"`` or ``"not_identified"``.
    message : str
        What happened, in a sentence; names the parameters that run away.
    log_likelihood : float
        Total over all customers.
    gradient_norm : float
        Largest absolute derivative of the mean log-likelihood by a log-parameter.
    smallest_eigenvalue, condition : float
        Of the Hessian of the mean negative log-likelihood in log-parameters.
    iterations, restarts : int
    rows, distinct_rows : int
        Customers (their total weight) and distinct rows among them.
    seconds : float
    """

    status: str
    message: str
    log_likelihood: float
    gradient_norm: float
    smallest_eigenvalue: float
    condition: float
    iterations: int
    restarts: int
    rows: float
    distinct_rows: int
    seconds: float

    @property
    def converged(self) -> bool:
        """True if the maximum was found and is one."""
        return self.status == "converged"


class Optimum(NamedTuple):
    """Natural parameters at the maximum, their covariance and the report."""

    parameters: Floats
    covariance: Floats
    report: FitReport


def maximise(
    objective: Objective,
    starts: Sequence[Floats],
    names: Sequence[str],
    *,
    rows: float,
    distinct_rows: int,
) -> Optimum:
    """Return the maximum-likelihood parameters, all positive.

    Newton steps in a trust region on the log-parameters, from each start in turn
    until one converges. Covariance: inverse of the observed information in log
    parameters, carried to natural units as θᵢ θⱼ (H⁻¹)ᵢⱼ.
    """
    began = time.perf_counter()
    best: optimize.OptimizeResult | None = None
    iterations = 0
    for attempt, start in enumerate(starts):
        found = _newton(objective, start, rows)
        iterations += int(found.nit)
        if best is None or found.fun < best.fun - 1e-12:
            best, restarts = found, attempt
        if _is_maximum(best):
            break
    if best is None:  # no start was given
        raise ValueError("at least one starting point is needed")
    theta = np.exp(best.x)
    eigenvalues = np.linalg.eigvalsh(best.hess)
    moved = best.x - starts[restarts]
    good = _is_maximum(best) and bool(np.abs(moved).max() <= RUNAWAY)
    report = FitReport(
        status="converged" if good else "not_identified",
        message=_message(best, names, moved, good),
        log_likelihood=-float(best.fun) * rows,
        gradient_norm=float(np.abs(best.jac).max()),
        smallest_eigenvalue=float(eigenvalues[0]),
        condition=float(eigenvalues[-1] / eigenvalues[0]) if eigenvalues[0] > 0 else math.inf,
        iterations=iterations,
        restarts=restarts,
        rows=rows,
        distinct_rows=distinct_rows,
        seconds=time.perf_counter() - began,
    )
    covariance = np.full_like(best.hess, np.nan)
    if good:
        covariance = np.linalg.inv(best.hess * rows) * np.outer(theta, theta)
    return Optimum(theta, covariance, report)


def _newton(objective: Objective, start: Floats, rows: float) -> optimize.OptimizeResult:
    """Return scipy's result for the mean negative log-likelihood in log-parameters."""
    last: dict[bytes, tuple[float, Floats, Floats]] = {}

    def evaluate(log_theta: Floats) -> tuple[float, Floats, Floats]:
        key = log_theta.tobytes()
        if key not in last:
            last.clear()
            leashed = bool(np.abs(log_theta - start).max() <= LEASH)
            last[key] = _in_logs(objective, log_theta, rows) if leashed else _outside(log_theta)
        return last[key]

    with np.errstate(all="ignore"):
        found = optimize.minimize(
            lambda at: evaluate(at)[0],
            start,
            jac=lambda at: evaluate(at)[1],
            hess=lambda at: evaluate(at)[2],
            method="trust-exact",
            options={"gtol": GRADIENT_TOLERANCE, "maxiter": 200},
        )
        found.fun, found.jac, found.hess = evaluate(found.x)
    return found


def _in_logs(objective: Objective, log_theta: Floats, rows: float) -> tuple[float, Floats, Floats]:
    """Return the mean negative log-likelihood with derivatives by the log-parameters."""
    theta = np.exp(log_theta)
    value, gradient, hessian = objective(theta)
    by_log = gradient * theta
    curvature = hessian * np.outer(theta, theta) + np.diag(by_log)
    if not (math.isfinite(value) and np.isfinite(by_log).all() and np.isfinite(curvature).all()):
        return _outside(log_theta)
    return -value / rows, -by_log / rows, -curvature / rows


def _outside(log_theta: Floats) -> tuple[float, Floats, Floats]:
    """Return what makes the trust region shrink: a point that is worse than any other."""
    return math.inf, np.zeros_like(log_theta), np.eye(len(log_theta))


def _is_maximum(found: optimize.OptimizeResult) -> bool:
    """Whether the gradient vanishes and the curvature is that of a maximum."""
    if not math.isfinite(found.fun):
        return False
    flat = np.abs(found.jac).max() < 100 * GRADIENT_TOLERANCE
    return bool(flat and np.linalg.eigvalsh(found.hess)[0] > 1e-8)


def _message(
    found: optimize.OptimizeResult,
    names: Sequence[str],
    moved: Floats,
    good: bool,
) -> str:
    if good:
        return "The maximum of the likelihood was found."
    to_ends = [
        f"{name} → {'∞' if way > 0 else '0'}"
        for name, way in zip(names, moved, strict=True)
        if abs(way) > RUNAWAY
    ]
    if to_ends:
        return f"The data do not pin down all parameters: {', '.join(to_ends)}."
    values, vectors = np.linalg.eigh(found.hess)
    loose = [name for name, part in zip(names, vectors[:, 0], strict=True) if abs(part) > 0.3]
    return (
        f"The likelihood is flat in the direction of {', '.join(loose)} "
        f"(smallest eigenvalue {values[0]:.1e}): the data do not pin them down."
    )
