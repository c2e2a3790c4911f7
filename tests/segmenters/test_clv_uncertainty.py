"""How sure a customer's tier and value are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import valuetier as vt
from tests.segmenters.customer_tables import make

CUSTOMERS = make(300, seed=11)
NEW = make(60, seed=12)
KINDS = ("asymptotic", "weighted", "parametric")

every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def clv() -> vt.CLVSegmenter:
    """Return a segmenter fitted to 300 customers."""
    return vt.CLVSegmenter().fit(CUSTOMERS)


@every_kind
def test_tiers_have_chances(clv, kind):
    """One row per customer, one column per tier, shares of the draws, summing to 1."""
    found = clv.tier_probabilities(NEW, population=CUSTOMERS, n_draws=20, kind=kind)
    assert found.shape == (60, 3)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(found * 20, np.round(found * 20), atol=1e-9)
    assert (found >= 0).all()
    likeliest = found.argmax(axis=1)
    assert (likeliest == clv.predict(NEW)).mean() > 0.85
    assert 0 < (found.max(axis=1) < 1).mean() < 1


@every_kind
def test_the_same_state_gives_the_same_chances(clv, kind):
    """``random_state`` decides the draws, and another gives others."""
    chances = [
        clv.tier_probabilities(NEW, population=CUSTOMERS, n_draws=15, kind=kind, random_state=state)
        for state in (1, 1, 2)
    ]
    np.testing.assert_array_equal(chances[0], chances[1])
    assert (chances[0] != chances[2]).any()


def test_a_customer_needs_no_others(clv):
    """Without population one customer alone has the chances it has among all."""
    among_all = clv.tier_probabilities(NEW, n_draws=40)
    for place in range(5):
        alone = clv.tier_probabilities(NEW.iloc[[place]], n_draws=40)
        np.testing.assert_array_equal(alone[0], among_all[place])


def test_from_many_customers_tiers_are_certain():
    """Fitted to 20,000 customers only those within a few percent of a line can be in two tiers."""
    sure = vt.CLVSegmenter().fit(make(20_000, seed=1))
    found, value = sure.tier_probabilities(NEW, n_draws=50), sure.score_samples(NEW)
    distance = np.abs(np.log(value[:, None] / np.array(sure.cut_.thresholds_)[None, :])).min(axis=1)
    assert (distance > 0.15).sum() > 40
    assert (found[distance > 0.15].max(axis=1) == 1).all()
    assert (found.argmax(axis=1) == sure.predict(NEW))[distance > 0.15].all()


@pytest.mark.parametrize("place", [0, 1, 5, 20])
def test_at_the_line_chances_are_even(clv, place):
    """A customer whose value is the threshold is on either side of it in about half of the draws."""
    value = float(clv.score_samples(NEW)[place])
    on_the_line = vt.CLVSegmenter(cut=vt.ThresholdCut((value,))).fit(CUSTOMERS)
    found = on_the_line.tier_probabilities(NEW.iloc[[place]], n_draws=200)
    assert found[0] == pytest.approx([0.5, 0.5], abs=0.2)


def test_far_from_the_line_there_is_no_doubt(clv):
    """Ten times the threshold is above it in every draw, a tenth in none."""
    value = float(clv.score_samples(NEW)[1])
    for factor, expected in ((10.0, [0.0, 1.0]), (0.1, [1.0, 0.0])):
        far = vt.CLVSegmenter(cut=vt.ThresholdCut((value * factor,))).fit(CUSTOMERS)
        assert far.tier_probabilities(NEW.iloc[[1]], n_draws=50)[0].tolist() == expected


def test_a_cut_learned_anew_keeps_its_shares(clv):
    """With population the tiers of each draw are shares again; a fixed line lets them swell and shrink."""
    anew = clv.tier_probabilities(CUSTOMERS, population=CUSTOMERS, n_draws=40)
    fixed = clv.tier_probabilities(CUSTOMERS, n_draws=40)
    np.testing.assert_allclose(anew.mean(axis=0), [0.2, 0.3, 0.5], atol=0.02)
    assert (anew != fixed).any()
    doubt = [1 - chances.max(axis=1).mean() for chances in (anew, fixed)]
    assert 0 < doubt[0] < doubt[1]  # what moves everybody moves no ranks


def test_drawing_changes_nothing(clv):
    """Models, cut and predictions are the same after chances and intervals were asked for."""
    before = clv.model_.params(), clv.spend_.params(), clv.predict(NEW).tolist(), list(clv.cut_.thresholds_)
    clv.tier_probabilities(NEW, population=CUSTOMERS, n_draws=5, kind="weighted")
    clv.value_intervals(NEW, n_draws=5)
    after = clv.model_.params(), clv.spend_.params(), clv.predict(NEW).tolist(), list(clv.cut_.thresholds_)
    assert before == after


@every_kind
def test_intervals_contain_the_value(clv, kind):
    """Each customer's value lies in its interval; a higher level is wider."""
    value = clv.score_samples(NEW)
    usual, narrow = (
        clv.value_intervals(NEW, level=level, population=CUSTOMERS, n_draws=30, kind=kind)
        for level in (0.95, 0.5)
    )
    assert usual.shape == (60, 2)
    assert ((usual[:, 0] < value) & (value < usual[:, 1])).mean() > 0.95
    assert (usual[:, 0] > 0).all()
    assert (usual[:, 0] <= narrow[:, 0]).all()
    assert (narrow[:, 0] < narrow[:, 1]).all()
    assert (narrow[:, 1] <= usual[:, 1]).all()


