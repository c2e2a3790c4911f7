"""Plans: against all plans, under limits, with control groups, coverage and contracts."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategy.books import action, book, rule
from valuetier import (
    InfeasiblePlanError,
    InvalidParameterError,
    Playbook,
    StrategyMapper,
    Tier,
    TierAssignment,
)
from valuetier._core import allocation

ACTIONS = {
    "visit": action(channel="visit", owner="account_manager", cost=20.0, minutes=60, cadence_days=None),
    "call": action(channel="phone", owner="sales", cost=4.0, minutes=15),
    "letter": action(channel="email", owner="automation", cost=0.5, minutes=0, cadence_days=30),
    "care": action(channel="phone", owner="account_manager", cost=3.0, minutes=30, contractual=True),
}
RULES = [
    rule("a", {"tier": "A"}, "care", "visit", "call", "letter"),
    rule("b", {"tier": "B"}, "visit", "call", "letter"),
    rule("c", {"tier": "C"}, "call", "letter"),
]
OFFERS = ("visit", "call", "letter")


def mapper(rules=RULES, actions=ACTIONS, **changes):
    """Return a mapper with a small playbook."""
    named = {name for one in rules for name in one["then"]}
    return StrategyMapper(
        Playbook.from_text(book(rules, actions={k: actions[k] for k in actions if k in named}, **changes))
    )


def assigned(codes, ids=None):
    """Return an assignment to tiers A, B, C."""
    tiers = tuple(Tier(i, name, name + "类") for i, name in enumerate("ABC"))
    ids = [f"id{i}" for i in range(len(codes))] if ids is None else ids
    return TierAssignment(
        np.array(codes, dtype=np.int64), tiers, None, None, np.array(ids, dtype=object), kind="test"
    )


def long_values(codes, seed):
    """Return a random value for each customer and offer."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        [(f"id{i}", name, float(rng.integers(1, 60))) for i in range(len(codes)) for name in OFFERS],
        columns=["customer_id", "action_id", "value"],
    )


def pairs(plan):
    """Return the chosen customers and actions."""
    chosen = plan.actions[~plan.actions["contractual"]]
    return set(zip(chosen["customer_id"], chosen["action_id"], strict=True))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=5),
    st.integers(0, 10**6),
    st.floats(0, 80),
    st.integers(0, 150),
    st.integers(0, 3),
    st.sampled_from(["value", "net"]),
)
def test_brings_as_much_as_the_best_of_all_plans(codes, seed, budget, minutes, emails, objective):
    """Under a budget, an owner's minutes and a channel's contacts no set of offers brings more."""
    value = long_values(codes, seed)
    owed = codes.count(0)
    capacity = {"account_manager": minutes + 30 * owed, "email": emails}
    plan = mapper().plan(
        assigned(codes), value=value, budget=budget + 3 * owed, capacity=capacity, objective=objective
    )
    worth = value.set_index(["customer_id", "action_id"])["value"]
    open_to = [OFFERS if code < 2 else OFFERS[1:] for code in codes]
    best = 0.0
    for choice in product(*[(None, *some) for some in open_to]):
        taken = [(f"id{i}", name) for i, name in enumerate(choice) if name]
        cost = sum(ACTIONS[name]["cost"] for _, name in taken)
        visits = sum(60 for _, name in taken if name == "visit")
        if cost <= budget and visits <= minutes and sum(name == "letter" for _, name in taken) <= emails:
            best = max(best, sum(worth[pair] for pair in taken) - (cost if objective == "net" else 0))
    achieved = plan.value - (
        plan.actions.loc[~plan.actions["contractual"], "total_cost"].sum() if objective == "net" else 0
    )
    assert achieved == pytest.approx(best, abs=1e-9)
    assert plan.optimal
    assert plan.cost <= budget + 3 * owed + 1e-9
    assert (plan.actions["action_id"] == "care").sum() == owed


