"""A loyalty programme as a value: what earns points, how long they last, and what counts for the tier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from valuetier import _validate as validate
from valuetier._core.compress import significant
from valuetier._core.points import (
    EARN,
    EXPIRE,
    NEVER,
    REDEEM,
    REVERSE,
    Integers,
    add_months,
    capped,
    period_of,
    valid_through,
)
from valuetier._validate import Floats
from valuetier.customers.dates import as_day
from valuetier.errors import InvalidDataError, InvalidParameterError, require_choice
from valuetier.loyalty.account import Accounts, Postings, as_dates, postings, settled
from valuetier.loyalty.reading import Columns, Rows, amounts_of, coded, last_day, read_rows
from valuetier.loyalty.rules import ActivityPoints, PointsMultiplier, check_cap, day_number

ROUNDINGS: Mapping[str, Callable[[Floats], Floats]] = {
    "down": np.floor,
    "nearest": lambda points: np.floor(points + 0.5),
    "up": np.ceil,
}
COMBINATIONS = ("best", "multiply")
EXPIRES_AT = ("day", "month_end", "year_end")
OVER_REDEMPTION = ("raise", "refuse")
ORDER = "order"
TOO_MANY = 1e15


@dataclass(frozen=True, slots=True)
class Books:
    """The accounts with what counts for the tier."""

    ids: pd.Index
    accounts: Accounts
    qualifying_points: Integers
    qualifying_spend: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class LoyaltyProgramme:
    """The rules of a loyalty programme, and the customers' points that follow from them.

    Points are whole numbers. An order earns amount × ``points_per_unit`` × factor, rounded
    order by order. A negative amount is a refund: it takes back what such an order earns, ``order_cap`` at
    most, as far as the points are still there. Points are used up in the order in which they were earned,
    by redemptions, refunds and expiry alike. Days are calendar days: on one day points expire
    first, then they are earned, reversed and redeemed, smaller redemptions before larger ones.

    Parameters
    ----------
    points_per_unit : float
        Points for one unit of currency.
    multipliers : sequence of PointsMultiplier
        Orders that earn a multiple.
    combine : str
        Where several hold: ``"best"``, the largest factor, or ``"multiply"``. A factor of 0
        excludes in either case.
    rounding : str
        ``"down"`` to whole points, ``"nearest"`` (halves up) or ``"up"``.
    order_cap : int, optional
        At most so many points from orders per customer and period; the first ones count.
    order_cap_per : str
        ``"day"``, ``"month"``, ``"quarter"`` or ``"year"`` of the calendar.
    activities : sequence of ActivityPoints, or mapping of name to points
        What else earns points: a survey, a referral, a review, an event.
    expiry_months : int, optional
        How long points are good; None is for ever.
    expires_at : str
        ``"day"``: through the same day of the month, so many months later · ``"month_end"``,
        ``"year_end"``: through the end of that month or year. With 0 months and ``"year_end"`` points
        last until the end of the year in which they were earned.
    window_months : int, optional
        Qualification window: so many months up to ``as_of``; None is the calendar year of it.

    Examples
    --------
    >>> orders = pd.DataFrame({
    ...     "customer_id": ["a", "a", "b"],
    ...     "date": pd.to_datetime(["2023-01-10", "2024-03-02", "2024-05-20"]),
    ...     "amount": [120.0, 80.5, 40.0],
    ... })
    >>> redemptions = pd.DataFrame(
    ...     {"customer_id": ["a"], "date": pd.to_datetime(["2023-06-01"]), "points": [50]}
    ... )
    >>> programme = LoyaltyProgramme(expiry_months=12, activities={"survey": 25})
    >>> programme.balances(orders, redemptions=redemptions, as_of="2024-06-30").iloc[:, :6]
      customer_id  earned  redeemed  reversed  expired  balance
    0           a     200        50         0       70       80
    1           b      40         0         0        0       40
    """

    points_per_unit: float = 1.0
    multipliers: Sequence[PointsMultiplier] = ()
    combine: str = "best"
    rounding: str = "down"
    order_cap: int | None = None
    order_cap_per: str = "month"
    activities: Sequence[ActivityPoints] | Mapping[str, int] = ()
    expiry_months: int | None = 24
    expires_at: str = "day"
    window_months: int | None = 12

    def __post_init__(self) -> None:
        validate.positive_number("points_per_unit", self.points_per_unit)
        require_choice("combine", self.combine, COMBINATIONS)
        require_choice("rounding", self.rounding, ROUNDINGS)
        check_cap("order_cap", self.order_cap, self.order_cap_per)
        require_choice("expires_at", self.expires_at, EXPIRES_AT)
        if self.expiry_months is not None:
            validate.whole_number("expiry_months", self.expiry_months, int(self.expires_at == "day"))
        if self.window_months is not None:
            validate.whole_number("window_months", self.window_months, 1)
        activities = self.activities
        if isinstance(activities, Mapping):
            activities = [ActivityPoints(name, points) for name, points in activities.items()]
        object.__setattr__(self, "activities", _all_of("activities", activities, ActivityPoints))
        object.__setattr__(self, "multipliers", _all_of("multipliers", self.multipliers, PointsMultiplier))
        names = [activity.name for activity in self._activities()]
        if len(set(names)) < len(names) or ORDER in names:
            raise InvalidParameterError(
                f"activities must have different names, none of them {ORDER!r}, got {names}."
            )

    def balances(
        self, orders: Any = None, events: Any = None, redemptions: Any = None, *, as_of: Any = None,
        over_redemption: str = "raise", customer: str = "customer_id", date: str = "date",
        amount: str = "amount", activity: str = "activity", points: str = "points",
        timezone: str | None = None, date_format: str | None = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Return the points of every customer on a day.

        Parameters
        ----------
        orders : table, optional
            Columns ``customer``, ``date``, ``amount`` and those that multipliers look at.
        events : table, optional
            Other behaviour: ``customer``, ``date`` and ``activity``.
        redemptions : table, optional
            ``customer``, ``date`` and ``points``, whole numbers above 0.
        as_of : date or ISO text, optional
            The last day that counts: nothing later has happened yet. Default: the last day in the tables.
        over_redemption : str
            A redemption of more points than are there: ``"raise"``, or ``"refuse"``, which
            leaves it out and counts it.
        customer, date, amount, activity, points : str
            Columns of the tables.
        timezone : str, optional
            Whose calendar counts for times with a zone, such as ``"Asia/Shanghai"``. Default: their own.
        date_format : str, optional
            What dates in numbers or text are, as in :func:`valuetier.summarize`.

        Returns
        -------
        pandas.DataFrame
            One row per customer, sorted: customer_id, then points ``earned``, ``redeemed``,
            ``reversed`` by refunds, ``expired`` and the ``balance``, which is the first less the
            other three; ``qualifying_points`` and ``qualifying_spend`` in the window, net of
            refunds; ``next_expiry``, the last day on which the points that expire next are good, and
            ``next_expiry_points``; ``refused``, the points of refused redemptions, and ``owed``, what a
            refund should have taken back and could not.

        Raises
        ------
        InvalidDataError
            For missing or impossible values, and for a redemption of more points than are there.
        MissingColumnsError
            If a column is not there.
        """
        columns = Columns(customer, date, amount, activity, points, timezone, date_format)
        books = self._books((orders, events, redemptions), as_of, over_redemption, columns)
        accounts = books.accounts
        ending, ending_points = accounts.next_expiry()
        return pd.DataFrame(
            {
                "customer_id": books.ids,
                "earned": accounts.total(EARN),
                "redeemed": accounts.total(REDEEM),
                "reversed": accounts.total(REVERSE),
                "expired": accounts.total(EXPIRE),
                "balance": accounts.balance(),
                "qualifying_points": books.qualifying_points,
                "qualifying_spend": books.qualifying_spend,
                "next_expiry": as_dates(ending),
                "next_expiry_points": ending_points,
                "refused": accounts.short(REDEEM),
                "owed": accounts.short(REVERSE),
            }
        )

    def ledger(
        self, orders: Any = None, events: Any = None, redemptions: Any = None, *, as_of: Any = None,
        over_redemption: str = "raise", customer: str = "customer_id", date: str = "date",
        amount: str = "amount", activity: str = "activity", points: str = "points",
        timezone: str | None = None, date_format: str | None = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Return every posting: one row each, by customer and time. Arguments as in :meth:`balances`.

        Returns
        -------
        pandas.DataFrame
            customer_id, date, ``entry`` (earn, redeem, reverse, expire, refused), its ``source`` (order, the
            name of the activity, redemption, refund or expiry), ``points`` with their sign, the
            ``balance`` after them, and ``valid_through``, the last day on which earned points are good.
        """
        columns = Columns(customer, date, amount, activity, points, timezone, date_format)
        books = self._books((orders, events, redemptions), as_of, over_redemption, columns)
        sources = [ORDER, *(one.name for one in self._activities())]
        return books.accounts.to_frame(books.ids, sources)

    def _activities(self) -> tuple[ActivityPoints, ...]:
        return tuple(one for one in self.activities if isinstance(one, ActivityPoints))

    def _books(
        self, tables: tuple[Any, Any, Any], as_of: Any, over_redemption: str, columns: Columns
    ) -> Books:
        require_choice("over_redemption", over_redemption, OVER_REDEMPTION)
        day = as_day(as_of)
        amount, activity, points = columns.amount, columns.activity, columns.points
        looked_at = dict.fromkeys(name for one in self.multipliers for name in one.columns)
        read = (
            read_rows("orders", tables[0], columns, [amount, *looked_at]),
            read_rows("events", tables[1], columns, [activity]),
            read_rows("redemptions", tables[2], columns, [points]),
        )
        last = last_day(read) if day is None else day_number(day)
        orders, events, spent = (rows.until(last) for rows in read)
        ids, (buyers, doers, spenders) = coded(orders=orders, events=events, redemptions=spent)
        amounts = amounts_of("orders", amount, orders)
        parts = [
            *self._order_postings(buyers, orders, amount, amounts),
            *self._activity_postings(doers, events, activity),
            postings(spenders, spent.days, REDEEM, _whole_points(points, spent)),
        ]
        accounts = settled(len(ids), parts, last)
        if over_redemption == "raise":
            _refuse_over_redemption(accounts, len(spent.days))
        within = orders.days > self._window_start(last)
        spend = np.bincount(buyers[within], weights=amounts[within], minlength=len(ids))
        qualifying = self._qualifying_points(len(ids), parts, last)
        return Books(ids, accounts, qualifying, significant(spend.astype(np.float64), 14))

    def _order_postings(
        self, customers: Integers, orders: Rows, name: str, amounts: Floats
    ) -> list[Postings]:
        """Return what orders earn, and what refunds take back: no more than an order can earn."""
        exact = significant(np.abs(amounts) * self.points_per_unit * self._factors(orders))
        points = _countable(f"orders: {name}", ROUNDINGS[self.rounding](exact))
        bought = amounts > 0
        earned = self._earned(customers[bought], orders.days[bought], points[bought], 0)
        most = NEVER if self.order_cap is None else self.order_cap
        back = np.minimum(points[~bought], most)
        return [earned, postings(customers[~bought], orders.days[~bought], REVERSE, back)]

    def _factors(self, orders: Rows) -> Floats:
        factors = np.ones(len(orders.days))
        met = np.zeros(len(orders.days), dtype=bool)
        excluded = met.copy()
        for one in self.multipliers:
            holds = one.holds(orders.days, orders.columns)
            better = np.where(met, np.maximum(factors, one.factor), one.factor)
            chosen = factors * one.factor if self.combine == "multiply" else better
            factors = np.where(holds, chosen, factors)
            excluded |= holds & (one.factor == 0)
            met |= holds
        return np.where(excluded, 0.0, factors)

    def _activity_postings(self, customers: Integers, events: Rows, column: str) -> list[Postings]:
        done = events.columns[column]
        names = [one.name for one in self._activities()]
        unknown = ~done.isin(names).to_numpy(dtype=bool)
        validate.refuse(
            f"events: {column}", unknown, "name nothing that earns points", f"The programme knows {names}."
        )
        parts = []
        for number, one in enumerate(self._activities(), start=1):
            rows = (done == one.name).to_numpy(dtype=bool)
            points = np.full(int(rows.sum()), one.points, dtype=np.int64)
            parts.append(self._earned(customers[rows], events.days[rows], points, number))
        return parts

    def _earned(self, customers: Integers, days: Integers, points: Integers, source: int) -> Postings:
        """Return postings of what was earned from one source, capped, with the day they are good through."""
        order = np.lexsort((points, days, customers))
        customers, days, points = customers[order], days[order], points[order]
        rule = None if source == 0 else self._activities()[source - 1]
        cap, per = (self.order_cap, self.order_cap_per) if rule is None else (rule.cap, rule.cap_per)
        if cap is not None:
            points = capped(points, customers, period_of(days, per), cap)
        if self.expiry_months is None:
            through = np.full(len(days), NEVER, dtype=np.int64)
        else:
            through = valid_through(days, self.expiry_months, self.expires_at)
        return postings(customers, days, EARN, points, source, through)

    def _window_start(self, last: int) -> int:
        """Return the day before the first one that counts for the tier."""
        day = np.array([last], dtype=np.int64)
        if self.window_months is None:
            return int(valid_through(day, -12, "year_end")[0])
        return int(add_months(day, -self.window_months)[0])

    def _qualifying_points(self, n: int, parts: Sequence[Postings], last: int) -> Integers:
        counts = np.array([True, *(one.qualifies for one in self._activities())])
        total = np.zeros(n, dtype=np.int64)
        for part in parts:
            chosen = part.take((part.days > self._window_start(last)) & counts[part.sources])
            sign = np.select([chosen.kinds == EARN, chosen.kinds == REVERSE], [1, -1], 0)
            np.add.at(total, chosen.customers, sign * chosen.asked)
        return total


def _all_of(name: str, values: Any, kind: type[Any]) -> tuple[Any, ...]:
    """Return values as a tuple; raise unless they are a sequence of a kind."""
    if isinstance(values, (list, tuple)) and all(isinstance(value, kind) for value in values):
        return tuple(values)
    raise InvalidParameterError(f"{name} must be a sequence of {kind.__name__}, got {values!r}.")


def _whole_points(name: str, rows: Rows) -> Integers:
    values = amounts_of("redemptions", name, rows)
    wrong = (values < 1) | (values != np.floor(values))
    validate.refuse(f"redemptions: {name}", wrong, "are not whole numbers ≥ 1", "Correct or drop these rows.")
    return _countable(f"redemptions: {name}", values)


def _countable(name: str, points: Floats) -> Integers:
    """Return points as integers; raise where there are so many that their sums could overflow."""
    problem = f"are worth {TOO_MANY:g} points or more"
    validate.refuse(name, points >= TOO_MANY, problem, "Correct or drop these rows.")
    return np.asarray(points, dtype=np.int64)


def _refuse_over_redemption(accounts: Accounts, n_redemptions: int) -> None:
    entries = accounts.entries
    refused = int(((entries.kinds == REDEEM) & (accounts.moved < entries.asked)).sum())
    if refused:
        raise InvalidDataError(
            f"redemptions: {refused} of {n_redemptions} rows redeem more points than the customer has on that "
            "day. Correct them, or pass over_redemption='refuse' to leave them out and count them."
        )
