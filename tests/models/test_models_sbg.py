"""sBG: contracts, from rows or from the numbers still there, and what is expected of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valuetier import SBG, InvalidDataError, InvalidParameterError

TRUE = SBG.from_params(alpha=0.7, beta=1.2)
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241]

few_fits = settings(max_examples=8)


def simulated(n=600, seed=0):
    """Return contracts seen for two to nine renewals."""
    rng = np.random.default_rng(seed)
    return TRUE.simulate(n, rng.integers(2, 10, n), rng)


def message_of(error, call, *args, **kwargs):
    """Return what the call says when it refuses."""
    with pytest.raises(error) as caught:
        call(*args, **kwargs)
    return str(caught.value)


def test_a_fit_recovers_what_was_simulated():
    """From 20,000 simulated contracts both parameters come back within four standard errors."""
    model = SBG().fit(*simulated(20_000, seed=1))
    assert model.report_.converged
    for name, value in TRUE.params().items():
        assert abs(model.params()[name] - value) < 4 * model.standard_errors_[name]
        assert model.standard_errors_[name] < value / 4


def test_survivors_are_rows():
    """Numbers still there and one row per contract give the same model, to the last bit."""
    lost = -np.diff(REGULAR)
    periods = np.concatenate([np.repeat(np.arange(1, 8), lost), np.full(REGULAR[-1], 7)])
    churned = np.concatenate([np.ones(lost.sum()), np.zeros(REGULAR[-1])])
    rows, curve = SBG().fit(periods, churned), SBG().fit_survivors(REGULAR)
    assert curve.params() == rows.params()
    assert curve.log_likelihood_ == rows.log_likelihood_
    assert curve.standard_errors_ == rows.standard_errors_
    assert curve.report_.rows == 1000
    assert SBG().fit(periods, churned.astype(bool)).params() == rows.params()


def test_survivors_may_be_shares():
    """A curve that starts at 1 gives the same parameters, and far larger standard errors."""
    counted, shares = SBG().fit_survivors(REGULAR), SBG().fit_survivors(np.array(REGULAR) / 1000)
    assert shares.params() == pytest.approx(counted.params(), rel=1e-6)
    for name, error in counted.standard_errors_.items():
        assert shares.standard_errors_[name] == pytest.approx(error * np.sqrt(1000), rel=1e-4)


@few_fits
@given(seed=st.integers(0, 1000))
def test_order_and_repetition_change_nothing(seed):
    """Shuffled contracts give the same model to the last bit, and a weight is a repetition."""
    periods, churned = simulated()
    rng = np.random.default_rng(seed)
    order, weights = rng.permutation(len(periods)), rng.integers(1, 5, len(periods))
    model = SBG().fit(periods, churned)
    assert SBG().fit(periods[order], churned[order]).params() == model.params()
    weighted = SBG().fit(periods, churned, weights=weights)
    repeated = SBG().fit(np.repeat(periods, weights), np.repeat(churned, weights))
    assert weighted.params() == repeated.params()
    assert weighted.standard_errors_ == repeated.standard_errors_


def test_the_log_likelihood_sums_to_that_of_the_fit():
    """Rows sum to ``log_likelihood_``, and no other parameters are likelier."""
    observed = simulated()
    model = SBG().fit(*observed)
    assert model.log_likelihood(*observed).sum() == pytest.approx(model.log_likelihood_, rel=1e-12)
    rng = np.random.default_rng(0)
    for _ in range(30):
        other = np.array(list(model.params().values())) * np.exp(rng.normal(0, 0.05, 2))
        assert model.with_parameters(other).log_likelihood(*observed).sum() < model.log_likelihood_


def test_chances_of_all_that_can_happen_sum_to_one():
    """To leave at renewal 1, 2, … 9, or not to: one of these happens."""
    periods = [*range(1, 10), 9]
    chances = np.exp(TRUE.log_likelihood(periods, [1] * 9 + [0]))
    assert chances.sum() == pytest.approx(1, rel=1e-12)
    assert chances[-1] == pytest.approx(TRUE.survival(9)[0], rel=1e-12)


def test_survival_is_a_product_of_retentions():
    """Who is there after t renewals has renewed at each; loyal ones remain, so retention rises."""
    retention = TRUE.retention(np.arange(1, 41))
    np.testing.assert_allclose(TRUE.survival(np.arange(1, 41)), np.cumprod(retention), rtol=1e-12)
    assert TRUE.survival(0).tolist() == [1.0]
    assert TRUE.retention(1)[0] == pytest.approx(1.2 / 1.9)
    assert (np.diff(retention) > 0).all()
    assert TRUE.retention(1e6)[0] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("renewed", [0, 1, 7])
@pytest.mark.parametrize("t", [0, 1, 2, 60, 300])
def test_expected_renewals_are_a_sum(t, renewed):
    """Renewals ahead of one who made some: Σ S(renewed + i) / S(renewed)."""
    ahead = TRUE.survival(renewed + np.arange(1, t + 1)) / TRUE.survival(renewed)
    assert TRUE.expected_renewals(t, renewed)[0] == pytest.approx(ahead.sum(), rel=1e-12)


@pytest.mark.parametrize("renewed", [0, 1, 7])
@pytest.mark.parametrize("discount", [0.02, 0.1, 1.0])
def test_residual_lifetime_is_a_sum(discount, renewed):
    """The next renewal counts in full, the one after 1/(1 + d), and so on without end."""
    i = np.arange(1, 4_000)
    ahead = TRUE.survival(renewed + i) / TRUE.survival(renewed) * (1 + discount) ** -(i - 1.0)
    assert TRUE.derl(discount, renewed)[0] == pytest.approx(ahead.sum(), rel=1e-9)


def test_residual_lifetime_rises_with_loyalty_and_falls_with_the_rate():
    """Who has renewed often is worth more; a later renewal is worth less the higher the rate."""
    assert (np.diff(TRUE.derl(0.1, [0, 1, 2, 5, 20])) > 0).all()
    assert TRUE.derl(0.2, 3)[0] < TRUE.derl(0.1, 3)[0]
    assert TRUE.derl(1e9, 3)[0] == pytest.approx(TRUE.retention(4)[0], rel=1e-6)


def test_a_contract_depends_on_the_own_history_alone():
    """Among 6,000 contracts each has its own value, to the last bit."""
    renewed = np.random.default_rng(0).integers(0, 30, 6_000)
    t = renewed % 7 * 10
    lasting, expected = TRUE.derl(0.1, renewed), TRUE.expected_renewals(t, renewed)
    for place in range(40):
        assert TRUE.derl(0.1, renewed[place])[0] == lasting[place]
        assert TRUE.expected_renewals(t[place], renewed[place])[0] == expected[place]


def test_simulated_contracts_leave_as_often_as_expected():
    """Shares still there and renewals made agree with the formulas, within four standard errors."""
    n = 40_000
    periods, churned = TRUE.simulate(n, 8, np.random.default_rng(2))
    for t in range(1, 9):
        share, chance = ((periods > t) | ((periods == t) & (churned == 0))).mean(), TRUE.survival(t)[0]
        assert abs(share - chance) < 4 * np.sqrt(chance * (1 - chance) / n)
    renewed = periods - churned
    assert abs(renewed.mean() - TRUE.expected_renewals(8)[0]) < 4 * renewed.std() / np.sqrt(n)
    assert set(churned) == {0.0, 1.0}
    assert periods.min() == 1
    assert periods.max() == 8


def test_simulated_contracts_have_their_own_length():
    """One number of renewals for all, or one each; nobody is no error."""
    periods, churned = TRUE.simulate(3, [0, 1, 50], np.random.default_rng(0))
    assert (periods <= [0, 1, 50]).all()
    assert churned[0] == 0
    assert [len(column) for column in TRUE.simulate(0, 5, np.random.default_rng(0))] == [0, 0]


def test_a_failed_refit_leaves_the_model_as_it_was():
    """Data that cannot be used change nothing in a fitted model."""
    model = SBG().fit_survivors(REGULAR)
    before = dict(vars(model))
    with pytest.raises(InvalidDataError):
        model.fit([0], [1])
    with pytest.raises(InvalidDataError):
        model.fit_survivors([10, 11])
    assert vars(model) == before


SURVIVORS = (
    "must be at least 2, never rise and start above 0. Pass the number at the start, then after each renewal."
)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SBG().fit([], []), "periods and churned are empty: pass at least one customer."),
        (
            lambda: SBG().fit([1, np.nan], [1, 0]),
            "periods: 1 of 2 values are missing (NaN). Drop or fill these customers first.",
        ),
        (lambda: SBG().fit([1, 1.5], [1, 0]), "periods: 1 of 2 values are no counts. Pass 1, 2, …."),
        (lambda: SBG().fit([1, -1], [1, 0]), "periods: 1 of 2 values are no counts. Pass 1, 2, …."),
        (lambda: SBG().fit([1, 1], [1, 2]), "churned: 1 of 2 values are neither 0 nor 1. Pass booleans."),
        (lambda: SBG().fit([1, 0], [1, 1]), "periods: 1 of 2 values are 0 although churned. Count from 1."),
        (
            lambda: SBG().fit([1, 2], [1, 0], weights=[1, 0]),
            "weights: 1 of 2 values are not positive. A weight counts customers.",
        ),
        (
            lambda: TRUE.log_likelihood([0], [1]),
            "periods: 1 of 1 values are 0 although churned. Count from 1.",
        ),
        (lambda: SBG().fit_survivors([10]), f"survivors: 1 values {SURVIVORS}"),
        (lambda: SBG().fit_survivors([10, 11]), f"survivors: 2 values {SURVIVORS}"),
        (lambda: SBG().fit_survivors([0, 0]), f"survivors: 2 values {SURVIVORS}"),
        (lambda: SBG().fit_survivors([3, -1]), f"survivors: 2 values {SURVIVORS}"),
        (
            lambda: SBG().fit_survivors([3, np.nan]),
            "survivors: 1 of 2 values are missing (NaN). Drop or fill these customers first.",
        ),
        (lambda: TRUE.survival([1, -1]), "t: 1 of 2 values are not times ≥ 0. Pass t ≥ 0."),
        (lambda: TRUE.retention([1, 0]), "t: 1 of 2 values are below 1. Renewals are counted from 1."),
        (
            lambda: TRUE.expected_renewals(3, [0, -1]),
            "renewed: 1 of 2 values are not times ≥ 0. Pass renewed ≥ 0.",
        ),
        (lambda: TRUE.derl(0.1, -1), "renewed: 1 of 1 values are not times ≥ 0. Pass renewed ≥ 0."),
        (
            lambda: TRUE.simulate(2, [1, 2, 3], np.random.default_rng(0)),
            "T must be one number or 2, one per customer, got 3 numbers.",
        ),
    ],
)
def test_contracts_that_cannot_be(call, message):
    """Column, count and way out are named."""
    assert message_of(InvalidDataError, call) == message


def test_parameters_that_cannot_be():
    """Rates, numbers and parameters by hand are named with their value."""
    assert message_of(InvalidParameterError, TRUE.derl, 0) == "discount must be a number > 0, got 0."
    assert message_of(InvalidParameterError, TRUE.simulate, -1, 3, np.random.default_rng(0)) == (
        "n must be a whole number ≥ 0, got -1."
    )
    assert message_of(InvalidParameterError, SBG.from_params, alpha=1.0) == (
        "SBG needs the parameters ['alpha', 'beta'], got ['alpha']."
    )


def test_contracts_without_a_renewal_are_refused():
    """Where no renewal was seen yet there is nothing to learn."""
    assert message_of(InvalidDataError, lambda: SBG().fit([0, 0], [0, 0])) == (
        "periods: all of 2 are 0, no renewal was seen. Observe longer."
    )
