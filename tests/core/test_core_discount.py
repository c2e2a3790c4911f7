"""Purchases discounted over a horizon and for ever."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from tests.core.laws import log_uniform
from valuetier._core import bgnbd
from valuetier._core.discount import discounted_within

PARAMETERS = {"r": 0.2426, "alpha": 30.9, "a": 0.793, "b": 2.426}
X, T_X, T = np.array([[0.0, 0.0, 272.0], [2.0, 213.0, 272.0], [26.0, 216.0, 217.0]]).T
discounts = log_uniform(1e-6, 10)


def expectation(t, who):
    return bgnbd.conditional_expected_purchases(t, X[who], T_X[who], T[who], **PARAMETERS)


def within(horizon, discount):
    """Return the value of each of the three customers."""
    return discounted_within(expectation, np.full(3, float(horizon)), discount, PARAMETERS["alpha"] + T)


def by_quadrature(who, horizon, discount):
    """Integrate in log(1 + t), piece by piece, and add what was bought at the end."""

    def bought(t):
        return expectation(np.array([t]), [who])[0]

    def integrand(u):
        t = np.expm1(u)
        return discount * np.exp(-discount * t) * bought(t) * (t + 1)

    cuts = np.linspace(0, np.log1p(min(horizon, 50 / discount)), 12)
    pieces = [
        integrate.quad(integrand, *piece, epsabs=0, epsrel=1e-11)[0] for piece in itertools.pairwise(cuts)
    ]
    return sum(pieces) + np.exp(-discount * horizon) * bought(horizon)


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
    ends, scale = np.array([horizon, np.inf]), np.full(2, 100.0)
    found = discounted_within(lambda t, who: rate * t, ends, discount, scale)
    np.testing.assert_allclose(found, [annuity, rate / discount], rtol=1e-9)


@settings(max_examples=20)
@given(horizon=st.floats(0, 1e5))
def test_without_discount_nothing_is_lost(horizon):
    """A rate of 0 leaves the expectation, and a horizon of 0 leaves nothing."""
    np.testing.assert_array_equal(within(horizon, 0.0), expectation(np.full(3, horizon), np.arange(3)))
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
def test_a_horizon_without_end_is_a_very_long_one(discount):
    """Where nothing is left to be discounted, more time brings nothing."""
    np.testing.assert_allclose(within(50 / discount, discount), within(np.inf, discount), rtol=1e-9)


def test_each_customer_has_an_own_horizon_discount_and_scale():
    """All three may differ by customer, and the expectation is asked about the right ones."""
    horizons, scales = np.array([10.0, 500.0, np.inf, 7.0]), np.array([40.0, 300.0, 1.0, 2.0])
    discounts, rates = np.array([0.01, 0.02, 0.5, 3.0]), np.array([2.0, 3.0, 5.0, 7.0])
    found = discounted_within(lambda t, who: rates[who] * t, horizons, discounts, scales)
    np.testing.assert_allclose(found, -rates / discounts * np.expm1(-discounts * horizons), rtol=1e-12)


@given(t=log_uniform(1e-3, 1e5), saturation=log_uniform(1e-2, 1e4), discount=discounts)
def test_a_customer_who_leaves_at_a_constant_rate(t, saturation, discount):
    """For E(t) = 1 - e^(-t/c) the value is known too, whatever the rates of leaving and discount are."""
    together = 1 / saturation + discount
    found = discounted_within(
        lambda t, who: -np.expm1(-t / saturation), np.array([t]), discount, np.array([saturation])
    )
    assert found[0] == pytest.approx(-np.expm1(-together * t) / (saturation * together), rel=1e-9)


def test_nobody_has_no_value():
    """Without customers the result is empty."""
    empty = np.empty(0)
    assert discounted_within(lambda t, who: t, empty, 0.1, empty).shape == (0,)
