"""Grids of cells, and scores read on another scale."""

from fractions import Fraction
from itertools import product
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuetier._core.rules import cell_table, rescale_levels


@given(shape=st.lists(st.integers(1, 5), min_size=1, max_size=3), data=st.data())
def test_a_complete_grid_gives_every_cell_its_segment(shape, data):
    """Every cell of a grid comes back as the segment it was written under."""
    cells = list(product(*(range(1, levels + 1) for levels in shape)))
    owner = data.draw(st.lists(st.integers(0, 2), min_size=len(cells), max_size=len(cells)))
    written = {
        segment: " ".join(
            "".join(map(str, cell)) for cell, mine in zip(cells, owner, strict=True) if mine == index
        )
        for index, segment in enumerate("abc")
    }
    table = cell_table(written, tuple(shape))
    assert table.shape == tuple(shape)
    assert [table[tuple(d - 1 for d in cell)] for cell in cells] == owner


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"a": "11 12", "b": "21"}, "cell 22 belongs to no segment"),
        ({"a": "11 12", "b": "21 22 12"}, "cell 12 is named twice"),
        ({"a": "11 12", "b": "21 22 23"}, r"cell 23 lies outside a grid of shape \(2, 2\)"),
        ({"a": "11 12", "b": "21 22 01"}, r"cell 01 lies outside a grid of shape \(2, 2\)"),
        ({"a": "11 12", "b": "21 22 1"}, r"cell 1 lies outside a grid of shape \(2, 2\)"),
    ],
)
def test_a_grid_with_gaps_overlaps_or_strangers_is_refused(cells, message):
    """A cell missing, named twice or outside the grid is an error that names the cell."""
    with pytest.raises(ValueError, match=message):
        cell_table(cells, (2, 2))


@given(n_bins=st.integers(2, 12), levels=st.integers(2, 12))
def test_rescaled_scores_equal_exact_rounding(n_bins, levels):
    """Scores keep their order, ends stay ends, and what falls half way goes up."""
    scores = np.arange(1, n_bins + 1)
    exact = [
        1 + floor(Fraction((score - 1) * (levels - 1), n_bins - 1) + Fraction(1, 2))
        for score in range(1, n_bins + 1)
    ]
    assert rescale_levels(scores, n_bins, levels).tolist() == exact
    assert (exact[0], exact[-1]) == (1, levels)


@given(levels=st.integers(2, 12))
def test_the_same_scale_changes_nothing(levels):
    """Scores on as many levels as bins stay what they are."""
    scores = np.arange(1, levels + 1)
    assert rescale_levels(scores, levels, levels).tolist() == scores.tolist()
