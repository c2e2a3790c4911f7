"""What the built-in segmenters share: everything is derived from one assessment, nothing is stored."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial, wraps
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from valuetier import _validate as validate
from valuetier import store, tables
from valuetier._core.changes import Change, CodesAt, Rows
from valuetier._core.cuts import Codes
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, require_choice
from valuetier.explain import Explanation, Grounds, explanation
from valuetier.explain.answer import document_of
from valuetier.explain.levers import Lever, find_changes
from valuetier.protected import refuse_protected
from valuetier.tiers import LANGUAGES, Answers, TierAssignment, assign

Names = Sequence[tuple[str, str]]

# The methods whose answers one assessment gives.
ANSWERS = ("predict", "score_samples", "predict_segments")


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a segmenter finds about customers, one entry per customer.

    Attributes
    ----------
    codes : int64 array
        Tier; 0 is the best.
    scores : float array
        Larger is more valuable.
    evidence : dict
        Named columns that led there.
    segments : int64 array, optional
        Index of the segment's name.
    """

    codes: Codes
    scores: Floats
    evidence: dict[str, Floats]
    segments: Codes | None = None

    def take(self, rows: Rows) -> Assessment:
        """Return what was found about some of the customers."""
        evidence = {name: column[rows] for name, column in self.evidence.items()}
        segments = None if self.segments is None else self.segments[rows]
        return Assessment(self.codes[rows], self.scores[rows], evidence, segments)


