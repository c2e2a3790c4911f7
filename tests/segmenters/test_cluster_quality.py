"""The numbers that say how many clusters there are, and the choice among them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score

from valuetier._core.nearest import nearest_centre
from valuetier.segmenters.cluster_quality import (
    SAMPLE,
    ClusterQuality,
    assess_numbers,
    choose_number,
    fit_centres,
)

GOOD = ClusterQuality(
    n_tiers=3,
    silhouette=0.8,
    davies_bouldin=0.3,
    calinski_harabasz=500.0,
    smallest_share=0.2,
    jaccard=0.9,
)


def _blobs(n: int = 20) -> np.ndarray:
    rng = np.random.default_rng(3)
    centres = np.repeat([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]], n, axis=0)
    return centres + rng.normal(0, 0.3, centres.shape)


def test_the_three_indices_are_those_of_scikit_learn():
    """Silhouette, Davies-Bouldin and Calinski-Harabasz of the same clusters."""
    rows = _blobs()
    (quality,) = assess_numbers(rows, np.ones(len(rows)), [3], seed=0)
    codes = nearest_centre(rows, fit_centres(rows, np.ones(len(rows)), 3, seed=0))
    assert quality.silhouette == pytest.approx(silhouette_score(rows, codes))
    assert quality.davies_bouldin == pytest.approx(davies_bouldin_score(rows, codes))
    assert quality.calinski_harabasz == pytest.approx(calinski_harabasz_score(rows, codes))


def test_stable_clusters_are_found_again_and_forced_ones_are_not():
    """Three blobs: a Jaccard similarity of 1 for three clusters, far less for six."""
    rows = _blobs()
    three, six = assess_numbers(rows, np.ones(len(rows)), [3, 6], seed=0)
    assert three.jaccard == pytest.approx(1)
    assert six.jaccard < 0.75


def test_the_smallest_cluster_counts_customers_not_distinct_rows():
    """A row that stands for 80 customers weighs 80."""
    rows = np.array([[0.0], [0.1], [9.0], [9.1]])
    (quality,) = assess_numbers(rows, np.array([80.0, 10.0, 5.0, 5.0]), [2], seed=0)
    assert quality.smallest_share == pytest.approx(0.1)


def test_numbers_that_need_more_rows_are_left_out():
    """With four different rows at most three clusters can be judged."""
    rows = np.array([[0.0], [1.0], [5.0], [9.0]])
    assert [q.n_tiers for q in assess_numbers(rows, np.ones(4), range(2, 9), seed=0)] == [2, 3]


def test_many_rows_are_judged_on_a_sample():
    """Beyond 3,000 distinct rows the indices come from 3,000 of them, drawn by the seed."""
    rows = np.sort(np.random.default_rng(1).normal(size=(SAMPLE + 500, 1)), axis=0)
    once = assess_numbers(rows, np.ones(len(rows)), [2], seed=5)
    assert once == assess_numbers(rows, np.ones(len(rows)), [2], seed=5)
    assert once != assess_numbers(rows, np.ones(len(rows)), [2], seed=6)


def test_centres_are_rounded_and_repeatable():
    """Equal data and seed give equal centres to the last bit, with 12 significant digits."""
    rows = _blobs()
    centres = fit_centres(rows, np.ones(len(rows)), 3, seed=1)
    np.testing.assert_array_equal(centres, fit_centres(rows, np.ones(len(rows)), 3, seed=1))
    assert [float(f"{value:.12g}") for value in centres.ravel()] == centres.ravel().tolist()


def test_weights_stand_for_repeated_rows():
    """A row with weight two moves the centre like two rows."""
    rows = np.array([[0.0], [3.0], [100.0], [101.0]])
    weighted = fit_centres(rows, np.array([2.0, 1.0, 1.0, 1.0]), 2, seed=0)
    assert sorted(weighted.ravel().tolist()) == [1.0, 100.5]


def test_the_best_mean_rank_is_chosen():
    """Best in two of three indices wins; never one number alone."""
    two = replace(GOOD, n_tiers=2, silhouette=0.7, davies_bouldin=0.4, calinski_harabasz=600.0)
    assert choose_number([two, GOOD]) == 3


def test_unstable_numbers_do_not_compete_with_stable_ones():
    """A better index does not help clusters that are not found again."""
    shaky = replace(GOOD, n_tiers=5, silhouette=0.99, davies_bouldin=0.01, jaccard=0.7)
    assert choose_number([GOOD, shaky]) == 3


def test_tiny_clusters_do_not_compete_with_others():
    """Nor does it help a number with a cluster below one per cent."""
    tiny = replace(GOOD, n_tiers=5, silhouette=0.99, davies_bouldin=0.01, smallest_share=0.005)
    assert choose_number([GOOD, tiny]) == 3


def test_doubtful_numbers_come_before_those_not_to_be_trusted():
    """Where none is stable, 0.6 is the next line; below it all compete."""
    doubtful = replace(GOOD, n_tiers=2, jaccard=0.65)
    untrusted = replace(GOOD, n_tiers=4, jaccard=0.5, silhouette=0.99, davies_bouldin=0.01)
    worse = replace(GOOD, n_tiers=6, jaccard=0.4, silhouette=0.1)
    assert choose_number([doubtful, untrusted]) == 2
    assert choose_number([untrusted, worse]) == 4
