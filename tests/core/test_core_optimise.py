"""Newton steps on log-parameters, and an honest report."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from valuetier._core.optimise import Likelihood, maximise


def gamma_likelihood(values):
    """Return the objective of gamma-distributed values in (shape, rate)."""
    n, total, logs = len(values), values.sum(), np.log(values).sum()

    def objective(theta):
        shape, rate = theta
        value = n * (shape * np.log(rate) - special.gammaln(shape)) + (shape - 1) * logs - rate * total
        gradient = [n * (np.log(rate) - special.digamma(shape)) + logs, n * shape / rate - total]
        hessian = [
            [-n * special.polygamma(1, shape), n / rate],
            [n / rate, -n * shape / rate**2],
        ]
        return Likelihood(float(value), np.array(gradient), np.array(hessian))

    return objective


def best(objective, *starts, names=("shape", "rate"), rows=100.0):
    return maximise(objective, [np.log(start) for start in starts], names, rows=rows, distinct_rows=int(rows))


@given(shape=st.floats(0.3, 20), rate=st.floats(1e-3, 1e3), seed=st.integers(0, 100))
def test_the_maximum_is_found_with_its_covariance(shape, rate, seed):
    """Parameters equal those of scipy; the covariance is the inverse information in natural units."""
    values = np.random.default_rng(seed).gamma(shape, 1 / rate, 100)
    objective = gamma_likelihood(values)
    found = best(objective, (1.0, 1 / values.mean()))
    theirs, _, scale = stats.gamma.fit(values, floc=0)
    np.testing.assert_allclose(found.parameters, [theirs, 1 / scale], rtol=1e-4)
    information = -objective(found.parameters).hessian
    np.testing.assert_allclose(found.covariance, np.linalg.inv(information), rtol=1e-5)
    assert found.report.converged
    assert found.report.message == "The maximum of the likelihood was found."
    assert found.report.log_likelihood == pytest.approx(objective(found.parameters).value)
    assert found.report.gradient_norm < 1e-5
    assert found.report.smallest_eigenvalue > 0
    assert 1 <= found.report.condition < math.inf
    assert (found.report.rows, found.report.distinct_rows, found.report.restarts) == (100, 100, 0)


def test_a_start_that_leads_nowhere_is_followed_by_the_next():
    """Where the first start has no likelihood the second one is taken and counted."""
    objective = gamma_likelihood(np.random.default_rng(0).gamma(2.0, 1.0, 100))

    def broken_near_the_first(theta):
        found = objective(theta)
        return found if theta[0] < 1e3 else found._replace(value=math.nan)

    found = best(broken_near_the_first, (1e7, 1.0), (1.0, 1.0))
    assert found.report.converged
    assert found.report.restarts == 1
    np.testing.assert_allclose(found.parameters, best(objective, (1.0, 1.0)).parameters, rtol=1e-6)


def runaway(theta):
    """A likelihood that rises for ever with the first parameter and falls with the second."""
    up, down, still = theta
    value = -1 / up - down - (math.log(still)) ** 2
    gradient = [1 / up**2, -1.0, -2 * math.log(still) / still]
    hessian = np.diag([-2 / up**3, 0.0, (2 * math.log(still) - 2) / still**2])
    return Likelihood(value, np.array(gradient), hessian)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_parameters_that_run_away_are_named_with_their_direction(unit):
    """Whatever the unit, a parameter that grows goes to ∞ and one that shrinks to 0."""

    def in_unit(theta):
        found = runaway(theta / unit)
        return Likelihood(found.value, found.gradient / unit, found.hessian / unit**2)

    found = best(in_unit, np.full(3, unit), names=("up", "down", "still"), rows=1.0)
    assert found.report.status == "not_identified"
    assert not found.report.converged
    assert found.report.message == "The data do not pin down all parameters: up → ∞, down → 0."
    assert np.isnan(found.covariance).all()
    assert found.parameters[2] == pytest.approx(unit, rel=1e-3)


def test_a_flat_direction_is_named():
    """Where only a product is determined, both factors are named and there is no covariance."""

    def product_only(theta):
        first, second, third = theta
        log = math.log(first * second)
        slope = np.array([1 / first, 1 / second])
        gradient = np.append(-2 * log * slope, -2 * math.log(third) / third)
        hessian = np.zeros((3, 3))
        hessian[:2, :2] = -2 * np.outer(slope, slope) + np.diag(2 * log * slope**2)
        hessian[2, 2] = (2 * math.log(third) - 2) / third**2
        return Likelihood(-(log**2) - math.log(third) ** 2, gradient, hessian)

    found = best(product_only, (3.0, 5.0, 2.0), names=("first", "second", "third"), rows=1.0)
    assert found.report.status == "not_identified"
    assert found.report.message.startswith(
        "The likelihood is flat in the direction of first, second (smallest"
    )
    assert found.report.message.endswith("the data do not pin them down.")
    assert np.isnan(found.covariance).all()


@pytest.mark.parametrize("broken", ["value", "gradient", "hessian", "overflow"])
def test_a_likelihood_that_is_never_finite_is_reported_as_such(broken):
    """Whatever part is not finite, even after the change of variables, the fit reports -∞, not a crash."""
    parts = {"value": -1.0, "gradient": np.zeros(2), "hessian": -np.eye(2)}
    if broken == "overflow":
        parts["hessian"] = np.full((2, 2), 1e300)
    else:
        parts[broken] = parts[broken] * math.nan
    found = best(lambda theta: Likelihood(**parts), (1e10, 1e10), (1e11, 1e11))
    assert found.report.status == "not_identified"
    assert found.report.log_likelihood == -math.inf


def test_without_a_start_there_is_nothing_to_do():
    """An empty list of starts is refused."""
    with pytest.raises(ValueError, match="at least one starting point is needed"):
        best(runaway)
