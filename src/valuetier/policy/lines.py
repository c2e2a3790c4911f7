"""The lines of the tiers: the lowest score of each, as far as scores decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from valuetier._core.policy import learned_lines
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, InvalidParameterError
from valuetier.tiers import TierAssignment, version_of


@dataclass(frozen=True, slots=True)
class TierLines:
    """The lowest score of each of the best tiers, and the version of the cuts they are from.

    Attributes
    ----------
    values : tuple of float
        Best tier first, not increasing.
    version : str or None
    """

    values: tuple[float, ...]
    version: str | None = None


def read_lines(given: Any) -> TierLines:
    """Return lines from numbers, or from a fitted segmenter or cut that has thresholds.

    Raises
    ------
    InvalidParameterError
        If there are none.
    """
    if isinstance(given, TierLines):
        return given
    source = getattr(given, "cut_", given)
    version = version_of(given) if hasattr(given, "predict") else None
    try:
        values = np.asarray(getattr(source, "thresholds_", source), dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.ndim != 1 or not len(values) or np.isnan(values).any() or (np.diff(values) > 0).any():
        raise InvalidParameterError(
            "lines must be the lowest score of each tier but the last, best tier first, or a fitted segmenter or cut "
            f"that has thresholds, got {_named(given)}."
        )
    return TierLines(tuple(values.tolist()), version)


def lines_for(assignment: TierAssignment, lines: TierLines | None, band: float | None) -> Floats | None:
    """Return the lines for a band below the tiers of an assignment; None where no band is asked for.

    Without ``lines`` they are the lowest scores that are seen in the tiers.

    Raises
    ------
    InvalidDataError
        If a band is asked for and the tiers have no lines in the score, or ``lines`` are of other cuts.
    """
    if band == 0:
        return None
    if lines is not None:
        return _checked(assignment, lines)
    scores = assignment.scores
    found = None if scores is None else learned_lines(assignment.codes, scores, len(assignment.tiers))
    if found is None and band is not None:
        problem = (
            "it has no scores"
            if scores is None or np.isnan(scores).all()
            else "its tiers overlap in the score"
        )
        raise InvalidDataError(
            f"retention_band={band} needs a line below each tier, and the assignment of kind {assignment.kind!r} shows none: "
            f"{problem}. Pass retention_band=0, or lines= with the lowest score of each tier."
        )
    return found


def _checked(assignment: TierAssignment, lines: TierLines) -> Floats:
    if len(lines.values) >= len(assignment.tiers):
        raise InvalidDataError(
            f"lines has {len(lines.values)} entries for {len(assignment.tiers)} tiers. Every tier but the last has one line at "
            "most."
        )
    if assignment.scores is None:
        raise InvalidDataError(
            f"lines needs scores to hold against them, and the assignment of kind {assignment.kind!r} has none. "
            "Pass retention_band=0."
        )
    if None not in (lines.version, assignment.version) and lines.version != assignment.version:
        raise InvalidDataError(
            f"lines are of version {lines.version}, the assignment of version {assignment.version}. Pass the segmenter that made "
            "the assignment: dataclasses.replace(policy, lines=segmenter)."
        )
    return np.array(lines.values)


def _named(given: Any) -> str:
    return repr(given) if isinstance(given, (str, int, float, list, tuple)) else f"a {type(given).__name__}"
