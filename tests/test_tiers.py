"""Tiers, assignments, and ``assign`` on any object with three methods."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

import valuetier as vt
from valuetier.tiers import level_names


class Halves:
    """A segmenter of somebody else: three methods and nothing inherited."""

    def fit(self, X, y=None):
        self.middle_ = float(X["spend"].median())
        return self

    def predict(self, X):
        return (X["spend"].to_numpy() < self.middle_).astype(np.int8)

    def get_tier_names_out(self, lang="en"):
        return {"en": ["upper", "lower"], "zh": ["上", "下"]}[lang]


class EnglishOnly(Halves):
    def get_tier_names_out(self):
        return ["upper", "lower"]


CUSTOMERS = pd.DataFrame({"customer_id": ["a", "b", "c"], "spend": [5.0, 1.0, 3.0]})


def _predicting(codes) -> Halves:
    segmenter = Halves()
    segmenter.predict = lambda X: np.asarray(codes)
    return segmenter


def test_a_tier_has_a_code_and_two_names():
    """0 is the best; the name comes in both languages."""
    tier = vt.Tier(0, "Key", "关键客户")
    assert tier.label() == tier.label("en") == str(tier) == "Key"
    assert tier.label("zh") == "关键客户"
    with pytest.raises(vt.InvalidParameterError, match=r"^lang must be one of \['en', 'zh'\], got 'de'\.$"):
        tier.label("de")


def test_tiers_are_values():
    """Equal tiers are equal and cannot be changed."""
    assert vt.Tier(0, "Key", "关键客户") == vt.Tier(0, "Key", "关键客户")
    with pytest.raises(FrozenInstanceError):
        vt.Tier(0, "Key", "关键客户").code = 1


def test_three_methods_make_a_segmenter():
    """The protocol is checked at run time by the methods alone."""
    assert isinstance(Halves(), vt.Segmenter)
    assert not isinstance(object(), vt.Segmenter)


def test_assign_works_for_any_segmenter():
    """Codes, tiers, ids and kind come out; what the segmenter does not have is None."""
    found = vt.assign(Halves().fit(CUSTOMERS), CUSTOMERS)
    assert found.codes.tolist() == [0, 1, 0]
    assert found.codes.dtype == np.int64
    assert found.tiers == (vt.Tier(0, "upper", "上"), vt.Tier(1, "lower", "下"))
    assert found.ids.tolist() == ["a", "b", "c"]
    assert found.kind == "halves"
    assert found.segments is found.segments_zh is found.scores is found.version is found.as_of is None
    assert len(found) == 3


def test_names_in_one_language_serve_for_both():
    """A segmenter that knows no Chinese is taken as it is."""
    found = vt.assign(EnglishOnly().fit(CUSTOMERS), CUSTOMERS)
    assert found.tiers[0] == vt.Tier(0, "upper", "upper")


def test_scores_segments_kind_and_version_are_taken_where_there_are_some():
    """RFM has them all; the pyramid names no segments."""
    customers = pd.DataFrame(
        {"recency_days": [1, 2, 3, 4], "orders": [4, 3, 2, 1], "spend": [4.0, 3.0, 2.0, 1.0]}
    )
    rfm = vt.RFMSegmenter(n_bins=4).fit(customers)
    found = vt.assign(rfm, customers)
    assert found.kind == "rfm"
    assert found.version == rfm.version()
    assert found.scores.tolist() == [4, 3, 2, 1]
    assert found.segments.tolist() == ["Champions", "Loyal", "Hibernating", "Lost"]
    assert found.segments_zh.tolist() == ["冠军客户", "忠诚客户", "休眠客户", "已流失客户"]
    assert vt.PyramidSegmenter().fit(customers).assign(customers).segments is None


def test_what_cannot_be_stored_can_be_assigned():
    """A segmenter from a notebook has no version, and works all the same."""

    class Mine(vt.PyramidSegmenter):
        pass

    found = Mine(preset="hml").fit(CUSTOMERS).assign(CUSTOMERS)
    assert found.codes.tolist() == vt.PyramidSegmenter(preset="hml").fit_predict(CUSTOMERS).tolist()
    assert found.version is None


def test_counts_include_empty_tiers_best_first():
    """Every tier is counted, in order, in both languages."""
    found = vt.assign(_predicting([1, 1, 1]), CUSTOMERS)
    assert found.counts().to_dict() == {"upper": 0, "lower": 3}
    assert found.counts("zh").to_dict() == {"上": 0, "下": 3}
    assert (found.counts().name, found.counts().index.name) == ("customers", "tier")


def test_the_frame_has_one_row_per_customer_and_ordered_tiers():
    """customer_id, tier, segment, score; the best tier is the smallest category."""
    frame = vt.assign(Halves().fit(CUSTOMERS), CUSTOMERS).to_frame()
    assert list(frame.columns) == ["customer_id", "tier", "segment", "score"]
    assert frame["customer_id"].tolist() == ["a", "b", "c"]
    assert frame["tier"].tolist() == ["upper", "lower", "upper"]
    assert frame["tier"].cat.ordered
    assert frame["tier"].cat.categories.tolist() == ["upper", "lower"]
    assert frame["segment"].isna().all()
    assert frame["score"].isna().all()
    assert vt.assign(Halves().fit(CUSTOMERS), CUSTOMERS).to_frame("zh")["tier"].tolist() == ["上", "下", "上"]


def test_the_frame_speaks_chinese_throughout():
    """Tiers and segments in the language asked for."""
    customers = pd.DataFrame(
        {"recency_days": [1, 2, 3, 4], "orders": [4, 3, 2, 1], "spend": [4.0, 3.0, 2.0, 1.0]}
    )
    frame = vt.RFMSegmenter(n_bins=4).fit(customers).assign(customers).to_frame("zh")
    assert frame["segment"].tolist() == ["冠军客户", "忠诚客户", "休眠客户", "已流失客户"]
    assert frame["tier"].tolist() == ["顶级价值", "高价值", "中价值", "低价值"]
    assert frame["score"].tolist() == [4, 3, 2, 1]


def test_the_day_is_given_or_read_from_the_table():
    """Given by hand it wins; else last order plus days since."""
    dated = CUSTOMERS.assign(last_order=pd.Timestamp("2024-05-01"), recency_days=30)
    segmenter = Halves().fit(dated)
    assert vt.assign(segmenter, dated).as_of == date(2024, 5, 31)
    assert vt.assign(segmenter, dated, as_of=date(2024, 7, 1)).as_of == date(2024, 7, 1)


def test_a_query_without_order_is_run_once():
    """Ids, codes and scores of a relation belong together."""
    customers = pd.DataFrame({"customer_id": np.arange(1000), "spend": np.arange(1000.0)})
    relation = duckdb.from_arrow(pl.from_pandas(customers).to_arrow()).order("random()")
    found = vt.PyramidSegmenter().fit(customers).assign(relation)
    assert found.scores.tolist() == found.ids.tolist()


def test_nothing_of_the_customers_is_printed():
    """The repr has kind and counts."""
    found = vt.assign(Halves().fit(CUSTOMERS), CUSTOMERS)
    assert repr(found) == "TierAssignment(kind='halves', customers=3, upper: 2, lower: 1)"


def test_assignments_can_be_pickled_and_not_changed():
    """A value, like any other."""
    found = vt.assign(Halves().fit(CUSTOMERS), CUSTOMERS)
    assert pickle.loads(pickle.dumps(found)).codes.tolist() == [0, 1, 0]
    with pytest.raises(FrozenInstanceError):
        found.kind = "other"


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([0, 1], "predict must return one code per customer: 3 customers, shape (2,)."),
        ([[0], [1], [0]], "predict must return one code per customer: 3 customers, shape (3, 1)."),
        ([0, 1, 2], "predict must return integers from 0 (best) to 1, one for each tier name."),
        ([-1, 0, 1], "predict must return integers from 0 (best) to 1, one for each tier name."),
        ([0.0, 1.0, 0.0], "predict must return integers from 0 (best) to 1, one for each tier name."),
        (["upper"] * 3, "predict must return integers from 0 (best) to 1, one for each tier name."),
    ],
)
def test_codes_that_are_no_tiers_are_refused(codes, message):
    """Whoever writes a segmenter is told what predict owes."""
    with pytest.raises(vt.InvalidDataError) as caught:
        vt.assign(_predicting(codes), CUSTOMERS)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("english", "chinese"), [(["a", "a"], ["x", "y"]), (["a", "b"], ["x", "x"]), (["a", "b"], ["x"])]
)
def test_names_that_cannot_be_told_apart_are_refused(english, chinese):
    """As many different names in each language."""
    segmenter = _predicting([0, 0, 0])
    segmenter.get_tier_names_out = lambda lang="en": chinese if lang == "zh" else english
    with pytest.raises(vt.InvalidDataError) as caught:
        vt.assign(segmenter, CUSTOMERS)
    assert str(caught.value) == (
        "get_tier_names_out must return different names, as many in each language, "
        f"got {english} and {chinese}."
    )


@pytest.mark.parametrize("n_tiers", range(2, 9))
def test_levels_without_names_get_some(n_tiers):
    """As many different names as tiers, in both languages."""
    names = level_names(n_tiers)
    assert len(names) == len({en for en, _ in names}) == len({zh for _, zh in names}) == n_tiers
    assert level_names(7)[2] == ("Tier 3", "第 3 层")


def test_an_assignment_is_made_of_one_assessment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Built-in segmenters judge customers once; what it says is what their methods say."""
    customers = vt.checks.make_customers(120)
    rfm = vt.RFMSegmenter().fit(customers)
    wanted = (
        rfm.predict(customers),
        rfm.score_samples(customers),
        rfm.predict_segments(customers, lang="zh"),
    )
    runs: list[int] = []
    assess = vt.RFMSegmenter._assess
    monkeypatch.setattr(
        vt.RFMSegmenter, "_assess", lambda self, columns: runs.append(1) or assess(self, columns)
    )
    found = rfm.assign(customers)
    assert len(runs) == 1
    for mine, theirs in zip((found.codes, found.scores, found.segments_zh), wanted, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_subclass_that_answers_otherwise_is_asked() -> None:
    """Where a subclass overrides a method, the assignment is what that method says."""

    class Upside(vt.PyramidSegmenter):
        def predict(self, X: Any) -> Any:
            return np.zeros(len(X), dtype=np.int64)

    customers = vt.checks.make_customers(120)
    assert (Upside().fit(customers).assign(customers).codes == 0).all()
