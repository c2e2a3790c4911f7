"""Gamma-Gamma as an estimator: fit, refit, weights, currency, degenerate data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from valuetier import GammaGamma, InvalidDataError, NotConvergedError

TRUE = GammaGamma.from_params(p=6.0, q=4.0, v=16.0)
few_fits = settings(max_examples=8)


def simulated(n=500, seed=0):
    """Return repeat orders and their mean value; a third of the customers has none."""
    rng = np.random.default_rng(seed)
    x = np.maximum(rng.integers(-2, 7, n), 0).astype(float)
    return x, TRUE.simulate(x, rng)


def test_a_fit_recovers_what_was_simulated():
    """From 40,000 simulated customers each parameter comes back within four standard errors."""
    model = GammaGamma().fit(*simulated(40_000))
    assert model.report_.converged
    for name, value in TRUE.params().items():
        assert abs(getattr(model, f"{name}_") - value) < 4 * model.standard_errors_[name]
        assert model.standard_errors_[name] < value / 4


@few_fits
@given(seed=st.integers(0, 1000))
def test_row_order_changes_nothing(seed):
    """Shuffled customers give the same model, to the last bit."""
    observed = np.array(simulated())
    shuffled = np.random.default_rng(seed).permutation(observed, axis=1)
    model, again = GammaGamma().fit(*observed), GammaGamma().fit(*shuffled)
    assert again.params() == model.params()
    assert again.correlation_ == model.correlation_


@few_fits
@given(seed=st.integers(0, 1000))
def test_a_weight_is_a_repetition(seed):
    """Customers with weights give the model of the customers repeated."""
    x, m = simulated()
    weights = np.random.default_rng(seed).integers(1, 5, len(x))
    weighted = GammaGamma().fit(x, m, weights=weights)
    repeated = GammaGamma().fit(np.repeat(x, weights), np.repeat(m, weights))
    assert weighted.params() == repeated.params()
    np.testing.assert_array_equal(weighted.covariance_, repeated.covariance_)
    assert weighted.report_.rows == weights[x > 0].sum()


@few_fits
@given(factor=st.floats(-12, 12).map(np.exp))
def test_another_currency_scales_v_only(factor):
    """Fitted in another currency p and q stay, and v, its error and every value scale."""
    x, m = simulated()
    model, other = GammaGamma().fit(x, m), GammaGamma().fit(x, m * factor)
    for name, scale in {"p": 1, "q": 1, "v": factor}.items():
        assert other.params()[name] == pytest.approx(model.params()[name] * scale, rel=1e-5)
        assert other.standard_errors_[name] == pytest.approx(model.standard_errors_[name] * scale, rel=1e-4)
    np.testing.assert_allclose(
        other.expected_value(x, m * factor), factor * model.expected_value(x, m), rtol=1e-5
    )


def test_the_log_likelihood_sums_to_that_of_the_fit():
    """Rows sum to ``log_likelihood_``; customers without repeat orders say nothing and count 0."""
    x, m = simulated()
    model = GammaGamma().fit(x, m)
    rows = model.log_likelihood(x, m)
    assert rows.sum() == pytest.approx(model.log_likelihood_, rel=1e-12)
    assert (rows[x == 0] == 0).all()


def test_no_other_parameters_are_likelier():
    """At the maximum every step away, in any direction, costs likelihood."""
    observed = simulated()
    model = GammaGamma().fit(*observed)
    rng = np.random.default_rng(0)
    for _ in range(50):
        steps = np.exp(rng.normal(0, 0.05, 3))
        other = {
            name: value * step for (name, value), step in zip(model.params().items(), steps, strict=True)
        }
        assert GammaGamma.from_params(**other).log_likelihood(*observed).sum() < model.log_likelihood_


def test_only_repeat_orders_of_positive_value_are_used():
    """Customers without repeat orders, or with free ones only, are counted and change nothing."""
    x, m = simulated()
    model = GammaGamma().fit(x, m)
    assert (model.n_used_, model.n_ignored_) == ((x > 0).sum(), (x == 0).sum())
    more = GammaGamma().fit(np.append(x, [0, 3, 0]), np.append(m, [7.0, 0.0, np.nan]))
    assert more.params() == model.params()
    assert (more.n_used_, more.n_ignored_) == (model.n_used_, model.n_ignored_ + 3)


def test_the_assumed_independence_is_checked():
    """The correlation of x and m_x is that of the customers used, with their weights."""
    x, m = simulated()
    used = x > 0
    expected = np.corrcoef(x[used], m[used])[0, 1]
    assert GammaGamma().fit(x, m).correlation_ == pytest.approx(expected)
    weights = np.arange(1, len(x) + 1)
    repeated = np.corrcoef(np.repeat(x[used], weights[used]), np.repeat(m[used], weights[used]))[0, 1]
    assert GammaGamma().fit(x, m, weights=weights).correlation_ == pytest.approx(repeated, rel=1e-2)


def test_independent_order_values_pass():
    """Where order values have nothing to do with order counts, nothing notable is said."""
    found = GammaGamma().fit(*simulated(3_000)).independence_
    assert found.holds
    assert abs(found.rank_correlation) < 0.1
    assert 0 < found.p_value <= 1
    assert str(found) == (
        "Nothing notable speaks against independence. Correlation of x and m_x: "
        f"{found.correlation:.2f}, by ranks {found.rank_correlation:.2f} (p = {found.p_value:.2g})."
    )


@pytest.mark.parametrize(("power", "bias"), [(0.7, "low"), (-0.7, "high")])
def test_dependent_order_values_are_found(power, bias):
    """Where frequent buyers spend more, or less, the model says so and which way it errs."""
    x, m = simulated(3_000)
    model = GammaGamma().fit(x, m * np.maximum(x, 1) ** power)
    found = model.independence_
    assert not found.holds
    assert found.correlation == model.correlation_
    assert np.sign(found.rank_correlation) == np.sign(power)
    assert found.p_value < 0.01
    assert str(found).startswith(
        f"Order values depend on the number of orders: expected values are biased, {bias} for frequent buyers. "
    )


def test_rank_correlation_is_spearmans():
    """Without ties in the weights it is scipy's, with its p-value; large amounts do not dominate."""
    x, m = simulated(800)
    m = np.where(np.arange(800) == np.argmax(x), 1e7, m)
    used = x > 0
    expected = stats.spearmanr(x[used], m[used])
    found = GammaGamma().fit(x, m).independence_
    assert found.rank_correlation == pytest.approx(expected.statistic, rel=1e-9)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6)
    assert abs(found.correlation - stats.pearsonr(x[used], m[used]).statistic) < 0.01


