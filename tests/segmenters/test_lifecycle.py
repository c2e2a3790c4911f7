"""Lifecycle stages: age, rhythm, trend and P(alive), lines that can be seen, five stages."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import valuetier as vt
from tests.segmenters.customer_tables import customer_tables, make
from valuetier._core.rules import cell_table
from valuetier.segmenters.stages import CELLS, STAGES, stage_table

GIVEN = {"typical_gap_days": 60, "mature_age_days": 180}
CUSTOMERS = make(300, seed=11)


def _customers(*histories, **more) -> pd.DataFrame:
    return pd.DataFrame(histories, columns=["x", "t_x", "T"]).assign(**more)


def _tiers(customers: pd.DataFrame, **params) -> list[str]:
    stages = vt.LifecycleSegmenter(**{**GIVEN, **params}).fit(customers)
    return stages.assign(customers).to_frame()["tier"].tolist()


def _stage_by_hand(x, t_x, T, trend=None, alive=None, *, gap=60, late=2, lost=4, orders=4, age=180) -> str:
    """Return the stage of one customer, as the class says it in words."""
    silence = (T - t_x) / ((gap + t_x) / (1 + x))
    falls = trend is not None and trend < -0.2
    rises = trend is not None and trend >= 0.2
    if silence >= lost or (alive is not None and alive < 0.2):
        return "Lost"
    if silence >= late or (alive is not None and alive < 0.5):
        return "Decline"
    if x == 0:
        return "Acquisition"
    if falls:
        return "Decline"
    established = x + 1 >= orders and age <= T
    return "Maturity" if established and not rises else "Growth"


def test_every_cell_belongs_to_one_stage():
    """All 27 combinations of levels are named once: the rules are complete and disjoint."""
    named = [cell for text in CELLS.values() for cell in text.split()]
    assert sorted(named) == ["".join(cell) for cell in itertools.product("123", repeat=3)]
    assert list(CELLS) == list(STAGES)
    assert stage_table().tolist() == cell_table(CELLS, (3, 3, 3)).tolist()


def test_a_better_level_never_makes_a_worse_stage():
    """More activity never leads to a stage of less value; nor, while the trend does not fall, more experience."""
    best_first = ["maturity", "growth", "acquisition", "decline", "lost"]
    ranks = [-best_first.index(list(STAGES)[code]) for code in stage_table().ravel()]
    value = np.array(ranks).reshape(3, 3, 3)
    assert (np.diff(value, axis=0) >= 0).all()
    assert (np.diff(value, axis=1)[:, :, 1:] >= 0).all()


@pytest.mark.parametrize(
    ("history", "tier"),
    [
        ((0, 0, 0), "Acquisition"),
        ((0, 0, 119), "Acquisition"),
        ((0, 0, 120), "Decline"),
        ((0, 0, 240), "Lost"),
        ((1, 60, 60), "Growth"),
        ((3, 180, 180), "Maturity"),
        ((3, 179, 179), "Growth"),
        ((2, 180, 180), "Growth"),
        ((5, 300, 410), "Maturity"),
        ((5, 300, 420), "Decline"),
        ((5, 300, 539), "Decline"),
        ((5, 300, 540), "Lost"),
    ],
)
def test_stages_and_their_lines(history, tier):
    """With a rhythm of 60 days: late from 120 days of silence, lost from 240; mature from 4 orders and 180 days."""
    assert _tiers(_customers(history, (1, 60, 90)))[0] == tier


def test_the_rhythm_is_the_customers_own():
    """30 days of silence are nothing for a yearly buyer and too long for one who came every other day."""
    customers = _customers((3, 1095, 1125), (100, 200, 230))
    assert _tiers(customers, typical_gap_days=60) == ["Maturity", "Lost"]


def test_gap_weight_moves_the_rhythm_to_the_typical_one():
    """The rhythm goes from the customer's own gap to the typical one as the weight grows."""
    customers = _customers((2, 20, 30), (1, 60, 90))
    names = ["age_days", "gap_days", "silence_gaps"]
    found = {}
    for weight in (1e-9, 1, 2, 1e9):
        stages = vt.LifecycleSegmenter(**GIVEN, gap_weight=weight).fit(customers)
        assert stages.get_feature_names_out().tolist() == names
        found[weight] = stages.transform(customers)[0, 1]
    assert found == pytest.approx({1e-9: 10, 1: 80 / 3, 2: 35, 1e9: 60}, rel=1e-6)


def test_the_typical_gap_is_learned_from_repeat_buyers():
    """The median of the mean gaps, and from it the age of maturity; one-time buyers do not count."""
    customers = _customers((0, 0, 500), (1, 30, 90), (2, 80, 90), (4, 400, 420))
    lines = vt.LifecycleSegmenter().fit(customers).boundaries_
    assert lines.typical_gap_days == 40
    assert lines.mature_age_days == 120
    assert vt.LifecycleSegmenter(mature_orders=6).fit(customers).boundaries_.mature_age_days == 200
    assert vt.LifecycleSegmenter(**GIVEN).fit(customers).boundaries_.mature_age_days == 180


