"""The disparity report: shares by hand and by scipy, small groups left alone, nobody's data told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats

import valuetier as vt
from valuetier._core.rates import newcombe, wilson
from valuetier.evaluate import disparity

N = 1000


@pytest.fixture(scope="module")
def assignment():
    """Return 1,000 customers, the best fifth in the top tier."""
    spend = np.random.default_rng(0).permutation(np.arange(1.0, N + 1))
    customers = pd.DataFrame({"customer_id": [f"c{i:04d}" for i in range(N)], "spend": spend})
    return vt.PyramidSegmenter(preset="hml").fit(customers).assign(customers)


@pytest.fixture(scope="module")
def groups(assignment):
    """Return groups: A has most of the top, B few of it, ten are tiny, and some say nothing."""
    top = assignment.codes == 0
    names = np.where(np.random.default_rng(1).random(N) < np.where(top, 0.85, 0.5), "A", "B").astype(object)
    names[:10] = "tiny"
    names[10:60] = None
    return names


def _row(table: pd.DataFrame, group: str) -> pd.Series:
    return table.set_index("group").loc[group]


def test_shares_ratio_and_test_by_hand(assignment, groups):
    """Share of the top, ratio to the best group, difference to all others and its test are those of the counts."""
    table = disparity(assignment, groups).to_frame()
    top = assignment.codes == 0
    mine = np.array([name == "B" for name in groups])
    row = _row(table, "B")
    assert (row["customers"], row["selected"]) == (mine.sum(), (mine & top).sum())
    assert row["share"] == pytest.approx(top[mine].mean())
    best = top[[name == "A" for name in groups]].mean()
    assert row["ratio"] == pytest.approx(top[mine].mean() / best)
    assert row["difference"] == pytest.approx(top[mine].mean() - top[~mine].mean())
    counts = [[(mine & top).sum(), (mine & ~top).sum()], [(~mine & top).sum(), (~mine & ~top).sum()]]
    assert row["p_value"] == pytest.approx(stats.chi2_contingency(counts, correction=False).pvalue)
    assert row["mean_tier"] == pytest.approx(assignment.codes[mine].mean())
    assert row["mean_score"] == pytest.approx(assignment.scores[mine].mean())


def test_who_has_far_less_is_named(assignment, groups):
    """B is below four fifths and below all others by more than chance, and the words say both."""
    found = disparity(assignment, groups)
    row = _row(found.to_frame(), "B")
    assert row["below_four_fifths"]
    assert row["outcome"] == "less often"
    assert f"Look into B: {100 * row['share']:.1f} %, {row['ratio']:.2f} times that of A" in str(found)
    assert "须查明原因：“B”" in found.verdict("zh")
    assert _row(found.to_frame(lang="zh"), "B")["outcome"] == "比例偏低"


def test_equal_groups_are_fine(assignment):
    """Where every third customer by spend is of one group, none is named."""
    names = np.array(["north", "south", "east"])[np.argsort(np.argsort(assignment.scores)) % 3]
    found = disparity(assignment, names)
    assert found.to_frame()["outcome"].eq("no difference can be shown").all()
    assert "No group is below four fifths" in str(found)
    assert "没有一组低于最高比例的五分之四" in found.verdict("zh")


def test_false_findings_are_as_rare_as_they_say(assignment):
    """Of 200 reports on eight groups by lot, about one in twenty names any group."""
    rng = np.random.default_rng(3)
    named = sum(
        not disparity(assignment, rng.integers(0, 8, N))
        .to_frame()["outcome"]
        .eq("no difference can be shown")
        .all()
        for _ in range(200)
    )
    assert named <= stats.binom.ppf(0.999, 200, 0.05)


def test_below_four_fifths_by_chance_is_told_apart(assignment):
    """A small shortfall of a group of forty is named as below four fifths that chance may make."""
    top = np.flatnonzero(assignment.codes == 0)
    rest = np.flatnonzero(assignment.codes > 0)
    names = np.full(N, "others", dtype=object)
    names[np.concatenate([top[:5], rest[:35]])] = "forty"
    found = disparity(assignment, names)
    row = _row(found.to_frame(), "forty")
    assert row["below_four_fifths"]
    assert row["outcome"] == "no difference can be shown"
    assert "forty: 12.5 %" in str(found)
    assert "no shortfall beyond chance can be shown" in str(found)
    assert "看不出超出偶然的不足" in found.verdict("zh")


def test_exactly_four_fifths_is_not_below():
    """A share of 1 in 50 is four fifths of 1 in 40, whatever the last bits of the quotient."""
    assert (1 / 50) / (1 / 40) < 0.8
    customers = pd.DataFrame({"customer_id": np.arange(200), "spend": 1000.0 - np.arange(200)})
    tiers = vt.PyramidSegmenter(preset="hml").fit(customers).assign(customers)
    top, rest = np.flatnonzero(tiers.codes == 0), np.flatnonzero(tiers.codes > 0)
    names = np.full(200, None, dtype=object)
    for name, n, first in (("fifty", 50, 0), ("forty", 40, 50)):
        names[top[first // 50]] = name
        names[rest[first : first + n - 1]] = name
    row = _row(disparity(tiers, names).to_frame(), "fifty")
    assert (row["share"], row["ratio"]) == (0.02, 0.8)
    assert not row["below_four_fifths"]


def test_little_less_is_told_apart(assignment):
    """A difference beyond chance within four fifths is named as that."""
    customers = pd.DataFrame({"customer_id": np.arange(40_000), "spend": np.arange(40_000.0) + 1})
    tiers = vt.PyramidSegmenter(preset="hml").fit(customers).assign(customers)
    top = tiers.codes == 0
    names = np.where(np.random.default_rng(4).random(len(top)) < np.where(top, 0.53, 0.5), "A", "B")
    found = disparity(tiers, names)
    row = _row(found.to_frame(), "B")
    assert row["outcome"] == "less often"
    assert not row["below_four_fifths"]
    assert "yet not below four fifths of A" in str(found)
    assert "但未低于“A”的五分之四" in found.verdict("zh")


def test_small_and_missing_groups_are_rows_without_a_verdict(assignment, groups):
    """Ten customers are too few to say; those who say nothing are counted and not the measure of others."""
    found = disparity(assignment, groups)
    table = found.to_frame()
    assert table["group"].tolist()[-1] == "(not stated)"
    assert table["customers"].sum() == N
    tiny = _row(table, "tiny")
    assert tiny["outcome"] == "too small to say"
    assert np.isnan(tiny["p_value"])
    assert np.isnan(tiny["ratio"])
    assert "Fewer than 30 customers, too few to say anything: tiny (10)" in str(found)
    assert "for 50 no group is stated" in str(found)
    assert found.to_frame(lang="zh")["group"].tolist()[-1] == "（未说明）"
    assert "Every group has fewer than 2000 customers" in str(
        disparity(assignment, groups, min_customers=2000)
    )


def test_actions_by_group(assignment, groups):
    """Price-affecting actions, minutes and cost are those of the action table, per customer of the group."""
    actions = vt.StrategyMapper().map(assignment)
    found = disparity(assignment, groups, actions=actions)
    mine = assignment.ids[[name == "B" for name in groups]]
    own = actions[actions["customer_id"].isin(mine)]
    price = _row(found.to_frame("price"), "B")
    assert price["selected"] == own.loc[own["affects_price"], "customer_id"].nunique()
    assert price["minutes"] == pytest.approx(own["minutes"].sum() / len(mine))
    assert price["cost"] == pytest.approx(own["cost"].sum() / len(mine))
    assert "An action that affects the price goes to" in str(found)
    assert "Service for a customer: from" in str(found)
    assert "影响价格的动作" in found.verdict("zh")
    alone = disparity(assignment, groups).to_frame()
    assert _row(found.to_frame(), "B")["p_adjusted"] >= _row(alone, "B")["p_adjusted"]
    few = disparity(assignment, groups, actions=actions.head(1)).to_frame("price")
    assert few["selected"].sum() == int(actions["affects_price"].iloc[0])


def test_actions_of_other_customers_are_refused(assignment, groups):
    """A table of actions in which nobody is known is another table; one without rows is none for anybody."""
    actions = vt.StrategyMapper().map(assignment)
    strangers = actions.assign(customer_id=np.arange(len(actions)))
    with pytest.raises(
        vt.InvalidDataError, match=r"actions: none of \d+ rows is of one of the 1000 customers"
    ):
        disparity(assignment, groups, actions=strangers)
    nothing = disparity(assignment, groups, actions=actions.head(0))
    assert nothing.overall["price"] == 0.0
    assert "An action that affects the price goes to 0.0 % of all customers.\n" in str(nothing)
    assert "Service for a customer" not in str(nothing)
    assert "0.0% 的客户会得到影响价格的动作。\n" in nothing.verdict("zh")


def test_the_largest_share_is_named_where_shares_differ(assignment, groups):
    """Where all have the same share none has the largest."""
    assert "the largest share is that of A" in str(disparity(assignment, groups))
    assert "比例最高的是“A”" in disparity(assignment, groups).verdict("zh")
    assert "largest share is that of" not in str(disparity(assignment, ["A"] * N))


def test_kinds_of_groups_agree(assignment, groups):
    """A table, a Series by id, a mapping and an array in order say the same; other customers do not count."""
    expected = disparity(assignment, groups).to_frame()
    table = pd.DataFrame({"customer_id": assignment.ids, "region": groups, "other": 1}).sample(
        frac=1, random_state=0
    )
    more = pd.concat([table, pd.DataFrame({"customer_id": ["x"], "region": ["A"], "other": [1]})])
    series = pd.Series(groups, index=assignment.ids).iloc[::-1]
    for given, column in (
        (more, "region"),
        (pl.from_pandas(more), "region"),
        (more[["customer_id", "region"]], None),
        (series, None),
        (series.to_dict(), None),
        (pd.Series(groups), None),
        (groups.tolist(), None),
    ):
        pd.testing.assert_frame_equal(disparity(assignment, given, column=column).to_frame(), expected)


def test_a_named_index_goes_by_id():
    """A Series whose index is called customer_id, or does not begin at 0, is read by id, not by row."""
    customers = pd.DataFrame({"customer_id": np.arange(1, 101), "spend": np.arange(1.0, 101.0)})
    tiers = vt.PyramidSegmenter(preset="hml").fit(customers).assign(customers)
    late = np.array(["early"] * 50 + ["late"] * 50)
    backwards = pd.Series(late[::-1], index=pd.RangeIndex(100, 0, -1))
    named = pd.Series(["x", *late], index=pd.RangeIndex(101, name="customer_id"))
    expected = disparity(tiers, late).to_frame()
    for given in (backwards, named):
        pd.testing.assert_frame_equal(disparity(tiers, given).to_frame(), expected)


def test_numbers_name_groups_as_they_are_written(assignment):
    """Whole numbers that missing values turned into floats lose their point."""
    codes = np.where(np.arange(N) < 100, np.nan, np.arange(N) % 2)
    table = disparity(assignment, codes).to_frame()
    assert sorted(table["group"]) == ["(not stated)", "0", "1"]


def test_more_tiers_may_be_the_top(assignment, groups):
    """With two top tiers the share is that of both."""
    found = disparity(assignment, groups, top_tiers=2)
    assert found.overall["top"] == pytest.approx((assignment.codes < 2).mean())
    assert "In the top (High, Medium)" in str(found)


def test_published_intervals():
    """Wilson and Newcombe (1998): his examples, and no interval of nobody."""
    assert wilson(15, 148, 0.95) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 20, 0.95) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert newcombe(9, 10, 3, 10, 0.95) == pytest.approx((0.1705, 0.8090), abs=5e-5)
    assert np.isnan(wilson(0, 0, 0.95)).all()
    assert np.isnan(newcombe(1, 2, 0, 0, 0.95)).all()


@pytest.mark.parametrize(
    ("groups", "options", "error", "message"),
    [
        (["A"], {}, vt.InvalidDataError, "groups has 1 entries for 1000 customers. Pass one for each in the order"),
        ({"zed": "A"}, {}, vt.InvalidDataError, "groups: none of 1000 customers has one"),
        (pd.DataFrame({"customer_id": ["c1"], "a": [1], "b": [2]}), {}, vt.MissingColumnsError, r"groups has the columns \['a', 'b'\]\. Name the one"),
        (pd.DataFrame({"customer_id": ["c1"], "region": [1]}), {"column": "regoin"}, vt.MissingColumnsError, r"groups lacks \['regoin'\]\. .* Did you mean 'region'\?"),
        (pd.DataFrame({"region": [1]}), {}, vt.MissingColumnsError, r"groups lacks \['customer_id'\]"),
        (pd.DataFrame({"customer_id": ["c1", "c1"], "region": [1, 2]}), {}, vt.InvalidDataError, "1 of 2 rows repeat a customer"),
        (pd.Series(["A", "B"], index=["c1", "c1"]), {}, vt.InvalidDataError, "the index names a customer twice"),
        (["A"] * N, {"top_tiers": 4}, vt.InvalidParameterError, "top_tiers must be below the number of tiers, 4, got 4"),
        (["A"] * N, {"top_tiers": 0}, vt.InvalidParameterError, "top_tiers must be a whole number ≥ 1, got 0"),
        (["A"] * N, {"min_customers": 0}, vt.InvalidParameterError, "min_customers must be a whole number ≥ 1"),
        (["A"] * N, {"level": 95}, vt.InvalidParameterError, r"level must be a share in \(0, 1\), got 95"),
        (["A"] * N, {"actions": 3}, vt.InvalidDataError, "actions must be a table of actions, as StrategyMapper.map returns it, got a int"),
        (["A"] * N, {"actions": pd.DataFrame({"customer_id": ["c1"]})}, vt.MissingColumnsError, r"actions lacks \['affects_price', 'minutes', 'cost'\]"),
    ],
)  # fmt: skip
def test_what_cannot_be(assignment, groups, options, error, message):
    """What is passed must name customers and one group each; messages tell counts and columns only."""
    with pytest.raises(error, match=message):
        disparity(assignment, groups, **options)


def test_one_group_has_nobody_to_compare_with(assignment):
    """Where all are of one group there is no other, no test, and no difference."""
    found = disparity(assignment, ["A"] * N)
    row = found.to_frame().iloc[0]
    assert np.isnan(row["difference"])
    assert row["outcome"] == "no difference can be shown"


def test_price_needs_actions(assignment, groups):
    """Without actions there is no table of them."""
    with pytest.raises(vt.InvalidParameterError, match=r"about must be one of \['top'\], got 'price'"):
        disparity(assignment, groups).to_frame("price")
