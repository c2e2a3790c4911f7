"""How far the distribution of a column has moved between two tables."""

from __future__ import annotations

import numpy as np
from scipy.special import chdtri

from valuetier._core.compress import Floats

# Rule of thumb of credit scoring: below the first little change, from the second on a significant one.
# As given by Yurdakul & Naranjo (2020), who note that it disregards the number of customers.
MODERATE, LARGE = 0.10, 0.25

EMPTY = 0.5  # customers added to every class of both tables, since the index has no value for an empty one


def class_edges(values: Floats, n_classes: int) -> Floats:
    """Return the upper edges of all classes but the last: quantiles among the values, equal values together.

    No class is empty of the values it was made from, but where all are equal: then
    one class is theirs, and one is on either side.

    Examples
    --------
    >>> class_edges(np.array([0.0, 0.0, 0.0, 1.0, 2.0, 9.0]), 3).tolist()
    [0.0, 1.0]
    """
    known = np.sort(values[~np.isnan(values)])
    if not len(known):
        return np.empty(0)
    if known[0] == known[-1]:
        return np.array([np.nextafter(known[0], -np.inf), known[0]])
    last = -(-np.arange(1, n_classes) * len(known) // n_classes) - 1  # the class's last place, rounded up
    edges = np.unique(known[last])
    return np.asarray(edges[edges < known[-1]], dtype=np.float64)


def class_counts(values: Floats, edges: Floats) -> Floats:
    """Return the customers in each class, those whose value is missing last.

    Examples
    --------
    >>> class_counts(np.array([0.0, 1.0, 5.0, np.nan]), np.array([0.0])).tolist()
    [1.0, 2.0, 1.0]
    """
    missing = np.isnan(values)
    places = np.where(missing, len(edges) + 1, np.searchsorted(edges, values, side="left"))
    return np.bincount(places, minlength=len(edges) + 2).astype(np.float64)


def population_stability_index(before: Floats, after: Floats) -> float:
    """Return Σ (a - b) log(a / b) over the shares b and a of the classes, from counts.

    0 if the shares are the same, and the same whichever table comes first. Classes that are
    empty in both tables do not count; half a customer is added to the others.

    Examples
    --------
    >>> round(population_stability_index(np.array([50.0, 50.0]), np.array([70.0, 30.0])), 3)
    0.166
    """
    used = (before + after) > 0
    b, a = (counts[used] + EMPTY for counts in (before, after))
    b, a = b / b.sum(), a / a.sum()
    return float(((a - b) * np.log(a / b)).sum())


def index_by_chance(before: Floats, after: Floats, confidence: float = 0.95) -> float:
    """Return the index that two samples of one population exceed with probability 1 - confidence.

    The index, divided by 1/n + 1/m, follows the chi-squared distribution with one degree of freedom less
    than there are classes.

    Source: Yurdakul & Naranjo (2020), "Statistical properties of the population stability
    index", Journal of Risk Model Validation.

    Examples
    --------
    >>> round(index_by_chance(np.full(10, 100.0), np.full(10, 100.0)), 3)
    0.034
    """
    classes = int(((before + after) > 0).sum())
    if classes < 2:
        return 0.0
    return float(chdtri(classes - 1, 1.0 - confidence) * (1.0 / before.sum() + 1.0 / after.sum()))
