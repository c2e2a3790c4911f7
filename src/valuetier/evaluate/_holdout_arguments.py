"""What a caller of the holdout passes, read and checked: segmenters by name, cutoffs, shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date as date_type
from typing import Any

from valuetier import _validate as validate
from valuetier import spark
from valuetier.customers.dates import as_day
from valuetier.errors import InvalidDataError, InvalidParameterError, require_choice
from valuetier.evaluate._holdout_cases import BASELINES
from valuetier.tiers import Segmenter, kind_of


def named_segmenters(segmenters: Any, baselines: Sequence[str]) -> dict[str, Segmenter]:
    """Return the segmenters by name: their key, else their kind, numbered where it repeats."""
    if isinstance(segmenters, Mapping):
        named = dict(segmenters)
    else:
        several = isinstance(segmenters, Iterable) and not isinstance(segmenters, Segmenter)
        named = _by_kind(list(segmenters) if several else [segmenters])
    if not named:
        raise InvalidParameterError("segmenters must hold at least one segmenter, got none.")
    for name, one in named.items():
        if not isinstance(name, str):
            raise InvalidParameterError(f"segmenters must have texts as names, got {name!r}.")
        if isinstance(one, type) or not isinstance(one, Segmenter):
            raise InvalidParameterError(
                f"segmenters: {name!r} must have the methods fit, predict and get_tier_names_out, got {one!r}."
            )
    _check_baselines(baselines, named)
    return named


def _by_kind(segmenters: Sequence[Any]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for one in segmenters:
        name = kind = kind_of(one)
        while name in named:
            name = f"{kind} {int(name.removeprefix(kind) or 1) + 1}"
        named[name] = one
    return named


def _check_baselines(baselines: Sequence[str], named: Mapping[str, Any]) -> None:
    if isinstance(baselines, str):
        raise InvalidParameterError(
            f"baselines must be a sequence of names, got {baselines!r}. Put it in ()."
        )
    for place, name in enumerate(baselines):
        require_choice("baselines", name, BASELINES)
        taken = [one for one in (name, BASELINES[name]) if one in named]
        if taken or name in baselines[:place]:
            twice = taken[0] if taken else name
            raise InvalidParameterError(f"{twice!r} names a baseline and something else. Use each name once.")


def refuse_uncollected(orders: Any, options: Mapping[str, Any]) -> None:
    """Raise for a Spark log unless its customer tables are asked for in memory."""
    if spark.is_spark(orders) and options.get("as_") is None:
        raise InvalidDataError(
            "orders is a Spark DataFrame, whose customer tables are not collected unasked. Pass as_='pandas': Spark "
            "summarizes the log, and the tables, one row per customer, come to the driver."
        )


def cutoff_days(cutoff: Any) -> list[date_type]:
    """Return the cutoffs as dates, the earliest first."""
    several = isinstance(cutoff, Iterable) and not isinstance(cutoff, str)
    given = list(cutoff) if several else [cutoff]
    days = sorted(day for one in given if (day := as_day(one, "cutoff")) is not None)
    if not days or len(days) < len(given) or len(set(days)) < len(days):
        raise InvalidParameterError(
            f"cutoff must be a date, ISO text such as '2024-06-30', or several different ones, got {cutoff!r}."
        )
    return days


def a_share(name: str, value: object) -> float:
    """Return the value; raise unless it lies between 0 and 1."""
    number = validate.positive_number(name, value)
    if number >= 1:
        raise InvalidParameterError(f"{name} must be a share in (0, 1), got {value!r}. 20 % is 0.2.")
    return number
