"""The BG/NBD and MBG/NBD models."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from valuetier._core import beta_geometric, bgnbd
from valuetier._core.compress import Floats
from valuetier._core.likelihood import Part
from valuetier.models.buy_till_you_die import BuyTillYouDie

# What it means when parameters of a beta-geometric model run away.
REASONS = {
    "a → 0": "Hardly any customer seems to drop out.",
    "b → ∞": "Hardly any customer seems to drop out.",
    "a → 0, b → ∞": "Hardly any customer seems to drop out.",
    "a, b": "Customers seem to drop out with one common chance.",
    "a → ∞, b → ∞": "Customers seem to drop out with one common chance.",
    "r → ∞, alpha → ∞": "Customers seem to buy at one common rate.",
    "r, alpha": "Customers seem to buy at one common rate.",
    "r → ∞": "Customers seem to buy at one common rate.",
    "b → 0": "Customers seem either to drop out at once or never to.",
    "a → 0, b → 0": "Customers seem either to drop out at once or never to.",
    "a → ∞": "Customers seem to drop out as soon as they can: hardly any history says otherwise.",
}


class BGNBD(BuyTillYouDie):
    """BG/NBD: when customers buy, and whether they still do.

    While alive a customer buys at a rate λ ~ Gamma(r, α); after each repeat purchase
    it drops out with probability p ~ Beta(a, b). Time is in any unit: the one of
    ``t_x`` and ``T`` when fitted is the one of every answer.

    With covariates z of a customer the purchase rate is that of α exp(-γ z), and dropout
    that of a exp(γ z): exp(γ) multiplies the mean rate, or the odds a / b of dropout.

    Attributes
    ----------
    r_, alpha_ : float
        Shape and rate of the purchase rates; r/α is their mean, per unit of time.
    a_, b_ : float
        Dropout: a/(a + b) is its mean probability after a purchase.
    rate_coefficients_, dropout_coefficients_ : dict
        Effects of covariates by name; empty without any.
    log_likelihood_ : float
    report_ : FitReport
    standard_errors_ : dict
        By parameter, in natural units.
    covariance_ : (4, 4) array
        Of (r, α, a, b), in natural units; then the coefficients.

    References
    ----------
    Fader, Hardie & Lee (2005), "Counting Your Customers the Easy Way: An Alternative
    to the Pareto/NBD Model", Marketing Science 24(2), 275-284.

    Examples
    --------
    >>> model = BGNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> model.conditional_expected_purchases(39, x=[2], t_x=[30.43], T=[38.86]).round(3).tolist()
    [1.226]
    """

    parameter_names: ClassVar = ("r", "alpha", "a", "b")
    equations: ClassVar = bgnbd
    cheap: ClassVar[tuple[str, ...]] = ("probability_alive",)
    acts_on: ClassVar = {"rate": ("alpha", -1.0), "dropout": ("a", 1.0)}
    reasons: ClassVar = REASONS
    at_birth: ClassVar = 0

    def _parts(self) -> tuple[Part, ...]:
        return beta_geometric.parts(at_birth=self.at_birth)

    def _options(self) -> dict[str, Any]:
        return {"at_birth": self.at_birth}

    def _starts(self, rate: float, length: float) -> list[Floats]:
        """Return typical heterogeneity, then little, then much dropout."""
        shapes = (0.5, 1.0, 1.0), (2.0, 0.5, 4.0), (0.3, 2.0, 2.0), (5.0, 0.1, 1.0)
        return [np.array([np.log(r), np.log(r) - np.log(rate), np.log(a), np.log(b)]) for r, a, b in shapes]


class MBGNBD(BGNBD):
    """MBG/NBD: as :class:`BGNBD`, and a customer may drop out right after the first purchase.

    So those who bought once are not all taken to be alive.

    Attributes
    ----------
    r_, alpha_, a_, b_ : float
        As in :class:`BGNBD`, like all other attributes.

    References
    ----------
    Batislam, Denizel & Filiztekin (2007), "Empirical validation and comparison of models
    for customer base analysis", International Journal of Research in Marketing 24(3).

    Examples
    --------
    >>> model = MBGNBD.from_params(r=0.525, alpha=6.183, a=0.891, b=1.614)
    >>> model.probability_alive(x=[0, 2], t_x=[0, 30.43], T=[38.86, 38.86]).round(3).tolist()
    [0.39, 0.706]
    """

    at_birth: ClassVar = 1
