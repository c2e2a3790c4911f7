"""The read-out of an experiment: its numbers by hand and by scipy, and nothing but the horizon counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import stats

import valuetier as vt
from tests.evaluate.experiments import START, TIERS, effect_of, made_groups, made_orders

GROUPS = made_groups()
ORDERS = made_orders(GROUPS)
LIFTED = made_orders(GROUPS, times=2.0)


@pytest.fixture(scope="module")
def nothing():
    """Return the read-out of an action that did nothing."""
    return effect_of(GROUPS, ORDERS)


@pytest.fixture(scope="module")
def lifted():
    """Return the read-out of an action that doubles every order."""
    return effect_of(GROUPS, LIFTED)


def _spend(groups: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """Return the groups with what each customer did in the 60 days."""
    day = pd.Timestamp(START)
    within = orders[(orders["date"] >= day) & (orders["date"] < day + pd.Timedelta(days=60))]
    per = within.groupby("customer_id").agg(spend=("amount", "sum"), orders=("date", "nunique"))
    table = groups.merge(per, left_on="customer_id", right_index=True, how="left").fillna(
        {"spend": 0, "orders": 0}
    )
    return table.assign(bought=table["orders"] > 0)


@pytest.mark.parametrize("measure", ["spend", "orders", "bought"])
def test_means_and_differences_are_those_of_the_log(lifted, measure):
    """Per tier the means are those of all customers, without an order as 0, and the lift is their ratio less 1."""
    table, frame = _spend(GROUPS, LIFTED), lifted.to_frame(measure)
    assert frame["tier"].tolist() == [*TIERS, "all tiers"]
    for row in frame.head(3).itertuples():
        own = table[table["tier"] == row.tier]
        treated, control = (own.loc[own["group"] == g, measure].astype(float) for g in ("treated", "control"))
        assert (row.treated, row.control) == (len(treated), len(control))
        assert (row.mean_treated, row.mean_control) == pytest.approx((treated.mean(), control.mean()))
        assert row.difference == pytest.approx(treated.mean() - control.mean())
        assert row.lift == pytest.approx(treated.mean() / control.mean() - 1)


def test_overall_is_the_mean_of_the_tiers_weighted_by_the_treated(lifted):
    """All tiers together compare like with like: each tier counts with its treated customers on both sides."""
    frame = lifted.to_frame()
    tiers, total = frame.head(3), frame.iloc[3]
    for name in ("mean_treated", "mean_control", "difference"):
        assert total[name] == pytest.approx(np.average(tiers[name], weights=tiers["treated"]))
    assert total["lift"] == pytest.approx(total["mean_treated"] / total["mean_control"] - 1)


def test_interval_agrees_with_scipy_where_nothing_is_heavy():
    """For one tier of many customers who spend alike, the interval is Welch's but for the draws."""
    rng = np.random.default_rng(0)
    groups = pd.DataFrame(
        {"customer_id": np.arange(600), "group": np.where(np.arange(600) < 300, "treated", "control")}
    )
    orders = pd.DataFrame(
        {"customer_id": np.arange(600), "date": pd.Timestamp(START), "amount": rng.normal(100, 10, 600)}
    )
    row = effect_of(groups, orders, n_resamples=4000).to_frame().iloc[0]
    test = stats.ttest_ind(orders["amount"][:300], orders["amount"][300:], equal_var=False)
    assert (row["low"], row["high"]) == pytest.approx(tuple(test.confidence_interval(0.95)), abs=0.15)
    assert row["detectable"] == pytest.approx(
        (1.96 + 0.84) * test.statistic**-1 * row["difference"], rel=0.05
    )


def test_a_planted_effect_is_found(lifted):
    """A doubled order is found in the whole, and in every tier once earlier spend is taken into account."""
    frame = lifted.to_frame().set_index("tier")
    assert frame.loc["all tiers", "outcome"] == "more"
    assert effect_of(GROUPS, LIFTED, before_days=90).to_frame()["outcome"].eq("more").all()
    assert frame["lift_low"].lt(1.0).all()
    assert frame["lift_high"].gt(1.0).all()
    assert lifted.to_frame("orders")["outcome"].eq("no effect can be shown").all()


