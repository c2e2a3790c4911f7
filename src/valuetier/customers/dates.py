"""Dates must be dates: reading text and integers only when it is said, or certain, how."""

from __future__ import annotations

import re
import warnings
from datetime import date, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype, is_datetime64_any_dtype

from valuetier.errors import InvalidDataError, InvalidParameterError

EPOCH = {"epoch_s": 1_000_000, "epoch_ms": 1_000}  # microseconds in one unit
FORMATS_HELP = "date_format='%Y%m%d' (or another strptime format), 'epoch_s' or 'epoch_ms'"
ONE_ZONE = "Convert the column to datetimes in one time zone first."

# What pandas calls values of one kind
NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal")
DATES = ("date", "datetime", "datetime64", "empty")

# Microseconds from the year 1 to before the year 10000: other numbers are no epoch.
EARLIEST, TOO_LATE = -62_135_596_800_000_000, 253_402_300_800_000_000

DIRECTIVES = set("aAwdbBmyYHIpMSfzZjUWcxXGuV%")

# Digits that a directive of strptime stands for.
WIDTHS = {"%Y": 4, "%y": 2, "%m": 2, "%d": 2, "%H": 2, "%M": 2, "%S": 2, "%j": 3}

# ISO 8601 text has at least year, month and day, and says so by its separators.
ISO_START = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}"


def parse_dates(name: str, values: pd.Series, date_format: str | None) -> pd.Series:
    """Return text, integers or date objects as datetimes; what cannot be read becomes NaT.

    Text without ``date_format`` must be ISO 8601; integers need a ``date_format``.
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if str(values.dtype).startswith(("date32", "date64")):  # Arrow's days have no clock
        values = values.astype("datetime64[us]")
    if is_datetime64_any_dtype(values):
        return values
    kind = infer_dtype(values, skipna=True)
    if kind in NUMBERS:
        return _from_numbers(name, values, date_format)
    if kind == "string":
        return _from_text(name, values, date_format)
    if kind not in DATES:
        raise InvalidDataError(f"{name} must hold dates, got values of type {kind}.")
    if kind == "datetime" and len({str(at.tzinfo) for at in values.dropna()}) > 1:
        raise InvalidDataError(f"{name} mixes time zones. {ONE_ZONE}")
    return pd.to_datetime(values.astype(object), errors="coerce")


def _from_numbers(name: str, values: pd.Series, date_format: str | None) -> pd.Series:
    if date_format is None:
        raise refuse_numbers(name, values.dtype)
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    if date_format in EPOCH:
        return pd.Series(_from_epoch(numbers, date_format))
    codes, levels = pd.factorize(numbers)
    texts = [str(int(level)) if level.is_integer() else None for level in levels.tolist()]
    read = _from_text(name, pd.Series(texts, dtype="str"), date_format)
    return pd.Series(read.array.take(codes, allow_fill=True))


def _from_epoch(numbers: np.ndarray[Any, np.dtype[np.float64]], date_format: str) -> np.ndarray[Any, Any]:
    since = np.floor(numbers * EPOCH[date_format])
    known = (since >= EARLIEST) & (since < TOO_LATE)
    times = np.full(len(since), "NaT", dtype="datetime64[us]")
    times[known] = since[known].astype(np.int64).view("datetime64[us]")
    return times


def _from_text(name: str, values: pd.Series, date_format: str | None) -> pd.Series:
    if date_format in EPOCH:
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        return pd.Series(_from_epoch(numbers, date_format))
    texts = values.astype("str")
    length = None if date_format is None else _certain_length(date_format)
    if date_format is None:
        texts = texts.where(texts.str.match(ISO_START))
    elif length is not None:
        texts = texts.where(texts.str.len() == length)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # pandas 2 warns of mixed zones, refused below
            read = pd.to_datetime(texts, format=date_format or "ISO8601", errors="coerce")
    except (ValueError, TypeError):
        raise InvalidDataError(
            f"{name} cannot be read as one kind of dates (mixed time zones, or not {date_format or 'ISO 8601'}). "
            + ONE_ZONE
        ) from None
    if read.dtype == object:
        raise InvalidDataError(f"{name} mixes time zones. {ONE_ZONE}")
    return read


def _certain_length(date_format: str) -> int | None:
    """Return the length of the text where numbers touch: shorter ones could be cut in several ways.

    Examples
    --------
    >>> _certain_length("%Y%m%d"), _certain_length("%d/%m/%Y")
    (8, None)
    """
    parts = re.findall(r"%.|[^%]", date_format)
    touching = any(part in WIDTHS and after in WIDTHS for part, after in pairwise(parts))
    if not touching or any(part not in WIDTHS for part in parts if part[0] == "%"):
        return None
    return sum(WIDTHS.get(part, 1) for part in parts)


def refuse_numbers(name: str, dtype: Any) -> InvalidDataError:
    """Return the error for numbers where dates are needed."""
    return InvalidDataError(
        f"{name} must hold dates, got numbers of type {dtype}, which could mean anything. "
        f"Say what they are: {FORMATS_HELP}."
    )


def as_day(day: object, name: str = "as_of") -> date | None:
    """Return a day as a date; raise unless it is one, or ISO text. ``name`` is what messages call it."""
    if day is None:
        return None
    if isinstance(day, np.datetime64):
        day = pd.Timestamp(day)
    if isinstance(day, str):
        try:
            return datetime.fromisoformat(day).date()
        except ValueError:
            pass
    elif isinstance(day, date) and not pd.isna(day):  # NaT is a date, too
        return day.date() if isinstance(day, datetime) else day
    raise InvalidParameterError(f"{name} must be a date or ISO text such as '2024-06-30', got {day!r}.")


def check_date_format(date_format: str | None) -> None:
    """Raise unless ``date_format`` is None, an epoch or a strptime format."""
    if date_format is None or date_format in EPOCH:
        return
    directives = re.findall("%(.?)", date_format) if isinstance(date_format, str) else []
    if not directives or not set(directives) <= DIRECTIVES:
        raise InvalidParameterError(
            f"date_format must be a strptime format such as '%Y%m%d', 'epoch_s' or 'epoch_ms', got {date_format!r}."
        )


def check_timezone(timezone: str | None) -> None:
    """Raise unless ``timezone`` is None or the name of a time zone."""
    if timezone is None:
        return
    try:
        ZoneInfo(timezone)
    except (ValueError, TypeError, OSError, LookupError):
        raise InvalidParameterError(
            f"timezone must be the name of a time zone such as 'Asia/Shanghai', got {timezone!r}."
        ) from None


def local_times(at: pd.Series, timezone: str | None) -> pd.Series:
    """Return times without zone: what the calendar and clock of the time zone showed."""
    if getattr(at.dt, "tz", None) is None:
        return at
    return (at.dt.tz_convert(timezone) if timezone else at).dt.tz_localize(None)
