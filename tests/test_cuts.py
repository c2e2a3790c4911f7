"""The cuts: learned once as thresholds, applied to anyone later."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import valuetier as vt
from valuetier.cuts import new_cut
from valuetier.plugins import CUTS, type_name

ALL = [
    vt.ShareCut((0.2, 0.3, 0.5)),
    vt.ValueShareCut((0.8, 0.15, 0.05)),
    vt.ThresholdCut((30, 20, 10)),
    vt.NaturalBreakCut(4),
]
every = pytest.mark.parametrize("cut", ALL, ids=lambda cut: type(cut).__name__)
scores = st.lists(st.integers(0, 40).map(float), min_size=2, max_size=60).filter(lambda s: len(set(s)) > 1)


def _message(call, error=vt.InvalidParameterError) -> str:
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


@every
@given(values=scores)
def test_more_is_never_worse_and_equal_is_equal(cut, values):
    """Tiers fall with the score; equal scores have equal tiers; all codes have a name."""
    codes = clone(cut).fit(values).apply(values)
    order = np.argsort(values, kind="stable")
    assert (np.diff(codes[order]) <= 0).all()
    assert (np.diff(codes[order])[np.diff(np.sort(values)) == 0] == 0).all()
    assert codes.dtype == np.int64
    assert 0 <= codes.min() <= codes.max() < len(cut.tier_names())


@every
@given(values=scores)
def test_the_order_of_the_scores_changes_nothing(cut, values):
    """Thresholds learned from reversed scores are the same."""
    one, other = clone(cut).fit(values), clone(cut).fit(values[::-1])
    np.testing.assert_array_equal(one.thresholds_, other.thresholds_)
    assert one.report_ == other.report_


@every
@given(values=scores)
def test_the_report_counts_what_was_reached(cut, values):
    """Realised shares are those of the tiers; unused codes are the empty ones."""
    fitted = clone(cut).fit(values)
    sizes = np.bincount(fitted.apply(values), minlength=len(fitted.tier_names()))
    assert fitted.report_.realised == tuple(sizes / len(values))
    assert fitted.report_.unused == tuple(np.flatnonzero(sizes == 0))
    assert len(fitted.thresholds_) == len(fitted.tier_names()) - 1
    assert (np.diff(fitted.thresholds_) <= 0).all()


@given(values=scores)
def test_learned_cuts_use_the_best_and_the_last_tier(values):
    """However many ties there are, the top stays the top and the last the last."""
    for cut in (vt.ShareCut((0.1, 0.4, 0.5)), vt.ValueShareCut(), vt.NaturalBreakCut(4)):
        codes = cut.fit(values).apply(values)
        assert codes.min() == 0
        assert codes.max() == len(cut.tier_names()) - 1


def test_share_cut_of_different_scores_reaches_its_shares():
    """20, 30 and 50 of 100."""
    cut = vt.ShareCut((0.2, 0.3, 0.5)).fit(np.arange(100))
    assert cut.thresholds_.tolist() == [80, 50]
    assert cut.report_.requested == cut.report_.realised == (0.2, 0.3, 0.5)
    assert cut.report_.unused == ()


def test_share_cut_with_ties_takes_the_nearest_boundary():
    """Of 10 scores 3 share the best value: 20 % asked for, 30 % reached."""
    cut = vt.ShareCut((0.2, 0.8)).fit([9, 9, 9, 5, 5, 4, 3, 2, 1, 0])
    assert cut.thresholds_.tolist() == [9]
    assert cut.report_.realised == (0.3, 0.7)


def test_value_share_cut_counts_value_not_customers():
    """The first brings 80 % alone."""
    cut = vt.ValueShareCut((0.8, 0.15, 0.05)).fit([80, 10, 5, 3, 2])
    assert cut.apply([80, 79, 5, 4.9, 0]).tolist() == [0, 1, 1, 2, 2]
    assert cut.report_.realised == (0.2, 0.4, 0.4)


def test_threshold_cut_learns_nothing():
    """The thresholds are the given ones; who reaches one is in; one score is enough to fit."""
    cut = vt.ThresholdCut((1000, 100)).fit([5])
    assert cut.thresholds_.tolist() == [1000, 100]
    assert cut.apply([1000, 999.99, 100, 99.99, -5]).tolist() == [0, 1, 1, 2, 2]
    assert cut.report_.requested is None
    assert cut.report_.unused == (0, 1)


def test_natural_break_cut_cuts_at_the_gaps():
    """Two gaps, three tiers."""
    cut = vt.NaturalBreakCut(3).fit([1, 2, 3, 50, 51, 99])
    assert cut.thresholds_.tolist() == [99, 50]


def test_fewer_values_than_tiers_leave_tiers_empty():
    """Two different scores make two of four tiers, the first and the last."""
    cut = vt.NaturalBreakCut(4).fit([1, 1, 9])
    assert cut.apply([1, 9]).tolist() == [3, 0]
    assert cut.report_.unused == (1, 2)


def test_scores_may_come_as_any_column():
    """Lists, arrays, pandas columns."""
    expected = vt.ShareCut().fit([3.0, 2.0, 1.0]).thresholds_.tolist()
    assert vt.ShareCut().fit(pd.Series([3, 2, 1])).thresholds_.tolist() == expected
    assert vt.ShareCut().fit(np.array([3, 2, 1])).thresholds_.tolist() == expected


@every
def test_cuts_are_estimators(cut):
    """clone and get_params work, unfitted cuts say so, and each is installed by name."""
    assert repr(clone(cut)) == repr(cut)
    assert type(cut)(**cut.get_params()).get_params() == cut.get_params()
    with pytest.raises(NotFittedError):
        clone(cut).apply([1.0])
    assert type_name(type(cut)).startswith(f"{CUTS}/")


def test_names_come_singly_or_in_pairs():
    """One name serves both languages; without names there are levels."""
    assert vt.ShareCut((0.5, 0.5), names=("A", "B")).tier_names() == (("A", "A"), ("B", "B"))
    assert vt.ShareCut((0.5, 0.5), names=[("A", "甲"), "B"]).tier_names() == (("A", "甲"), ("B", "B"))
    assert vt.ShareCut((0.5, 0.5)).tier_names() == (("High", "高价值"), ("Low", "低价值"))


@pytest.mark.parametrize(
    "names",
    [
        ("A",),
        ("A", "B", "C"),
        ("A", "A"),
        [("A", "甲"), ("B", "甲")],
        [("A", "甲"), ("A", "乙")],
        [("A",), ("B",)],
        (1, 2),
        5,
        (),
    ],
)
def test_names_must_be_as_many_and_different(names):
    """In each language; told before anything is learned."""
    expected = f"names must be 2 different names, one per tier, got {names!r}."
    assert _message(lambda: vt.ShareCut((0.5, 0.5), names=names).fit([1, 2])) == expected


@pytest.mark.parametrize(
    "shares", [(0.5, 0.4), (1.0,), (1.2, -0.2), (0.5, 0.5, 0.0), "half", None, ((0.5, 0.5),)]
)
@pytest.mark.parametrize("cut", [vt.ShareCut, vt.ValueShareCut])
def test_shares_must_be_positive_and_sum_to_one(cut, shares):
    """At least two of them."""
    assert _message(lambda: cut(shares).fit([1, 2])) == (
        f"shares must be positive and sum to 1, got {shares!r}."
    )


@pytest.mark.parametrize("thresholds", [(), ("a", "b"), (1, np.nan), 5, None, ((2, 1),)])
def test_thresholds_must_be_numbers(thresholds):
    """At least one, finite."""
    assert _message(lambda: vt.ThresholdCut(thresholds).fit([1])) == (
        f"thresholds must be at least one finite number, got {thresholds!r}."
    )


@pytest.mark.parametrize("thresholds", [(1, 2), (3, 3), (5, 1, 2)])
def test_thresholds_must_decrease(thresholds):
    """The best tier's comes first."""
    assert _message(lambda: vt.ThresholdCut(thresholds).fit([1])) == (
        f"thresholds must decrease, the best tier's first, got {thresholds!r}."
    )


