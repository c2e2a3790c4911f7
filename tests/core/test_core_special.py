"""E[(1 - (1 + p s)^-k) / p] and E[(1 + p s)^-k] for p ~ Beta(a, d): by series, closed form and integral."""

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.core.laws import log_uniform
from valuetier._core import special
from valuetier._core.special import chance_to_stay, mean_purchases

horizons = log_uniform(1e-6, 1e4)
counts = log_uniform(1e-2, 5e3)
dropouts = log_uniform(1e-2, 1e3)


def one(s, k, a, d):
    return float(mean_purchases(np.array([s]), np.array([k]), a, np.array([d]))[0])


def precisely(s, k, a, d):
    """Return the closed form with 80 digits; a different from 1."""
    with mpmath.workdps(80):
        s, k, a, d = map(mpmath.mpf, (s, k, a, d))
        c, z = a + d - 1, s / (1 + s)
        tail = (1 - z) ** (a - 1) * mpmath.hyp2f1(a - 1, c - k, c, z, maxterms=10**6)
        return float(c / (a - 1) * (1 - tail))


@given(
    s=log_uniform(1e-6, 1e3),
    k=log_uniform(1e-2, 1e3),
    a=log_uniform(1e-2, 50).filter(lambda a: a != 1),
    d=log_uniform(1e-2, 1e3),
)
def test_equals_the_closed_form_in_80_digits(s, k, a, d):
    """Whatever way a point is evaluated, nine digits are right."""
    assume(a + d != 1)
    assert one(s, k, a, d) == pytest.approx(precisely(s, k, a, d), rel=1e-9)


@pytest.mark.parametrize("nudge", [1e-12, 1e-6, 1e-3, 9e-3, 1.1e-2])
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(("s", "k", "d"), [(0.9, 0.25, 2.4), (12.0, 30.0, 31.0), (400.0, 3.0, 0.02)])
def test_the_pole_at_a_equal_to_one_is_none(s, k, d, sign, nudge):
    """Around a = 1, where the closed form divides by zero, the value is right and smooth."""
    a = 1 + sign * nudge
    assert one(s, k, a, d) == pytest.approx(precisely(s, k, a, d), rel=1e-9)
    assert one(s, k, a, d) == pytest.approx(one(s, k, 1.0, d), rel=10 * nudge)


@pytest.mark.parametrize("a", [0.3, 0.9, 0.99])
@pytest.mark.parametrize("nudge", [-1e-3, -1e-9, 1e-9, 1e-3])
def test_the_pole_at_c_equal_to_zero_is_none(a, nudge):
    """Around a + d = 1, where the ₂F₁ has its pole, the value is right."""
    d = 1 - a + nudge
    assert one(2.0, 1.5, a, d) == pytest.approx(precisely(2.0, 1.5, a, d), rel=1e-9)


@pytest.mark.parametrize(
    ("s", "k", "a", "d"),
    [
        (0.00178, 566.7, 0.98919, 2.0759),
        (0.000485, 585.1, 1.01326, 0.208),
        (5e-5, 5e3, 0.9, 0.5),
        (900.0, 40.0, 7.0, 3.0),
    ],
)
def test_corners_in_which_the_closed_form_loses_digits(s, k, a, d):
    """Where ₂F₁ with a large parameter or an argument near 1 is imprecise, the value is not."""
    assert one(s, k, a, d) == pytest.approx(precisely(s, k, a, d), rel=1e-10)


def test_a_value_known_in_closed_form():
    """For s = 1, k = 2 and p uniform it is log 2 + 1/2."""
    assert one(1.0, 2.0, 1.0, 1.0) == pytest.approx(np.log(2) + 0.5, rel=1e-12)


@given(s=horizons, k=counts, a=dropouts, d=dropouts)
def test_between_nothing_and_a_customer_who_never_leaves(s, k, a, d):
    """0 < value ≤ s k, never NaN, from one corner of the parameters to the other."""
    assert 0 < one(s, k, a, d) <= s * k * (1 + 1e-9)


@given(k=counts, a=dropouts, d=dropouts)
def test_nothing_happens_in_no_time(k, a, d):
    """A horizon of 0 brings exactly 0, and a short one s k."""
    assert one(0.0, k, a, d) == 0
    assert one(1e-12, k, a, d) == pytest.approx(1e-12 * k, rel=1e-7)


@given(s=horizons, factor=st.floats(1.01, 10), k=counts, a=dropouts, d=dropouts)
def test_more_time_more_orders_and_rarer_dropout_bring_more(s, factor, k, a, d):
    """The value rises with s, with k and with d, and falls with a."""
    here = one(s, k, a, d) * (1 - 1e-9)
    assert one(s * factor, k, a, d) >= here
    assert one(s, k * factor, a, d) >= here
    assert one(s, k, a, d * factor) >= here
    assert one(s, k, a / factor, d) >= here


