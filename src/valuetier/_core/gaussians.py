"""Which of several Gaussian components a row belongs to."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from valuetier._core.compress import Floats


def log_densities(rows: Floats, weights: Floats, means: Floats, factors: Floats) -> Floats:
    """Return log(weight × density) per row and component, less the constant that all share.

    ``factors`` holds per component the matrix P with P Pᵀ the inverse of its covariance. Computed
    column by column, so that a row's result depends on that row alone.

    Examples
    --------
    >>> means, factors = np.array([[0.0], [2.0]]), np.array([[[1.0]], [[1.0]]])
    >>> log_densities(np.array([[0.0], [1.0]]), np.array([0.5, 0.5]), means, factors).round(3).tolist()
    [[-0.693, -2.693], [-1.193, -1.193]]
    """
    found = np.empty((len(rows), len(means)))
    for k, (weight, mean, factor) in enumerate(zip(weights, means, factors, strict=True)):
        distance = np.zeros(len(rows))
        for direction in factor.T:
            along = np.zeros(len(rows))
            for column, middle, share in zip(rows.T, mean, direction, strict=True):
                along += (column - middle) * share
            distance += along**2
        found[:, k] = np.log(weight) + np.log(np.diag(factor)).sum() - distance / 2.0
    return found


def memberships(densities: Floats) -> Floats:
    """Return the probability of each component per row, from their log densities.

    Examples
    --------
    >>> memberships(np.array([[0.0, 0.0], [800.0, 0.0]])).tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """
    return np.asarray(np.exp(densities - logsumexp(densities, axis=1, keepdims=True)))
