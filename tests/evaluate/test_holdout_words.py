"""What the scorecard says: it follows the numbers, in both languages."""

from __future__ import annotations

from dataclasses import replace
from string import Formatter

import pandas as pd
import pytest

import valuetier as vt
from tests.evaluate.holdouts import ORDERS, PYRAMID, BySpend, Oracle, by_hand, card_of
from valuetier.evaluate import holdout
from valuetier.evaluate._holdout_measures import MEASURES, Measured
from valuetier.evaluate._holdout_words import TEXTS


@pytest.mark.parametrize("text", TEXTS)
def test_both_languages_say_the_same_things(text):
    """Every value of a sentence is in its translation, written the same way."""
    values = [
        sorted((name, form) for _, name, form, _ in Formatter().parse(TEXTS[text][lang]) if name)
        for lang in ("en", "zh")
    ]
    assert values[0] == values[1]


def test_a_ranking_by_what_counts_is_better():
    """More than chance: said of the best segmenter, of its top tier and of the whole order."""
    later = ORDERS[ORDERS["date"] > "2024-06-30"].groupby("customer_id")["amount"].sum()
    orders = ORDERS.assign(later=ORDERS["customer_id"].map(later).fillna(0.0))
    card = card_of([PYRAMID, Oracle("later")], orders, extra={"later": ("later", "max")})
    said = card.verdict().splitlines()
    assert said[1].startswith("The best 20% of the customers by oracle brought")
    assert said[1].endswith("more than chance would make.")
    assert said[2].endswith("better.")
    assert said[4] == "The other segmenters against oracle: worse: pyramid."
    assert said[5].endswith(": better.")


def test_a_useless_segmenter_loses_to_a_baseline():
    """It may lose, and the verdict says so."""
    card = card_of(Oracle(worst=True))
    assert "the simple baseline does better than the best segmenter" in card.verdict()
    assert "简单的基准反而胜过最好的分层方法" in card.verdict("zh")


def test_the_same_order_is_no_difference():
    """A pyramid by spend in a log where spend is the strongest baseline: nothing can be shown, and it says so."""
    card = card_of(baselines=("total spend", "random"))
    assert "no difference can be shown. The baseline is the simpler one." in card.verdict()
    assert "看不出差异。基准更简单。" in card.verdict("zh")
    assert str(card) == card.verdict()


def test_better_at_the_top_and_worse_over_all_depends():
    """Where the two measures contradict each other with certainty, the verdict asks what it is for."""
    card = card_of(baselines=("total spend",))
    each, draws = card.estimates.each.copy(), card.draws.each.copy()
    for values in (each, draws):
        values[..., 0, MEASURES.index("best_value")] += 0.1
        values[..., 0, MEASURES.index("gini")] -= 0.1
    turned = replace(
        card, estimates=Measured(each, card.estimates.at_size), draws=Measured(draws, card.draws.at_size)
    )
    assert "So it depends on the use" in turned.verdict()
    assert "因此要看用途" in turned.verdict("zh")
    assert "depends on the use" not in card.verdict()


def test_without_baselines_nothing_is_compared_with_them():
    """The findings stand alone."""
    card = card_of(baselines=())
    said = card.verdict().splitlines()
    assert said[1].endswith("of the later spend.")
    assert not [line for line in said if "baseline" in line]
    assert card.differences().empty
    assert card.verdict("zh").splitlines()[1].endswith("。")


@pytest.mark.parametrize(("times", "judged", "zh"), [(3.0, "too high", "偏高"), (0.2, "too low", "偏低")])
def test_predictions_are_called_too_high_or_too_low(times, judged, zh):
    """The ratio's interval lies on one side of 1."""
    card = card_of({"mine": Predictor(times)}, horizon_days=184)
    assert f"mine predicted {times:.0%} of the orders that came" in card.verdict()
    assert f": {judged}." in card.verdict()
    assert f"：{zh}。" in card.verdict("zh")
    assert "of the spend that came" not in card.verdict()


class Predictor(BySpend):
    """Expects that everybody orders as often as all did later, times a factor; no order value."""

    def __init__(self, times: float) -> None:
        super().__init__()
        self.times = times

    def get_feature_names_out(self):
        """Return what is predicted."""
        return ["expected_orders"]

    def transform(self, X):
        """Return the expected orders, the same for all."""
        later = ORDERS[ORDERS["date"] > "2024-06-30"].drop_duplicates(["customer_id", "date"])
        mean = later["customer_id"].isin(X["customer_id"]).sum() / len(X)
        return pd.DataFrame({"expected_orders": [self.times * mean] * len(X)})


def test_a_true_prediction_shows_no_bias():
    """The interval holds 1."""
    said = card_of({"mine": Predictor(1.0)}, horizon_days=184).verdict()
    assert "mine predicted 100% of the orders that came" in said
    assert ": no bias can be shown." in said


def test_overlapping_horizons_and_short_logs_are_said():
    """What a reader has to know stands below the findings; what does not apply is not there."""
    cutoffs = ["2023-10-31", "2023-12-15"]
    said = card_of(cutoff=cutoffs, horizon_days=90).verdict()
    assert said.startswith("At 2 cutoffs from 2023-10-31 to 2023-12-15 the customers known")
    assert "The horizons overlap" in said
    assert "Up to 2023-12-15 nothing in the log is older than a year" in said
    assert "From one cutoff to the next pyramid leaves" in said
    apart = card_of(cutoff=["2024-03-31", "2024-06-30"], horizon_days=90).verdict()
    assert "overlap" not in apart
    assert "older than a year" not in apart
    assert "refunds" not in apart


def test_an_empty_top_tier_is_not_spoken_of():
    """Nobody in the best tier: its numbers are 0 or missing, and the verdict leaves it out."""

    class Nobody(BySpend):
        def predict(self, X):
            return super().predict(X) * 0 + 1

    card = card_of({"nobody": Nobody()}, by_hand(), horizon_days=31)
    row = card.to_frame().set_index("name").loc["nobody"]
    assert (row["top_customers"], row["top_value"]) == (0.0, 0.0)
    assert pd.isna(row["top_lift"])
    assert pd.isna(row["top_precision"])
    assert "top tier" not in card.verdict()


def test_cdnow_has_the_models_ahead_at_the_top_and_not_over_all():
    """On real data: BG/NBD finds more in its best fifth than spend does, and orders the whole less well."""
    orders = vt.datasets.load_cdnow_orders()
    card = holdout(
        [vt.CLVSegmenter(), vt.RFMSegmenter()], orders, cutoff="1997-09-30", horizon_days=273, n_resamples=100
    )
    best = card.differences().set_index(["segmenter", "other"])["outcome"]
    assert best["clv", "total spend"] == "better"
    assert (
        card.differences("gini").set_index(["segmenter", "other"])["outcome"]["clv", "total spend"] == "worse"
    )
    assert "clv predicted 83% of the spend that came" in card.verdict()
