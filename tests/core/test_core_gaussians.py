"""Gaussian components: densities and memberships against scipy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from valuetier._core.gaussians import log_densities, memberships


def _components(seed: int, k: int = 3, d: int = 4):
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(k, d, d))
    covariances = roots @ roots.transpose(0, 2, 1) + 0.2 * np.eye(d)
    factors = np.linalg.cholesky(np.linalg.inv(covariances))
    return rng.dirichlet(np.ones(k)), rng.normal(size=(k, d)), covariances, factors


@pytest.mark.parametrize("seed", range(5))
def test_densities_are_those_of_scipy(seed):
    """Log density plus log weight, up to the constant (d/2) log 2π that all components share."""
    weights, means, covariances, factors = _components(seed)
    rows = np.random.default_rng(seed + 50).normal(size=(20, 4))
    expected = np.column_stack(
        [
            np.log(w) + multivariate_normal(m, c).logpdf(rows)
            for w, m, c in zip(weights, means, covariances, strict=True)
        ]
    )
    found = log_densities(rows, weights, means, factors)
    np.testing.assert_allclose(found, expected + 2 * np.log(2 * np.pi), rtol=1e-9)
    np.testing.assert_allclose(memberships(found).sum(axis=1), 1.0, rtol=1e-12)


def test_a_row_is_judged_alone():
    """A row's densities are the same to the last bit, alone and among others."""
    weights, means, _, factors = _components(1)
    rows = np.random.default_rng(2).normal(size=(50, 4))
    whole = log_densities(rows, weights, means, factors)
    for i in range(50):
        assert log_densities(rows[i : i + 1], weights, means, factors)[0].tolist() == whole[i].tolist()


def test_far_rows_belong_to_somebody():
    """Where every density underflows, memberships still are probabilities."""
    weights, means, _, factors = _components(3)
    found = memberships(log_densities(np.full((1, 4), 1e8), weights, means, factors))
    assert found.sum() == pytest.approx(1.0)
