"""Attributes of customers that move their purchase rate and their dropout."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import valuetier as vt
from tests.models.kinds import ALL, IN_TIME, simulated
from valuetier import BGNBD, InvalidDataError, InvalidParameterError

EFFECTS = {"rate_coefficients": {"member": 0.5, "age": -0.01}, "dropout_coefficients": {"member": -0.6}}
TRUE = {
    name: type(model).from_params(
        **model.params(), **EFFECTS, **({"k": model.k_} if hasattr(model, "k_") else {})
    )
    for name, model in IN_TIME.items()
}
every_model = pytest.mark.parametrize("name", TRUE)


def customers(name, n=1_500, seed=1):
    """Return whole-day histories of a model's customers and the arguments that hold their attributes."""
    rng = np.random.default_rng(seed)
    z = pd.DataFrame({"member": rng.integers(0, 2, n), "age": np.round(rng.normal(40, 12, n))})
    effects = {"rate_covariates": z, "dropout_covariates": z[["member"]]}
    x, t_x, T = TRUE[name].simulate(n, rng.integers(150, 500, n), rng, **effects)[:3]
    return (x, np.ceil(t_x) if n < 20_000 else t_x, T), effects


def message_of(error, call, *args, **kwargs):
    """Return what the call says when it refuses."""
    with pytest.raises(error) as caught:
        call(*args, **kwargs)
    return str(caught.value)


@pytest.fixture(scope="module")
def observed():
    """Return histories and attributes of 1,500 BG/NBD customers."""
    return customers("BGNBD")


@pytest.fixture(scope="module")
def model(observed):
    """Return the BG/NBD with attributes fitted to them."""
    history, effects = observed
    return BGNBD().fit(*history, **effects)


@every_model
def test_a_fit_recovers_what_was_simulated(name):
    """From 20,000 customers each coefficient and parameter comes back within four standard errors."""
    history, effects = customers(name, 20_000)
    found = clone(TRUE[name]).fit(*history, **effects)
    assert found.report_.converged
    errors = found.standard_errors_
    for parameter, value in TRUE[name].params().items():
        assert abs(found.params()[parameter] - value) < 4 * errors[parameter]
    for role in ("rate", "dropout"):
        estimates, expected = getattr(found, f"{role}_coefficients_"), EFFECTS[f"{role}_coefficients"]
        assert list(estimates) == list(expected)
        for covariate, value in expected.items():
            error = errors[f"{role}[{covariate}]"]
            assert abs(estimates[covariate] - value) < 4 * error
            assert error < abs(value) / 4


@every_model
def test_a_coefficient_multiplies(name):
    """exp(γ) multiplies the mean purchase rate; more dropout is less of a future."""
    names = {"rate_coefficients": {"0": np.log(2.0)}, "dropout_coefficients": {"0": 1.0}}
    plain = IN_TIME[name]
    k = {"k": plain.k_} if hasattr(plain, "k_") else {}
    faster = type(plain).from_params(**plain.params(), **k, rate_coefficients=names["rate_coefficients"])
    expected = faster.expected_purchases(1e-3, rate_covariates=[[1.0]])[0]
    power = k.get("k", 1)
    assert expected / plain.expected_purchases(1e-3)[0] == pytest.approx(2.0**power, rel=1e-2)
    leaving = type(plain).from_params(
        **plain.params(), **k, dropout_coefficients=names["dropout_coefficients"]
    )
    ahead = leaving.conditional_expected_purchases(
        90, *simulated(plain, 3), dropout_covariates=[[-1.0], [0.0], [1.0]]
    )
    without = plain.conditional_expected_purchases(90, *simulated(plain, 3))
    assert ahead[0] > without[0]
    assert ahead[1] == without[1]
    assert ahead[2] < without[2]


