"""k-means: groups of similar customers, ordered by value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from scipy.stats import skew
from sklearn.utils.validation import check_is_fitted

from valuetier import _validate as validate
from valuetier._core.compress import distinct_rows, significant
from valuetier._core.nearest import nearest_centre
from valuetier._validate import Floats
from valuetier.base import Assessment, BaseSegmenter, Names
from valuetier.errors import InvalidDataError, InvalidParameterError
from valuetier.segmenters.cluster_quality import (
    ClusterQuality,
    assess_numbers,
    choose_number,
    fit_centres,
)
from valuetier.segmenters.words import apart, column_label, number, say
from valuetier.tables import column_list
from valuetier.tiers import level_names

CANDIDATES = range(2, 9)
SKEWED = 1.0

TEXTS = {
    "en": "nearest to the centre of {tier} (distance {near}, next {other} {far}): {parts}",
    "zh": "最接近“{tier}”的中心（距离 {near}，其次“{other}” {far}）：{parts}",
}
PARTS = {"en": "{name} {value} (centre {centre})", "zh": "{name} {value}（中心 {centre}）"}


class KMeansSegmenter(BaseSegmenter):
    """Tiers from k-means clusters; tier 0 is the cluster with the highest mean value.

    Skewed features (skewness above 1, none negative) are taken as log(1 + value); each
    feature is then centred at its median and divided by its interquartile range (by its
    standard deviation where that range is 0). Only the centres are kept. The result does
    not depend on the order of the rows.

    Parameters
    ----------
    features : sequence of str
        Columns to cluster by.
    n_tiers : int or "auto"
        Number of clusters; ``"auto"`` chooses from 2 to 8 by several indices (``report_``).
    order_by : str
        Column whose mean orders the clusters; needed when fitting.
    random_state : int
        Seed of the starting centres.

    Attributes
    ----------
    centres_ : (n_tiers, n_features) array
        In scaled units, best tier first.
    tier_values_ : (n_tiers,) array
        Mean of ``order_by`` per tier when fitted.
    log_ : tuple of bool
        Features taken as log(1 + value).
    median_, spread_ : (n_features,) arrays
    report_ : tuple of ClusterQuality
        For ``"auto"``: every number tried. Empty otherwise.

    Examples
    --------
    >>> import pandas as pd
    >>> customers = pd.DataFrame({"recency_days": [2, 3, 90, 99], "orders": [9, 8, 1, 2], "spend": [90, 80, 5, 9]})
    >>> KMeansSegmenter(n_tiers=2).fit_predict(customers).tolist()
    [0, 0, 1, 1]
    """

    kind: ClassVar[str] = "kmeans"

    def __init__(
        self,
        *,
        features: Sequence[str] = ("recency_days", "orders", "spend"),
        n_tiers: int | str = 4,
        order_by: str = "spend",
        random_state: int = 0,
    ) -> None:
        self.features = features
        self.n_tiers = n_tiers
        self.order_by = order_by
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn scaling and centres from the customers; return the segmenter."""
        if self.n_tiers != "auto":
            validate.whole_number('n_tiers (or "auto")', self.n_tiers, 2)
        also = () if self.order_by in self._columns() else (self.order_by,)
        read, width = self._read_to_fit(X, also)
        columns = read[:, : len(self.features)]
        value = read[:, [*self._columns(), *also].index(self.order_by)]
        log = tuple(bool(_is_skewed(column)) for column in columns.T)
        logged = _logged(columns, log)
        median = np.median(logged, axis=0)
        spread = _spreads(logged, self._columns())
        rows = distinct_rows(*((logged - median) / spread).T)
        n_tiers, report = self._number(rows.rows, rows.weights)
        centres = fit_centres(rows.rows, rows.weights, n_tiers, self.random_state)
        values = self._mean_values(nearest_centre(rows.rows, centres)[rows.inverse], value, n_tiers)
        order = np.lexsort((*centres.T[::-1], -values))
        self.centres_, self.tier_values_ = centres[order], values[order]
        self.log_, self.median_, self.spread_ = log, median, spread
        self.report_ = report
        self.n_features_in_ = width
        return self

    def _number(self, rows: Floats, weights: Floats) -> tuple[int, tuple[ClusterQuality, ...]]:
        n_tiers = self.n_tiers
        report: tuple[ClusterQuality, ...] = ()
        if n_tiers == "auto":
            report = assess_numbers(rows, weights, CANDIDATES, self.random_state)
            n_tiers = choose_number(report) if report else 2
        if len(rows) < int(n_tiers):
            raise InvalidDataError(
                f"{list(self.features)}: {len(rows)} different customers cannot make {n_tiers} clusters "
                f"(n_samples = {int(weights.sum())}). Ask for fewer tiers."
            )
        return int(n_tiers), report

    def _mean_values(self, codes: np.ndarray, value: Floats, n_tiers: int) -> Floats:
        order = np.lexsort((value, codes))
        total = np.bincount(codes[order], weights=value[order], minlength=n_tiers)
        return significant(total / np.bincount(codes, minlength=n_tiers))

    def _columns(self) -> tuple[str, ...]:
        names = column_list("features", self.features)
        if not names:
            raise InvalidParameterError("features must name at least one column, got ().")
        return names

    def _assess(self, columns: Floats) -> Assessment:
        scaled = (_logged(columns, self.log_) - self.median_) / self.spread_
        distances = {
            name: np.sqrt(
                sum((column - middle) ** 2 for column, middle in zip(scaled.T, centre, strict=True))
            )
            for name, centre in zip(self._evidence_names(), self.centres_, strict=True)
        }
        codes = nearest_centre(scaled, self.centres_)
        return Assessment(codes, self.tier_values_[codes], distances)

    def _evidence_names(self) -> tuple[str, ...]:
        return tuple(f"distance_to_tier_{code}" for code in range(len(self.centres_)))

    def _tier_names(self) -> Names:
        if hasattr(self, "centres_"):
            return level_names(len(self.centres_))
        if self.n_tiers == "auto":
            check_is_fitted(self)
        return level_names(int(self.n_tiers))

    def _reasons(self, columns: Floats, found: Assessment, lang: str) -> list[str]:
        tiers = self.get_tier_names_out(lang)
        centres = self.centres_ * self.spread_ + self.median_
        centres = np.where(self.log_, np.expm1(centres), centres)
        labels = [column_label(name, lang) for name in self.features]
        link = "；" if lang == "zh" else "; "
        distances = np.column_stack([found.evidence[name] for name in self._evidence_names()])
        sentences = []
        for row, code, away in zip(columns, found.codes, distances, strict=True):
            parts = link.join(
                say(PARTS, lang, name=label, value=number(value), centre=_rounded(centre))
                for label, value, centre in zip(labels, row, centres[code], strict=True)
            )
            other = next(tier for tier in np.argsort(away, kind="stable") if tier != code)
            near, far = apart(away[code], away[other], write=_rounded)
            sentences.append(
                say(TEXTS, lang, tier=tiers[code], near=near, other=tiers[other], far=far, parts=parts)
            )
        return sentences


def _rounded(value: float) -> str:
    return number(float(f"{value:.3g}"))


def _is_skewed(column: Floats) -> bool:
    return column.min() >= 0 and column.min() < column.max() and skew(np.sort(column)) > SKEWED


def _logged(columns: Floats, log: Sequence[bool]) -> Floats:
    """Return log(1 + value) where asked for; a negative value of a new customer counts as 0."""
    logged = columns.copy()
    for j, use in enumerate(log):
        if use:
            logged[:, j] = np.log1p(np.maximum(columns[:, j], 0.0))
    return logged


def _spreads(logged: Floats, names: Sequence[str]) -> Floats:
    """Return the interquartile range of each column, or its standard deviation where that is 0."""
    ordered = np.sort(logged, axis=0)
    quartiles = np.percentile(ordered, (25, 75), axis=0)
    spread = quartiles[1] - quartiles[0]
    spread = np.where(spread > 0, spread, ordered.std(axis=0))
    constant = [name for name, one in zip(names, ordered.T, strict=True) if one[0] == one[-1]]
    if constant:
        raise InvalidDataError(
            f"{constant}: all {len(logged)} values are equal, so they part no customers "
            f"(n_samples = {len(logged)}). Leave the feature out."
        )
    return significant(spread)
