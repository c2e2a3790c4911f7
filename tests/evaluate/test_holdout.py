"""The holdout scorecard: its numbers against oracles, and nothing known too early."""

from __future__ import annotations

import copy
from datetime import date

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import spearmanr

import valuetier as vt
from tests.evaluate.holdouts import CUTOFF, ORDERS, PYRAMID, BySpend, Oracle, by_hand, card_of


@pytest.fixture(scope="module")
def card():
    """Return pyramid and RFM at two cutoffs."""
    return card_of([PYRAMID, vt.RFMSegmenter()], cutoff=["2024-03-31", CUTOFF], horizon_days=90)


def _row(table: pd.DataFrame, name: str) -> pd.Series:
    return table.set_index("name").loc[name]


def test_five_customersby_hand():
    """Shares of spend and orders in the top tier, lift, precision, deciles, Gini and the baselines' shares."""
    card = card_of(BySpend(0.4), by_hand(), horizon_days=31, best_share=0.4)
    own = _row(card.to_frame(), "by spend")
    assert own["top_customers"] == pytest.approx(0.4)
    assert own["top_value"] == pytest.approx(0.7)
    assert own["top_orders"] == pytest.approx(0.75)
    assert own["top_lift"] == pytest.approx(0.7 / 0.4)
    assert own["top_precision"] == pytest.approx(0.5)
    # two places, 2 customers with 70 and 3 with 30: twice the area is .4 × .7 + .6 × 1.7
    # perfect order 60, 30, 10, 0, 0: .2 × (.6 + 1.5 + 1.9 + 2 + 2)
    assert own["gini"] == pytest.approx((0.4 * 0.7 + 0.6 * 1.7 - 1) / (0.2 * 8.0 - 1))
    spend = _row(card.to_frame(), "total spend")
    assert spend["best_value"] == pytest.approx(0.7)
    assert spend["gini"] == pytest.approx((0.2 * (0.1 + 0.8 + 1.4 + 1.7 + 2.0) - 1) / 0.6)
    deciles = card.deciles[card.deciles["name"] == "by spend"]
    np.testing.assert_allclose(deciles["value_share"], [0.175] * 4 + [0.05] * 6)
    np.testing.assert_allclose(deciles["lift"], [1.75] * 4 + [0.5] * 6)
    np.testing.assert_allclose(deciles["orders_share"], [0.1875] * 4 + [0.25 / 6] * 6)
    facts = card.cutoffs[0]
    assert (facts.customers, facts.returned, facts.value, facts.new_value) == (5, 3, 100.0, 0.0)


def test_measures_agree_with_the_split_and_scipy():
    """Rank correlation is scipy's; value, orders and precision of the top tier are sums over the split."""
    parts = vt.split(ORDERS, CUTOFF)
    known, truth = parts.calibration.customers, parts.customers["holdout_spend"].to_numpy()
    fitted = vt.PyramidSegmenter(preset="hml").fit(known)
    top = fitted.predict(known) == 0
    own = _row(card_of().to_frame(), "pyramid")
    score = fitted.score_samples(known)
    assert own["rank_correlation"] == pytest.approx(spearmanr(score, truth).statistic)
    assert own["top_value"] == pytest.approx(truth[top].sum() / truth.sum())
    bought = parts.customers["holdout_orders"].to_numpy()
    assert own["top_orders"] == pytest.approx(bought[top].sum() / bought.sum())
    best = np.argsort(-truth)[: top.sum()]  # no two amounts around the line are equal
    assert truth[best].min() > np.delete(truth, best).max()
    assert own["top_precision"] == pytest.approx(np.isin(np.flatnonzero(top), best).mean())


