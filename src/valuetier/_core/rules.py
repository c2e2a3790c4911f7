"""Grids of score cells as data: every cell belongs to one segment, or it is an error."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from valuetier._core.compress import Floats
from valuetier._core.cuts import Codes


def cell_table(cells: Mapping[str, str], shape: tuple[int, ...]) -> Codes:
    """Return the segment's index for every cell of a grid.

    Parameters
    ----------
    cells : mapping
        Segment key to its cells, written as the digits of the scores ("555 554").
    shape : tuple
        Levels per axis; the digit d of an axis is position d - 1.

    Raises
    ------
    ValueError
        If a cell is missing, is named twice or lies outside the grid.

    Examples
    --------
    >>> cell_table({"high": "2", "low": "1"}, (2,)).tolist()
    [1, 0]
    """
    table = np.full(shape, -1, dtype=np.int64)
    for index, written in enumerate(cells.values()):
        for cell in written.split():
            position = tuple(int(digit) - 1 for digit in cell)
            if len(position) != len(shape) or not all(
                0 <= p < levels for p, levels in zip(position, shape, strict=True)
            ):
                raise ValueError(f"cell {cell} lies outside a grid of shape {shape}")
            if table[position] >= 0:
                raise ValueError(f"cell {cell} is named twice")
            table[position] = index
    if (table < 0).any():
        gap = "".join(str(p + 1) for p in np.argwhere(table < 0)[0])
        raise ValueError(f"cell {gap} belongs to no segment")
    return table


def rescale_levels(scores: Codes, n_bins: int, levels: int) -> Codes:
    """Return scores 1…n_bins read on a scale of 1…levels; ends stay ends, halves go up.

    Examples
    --------
    >>> rescale_levels(np.array([1, 2, 3, 4]), 4, 5).tolist()
    [1, 2, 4, 5]
    """
    step = (levels - 1) / (n_bins - 1)
    position: Floats = np.floor((np.asarray(scores) - 1) * step + 0.5)
    return np.asarray(1 + position, dtype=np.int64)
