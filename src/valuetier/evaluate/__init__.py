"""Looking at values and tiers: how concentrated the value is, and what behaviour has which value."""

from valuetier.evaluate.concentration import Concentration, concentration
from valuetier.evaluate.cross import CrossTable, cross_table

__all__ = ["Concentration", "CrossTable", "concentration", "cross_table"]
