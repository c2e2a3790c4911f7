"""Order logs in pandas: their columns as arrays, their customers numbered."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier import _validate as validate
from valuetier._core.history import Integers, dense_codes
from valuetier.customers.arrays import ArrayLog, fates, summarize_arrays
from valuetier.customers.checks import check_columns, no_ids, no_numbers
from valuetier.customers.dates import EARLIEST, NUMBERS, TOO_LATE, local_times, parse_dates
from valuetier.customers.extras import further_columns, further_roles, named, no_order, wanted, with_further
from valuetier.customers.prepare import Links, notes, plain, prepared
from valuetier.customers.report import IngestReport
from valuetier.customers.rules import MONEY, OF_NUMBERS, TABLE, TELLING, Columns, Extra, Rules


def summarize_pandas(
    orders: pd.DataFrame, columns: Columns, rules: Rules, links: Links
) -> tuple[pd.DataFrame, IngestReport, date]:
    """Return the customer table, the report and the last day."""
    lines = read_lines(orders, columns)
    if links.any or columns.currency or columns.refund_of:
        lines = prepared(nw.from_native(lines), columns, links).to_native()
    log, ids = as_arrays(lines, columns)
    with np.errstate(over="ignore"):  # what adds up to infinity is refused
        table, report, last_day = summarize_arrays(log, ids, rules, columns)
    if wanted(columns) or links.any or columns.refund_of:
        good = good_lines(lines, log, rules)
        report = replace(report, notes=notes(good, columns, links))
        table = table_with_further(table, further_columns(good, rules, columns), columns)
    return table.reset_index(drop=True), report, last_day


def good_lines(lines: pd.DataFrame, log: ArrayLog, rules: Rules) -> Any:
    """Return the lines that can be used, customers and orders by their codes."""
    coded = lines.assign(customer=log.customers.astype(np.int64), rows=np.int64(1))
    if log.orders is not None:
        coded["order"] = log.orders
    return nw.from_native(coded[usable(log, rules)])


def usable(log: ArrayLog, rules: Rules) -> NDArray[np.bool_]:
    """Return which rows can be used."""
    bad = np.zeros(len(log.at), dtype=bool)
    for found in fates(log, rules).values():
        bad |= found
    return ~bad


def from_pandas(orders: pd.DataFrame, columns: Columns) -> tuple[ArrayLog, Any]:
    """Return the log as arrays, and the ids that its customer codes stand for."""
    return as_arrays(read_lines(orders, columns), columns)


def read_lines(orders: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return the columns in use under the names of their roles: dates read, money as floats."""
    check_columns(list(orders.columns), columns)
    roles = columns.roles()
    at = parse_dates(columns.date, orders[columns.date], columns.date_format)
    lines: dict[str, Any] = {role: orders[column].array for role, column in roles.items()}
    lines["at"] = _in_calendar(local_times(at, columns.timezone).to_numpy("datetime64[us]"))
    lines |= {role: _money(column, orders[column]) for role, column in roles.items() if role in MONEY}
    for extra, role in zip(columns.extra, columns.carried(), strict=True):
        lines[role] = _carried(extra, orders[extra.column])
    return pd.DataFrame(lines, copy=False)


def as_arrays(lines: pd.DataFrame, columns: Columns) -> tuple[ArrayLog, Any]:
    """Return lines as arrays, and the ids that their customer codes stand for."""
    codes, ids = _positions(columns.customer, lines["customer"])
    faults = {role: ~np.isfinite(lines[role].to_numpy()) for role in ("cost", "margin") if role in lines}
    faults |= {role: lines[role].isna().to_numpy() for role in ("currency", "rate") if role in lines}
    log = ArrayLog(
        customers=codes.astype(np.int32, copy=False),
        at=lines["at"].to_numpy("datetime64[us]").view(np.int64),
        amounts=lines["amount"].to_numpy(),
        orders=None if columns.order is None else _codes(columns.order, lines["order"]),
        faults=faults,
        telling=_telling(lines),
    )
    return log, ids


def _telling(lines: pd.DataFrame) -> Integers | None:
    """Return a code for each combination of what tells equal rows apart; None if there is no such column."""
    names = [name for name in TELLING if name in lines]
    if not names:
        return None
    codes = lines.groupby(names, dropna=False, sort=False, observed=True).ngroup()
    return np.asarray(codes, dtype=np.int64)


def table_with_further(table: pd.DataFrame, further: Any, columns: Columns) -> pd.DataFrame:
    """Return the customer table, indexed by customer code, with its further columns."""
    known = nw.from_native(table.assign(customer=table.index.to_numpy(np.int64)))
    found = with_further(known, further, columns).select(*TABLE, *further_roles(columns))
    return named(found, columns).to_native()


def _in_calendar(times: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """Return times of the years 1 to 9999, the calendar of Python; others are none."""
    since = times.view(np.int64)
    outside = (since < EARLIEST) | (since >= TOO_LATE)
    return np.where(outside, np.datetime64("NaT", "us"), times) if outside.any() else times


def _carried(extra: Extra, values: pd.Series) -> Any:
    """Return the values of a further column: numbers to add up, else values that have an order."""
    values = plain(values)
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if extra.how in OF_NUMBERS:
        if kind not in (*NUMBERS, "boolean", "empty"):
            raise no_numbers(extra.column, kind)
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    try:
        if kind.startswith("mixed"):
            sorted(pd.factorize(values)[1])
    except TypeError:
        raise no_order(extra.column, kind) from None
    return values.array


def _money(name: str, values: pd.Series) -> validate.Floats:
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind not in (*NUMBERS, "empty"):
        raise no_numbers(name, kind)
    return validate.float_column(name, values)


def _positions(name: str, ids: pd.Series) -> tuple[NDArray[np.integer], Any]:
    """Return the position of each id among the distinct ones, sorted; -1 is missing."""
    if isinstance(ids.dtype, np.dtype) and ids.dtype.kind in "iu":
        dense = dense_codes(ids.to_numpy())
        if dense is not None:
            return dense[0], pd.Index(dense[1])
    try:
        return pd.factorize(ids, sort=True)
    except TypeError:  # ids of several types have no order of their own
        pass
    try:
        return _sorted_as_text(*pd.factorize(ids))
    except TypeError:
        raise no_ids(name) from None


def _codes(name: str, ids: pd.Series) -> Integers:
    """Return a code for each id; -1 is missing."""
    try:
        return pd.factorize(ids)[0].astype(np.int64)
    except TypeError:
        raise no_ids(name) from None


def _sorted_as_text(codes: NDArray[np.intp], ids: Any) -> tuple[NDArray[np.intp], Any]:
    """Return positions and distinct ids in the order of their types, then of their text."""
    order = sorted(range(len(ids)), key=lambda place: (type(ids[place]).__name__, str(ids[place])))
    position = np.empty(len(ids) + 1, dtype=np.intp)
    position[order] = np.arange(len(ids))
    position[-1] = -1
    return position[codes], ids.take(order)
