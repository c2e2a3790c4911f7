"""The read-out at its edges: ties, customers who all spend alike, ids that the log does not know."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pytest

import valuetier as vt
from tests.evaluate.experiments import START, effect_of, made_groups, made_orders

GROUPS = made_groups()
ORDERS = made_orders(GROUPS)
LIFTED = made_orders(GROUPS, times=2.0)


@pytest.fixture(scope="module")
def lifted():
    """Return the read-out of an action that doubles every order."""
    return effect_of(GROUPS, LIFTED)


@pytest.mark.parametrize("n_buyers", [1, 3])
def test_a_few_buyers_by_chance_are_no_effect(n_buyers):
    """One or three buyers among forty fall on one side often: half of all lots do so with one, a quarter with three."""
    ids = np.arange(40)
    for buyers in (ids[:n_buyers], ids[-n_buyers:]):
        groups = pd.DataFrame({"customer_id": ids, "group": np.where(ids < 20, "treated", "control")})
        orders = pd.DataFrame({"customer_id": buyers, "date": pd.Timestamp(START), "amount": 9.99})
        found = effect_of(groups, orders)
        for measure in ("spend", "orders", "bought"):
            assert found.to_frame(measure)["outcome"].tolist() == ["no effect can be shown"]


def test_groups_marked_by_bools(lifted):
    """A column of bools called treated or control names the groups as well as their names do; others are refused."""
    treated = GROUPS["group"] == "treated"
    plain = GROUPS.drop(columns="group")
    for marked in (plain.assign(treated=treated), plain.assign(control=~treated)):
        for kind in (marked, pl.from_pandas(marked.assign(tier=marked["tier"].astype(object)))):
            pd.testing.assert_frame_equal(effect_of(kind, LIFTED).to_frame(), lifted.to_frame())
    with pytest.raises(
        vt.InvalidDataError,
        match="treated must hold a boolean for each customer, 1200 of 1200 values are none",
    ):
        effect_of(plain.assign(treated=treated.astype(int)), LIFTED)
    with pytest.raises(vt.InvalidDataError, match="bools belong in a column treated or control"):
        effect_of(plain.assign(group=treated), LIFTED)


def test_customers_nowhere_in_the_log_are_counted(lifted):
    """Ids that the log does not know count as 0, and the verdict says how many they are."""
    ids = GROUPS["customer_id"]
    half = GROUPS.assign(customer_id=np.where(GROUPS.index % 2 == 0, ids, "x" + ids))
    known = set(LIFTED["customer_id"])
    found = effect_of(half, LIFTED)
    assert found.absent == sum(one not in known for one in half["customer_id"])
    assert f"{found.absent:,} of the 1,200 customers are nowhere in the log, and count as 0" in str(found)
    assert f"1,200 位客户中有 {found.absent:,} 位在日志中从未出现" in found.verdict("zh")
    there = effect_of(GROUPS[GROUPS["customer_id"].isin(known)], LIFTED)
    assert there.absent == 0
    assert "nowhere in the log" not in str(there)


def test_a_horizon_before_the_log_is_refused():
    """A start in the wrong year would find that nobody bought."""
    with pytest.raises(
        vt.InvalidParameterError,
        match="start and horizon_days must reach the log, which begins on 2024-01-01, got 2023-04-01 and 60 days",
    ):
        effect_of(GROUPS, ORDERS, start="2023-04-01")


def test_customers_who_all_spend_the_same():
    """Where nothing varies nothing can be seen, adjusted or not, and no word is NaN."""
    days = [pd.Timestamp("2024-02-01"), pd.Timestamp(START)]
    orders = pd.concat(
        [pd.DataFrame({"customer_id": GROUPS["customer_id"], "date": day, "amount": 5.0}) for day in days]
    )
    found = effect_of(GROUPS, orders, before_days=80)
    assert found.to_frame()["outcome"].eq("no effect can be shown").all()
    assert "No customer's spend differs from another's of the same tier" in str(found)
    assert "同一层级内各客户的消费没有任何差别" in found.verdict("zh")
    assert "nan" not in str(found) + found.verdict("zh")


def test_customers_who_go_on_paying_the_same():
    """Contracts that are paid as before leave nothing after the adjustment, and no noise that looks like an effect."""
    rates = np.random.default_rng(8).lognormal(3, 1, len(GROUPS)).round(2)
    days = [pd.Timestamp("2024-02-01"), pd.Timestamp(START)]
    orders = pd.concat(
        [pd.DataFrame({"customer_id": GROUPS["customer_id"], "date": day, "amount": rates}) for day in days]
    )
    found = effect_of(GROUPS, orders, before_days=80)
    assert found.to_frame()["outcome"].eq("no effect can be shown").all()
    assert found.to_frame()["difference"].abs().max() < 1e-9


def test_tiers_are_spoken_of_only_where_there_are_some(lifted):
    """Weights of tiers are named where there are several, in both languages."""
    plain = effect_of(GROUPS.drop(columns="tier"), LIFTED)
    assert "With the tiers weighted alike" in str(lifted)
    assert "\nThe treated spent" in str(plain)
    assert "两组按相同的层级权重计" in lifted.verdict("zh")
    assert "\n实验组人均消费" in plain.verdict("zh")


def test_only_tiers_without_both_groups_are_left_out():
    """A tier whose lot could hardly have fallen otherwise has no interval, but counts in the total, as is said."""
    ids = np.arange(10)
    own = pd.DataFrame(
        {"customer_id": ids, "tier": "Few", "group": np.where(ids < 2, "control", "treated").astype(object)}
    )
    groups = pd.concat([own, GROUPS.assign(tier=GROUPS["tier"].astype(object))])
    groups["customer_id"] = groups["customer_id"].astype(str)
    two = pd.DataFrame({"customer_id": ["3", "4"], "date": pd.Timestamp(START), "amount": 7.0})
    found = effect_of(groups, pd.concat([two, ORDERS]))
    frame = found.to_frame().set_index("tier")
    assert np.isnan(frame.loc["Few", "low"])
    assert frame.loc["all tiers", "treated"] == frame.drop("all tiers")["treated"].sum()
    assert "The total leaves out" not in str(found)


@pytest.mark.parametrize("reached_in_control", [0.0, 0.25])
def test_share_reached_is_told_as_it_is_computed(reached_in_control):
    """Where control was reached too, the share is that of the treated less that of control, as the words say."""
    treated = (GROUPS["group"] == "treated").to_numpy()
    place = GROUPS.groupby(["tier", "group"], observed=True).cumcount()
    groups = GROUPS.assign(reached=np.where(treated, place % 2 == 0, place % 4 < 4 * reached_in_control))
    found = effect_of(groups.drop(columns="tier"), LIFTED)
    share = groups.loc[treated, "reached"].mean() - groups.loc[~treated, "reached"].mean()
    assert found.to_frame()["share_reached"].iloc[0] == pytest.approx(share)
    said = f"{100 * share:.1f} % of the treated were reached (less the share reached in control)"
    assert said in str(found)
    assert "（已扣除对照组的触达率）" in found.verdict("zh")


def test_orders_before_the_day_of_the_plan_are_no_effect_of_it():
    """A plan knows its day; groups in a table do not."""
    log = vt.datasets.load_cdnow_orders()
    customers = vt.summarize(log, as_of="1997-12-31").customers
    tiers = vt.PyramidSegmenter(preset="hml").fit(customers).assign(customers, as_of=date(1997, 12, 31))
    plan = vt.StrategyMapper().plan(tiers, value=1.0, holdout=0.1)
    with pytest.raises(
        vt.InvalidParameterError, match="start must not be before 1997-12-31, the day of the plan"
    ):
        vt.evaluate.effect(plan, log, start="1997-07-01", horizon_days=90)
