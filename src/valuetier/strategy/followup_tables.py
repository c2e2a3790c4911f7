"""What follow-ups are made from: last orders, rhythms and stocks, read from the tables of the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier import _validate as validate
from valuetier._core.rhythm import group_medians, median_gaps, run_out_days
from valuetier.errors import InvalidDataError, MissingColumnsError, suggestion
from valuetier.files import read_table
from valuetier.strategy.followup_rules import FollowUpRules
from valuetier.strategy.mapper import rows_of
from valuetier.tables import ID, as_frame, materialised
from valuetier.tiers import TierAssignment

Days = NDArray[np.int64]

OWN, OF_TIER, OF_ALL, NONE = range(4)

LONGEST_DAYS = 100_000  # 274 years: what lasts longer is no rhythm and never runs out


class People(NamedTuple):
    """Customers in the order of the assignment; days are counted from 1970.

    ``last`` is the last order, ``anchor`` the day from which reviews are counted, ``rhythm`` the usual number of days
    between orders, and ``basis`` whose rhythm it is.
    """

    last: Days
    anchor: Days
    rhythm: NDArray[np.float64]
    basis: NDArray[np.int64]


class Refills(NamedTuple):
    """Rows of customers, the days on which something was bought and runs out, and of what: a place in ``products``."""

    row: NDArray[np.intp]
    bought: Days
    ends: Days
    product: NDArray[np.intp]
    products: list[str]


def day_number(day: date) -> int:
    """Return the number of days from 1970 to a day."""
    return int(np.datetime64(day, "D").astype(np.int64))


def read_people(
    assignment: TierAssignment,
    customers: Any,
    as_of: date,
    log: nw.DataFrame[Any] | None,
    rules: FollowUpRules,
) -> People:
    """Return last orders and rhythms of the assigned customers.

    Raises
    ------
    MissingColumnsError
        If the customer table says nowhere when the last order was.
    InvalidDataError
        If orders are after ``as_of``, or dates are missing.
    """
    frame = _frame(customers, [], "customers")
    table = frame[rows_of(assignment, frame)]
    last = _last_orders(table, as_of)
    late = int(np.count_nonzero(last > day_number(as_of)))
    if late:
        raise InvalidDataError(
            f"customers: {late} of {len(last)} last orders are after as_of {as_of}. "
            "Pass the day on which the table was made, or a later one."
        )
    first = _first_orders(table, last)
    own, n_orders = _mean_gaps(table, first, last) if log is None else _gaps_of_log(assignment, log, as_of)
    own = np.where((n_orders >= rules.min_orders) & (own > 0) & (own <= LONGEST_DAYS), own, np.nan)
    rhythm, basis = borrowed(own, assignment.codes, len(assignment.tiers), rules.min_rhythms)
    return People(last, last if first is None else first, rhythm, basis)


def borrowed(
    own: NDArray[np.float64], tier: NDArray[np.int64], n_tiers: int, min_rhythms: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return a rhythm for everybody: their own, the median of their tier, or that of all; NaN where there is none.

    Examples
    --------
    >>> own = np.array([30.0, 40.0, np.nan, 90.0, np.nan])
    >>> rhythm, basis = borrowed(own, np.array([0, 0, 0, 1, 1]), 2, min_rhythms=2)
    >>> rhythm.tolist(), basis.tolist()
    ([30.0, 40.0, 35.0, 90.0, 40.0], [0, 0, 1, 0, 2])
    """
    has = np.isfinite(own)
    of_tier = group_medians(tier[has], own[has], n_tiers)
    of_tier[np.bincount(tier[has], minlength=n_tiers) < min_rhythms] = np.nan
    of_all = np.median(own[has]) if has.sum() >= min_rhythms else np.nan
    choices = [own, of_tier[tier], np.full(len(own), of_all)]
    basis = np.select([np.isfinite(choice) for choice in choices], [OWN, OF_TIER, OF_ALL], NONE)
    return np.choose(basis, [*choices, np.full(len(own), np.nan)]), basis


def read_log(orders: Any, customer: str, day: str) -> nw.DataFrame[Any]:
    """Return an order log as a frame of customer_id and date."""
    frame = _frame(orders, [customer, day], "orders")
    return frame.select(nw.col(customer).alias(ID), nw.col(day).alias("date"))


def read_refills(
    assignment: TierAssignment, consumption: Any, days_per_unit: Mapping[Any, float] | None, as_of: date
) -> Refills:
    """Return when what customers bought up to ``as_of`` runs out, one row per customer and product.

    Raises
    ------
    MissingColumnsError
        If the table has no customer_id, date or quantity, or nothing says how long a unit lasts.
    InvalidDataError
        If quantities or days are not above zero, or no row is of an assigned customer.
    """
    needed = [ID, "date", "quantity", "product" if days_per_unit is not None else "days_per_unit"]
    frame = _frame(consumption, needed, "consumption")
    row = _rows(assignment, frame[ID], "consumption")
    day = _days(frame["date"], "consumption: date")
    units = np.minimum(_positive(frame["quantity"], "quantity"), LONGEST_DAYS)
    lasts = np.minimum(units * np.minimum(_unit_days(frame, days_per_unit), LONGEST_DAYS), LONGEST_DAYS)
    counts = (row >= 0) & (day <= day_number(as_of))
    named = frame["product"].to_list() if "product" in frame.columns else [""] * len(frame)
    code, products = pd.factorize(
        np.array(["" if pd.isna(one) else str(one) for one in named], dtype=object), sort=True
    )
    stock, which = np.unique(row[counts] * max(len(products), 1) + code[counts], return_inverse=True)
    ends = run_out_days(which, day[counts].astype(np.float64), lasts[counts])
    last = pd.DataFrame({"ends": ends, "bought": day[counts]}).groupby(which).max()
    return Refills(
        stock // max(len(products), 1),
        last["bought"].to_numpy(dtype=np.int64),
        np.floor(np.round(last["ends"].to_numpy(dtype=np.float64), 6)).astype(np.int64),
        stock % max(len(products), 1),
        list(products),
    )


