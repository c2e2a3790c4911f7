"""Proving that a decision table answers every case: gaps, overlaps and dead rules, with witnesses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from valuetier.conditions import Condition, Scalar, witnesses
from valuetier.errors import InvalidDataError, UncoveredTiersError

MOST_CASES = 500_000


class ConditionalRule(Protocol):
    """A rule with an id and conditions on columns."""

    @property
    def id(self) -> str:
        """Name of the rule."""
        ...

    @property
    def when(self) -> Mapping[str, Condition]:
        """Conditions by column."""
        ...


def check_coverage(
    rules: Sequence[ConditionalRule],
    domain: Mapping[str, Sequence[Scalar]],
    hit_policy: str,
    name: str,
) -> None:
    """Raise unless every case meets a rule, every rule a case, and unique rules never two.

    The cases are all combinations of values that the conditions can tell apart.

    Raises
    ------
    UncoveredTiersError
        With a customer that meets no rule.
    InvalidDataError
        For a rule that is never reached, and for two that hold at once where only one may.
    """
    check_answers(rules, domain, hit_policy, name)
    check_reached(rules, domain, hit_policy, name)


def check_answers(
    rules: Sequence[ConditionalRule],
    domain: Mapping[str, Sequence[Scalar]],
    hit_policy: str,
    name: str,
) -> None:
    """Raise unless every case meets a rule, and unique rules never two at once."""
    columns, cases, holds = _tried(rules, domain, name)
    gap = np.flatnonzero(~holds.any(axis=0))
    if len(gap):
        raise UncoveredTiersError(
            f"{name} has no rule for a customer with {_described(columns, cases[gap[0]])}. Add a rule for it."
        )
    _check_unique(rules, holds, hit_policy, columns, cases, name)


def check_reached(
    rules: Sequence[ConditionalRule],
    domain: Mapping[str, Sequence[Scalar]],
    hit_policy: str,
    name: str,
) -> None:
    """Raise unless every rule has a case that comes to it."""
    holds = _tried(rules, domain, name)[2]
    reached = first_only(holds) if hit_policy == "first" else holds
    dead = [rule.id for rule, hits in zip(rules, reached, strict=True) if not hits.any()]
    if dead:
        raise InvalidDataError(f"{name}: the rules {dead} are never reached. Delete them or move them up.")


def first_only(holds: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which rule is the first that holds: rules in rows, cases in columns.

    Examples
    --------
    >>> first_only(np.array([[True, False], [True, True]])).tolist()
    [[True, False], [False, True]]
    """
    first = holds.copy()
    first[1:] &= ~np.logical_or.accumulate(holds, axis=0)[:-1]
    return first


def _tried(
    rules: Sequence[ConditionalRule], domain: Mapping[str, Sequence[Scalar]], name: str
) -> tuple[list[str], list[tuple[Scalar, ...]], NDArray[np.bool_]]:
    """Return the columns, all cases that the conditions tell apart, and which rule holds in which."""
    columns = list(dict.fromkeys([*domain, *(column for rule in rules for column in rule.when)]))
    values = {
        column: witnesses([r.when[column] for r in rules if column in r.when], domain.get(column))
        for column in columns
    }
    if prod(len(found) for found in values.values()) > MOST_CASES:
        raise InvalidDataError(
            f"{name} tells more than {MOST_CASES:,} cases apart. Split it, or use fewer different values."
        )
    cases = list(product(*values.values()))
    table = {column: _column(cases, j) for j, column in enumerate(columns)}
    return columns, cases, np.array([rule_holds(rule, table, len(cases)) for rule in rules])


def _check_unique(
    rules: Sequence[ConditionalRule],
    holds: NDArray[np.bool_],
    hit_policy: str,
    columns: list[str],
    cases: list[tuple[Scalar, ...]],
    name: str,
) -> None:
    twice = np.flatnonzero(holds.sum(axis=0) > 1)
    if hit_policy == "unique" and len(twice):
        both = [rule.id for rule, hits in zip(rules, holds, strict=True) if hits[twice[0]]]
        raise InvalidDataError(
            f"{name}: the rules {both} all hold for a customer with {_described(columns, cases[twice[0]])}, "
            "but the hit policy is unique. Narrow one, or use hit_policy: first."
        )


def rule_holds(rule: ConditionalRule, table: Mapping[str, NDArray[Any]], n_rows: int) -> NDArray[np.bool_]:
    """Return for which rows of a table all conditions of a rule hold."""
    holds = np.ones(n_rows, dtype=bool)
    for column, condition in rule.when.items():
        holds &= condition.holds(table[column])
    return holds


def _column(cases: list[tuple[Scalar, ...]], j: int) -> NDArray[np.object_]:
    column = np.empty(len(cases), dtype=object)
    column[:] = [case[j] for case in cases]
    return column


def _described(columns: Sequence[str], case: Sequence[Scalar]) -> str:
    return ", ".join(f"{column} = {value}" for column, value in zip(columns, case, strict=True))
