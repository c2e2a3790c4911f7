"""Dates must be dates: reading text and integers only when it is said, or certain, how."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pandas as pd

from valuetier.errors import InvalidDataError, InvalidParameterError

EPOCH = {"epoch_s": "s", "epoch_ms": "ms"}
FORMATS_HELP = "date_format='%Y%m%d' (or another strptime format), 'epoch_s' or 'epoch_ms'"


def parse_dates(name: str, values: pd.Series, date_format: str | None) -> pd.Series:
    """Return text, integers or date objects as datetimes; what cannot be read becomes NaT.

    Text without ``date_format`` must be ISO 8601; integers need a ``date_format``.
    """
    if pd.api.types.is_bool_dtype(values):
        raise InvalidDataError(f"{name} must hold dates, got values of type {values.dtype}.")
    if pd.api.types.is_numeric_dtype(values):
        return _from_numbers(name, values, date_format)
    try:
        if date_format in EPOCH:
            raise ValueError("text is no epoch")
        read = pd.to_datetime(values, format=date_format or "ISO8601", errors="coerce")
    except (ValueError, TypeError):
        raise InvalidDataError(
            f"{name} cannot be read as one kind of dates (mixed time zones, or not {date_format or 'ISO 8601'}). "
            "Convert the column to datetimes in one time zone first."
        ) from None
    if read.dtype == object:
        raise InvalidDataError(
            f"{name} mixes time zones. Convert the column to datetimes in one time zone first."
        )
    return read


def _from_numbers(name: str, values: pd.Series, date_format: str | None) -> pd.Series:
    if date_format is None:
        raise refuse_numbers(name, values.dtype)
    if date_format in EPOCH:
        return pd.to_datetime(values, unit=EPOCH[date_format], errors="coerce")
    text = values.astype("Int64").astype("string")
    return pd.to_datetime(text, format=date_format, errors="coerce")


def refuse_numbers(name: str, dtype: Any) -> InvalidDataError:
    """Return the error for numbers where dates are needed."""
    return InvalidDataError(
        f"{name} must hold dates, got numbers of type {dtype}, which could mean anything. "
        f"Say what they are: {FORMATS_HELP}."
    )


def as_day(as_of: object) -> date | None:
    """Return ``as_of`` as a date; raise unless it is one, or ISO text."""
    if as_of is None:
        return None
    if isinstance(as_of, datetime):
        return as_of.date()
    if isinstance(as_of, date):
        return as_of
    if isinstance(as_of, str):
        try:
            return datetime.fromisoformat(as_of).date()
        except ValueError:
            pass
    raise InvalidParameterError(f"as_of must be a date or ISO text such as '2024-06-30', got {as_of!r}.")


def local_times(at: pd.Series, timezone: str | None) -> pd.Series:
    """Return times without zone: what the calendar and clock of the time zone showed."""
    if getattr(at.dt, "tz", None) is None:
        return at
    return (at.dt.tz_convert(timezone) if timezone else at).dt.tz_localize(None)
