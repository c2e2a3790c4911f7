"""Tiers of a loyalty programme: points or spend in the window, lines, and what is missing to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np

from valuetier._core.compress import significant
from valuetier._validate import Floats
from valuetier.base import Assessment, BaseSegmenter, Names
from valuetier.cuts import Cut, ShareCut, ThresholdCut, new_cut
from valuetier.errors import InvalidParameterError
from valuetier.explain.levers import Lever
from valuetier.words import column_label, number, say, threshold_sentence

TIERS = (("Diamond", "钻石"), ("Platinum", "铂金"), ("Gold", "金卡"), ("Standard", "普通"))
SHARES = (0.01, 0.04, 0.15, 0.80)

# By what the column's name says that it holds.
NEXT: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "points": {"en": "; {missing} points to {tier}", "zh": "；再积 {missing} 分升为{tier}"},
        "spend": {"en": "; {missing} more spend to {tier}", "zh": "；再消费 {missing} 升为{tier}"},
        "": {"en": "; {missing} more to {tier}", "zh": "；再增加 {missing} 升为{tier}"},
    }
)
BEST = {"en": "; the best tier", "zh": "；已是最高层级"}


class LoyaltySegmenter(BaseSegmenter):
    """Tiers of a loyalty programme, and how far each customer is from the next one.

    A customer's points or spend in the qualification window are compared with the lines of the
    tiers: Diamond, Platinum, Gold and Standard (钻石、铂金、金卡、普通).

    Parameters
    ----------
    value : str
        Column that qualifies: ``"qualifying_points"`` or ``"qualifying_spend"`` as
        :meth:`LoyaltyProgramme.balances` makes them, or spend; larger is better.
    thresholds : (3,) sequence of float, optional
        What Diamond, Platinum and Gold need at least, in the unit of the column: the lines
        that members are told. Default: learned, so that 1, 4, 15 and 80 % of the customers
        are in the four tiers.
    cut : Cut, optional
        Other tiers or other lines, with their names, instead.
    allow_protected : sequence of str
        Columns to use although they tell of age, sex, origin, health and the like; refused otherwise.

    Attributes
    ----------
    cut_ : Cut
        With thresholds in the unit of the column.

    See Also
    --------
    valuetier.LoyaltyProgramme : what earns points, how they expire, and what counts in the window.

    Examples
    --------
    >>> import pandas as pd
    >>> members = pd.DataFrame({"qualifying_points": [12000, 3750, 900, 4999]})
    >>> loyalty = LoyaltySegmenter(value="qualifying_points", thresholds=(10000, 5000, 1000)).fit(members)
    >>> loyalty.assign(members).to_frame()["tier"].tolist()
    ['Diamond', 'Gold', 'Standard', 'Gold']
    >>> loyalty.explain(members)["reason"][1]
    'qualifying_points 3,750 (≥ 1,000, < 5,000) → Gold; 1,250 points to Platinum'
    """

    kind: ClassVar[str] = "loyalty"

    def __init__(
        self,
        *,
        value: str = "spend",
        thresholds: Sequence[float] | None = None,
        cut: Cut | None = None,
        allow_protected: Sequence[str] = (),
    ) -> None:
        self.value = value
        self.thresholds = thresholds
        self.cut = cut
        self.allow_protected = allow_protected

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the lines from the customers, or take those that are given; return the segmenter."""
        cut = self._new_cut()
        columns, width = self._read_to_fit(X)
        self.cut_ = cut.fit(columns[:, 0], name=self.value)
        self.n_features_in_ = width
        return self

    def _new_cut(self) -> Cut:
        if self.thresholds is None:
            return new_cut(self.cut, ShareCut(SHARES, names=TIERS))
        if self.cut is not None:
            raise InvalidParameterError("thresholds and cut both draw the lines. Leave one of them out.")
        cut = ThresholdCut(self.thresholds)
        if len(cut.tier_names()) != len(TIERS):
            raise InvalidParameterError(
                f"thresholds must be {len(TIERS) - 1}, for {', '.join(en for en, _ in TIERS[:-1])}, got "
                f"{self.thresholds!r}. For other tiers pass cut=ThresholdCut(thresholds, names=...)."
            )
        return ThresholdCut(self.thresholds, names=TIERS)

    def _columns(self) -> tuple[str, ...]:
        return (self.value,)

    def _assess(self, columns: Floats) -> Assessment:
        values = columns[:, 0]
        codes = self.cut_.apply(values)
        # Above the best tier there is no line, and below the last one none that could be lost.
        lines = np.concatenate([[np.nan], self.cut_.thresholds_, [np.nan]])
        missing = np.nan_to_num(significant(lines[codes] - values))
        above = np.nan_to_num(significant(values - lines[codes + 1]))
        evidence = {self.value: values, "to_next_tier": missing, "above_own_line": above}
        return Assessment(codes, values, evidence)

    def _evidence_names(self) -> tuple[str, ...]:
        return (self.value, "to_next_tier", "above_own_line")

    def _tier_names(self) -> Names:
        return self._new_cut().tier_names()

    def _levers(self, columns: Floats, found: Assessment) -> Mapping[str, Lever]:
        return {self.value: Lever(self.cut_.thresholds_)}

    def _reasons(self, columns: Floats, found: Assessment, lang: str) -> list[str]:
        tiers = self.get_tier_names_out(lang)
        lines = self.cut_.thresholds_
        start = column_label(self.value, lang) + ("：" if lang == "zh" else " ")
        texts = next(text for word, text in NEXT.items() if word in self.value)
        sentences = []
        for value, missing, code in zip(
            found.scores, found.evidence["to_next_tier"], found.codes, strict=True
        ):
            sentence = start + threshold_sentence(value, code, lines, tiers[code], lang)
            if code:  # of tiers that share a line, the best one is reached
                reached = int(np.flatnonzero(lines == lines[code - 1])[0])
                sentence += say(texts, lang, missing=number(missing), tier=tiers[reached])
            sentences.append(sentence if code else sentence + BEST[lang])
        return sentences