def test_no_effect_is_not_found(nothing):
    """Where nothing was done nothing is found, in any measure or tier."""
    for measure in ("spend", "orders", "bought"):
        assert nothing.to_frame(measure)["outcome"].eq("no effect can be shown").all()


def test_false_findings_are_as_rare_as_they_say():
    """Of 80 read-outs of nothing, with a tenth in control, about one in twenty finds something over all, or in any tier."""
    overall = tiers = 0
    spend = _spend(GROUPS, ORDERS)["spend"].to_numpy()
    orders = pd.DataFrame(
        {"customer_id": GROUPS["customer_id"], "date": pd.Timestamp(START), "amount": spend}
    )
    for seed in range(80):
        held_out = vt.strategy.in_control(GROUPS["customer_id"], GROUPS["tier"], 0.1, salt=str(seed))
        groups = GROUPS.assign(group=np.where(held_out, "control", "treated"))
        found = effect_of(groups, orders, n_resamples=199).to_frame()["outcome"] != "no effect can be shown"
        overall += found.iloc[3]
        tiers += found.head(3).any()
    assert overall <= stats.binom.ppf(0.999, 80, 0.05)
    assert tiers <= stats.binom.ppf(0.999, 80, 0.05)


def test_tiers_are_corrected_for_their_number(nothing):
    """The interval of a tier among three is wider than that of the same customers looked at alone."""
    gold = effect_of(GROUPS[GROUPS["tier"] == "Gold"], ORDERS)
    among, alone = nothing.to_frame().iloc[0], gold.to_frame().iloc[0]
    assert among["difference"] == pytest.approx(alone["difference"])
    assert among["high"] - among["low"] > alone["high"] - alone["low"]


def test_only_the_horizon_counts(nothing):
    """Orders before the start and after the horizon change no number of the effect."""
    day = ORDERS["date"]
    outside = (day < START) | (day >= pd.Timestamp(START) + pd.Timedelta(days=60))
    assert outside.mean() > 0.3
    changed = ORDERS.assign(amount=np.where(outside, 7.0 * ORDERS["amount"] + 1, ORDERS["amount"]))
    pd.testing.assert_frame_equal(effect_of(GROUPS, changed).to_frame(), nothing.to_frame())
    edge = pd.DataFrame(
        {"customer_id": ["c0000"] * 4, "date": pd.to_datetime(["2024-03-31", START, "2024-05-30", "2024-05-31"]), "amount": [1.0, 10.0, 100.0, 1000.0]}
    )  # fmt: skip
    only = effect_of(GROUPS, edge)
    total = only.to_frame().iloc[0]
    side = "mean_treated" if GROUPS["group"].iloc[0] == "treated" else "mean_control"
    size = total["treated"] if side == "mean_treated" else total["control"]
    assert total[side] * size == pytest.approx(110.0)


