"""Probability models of repeat purchases and order values."""

from valuetier.models.bgnbd import BGNBD
from valuetier.models.gamma_gamma import GammaGamma

__all__ = ["BGNBD", "GammaGamma"]