def test_the_contract_call_gives_all_tables():
    """The call of the contract returns actions, control group and shadow prices, and rows reconcile."""
    codes = [0] * 20 + [1] * 30 + [2] * 50
    many = assigned(codes)
    plan = mapper().plan(
        many, value=np.arange(100.0), budget=200, capacity={"account_manager": 1200}, holdout=0.1
    )
    assert plan.actions.columns.tolist() == [
        *mapper().map(many).columns, "value", "executions", "total_cost", "total_minutes",
    ]  # fmt: skip
    assert plan.to_frame().equals(plan.actions)
    assert plan.groups.groupby("tier", observed=True)["group"].apply(lambda g: (g == "control").sum()).tolist() == [
        2, 3, 5,
    ]  # fmt: skip
    assert (
        plan.control["customer_id"].tolist()
        == plan.groups.query("group == 'control'")["customer_id"].tolist()
    )
    held_out = plan.actions[plan.actions["customer_id"].isin(plan.control["customer_id"])]
    assert held_out["action_id"].tolist() == ["care", "care"]
    assert plan.outcomes["actions"].sum() == len(mapper().map(many))
    assert plan.outcomes.set_index("outcome").loc["chosen", "actions"] == plan.groups["reached"].sum()
    assert plan.shadow_prices["constraint"].tolist() == ["budget", "account_manager"]
    assert plan.value == plan.actions["value"].sum()
    assert plan.minutes == plan.actions["total_minutes"].sum()


def test_a_shadow_price_is_what_one_more_hour_brings():
    """With an hour more of the account manager the plan brings what the price says."""
    codes = [1] * 60
    value = pd.DataFrame({"visit": 1000.0 + np.arange(60), "call": 0.0, "letter": 0.0})
    made = mapper()
    few, more = (
        made.plan(assigned(codes), value=value, capacity={"account_manager": m}) for m in (1200, 1260)
    )
    row = few.shadow_prices.iloc[0]
    assert row["price"] * 60 == pytest.approx(more.value - few.value) == pytest.approx(1039)
    assert row["sentence"] == "One more hour of account manager time is worth 1,039.00."
    assert (row["limit"], row["used"], row["unit"]) == (1200, 1200, "minutes")


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(12)), st.integers(0, 10**6))
def test_the_order_of_the_rows_does_not_matter(order, seed):
    """Equal customers are drawn by their ids: the same ones whatever the order of the rows."""
    codes = [i % 3 for i in range(12)]
    rng = np.random.default_rng(seed)
    value = pd.Series(rng.integers(1, 4, 12).astype(float), index=[f"id{i}" for i in range(12)])
    turned = assigned([codes[i] for i in order], [f"id{i}" for i in order])
    wanted = {"budget": 25, "capacity": {"email": 3}, "holdout": 0.3}
    first = mapper().plan(assigned(codes), value=value, **wanted)
    second = mapper().plan(turned, value=value, **wanted)
    assert pairs(first) == pairs(second)
    assert set(first.control["customer_id"]) == set(second.control["customer_id"])


def test_another_salt_draws_other_equal_customers():
    """Which of equal customers are served is a lot, and the salt is its seed."""
    plans = [
        mapper().plan(assigned([2] * 40), value=5, capacity={"phone": 0, "email": 10}, salt=s) for s in "ab"
    ]
    assert [len(pairs(plan)) for plan in plans] == [10, 10]
    assert pairs(plans[0]) != pairs(plans[1])


def test_of_actions_that_bring_the_same_the_cheaper_is_taken():
    """With one number per customer nobody is visited who could be written to."""
    plan = mapper().plan(assigned([0, 1, 2]), value=[9, 8, 7])
    assert pairs(plan) == {("id0", "letter"), ("id1", "letter"), ("id2", "letter")}


@pytest.mark.parametrize(("most", "each"), [(1, 1), (2, 2), (None, 3)])
def test_offers_per_customer(most, each):
    """At most so many offers per customer; None is no limit, and contractual actions do not count."""
    plan = mapper().plan(assigned([0, 1]), value=dict.fromkeys(OFFERS, 10), offers_per_customer=most)
    assert plan.actions.query("not contractual").groupby("customer_id").size().tolist() == [each, each]


def test_coverage_is_met_at_a_price():
    """The tier gets its share although others bring more, and the price says what that costs."""
    value = np.array([100.0] * 5 + [1.0] * 10)
    codes = [1] * 5 + [2] * 10
    plan = mapper().plan(assigned(codes), value=value, capacity={"phone": 0, "email": 6, "visit": 0},
                         coverage={"C类": 0.35})  # fmt: skip
    reached = plan.actions["tier"].value_counts()
    assert (reached["C"], reached["B"]) == (4, 2)
    row = plan.shadow_prices.set_index("kind").loc["coverage"]
    assert (row["limit"], row["used"], row["price"]) == (4, 4, 99)
    assert row["sentence"] == "Each customer that the coverage of tier C demands costs 99.00."


