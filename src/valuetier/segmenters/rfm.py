"""RFM: recency, frequency and monetary value, scored, combined and named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from valuetier import _validate as validate
from valuetier._core.compress import significant
from valuetier._core.matrix import weighted_share
from valuetier._validate import Floats
from valuetier.base import Assessment, BaseSegmenter, Names
from valuetier.cuts import Cut, ThresholdCut, new_cut
from valuetier.errors import InvalidParameterError, require_choice
from valuetier.explain.levers import Lever
from valuetier.segmenters.binning import (
    BINNINGS,
    TWO_WAY,
    fixed_edges,
    learn_edges,
    report_bins,
    score_columns,
)
from valuetier.segmenters.grids import GRIDS, segments_of
from valuetier.tables import column_list
from valuetier.words import column_label, number, threshold_sentence

SIGNS = np.array([-1.0, 1.0, 1.0])
LETTERS = ("R", "F", "M")


class RFMSegmenter(BaseSegmenter):
    """Tiers and segments from recency, frequency and monetary value.

    Each of the three is scored 1…``n_bins``, **the highest is the best** (the most
    recent, the most frequent, the largest spend). Equal values get equal scores. The
    weighted mean of the scores is cut into ordinal tiers; a grid names nominal segments.

    Parameters
    ----------
    n_bins : int
        Scores per feature, at least 2. ``mean`` and ``median`` always make 2.
    binning : str
        ``"quantile"``: each feature by itself into equal shares of customers ·
        ``"nested"``: R, then F within R, then M within F · ``"fixed"``: by ``edges`` ·
        ``"mean"``, ``"median"``: two-way split · ``"natural"``: natural breaks ·
        ``"value_share"``: equal shares of the total.
    weights : (3,) sequence of float
        Weights of R, F and M in the score.
    grid : str or None
        ``"eleven"`` (125 cells), ``"rf10"``, ``"r_fm11"``, ``"eight"`` (the Chinese eight
        groups; choose the split by ``binning="mean"``, ``"median"`` or ``"fixed"``), or None.
        Scores on another number of bins are read on the grid's own scale, ends on ends.
    cut : Cut, optional
        Cuts the score into tiers. Default: at 3/4, 1/2 and 1/4 of the scale (4, 3 and 2
        for five bins).
    features : (3,) sequence of str
        Columns for R (days since the last order, small is good), F and M.
    edges : mapping, optional
        For ``binning="fixed"``: per feature, the values from which a better score begins.
    allow_protected : sequence of str
        Columns to use although they tell of age, sex, origin, health and the like; refused otherwise.

    Attributes
    ----------
    edges_ : dict
        Edges of each feature in its own unit, best first. A larger-is-better value that
        reaches an edge has passed it; days pass an edge from below.
    n_bins_ : int
    bins_ : tuple of BinReport
        Bins asked for and bins in use.
    cut_ : Cut

    Examples
    --------
    >>> import pandas as pd
    >>> customers = pd.DataFrame(
    ...     {"recency_days": [3, 200, 40, 90], "orders": [9, 1, 3, 2], "spend": [900, 20, 300, 80]}
    ... )
    >>> rfm = RFMSegmenter(n_bins=4).fit(customers)
    >>> rfm.transform(customers)[:, :3].astype(int).tolist()
    [[4, 4, 4], [1, 1, 1], [3, 3, 3], [2, 2, 2]]
    >>> rfm.assign(customers).to_frame()["segment"].tolist()
    ['Champions', 'Lost', 'Loyal', 'Hibernating']
    """

    kind: ClassVar[str] = "rfm"

    def __init__(
        self,
        *,
        n_bins: int = 5,
        binning: str = "quantile",
        weights: Sequence[float] = (1, 1, 1),
        grid: str | None = "eleven",
        cut: Cut | None = None,
        features: Sequence[str] = ("recency_days", "orders", "spend"),
        edges: Mapping[str, Sequence[float]] | None = None,
        allow_protected: Sequence[str] = (),
    ) -> None:
        self.n_bins = n_bins
        self.binning = binning
        self.weights = weights
        self.grid = grid
        self.cut = cut
        self.features = features
        self.edges = edges
        self.allow_protected = allow_protected

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the edges of the scores and the cut of their mean; return the segmenter."""
        require_choice("binning", self.binning, BINNINGS)
        require_choice("grid", self.grid, [*GRIDS, None])
        n_bins = 2 if self.binning in TWO_WAY else validate.whole_number("n_bins", self.n_bins, 2)
        self._weights()
        columns, width = self._read_to_fit(X)
        if self.binning == "fixed":
            edges = fixed_edges(self.edges, self.features, SIGNS)
            n_bins = len(edges[self.features[0]]) + 1
        else:
            edges = learn_edges(columns, self.features, SIGNS, self.binning, n_bins)
        scores = score_columns(columns, self.features, SIGNS, edges, n_bins)
        self.cut_ = self._new_cut(n_bins).fit(self._combined(scores), name="rfm_score")
        self.edges_ = edges
        self.n_bins_ = n_bins
        self.bins_ = report_bins(self.features, scores, n_bins)
        self.n_features_in_ = width
        return self

    def _new_cut(self, n_bins: int) -> Cut:
        default = ThresholdCut(tuple(1.0 + (n_bins - 1) * share for share in (0.75, 0.5, 0.25)))
        return new_cut(self.cut, default)

    def _weights(self) -> Floats:
        try:
            weights = np.asarray(self.weights, dtype=np.float64)
        except (TypeError, ValueError):
            weights = np.empty(0)
        if weights.shape != (3,) or not (weights >= 0).all() or not 0 < weights.sum() < np.inf:
            raise InvalidParameterError(
                f"weights must be three numbers ≥ 0 for R, F and M, not all 0, got {self.weights!r}."
            )
        return weights

    def _combined(self, scores: Floats | np.ndarray) -> Floats:
        return significant(weighted_share(scores.astype(np.float64), self._weights()))

    def _columns(self) -> tuple[str, ...]:
        names = column_list("features", self.features)
        if len(names) != 3:
            raise InvalidParameterError(
                f"features must be three columns, for R, F and M, got {self.features!r}."
            )
        return names

    def _assess(self, columns: Floats) -> Assessment:
        scores = score_columns(columns, self.features, SIGNS, self.edges_, self.n_bins_)
        combined = self._combined(scores)
        named = dict(zip(self._evidence_names(), [*scores.T.astype(np.float64), combined], strict=True))
        segments = None if self.grid is None else segments_of(self.grid, scores, self.n_bins_)
        return Assessment(self.cut_.apply(combined), combined, named, segments)

    def _evidence_names(self) -> tuple[str, ...]:
        return ("r_score", "f_score", "m_score", "rfm_score")

    def _tier_names(self) -> Names:
        return (self.cut_ if hasattr(self, "cut_") else self._new_cut(5)).tier_names()

    def _segment_names(self) -> Names:
        return () if self.grid is None else tuple(GRIDS[self.grid].cells)

    def _levers(self, columns: Floats, found: Assessment) -> Mapping[str, Lever]:
        return {name: Lever(np.ravel(self.edges_[name])) for name in self.features}

    def _points(self, columns: Floats, found: Assessment) -> dict[str, Floats]:
        return {
            name: found.evidence[score]
            for name, score in zip(self.features, self._evidence_names(), strict=False)
        }

    def _score_lines(self) -> Floats:
        return np.asarray(self.cut_.thresholds_)

    def _reasons(self, columns: Floats, found: Assessment, lang: str) -> list[str]:
        tiers = self.get_tier_names_out(lang)
        labels = [column_label(name, lang) for name in self.features]
        scores = np.column_stack([found.evidence[name] for name in self._evidence_names()[:3]])
        link, stop = ("；", "：") if lang == "zh" else ("; ", " ")
        sentences = []
        for row, three, code, score in zip(columns, scores, found.codes, found.scores, strict=True):
            parts = [
                f"{label}{stop}{number(value)} → {letter} {number(points)}/{self.n_bins_}"
                for label, value, letter, points in zip(labels, row, LETTERS, three, strict=True)
            ]
            parts.append("RFM " + threshold_sentence(score, code, self.cut_.thresholds_, tiers[code], lang))
            sentences.append(link.join(parts))
        return sentences
