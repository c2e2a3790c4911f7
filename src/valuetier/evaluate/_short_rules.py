"""The best short rule: found among all pairs of conditions on one half, measured on the other.

What is looked for is a rule that holds for few customers and much of a target: of the value, or
of the customers of a tier. Its gain is the share of the target less the share of the customers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from valuetier._core.compress import fewest_digits, significant
from valuetier._core.cuts import Codes
from valuetier._validate import Floats
from valuetier.evaluate._attributes import Attribute
from valuetier.evaluate._percent import percent
from valuetier.tiers import Tier
from valuetier.words import column_label, number

SIGNS = {">=": "≥", "<": "<", "=": "="}
AND = {"en": " and ", "zh": " 且 "}
STEPS = 20
FIND_AMONG_AT_MOST = 20_000
BLOCK = 4_096

WORDS = {
    "en": {
        "customers": "{rule}: {share} of customers",
        "value": ", {share} of value",
        "tier": ", {share} of tier {tier}",
    },
    "zh": {
        "customers": "{rule}：{share} 的客户",
        "value": "，{share} 的价值",
        "tier": "，“{tier}”层 {share} 的客户",
    },
}

Rows = NDArray[np.intp]
Places = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RuleCondition:
    """One condition of a short rule; a missing value never meets it.

    Attributes
    ----------
    attribute : str
    sign : str
        ``">="``, ``"<"`` or ``"="``.
    bound : float or None
        Of a numeric attribute.
    level, level_zh : str or None
        Of a categorical one.
    """

    attribute: str
    sign: str
    bound: float | None = None
    level: str | None = None
    level_zh: str | None = None

    def text(self, lang: str = "en") -> str:
        """Return the condition in words."""
        level = self.level_zh if lang == "zh" else self.level
        against = level if self.bound is None else _in_full(self.bound)
        return f"{column_label(self.attribute, lang)} {SIGNS[self.sign]} {against}"


@dataclass(frozen=True, slots=True)
class ShortRule:
    """A rule of one or two conditions, and what it is worth on customers it was not found on.

    Attributes
    ----------
    tier : Tier or None
        What it looks for; None for the value.
    conditions : tuple of RuleCondition
        All must hold.
    customers : int
        In the half that measures the rule.
    customer_share : float
        Share of them for whom it holds.
    target_share : float
        Share of the tier's customers, or of the value, among these.
    gain, low, high : float
        ``target_share`` less ``customer_share``, with its interval (normal approximation), widened so that
        those of all rules of a profile hold at once. Of few customers with very unequal values the
        upper end is too low; what is confirmed hangs on the lower one.
    precision : float or None
        Share of those for whom it holds who are in the tier.
    value_share : float or None
        Share of value for which it holds; None without values.
    found_customer_share, found_target_share : float
        The two shares on the half it was found on, where they flatter.
    tried : int
        Rules that it was chosen from.
    """

    tier: Tier | None
    conditions: tuple[RuleCondition, ...]
    customers: int
    customer_share: float
    target_share: float
    gain: float
    low: float
    high: float
    precision: float | None
    value_share: float | None
    found_customer_share: float
    found_target_share: float
    tried: int

    @property
    def confirmed(self) -> bool:
        """Whether the customers it was not found on show a gain that is no chance."""
        return self.low > 0

    def condition(self, lang: str = "en") -> str:
        """Return the conditions in words: ``income ≥ 60,000 and channel = app``."""
        return AND[lang].join(one.text(lang) for one in self.conditions)

    def text(self, lang: str = "en") -> str:
        """Return the rule and its shares in words."""
        words = WORDS[lang]
        said = words["customers"].format(rule=self.condition(lang), share=percent(self.customer_share, lang))
        if self.tier is not None:
            said += words["tier"].format(tier=self.tier.label(lang), share=percent(self.target_share, lang))
        if self.value_share is None:
            return said
        return said + words["value"].format(share=percent(self.value_share, lang))


class Target(NamedTuple):
    """What a rule looks for: a weight per customer, with a positive sum."""

    tier: Tier | None
    weights: Floats


class Halves(NamedTuple):
    """Rows to find rules on, and rows to measure them on."""

    find: Rows
    measure: Rows


class _Question(NamedTuple):
    """A condition, and the place of its bound or level among the values of its attribute."""

    condition: RuleCondition
    codes: Codes
    place: int

    def holds(self, rows: Rows) -> NDArray[np.bool_]:
        """Return for which rows it holds."""
        codes = self.codes[rows]
        if self.condition.sign == "=":
            return np.asarray(codes == self.place)
        return np.asarray(
            codes >= self.place if self.condition.sign == ">=" else (codes >= 0) & (codes < self.place)
        )


class _Judge(NamedTuple):
    """What rules are measured with; ``z`` is the quantile of the normal distribution for their intervals."""

    values: Floats | None
    halves: Halves
    z: float
    n_questions: int


def find_rules(
    attributes: Sequence[Attribute],
    targets: Sequence[Target],
    values: Floats | None,
    halves: Halves,
    *,
    min_customers: int,
    level: float,
) -> tuple[ShortRule, ...]:
    """Return the best short rule of each target for which there is one."""
    questions = [one for attribute in attributes for one in _questions(attribute, halves.find)]
    if not questions or len(halves.find) < 2 * min_customers:
        return ()
    columns = np.column_stack([question.holds(halves.find) for question in questions])
    chosen = best_places(columns, [target.weights[halves.find] for target in targets], min_customers)
    judge = _Judge(values, halves, float(stats.norm.ppf(1 - (1 - level) / 2 / len(targets))), len(questions))
    return tuple(
        _measured([questions[place] for place in places], target, judge)
        for target, places in zip(targets, chosen, strict=True)
        if places
    )


def halved(codes: Codes, order: Rows, seed: int) -> Halves:
    """Return two random halves of each tier; the rows are taken in ``order``, so that theirs cannot matter."""
    rng = np.random.default_rng(seed)
    shuffled = order[rng.permutation(len(order))]
    dealt = shuffled[np.argsort(codes[shuffled], kind="stable")]
    find = dealt[::2]
    return Halves(find[rng.permutation(len(find))[:FIND_AMONG_AT_MOST]], dealt[1::2])


def best_places(columns: NDArray[np.bool_], weights: Sequence[Floats], min_customers: int) -> list[Places]:
    """Return the best one or two conditions for each target, as places of columns; () where none gains.

    Parameters
    ----------
    columns : (n, k) bool array
        Which condition holds for whom.
    weights : sequence of (n,) arrays
        The targets.
    min_customers : int
        A rule must hold for so many customers.

    Notes
    -----
    The second condition must gain more than one standard error of the pair: of rules that can
    hardly be told apart the shorter is taken (Breiman et al. 1984, one-standard-error rule).
    """
    n = len(columns)
    ones, *sums = _products(columns, [np.ones(n), *weights])
    found: list[Places] = []
    for weight, matrix in zip(weights, sums, strict=True):
        total = float(weight.sum())
        if not total > 0:
            found.append(())
            continue
        gains = significant(np.where(ones >= min_customers, matrix / total - ones / n, -np.inf))
        found.append(_shorter_of(gains, columns, weight))
    return found


def _products(columns: NDArray[np.bool_], weights: Sequence[Floats]) -> list[Floats]:
    """Return for each weight its sum over the customers for whom both of two conditions hold."""
    sums = [np.zeros((columns.shape[1],) * 2) for _ in weights]
    for start in range(0, len(columns), BLOCK):
        block = columns[start : start + BLOCK].astype(np.float64)
        for total, weight in zip(sums, weights, strict=True):
            total += block.T @ (block * weight[start : start + BLOCK, None])
    return sums


def _all(columns: NDArray[np.bool_], places: Places) -> NDArray[np.bool_]:
    """Return for whom all of the conditions hold."""
    return np.asarray(columns[:, list(places)].all(axis=1))


def _shorter_of(gains: Floats, columns: NDArray[np.bool_], weight: Floats) -> Places:
    single = int(np.argmax(np.diag(gains)))
    pair = divmod(int(np.argmax(np.triu(gains, 1) + np.tril(np.full(gains.shape, -np.inf)))), len(gains))
    alone, together = float(gains[single, single]), float(gains[pair])
    if max(alone, together) <= 0:
        return ()
    if together <= 0 or pair[0] == pair[1]:
        return (single,)
    error = _gain(_all(columns, pair), weight)[1]
    return (single,) if alone >= together - error else pair


def _gain(holds: NDArray[np.bool_], weights: Floats) -> tuple[float, float]:
    """Return share of the target less share of the customers, and its standard error (delta method)."""
    n, mean = len(holds), float(weights.mean())
    inside, share = _share(weights, holds), float(holds.mean())
    if math.isnan(inside):
        return math.nan, math.nan
    influence = (holds - inside) * weights / mean - (holds - share)
    return inside - share, float(np.sqrt(np.mean(influence**2) / n))


def _measured(questions: Sequence[_Question], target: Target, judge: _Judge) -> ShortRule:
    """Return the rule with what it is worth on the half that it was not found on."""
    find, rows = judge.halves
    found, here = (np.all([one.holds(half) for one in questions], axis=0) for half in judge.halves)
    gain, error = _gain(here, target.weights[rows])
    share = float(here.mean())
    precise = target.tier is not None and share > 0
    return ShortRule(
        tier=target.tier,
        conditions=tuple(one.condition for one in questions),
        customers=len(rows),
        customer_share=share,
        target_share=gain + share,
        gain=gain,
        low=gain - judge.z * error,
        high=gain + judge.z * error,
        precision=float(target.weights[rows][here].mean()) if precise else None,
        value_share=None if judge.values is None else _share(judge.values[rows], here),
        found_customer_share=float(found.mean()),
        found_target_share=_share(target.weights[find], found),
        tried=judge.n_questions * (judge.n_questions + 1) // 2,
    )


def _share(weights: Floats, holds: NDArray[np.bool_]) -> float:
    total = float(weights.sum())
    return float(weights[holds].sum()) / total if total > 0 else math.nan


def _questions(attribute: Attribute, find: Rows) -> list[_Question]:
    """Return what can be asked of an attribute: its levels, or numbers from and below bounds."""
    name, codes = attribute.name, attribute.codes
    if attribute.values is None:
        return [
            _Question(RuleCondition(name, "=", None, *label), codes, place)
            for place, label in enumerate(attribute.labels)
        ]
    return [
        _Question(RuleCondition(name, sign, bound), codes, place)
        for bound, place in _bounds(attribute.values, np.sort(codes[find][codes[find] >= 0]))
        for sign in (">=", "<")
    ]


def _bounds(values: Floats, codes: Codes) -> list[tuple[float, int]]:
    """Return numbers to cut at, and the place of the first value from there on.

    Every value, where there are no more than twenty; else one near each twentieth of the
    customers, with the fewest digits that stay nearer to it than to the next.
    """
    there = np.unique(codes)
    if len(there) <= STEPS:
        near = list(pairwise(values[there].tolist()))
    else:
        steps = np.arange(2 * STEPS + 1) * (len(codes) - 1) // (2 * STEPS)
        ends = values[codes[steps]]
        near = list(zip(ends[1:-2:2].tolist(), ends[3::2].tolist(), strict=True))
    found: dict[int, float] = {}
    for low, high in near:
        if low < high:
            bound = fewest_digits(low, high)
            found.setdefault(int(np.searchsorted(values, bound)), bound)
    return [(bound, place) for place, bound in found.items()]


def _in_full(bound: float) -> str:
    """Return a bound as people write it, with all digits that it has."""
    text = number(bound)
    return text if float(text.replace(",", "")) == bound else f"{bound:,}"
