"""Rules learned from experts' tiers: found again, validated, readable, complete and disjoint."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

import valuetier as vt
from tests.segmenters.customer_tables import make
from valuetier.segmenters.rule_learning import weighted_kappa
from valuetier.segmenters.rules import FEATURES

VIP = {"tier": ("VIP", "贵宾客户"), "when": {"spend": {">=": 500}}}
REST = {"tier": "Ordinary", "when": {}}


def _message(error: type[Exception], call) -> str:
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


def _judged(n: int = 400, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Return customers and the tiers that an expert's fixed lines give them."""
    customers = make(n, seed)
    expert = vt.RuleSegmenter(
        rules={
            "Gold": {"spend": {">=": 150}, "recency_days": {"<": 100}},
            "Silver": {"orders": {">=": 3}},
            "Iron": {},
        }
    ).fit(customers)
    return customers, np.array(expert.get_tier_names_out())[expert.predict(customers)]


def test_lines_of_an_expert_are_found_again():
    """A tree of three levels learns three lines, validates near perfectly and sorts unknown customers alike."""
    customers, tiers = _judged()
    learned = vt.RuleSegmenter().fit(customers, tiers)
    unseen, expected = _judged(500, seed=1)
    names = np.array(learned.get_tier_names_out())
    assert learned.get_tier_names_out()[0] == "Gold"
    assert (names[learned.predict(unseen)] == expected).mean() > 0.97
    assert learned.report_.accuracy > 0.95
    assert learned.report_.weighted_kappa > 0.9
    assert learned.report_.accuracy > learned.report_.majority_accuracy


def test_the_report_adds_up():
    """The confusion matrix holds every customer once; accuracy and kappa follow from it, as scikit-learn's."""
    customers, tiers = _judged(150)
    tiers = np.where(np.random.default_rng(0).random(150) < 0.2, "Iron", tiers)
    report = vt.RuleSegmenter(tiers=["Gold", "Silver", "Iron"]).fit(customers, tiers).report_
    matrix = report.confusion_matrix
    assert matrix.sum() == report.customers == sum(report.rule_customers) == 150
    assert matrix.sum(axis=1).tolist() == [int((tiers == t).sum()) for t in ("Gold", "Silver", "Iron")]
    assert report.accuracy == np.trace(matrix) / 150
    expert = np.repeat(np.repeat(range(3), 3), matrix.ravel())
    ruled = np.repeat(np.tile(range(3), 3), matrix.ravel())
    assert report.weighted_kappa == pytest.approx(cohen_kappa_score(expert, ruled, weights="quadratic"))
    assert re.fullmatch(
        r"150 customers, 5 folds: accuracy \d\d\.\d% \(commonest tier \d\d\.\d%\), weighted kappa 0\.\d\d",
        str(report),
    )


def test_random_tiers_are_not_learned():
    """Where experts threw dice, the cross-validated kappa is near zero: nothing is promised."""
    rng = np.random.default_rng(3)
    report = vt.RuleSegmenter().fit(make(600), rng.integers(0, 3, 600)).report_
    assert abs(report.weighted_kappa) < 0.15
    assert report.accuracy < 0.45


@given(
    seed=st.integers(0, 10**6),
    depth=st.integers(1, 4),
    n=st.integers(4, 40),
    kinds=st.integers(2, 4),
)
@settings(max_examples=40)
def test_learned_rules_are_complete_and_disjoint(seed, depth, n, kinds):
    """Exactly one learned rule holds for any customer, near or far; given as fixed rules they are proved."""
    rng = np.random.default_rng(seed)
    customers = pd.DataFrame(rng.integers(0, 8, (n, 3)) * 1.5, columns=FEATURES)
    y = np.append([0, 1], rng.integers(0, kinds, n - 2))
    learned = vt.RuleSegmenter(max_depth=depth, min_customers=1).fit(customers, y)
    anyone = pd.DataFrame(rng.normal(5, 6, (300, 3)), columns=FEATURES)
    if sum(len(rule.when) for rule in learned.rules_):
        fixed = vt.RuleSegmenter(rules=learned.rules_, tiers=learned.tiers_, hit_policy="unique").fit(
            customers
        )
        used = list(dict.fromkeys(c for rule in learned.rules_ for c in rule.when))
        assert fixed.predict(anyone[used]).tolist() == learned.predict(anyone).tolist()


