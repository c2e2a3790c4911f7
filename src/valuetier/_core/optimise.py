"""Maximum likelihood by Newton steps on log-parameters, with an honest report."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from scipy import optimize

from valuetier._core.compress import Floats
from valuetier._core.likelihood import SAMPLE, Likelihood, Sample

# A parameter e^9 times its starting scale has run away; further steps are not taken.
RUNAWAY = 9.0
LEASH = 10.0
GRADIENT_TOLERANCE = 1e-7

# Newton steps at the end until the log-likelihood of all customers would gain less than this.
LAST_GAIN = 1e-9
LAST_STEPS = 3


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


class Objective(Protocol):
    """A total log-likelihood with derivatives; ``total`` is the number of customers."""

    total: float

    def __call__(self, working: Floats, /) -> Likelihood:
        """Return value, gradient and Hessian at the working parameters."""


class Optimum(NamedTuple):
    """The maximum in working parameters (logarithms of the positive ones), covariance, report."""

    working: Floats
    covariance: Floats
    report: FitReport


def maximise(
    sample: Sample,
    starts: Sequence[Floats],
    names: Sequence[str],
    reasons: Mapping[str, str] | None = None,
) -> Optimum:
    """Return the maximum-likelihood working parameters of a sample.

    Newton steps in a trust region, from each start in turn until one converges: first on
    subsamples if there are many rows, then from there on all of them. The covariance is the
    inverse of the observed information; NaN unless the maximum was found.

    ``reasons`` says what it means when parameters run away, by "a → 0" or, where some do
    so together, "r → ∞, alpha → ∞"; flat directions go by the names alone, "a, b".
    """
    began = time.perf_counter()
    origin, tries, iterations = starts[0], list(starts), 0
    for size in (SAMPLE // 10, SAMPLE):
        if len(sample) > 2 * size:
            rough, more, _ = _search(sample.subsample(size), tries, origin)
            iterations += more
            tries = [rough.x, *starts] if _is_maximum(rough) else list(starts)
    best, more, restarts = _search(sample, tries, origin)
    eigenvalues = np.linalg.eigvalsh(best.hess)
    moved = best.x - origin
    good = _is_maximum(best) and bool(np.abs(moved).max() <= RUNAWAY)
    report = FitReport(
        status="converged" if good else "not_identified",
        message=_message(best, names, moved, good, reasons or {}),
        log_likelihood=-float(best.fun) * sample.total,
        gradient_norm=float(np.abs(best.jac).max()),
        smallest_eigenvalue=float(eigenvalues[0]),
        condition=float(eigenvalues[-1] / eigenvalues[0]) if eigenvalues[0] > 0 else math.inf,
        iterations=iterations + more,
        restarts=restarts,
        rows=sample.total,
        distinct_rows=len(sample),
        seconds=time.perf_counter() - began,
    )
    covariance = np.linalg.inv(best.hess * sample.total) if good else np.full_like(best.hess, np.nan)
    return Optimum(best.x, covariance, report)


def _search(
    sample: Sample, starts: Sequence[Floats], origin: Floats
) -> tuple[optimize.OptimizeResult, int, int]:
    """Return the best end of the starts, the iterations in all, and the number of restarts."""
    best, iterations, chosen = None, 0, 0
    for attempt, start in enumerate(starts):
        found = newton(sample, start, origin)
        iterations += int(found.nit)
        if best is None or found.fun < best.fun - 1e-12:
            best, chosen = found, attempt
        if _is_maximum(best):
            break
    return best, iterations, chosen


def newton(sample: Objective, start: Floats, origin: Floats) -> optimize.OptimizeResult:
    """Return scipy's result for the mean negative log-likelihood."""
    last: dict[bytes, tuple[float, Floats, Floats]] = {}

    def evaluate(working: Floats) -> tuple[float, Floats, Floats]:
        key = working.tobytes()
        if key not in last:
            last.clear()
            leashed = bool(np.abs(working - origin).max() <= LEASH)
            last[key] = _mean_loss(sample, working) if leashed else _outside(working)
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
        for _ in range(LAST_STEPS):
            if not _polished(found, evaluate, sample.total):
                break
    return found


def _polished(
    found: optimize.OptimizeResult,
    evaluate: Callable[[Floats], tuple[float, Floats, Floats]],
    total: float,
) -> bool:
    """Take one more full Newton step in place if it can still gain something; say whether."""
    if not _is_maximum(found):
        return False
    step = -np.linalg.solve(found.hess, found.jac)
    if -(step @ found.jac) * total < 2.0 * LAST_GAIN:
        return False
    fun, jac, hess = evaluate(found.x + step)
    if not (math.isfinite(fun) and np.abs(jac).max() < np.abs(found.jac).max()):
        return False
    found.x, found.fun, found.jac, found.hess = found.x + step, fun, jac, hess
    found.nit += 1
    return True


def _mean_loss(sample: Objective, working: Floats) -> tuple[float, Floats, Floats]:
    """Return the mean negative log-likelihood with its derivatives."""
    value, gradient, hessian = sample(working)
    if not (math.isfinite(value) and np.isfinite(gradient).all() and np.isfinite(hessian).all()):
        return _outside(working)
    return -value / sample.total, -gradient / sample.total, -hessian / sample.total


def _outside(working: Floats) -> tuple[float, Floats, Floats]:
    """Return what makes the trust region shrink: a point that is worse than any other."""
    return math.inf, np.zeros_like(working), np.eye(len(working))


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
    reasons: Mapping[str, str],
) -> str:
    """Return what happened in a sentence, and what it means."""
    if good:
        return "The maximum of the likelihood was found."
    to_ends = [
        f"{name} → {'∞' if way > 0 else '0'}"
        for name, way in zip(names, moved, strict=True)
        if abs(way) > RUNAWAY
    ]
    if to_ends:
        together = ", ".join(to_ends)
        found_reasons = [reasons[end] for end in (together, *to_ends) if end in reasons]
        return _with_reason(f"The data do not pin down all parameters: {together}.", found_reasons[:1])
    values, vectors = np.linalg.eigh(found.hess)
    loose = ", ".join(name for name, part in zip(names, vectors[:, 0], strict=True) if abs(part) > 0.3)
    return _with_reason(
        f"The likelihood is flat in the direction of {loose} "
        f"(smallest eigenvalue {values[0]:.1e}): the data do not pin them down.",
        [reasons[loose]] if loose in reasons else [],
    )


def _with_reason(sentence: str, reasons: Sequence[str]) -> str:
    return " ".join([sentence, *reasons])
