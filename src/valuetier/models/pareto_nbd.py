"""The Pareto/NBD model."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from valuetier._core import pareto_nbd
from valuetier._core.compress import Floats
from valuetier._core.likelihood import Part
from valuetier.models.buy_till_you_die import BuyTillYouDie


class ParetoNBD(BuyTillYouDie):
    """Pareto/NBD: purchases at a constant rate until a lifetime of unknown length ends.

    A customer buys at a rate λ ~ Gamma(r, α) while alive, and its lifetime is exponential
    with a rate μ ~ Gamma(s, β): it may end at any time, not only at a purchase. Time is in
    any unit: the one of ``t_x`` and ``T`` when fitted is the one of every answer.

    With covariates z of a customer, purchases are those of α exp(-γ z) and dropout that of
    β exp(-γ z): exp(γ) multiplies the mean rate of either.

    Attributes
    ----------
    r_, alpha_ : float
        Shape and rate of the purchase rates; r/α is their mean, per unit of time.
    s_, beta_ : float
        Shape and rate of the dropout rates; s/β is their mean, per unit of time.
    rate_coefficients_, dropout_coefficients_ : dict
        Effects of covariates by name; empty without any.
    log_likelihood_ : float
    report_ : FitReport
    standard_errors_ : dict
        By parameter, in natural units.
    covariance_ : (4, 4) array
        Of (r, α, s, β), in natural units; then the coefficients.

    References
    ----------
    Schmittlein, Morrison & Colombo (1987), "Counting Your Customers: Who Are They and What
    Will They Do Next?", Management Science 33(1), 1-24.

    Examples
    --------
    >>> model = ParetoNBD.from_params(r=0.5534, alpha=10.5802, s=0.6061, beta=11.6562)
    >>> model.dert(x=[7], t_x=[29.43], T=[38.86], discount=0.0027).round(4).tolist()
    [16.5354]
    """

    parameter_names: ClassVar = ("r", "alpha", "s", "beta")
    equations: ClassVar = pareto_nbd
    acts_on: ClassVar = {"rate": ("alpha", -1.0), "dropout": ("beta", -1.0)}
    reasons: ClassVar = {
        "r → ∞, alpha → ∞": "Customers seem to buy at one common rate.",
        "r, alpha": "Customers seem to buy at one common rate.",
        "s → ∞, beta → ∞": "Customers seem to drop out at one common rate.",
        "s, beta": "Customers seem to drop out at one common rate.",
        "s → ∞": "Customers seem to drop out at one common rate.",
        "r → ∞": "Customers seem to buy at one common rate.",
        "s → 0": "Hardly any customer seems to drop out.",
        "beta → ∞": "Hardly any customer seems to drop out.",
        "s → 0, beta → 0": "Customers seem either to drop out at once or never to.",
        "beta → 0": "Customers seem either to drop out at once or never to.",
    }

    def _parts(self) -> tuple[Part, ...]:
        return pareto_nbd.PARTS

    def _starts(self, rate: float, length: float) -> list[Floats]:
        """Return typical heterogeneity, then little, then quick and slow dropout."""
        shapes = (0.5, 0.5, 1.0), (2.0, 2.0, 2.0), (0.3, 0.5, 0.1), (5.0, 1.0, 5.0)
        return [
            np.array([np.log(r), np.log(r) - np.log(rate), np.log(s), np.log(ages * length)])
            for r, s, ages in shapes
        ]
