"""The observation of a customer as arrays, or what is wrong with it and where."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from valuetier import _validate as validate
from valuetier._core.compress import Floats
from valuetier.errors import InvalidDataError


def times(name: str, values: ArrayLike) -> Floats:
    """Return times ≥ 0 as a float array."""
    (array,) = validate.broadcast_floats(**{name: values})
    validate.refuse(name, ~((array >= 0) & (array < np.inf)), "are not times ≥ 0", f"Pass {name} ≥ 0.")
    return array


def counts(name: str, values: ArrayLike, other: str, others: ArrayLike) -> tuple[Floats, Floats]:
    """Return counts 0, 1, 2, … and times that go with them."""
    n, t = validate.broadcast_floats(**{name: values, other: times(other, others)})
    whole = np.isfinite(n) & (n >= 0) & (n == np.floor(n))
    validate.refuse(name, ~whole, "are not counts", "Pass 0, 1, 2, ….")
    return n, t


def histories(x: ArrayLike, t_x: ArrayLike, T: ArrayLike, end: str = "T") -> tuple[Floats, Floats, Floats]:
    """Return (x, t_x, T) as float arrays of one length."""
    columns = dict(
        zip(("x", "t_x", end), validate.broadcast_floats(**{"x": x, "t_x": t_x, end: T}), strict=True)
    )
    x, t_x, T = columns.values()
    if not len(x):
        raise InvalidDataError(f"x, t_x and {end} are empty: pass at least one customer.")
    for name, column in columns.items():
        if not (column.min() >= 0 and column.max() < np.inf):
            validate.refuse_not_finite(name, column)
            validate.refuse(name, column < 0, "are negative", "Counts and ages start at 0.")
    validate.refuse("x", x != np.floor(x), "are not whole numbers", "x counts repeat purchases.")
    validate.refuse("t_x", t_x > T, f"are larger than {end}", "Both are ages since the first purchase.")
    late, again = t_x > 0, x > 0
    if not np.array_equal(late, again):
        validate.refuse(
            "t_x", again & ~late, "are 0 although x > 0",
            "x counts the purchases after the first; purchases at one time are one.",
        )  # fmt: skip
        validate.refuse("t_x", late & ~again, "are above 0 although x = 0", "Set t_x to 0 where x is 0.")
    return x, t_x, T


def opportunities(x: ArrayLike, t_x: ArrayLike, n: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return (x, t_x, n) of opportunities that were used or not."""
    x, t_x, n = histories(x, t_x, n, end="n")
    for name, column in (("t_x", t_x), ("n", n)):
        validate.refuse(
            name, column != np.floor(column), "are not whole numbers", "Opportunities are counted."
        )
    validate.refuse("x", x > t_x, "are larger than t_x", "By opportunity t_x at most t_x were used.")
    return x, t_x, n
