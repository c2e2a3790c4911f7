"""The laws hold for segmenters with gates, caps, points tables, missing values, sets and parts."""

import math

import numpy as np
import pandas as pd
import pytest

import valuetier as vt
from tests.explain.laws import as_floats, check_laws
from tests.segmenters.customer_tables import make

CUSTOMERS = make(60, seed=7)
RATED = CUSTOMERS.assign(
    profit=np.round(np.linspace(1, 10, 60), 3),
    overdue_days=np.arange(60) * 7 % 130,
    trend=np.where(np.arange(60) % 5 == 0, np.nan, np.linspace(-1, 1, 60).round(4)),
    alive=np.linspace(0, 1, 60).round(4),
    clv=np.linspace(3, 90, 60)[::-1].round(2),
    referral_value=np.arange(60) % 7 * 3.5,
    probability_alive=np.linspace(0, 1, 60).round(4),
)
STEPS = {0: 10, 30: 5, 90: 0}
UP_AND_DOWN = {0: 3, 20: 10, 60: 1, 100: 7}


@pytest.mark.parametrize(
    "segmenter",
    [
        vt.ScorecardSegmenter(
            indicators={"profit": 3, "overdue_days": 1},
            scale={"profit": (0, 10), "overdue_days": STEPS},
            gates=[("overdue_days", ">", 90, "Ordinary"), ("spend", "==", 24, "Potential")],
        ),
        vt.ScorecardSegmenter(
            indicators={"spend": 1, "overdue_days": 2}, scale={"spend": "minmax", "overdue_days": UP_AND_DOWN}
        ),
        vt.ScorecardSegmenter(
            indicators={"spend": 1, "trend": 2}, missing="renormalise", gates=[("spend", "<", 50, "Ordinary")]
        ),
        vt.ScorecardSegmenter(preset="vip_shares"),
        vt.KAISMSegmenter(max_key=5),
        vt.KAISMSegmenter(
            attractiveness={"profit": 2, "spend": 1}, strength={"profit": 1, "orders": 1}, max_key=4, line="median"
        ),
        vt.KAISMSegmenter(attractiveness={"profit": 1}, strength={"profit": 1, "alive": 2}, scale=(0, 10)),
        vt.MatrixSegmenter(preset="clv_x_referral"),
        vt.MatrixSegmenter(preset="value_x_risk"),
        vt.MatrixSegmenter(axes=({"spend": 1, "orders": 2}, "recency_days"), lower_is_better=("recency_days",)),
        vt.RuleSegmenter(
            rules={"Odd": {"orders": {"in": (1, 3)}}, "Rich": {"spend": {">": 50.5}, "recency_days": {"<": 90}}, "Rest": {}}
        ),
        vt.RuleSegmenter(rules={"Unknown": {"trend": {"in": (None, 0.5)}}, "Up": {"trend": {">=": 0}}, "Down": {}}),
        vt.LifecycleSegmenter(trend="trend", alive="alive"),
        vt.LifecycleSegmenter(late_gaps=1.5, lost_gaps=math.inf, gap_weight=3),
        vt.LifecycleSegmenter(model=vt.BGNBD(), trend="trend"),
        vt.KMeansSegmenter(features=("spend", "profit"), n_tiers=5),
        vt.CascadeSegmenter(gates=()),
        vt.CascadeSegmenter(outer=vt.RFMSegmenter(n_bins=3), inner={"High": vt.KMeansSegmenter(n_tiers=2)}),
        vt.CascadeSegmenter(outer=vt.CLVSegmenter(), gates={"Gone": {"recency_days": {">": 300}}}),
    ],
    ids=lambda one: type(one).__name__,
)  # fmt: skip
@pytest.mark.parametrize("floats", [False, True])
def test_any_parameters(segmenter, floats):
    """What is stated is true whatever the parameters."""
    customers = as_floats(RATED) if floats else RATED
    check_laws(segmenter.fit(customers), customers)


def test_a_cascade_of_a_strange_part_does_not_say_what_changes_it():
    """A part of three methods does not say what it looks at, so the whole does not either."""

    class Halves:
        def fit(self, X, y=None):
            self.line_ = float(X["spend"].median())
            return self

        def predict(self, X):
            return (X["spend"].to_numpy() < self.line_).astype(np.int64)

        def get_tier_names_out(self, lang="en"):
            return ["More", "Less"]

    cascade = vt.CascadeSegmenter(outer=Halves(), inner={}, columns=["spend"]).fit(CUSTOMERS)
    told = vt.explanation(cascade, CUSTOMERS).sentences()
    assert "This segmenter does not say what reaches a better tier." in set(told["to_next"])
    assert "This segmenter does not say what loses this tier." in set(told["to_lose"])


def test_an_empty_table_has_an_empty_explanation():
    """No customer, no row, the same columns."""
    for name in vt.available_segmenters():
        segmenter = vt.get_segmenter(name).fit(CUSTOMERS)
        whole, none = (
            vt.explanation(segmenter, table).to_frame() for table in (CUSTOMERS, CUSTOMERS.head(0))
        )
        assert not len(none)
        assert isinstance(none, pd.DataFrame)
        assert set(none) <= set(whole)