@given(customers=customer_tables(min_size=2), data=st.data())
def test_stages_are_what_the_words_say(customers, data):
    """Any customer gets the stage that plain conditions give it, with and without trend and P(alive)."""
    n = len(customers)
    signs = st.lists(st.sampled_from([-1, -0.21, -0.2, 0, 0.19, 0.2, 1, np.nan]), min_size=n, max_size=n)
    chances = st.lists(st.sampled_from([0, 0.19, 0.2, 0.49, 0.5, 1]), min_size=n, max_size=n)
    customers = customers.assign(trend=data.draw(signs), p=data.draw(chances))
    for columns in ({}, {"trend": "trend"}, {"alive": "p"}, {"trend": "trend", "alive": "p"}):
        trend = customers["trend"] if "trend" in columns else [None] * n
        alive = customers["p"] if "alive" in columns else [None] * n
        rows = zip(*(customers[name] for name in ("x", "t_x", "T")), trend, alive, strict=True)
        assert _tiers(customers, **columns) == [_stage_by_hand(*row) for row in rows]


def test_trend_moves_established_customers():
    """A falling trend is decline, a rising one growth, and an unknown one is steady."""
    customers = _customers(*[(9, 540, 560)] * 6, trend=[-0.5, -0.2, 0.0, np.nan, 0.2, 0.9])
    assert _tiers(customers, trend="trend") == ["Decline", *["Maturity"] * 3, "Growth", "Growth"]
    wide = {"falling": -0.6, "rising": 0.95}
    assert _tiers(customers, trend="trend", **wide) == ["Maturity"] * 6


def test_the_trend_of_the_log_fits_the_segmenter():
    """``spend_trend`` gives the column that ``trend`` reads; customers with falling spend leave maturity."""
    orders = vt.datasets.load_cdnow_orders()
    customers = vt.summarize(orders).customers
    customers = customers.merge(vt.spend_trend(orders), on="customer_id")
    steady, moved = (
        vt.LifecycleSegmenter(trend=t).fit(customers).predict(customers) for t in (None, "trend")
    )
    falling = (customers["trend"] < -0.2).to_numpy()
    assert (steady[falling] == 0).sum() > 100
    assert (moved[falling] >= 3).all()
    assert (moved[customers["trend"].isna()] == steady[customers["trend"].isna()]).all()


def test_the_worse_of_silence_and_probability_counts():
    """Each can only lower the activity; without silence the probability alone decides."""
    customers = _customers((9, 540, 560), (9, 540, 560), (9, 540, 900), alive=[0.9, 0.3, 0.9])
    assert _tiers(customers, alive="alive") == ["Maturity", "Decline", "Lost"]
    alone = {"late_gaps": math.inf, "lost_gaps": math.inf}
    assert _tiers(customers, alive="alive", **alone) == ["Maturity", "Decline", "Maturity"]


@pytest.mark.parametrize("model", [vt.BGNBD(), vt.ParetoNBD()], ids=["bgnbd", "pareto_nbd"])
def test_a_model_is_its_column_of_probabilities(model):
    """A model given by composition is fitted, and does what its probabilities would do as a column."""
    stages = vt.LifecycleSegmenter(model=model).fit(CUSTOMERS)
    p = stages.model_.probability_alive(CUSTOMERS["x"], CUSTOMERS["t_x"], CUSTOMERS["T"])
    by_column = vt.LifecycleSegmenter(alive="p").fit(CUSTOMERS.assign(p=p))
    assert stages.predict(CUSTOMERS).tolist() == by_column.predict(CUSTOMERS.assign(p=p)).tolist()
    np.testing.assert_allclose(stages.transform(CUSTOMERS)[:, -1], p, rtol=1e-11)
    assert stages.get_feature_names_out()[-1] == "probability_alive"
    assert not hasattr(model, "r_"), "the model that was given stays unfitted"


def test_a_model_is_stored_with_the_stages(tmp_path):
    """Saved and loaded, the stages of unseen customers are the same."""
    stages = vt.LifecycleSegmenter(model=vt.BGNBD(), late_gaps=math.inf, lost_gaps=math.inf).fit(CUSTOMERS)
    stages.save(tmp_path / "stages.json")
    loaded, unseen = vt.load(tmp_path / "stages.json"), make(200, seed=3)
    assert loaded.predict(unseen).tolist() == stages.predict(unseen).tolist()
    assert loaded.boundaries_ == stages.boundaries_