@every_model
def test_unit_and_offset_of_a_covariate_change_nothing_but_its_coefficient(name):
    """Age in months since 18: the coefficient is a twelfth, the scale moves, predictions stay."""
    history, effects = customers(name)
    z = effects["rate_covariates"]
    months = {**effects, "rate_covariates": z.assign(age=(z["age"] - 18) * 12)}
    years, other = clone(TRUE[name]).fit(*history, **effects), clone(TRUE[name]).fit(*history, **months)
    before, after = years.rate_coefficients_, other.rate_coefficients_
    assert after["age"] == pytest.approx(before["age"] / 12, rel=1e-5)
    assert after["member"] == pytest.approx(before["member"], rel=1e-5)
    assert other.dropout_coefficients_ == pytest.approx(years.dropout_coefficients_, rel=1e-5)
    expected = {**years.params(), "alpha": years.alpha_ * np.exp(-18 * before["age"])}
    assert other.params() == pytest.approx(expected, rel=1e-5)
    assert other.log_likelihood_ == pytest.approx(years.log_likelihood_, rel=1e-10)
    assert other.standard_errors_["rate[age]"] == pytest.approx(
        years.standard_errors_["rate[age]"] / 12, rel=1e-4
    )
    np.testing.assert_allclose(
        other.conditional_expected_purchases(90, *history, **months),
        years.conditional_expected_purchases(90, *history, **effects),
        rtol=1e-5,
    )


@every_model
def test_coefficients_of_zero_are_the_plain_model(name):
    """A covariate without effect changes no answer."""
    plain = IN_TIME[name]
    k = {"k": plain.k_} if hasattr(plain, "k_") else {}
    zero = type(plain).from_params(
        **plain.params(), **k, rate_coefficients={"z": 0.0}, dropout_coefficients={"z": 0.0}
    )
    history, z = simulated(plain, 60), np.linspace(-3, 3, 60)[:, None]
    effects = {
        "rate_covariates": pd.DataFrame(z, columns=["z"]),
        "dropout_covariates": pd.DataFrame({"z": z[:, 0]}),
    }
    for call in (
        lambda m, **e: m.log_likelihood(*history, **e),
        lambda m, **e: m.probability_alive(*history, 30, **e),
        lambda m, **e: m.conditional_expected_purchases(90, *history, **e),
        lambda m, **e: m.discounted_expected_purchases(90, 0.001, *history, **e),
        lambda m, **e: m.expected_purchases(np.full(60, 90.0), **e),
        lambda m, **e: m.probability_of_purchases(2, np.full(60, 90.0), **e),
    ):
        np.testing.assert_allclose(call(zero, **effects), call(plain), rtol=1e-12)


def test_the_log_likelihood_sums_to_that_of_the_fit(observed, model):
    """Rows sum to ``log_likelihood_``, and no other parameters or coefficients are likelier."""
    history, effects = observed
    assert model.log_likelihood(*history, **effects).sum() == pytest.approx(model.log_likelihood_, rel=1e-11)
    estimates = np.array(
        [*model.params().values(), *model.rate_coefficients_.values(), *model.dropout_coefficients_.values()]
    )
    rng = np.random.default_rng(0)
    for _ in range(30):
        other = model.with_parameters(estimates * np.exp(rng.normal(0, 0.05, 7)))
        assert other.log_likelihood(*history, **effects).sum() < model.log_likelihood_


def test_the_covariance_is_symmetric_and_positive(model):
    """Parameters come first, then the coefficients of the rate, then those of dropout."""
    assert list(model.standard_errors_) == [
        "r", "alpha", "a", "b", "rate[member]", "rate[age]", "dropout[member]",
    ]  # fmt: skip
    assert model.covariance_.shape == (7, 7)
    np.testing.assert_allclose(model.covariance_, model.covariance_.T, rtol=1e-8)
    errors = np.array(list(model.standard_errors_.values()))
    assert (np.linalg.eigvalsh(model.covariance_ / np.outer(errors, errors)) > 0).all()
    np.testing.assert_allclose(errors, np.sqrt(np.diag(model.covariance_)))


def test_a_covariate_without_effect(observed, model):
    """Pure noise is not significant: near zero, and the larger model is no better than chance."""
    history, effects = observed
    noise = np.random.default_rng(9).normal(size=len(history[0]))
    z = effects["rate_covariates"].assign(noise=noise)
    larger = BGNBD().fit(*history, rate_covariates=z, dropout_covariates=effects["dropout_covariates"])
    assert abs(larger.rate_coefficients_["noise"]) < 3 * larger.standard_errors_["rate[noise]"]
    gain, p_value = vt.models.likelihood_ratio_test(model, larger)
    assert 0 <= gain < 9
    assert p_value > 0.001
    assert larger.log_likelihood_ >= model.log_likelihood_


def test_a_covariate_with_effect_is_significant(observed, model):
    """Without the attributes that made the customers the fit is far worse."""
    plain = BGNBD().fit(*observed[0])
    assert plain.rate_coefficients_ == plain.dropout_coefficients_ == {}
    assert vt.models.likelihood_ratio_test(plain, model)[1] < 1e-6


