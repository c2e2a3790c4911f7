"""The scorecard: weighted indicators, points tables, gates, and the weights at which an order turns."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import valuetier as vt
from tests.segmenters.customer_tables import customer_tables, make
from valuetier.segmenters.gates import COMPARISONS, apply_gates
from valuetier.segmenters.scorecard import PRESETS, TIERS

VIP, IMPORTANT, ORDINARY, POTENTIAL = range(4)
RATED = {"indicators": {"amount": 3, "credit": 1}, "scale": (0, 10)}
OVERDUE = ("overdue_days", ">", 90, "Ordinary")


def _customers(amount, credit, **more) -> pd.DataFrame:
    return pd.DataFrame({"amount": amount, "credit": credit, **more}, dtype=np.float64)


FOUR = _customers([9, 7, 5, 1], [9, 7, 5, 1])


def _fit(customers: pd.DataFrame, **params) -> vt.ScorecardSegmenter:
    return vt.ScorecardSegmenter(**{**RATED, **params}).fit(customers)


def test_the_total_is_the_share_of_the_maximum():
    """(3 × 80 + 1 × 40) / 4 = 70 per cent of what the best possible customer would have."""
    customers = _customers([8, 10], [4, 10])
    assert _fit(customers).score_samples(customers).tolist() == [70, 100]


def test_the_default_tiers_and_their_lines():
    """VIP from 80, Important from 60, Ordinary from 40, Potential below, in both languages."""
    scorecard = _fit(FOUR)
    assert scorecard.predict(FOUR).tolist() == [VIP, IMPORTANT, ORDINARY, POTENTIAL]
    assert scorecard.get_tier_names_out() == ["VIP", "Important", "Ordinary", "Potential"]
    assert scorecard.get_tier_names_out("zh") == ["VIP 客户", "重要客户", "普通客户", "潜在客户"]
    edges = _customers([8, 7.999, 6, 4, 3.999], [8, 7.999, 6, 4, 3.999])
    assert scorecard.predict(edges).tolist() == [VIP, IMPORTANT, IMPORTANT, ORDINARY, POTENTIAL]


def test_the_preset_by_shares():
    """5, 15, 30 and 50 of a hundred different customers."""
    customers = _customers(np.arange(100) / 10, np.arange(100) / 10)
    counts = _fit(customers, preset="vip_shares").assign(customers).counts()
    assert counts.to_dict() == {"VIP": 5, "Important": 15, "Ordinary": 30, "Potential": 50}


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_has_the_four_tiers(preset):
    """All presets name the same tiers, so that one playbook serves them."""
    assert PRESETS[preset].tier_names() == TIERS


def test_any_cut():
    """A cut of one's own replaces the preset, names and all."""
    cut = vt.ThresholdCut((50,), names=("in", "out"))
    scorecard = _fit(FOUR, preset=None, cut=cut)
    assert scorecard.predict(FOUR).tolist() == [0, 0, 0, 1]
    assert scorecard.get_tier_names_out() == ["in", "out"]


def test_a_points_table_steps_at_its_thresholds():
    """From each threshold on its points, as a share of the most points; the order of writing does not matter."""
    customers = _customers([1, 1, 1, 1, 1], [0, 29.9, 30, 90, 1e6])
    for table in ({0: 10, 30: 5, 90: 0}, {90: 0, 0: 10, 30: 5}):
        scorecard = _fit(customers, indicators={"credit": 1}, scale={"credit": table})
        assert scorecard.score_samples(customers).tolist() == [100, 100, 50, 0, 0]


def test_kaism_takes_points_tables_too():
    """A points table has its midpoint between the fewest and the most points."""
    customers = _customers([9, 1], [0, 120])
    kaism = vt.KAISMSegmenter(
        attractiveness={"amount": 1},
        strength={"credit": 1},
        scale={"amount": (0, 10), "credit": {0: 10, 30: 5, 90: 2}},
    ).fit(customers)
    assert kaism.lines_ == (50, 60)
    assert kaism.transform(customers)[:, :2].tolist() == [[90, 100], [10, 20]]


def test_directions():
    """An inverted indicator counts against a customer; recency_days is inverted by default."""
    customers = _customers([5, 5], [0, 10])
    assert np.diff(_fit(customers).score_samples(customers))[0] > 0
    inverted = _fit(customers, lower_is_better=["credit"])
    assert np.diff(inverted.score_samples(customers))[0] < 0
    table = make()
    later = table.assign(recency_days=table["recency_days"] + 100)
    default = vt.ScorecardSegmenter().fit(table)
    assert (default.score_samples(later) <= default.score_samples(table)).all()
    assert default.score_samples(later).mean() < default.score_samples(table).mean()


