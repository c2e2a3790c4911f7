"""What the buy-till-you-die models in continuous time have in common."""

from __future__ import annotations

from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from valuetier import _validate as validate
from valuetier._core.compress import Floats, distinct_rows
from valuetier._core.discount import discounted_forever, discounted_within
from valuetier._core.optimise import FitReport, Optimum, maximise
from valuetier.errors import InvalidDataError, InvalidParameterError, NotConvergedError
from valuetier.store import storable

storable(FitReport)


class FittedParameters(BaseEstimator):
    """Parameters found by maximum likelihood: named, stored at the end, or set by hand."""

    parameter_names: ClassVar[tuple[str, ...]]

    @classmethod
    def from_params(cls, **params: float) -> Self:
        """Return a fitted model with the given parameters.

        Raises
        ------
        InvalidParameterError
            If a parameter is missing, unknown or not positive.
        """
        if set(params) != set(cls.parameter_names):
            raise InvalidParameterError(
                f"{cls.__name__} needs the parameters {list(cls.parameter_names)}, got {sorted(params)}."
            )
        model = cls()
        for name, value in params.items():
            setattr(model, f"{name}_", validate.positive_number(name, value))
        return model

    def params(self) -> dict[str, float]:
        """Return the fitted parameters by name."""
        check_is_fitted(self, f"{self.parameter_names[0]}_")
        return {name: float(getattr(self, f"{name}_")) for name in self.parameter_names}

    def _keep(self, found: Optimum) -> Self:
        """Store an optimum; raise, and leave the model as it was, if there is none."""
        report = found.report
        if not np.isfinite(report.log_likelihood):
            raise NotConvergedError(
                f"{type(self).__name__} found no finite likelihood for {report.rows:.0f} customers. "
                "Check that times are in one unit and amounts are positive."
            )
        for name, value in zip(self.parameter_names, found.parameters, strict=True):
            setattr(self, f"{name}_", float(value))
        self.log_likelihood_ = report.log_likelihood
        self.covariance_ = found.covariance
        with np.errstate(invalid="ignore"):
            self.standard_errors_ = dict(
                zip(self.parameter_names, np.sqrt(np.diag(found.covariance)).tolist(), strict=True)
            )
        self.report_ = report
        return self


