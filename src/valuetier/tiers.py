"""Tiers, the protocol of three methods that makes a segmenter, and its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier import spark
from valuetier._core.cuts import Codes
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, InvalidParameterError, require_choice
from valuetier.tables import as_of_of, materialised, read_ids

LANGUAGES = ("en", "zh")

_LEVELS = {
    2: (("High", "高价值"), ("Low", "低价值")),
    3: (("High", "高价值"), ("Medium", "中价值"), ("Low", "低价值")),
    4: (("Top", "顶级价值"), ("High", "高价值"), ("Medium", "中价值"), ("Low", "低价值")),
    5: (
        ("Top", "顶级价值"),
        ("High", "高价值"),
        ("Medium", "中价值"),
        ("Low", "低价值"),
        ("Lowest", "最低价值"),
    ),
}


@dataclass(frozen=True, slots=True)
class Tier:
    """An ordinal level of customers.

    Attributes
    ----------
    code : int
        0 is the most valuable tier.
    name, name_zh : str
        English and Chinese name.
    """

    code: int
    name: str
    name_zh: str

    def label(self, lang: str = "en") -> str:
        """Return the name in English (``"en"``) or Chinese (``"zh"``)."""
        require_choice("lang", lang, LANGUAGES)
        return self.name_zh if lang == "zh" else self.name

    def __str__(self) -> str:
        return self.name


@runtime_checkable
class Segmenter(Protocol):
    """Anything that learns tiers from a customer table and gives every customer one.

    Nothing has to be inherited: three methods make a segmenter.
    """

    def fit(self, X: Any, y: Any = None) -> Any:
        """Learn the cuts from the customers in ``X``; return the segmenter."""
        ...

    def predict(self, X: Any) -> Any:
        """Return one integer per customer; 0 is the best tier."""
        ...

    def get_tier_names_out(self, lang: str = "en") -> Sequence[str]:
        """Return the tier names, best first."""
        ...


class Answers(NamedTuple):
    """What ``predict``, ``score_samples`` and ``predict_segments`` (in English and Chinese) say of customers."""

    codes: NDArray[Any]
    scores: Floats | None
    segments: NDArray[np.object_] | None
    segments_zh: NDArray[np.object_] | None


@dataclass(frozen=True, slots=True, eq=False)
class TierAssignment:
    """Which customer belongs to which tier.

    Attributes
    ----------
    codes : (n,) int64 array
        Tier of each customer; 0 is the best.
    tiers : tuple of Tier
        All tiers, best first, also those nobody belongs to.
    segments : (n,) object array or None
        Name of each customer's segment, where the segmenter names segments.
    scores : (n,) float array or None
        Larger is more valuable.
    ids : (n,) array
        Customer ids, of the type they came in.
    kind : str
        Kind of segmenter ("rfm", "kaism", …): picks the playbook.
    as_of : date or None
        The day the customers were looked at.
    version : str or None
        Fingerprint of the fitted segmenter: equal cuts have equal versions.
    segments_zh : (n,) object array or None
        The segments' Chinese names.
    """

    codes: Codes
    tiers: tuple[Tier, ...]
    segments: NDArray[np.object_] | None
    scores: Floats | None
    ids: NDArray[Any]
    kind: str
    as_of: date | None = None
    version: str | None = None
    segments_zh: NDArray[np.object_] | None = None

    def __len__(self) -> int:
        return len(self.codes)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}: {n}" for name, n in self.counts().items())
        return f"TierAssignment(kind={self.kind!r}, customers={len(self)}, {sizes})"

    def counts(self, lang: str = "en") -> pd.Series:
        """Return the number of customers per tier, best tier first, empty tiers included."""
        sizes = np.bincount(self.codes, minlength=len(self.tiers))
        names = pd.Index([tier.label(lang) for tier in self.tiers], name="tier")
        return pd.Series(sizes, index=names, name="customers")

    def to_frame(self, lang: str = "en") -> pd.DataFrame:
        """Return customer_id, tier, segment and score; tier is an ordered categorical, best first."""
        names = [tier.label(lang) for tier in self.tiers]
        missing = np.full(len(self), None, dtype=object)
        segments = self.segments_zh if lang == "zh" else self.segments
        return pd.DataFrame(
            {
                "customer_id": self.ids,
                "tier": pd.Categorical.from_codes(self.codes, pd.Index(names), ordered=True),
                "segment": missing if segments is None else segments,
                "score": np.full(len(self), np.nan) if self.scores is None else self.scores,
            }
        )


def level_names(n_tiers: int) -> tuple[tuple[str, str], ...]:
    """Return (English, Chinese) names for ``n_tiers`` levels without names of their own.

    Examples
    --------
    >>> [en for en, _ in level_names(3)]
    ['High', 'Medium', 'Low']
    """
    numbered = tuple((f"Tier {i}", f"第 {i} 层") for i in range(1, n_tiers + 1))
    return _LEVELS.get(n_tiers, numbered)


def assign(segmenter: Segmenter, X: Any, *, as_of: date | None = None) -> TierAssignment:
    """Return the tier of every customer, from any object with the three methods.

    Parameters
    ----------
    segmenter : Segmenter
        Fitted. ``score_samples``, ``predict_segments`` and ``kind`` are used where it has them.
    X : table
        One row per customer. Ids come from ``customer_id``, else from a pandas index,
        else they count from 0.
    as_of : date, optional
        The day the customers were looked at. Default: read from the table.

    Returns
    -------
    TierAssignment
        For a Spark DataFrame a Spark DataFrame, computed in the executors when it is used:
        customer_id, tier, segment, score and tier_code (0 is the best).

    Raises
    ------
    InvalidDataError
        If an id stands twice, or ``predict`` returns no code of a known tier.
    """
    if spark.is_spark(X):
        return _assign_in_spark(segmenter, X, as_of)
    X = materialised(X)
    return assignment_of(segmenter, X, _answers(segmenter, X), as_of)


def assignment_of(segmenter: Segmenter, X: Any, found: Answers, as_of: date | None = None) -> TierAssignment:
    """Return what a segmenter answered about the customers of ``X`` as an assignment."""
    ids = read_ids(X)
    tiers = _tiers_of(segmenter)
    _check_codes(found.codes, len(tiers), len(ids))
    return TierAssignment(
        codes=found.codes.astype(np.int64),
        tiers=tiers,
        segments=found.segments,
        scores=found.scores,
        ids=ids,
        kind=kind_of(segmenter),
        as_of=as_of or as_of_of(X),
        version=version_of(segmenter),
        segments_zh=found.segments_zh,
    )


def _answers(segmenter: Any, X: Any) -> Answers:
    """Return what a segmenter says of customers: at once where it can, else method by method."""
    at_once = getattr(segmenter, "answer_at_once", None)
    answers: Answers | None = at_once(X) if at_once else None
    if answers is not None:
        return answers
    codes = np.asarray(segmenter.predict(X))
    score_samples = getattr(segmenter, "score_samples", None)
    segments = getattr(segmenter, "predict_segments", None)
    return Answers(
        codes,
        np.asarray(score_samples(X), dtype=np.float64) if score_samples else None,
        segments(X) if segments else None,
        segments(X, lang="zh") if segments else None,
    )


def _assign_in_spark(segmenter: Segmenter, X: Any, as_of: date | None) -> Any:
    """Return a Spark DataFrame with the tier of every customer."""
    if as_of is not None:
        raise InvalidParameterError(
            f"as_of has no place in a Spark DataFrame of tiers, got {as_of}. Add it as a column of the result."
        )
    _tiers_of(segmenter)
    return spark.judged(X, partial(_judge, segmenter))


def _judge(segmenter: Segmenter, customers: pd.DataFrame) -> pd.DataFrame:
    """Return tier, segment, score and tier_code of some customers."""
    found = assign(segmenter, customers)
    return found.to_frame().assign(tier_code=found.codes)


def kind_of(segmenter: Any) -> str:
    """Return the kind of a segmenter, by which its playbook is found: its own word, or the name of its class."""
    return str(getattr(segmenter, "kind", type(segmenter).__name__.lower()))


def version_of(segmenter: Any) -> str | None:
    """Return the fingerprint of the cuts; None where there is none, or a part of it cannot be stored."""
    version = getattr(segmenter, "version", None)
    try:
        return str(version()) if callable(version) else None
    except InvalidDataError:
        return None


def _tiers_of(segmenter: Segmenter) -> tuple[Tier, ...]:
    english = [str(name) for name in segmenter.get_tier_names_out()]
    try:
        chinese = [str(name) for name in segmenter.get_tier_names_out(lang="zh")]
    except TypeError:  # a segmenter with names in one language only
        chinese = english
    if not len(set(english)) == len(set(chinese)) == len(english) == len(chinese):
        raise InvalidDataError(
            "get_tier_names_out must return different names, as many in each language, got "
            f"{english} and {chinese}."
        )
    return tuple(Tier(i, en, zh) for i, (en, zh) in enumerate(zip(english, chinese, strict=True)))


def _check_codes(codes: NDArray[Any], n_tiers: int, n_customers: int) -> None:
    if codes.shape != (n_customers,):
        raise InvalidDataError(
            f"predict must return one code per customer: {n_customers} customers, shape {codes.shape}."
        )
    if codes.dtype.kind not in "iu" or (n_customers and not 0 <= codes.min() <= codes.max() < n_tiers):
        raise InvalidDataError(
            f"predict must return integers from 0 (best) to {n_tiers - 1}, one for each tier name."
        )
