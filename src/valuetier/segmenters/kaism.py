"""KAISM: key accounts by attractiveness and by our strength with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from valuetier import _validate as validate
from valuetier._core.compress import significant
from valuetier._core.matrix import quadrant, weight_draws, weighted_share
from valuetier._validate import Floats
from valuetier.base import Assessment, BaseSegmenter, Names
from valuetier.errors import InvalidParameterError, require_choice
from valuetier.segmenters.scales import Rating, Scale, learn_rating, refuse_outside
from valuetier.segmenters.words import apart, number, say
from valuetier.tables import column_list

TIERS = (
    ("Key", "关键客户"),
    ("Develop", "发展客户"),
    ("Maintain", "维持客户"),
    ("Opportunity", "机会客户"),
)
MISSING = ("refuse", "renormalise")
LINES = ("midpoint", "median")

SPREAD, DRAWS, SEED = 0.20, 200, 20
DOUBTFUL = 0.10

TEXTS = {
    "en": "attractiveness {a} ({a_side} the line {a_line}), strength {s} ({s_side} the line {s_line}) → {tier}",
    "zh": "客户吸引力 {a}（{a_side}分界线 {a_line}），相对竞争力 {s}（{s_side}分界线 {s_line}）→ {tier}",
}
SIDES = {"en": ("below", "on or above"), "zh": ("低于", "不低于")}
CAPPED = {"en": "; next in line: key accounts are limited to {n}", "zh": "；候补：关键客户上限为 {n} 个"}


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
        scale such as ``(1, 10)``; a mapping gives each indicator its own.
    line : str or (float, float)
        ``"midpoint"`` of the scale, ``"median"`` of the customers, or two axis scores (0-100).
    max_key : int, optional
        At most so many key accounts when fitted. The rest of the high/high quadrant is
        ``Develop``; equal accounts stay together, below the cap.
    lower_is_better : sequence of str
        Indicators that count inverted, such as days overdue.
    missing : str
        ``"refuse"`` missing ratings, or ``"renormalise"`` the weights of the known ones.

    Attributes
    ----------
    ratings_ : dict of str to Rating
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
        scale: Scale | Mapping[str, Scale] = "percentile",
        line: str | tuple[float, float] = "midpoint",
        max_key: int | None = None,
        lower_is_better: Sequence[str] = (),
        missing: str = "refuse",
    ) -> None:
        self.attractiveness = attractiveness
        self.strength = strength
        self.scale = scale
        self.line = line
        self.max_key = max_key
        self.lower_is_better = lower_is_better
        self.missing = missing

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the rating scales and lines from the customers; return the segmenter."""
        require_choice("missing", self.missing, MISSING)
        self._check_inverted()
        columns, width = self._read_to_fit(X)
        names = self._columns()
        ratings = {
            name: learn_rating(name, values, self._scale(name), lower_is_better=name in self._inverted())
            for name, values in zip(names, columns.T, strict=True)
        }
        first, second = self._axes(columns, ratings)
        on_first, on_second = significant(np.array(self._learn_lines(first, second, ratings))).tolist()
        lines = (on_first, on_second)
        self.key_line_ = self._learn_key_line(first, second, lines)
        self.ratings_ = ratings
        self.lines_ = lines
        self.n_features_in_ = width
        return self

    def _axis_weights(self) -> tuple[Mapping[str, float], Mapping[str, float]]:
        axes = (
            {"spend": 1.0} if self.attractiveness is None else self.attractiveness,
            {"orders": 1.0, "recency_days": 1.0} if self.strength is None else self.strength,
        )
        for axis, weights in zip(("attractiveness", "strength"), axes, strict=True):
            if not isinstance(weights, Mapping) or not weights:
                raise InvalidParameterError(f"{axis} must map columns to weights, got {weights!r}.")
            for name, weight in weights.items():
                validate.positive_number(f"{axis}[{name!r}]", weight)
        return axes

    def _inverted(self) -> set[str]:
        default = {"recency_days"} if self.strength is None else set()
        return {*self.lower_is_better, *default}

    def _check_inverted(self) -> None:
        names = self._columns()
        for name in column_list("lower_is_better", self.lower_is_better):
            require_choice("lower_is_better", name, names)

    def _columns(self) -> tuple[str, ...]:
        first, second = self._axis_weights()
        return tuple(dict.fromkeys([*first, *second]))

    def _may_be_missing(self) -> tuple[str, ...]:
        return self._columns() if self.missing == "renormalise" else ()

    def _scale(self, name: str) -> Scale:
        if not isinstance(self.scale, Mapping):
            return self.scale
        if name not in self.scale:
            raise InvalidParameterError(f"scale has no entry for {name!r}. It has {sorted(self.scale)}.")
        return self.scale[name]

    def _rated(self, columns: Floats, ratings: Mapping[str, Rating]) -> list[tuple[Floats, Floats, str]]:
        """Return ratings and weights of both axes."""
        position = {name: j for j, name in enumerate(self._columns())}
        for name, j in position.items():
            refuse_outside(name, columns[:, j], self._scale(name))
        axes = []
        for label, weights in zip(("attractiveness", "strength"), self._axis_weights(), strict=True):
            rated = np.column_stack([ratings[name].rate(columns[:, position[name]]) for name in weights])
            axes.append((rated, np.array([float(w) for w in weights.values()]), label))
        return axes

    def _axes(self, columns: Floats, ratings: Mapping[str, Rating]) -> tuple[Floats, Floats]:
        scores = []
        for rated, weights, label in self._rated(columns, ratings):
            unknown = np.asarray(np.isnan(rated).all(axis=1))
            validate.refuse(label, unknown, "have no rating at all", "Rate these customers or drop them.")
            scores.append(significant(weighted_share(rated, weights)))
        return scores[0], scores[1]

    def _learn_lines(
        self, first: Floats, second: Floats, ratings: Mapping[str, Rating]
    ) -> tuple[float, float]:
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
        codes = quadrant(first, second, self.lines_)
        overall = self._overall(first, second)
        codes = np.where((codes == 0) & (overall < self.key_line_), 1, codes)
        evidence = {
            "attractiveness": first,
            "strength": second,
            "attractiveness_distance": first - self.lines_[0],
            "strength_distance": second - self.lines_[1],
        }
        return Assessment(codes, overall, evidence)

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
        axes = ("attractiveness", "strength")
        return (*axes, *(f"{axis}_distance" for axis in axes), "flip_risk", "doubtful")

    def _tier_names(self) -> Names:
        return TIERS

    def _reasons(self, columns: Floats, found: Assessment, lang: str) -> list[str]:
        tiers, sides = self.get_tier_names_out(lang), SIDES[lang]
        first, second = found.evidence["attractiveness"], found.evidence["strength"]
        here = quadrant(first, second, self.lines_)
        sentences = []
        for a, s, code, place in zip(first, second, found.codes, here, strict=True):
            (a_text, a_line), (s_text, s_line) = (
                apart(score, line, write=_one_decimal)
                for score, line in zip((a, s), self.lines_, strict=True)
            )
            text = say(
                TEXTS, lang, a=a_text, a_line=a_line, s=s_text, s_line=s_line, tier=tiers[code],
                a_side=sides[int(a >= self.lines_[0])], s_side=sides[int(s >= self.lines_[1])],
            )  # fmt: skip
            sentences.append(text + (say(CAPPED, lang, n=self.max_key) if code != place else ""))
        return sentences


def _one_decimal(score: float) -> str:
    return number(round(score, 1))