def test_a_weight_is_a_repetition_for_ranks():
    """The rank correlation and its p-value of weighted customers are those of customers repeated."""
    x, m = simulated()
    weights = np.random.default_rng(1).integers(1, 5, len(x))
    weighted = GammaGamma().fit(x, m, weights=weights).independence_
    repeated = GammaGamma().fit(np.repeat(x, weights), np.repeat(m, weights)).independence_
    used = x > 0
    expected = stats.spearmanr(np.repeat(x[used], weights[used]), np.repeat(m[used], weights[used]))
    assert weighted == repeated
    assert weighted.rank_correlation == pytest.approx(expected.statistic, rel=1e-9)
    assert weighted.p_value == pytest.approx(expected.pvalue, rel=1e-6)


def test_of_many_customers_a_sample_is_ranked():
    """For 100,000 customers the rank correlation is near that of all of them."""
    x, m = simulated(100_000)
    m = m * np.maximum(x, 1) ** 0.3
    found, used = GammaGamma().fit(x, m).independence_, x > 0
    expected = stats.spearmanr(x[used], m[used])
    assert found.rank_correlation == pytest.approx(expected.statistic, abs=0.03)
    assert found.p_value < 1e-6


def test_a_heavy_tail_is_said():
    """Fitted with q ≤ 1 the report says what has no value; repeat buyers have one, new customers are refused."""
    x = np.full(3_000, 4.0)
    m = GammaGamma.from_params(p=6.0, q=0.7, v=16.0).simulate(x, np.random.default_rng(0))
    model = GammaGamma().fit(x, m)
    assert model.report_.converged
    assert model.q_ < 1
    assert model.report_.message == (
        "The maximum of the likelihood was found. q ≤ 1: a few customers spend so much more that the mean "
        "order value of the population is infinite; those with enough "
        "repeat orders (p x + q > 1) can be valued, new ones cannot."
    )
    assert "q ≤ 1" not in GammaGamma().fit(*simulated()).report_.message
    assert (model.expected_value([1, 4], [10.0, 20.0]) > 0).all()
    with pytest.raises(InvalidDataError, match="the mean order value of the population is infinite"):
        model.expected_value([0, 1], [0.0, 10.0])