class BuyTillYouDie(FittedParameters):
    """A model of purchases until an unseen dropout, observed as (x, t_x, T).

    A subclass names its parameters, its equations (a module of functions on arrays)
    and its starting points.
    """

    equations: ClassVar[ModuleType]
    time_scale: ClassVar[str]

    def _starts(self, x: Floats, t_x: Floats, T: Floats, weights: Floats) -> list[Floats]:
        """Return starting points in log-parameters, the most promising first."""
        raise InvalidParameterError(f"{type(self).__name__} defines no starting points.")

    def fit(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, weights: ArrayLike | None = None) -> Self:
        """Return the model fitted by maximum likelihood.

        Parameters
        ----------
        x : (n,) array-like
            Repeat purchases.
        t_x, T : (n,) array-like
            Age at the last purchase and at the end of the observation, in one unit
            of time (days, if they come from :func:`valuetier.summarize`).
        weights : (n,) array-like, optional
            How many customers a row stands for. Default: 1 each.

        Raises
        ------
        InvalidDataError
            If values are missing, negative or contradict each other.
        NotConvergedError
            If no finite likelihood exists; the model stays as it was.
        """
        x, t_x, T, weights = _checked(x, t_x, T, weights)
        if not (x > 0).any():
            raise NotConvergedError(
                f"{type(self).__name__} cannot be fitted: none of {len(x)} customers bought "
                "again, so the purchase rate and dropout cannot be told apart. Observe longer."
            )
        rows = distinct_rows(x, t_x, T, weights=weights)
        x, t_x, T = (np.ascontiguousarray(column) for column in rows.rows.T)
        found = maximise(
            lambda theta: self.equations.likelihood(x, t_x, T, rows.weights, theta),
            self._starts(x, t_x, T, rows.weights),
            self.parameter_names,
            rows=float(rows.weights.sum()),
            distinct_rows=len(rows.rows),
        )
        return self._keep(found)

    def log_likelihood(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Floats:
        """Return the log-likelihood of each customer."""
        x, t_x, T, _ = _checked(x, t_x, T, None)
        return self._equation("log_likelihood", x, t_x, T)

    def probability_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Floats:
        """Return the probability, in [0, 1], that each customer is still one at T."""
        x, t_x, T, _ = _checked(x, t_x, T, None)
        return self._equation("probability_alive", x, t_x, T)

    def expected_purchases(self, t: ArrayLike) -> Floats:
        """Return the purchases expected of a new customer within ``t``, its first one apart."""
        return self._equation("expected_purchases", _times("t", t))

    def conditional_expected_purchases(
        self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike
    ) -> Floats:
        """Return the purchases expected of each customer in (T, T + t]; ≥ 0, never NaN."""
        x, t_x, T, _ = _checked(x, t_x, T, None)
        t, x, t_x, T = validate.broadcast_floats(t=_times("t", t), x=x, t_x=t_x, T=T)
        return self._equation("conditional_expected_purchases", t, x, t_x, T)

    def probability_of_purchases(self, n: ArrayLike, t: ArrayLike) -> Floats:
        """Return the probability that a new customer makes ``n`` purchases within ``t``."""
        n, t = validate.broadcast_floats(n=n, t=_times("t", t))
        counts = np.isfinite(n) & (n >= 0) & (n == np.floor(n))
        validate.refuse("n", ~counts, "are not counts", "Pass 0, 1, 2, ….")
        return self._equation("probability_of_purchases", n, t)

    def discounted_expected_purchases(
        self, horizon: float, discount: float, x: ArrayLike, t_x: ArrayLike, T: ArrayLike
    ) -> Floats:
        """Return the purchases expected in (T, T + horizon], discounted to T.

        Parameters
        ----------
        horizon : float
            In the model's unit of time.
        discount : float
            Continuous rate per unit of time: log(1 + annual rate) / 365 for days.
        """
        x, t_x, T, _ = _checked(x, t_x, T, None)
        discount = validate.positive_number("discount", discount, zero=True)
        scale = getattr(self, self.time_scale) + T
        return discounted_within(
            lambda t: self._equation("conditional_expected_purchases", t, x, t_x, T),
            np.full_like(T, validate.positive_number("horizon", horizon, zero=True)),
            discount,
            scale,
        )

    def dert(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, discount: float) -> Floats:
        """Return the discounted expected residual transactions, over an infinite horizon.

        ``discount`` is a continuous rate per unit of time, > 0.
        """
        x, t_x, T, _ = _checked(x, t_x, T, None)
        return discounted_forever(
            lambda t: self._equation("conditional_expected_purchases", t, x, t_x, T),
            validate.positive_number("discount", discount),
            len(T),
        )

    def simulate(self, n: int, T: ArrayLike, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        """Return (x, t_x, T) of ``n`` simulated customers observed until ``T``: one age, or ``n``."""
        n, T = validate.whole_number("n", n, 0), _times("T", T)
        if len(T) not in (1, n):
            raise InvalidDataError(f"T must be one time or {n}, one per customer, got {len(T)} times.")
        T = np.array(np.broadcast_to(T, (n,)))
        x, t_x = self.equations.simulate(T, rng, **self.params())
        return x, t_x, T

    def _equation(self, name: str, *columns: Floats) -> Floats:
        function: Any = getattr(self.equations, name)
        return np.asarray(function(*columns, **self.params()), dtype=np.float64)


def _times(name: str, times: ArrayLike) -> Floats:
    (array,) = validate.broadcast_floats(**{name: times})
    good = np.isfinite(array) & (array >= 0)
    validate.refuse(name, ~good, "are not times ≥ 0", f"Pass {name} ≥ 0.")
    return array


def _checked(
    x: ArrayLike, t_x: ArrayLike, T: ArrayLike, weights: ArrayLike | None
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the observation as float arrays, or say what is wrong with it and where."""
    x, t_x, T = validate.broadcast_floats(x=x, t_x=t_x, T=T)
    if not len(x):
        raise InvalidDataError("x, t_x and T are empty: pass at least one customer.")
    for name, column in (("x", x), ("t_x", t_x), ("T", T)):
        validate.refuse_not_finite(name, column)
        validate.refuse(name, column < 0, "are negative", "Counts and ages start at 0.")
    validate.refuse("x", x != np.floor(x), "are not whole numbers", "x counts repeat purchases.")
    validate.refuse("t_x", t_x > T, "are larger than T", "Both are ages since the first purchase.")
    validate.refuse(
        "t_x", (x > 0) & (t_x == 0), "are 0 although x > 0",
        "x counts the purchases after the first; purchases at one time are one.",
    )  # fmt: skip
    validate.refuse("t_x", (x == 0) & (t_x > 0), "are above 0 although x = 0", "Set t_x to 0 where x is 0.")
    if weights is None:
        return x, t_x, T, np.ones_like(x)
    w = validate.float_column("weights", weights)
    validate.same_length(x=x, weights=w)
    validate.refuse_not_finite("weights", w)
    validate.refuse("weights", w <= 0, "are not positive", "A weight counts customers.")
    return x, t_x, T, w
