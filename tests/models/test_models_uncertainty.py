"""How sure a fit is: intervals from the covariance, from the likelihood, and from fits to other data."""

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.base import clone

import valuetier as vt
from tests.models.kinds import ALL, BGNBD, simulated
from valuetier import SBG, InvalidParameterError, NotConvergedError

SURVIVORS = [1000, 631, 468, 382, 326, 289, 262, 241]
GAMMA_GAMMA = vt.GammaGamma.from_params(p=6.0, q=4.0, v=16.0)
KINDS = ("weighted", "parametric")


def data(name, n, seed=1):
    """Return what a model of that name is fitted to."""
    rng = np.random.default_rng(seed)
    if name == "SBG":
        return SBG.from_params(alpha=0.7, beta=1.2).simulate(n, 8, rng)
    if name == "GammaGamma":
        x = rng.integers(1, 7, n).astype(float)
        return x, GAMMA_GAMMA.simulate(x, rng)
    return simulated(ALL[name], n, seed, whole=False)


def fitted(name, observed):
    """Return a model of that name fitted to the data."""
    new = {"SBG": SBG(), "GammaGamma": vt.GammaGamma()}.get(name) or clone(ALL[name])
    return new.fit(*observed)


every_model = pytest.mark.parametrize("name", [*ALL, "SBG", "GammaGamma"])


def message_of(error, call, *args, **kwargs):
    """Return what the call says when it refuses."""
    with pytest.raises(error) as caught:
        call(*args, **kwargs)
    return str(caught.value)


@every_model
def test_intervals_are_positive_and_widen(name):
    """Each contains the estimate, lies above 0 and grows with the level."""
    model = fitted(name, data(name, 1_000))
    narrow, usual, wide = (model.confidence_intervals(level) for level in (0.5, 0.95, 0.999))
    assert model.confidence_intervals() == usual
    assert tuple(usual) == model.parameter_names
    for parameter, value in model.params().items():
        ends = [wide[parameter][0], usual[parameter][0], narrow[parameter][0], value]
        ends += [narrow[parameter][1], usual[parameter][1], wide[parameter][1]]
        assert ends[0] > 0
        assert (np.diff(ends) > 0).all()


@every_model
def test_intervals_are_those_of_the_logs(name):
    """Ends are the estimate times and divided by exp(1.96 se / estimate)."""
    model = fitted(name, data(name, 1_000))
    for parameter, (low, high) in model.confidence_intervals().items():
        value, error = model.params()[parameter], model.standard_errors_[parameter]
        factor = np.exp(stats.norm.ppf(0.975) * error / value)
        assert (low, high) == pytest.approx((value / factor, value * factor), rel=1e-9)


@every_model
def test_profiles_agree_with_the_covariance_for_many_customers(name):
    """From 20,000 customers both kinds of interval have nearly the same ends, in the logs."""
    observed = data(name, 20_000)
    model = fitted(name, observed)
    wald, profile = model.confidence_intervals(), model.profile_intervals(*observed)
    assert tuple(profile) == tuple(wald)
    for parameter, ends in wald.items():
        width = np.log(ends[1] / ends[0])
        np.testing.assert_allclose(np.log(profile[parameter]), np.log(ends), atol=0.06 * width)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_profiles_are_those_of_a_search_by_hand(level):
    """sBG: the ends are where the best likelihood of the other parameter falls by half a χ² quantile."""
    model = SBG().fit_survivors(SURVIVORS)
    periods = np.append(np.arange(1.0, 8.0), 7.0)
    churned = np.append(np.ones(7), 0.0)
    lost = np.append(-np.diff(SURVIVORS), SURVIVORS[-1])
    found = model.profile_intervals(periods, churned, weights=lost, level=level)
    estimates = np.log([model.alpha_, model.beta_])

    def fall(at, place):
        def loss(other):
            logs = np.insert(np.array([other]), place, at)
            return -lost @ model.with_parameters(np.exp(logs)).log_likelihood(periods, churned)

        around = estimates[1 - place]
        best = optimize.minimize_scalar(
            loss, bounds=(around - 3, around + 3), method="bounded", options={"xatol": 1e-10}
        )
        return model.log_likelihood_ + best.fun - stats.chi2.ppf(level, 1) / 2

    for place, name in enumerate(("alpha", "beta")):
        for end, way in zip(found[name], (-1, 1), strict=True):
            expected = optimize.brentq(
                fall, estimates[place], estimates[place] + 2 * way, args=(place,), xtol=1e-9
            )
            assert np.log(end) == pytest.approx(expected, abs=1e-4)


