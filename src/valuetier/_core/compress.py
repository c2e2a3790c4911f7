"""Distinct rows and their weights: equal customers are computed once and stay equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from valuetier._core.threads import in_threads

Floats = NDArray[np.float64]


# Codes of whole numbers are packed into one key while it stays below this.
LARGEST_EXACT = 2.0**52
LARGEST_KEY = 2**62
LARGEST_SHORT_KEY = 2**31
LARGEST_SHORT_CODE = 2**16
LARGEST_TABLE = 2**20


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
    packed = _packed(columns) if weights is None else None
    if packed is not None and packed.size <= LARGEST_TABLE:
        return _by_table(packed)
    order = sorted_order(*columns) if weights is None else np.lexsort((weights, *columns[::-1]))
    new = np.ones(len(order), dtype=bool)
    new[1:] = False
    for column in columns:
        ordered = column[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    first = np.flatnonzero(new)
    inverse = np.empty(len(order), dtype=np.intp)
    inverse[order] = np.cumsum(new) - 1
    rows = np.column_stack([column[order[first]] for column in columns])
    if weights is None:
        totals = np.diff(first, append=len(order)).astype(np.float64)
    else:
        totals = np.add.reduceat(weights[order], first) if len(first) else np.empty(0)
    return Distinct(rows, inverse, totals)


def counted_rows(*columns: Floats, weights: Floats | None = None) -> tuple[tuple[Floats, ...], Floats]:
    """Return the columns of the distinct rows, sorted, and the total weight of each row.

    The same as :func:`distinct_rows` without the way back, and faster where all columns
    hold whole numbers of moderate size: they are packed into one key and sorted.

    Examples
    --------
    >>> counted_rows(np.array([2.0, 1.0, 2.0]), np.array([5.0, 5.0, 5.0]))
    ((array([1., 2.]), array([5., 5.])), array([1., 2.]))
    """
    if weights is not None or not len(columns[0]):
        found = distinct_rows(*columns, weights=weights)
        return tuple(np.ascontiguousarray(column) for column in found.rows.T), found.weights
    packed = _packed(columns)
    if packed is not None:
        keys = packed.keys
        keys.sort()
        first = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
        totals = np.diff(first, append=len(keys)).astype(np.float64)
        return tuple(packed.decoded(keys[first])), totals
    ordered = _sorted_columns(columns)
    new = np.ones(len(ordered[0]), dtype=bool)
    new[1:] = False
    for column in ordered:
        new[1:] |= column[1:] != column[:-1]
    first = np.flatnonzero(new)
    totals = np.diff(first, append=len(new)).astype(np.float64)
    if len(first) == len(new):
        return tuple(ordered), totals
    return tuple(column[first] for column in ordered), totals


def tabulated(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the distinct values, sorted, and the total weight of each, added in the order of the rows.

    Examples
    --------
    >>> tabulated(np.array([2.0, 1.0, 2.0]), np.array([1.0, 5.0, 3.0]))
    (array([1., 2.]), array([5., 4.]))
    """
    if (values[1:] >= values[:-1]).all():
        first = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
        return values[first], np.add.reduceat(weights, first)
    distinct, inverse = np.unique(values, return_inverse=True)
    return distinct, np.bincount(inverse, weights=weights).astype(np.float64)


def sorted_order(*columns: Floats) -> NDArray[np.intp]:
    """Return an order that sorts the rows by the first column, then the second, and so on.

    Whole numbers of moderate size are sorted together with their places, as one number;
    else the columns from the last to the first, those of small whole numbers by counting.
    """
    packed = _packed(columns)
    if packed is not None:
        bits = len(packed.keys).bit_length()
        if packed.size < LARGEST_KEY >> bits:
            both = (packed.keys.astype(np.int64) << bits) | np.arange(len(packed.keys))
            both.sort()
            return both & ((1 << bits) - 1)
        return np.argsort(packed.keys)
    order = np.argsort(columns[-1])
    for column in columns[-2::-1]:
        keys = column[order]
        codes = _packed((keys,))
        if codes is not None and codes.size <= LARGEST_SHORT_CODE:
            keys = codes.keys.astype(np.uint16)
        order = order[np.argsort(keys, kind="stable")]
    return order


def _sorted_columns(columns: Sequence[Floats]) -> list[Floats]:
    """Return the columns of the sorted rows; values of the last are sorted within equal others."""
    groups = _packed(columns[:-1]) if len(columns) > 1 else None
    if groups is None or groups.size > LARGEST_SHORT_CODE:
        order = sorted_order(*columns)
        return [column[order] for column in columns]
    order = np.argsort(groups.keys.astype(np.uint16), kind="stable")
    sizes = np.bincount(groups.keys)
    last = columns[-1][order]
    there = np.flatnonzero(sizes)
    in_threads(lambda group: group.sort(), np.split(last, np.cumsum(sizes[there])[:-1]))
    return [*(np.repeat(column, sizes[there]) for column in groups.decoded(there)), last]


class _Packed(NamedTuple):
    """One whole number per row, that of the last column running fastest; ``size`` is above all."""

    keys: NDArray[Any]
    lows: list[float]
    sizes: list[int]
    size: int

    def decoded(self, keys: NDArray[Any]) -> list[Floats]:
        """Return the columns of some keys."""
        rest, columns = keys.astype(np.int64), []
        for low, size in zip(self.lows[::-1], self.sizes[::-1], strict=True):
            columns.append((rest % size).astype(np.float64) + low)
            rest //= size
        return columns[::-1]


def _packed(columns: Sequence[Floats]) -> _Packed | None:
    """Return the rows as whole numbers; None if they do not fit."""
    if not len(columns[0]):
        return None
    lows, sizes, largest = [], [], 1
    for column in columns:
        low, high = float(column.min()), float(column.max())
        if low < high and not (
            low > -LARGEST_EXACT and high < LARGEST_EXACT and (column == np.floor(column)).all()
        ):
            return None
        lows.append(low)
        sizes.append(int(high - low) + 1 if low < high else 1)
        largest *= sizes[-1]
    if largest >= LARGEST_KEY:
        return None
    kind: type[np.integer[Any]] = np.int32 if largest < LARGEST_SHORT_KEY else np.int64
    keys = np.zeros(len(columns[0]), dtype=kind)
    for column, low, size in zip(columns, lows, sizes, strict=True):
        if size > 1:
            keys *= kind(size)
            keys += (column - low).astype(kind)
    return _Packed(keys, lows, sizes, largest)


def _by_table(packed: _Packed) -> Distinct:
    """Return the distinct rows by counting their keys."""
    counts = np.bincount(packed.keys, minlength=packed.size)
    there = np.flatnonzero(counts)
    places = np.zeros(packed.size, dtype=np.intp)
    places[there] = np.arange(len(there))
    rows = np.column_stack(packed.decoded(there))
    return Distinct(rows, places[packed.keys], counts[there].astype(np.float64))


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


def fewest_digits(below: float, above: float) -> float:
    """Return a number in (below, above] near the middle, with as few digits as possible.

    Examples
    --------
    >>> fewest_digits(987.5, 1031.25), fewest_digits(0.31, 0.32), fewest_digits(4.0, 5.0)
    (1000.0, 0.32, 5.0)
    """
    middle = below / 2 + above / 2
    for digits in range(1, 16):
        for start in (middle, above):
            candidate = float(f"{start:.{digits}g}")
            if below < candidate <= above:
                return candidate
    return float(above)
