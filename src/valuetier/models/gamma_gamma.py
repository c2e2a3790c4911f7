"""The Gamma-Gamma model."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from valuetier import _validate as validate
from valuetier._core import gamma_gamma
from valuetier._core.compress import Floats, distinct_rows
from valuetier._core.optimise import maximise
from valuetier.errors import InvalidDataError
from valuetier.models.base import FittedParameters


class GammaGamma(FittedParameters):
    """Gamma-Gamma: how much an order is worth, independent of how often one orders.

    A customer's order values are Gamma(p, ν) and the ν are Gamma(q, v) over customers.

    Attributes
    ----------
    p_, q_, v_ : float
        Shape within customers, shape over customers, scale in the currency of m_x.
    log_likelihood_ : float
    report_ : FitReport
    standard_errors_ : dict
    covariance_ : (3, 3) array
    n_used_ : int
        Customers with a repeat order of positive mean value: only they say something.
    n_ignored_ : int
        Customers without repeat order, or with a mean value of exactly 0.
    correlation_ : float
        Between x and m_x among those used. The model assumes 0.

    References
    ----------
    Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value", note 025.

    Examples
    --------
    >>> GammaGamma.from_params(p=6, q=4, v=16).expected_value([3], [35.0]).round(4).tolist()
    [34.5714]
    """

    parameter_names: ClassVar = ("p", "q", "v")

    def fit(self, x: ArrayLike, m_x: ArrayLike, weights: ArrayLike | None = None) -> Self:
        """Return the model fitted by maximum likelihood.

        Parameters
        ----------
        x : (n,) array-like
            Repeat orders.
        m_x : (n,) array-like
            Mean value of the repeat orders; anything (or NaN) where x is 0.
        weights : (n,) array-like, optional
            How many customers a row stands for. Default: 1 each.

        Raises
        ------
        InvalidDataError
            If values are missing or negative where x > 0, or fewer than 2 customers remain.
        """
        x, m = _checked(x, m_x)
        w = np.ones_like(x) if weights is None else validate.float_column("weights", weights)
        validate.same_length(x=x, weights=w)
        validate.refuse_not_finite("weights", w)
        validate.refuse("weights", w <= 0, "are not positive", "A weight counts customers.")
        use = (x > 0) & (m > 0)
        if np.unique(m[use]).size < 2:
            raise InvalidDataError(
                f"m_x: {int(use.sum())} of {len(m)} customers have a repeat order of positive value, "
                "and at least 2 different values are needed. Observe longer."
            )
        rows = distinct_rows(x[use], m[use], weights=w[use])
        counts, means = (np.ascontiguousarray(column) for column in rows.rows.T)
        mean = float(np.average(means, weights=rows.weights))
        found = maximise(
            lambda theta: gamma_gamma.likelihood(counts, means, rows.weights, theta),
            [np.log([p, q, q * mean / p]) for p, q in ((2, 3), (6, 4), (1, 8), (20, 2))],
            self.parameter_names,
            rows=float(rows.weights.sum()),
            distinct_rows=len(rows.rows),
        )
        self._keep(found)
        self.n_used_ = int(use.sum())
        self.n_ignored_ = int(len(use) - use.sum())
        self.correlation_ = _correlation(counts, means, rows.weights)
        return self

    def log_likelihood(self, x: ArrayLike, m_x: ArrayLike) -> Floats:
        """Return the log-likelihood of each customer; 0 for x = 0, who say nothing."""
        x, m = _checked(x, m_x)
        use = (x > 0) & (m > 0)
        result = np.zeros_like(x)
        result[use] = gamma_gamma.log_likelihood(x[use], m[use], **self.params())
        return result

    def expected_value(self, x: ArrayLike, m_x: ArrayLike) -> Floats:
        """Return the expected mean order value of each customer, in the currency of m_x.

        For x = 0 this is the mean of the population, p v / (q - 1).

        Raises
        ------
        InvalidDataError
            If q ≤ 1 and a customer has x = 0: the population mean is infinite then.
        """
        x, m = _checked(x, m_x)
        result = gamma_gamma.expected_value(x, m, **self.params())
        validate.refuse(
            "x", np.isinf(result), f"are 0, and with q = {self.q_:.3g} ≤ 1 the mean order value of "
            "the population is infinite", "Value only customers with x ≥ 1.",
        )  # fmt: skip
        return result

    def simulate(self, x: ArrayLike, rng: np.random.Generator) -> Floats:
        """Return a simulated mean order value for each entry of ``x``; NaN for x = 0."""
        return gamma_gamma.simulate(validate.float_column("x", x), rng, **self.params())


def _checked(x: ArrayLike, m_x: ArrayLike) -> tuple[Floats, Floats]:
    x, m = validate.broadcast_floats(x=x, m_x=m_x)
    validate.refuse_not_finite("x", x)
    validate.refuse("x", x < 0, "are negative", "x counts repeat orders.")
    repeat = x > 0
    validate.refuse("m_x", repeat & ~np.isfinite(m), "are missing although x > 0", "Drop these customers.")
    validate.refuse("m_x", repeat & (m < 0), "are negative although x > 0", "Order values are not negative.")
    return x, m


def _correlation(x: Floats, m: Floats, weights: Floats) -> float:
    """Return the weighted correlation of x and m; NaN if x is constant."""
    covariance = np.cov(x, m, aweights=weights)
    spread = float(np.sqrt(covariance[0, 0] * covariance[1, 1]))
    return float(covariance[0, 1]) / spread if spread > 0 else float("nan")
