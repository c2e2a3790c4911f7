"""Loyalty tiers: lines, what is missing to the next one, and the way from orders to tiers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import valuetier as vt
from tests.segmenters.customer_tables import customer_tables, make
from valuetier.segmenters.loyalty import SHARES, TIERS

LINES = (10_000, 5_000, 1_000)
POINTS = "qualifying_points"


def _members(*points) -> pd.DataFrame:
    return pd.DataFrame({POINTS: points}, dtype=np.float64)


def _fit(members: pd.DataFrame, **params) -> vt.LoyaltySegmenter:
    return vt.LoyaltySegmenter(**{"value": POINTS, "thresholds": LINES, **params}).fit(members)


def _evidence(loyalty, members) -> dict[str, list[float]]:
    return dict(zip(loyalty.get_feature_names_out(), loyalty.transform(members).T.tolist(), strict=True))


MEMBERS = _members(12_000, 10_000, 9_999, 5_000, 1_000, 999, 0, -40)


def test_four_tiers_at_the_lines_that_members_are_told():
    """Who reaches a line is in its tier; the names come in two languages."""
    loyalty = _fit(MEMBERS)
    assert loyalty.predict(MEMBERS).tolist() == [0, 0, 1, 1, 2, 3, 3, 3]
    assert loyalty.get_tier_names_out() == ["Diamond", "Platinum", "Gold", "Standard"]
    assert loyalty.get_tier_names_out("zh") == ["钻石", "铂金", "金卡", "普通"]
    assert loyalty.score_samples(MEMBERS).tolist() == MEMBERS[POINTS].tolist()


def test_the_evidence_says_how_far_the_lines_are():
    """What is missing to the next tier, and what could be lost of one's own; 0 where there is no such line."""
    found = _evidence(_fit(MEMBERS), MEMBERS)
    assert list(found) == [POINTS, "to_next_tier", "above_own_line"]
    assert found["to_next_tier"] == [0, 0, 1, 5_000, 4_000, 1, 1_000, 1_040]
    assert found["above_own_line"] == [2_000, 0, 4_999, 0, 0, 0, 0, 0]


@given(points=st.lists(st.integers(-100, 20_000), min_size=2, max_size=20))
def test_what_is_missing_is_just_enough(points):
    """With the missing points a member is in the next tier, with one less it is not."""
    members = _members(*points)
    loyalty = _fit(members)
    codes, missing = loyalty.predict(members), np.array(_evidence(loyalty, members)["to_next_tier"])
    below = codes > 0
    assert (missing[below] > 0).all()
    assert (missing[~below] == 0).all()
    raised = loyalty.predict(members[below].add(missing[below], axis=0)) if below.any() else codes[below]
    assert raised.tolist() == (codes[below] - 1).tolist()
    if below.any():
        assert (
            loyalty.predict(members[below].add(missing[below] - 1, axis=0)).tolist() == codes[below].tolist()
        )


@given(customers=customer_tables(min_size=2))
def test_more_spend_never_leads_to_a_lower_tier(customers):
    """The tiers are in the order of the column."""
    loyalty = vt.LoyaltySegmenter().fit(make())
    order = np.argsort(-customers["spend"].to_numpy(), kind="stable")
    assert (np.diff(loyalty.predict(customers)[order]) >= 0).all()


def test_without_lines_they_are_learned_by_shares():
    """1, 4, 15 and 80 % of the customers on the plain customer table; the lines are visible."""
    customers = make(2_000, seed=3)
    loyalty = vt.LoyaltySegmenter().fit(customers)
    shares = np.bincount(loyalty.predict(customers), minlength=4) / len(customers)
    np.testing.assert_allclose(shares, SHARES, atol=0.005)
    again = vt.LoyaltySegmenter(thresholds=tuple(loyalty.cut_.thresholds_)).fit(customers)
    assert again.predict(customers).tolist() == loyalty.predict(customers).tolist()


def test_other_tiers_by_a_cut_of_ones_own():
    """Any cut draws the lines; its names are the tiers."""
    cut = vt.ThresholdCut((100,), names=(("Member", "会员"), ("Guest", "访客")))
    loyalty = _fit(_members(100, 99), thresholds=None, cut=cut)
    assert loyalty.assign(_members(100, 99)).to_frame("zh")["tier"].tolist() == ["会员", "访客"]


