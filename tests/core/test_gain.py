"""Gain curves, Gini, rank correlation and overlap against scikit-learn, scipy and all ways to break ties."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from valuetier._core.concentration import gini
from valuetier._core.gain import cumulative, gini_of, inside, places, rank_correlation

SMALL = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=2, max_size=5)
MANY = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4), st.integers(0, 3)), min_size=3, max_size=40)


def _columns(rows) -> list[np.ndarray]:
    return [np.array(column, dtype=float) for column in zip(*rows, strict=True)]


def _orders_that_break_ties(score: np.ndarray):
    for order in permutations(range(len(score))):
        if (np.diff(score[list(order)]) <= 0).all():
            yield np.array(order)


def _normalised_gini(score: np.ndarray, value: np.ndarray, mass: np.ndarray) -> float:
    def area(key):
        return gini_of(cumulative(places(key), mass), cumulative(places(key), mass * value))

    return area(score) / area(value)


@given(SMALL, st.floats(0.01, 0.99))
def test_a_gain_is_the_mean_over_all_ways_to_break_ties(rows, share):
    """Within a tie everybody is taken by the same part: that is what breaking it at random gives on average."""
    score, value = _columns(rows)
    value = value + 1.0
    steps = np.arange(len(score) + 1) / len(score)
    curves = [
        np.interp(share, steps, np.append(0.0, np.cumsum(value[order])) / value.sum())
        for order in _orders_that_break_ties(score)
    ]
    ranked, mass = places(score), np.ones(len(score))
    found = np.interp(share, cumulative(ranked, mass), cumulative(ranked, value))
    assert found == pytest.approx(np.mean(curves), rel=1e-9)


@given(SMALL, st.integers(1, 5))
def test_being_inside_is_the_chance_to_be_among_the_first(rows, k):
    """The part of a tie that lies within the best k is how often one of it is, over all ways to break it."""
    score, _ = _columns(rows)
    k = min(k, len(score))
    chance = np.mean(
        [np.isin(np.arange(len(score)), order[:k]) for order in _orders_that_break_ties(score)], axis=0
    )
    ranked = places(score)
    np.testing.assert_allclose(
        inside(ranked, np.ones(len(score)), k / len(score))[ranked], chance, rtol=1e-9, atol=1e-12
    )


@given(MANY)
def test_the_gini_of_yes_and_no_is_twice_the_auc_less_one(rows):
    """scikit-learn's area under the ROC curve, ties included."""
    score, value, _ = _columns(rows)
    bought = (value > 1).astype(float)
    if 0 < bought.sum() < len(bought):
        found = _normalised_gini(score, bought, np.ones(len(score)))
        assert found == pytest.approx(2 * roc_auc_score(bought, score) - 1, abs=1e-9)


@given(MANY)
def test_the_gini_of_the_true_order_is_the_gini_of_the_values(rows):
    """The perfect ranking's area is the concentration report's coefficient."""
    _, value, _ = _columns(rows)
    if value.sum() > 0:
        ranked = places(value)
        found = gini_of(cumulative(ranked, np.ones(len(value))), cumulative(ranked, value))
        assert found == pytest.approx(gini(value), abs=1e-9)


@given(MANY)
def test_rank_correlation_is_scipys(rows):
    """Spearman's, ties at their mean rank."""
    score, value, _ = _columns(rows)
    if len(set(score)) > 1 and len(set(value)) > 1:
        found = rank_correlation(places(score), places(value), np.ones(len(score)))
        assert found == pytest.approx(spearmanr(score, value).statistic, abs=1e-9)


@given(MANY)
def test_a_mass_is_a_number_of_equal_rows(rows):
    """Counts of a resample give what the repeated rows give."""
    score, value, mass = _columns(rows)
    again = np.repeat(np.arange(len(score)), mass.astype(int))
    if len(set(score[again])) > 1 and len(set(value[again])) > 1:
        ones = np.ones(len(again))
        one = _normalised_gini(score, value, mass), rank_correlation(places(score), places(value), mass)
        other = (
            _normalised_gini(score[again], value[again], ones),
            rank_correlation(places(score[again]), places(value[again]), ones),
        )
        assert one == pytest.approx(other, abs=1e-9)


def test_no_order_correlates_with_nothing():
    """One place for all has the correlation that random orders have on average; an equal truth has none."""
    ranked, nobody = np.array([0, 1, 2]), np.zeros(3, dtype=np.intp)
    assert rank_correlation(nobody, ranked, np.ones(3)) == 0.0
    assert np.isnan(rank_correlation(ranked, nobody, np.ones(3)))
    assert np.isnan(cumulative(ranked, np.zeros(3))).all()


def test_places_go_by_the_first_key_and_then_by_the_next():
    """Larger is better, the last bits of a computed score do not count, missing comes last."""
    assert places(np.array([1.0, 1.0, 0.0]), np.array([2.0, 3.0, 9.0])).tolist() == [1, 0, 2]
    assert places(np.array([0.3, 0.1 + 0.2, np.nan])).tolist() == [0, 0, 1]