def test_intervals_shrink_with_the_number_of_customers():
    """Sixteen times the customers make intervals about a quarter as wide, in the logs."""
    widths = []
    for n in (1_000, 16_000):
        ends = vt.CLVSegmenter().fit(make(n, seed=3)).value_intervals(NEW, n_draws=100)
        widths.append(np.median(np.log(ends[:, 1] / ends[:, 0])))
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.3)


@pytest.mark.parametrize(
    ("model", "horizon"), [(vt.MBGNBD(), 365), (vt.ParetoNBD(), 365), (vt.ParetoNBD(), np.inf)]
)
def test_other_models_have_chances_too(model, horizon):
    """Any model that is fitted by likelihood can be drawn, with a lifetime as horizon too."""
    found = vt.CLVSegmenter(model=model, horizon_days=horizon).fit(CUSTOMERS)
    chances = found.tier_probabilities(NEW.head(10), n_draws=8)
    np.testing.assert_allclose(chances.sum(axis=1), 1)


@every_kind
def test_covariates_are_drawn_too(kind):
    """Coefficients are uncertain like all parameters; the columns of customers and population are used."""
    group = np.random.default_rng(0).integers(0, 2, 300)
    customers = CUSTOMERS.assign(group=group)
    found = vt.CLVSegmenter(rate_covariates=("group",), dropout_covariates=("group",)).fit(customers)
    chances = found.tier_probabilities(customers.head(20), population=customers, n_draws=10, kind=kind)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    ends = found.value_intervals(customers.head(20), population=customers, n_draws=10, kind=kind)
    assert (ends[:, 0] < ends[:, 1]).all()


def message_of(error, call, *args, **kwargs) -> str:
    """Return what the call says when it refuses."""
    with pytest.raises(error) as caught:
        call(*args, **kwargs)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["weighted", "parametric"])
def test_refits_need_the_population(clv, kind):
    """A bootstrap needs the customers that the models were fitted to."""
    message = f"kind={kind!r} refits the models: pass population=, the customers they were fitted to."
    for method in (clv.tier_probabilities, clv.value_intervals):
        assert message_of(vt.InvalidDataError, method, NEW, kind=kind) == message


def test_kinds_numbers_and_levels(clv):
    """What cannot work is named with its value."""
    for method in (clv.tier_probabilities, clv.value_intervals):
        assert message_of(vt.InvalidParameterError, method, NEW, kind="jackknife") == (
            "kind must be one of ['asymptotic', 'weighted', 'parametric'], got 'jackknife'."
        )
        assert message_of(vt.InvalidParameterError, method, NEW, n_draws=0) == (
            "n_draws must be a whole number ≥ 1, got 0."
        )
    assert message_of(vt.InvalidParameterError, clv.value_intervals, NEW, level=95) == (
        "level must be a share in (0, 1), got 95. 95 % is 0.95."
    )
    assert message_of(vt.InvalidParameterError, clv.value_intervals, NEW, level=0) == (
        "level must be a number > 0, got 0."
    )


def test_a_model_of_somebody_else_cannot_be_drawn():
    """A model without ``draws`` has values and tiers, and no chances."""

    class OnePerYear:
        def fit(self, x, t_x, T):
            return self

        def probability_alive(self, x, t_x, T):
            return np.ones(len(x))

        def conditional_expected_purchases(self, t, x, t_x, T):
            return np.full(len(x), t / 365)

        def discounted_expected_purchases(self, horizon, discount, x, t_x, T):
            return np.full(len(x), horizon / 365)

        def __repr__(self):
            return "OnePerYear()"

    found = vt.CLVSegmenter(model=OnePerYear(), cut=vt.ThresholdCut((1,))).fit(CUSTOMERS)
    assert message_of(vt.InvalidParameterError, found.tier_probabilities, NEW) == (
        "model must be a model with the methods ['draws', 'bootstrap'], got OnePerYear()."
    )


def test_a_model_without_covariance_cannot_be_drawn(clv):
    """Where a parameter ran away, or was given, there is nothing to draw from."""
    alike = pd.DataFrame({"x": 1, "t_x": 50.0, "T": 100.0, "m_x": np.linspace(10, 90, 200) ** 2})
    found = vt.CLVSegmenter(cut=vt.ThresholdCut((1,))).fit(alike)
    assert not found.model_.report_.converged
    message = message_of(vt.NotConvergedError, found.tier_probabilities, alike)
    assert message == f"BGNBD has no covariance. {found.model_.report_.message}"
