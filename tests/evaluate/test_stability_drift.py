"""Drift of inputs and cuts between two tables, and what is recommended."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import polars as pl
import pytest

import valuetier as vt
from tests.evaluate.tier_tables import Told, told
from valuetier.checks import make_customers
from valuetier.evaluate import InputDrift, drift
from valuetier.evaluate._stability_words import ADVICE, DRIFT_LEVELS
from valuetier.evaluate.drift import RECOMMENDED

BEFORE = make_customers(1_000)
OTHERS = make_customers(1_000, seed=5)
PYRAMID = vt.PyramidSegmenter(preset="hml").fit(BEFORE)


def test_every_case_has_a_recommendation_in_words():
    """The table is complete, and each of its three answers is used."""
    assert set(RECOMMENDED) == set(product((True, False), DRIFT_LEVELS))
    assert set(RECOMMENDED.values()) == set(ADVICE)


def test_other_customers_of_the_same_kind_keep_the_cuts():
    """Two samples of one population: little drift, no more recut than chance, keep."""
    found = drift(PYRAMID, BEFORE, OTHERS, n_resamples=20)
    assert found.recommendation == "keep"
    assert found.inputs[0].level == "little"
    assert found.recut == pytest.approx(
        (PYRAMID.predict(OTHERS) != vt.PyramidSegmenter(preset="hml").fit(OTHERS).predict(OTHERS)).mean()
    )
    assert not found.beyond_noise()
    assert "no more than chance does" in found.verdict()
    assert found.verdict().startswith("Keep the cuts. ")
    assert "未超出偶然波动" in found.verdict("zh")


def test_prices_that_double_ask_for_new_cuts():
    """All spend doubles: the input has changed, the cuts double with it, and the answer is to learn anew."""
    after = BEFORE.assign(spend=BEFORE["spend"] * 2)
    found = drift(PYRAMID, BEFORE, after, n_resamples=20)
    assert found.recommendation == "refit"
    np.testing.assert_allclose(found.share_new_cuts, found.share_before)
    assert found.share_old_cuts[0] > 1.5 * found.share_before[0]
    assert found.lowest_new[:2].tolist() == [
        BEFORE["spend"][PYRAMID.predict(BEFORE) == tier].min() * 2 for tier in (0, 1)
    ]
    assert found.lowest_old[0] < found.lowest_new[0]
    assert found.verdict().startswith("Learn the cuts anew")
    assert "“消费金额”变化最大" in found.verdict("zh")
    assert str(found).endswith(found.verdict())


def test_a_moderate_change_is_to_be_watched():
    """Spend up by a third: PSI between 0.10 and 0.25."""
    found = drift(PYRAMID, BEFORE, BEFORE.assign(spend=BEFORE["spend"] * 1.4), n_resamples=10)
    assert found.inputs[0].level == "moderate"
    assert found.recommendation == "watch"


def test_inputs_that_move_under_given_cuts_ask_for_nothing():
    """Where nothing is learned, new cuts are the old ones, whatever the customers do."""
    fixed = vt.PyramidSegmenter(cut=vt.ThresholdCut((200, 60))).fit(BEFORE)
    found = drift(fixed, BEFORE, BEFORE.assign(spend=BEFORE["spend"] * 3), n_resamples=3)
    assert found.inputs[0].level == "large"
    assert (found.recut, found.recommendation) == (0, "keep")


def test_inputs_are_the_columns_that_the_segmenter_reads():
    """Found out by leaving each out; those of one's choice instead; all where none is needed."""
    assert [each.name for each in drift(PYRAMID, BEFORE, OTHERS, n_resamples=1).inputs] == ["spend"]
    rfm = vt.RFMSegmenter().fit(BEFORE)
    read = drift(rfm, BEFORE, OTHERS, n_resamples=1).inputs
    assert {each.name for each in read} == {"recency_days", "orders", "spend"}
    assert [each.psi for each in read] == sorted((each.psi for each in read), reverse=True)
    chosen = drift(PYRAMID, BEFORE, OTHERS, columns=["m_x", "T"], n_resamples=1).inputs
    assert {each.name for each in chosen} == {"m_x", "T"}
    bare = vt.PyramidSegmenter().fit(BEFORE[["spend"]].to_numpy())
    rows = (table[["spend"]].to_numpy() for table in (BEFORE, OTHERS))
    assert [each.name for each in drift(bare, *rows, n_resamples=1).inputs] == ["column 0"]

    class Constant(Told):
        def predict(self, X):
            return np.zeros(len(X), dtype=np.int64)

    table = told([0, 1], [7, 8]).assign(spend=[1.0, 2.0])
    assert {each.name for each in drift(Constant(), table, table, n_resamples=1).inputs} == {"old", "spend"}


