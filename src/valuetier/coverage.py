"""Proving that a decision table answers every case: gaps, overlaps and dead rules, with witnesses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from valuetier.conditions import Condition, Scalar, witnesses
from valuetier.errors import InvalidDataError, UncoveredTiersError

MOST_CASES = 500_000
MOST_WITNESSES = 3


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


def check_answers(
    rules: Sequence[ConditionalRule],
    domain: Mapping[str, Sequence[Scalar]],
    hit_policy: str,
    name: str,
) -> None:
    """Raise unless every case meets a rule, and unique rules never two at once.

    The cases are all combinations of values that the conditions can tell apart.

    Raises
    ------
    UncoveredTiersError
        With customers that meet no rule.
    InvalidDataError
        For two rules that hold at once where only one may.
    """
    values, cases, holds = _tried(rules, domain, name)
    columns = list(values)
    gaps = _one_of_each(np.logical_not(holds.any(axis=0)), values)
    if gaps:
        shown = ", nor for one with ".join(_described(columns, cases[i]) for i in gaps[:MOST_WITNESSES])
        more = f", nor in {len(gaps) - MOST_WITNESSES:,} more cases" if len(gaps) > MOST_WITNESSES else ""
        raise UncoveredTiersError(
            f"{name} has no rule for a customer with {shown}{more}. "
            + ("Add a rule for it." if len(gaps) == 1 else "Add rules for them.")
        )
    _check_unique(rules, holds, hit_policy, columns, cases, name)


def check_reached(
    rules: Sequence[ConditionalRule],
    domain: Mapping[str, Sequence[Scalar]],
    hit_policy: str,
    name: str,
    *,
    missing: bool = False,
) -> None:
    """Raise :class:`InvalidDataError` unless every rule has a case that comes to it.

    With ``missing`` a rule is reached, too, by customers of whom a value is missing.
    """
    holds = _tried(rules, domain, name, missing)[2]
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
    rules: Sequence[ConditionalRule],
    domain: Mapping[str, Sequence[Scalar]],
    name: str,
    missing: bool = False,
) -> tuple[dict[str, list[Scalar]], list[tuple[Scalar, ...]], NDArray[np.bool_]]:
    """Return the values by column, all cases that the conditions tell apart, and which rule holds in which."""
    columns = list(dict.fromkeys([*domain, *(column for rule in rules for column in rule.when)]))
    values = {
        column: witnesses(
            [r.when[column] for r in rules if column in r.when], domain.get(column), missing=missing
        )
        for column in columns
    }
    if prod(len(found) for found in values.values()) > MOST_CASES:
        raise InvalidDataError(
            f"{name} tells more than {MOST_CASES:,} cases apart. Split it, or use fewer different values."
        )
    cases = list(product(*values.values()))
    table = {column: _column(cases, j) for j, column in enumerate(columns)}
    return values, cases, np.array([rule_holds(rule, table, len(cases)) for rule in rules])


def _one_of_each(gap: NDArray[np.bool_], values: Mapping[str, Sequence[Scalar]]) -> list[int]:
    """Return one case of each gap: cases that differ by neighbouring numbers only are one."""
    if not gap.any():
        return []
    n = len(values)
    near = np.zeros((3,) * n, dtype=bool)
    near[(1,) * n] = True
    for axis, column in enumerate(values.values()):
        if all(type(value) is float for value in column):
            near[tuple(slice(None) if i == axis else 1 for i in range(n))] = True
    labels, _ = label(gap.reshape([len(column) for column in values.values()]), structure=near)
    first = np.unique(labels.ravel(), return_index=True)
    return [int(index) for number, index in zip(*first, strict=True) if number]


def _check_unique(
    rules: Sequence[ConditionalRule],
    holds: NDArray[np.bool_],
    hit_policy: str,
    columns: list[str],
    cases: list[tuple[Scalar, ...]],
    name: str,
) -> None:
    """Raise where two rules hold at once and only one may; each pair with a customer."""
    if hit_policy != "unique" or not (holds.sum(axis=0) > 1).any():
        return
    pairs = [
        f"the rules {[one.id, other.id]} both hold for a customer with {_described(columns, cases[both[0]])}"
        for (one, first), (other, second) in combinations(zip(rules, holds, strict=True), 2)
        if len(both := np.flatnonzero(first & second))
    ]
    more = f", and {len(pairs) - MOST_WITNESSES:,} more pairs" if len(pairs) > MOST_WITNESSES else ""
    raise InvalidDataError(
        f"{name}: {'; '.join(pairs[:MOST_WITNESSES])}{more}; but the hit policy is unique. "
        "Narrow one of each, or use hit_policy: first."
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
