"""From an assignment to a table of actions."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import valuetier as vt
from tests.strategy.books import BUILT_IN, action, book, rule
from valuetier import (
    InvalidDataError,
    InvalidParameterError,
    MissingColumnsError,
    Playbook,
    StrategyMapper,
    Tier,
    TierAssignment,
    UncoveredTiersError,
)
from valuetier.checks import make_customers

CONTRACT = [
    "customer_id", "tier", "segment", "action", "channel", "owner", "cadence_days", "cost", "minutes",
    "reason", "rule_id",
]  # fmt: skip


def assignment(codes, scores=None):
    """Return an assignment to tiers A, B, C."""
    tiers = tuple(Tier(i, name, name + "类") for i, name in enumerate("ABC"))
    ids = np.array([f"id{i}" for i in range(len(codes))], dtype=object)
    return TierAssignment(np.array(codes, dtype=np.int64), tiers, None, scores, ids, kind="test")


def mapper(rules, **changes):
    """Return a mapper with a playbook of these rules."""
    return StrategyMapper(Playbook.from_text(book(rules, **changes)))


ALL = {"tier": ["A", "B", "C"]}


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_customer_gets_actions_by_default(name, lang):
    """The default playbooks answer every customer, with the columns of the contract."""
    customers = make_customers()
    found = vt.get_segmenter(name).fit(customers).assign(customers)
    actions = StrategyMapper().map(found, lang=lang)
    assert list(actions)[: len(CONTRACT)] == CONTRACT
    assert set(actions["customer_id"]) == set(customers["customer_id"])
    assert actions["reason"].str.len().min() > 0
    assert list(actions["tier"].cat.categories) == [tier.label(lang) for tier in found.tiers]


def test_values_come_from_the_playbook():
    """Each row has the fields of its action; once is a missing cadence."""
    once = action(cadence_days=None, cost=7, contractual=True, needs_human_review=True)
    made = mapper([rule("all", {}, "call", "visit")], actions={"call": action(), "visit": once})
    table = made.map(assignment([0, 2]))
    assert table["customer_id"].tolist() == ["id0", "id0", "id1", "id1"]
    assert table["cost"].tolist() == [2.0, 7.0, 2.0, 7.0]
    assert table["minutes"].tolist() == [5.5] * 4
    assert table["cadence_days"].isna().tolist() == [False, True, False, True]
    assert table["contractual"].tolist() == [False, True, False, True]
    assert table["needs_human_review"].tolist() == [False, True, False, True]
    assert table["rule_id"].unique().tolist() == ["all"]


def test_first_rule_wins():
    """With hit policy first, later rules do not apply."""
    rules = [rule("a", {"tier": "A"}, "visit"), rule("rest", {}, "call")]
    table = mapper(rules, domain=ALL).map(assignment([0, 1]))
    assert table["rule_id"].tolist() == ["a", "rest"]


def test_collect_applies_all_rules():
    """With hit policy collect, every rule that holds gives its actions, in their order."""
    rules = [rule("a", {"tier": "A"}, "visit"), rule("all", {}, "call")]
    table = mapper(rules, domain=ALL, hit_policy="collect").map(assignment([1, 0]))
    assert table[["customer_id", "rule_id"]].to_numpy().tolist() == [
        ["id0", "all"], ["id1", "a"], ["id1", "all"],
    ]  # fmt: skip


def test_uncovered_customers_are_counted():
    """Customers without rule are an error that counts them by tier, never by id."""
    made = mapper([rule("a", {"tier": ["A"]})], domain={"tier": ["A"]})
    with pytest.raises(UncoveredTiersError, match=r"2 of 3 customers \(tier 'C': 2\)") as caught:
        made.map(assignment([0, 2, 2]))
    assert "id1" not in str(caught.value)


COUNTRY = [rule("cn", {"country": ["CN"]}, "call"), rule("rest", {}, "mail")]


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, lambda d: pl.DataFrame(d).lazy()])
def test_conditions_on_customer_columns(kind):
    """Rows of the customer table are found by id, whatever their order and kind of frame."""
    customers = kind({"customer_id": ["id1", "id0"], "country": ["CN", "DE"]})
    table = mapper(COUNTRY).map(assignment([0, 0]), customers)
    assert table["rule_id"].tolist() == ["rest", "cn"]


def test_missing_customer_columns_are_named():
    """A playbook that looks at a column says so when it is not there."""
    with pytest.raises(MissingColumnsError, match=r"looks at \['country'\].*Pass customers="):
        mapper(COUNTRY).map(assignment([0]))
    with pytest.raises(MissingColumnsError, match=r"do not have: \['city'\]"):
        mapper(COUNTRY).map(assignment([0]), pd.DataFrame({"city": ["x"]}))


def test_customers_that_do_not_fit_are_refused():
    """A table of other customers, or of another length without ids, is an error with counts."""
    other = pd.DataFrame({"customer_id": ["id0", "id9"], "country": ["CN", "CN"]})
    with pytest.raises(InvalidDataError, match="lacks 1 of 2 assigned customers"):
        mapper(COUNTRY).map(assignment([0, 0]), other)
    with pytest.raises(InvalidDataError, match="has 1 rows for 2 assigned customers"):
        mapper(COUNTRY).map(assignment([0, 0]), pd.DataFrame({"country": ["CN"]}))


def test_conditions_on_scores():
    """Rules may look at the score of the assignment."""
    rules = [rule("high", {"score": {">=": 10}}, "visit"), rule("low", {"score": {"<": 10}}, "call")]
    table = mapper(rules).map(assignment([0, 0], scores=np.array([10.0, 9.0])))
    assert table["rule_id"].tolist() == ["high", "low"]


def test_unknown_language():
    """Texts exist in English and Chinese."""
    with pytest.raises(InvalidParameterError, match="lang must be one of"):
        StrategyMapper().map(assignment([0]), lang="fr")


def test_mapper_from_yaml(tmp_path):
    """A playbook file becomes a mapper, whose repr names it."""
    path = tmp_path / "book.yaml"
    path.write_text(book([rule("all", {})]), encoding="utf-8")
    made = StrategyMapper.from_yaml(path)
    assert repr(made) == "StrategyMapper(playbook='test')"
    assert len(made.map(assignment([0, 1, 2]))) == 3


@given(codes=st.lists(st.integers(0, 2), min_size=1, max_size=30), seed=st.integers(0, 5))
def test_order_of_customers_changes_nothing(codes, seed):
    """A customer's actions do not depend on the rows around it."""
    rules = [
        rule("a", {"tier": "A"}, "visit", "call"),
        rule("b", {"tier": "B"}, "call"),
        rule("c", {}, "mail"),
    ]
    made = mapper(rules, domain=ALL)
    whole = made.map(assignment(codes))
    order = np.random.default_rng(seed).permutation(len(codes))
    full = assignment(codes)
    shuffled = TierAssignment(full.codes[order], full.tiers, None, None, full.ids[order], kind="test")
    again = made.map(shuffled)
    key = ["customer_id", "action_id"]
    pd.testing.assert_frame_equal(
        whole.sort_values(key).reset_index(drop=True), again.sort_values(key).reset_index(drop=True)
    )


def test_the_trend_playbook_tells_rising_from_falling():
    """A tier is served by where it is going; a customer too young for a trend counts as steady."""
    spend = [*np.linspace(9.0, 5.0, 6), 0.0]
    trend = [-0.5, 0.0, np.nan, 0.5, -0.5, 0.1, np.nan]
    customers = pd.DataFrame({"customer_id": range(7), "spend": spend, "trend": trend})
    cut = vt.ThresholdCut((8.5, 6.5), names=(("Vital", "重要"), ("Ordinary", "普通"), ("Small", "小")))
    assignment = vt.PyramidSegmenter(cut=cut).fit(customers).assign(customers)
    actions = vt.StrategyMapper(vt.Playbook.builtin("pyramid_by_trend")).map(assignment, customers)
    rules = actions.groupby("customer_id")["rule_id"].first().tolist()
    assert rules == [
        "key-falling", "ordinary", "ordinary", "ordinary-rising", "small", "small-rising", "no-value",
    ]  # fmt: skip