@pytest.mark.parametrize(
    "kind", [pl.from_pandas, lambda f: pl.from_pandas(f).to_arrow(), lambda f: f.iloc[::-1]]
)
def test_kind_and_order_of_the_tables_change_nothing(kind):
    """Inputs, shares and noise are those of the customers."""
    here, there = (
        drift(PYRAMID, how(BEFORE), how(OTHERS), n_resamples=3) for how in (lambda frame: frame, kind)
    )
    assert here.inputs == there.inputs
    assert (here.recut, here.noise.rate) == (there.recut, there.noise.rate)
    assert here.share_old_cuts.tolist() == there.share_old_cuts.tolist()


def test_few_customers_may_differ_by_chance():
    """The level is little within what two samples of so few would show, and the words say why."""
    assert InputDrift("spend", 0.30, 0.40).level == "little"
    assert InputDrift("spend", 0.30, 0.20).level == "large"
    assert InputDrift("spend", 0.25, 0.0).level == "large"
    assert InputDrift("spend", 0.10, 0.0).level == "moderate"
    few = drift(PYRAMID, make_customers(25, seed=1), make_customers(25, seed=2), n_resamples=5)
    assert few.inputs[0].psi > 0.10
    assert few.recommendation == "keep"
    assert "Among so few customers that may be chance" in few.verdict()
    assert "可能出于偶然" in few.verdict("zh")


def test_scores_that_tiers_do_not_follow_are_left_out():
    """Without scores there is no lowest one; the frame has the shares alone."""
    table = told([0, 1, 2], range(3))
    found = drift(Told(), table, table, n_resamples=1)
    assert found.lowest_old is None
    assert list(found.to_frame()) == ["tier", "share_before", "share_old_cuts", "share_new_cuts"]

    class Crossed(Told):
        def score_samples(self, X):
            return np.asarray(X["old"], dtype=float)

    assert drift(Crossed(), table, table, n_resamples=1).lowest_new is None
    assert list(drift(PYRAMID, BEFORE, OTHERS, n_resamples=1).to_frame("zh")["tier"])[:2] == [
        "高价值",
        "中价值",
    ]
    assert drift(Told(), table, table, n_resamples=1).inputs_frame("zh")["level"].tolist() == ["变化很小"]


def test_what_cannot_be_compared_is_refused():
    """A missing column, and classes or resamples that are none."""
    with pytest.raises(vt.MissingColumnsError, match=r"lacks \['spend'\]"):
        drift(PYRAMID, BEFORE, OTHERS.drop(columns="spend"))
    for option, message in (("n_classes", "n_classes must be a whole number ≥ 2, got 1."),):
        with pytest.raises(vt.InvalidParameterError) as caught:
            drift(PYRAMID, BEFORE, OTHERS, **{option: 1})
        assert str(caught.value) == message
    with pytest.raises(vt.InvalidParameterError, match="n_resamples must be a whole number ≥ 1, got 0"):
        drift(PYRAMID, BEFORE, OTHERS, n_resamples=0)


def test_no_input_to_compare_is_refused():
    """An empty choice is no choice."""
    with pytest.raises(vt.InvalidParameterError) as caught:
        drift(PYRAMID, BEFORE, OTHERS, columns=())
    assert str(caught.value) == "columns must name at least one input to compare, got none."


def test_what_moved_beyond_chance_comes_first():
    """The input that decides is the one that is told: a larger index within chance stands behind it."""
    yes = np.arange(40) % 2 == 0
    rng = np.random.default_rng(3)
    before = pd.DataFrame({"customer_id": range(40), "old": 0, "many": rng.normal(size=40), "two": 1.0 * yes})
    after = before.assign(many=rng.normal(size=40), two=np.where(np.arange(40) < 30, 1.0, 0.0))
    found = drift(Told(), before, after, columns=("many", "two"), n_resamples=1)
    first, second = found.inputs
    assert (first.name, first.level, second.level) == ("two", "large", "little")
    assert second.psi > first.psi
    assert "Of 2 inputs two has moved most, chance allowed for: PSI" in found.verdict()
    assert "计入偶然波动后，2 个输入变量中“two”变化最大" in found.verdict("zh")
