"""Explanations in words: as a table, as sentences, of one customer, in both languages."""

import re
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import valuetier as vt
from tests.segmenters.customer_tables import INSTALLED, fitted, make
from valuetier.errors import InvalidDataError
from valuetier.explain.words import rounded

CUSTOMERS = pd.DataFrame(
    {
        "customer_id": [11, 12, 13, 14],
        "last_order": pd.to_datetime(["1998-06-27", "1998-06-20", "1998-05-01", "1998-06-30"]),
        "recency_days": [3, 10, 60, 0],
        "orders": [9, 5, 1, 2],
        "spend": [1204.0, 312.4, 20.5, 0.0],
    }
)
PYRAMID = vt.PyramidSegmenter(
    cut=vt.ThresholdCut((1204, 287, 50), names=("Vital", "Major", "Ordinary", "Small"))
)


def test_the_sentences_of_a_pyramid():
    """From the raw value to the tier, to the next one, and to the one below; the day and version of the cuts."""
    pyramid = PYRAMID.fit(CUSTOMERS)
    told = vt.explanation(pyramid, CUSTOMERS).sentences().set_index("customer_id")
    assert told.loc[12, "to_next"] == "To Vital: spend from 1,204 (891.60 more)."
    assert told.loc[12, "to_lose"] == "To Ordinary: spend below 287 (25.4 away)."
    assert told.loc[11, "to_next"] == "The best tier."
    assert told.loc[13, "to_lose"] == "To No value: spend at most 0 (20.5 away)."
    assert told.loc[14, "to_next"] == "To Small: spend above 0."
    assert told.loc[14, "to_lose"] == "The last tier."
    assert set(told["cuts"]) == {f"Cuts {pyramid.version()} of 1998-06-30"}


def test_the_sentences_in_chinese():
    """The same numbers, as somebody of the field writes them."""
    rules = {"甲": {"recency_days": {"<=": 5}}, "乙": {"recency_days": {"<=": 30}}, "丙": {}}
    told = vt.explanation(vt.RuleSegmenter(rules=rules).fit(CUSTOMERS), CUSTOMERS).sentences("zh")
    assert told["to_next"][1] == "升为“甲”：最近一次购买在 5 天以内（需减少 5 天）。"
    assert told["to_lose"][1] == "降为“丙”：满 31 天未购买（尚余 21 天）。"
    pyramid = vt.explanation(PYRAMID.fit(CUSTOMERS), CUSTOMERS).sentences("zh")
    assert pyramid["to_next"][1] == "升为“Vital”：消费金额达到 1,204（还差 891.60）。"
    assert pyramid["to_lose"][1] == "降为“Ordinary”：消费金额低于 287（尚余 25.4）。"
    assert pyramid["to_next"][0] == "已是最高层级。"
    assert pyramid["cuts"][0].endswith("（1998-06-30）")


def test_days_are_said_as_people_say_them():
    """One day is a day, and no day since the last order is today."""
    rules = {"Now": {"recency_days": {"<=": 0}}, "Soon": {"recency_days": {"<": 1.5}}, "Later": {}}
    customers = pd.DataFrame({"recency_days": [0, 1, 9]})
    found = vt.explanation(vt.RuleSegmenter(rules=rules).fit(customers), customers)
    assert found.sentences()["to_lose"][0] == "To Soon: no order for 1 day (1 away)."
    assert found.sentences()["to_next"].tolist()[1:] == [
        "To Now: last order today (1 fewer).",
        "To Soon: last order within 1 day (8 fewer).",
    ]
    assert found.sentences("zh")["to_next"][1] == "升为“Now”：当天有购买（需减少 1 天）。"


def test_one_customer_step_by_step():
    """Values with points and intervals, the reason, up, down, and the cuts."""
    rfm = vt.RFMSegmenter(
        weights=(4, 1, 1),
        binning="fixed",
        edges={"recency_days": (5, 30), "orders": (2, 6), "spend": (100, 1000)},
    ).fit(CUSTOMERS)
    found = vt.explanation(rfm, CUSTOMERS)
    text = found.customer(12).splitlines()
    assert text[0] == "Customer 12: High"
    assert text[1].startswith("  Why: recency_days 10 → R 2/3")
    assert "  recency_days 10, points 2: keeps the tier from 6, below 31" in text
    assert "  orders 5, points 2: keeps the tier from 2" in text
    assert text[-3] == "  Up: To Top: last order within 5 days (5 fewer)."
    assert text[-2] == (
        "  Down: To Medium: orders at most 1 (4 away), or spend below 100 (212.40 away); "
        "to Low: no order for 31 days (21 away)."
    )
    assert text[-1] == f"  Cuts {rfm.version()} of 1998-06-30"
    assert "距上次购买天数 10，得分 2：不低于 6 且低于 31 时层级不变" in found.customer(12, "zh")
    assert "等级" not in "".join(found.customer(one, "zh") for one in (11, 12, 13, 14))
    with pytest.raises(InvalidDataError, match="customer: none of 4 customers has this id"):
        found.customer(99)


