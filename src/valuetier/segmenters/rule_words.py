"""Rules and what they found in words, English and Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from valuetier._core.cuts import Codes
from valuetier._validate import Floats
from valuetier.conditions import Condition
from valuetier.segmenters.rule_tables import SETS, Table, TierRule
from valuetier.words import apart, column_label, number

SIGNS = {">=": "≥", ">": ">", "<=": "≤", "<": "<"}
OPPOSITE = {">=": "<", ">": "<=", "<=": ">", "<": ">=", "in": "not_in", "not_in": "in"}
MISSING = {"en": "missing", "zh": "缺失"}
KNOWN = {"en": "known", "zh": "有记录"}
WANTED = {"en": "wanted {}", "zh": "要求 {}"}
AMONG = {
    ("in", "en"): "one of {values}",
    ("in", "zh"): "属于 {values}",
    ("not_in", "en"): "none of {values}",
    ("not_in", "zh"): "不属于 {values}",
}
LINKS = {"en": ", ", "zh": "，"}
AND = {"en": " and ", "zh": " 且 "}
EVERYBODY = {"en": "everybody else", "zh": "其余客户"}
BRACKETS = {"en": " ({})", "zh": "（{}）"}
HOLDS = {"en": "rule {n}: {parts}", "zh": "符合规则 {n}：{parts}"}
FAILS = {"en": "not rule {n}: {parts}", "zh": "不符合规则 {n}：{parts}"}


def rule_text(rule: TierRule, lang: str) -> str:
    """Return a rule in words.

    Examples
    --------
    >>> rule_text(TierRule("VIP", {"spend": {">=": 1000.0}, "recency_days": {"<": 90.0}}), "en")
    'spend ≥ 1,000 and recency_days < 90 → VIP'
    """
    parts = [
        f"{column_label(column, lang)} {_wanted(key, bound, lang)}"
        for column, condition in rule.when.items()
        for key, bound in condition.items()
    ]
    tier = rule.names()[1 if lang == "zh" else 0]
    return f"{AND[lang].join(parts) or EVERYBODY[lang]} → {tier}"


def reasons(
    rules: Sequence[TierRule], table: Table, found: Codes, lang: str, *, exclusive: bool
) -> list[str]:
    """Return per customer which rule holds and by which values, and why none before it does.

    Parameters
    ----------
    found : int array
        Position of the rule that holds for each customer; -1 where none does.
    exclusive : bool
        No two rules hold at once, so that those before say nothing.
    """
    link = "；" if lang == "zh" else "; "
    compared = [_comparisons(rule, table) for rule in rules]
    sentences = []
    for i, index in enumerate(found):
        asked = range(len(rules) if index < 0 else index)
        parts = [] if exclusive else [_why_not(n, compared[n], i, lang) for n in asked]
        if index >= 0:
            held = LINKS[lang].join(one.text(i, lang) for one in compared[index])
            parts.append(HOLDS[lang].format(n=index + 1, parts=held or EVERYBODY[lang]))
        sentences.append(link.join(parts))
    return sentences


class _Comparison(NamedTuple):
    """One comparison of a rule, and for which customers it holds."""

    column: str
    key: str
    bound: Any
    values: Floats
    holds: NDArray[np.bool_]

    def text(self, i: int, lang: str) -> str:
        """Return a customer's value beside what it is compared with: ``spend 500 (≥ 100)``."""
        value, key, name = float(self.values[i]), self.key, column_label(self.column, lang)
        true = key if self.holds[i] else OPPOSITE[key]
        if key in SETS:
            shown, wanted = _one(value, lang), _wanted(true, self.bound, lang)
        elif np.isnan(value):
            shown, wanted = _one(value, lang), WANTED[lang].format(_wanted(key, self.bound, lang))
        else:
            shown, limit = apart(value, float(self.bound))
            wanted = f"{SIGNS[true]} {limit}"
        return f"{name} {shown}" if shown == wanted else f"{name} {shown}{BRACKETS[lang].format(wanted)}"


def _comparisons(rule: TierRule, table: Table) -> list[_Comparison]:
    return [
        _Comparison(
            column, key, bound, table[column], Condition.model_validate({key: bound}).holds(table[column])
        )
        for column, condition in rule.when.items()
        for key, bound in condition.items()
    ]


def _why_not(position: int, compared: Sequence[_Comparison], i: int, lang: str) -> str:
    """Return the first comparison of a rule that fails for a customer."""
    failed = next(one for one in compared if not one.holds[i])
    return FAILS[lang].format(n=position + 1, parts=failed.text(i, lang))


def _wanted(key: str, bound: Any, lang: str) -> str:
    if key not in SETS:
        return f"{SIGNS[key]} {_in_full(float(bound))}"
    if list(bound) == [None]:
        return (MISSING if key == "in" else KNOWN)[lang]
    if len(bound) == 1:
        return f"{'=' if key == 'in' else '≠'} {_in_full(float(bound[0]))}"
    values = LINKS[lang].join(_one(value, lang) for value in bound)
    return AMONG[key, lang].format(values=values)


def _in_full(bound: float) -> str:
    """Return a bound as people write it, with all digits that it has."""
    text = number(bound)
    return text if float(text.replace(",", "")) == bound else f"{bound:,}"


def _one(value: float | None, lang: str) -> str:
    return MISSING[lang] if value is None or np.isnan(value) else number(float(value))