def test_the_sentence_names_what_is_missing():
    """Points, spend or any other column, in both languages; the best tier has no next one."""
    loyalty = _fit(MEMBERS)
    assert loyalty.explain(_members(3_750, 12_000, 0))["reason"].tolist() == [
        "qualifying_points 3,750 (≥ 1,000, < 5,000) → Gold; 1,250 points to Platinum",
        "qualifying_points 12,000 (≥ 10,000) → Diamond; the best tier",
        "qualifying_points 0 (< 1,000) → Standard; 1,000 points to Gold",
    ]
    assert loyalty.explain(_members(3_750, 12_000), "zh")["reason"].tolist() == [
        "定级积分：3,750 (≥ 1,000，< 5,000) → 金卡；再积 1,250 分升为铂金",
        "定级积分：12,000 (≥ 10,000) → 钻石；已是最高层级",
    ]
    for column, english, chinese in (
        ("spend", "; 999 more spend to Gold", "；再消费 999 升为金卡"),
        ("nights", "; 999 more to Gold", "；再增加 999 升为金卡"),
    ):
        table = pd.DataFrame({column: [1.0, 2_000.0]})
        other = _fit(table, value=column)
        assert other.explain(table)["reason"][0] == f"{column} 1 (< 1,000) → Standard{english}"
        assert other.explain(table, "zh")["reason"][0].endswith(f"→ 普通{chinese}")


def test_of_tiers_that_share_a_line_the_best_is_named():
    """Where equal customers leave a tier empty, the missing points lead past it, and the sentence says so."""
    members = _members(*[50] * 3, *[10] * 97)
    loyalty = _fit(members, thresholds=None)
    assert loyalty.cut_.thresholds_.tolist() == [50, 50, 50]
    assert loyalty.explain(_members(10))["reason"][0] == (
        "qualifying_points 10 (< 50) → Standard; 40 points to Diamond"
    )
    assert loyalty.predict(_members(50)).tolist() == [0]


def test_from_orders_over_points_to_tiers():
    """The programme's balances are a table of members: qualifying points make the tiers."""
    orders = vt.datasets.load_cdnow_orders()
    programme = vt.LoyaltyProgramme(points_per_unit=10)
    members = programme.balances(orders, as_of="1998-06-30")
    assignment = _fit(members, thresholds=(20_000, 8_000, 2_000)).assign(members)
    year = orders[orders["date"] > "1997-06-30"]
    cents = np.floor((year["amount"] * 1000).round() / 100).groupby(year["customer_id"]).sum()
    expected = cents.reindex(assignment.ids, fill_value=0)
    assert assignment.scores.tolist() == expected.tolist()
    assert assignment.counts().to_dict() == {
        "Diamond": int((expected >= 20_000).sum()),
        "Platinum": int(((expected >= 8_000) & (expected < 20_000)).sum()),
        "Gold": int(((expected >= 2_000) & (expected < 8_000)).sum()),
        "Standard": int((expected < 2_000).sum()),
    }


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"thresholds": (100, 10)},
            (
                "thresholds must be 3, for Diamond, Platinum, Gold, got (100, 10). For other tiers pass "
                "cut=ThresholdCut(thresholds, names=...)."
            ),
        ),
        (
            {"thresholds": (1, 2, 3)},
            "thresholds must decrease, the best tier's first, got (1, 2, 3).",
        ),
        (
            {"cut": vt.ShareCut((0.5, 0.5))},
            "thresholds and cut both draw the lines. Leave one of them out.",
        ),
        (
            {"thresholds": None, "cut": 4},
            "cut must be a cut such as ShareCut((0.2, 0.8)), got 4.",
        ),
    ],
)
def test_parameters_that_cannot_work_are_refused(params, message):
    """Each message has the parameter, the need and the value."""
    with pytest.raises(vt.InvalidParameterError) as caught:
        _fit(MEMBERS, **params)
    assert str(caught.value) == message


def test_the_playbook_names_every_tier():
    """Each tier has actions of its own, with what the programme owes marked as contractual."""
    book = vt.Playbook.builtin("loyalty")
    levels = {en for n_tiers in (2, 3, 4, 5) for en, _ in vt.NaturalBreakCut(n_tiers).tier_names()}
    assert set(book.domain["tier"]) == {en for en, _ in TIERS} | levels
    assignment = _fit(MEMBERS).assign(MEMBERS)
    for lang in ("en", "zh"):
        actions = vt.StrategyMapper().map(assignment, lang=lang)
        assert actions.groupby("customer_id").size().min() >= 3
        assert actions.groupby("customer_id")["contractual"].any().all()
