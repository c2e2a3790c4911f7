"""k-means: groups ordered by value, on features that were logged and scaled."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

import valuetier as vt
from tests.segmenters.customer_tables import make


def _blobs(centres, n: int = 60, spread: float = 0.3, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Return customers around given (recency_days, orders, spend), and the blob of each."""
    rng = np.random.default_rng(seed)
    blob = np.repeat(np.arange(len(centres)), n)
    values = np.asarray(centres, dtype=np.float64)[blob] + rng.normal(0, spread, (len(blob), 3))
    return pd.DataFrame(values, columns=["recency_days", "orders", "spend"]), blob


THREE = [(80, 10, 10), (10, 40, 90), (45, 80, 50)]  # by spend: the second, the third, the first


@pytest.mark.parametrize("seed", range(6))
def test_tiers_are_ordered_by_value_whatever_the_seed(seed):
    """Tier 0 is the group with the highest mean spend, for every start."""
    customers, blob = _blobs(THREE)
    kmeans = vt.KMeansSegmenter(n_tiers=3, random_state=seed).fit(customers)
    assert kmeans.predict(customers).tolist() == np.array([2, 0, 1])[blob].tolist()
    assert (np.diff(kmeans.tier_values_) < 0).all()
    np.testing.assert_allclose(kmeans.tier_values_, [90, 50, 10], atol=0.2)


def test_another_column_can_order_the_tiers():
    """``order_by`` need not be a feature; the score is its mean in the tier."""
    customers, blob = _blobs(THREE)
    customers["profit"] = np.array([7.0, 1.0, 3.0])[blob]
    kmeans = vt.KMeansSegmenter(n_tiers=3, order_by="profit").fit(customers)
    assert kmeans.predict(customers).tolist() == np.array([0, 2, 1])[blob].tolist()
    assert kmeans.tier_values_.tolist() == [7, 3, 1]
    assert kmeans.score_samples(customers).tolist() == customers["profit"].tolist()


def test_the_mean_of_a_tier_does_not_depend_on_the_row_order():
    """Profits that cancel are added in one order, whatever the order of the rows."""
    customers, _ = _blobs(THREE, n=4)
    customers["profit"] = [1e17, 3.0, -1e17, 5.0] * 3
    found = {
        tuple(vt.KMeansSegmenter(n_tiers=3, order_by="profit").fit(shuffled).tier_values_)
        for shuffled in (customers.sample(frac=1, random_state=seed) for seed in range(8))
    }
    assert len(found) == 1


def test_the_ordering_column_is_needed_for_the_fit_only():
    """New customers are found by their features, as a frame or by position."""
    customers, _ = _blobs(THREE)
    kmeans = vt.KMeansSegmenter(n_tiers=3, features=("recency_days", "orders")).fit(customers)
    features = customers[["recency_days", "orders"]]
    expected = kmeans.predict(customers).tolist()
    assert kmeans.predict(features).tolist() == expected
    assert kmeans.predict(features.to_numpy()).tolist() == expected
    with pytest.raises(vt.MissingColumnsError, match=r"lacks \['spend'\]"):
        vt.KMeansSegmenter(features=("recency_days", "orders")).fit(features)


def test_skewed_features_are_logged_and_all_are_scaled_robustly():
    """log(1 + value) where skewness is above 1; centre is the median, unit the interquartile range."""
    customers = pd.DataFrame(
        {
            "recency_days": [0.0, 10.0, 20.0, 30.0, 40.0],
            "orders": [1.0, 2.0, 3.0, 4.0, 100.0],
            "spend": [-50.0, 1.0, 2.0, 3.0, 4.0],
        }
    )
    kmeans = vt.KMeansSegmenter(n_tiers=2).fit(customers)
    assert kmeans.log_ == (False, True, False)
    np.testing.assert_allclose(kmeans.median_, [20, np.log1p(3), 2])
    np.testing.assert_allclose(kmeans.spread_, [20, np.log1p(4) - np.log1p(2), 2])


