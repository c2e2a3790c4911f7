"""The customer pyramid: shares of customers, shares of value, and customers without value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import valuetier as vt
from valuetier.segmenters.pyramid import PRESETS

HUNDRED = pd.DataFrame({"customer_id": range(100), "spend": np.arange(1.0, 101.0)})


def _counts(customers: pd.DataFrame, **params) -> list[int]:
    return vt.PyramidSegmenter(**params).fit(customers).assign(customers).counts().tolist()


@pytest.mark.parametrize(
    ("preset", "counts", "english", "chinese"),
    [
        (
            "textbook",
            [1, 19, 30, 50],
            ["Vital", "Major", "Ordinary", "Small"],
            ["重要客户", "次要客户", "普通客户", "小客户"],
        ),
        (
            "zeithaml",
            [20, 30, 30, 20],
            ["Platinum", "Gold", "Iron", "Lead"],
            ["铂金客户", "黄金客户", "铁质客户", "铅质客户"],
        ),
        (
            "curry",
            [1, 4, 15, 80],
            ["Top", "Large", "Medium", "Small"],
            ["顶级客户", "大客户", "中客户", "小客户"],
        ),
        ("hml", [20, 30, 50], ["High", "Medium", "Low"], ["高价值", "中价值", "低价值"]),
    ],
)
def test_presets_by_share_of_customers(preset, counts, english, chinese):
    """Of 100 different customers each tier gets its share, best first; nobody is without value."""
    pyramid = vt.PyramidSegmenter(preset=preset).fit(HUNDRED)
    assert pyramid.assign(HUNDRED).counts().tolist() == [*counts, 0]
    assert pyramid.get_tier_names_out() == [*english, "No value"]
    assert pyramid.get_tier_names_out("zh") == [*chinese, "无价值客户"]
    codes = pyramid.predict(HUNDRED)
    assert (np.diff(codes[::-1]) >= 0).all()


def test_the_abc_preset_cuts_by_share_of_value():
    """A brings the first 80 % of the value, B the next 15, C the rest; few customers or many."""
    customers = pd.DataFrame({"spend": [50.0, 30.0, 8.0, 7.0, 2.0, 1.0, 1.0, 1.0]})
    pyramid = vt.PyramidSegmenter(preset="abc").fit(customers)
    assert pyramid.predict(customers).tolist() == [0, 0, 1, 1, 2, 2, 2, 2]
    assert pyramid.get_tier_names_out() == ["A", "B", "C", "No value"]
    assert pyramid.cut_.thresholds_.tolist() == [30, 7]


def test_every_preset_is_covered_here():
    """No preset without a test."""
    assert set(PRESETS) == {"textbook", "zeithaml", "curry", "hml", "abc"}


def test_two_algorithms_give_two_pyramids():
    """20 % of the customers and 80 % of the value are not the same line."""
    assert _counts(HUNDRED, preset="hml") == [20, 30, 50, 0]
    assert _counts(HUNDRED, preset="abc") == [56, 22, 22, 0]  # the best 56 bring 4,060 of 5,050


def test_worked_case_of_18_customers_who_bring_80_of_100_million():
    """18 of 100 customers order 80 M, 82 together 20 M: A is exactly those 18."""
    large = np.linspace(1.5, 0.5, 18) / 18 * 80e6
    small = np.linspace(1.5, 0.5, 82) / 82 * 20e6
    customers = pd.DataFrame({"spend": np.concatenate([large, small])})
    pyramid = vt.PyramidSegmenter(preset="abc").fit(customers)
    found = pyramid.assign(customers)
    value = customers["spend"].groupby(found.codes).sum() / 1e6
    assert found.codes[:18].tolist() == [0] * 18
    assert found.counts()["A"] == 18
    assert value[0] == pytest.approx(80)
    assert value[1] == pytest.approx(15, abs=0.2)
    assert value[2] == pytest.approx(5, abs=0.2)
    textbook = vt.PyramidSegmenter().fit(customers).assign(customers)
    assert textbook.counts().tolist() == [1, 19, 30, 50, 0]
    assert customers["spend"][textbook.codes <= 1].sum() / 100e6 == pytest.approx(0.8, abs=0.01)


def test_customers_without_value_are_taken_out_first():
    """Zero and below get the last tier; the shares are shares of the others."""
    nobody = pd.DataFrame({"customer_id": range(100, 150), "spend": [0.0] * 25 + [-40.0] * 25})
    both = pd.concat([HUNDRED, nobody], ignore_index=True)
    pyramid = vt.PyramidSegmenter().fit(both)
    assert pyramid.assign(both).counts().tolist() == [1, 19, 30, 50, 50]
    assert pyramid.n_without_value_ == 50
    assert pyramid.predict(both)[100:].tolist() == [4] * 50
    np.testing.assert_array_equal(
        pyramid.cut_.thresholds_, vt.PyramidSegmenter().fit(HUNDRED).cut_.thresholds_
    )


def test_a_new_customer_without_value_gets_the_last_tier():
    """The last tier is there even if nobody was in it when the cuts were learned."""
    pyramid = vt.PyramidSegmenter().fit(HUNDRED)
    assert pyramid.predict(pd.DataFrame({"spend": [0.0, -1.0, 1e-9, 1e12]})).tolist() == [4, 4, 3, 0]


def test_thresholds_are_in_the_unit_of_the_value():
    """Cuts can be read: the textbook's lines among spends of 1 to 100."""
    pyramid = vt.PyramidSegmenter().fit(HUNDRED)
    assert pyramid.cut_.thresholds_.tolist() == [100, 81, 51]
    assert pyramid.cut_.report_.realised == (0.01, 0.19, 0.3, 0.5)


