"""Newton steps on log-parameters, and an honest report."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from valuetier._core import optimise
from valuetier._core.likelihood import Likelihood, Part, Rows, Sample
from valuetier._core.optimise import maximise


def gamma_rows(columns, theta):
    """Return the log density of gamma-distributed values in (shape, rate) with derivatives."""
    (value,), (shape, rate) = columns, theta
    psi, psi_1 = special.digamma(shape), special.polygamma(1, shape)
    by_shape = shape * (np.log(rate) - psi + np.log(value))
    by_rate = shape - rate * value
    hessian = [by_shape - shape**2 * psi_1, np.full_like(value, shape), -rate * value]
    log_density = shape * np.log(rate) - special.gammaln(shape) + (shape - 1) * np.log(value) - rate * value
    return Rows(log_density, np.array([by_shape, by_rate]), np.array(hessian))


GAMMA = (Part(gamma_rows, (0,)),)
SHAPES = ("shape", "rate")


class Surface:
    """A total likelihood given as a function: what ``maximise`` needs of a sample."""

    def __init__(self, function):
        self.function, self.total = function, 1.0

    def __len__(self):
        return 1

    def __call__(self, working):
        value, gradient, hessian = self.function(working)
        return Likelihood(value, np.array(gradient, dtype=float), np.array(hessian, dtype=float))


def gamma_sample(values, weights=None):
    return Sample(GAMMA, (values,), np.ones(len(values)) if weights is None else weights)


@given(shape=st.floats(0.3, 20), rate=st.floats(1e-3, 1e3), seed=st.integers(0, 100))
def test_the_maximum_is_found_with_its_covariance(shape, rate, seed):
    """Parameters equal those of scipy; the covariance is the inverse information of their logarithms."""
    values = np.random.default_rng(seed).gamma(shape, 1 / rate, 100)
    sample = gamma_sample(values)
    found = maximise(sample, [np.log([1.0, 1 / values.mean()])], SHAPES)
    theirs, _, scale = stats.gamma.fit(values, floc=0)
    np.testing.assert_allclose(np.exp(found.working), [theirs, 1 / scale], rtol=1e-4)
    np.testing.assert_allclose(found.covariance, np.linalg.inv(-sample(found.working).hessian), rtol=1e-9)
    report = found.report
    assert report.converged
    assert report.message == "The maximum of the likelihood was found."
    assert report.log_likelihood == pytest.approx(
        stats.gamma.logpdf(values, theirs, scale=scale).sum(), rel=1e-6
    )
    assert report.gradient_norm < 1e-5
    assert report.smallest_eigenvalue > 0
    assert 1 <= report.condition < math.inf
    assert (report.rows, report.distinct_rows, report.restarts) == (100, 100, 0)


@given(seed=st.integers(0, 100), start=st.floats(-3, 3))
def test_the_end_does_not_depend_on_the_start(seed, start):
    """The last Newton steps leave less than a billionth of log-likelihood to be gained."""
    sample = gamma_sample(np.random.default_rng(seed).gamma(2.0, 0.5, 200))
    first, second = (maximise(sample, [np.array(at)], SHAPES) for at in ([0.0, 0.0], [start, start]))
    np.testing.assert_allclose(first.working, second.working, atol=1e-6)
    slope = sample(first.working).gradient
    assert slope @ first.covariance @ slope < 2e-9


def test_weights_are_repetitions():
    """Rows with weights give the fit of the repeated rows, and count as many customers."""
    values, times = np.random.default_rng(0).gamma(2.0, 1.0, 50), np.arange(50) % 3 + 1
    weighted = maximise(gamma_sample(values, times.astype(float)), [np.zeros(2)], SHAPES)
    repeated = maximise(gamma_sample(np.repeat(values, times)), [np.zeros(2)], SHAPES)
    np.testing.assert_allclose(weighted.working, repeated.working, atol=1e-7)
    np.testing.assert_allclose(weighted.covariance, repeated.covariance, rtol=1e-6)
    assert (weighted.report.rows, weighted.report.distinct_rows) == (times.sum(), 50)


def test_many_rows_are_fitted_on_subsamples_first(monkeypatch):
    """With many rows the search begins on a small sample, then a larger one, and ends at the maximum of all."""
    values = np.sort(np.random.default_rng(0).gamma(2.0, 1.0, 5_000))
    sample = gamma_sample(values)
    at_once = maximise(sample, [np.zeros(2)], SHAPES)
    sizes = []
    search = optimise._search

    def recorded(some, starts, origin):
        sizes.append((len(some), len(starts)))
        return search(some, starts, origin)

    monkeypatch.setattr(optimise, "SAMPLE", 1_000)
    monkeypatch.setattr(optimise, "_search", recorded)
    found = maximise(sample, [np.zeros(2)], SHAPES)
    assert sizes == [(100, 1), (1_000, 2), (5_000, 2)]
    np.testing.assert_allclose(found.working, at_once.working, atol=1e-7)


def test_a_start_that_leads_nowhere_is_followed_by_the_next():
    """Where the first start has no likelihood the second one is taken and counted."""
    sample = gamma_sample(np.random.default_rng(0).gamma(2.0, 1.0, 100))

    def broken_near_the_first(working):
        found = sample(working)
        return found if working[0] < 5 else found._replace(value=math.nan)

    found = maximise(Surface(broken_near_the_first), [np.array([6.0, 0.0]), np.zeros(2)], SHAPES)
    assert found.report.converged
    assert found.report.restarts == 1
    np.testing.assert_allclose(found.working, maximise(sample, [np.zeros(2)], SHAPES).working, atol=1e-6)


def runaway(working):
    """A likelihood that rises for ever with the first parameter and falls with the second."""
    up, down, still = np.exp(working[0]), np.exp(working[1]), working[2]
    return -1 / up - down - still**2, [1 / up, -down, -2 * still], np.diag([-1 / up, -down, -2])


RUNAWAY = "The data do not pin down all parameters: up → ∞, down → 0."


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_parameters_that_run_away_are_named_with_their_direction(unit):
    """Whatever the unit, a parameter that grows goes to ∞ and one that shrinks to 0."""
    start = np.full(3, math.log(unit))
    found = maximise(Surface(lambda working: runaway(working - start)), [start], ("up", "down", "still"))
    assert found.report.status == "not_identified"
    assert not found.report.converged
    assert found.report.message == RUNAWAY
    assert np.isnan(found.covariance).all()
    assert found.working[2] == pytest.approx(math.log(unit), abs=1e-3)


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        ({"up → ∞": "Nobody leaves."}, " Nobody leaves."),
        ({"down → 0": "All leave."}, " All leave."),
        ({"up → ∞, down → 0": "Both.", "up → ∞": "Nobody leaves."}, " Both."),
        ({"up → 0": "No.", "still → ∞": "No."}, ""),
    ],
)
def test_what_it_means_is_told(reasons, told):
    """The reason for all that run away together comes first, then those of one; else none."""
    found = maximise(Surface(runaway), [np.zeros(3)], ("up", "down", "still"), reasons)
    assert found.report.message == RUNAWAY + told


@pytest.mark.parametrize("reasons", [{}, {"first, second": "Only their product is seen."}])
def test_a_flat_direction_is_named(reasons):
    """Where only a product is determined, both factors are named and there is no covariance."""
    hessian = np.array([[-2.0, -2, 0], [-2, -2, 0], [0, 0, -2]])
    surface = Surface(lambda working: (working @ hessian @ working / 2, hessian @ working, hessian))
    found = maximise(surface, [np.array([1.0, 2.0, 1.0])], ("first", "second", "third"), reasons)
    assert found.report.status == "not_identified"
    assert found.report.message.startswith(
        "The likelihood is flat in the direction of first, second (smallest"
    )
    assert found.report.message.endswith(" ".join(["the data do not pin them down.", *reasons.values()]))
    assert np.isnan(found.covariance).all()


@pytest.mark.parametrize("broken", ["value", "gradient", "hessian"])
def test_a_likelihood_that_is_never_finite_is_reported_as_such(broken):
    """Whatever part is not finite, the fit reports -∞, not a crash."""
    parts = {"value": -1.0, "gradient": np.zeros(2), "hessian": -np.eye(2)}
    parts[broken] = parts[broken] * math.nan
    found = maximise(Surface(lambda working: tuple(parts.values())), [np.zeros(2), np.ones(2)], SHAPES)
    assert found.report.status == "not_identified"
    assert found.report.log_likelihood == -math.inf
    assert np.isnan(found.covariance).all()
