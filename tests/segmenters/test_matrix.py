"""Two scores, two lines, four segments: the presets, one's own axes, and the order of the tiers."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import valuetier as vt
from tests.segmenters.customer_tables import customer_tables, make
from valuetier.segmenters.matrices import MATRICES, PLAIN, QUADRANTS

COLUMNS = {
    "customer_value": ("orders", "spend"),
    "clv_x_referral": ("clv", "referral_value"),
    "profit_x_loyalty": ("profit", "loyalty"),
    "value_x_risk": ("spend", "probability_alive"),
}


def _table(first, second, names=("a", "b")) -> pd.DataFrame:
    return pd.DataFrame({names[0]: first, names[1]: second}, dtype=np.float64)


FOUR = _table([9, 8, 1, 2], [9, 1, 8, 2])
OWN = {"axes": ("a", "b")}


def _segments(customers: pd.DataFrame, lang="en", **params) -> list[str]:
    return vt.MatrixSegmenter(**params).fit(customers).predict_segments(customers, lang).tolist()


@pytest.mark.parametrize(
    ("preset", "second", "english", "chinese"),
    [
        (
            "clv_x_referral",
            [9, 1, 8, 2],
            ["Champions", "Affluents", "Advocates", "Misers"],
            ["拥护者", "富裕者", "宣扬者", "守财者"],
        ),
        (
            "profit_x_loyalty",
            [9, 1, 8, 2],
            ["True friends", "Butterflies", "Barnacles", "Strangers"],
            ["挚友型客户", "蝴蝶型客户", "藤壶型客户", "陌生人型客户"],
        ),
        (
            "value_x_risk",
            [0.1, 0.9, 0.2, 0.7],
            ["Rescue", "Core", "Fading", "Steady"],
            ["优先挽留客户", "核心客户", "淡出客户", "平稳客户"],
        ),
        (
            "customer_value",
            [9000, 80, 500, 20],
            ["Best", "Frequent", "Spender", "Uncertain"],
            ["最佳客户", "高频客户", "高额客户", "不确定客户"],
        ),
    ],
)
def test_presets_name_the_four_quadrants(preset, second, english, chinese):
    """High/high, high/low, low/high, low/low in the words of the source, in both languages."""
    customers = _table([9, 8, 1, 2], second, COLUMNS[preset])
    assert _segments(customers, preset=preset) == english
    assert _segments(customers, "zh", preset=preset) == chinese


def test_every_preset_is_covered_here():
    """No preset without a test; each names its source."""
    assert set(MATRICES) == set(COLUMNS)
    assert all(re.search(r"\d{4}|P\(not alive\)", matrix.source) for matrix in MATRICES.values())


@pytest.mark.parametrize("matrix", [*MATRICES.values(), PLAIN], ids=[*MATRICES, "plain"])
def test_presets_are_complete_and_disjoint(matrix):
    """Each of the four quadrants has one name, and all differ in each language."""
    assert (
        set(matrix.segments)
        == set(QUADRANTS)
        == {f"{a}/{b}" for a in ("high", "low") for b in ("high", "low")}
    )
    for language in zip(*matrix.segments.values(), strict=True):
        assert len(set(language)) == 4


def test_no_two_presets_share_a_name():
    """So that one playbook can answer for all."""
    for language in (0, 1):
        names = [n[language] for m in (*MATRICES.values(), PLAIN) for n in m.segments.values()]
        assert len(set(names)) == len(names) == 20


def test_the_customer_value_matrix_is_the_default_and_cut_at_the_means():
    """Marcus: number of orders and mean order amount, each against its mean over the customers."""
    customers = make()
    matrix = vt.MatrixSegmenter().fit(customers)
    amount = customers["spend"] / customers["orders"]
    assert matrix.lines_ == pytest.approx((customers["orders"].mean(), amount.mean()))
    often, much = customers["orders"] >= matrix.lines_[0], amount >= matrix.lines_[1]
    expected = np.select([often & much, often, much], ["Best", "Frequent", "Spender"], "Uncertain")
    assert matrix.predict_segments(customers).tolist() == expected.tolist()


def test_who_never_ordered_has_no_order_amount():
    """No orders count as orders of 0, not as an error or infinity."""
    customers = _table([2, 4, 0], [10, 80, 0], ("orders", "spend"))
    matrix = vt.MatrixSegmenter().fit(customers)
    assert matrix.transform(customers)[:, 1].tolist() == [5, 20, 0]


def test_segments_are_tiers_in_their_order():
    """The first axis decides, then the second: codes and segments say the same."""
    matrix = vt.MatrixSegmenter(preset="clv_x_referral")
    customers = _table([9, 8, 1, 2], [9, 1, 8, 2], COLUMNS["clv_x_referral"])
    found = matrix.fit(customers).assign(customers)
    assert found.codes.tolist() == [0, 1, 2, 3]
    assert matrix.get_tier_names_out() == ["Champions", "Affluents", "Advocates", "Misers"]
    assert matrix.get_tier_names_out("zh") == ["拥护者", "富裕者", "宣扬者", "守财者"]
    assert [found.tiers[code].name for code in found.codes] == found.segments.tolist()
    assert [found.tiers[code].name_zh for code in found.codes] == found.segments_zh.tolist()


def test_low_risk_is_the_better_side():
    """Among the valuable the safe come first; the sides keep their names."""
    matrix = vt.MatrixSegmenter(preset="value_x_risk")
    customers = _table([9, 8, 1, 2], [0.1, 0.9, 0.2, 0.7], COLUMNS["value_x_risk"])
    assert matrix.fit(customers).predict(customers).tolist() == [1, 0, 3, 2]
    assert matrix.get_tier_names_out() == ["Core", "Rescue", "Steady", "Fading"]
    assert matrix.get_segment_names_out() == ["Rescue", "Core", "Fading", "Steady"]
    less_alive = customers.assign(probability_alive=customers["probability_alive"] - 0.05)
    assert (matrix.score_samples(less_alive) <= matrix.score_samples(customers)).all()
    assert matrix.score_samples(less_alive).sum() < matrix.score_samples(customers).sum()


def test_value_at_risk_is_value_times_the_chance_to_be_gone():
    """In the evidence and in the sentence."""
    customers = _table([100, 80, 1, 2], [0.25, 0.9, 0.2, 0.7], COLUMNS["value_x_risk"])
    matrix = vt.MatrixSegmenter(preset="value_x_risk").fit(customers)
    assert matrix.get_feature_names_out().tolist()[-1] == "value_at_risk"
    np.testing.assert_allclose(matrix.transform(customers)[:, -1], [75, 8, 0.8, 0.6])
    assert matrix.lines_ == (41, 0.5)
    assert matrix.explain(customers)["reason"][0] == (
        "probability_alive 0.25; spend 100 (on or above the line 41), "
        "probability_not_alive 0.75 (on or above the line 0.5), value_at_risk 75 → Rescue"
    )
    assert matrix.explain(customers, "zh")["reason"][0] == (
        "存活概率 0.25；消费金额 100（不低于分界线 41），流失概率 0.75（不低于分界线 0.5），面临流失的价值 75 → 优先挽留客户"
    )


def test_value_at_risk_takes_what_a_clv_segmenter_finds():
    """P(alive) from the evidence of a CLV segmenter is the column that the preset reads."""
    customers = make()
    clv = vt.CLVSegmenter().fit(customers)
    alive = clv.transform(customers)[:, list(clv.get_feature_names_out()).index("probability_alive")]
    table = customers.assign(probability_alive=alive)
    found = vt.MatrixSegmenter(preset="value_x_risk").fit(table).assign(table)
    assert set(found.segments) == {"Core", "Rescue", "Steady", "Fading"}


def test_on_the_line_is_high():
    """Exactly on a line counts as high, on each axis; also on one where low is better."""
    matrix = vt.MatrixSegmenter(**OWN, line=5).fit(FOUR)
    edges = _table([5, 5, 4.999, 4.999], [5, 4.999, 5, 4.999])
    assert matrix.predict_segments(edges).tolist() == ["High/high", "High/low", "Low/high", "Low/low"]
    inverted = vt.MatrixSegmenter(**OWN, line=5, lower_is_better=["b"]).fit(FOUR)
    assert inverted.predict_segments(edges).tolist() == ["High/high", "High/low", "Low/high", "Low/low"]
    assert inverted.predict(edges).tolist() == [1, 0, 3, 2]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (None, (5, 5)),
        ("median", (5, 5)),
        ("mean", (5, 5.25)),
        ("midpoint", (5, 5.5)),
        (3, (3, 3)),
        (("mean", 7.5), (5, 7.5)),
        (["midpoint", "median"], (5, 5)),
    ],
)
def test_kinds_of_line(line, expected):
    """Median, mean, midpoint or a number, for both axes or one each; the median without a preset."""
    customers = _table([9, 8, 2, 1], [9, 1, 9, 2]).assign(b=[10, 1, 8, 2])
    assert vt.MatrixSegmenter(**OWN, line=line).fit(customers).lines_ == expected


def test_a_median_that_everybody_reaches_gives_way_to_the_next_value():
    """Where most referred nobody, those who did are high and the others low, not all of them high."""
    customers = _table([1, 2, 3, 4, 5], [0, 0, 0, 30, 20])
    matrix = vt.MatrixSegmenter(**OWN).fit(customers)
    assert matrix.lines_ == (3, 20)
    assert matrix.predict_segments(customers).tolist() == [
        "Low/low", "Low/low", "High/low", "High/high", "High/high",
    ]  # fmt: skip


def test_a_preset_keeps_its_words_with_other_axes_and_lines():
    """Own columns and lines under the preset's names."""
    customers = _table([9, 8, 1, 2], [9, 1, 8, 2], ("value", "brought"))
    params = {"preset": "clv_x_referral", "axes": ("value", "brought"), "line": (1.5, "mean")}
    matrix = vt.MatrixSegmenter(**params).fit(customers)
    assert matrix.lines_ == (1.5, 5)
    assert matrix.predict_segments(customers).tolist() == ["Champions", "Affluents", "Advocates", "Affluents"]


