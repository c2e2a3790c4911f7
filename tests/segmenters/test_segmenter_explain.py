"""Every tier can be explained, in English and Chinese, and the numbers in the sentence give the tier."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import valuetier as vt
from tests.segmenters.customer_tables import (
    BUILT_ON_BASE,
    customer_tables,
    fitted,
    make,
    same_customers_again,
)
from valuetier.words import apart, number, threshold_sentence

every = pytest.mark.parametrize("name", BUILT_ON_BASE)
languages = pytest.mark.parametrize("lang", ["en", "zh"])
some = settings(max_examples=20)

NUMBER = r"(-?\d{1,3}(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?)"
THRESHOLDS = re.compile(rf"{NUMBER} \((?:≥ {NUMBER})?(?:, |，)?(?:< {NUMBER})?\) → (.+)$")


def _numbers(text: str) -> list[str]:
    return re.findall(NUMBER, text)


def _value(text: str | None, otherwise: float) -> float:
    return otherwise if text is None else float(text.replace(",", ""))


def _tier_by_thresholds(reason: str, segmenter, lang: str) -> str:
    """Return the tier that the numbers of a sentence lead to, and check that the sentence says so."""
    shown, at_least, below, said = THRESHOLDS.search(reason).groups()
    score, low, high = _value(shown, np.nan), _value(at_least, -np.inf), _value(below, np.inf)
    assert low <= score < high
    limits = segmenter.cut_.thresholds_
    code = int(np.sum(limits > low + 1e-5 * abs(low))) if at_least else len(limits)
    assert said == segmenter.get_tier_names_out(lang)[code]
    return said


@every
@languages
def test_one_row_and_one_sentence_per_customer(name, lang):
    """The frame has tiers, reasons and what would change them, and agrees with the other methods."""
    segmenter, customers = fitted(name), make(60, seed=5)
    found = segmenter.explain(customers, lang)
    names = segmenter.get_tier_names_out(lang)
    assert list(found.columns) == [
        "customer_id", "tier", "segment", "score", "reason", "to_next", "to_lose", "version", "cuts_as_of",
        "as_of",
    ]  # fmt: skip
    assert found["customer_id"].tolist() == customers["customer_id"].tolist()
    assert found["tier"].tolist() == [names[code] for code in segmenter.predict(customers)]
    assert found["score"].tolist() == segmenter.score_samples(customers).tolist()
    segments = segmenter.predict_segments(customers, lang)
    assert found["segment"].tolist() == ([None] * 60 if segments is None else segments.tolist())
    assert all(tier in reason for tier, reason in zip(found["tier"], found["reason"], strict=True))


@every
@given(customers=customer_tables())
@some
def test_both_languages_say_the_same_numbers(name, customers):
    """The Chinese sentence carries the numbers of the English one, and Chinese words."""
    english, chinese = (fitted(name).explain(customers, lang)["reason"] for lang in ("en", "zh"))
    assert [sorted(_numbers(text)) for text in english] == [sorted(_numbers(text)) for text in chinese]
    assert all(re.search(r"[\u4e00-\u9fff]", text) for text in chinese)
    assert not any(re.search(r"[\u4e00-\u9fff]", text) for text in english)


@every
@given(customers=customer_tables())
@some
def test_equal_customers_are_told_the_same(name, customers):
    """Equal customers get equal sentences."""
    reasons = fitted(name).explain(same_customers_again(customers))["reason"].tolist()
    assert reasons[: len(customers)] == reasons[len(customers) :]


@pytest.mark.parametrize("name", ["clv", "pyramid", "rfm"])
@languages
def test_thresholds_in_the_sentence_give_the_tier(name, lang):
    """Score and thresholds, as written, put every customer where it is: also those on a threshold."""
    segmenter, customers = fitted(name), make()
    for row in segmenter.explain(customers, lang).itertuples():
        if row.score > 0 or name == "clv":
            assert _tier_by_thresholds(row.reason, segmenter, lang) == row.tier


@languages
def test_the_rfm_sentence_goes_from_values_to_scores_to_the_tier(lang):
    """Values, points and their weighted mean in the sentence are the customer's."""
    rfm = vt.RFMSegmenter(weights=(3, 2, 1)).fit(make())
    customers = make(40, seed=5)
    evidence = rfm.transform(customers)
    for row, found, reason in zip(
        customers[["recency_days", "orders", "spend"]].to_numpy(),
        evidence,
        rfm.explain(customers, lang)["reason"],
        strict=True,
    ):
        parts = re.findall(rf"{NUMBER} → [RFM] {NUMBER}/5", reason)
        values, points = (
            np.array([_value(text, np.nan) for text in column]) for column in zip(*parts, strict=True)
        )
        np.testing.assert_allclose(values, row, atol=0.005)
        assert points.tolist() == found[:3].tolist()
        shown = _value(re.search(rf"RFM {NUMBER} \(", reason).group(1), np.nan)
        assert shown == pytest.approx(points @ [3, 2, 1] / 6, abs=1e-5)


