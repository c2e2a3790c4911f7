"""The best short rule: found on one half, measured on the other."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from tests.evaluate.made_customers import TIERS, assigned, made
from valuetier.evaluate import profile
from valuetier.evaluate._short_rules import best_places


@pytest.fixture(scope="module")
def example():
    return made()


def test_the_planted_rule_is_found_and_confirmed(example):
    """The rule by which the data were made comes out, near its bound, and its shares on the other half are true."""
    tiers, table, value = example
    rule = profile(tiers, table, value).rules[0]
    assert rule.tier is None
    assert {one.attribute: one.sign for one in rule.conditions} == {"income": ">=", "channel": "="}
    bound = next(one.bound for one in rule.conditions if one.attribute == "income")
    assert bound == pytest.approx(50_000, rel=0.06)
    assert rule.confirmed
    holds = ((table["income"] >= bound) & (table["channel"] == "app")).to_numpy()
    assert rule.customer_share == pytest.approx(holds.mean(), abs=0.03)
    assert rule.target_share == pytest.approx(value[holds].sum() / value.sum(), abs=0.03)
    assert rule.low < value[holds].sum() / value.sum() - holds.mean() < rule.high
    assert rule.value_share == pytest.approx(rule.target_share)


def test_rule_in_words(example):
    """The sentence has the conditions and the two shares, in English and Chinese."""
    tiers, table, value = example
    found = profile(tiers, table, value)
    rule = found.rules[0]
    share, worth = round(100 * rule.customer_share), round(100 * rule.target_share)
    assert rule.text() == f"{rule.condition()}: {share} % of customers, {worth} % of value"
    assert rule.text("zh") == f"{rule.condition('zh')}：{share}% 的客户，{worth}% 的价值"
    assert "channel = app" in rule.condition()
    top = next(one for one in found.rules if one.tier == TIERS[0])
    assert f"{round(100 * top.target_share)} % of tier Top" in top.text()
    assert f"“顶级”层 {round(100 * top.target_share)}% 的客户" in top.text("zh")


def test_precision_is_what_the_shares_imply(example):
    """Of those for whom a tier's rule holds, as many are in the tier as both shares say."""
    tiers, table, _ = example
    found = profile(tiers, table)
    assert all(rule.value_share is None for rule in found.rules)
    rule = next(one for one in found.rules if one.tier == TIERS[0])
    share_of_tier = (tiers.codes == 0).mean()
    assert rule.precision == pytest.approx(rule.target_share * share_of_tier / rule.customer_share, rel=0.01)


def test_rules_by_chance_are_not_confirmed():
    """Attributes that have nothing to do with the value have rules that hold up in few of forty cases."""
    confirmed = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        n = 400
        table = pd.DataFrame(
            {"customer_id": np.arange(n), "a": rng.normal(size=n), "b": rng.choice(list("xyz"), n)}
        )
        found = profile(assigned(rng.integers(0, 3, n)), table, rng.gamma(2, 1, n))
        assert len(found.rules) >= 3
        assert all(rule.found_target_share > rule.found_customer_share for rule in found.rules)
        confirmed += any(rule.confirmed for rule in found.rules)
    assert confirmed <= 5


def test_best_pair_by_brute_force():
    """Among all single conditions and pairs, none gains more than the pair that is taken."""
    rng = np.random.default_rng(2)
    columns = rng.random((500, 12)) < rng.uniform(0.2, 0.8, 12)
    weights = rng.gamma(1, 1, 500) * np.where(columns[:, 3] & columns[:, 7], 12, 1)
    (chosen,) = best_places(columns, [weights], 20)

    def gain(places):
        holds = columns[:, list(places)].all(axis=1)
        return weights[holds].sum() / weights.sum() - holds.mean() if holds.sum() >= 20 else -np.inf

    every = [*combinations(range(12), 1), *combinations(range(12), 2)]
    assert chosen == max(every, key=gain) == (3, 7)


def test_a_second_condition_must_be_worth_it():
    """Where one condition says nearly all, a second one that helps by chance is not added."""
    rng = np.random.default_rng(4)
    columns = np.column_stack([rng.random(800) < 0.3, *(rng.random((5, 800)) < 0.95)])
    weights = rng.gamma(2, 1, 800) * np.where(columns[:, 0], 10, 1)
    assert best_places(columns, [weights], 20) == [(0,)]


def test_rules_need_customers_and_a_gain():
    """Conditions of too few customers, of everybody, or for a target without weight make no rule."""
    columns = np.array([[True, True]] * 5 + [[True, False]] * 95)
    weights = np.where(columns[:, 1], 50.0, 1.0)
    assert best_places(columns, [weights, np.zeros(100)], 20) == [(), ()]
    assert best_places(columns, [weights], 5) == [(1,)]
    tiers, table, value = made(60)
    assert profile(tiers, table, value, min_customers=20).rules == ()


def test_a_missing_value_meets_no_condition():
    """Neither a bound nor its opposite holds for a customer whose value is not known."""
    tiers, table, value = made(600)
    known = np.arange(600) % 3 > 0
    table = table.assign(income=table["income"].where(known))[["customer_id", "income"]]
    rule = profile(tiers, table, value).rules[0]
    (condition,) = rule.conditions
    holds = (
        (table["income"] >= condition.bound).sum()
        if condition.sign == ">="
        else (table["income"] < condition.bound).sum()
    )
    assert rule.customer_share + rule.found_customer_share == pytest.approx(2 * holds / 600, abs=1e-9)