def test_negative_amounts_are_never_logged():
    """A skewed column with a refund in it stays as it is."""
    customers = make().assign(spend=lambda table: np.append(table["spend"].to_numpy()[1:], -1.0))
    assert vt.KMeansSegmenter().fit(make()).log_[2]
    assert not vt.KMeansSegmenter().fit(customers).log_[2]


def test_a_negative_value_of_a_new_customer_counts_as_zero_where_logged():
    """A refunded new customer is placed like one with nothing, not refused."""
    kmeans = vt.KMeansSegmenter().fit(make())
    new = make(3)
    np.testing.assert_array_equal(
        kmeans.transform(new.assign(spend=-20.0)), kmeans.transform(new.assign(spend=0.0))
    )


def test_a_feature_whose_middle_half_is_equal_is_scaled_by_its_standard_deviation():
    """80 % one-time buyers have no interquartile range."""
    customers = make(100).assign(orders=[1] * 80 + [2] * 20)
    kmeans = vt.KMeansSegmenter().fit(customers)
    column = np.log1p(customers["orders"]) if kmeans.log_[1] else customers["orders"]
    assert kmeans.spread_[1] == pytest.approx(column.std(ddof=0))


def test_amounts_that_are_not_logged_may_be_large():
    """A centre of thousands is put back into its unit as it is, and explained."""
    spend = np.linspace(1000, 9000, 40)
    customers = pd.DataFrame({"recency_days": spend[::-1] / 3, "orders": spend / 100, "spend": spend})
    kmeans = vt.KMeansSegmenter(n_tiers=2).fit(customers)
    assert kmeans.log_ == (False, False, False)
    mean = float(f"{customers['spend'][kmeans.predict(customers) == 0].mean():.3g}")
    assert f"spend 9,000 (centre {mean:,.0f})" in kmeans.explain(customers)["reason"].iloc[-1]


def test_the_tier_is_the_nearest_centre():
    """The evidence holds the distance to every tier's centre; the smallest is the tier's own."""
    kmeans, customers = vt.KMeansSegmenter().fit(make()), make(100, seed=5)
    evidence = kmeans.transform(customers)
    assert kmeans.get_feature_names_out().tolist() == [f"distance_to_tier_{code}" for code in range(4)]
    assert evidence.argmin(axis=1).tolist() == kmeans.predict(customers).tolist()


def test_only_the_centres_are_kept():
    """Nothing learned is as long as the table."""
    kmeans = vt.KMeansSegmenter().fit(make(500))
    assert kmeans.centres_.shape == (4, 3)
    learned = [value for name, value in vars(kmeans).items() if name.endswith("_")]
    assert max(np.size(value) for value in learned) == 12


def test_scaling_does_not_depend_on_the_unit():
    """Spend in another currency gives the same tiers, where nothing is logged."""
    customers, _ = _blobs(THREE)
    rates = customers.assign(spend=customers["spend"] * 7.2)
    assert vt.KMeansSegmenter(n_tiers=3).fit_predict(customers).tolist() == (
        vt.KMeansSegmenter(n_tiers=3).fit_predict(rates).tolist()
    )


@pytest.mark.parametrize("n_tiers", [2, 3, 5, 7])
def test_names_follow_the_number_of_tiers(n_tiers):
    """Known from the parameters before the fit, and numbered beyond five."""
    kmeans = vt.KMeansSegmenter(n_tiers=n_tiers)
    names = kmeans.get_tier_names_out()
    assert len(names) == n_tiers
    assert kmeans.fit(make()).get_tier_names_out() == names
    assert names[0] == {2: "High", 3: "High", 5: "Top", 7: "Tier 1"}[n_tiers]


def test_auto_has_no_names_before_the_fit():
    """How many tiers there will be is not known yet."""
    with pytest.raises(NotFittedError):
        vt.KMeansSegmenter(n_tiers="auto").get_tier_names_out()


