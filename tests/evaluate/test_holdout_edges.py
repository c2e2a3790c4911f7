"""The holdout scorecard where customers vanish, tiers are empty, all are equal, or names are taken."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import valuetier as vt
from tests.evaluate.holdouts import CUTOFF, ORDERS, PYRAMID, BySpend, by_hand, card_of


def _with(*rows: tuple[str, str, float, str]) -> pd.DataFrame:
    """Return the five customers by hand with order ids, and further lines."""
    known = by_hand().assign(order_id=[f"o{i}" for i in range(9)])
    more = pd.DataFrame(rows, columns=list(known))
    return pd.concat([known, more.assign(date=pd.to_datetime(more["date"]))], ignore_index=True)


def test_a_customer_whose_only_order_was_undone_is_followed_no_further():
    """Cancelled by a later line of the same order, a is in no later table: the other four alone are compared."""
    orders = _with(
        ("a", "2024-07-10", -60.0, "o0"), ("a", "2024-07-10", -11.0, "o5"), ("e", "2024-07-20", 90.0, "n1"),
        ("b", "2024-08-20", 5.0, "n2"), ("d", "2024-08-30", 5.0, "n3"),
    )  # fmt: skip
    cutoffs = ["2024-06-30", "2024-07-31"]
    card = card_of(BySpend(0.4), orders, cutoff=cutoffs, horizon_days=30, order_id="order_id")
    assert [facts.customers for facts in card.cutoffs] == [5, 4]
    row = card.stability.set_index("name").loc["by spend"]
    # top of the first: a, b; of the second, of 100, 100, 30, 50: b and e
    assert (row["same_tier"], row["top_kept"]) == (0.75, 1.0)


def test_refunds_without_an_order_in_the_horizon_are_left_out_and_stated():
    """c got back 30 and ordered nothing: that is left out like the 25 of a, who did order."""
    orders = _with(("a", "2024-07-20", -35.0, "r1"), ("c", "2024-07-22", -30.0, "r2"))
    card = card_of(BySpend(0.4), orders, horizon_days=31)
    assert (card.cutoffs[0].value, card.cutoffs[0].below_zero) == (90.0, -55.0)
    assert "which leaves out refunds of 61.1% of the spend" in card.verdict()
    assert "未计入的退款相当于消费额的 61.1%" in card.verdict("zh")


def test_a_fit_that_returns_nothing_is_a_fit():
    """Three methods make a segmenter; whether fit returns it is not asked."""

    class Silent(BySpend):
        def fit(self, X, y=None):
            super().fit(X)

    pd.testing.assert_frame_equal(card_of(Silent()).to_frame(), card_of(BySpend()).to_frame())


def test_a_top_tier_that_is_empty_at_one_cutoff_leaves_no_holes_in_the_words():
    """Without a precision, or anybody who could stay, the sentences end before."""

    class Late(BySpend):
        def predict(self, X):
            return np.where(X["spend"].to_numpy() >= (self.line_ if len(X) > 350 else np.inf), 0, 1)

    cutoffs = ["2023-03-31", CUTOFF]
    for lang in ("en", "zh"):
        said = card_of(Late(), cutoff=cutoffs, horizon_days=90).verdict(lang)
        assert "nan" not in said
    said = card_of(Late(), cutoff=cutoffs, horizon_days=90).verdict()
    assert "times its share. In as many customers" in said
    assert "of the customers in their tier.\n" in said


@pytest.mark.parametrize("people", [["a"], ["a", "b"]])
def test_equal_customers_have_no_order_to_be_judged(people):
    """One customer, or two alike: no Gini, and no sentence about it."""
    orders = pd.DataFrame(
        [(one, day, 5.0) for one in people for day in ("2024-06-01", "2024-07-31")],
        columns=["customer_id", "date", "amount"],
    )
    card = card_of(BySpend(), orders)
    assert card.to_frame()["gini"].isna().all()
    for lang in ("en", "zh"):
        assert "nan" not in card.verdict(lang)


def test_a_segmenter_cannot_have_the_chinese_name_of_a_baseline():
    """In the Chinese table nobody could tell the two apart."""
    with pytest.raises(vt.InvalidParameterError) as caught:
        card_of({"累计消费额": PYRAMID})
    assert str(caught.value) == "'累计消费额' names a baseline and something else. Use each name once."
    assert card_of({"累计消费额": PYRAMID}, baselines=["random"]).segmenters == ("累计消费额",)


class Hoarder(BySpend):
    """Plain class that keeps every table it was ever fitted to, in itself."""

    def __init__(self):
        super().__init__()
        self.tables = []

    def fit(self, X, y=None):
        self.tables.append(X)
        self.days = [table["last_order"].max() for table in self.tables]
        self.fitted.append(self.days)
        return super().fit(X)

    fitted: list[list[pd.Timestamp]] = []


def test_nothing_is_carried_from_one_cutoff_to_another():
    """The later cutoffs are read first, but each copy knows its own table alone; the segmenter itself none."""
    Hoarder.fitted.clear()
    segmenter = Hoarder()
    cutoffs = ["2024-03-31", CUTOFF]
    card_of({"one": segmenter, "the same again": segmenter}, cutoff=cutoffs, horizon_days=90)
    assert segmenter.tables == []
    assert [len(days) for days in Hoarder.fitted] == [1] * 4
    assert all(
        days[0] <= pd.Timestamp(day) for days, day in zip(Hoarder.fitted, np.repeat(cutoffs, 2), strict=True)
    )


def test_later_lines_do_not_reach_back_through_orders_and_refunds():
    """Lines of an earlier order, refunds of it and the last value of a column: of after the cutoff, all unseen."""
    later = [("a", "2024-07-20", -45.0, "o0"), ("c", "2024-07-22", 500.0, "o2")]
    seen = []
    for orders in (_with(), _with(*later)):
        orders["of"] = orders["order_id"].where(orders["amount"] < 0)
        orders["channel"] = pd.Categorical(np.where(orders["date"] > CUTOFF, "later", "shop"))
        options = {"order_id": "order_id", "refund_of": "of", "extra": {"last_channel": ("channel", "last")}}
        BySpend.seen.clear()
        card_of(BySpend(0.4), orders, horizon_days=31, **options)
        seen.append(BySpend.seen.pop())
    pd.testing.assert_frame_equal(*seen)
    assert seen[0]["last_channel"].unique().tolist() == ["shop"]


def test_writing_into_the_customers_in_place_spoils_nothing():
    """The memory itself is not shared: neither the next segmenter nor the judge sees what one overwrites."""

    class InPlace(BySpend):
        def fit(self, X, y=None):
            super().fit(X)
            for column in ("spend", "recency_days", "customer_id"):
                X.loc[:, column] = X[column].to_numpy()[::-1].copy()
            return self

    beside = card_of({"spoils": InPlace(), "pyramid": PYRAMID}).to_frame()
    alone = card_of().to_frame()
    pd.testing.assert_series_equal(
        alone.set_index("name").loc["pyramid"], beside.set_index("name").loc["pyramid"]
    )


def test_refits_widen_the_intervals_of_what_is_learned():
    """k-means of other customers is another k-means: its interval grows; that of a baseline stays, to the digit."""
    segmenters = {"k-means": vt.KMeansSegmenter()}
    fixed, anew = (
        card_of(segmenters, refit=refit).intervals().set_index(["name", "measure"]) for refit in (False, True)
    )
    pd.testing.assert_series_equal(fixed["estimate"], anew["estimate"])
    width = {id(one): one["high"] - one["low"] for one in (fixed, anew)}
    wide, narrow = width[id(anew)], width[id(fixed)]
    assert wide["k-means", "top_customers"] > 1.2 * narrow["k-means", "top_customers"]
    assert wide["total spend", "gini"] == narrow["total spend", "gini"]


def test_each_refit_learns_from_the_resample_that_it_is_judged_on():
    """By hand: the drawn customers, each as often as drawn, teach the line; all are judged, by their counts."""
    card = card_of({"mine": BySpend(0.2)}, refit=True, n_resamples=20, random_state=5)
    parts = vt.split(ORDERS, CUTOFF)
    known, later = parts.calibration.customers, parts.customers["holdout_spend"].to_numpy()
    rng = np.random.default_rng(5)
    for draw in card.draws.each[:, 0, 0]:
        drawn = rng.integers(0, len(known), len(known))
        top = known["spend"] >= np.quantile(known["spend"].to_numpy()[drawn], 0.8)
        assert draw[0] == pytest.approx(top.to_numpy()[drawn].mean())
        assert draw[1] == pytest.approx(later[drawn][top.to_numpy()[drawn]].sum() / later[drawn].sum())


def test_resamples_without_anything_to_learn_are_left_out():
    """The card says how many it stands on; without twenty it is refused, with the way out."""

    class Choosy(BySpend):
        need = 300

        def fit(self, X, y=None):
            if X["spend"].nunique() < self.need:
                raise vt.InvalidDataError("too few")
            return super().fit(X)

    class Choosier(Choosy):
        need = 230

    with pytest.raises(vt.InvalidDataError) as caught:
        card_of(Choosy(), refit=True)
    assert str(caught.value) == (
        "Only 0 of 30 resamples of the 372 customers could be learned from, and 20 are needed. Use a log of more "
        "customers, or refit=False."
    )
    card = card_of(Choosier(), refit=True)
    assert 20 <= card.n_resamples < 30
    assert f"from {card.n_resamples} resamples of the customers, the segmenters fitted anew to each;" in str(
        card
    )
    assert f"由 {card.n_resamples} 次客户重抽样得出，每次都重新拟合分层方法；" in card.verdict("zh")
    assert "resamples of the customers, the fits held as they are;" in str(card_of())


def test_refits_do_not_depend_on_the_frame():
    """A Polars log gives the same resamples and fits as a pandas log, at two cutoffs."""
    logs = (ORDERS, pl.from_pandas(ORDERS), ORDERS.sample(frac=1.0, random_state=3))
    cutoffs = ["2024-03-31", CUTOFF]
    first, *others = (
        card_of(PYRAMID, log, cutoff=cutoffs, horizon_days=90, refit=True, n_resamples=20).intervals()
        for log in logs
    )
    for other in others:
        pd.testing.assert_frame_equal(first, other)


def test_a_spark_log_is_refused_with_the_way_out(monkeypatch):
    """Customers of a cluster are not collected unasked; as_ asks for it."""
    monkeypatch.setattr("valuetier.spark.is_spark", lambda orders: orders is ORDERS)
    with pytest.raises(vt.InvalidDataError) as caught:
        card_of()
    assert str(caught.value) == (
        "orders is a Spark DataFrame, whose customer tables are not collected unasked. Pass as_='pandas': Spark "
        "summarizes the log, and the tables, one row per customer, come to the driver."
    )


def test_no_segmenter_is_lost_to_a_kind_that_looks_like_a_number():
    """The second of a kind is numbered, and a third whose kind is that very name counts on."""

    class Second(BySpend):
        kind = "by spend 2"

    names = card_of([BySpend(), BySpend(), Second(), BySpend()]).segmenters
    assert names == ("by spend", "by spend 2", "by spend 2 2", "by spend 3")


def test_shares_are_told_in_full():
    """An interval of 99.5 % is not one of 100 %, nor the best half per cent nobody."""
    card = card_of(level=0.995, best_share=0.005)
    assert "Intervals of 99.5% from 30 resamples" in card.verdict()
    assert "The best 0.5% of the customers by pyramid" in card.verdict()
    assert "区间水平为 99.5%" in card.verdict("zh")
    assert "排序的前 0.5% 客户" in card.verdict("zh")


def test_a_prediction_of_nothing_is_zero_in_every_tenth():
    """Who expects no order of anybody is wrong by all of it, not unknown."""

    class Gloomy(BySpend):
        def get_feature_names_out(self):
            return ["expected_orders", "expected_order_value"]

        def transform(self, X):
            return np.column_stack([np.zeros(len(X)), np.full(len(X), 20.0)])

    card = card_of({"gloomy": Gloomy()})
    assert card.calibration[["predicted_spend", "predicted_orders"]].eq(0.0).all(axis=None)
    assert card.calibration["actual_spend"].mean() > 0
    assert card.to_frame().set_index("name").loc["gloomy", "spend_ratio"] == 0.0
    assert "gloomy predicted 0% of the spend that came (0% to 0%): too low." in card.verdict()


def test_the_same_customers_summed_in_another_order_are_no_difference():
    """A top tier of those who spent most finds what total spend finds, to the last digit."""

    class TiersOnly:
        def fit(self, X, y=None):
            self.pyramid_ = vt.PyramidSegmenter(preset="hml").fit(X)

        def predict(self, X):
            return self.pyramid_.predict(X)

        def get_tier_names_out(self, lang="en"):
            return self.pyramid_.get_tier_names_out(lang)

    cutoffs = ["1997-09-30", "1997-12-31"]
    log = vt.datasets.load_cdnow_orders()
    card = vt.evaluate.holdout({"tiers": TiersOnly()}, log, cutoff=cutoffs, horizon_days=180, n_resamples=20)
    found = card.differences("top_value").set_index("other").loc["total spend"]
    assert found[["difference", "low", "high"]].tolist() == [0.0, 0.0, 0.0]
    assert found["outcome"] == "no difference can be shown"