def test_order_and_kind_of_the_tables_do_not_matter(lifted):
    """Shuffled rows, Polars, Arrow and ids as they come give the same numbers to the last bit."""
    shuffled = effect_of(GROUPS.sample(frac=1, random_state=1), LIFTED.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(shuffled.to_frame(), lifted.to_frame())
    for kind in (pl.from_pandas, pa.Table.from_pandas):
        plain = GROUPS.assign(tier=GROUPS["tier"].astype(object))
        pd.testing.assert_frame_equal(effect_of(kind(plain), kind(LIFTED)).to_frame(), lifted.to_frame())


def test_any_log_will_do(lifted, tmp_path):
    """A parquet file, a DuckDB relation and columns of other names give the same numbers."""
    LIFTED.to_parquet(tmp_path / "orders.parquet")
    relation = duckdb.connect().from_df(LIFTED)
    for log in (tmp_path / "orders.parquet", relation):
        pd.testing.assert_frame_equal(effect_of(GROUPS, log).to_frame(), lifted.to_frame())
    renamed = LIFTED.rename(columns={"customer_id": "who", "date": "day", "amount": "paid"})
    found = effect_of(GROUPS, renamed, customer="who", date="day", amount="paid")
    pd.testing.assert_frame_equal(found.to_frame(), lifted.to_frame())


def test_a_plan_of_the_mapper_is_read_out():
    """The groups that a plan keeps go in as they are; without an effect none is found."""
    known = vt.summarize(ORDERS, as_of="2024-03-31").customers
    tiers = vt.PyramidSegmenter(preset="hml").fit(known).assign(known)
    plan = vt.StrategyMapper().plan(tiers, value=known["spend"], budget=2000.0, holdout=0.2)
    found = effect_of(plan, ORDERS)
    assert found.treated + found.control == len(plan.groups)
    assert found.control == (plan.groups["group"] == "control").sum()
    assert found.to_frame()["outcome"].iloc[-1] == "no effect can be shown"


def test_a_plan_is_taken_by_its_groups(lifted):
    """Anything with a table called groups will do."""

    @dataclass
    class Plan:
        groups: pd.DataFrame

    pd.testing.assert_frame_equal(effect_of(Plan(GROUPS), LIFTED).to_frame(), lifted.to_frame())


def test_unit_of_money_scales(lifted):
    """In cents all money is a hundredfold and every lift the same."""
    cents, euros = (
        effect_of(GROUPS, LIFTED.assign(amount=LIFTED["amount"] * 100)).to_frame(),
        lifted.to_frame(),
    )
    for name in ("difference", "low", "high", "detectable"):
        np.testing.assert_allclose(cents[name], 100 * euros[name])
    np.testing.assert_allclose(
        cents[["lift", "lift_low", "lift_high"]], euros[["lift", "lift_low", "lift_high"]]
    )


def test_adjustment_narrows_and_keeps_the_effect(lifted):
    """Spend before the start explains much of the spend after it: the interval is narrower, by what is reported."""
    found = effect_of(GROUPS, LIFTED, before_days=90)
    before, after = lifted.to_frame().iloc[3], found.to_frame().iloc[3]
    assert 0.1 < after["shrunk"] < 0.9
    widths = [row["high"] - row["low"] for row in (before, after)]
    assert widths[1] / widths[0] == pytest.approx(np.sqrt(1 - after["shrunk"]), rel=0.15)
    assert after["low"] < before["difference"] < after["high"]
    assert "shrunk" not in lifted.to_frame()
    assert "Adjusted by the same measures in the 90 days before the start" in str(found)


def test_effect_per_customer_reached():
    """Where half of the treated were reached, each of them accounts for twice the difference."""
    treated = GROUPS["group"] == "treated"
    groups = GROUPS.assign(
        reached=treated & (treated.groupby(GROUPS["tier"], observed=True).cumsum() % 2 == 0)
    )
    row = effect_of(groups, LIFTED).to_frame().iloc[3]
    share = groups.loc[treated, "reached"].mean()
    assert row["share_reached"] == pytest.approx(share)
    for name in ("low", "high"):
        assert row[f"per_reached_{name}"] == pytest.approx(row[name] / share)
    assert row["per_reached"] == pytest.approx(row["difference"] / share)
    leaked = groups.assign(reached=groups["reached"] | ~treated)
    assert np.isnan(effect_of(leaked, LIFTED).to_frame().get("per_reached", pd.Series([np.nan])).iloc[-1])


def test_balance_before_the_start(nothing):
    """Groups drawn by lot spent alike before; groups drawn by spend did not, and the verdict warns."""
    assert nothing.balance()["outcome"].eq("no more apart than chance").all()
    assert "no more apart than chance makes" in str(nothing)
    past = ORDERS[ORDERS["date"] < START].groupby("customer_id")["amount"].sum()
    spent = GROUPS["customer_id"].map(past).fillna(0.0)
    rigged = GROUPS.assign(group=np.where(spent > spent.median(), "treated", "control"))
    found = effect_of(rigged, ORDERS)
    assert found.balance()["outcome"].iloc[-1] == "more before the start"
    assert "Warning: in the 91 days before the start the groups already differed" in str(found)
    assert "Passing before_days= takes earlier spend into account" in str(found)
    assert "警告：实验前 91 天" in found.verdict("zh")


def test_what_is_unknown_before_the_start():
    """A log that begins with the experiment cannot tell whether the groups were alike, nor adjust."""
    found = effect_of(GROUPS, ORDERS[ORDERS["date"] >= START], before_days=30)
    assert found.balance().empty
    assert (found.before_days, found.adjusted) == (0, False)
    assert "whether the groups were alike cannot be checked" in str(found)


def test_tiny_tiers_cannot_be_judged():
    """One customer in control says nothing of the tier; the total leaves it out and says so."""
    gold = (GROUPS["tier"] == "Gold").to_numpy()
    first = np.flatnonzero(gold)[0]
    groups = GROUPS.assign(group=np.where(gold, "treated", GROUPS["group"]))
    groups.loc[first, "group"] = "control"
    found = effect_of(groups, LIFTED)
    frame = found.to_frame()
    assert frame["outcome"].tolist()[0] == "cannot be said"
    assert np.isnan(frame["low"].iloc[0])
    tiers = frame.iloc[1:3]
    assert frame["difference"].iloc[3] == pytest.approx(
        np.average(tiers["difference"], weights=tiers["treated"])
    )
    assert "cannot be said: Gold (199 treated, 1 in control)" in str(found)
    assert "The total leaves out Gold" in str(found)
    assert "合计未含 Gold" in found.verdict("zh")


def test_nothing_can_be_said_of_two_customers():
    """With one customer a group there are means, no interval, and words that say so."""
    groups = pd.DataFrame({"customer_id": ["a", "b"], "group": ["treated", "control"]})
    orders = pd.DataFrame(
        {"customer_id": ["a", "b"], "date": pd.to_datetime([START, START]), "amount": [3.0, 2.0]}
    )
    found = effect_of(groups, orders)
    assert found.to_frame()["outcome"].tolist() == ["cannot be said"]
    assert "Nothing can be said about the effect" in str(found)
    assert "效果无法判断" in found.verdict("zh")


def test_nobody_bought():
    """An experiment in which nobody ordered has a difference of exactly 0."""
    row = effect_of(GROUPS, ORDERS, start="2024-06-30", horizon_days=1).to_frame().iloc[3]
    none = effect_of(GROUPS, ORDERS[ORDERS["date"] < "2024-06-01"].assign(amount=0.0)).to_frame().iloc[3]
    assert row["mean_treated"] >= 0
    assert (none["difference"], none["low"], none["high"]) == (0.0, 0.0, 0.0)
    assert none["outcome"] == "no effect can be shown"
    assert np.isnan(none["lift"])


def test_groups_without_tiers_have_one_row():
    """Without a column tier all customers are one; with one tier the row of all repeats it."""
    plain = GROUPS.drop(columns="tier")
    assert effect_of(plain, LIFTED).to_frame()["tier"].tolist() == ["all tiers"]
    assert "By tier" not in str(effect_of(plain, LIFTED))


def test_orders_of_others_are_counted_and_left_out(nothing):
    """Customers in neither group change no number and are named with their spend."""
    stranger = pd.DataFrame(
        {"customer_id": ["x", "y"], "date": pd.to_datetime([START, START]), "amount": [5.0, 6.0]}
    )
    found = effect_of(GROUPS, pd.concat([ORDERS, stranger], ignore_index=True))
    pd.testing.assert_frame_equal(found.to_frame(), nothing.to_frame())
    assert (found.outsiders, found.outside_spend) == (2, 11.0)
    assert "2 other customers ordered within the 60 days, for 11.00 in all" in str(found)


def test_an_unfinished_horizon_is_named():
    """A horizon beyond the end of the log is read as far as it goes, and the verdict says so."""
    found = effect_of(GROUPS, ORDERS, horizon_days=120)
    assert found.log_end == date(2024, 6, 30)
    assert "The log ends on 2024-06-30, 29 days before the horizon does" in str(found)
    whole = effect_of(GROUPS, ORDERS, horizon_days=None)
    assert whole.horizon_days == 91
    assert "The log ends" not in str(whole)


def test_verdict_in_both_languages(lifted, nothing):
    """The words carry the finding: how much, how sure, for how many, and what could have been seen."""
    total = lifted.to_frame().iloc[3]
    assert f"{total['difference']:+,.2f} ({total['low']:+,.2f} to {total['high']:+,.2f})" in str(lifted)
    assert f"about {total['difference'] * total['treated']:,.0f} (" in str(lifted)
    assert "合计约增收" in lifted.verdict("zh")
    assert f"only a difference of {nothing.to_frame().iloc[3]['detectable']:,.2f}" in str(nothing)
    assert "看不出效果" in nothing.verdict("zh")
    assert lifted.to_frame(lang="zh")["outcome"].iloc[3] == "更多"
    assert repr(lifted) == "Effect(start=2024-04-01, horizon_days=60, treated=840, control=360)"


def test_a_harm_is_named():
    """Where the treated spend less than chance explains, the advice is to stop."""
    found = effect_of(GROUPS, made_orders(GROUPS, times=0.4))
    assert found.to_frame()["outcome"].iloc[3] == "less"
    assert "Stop the action, or find out why" in str(found)
    assert "应暂停该动作" in found.verdict("zh")


@pytest.mark.parametrize(
    ("groups", "error", "message"),
    [
        (42, vt.InvalidDataError, "groups must be a table with customer_id and group, or have one called groups, got a int"),
        (GROUPS.drop(columns="group"), vt.MissingColumnsError, r"groups lacks \['group'\]\. It has \['customer_id', 'tier'\]"),
        (GROUPS.assign(group="test"), vt.InvalidDataError, "group: 1200 of 1200 values are neither 'treated' nor 'control'"),
        (GROUPS.assign(group="treated"), vt.InvalidDataError, "group: none of 1200 customers is 'control'"),
        (GROUPS.assign(tier=None), vt.InvalidDataError, "tier: 1200 of 1200 values are missing. Give every customer a tier"),
        (GROUPS.assign(reached="yes"), vt.InvalidDataError, "reached must hold booleans"),
        (GROUPS.assign(customer_id="c0001"), vt.InvalidDataError, "1199 of 1200 rows repeat a customer"),
        (GROUPS.assign(customer_id=np.arange(1200)), vt.InvalidDataError, "None of 1200 customers in groups is among .* int64 in groups"),
    ],
)  # fmt: skip
def test_groups_that_cannot_be(groups, error, message):
    """Every customer stands once, in a group with a known name, and no id is shown."""
    with pytest.raises(error, match=message) as caught:
        effect_of(groups, ORDERS)
    assert "c0001" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": None}, "start must be a date or ISO text such as '2024-06-30', got None"),
        (
            {"start": "2025-01-01"},
            "start must not be after the last day of the log, 2024-06-30, got 2025-01-01",
        ),
        ({"horizon_days": 0}, "horizon_days must be a whole number ≥ 1, got 0"),
        ({"before_days": 0}, "before_days must be a whole number ≥ 1, got 0"),
        ({"level": 95}, r"level must be a share in \(0, 1\), got 95"),
        ({"n_resamples": 10}, "n_resamples must be a whole number ≥ 100, got 10"),
        (
            {"n_resamples": 100},
            r"n_resamples must be at least \d+ for level = 0\.95 and so many tiers, got 100",
        ),
        ({"as_of": "2024-05-01"}, "effect takes no as_of: start and horizon_days say which orders count"),
    ],
)
def test_parameters_that_cannot_be(options, message):
    """Each parameter has its range and the way out."""
    with pytest.raises(vt.InvalidParameterError, match=message):
        effect_of(GROUPS, ORDERS, **options)


def test_unknown_measure_and_language(nothing):
    """Measures and languages are few, and named."""
    with pytest.raises(vt.InvalidParameterError, match="measure must be one of"):
        nothing.to_frame("profit")
    with pytest.raises(vt.InvalidParameterError, match="lang must be one of"):
        nothing.verdict("de")
