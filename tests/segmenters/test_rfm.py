"""RFM: from three scores to a weighted score, a tier and a segment."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import valuetier as vt
from tests.segmenters.customer_tables import make
from valuetier.segmenters.grids import GRIDS

# Every combination of scores 1…5, written as data that fixed edges turn into exactly these scores.
ALL_SCORES = np.stack(np.meshgrid(*[np.arange(1, 6)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
EDGES = {"recency_days": (1, 2, 3, 4), "orders": (2, 3, 4, 5), "spend": (2, 3, 4, 5)}
ALL_CELLS = pd.DataFrame(
    {
        "recency_days": 6 - ALL_SCORES[:, 0],
        "orders": ALL_SCORES[:, 1],
        "spend": ALL_SCORES[:, 2].astype(float),
    }
)


def _fixed(**params) -> vt.RFMSegmenter:
    return vt.RFMSegmenter(binning="fixed", edges=EDGES, **params).fit(ALL_CELLS)


def _cell(rfm: vt.RFMSegmenter, code: str) -> str:
    """Return the segment of the customer with the scores written as digits."""
    row = np.flatnonzero((np.array([int(digit) for digit in code]) == ALL_SCORES).all(axis=1))
    return rfm.predict_segments(ALL_CELLS.iloc[row])[0]


def test_scores_are_the_evidence():
    """``transform`` gives R, F, M and the combined score, five being the best."""
    rfm = _fixed()
    assert rfm.get_feature_names_out().tolist() == ["r_score", "f_score", "m_score", "rfm_score"]
    evidence = rfm.transform(ALL_CELLS)
    np.testing.assert_array_equal(evidence[:, :3], ALL_SCORES)
    np.testing.assert_allclose(evidence[:, 3], ALL_SCORES.mean(axis=1), rtol=1e-11)
    np.testing.assert_array_equal(rfm.score_samples(ALL_CELLS), evidence[:, 3])


@pytest.mark.parametrize(
    ("cell", "segment"),
    [
        ("555", "Champions"),
        ("345", "Loyal"),
        ("323", "Potential Loyalist"),
        ("311", "New"),
        ("414", "Promising"),
        ("535", "Need Attention"),
        ("251", "About To Sleep"),
        ("124", "At Risk"),
        ("113", "Cannot Lose"),
        ("211", "Hibernating"),
        ("111", "Lost"),
    ],
)
def test_values_lead_to_the_segment_of_their_cell(cell, segment):
    """From raw values through scores to the published segment."""
    assert _cell(_fixed(), cell) == segment


@pytest.mark.parametrize("grid", GRIDS)
def test_every_grid_names_every_customer(grid):
    """All 125 combinations get a segment, and all segments get a customer."""
    rfm = _fixed(grid=grid)
    assert set(rfm.predict_segments(ALL_CELLS)) == set(rfm.get_segment_names_out())
    assert set(rfm.predict_segments(ALL_CELLS, "zh")) == set(rfm.get_segment_names_out("zh"))


def test_without_a_grid_there_are_no_segments():
    """``grid=None``: tiers only."""
    rfm = vt.RFMSegmenter(grid=None).fit(make())
    assert rfm.get_segment_names_out() == []
    assert rfm.predict_segments(make()) is None
    assert rfm.assign(make()).segments is None
    assert rfm.explain(make())["segment"].isna().all()


def test_four_bins_on_the_grid_of_five():
    """The best of four is read as 5, the worst as 1."""
    customers = pd.DataFrame({"recency_days": [1, 2, 3, 4], "orders": [4, 3, 2, 1], "spend": [4, 3, 2, 1]})
    rfm = vt.RFMSegmenter(n_bins=4).fit(customers)
    assert rfm.transform(customers)[:, 0].tolist() == [4, 3, 2, 1]
    assert rfm.predict_segments(customers).tolist() == ["Champions", "Loyal", "Hibernating", "Lost"]


def test_the_chinese_eight_groups_by_the_mean():
    """Two-way splits name the eight groups in Chinese."""
    customers = pd.DataFrame(
        {
            "recency_days": [1, 99, 1, 99, 1, 99, 1, 99],
            "orders": [9, 9, 1, 1, 9, 9, 1, 1],
            "spend": [90, 90, 90, 90, 1, 1, 1, 1],
        }
    )
    rfm = vt.RFMSegmenter(binning="mean", grid="eight").fit(customers)
    assert rfm.predict_segments(customers, lang="zh").tolist() == [
        "重要价值客户", "重要保持客户", "重要发展客户", "重要挽留客户",
        "一般价值客户", "一般保持客户", "一般发展客户", "一般挽留客户",
    ]  # fmt: skip


def test_tiers_come_from_the_score_at_quarters_of_the_scale():
    """Default: 4, 3 and 2 of five; a customer on the line is on its better side."""
    rfm = _fixed()
    score = rfm.score_samples(ALL_CELLS)
    expected = np.select([score >= 4, score >= 3, score >= 2], [0, 1, 2], 3)
    assert rfm.predict(ALL_CELLS).tolist() == expected.tolist()
    assert rfm.get_tier_names_out() == ["Top", "High", "Medium", "Low"]
    assert rfm.cut_.thresholds_.tolist() == [4, 3, 2]
    assert vt.RFMSegmenter(n_bins=2).fit(make()).cut_.thresholds_.tolist() == [1.75, 1.5, 1.25]


@pytest.mark.parametrize(("weights"), [(3, 2, 1), (1, 0, 0), (0.2, 0.3, 0.5), [0, 0, 7]])
def test_weights_weigh_the_scores(weights):
    """The score is the weighted mean; only the proportions of the weights matter."""
    rfm = _fixed(weights=weights)
    expected = ALL_SCORES @ np.array(weights) / sum(weights)
    np.testing.assert_allclose(rfm.score_samples(ALL_CELLS), expected, rtol=1e-11)
    tenfold = _fixed(weights=tuple(10 * weight for weight in weights))
    assert tenfold.predict(ALL_CELLS).tolist() == rfm.predict(ALL_CELLS).tolist()


def test_equal_weights_do_not_lose_a_customer_to_rounding():
    """Weights of 0.1 each leave a score of 4 at 4, on the better side of the line."""
    rfm = _fixed(weights=(0.1, 0.1, 0.1))
    assert rfm.predict(ALL_CELLS).tolist() == _fixed().predict(ALL_CELLS).tolist()


def test_a_cut_of_ones_own():
    """Any cut can turn the score into tiers, with names of its own; the one passed in stays unfitted."""
    cut = vt.ShareCut((0.2, 0.8), names=[("Best", "最好"), ("Rest", "其余")])
    rfm = vt.RFMSegmenter(cut=cut).fit(make())
    assert rfm.get_tier_names_out("zh") == ["最好", "其余"]
    assert rfm.assign(make()).counts()["Best"] == pytest.approx(40, abs=10)
    assert not hasattr(cut, "thresholds_")
    assert rfm.cut_.report_.requested == (0.2, 0.8)


def test_other_columns_can_be_recency_frequency_and_value():
    """``features`` names the three columns, days first."""
    customers = make().rename(columns={"recency_days": "idle", "orders": "visits", "spend": "margin"})
    rfm = vt.RFMSegmenter(features=["idle", "visits", "margin"]).fit(customers)
    assert rfm.predict(customers).tolist() == vt.RFMSegmenter().fit_predict(make()).tolist()
    assert list(rfm.edges_) == ["idle", "visits", "margin"]


def test_names_before_the_fit_are_those_after():
    """Tier and segment names are known from the parameters alone."""
    new, fitted = vt.RFMSegmenter(), vt.RFMSegmenter().fit(make())
    assert new.get_tier_names_out() == fitted.get_tier_names_out()
    assert new.get_segment_names_out("zh") == fitted.get_segment_names_out("zh")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"binning": "quantiles"},
            (
                "binning must be one of ['quantile', 'nested', 'fixed', 'mean', 'median', 'natural', "
                "'value_share'], got 'quantiles'. Did you mean 'quantile'?"
            ),
        ),
        (
            {"grid": "elven"},
            (
                "grid must be one of ['eleven', 'rf10', 'r_fm11', 'eight', None], got 'elven'. "
                "Did you mean 'eleven'?"
            ),
        ),
        ({"n_bins": 1}, "n_bins must be a whole number ≥ 2, got 1."),
        ({"n_bins": 2.5}, "n_bins must be a whole number ≥ 2, got 2.5."),
        ({"n_bins": True}, "n_bins must be a whole number ≥ 2, got True."),
        (
            {"weights": (0, 0, 0)},
            "weights must be three numbers ≥ 0 for R, F and M, not all 0, got (0, 0, 0).",
        ),
        ({"weights": (1, 1)}, "weights must be three numbers ≥ 0 for R, F and M, not all 0, got (1, 1)."),
        (
            {"weights": (1, 1, -1)},
            "weights must be three numbers ≥ 0 for R, F and M, not all 0, got (1, 1, -1).",
        ),
        ({"weights": "rfm"}, "weights must be three numbers ≥ 0 for R, F and M, not all 0, got 'rfm'."),
        (
            {"features": ("orders", "spend")},
            "features must be three columns, for R, F and M, got ('orders', 'spend').",
        ),
        (
            {"features": "rfm"},
            "features must be a sequence of column names, got 'rfm'. Put a single one in ().",
        ),
        (
            {"features": None},
            "features must be a sequence of column names, got None. Put a single one in ().",
        ),
        ({"cut": (0.2, 0.8)}, "cut must be a cut such as ShareCut((0.2, 0.8)), got (0.2, 0.8)."),
        (
            {"cut": vt.ShareCut},
            "cut must be a cut such as ShareCut((0.2, 0.8)), got <class 'valuetier.cuts.ShareCut'>.",
        ),
    ],
)
def test_parameters_that_cannot_work_are_refused(params, message):
    """Each message has the parameter, the need and the value."""
    with pytest.raises(vt.InvalidParameterError) as caught:
        vt.RFMSegmenter(**params).fit(make())
    assert str(caught.value) == message


def test_a_cut_by_shares_cannot_part_equal_scores():
    """If all customers have one score the message says what is equal."""
    equal = pd.DataFrame({"recency_days": [1, 2], "orders": [1, 2], "spend": [5.0, 7.0]})
    with pytest.raises(vt.InvalidDataError) as caught:
        vt.RFMSegmenter(weights=(1, 1, 0), n_bins=2, cut=vt.ShareCut((0.5, 0.5))).fit(equal)
    assert str(caught.value) == (
        "rfm_score: all 2 values are equal, so they cannot be cut (n_samples = 2). "
        "Use another value column, or ThresholdCut."
    )
