"""Rating scales: how a column becomes a rating in per cent of the best possible one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from valuetier import _validate as validate
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, InvalidParameterError
from valuetier.store import storable

SCALES = ("percentile", "minmax")
MAX_KNOTS = 201

Scale = str | tuple[float, float]


@storable
@dataclass(frozen=True, slots=True, eq=False)
class Rating:
    """A piecewise linear map from values to ratings, 100 being the best.

    Attributes
    ----------
    knots, levels : (k,) arrays
        Values, ascending, and their ratings; constant outside.
    midpoint : float
        Rating in the middle of the scale.
    """

    knots: Floats
    levels: Floats
    midpoint: float

    def rate(self, values: Floats) -> Floats:
        """Return the rating of each value; NaN stays NaN."""
        return np.asarray(np.interp(values, self.knots, self.levels))


def learn_rating(name: str, values: Floats, scale: Scale, *, lower_is_better: bool) -> Rating:
    """Return the rating scale of one indicator.

    ``"percentile"``: share of the other customers below (equal ones count half).
    ``"minmax"``: linear from the smallest to the largest. ``(low, high)``: values are
    ratings on that scale already and count as a share of ``high``.

    Raises
    ------
    InvalidDataError
        If all values are equal (for the scales that learn), or ratings leave their scale.
    """
    refuse_outside(name, values, scale)
    known = values[~np.isnan(values)]
    if not isinstance(scale, str):
        return _declared(scale, lower_is_better)
    if scale not in SCALES:
        raise InvalidParameterError(f"scale must be one of {list(SCALES)} or (low, high), got {scale!r}.")
    if not len(known) or known.min() == known.max():
        raise InvalidDataError(
            f"{name}: all {len(known)} known values are equal, so they say nothing about any customer "
            f"(n_samples = {len(values)}). Leave the indicator out, or declare its scale as (low, high)."
        )
    if scale == "minmax":
        knots, levels = np.array([known.min(), known.max()]), np.array([0.0, 100.0])
    else:
        knots, levels = _percentiles(known)
    return Rating(knots, 100.0 - levels if lower_is_better else levels, 50.0)


def refuse_outside(name: str, values: Floats, scale: Scale) -> None:
    """Raise if ratings leave their declared scale; a scale that is learned has no outside."""
    if not isinstance(scale, str):
        low, high = _bounds(scale)
        outside = (values < low) | (values > high)
        validate.refuse(name, outside, f"lie outside the rating scale {low:g}-{high:g}", "Correct them.")


def _declared(scale: Sequence[float], lower_is_better: bool) -> Rating:
    low, high = _bounds(scale)
    levels = np.array([low, high]) / high * 100.0
    return Rating(np.array([low, high]), levels[::-1] if lower_is_better else levels, float(levels.mean()))


def _bounds(scale: Sequence[float]) -> tuple[float, float]:
    try:
        low, high = (float(bound) for bound in scale)
    except (TypeError, ValueError):
        low, high = 0.0, 0.0
    if not (0 <= low < high < np.inf):
        raise InvalidParameterError(f"scale as (low, high) needs 0 ≤ low < high, got {scale!r}.")
    return low, high


def _percentiles(known: Floats) -> tuple[Floats, Floats]:
    """Return values and their percentiles, at most ``MAX_KNOTS`` of them."""
    knots, counts = np.unique(known, return_counts=True)
    below = np.cumsum(counts) - counts
    levels = 100.0 * (below + (counts - 1) / 2.0) / (len(known) - 1)
    if len(knots) > MAX_KNOTS:
        at = np.searchsorted(levels, np.linspace(levels[0], levels[-1], MAX_KNOTS))
        keep = np.unique(np.minimum(at, len(knots) - 1))
        knots, levels = knots[keep], levels[keep]
    return knots, levels
