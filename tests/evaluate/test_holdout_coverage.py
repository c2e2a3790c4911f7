"""Whether the intervals of the scorecard hold what they promise, in samples from a known population."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from valuetier._core.bands import percentile_interval, simultaneous_interval
from valuetier._core.gain import places
from valuetier.evaluate._holdout_measures import MEASURES, measured, resampled

TRIALS = 120
NAMES = ("top_value", "best_value", "gini", "rank_correlation")
COLUMNS = [MEASURES.index(name) for name in NAMES]
BEST = MEASURES.index("best_value")


def _sample(rng, n):
    """Return customers with two scores and a baseline, all three equally good, and heavy-tailed later spend."""
    worth = rng.normal(size=n)
    value = np.where(rng.random(n) < 1 / (1 + np.exp(-worth)), np.exp(worth + 0.8 * rng.normal(size=n)), 0.0)
    scores = [worth + rng.normal(size=n) for _ in range(3)]
    codes = tuple(np.where(score >= 1.1, 0, 1) for score in scores[:2])
    ranked = [places(-code.astype(float), score) for code, score in zip(codes, scores, strict=False)]
    return SimpleNamespace(
        ids=np.arange(n), value=value, orders=(value > 0) * 1.0, codes=codes,
        places=(*ranked, places(scores[2])), predicted=(None, None),
    )  # fmt: skip


@pytest.fixture(scope="module")
def trials():
    """Return for each trial whether each interval holds the truth, and whether any difference is found."""
    rng = np.random.default_rng(1)
    truth = measured([_sample(rng, 200_000)], 0.2).each[0, 0, COLUMNS]
    held, found = [], []
    for trial in range(TRIALS):
        case = _sample(rng, 300)
        each, draws = measured([case], 0.2).each, resampled([case], 0.2, 100, trial, refit=False).each
        low, high = percentile_interval(draws[:, 0, 0, COLUMNS], 0.95)
        held.append((low <= truth) & (truth <= high))
        gap, gaps = (one[..., 0, :2, BEST] - one[..., 0, 2:, BEST] for one in (each, draws))
        low, high = simultaneous_interval(gap, gaps, 0.95)
        found.append(bool(((low > 0) | (high < 0)).any()))
    return np.array(held), np.array(found)


def test_intervals_hold_the_truth(trials):
    """Of 95 % intervals at least 88 % hold what 200,000 customers show, for each measure."""
    assert trials[0].mean(axis=0).min() >= 0.88


def test_differences_that_are_none_are_seldom_found(trials):
    """Rankings that are equally good: some difference of theirs is called better or worse in 10 % of the logs at most."""
    assert trials[1].mean() <= 0.10
