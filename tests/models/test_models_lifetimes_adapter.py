"""Models fitted by lifetimes, in place of ours: the same answers, in days, without NaN."""

import subprocess
import sys

import lifetimes
import numpy as np
import pytest

import valuetier as vt
from valuetier import InvalidParameterError

HORIZON = 39  # weeks


@pytest.fixture(scope="module")
def weeks(cdnow_weeks):
    """Return CDNOW's histories in weeks."""
    return [cdnow_weeks[name].to_numpy(dtype=float) for name in ("x", "t_x", "T")]


@pytest.fixture(scope="module")
def days(weeks):
    """Return the same histories in days."""
    x, t_x, T = weeks
    return [x, 7 * t_x, 7 * T]


@pytest.fixture(scope="module")
def theirs(weeks, cdnow_weeks, donations):
    """Return a fitted model of each kind."""
    repeat = cdnow_weeks[cdnow_weeks["x"] > 0]
    observed = [donations[name] for name in ("frequency", "recency", "periods", "weights")]
    with np.errstate(all="ignore"):
        return {
            "BetaGeoFitter": lifetimes.BetaGeoFitter().fit(*weeks),
            "ModifiedBetaGeoFitter": lifetimes.ModifiedBetaGeoFitter().fit(*weeks),
            "ParetoNBDFitter": lifetimes.ParetoNBDFitter().fit(*weeks),
            "GammaGammaFitter": lifetimes.GammaGammaFitter().fit(repeat["x"], repeat["zbar"]),
            "BetaGeoBetaBinomFitter": lifetimes.BetaGeoBetaBinomFitter().fit(*observed),
        }


def agree(ours, other):
    """Compare where lifetimes has a finite answer, which is nearly everywhere."""
    other = np.asarray(other, dtype=float)
    there = np.isfinite(other)
    assert there.mean() > 0.9
    assert np.isfinite(ours).all()
    np.testing.assert_allclose(ours[there], other[there], rtol=1e-5)


TIMED = {"BetaGeoFitter": vt.BGNBD, "ModifiedBetaGeoFitter": vt.MBGNBD, "ParetoNBDFitter": vt.ParetoNBD}


@pytest.mark.parametrize("name", TIMED)
def test_purchase_models_answer_alike(name, theirs, weeks, days):
    """Expectations and chances of a model in weeks are those of the adapter for days."""
    fitted, ours = theirs[name], vt.LifetimesAdapter(theirs[name], days_per_unit=7)
    assert type(ours.model_) is TIMED[name]
    with np.errstate(all="ignore"):
        expected = fitted.conditional_expected_number_of_purchases_up_to_time(HORIZON, *weeks)
        alive = fitted.conditional_probability_alive(*weeks)
    agree(ours.conditional_expected_purchases(7 * HORIZON, *days), expected)
    agree(ours.probability_alive(*days), alive)
    t = np.array([1.0, 10.0, 100.0])
    new = [fitted.expected_number_of_purchases_up_to_time(horizon) for horizon in t]
    agree(ours.expected_purchases(7 * t), np.ravel(new))


@pytest.mark.parametrize("name", TIMED)
def test_parameters_are_taken_over_in_days(name, theirs):
    """Scales of time are multiplied, shapes stay; without a unit nothing changes."""
    params = theirs[name].params_
    scaled = vt.LifetimesAdapter(theirs[name], days_per_unit=7).params()
    for parameter, value in params.items():
        unit = 7 if parameter in ("alpha", "beta") else 1
        assert scaled[parameter] == pytest.approx(unit * value, rel=1e-15)
    assert vt.LifetimesAdapter(theirs[name]).params() == pytest.approx(dict(params), rel=1e-15)


def test_order_values_agree(theirs, cdnow_weeks):
    """Gamma-Gamma: the conditional order values; the unit of time does not matter."""
    ours = vt.LifetimesAdapter(theirs["GammaGammaFitter"], days_per_unit=7)
    expected = theirs["GammaGammaFitter"].conditional_expected_average_profit(
        cdnow_weeks["x"], cdnow_weeks["zbar"]
    )
    agree(ours.expected_value(cdnow_weeks["x"], cdnow_weeks["zbar"]), expected)


def test_opportunities_agree(theirs, donations):
    """BG/BB: expectations over the next opportunities, and chances to be alive."""
    fitted, ours = theirs["BetaGeoBetaBinomFitter"], vt.LifetimesAdapter(theirs["BetaGeoBetaBinomFitter"])
    observed = [donations[name].to_numpy() for name in ("frequency", "recency", "periods")]
    for ahead in (1, 5, 10):
        expected = fitted.conditional_expected_number_of_purchases_up_to_time(ahead, *observed)
        agree(ours.conditional_expected_purchases(ahead, *observed), expected)
        agree(
            ours.probability_alive(*observed, ahead), fitted.conditional_probability_alive(ahead, *observed)
        )
    donors = fitted.expected_number_of_transactions_in_first_n_periods(6).to_numpy().ravel()
    agree(ours.probability_of_purchases(np.arange(7), 6) * donations["weights"].sum(), donors)


