"""Any clusterer of scikit-learn: placed, ordered, judged and stored in one way."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import (
    DBSCAN,
    HDBSCAN,
    OPTICS,
    AffinityPropagation,
    AgglomerativeClustering,
    Birch,
    BisectingKMeans,
    KMeans,
    MeanShift,
    MiniBatchKMeans,
    SpectralClustering,
)
from sklearn.datasets import make_moons
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import valuetier as vt
from tests.segmenters.customer_tables import make
from valuetier.segmenters.clusterers import Clusters

FEATURES = ["recency_days", "orders", "spend"]
THREE = [(80, 10, 10), (10, 40, 90), (45, 80, 50)]  # by spend: the second, the third, the first
RANK = np.array([2, 0, 1])

# The same blobs by whatever means: centres, components, labels alone.
ESTIMATORS = {
    "KMeans": KMeans(3),
    "MiniBatchKMeans": MiniBatchKMeans(3),
    "BisectingKMeans": BisectingKMeans(3),
    "MeanShift": MeanShift(bandwidth=0.5, bin_seeding=True),
    "full mixture": GaussianMixture(3),
    "tied mixture": GaussianMixture(3, covariance_type="tied"),
    "diagonal mixture": GaussianMixture(3, covariance_type="diag"),
    "spherical mixture": GaussianMixture(3, covariance_type="spherical"),
    "Bayesian mixture": BayesianGaussianMixture(n_components=3),
    "Agglomerative": AgglomerativeClustering(3),
    "Birch": Birch(threshold=0.1, n_clusters=3),
    "Spectral": SpectralClustering(3),
    "DBSCAN": DBSCAN(eps=0.3),
    "HDBSCAN": HDBSCAN(min_cluster_size=10, copy=True),
    "OPTICS": OPTICS(min_samples=10, max_eps=0.3),
}
estimators = pytest.mark.parametrize("name", ESTIMATORS)


def _blobs(n: int = 30, spread: float = 0.3, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    blob = np.repeat(np.arange(3), n)
    values = np.asarray(THREE, dtype=np.float64)[blob] + rng.normal(0, spread, (len(blob), 3))
    return pd.DataFrame(values, columns=FEATURES), blob


def _message(error: type[Exception], call) -> str:
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


@estimators
def test_every_clusterer_finds_the_blobs_best_first(name):
    """Centres, components or labels alone: three far blobs make three tiers in the order of spend."""
    customers, blob = _blobs()
    clusters = vt.ClusterSegmenter(estimator=ESTIMATORS[name]).fit(customers)
    assert clusters.predict(customers).tolist() == RANK[blob].tolist()
    np.testing.assert_allclose(clusters.tier_values_, [90, 50, 10], atol=0.3)
    assert clusters.score_samples(customers).tolist() == clusters.tier_values_[RANK[blob]].tolist()
    assert clusters.agreement_ == 1.0
    assert clusters.get_tier_names_out() == ["High", "Medium", "Low"]
    (quality,) = clusters.report_
    assert quality.n_tiers == 3
    assert quality.silhouette > 0.9
    assert quality.jaccard > 0.75


@estimators
def test_every_clusterer_is_stored_without_itself(name, tmp_path):
    """The loaded segmenter places new customers alike; of the clusterer its parameters are in the file."""
    customers, _ = _blobs(spread=5.0)
    customers.index += 700_000
    clusters = vt.ClusterSegmenter(estimator=ESTIMATORS[name]).fit(customers)
    clusters.save(tmp_path / "clusters.json")
    loaded = vt.load(tmp_path / "clusters.json")
    unseen, _ = _blobs(spread=9.0, seed=1)
    assert loaded.transform(unseen).tolist() == clusters.transform(unseen).tolist()
    assert repr(loaded.estimator) == repr(clusters.estimator)
    stored = json.loads((tmp_path / "clusters.json").read_text(encoding="utf-8"))
    assert stored["params"]["estimator"]["$object"]["state"] == {}


def test_a_clusterer_that_was_fitted_elsewhere_leaves_its_customers_behind(tmp_path):
    """Labels and samples that an estimator brings along are not written."""
    customers, _ = _blobs()
    used = AgglomerativeClustering(3).fit(customers)
    vt.ClusterSegmenter(estimator=used).fit(customers).save(tmp_path / "clusters.json")
    assert "labels_" not in (tmp_path / "clusters.json").read_text(encoding="utf-8")


def test_a_clusterer_that_is_not_registered_cannot_be_stored(tmp_path):
    """It clusters; the message says where its package would have to name it."""

    class OwnKMeans(KMeans):
        """A clusterer of the user's own."""

    customers, blob = _blobs()
    clusters = vt.ClusterSegmenter(estimator=OwnKMeans(3)).fit(customers)
    assert clusters.predict(customers).tolist() == RANK[blob].tolist()
    assert _message(vt.InvalidDataError, lambda: clusters.save(tmp_path / "clusters.json")) == (
        "OwnKMeans cannot be stored: its class is not installed as an entry point of valuetier.segmenters, "
        "valuetier.cuts, valuetier.models or valuetier.clusterers."
    )


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_a_mixture_is_kept_whole(kind):
    """Tiers and probabilities are those of scikit-learn's own predict and predict_proba."""
    customers, unseen = make(400), make(300, seed=5)
    mixture = GaussianMixture(4, covariance_type=kind, reg_covar=0.01, random_state=3)
    clusters = vt.ClusterSegmenter(estimator=mixture).fit(customers)
    assert clusters.agreement_ == 1.0
    scaling = clusters._scaling()
    rows = scaling.scale(customers[FEATURES].to_numpy(dtype=np.float64))
    own = mixture.fit(rows[np.lexsort(rows.T[::-1])])
    there = scaling.scale(unseen[FEATURES].to_numpy(dtype=np.float64))
    expected = own.predict_proba(there)
    order = [
        int(np.flatnonzero(np.isclose(own.means_, centre).all(axis=1))[0]) for centre in clusters.centres_
    ]
    np.testing.assert_allclose(clusters.transform(unseen), expected[:, order], atol=1e-6)
    assert clusters.get_feature_names_out()[0] == "probability_of_tier_0"


