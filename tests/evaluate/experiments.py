"""An experiment with a planted effect, which the tests of its read-out share."""

from __future__ import annotations

import numpy as np
import pandas as pd

from valuetier.evaluate import effect
from valuetier.strategy import in_control

START = "2024-04-01"
TIERS = ("Gold", "Silver", "Bronze")
SIZES = (200, 400, 600)


def made_groups(share: float = 0.3) -> pd.DataFrame:
    """Return 1,200 customers in three tiers, some of each held out."""
    ids = np.array([f"c{i:04d}" for i in range(sum(SIZES))], dtype=object)
    tiers = np.repeat(np.array(TIERS, dtype=object), SIZES)
    held_out = in_control(ids, tiers, share, salt="test")
    return pd.DataFrame(
        {
            "customer_id": ids,
            "tier": pd.Categorical(tiers, categories=TIERS, ordered=True),
            "group": np.where(held_out, "control", "treated").astype(object),
        }
    )


def made_orders(groups: pd.DataFrame, times: float = 1.0, seed: int = 0) -> pd.DataFrame:
    """Return orders of half a year; from the start on the treated spend ``times`` as much an order."""
    rng = np.random.default_rng(seed)
    taste = np.repeat([3.0, 2.0, 1.0], SIZES) * rng.gamma(3.0, 1 / 3.0, len(groups))
    counts = rng.poisson(2.0 * taste)
    who = np.repeat(np.arange(len(groups)), counts)
    date = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 182, len(who)), unit="D")
    amount = (10.0 * taste[who] * rng.lognormal(0, 0.6, len(who))).round(2)
    treated = (groups["group"] == "treated").to_numpy()[who] & (date >= START)
    orders = pd.DataFrame(
        {"customer_id": groups["customer_id"].to_numpy()[who], "date": date, "amount": amount}
    )
    orders["amount"] = np.where(treated, orders["amount"] * times, orders["amount"]).round(2)
    return orders.sort_values(["date", "customer_id"], ignore_index=True)


def effect_of(groups, orders, **options):
    """Return the effect in 60 days from few resamples."""
    return effect(groups, orders, **{"start": START, "horizon_days": 60, "n_resamples": 400, **options})
