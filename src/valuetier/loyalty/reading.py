"""Rows of orders, activities and redemptions from any frame, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype

from valuetier import _validate as validate
from valuetier._core.points import Integers
from valuetier.customers.dates import check_date_format, check_timezone, local_times, parse_dates
from valuetier.errors import InvalidDataError, MissingColumnsError, suggestion
from valuetier.tables import as_frame, materialised


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of the tables are called, and how their dates are read."""

    customer: str
    date: str
    amount: str
    activity: str
    points: str
    timezone: str | None
    date_format: str | None

    def __post_init__(self) -> None:
        check_timezone(self.timezone)
        check_date_format(self.date_format)


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a log: who, on which day (from 1970-01-01), and further columns."""

    customers: pd.Series
    days: Integers
    columns: Mapping[str, pd.Series]

    def until(self, last_day: int) -> Rows:
        """Return the rows up to a day."""
        there = self.days <= last_day
        columns = {name: values[there] for name, values in self.columns.items()}
        return Rows(self.customers[there], self.days[there], columns)


def no_rows(columns: Sequence[str]) -> Rows:
    """Return a log without rows."""
    return Rows(
        pd.Series(dtype=object),
        np.empty(0, dtype=np.int64),
        {name: pd.Series(dtype=object) for name in columns},
    )


def read_rows(what: str, table: Any, columns: Columns, others: Sequence[str]) -> Rows:
    """Return the rows of a table; ``what`` is what messages call it.

    Raises
    ------
    MissingColumnsError
        If a column is not there.
    InvalidDataError
        If a customer or date is missing, or dates are none.
    """
    if table is None:
        return no_rows(others)
    frame = as_frame(materialised(table))
    if not isinstance(frame, nw.DataFrame):
        raise InvalidDataError(f"{what} must be a table, got {type(table).__name__}.")
    customer, date, timezone = columns.customer, columns.date, columns.timezone
    _check_there(what, list(frame.columns), [customer, date, *others])
    if not len(frame):
        return no_rows(others)
    who, at = _series(frame, customer), _series(frame, date, timezone)
    at = local_times(parse_dates(f"{what}: {date}", at, columns.date_format), timezone)
    for name, values in ((customer, who), (date, at)):
        validate.refuse(
            f"{what}: {name}",
            values.isna().to_numpy(),
            "are missing or unreadable",
            "Correct or drop these rows.",
        )
    days = at.to_numpy("datetime64[D]").astype(np.int64)
    return Rows(who, days, {name: _series(frame, name) for name in others})


def last_day(logs: Sequence[Rows]) -> int:
    """Return the last day on which anything happened; 0 if nothing did."""
    return max((int(rows.days.max()) for rows in logs if len(rows.days)), default=0)


def amounts_of(what: str, name: str, rows: Rows) -> Any:
    """Return a column of finite numbers."""
    values = validate.float_column(f"{what}: {name}", rows.columns[name])
    validate.refuse(
        f"{what}: {name}", ~np.isfinite(values), "are missing or infinite", "Correct or drop these rows."
    )
    return values


def coded(**logs: Rows) -> tuple[pd.Index, list[Integers]]:
    """Return the customers of all logs, sorted, and the code of each row's customer.

    Raises
    ------
    InvalidDataError
        If ids are of several types: the same customer could be two.
    """
    kinds = {what: infer_dtype(rows.customers) for what, rows in logs.items() if len(rows.days)}
    if len(set(kinds.values())) > 1 or any(kind.startswith("mixed") for kind in kinds.values()):
        raise InvalidDataError(
            f"Customer ids must be of one type, got {kinds}. Convert the columns, or a customer could be two."
        )
    used = [rows.customers for what, rows in logs.items() if what in kinds]
    codes, ids = pd.factorize(pd.concat(used) if used else pd.Series(dtype=object), sort=True)
    ends = np.cumsum([len(rows.days) for rows in logs.values()])[:-1]
    return pd.Index(ids), np.split(codes.astype(np.int64), ends)


def _series(frame: nw.DataFrame[Any], name: str, timezone: str | None = None) -> pd.Series:
    """Return a column as a pandas series that counts from 0; times by the clock of their zone."""
    column = frame[name]
    if frame.implementation.is_pandas():
        native = column.to_native().reset_index(drop=True)
        dtype = native.dtype
        return native.astype(dtype.categories.dtype) if isinstance(dtype, pd.CategoricalDtype) else native
    if isinstance(column.dtype, nw.Datetime) and column.dtype.time_zone is not None:
        column = (column.dt.convert_time_zone(timezone) if timezone else column).dt.replace_time_zone(None)
    return pd.Series(column.to_numpy())


def _check_there(what: str, there: list[Any], needed: list[str]) -> None:
    missing = [name for name in dict.fromkeys(needed) if name not in there]
    if missing:
        hints = "".join(suggestion(name, there) for name in missing)
        raise MissingColumnsError(f"The {what} lack {missing}. They have {there}.{hints}")
