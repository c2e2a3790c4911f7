"""Sums of smooth functions over many whole numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from tests.core.laws import log_uniform
from valuetier._core import sums
from valuetier._core.sums import sum_of_terms

LENGTHS = [0, 1, 2, 47, 48, 49, 60, 72, 73, 96, 97, 145, 1_000, 33_333]
growths = pytest.mark.parametrize("growth", [1.05, 1.5, 2.0])

SMOOTH = {
    "geometric": lambda i: np.exp(-0.01 * i),
    "steep": lambda i: np.exp(-0.9 * i),
    "power": lambda i: (i + 0.3) ** -1.7,
    "growing": lambda i: i**1.3,
    "survival": lambda i: np.exp(special.betaln(0.7, 3.1 + i) - special.betaln(0.7, 3.1)),
    "discounted survival": lambda i: np.exp(
        special.betaln(5.0, 40.0 + i) - special.betaln(5.0, 40.0) - 0.002 * i
    ),
    "logistic": lambda i: special.expit((300.0 - i) / 60.0),
    "logarithm": np.log,
}


@growths
@pytest.mark.parametrize("last", LENGTHS)
@pytest.mark.parametrize("term", SMOOTH.values(), ids=SMOOTH)
def test_equals_the_plain_sum(term, last, growth):
    """Whatever the length and the blocks, eleven digits of the sum of all terms are right."""
    found = sum_of_terms(lambda i: np.asarray(term(i)), last, growth)
    assert float(found) == pytest.approx(np.sum(term(np.arange(1.0, last + 1))), rel=1e-11)


@growths
@given(coefficients=st.lists(st.floats(-1, 1), min_size=1, max_size=12), last=st.integers(1, 5_000))
def test_polynomials_are_summed_exactly(growth, coefficients, last):
    """A polynomial in i / last has its sum but for rounding."""
    polynomial = np.polynomial.Polynomial(coefficients)
    found = float(sum_of_terms(lambda i: np.asarray(polynomial(i / last)), last, growth))
    plain = polynomial(np.arange(1.0, last + 1) / last).sum()
    assert found == pytest.approx(plain, abs=1e-12 * last * np.abs(coefficients).sum() + 1e-300)


@pytest.mark.parametrize("size", [25, 26, 40, 100, 10_000, 10**7])
def test_the_rule_of_a_block_has_its_moments(size):
    """Its weights are positive, its nodes inside, and it is exact up to degree 47."""
    nodes, weights = sums._gauss(size)
    assert len(nodes) == sums.NODES
    assert (weights > 0).all()
    assert 1 <= nodes.min() < nodes.max() <= size
    centred = (nodes - (size + 1) / 2) / size
    whole = (np.arange(1.0, min(size, 10_000) + 1) - (size + 1) / 2) / size
    for degree in range(2 * sums.NODES):
        if size <= 10_000:
            expected = np.sum(whole**degree)
        else:  # the midpoint rule is the integral but for a share of size^-2
            expected = size * (0.5 ** (degree + 1) - (-0.5) ** (degree + 1)) / (degree + 1)
        found, scale = weights @ centred**degree, size * 0.5**degree / (degree + 1)
        assert found == pytest.approx(expected, abs=(1e-12 if size <= 10_000 else 1e-10) * scale)


@given(last=st.integers(0, 10**12), rate=log_uniform(1e-8, 1))
def test_a_geometric_sum_of_any_length(last, rate):
    """Even of 10^12 terms the sum of e^(-rate i) is the known one."""
    found = float(sum_of_terms(lambda i: np.asarray(np.exp(-rate * i)), last, 1.5))
    expected = np.expm1(-rate * last) / np.expm1(-rate) * np.exp(-rate)
    assert found == pytest.approx(expected, rel=1e-10)


def test_few_terms_are_asked_for():
    """A million terms are summed from a few hundred values, not one of them beyond the ends."""
    asked = []

    def term(i):
        asked.append(i)
        return np.asarray(1.0 / i)

    found = float(sum_of_terms(term, 10**6))
    assert found == pytest.approx(special.digamma(10**6 + 1) + np.euler_gamma, rel=1e-13)
    assert len(asked) < 500
    assert 1 <= min(asked) < max(asked) <= 10**6


def test_arrays_are_summed_entry_by_entry():
    """Terms may be arrays: each entry has its own sum; no terms sum to zero."""
    powers = np.array([-2.0, -1.0, 0.5])
    together = sum_of_terms(lambda i: i**powers, 3_000)
    alone = [float(sum_of_terms(lambda i, p=power: np.asarray(i**p), 3_000)) for power in powers]
    np.testing.assert_allclose(together, alone, rtol=1e-14)
    assert float(sum_of_terms(lambda i: np.asarray(1.0), 0)) == 0
