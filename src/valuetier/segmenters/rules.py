"""Tiers by rules: fixed ones, given as data, or learned from tiers that experts assigned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from valuetier import _validate as validate
from valuetier._validate import Floats
from valuetier.base import Assessment, BaseSegmenter, Names
from valuetier.errors import InvalidParameterError, require_choice
from valuetier.explain.levers import Lever
from valuetier.segmenters.rule_learning import Growth, RuleReport, learn_rules, validate_rules
from valuetier.segmenters.rule_tables import (
    Table,
    TierRule,
    columns_of,
    first_rule,
    may_be_missing,
    prove,
    read_rules,
    thresholds_of,
    with_values,
)
from valuetier.segmenters.rule_words import reasons, rule_text
from valuetier.segmenters.tier_labels import tier_names, tier_order
from valuetier.tables import column_list
from valuetier.tiers import LANGUAGES

HIT_POLICIES = ("first", "unique")
FEATURES = ("recency_days", "orders", "spend")

DEFAULT_RULES = (
    TierRule(("Core", "核心客户"), {"recency_days": {"<=": "p50"}, "spend": {">=": "p80"}}),
    TierRule(("Wavering", "预警客户"), {"spend": {">=": "p80"}}),
    TierRule(("Growing", "成长客户"), {"recency_days": {"<=": "p50"}, "orders": {">": "p50"}}),
    TierRule(("Ordinary", "普通客户"), {"recency_days": {"<=": "p80"}}),
    TierRule(("Dormant", "沉睡客户"), {}),
)


class RuleSegmenter(BaseSegmenter):
    """Tiers by ordered rules; the first rule that holds gives the tier.

    The rules are given, or learned from tiers that experts assigned: ``fit(X, y)`` without
    ``rules`` grows a small decision tree and keeps it as rules. When fitted, the rules are
    proved to answer every customer, and each of them to be reachable.

    By default, with neither rules nor tiers to learn from: Core, among the half that
    bought last and the best fifth by spend; Wavering, the others of that fifth; Growing,
    the recent half with more orders than the median; Ordinary, the rest of the 80 % that
    bought last; Dormant.

    Parameters
    ----------
    rules : sequence of rules, or mapping of str to mapping, optional
        Tiers and conditions, in order. A rule is a :class:`TierRule`, a dictionary with ``tier``
        and ``when``, or a pair of both; a mapping has tiers for keys and conditions for values.
        Bounds are numbers, or shares of the customers such as ``"p80"``. A tier may
        have several rules.
    tiers : sequence of str or of (str, str), optional
        All tiers, best first; names, or English and Chinese names. Default: in the order of the
        rules; of learned ones, see :meth:`fit`.
    hit_policy : str
        ``"first"``, or ``"unique"``: no two rules may hold for any customer, so that their order means nothing.
    features : sequence of str
        Columns to learn from.
    max_depth : int
        Most conditions in a row that a learned rule is made of.
    min_customers : int
        Least number of customers behind a learned rule.
    order_by : str
        Column whose mean orders learned tiers that are names without an order.
    random_state : int
        Seed of the folds of the validation, and of ties between equally good splits.
    allow_protected : sequence of str
        Columns to use although they tell of age, sex, origin, health and the like; refused otherwise.

    Attributes
    ----------
    rules_ : tuple of TierRule
        With all bounds as numbers.
    tiers_ : tuple of (str, str)
        English and Chinese names, best first.
    report_ : RuleReport or None
        Of learned rules: cross-validated accuracy, weighted kappa and confusion matrix.

    See Also
    --------
    valuetier.CascadeSegmenter : Gates first, then segmenters within tiers.

    Examples
    --------
    >>> import pandas as pd
    >>> customers = pd.DataFrame({"spend": [900, 400, 20], "overdue_days": [0, 120, 5]})
    >>> rules = [
    ...     {"tier": "Watch", "when": {"overdue_days": {">": 90}}},
    ...     {"tier": "VIP", "when": {"spend": {">=": 500}}},
    ...     {"tier": "Ordinary", "when": {}},
    ... ]
    >>> by_rules = RuleSegmenter(rules=rules, tiers=["VIP", "Ordinary", "Watch"]).fit(customers)
    >>> by_rules.predict(customers).tolist()
    [0, 2, 1]
    >>> expert = ["VIP", "VIP", "Ordinary"] * 20
    >>> learned = RuleSegmenter(features=["spend"]).fit(pd.concat([customers] * 20), expert)
    >>> learned.describe()
    ['spend ≥ 200 → VIP', 'spend < 200 → Ordinary']
    """

    kind: ClassVar[str] = "rules"

    def __init__(
        self,
        *,
        rules: Any = None,
        tiers: Names | Sequence[str] | None = None,
        hit_policy: str = "first",
        features: Sequence[str] = FEATURES,
        max_depth: int = 3,
        min_customers: int = 5,
        order_by: str = "spend",
        random_state: int = 0,
        allow_protected: Sequence[str] = (),
    ) -> None:
        self.rules = rules
        self.tiers = tiers
        self.hit_policy = hit_policy
        self.features = features
        self.max_depth = max_depth
        self.min_customers = min_customers
        self.order_by = order_by
        self.random_state = random_state
        self.allow_protected = allow_protected

    def fit(self, X: Any, y: Any = None) -> Self:
        """Prove the rules and turn shares into values, or learn the rules; return the segmenter.

        Parameters
        ----------
        X : table
        y : (n,) array-like, optional
            The experts' tiers, used where no rules are given: names (of ``tiers`` in either
            language), or numbers of which the smallest is the best. Missing ones are left out. Their order is that of ``tiers``; else
            of the categories, best first, if they are ordered; else names are ordered by the mean
            of ``order_by``.

        Raises
        ------
        UncoveredTiersError
            With a customer that meets no rule.
        InvalidDataError
            If a rule can never be reached, or y does not fit the customers.
        """
        require_choice("hit_policy", self.hit_policy, HIT_POLICIES)
        if self.rules is None and y is not None:
            return self._learn(X, y)
        written = self._written()
        tiers = tier_names(written, self.tiers)
        columns, width = self._read_to_fit(X)
        rules = with_values(written, self._table(columns))
        prove(written, rules, hit_policy=self.hit_policy, name="rules")
        return self._keep(rules, tiers, None, width)

    def _learn(self, X: Any, y: Any) -> Self:
        names = self._columns()
        if not names:
            raise InvalidParameterError("features must name at least one column, got ().")
        growth = Growth(
            validate.whole_number("max_depth", self.max_depth, 1),
            validate.whole_number("min_customers", self.min_customers, 1),
            self.random_state,
        )
        columns, width = self._read_to_fit(X)
        labels = tier_order(y, self.tiers, lambda: self._ordering(X), len(columns))
        known = labels.codes >= 0
        learned = (columns[known], labels.codes[known], names, labels.tiers, growth)
        rules = learn_rules(*learned)
        return self._keep(rules, labels.tiers, validate_rules(*learned, rules), width)

    def _ordering(self, X: Any) -> Floats:
        """Return the column whose mean orders names, a feature or one more."""
        names = self._columns()
        also = () if self.order_by in names else (self.order_by,)
        return self._read_to_fit(X, also)[0][:, [*names, *also].index(self.order_by)]

    def _keep(
        self,
        rules: tuple[TierRule, ...],
        tiers: tuple[tuple[str, str], ...],
        report: RuleReport | None,
        width: int,
    ) -> Self:
        self.rules_ = rules
        self.tiers_ = tiers
        self.report_ = report
        self.n_features_in_ = width
        return self

    def describe(self, lang: str = "en") -> list[str]:
        """Return the rules in words, one sentence each, in the order in which they are asked."""
        require_choice("lang", lang, LANGUAGES)
        check_is_fitted(self)
        return [rule_text(rule, lang) for rule in self._in_full()]

    def _in_full(self) -> list[TierRule]:
        """Return the rules with both names of their tiers."""
        names = dict(self.tiers_)
        return [TierRule((rule.names()[0], names[rule.names()[0]]), rule.when) for rule in self.rules_]

    def _written(self) -> tuple[TierRule, ...]:
        if self.rules is not None:
            rules = read_rules("rules", self.rules)
            if not columns_of(rules):
                raise InvalidParameterError("rules must look at a column at least, got conditions on none.")
            return rules
        if self._columns() != FEATURES:
            raise InvalidParameterError(
                f"features {list(self._columns())} need tiers to learn from, fit(X, y), or rules. "
                f"The default rules look at {list(FEATURES)}."
            )
        return DEFAULT_RULES

    def _columns(self) -> tuple[str, ...]:
        if self.rules is not None:
            return columns_of(read_rules("rules", self.rules))
        return column_list("features", self.features)

    def _may_be_missing(self) -> tuple[str, ...]:
        return () if self.rules is None else may_be_missing(read_rules("rules", self.rules))

    def _table(self, columns: Floats) -> Table:
        return dict(zip(self._columns(), columns.T, strict=True))

    def _assess(self, columns: Floats) -> Assessment:
        found = first_rule(self.rules_, self._table(columns), len(columns))
        english = [en for en, _ in self.tiers_]
        codes = np.array([english.index(rule.names()[0]) for rule in self.rules_], dtype=np.int64)[found]
        scores = (len(english) - 1 - codes).astype(np.float64)
        return Assessment(codes, scores, {"rule": (found + 1).astype(np.float64)})

    def _evidence_names(self) -> tuple[str, ...]:
        return ("rule",)

    def _tier_names(self) -> Names:
        if hasattr(self, "tiers_"):
            return self.tiers_
        return tier_names(self._written(), self.tiers)

    def _levers(self, columns: Floats, found: Assessment) -> Mapping[str, Lever]:
        return {name: Lever(thresholds_of(self.rules_, name)) for name in self._columns()}

    def _reasons(self, columns: Floats, found: Assessment, lang: str) -> list[str]:
        tiers = self.get_tier_names_out(lang)
        index = found.evidence["rule"].astype(np.int64) - 1
        exclusive = self.hit_policy == "unique" or self.report_ is not None
        because = reasons(self.rules_, self._table(columns), index, lang, exclusive=exclusive)
        return [f"{text} → {tiers[code]}" for text, code in zip(because, found.codes, strict=True)]
