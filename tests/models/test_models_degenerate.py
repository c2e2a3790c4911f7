"""Data that do not pin a model down: the report names what runs away and says what it means."""

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone

import valuetier as vt
from tests.models.kinds import ALL, IN_TIME
from valuetier import NotConvergedError

NO_DROPOUT = "Hardly any customer seems to drop out."
ONE_RATE = "Customers seem to buy at one common rate."
ONE_CHANCE = "Customers seem to buy with one common chance."
ONE_DROPOUT = "Customers seem to drop out at one common rate."
ONE_DROPOUT_CHANCE = "Customers seem to drop out with one common chance."
ALIKE = {"r": 1e6, "alpha": 3e7}


def fitted(true, seed=0, n=800):
    """Return the model fitted to simulated customers of whole ages."""
    rng = np.random.default_rng(seed)
    T = rng.integers(4, 12, n) if isinstance(true, vt.BGBB) else rng.integers(60, 500, n)
    return clone(true).fit(*true.simulate(n, T, rng)[:3])


def assert_runs_away(model, reason, *ends):
    """The report says that these parameters run away, and why; there are no standard errors."""
    message = model.report_.message
    assert model.report_.status == "not_identified"
    assert not model.report_.converged
    assert message.startswith("The data do not pin down all parameters: ")
    for end in ends:
        assert end in message
    assert reason in message.partition(": ")[2]
    assert all(np.isnan(error) for error in model.standard_errors_.values())
    assert np.isfinite(list(model.params().values())).all()


@pytest.mark.parametrize(
    ("true", "end"),
    [
        (vt.MBGNBD.from_params(r=1, alpha=20, a=1e-6, b=1e3), "a → 0"),
        (vt.CNBDK.from_params(k=2, r=1, alpha=10, a=1e-6, b=1e3), "a → 0"),
        (vt.MCNBDK.from_params(k=3, r=1, alpha=10, a=1e-6, b=1e3), "a → 0"),
        (vt.ParetoNBD.from_params(r=1, alpha=20, s=1e-5, beta=1e4), "beta → ∞"),
        (vt.BGBB.from_params(alpha=1, beta=1, gamma=1e-6, delta=1e3), "delta → ∞"),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "params") else None,
)
def test_customers_who_never_leave(true, end):
    """Without dropout its parameters run away."""
    assert_runs_away(fitted(true), NO_DROPOUT, end)


@pytest.mark.parametrize(
    ("true", "reason", "ends"),
    [
        (vt.BGNBD.from_params(**ALIKE, a=0.8, b=2.5), ONE_RATE, ("r → ∞, alpha → ∞",)),
        (vt.CNBDK.from_params(k=2, **ALIKE, a=0.8, b=2.5), ONE_RATE, ("r → ∞, alpha → ∞",)),
        (vt.ParetoNBD.from_params(**ALIKE, s=0.7, beta=100), ONE_RATE, ("r → ∞, alpha → ∞",)),
        (vt.BGBB.from_params(alpha=1e6, beta=1e6, gamma=0.7, delta=2.8), ONE_CHANCE, ("alpha → ∞",)),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "params") else None,
)
def test_customers_who_buy_at_one_rate(true, reason, ends):
    """Without differences between rates their shape and scale run to infinity together."""
    assert_runs_away(fitted(true), reason, *ends)


@pytest.mark.parametrize(
    ("true", "reason", "ends"),
    [
        (vt.ParetoNBD.from_params(r=1, alpha=20, s=1e5, beta=1e7), ONE_DROPOUT, ("s → ∞",)),
        (
            vt.BGBB.from_params(alpha=1, beta=1, gamma=2e5, delta=1e6),
            ONE_DROPOUT_CHANCE,
            ("gamma → ∞, delta → ∞",),
        ),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "params") else None,
)
def test_customers_who_leave_at_one_rate(true, reason, ends):
    """Without differences between dropout rates their shape and scale run to infinity together."""
    assert_runs_away(fitted(true, seed=4), reason, *ends)


def test_customers_who_use_every_opportunity():
    """BG/BB: nobody missed one, so neither the chance to buy nor dropout has an end."""
    model = vt.BGBB().fit([5, 6, 7], [5, 6, 7], [5, 6, 7])
    reason = "Customers seem to use every opportunity while they are there."
    assert_runs_away(model, reason, "alpha → ∞", "delta → ∞")


@pytest.mark.parametrize("name", IN_TIME)
def test_one_timers_only_cannot_be_fitted(name):
    """If nobody came back there is nothing to learn, and the message says what to do."""
    with pytest.raises(NotConvergedError) as error:
        clone(ALL[name]).fit([0, 0, 0], [0, 0, 0], [10, 20, 30])
    assert str(error.value) == (
        f"{name} cannot be fitted: none of 3 customers bought again, so the purchase rate and dropout "
        "cannot be told apart. Observe longer."
    )


def test_opportunities_that_nobody_used_cannot_be_fitted():
    """BG/BB says the same in its own words."""
    with pytest.raises(NotConvergedError) as error:
        vt.BGBB().fit([0, 0], [0, 0], [5, 6])
    assert str(error.value) == (
        "BGBB cannot be fitted: none of 2 customers used an opportunity, so purchase and dropout "
        "cannot be told apart. Observe longer."
    )


@pytest.mark.parametrize(
    ("periods", "churned", "end", "reason"),
    [
        ([5, 5, 6], [0, 0, 0], "alpha → 0", "Hardly any customer leaves."),
        ([1, 1, 1], [1, 1, 1], "alpha → ∞", "Every customer leaves at the first renewal."),
        (
            [1] * 50 + [9] * 50, [1] * 50 + [0] * 50, "→ 0",
            "Customers seem either to leave at once or never to.",
        ),
    ],
)  # fmt: skip
def test_contracts_that_say_too_little(periods, churned, end, reason):
    """sBG: nobody left, all left at once, or the ones at once and the others never."""
    assert_runs_away(vt.SBG().fit(periods, churned), reason, end)


def test_order_values_that_are_all_alike():
    """Gamma-Gamma: equal customers have no shape of their own."""
    m_x = stats.gamma.ppf((np.arange(2_000) + 0.5) / 2_000, 3.0, scale=10.0)
    model = vt.GammaGamma().fit(np.full(2_000, 4.0), m_x)
    assert_runs_away(model, "All customers seem to spend alike.", "v → ∞")


def test_without_a_maximum_there_are_no_intervals():
    """Intervals and draws of parameters that ran away are refused with the report's words."""
    model = fitted(vt.ParetoNBD.from_params(**ALIKE, s=0.7, beta=100))
    expected = f"ParetoNBD has no covariance. {model.report_.message}"
    for call in (model.confidence_intervals, lambda: model.draws(3, np.random.default_rng(0))):
        with pytest.raises(NotConvergedError) as error:
            call()
        assert str(error.value) == expected
