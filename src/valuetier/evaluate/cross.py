"""Behaviour by value: two assignments of the same customers, one against the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from valuetier import _validate as validate
from valuetier._core.cuts import Codes
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, InvalidParameterError, require_choice
from valuetier.evaluate._totals import with_totals
from valuetier.tiers import LANGUAGES, TierAssignment

CELLS = ("customers", "customer_share", "value", "value_share")
TOTAL = {"en": "total", "zh": "合计"}
NO_SEGMENT = ("no segment", "未分群")

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class CrossTable:
    """Customers and value in every cell of behaviour by value tier.

    Attributes
    ----------
    rows, columns : tuple of (str, str)
        English and Chinese names of the segments (or tiers) in rows, and of the tiers in columns.
    customers : (r, c) int array
    customer_share : (r, c) array
        Share of all customers.
    value, value_share : (r, c) array or None
        Sum of the values, and its share of the total; None without values.
    """

    rows: Pairs
    columns: Pairs
    customers: NDArray[np.int64]
    customer_share: Floats
    value: Floats | None = None
    value_share: Floats | None = None

    def to_frame(self, lang: str = "en") -> pd.DataFrame:
        """Return one row per cell: segment, tier, customers, customer_share, and value, value_share if known."""
        require_choice("lang", lang, LANGUAGES)
        rows, columns = (_in_language(names, lang) for names in (self.rows, self.columns))
        cells = {name: getattr(self, name) for name in CELLS if getattr(self, name) is not None}
        return pd.DataFrame(
            {
                "segment": np.repeat(np.array(rows, dtype=object), len(columns)),
                "tier": np.tile(np.array(columns, dtype=object), len(rows)),
                **{name: cell.ravel() for name, cell in cells.items()},
            }
        )

    def table(self, cell: str = "customers", lang: str = "en") -> pd.DataFrame:
        """Return one of customers, customer_share, value, value_share with segments in rows, tiers in columns, totals."""
        require_choice("cell", cell, CELLS)
        require_choice("lang", lang, LANGUAGES)
        cells = getattr(self, cell)
        if cells is None:
            raise InvalidParameterError(f"cell {cell!r} needs values. Pass them to cross_table.")
        total = TOTAL[lang]
        return pd.DataFrame(
            with_totals(cells),
            index=pd.Index([*_in_language(self.rows, lang), total], name="segment"),
            columns=pd.Index([*_in_language(self.columns, lang), total], name="tier"),
        )

    def __str__(self) -> str:
        return str(self.table())


def cross_table(
    behaviour: TierAssignment, tiers: TierAssignment, values: ArrayLike | None = None
) -> CrossTable:
    """Return customers and value for every pair of a behaviour segment and a value tier.

    Parameters
    ----------
    behaviour : TierAssignment
        In rows: its segments where it names them, else its tiers.
    tiers : TierAssignment
        In columns, best tier first. Of the same customers, in any order.
    values : (n,) array-like, optional
        Value of each customer, in the order of ``behaviour``.

    Raises
    ------
    InvalidDataError
        If the assignments are of different customers, or values are missing or sum to no
        positive total.

    Examples
    --------
    >>> import valuetier as vt
    >>> customers = vt.checks.make_customers()
    >>> rfm = vt.RFMSegmenter(grid="rf10").fit(customers).assign(customers)
    >>> pyramid = vt.PyramidSegmenter(preset="hml").fit(customers).assign(customers)
    >>> table = cross_table(rfm, pyramid, customers["spend"])
    >>> table.table("value_share").loc["Champions"].round(3).to_dict()
    {'High': 0.204, 'Medium': 0.032, 'Low': 0.006, 'No value': 0.0, 'total': 0.242}
    """
    there = _same_customers(behaviour, tiers)
    row_codes, rows = _rows(behaviour)
    columns = tuple((tier.name, tier.name_zh) for tier in tiers.tiers)
    cell = row_codes * len(columns) + tiers.codes[there]
    shape = (len(rows), len(columns))
    customers = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    value = None if values is None else _summed(values, cell, shape)
    return CrossTable(
        rows=rows,
        columns=columns,
        customers=customers,
        customer_share=customers / max(len(behaviour), 1),
        value=value,
        value_share=None if value is None else value / value.sum(),
    )


def _same_customers(first: TierAssignment, second: TierAssignment) -> NDArray[np.intp]:
    """Return where each customer of the first assignment stands in the second."""
    there = pd.Index(second.ids).get_indexer(pd.Index(first.ids))
    missing = int((there < 0).sum())
    extra = len(second) - len(first) + missing
    if missing or extra:
        raise InvalidDataError(
            f"The assignments are of different customers: {missing} of {len(first)} in the first are not in "
            f"the second, {extra} of {len(second)} in the second not in the first. Assign the same table."
        )
    return np.asarray(there)


def _rows(assignment: TierAssignment) -> tuple[Codes, Pairs]:
    """Return the row of each customer, and the names: tiers best first, segments the largest first, none last."""
    if assignment.segments is None:
        return assignment.codes, tuple((tier.name, tier.name_zh) for tier in assignment.tiers)
    english = pd.Series(assignment.segments, dtype=object)
    chinese = assignment.segments if assignment.segments_zh is None else assignment.segments_zh
    names = dict(zip(english, chinese, strict=True))
    sizes = english.value_counts()
    ordered = sorted(sizes.index, key=lambda name: (-int(sizes[name]), str(name)))
    codes = np.asarray(pd.Index(ordered, dtype=object).get_indexer(pd.Index(english)), dtype=np.int64)
    pairs = tuple((name, names[name]) for name in ordered)
    nowhere = codes < 0
    return np.where(nowhere, len(pairs), codes), (*pairs, NO_SEGMENT) if nowhere.any() else pairs


def _summed(values: Any, cell: NDArray[np.int64], shape: tuple[int, int]) -> Floats:
    """Return the sum of the values in each cell, whatever their order."""
    array = validate.float_column("values", values)
    validate.same_length(values=array, assigned=cell)
    validate.refuse_not_finite("values", array)
    order = np.lexsort((array, cell))
    sums = np.bincount(cell[order], weights=array[order], minlength=shape[0] * shape[1]).reshape(shape)
    if not sums.sum() > 0:
        raise InvalidDataError(
            f"values: the {len(array)} values sum to no positive total, so there are no shares of it. "
            "Pass a column of spend or profit."
        )
    return np.asarray(sums)


def _in_language(names: Sequence[tuple[str, str]], lang: str) -> list[str]:
    return [zh if lang == "zh" else en for en, zh in names]