def test_own_indicators_are_inverted_only_where_asked_for():
    """recency_days among indicators of one's own counts as it is told to."""
    table = make()
    straight = vt.ScorecardSegmenter(indicators={"recency_days": 1}).fit(table)
    inverted = vt.ScorecardSegmenter(indicators={"recency_days": 1}, lower_is_better=["recency_days"])
    total = straight.score_samples(table) + inverted.fit(table).score_samples(table)
    np.testing.assert_allclose(total, 100)


def test_missing_values_are_refused_or_their_weight_goes_to_the_others():
    """The same words and the same arithmetic as in KAISM."""
    customers = _customers([9, 8, 1], [9, np.nan, 1])
    with pytest.raises(vt.InvalidDataError, match=r"credit: 1 of 3 values are missing \(NaN\)"):
        _fit(customers)
    assert _fit(customers, missing="renormalise").score_samples(customers).tolist() == [90, 80, 10]
    nothing = _customers([9, np.nan], [9, np.nan])
    with pytest.raises(vt.InvalidDataError) as caught:
        _fit(nothing, missing="renormalise")
    assert str(caught.value) == (
        "indicators: 1 of 2 values have no rating at all. Rate these customers or drop them."
    )


def test_a_gate_caps_the_tier_and_leaves_the_total():
    """More than 90 days overdue is Ordinary at best: the total, the cut and lower tiers stay."""
    customers = FOUR.assign(overdue_days=[120.0, 90.0, 0.0, 500.0])
    gated, free = _fit(customers, gates=[OVERDUE]), _fit(customers)
    assert gated.predict(customers).tolist() == [ORDINARY, IMPORTANT, ORDINARY, POTENTIAL]
    assert gated.score_samples(customers).tolist() == free.score_samples(customers).tolist()
    assert gated.cut_.thresholds_.tolist() == free.cut_.thresholds_.tolist()
    evidence = dict(zip(gated.get_feature_names_out(), gated.transform(customers).T, strict=True))
    assert evidence["tier_by_total"].tolist() == [0, 1, 2, 3]
    assert evidence["gate"].tolist() == [1, 0, 0, 0]
    assert evidence["amount_points"].tolist() == [90, 70, 50, 10]


def test_gates_do_not_move_a_cut_by_shares():
    """Shares are shares of all customers, whoever a gate strikes."""
    customers = _customers(np.arange(100) / 10, np.arange(100) / 10, overdue_days=[0] * 90 + [120] * 10)
    free, gated = (_fit(customers, preset="vip_shares", gates=gates) for gates in ((), [OVERDUE]))
    assert gated.cut_.thresholds_.tolist() == free.cut_.thresholds_.tolist()
    assert gated.assign(customers).counts().tolist() == [0, 10, 40, 50]


@pytest.mark.parametrize(
    ("comparison", "struck"),
    [(">", [0, 0, 1]), (">=", [0, 1, 1]), ("<", [1, 0, 0]), ("<=", [1, 1, 0]), ("==", [0, 1, 0])],
)
def test_the_comparisons_of_gates(comparison, struck):
    """Each comparison on values below, at and above the gate's."""
    gate = vt.Gate("n", comparison, 5, "Potential")
    assert gate.strikes(np.array([4.0, 5.0, 6.0])).astype(int).tolist() == struck
    assert set(COMPARISONS) == {">", ">=", "<", "<=", "=="}


def test_gates_as_plain_values_and_with_chinese_names():
    """A gate may be a tuple, a mapping, a Gate, or name the tier in Chinese: all the same."""
    customers = FOUR.assign(overdue_days=[120.0, 90.0, 0.0, 500.0])
    expected = _fit(customers, gates=[OVERDUE]).predict(customers).tolist()
    named = dict(zip(("column", "comparison", "value", "best_tier"), OVERDUE, strict=True))
    for gate in (vt.Gate(*OVERDUE), list(OVERDUE), named, (*OVERDUE[:3], "普通客户")):
        assert _fit(customers, gates=[gate]).predict(customers).tolist() == expected


gates = st.lists(
    st.tuples(st.sampled_from(sorted(COMPARISONS)), st.integers(0, 9), st.integers(1, 3)), max_size=4
)


