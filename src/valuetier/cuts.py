"""Cuts: rules that turn a score into tiers, learned once, applied to anyone later."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from valuetier import _validate as validate
from valuetier._core.cuts import Codes, natural_thresholds, share_thresholds, tier_codes
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, InvalidParameterError
from valuetier.store import storable
from valuetier.tiers import level_names

Names = Sequence[str] | Sequence[tuple[str, str]] | None


@storable
@dataclass(frozen=True, slots=True)
class CutReport:
    """Shares asked for against shares reached: ties stay together, so they may differ.

    Attributes
    ----------
    requested : tuple of float or None
        Share of customers (or of value) asked for per tier; None where none was.
    realised : tuple of float
        Share of customers in each tier when fitted.
    unused : tuple of int
        Codes of the tiers that stayed empty because equal values cannot be parted.
    """

    requested: tuple[float, ...] | None
    realised: tuple[float, ...]
    unused: tuple[int, ...]


class Cut(BaseEstimator):
    """Base of the cuts: thresholds are learned by ``fit`` and applied by ``apply``.

    Attributes
    ----------
    thresholds_ : (k - 1,) array
        Lowest score of each tier but the last, best first.
    report_ : CutReport
    """

    names: Names

    @abstractmethod
    def _size(self) -> int:
        """Return the number of tiers."""

    @abstractmethod
    def _learn(self, scores: Floats, name: str) -> Floats:
        """Return the thresholds for the scores."""

    def _requested(self) -> tuple[float, ...] | None:
        return None

    def fit(self, scores: ArrayLike, y: Any = None, *, name: str = "scores") -> Self:
        """Return the cut with thresholds learned from ``scores``; larger is better.

        ``name`` is what messages call the scores.

        Raises
        ------
        InvalidDataError
            If there is no score, one is missing, or all are equal and the cut would need
            to part them.
        """
        values = validate.float_column(name, scores)
        validate.enough_customers(len(values), 1)
        validate.refuse_not_finite(name, values)
        self.tier_names()
        thresholds = self._learn(values, name)
        sizes = np.bincount(tier_codes(values, thresholds), minlength=self._size())
        self.thresholds_ = thresholds
        self.report_ = CutReport(
            self._requested(),
            tuple((sizes / len(values)).tolist()),
            tuple(np.flatnonzero(sizes == 0).tolist()),
        )
        return self

    def apply(self, scores: ArrayLike) -> Codes:
        """Return the tier of each score; 0 is the best tier."""
        check_is_fitted(self)
        values = validate.float_column("scores", scores)
        validate.refuse_not_finite("scores", values)
        return tier_codes(values, self.thresholds_)

    def tier_names(self) -> tuple[tuple[str, str], ...]:
        """Return (English, Chinese) names of the tiers, best first."""
        if self.names is None:
            return level_names(self._size())
        try:
            pairs = tuple((n, n) if isinstance(n, str) else (str(n[0]), str(n[1])) for n in self.names)
        except (TypeError, LookupError):
            pairs = ()
        languages = [set(language) for language in zip(*pairs, strict=True)]
        if not languages or any(len(language) != self._size() for language in (pairs, *languages)):
            raise InvalidParameterError(
                f"names must be {self._size()} different names, one per tier, got {self.names!r}."
            )
        return pairs


class _ByShares(Cut):
    """What the cuts by share have in common."""

    shares: Sequence[float]

    def _size(self) -> int:
        return len(validate.share_vector("shares", self.shares))

    def _requested(self) -> tuple[float, ...] | None:
        return tuple(float(share) for share in self.shares)


class ShareCut(_ByShares):
    """Cut by share of customers: the best 20 %, the next 30 %, … of them.

    Parameters
    ----------
    shares : sequence of float
        Share of customers per tier, best first; positive, sums to 1.
    names : sequence of str or of (str, str), optional
        Tier names, or pairs of English and Chinese names.

    Examples
    --------
    >>> ShareCut((0.2, 0.8)).fit([5, 4, 3, 2, 1]).apply([9, 4]).tolist()
    [0, 1]
    """

    def __init__(self, shares: Sequence[float] = (0.2, 0.3, 0.5), *, names: Names = None) -> None:
        self.shares = shares
        self.names = names

    def _learn(self, scores: Floats, name: str) -> Floats:
        _refuse_constant(scores, name)
        return share_thresholds(scores, np.asarray(self.shares, dtype=np.float64))


class ValueShareCut(_ByShares):
    """Cut by cumulative share of value: those who bring the first 80 %, the next 15 %, … of it.

    Parameters
    ----------
    shares : sequence of float
        Share of the total value per tier, best first; positive, sums to 1.
    names : sequence of str or of (str, str), optional
        Tier names, or pairs of English and Chinese names.

    Examples
    --------
    >>> ValueShareCut((0.8, 0.15, 0.05)).fit([80, 10, 5, 3, 2]).apply([80, 6, 1]).tolist()
    [0, 1, 2]
    """

    def __init__(self, shares: Sequence[float] = (0.8, 0.15, 0.05), *, names: Names = None) -> None:
        self.shares = shares
        self.names = names

    def _learn(self, scores: Floats, name: str) -> Floats:
        validate.refuse(name, scores < 0, "are negative", "A share of value needs values ≥ 0: use ShareCut.")
        _refuse_constant(scores, name)
        return share_thresholds(scores, np.asarray(self.shares, dtype=np.float64), weights=scores)


class ThresholdCut(Cut):
    """Cut at given scores; nothing is learned.

    Parameters
    ----------
    thresholds : sequence of float
        Lowest score of each tier but the last, best first: strictly decreasing.
    names : sequence of str or of (str, str), optional
        Tier names, or pairs of English and Chinese names.

    Examples
    --------
    >>> ThresholdCut((1000, 100)).fit([5]).apply([1000, 999, 3]).tolist()
    [0, 1, 2]
    """

    def __init__(self, thresholds: Sequence[float] = (4.0, 3.0, 2.0), *, names: Names = None) -> None:
        self.thresholds = thresholds
        self.names = names

    def _size(self) -> int:
        return len(self._checked()) + 1

    def _learn(self, scores: Floats, name: str) -> Floats:
        return self._checked()

    def _checked(self) -> Floats:
        try:
            thresholds = np.asarray(self.thresholds, dtype=np.float64)
        except (TypeError, ValueError):
            thresholds = np.empty(0)
        if thresholds.ndim != 1 or not len(thresholds) or not np.isfinite(thresholds).all():
            raise InvalidParameterError(
                f"thresholds must be at least one finite number, got {self.thresholds!r}."
            )
        if not (np.diff(thresholds) < 0).all():
            raise InvalidParameterError(
                f"thresholds must decrease, the best tier's first, got {self.thresholds!r}."
            )
        return thresholds


class NaturalBreakCut(Cut):
    """Cut where the scores leave gaps (natural breaks, Jenks).

    Parameters
    ----------
    n_tiers : int
        Number of tiers, at least 2.
    names : sequence of str or of (str, str), optional
        Tier names, or pairs of English and Chinese names.

    Examples
    --------
    >>> NaturalBreakCut(2).fit([1, 2, 50, 51]).apply([3, 60]).tolist()
    [1, 0]
    """

    def __init__(self, n_tiers: int = 4, *, names: Names = None) -> None:
        self.n_tiers = n_tiers
        self.names = names

    def _size(self) -> int:
        return validate.whole_number("n_tiers", self.n_tiers, 2)

    def _learn(self, scores: Floats, name: str) -> Floats:
        _refuse_constant(scores, name)
        return natural_thresholds(scores, self._size())


def new_cut(cut: Any, default: Cut | None) -> Cut:
    """Return an unfitted copy of ``cut``, or of ``default`` where ``cut`` is None.

    Raises
    ------
    InvalidParameterError
        If ``cut`` has not the methods of a cut.
    """
    cut = default if cut is None else cut
    if isinstance(cut, type) or not all(hasattr(cut, name) for name in ("fit", "apply", "tier_names")):
        raise InvalidParameterError(f"cut must be a cut such as ShareCut((0.2, 0.8)), got {cut!r}.")
    copy: Cut = clone(cut, safe=False)
    return copy


def _refuse_constant(scores: Floats, name: str) -> None:
    if scores.min() == scores.max():
        raise InvalidDataError(
            f"{name}: all {len(scores)} values are equal, so they cannot be cut "
            f"(n_samples = {len(scores)}). Use another value column, or ThresholdCut."
        )