def test_row_order_and_repetition_change_nothing(observed, model):
    """Shuffled customers give the same model, and a weight is a repetition."""
    history, effects = observed
    rng = np.random.default_rng(0)
    order, weights = rng.permutation(1_500), rng.integers(1, 4, 1_500)

    def fit(places, **options):
        some = {role: z.iloc[places] for role, z in effects.items()}
        return BGNBD().fit(*(column[places] for column in history), **some, **options)

    shuffled = fit(order)
    assert shuffled.params() == model.params()
    assert shuffled.rate_coefficients_ == model.rate_coefficients_
    weighted, repeated = fit(np.arange(1_500), weights=weights), fit(np.repeat(np.arange(1_500), weights))
    assert weighted.params() == repeated.params()
    assert weighted.dropout_coefficients_ == repeated.dropout_coefficients_
    assert weighted.standard_errors_ == repeated.standard_errors_


def test_frames_go_by_name_and_arrays_by_position(observed, model):
    """The columns of a frame may be in any order and more than needed; those of an array may not."""
    history, effects = observed
    z = effects["rate_covariates"]
    expected = model.probability_alive(*history, **effects)
    turned = {
        "rate_covariates": z.assign(more="text")[["age", "member"]],
        "dropout_covariates": z[["age", "member"]],
    }
    np.testing.assert_array_equal(model.probability_alive(*history, **turned), expected)
    arrays = {"rate_covariates": z.to_numpy(), "dropout_covariates": z[["member"]].to_numpy()}
    by_place = BGNBD().fit(*history, **arrays)
    assert list(by_place.rate_coefficients_) == ["0", "1"]
    assert list(by_place.rate_coefficients_.values()) == pytest.approx(
        list(model.rate_coefficients_.values())
    )
    np.testing.assert_allclose(by_place.probability_alive(*history, **arrays), expected, rtol=1e-9)


@pytest.mark.parametrize("name", ["BGNBD", "ParetoNBD", "MCNBDK"])
def test_a_customer_depends_on_the_own_history_and_attributes_alone(name):
    """Among 6,000 customers, each has to the last bit the value of some of them."""
    history, effects = customers(name, 6_000, seed=2)
    found = TRUE[name].conditional_expected_purchases(90, *history, **effects)
    for places in (np.arange(40, 80), np.arange(7, 9)):
        some = {role: z.iloc[places] for role, z in effects.items()}
        alone = TRUE[name].conditional_expected_purchases(90, *(c[places] for c in history), **some)
        np.testing.assert_array_equal(alone, found[places])


def test_one_attribute_for_all_horizons():
    """The curve of a new customer with given attributes: one row of them serves every horizon."""
    z = pd.DataFrame({"member": [1], "age": [30]})
    effects = {"rate_covariates": z, "dropout_covariates": z}
    curve = TRUE["BGNBD"].expected_purchases([0, 30, 60], **effects)
    assert curve[0] == 0
    assert curve[2] == TRUE["BGNBD"].expected_purchases(60, **effects)[0]


def test_one_horizon_for_customers_of_many_attributes():
    """New customers who differ in their attributes only: one horizon serves all of them."""
    z = pd.DataFrame({"member": [0, 1, 1], "age": [30, 30, 60]})
    found = TRUE["BGNBD"].expected_purchases(365, rate_covariates=z, dropout_covariates=z[["member"]])
    one_by_one = [
        TRUE["BGNBD"].expected_purchases(365, rate_covariates=z.iloc[[i]], dropout_covariates=z.iloc[[i]])[0]
        for i in range(3)
    ]
    assert found.tolist() == one_by_one


def test_a_failed_refit_leaves_the_model_as_it_was(observed, model):
    """Attributes that cannot be used change nothing in a fitted model."""
    before = dict(vars(model))
    with pytest.raises(InvalidDataError):
        model.fit(*observed[0], rate_covariates=np.ones((1_500, 1)))
    assert vars(model) == before


def test_a_refit_without_attributes_forgets_them(observed):
    """Fitted again without covariates, a model needs none."""
    history, effects = observed
    again = BGNBD().fit(*history, **effects).fit(*history)
    assert again.params() == BGNBD().fit(*history).params()
    assert again.probability_alive(*history).shape == (1_500,)


