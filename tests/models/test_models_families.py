"""Laws of the fit that every purchase model obeys: what it finds, and what changes nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import valuetier as vt
from tests.models.kinds import ALL, IN_TIME, TIMES, simulated
from valuetier import NotConvergedError

few_fits = settings(max_examples=4)

every_model = pytest.mark.parametrize("name", ALL)
every_timed_model = pytest.mark.parametrize("name", IN_TIME)


def fit(name, observed, **options):
    return clone(ALL[name]).fit(*observed, **options)


@every_model
def test_a_fit_recovers_what_was_simulated(name):
    """From 20,000 simulated customers each parameter comes back within four standard errors."""
    model = fit(name, simulated(ALL[name], 20_000, seed=1, whole=False))
    assert model.report_.converged
    for parameter, value in ALL[name].params().items():
        assert abs(model.params()[parameter] - value) < 4 * model.standard_errors_[parameter]
        assert model.standard_errors_[parameter] < value / 4


@every_model
@few_fits
@given(seed=st.integers(0, 1000))
def test_row_order_changes_nothing(name, seed):
    """Shuffled customers give the same model, to the last bit."""
    observed = np.array(simulated(ALL[name]))
    shuffled = np.random.default_rng(seed).permutation(observed, axis=1)
    model, other = fit(name, observed), fit(name, shuffled)
    assert other.params() == model.params()
    assert other.log_likelihood_ == model.log_likelihood_
    np.testing.assert_array_equal(other.covariance_, model.covariance_)


@every_model
@few_fits
@given(seed=st.integers(0, 1000))
def test_a_weight_is_a_repetition(name, seed):
    """Customers with weights give the model of the customers repeated."""
    observed = simulated(ALL[name], 300)
    weights = np.random.default_rng(seed).integers(1, 5, 300)
    weighted = fit(name, observed, weights=weights)
    repeated = fit(name, [np.repeat(column, weights) for column in observed])
    assert weighted.params() == repeated.params()
    assert weighted.log_likelihood_ == repeated.log_likelihood_
    assert weighted.standard_errors_ == repeated.standard_errors_
    assert weighted.report_.rows == weights.sum()


@every_timed_model
@few_fits
@given(factor=st.floats(-9, 9).map(np.exp))
def test_another_unit_scales_the_times_only(name, factor):
    """Fitted in another unit of time the shapes stay; scales, their errors and horizons go with it."""
    x, t_x, T = simulated(IN_TIME[name])
    model, other = fit(name, (x, t_x, T)), fit(name, (x, t_x * factor, T * factor))
    for parameter, value in model.params().items():
        scale = factor if parameter in TIMES[name] else 1.0
        assert other.params()[parameter] == pytest.approx(value * scale, rel=1e-5)
        error = model.standard_errors_[parameter]
        assert other.standard_errors_[parameter] == pytest.approx(error * scale, rel=1e-4)
    np.testing.assert_allclose(
        other.conditional_expected_purchases(30 * factor, x, t_x * factor, T * factor),
        model.conditional_expected_purchases(30, x, t_x, T),
        rtol=1e-4,
    )


@every_model
def test_the_log_likelihood_sums_to_that_of_the_fit(name):
    """The rows of ``log_likelihood`` sum to ``log_likelihood_``, which the report has too."""
    observed = simulated(ALL[name])
    model = fit(name, observed)
    regular = model.log_likelihood(*observed)
    if hasattr(model, "k_"):  # without Σ log gaps the fit leaves the regularity term out
        regular = type(model).from_params(k=model.k_, **model.params()).log_likelihood(*observed)
        regular = regular + np.array(observed[0]) * np.log(float(np.prod(np.arange(1, model.k_))))
    assert regular.sum() == pytest.approx(model.log_likelihood_, rel=1e-11)
    assert model.report_.log_likelihood == model.log_likelihood_


@every_model
def test_no_other_parameters_are_likelier(name):
    """At the maximum every step away, in any direction, costs likelihood."""
    observed = simulated(ALL[name])
    model = fit(name, observed)
    at_best = model.log_likelihood(*observed).sum()
    rng = np.random.default_rng(0)
    for _ in range(30):
        other = np.array(list(model.params().values())) * np.exp(rng.normal(0, 0.05, 4))
        assert model.with_parameters(other).log_likelihood(*observed).sum() < at_best


@every_model
def test_standard_errors_are_those_of_the_covariance(name):
    """The covariance is symmetric and positive, and its diagonal are the squared standard errors."""
    model = fit(name, simulated(ALL[name]))
    np.testing.assert_allclose(model.covariance_, model.covariance_.T, rtol=1e-10)
    assert (np.linalg.eigvalsh(model.covariance_) > 0).all()
    assert tuple(model.standard_errors_) == model.parameter_names
    np.testing.assert_allclose(list(model.standard_errors_.values()), np.sqrt(np.diag(model.covariance_)))


@every_model
def test_the_covariance_is_the_curvature_of_the_likelihood(name):
    """Differences of the log-likelihood around its maximum give the same covariance, to a percent."""
    observed = simulated(ALL[name], 1_500)
    model = fit(name, observed)
    estimates = np.array(list(model.params().values()))
    steps = np.eye(4) * 1e-3 * estimates

    def total(*moves):
        return model.with_parameters(estimates + sum(moves)).log_likelihood(*observed).sum()

    second = [
        [(total(i, j) - total(i, -j) - total(-i, j) + total(-i, -j)) / (4 * i.sum() * j.sum()) for j in steps]
        for i in steps
    ]
    found = np.linalg.inv(-np.array(second))
    errors = np.sqrt(np.diag(model.covariance_))
    np.testing.assert_allclose(
        found / np.outer(errors, errors), model.covariance_ / np.outer(errors, errors), atol=0.01
    )


@every_model
def test_a_failed_refit_leaves_the_model_as_it_was(name):
    """Data that cannot be fitted change nothing in a fitted model."""
    model = fit(name, simulated(ALL[name]))
    before = dict(vars(model))
    with pytest.raises(NotConvergedError):
        model.fit([0, 0], [0, 0], [9, 9])
    with pytest.raises(vt.InvalidDataError):
        model.fit([1, 1], [9, 1], [8, 8])
    assert vars(model) == before


@every_model
def test_a_refit_forgets_the_first_fit(name):
    """Fitted twice, a model is the one fitted once to the second data."""
    first, second = simulated(ALL[name], seed=1), simulated(ALL[name], seed=2)
    assert fit(name, first).fit(*second).params() == fit(name, second).params()


@every_model
def test_fitting_and_predicting_change_no_column(name):
    """What is passed in comes out of every method as it was."""
    columns = simulated(ALL[name], 50)
    before = [column.copy() for column in columns]
    model = fit(name, columns)
    model.probability_alive(*columns)
    model.conditional_expected_purchases(9, *columns)
    model.discounted_expected_purchases(9, 0.001, *columns)
    np.testing.assert_array_equal(columns, before)
