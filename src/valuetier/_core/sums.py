"""Sums of smooth functions over many whole numbers, from few of their values."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from valuetier._core.compress import Floats

# So many terms are summed one by one; the rest in blocks of so many nodes.
ONE_BY_ONE = 48
NODES = 24


def sum_of_terms(term: Callable[[float], Floats], last: int, growth: float = 2.0) -> Floats:
    """Return term(1) + term(2) + … + term(last).

    Beyond the first terms each block of whole numbers is summed by the Gauss rule of the
    uniform weights on them, exact for polynomials of degree 2 × nodes - 1. ``term`` is
    called with numbers between the whole ones too and must be smooth there.

    Parameters
    ----------
    term : callable
        From a number ≥ 1 to an array.
    last : int
    growth : float
        Ends of successive blocks have this ratio: nearer to 1 for functions with steep parts.

    Examples
    --------
    >>> float(sum_of_terms(lambda i: np.array(1.0 / i**2), 10**9).round(12))  # π²/6 - 1e-9
    1.644934065848
    """
    total = sum((term(float(i)) for i in range(1, min(last, ONE_BY_ONE) + 1)), start=np.zeros(()))
    start = ONE_BY_ONE
    while start < last:
        end = min(last, max(start + NODES, int(start * growth)))
        places, weights = _gauss(end - start)
        for place, weight in zip(places, weights, strict=True):
            total = total + weight * term(start + place)
        start = end
    return np.asarray(total)


@lru_cache(maxsize=256)
def _gauss(size: int) -> tuple[Floats, Floats]:
    """Return nodes and weights for Σ f(i) over i = 1 … size (Golub & Welsch on Gram polynomials)."""
    if size <= NODES:
        return np.arange(1.0, size + 1.0), np.ones(size)
    j = np.arange(1.0, NODES)
    off = j / 2.0 * np.sqrt((size - j) * (size + j) / (4.0 * j**2 - 1.0))
    nodes, vectors = np.linalg.eigh(np.diag(off, 1) + np.diag(off, -1))
    return nodes + (size + 1.0) / 2.0, size * vectors[0] ** 2
