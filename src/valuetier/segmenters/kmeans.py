"""k-means: groups of similar customers, ordered by value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

from sklearn.utils.validation import check_is_fitted

from valuetier import _validate as validate
from valuetier._core.nearest import nearest_centre
from valuetier._validate import Floats
from valuetier.base import Assessment, Names
from valuetier.errors import InvalidDataError
from valuetier.segmenters.cluster_quality import (
    ClusterQuality,
    assess_numbers,
    choose_number,
    fit_centres,
)
from valuetier.segmenters.clusters import ClusterTiers, best_first, centre_distances
from valuetier.tiers import level_names

CANDIDATES = range(2, 9)


class KMeansSegmenter(ClusterTiers):
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
    allow_protected : sequence of str
        Columns to use although they tell of age, sex, origin, health and the like; refused otherwise.

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
        allow_protected: Sequence[str] = (),
    ) -> None:
        self.features = features
        self.n_tiers = n_tiers
        self.order_by = order_by
        self.random_state = random_state
        self.allow_protected = allow_protected

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn scaling and centres from the customers; return the segmenter."""
        if self.n_tiers != "auto":
            validate.whole_number('n_tiers (or "auto")', self.n_tiers, 2)
        read = self._read_scaled(X)
        rows = read.rows
        n_tiers, report = self._number(rows.rows, rows.weights)
        centres = fit_centres(rows.rows, rows.weights, n_tiers, self.random_state)
        order, values = best_first(nearest_centre(rows.rows, centres)[rows.inverse], read.value, centres)
        self.centres_, self.tier_values_ = centres[order], values
        self.report_ = report
        self._keep_scaling(read)
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

    def _assess(self, columns: Floats) -> Assessment:
        scaled = self._scaling().scale(columns)
        codes = nearest_centre(scaled, self.centres_)
        return Assessment(codes, self.tier_values_[codes], centre_distances(scaled, self.centres_))

    def _evidence_names(self) -> tuple[str, ...]:
        return tuple(f"distance_to_tier_{code}" for code in range(len(self.centres_)))

    def _tier_names(self) -> Names:
        if hasattr(self, "centres_"):
            return level_names(len(self.centres_))
        if self.n_tiers == "auto":
            check_is_fitted(self)
        return level_names(int(self.n_tiers))
