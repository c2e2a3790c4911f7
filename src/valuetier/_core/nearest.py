"""The nearest centre of each row."""

from __future__ import annotations

import numpy as np

from valuetier._core.compress import Floats
from valuetier._core.cuts import Codes


def nearest_centre(rows: Floats, centres: Floats) -> Codes:
    """Return the index of the nearest centre; of equally near ones the first.

    Computed column by column, so that a row's result depends on that row alone.

    Examples
    --------
    >>> nearest_centre(np.array([[0.0], [0.9], [0.5]]), np.array([[0.0], [1.0]])).tolist()
    [0, 1, 0]
    """
    best = np.full(len(rows), np.inf)
    code = np.zeros(len(rows), dtype=np.int64)
    for index, centre in enumerate(centres):
        distance = np.zeros(len(rows))
        for column, value in zip(rows.T, centre, strict=True):
            distance += (column - value) ** 2
        nearer = distance < best
        best[nearer], code[nearer] = distance[nearer], index
    return code
