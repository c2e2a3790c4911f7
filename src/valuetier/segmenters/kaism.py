"""KAISM: key accounts by attractiveness and by our strength with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier import _validate as validate
from valuetier import tables
from valuetier._core.changes import CodesAt, Rows
from valuetier._core.compress import significant
from valuetier._core.cuts import Codes
from valuetier._core.matrix import quadrant, weight_draws, weighted_share
from valuetier._validate import Floats
from valuetier.base import Assessment, BaseSegmenter, Names
from valuetier.errors import InvalidParameterError, require_choice
from valuetier.explain.levers import Lever
from valuetier.segmenters.account_sheet import AXES, AccountSheet, indicator_rows, raters_spreads, why_not_key
from valuetier.segmenters.crossings import axis_levers
from valuetier.segmenters.indicators import (
    MISSING,
    Ratings,
    Scales,
    check_inverted,
    check_weights,
    from_values,
    learn_ratings,
    rate,
    weighted_score,
)
from valuetier.tiers import LANGUAGES
from valuetier.words import apart, number, say

TIERS = (
    ("Key", "关键客户"),
    ("Develop", "发展客户"),
    ("Maintain", "维持客户"),
    ("Opportunity", "机会客户"),
)
LINES = ("midpoint", "median")

SPREAD, DRAWS, SEED = 0.20, 200, 20
DOUBTFUL = 0.10

TEXTS = {
    "en": "attractiveness {a} ({a_side} the line {a_line}), strength {s} ({s_side} the line {s_line}) → {tier}",
    "zh": "客户吸引力 {a}（{a_side}分界线 {a_line}），相对竞争力 {s}（{s_side}分界线 {s_line}）→ {tier}",
}
SIDES = {"en": ("below", "on or above"), "zh": ("低于", "不低于")}


class KAISMSegmenter(BaseSegmenter):
    """Four tiers from two axes: the Key Account Identification and Selection Matrix.

    Axis score = Σ weight × rating / Σ weight, in per cent of the best possible. High on
    both axes is ``Key``; attractive but weak with us ``Develop``; strong with us but less
    attractive ``Maintain``; neither ``Opportunity``. On the line is on its high side.

    Parameters
    ----------
    attractiveness, strength : mapping of str to float, optional
        Indicator columns and weights: how attractive the customer is (amount, profit,
        growth, credit …), and how strong we are against competitors in its eyes. Default:
        spend; and orders with recency, which stand in for strength where only orders are known.
    scale : str, (low, high) or mapping
        ``"percentile"`` or ``"minmax"`` learned from the data, or ratings on a declared
        scale such as ``(1, 10)``; a mapping gives each indicator its own, which may be a
        points table such as ``{0: 10, 30: 5, 90: 0}``.
    line : str or (float, float)
        ``"midpoint"`` of the scale, ``"median"`` of the customers, or two axis scores (0-100).
    max_key : int, optional
        At most so many key accounts when fitted. The rest of the high/high quadrant is
        ``Develop``, in the order of ``next_in_line``; equal accounts stay together, below the cap.
    lower_is_better : sequence of str
        Indicators that count inverted, such as days overdue.
    missing : str
        ``"refuse"`` missing ratings, or ``"renormalise"`` the weights of the known ones.
    allow_protected : sequence of str
        Columns to use although they tell of age, sex, origin, health and the like; refused otherwise.

    Attributes
    ----------
    ratings_ : dict of str to Rating or Steps
    lines_ : (float, float)
    key_line_ : float
        Lowest mean of both axes that a key account needs; -inf without a cap.

    Examples
    --------
    >>> import pandas as pd
    >>> accounts = pd.DataFrame({"profit": [9, 8, 2, 3], "share_of_wallet": [8, 2, 9, 1]})
    >>> kaism = KAISMSegmenter(attractiveness={"profit": 1}, strength={"share_of_wallet": 1}, scale=(1, 10))
    >>> kaism.fit(accounts).assign(accounts).to_frame()["tier"].tolist()
    ['Key', 'Develop', 'Maintain', 'Opportunity']
    """

    kind: ClassVar[str] = "kaism"

    def __init__(
        self,
        *,
        attractiveness: Mapping[str, float] | None = None,
        strength: Mapping[str, float] | None = None,
        scale: Scales = "percentile",
        line: str | tuple[float, float] = "midpoint",
        max_key: int | None = None,
        lower_is_better: Sequence[str] = (),
        missing: str = "refuse",
        allow_protected: Sequence[str] = (),
    ) -> None:
        self.attractiveness = attractiveness
        self.strength = strength
        self.scale = scale
        self.line = line
        self.max_key = max_key
        self.lower_is_better = lower_is_better
        self.missing = missing
        self.allow_protected = allow_protected

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the rating scales and lines from the customers; return the segmenter."""
        require_choice("missing", self.missing, MISSING)
        check_inverted(self.lower_is_better, self._columns())
        columns, width = self._read_to_fit(X)
        ratings = learn_ratings(self._columns(), columns, self.scale, self._inverted())
        first, second = self._axes(columns, ratings)
        on_first, on_second = significant(np.array(self._learn_lines(first, second, ratings))).tolist()
        lines = (on_first, on_second)
        self.key_line_ = self._learn_key_line(first, second, lines)
        self.ratings_ = ratings
        self.lines_ = lines
        self.n_features_in_ = width
        return self

    def next_in_line(self, X: Any) -> pd.DataFrame:
        """Return the accounts that only ``max_key`` keeps from being key, the next one first.

        Parameters
        ----------
        X : table

        Returns
        -------
        DataFrame with customer_id, place (from 1; equal accounts share one), attractiveness, strength,
        score (mean of both axes) and gap (points of score up to the key accounts; inf where even
        the best are too many equal ones). Empty without a cap.

        Examples
        --------
        >>> accounts = pd.DataFrame({"customer_id": ["a", "b", "c"], "profit": [9, 8, 7], "wallet": [9, 8, 9]})
        >>> kaism = KAISMSegmenter(
        ...     attractiveness={"profit": 1}, strength={"wallet": 1}, scale=(1, 10), max_key=1
        ... ).fit(accounts)
        >>> kaism.next_in_line(accounts)[["customer_id", "place", "score", "gap"]]
          customer_id  place  score   gap
        0           b      1   80.0  10.0
        1           c      1   80.0  10.0
        """
        X = tables.materialised(X)
        columns = self._read(X)
        found = self._assess(columns)
        waiting = np.flatnonzero(self._is_capped(found))
        scores = found.scores[waiting]
        first, second = (found.evidence[axis][waiting] for axis in AXES)
        table = pd.DataFrame(
            {
                tables.ID: tables.read_ids(X)[waiting],
                "place": (-scores[:, None] > -scores[None, :]).sum(axis=1) + 1,
                "attractiveness": first,
                "strength": second,
                "score": scores,
                "gap": self.key_line_ - scores,
            }
        )
        return table.sort_values("place", kind="stable", ignore_index=True)

    def account_sheet(self, X: Any, customer: Any, *, lang: str = "en") -> AccountSheet:
        """Return one account on one sheet: ratings, weights, scores, stability, and what would change it.

        Parameters
        ----------
        X : table
            Where it has columns ``…_spread`` as :func:`valuetier.combine_ratings` makes them, the
            sheet shows how far the raters are apart.
        customer : id
        lang : str
            ``"en"`` or ``"zh"``.

        Raises
        ------
        InvalidDataError
            If the account is not in the table.

        Examples
        --------
        >>> accounts = pd.DataFrame({"customer_id": ["a", "b"], "profit": [9, 2], "wallet": [4, 8]})
        >>> kaism = KAISMSegmenter(attractiveness={"profit": 1}, strength={"wallet": 1}, scale=(1, 10))
        >>> print(kaism.fit(accounts).account_sheet(accounts, "a"))
        Account a: Develop
        attractiveness 90 (on or above the line 55, distance 35)
          profit 9: rating 90, weight 1
        relative strength 40 (below the line 55, distance -15)
          wallet 4: rating 40, weight 1
        Stability: changes quadrant in 0% of the draws of weights within ±20 %
        What would change the quadrant, each alone:
          attractiveness stands on its line with profit 5.5 (now 9)
          relative strength stands on its line with wallet 5.5 (now 4)
        """
        require_choice("lang", lang, LANGUAGES)
        X = tables.materialised(X)
        columns, ids = self._read(X), tables.read_ids(X)
        row = tables.row_of(ids, "customer", customer)
        one = columns[row : row + 1]
        found = self._assess(one)
        scores = {axis: float(found.evidence[axis][0]) for axis in AXES}
        lines = dict(zip(AXES, self.lines_, strict=True))
        values = dict(zip(self._columns(), one[0].tolist(), strict=True))
        spreads = raters_spreads(X, self._columns(), row)
        rows = [
            indicator
            for axis, weights in zip(AXES, self._axis_weights(), strict=True)
            for indicator in indicator_rows(
                axis, weights, values, self.ratings_, lines[axis] - scores[axis], spreads
            )
        ]
        risk = float(self._flip_risk(one)[0])
        return AccountSheet(
            customer_id=ids[row],
            tier=self.get_tier_names_out(lang)[int(found.codes[0])],
            scores=scores,
            lines=lines,
            distances={axis: float(found.evidence[f"{axis}_distance"][0]) for axis in AXES},
            flip_risk=risk,
            doubtful=risk >= DOUBTFUL,
            next_in_line=bool(self._is_capped(found)[0]),
            indicators=pd.DataFrame(rows),
            lang=lang,
            max_key=self.max_key,
            key_line=self.key_line_,
        )

    def _is_capped(self, found: Assessment) -> NDArray[np.bool_]:
        """Return who is high on both axes and not a key account."""
        both = quadrant(found.evidence["attractiveness"], found.evidence["strength"], self.lines_) == 0
        return np.asarray(both & (found.codes != 0))

    def _axis_weights(self) -> tuple[Mapping[str, float], Mapping[str, float]]:
        axes = (
            {"spend": 1.0} if self.attractiveness is None else self.attractiveness,
            {"orders": 1.0, "recency_days": 1.0} if self.strength is None else self.strength,
        )
        return check_weights("attractiveness", axes[0]), check_weights("strength", axes[1])

    def _inverted(self) -> set[str]:
        default = {"recency_days"} if self.strength is None else set()
        return {*self.lower_is_better, *default}

    def _columns(self) -> tuple[str, ...]:
        first, second = self._axis_weights()
        return tuple(dict.fromkeys([*first, *second]))

    def _may_be_missing(self) -> tuple[str, ...]:
        return self._columns() if self.missing == "renormalise" else ()

    def _rated(self, columns: Floats, ratings: Ratings) -> list[tuple[Floats, Floats, str]]:
        """Return ratings and weights of both axes."""
        return self._by_axis(rate(self._columns(), columns, ratings, self.scale))

    def _by_axis(self, points: Floats) -> list[tuple[Floats, Floats, str]]:
        names = self._columns()
        return [
            (points[:, [names.index(name) for name in weights]], np.array([*weights.values()], float), label)
            for label, weights in zip(AXES, self._axis_weights(), strict=True)
        ]

    def _axes(self, columns: Floats, ratings: Ratings) -> tuple[Floats, Floats]:
        return self._scores(self._rated(columns, ratings))

    def _scores(self, rated: list[tuple[Floats, Floats, str]]) -> tuple[Floats, Floats]:
        first, second = (weighted_score(label, *rest) for *rest, label in rated)
        return first, second

    def _learn_lines(self, first: Floats, second: Floats, ratings: Ratings) -> tuple[float, float]:
        if self.line == "median":
            return float(np.median(first)), float(np.median(second))
        if self.line == "midpoint":
            middles = [
                float(np.average([ratings[n].midpoint for n in w], weights=list(w.values())))
                for w in self._axis_weights()
            ]
            return middles[0], middles[1]
        try:
            given = np.array([] if isinstance(self.line, str) else self.line, dtype=np.float64)
        except (TypeError, ValueError):
            given = np.empty(0)
        if given.shape != (2,) or not np.isfinite(given).all():
            raise InvalidParameterError(
                f"line must be one of {list(LINES)} or two axis scores, got {self.line!r}."
            )
        return float(given[0]), float(given[1])

    def _learn_key_line(self, first: Floats, second: Floats, lines: tuple[float, float]) -> float:
        if self.max_key is None:
            return -np.inf
        cap = validate.whole_number("max_key", self.max_key, 1)
        best_first = np.sort(self._overall(first, second)[quadrant(first, second, lines) == 0])[::-1]
        if len(best_first) <= cap:
            return -np.inf
        admitted = best_first[best_first > best_first[cap]]
        return float(admitted[-1]) if len(admitted) else np.inf

    def _overall(self, first: Floats, second: Floats) -> Floats:
        return significant((first + second) / 2.0)

    def _assess(self, columns: Floats) -> Assessment:
        first, second = self._axes(columns, self.ratings_)
        overall, codes = self._overall(first, second), self._placed(first, second)
        evidence = {
            "attractiveness": first,
            "strength": second,
            "attractiveness_distance": first - self.lines_[0],
            "strength_distance": second - self.lines_[1],
        }
        return Assessment(codes, overall, evidence)

    def _placed(self, first: Floats, second: Floats) -> Codes:
        codes = quadrant(first, second, self.lines_)
        return np.where((codes == 0) & (self._overall(first, second) < self.key_line_), 1, codes)

    def _points(self, columns: Floats, found: Assessment) -> dict[str, Floats]:
        names = self._columns()
        return dict(zip(names, rate(names, columns, self.ratings_, self.scale).T, strict=True))

    def _levers(self, columns: Floats, found: Assessment) -> Mapping[str, Lever]:
        """Return the indicators, by what they add to their axes and to the mean of both."""
        axes = list(
            zip(self._axis_weights(), (found.evidence[axis] for axis in AXES), self.lines_, strict=True)
        )
        points, overall = self._points(columns, found), (found.scores, self.key_line_)
        return axis_levers(self.ratings_, self.scale, points, axes, overall)

    def _codes_at(self, columns: Floats, found: Assessment, name: str) -> CodesAt:
        """Return the function that rates one indicator anew and leaves the others."""
        points, at = np.column_stack([*self._points(columns, found).values()]), self._columns().index(name)

        def codes_at(rows: Rows, values: Floats) -> Codes:
            rated = points[rows]
            rated[:, at] = self.ratings_[name].rate(values)
            return self._placed(*self._scores(self._by_axis(rated)))

        return codes_at

    def _evidence(self, columns: Floats, found: Assessment) -> dict[str, Floats]:
        risk = self._flip_risk(columns)
        return {**found.evidence, "flip_risk": risk, "doubtful": (risk >= DOUBTFUL).astype(np.float64)}

    def _flip_risk(self, columns: Floats) -> Floats:
        """Return how often a customer changes quadrant when all weights move by up to ±20 %."""
        (rated_a, weights_a, _), (rated_s, weights_s, _) = self._rated(columns, self.ratings_)
        here = quadrant(*self._axes(columns, self.ratings_), self.lines_)
        factors = weight_draws(len(weights_a) + len(weights_s), SPREAD, DRAWS, SEED)
        changes = np.zeros(len(columns))
        for factor in factors:
            first = weighted_share(rated_a, weights_a * factor[: len(weights_a)])
            second = weighted_share(rated_s, weights_s * factor[len(weights_a) :])
            changes += quadrant(significant(first), significant(second), self.lines_) != here
        return changes / DRAWS

    def _evidence_names(self) -> tuple[str, ...]:
        return (*AXES, *(f"{axis}_distance" for axis in AXES), "flip_risk", "doubtful")

    def _tier_names(self) -> Names:
        return TIERS

    def _reasons(self, columns: Floats, found: Assessment, lang: str) -> list[str]:
        tiers, sides = self.get_tier_names_out(lang), SIDES[lang]
        first, second = found.evidence["attractiveness"], found.evidence["strength"]
        here, sentences = quadrant(first, second, self.lines_), []
        for a, s, score, code, place in zip(first, second, found.scores, found.codes, here, strict=True):
            a_text, a_line = apart(a, self.lines_[0], write=_one_decimal)
            s_text, s_line = apart(s, self.lines_[1], write=_one_decimal)
            text = say(
                TEXTS, lang, a=a_text, a_line=a_line, s=s_text, s_line=s_line, tier=tiers[code],
                a_side=sides[int(a >= self.lines_[0])], s_side=sides[int(s >= self.lines_[1])],
            )  # fmt: skip
            if code != place:
                text += ("；" if lang == "zh" else "; ") + why_not_key(
                    float(score), self.key_line_, self.max_key, lang
                )
            sentences.append(text)
        return from_values(sentences, self._columns(), columns, self._points(columns, found), lang)


def _one_decimal(score: float) -> str:
    return number(round(score, 1))
