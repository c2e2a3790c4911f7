"""Customer lifetime value with every purchase model, over a whole lifetime, and with covariates."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest

import valuetier as vt
from tests.segmenters.customer_tables import make

CUSTOMERS = make(300, seed=11)
NEW = make(60, seed=12)
HISTORY = ["x", "t_x", "T"]


def opportunities(n: int = 200, seed: int = 0) -> pd.DataFrame:
    """Return customers who buy on whole days, at most once a day."""
    rng = np.random.default_rng(seed)
    buyers = vt.BGBB.from_params(alpha=1.0, beta=6.0, gamma=0.7, delta=8.0)
    x, t_x, T = buyers.simulate(n, rng.integers(15, 40, n), rng)
    mean = np.round(rng.gamma(3.0, 12.0, n) + 1.0)
    return pd.DataFrame({"x": x, "t_x": t_x, "T": T, "m_x": np.where(x > 0, mean, np.nan)})


MODELS = {
    "BGNBD": vt.BGNBD(),
    "MBGNBD": vt.MBGNBD(),
    "ParetoNBD": vt.ParetoNBD(),
    "CNBDK": vt.CNBDK(k=2),
    "MCNBDK": vt.MCNBDK(k=2),
    "BGBB": vt.BGBB(),
}
every_model = pytest.mark.parametrize("name", MODELS)


def tables(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return customers to learn from and others, few enough for the slower models."""
    if name == "BGBB":
        return opportunities(), opportunities(20, seed=1)
    return CUSTOMERS.head(120), NEW.head(20)


@every_model
@pytest.mark.parametrize("horizon_days", [180, math.inf])
def test_every_purchase_model_values_customers(name, horizon_days, tmp_path):
    """Values are finite and positive, and the stored segmenter gives the same evidence, to the last bit."""
    customers, new = tables(name)
    if horizon_days == math.inf:
        customers, new = customers.head(25), new.head(4)
    clv = vt.CLVSegmenter(model=MODELS[name], horizon_days=horizon_days, discount_rate=2.0).fit(customers)
    assert type(clv.model_) is type(MODELS[name])
    evidence = clv.transform(new)
    assert np.isfinite(evidence).all()
    assert (evidence > 0).all()
    clv.save(tmp_path / "clv.json")
    again = vt.load(tmp_path / "clv.json")
    np.testing.assert_array_equal(again.transform(new), evidence)
    assert again.horizon_days == horizon_days
    assert list(again.cut_.thresholds_) == list(clv.cut_.thresholds_)


def test_models_disagree_about_those_who_bought_once():
    """The default model takes them to be alive, the others do not."""
    once = pd.DataFrame({"x": [0], "t_x": [0.0], "T": [600.0], "m_x": [np.nan]})
    alive = {
        name: vt.CLVSegmenter(model=MODELS[name]).fit(CUSTOMERS).transform(once)[0, 0]
        for name in ("BGNBD", "MBGNBD", "ParetoNBD")
    }
    assert alive["BGNBD"] == 1
    assert 0 < alive["MBGNBD"] < 1
    assert 0 < alive["ParetoNBD"] < 1


@pytest.mark.parametrize("name", ["BGNBD", "ParetoNBD", "BGBB"])
def test_a_lifetime_is_worth_more_than_any_horizon(name):
    """Without end the value is above that of every horizon and what long ones tend to."""
    customers, new = (table.head(60) for table in tables(name))
    values = [
        vt.CLVSegmenter(model=MODELS[name], horizon_days=days, discount_rate=0.2)
        .fit(customers)
        .score_samples(new)
        for days in (365, 3_650, 100_000, math.inf)
    ]
    for shorter, longer in itertools.pairwise(values[:2] + values[-1:]):
        assert (shorter < longer).all()
    np.testing.assert_allclose(values[2], values[3], rtol=1e-6)


