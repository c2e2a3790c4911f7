"""Tiers found again, or not: against loops over refits, and by what must hold."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

import valuetier as vt
from tests.evaluate.tier_tables import NAMES, Told, told
from valuetier.checks import make_customers
from valuetier.evaluate import stability

CUSTOMERS = make_customers()


def test_the_numbers_are_those_of_a_loop_over_refits():
    """The same resamples, drawn by hand: Jaccard of sets, share who stay and scikit-learn's Rand index."""
    pyramid = vt.PyramidSegmenter(preset="hml")
    found = stability(pyramid, CUSTOMERS, n_resamples=6, random_state=3)
    codes = vt.PyramidSegmenter(preset="hml").fit(CUSTOMERS).predict(CUSTOMERS)
    rng = np.random.default_rng(3)
    draws = [np.sort(rng.integers(0, len(codes), len(codes))) for _ in range(6)]
    ids = np.arange(len(codes))
    samples = [CUSTOMERS.iloc[draw].assign(customer_id=ids) for draw in draws]
    refits = [pyramid.fit(sample).predict(CUSTOMERS) for sample in samples]
    for tier in range(3):
        here = set(np.flatnonzero(codes == tier))
        groups = [[set(np.flatnonzero(again == other)) for other in range(4)] for again in refits]
        similar = [[len(here & group) / len(here | group) for group in each] for each in groups]
        assert found.jaccard[tier] == pytest.approx(np.mean([each[tier] for each in similar]))
        assert found.jaccard_low[tier] == pytest.approx(np.quantile([each[tier] for each in similar], 0.025))
        assert found.best_match[tier] == pytest.approx(np.mean([max(each) for each in similar]))
        assert found.kept[tier] == pytest.approx(
            np.mean([len(here & each[tier]) / len(here) for each in groups])
        )
    rand = [adjusted_rand_score(codes, again) for again in refits]
    assert found.refits.mean == pytest.approx(np.mean(rand))
    assert found.refits.high == pytest.approx(np.quantile(rand, 0.975))
    assert found.refits.comparisons == 6


def test_what_is_not_learned_is_always_found_again():
    """Given thresholds: 1 everywhere; a tier without customers has no number and no level."""
    fixed = vt.PyramidSegmenter(cut=vt.ThresholdCut((200, 60)))
    found = stability(fixed, CUSTOMERS, n_resamples=3)
    assert found.jaccard[:3].tolist() == found.kept[:3].tolist() == [1, 1, 1]
    assert np.isnan(found.jaccard[3])
    assert found.levels == ("stable", "stable", "stable", None)
    assert found.refits.low == found.refits.high == 1
    assert found.seeds is None
    assert found.periods is None


def test_more_customers_are_more_stable():
    """Forty customers against two thousand, by the least stable tier."""
    few, many = (
        stability(vt.PyramidSegmenter(preset="hml"), make_customers(n), n_resamples=20) for n in (40, 2_000)
    )
    assert np.nanmin(few.jaccard) < np.nanmin(many.jaccard)


@pytest.mark.parametrize(
    "kind",
    [pl.from_pandas, lambda f: pl.from_pandas(f).to_arrow(), lambda f: f.sample(frac=1, random_state=2)],
)
def test_kind_and_order_of_the_table_change_nothing(kind):
    """Resamples are drawn by customer, not by row."""
    here, there = (stability(vt.RFMSegmenter(), X, n_resamples=4) for X in (CUSTOMERS, kind(CUSTOMERS)))
    np.testing.assert_array_equal(here.jaccard, there.jaccard)
    assert here.refits == there.refits


def test_seeds_are_tried_where_there_are_any():
    """k-means under other seeds than its own, compared with what it is."""
    segmenter = vt.KMeansSegmenter(random_state=1)
    found = stability(segmenter, CUSTOMERS, n_resamples=2, n_seeds=3)
    codes = segmenter.fit(CUSTOMERS).predict(CUSTOMERS)
    others = [vt.KMeansSegmenter(random_state=seed).fit(CUSTOMERS).predict(CUSTOMERS) for seed in (0, 2, 3)]
    rand = [adjusted_rand_score(codes, other) for other in others]
    assert found.seeds.mean == pytest.approx(np.mean(rand))
    assert (found.seeds.low, found.seeds.high, found.seeds.comparisons) == pytest.approx(
        (min(rand), max(rand), 3)
    )
    assert segmenter.random_state == 1
    assert stability(segmenter, CUSTOMERS, n_resamples=1, n_seeds=0).seeds is None


