"""The same columns under the names and with the values that other libraries use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import narwhals as nw

from valuetier.customers.checks import no_numbers
from valuetier.customers.definition import collected
from valuetier.errors import InvalidDataError, MissingColumnsError

TO_LIFETIMES = {"x": "frequency", "t_x": "recency", "T": "T", "m_x": "monetary_value"}
FROM_LIFETIMES = {theirs: ours for ours, theirs in TO_LIFETIMES.items()}
OPTIONAL = ("m_x", "monetary_value")
ID = "customer_id"


def to_lifetimes(customers: Any) -> Any:
    """Return a customer table with lifetimes' names: frequency, recency, T, monetary_value.

    ``recency`` there is the age at the last purchase, not the days since. The mean value of
    a customer without repeat purchase is 0 there, NaN here; it is left NaN.
    """
    return _renamed(customers, TO_LIFETIMES).to_native()


def from_lifetimes(frame: Any) -> Any:
    """Return a lifetimes summary with valuetier's names: x, t_x, T, m_x."""
    return _renamed(frame, FROM_LIFETIMES).to_native()


def to_pymc_marketing(customers: Any) -> Any:
    """Return a customer table as the models of pymc-marketing take it and its ``rfm_summary`` makes it.

    Parameters
    ----------
    customers : table
        Columns customer_id, x, t_x, T and, if there, m_x, of any kind of frame.

    Returns
    -------
    table
        Of the same kind: customer_id, frequency, recency, T and monetary_value, the numbers
        as floats, times in days. ``recency`` is the age at the last purchase. The
        monetary value of a customer without repeat purchase is 0, not NaN. Other columns stay.

    Raises
    ------
    MissingColumnsError
        If a column is not there.

    Notes
    -----
    The columns of pymc-marketing 0.19. Its models of purchases take the table as it is, its
    models for spending only the customers with ``frequency > 0``, as ours choose them
    themselves; it predicts the spending of all. It wants a pandas frame: ``summarize(..., as_="pandas")``.

    Examples
    --------
    >>> import pandas as pd
    >>> customers = pd.DataFrame({
    ...     "customer_id": [7, 8], "x": [1, 0], "t_x": [10.0, 0.0], "T": [12.0, 6.0], "m_x": [30.0, None],
    ... })
    >>> to_pymc_marketing(customers)
       customer_id  frequency  recency     T  monetary_value
    0            7        1.0     10.0  12.0            30.0
    1            8        0.0      0.0   6.0             0.0
    """
    table = _renamed(customers, TO_LIFETIMES, needed=(ID,))
    _require_numbers(table, TO_LIFETIMES)
    return _with_means(table, "frequency", nw.Float64, "monetary_value", 0.0).to_native()


def from_pymc_marketing(frame: Any) -> Any:
    """Return a summary made for pymc-marketing with valuetier's names and values: x, t_x, T, m_x.

    Parameters
    ----------
    frame : table
        Columns customer_id, frequency, recency, T and, if there, monetary_value; times in days.

    Returns
    -------
    table
        Of the same kind. ``x`` holds integers; ``m_x`` of a customer without repeat purchase
        is NaN, whatever it was. Other columns stay.

    Raises
    ------
    MissingColumnsError
        If a column is not there. A summary that includes the first transaction has no ``T``:
        make one without.
    InvalidDataError
        If ``frequency`` holds anything but whole numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from_pymc_marketing(pd.DataFrame({
    ...     "customer_id": [7, 8], "frequency": [1.0, 0.0], "recency": [10.0, 0.0], "T": [12.0, 6.0],
    ...     "monetary_value": [30.0, 0.0],
    ... }))
       customer_id  x   t_x     T   m_x
    0            7  1  10.0  12.0  30.0
    1            8  0   0.0   6.0   NaN
    """
    table = _renamed(frame, FROM_LIFETIMES, needed=(ID,))
    _require_numbers(table, FROM_LIFETIMES)
    _refuse_fractions(table)
    return _with_means(table, "x", nw.Int64, "m_x", math.nan).to_native()


def _with_means(table: Any, count: str, dtype: Any, mean: str, unknown: float) -> Any:
    """Return the table with counts of that type, and that mean where they are 0."""
    changed = {count: nw.col(count).cast(dtype)}
    if mean in table.collect_schema().names():
        known = nw.col(mean).cast(nw.Float64)
        changed[mean] = nw.when(nw.col(count) == 0).then(nw.lit(unknown)).otherwise(known)
    return table.with_columns(**changed)


def _require_numbers(table: Any, names: dict[str, str]) -> None:
    """Raise unless the renamed columns hold numbers; the message has the old names."""
    schema = table.collect_schema()
    for old, new in names.items():
        if new in schema and not schema[new].is_numeric():
            raise no_numbers(old, schema[new])


def _refuse_fractions(table: Any) -> None:
    """Raise unless x holds whole numbers."""
    x = nw.col("x").cast(nw.Float64)
    whole = nw.when(x.is_finite() & (x == x.floor())).then(1).otherwise(0)
    row = collected(table.select(rows=nw.len(), whole=whole.sum())).rows(named=True)[0]
    rows = int(row["rows"])
    bad = rows - int(row["whole"] or 0) if rows else 0  # the sum of no rows is missing in DuckDB
    if bad:
        raise InvalidDataError(
            f"frequency: {bad} of {rows} values are missing or no whole numbers. "
            "It counts repeat purchases; correct or drop these customers."
        )


def _renamed(frame: Any, names: dict[str, str], needed: Sequence[str] = ()) -> Any:
    """Return the table with other names; raise unless all that are not optional are there."""
    known = nw.from_native(frame)
    there = known.collect_schema().names()
    present = {old: new for old, new in names.items() if old in there}
    required = [*needed, *(old for old in names if old not in OPTIONAL)]
    missing = [old for old in required if old not in there]
    if missing:
        raise MissingColumnsError(f"The table lacks {missing}. It has {there}.")
    return known.rename(present)