def test_profiles_lean_where_the_data_do():
    """From few customers the profile of b reaches further up than down, even in the logs."""
    observed = data("BGNBD", 300)
    model = fitted("BGNBD", observed)
    low, high = model.profile_intervals(*observed)["b"]
    assert low < model.b_ < high
    assert high / model.b_ > model.b_ / low


def test_coefficients_have_symmetric_intervals():
    """Those of covariates are estimate ± 1.96 se, and profiles are near."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(4_000, 1))
    true = vt.BGNBD.from_params(**BGNBD.params(), rate_coefficients={"0": 0.3})
    history = true.simulate(4_000, rng.integers(100, 500, 4_000), rng, rate_covariates=z)
    model = vt.BGNBD().fit(*history, rate_covariates=z)
    low, high = model.confidence_intervals()["rate[0]"]
    value, error = model.rate_coefficients_["0"], model.standard_errors_["rate[0]"]
    assert (low, high) == pytest.approx((value - 1.959964 * error, value + 1.959964 * error), rel=1e-6)
    found = model.profile_intervals(*history, rate_covariates=z)["rate[0]"]
    assert found == pytest.approx((low, high), abs=0.1 * error)


@pytest.mark.parametrize("kind", KINDS)
@every_model
def test_the_bootstrap_spreads_as_the_standard_errors(name, kind):
    """Sixty refits for 1,500 customers spread as the covariance says, within 40 %."""
    observed = data(name, 1_500)
    model = fitted(name, observed)
    found = model.bootstrap(*observed, n=60, kind=kind, rng=np.random.default_rng(0))
    assert found.names == tuple(model.standard_errors_)
    assert len(found.values) + found.failed == 60
    logs = np.log(found.values)
    for place, (parameter, error) in enumerate(model.standard_errors_.items()):
        spread = logs[:, place].std(ddof=1)
        assert spread == pytest.approx(error / model.params()[parameter], rel=0.4)
        assert (
            abs(np.median(logs[:, place]) - np.log(model.params()[parameter]))
            < error / model.params()[parameter]
        )


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_generator_draws_the_same(kind):
    """Refits depend on the generator's state alone, and change with it; the model stays as it was."""
    observed = data("BGNBD", 500)
    model = fitted("BGNBD", observed)
    before = dict(vars(model))
    one, same, other = (
        model.bootstrap(*observed, n=5, kind=kind, rng=np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.values, same.values)
    assert (one.values != other.values).all()
    assert len(np.unique(one.values, axis=0)) == 5
    assert vars(model) == before


def test_the_bootstrap_with_covariates():
    """Coefficients are drawn too, in the order of the standard errors, and spread as these say."""
    rng = np.random.default_rng(0)
    z = rng.integers(0, 2, (1_500, 1)).astype(float)
    true = vt.BGNBD.from_params(
        **BGNBD.params(), rate_coefficients={"0": 0.5}, dropout_coefficients={"0": -0.5}
    )
    effects = {"rate_covariates": z, "dropout_covariates": z}
    history = true.simulate(1_500, 365, rng, **effects)
    model = vt.BGNBD().fit(*history, **effects)
    for kind in KINDS:
        found = model.bootstrap(*history, n=60, kind=kind, rng=rng, **effects)
        assert found.names == tuple(model.standard_errors_)
        for name in ("rate[0]", "dropout[0]"):
            assert found.standard_errors()[name] == pytest.approx(model.standard_errors_[name], rel=0.4)


def test_refits_that_find_no_maximum_are_counted():
    """From few customers without much dropout some refits fail; they are left out and counted."""
    nearly_never = vt.BGNBD.from_params(r=1.0, alpha=20.0, a=0.01, b=1.0)
    for seed in range(20):
        observed = simulated(nearly_never, 60, seed)
        model = vt.BGNBD().fit(*observed)
        if model.report_.converged:
            break
    found = model.bootstrap(*observed, n=40, rng=np.random.default_rng(0))
    assert 0 < found.failed < 40
    assert found.values.shape == (40 - found.failed, 4)
    assert np.isfinite(found.values).all()


@every_model
def test_draws_have_the_covariance_in_the_logs(name):
    """Forty thousand draws have the logs of the estimates as means and their covariance, within errors."""
    model = fitted(name, data(name, 1_500))
    found = model.draws(40_000, np.random.default_rng(0))
    logs, values = np.log(found.values), np.array(list(model.params().values()))
    relative = np.array(list(model.standard_errors_.values())) / values
    assert found.failed == 0
    assert (np.abs(logs.mean(axis=0) - np.log(values)) < 4 * relative / 200).all()
    scale = np.outer(relative, relative)
    expected = model.covariance_ / np.outer(values, values)
    np.testing.assert_allclose(np.cov(logs.T) / scale, expected / scale, atol=0.04)


def test_draws_say_what_they_hold():
    """Spread and central intervals by name; the same generator draws the same."""
    model = fitted("BGNBD", data("BGNBD", 1_500))
    found = model.draws(20_000, np.random.default_rng(3))
    np.testing.assert_array_equal(found.values, model.draws(20_000, np.random.default_rng(3)).values)
    assert list(found.standard_errors()) == ["r", "alpha", "a", "b"]
    assert list(found.standard_errors().values()) == pytest.approx(np.std(found.values, axis=0, ddof=1))
    for parameter, ends in found.intervals(0.9).items():
        np.testing.assert_allclose(ends, model.confidence_intervals(0.9)[parameter], rtol=0.03)


@every_model
def test_a_model_with_other_parameters(name):
    """``with_parameters`` takes them in the order of the covariance and leaves the model as it is."""
    model = fitted(name, data(name, 500))
    before = model.params()
    values = 1.1 * np.array(list(before.values()))
    other = model.with_parameters(values)
    assert list(other.params().values()) == values.tolist()
    assert model.params() == before
    assert type(other) is type(model)
    assert not hasattr(other, "covariance_")
    if hasattr(model, "k_"):
        assert other.k_ == model.k_


@pytest.mark.parametrize("call", [
    lambda model: model.confidence_intervals(),
    lambda model: model.draws(3, np.random.default_rng(0)),
    lambda model: model.profile_intervals(*simulated(BGNBD)),
])  # fmt: skip
def test_parameters_by_hand_have_no_covariance(call):
    """Of given parameters nobody knows how sure they are, and the message says so."""
    assert message_of(NotConvergedError, call, BGNBD) == (
        "BGNBD has no covariance. Its parameters were given, not fitted."
    )


@pytest.mark.parametrize("level", [1, 1.5, 95])
def test_levels_are_shares(level):
    """95 % is 0.95, for every interval."""
    observed = data("BGNBD", 300)
    model = fitted("BGNBD", observed)
    message = f"level must be a share in (0, 1), got {level!r}. 95 % is 0.95."
    assert message_of(InvalidParameterError, model.confidence_intervals, level) == message
    assert message_of(InvalidParameterError, model.profile_intervals, *observed, level=level) == message
    draws = model.draws(3, np.random.default_rng(0))
    assert message_of(InvalidParameterError, draws.intervals, level) == message
    assert (
        message_of(InvalidParameterError, model.confidence_intervals, 0)
        == "level must be a number > 0, got 0."
    )


def test_kinds_and_numbers_of_draws():
    """An unknown kind and no draws are refused."""
    observed, rng = data("BGNBD", 300), np.random.default_rng(0)
    model = fitted("BGNBD", observed)
    assert message_of(InvalidParameterError, model.bootstrap, *observed, kind="jackknife", rng=rng) == (
        "kind must be one of ['weighted', 'parametric'], got 'jackknife'."
    )
    need = "n must be a whole number ≥ 1, got 0."
    assert message_of(InvalidParameterError, model.bootstrap, *observed, n=0, rng=rng) == need
    assert message_of(InvalidParameterError, model.draws, 0, rng) == need
