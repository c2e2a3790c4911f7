"""The BG/NBD model."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from valuetier._core import bgnbd
from valuetier._core.compress import Floats
from valuetier.models.base import BuyTillYouDie


class BGNBD(BuyTillYouDie):
    """BG/NBD: when customers buy, and whether they still do.

    While alive a customer buys at a rate λ ~ Gamma(r, α); after each repeat purchase
    it drops out with probability p ~ Beta(a, b). Time is in any unit: the one of
    ``t_x`` and ``T`` when fitted is the one of every answer.

    Attributes
    ----------
    r_, alpha_ : float
        Shape and rate of the purchase rates; r/α is their mean, per unit of time.
    a_, b_ : float
        Dropout: a/(a + b) is its mean probability after a purchase.
    log_likelihood_ : float
    report_ : FitReport
    standard_errors_ : dict
        By parameter, in natural units.
    covariance_ : (4, 4) array
        Of (r, α, a, b), in natural units.

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
    time_scale: ClassVar = "alpha_"

    def _starts(self, x: Floats, t_x: Floats, T: Floats, weights: Floats) -> list[Floats]:
        """Return starting points: typical heterogeneity, then little, then much dropout."""
        length = float(np.average(T, weights=weights))
        rate = float(np.average(x, weights=weights)) / length
        shapes = (0.5, 1.0, 1.0), (2.0, 0.5, 4.0), (0.3, 2.0, 2.0), (5.0, 0.1, 1.0)
        return [np.log([r, r / rate, a, b]) for r, a, b in shapes]
