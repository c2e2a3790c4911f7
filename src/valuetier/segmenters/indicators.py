"""Weighted indicators: columns of different units, each on a scale of its own, made one score."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import cast

import numpy as np

from valuetier import _validate as validate
from valuetier._core.compress import significant
from valuetier._core.matrix import weighted_share
from valuetier._validate import Floats
from valuetier.errors import InvalidParameterError, require_choice
from valuetier.segmenters.scales import Rating, Scale, Steps, learn_rating, refuse_outside
from valuetier.tables import column_list
from valuetier.words import column_label, number, say

MISSING = ("refuse", "renormalise")

VALUE = {"en": "{name} {value}{points}", "zh": "{name} {value}{points}"}
POINTS = {"en": " → {points}", "zh": " → {points} 分"}
UNKNOWN = {"en": "{name} unknown, not counted", "zh": "{name}未知，不计入"}
LINKS = {"en": (", ", "; "), "zh": ("，", "；")}

Scales = Scale | Mapping[str, Scale]
Ratings = Mapping[str, Rating | Steps]


def check_weights(parameter: str, weights: Mapping[str, float]) -> Mapping[str, float]:
    """Return ``weights``; raise unless it maps at least one column to a weight above 0."""
    if not isinstance(weights, Mapping) or not weights:
        raise InvalidParameterError(f"{parameter} must map columns to weights, got {weights!r}.")
    for name, weight in weights.items():
        validate.positive_number(f"{parameter}[{name!r}]", weight)
    return weights


def check_inverted(lower_is_better: Sequence[str], names: Collection[str]) -> None:
    """Raise unless ``lower_is_better`` is a sequence of indicators."""
    for name in column_list("lower_is_better", lower_is_better):
        require_choice("lower_is_better", name, names)


def scale_of(name: str, scale: Scales) -> Scale:
    """Return the scale of one indicator: its own, or the one for all."""
    if not isinstance(scale, Mapping):
        return scale
    if name not in scale:
        raise InvalidParameterError(f"scale has no entry for {name!r}. It has {sorted(scale, key=str)}.")
    return cast(Mapping[str, Scale], scale)[name]


def learn_ratings(
    names: Sequence[str], columns: Floats, scale: Scales, inverted: Collection[str]
) -> dict[str, Rating | Steps]:
    """Return the rating scale of each column."""
    return {
        name: learn_rating(name, values, scale_of(name, scale), lower_is_better=name in inverted)
        for name, values in zip(names, columns.T, strict=True)
    }


def rate(names: Sequence[str], columns: Floats, ratings: Ratings, scale: Scales) -> Floats:
    """Return the ratings of each column, 100 being the best; NaN stays NaN."""
    for name, values in zip(names, columns.T, strict=True):
        refuse_outside(name, values, scale_of(name, scale))
    return np.column_stack(
        [ratings[name].rate(values) for name, values in zip(names, columns.T, strict=True)]
    )


def weighted_score(label: str, rated: Floats, weights: Floats) -> Floats:
    """Return Σ weight × rating / Σ weight of the known ratings; raise where none is known."""
    unknown = np.asarray(np.isnan(rated).all(axis=1))
    validate.refuse(label, unknown, "have no rating at all", "Rate these customers or drop them.")
    return significant(weighted_share(rated, weights))


def from_values(
    sentences: Sequence[str], names: Sequence[str], columns: Floats, points: Mapping[str, Floats], lang: str
) -> list[str]:
    """Return the sentences, each after the raw values that led there and the ratings they got."""
    if not names:
        return list(sentences)
    link, end = LINKS[lang]
    parts = [
        _value_words(name, values, points.get(name), lang)
        for name, values in zip(names, columns.T, strict=True)
    ]
    return [link.join(words) + end + text for *words, text in zip(*parts, sentences, strict=True)]


def _value_words(name: str, values: Floats, points: Floats | None, lang: str) -> list[str]:
    """Return each value of a column with its rating: ``spend 156.46 → 83``."""
    label = column_label(name, lang)
    rated = [""] * len(values)
    if points is not None:
        rated = [say(POINTS, lang, points=number(one)) for one in np.nan_to_num(points).tolist()]
    return [
        say(VALUE, lang, name=label, value=number(value), points=got)
        if not np.isnan(value)
        else say(UNKNOWN, lang, name=label)
        for value, got in zip(values.tolist(), rated, strict=True)
    ]
