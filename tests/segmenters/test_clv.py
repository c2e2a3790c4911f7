"""Customer lifetime value: orders × order value × margin, discounted, then cut."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import valuetier as vt
from tests.segmenters.customer_tables import make

HISTORY = ["x", "t_x", "T"]
CUSTOMERS = make(300, seed=11)
NEW = make(60, seed=12)


def _fit(**params) -> vt.CLVSegmenter:
    return vt.CLVSegmenter(**params).fit(CUSTOMERS)


def _history(customers: pd.DataFrame) -> list[np.ndarray]:
    return [customers[name].to_numpy(dtype=np.float64) for name in HISTORY]


def _evidence(clv: vt.CLVSegmenter, customers: pd.DataFrame) -> dict[str, np.ndarray]:
    return dict(zip(clv.get_feature_names_out(), clv.transform(customers).T, strict=True))


def test_the_evidence_is_the_models_answer():
    """Chance to be alive, orders within the horizon and value per order come from the fitted models."""
    clv = _fit(horizon_days=180)
    found = _evidence(clv, NEW)
    assert list(found) == [
        "probability_alive", "expected_orders", "discounted_orders", "expected_order_value", "clv",
    ]  # fmt: skip
    alive = clv.model_.probability_alive(*_history(NEW))
    orders = clv.model_.conditional_expected_purchases(180, *_history(NEW))
    value = clv.spend_.expected_value(NEW["x"], NEW["m_x"])
    np.testing.assert_allclose(found["probability_alive"], alive, rtol=1e-12)
    np.testing.assert_allclose(found["expected_orders"], orders, rtol=1e-12)
    np.testing.assert_allclose(found["expected_order_value"], value, rtol=1e-12)


@pytest.mark.parametrize("horizon_days", [30, 365, 1000.5])
@pytest.mark.parametrize("margin", [1.0, 0.3])
def test_without_discount_the_value_is_a_product(horizon_days, margin):
    """At a rate of 0 the value is expected orders × expected order value × margin."""
    clv = _fit(discount_rate=0, horizon_days=horizon_days, margin=margin)
    orders = clv.model_.conditional_expected_purchases(horizon_days, *_history(NEW))
    expected = orders * clv.spend_.expected_value(NEW["x"], NEW["m_x"]) * margin
    np.testing.assert_allclose(clv.score_samples(NEW), expected, rtol=1e-11)


def test_the_value_grows_with_the_horizon():
    """A longer look ahead is worth more for everybody, and not in proportion."""
    values = [_fit(horizon_days=days).score_samples(NEW) for days in (90, 180, 365, 730)]
    for shorter, longer in itertools.pairwise(values):
        assert (longer > shorter).all()
        assert (longer < 2.5 * shorter).all()


def test_a_higher_rate_lowers_the_value():
    """The future is worth less the higher the annual rate, but never less than at the horizon's end."""
    values = [_fit(discount_rate=rate).score_samples(NEW) for rate in (0, 0.05, 0.10, 0.50)]
    for lower, higher in itertools.pairwise(values):
        assert (higher < lower).all()
    assert (values[3] > values[0] / 1.5).all()


def test_the_rate_is_annual_and_effective():
    """The value is Σ orders of a day / 1.1^(day / 365), summed day by day."""
    clv = _fit(discount_rate=0.10, horizon_days=365)
    days = np.arange(0, 366)
    expected_by = np.stack([clv.model_.conditional_expected_purchases(day, *_history(NEW)) for day in days])
    discounted = (np.diff(expected_by, axis=0) * 1.1 ** (-(days[1:, None] - 0.5) / 365)).sum(axis=0)
    value = clv.spend_.expected_value(NEW["x"], NEW["m_x"])
    np.testing.assert_allclose(clv.score_samples(NEW), discounted * value, rtol=1e-6)


def test_the_margin_can_be_a_column():
    """Each customer's own margin; a constant column is the number."""
    clv = vt.CLVSegmenter(margin="rate").fit(CUSTOMERS.assign(rate=0.3))
    np.testing.assert_allclose(
        clv.score_samples(NEW.assign(rate=0.3)), _fit(margin=0.3).score_samples(NEW), rtol=1e-11
    )
    half = np.where(np.arange(60) % 2, 0.3, 0.15)
    np.testing.assert_allclose(
        clv.score_samples(NEW.assign(rate=half)), _fit(margin=1.0).score_samples(NEW) * half, rtol=1e-11
    )
    with pytest.raises(vt.MissingColumnsError, match=r"lacks \['rate'\]"):
        clv.predict(NEW)


def test_tiers_are_shares_of_the_customers():
    """Default: the best 20 %, the next 30 %, the rest; by value, best first."""
    clv = _fit()
    found = clv.assign(CUSTOMERS)
    assert found.counts().index.tolist() == ["High", "Medium", "Low"]
    np.testing.assert_allclose(found.counts() / 300, [0.2, 0.3, 0.5], atol=0.03)
    for better, worse in ((0, 1), (1, 2)):
        assert found.scores[found.codes == better].min() > found.scores[found.codes == worse].max()


def test_a_cut_of_ones_own():
    """Tiers by given amounts of money."""
    clv = _fit(cut=vt.ThresholdCut((100, 20), names=("gold", "silver", "bronze")))
    value = clv.score_samples(NEW)
    assert clv.predict(NEW).tolist() == np.select([value >= 100, value >= 20], [0, 1], 2).tolist()
    assert clv.get_tier_names_out() == ["gold", "silver", "bronze"]


