"""The built-in segmenters."""

from valuetier.segmenters.clv import CLVSegmenter
from valuetier.segmenters.kaism import KAISMSegmenter
from valuetier.segmenters.kmeans import KMeansSegmenter
from valuetier.segmenters.pyramid import PyramidSegmenter
from valuetier.segmenters.rfm import RFMSegmenter

__all__ = ["CLVSegmenter", "KAISMSegmenter", "KMeansSegmenter", "PyramidSegmenter", "RFMSegmenter"]
