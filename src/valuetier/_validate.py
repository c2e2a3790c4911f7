"""Checks of arguments, each with a message that says what to do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from valuetier.errors import InvalidDataError, InvalidParameterError

Floats = NDArray[np.float64]

# Kinds of numpy's types that are no real numbers: text, dates, durations, complex numbers.
NO_NUMBERS = "SUMmc"


def float_column(name: str, values: object) -> Floats:
    """Return ``values`` as a one-dimensional float array; missing values become NaN."""
    to_numpy = getattr(values, "to_numpy", None) if hasattr(values, "isna") else None
    try:
        raw: Any = values if to_numpy else np.asarray(values)
        _refuse_other_kinds(raw)
        if to_numpy:
            raw = to_numpy(dtype=np.float64, na_value=np.nan)
        array = np.asarray(raw, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InvalidDataError(
            f"{name} must hold numbers, got {_kind_of(values)}. Convert the column first."
        ) from None
    if array.ndim != 1:
        raise InvalidDataError(
            f"{name} must be one column of numbers, got an array of shape {array.shape}. "
            "Pass one value per customer."
        )
    return array


def _refuse_other_kinds(raw: Any) -> None:
    """Raise TypeError for what would turn into numbers and is none, as the text "1" or a date."""
    kind = getattr(getattr(raw, "dtype", None), "kind", "O")
    if kind in NO_NUMBERS or (kind == "O" and any(isinstance(v, (str, bytes)) for v in np.ravel(raw))):
        raise TypeError


def _kind_of(values: object) -> str:
    dtype = getattr(values, "dtype", None)
    return f"values of type {dtype}" if dtype is not None else f"a {type(values).__name__}"


def same_length(**columns: NDArray[np.generic]) -> None:
    """Raise unless all columns have one entry per customer."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidDataError(
            f"{', '.join(lengths)} must have the same length, got {lengths}. "
            "Pass one value per customer in each."
        )


def refuse(name: str, bad: NDArray[np.bool_], problem: str, fix: str) -> None:
    """Raise if any entry is bad; the message has the column, the count and the fix."""
    count = int(np.count_nonzero(bad))
    if count:
        raise InvalidDataError(f"{name}: {count} of {len(bad)} values {problem}. {fix}")


def refuse_not_finite(name: str, values: Floats) -> None:
    """Raise if any value is NaN or infinite."""
    fix = "Drop or fill these customers first."
    refuse(name, np.isnan(values), "are missing (NaN)", fix)
    refuse(name, np.isinf(values), "are infinite (inf)", fix)


def enough_customers(n: int, needed: int = 2) -> None:
    """Raise if there are fewer customers than a fit needs."""
    if n == 0:
        raise InvalidDataError(
            "Found array with 0 sample(s): the customer table is empty. Pass at least one customer."
        )
    if n < needed:
        raise InvalidDataError(
            f"At least {needed} customers are needed to learn cuts, got n_samples = {n}. "
            "Fit on more customers."
        )


def positive_number(name: str, value: object, *, zero: bool = False) -> float:
    """Return ``value`` as a float; raise unless it is a finite number above (or at) zero."""
    need = "a number ≥ 0" if zero else "a number > 0"
    number = _real(value)
    if number is None or not math.isfinite(number) or number < 0 or (number == 0 and not zero):
        raise InvalidParameterError(f"{name} must be {need}, got {value!r}.")
    return number


def finite_number(name: str, value: object) -> float:
    """Return ``value`` as a float; raise unless it is a finite number."""
    number = _real(value)
    if number is None or not math.isfinite(number):
        raise InvalidParameterError(f"{name} must be a finite number, got {value!r}.")
    return number


def whole_number(name: str, value: object, low: int) -> int:
    """Return ``value`` as an int; raise unless it is a whole number from ``low`` up."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
        raise InvalidParameterError(f"{name} must be a whole number ≥ {low}, got {value!r}.")
    return int(value)


def _real(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return None
    return float(value)


def share_vector(name: str, shares: Sequence[float]) -> Floats:
    """Return shares as an array; raise unless they are positive and sum to 1."""
    try:
        array = np.asarray(shares, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    good = array.ndim == 1 and len(array) >= 2 and bool((array > 0).all())
    if not good or abs(array.sum() - 1.0) > 1e-9:
        raise InvalidParameterError(f"{name} must be positive and sum to 1, got {shares!r}.")
    return array


def _is_single(value: object) -> bool:
    return np.isscalar(value) or getattr(value, "ndim", 1) == 0


def broadcast_floats(**values: ArrayLike | object) -> list[Floats]:
    """Return the arguments as float arrays of one common shape (n,)."""
    arrays = [
        float_column(name, np.reshape(np.asarray(value), 1) if _is_single(value) else value)
        for name, value in values.items()
    ]
    longest = max(len(array) for array in arrays)
    wrong = [name for name, array in zip(values, arrays, strict=True) if len(array) not in (1, longest)]
    if wrong:
        lengths = {name: len(array) for name, array in zip(values, arrays, strict=True)}
        raise InvalidDataError(
            f"{', '.join(wrong)} cannot be paired with the others, lengths are {lengths}. "
            "Pass one value per customer, or one for all."
        )
    return [np.array(np.broadcast_to(array, (longest,))) for array in arrays]