@pytest.mark.parametrize("n_tiers", [1, 2.0, "3", True])
def test_the_number_of_tiers_must_be_whole(n_tiers):
    """Two or more."""
    assert _message(lambda: vt.NaturalBreakCut(n_tiers).fit([1, 2])) == (
        f"n_tiers must be a whole number ≥ 2, got {n_tiers!r}."
    )


@pytest.mark.parametrize("cut", [vt.ShareCut(), vt.ValueShareCut(), vt.NaturalBreakCut()])
def test_equal_scores_cannot_be_cut(cut):
    """The message names the scores, as they were called."""
    text = _message(lambda: cut.fit([7.0] * 4, name="profit"), vt.InvalidDataError)
    assert text == (
        "profit: all 4 values are equal, so they cannot be cut (n_samples = 4). "
        "Use another value column, or ThresholdCut."
    )
    assert _message(lambda: cut.fit([7.0]), vt.InvalidDataError).startswith("scores: all 1 values are equal")


def test_negative_values_have_no_share_of_the_value():
    """With the way out."""
    assert _message(lambda: vt.ValueShareCut().fit([5, -1, -2]), vt.InvalidDataError) == (
        "scores: 2 of 3 values are negative. A share of value needs values ≥ 0: use ShareCut."
    )


@every
def test_scores_must_be_there_and_finite(cut):
    """None, missing, infinite, text, two columns: each in its own words, when fitted and applied."""
    fitted = clone(cut).fit([5.0, 15.0, 25.0, 35.0])
    cases = [
        ([1.0, np.nan], "scores: 1 of 2 values are missing (NaN). Drop or fill these customers first."),
        ([1.0, np.inf], "scores: 1 of 2 values are infinite (inf). Drop or fill these customers first."),
        (["1", "2"], "scores must hold numbers, got a list. Convert the column first."),
        (
            [[1.0, 2.0]],
            "scores must be one column of numbers, got an array of shape (1, 2). Pass one value per customer.",
        ),
    ]
    for bad, expected in cases:
        assert _message(lambda bad=bad: clone(cut).fit(bad), vt.InvalidDataError) == expected
        assert _message(lambda bad=bad: fitted.apply(bad), vt.InvalidDataError) == expected
    assert _message(lambda: clone(cut).fit([]), vt.InvalidDataError) == (
        "Found array with 0 sample(s): the customer table is empty. Pass at least one customer."
    )


