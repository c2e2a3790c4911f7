"""BG/NBD as an estimator: fit, refit, weights, units, degenerate data, and the methods together."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from valuetier import BGNBD, NotConvergedError

TRUE = BGNBD.from_params(r=0.6, alpha=25.0, a=0.8, b=2.5)
NEVER_LEAVES = BGNBD.from_params(r=1.0, alpha=20.0, a=1e-6, b=1e3)
OBSERVED = ([0, 2, 26], [0.0, 213.0, 216.0], [272.0, 272.0, 217.0])

few_fits = settings(max_examples=8)


def simulated(n=400, seed=0, model=TRUE):
    """Return customers seen for whole days, at most a year."""
    rng = np.random.default_rng(seed)
    x, t_x, T = model.simulate(n, rng.integers(60, 365, n), rng)
    return x, np.ceil(t_x), T


@pytest.mark.parametrize(
    "params",
    [
        {"r": 0.6, "alpha": 25.0, "a": 0.8, "b": 2.5},
        {"r": 2.0, "alpha": 60.0, "a": 2.0, "b": 5.0},
    ],
)
def test_a_fit_recovers_what_was_simulated(params):
    """From 40,000 simulated customers each parameter comes back within four standard errors."""
    rng = np.random.default_rng(1)
    model = BGNBD().fit(*BGNBD.from_params(**params).simulate(40_000, rng.uniform(30, 700, 40_000), rng))
    assert model.report_.converged
    for name, value in params.items():
        assert abs(getattr(model, f"{name}_") - value) < 4 * model.standard_errors_[name]
        assert model.standard_errors_[name] < value / 4


def test_no_other_parameters_are_likelier():
    """At the maximum every step away, in any direction, costs likelihood."""
    observed = simulated()
    model = BGNBD().fit(*observed)
    rng = np.random.default_rng(0)
    for _ in range(50):
        steps = np.exp(rng.normal(0, 0.05, 4))
        other = {
            name: value * step for (name, value), step in zip(model.params().items(), steps, strict=True)
        }
        assert BGNBD.from_params(**other).log_likelihood(*observed).sum() < model.log_likelihood_


@few_fits
@given(seed=st.integers(0, 1000))
def test_row_order_changes_nothing(seed):
    """Shuffled customers give the same model, to the last bit."""
    observed = np.array(simulated())
    shuffled = np.random.default_rng(seed).permutation(observed, axis=1)
    assert BGNBD().fit(*shuffled).params() == BGNBD().fit(*observed).params()


@few_fits
@given(seed=st.integers(0, 1000))
def test_a_weight_is_a_repetition(seed):
    """Customers with weights give the model of the customers repeated."""
    observed = simulated(200)
    weights = np.random.default_rng(seed).integers(1, 5, 200)
    weighted = BGNBD().fit(*observed, weights=weights)
    repeated = BGNBD().fit(*(np.repeat(column, weights) for column in observed))
    assert weighted.params() == repeated.params()
    assert weighted.log_likelihood_ == repeated.log_likelihood_
    assert weighted.standard_errors_ == repeated.standard_errors_
    assert weighted.report_.rows == weights.sum()
    assert weighted.report_.distinct_rows <= 200


@few_fits
@given(factor=st.floats(-12, 12).map(np.exp))
def test_another_unit_of_time_scales_alpha_only(factor):
    """Fitted in another unit, r, a and b stay, and α and its error scale with the unit."""
    x, t_x, T = simulated()
    model, other = BGNBD().fit(x, t_x, T), BGNBD().fit(x, t_x * factor, T * factor)
    scaled = {"r": 1, "alpha": factor, "a": 1, "b": 1}
    for name, scale in scaled.items():
        assert other.params()[name] == pytest.approx(model.params()[name] * scale, rel=1e-5)
        assert other.standard_errors_[name] == pytest.approx(model.standard_errors_[name] * scale, rel=1e-4)
    np.testing.assert_allclose(
        other.conditional_expected_purchases(30 * factor, x, t_x * factor, T * factor),
        model.conditional_expected_purchases(30, x, t_x, T),
        rtol=1e-4,
    )


def test_the_log_likelihood_sums_to_that_of_the_fit():
    """The rows of ``log_likelihood`` sum to ``log_likelihood_``, which the report has too."""
    observed = simulated()
    model = BGNBD().fit(*observed)
    assert model.log_likelihood(*observed).sum() == pytest.approx(model.log_likelihood_, rel=1e-12)
    assert model.report_.log_likelihood == model.log_likelihood_


def test_standard_errors_are_those_of_the_covariance():
    """The covariance is symmetric and positive, and its diagonal are the squared standard errors."""
    model = BGNBD().fit(*simulated())
    np.testing.assert_allclose(model.covariance_, model.covariance_.T, rtol=1e-10)
    assert (np.linalg.eigvalsh(model.covariance_) > 0).all()
    assert list(model.standard_errors_) == list(BGNBD.parameter_names)
    np.testing.assert_allclose(list(model.standard_errors_.values()), np.sqrt(np.diag(model.covariance_)))


def test_covariance_is_the_spread_of_repeated_fits():
    """Over bootstrapped customers the parameters spread as the standard errors say, by a factor of two."""
    observed = np.array(simulated(1_500))
    rng = np.random.default_rng(0)
    fits = [BGNBD().fit(*observed[:, rng.integers(0, 1_500, 1_500)]) for _ in range(40)]
    spread = np.std([np.log(list(fit.params().values())) for fit in fits], axis=0)
    model = BGNBD().fit(*observed)
    relative = np.array([model.standard_errors_[name] / value for name, value in model.params().items()])
    assert (spread / relative < 2).all()
    assert (spread / relative > 0.5).all()


def test_a_failed_refit_leaves_the_model_as_it_was():
    """Data that cannot be fitted change nothing in a fitted model."""
    model = BGNBD().fit(*simulated())
    before = dict(vars(model))
    with pytest.raises(NotConvergedError):
        model.fit([0, 0], [0, 0], [9, 9])
    with pytest.raises(NotConvergedError, match="found no finite likelihood for 2 customers"):
        model.fit([0, 1], [0, 1e-320], [0, 1e-320])
    assert vars(model) == before


def test_a_refit_forgets_the_first_fit():
    """Fitted twice, a model is the one fitted once to the second data."""
    model = BGNBD().fit(*simulated(seed=1)).fit(*simulated(seed=2))
    assert model.params() == BGNBD().fit(*simulated(seed=2)).params()
    with pytest.raises(NotFittedError):
        clone(model).params()


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_customers_who_never_leave_are_not_identified(unit):
    """Without dropout a runs to 0, in any unit of time: the report says so, and there are no errors."""
    x, t_x, T = simulated(800, model=NEVER_LEAVES)
    model = BGNBD().fit(x, t_x * unit, T * unit)
    assert not model.report_.converged
    assert model.report_.message == (
        "The data do not pin down all parameters: a → 0. Hardly any customer seems to drop out."
    )
    assert all(np.isnan(error) for error in model.standard_errors_.values())
    assert np.isfinite(list(model.params().values())).all()


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_customers_who_are_all_alike_are_not_identified(unit):
    """Without differences between rates r and α run to infinity together."""
    model = BGNBD().fit([1, 1, 1], np.full(3, 5.0) * unit, np.full(3, 10.0) * unit)
    assert model.report_.status == "not_identified"
    assert "r → ∞, alpha → ∞" in model.report_.message


def test_one_timers_only_cannot_be_fitted():
    """If nobody came back there is nothing to learn, and the message says what to do."""
    message = (
        "BGNBD cannot be fitted: none of 3 customers bought again, so the purchase rate and dropout "
        "cannot be told apart. Observe longer."
    )
    with pytest.raises(NotConvergedError) as error:
        BGNBD().fit([0, 0, 0], [0, 0, 0], [10, 20, 30])
    assert str(error.value) == message


def test_columns_may_be_frames_lists_or_single_numbers():
    """A pandas column, a list and one value for all customers mean the same as arrays."""
    arrays = [np.array(column, dtype=float) for column in OBSERVED]
    expected = TRUE.conditional_expected_purchases(np.full(3, 90.0), *arrays)
    frame = pd.DataFrame({"x": pd.array(OBSERVED[0], dtype="Int64"), "t_x": OBSERVED[1], "T": OBSERVED[2]})
    assert TRUE.conditional_expected_purchases(90, *OBSERVED).tolist() == expected.tolist()
    assert (
        TRUE.conditional_expected_purchases(90, frame["x"], frame["t_x"], frame["T"]).tolist()
        == expected.tolist()
    )
    curve = TRUE.conditional_expected_purchases([10, 90], 2, 213.0, 272.0)
    assert curve[1] == expected[1]
    assert TRUE.expected_purchases(5.0).tolist() == TRUE.expected_purchases([5.0]).tolist()


def test_predicting_changes_no_column():
    """What is passed in comes out of every method as it was."""
    columns = [np.array(column, dtype=float) for column in OBSERVED]
    before = [column.copy() for column in columns]
    TRUE.conditional_expected_purchases(90, *columns)
    TRUE.discounted_expected_purchases(365, 0.001, *columns)
    BGNBD().fit(*columns)
    np.testing.assert_array_equal(columns, before)


@given(some=st.lists(st.integers(0, 99), min_size=1, max_size=20))
def test_a_customer_depends_on_the_own_history_alone(some):
    """Some customers, in any order, get the values they have among all, to the last bit."""
    observed = np.array(simulated(100))
    picked = observed[:, some]
    for method in (
        TRUE.log_likelihood,
        TRUE.probability_alive,
        lambda *c: TRUE.conditional_expected_purchases(90, *c),
    ):
        np.testing.assert_array_equal(method(*picked), method(*observed)[some])


def test_discounted_orders_depend_on_the_own_history_alone():
    """Every second customer has, to the last bit, the discounted orders it has among all."""
    observed = np.array(simulated(100))
    some = observed[:, ::2]
    np.testing.assert_array_equal(TRUE.dert(*some, 0.001), TRUE.dert(*observed, 0.001)[::2])
    np.testing.assert_array_equal(
        TRUE.discounted_expected_purchases(365, 0.001, *some),
        TRUE.discounted_expected_purchases(365, 0.001, *observed)[::2],
    )


def test_more_orders_later_are_more_alive():
    """Of equally many orders the later ones speak for life; of equally late ones the more the less certain."""
    alive = TRUE.probability_alive(3, [50.0, 100.0, 200.0, 300.0], 300.0)
    assert (np.diff(alive) > 0).all()
    assert (np.diff(TRUE.probability_alive([1, 3, 9, 27], 100.0, 300.0)) < 0).all()


def test_discounted_orders_equal_a_quadrature():
    """The discounted sum of a year equals ∫ e^(-δt) dE(t), differenced numerically."""
    discount = np.log(1.1) / 365
    found = TRUE.discounted_expected_purchases(365, discount, *OBSERVED)
    for place in range(3):
        observed = [[column[place]] for column in OBSERVED]
        integral = integrate.quad(
            lambda t, o=observed: np.exp(-discount * t) * TRUE.conditional_expected_purchases(t, *o)[0],
            0,
            365,
            epsrel=1e-12,
        )[0]
        at_end = np.exp(-discount * 365) * TRUE.conditional_expected_purchases(365, *observed)[0]
        assert found[place] == pytest.approx(discount * integral + at_end, rel=1e-9)


def test_residual_orders_are_the_limit_of_a_long_horizon():
    """``dert`` is what ``discounted_expected_purchases`` tends to."""
    found = TRUE.discounted_expected_purchases(1e6, 0.001, *OBSERVED)
    np.testing.assert_allclose(TRUE.dert(*OBSERVED, 0.001), found, rtol=1e-9)


def test_chances_of_counts_meet_the_expectation():
    """Over one horizon the chances of 0, 1, 2, … sum to 1 and average to the expected number."""
    chances = TRUE.probability_of_purchases(np.arange(2_000), 100)
    assert chances.sum() == pytest.approx(1, abs=1e-10)
    assert chances @ np.arange(2_000) == pytest.approx(TRUE.expected_purchases(100)[0], rel=1e-8)
    assert TRUE.probability_of_purchases([0, 1], [50, 100])[1] == chances[1]


def test_simulation_says_when_and_until_when():
    """Simulated customers come with their ages: one for all, or one each."""
    x, t_x, T = TRUE.simulate(3, 100, np.random.default_rng(0))
    assert (len(x), len(t_x), T.tolist()) == (3, 3, [100.0] * 3)
    _, _, ages = TRUE.simulate(2, [10, 20], np.random.default_rng(0))
    assert ages.tolist() == [10.0, 20.0]
    assert [len(column) for column in TRUE.simulate(0, 100, np.random.default_rng(0))] == [0, 0, 0]
