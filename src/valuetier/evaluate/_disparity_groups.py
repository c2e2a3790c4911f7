"""Which group each customer belongs to, and what is done for each, in the order of an assignment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier import tables
from valuetier._core.cuts import Codes
from valuetier._core.hashing import id_text
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, MissingColumnsError, suggestion

PRICE, MINUTES, COST = "affects_price", "minutes", "cost"


class Grouped(NamedTuple):
    """Codes of the customers' groups, -1 where it is not stated, and the groups' names, the largest first."""

    codes: Codes
    names: tuple[str, ...]


class Served(NamedTuple):
    """What is done for each customer: whether anything affects the price, and minutes and cost together."""

    price: NDArray[np.bool_]
    minutes: Floats
    cost: Floats


def read_groups(groups: Any, ids: NDArray[Any], column: str | None) -> Grouped:
    """Return the groups of the customers with these ids, from a table, Series, mapping or array."""
    values = pd.Series(_values(groups, ids, column), dtype=object)
    missing = values.isna()
    if missing.all():
        raise InvalidDataError(
            f"groups: none of {len(ids)} customers has one. Check that they go by the same {tables.ID}."
        )
    texts = values[~missing].map(id_text)
    sizes = texts.value_counts()
    names = sorted(sizes.index, key=lambda name: (-int(sizes[name]), name))
    codes = np.full(len(ids), -1, dtype=np.int64)
    codes[~missing.to_numpy()] = pd.Index(names, dtype=object).get_indexer(pd.Index(texts, dtype=object))
    return Grouped(codes, tuple(names))


def _values(groups: Any, ids: NDArray[Any], column: str | None) -> Any:
    if isinstance(groups, Mapping):
        return [groups.get(one) for one in ids.tolist()]
    if isinstance(groups, pd.Series) and not _counts_rows(groups.index):
        if not groups.index.is_unique:
            raise InvalidDataError("groups: the index names a customer twice. Pass each once.")
        return groups.astype(object).reindex(pd.Index(ids)).to_numpy()
    frame = tables.as_frame(groups)
    if frame is not None:
        return _from_table(nw.from_native(tables.materialised(groups), eager_only=True), ids, column)
    values = pd.Series(groups.to_list() if hasattr(groups, "to_list") else list(groups), dtype=object)
    if len(values) != len(ids):
        raise InvalidDataError(
            f"groups has {len(values)} entries for {len(ids)} customers. Pass one for each in the order of the "
            f"assignment, or a table with {tables.ID}."
        )
    return values


def _counts_rows(index: pd.Index[Any]) -> bool:
    """Return whether an index is the one that pandas gives to what has none."""
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1 and index.name is None


def _from_table(frame: nw.DataFrame[Any], ids: NDArray[Any], column: str | None) -> Any:
    others = [name for name in frame.columns if name != tables.ID]
    if tables.ID not in frame.columns or (column is not None and column not in others):
        wanted = [name for name in (tables.ID, column) if name is not None and name not in frame.columns]
        hints = "".join(suggestion(name, frame.columns) for name in wanted)
        raise MissingColumnsError(f"groups lacks {wanted}. It has {frame.columns}.{hints}")
    if column is None and len(others) != 1:
        raise MissingColumnsError(f"groups has the columns {others}. Name the one that is meant by column=.")
    tables.check_unique(frame[tables.ID])
    rows = pd.Index(frame[tables.ID].to_numpy()).get_indexer(pd.Index(ids))
    values = np.array([*frame[column or others[0]].to_list(), None], dtype=object)
    return values[rows]


def read_actions(actions: Any, ids: NDArray[Any]) -> Served:
    """Return what a table of actions, or a result with ``to_frame``, does for each customer."""
    frame = tables.as_frame(actions)
    if frame is None and hasattr(actions, "to_frame"):
        frame = tables.as_frame(actions.to_frame())
    if frame is None:
        raise InvalidDataError(
            f"actions must be a table of actions, as StrategyMapper.map returns it, got a {type(actions).__name__}."
        )
    eager = nw.from_native(tables.materialised(frame.to_native()), eager_only=True)
    missing = [name for name in (tables.ID, PRICE, MINUTES, COST) if name not in eager.columns]
    if missing:
        raise MissingColumnsError(f"actions lacks {missing}. It has {eager.columns}.")
    read = [f"total_{name}" if f"total_{name}" in eager.columns else name for name in (MINUTES, COST)]
    rows = pd.Index(ids).get_indexer(pd.Index(eager[tables.ID].to_numpy()))
    known = rows >= 0
    if len(rows) and not known.any():
        raise InvalidDataError(
            f"actions: none of {len(rows)} rows is of one of the {len(ids)} customers. "
            f"Check that they go by the same {tables.ID}."
        )
    n = len(ids)
    weights = [np.asarray(eager[name].to_list(), dtype=np.float64)[known] for name in (PRICE, *read)]
    sums = [np.bincount(rows[known], one, minlength=n).astype(np.float64) for one in weights]
    return Served(sums[0] > 0, sums[1], sums[2])
