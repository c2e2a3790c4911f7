"""Tiers by tenure: how long somebody has been a customer. Imports nothing of valuetier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

NAMES = {"en": ["Veteran", "Settled", "New"], "zh": ["资深客户", "稳定客户", "新客户"]}


class TenureSegmenter:
    """The longest third of tenures is Veteran, the next Settled, the last New.

    Tenure is the column ``T`` of a customer table, in days.
    """

    kind = "tenure"

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        """Learn two thresholds in days from the customers in ``X``; return the segmenter."""
        if "T" not in X:
            raise ValueError(f"TenureSegmenter needs the column 'T' (days), the table has {list(X)}.")
        self.days_ = np.quantile(X["T"], [1 / 3, 2 / 3], method="inverted_cdf")
        return self

    def predict(self, X: pd.DataFrame) -> NDArray[np.int64]:
        """Return 0 for Veteran, 1 for Settled, 2 for New."""
        passed = np.searchsorted(self.days_, X["T"].to_numpy(), side="left")
        return np.asarray(2 - passed, dtype=np.int64)

    def score_samples(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return the tenure in days."""
        return X["T"].to_numpy(dtype=np.float64)

    def get_tier_names_out(self, lang: str = "en") -> Sequence[str]:
        """Return the tier names, the longest tenure first."""
        return NAMES[lang]
