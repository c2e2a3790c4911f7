"""Purchases discounted over a horizon and for ever."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from valuetier._core import bgnbd
from valuetier._core.discount import discounted_forever, discounted_within

PARAMETERS = {"r": 0.2426, "alpha": 30.9, "a": 0.793, "b": 2.426}
X, T_X, T = np.array([[0.0, 0.0, 272.0], [2.0, 213.0, 272.0], [26.0, 216.0, 217.0]]).T
EVERYONE = slice(None)
discounts = st.floats(np.log(1e-6), np.log(10)).map(lambda found: float(np.exp(found)))


def expectation(t, who=EVERYONE):
    return bgnbd.conditional_expected_purchases(t, X[who], T_X[who], T[who], **PARAMETERS)


def within(horizon, discount):
    """Return the value of each of the three customers."""
    return discounted_within(expectation, np.full(3, float(horizon)), discount, PARAMETERS["alpha"] + T)


def by_quadrature(who, horizon, discount):
    """Integrate in log(1 + t), piece by piece, and add what was bought at the end."""

    def integrand(u):
        t = np.expm1(u)
        return discount * np.exp(-discount * t) * expectation(t, who) * (t + 1)

    cuts = np.linspace(0, np.log1p(min(horizon, 50 / discount)), 12)
    pieces = [
        integrate.quad(integrand, *piece, epsabs=0, epsrel=1e-11)[0] for piece in itertools.pairwise(cuts)
    ]
    return sum(pieces) + np.exp(-discount * horizon) * expectation(float(horizon), who)


@pytest.mark.parametrize("who", range(3))
@pytest.mark.parametrize(
    ("horizon", "discount"),
    [
        (1, 0.1),
        (365, 0.00026),
        (365, 0.002),
        (3650, 0.00026),
        (3650, 0.002),
        (36500, 0.002),
        (1e6, 0.05),
        (30, 3),
    ],
)
def test_equals_numerical_quadrature(who, horizon, discount):
    """Short or long, gently or harshly discounted, the integral agrees with an adaptive one."""
    assert within(horizon, discount)[who] == pytest.approx(by_quadrature(who, horizon, discount), rel=1e-9)


@given(rate=st.floats(0.01, 100), horizon=st.floats(0.01, 1e5), discount=discounts)
def test_a_steady_customer_is_an_annuity(rate, horizon, discount):
    """For E(t) = rate t the value is rate (1 - e^-δh) / δ, and rate / δ for ever."""
    annuity = -rate * np.expm1(-discount * horizon) / discount
    found = discounted_within(lambda t: rate * t, np.array([horizon]), discount, np.array([100.0]))
    assert found[0] == pytest.approx(annuity, rel=1e-8)
    assert discounted_forever(lambda t: rate * t, discount, 2) == pytest.approx(
        [rate / discount] * 2, rel=1e-9
    )


@settings(max_examples=20)
@given(horizon=st.floats(0, 1e5))
def test_without_discount_nothing_is_lost(horizon):
    """A rate of 0 leaves the expectation, and a horizon of 0 leaves nothing."""
    np.testing.assert_array_equal(within(horizon, 0.0), expectation(np.full(3, horizon)))
    np.testing.assert_array_equal(within(0.0, 0.01), np.zeros(3))


@settings(max_examples=15)
@given(horizon=st.floats(1, 1e5), discount=discounts, factor=st.floats(1.1, 10))
def test_longer_is_more_and_dearer_is_less(horizon, discount, factor):
    """The value rises with the horizon, falls with the rate, and stays below the undiscounted one."""
    here = within(horizon, discount)
    assert (here > 0).all()
    assert (here <= within(horizon, 0.0)).all()
    assert (within(horizon * factor, discount) >= here * (1 - 1e-9)).all()
    assert (within(horizon, discount * factor) <= here * (1 + 1e-9)).all()


@settings(max_examples=10)
@given(discount=discounts)
def test_a_horizon_without_end_is_for_ever(discount):
    """Where nothing is left to be discounted, both integrals meet."""
    forever = discounted_forever(expectation, discount, 3)
    np.testing.assert_allclose(within(45 / discount, discount), forever, rtol=1e-8)


def test_each_customer_has_an_own_horizon():
    """Horizons and scales may differ by customer."""
    horizons, scales = np.array([10.0, 500.0]), np.array([40.0, 300.0])
    found = discounted_within(lambda t: 2 * t, horizons, 0.01, scales)
    np.testing.assert_allclose(found, -200 * np.expm1(-0.01 * horizons), rtol=1e-12)