def test_baselines_rank_by_what_they_are_called():
    """Spend of 365 days, recency and all spend are those of the log; random is the mean of all orders."""
    table = card_of(horizon_days=184).to_frame()
    known = vt.split(ORDERS, CUTOFF).customers
    truth = known["holdout_spend"].round(6)
    day = pd.Timestamp(CUTOFF)
    year = ORDERS[(ORDERS["date"] <= day) & (ORDERS["date"] > day - pd.Timedelta(days=365))]
    last_year = known["customer_id"].map(year.groupby("customer_id")["amount"].sum()).fillna(0.0)
    scores = {
        "last year's spend": last_year.round(6),  # equal sums may differ in their last bits
        "days since last order": -known["recency_days"],
        "total spend": known["spend"].round(6),
    }
    for name, score in scores.items():
        assert _row(table, name)["rank_correlation"] == pytest.approx(spearmanr(score, truth).statistic)
    random = _row(table, "random")
    assert random["best_value"] == pytest.approx(0.2)
    assert (random["gini"], random["rank_correlation"]) == (pytest.approx(0.0), 0.0)
    assert table.loc[table["role"] == "baseline", "top_value"].isna().all()


def test_nobody_bought_in_the_year_before():
    """Last year's spend is 0 for everybody then, which is no order at all."""
    old = ORDERS[ORDERS["date"] < "2023-04-01"]
    late = ORDERS[ORDERS["date"] > CUTOFF]
    table = card_of(orders=pd.concat([old, late])).to_frame()
    assert _row(table, "last year's spend")["gini"] == pytest.approx(0.0)


def test_a_top_tier_is_compared_at_its_own_size():
    """Against a baseline in as many customers, whatever share best_share names; at that share by best_value."""
    card = card_of(BySpend(0.05))
    against = card.differences("top_value").set_index("other")
    size = _row(card.to_frame(), "by spend")["top_customers"]
    assert size == pytest.approx(0.05, abs=0.01)
    same = card_of(BySpend(0.05), best_share=size).to_frame()
    for name in ("last year's spend", "days since last order", "total spend", "random"):
        assert against.loc[name, "other_estimate"] == pytest.approx(_row(same, name)["best_value"])
    assert against.loc["total spend", "difference"] == pytest.approx(0.0, abs=1e-12)


def test_the_same_ranking_differs_by_nothing():
    """Resamples are common to all rankings: a pyramid by spend and the spend differ by 0, with certainty."""
    against = card_of().differences().set_index("other").loc["total spend"]
    assert (against["difference"], against["low"], against["high"]) == (0.0, 0.0, 0.0)
    assert against["outcome"] == "no difference can be shown"


def test_pairs_of_segmenters_are_mirrored(card):
    """One against the other is the other against the one, turned around."""
    pairs = card.differences("gini", "segmenters")
    assert pairs[["segmenter", "other"]].to_numpy().tolist() == [["pyramid", "rfm"], ["rfm", "pyramid"]]
    assert pairs["difference"].sum() == pytest.approx(0.0, abs=1e-12)
    assert pairs["low"].iloc[0] == pytest.approx(-pairs["high"].iloc[1])
    assert card_of().differences(against="segmenters").empty


def test_later_rows_reach_nobody():
    """Whatever is planted after the cutoff, segmenters see the same table, with no later day in it."""
    planted = pd.DataFrame({"customer_id": [3] * 9, "date": pd.Timestamp("2024-07-04"), "amount": 1e6})
    seen = []
    for orders in (ORDERS, pd.concat([ORDERS, planted], ignore_index=True)):
        BySpend.seen.clear()
        card_of(BySpend(), orders)
        seen.append(BySpend.seen.pop())
    pd.testing.assert_frame_equal(*seen)
    assert not [name for name in seen[0] if "holdout" in name]
    assert seen[0]["last_order"].max() <= pd.Timestamp(CUTOFF)


def test_what_a_segmenter_learned_before_does_not_count():
    """One that was fitted to the whole log is fitted anew, and is left as it was."""
    knowing = vt.PyramidSegmenter(preset="hml").fit(vt.summarize(ORDERS).customers)
    version = knowing.version()
    pd.testing.assert_frame_equal(card_of(knowing).to_frame(), card_of().to_frame())
    assert knowing.version() == version


