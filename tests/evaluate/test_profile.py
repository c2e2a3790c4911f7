"""Which attributes mark a tier."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import stats

from tests.evaluate.made_customers import TIERS, assigned, made
from valuetier import InvalidDataError, InvalidParameterError, MissingColumnsError
from valuetier.evaluate import profile


@pytest.fixture(scope="module")
def example():
    return made()


def test_numeric_marks_are_those_of_scipy(example):
    """Effect and p-value come from Mann and Whitney's U; medians and missing values are the tier's."""
    tiers, table, _ = example
    table = table.assign(income=table["income"].where(np.arange(len(table)) % 7 != 0))
    found = profile(tiers, table)
    for mark in (one for one in found.marks if one.attribute == "income"):
        inside, outside = (
            table["income"][side] for side in (tiers.codes == mark.tier.code, tiers.codes != mark.tier.code)
        )
        test = stats.mannwhitneyu(inside.dropna(), outside.dropna(), method="asymptotic")
        assert mark.p_value == pytest.approx(test.pvalue, rel=1e-9)
        assert mark.effect == pytest.approx(2 * test.statistic / (inside.count() * outside.count()) - 1)
        assert (mark.inside, mark.outside) == (inside.median(), outside.median())
        assert (mark.customers, mark.missing) == (inside.count(), inside.isna().sum())
        assert mark.low < mark.effect < mark.high
    income = next(test for test in found.tests if test.attribute == "income")
    groups = [table["income"][tiers.codes == code].dropna() for code in range(3)]
    assert income.statistic == pytest.approx(stats.kruskal(*groups).statistic)
    assert (income.known, income.missing) == (table["income"].count(), table["income"].isna().sum())


def test_levels_are_those_of_the_cross_table(example):
    """Shares, lift, difference and chi-square of a level are those of the two by two table."""
    tiers, table, _ = example
    mark = next(one for one in profile(tiers, table).marks if one.tier.code == 0 and one.level == "app")
    cross = pd.crosstab(tiers.codes != 0, table["channel"] != "app").to_numpy()
    assert mark.inside == pytest.approx(cross[0, 0] / cross[0].sum())
    assert mark.outside == pytest.approx(cross[1, 0] / cross[1].sum())
    assert mark.effect == pytest.approx(mark.difference)
    assert mark.lift == pytest.approx(mark.inside / (table["channel"] == "app").mean())
    assert mark.p_value == pytest.approx(stats.chi2_contingency(cross, correction=False).pvalue)
    channel = next(test for test in profile(tiers, table).tests if test.attribute == "channel")
    every = pd.crosstab(table["channel"], tiers.codes).to_numpy()
    assert channel.effect == pytest.approx(stats.contingency.association(every, method="cramer"))


def test_p_values_are_corrected_for_their_number(example):
    """Holm: the smallest counts as often as there are marks, and none is smaller than before."""
    tiers, table, _ = example
    found = profile(tiers, table)
    smallest = min(found.marks, key=lambda mark: mark.p_value)
    assert smallest.p_adjusted == pytest.approx(min(1, smallest.p_value * len(found.marks)))
    assert all(mark.p_adjusted >= mark.p_value for mark in found.marks)
    assert all(test.p_adjusted >= test.p_value for test in found.tests)


def test_what_tells_leaves_noise_out(example):
    """The best tier is marked by what it was made of, the largest effect first, and not by noise."""
    tiers, table, _ = example
    telling = profile(tiers, table).telling(TIERS[0])
    assert {mark.attribute for mark in telling} == {"income", "channel"}
    effects = [abs(mark.effect) for mark in telling]
    assert effects == sorted(effects, reverse=True)


def test_order_of_customers_changes_nothing(example):
    """Neither the order of the table nor that of the assignment, not even for the halves."""
    tiers, table, value = example
    order = np.random.default_rng(9).permutation(len(table))
    there = profile(
        assigned(tiers.codes[order], tiers.ids[order]), table.sample(frac=1, random_state=3), value[order]
    )
    here = profile(tiers, table, value)
    assert here.tests == there.tests
    assert here.rules == there.rules
    pd.testing.assert_frame_equal(here.to_frame(), there.to_frame())


def test_every_kind_of_frame_says_the_same(example):
    """pandas, Polars eager and lazy, PyArrow and DuckDB."""
    tiers, table, value = example
    here = profile(tiers, table, value)
    relation = duckdb.connect().from_df(table)
    for other in (pl.from_pandas(table), pl.from_pandas(table).lazy(), pa.Table.from_pandas(table), relation):
        there = profile(tiers, other, value)
        assert here.rules == there.rules
        pd.testing.assert_frame_equal(here.to_frame(), there.to_frame())


def test_categories_are_levels():
    """Categories of pandas and Polars, numbers among them, and text say the same."""
    rng = np.random.default_rng(6)
    area, codes = rng.integers(1, 4, 600), rng.integers(0, 3, 600)
    table = pd.DataFrame({"customer_id": np.arange(600), "area": area})
    here = profile(assigned(codes), table, categorical=["area"]).to_frame()
    assert set(here["level"]) == {"1", "2", "3"}
    others = (
        table.assign(area=table["area"].astype("category")),
        table.assign(area=table["area"].astype(str)),
        pl.from_pandas(table).with_columns(pl.col("area").cast(pl.String).cast(pl.Categorical)),
        pl.from_pandas(table).with_columns(pl.col("area").cast(pl.String).cast(pl.Enum(["3", "2", "1"]))),
    )
    for other in others:
        pd.testing.assert_frame_equal(profile(assigned(codes), other).to_frame(), here)


def test_another_unit_changes_no_effect(example):
    """Income in cents has the same effects and tests."""
    tiers, table, _ = example
    here = profile(tiers, table).to_frame()
    there = profile(tiers, table.assign(income=table["income"] * 100)).to_frame()
    same = ["tier", "attribute", "lift", "effect", "low", "high", "p_adjusted"]
    pd.testing.assert_frame_equal(here[same], there[same])


def test_customers_on_one_side_only_are_counted(example):
    """Those without a row and those without a tier are left out, counted and told."""
    tiers, table, _ = example
    part = pd.concat([table.iloc[:1_000], table.iloc[:5].assign(customer_id=[-1, -2, -3, -4, -5])])
    found = profile(tiers, part)
    assert found.customers.sum() == 3_000
    assert found.matched.sum() == 1_000
    assert found.strangers == 5
    assert found.tests[0].known == 1_000
    assert found.verdict().startswith(
        "1,000 of 3,000 customers have attributes. 5 in the table are in no tier"
    )
    assert "另有 5 位不属于任何层级" in found.verdict("zh")


def test_missing_values_are_told(example):
    """A missing value takes part in no test and is counted; who has none of an attribute is no group of its own."""
    tiers, table, _ = example
    table = table.assign(channel=table["channel"].where(np.arange(len(table)) >= 300), empty=np.nan)
    found = profile(tiers, table)
    assert "Missing: channel for 300, empty for 3,000." in found.verdict()
    assert "缺失值：channel 300 位，empty 3,000 位。" in found.verdict("zh")
    empty = found.tests[-1]
    assert (empty.known, empty.missing) == (0, 3_000)
    assert np.isnan(empty.p_value)
    assert not any(mark.attribute == "empty" for mark in found.marks)


@pytest.mark.parametrize("kind", ["boolean", object])
def test_booleans_have_one_mark_per_tier(kind):
    """Yes and no say the same; only yes is compared, missing ones aside."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, 900)
    member = pd.array(np.where(codes == 0, rng.random(900) < 0.9, rng.random(900) < 0.2), dtype="boolean")
    member[:4] = pd.NA
    found = profile(
        assigned(codes), pd.DataFrame({"customer_id": np.arange(900), "member": member.astype(kind)})
    )
    assert [(mark.tier.code, mark.level, mark.level_zh) for mark in found.marks] == [
        (i, "yes", "是") for i in range(3)
    ]
    assert found.tests[0].missing == 4
    assert "member = yes is more frequent (9" in found.verdict()
    assert "member = 是 的比例较高（9" in found.verdict("zh")
    rule = next(one for one in found.rules if one.tier == TIERS[0])
    assert rule.condition() == "member = yes"