@given(k=counts, a=dropouts, d=dropouts)
def test_the_three_ways_meet(k, a, d):
    """Where the series ends, the integral says the same, and the closed form where it is trusted."""
    s = np.array([special.SMALL / (k + 1)])
    columns = s, np.array([k]), a, np.array([d])
    series = special._purchases_series(*columns)
    np.testing.assert_allclose(series, special._purchases_integral(*broadcast(columns)), rtol=1e-10)
    with np.errstate(all="ignore"):
        closed, trusted = special._purchases_closed(*columns)
    np.testing.assert_allclose(closed[trusted], series[trusted], rtol=1e-9)


def broadcast(columns):
    return np.broadcast_arrays(*(np.asarray(column, dtype=float) for column in columns))


def test_shapes_are_broadcast_and_rows_stand_alone():
    """One k and d serve many horizons, and each entry is what it is alone."""
    s = np.geomspace(1e-5, 1e3, 40)
    together = mean_purchases(s, np.asarray(0.25), 0.8, np.asarray(2.5))
    np.testing.assert_array_equal(together, [one(each, 0.25, 0.8, 2.5) for each in s])
    assert mean_purchases(np.empty(0), np.empty(0), 0.8, np.empty(0)).shape == (0,)


def stay(s, k, a, d):
    return float(chance_to_stay(np.array([s]), np.array([k]), a, np.array([d]))[0])


def stay_precisely(s, k, a, d):
    """Return the ₂F₁ form with 60 digits."""
    with mpmath.workdps(60):
        s, k, a, d = map(mpmath.mpf, (s, k, a, d))
        return float((1 + s) ** -k * mpmath.hyp2f1(k, d, a + d, s / (1 + s), maxterms=10**6))


@given(s=log_uniform(1e-6, 1e3), k=log_uniform(1e-2, 1e3), a=log_uniform(1e-2, 1e3), d=log_uniform(1e-2, 1e3))
def test_the_chance_to_stay_equals_its_closed_form_in_60_digits(s, k, a, d):
    """Whatever way a point is evaluated, nine digits of the chance are right."""
    expected = stay_precisely(s, k, a, d)
    assume(expected > 1e-290)
    assert stay(s, k, a, d) == pytest.approx(expected, rel=1e-9)


@given(s=horizons, k=counts, a=dropouts, d=dropouts)
def test_staying_is_a_chance(s, k, a, d):
    """It lies in [0, 1], never NaN; it is 1 in no time, and not below that of the likeliest leaver."""
    here = stay(s, k, a, d)
    assert (1 + s) ** -k * (1 - 1e-9) <= here <= 1
    assert stay(0.0, k, a, d) == 1


@given(s=horizons, factor=st.floats(1.01, 10), k=counts, a=dropouts, d=dropouts)
def test_more_time_more_orders_and_likelier_dropout_leave_fewer(s, factor, k, a, d):
    """The chance to stay falls with s, with k and with a, and rises with d."""
    here = stay(s, k, a, d)
    assert stay(s * factor, k, a, d) <= here * (1 + 1e-9)
    assert stay(s, k * factor, a, d) <= here * (1 + 1e-9)
    assert stay(s, k, a * factor, d) <= here * (1 + 1e-9)
    assert stay(s, k, a, d * factor) >= here * (1 - 1e-9)


@given(k=counts, a=dropouts, d=dropouts)
def test_the_three_ways_to_stay_meet(k, a, d):
    """Where the series ends, integral and closed form say the same."""
    columns = np.array([special.SMALL / (k + 1)]), np.array([k]), a, np.array([d])
    series = special._stay_series(*columns)
    np.testing.assert_allclose(series, special._stay_integral(*broadcast(columns)), rtol=1e-10)
    with np.errstate(all="ignore"):
        closed, trusted = special._stay_closed(*columns)
    np.testing.assert_allclose(closed[trusted], series[trusted], rtol=1e-9)


@given(s=log_uniform(1e-3, 1e2), k=log_uniform(0.1, 100), a=log_uniform(0.1, 30), d=log_uniform(0.1, 30))
def test_the_two_means_are_a_function_and_its_slope(s, k, a, d):
    """d/ds of the purchases is k E[(1 + p s)^-(k+1)]: rate times the chance to be there to buy."""
    step = 1e-4 * s / (k + 1)
    slope = (one(s + step, k, a, d) - one(s - step, k, a, d)) / (2 * step)
    rounding = 1e-12 * one(s, k, a, d) / step
    assert slope == pytest.approx(k * stay(s, k + 1, a, d), rel=1e-6, abs=rounding)


def test_chances_to_stay_stand_alone():
    """One k and d serve many horizons, and each entry is what it is alone."""
    s = np.geomspace(1e-5, 1e3, 40)
    together = chance_to_stay(s, np.asarray(0.25), 0.8, np.asarray(2.5))
    np.testing.assert_array_equal(together, [stay(each, 0.25, 0.8, 2.5) for each in s])
    assert chance_to_stay(np.empty(0), np.empty(0), 0.8, np.empty(0)).shape == (0,)