HISTORY = ([1, 0, 2], [5, 0, 9], [9, 9, 9])
NONE = (
    "rate_covariates: the model was fitted with ['member', 'age'], got none. Pass the same columns as in fit."
)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (None, NONE),
        (
            pd.DataFrame({"age": [1, 2, 3], "height": [1, 2, 3]}),
            "rate_covariates: the columns ['member'] are missing, there are ['age', 'height'].",
        ),
        (
            pd.DataFrame({"age": [1, np.nan, 3], "member": [1, 0, 1]}),
            "rate_covariates 'age': 1 of 3 values are missing (NaN). Drop or fill these customers first.",
        ),
        (
            pd.DataFrame({"age": [1, 2, 3], "member": ["yes", "no", "no"]}),
            "rate_covariates 'member' must hold numbers, got values of type {}. Convert the column first.",
        ),
        (
            pd.DataFrame({"age": [1, 2], "member": [1, 0]}),
            "rate_covariates 'member' has 2 values for 3 customers. Pass one value per customer.",
        ),
        (
            np.array([1.0, 2.0, 3.0]),
            "rate_covariates must be a frame or an array (customers, columns), got shape (3,).",
        ),
    ],
)
def test_attributes_that_do_not_fit_the_model(values, message):
    """Predictions need exactly what the fit had; what is wrong is named."""
    dtype = values["member"].dtype if hasattr(values, "columns") and "member" in values else ""
    z = pd.DataFrame({"member": [0, 1, 1]})
    for call in (TRUE["BGNBD"].log_likelihood, TRUE["BGNBD"].probability_alive):
        found = message_of(InvalidDataError, call, *HISTORY, rate_covariates=values, dropout_covariates=z)
        assert found == message.format(dtype)


def test_attributes_that_the_fit_did_not_have():
    """A model without covariates refuses some, by role."""
    for role in ("rate_covariates", "dropout_covariates"):
        message = message_of(InvalidDataError, ALL["BGNBD"].probability_alive, *HISTORY, **{role: np.eye(3)})
        assert (
            message == f"{role}: the model was fitted without any, got some. Pass the same columns as in fit."
        )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            np.column_stack([np.ones(3), np.arange(3)]),
            "rate_covariates: the columns ['0'] are equal for all customers. A constant moves nothing: leave it out.",
        ),
        (
            np.array([[1.0], [np.inf], [0.0]]),
            "rate_covariates '0': 1 of 3 values are infinite (inf). Drop or fill these customers first.",
        ),
        (np.eye(2), "rate_covariates '0' has 2 values for 3 customers. Pass one value per customer."),
    ],
)
def test_attributes_that_cannot_be_fitted(values, message):
    """A constant, a missing value and too few rows are refused before anything is fitted."""
    assert message_of(InvalidDataError, BGNBD().fit, *HISTORY, rate_covariates=values) == message


def test_coefficients_by_hand_must_be_numbers():
    """``from_params`` names the role and what it got."""
    params = {"r": 1.0, "alpha": 1.0, "a": 1.0, "b": 1.0}
    message = message_of(InvalidParameterError, BGNBD.from_params, **params, rate_coefficients={"z": np.nan})
    assert message == "rate_coefficients must be finite numbers by name, got {'z': nan}."


def test_a_message_names_the_coefficients_that_are_not_pinned_down():
    """Two columns that are one cannot be told apart: the report names both, not the parameters beside them."""
    rng = np.random.default_rng(0)
    z = rng.integers(0, 2, 2_000).astype(float)
    frame = pd.DataFrame({"app": z, "copy": z})
    true = vt.BGNBD.from_params(r=0.8, alpha=40.0, a=0.8, b=2.5)
    model = vt.BGNBD().fit(*true.simulate(2_000, 500.0, rng), rate_covariates=frame)
    assert model.report_.status == "not_identified"
    assert "in the direction of rate[app], rate[copy]" in model.report_.message


def test_intervals_need_the_attributes_of_the_fit():
    """Profiles and refits are those of the model that was fitted."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"app": rng.integers(0, 2, 500)})
    observed = vt.BGNBD.from_params(r=0.8, alpha=40.0, a=0.8, b=2.5).simulate(500, 500.0, rng)
    model = vt.BGNBD().fit(*observed, rate_covariates=frame)
    with pytest.raises(
        vt.InvalidDataError, match=r"was fitted with the parameters \['r', 'alpha', 'a', 'b', 'rate\[app\]'\]"
    ):
        model.profile_intervals(*observed)
