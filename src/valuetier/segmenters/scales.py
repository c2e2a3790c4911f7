"""Rating scales: how a column becomes a rating in per cent of the best possible one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from valuetier import _validate as validate
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, InvalidParameterError
from valuetier.store import storable

SCALES = ("percentile", "minmax")
MAX_KNOTS = 201

Scale = str | tuple[float, float] | Mapping[float, float]


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

    def value_at(self, level: float, now: float) -> float:
        """Return the value that has this rating; NaN where none has."""
        order = np.argsort(self.levels, kind="stable")
        return float(np.interp(level, self.levels[order], self.knots[order], left=np.nan, right=np.nan))

    def values_of(self, levels: Floats) -> Floats:
        """Return the value that has each rating; NaN where none has, but for what rounding explains."""
        order = np.argsort(self.levels, kind="stable")
        ends = self.levels[order[0]] - 1e-9, self.levels[order[-1]] + 1e-9
        inside = (levels >= ends[0]) & (levels <= ends[1])
        return np.where(inside, np.interp(levels, self.levels[order], self.knots[order]), np.nan)


@storable
@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A points table: each value has the points of the last threshold that it reaches.

    Attributes
    ----------
    thresholds : (k,) array
        Ascending; nothing is defined below the first.
    levels : (k,) array
        Points from each threshold on, as a share of the most points, 100 being the best.
    midpoint : float
        Rating in the middle between fewest and most points.
    """

    thresholds: Floats
    levels: Floats
    midpoint: float

    def rate(self, values: Floats) -> Floats:
        """Return the rating of each value; NaN stays NaN."""
        step = np.searchsorted(self.thresholds, values, side="right") - 1
        return np.where(np.isnan(values), np.nan, self.levels[step])

    def value_at(self, level: float, now: float) -> float:
        """Return the start of the nearest step on the other side of this rating; NaN where none is."""
        low = bool(self.rate(np.array([now]))[0] < level)
        others = self.thresholds[(self.levels >= level) == low]
        others = others[np.isfinite(others)]
        return float(others[np.argmin(np.abs(others - now))]) if len(others) else np.nan


def learn_rating(name: str, values: Floats, scale: Scale, *, lower_is_better: bool) -> Rating | Steps:
    """Return the rating scale of one indicator.

    ``"percentile"``: share of the other customers below (equal ones count half).
    ``"minmax"``: linear from the smallest to the largest. ``(low, high)``: values are
    ratings on that scale already and count as a share of ``high``. ``{0: 10, 30: 5, 90: 0}``:
    a points table, from 0 on 10 points, from 30 on 5, from 90 on none; they count as a share
    of the most points, and their order says which direction is better.

    Raises
    ------
    InvalidDataError
        If all values are equal (for the scales that learn), or values leave their scale.
    """
    refuse_outside(name, values, scale)
    known = values[~np.isnan(values)]
    if isinstance(scale, Mapping):
        return _points(name, scale, lower_is_better)
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
    """Raise if values leave their declared scale; a scale that is learned has no outside."""
    if isinstance(scale, Mapping):
        start = float(_table(scale)[0, 0])
        problem = f"lie below {start:g}, where the points table begins"
        validate.refuse(name, values < start, problem, "Correct them, or let the table begin lower.")
    elif not isinstance(scale, str):
        low, high = _bounds(scale)
        outside = (values < low) | (values > high)
        validate.refuse(name, outside, f"lie outside the rating scale {low:g}-{high:g}", "Correct them.")


def _declared(scale: Sequence[float], lower_is_better: bool) -> Rating:
    low, high = _bounds(scale)
    levels = np.array([low, high]) / high * 100.0
    return Rating(np.array([low, high]), levels[::-1] if lower_is_better else levels, float(levels.mean()))


def _points(name: str, scale: Mapping[float, float], lower_is_better: bool) -> Steps:
    if lower_is_better:
        raise InvalidParameterError(
            f"lower_is_better names {name!r}, whose points table says by itself what is better. "
            "Take it out of lower_is_better."
        )
    thresholds, points = _table(scale).T
    levels = points / points.max() * 100.0
    return Steps(thresholds, levels, float(levels.min() + 100.0) / 2.0)


def _table(scale: Mapping[float, float]) -> Floats:
    """Return thresholds and points as two columns, by ascending threshold."""
    try:
        table = np.array(sorted(scale.items()), dtype=np.float64)
    except (TypeError, ValueError):
        table = np.empty(0)
    good = table.ndim == 2 and bool(np.isfinite(table[:, 1]).all()) and not np.isnan(table).any()
    if not good or table[:, 1].min() < 0 or table[:, 1].min() == table[:, 1].max():
        raise InvalidParameterError(
            "scale as a points table needs {threshold: points} with points ≥ 0, not all equal, "
            f"got {scale!r}."
        )
    return table


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