def test_agreement_tells_how_far_the_kept_clusters_are_the_clusterers():
    """Two moons overlap seen from their means: agreement says so; k-means agrees with itself."""
    points, moon = make_moons(200, noise=0.03, random_state=0)
    moons = pd.DataFrame(points, columns=["a", "b"]).assign(spend=moon.astype(np.float64))
    by_density = vt.ClusterSegmenter(estimator=DBSCAN(eps=0.2), features=("a", "b")).fit(moons)
    by_means = vt.ClusterSegmenter(estimator=KMeans(2), features=("a", "b")).fit(moons)
    placed = by_density.predict(moons) == 1 - moon
    assert by_density.noise_share_ == 0
    assert by_density.agreement_ == placed.mean() < 0.95
    assert by_means.agreement_ == 1.0


def test_exemplars_are_centres(tmp_path):
    """Affinity propagation keeps customers of the table as centres; it is stored like the others."""
    customers, blob = _blobs()
    affinity = AffinityPropagation(preference=-5, damping=0.8)
    clusters = vt.ClusterSegmenter(estimator=affinity).fit(customers)
    assert clusters.predict(customers).tolist() == RANK[blob].tolist()
    clusters.save(tmp_path / "clusters.json")
    assert vt.load(tmp_path / "clusters.json").version() == clusters.version()


class ByFirst(ClusterMixin, BaseEstimator):
    """A clusterer of somebody's own: parts rows by their first feature, and calls the parts what it likes."""

    def __init__(self, labels=(10, 30, 20)):
        self.labels = labels

    def fit(self, X, y=None):
        if callable(self.labels):
            self.labels_ = self.labels(X)
        else:
            self.labels_ = np.array(self.labels)[(X[:, 0] > -0.25).astype(int) + (X[:, 0] > 0.25)]
        return self


@pytest.mark.parametrize("labels", [(10, 30, 20), ("x", "z", "y"), (0, 2, 7)])
def test_a_clusterer_of_ones_own_may_call_its_clusters_anything(labels):
    """Labels with gaps between them, or texts, part the customers as 0, 1 and 2 do."""
    customers, blob = _blobs()
    clusters = vt.ClusterSegmenter(estimator=ByFirst(labels)).fit(customers)
    assert clusters.predict(customers).tolist() == RANK[blob].tolist()
    assert clusters.agreement_ == 1.0
    assert clusters.noise_share_ == 0.0


