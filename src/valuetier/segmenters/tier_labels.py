"""Names and order of the tiers that rules or experts give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier._core.cuts import Codes
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, InvalidParameterError, suggestion
from valuetier.segmenters.rule_tables import TierRule
from valuetier.tiers import level_names

Pairs = tuple[tuple[str, str], ...]
Given = Sequence[str] | Sequence[tuple[str, str]] | None


class Labels(NamedTuple):
    """Experts' tiers: codes, -1 where there is none, and names, best first."""

    codes: Codes
    tiers: Pairs


def tier_names(rules: Sequence[TierRule], given: Given) -> Pairs:
    """Return the (English, Chinese) names of the tiers, best first: as given, else as the rules come.

    Examples
    --------
    >>> tier_names([TierRule("Low", {}), TierRule(("High", "高"), {})], ["High", "Low"])
    (('High', '高'), ('Low', 'Low'))
    """
    in_rules: dict[str, str] = {}
    for english, chinese in (rule.names() for rule in rules):
        if in_rules.get(english, english) == english:
            in_rules[english] = chinese
        elif chinese not in (english, in_rules[english]):
            raise InvalidParameterError(
                f"the tier {english!r} has two Chinese names in the rules, {in_rules[english]!r} and "
                f"{chinese!r}. Keep one."
            )
    if given is None:
        return _different("rules", tuple(in_rules.items()))
    pairs = _pairs(given)
    named = {english for english, _ in pairs}
    unknown = [english for english in in_rules if english not in named]
    if unknown:
        raise InvalidParameterError(
            f"the rules give the tiers {unknown}, which tiers does not list: {sorted(named)}."
            f"{suggestion(unknown[0], named)}"
        )
    return tuple((en, in_rules.get(en, zh) if zh == en else zh) for en, zh in pairs)


def _pairs(given: Any) -> Pairs:
    entries = [] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    pairs = tuple((one, one) if isinstance(one, str) else tuple(one) for one in entries)
    if not pairs or any(len(pair) != 2 or not all(isinstance(name, str) for name in pair) for pair in pairs):
        raise InvalidParameterError(
            f"tiers must be names, or pairs of English and Chinese names, best first, got {given!r}."
        )
    return _different("tiers", pairs)


def _different(parameter: str, pairs: Pairs) -> Pairs:
    for language in zip(*pairs, strict=True):
        if len(set(language)) < len(language):
            raise InvalidParameterError(
                f"{parameter} must name different tiers in each language, got {list(language)}."
            )
    return pairs


def tier_order(y: Any, given: Given, value: Callable[[], Floats], n_customers: int) -> Labels:
    """Return the experts' tiers as codes, 0 the best.

    Parameters
    ----------
    y : (n,) array-like
        Names, or numbers of which the smallest is the best; missing where there is none.
    given : sequence, optional
        Names of all tiers, best first; numbers in ``y`` are then positions in it, and names in
        ``y`` may be of either language.
    value : function
        Gives the column whose mean orders names that come without an order.

    Raises
    ------
    InvalidDataError
        If y has another length than the table, or tells fewer than two tiers apart.
    """
    labels = _labels(y)
    if len(labels) != n_customers:
        raise InvalidDataError(
            f"y must have one tier per customer: {n_customers} customers, {len(labels)} tiers."
        )
    known = labels.notna().to_numpy()
    there = list(dict.fromkeys(labels[known]))
    if len(there) < 2:
        raise InvalidDataError(
            f"y must tell at least two tiers apart, got {len(there)} in {int(known.sum())} known tiers. "
            "Pass the experts' tiers of more customers."
        )
    numeric = _is_numeric(labels.dtype)
    if given is not None:
        return _in_given_order(labels, known, _pairs(given), numeric)
    ordered = sorted(there) if numeric else _by_value(labels, there, value)
    names = level_names(len(ordered)) if numeric else tuple((str(one), str(one)) for one in ordered)
    return Labels(_codes(labels, ordered), _different("y", names))


def _labels(y: Any) -> pd.Series:
    """Return tiers of any kind as a series; unordered categories that are numbers as numbers."""
    if isinstance(y, (list, tuple)):  # as an array, a missing one among names would turn into text
        y = pd.Series(y)
    labels = pd.Series(y) if isinstance(y, (pd.Series, pd.Categorical)) else pd.Series(np.asarray(y).ravel())
    if isinstance(labels.dtype, pd.CategoricalDtype) and not labels.cat.ordered:
        return labels.astype(labels.cat.categories.dtype if labels.notna().all() else object).infer_objects()
    return labels


def _is_numeric(dtype: Any) -> bool:
    """Return whether tiers are numbers; yes and no are names."""
    return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)


def _in_given_order(labels: pd.Series, known: NDArray[np.bool_], tiers: Pairs, numeric: bool) -> Labels:
    allowed = list(range(len(tiers))) if numeric else [english for english, _ in tiers]
    in_chinese = {} if numeric else {chinese: english for english, chinese in tiers}
    labels = labels.astype(object).map(lambda one: one if one in allowed else in_chinese.get(one, one))
    strange = int((~labels[known].isin(allowed)).sum())
    if strange:
        raise InvalidDataError(
            f"y: {strange} of {int(known.sum())} tiers are none of {allowed}. Correct them, or list them in tiers."
        )
    return Labels(_codes(labels, allowed), tiers)


def _by_value(labels: pd.Series, there: list[Any], value: Callable[[], Floats]) -> list[Any]:
    """Return names by their order as categories, else by the mean value, the highest first."""
    if isinstance(labels.dtype, pd.CategoricalDtype) and labels.cat.ordered:
        return [one for one in labels.cat.categories if one in set(there)]
    values = value()
    means = {one: float(np.sort(values[(labels == one).to_numpy()]).mean()) for one in there}
    return sorted(there, key=lambda one: (-means[one], str(one)))


def _codes(labels: pd.Series, ordered: Sequence[Any]) -> Codes:
    return np.asarray(pd.Index(ordered).get_indexer(pd.Index(labels)), dtype=np.int64)