def test_contractual_actions_count_for_coverage_and_control_customers_do_not():
    """A tier whose customers all have a contract is covered; who is held out is not asked for."""
    plan = mapper().plan(assigned([0] * 4 + [2] * 10), value=0, coverage={"A": 1, "C": 1}, holdout=0.2)
    row = plan.shadow_prices.set_index("constraint")
    assert row["used"].tolist() == row["limit"].tolist() == [3, 8]


def test_executions_follow_cadence_and_horizon():
    """Over 100 days a monthly letter is sent four times, a call every 90 days twice, a visit once."""
    plan = mapper().plan(
        assigned([1, 1, 1]), value=np.eye(3) * 9 + 1, horizon_days=100, offers_per_customer=None
    )
    per_action = plan.actions.groupby("action_id")[["executions", "total_cost"]].first()
    assert per_action["executions"].to_dict() == {"call": 2, "letter": 4, "visit": 1}
    assert per_action["total_cost"].to_dict() == {"call": 8.0, "letter": 2.0, "visit": 20.0}
    tight = mapper().plan(
        assigned([1]), value={"visit": 9, "call": 8, "letter": 1}, budget=4, horizon_days=100
    )
    assert pairs(tight) == {("id0", "letter")}


def test_suppressed_customers_get_nothing_and_are_counted():
    """Nothing goes to a suppressed customer, and what was owed is counted apart."""
    plan = mapper().plan(assigned([0, 1, 2]), value=5, suppress=["id0"])
    assert set(plan.actions["customer_id"]) == {"id1", "id2"}
    counts = plan.outcomes.set_index("outcome")["actions"]
    assert (counts["suppressed"], counts["suppressed contractual"], counts["contractual"]) == (3, 1, 0)
    assert "4 actions are withheld by the suppression list, 1 of them owed by contract" in str(plan)
    assert "因勿扰名单扣下 4 项动作，其中合同约定的 1 项须另行处理。" in plan.summary("zh")


def test_an_action_of_two_rules_is_done_once():
    """With hit policy collect an action that two rules name is one candidate, and the other row is counted."""
    both = [rule("a", {"tier": "A"}, "care", "call"), rule("all", {}, "call", "care")]
    plan = mapper(both, hit_policy="collect", domain={"tier": ["A", "B", "C"]}).plan(assigned([0]), value=1)
    assert plan.actions["action_id"].tolist() == ["care", "call"]
    assert plan.outcomes.set_index("outcome").loc["repeated", "actions"] == 2


def test_gross_tells_of_actions_below_their_cost_and_net_leaves_them_out():
    """Value alone may choose what costs more than it brings, and says so; net does not choose it."""
    value = {"visit": 10, "call": 5, "letter": 0.1}
    gross = mapper().plan(assigned([1]), value=value)
    net = mapper().plan(assigned([1]), value=value, objective="net")
    assert (pairs(gross), pairs(net)) == ({("id0", "visit")}, {("id0", "call")})
    assert 'bring less than they cost, 10.00 in all; objective="net" leaves such actions out.' in str(gross)
    assert "less than they cost" not in str(net)


def test_words_in_both_languages():
    """The summary tells what is chosen, what it costs, that it is best, and what is left."""
    plan = mapper().plan(assigned([0, 1]), value=5, budget=100, lang="zh", capacity={"phone": 9, "sales": 0})
    assert str(plan).splitlines() == [
        "共选定 2 项动作，涉及 2 位客户，预计带来价值 10.00；另有 1 项合同约定的动作必须执行，不计入价值。",
        "全部动作合计花费 4.00，占用 0.5 小时。",
        "在这些限制之内，没有哪个方案能带来更多价值。",
        "对同一位客户，各项动作的价值相同，因此选的是成本最低的一项；可用 response= 或按动作给出价值加以区分。",
        "增加预算不会带来更多价值：尚余 96.00。",
        "增加电话渠道的触达次数不会带来更多价值：尚余 8.00 次。",
        "单独增加销售的时间不会带来更多价值。",
        "以上价格只适用于小幅变动，并按允许部分服务客户的松弛方案计算。",
    ]
    assert plan.summary("en").splitlines()[4:7] == [
        "More budget would bring nothing: 96.00 of it are left.",
        "More contacts by phone would bring nothing: 8.00 contacts are left.",
        "More sales time would bring nothing by itself.",
    ]
    nothing_owed = mapper().plan(assigned([1]), value=5)
    assert str(nothing_owed).splitlines()[0] == "1 actions are chosen for 1 customers and bring 5.00."
    assert nothing_owed.summary("zh").splitlines()[0] == "共选定 1 项动作，涉及 1 位客户，预计带来价值 5.00。"
    assert repr(plan) == "Plan(actions=3, value=10, cost=4, gap=0)"
    with pytest.raises(InvalidParameterError, match=r"lang must be one of \['en', 'zh'\], got 'de'"):
        plan.summary("de")


