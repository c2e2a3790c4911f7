"""Values of customers that segmenters rank by: from churn rates, and after costs and risk.

Functions on arrays; :func:`with_value` puts their result into a customer table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from valuetier import _validate as validate
from valuetier import tables
from valuetier._core.compress import significant
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, InvalidParameterError, require_choice

__all__ = [
    "churn_clv",
    "customer_equity",
    "expected_loss",
    "financing_cost",
    "retention_what_if",
    "risk_adjusted_value",
    "with_value",
]

FIRST_PAYMENTS = ("after_a_year", "at_once")
DAYS_PER_YEAR = 365.0


def churn_clv(
    annual_margin: ArrayLike,
    annual_retention: ArrayLike,
    *,
    annual_discount_rate: float = 0.10,
    first_payment: str = "after_a_year",
) -> Floats:
    """Return the lifetime value of each customer from its margin and a retention rate, without an order history.

    With the first payment after a year, if the customer is still there: margin × r / (1 + d - r).
    With the first payment at once: margin × (1 + d) / (1 + d - r), which is one margin more.

    Source: Gupta & Lehmann (2003), "Customers as assets", Journal of Interactive Marketing 17(1), 9-24,
    and (2005), *Managing Customers as Investments*: margin times a "margin multiple".

    Parameters
    ----------
    annual_margin : float or (n,) array
        Per year, in the currency of the log.
    annual_retention : float or (n,) array
        Share of customers who stay from one year to the next, 0 to 1.
    annual_discount_rate : float
        Above 0 where somebody stays for ever.
    first_payment : str
        ``"after_a_year"`` or ``"at_once"``.

    Raises
    ------
    InvalidDataError
        If a retention is no share, or the value would be infinite.

    Examples
    --------
    >>> churn_clv(100.0, [0.8, 0.9], annual_discount_rate=0.10).round(2).tolist()
    [266.67, 450.0]
    >>> churn_clv(100.0, 0.9, annual_discount_rate=0.10, first_payment="at_once").tolist()
    [550.0]
    """
    require_choice("first_payment", first_payment, FIRST_PAYMENTS)
    rate = validate.positive_number("annual_discount_rate", annual_discount_rate, zero=True)
    margin, retention = _together(annual_margin=annual_margin, annual_retention=annual_retention)
    _refuse_no_share("annual_retention", retention)
    for_ever = np.asarray(1.0 + rate - retention <= 0)
    validate.refuse(
        "annual_retention", for_ever, "are 1 without a discount", "Set annual_discount_rate above 0."
    )
    multiple = retention / (1.0 + rate - retention)
    return significant(margin * (multiple + (first_payment == "at_once")))


def customer_equity(
    annual_margin: ArrayLike,
    annual_retention: ArrayLike,
    *,
    customers: ArrayLike = 1.0,
    annual_discount_rate: float = 0.10,
    first_payment: str = "after_a_year",
) -> float:
    """Return the sum of the lifetime values of a portfolio; see :func:`churn_clv`.

    Parameters
    ----------
    customers : float or (n,) array
        How many customers each entry stands for: 1, or the size of a segment.

    Examples
    --------
    >>> customer_equity([100, 20], [0.9, 0.6], customers=[50, 500], annual_discount_rate=0.10)
    34500.0
    """
    values = churn_clv(
        annual_margin,
        annual_retention,
        annual_discount_rate=annual_discount_rate,
        first_payment=first_payment,
    )
    each, sizes = _together(values=values, customers=customers)
    validate.refuse("customers", sizes < 0, "are negative", "Pass how many customers each entry stands for.")
    return float(significant(np.sort(each * sizes).sum()))


def retention_what_if(
    annual_margin: ArrayLike,
    annual_retention: ArrayLike,
    *,
    points: ArrayLike = (-5, -1, 0, 1, 5),
    customers: ArrayLike = 1.0,
    annual_discount_rate: float = 0.10,
    first_payment: str = "after_a_year",
) -> pd.DataFrame:
    """Return customer equity for a retention some percentage points higher or lower.

    Parameters
    ----------
    points : float or sequence of float
        Percentage points that are added to every retention; the result stays within 0 and 1.

    Returns
    -------
    DataFrame with points, annual_retention (mean over customers), customer_equity, change and
    change_share (against the retention as it is).

    Examples
    --------
    >>> table = retention_what_if(100, 0.8, customers=1000, points=(0, 5))
    >>> table[["points", "customer_equity", "change_share"]].round(3).to_numpy().tolist()
    [[0.0, 266666.667, 0.0], [5.0, 340000.0, 0.275]]
    """
    margin, retention, sizes = _together(
        annual_margin=annual_margin, annual_retention=annual_retention, customers=customers
    )
    (moves,) = _together(points=points)

    def equity(at: Floats) -> float:
        return customer_equity(
            margin,
            at,
            customers=sizes,
            annual_discount_rate=annual_discount_rate,
            first_payment=first_payment,
        )

    now = equity(retention)
    if not now > 0 or not sizes.sum() > 0:
        raise InvalidDataError(
            "customer equity must be above 0 for a change in per cent, and it is not with these margins. "
            "Leave out those that bring nothing."
        )
    moved = [np.clip(retention + move / 100.0, 0.0, 1.0) for move in moves]
    equities = np.array([equity(one) for one in moved])
    return pd.DataFrame(
        {
            "points": moves,
            "annual_retention": [float(np.average(one, weights=sizes)) for one in moved],
            "customer_equity": equities,
            "change": equities - now,
            "change_share": equities / now - 1.0,
        }
    )


def expected_loss(default_probability: ArrayLike, exposure: ArrayLike, loss_share: ArrayLike = 1.0) -> Floats:
    """Return the loss to be expected from each customer: probability × exposure × share of it that is lost.

    Parameters
    ----------
    default_probability : float or (n,) array
        That the customer does not pay, 0 to 1.
    exposure : float or (n,) array
        What is owed then, ≥ 0.
    loss_share : float or (n,) array
        Share of the exposure that is not recovered, 0 to 1.

    Examples
    --------
    >>> expected_loss([0.02, 0.10], 50_000, 0.5).tolist()
    [500.0, 2500.0]
    """
    probability, owed, share = _together(
        default_probability=default_probability, exposure=exposure, loss_share=loss_share
    )
    _refuse_no_share("default_probability", probability)
    _refuse_no_share("loss_share", share)
    _refuse_negative("exposure", owed)
    return probability * owed * share


def financing_cost(amount: ArrayLike, overdue_days: ArrayLike, *, annual_interest_rate: float) -> Floats:
    """Return what it costs to wait for late payments: amount × ((1 + rate)^(days/365) - 1).

    Parameters
    ----------
    amount : float or (n,) array
        What is paid late, ≥ 0.
    overdue_days : float or (n,) array
        Days after the agreed date, ≥ 0.
    annual_interest_rate : float
        Effective, what our own money costs.

    Examples
    --------
    >>> financing_cost(10_000, [0, 182.5, 365], annual_interest_rate=0.08).round(2).tolist()
    [0.0, 392.3, 800.0]
    """
    rate = validate.positive_number("annual_interest_rate", annual_interest_rate, zero=True)
    late, days = _together(amount=amount, overdue_days=overdue_days)
    _refuse_negative("amount", late)
    _refuse_negative("overdue_days", days)
    return np.asarray(late * np.expm1(days / DAYS_PER_YEAR * np.log1p(rate)))


def risk_adjusted_value(
    revenue: ArrayLike,
    *,
    cost_to_serve: ArrayLike = 0.0,
    acquisition_cost: ArrayLike = 0.0,
    default_probability: ArrayLike = 0.0,
    exposure: ArrayLike = 0.0,
    loss_share: ArrayLike = 1.0,
) -> Floats:
    """Return what is left of the revenue of each customer after its costs and the expected loss.

    revenue - cost to serve - acquisition - probability × exposure × loss share. May be negative.

    Parameters
    ----------
    revenue : float or (n,) array
        Of the period looked at; margin, where goods have a cost.
    cost_to_serve, acquisition_cost : float or (n,) array
        Of the same period, ≥ 0; late payments belong here by :func:`financing_cost`.
    default_probability, exposure, loss_share : float or (n,) array
        See :func:`expected_loss`.

    Examples
    --------
    >>> risk_adjusted_value([1000, 1000], cost_to_serve=200, default_probability=[0, 0.3], exposure=2000).tolist()
    [800.0, 200.0]
    """
    names = ("revenue", "cost_to_serve", "acquisition_cost", "loss")
    loss = expected_loss(default_probability, exposure, loss_share)
    gross, serving, acquiring, lost = _together(
        **dict(zip(names, (revenue, cost_to_serve, acquisition_cost, loss), strict=True))
    )
    _refuse_negative("cost_to_serve", serving)
    _refuse_negative("acquisition_cost", acquiring)
    return gross - serving - acquiring - lost


def with_value(customers: Any, name: str, function: Callable[..., ArrayLike], /, **inputs: Any) -> Any:
    """Return the customer table with one more column: a value that a function makes of others.

    Parameters
    ----------
    customers : table
        Of any kind; it is not changed, and its rows keep their order. A Polars query comes back
        as a Polars frame, any other query as a pandas frame.
    name : str
        Of the new column.
    function : function
        One of this module, or any from arrays to one value per customer.
    **inputs
        Its arguments: a text is the name of a column, anything else is passed as it is. Settle
        arguments that are texts themselves by :func:`functools.partial`.

    Raises
    ------
    InvalidParameterError
        If the column is there already.
    InvalidDataError
        If a column is missing values, or the function does not give one value per customer.

    Examples
    --------
    >>> import pandas as pd
    >>> customers = pd.DataFrame({"spend": [500.0, 80.0], "visits": [3, 4]})
    >>> with_value(
    ...     customers, "profit", lambda spend, visits: 0.4 * spend - 20 * visits, spend="spend", visits="visits"
    ... )["profit"].tolist()
    [140.0, -48.0]
    >>> with_value(customers, "value", risk_adjusted_value, revenue="spend", cost_to_serve=30)["value"].tolist()
    [470.0, 50.0]
    """
    lazy = tables.as_frame(customers)
    if lazy is None:
        raise InvalidDataError("customers must be a table with named columns, got an array.")
    polars = isinstance(lazy, nw.LazyFrame) and lazy.implementation.is_polars()
    frame = lazy.collect("polars" if polars else "pandas") if isinstance(lazy, nw.LazyFrame) else lazy
    if name in frame.columns:
        raise InvalidParameterError(f"the customers have a column {name!r} already. Choose another name.")
    columns = {key: column for key, column in inputs.items() if isinstance(column, str)}
    read = tables.read_columns(frame.to_native(), list(columns.values())).T if columns else ()
    made = np.asarray(function(**{**inputs, **dict(zip(columns, read, strict=True))}))
    if made.shape != (len(frame),):
        raise InvalidDataError(
            f"{name}: one value per customer is needed, {len(frame)} customers, got the shape {made.shape}."
        )
    return frame.with_columns(_column(name, made, frame)).to_native()


def _column(name: str, values: Floats, frame: nw.DataFrame[Any]) -> nw.Series[Any]:
    native = frame.to_native()
    if isinstance(native, pd.DataFrame):
        return nw.from_native(pd.Series(values, index=native.index, name=name), series_only=True)
    return nw.new_series(name, values, backend=frame.implementation)


def _together(**values: ArrayLike) -> list[Floats]:
    """Return the arguments as arrays of one length, none of them missing."""
    arrays = validate.broadcast_floats(**values)
    for name, array in zip(values, arrays, strict=True):
        validate.refuse_not_finite(name, array)
    return arrays


def _refuse_no_share(name: str, values: Floats) -> None:
    validate.refuse(
        name, (values < 0) | (values > 1), "lie outside 0 to 1", "Pass shares: 0.8 for 80 per cent."
    )


def _refuse_negative(name: str, values: Floats) -> None:
    validate.refuse(name, values < 0, "are negative", "Pass amounts of 0 or more.")
