"""How far groupings agree, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.cluster import contingency_matrix

from valuetier._core.agreement import adjusted_rand, contingency, jaccard

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=40)


@given(pairs=pairs)
def test_rand_and_contingency_are_those_of_scikit_learn(pairs):
    """The adjusted Rand index and the table it is computed from."""
    first, second = np.array(pairs).T
    both = contingency(first, second)
    used = both[both.sum(axis=1) > 0][:, both.sum(axis=0) > 0]
    assert used.tolist() == contingency_matrix(first, second).tolist()
    assert adjusted_rand(both) == pytest.approx(adjusted_rand_score(first, second), abs=1e-12)


@given(pairs=pairs)
def test_jaccard_is_that_of_sets(pairs):
    """Members of both groups by members of either."""
    first, second = np.array(pairs).T
    found = jaccard(contingency(first, second, shape=(5, 4)))
    for i in range(5):
        for j in range(4):
            one, other = set(np.flatnonzero(first == i)), set(np.flatnonzero(second == j))
            assert found[i, j] == pytest.approx(len(one & other) / max(len(one | other), 1))


def test_weights_stand_for_repeated_customers():
    """A customer of weight two is two customers."""
    first, second = np.array([0, 1, 1]), np.array([0, 0, 1])
    weighted = contingency(first, second, np.array([2.0, 1.0, 1.0]))
    assert weighted.tolist() == contingency(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1])).tolist()