def test_equal_customers_stay_together_and_the_report_says_so():
    """90 equal customers cannot be cut; the tiers between stay empty."""
    customers = pd.DataFrame({"spend": [10.0] * 90 + [20.0] * 10})
    pyramid = vt.PyramidSegmenter().fit(customers)
    assert pyramid.assign(customers).counts().tolist() == [10, 0, 0, 90, 0]
    assert pyramid.cut_.report_.unused == (1, 2)
    assert pyramid.cut_.report_.requested == (0.01, 0.19, 0.3, 0.5)


def test_any_value_and_any_cut():
    """Profit instead of spend, given thresholds instead of a preset."""
    cut = vt.ThresholdCut((1000, 100), names=("gold", "silver", "bronze"))
    customers = pd.DataFrame({"profit": [5000.0, 1000.0, 100.0, 99.0, -3.0]})
    pyramid = vt.PyramidSegmenter(value="profit", cut=cut).fit(customers)
    assert pyramid.predict(customers).tolist() == [0, 0, 1, 2, 3]
    assert pyramid.get_tier_names_out() == ["gold", "silver", "bronze", "No value"]
    assert pyramid.get_feature_names_out().tolist() == ["profit"]
    assert pyramid.transform(customers)[:, 0].tolist() == customers["profit"].tolist()


def test_a_cut_replaces_the_preset():
    """Where a cut is given, the preset is not looked at."""
    pyramid = vt.PyramidSegmenter(preset=None, cut=vt.ShareCut((0.5, 0.5))).fit(HUNDRED)
    assert pyramid.assign(HUNDRED).counts().tolist() == [50, 50, 0]


@given(
    spend=st.lists(st.integers(-5, 60), min_size=2, max_size=60).filter(
        lambda values: len({v for v in values if v > 0}) > 1
    ),
    preset=st.sampled_from(sorted(PRESETS)),
)
def test_tiers_fall_with_the_value(spend, preset):
    """More value never means a lower tier; the best and the last tier of the positive ones are used."""
    customers = pd.DataFrame({"spend": spend})
    codes = vt.PyramidSegmenter(preset=preset).fit_predict(customers)
    order = np.argsort(spend, kind="stable")
    assert (np.diff(codes[order]) <= 0).all()
    positive = codes[np.array(spend) > 0]
    n_tiers = len(PRESETS[preset].tier_names())
    assert positive.min() == 0
    assert positive.max() == n_tiers - 1
    assert set(codes[np.array(spend) <= 0]) <= {n_tiers}


def test_nobody_with_value_is_an_error():
    """There is nothing to rank; the message says what to do."""
    with pytest.raises(vt.InvalidDataError) as caught:
        vt.PyramidSegmenter().fit(pd.DataFrame({"spend": [0.0, -1.0, -2.0]}))
    assert str(caught.value) == (
        "spend: none of 3 customers has a value above 0, so there is nothing to rank. Rank by another column."
    )


def test_equal_values_cannot_be_cut():
    """The message names the column."""
    with pytest.raises(vt.InvalidDataError) as caught:
        vt.PyramidSegmenter(value="profit").fit(pd.DataFrame({"profit": [7.0, 7.0, 7.0, 0.0]}))
    assert str(caught.value) == (
        "profit: all 3 values are equal, so they cannot be cut (n_samples = 3). "
        "Use another value column, or ThresholdCut."
    )


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"preset": "Textbook"},
            (
                "preset must be one of ['textbook', 'zeithaml', 'curry', 'abc', 'hml'], got 'Textbook'. "
                "Did you mean 'textbook'?"
            ),
        ),
        (
            {"preset": None},
            "preset must be one of ['textbook', 'zeithaml', 'curry', 'abc', 'hml'], got None.",
        ),
        ({"cut": "abc"}, "cut must be a cut such as ShareCut((0.2, 0.8)), got 'abc'."),
        ({"cut": vt.ShareCut((0.5, 0.4))}, "shares must be positive and sum to 1, got (0.5, 0.4)."),
    ],
)
def test_parameters_that_cannot_work_are_refused(params, message):
    """Each message has the parameter, the need, the value and a near miss."""
    with pytest.raises(vt.InvalidParameterError) as caught:
        vt.PyramidSegmenter(**params).fit(HUNDRED)
    assert str(caught.value) == message