def test_auto_chooses_the_number_of_clear_blobs():
    """Three far blobs make three tiers, found again in every resampling; the report has all that was tried."""
    customers, blob = _blobs(THREE, n=30)
    kmeans = vt.KMeansSegmenter(n_tiers="auto").fit(customers)
    assert kmeans.predict(customers).tolist() == np.array([2, 0, 1])[blob].tolist()
    assert [quality.n_tiers for quality in kmeans.report_] == list(range(2, 9))
    chosen = kmeans.report_[1]
    assert chosen.jaccard == pytest.approx(1)
    assert chosen.smallest_share == pytest.approx(1 / 3)
    assert chosen.silhouette == max(quality.silhouette for quality in kmeans.report_) > 0.9
    assert chosen.davies_bouldin == min(quality.davies_bouldin for quality in kmeans.report_)
    assert kmeans.get_tier_names_out() == ["High", "Medium", "Low"]


def test_auto_does_not_depend_on_the_row_order():
    """The report is the same, number by number, for shuffled customers."""
    customers = make(80)
    one = vt.KMeansSegmenter(n_tiers="auto").fit(customers)
    other = vt.KMeansSegmenter(n_tiers="auto").fit(customers.sample(frac=1, random_state=1))
    assert one.report_ == other.report_
    assert one.version() == other.version()


def test_auto_on_two_different_customers_makes_two_tiers():
    """Where no index can be computed, the fewest possible tiers are made."""
    customers, _ = _blobs([(80, 10, 10), (10, 40, 90)], n=1)
    kmeans = vt.KMeansSegmenter(n_tiers="auto").fit(customers)
    assert kmeans.predict(customers).tolist() == [1, 0]
    assert kmeans.report_ == ()


def test_auto_and_its_report_are_stored(tmp_path):
    """Saved and loaded, the choice and its reasons are still there."""
    kmeans = vt.KMeansSegmenter(n_tiers="auto").fit(_blobs(THREE, n=10)[0])
    kmeans.save(tmp_path / "model.json")
    loaded = vt.load(tmp_path / "model.json")
    assert loaded.report_ == kmeans.report_
    assert loaded.get_tier_names_out("zh") == kmeans.get_tier_names_out("zh")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_tiers": 1}, 'n_tiers (or "auto") must be a whole number ≥ 2, got 1.'),
        ({"n_tiers": "four"}, "n_tiers (or \"auto\") must be a whole number ≥ 2, got 'four'."),
        ({"features": ()}, "features must name at least one column, got ()."),
        (
            {"features": "spend"},
            "features must be a sequence of column names, got 'spend'. Put a single one in ().",
        ),
        ({"features": 3}, "features must be a sequence of column names, got 3. Put a single one in ()."),
    ],
)
def test_parameters_that_cannot_work_are_refused(params, message):
    """Each message has the parameter, the need and the value."""
    with pytest.raises(vt.InvalidParameterError) as caught:
        vt.KMeansSegmenter(**params).fit(make())
    assert str(caught.value) == message


def test_a_constant_feature_is_refused():
    """It parts no customers; the message names it and the way out."""
    with pytest.raises(vt.InvalidDataError) as caught:
        vt.KMeansSegmenter().fit(make(50).assign(orders=1, recency_days=7))
    assert str(caught.value) == (
        "['recency_days', 'orders']: all 50 values are equal, so they part no customers (n_samples = 50). "
        "Leave the feature out."
    )


def test_more_tiers_than_different_customers_are_refused():
    """Equal customers stay together, so three different ones make at most three tiers."""
    customers = pd.concat([_blobs(THREE, n=1)[0]] * 4, ignore_index=True)
    with pytest.raises(vt.InvalidDataError) as caught:
        vt.KMeansSegmenter(n_tiers=4).fit(customers)
    assert str(caught.value) == (
        "['recency_days', 'orders', 'spend']: 3 different customers cannot make 4 clusters "
        "(n_samples = 12). Ask for fewer tiers."
    )
