"""How sure a fit is: intervals, profiles, and the bootstrap of its parameters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy import stats
from sklearn.base import clone

from valuetier import _validate as validate
from valuetier._core.compress import Floats
from valuetier._core.optimise import maximise
from valuetier._core.profile import profile_interval
from valuetier.errors import InvalidDataError, InvalidParameterError, NotConvergedError
from valuetier.models.base import MaximumLikelihood, Problem

Intervals = dict[str, tuple[float, float]]
KINDS = ("weighted", "parametric")


@dataclass(frozen=True, slots=True)
class Draws:
    """Parameters that the data could have given too, one row a draw.

    Attributes
    ----------
    names : tuple of str
    values : (n, p) array
        In natural units.
    failed : int
        Draws whose fit found no maximum and that are left out.
    """

    names: tuple[str, ...]
    values: Floats
    failed: int = 0

    def standard_errors(self) -> dict[str, float]:
        """Return the standard deviation of each parameter over the draws."""
        self._enough(2)
        return dict(zip(self.names, np.std(self.values, axis=0, ddof=1).tolist(), strict=True))

    def intervals(self, level: float = 0.95) -> Intervals:
        """Return the central interval of each parameter over the draws."""
        self._enough(1)
        ends = np.quantile(self.values, [(1 - _level(level)) / 2, (1 + level) / 2], axis=0)
        return {name: (float(low), float(high)) for name, low, high in zip(self.names, *ends, strict=True)}

    def _enough(self, needed: int) -> None:
        if len(self.values) < needed:
            raise NotConvergedError(
                f"At least {needed} draws are needed, got {len(self.values)}; {self.failed} refits found no maximum."
            )


class Uncertain(MaximumLikelihood):
    """Intervals and draws of the parameters of a fitted model."""

    def confidence_intervals(self, level: float = 0.95) -> Intervals:
        """Return intervals from the covariance, on the log scale for positive parameters.

        Their ends are positive; those of covariates' coefficients are symmetric.

        Raises
        ------
        NotConvergedError
            If the fit has no covariance.
        """
        estimates, spread = self._log_scale()
        reach = float(stats.norm.ppf((1 + _level(level)) / 2)) * np.sqrt(np.diag(spread))
        ends = self._natural(estimates - reach), self._natural(estimates + reach)
        return {name: (float(low), float(high)) for name, low, high in zip(self._names(), *ends, strict=True)}

    def profile_intervals(self, *data: Any, level: float = 0.95, **options: Any) -> Intervals:
        """Return profile-likelihood intervals: all values that the data do not rule out.

        Parameters
        ----------
        *data, **options
            What the model was fitted to, as in ``fit``.
        level : float
        """
        problem = self._same_problem(*data, **options)
        working, spread = problem.working(self._estimates()), self._log_scale()[1]
        found = {}
        for place, name in enumerate(problem.names):
            error = float(np.sqrt(spread[place, place]))
            low, high = profile_interval(problem.sample, working, problem.back, place, error, _level(level))
            positive = place < problem.positive
            found[name] = (float(np.exp(low)), float(np.exp(high))) if positive else (low, high)
        return found

    def draws(self, n: int, rng: np.random.Generator) -> Draws:
        """Return draws of the parameters from their asymptotic distribution, normal in the logs."""
        n = validate.whole_number("n", n, 1)
        estimates, spread = self._log_scale()
        values, vectors = np.linalg.eigh(spread)
        steps = rng.standard_normal((n, len(estimates))) * np.sqrt(np.maximum(values, 0.0))
        return Draws(self._names(), self._natural(estimates + steps @ vectors.T))

    def bootstrap(
        self, *data: Any, n: int = 200, kind: str = "weighted", rng: np.random.Generator, **options: Any
    ) -> Draws:
        """Return parameters refitted to data that could have been.

        Parameters
        ----------
        *data, **options
            What the model was fitted to, as in ``fit``.
        n : int
            Refits.
        kind : str
            ``"weighted"``: the customers with random weights (the Bayesian bootstrap).
            ``"parametric"``: customers simulated by the model, observed as long.
        rng : numpy.random.Generator
        """
        n = validate.whole_number("n", n, 1)
        if kind not in KINDS:
            raise InvalidParameterError(f"kind must be one of {list(KINDS)}, got {kind!r}.")
        problem = self._same_problem(*data, **options)
        start = problem.working(self._estimates())
        found, failed = [], 0
        for _ in range(n):
            again = _reweighted(problem, rng) if kind == "weighted" else self._simulated(problem, rng)
            fit = maximise(again.sample, [start], again.names)
            failed += not fit.report.converged
            if fit.report.converged:
                found.append(again.natural(fit.working))
        return Draws(problem.names, np.reshape(found, (-1, len(problem.names))), failed)

    def with_parameters(self, values: Sequence[float] | Floats) -> Self:
        """Return a model like this one with other parameters, in the order of the covariance."""
        model = clone(self)
        model._set_estimates(np.asarray(values, dtype=np.float64), self)
        return model

    def _same_problem(self, *data: Any, **options: Any) -> Problem:
        """Return the likelihood of the data, with the parameters that were fitted."""
        fitted, problem = self._names(), self._problem(*data, **options)
        if problem.names != fitted:
            raise InvalidDataError(
                f"The model was fitted with the parameters {list(fitted)}, these data have {list(problem.names)}. "
                "Pass what was passed to fit."
            )
        return problem

    def _set_estimates(self, values: Floats, fitted: Any) -> None:
        for name, value in zip(self.parameter_names, values, strict=False):
            setattr(self, f"{name}_", float(value))

    def _names(self) -> tuple[str, ...]:
        """Return the names of all estimates, in the order of the covariance."""
        if not hasattr(self, "standard_errors_"):
            self._log_scale()  # says why there are none
        return tuple(self.standard_errors_)

    def _log_scale(self) -> tuple[Floats, Floats]:
        """Return the estimates, logarithms of the positive ones, and their covariance."""
        self.params()
        covariance = getattr(self, "covariance_", None)
        if covariance is None or not np.isfinite(covariance).all():
            reason = getattr(
                getattr(self, "report_", None), "message", "Its parameters were given, not fitted."
            )
            raise NotConvergedError(f"{type(self).__name__} has no covariance. {reason}")
        estimates = self._estimates()
        positive = np.arange(len(estimates)) < len(self.parameter_names)
        scale = np.where(positive, estimates, 1.0)
        return np.where(positive, np.log(scale), estimates), covariance / np.outer(scale, scale)

    def _natural(self, log_scale: Floats) -> Floats:
        positive = np.arange(log_scale.shape[-1]) < len(self.parameter_names)
        return np.where(positive, np.exp(np.where(positive, log_scale, 0.0)), log_scale)

    @abstractmethod
    def _problem(self, *data: Any, **options: Any) -> Problem:
        """Return the likelihood of the data and where to start."""

    @abstractmethod
    def _simulated(self, problem: Problem, rng: np.random.Generator) -> Problem:
        """Return the problem of customers simulated with these parameters, observed as long."""


def _reweighted(problem: Problem, rng: np.random.Generator) -> Problem:
    """Return the problem with one standard exponential weight per customer, summed by row."""
    weights = rng.gamma(problem.sample.weights)
    weights *= problem.sample.total / weights.sum()
    return problem._replace(sample=problem.sample.reweighted(weights))


def _level(level: float) -> float:
    found = validate.positive_number("level", level)
    if found >= 1:
        raise InvalidParameterError(f"level must be a share in (0, 1), got {level!r}. 95 % is 0.95.")
    return found
