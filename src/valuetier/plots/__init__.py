"""Pictures of results: every function takes a result, draws on one axes and returns it."""

from valuetier.plots.concentration import plot_lorenz, plot_whale
from valuetier.plots.effect import plot_effect
from valuetier.plots.tiers import plot_segments, plot_tiers

__all__ = ["plot_effect", "plot_lorenz", "plot_segments", "plot_tiers", "plot_whale"]
