"""Choosing among fitted models: criteria, weights and likelihood-ratio tests."""

import numpy as np
import pytest
from scipy import stats

import valuetier as vt
from tests.models.kinds import BGNBD, CNBDK, simulated
from valuetier import InvalidDataError
from valuetier.models import compare_models, likelihood_ratio_test

N = 1_000


@pytest.fixture(scope="module")
def observed():
    """Return histories, Σ log gaps and one attribute of regular customers."""
    rng = np.random.default_rng(0)
    x, t_x, T, gaps = CNBDK.simulate(N, rng.integers(100, 500, N), rng)
    return (x, t_x, T), gaps, rng.integers(0, 2, (N, 2)).astype(float)


@pytest.fixture(scope="module")
def fitted(observed):
    """Return models of those customers by name."""
    history, gaps, z = observed
    return {
        "BGNBD": vt.BGNBD().fit(*history),
        "MBGNBD": vt.MBGNBD().fit(*history),
        "ParetoNBD": vt.ParetoNBD().fit(*history),
        "CNBDK(k=2)": vt.CNBDK().fit(*history, sum_log_gaps=gaps),
        "BGNBD(rate[0])": vt.BGNBD().fit(*history, rate_covariates=z[:, :1]),
        "BGNBD(rate[0], rate[1])": vt.BGNBD().fit(*history, rate_covariates=z),
        "BGNBD(dropout[0])": vt.BGNBD().fit(*history, dropout_covariates=z[:, :1]),
    }


def message_of(call, *args):
    """Return what the call says when it refuses."""
    with pytest.raises(InvalidDataError) as caught:
        call(*args)
    return str(caught.value)


def test_criteria_are_those_of_the_textbook(fitted):
    """AIC = 2 k - 2 LL, BIC = k log n - 2 LL, the best by AIC first."""
    table = compare_models(*fitted.values())
    assert set(table["model"]) == set(fitted)
    assert table["aic"].is_monotonic_increasing
    for row in table.itertuples():
        model = fitted[row.model]
        size = len(model.params()) + len(model.rate_coefficients_) + len(model.dropout_coefficients_)
        size += row.model == "CNBDK(k=2)"  # its regularity was searched for
        assert row.parameters == size
        assert row.log_likelihood == model.log_likelihood_
        assert row.aic == pytest.approx(2 * size - 2 * model.log_likelihood_)
        assert row.bic == pytest.approx(size * np.log(N) - 2 * model.log_likelihood_)
        assert row.converged == model.report_.converged


def test_weights_are_relative_likelihoods(fitted):
    """exp(-Δ/2), summing to 1; the model that made the customers has most of it."""
    table = compare_models(*fitted.values())
    assert table["aic_weight"].sum() == pytest.approx(1)
    assert table["aic_difference"][0] == 0
    np.testing.assert_allclose(
        table["aic_weight"] / table["aic_weight"][0], np.exp(-table["aic_difference"] / 2), rtol=1e-12
    )
    assert table["model"][0] == "CNBDK(k=2)"


def test_order_and_packing_of_the_models_change_nothing(fitted):
    """Models one by one, in another order or in a list give the same table."""
    models = list(fitted.values())
    table = compare_models(*models)
    assert compare_models(models).equals(table)
    assert compare_models(*models[::-1]).equals(table)


def test_a_regularity_that_was_given_is_no_parameter(observed, fitted):
    """k counts when it was searched for, and not when it was given."""
    history, gaps, _ = observed
    given = vt.CNBDK(k=2).fit(*history, sum_log_gaps=gaps)
    table = compare_models(fitted["CNBDK(k=2)"], given)
    assert sorted(table["parameters"]) == [4, 5]
    assert table["aic"][1] - table["aic"][0] == pytest.approx(2)


def test_nested_models_are_tested_by_chi_squared(fitted):
    """Twice the gain in likelihood has as many degrees of freedom as covariates were added."""
    smaller, larger = fitted["BGNBD"], fitted["BGNBD(rate[0], rate[1])"]
    gain, p_value = likelihood_ratio_test(smaller, larger)
    assert gain == pytest.approx(2 * (larger.log_likelihood_ - smaller.log_likelihood_))
    assert p_value == pytest.approx(stats.chi2(2).sf(gain))
    one = likelihood_ratio_test(smaller, fitted["BGNBD(rate[0])"])
    assert one[1] == pytest.approx(stats.chi2(1).sf(one[0]))
    assert 0 < one[0] <= gain