def test_the_table_has_the_days_and_the_score_lines():
    """Version, the day of the cuts and of the customers, the tier above, and the scores of the tiers."""
    rfm = vt.RFMSegmenter(n_bins=3).fit(CUSTOMERS)
    later = CUSTOMERS.assign(last_order=CUSTOMERS["last_order"] + pd.Timedelta(days=31))
    frame = vt.explanation(rfm, later).to_frame()
    assert set(frame["cuts_as_of"]) == {date(1998, 6, 30)}
    assert set(frame["as_of"]) == {date(1998, 7, 31)}
    assert set(frame["version"]) == {rfm.version()}
    assert set(vt.explanation(rfm, later, as_of=date(1999, 1, 1)).to_frame()["as_of"]) == {date(1999, 1, 1)}
    names = rfm.get_tier_names_out()
    above = [None if tier == names[0] else names[names.index(tier) - 1] for tier in frame["tier"]]
    assert [None if pd.isna(one) else one for one in frame["next_tier"]] == above
    assert (frame["score"] >= frame["score_keeps_from"].fillna(-np.inf)).all()
    assert (frame["score"] < frame["score_to_next"].fillna(np.inf)).all()


def test_the_day_of_the_cuts_is_stored_and_no_part_of_the_version(tmp_path):
    """A loaded segmenter knows the day of its cuts; equal cuts of another day have the same version."""
    rfm = vt.RFMSegmenter(n_bins=3).fit(CUSTOMERS)
    rfm.save(tmp_path / "rfm.json")
    loaded = vt.load(tmp_path / "rfm.json")
    assert loaded.cuts_as_of_ == date(1998, 6, 30)
    undated = vt.RFMSegmenter(n_bins=3).fit(CUSTOMERS.drop(columns="last_order"))
    assert undated.cuts_as_of_ is None
    assert undated.version() == rfm.version() == loaded.version()
    assert vt.explanation(undated, CUSTOMERS).cuts() == f"Cuts {rfm.version()}"


def test_a_segmenter_of_three_methods_says_that_it_does_not_say():
    """Tiers, scores and the tier above are there; nothing is made up."""

    class Halves:
        def fit(self, X, y=None):
            return self

        def predict(self, X):
            return (X["spend"].to_numpy() < 100).astype(np.int64)

        def get_tier_names_out(self, lang="en"):
            return ["More", "Less"]

    found = vt.explanation(Halves(), CUSTOMERS)
    told = found.sentences()
    assert set(told["reason"]) == {"This segmenter does not say why."}
    assert told["to_next"].tolist()[1:3] == [
        "The best tier.",
        "This segmenter does not say what reaches a better tier.",
    ]
    assert found.cuts() == "Cuts without a version"
    assert found.to_frame()["next_tier"].fillna("").tolist() == ["", "", "More", "More"]
    assert "该分层方法不说明分层依据" in found.customer(11, "zh")
    with pytest.raises(InvalidDataError, match="of the kind 'halves' does not state its cuts"):
        found.reconstruct()


@pytest.mark.parametrize("name", INSTALLED)
def test_both_languages_say_the_same_numbers(name):
    """Up and down carry the same numbers in English and Chinese, and no sentence is empty."""
    found = vt.explanation(fitted(name), make(60, seed=5))
    english, chinese = found.sentences("en"), found.sentences("zh")
    number = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")
    for side in ("to_next", "to_lose"):
        assert english[side].str.len().gt(0).all()
        assert not chinese[side].str.contains("等级").any()  # a tier is 层级 throughout
        for one, other in zip(english[side], chinese[side], strict=True):
            assert sorted(number.findall(one)) == sorted(number.findall(other))
            assert re.search(r"[\u4e00-\u9fff]", other)


@given(value=st.floats(-1e150, 1e150, allow_subnormal=False) | st.floats(-1e12, 1e12), up=st.booleans())
def test_a_written_number_is_never_on_the_wrong_side(value, up):
    """Rounded up it is not below, rounded down not above what it stands for, and close to it."""
    shown = float(rounded(value, up).replace(",", ""))
    assert shown >= value if up else shown <= value
    assert shown == pytest.approx(value, rel=1e-4, abs=1e-12)


def test_the_kind_of_frame_does_not_matter():
    """Polars, eager and lazy, and Arrow give the table that pandas gives; rows in another order their own rows."""
    pl = pytest.importorskip("polars")
    customers = make(80, seed=2)
    expected = vt.explanation(fitted("rfm"), customers).to_frame()
    other = pl.from_pandas(customers)
    for table in (other, other.lazy(), other.to_arrow()):
        pd.testing.assert_frame_equal(vt.explanation(fitted("rfm"), table).to_frame(), expected)
    shuffled = vt.explanation(fitted("kmeans"), customers.sample(frac=1, random_state=0)).to_frame()
    again = vt.explanation(fitted("kmeans"), customers).to_frame()
    pd.testing.assert_frame_equal(
        shuffled.sort_values("customer_id", ignore_index=True),
        again.sort_values("customer_id", ignore_index=True),
    )


def test_several_customers_are_no_customer():
    """One id at a time; a list is told so."""
    customers = pd.DataFrame({"customer_id": [1, 2, 3], "spend": [9.0, 5.0, 1.0]})
    found = vt.explanation(vt.PyramidSegmenter().fit(customers), customers)
    with pytest.raises(vt.InvalidDataError, match="Pass one id of the table, of its type"):
        found.customer([1, 2])
