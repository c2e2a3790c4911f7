"""Tiers from any clusterer of scikit-learn, ordered by value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # has no stubs

from valuetier import _validate as validate
from valuetier._core.compress import significant
from valuetier._core.cuts import Codes
from valuetier._validate import Floats
from valuetier.base import Assessment, Names
from valuetier.errors import InvalidDataError
from valuetier.segmenters.cluster_quality import ClusterQuality, judge, sampled
from valuetier.segmenters.clusterers import Clusters, find_clusters, new_clusterer
from valuetier.segmenters.clusters import ClusterTiers, best_first, centre_distances
from valuetier.tiers import level_names


class ClusterSegmenter(ClusterTiers):
    """Tiers from the clusters of any scikit-learn clusterer; tier 0 has the highest mean value.

    Features are logged and scaled as in :class:`KMeansSegmenter`. Of the clusterer only what
    places a customer is kept, and it places everyone, those learned from included:

    - a Gaussian mixture (``GaussianMixture``, ``BayesianGaussianMixture``): weights, means and
      covariances; a customer goes to the likeliest component.
    - one with centres (``KMeans``, ``MiniBatchKMeans``, ``BisectingKMeans``, ``MeanShift``, …):
      the centres; a customer goes to the nearest.
    - one with labels only (``AgglomerativeClustering``, ``DBSCAN``, ``HDBSCAN``, ``Birch``, …): the mean of
      each cluster; a customer goes to the nearest.

    ``agreement_`` says how far this is what the clusterer itself said. Customers that it calls
    noise shape no cluster; like new ones they go to the nearest, and ``noise_share_`` counts them.

    Parameters
    ----------
    estimator : clusterer, optional
        Unfitted; it is copied. Default: a Gaussian mixture of four components.
    features : sequence of str
        Columns to cluster by.
    order_by : str
        Column whose mean orders the clusters; needed when fitting.
    sample_size : int, optional
        Find the clusters among so many customers, drawn by ``random_state``: for
        clusterers that compare all pairs. Default: among all.
    random_state : int
        Seed of the sample, of the report, and of the clusterer where it has none of its own.
    allow_protected : sequence of str
        Columns to use although they tell of age, sex, origin, health and the like; refused otherwise.

    Attributes
    ----------
    clusters_ : Clusters
        Centres, and weights and covariances of a mixture, in scaled units; best tier first.
    centres_ : (n_tiers, n_features) array
    tier_values_ : (n_tiers,) array
        Mean of ``order_by`` per tier when fitted.
    log_ : tuple of bool
        Features taken as log(1 + value).
    median_, spread_ : (n_features,) arrays
    agreement_ : float
        Share of the customers in clusters who are placed as the clusterer placed them.
    noise_share_ : float
        Share of the customers whom the clusterer put into no cluster.
    report_ : tuple of ClusterQuality
        Silhouette, other indices and bootstrap stability, as :class:`KMeansSegmenter` reports
        them; empty where there are too few different customers to compute them.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.cluster import AgglomerativeClustering
    >>> customers = pd.DataFrame({"recency_days": [2, 3, 90, 99], "orders": [9, 8, 1, 2], "spend": [90, 80, 5, 9]})
    >>> clusters = ClusterSegmenter(estimator=AgglomerativeClustering(2)).fit(customers)
    >>> clusters.predict(customers).tolist(), clusters.agreement_
    ([0, 0, 1, 1], 1.0)
    """

    kind: ClassVar[str] = "cluster"

    def __init__(
        self,
        *,
        estimator: Any = None,
        features: Sequence[str] = ("recency_days", "orders", "spend"),
        order_by: str = "spend",
        sample_size: int | None = None,
        random_state: int = 0,
        allow_protected: Sequence[str] = (),
    ) -> None:
        self.estimator = estimator
        self.features = features
        self.order_by = order_by
        self.sample_size = sample_size
        self.random_state = random_state
        self.allow_protected = allow_protected

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn scaling and clusters from the customers; return the segmenter."""
        estimator = new_clusterer(self.estimator, self.random_state)
        if self.sample_size is not None:
            validate.whole_number("sample_size", self.sample_size, 2)
        read = self._read_scaled(X)
        rows, weights = read.rows.rows, read.rows.weights
        found = find_clusters(estimator, rows, weights, sample_size=self.sample_size, seed=self.random_state)
        codes = found.clusters.assign(rows)
        order, values = best_first(codes[read.rows.inverse], read.value, found.clusters.centres)
        clusters = found.clusters.take(order)
        report = self._judge(estimator, rows, weights, clusters)
        self.clusters_, self.centres_, self.tier_values_ = clusters, clusters.centres, values
        self.agreement_, self.noise_share_ = found.agreement, found.noise_share
        self.report_ = report
        self._keep_scaling(read)
        return self

    def _judge(
        self, estimator: Any, rows: Floats, weights: Floats, clusters: Clusters
    ) -> tuple[ClusterQuality, ...]:
        """Return the quality of the clusters, with the clusterer fitted anew to resampled customers."""
        rows, weights = sampled(rows, weights, self.random_state)
        codes = clusters.assign(rows)
        if not 2 <= len(np.unique(codes)) < len(rows):
            return ()

        def refit(there: Floats, drawn: Floats) -> Codes | None:
            try:
                return find_clusters(estimator, there, drawn).clusters.assign(rows)
            except InvalidDataError:
                return None

        with threadpool_limits(1):
            return (judge(rows, weights, codes, len(clusters), refit, self.random_state),)

    def _clusters(self) -> Clusters:
        return self.clusters_

    def _assess(self, columns: Floats) -> Assessment:
        scaled = self._scaling().scale(columns)
        codes = self.clusters_.assign(scaled)
        probabilities = self.clusters_.probabilities(scaled)
        if probabilities is None:
            return Assessment(codes, self.tier_values_[codes], centre_distances(scaled, self.centres_))
        evidence = dict(zip(self._evidence_names(), significant(probabilities).T, strict=True))
        return Assessment(codes, self.tier_values_[codes], evidence)

    def _evidence_names(self) -> tuple[str, ...]:
        what = "distance_to" if self.clusters_.weights is None else "probability_of"
        return tuple(f"{what}_tier_{code}" for code in range(len(self.clusters_)))

    def _tier_names(self) -> Names:
        check_is_fitted(self)
        return level_names(len(self.clusters_))
