"""The stages of a customer's life as data: three levels on three axes, each cell in one stage."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np

from valuetier._core.changes import SMALLEST
from valuetier._core.compress import significant
from valuetier._core.cuts import Codes
from valuetier._core.rules import cell_table
from valuetier._validate import Floats
from valuetier.explain.levers import Lever
from valuetier.segmenters.crossings import rounding_line
from valuetier.store import storable

# In the order in which a customer goes through them.
STAGES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "acquisition": ("Acquisition", "获取期"),
        "growth": ("Growth", "提升期"),
        "maturity": ("Maturity", "成熟期"),
        "decline": ("Decline", "衰退期"),
        "lost": ("Lost", "流失期"),
    }
)

# Each cell is activity, experience, trend; 3 is the best level of each:
# activity 1 silent too long, 2 late, 3 in rhythm · experience 1 first order only, 2 building up,
# 3 established · trend 1 falling, 2 steady, 3 rising.
CELLS: Mapping[str, str] = MappingProxyType(
    {
        "acquisition": "311 312 313",
        "growth": "322 323 333",
        "maturity": "332",
        "decline": "211 212 213 221 222 223 231 232 233 321 331",
        "lost": "111 112 113 121 122 123 131 132 133",
    }
)


@storable
@dataclass(frozen=True, slots=True)
class Boundaries:
    """The lines between the levels; a value that reaches a line is above it.

    Attributes
    ----------
    typical_gap_days : float
        Days between two orders of a typical repeat buyer.
    gap_weight : float
        How many gaps of the customer's own the typical one counts as.
    late_gaps, lost_gaps : float
        Silence, in gaps of the customer's rhythm, from which it is late, and too long.
    mature_orders : float
    mature_age_days : float
        Orders and age, both of them, from which a customer is established.
    falling, rising : float
        Trend below which it is falling, and from which it is rising.
    late_alive, lost_alive : float
        Probability to be a customer still below which one is late, and lost.
    """

    typical_gap_days: float
    gap_weight: float
    late_gaps: float
    lost_gaps: float
    mature_orders: float
    mature_age_days: float
    falling: float
    rising: float
    late_alive: float
    lost_alive: float

    @property
    def silence(self) -> tuple[float, float]:
        """The lines of silence, ascending."""
        return (self.late_gaps, self.lost_gaps)

    @property
    def trend(self) -> tuple[float, float]:
        """The lines of the trend, ascending."""
        return (self.falling, self.rising)

    @property
    def alive(self) -> tuple[float, float]:
        """The lines of the probability to be alive, ascending."""
        return (self.lost_alive, self.late_alive)


@cache
def stage_table() -> Codes:
    """Return the stage's index for every cell (activity, experience, trend)."""
    return cell_table(CELLS, (3, 3, 3))


def rhythm_days(x: Floats, t_x: Floats, boundaries: Boundaries) -> Floats:
    """Return each customer's days between orders: its own gaps and the typical one, averaged.

    Examples
    --------
    >>> lines = Boundaries(60.0, 1.0, 2.0, 4.0, 4.0, 180.0, -0.2, 0.2, 0.5, 0.2)
    >>> rhythm_days(np.array([0.0, 2.0]), np.array([0.0, 30.0]), lines).tolist()
    [60.0, 30.0]
    """
    weight = boundaries.gap_weight
    return significant((weight * boundaries.typical_gap_days + t_x) / (weight + x))


def history_levers(x: Floats, t_x: Floats, T: Floats, boundaries: Boundaries) -> dict[str, Lever]:
    """Return where orders, the last of them and the age bring a customer to the lines between the stages.

    Silence is (T - t_x) / rhythm, the rhythm (weight × typical gap + t_x) / (weight + x); each is solved for
    one of the three. Who bought once has no other history than that.
    """
    lines = np.array([rounding_line(line) for line in boundaries.silence if math.isfinite(line)])[None, :]
    weight, typical = boundaries.gap_weight, boundaries.typical_gap_days
    again = x > 0
    gap = rhythm_days(x, t_x, boundaries)[:, None]
    silent = np.where(t_x < T, T - t_x, np.nan)[:, None]
    orders = lines * (weight * typical + t_x)[:, None] / silent - weight
    last = ((T * (weight + x))[:, None] - lines * weight * typical) / ((weight + x)[:, None] + lines)
    return {
        "x": Lever(
            np.array([boundaries.mature_orders - 1.0]),
            np.where(again[:, None], orders, np.nan),
            np.where(again, 1.0, 0.0),
            np.where(again, np.inf, 0.0),
            whole=True,
        ),
        "t_x": Lever(
            np.empty(0),
            np.where(again[:, None], last, np.nan),
            np.where(again, SMALLEST, 0.0),
            np.where(again, T, 0.0),
        ),
        "T": Lever(np.array([boundaries.mature_age_days]), t_x[:, None] + lines * gap, t_x),
    }


def level(values: Floats, lines: Sequence[float]) -> Codes:
    """Return 1, 2 or 3: how many of the two ascending lines a value has reached, plus one.

    Examples
    --------
    >>> level(np.array([1.9, 2.0, 4.0]), (2.0, 4.0)).tolist()
    [1, 2, 3]
    """
    return 1 + np.searchsorted(np.asarray(lines), values, side="right").astype(np.int64)


def activity_level(silence: Floats, alive: Floats | None, boundaries: Boundaries) -> Codes:
    """Return 1 silent too long, 2 late, 3 in rhythm: the worse of silence and P(alive)."""
    by_silence = 4 - level(silence, boundaries.silence)
    return by_silence if alive is None else np.minimum(by_silence, level(alive, boundaries.alive))


def experience_level(x: Floats, age_days: Floats, boundaries: Boundaries) -> Codes:
    """Return 1 first order only, 2 building up, 3 established."""
    established = (x + 1 >= boundaries.mature_orders) & (age_days >= boundaries.mature_age_days)
    return np.where(x == 0, 1, np.where(established, 3, 2))


def trend_level(trend: Floats | None, n: int, boundaries: Boundaries) -> Codes:
    """Return 1 falling, 2 steady, 3 rising; an unknown trend (NaN, or none at all) is steady."""
    if trend is None:
        return np.full(n, 2, dtype=np.int64)
    return np.where(np.isnan(trend), 2, level(trend, boundaries.trend))