def test_names_of_ones_own():
    """In one language or two, by quadrant; the order of the tiers does not depend on how they are written."""
    names = {"low/low": "Leave", "high/high": ("Win", "争取"), "low/high": "Ask", "high/low": "Keep"}
    matrix = vt.MatrixSegmenter(**OWN, segments=names).fit(FOUR)
    assert matrix.predict_segments(FOUR).tolist() == ["Win", "Keep", "Ask", "Leave"]
    assert matrix.get_tier_names_out("zh") == ["争取", "Keep", "Ask", "Leave"]


def test_weighted_columns_are_rated_and_averaged():
    """Σ weight × rating / Σ weight, as in KAISM, with directions and the midpoint of the scale."""
    customers = FOUR.assign(c=[0.0, 10.0, 5.0, 5.0])
    matrix = vt.MatrixSegmenter(
        axes=({"a": 3, "c": 1}, "b"), line="midpoint", scale=(0, 10), lower_is_better=["c"]
    ).fit(customers)
    assert matrix.get_feature_names_out().tolist() == ["a+c", "b", "a+c_distance", "b_distance"]
    assert matrix.transform(customers)[:, 0].tolist() == [92.5, 60, 20, 27.5]
    assert matrix.lines_ == (50, 5)
    kaism = vt.KAISMSegmenter(
        attractiveness={"a": 3, "c": 1}, strength={"b": 1}, scale=(0, 10), lower_is_better=["c"]
    ).fit(customers)
    assert kaism.predict(customers).tolist() == matrix.predict(customers).tolist()


