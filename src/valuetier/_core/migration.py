"""Ways of customers between tiers: from the old tier, by the old cuts on the new table, to the new tier.

Tiers are numbered from 0; the last number, ``size - 1``, stands for "not in the table".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from valuetier._core.compress import Floats
from valuetier._core.cuts import Codes

# What made customers who are in both tables change tier: (left the tier at the old cuts,
# moved by the new cuts, stands elsewhere in the end).
CAUSES = {
    "behaviour": (True, False, True),
    "cuts": (False, True, True),
    "both": (True, True, True),
    "offset": (True, True, False),
    "stayed": (False, False, False),
}


def path_sums(
    before: Codes, between: Codes, after: Codes, size: int, weights: Floats | None = None
) -> Floats:
    """Return how much goes each way: customers, or the sum of their weights, whatever their order.

    Returns
    -------
    (size, size, size) array, by tier before, between and after.

    Examples
    --------
    >>> one = np.array([0]), np.array([1]), np.array([1])
    >>> np.argwhere(path_sums(*one, size=3)).tolist()
    [[0, 1, 1]]
    """
    cell = (before * size + between) * size + after
    if weights is not None:
        order = np.lexsort((weights, cell))
        cell, weights = cell[order], weights[order]
    sums = np.bincount(cell, weights=weights, minlength=size**3)
    return np.asarray(sums, dtype=np.float64).reshape((size,) * 3)


def parts(at_before: Floats, at_after: Floats) -> dict[str, Floats]:
    """Return the parts of the change of each tier; ``before`` and the parts sum to ``after``.

    Parameters
    ----------
    at_before, at_after : (k + 1, k + 1, k + 1) array
        Sums of what customers weigh at the two dates, from :func:`path_sums`.

    Returns
    -------
    dict of (k,) arrays
        ``before``; ``in_place``, the change of those whom the old cuts keep in the tier;
        ``moved``, those who cross the old cuts; ``entry``; ``exit``, negative; ``cuts``, all
        whom the new cuts put elsewhere than the old ones; ``after``.

    Examples
    --------
    >>> way = path_sums(np.array([0, 1]), np.array([1, 1]), np.array([1, 0]), 3)
    >>> {name: part.tolist() for name, part in parts(way, way).items() if part.any()}
    {'before': [1.0, 1.0], 'moved': [-1.0, 1.0], 'cuts': [1.0, -1.0], 'after': [1.0, 1.0]}
    """
    k = len(at_before) - 1
    diagonal = np.arange(k)
    kept_before, kept_after = (sums.sum(axis=2)[diagonal, diagonal] for sums in (at_before, at_after))
    crossing_in = at_after[:k, :k].sum(axis=(0, 2)) - kept_after
    crossing_out = at_before[:k, :k].sum(axis=(1, 2)) - kept_before
    at_old_cuts, at_new_cuts = at_after.sum(axis=(0, 2))[:k], at_after.sum(axis=(0, 1))[:k]
    return {
        "before": at_before[:k].sum(axis=(1, 2)),
        "in_place": kept_after - kept_before,
        "moved": crossing_in - crossing_out,
        "entry": at_after[k, :k].sum(axis=1),
        "exit": 0.0 - at_before[:k, k, k],
        "cuts": at_new_cuts - at_old_cuts,
        "after": at_new_cuts,
    }


def causes(paths: Floats) -> dict[str, int]:
    """Return how many of the customers in both tables went each way of ``CAUSES``.

    Examples
    --------
    >>> way = path_sums(np.array([0, 1]), np.array([1, 1]), np.array([1, 0]), 3)
    >>> causes(way)
    {'behaviour': 1, 'cuts': 1, 'both': 0, 'offset': 0, 'stayed': 0}
    """
    k = len(paths) - 1
    before, between, after = np.indices((k, k, k))
    way = before != between, between != after, before != after
    inner = paths[:k, :k, :k]
    return {name: int(inner[_all_equal(way, told)].sum()) for name, told in CAUSES.items()}


def _all_equal(way: tuple[NDArray[np.bool_], ...], told: tuple[bool, ...]) -> NDArray[np.bool_]:
    return np.logical_and.reduce([one == wanted for one, wanted in zip(way, told, strict=True)])
