"""Reading customer tables: columns by name from any frame, by position from bare arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from narwhals.exceptions import DuplicateError
from numpy.typing import NDArray
from sklearn.utils.validation import check_array

from valuetier import _validate as validate
from valuetier._core.compress import significant
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, InvalidParameterError, MissingColumnsError, suggestion
from valuetier.spark import refuse_to_collect

ID = "customer_id"

# Sums of the same amounts in another order differ in the last bits; customers must not.
SUM_DIGITS = 14


def as_frame(X: Any) -> nw.DataFrame[Any] | nw.LazyFrame[Any] | None:
    """Return ``X`` as a Narwhals frame, or None for a bare array."""
    try:
        frame = nw.from_native(X, pass_through=True)
    except DuplicateError as error:
        repeated = " ".join(str(error).split("\n")[1:])
        raise InvalidDataError(
            f"The customer table has columns of the same name: {repeated}. Rename or drop them."
        ) from None
    return frame if isinstance(frame, (nw.DataFrame, nw.LazyFrame)) else None


def width(X: Any) -> int | None:
    """Return the number of columns of a bare array, None for a frame."""
    return None if as_frame(X) is not None else int(_array(X).shape[1])


def column_list(parameter: str, names: Any) -> tuple[str, ...]:
    """Return column names as a tuple; raise unless ``names`` is a sequence of them."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise InvalidParameterError(
            f"{parameter} must be a sequence of column names, got {names!r}. Put a single one in ()."
        )
    return tuple(names)


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
    """Return a column of numbers, missing ones as NaN; text, dates and booleans are refused."""
    if not series.dtype.is_numeric():
        raise InvalidDataError(
            f"{name} must hold numbers, got values of type {series.dtype}. Convert the column first."
        )
    return series.cast(nw.Float64).to_numpy()


def _from_array(X: Any, columns: Sequence[str]) -> Floats:
    array = _array(X)
    if array.shape[1] < len(columns):
        raise MissingColumnsError(
            f"An array needs the {len(columns)} columns {list(columns)} in this order, "
            f"got n_features = {array.shape[1]}. Pass a frame with named columns, or add the rest."
        )
    return significant(np.asarray(array[:, : len(columns)], dtype=np.float64), SUM_DIGITS)


def _array(X: Any) -> NDArray[Any]:
    try:
        found = check_array(X, dtype="numeric", ensure_all_finite=False, ensure_min_samples=0)
    except ValueError as error:
        raise InvalidDataError(_without_values(str(error))) from None
    return np.asarray(found)


def _without_values(problem: str) -> str:
    """Return what scikit-learn says about an array, less the values that it quotes."""
    if "could not convert" in problem:
        return "X must hold numbers. Convert its columns first."
    first = problem.splitlines()[0]
    if not first.endswith(":"):
        return first
    return (
        f"{first[:-1]}. Reshape your data to one row per customer and one column per value, or pass a table."
    )


def _collected(frame: nw.DataFrame[Any] | nw.LazyFrame[Any]) -> nw.DataFrame[Any]:
    if not isinstance(frame, nw.LazyFrame):
        return frame
    refuse_to_collect(frame.to_native())
    return nw.from_native(in_pandas(frame))


def in_pandas(query: nw.LazyFrame[Any]) -> pd.DataFrame:
    """Return the rows of a query in pandas; from Spark and Ibis by way of Arrow, which keeps the types."""
    engine = query.implementation
    by_arrow = engine.is_spark_like() or engine.is_ibis()
    return query.collect("pyarrow" if by_arrow else "pandas").to_pandas()


def whole_columns(X: Any, columns: Sequence[str]) -> tuple[bool, ...]:
    """Return which columns hold integers, by their type: other values they cannot have."""
    frame = as_frame(X)
    if frame is None:
        return (np.asarray(X).dtype.kind in "iu",) * len(columns)
    schema = frame.collect_schema()
    return tuple(schema[name].is_integer() for name in columns)


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
    """Return the customer ids: the column customer_id, else a pandas index, else the row numbers."""
    frame = as_frame(X)
    if frame is None:
        return np.arange(len(X))
    if ID in frame.collect_schema().names():
        ids = _collected(frame.select(ID))[ID]
        check_unique(ids)
        return np.asarray(ids.to_numpy())
    if isinstance(X, pd.DataFrame):
        return _index_ids(X.index)
    return np.arange(len(_collected(frame)))


def _index_ids(index: pd.Index[Any]) -> NDArray[Any]:
    repeated = int(index.duplicated().sum())
    if repeated:
        raise InvalidDataError(
            f"The index names the customers and {repeated} of {len(index)} rows repeat one that is "
            f"already there. Reset the index, or add a column {ID}."
        )
    return np.asarray(index)


def as_of_of(X: Any) -> date | None:
    """Return the day a customer table was made at: its last order plus the days since."""
    frame = as_frame(X)
    needed = ["last_order", "recency_days"]
    if frame is None or not set(needed) <= set(frame.collect_schema().names()):
        return None
    top = _collected(frame.select(*needed).head(1))
    kinds = top["last_order"].dtype.is_temporal(), top["recency_days"].dtype.is_numeric()
    if not len(top) or not all(kinds):
        return None
    last, days = top["last_order"].to_list()[0], top["recency_days"].to_list()[0]
    if pd.isna(last) or pd.isna(days) or not np.isfinite(float(days)):
        return None
    return date(last.year, last.month, last.day) + timedelta(days=int(days))


def row_of(ids: NDArray[Any], parameter: str, customer: Any) -> int:
    """Return the row of a customer in a table with these ids; ``parameter`` is what messages call it."""
    rows = (
        np.flatnonzero(np.asarray(ids == customer)) if np.ndim(customer) == 0 else np.empty(0, dtype=np.intp)
    )
    if len(rows) != 1:
        raise InvalidDataError(
            f"{parameter}: none of {len(ids)} customers has this id. Pass one id of the table, of its type."
        )
    return int(rows[0])
