"""How many clusters, and whether they can be trusted: several numbers, never one alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata
from sklearn.cluster import KMeans
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # has no stubs

from valuetier._core.agreement import DOUBTFUL, STABLE, contingency, jaccard
from valuetier._core.compress import significant
from valuetier._core.cuts import Codes
from valuetier._core.nearest import nearest_centre
from valuetier._validate import Floats
from valuetier.store import storable

SMALLEST_SHARE = 0.01
BOOTSTRAPS = 20
SAMPLE = 3_000

Refit = Callable[[Floats, Floats], Codes | None]


@storable
@dataclass(frozen=True, slots=True)
class ClusterQuality:
    """Quality of one number of clusters.

    Attributes
    ----------
    n_tiers : int
    silhouette : float
        -1 to 1, larger is better.
    davies_bouldin : float
        ≥ 0, smaller is better.
    calinski_harabasz : float
        Larger is better.
    smallest_share : float
        Share of customers in the smallest cluster.
    jaccard : float
        Mean bootstrap Jaccard similarity of the least stable cluster: from .75 stable,
        below .6 not to be trusted (Hennig 2007).
    """

    n_tiers: int
    silhouette: float
    davies_bouldin: float
    calinski_harabasz: float
    smallest_share: float
    jaccard: float


def fit_centres(rows: Floats, weights: Floats, n_clusters: int, seed: int) -> Floats:
    """Return the k-means centres of weighted distinct rows, rounded to 12 digits.

    Found on one thread: what several add up depends on how many there are.
    """
    with threadpool_limits(1, user_api="openmp"):
        found = KMeans(n_clusters, n_init=10, random_state=seed).fit(rows, sample_weight=weights)
    return significant(found.cluster_centers_)


def assess_numbers(
    rows: Floats, weights: Floats, numbers: Sequence[int], seed: int
) -> tuple[ClusterQuality, ...]:
    """Return the quality of each number of k-means clusters, on at most 3,000 distinct rows."""
    rows, weights = sampled(rows, weights, seed)
    with threadpool_limits(1, user_api="openmp"):
        return tuple(_assess(rows, weights, number, seed) for number in numbers if number < len(rows))


def sampled(rows: Floats, weights: Floats, seed: int) -> tuple[Floats, Floats]:
    """Return the rows and their weights, or 3,000 distinct ones drawn by weight if there are more."""
    if len(rows) <= SAMPLE:
        return rows, weights
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(len(rows), SAMPLE, replace=False, p=weights / weights.sum()))
    return rows[chosen], np.ones(SAMPLE)


def choose_number(qualities: Sequence[ClusterQuality]) -> int:
    """Return the number of clusters with the best mean rank of the three indices.

    Only stable ones with no tiny cluster compete, if there are any; else those not to be
    mistrusted; else all.
    """
    for least in (STABLE, DOUBTFUL, -1.0):
        fit = [
            q for q in qualities if q.jaccard >= least and (least < 0 or q.smallest_share >= SMALLEST_SHARE)
        ]
        if fit:
            break
    ranks = (
        rankdata([-q.silhouette for q in fit])
        + rankdata([q.davies_bouldin for q in fit])
        + rankdata([-q.calinski_harabasz for q in fit])
    )
    return fit[int(np.argmin(ranks))].n_tiers


def _assess(rows: Floats, weights: Floats, number: int, seed: int) -> ClusterQuality:
    def refit(there: Floats, drawn: Floats) -> Codes:
        found = KMeans(number, n_init=2, random_state=seed).fit(there, sample_weight=drawn)
        return nearest_centre(rows, found.cluster_centers_)

    codes = nearest_centre(rows, fit_centres(rows, weights, number, seed))
    return judge(rows, weights, codes, number, refit, seed)


def judge(
    rows: Floats, weights: Floats, codes: Codes, number: int, refit: Refit, seed: int
) -> ClusterQuality:
    """Return the quality of clusters that were found in weighted distinct rows.

    Parameters
    ----------
    codes : (n,) int array
        Cluster of each row, at least two of them in use.
    number : int
        Clusters there are.
    refit : function
        From resampled rows and weights to new codes for all ``rows``; None where it fails.
    """
    sizes = np.bincount(codes, weights=weights, minlength=number)
    return ClusterQuality(
        n_tiers=number,
        silhouette=float(silhouette_score(rows, codes)),
        davies_bouldin=float(davies_bouldin_score(rows, codes)),
        calinski_harabasz=float(calinski_harabasz_score(rows, codes)),
        smallest_share=float(sizes.min() / sizes.sum()),
        jaccard=_bootstrap_jaccard(rows, weights, codes, number, refit, seed),
    )


def _bootstrap_jaccard(
    rows: Floats, weights: Floats, codes: Codes, number: int, refit: Refit, seed: int
) -> float:
    """Return the lowest mean, over clusters, of the best Jaccard match in bootstrap refits."""
    rng = np.random.default_rng(seed)
    total = np.zeros(number)
    size = int(weights.sum())
    for _ in range(BOOTSTRAPS):
        drawn = rng.multinomial(size, weights / weights.sum()).astype(np.float64)
        there = drawn > 0
        again = refit(rows[there], drawn[there]) if np.count_nonzero(there) >= number else None
        if again is None:
            continue
        both = contingency(codes, again, weights, (number, int(again.max()) + 1))
        total += jaccard(both).max(axis=1)
    return float((total / BOOTSTRAPS).min())
