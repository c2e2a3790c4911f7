"""Numbers from ids that look drawn by lot, and are the same on every machine and in every run."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

BYTES = 8


def id_text(value: Any) -> str:
    """Return an id as text; whole numbers, which missing values turn into floats, without their point.

    Examples
    --------
    >>> id_text(7), id_text(7.0), id_text(np.int64(7)), id_text("7")
    ('7', '7', '7', '7')
    """
    whole = isinstance(value, (float, np.floating)) and float(value).is_integer()
    return str(int(value)) if whole else str(value)


def salted_hashes(ids: Iterable[Any], salt: str) -> Hashes:
    """Return one number per id, spread evenly over 0 to 2**64 - 1: BLAKE2b of its text, keyed by the salt.

    It depends on nothing else: not on the type of the id, nor on the other ids.

    Examples
    --------
    >>> salted_hashes([7, "anna"], "spring").tolist()
    [9903019743871136266, 1759588739819030048]
    """
    start = blake2b(key=blake2b(salt.encode("utf-8", "surrogatepass")).digest(), digest_size=BYTES)
    listed = ids.tolist() if isinstance(ids, np.ndarray) and ids.dtype.kind in "iuf" else ids
    digests = []
    for value in listed:
        one = start.copy()
        one.update(id_text(value).encode("utf-8", "surrogatepass"))
        digests.append(one.digest())
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)


def smallest_of_strata(
    hashes: Hashes, strata: NDArray[np.intp], sizes: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Return which entries are among the ``sizes[k]`` smallest of stratum k; equal ones stay together.

    Parameters
    ----------
    hashes : (n,) array
    strata : (n,) array
        Codes from 0.
    sizes : (strata,) array

    Examples
    --------
    >>> smallest_of_strata(
    ...     np.array([5, 1, 3, 9], dtype=np.uint64), np.array([0, 0, 0, 1]), np.array([1, 0])
    ... ).tolist()
    [False, True, False, False]
    """
    order = np.lexsort((hashes, strata))
    counts = np.bincount(strata, minlength=len(sizes))
    first = np.cumsum(counts) - counts
    wanted = np.minimum(sizes, counts)
    some = wanted > 0
    last = np.zeros(len(sizes), dtype=np.uint64)
    last[some] = hashes[order[first[some] + wanted[some] - 1]]
    chosen: NDArray[np.bool_] = some[strata] & (hashes <= last[strata])
    return chosen
