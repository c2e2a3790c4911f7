"""Rules learned from tiers that experts assigned: a small decision tree, written as rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from valuetier._core.compress import fewest_digits
from valuetier._core.cuts import Codes
from valuetier._validate import Floats
from valuetier.segmenters.rule_tables import TierRule, first_rule
from valuetier.store import storable

FOLDS = 5

Names = Sequence[tuple[str, str]]


@storable
@dataclass(frozen=True, slots=True, eq=False)
class RuleReport:
    """How well learned rules agree with the experts.

    Attributes
    ----------
    customers : int
        With an expert's tier.
    folds : int
        Of the cross-validation; each customer is judged by rules learned without its fold.
    accuracy : float
        Share of customers whom the rules give the expert's tier, cross-validated.
    majority_accuracy : float
        What giving everybody the commonest tier would reach.
    weighted_kappa : float
        Agreement beyond chance, cross-validated: 1 is full, 0 what chance gives. A miss
        counts by the square of the tiers between (Cohen 1968).
    confusion_matrix : (k, k) int array
        Experts' tiers in rows, the rules' in columns, cross-validated.
    rule_customers : tuple of int
        Customers for whom each rule of the final set holds.
    rule_agreement : tuple of float
        Share of them whom the experts put into the tier of the rule.
    """

    customers: int
    folds: int
    accuracy: float
    majority_accuracy: float
    weighted_kappa: float
    confusion_matrix: NDArray[np.int64]
    rule_customers: tuple[int, ...]
    rule_agreement: tuple[float, ...]

    def __str__(self) -> str:
        return (
            f"{self.customers:,} customers, {self.folds} folds: accuracy {self.accuracy:.1%} "
            f"(commonest tier {self.majority_accuracy:.1%}), weighted kappa {self.weighted_kappa:.2f}"
        )


class _Leaf(NamedTuple):
    """A tier, and the interval of each column in which it holds."""

    code: int
    within: dict[str, dict[str, float]]


class Growth(NamedTuple):
    """How a tree is grown."""

    max_depth: int
    min_customers: int
    seed: int


def learn_rules(
    columns: Floats, codes: Codes, names: Sequence[str], tiers: Names, growth: Growth
) -> tuple[TierRule, ...]:
    """Return the rules of a decision tree, the best tier's first; exactly one holds for any customer.

    The tree is grown on ranks, so that no unit or magnitude matters, and each split is
    written with the fewest digits that lie between the two neighbouring values.
    """
    order = np.lexsort((*columns.T[::-1], codes))
    columns, codes = columns[order], codes[order]
    ranks = np.column_stack([np.unique(column, return_inverse=True)[1] for column in columns.T])
    tree = DecisionTreeClassifier(
        max_depth=growth.max_depth, min_samples_leaf=growth.min_customers, random_state=growth.seed
    ).fit(ranks, codes)
    leaves = _leaves(tree, 0, ranks, columns, names, {})
    return tuple(
        TierRule(tiers[leaf.code], leaf.within) for leaf in sorted(leaves, key=lambda leaf: leaf.code)
    )


def _leaves(
    tree: Any, node: int, ranks: Any, columns: Floats, names: Sequence[str], within: dict[str, Any]
) -> list[_Leaf]:
    """Return the leaves below a node; two that agree are one."""
    feature, threshold = tree.tree_.feature[node], tree.tree_.threshold[node]
    if feature < 0:
        return [_Leaf(int(tree.classes_[tree.tree_.value[node][0].argmax()]), within)]
    low = ranks[:, feature] <= threshold
    bound = fewest_digits(columns[low, feature].max(), columns[~low, feature].min())
    name, found = names[feature], []
    for child, side, key in (
        (tree.tree_.children_left[node], low, "<"),
        (tree.tree_.children_right[node], ~low, ">="),
    ):
        interval = {**within.get(name, {}), key: bound}
        narrowed = {**within, name: dict(sorted(interval.items(), reverse=True))}  # from ">=" to "<"
        found.append(_leaves(tree, child, ranks[side], columns[side], names, narrowed))
    if len(found[0]) == len(found[1]) == 1 and found[0][0].code == found[1][0].code:
        return [_Leaf(found[0][0].code, within)]
    return [*found[0], *found[1]]


def validate_rules(
    columns: Floats,
    codes: Codes,
    names: Sequence[str],
    tiers: Names,
    growth: Growth,
    rules: Sequence[TierRule],
) -> RuleReport:
    """Return how well rules of this growth agree with the experts on customers they did not learn from."""
    order = np.lexsort((*columns.T[::-1], codes))
    columns, codes = columns[order], codes[order]
    fold, n_folds = _folds(codes, growth.seed)
    predicted = np.empty_like(codes)
    for one in range(n_folds):
        held_out = fold == one
        learned = learn_rules(columns[~held_out], codes[~held_out], names, tiers, growth)
        predicted[held_out] = _apply(learned, columns[held_out], names, tiers)[0]
    confusion = np.zeros((len(tiers), len(tiers)), dtype=np.int64)
    np.add.at(confusion, (codes, predicted), 1)
    final, found = _apply(rules, columns, names, tiers)
    sizes = np.bincount(found, minlength=len(rules))
    agreeing = np.bincount(found, weights=final == codes, minlength=len(rules))
    return RuleReport(
        customers=len(codes),
        folds=n_folds,
        accuracy=float(np.trace(confusion) / len(codes)),
        majority_accuracy=float(np.bincount(codes).max() / len(codes)),
        weighted_kappa=weighted_kappa(confusion),
        confusion_matrix=confusion,
        rule_customers=tuple(sizes.tolist()),
        rule_agreement=tuple((agreeing / np.maximum(sizes, 1)).tolist()),
    )


def weighted_kappa(confusion: NDArray[np.int64]) -> float:
    """Return Cohen's kappa with quadratic weights of a confusion matrix (Cohen 1968).

    Examples
    --------
    >>> weighted_kappa(np.array([[10, 0], [0, 10]])), weighted_kappa(np.array([[5, 5], [5, 5]]))
    (1.0, 0.0)
    """
    tier = np.arange(len(confusion))
    apart = (tier[:, None] - tier[None, :]) ** 2
    by_chance = np.outer(confusion.sum(axis=1), confusion.sum(axis=0)) / confusion.sum()
    return float(1.0 - (apart * confusion).sum() / (apart * by_chance).sum())


def _folds(codes: Codes, seed: int) -> tuple[NDArray[np.intp], int]:
    """Return the fold of each customer, every tier spread evenly over the folds, and their number."""
    n_folds = min(FOLDS, len(codes))
    shuffled = np.random.default_rng(seed).permutation(len(codes))
    by_tier = shuffled[np.argsort(codes[shuffled], kind="stable")]
    fold = np.empty(len(codes), dtype=np.intp)
    fold[by_tier] = np.arange(len(codes)) % n_folds
    return fold, n_folds


def _apply(
    rules: Sequence[TierRule], columns: Floats, names: Sequence[str], tiers: Names
) -> tuple[Codes, Codes]:
    """Return each customer's tier code and the position of its rule."""
    found = first_rule(rules, dict(zip(names, columns.T, strict=True)), len(columns))
    return np.array([tiers.index(rule.names()) for rule in rules], dtype=np.int64)[found], found
