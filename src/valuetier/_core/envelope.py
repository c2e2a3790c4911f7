"""Where the highest of several parabolas changes, row by row."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from valuetier._core.compress import Floats

TOLERANCE = 1e-9
FARTHEST = 1e100


def highest_turns(square: Floats, slope: Floats, level: Floats) -> Floats:
    """Return where the highest of the parabolas square·z² + slope·z + level becomes another one.

    Parameters
    ----------
    square : (k,) array
        The same for all rows.
    slope, level : (n, k) arrays

    Returns
    -------
    (n, m) array, ascending in each row, filled up with NaN. Crossings below the highest are left
    out, but for those within rounding of it.

    Examples
    --------
    >>> centres = np.array([0.0, 2.0, 6.0])
    >>> highest_turns(np.full(3, -1.0), 2 * centres[None, :], -(centres[None, :] ** 2)).tolist()
    [[1.0, 4.0]]
    """
    found = []
    for a, b in combinations(range(len(square)), 2):
        for z in _roots(square[a] - square[b], slope[:, a] - slope[:, b], level[:, a] - level[:, b]):
            own = (square[a] * z + slope[:, a]) * z + level[:, a]
            size = np.abs(square[a] * z * z) + np.abs(slope[:, a] * z) + np.abs(level[:, a])
            for k in set(range(len(square))) - {a, b}:
                hidden = (square[k] * z + slope[:, k]) * z + level[:, k] > own + TOLERANCE * size
                z = np.where(hidden, np.nan, z)
            found.append(z)
    turns = np.sort(np.column_stack(found), axis=1)
    there = ~np.isnan(turns)
    return turns[:, : max(1, int(there.sum(axis=1).max(initial=0)))]


def _roots(square: float, slope: Floats, level: Floats) -> list[Floats]:
    """Return the real roots of square·z² + slope·z + level, NaN where there is none within reach."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if square == 0:
            roots = [-level / slope]
        else:
            half = -(slope + np.copysign(np.sqrt(slope**2 - 4.0 * square * level), slope)) / 2.0
            roots = [half / square, level / half]
    return [np.where(np.abs(root) < FARTHEST, root, np.nan) for root in roots]
