"""What BG/BB and the other models refuse, and what they say: column, count, need and way out."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import valuetier as vt
from tests.models.kinds import ALL, BGBB, IN_TIME
from valuetier import InvalidDataError, InvalidParameterError

NAN, INF = np.nan, np.inf
RNG = np.random.default_rng(0)


def message_of(error, call, *args, **kwargs):
    """Return what the call says when it refuses."""
    with pytest.raises(error) as caught:
        call(*args, **kwargs)
    return str(caught.value)


@pytest.mark.parametrize(
    ("observed", "message"),
    [
        (([], [], []), "x, t_x and n are empty: pass at least one customer."),
        (
            ([1, NAN], [1, 1], [2, 2]),
            "x: 1 of 2 values are missing (NaN). Drop or fill these customers first.",
        ),
        (
            ([1, 1], [1, 1], [2, INF]),
            "n: 1 of 2 values are infinite (inf). Drop or fill these customers first.",
        ),
        (([1, -1], [1, 1], [2, 2]), "x: 1 of 2 values are negative. Counts and ages start at 0."),
        (
            ([1, 1], [1, 3], [2, 2]),
            "t_x: 1 of 2 values are larger than n. Both are ages since the first purchase.",
        ),
        (([1, 1], [1, 1.5], [2, 2]), "t_x: 1 of 2 values are not whole numbers. Opportunities are counted."),
        (([1, 1], [1, 1], [2, 2.5]), "n: 1 of 2 values are not whole numbers. Opportunities are counted."),
        (
            ([1, 3], [1, 2], [4, 4]),
            "x: 1 of 2 values are larger than t_x. By opportunity t_x at most t_x were used.",
        ),
        (
            ([0, 1], [1, 1], [2, 2]),
            "t_x: 1 of 2 values are above 0 although x = 0. Set t_x to 0 where x is 0.",
        ),
        (
            ([1, 2, 3], [1, 1], [2, 2, 2]),
            (
                "t_x cannot be paired with the others, lengths are {'x': 3, 't_x': 2, 'n': 3}. "
                "Pass one value per customer, or one for all."
            ),
        ),
    ],
)
def test_opportunities_that_contradict_themselves(observed, message):
    """Fit and every method of BG/BB refuse them with the same words."""
    assert message_of(InvalidDataError, vt.BGBB().fit, *observed) == message
    assert message_of(InvalidDataError, BGBB.log_likelihood, *observed) == message
    assert message_of(InvalidDataError, BGBB.probability_alive, *observed) == message
    assert message_of(InvalidDataError, BGBB.conditional_expected_purchases, 9, *observed) == message
    assert message_of(InvalidDataError, BGBB.discounted_expected_purchases, 9, 0.1, *observed) == message
    assert message_of(InvalidDataError, BGBB.dert, *observed, 0.1) == message


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: BGBB.expected_purchases([1, 1.5]),
            "t: 1 of 2 values are not whole numbers. Opportunities are counted.",
        ),
        (lambda: BGBB.expected_purchases([1, -1]), "t: 1 of 2 values are not times ≥ 0. Pass t ≥ 0."),
        (
            lambda: BGBB.conditional_expected_purchases(0.5, [1], [1], [2]),
            "t: 1 of 1 values are not whole numbers. Opportunities are counted.",
        ),
        (
            lambda: BGBB.probability_alive([1], [1], [2], 0.5),
            "t: 1 of 1 values are not whole numbers. Opportunities are counted.",
        ),
        (
            lambda: BGBB.probability_of_purchases([1, 0.5], 3),
            "m: 1 of 2 values are not counts. Pass 0, 1, 2, ….",
        ),
        (
            lambda: BGBB.probability_of_purchases(1, 2.5),
            "t: 1 of 1 values are not whole numbers. Opportunities are counted.",
        ),
        (
            lambda: BGBB.simulate(2, 2.5, RNG),
            "T: 1 of 1 values are not whole numbers. Opportunities are counted.",
        ),
        (
            lambda: BGBB.simulate(2, [1, 2, 3], RNG),
            "T must be one number or 2, one per customer, got 3 numbers.",
        ),
        (
            lambda: vt.BGBB().fit([1, 1], [1, 2], [2, 2], weights=[1, 0]),
            "weights: 1 of 2 values are not positive. A weight counts customers.",
        ),
        (
            lambda: BGBB.conditional_expected_purchases([1, 2], [1] * 3, [1] * 3, [2] * 3),
            (
                "t cannot be paired with the others, lengths are {'x': 3, 't_x': 3, 'n': 3, 't': 2}. "
                "Pass one value per customer, or one for all."
            ),
        ),
    ],
)
def test_numbers_of_opportunities_that_cannot_be(call, message):
    """Opportunities are whole, and one number goes with one customer or with all."""
    assert message_of(InvalidDataError, call) == message


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: BGBB.dert([1], [1], [2], 0), "discount must be a number > 0, got 0."),
        (
            lambda: BGBB.discounted_expected_purchases(9, -0.1, [1], [1], [2]),
            "discount must be a number ≥ 0, got -0.1.",
        ),
        (lambda: BGBB.simulate(-1, 9, RNG), "n must be a whole number ≥ 0, got -1."),
        (
            lambda: vt.BGBB.from_params(alpha=1.0),
            "BGBB needs the parameters ['alpha', 'beta', 'gamma', 'delta'], got ['alpha'].",
        ),
        (
            lambda: vt.ParetoNBD.from_params(r=1, alpha=1, a=1, b=1),
            "ParetoNBD needs the parameters ['r', 'alpha', 's', 'beta'], got ['a', 'alpha', 'b', 'r'].",
        ),
        (
            lambda: vt.CNBDK.from_params(k=2, r=1, alpha=0, a=1, b=1),
            "alpha must be a number > 0, got 0.",
        ),
    ],
)
def test_rates_and_parameters_that_cannot_be(call, message):
    """Each is named with its need and its value."""
    assert message_of(InvalidParameterError, call) == message


@pytest.mark.parametrize("name", IN_TIME)
@pytest.mark.parametrize(
    ("observed", "message"),
    [
        (([], [], []), "x, t_x and T are empty: pass at least one customer."),
        (
            ([1, 1], [3, 1], [2, 2]),
            "t_x: 1 of 2 values are larger than T. Both are ages since the first purchase.",
        ),
        (([1.5, 1], [1, 1], [2, 2]), "x: 1 of 2 values are not whole numbers. x counts repeat purchases."),
    ],
)
def test_every_timed_model_reads_histories_alike(name, observed, message):
    """The words are those of the BG/NBD."""
    gaps = {"sum_log_gaps": observed[0]} if "CNBDK" in name else {}
    assert message_of(InvalidDataError, type(IN_TIME[name])().fit, *observed, **gaps) == message
    assert message_of(InvalidDataError, IN_TIME[name].dert, *observed, 0.1) == message
    assert message_of(InvalidDataError, IN_TIME[name].probability_alive, *observed) == message


@pytest.mark.parametrize("name", IN_TIME)
def test_horizons_that_cannot_be(name):
    """A horizon is a time ≥ 0, finite, one for all or one each; so is the time ahead of a chance."""
    model, observed = IN_TIME[name], ([1, 1], [1, 1], [2, 2])
    for bad in ([1.0, -1.0], [1.0, NAN], [1.0, INF]):
        assert message_of(InvalidDataError, model.discounted_expected_purchases, bad, 0.1, *observed) == (
            "horizon: 1 of 2 values are not times ≥ 0. Pass horizon ≥ 0."
        )
        assert message_of(InvalidDataError, model.probability_alive, *observed, bad) == (
            "t: 1 of 2 values are not times ≥ 0. Pass t ≥ 0."
        )
    found = model.discounted_expected_purchases([5.0, 50.0], 0.1, *observed)
    assert found[0] < found[1]
    assert message_of(InvalidDataError, model.discounted_expected_purchases, [1.0] * 3, 0.1, *observed) == (
        "x, t_x, T cannot be paired with the others, lengths are {'x': 2, 't_x': 2, 'T': 2, 'horizon': 3}. "
        "Pass one value per customer, or one for all."
    )


@pytest.mark.parametrize(
    "new", [*(type(model) for model in ALL.values()), vt.SBG], ids=lambda new: new.__name__
)
def test_a_model_that_is_not_fitted_says_so(new):
    """Every method asks for a fit first."""
    model = new()
    methods = [lambda: model.simulate(1, 1, RNG), model.params, model.confidence_intervals]
    if new is vt.SBG:
        methods += [lambda: model.survival(1), lambda: model.derl(0.1)]
    else:
        methods += [lambda: model.probability_alive([1], [1], [2]), lambda: model.expected_purchases(1)]
    for call in methods:
        with pytest.raises(NotFittedError, match="is not fitted yet"):
            call()
