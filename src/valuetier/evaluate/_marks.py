"""Marks of a tier: one attribute, or one level of it, in the tier beside all others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from valuetier._core.cuts import Codes
from valuetier._core.dominance import (
    Counts,
    chi_square,
    dominance,
    holm,
    kruskal_wallis,
    mann_whitney,
    two_by_two,
)
from valuetier._validate import Floats
from valuetier.evaluate._attributes import Attribute
from valuetier.tiers import Tier


@dataclass(frozen=True, slots=True)
class AttributeTest:
    """Whether an attribute differs between the tiers at all.

    Attributes
    ----------
    attribute : str
    numeric : bool
    known, missing : int
        Customers with and without a value.
    test : str
        ``"Kruskal-Wallis"``, ``"chi-square"``, or ``"chi-square, random tables"`` where counts are small.
    statistic : float
    effect : float
        ε² of a numeric attribute, Cramér's V of a categorical one: 0 no difference, 1 the tier says all.
    p_value, p_adjusted : float
        Before and after Holm's correction for the number of attributes. NaN where fewer than two
        tiers have a customer with a value.
    """

    attribute: str
    numeric: bool
    known: int
    missing: int
    test: str
    statistic: float
    effect: float
    p_value: float
    p_adjusted: float


@dataclass(frozen=True, slots=True)
class Mark:
    """One attribute, or one level of it, in one tier beside all other tiers.

    Attributes
    ----------
    tier : Tier
    attribute : str
    level, level_zh : str or None
        Of a categorical attribute.
    customers, missing : int
        In the tier, with and without a value.
    inside, outside : float
        Median in the tier and in the others; of a level its share.
    lift : float
        Share in the tier by share among all; NaN for a numeric attribute.
    effect, low, high : float
        Cliff's delta with its interval, -1 to 1: the chance that a customer of the tier has more
        than one of the others, less the chance of less; of a level the difference of the shares.
    p_value, p_adjusted : float
        Mann-Whitney, of a level chi-square or Fisher; before and after Holm's correction for all marks.
    """

    tier: Tier
    attribute: str
    level: str | None
    level_zh: str | None
    customers: int
    missing: int
    inside: float
    outside: float
    lift: float
    effect: float
    low: float
    high: float
    p_value: float
    p_adjusted: float

    @property
    def difference(self) -> float:
        """``inside`` less ``outside``, in the unit of the attribute, or as shares."""
        return self.inside - self.outside


def _counts(attribute: Attribute, codes: Codes, n_tiers: int) -> Counts:
    """Return how many customers have each value, in rows, in each tier, in columns."""
    known = attribute.codes >= 0
    cells = attribute.codes[known] * n_tiers + codes[known]
    return np.bincount(cells, minlength=attribute.size * n_tiers).reshape(attribute.size, n_tiers)


def overall_test(attribute: Attribute, codes: Codes, seed: int) -> AttributeTest:
    """Return whether an attribute differs between the tiers, before the correction."""
    counts = _counts(attribute, codes, int(codes.max()) + 1)
    counts = counts[counts.any(axis=1)][:, counts.any(axis=0)]
    known = int(counts.sum())
    name = "Kruskal-Wallis" if attribute.numeric else "chi-square"
    statistic = p_value = effect = float("nan")
    if counts.size and counts.shape[1] > 1:
        if attribute.numeric:
            statistic, p_value, effect = kruskal_wallis(counts)
        else:
            statistic, p_value, effect, random = chi_square(counts, seed)
            name += ", random tables" * random
    missing = len(attribute.codes) - known
    return AttributeTest(
        attribute.name, attribute.numeric, known, missing, name, statistic, effect, p_value, p_value
    )


class _Sides(NamedTuple):
    """Counts of the values in a tier and in all others."""

    tier: Tier
    inside: Counts
    outside: Counts
    missing: int


def marks_of(attribute: Attribute, codes: Codes, tiers: Sequence[Tier], level: float) -> Iterator[Mark]:
    """Yield the marks of an attribute, before the correction for their number."""
    counts = _counts(attribute, codes, len(tiers))
    sizes = np.bincount(codes, minlength=len(tiers))
    for tier in tiers:
        inside = counts[:, tier.code]
        sides = _Sides(tier, inside, counts.sum(axis=1) - inside, int(sizes[tier.code] - inside.sum()))
        if not (sides.inside.any() and sides.outside.any()):
            continue
        if attribute.values is not None:
            yield _numeric_mark(attribute.name, attribute.values, sides, level)
            continue
        for place in _levels(attribute):
            yield _level_mark(attribute, place, sides, level)


def _levels(attribute: Attribute) -> range:
    """Return the levels to be compared; of two, which say the same, the rarer one, of no and yes yes."""
    return range(1, 2) if attribute.size == 2 else range(attribute.size)


def _numeric_mark(name: str, values: Floats, sides: _Sides, level: float) -> Mark:
    found = dominance(sides.inside, sides.outside, level)
    p_value = mann_whitney(sides.inside, sides.outside)
    return Mark(
        sides.tier, name, None, None, int(sides.inside.sum()), sides.missing,
        _median(values, sides.inside), _median(values, sides.outside), float("nan"), *found, p_value, p_value,
    )  # fmt: skip


def _level_mark(attribute: Attribute, place: int, sides: _Sides, level: float) -> Mark:
    inside, outside = (_without_and_with(counts, place) for counts in (sides.inside, sides.outside))
    n, m = int(inside.sum()), int(outside.sum())
    share, other = inside[1] / n, outside[1] / m
    overall = (inside[1] + outside[1]) / (n + m)
    p_value = two_by_two(inside, outside)
    return Mark(
        sides.tier, attribute.name, *attribute.labels[place], n, sides.missing, float(share), float(other),
        float(share / overall) if overall > 0 else float("nan"), *dominance(inside, outside, level), p_value, p_value,
    )  # fmt: skip


def _without_and_with(counts: Counts, place: int) -> Counts:
    return np.array([counts.sum() - counts[place], counts[place]])


def _median(values: Floats, counts: Counts) -> float:
    reached = np.cumsum(counts)
    low, high = (
        values[np.searchsorted(reached, middle)] for middle in ((reached[-1] + 1) // 2, reached[-1] // 2 + 1)
    )
    return float(low / 2 + high / 2)


def corrected(
    tests: Sequence[AttributeTest], marks: Sequence[Mark]
) -> tuple[tuple[AttributeTest, ...], tuple[Mark, ...]]:
    """Return tests and marks with p-values corrected: those of the attributes together, and those of the marks."""
    p_values = np.array([test.p_value for test in tests])
    tried = ~np.isnan(p_values)
    p_values[tried] = holm(p_values[tried])
    adjusted = holm(np.array([mark.p_value for mark in marks]))
    return (
        tuple(replace(test, p_adjusted=float(p)) for test, p in zip(tests, p_values, strict=True)),
        tuple(replace(mark, p_adjusted=float(p)) for mark, p in zip(marks, adjusted, strict=True)),
    )
