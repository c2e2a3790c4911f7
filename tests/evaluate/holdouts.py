"""Orders, segmenters and scorecards that the tests of the holdout share."""

from __future__ import annotations

import numpy as np
import pandas as pd

import valuetier as vt
from valuetier.evaluate import holdout

CUTOFF = "2024-06-30"
N = 400


class BySpend:
    """Three methods and no score: the best share of the customers by spend, and the rest."""

    kind = "by spend"
    seen: list[pd.DataFrame] = []

    def __init__(self, share: float = 0.2) -> None:
        self.share = share

    def fit(self, X, y=None):
        """Learn the amount that the best share reach."""
        self.seen.append(X)
        self.line_ = float(np.quantile(X["spend"], 1 - self.share))
        return self

    def predict(self, X):
        """Return 0 from the line up, else 1."""
        return np.where(X["spend"] >= self.line_, 0, 1)

    def get_tier_names_out(self):
        """Return the names, best first."""
        return ["Best", "Rest"]


class Oracle(BySpend):
    """Ranks by a column of the customer table, with a score; ``worst`` turns it around."""

    kind = "oracle"

    def __init__(self, column: str = "spend", *, worst: bool = False) -> None:
        self.column = column
        self.worst = worst

    def fit(self, X, y=None):
        """Learn the score that one in five reaches."""
        self.line_ = float(np.quantile(self.score_samples(X), 0.8))
        return self

    def predict(self, X):
        """Return 0 from the line up, else 1."""
        return np.where(self.score_samples(X) >= self.line_, 0, 1)

    def score_samples(self, X):
        """Return the column, or its opposite."""
        return np.asarray(X[self.column], dtype=float) * (-1 if self.worst else 1)


def some_orders(seed: int = 0, end: str = "2024-12-31") -> pd.DataFrame:
    """Return two years of orders in which people keep their own pace and basket."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2023-01-01", end)
    pace = rng.gamma(0.7, 6.0, N)
    counts = rng.poisson(pace) + 1
    customer = np.repeat(np.arange(N), counts)
    basket = np.repeat(rng.gamma(3.0, 10.0, N), counts)
    return pd.DataFrame(
        {
            "customer_id": customer,
            "date": days[rng.integers(0, len(days), len(customer))],
            "amount": np.round(basket * rng.uniform(0.5, 1.5, len(customer)), 2) + 1.0,
        }
    )


ORDERS = some_orders()
PYRAMID = vt.PyramidSegmenter(preset="hml")


def card_of(segmenters=PYRAMID, orders=ORDERS, **options):
    """Return a scorecard with few resamples."""
    return holdout(segmenters, orders, **{"cutoff": CUTOFF, "n_resamples": 30, **options})


def by_hand() -> pd.DataFrame:
    """Five customers who spent 50, 40, 30, 20, 10 up to the cutoff, and 10, 60, 0, 30, 0 after it."""
    before = [("abcde"[i], "2024-06-01", 50.0 - 10 * i) for i in range(5)]
    after = [
        ("a", "2024-07-05", 10.0),
        ("b", "2024-07-06", 40.0),
        ("b", "2024-07-09", 20.0),
        ("d", "2024-07-31", 30.0),
    ]
    orders = pd.DataFrame(before + after, columns=["customer_id", "date", "amount"])
    return orders.assign(date=pd.to_datetime(orders["date"]))