def test_learning_does_not_depend_on_order_unit_or_magnitude():
    """Shuffled customers and amounts times a power of ten teach the same tiers."""
    customers, tiers = _judged(200)
    order = np.random.default_rng(5).permutation(200)
    one = vt.RuleSegmenter().fit(customers, tiers)
    other = vt.RuleSegmenter().fit(customers.iloc[order], tiers[order])
    assert one.version() == other.version()
    assert one.report_.confusion_matrix.tolist() == other.report_.confusion_matrix.tolist()
    huge = customers.assign(spend=customers["spend"] * 1e200)
    assert vt.RuleSegmenter().fit(huge, tiers).predict(huge).tolist() == one.predict(customers).tolist()


def test_deeper_rules_fit_closer_and_small_groups_are_refused():
    """``max_depth`` bounds the comparisons of a rule, ``min_customers`` the customers behind it."""
    customers, tiers = _judged(300)
    shallow = vt.RuleSegmenter(max_depth=1).fit(customers, tiers)
    assert len(shallow.rules_) == 2
    coarse = vt.RuleSegmenter(min_customers=60).fit(customers, tiers)
    assert min(coarse.report_.rule_customers) >= 60


def test_tiers_come_as_names_codes_or_categories():
    """Numbers: the smallest is the best. Categories: in their order. Names alone: by mean spend."""
    customers, names = _judged(200)
    codes = pd.Series(names).map({"Gold": 1, "Silver": 2, "Iron": 3})
    by_number = vt.RuleSegmenter().fit(customers, codes)
    assert by_number.get_tier_names_out() == ["High", "Medium", "Low"]
    upside_down = pd.Categorical(names, ["Iron", "Silver", "Gold"], ordered=True)
    assert vt.RuleSegmenter().fit(customers, upside_down).get_tier_names_out() == ["Iron", "Silver", "Gold"]
    by_orders = vt.RuleSegmenter(order_by="T").fit(customers, names).get_tier_names_out()
    means = customers.groupby(names)["T"].mean().sort_values(ascending=False)
    assert by_orders == list(means.index)
    pairs = [("Gold", "金"), ("Silver", "银"), ("Iron", "铁")]
    named = vt.RuleSegmenter(tiers=pairs).fit(customers, names)
    assert named.get_tier_names_out("zh") == ["金", "银", "铁"]
    assert named.predict(customers).tolist() == by_number.predict(customers).tolist()
    positions = vt.RuleSegmenter(tiers=pairs).fit(customers, codes - 1)
    assert positions.version() == named.version()
    polars = vt.RuleSegmenter(tiers=pairs).fit(pl.from_pandas(customers), pl.Series(names))
    assert polars.version() == named.version()


def test_customers_without_an_experts_tier_are_left_out():
    """A missing tier teaches nothing; these customers are sorted like unknown ones."""
    customers, names = _judged(300)
    some = names.astype(object)
    some[200:] = None
    part = vt.RuleSegmenter().fit(customers, some)
    assert part.report_.customers == 200
    assert part.version() == vt.RuleSegmenter().fit(customers[:200], names[:200]).version()
    assert len(part.predict(customers)) == 300


def test_missing_tiers_may_be_written_in_any_way():
    """None, NaN and pandas' NA among names are no tier of their own, in a list as in an array."""
    customers, names = _judged(120)
    expected = vt.RuleSegmenter().fit(customers[10:], names[10:])
    for missing in (None, float("nan"), pd.NA):
        some = [missing] * 10 + names[10:].tolist()
        for y in (some, tuple(some), np.array(some, dtype=object), pd.Series(some)):
            assert vt.RuleSegmenter().fit(customers, y).version() == expected.version()


@pytest.mark.parametrize("kind", [np.asarray, pd.Series, list, lambda y: pd.array(y, dtype="boolean")])
def test_yes_and_no_are_names(kind):
    """Truth values are no numbers of which the smallest is the best: yes stands first, having the higher mean."""
    customers = make(200)
    vip = (customers["spend"] > customers["spend"].median()).to_numpy()
    learned = vt.RuleSegmenter(features=["spend"]).fit(customers, kind(vip))
    assert learned.get_tier_names_out() == ["True", "False"]
    assert (learned.predict(customers) == ~vip).mean() > 0.97


def test_tiers_may_be_named_in_chinese_or_be_categories_of_numbers():
    """Experts write either name of a tier; codes remain codes when they are categories."""
    customers, names = _judged(200)
    pairs = [("Gold", "金"), ("Silver", "银"), ("Iron", "铁")]
    expected = vt.RuleSegmenter(tiers=pairs).fit(customers, names)
    chinese = pd.Series(names).map(dict(pairs))
    codes = pd.Series(names).map({"Gold": 0, "Silver": 1, "Iron": 2})
    for y in (chinese, chinese.astype("category"), codes, codes.astype("category")):
        assert vt.RuleSegmenter(tiers=pairs).fit(customers, y).version() == expected.version()
    some = codes.astype("category").where(np.arange(200) >= 10)
    assert vt.RuleSegmenter().fit(customers, some).report_.customers == 190
    assert vt.RuleSegmenter().fit(customers, some).get_tier_names_out() == ["High", "Medium", "Low"]


