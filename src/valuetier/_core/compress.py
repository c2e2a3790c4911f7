"""Distinct rows and their weights: equal customers are computed once and stay equal."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Distinct(NamedTuple):
    """Distinct rows of a table, in sorted order.

    ``rows[inverse]`` is the table again; ``weights`` counts each row.
    """

    rows: Floats
    inverse: NDArray[np.intp]
    weights: Floats


def distinct_rows(*columns: Floats, weights: Floats | None = None) -> Distinct:
    """Return the distinct rows of the columns with the total weight of each.

    The result does not depend on the order of the rows. NaN is refused by the
    callers before they come here: it would never be equal to itself.

    Examples
    --------
    >>> found = distinct_rows(np.array([2.0, 1.0, 2.0]), np.array([5.0, 5.0, 5.0]))
    >>> found.rows.tolist(), found.weights.tolist(), found.inverse.tolist()
    ([[1.0, 5.0], [2.0, 5.0]], [1.0, 2.0], [1, 0, 1])
    """
    keys = columns[::-1] if weights is None else (weights, *columns[::-1])
    order = np.lexsort(keys)
    table = np.column_stack([column[order] for column in columns])
    new = np.ones(len(table), dtype=bool)
    new[1:] = np.any(table[1:] != table[:-1], axis=1)
    group = np.cumsum(new) - 1
    inverse = np.empty(len(table), dtype=np.intp)
    inverse[order] = group
    sorted_weights = None if weights is None else weights[order]
    totals = np.bincount(group, weights=sorted_weights).astype(np.float64)
    return Distinct(table[new], inverse, totals)


def significant(values: Floats, digits: int = 12) -> Floats:
    """Return ``values`` rounded to ``digits`` significant decimal digits.

    The last bits of a computed score may depend on how the processor grouped the
    rows; a threshold must not. Scores are rounded before they are cut.

    Examples
    --------
    >>> significant(np.array([0.1 + 0.2, 0.0, 12345678.123456789])).tolist()
    [0.3, 0.0, 12345678.1235]
    """
    values = np.asarray(values, dtype=np.float64)
    size = np.abs(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.where((size > 0) & np.isfinite(size), np.floor(np.log10(size)), 0.0)
        factor = 10.0 ** np.clip(digits - 1 - exponent, -300, 300)
        rounded = np.round(values * factor) / factor
    return np.where(np.isfinite(rounded), rounded, values)