class BaseSegmenter(TransformerMixin, BaseEstimator):
    """Base of the built-in segmenters. Think twice before adding anything here.

    A subclass says which columns it reads (``_columns``), learns in ``fit`` and assesses
    customers in ``_assess``; every public method is derived from that.
    """

    kind: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let ``fit`` note the day of the customers, where their table says it."""
        super().__init_subclass__(**kwargs)
        if "fit" in vars(cls):
            cls.fit = _dated(cls.fit)  # type: ignore[method-assign]  # as scikit-learn wraps transform

    @abstractmethod
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the cuts from the customers in ``X``; return the segmenter."""

    @abstractmethod
    def _columns(self) -> tuple[str, ...]:
        """Return the columns that are read, in the documented order."""

    @abstractmethod
    def _assess(self, columns: Floats) -> Assessment:
        """Return codes, scores and evidence of the customers."""

    @abstractmethod
    def _tier_names(self) -> Names:
        """Return the (English, Chinese) tier names, best first."""

    @abstractmethod
    def _evidence_names(self) -> tuple[str, ...]:
        """Return the names of the evidence columns."""

    @abstractmethod
    def _reasons(self, columns: Floats, found: Assessment, lang: str) -> list[str]:
        """Return one sentence per customer: from the raw values to the tier."""

    def _may_be_missing(self) -> tuple[str, ...]:
        return ()

    def _allowed(self) -> Sequence[str]:
        """Return the protected columns that are allowed by name."""
        return getattr(self, "allow_protected", ())

    def _segment_names(self) -> Names:
        return ()

    def _levers(self, columns: Floats, found: Assessment) -> Mapping[str, Lever] | None:
        """Return the columns that change tiers alone, and where; None if that is not known."""
        return None

    def _codes_at(self, columns: Floats, found: Assessment, name: str) -> CodesAt:
        """Return the function that gives the codes of some customers with other values of a column."""
        at = self._columns().index(name)

        def codes_at(rows: Rows, values: Floats) -> Codes:
            moved = columns[rows]
            moved[:, at] = values
            return self._codes(moved)

        return codes_at

    def _codes(self, columns: Floats) -> Codes:
        """Return the codes of customers alone."""
        return self._assess(columns).codes

    def _points(self, columns: Floats, found: Assessment) -> dict[str, Floats]:
        """Return the score or points of columns that have some."""
        return {}

    def _score_lines(self) -> Floats | None:
        """Return the scores from which each tier but the last begins, where the score alone decides."""
        return None

    def _changes(
        self, columns: Floats, found: Assessment, whole: tuple[bool, ...]
    ) -> dict[str, Change] | None:
        levers = self._levers(columns, found)
        if levers is None:
            return None
        codes_at = {name: self._codes_at(columns, found, name) for name in levers}
        return find_changes(self._columns(), columns, found.codes, levers, whole, self._codes, codes_at)

    def _evidence(self, columns: Floats, found: Assessment) -> dict[str, Floats]:
        return found.evidence

    def predict(self, X: Any) -> Codes:
        """Return one tier code per customer; 0 is the most valuable tier."""
        return self._assess(self._read(X)).codes

    def fit_predict(self, X: Any, y: Any = None) -> Codes:
        """Return the tier codes of the customers the cuts are learned from."""
        X = tables.materialised(X)
        return self.fit(X, y).predict(X)

    def transform(self, X: Any) -> Floats:
        """Return the evidence behind the tiers, one column per name of ``get_feature_names_out``."""
        columns = self._read(X)
        evidence = self._evidence(columns, self._assess(columns))
        return np.column_stack([evidence[name] for name in self._evidence_names()])

    def score_samples(self, X: Any) -> Floats:
        """Return one score per customer; larger is more valuable."""
        return self._assess(self._read(X)).scores

    def predict_segments(self, X: Any, lang: str = "en") -> NDArray[np.object_] | None:
        """Return the name of each customer's segment; None if no segments are named."""
        segments = self._assess(self._read(X)).segments
        if segments is None:
            return None
        return np.array(self.get_segment_names_out(lang), dtype=object)[segments]

    def answer_at_once(self, X: Any) -> Answers | None:
        """Return tiers, scores and segments from one assessment; None where a subclass answers otherwise."""
        return self._answers(self._assess(self._read(X))) if self._is_assessment() else None

    def _is_assessment(self) -> bool:
        """Return whether tiers, scores and segments all come from the assessment."""
        return all(getattr(type(self), name) is getattr(BaseSegmenter, name) for name in ANSWERS)

    def _answers(self, found: Assessment) -> Answers:
        names = [np.array(self.get_segment_names_out(lang), dtype=object) for lang in LANGUAGES]
        english, chinese = (None if found.segments is None else name[found.segments] for name in names)
        return Answers(found.codes, found.scores, english, chinese)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns of ``transform``."""
        check_is_fitted(self)
        return np.array(self._evidence_names(), dtype=object)

    def get_tier_names_out(self, lang: str = "en") -> list[str]:
        """Return the tier names in English or Chinese, best first."""
        return _in_language(self._tier_names(), lang)

    def get_segment_names_out(self, lang: str = "en") -> list[str]:
        """Return the segment names in English or Chinese; empty if no segments are named."""
        return _in_language(self._segment_names(), lang)

    def assign(self, X: Any, *, as_of: date | None = None) -> TierAssignment:
        """Return tiers, segments, scores and ids of the customers as one value."""
        return assign(self, X, as_of=as_of)

    def explain(self, X: Any, lang: str = "en") -> pd.DataFrame:
        """Return one row per customer: tier, segment, score, and in words why and what would change it.

        Columns: customer_id, tier, segment, score, reason, to_next, to_lose, version, cuts_as_of, as_of.
        """
        return self.explanation(X).explained(lang)

    def explanation(self, X: Any, *, as_of: date | None = None) -> Explanation:
        """Return why each customer is in its tier; see :func:`valuetier.explanation`."""
        return explanation(self, X, as_of=as_of)

    def grounds(self, X: Any) -> Grounds | None:
        """Return what is behind the tiers: values, points, what each column changes, reasons, cuts.

        None of a subclass that answers otherwise than by its assessment.
        """
        if not self._is_assessment():
            return None
        columns = self._read(X)
        found = self._assess(columns)
        return Grounds(
            self._answers(found),
            self._columns(),
            columns,
            self._points(columns, found),
            self._changes(columns, found, tables.whole_columns(X, self._columns())),
            self._score_lines(),
            partial(_reasons_of, self, columns, found),
            document_of(self),
        )

    def version(self) -> str:
        """Return a fingerprint of the learned cuts: equal cuts, equal version."""
        check_is_fitted(self)
        return store.version_of(self)

    def save(self, path: str | Path) -> None:
        """Write the fitted segmenter to a JSON file; :func:`valuetier.load` reads it."""
        check_is_fitted(self)
        store.save(self, path)

    def _read(self, X: Any) -> Floats:
        """Return the columns of customers to be assessed."""
        check_is_fitted(self)
        columns = self._columns()
        refuse_protected(type(self).__name__, columns, self._allowed())
        width = tables.width(X)
        if width is not None and width != self.n_features_in_:
            raise InvalidDataError(
                f"X has {width} features, but {type(self).__name__} is expecting {self.n_features_in_} "
                f"features as input. Pass as many columns as in fit, {list(columns)} first."
            )
        return tables.read_columns(X, columns, optional=self._may_be_missing())

    def _read_to_fit(self, X: Any, also: tuple[str, ...] = ()) -> tuple[Floats, int]:
        """Return the columns of the customers to learn from, and the width ``predict`` expects."""
        needed = self._columns()
        refuse_protected(type(self).__name__, (*needed, *also), self._allowed())
        columns = tables.read_columns(X, (*needed, *also), optional=self._may_be_missing())
        validate.enough_customers(len(columns))
        width = tables.width(X)
        return columns, len(needed) if width is None else width


def _dated(fit: Callable[..., Any]) -> Callable[..., Any]:
    """Return a ``fit`` that also keeps the day of the customers in ``cuts_as_of_``, None if unknown."""

    @wraps(fit)
    def fit_and_date(self: Any, X: Any, *args: Any, **kwargs: Any) -> Any:
        fitted = fit(self, X, *args, **kwargs)
        self.cuts_as_of_ = tables.as_of_of(X)
        return fitted

    return fit_and_date


def _reasons_of(
    segmenter: BaseSegmenter, columns: Floats, found: Assessment, rows: Rows, lang: str
) -> list[str]:
    return segmenter._reasons(columns[rows], found.take(rows), lang)


def _in_language(names: Names, lang: str) -> list[str]:
    require_choice("lang", lang, LANGUAGES)
    return [zh if lang == "zh" else en for en, zh in names]