def test_an_array_needs_the_ordering_column_once():
    """A feature that also orders the tiers stands in an array once; another one follows the features."""
    customers, names = _judged(100)
    by_name = vt.RuleSegmenter().fit(customers, names)
    array = customers[list(FEATURES)].to_numpy()
    learned = vt.RuleSegmenter().fit(array, names)
    assert learned.rules_ == by_name.rules_
    assert learned.predict(array).tolist() == by_name.predict(customers).tolist()
    also = vt.RuleSegmenter(features=FEATURES[:2])
    assert also.fit(array, names).rules_ == also.fit(customers, names).rules_


def test_given_rules_win_over_tiers():
    """With rules, y is not looked at: a pipeline may pass one."""
    customers, names = _judged(50)
    rules = vt.RuleSegmenter(rules=[VIP, REST]).fit(customers, names)
    assert rules.get_tier_names_out() == ["VIP", "Ordinary"]
    assert rules.report_ is None


@pytest.mark.parametrize(
    ("y", "tiers", "message"),
    [
        (["A"] * 9, None, "y must have one tier per customer: 50 customers, 9 tiers."),
        (
            ["A"] * 48 + [None] * 2,
            None,
            "y must tell at least two tiers apart, got 1 in 48 known tiers. Pass the experts' tiers of more customers.",
        ),
        (
            ["A", "B"] * 25,
            ["A", "C"],
            "y: 25 of 50 tiers are none of ['A', 'C']. Correct them, or list them in tiers.",
        ),
        (
            [1, 2] * 25,
            ["A", "C"],
            "y: 25 of 50 tiers are none of [0, 1]. Correct them, or list them in tiers.",
        ),
    ],
)
def test_tiers_that_cannot_be_learned_are_refused(y, tiers, message):
    """Each message has the counts and the way out."""
    assert _message(vt.InvalidDataError, lambda: vt.RuleSegmenter(tiers=tiers).fit(make(50), y)) == message


@pytest.mark.parametrize(("name", "value"), [("max_depth", 0), ("min_customers", 2.5)])
def test_growth_needs_whole_numbers(name, value):
    """Depth and group size are whole numbers from 1."""
    text = _message(
        vt.InvalidParameterError, lambda: vt.RuleSegmenter(**{name: value}).fit(make(50), [0, 1] * 25)
    )
    assert text == f"{name} must be a whole number ≥ 1, got {value!r}."


def test_learned_rules_are_stored_with_their_report(tmp_path):
    """Loaded, they sort, describe and report as before; only rules and counts are in the file."""
    customers, tiers = _judged(200)
    learned = vt.RuleSegmenter().fit(customers, tiers)
    learned.save(tmp_path / "rules.json")
    loaded = vt.load(tmp_path / "rules.json")
    assert loaded.describe("zh") == learned.describe("zh")
    assert loaded.predict(make(300, seed=9)).tolist() == learned.predict(make(300, seed=9)).tolist()
    assert loaded.report_.confusion_matrix.tolist() == learned.report_.confusion_matrix.tolist()
    given_rules = vt.RuleSegmenter(rules=[VIP, REST]).fit(customers)
    given_rules.save(tmp_path / "given.json")
    assert vt.load(tmp_path / "given.json").describe() == given_rules.describe()


def test_experts_who_agree_by_chance_have_no_kappa():
    """Cohen's example of weights: full disagreement at the ends is worse than chance."""
    assert weighted_kappa(np.array([[0, 0, 5], [0, 0, 0], [5, 0, 0]])) == pytest.approx(-1.0)


def test_rules_are_learned_from_something():
    """No feature is no table to learn from."""
    text = _message(
        vt.InvalidParameterError, lambda: vt.RuleSegmenter(features=()).fit(make(50), [0, 1] * 25)
    )
    assert text == "features must name at least one column, got ()."


def test_an_interval_is_written_from_below():
    """Two lines on one column read as an interval: from the lower bound to below the upper one."""
    spend = np.arange(60.0)
    middle = np.where((spend >= 20) & (spend < 40), "Middle", "Ends")
    learned = vt.RuleSegmenter(features=["spend"], tiers=["Middle", "Ends"]).fit(
        pd.DataFrame({"spend": spend}), middle
    )
    assert learned.describe()[0] == "spend ≥ 20 and spend < 40 → Middle"