def test_the_table_tests_each_model_within_its_largest(fitted):
    """A model is tested against the largest that contains it; the others have no test."""
    table = compare_models(*fitted.values()).set_index("model")
    expected = likelihood_ratio_test(fitted["BGNBD"], fitted["BGNBD(rate[0], rate[1])"])
    row = table.loc["BGNBD"]
    assert (row["within"], row["lr_statistic"], row["p_value"]) == ("BGNBD(rate[0], rate[1])", *expected)
    assert table.loc["BGNBD(rate[0])", "within"] == "BGNBD(rate[0], rate[1])"
    for name in ("ParetoNBD", "CNBDK(k=2)", "BGNBD(rate[0], rate[1])", "BGNBD(dropout[0])"):
        assert table.loc[name, "within"] is None or table["within"].isna()[name]
        assert np.isnan(table.loc[name, "p_value"])


def test_a_small_p_value_speaks_for_the_attributes_that_made_the_customers():
    """Customers made with an effect show it in the table."""
    rng = np.random.default_rng(1)
    z = rng.integers(0, 2, (N, 1)).astype(float)
    true = vt.BGNBD.from_params(**BGNBD.params(), rate_coefficients={"0": 1.0})
    history = true.simulate(N, 365, rng, rate_covariates=z)
    table = compare_models(vt.BGNBD().fit(*history), vt.BGNBD().fit(*history, rate_covariates=z))
    assert table["model"].tolist() == ["BGNBD(rate[0])", "BGNBD"]
    assert table["p_value"][1] < 1e-6


def test_models_that_are_not_nested(fitted):
    """The test is refused between models of other kinds, other covariates, or the wrong way round."""
    advice = "a likelihood-ratio test needs the same model with fewer covariates. Compare them by AIC."
    for one, other in (
        ("BGNBD", "MBGNBD"), ("BGNBD(rate[0])", "BGNBD(dropout[0])"), ("BGNBD(rate[0])", "BGNBD"),
    ):  # fmt: skip
        kinds = [type(fitted[name]).__name__ for name in (one, other)]
        assert message_of(likelihood_ratio_test, fitted[one], fitted[other]) == (
            f"{kinds[0]} is not nested in {kinds[1]}: {advice}"
        )


def test_models_of_other_customers(fitted):
    """Numbers of customers must agree; weights count."""
    other = vt.BGNBD().fit(*simulated(BGNBD, 400))
    advice = "Fit all of them to the same ones."
    assert message_of(compare_models, fitted["BGNBD"], other) == (
        f"The models were fitted to 1000 and 400 customers. {advice}"
    )
    assert message_of(likelihood_ratio_test, other, fitted["BGNBD(rate[0])"]) == (
        f"The models were fitted to 400 and 1000 customers. {advice}"
    )
    half = simulated(BGNBD, 200)
    doubled = vt.MBGNBD().fit(*half, weights=np.full(200, 2.0))
    twice = vt.BGNBD().fit(*(np.tile(column, 2) for column in half))
    assert len(compare_models(twice, doubled)) == 2


def test_likelihoods_without_their_constant_are_not_compared(observed, fitted):
    """CNBDK(k=2) fitted without Σ log gaps lacks a constant: the comparison refuses it."""
    lacking = vt.CNBDK(k=2).fit(*observed[0])
    assert "sum_log_gaps" in message_of(compare_models, fitted["BGNBD"], lacking)


def test_too_few_and_unfitted_models(fitted):
    """One model compares with nothing, and a model without a fit has no likelihood."""
    assert message_of(compare_models, fitted["BGNBD"]) == (
        "At least 2 fitted models are needed to compare, got 1."
    )
    for lacking in (vt.MBGNBD(), BGNBD):
        assert message_of(compare_models, fitted["BGNBD"], lacking) == (
            f"{type(lacking).__name__} has no log-likelihood: fit it to data first."
        )


def test_models_of_other_data_are_not_compared():
    """The same customers in weeks, or as opportunities, have likelihoods of another kind."""
    rng = np.random.default_rng(0)
    x, t_x, T = vt.BGNBD.from_params(r=0.6, alpha=25.0, a=0.8, b=2.5).simulate(300, 300.0, rng)
    t_x = np.ceil(t_x)
    days, weeks = vt.BGNBD().fit(x, t_x, T), vt.BGNBD().fit(x, t_x / 7, T / 7)
    uses = vt.BGBB().fit(x, t_x, T)
    for other in (weeks, uses):
        with pytest.raises(
            vt.InvalidDataError, match=r"^The models were fitted to different data: histories"
        ):
            vt.compare_models(days, other)
