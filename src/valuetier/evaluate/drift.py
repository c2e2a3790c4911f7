"""Does the ruler still fit? Inputs, cuts and tiers of two customer tables, and whether to learn anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from valuetier import _validate as validate
from valuetier._core.cuts import Codes
from valuetier._core.drift import (
    LARGE,
    MODERATE,
    class_counts,
    class_edges,
    index_by_chance,
    population_stability_index,
)
from valuetier._validate import Floats
from valuetier.errors import InvalidParameterError, require_choice
from valuetier.evaluate._decomposition import FalseMoves, false_moves
from valuetier.evaluate._percent import percent
from valuetier.evaluate._refits import refitted, taken
from valuetier.evaluate._stability_words import ADVICE, BEYOND, CHANCE, DRIFT_LEVELS, INPUT, WITHIN
from valuetier.evaluate.migration import refuse_other_tiers
from valuetier.tables import ID, as_frame, column_list, materialised, read_columns, width
from valuetier.tiers import LANGUAGES, Segmenter, Tier, TierAssignment, assign
from valuetier.words import column_label

PROBED = 20  # customers on whom it is tried which columns a segmenter reads

# What to do, by whether new cuts move more customers than chance, and by how far the inputs moved.
RECOMMENDED: Mapping[tuple[bool, str], str] = MappingProxyType(
    {
        (False, "little"): "keep",
        (False, "moderate"): "keep",
        (False, "large"): "keep",
        (True, "little"): "keep",
        (True, "moderate"): "watch",
        (True, "large"): "refit",
    }
)


@dataclass(frozen=True, slots=True)
class InputDrift:
    """How far one input has moved.

    Attributes
    ----------
    name : str
    psi : float
        Population stability index over classes of equal size before.
    by_chance : float
        What two samples of one population of these sizes exceed one time in twenty.
    """

    name: str
    psi: float
    by_chance: float

    @property
    def level(self) -> str:
        """``"little"`` below 0.10, or within chance; ``"large"`` from 0.25; else ``"moderate"``."""
        if self.psi < MODERATE or self.psi <= self.by_chance:
            return "little"
        return "large" if self.psi >= LARGE else "moderate"


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """What has changed between two customer tables, as a segmenter sees it.

    Attributes
    ----------
    tiers : tuple of Tier
    inputs : tuple of InputDrift
        The one that has moved most first; those that moved no more than by chance last.
    share_before, share_old_cuts, share_new_cuts : (k,) array
        Share of customers per tier: before; now, by the cuts in use; now, by cuts learned anew.
    lowest_old, lowest_new : (k,) array or None
        Lowest score now that reaches each tier, by either cuts; NaN for a tier without customers.
        None where a segmenter gives no scores or its tiers do not follow them. In the units of the
        score: where that is learned itself, as the points of RFM are, look at the shares.
    recut : float
        Share of the customers now whom new cuts would put into another tier.
    noise : FalseMoves
        What refits to the same customers do by chance.
    """

    tiers: tuple[Tier, ...]
    inputs: tuple[InputDrift, ...]
    share_before: Floats
    share_old_cuts: Floats
    share_new_cuts: Floats
    lowest_old: Floats | None
    lowest_new: Floats | None
    recut: float
    noise: FalseMoves

    @property
    def recommendation(self) -> str:
        """``"keep"``, ``"watch"`` or ``"refit"``: by ``RECOMMENDED``, from the cuts and the input that moved most."""
        levels = [each.level for each in self.inputs]
        worst = max(levels, key=list(DRIFT_LEVELS).index)
        return RECOMMENDED[self.beyond_noise(), worst]

    def beyond_noise(self) -> bool:
        """Return whether new cuts would move more customers than 97.5 % of refits do by chance."""
        return self.recut > self.noise.high

    def to_frame(self, lang: str = "en") -> pd.DataFrame:
        """Return one row per tier: its shares, and the lowest score that reaches it by old and new cuts."""
        require_choice("lang", lang, LANGUAGES)
        names = ("share_before", "share_old_cuts", "share_new_cuts", "lowest_old", "lowest_new")
        known = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return pd.DataFrame({"tier": [tier.label(lang) for tier in self.tiers], **known})

    def inputs_frame(self, lang: str = "en") -> pd.DataFrame:
        """Return one row per input, in their order: psi, by_chance and the level in words."""
        require_choice("lang", lang, LANGUAGES)
        rows = [(each.name, each.psi, each.by_chance, DRIFT_LEVELS[each.level][lang]) for each in self.inputs]
        return pd.DataFrame(rows, columns=["input", "psi", "by_chance", "level"])

    def verdict(self, lang: str = "en") -> str:
        """Return what to do with the cuts, and why."""
        require_choice("lang", lang, LANGUAGES)
        top = self.inputs[0]
        level = DRIFT_LEVELS[top.level][lang]
        said = [
            ADVICE[self.recommendation][lang],
            INPUT[lang].format(
                n=len(self.inputs), name=column_label(top.name, lang), psi=top.psi, level=level
            ),
        ]
        if MODERATE <= top.psi <= top.by_chance:
            said.append(CHANCE[lang].format(by_chance=top.by_chance))
        words = BEYOND if self.beyond_noise() else WITHIN
        said.append(
            words[lang].format(recut=percent(self.recut, lang, 1), high=percent(self.noise.high, lang, 1))
        )
        return ("" if lang == "zh" else " ").join(said)

    def __str__(self) -> str:
        return f"{self.inputs_frame()}\n{self.to_frame()}\n{self.verdict()}"


def drift(
    segmenter: Segmenter,
    X_before: Any,
    X_after: Any,
    *,
    columns: Sequence[str] | None = None,
    n_classes: int = 10,
    n_resamples: int = 50,
    random_state: int = 0,
) -> Drift:
    """Return how far inputs, cuts and tiers have moved between two customer tables, and what to do.

    Parameters
    ----------
    segmenter : Segmenter
        The one in use, fitted; it is not changed.
    X_before, X_after : table
        The customers it was learned from, and those of now.
    columns : sequence of str, optional
        Inputs to compare. Default: the columns of numbers that the segmenter cannot do without, which
        is tried out; all columns of numbers if there is none such. Of an array all.
    n_classes : int
        Classes of the population stability index, of equal size before.
    n_resamples : int
        Pairs of refits from which the moves by chance are counted.
    random_state : int
        Seed of the resamples.

    Raises
    ------
    MissingColumnsError
        If a table lacks a column.
    InvalidParameterError
        If ``columns`` names none, or the numbers of classes or resamples cannot work.
    InvalidDataError
        If learning anew gives other tiers than those in use.

    Notes
    -----
    New cuts are worth their price, that tiers cannot be compared with earlier ones any more, if they
    move more customers than chance does *and* an input has changed significantly, by the usual reading of the
    population stability index: little below 0.10, significant from 0.25. That reading disregards the number of
    customers; what two samples would show by chance is therefore given beside it. Customers who
    are in both tables make it smaller still.

    References
    ----------
    Yurdakul & Naranjo (2020), "Statistical properties of the population stability index", Journal of
    Risk Model Validation.

    Examples
    --------
    >>> import valuetier as vt
    >>> before = vt.checks.make_customers(2000)
    >>> after = before.assign(spend=before["spend"] * 2)
    >>> pyramid = vt.PyramidSegmenter(preset="hml").fit(before)
    >>> found = drift(pyramid, before, after)
    >>> found.recommendation
    'refit'
    >>> found.to_frame()[["tier", "share_old_cuts", "share_new_cuts", "lowest_old", "lowest_new"]].round(2)
           tier  share_old_cuts  share_new_cuts  lowest_old  lowest_new
    0      High            0.39             0.2       180.0       354.0
    1    Medium            0.38             0.3        64.0       128.0
    2       Low            0.24             0.5         2.0         2.0
    3  No value            0.00             0.0         NaN         NaN
    """
    validate.whole_number("n_classes", n_classes, 2)
    validate.whole_number("n_resamples", n_resamples, 1)
    X_before, X_after = materialised(X_before), materialised(X_after)
    names = _inputs(segmenter, X_before) if columns is None else column_list("columns", columns)
    if not names:
        raise InvalidParameterError("columns must name at least one input to compare, got none.")
    before, old = assign(segmenter, X_before), assign(segmenter, X_after)
    new = assign(refitted(segmenter, X_after), X_after)
    refuse_other_tiers(old, new)
    size = len(old.tiers)
    sizes = (len(before), len(old))
    noise = false_moves(
        segmenter, X_after, new.codes, size, sizes=sizes, n_resamples=n_resamples, random_state=random_state
    )
    lowest = _lowest(old), _lowest(new)
    known = all(each is not None for each in lowest)
    return Drift(
        tiers=old.tiers,
        inputs=_moved(X_before, X_after, names, n_classes),
        share_before=_shares(before.codes, size),
        share_old_cuts=_shares(old.codes, size),
        share_new_cuts=_shares(new.codes, size),
        lowest_old=lowest[0] if known else None,
        lowest_new=lowest[1] if known else None,
        recut=float((old.codes != new.codes).mean()),
        noise=noise,
    )


def _moved(X_before: Any, X_after: Any, names: Sequence[str], n_classes: int) -> tuple[InputDrift, ...]:
    """Return the drift of each input: beyond chance before within it, the largest first."""
    tables = (read_columns(X, names, optional=names) for X in (X_before, X_after))
    found = [
        _input_drift(name, was, is_now, n_classes)
        for name, was, is_now in zip(names, *(table.T for table in tables), strict=True)
    ]
    return tuple(sorted(found, key=lambda each: (-list(DRIFT_LEVELS).index(each.level), -each.psi)))


def _input_drift(name: str, was: Floats, is_now: Floats, n_classes: int) -> InputDrift:
    edges = class_edges(was, n_classes)
    before, after = class_counts(was, edges), class_counts(is_now, edges)
    return InputDrift(name, population_stability_index(before, after), index_by_chance(before, after))


def _inputs(segmenter: Any, X: Any) -> tuple[str, ...]:
    """Return the columns of numbers without which the segmenter cannot judge; all if there is none such."""
    frame = as_frame(X)
    if not isinstance(frame, nw.DataFrame):
        return tuple(f"column {i}" for i in range(width(X) or 0))
    numbers = [name for name, kind in frame.schema.items() if kind.is_numeric() and name != ID]
    few = nw.from_native(taken(X, np.arange(min(PROBED, len(frame)))))
    needed = tuple(name for name in numbers if not _judges(segmenter, few.drop(name).to_native()))
    return needed or tuple(numbers)


def _judges(segmenter: Any, X: Any) -> bool:
    try:
        segmenter.predict(X)
    except Exception:  # of whatever kind a segmenter of another package raises for a missing column
        return False
    return True


def _shares(codes: Codes, n_tiers: int) -> Floats:
    return np.bincount(codes, minlength=n_tiers) / max(len(codes), 1)


def _lowest(found: TierAssignment) -> Floats | None:
    """Return the lowest score in each tier; None where tiers do not follow the scores."""
    if found.scores is None:
        return None
    by_code = pd.Series(found.scores).groupby(found.codes)
    lowest, highest = by_code.min(), by_code.max()
    if not (lowest.to_numpy()[:-1] > highest.to_numpy()[1:]).all():
        return None
    return np.asarray(lowest.reindex(range(len(found.tiers))).to_numpy(), dtype=np.float64)