def test_negative_and_missing_labels_are_noise():
    """Below 0 and NaN both mean no cluster."""
    customers, _ = _blobs()
    part = vt.ClusterSegmenter(
        estimator=ByFirst(lambda X: np.select([X[:, 0] < -0.4, X[:, 0] > 0.4], [np.nan, -2.0], X[:, 1] > 0))
    )
    with pytest.raises(vt.InvalidDataError, match="ByFirst found"):
        part.fit(customers)
    half = ByFirst(lambda X: np.where(np.arange(len(X)) % 2, np.nan, (X[:, 2] > 0).astype(float)))
    assert vt.ClusterSegmenter(estimator=half).fit(customers).noise_share_ == 0.5


def test_a_pipeline_is_a_clusterer():
    """Its parts are seeded like a clusterer alone, and what a step does to its input stays inside."""
    customers, _ = _blobs(spread=6.0)
    start = make_pipeline(StandardScaler(), KMeans(4, n_init=1, init="random"))
    seeded = [vt.ClusterSegmenter(estimator=start).fit(customers).centres_.tolist() for _ in range(4)]
    assert seeded == seeded[:1] * 4
    ward = AgglomerativeClustering(3)
    one, other = (
        vt.ClusterSegmenter(estimator=make_pipeline(StandardScaler(copy=copy), ward)).fit(customers)
        for copy in (True, False)
    )
    assert one.centres_.tolist() == other.centres_.tolist()


def test_noise_shapes_no_cluster_and_goes_to_the_nearest():
    """A lone customer moves no centre, is counted, and is placed like any new customer."""
    customers, blob = _blobs()
    lone = pd.DataFrame({"recency_days": [46.0], "orders": [79.0], "spend": [70.0]})
    with_lone = pd.concat([customers, lone], ignore_index=True)
    clusters = vt.ClusterSegmenter(estimator=DBSCAN(eps=0.2)).fit(with_lone)
    assert clusters.noise_share_ == pytest.approx(1 / 91)
    assert clusters.predict(lone).tolist() == [1]
    assert clusters.predict(customers).tolist() == RANK[blob].tolist()
    rows = clusters._scaling().scale(customers[FEATURES].to_numpy())
    np.testing.assert_allclose(
        clusters.centres_, [rows[RANK[blob] == tier].mean(axis=0) for tier in range(3)], rtol=1e-9
    )


def test_features_are_treated_as_by_kmeans():
    """The same scaling, and for k-means the same centres and tiers."""
    customers = make(300)
    kmeans = vt.KMeansSegmenter(n_tiers=3, random_state=4).fit(customers)
    clusters = vt.ClusterSegmenter(estimator=KMeans(3, n_init=10), random_state=4).fit(customers)
    assert clusters.log_ == kmeans.log_
    np.testing.assert_array_equal(clusters.median_, kmeans.median_)
    np.testing.assert_array_equal(clusters.spread_, kmeans.spread_)
    assert clusters.predict(customers).tolist() == kmeans.predict(customers).tolist()


def test_the_seed_is_ours_unless_the_clusterer_has_one():
    """random_state seeds a clusterer without a seed; one of its own is left alone; none is changed."""
    customers, mine = make(150), KMeans(3, n_init=1, init="random")
    for seed in range(3):
        vt.ClusterSegmenter(estimator=mine, random_state=seed).fit(customers)
    assert mine.random_state is None
    assert not hasattr(mine, "cluster_centers_")
    own = KMeans(3, n_init=1, init="random", random_state=9)
    first, second = (
        vt.ClusterSegmenter(estimator=own, random_state=seed).fit(customers).centres_ for seed in (1, 2)
    )
    assert first.tolist() == second.tolist()


@pytest.mark.parametrize("name", ["full mixture", "Agglomerative", "DBSCAN", "MiniBatchKMeans"])
def test_the_row_order_changes_nothing(name):
    """Shuffled customers lead to the same clusters and the same report."""
    customers, _ = _blobs(spread=8.0)
    shuffled = customers.sample(frac=1, random_state=1)
    one, other = (
        vt.ClusterSegmenter(estimator=ESTIMATORS[name]).fit(table) for table in (customers, shuffled)
    )
    assert one.version() == other.version()
    assert one.report_ == other.report_


def test_a_sample_is_enough_where_all_pairs_are_compared():
    """Clusters found among 60 customers place all 90; the sample is drawn by the seed."""
    customers, blob = _blobs()
    agglomerative = AgglomerativeClustering(3)
    sampled = vt.ClusterSegmenter(estimator=agglomerative, sample_size=60).fit(customers)
    assert sampled.predict(customers).tolist() == RANK[blob].tolist()
    again = vt.ClusterSegmenter(estimator=agglomerative, sample_size=60).fit(customers)
    other = vt.ClusterSegmenter(estimator=agglomerative, sample_size=60, random_state=1).fit(customers)
    assert sampled.version() == again.version()
    assert sampled.centres_.tolist() != other.centres_.tolist()


