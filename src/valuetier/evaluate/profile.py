"""Which attributes mark a tier: effect sizes, corrected tests, and the best short rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from valuetier import _validate as validate
from valuetier._core.cuts import Codes
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, InvalidParameterError, require_choice
from valuetier.evaluate._attributes import read_attributes
from valuetier.evaluate._marks import AttributeTest, Mark, corrected, marks_of, overall_test
from valuetier.evaluate._profile_words import verdict
from valuetier.evaluate._short_rules import ShortRule, Target, find_rules, halved
from valuetier.tables import column_list
from valuetier.tiers import LANGUAGES, Tier, TierAssignment

SMALL = 0.147
MARK_COLUMNS = (
    "tier", "attribute", "level", "customers", "missing", "inside", "outside", "difference",
    *Mark.__slots__[8:],
)  # fmt: skip
VALUE = {"en": "value", "zh": "价值"}


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What marks the customers of each tier.

    Attributes
    ----------
    tiers : tuple of Tier
    customers : (k,) int array
        Customers per tier in the assignment.
    matched : (k,) int array
        Of them, those who are in the table of attributes.
    strangers : int
        Customers in the table of attributes only: they are left out.
    tests : tuple of AttributeTest
        One per attribute.
    marks : tuple of Mark
        One per tier and numeric attribute, or per tier and level; of two levels, which say the
        same, for the rarer.
    rules : tuple of ShortRule
        The best short rule for the value, where values are known, and for each tier.
    level : float
        Of the intervals; findings are believed where the corrected p-value is below 1 - level.
    """

    tiers: tuple[Tier, ...]
    customers: Codes
    matched: Codes
    strangers: int
    tests: tuple[AttributeTest, ...]
    marks: tuple[Mark, ...]
    rules: tuple[ShortRule, ...]
    level: float

    def telling(self, tier: Tier) -> tuple[Mark, ...]:
        """Return what marks a tier, the largest effect first: shown beyond chance, and no trifle.

        An effect below 0.147 is a trifle. Source: Romano, Kromrey, Coraggio & Skowronek (2006).
        """
        shown = [
            mark
            for mark in self.marks
            if mark.tier == tier and mark.p_adjusted < 1 - self.level and abs(mark.effect) >= SMALL
        ]
        return tuple(sorted(shown, key=lambda mark: -abs(mark.effect)))

    def to_frame(self, lang: str = "en") -> pd.DataFrame:
        """Return one row per mark: tier, attribute, level, customers, missing, inside, outside, difference … p_adjusted."""
        require_choice("lang", lang, LANGUAGES)
        rows = [
            {
                "tier": mark.tier.label(lang),
                "attribute": mark.attribute,
                "level": mark.level_zh if lang == "zh" else mark.level,
                **{name: getattr(mark, name) for name in MARK_COLUMNS[3:]},
            }
            for mark in self.marks
        ]
        return pd.DataFrame(rows, columns=MARK_COLUMNS)

    def tests_frame(self) -> pd.DataFrame:
        """Return one row per attribute: known, missing, test, statistic, effect, p_value, p_adjusted."""
        return pd.DataFrame(
            [{name: getattr(test, name) for name in AttributeTest.__slots__} for test in self.tests]
        )

    def rules_frame(self, lang: str = "en") -> pd.DataFrame:
        """Return one row per rule: target (value or a tier), rule, shares on both halves, gain with interval."""
        require_choice("lang", lang, LANGUAGES)
        numbers = [name for name in ShortRule.__slots__ if name not in ("tier", "conditions")]
        rows = [
            {
                "target": VALUE[lang] if rule.tier is None else rule.tier.label(lang),
                "rule": rule.condition(lang),
            }
            | {name: getattr(rule, name) for name in numbers}
            | {"confirmed": rule.confirmed}
            for rule in self.rules
        ]
        return pd.DataFrame(rows, columns=["target", "rule", *numbers, "confirmed"])

    def verdict(self, lang: str = "en") -> str:
        """Return in words who was compared, what marks each tier, and the rules that were confirmed."""
        require_choice("lang", lang, LANGUAGES)
        return verdict(self, lang)

    def __str__(self) -> str:
        return self.verdict()


