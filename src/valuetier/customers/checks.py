"""What the columns of an order log must be."""

from __future__ import annotations

from typing import Any

from valuetier.customers.rules import Columns
from valuetier.errors import InvalidDataError, MissingColumnsError, suggestion


def check_columns(there: list[Any], columns: Columns) -> None:
    """Raise unless every named column is there, once."""
    named = columns.roles().values()
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
