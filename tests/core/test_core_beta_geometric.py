"""The one likelihood of BG/NBD, MBG/NBD, BG/CNBD-k and MBG/CNBD-k."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from tests.core.laws import check_derivatives, customers, log_uniform, log_uniforms, logs
from valuetier._core import beta_geometric
from valuetier._core.likelihood import Sample

NAMES = ("r", "alpha", "a", "b")
wide = log_uniforms(1e-2, 1e3, *NAMES)
moderate = log_uniforms(0.1, 20, *NAMES)
orders = pytest.mark.parametrize("k", [1, 2, 3, 4])
births = pytest.mark.parametrize("at_birth", [0, 1])


def by_integration(x, t_x, T, gaps, r, alpha, a, b, k, at_birth):
    """Return the likelihood, integrated over rate and dropout: Erlang-k gaps, and nothing since t_x."""

    def of_rate(rate):
        density = rate ** (r - 1) * mpmath.exp(-alpha * rate) * alpha**r / mpmath.gamma(r)
        bought = rate ** (k * x) * mpmath.exp(-rate * t_x + (k - 1) * gaps) / mpmath.gamma(k) ** x
        expected = rate * (T - t_x)
        nothing = mpmath.exp(-expected) * sum(expected**j / mpmath.factorial(j) for j in range(k))
        return density * bought, density * bought * nothing

    def of_dropout(power_p, power_q):
        density = lambda p: p ** (a - 1 + power_p) * (1 - p) ** (b - 1 + power_q) / mpmath.beta(a, b)  # noqa: E731
        return mpmath.quad(density, [0, 0.01, 0.1, 0.5, 0.9, 0.99, 1])

    pieces = [0, 0.001, 0.01, 0.1, 0.5, 1, 3, 10, 100, mpmath.inf]
    dead, alive = (mpmath.quad(lambda rate, i=i: of_rate(rate)[i], pieces) for i in (0, 1))
    chances = x + at_birth
    return of_dropout(0, chances) * alive + (of_dropout(1, chances - 1) * dead if chances else 0)


@orders
@births
@pytest.mark.parametrize("row", [(0, 0.0, 9.0, 0.0), (1, 2.0, 9.0, 0.69), (4, 7.5, 8.0, 1.1)])
def test_likelihood_equals_the_integral_over_customers(row, k, at_birth):
    """It is the individual's likelihood, integrated over rate and dropout numerically."""
    theta = {"r": 1.2, "alpha": 4.0, "a": 1.3, "b": 2.5}
    expected = float(mpmath.log(by_integration(*row, **theta, k=k, at_birth=at_birth)))
    columns = [np.array([float(value)]) for value in row]
    found = beta_geometric.log_likelihood(*columns, **theta, k=k, at_birth=at_birth)[0]
    assert found == pytest.approx(expected, abs=1e-7)


@orders
@births
@settings(max_examples=15)
@given(observed=customers(longest=100, busiest=50), params=moderate)
def test_derivatives_equal_finite_differences(k, at_birth, observed, params):
    """The total is the weighted sum of the rows; gradient and Hessian are its slopes."""
    weights = np.linspace(1, 3, len(observed[0]))
    sample = Sample(beta_geometric.parts(k=k, at_birth=at_birth), observed, weights)
    rows = beta_geometric.log_likelihood(*observed, **params, k=k, at_birth=at_birth)
    rows += observed[0] * special.gammaln(k)  # no parameter is in it, so the parts are without it
    working = logs(params, NAMES)
    assert sample(working).value == pytest.approx(weights @ rows, rel=1e-9, abs=1e-9)
    check_derivatives(sample, working)


@orders
@births
@settings(max_examples=10)
@given(observed=customers(longest=100, busiest=30), params=moderate, seed=st.integers(0, 99))
def test_covariates_move_the_parameters_of_their_rows(k, at_birth, observed, params, seed):
    """With designs each row has parameters of its own; derivatives are by the coefficients."""
    n = len(observed[0])
    rng = np.random.default_rng(seed)
    designs = [np.ones((n, 1)) for _ in NAMES]
    designs[1] = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    designs[3] = np.column_stack([np.ones(n), rng.integers(0, 2, n)])
    working = np.insert(logs(params, NAMES), [2, 2, 4], [0.3, -0.2, 0.4])
    parts, weights = beta_geometric.parts(k=k, at_birth=at_birth), np.arange(1.0, n + 1)
    sample = Sample(parts, observed, weights, tuple(designs))
    own = dict(params)
    own["alpha"] = own["alpha"] * np.exp(designs[1][:, 1:] @ [0.3, -0.2])
    own["b"] = own["b"] * np.exp(0.4 * designs[3][:, 1])
    rows = beta_geometric.log_likelihood(*observed, **own, k=k, at_birth=at_birth)
    rows += observed[0] * special.gammaln(k)
    assert sample(working).value == pytest.approx(weights @ rows, rel=1e-9, abs=1e-9)
    check_derivatives(sample, working)