def test_hindsight_in_earlier_rows_is_named():
    """A column that was made after the cutoff cannot be refused, but its ranking is too good to be true."""
    later = ORDERS[ORDERS["date"] > CUTOFF].groupby("customer_id")["amount"].sum()
    planted = ORDERS.assign(score=ORDERS["customer_id"].map(later).fillna(0.0))
    extra = {"score": ("score", "max")}
    card = card_of(Oracle("score"), planted, extra=extra)
    assert _row(card.to_frame(), "oracle")["gini"] == pytest.approx(1.0)
    assert "Too good to be true: oracle ranks the customers almost as the future did" in card.verdict()
    assert "好得不真实：“oracle”" in card.verdict("zh")
    assert "Too good to be true" not in card_of().verdict()


def test_segmenters_cannot_spoil_each_others_customers():
    """One that writes into its table changes nothing for the next one."""

    class Vandal(BySpend):
        def fit(self, X, y=None):
            X["spend"] = -X["spend"]
            return super().fit(X)

    alone, beside = card_of().to_frame(), card_of({"vandal": Vandal(), "pyramid": PYRAMID}).to_frame()
    pd.testing.assert_series_equal(_row(alone, "pyramid"), _row(beside, "pyramid"))


@pytest.mark.parametrize(
    "change",
    [
        lambda orders: orders.sample(frac=1.0, random_state=1),
        lambda orders: pl.from_pandas(orders),
        lambda orders: pl.from_pandas(orders).lazy(),
        lambda orders: duckdb.from_df(orders),
        lambda orders: orders.assign(amount=orders["amount"] * 100.0),
    ],
    ids=["row order", "polars", "lazy", "relation", "cents"],
)
def test_the_card_depends_on_what_happened_only(change):
    """Row order, frame kind and currency unit change nothing, intervals included."""
    changed = card_of([PYRAMID, vt.RFMSegmenter()], change(ORDERS))
    pd.testing.assert_frame_equal(changed.to_frame(), card_of([PYRAMID, vt.RFMSegmenter()]).to_frame())