def test_a_weighted_axis_in_words():
    """Columns of the axis are named with a plus, after their values and ratings."""
    customers = make()
    matrix = vt.MatrixSegmenter(axes=({"orders": 1, "spend": 1}, "T")).fit(customers)
    assert matrix.explain(customers)["reason"][0].startswith(
        "orders 2 → 34.6734, spend 72 → 42.7136; orders+spend 38.6935 "
    )
    assert matrix.explain(customers, "zh")["reason"][0].startswith(
        "购买次数 2 → 34.6734 分，消费金额 72 → 42.7136 分；购买次数+消费金额 38.6935"
    )


numbers = st.lists(st.integers(0, 20).map(float), min_size=4, max_size=12)


@given(
    first=numbers, second=numbers, line=st.sampled_from(["median", "mean", "midpoint"]), swap=st.booleans()
)
def test_against_counting_by_hand(first, second, line, swap):
    """Sides, segments and tiers are those of a loop over the customers."""
    n = min(len(first), len(second))
    customers = _table(first[:n], second[:n])
    if customers.nunique().min() < 2:
        return
    matrix = vt.MatrixSegmenter(**OWN, line=line, lower_is_better=["b"] if swap else []).fit(customers)
    at = {
        "median": lambda v: max(np.median(v), np.unique(v)[1] if np.median(v) == v.min() else -1),
        "mean": np.mean,
        "midpoint": lambda v: (v.min() + v.max()) / 2,
    }[line]
    lines = [float(f"{at(customers[name].to_numpy()):.12g}") for name in "ab"]
    assert matrix.lines_ == pytest.approx(lines, rel=1e-11)
    for row, segment, tier in zip(
        customers.to_numpy(), matrix.predict_segments(customers), matrix.predict(customers), strict=True
    ):
        high = [bool(value >= line) for value, line in zip(row, matrix.lines_, strict=True)]
        words = ["high" if one else "low" for one in high]
        assert segment.lower() == "/".join(words)
        assert tier == 2 * (not high[0]) + (high[1] if swap else not high[1])


