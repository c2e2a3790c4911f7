"""The population stability index: its definition, its invariances and what chance does to it."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuetier._core.drift import class_counts, class_edges, index_by_chance, population_stability_index

columns = st.lists(st.one_of(st.integers(-20, 20), st.just(math.nan)), min_size=1, max_size=60)


def _index(was, is_now, n_classes=5):
    edges = class_edges(np.asarray(was, dtype=float), n_classes)
    return population_stability_index(
        *(class_counts(np.asarray(v, dtype=float), edges) for v in (was, is_now))
    )


@given(was=columns, is_now=columns)
def test_the_index_is_its_definition(was, is_now):
    """Shares by a loop over classes of the values themselves; missing ones are a class."""
    edges = class_edges(np.array(was, dtype=float), 5)
    bounds = [-math.inf, *edges, math.inf]
    classes = [lambda v, a=a, b=b: a < v <= b for a, b in pairwise(bounds)]
    counts = [(sum(map(c, was)), sum(map(c, is_now))) for c in (*classes, math.isnan)]
    used = [(b + 0.5, a + 0.5) for b, a in counts if b + a > 0]
    n, m = (sum(column) for column in zip(*used, strict=True))
    expected = sum((a / m - b / n) * math.log((a / m) / (b / n)) for b, a in used)
    assert _index(was, is_now) == pytest.approx(expected, abs=1e-12)


@given(values=columns, factor=st.sampled_from([0.01, 4.0]), shift=st.sampled_from([0.0, 100.0]))
def test_same_values_have_not_moved_in_any_unit(values, factor, shift):
    """A table against itself: 0; and neither unit nor order of the rows matters."""
    there = np.array(values, dtype=float)
    assert _index(there, there[::-1]) == 0
    other = np.roll(there, 3)[: max(1, len(there) // 2)]
    assert _index(there * factor + shift, other * factor + shift) == pytest.approx(
        _index(there, other), abs=1e-9
    )


def test_classes_of_a_continuous_column_are_of_equal_size():
    """Ten classes of a hundred customers each; with ties fewer, and none empty."""
    values = np.random.default_rng(0).normal(size=1_000)
    assert class_counts(values, class_edges(values, 10)).tolist() == [100.0] * 10 + [0.0]
    tied = np.repeat([0.0, 1.0, 7.0], [80, 15, 5])
    assert class_counts(tied, class_edges(tied, 10)).tolist() == [80, 15, 5, 0]


def test_a_constant_that_moves_is_seen():
    """Whether up or down; and a column of missing values that fills."""
    for other in (4.0, 6.0):
        assert _index(np.full(50, 5.0), np.full(50, other)) > 1
    assert _index(np.full(50, np.nan), np.full(50, 1.0)) > 1
    assert index_by_chance(np.array([5.0, 0.0]), np.array([9.0, 0.0])) == 0


def test_chance_exceeds_its_bound_about_one_time_in_twenty():
    """Two samples of one population, a thousand times: between 3 and 7 per cent beyond."""
    rng = np.random.default_rng(1)
    shares = np.full(10, 0.1)
    samples = [
        (rng.multinomial(2_000, shares) * 1.0, rng.multinomial(1_000, shares) * 1.0) for _ in range(1_000)
    ]
    beyond = [population_stability_index(*pair) > index_by_chance(*pair) for pair in samples]
    assert 0.03 < np.mean(beyond) < 0.07