def _frame(table: Any, needed: Sequence[str], what: str) -> nw.DataFrame[Any]:
    """Return any table, or the file of one, as a frame that has these columns."""
    read = read_table(table) if isinstance(table, (str, Path)) else table
    frame = as_frame(materialised(read))
    if not isinstance(frame, nw.DataFrame):
        raise InvalidDataError(f"{what} must be a table with named columns, got a {type(table).__name__}.")
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        hints = "".join(suggestion(name, frame.columns) for name in missing)
        raise MissingColumnsError(f"{what} lacks {missing}. It has {frame.columns}.{hints}")
    return frame


def _days(series: nw.Series[Any], name: str) -> Days:
    """Return dates as numbers of days since 1970: the day as it stands there, in its own time zone."""
    if isinstance(series.dtype, nw.Datetime) and series.dtype.time_zone is not None:
        series = series.dt.replace_time_zone(None)
    values: Any = series.to_numpy()
    if values.dtype.kind != "M":
        if not (series.dtype.is_temporal() or series.dtype in (nw.String, nw.Object)):
            raise InvalidDataError(f"{name} must hold dates, got values of type {series.dtype}.")
        written = pd.Series(["" if pd.isna(one) else str(one).strip()[:10] for one in values], dtype=object)
        values = pd.to_datetime(written, format="%Y-%m-%d", errors="coerce").to_numpy()
    validate.refuse(
        name,
        np.isnat(values),
        "are no dates or missing",
        "Write them as 2026-06-30, or drop these rows first.",
    )
    days: Days = values.astype("datetime64[D]").astype(np.int64)
    return days


def _last_orders(table: nw.DataFrame[Any], as_of: date) -> Days:
    if "last_order" in table.columns:
        return _days(table["last_order"], "customers: last_order")
    if "recency_days" not in table.columns:
        raise MissingColumnsError(
            f"customers needs last_order or recency_days. It has {table.columns}. "
            "Make the table with valuetier.summarize."
        )
    return day_number(as_of) - _whole(table["recency_days"])


def _first_orders(table: nw.DataFrame[Any], last: Days) -> Days | None:
    """Return the first orders; None where the table does not say."""
    if "first_order" in table.columns:
        return _days(table["first_order"], "customers: first_order")
    return last - _whole(table["t_x"]) if "t_x" in table.columns else None


def _mean_gaps(
    table: nw.DataFrame[Any], first: Days | None, last: Days
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean number of days between orders, t_x / x, and how many orders there were."""
    n = len(last)
    if "x" in table.columns:
        repeats = _numbers(table["x"])
    elif "orders" in table.columns:
        repeats = _numbers(table["orders"]) - 1
    else:
        repeats = np.zeros(n)
    span = (
        _numbers(table["t_x"]) if "t_x" in table.columns else np.zeros(n) if first is None else last - first
    )
    return np.divide(span, repeats, out=np.full(n, np.nan), where=repeats > 0), repeats + 1


def _gaps_of_log(
    assignment: TierAssignment, log: nw.DataFrame[Any], as_of: date
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the median number of days between orders, and on how many days each customer ordered."""
    row, day = _rows(assignment, log[ID], "orders"), _days(log["date"], "orders: date")
    counts = (row >= 0) & (day <= day_number(as_of))
    return median_gaps(row[counts], day[counts], len(assignment))


def _rows(assignment: TierAssignment, ids: nw.Series[Any], what: str) -> NDArray[np.intp]:
    """Return whose each row is: the place in the assignment, -1 for somebody else's."""
    rows = pd.Index(assignment.ids).get_indexer(pd.Index(ids.to_numpy()))
    if len(rows) and (rows < 0).all():
        raise InvalidDataError(
            f"{what}: none of {len(rows)} rows is of an assigned customer. Give {ID} the type it has there."
        )
    return rows


def _unit_days(frame: nw.DataFrame[Any], days_per_unit: Mapping[Any, float] | None) -> NDArray[np.float64]:
    if days_per_unit is None:
        return _positive(frame["days_per_unit"], "days_per_unit")
    for days in days_per_unit.values():
        validate.positive_number("days_per_unit", days)
    products = pd.Series(frame["product"].to_list(), dtype=object)
    found = products.map(dict(days_per_unit)).to_numpy(dtype=np.float64)
    missing = sorted({str(one) for one in products[np.isnan(found)]})
    if missing:
        raise InvalidDataError(
            f"days_per_unit lacks the products {missing}. Say how long a unit of each lasts."
        )
    return found


def _positive(series: nw.Series[Any], name: str) -> NDArray[np.float64]:
    values = _numbers(series)
    validate.refuse(
        f"consumption: {name}",
        ~(values > 0) | np.isinf(values),
        "are not above zero",
        "Correct or drop these rows.",
    )
    return values


def _numbers(series: nw.Series[Any]) -> NDArray[np.float64]:
    return validate.float_column(series.name, series.to_numpy())


def _whole(series: nw.Series[Any]) -> Days:
    values = _numbers(series)
    validate.refuse_not_finite(series.name, values)
    validate.refuse(
        series.name,
        np.abs(values) > LONGEST_DAYS,
        f"are more than {LONGEST_DAYS:,} days",
        "Give them in days.",
    )
    return np.round(values).astype(np.int64)
