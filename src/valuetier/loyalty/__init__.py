"""Loyalty programmes: points earned, redeemed and expired, as rules and as accounts."""

from valuetier.loyalty.programme import LoyaltyProgramme
from valuetier.loyalty.rules import ActivityPoints, PointsMultiplier

__all__ = ["ActivityPoints", "LoyaltyProgramme", "PointsMultiplier"]