def profile(
    assignment: TierAssignment,
    attributes: Any,
    values: ArrayLike | None = None,
    *,
    columns: Sequence[str] | None = None,
    categorical: Sequence[str] = (),
    min_customers: int = 20,
    level: float = 0.95,
    random_state: int = 0,
) -> Profile:
    """Return which attributes mark each tier, how much, how surely, and the best short rule.

    Parameters
    ----------
    assignment : TierAssignment
    attributes : table
        One row per customer with ``customer_id``, of any kind of frame, in any order. Numbers are
        compared by rank, text and booleans by level; from twenty levels on the rarest are one.
    values : (n,) array-like, optional
        Value of each customer, in the order of ``assignment``, for rules that find value.
    columns : sequence of str, optional
        Attributes to compare. Default: all but ``customer_id``.
    categorical : sequence of str
        Attributes whose numbers are names, such as codes of regions.
    min_customers : int
        A short rule must hold for so many customers of the half that it is found on.
    level : float
        Of the intervals, between 0 and 1; 1 - ``level`` is the chance of even one false finding.
    random_state : int
        Seed of the halves, and of random tables where counts are small.

    Returns
    -------
    Profile
        Customers on one side only and missing values are counted in it. A missing value takes no
        part in a test and meets no condition.

    Raises
    ------
    InvalidDataError
        If no customer of the assignment is in the table, fewer than two tiers have one, a column
        can be neither counted nor ranked, or values are missing or sum to no positive total.
    MissingColumnsError
        If ``customer_id`` or a column that is asked for is not there.
    InvalidParameterError
        If ``level`` or ``min_customers`` cannot work.

    Examples
    --------
    >>> import valuetier as vt
    >>> customers = vt.checks.make_customers(400)
    >>> tiers = vt.PyramidSegmenter(preset="hml").fit(customers).assign(customers)
    >>> found = profile(tiers, customers[["customer_id", "T", "recency_days"]], customers["spend"])
    >>> found.to_frame()[["tier", "attribute", "inside", "outside", "effect"]].round(2).head(1)
       tier attribute  inside  outside  effect
    0  High         T   422.0    395.0     0.0
    """
    _check(level, min_customers)
    asked = None if columns is None else column_list("columns", columns)
    found = read_attributes(attributes, assignment.ids, asked, column_list("categorical", categorical))
    codes = assignment.codes[found.rows]
    _refuse_one_tier(codes)
    worth = None if values is None else _worth(values, len(assignment))[found.rows]
    tests, marks = corrected(
        [overall_test(one, codes, random_state) for one in found.attributes],
        [mark for one in found.attributes for mark in marks_of(one, codes, assignment.tiers, level)],
    )
    n_tiers = len(assignment.tiers)
    return Profile(
        tiers=assignment.tiers,
        customers=np.bincount(assignment.codes, minlength=n_tiers),
        matched=np.bincount(codes, minlength=n_tiers),
        strangers=found.strangers,
        tests=tests,
        marks=marks,
        rules=find_rules(
            found.attributes,
            _targets(codes, assignment.tiers, worth),
            worth,
            halved(codes, _by_id(assignment.ids[found.rows]), random_state),
            min_customers=min_customers,
            level=level,
        ),
        level=level,
    )


def _check(level: float, min_customers: int) -> None:
    validate.whole_number("min_customers", min_customers, 1)
    if not 0 < validate.positive_number("level", level) < 1:
        raise InvalidParameterError(f"level must be between 0 and 1, got {level!r}. Use 0.95.")


def _refuse_one_tier(codes: Codes) -> None:
    if len(np.unique(codes)) < 2:
        raise InvalidDataError(
            f"attributes: the {len(codes)} customers found there are all in one tier, so there is nothing to "
            "compare it with. Pass attributes of customers of at least two tiers."
        )


def _worth(values: ArrayLike, n: int) -> Floats:
    array = validate.float_column("values", values)
    validate.same_length(values=array, assigned=np.empty(n))
    validate.refuse_not_finite("values", array)
    if not array.sum() > 0:
        raise InvalidDataError(
            f"values: the {len(array)} values sum to no positive total, so there are no shares of it. "
            "Pass a column of spend or profit."
        )
    return array


def _by_id(ids: Any) -> Any:
    """Return the order of the ids, whatever they are; text and numbers beside each other as text."""
    try:
        return np.argsort(ids, kind="stable")
    except TypeError:
        return np.argsort(ids.astype(str), kind="stable")


def _targets(codes: Codes, tiers: Sequence[Tier], values: Floats | None) -> list[Target]:
    """Return what rules look for: the value if it is known, and each tier that has customers."""
    inside = [Target(tier, (codes == tier.code).astype(np.float64)) for tier in tiers]
    wanted = [target for target in inside if target.weights.any()]
    return wanted if values is None else [Target(None, values), *wanted]
