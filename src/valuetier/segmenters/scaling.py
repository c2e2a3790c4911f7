"""Features made comparable for clustering: logarithms of what is skewed, then a robust scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import skew

from valuetier._core.compress import significant
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError

SKEWED = 1.0


class Scaling(NamedTuple):
    """How columns become scaled features: log(1 + value) where asked for, centre, unit."""

    log: tuple[bool, ...]
    median: Floats
    spread: Floats

    def scale(self, columns: Floats) -> Floats:
        """Return the scaled features of customers."""
        return np.asarray((_logged(columns, self.log) - self.median) / self.spread)

    def unscale(self, rows: Floats) -> Floats:
        """Return what scaled features are in the units of the columns."""
        values = rows * self.spread + self.median
        return np.expm1(values, out=values, where=np.broadcast_to(self.log, values.shape))


def learn_scaling(columns: Floats, names: Sequence[str]) -> Scaling:
    """Return the scaling of columns: skewness above 1 is logged, centre the median, unit the interquartile range.

    Raises
    ------
    InvalidDataError
        If all values of a column are equal; the message names the columns.
    """
    log = tuple(bool(_is_skewed(column)) for column in columns.T)
    logged = _logged(columns, log)
    return Scaling(log, np.median(logged, axis=0), _spreads(logged, names))


def _is_skewed(column: Floats) -> bool:
    return column.min() >= 0 and column.min() < column.max() and skew(np.sort(column)) > SKEWED


def _logged(columns: Floats, log: Sequence[bool]) -> Floats:
    """Return log(1 + value) where asked for; a negative value of a new customer counts as 0."""
    logged = columns.copy()
    for j, use in enumerate(log):
        if use:
            logged[:, j] = np.log1p(np.maximum(columns[:, j], 0.0))
    return logged


def _spreads(logged: Floats, names: Sequence[str]) -> Floats:
    """Return the interquartile range of each column, or its standard deviation where that is 0."""
    ordered = np.sort(logged, axis=0)
    quartiles = np.percentile(ordered, (25, 75), axis=0)
    spread = quartiles[1] - quartiles[0]
    spread = np.where(spread > 0, spread, ordered.std(axis=0))
    constant = [name for name, one in zip(names, ordered.T, strict=True) if one[0] == one[-1]]
    if constant:
        raise InvalidDataError(
            f"{constant}: all {len(logged)} values are equal, so they part no customers "
            f"(n_samples = {len(logged)}). Leave the feature out."
        )
    return significant(spread)