@given(codes=st.lists(st.integers(0, 3), min_size=1, max_size=20), gates=gates, data=st.data())
def test_the_lowest_cap_holds(codes, gates, data):
    """Against a loop: the worst of the tier and the caps that strike, and the first gate with that cap."""
    values = np.array(data.draw(st.lists(st.integers(0, 9), min_size=len(codes), max_size=len(codes))))
    made = [vt.Gate("n", comparison, value, TIERS[cap][0]) for comparison, value, cap in gates]
    caps = [cap for *_, cap in gates]
    found, struck = apply_gates(np.array(codes), {"n": values.astype(float)}, made, caps)
    for code, value, got, number in zip(codes, values, found, struck, strict=True):
        hit = [cap for gate, cap in zip(made, caps, strict=True) if gate.strikes(np.array([value]))[0]]
        assert got == max([code, *hit])
        by_gate = [k for k, gate in enumerate(made, 1) if caps[k - 1] == got and gate.strikes(value)]
        assert number == (by_gate[0] if got > code else 0)


def test_a_gate_may_look_at_an_indicator_and_must_know_it():
    """Missing values of a gate's column are refused even where missing ratings are not."""
    customers = _customers([9, 9], [9, 1], days=[1, 2])
    scorecard = _fit(customers, gates=[("credit", "<", 5, "Potential")])
    assert scorecard.n_features_in_ == 2
    assert scorecard.predict(customers).tolist() == [VIP, POTENTIAL]
    unknown = customers.assign(credit=[9, np.nan])
    with pytest.raises(vt.InvalidDataError, match=r"credit: 1 of 2 values are missing \(NaN\)"):
        _fit(unknown, gates=[("credit", "<", 5, "Potential")], missing="renormalise")


@given(customers=customer_tables(min_size=1), limit=st.integers(0, 400))
def test_a_gate_never_lifts_anybody(customers, limit):
    """With a gate nobody has a better tier than without; those it spares have the same."""
    table = make()
    free = vt.ScorecardSegmenter().fit(table)
    gated = vt.ScorecardSegmenter(gates=[("recency_days", ">", limit, "Potential")]).fit(table)
    without, with_gate = free.predict(customers), gated.predict(customers)
    spared = (customers["recency_days"] <= limit).to_numpy()
    assert (with_gate >= without).all()
    assert with_gate[spared].tolist() == without[spared].tolist()
    assert (with_gate[~spared] == POTENTIAL).all()


NUMBER = r"(-?\d[\d,]*(?:\.\d+)?)"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_sentence_leads_from_the_values_to_the_total(lang):
    """Points and weights in the sentence give its total; values are the customer's."""
    customers = make(60, seed=5)
    scorecard = vt.ScorecardSegmenter(
        indicators={"spend": 3, "orders": 2, "recency_days": 1.5}, lower_is_better=["recency_days"]
    ).fit(make())
    pattern = rf"{NUMBER} → {NUMBER}(?: 分)? × {NUMBER}"
    for row, (_, one) in zip(
        scorecard.explain(customers, lang).itertuples(), customers.iterrows(), strict=True
    ):
        values, points, weights = (
            np.array([float(text.replace(",", "")) for text in column])
            for column in zip(*re.findall(pattern, row.reason), strict=True)
        )
        assert values.tolist() == [one["spend"], one["orders"], one["recency_days"]]
        assert weights.tolist() == [3, 2, 1.5]
        assert points @ weights / weights.sum() == pytest.approx(row.score, rel=1e-5)
        assert f"{'总分' if lang == 'zh' else 'total'} " in row.reason
        assert row.reason.endswith(f"→ {row.tier}")


def test_the_sentence_names_the_gate_and_what_is_unknown():
    """Raw value → points × weight → total → tier, then the gate that struck."""
    customers = _customers([9, 9, 1], [9, np.nan, 5], overdue_days=[120, 0, 120])
    scorecard = _fit(customers, gates=[OVERDUE], missing="renormalise")
    first, second, third = scorecard.explain(customers)["reason"]
    assert first == (
        "amount 9 → 90 × 3; credit 9 → 90 × 1; total 90 (≥ 80) → VIP; "
        "gate: overdue_days 120 > 90 → Ordinary at best"
    )
    assert second == "amount 9 → 90 × 3; credit unknown, not counted; total 90 (≥ 80) → VIP"
    assert third == "amount 1 → 10 × 3; credit 5 → 50 × 1; total 20 (< 40) → Potential"
    first, second, _ = scorecard.explain(customers, "zh")["reason"]
    assert first == (
        "amount：9 → 90 分 × 3；credit：9 → 90 分 × 1；总分 90 (≥ 80) → VIP 客户；"
        "门槛：overdue_days 120 > 90 → 最高只能是普通客户"
    )
    assert second.startswith("amount：9 → 90 分 × 3；credit：未知，不计入；")


