"""Rules as data: read, proved, applied, explained; and learned from experts' tiers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import valuetier as vt
from tests.segmenters.customer_tables import make
from valuetier.conditions import Condition
from valuetier.segmenters.rule_tables import read_rules
from valuetier.segmenters.rules import DEFAULT_RULES, FEATURES

VIP = {"tier": ("VIP", "贵宾客户"), "when": {"spend": {">=": 500}}}
WATCH = {"tier": "Watch", "when": {"overdue_days": {">": 90}}}
REST = {"tier": "Ordinary", "when": {}}


def _customers(**columns) -> pd.DataFrame:
    return pd.DataFrame(columns)


def _message(error: type[Exception], call) -> str:
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


def _fit(rules, customers=None, **params):
    table = _customers(spend=[900.0, 20.0], overdue_days=[0.0, 120.0]) if customers is None else customers
    return vt.RuleSegmenter(rules=rules, **params).fit(table)


def test_the_first_rule_that_holds_gives_the_tier():
    """Order matters: a gate that stands first beats the rules below it."""
    customers = _customers(spend=[900.0, 900.0, 20.0], overdue_days=[0.0, 91.0, 90.0])
    rules = _fit([WATCH, VIP, REST], customers, tiers=["VIP", "Ordinary", "Watch"])
    assert rules.predict(customers).tolist() == [0, 2, 1]
    assert rules.transform(customers).tolist() == [[2], [1], [3]]
    assert rules.score_samples(customers).tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    "written",
    [
        [VIP, REST],
        [vt.TierRule(("VIP", "贵宾客户"), {"spend": {">=": 500}}), vt.TierRule("Ordinary", {})],
        [(["VIP", "贵宾客户"], {"spend": {">=": 500}}), ("Ordinary", {})],
        {("VIP", "贵宾客户"): {"spend": {">=": 500}}, "Ordinary": {}},
        [VIP, {"tier": "Ordinary"}],
    ],
    ids=["dictionaries", "rules", "pairs", "mapping", "without conditions"],
)
def test_rules_can_be_written_in_several_ways(written):
    """Dictionaries, rules, pairs and a mapping mean the same."""
    rules = _fit(written)
    assert rules.describe() == ["spend ≥ 500 → VIP", "everybody else → Ordinary"]
    assert rules.describe("zh") == ["消费金额 ≥ 500 → 贵宾客户", "其余客户 → Ordinary"]
    assert rules.get_tier_names_out("zh") == ["贵宾客户", "Ordinary"]


def test_values_and_lists_are_sets():
    """A value alone and a list mean one of these; not_in the others; None a missing value."""
    customers = _customers(grade=[1.0, 2.0, 3.0, np.nan])
    written = [("A", {"grade": 1}), ("B", {"grade": [2, None]}), ("C", {"grade": {"not_in": [1, 2, None]}})]
    rules = _fit(written, customers, hit_policy="unique")
    assert rules.predict(customers).tolist() == [0, 1, 2, 1]
    assert rules.explain(customers)["reason"].tolist() == [
        "rule 1: grade 1 (= 1) → A",
        "rule 2: grade 2 (one of 2, missing) → B",
        "rule 3: grade 3 (none of 1, 2, missing) → C",
        "rule 2: grade missing (one of 2, missing) → B",
    ]


def test_a_missing_value_is_not_said_to_lie_within_bounds():
    """Whoever has no value meets no bound, and the sentence says which was asked for; a set of one is an equation."""
    customers = _customers(orders=[12.0, np.nan, 3.0])
    written = [
        ("Many", {"orders": {">=": 10}}),
        ("Unknown", {"orders": None}),
        ("Three", {"orders": 3}),
        ("Other", {"orders": {"not_in": [3, None], "<": 10}}),
    ]
    rules = _fit(written, customers)
    assert rules.explain(customers)["reason"].tolist() == [
        "rule 1: orders 12 (≥ 10) → Many",
        "not rule 1: orders missing (wanted ≥ 10); rule 2: orders missing → Unknown",
        "not rule 1: orders 3 (< 10); not rule 2: orders 3 (known); rule 3: orders 3 (= 3) → Three",
    ]
    assert rules.describe("zh")[1:3] == ["购买次数 缺失 → Unknown", "购买次数 = 3 → Three"]
    assert rules.explain(customers, "zh")["reason"][1] == (
        "不符合规则 1：购买次数 缺失（要求 ≥ 10）；符合规则 2：购买次数 缺失 → Unknown"
    )


def test_a_missing_value_is_refused_where_no_rule_names_it():
    """Nobody is sorted by a value that is not there, unless a rule says how."""
    text = _message(vt.InvalidDataError, lambda: _fit([VIP, REST], _customers(spend=[1.0, np.nan])))
    assert text == "spend: 1 of 2 values are missing (NaN). Fill or drop these customers first."


def test_shares_become_values_when_fitted():
    """p80 is the value that 80 % do not exceed; it is learned once and applied to anyone."""
    customers = _customers(spend=np.arange(1.0, 101.0))
    rules = _fit({"High": {"spend": {">": "p80"}}, "Low": {}}, customers)
    assert rules.rules_[0].when == {"spend": {">": 80.0}}
    assert int((rules.predict(customers) == 0).sum()) == 20
    assert rules.predict(_customers(spend=[80.0, 80.5, 7e6])).tolist() == [1, 0, 0]


@given(
    values=st.lists(st.integers(-5, 5), min_size=2, max_size=30),
    share=st.integers(1, 99),
)
def test_a_share_is_reached_and_not_needlessly(values, share):
    """At least the share lies at or below the value, and fewer below any smaller value."""
    customers = _customers(spend=np.array(values, dtype=np.float64))
    written = {"High": {"spend": {">": f"p{share}"}}, "Low": {}}
    if len(set(values)) == 1:
        assert "part nobody" in _message(vt.InvalidDataError, lambda: _fit(written, customers))
        return
    bound = _fit(written, customers).rules_[0].when["spend"][">"]
    assert bound in values
    assert np.mean(customers["spend"] <= bound) >= share / 100 - 1e-12
    assert np.mean(customers["spend"] < bound) < share / 100 + 1e-12


def test_the_default_rules_are_complete_and_reachable():
    """Every rule of the default set is met, and every customer meets one."""
    rules = vt.RuleSegmenter().fit(make(2000))
    assert rules.assign(make(2000)).counts().min() > 0
    assert tuple(dict.fromkeys(c for rule in DEFAULT_RULES for c in rule.when)) != ()
    assert set().union(*(rule.when for rule in DEFAULT_RULES)) == set(FEATURES)
    assert rules.get_tier_names_out("zh") == ["核心客户", "预警客户", "成长客户", "普通客户", "沉睡客户"]


def test_equal_customers_may_leave_a_default_tier_empty():
    """With one-time buyers only, nobody grows, and that is no error."""
    customers = make(100).assign(orders=1)
    counts = vt.RuleSegmenter().fit(customers).assign(customers).counts()
    assert counts["Growing"] == 0
    assert counts.sum() == 100


def test_a_gap_is_refused_with_a_customer_in_it():
    """The customer that no rule answers is described by what the rules look at."""
    gap = {"High": {"spend": {">": 100}}, "Low": {"spend": {"<": 100}}}
    assert _message(vt.UncoveredTiersError, lambda: _fit(gap)) == (
        "rules has no rule for a customer with spend = 100.0. Add a rule for it."
    )


def test_a_gap_between_named_values_and_bounds_is_found():
    """Nine orders named and ten or more bounded leave fewer than nine out, and what lies between."""
    for written, witness in (
        ({"Nine": {"orders": [9]}, "Many": {"orders": {">=": 10}}}, "8.0"),
        ({"None": {"orders": {"<=": 0}}, "Five": {"orders": 5}, "Many": {"orders": {">=": 10}}}, "2.5"),
        ({"Huge": {"orders": {">=": 1e17}}, "Its own": {"orders": 1e17}}, "9.99999999e+16"),
    ):
        text = _message(
            vt.UncoveredTiersError, lambda written=written: _fit(written, _customers(orders=[1.0, 9.0]))
        )
        assert text.startswith(f"rules has no rule for a customer with orders = {witness}")


def test_ties_that_open_a_gap_are_found():
    """Two shares with one value leave exactly that value out; the proof is about the values."""
    customers = _customers(spend=[1.0, 5.0, 5.0, 5.0, 5.0, 9.0])
    gap = {"Low": {"spend": {"<": "p80"}}, "High": {"spend": {">": "p50"}}}
    assert "no rule for a customer with spend = 5.0" in _message(
        vt.UncoveredTiersError, lambda: _fit(gap, customers)
    )


def test_an_unreachable_rule_is_refused():
    """A rule behind one that takes everybody is a mistake; with shares as with numbers."""
    for low, high in ((100, 500), ("p50", "p80")):
        dead = [("A", {"spend": {">=": low}}), ("B", {"spend": {">=": high}}), ("C", {})]
        assert _message(vt.InvalidDataError, lambda dead=dead: _fit(dead)) == (
            "rules: the rules ['2 (B)'] are never reached. Delete them or move them up."
        )


def test_overlapping_unique_rules_are_refused():
    """With hit policy unique, the customer for whom two rules hold is described."""
    both = [("A", {"spend": {">=": 100}}), ("B", {"spend": {"<=": 100}})]
    assert _fit(both).predict(_customers(spend=[100.0])).tolist() == [0]
    assert "the rules ['1 (A)', '2 (B)'] both hold for a customer with spend = 100.0" in _message(
        vt.InvalidDataError, lambda: _fit(both, hit_policy="unique")
    )


BOUND = st.integers(-3, 3)
NAMED = st.lists(BOUND, min_size=1, max_size=2)
CONDITION = st.fixed_dictionaries(
    {}, optional={">=": BOUND, "<": BOUND, "in": NAMED, "not_in": NAMED}
).filter(bool)
RULE = st.dictionaries(st.sampled_from(["a", "b"]), CONDITION, max_size=2)


@given(written=st.lists(RULE, min_size=1, max_size=4))
@settings(max_examples=150)
def test_the_proof_agrees_with_trying_every_customer(written):
    """Rules that leave a point of a fine grid out, or are reached by none, are refused; others sort it."""
    a, b = (axis.ravel() for axis in np.meshgrid(np.arange(-5, 5, 0.5), np.arange(-5, 5, 0.5)))
    grid = _customers(a=a, b=b)
    rules = [(f"T{i}", when) for i, when in enumerate(written)]
    holds = np.array(
        [
            np.all(
                [Condition.model_validate(c).holds(grid[n].to_numpy()) for n, c in when.items()]
                or [np.ones(len(grid), dtype=bool)],
                axis=0,
            )
            for when in written
        ]
    )
    reached = holds & (np.cumsum(holds, axis=0) == 1)
    if not any(written):
        expected = vt.InvalidParameterError
    elif not holds.any(axis=0).all():
        expected = vt.UncoveredTiersError
    elif not reached.any(axis=1).all():
        expected = vt.InvalidDataError
    else:
        assert _fit(rules, grid).predict(grid).tolist() == holds.argmax(axis=0).tolist()
        return
    with pytest.raises(expected):
        _fit(rules, grid)


def test_the_sentence_reconstructs_the_tier():
    """Rules before the one that holds are denied by a value of the customer; the last word is the tier."""
    customers = _customers(spend=[900.0, 20.0, 499.999999], overdue_days=[0.0, 120.0, 3.0])
    rules = _fit([WATCH, VIP, REST], customers)
    assert rules.explain(customers)["reason"].tolist() == [
        "not rule 1: overdue_days 0 (≤ 90); rule 2: spend 900 (≥ 500) → VIP",
        "rule 1: overdue_days 120 (> 90) → Watch",
        (
            "not rule 1: overdue_days 3 (≤ 90); not rule 2: spend 499.999999 (< 500.0); "
            "rule 3: everybody else → Ordinary"
        ),
    ]
    assert rules.explain(customers, "zh")["reason"][0] == (
        "不符合规则 1：overdue_days 0（≤ 90）；符合规则 2：消费金额 900（≥ 500） → 贵宾客户"
    )


def test_bounds_in_words_have_all_their_digits():
    """A learned bound is described as it is applied."""
    rules = _fit({"High": {"spend": {">=": 1234.5678}}, "Low": {}})
    assert rules.describe()[0] == "spend ≥ 1,234.5678 → High"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"rules": "VIP"}, "rules must be a sequence of rules or map tiers to conditions, got 'VIP'."),
        ({"rules": []}, "rules must hold at least one rule, got []."),
        ({"rules": [REST]}, "rules must look at a column at least, got conditions on none."),
        (
            {"rules": [VIP, {"tier": "Low", "if": {}}]},
            (
                "rules[1] must have a tier and conditions, such as {'tier': 'VIP', 'when': {'spend': {'>=': 1000}}}, "
                "got {'tier': 'Low', 'if': {}}."
            ),
        ),
        (
            {"rules": {"High": {"spend": {">=": "many"}}}},
            (
                "rules[0]: the condition on 'spend' must compare numbers by >=, >, <=, <, in, not_in, or with a share "
                "of customers such as 'p80', got {'>=': 'many'}."
            ),
        ),
        (
            {"rules": {"High": {"spend": {"~": 3}}}},
            (
                "rules[0]: the condition on 'spend' must compare numbers by >=, >, <=, <, in, not_in, or with a share "
                "of customers such as 'p80', got {'~': 3}."
            ),
        ),
        (
            {"rules": [VIP, REST], "tiers": ["VIPs", "Ordinary"]},
            (
                "the rules give the tiers ['VIP'], which tiers does not list: ['Ordinary', 'VIPs']. "
                "Did you mean 'VIPs'?"
            ),
        ),
        (
            {"rules": [VIP, REST], "tiers": "VIP"},
            "tiers must be names, or pairs of English and Chinese names, best first, got 'VIP'.",
        ),
        (
            {"rules": [VIP, REST], "tiers": ["VIP", "Ordinary", "VIP"]},
            "tiers must name different tiers in each language, got ['VIP', 'Ordinary', 'VIP'].",
        ),
        (
            {"rules": [VIP, {"tier": ("VIP", "大客户"), "when": {}}]},
            "the tier 'VIP' has two Chinese names in the rules, '贵宾客户' and '大客户'. Keep one.",
        ),
        ({"hit_policy": "any"}, "hit_policy must be one of ['first', 'unique'], got 'any'."),
        (
            {"features": ("profit",)},
            (
                "features ['profit'] need tiers to learn from, fit(X, y), or rules. "
                "The default rules look at ['recency_days', 'orders', 'spend']."
            ),
        ),
    ],
)
def test_parameters_that_cannot_work_are_refused(params, message):
    """Each message has the place, the need and the value."""
    assert _message(vt.InvalidParameterError, lambda: vt.RuleSegmenter(**params).fit(make())) == message


@pytest.mark.parametrize(
    "condition", ["yes", {"in": ["CN"]}, {"in": "CN"}, {"in": True}, {">=": True}, {">=": "p0"}, {}]
)
def test_conditions_compare_numbers_only(condition):
    """Text, truth values and empty conditions are no comparison of numbers."""
    with pytest.raises(vt.InvalidParameterError, match=r"rules\[0\]: the condition on 'spend'"):
        read_rules("rules", {"High": {"spend": condition}})


def test_one_value_may_stand_for_a_set():
    """``in`` and ``not_in`` take a value alone, as a condition does."""
    (rule, _) = read_rules("rules", [("A", {"grade": {"in": 1}}), ("B", {"grade": {"not_in": 1}})])
    assert rule.when == {"grade": {"in": (1,)}}