def test_where_all_buy_equally_often_there_is_no_correlation():
    """A constant x has no correlation with anything: NaN, not an error."""
    _, m = simulated()
    m = m[np.isfinite(m)]
    assert np.isnan(GammaGamma().fit(np.full(len(m), 3.0), m).correlation_)


def test_without_orders_the_population_speaks():
    """For x = 0 the value is the population's mean, p v / (q - 1), whatever m_x holds."""
    found = TRUE.expected_value([0, 0, 3], [np.nan, 50.0, 35.0])
    assert found == pytest.approx([32.0, 32.0, 6 * (16 + 105) / 21])


def test_without_a_population_mean_new_customers_have_no_value():
    """For q ≤ 1 the value of customers without orders is refused, with their number; others have one."""
    model = GammaGamma.from_params(p=6.0, q=0.9, v=16.0)
    assert np.isfinite(model.expected_value([1, 5], [10.0, 20.0])).all()
    with pytest.raises(InvalidDataError) as error:
        model.expected_value([0, 1, 0], [0.0, 10.0, 0.0])
    assert str(error.value) == (
        "x: 2 of 3 values are 0, and with q = 0.9 ≤ 1 the mean order value of the population is infinite. "
        "Value only customers with x ≥ 1."
    )


def test_a_failed_refit_leaves_the_model_as_it_was():
    """Data that cannot be fitted change nothing in a fitted model."""
    model = GammaGamma().fit(*simulated())
    before = dict(vars(model))
    with pytest.raises(InvalidDataError):
        model.fit([0, 1], [0, 5])
    with pytest.raises(NotConvergedError, match="GammaGamma found no finite likelihood for 3 customers"):
        model.fit([1, 2, 3], [5e-300, 6e307, 1e308])
    assert vars(model) == before


def test_customers_who_all_spend_alike_are_not_identified():
    """Without differences between customers the scales' shape cannot be found: the report names it."""
    rng = np.random.default_rng(0)
    x = np.arange(1.0, 301.0)
    model = GammaGamma().fit(x, 10 + rng.normal(0, 1e-6, 300))
    assert model.report_.status == "not_identified"
    assert "q → ∞" in model.report_.message
    assert all(np.isnan(error) for error in model.standard_errors_.values())


def test_simulated_values_average_to_the_population_mean():
    """The mean of many simulated values is p v / (q - 1); without orders there is none."""
    m = TRUE.simulate(np.full(100_000, 2.0), np.random.default_rng(0))
    assert m.mean() == pytest.approx(32.0, abs=5 * m.std() / np.sqrt(100_000))
    assert np.isnan(TRUE.simulate([0], np.random.default_rng(0))).all()


@pytest.mark.parametrize("q", [0.3, 0.5, 0.8])
def test_values_without_a_mean_are_fitted_too(q):
    """With q ≤ 1 the parameters come back, and few orders with an infinite mean are refused by their reason."""
    rng = np.random.default_rng(1)
    x = rng.integers(1, 9, 3000).astype(float)
    model = GammaGamma().fit(x, GammaGamma.from_params(p=6.0, q=q, v=16.0).simulate(x, rng))
    assert model.report_.converged
    assert abs(model.q_ - q) < 4 * model.standard_errors_["q"]
    rare = GammaGamma.from_params(p=0.1, q=q, v=16.0)
    with pytest.raises(InvalidDataError, match=r"^x: 1 of 2 values are too few: with p = 0.1 and q = "):
        rare.expected_value([1, 99], [5.0, 5.0])
