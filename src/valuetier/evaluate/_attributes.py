"""Attributes of customers, from a table of any kind, beside their tiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier import _validate as validate
from valuetier import tables
from valuetier._core.compress import significant
from valuetier._core.cuts import Codes
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, MissingColumnsError, suggestion

MOST_LEVELS = 20
YES_NO = (("no", "否"), ("yes", "是"))
OTHER = ("all others", "其余各类")

Label = tuple[str, str]


class Attribute(NamedTuple):
    """One attribute of the customers who are in the table.

    ``codes`` has the place of each customer's value among the distinct ``values`` (of a
    numeric attribute, ascending) or the ``labels`` (English and Chinese); -1 where it is missing.
    """

    name: str
    codes: Codes
    values: Floats | None = None
    labels: tuple[Label, ...] = ()

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return self.values is not None

    @property
    def size(self) -> int:
        """How many values there are to tell apart."""
        return len(self.labels) if self.values is None else len(self.values)


class Matched(NamedTuple):
    """Attributes of the customers found in the table.

    ``rows`` are their places in the assignment; ``strangers`` counts customers in the table only.
    """

    attributes: tuple[Attribute, ...]
    rows: NDArray[np.intp]
    strangers: int


def read_attributes(
    table: Any, ids: NDArray[Any], columns: Sequence[str] | None, categorical: Sequence[str]
) -> Matched:
    """Return the attributes of the customers with these ids; who is on one side only is counted."""
    frame = _eager(table)
    names = _chosen(frame.columns, columns, categorical)
    tables.check_unique(frame[tables.ID])
    there = pd.Index(frame[tables.ID].to_numpy()).get_indexer(pd.Index(ids))
    rows = np.flatnonzero(there >= 0)
    if not len(rows):
        raise InvalidDataError(
            f"None of {len(ids)} customers of the assignment is among {len(frame)} in attributes. "
            f"Check {tables.ID}: {np.asarray(ids).dtype} there, {frame[tables.ID].dtype} here."
        )
    found = tuple(_attribute(frame.get_column(name), there[rows], name in categorical) for name in names)
    return Matched(found, rows, len(frame) - len(rows))


def _eager(table: Any) -> nw.DataFrame[Any]:
    """Return the table as a frame in memory; raise unless it names its customers."""
    frame = tables.as_frame(tables.materialised(table))
    if not isinstance(frame, nw.DataFrame):
        raise InvalidDataError(
            f"attributes must be a table with a column {tables.ID}, got a {type(table).__name__}. Pass a frame."
        )
    if tables.ID not in frame.columns:
        raise MissingColumnsError(
            f"attributes lacks {tables.ID!r}, by which customers are found. It has {frame.columns}. "
            "Rename the column of the ids, or reset the index."
        )
    return frame


def _chosen(there: Sequence[str], columns: Sequence[str] | None, categorical: Sequence[str]) -> list[str]:
    """Return the columns to be looked at, in the order of the table or as asked for."""
    chosen = [name for name in there if name != tables.ID] if columns is None else list(columns)
    missing = [name for name in (*chosen, *categorical) if name not in there]
    if missing:
        hints = "".join(suggestion(name, there) for name in missing)
        raise MissingColumnsError(f"attributes lacks {missing}. It has {list(there)}.{hints}")
    if not chosen:
        raise MissingColumnsError(
            f"attributes has no column beside {tables.ID!r}. Add what is to be compared."
        )
    return list(dict.fromkeys(chosen))


def _attribute(series: nw.Series[Any], there: NDArray[np.intp], categorical: bool) -> Attribute:
    name, kind = str(series.name), series.dtype
    if kind.is_temporal() or kind.is_nested():
        raise InvalidDataError(
            f"{name} must hold numbers, text or booleans, got values of type {kind}. "
            "Turn dates into days, or name the columns to be compared by columns=."
        )
    if kind.is_numeric() and not categorical:
        return _numeric(name, series.cast(nw.Float64).to_numpy()[there])
    values = pd.Series(series.to_list(), dtype=object).iloc[there]
    if values.dropna().map(lambda value: isinstance(value, (bool, np.bool_))).all():
        codes = np.where(values.isna(), -1, values.eq(True).to_numpy()).astype(np.int64)
        return Attribute(name, codes, labels=YES_NO)
    return _categorical(name, values)


def _numeric(name: str, values: Floats) -> Attribute:
    validate.refuse(name, np.isinf(values), "are infinite (inf)", "Correct or drop these customers.")
    known = ~np.isnan(values)
    distinct, places = np.unique(significant(values[known], tables.SUM_DIGITS), return_inverse=True)
    codes = np.full(len(values), -1, dtype=np.int64)
    codes[known] = places
    return Attribute(name, codes, values=distinct)


def _categorical(name: str, values: pd.Series) -> Attribute:
    """Return the levels, the commonest first; from the twentieth on they are one if there are more."""
    texts = values.where(values.isna(), values.map(_text))
    sizes = texts.value_counts()
    ordered = sorted(sizes.index, key=lambda level: (-int(sizes[level]), level))
    codes = pd.Index(ordered, dtype=object).get_indexer(pd.Index(texts, dtype=object)).astype(np.int64)
    codes[texts.isna().to_numpy()] = -1
    labels = tuple((level, level) for level in ordered)
    if len(labels) > MOST_LEVELS:
        codes, labels = np.minimum(codes, MOST_LEVELS - 1), (*labels[: MOST_LEVELS - 1], OTHER)
    return Attribute(name, codes, labels=labels)


def _text(value: Any) -> str:
    """Return a level as text; whole numbers, which missing values turn into floats, without their point."""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)