@given(customers=customer_tables())
def test_the_score_grows_with_each_axis(customers):
    """More orders at the same mean amount, or a larger amount, never lower the score."""
    matrix = vt.MatrixSegmenter().fit(make())
    scores = matrix.score_samples(customers)
    assert (matrix.score_samples(customers.assign(spend=customers["spend"] * 1.0 + 100)) >= scores).all()
    doubled = customers.assign(spend=customers["spend"] * 2, orders=customers["orders"] * 2)
    assert (matrix.score_samples(doubled) >= scores).all()
    assert ((scores >= 0) & (scores <= 100)).all()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_sentence_gives_the_segment(lang):
    """Both scores, both lines and the words between them lead to the segment."""
    customers = make(80, seed=5)
    matrix = vt.MatrixSegmenter().fit(make())
    names = matrix.get_segment_names_out(lang)
    for row in matrix.explain(customers, lang).itertuples():
        a, a_line, b, b_line = (
            float(t.replace(",", ""))
            for t in re.findall(r"-?\d[\d,]*(?:\.\d+)?", re.split("[；;]", row.reason)[1])
        )
        assert names[2 * (a < a_line) + (b < b_line)] == row.segment == row.tier
        assert row.reason.count({"en": "on or above", "zh": "不低于"}[lang]) == (a >= a_line) + (b >= b_line)


@pytest.mark.parametrize("preset", [*MATRICES, None])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_segment_has_actions(preset, lang):
    """The playbook of the kind answers for each segment of each preset, and for the plain names."""
    values = ([9.0, 8, 1, 2], [0.9, 0.1, 0.8, 0.2])
    names = COLUMNS.get(preset, ("a", "b"))
    customers = pd.DataFrame(dict(zip(names, values, strict=True)))
    params = {"preset": preset} if preset else OWN
    found = vt.MatrixSegmenter(**params).fit(customers).assign(customers)
    actions = vt.StrategyMapper().map(found, lang=lang)
    assert set(actions["customer_id"]) == {0, 1, 2, 3}


def test_the_playbook_knows_every_segment():
    """Its domain is the segments of all presets and the plain ones, no more and no less."""
    names = {en for matrix in (*MATRICES.values(), PLAIN) for en, _ in matrix.segments.values()}
    assert set(vt.Playbook.builtin("matrix").domain["segment"]) == names


def test_weighted_axes_can_be_stored(tmp_path):
    """Mappings, ratings and lines go to JSON and come back."""
    customers = make()
    matrix = vt.MatrixSegmenter(
        axes=({"orders": 2, "recency_days": 1}, "spend"),
        lower_is_better=["recency_days"],
        line=("midpoint", 50),
    ).fit(customers)
    matrix.save(tmp_path / "model.json")
    loaded = vt.load(tmp_path / "model.json")
    assert loaded.version() == matrix.version()
    pd.testing.assert_frame_equal(loaded.explain(customers), matrix.explain(customers))


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
def test_row_order_changes_neither_lines_nor_segments(order):
    """Shuffled customers teach the same lines."""
    shuffled = FOUR.iloc[list(order)]
    matrix = vt.MatrixSegmenter(**OWN, line="mean")
    assert matrix.fit(shuffled).predict(FOUR).tolist() == matrix.fit(FOUR).predict(FOUR).tolist()
