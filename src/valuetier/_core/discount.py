"""Discounted purchases from any expectation that is known in closed form."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from valuetier._core.compress import Floats

Rows = NDArray[np.intp]
Expectation = Callable[[Floats, Rows], Floats]

# Beyond δt = 45 nothing is left of a purchase's value; up to δh = 1 the discount is tame.
FORGOTTEN = 45.0
TAME = 1.0

# Gauss-Legendre nodes for a range of log-time up to; longer ranges are cut into panels.
NODES = ((0.35, 4), (0.8, 6), (1.6, 8), (3.0, 12))
PANEL, PANEL_NODES = 2.0, 16


def discounted_within(
    expectation: Expectation,
    horizon: Floats,
    discount: Floats | float,
    scale: Floats,
    *,
    stepwise: bool = False,
) -> Floats:
    """Return ∫₀^h e^(-δt) dE(t), the discounted purchases within the horizon.

    Integrated by parts, E(h) e^(-δh) + δ ∫ e^(-δt) E(t) dt, the integral by Gauss-Legendre
    nodes in log(1 + t/scale), in which E is smooth. What comes after δt = 45 is left out, so
    an infinite horizon is one of 45 / δ.

    Parameters
    ----------
    expectation : callable
        From times and the places of the customers they belong to, to the purchases
        expected of these within the times.
    horizon : (n,) array
        In the unit of time of the model; may be infinite where δ > 0.
    discount : float or (n,) array
        Continuous rate δ per unit of time, ≥ 0.
    scale : (n,) array
        Time within which the expectation begins to bend, > 0.
    stepwise : bool
        The expectation rises in soft steps, as that of regular buyers does: take more nodes.

    Examples
    --------
    >>> linear = lambda t, rows: t
    >>> discounted_within(linear, np.array([10.0, np.inf]), 0.1, np.ones(2)).round(9).tolist()
    [6.321205588, 10.0]
    """
    horizon = np.asarray(horizon, dtype=np.float64)
    everyone = np.arange(len(horizon))
    if not np.any(discount):
        return expectation(horizon, everyone)
    discount = np.broadcast_to(discount, horizon.shape)
    with np.errstate(divide="ignore"):
        horizon = np.minimum(horizon, FORGOTTEN / discount)
        scale = np.minimum(scale, 1.0 / discount)
    result = expectation(horizon, everyone) * np.exp(-discount * horizon)
    length = np.log1p(horizon / scale)
    for rows, panels, nodes in _groups(length, discount * horizon, stepwise):
        points, weights = np.polynomial.legendre.leggauss(nodes)
        width, start, rate = length[rows] / panels, scale[rows], discount[rows]
        for panel in range(panels):
            for point, weight in zip((points + 1.0) / 2.0, weights / 2.0, strict=True):
                t = start * np.expm1(width * (panel + point))
                measure = rate * weight * width * (t + start)
                result[rows] += measure * np.exp(-rate * t) * expectation(t, rows)
    return np.asarray(result, dtype=np.float64)


def _groups(length: Floats, forgotten: Floats, stepwise: bool) -> list[tuple[Rows, int, int]]:
    """Return the rows by the panels and nodes that their integral needs."""
    rest, groups = np.ones(length.shape, dtype=bool), []
    for longest, nodes in () if stepwise else NODES:
        chosen = rest & (length <= longest) & (forgotten <= TAME)
        rest &= ~chosen
        groups.append((np.flatnonzero(chosen), 1, nodes))
    panels = np.maximum(np.ceil(length / (PANEL / 2.0 if stepwise else PANEL)), 1.0)
    groups += [
        (np.flatnonzero(rest & (panels == many)), int(many), PANEL_NODES) for many in np.unique(panels[rest])
    ]
    return [group for group in groups if len(group[0])]
