"""Profile likelihood: how far one parameter can move while the others make the best of it."""

from __future__ import annotations

import math

import numpy as np
from scipy import optimize, stats

from valuetier._core.compress import Floats
from valuetier._core.likelihood import Likelihood, Sample
from valuetier._core.optimise import LEASH, newton

PRECISION = 1e-6


class _Others:
    """The likelihood as a function of all coordinates but one, which is held."""

    def __init__(self, sample: Sample, forth: Floats, place: int, held: float) -> None:
        self.sample, self.forth, self.place, self.held = sample, forth, place, held
        self.total = sample.total

    def whole(self, others: Floats) -> Floats:
        return np.insert(others, self.place, self.held)

    def __call__(self, others: Floats) -> Likelihood:
        value, gradient, hessian = self.sample(self.forth @ self.whole(others))
        gradient = np.delete(self.forth.T @ gradient, self.place)
        curvature = self.forth.T @ hessian @ self.forth
        return Likelihood(value, gradient, np.delete(np.delete(curvature, self.place, 0), self.place, 1))


def profile_interval(
    sample: Sample, working: Floats, back: Floats, place: int, error: float, level: float
) -> tuple[float, float]:
    """Return the ends of a profile-likelihood interval of one coordinate of ``back @ working``.

    Parameters
    ----------
    sample : Sample
    working : (p,) array
        Where the likelihood is largest.
    back : (p, p) array
        From what the sample is called with to the coordinates of interest.
    place : int
        The coordinate.
    error : float
        Its standard error: a first step.
    level : float
        Such as 0.95. An end at which the likelihood never falls enough is infinite.
    """
    forth = np.asarray(np.linalg.inv(back), dtype=np.float64)
    best = back @ working
    top = sample(working).value
    critical = float(stats.chi2.ppf(level, 1))
    ends = []
    for direction in (-1.0, 1.0):
        others = np.delete(best, place)

        def excess(distance: float, way: float = direction, start: Floats = others) -> float:
            held = _Others(sample, forth, place, float(best[place] + way * distance))
            found = newton(held, start, start)
            return 2.0 * (top + float(found.fun) * sample.total) - critical

        near, far = 0.0, 1.5 * error
        while excess(far) < 0 and far < LEASH:
            near, far = far, 2.0 * far
        if far >= LEASH:
            ends.append(direction * math.inf)
            continue
        distance = optimize.brentq(excess, near, far, xtol=PRECISION * error)
        ends.append(float(best[place] + direction * distance))
    return ends[0], ends[1]
