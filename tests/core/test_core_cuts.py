"""Thresholds that cut scores into tiers and never part equal values."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from valuetier._core import cuts
from valuetier._core.cuts import (
    EXACT_BREAKS,
    mean_threshold,
    natural_thresholds,
    share_thresholds,
    tier_codes,
)

many_ties = st.lists(st.integers(-5, 5), min_size=2, max_size=30)
few_ties = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30)
values = (many_ties | few_ties).map(lambda found: np.array(found, dtype=float))
parts = st.lists(st.integers(1, 9), min_size=2, max_size=5)
shares = parts.map(lambda found: np.array(found) / sum(found))


def slow_share_thresholds(values, weights, parts):
    """Try every boundary between two different values, in exact arithmetic."""
    levels = sorted(set(values), reverse=True)
    total = sum(weights)
    reached = {
        level: Fraction(sum(w for v, w in zip(values, weights, strict=True) if v >= level), total)
        for level in levels[:-1]
    }
    targets = [Fraction(sum(parts[: tier + 1]), sum(parts)) for tier in range(len(parts) - 1)]
    return [min(reached, key=lambda level: (abs(reached[level] - target), level)) for target in targets]


@given(values=many_ties, parts=parts, data=st.data())
def test_share_thresholds_equal_the_slow_oracle(values, parts, data):
    """Each boundary reaches the share nearest to the one asked for; of two, the larger tier."""
    assume(len(set(values)) > 1)
    weights = data.draw(st.lists(st.integers(1, 5), min_size=len(values), max_size=len(values)))
    found = share_thresholds(
        np.array(values, dtype=float), np.array(parts) / sum(parts), np.array(weights, dtype=float)
    )
    assert found.tolist() == slow_share_thresholds(values, weights, parts)


@given(values=values, shares=shares)
def test_best_and_last_tier_are_never_empty(values, shares):
    """Where two values differ, the best value is in the best tier and the lowest in the last."""
    assume(values.min() < values.max())
    codes = tier_codes(values, share_thresholds(values, shares))
    assert set(codes[values == values.max()]) == {0}
    assert set(codes[values == values.min()]) == {len(shares) - 1}


@given(values=values, shares=shares, n_tiers=st.integers(2, 5), data=st.data())
def test_row_order_changes_no_threshold(values, shares, n_tiers, data):
    """Thresholds of shuffled customers are the same, to the last bit."""
    shuffled = np.array(data.draw(st.permutations(values.tolist())))
    assert share_thresholds(shuffled, shares).tolist() == share_thresholds(values, shares).tolist()
    assert natural_thresholds(shuffled, n_tiers).tolist() == natural_thresholds(values, n_tiers).tolist()
    assert mean_threshold(shuffled).tolist() == mean_threshold(values).tolist()


@given(values=values, shares=shares, n_tiers=st.integers(2, 5))
def test_thresholds_never_rise(values, shares, n_tiers):
    """From the best tier down a threshold is at most the one before."""
    for found in (share_thresholds(values, shares), natural_thresholds(values, n_tiers)):
        assert (found[:-1] >= found[1:]).all()


@given(values=many_ties, shares=shares, times=st.integers(2, 4))
def test_repeated_customers_change_no_share(values, shares, times):
    """Shares of every customer several times are shares of every customer once."""
    once = np.array(values, dtype=float)
    repeated = share_thresholds(np.repeat(once, times), shares)
    assert repeated.tolist() == share_thresholds(once, shares).tolist()
    weighted = share_thresholds(once, shares, np.full(len(once), float(times)))
    assert weighted.tolist() == repeated.tolist()


@pytest.mark.parametrize("weights", [None, np.zeros(3)])
def test_without_a_boundary_everyone_is_in_the_last_tier(weights):
    """All values equal, or nothing to share: the thresholds are infinite."""
    same = np.array([3.0, 3.0, 3.0]) if weights is None else np.array([1.0, 2.0, 3.0])
    thresholds = share_thresholds(same, np.array([0.2, 0.3, 0.5]), weights)
    assert thresholds.tolist() == [np.inf, np.inf]
    assert tier_codes(same, thresholds).tolist() == [2, 2, 2]


@given(values=st.lists(st.integers(0, 8), min_size=2, max_size=12), n_tiers=st.integers(2, 4))
def test_natural_breaks_equal_a_search_over_all_partitions(values, n_tiers):
    """No other partition into so many classes has a smaller sum of squared distances to the means."""
    levels = sorted(set(values))
    assume(len(levels) >= n_tiers)
    customers = np.array(values, dtype=float)

    def spread(starts):
        codes = tier_codes(customers, np.array(sorted(starts, reverse=True), dtype=float))
        groups = [customers[codes == code] for code in set(codes)]
        return sum(((group - group.mean()) ** 2).sum() for group in groups)

    best = min(spread(starts) for starts in combinations(levels[1:], n_tiers - 1))
    found = natural_thresholds(customers, n_tiers)
    assert len(set(found)) == n_tiers - 1
    assert spread(found) == pytest.approx(best, abs=1e-9)


@given(values=many_ties, n_tiers=st.integers(2, 8))
def test_tiers_that_cannot_be_told_apart_share_a_threshold(values, n_tiers):
    """With fewer values than tiers each value has its own tier, and the last tier the lowest value."""
    assume(len(set(values)) < n_tiers)
    thresholds = natural_thresholds(np.array(values, dtype=float), n_tiers)
    levels = sorted(set(values), reverse=True)
    expected = levels[:-1] + [levels[-2] if len(levels) > 1 else np.inf] * (n_tiers - len(levels))
    assert thresholds.tolist() == expected


def test_natural_breaks_of_many_values_fall_into_the_gaps():
    """Above the exact limit the breaks are found between neighbourhoods: the gaps, and few."""
    rng = np.random.default_rng(0)
    groups = [rng.normal(centre, 1.0, EXACT_BREAKS) for centre in (0.0, 50.0, 200.0)]
    thresholds = natural_thresholds(np.concatenate(groups), 3)
    assert groups[1].max() < thresholds[0] <= groups[2].min() + 0.5
    assert groups[0].max() < thresholds[1] <= groups[1].min() + 0.5


@pytest.mark.parametrize("sigma", [0.5, 1, 2, 3])
def test_neighbourhoods_cost_little_of_the_fit(monkeypatch, sigma):
    """Breaks between a tenth as many neighbourhoods leave hardly more spread than the exact ones.

    Also where a few customers are worth more than all others together.
    """
    scores = np.random.default_rng(1).lognormal(0, sigma, 1_000)

    def spread(thresholds):
        codes = tier_codes(scores, thresholds)
        return sum(np.var(scores[codes == code]) * (codes == code).sum() for code in set(codes))

    exact = spread(natural_thresholds(scores, 4))
    monkeypatch.setattr(cuts, "EXACT_BREAKS", 100)
    assert exact <= spread(natural_thresholds(scores, 4)) <= 1.02 * exact


@given(values=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20).map(np.array))
def test_the_mean_lies_among_the_values(values):
    """Rounding carries the mean neither above the largest nor below the smallest value."""
    assert values.min() <= mean_threshold(values)[0] <= values.max()
    assert mean_threshold(values)[0] == pytest.approx(float(sum(map(Fraction, values)) / len(values)))


@given(value=st.floats(0.01, 1e6), n=st.integers(1, 50))
def test_the_mean_of_equal_values_is_their_value(value, n):
    """Customers who are all equal all reach their mean."""
    assert tier_codes(np.full(n, value), mean_threshold(np.full(n, value))).tolist() == [0] * n


@given(values=values, thresholds=st.lists(st.integers(-5, 5), min_size=1, max_size=5))
def test_a_tier_is_the_number_of_thresholds_missed(values, thresholds):
    """The code counts the thresholds above the value; who stands on one has reached it."""
    best_first = np.array(sorted(thresholds, reverse=True), dtype=float)
    assert tier_codes(values, best_first).tolist() == [int((best_first > v).sum()) for v in values]


@given(values=values, shares=shares)
def test_codes_are_monotone_in_the_value_and_ties_stay_together(values, shares):
    """A larger value is never in a worse tier, and equal values are in the same tier."""
    codes = tier_codes(values, share_thresholds(values, shares))
    order = np.argsort(-values)
    assert (np.diff(codes[order]) >= 0).all()
    assert all(len(set(codes[values == value])) == 1 for value in values)


@given(values=values, data=st.data())
def test_the_tier_of_some_is_their_tier_among_all(values, data):
    """Once learned, a threshold gives a customer the same tier whoever else is asked about."""
    thresholds = share_thresholds(values, np.array([0.2, 0.3, 0.5]))
    some = np.array(data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))))
    assert tier_codes(values[some], thresholds).tolist() == tier_codes(values, thresholds)[some].tolist()