def test_a_lifetime_needs_a_discount_rate():
    """A higher rate lowers the value of a lifetime; at 0 it has none, and is refused."""
    values = [
        vt.CLVSegmenter(horizon_days=math.inf, discount_rate=rate)
        .fit(CUSTOMERS.head(60))
        .score_samples(NEW.head(10))
        for rate in (0.1, 0.2, 0.5)
    ]
    for lower, higher in itertools.pairwise(values):
        assert (higher < lower).all()
    with pytest.raises(vt.InvalidParameterError) as caught:
        vt.CLVSegmenter(horizon_days=math.inf, discount_rate=0).fit(CUSTOMERS)
    assert str(caught.value) == "discount_rate (annual) must be a number > 0, got 0."


def test_the_value_of_a_lifetime_is_residual_orders_times_value():
    """``dert`` of the model at the daily rate × expected order value; the expected orders are those of a year."""
    clv = vt.CLVSegmenter(horizon_days=math.inf, discount_rate=0.2, margin=0.5).fit(CUSTOMERS.head(100))
    history = [NEW[name] for name in HISTORY]
    residual = clv.model_.dert(*history, np.log(1.2) / 365)
    value = clv.spend_.expected_value(NEW["x"], NEW["m_x"])
    np.testing.assert_allclose(clv.score_samples(NEW), residual * value * 0.5, rtol=1e-11)
    evidence = dict(zip(clv.get_feature_names_out(), clv.transform(NEW).T, strict=True))
    in_a_year = clv.model_.conditional_expected_purchases(365, *history)
    np.testing.assert_allclose(evidence["expected_orders"], in_a_year, rtol=1e-12)


@pytest.mark.parametrize(
    ("lang", "words"),
    [("en", "(discounted) in its whole lifetime, "), ("zh", "整个生命周期折现后 ")],
)
def test_the_reason_says_that_it_is_a_lifetime(lang, words):
    """The sentence has the orders of a year and those of the whole lifetime, never an infinite number of days."""
    clv = vt.CLVSegmenter(horizon_days=math.inf).fit(CUSTOMERS.head(60))
    reasons = clv.explain(NEW.head(3), lang=lang)["reason"]
    for reason in reasons:
        assert words in reason
        assert "365" in reason
        assert "inf" not in reason.lower()
    finite = vt.CLVSegmenter().fit(CUSTOMERS).explain(NEW.head(3), lang=lang)["reason"]
    assert not any(words in reason for reason in finite)


def test_opportunities_are_discounted_by_the_day():
    """BG/BB takes days as opportunities, each at the effective rate of a day."""
    customers, new = opportunities(), opportunities(20, seed=1)
    clv = vt.CLVSegmenter(model=vt.BGBB(), horizon_days=100, discount_rate=0.5).fit(customers)
    history = [new[name] for name in HISTORY]
    expected = clv.model_.discounted_expected_purchases(100, 1.5 ** (1 / 365) - 1, *history)
    value = clv.spend_.expected_value(new["x"], new["m_x"])
    np.testing.assert_allclose(clv.score_samples(new), expected * value, rtol=1e-11)


