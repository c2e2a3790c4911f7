"""What the models refuse, and what they say: column, count, need and way out."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from valuetier import BGNBD, GammaGamma, InvalidDataError, InvalidParameterError

COUNTS = BGNBD.from_params(r=0.6, alpha=25.0, a=0.8, b=2.5)
VALUES = GammaGamma.from_params(p=6.0, q=4.0, v=16.0)
NAN, INF = np.nan, np.inf


def message_of(error, call, *args, **kwargs):
    """Return what the call says when it refuses."""
    with pytest.raises(error) as caught:
        call(*args, **kwargs)
    return str(caught.value)


@pytest.mark.parametrize(
    ("observed", "message"),
    [
        (([], [], []), "x, t_x and T are empty: pass at least one customer."),
        (
            ([1, NAN], [1, 1], [2, 2]),
            "x: 1 of 2 values are missing (NaN). Drop or fill these customers first.",
        ),
        (
            ([1, 1], [1, INF], [2, 2]),
            "t_x: 1 of 2 values are infinite (inf). Drop or fill these customers first.",
        ),
        (
            ([1, 1], [1, 1], [NAN, NAN]),
            "T: 2 of 2 values are missing (NaN). Drop or fill these customers first.",
        ),
        (([-1, 1], [1, 1], [2, 2]), "x: 1 of 2 values are negative. Counts and ages start at 0."),
        (([1, 1], [1, -1], [2, 2]), "t_x: 1 of 2 values are negative. Counts and ages start at 0."),
        (([0, 0], [0, 0], [-2, 2]), "T: 1 of 2 values are negative. Counts and ages start at 0."),
        (([1.5, 1], [1, 1], [2, 2]), "x: 1 of 2 values are not whole numbers. x counts repeat purchases."),
        (
            ([1, 1, 1], [3, 1, 4], [2, 2, 2]),
            "t_x: 2 of 3 values are larger than T. Both are ages since the first purchase.",
        ),
        (
            ([1, 2], [0, 1], [2, 2]),
            (
                "t_x: 1 of 2 values are 0 although x > 0. "
                "x counts the purchases after the first; purchases at one time are one."
            ),
        ),
        (
            ([0, 1], [1, 1], [2, 2]),
            "t_x: 1 of 2 values are above 0 although x = 0. Set t_x to 0 where x is 0.",
        ),
        ((["1", "2"], [1, 1], [2, 2]), "x must hold numbers, got a list. Convert the column first."),
        (
            ([1, 2, 3], [1, 1], [2, 2, 2]),
            (
                "t_x cannot be paired with the others, lengths are {'x': 3, 't_x': 2, 'T': 3}. "
                "Pass one value per customer, or one for all."
            ),
        ),
    ],
)
def test_observations_that_contradict_themselves(observed, message):
    """Fit and every method refuse them with the same words."""
    assert message_of(InvalidDataError, BGNBD().fit, *observed) == message
    assert message_of(InvalidDataError, COUNTS.log_likelihood, *observed) == message
    assert message_of(InvalidDataError, COUNTS.probability_alive, *observed) == message
    assert message_of(InvalidDataError, COUNTS.conditional_expected_purchases, 9, *observed) == message
    assert message_of(InvalidDataError, COUNTS.discounted_expected_purchases, 9, 0.1, *observed) == message
    assert message_of(InvalidDataError, COUNTS.dert, *observed, 0.1) == message


WEIGHTS = [
    ([1.0, NAN], "weights: 1 of 2 values are missing (NaN). Drop or fill these customers first."),
    ([1.0, INF], "weights: 1 of 2 values are infinite (inf). Drop or fill these customers first."),
    ([1.0, 0.0], "weights: 1 of 2 values are not positive. A weight counts customers."),
    ([-1.0, -2.0], "weights: 2 of 2 values are not positive. A weight counts customers."),
    (
        [1.0],
        "x, weights must have the same length, got {'x': 2, 'weights': 1}. Pass one value per customer in each.",
    ),
]


@pytest.mark.parametrize(("weights", "message"), WEIGHTS)
def test_weights_that_count_nobody(weights, message):
    """Both models refuse weights that are missing, infinite, not positive or too few."""
    assert message_of(InvalidDataError, BGNBD().fit, [1, 2], [1, 1], [2, 2], weights=weights) == message
    assert message_of(InvalidDataError, GammaGamma().fit, [1, 2], [5, 6], weights=weights) == message


@pytest.mark.parametrize(
    ("observed", "message"),
    [
        (([1, NAN], [5, 6]), "x: 1 of 2 values are missing (NaN). Drop or fill these customers first."),
        (([1, -1], [5, 6]), "x: 1 of 2 values are negative. x counts repeat orders."),
        (([1, 0, 2], [NAN, NAN, 6]), "m_x: 1 of 3 values are missing although x > 0. Drop these customers."),
        (([1, 2], [INF, 6]), "m_x: 1 of 2 values are missing although x > 0. Drop these customers."),
        (
            ([1, 0], [-5, -6]),
            "m_x: 1 of 2 values are negative although x > 0. Order values are not negative.",
        ),
        ((["a"], [5]), "x must hold numbers, got a list. Convert the column first."),
    ],
)
def test_order_values_that_cannot_be(observed, message):
    """Fit and every method of Gamma-Gamma refuse them with the same words."""
    assert message_of(InvalidDataError, GammaGamma().fit, *observed) == message
    assert message_of(InvalidDataError, VALUES.log_likelihood, *observed) == message
    assert message_of(InvalidDataError, VALUES.expected_value, *observed) == message


@pytest.mark.parametrize(
    ("observed", "used", "n"), [(([0, 1], [0, 5]), 1, 2), (([1, 2, 3], [5, 5, 5]), 3, 3), (([], []), 0, 0)]
)
def test_order_values_that_say_too_little(observed, used, n):
    """Fewer than two different values are refused with the number of customers who have one."""
    assert message_of(InvalidDataError, GammaGamma().fit, *observed) == (
        f"m_x: {used} of {n} customers have a repeat order of positive value, and at least 2 different values "
        "are needed. Observe longer."
    )


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"r": 1.0}, "BGNBD needs the parameters ['r', 'alpha', 'a', 'b'], got ['r']."),
        (
            {"r": 1.0, "alpha": 1.0, "a": 1.0, "b": 1.0, "s": 1.0},
            "BGNBD needs the parameters ['r', 'alpha', 'a', 'b'], got ['a', 'alpha', 'b', 'r', 's'].",
        ),
        ({"r": 1.0, "alpha": 1.0, "a": 1.0, "b": 0.0}, "b must be a number > 0, got 0.0."),
        ({"r": -1.0, "alpha": 1.0, "a": 1.0, "b": 1.0}, "r must be a number > 0, got -1.0."),
        ({"r": 1.0, "alpha": NAN, "a": 1.0, "b": 1.0}, "alpha must be a number > 0, got nan."),
        ({"r": 1.0, "alpha": 1.0, "a": INF, "b": 1.0}, "a must be a number > 0, got inf."),
        ({"r": 1.0, "alpha": "4", "a": 1.0, "b": 1.0}, "alpha must be a number > 0, got '4'."),
    ],
)
def test_parameters_by_hand_must_be_all_there_and_positive(params, message):
    """``from_params`` names what is missing, unknown or not positive."""
    assert message_of(InvalidParameterError, BGNBD.from_params, **params) == message


def test_gamma_gamma_names_its_own_parameters():
    """``from_params`` of another model asks for that model's parameters."""
    assert message_of(InvalidParameterError, GammaGamma.from_params, p=1.0) == (
        "GammaGamma needs the parameters ['p', 'q', 'v'], got ['p']."
    )


