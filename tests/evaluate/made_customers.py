"""Made customers whose tiers have a known reason."""

import numpy as np
import pandas as pd

from valuetier.tiers import Tier, TierAssignment

TIERS = (Tier(0, "Top", "顶级"), Tier(1, "Middle", "中级"), Tier(2, "Low", "低级"))


def assigned(codes, ids=None):
    """Return an assignment of these tiers."""
    codes = np.asarray(codes, dtype=np.int64)
    ids = np.arange(len(codes)) if ids is None else np.asarray(ids)
    return TierAssignment(codes, TIERS, None, None, ids, "made")


def made(n=3_000, seed=0):
    """Return an assignment, attributes and values: rich customers of the app bring most of the value."""
    rng = np.random.default_rng(seed)
    income = rng.lognormal(10.8, 0.5, n).round()
    channel = rng.choice(["app", "shop", "web"], n, p=[0.5, 0.3, 0.2])
    best = (income >= 50_000) & (channel == "app")
    value = rng.gamma(2, 20, n) * np.where(best, 9, 1)
    tiers = assigned(np.digitize(-value, -np.quantile(value, [0.8, 0.5])))
    table = pd.DataFrame(
        {"customer_id": np.arange(n), "income": income, "channel": channel, "noise": rng.normal(size=n)}
    )
    return tiers, table, value
