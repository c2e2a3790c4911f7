"""Looking at values and tiers: how concentrated the value is."""

from valuetier.evaluate.concentration import Concentration, concentration

__all__ = ["Concentration", "concentration"]