@pytest.mark.parametrize(("lang", "begin"), [("en", "most likely Top"), ("zh", "最可能属于“顶级价值”")])
def test_a_mixture_explains_by_probabilities(lang, begin):
    """The sentence names the likeliest tier and the next with their probabilities in per cent."""
    clusters, customers = vt.ClusterSegmenter().fit(make(300)), make(200, seed=5)
    found = clusters.explain(customers, lang)
    first = found[clusters.predict(customers) == 0].iloc[0]
    share = clusters.transform(customers)[first.name]
    assert first["reason"].startswith(begin)
    assert f"{float(f'{100 * share[0]:.3g}'):g} %" in first["reason"]


def test_forced_clusters_are_reported_as_unstable():
    """Six clusters cut through three blobs are not found again in resamples; the report says so."""
    customers, _ = _blobs()
    (quality,) = vt.ClusterSegmenter(estimator=KMeans(6)).fit(customers).report_
    assert quality.jaccard < 0.75


def test_few_different_customers_have_no_report():
    """Two different customers make two tiers; there is nothing to compute an index from."""
    customers = pd.concat([_blobs(1)[0][:2]] * 3, ignore_index=True)
    clusters = vt.ClusterSegmenter(estimator=KMeans(2)).fit(customers)
    assert clusters.predict(customers).tolist() == [1, 0] * 3
    assert clusters.report_ == ()


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        (
            {"estimator": "kmeans"},
            vt.InvalidParameterError,
            (
                "estimator must be an unfitted clusterer with fit_predict and get_params, as scikit-learn's are, "
                "such as GaussianMixture(4), got 'kmeans'."
            ),
        ),
        (
            {"estimator": KMeans},
            vt.InvalidParameterError,
            (
                "estimator must be an unfitted clusterer with fit_predict and get_params, as scikit-learn's are, "
                "such as GaussianMixture(4), got <class 'sklearn.cluster._kmeans.KMeans'>."
            ),
        ),
        (
            {"sample_size": 1},
            vt.InvalidParameterError,
            "sample_size must be a whole number ≥ 2, got 1.",
        ),
        (
            {"features": ()},
            vt.InvalidParameterError,
            "features must name at least one column, got ().",
        ),
        (
            {"estimator": GaussianMixture(100)},
            vt.InvalidDataError,
            (
                "GaussianMixture cannot cluster 90 customers of whom 90 are different (n_samples = 90). "
                "Ask for fewer clusters, or fit on more customers."
            ),
        ),
        (
            {"estimator": KMeans(0)},
            vt.InvalidParameterError,
            (
                "estimator: The 'n_clusters' parameter of KMeans must be an int in the range [1, inf). Got 0 instead."
            ),
        ),
        (
            {"estimator": ByFirst(lambda X: np.zeros(3))},
            vt.InvalidDataError,
            "ByFirst must give each of 90 customers a cluster, got labels of shape (3,).",
        ),
        (
            {"estimator": DBSCAN(eps=1e-9)},
            vt.InvalidDataError,
            (
                "DBSCAN found 0 cluster(s) among 90 customers, tiers need at least 2. "
                "Change its parameters or the features."
            ),
        ),
        (
            {"estimator": KMeans(1)},
            vt.InvalidDataError,
            (
                "KMeans found 1 cluster(s) among 90 customers, tiers need at least 2. "
                "Change its parameters or the features."
            ),
        ),
    ],
)
def test_what_cannot_work_is_refused(params, error, message):
    """Each message has the thing, the need, the value and the way out."""
    assert _message(error, lambda: vt.ClusterSegmenter(**params).fit(_blobs()[0])) == message


def test_clusters_nobody_belongs_to_are_left_out():
    """A component that is never the likeliest makes no tier."""
    found = Clusters(np.array([[0.0], [1.0], [9.0]])).take(np.array([2, 0]))
    assert found.centres.tolist() == [[9.0], [0.0]]
    customers, _ = _blobs()
    mixture = BayesianGaussianMixture(n_components=8, weight_concentration_prior=1e-3, random_state=0)
    clusters = vt.ClusterSegmenter(estimator=mixture).fit(customers)
    assert set(clusters.predict(customers)) == set(range(len(clusters.centres_)))
    assert len(clusters.centres_) < 8
