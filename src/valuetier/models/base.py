"""What all models that are fitted by maximum likelihood have in common."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from valuetier import _validate as validate
from valuetier._core.compress import Floats, distinct_rows
from valuetier._core.likelihood import Sample
from valuetier._core.optimise import FitReport, Optimum, maximise
from valuetier._core.threads import in_threads
from valuetier.errors import InvalidParameterError, NotConvergedError
from valuetier.store import storable

storable(FitReport)

# From so many customers on equal ones are computed once; so many at a time on a thread.
MANY = 2000
BLOCK = 4096


class Problem(NamedTuple):
    """A likelihood to be maximised, over the distinct customers.

    ``names`` are those of the parameters, the ``positive`` ones first: these are searched as
    logarithms. ``searched`` names what is searched, in its own order. ``back`` carries what is searched to logarithms and coefficients, in the order
    of ``names``; it is the identity unless there are covariates.
    """

    sample: Sample
    starts: list[Floats]
    names: tuple[str, ...]
    positive: int
    back: Floats
    searched: tuple[str, ...] = ()

    def natural(self, working: Floats) -> Floats:
        """Return natural parameters and coefficients."""
        found = self.back @ working
        found[: self.positive] = np.exp(found[: self.positive])
        return np.asarray(found)

    def working(self, natural: Floats) -> Floats:
        """Return what is searched, from natural parameters and coefficients."""
        found = np.array(natural, dtype=np.float64)
        found[: self.positive] = np.log(found[: self.positive])
        return np.asarray(np.linalg.solve(self.back, found), dtype=np.float64)


class MaximumLikelihood(BaseEstimator, ABC):
    """A model whose parameters are found by maximum likelihood, or set by hand.

    A subclass names its positive parameters and the kind of its data, and makes a ``Problem``
    from them. ``reasons`` says what it means when parameters run away (see ``maximise``).
    A fit keeps the totals of what it observed in ``observed_``: likelihoods of other data
    cannot be compared.
    """

    parameter_names: ClassVar[tuple[str, ...]]
    reasons: ClassVar[Mapping[str, str]] = {}
    data_kind: ClassVar[str]

    @classmethod
    def from_params(cls, **params: Any) -> Self:
        """Return a fitted model with the given parameters.

        Raises
        ------
        InvalidParameterError
            If a parameter is missing, unknown or not positive.
        """
        model = cls()
        model._set_parameters(params)
        return model

    def params(self) -> dict[str, float]:
        """Return the fitted parameters by name."""
        check_is_fitted(self, f"{self.parameter_names[0]}_")
        return {name: float(getattr(self, f"{name}_")) for name in self.parameter_names}

    def _set_parameters(self, params: Mapping[str, Any]) -> None:
        if set(params) != set(self.parameter_names):
            raise InvalidParameterError(
                f"{type(self).__name__} needs the parameters {list(self.parameter_names)}, "
                f"got {sorted(params)}."
            )
        for name, value in params.items():
            setattr(self, f"{name}_", validate.positive_number(name, value))

    def _estimates(self) -> Floats:
        """Return the parameters as an array, in the order of the covariance."""
        return np.array(list(self.params().values()))

    def _maximised(self, problem: Problem) -> Optimum:
        """Return the optimum; raise, before anything is changed, if there is none."""
        if np.isfinite(problem.starts[0]).all():
            names = problem.searched or problem.names
            found = maximise(problem.sample, problem.starts, names, self.reasons)
            if np.isfinite(found.report.log_likelihood):
                return found
        raise NotConvergedError(
            f"{type(self).__name__} found no finite likelihood for {problem.sample.total:.0f} customers. "
            "Check that times are in one unit and amounts are positive."
        )

    def _keep(self, problem: Problem, found: Optimum) -> Floats:
        """Store parameters, their covariance in natural units, and the report; return all estimates."""
        natural = problem.natural(found.working)
        for name, value in zip(self.parameter_names, natural, strict=False):
            setattr(self, f"{name}_", float(value))
        scale = np.where(np.arange(len(natural)) < problem.positive, natural, 1.0)
        with np.errstate(over="ignore", invalid="ignore"):
            self.covariance_ = problem.back @ found.covariance @ problem.back.T * np.outer(scale, scale)
            errors = np.sqrt(np.diag(self.covariance_))
        self.standard_errors_ = dict(zip(problem.names, errors.tolist(), strict=True))
        self.log_likelihood_ = found.report.log_likelihood
        sample = problem.sample
        sums = [float(column @ sample.weights) for column in sample.columns]
        self.observed_ = (type(self).data_kind, sample.total, *sums)
        self.report_ = found.report
        return natural


def drawn_rows(sample: Sample, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the rows of as many customers as there are: each as often as it stands, or drawn by weight."""
    weights = sample.weights
    if not (weights == np.round(weights)).all():
        weights = rng.multinomial(round(sample.total), weights / sample.total).astype(np.float64)
    return np.repeat(np.arange(len(sample)), weights.astype(np.int64))


def checked_weights(weights: Any, x: Floats) -> Floats | None:
    """Return weights as floats, None as it is, or say what is wrong with them."""
    if weights is None:
        return None
    array = validate.float_column("weights", weights)
    validate.same_length(x=x, weights=array)
    validate.refuse_not_finite("weights", array)
    validate.refuse("weights", array <= 0, "are not positive", "A weight counts customers.")
    return array


def per_row(function: Callable[..., Floats], *columns: Floats, cheap: bool = False) -> Floats:
    """Return function(*columns) in blocks on all cores; once for equal rows, unless it is cheap."""
    n = len(columns[0])
    if n < MANY:
        return np.asarray(function(*columns), dtype=np.float64)
    if not cheap:
        rows = distinct_rows(*columns)
        table = [np.ascontiguousarray(column) for column in rows.rows.T]
        return per_row(function, *table, cheap=True)[rows.inverse]
    starts = range(0, n, BLOCK)
    blocks = in_threads(lambda start: function(*(c[start : start + BLOCK] for c in columns)), starts)
    return np.concatenate(blocks)
