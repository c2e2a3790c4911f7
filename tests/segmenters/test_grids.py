"""The grids from scores to segments: complete, disjoint, and the published ones."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from valuetier.segmenters.grids import GRIDS, segments_of

# Bloomreach's published map of 125 cells.
ELEVEN = {
    "Champions": "555 554 544 545 454 455 445",
    "Loyal": "543 444 435 355 354 345 344 335",
    "Potential Loyalist": "553 551 552 541 542 533 532 531 452 451 442 441 431 453 433 432 423 353 352 351 342 "
    "341 333 323",
    "New": "512 511 422 421 412 411 311",
    "Promising": "525 524 523 522 521 515 514 513 425 424 413 414 415 315 314 313",
    "Need Attention": "535 534 443 434 343 334 325 324",
    "About To Sleep": "331 321 312 221 213 231 241 251",
    "At Risk": "255 254 245 244 253 252 243 242 235 234 225 224 153 152 145 143 142 135 134 133 125 124",
    "Cannot Lose": "155 154 144 214 215 115 114 113",
    "Hibernating": "332 322 233 232 223 222 132 123 122 212 211",
    "Lost": "111 112 121 131 141 151",
}

# R from-to, F from-to.
RF10 = {
    "Champions": (5, 5, 4, 5),
    "Loyal": (3, 4, 4, 5),
    "Potential Loyalist": (4, 5, 2, 3),
    "New": (5, 5, 1, 1),
    "Promising": (4, 4, 1, 1),
    "Need Attention": (3, 3, 3, 3),
    "About To Sleep": (3, 3, 1, 2),
    "Cannot Lose": (1, 2, 5, 5),
    "At Risk": (1, 2, 3, 4),
    "Hibernating": (1, 2, 1, 2),
}

R_FM11 = {
    "Champions": "55 54 45",
    "Loyal": "53 44 35 34",
    "Potential": "52 42 33 43",
    "Recent": "51",
    "Promising": "41 31",
    "Need Attention": "32 23 22",
    "About To Sleep": "21",
    "At Risk": "25 24 13",
    "Cannot Lose": "15 14",
    "Hibernating": "12",
    "Lost": "11",
}

# Recent, frequent, high spend: yes or no.
EIGHT = {
    "111": "重要价值客户",
    "011": "重要保持客户",
    "101": "重要发展客户",
    "001": "重要挽留客户",
    "110": "一般价值客户",
    "010": "一般保持客户",
    "100": "一般发展客户",
    "000": "一般挽留客户",
}

CELLS = np.array(list(product(range(1, 6), repeat=3)))


def _english(grid: str) -> list[str]:
    return [english for english, _ in GRIDS[grid].cells]


def _names(grid: str, scores, n_bins: int = 5) -> list[str]:
    return [_english(grid)[index] for index in segments_of(grid, np.asarray(scores), n_bins)]


@pytest.mark.parametrize("name", GRIDS)
def test_every_cell_belongs_to_exactly_one_segment(name):
    """The cells of a grid are all there are, each of them once."""
    grid = GRIDS[name]
    written = " ".join(grid.cells.values()).split()
    every_cell = {"".join(map(str, cell)) for cell in product(range(1, grid.levels + 1), repeat=grid.n_axes)}
    assert len(written) == len(every_cell)
    assert set(written) == every_cell
    assert grid.table().min() == 0
    assert grid.table().max() == len(grid.cells) - 1


def test_the_eleven_segments_have_the_published_sizes():
    """7 8 24 7 16 8 8 22 8 11 6 cells, in this order."""
    sizes = [len(cells.split()) for cells in GRIDS["eleven"].cells.values()]
    assert sizes == [7, 8, 24, 7, 16, 8, 8, 22, 8, 11, 6]
    assert _english("eleven") == list(ELEVEN)


def test_each_of_the_125_cells_is_the_published_one():
    """R, F and M lead to the segment of the map, for every combination."""
    expected = {cell: name for name, cells in ELEVEN.items() for cell in cells.split()}
    found = _names("eleven", CELLS)
    assert {"".join(map(str, cell)): name for cell, name in zip(CELLS, found, strict=True)} == expected


def test_rf10_is_the_common_map_whatever_the_spend():
    """R and F lead to one of ten segments; M plays no part."""
    for (r, f, _), name in zip(CELLS, _names("rf10", CELLS), strict=True):
        lowest_r, highest_r, lowest_f, highest_f = RF10[name]
        assert lowest_r <= r <= highest_r
        assert lowest_f <= f <= highest_f
    assert sorted(_english("rf10")) == sorted(RF10)


def test_r_fm11_takes_the_mean_of_f_and_m_with_halves_up():
    """The second axis is the mean of F and M, rounded, 2.5 being 3."""
    expected = {cell: name for name, cells in R_FM11.items() for cell in cells.split()}
    for (r, f, m), name in zip(CELLS, _names("r_fm11", CELLS), strict=True):
        assert name == expected[f"{r}{int((f + m) / 2 + 0.5)}"]
    assert _names("r_fm11", [[5, 2, 3], [5, 3, 2], [1, 4, 5]]) == ["Loyal", "Loyal", "Cannot Lose"]


def test_the_eight_groups_are_three_yes_or_no_questions():
    """Recent, frequent, high spend: each combination has its Chinese name."""
    scores = np.array([[1 + int(bit) for bit in bits] for bits in EIGHT])
    chinese = [zh for _, zh in GRIDS["eight"].cells]
    assert [chinese[index] for index in segments_of("eight", scores, 2)] == list(EIGHT.values())


@pytest.mark.parametrize("n_bins", [2, 3, 4, 6, 10])
@pytest.mark.parametrize("name", GRIDS)
def test_other_numbers_of_bins_keep_the_ends(name, n_bins):
    """The lowest scores are read as the grid's lowest, the highest as its highest."""
    own = GRIDS[name].levels
    ends = segments_of(name, np.array([[1, 1, 1], [n_bins] * 3]), n_bins)
    assert ends.tolist() == segments_of(name, np.array([[1, 1, 1], [own] * 3]), own).tolist()


def test_four_bins_are_read_as_one_two_four_five():
    """On the grid of five levels four bins leave the middle out."""
    fours = [[4, 3, 2], [1, 2, 3], [3, 3, 4]]
    assert _names("eleven", fours, n_bins=4) == _names("eleven", [[5, 4, 2], [1, 2, 4], [4, 4, 5]])


@pytest.mark.parametrize("name", GRIDS)
def test_segment_names_are_different_in_both_languages(name):
    """No two segments of a grid share a name."""
    english, chinese = zip(*GRIDS[name].cells, strict=True)
    assert len(set(english)) == len(set(chinese)) == len(GRIDS[name].cells)
    assert GRIDS[name].source