def test_two_levels_say_the_same():
    """Of two levels the rarer is compared: the other has the opposite effect. Rules may use both."""
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 2, 500)
    plan = np.where(rng.random(500) < np.where(codes == 0, 0.9, 0.5), "basic", "extra")
    found = profile(assigned(codes), pd.DataFrame({"customer_id": np.arange(500), "plan": plan}))
    assert [(mark.tier.code, mark.level, mark.effect < 0) for mark in found.marks] == [
        (0, "extra", True),
        (1, "extra", False),
    ]
    assert [rule.condition() for rule in found.rules] == ["plan = basic", "plan = extra"]


def test_rare_levels_are_put_together():
    """Beyond nineteen levels the rarest are one, and every customer still counts."""
    rng = np.random.default_rng(1)
    level = rng.geometric(0.08, 4_000)
    found = profile(
        assigned(rng.integers(0, 3, 4_000)),
        pd.DataFrame({"customer_id": np.arange(4_000), "area": level}),
        categorical=["area"],
    )
    top = [mark for mark in found.marks if mark.tier.code == 0]
    assert len(top) == 20
    assert top[-1].level == "all others"
    assert top[-1].level_zh == "其余各类"
    assert top[0].level == "1"
    assert sum(mark.inside for mark in top) == pytest.approx(1)