@given(customers=customer_tables(min_size=2), factor=st.integers(2, 30))
@settings(max_examples=20)
def test_the_unit_of_time_does_not_matter(customers, factor):
    """With learned lines, times in another unit lead to the same stages."""
    if not (customers["x"] > 0).any():
        customers = pd.concat([customers, make(5).iloc[[np.argmax(make(5)["x"])]]])
    scaled = customers.assign(t_x=customers["t_x"] * factor, T=customers["T"] * factor)
    first, second = (vt.LifecycleSegmenter().fit(table).predict(table) for table in (customers, scaled))
    assert first.tolist() == second.tolist()


@given(customers=customer_tables(min_size=2), days=st.integers(1, 500))
@settings(max_examples=15)
def test_only_an_order_ends_silence(customers, days):
    """Looked at later, with the same orders, silence is longer and nobody who was late is in rhythm."""
    stages = vt.LifecycleSegmenter(**GIVEN).fit(customers)
    later = customers.assign(T=customers["T"] + days)
    assert (stages.transform(later)[:, 2] > stages.transform(customers)[:, 2]).all()
    late, still_late = (stages.predict(table) >= 3 for table in (customers, later))
    assert still_late[late].all()


@given(customers=customer_tables(min_size=2))
@settings(max_examples=15)
def test_scores_are_in_the_order_of_the_tiers(customers):
    """A better stage never scores lower; within a stage, less silence in gaps scores higher."""
    stages = vt.LifecycleSegmenter(**GIVEN).fit(customers)
    codes, scores = stages.predict(customers), stages.score_samples(customers)
    silence = stages.transform(customers)[:, 2]
    for i, j in itertools.combinations(range(len(customers)), 2):
        if codes[i] < codes[j] or (codes[i] == codes[j] and silence[i] < silence[j]):
            assert scores[i] >= scores[j]


def test_the_order_of_value_is_a_parameter():
    """Tiers follow ``order``; the stages themselves stay."""
    customers = _customers((0, 0, 10), (1, 60, 70), (5, 300, 320), (5, 300, 450), (0, 0, 900))
    names = ["Acquisition", "Growth", "Maturity", "Decline", "Lost"]
    assert _tiers(customers) == _tiers(customers, order=tuple(STAGES)) == names
    default, life = (
        vt.LifecycleSegmenter(**GIVEN, **o).fit(customers) for o in ({}, {"order": tuple(STAGES)})
    )
    assert default.predict(customers).tolist() == [2, 1, 0, 3, 4]
    assert life.predict(customers).tolist() == [0, 1, 2, 3, 4]
    assert default.get_tier_names_out("zh") == ["成熟期", "提升期", "获取期", "衰退期", "流失期"]


def test_the_sentence_goes_from_values_over_lines_to_the_stage():
    """Each signal with the lines next to it and its word; the stage at the end, in both languages."""
    customers = _customers((5, 300, 335), (0, 0, 500), trend=[-0.456, np.nan], p=[0.8, 0.1])
    stages = vt.LifecycleSegmenter(**GIVEN, trend="trend", alive="p").fit(customers)
    assert stages.explain(customers)["reason"].tolist() == [
        (
            "orders 6 (≥ 4), age 335 days (≥ 180): established; silent for 35 days, 0.58 gaps (< 2) of its rhythm "
            "of 60 days: in rhythm; trend -0.46 (< -0.2): falling; "
            "alive with probability 0.8 (≥ 0.5): probably still a customer → Decline"
        ),
        (
            "orders 1 (< 2), age 500 days (≥ 180): first order only; silent for 500 days, 8.33 gaps (≥ 4) of its "
            "rhythm of 60 days: silent too long; trend unknown: steady; "
            "alive with probability 0.1 (< 0.2): probably gone → Lost"
        ),
    ]
    assert stages.explain(customers, "zh")["reason"].tolist() == [
        (
            "购买 6 次 (≥ 4)，成为客户 335 天 (≥ 180)：已成熟；已 35 天未购买，按 60 天一次的节奏相当于 0.58 个间隔 (< 2)："
            "节奏正常；趋势 -0.46 (< -0.2)：下降；存活概率 0.8 (≥ 0.5)：很可能仍是客户 → 衰退期"
        ),
        (
            "购买 1 次 (< 2)，成为客户 500 天 (≥ 180)：只有首单；已 500 天未购买，按 60 天一次的节奏相当于 8.33 个间隔 (≥ 4)："
            "沉默过久；趋势未知：按平稳处理；存活概率 0.1 (< 0.2)：很可能已流失 → 流失期"
        ),
    ]


