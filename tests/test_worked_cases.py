"""Three questions of account managers, answered; and where each answer turns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import valuetier as vt
from valuetier.values import expected_loss, financing_cost, risk_adjusted_value


def _hundred() -> pd.DataFrame:
    """Return 100 customers, amounts in millions: 18 order 80 together, 82 the other 20."""
    large, small = np.linspace(6.2, 2.7, 18), np.linspace(0.42, 0.08, 82)
    orders = np.concatenate([large / large.sum() * 80, small / small.sum() * 20])
    return pd.DataFrame({"customer_id": [f"k{i:03d}" for i in range(100)], "sales": orders})


TWO = pd.DataFrame({"customer_id": ["A", "B"], "sales": [60.0, 50.0], "profit": [6.0, 7.5]})
LATE = pd.DataFrame({"customer_id": ["C", "D"], "sales": [10.0, 8.0], "overdue_days": [182.5, 0.0]})


def test_eighteen_customers_bring_eighty_per_cent():
    """Cut at 80 % of the value, the top tier holds the 18; the concentration says the same."""
    customers = _hundred()
    cut = vt.ValueShareCut((0.8, 0.2), names=("Key", "Small"))
    tiers = vt.PyramidSegmenter(value="sales", cut=cut).fit(customers).assign(customers)
    assert tiers.counts().to_dict() == {"Key": 18, "Small": 82, "No value": 0}
    assert customers["sales"][tiers.codes == 0].sum() == pytest.approx(80)
    assert vt.evaluate.concentration(customers["sales"]).top_shares[0.20] == pytest.approx(0.8, abs=0.02)


def test_the_effort_goes_where_the_value_is():
    """Under the built-in playbook a customer of the 18 gets many times the minutes of one of the 82."""
    customers = _hundred()
    tiers = vt.PyramidSegmenter(value="sales", preset="abc").fit(customers).assign(customers)
    minutes = vt.StrategyMapper().map(tiers).groupby("customer_id")["minutes"].sum()
    by_tier = minutes.reindex(customers["customer_id"]).groupby(tiers.codes).mean()
    assert by_tier[0] > 5 * by_tier[2]
    assert (tiers.codes[:18] == 0).all()
    assert (tiers.codes[18:] > 0).all()


@pytest.mark.parametrize(("ratio", "most"), [(3.9, "Key"), (4.1, "Small")])
def test_the_profit_lies_with_the_small_from_four_times_the_margin_on(ratio, most):
    """Tiers by sales, profit in their cells: beyond 80/20 = 4 times the margin the 82 bring more than the 18."""
    customers = _hundred()
    cut = vt.ValueShareCut((0.8, 0.2), names=("Key", "Small"))
    tiers = vt.PyramidSegmenter(value="sales", cut=cut).fit(customers).assign(customers)
    profit = customers["sales"] * np.where(tiers.codes == 0, 0.05, 0.05 * ratio)
    shares = vt.evaluate.cross_table(tiers, tiers, profit).table("value_share")["total"].drop("total")
    assert shares.idxmax() == most
    assert shares["Key"] == pytest.approx(4 / (4 + ratio))


@pytest.mark.parametrize(
    ("scale", "turns_at"),
    [({"sales": (0, 60), "profit": (0, 7.5)}, 1 / 1.2), ("minmax", 1.0), ("percentile", 1.0)],
)
def test_who_is_delivered_first_turns_with_the_weight_of_profit(scale, turns_at):
    """B with more profit is first from that weight of profit on (sales weighing 1), A below it; both ways tried."""
    made = vt.ScorecardSegmenter(indicators={"sales": 1, "profit": 1}, scale=scale, cut=_half()).fit(TWO)
    turning = made.turning_weights(TWO, "A", "B").set_index("indicator").loc["profit"]
    assert turning["turning_weight"] == pytest.approx(turns_at)
    assert turning["first_leads"] == "below"
    for weight, first in ((turns_at * 0.99, "A"), (turns_at * 1.01, "B")):
        weights = {"sales": 1, "profit": weight}
        scores = (
            vt.ScorecardSegmenter(indicators=weights, scale=scale, cut=_half()).fit(TWO).score_samples(TWO)
        )
        assert TWO["customer_id"][int(np.argmax(scores))] == first


def _half() -> vt.ThresholdCut:
    return vt.ThresholdCut((50,))


def _left(margin: float, rate: float) -> np.ndarray:
    """Return what is left of both orders after the goods and the waiting."""
    waiting = financing_cost(LATE["sales"], LATE["overdue_days"], annual_interest_rate=rate)
    return risk_adjusted_value(margin * LATE["sales"], cost_to_serve=waiting)


def test_the_late_payer_is_second_at_a_common_margin():
    """At 10 % margin and 8 % interest, D leaves 0.80 million and C 0.61."""
    assert _left(0.10, 0.08).round(2).tolist() == [0.61, 0.8]


def test_the_late_payer_turns_first_with_margin_or_cheap_money():
    """At 10 % margin the answer turns at 1.02² - 1 = 4.04 % interest; at 8 % interest at 19.6 % margin."""
    for rate, first in ((1.02**2 - 1 - 1e-6, "C"), (1.02**2 - 1 + 1e-6, "D")):
        assert LATE["customer_id"][int(np.argmax(_left(0.10, rate)))] == first
    turning = 10 * (np.sqrt(1.08) - 1) / 2
    assert turning == pytest.approx(0.196, abs=5e-4)
    for margin, first in ((turning - 1e-6, "D"), (turning + 1e-6, "C")):
        assert LATE["customer_id"][int(np.argmax(_left(margin, 0.08)))] == first


@pytest.mark.parametrize(("probability", "first"), [(0.019, "C"), (0.021, "D")])
def test_two_per_cent_of_default_are_enough(probability, first):
    """Without interest, at 10 % margin, C's larger order is worth a default of 2 % and no more."""
    loss = expected_loss([probability, 0.0], LATE["sales"])
    assert LATE["customer_id"][int(np.argmax(0.1 * LATE["sales"] - loss))] == first


def test_a_gate_settles_it_whatever_the_weights():
    """Overdue beyond 90 days caps the tier: C has the higher total and still the lower tier."""
    scorecard = vt.ScorecardSegmenter(
        indicators={"sales": 1},
        scale={"sales": (0, 10)},
        gates=[vt.Gate("overdue_days", ">", 90, "Ordinary")],
    ).fit(LATE)
    totals, tiers = scorecard.score_samples(LATE), scorecard.predict(LATE)
    assert totals[0] > totals[1]
    assert tiers[0] > tiers[1]
