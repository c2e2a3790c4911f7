"""A loyalty programme on plain dates and lists, day by day: slow, and easy to check by eye."""

from __future__ import annotations

import math
from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any


@dataclass
class Account:
    """What happened to one customer's points; ``lots`` are [last good day, points left]."""

    earned: int = 0
    redeemed: int = 0
    reversed: int = 0
    expired: int = 0
    refused: int = 0
    owed: int = 0
    lots: list[list[Any]] = field(default_factory=list)

    @property
    def balance(self) -> int:
        """Return what is left in the lots."""
        return sum(left for _, left in self.lots)

    def use(self, points: int) -> None:
        """Take points from the oldest lots."""
        for lot in self.lots:
            taken = min(points, lot[1])
            lot[1] -= taken
            points -= taken
        self.lots = [lot for lot in self.lots if lot[1]]


def later(day: date, months: int) -> date:
    """Return the same day of the month so many months later, or the month's last."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def last_good_day(day: date, months: int | None, expires_at: str) -> date:
    """Return the last day on which points earned on a day are good."""
    if months is None:
        return date.max
    if expires_at == "day":
        return later(day, months)
    end = later(date(day.year, day.month, 1), months)
    if expires_at == "month_end":
        return date(end.year, end.month, monthrange(end.year, end.month)[1])
    return date(end.year, 12, 31)


def whole(points: Fraction, rounding: str) -> int:
    """Return points rounded to whole ones."""
    half_up = math.floor(points + Fraction(1, 2))
    return {"down": math.floor(points), "up": math.ceil(points), "nearest": half_up}[rounding]


def account(programme, orders, events, redemptions, as_of: date) -> Account:
    """Return one customer's account; rows are (day, cents), (day, activity) and (day, points)."""
    own, rules = Account(), {one.name: one for one in programme.activities}
    rate = Fraction(str(programme.points_per_unit))
    got: dict[tuple[str, Any], int] = {}
    today = min([as_of, *(day for day, _ in (*orders, *events, *redemptions))])
    while today <= as_of:
        own.expired += sum(left for good, left in own.lots if good < today)
        own.lots = [lot for lot in own.lots if lot[0] >= today]
        cents = [amount for day, amount in orders if day == today]
        done = [name for day, name in events if day == today]
        points = {amount: whole(Fraction(abs(amount), 100) * rate, programme.rounding) for amount in cents}
        asked = [("order", points[amount]) for amount in cents if amount > 0]
        fresh = 0
        for name, wanted in [*asked, *((name, rules[name].points) for name in done)]:
            rule = rules.get(name)
            cap = programme.order_cap if rule is None else rule.cap
            per = programme.order_cap_per if rule is None else rule.cap_per
            key = (name, _period(today, per))
            given = wanted if cap is None else min(wanted, cap - got.get(key, 0))
            got[key] = got.get(key, 0) + given
            fresh += given
        own.earned += fresh
        if fresh:
            own.lots.append([last_good_day(today, programme.expiry_months, programme.expires_at), fresh])
        most = math.inf if programme.order_cap is None else programme.order_cap
        for back in (min(points[amount], most) for amount in cents if amount < 0):
            taken = min(back, own.balance)
            own.use(taken)
            own.reversed += taken
            own.owed += back - taken
        for wanted in sorted(points for day, points in redemptions if day == today):
            if wanted <= own.balance:
                own.use(wanted)
                own.redeemed += wanted
            else:
                own.refused += wanted
        today += timedelta(days=1)
    return own


def _period(day: date, per: str) -> Any:
    return {
        "day": day,
        "month": (day.year, day.month),
        "quarter": (day.year, (day.month - 1) // 3),
        "year": day.year,
    }[per]
