"""What earns how many points: rules as data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier import _validate as validate
from valuetier._core.points import Integers
from valuetier.customers.dates import as_day
from valuetier.errors import InvalidParameterError, require_choice

PERIODS = ("day", "month", "quarter", "year")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class ActivityPoints:
    """Points for something other than an order: a survey, a referral, a review, an event.

    Parameters
    ----------
    name : str
        As it stands in the log of activities.
    points : int
        Each time, at least 1.
    cap : int, optional
        At most so many points for it per customer and period; the first ones count.
    cap_per : str
        ``"day"``, ``"month"``, ``"quarter"`` or ``"year"`` of the calendar.
    qualifies : bool
        Whether these points count for the tier.

    Examples
    --------
    >>> ActivityPoints("survey", 50, cap=100, cap_per="month").points
    50
    """

    name: str
    points: int
    cap: int | None = None
    cap_per: str = "year"
    qualifies: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InvalidParameterError(f"name of an activity must be a text, got {self.name!r}.")
        validate.whole_number(f"points for {self.name!r}", self.points, 1)
        check_cap(f"cap for {self.name!r}", self.cap, self.cap_per)


@dataclass(frozen=True, slots=True)
class PointsMultiplier:
    """Orders that earn a multiple of the points: all conditions that are given must hold.

    Parameters
    ----------
    factor : float
        2 is double points; 0 excludes an order from earning, whatever else holds.
    where : mapping of str to values, optional
        Columns of the order log and the values of each that qualify, such as
        ``{"category": ("books", "music"), "tier": ("Gold",)}``.
    weekdays : sequence of str
        Among ``"Mon"`` … ``"Sun"``. Default: every day.
    start, end : date or ISO text, optional
        First and last day of a campaign, both included.

    Examples
    --------
    >>> weekend = PointsMultiplier(2, weekdays=("Sat", "Sun"))
    >>> campaign = PointsMultiplier(3, where={"category": ("books",)}, start="2024-11-01", end="2024-11-11")
    >>> campaign.end
    datetime.date(2024, 11, 11)
    """

    factor: float
    where: Mapping[str, Collection[Any]] | None = None
    weekdays: tuple[str, ...] = ()
    start: date | None = None
    end: date | None = None

    def __post_init__(self) -> None:
        validate.positive_number("factor", self.factor, zero=True)
        wrong = isinstance(self.weekdays, str) or not set(self.weekdays) <= set(WEEKDAYS)
        if wrong:
            raise InvalidParameterError(f"weekdays must be some of {list(WEEKDAYS)}, got {self.weekdays!r}.")
        columns = {} if self.where is None else self.where
        if not isinstance(columns, Mapping) or any(_is_single(values) for values in columns.values()):
            raise InvalidParameterError(
                f"where must map columns to sequences of values, got {self.where!r}. Put a single one in ()."
            )
        start, end = as_day(self.start, "start"), as_day(self.end, "end")
        if start is not None and end is not None and start > end:
            raise InvalidParameterError(f"start must not be after end, got {start} and {end}.")
        for name, value in (("start", start), ("end", end), ("weekdays", tuple(self.weekdays))):
            object.__setattr__(self, name, value)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the order log that it looks at."""
        return tuple(self.where or ())

    def holds(self, days: Integers, columns: Mapping[str, Any]) -> NDArray[np.bool_]:
        """Return for which orders all conditions hold; days are counted from 1970-01-01."""
        holds = np.ones(len(days), dtype=bool)
        for name, values in (self.where or {}).items():
            holds &= pd.Series(columns[name]).isin(list(values)).to_numpy(dtype=bool)
        if self.weekdays:
            wanted = [WEEKDAYS.index(day) for day in self.weekdays]
            holds &= np.isin((days + 3) % 7, wanted)  # 1970-01-01 was a Thursday
        if self.start is not None:
            holds &= days >= day_number(self.start)
        if self.end is not None:
            holds &= days < day_number(self.end + timedelta(days=1))
        return holds


def day_number(day: date) -> int:
    """Return the days from 1970-01-01 to a day."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


def check_cap(name: str, cap: int | None, per: str) -> None:
    """Raise unless a cap is None or a whole number, and its period one of the calendar."""
    if cap is not None:
        validate.whole_number(name, cap, 0)
    require_choice("cap_per", per, PERIODS)


def _is_single(values: Any) -> bool:
    return isinstance(values, str) or not isinstance(values, Collection)