@languages
def test_the_kaism_sentence_gives_the_quadrant(lang):
    """Raw values and ratings first; then both scores, both lines and the words between them lead to the tier."""
    kaism = fitted("kaism")
    names = kaism.get_tier_names_out(lang)
    on_or_above = {"en": "on or above", "zh": "不低于"}[lang]
    customers = make(100, seed=5)
    for row, spend in zip(kaism.explain(customers, lang).itertuples(), customers["spend"], strict=True):
        raw, scored = re.split("[；;]", row.reason)
        a, a_line, s, s_line = (_value(text, np.nan) for text in _numbers(scored))
        value, points = (_value(text, np.nan) for text in _numbers(raw)[:2])
        assert (value, points) == (spend, pytest.approx(a, abs=0.05))  # spend alone is one axis
        assert names[2 * (a < a_line) + (s < s_line)] == row.tier
        assert row.reason.count(on_or_above) == (a >= a_line) + (s >= s_line)


def test_the_kaism_sentence_of_a_capped_account_says_why():
    """High on both axes and not a key account: the sentence names the cap and the score it takes."""
    accounts = pd.DataFrame({"value": [9.0, 8.0, 1.0], "fit": [9.0, 8.0, 1.0]})
    kaism = vt.KAISMSegmenter(attractiveness={"value": 1}, strength={"fit": 1}, scale=(0, 10), max_key=1).fit(
        accounts
    )
    key, capped, low = kaism.explain(accounts)["reason"]
    both_high = "value {1} → {0}, fit {1} → {0}; attractiveness {0} (on or above the line 50), strength {0} (on or above the line 50)"
    assert key == both_high.format(90, 9) + " → Key"
    assert capped == both_high.format(80, 8) + (
        " → Develop; next in line: key accounts are limited to 1 (mean of both axes 80, needed 90)"
    )
    assert low == (
        "value 1 → 10, fit 1 → 10; "
        "attractiveness 10 (below the line 50), strength 10 (below the line 50) → Opportunity"
    )
    assert kaism.explain(accounts, "zh")["reason"][1].endswith(
        "→ 发展客户；候补：关键客户上限为 1 个（两轴均值 80，须达 90）"
    )


def test_the_kaism_sentence_where_the_best_are_too_many_equal_ones():
    """No score would do, so none is named."""
    accounts = pd.DataFrame({"value": [9.0, 9.0, 8.0], "fit": [9.0, 9.0, 8.0]})
    kaism = vt.KAISMSegmenter(attractiveness={"value": 1}, strength={"fit": 1}, scale=(0, 10), max_key=1)
    for lang, end in {
        "en": "limited to 1 (mean of both axes 80, and too many equal ones are the best)",
        "zh": "上限为 1 个（两轴均值 80，并列最高者超出上限）",
    }.items():
        assert kaism.fit(accounts).explain(accounts, lang)["reason"][2].endswith(end)


def test_kaism_scores_next_to_the_line_do_not_look_like_it():
    """49.96 is below 50 and is not written as 50."""
    accounts = pd.DataFrame({"value": [49.96, 80.0], "fit": [50.0, 50.04]})
    kaism = vt.KAISMSegmenter(attractiveness={"value": 1}, strength={"fit": 1}, scale=(0, 100)).fit(accounts)
    first, second = kaism.explain(accounts)["reason"]
    assert first.startswith(
        "value 49.96 → 49.96, fit 50 → 50; attractiveness 49.96 (below the line 50.0), strength 50 (on or above the line 50)"
    )
    assert "strength 50.04 (on or above the line 50.0)" in second