def test_values_next_to_a_line_do_not_look_like_it():
    """1.999 gaps are below 2 and are not written as 2; lines at infinity are not written."""
    customers = _customers((0, 0, 119.95), (1, 60, 90))
    stages = vt.LifecycleSegmenter(**GIVEN).fit(customers)
    assert "1.99916666667 gaps (< 2.0)" in stages.explain(customers)["reason"][0]
    silent = vt.LifecycleSegmenter(**GIVEN, late_gaps=math.inf, lost_gaps=math.inf).fit(customers)
    assert "silent for 30 days, 0.5 gaps of its rhythm of 60 days" in silent.explain(customers)["reason"][1]


def test_nobody_who_bought_again():
    """Without a repeat order the gap cannot be learned, and can be given."""
    once = _customers((0, 0, 10), (0, 0, 200))
    with pytest.raises(vt.InvalidDataError) as caught:
        vt.LifecycleSegmenter().fit(once)
    assert str(caught.value) == (
        "x: none of 2 customers bought again, so the typical time between orders cannot be learned. "
        "Observe longer, or pass typical_gap_days."
    )
    assert _tiers(once) == ["Acquisition", "Decline"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"typical_gap_days": 0}, "typical_gap_days must be a number > 0, got 0."),
        ({"mature_age_days": -1}, "mature_age_days must be a number ≥ 0, got -1."),
        ({"gap_weight": 0}, "gap_weight must be a number > 0, got 0."),
        ({"mature_orders": 1}, "mature_orders must be a whole number ≥ 2, got 1."),
        (
            {"late_gaps": 5},
            (
                "late_gaps and lost_gaps must be two numbers between 0 and infinity, the first not above the "
                "second, got 5 and 4.0."
            ),
        ),
        (
            {"falling": "a"},
            "falling and rising must be two numbers, the first not above the second, got 'a' and 0.2.",
        ),
        (
            {"rising": math.nan},
            "falling and rising must be two numbers, the first not above the second, got -0.2 and nan.",
        ),
        (
            {"late_alive": 50},
            (
                "lost_alive and late_alive must be two numbers between 0 and 1, the first not above the second, "
                "got 0.2 and 50."
            ),
        ),
        (
            {"alive": "p", "model": vt.BGNBD()},
            "alive='p' and a model cannot both say who is alive. Leave one of them out.",
        ),
        (
            {"model": vt.GammaGamma()},
            "model must be a model with the methods ['fit', 'probability_alive'], got GammaGamma().",
        ),
        (
            {"order": ("maturity", "growth")},
            (
                "order must name each of ['acquisition', 'growth', 'maturity', 'decline', 'lost'] once, the most "
                "valuable first, got ('maturity', 'growth')."
            ),
        ),
        (
            {"order": "maturity"},
            (
                "order must name each of ['acquisition', 'growth', 'maturity', 'decline', 'lost'] once, the most "
                "valuable first, got 'maturity'."
            ),
        ),
    ],
)
def test_parameters_that_cannot_work_are_refused(params, message):
    """Each message has the parameter, the need and the value."""
    with pytest.raises(vt.InvalidParameterError) as caught:
        vt.LifecycleSegmenter(**params).fit(CUSTOMERS)
    assert str(caught.value) == message


def test_a_class_is_no_model():
    """``BGNBD`` without the brackets is refused."""
    with pytest.raises(vt.InvalidParameterError, match="got <class"):
        vt.LifecycleSegmenter(model=vt.BGNBD).fit(CUSTOMERS)


def test_probabilities_outside_of_0_and_1_are_refused():
    """Per cent in the column of probabilities are an error with their count, in fit and predict."""
    wrong = CUSTOMERS.assign(p=50.0)
    stages = vt.LifecycleSegmenter(alive="p").fit(CUSTOMERS.assign(p=0.5))
    for call in (vt.LifecycleSegmenter(alive="p").fit, stages.predict):
        with pytest.raises(vt.InvalidDataError) as caught:
            call(wrong)
        assert str(caught.value) == "p: 300 of 300 values are not in [0, 1]. A probability of 90 % is 0.9."


def test_histories_that_contradict_themselves_are_refused():
    """An order after the end of the observation is an error with its count."""
    with pytest.raises(vt.InvalidDataError) as caught:
        vt.LifecycleSegmenter().fit(_customers((1, 60, 50), (1, 60, 90)))
    assert str(caught.value) == (
        "t_x: 1 of 2 values are larger than T. Both are ages since the first purchase."
    )


def test_the_playbook_names_every_stage():
    """Each stage has actions of its own, and an assignment maps without more."""
    book = vt.Playbook.builtin("lifecycle")
    assert set(book.domain["tier"]) == {en for en, _ in STAGES.values()}
    customers = _customers((0, 0, 10), (1, 60, 70), (5, 300, 320), (5, 300, 450), (0, 0, 900))
    assignment = vt.LifecycleSegmenter(**GIVEN).fit(customers).assign(customers)
    for lang in ("en", "zh"):
        actions = vt.StrategyMapper().map(assignment, lang=lang)
        assert actions.groupby("customer_id").size().min() >= 3
