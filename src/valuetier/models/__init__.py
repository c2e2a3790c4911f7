"""Probability models of repeat purchases, order values and contracts."""

from valuetier.models.bgbb import BGBB
from valuetier.models.bgnbd import BGNBD, MBGNBD
from valuetier.models.cnbdk import CNBDK, MCNBDK
from valuetier.models.compare import compare_models, likelihood_ratio_test
from valuetier.models.gamma_gamma import GammaGamma, Independence
from valuetier.models.lifetimes_adapter import LifetimesAdapter
from valuetier.models.pareto_nbd import ParetoNBD
from valuetier.models.sbg import SBG
from valuetier.models.uncertainty import Draws

__all__ = [
    "BGBB",
    "BGNBD",
    "CNBDK",
    "MBGNBD",
    "MCNBDK",
    "SBG",
    "Draws",
    "GammaGamma",
    "Independence",
    "LifetimesAdapter",
    "ParetoNBD",
    "compare_models",
    "likelihood_ratio_test",
]
