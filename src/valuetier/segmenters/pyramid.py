"""The customer pyramid: customers ranked by value and cut by shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np

from valuetier._validate import Floats
from valuetier.base import Assessment, BaseSegmenter, Names
from valuetier.cuts import Cut, ShareCut, ValueShareCut, new_cut
from valuetier.errors import InvalidDataError, require_choice
from valuetier.explain.levers import Lever
from valuetier.words import column_label, number, threshold_sentence

NO_VALUE = ("No value", "无价值客户")

PRESETS: Mapping[str, Cut] = MappingProxyType(
    {
        "textbook": ShareCut(
            (0.01, 0.19, 0.30, 0.50),
            names=(
                ("Vital", "重要客户"),
                ("Major", "次要客户"),
                ("Ordinary", "普通客户"),
                ("Small", "小客户"),
            ),
        ),
        "zeithaml": ShareCut(
            (0.20, 0.30, 0.30, 0.20),
            names=(
                ("Platinum", "铂金客户"),
                ("Gold", "黄金客户"),
                ("Iron", "铁质客户"),
                ("Lead", "铅质客户"),
            ),
        ),
        "curry": ShareCut(
            (0.01, 0.04, 0.15, 0.80),
            names=(
                ("Top", "顶级客户"),
                ("Large", "大客户"),
                ("Medium", "中客户"),
                ("Small", "小客户"),
            ),
        ),
        "abc": ValueShareCut(
            (0.80, 0.15, 0.05), names=(("A", "A 类客户"), ("B", "B 类客户"), ("C", "C 类客户"))
        ),
        "hml": ShareCut(
            (0.20, 0.30, 0.50),
            names=(("High", "高价值"), ("Medium", "中价值"), ("Low", "低价值")),
        ),
    }
)


class PyramidSegmenter(BaseSegmenter):
    """Tiers by rank in one value column, cut by share of customers or of value.

    Customers whose value is zero or negative are taken out first and get the last tier,
    "No value", which is always there.

    Parameters
    ----------
    value : str
        Column to rank by: spend, profit, lifetime value …; larger is better.
    preset : str
        ``"textbook"`` 1/19/30/50 % of customers · ``"zeithaml"`` 20/30/30/20 (meant for
        profit, not sales) · ``"curry"`` 1/4/15/80 · ``"hml"`` 20/30/50 · ``"abc"`` 80/15/5 %
        of cumulative **value**.
    cut : Cut, optional
        Instead of a preset.
    allow_protected : sequence of str
        Columns to use although they tell of age, sex, origin, health and the like; refused otherwise.

    Attributes
    ----------
    cut_ : Cut
        With thresholds in the unit of the value column.
    n_without_value_ : int
        Customers at or below zero when fitted.

    See Also
    --------
    valuetier.evaluate.concentration : Lorenz curve, Gini, top shares and whale curve.

    Examples
    --------
    >>> import pandas as pd
    >>> customers = pd.DataFrame({"spend": [900, 500, 80, 60, 40, 30, 20, 10, 5, 0]})
    >>> pyramid = PyramidSegmenter(preset="abc").fit(customers)
    >>> pyramid.predict(customers).tolist()
    [0, 0, 1, 1, 1, 2, 2, 2, 2, 3]
    >>> pyramid.get_tier_names_out("zh")
    ['A 类客户', 'B 类客户', 'C 类客户', '无价值客户']
    """

    kind: ClassVar[str] = "pyramid"

    def __init__(
        self,
        *,
        value: str = "spend",
        preset: str = "textbook",
        cut: Cut | None = None,
        allow_protected: Sequence[str] = (),
    ) -> None:
        self.value = value
        self.preset = preset
        self.cut = cut
        self.allow_protected = allow_protected

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the thresholds from the customers with positive value; return the segmenter."""
        cut = self._new_cut()
        columns, width = self._read_to_fit(X)
        values = columns[:, 0]
        positive = values[values > 0]
        if not len(positive):
            raise InvalidDataError(
                f"{self.value}: none of {len(values)} customers has a value above 0, so there is nothing "
                "to rank. Rank by another column."
            )
        self.cut_ = cut.fit(positive, name=self.value)
        self.n_without_value_ = int(len(values) - len(positive))
        self.n_features_in_ = width
        return self

    def _new_cut(self) -> Cut:
        if self.cut is None:
            require_choice("preset", self.preset, PRESETS)
        return new_cut(self.cut, PRESETS.get(self.preset))

    def _columns(self) -> tuple[str, ...]:
        return (self.value,)

    def _assess(self, columns: Floats) -> Assessment:
        values = columns[:, 0]
        last = len(self.cut_.tier_names())
        codes = np.where(values > 0, self.cut_.apply(values), last)
        return Assessment(codes, values, {self.value: values})

    def _evidence_names(self) -> tuple[str, ...]:
        return (self.value,)

    def _tier_names(self) -> Names:
        return (*self._new_cut().tier_names(), NO_VALUE)

    def _levers(self, columns: Floats, found: Assessment) -> Mapping[str, Lever]:
        return {self.value: Lever(np.append(self.cut_.thresholds_, 0.0))}

    def _reasons(self, columns: Floats, found: Assessment, lang: str) -> list[str]:
        tiers = self.get_tier_names_out(lang)
        label = column_label(self.value, lang)
        stop = "：" if lang == "zh" else " "
        return [
            f"{label}{stop}{number(value)} (≤ 0) → {tiers[code]}"
            if value <= 0
            else label + stop + threshold_sentence(value, code, self.cut_.thresholds_, tiers[code], lang)
            for value, code in zip(found.scores, found.codes, strict=True)
        ]
