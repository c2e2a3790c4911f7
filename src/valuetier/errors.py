"""Every exception that valuetier raises on purpose.

A message names the thing, what it needs, what it got and the way out. It never
contains a customer's data: column names and counts only.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class ValueTierError(Exception):
    """Base of every error that valuetier raises on purpose."""


class InvalidParameterError(ValueTierError, ValueError):
    """A parameter has a value that cannot work."""


class ProtectedColumnsError(InvalidParameterError):
    """Customers would be told apart by what they are: age, sex, origin, health and the like."""


class InvalidDataError(ValueTierError, ValueError):
    """The data cannot be used as they are."""


class MissingColumnsError(InvalidDataError):
    """A table lacks columns that are needed."""


class UncoveredTiersError(ValueTierError, ValueError):
    """A playbook, or a set of rules, has no answer for some customers."""


class InfeasiblePlanError(ValueTierError, ValueError):
    """No plan keeps all that was promised; ``promises`` names a smallest set that collides."""

    def __init__(self, message: str, promises: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.promises = promises


class UnknownSegmenterError(ValueTierError, LookupError):
    """No installed segmenter has that name."""


class NotConvergedError(ValueTierError, RuntimeError):
    """A model could not be fitted; the message says which parameter runs away and why."""


class MissingDependencyError(ValueTierError, ImportError):
    """An optional dependency is needed and not installed."""


def suggestion(name: object, options: Iterable[object]) -> str:
    """Return ``" Did you mean 'x'?"`` for a near miss, else an empty string.

    Examples
    --------
    >>> suggestion("piramid", ["rfm", "pyramid"])
    " Did you mean 'pyramid'?"
    """
    close = get_close_matches(str(name), [o for o in options if isinstance(o, str)], n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def require_choice(parameter: str, value: object, options: Iterable[object]) -> None:
    """Raise :class:`InvalidParameterError` unless ``value`` is one of ``options``."""
    allowed = list(options)
    if value not in allowed:
        raise InvalidParameterError(
            f"{parameter} must be one of {allowed}, got {value!r}.{suggestion(value, allowed)}"
        )