@orders
@births
def test_a_design_of_ones_changes_nothing(k, at_birth):
    """Without covariates, designs give value, gradient and Hessian of the parameters themselves."""
    observed = np.array([[0.0, 0, 9], [1, 2, 9], [1, 3, 9], [4, 8, 8], [30, 7, 60]]).T
    parts, weights = beta_geometric.parts(k=k, at_birth=at_birth), np.array([5.0, 3, 2, 1, 1])
    working = np.log([0.6, 5.0, 0.8, 2.5])
    plain = Sample(parts, observed, weights)(working)
    with_designs = Sample(parts, observed, weights, (np.ones((5, 1)),) * 4)(working)
    for expected, found in zip(plain, with_designs, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@given(observed=customers(longest=50, busiest=20), params=moderate)
def test_with_k_1_it_is_the_published_one(observed, params):
    """For k = 1 it is eq. (6) of Fader, Hardie & Lee, for whatever gaps."""
    x, t_x, T = observed
    r, alpha, a, b = (params[name] for name in NAMES)
    timing = special.poch(r, x) * alpha**r
    alive = special.beta(a, b + x) / special.beta(a, b) / (alpha + T) ** (r + x)
    with np.errstate(all="ignore"):
        dead = special.beta(a + 1, b + x - 1) / special.beta(a, b) / (alpha + t_x) ** (r + x)
    expected = np.log(timing * (alive + np.where(x > 0, dead, 0)))
    for gaps in (0.0, 7.0):
        found = beta_geometric.log_likelihood(*observed, gaps, **params)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@orders
@given(observed=customers(), params=wide)
def test_who_survived_the_first_purchase_follows_the_plain_model(k, observed, params):
    """With purchases, the modified likelihood is b / (a + b) times the plain one with b + 1."""
    x, t_x, T = observed
    seen = x > 0
    observed = x[seen], t_x[seen], T[seen]
    modified = beta_geometric.log_likelihood(*observed, **params, k=k, at_birth=1)
    plain = beta_geometric.log_likelihood(*observed, **{**params, "b": params["b"] + 1}, k=k)
    born = np.log(params["b"] / (params["a"] + params["b"]))
    np.testing.assert_allclose(modified, born + plain, rtol=1e-9, atol=1e-9 * (1 + x.max() * k))


@orders
@births
@given(observed=customers(), params=wide, factor=log_uniform(1e-3, 1e3))
def test_another_unit_of_time_scales_alpha_only(k, at_birth, observed, params, factor):
    """Likelihoods change by the density's unit, 1 / time per purchase, and are never NaN."""
    x, t_x, T = observed
    options = {"k": k, "at_birth": at_birth}
    here = beta_geometric.log_likelihood(x, t_x, T, 0.0, **params, **options)
    scaled = {**params, "alpha": params["alpha"] * factor}
    gaps = x * np.log(factor)
    there = beta_geometric.log_likelihood(x, t_x * factor, T * factor, gaps, **scaled, **options)
    assert np.isfinite(here).all()
    np.testing.assert_allclose(there + gaps, here, rtol=1e-8, atol=1e-8 * (1 + k * x.max()))


@pytest.mark.parametrize(("x", "t_x", "expected"), [(0.0, 0.0, -0.41792826), (200.0, 38.0, 100.78691)])
def test_a_known_value_of_the_modified_model(x, t_x, expected):
    """A test case of pymc-marketing for the MBG/NBD, recomputed."""
    columns = np.array([x]), np.array([t_x]), np.array([40.0])
    found = beta_geometric.log_likelihood(*columns, r=0.25, alpha=4, a=0.8, b=2.5, at_birth=1)
    assert found[0] == pytest.approx(expected, rel=1e-7)