def members(n: int, seed: int) -> pd.DataFrame:
    """Return customers of whom half are members, who buy twice as often."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"member": rng.integers(0, 2, n), "income": rng.integers(20, 70, n)})
    buyers = vt.BGNBD.from_params(r=0.9, alpha=60, a=0.8, b=2.5, rate_coefficients={"0": np.log(2.0)})
    x, t_x, T = buyers.simulate(
        n, rng.integers(200, 700, n), rng, rate_covariates=table[["member"]].to_numpy()
    )
    mean = np.round(rng.gamma(3.0, 12.0, n) + 1.0)
    return table.assign(x=x, t_x=np.ceil(t_x), T=T, m_x=np.where(x > 0, mean, np.nan))


@pytest.mark.parametrize("model", [vt.BGNBD(), vt.ParetoNBD()], ids=["BGNBD", "ParetoNBD"])
def test_covariates_are_columns(model, tmp_path):
    """Columns named for the rate and for dropout reach the model; members who buy more are worth more."""
    customers = members(1_500, 0)
    clv = vt.CLVSegmenter(
        model=model, rate_covariates=("member", "income"), dropout_covariates=("income",), margin="rate"
    ).fit(customers.assign(rate=0.5))
    assert len(clv.model_.rate_coefficients_) == 2
    assert len(clv.model_.dropout_coefficients_) == 1
    assert next(iter(clv.model_.rate_coefficients_.values())) == pytest.approx(np.log(2.0), abs=0.3)
    twins = customers.head(50).assign(rate=0.5)
    value = [clv.score_samples(twins.assign(member=member)) for member in (0, 1)]
    recent = (twins["T"] - twins["t_x"] < 30).to_numpy()
    assert recent.any()
    assert (value[1][recent] > value[0][recent]).all()
    effects = {
        "rate_covariates": twins[["member", "income"]].to_numpy(),
        "dropout_covariates": twins[["income"]].to_numpy(),
    }
    alive = clv.model_.probability_alive(*(twins[name] for name in HISTORY), **effects)
    np.testing.assert_array_equal(clv.transform(twins)[:, 0], alive)
    clv.save(tmp_path / "clv.json")
    np.testing.assert_array_equal(vt.load(tmp_path / "clv.json").transform(twins), clv.transform(twins))


def test_columns_of_covariates_go_by_name():
    """Their order in the table is no matter; one that is missing is named."""
    customers = members(600, 1)
    clv = vt.CLVSegmenter(rate_covariates=("member", "income")).fit(customers)
    turned = customers[customers.columns[::-1]]
    np.testing.assert_array_equal(clv.score_samples(turned), clv.score_samples(customers))
    with pytest.raises(vt.MissingColumnsError, match=r"lacks \['member'\]"):
        clv.predict(customers.drop(columns="member"))
    with pytest.raises(vt.InvalidDataError, match="income"):
        clv.predict(customers.assign(income=np.nan))


def test_equal_histories_with_other_attributes_are_other_customers():
    """Twins in history who differ in an attribute are valued each for itself, alone or together."""
    customers = members(600, 1)
    clv = vt.CLVSegmenter(rate_covariates=("member",)).fit(customers)
    pair = pd.concat([customers.head(1)] * 2, ignore_index=True).assign(member=[0, 1])
    together = clv.score_samples(pair)
    assert together[0] != together[1]
    assert [clv.score_samples(pair.iloc[[place]])[0] for place in (0, 1)] == together.tolist()


def test_a_model_that_searches_its_regularity_reads_the_gaps():
    """``CNBDK()`` finds its k from the column sum_log_gaps, which prediction does not need."""
    rng = np.random.default_rng(0)
    x, t_x, T, gaps = vt.CNBDK.from_params(k=2, r=1.0, alpha=15.0, a=0.7, b=2.5).simulate(1_500, 400.0, rng)
    m_x = np.where(x > 0, rng.gamma(4.0, 10.0, 1_500), np.nan)
    table = pd.DataFrame({"x": x, "t_x": t_x, "T": T, "m_x": m_x, "sum_log_gaps": gaps})
    clv = vt.CLVSegmenter(model=vt.CNBDK()).fit(table)
    assert clv.model_.k_ == 2
    assert (clv.score_samples(table.drop(columns="sum_log_gaps").head(20)) > 0).all()
    with pytest.raises(vt.MissingColumnsError, match="sum_log_gaps"):
        vt.CLVSegmenter(model=vt.CNBDK()).fit(table.drop(columns="sum_log_gaps"))


def test_columns_and_margins_that_cannot_be():
    """One column name is no sequence of names; a margin column holds shares."""
    with pytest.raises(
        vt.InvalidParameterError, match=r"^rate_covariates must be a sequence of column names"
    ):
        vt.CLVSegmenter(rate_covariates="app").fit(pd.DataFrame())
    rng = np.random.default_rng(0)
    x, t_x, T = vt.BGNBD.from_params(r=0.8, alpha=40.0, a=0.8, b=2.5).simulate(300, 400.0, rng)
    m_x = np.where(x > 0, rng.gamma(4.0, 10.0, 300), np.nan)
    table = pd.DataFrame({"x": x, "t_x": t_x, "T": T, "m_x": m_x, "share": 30.0})
    with pytest.raises(vt.InvalidDataError, match=r"^margin 'share': 300 of 300 values are not in \(0, 1\]"):
        vt.CLVSegmenter(margin="share").fit(table)
    clv = vt.CLVSegmenter(cut=vt.ShareCut((0.5, 0.5))).fit(table)
    assert clv.tier_probabilities(table.head(0)).shape == (0, 2)