def test_small_counts_are_not_trusted_to_chi_square():
    """With few customers the test of an attribute says that it used random tables."""
    codes = [0] * 6 + [1] * 6
    found = profile(assigned(codes), pd.DataFrame({"customer_id": range(12), "plan": list("aaaaabbbbbbb")}))
    assert found.tests[0].test == "chi-square, random tables"
    assert found.marks[0].p_value == pytest.approx(stats.fisher_exact([[5, 1], [0, 6]]).pvalue)


def test_tiers_without_customers_are_told():
    """A tier that nobody in the table belongs to has no mark and says so; one without customers is silent."""
    tiers = assigned([0] * 50 + [1] * 50 + [2] * 50)
    table = pd.DataFrame({"customer_id": range(100), "age": np.arange(100) % 37})
    found = profile(tiers, table)
    assert {mark.tier.code for mark in found.marks} == {0, 1}
    assert "Low: nobody in the table of attributes." in found.verdict()
    assert "“低级”层：属性表中没有该层客户。" in found.verdict("zh")


def test_verdict_tells_what_marks_a_tier(example):
    """Medians, shares, sizes and directions in both languages; nothing where there is nothing."""
    tiers, table, value = example
    found = profile(tiers, table, value)
    lines = str(found).splitlines()
    assert lines[1].startswith("Top (600 customers): income is higher (median ")
    assert "channel = app is more frequent (" in lines[1]
    assert lines[3].startswith("Low (1,500 customers): ")
    assert "income is lower (median " in lines[3]
    assert lines[-1].startswith("Confirmed on the half of the customers they were not found on: ")
    assert "income 较高（中位数 " in found.verdict("zh")
    assert "经另一半客户（未用于寻找规则）验证：" in found.verdict("zh")
    nothing = profile(tiers, table, columns=["noise"])
    assert "Top (600 customers): no attribute can be shown to mark it by more than a trifle." in str(nothing)
    assert "No rule of one or two conditions could be confirmed" in str(nothing)
    assert "没有发现能够明显区分该层的属性" in nothing.verdict("zh")


def test_tables_of_results(example):
    """One row per mark, attribute and rule, in both languages."""
    tiers, table, value = example
    found = profile(tiers, table, value)
    assert list(found.to_frame()) == [
        "tier", "attribute", "level", "customers", "missing", "inside", "outside", "difference",
        "lift", "effect", "low", "high", "p_value", "p_adjusted",
    ]  # fmt: skip
    assert len(found.to_frame("zh")) == 3 * (1 + 3 + 1)
    assert found.tests_frame()["attribute"].tolist() == ["income", "channel", "noise"]
    rules = found.rules_frame("zh")
    assert rules["target"].tolist()[:2] == ["价值", "顶级"]
    assert rules["confirmed"].iloc[0]
    assert found.rules_frame()["target"].iloc[0] == "value"


