"""The same columns under the names that lifetimes uses."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from valuetier.errors import MissingColumnsError

TO_LIFETIMES = {"x": "frequency", "t_x": "recency", "T": "T", "m_x": "monetary_value"}


def to_lifetimes(customers: Any) -> Any:
    """Return a customer table with lifetimes' names: frequency, recency, T, monetary_value.

    ``recency`` there is the age at the last purchase, not the days since. The mean value of
    a customer without repeat purchase is 0 there, NaN here; it is left NaN.
    """
    return _renamed(customers, TO_LIFETIMES)


def from_lifetimes(frame: Any) -> Any:
    """Return a lifetimes summary with valuetier's names: x, t_x, T, m_x."""
    return _renamed(frame, {theirs: ours for ours, theirs in TO_LIFETIMES.items()})


def _renamed(frame: Any, names: dict[str, str]) -> Any:
    known = nw.from_native(frame)
    there = known.collect_schema().names()
    present = {old: new for old, new in names.items() if old in there}
    required = [old for old in names if old not in ("m_x", "monetary_value")]
    missing = [old for old in required if old not in present]
    if missing:
        raise MissingColumnsError(f"The table lacks {missing}. It has {there}.")
    return known.rename(present).to_native()
