"""What segmenters by clusters share: scaled features, tiers in the order of value, reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from valuetier._core.compress import Distinct, distinct_rows, significant
from valuetier._core.cuts import Codes
from valuetier._core.envelope import highest_turns
from valuetier._validate import Floats
from valuetier.base import Assessment, BaseSegmenter
from valuetier.errors import InvalidParameterError
from valuetier.explain.levers import NONE, Lever
from valuetier.segmenters.clusterers import Clusters
from valuetier.segmenters.scaling import Scaling, learn_scaling
from valuetier.tables import column_list
from valuetier.words import apart, column_label, number, say

NEAREST = {
    "en": "nearest to the centre of {tier} (distance {near}, next {other} {far}): {parts}",
    "zh": "最接近“{tier}”的中心（距离 {near}，其次“{other}” {far}）：{parts}",
}
LIKELIEST = {
    "en": "most likely {tier} (probability {near} %, next {other} {far} %): {parts}",
    "zh": "最可能属于“{tier}”（概率 {near} %，其次“{other}” {far} %）：{parts}",
}
PARTS = {"en": "{name} {value} (centre {centre})", "zh": "{name} {value}（中心 {centre}）"}


class Read(NamedTuple):
    """Customers to learn clusters from: distinct scaled rows, the value that orders, the table's width."""

    rows: Distinct
    value: Floats
    scaling: Scaling
    width: int


class ClusterTiers(BaseSegmenter):
    """Base of the segmenters by clusters: the tier of a cluster is the rank of its mean value."""

    features: Sequence[str]
    order_by: str
    centres_: Floats
    tier_values_: Floats
    log_: tuple[bool, ...]
    median_: Floats
    spread_: Floats

    def _columns(self) -> tuple[str, ...]:
        names = column_list("features", self.features)
        if not names:
            raise InvalidParameterError("features must name at least one column, got ().")
        return names

    def _read_scaled(self, X: Any) -> Read:
        """Return the features of the customers in ``X``, scaled by what is learned from them."""
        names = self._columns()
        also = () if self.order_by in names else (self.order_by,)
        read, width = self._read_to_fit(X, also)
        columns = read[:, : len(names)]
        scaling = learn_scaling(columns, names)
        rows = distinct_rows(*scaling.scale(columns).T)
        return Read(rows, read[:, [*names, *also].index(self.order_by)], scaling, width)

    def _scaling(self) -> Scaling:
        return Scaling(self.log_, self.median_, self.spread_)

    def _keep_scaling(self, read: Read) -> None:
        self.log_, self.median_, self.spread_ = read.scaling
        self.n_features_in_ = read.width

    def _codes(self, columns: Floats) -> Codes:
        return self._clusters().assign(self._scaling().scale(columns))

    def _clusters(self) -> Clusters:
        """Return where the clusters are, in the order of the tiers."""
        return Clusters(self.centres_)

    def _levers(self, columns: Floats, found: Assessment) -> Mapping[str, Lever]:
        """Return the features: along each, a customer comes from one cluster to the next."""
        scaling = self._scaling()
        scaled = scaling.scale(columns)
        levers = {}
        for j, name in enumerate(self.features):
            turns = highest_turns(*self._clusters().parabolas(scaled, j)) * self.spread_[j] + self.median_[j]
            if self.log_[j]:
                turns = np.where(turns >= 0, np.expm1(np.maximum(turns, 0.0)), np.nan)
            levers[name] = Lever(NONE, turns)
        return levers

    def _reasons(self, columns: Floats, found: Assessment, lang: str) -> list[str]:
        tiers = self.get_tier_names_out(lang)
        centres = self._scaling().unscale(self.centres_)
        labels = [column_label(name, lang) for name in self.features]
        link = "；" if lang == "zh" else "; "
        evidence = np.column_stack([found.evidence[name] for name in self._evidence_names()])
        likely = self._evidence_names()[0].startswith("probability")
        nearness, texts = (-100.0 * evidence, LIKELIEST) if likely else (evidence, NEAREST)
        sentences = []
        for row, code, away in zip(columns, found.codes, nearness, strict=True):
            parts = link.join(
                say(PARTS, lang, name=label, value=number(value), centre=_rounded(centre))
                for label, value, centre in zip(labels, row, centres[code], strict=True)
            )
            other = next(tier for tier in np.argsort(away, kind="stable") if tier != code)
            near, far = apart(abs(away[code]), abs(away[other]), write=_rounded)
            sentences.append(
                say(texts, lang, tier=tiers[code], near=near, other=tiers[other], far=far, parts=parts)
            )
        return sentences


def best_first(codes: Codes, value: Floats, centres: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Return the order of the clusters by mean value, the highest first, and all means in that order."""
    order = np.lexsort((value, codes))
    total = np.bincount(codes[order], weights=value[order], minlength=len(centres))
    means = significant(total / np.bincount(codes, minlength=len(centres)))
    ranked = np.lexsort((*centres.T[::-1], -means))
    return ranked, means[ranked]


def centre_distances(rows: Floats, centres: Floats) -> dict[str, Floats]:
    """Return the distances of scaled rows to the centres, by name of the evidence."""
    return {
        f"distance_to_tier_{code}": np.sqrt(
            sum((column - middle) ** 2 for column, middle in zip(rows.T, centre, strict=True))
        )
        for code, centre in enumerate(centres)
    }


def _rounded(value: float) -> str:
    return number(float(f"{value:.3g}"))
