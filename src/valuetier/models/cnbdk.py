"""The BG/CNBD-k and MBG/CNBD-k models of regular buyers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from valuetier import _validate as validate
from valuetier._core import beta_geometric, cnbdk
from valuetier._core.compress import Floats
from valuetier._core.likelihood import Part
from valuetier.errors import InvalidDataError, NotConvergedError
from valuetier.models.base import Problem
from valuetier.models.bgnbd import BGNBD
from valuetier.models.observed import histories

LARGEST_K = 12


class CNBDK(BGNBD):
    """BG/CNBD-k: as BG/NBD, for customers who buy more regularly than at random.

    The times between purchases are Erlang-k with a rate λ ~ Gamma(r, α) per stage: every
    k-th event of a Poisson process is a purchase, so k = 1 is the BG/NBD and larger k more
    regular. After each repeat purchase a customer drops out with p ~ Beta(a, b). The
    expectation is exact, not the approximation of the paper.

    Parameters
    ----------
    k : int, optional
        Default: the likeliest from 1 on, for which ``fit`` needs ``sum_log_gaps``.

    Attributes
    ----------
    k_ : int
    r_, alpha_ : float
        Shape and rate of the rates λ; r/(k α) is their mean in purchases per unit of time.
    a_, b_, rate_coefficients_, dropout_coefficients_ :
        As in :class:`BGNBD`, like all other attributes.
    comparable_ : bool
        Whether the likelihood may be compared with that of other models.
    log_likelihood_ : float
        Without ``sum_log_gaps`` in ``fit`` it lacks the constant (k - 1) Σ log gaps and must
        not be compared with that of other models.

    References
    ----------
    Reutterer, Platzer & Schröder (2020), "Leveraging purchase regularity for predicting
    customer behavior the easy way", International Journal of Research in Marketing 38(1).

    Examples
    --------
    >>> model = CNBDK.from_params(k=3, r=0.5, alpha=2.0, a=0.3, b=0.6)
    >>> model.log_likelihood([3, 4], [12, 12], [14, 14], sum_log_gaps=[3.0, 3.0]).round(3).tolist()
    [-10.425, -12.224]
    """

    equations: ClassVar = cnbdk
    cheap: ClassVar[tuple[str, ...]] = ()
    stages: ClassVar = True

    def __init__(self, *, k: int | None = None) -> None:
        self.k = k

    @classmethod
    def from_params(cls, *, k: int = 1, **params: Any) -> Self:
        """Return a fitted model with the given regularity and parameters."""
        model = super().from_params(**params)
        model.k = model.k_ = validate.whole_number("k", k, 1)
        return model

    def fit(
        self,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        weights: ArrayLike | None = None,
        *,
        sum_log_gaps: ArrayLike | None = None,
        rate_covariates: Any = None,
        dropout_covariates: Any = None,
    ) -> Self:
        """Return the model fitted by maximum likelihood.

        Parameters
        ----------
        x, t_x, T, weights, rate_covariates, dropout_covariates :
            As in :class:`BGNBD`.
        sum_log_gaps : (n,) array-like, optional
            Sum of the logarithms of the times between a customer's purchases, from the
            first on; 0 for x = 0. Needed unless ``k`` was given: parameters for a given k do
            not depend on it.

        Raises
        ------
        InvalidDataError
            As in :class:`BGNBD`, or if ``k`` is to be found without ``sum_log_gaps``.
        NotConvergedError
            If no finite likelihood exists; the model stays as it was.
        """
        if self.k is not None:
            validate.whole_number("k", self.k, 1)
        elif sum_log_gaps is None:
            raise InvalidDataError(
                "sum_log_gaps is needed to find k: pass the sum of the logarithms of the times "
                "between purchases, or give k, as in CNBDK(k=2)."
            )
        columns = histories(x, t_x, T)
        gaps = None if sum_log_gaps is None else _gaps(sum_log_gaps, columns[0])
        ones = np.ones_like(columns[0])
        counted = ones if weights is None else validate.float_column("weights", weights)
        options = {"rate_covariates": rate_covariates, "dropout_covariates": dropout_covariates}
        best: Self | None = None
        for k in range(1, LARGEST_K + 1) if self.k is None else (self.k,):
            candidate = type(self)(k=k)
            candidate.k_ = k
            super(CNBDK, candidate).fit(*columns, weights, **options)
            if gaps is not None:
                candidate._add_regularity(float(counted @ ((k - 1) * gaps - columns[0] * special.gammaln(k))))
            if best is not None and candidate.log_likelihood_ <= best.log_likelihood_:
                break
            best = candidate
        if best is None:
            raise NotConvergedError(f"{type(self).__name__} found no finite likelihood.")
        self.comparable_ = gaps is not None or best.k_ == 1
        for name, value in vars(best).items():
            if name.endswith("_"):
                setattr(self, name, value)
        return self

    def log_likelihood(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, sum_log_gaps: ArrayLike = 0.0,
        *, rate_covariates: Any = None, dropout_covariates: Any = None,
    ) -> Floats:  # fmt: skip
        """Return the log-likelihood of each customer."""
        columns = histories(x, t_x, T)
        gaps = _gaps(sum_log_gaps, columns[0])
        return self._each("log_likelihood", (*columns, gaps), (rate_covariates, dropout_covariates))

    def _problem(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, weights: ArrayLike | None = None,
        *, sum_log_gaps: ArrayLike | None = None, rate_covariates: Any = None, dropout_covariates: Any = None,
    ) -> Problem:  # fmt: skip
        """Return the likelihood, for which the gaps are a constant."""
        if sum_log_gaps is not None:
            _gaps(sum_log_gaps, histories(x, t_x, T)[0])
        return super()._problem(
            x, t_x, T, weights, rate_covariates=rate_covariates, dropout_covariates=dropout_covariates
        )

    def _add_regularity(self, constant: float) -> None:
        self.log_likelihood_ += constant
        self.report_ = replace(self.report_, log_likelihood=self.log_likelihood_)

    def _parts(self) -> tuple[Part, ...]:
        return beta_geometric.parts(k=self.k_, at_birth=self.at_birth)

    def _options(self) -> dict[str, Any]:
        return {"k": self.k_, "at_birth": self.at_birth}

    def _starts(self, rate: float, length: float) -> list[Floats]:
        """Return the starts of the BG/NBD with k times its rate."""
        return super()._starts(self.k_ * rate, length)

    def _set_estimates(self, values: Floats, fitted: Any) -> None:
        super()._set_estimates(values, fitted)
        self.k_ = fitted.k_


class MCNBDK(CNBDK):
    """MBG/CNBD-k: as :class:`CNBDK`, and a customer may drop out right after the first purchase.

    Parameters
    ----------
    k : int, optional
        As in :class:`CNBDK`, like all attributes.

    Examples
    --------
    >>> model = MCNBDK.from_params(k=3, r=0.5, alpha=2.0, a=0.3, b=0.6)
    >>> model.log_likelihood([3, 4], [12, 12], [14, 14], sum_log_gaps=[3.0, 3.0]).round(3).tolist()
    [-10.539, -12.31]
    """

    at_birth: ClassVar = 1


def _gaps(values: ArrayLike, x: Floats) -> Floats:
    """Return the sums of log gaps of customers with x repeat purchases."""
    x, gaps = validate.broadcast_floats(x=x, sum_log_gaps=values)
    gaps = np.where(x > 0, gaps, 0.0)
    validate.refuse_not_finite("sum_log_gaps", gaps)
    return gaps
