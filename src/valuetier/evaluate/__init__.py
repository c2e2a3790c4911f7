"""Looking at values and tiers.

How concentrated the value is, what behaviour has which value, who moved and why,
and which attributes mark a tier.
"""

from valuetier.evaluate._abc import AbcClass
from valuetier.evaluate._decomposition import Decomposition, FalseMoves
from valuetier.evaluate._marks import AttributeTest, Mark
from valuetier.evaluate._short_rules import RuleCondition, ShortRule
from valuetier.evaluate.concentration import Concentration, concentration
from valuetier.evaluate.cross import CrossTable, cross_table
from valuetier.evaluate.disparity import Disparity, disparity
from valuetier.evaluate.drift import Drift, InputDrift, drift
from valuetier.evaluate.effect import Effect, effect
from valuetier.evaluate.holdout import HoldoutCutoff, HoldoutScorecard, holdout
from valuetier.evaluate.migration import Migration, migration
from valuetier.evaluate.profile import Profile, profile
from valuetier.evaluate.stability import Agreement, Stability, stability
from valuetier.evaluate.survival import TierSurvival, tier_survival

__all__ = [
    "AbcClass",
    "Agreement",
    "AttributeTest",
    "Concentration",
    "CrossTable",
    "Decomposition",
    "Disparity",
    "Drift",
    "Effect",
    "FalseMoves",
    "HoldoutCutoff",
    "HoldoutScorecard",
    "InputDrift",
    "Mark",
    "Migration",
    "Profile",
    "RuleCondition",
    "ShortRule",
    "Stability",
    "TierSurvival",
    "concentration",
    "cross_table",
    "disparity",
    "drift",
    "effect",
    "holdout",
    "migration",
    "profile",
    "stability",
    "tier_survival",
]
