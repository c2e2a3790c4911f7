"""The grids from RFM scores to named segments: data, each complete and disjoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np

from valuetier._core.cuts import Codes
from valuetier._core.rules import cell_table, rescale_levels


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells of a score grid and the segment each belongs to.

    Attributes
    ----------
    levels : int
        Scores run from 1 to ``levels``; the highest is the best.
    combine_fm : bool
        Whether the second axis is the mean of F and M, halves rounded up.
    n_axes : int
        2 for R × F or R × FM, 3 for R × F × M.
    cells : mapping
        (English, Chinese) name → cells, written as digits.
    source : str
    """

    levels: int
    n_axes: int
    cells: Mapping[tuple[str, str], str]
    source: str
    combine_fm: bool = False

    def table(self) -> Codes:
        """Return the segment's index for every cell."""
        return cell_table({en: text for (en, _), text in self.cells.items()}, (self.levels,) * self.n_axes)


ELEVEN = Grid(
    levels=5,
    n_axes=3,
    source="Bloomreach, RFM segmentation (published map of 125 cells)",
    cells=MappingProxyType(
        {
            ("Champions", "冠军客户"): "555 554 544 545 454 455 445",
            ("Loyal", "忠诚客户"): "543 444 435 355 354 345 344 335",
            ("Potential Loyalist", "潜力忠诚客户"): (
                "553 551 552 541 542 533 532 531 452 451 442 441 431 453 433 432 423 353 352 351 342 341 333 323"
            ),
            ("New", "新客户"): "512 511 422 421 412 411 311",
            ("Promising", "有希望客户"): ("525 524 523 522 521 515 514 513 425 424 413 414 415 315 314 313"),
            ("Need Attention", "需关注客户"): "535 534 443 434 343 334 325 324",
            ("About To Sleep", "即将沉睡客户"): "331 321 312 221 213 231 241 251",
            ("At Risk", "流失风险客户"): (
                "255 254 245 244 253 252 243 242 235 234 225 224 153 152 145 143 142 135 134 133 125 124"
            ),
            ("Cannot Lose", "不可失去客户"): "155 154 144 214 215 115 114 113",
            ("Hibernating", "休眠客户"): "332 322 233 232 223 222 132 123 122 212 211",
            ("Lost", "已流失客户"): "111 112 121 131 141 151",
        }
    ),
)

RF10 = Grid(
    levels=5,
    n_axes=2,
    source="the common R × F map of ten segments",
    cells=MappingProxyType(
        {
            ("Champions", "冠军客户"): "54 55",
            ("Loyal", "忠诚客户"): "34 35 44 45",
            ("Potential Loyalist", "潜力忠诚客户"): "42 43 52 53",
            ("New", "新客户"): "51",
            ("Promising", "有希望客户"): "41",
            ("Need Attention", "需关注客户"): "33",
            ("About To Sleep", "即将沉睡客户"): "31 32",
            ("Cannot Lose", "不可失去客户"): "15 25",
            ("At Risk", "流失风险客户"): "13 14 23 24",
            ("Hibernating", "休眠客户"): "11 12 21 22",
        }
    ),
)

R_FM11 = Grid(
    levels=5,
    n_axes=2,
    combine_fm=True,
    source="R × rounded mean of F and M, after Shopify's segments",
    cells=MappingProxyType(
        {
            ("Champions", "冠军客户"): "55 54 45",
            ("Loyal", "忠诚客户"): "53 44 35 34",
            ("Potential", "潜力客户"): "52 42 33 43",
            ("Recent", "近期客户"): "51",
            ("Promising", "有希望客户"): "41 31",
            ("Need Attention", "需关注客户"): "32 23 22",
            ("About To Sleep", "即将沉睡客户"): "21",
            ("At Risk", "流失风险客户"): "25 24 13",
            ("Cannot Lose", "不可失去客户"): "15 14",
            ("Hibernating", "休眠客户"): "12",
            ("Lost", "已流失客户"): "11",
        }
    ),
)

EIGHT = Grid(
    levels=2,
    n_axes=3,
    source="the Chinese eight groups: recent, frequent, high spend, each yes or no",
    cells=MappingProxyType(
        {
            ("Important value", "重要价值客户"): "222",
            ("Important keep", "重要保持客户"): "122",
            ("Important develop", "重要发展客户"): "212",
            ("Important win-back", "重要挽留客户"): "112",
            ("General value", "一般价值客户"): "221",
            ("General keep", "一般保持客户"): "121",
            ("General develop", "一般发展客户"): "211",
            ("General win-back", "一般挽留客户"): "111",
        }
    ),
)

GRIDS: Mapping[str, Grid] = MappingProxyType(
    {"eleven": ELEVEN, "rf10": RF10, "r_fm11": R_FM11, "eight": EIGHT}
)


@cache
def _table(name: str) -> Codes:
    return GRIDS[name].table()


def segments_of(name: str, scores: Codes, n_bins: int) -> Codes:
    """Return the index of each customer's segment.

    Parameters
    ----------
    name : str
        A key of ``GRIDS``.
    scores : (n, 3) array
        R, F and M scores from 1 to ``n_bins``. Read on the grid's own number of
        levels: the lowest stays the lowest, the highest the highest.
    """
    grid = GRIDS[name]
    levels = rescale_levels(scores, n_bins, grid.levels)
    r, f, m = levels.T
    if grid.combine_fm:
        f = np.asarray((f + m + 1) // 2, dtype=np.int64)
    axes = (r, f, m)[: grid.n_axes]
    return np.asarray(_table(name)[tuple(axis - 1 for axis in axes)], dtype=np.int64)