def test_models_are_exchanged_by_composition():
    """The models passed in are cloned and stay unfitted; the fitted ones are attributes."""
    model, spend = vt.BGNBD(), vt.GammaGamma()
    clv = _fit(model=model, spend=spend)
    assert not hasattr(model, "r_")
    assert not hasattr(spend, "p_")
    assert clv.model_.params() == _fit().model_.params()
    assert clv.get_params()["model"] is model


def test_any_object_with_the_methods_is_a_model():
    """A purchase model of somebody else works in place of ours."""

    class OnePerYear:
        def fit(self, x, t_x, T):
            return self

        def probability_alive(self, x, t_x, T):
            return np.ones(len(x))

        def conditional_expected_purchases(self, t, x, t_x, T):
            return np.full(len(x), t / 365)

        def discounted_expected_purchases(self, horizon, discount, x, t_x, T):
            return np.full(len(x), horizon / 365)

    clv = vt.CLVSegmenter(model=OnePerYear(), horizon_days=730, cut=vt.ThresholdCut((1,))).fit(CUSTOMERS)
    np.testing.assert_allclose(
        clv.score_samples(NEW), 2 * clv.spend_.expected_value(NEW["x"], NEW["m_x"]), rtol=1e-11
    )


def test_hours_days_and_weeks_give_the_same_value():
    """The period says what one occasion is, not the unit: without two orders in a week nothing changes."""
    rng = np.random.default_rng(5)
    first_day = pd.Timestamp("2023-01-02")
    rows = [
        (customer, first_day + pd.Timedelta(days=int(day)), float(rng.integers(5, 90)))
        for customer in range(150)
        for day in np.cumsum([rng.integers(0, 150), *rng.integers(7, 120, rng.poisson(2.5))])
    ]
    orders = pd.DataFrame(rows, columns=["customer_id", "date", "amount"])
    values = [
        vt.CLVSegmenter().fit(customers).score_samples(customers)
        for customers in (vt.summarize(orders, period=period).customers for period in ("h", "D", "W"))
    ]
    assert values[0].min() > 0
    np.testing.assert_allclose(values[0], values[1], rtol=1e-9)
    np.testing.assert_allclose(values[2], values[1], rtol=1e-9)


def test_one_time_buyers_need_no_mean_order_value():
    """m_x is missing where x is 0; such customers get the population's order value."""
    clv, found = _fit(), _evidence(_fit(), NEW)
    once = NEW["x"].to_numpy() == 0
    assert once.any()
    assert len(set(found["expected_order_value"][once])) == 1
    population = clv.spend_.p_ * clv.spend_.v_ / (clv.spend_.q_ - 1)
    assert found["expected_order_value"][once][0] == pytest.approx(population)


def test_a_repeat_buyer_without_order_value_is_refused():
    """m_x may be missing for one-time buyers only."""
    broken = CUSTOMERS.assign(m_x=np.nan)
    with pytest.raises(vt.InvalidDataError, match=r"^m_x: \d+ of 300 values are missing although x > 0\."):
        vt.CLVSegmenter().fit(broken)
    with pytest.raises(vt.InvalidDataError, match=r"^m_x: \d+ of 300 values are missing although x > 0\."):
        _fit().predict(broken)


def test_a_history_that_contradicts_itself_is_refused():
    """A last purchase after the end of the observation is the data's fault, and is counted."""
    twins = pd.concat([NEW, NEW.assign(customer_id="twin of " + NEW["customer_id"])])
    with pytest.raises(vt.InvalidDataError, match=r"^t_x: 120 of 120 values are larger than T\."):
        _fit().predict(twins.assign(t_x=twins["T"] + 1))


def test_nobody_bought_again():
    """Without repeat purchases there is nothing to learn; the error is the model's."""
    once = CUSTOMERS.assign(x=0, t_x=0.0, m_x=np.nan)
    with pytest.raises(vt.NotConvergedError, match="none of 300 customers bought again"):
        vt.CLVSegmenter().fit(once)


PURCHASE_METHODS = (
    "['fit', 'conditional_expected_purchases', 'discounted_expected_purchases', 'probability_alive']"
)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"horizon_days": 0}, "horizon_days must be a number > 0, got 0."),
        ({"horizon_days": "365"}, "horizon_days must be a number > 0, got '365'."),
        ({"horizon_days": -1}, "horizon_days must be a number > 0, got -1."),
        ({"horizon_days": np.nan}, "horizon_days must be a number > 0, got nan."),
        ({"horizon_days": -np.inf}, "horizon_days must be a number > 0, got -inf."),
        (
            {"horizon_days": np.inf, "discount_rate": 0},
            "discount_rate (annual) must be a number > 0, got 0.",
        ),
        ({"discount_rate": -0.1}, "discount_rate (annual) must be a number ≥ 0, got -0.1."),
        ({"margin": 0}, "margin must be a number > 0, got 0."),
        ({"margin": None}, "margin must be a number > 0, got None."),
        ({"margin": 30}, "margin must be a share in (0, 1] or a column name, got 30. 30 % is 0.3."),
        ({"model": "bgnbd"}, f"model must be a model with the methods {PURCHASE_METHODS}, got 'bgnbd'."),
        (
            {"model": vt.GammaGamma()},
            f"model must be a model with the methods {PURCHASE_METHODS}, got GammaGamma().",
        ),
        (
            {"spend": vt.GammaGamma},
            (
                "spend must be a model with the methods ['fit', 'expected_value'], "
                "got <class 'valuetier.models.gamma_gamma.GammaGamma'>."
            ),
        ),
        ({"cut": 0.2}, "cut must be a cut such as ShareCut((0.2, 0.8)), got 0.2."),
    ],
)
def test_parameters_that_cannot_work_are_refused(params, message):
    """Each message has the parameter, the need and the value."""
    with pytest.raises(vt.InvalidParameterError) as caught:
        _fit(**params)
    assert str(caught.value) == message
