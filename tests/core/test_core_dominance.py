"""Dominance of one group over another, and tests, beside scipy and brute force."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from valuetier._core.dominance import chi_square, dominance, holm, kruskal_wallis, mann_whitney, two_by_two

some = st.lists(st.integers(0, 12), min_size=2, max_size=25)


def counted(*groups):
    """Return the table of counts of some groups: distinct values in rows."""
    levels = np.unique(np.concatenate(groups))
    return np.column_stack(
        [[np.count_nonzero(np.asarray(group) == level) for level in levels] for group in groups]
    )


def by_pairs(x, y):
    """Return Cliff's delta and the unbiased estimate of its variance, pair by pair."""
    signs = np.sign(np.subtract.outer(x, y)).astype(float)
    n, m = signs.shape
    delta = signs.mean()
    rows, columns = signs.mean(axis=1), signs.mean(axis=0)
    variance = (
        m**2 * ((rows - delta) ** 2).sum()
        + n**2 * ((columns - delta) ** 2).sum()
        - ((signs - delta) ** 2).sum()
    )
    return delta, variance / (n * m * (n - 1) * (m - 1))


@given(x=some, y=some)
def test_delta_and_interval_by_pairs(x, y):
    """Delta is the mean sign of all pairs, and the interval comes from the variance of the signs."""
    delta, variance = by_pairs(x, y)
    found = dominance(*counted(x, y).T, 0.95)
    assert found.delta == pytest.approx(delta, abs=1e-12)
    if abs(delta) < 1:
        variance = max(variance, (1 - delta**2) / (len(x) * len(y) - 1))
        z = stats.norm.ppf(0.975)
        half = z * math.sqrt(variance * ((1 - delta**2) ** 2 + z**2 * variance))
        low, high = ((delta - delta**3 + sign * half) / (1 - delta**2 + z**2 * variance) for sign in (-1, 1))
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)
    assert -1 <= found.low <= found.delta <= found.high <= 1


@given(x=some, y=some)
def test_swapped_groups_have_the_opposite_delta(x, y):
    """Who has more on one side has less on the other."""
    here, there = dominance(*counted(x, y).T, 0.9), dominance(*counted(y, x).T, 0.9)
    assert (there.delta, there.low, there.high) == pytest.approx(
        (-here.delta, -here.high, -here.low), abs=1e-12
    )


def test_interval_covers_as_often_as_it_says():
    """In 400 samples of normal values half a deviation apart, the interval misses the truth in about one of twenty."""
    rng = np.random.default_rng(5)
    truth = 2 * stats.norm.cdf(0.5 / math.sqrt(2)) - 1
    hits = 0
    for _ in range(400):
        found = dominance(*counted(rng.normal(0.5, 1, 30), rng.normal(0, 1, 50)).T, 0.95)
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / 400 <= 0.98


def test_a_single_customer_has_no_interval():
    """One customer against others has a delta and nothing to tell how sure it is."""
    found = dominance(np.array([0, 1]), np.array([3, 0]), 0.95)
    assert found.delta == 1
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_complete_separation_has_an_interval():
    """Where everybody has more, the interval still has a width, and it shrinks with the customers."""
    few, many = (dominance(np.array([0, n]), np.array([n, 0]), 0.95) for n in (10, 100))
    assert few.high == many.high == 1
    assert few.low < many.low < 1
    assert few.low == pytest.approx((10 - stats.norm.ppf(0.975) ** 2) / (10 + stats.norm.ppf(0.975) ** 2))


@given(x=some, y=some)
def test_mann_whitney_is_scipys(x, y):
    """With ties: the same p-value as scipy's normal approximation."""
    x, y = [0, *x], [0, *y]
    found = mann_whitney(*counted(x, y).T)
    if len({*x, *y}) == 1:
        assert found == 1
    else:
        assert found == pytest.approx(stats.mannwhitneyu(x, y, method="asymptotic").pvalue, rel=1e-9)


