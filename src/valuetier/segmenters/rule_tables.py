"""Rules from columns to tiers as data: read, proved, applied and put into words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from valuetier._core.cuts import Codes
from valuetier._validate import Floats
from valuetier.conditions import Condition
from valuetier.coverage import check_answers, check_reached, first_only, rule_holds
from valuetier.errors import InvalidDataError, InvalidParameterError
from valuetier.store import storable

BOUNDS = (">=", ">", "<=", "<")
SETS = ("in", "not_in")
SHARE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")

Table = Mapping[str, NDArray[Any]]


@storable
@dataclass(frozen=True, slots=True)
class TierRule:
    """Customers for whom every condition holds belong to the tier.

    Attributes
    ----------
    tier : str or (str, str)
        Name, or English and Chinese name.
    when : mapping of str to mapping
        Conditions by column, all of which must hold: ``{"spend": {">=": 100, "<": 500}}``, with
        ``>=``, ``>``, ``<=``, ``<``, ``in`` and ``not_in``. A bound is a number, or ``"p80"`` for
        the value that 80 % of the customers do not exceed when fitted. Empty: everybody.

    Examples
    --------
    >>> TierRule("VIP", {"spend": {">=": "p80"}, "recency_days": {"<": 90}})
    TierRule(tier='VIP', when={'spend': {'>=': 'p80'}, 'recency_days': {'<': 90}})
    """

    tier: str | tuple[str, str]
    when: Mapping[str, Any]

    def names(self) -> tuple[str, str]:
        """Return the English and the Chinese name of the tier."""
        return (self.tier, self.tier) if isinstance(self.tier, str) else self.tier


class _Conditional(NamedTuple):
    """A rule as :mod:`valuetier.coverage` takes it."""

    id: str
    when: Mapping[str, Condition]


def read_rules(parameter: str, written: Any) -> tuple[TierRule, ...]:
    """Return rules in their long form, from a mapping of tiers to conditions or a sequence of rules.

    Raises
    ------
    InvalidParameterError
        If one is no rule; the message has its place and an example.
    """
    entries = written.items() if isinstance(written, Mapping) else written
    if isinstance(entries, (str, bytes)) or not isinstance(entries, Iterable):
        raise InvalidParameterError(
            f"{parameter} must be a sequence of rules or map tiers to conditions, got {written!r}."
        )
    rules = tuple(_read_rule(f"{parameter}[{i}]", entry) for i, entry in enumerate(entries))
    if not rules:
        raise InvalidParameterError(f"{parameter} must hold at least one rule, got {written!r}.")
    return rules


def _read_rule(place: str, entry: Any) -> TierRule:
    if isinstance(entry, TierRule):
        tier, when = entry.tier, entry.when
    elif isinstance(entry, Mapping) and {"tier"} <= set(entry) <= {"tier", "when"}:
        tier, when = entry["tier"], entry.get("when", {})
    elif isinstance(entry, (tuple, list)) and len(entry) == 2:
        tier, when = entry
    else:
        tier, when = None, None
    names = _names(tier)
    if names is None or not isinstance(when, Mapping):
        raise InvalidParameterError(
            f"{place} must have a tier and conditions, such as "
            f"{{'tier': 'VIP', 'when': {{'spend': {{'>=': 1000}}}}}}, got {entry!r}."
        )
    return TierRule(names, {column: _read_condition(place, column, given) for column, given in when.items()})


def _names(tier: Any) -> str | tuple[str, str] | None:
    """Return the name, or the English and the Chinese name, of a tier; None of anything else."""
    names = [tier] if isinstance(tier, str) else tier
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) and name for name in names):
        return None
    return {1: names[0], 2: (names[0], names[-1])}.get(len(names)) if names else None


def _read_condition(place: str, column: Any, given: Any) -> dict[str, Any]:
    """Return the long form of a condition: numbers for bounds, tuples for sets."""
    long: Any = given
    if not isinstance(given, Mapping):
        long = {"in": given}
    sets = {key: _entries(value) for key, value in long.items() if key in SETS}
    bounds = {key: value for key, value in long.items() if key not in SETS}
    numbers = {key: 0.0 if _share(value) else value for key, value in bounds.items()}
    entries = [entry for values in sets.values() for entry in values if entry is not None]
    try:
        if not all(_is_number(entry) for entry in entries):
            raise TypeError
        Condition.model_validate({**sets, **numbers}, strict=True)
    except (ValidationError, TypeError):
        raise InvalidParameterError(
            f"{place}: the condition on {column!r} must compare numbers by {', '.join((*BOUNDS, *SETS))}, "
            f"or with a share of customers such as 'p80', got {given!r}."
        ) from None
    return {**sets, **bounds}


def _entries(given: Any) -> tuple[Any, ...]:
    return tuple(given) if isinstance(given, (list, tuple, set)) else (given,)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _share(bound: Any) -> float | None:
    """Return the share in per cent of a bound written as ``"p80"``; None of any other bound."""
    found = SHARE.fullmatch(bound) if isinstance(bound, str) else None
    share = float(found[1]) if found else 0.0
    return share if share > 0 else None


def columns_of(rules: Sequence[TierRule]) -> tuple[str, ...]:
    """Return the columns that the rules look at, in the order in which they name them."""
    return tuple(dict.fromkeys(column for rule in rules for column in rule.when))


def thresholds_of(rules: Sequence[TierRule], column: str) -> Floats:
    """Return the numbers that the rules compare a column with.

    Examples
    --------
    >>> thresholds_of(read_rules("rules", {"High": {"spend": {">=": 100, "not_in": [500, None]}}}), "spend").tolist()
    [100.0, 500.0]
    """
    found: list[Any] = []
    for condition in (rule.when.get(column, {}) for rule in rules):
        found += [condition[key] for key in BOUNDS if key in condition]
        found += [entry for key in SETS for entry in condition.get(key, ()) if entry is not None]
    return np.unique(np.array(found, dtype=np.float64))


def may_be_missing(rules: Sequence[TierRule]) -> tuple[str, ...]:
    """Return the columns for which some rule says what a missing value means."""
    return tuple(
        column
        for column in columns_of(rules)
        if any(
            None in rule.when[column].get(key, ()) for rule in rules if column in rule.when for key in SETS
        )
    )


def with_values(rules: Sequence[TierRule], table: Table) -> tuple[TierRule, ...]:
    """Return the rules with every share of customers turned into the value that has it.

    Raises
    ------
    InvalidDataError
        If all customers are equal in every column that is cut by shares.
    """
    shared = [
        column
        for column in columns_of(rules)
        if any(_share(bound) for rule in rules for bound in rule.when.get(column, {}).values())
    ]
    known = {column: np.sort(table[column][~np.isnan(table[column])]) for column in shared}
    if shared and all(not len(values) or values[0] == values[-1] for values in known.values()):
        n = len(table[shared[0]])
        raise InvalidDataError(
            f"{shared}: all {n} values are equal, so shares of the customers part nobody "
            f"(n_samples = {n}). Use other columns, or bounds in numbers."
        )
    return tuple(
        TierRule(
            rule.tier,
            {
                column: {key: _value_at(bound, known.get(column)) for key, bound in condition.items()}
                for column, condition in rule.when.items()
            },
        )
        for rule in rules
    )


def _value_at(bound: Any, ordered: Floats | None) -> Any:
    share = _share(bound)
    if share is None or ordered is None or not len(ordered):
        return bound
    return float(np.quantile(ordered, share / 100.0, method="inverted_cdf"))


def prove(
    written: Sequence[TierRule], rules: Sequence[TierRule], *, hit_policy: str = "first", name: str
) -> None:
    """Raise unless the rules answer every customer, and each of them can be reached.

    Whether a rule can be reached is asked of the shares as written: equal customers may
    leave it empty, which is no mistake of the rule.

    Raises
    ------
    UncoveredTiersError
        With a customer that meets no rule.
    InvalidDataError
        If a rule can never be reached, or two hold at once where only one may.
    """
    check_answers(_conditionals(rules), {}, hit_policy, name)
    check_reached(_conditionals(_in_shares(written, rules)), {}, hit_policy, name)


def prove_reachable(written: Sequence[TierRule], rules: Sequence[TierRule], *, name: str) -> None:
    """Raise if one of the rules can never be reached; customers may meet none of them."""
    check_reached(_conditionals(_in_shares(written, rules)), {}, "first", name)


def _in_shares(written: Sequence[TierRule], rules: Sequence[TierRule]) -> tuple[TierRule, ...]:
    """Return the rules with shares as numbers in the columns whose bounds are all shares."""
    bounds = {
        column: [b for rule in written for k, b in rule.when.get(column, {}).items() if k in BOUNDS]
        for column in columns_of(written)
    }
    pure = {column for column, found in bounds.items() if all(_share(bound) for bound in found)}
    return tuple(
        TierRule(
            rule.tier,
            {
                column: {key: _share(bound) or bound for key, bound in given.items()}
                if column in pure
                else rule.when[column]
                for column, given in source.when.items()
            },
        )
        for source, rule in zip(written, rules, strict=True)
    )


def _conditionals(rules: Sequence[TierRule]) -> list[_Conditional]:
    return [
        _Conditional(
            f"{number} ({rule.names()[0]})",
            {column: Condition.model_validate(given) for column, given in rule.when.items()},
        )
        for number, rule in enumerate(rules, start=1)
    ]


def first_rule(rules: Sequence[TierRule], table: Table, n_customers: int) -> Codes:
    """Return the position of the first rule that holds for each customer; -1 where none does.

    Examples
    --------
    >>> rules = read_rules("rules", {"High": {"spend": {">=": 100}}})
    >>> first_rule(rules, {"spend": np.array([150.0, 20.0])}, 2).tolist()
    [0, -1]
    """
    holds = np.array([rule_holds(rule, table, n_customers) for rule in _conditionals(rules)])
    first = first_only(holds)
    return np.asarray(np.where(first.any(axis=0), first.argmax(axis=0), -1), dtype=np.int64)
