"""At which weight the order of two customers turns."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import valuetier as vt
from tests.segmenters.customer_tables import make

VIP, ORDINARY = 0, 2
OVERDUE = ("overdue_days", ">", 90, "Ordinary")
SALES = pd.DataFrame({"customer_id": ["A", "B"], "sales": [60.0, 50.0], "profit": [6.0, 7.5]})
BY_BOTH = {"indicators": {"sales": 1, "profit": 1}, "scale": {"sales": (0, 60), "profit": (0, 7.5)}}


def test_worked_case_of_two_customers_whose_deliveries_collide():
    """A leads by 100/6 points on sales, B by 20 on profit: the answer turns at a weight of 1.2 for sales."""
    scorecard = vt.ScorecardSegmenter(**BY_BOTH).fit(SALES)
    found = scorecard.turning_weights(SALES, "A", "B").set_index("indicator")
    assert found["turning_weight"].tolist() == [1.2, pytest.approx(1 / 1.2)]
    assert found["first_leads"].tolist() == ["above", "below"]
    for weight, ahead in ((1.19, "B"), (1.21, "A")):
        moved = vt.ScorecardSegmenter(**{**BY_BOTH, "indicators": {"sales": weight, "profit": 1}}).fit(SALES)
        assert SALES["customer_id"][int(np.argmax(moved.score_samples(SALES)))] == ahead


def test_worked_case_of_the_late_payer():
    """C orders 10 M and pays half a year late, D 8 M on time: the gate or a little weight turns the answer."""
    customers = pd.DataFrame({"customer_id": ["C", "D"], "sales": [10.0, 8.0], "overdue_days": [180.0, 0.0]})
    scale = {"sales": (0, 10), "overdue_days": {0: 10, 30: 5, 90: 0}}
    by_sales = vt.ScorecardSegmenter(indicators={"sales": 1}, scale=scale)
    assert by_sales.fit(customers).predict(customers).tolist() == [VIP, VIP]
    assert np.argmax(by_sales.score_samples(customers)) == 0
    gated = vt.ScorecardSegmenter(indicators={"sales": 1}, scale=scale, gates=[OVERDUE])
    assert gated.fit(customers).predict(customers).tolist() == [ORDINARY, VIP]
    both = vt.ScorecardSegmenter(indicators={"sales": 4, "overdue_days": 1}, scale=scale).fit(customers)
    found = both.turning_weights(customers, "C", "D").set_index("indicator")
    assert found.loc["sales", ["turning_weight", "first_leads"]].tolist() == [5, "above"]
    assert found.loc["overdue_days", ["turning_weight", "first_leads"]].tolist() == [0.8, "below"]


def test_at_the_turning_weight_both_totals_are_equal():
    """Of any two customers whose order can turn, a scorecard with that weight gives the same total."""
    customers = make(40, seed=5)
    weights = {"spend": 3, "orders": 1, "recency_days": 2}
    scorecard = vt.ScorecardSegmenter(indicators=weights, lower_is_better=["recency_days"]).fit(make())
    turned = 0
    for first, second in itertools.pairwise(customers.index):
        pair = customers.loc[[first, second]]
        found = scorecard.turning_weights(pair, *pair["customer_id"]).dropna(subset="turning_weight")
        for indicator, weight in zip(found["indicator"], found["turning_weight"], strict=True):
            moved = vt.ScorecardSegmenter(
                indicators={**weights, indicator: weight}, lower_is_better=["recency_days"]
            ).fit(make())
            totals = moved.score_samples(pair)
            assert totals[0] == pytest.approx(totals[1], rel=1e-9, abs=1e-9)
            turned += 1
    assert turned > 20


def test_turning_weights_need_two_known_customers():
    """An id that is not there and an unknown indicator are errors that name no customer."""
    ratings = [9.0, 7.0, 5.0, 1.0]
    table = pd.DataFrame({"customer_id": list("abcd"), "amount": ratings, "credit": ratings})
    scorecard = vt.ScorecardSegmenter(
        indicators={"amount": 3, "credit": 1}, scale=(0, 10), missing="renormalise"
    ).fit(table)
    table.loc[3, "credit"] = np.nan
    with pytest.raises(vt.InvalidDataError) as caught:
        scorecard.turning_weights(table, "a", "secret")
    assert str(caught.value) == (
        "second: none of 4 customers has this id. Pass one id of the table, of its type."
    )
    with pytest.raises(vt.InvalidDataError) as caught:
        scorecard.turning_weights(table, "a", "d")
    assert str(caught.value) == (
        "1 of 2 indicators are unknown for one of the two customers, so their totals have different weights. "
        "Fill them first."
    )
