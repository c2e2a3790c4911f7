"""Conditions on columns in a small vocabulary: sets and ranges; nothing is evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Scalar = str | bool | int | float | None

ANYTHING_ELSE = "(anything else)"


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a bound must be a number, not true or false")
    return value


Bound = Annotated[float | None, BeforeValidator(_no_truth_value)]


class Condition(BaseModel):
    """What a column must be: one of a set, and within bounds.

    Written in YAML as a value (``Key``), a list (``[Key, Develop]``) or bounds
    (``{">=": 100, "<": 500}``). ``null`` stands for a missing value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    one_of: tuple[Scalar, ...] | None = Field(default=None, alias="in")
    none_of: tuple[Scalar, ...] | None = Field(default=None, alias="not_in")
    at_least: Bound = Field(default=None, alias=">=", allow_inf_nan=False)
    above: Bound = Field(default=None, alias=">", allow_inf_nan=False)
    at_most: Bound = Field(default=None, alias="<=", allow_inf_nan=False)
    below: Bound = Field(default=None, alias="<", allow_inf_nan=False)

    @model_validator(mode="after")
    def _says_something(self) -> Condition:
        if not self.model_fields_set:
            raise ValueError("a condition needs at least one of in, not_in, >=, >, <=, <")
        if () in (self.one_of, self.none_of):
            raise ValueError("a list of values must not be empty")
        return self

    @property
    def bounds(self) -> tuple[float, ...]:
        """The numbers that the condition compares with."""
        found = (self.at_least, self.above, self.at_most, self.below)
        return tuple(bound for bound in found if bound is not None)

    @property
    def named(self) -> tuple[Scalar, ...]:
        """The values that the condition names."""
        return (*(self.one_of or ()), *(self.none_of or ()))

    def holds(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Return for which values the condition holds; a missing value is within no bounds."""
        holds = np.ones(len(values), dtype=bool)
        numeric = values.dtype.kind == "f"
        series = pd.Series(values) if numeric else pd.Series(values, dtype=object)
        if self.one_of is not None:
            holds &= _among(series, self.one_of)
        if self.none_of is not None:
            holds &= ~_among(series, self.none_of)
        if not self.bounds:
            return holds
        numbers = pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64)
        for bound, compare in (
            (self.at_least, np.greater_equal),
            (self.above, np.greater),
            (self.at_most, np.less_equal),
            (self.below, np.less),
        ):
            if bound is not None:
                holds &= compare(numbers, bound)
        return holds


def _among(series: pd.Series, values: Sequence[Scalar]) -> NDArray[np.bool_]:
    """Return which entries are one of the values; None among them stands for every missing one."""
    there = series.isin([value for value in values if value is not None]).to_numpy()
    return np.asarray(there | series.isna().to_numpy() if None in values else there)


def _written(value: Any) -> Any:
    """Return the long form of a condition written as a value or a list."""
    if isinstance(value, (dict, Condition)):
        return value
    return {"in": tuple(value) if isinstance(value, list) else (value,)}


ReadCondition = Annotated[Condition, BeforeValidator(_written)]


def witnesses(
    conditions: Sequence[Condition], domain: Sequence[Scalar] | None, *, missing: bool = False
) -> list[Scalar]:
    """Return values of a column that stand for all the conditions could tell apart.

    The values of the domain, if there is one. Else the values named, one that is not
    named (true or false where no others are named), and for bounds each bound or number
    named with a number below, between and above; a missing value if it is named or asked for.
    """
    if domain is not None:
        return list(domain)
    named = [value for condition in conditions for value in condition.named]
    bounds = sorted({bound for condition in conditions for bound in condition.bounds})
    found: list[Scalar] = list(dict.fromkeys(named))
    if {type(one) for one in named if one is not None} == {bool} and not bounds:
        found += [one for one in (True, False) if one not in found]
    elif named and (not bounds or any(isinstance(one, str) for one in named)):
        found.append(ANYTHING_ELSE)
    if missing and None not in found:
        found.append(None)
    if bounds:
        points = sorted({*bounds, *_numbers(named)})
        between = [(low + high) / 2 for low, high in pairwise(points)]
        around = (points[0] - _step(points[0]), points[-1] + _step(points[-1]))
        found += [one for one in sorted({*points, *between, *around}) if one not in found]
    return found


def _numbers(values: Sequence[Scalar]) -> list[float]:
    return [float(one) for one in values if isinstance(one, (int, float)) and not isinstance(one, bool)]


def _step(number: float) -> float:
    """Return 1, or what is needed to make a difference to a number so large."""
    return max(1.0, abs(number) * 1e-9)
