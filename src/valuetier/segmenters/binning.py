"""How R, F and M values become scores: six binnings, each a list of edges per feature."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from valuetier import _validate as validate
from valuetier._core.compress import significant
from valuetier._core.cuts import (
    Codes,
    mean_threshold,
    natural_thresholds,
    share_thresholds,
    tier_codes,
)
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, InvalidParameterError
from valuetier.store import storable
from valuetier.tables import SUM_DIGITS

BINNINGS = ("quantile", "nested", "fixed", "mean", "median", "natural", "value_share")
TWO_WAY = ("mean", "median")


@storable
@dataclass(frozen=True, slots=True)
class BinReport:
    """Bins asked for against bins in use: equal values stay together.

    Attributes
    ----------
    feature : str
    requested, realised : int
        Number of bins. With many equal values fewer are in use; the best score stays the best.
    customers : tuple of int
        Customers per score, from score 1 up.
    """

    feature: str
    requested: int
    realised: int
    customers: tuple[int, ...]


def report_bins(features: Sequence[str], scores: Codes, n_bins: int) -> tuple[BinReport, ...]:
    """Return for each feature which scores are in use."""
    sizes = [np.bincount(column, minlength=n_bins + 1)[1:] for column in scores.T]
    return tuple(
        BinReport(name, n_bins, int(np.count_nonzero(size)), tuple(size.tolist()))
        for name, size in zip(features, sizes, strict=True)
    )


def learn_thresholds(goodness: Floats, binning: str, n_bins: int) -> Floats:
    """Return the thresholds, best first, of one feature where larger is better.

    Mean splits at the mean; median and quantile at the tie-safe shares of customers;
    natural at the natural breaks; value_share at equal shares of the total value (days
    have no such share: recency is cut by share of customers then).
    """
    learners: Mapping[str, Callable[[], Floats]] = {
        "mean": lambda: significant(mean_threshold(goodness), SUM_DIGITS),
        "natural": lambda: natural_thresholds(goodness, n_bins),
        "value_share": lambda: share_thresholds(goodness, _equal(n_bins), weights=goodness),
    }
    learner = learners.get(binning, lambda: share_thresholds(goodness, _equal(n_bins)))
    return learner()


def learn_edges(
    columns: Floats, features: Sequence[str], signs: Floats, binning: str, n_bins: int
) -> dict[str, Floats]:
    """Return the edges of each feature in natural units, best first.

    ``signs`` is -1 where small values are good. Nested binning has one row of edges for
    each combination of the scores before it.
    """
    for name, column in zip(features, columns.T, strict=True):
        if column.min() == column.max():
            raise InvalidDataError(
                f"{name}: all {len(column)} values are equal, so no edges can be learned "
                f"(n_samples = {len(column)}). Use binning='fixed' with edges, or other features."
            )
    goodness = columns * signs
    if binning == "nested":
        return _nested_edges(goodness, features, signs, n_bins)
    edges = {}
    for name, values, sign in zip(features, goodness.T, signs, strict=True):
        by_value = binning == "value_share" and sign > 0
        if by_value:
            validate.refuse(name, values < 0, "are negative", "Shares of value need values ≥ 0.")
        rule = "quantile" if binning == "value_share" and not by_value else binning
        edges[name] = learn_thresholds(values, rule, n_bins) * sign
    return edges


def _nested_edges(goodness: Floats, features: Sequence[str], signs: Floats, n_bins: int) -> dict[str, Floats]:
    """Return edges of R; of F within each R; of M within each R and F."""
    edges: dict[str, Floats] = {}
    group = np.zeros(len(goodness), dtype=np.int64)
    n_groups = 1
    for name, values, sign in zip(features, goodness.T, signs, strict=True):
        thresholds = np.full((n_groups, n_bins - 1), np.inf)
        score = np.ones(len(values), dtype=np.int64)
        for index in np.unique(group):
            members = group == index
            thresholds[index] = learn_thresholds(values[members], "quantile", n_bins)
            score[members] = n_bins - tier_codes(values[members], thresholds[index])
        edges[name] = thresholds * sign
        group = group * n_bins + score - 1
        n_groups *= n_bins
    return edges


def score_columns(
    columns: Floats, features: Sequence[str], signs: Floats, edges: Mapping[str, Floats], n_bins: int
) -> Codes:
    """Return the scores 1…n_bins of each feature; the highest is the best."""
    scores = np.empty(columns.shape, dtype=np.int64)
    group = np.zeros(len(columns), dtype=np.int64)
    for j, (name, sign) in enumerate(zip(features, signs, strict=True)):
        values, thresholds = columns[:, j] * sign, np.atleast_2d(edges[name]) * sign
        if len(thresholds) == 1:
            scores[:, j] = n_bins - tier_codes(values, thresholds[0])
        else:
            scores[:, j] = 1 + (values[:, None] >= thresholds[group]).sum(axis=1)
        group = group * n_bins + scores[:, j] - 1
    return scores


def fixed_edges(
    edges: Mapping[str, Sequence[float]] | None, features: Sequence[str], signs: Floats
) -> dict[str, Floats]:
    """Return given edges, best first; raise unless every feature has the same number."""
    if not isinstance(edges, Mapping) or set(edges) != set(features):
        raise InvalidParameterError(
            f"binning='fixed' needs edges for {list(features)}, got "
            f"{list(edges) if isinstance(edges, Mapping) else edges!r}. "
            f"Example: edges={{{features[0]!r}: (30, 90, 180), …}}."
        )
    arrays = {name: _ascending(name, edges[name]) for name in features}
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1 or not min(lengths.values()):
        raise InvalidParameterError(
            f"edges must have the same number (≥ 1) of different values per feature, got {lengths}."
        )
    return {
        name: arrays[name] if sign < 0 else arrays[name][::-1]
        for name, sign in zip(features, signs, strict=True)
    }


def _ascending(name: str, edges: Sequence[float]) -> Floats:
    try:
        array = np.unique(np.asarray(edges, dtype=np.float64))
    except (TypeError, ValueError):
        array = np.array([np.nan])
    if not np.isfinite(array).all():
        raise InvalidParameterError(f"edges[{name!r}] must be finite numbers, got {edges!r}.")
    return array


def _equal(n_bins: int) -> Floats:
    return np.full(n_bins, 1.0 / n_bins)
