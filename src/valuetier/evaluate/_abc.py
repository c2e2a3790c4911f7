"""The ABC table: who brings the first 80 % of the value, the next 15 %, the rest, and nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from valuetier._core.cuts import share_thresholds, tier_codes
from valuetier._validate import Floats

SHARES = (0.80, 0.15, 0.05)
NAMES = (("A", "A 类客户"), ("B", "B 类客户"), ("C", "C 类客户"), ("No value", "无价值客户"))


@dataclass(frozen=True, slots=True)
class AbcClass:
    """One class of an ABC table.

    Attributes
    ----------
    name, name_zh : str
        English and Chinese name.
    customers : int
    customer_share : float
        Share of all customers.
    value : float
        What they bring together.
    value_share : float
        Share of the value of the customers above 0; below 0 for a last class that loses money.
    lowest_value : float
        Of a customer in the class; NaN where nobody is.
    """

    name: str
    name_zh: str
    customers: int
    customer_share: float
    value: float
    value_share: float
    lowest_value: float


def abc_classes(ordered: Floats) -> tuple[AbcClass, ...]:
    """Return the classes A, B, C, and those at or below 0, from values in ascending order.

    The boundaries are those of :class:`valuetier.ValueShareCut` on the customers above 0: equal
    customers stay together.
    """
    first = int(np.searchsorted(ordered, 0.0, side="right"))
    levels, counts = np.unique(ordered[first:], return_counts=True)
    codes = tier_codes(levels, share_thresholds(levels, np.array(SHARES), weights=levels * counts))
    gross = float((levels * counts).sum())
    found = [(levels[codes == code], counts[codes == code]) for code in range(len(SHARES))]
    found.append(np.unique(ordered[:first], return_counts=True))
    return tuple(
        _class(name, values, sizes, len(ordered), gross)
        for name, (values, sizes) in zip(NAMES, found, strict=True)
    )


def _class(name: tuple[str, str], levels: Floats, counts: Floats, n: int, gross: float) -> AbcClass:
    customers, value = int(counts.sum()), float((levels * counts).sum())
    lowest = float(levels.min()) if customers else float("nan")
    return AbcClass(*name, customers, customers / n, value, value / gross, lowest)
