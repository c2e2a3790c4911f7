"""Sums at the foot and the side of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def with_totals(cells: NDArray[Any]) -> NDArray[Any]:
    """Return the cells with a last row of the sums of the columns, and a last column of the sums of the rows.

    Examples
    --------
    >>> with_totals(np.array([[1, 2], [3, 4]])).tolist()
    [[1, 2, 3], [3, 4, 7], [4, 6, 10]]
    """
    rows = np.vstack([cells, cells.sum(axis=0)])
    return np.column_stack([rows, rows.sum(axis=1)])