def test_a_new_cut_is_an_unfitted_copy():
    """Of the one given, else of the default; what is no cut is refused."""
    given_cut, default = vt.ShareCut((0.1, 0.9)).fit([1, 2]), vt.NaturalBreakCut(2)
    copy = new_cut(given_cut, default)
    assert copy is not given_cut
    assert copy.shares == (0.1, 0.9)
    assert not hasattr(copy, "thresholds_")
    assert isinstance(new_cut(None, default), vt.NaturalBreakCut)
    for bad in ((0.2, 0.8), "abc", 3, vt.ShareCut):
        assert _message(lambda bad=bad: new_cut(bad, default)) == (
            f"cut must be a cut such as ShareCut((0.2, 0.8)), got {bad!r}."
        )


def test_a_cut_of_somebody_else_needs_three_methods():
    """Nothing has to be inherited, not even from scikit-learn."""

    class TopOne:
        def fit(self, scores, y=None, *, name="scores"):
            self.thresholds_ = np.array([np.max(scores)])
            return self

        def apply(self, scores):
            return (np.asarray(scores) < self.thresholds_[0]).astype(np.int64)

        def tier_names(self):
            return (("The best", "第一"), ("The others", "其他"))

    customers = pd.DataFrame({"spend": [1.0, 5.0, 3.0]})
    pyramid = vt.PyramidSegmenter(cut=TopOne()).fit(customers)
    assert pyramid.assign(customers).to_frame()["tier"].tolist() == ["The others", "The best", "The others"]
    assert pyramid.explain(customers)["reason"][1] == "spend 5 (≥ 5) → The best"