@given(order=st.permutations(range(12)), n=st.integers(1, 11))
def test_mann_whitney_of_few_is_exact(order, n):
    """Few customers without ties: scipy's exact distribution."""
    x, y = order[:n], order[n:]
    assert mann_whitney(*counted(x, y).T) == pytest.approx(stats.mannwhitneyu(x, y, method="exact").pvalue)


@given(x=some, y=some, z=some)
def test_kruskal_wallis_is_scipys(x, y, z):
    """H and its p-value are scipy's; the share of variance is that of the ranks."""
    h, p_value, share = kruskal_wallis(counted(x, y, z))
    if len({*x, *y, *z}) == 1:
        assert (h, p_value, share) == (0, 1, 0)
        return
    expected = stats.kruskal(x, y, z)
    assert (h, p_value) == pytest.approx((expected.statistic, expected.pvalue), abs=1e-9)
    ranks = stats.rankdata([*x, *y, *z])
    means = np.repeat(
        [part.mean() for part in np.split(ranks, np.cumsum([len(x), len(y)]))], [len(x), len(y), len(z)]
    )
    assert share == pytest.approx(means.var() / ranks.var(), abs=1e-9)


@given(counts=st.lists(st.lists(st.integers(20, 90), min_size=3, max_size=3), min_size=2, max_size=5))
def test_chi_square_is_scipys(counts):
    """Large counts: statistic, p-value and Cramér's V as scipy has them."""
    table = np.array(counts)
    statistic, p_value, effect, random = chi_square(table, 0)
    expected = stats.chi2_contingency(table, correction=False)
    assert (statistic, p_value) == pytest.approx((expected.statistic, expected.pvalue), abs=1e-9)
    assert effect == pytest.approx(stats.contingency.association(table, method="cramer"), abs=1e-9)
    assert not random


@settings(max_examples=10, deadline=None)
@given(
    counts=st.lists(st.integers(0, 6), min_size=4, max_size=4).filter(
        lambda c: c[0] + c[1] and c[2] + c[3] and c[0] + c[2] and c[1] + c[3]
    )
)
def test_small_tables_are_compared_with_random_ones(counts):
    """Small counts: the p-value is that of all tables with the same margins, up to the error of 4,000 draws."""
    table = np.array(counts).reshape(2, 2)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic, p_value, _, random = chi_square(table, 1)
    if not random:
        return
    row, column = table.sum(axis=1)[0], table.sum(axis=0)[0]
    total, exact = table.sum(), 0.0
    for a in range(max(0, row + column - total), min(row, column) + 1):
        other = np.array([[a, row - a], [column - a, total - row - column + a]])
        if ((other - expected) ** 2 / expected).sum() >= statistic * (1 - 1e-12):
            exact += stats.hypergeom.pmf(a, total, row, column)
    assert p_value == pytest.approx(exact, abs=0.035)


def test_one_level_differs_nowhere():
    """A value that everybody has tells nothing."""
    assert chi_square(np.array([[30, 40]]), 0) == (0.0, 1.0, 0.0, False)
    assert two_by_two(np.array([0, 9]), np.array([0, 7])) == 1


@given(
    counts=st.lists(st.integers(0, 40), min_size=4, max_size=4).filter(lambda c: c[0] + c[1] and c[2] + c[3])
)
def test_two_by_two_is_scipys(counts):
    """Fisher's exact test where a cell expects fewer than 5, Pearson's chi-square elsewhere."""
    table = np.array(counts).reshape(2, 2)
    found = two_by_two(*table)
    if not table.sum(axis=0).all():
        assert found == 1
        return
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    if expected.min() < 5:
        assert found == pytest.approx(stats.fisher_exact(table).pvalue)
    else:
        assert found == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)


@given(p_values=st.lists(st.floats(0, 1), max_size=12))
def test_holm_by_its_definition(p_values):
    """Step by step from the smallest: as many as remain, never falling, at most 1."""
    found = holm(np.array(p_values))
    largest, remaining = 0.0, len(p_values)
    for place in np.argsort(p_values, kind="stable"):
        largest = max(largest, p_values[place] * remaining)
        remaining -= 1
        assert found[place] == pytest.approx(min(largest, 1.0))