@languages
def test_the_kmeans_sentence_gives_the_nearest_centre(lang):
    """The distance named is the smallest, the next one the second; values and centres are the tier's."""
    kmeans, customers = fitted("kmeans"), make(80, seed=5)
    evidence, names = kmeans.transform(customers), kmeans.get_tier_names_out(lang)
    pattern = {
        "en": rf"nearest to the centre of (.+) \(distance {NUMBER}, next (.+) {NUMBER}\): ",
        "zh": rf"最接近“(.+)”的中心（距离 {NUMBER}，其次“(.+)” {NUMBER}）：",
    }[lang]
    for row, away, raw in zip(
        kmeans.explain(customers, lang).itertuples(),
        evidence,
        customers[["recency_days", "orders", "spend"]].to_numpy(),
        strict=True,
    ):
        tier, near, other, far = re.match(pattern, row.reason).groups()
        assert _value(near, np.nan) < _value(far, np.nan)
        assert names.index(tier) == np.argsort(away)[0]
        assert names.index(other) == np.argsort(away)[1]
        assert _value(near, np.nan) == pytest.approx(away.min(), rel=0.005)
        values = [_value(text, np.nan) for text in _numbers(re.sub(pattern, "", row.reason))]
        np.testing.assert_allclose(values[::2], raw, atol=0.005)


def test_the_pyramid_sentence_of_a_customer_without_value():
    """At or below zero the sentence says so."""
    pyramid = fitted("pyramid")
    customers = make(2).assign(spend=[0.0, -12.5])
    assert pyramid.explain(customers)["reason"].tolist() == [
        "spend 0 (≤ 0) → No value",
        "spend -12.5 (≤ 0) → No value",
    ]
    assert pyramid.explain(customers, "zh")["reason"][0] == "消费金额：0 (≤ 0) → 无价值客户"


def test_the_clv_sentence_tells_how_the_value_comes_about():
    """Chance to be alive, orders, discounted ones, their value and the result, as in the evidence."""
    clv, customers = fitted("clv"), make(30, seed=5)
    for row, (alive, orders, discounted, value, total) in zip(
        clv.explain(customers).itertuples(), clv.transform(customers), strict=True
    ):
        assert row.reason.startswith(
            f"alive with probability {alive:.2f}, {orders:.2f} orders expected within 365 days "
            f"({discounted:.2f} discounted), {value:,.2f} each → value {number(total)} ("
        )
        assert total == pytest.approx(discounted * value, rel=1e-9)


@languages
def test_the_clv_sentence_tells_the_margin(lang):
    """A margin other than the whole is part of the sentence, and of the value."""
    customers = make(200, seed=5)
    clv = vt.CLVSegmenter(margin=0.3).fit(customers)
    word = {"en": ", margin 30%", "zh": "，利润率 30%"}[lang]
    assert clv.explain(customers, lang)["reason"].str.contains(word, regex=False).all()
    _, _, discounted, value, total = clv.transform(customers).T
    np.testing.assert_allclose(total, discounted * value * 0.3, rtol=1e-9)


@given(
    score=st.floats(0.001, 1e9),
    steps=st.lists(st.integers(1, 10**6), min_size=1, max_size=4),
    index=st.integers(0, 4),
)
@settings(max_examples=200)
def test_close_scores_and_thresholds_stay_apart_in_words(score, steps, index):
    """However close they are, the written score lies between the written thresholds."""
    thresholds = score * (1 + np.cumsum(steps) * 1e-12)[::-1]
    value = ([score, *thresholds] * 5)[index]
    code = int(np.sum(thresholds > value))
    shown, low, high, _ = THRESHOLDS.search(threshold_sentence(value, code, thresholds, "T", "en")).groups()
    assert _value(low, -np.inf) <= _value(shown, np.nan) < _value(high, np.inf)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-3.0, "-3"),
        (1234567.0, "1,234,567"),
        (99.123456789, "99.1235"),
        (100.456, "100.46"),
        (-100.456, "-100.46"),
        (0.000123456789, "0.000123457"),
    ],
)
def test_numbers_are_written_as_people_write_them(value, text):
    """Whole numbers whole, amounts with cents, small ones to six digits."""
    assert number(value) == text


def test_equal_numbers_may_look_equal():
    """Only different numbers are written out in full."""
    assert apart(100.456, 100.456) == ["100.46", "100.46"]
    assert apart(100.456, 100.457) == ["100.456", "100.457"]
