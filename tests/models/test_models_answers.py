"""Laws of what the purchase models answer: chances, expectations and discounted purchases."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import valuetier as vt
from tests.models.kinds import ALL, IN_TIME, simulated

every_model = pytest.mark.parametrize("name", ALL)
every_timed_model = pytest.mark.parametrize("name", IN_TIME)
few_examples = settings(max_examples=10)


ANSWERS = {
    "log_likelihood": lambda model: model.log_likelihood,
    "alive now": lambda model: model.probability_alive,
    "alive later": lambda model: lambda *history: model.probability_alive(*history, 30),
    "expected": lambda model: lambda *history: model.conditional_expected_purchases(90, *history),
    "discounted": lambda model: lambda *history: model.discounted_expected_purchases(365, 0.001, *history),
    "for ever": lambda model: lambda *history: model.dert(*history, 0.03),
}


@every_model
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_customer_depends_on_the_own_history_alone(name, answer):
    """Some customers, in any order, get the values they have among all, to the last bit."""
    observed = np.array(simulated(ALL[name], 30, seed=3))
    method = ANSWERS[answer](ALL[name])
    among_all = method(*observed)
    rng = np.random.default_rng(0)
    for size in (2, 5, 12):
        some = rng.integers(0, 30, size)
        np.testing.assert_array_equal(method(*observed[:, some]), among_all[some])


@every_model
@pytest.mark.parametrize("answer", ANSWERS)
def test_one_of_many_is_one_alone(name, answer):
    """Among 6,000 customers, of whom equal ones are computed once, each has its own value to the last bit."""
    pool = np.array(simulated(ALL[name], 16, seed=3))
    method = ANSWERS[answer](ALL[name])
    places = np.random.default_rng(0).integers(0, 16, 6_000)
    alone = np.array([method(*pool[:, [place]])[0] for place in range(16)])
    np.testing.assert_array_equal(method(*pool[:, places]), alone[places])


@every_timed_model
def test_one_of_many_different_ones_is_one_alone(name):
    """Among 6,000 different customers, computed in blocks, each has its own value to the last bit."""
    rng = np.random.default_rng(4)
    observed = np.array(IN_TIME[name].simulate(6_000, rng.uniform(100, 500, 6_000), rng)[:3])
    some = rng.integers(0, 6_000, 25)
    for answer in ("log_likelihood", "alive now", "alive later", "expected"):
        method = ANSWERS[answer](IN_TIME[name])
        alone = [method(*observed[:, [place]])[0] for place in some]
        np.testing.assert_array_equal(method(*observed)[some], alone)


@every_timed_model
def test_a_new_customer_depends_on_the_own_horizon_alone(name):
    """Expectations and chances for many horizons at once are those for one at a time."""
    model, t = IN_TIME[name], np.random.default_rng(0).uniform(1, 500, 3_000)
    n = np.arange(3_000) % 4
    expected, chances = model.expected_purchases(t), model.probability_of_purchases(n, t)
    for place in range(20):
        assert model.expected_purchases(t[place])[0] == expected[place]
        assert model.probability_of_purchases(n[place], t[place])[0] == chances[place]


@every_model
def test_the_chance_to_be_alive_starts_now_and_falls(name):
    """At t = 0 it is that of now, then it falls without end, never below 0."""
    observed = simulated(ALL[name], 60)
    now = ALL[name].probability_alive(*observed)
    np.testing.assert_array_equal(ALL[name].probability_alive(*observed, 0), now)
    later = [ALL[name].probability_alive(*observed, t) for t in (1, 10, 100, 1_000, 100_000)]
    for earlier, after in itertools.pairwise([now, *later]):
        assert (after < earlier).all()
    assert (now <= 1).all()
    assert (later[-1] >= 0).all()
    assert later[-1].max() < 0.35


@every_model
def test_who_never_came_back_may_be_gone(name):
    """Without repeat purchase life is certain in the models without dropout at birth, and in no other."""
    alive = ALL[name].probability_alive(0, 0, 300)[0]
    assert (alive == 1) == (name in ("BGNBD", "CNBDK"))


@every_timed_model
def test_a_longer_silence_is_less_alive(name):
    """Of equally many purchases the later ones speak for life."""
    alive = ALL[name].probability_alive(3, [30.0, 100.0, 200.0, 300.0], 300.0)
    assert (np.diff(alive) > 0).all()


@every_model
@few_examples
@given(t=st.integers(0, 400), more=st.integers(1, 400))
def test_expectations_grow_from_nothing_and_bend(name, t, more):
    """Nothing is expected at once; a longer horizon has more, a later piece of it less, for each customer."""
    model, observed = ALL[name], simulated(ALL[name], 40)
    assert (model.conditional_expected_purchases(0, *observed) == 0).all()
    values = [model.conditional_expected_purchases(t + i * more, *observed) for i in range(3)]
    assert (values[1] > values[0]).all()
    slack = 1e-10 * values[2]
    if name not in ("CNBDK", "MCNBDK"):  # a regular buyer who has just bought does not buy at once
        assert (values[2] - values[1] <= values[1] - values[0] + slack).all()


@every_model
def test_who_buys_is_alive(name):
    """Expected purchases are none of the dead: they are fewer than the best rate times the chance to live."""
    observed = simulated(ALL[name], 200)
    expected = ALL[name].conditional_expected_purchases(365, *observed)
    longer = ALL[name].conditional_expected_purchases(3_650, *observed)
    assert (expected > 0).all()
    assert (longer < 10 * expected).all()
    if name == "BGBB":
        assert (expected <= 365 * ALL[name].probability_alive(*observed)).all()


@every_timed_model
@pytest.mark.parametrize("discount", [0.0003, 0.003])
def test_discounting_is_a_sum_over_time(name, discount):
    """Discounted purchases of a year are those of each day, worth e^(-δt) at its middle."""
    model, observed = IN_TIME[name], np.array(simulated(IN_TIME[name], 400)).T
    found_some = []
    for history in np.unique(observed, axis=0)[::60]:
        ends = np.linspace(0, 365, 366)
        per_step = np.diff(model.conditional_expected_purchases(ends, *history))
        expected = (per_step * np.exp(-discount * (ends[1:] + ends[:-1]) / 2)).sum()
        found = model.discounted_expected_purchases(365, discount, *([value] for value in history))[0]
        assert found == pytest.approx(expected, rel=1e-5)
        found_some.append(found)
    assert len(found_some) >= 4


@pytest.mark.parametrize("discount", [0.0, 0.001, 0.1, 1.0])
def test_discounting_of_opportunities_is_a_sum(discount):
    """BG/BB: a purchase at the i-th opportunity ahead is worth 1 / (1 + discount)^i."""
    model, observed = ALL["BGBB"], simulated(ALL["BGBB"], 40)
    until = [model.conditional_expected_purchases(i, *observed) for i in range(31)]
    worth = (1 + discount) ** -np.arange(1.0, 31.0)
    np.testing.assert_allclose(
        model.discounted_expected_purchases(30, discount, *observed),
        (np.diff(until, axis=0) * worth[:, None]).sum(axis=0),
        rtol=1e-10,
    )


@every_model
def test_without_discount_nothing_is_lost(name):
    """At a rate of 0 the discounted purchases are the expected ones."""
    observed = simulated(ALL[name], 60)
    np.testing.assert_allclose(
        ALL[name].discounted_expected_purchases(200, 0, *observed),
        ALL[name].conditional_expected_purchases(200, *observed),
        rtol=1e-12,
    )


@every_model
def test_residual_purchases_are_the_limit_of_long_horizons(name):
    """``dert`` is above every horizon's discounted purchases and what they tend to."""
    observed = simulated(ALL[name], 12)
    for_ever = ALL[name].dert(*observed, 0.03)
    within = [ALL[name].discounted_expected_purchases(t, 0.03, *observed) for t in (40, 160, 1_500)]
    assert (within[0] < within[1]).all()
    assert (within[1] < for_ever).all()
    np.testing.assert_allclose(within[2], for_ever, rtol=1e-9)


