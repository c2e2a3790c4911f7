"""What the columns of an order log must be."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from valuetier.customers.rules import Columns, Rules
from valuetier.errors import InvalidDataError, InvalidParameterError, MissingColumnsError, suggestion

# What callers know a role by, where that is another word.
PARAMETERS = {"at": "date", "order": "order_id"}


def check_columns(there: list[Any], columns: Columns) -> None:
    """Raise unless every named column is there, once."""
    named = columns.names()
    for name in named:
        if there.count(name) > 1:
            raise InvalidDataError(
                f"The order log has {there.count(name)} columns called {name!r}. Rename all but one."
            )
    missing = [name for name in named if name not in there]
    if missing:
        hints = "".join(suggestion(name, map(str, there)) for name in missing)
        raise MissingColumnsError(
            f"The order log lacks {missing}. It has {there}.{hints} "
            "Say which columns to use by customer=, date= and amount=."
        )


def check_together(columns: Columns) -> None:
    """Raise unless the columns named can be, and go together."""
    for parameter, name in (
        ("customer", columns.customer),
        ("date", columns.date),
        ("amount", columns.amount),
    ):
        if name is None:
            raise InvalidParameterError(f"{parameter} must name a column of the order log, got None.")
    for role, name in columns.roles().items():
        if not isinstance(name, Hashable):
            raise InvalidParameterError(
                f"{PARAMETERS.get(role, role)} must name one column of the order log, got {name!r}."
            )
    if columns.refund_of is not None and columns.order is None:
        raise InvalidParameterError("refund_of needs order_id=, the column of the ids that refunds refer to.")
    if columns.cost is not None and columns.margin is not None:
        raise InvalidParameterError("cost and margin both say what is earned. Pass one of them.")


def check_window(rules: Rules) -> None:
    """Raise if the window ends before it begins."""
    if rules.since is not None and rules.as_of is not None and rules.since > rules.as_of:
        raise InvalidParameterError(
            f"since must not be after as_of, got since={rules.since} and as_of={rules.as_of}."
        )


def no_numbers(name: str, dtype: object) -> InvalidDataError:
    """Return the error for a column of amounts that are not numbers."""
    return InvalidDataError(
        f"{name} must hold numbers, got values of type {dtype}. Convert the column first."
    )


def no_ids(name: str) -> InvalidDataError:
    """Return the error for a column of ids that cannot be told apart."""
    return InvalidDataError(
        f"{name} must hold ids such as integers or text, got values that cannot be compared. "
        "Convert the column first."
    )
