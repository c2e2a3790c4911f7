"""Regular buyers: the regularity that is found, and what the sums of log gaps are for."""

import numpy as np
import pytest
from scipy import special

import valuetier as vt
from tests.models.kinds import CNBDK, MCNBDK
from valuetier import InvalidDataError, InvalidParameterError

NEEDED = (
    "sum_log_gaps is needed to find k: pass the sum of the logarithms of the times between purchases, "
    "or give k, as in CNBDK(k=2)."
)


def simulated(true, n=3_000, seed=0):
    """Return (x, t_x, T, Σ log gaps)."""
    rng = np.random.default_rng(seed)
    return true.simulate(n, rng.integers(100, 600, n), rng)


def searched(model, observed, **options):
    """Return the model fitted to (x, t_x, T, Σ log gaps)."""
    *history, gaps = observed
    return model.fit(*history, sum_log_gaps=gaps, **options)


def message_of(error, call, *args, **kwargs):
    """Return what the call says when it refuses."""
    with pytest.raises(error) as caught:
        call(*args, **kwargs)
    return str(caught.value)


@pytest.mark.parametrize("k", [1, 2, 3, 6])
@pytest.mark.parametrize("model", [vt.CNBDK, vt.MCNBDK])
def test_the_regularity_that_was_simulated_is_found(model, k):
    """Without ``k`` the fit finds the one of the customers, and its parameters."""
    true = model.from_params(k=k, r=1.0, alpha=30.0 / k, a=0.7, b=2.5)
    found = searched(model(), simulated(true, 20_000))
    assert found.k_ == k
    assert found.k is None
    assert found.report_.converged
    for name, value in true.params().items():
        assert abs(found.params()[name] - value) < 4 * found.standard_errors_[name]


@pytest.mark.parametrize("true", [CNBDK, MCNBDK], ids=["CNBDK", "MCNBDK"])
def test_the_found_regularity_is_the_likeliest(true):
    """No other k gives a higher likelihood, and the rows sum to that of the fit."""
    observed = simulated(true)
    found = searched(type(true)(), observed)
    assert found.log_likelihood(*observed).sum() == pytest.approx(found.log_likelihood_, rel=1e-11)
    assert found.report_.log_likelihood == found.log_likelihood_
    for k in {1, 2, 3, 4, 5} - {found.k_}:
        assert searched(type(true)(k=k), observed).log_likelihood_ < found.log_likelihood_


def test_parameters_for_a_given_regularity_need_no_gaps():
    """Σ log gaps adds a constant to the likelihood and changes nothing else."""
    x, t_x, T, gaps = simulated(CNBDK)
    without, found = vt.CNBDK(k=2).fit(x, t_x, T), vt.CNBDK(k=2).fit(x, t_x, T, sum_log_gaps=gaps)
    assert found.params() == without.params()
    assert found.standard_errors_ == without.standard_errors_
    constant = (gaps[x > 0]).sum() - (x * special.gammaln(2)).sum()
    assert found.log_likelihood_ - without.log_likelihood_ == pytest.approx(constant, rel=1e-9)


def test_a_weight_is_a_repetition_of_gaps_too():
    """With weights the same k, parameters and likelihood are found as for customers repeated."""
    observed = simulated(MCNBDK, 800)
    weights = np.random.default_rng(1).integers(1, 4, 800)
    weighted = searched(vt.MCNBDK(), observed, weights=weights)
    repeated = searched(vt.MCNBDK(), [np.repeat(column, weights) for column in observed])
    assert weighted.k_ == repeated.k_ == 3
    assert weighted.params() == repeated.params()
    assert weighted.log_likelihood_ == pytest.approx(repeated.log_likelihood_, rel=1e-12)


def test_gaps_of_those_who_never_came_back_do_not_matter():
    """Where x is 0 Σ log gaps may hold anything."""
    x, t_x, T, gaps = simulated(CNBDK, 800)
    assert (x == 0).any()
    other = np.where(x == 0, np.nan, gaps)
    assert (
        vt.CNBDK().fit(x, t_x, T, sum_log_gaps=other).log_likelihood_
        == vt.CNBDK().fit(x, t_x, T, sum_log_gaps=gaps).log_likelihood_
    )
    np.testing.assert_array_equal(
        CNBDK.log_likelihood(x, t_x, T, other), CNBDK.log_likelihood(x, t_x, T, gaps)
    )


def test_gaps_of_simulated_customers_are_their_own():
    """Σ log gaps is at most that of equal gaps, and equals it for a single one."""
    x, t_x, _, gaps = simulated(MCNBDK)
    once, more = x == 1, x > 1
    np.testing.assert_allclose(gaps[once], np.log(t_x[once]), rtol=1e-9)
    assert (gaps[more] <= x[more] * np.log(t_x[more] / x[more]) + 1e-9).all()
    assert (gaps[x == 0] == 0).all()


def test_regular_buyers_are_missed_sooner():
    """After equal silence a regular buyer is less alive than one who buys at random."""
    params = {"r": 2.0, "a": 0.7, "b": 2.5}
    alive = [
        vt.CNBDK.from_params(k=k, alpha=60.0 / k, **params).probability_alive(10, 300, 400)[0]
        for k in (1, 2, 4)
    ]
    assert alive[0] > alive[1] > alive[2]


def test_the_regularity_needs_gaps():
    """Without k and without gaps there is nothing to find it from, and the message says both ways out."""
    x, t_x, T, gaps = simulated(CNBDK, 200)
    for model in (vt.CNBDK(), vt.MCNBDK()):
        assert message_of(InvalidDataError, model.fit, x, t_x, T) == NEEDED
    bad = gaps.copy()
    bad[np.flatnonzero(x > 0)[:3]] = np.nan
    assert message_of(InvalidDataError, vt.CNBDK().fit, x, t_x, T, sum_log_gaps=bad) == (
        "sum_log_gaps: 3 of 200 values are missing (NaN). Drop or fill these customers first."
    )
    assert message_of(InvalidDataError, vt.CNBDK().fit, x, t_x, T, sum_log_gaps=gaps[:9]).startswith(
        "sum_log_gaps cannot be paired with the others, lengths are {'x': 200, 'sum_log_gaps': 9}."
    )


@pytest.mark.parametrize("k", [0, -1, 1.5, "2", True])
def test_regularities_that_cannot_be(k):
    """k counts stages: 1, 2, 3, …."""
    message = f"k must be a whole number ≥ 1, got {k!r}."
    assert message_of(InvalidParameterError, vt.CNBDK(k=k).fit, [1], [1], [2]) == message
    params = {"r": 1.0, "alpha": 1.0, "a": 1.0, "b": 1.0}
    assert message_of(InvalidParameterError, vt.MCNBDK.from_params, k=k, **params) == message


def test_a_failed_search_leaves_the_model_as_it_was():
    """Data or weights that cannot be used change nothing, k included."""
    observed = simulated(CNBDK, 800)
    model = searched(vt.CNBDK(), observed)
    before = dict(vars(model))
    with pytest.raises(vt.NotConvergedError):
        model.fit([0, 0], [0, 0], [9, 9], sum_log_gaps=[0, 0])
    message = message_of(
        InvalidDataError, model.fit, *observed[:3], weights=[1.0, 2.0], sum_log_gaps=observed[3]
    )
    assert message == (
        "x, weights must have the same length, got {'x': 800, 'weights': 2}. Pass one value per customer in each."
    )
    assert vars(model) == before