@every_model
def test_a_higher_rate_discounts_more(name):
    """The residual purchases fall with the discount rate, towards none."""
    observed = simulated(ALL[name], 20)
    values = [ALL[name].dert(*observed, discount) for discount in (0.01, 0.1, 30.0)]
    assert (np.diff(values, axis=0) < 0).all()
    assert values[-1].max() < 0.05


@every_model
@pytest.mark.parametrize("t", [5, 90])
def test_chances_of_counts_meet_the_expectation(name, t):
    """The chances of 0, 1, 2, … purchases sum to 1 and average to the expected number."""
    n = np.arange(1_500 if name != "BGBB" else t + 1)
    chances = ALL[name].probability_of_purchases(n, t)
    assert (chances >= 0).all()
    assert chances.sum() == pytest.approx(1, abs=1e-8)
    assert chances @ n == pytest.approx(ALL[name].expected_purchases(t)[0], rel=1e-7)


def test_more_purchases_than_opportunities_are_impossible():
    """BG/BB: the chance of 4 purchases at 3 opportunities is 0, of all 3 it is not."""
    chances = ALL["BGBB"].probability_of_purchases([3, 4], 3)
    assert chances[0] > 0.1
    assert chances[1] == 0


@every_model
def test_simulated_purchases_are_those_expected(name):
    """Means and chances of simulated customers agree with the formulas, within four standard errors."""
    t, n = (9 if name == "BGBB" else 200), 20_000
    x, t_x, T = ALL[name].simulate(n, t, np.random.default_rng(5))[:3]
    assert abs(x.mean() - ALL[name].expected_purchases(t)[0]) < 4 * x.std() / np.sqrt(n)
    for count in range(4):
        chance = ALL[name].probability_of_purchases(count, t)[0]
        assert abs((x == count).mean() - chance) < 4 * np.sqrt(chance * (1 - chance) / n)
    assert ((t_x > 0) == (x > 0)).all()
    assert (t_x <= T).all()
    assert (t == T).all()


@every_model
def test_the_future_of_simulated_customers_is_the_one_expected(name):
    """Purchases after the middle of simulated histories sum to what was expected there, within four errors."""
    half, end, n = (5, 10, 20_000) if name == "BGBB" else (200, 400, 4_000)
    model = ALL[name]
    x, t_x, T = model.simulate(n, half, np.random.default_rng(6))[:3]
    later = model.simulate(20_000, end, np.random.default_rng(7))[0]
    ahead = model.conditional_expected_purchases(end - half, x, t_x, T)
    whole = x.mean() + ahead.mean()
    error = np.sqrt((x + ahead).var() / n + later.var() / 20_000)
    assert abs(whole - later.mean()) < 4 * error


@pytest.mark.parametrize(("regular", "name"), [(vt.CNBDK, "BGNBD"), (vt.MCNBDK, "MBGNBD")])
@pytest.mark.parametrize("answer", ANSWERS)
def test_regularity_of_one_is_none(regular, name, answer):
    """CNBDK(k=1) and MCNBDK(k=1) answer as BGNBD and MBGNBD do."""
    plain, method = IN_TIME[name], ANSWERS[answer]
    observed = simulated(plain, 60)
    same = regular.from_params(k=1, **plain.params())
    np.testing.assert_allclose(method(same)(*observed), method(plain)(*observed), rtol=1e-8)
