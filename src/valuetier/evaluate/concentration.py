"""The concentration report of a value column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from valuetier import _validate as validate
from valuetier._core.concentration import WhaleCurve, gini, lorenz, top_share, whale_curve
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError

TOP = (0.01, 0.05, 0.10, 0.20, 0.30, 0.50)
POINTS = 101


@dataclass(frozen=True, slots=True, eq=False)
class Concentration:
    """How unequally value is spread over customers.

    Attributes
    ----------
    customers : int
    total : float
        Sum of the values, those below 0 included.
    gini : float
        0 equal, towards 1 one customer has all. Values below 0 count as 0.
    top_shares : mapping of float to float
        Share of value (values below 0 as 0) that the best share of customers brings.
    whale : WhaleCurve
        Peak, erosion and break-even of the cumulative value; values below 0 count whole.
    lorenz_x, lorenz_y : (101,) arrays
        Share of customers and of value, the least valuable first.
    whale_x, whale_y : (101,) arrays
        Share of customers, the best first, and cumulative share of the total.
    """

    customers: int
    total: float
    gini: float
    top_shares: Mapping[float, float]
    whale: WhaleCurve
    lorenz_x: Floats
    lorenz_y: Floats
    whale_x: Floats
    whale_y: Floats

    def to_frame(self) -> pd.DataFrame:
        """Return the shares of value by share of customers, best first."""
        return pd.DataFrame(
            {"best customers": list(self.top_shares), "share of value": list(self.top_shares.values())}
        )

    def __str__(self) -> str:
        shares = ", ".join(f"top {top:.0%}: {share:.1%}" for top, share in self.top_shares.items())
        return (
            f"{self.customers:,} customers, total {self.total:,.2f}, Gini {self.gini:.3f}; {shares}; "
            f"peak {self.whale.peak:.1%} of the total at {self.whale.peak_share:.1%} of customers"
        )


def concentration(values: ArrayLike) -> Concentration:
    """Return how concentrated the value is: Lorenz curve, Gini, top shares and whale curve.

    Parameters
    ----------
    values : (n,) array-like
        Value per customer: spend, profit … Profit may be negative.

    Raises
    ------
    InvalidDataError
        If values are missing, or none is positive.

    Examples
    --------
    >>> report = concentration([80, 10, 5, 3, 2])
    >>> report.top_shares[0.2], round(report.gini, 3)
    (0.8, 0.652)
    """
    array = validate.float_column("values", values)
    validate.refuse_not_finite("values", array)
    if not (array > 0).any():
        raise InvalidDataError(
            f"values: none of {len(array)} is above 0, so there is no value to be concentrated. "
            "Pass a column of spend or profit."
        )
    positive = np.maximum(array, 0.0)
    lorenz_x, lorenz_y = lorenz(positive, POINTS)
    whale_x, whale_y = _whale_points(array)
    return Concentration(
        customers=len(array),
        total=float(array.sum()),
        gini=gini(positive),
        top_shares=MappingProxyType({top: top_share(positive, top) for top in TOP}),
        whale=whale_curve(array),
        lorenz_x=lorenz_x,
        lorenz_y=lorenz_y,
        whale_x=whale_x,
        whale_y=whale_y,
    )


def _whale_points(values: Floats) -> tuple[Floats, Floats]:
    """Return the whale curve at 101 shares of customers; NaN where the total is not positive."""
    cumulative = np.concatenate([[0.0], np.cumsum(np.sort(values)[::-1])])
    shares = np.linspace(0.0, 1.0, POINTS)
    at = np.interp(shares * len(values), np.arange(len(values) + 1), cumulative)
    total = cumulative[-1]
    return shares, at / total if total > 0 else np.full(POINTS, np.nan)
