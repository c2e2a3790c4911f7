"""What the caller decided about the log, and the columns it is about."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from valuetier.errors import InvalidParameterError, require_choice

PERIODS = ("h", "D", "W")
REFUNDS = ("net", "drop", "error")
DUPLICATES = ("keep", "drop", "error")
BAD_ROWS = ("raise", "drop")
AGGREGATES = ("sum", "mean", "min", "max", "n_unique", "first", "last")
OF_NUMBERS = ("sum", "mean")

# Roles of columns that are ids, and of those that are money.
IDS = ("customer", "order", "refund_of", "currency")
MONEY = ("amount", "cost", "margin")

# What else tells rows apart that are equal in customer, time, amount and order id: the account
# that was rolled up, and the currency that was converted.
TELLING = ("child", "currency")

# The columns of every customer table, and those that cost= or margin= add.
TABLE = (
    "customer_id",
    "first_order",
    "last_order",
    "orders",
    "spend",
    "recency_days",
    "x",
    "t_x",
    "T",
    "m_x",
)
EARNINGS = ("cost", "profit", "margin")


@dataclass(frozen=True, slots=True)
class Rules:
    """How rows are judged; see :func:`valuetier.summarize`."""

    as_of: date | None
    since: date | None
    period: str
    refunds: str
    duplicates: str
    bad_rows: str


@dataclass(frozen=True, slots=True)
class Extra:
    """A further column of the customer table: how which column of the log is aggregated."""

    name: str
    column: str
    how: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of the log is what, and how its dates are to be read."""

    customer: str
    date: str
    amount: str
    order: str | None = None
    timezone: str | None = None
    date_format: str | None = None
    refund_of: str | None = None
    currency: str | None = None
    cost: str | None = None
    margin: str | None = None
    extra: tuple[Extra, ...] = ()

    def roles(self) -> dict[str, str]:
        """Return the column of each role but those of the further columns."""
        roles = {
            "customer": self.customer,
            "at": self.date,
            "amount": self.amount,
            "order": self.order,
            "refund_of": self.refund_of,
            "currency": self.currency,
            "cost": self.cost,
            "margin": self.margin,
        }
        return {role: column for role, column in roles.items() if column is not None}

    def key(self, there: Iterable[str] = ()) -> list[str]:
        """Return the roles that repeated lines have in common; ``there`` are the columns of the lines."""
        roles = [role for role in ("customer", "at", "amount", "order") if role in self.roles()]
        return [*roles, *(name for name in TELLING if name in there)]

    def carried(self) -> dict[str, str]:
        """Return the column of each role that is only aggregated per customer."""
        return {f"extra_{place}": extra.column for place, extra in enumerate(self.extra)}

    def names(self) -> list[str]:
        """Return every column of the log that is needed, once."""
        return list(dict.fromkeys([*self.roles().values(), *self.carried().values()]))


def read_extra(extra: Mapping[str, Any] | None) -> tuple[Extra, ...]:
    """Return the further columns asked for; raise unless each is well said.

    Examples
    --------
    >>> read_extra({"channels": ("channel", "n_unique"), "discount": "sum"})[1]
    Extra(name='discount', column='discount', how='sum')
    """
    if extra is None:
        return ()
    if not isinstance(extra, Mapping):
        raise InvalidParameterError(
            "extra must map names of new columns to a column of the log and an aggregate, such as "
            f"{{'channels': ('channel', 'n_unique')}}, got {extra!r}."
        )
    taken = {name.lower() for name in (*TABLE, *EARNINGS)}  # DuckDB makes no difference between X and x
    for name in extra:
        if not isinstance(name, str):
            raise InvalidParameterError(f"extra must have text as names of new columns, got {name!r}.")
        if name.lower() in taken:
            raise InvalidParameterError(
                f"extra cannot make a column called {name!r}: the customer table has one. Choose another name."
            )
        taken.add(name.lower())
    return tuple(_read_one(name, said) for name, said in extra.items())


def _read_one(name: str, said: Any) -> Extra:
    if isinstance(said, str):
        said = (name, said)
    if not isinstance(said, (tuple, list)) or len(said) != 2 or not isinstance(said[0], Hashable):
        raise InvalidParameterError(
            f"extra[{name!r}] must be an aggregate, or a column of the log and an aggregate, got {said!r}."
        )
    require_choice(f"extra[{name!r}]", said[1], AGGREGATES)
    return Extra(name, *said)