def test_a_scorecard_with_tables_and_gates_can_be_stored(tmp_path):
    """Points tables, gates and ratings go to JSON and come back."""
    customers = FOUR.assign(overdue_days=[120.0, 90.0, 0.0, 500.0])
    scale = {"amount": "minmax", "credit": {0: 0, 5: 10}}
    scorecard = _fit(customers, scale=scale, gates=[OVERDUE, vt.Gate("credit", "<", 5, "潜在客户")])
    scorecard.save(tmp_path / "model.json")
    loaded = vt.load(tmp_path / "model.json")
    assert loaded.version() == scorecard.version()
    for lang in ("en", "zh"):
        pd.testing.assert_frame_equal(loaded.explain(customers, lang), scorecard.explain(customers, lang))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_tier_has_actions(preset, lang):
    """The playbook that comes with the kind answers for every customer of every preset."""
    customers = make()
    assignment = vt.ScorecardSegmenter(preset=preset).fit(customers).assign(customers)
    actions = vt.StrategyMapper().map(assignment, lang=lang)
    assert set(actions["customer_id"]) == set(customers["customer_id"])


def test_the_playbook_knows_all_tiers():
    """The tiers of the presets, and the names that cuts give to 2 to 5 levels."""
    domain = set(vt.Playbook.builtin("scorecard").domain["tier"])
    assert {en for en, _ in TIERS} <= domain
    for n_tiers in (2, 3, 4, 5):
        cut = vt.NaturalBreakCut(n_tiers)
        assert {en for en, _ in cut.tier_names()} <= domain


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"indicators": {}}, "indicators must map columns to weights, got {}."),
        ({"indicators": {"amount": 0}}, "indicators['amount'] must be a number > 0, got 0."),
        ({"missing": "drop"}, "missing must be one of ['refuse', 'renormalise'], got 'drop'."),
        (
            {"lower_is_better": ["crdit"]},
            "lower_is_better must be one of ['amount', 'credit'], got 'crdit'. Did you mean 'credit'?",
        ),
        ({"preset": "VIP"}, "preset must be one of ['vip', 'vip_shares'], got 'VIP'."),
        ({"cut": 5}, "cut must be a cut such as ShareCut((0.2, 0.8)), got 5."),
        ({"scale": {"amount": (0, 10)}}, "scale has no entry for 'credit'. It has ['amount']."),
        (
            {"gates": [("credit", "over", 5, "Ordinary")]},
            "comparison must be one of ['>', '>=', '<', '<=', '=='], got 'over'.",
        ),
        ({"gates": [("credit", ">", "5", "Ordinary")]}, "value must be a finite number, got '5'."),
        (
            {"gates": [("credit", ">", 5)]},
            (
                "gates must be a sequence of Gate(column, comparison, value, best_tier) or of such four values, "
                "got [('credit', '>', 5)]."
            ),
        ),
        (
            {"gates": [{"column": "credit", "above": 5}]},
            (
                "gates must be a sequence of Gate(column, comparison, value, best_tier) or of such four values, "
                "got [{'column': 'credit', 'above': 5}]."
            ),
        ),
        (
            {"gates": 7},
            (
                "gates must be a sequence of Gate(column, comparison, value, best_tier) or of such four values, "
                "got 7."
            ),
        ),
        (
            {"gates": [("credit", ">", 5, "VIP")]},
            (
                "best_tier 'VIP' of the gate on 'credit' is the best tier of all, so the gate caps nobody. "
                "Name a lower one."
            ),
        ),
        (
            {"gates": [("credit", ">", 5, "Ordinry")]},
            (
                "best_tier must be one of ['VIP', 'VIP 客户', 'Important', '重要客户', 'Ordinary', '普通客户', "
                "'Potential', '潜在客户'], got 'Ordinry'. Did you mean 'Ordinary'?"
            ),
        ),
    ],
)
def test_parameters_that_cannot_work_are_refused(params, message):
    """Each message has the parameter, the need, the value and a near miss."""
    with pytest.raises(vt.InvalidParameterError) as caught:
        _fit(FOUR, **params)
    assert str(caught.value) == message
