"""Where weighted ratings reach a line as one indicator moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from valuetier._validate import Floats
from valuetier.explain.levers import Lever
from valuetier.segmenters.indicators import Ratings, Scales, scale_of
from valuetier.segmenters.scales import Rating, Steps

DIGITS = 12

# A sum of ratings, what one point of the indicator adds to it, and the line it is compared with.
Sum = tuple[Floats, Floats, float]


def rounding_line(line: float) -> float:
    """Return the number from which a score rounds up to a line; scores have twelve significant digits.

    Examples
    --------
    >>> f"{50.0 - rounding_line(50.0):.1e}"
    '5.0e-11'
    """
    if line == 0 or not np.isfinite(line):
        return line
    return float(line - 0.5 * 10.0 ** (np.floor(np.log10(abs(line))) - DIGITS + 1))


def shares(rated: Floats, weights: Floats) -> Floats:
    """Return what one point of each indicator adds to Σ weight × rating / Σ weight of the known ones."""
    in_use = (~np.isnan(rated)) @ weights
    with np.errstate(divide="ignore"):
        return np.asarray(weights / in_use[:, None])


def rating_lever(
    name: str,
    rating: Rating | Steps,
    scale: Scales,
    rated: Floats,
    sums: Sequence[Sum],
    thresholds: Sequence[float] = (),
) -> Lever:
    """Return where an indicator brings the sums to their lines, and at thresholds of its own."""
    more = np.asarray(thresholds, dtype=np.float64)
    if isinstance(rating, Steps):
        steps = np.concatenate([rating.thresholds[1:], more])
        return Lever(thresholds=steps, lowest=float(rating.thresholds[0]))
    needed = [rated + (rounding_line(line) - score) / share for score, share, line in sums]
    turns = rating.values_of(np.column_stack(needed)) if needed else None
    if isinstance(scale_of(name, scale), str):
        return Lever(more, turns, monotone=not len(more))
    ends = float(rating.knots[0]), float(rating.knots[-1])
    return Lever(more, turns, *ends, monotone=not len(more))


def axis_levers(
    ratings: Ratings,
    scale: Scales,
    points: Mapping[str, Floats],
    axes: Sequence[tuple[Mapping[str, float], Floats, float]],
    overall: tuple[Floats, float],
) -> dict[str, Lever]:
    """Return the levers of indicators that count on one or both of two axes, and in the mean of the axes.

    Parameters
    ----------
    ratings : mapping
    scale : Scales
    points : mapping of str to (n,) array
        Ratings of the customers.
    axes : pair of (weights by indicator, scores, line)
    overall : (scores, line)
        Of the mean of both axes.
    """
    sums: dict[str, list[Sum]] = {name: [] for name in points}
    in_mean = {name: np.zeros(len(overall[0])) for name in points}
    for weights, scores, line in axes:
        rated = np.column_stack([points[name] for name in weights])
        adds = shares(rated, np.array([*weights.values()], dtype=np.float64))
        for name, share in zip(weights, adds.T, strict=True):
            sums[name].append((scores, share, line))
            in_mean[name] += share / 2.0
    if np.isfinite(overall[1]):
        for name, found in sums.items():
            found.append((overall[0], in_mean[name], overall[1]))
    return {name: rating_lever(name, ratings[name], scale, points[name], sums[name]) for name in points}