def test_neighbouring_periods_are_compared_on_the_later_customers():
    """Three tables make two comparisons; equal tables agree."""
    tables = [CUSTOMERS, CUSTOMERS, CUSTOMERS.assign(spend=CUSTOMERS["spend"] * 2)]
    found = stability(vt.PyramidSegmenter(preset="hml"), CUSTOMERS, n_resamples=1, periods=tables)
    cuts = [vt.PyramidSegmenter(preset="hml").fit(table).predict(tables[2]) for table in tables[1:]]
    rand = adjusted_rand_score(*cuts)
    assert rand < 0.9
    assert (found.periods.low, found.periods.high) == pytest.approx((rand, 1.0))
    assert found.agreements()["between"].tolist() == ["refits", "periods"]
    assert found.agreements()["comparisons"].tolist() == [1, 2]


class Fickle(Told):
    """Names its two upper groups the other way round each time it learns."""

    def __init__(self):
        self.fits = [0]

    def __deepcopy__(self, memo):
        copy = Fickle()
        copy.fits = self.fits
        return copy

    def fit(self, X, y=None):
        self.fits[0] += 1
        self.turn_ = self.fits[0] % 2
        return self

    def predict(self, X):
        codes = super().predict(X)
        return np.where(codes < 2, (codes + 1 - self.turn_) % 2, codes)


def test_groups_under_other_names_are_told_from_groups_that_are_lost():
    """Every other refit has the names switched: Jaccard about a half, best match 1."""
    table = told([0] * 10 + [1] * 10 + [2] * 10, range(30))
    found = stability(Fickle(), table, n_resamples=4)
    assert found.jaccard.tolist() == [0.5, 0.5, 1]
    assert found.best_match.tolist() == [1, 1, 1]
    assert found.levels == ("unstable", "unstable", "stable")
    assert found.verdict() == (
        "Learned anew from resampled customers (Jaccard; stable from 0.75, not to be trusted below 0.60), "
        "stable: Bronze (1.00); not to be trusted: Gold (0.50), Silver (0.50). On average 66.7 % of the customers "
        "keep their tier; the adjusted Rand index is 1.00. The groups of Gold, Silver are found again, but under "
        "other names: their order is what is unstable."
    )
    assert found.verdict("zh") == (
        "用重抽样的客户重新学习后（Jaccard 相似度；0.75 及以上为稳定，低于 0.60 不可信），稳定：铜（1.00）；"
        "不可信：金（0.50）、银（0.50）。平均 66.7% 的客户层级不变；调整兰德指数为 1.00。"
        "“金、银”的客户群能被重新找到，但名称不同：不稳定的是层级的次序。"
    )


def test_forms():
    """One row per tier, in both languages; the text has the tables and the verdict."""
    found = stability(
        vt.KMeansSegmenter(), CUSTOMERS, n_resamples=2, n_seeds=1, periods=[CUSTOMERS, CUSTOMERS]
    )
    frame = found.to_frame("zh")
    assert list(frame) == [
        "tier", "customers", "jaccard", "jaccard_low", "jaccard_high", "best_match", "kept", "level",
    ]  # fmt: skip
    assert frame["tier"].tolist() == ["顶级价值", "高价值", "中价值", "低价值"]
    assert frame["customers"].sum() == len(CUSTOMERS)
    assert str(found).endswith(found.verdict())
    assert "With other seeds it is" in found.verdict()
    assert "更换随机种子后" in found.verdict("zh")
    assert "Between the cuts of neighbouring periods it is 1.00 on average" in found.verdict()
    assert "相邻两期的分界线之间" in found.verdict("zh")
    assert NAMES[0] in str(stability(Told(), told([0, 1, 2], range(3)), n_resamples=1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_resamples": 0}, "n_resamples must be a whole number ≥ 1, got 0."),
        ({"n_seeds": -1}, "n_seeds must be a whole number ≥ 0, got -1."),
        (
            {"periods": CUSTOMERS},
            (
                "periods must be a list of two customer tables at least, the earliest first, got one. "
                "Add the table of another date."
            ),
        ),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    """The message names the argument and the way out."""
    with pytest.raises(vt.ValueTierError) as caught:
        stability(vt.PyramidSegmenter(), CUSTOMERS, **options)
    assert str(caught.value) == message


def test_a_seed_of_numpy_is_not_compared_with_itself():
    """1 is the same seed whichever integer it is."""
    plain, numpys = (
        stability(vt.KMeansSegmenter(random_state=seed), CUSTOMERS, n_resamples=1, n_seeds=2).seeds
        for seed in (1, np.int64(1))
    )
    assert plain == numpys
