"""The binnings of R, F and M against tables worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import valuetier as vt
from tests.segmenters.customer_tables import make

FEATURES = ["recency_days", "orders", "spend"]


def _table(recency_days, orders, spend) -> pd.DataFrame:
    return pd.DataFrame({"recency_days": recency_days, "orders": orders, "spend": spend})


def _scored(customers: pd.DataFrame, **params) -> tuple[vt.RFMSegmenter, list[list[int]]]:
    rfm = vt.RFMSegmenter(grid=None, **params).fit(customers)
    return rfm, rfm.transform(customers)[:, :3].astype(int).tolist()


TEN = _table(range(1, 11), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1], [100, 90, 80, 70, 60, 50, 40, 30, 20, 10])


def test_quantiles_of_ten_different_customers():
    """Five bins of two customers each; the best are the most recent ones."""
    rfm, scores = _scored(TEN)
    assert scores == [
        [5] * 3,
        [5] * 3,
        [4] * 3,
        [4] * 3,
        [3] * 3,
        [3] * 3,
        [2] * 3,
        [2] * 3,
        [1] * 3,
        [1] * 3,
    ]
    assert rfm.edges_["recency_days"].tolist() == [2, 4, 6, 8]
    assert rfm.edges_["orders"].tolist() == [9, 7, 5, 3]
    assert rfm.edges_["spend"].tolist() == [90, 70, 50, 30]


def test_edges_are_on_the_better_side():
    """Who just reaches an edge has passed it; one day or one cent less has not."""
    rfm, _ = _scored(TEN)
    new = _table([2, 3, 8, 9], [9, 8, 3, 2], [90.0, 89.99, 30.0, 29.99])
    assert rfm.transform(new)[:, :3].tolist() == [[5, 5, 5], [4, 4, 4], [2, 2, 2], [1, 1, 1]]


def test_unseen_extremes_get_the_end_scores():
    """Better than the best is a 5, worse than the worst a 1."""
    rfm, _ = _scored(TEN)
    assert rfm.transform(_table([0, 9999], [999, 0], [1e9, -50.0]))[:, :3].tolist() == [[5] * 3, [1] * 3]


def test_with_80_percent_one_time_buyers_the_top_score_stays_the_top():
    """Equal values stay together; the scores in between stay unused and the report says so."""
    orders = [1] * 80 + [2] * 10 + [3] * 5 + [4] * 3 + [5] * 2
    rfm, scores = _scored(_table(range(100), orders, np.arange(100) + 1.0))
    f = [score[1] for score in scores]
    assert f == [1] * 80 + [5] * 20
    report = {bins.feature: bins for bins in rfm.bins_}
    assert report["orders"].requested == 5
    assert report["orders"].realised == 2
    assert report["orders"].customers == (80, 0, 0, 0, 20)
    assert report["spend"].customers == (20, 20, 20, 20, 20)
    assert report["recency_days"].realised == 5


def test_ties_take_the_boundary_nearest_to_the_share():
    """Four of ten share a value: the boundary goes where the shares come out nearest."""
    rfm, scores = _scored(_table(range(10), [9, 8, 5, 5, 5, 5, 2, 1, 1, 1], range(10)), n_bins=2)
    assert [score[1] for score in scores] == [2] * 6 + [1] * 4
    assert rfm.edges_["orders"].tolist() == [5]


def test_nested_bins_within_bins():
    """F is judged among customers of the same R, M among those of the same R and F."""
    customers = _table(
        [1, 2, 3, 4, 11, 12, 13, 14],
        [40, 30, 20, 10, 4, 3, 2, 1],
        [5, 6, 70, 60, 500, 600, 8, 7],
    )
    rfm, scores = _scored(customers, binning="nested", n_bins=2)
    assert scores == [[2, 2, 1], [2, 2, 2], [2, 1, 2], [2, 1, 1], [1, 2, 1], [1, 2, 2], [1, 1, 2], [1, 1, 1]]
    _, independent = _scored(customers, n_bins=2)
    assert [score[1] for score in independent] == [2, 2, 2, 2, 1, 1, 1, 1]
    assert rfm.edges_["orders"].tolist() == [[3], [30]]
    new = _table([1, 20], [25, 25], [1000, 1000])
    assert rfm.transform(new)[:, :3].tolist() == [[2, 1, 2], [1, 2, 2]]


def test_fixed_edges():
    """Scores are counted from given edges, in whatever order they are given."""
    edges = {"recency_days": (180, 30, 90), "orders": (2, 5, 10), "spend": (100, 500, 1000)}
    rfm, scores = _scored(
        _table([30, 31, 90, 180, 181], [10, 9, 5, 2, 1], [1000.0, 999.0, 500.0, 100.0, 99.0]),
        binning="fixed",
        edges=edges,
    )
    assert scores == [[4, 4, 4], [3, 3, 3], [3, 3, 3], [2, 2, 2], [1, 1, 1]]
    assert rfm.n_bins_ == 4
    assert rfm.edges_["recency_days"].tolist() == [30, 90, 180]
    assert rfm.edges_["spend"].tolist() == [1000, 500, 100]


def test_mean_split():
    """Two scores: at least the mean, or no more days than the mean."""
    rfm, scores = _scored(_table([10, 20, 90], [1, 2, 9], [10, 20, 300]), binning="mean")
    assert rfm.edges_["recency_days"].tolist() == [40]
    assert rfm.edges_["orders"].tolist() == [4]
    assert rfm.edges_["spend"].tolist() == [110]
    assert scores == [[2, 1, 1], [2, 1, 1], [1, 2, 2]]
    assert rfm.n_bins_ == 2


@given(middle=st.integers(2, 10**6), step=st.integers(1, 10**4))
def test_who_stands_on_the_mean_is_above_it(middle, step):
    """Rounding of the mean never pushes a customer who is exactly average below it."""
    spend = np.array([middle - step, middle, middle + step]) / 10
    _, scores = _scored(_table([1, 2, 3], [1, 2, 3], spend), binning="mean")
    assert [score[2] for score in scores] == [1, 2, 2]


def test_median_split():
    """Two scores with half of the customers each, whatever the outliers."""
    rfm, scores = _scored(_table([1, 2, 3, 900], [9, 5, 2, 1], [1e6, 30, 20, 10]), binning="median")
    assert scores == [[2, 2, 2], [2, 2, 2], [1, 1, 1], [1, 1, 1]]
    assert rfm.n_bins_ == 2


def test_natural_breaks():
    """Scores change where the values leave gaps."""
    customers = _table([1, 2, 10, 11, 50], [50, 11, 10, 2, 1], [1, 2, 10, 11, 50])
    rfm, scores = _scored(customers, binning="natural", n_bins=3)
    assert rfm.edges_["recency_days"].tolist() == [2, 11]
    assert rfm.edges_["orders"].tolist() == [50, 10]
    assert scores == [[3, 3, 1], [3, 2, 1], [2, 2, 2], [2, 1, 2], [1, 1, 3]]


def test_equal_shares_of_the_value():
    """Half of all orders, half of all money; days have no such share and are cut by customers."""
    customers = _table([1, 2, 3, 4], [5, 3, 1, 1], [500.0, 20.0, 480.0, 0.0])
    rfm, scores = _scored(customers, binning="value_share", n_bins=2)
    assert scores == [[2, 2, 2], [2, 1, 1], [1, 1, 1], [1, 1, 1]]
    assert rfm.edges_["spend"].tolist() == [500]


@pytest.mark.parametrize("binning", ["quantile", "nested", "mean", "median", "natural", "value_share"])
def test_every_binning_keeps_order_and_ties(binning):
    """A better value never has a lower score, equal values have equal ones, and the ends are used."""
    customers = make(150, seed=5)
    rfm = vt.RFMSegmenter(binning=binning).fit(customers)
    scores = rfm.transform(customers)[:, :3]
    goodness = customers[FEATURES].to_numpy() * [-1, 1, 1]
    columns = 1 if binning == "nested" else 3  # F and M are judged within groups then
    for value, score in zip(goodness.T[:columns], scores.T, strict=False):
        ordered = score[np.argsort(value, kind="stable")]
        assert (np.diff(ordered) >= 0).all()
        assert (np.diff(ordered)[np.diff(np.sort(value)) == 0] == 0).all()
        assert (ordered[0], ordered[-1]) == (1, rfm.n_bins_)


@pytest.mark.parametrize("binning", ["quantile", "nested", "mean", "median", "natural", "value_share"])
def test_a_constant_feature_cannot_be_binned(binning):
    """The message names the feature and the way out."""
    with pytest.raises(vt.InvalidDataError) as caught:
        vt.RFMSegmenter(binning=binning).fit(TEN.assign(orders=3))
    assert str(caught.value) == (
        "orders: all 10 values are equal, so no edges can be learned (n_samples = 10). "
        "Use binning='fixed' with edges, or other features."
    )


def test_negative_amounts_have_no_share_of_the_value():
    """The message counts them."""
    with pytest.raises(vt.InvalidDataError) as caught:
        vt.RFMSegmenter(binning="value_share").fit(TEN.assign(spend=[-1, -2, *range(8)]))
    assert str(caught.value) == "spend: 2 of 10 values are negative. Shares of value need values ≥ 0."


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        (
            None,
            (
                "binning='fixed' needs edges for ['recency_days', 'orders', 'spend'], got None. "
                "Example: edges={'recency_days': (30, 90, 180), …}."
            ),
        ),
        (
            (30, 90),
            (
                "binning='fixed' needs edges for ['recency_days', 'orders', 'spend'], got (30, 90). "
                "Example: edges={'recency_days': (30, 90, 180), …}."
            ),
        ),
        (
            {"spend": (1,)},
            (
                "binning='fixed' needs edges for ['recency_days', 'orders', 'spend'], got ['spend']. "
                "Example: edges={'recency_days': (30, 90, 180), …}."
            ),
        ),
        (
            {"recency_days": (30, 30), "orders": (1, 2), "spend": (1, 2)},
            (
                "edges must have the same number (≥ 1) of different values per feature, got "
                "{'recency_days': 1, 'orders': 2, 'spend': 2}."
            ),
        ),
        (
            {"recency_days": (), "orders": (), "spend": ()},
            (
                "edges must have the same number (≥ 1) of different values per feature, got "
                "{'recency_days': 0, 'orders': 0, 'spend': 0}."
            ),
        ),
        (
            {"recency_days": (30,), "orders": ("two",), "spend": (1,)},
            "edges['orders'] must be finite numbers, got ('two',).",
        ),
        (
            {"recency_days": (30,), "orders": (1,), "spend": (np.inf,)},
            "edges['spend'] must be finite numbers, got (inf,).",
        ),
    ],
)
def test_edges_that_cannot_work_are_refused(edges, message):
    """The message says what was given and how edges look."""
    with pytest.raises(vt.InvalidParameterError) as caught:
        vt.RFMSegmenter(binning="fixed", edges=edges).fit(TEN)
    assert str(caught.value) == message
