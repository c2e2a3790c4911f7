"""The built-in segmenters."""

from valuetier.segmenters.account_sheet import AccountSheet
from valuetier.segmenters.cascade import CascadeSegmenter
from valuetier.segmenters.cluster import ClusterSegmenter
from valuetier.segmenters.clv import CLVSegmenter
from valuetier.segmenters.gates import Gate
from valuetier.segmenters.kaism import KAISMSegmenter
from valuetier.segmenters.kmeans import KMeansSegmenter
from valuetier.segmenters.lifecycle import LifecycleSegmenter
from valuetier.segmenters.loyalty import LoyaltySegmenter
from valuetier.segmenters.matrix import MatrixSegmenter
from valuetier.segmenters.pyramid import PyramidSegmenter
from valuetier.segmenters.raters import combine_ratings
from valuetier.segmenters.rfm import RFMSegmenter
from valuetier.segmenters.rule_tables import TierRule
from valuetier.segmenters.rules import RuleSegmenter
from valuetier.segmenters.scorecard import ScorecardSegmenter

__all__ = [
    "AccountSheet",
    "CLVSegmenter",
    "CascadeSegmenter",
    "ClusterSegmenter",
    "Gate",
    "KAISMSegmenter",
    "KMeansSegmenter",
    "LifecycleSegmenter",
    "LoyaltySegmenter",
    "MatrixSegmenter",
    "PyramidSegmenter",
    "RFMSegmenter",
    "RuleSegmenter",
    "ScorecardSegmenter",
    "TierRule",
    "combine_ratings",
]
