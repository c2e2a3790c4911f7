"""The two-by-two matrix: any two scores, a line across each, four named segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np

from valuetier._core.compress import significant
from valuetier._core.cuts import Codes, mean_threshold
from valuetier._core.matrix import quadrant
from valuetier._validate import Floats
from valuetier.base import Assessment, BaseSegmenter, Names
from valuetier.errors import InvalidDataError, InvalidParameterError, require_choice
from valuetier.explain.levers import NONE, Lever, joined
from valuetier.segmenters.crossings import rating_lever, rounding_line, shares
from valuetier.segmenters.indicators import (
    Ratings,
    Scales,
    check_inverted,
    check_weights,
    from_values,
    learn_ratings,
    rate,
    weighted_score,
)
from valuetier.segmenters.matrices import (
    MATRICES,
    PLAIN,
    QUADRANTS,
    Axis,
    Matrix,
    Segments,
    column_axis,
    read_segments,
)
from valuetier.segmenters.scales import Rating, Steps, learn_rating
from valuetier.words import apart, column_label, number, say

LINES = ("median", "mean", "midpoint")
DEFAULT = "customer_value"

TEXTS = {
    "en": "{name} {value} ({side} the line {line})",
    "zh": "{name} {value}（{side}分界线 {line}）",
}
SIDES = {"en": ("below", "on or above"), "zh": ("低于", "不低于")}

AxisOf = str | Mapping[str, float]
LineOf = str | float


class MatrixSegmenter(BaseSegmenter):
    """Four segments from any two scores and a line across each.

    A customer on a line is on its high side. The four segments are tiers as well: the first
    axis decides, then the second, on each the better side before the worse.

    Parameters
    ----------
    preset : str, optional
        ``"customer_value"`` (Marcus 1998; the default unless ``axes`` are given): number of
        orders × mean order amount, cut at the means: Best, Frequent, Spender, Uncertain ·
        ``"clv_x_referral"`` (Kumar, Petersen & Leone 2007): columns clv and referral_value, cut
        at the medians: Champions, Affluents, Advocates, Misers · ``"profit_x_loyalty"``
        (Reinartz & Kumar 2002): columns profit and loyalty: True friends, Butterflies,
        Barnacles, Strangers · ``"value_x_risk"``: spend × P(not alive), from the column
        probability_alive, cut at the median and at 0.5: Core, Rescue, Steady, Fading.
    axes : pair, optional
        The two scores in place of the preset's: each a column as it stands, or a mapping of
        columns to weights, which are rated by ``scale`` and averaged as in KAISM.
    line : str, float or pair, optional
        In place of the preset's, for both axes or one each: ``"median"`` or ``"mean"`` of the
        customers, ``"midpoint"`` (of the scale, or between the smallest and the largest), or
        a number in the unit of the axis. Axes without a preset are cut at their medians. Where half
        of the customers or more have the smallest score, as with referrals, the next larger one
        is the line: a median that everybody reaches parts nobody.
    segments : mapping, optional
        Names in place of the preset's: each of ``"high/high"``, ``"high/low"``, ``"low/high"`` and
        ``"low/low"`` (first axis/second) to a name, or to an English and a Chinese one.
    scale : str, (low, high) or mapping
        For weighted columns, as in :class:`KAISMSegmenter`.
    lower_is_better : sequence of str
        Columns of ``axes`` of which less is better. Sides stay high and low as they are; an
        axis that is such a column has its better side below the line.
    allow_protected : sequence of str
        Columns to use although they tell of age, sex, origin, health and the like; refused otherwise.

    Attributes
    ----------
    lines_ : (float, float)
    ratings_ : dict of str to Rating or Steps
        Of weighted columns.
    ranks_ : (Rating, Rating)
        Percentiles of both axes; their mean is the score.

    Examples
    --------
    >>> import pandas as pd
    >>> customers = pd.DataFrame({"orders": [12, 10, 2, 1], "spend": [1200, 200, 300, 10]})
    >>> matrix = MatrixSegmenter().fit(customers)
    >>> matrix.predict_segments(customers).tolist()
    ['Best', 'Frequent', 'Spender', 'Uncertain']
    >>> accounts = pd.DataFrame({"clv": [90, 80, 10, 20], "referral_value": [50, 0, 70, 0]})
    >>> MatrixSegmenter(preset="clv_x_referral").fit(accounts).predict_segments(accounts, lang="zh").tolist()
    ['拥护者', '富裕者', '宣扬者', '守财者']
    """

    kind: ClassVar[str] = "matrix"

    def __init__(
        self,
        *,
        preset: str | None = None,
        axes: tuple[AxisOf, AxisOf] | None = None,
        line: LineOf | tuple[LineOf, LineOf] | None = None,
        segments: Mapping[str, str | tuple[str, str]] | None = None,
        scale: Scales = "percentile",
        lower_is_better: Sequence[str] = (),
        allow_protected: Sequence[str] = (),
    ) -> None:
        self.preset = preset
        self.axes = axes
        self.line = line
        self.segments = segments
        self.scale = scale
        self.lower_is_better = lower_is_better
        self.allow_protected = allow_protected

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn scales and lines from the customers; return the segmenter."""
        check_inverted(self.lower_is_better, () if self.axes is None else self._columns())
        self._named()
        choices = self._line_choices()
        columns, width = self._read_to_fit(X)
        ratings = self._learn_ratings(columns)
        axes = self._axes(ratings)
        scores = self._scores(columns, axes)
        for axis, values in zip(axes, scores, strict=True):
            _refuse_constant(axis.label, values)
        first, second = (_learn_line(*found) for found in zip(choices, axes, scores, strict=True))
        rank_first, rank_second = (
            learn_rating(axis.label, values, "percentile", lower_is_better=axis.lower_is_better)
            for axis, values in zip(axes, scores, strict=True)
        )
        self.lines_ = (first, second)
        self.ranks_ = (rank_first, rank_second)
        self.ratings_ = ratings
        self.n_features_in_ = width
        return self

    def _matrix(self) -> Matrix:
        if self.preset is not None:
            require_choice("preset", self.preset, MATRICES)
        if self.preset is None and self.axes is not None:
            return PLAIN
        return MATRICES[self.preset or DEFAULT]

    def _named(self) -> Segments:
        return self._matrix().segments if self.segments is None else read_segments(self.segments)

    def _line_choices(self) -> tuple[LineOf, LineOf]:
        given = self._matrix().line if self.line is None else self.line
        pair = given if isinstance(given, (tuple, list)) else (given, given)
        if len(pair) != 2 or not all(_is_line(one) for one in pair):
            raise InvalidParameterError(
                f"line must be one of {list(LINES)}, a number, or a pair of these, got {self.line!r}."
            )
        return pair[0], pair[1]

    def _axes(self, ratings: Ratings | None = None) -> tuple[Axis, Axis]:
        """Return both axes; weighted ones can be read only with the ratings of their columns."""
        matrix = self._matrix()
        if self.axes is None:
            return matrix.axes
        if not isinstance(self.axes, (tuple, list)) or len(self.axes) != 2:
            raise InvalidParameterError(
                f"axes must be two columns, or mappings of columns to weights, got {self.axes!r}."
            )
        first, second = (self._own_axis(j, matrix.axes[j], ratings or {}) for j in (0, 1))
        if first.label == second.label:
            raise InvalidParameterError(f"axes must be two different scores, got {self.axes!r}.")
        return first, second

    def _own_axis(self, j: int, of_preset: Axis, ratings: Ratings) -> Axis:
        given = (self.axes or ())[j]
        lower = of_preset.lower_is_better
        if isinstance(given, str):
            return column_axis(given, lower_is_better=lower or given in self.lower_is_better)
        weights = check_weights(f"axes[{j}]", given)
        names = tuple(weights)
        read = partial(_weighted, names, np.array([*weights.values()], float), ratings, self.scale)
        return Axis("+".join(names), names, read, lower, _midpoint(weights, ratings))

    def _columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for axis in self._axes() for name in axis.columns))

    def _learn_ratings(self, columns: Floats) -> dict[str, Rating | Steps]:
        """Return the rating scales of the columns that are weighted."""
        weighted = [axis for axis in self.axes or () if not isinstance(axis, str)]
        names = tuple(dict.fromkeys(name for weights in weighted for name in weights))
        at = [self._columns().index(name) for name in names]
        return learn_ratings(names, columns[:, at], self.scale, self.lower_is_better)

    def _scores(self, columns: Floats, axes: tuple[Axis, Axis]) -> tuple[Floats, Floats]:
        names = self._columns()
        first, second = (
            significant(axis.read(columns[:, [names.index(name) for name in axis.columns]])) for axis in axes
        )
        return first, second

    def _assess(self, columns: Floats) -> Assessment:
        axes = self._axes(self.ratings_)
        first, second = self._scores(columns, axes)
        at = quadrant(first, second, self.lines_)
        rank_first, rank_second = self.ranks_
        score = significant((rank_first.rate(first) + rank_second.rate(second)) / 2.0)
        distances = first - self.lines_[0], second - self.lines_[1]
        evidence = dict(
            zip(self._evidence_names(), [first, second, *distances, first * second], strict=False)
        )
        return Assessment(at ^ self._turned(), score, evidence, at)

    def _codes(self, columns: Floats) -> Codes:
        return quadrant(*self._scores(columns, self._axes(self.ratings_)), self.lines_) ^ self._turned()

    def _levers(self, columns: Floats, found: Assessment) -> Mapping[str, Lever]:
        """Return the columns, by where each brings its axes to their lines."""
        names = self._columns()
        parts: dict[str, list[Lever]] = {name: [] for name in names}
        for axis, line in zip(self._axes(self.ratings_), self.lines_, strict=True):
            read = columns[:, [names.index(name) for name in axis.columns]]
            for j, name in enumerate(axis.columns):
                parts[name].append(self._lever(axis, read, j, line, found))
        return {name: joined(levers) for name, levers in parts.items()}

    def _lever(self, axis: Axis, columns: Floats, j: int, line: float, found: Assessment) -> Lever:
        if axis.turns is not None:
            turns = axis.turns(columns, j, rounding_line(line))
            return Lever(NONE, turns, axis.lowest, axis.highest)
        weights = next(
            np.array([*one.values()], float)
            for one in self.axes or ()
            if not isinstance(one, str) and tuple(one) == axis.columns
        )
        points = rate(axis.columns, columns, self.ratings_, self.scale)
        sums = [(found.evidence[axis.label], shares(points, weights)[:, j], line)]
        name = axis.columns[j]
        return rating_lever(name, self.ratings_[name], self.scale, points[:, j], sums)

    def _turned(self) -> int:
        """Return which bits of a quadrant's code are turned around, since low is the better side."""
        first, second = self._axes()
        return 2 * first.lower_is_better + second.lower_is_better

    def _evidence_names(self) -> tuple[str, ...]:
        labels = tuple(axis.label for axis in self._axes())
        product = self._matrix().product
        return (*labels, *(f"{label}_distance" for label in labels), *([product] if product else ()))

    def _tier_names(self) -> Names:
        names = self._segment_names()
        return tuple(names[code ^ self._turned()] for code in range(len(QUADRANTS)))

    def _segment_names(self) -> Names:
        named = self._named()
        return tuple(named[quadrant_name] for quadrant_name in QUADRANTS)

    def _reasons(self, columns: Floats, found: Assessment, lang: str) -> list[str]:
        tiers, link = self.get_tier_names_out(lang), "，" if lang == "zh" else ", "
        labels, product = [axis.label for axis in self._axes()], self._matrix().product
        scores = np.column_stack([found.evidence[label] for label in labels])
        amounts = found.evidence[product] if product else np.empty(len(scores))
        sentences = []
        for row, code, amount in zip(scores, found.codes, amounts, strict=True):
            parts = [
                _part(label, value, line, lang)
                for label, value, line in zip(labels, row, self.lines_, strict=True)
            ]
            if product:
                parts.append(f"{column_label(product, lang)} {number(float(f'{amount:.6g}'))}")
            sentences.append(f"{link.join(parts)} → {tiers[code]}")
        names = self._columns()
        behind = [name for name in names if name not in labels]  # the axes are made of them
        read = columns[:, [names.index(name) for name in behind]]
        return from_values(sentences, behind, read, self._points(columns, found), lang)

    def _points(self, columns: Floats, found: Assessment) -> dict[str, Floats]:
        names = self._columns()
        return {
            name: rate([name], columns[:, [names.index(name)]], self.ratings_, self.scale)[:, 0]
            for name in self.ratings_
        }


