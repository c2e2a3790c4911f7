"""Which columns change a tier alone, and what changes it, for all customers at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from valuetier._core.changes import Change, CodesAt, changes_at_crossings, changes_at_thresholds
from valuetier._core.cuts import Codes
from valuetier._core.threads import in_threads
from valuetier._validate import Floats

NONE: Floats = np.empty(0)
AT_A_TIME = 2**15

# What a customer table counts has a smallest value: no order lies in the future.
LOWEST: Mapping[str, float] = dict.fromkeys(("recency_days", "orders", "x", "t_x", "T"), 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Lever:
    """A column that changes tiers alone, and where.

    Attributes
    ----------
    thresholds : (k,) array
        The same for all customers: the tier may change at or right beside them.
    turns : (n, k) array, optional
        For each customer values close to where its tier may change; NaN where there is none.
    lowest, highest : float or (n,) array
        What the column can hold.
    whole : bool
        It holds whole numbers, of whatever type it is.
    monotone : bool
        Tiers only get better in one direction, and only worse in the other.
    """

    thresholds: Floats
    turns: Floats | None = None
    lowest: float | Floats = -math.inf
    highest: float | Floats = math.inf
    whole: bool = False
    monotone: bool = False


def joined(levers: Sequence[Lever]) -> Lever:
    """Return several levers of one column as one: all their places, what all of them can hold."""
    turns = [lever.turns for lever in levers if lever.turns is not None]
    return Lever(
        np.concatenate([lever.thresholds for lever in levers]),
        np.column_stack(turns) if turns else None,
        np.max([np.broadcast_arrays(lever.lowest, *_ends(levers))[0] for lever in levers], axis=0),
        np.min([np.broadcast_arrays(lever.highest, *_ends(levers))[0] for lever in levers], axis=0),
        any(lever.whole for lever in levers),
    )


def _ends(levers: Sequence[Lever]) -> list[float | Floats]:
    return [end for lever in levers for end in (lever.lowest, lever.highest)]


def find_changes(
    names: Sequence[str],
    columns: Floats,
    own: Codes,
    levers: Mapping[str, Lever],
    whole: tuple[bool, ...],
    assess: Callable[[Floats], Codes],
    codes_at: Mapping[str, CodesAt],
) -> dict[str, Change]:
    """Return what each lever changes for each customer; see :mod:`valuetier._core.changes`.

    Where thresholds on every column decide, customers are looked at by cells; else each lever
    is followed customer by customer.
    """
    if not len(columns):
        no_code = np.empty(0, dtype=np.int64)
        return {name: Change(NONE, NONE, NONE, no_code, NONE, no_code) for name in levers}
    at = {name: list(names).index(name) for name in levers}
    levers = {name: _counted(lever, name) for name, lever in levers.items()}
    if set(levers) == set(names) and all(lever.turns is None for lever in levers.values()):
        thresholds = {at[name]: lever.thresholds for name, lever in levers.items()}
        lowest = {at[name]: float(np.max(lever.lowest)) for name, lever in levers.items()}
        found = changes_at_thresholds(assess, columns, thresholds, lowest, whole, own)
        return {name: found[at[name]] for name in levers}
    return {
        name: _followed(codes_at[name], columns[:, at[name]], lever, whole[at[name]] or lever.whole, own)
        for name, lever in levers.items()
    }


def _counted(lever: Lever, name: str) -> Lever:
    """Return the lever of a column that counts something without what lies below zero."""
    return replace(lever, lowest=np.maximum(lever.lowest, LOWEST.get(name, -math.inf)))


def _followed(codes_at: CodesAt, values: Floats, lever: Lever, whole: bool, own: Codes) -> Change:
    """Return what a lever changes for each customer, some thousands of them at a time."""
    n = len(values)
    turns = np.empty((n, 0)) if lever.turns is None else lever.turns
    thresholds = lever.thresholds[np.isfinite(lever.thresholds)]
    lowest, highest = _each(lever.lowest, n), _each(lever.highest, n)
    values = np.where(lowest == highest, np.nan, values)  # alone it cannot move

    def follow(start: int) -> Change:
        some = slice(start, start + AT_A_TIME)
        return changes_at_crossings(
            lambda rows, moved: codes_at(rows + start, moved),
            values[some], thresholds, turns[some], whole, own[some], (lowest[some], highest[some]),
            lever.monotone,
        )  # fmt: skip

    parts = in_threads(follow, list(range(0, n, AT_A_TIME)))
    return Change(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _each(bound: float | Floats, n: int) -> NDArray[np.float64]:
    return np.broadcast_to(np.asarray(bound, dtype=np.float64), (n,))