COLLISIONS = [
    (
        {"capacity": {"account_manager": 100}},
        (
            "No plan keeps these promises together: the contractual actions need 120 minutes of account_manager, and "
        "the capacity is 100. To get one, raise the capacity of account_manager to 120, or make fewer actions "
        "contractual."
        ),
        ("account_manager", "contractual"),
    ),
    (
        {"budget": 14, "coverage": {"B": 1.0}, "capacity": {"email": 1, "phone": 99}},
        (
            "No plan keeps these promises together: coverage of 1 for the 3 customers of tier 'B' who can be reached "
        "means an action for 3 more than the contractual ones reach; together this needs at least 20.5 of the "
        "budget (the contractual actions 12 of the budget), and the budget is 14; together this needs at least 3 "
        "contacts of email, and the capacity is 1. To get one, raise "
        "the budget to 20.5, or raise the capacity of email to 3, or lower the coverage, or make fewer "
        "actions contractual."
        ),
        ("coverage of B", "budget", "email", "contractual"),
    ),
    (
        {"capacity": {"email": 0, "phone": 4, "visit": 0}, "coverage": {"C": 0.5}},
        (
            "No plan keeps these promises together: coverage of 0.5 for the 2 customers of tier 'C' who can be reached "
        "means an action for 1 more than the contractual ones reach; together this needs at least 1 contacts of "
        "email, and the capacity is 0; together this needs at least "
        "5 contacts of phone (the contractual actions 4 contacts of phone), and the capacity is 4. To get one, "
        "raise the capacity of email to 1, or raise the capacity of phone to 5, or lower the coverage, or make "
        "fewer actions contractual."
        ),
        ("coverage of C", "email", "phone", "contractual"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("limits", "message", "promises"), COLLISIONS)
def test_promises_that_collide_are_named(limits, message, promises):
    """An infeasible plan names a smallest set of colliding promises with numbers, and the way out."""
    with pytest.raises(InfeasiblePlanError) as caught:
        mapper().plan(assigned([0] * 4 + [1] * 3 + [2] * 2), value=1, **limits)
    assert str(caught.value) == message
    assert caught.value.promises == promises


def test_as_much_as_was_asked_for_is_enough():
    """With what the message asks for the plan exists."""
    wanted = {"coverage": {"B": 1.0}, "capacity": {"email": 1, "phone": 99}}
    plan = mapper().plan(assigned([0] * 4 + [1] * 3 + [2] * 2), value=1, budget=20.5, **wanted)
    assert plan.cost == 20.5


def test_sums_of_cents_fill_a_budget_to_the_last_one():
    """Three times 0.1 fits into 0.3, whatever binary fractions say."""
    cents = ACTIONS | {"letter": ACTIONS["letter"] | {"cost": 0.1}}
    plan = mapper([rule("all", {}, "letter")], cents).plan(assigned([2] * 5), value=1, budget=0.3)
    assert (len(plan.actions), plan.cost) == (3, 0.3)


def test_nobody_to_plan_for():
    """Without customers the plan is empty and optimal."""
    plan = mapper().plan(assigned([]), value={"visit": 1, "call": 1, "letter": 1}, budget=1)
    assert (len(plan.actions), plan.optimal, plan.cost) == (0, True, 0)


def test_a_gap_is_told_in_words(monkeypatch):
    """A plan that is not proved best says how much more a better one could bring."""
    monkeypatch.setattr(allocation, "CORES", ())
    monkeypatch.setattr(allocation, "WHOLE", 0)
    plan = mapper().plan(assigned([1] * 3), value={"visit": 30, "call": 5, "letter": 0}, budget=50)
    assert (plan.value, plan.optimal) == (65, False)
    assert plan.gap == pytest.approx(plan.bound / plan.value - 1, rel=0.2)
    assert f"A better plan would bring at most {plan.gap * 100:.2g} % more." in str(plan)
    assert f"最多也只能再多 {plan.gap * 100:.2g}%" in plan.summary("zh")


def test_holdout_of_some_tiers():
    """Tiers that a mapping does not name have no control group; Chinese names will do."""
    plan = mapper().plan(assigned([0] * 10 + [1] * 10 + [2] * 10), value=1, holdout={"A": 0.5, "C类": 0.2})
    assert plan.control["tier"].value_counts().to_dict() == {"A": 5, "C": 2, "B": 0}
