"""When customers are followed up, as data: days, distances, cadences, and who does it by which channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from valuetier import _validate as validate
from valuetier.errors import InvalidParameterError, require_choice
from valuetier.strategy.playbook import Channel, Owner

QUARTER_DAYS, HALF_YEAR_DAYS = 91, 182

KINDS = ("after_order", "reminder", "refill", "wake_up", "review")

# What follow-ups are about, from the most to the least important: of two too near to each other the more important
# one is kept: a promise to ask after an order stands, and what was to be said that week is said then. Reviews are
# internal and near to nothing.
TOPICS = ("after_order", "after_order_again", "refill", "reminder", "wake_up", "review")
AFTER_ORDER, AFTER_ORDER_AGAIN, REFILL, REMINDER, WAKE_UP, REVIEW = range(len(TOPICS))

CHANNELS: tuple[str, ...] = get_args(Channel)
OWNERS: tuple[str, ...] = get_args(Owner)


@dataclass(frozen=True, slots=True)
class Touch:
    """By which channel somebody follows up, and who."""

    channel: str
    owner: str

    def __post_init__(self) -> None:
        require_choice("channel", self.channel, CHANNELS)
        require_choice("owner", self.owner, OWNERS)


PERSONAL: Mapping[str, Touch] = {
    "after_order": Touch("phone", "account_manager"),
    "reminder": Touch("phone", "account_manager"),
    "refill": Touch("phone", "account_manager"),
    "wake_up": Touch("phone", "account_manager"),
    "review": Touch("internal", "account_manager"),
}
STANDARD: Mapping[str, Touch] = {
    "after_order": Touch("email", "service"),
    "reminder": Touch("email", "crm"),
    "refill": Touch("email", "crm"),
    "wake_up": Touch("email", "crm"),
    "review": Touch("internal", "crm"),
}


@dataclass(frozen=True, slots=True)
class FollowUpRules:
    """When and how customers are followed up. All figures are conventions: put your own here.

    Parameters
    ----------
    after_order_days : sequence of int
        Days after the last order on which it is asked how things are.
    remind_before_days : int
        How long before the expected next order, or before something runs out, to remind; at the earliest
        half-way there.
    min_orders : int
        Days with orders from which on a customer has a rhythm of its own.
    min_rhythms : int
        Customers with a rhythm of their own from which on a tier, or all customers, lend theirs to the others.
    dormant_after : float
        A customer is dormant after so many times the usual number of days between orders.
    dormant_after_days : int
        And not before so many days.
    wake_up_every_days : int
        Days from one wake-up to the next while no order comes; the first on the day the customer becomes dormant.
    review_days : mapping of tier to int, optional
        Days between reviews by the English name of the tier; tiers that are not in it are not reviewed. Default: the
        upper half of the tiers every 91 days, the others every 182.
    min_gap_days : int
        Contacts with a customer are at least so many days apart: of nearer ones the more important is kept and says
        what went into it. 1, the default, is one a day; 0 keeps all.
    personal_tiers : int
        How many of the best tiers are followed up in person.
    personal, standard : mapping of str to Touch
        Channel and owner by kind of follow-up.
    """

    after_order_days: Sequence[int] = (5, 15)
    remind_before_days: int = 7
    min_orders: int = 3
    min_rhythms: int = 5
    dormant_after: float = 2.0
    dormant_after_days: int = 30
    wake_up_every_days: int = 90
    review_days: Mapping[str, int] | None = None
    min_gap_days: int = 1
    personal_tiers: int = 1
    personal: Mapping[str, Touch] = field(default_factory=lambda: PERSONAL)
    standard: Mapping[str, Touch] = field(default_factory=lambda: STANDARD)

    def __post_init__(self) -> None:
        for days in self.after_order_days:
            validate.whole_number("after_order_days", days, 1)
        if len(set(self.after_order_days)) < len(self.after_order_days):
            raise InvalidParameterError(f"after_order_days must differ, got {self.after_order_days!r}.")
        for name, low in (
            ("remind_before_days", 0), ("min_orders", 2), ("min_rhythms", 1), ("dormant_after_days", 1),
            ("wake_up_every_days", 1), ("min_gap_days", 0), ("personal_tiers", 0),
        ):  # fmt: skip
            validate.whole_number(name, getattr(self, name), low)
        if validate.positive_number("dormant_after", self.dormant_after) < 1:
            raise InvalidParameterError(f"dormant_after must be a number ≥ 1, got {self.dormant_after!r}.")
        for days in (self.review_days or {}).values():
            validate.whole_number("review_days", days, 1)
        for name in ("personal", "standard"):
            missing = sorted(set(KINDS) - set(getattr(self, name)))
            if missing:
                raise InvalidParameterError(f"{name} must have a Touch for every kind, it lacks {missing}.")

    def touch_of(self, topic: int, *, in_person: bool) -> Touch:
        """Return channel and owner of a topic, by its place in ``TOPICS``."""
        return (self.personal if in_person else self.standard)[TOPICS[topic].removesuffix("_again")]

    def review_days_of(self, tiers: Sequence[str]) -> list[int]:
        """Return the days between reviews of each tier, best first; 0 is never.

        Raises
        ------
        InvalidParameterError
            If ``review_days`` names a tier that is not there.

        Examples
        --------
        >>> FollowUpRules().review_days_of(["High", "Medium", "Low"])
        [91, 91, 182]
        """
        if self.review_days is None:
            upper = (len(tiers) + 1) // 2
            return [QUARTER_DAYS if code < upper else HALF_YEAR_DAYS for code in range(len(tiers))]
        for name in self.review_days:
            require_choice("a tier of review_days", name, tiers)
        return [self.review_days.get(name, 0) for name in tiers]