def test_parameters_by_hand_come_back():
    """``params`` returns what ``from_params`` was given."""
    given = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
    assert BGNBD.from_params(**given).params() == given
    assert BGNBD.from_params(**dict.fromkeys(given, 2)).params() == dict.fromkeys(given, 2.0)


@pytest.mark.parametrize(
    "call",
    [
        BGNBD().params,
        lambda: BGNBD().expected_purchases(1),
        lambda: BGNBD().probability_alive([1], [1], [2]),
        lambda: BGNBD().simulate(1, 1, np.random.default_rng(0)),
        lambda: GammaGamma().expected_value([1], [2]),
    ],
)
def test_a_model_that_is_not_fitted_says_so(call):
    """Every method asks for a fit first."""
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: COUNTS.expected_purchases(t), "t: 1 of 2 values are not times ≥ 0. Pass t ≥ 0."),
        (lambda t: COUNTS.probability_of_purchases(0, t), "t: 1 of 2 values are not times ≥ 0. Pass t ≥ 0."),
        (
            lambda t: COUNTS.conditional_expected_purchases(t, 1, 1, 2),
            "t: 1 of 2 values are not times ≥ 0. Pass t ≥ 0.",
        ),
        (
            lambda t: COUNTS.simulate(2, t, np.random.default_rng(0)),
            "T: 1 of 2 values are not times ≥ 0. Pass T ≥ 0.",
        ),
    ],
)
@pytest.mark.parametrize("bad", [-1.0, NAN, INF])
def test_times_that_are_none(call, message, bad):
    """Negative, missing and infinite times are refused and counted."""
    assert message_of(InvalidDataError, call, [1.0, bad]) == message


@pytest.mark.parametrize("bad", [-1, 0.5, NAN, INF])
def test_counts_that_are_none(bad):
    """The chance of a number of purchases needs whole numbers."""
    assert message_of(InvalidDataError, COUNTS.probability_of_purchases, [1, bad], 9) == (
        "n: 1 of 2 values are not counts. Pass 0, 1, 2, …."
    )


def test_columns_that_do_not_pair():
    """Numbers of purchases and horizons, or histories and horizons, must fit together."""
    assert message_of(InvalidDataError, COUNTS.probability_of_purchases, [0, 1, 2], [1, 2]) == (
        "t cannot be paired with the others, lengths are {'n': 3, 't': 2}. "
        "Pass one value per customer, or one for all."
    )
    assert message_of(
        InvalidDataError, COUNTS.conditional_expected_purchases, [1, 2], [1] * 3, [1] * 3, [2] * 3
    ) == (
        "t cannot be paired with the others, lengths are {'x': 3, 't_x': 3, 'T': 3, 't': 2}. "
        "Pass one value per customer, or one for all."
    )
    assert message_of(InvalidDataError, COUNTS.simulate, 2, [1, 2, 3], np.random.default_rng(0)) == (
        "T must be one time or 2, one per customer, got 3 times."
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: COUNTS.dert([1], [1], [2], 0), "discount must be a number > 0, got 0."),
        (lambda: COUNTS.dert([1], [1], [2], -0.1), "discount must be a number > 0, got -0.1."),
        (
            lambda: COUNTS.discounted_expected_purchases(9, -0.1, [1], [1], [2]),
            "discount must be a number ≥ 0, got -0.1.",
        ),
        (lambda: COUNTS.simulate(-1, 9, np.random.default_rng(0)), "n must be a whole number ≥ 0, got -1."),
        (lambda: COUNTS.simulate(1.5, 9, np.random.default_rng(0)), "n must be a whole number ≥ 0, got 1.5."),
    ],
)
def test_rates_horizons_and_numbers_of_customers(call, message):
    """A rate, a horizon or a number of customers that cannot be is named with its value."""
    assert message_of(InvalidParameterError, call) == message