def test_ids_of_several_types():
    """Text and numbers as ids of one assignment have an order, too."""
    ids = np.array([*range(50), *(f"c{i}" for i in range(50))], dtype=object)
    table = pd.DataFrame({"customer_id": pd.Series(ids, dtype=object), "age": np.arange(100)})
    found = profile(assigned([0, 1] * 50, ids), table, np.arange(100.0))
    assert found.matched.sum() == 100


@pytest.mark.parametrize(
    ("table", "parameters", "error", "message"),
    [
        (pd.DataFrame({"id": [1]}), {}, MissingColumnsError, r"attributes lacks 'customer_id', by which customers are found\. It has \['id'\]"),
        (pd.DataFrame({"customer_id": [0, 1]}), {}, MissingColumnsError, "attributes has no column beside 'customer_id'"),
        (pd.DataFrame({"customer_id": [0, 1], "age": 1}), {"columns": ["aeg"]}, MissingColumnsError, r"attributes lacks \['aeg'\].*Did you mean 'age'\?"),
        (pd.DataFrame({"customer_id": ["0", "1"], "age": 1}), {}, InvalidDataError, "None of 6 customers of the assignment is among 2 in attributes.*Check customer_id: int64 there, String here"),
        (pd.DataFrame({"customer_id": [0, 1], "age": 1}), {}, InvalidDataError, "the 2 customers found there are all in one tier"),
        (pd.DataFrame({"customer_id": [0, 0], "age": 1}), {}, InvalidDataError, "1 of 2 rows repeat a customer"),
        (pd.DataFrame({"customer_id": [0, 5], "age": [1, np.inf]}), {}, InvalidDataError, r"age: 1 of 2 values are infinite"),
        (pd.DataFrame({"customer_id": [0, 5], "born": pd.to_datetime(["2000-01-01"] * 2)}), {}, InvalidDataError, "born must hold numbers, text or booleans, got values of type Datetime.*Turn dates into days"),
        (np.zeros((6, 2)), {}, InvalidDataError, "attributes must be a table with a column customer_id, got a ndarray"),
        (pd.DataFrame({"customer_id": range(6), "age": 1}), {"values": np.zeros(6)}, InvalidDataError, "values: the 6 values sum to no positive total"),
        (pd.DataFrame({"customer_id": range(6), "age": 1}), {"values": np.ones(5)}, InvalidDataError, "values, assigned must have the same length"),
        (pd.DataFrame({"customer_id": range(6), "age": 1}), {"level": 1}, InvalidParameterError, r"level must be between 0 and 1, got 1\. Use 0\.95\."),
        (pd.DataFrame({"customer_id": range(6), "age": 1}), {"min_customers": 0}, InvalidParameterError, "min_customers must be a whole number ≥ 1, got 0"),
        (pd.DataFrame({"customer_id": range(6), "age": 1}), {"columns": "age"}, InvalidParameterError, "columns must be a sequence of column names"),
    ],
)  # fmt: skip
def test_refusals(table, parameters, error, message):
    """What cannot be compared is refused with what is there and the way out."""
    with pytest.raises(error, match=message):
        profile(assigned([0, 0, 0, 1, 1, 1]), table, **parameters)


def test_without_a_mark_the_table_has_its_columns():
    """An attribute that nobody has gives no row, and the same head."""
    table = pd.DataFrame({"customer_id": range(4), "age": [1.0, 2.0, 3.0, 4.0], "none": [np.nan] * 4})
    some, none = (
        profile(assigned([0, 0, 1, 1]), table, columns=[name]).to_frame() for name in ("age", "none")
    )
    assert none.empty
    assert list(none) == list(some)


def test_columns_may_be_named_by_numbers():
    """A frame of pandas that was read without a head has numbers as names; they are told as text."""
    table = pd.DataFrame({"customer_id": range(40), 0: np.arange(40), 7: list("ab") * 20})
    found = profile(assigned([0] * 20 + [1] * 20), table)
    assert [test.attribute for test in found.tests] == ["0", "7"]
    assert "0 is lower (median " in found.verdict()
