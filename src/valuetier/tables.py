"""Reading customer tables: columns by name from any frame, by position from bare arrays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_array

from valuetier import _validate as validate
from valuetier._core.compress import significant
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, MissingColumnsError, suggestion

ID = "customer_id"

# Sums of the same amounts in another order differ in the last bits; customers must not.
SUM_DIGITS = 14


def as_frame(X: Any) -> nw.DataFrame[Any] | nw.LazyFrame[Any] | None:
    """Return ``X`` as a Narwhals frame, or None for a bare array."""
    frame = nw.from_native(X, pass_through=True)
    return frame if isinstance(frame, (nw.DataFrame, nw.LazyFrame)) else None


def column_names(X: Any) -> list[str] | None:
    """Return the column names of a frame, None for a bare array."""
    frame = as_frame(X)
    return None if frame is None else list(frame.collect_schema().names())


def read_columns(X: Any, columns: Sequence[str], *, optional: Sequence[str] = ()) -> Floats:
    """Return the named columns as a float array of shape (customers, columns).

    Parameters
    ----------
    X : table or (n, k) array
        Columns of a frame are found by name and others ignored; a bare array is
        taken by position in the order of ``columns``.
    columns : sequence of str
    optional : sequence of str
        Columns that may hold missing values.

    Raises
    ------
    MissingColumnsError
        If a column is not there; the message lists what is.
    InvalidDataError
        If values are missing, infinite or no numbers, or an id stands twice.
    """
    frame = as_frame(X)
    read = _from_array(X, columns) if frame is None else _from_frame(frame, columns)
    for name, column in zip(columns, read.T, strict=True):
        validate.refuse(name, np.isinf(column), "are infinite (inf)", "Correct or drop these customers.")
        if name not in optional:
            validate.refuse(
                name, np.isnan(column), "are missing (NaN)", "Fill or drop these customers first."
            )
    return read


def _from_frame(frame: nw.DataFrame[Any] | nw.LazyFrame[Any], columns: Sequence[str]) -> Floats:
    there = list(frame.collect_schema().names())
    missing = [name for name in columns if name not in there]
    if missing:
        hints = "".join(suggestion(name, there) for name in missing)
        raise MissingColumnsError(f"The customer table lacks {missing}. It has {there}.{hints}")
    ids = [ID] if ID in there else []
    eager = _collected(frame.select(*dict.fromkeys([*ids, *columns])))
    if ids:
        check_unique(eager[ID])
    arrays = [validate.float_column(name, _numbers(name, eager[name])) for name in columns]
    return significant(np.column_stack(arrays), SUM_DIGITS)


def _numbers(name: str, series: nw.Series[Any]) -> Any:
    """Return a column of numbers as pandas or numpy; text, dates and booleans are refused."""
    if not series.dtype.is_numeric():
        raise InvalidDataError(
            f"{name} must hold numbers, got values of type {series.dtype}. Convert the column first."
        )
    return series.cast(nw.Float64).to_pandas() if series.null_count() else series.to_numpy()


def _from_array(X: Any, columns: Sequence[str]) -> Floats:
    try:
        array = check_array(X, dtype="numeric", ensure_all_finite=False, ensure_min_samples=0)
    except ValueError as error:
        if "could not convert" in str(error):  # the rest of that message is the value itself
            raise InvalidDataError("X must hold numbers. Convert its columns first.") from None
        raise InvalidDataError(str(error)) from None
    if array.shape[1] < len(columns):
        raise MissingColumnsError(
            f"An array needs the {len(columns)} columns {list(columns)} in this order, "
            f"got n_features = {array.shape[1]}. Pass a frame with named columns, or add the rest."
        )
    return significant(np.asarray(array[:, : len(columns)], dtype=np.float64), SUM_DIGITS)


def _collected(frame: nw.DataFrame[Any] | nw.LazyFrame[Any]) -> nw.DataFrame[Any]:
    return frame.collect(backend="pandas") if isinstance(frame, nw.LazyFrame) else frame


def materialised(X: Any) -> Any:
    """Return ``X``, a lazy frame as the pandas frame it stands for.

    A query has no fixed row order: what is read from it twice must be run once.
    """
    frame = as_frame(X)
    return _collected(frame).to_native() if isinstance(frame, nw.LazyFrame) else X


def check_unique(ids: nw.Series[Any]) -> None:
    """Raise if an id is missing or stands twice in a customer table."""
    missing = int(ids.null_count())
    if missing:
        raise InvalidDataError(f"{ID}: {missing} of {len(ids)} values are missing. Drop these rows first.")
    repeated = len(ids) - int(ids.n_unique())
    if repeated:
        raise InvalidDataError(
            f"{ID}: {repeated} of {len(ids)} rows repeat a customer that is already there. "
            "A customer table has one row per customer; make one with valuetier.summarize."
        )


def read_ids(X: Any) -> NDArray[Any]:
    """Return the customer ids: the column customer_id, else a pandas index, else 0, 1, 2, …"""
    frame = as_frame(X)
    if frame is None:
        return np.arange(len(X))
    if ID in frame.collect_schema().names():
        ids = _collected(frame.select(ID))[ID]
        check_unique(ids)
        return np.asarray(ids.to_numpy())
    if isinstance(X, pd.DataFrame):
        return np.asarray(X.index)
    return np.arange(len(_collected(frame)))


def as_of_of(X: Any) -> date | None:
    """Return the day a customer table was made at: its last order plus the days since."""
    frame = as_frame(X)
    needed = ["last_order", "recency_days"]
    if frame is None or not set(needed) <= set(frame.collect_schema().names()):
        return None
    top = _collected(frame.select(*needed)).head(1)
    if not len(top) or not top["last_order"].dtype.is_temporal():
        return None
    last, days = top["last_order"].to_list()[0], top["recency_days"].to_list()[0]
    if last is None or days is None:
        return None
    day = date(last.year, last.month, last.day)
    return day + timedelta(days=int(days))