@pytest.mark.parametrize("name", TIMED)
def test_the_fits_agree(name, theirs, weeks):
    """Our fit to the same customers is as likely or likelier, with nearly the same parameters."""
    ours, other = TIMED[name]().fit(*weeks), vt.LifetimesAdapter(theirs[name])
    assert other.log_likelihood(*weeks).sum() <= ours.log_likelihood_ + 1e-9
    assert other.params() == pytest.approx(ours.params(), rel=0.02)


def test_the_adapter_works_in_a_segmenter(theirs, cdnow):
    """CLV with fitted models: nothing is fitted anew, and the values are those of our models."""
    adapters = {
        "model": vt.LifetimesAdapter(theirs["BetaGeoFitter"], days_per_unit=7),
        "spend": vt.LifetimesAdapter(theirs["GammaGammaFitter"]),
    }
    clv = vt.CLVSegmenter(**adapters).fit(cdnow)
    assert clv.model_.params() == adapters["model"].params()
    own = vt.CLVSegmenter().fit(cdnow)
    np.testing.assert_allclose(clv.score_samples(cdnow), own.score_samples(cdnow), rtol=0.01)
    assert (clv.predict(cdnow) == own.predict(cdnow)).mean() > 0.99
    for_ever = vt.CLVSegmenter(**adapters, horizon_days=np.inf).fit(cdnow.head(200))
    assert (for_ever.score_samples(cdnow.head(200)) > 0).all()


def test_a_segmenter_with_their_models_is_stored_with_ours(theirs, cdnow, tmp_path):
    """Saved and loaded, the segmenter answers the same; lifetimes is not needed for it."""
    names = {"model": "BetaGeoFitter", "spend": "GammaGammaFitter"}
    adapters = {role: vt.LifetimesAdapter(theirs[name], days_per_unit=7) for role, name in names.items()}
    clv = vt.CLVSegmenter(**adapters).fit(cdnow)
    clv.save(tmp_path / "clv.json")
    loaded = vt.load(tmp_path / "clv.json")
    assert isinstance(loaded.model_, vt.BGNBD)
    assert loaded.version() == clv.version()
    np.testing.assert_array_equal(loaded.score_samples(cdnow), clv.score_samples(cdnow))


def test_fitting_changes_nothing(theirs, weeks):
    """``fit`` returns the adapter; the model stays as it was fitted."""
    adapter = vt.LifetimesAdapter(theirs["BetaGeoFitter"], days_per_unit=7)
    before = adapter.params()
    assert adapter.fit(*weeks) is adapter
    assert adapter.params() == before


def test_a_subclass_of_theirs_is_known(theirs):
    """Somebody's own subclass of a model of lifetimes works as that model."""

    class Own(lifetimes.BetaGeoFitter):
        pass

    own = Own()
    own.params_ = theirs["BetaGeoFitter"].params_
    assert vt.LifetimesAdapter(own).params() == pytest.approx(dict(own.params_))


KNOWN = "['BetaGeoFitter', 'ModifiedBetaGeoFitter', 'ParetoNBDFitter', 'BetaGeoBetaBinomFitter', 'GammaGammaFitter']"


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        (lifetimes.BetaGeoFitter(), "BetaGeoFitter"),
        (object(), "object"),
        (vt.BGNBD.from_params(r=1, alpha=1, a=1, b=1), "BGNBD"),
        (lifetimes.BetaGeoFitter, "type"),
        ({"r": 1.0}, "dict"),
    ],
)
def test_what_is_no_fitted_model_of_theirs(thing, name):
    """Unfitted and unknown objects are refused by every method and by fit, with their class."""
    adapter = vt.LifetimesAdapter(thing)
    for call in (adapter.fit, lambda: adapter.model_):
        with pytest.raises(InvalidParameterError) as error:
            call()
        assert str(error.value) == f"fitted must be a fitted model of lifetimes, one of {KNOWN}, got {name}."


@pytest.mark.parametrize("unit", [0, -7, "7", np.nan, None])
def test_units_that_cannot_be(theirs, unit):
    """Days per unit are a number above 0."""
    with pytest.raises(InvalidParameterError) as error:
        vt.LifetimesAdapter(theirs["BetaGeoFitter"], days_per_unit=unit).params()
    assert str(error.value) == f"days_per_unit must be a number > 0, got {unit!r}."


def test_lifetimes_is_not_imported_unasked():
    """Neither the package nor the adapter imports it."""
    code = "import sys, valuetier; valuetier.LifetimesAdapter; assert 'lifetimes' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_adapter_is_pickled_without_their_customers(theirs, weeks):
    """What is pickled is the kind and the parameters."""
    import pickle

    adapter = vt.LifetimesAdapter(theirs["BetaGeoFitter"], days_per_unit=7)
    content = pickle.dumps(adapter)
    assert len(content) < 1_000
    again = pickle.loads(content)
    np.testing.assert_array_equal(again.probability_alive(*weeks), adapter.probability_alive(*weeks))
