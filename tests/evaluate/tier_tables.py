"""Assignments by hand, and a segmenter that says what a column of the table says."""

from __future__ import annotations

import numpy as np
import pandas as pd

import valuetier as vt

NAMES = ("Gold", "Silver", "Bronze")
CHINESE = ("金", "银", "铜")


class Told:
    """The tier of each customer stands in the column ``old``; there is nothing to learn."""

    kind = "told"

    def fit(self, X, y=None):
        return self

    def predict(self, X):
        return np.asarray(X["old"], dtype=np.int64)

    def get_tier_names_out(self, lang="en"):
        return CHINESE if lang == "zh" else NAMES


def assigned(codes, ids=None, names=NAMES, as_of=None, version=None) -> vt.TierAssignment:
    """Return an assignment of these codes."""
    tiers = tuple(vt.Tier(i, name, CHINESE[i]) for i, name in enumerate(names))
    ids = np.arange(len(codes)) if ids is None else np.asarray(ids)
    return vt.TierAssignment(np.array(codes, dtype=np.int64), tiers, None, None, ids, "told", as_of, version)


def told(codes, ids) -> pd.DataFrame:
    """Return a table of customers with the tiers that ``Told`` reads."""
    return pd.DataFrame({"customer_id": ids, "old": codes})
