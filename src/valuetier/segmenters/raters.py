"""Ratings by several people: their mean, how far apart they are, and whether they agree."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from valuetier import _validate as validate
from valuetier._core.compress import significant
from valuetier.errors import InvalidDataError, MissingColumnsError, suggestion
from valuetier.tables import ID, SUM_DIGITS, as_frame, materialised

OF_EACH = ("_spread", "_raters", "_agreed")


def combine_ratings(
    ratings: Any,
    *,
    customer: str = "customer_id",
    indicator: str = "indicator",
    rater: str = "rater",
    rating: str = "rating",
    max_spread: float = 2.0,
) -> pd.DataFrame:
    """Return one row per customer: mean, spread, number and agreement of the ratings of each indicator.

    Parameters
    ----------
    ratings : table
        One row per customer, indicator and rater. A missing rating is an abstention.
    customer, indicator, rater, rating : str
        Columns of the table.
    max_spread : float
        Raters agree where highest and lowest rating are no further apart than this, in
        points of the rating scale.

    Returns
    -------
    DataFrame with customer_id and, for each indicator, a column of its name with the mean, and
    ``…_spread`` (highest less lowest), ``…_raters`` and ``…_agreed``. Sorted by customer; where nobody
    rated, the mean and the spread are NaN and there is nothing to disagree about.

    Raises
    ------
    InvalidDataError
        If a rater rates the same indicator of a customer twice, a name is missing, or an indicator
        is called as another column of the result.

    Examples
    --------
    >>> long = pd.DataFrame({
    ...     "customer_id": ["a", "a", "b", "b"],
    ...     "indicator": ["growth"] * 4,
    ...     "rater": ["sales", "service"] * 2,
    ...     "rating": [8, 7, 9, 3],
    ... })
    >>> combine_ratings(long)
      customer_id  growth  growth_spread  growth_raters  growth_agreed
    0           a     7.5            1.0              2           True
    1           b     6.0            6.0              2          False
    """
    widest = validate.positive_number("max_spread", max_spread, zero=True)
    table = _read(ratings, {ID: customer, "indicator": indicator, "rater": rater, "rating": rating})
    ordered = table.sort_values([ID, "indicator", "rating"], kind="stable")
    found = ordered.groupby([ID, "indicator"])["rating"].agg(["mean", "min", "max", "count"])
    customers = pd.Index(found.index.get_level_values(ID).unique())
    indicators = found.index.get_level_values("indicator").unique().sort_values()
    _refuse_twins(indicator, list(indicators))
    columns: dict[str, Any] = {}
    for name in indicators:
        one = found.xs(name, level="indicator").reindex(customers)
        spread = significant((one["max"] - one["min"]).to_numpy(), SUM_DIGITS)
        columns[name] = significant(one["mean"].to_numpy(), SUM_DIGITS)
        columns[f"{name}_spread"] = spread
        columns[f"{name}_raters"] = one["count"].fillna(0).to_numpy(dtype=np.int64)
        columns[f"{name}_agreed"] = ~(spread > widest)
    return pd.DataFrame({ID: customers.to_numpy(), **columns})


def _refuse_twins(column: str, names: list[Any]) -> None:
    """Raise if an indicator has the name of another column of the result."""
    taken = {ID, *(f"{name}{what}" for name in names for what in OF_EACH)}
    twins = [name for name in names if name in taken]
    if twins:
        raise InvalidDataError(
            f"{column}: {twins} would be two columns of the result. Rename these indicators."
        )


def _read(ratings: Any, names: dict[str, str]) -> pd.DataFrame:
    """Return the four columns under their own names, checked."""
    frame = as_frame(materialised(ratings))
    if not isinstance(frame, nw.DataFrame):
        raise InvalidDataError(f"ratings must be a table with named columns, got a {type(ratings).__name__}.")
    missing = [name for name in names.values() if name not in frame.columns]
    if missing:
        hints = "".join(suggestion(name, frame.columns) for name in missing)
        raise MissingColumnsError(f"The ratings lack {missing}. They have {frame.columns}.{hints}")
    table = pd.DataFrame({own: frame[name].to_list() for own, name in names.items() if own != "rating"})
    for own in table:
        gaps = table[own].isna().to_numpy()
        validate.refuse(names[str(own)], gaps, "are missing", "Fill or drop these ratings first.")
    table["rating"] = validate.float_column(names["rating"], frame[names["rating"]].to_numpy())
    validate.refuse(
        names["rating"], np.isinf(table["rating"].to_numpy()), "are infinite (inf)", "Correct these ratings."
    )
    twice = int(table.duplicated([ID, "indicator", "rater"]).sum())
    if twice:
        raise InvalidDataError(
            f"{names['rater']}: {twice} of {len(table)} ratings repeat one by the same rater. Keep one each."
        )
    return table