def test_the_seed_makes_the_intervals():
    """Equal seeds give equal intervals, others do not move the estimates; each interval holds its estimate."""
    first, again, other = (card_of(random_state=seed).intervals() for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    pd.testing.assert_series_equal(first["estimate"], other["estimate"])
    assert (first["low"] != other["low"]).any()
    known = first.dropna()
    assert ((known["low"] <= known["estimate"]) & (known["estimate"] <= known["high"])).all()


def test_several_cutoffs_are_averaged(card):
    """The table is the mean of the cutoffs' tables, each of which is that of a card of its own."""
    names = ["top_value", "best_value", "gini", "rank_correlation"]
    single = [
        card_of([PYRAMID, vt.RFMSegmenter()], cutoff=day, horizon_days=90) for day in ("2024-03-31", CUTOFF)
    ]
    by_cutoff = card.to_frame(by_cutoff=True).set_index(["cutoff", "name"])[names]
    for day, one in zip((date(2024, 3, 31), date(2024, 6, 30)), single, strict=True):
        expected = one.to_frame().set_index("name")[names]
        np.testing.assert_allclose(by_cutoff.loc[day].loc[expected.index], expected)
    np.testing.assert_allclose(
        card.to_frame().set_index("name").loc["rfm", names].astype(float),
        by_cutoff.xs("rfm", level="name").mean(),
    )


def test_one_horizon_for_all_cutoffs():
    """By default the days from the last cutoff to the end of the log; cutoffs are put in order."""
    card = card_of(cutoff=[date(2024, 10, 1), "2024-06-30"])
    assert card.horizon_days == 91
    assert [facts.cutoff for facts in card.cutoffs] == [date(2024, 6, 30), date(2024, 10, 1)]


def test_stability_follows_the_same_customers(card):
    """Tiers at either cutoff, joined by id; the rank correlation of baselines too; none for one cutoff."""
    one, two = (vt.split(ORDERS, day, 90).calibration.customers for day in ("2024-03-31", CUTOFF))
    tiers = [
        pd.Series(copy.deepcopy(PYRAMID).fit(known).predict(known), index=known["customer_id"])
        for known in (one, two)
    ]
    later = tiers[1].loc[tiers[0].index]
    row = card.stability.set_index("name").loc["pyramid"]
    assert row["same_tier"] == pytest.approx((tiers[0] == later).mean())
    assert row["top_kept"] == pytest.approx((later[tiers[0] == 0] == 0).mean())
    assert _row(card.to_frame(), "pyramid")["same_tier"] == pytest.approx(row["same_tier"])
    spend = [known.set_index("customer_id")["spend"].round(6) for known in (one, two)]
    expected = spearmanr(spend[0], spend[1].loc[spend[0].index]).statistic
    assert card.stability.set_index("name").loc["total spend", "rank_correlation"] == pytest.approx(expected)
    assert card_of().stability.empty


def test_predictions_are_judged_without_discount_and_margin():
    """Predicted is orders × order value over the holdout's own horizon, whatever the segmenter looks ahead to."""
    parts = vt.split(ORDERS, CUTOFF, 90)
    known = parts.calibration.customers
    plain = vt.CLVSegmenter(horizon_days=90, discount_rate=0.0).fit(known)
    evidence = dict(zip(plain.get_feature_names_out(), plain.transform(known).T, strict=True))
    card = card_of({"clv": vt.CLVSegmenter(horizon_days=700, discount_rate=0.3, margin=0.4)}, horizon_days=90)
    own = _row(card.to_frame(), "clv")
    later = parts.customers
    assert own["spend_ratio"] == pytest.approx(evidence["clv"].sum() / later["holdout_spend"].sum())
    assert own["orders_ratio"] == pytest.approx(
        evidence["expected_orders"].sum() / later["holdout_orders"].sum()
    )
    bins = card.calibration
    assert bins["bin"].tolist() == list(range(1, 11))
    assert bins["predicted_spend"].is_monotonic_decreasing
    means = bins[["predicted_spend", "actual_spend", "predicted_orders", "actual_orders"]].mean()
    expected = evidence["clv"], later["holdout_spend"], evidence["expected_orders"], later["holdout_orders"]
    np.testing.assert_allclose(means, [np.mean(one) for one in expected])
    assert card_of().calibration.empty
    assert card_of().to_frame()["spend_ratio"].isna().all()


def test_more_refunds_than_payments_count_as_nothing():
    """Net spend below 0 is 0, and what that leaves out is stated."""
    refund = pd.DataFrame({"customer_id": ["a"], "date": [pd.Timestamp("2024-07-20")], "amount": [-35.0]})
    card = card_of(BySpend(0.4), pd.concat([by_hand(), refund]), horizon_days=31)
    facts = card.cutoffs[0]
    assert (facts.value, facts.below_zero) == (90.0, -25.0)
    assert _row(card.to_frame(), "by spend")["top_value"] == pytest.approx(60 / 90)
    assert "which leaves out refunds of 27.8% of the spend" in card.verdict()


def test_newcomers_are_counted_and_not_judged():
    """Who first orders after the cutoff is in no ranking, and said to be."""
    newcomer = pd.DataFrame({"customer_id": ["z"], "date": [pd.Timestamp("2024-07-20")], "amount": [25.0]})
    card = card_of(BySpend(0.4), pd.concat([by_hand(), newcomer]), horizon_days=31)
    assert (card.cutoffs[0].customers, card.cutoffs[0].new_value) == (5, 25.0)
    assert "brought 20.0% of the spend within the horizon; nobody could rank them" in card.verdict()


def test_few_customers_leave_resamples_without_any_spend():
    """Draws without value count for nothing; numbers stay numbers and say that they are rough."""
    card = card_of(BySpend(0.4), by_hand(), horizon_days=31)
    assert card.to_frame()[["best_value", "best_value_low", "gini_high"]].notna().all(axis=None)
    assert "only 3 customers came back: take the intervals as rough" in card.verdict()


def test_names():
    """A mapping's keys, else the kinds, numbered where they repeat; one segmenter needs no list."""
    assert card_of([BySpend(), BySpend(0.1), PYRAMID]).segmenters == ("by spend", "by spend 2", "pyramid")
    card = card_of({"mine": BySpend()}, baselines=["random"])
    assert (card.segmenters, card.baselines) == (("mine",), ("random",))
    assert repr(card) == "HoldoutScorecard(segmenters=['mine'], cutoffs=['2024-06-30'], horizon_days=184)"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"segmenters": []}, "segmenters must hold at least one segmenter, got none."),
        ({"segmenters": {1: PYRAMID}}, "segmenters must have texts as names, got 1."),
        (
            {"segmenters": [3]},
            "segmenters: 'int' must have the methods fit, predict and get_tier_names_out, got 3.",
        ),
        (
            {"segmenters": vt.RFMSegmenter},
            "segmenters: 'rfm' must have the methods fit, predict and get_tier_names_out",
        ),
        (
            {"segmenters": {"random": PYRAMID}},
            "'random' names a baseline and something else. Use each name once.",
        ),
        (
            {"baselines": ("random", "random")},
            "'random' names a baseline and something else. Use each name once.",
        ),
        ({"baselines": "random"}, "baselines must be a sequence of names, got 'random'. Put it in ()."),
        ({"baselines": ("randm",)}, "Did you mean 'random'?"),
        (
            {"cutoff": []},
            "cutoff must be a date, ISO text such as '2024-06-30', or several different ones, got [].",
        ),
        ({"cutoff": [CUTOFF, date(2024, 6, 30)]}, "or several different ones, got ["),
        ({"cutoff": None}, "or several different ones, got None."),
        ({"best_share": 1.0}, "best_share must be a share in (0, 1), got 1.0. 20 % is 0.2."),
        ({"level": 95}, "level must be a share in (0, 1), got 95. 20 % is 0.2."),
        ({"n_resamples": 5}, "n_resamples must be a whole number ≥ 20, got 5."),
        ({"random_state": -1}, "random_state must be a whole number ≥ 0, got -1."),
        ({"as_of": CUTOFF}, "split takes no as_of"),
    ],
)
def test_messages_about_arguments(options, message):
    """Each names what is wrong, the value and the way out."""
    with pytest.raises(vt.InvalidParameterError) as caught:
        card_of(**options)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda card: card.differences("lift"), "measure must be one of"),
        (lambda card: card.differences(against="all"), "against must be one of"),
        (lambda card: card.differences(lang="de"), "lang must be one of"),
        (lambda card: card.to_frame("de"), "lang must be one of"),
        (lambda card: card.intervals("de"), "lang must be one of"),
        (lambda card: card.verdict("de"), "lang must be one of"),
    ],
)
def test_messages_about_choices(card, call, message):
    """Choices are named."""
    with pytest.raises(vt.InvalidParameterError, match=message):
        call(card)


def test_a_horizon_without_spend_is_refused():
    """Nothing to be found: the message names the cutoff, counts, and no customer."""
    orders = pd.concat([by_hand().iloc[:5], by_hand().iloc[[5]].assign(customer_id="z")])
    with pytest.raises(vt.InvalidDataError) as caught:
        card_of(BySpend(), orders)
    assert str(caught.value) == (
        "None of the 5 customers known on 2024-06-30 spent anything in the 5 days after it, so there is no "
        "value to be found. Choose another cutoff or a longer horizon_days."
    )


def test_an_error_says_whose_it_is():
    """What a segmenter raises comes through, with its name and the cutoff."""

    class Failing(BySpend):
        def fit(self, X, y=None):
            raise vt.NotConvergedError("no maximum")

    with pytest.raises(vt.NotConvergedError, match="no maximum") as caught:
        card_of({"mine": Failing()})
    assert caught.value.__notes__ == ["This happened to the segmenter 'mine' at the cutoff 2024-06-30."]
