"""The numbers of an effect: per tier and over all of them, with what chance alone would make."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from valuetier._core.arms import (
    Arms,
    adjusted,
    arms,
    difference_interval,
    lift_interval,
    redrawn,
    t_limits,
    tail_draws,
    weighted,
)
from valuetier.errors import InvalidParameterError
from valuetier.evaluate._effect_groups import Groups
from valuetier.evaluate._effect_orders import MEASURES, Watched

FEWEST = 2
POWER = 0.8
BEFORE = "spend before"
MORE, LESS, OPEN, UNKNOWN = range(4)


@dataclass(frozen=True, slots=True, eq=False)
class Stratum:
    """One tier: who is in which group, and what chance alone would make of it (None: too few)."""

    rows: NDArray[np.intp]
    treated: int
    control: int
    found: Arms
    raw: Arms
    draws: Arms | None


def effect_table(
    groups: Groups, watched: Watched, *, adjust: bool, level: float, n_draws: int, seed: int
) -> pd.DataFrame:
    """Return one row per measure and tier, and one for all tiers, whose name is missing."""
    strata = [
        _stratum(groups, watched, code, np.random.default_rng([seed, int(place)]), adjust, level, n_draws)
        for code, place in enumerate(np.argsort(np.argsort(np.array(groups.tiers or ("",), dtype=str))))
    ]
    alpha = 1.0 - level
    tested = [one for one in strata if one.draws is not None]
    each = _per_tier(alpha, len(tested))
    _refuse_few_draws(n_draws, each, level)
    parts = [_part(one, each, _share_reached(groups, one.rows)) for one in strata] if groups.tiers else []
    names: list[str | None] = list(groups.tiers)
    measures = [*MEASURES] if watched.before is None else [BEFORE, *MEASURES]
    parts.append(_overall(tested, strata, alpha, groups))
    table = pd.concat([pd.DataFrame(part) for part in parts], ignore_index=True)
    table.insert(0, "tier", np.repeat(np.array([*names, None], dtype=object), len(measures)))
    table.insert(0, "measure", measures * len(parts))
    return table


def _per_tier(alpha: float, tiers: int) -> float:
    """Return the alpha of each tier that makes ``alpha`` for all together; tiers have no customer in common."""
    return 1.0 - (1.0 - alpha) ** (1.0 / max(tiers, 1))


def _refuse_few_draws(n_draws: int, alpha: float, level: float) -> None:
    if tail_draws(n_draws, alpha) < 0:
        raise InvalidParameterError(
            f"n_resamples must be at least {math.ceil(round(2.0 / alpha, 6)) - 1} for level = {level:g} and so "
            f"many tiers, got {n_draws}."
        )


def _stratum(
    groups: Groups,
    watched: Watched,
    code: int,
    rng: np.random.Generator,
    adjust: bool,
    level: float,
    n_draws: int,
) -> Stratum:
    """Return one tier; what was spent before the start comes first, where it has no say in the draws of the others."""
    rows = _in_order(np.flatnonzero(groups.codes == code), groups, watched)
    treated, own = groups.treated[rows], watched.within.values[rows]
    n, n_treated = len(rows), int(treated.sum())
    changed = own
    if watched.before is not None:
        before = watched.before[rows]
        changed = np.hstack([before[:, :1], adjusted(own, before) if adjust else own])
        own = np.hstack([before[:, :1], own])
    enough = min(n_treated, n - n_treated) >= FEWEST and _arrangements(n, n_treated) >= 2.0 / (1.0 - level)
    draws = redrawn(changed, n_treated, n_draws, rng) if enough else None
    return Stratum(rows, n_treated, n - n_treated, arms(changed, treated), arms(own, treated), draws)


def _in_order(rows: NDArray[np.intp], groups: Groups, watched: Watched) -> NDArray[np.intp]:
    """Return the rows by what is in them, so that sums do not depend on the order of the tables."""
    before = [] if watched.before is None else [watched.before[rows]]
    keys = np.column_stack([*before, groups.treated[rows], watched.within.values[rows]])
    return rows[np.lexsort(keys.T)]


def _arrangements(n: int, k: int) -> float:
    """Return in how many ways the lot could have fallen; far more than enough counts as infinite."""
    return math.inf if n > 100 else float(math.comb(n, k))


def _part(one: Stratum, alpha: float, reached: float) -> dict[str, Any]:
    return _row(one.treated, one.control, one.found, one.raw, one.draws, alpha, reached)


def _overall(tested: list[Stratum], strata: list[Stratum], alpha: float, groups: Groups) -> dict[str, Any]:
    """Return the effect over all tiers that have both groups, each with the weight of its treated."""
    if not tested:
        either = arms(np.full((0, strata[0].found.treated.shape[0]), np.nan), np.zeros(0, dtype=np.bool_))
        sizes = sum(one.treated for one in strata), sum(one.control for one in strata)
        return _row(*sizes, either, either, None, alpha, math.nan)
    weights = np.array([one.treated for one in tested], dtype=np.float64)
    found, raw = (weighted([getattr(one, name) for one in tested], weights) for name in ("found", "raw"))
    draws = weighted([one.draws for one in tested if one.draws is not None], weights)
    shares = [_share_reached(groups, one.rows) for one in tested]
    reached = float(np.average(shares, weights=weights))
    sizes = sum(one.treated for one in tested), sum(one.control for one in tested)
    return _row(*sizes, found, raw, draws, alpha, reached)


def _share_reached(groups: Groups, rows: NDArray[np.intp]) -> float:
    """Return the share of the treated who were reached less that of control; NaN where nobody noted it."""
    if groups.reached is None:
        return math.nan
    reached, treated = groups.reached[rows], groups.treated[rows]
    of_treated = float(reached[treated].mean()) if treated.any() else math.nan
    return of_treated - (float(reached[~treated].mean()) if (~treated).any() else 0.0)


def _row(
    treated: int, control: int, found: Arms, raw: Arms, draws: Arms | None, alpha: float, reached: float
) -> dict[str, Any]:
    nothing = np.full(len(found.treated), np.nan)
    q_low, q_high = (nothing, nothing) if draws is None else t_limits(draws, alpha)
    low, high = difference_interval(found, q_low, q_high) if draws is not None else (nothing, nothing)
    lift_low, lift_high = lift_interval(found, q_low, q_high)
    positive = found.control > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        lift = np.where(positive, found.treated / found.control - 1.0, np.nan)
        shrunk = np.where(raw.error > 0, 1.0 - np.square(found.error / raw.error), np.nan)
    widest = np.maximum(np.abs(q_low), np.abs(q_high)) + float(ndtri(POWER))
    scale = 1.0 / reached if reached > 0 else math.nan
    unknown = np.isnan(low) | np.isnan(high)
    return {
        "treated": treated,
        "control": control,
        "mean_treated": found.treated,
        "mean_control": found.control,
        "difference": found.difference,
        "low": low,
        "high": high,
        "lift": lift,
        "lift_low": lift_low,
        "lift_high": lift_high,
        "detectable": np.where(found.error > 0, widest * found.error, np.nan),
        "shrunk": shrunk,
        "share_reached": reached,
        "per_reached": found.difference * scale,
        "per_reached_low": low * scale,
        "per_reached_high": high * scale,
        "outcome": np.select([unknown, low > 0, high < 0], [UNKNOWN, MORE, LESS], OPEN),
    }