def _part(label: str, value: float, line: float, lang: str) -> str:
    shown, at = apart(float(value), line)
    name = "+".join(column_label(column, lang) for column in label.split("+"))
    return say(
        TEXTS, lang, name=name, value=shown, line=at,
        side=SIDES[lang][int(value >= line)],
    )  # fmt: skip


def _is_line(one: object) -> bool:
    if isinstance(one, str):
        return one in LINES
    return isinstance(one, (int, float, np.number)) and not isinstance(one, bool) and bool(np.isfinite(one))


def _weighted(
    names: Sequence[str], weights: Floats, ratings: Ratings, scale: Scales, columns: Floats
) -> Floats:
    return weighted_score("+".join(names), rate(names, columns, ratings, scale), weights)


def _midpoint(weights: Mapping[str, float], ratings: Ratings) -> float | None:
    """Return the weighted middle of the scales; None before they are learned."""
    if not ratings:
        return None
    return float(np.average([ratings[name].midpoint for name in weights], weights=[*weights.values()]))


def _learn_line(choice: LineOf, axis: Axis, values: Floats) -> float:
    """Return where the line lies, in the unit of the axis."""
    if not isinstance(choice, str):
        return float(choice)
    if choice == "midpoint":
        middle = (values.min() + values.max()) / 2.0 if axis.midpoint is None else axis.midpoint
    else:
        middle = _median(values) if choice == "median" else mean_threshold(values)[0]
    return float(significant(np.array(middle)))


def _median(values: Floats) -> float:
    """Return the median; where nobody is below it, the smallest value above it, so that it parts some."""
    middle = float(np.median(values))
    return middle if middle > values.min() else float(values[values > middle].min())


def _refuse_constant(label: str, values: Floats) -> None:
    if values.min() == values.max():
        raise InvalidDataError(
            f"{label}: all {len(values)} values are equal, so no line parts the customers "
            f"(n_samples = {len(values)}). Choose another column for this axis."
        )
